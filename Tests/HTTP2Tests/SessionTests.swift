// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2
import Testing

@Suite("A server session")
struct SessionTests {
    @Test("Sends its SETTINGS first")
    func settings() throws {
        let frames = Server().frames()
        let first = try #require(frames.first)
        #expect(first.type == 4 && first.flags == 0 && first.payload.count == 24)
    }

    @Test("Converts a request to the text of an HTTP/1.1 head")
    func request() {
        let server = Server()
        server.receive(Wire.hello + Wire.headers(1, Wire.get + [("accept", "*/*"), ("te", "trailers")]))
        #expect(
            server.requests.first?.text
                == "GET /a?b HTTP/1.1\r\nhost: app.example\r\naccept: */*\r\nte: trailers\r\n\r\n")
        #expect(server.events == ["1 head end"])
    }

    @Test("Is the same however its input is divided", arguments: [1, 2, 3, 5, 7, 9, 16, 31, 64])
    func everySplit(size: Int) {
        let input =
            Wire.hello + Wire.headers(1, Wire.post(("content-length", "5")), end: false) + Wire.data(1, "hel")
            + Wire.frame(2, 0, 3, Wire.word(0) + [15]) + Wire.data(1, "lo", end: true)
            + Wire.headers(3, Wire.get) + Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
            + Wire.frame(4, 1)
        let whole = Server()
        whole.receive(input)
        let cut = Server()
        var rest = input[...]
        while !rest.isEmpty {
            cut.receive(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        #expect(cut.events == whole.events)
        #expect(whole.events == ["1 head", "1 end hello ", "3 head end"])
        #expect(cut.requests.map(\.text) == whole.requests.map(\.text))
        #expect(cut.frames() == whole.frames())
        #expect(cut.session.termination == nil)
    }

    @Test("After the client's GOAWAY streams are served, and PING is answered, with and without streams")
    func leaving() throws {
        let server = Server()
        let ping = Wire.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
        server.receive(Wire.hello + Wire.frame(4, 1) + Wire.headers(1, Wire.get))
        #expect(!server.session.clientIsLeaving)
        server.receive(Wire.frame(7, 0, 0, Wire.word(0) + Wire.word(0xff) + Array("why".utf8)) + ping)
        #expect(server.session.clientIsLeaving && server.session.streamCount == 1)
        var fields = FieldList()
        fields.begin(status: 204)
        server.session.sendHead(fields, on: try #require(server.requests.first?.stream), isEnd: true)
        _ = server.frames()
        #expect(server.events.last == "1 closed whole")
        server.receive(ping)
        #expect(server.frames().count { $0.type == 6 && $0.flags == 1 } == 2)
        #expect(server.session.termination == nil)
    }

    @Test("Reports what has begun to arrive and has not ended")
    func openUnits() {
        let server = Server()
        let steps: [(bytes: [UInt8], unit: FrameGuard.OpenUnit?)] = [
            (Array(Wire.preface.prefix(20)), .frame(0)), (Array(Wire.preface.dropFirst(20)), nil),
            (Array(Wire.frame(4, 0, 0, [0, 9, 0, 0, 0, 1]).prefix(8)), .frame(1)), ([0, 0, 9], .frame(1)),
            ([0, 0, 0, 1], nil), (Wire.headers(1, Wire.post(), end: false, endHeaders: false), .frame(2)),
            (Array(Wire.frame(9, 0, 1, Wire.block([("a", "b")])).prefix(11)), .frame(2)),
            (Array(Wire.frame(9, 0, 1, Wire.block([("a", "b")])).dropFirst(11)), .frame(2)),
            (Wire.frame(9, 4, 1), nil), (Array(Wire.data(1, "content").prefix(10)), .data(3)),
            (Array(Wire.data(1, "content").dropFirst(10).prefix(2)), .data(3)),
            (Array(Wire.data(1, "content").dropFirst(12)) + [0, 0], .frame(4)),
        ]
        for step in steps {
            server.receive(step.bytes)
            #expect(server.session.openUnit == step.unit, "\(step.bytes)")
        }
        #expect(server.session.contentCount == 7 && server.session.termination == nil)
    }

    @Test("Joins cookie crumbs at any position (RFC 9113 §8.2.3)")
    func crumbs() {
        let server = Server()
        server.receive(
            Wire.hello
                + Wire.headers(
                    1, Wire.get + [("cookie", "a=1"), ("cookie", "b=2"), ("x", "y"), ("cookie", "c=3"), ("z", "w")]))
        #expect(
            server.requests.first?.text
                == "GET /a?b HTTP/1.1\r\nhost: app.example\r\ncookie: a=1; b=2; c=3\r\nx: y\r\nz: w\r\n\r\n")
    }

    @Test("Converts an extended CONNECT to an upgrade (RFC 8441)")
    func tunnel() {
        let server = Server()
        let fields: [(String, String)] = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"),
            (":authority", "app.example"), ("sec-websocket-version", "13"), ("sec-websocket-key", "theirs"),
        ]
        server.receive(Wire.hello + Wire.headers(1, fields, end: false) + Wire.data(1, "abc"))
        #expect(
            server.requests.first?.text
                == "GET /chat HTTP/1.1\r\nhost: app.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                + "sec-websocket-key: key\r\nsec-websocket-version: 13\r\n\r\n")
        #expect(server.events == ["1 head tunnel"])
        #expect(server.requests.first?.content == Array("abc".utf8))
    }

    @Test("Passes trailers with the end")
    func trailers() {
        let server = Server()
        server.receive(
            Wire.hello + Wire.headers(1, Wire.post(), end: false) + Wire.data(1, "x")
                + Wire.headers(1, [("grpc-status", "0")]))
        #expect(server.events == ["1 head", "1 end x grpc-status: 0\r\n"])
    }

    @Test("Answers with head, content and trailers")
    func response() throws {
        let server = Server()
        server.receive(Wire.hello + Wire.headers(1, Wire.get))
        let stream = try #require(server.requests.first?.stream)
        var fields = FieldList()
        fields.begin(status: 200)
        fields.add(lines: Array("Content-Type: text/plain\r\n".utf8).span)
        server.session.sendHead(fields, on: stream, isEnd: false)
        server.session.send(Array("hello".utf8).span, on: stream)
        var trailers = FieldList()
        trailers.add("grpc-status", Array("0".utf8).span)
        server.session.end(stream, trailers: trailers)
        let frames = server.frames().filter { $0.stream == 1 }
        #expect(frames.map(\.type) == [1, 0, 1])
        #expect(frames.map(\.flags) == [4, 0, 5])
        #expect(frames[1].payload == Array("hello".utf8))
        #expect(server.events.last == "1 closed whole")
    }

    @Test("Resets a request that continues after its response, with NO_ERROR (RFC 9113 §8.1)")
    func earlyResponse() throws {
        let server = Server()
        server.receive(Wire.hello + Wire.headers(1, Wire.post(), end: false))
        let stream = try #require(server.requests.first?.stream)
        var fields = FieldList()
        fields.begin(status: 403)
        server.session.sendHead(fields, on: stream, isEnd: true)
        #expect(!server.session.stopRequest(stream), "the response has not left")
        #expect(server.reset(1) == nil)
        #expect(server.session.stopRequest(stream))
        #expect(server.reset(1) == .noError)
        // Frames already on their way are ignored.
        server.receive(Wire.data(1, "more") + Wire.data(1, "and more", end: true) + Wire.headers(3, Wire.get))
        #expect(server.session.termination == nil)
        #expect(server.events.last == "3 head end")
    }

    @Test("Content waits for the peer's window, and the sender is notified when it has been sent")
    func flowControl() throws {
        let server = Server()
        server.receive(Wire.preface + Wire.frame(4, 0, 0, [0, 4] + Wire.word(10)) + Wire.headers(1, Wire.get))
        let stream = try #require(server.requests.first?.stream)
        var fields = FieldList()
        fields.begin(status: 200)
        server.session.sendHead(fields, on: stream, isEnd: false)
        server.session.send([UInt8](repeating: 7, count: 20_000).span, on: stream)
        stream.awaitsRoom = true
        #expect(server.frames().filter { $0.type == 0 }.map(\.payload.count) == [10])
        #expect(stream.pendingContent == 19_990)
        server.receive(Wire.frame(8, 0, 1, Wire.word(10_000)))
        _ = server.frames()
        #expect(stream.pendingContent == 9_990)
        #expect(server.events.last == "1 left")
    }

    @Test("A peer may send as much on a stream as was consumed, and no more")
    func inboundFlowControl() {
        let server = Server()
        server.consumes = false
        server.receive(Wire.hello + Wire.headers(1, Wire.post(), end: false))
        for _ in 0..<4 { server.receive(Wire.frame(0, 0, 1, [UInt8](repeating: 1, count: 16_383))) }
        #expect(server.frames().filter { $0.type == 8 && $0.stream == 1 }.isEmpty)
        #expect(server.session.termination == nil)
        server.receive(Wire.frame(0, 0, 1, [1, 1, 1, 1]))
        #expect(server.reset(1) == .flowControlError || server.goAway == .flowControlError)
    }

    @Test("Serves requests on their way when it stops, and announces the last one")
    func drain() {
        let server = Server()
        server.receive(Wire.hello + Wire.headers(1, Wire.get))
        server.session.beginDrain()
        let ping = server.frames().last { $0.type == 6 }
        #expect(server.frames().last { $0.type == 7 }?.payload == Wire.word(0x7fff_ffff) + Wire.word(0))
        server.receive(Wire.headers(3, Wire.get) + Wire.frame(6, 1, 0, ping?.payload ?? []))
        #expect(server.events.suffix(2) == ["3 head end", "drain acknowledged"])
        server.session.finishDrain()
        #expect(server.frames().last { $0.type == 7 }?.payload == Wire.word(3) + Wire.word(0))
        // Later ones are ignored.
        server.receive(Wire.headers(5, Wire.post(), end: false) + Wire.data(5, "x", end: true))
        #expect(server.requests.count == 2)
        #expect(server.session.termination == nil)
    }

    @Test("Processes nothing once terminated (CVE-2026-27135)")
    func terminated() {
        let server = Server()
        server.receive(Wire.hello + Wire.data(0, "x") + Wire.headers(1, Wire.get))
        #expect(server.session.termination == .protocolError)
        server.receive(Wire.headers(3, Wire.get))
        #expect(server.events.isEmpty)
    }

    @Test("The parser of HTTP/1.1 heads reads its text")
    func parses() throws {
        let server = Server()
        server.receive(
            Wire.hello + Wire.headers(1, Wire.post(("content-length", "3"), ("expect", "100-continue")), end: false))
        let text = try #require(server.requests.first?.text)
        let head = try RequestHead(parsing: text)
        #expect(head.framing == .length(3) && head.expectsContinue && head.method == .post)
    }
}
