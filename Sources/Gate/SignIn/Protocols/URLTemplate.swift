// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A URL of the identity provider with placeholders, such as `https://idp/login?return_url={returnURL}`.
///
/// What replaces a placeholder is percent-encoded (all but RFC 3986's unreserved characters), so it can neither end the
/// parameter it stands in nor reach the host: placeholders may stand in path, query and fragment only.
package struct URLTemplate: Sendable, Equatable {
    /// The scheme, host and port, for `PageRenderer`'s form origins.
    package let origin: PublicOrigin
    let parts: [Part]

    enum Part: Sendable, Equatable {
        case literal([UInt8])
        case placeholder(Placeholder)
    }

    enum Placeholder: String, CaseIterable, Sendable {
        case returnURL, returnTo, state, email, logoutToken
    }

    /// `identityProvider.loginURL`
    package static func login(_ text: String) throws(GateConfigurationError) -> URLTemplate {
        try URLTemplate(text, allowing: [.returnURL, .returnTo, .state])
    }

    /// `identityProvider.logoutURL`
    package static func logout(_ text: String) throws(GateConfigurationError) -> URLTemplate {
        try URLTemplate(text, allowing: [.returnTo, .email, .logoutToken])
    }

    private init(_ text: String, allowing allowed: [Placeholder]) throws(GateConfigurationError) {
        let bytes = Array(text.utf8)
        guard let scheme = WebScheme(prefixOf: bytes.span) else {
            throw GateConfigurationError("the URL must begin with https:// or http://")
        }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }) else {
            throw GateConfigurationError(
                "the URL has a space, a backslash, a control character or one that is not ASCII; percent-encode it")
        }
        let authorityEnd =
            bytes[scheme.length...].firstIndex {
                [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0)
            }
            ?? bytes.count
        let authority = bytes.span.extracting(scheme.length..<authorityEnd)
        guard let origin = PublicOrigin(isSecure: scheme.isSecure, authority: authority) else {
            throw GateConfigurationError(
                "the URL's host must be a plain host[:port], without a placeholder, user name or password")
        }
        self.origin = origin
        parts = try Self.parse(bytes, allowing: allowed)
    }

    private static func parse(
        _ bytes: [UInt8], allowing allowed: [Placeholder]
    ) throws(GateConfigurationError) -> [Part] {
        var parts: [Part] = []
        var rest = bytes[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "{")) {
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: UInt8(ascii: "}")) else {
                throw GateConfigurationError("a { in the URL has no }; write %7B for a brace of its own")
            }
            let name = String(decoding: rest[(open + 1)..<close], as: UTF8.self)
            guard let placeholder = Placeholder(rawValue: name), allowed.contains(placeholder) else {
                let known = allowed.map { "{\($0.rawValue)}" }.joined(separator: " ")
                throw GateConfigurationError("unknown placeholder {\(name)}; this URL may have \(known)")
            }
            parts.append(.placeholder(placeholder))
            rest = rest[(close + 1)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest))) }
        return parts
    }

    func contains(_ placeholder: Placeholder) -> Bool {
        parts.contains(.placeholder(placeholder))
    }

    /// `{logoutToken}` is in it: a key that signs is needed.
    package var carriesLogoutToken: Bool { contains(.logoutToken) }
    /// `{returnTo}` is in it.
    package var carriesReturnTo: Bool { contains(.returnTo) }

    /// Appends the URL; `value` appends what stands for a placeholder, plain, or returns false: then a query parameter
    /// that is nothing but the placeholder is left out with its name.
    func expand(into output: inout [UInt8], _ value: (Placeholder, inout [UInt8]) -> Bool) {
        let start = output.count
        // What took the place of the separator behind a parameter that was left out.
        var separator: UInt8?
        for (index, part) in parts.enumerated() {
            switch part {
            case .literal(let bytes):
                if let before = separator, bytes.first == UInt8(ascii: "&") {
                    output.append(before)
                    output.append(contentsOf: bytes.dropFirst())
                } else {
                    output.append(contentsOf: bytes)
                }
                separator = nil
            case .placeholder(let placeholder):
                separator = nil
                var plain: [UInt8] = []
                if value(placeholder, &plain) {
                    output.appendPercentEncoded(plain)
                } else if endsParameter(index), let cut = Self.parameterStart(output[start...]) {
                    separator = output[cut]
                    output.removeLast(output.count - cut)
                }
            }
        }
    }

    /// After the part at `index` the query continues with another parameter, or it ends.
    private func endsParameter(_ index: Int) -> Bool {
        guard index + 1 < parts.count else { return true }
        guard case .literal(let next) = parts[index + 1], let first = next.first else { return false }
        return first == UInt8(ascii: "&") || first == UInt8(ascii: "#")
    }

    /// The place of the `?` or `&` before a name and `=` that end `url`.
    private static func parameterStart(_ url: ArraySlice<UInt8>) -> Int? {
        guard url.last == UInt8(ascii: "="),
            let start = url.lastIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "&") }),
            !url[start...].contains(UInt8(ascii: "#")),
            url[..<start].contains(UInt8(ascii: "?"))
                || url[start] == UInt8(ascii: "?")
        else { return nil }
        // "name=", and no second "=" within.
        return url[start...].firstIndex(of: UInt8(ascii: "=")) == url.index(before: url.endIndex) ? start : nil
    }
}

extension [UInt8] {
    /// Appends `plain` with everything but unreserved characters (RFC 3986 §2.3) percent-encoded.
    mutating func appendPercentEncoded(_ plain: some Sequence<UInt8>) {
        for byte in plain {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                append(byte)
            default:
                appendPercentEncoded(byte: byte)
            }
        }
    }

    mutating func appendPercentEncoded(byte: UInt8) {
        append(UInt8(ascii: "%"))
        append(upperHexDigit(byte >> 4))
        append(upperHexDigit(byte & 15))
    }
}

private func upperHexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") - 10 + nibble
}
