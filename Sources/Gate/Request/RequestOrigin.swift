// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Which site a request is for, as the browser sees it: quick facts for each request, the whole origin when needed.
///
/// `publicURL` rules; else it is the connection and the Host. X-Forwarded-Proto and -Host count only from a trusted
/// proxy (CVE-2026-40575), and of several values the last, which that proxy itself added.
struct RequestOrigin {
    let isSecure: Bool
    /// The host's place in the head; empty when the config fixes what cookies are bound to.
    let host: ByteRange

    init(_ request: borrowing RequestHead, _ context: RequestContext, _ rules: borrowing Rules) {
        var isSecure = context.isSecure
        var host = request.authority
        if context.isTrustedPeer {
            let bytes = request.bytes.span
            for index in request.fields.indices {
                let field = request.fields[index]
                switch field.known {
                case .xForwardedProto:
                    let value = bytes.extracting(Self.lastElement(field.value, bytes).range)
                    if value.equalsIgnoringCase("https") || value.equalsIgnoringCase("wss") {
                        isSecure = true
                    } else if value.equalsIgnoringCase("http") || value.equalsIgnoringCase("ws") {
                        isSecure = false
                    }
                case .xForwardedHost:
                    let last = Self.lastElement(field.value, bytes)
                    if !last.isEmpty { host = last }
                default: break
                }
            }
        }
        self.isSecure = rules.publicURL?.isSecure ?? isSecure
        self.host = host
    }

    /// Nil when the request names no plain host and the config does not either.
    func publicOrigin(_ request: RequestHead, _ rules: Rules) -> PublicOrigin? {
        rules.publicURL ?? requestOrigin(request)
    }

    /// The host this very request is for, which may be another one of the session's domain.
    func requestOrigin(_ request: RequestHead) -> PublicOrigin? {
        guard host.upperBound <= request.bytes.count else { return nil }
        return PublicOrigin(isSecure: isSecure, authority: request.bytes.span.extracting(host.range))
    }

    /// What sealed cookies are bound to.
    func cookieScope(_ request: RequestHead, _ rules: Rules) -> CookieScope? {
        if let fixed = rules.fixedScope { return fixed }
        return requestOrigin(request).map { CookieScope(isDomain: false, name: $0.host) }
    }

    final class Rules: Sendable {
        let publicURL: PublicOrigin?
        /// With a domain or a public URL; else it is each request's host.
        let fixedScope: CookieScope?

        init(_ configuration: GateConfiguration) {
            publicURL = configuration.publicURL
            let domain = configuration.session.domain.utf8.map(lowercased)
            if !domain.isEmpty {
                fixedScope = CookieScope(isDomain: true, name: domain)
            } else {
                fixedScope = configuration.publicURL.map { CookieScope(isDomain: false, name: $0.host) }
            }
        }
    }

    /// The text behind the last comma.
    private static func lastElement(_ value: ByteRange, _ bytes: Span<UInt8>) -> ByteRange {
        guard value.upperBound <= bytes.count else { return .empty }
        var start = value.upperBound
        while start > value.lowerBound, bytes[start - 1] != UInt8(ascii: ",") { start -= 1 }
        var end = value.upperBound
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return ByteRange(start..<end)
    }
}
