// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Splicing", .timeLimit(.minutes(5)))
struct SpliceTests {
    /// A source whose reading is paused, and a sink, on one loop.
    private struct Pair {
        let loop: EventLoop
        let source: Near
        let from: Peer
        let sink: Near
        let into: Peer

        init(_ link: Link, _ sinkLink: Link, on loop: EventLoop) async throws {
            self.loop = loop
            let (raw, from) = try link.join()
            let (sinkRaw, into) = try sinkLink.join()
            (self.from, self.into) = (from, into)
            source = try await Near(raw, on: loop)
            sink = try await Near(sinkRaw, on: loop)
            try await source.run { $0.transport.pauseReading() }
        }

        /// One step, with what the sink did not take.
        func splice(_ most: Int = .max) async throws -> (SpliceOutcome, rest: [UInt8]) {
            let target = try await sink.run { loop.bind($0.transport) }
            return try await source.run { recorder in
                var rest: [UInt8] = []
                let outcome = recorder.transport.splice(to: target.assumeOnLoop { $0 }, atMost: most) { bytes in
                    unsafe bytes.withUnsafeBytes { unsafe rest.append(contentsOf: $0) }
                }
                return (outcome, rest)
            }
        }

        func read() async throws -> ReadOutcome {
            try await source.run { recorder in
                recorder.transport.loop.withReceiveBuffer { recorder.transport.read(into: $0) }
            }
        }

        func close() async throws {
            try await source.close()
            try await sink.close()
        }
    }

    @Test("bytes pass unchanged, at most as many as wanted", arguments: Link.available, Link.available)
    func passes(link: Link, sinkLink: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let pair = try await Pair(link, sinkLink, on: loop)
        var random = SeededGenerator(seed: 4)
        let (sent, most) = (random.bytes(150_000), 100_000)
        async let written: Void = onThread { try pair.from.write(sent) }
        var passed = 0
        // As the bytes arrive, and as long as the sink has room.
        while most - passed >= SplicePipe.leastCount {
            let (outcome, rest) = try await pair.splice(most - passed)
            #expect(rest.isEmpty)
            if outcome == .unavailable { break }
            passed += outcome.taken
        }
        #expect(passed > 0 && passed <= most)
        // Fewer are not worthwhile.
        #expect(try await pair.splice(SplicePipe.leastCount - 1).0 == .unavailable)
        #expect(try pair.into.read(exactly: passed) == Array(sent[..<passed]))
        // The others are still to be read.
        try await pair.source.run { $0.transport.resumeReading() }
        #expect(try await pair.source.received(sent.count - passed) == Array(sent[passed...]))
        try await written
        try await pair.close()
    }

    @Test("a sink without room loses nothing", arguments: Link.available)
    func noRoom(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let pair = try await Pair(link, link, on: loop)
        _ = try await pair.sink.fill()
        try pair.from.write([UInt8](repeating: 3, count: 1000))
        switch try await pair.splice() {
        case (.unavailable, _): #expect(try await pair.read() == .bytes(1000, more: false))
        // TCP may refuse while some of its buffer is left.
        case (let outcome, let rest): #expect(outcome == .moved(1000, left: rest.count, more: true))
        }
        try await pair.close()
    }

    @Test("what the socket does not take is read from the pipe, in order, and the pipe is empty again")
    func shortSplice() async throws {
        let (raw, from) = try Link.v4.join()
        let (sinkRaw, into) = try Link.v4.join()
        let source = FileDescriptor(owning: raw)
        let sink = FileDescriptor(owning: sinkRaw)
        var random = SeededGenerator(seed: 5)
        let buffer = ReceiveBuffer()
        let pipe = try SplicePipe()
        var (sent, received): ([UInt8], [UInt8]) = ([], [])
        var rest: [UInt8] = []
        // Nobody reads at the other end.
        while rest.isEmpty {
            let piece = random.bytes(SplicePipe.leastCount)
            try from.write(piece)
            sent += piece
            var left = piece.count
            while left > 0 {
                var waiter = pollfd(fd: source.raw, events: Int16(POLLIN), revents: 0)
                _ = unsafe poll(&waiter, 1, 10_000)
                guard case .bytes(let count) = pipe.fill(from: source.raw, atMost: left) else { break }
                left -= count
                let outcome = pipe.empty(count, into: sink.raw, by: buffer) { bytes in
                    unsafe bytes.withUnsafeBytes { unsafe rest.append(contentsOf: $0) }
                }
                guard case .moved(count, let kept, true) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                if kept > 0, rest.count == kept { received = try into.read(exactly: sent.count - left - kept) }
            }
            #expect(left == 0)
        }
        // After it, further steps add to the rest or pass: here one step at most was short.
        #expect(pipe.isUsable)
        #expect(Array(sent.prefix(received.count)) == received)
        #expect(sent.dropFirst(received.count).starts(with: rest))
    }

    @Test("an end is found by the next read, and bytes before it pass first", arguments: Link.available)
    func end(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let pair = try await Pair(link, link, on: loop)
        try pair.from.write([UInt8](repeating: 9, count: 1000))
        pair.from.shutDownWriting()
        #expect(try await pair.splice().0 == .moved(1000, left: 0, more: true))
        #expect(try await pair.splice().0 == .unavailable)
        #expect(try await pair.read() == .end)
        #expect(try pair.into.read(exactly: 1000).count == 1000)
        try await pair.close()
    }

    @Test("a reset of the source is an error of the next read, never an end")
    func sourceReset() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let pair = try await Pair(.v4, .v4, on: loop)
        pair.from.reset()
        #expect(try await pair.splice().0 == .unavailable)
        #expect(try await pair.splice().0 == .unavailable)
        #expect(try await pair.read() == .failed(ECONNRESET))
        try await pair.close()
    }

    @Test("nothing to read is no end")
    func empty() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let pair = try await Pair(.v4, .v4, on: loop)
        #expect(try await pair.splice().0 == .moved(0, left: 0, more: false))
        try await pair.close()
    }

    @Test("bytes for a broken sink are dropped, and reach no other connection", arguments: Link.overIP)
    func sinkReset(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let pair = try await Pair(link, link, on: loop)
        pair.into.reset()
        // The sink's own failure is found by a write only.
        try await settle(loop)
        try pair.from.write([UInt8](repeating: 1, count: 1000))
        #expect(try await pair.splice().0 == .broken(1000))
        let other = try await Pair(link, link, on: loop)
        try other.from.write([UInt8](repeating: 2, count: 1000))
        #expect(try await other.splice().0 == .moved(1000, left: 0, more: true))
        #expect(try other.into.read(exactly: 1000) == [UInt8](repeating: 2, count: 1000))
        try await pair.close()
        try await other.close()
    }

    @Test("without descriptors for a pipe bytes are read, and for some time no pipe is asked for")
    func noDescriptors() async {
        await #expect(processExitsWith: .success) {
            let loop = EventLoop(.batched)
            try await settle(loop)
            let pair = try await Pair(.v4, .v4, on: loop)
            try pair.from.write([UInt8](repeating: 1, count: 1000))
            let limit = DescriptorLimit()
            limit.allow(1)
            #expect(try await pair.splice().0 == .unavailable)
            #expect(try await pair.read() == .bytes(1000, more: false))
            limit.restore()
            try pair.from.write([UInt8](repeating: 1, count: 1000))
            #expect(try await pair.splice().0 == .unavailable)
            #expect(try await pair.read() == .bytes(1000, more: false))
            loop.shutDown()
        }
    }
}
