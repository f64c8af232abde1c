// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP2
import Proxy
import Reactor
import Testing

/// How a connection becomes one of HTTP/2, and what its streams have in common with other exchanges. What goes over
/// such a connection is looked at from outside, in `test_http2.py`.
@Suite("A connection that begins with HTTP/2's preface")
struct HTTP2DownstreamTests {
    static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    static let settings = "\0\0\0\u{4}\0\0\0\0\0"
    /// GET / for app.example, as literals without indexing.
    static let request: String = {
        let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "app.example")]
        let block = fields.map { name, value in
            "\0" + [name, value].map { String(UnicodeScalar(UInt8($0.utf8.count))) + $0 }.joined()
        }.joined()
        return "\0\0" + String(UnicodeScalar(UInt8(block.utf8.count))) + "\u{1}\u{5}\0\0\0\u{1}" + block
    }()

    @Test("Is answered with SETTINGS, however the preface is cut", arguments: EventLoop.Kind.allCases)
    func everySplit(kind: EventLoop.Kind) throws {
        try Stage.run(kind, respond: { _, _, _ in LocalResponse(status: 200, body: Array("hello".utf8)) }) { stage in
            let input = Array((Self.preface + Self.settings + Self.request).utf8)
            for cut in [1, 10, 14, 15, 20, 24, 30, 40, input.count] {
                let browser = try stage.browser()
                try browser.send(Array(input[..<cut]))
                try stage.settle()
                try browser.send(Array(input[cut...]))
                let frames = try browser.frames { $0.contains { $0.type == 0 } }
                #expect(frames.first?.type == 4)
                #expect(frames.first { $0.type == 0 }?.payload == Array("hello".utf8))
                browser.close()
            }
            try stage.waitUntilEmpty()
        }
    }

    @Test("Is refused as HTTP/1 where HTTP/2 is turned off")
    func turnedOff() throws {
        try Stage.run(configure: { $0.limits.http2.isEnabled = false }) { stage in
            let browser = try stage.browser()
            try browser.send(Array(Self.preface.utf8))
            #expect(try browser.receiveHead().hasPrefix("HTTP/1.1 505 "))
        }
    }

    @Test("Ends with GOAWAY when the worker stops, idle or not")
    func drain() throws {
        try Stage.run(respond: { _, _, _ in LocalResponse(status: 204) }) { stage in
            let browser = try stage.browser()
            try browser.send(Array((Self.preface + Self.settings + Self.request).utf8))
            _ = try browser.frames { $0.contains { $0.type == 1 } }
            try stage.runServer { $0.drain {} }
            let frames = try browser.frames { $0.contains { $0.type == 7 && $0.payload.starts(with: [0, 0, 0, 1]) } }
            #expect(frames.contains { $0.type == 7 && $0.payload.starts(with: [0x7f, 0xff, 0xff, 0xff]) })
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("Ends at once when the worker stops and it is idle, as soon as the client has read that")
    func drainIdle() throws {
        try Stage.run(respond: { _, _, _ in LocalResponse(status: 204) }) { stage in
            let browser = try stage.browser()
            try browser.send(Array((Self.preface + Self.settings + Self.request).utf8))
            _ = try browser.frames { $0.contains { $0.type == 1 } }
            try stage.runServer { $0.drain {} }
            let ping = try browser.frames { $0.contains { $0.type == 6 } }.first { $0.type == 6 }
            try browser.send([0, 0, 8, 6, 1, 0, 0, 0, 0] + (ping?.payload ?? []))
            let last = try browser.frames { _ in false }
            #expect(last.map(\.type) == [7])
            try stage.settle()
            #expect(try stage.runServer { $0.connectionCount } == 0)
        }
    }

    @Test("Ends soon when the worker stops and it is idle, though the client does not read")
    func drainUnread() throws {
        try Stage.run(respond: { _, _, _ in LocalResponse(status: 204) }) { stage in
            let browser = try stage.browser()
            try browser.send(Array((Self.preface + Self.settings + Self.request).utf8))
            _ = try browser.frames { $0.contains { $0.type == 1 } }
            try stage.runServer { $0.drain {} }
            try stage.outlast(.milliseconds(600))
            #expect(try stage.runServer { $0.connectionCount } == 0)
        }
    }
}

extension Wire {
    /// Reads on until the frames that came fulfil `test`.
    fileprivate func frames(_ test: ([ReceivedFrame]) -> Bool) throws -> [ReceivedFrame] {
        var bytes: [UInt8] = []
        while true {
            let frames = ReceivedFrame.all(bytes)
            if test(frames) { return frames }
            let more = try receiveSome()
            guard !more.isEmpty else { return frames }
            bytes += more
        }
    }
}

private struct ReceivedFrame {
    var type: UInt8
    var payload: [UInt8]

    static func all(_ bytes: [UInt8]) -> [ReceivedFrame] {
        var frames: [ReceivedFrame] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
            guard rest.count >= 9 + length else { break }
            frames.append(ReceivedFrame(type: header[3], payload: Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }
}
