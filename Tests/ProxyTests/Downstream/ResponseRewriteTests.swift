// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Proxy
import Testing

@Suite("Response heads")
struct ResponseRewriteTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let received: [String]
        var method = Method.get
        var framing = ResponseRewrite.Framing.asReceived
        var persistence = ResponseRewrite.Persistence.implied
        var extra: String?
        let sent: [String]
    }

    @Test("the app's head as the browser gets it", arguments: Self.rows)
    func rewrites(_ row: Row) throws {
        let head = try ResponseHead(
            parsing: row.received.map { $0 + "\r\n" }.joined() + "\r\n", requestMethod: row.method)
        var output = Array("before".utf8)
        ResponseRewrite.append(
            head, framing: row.framing, persistence: row.persistence, extra: row.extra.map { Array($0.utf8) },
            into: &output)
        let wanted = "before" + row.sent.map { $0 + "\r\n" }.joined() + "\r\n"
        #expect(String(decoding: output, as: UTF8.self) == wanted)
    }

    static let rows: [Row] = [
        Row(
            testDescription: "fields pass as they came, in order, repeated ones too",
            received: [
                "HTTP/1.1 200 OK", "Content-Length: 5", "Set-Cookie: a=1", "X-A:no-space", "x-b:   padded \t ",
                "Set-Cookie: b=2", "X-Empty:",
            ],
            sent: [
                "HTTP/1.1 200 OK", "Content-Length: 5", "Set-Cookie: a=1", "X-A:no-space", "x-b:   padded \t ",
                "Set-Cookie: b=2", "X-Empty:",
            ]),
        Row(
            testDescription: "hop-by-hop fields are taken out at the begin, in the middle and at the end",
            received: [
                "HTTP/1.1 200 OK", "Connection: keep-alive", "X-A: 1", "X-B: 2", "Keep-Alive: timeout=5",
                "Transfer-Encoding: chunked", "X-C: 3", "Proxy-Connection: close", "Upgrade: h2c", "X-D: 4",
                "Proxy-Authenticate: Basic", "TE: trailers",
            ],
            framing: .chunked,
            sent: ["HTTP/1.1 200 OK", "X-A: 1", "X-B: 2", "X-C: 3", "X-D: 4", "Transfer-Encoding: chunked"]),
        Row(
            testDescription: "nothing is left when all is hop-by-hop",
            received: ["HTTP/1.1 200 OK", "Connection: close", "Keep-Alive: x"], framing: .untilClose,
            persistence: .close, sent: ["HTTP/1.1 200 OK", "Connection: close"]),
        Row(
            testDescription: "what Connection names goes, in any case, from any of its lines",
            received: [
                "HTTP/1.1 200 OK", "X-One: 1", "Connection: x-ONE ,\tclose,,X-Two", "X-Two: 2", "X-Three: 3",
                "Connection: Via", "Via: 1.1 x", "X-Twofold: 4", "Content-Length: 0",
            ],
            persistence: .close,
            sent: [
                "HTTP/1.1 200 OK", "X-Three: 3", "X-Twofold: 4", "Content-Length: 0", "Connection: close",
            ]),
        Row(
            testDescription: "a known field can be named as well",
            received: ["HTTP/1.1 200 OK", "Server: x", "Connection: server", "Date: y", "Content-Length: 0"],
            sent: ["HTTP/1.1 200 OK", "Date: y", "Content-Length: 0"]),
        Row(
            testDescription: "Content-Length frames and cannot be named away",
            received: ["HTTP/1.1 200 OK", "Connection: content-length", "Content-Length: 3"],
            sent: ["HTTP/1.1 200 OK", "Content-Length: 3"]),
        Row(
            testDescription: "a 204 has no Content-Length (RFC 9110 §8.6)",
            received: ["HTTP/1.1 204 No Content", "X-A: 1", "Content-Length: 0", "X-B: 2"],
            sent: ["HTTP/1.1 204 No Content", "X-A: 1", "X-B: 2"]),
        Row(
            testDescription: "a 304 keeps the one that the 200 would have",
            received: ["HTTP/1.1 304 Not Modified", "ETag: \"x\"", "Content-Length: 1234"],
            sent: ["HTTP/1.1 304 Not Modified", "ETag: \"x\"", "Content-Length: 1234"]),
        Row(
            testDescription: "so does the response to HEAD",
            received: ["HTTP/1.1 200 OK", "Content-Length: 1234"], method: .head,
            sent: ["HTTP/1.1 200 OK", "Content-Length: 1234"]),
        Row(
            testDescription: "and it has no framing to announce",
            received: ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "X-A: 1"], method: .head,
            sent: ["HTTP/1.1 200 OK", "X-A: 1"]),
        Row(
            testDescription: "the reason phrase passes, an empty one is filled in",
            received: ["HTTP/1.1 404 Nobody home", "Content-Length: 0"],
            sent: ["HTTP/1.1 404 Nobody home", "Content-Length: 0"]),
        Row(
            testDescription: "an empty reason is filled in", received: ["HTTP/1.1 404 ", "Content-Length: 0"],
            sent: ["HTTP/1.1 404 Not Found", "Content-Length: 0"]),
        Row(
            testDescription: "HTTP/1.0 of the app is HTTP/1.1 of ours",
            received: ["HTTP/1.0 200 OK", "Content-Length: 1"], persistence: .keepAlive,
            sent: ["HTTP/1.1 200 OK", "Content-Length: 1", "Connection: keep-alive"]),
        Row(
            testDescription: "our own lines come last",
            received: ["HTTP/1.1 200 OK", "Content-Length: 1"], persistence: .close,
            extra: "Set-Cookie: sidegate=x\r\nSet-Cookie: y\r\n",
            sent: [
                "HTTP/1.1 200 OK", "Content-Length: 1", "Connection: close", "Set-Cookie: sidegate=x", "Set-Cookie: y",
            ]),
    ]

    @Test("a 1xx has no framing; a 101 names the new protocol")
    func informational() throws {
        func sent(_ lines: String...) throws -> String {
            let head = try ResponseHead(parsing: lines.map { $0 + "\r\n" }.joined() + "\r\n")
            var output: [UInt8] = []
            ResponseRewrite.appendInformational(head, into: &output)
            return String(decoding: output, as: UTF8.self)
        }
        #expect(
            try sent("HTTP/1.1 103 Early Hints", "Link: </a.css>", "Connection: x", "Content-Length: 0")
                == "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        #expect(
            try sent("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-A: b")
                == "HTTP/1.1 101 Switching Protocols\r\nSec-A: b\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    }

    @Test("a response of the gate's own has its Content-Length")
    func local() {
        func sent(_ response: LocalResponse, _ persistence: ResponseRewrite.Persistence) -> String {
            var output: [UInt8] = []
            ResponseRewrite.append(
                response, persistence: persistence, lastDateLine: Array("Date: now\r\n\r\n".utf8), into: &output)
            return String(decoding: output, as: UTF8.self)
        }
        var page = LocalResponse(status: 403, body: Array("no".utf8))
        page.add("Cache-Control", "no-store")
        #expect(
            sent(page, .close)
                == "HTTP/1.1 403 Forbidden\r\nCache-Control: no-store\r\nDate: now\r\nContent-Length: 2\r\n"
                + "Connection: close\r\n\r\n")
        var redirect = LocalResponse(status: 302, body: Array("go".utf8))
        redirect.add("Location", "/a")
        #expect(
            sent(redirect, .implied)
                == "HTTP/1.1 302 Found\r\nContent-Length: 2\r\nLocation: /a\r\nDate: now\r\n\r\n")
        #expect(
            sent(redirect, .close)
                == "HTTP/1.1 302 Found\r\nContent-Length: 2\r\nConnection: close\r\nLocation: /a\r\nDate: now\r\n\r\n"
        )
        #expect(sent(LocalResponse(status: 204), .implied) == "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n")
        for count in [0, 9, 10, 99, 100, 65536, 1_234_567] {
            let page = LocalResponse(status: 302, body: [UInt8](repeating: 0, count: count))
            #expect(
                sent(page, .implied) == "HTTP/1.1 302 Found\r\nContent-Length: \(count)\r\nDate: now\r\n\r\n")
        }
        #expect(sent(LocalResponse(status: 304), .keepAlive).hasSuffix("Date: now\r\nConnection: keep-alive\r\n\r\n"))
    }
}
