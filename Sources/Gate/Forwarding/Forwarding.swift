// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// What becomes of a request that may pass: the app that gets it, the head that the app gets, and what the gate removes
/// from the app's response.
package final class Forwarding {
    private let rewrite: RequestRewrite
    private let apps: AppRoutes
    private let ownCookies: OwnCookieFilter
    private let assertions: AssertionSigner?
    private let random: RandomPool
    /// For each app; nil: its responses are not rewritten.
    private let redirects: [RedirectRewrite.App?]
    private let hasRedirects: Bool
    /// The most bytes of identity that each app gets.
    private let identityLimits: [Int]
    /// What every app takes, if nothing is added to the identity; otherwise it has to be measured.
    private let leastLimit: Int

    init(
        _ configuration: GateConfiguration, _ tokenParameter: TokenParameter, _ assertions: AssertionSigner?,
        _ random: RandomPool
    ) {
        rewrite = RequestRewrite(configuration, tokenParameter)
        apps = AppRoutes(configuration.apps)
        ownCookies = OwnCookieFilter(configuration.session)
        self.assertions = assertions
        self.random = random
        redirects = [RedirectRewrite.App(configuration)] + configuration.apps.map { RedirectRewrite.App($0) }
        hasRedirects = redirects.contains { $0 != nil }
        identityLimits = [configuration.maximumIdentityBytes] + configuration.apps.map(\.maximumIdentityBytes)
        leastLimit = assertions == nil ? identityLimits.min() ?? 0 : -1
    }

    /// The path, and what is left of it for an app without its prefix, is the same for all readers.
    func isReadable(_ request: borrowing AccessRequest) -> Bool {
        switch request.path.form {
        case .none, .outside, .plain, .unread: return true
        case .unreadable: return false
        case .odd(let path):
            guard request.path.delivery == .canonical else { return true }
            return (try? apps.checkStripped(path.canonical)) != nil
        }
    }

    /// Which app a request that may pass is for: 0 is `upstream`, the others are those of `upstreams`, from 1.
    package func app(for request: borrowing AccessRequest) -> Int {
        apps.isEmpty ? 0 : apps.index(for: request)
    }

    /// Writes the head the app gets: `GET /path?query HTTP/1.1`, Host, the other fields, each line with CRLF, but without
    /// the framing fields (Content-Length, Transfer-Encoding) and the final empty line.
    ///
    /// Strips (hop-by-hop fields, identity headers in every spelling, the gate's cookies, the provider's tokens in URLs), then sets
    /// (X-Forwarded-*, X-Request-ID, traceparent, identity). One operation: no code path does half of it.
    /// Connection is written only as `upgrade` (when ``forwardsUpgrade(_:app:)``) or `te`.
    ///
    /// - Parameter app: which of the apps gets it, by ``app(for:)``.
    package func writeHead(
        _ request: borrowing AccessRequest, for identity: Identity?, app: Int = 0, into out: inout [UInt8]
    ) {
        rewrite.write(request, for: identity, app: app, random: random, into: &out)
        if let assertions, let identity { assertions.append(for: identity, now: request.context.now, to: &out) }
    }

    /// The request asks for a protocol that `app` may switch to, and ``writeHead(_:for:app:into:)`` forwards its Upgrade.
    package func forwardsUpgrade(_ request: borrowing AccessRequest, app: Int) -> Bool {
        rewrite.forwardsUpgrade(request.head, app: app)
    }

    /// The request asks for a protocol that `app` may switch to, whether its Upgrade is forwarded or not.
    package func asksForUpgrade(_ request: borrowing AccessRequest, app: Int) -> Bool {
        rewrite.asksForUpgrade(request.head, app: app)
    }

    /// The client's X-Request-ID when it is safe to log, otherwise a new one (32 hexadecimal digits).
    package func appendRequestID(of request: borrowing RequestHead, to out: inout [UInt8]) {
        if let place = RequestIdentifier.place(in: request) {
            out.append(copying: request.bytes.span.extracting(place.range))
        } else {
            random.appendIdentifier(words: 2, to: &out)
        }
    }

    /// - Parameter share: of the traces that begin here, those that are exported: from 0 to 1.
    package func makeTracer(share: Double) -> Tracer { Tracer(share: share, random) }

    /// Identities whose fields have at most this many bytes are never ``isTooLarge(_:for:)``.
    package var leastIdentityLimit: Int { leastLimit }

    /// The field lines that state the identity are more than the app takes (`upstream.headerBytes`).
    package func isTooLarge(_ identity: Identity, for request: borrowing AccessRequest) -> Bool {
        guard identity.headerBlock.count > leastLimit else { return false }
        let app = self.app(for: request)
        guard identityLimits.indices.contains(app) else { return false }
        let assertion = assertions?.line(for: identity, now: request.context.now).count ?? 0
        return identity.headerBlock.count + assertion > identityLimits[app]
    }

    /// Removes what sets or ends cookies of the gate's own names from an app's response; the first such use, or nil.
    ///
    /// - Parameter endsSession: the session ends with this response.
    package func removeOwnCookies(from response: inout ResponseHead, endsSession: Bool) -> ReservedCookieUse? {
        response.removeOwnCookies(ownCookies, endsSession: endsSession)
    }

    // MARK: Redirects

    /// Some app's responses are rewritten.
    package var rewritesRedirects: Bool { hasRedirects }

    /// Makes the app's own addresses in its response addresses of the public site (`upstream.rewriteRedirects`).
    package func rewriteRedirects(in response: inout ResponseHead, to request: borrowing AccessRequest, app: Int) {
        guard redirects.indices.contains(app), let rewritten = redirects[app] else { return }
        let route = apps.app(app)
        var path = request.path.canonical(in: request.head) ?? []
        if path.isEmpty, request.head.path.upperBound <= request.head.bytes.count {
            path = Array(request.head.bytes[request.head.path.range])
        }
        if let route, let stripped = route.stripped(path) { path = stripped }
        let place = RedirectRewrite.Place(site: Self.site(of: request, route), path: path)
        RedirectRewrite(rewritten, place).rewrite(&response)
    }

    /// The site that the browser sees: `publicURL`, or the request's own host where the configuration names that too.
    private static func site(of request: borrowing AccessRequest, _ route: AppRoute?) -> PublicOrigin? {
        guard let fixed = request.site.publicURL else { return request.requestOrigin }
        guard let own = request.requestOrigin, own.host != fixed.host else { return fixed }
        if let route, !route.hosts.isEmpty { return own }
        guard let scope = request.site.fixedScope, scope.isDomain else { return fixed }
        let isBelow = own.host.suffix(scope.name.count + 1).elementsEqual([UInt8(ascii: ".")] + scope.name)
        return own.host == scope.name || isBelow ? own : fixed
    }

    /// A key for a handshake that the gate begins itself (RFC 6455 §4.1): sixteen random bytes, base 64.
    package func webSocketKey() -> [UInt8] {
        Base64.encode(random.bytes(16).span)
    }
}
