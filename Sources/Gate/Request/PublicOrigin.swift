// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Scheme, host and port as the browser sees them (RFC 6454): what the gate's URLs begin with and its cookies belong to.
///
/// Holding one is the proof that the host is a plain name or address: it can stand in a URL as it is.
package struct PublicOrigin: Sendable, Hashable {
    /// https
    package let isSecure: Bool
    /// Lower case; an IPv6 address in its brackets.
    package let host: [UInt8]
    /// Nil for the scheme's own.
    package let port: UInt16?

    /// From `https://app.example.com`, `http://localhost:8080`; a single slash may follow, nothing else.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let prefix = WebScheme(prefixOf: bytes.span) else { return nil }
        self.init(isSecure: prefix.isSecure, authority: bytes.span.extracting(prefix.length...))
    }

    /// Of an absolute URL.
    init?(ofURL text: String) {
        let bytes = Array(text.utf8)
        guard let prefix = WebScheme(prefixOf: bytes.span) else { return nil }
        let rest = bytes[prefix.length...]
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        self.init(
            isSecure: prefix.isSecure, authority: bytes.span.extracting(prefix.length..<(end ?? bytes.count)))
    }

    /// From `host[:port]`, as the Host field has it.
    package init?(isSecure: Bool, authority: Span<UInt8>) {
        guard let (host, port) = Self.split(authority) else { return nil }
        self.isSecure = isSecure
        self.host = host
        self.port = port == (isSecure ? 443 : 80) ? nil : port
    }

    /// The same host and port over another scheme.
    func over(isSecure: Bool) -> PublicOrigin {
        var text: [UInt8] = []
        appendAuthority(to: &text)
        return PublicOrigin(isSecure: isSecure, authority: text.span) ?? self
    }

    /// `https://app.example.com:8443`
    package var text: [UInt8] {
        var text: [UInt8] = []
        append(to: &text)
        return text
    }

    package func append(to output: inout [UInt8]) {
        output.append(contentsOf: isSecure ? Self.secureScheme : Self.plainScheme)
        appendAuthority(to: &output)
    }

    /// `app.example.com:8443`
    func appendAuthority(to output: inout [UInt8]) {
        output.append(contentsOf: host)
        if let port {
            output.append(UInt8(ascii: ":"))
            output.append(decimal: UInt64(port))
        }
    }

    /// The port, whether it is named or not.
    package var effectivePort: UInt16 { port ?? (isSecure ? 443 : 80) }

    private static let secureScheme = Array("https://".utf8)
    private static let plainScheme = Array("http://".utf8)

    /// Host (lower case) and port, when both are plain. An empty port is the scheme's own (RFC 3986 §3.2.3).
    private static func split(_ authority: Span<UInt8>) -> (host: [UInt8], port: UInt16?)? {
        guard authority.count <= 255 + 6 else { return nil }
        var host: [UInt8] = []
        host.reserveCapacity(authority.count)
        var index = 0
        let isBracketed = !authority.isEmpty && authority[0] == UInt8(ascii: "[")
        while index < authority.count {
            let byte = lowercased(authority[index])
            if byte == UInt8(ascii: ":"), !isBracketed { break }
            guard isBracketed ? isAddressByte(byte, at: index) : isNameByte(byte) else { return nil }
            host.append(byte)
            index += 1
            if byte == UInt8(ascii: "]") { break }
        }
        guard !host.isEmpty, !isBracketed || (host.count > 3 && host.last == UInt8(ascii: "]")) else { return nil }
        guard index < authority.count else { return (host, nil) }
        guard authority[index] == UInt8(ascii: ":") else { return nil }
        var port: UInt32?
        for position in index + 1..<authority.count {
            let digit = authority[position] &- UInt8(ascii: "0")
            guard digit < 10, position - index <= 5 else { return nil }
            port = (port ?? 0) * 10 + UInt32(digit)
        }
        guard let port else { return (host, nil) }
        guard port > 0, let port = UInt16(exactly: port) else { return nil }
        return (host, port)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isAddressByte(_ byte: UInt8, at index: Int) -> Bool {
        switch byte {
        case UInt8(ascii: "["): index == 0
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "]"):
            index > 0
        default: false
        }
    }
}

/// `http://` or `https://` at the start of a URL, in any case, with both slashes.
struct WebScheme {
    let isSecure: Bool
    /// How many bytes it takes.
    let length: Int

    init?(prefixOf url: Span<UInt8>) {
        if url.count > 8, url.extracting(0..<8).equalsIgnoringCase("https://") {
            isSecure = true
            length = 8
        } else if url.count > 7, url.extracting(0..<7).equalsIgnoringCase("http://") {
            isSecure = false
            length = 7
        } else {
            return nil
        }
    }
}
