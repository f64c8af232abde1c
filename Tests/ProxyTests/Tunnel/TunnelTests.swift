// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Testing

@Suite("Tunnels")
struct TunnelTests {
    private static let ask = ["Upgrade: echo", "Connection: upgrade", "Sec-WebSocket-Key: abc"]
    private static let agree =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n"
    private static let agreed =
        "HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"

    private static var request: String { Stage.request("GET /ws", ask[0], ask[1], ask[2]) }

    /// An open tunnel: the browser's end and the app's.
    private static func open(_ stage: Stage, browser: Wire? = nil) throws -> (Wire, Wire) {
        let browser = try browser ?? stage.browser()
        try browser.send(request)
        let app = try stage.app.accept()
        let head = try app.receiveHead()
        #expect(head.field("Upgrade") == "echo" && head.field("Connection") == "upgrade")
        #expect(head.field("Sec-WebSocket-Key") == "abc")
        try app.send(agree)
        #expect(try browser.receiveHead() == agreed)
        return (browser, app)
    }

    @Test(
        "bytes pass in both directions, and so does the end of each side", arguments: EventLoop.Kind.allCases,
        [true, false])
    func passes(kind: EventLoop.Kind, browserEndsFirst: Bool) throws {
        try Stage.run(kind) { stage in
            let (browser, app) = try Self.open(stage)
            for number in 0..<10 {
                try browser.send("ping \(number)")
                #expect(try app.receive(like: "ping 0") == "ping \(number)")
                try app.send("pong \(number)")
                #expect(try browser.receive(like: "pong 0") == "pong \(number)")
            }
            let (first, second) = browserEndsFirst ? (browser, app) : (app, browser)
            first.finish()
            #expect(try second.receiveToEnd() == "")
            // The other direction is open still.
            try second.send("still here")
            #expect(try first.receive(like: "still here") == "still here")
            second.finish()
            #expect(try first.receiveToEnd() == "")
            try stage.waitUntilEmpty()
        }
    }

    @Test("CVE-2025-64763, CVE-2024-23326: early bytes reach the app only after the 101")
    func earlyBytes() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Self.request + "early")
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try stage.settle()
            #expect(try app.isSilent())
            try app.send(Self.agree + "eager")
            #expect(try browser.receiveHead() == Self.agreed)
            #expect(try browser.receive(like: "eager") == "eager")
            #expect(try app.receive(like: "early") == "early")
        }
    }

    @Test("CVE-2025-64763, CVE-2024-23326: without a 101 early bytes are a request, which the gate judges")
    func refusedUpgrade() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Self.request + "GET /secret HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n")
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 401 Unauthorized")
            try stage.settle()
            #expect(try app.isSilent())
        }
    }

    struct Uninvited: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
    }

    @Test(
        "CVE-2025-64763, CVE-2024-23326: a 101 nobody asked for is a bad gateway",
        arguments: [
            Uninvited(testDescription: "no Upgrade", request: Stage.request("GET /", "Connection: upgrade")),
            Uninvited(testDescription: "not named by Connection", request: Stage.request("GET /", "Upgrade: echo")),
            Uninvited(
                testDescription: "HTTP/1.0",
                request: Stage.request("GET /", "Upgrade: echo", "Connection: upgrade", version: "HTTP/1.0")),
            Uninvited(
                testDescription: "h2c, within which requests would pass unjudged",
                request: Stage.request(
                    "GET /", "Upgrade: h2c", "Connection: upgrade, HTTP2-Settings", "HTTP2-Settings: x")),
            Uninvited(
                testDescription: "content still to come",
                request: Stage.request(
                    "POST /", "Upgrade: echo", "Connection: upgrade", "Content-Length: 100000", "Expect: 100-continue")),
        ])
    func uninvited(_ row: Uninvited) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(row.request)
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(Self.agree + "eager")
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 502 Bad Gateway")
            #expect(head.field("X-A") == nil)
            #expect(try app.receiveToEnd() == "")
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("an upgrade without a session is refused, and its bytes go nowhere")
    func unauthenticated() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(
                "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: upgrade, close\r\n\r\nearly bytes")
            #expect(try browser.receiveToEnd().firstLine == "HTTP/1.1 401 Unauthorized")
            #expect(try stage.app.isSilent())
        }
    }

    @Test("a side that does not read holds the other back, and nothing is lost", arguments: EventLoop.Kind.allCases)
    func backPressure(kind: EventLoop.Kind) throws {
        let total = 40_000_000
        try Stage.run(kind) { stage in
            let (browser, app) = try Self.open(stage, browser: stage.browser(receiveBuffer: 4096))
            let sent = try app.sendUntilFull(limit: total)
            try #require(sent < total)
            // The other direction is not held back by it.
            try browser.send("hello")
            #expect(try app.receive(like: "hello") == "hello")
            try Player.transfer(from: app, to: browser, already: sent, total: total)
            browser.close()
            app.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("what was sent before the end arrives, though the other side had ended before and is slow")
    func endBehindData() throws {
        let total = 4_000_000
        try Stage.run { stage in
            let (browser, app) = try Self.open(stage, browser: stage.browser(receiveBuffer: 4096))
            browser.finish()
            #expect(try app.receiveToEnd() == "")
            let sent = try app.sendUntilFull(limit: total)
            // Everything that fits the sockets, then the end: the proxy sees both at once, with the browser not reading.
            app.close()
            try stage.settle()
            var received = 0
            while true {
                let bytes = try browser.receiveSome()
                if bytes.isEmpty { break }
                received += bytes.count
            }
            #expect(received == sent)
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("a reset of one side ends the other", arguments: EventLoop.Kind.allCases, [true, false])
    func reset(kind: EventLoop.Kind, browserResets: Bool) throws {
        try Stage.run(kind) { stage in
            let (browser, app) = try Self.open(stage)
            let (first, second) = browserResets ? (browser, app) : (app, browser)
            first.reset()
            #expect(try second.receiveToEnd() == "")
            second.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("a side that fails in the middle of a stream takes nothing else down", arguments: EventLoop.Kind.allCases)
    func failsInStream(kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            for round in 0..<20 {
                let (browser, app) = try Self.open(stage)
                // Some turns of reading are behind it, each time another number.
                _ = try? app.sendSome([UInt8](repeating: 1, count: 100_000 * (round + 1))[...])
                browser.reset()
                _ = try? app.sendSome([UInt8](repeating: 1, count: 2_000_000)[...])
                app.close()
            }
            try stage.waitUntilEmpty()
        }
    }

    @Test("a tunnel counts as a connection of the client, and not as one to the app")
    func counts() throws {
        try Stage.run(configure: { $0.upstream.maxConnections = 1 }) { stage in
            let (browser, app) = try Self.open(stage)
            #expect(try stage.run { $0.connectionCount } == 1)
            #expect(try stage.run { $0.upstreamConnectionCount } == 0)
            let other = try stage.browser()
            try other.send(Stage.request("GET /"))
            #expect(try stage.app.accept().receiveHead().firstLine == "GET / HTTP/1.1")
            browser.close()
            #expect(try app.receiveToEnd() == "")
        }
    }
}
