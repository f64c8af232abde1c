// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Frames (RFC 9113 §4.1), written by hand, and a reader of those that are sent.
enum HTTP2Seeds {
    static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// After the preface.
    static let requests: [[UInt8]] = {
        let hello = frame(4)
        let get = [(":method", "GET"), (":scheme", "http"), (":path", "/a?b"), (":authority", "app.example")]
        let post = [(":method", "POST"), (":scheme", "http"), (":path", "/a"), (":authority", "app.example")]
        let tunnel = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
            (":authority", "a"),
        ]
        return [
            hello + headers(1, get),
            hello + headers(1, get + [("cookie", "a=b"), ("cookie", "c=d")]) + headers(3, get),
            hello + headers(1, post + [("content-length", "5")], flags: 4) + frame(0, 1, 1, [UInt8]("hello")),
            hello + headers(1, post, flags: 4) + frame(0, 0, 1, [UInt8]("hello")) + headers(1, [("a", "b")]),
            hello + headers(1, tunnel, flags: 4) + frame(0, 8, 1, [2] + [UInt8]("hello") + [0, 0])
                + frame(3, 0, 1, word(8)),
            hello + headers(1, post, flags: 0) + frame(9, 4, 1, block([("x", "y")])) + frame(8, 0, 1, word(100)),
            frame(4, 0, 0, [0, 4] + word(10) + [0, 5] + word(16_384)) + frame(4, 1) + headers(1, get)
                + frame(8, 0, 0, word(9)),
            hello + frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) + frame(2, 0, 1, word(0) + [1])
                + frame(7, 0, 0, word(0) + word(0)),
            hello + headers(1, get, flags: 5 | 0x20, before: word(0) + [1]) + frame(0xbb, 0, 0, [1]),
        ]
    }()

    static let responses: [[UInt8]] = {
        let hello = frame(4) + frame(4, 1)
        let ok = [(":status", "200"), ("content-type", "text/plain")]
        return [
            hello + headers(1, ok), hello + headers(1, ok, flags: 4) + frame(0, 1, 1, [UInt8]("hello")),
            hello + headers(1, [(":status", "103"), ("link", "a")], flags: 4) + headers(1, ok) + headers(3, ok),
            hello + headers(3, ok + [("content-length", "5")]) + headers(5, ok, flags: 4) + headers(5, [("t", "u")]),
            hello + frame(3, 0, 1, word(7)) + frame(7, 0, 0, word(1) + word(0)) + frame(8, 0, 5, word(1000)),
            frame(4, 0, 0, [0, 3] + word(1)) + hello + frame(5, 4, 1, word(2) + block(ok)) + frame(0, 0, 1, [1]),
        ]
    }()

    /// The same frames with the length of what is there, so that those behind a mutation stay frames.
    static func framed(_ input: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = input[...]
        if rest.starts(with: preface.utf8) {
            rest = rest.dropFirst(preface.utf8.count)
            output += [UInt8](preface)
        }
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            rest = rest.dropFirst(9)
            var length = min(Int(header[2]), rest.count)
            switch header[3] {
            case 2: length = min(5, rest.count)
            case 3, 8: length = min(4, rest.count)
            case 4: length -= length % 6
            case 6: length = min(8, rest.count)
            default: break
            }
            // Few streams, which have a life of several frames.
            output += [0, UInt8(length >> 8), UInt8(length & 255), header[3] % 11, header[4], 0, 0, 0, header[8] & 15]
            output += rest.prefix(length)
            rest = rest.dropFirst(length)
        }
        return output
    }

    /// What is wrong with the frames that were sent; nil: nothing.
    static func fault(ofOutput output: [UInt8]) -> String? {
        var rest = output[...]
        while !rest.isEmpty {
            guard rest.count >= 9 else { return "part of a frame is sent" }
            let header = Array(rest.prefix(9))
            let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
            guard header[3] <= 9, header[3] != 5 else { return "a frame of the type \(header[3]) is sent" }
            guard length <= 16_384, rest.count >= 9 + length else { return "a frame of \(length) bytes is sent" }
            rest = rest.dropFirst(9 + length)
        }
        return nil
    }

    private static func frame(
        _ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt32 = 0, _ payload: [UInt8] = []
    ) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags] + word(stream) + payload
    }

    private static func headers(
        _ stream: UInt32, _ fields: [(String, String)], flags: UInt8 = 5, before: [UInt8] = []
    ) -> [UInt8] {
        frame(1, flags, stream, before + block(fields))
    }

    /// RFC 7541 §6.2.2: literals without indexing, no Huffman code.
    private static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in
            [0, UInt8(name.utf8.count)] + [UInt8](name) + [UInt8(value.utf8.count)] + [UInt8](value)
        }
    }

    private static func word(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
