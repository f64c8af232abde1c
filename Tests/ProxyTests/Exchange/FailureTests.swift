// SPDX-License-Identifier: Apache-2.0

import HTTP1
import Proxy
import Reactor
import Testing

@Suite("The app's failures")
struct FailureTests {
    @Test("an app that cannot be reached is a bad gateway, in JSON if requested")
    func unreachable() throws {
        // A port that was free a moment ago.
        let port = try App().port
        try Stage.run(configure: { $0.upstream = UpstreamConfiguration(.host("127.0.0.1", port: port)) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /", "Accept: text/html"))
            let page = try browser.receiveHead()
            #expect(page.firstLine == "HTTP/1.1 502 Bad Gateway")
            #expect(page.field("Content-Type") == "text/html; charset=utf-8")
            #expect(page.field("Connection") == nil)
            _ = try browser.receive(Int(page.field("Content-Length") ?? "") ?? 0)
            // The connection persists, also after short content.
            try browser.send(Stage.request("POST /", "Accept: application/json", "Content-Length: 3", body: "abc"))
            let document = try browser.receiveHead()
            #expect(document.firstLine == "HTTP/1.1 502 Bad Gateway")
            #expect(document.field("Content-Type") == "application/json")
            _ = try browser.receive(Int(document.field("Content-Length") ?? "") ?? 0)
            try browser.send(Stage.request("HEAD /"))
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 502 Bad Gateway")
            try stage.settle()
            #expect(try browser.isSilent())
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("an app that does not accept connections is a timeout")
    func connectTimeout() throws {
        let app = try App(backlog: 0)
        // Its queue is full: the kernel drops what else wants to connect.
        let fillers = try (0..<2).map { _ in try Filler(app.port) }
        try Stage.run(app: app, configure: { $0.upstream.connectTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 504 Gateway Timeout")
            browser.close()
            try stage.waitUntilEmpty()
        }
        withExtendedLifetime(fillers) {}
    }

    @Test("an app that does not respond is a timeout", arguments: ["GET /", "POST /"])
    func responseTimeout(line: String) throws {
        try Stage.run(configure: { $0.upstream.responseTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            try browser.send(
                line.hasPrefix("GET") ? Stage.request(line) : Stage.request(line, "Content-Length: 3", body: "abc"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 504 Gateway Timeout")
            #expect(head.field("Connection") == nil)
            browser.close()
            app.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("a response that stalls is ended")
    func responseStalls() throws {
        try Stage.run(configure: { $0.upstream.idleTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12")
            #expect(try browser.receiveToEnd() == "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12")
            #expect(try app.receiveToEnd() == "")
        }
    }

    @Test("a response that pauses for less than the idle time goes on, however short the time for its head is")
    func responsePauses() throws {
        try Stage.run(configure: { $0.upstream.responseTimeout = .milliseconds(50) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12")
            _ = try browser.receiveHead()
            try stage.outlast(.milliseconds(200))
            try app.send("34")
            #expect(try browser.receive(like: "1234") == "1234")
        }
    }

    @Test("a browser that is slow to send its request is not the app's timeout")
    func slowUpload() throws {
        try Stage.run(configure: { $0.upstream.responseTimeout = .milliseconds(50) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 3", body: "-"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            #expect(try app.receive(like: "-") == "-")
            for piece in ["a", "b"] {
                try stage.outlast(.milliseconds(150))
                try browser.send(piece)
                #expect(try app.receive(like: piece) == piece)
            }
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
        }
    }

    @Test("a client that waits for 100 Continue from an app that does not respond is the app's timeout")
    func expectTimeout() throws {
        try Stage.run(configure: { $0.upstream.responseTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 2", "Expect: 100-continue"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 504 Gateway Timeout")
            #expect(head.field("Connection") == "close")
        }
    }

    @Test("a browser that is slow to take its response is not the app's timeout")
    func slowDownload() throws {
        try Stage.run(configure: {
            $0.upstream.responseTimeout = .milliseconds(50)
            $0.upstream.idleTimeout = .milliseconds(50)
        }) { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
            let sent = try app.sendUntilFull(limit: 30_000_000)
            try stage.outlast(.milliseconds(150))
            try #require(sent < 30_000_000)
            _ = try browser.receiveHead()
            try Player.transfer(from: app, to: browser, already: sent, total: 30_000_000)
        }
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sent: String
    }

    @Test("an invalid or ambiguous response is a bad gateway", arguments: FailureTests.broken)
    func malformed(_ row: Broken) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(row.sent)
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 502 Bad Gateway")
            #expect(head.field("X-Secret") == nil)
            #expect(try app.receiveToEnd() == "")
            browser.close()
            app.close()
            try stage.waitUntilEmpty()
        }
    }

    static let broken: [Broken] = [
        Broken(testDescription: "not HTTP", sent: "SSH-2.0-OpenSSH\r\n"),
        Broken(
            testDescription: "two lengths",
            sent: "HTTP/1.1 200 OK\r\nX-Secret: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        Broken(
            testDescription: "a length and chunks",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Broken(testDescription: "an unknown coding", sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
        Broken(testDescription: "a NUL", sent: "HTTP/1.1 200 OK\r\nX-Secret: a\0b\r\n\r\n"),
        Broken(testDescription: "a status that is none", sent: "HTTP/1.1 999 What\r\n\r\n"),
        Broken(testDescription: "an LF alone", sent: "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        Broken(
            testDescription: "CVE-2025-64763, CVE-2024-23326: a 101 nobody asked for",
            sent: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nX-Secret: 1"),
        Broken(
            testDescription: "a head beyond the limit",
            sent: "HTTP/1.1 200 OK\r\nX-Secret: " + String(repeating: "x", count: 40000)),
    ]

    struct Cut: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var version = "HTTP/1.1"
        let sent: String
        let received: String
        /// Only a reset shows it to the client.
        var isReset = false
    }

    @Test("a response that is cut short is cut short for the browser too", arguments: FailureTests.cuts, [true, false])
    func abort(_ row: Cut, byReset: Bool) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /", version: row.version))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(row.sent)
            #expect(try browser.receive(like: row.received) == row.received)
            if byReset { app.reset() } else { app.close() }
            if row.isReset {
                #expect(throws: Wire.Failure.reset) { _ = try browser.receiveToEnd() }
            } else {
                #expect(try browser.receiveToEnd() == "")
            }
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    static let cuts: [Cut] = [
        Cut(
            testDescription: "a length",
            sent: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
            received: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"),
        Cut(
            testDescription: "chunks",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
            received: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"),
        Cut(
            testDescription: "within a chunk",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
            received: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n"),
        Cut(
            testDescription: "chunks, to a client that gets none", version: "HTTP/1.0",
            sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
            received: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n12345", isReset: true),
    ]

    @Test("a reset is not the end of content that ends with the connection")
    func resetOfCloseDelimited() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\n\r\n12345")
            _ = try browser.receiveHead()
            #expect(try browser.receive(like: "5\r\n12345\r\n") == "5\r\n12345\r\n")
            app.reset()
            #expect(try browser.receiveToEnd() == "")
        }
    }

    @Test("a fault in the chunks ends the response where it stands")
    func malformedChunks() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            _ = try browser.receiveHead()
            _ = try browser.receive(like: "3\r\nabc\r\n")
            try app.send("zz\r\n0\r\n\r\n")
            #expect(try browser.receiveToEnd() == "")
            #expect(try app.receiveToEnd() == "")
        }
    }

    @Test("bytes after a response are not the response to the next request")
    func leftover() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /1") + Stage.request("GET /2"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            #expect(try app.receiveToEnd() == "")
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == "GET /2 HTTP/1.1")
            try fresh.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")
            let both = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"
            #expect(try browser.receive(like: both) == both)
        }
    }

    // MARK: Once more

    @Test(
        "a request that may be repeated is, once, when a keep-alive connection has ended",
        arguments: ["GET /x", "HEAD /x", "PUT /x", "DELETE /x", "OPTIONS /x"])
    func retries(line: String) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let old = try Self.warm(stage, browser)
            try browser.send(line.hasPrefix("PUT") ? Stage.request(line, "Content-Length: 0") : Stage.request(line))
            _ = try old.receiveHead()
            old.close()
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == line + " HTTP/1.1")
            try fresh.send("HTTP/1.1 204 No Content\r\n\r\n")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 204 No Content")
        }
    }

    @Test("never a second time")
    func retriesOnce() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let old = try Self.warm(stage, browser)
            try browser.send(Stage.request("GET /x"))
            _ = try old.receiveHead()
            old.reset()
            let fresh = try stage.app.accept()
            _ = try fresh.receiveHead()
            fresh.reset()
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 502 Bad Gateway")
            try stage.settle()
            #expect(try stage.app.isSilent())
        }
    }

    struct Unrepeatable: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        /// What the app sends before it closes.
        var sent = ""
        var isOld = true
    }

    @Test("nothing else is repeated", arguments: FailureTests.unrepeatable)
    func doesNotRetry(_ row: Unrepeatable) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let app: Wire
            if row.isOld {
                app = try Self.warm(stage, browser)
                try browser.send(row.request)
            } else {
                try browser.send(row.request)
                app = try stage.app.accept()
            }
            _ = try app.receiveHead()
            if !row.sent.isEmpty {
                try app.send(row.sent)
                try stage.settle()
            }
            app.close()
            var head = try browser.receiveHead()
            if head.hasPrefix("HTTP/1.1 103") { head = try browser.receiveHead() }
            #expect(head.firstLine == "HTTP/1.1 502 Bad Gateway")
            try stage.settle()
            #expect(try stage.app.isSilent())
        }
    }

    static let unrepeatable: [Unrepeatable] = [
        Unrepeatable(testDescription: "POST", request: Stage.request("POST /", "Content-Length: 0")),
        Unrepeatable(testDescription: "PATCH", request: Stage.request("PATCH /")),
        Unrepeatable(
            testDescription: "PUT with content, which is gone",
            request: Stage.request("PUT /", "Content-Length: 1", body: "x")),
        Unrepeatable(testDescription: "an unknown method", request: Stage.request("FROB /")),
        Unrepeatable(
            testDescription: "what was answered in part", request: Stage.request("GET /"), sent: "HTTP/1.1 2"),
        Unrepeatable(
            testDescription: "what was answered by the way", request: Stage.request("GET /"),
            sent: "HTTP/1.1 103 Early Hints\r\n\r\n"),
        Unrepeatable(testDescription: "on a fresh connection", request: Stage.request("GET /"), isOld: false),
    ]

    /// One exchange, after which the app's connection waits in the pool.
    static func warm(_ stage: Stage, _ browser: Wire) throws -> Wire {
        try browser.send(Stage.request("GET /warm"))
        let app = try stage.app.accept()
        _ = try app.receiveHead()
        try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        _ = try browser.receiveHead()
        return app
    }
}
