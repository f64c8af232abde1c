// SPDX-License-Identifier: Apache-2.0

import HTTP2

/// Hand-made frames, valid or invalid (RFC 9113 §4.1).
enum Wire {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// The start of a client's connection.
    static let hello = preface + frame(4)

    static func frame(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags] + word(stream)
            + payload
    }

    static func word(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func headers(
        _ stream: UInt32, _ fields: [(String, String)], end: Bool = true, endHeaders: Bool = true
    ) -> [UInt8] {
        frame(1, (end ? 1 : 0) | (endHeaders ? 4 : 0), stream, block(fields))
    }

    static func data(_ stream: UInt32, _ text: String, end: Bool = false) -> [UInt8] {
        frame(0, end ? 1 : 0, stream, Array(text.utf8))
    }

    /// RFC 7541 §6.2.2: literals without indexing, no Huffman code.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + string(name) + string(value) }
    }

    static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return integer(bytes.count, prefix: 7) + bytes
    }

    /// RFC 7541 §5.1.
    static func integer(_ value: Int, prefix: Int, first: UInt8 = 0) -> [UInt8] {
        let most = 1 << prefix - 1
        guard value >= most else { return [first | UInt8(value)] }
        var rest = value - most
        var bytes = [first | UInt8(most)]
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static let get: [(String, String)] = [
        (":method", "GET"), (":scheme", "http"), (":path", "/a?b"), (":authority", "app.example"),
    ]

    static func post(_ fields: (String, String)...) -> [(String, String)] {
        [(":method", "POST"), (":scheme", "http"), (":path", "/a"), (":authority", "app.example")] + fields
    }
}

/// A received frame.
struct SeenFrame: Equatable, CustomStringConvertible {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    /// All frames in `bytes`, which must be complete.
    static func all(_ bytes: [UInt8]) -> [SeenFrame] {
        var frames: [SeenFrame] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
            let stream = header[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                SeenFrame(
                    type: header[3], flags: header[4], stream: stream, payload: Array(rest.dropFirst(9).prefix(length)))
            )
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    var errorCode: ErrorCode? {
        let bytes = type == 3 ? payload.prefix(4) : payload.dropFirst(4).prefix(4)
        return ErrorCode(rawValue: bytes.reduce(0) { $0 << 8 | UInt32($1) })
    }

    var description: String { "type \(type) flags \(flags) stream \(stream), \(payload.count) bytes" }
}
