// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Testing

@Suite("Forwarding")
struct ForwardingTests {
    @Test("a request and its response, byte by byte as each side sees them", arguments: EventLoop.Kind.allCases)
    func exactBytes(kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            try browser.send(
                Stage.request(
                    "GET /a/b?c=d", "Accept: */*", "X-Request-ID: id-1", "Connection: keep-alive, x-gone", "X-Gone: 1",
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    "X-Forwarded-User: eve", "X-Forwarded-For: 1.2.3.4"))
            let app = try stage.app.accept()
            let head = try app.receiveHead()
            #expect(
                head == """
                    GET /a/b?c=d HTTP/1.1\r
                    Host: app.example\r
                    Accept: */*\r
                    traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r
                    X-Forwarded-For: 127.0.0.1\r
                    X-Forwarded-Proto: http\r
                    X-Forwarded-Host: app.example\r
                    X-Forwarded-Port: \(head.field("X-Forwarded-Port") ?? "?")\r
                    X-Request-ID: id-1\r
                    X-Forwarded-User: ada\r
                    X-Forwarded-Email: ada@example.com\r
                    \r

                    """)
            try app.send("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\nConnection: keep-alive\r\n\r\nhello")
            let response = "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
            #expect(try browser.receive(like: response) == response)
            try stage.settle()
            #expect(try browser.isSilent() && app.isSilent())
        }
    }

    @Test("both connections serve again and again", arguments: EventLoop.Kind.allCases)
    func keepAlive(kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            var app: Wire?
            for number in 0..<20 {
                try browser.send(Stage.request("GET /\(number)"))
                let wire = try app ?? stage.app.accept()
                app = wire
                #expect(try wire.receiveHead().firstLine == "GET /\(number) HTTP/1.1")
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number % 10)")
                let response = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number % 10)"
                #expect(try browser.receive(like: response) == response)
            }
            #expect(try stage.app.isSilent())
            browser.close()
            app?.close()
            try stage.waitUntilEmpty()
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var line = "GET /"
        var version = "HTTP/1.1"
        var fields = ""
        /// What the app sends, and whether it closes then.
        let sent: String
        var closes = false
        /// What the browser gets; with `…` at its end the connection stays open.
        let received: String
    }

    @Test("responses of every framing, to clients of either version", arguments: ForwardingTests.rows)
    func responses(_ row: Row) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let fields = row.fields.isEmpty ? "X-None: 0" : row.fields
            try browser.send(Stage.request(row.line, fields, version: row.version))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(row.sent)
            if row.closes { app.close() }
            if row.received.hasSuffix("…") {
                let wanted = String(row.received.dropLast())
                #expect(try browser.receive(like: wanted) == wanted)
                try browser.send(Stage.request("GET /again"))
                let next = row.closes ? try stage.app.accept() : app
                #expect(try next.receiveHead().firstLine == "GET /again HTTP/1.1")
            } else {
                #expect(try browser.receiveToEnd() == row.received)
                browser.close()
                try stage.wait { $0.connectionCount == 0 }
            }
        }
    }

    static let rows: [Row] = [
        Row(
            testDescription: "a length",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok…"),
        Row(
            testDescription: "a length of none",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n…"),
        Row(
            testDescription: "chunks, extensions dropped, trailers retryBuffer but for those that frame",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3;a=b\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n…"),
        Row(
            testDescription: "chunks without content",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n…"),
        Row(
            testDescription: "content that ends with the app's connection becomes chunks",
            sent: "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil the end", closes: true,
            received: "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n…"),
        Row(
            testDescription: "an app that says close closes alone",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", closes: true,
            received: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok…"),
        Row(
            testDescription: "an app of HTTP/1.0 closes alone",
            sent: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", closes: true,
            received: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok…"),
        Row(
            testDescription: "HEAD has no content, whatever the head says", line: "HEAD /",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n…"),
        Row(
            testDescription: "HEAD of chunks", line: "HEAD /",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n…"),
        Row(
            testDescription: "204", sent: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
            received: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n…"),
        Row(
            testDescription: "304", sent: "HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n",
            received: "HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n…"),
        Row(
            testDescription: "informational responses pass at once",
            sent: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            received: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n…"),
        Row(
            testDescription: "but not to HTTP/1.0", version: "HTTP/1.0",
            sent: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Row(
            testDescription: "HTTP/1.0 gets no chunks", version: "HTTP/1.0",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"),
        Row(
            testDescription: "not even with keep-alive", version: "HTTP/1.0", fields: "Connection: keep-alive",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            received: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"),
        Row(
            testDescription: "HTTP/1.0 with keep-alive and a length goes on", version: "HTTP/1.0",
            fields: "Connection: keep-alive", sent: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok…"),
        Row(
            testDescription: "HTTP/1.0 without it ends", version: "HTTP/1.0",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
        Row(
            testDescription: "a client that says close gets it", fields: "Connection: close",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    ]

    @Test("chunked content and its trailers reach the app as chunks, identity trailers do not")
    func chunkedRequest() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(
                Stage.request(
                    "POST /", "Transfer-Encoding: chunked", "Trailer: X-Sum",
                    body: "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Sum: 1\r\nX-Forwarded-User: eve\r\n\r\n"))
            let app = try stage.app.accept()
            let head = try app.receiveHead()
            #expect(head.hasSuffix("\r\nTransfer-Encoding: chunked\r\n\r\n"))
            #expect(head.field("Content-Length") == nil)
            let content = "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 1\r\n\r\n"
            #expect(try app.receive(like: content) == content)
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            #expect(try browser.receiveHead() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
    }

    @Test("content of a length comes in pieces as it is sent, and a pipelined request behind it waits")
    func requestContentInPieces() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /one", "Content-Length: 7"))
            try stage.settle()
            try browser.send("0")
            let app = try stage.app.accept()
            #expect(try app.receiveHead().hasSuffix("\r\nContent-Length: 7\r\n\r\n"))
            #expect(try app.receive(like: "0") == "0")
            for piece in ["a", "bc", "def"] {
                try browser.send(piece == "def" ? piece + Stage.request("GET /two") : piece)
                #expect(try app.receive(like: piece) == piece)
            }
            try stage.settle()
            #expect(try app.isSilent())
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            #expect(try app.receiveHead().firstLine == "GET /two HTTP/1.1")
        }
    }

    @Test("an event stream passes piece by piece, at once")
    func eventStream() throws {
        try Stage.run(configure: {
            $0.upstream.responseTimeout = .milliseconds(50)
            $0.upstream.idleTimeout = .milliseconds(50)
        }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /events"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(
                "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            _ = try browser.receiveHead()
            for number in 0..<3 {
                // Longer than the app may be silent in any other response.
                if number == 1 { try stage.outlast(.milliseconds(120)) }
                try app.send("8\r\ndata: \(number)\n\r\n")
                let event = "8\r\ndata: \(number)\n\r\n"
                #expect(try browser.receive(like: event) == event)
            }
        }
    }

    @Test("the app's answer to Expect reaches the client before the content is sent")
    func expectContinue() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("PUT /", "Content-Length: 3", "Expect: 100-continue"))
            let app = try stage.app.accept()
            #expect(try app.receiveHead().field("Expect") == "100-continue")
            try stage.settle()
            #expect(try browser.isSilent())
            try app.send("HTTP/1.1 100 Continue\r\n\r\n")
            #expect(try browser.receiveHead() == "HTTP/1.1 100 Continue\r\n\r\n")
            try browser.send("abc")
            #expect(try app.receive(like: "abc") == "abc")
            try app.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            #expect(try browser.receiveHead() == "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        }
    }
}
