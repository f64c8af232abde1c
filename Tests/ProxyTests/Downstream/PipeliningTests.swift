// SPDX-License-Identifier: Apache-2.0

import Glibc
import Proxy
import Reactor
import Testing

@Suite("Pipelining")
struct PipeliningTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"

    @Test("requests sent at once are answered one after the other, in order", arguments: EventLoop.Kind.allCases)
    func inOrder(kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            var all = ""
            for number in 0..<50 {
                all +=
                    number % 3 == 0
                    ? Stage.request("POST /\(number)", "Content-Length: 4", body: "GET ")
                    : Stage.request("GET /\(number)")
            }
            try browser.send(all)
            let app = try stage.app.accept()
            for number in 0..<50 {
                let head = try app.receiveHead()
                #expect(head.firstLine == (number % 3 == 0 ? "POST" : "GET") + " /\(number) HTTP/1.1")
                if number % 3 == 0 { #expect(try app.receive(like: "GET ") == "GET ") }
                if number < 3 {
                    try stage.settle()
                    #expect(try app.isSilent(), "the next one waits for its turn")
                }
                try app.send(Self.ok + "\(number % 10)")
                #expect(try browser.receive(like: Self.ok + "0") == Self.ok + "\(number % 10)")
            }
            #expect(try stage.app.isSilent())
        }
    }

    @Test("responses of the gate and of the app keep their order")
    func mixed() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let unauthenticated = "GET /x HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n"
            try browser.send(unauthenticated + Stage.request("GET /1") + unauthenticated + Stage.request("GET /2"))
            for number in 1...2 {
                let refusal = try browser.receiveHead()
                #expect(refusal.firstLine == "HTTP/1.1 401 Unauthorized")
                _ = try browser.receive(Int(refusal.field("Content-Length") ?? "") ?? 0)
                let app = try stage.app.accept()
                #expect(try app.receiveHead().firstLine == "GET /\(number) HTTP/1.1")
                try app.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\(number)")
                #expect(try browser.receive(like: Self.ok + "0") == Self.ok + "\(number)")
            }
        }
    }

    @Test("a client that ends its side behind its requests gets all the responses")
    func halfCloseBehind() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /1") + Stage.request("GET /2") + Stage.request("GET /3"))
            browser.finish()
            let app = try stage.app.accept()
            for number in 1...3 {
                #expect(try app.receiveHead().firstLine == "GET /\(number) HTTP/1.1")
                try stage.settle()
                try app.send(Self.ok + "\(number)")
            }
            #expect(try browser.receiveToEnd() == Self.ok + "1" + Self.ok + "2" + Self.ok + "3")
            browser.close()
            app.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("what follows a request with Connection: close is not read")
    func nothingAfterClose() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /1", "Connection: close") + Stage.request("GET /2"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send(Self.ok + "1")
            #expect(
                try browser.receiveToEnd() == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1")
            try stage.settle()
            #expect(try app.isSilent() && stage.app.isSilent())
        }
    }

    @Test("what follows a malformed request is not read")
    func nothingAfterMalformed() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send("GET / HTTP/1.1\r\nHost: a\r\nbad line\r\n\r\n" + Stage.request("GET /2"))
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 400 Bad Request")
            #expect(head.field("Connection") == "close")
            _ = try browser.receiveToEnd()
            #expect(try stage.app.isSilent())
        }
    }

    @Test("requests of a client that reads no responses stay unread, whether the gate or the app responds")
    func boundedOutput() throws {
        // Each is answered by us, and its content skipped.
        let request = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        try Stage.run { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            let many = Array(String(repeating: request, count: 1000).utf8)
            var sent = 0
            // The answers are far larger than the requests: the sockets' buffers are full long before this.
            while sent < 40_000_000 {
                let count = try browser.sendSome(many[...])
                sent += count
                if count == 0 {
                    do { try Wire.wait([(browser.descriptor, POLLOUT)], milliseconds: 200) } catch Wire.Failure.timeout
                    {
                        break
                    }
                }
            }
            #expect(sent < 40_000_000)
            browser.reset()
            try stage.waitUntilEmpty()
        }
    }
}
