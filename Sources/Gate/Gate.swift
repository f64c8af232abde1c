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
    let originRules: RequestOrigin.Rules
    let returnPath: [UInt8]
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
    /// Something is decided by a request's path, so it must be readable.
    private let readsPaths: Bool
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
        originRules = RequestOrigin.Rules(configuration)
        returnPath = Array(configuration.returnPath.utf8)
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
        readsPaths = configuration.readsPaths
        authRendering = Self.authRendering(configuration)
        lookAlikes = IdentityLookAlikes(
            authRendering.rules.map(\.name) + (configuration.assertion.map { [$0.header] } ?? []))
        pageFields = PageFields.block(configuration, hasForm: false)
        formPageFields = PageFields.block(configuration, hasForm: true)
    }

    /// What is to become of this request.
    ///
    /// `requestID` (from ``requestID(of:into:)``) stands on the pages that are made.
    package func decide(_ request: RequestHead, _ context: RequestContext, requestID: [UInt8] = []) -> Decision {
        // TRACE would send the identity headers back to whoever asks; CONNECT is for forward proxies.
        if request.method == .trace || request.method == .connect {
            return .respond(methodNotAllowed(request, requestID))
        }
        if request.targetForm != .asterisk {
            guard request.path.upperBound <= request.bytes.count else {
                return .respond(badRequest(400, of: request, requestID: requestID))
            }
            let path = request.bytes.span.extracting(request.path.range)
            if let own = ReservedPath.of(path, returnPath: returnPath) {
                // A proxy's question is about another request, perhaps of another host.
                if own != .auth, let session = sessionReference(request, context) { return .fetchSession(session) }
                return answer(own, request, context, requestID)
            }
        }
        let decision = admit(request, context, requestID)
        return logoutPaths.isEmpty ? decision : endingSession(decision, request, context)
    }

    /// What is to become of a request that is for an app.
    func admit(
        _ request: RequestHead, _ context: RequestContext, _ requestID: [UInt8],
        delivery: RequestPath.Delivery = .canonical
    ) -> Decision {
        let site = RequestOrigin(request, context, originRules)
        var oddPath: RequestPath?
        if readsPaths {
            do {
                oddPath = try self.oddPath(of: request, delivery)
            } catch {
                let refusal = Decision.respond(unreadable(request, requestID))
                return configuration.access.mode == .observe ? observed(refusal, request, context, site) : refusal
            }
        }
        if let nativeLogin, oddPath == nil, let open = decide(nativeLogin, request, context, site) { return open }
        let decision = judge(request, oddPath, context, site, requestID)
        guard configuration.access.mode == .observe else { return decision }
        return observed(decision, request, context, site)
    }

    private func judge(
        _ request: RequestHead, _ oddPath: RequestPath?, _ context: RequestContext, _ site: RequestOrigin,
        _ requestID: [UInt8]
    ) -> Decision {
        var ruling = Ruling.unruled
        if !rules.isEmpty {
            ruling = self.ruling(on: request, oddPath)
            switch ruling {
            case .open: return openDecision(request, context, site)
            case .denied: return denied(request, context, site, requestID)
            case .unreadable: return .respond(unreadable(request, requestID))
            case .unruled, .needs: break
            }
        }
        var reason: ReasonCode?
        switch session(of: request, site, context) {
        case .valid(let identity):
            if identity.authorizedAt != policyEpoch,
                let other = reauthorize(identity, request, context, site, requestID)
            {
                return other
            }
            if let reason = refusal(of: identity, by: ruling) {
                return forbidden(reason, identity, request, site, requestID)
            }
            return .forward(identity, renewal: renewal(of: identity, request, site, now: context.now))
        case .refused(let code): reason = code
        case .needsLookup(let session): return .fetchSession(session)
        case .storeUnavailable: return .respond(sessionUnknown(request, requestID))
        case .none, .unchecked: break
        }
        if configuration.bearer {
            switch bearer(of: request, context) {
            case .valid(let identity):
                if identity.authorizedAt != policyEpoch,
                    let other = reauthorize(identity, request, context, site, requestID)
                {
                    return other
                }
                if let reason = refusal(of: identity, by: ruling) {
                    return forbidden(reason, identity, request, site, requestID)
                }
                return .forward(identity, renewal: nil)
            case .refused(let code):
                if awaitsKeys(after: code, context) { return .awaitKeys }
                return .respond(invalidBearer(code, request, context))
            case .unchecked(let question): return .checkToken(question)
            case .none, .needsLookup, .storeUnavailable: break
            }
        }
        if letsGuestsIn, case .unruled = ruling { return .forward(nil, renewal: nil) }
        return .respond(unauthenticated(request, context, reason, requestID, as: unauthenticated(by: ruling)))
    }

    /// After `.collectBody`: the same request with its form.
    package func decide(
        form body: [UInt8], of request: RequestHead, _ context: RequestContext, requestID: [UInt8] = []
    ) -> Decision {
        guard request.path.upperBound <= request.bytes.count else {
            return .respond(badRequest(400, of: request, requestID: requestID))
        }
        switch ReservedPath.of(request.bytes.span.extracting(request.path.range), returnPath: returnPath) {
        case .callback: return returned(request, form: body, context, requestID)
        case .confirm: return confirmed(request, form: body, context, requestID)
        case .backchannelLogout: return backchannelLogout(request, body: body, context)
        case .login, .logout, .session, .auth, .keys, .nothing, .unreadable, nil:
            return .respond(notFound(request, requestID))
        }
    }

    /// Appends the request's identifier to `out`: the client's X-Request-ID when it is sane, else a fresh one
    /// (32 hexadecimal digits).
    package func requestID(of request: RequestHead, into out: inout [UInt8]) {
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
    /// - Parameter app: which of the apps gets it, by ``app(for:_:)``.
    package func rewrite(
        _ request: RequestHead, for identity: Identity?, _ context: RequestContext, app: Int = 0, requestID: [UInt8],
        into out: inout [UInt8]
    ) {
        requestRewrite.write(
            request, for: identity, context, RequestOrigin(request, context, originRules), app: app,
            requestID: requestID,
            random: random, into: &out)
        if configuration.assertion != nil, let identity { appendAssertion(of: identity, now: context.now, to: &out) }
    }

    /// Which app a request that may pass is for: 0 is `upstream`, the others are those of `upstreams`, from 1.
    package func app(for request: RequestHead, _ context: RequestContext) -> Int {
        guard !apps.isEmpty else { return 0 }
        return apps.index(for: request, RequestOrigin(request, context, originRules))
    }

    /// The request asks for a protocol that `app` may switch to, and `rewrite` forwards its Upgrade.
    package func forwardsUpgrade(_ request: RequestHead, app: Int) -> Bool {
        requestRewrite.forwardsUpgrade(request, app: app)
    }

    private func answer(
        _ own: ReservedPath, _ request: RequestHead, _ context: RequestContext, _ requestID: [UInt8]
    ) -> Decision {
        switch own {
        case .callback: callback(request, context, requestID)
        case .confirm: confirm(request, context, requestID)
        case .login: .respond(login(request, context, requestID))
        case .logout: logout(request, context, requestID)
        case .session: .respond(sessionDocument(request, context, requestID))
        case .auth: forwardAuth(request, context, requestID)
        case .backchannelLogout: backchannelLogout(request, requestID)
        case .keys: .respond(keySet(request, requestID))
        case .nothing: .respond(notFound(request, requestID))
        case .unreadable: .respond(unreadable(request, requestID))
        }
    }

    func names(_ site: RequestOrigin) -> CookieNames { site.isSecure ? secureNames : plainNames }

    func setCookie(isSecure: Bool) -> SetCookie {
        SetCookie(isSecure: isSecure, domain: configuration.session.domain)
    }

    /// What return targets must stay on.
    func targetSite(_ origin: PublicOrigin) -> ReturnTarget.Site {
        let domain = originRules.fixedScope.flatMap { $0.isDomain ? $0.name : nil } ?? []
        return ReturnTarget.Site(origin: origin, domain: domain, returnPath: returnPath)
    }
}
