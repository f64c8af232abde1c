// SPDX-License-Identifier: Apache-2.0

import Glibc
import Proxy
import Reactor
import TestSupport
import Testing

@Suite("Connections to the app")
struct PoolTests {
    private static let empty = "HTTP/1.1 204 No Content\r\n\r\n"

    @Test("beyond the maximum requests wait, and are served in order by what is released")
    func waits() throws {
        try Stage.run(configure: { $0.upstream.maxConnections = 2 }) { stage in
            let browsers = try (0..<5).map { number in
                let browser = try stage.browser()
                try browser.send(Stage.request("GET /\(number)"))
                try stage.settle()
                return browser
            }
            let one = try stage.app.accept()
            let other = try stage.app.accept()
            #expect(try stage.run { $0.upstreamConnectionCount } == 2)
            let first = try one.receiveHead().firstLine
            let isFirst = first == "GET /0 HTTP/1.1"
            #expect(try other.receiveHead().firstLine == (isFirst ? "GET /1 HTTP/1.1" : "GET /0 HTTP/1.1"))
            for number in 2..<5 {
                try one.send(Self.empty)
                #expect(try one.receiveHead().firstLine == "GET /\(number) HTTP/1.1")
            }
            try one.send(Self.empty)
            try other.send(Self.empty)
            for browser in browsers { #expect(try browser.receiveHead() == Self.empty) }
            #expect(try stage.app.isSilent())
        }
    }

    @Test("a waiting request gets a fresh connection when a busy one ends", arguments: [true, false])
    func waitsForRoom(inError: Bool) throws {
        try Stage.run(configure: { $0.upstream.maxConnections = 1 }) { stage in
            let first = try stage.browser()
            try first.send(Stage.request("GET /1"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let second = try stage.browser()
            try second.send(Stage.request("POST /2", "Content-Length: 3", body: "abc"))
            try stage.settle()
            if !inError { try app.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") }
            app.close()
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == "POST /2 HTTP/1.1")
            #expect(try fresh.receive(like: "abc") == "abc")
            try fresh.send(Self.empty)
            #expect(try second.receiveHead() == Self.empty)
            #expect(
                try first.receiveHead().firstLine
                    == (inError ? "HTTP/1.1 502 Bad Gateway" : "HTTP/1.1 204 No Content"))
        }
    }

    @Test("a request that waits too long is a 503, and the next one is served")
    func waitTimeout() throws {
        try Stage.run(configure: {
            $0.upstream.maxConnections = 1
            $0.upstream.connectTimeout = .milliseconds(100)
        }) { stage in
            let first = try stage.browser()
            try first.send(Stage.request("GET /1"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let second = try stage.browser()
            try second.send(Stage.request("GET /2"))
            #expect(try second.receiveHead().firstLine == "HTTP/1.1 503 Service Unavailable")
            try app.send(Self.empty)
            #expect(try first.receiveHead() == Self.empty)
            try first.send(Stage.request("GET /3"))
            #expect(try app.receiveHead().firstLine == "GET /3 HTTP/1.1")
        }
    }

    @Test(
        "a request that waits on a worker without a connection of its own is refused as overloaded",
        arguments: [UpstreamConfiguration.Version.http1, .http2])
    func waitTimeoutWithoutConnection(version: UpstreamConfiguration.Version) throws {
        let ledger = ConnectionLedger(limit: 1)
        try Stage.run(configure: { $0.upstream.ledger = ledger }) { busy in
            let first = try busy.browser()
            try first.send(Stage.request("GET /1"))
            let app = try busy.app.accept()
            _ = try app.receiveHead()
            let log = TestLog()
            try Stage.run(
                configure: {
                    $0.upstream.ledger = ledger
                    $0.upstream.version = version
                    $0.upstream.connectTimeout = .milliseconds(100)
                }, log: log
            ) { stage in
                let second = try stage.browser()
                try second.send(Stage.request("GET /2"))
                #expect(try second.receiveHead().firstLine == "HTTP/1.1 503 Service Unavailable")
                #expect(try log.wait("access", 1)[0].contains("\"reason\":\"upstream_overloaded\""))
                #expect(try stage.app.isSilent())
            }
            try app.send(Self.empty)
            #expect(try first.receiveHead() == Self.empty)
        }
    }

    @Test("a client that leaves while it waits does not take another's turn")
    func leavesWhileWaiting() throws {
        try Stage.run(configure: { $0.upstream.maxConnections = 1 }) { stage in
            let first = try stage.browser()
            try first.send(Stage.request("GET /1"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let leaver = try stage.browser()
            try leaver.send(Stage.request("GET /leaver"))
            try stage.settle()
            let third = try stage.browser()
            try third.send(Stage.request("GET /3"))
            try stage.settle()
            leaver.reset()
            try stage.wait { $0.connectionCount == 2 }
            try app.send(Self.empty)
            #expect(try app.receiveHead().firstLine == "GET /3 HTTP/1.1")
        }
    }

    @Test("a client that leaves while a connection is made leaves it to others")
    func leavesWhileConnecting() throws {
        let app = try App(backlog: 0)
        let filler = try Filler(app.port)
        try Stage.run(app: app) { stage in
            let leaver = try stage.browser()
            try leaver.send(Stage.request("GET /leaver"))
            try stage.settle()
            #expect(try stage.run { $0.upstreamConnectionCount } == 1)
            leaver.reset()
            try stage.wait { $0.connectionCount == 0 }
            // The kernel tries again within a second or so, and then there is room.
            _ = try app.accept()
            let connection = try app.accept()
            try stage.settle()
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /next"))
            #expect(try connection.receiveHead().firstLine == "GET /next HTTP/1.1")
        }
        withExtendedLifetime(filler) {}
    }

    @Test("idle connections end after their time, and when the app closes them", arguments: [true, false])
    func idleEnd(byApp: Bool) throws {
        try Stage.run(configure: { $0.upstream.idleTimeout = byApp ? .seconds(60) : .milliseconds(50) }) { stage in
            let browser = try stage.browser()
            let app = try FailureTests.warm(stage, browser)
            if byApp { app.close() } else { #expect(try app.receiveToEnd() == "") }
            try stage.wait { $0.upstreamConnectionCount == 0 }
            try browser.send(Stage.request("POST /", "Content-Length: 0"))
            #expect(try stage.app.accept().receiveHead().firstLine == "POST / HTTP/1.1")
        }
    }

    @Test("a response without a request ends its connection")
    func unsolicited() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let app = try FailureTests.warm(stage, browser)
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            try stage.wait { $0.upstreamConnectionCount == 0 }
            try browser.send(Stage.request("GET /"))
            let fresh = try stage.app.accept()
            _ = try fresh.receiveHead()
            try fresh.send(Self.empty)
            #expect(try browser.receiveHead() == Self.empty)
        }
    }

    @Test("content waits while a connection is made, and for a free one")
    func contentWaits() throws {
        try Stage.run(configure: { $0.upstream.maxConnections = 1 }) { stage in
            let first = try stage.browser()
            let second = try stage.browser()
            let content = String(repeating: "0123456789", count: 20000)
            try first.send(Stage.request("POST /1", "Content-Length: 200000", body: String(content.prefix(1000))))
            try stage.settle()
            try second.send(Stage.request("POST /2", "Transfer-Encoding: chunked", body: "a\r\n0123456789\r\n"))
            try stage.settle()
            try second.send("3\r\nabc\r\n0\r\n\r\n")
            let app = try stage.app.accept()
            #expect(try app.receiveHead().firstLine == "POST /1 HTTP/1.1")
            try first.send(String(content.dropFirst(1000)))
            #expect(try app.receive(like: content) == content)
            try app.send(Self.empty)
            #expect(try app.receiveHead().firstLine == "POST /2 HTTP/1.1")
            let chunks = "d\r\n0123456789abc\r\n0\r\n\r\n"
            let received = try app.receive(like: "a\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n")
            #expect(received != chunks && received == "a\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n")
        }
    }

    @Test("an app on a unix socket")
    func unixSocket() throws {
        let path = "/tmp/sidegate-proxy-tests-\(getpid()).socket"
        let app = try App(path: path)
        try Stage.run(app: app, configure: { $0.upstream = UpstreamConfiguration(.unix(path: path)) }) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let wire = try app.accept()
            #expect(try wire.receiveHead().firstLine == "GET / HTTP/1.1")
            try wire.send(Self.empty)
            #expect(try browser.receiveHead() == Self.empty)
        }
    }
}
