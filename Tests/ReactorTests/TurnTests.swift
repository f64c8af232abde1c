// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("A turn of the loop is bounded in bytes", .timeLimit(.minutes(5)))
struct TurnTests {
    @Test("the total is divided among the connections that moved much in the turn before")
    func share() {
        let rows: [(users: Int, bytes: Int)] = [
            (0, TurnShare.most), (1, TurnShare.most), (16, TurnShare.most), (32, TurnShare.total / 32),
            (100, TurnShare.total / 100), (128, TurnShare.least), (10_000, TurnShare.least), (0, TurnShare.most),
        ]
        var share = TurnShare()
        for row in rows {
            for _ in 0..<row.users { share.join() }
            share.turnEnded()
            #expect(share.bytes == row.bytes, "\(row.users)")
        }
    }

    /// Reads by turns, and notes which turn each piece came in.
    private final class Reader: TransportOwner {
        let transport: SocketTransport
        var pieces: [(turn: UInt32, count: Int)] = []
        var sink: Transport?
        /// Reading is paused after each piece, and resumed within the same event.
        var isPausing = false
        private let ended: Mailbox<Void>

        init(_ transport: SocketTransport, _ ended: Mailbox<Void>) {
            self.transport = transport
            self.ended = ended
            transport.owner = self
        }

        func transportReadable() {
            let end = transport.readTurn(while: { true }, boundFor: { sink }) { piece in
                pieces.append((transport.loop.turn, piece.count))
                guard isPausing else { return }
                transport.pauseReading()
                transport.loop.afterEvent { [self] in transport.resumeReading() }
            }
            if end != .nothingNow { ended.send() }
        }

        func transportWritable() {}
        func transportPeerClosed(failed: Bool) {}

        var total: Int { pieces.reduce(0) { $0 + $1.count } }

        var mostInOneTurn: Int {
            Dictionary(grouping: pieces, by: \.turn).values.map { $0.reduce(0) { $0 + $1.count } }.max() ?? 0
        }
    }

    @Test(
        "one connection reads its share at most, however its reading is resumed",
        arguments: EventLoop.Kind.allCases, [true, false])
    func oneConnection(kind: EventLoop.Kind, isPausing: Bool) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let ended = Mailbox<Void>()
        let (raw, far) = try Link.v4.join()
        let (sinkRaw, sinkFar) = try Link.v4.join()
        let sink = try await Near(sinkRaw, on: loop)
        let sinkTransport = try await sink.run { loop.bind($0.transport) }
        let reader = try await loop.run {
            let reader = Reader(try SocketTransport(connected: FileDescriptor(owning: raw), loop: loop), ended)
            reader.transport.pauseReading()
            reader.sink = sinkTransport.assumeOnLoop { $0 }
            reader.isPausing = isPausing
            return loop.bind(reader)
        }
        // As much as the kernel takes without a reader, so that each turn finds more than its share.
        let sent = try await onThread { () -> Int in
            _ = fcntl(far.raw, F_SETFL, O_NONBLOCK)
            let bytes = [UInt8](repeating: 7, count: 1 << 20)
            var sent = 0
            while true {
                let count = unsafe send(far.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                guard count > 0 else { break }
                sent += count
            }
            far.shutDownWriting()
            return sent
        }
        #expect(sent > 2 * TurnShare.most)
        try await loop.run { reader.assumeOnLoop { $0.transport.resumeReading() } }
        try await ended.next()
        let (total, most) = try await loop.run { reader.assumeOnLoop { ($0.total, $0.mostInOneTurn) } }
        #expect(total == sent)
        // The last read of a turn may begin just below the share.
        #expect(most < 2 * TurnShare.most)
        try await loop.run {
            reader.assumeOnLoop {
                $0.sink = nil
                $0.transport.close()
            }
        }
        try await sink.close()
        withExtendedLifetime(sinkFar) {}
    }

    /// With a source for each socket, the order of events is Dispatch's.
    @Test("others have their turn while one connection reads")
    func others() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let ended = Mailbox<Void>()
        let pairs = try (0..<4).map { _ in try Link.v4.join() }
        let readers = try await loop.run {
            try pairs.map { pair in
                let transport = try SocketTransport(connected: FileDescriptor(owning: pair.near), loop: loop)
                let reader = Reader(transport, ended)
                transport.pauseReading()
                return loop.bind(reader)
            }
        }
        for pair in pairs {
            try await onThread {
                _ = fcntl(pair.far.raw, F_SETFL, O_NONBLOCK)
                let bytes = [UInt8](repeating: 7, count: 1 << 20)
                while unsafe send(pair.far.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {}
                pair.far.shutDownWriting()
            }
        }
        try await loop.run { for reader in readers { reader.assumeOnLoop { $0.transport.resumeReading() } } }
        for _ in pairs { try await ended.next() }
        let turns = try await loop.run { readers.map { $0.assumeOnLoop { $0.pieces.map(\.turn) } } }
        let first = turns.compactMap(\.first)
        let last = turns.compactMap(\.last)
        // Each began before another one had finished.
        #expect((first.max() ?? .max) < (last.min() ?? 0))
        try await loop.run { for reader in readers { reader.assumeOnLoop { $0.transport.close() } } }
    }
}
