// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT

/// What a return from the IdP has to do with the attempts of this browser.
struct ReturnedAttempt {
    /// It answers an attempt that began here, in this browser, not too long ago.
    var isOurs = false
    /// Where that attempt wanted to go.
    var target: ReturnTarget?
    /// The login cookie that ends with it.
    var cookie: [UInt8]?
    /// It may answer an attempt that another site began, but names none: the person is asked, whatever
    /// `initiated` says, since the same goes for honest links to a provider that returns no `state`.
    var needsQuestion = false
    /// Why it is not ours.
    var refusal = Reason.loginStateMissing
    /// The state it names.
    var named: LoginAttemptID?
}

extension Gate {
    /// Which attempt this return ends: the one that `state` names, and none else; without a `state`, when the IdP does
    /// not send it back, the newest.
    ///
    /// The newest is good enough only where the login URL has no `{state}` of its own, and `requireState` is off: then an
    /// IdP may drop what we append to the return URL, and an attempt that lives is the sign that the user began here.
    /// One that another site began is no such sign, for that site may send its own token after it.
    ///
    /// - Parameter isUnseen: another site's page has the return as an image or the like.
    func attempt(
        of request: borrowing AccessRequest, _ parameters: Parameters, _ names: CookieNames, _ scope: CookieScope,
        isUnseen: Bool
    ) -> ReturnedAttempt {
        var result = ReturnedAttempt()
        var candidates = attempts(of: request, names)
        if let state = parameters.values("state").first {
            result.named = LoginAttemptID(state)
            candidates.removeAll { $0.id != result.named }
        } else if configuration.requiresState || configuration.loginURL.contains(.state) || isUnseen {
            return result
        }
        candidates.sort { $1.id.isOlder(than: $0.id) }
        // More than a browser is given may come: a sister host can set some of these names too.
        for candidate in candidates where candidate.value.upperBound <= request.head.bytes.count {
            let name = names.login + candidate.id.text
            let value = request.head.bytes.span.extracting(candidate.value.range)
            guard let encoded = loginSeal.open(value, name: name, scope: scope),
                // Having been asked is no attempt: the next token must be asked about as well.
                let state = LoginState(encoded: encoded), state.token.isEmpty
            else { continue }
            guard request.context.now - state.startedAt < LoginState.lifetime else {
                result.refusal = .loginStateExpired
                // Too old to vouch for the user, but still where they wanted to go.
                result.target = result.target ?? state.target
                continue
            }
            guard result.named != nil || !state.isFromOtherSite else {
                return ReturnedAttempt(target: state.target, cookie: name, needsQuestion: true)
            }
            return ReturnedAttempt(isOurs: true, target: state.target, cookie: name, named: result.named)
        }
        return result
    }

    /// The `Set-Cookie` values by which the other attempts of a browser count from now on only when a return names them.
    /// `ended` is the one that a return has named.
    ///
    /// This browser's provider returns `state`, so a return without it is none of the provider's. It would count as the
    /// answer to an attempt that is still pending, such as that of another tab, and another site could replace the
    /// session by a sign-in with its own token.
    ///
    /// The newest are kept as they are otherwise. Those for which there is no room end: they must not count either.
    func othersOnlyWhenNamed(
        besides ended: LoginAttemptID, _ request: borrowing AccessRequest, _ names: CookieNames, _ scope: CookieScope
    ) -> [[UInt8]] {
        // No return without `state` counts anyway.
        guard !configuration.requiresState, !configuration.loginURL.contains(.state) else { return [] }
        let cookie = setCookie(isSecure: request.origin.isSecure)
        var lines: [[UInt8]] = []
        var byteCount = 0
        for attempt in attempts(of: request, names).sorted(by: { $1.id.isOlder(than: $0.id) }) where attempt.id != ended
        {
            // What does not open is another host's and counts for nothing; a question that was asked is no attempt.
            guard let state = state(of: attempt, request, names, scope), state.token.isEmpty, !state.isFromOtherSite
            else { continue }
            let remaining = state.startedAt + LoginState.lifetime - request.context.now
            guard remaining > 0 else { continue }
            let name = names.login + attempt.id.text
            let value = loginSeal.seal(state.onlyWhenNamed.encoded, name: name, scope: scope)
            let line = cookie.login(name, value, maxAge: min(remaining, LoginState.lifetime))
            byteCount += line.count
            let hasRoom = lines.count < LoginState.maximumCount && byteCount <= Self.maximumOtherAttemptBytes
            lines.append(hasRoom ? line : cookie.expired(name))
        }
        return lines
    }

    /// Proxies in front may not accept much more than this in the head of a response.
    private static let maximumOtherAttemptBytes = 4096

    /// Returns without a session, of late, with this one.
    func countReturn(
        _ request: borrowing AccessRequest, _ attempt: ReturnedAttempt, _ names: CookieNames, _ scope: CookieScope
    ) -> RedirectLoopCounter {
        let cookies = returnsCookies(of: request, names, scope)
        if let count = cookies.count { return count.adding(request.context.now) }
        // A count that does not open is another host's, or that of a replica whose secret differs. The attempt tells
        // which: with another secret it does not open either, and then the gate's own memory counts.
        let isOthers = cookies.isForeign && !attempt.isOurs
        if isOthers || !cookies.hasOwn, attempt.named != nil {
            return loopDetector.returned(watchKey(request), now: request.context.now)
        }
        return RedirectLoopCounter().adding(request.context.now)
    }

    /// Address and User-Agent, as a digest.
    func watchKey(_ request: borrowing AccessRequest) -> [UInt8] {
        var text: [UInt8] = []
        text.appendNumber(request.context.peer?.high ?? 0, bytes: 8)
        text.appendNumber(request.context.peer?.low ?? 0, bytes: 8)
        for field in request.head.fields
        where (field.known == .userAgent || field.known == .xForwardedFor && request.context.isTrustedPeer)
            && field.value.upperBound <= request.head.bytes.count
        {
            text.appendCounted(request.head.bytes[field.value.range])
        }
        return SHA256.hash(text.span)
    }
}
