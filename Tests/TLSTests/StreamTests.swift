// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import TLS
import TestSupport
import Testing

@Suite("Encrypted streams", .timeLimit(.minutes(5)))
struct StreamTests {
    @Test(
        "all data arrives, in any sizes, with full sockets and pauses",
        arguments: [1, 100, 16_384, 16_385, 20_000, .max], [0, 1, 5000, 100_000])
    func transfer(step: Int, pausesEach: Int) async throws {
        for kind in EventLoop.Kind.allCases {
            let pair = try await Pair(server("ec"), client(), kind: kind, sendBuffer: 4608)
            // A step of a byte makes records of all three pieces, with few bytes.
            let count = step == 1 ? 3000 : 700_000
            let (up, down) = (Self.bytes(count, seed: 1), Self.bytes(count + 1, seed: 2))
            try await pair.run { state in
                state.client?.pausesEach = pausesEach
                state.server?.pausesEach = pausesEach
                state.client?.send(up, step: step, thenEnds: true)
                state.server?.send(down, step: step, thenEnds: true)
            }
            try await pair.wait { $0.server?.ending != nil && $0.client?.ending != nil }
            let (atServer, atClient) = try await pair.run { ($0.server?.received ?? [], $0.client?.received ?? []) }
            #expect(SHA256.hash(atServer.span) == SHA256.hash(up.span))
            #expect(SHA256.hash(atClient.span) == SHA256.hash(down.span))
            #expect(try await pair.run { $0.server?.ending } == .end)
            #expect(try await pair.run { $0.client?.ending } == .end)
            try await pair.close()
        }
    }

    @Test("an end is an end, and what was cut off is a failure for who must know")
    func ends() async throws {
        for (closesServer, abruptly, ending) in [
            (true, false, .end), (true, true, .failed), (false, false, .end),
            // Requests are framed: a browser that closes without close_notify is not an error.
            (false, true, .end),
        ] as [(Bool, Bool, End.Ending)] {
            let pair = try await Pair(server("ec"), client())
            try await pair.run { state in
                let end = closesServer ? state.server : state.client
                end?.send([1, 2, 3])
                end?.transport.close(abruptly: abruptly)
            }
            try await pair.wait { ($0.client?.ending ?? $0.server?.ending) != nil }
            let seen = try await pair.run { state in
                let end = closesServer ? state.client : state.server
                return (end?.ending, end?.received)
            }
            #expect(seen.0 == ending)
            #expect(seen.1 == [1, 2, 3])
            try await pair.close()
        }
    }

    @Test("closing with unsent bytes sends no close_notify")
    func cutOff() async throws {
        let pair = try await Pair(server("ec"), client())
        try await pair.run { state in
            state.client?.transport.pauseReading()
            state.server?.send([UInt8](repeating: 7, count: 20_000_000))
            // There is room again for encrypted bytes, but no event has reported it.
            state.client?.transport.resumeReading()
            for _ in 0..<100 { state.client?.transportReadable() }
            state.server?.transport.close()
        }
        try await pair.wait { $0.client?.ending != nil }
        #expect(try await pair.run { $0.client?.ending } == .failed)
        try await pair.close()
    }

    @Test("bytes already in libssl are reported after a pause")
    func pending() async throws {
        for kind in EventLoop.Kind.allCases {
            let pair = try await Pair(server("ec"), client(), kind: kind)
            let sent = Self.bytes(50_000, seed: 3)
            try await pair.run { state in
                state.server?.pausesEach = 1
                state.client?.send(sent)
            }
            try await pair.wait { $0.server?.received.count == 50_000 }
            #expect(try await pair.run { $0.server?.received } == sent)
            try await pair.close()
        }
    }

    @Test("a closed transport neither reads nor writes, and is released")
    func closed() async throws {
        let pair = try await Pair(server("ec"), client())
        let isReleased = try await pair.run { state in
            weak let client = state.transports.first
            let transport = state.transports.first
            transport?.close()
            transport?.close()
            guard case .failed = transport?.write([1].span) else { return false }
            let outcome = transport?.loop.withReceiveBuffer { transport?.read(into: $0) }
            guard case .failed = outcome else { return false }
            state.transports = []
            state.client = nil
            return client != nil
        }
        #expect(isReleased)
        try await pair.wait { $0.server?.ending == .end }
        try await pair.close()
    }

    /// The same for each seed, and incompressible.
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed &* 0x9e37_79b9_7f4a_7c15
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }
}
