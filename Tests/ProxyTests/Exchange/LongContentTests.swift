// SPDX-License-Identifier: Apache-2.0

import Glibc
import Proxy
import Reactor
import TestSupport
import Testing

/// Content that is long enough to pass from socket to socket unread.
@Suite("Long content", .timeLimit(.minutes(5)))
struct LongContentTests {
    /// About the sizes at which another way is taken: a read of either side, then a step, then the last bytes.
    private static let sizes = [
        32_768, 69_632, 98_304, 114_687, 114_688, 114_689, 131_072, 151_551, 151_552, 151_553, 300_000, 900_000,
    ]

    private static func content(_ size: Int) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(size))
        return random.bytes(size)
    }

    @Test(
        "a response ends with its last byte, and what follows it reaches nobody", arguments: EventLoop.Kind.allCases,
        sizes)
    func response(kind: EventLoop.Kind, size: Int) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /1"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let content = Self.content(size)
            let next = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
            try app.send(Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n".utf8) + content + Array(next.utf8))
            #expect(try browser.receiveHead().field("Content-Length") == "\(size)")
            #expect(try browser.receive(size) == content)
            // Neither as the rest of this response nor as another one's.
            try browser.send(Stage.request("GET /2"))
            let another = try stage.app.accept()
            #expect(try another.receiveHead().firstLine == "GET /2 HTTP/1.1")
            try another.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
            #expect(try browser.receiveHead().field("Content-Length") == "4")
            #expect(try browser.receive(like: "mine") == "mine")
            #expect(try app.receiveToEnd() == "")
        }
    }

    @Test(
        "an upload ends with its last byte, and what follows it is the next request",
        arguments: EventLoop.Kind.allCases, sizes)
    func upload(kind: EventLoop.Kind, size: Int) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            let content = Self.content(size)
            let next = Stage.request("GET /next")
            try browser.send(
                Array(Stage.request("POST /", "Content-Length: \(size)").utf8) + content + Array(next.utf8))
            let app = try stage.app.accept()
            #expect(try app.receiveHead().field("Content-Length") == "\(size)")
            #expect(try app.receive(size) == content)
            try stage.settle()
            #expect(try app.isSilent(), "the next request waits for its turn")
            let ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
            try app.send(ok + "1")
            #expect(try browser.receive(like: ok + "1") == ok + "1")
            #expect(try app.receiveHead().firstLine == "GET /next HTTP/1.1")
            try app.send(ok + "2")
            #expect(try browser.receive(like: ok + "2") == ok + "2")
        }
    }

    @Test("content that ends with the connection reaches a client of HTTP/1.0 whole", arguments: [69_632, 500_000])
    func untilClose(size: Int) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /", version: "HTTP/1.0"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let content = Self.content(size)
            try app.send(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + content)
            app.close()
            _ = try browser.receiveHead()
            #expect(try browser.receive(size) == content)
            #expect(try browser.receiveToEnd() == "")
            try stage.waitUntilEmpty()
        }
    }

    @Test(
        "an app that resets the connection in the middle never looks like a complete response",
        arguments: ["HTTP/1.0", "HTTP/1.1"])
    func appResets(version: String) throws {
        try Stage.run { stage in
            // The client reads late, so that bytes are on their way everywhere.
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(Stage.request("GET /", version: version))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            let length = version == "HTTP/1.1" ? "Content-Length: 100000000\r\n" : ""
            try app.send("HTTP/1.1 200 OK\r\n\(length)\r\n")
            let sent = try app.sendUntilFull(limit: 50_000_000)
            #expect(sent < 50_000_000)
            app.reset()
            _ = try browser.receiveHead()
            var count = 0
            var isReset = false
            do {
                while case let bytes = try browser.receiveSome(), !bytes.isEmpty { count += bytes.count }
            } catch Wire.Failure.reset {
                isReset = true
            }
            #expect(isReset || version == "HTTP/1.1")
            #expect(count < sent)
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("a client that leaves in the middle ends the app's connection", arguments: [true, false])
    func clientLeaves(isUpload: Bool) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(
                isUpload ? Stage.request("POST /", "Content-Length: 100000000") : Stage.request("GET /"))
            if isUpload { try browser.send(Self.content(200_000)) }
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            if isUpload {
                let sent = try browser.sendUntilFull(limit: 50_000_000)
                #expect(sent < 50_000_000)
            } else {
                try app.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
                let sent = try app.sendUntilFull(limit: 50_000_000)
                #expect(sent < 50_000_000)
            }
            browser.reset()
            try stage.waitUntilEmpty()
        }
    }

    @Test("a receiver that does not read holds the sender back, and nothing is lost", arguments: [true, false])
    func backPressure(isUpload: Bool) throws {
        let total = 40_000_000
        try Stage.run { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(
                isUpload ? Stage.request("POST /", "Content-Length: \(total)") : Stage.request("GET /"))
            if isUpload { try browser.send([UInt8](repeating: UInt8(ascii: "x"), count: 100_000)) }
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            if isUpload {
                let sent = try browser.sendUntilFull(limit: total - 100_000) + 100_000
                #expect(sent < total)
                try Player.transfer(from: browser, to: app, already: sent, total: total)
                try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
            } else {
                try app.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                let sent = try app.sendUntilFull(limit: total)
                #expect(sent < total)
                _ = try browser.receiveHead()
                try Player.transfer(from: app, to: browser, already: sent, total: total)
            }
        }
    }
}
