// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Testing

@Suite("Limits")
struct LimitTests {
    @Test("content that is declared too long is refused before a byte of it is read")
    func lengthTooLarge() throws {
        try Stage.run(configure: { $0.limits.bodyBytes = 10 }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 11", "Expect: 100-continue"))
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 413 Content Too Large")
            #expect(head.field("Connection") == "close")
            #expect(try stage.app.isSilent())
        }
    }

    @Test("content that proves too long is refused, and the app's request broken off")
    func chunksTooLarge() throws {
        try Stage.run(configure: { $0.limits.bodyBytes = 10 }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Transfer-Encoding: chunked", body: "a\r\n0123456789\r\n"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            _ = try app.receive(like: "a\r\n0123456789\r\n")
            try browser.send("1\r\nx\r\n0\r\n\r\n")
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 413 Content Too Large")
            #expect(head.field("Connection") == "close")
            #expect(try app.receiveToEnd() == "")
        }
    }

    @Test("when the response has begun it is cut short instead")
    func tooLargeWhileAnswered() throws {
        try Stage.run(configure: { $0.limits.bodyBytes = 10 }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Transfer-Encoding: chunked", body: "1\r\n0\r\n"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            _ = try browser.receiveHead()
            _ = try browser.receive(like: "12345")
            try browser.send("a\r\n0123456789\r\n")
            #expect(try browser.receiveToEnd() == "")
            _ = try? app.receiveToEnd()
            try stage.waitUntilEmpty()
        }
    }

    @Test("content of just the limit passes", arguments: [true, false])
    func justFits(isChunked: Bool) throws {
        try Stage.run(configure: { $0.limits.bodyBytes = 10 }) { stage in
            let browser = try stage.browser()
            let content = isChunked ? "a\r\n0123456789\r\n0\r\n\r\n" : "0123456789"
            try browser.send(
                Stage.request("POST /", isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 10", body: content))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            #expect(try app.receive(like: content) == content)
        }
    }

    @Test("a head that is not complete in time is a 408", arguments: EventLoop.Kind.allCases)
    func headTimeout(kind: EventLoop.Kind) throws {
        try Stage.run(kind, configure: { $0.limits.headerTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            try browser.send("GET / HT")
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 408 Request Timeout")
            #expect(head.field("Connection") == "close")
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("trickling bytes do not put it off")
    func trickle() throws {
        try Stage.run(configure: { $0.limits.headerTimeout = .milliseconds(200) }) { stage in
            let browser = try stage.browser()
            try browser.send("GET / HTTP/1.1\r\nX-A: ")
            var head: String?
            for _ in 0..<200 {
                if try !browser.isSilent() {
                    head = try browser.receiveHead()
                    break
                }
                try browser.send("a")
                try stage.outlast(.milliseconds(10))
            }
            #expect(head?.firstLine == "HTTP/1.1 408 Request Timeout")
        }
    }

    @Test("the second head of a connection has its own time, and waiting for it another")
    func secondHead() throws {
        try Stage.run(configure: { $0.limits.headerTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            let app = try FailureTests.warm(stage, browser)
            // Longer than a head may take; the keep-alive time is far longer.
            try stage.outlast(.milliseconds(200))
            try browser.send("GET / HT")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 408 Request Timeout")
            #expect(try app.isSilent())
        }
    }

    @Test("a connection without a request is closed without a response")
    func silentConnection() throws {
        try Stage.run(configure: {
            $0.limits.headerTimeout = .milliseconds(50)
            $0.limits.keepAliveTimeout = .milliseconds(50)
        }) { stage in
            let silent = try stage.browser()
            #expect(try silent.receiveToEnd() == "")
            let browser = try stage.browser()
            _ = try FailureTests.warm(stage, browser)
            #expect(try browser.receiveToEnd() == "")
        }
    }

    @Test("a request whose content stops is a 408")
    func contentTimeout() throws {
        try Stage.run(configure: { $0.limits.bodyIdleTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 10", body: "abc"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 408 Request Timeout")
            #expect(head.field("Connection") == "close")
            #expect(try app.receiveToEnd() == "abc")
        }
    }

    @Test("a client that stops reading its response is disconnected")
    func stopsReading() throws {
        try Stage.run(configure: { $0.limits.bodyIdleTimeout = .milliseconds(100) }) { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            _ = try? app.sendUntilFull(limit: 100_000_000)
            try stage.waitUntilEmpty()
            withExtendedLifetime(browser) {}
        }
    }

    @Test("no more connections than may be; the next is accepted when one ends", arguments: EventLoop.Kind.allCases)
    func connections(kind: EventLoop.Kind) throws {
        try Stage.run(kind, configure: { $0.limits.connections = 2 }) { stage in
            let first = try stage.browser()
            let second = try stage.browser()
            try stage.wait { $0.connectionCount == 2 }
            let third = try stage.browser()
            try third.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            try stage.settle()
            #expect(try stage.run { $0.connectionCount } == 2)
            #expect(try third.isSilent())
            first.close()
            #expect(try third.receiveHead().firstLine == "HTTP/1.1 302 Found")
            withExtendedLifetime(second) {}
        }
    }

    @Test(
        "a stalled transfer of a hundred megabytes holds no more than the kernel's buffers", arguments: [true, false])
    func stalled(isUpload: Bool) throws {
        let app = try App(receiveBuffer: 4096)
        try Stage.run(app: app) { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(
                isUpload
                    ? Stage.request("POST /", "Content-Length: 100000000", "Expect: 100-continue")
                    : Stage.request("GET /"))
            let wire = try stage.app.accept()
            _ = try wire.receiveHead()
            if !isUpload { try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n") }
            let sent = try (isUpload ? browser : wire).sendUntilFull(limit: 100_000_000)
            // Two sockets' send buffers of a few megabytes each at most, and one receive buffer.
            #expect(sent < 20_000_000)
            if isUpload {
                try Player.transfer(from: browser, to: wire, already: sent, total: sent + 1_000_000)
            } else {
                _ = try browser.receiveHead()
                try Player.transfer(from: wire, to: browser, already: sent, total: sent + 1_000_000)
            }
        }
    }
}
