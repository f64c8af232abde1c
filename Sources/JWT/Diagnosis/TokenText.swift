// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Text pasted by a user, and the token in it.
struct TokenText {
    /// The compact token, or the text most similar to one.
    let token: [UInt8]
    /// What surrounded it, for humans; nil: nothing.
    let wrapping: String?
    /// The URL or form that it was in, if it was in one.
    let address: [UInt8]?
    /// It came as `Bearer`, in an `Authorization` field or without its name.
    let isBearer: Bool

    init(_ text: Span<UInt8>, tokenParameter: String) {
        var bytes: [UInt8] = []
        for index in text.indices.prefix(Self.maximumByteCount) { bytes.append(text[index]) }
        var rest = Self.trimmed(bytes[...])
        var wrapping: String?
        var isBearer = false
        for (open, close) in [("\"", "\""), ("'", "'"), ("`", "`"), ("<", ">")]
        where rest.count > 2 && rest.starts(with: open.utf8) && rest.last == close.utf8.first {
            rest = Self.trimmed(rest.dropFirst().dropLast())
            wrapping = "quotation marks"
        }
        if Self.hasPrefix(rest, "authorization:") {
            rest = Self.trimmed(rest.dropFirst(14))
            wrapping = "an Authorization field"
        }
        if Self.hasPrefix(rest, "bearer "), rest.count > 7 {
            rest = Self.trimmed(rest.dropFirst(7))
            wrapping = wrapping ?? "the word Bearer"
            isBearer = true
        }
        let isURL = Self.isURL(rest)
        var address = isURL ? Array(rest) : nil
        if let value = Self.value(of: tokenParameter, in: rest) {
            address = Array(rest)
            rest = value
            wrapping = rest.isEmpty ? wrapping : "a URL or a form"
        } else if isURL, let value = PathTokens.texts(in: Self.path(of: rest).span).first {
            rest = value[...]
            wrapping = "the path of a URL"
        }
        token = Array(rest)
        self.wrapping = wrapping
        self.address = address
        self.isBearer = isBearer
    }

    private static func isURL(_ text: ArraySlice<UInt8>) -> Bool {
        hasPrefix(text, "http://") || hasPrefix(text, "https://") || text.first == UInt8(ascii: "/")
    }

    private static func path(of url: ArraySlice<UInt8>) -> [UInt8] {
        Array(url.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
    }

    /// The parameter's first value in a URL's query or a form that is not empty, decoded. If there is none, another parameter
    /// that looks like a token is used.
    private static func value(of name: String, in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard text.contains(UInt8(ascii: "=")) else { return nil }
        let isURL = isURL(text)
        // A provider may append its token with & to an address without a query.
        let mark = text.firstIndex(of: UInt8(ascii: "?")) ?? (isURL ? text.firstIndex(of: UInt8(ascii: "&")) : nil)
        let queryStart = mark.map { text.index(after: $0) }
        // A padded token contains "=" too, but not before its first dot.
        guard queryStart != nil || (!isURL && isForm(text)) else { return nil }
        let query = text[(queryStart ?? text.startIndex)...].prefix { $0 != UInt8(ascii: "#") }
        var other: [UInt8]?
        var isPresent = false
        for part in query.split(whereSeparator: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: "?") }) {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = decoded(part[part.index(after: equals)...])
            if decoded(part[..<equals]).elementsEqual(name.utf8) {
                if !value.isEmpty { return value[...] }
                isPresent = true
            }
            if other == nil, value.starts(with: "ey".utf8), value.contains(0x2E) { other = value }
        }
        return other.map { $0[...] } ?? (isPresent ? [] : nil)
    }

    private static func isForm(_ text: ArraySlice<UInt8>) -> Bool {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex else { return false }
        return !text[..<equals].contains(0x2E) && text.index(after: equals) < text.endIndex
    }

    static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = Hex.decode(Array(rest.prefix(2)).span) {
                output += value
                rest = rest.dropFirst(2)
            } else {
                output.append(byte)
            }
        }
        return output
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop { $0 <= 0x20 }
        while let last = text.last, last <= 0x20 { text.removeLast() }
        return text
    }

    /// `prefix` is in lower case.
    private static func hasPrefix(_ text: ArraySlice<UInt8>, _ prefix: String) -> Bool {
        text.prefix(prefix.utf8.count).map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }.elementsEqual(prefix.utf8)
    }

    /// Far more than any token.
    private static let maximumByteCount = 256 * 1024
}
