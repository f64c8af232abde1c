// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Testing

@Suite("Early responses")
struct EarlyResponseTests {
    @Test("a response before a long request's end ends the connection, the rest goes nowhere")
    func longRequest() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 1000000", body: "some"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            #expect(try app.receive(like: "some") == "some")
            try app.send("HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig")
            let response = "HTTP/1.1 413 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
            #expect(try browser.receiveToEnd() == response)
            try browser.send("more")
            #expect(try app.receiveToEnd() == "")
            browser.close()
            app.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("so does one whose content comes later")
    func streamedResponse() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Transfer-Encoding: chunked", body: "4\r\nsome\r\n"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            _ = try app.receive(like: "4\r\nsome\r\n")
            try app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            #expect(try browser.receiveHead().field("Connection") == "close")
            // Both directions at once: each piece is answered by one.
            try browser.send("4\r\nmore\r\n")
            #expect(try app.receive(like: "4\r\nmore\r\n") == "4\r\nmore\r\n")
            try app.send("2\r\nok\r\n")
            #expect(try browser.receive(like: "2\r\nok\r\n") == "2\r\nok\r\n")
            try app.send("0\r\n\r\n")
            #expect(try browser.receiveToEnd() == "0\r\n\r\n")
        }
    }

    @Test(
        "after the early response to a short request the connection persists, and the rest is skipped",
        arguments: [true, false])
    func shortRequest(byApp: Bool) throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let text =
                byApp
                ? Stage.request("POST /", "Content-Length: 30", body: "GET")
                : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET"
            try browser.send(text)
            if byApp {
                let app = try stage.app.accept()
                _ = try app.receiveHead()
                try app.send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            }
            let head = try browser.receiveHead()
            #expect(head.firstLine == (byApp ? "HTTP/1.1 403 No" : "HTTP/1.1 401 Unauthorized"))
            #expect(head.field("Connection") == nil)
            _ = try browser.receive(Int(head.field("Content-Length") ?? "") ?? 0)
            try stage.settle()
            // It looks like a request, and is none.
            try browser.send(" /smuggled HTTP/1.1\r\nHost: ")
            try browser.send(Stage.request("GET /next"))
            let app = try stage.app.accept()
            #expect(try app.receiveHead().firstLine == "GET /next HTTP/1.1")
        }
    }

    @Test("a client that waits for 100 Continue and is answered by the gate gets no 100")
    func expectAnsweredLocally() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n")
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 401 Unauthorized")
            // Whether the content still comes cannot be known.
            #expect(head.field("Connection") == "close")
            _ = try browser.receiveToEnd()
            #expect(try stage.app.isSilent())
        }
    }

    @Test(
        "the response of an app that closes before the request is complete is passed on",
        arguments: EventLoop.Kind.allCases)
    func closesEarly(kind: EventLoop.Kind) throws {
        try Stage.run(kind) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 50000000", body: "x"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 413 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            app.close()
            // Straight into the closing connection, before the proxy can know.
            _ = try? browser.sendUntilFull(limit: 300_000)
            #expect(try browser.receiveHead() == "HTTP/1.1 413 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
            #expect(try browser.receive(like: "big") == "big")
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("an app that closes without a response before the request is complete is a bad gateway")
    func closesSilently() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 50000000", body: "some"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            app.reset()
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 502 Bad Gateway")
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("an app that stops reading but streams its response is not sent the rest again and again")
    func stopsReading() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Transfer-Encoding: chunked", body: "4\r\nsome\r\n"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            _ = try app.receive(like: "4\r\nsome\r\n")
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12")
            _ = try browser.receiveHead()
            for _ in 0..<50 {
                try browser.send("1\r\nx\r\n")
                try stage.settle()
            }
            try app.send("34")
            #expect(try browser.receive(like: "1234") == "1234")
        }
    }
}
