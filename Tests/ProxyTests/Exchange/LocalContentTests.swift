// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Reactor
import Testing

@Suite("Content that the app does not get")
struct LocalContentTests {
    private static let next = "GET /next HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n\r\n"

    /// The next response, whole; its content may be left out.
    private static func response(_ browser: Wire, hasContent: Bool = true) throws -> String {
        let head = try browser.receiveHead()
        if hasContent { _ = try browser.receive(Int(head.field("Content-Length") ?? "") ?? 0) }
        return head
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let content: String
        let status: String
        var hasMore = true
    }

    @Test(
        "a sign-in's content is no next request, whether it is a form or not", arguments: LocalContentTests.rows,
        [true, false])
    func neverSmuggled(_ row: Row, atOnce: Bool) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            if atOnce {
                try browser.send(row.request + row.content + (row.hasMore ? Self.next : ""))
            } else {
                try browser.send(row.request)
                try stage.settle()
                // The connection may be at its end already.
                try? browser.send(row.content)
                try stage.settle()
            }
            #expect(try Self.response(browser).firstLine == row.status)
            if row.hasMore {
                if !atOnce { try browser.send(Self.next) }
                let next = try Self.response(browser)
                #expect(next.firstLine == "HTTP/1.1 401 Unauthorized")
                #expect(next.field("Content-Type") == "application/json")
                try stage.settle()
                #expect(try browser.isSilent())
            } else {
                #expect(try browser.receiveToEnd() == "")
            }
            #expect(try stage.app.isSilent())
        }
    }

    private static var token: String { Stage.token }

    static var rows: [Row] {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n"
        let form = "jwt=\(token)"
        let type = "Content-Type: application/x-www-form-urlencoded"
        return [
            Row(
                testDescription: "a GET of the return path that is claimed, with content",
                request: "GET /.sidegate/callback?jwt=\(token) HTTP/1.1\r\nHost: app.example\r\n"
                    + "Content-Length: \(smuggled.utf8.count)\r\n\r\n",
                content: smuggled, status: "HTTP/1.1 303 See Other"),
            Row(
                testDescription: "the same in chunks",
                request: "GET /.sidegate/callback?jwt=\(token) HTTP/1.1\r\nHost: app.example\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n",
                content: "1\r\nx\r\n0\r\n\r\n", status: "HTTP/1.1 303 See Other", hasMore: false),
            Row(
                testDescription: "a form with the token",
                request: "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n\(type)\r\n"
                    + "Content-Length: \(form.utf8.count)\r\n\r\n",
                content: form, status: "HTTP/1.1 303 See Other"),
            Row(
                testDescription: "a form in chunks",
                request: "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n\(type)\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n",
                content: "4\r\njwt=\r\n\(String(token.utf8.count, radix: 16))\r\n\(token)\r\n0\r\n\r\n",
                status: "HTTP/1.1 303 See Other"),
            Row(
                testDescription: "a form without the token",
                request: "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n\(type)\r\n"
                    + "Content-Length: 3\r\n\r\n",
                content: "a=b", status: "HTTP/1.1 400 Bad Request"),
            Row(
                testDescription: "a form of no bytes",
                request: "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n\(type)\r\n"
                    + "Content-Length: 0\r\n\r\n",
                content: "", status: "HTTP/1.1 400 Bad Request"),
            Row(
                testDescription: "a request without a session",
                request: "POST /x HTTP/1.1\r\nHost: app.example\r\nContent-Length: \(smuggled.utf8.count)\r\n\r\n",
                content: smuggled, status: "HTTP/1.1 401 Unauthorized"),
            Row(
                testDescription: "a request without a session, in chunks",
                request: "POST /x HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n",
                content: smuggled, status: "HTTP/1.1 401 Unauthorized", hasMore: false),
        ]
    }

    @Test("a client that waits for 100 Continue before it sends a form gets it from the gate")
    func formExpectsContinue() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let form = "jwt=\(Stage.token)"
            try browser.send(
                "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\nExpect: 100-continue\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n\r\n")
            #expect(try browser.receiveHead() == "HTTP/1.1 100 Continue\r\n\r\n")
            try browser.send(form)
            let head = try Self.response(browser)
            #expect(head.firstLine == "HTTP/1.1 303 See Other")
            #expect(head.field("Connection") == nil)
        }
    }

    @Test("a form without end is refused, and ends the connection")
    func formTooLarge() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(
                "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "100000\r\n")
            _ = try? browser.sendUntilFull(limit: 0x100000)
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 413 Content Too Large")
            #expect(head.field("Connection") == "close")
        }
    }

    @Test("a server without a gate reads content first", arguments: EventLoop.Kind.allCases)
    func localService(kind: EventLoop.Kind) throws {
        let respond: @Sendable (RequestHead, [UInt8], Double) -> LocalResponse = { request, content, _ in
            LocalResponse(status: 200, body: Array(request.bytes[request.path.range]) + [0x20] + content)
        }
        try Stage.run(kind, respond: respond) { stage in
            let browser = try stage.browser()
            browser.omitsDate = false
            let rows = [
                ("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "/a "),
                ("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "/b abc"),
                ("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "/c "),
                (
                    "POST /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                    "/d abcde"
                ),
            ]
            for round in 0..<3 {
                // All at once, one by one, and byte by byte.
                if round == 0 { try browser.send(rows.map(\.0).joined()) }
                for (request, content) in rows {
                    if round == 1 { try browser.send(request) }
                    if round == 2 {
                        for byte in request.utf8 { try browser.send([byte]) }
                    }
                    let head = try browser.receiveHead()
                    #expect(head.field("Content-Length") == "\(content.utf8.count)")
                    #expect(head.field("Date")?.hasSuffix(" GMT") == true)
                    #expect(try browser.receive(like: content) == content)
                }
            }
        }
    }
}
