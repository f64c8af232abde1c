// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Back pressure", .timeLimit(.minutes(5)))
struct BackPressureTests {
    @Test(
        "pausing and resuming at random loses, repeats and reorders nothing",
        arguments: EventLoop.Kind.allCases, Link.available)
    func pauses(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        var random = SeededGenerator(seed: 11)
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try await near.run { recorder in
            var random = SeededGenerator(seed: 12)
            recorder.buffer = ReceiveBuffer(capacity: 4096)
            let resume: (Recorder) -> Void = { $0.transport.resumeReading() }
            let alarm = loop.makeTimer { [unowned recorder] in resume(recorder) }
            recorder.reaction = { recorder, event in
                guard case .bytes = event else { return }
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    recorder.transport.pauseReading()
                    loop.afterEvent { resume(recorder) }
                case 1:
                    recorder.transport.pauseReading()
                    loop.nextTurn { resume(recorder) }
                case 2:
                    recorder.transport.pauseReading()
                    alarm.set(loop.now.advanced(by: .milliseconds(1)))
                case 3:
                    // Back and forth within one event.
                    recorder.transport.pauseReading()
                    recorder.transport.resumeReading()
                    recorder.transport.pauseReading()
                    recorder.transport.resumeReading()
                default: break
                }
            }
        }
        let sent = random.bytes(600_000)
        try await onThread { [random] in
            var random = random
            var rest = sent[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...20_000, using: &random)
                try far.write(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            far.shutDownWriting()
        }
        #expect(try await near.ended() == .end)
        let received = try await near.run { $0.received }
        #expect(received.count == sent.count)
        #expect(received == sent)
        try await near.close()
    }

    @Test(
        "while reading is paused nothing is read, and the peer is held back", arguments: EventLoop.Kind.allCases,
        Link.available)
    func heldBack(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try await near.run { $0.transport.pauseReading() }
        // More than both kernel buffers hold: sending it requires a reader.
        let sent = [UInt8](repeating: 3, count: 24 << 20)
        _ = fcntl(far.raw, F_SETFL, O_NONBLOCK)
        var taken = 0
        while taken < sent.count {
            let count = unsafe send(far.raw, sent, min(1 << 20, sent.count - taken), Int32(MSG_NOSIGNAL))
            guard count > 0 else { break }
            taken += count
        }
        #expect(taken < sent.count)
        try await settle(loop)
        #expect(try await near.run { $0.received.isEmpty && $0.log.isEmpty })
        try await near.run { $0.transport.resumeReading() }
        far.shutDownWriting()
        #expect(try await near.ended() == .end)
        #expect(try await near.run { $0.received.count } == taken)
        try await near.close()
    }

    @Test(
        "bytes and an end that arrive during a pause are reported after it", arguments: EventLoop.Kind.allCases,
        Link.available)
    func toldAfterPause(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try await near.run { $0.transport.pauseReading() }
        try far.write([1, 2])
        far.shutDownWriting()
        try await settle(loop)
        #expect(try await near.run { $0.received } == [])
        try await near.run { recorder in
            recorder.transport.resumeReading()
            #expect(recorder.received == [], "not within the call")
        }
        #expect(try await near.ended() == .end)
        #expect(try await near.run { $0.received } == [1, 2])
        try await near.close()
    }

    @Test("while reading is paused a close by the peer is reported", arguments: Link.available)
    func peerClosedWhilePaused(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try await near.run { $0.transport.pauseReading() }
        try far.write([1])
        try await settle(loop)
        #expect(try await near.run { $0.log } == [], "bytes are no end")
        far.shutDownWriting()
        #expect(try await near.events.next() == .peerClosed(failed: false))
        far.close()
        if link == .unix || link == .socketPair {
            // For TCP a close after a half-close is detected only by sending.
            #expect(try await near.events.next() == .peerClosed(failed: true))
        }
        try await near.run { $0.transport.resumeReading() }
        #expect(try await near.ended() == .end)
        #expect(try await near.run { $0.received } == [1])
        try await near.close()
    }

    @Test("while reading is paused a reset is reported as a failure", arguments: Link.overIP)
    func resetWhilePaused(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try await near.run { $0.transport.pauseReading() }
        far.reset()
        #expect(try await near.events.next() == .peerClosed(failed: true))
        try await near.close()
    }

    @Test(
        "a full socket takes no more, and its owner is notified once when there is room",
        arguments: EventLoop.Kind.allCases, Link.available)
    func room(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        let taken = try await near.fill()
        try await near.run { recorder in
            recorder.transport.awaitWritable()
            recorder.transport.awaitWritable()
        }
        try await settle(loop)
        #expect(try await near.run { $0.log } == [], "there is no room yet")
        let received = try await onThread { try far.read(exactly: taken) }
        #expect(received.count == taken)
        #expect(try await near.events.next() == .writable)
        try await settle(loop)
        #expect(try await near.run { $0.log } == [.writable])
        // A second request is answered at once while there is room.
        try await near.run { $0.transport.awaitWritable() }
        #expect(try await near.events.next() == .writable)
        try await near.close()
    }

    @Test(
        "a large body is sent completely through a slow reader, in pieces of any size",
        arguments: EventLoop.Kind.allCases, Link.available)
    func largeBody(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        var size: Int32 = 16384
        unsafe setsockopt(raw, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        let near = try await Near(raw, on: loop)
        var random = SeededGenerator(seed: 13)
        let body = random.bytes(1_000_000)
        let asked = loop.bind(Journal<Int>())
        try await near.run { [random] recorder in
            var random = random
            var position = 0
            func goOn(_ transport: SocketTransport) {
                while position < body.count {
                    let rest = body.span.extracting(position...)
                    let ends = (0..<3).map { _ in Int.random(in: 0...min(40_000, rest.count), using: &random) }.sorted()
                    guard ends[2] > 0 else { continue }
                    let outcome = transport.write(
                        rest.extracting(0..<ends[0]), rest.extracting(ends[0]..<ends[1]),
                        rest.extracting(ends[1]..<ends[2]))
                    guard case .wrote(let count) = outcome else { return transport.close(abruptly: true) }
                    position += count
                    if count < ends[2] {
                        asked.assumeOnLoop { $0.entries.append(position) }
                        return transport.awaitWritable()
                    }
                }
                transport.shutDownWriting()
            }
            recorder.reaction = { recorder, event in
                if event == .writable { goOn(recorder.transport) }
            }
            goOn(recorder.transport)
        }
        let received = try await onThread { [random] in
            var random = random
            var received: [UInt8] = []
            while true {
                let piece = try far.read(Int.random(in: 1...30_000, using: &random))
                if piece.isEmpty { return received }
                received += piece
            }
        }
        #expect(received.count == body.count)
        #expect(received == body)
        let (log, times) = try await near.run { recorder in (recorder.log, asked.assumeOnLoop { $0.entries.count }) }
        #expect(times > 0, "the socket was never full")
        #expect(log == Array(repeating: .writable, count: times), "told as often as asked")
        try await near.close()
    }
}
