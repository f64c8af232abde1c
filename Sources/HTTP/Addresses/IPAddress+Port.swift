// SPDX-License-Identifier: Apache-2.0

extension IPAddress {
    /// From an address of X-Forwarded-For, with or without a port, as some proxies write it: `192.0.2.1:51234`,
    /// `[2001:db8::1]:51234`, `[2001:db8::1]`; in quotation marks, as in Forwarded, and with a zone (`fe80::1%eth0`,
    /// RFC 4007 §11). Neither port nor zone counts.
    public init?(ignoringPort element: Span<UInt8>) {
        let isQuoted =
            element.count > 2 && element[0] == UInt8(ascii: "\"") && element[element.count - 1] == UInt8(ascii: "\"")
        let text = isQuoted ? element.extracting(1..<element.count - 1) : element
        guard !text.isEmpty else { return nil }
        let address: Span<UInt8>
        if text[0] == UInt8(ascii: "[") {
            let end = text.firstIndex(of: UInt8(ascii: "]"), in: 0..<text.count)
            guard end < text.count, end == text.count - 1 || Self.isPort(text, from: end + 1) else { return nil }
            address = text.extracting(1..<end)
            // Brackets are for version 6.
            guard address.firstIndex(of: UInt8(ascii: ":"), in: 0..<address.count) < address.count else { return nil }
        } else {
            let colon = text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.count)
            let isFourWithPort =
                text.firstIndex(of: UInt8(ascii: "."), in: 0..<colon) < colon && Self.isPort(text, from: colon)
            address = isFourWithPort ? text.extracting(0..<colon) : text
        }
        let zone = address.firstIndex(of: UInt8(ascii: "%"), in: 0..<address.count)
        guard zone < address.count else {
            self.init(text: address)
            return
        }
        // A name of an interface, and for version 6.
        guard zone < address.count - 1, address.count - zone <= 17,
            address.firstIndex(of: UInt8(ascii: ":"), in: 0..<zone) < zone
        else { return nil }
        for index in zone + 1..<address.count {
            switch address[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                continue
            default: return nil
            }
        }
        self.init(text: address.extracting(0..<zone))
    }

    /// A colon and a number up to 65535 until the end.
    private static func isPort(_ text: Span<UInt8>, from start: Int) -> Bool {
        guard start < text.count, text[start] == UInt8(ascii: ":"), 1...5 ~= text.count - start - 1 else {
            return false
        }
        var port: UInt32 = 0
        for index in start + 1..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return false }
            port = port * 10 + UInt32(digit)
        }
        return port <= 65535
    }
}
