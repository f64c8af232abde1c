// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Testing

@Suite("The client side of a connection")
struct ClientSessionTests {
    static let ok = [(":status", "200")]

    /// A client that has received the app's settings.
    static func settled() -> Client {
        let client = Client()
        client.receive(Wire.frame(4) + Wire.frame(4, 1))
        return client
    }

    @Test("starts with the preface, and with SETTINGS that disable push")
    func preface() {
        let client = Client()
        #expect(client.preface == Wire.preface)
        let settings = client.frames().first
        #expect(settings?.type == 4 && settings?.flags == 0)
        #expect(settings?.payload.prefix(6) == [0, 2, 0, 0, 0, 0])
    }

    @Test("sends no request before the app's SETTINGS, and no more than they allow")
    func room() {
        let client = Client()
        #expect(client.session.room == 0 && client.request() == nil)
        client.receive(Wire.frame(4, 0, 0, [0, 3, 0, 0, 0, 2]))
        #expect(client.events == ["settings"] && client.session.room == 2)
        #expect(client.request() != nil && client.request() != nil && client.request() == nil)
        client.receive(Wire.headers(1, Self.ok))
        #expect(client.session.room == 1 && client.request() != nil)
    }

    @Test("writes a request without HTTP/1.1's own fields")
    func request() {
        let client = Self.settled()
        client.request(
            "POST /a?b HTTP/1.1\r\nHost: app:1\r\nConnection: x\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\n"
                + "Keep-Alive: 1\r\nTE: gzip\r\nX-A:  b \r\n\r\n")
        let server = Server()
        var bytes: [UInt8] = []
        while client.session.produce(upTo: 65_536) {}
        bytes += client.session.takeOutput()
        server.receive(bytes)
        #expect(server.events == ["1 head end"])
        #expect(server.requests.first?.text == "POST /a?b HTTP/1.1\r\nhost: app:1\r\nx-a: b\r\n\r\n")
    }

