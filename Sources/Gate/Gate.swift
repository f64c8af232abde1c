// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

/// Decides what becomes of each request: the heart of Sidegate.
///
/// Pure: no input or output, no clock (the time comes with each request), no randomness but the injected one. One gate
/// belongs to one event loop and is confined to it; it keeps that loop's keys and caches.
package final class Gate {
    package let configuration: GateConfiguration

    let random: RandomPool
    let requestRules: RequestRules
    let tokenParameter: [UInt8]
    var verifier: TokenVerifier
    let rules: AccessRules
    let matching: ClaimMapping
    let rendering: HeaderRendering
    let limits: SessionLimits
    let sessionSeal: Seal
    let loginSeal: Seal
    let signInSeal: Seal
    let nativeSeal: Seal
    let ticketSeal: Seal
    let plainNames: CookieNames
    let secureNames: CookieNames
    let pageFields: [UInt8]
    let formPageFields: [UInt8]
    private let requestRewrite: RequestRewrite
    let ownCookies: OwnCookieFilter
    let apps: AppRoutes
    /// What a proxy is told of a user beside the identity headers.
    let authRendering: HeaderRendering
    /// Names that a question of a proxy must not carry.
    let lookAlikes: IdentityLookAlikes

    var access: AccessPolicy
    /// Who has no session is let in all the same, as nobody.
    let letsGuestsIn: Bool
    var revocations = Revocations()
    /// Sessions whose users signed out. Apart from the others, so that however many there are, a provider's word finds
    /// room.
    var endedSessions = Revocations()
    /// Rises whenever whoever was let in before has to be looked at again. Zero while there is nothing to look at, as
    /// in a new ``Identity``.
    var policyEpoch: UInt64
    /// The fields that a logout token's `sub` can mean.
    let subjectFields: [String]
    let logoutMapping: ClaimMapping
    let nativeLogin: NativeLogin?
    let appCookies: AppCookies
    let logoutPaths: [PathPattern]

    var sessions = IdentityCache()
    var absentSessions = AbsentSessions()
    var bearers = IdentityCache()
    /// Counts the key sets that were in force, and the tokens that signed in while this gate ran.
    var keyCount: UInt64 = 0
    var spentCount: UInt64 = 0
    var loopDetector = RedirectLoopDetector()
    /// The site of the latest redirect; see ``SiteCache``.
    var lastSite: SiteCache?
    /// Kept between requests for its memory.
    var joinedCookie: [UInt8] = []

    /// - Parameter random: makes that many unpredictable bytes; in production `Random.bytes`.
    package init(_ configuration: GateConfiguration, random: @escaping (Int) -> [UInt8] = { Random.bytes($0) }) {
        self.configuration = configuration
        let random = RandomPool(random)
        self.random = random
        let session = configuration.session
        requestRules = RequestRules(configuration)
        tokenParameter = Array(configuration.tokenParameter.utf8)
        verifier = TokenVerifier(policy: configuration.tokenPolicy, keys: configuration.keys)
        matching = ClaimMapping(configuration.claims, required: configuration.required)
        rendering = HeaderRendering(rules: configuration.identityHeaders, encoding: configuration.headerEncoding)
        limits = SessionLimits(lifetime: session.lifetime, idleTimeout: session.idleTimeout)
        sessionSeal = Seal(.session, secrets: session.secrets, random: random)
        loginSeal = Seal(.login, secrets: session.secrets, random: random)
        signInSeal = Seal(.signIn, secrets: session.secrets, random: random)
        nativeSeal = Seal(.nativeLogin, secrets: session.secrets, random: random)
        ticketSeal = Seal(.ticket, secrets: session.secrets, random: random)
        access = AccessPolicy(configuration.access)
        rules = AccessRules(configuration.access.rules)
        policyEpoch = access.isOpen ? 0 : 1
        letsGuestsIn = access.letsGuestsIn
        subjectFields = configuration.claims.filter { $0.field == "user" || $0.claims.contains("sub") }.map(\.field)
        logoutMapping = ClaimMapping(configuration.claims, required: [], needsUser: false)
        nativeLogin = configuration.nativeLogin.map { NativeLogin($0) }
        appCookies = AppCookies(configuration)
        logoutPaths = session.logoutPaths.map { PathPattern($0) }
        plainNames = CookieNames(session, isSecure: false)
        secureNames = CookieNames(session, isSecure: true)
        requestRewrite = RequestRewrite(configuration)
        ownCookies = OwnCookieFilter(session)
        apps = AppRoutes(configuration.apps)
        authRendering = Self.authRendering(configuration)
        lookAlikes = IdentityLookAlikes(
            authRendering.rules.map(\.name) + (configuration.assertion.map { [$0.header] } ?? []))
        pageFields = PageFields.block(configuration, hasForm: false)
        formPageFields = PageFields.block(configuration, hasForm: true)
    }

    /// Derives what a request is judged by. Called by the others where it was not yet.
    package func read(_ request: inout AccessRequest) {
        request.read(by: requestRules)
    }

    /// What is to become of this request.
    ///
    /// Its identifier (from ``requestID(of:into:)``) appears on the pages that are made.
    package func decide(_ request: inout AccessRequest) -> Decision {
        read(&request)
        // TRACE would send the identity headers back to whoever asks; CONNECT is for forward proxies.
        if request.head.method == .trace || request.head.method == .connect {
            return .respond(methodNotAllowed(request))
        }
        if case .outside = request.path.form { return .respond(badRequest(400, of: request)) }
        if let own = request.path.reserved {
            // A proxy's question is about another request, perhaps of another host.
            if own != .auth, let session = sessionReference(request) { return .fetchSession(session) }
            return answer(own, request)
        }
        let decision = admit(request)
        return logoutPaths.isEmpty ? decision : endingSession(decision, request)
    }

    /// What is to become of a request that is for an app.
    func admit(_ request: borrowing AccessRequest) -> Decision {
        if !isReadable(request) {
            let refusal = Decision.respond(unreadable(request))
            return configuration.access.mode == .observe ? observed(refusal, request) : refusal
        }
        if let nativeLogin, request.path.isPlain, let open = decide(nativeLogin, request) { return open }
        let decision = judge(request)
        guard configuration.access.mode == .observe else { return decision }
        return observed(decision, request)
    }

    /// The path, and what is left of it for an app without its prefix, can be read in one way that all readers share.
    private func isReadable(_ request: borrowing AccessRequest) -> Bool {
        switch request.path.form {
        case .unreadable: return false
        case .odd(let path) where request.path.delivery == .canonical:
            return (try? apps.checkStripped(path.canonical)) != nil
        case .none, .outside, .plain, .odd, .unread: return true
        }
    }

    private func judge(_ request: borrowing AccessRequest) -> Decision {
        var ruling = Ruling.unruled
        if !rules.isEmpty {
            ruling = self.ruling(on: request)
            switch ruling {
            case .open: return openDecision(request)
            case .denied: return denied(request)
            case .unreadable: return .respond(unreadable(request))
            case .unruled, .needs: break
            }
        }
        var reason: ReasonCode?
        switch session(of: request) {
        case .valid(let identity):
            if identity.authorizedAt != policyEpoch,
                let other = reauthorize(identity, request)
            {
                return other
            }
            if let reason = refusal(of: identity, by: ruling) {
                return forbidden(reason, identity, request)
            }
            return .forward(identity, renewal: renewal(of: identity, request))
        case .refused(let code): reason = code
        case .needsLookup(let session): return .fetchSession(session)
        case .storeUnavailable: return .respond(sessionUnknown(request))
        case .none, .unchecked: break
        }
        if configuration.bearer {
            switch bearer(of: request) {
            case .valid(let identity):
                if identity.authorizedAt != policyEpoch,
                    let other = reauthorize(identity, request)
                {
                    return other
                }
                if let reason = refusal(of: identity, by: ruling) {
                    return forbidden(reason, identity, request)
                }
                return .forward(identity, renewal: nil)
            case .refused(let code):
                if awaitsKeys(after: code, request) { return .awaitKeys }
                return .respond(invalidBearer(code, request))
            case .unchecked(let question): return .checkToken(question)
            case .none, .needsLookup, .storeUnavailable: break
            }
        }
        if letsGuestsIn, case .unruled = ruling { return .forward(nil, renewal: nil) }
        return .respond(unauthenticated(request, reason, as: unauthenticated(by: ruling)))
    }

    /// After `.collectBody`: the same request with its form.
    package func decide(form body: [UInt8], of request: inout AccessRequest) -> Decision {
        read(&request)
        if case .outside = request.path.form { return .respond(badRequest(400, of: request)) }
        switch request.path.reserved {
        case .callback: return returned(request, form: body)
        case .confirm: return confirmed(request, form: body)
        case .backchannelLogout: return backchannelLogout(request, body: body)
        case .login, .logout, .session, .auth, .keys, .nothing, .unreadable, nil:
            return .respond(notFound(request))
        }
    }

    /// What the request is about, for metrics.
    package func purpose(of request: inout AccessRequest) -> RequestPurpose {
        read(&request)
        return RequestPurpose(request.path)
    }

    /// The client's address behind the trusted proxies; nil when that cannot be determined.
    package func client(of request: borrowing AccessRequest) -> IPAddress? {
        ClientAddress.of(request.head, request.context, trusted: configuration.trustedProxies)
    }

    /// Appends the request's identifier to `out`: the client's X-Request-ID when it is sane, else a fresh one
    /// (32 hexadecimal digits).
    package func requestID(of request: borrowing RequestHead, into out: inout [UInt8]) {
        if let place = RequestIdentifier.place(in: request) {
            out.append(copying: request.bytes.span.extracting(place.range))
        } else {
            random.appendIdentifier(words: 2, to: &out)
        }
    }

    /// Writes the head the app gets: `GET /path?query HTTP/1.1`, Host, the other fields, each line with CRLF, but
    /// without the framing fields (Content-Length, Transfer-Encoding) and the final empty line.
    ///
    /// Strips (hop-by-hop fields, identity headers in every spelling, our cookies, the token parameter), then sets
    /// (X-Forwarded-*, X-Request-ID, traceparent, identity). One operation: no path does half of it.
    /// Connection is written only as `upgrade` (when ``forwardsUpgrade(_:app:)``) or `te`.
    ///
    /// - Parameter app: which of the apps gets it, by ``app(for:)``.
    package func rewrite(
        _ request: borrowing AccessRequest, for identity: Identity?, app: Int = 0, into out: inout [UInt8]
    ) {
        requestRewrite.write(request, for: identity, app: app, random: random, into: &out)
        if configuration.assertion != nil, let identity {
            appendAssertion(of: identity, now: request.context.now, to: &out)
        }
    }

    /// Which app a request that may pass is for: 0 is `upstream`, the others are those of `upstreams`, from 1.
    package func app(for request: borrowing AccessRequest) -> Int {
        apps.isEmpty ? 0 : apps.index(for: request)
    }

    /// The request asks for a protocol that `app` may switch to, and `rewrite` forwards its Upgrade.
    package func forwardsUpgrade(_ request: borrowing AccessRequest, app: Int) -> Bool {
        requestRewrite.forwardsUpgrade(request.head, app: app)
    }

    private func answer(
        _ own: ReservedPath, _ request: borrowing AccessRequest
    ) -> Decision {
        switch own {
        case .callback: callback(request)
        case .confirm: confirm(request)
        case .login: .respond(login(request))
        case .logout: logout(request)
        case .session: .respond(sessionDocument(request))
        case .auth: forwardAuth(request)
        case .backchannelLogout: backchannelLogout(request)
        case .keys: .respond(keySet(request))
        case .nothing: .respond(notFound(request))
        case .unreadable: .respond(unreadable(request))
        }
    }

    func names(_ request: borrowing AccessRequest) -> CookieNames {
        request.origin.isSecure ? secureNames : plainNames
    }

    func setCookie(isSecure: Bool) -> SetCookie {
        SetCookie(isSecure: isSecure, domain: configuration.session.domain)
    }
}
