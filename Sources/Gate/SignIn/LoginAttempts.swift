// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// What a return from the provider has to do with the attempts of this browser.
struct ReturnedAttempt {
    /// It answers an attempt that began here, in this browser, not too long ago.
    var isOurs = false
    /// The target of that attempt.
    var target: ReturnTarget?
    /// The login cookie that ends with it.
    var cookie: LoginCookie?
    /// It may answer an attempt that another site began, but names none: the user is asked, whatever `initiated` says,
    /// since the same holds for legitimate links to a provider that returns no `state`.
    var needsQuestion = false
    /// Why it answers no attempt of this browser.
    var refusal = Reason.loginStateMissing
    /// The attempt that its `state` names.
    var named: LoginAttemptID?
    /// That attempt was begun here, at another provider than the one whose return path the browser came to (RFC 9700
    /// §4.4), or at one that had its name before.
    var isOfOtherProvider = false
    /// What ties the provider's answer to it, where the login protocol has that.
    var proof: LoginProof?
    /// It names an attempt that has ended with a sign-in a moment ago, and led here.
    var finished: ReturnTarget?
    /// It names an attempt that was refused a moment ago.
    var hasFailed = false
}

/// The sign-ins that a browser has begun: each has a login cookie of its own, so that several tabs can sign in at once.
struct LoginAttempts {
    /// An attempt whose cookie came, and where the cookie's value stands.
    struct Present {
        let id: LoginAttemptID
        let value: ByteRange
        /// Of the second cookie, where there is one.
        var rest: ByteRange?
        /// Of its names and values.
        var byteCount: Int
    }

    private let seal: Seal
    private let cookies: OwnCookies
    private let providers: ProviderNames
    private let identities: ProviderIdentities

    init(seal: Seal, cookies: OwnCookies, providers: ProviderNames, identities: ProviderIdentities) {
        self.seal = seal
        self.cookies = cookies
        self.providers = providers
        self.identities = identities
    }

    /// The attempts whose cookies came. Their number is bounded.
    @inline(__always)
    func present(in request: borrowing AccessRequest) -> [Present] {
        // A browser's first visit brings none.
        for index in request.head.fields.indices where request.head.fields[index].known == .cookie {
            return read(request)
        }
        return []
    }

