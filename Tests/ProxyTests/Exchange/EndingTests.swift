// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Reactor
import Synchronization
import Testing

@Suite("Ends")
struct EndingTests {
    private static let empty = "HTTP/1.1 204 No Content\r\n\r\n"

    @Test("a browser that has ended its side still gets its response", arguments: EventLoop.Kind.allCases)
    func halfClose(kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 3", body: "abc"))
            browser.finish()
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            _ = try app.receive(like: "abc")
            try stage.settle()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            _ = try browser.receiveHead()
            try app.send("ok")
            #expect(try browser.receiveToEnd() == "ok")
            browser.close()
            app.close()
            try stage.waitUntilEmpty()
        }
    }

    enum Point: CaseIterable, Sendable {
        case inHead, beforeContent, inContent, awaitingResponse, inResponse
    }

    @Test(
        "a browser that leaves ends its request, wherever it is", arguments: EndingTests.Point.allCases,
        EventLoop.Kind.allCases)
    func abort(point: Point, kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            switch point {
            case .inHead:
                try browser.send("GET / HTTP/1.1\r\nHost:")
                try stage.settle()
                browser.reset()
            case .beforeContent:
                try browser.send(Stage.request("POST /", "Content-Length: 10"))
                try stage.settle()
                browser.finish()
                #expect(try browser.receiveToEnd() == "")
                #expect(try stage.app.isSilent())
            case .inContent:
                try browser.send(Stage.request("POST /", "Content-Length: 10", body: "abc"))
                let app = try stage.app.accept()
                _ = try app.receiveHead()
                // An end is enough: the request will never be whole.
                browser.finish()
                #expect(try app.receiveToEnd() == "abc")
                #expect(try browser.receiveToEnd() == "")
            case .awaitingResponse, .inResponse:
                try browser.send(Stage.request("GET /"))
                let app = try stage.app.accept()
                _ = try app.receiveHead()
                if point == .inResponse {
                    try app.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
                    _ = try browser.receiveHead()
                }
                browser.reset()
                if kind == .sources {
                    // Without a read a source does not report the end; a write does.
                    try app.send(point == .inResponse ? "4" : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
                    try stage.settle()
                    try? app.send("5")
                    try stage.settle()
                    try? app.send("6")
                }
                _ = try? app.receiveToEnd()
            }
            try stage.waitUntilEmpty()
        }
    }

    @Test("an exchange that ended in failure is not disturbed in its next life")
    func recycling() throws {
        try Stage.run { stage in
            for _ in 0..<30 {
                // One client leaves in the middle, one response is broken off by the app, while a third continues.
                let (one, two, three) = (try stage.browser(), try stage.browser(), try stage.browser())
                try one.send(Stage.request("GET /one"))
                let first = try stage.app.accept()
                _ = try first.receiveHead()
                try two.send(Stage.request("GET /two"))
                let second = try stage.app.accept()
                _ = try second.receiveHead()
                try first.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n1")
                try second.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n2")
                one.reset()
                second.reset()
                try first.send([UInt8](repeating: 0, count: 10000))
                try three.send(Stage.request("GET /three"))
                let third = try stage.app.accept()
                #expect(try third.receiveHead().firstLine == "GET /three HTTP/1.1")
                try third.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthree")
                let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree"
                #expect(try three.receive(like: whole) == whole)
            }
            try stage.waitUntilEmpty()
        }
    }

    // MARK: Draining

    /// How often a drain has completed.
    private final class Count: Sendable {
        private let value = Mutex(0)

        func add() { value.withLock { $0 += 1 } }
        var now: Int { value.withLock { $0 } }
    }

    private static func drain(_ stage: Stage) throws -> Count {
        let count = Count()
        try stage.runServer { $0.drain { count.add() } }
        return count
    }

    @Test("without connections a drain completes at once, and once only")
    func drainsEmpty() throws {
        try Stage.run { stage in
            let count = try Self.drain(stage)
            try stage.settle()
            #expect(count.now == 1)
        }
    }

    @Test("idle connections end at once, and the drain completes once")
    func drainsIdle() throws {
        try Stage.run { stage in
            let browsers = try (0..<3).map { _ in try stage.browser() }
            let app = try FailureTests.warm(stage, browsers[0])
            try stage.wait { $0.connectionCount == 3 }
            let count = try Self.drain(stage)
            for browser in browsers { #expect(try browser.receiveToEnd() == "") }
            #expect(try app.receiveToEnd() == "")
            try stage.settle()
            #expect(count.now == 1)
            #expect(try stage.run { $0.connectionCount + $0.upstreamConnectionCount } == 0)
        }
    }

    @Test("a request in flight finishes, with Connection: close")
    func drainsInFlight() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /1") + Stage.request("GET /2"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let count = try Self.drain(stage)
            try stage.settle()
            #expect(count.now == 0)
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            #expect(
                try browser.receiveToEnd() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            #expect(try app.receiveToEnd() == "")
            browser.close()
            try stage.waitUntilEmpty()
            try stage.settle()
            #expect(count.now == 1)
        }
    }

    @Test("a request that had begun to arrive is served")
    func drainsHalfHead() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let request = Stage.request("GET /")
            try browser.send(String(request.prefix(20)))
            try stage.wait { $0.connectionCount == 1 }
            try stage.settle()
            let count = try Self.drain(stage)
            try browser.send(String(request.dropFirst(20)))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(Self.empty)
            #expect(try browser.receiveToEnd() == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            browser.close()
            try stage.waitUntilEmpty()
            try stage.settle()
            #expect(count.now == 1)
        }
    }

    @Test("a response on its way to a slow browser gets there, and then the drain is done")
    func drainsFlushing() throws {
        let total = 3_000_000
        try Stage.run { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let sent = try app.sendUntilFull(limit: total)
            let count = try Self.drain(stage)
            _ = try browser.receiveHead()
            try Player.transfer(from: app, to: browser, already: sent, total: total)
            #expect(try browser.receiveToEnd() == "")
            browser.close()
            try stage.waitUntilEmpty()
            try stage.settle()
            #expect(count.now == 1)
        }
    }

    @Test("a response of the server's own that waits for the socket ends the connection when it was sent")
    func drainsLocalFlushing() throws {
        let size = 8_000_000
        try Stage.run(respond: { _, _, _ in LocalResponse(status: 200, body: [UInt8](repeating: 0x78, count: size)) }) {
            stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try browser.receiveHead()
            let count = try Self.drain(stage)
            try stage.settle()
            #expect(count.now == 0)
            _ = try browser.receive(size)
            #expect(try browser.receiveToEnd() == "")
            browser.close()
            try stage.waitUntilEmpty()
            try stage.settle()
            #expect(count.now == 1)
        }
    }

    @Test("a connection that becomes a tunnel is waited for")
    func drainsTunnel() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /", "Upgrade: echo", "Connection: upgrade"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let count = try Self.drain(stage)
            try app.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
            _ = try browser.receiveHead()
            try browser.send("hello")
            #expect(try app.receive(like: "hello") == "hello")
            try stage.settle()
            #expect(count.now == 0)
            browser.close()
            #expect(try app.receiveToEnd() == "")
            app.close()
            try stage.waitUntilEmpty()
            try stage.settle()
            #expect(count.now == 1)
        }
    }

    @Test("a stop ends everything at once")
    func stops() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try stage.run { $0.stop() }
            #expect(try browser.receiveToEnd() == "")
            #expect(try app.receiveToEnd() == "")
            try stage.waitUntilEmpty()
        }
    }
}