    @Test("reads heads, content and trailers, however they are divided", arguments: [1, 3, 10, 1000])
    func response(step: Int) {
        let client = Self.settled()
        client.request()
        let bytes =
            Wire.headers(1, [(":status", "103"), ("link", "</a>")], end: false)
            + Wire.headers(1, Self.ok + [("a", "b")], end: false) + Wire.data(1, "con") + Wire.data(1, "tent")
            + Wire.headers(1, [("x-sum", "7")])
        for start in stride(from: 0, to: bytes.count, by: step) {
            client.receive(Array(bytes[start..<min(start + step, bytes.count)]))
        }
        #expect(
            client.events == [
                "settings", "1 head informational", "1 head", "1 end content x-sum: 7\r\n", "1 closed whole",
            ])
        #expect(client.last?.text == "HTTP/1.1 200 \r\na: b\r\n\r\n")
    }

    @Test("requests that the app refuses, or above GOAWAY's last stream, were not processed")
    func refused() {
        let client = Self.settled()
        for _ in 0..<3 { client.request() }
        client.receive(Wire.frame(3, 0, 3, Wire.word(7)))
        #expect(client.events.last == "3 closed refused")
        client.receive(Wire.frame(7, 0, 0, Wire.word(1) + Wire.word(0)))
        #expect(client.events.suffix(2) == ["going away", "5 closed refused"])
        #expect(client.session.room == 0 && client.session.streamCount == 1)
        client.receive(Wire.headers(1, Self.ok))
        #expect(client.events.suffix(2) == ["1 head end", "1 closed whole"])
        #expect(client.session.termination == nil)
    }

    @Test("a request that the app resets after starting to respond was processed")
    func late() {
        let client = Self.settled()
        client.request()
        client.receive(Wire.headers(1, Self.ok, end: false) + Wire.frame(3, 0, 1, Wire.word(7)))
        #expect(client.events.last == "1 closed reset(HTTP2.ErrorCode.refusedStream)")
        client.request()
        client.receive(Wire.headers(3, [(":status", "103")], end: false) + Wire.frame(3, 0, 3, Wire.word(7)))
        #expect(client.events.last == "3 closed reset(HTTP2.ErrorCode.refusedStream)")
    }

    @Test("an app's reset has a code, before and during its response; an unknown code is INTERNAL_ERROR")
    func reset() {
        let client = Self.settled()
        let rows: [(code: UInt32, means: ErrorCode)] = [
            (0, .noError), (2, .internalError), (8, .cancel), (11, .enhanceYourCalm), (0xe, .internalError),
            (.max, .internalError),
        ]
        var id: UInt32 = 1
        for row in rows {
            for hasHead in [false, true] {
                client.request()
                if hasHead { client.receive(Wire.headers(id, Self.ok, end: false)) }
                client.receive(Wire.frame(3, 0, id, Wire.word(row.code)))
                #expect(client.events.last == "\(id) closed reset(HTTP2.ErrorCode.\(row.means))")
                id += 2
            }
        }
    }

    @Test("the end of a connection is not a reset by the app")
    func lost() {
        let client = Self.settled()
        client.request()
        client.session.closeStreams()
        #expect(client.events.last == "1 closed failed(HTTP2.ErrorCode.cancel)")
    }

    @Test("opens the stream's window only for forwarded content")
    func window() {
        let client = Self.settled()
        client.consumes = false
        let stream = client.request()
        client.receive(Wire.headers(1, Self.ok, end: false))
        for _ in 0..<3 { client.receive(Wire.frame(0, 0, 1, [UInt8](repeating: 120, count: 16_384))) }
        #expect(!client.frames().contains { $0.type == 8 && $0.stream == 1 })
        if let stream { client.session.consume(40_000, on: stream) }
        #expect(client.frames().contains { $0.type == 8 && $0.stream == 1 })
        client.receive(Wire.frame(0, 0, 1, [UInt8](repeating: 120, count: 16_384)))
        #expect(client.session.termination == nil && client.reset(1) == nil)
        client.receive(
            Wire.frame(0, 0, 1, [UInt8](repeating: 120, count: 16_384))
                + Wire.frame(0, 0, 1, [UInt8](repeating: 1, count: 16_384))
                + Wire.frame(0, 0, 1, [UInt8](repeating: 1, count: 16_384)))
        #expect(client.reset(1) == .flowControlError || client.goAway == .flowControlError)
    }

    @Test(
        "a malformed message resets its stream, and no other",
        arguments: [
            ([(":status", "101")], ""), ([(":status", "99")], ""), ([(":status", "2 0")], ""), ([("a", "b")], ""),
            ([(":status", "200"), (":status", "200")], ""), ([(":status", "200"), (":path", "/")], ""),
            ([(":status", "200"), ("connection", "close")], ""), ([(":status", "200"), ("A", "b")], ""),
            ([(":status", "200"), ("a", "b\r\nc: d")], ""), ([(":status", "200"), ("content-length", "1")], "xx"),
            ([(":status", "200"), ("content-length", "3")], "xx"), ([(":status", "304")], "x"),
            ([(":status", "204")], "x"), ([(":status", "200"), ("content-length", "+1")], "x"),
        ] as [([(String, String)], String)])
    func malformed(fields: [(String, String)], content: String) {
        let client = Self.settled()
        client.request()
        client.request()
        client.receive(
            Wire.headers(1, fields, end: content.isEmpty) + (content.isEmpty ? [] : Wire.data(1, content, end: true)))
        #expect(client.events.contains("1 malformed") && client.reset(1) == .protocolError)
        client.receive(Wire.headers(3, Self.ok))
        #expect(client.events.contains("3 closed whole"))
    }

    @Test("a head that is too large is refused; one of a thousand times its compressed size ends the connection")
    func tooLarge() {
        let client = Client(head: HeadLimits(bytes: 1000))
        client.receive(Wire.frame(4) + Wire.frame(4, 1))
        client.request()
        client.receive(Wire.headers(1, Self.ok + [("a", String(repeating: "b", count: 1100))]))
        #expect(client.reset(1) == .protocolError && client.session.termination == nil)
        client.request()
        let large = Wire.block(Self.ok) + [0x40] + Wire.string("x") + Wire.string(String(repeating: "a", count: 900))
        client.receive(Wire.frame(1, 5, 3, large + [UInt8](repeating: 0xbe, count: 100)))
        #expect(client.session.termination == .enhanceYourCalm)
    }

    @Test(
        "a flood by the app ends the connection",
        arguments: [
            Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), Wire.frame(4), Wire.frame(0, 0, 1),
            Wire.frame(0, 8, 1, [0]), Wire.frame(8, 0, 0, Wire.word(1)), Wire.frame(2, 0, 1, [0, 0, 0, 0, 1]),
            Wire.frame(0xbb), Wire.headers(1, [(":status", "103")], end: false),
        ])
    func flood(frame: [UInt8]) {
        let client = Self.settled()
        client.request()
        if frame[3] == 0 { client.receive(Wire.headers(1, Self.ok, end: false)) }
        var round = 0
        while client.session.termination == nil, round < 5000 {
            client.receive(frame)
            round += 1
        }
        #expect(client.session.termination == .enhanceYourCalm && client.goAway == .enhanceYourCalm)
    }

    @Test("an honest app may answer ten thousand requests, each followed by a reset")
    func honest() {
        let client = Self.settled()
        for number in 0..<10_000 {
            let id = UInt32(number * 2 + 1)
            client.request()
            client.receive(Wire.headers(id, Self.ok) + Wire.frame(3, 0, id, Wire.word(0)), now: UInt64(number) * 10_000)
        }
        #expect(client.session.termination == nil)
    }
}
