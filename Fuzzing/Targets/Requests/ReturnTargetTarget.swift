// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import TestSupport

/// Return addresses from outside: a browser that follows one stays on the site, by a reader after WHATWG's URL standard.
enum ReturnTargetTarget {
    static let returns = FuzzTarget(
        "return-targets", maximumLength: 200,
        dictionary: [
            "//", "\\", "/\\", "https://", "http://", "app.example", "evil.example", "@", ":", ":443", "%2f", "%5c",
            "%09", "\t", "\n",
            "..", "/../", "/.//", "%2e", "javascript:", "#", "?", ".sidegate", "\u{3002}", "\u{ff0f}", "[::1]",
        ],
        seedFolders: ["Tests/GateTests/Request/Corpus"],
        seeds: {
            [
                "/", "/a?b=c#d", "//evil.example", "/\\evil.example", "https://app.example/a",
                "https://app.example@evil.example/",
                "/.//evil.example", "/%2e/evil", "https://a.app.example:443/x", "/\t/evil.example",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        let authority = [UInt8]("app.example")
        guard let origin = PublicOrigin(isSecure: true, authority: authority.span) else {
            throw BrokenProperty("no site")
        }
        for domain in ["", "app.example"] {
            let site = ReturnTarget.Site(origin: origin, domain: domain)
            guard let target = ReturnTarget(untrusted: input.span, on: site) else { continue }
            let bytes = target.bytes
            try require(
                !bytes.isEmpty && bytes.allSatisfy { 0x21...0x7e ~= $0 }, "not ready for a field: \(bytes.quoted)")
            guard let host = host(of: bytes) else { throw BrokenProperty("not a URL of the web: \(bytes.quoted)") }
            let isOwn = host == "app.example" || !domain.isEmpty && host.hasSuffix(".app.example")
            try require(isOwn, "\(bytes.quoted) leads to \(host)")
            // What it became is accepted as it is.
            try require(ReturnTarget(untrusted: bytes.span, on: site)?.bytes == bytes, "not stable: \(bytes.quoted)")
        }
    }

    /// The host that a browser on `https://app.example/.sidegate/callback` goes to; nil: another scheme than https.
    private static func host(of reference: [UInt8]) -> String? {
        // Tabs and line ends are dropped, backslashes are slashes (WHATWG URL §4.4).
        let text = reference.filter { ![9, 10, 13].contains($0) }.map {
            $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0
        }
        var rest = String(decoding: text, as: UTF8.self).lowercased()
        let scheme = rest.prefix { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        if rest.dropFirst(scheme.count).hasPrefix(":"), !scheme.isEmpty {
            guard scheme == "https" else { return nil }
            rest = String(rest.dropFirst(scheme.count + 1))
            // Any number of slashes, for schemes of the web.
            rest = "//" + rest.drop { $0 == "/" }
        }
        guard rest.hasPrefix("//") else {
            // Dot segments, also escaped ones, may leave two slashes at the start of the path, which are no host for the
            // browser, but are for others who read the path by itself.
            return "app.example"
        }
        let authority = rest.drop { $0 == "/" }.prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        return String(host.prefix { $0 != ":" })
    }
}
