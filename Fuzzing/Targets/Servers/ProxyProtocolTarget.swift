// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import TestSupport

/// The PROXY protocol, versions 1 and 2: nothing behind the header is taken, and the header says what a naive reader reads.
enum ProxyProtocolTarget {
    static let headers = FuzzTarget(
        "proxy-protocol", maximumLength: 260,
        dictionary: ["PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN", "\r\n", " 65535", "::1"],
        seeds: {
            [
                [UInt8]("PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\nGET /"), [UInt8]("PROXY UNKNOWN\r\nGET"),
                [UInt8]("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"),
                signature + [0x21, 0x11, 0, 12, 192, 0, 2, 1, 192, 0, 2, 2, 1, 2, 1, 187] + [UInt8]("GET"),
                signature + [0x20, 0, 0, 0], signature + [0x21, 0x21, 0, 36] + [UInt8](repeating: 7, count: 36),
                signature + [0x21, 0x11, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 2, 0x20, 0, 5, 1, 0, 0, 0, 0],
            ]
        },
        repair: { input in
            // Version 2 begins with 12 fixed bytes, and counts the rest.
            guard input.count > 16 else { return input }
            let length = min(Int(input[15]), input.count - 16)
            let version: UInt8 = 0x20 | input[12] & 1
            let family: UInt8 = [0x11, 0x21, 0, 0x31, input[13]][Int(input[13]) % 5]
            return signature + [version, family, 0, UInt8(length)] + input[16...]
        }
    ) { input throws(BrokenProperty) in
        var random = SeededGenerator(of: input)
        let whole = read([input])
        for pieces in [input.map { [$0] }, random.pieces(of: input)] {
            let other = read(pieces)
            try require(other == whole, "pieces \(pieces) are read otherwise: \(whole) \(other)")
        }
        guard let header = whole.header else { return }
        let expected = input.starts(with: signature) ? Self.binary(input) : Self.text(input)
        guard let expected else { throw BrokenProperty("accepted: \(header)") }
        try require(whole.count == expected.count, "\(whole.count) bytes are taken, of \(expected.count)")
        switch header {
        case .local: try require(expected.source == nil, "a client is lost")
        case .client(let address, let port, _):
            try require(address.description == expected.source && port == expected.port, "\(header) for \(expected)")
        }
    }

    private struct Reading: Equatable {
        var header: ProxyProtocolHeader?
        var count = 0
        var isMalformed = false
    }

    private static func read(_ pieces: [[UInt8]]) -> Reading {
        var parser = ProxyProtocolParser()
        var reading = Reading()
        for piece in pieces {
            guard let (count, header) = try? parser.take(piece.span) else {
                return Reading(isMalformed: true)
            }
            reading.count += count
            if let header {
                reading.header = header
                return reading
            }
        }
        return reading
    }

    private struct Expected {
        var count: Int
        /// Nil: no client.
        var source: String?
        var port: UInt16 = 0
    }

    private static func text(_ input: [UInt8]) -> Expected? {
        guard let end = input.firstIndex(of: 10), end > 0, input[end - 1] == 13, end < 107 else { return nil }
        let words = String(decoding: input[..<(end - 1)], as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false)
        guard words.count > 1, words[0] == "PROXY" else { return nil }
        if words[1] == "UNKNOWN" { return Expected(count: end + 1) }
        guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6", UInt16(words[4]) != nil,
            let port = UInt16(words[5]), let address = IPAddress(text: String(words[2]))
        else { return nil }
        return Expected(count: end + 1, source: address.description, port: port)
    }

    private static func binary(_ input: [UInt8]) -> Expected? {
        guard input.count >= 16, input[12] == 0x20 || input[12] == 0x21 else { return nil }
        let count = 16 + Int(input[14]) * 256 + Int(input[15])
        guard input.count >= count else { return nil }
        if input[12] == 0x20 { return Expected(count: count) }
        switch input[13] {
        case 0x11 where count >= 28:
            let text = input[16..<20].map { String($0) }.joined(separator: ".")
            return Expected(count: count, source: text, port: UInt16(input[26]) << 8 | UInt16(input[27]))
        case 0x21 where count >= 52:
            let groups = stride(from: 16, to: 32, by: 2).map {
                String(UInt16(input[$0]) << 8 | UInt16(input[$0 + 1]), radix: 16)
            }
            return Expected(
                count: count, source: IPAddress(text: groups.joined(separator: ":"))?.description,
                port: UInt16(input[50]) << 8 | UInt16(input[51]))
        case 0, 0x12, 0x22, 0x31, 0x32: return Expected(count: count)
        default: return nil
        }
    }

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
}
