// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Testing

/// RFC 9113 §10.5: operations that cost Sidegate more than the peer are limited.
@Suite("A flood ends the connection with ENHANCE_YOUR_CALM")
struct FloodTests {
    struct Flood: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// The frames of one round; each round has its own stream ID.
        var frames: @Sendable (UInt32) -> [UInt8]
        var before: [UInt8] = []
        /// The number of rounds after which the connection must have ended.
        var rounds = 5000
    }

    static let open = Wire.headers(1, Wire.post(), end: false)

    static let floods: [Flood] = [
        Flood(testDescription: "CVE-2023-44487: requests that are reset at once") {
            Wire.headers($0, Wire.get) + Wire.frame(3, 0, $0, Wire.word(8))
        },
        Flood(testDescription: "CVE-2025-8671: requests that we have to reset") {
            Wire.headers($0, Wire.post(), end: false) + Wire.frame(8, 0, $0, Wire.word(0x7fff_ffff))
        },
        Flood(testDescription: "CVE-2025-8671: malformed requests") { Wire.headers($0, [(":method", "GET")]) },
        Flood(testDescription: "CVE-2019-9512: pings") { _ in Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) },
        Flood(testDescription: "CVE-2019-9515: settings") { _ in Wire.frame(4) },
        Flood(testDescription: "settings that change") { Wire.frame(4, 0, 0, [0, 4] + Wire.word($0)) },
        Flood(testDescription: "acknowledgements of nothing") { _ in Wire.frame(4, 1) },
        Flood(testDescription: "CVE-2019-9518: empty content", frames: { _ in Wire.frame(0, 0, 1) }, before: open),
        Flood(testDescription: "CVE-2019-9513: priorities") { Wire.frame(2, 0, $0 + 2, Wire.word($0) + [1]) },
        Flood(
            testDescription: "window updates", frames: { _ in Wire.frame(8, 0, 1, Wire.word(1)) }, before: open),
        Flood(testDescription: "window updates of the connection") { _ in Wire.frame(8, 0, 0, Wire.word(1)) },
        Flood(testDescription: "unknown frames") { _ in Wire.frame(0xbb, 0, 0) },
        Flood(
            testDescription: "CVE-2024-27316: continuations", frames: { _ in Wire.frame(9, 0, 1, [0x88]) },
            before: Wire.headers(1, Wire.get, endHeaders: false), rounds: 40),
        Flood(
            testDescription: "empty continuations", frames: { _ in Wire.frame(9, 0, 1) },
            before: Wire.headers(1, Wire.get, endHeaders: false), rounds: 40),
    ]

    @Test(arguments: floods)
    func flood(_ flood: Flood) {
        let server = Server()
        server.receive(Wire.hello + Wire.frame(4, 1) + flood.before)
        var round: UInt32 = 0
        while server.session.termination == nil, round < flood.rounds {
            server.receive(flood.frames(round * 2 + 1 + (flood.before.isEmpty ? 0 : 2)))
            round += 1
        }
        #expect(server.session.termination == .enhanceYourCalm)
        #expect(server.goAway == .enhanceYourCalm)
    }

    /// A response of which the client takes one byte with each frame.
    private func trickle(_ server: Server, frames: Int, _ answer: [UInt8]) {
        server.receive(Wire.preface + Wire.frame(4, 0, 0, [0, 4, 0, 0, 0, 0]) + Wire.frame(4, 1))
        server.receive(Wire.headers(1, Wire.get))
        guard let stream = server.requests.first?.stream else { return }
        var fields = FieldList()
        fields.begin(status: 200)
        server.session.sendHead(fields, on: stream, isEnd: false)
        server.session.send([UInt8](repeating: 120, count: frames + 1).span, on: stream)
        for _ in 0..<frames {
            server.receive(Wire.frame(8, 0, 1, Wire.word(1)))
            while server.session.produce(upTo: 65_536) {}
            server.session.giveBack(server.session.takeOutput())
            server.receive(answer)
        }
    }

    @Test("A PING for each DATA frame is no flood: gRPC estimates the bandwidth so")
    func estimates() {
        let server = Server()
        trickle(server, frames: 50_000, Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(server.session.termination == nil)
        // Without further DATA it is one.
        var pings = 0
        while server.session.termination == nil, pings < 5000 {
            server.receive(Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
            pings += 1
        }
        #expect(server.session.termination == .enhanceYourCalm)
    }

    @Test("Several PINGs for each DATA frame are a flood")
    func tooManyPings() {
        let server = Server()
        trickle(server, frames: 5000, (0..<3).flatMap { _ in Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) })
        #expect(server.session.termination == .enhanceYourCalm)
    }

    @Test("An honest client may cancel a page of a hundred images, and the budget recovers with time")
    func honest() {
        let server = Server()
        server.receive(Wire.hello + Wire.frame(4, 1))
        var id: UInt32 = 1
        for second in 0..<30 {
            for _ in 0..<(second == 0 ? 100 : 15) {
                server.receive(
                    Wire.headers(id, Wire.get) + Wire.frame(3, 0, id, Wire.word(8)),
                    now: UInt64(second) * 1_000_000_000)
                id += 2
            }
        }
        #expect(server.session.termination == nil)
    }

    @Test("A header bomb: one byte for four kilobytes")
    func bomb() {
        let server = Server()
        // RFC 7541 §6.2.1: into the table, then repeatedly by its index.
        let field = [0x40] + Wire.string("x") + Wire.string(String(repeating: "a", count: 3900))
        let block = Wire.block(Wire.get) + field + [UInt8](repeating: 0x80 | 62, count: 8000)
        server.receive(Wire.hello + Wire.frame(1, 5, 1, block))
        #expect(server.session.termination == .enhanceYourCalm)
        #expect(server.events.allSatisfy { $0 != "1 head end" })
    }

    @Test("Bombs that barely exceed the limit are answered, but not for long")
    func smallBombs() {
        let server = Server()
        let field = [0x40] + Wire.string("x") + Wire.string(String(repeating: "a", count: 3900))
        server.receive(
            Wire.hello + Wire.frame(1, 5, 1, Wire.block(Wire.get) + field + [UInt8](repeating: 0x80 | 62, count: 9)))
        #expect(server.events == ["1 too large"])
        var id: UInt32 = 3
        while server.session.termination == nil, id < 1000 {
            server.receive(
                Wire.frame(1, 5, id, Wire.block(Wire.get) + [UInt8](repeating: 0x80 | 62, count: 9))
                    + Wire.frame(3, 0, id, Wire.word(8)))
            id += 2
        }
        #expect(server.session.termination == .enhanceYourCalm)
    }

    @Test("Thousands of cookie crumbs")
    func crumbs() {
        let server = Server()
        let block = Wire.block(Wire.get) + [0x40] + Wire.string("cookie") + Wire.string("a=b")
        server.receive(
            Wire.hello + Wire.frame(1, 5, 1, block + [UInt8](repeating: 0x80 | 62, count: 300)))
        #expect(server.events == ["1 too large"])
        server.receive(Wire.frame(1, 5, 3, Wire.block(Wire.get) + [UInt8](repeating: 0x80 | 62, count: 16_000)))
        #expect(server.session.termination == .enhanceYourCalm)
    }

    @Test("Requests above the stream limit are refused, and may be retried")
    func tooMany() {
        let server = Server(SessionConfiguration(maximumStreams: 2))
        server.receive(Wire.hello + [1, 3, 5].flatMap { Wire.headers(UInt32($0), Wire.post(), end: false) })
        #expect(server.reset(5) == .refusedStream)
        #expect(server.requests.count == 2)
        #expect(server.session.termination == nil)
        // Frames already on their way are not an error.
        server.receive(Wire.data(5, "x") + Wire.frame(8, 0, 5, Wire.word(1)))
        #expect(server.session.termination == nil)
    }

    @Test("Sessions that share memory do not affect each other")
    func sharedMemory() {
        let memory = SessionMemory()
        let servers = (0..<10).map { _ in Server(memory: memory) }
        for server in servers {
            server.receive(Wire.hello)
            _ = server.frames()
        }
        for server in servers { server.receive(Wire.headers(1, Wire.get)) }
        for (index, server) in servers.enumerated() {
            guard let stream = server.requests.first?.stream else { continue }
            var fields = FieldList()
            fields.begin(status: 200)
            server.session.sendHead(fields, on: stream, isEnd: false)
            server.session.send([UInt8](repeating: UInt8(index), count: 1000).span, on: stream)
            server.session.end(stream)
        }
        for (index, server) in servers.enumerated() {
            #expect(server.frames().last { $0.type == 0 }?.payload == [UInt8](repeating: UInt8(index), count: 1000))
            #expect(server.events.last == "1 closed whole")
        }
    }
}
