// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Reactor
import Synchronization
import Testing

@Suite("Responses in pieces")
struct StreamedResponseTests {
    /// Gives the values it was set up with, and counts.
    private final class Source: ResponseSource {
        private struct State {
            var pieces: [ResponsePiece] = []
            var isEndless = false
            var asked = 0
            var ends = 0
            var wake: @Sendable () -> Void = {}
        }

        private let state = Mutex(State())

        init(_ pieces: [ResponsePiece] = [], isEndless: Bool = false) {
            state.withLock { state in
                state.pieces = pieces
                state.isEndless = isEndless
            }
        }

        func start(wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

        func next(_ now: MonotonicTime) -> ResponsePiece {
            state.withLock { state in
                state.asked += 1
                if state.isEndless { return .content([UInt8](repeating: 0x61, count: 4096)) }
                return state.pieces.isEmpty ? .wait(until: .distantFuture) : state.pieces.removeFirst()
            }
        }

        func ended() { state.withLock { $0.ends += 1 } }

        func add(_ pieces: ResponsePiece...) {
            let wake = state.withLock { state in
                state.pieces += pieces
                return state.wake
            }
            wake()
        }

        var asked: Int { state.withLock { $0.asked } }
        var ends: Int { state.withLock { $0.ends } }
    }

    private final class Responder: PlainResponder {
        private let source: Source

        init(_ source: Source) { self.source = source }

        func prepare(for request: PlainRequest) -> PlainPreparation { PlainPreparation() }

        func answer(
            _ request: PlainRequest, account: PlainAccount?, _ done: @escaping @Sendable (PlainResponse) -> Void
        ) {
            var head = LocalResponse(status: 200)
            head.add("Content-Type", "text/event-stream")
            done(.streamed(head, source))
        }
    }

    private static func text(_ text: String) -> ResponsePiece { .content(Array(text.utf8)) }

    @Test("come as chunks when they are there, and the connection continues after the last")
    func chunks() throws {
        let source = Source([Self.text("one")])
        try Stage.run(responder: Responder(source)) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            let head = try browser.receiveHead()
            #expect(head.firstLine == "HTTP/1.1 200 OK" && head.field("Transfer-Encoding") == "chunked")
            #expect(head.field("Content-Length") == nil)
            #expect(try browser.receive(like: "3\r\none\r\n") == "3\r\none\r\n")
            source.add(Self.text("second"))
            #expect(try browser.receive(like: "6\r\nsecond\r\n") == "6\r\nsecond\r\n")
            #expect(source.ends == 0)
            source.add(.end)
            #expect(try browser.receive(like: "0\r\n\r\n") == "0\r\n\r\n")
            try stage.settle()
            #expect(source.ends == 1)
            try browser.send(Stage.request("HEAD /"))
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
        }
    }

    @Test("end with the connection for HTTP/1.0")
    func old() throws {
        let source = Source([Self.text("one"), .end])
        try Stage.run(responder: Responder(source)) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /", version: "HTTP/1.0"))
            let head = try browser.receiveHead()
            #expect(head.field("Transfer-Encoding") == nil)
            #expect(try browser.receiveToEnd() == "one")
        }
    }

    @Test("are asked for only while the client takes them")
    func backpressure() throws {
        let source = Source(isEndless: true)
        try Stage.run(responder: Responder(source)) { stage in
            let browser = try stage.browser(receiveBuffer: 4096)
            try browser.send(Stage.request("GET /"))
            _ = try browser.receiveHead()
            try stage.settle()
            // What the kernel's buffers hold; without an end to it the loop would not get here.
            let asked = source.asked
            #expect(asked < 8192)
            while source.asked == asked { _ = try browser.receiveSome() }
            browser.close()
            try stage.waitUntilEmpty()
            #expect(source.ends == 1)
        }
    }

    @Test("end when the client goes, whether there is something for it or not", arguments: [true, false])
    func gone(isReset: Bool) throws {
        let source = Source([Self.text("one")])
        try Stage.run(responder: Responder(source)) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            _ = try browser.receiveHead()
            if isReset { browser.reset() } else { browser.close() }
            try stage.waitUntilEmpty()
            #expect(source.ends == 1)
            // A late call for a request that is over.
            source.add(Self.text("late"))
            try stage.settle()
        }
    }

    @Test("end when the server stops")
    func drained() throws {
        let source = Source([Self.text("one")])
        try Stage.run(responder: Responder(source)) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /"))
            _ = try browser.receiveHead()
            #expect(try browser.receive(like: "3\r\none\r\n") == "3\r\none\r\n")
            try stage.runServer { $0.drain {} }
            #expect(try browser.receive(like: "0\r\n\r\n") == "0\r\n\r\n")
            #expect(source.ends == 1)
        }
    }
}
