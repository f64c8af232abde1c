// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Large reads", .timeLimit(.minutes(5)))
struct LargeReadTests {
    @Test(
        "more than usual is read at once only if there is room for it",
        arguments: EventLoop.Kind.allCases, Link.available)
    func sinks(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        var random = SeededGenerator(seed: 21)
        let sent = random.bytes(3 * ReceiveBuffer.usualRead)
        for sink in Sink.allCases {
            let (raw, far) = try link.join()
            let (sinkRaw, sinkFar) = try link.join()
            let near = try await Near(raw, on: loop)
            let target = try await Near(sinkRaw, on: loop)
            try await near.run { $0.transport.pauseReading() }
            try far.write(sent)
            far.shutDownWriting()
            if sink == .full { _ = try await target.fill() }
            let sinkTransport = try await target.run { loop.bind($0.transport) }
            try await near.run { recorder in
                if sink != .none { recorder.sink = sinkTransport.assumeOnLoop { $0 } }
                recorder.transport.resumeReading()
            }
            #expect(try await near.ended() == .end)
            let (received, log) = try await near.run { ($0.received, $0.log) }
            #expect(received == sent)
            let sizes = log.compactMap { if case .bytes(let count) = $0 { count } else { nil } }
            if sink == .roomy {
                #expect(sizes.first ?? 0 > ReceiveBuffer.usualRead)
            } else {
                let room = sink == .full ? try await target.run { $0.transport.writeRoom } : 0
                #expect(sizes.max() ?? .max <= max(ReceiveBuffer.usualRead, room))
            }
            try await near.run { $0.sink = nil }
            try await near.close()
            try await target.close()
            withExtendedLifetime(sinkFar) {}
        }
    }

    @Test(
        "what arrives right after a full read is reported next", arguments: EventLoop.Kind.allCases, [true, false])
    func afterFullRead(kind: EventLoop.Kind, isReset: Bool) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try Link.v4.join()
        let (sinkRaw, sinkFar) = try Link.v4.join()
        let near = try await Near(raw, on: loop)
        let target = try await Near(sinkRaw, on: loop)
        let sinkTransport = try await target.run { loop.bind($0.transport) }
        try await near.run { recorder in
            recorder.transport.pauseReading()
            recorder.sink = sinkTransport.assumeOnLoop { $0 }
        }
        try far.write([UInt8](repeating: 5, count: ReceiveBuffer.usualRead))
        if isReset { far.reset() } else { far.close() }
        try await settle(loop)
        try await near.run { $0.transport.resumeReading() }
        #expect(try await near.ended() == (isReset ? .failed(ECONNRESET) : .end))
        #expect(try await near.run { $0.received.count } == ReceiveBuffer.usualRead)
        try await near.run { $0.sink = nil }
        try await near.close()
        try await target.close()
        withExtendedLifetime(sinkFar) {}
    }

    @Test("a socket has the room that it reports, and a full one reports none", arguments: Link.available)
    func room(link: Link) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        let (room, outcome) = try await near.run { recorder in
            let room = recorder.transport.writeRoom
            let bytes = [UInt8](repeating: 1, count: room)
            return (room, recorder.transport.write(bytes.span))
        }
        #expect(room > ReceiveBuffer.usualRead)
        #expect(outcome == .wrote(room))
        let taken = try await near.fill()
        // TCP over IPv6 refuses while some of its buffer is left.
        #expect(try await near.run { $0.transport.writeRoom } < taken / 8)
        try await near.close()
        #expect(try await near.run { $0.transport.writeRoom } == 0)
        withExtendedLifetime(far) {}
    }

    enum Sink: CaseIterable, Sendable {
        case none, roomy, full
    }
}

extension Near {
    /// Writes until the socket takes no more, without a reader. Returns how much it took.
    func fill() async throws -> Int {
        var taken = 0
        // TCP's buffers grow, and drain into the peer's, a little later: full means that it stays so.
        var fullTimes = 0
        while fullTimes < 3 {
            let more = try await fillOnce()
            taken += more
            fullTimes = more == 0 ? fullTimes + 1 : 0
            try await settle(loop)
        }
        return taken
    }

    private func fillOnce() async throws -> Int {
        try await run { recorder in
            let chunk = [UInt8](repeating: 1, count: 65536)
            var taken = 0
            while case .wrote(let count) = recorder.transport.write(chunk.span), count > 0 { taken += count }
            return taken
        }
    }
}
