// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Testing

@Suite struct ProxyProtocolParserTests {
    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    static func version2(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    static let v4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7, 0xc3, 0x50, 0x01, 0xbb]
    static let v6: [UInt8] =
        [0x20, 0x01, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [1] + Array(repeating: 0, count: 15) + [1]
        + [0xc3, 0x50, 0x01, 0xbb]

    static func client(_ text: String, _ port: UInt16, isSecure: Bool = false) -> ProxyProtocolHeader {
        .client(IPAddress(text: text) ?? IPAddress(v4: 0), destinationPort: port, isSecure: isSecure)
    }

    static let good: [([UInt8], ProxyProtocolHeader)] = [
        (Array("PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\n".utf8), client("192.0.2.1", 443)),
        (Array("PROXY TCP6 2001:db8::1 ::1 50000 443\r\n".utf8), client("2001:db8::1", 443)),
        (Array("PROXY UNKNOWN\r\n".utf8), .local),
        (Array("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".utf8), .local),
        (version2(0x21, 0x11, v4), client("192.0.2.1", 443)),
        (version2(0x21, 0x21, v6), client("2001:db8::1", 443)),
        (version2(0x20, 0x00, []), .local),
        (version2(0x20, 0x11, v4), .local),
        (version2(0x21, 0x00, [1, 2, 3]), .local),
        (version2(0x21, 0x31, Array(repeating: 0, count: 216)), .local),
        (version2(0x21, 0x12, v4), .local), (version2(0x21, 0x22, v6), .local),
        (version2(0x21, 0x32, Array(repeating: 0, count: 216)), .local),
        // The addresses of the proxy's own connection are ignored, with their family.
        (version2(0x20, 0x41, v4), .local), (version2(0x20, 0x13, v4), .local),
        (version2(0x21, 0x11, v4 + [0x04, 0, 2, 9, 9]), client("192.0.2.1", 443)),
        (version2(0x21, 0x11, v4 + [0x20, 0, 5, 1, 0, 0, 0, 0]), client("192.0.2.1", 443, isSecure: true)),
        (version2(0x21, 0x11, v4 + [0x20, 0, 5, 0, 0, 0, 0, 0]), client("192.0.2.1", 443)),
    ]

    @Test(arguments: good)
    func aHeaderIsReadAtEveryCutAndNothingBehindIt(bytes: [UInt8], expected: ProxyProtocolHeader) throws {
        let input = bytes + Array("GET / HTTP/1.1\r\n".utf8)
        for cut in 0...bytes.count {
            var parser = ProxyProtocolParser()
            let whole = input.span
            let first = try parser.take(whole.extracting(0..<cut))
            if cut < bytes.count {
                #expect(first.count == cut)
                #expect(first.header == nil)
                let second = try parser.take(whole.extracting(cut...))
                #expect(cut + second.count == bytes.count)
                #expect(second.header == expected)
            } else {
                #expect(first.count == bytes.count)
                #expect(first.header == expected)
            }
        }
    }

    static let bad: [[UInt8]] = [
        Array("GET / HTTP/1.1\r\n".utf8), Array("PROXY\r\n".utf8), Array("proxy UNKNOWN\r\n".utf8),
        Array("PROXY TCP4 192.0.2.1 198.51.100.7 50000\r\n".utf8),
        Array("PROXY TCP4 192.0.2.1 198.51.100.7 50000 443 1\r\n".utf8),
        Array("PROXY TCP4  192.0.2.1 198.51.100.7 50000 443\r\n".utf8),
        Array("PROXY TCP4 192.0.2.01 198.51.100.7 50000 443\r\n".utf8),
        Array("PROXY TCP4 ::1 198.51.100.7 50000 443\r\n".utf8), Array("PROXY TCP6 192.0.2.1 ::1 50000 443\r\n".utf8),
        Array("PROXY TCP4 192.0.2.1 198.51.100.7 50000 65536\r\n".utf8),
        Array("PROXY TCP4 192.0.2.1 198.51.100.7 050 443\r\n".utf8), Array("PROXY UNKNOWN\n".utf8),
        Array("PROXY UDP4 192.0.2.1 198.51.100.7 50000 443\r\n".utf8),
        Array(("PROXY UNKNOWN " + String(repeating: "x", count: 120) + "\r\n").utf8),
        [0x16, 3, 1, 0, 200], Array(signature.dropLast()) + [11], version2(0x11, 0x11, v4), version2(0x22, 0x11, v4),
        version2(0x21, 0x11, Array(v4.dropLast())), version2(0x21, 0x21, v4), version2(0x21, 0x11, v4 + [0x20, 0]),
        version2(0x21, 0x11, v4 + [0x20, 0, 9, 1]), signature + [0x21, 0x11, 0xff, 0xff],
    ]

    static let reserved: [[UInt8]] = [
        0x01, 0x02, 0x03, 0x10, 0x13, 0x1f, 0x20, 0x23, 0x30, 0x33, 0x40, 0x41, 0x51, 0xf0, 0xf1, 0xff,
    ].map { version2(0x21, $0, v6) }

    @Test(arguments: bad + reserved)
    func whatIsNoHeaderIsRefusedAndNeverWaitedFor(bytes: [UInt8]) {
        for step in [1, bytes.count] {
            #expect(throws: ProxyProtocolParser.Malformed.self) {
                var parser = ProxyProtocolParser()
                var start = 0
                while start < bytes.count {
                    let end = min(bytes.count, start + step)
                    let span = bytes.span
                    let taken = try parser.take(span.extracting(start..<end))
                    if taken.header != nil { return }
                    start = end
                }
            }
        }
    }
}
