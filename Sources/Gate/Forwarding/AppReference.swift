// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A URL reference in a response of an app (RFC 3986 §4.1), as far as it says where it leads.
///
/// What browsers (the URL standard) and RFC 3986 read differently is `.foreign`, which is never changed: a tab or a
/// backslash that browsers take for nothing or for a slash, more than two slashes, several `@`.
enum AppReference: Equatable {
    /// `http://host…`, `https://host…` or `//host…`: its origin, and where its path, query or fragment begins.
    case origin(AppOrigin, rest: Int)
    /// It begins with one slash: a path of the origin that sent it.
    case path
    /// Relative to the request's path, or empty, or a query or fragment alone.
    case relative
    /// Of another scheme, or not the same for all readers.
    case foreign

    /// - Parameter isSecure: the scheme of a reference that names a host and no scheme.
    init(_ text: Span<UInt8>, isSecure: Bool) {
        for index in text.indices where text[index] < 0x20 || text[index] == 0x7f {
            self = .foreign
            return
        }
        guard !text.isEmpty else {
            self = .relative
            return
        }
        let first = text[0]
        if PathText.isSlash(first) {
            guard first == UInt8(ascii: "/"), text.count > 1, PathText.isSlash(text[1]) else {
                self = first == UInt8(ascii: "/") ? .path : .foreign
                return
            }
            self = text[1] == UInt8(ascii: "/") ? Self.hosted(text, from: 2, isSecure: isSecure) : .foreign
            return
        }
        guard let schemeEnd = Self.schemeEnd(of: text) else {
            // A space at the start would be dropped, and what follows it read again.
            self = first == 0x20 ? .foreign : .relative
            return
        }
        guard let scheme = WebScheme(prefixOf: text), scheme.length == schemeEnd + 3 else {
            self = .foreign
            return
        }
        self = Self.hosted(text, from: scheme.length, isSecure: scheme.isSecure)
    }

    /// Where the colon after a scheme stands; nil: there is none (RFC 3986 §3.1).
    private static func schemeEnd(of text: Span<UInt8>) -> Int? {
        for index in text.indices {
            switch lowercased(text[index]) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                if index == 0 { return nil }
            case UInt8(ascii: ":"): return index > 0 ? index : nil
            default: return nil
            }
        }
        return nil
    }

    /// The authority begins at `start`.
    private static func hosted(_ text: Span<UInt8>, from start: Int, isSecure: Bool) -> AppReference {
        var end = start
        var hostStart = start
        while end < text.count {
            let byte = text[end]
            if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { break }
            if byte == UInt8(ascii: "@") {
                guard hostStart == start else { return .foreign }
                hostStart = end + 1
            } else if !isAuthorityByte(byte) {
                return .foreign
            }
            end += 1
        }
        guard let origin = PublicOrigin(isSecure: isSecure, authority: text.extracting(hostStart..<end)) else {
            return .foreign
        }
        return .origin(AppOrigin(origin), rest: end)
    }

    /// What may stand in user information, a host or a port; the host is read more strictly later.
    private static func isAuthorityByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "%"), UInt8(ascii: "["),
            UInt8(ascii: "]"):
            true
        default: false
        }
    }
}

/// Scheme, host and port, compared as values: the case of letters, the scheme's own port and the form of an IPv6 address
/// make no difference.
struct AppOrigin: Hashable, Sendable {
    private let isSecure: Bool
    private let host: [UInt8]
    private let port: UInt16

    init(_ origin: PublicOrigin) {
        isSecure = origin.isSecure
        port = origin.effectivePort
        host = Self.canonical(origin.host)
    }

    /// A domain names this host, and no other.
    func isNamed(by domain: Span<UInt8>) -> Bool { domain.equalsFoldingCase(host.span) }

    private static func canonical(_ host: [UInt8]) -> [UInt8] {
        guard host.first == UInt8(ascii: "["), host.count > 2,
            let address = IPAddress(text: host.span.extracting(1..<host.count - 1)), !address.isV4
        else { return host }
        return Array(address.description.utf8)
    }
}
