// SPDX-License-Identifier: Apache-2.0

import Gate
import TestSupport

/// Access rules: no spelling of a closed path is open while a common server would read it as the closed one.
///
/// The naive readers know one server each, and nothing of how the program finds its readings.
enum PathTarget {
    static let rules = FuzzTarget(
        "paths", maximumLength: 120,
        dictionary: [
            "admin", "ADMIN", "/admin/x", "/public/", "%2e", "%2f", "%5c", "%25", "%252e", "..", "/../", "/./", "//",
            "..;/", ";a=b",
            "\\", "%00", "%c0%af", "%u002f", "%61", "%C2%AD", "%E2%80%8B", "%EF%BC%8F", "%EF%BD%81", "%ff", "%20", "+",
            "?", "#", ".",
            "\u{ad}", "\u{ff0f}", "\u{131}", "%3b", "%3f", "%23", "%09",
        ],
        seeds: {
            [
                "/admin/x", "/public/a", "//admin/x", "/a/../admin/x", "/%61dmin/x", "/%2561dmin/x", "/admin%2fx",
                "/\\admin\\x",
                "/admin;a=b/x", "/public/..;/admin/x", "/public/%252e%252e/admin/x", "/admin%A0/x", "/%EF%BD%81dmin/x",
                "/public/%E2%80%A5/admin/x", "/admi%93n/x", "/adm%E2%80%8Bin/x", "/public/a?b", "/admin./x",
                "/public/x%23/../admin",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        guard let compiled else { throw BrokenProperty("no rules") }
        // A request target holds neither (RFC 9112 §3.2); the parser rejects both, and cuts the query off.
        let path = input.filter { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "?") }
        guard path.first == UInt8(ascii: "/") else { return }
        let method = [UInt8]("GET")
        let judgement = compiled.judge(path.span, method: method.span)
        try require(judgement == compiled.judge(path.span, method: method.span), "two answers")
        guard isOpen(judgement) else { return }
        for reader in NaivePathReader.allCases {
            for reading in reader.readings(of: path) where isProtected(reading) {
                throw BrokenProperty("\(path.quoted) is open, and \(reader) reads \(reading.quoted)")
            }
        }
    }

    /// Only the public rule has a say.
    private static func isOpen(_ judgement: AccessRules.Judgement) -> Bool {
        switch judgement {
        case .rule(let rule): rule == 1
        case .rules(let rules): rules.allSatisfy { $0 == 1 }
        case .unreadable: false
        }
    }

    private static func isProtected(_ path: [UInt8]) -> Bool {
        let first = path.split(separator: UInt8(ascii: "/")).first ?? []
        return first.map { 0x41...0x5a ~= $0 ? $0 | 0x20 : $0 }.elementsEqual("admin".utf8)
    }

    /// All but `/admin` is public, so whatever is read as another path is open.
    private static let compiled = try? AccessRules([
        AccessRule(paths: [RulePath("/admin/*")], effect: .deny), AccessRule(paths: [RulePath("/*")], effect: .anyone),
    ])
}

/// What servers are known to do with a path, each by itself.
enum NaivePathReader: CaseIterable {
    /// Decodes once, merges slashes, resolves dots (nginx).
    case nginx
    /// Resolves dots, then decodes once (Go's net/http, many frameworks).
    case resolvesFirst
    /// Drops parameters, decodes, then resolves (Tomcat, Jetty).
    case servlet
    /// Decodes, takes backslashes for slashes, resolves, drops dots and spaces at the ends of names (IIS, Windows).
    case windows
    /// Decodes twice (a server behind another that decodes).
    case twice
    /// As `twice`, with parameters dropped in between.
    case servletTwice
    /// Decodes, drops what is not UTF-8 (PHP's and Python's lenient decoders).
    case dropsInvalid
    /// Decodes, and cuts at a question mark (Apache's rewrites, CVE-2024-38474).
    case rewrites

    func readings(of path: [UInt8]) -> [[UInt8]] {
        switch self {
        case .nginx: [Self.resolved(Self.decoded(path))]
        case .resolvesFirst: [Self.decoded(Self.resolved(path))]
        case .servlet: [Self.resolved(Self.decoded(Self.withoutParameters(path)))]
        case .windows:
            [
                Self.resolved(
                    Self.decoded(path).map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }, trimsEnds: true)
            ]
        case .twice: [Self.resolved(Self.decoded(Self.decoded(path)))]
        case .servletTwice:
            [Self.resolved(Self.withoutParameters(Self.decoded(Self.withoutParameters(Self.decoded(path)))))]
        case .dropsInvalid: [Self.resolved(Self.validated(Self.decoded(path)))]
        case .rewrites:
            [Self.resolved(Array(Self.decoded(path).prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }))]
        }
    }

    private static func decoded(_ path: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = path[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.first != 0x2b,
                rest.first != 0x2d
            {
                output.append(value)
                rest = rest.dropFirst(2)
            } else {
                output.append(byte)
            }
        }
        return output
    }

    private static func withoutParameters(_ path: [UInt8]) -> [UInt8] {
        Array(
            path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                .map { $0.prefix { $0 != UInt8(ascii: ";") } }.joined(separator: [UInt8(ascii: "/")]))
    }

    private static func validated(_ path: [UInt8]) -> [UInt8] {
        Array(String(decoding: path, as: UTF8.self).filter { $0 != "\u{fffd}" }.utf8)
    }

    private static func resolved(_ path: [UInt8], trimsEnds: Bool = false) -> [UInt8] {
        var segments: [ArraySlice<UInt8>] = []
        for var segment in path.split(separator: UInt8(ascii: "/")) {
            if segment.elementsEqual("..".utf8) {
                _ = segments.popLast()
                continue
            }
            if trimsEnds { while segment.last == 0x2e || segment.last == 0x20 { segment.removeLast() } }
            if segment.isEmpty || segment.elementsEqual(".".utf8) { continue }
            segments.append(segment)
        }
        return [UInt8(ascii: "/")] + segments.joined(separator: [UInt8(ascii: "/")])
    }
}
