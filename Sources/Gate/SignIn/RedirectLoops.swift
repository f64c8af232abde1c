// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT
import Pages

/// Detects browsers that come back from the provider without a session again and again: no further redirect ends that.
///
/// A browser's returns are counted in a cookie; those of browsers that keep no cookie at all, here. The cookie is for one
/// host: over https its prefix `__Host-` keeps every other host from setting it, so it is plain, and replicas whose secrets
/// differ, which is a cause of loops, can read each other's. Over http a sibling host can set it, and would keep the user
/// out by a count of its own: there it is sealed, as login cookies are.
final class RedirectLoops {
    private var withoutCookies = RedirectLoopDetector()
    private let cookies: OwnCookies
    private let filter: OwnCookieFilter
    private let seal: Seal
    private let responses: Responses

    init(_ session: SessionConfiguration, _ cookies: OwnCookies, _ seal: Seal, _ responses: Responses) {
        filter = OwnCookieFilter(session)
        self.cookies = cookies
        self.seal = seal
        self.responses = responses
    }

    /// Recent returns without a session, with this one.
    func count(
        _ request: borrowing AccessRequest, _ attempt: ReturnedAttempt, _ scope: CookieScope
    ) -> RedirectLoopCounter {
        let now = request.context.now
        let present = present(in: request, scope)
        if let count = present.count { return count.adding(now) }
        // A count that does not open is another host's, or that of a replica whose secret differs. The attempt shows
        // which: with another secret it does not open either, and then the gate's own memory counts.
        let isOthers = present.isForeign && !attempt.isOurs
        if isOthers || !present.hasOwn, attempt.named != nil {
            return withoutCookies.returned(Self.key(request), now: now)
        }
        return RedirectLoopCounter().adding(now)
    }

    /// Recent returns without a session. A return that leads to a question counts when the user confirms it: other sites
    /// could cause such returns, and nobody need answer.
    func current(_ request: borrowing AccessRequest, _ scope: CookieScope) -> RedirectLoopCounter {
        present(in: request, scope).count ?? RedirectLoopCounter()
    }

    /// The value of a Set-Cookie field; an empty count ends the cookie.
    func cookie(_ count: RedirectLoopCounter, _ scope: CookieScope, isSecure: Bool) -> [UInt8] {
        guard !count.isEmpty else { return cookieEnd(isSecure: isSecure) }
        let name = cookies.names(isSecure: isSecure).returns
        let value = isSecure ? count.cookie : seal.seal(count.cookie, name: name, scope: scope)
        return cookies.hostCookie(isSecure: isSecure).login(name, value, maxAge: RedirectLoopCounter.window)
    }

    func cookieEnd(isSecure: Bool) -> [UInt8] {
        cookies.hostCookie(isSecure: isSecure).expired(cookies.names(isSecure: isSecure).returns)
    }

    /// The response to the third return without a session.
    func response(to request: borrowing AccessRequest, tryAgain: String) -> LocalResponse {
        withoutCookies.forget(Self.key(request))
        var response: LocalResponse
        if NavigationTest.prefersJSON(request.head) {
            response = responses.json(403, [("error", "login_loop"), ("request_id", .string(request.idText))])
        } else {
            response = responses.page(
                403, .loginLoop(causes: [], requestID: request.idText, tryAgain: tryAgain), for: request)
        }
        // "Try again" restarts the count.
        response.add("Set-Cookie", cookieEnd(isSecure: request.origin.isSecure))
        response.outcome = .loginLoop
        return response
    }

    /// What a request holds of the cookie.
    private struct Present {
        /// Nil: none that counts.
        var count: RedirectLoopCounter?
        /// One came that the gate has not sealed.
        var isForeign = false
        /// Some cookie of the gate's names came.
        var hasOwn = false
    }

    private func present(in request: borrowing AccessRequest, _ scope: CookieScope) -> Present {
        let returns = cookies.names(request).returns
        let isSecure = request.origin.isSecure
        var found = Present()
        let bytes = request.head.bytes.span
        var looks = 0
        request.head.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count else { return }
            let text = bytes.extracting(name.range)
            found.hasOwn = found.hasOwn || filter.isOurs(text)
            guard found.count == nil, text.equals(returns.span) else { return }
            let value = bytes.extracting(value.range)
            if isSecure {
                found.count = RedirectLoopCounter(cookie: value)
                return
            }
            guard value.count >= Seal.minimumSize, looks < SessionCookie.maximumCandidates else { return }
            looks += 1
            if let plain = seal.open(value, name: returns, scope: scope) {
                found.count = RedirectLoopCounter(cookie: plain.span)
            } else {
                found.isForeign = true
            }
        }
        return found
    }

    /// Address and User-Agent, as a digest.
    private static func key(_ request: borrowing AccessRequest) -> [UInt8] {
        var text: [UInt8] = []
        let client = request.client
        text.appendNumber((client ?? request.context.peer)?.high ?? 0, bytes: 8)
        text.appendNumber((client ?? request.context.peer)?.low ?? 0, bytes: 8)
        for field in request.head.fields
        where (field.known == .userAgent || field.known == .xForwardedFor && client == nil)
            && field.value.upperBound <= request.head.bytes.count
        {
            text.appendCounted(request.head.bytes[field.value.range])
        }
        return SHA256.hash(text.span)
    }
}

/// The same for browsers that keep no cookie at all, by address and User-Agent: only returns count that name an attempt of
/// the gate and bring none of its cookies. A fixed number of browsers, the oldest replaced first.
private struct RedirectLoopDetector {
    private var entries: [(key: [UInt8], count: RedirectLoopCounter)] = []
    private var next = 0

    private static let capacity = 256

    mutating func returned(_ key: [UInt8], now: Double) -> RedirectLoopCounter {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].count = entries[index].count.adding(now)
            return entries[index].count
        }
        let count = RedirectLoopCounter().adding(now)
        if entries.count < Self.capacity {
            entries.append((key, count))
        } else {
            entries[next] = (key, count)
            next = (next + 1) % Self.capacity
        }
        return count
    }

    mutating func forget(_ key: [UInt8]) {
        if let index = entries.firstIndex(where: { $0.key == key }) { entries[index].count = RedirectLoopCounter() }
    }
}
