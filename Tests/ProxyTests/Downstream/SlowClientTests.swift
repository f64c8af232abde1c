// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import TestSupport
import Testing

@Suite("Clients that are slow while others wait")
struct SlowClientTests {
    private static let empty = "HTTP/1.1 204 No Content\r\n\r\n"

    /// One connection to the app, and little patience.
    private static func configure(_ configuration: inout ProxyConfiguration) {
        configuration.upstream.maxConnections = 1
        configuration.upstream.connectTimeout = .seconds(20)
        configuration.limits.requestWindow = .milliseconds(200)
        configuration.limits.responseWindow = .milliseconds(200)
    }

    static let trickles: [(String, String, String)] = [
        ("Content-Length: 100", "x", "x"),
        ("Transfer-Encoding: chunked", "1\r\nx\r\n", "1\r\nx\r\n"),
        ("Transfer-Encoding: chunked", "1;", "x"),
        ("Transfer-Encoding: chunked", "1\r\nx\r\n0\r\nX-Trailer: ", "x"),
    ]

    @Test("a slow request is ended for one that waits", arguments: Self.trickles)
    func request(_ framing: String, _ first: String, _ piece: String) throws {
        let log = TestLog()
        try Stage.run(configure: Self.configure, log: log) { stage in
            let slow = try stage.browser()
            try slow.send(Stage.request("POST /slow", framing, body: first))
            let app = try stage.app.accept()
            #expect(try app.receiveHead().firstLine == "POST /slow HTTP/1.1")
            let other = try stage.browser()
            try other.send(Stage.request("GET /other"))
            for _ in 0..<10 where (try? slow.receiveNow(0)) == nil {
                try? slow.send(piece)
                try stage.outlast(.milliseconds(20))
            }
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == "GET /other HTTP/1.1")
            try fresh.send(Self.empty)
            #expect(try other.receiveHead() == Self.empty)
            #expect(try slow.receiveHead().firstLine == "HTTP/1.1 408 Request Timeout")
            #expect(try stage.run { $0.metricsSnapshot().events[.endedSlow("request")] } == 1)
        }
        #expect(try log.wait("access", 2).contains { $0.contains(#""reason":"request_too_slow""#) })
    }

    @Test("a response that is not read is ended for one that waits")
    func response() throws {
        let log = TestLog()
        try Stage.run(configure: Self.configure, log: log) { stage in
            let slow = try stage.browser(receiveBuffer: 4096)
            try slow.send(Stage.request("GET /slow"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            _ = try app.sendUntilFull(limit: 50_000_000)
            let other = try stage.browser()
            try other.send(Stage.request("GET /other"))
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == "GET /other HTTP/1.1")
            try fresh.send(Self.empty)
            #expect(try other.receiveHead() == Self.empty)
            #expect(try stage.run { $0.metricsSnapshot().events[.endedSlow("response")] } == 1)
        }
        #expect(try log.wait("access", 2).contains { $0.contains(#""reason":"response_too_slow""#) })
    }

    /// Requests that have a connection for long, for reasons that are not their client's.
    enum Patient: CaseIterable {
        case longPoll, silentEvents, earlyResponse
    }

    @Test("a client that holds nothing that others need continues while they wait", arguments: Patient.allCases)
    func patient(_ kind: Patient) throws {
        try Stage.run(configure: Self.configure) { stage in
            let browser = try stage.browser()
            switch kind {
            case .longPoll, .silentEvents: try browser.send(Stage.request("GET /poll"))
            case .earlyResponse: try browser.send(Stage.request("POST /call", "Transfer-Encoding: chunked"))
            }
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            switch kind {
            case .longPoll: break
            case .silentEvents: try app.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            case .earlyResponse: try app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            }
            let other = try stage.browser()
            try other.send(Stage.request("GET /other"))
            try stage.wait { $0.metricsSnapshot().waiting == 1 }
            // Several looks and windows.
            try stage.outlast(.milliseconds(1200))
            #expect(try stage.run { $0.metricsSnapshot().events[.endedSlow("request")] } == nil)
            #expect(try stage.run { $0.metricsSnapshot().events[.endedSlow("response")] } == nil)
            #expect(try stage.run { $0.metricsSnapshot().waiting } == 1)
            app.close()
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == "GET /other HTTP/1.1")
        }
    }

    @Test("a request whose app ignores Expect ends for one that waits, when its client has waited for long enough")
    func expects() throws {
        try Stage.run(configure: Self.configure) { stage in
            let slow = try stage.browser()
            try slow.send(Stage.request("PUT /slow", "Content-Length: 9", "Expect: 100-continue"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let other = try stage.browser()
            try other.send(Stage.request("GET /other"))
            let fresh = try stage.app.accept()
            #expect(try fresh.receiveHead().firstLine == "GET /other HTTP/1.1")
            try fresh.send(Self.empty)
            #expect(try other.receiveHead() == Self.empty)
            #expect(try slow.receiveHead().firstLine == "HTTP/1.1 408 Request Timeout")
        }
    }

    @Test("a slow request continues while no other waits")
    func nobodyWaits() throws {
        try Stage.run(configure: Self.configure) { stage in
            let slow = try stage.browser()
            try slow.send(Stage.request("POST /slow", "Content-Length: 2", body: "x"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try stage.outlast(.milliseconds(1000))
            try slow.send("y")
            #expect(try app.receive(like: "xy") == "xy")
            try app.send(Self.empty)
            #expect(try slow.receiveHead() == Self.empty)
        }
    }

    @Test("a form for the gate that trickles ends where connections are scarce")
    func crowded() throws {
        try Stage.run(configure: {
            Self.configure(&$0)
            $0.limits.connections = 3
        }) { stage in
            let slow = try stage.browser()
            try slow.send(
                "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\nContent-Length: 100\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\n\r\njwt=")
            try stage.outlast(.milliseconds(600))
            #expect(try stage.run { $0.connectionCount } == 1)
            let others = try (0..<2).map { _ in try stage.browser() }
            #expect(try slow.receiveHead().firstLine == "HTTP/1.1 408 Request Timeout")
            withExtendedLifetime(others) {}
        }
    }

    @Test("a head with a length takes no connection before its content")
    func headAlone() throws {
        try Stage.run(configure: Self.configure) { stage in
            let first = try stage.browser()
            try first.send(Stage.request("POST /1", "Content-Length: 6"))
            try stage.settle()
            #expect(try stage.run { $0.upstreamConnectionCount } == 0)
            let second = try stage.browser()
            try second.send(Stage.request("GET /2"))
            let app = try stage.app.accept()
            #expect(try app.receiveHead().firstLine == "GET /2 HTTP/1.1")
            // Its content waits for the connection, in two pieces.
            try first.send("abc")
            try stage.wait { $0.metricsSnapshot().waiting == 1 }
            try first.send("def")
            try app.send(Self.empty)
            #expect(try app.receiveHead().firstLine == "POST /1 HTTP/1.1")
            #expect(try app.receive(like: "abcdef") == "abcdef")
            try app.send(Self.empty)
            #expect(try first.receiveHead() == Self.empty)
        }
    }

    @Test("a deferred request is sent whole with its first content", arguments: [true, false])
    func deferredWhole(keepsConnection: Bool) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let kept = keepsConnection ? try FailureTests.warm(stage, browser) : nil
            try browser.send(Stage.request("PUT /1", "Content-Length: 3"))
            try stage.settle()
            try browser.send("abc")
            let app = try kept ?? stage.app.accept()
            #expect(try app.receiveHead().firstLine == "PUT /1 HTTP/1.1")
            #expect(try app.receive(like: "abc") == "abc")
            try app.send(Self.empty)
            #expect(try browser.receiveHead() == Self.empty)
            try browser.send(Stage.request("GET /next"))
            #expect(try app.receiveHead().firstLine == "GET /next HTTP/1.1")
        }
    }
}
