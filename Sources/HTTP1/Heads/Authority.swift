// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The `host[:port]` of a Host field or a request target (RFC 9110 §7.2, RFC 3986 §3.2).
///
/// Stricter than RFC 3986's `reg-name`: no percent-encoding and no `sub-delims`. No DNS name contains them, and a comma
/// could be read as a list of hosts.
enum Authority {
    static func isValid(_ text: Span<UInt8>, needsPort: Bool = false) -> Bool {
        guard let hostEnd = endOfHost(text), hostEnd > 0 else { return false }
        if hostEnd == text.count { return !needsPort }
        guard text[hostEnd] == UInt8(ascii: ":") else { return false }
        return isPort(text.extracting((hostEnd + 1)...), mayBeEmpty: !needsPort)
    }

    private static func endOfHost(_ text: Span<UInt8>) -> Int? {
        guard !text.isEmpty else { return nil }
        if text[0] == UInt8(ascii: "[") {
            let end = text.firstIndex(of: UInt8(ascii: "]"), in: 1..<text.count)
            guard end < text.count, isV6(text.extracting(1..<end)) else { return nil }
            return end + 1
        }
        var end = 0
        // Below the count, by the preceding condition.
        while end < text.count, ByteClass.isUnreserved(unsafe text[unchecked: end]) { end &+= 1 }
        return end
    }

    private static func isV6(_ text: Span<UInt8>) -> Bool {
        text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.count) < text.count && IPAddress(text: text) != nil
    }

    /// RFC 3986 §3.2.3 allows an empty port.
    private static func isPort(_ text: Span<UInt8>, mayBeEmpty: Bool) -> Bool {
        guard text.count <= 5 else { return false }
        var port = 0
        for index in text.indices {
            guard ByteClass.isDigit(text[index]) else { return false }
            port = port * 10 + Int(text[index] & 15)
        }
        return port <= 65_535 && (mayBeEmpty || !text.isEmpty)
    }
}