    @inline(never)
    private func read(_ request: borrowing AccessRequest) -> [Present] {
        let names = cookies.names(request)
        var attempts: [Present] = []
        var seconds: [Present] = []
        let bytes = request.head.bytes.span
        request.head.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count, value.count > SessionCookie.markSize,
                name.count >= names.login.count
            else { return }
            let text = bytes.extracting(name.range)
            let byteCount = Int(name.count) + Int(value.count)
            if attempts.count < SessionCookie.maximumCandidates, value.count >= Seal.minimumSize,
                let attempt = names.attempt(text)
            {
                attempts.append(Present(id: attempt, value: value, byteCount: byteCount))
            } else if seconds.count < SessionCookie.maximumCandidates, let attempt = names.attemptOfSecond(text) {
                seconds.append(Present(id: attempt, value: value, byteCount: byteCount))
            }
        }
        guard !seconds.isEmpty else { return attempts }
        for index in attempts.indices
        where SessionCookie.count(first: bytes.extracting(attempts[index].value.range)) == 2 {
            // A sibling host can set cookies of these names too.
            let second = seconds.first {
                $0.id == attempts[index].id && SessionCookie.isChunk($0.value, of: attempts[index].value, bytes)
            }
            attempts[index].rest = second?.value
            attempts[index].byteCount += second?.byteCount ?? 0
        }
        return attempts
    }

    /// The attempts of a browser that end to make room for one more: the oldest of its own. A sibling host can set cookies
    /// of these names too, which count for nothing: they make no attempt end, and some of them end with each redirect.
    ///
    /// - Parameter plain: the length of the new one's state.
    func surplus(
        _ attempts: [Present], plain: Int, _ request: borrowing AccessRequest, _ scope: CookieScope
    ) -> [Present] {
        guard !attempts.isEmpty else { return [] }
        var byteCount = LoginCookie.byteCount(plain: plain, cookies.names(request))
        let all = attempts.reduce(byteCount) { $0 + $1.byteCount }
        guard attempts.count >= LoginState.maximumCount || all > LoginCookie.maximumBytes else { return [] }
        var own: [Present] = []
        var others: [Present] = []
        for attempt in attempts {
            if state(of: attempt, request, scope) != nil {
                own.append(attempt)
            } else if others.count < LoginState.maximumCount {
                others.append(attempt)
            }
        }
        // The newest stay, as far as there is room for them.
        own.sort { $1.id.isOlder(than: $0.id) }
        var count = 1
        let kept = own.prefix { attempt in
            count += 1
            byteCount += attempt.byteCount
            return count <= LoginState.maximumCount && byteCount <= LoginCookie.maximumBytes
        }
        return others + own.dropFirst(kept.count)
    }

    /// Its cookie, or cookies.
    func cookie(_ attempt: Present, _ request: borrowing AccessRequest) -> LoginCookie {
        // One that begins as the first of two is ended with the second, which may be missing.
        let bytes = request.head.bytes.span
        let isSplit =
            attempt.value.upperBound <= bytes.count
            && SessionCookie.count(first: bytes.extracting(attempt.value.range)) > 1
        return LoginCookie(cookies.names(request), attempt.id, isSplit: isSplit)
    }

    /// Set-Cookie values that end it.
    func ended(_ cookie: LoginCookie, isSecure: Bool) -> [[UInt8]] {
        let setCookie = cookies.setCookie(isSecure: isSecure)
        return cookie.names.map { setCookie.expired($0) }
    }

    /// Set-Cookie values for an attempt of any length.
    func lines(
        _ state: LoginState, _ attempt: LoginAttemptID, _ scope: CookieScope, isSecure: Bool,
        maxAge: Double = LoginState.lifetime
    ) -> [[UInt8]] {
        let setCookie = cookies.setCookie(isSecure: isSecure)
        let names = LoginCookie(cookies.names(isSecure: isSecure), attempt, isSplit: true).names
        let sealed = seal.seal(state.encoded(identities), name: names[0], scope: scope)
        // No target is longer than two cookies hold.
        let values = SessionCookie.split(sealed) ?? []
        return zip(names, values).map { setCookie.login($0, $1, maxAge: maxAge) }
    }

    /// The state that an attempt's cookie holds; nil when the gate did not seal it.
    func state(
        of attempt: Present, _ request: borrowing AccessRequest, _ scope: CookieScope
    ) -> LoginState? {
        guard attempt.value.upperBound <= request.head.bytes.count else { return nil }
        let name = cookies.names(request).login + attempt.id.text
        if let rest = attempt.rest, rest.upperBound <= request.head.bytes.count {
            let text =
                request.head.bytes[attempt.value.range].dropFirst(SessionCookie.prefixSize)
                + request.head.bytes[rest.range].dropFirst(SessionCookie.markSize)
            return seal.open(Array(text).span, name: name, scope: scope).flatMap { LoginState(encoded: $0) }
        }
        let value = request.head.bytes.span.extracting(attempt.value.range)
        return seal.open(value, name: name, scope: scope).flatMap { LoginState(encoded: $0) }
    }

    /// What the cookies of a site's attempts are bound to, with room for the attempt's name; see ``Seal``.
    func binding(_ names: CookieNames, _ scope: CookieScope) -> [UInt8] {
        let anyName = names.login + Array(repeating: 0, count: LoginAttemptID.length)
        return seal.authenticated(anyName.span, scope)
    }

    /// Appends the value of the cookie that is bound to `binding`.
    @inline(__always)
    func appendSealed(_ state: LoginState, boundTo binding: Span<UInt8>, to out: inout [UInt8]) {
        seal.seal(boundTo: binding, into: &out) { state.append(to: &$0, identities) }
    }

    /// The `Set-Cookie` values by which the other attempts of a browser at the same provider count from now on only when a
    /// return names them. `ended` is the one that a return has named.
    ///
    /// This browser's provider returns `state`, so a return without it is none of the provider's. It would count as the
    /// answer to an attempt that is still pending, such as that of another tab, and another site could replace the
    /// session by a sign-in with its own token.
    ///
    /// The newest are kept as they are otherwise. Those for which there is no room end: they must not count either.
    func othersOnlyWhenNamed(
        besides ended: LoginAttemptID, at provider: String, _ request: borrowing AccessRequest, _ scope: CookieScope
    ) -> [[UInt8]] {
        let isSecure = request.origin.isSecure
        var kept: [[UInt8]] = []
        var count = 0
        var byteCount = 0
        for attempt in present(in: request).sorted(by: { $1.id.isOlder(than: $0.id) }) where attempt.id != ended {
            // What does not open is another host's and counts for nothing; a question that was shown is no attempt.
            guard let state = state(of: attempt, request, scope), state.token.isEmpty, !state.isFromOtherSite,
                identities.current(state) == provider
            else { continue }
            let remaining = state.startedAt + LoginState.lifetime - request.context.now
            guard remaining > 0 else { continue }
            let lines = lines(
                state.onlyWhenNamed, attempt.id, scope, isSecure: isSecure,
                maxAge: min(remaining, LoginState.lifetime))
            count += 1
            byteCount += lines.reduce(0) { $0 + $1.count }
            let hasRoom = count <= LoginState.maximumCount && (byteCount <= Self.maximumOtherBytes || count == 1)
            kept += hasRoom ? lines : self.ended(cookie(attempt, request), isSecure: isSecure)
        }
        return kept
    }

    /// Proxies in front may not accept much more than this in the head of a response; the newest attempt may be larger, as
    /// it may be when it begins.
    private static let maximumOtherBytes = 4096

    /// The provider of the attempt of this browser that `parameters` answer, however late; nil: they answer none.
    func providerAnswered(by parameters: Parameters, _ request: borrowing AccessRequest) -> String? {
        guard let scope = request.cookieScope else { return nil }
        let named = parameters.values("state").prefix(2).compactMap { LoginAttemptID($0) }
        guard !named.isEmpty else { return nil }
        for candidate in present(in: request) where named.contains(candidate.id) {
            guard let state = state(of: candidate, request, scope),
                state.token.isEmpty || state.isFinished
            else { continue }
            return providers.current(state.provider)
        }
        return nil
    }

    /// Which attempt a return ends: the one that `state` names, and no other; without a `state`, when the provider does
    /// not send it back, the newest. Only attempts at `provider` count.
    ///
    /// The newest counts only where the login protocol does not name attempts: then a provider may drop what the gate
    /// appends to the return URL, and a pending attempt is the sign that the user began here. An attempt that another site
    /// began is no such sign, since that site may send its own token after it.
    ///
    /// - Parameters:
    ///   - provider: the one whose return path it is.
    ///   - isUnseen: another site's page has the return as an image or the like.
    func returned(
        _ request: borrowing AccessRequest, _ parameters: Parameters, _ scope: CookieScope, to provider: Provider,
        isUnseen: Bool
    ) -> ReturnedAttempt {
        var result = ReturnedAttempt()
        var candidates = present(in: request)
        if let state = parameters.values("state").first {
            result.named = LoginAttemptID(state)
            candidates.removeAll { $0.id != result.named }
        } else if provider.login.namesAttempts || isUnseen {
            return result
        }
        candidates.sort { $1.id.isOlder(than: $0.id) }
        // More than a browser is given may come: a sister host can set some of these names too.
        for candidate in candidates {
            guard let state = state(of: candidate, request, scope) else { continue }
            if state.isFinished, result.named != nil, identities.current(state) == provider.name,
                request.context.now - state.startedAt < LoginState.finishedLifetime
            {
                result.target = state.target
                if state.token == LoginState.failed { result.hasFailed = true } else { result.finished = state.target }
            }
            // A question that was shown is no attempt: the next token must lead to one as well.
            guard state.token.isEmpty else { continue }
            guard identities.current(state) == provider.name else {
                result.isOfOtherProvider = result.named != nil
                continue
            }
            let cookie = cookie(candidate, request)
            guard request.context.now - state.startedAt < LoginState.lifetime else {
                result.refusal = .loginStateExpired
                // Too old to vouch for the user, but still the target.
                result.target = result.target ?? state.target
                continue
            }
            guard result.named != nil || !state.isFromOtherSite else {
                return ReturnedAttempt(target: state.target, cookie: cookie, needsQuestion: true)
            }
            return ReturnedAttempt(
                isOurs: true, target: state.target, cookie: cookie, named: result.named,
                proof: LoginProof(state.secret))
        }
        return result
    }
}
