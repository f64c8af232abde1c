// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Where the browser goes after sign-in: a path on this site, or a URL of a host that shares its session.
///
/// Holding one is the proof that a browser which reads it as WHATWG's URL standard says (tabs and line ends dropped,
/// backslashes taken for slashes, dot segments in any encoding resolved) stays there. A path that readers differ about is
/// kept as an absolute URL of this site, so that no reader takes a host out of it. The bytes are ASCII without control
/// characters or spaces, ready for a Location field.
package struct ReturnTarget: Sendable, Equatable {
    package let bytes: [UInt8]
    /// It stands for a target that is too long to be remembered.
    let isShortened: Bool

    /// `/`
    package static let root = ReturnTarget(trusted: [UInt8(ascii: "/")])

    /// The gate's own page after the sign-in in another tab.
    static let form = ReturnTarget(trusted: Array("/.sidegate/form".utf8))

    /// In place of a target that is too long to be remembered: `/`.
    static let shortened = ReturnTarget(trusted: root.bytes, isShortened: true)

    /// Bytes of path and query, in the encoding of a Location field. Longer targets are not remembered, so that two login
    /// cookies hold one.
    static let maximumLength = 3500

    /// A target that came from outside, decoded: `return_to`. Nil unless it certainly stays on the site.
    package init?(untrusted text: Span<UInt8>, on site: Site) {
        self.init(untrusted: text, on: site, maximumLength: Self.maximumLength)
    }

    /// The same; ``shortened`` for one that is only too long.
    static func shortening(untrusted text: Span<UInt8>, on site: Site) -> ReturnTarget? {
        if let target = ReturnTarget(untrusted: text, on: site) { return target }
        return ReturnTarget(untrusted: text, on: site, maximumLength: .max).map { _ in shortened }
    }

    private init?(untrusted text: Span<UInt8>, on site: Site, maximumLength: Int) {
        guard !text.isEmpty else { return nil }
        // A browser trims spaces at the ends, and so would move a look at the first byte.
        guard text[0] != 0x20, text[text.count - 1] != 0x20 else { return nil }
        var pathStart = 0
        if let scheme = WebScheme(prefixOf: text) {
            var end = scheme.length
            while end < text.count, !Self.endsAuthority(text[end]) { end += 1 }
            let authority = text.extracting(scheme.length..<end)
            guard let origin = PublicOrigin(isSecure: scheme.isSecure, authority: authority), site.includes(origin)
            else { return nil }
            pathStart = end
        } else {
            guard text[0] == UInt8(ascii: "/") else { return nil }
        }
        guard text.count - pathStart <= maximumLength else { return nil }
        var pathEnd = pathStart
        while pathEnd < text.count, text[pathEnd] != UInt8(ascii: "?"), text[pathEnd] != UInt8(ascii: "#") {
            pathEnd += 1
        }
        let path = text.extracting(pathStart..<pathEnd)
        guard path.firstIndex(of: UInt8(ascii: "\\"), in: 0..<path.count) == path.count,
            !Self.holdsControlCharacter(text), !PathText.namesHost(path),
            !ReservedPath.isReserved(path, site.returnPaths)
                || path.equals("/.sidegate/form") && pathEnd == text.count
        else { return nil }
        let prefix = pathStart == 0 && Self.needsHost(path) ? site.origin.text : []
        let escaped = Self.escaped(text)
        // Scheme and host have nothing to escape.
        guard escaped.count - pathStart <= maximumLength else { return nil }
        bytes = prefix + escaped
        isShortened = false
    }

    /// What the request asked for, without the provider's tokens: `/` when a browser would not come back to it, or when it
    /// is too long.
    ///
    /// - Parameters:
    ///   - prefix: what a target on the request's host begins with; see ``Site/prefix(of:)``.
    ///   - origin: the site's.
    init(of request: borrowing AccessRequest, prefix: [UInt8], origin: PublicOrigin) {
        let all = request.head.bytes.span
        let path = all.extracting(request.path.place.range)
        // Reserved paths were excluded before.
        guard path.count > 0, path[0] == UInt8(ascii: "/"), request.path.isPlain || !PathText.namesHost(path)
        else {
            self = .root
            return
        }
        var text: [UInt8] = []
        text.reserveCapacity(prefix.count + path.count + Int(request.head.query?.count ?? 0) + 1)
        if !prefix.isEmpty {
            text.append(contentsOf: prefix)
        } else if !request.path.isPlain, Self.needsHost(path) {
            origin.append(to: &text)
        }
        let originLength = text.count
        text.append(copying: path)
        if request.head.query != nil {
            request.site.tokenParameter.appendQuery(of: request.head, to: &text)
        }
        // What stands before the path has nothing to escape.
        if text.contains(where: Self.isEscaped) { text = Self.escaped(text.span) }
        guard text.count - originLength <= Self.maximumLength else {
            self = .shortened
            return
        }
        bytes = text
        isShortened = false
    }

    /// The same, where the site's addresses are not at hand; nil when the site is unknown.
    init?(of request: borrowing AccessRequest) {
        guard let origin = request.publicOrigin else { return nil }
        let prefix = request.site.targetSite(origin).prefix(of: request.requestOrigin ?? origin)
        self.init(of: request, prefix: prefix, origin: origin)
    }

    /// The same without the provider's tokens.
    func without(_ parameter: TokenParameter) -> ReturnTarget {
        parameter.removed(from: bytes.span).map { ReturnTarget(trusted: $0) } ?? self
    }

    /// One that was checked before: it comes from a sealed cookie.
    init(trusted bytes: [UInt8], isShortened: Bool = false) {
        self.bytes = bytes
        self.isShortened = isShortened
    }

    /// What ``init(untrusted:on:)`` accepts again: without a query that holds control characters.
    var asParameter: [UInt8] {
        guard Self.holdsControlCharacter(bytes.span) else { return bytes }
        let path = Array(bytes.prefix { $0 != UInt8(ascii: "?") })
        return Self.holdsControlCharacter(path.span) ? Self.root.bytes : path
    }

    /// Its path, without host and query.
    var path: [UInt8] {
        var start = 0
        if let scheme = WebScheme(prefixOf: bytes.span) {
            start = bytes[scheme.length...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
        }
        let path = Array(bytes[start...].prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        return path.isEmpty ? Self.root.bytes : path
    }

    /// Appends the whole URL, for the provider.
    func appendAbsolute(to output: inout [UInt8], on origin: PublicOrigin) {
        if bytes.first == UInt8(ascii: "/") { origin.append(to: &output) }
        output.append(contentsOf: bytes)
    }

    /// The site a target must stay on.
    package struct Site: Sendable {
        package let origin: PublicOrigin
        /// `session.domain`, lower case; empty: none.
        package let domain: [UInt8]
        package let returnPaths: ReturnPaths
        /// `publicURL` names the scheme; else it is that of the request, as far as the gate knows.
        let isSchemeConfigured: Bool

        package init(origin: PublicOrigin, domain: String = "", returnPath: String = "/.sidegate/callback") {
            self.init(
                origin: origin, domain: domain.utf8.map(lowercased), ReturnPaths([returnPath]),
                isSchemeConfigured: false)
        }

        init(origin: PublicOrigin, domain: [UInt8], _ returnPaths: ReturnPaths, isSchemeConfigured: Bool) {
            self.isSchemeConfigured = isSchemeConfigured
            self.origin = origin
            self.domain = domain
            self.returnPaths = returnPaths
        }

        /// The public host, or one inside the session's domain; never from https down to http, and no other port.
        func includes(_ other: PublicOrigin) -> Bool {
            guard other.isSecure || !origin.isSecure else { return false }
            guard other.port == origin.port else { return false }
            if other.host == origin.host { return true }
            return isInDomain(other.host)
        }

        /// What a target on `host` begins with: nothing, or the origin of another host of the same session, since the way
        /// back needs its name.
        func prefix(of host: PublicOrigin) -> [UInt8] {
            host != origin && includes(host) ? host.text : []
        }

        /// CVE-2021-21291: the domain itself, or a name that ends with a dot and the domain.
        func isInDomain(_ host: [UInt8]) -> Bool {
            guard !domain.isEmpty, host.count >= domain.count, host.suffix(domain.count).elementsEqual(domain) else {
                return false
            }
            return host.count == domain.count || host[host.count - domain.count - 1] == UInt8(ascii: ".")
        }
    }

    /// A backslash too: a browser takes it for a slash here.
    private static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
            || byte == UInt8(ascii: "\\")
    }

    /// A control character, plain or percent-encoded, once or again and again.
    private static func holdsControlCharacter(_ text: Span<UInt8>) -> Bool {
        var text = Array(copying: text)
        for _ in 0..<PathText.maximumRounds {
            if text.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return true }
            guard let decoded = PathText.decoded(text) else { return false }
            text = decoded
        }
        // Encoded more often than there is a reason to.
        return true
    }

    /// Readers differ about the path.
    private static func needsHost(_ path: Span<UInt8>) -> Bool {
        guard path.count > 0, !RequestPath.isPlain(path) else { return false }
        do throws(PathProblem) {
            _ = try RequestPath(path, delivery: .canonical)
            return false
        } catch {
            return true
        }
    }

    private static func isEscaped(_ byte: UInt8) -> Bool { byte <= 0x20 || byte >= 0x7f }

    /// With spaces and bytes that are not ASCII percent-encoded, as a browser would.
    private static func escaped(_ text: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for index in text.indices {
            let byte = text[index]
            if isEscaped(byte) {
                output.appendPercentEncoded(byte: byte)
            } else {
                output.append(byte)
            }
        }
        return output
    }
}
