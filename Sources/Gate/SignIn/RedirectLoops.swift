// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT
import Pages

/// Detects browsers that come back from the provider without a session again and again: no further redirect ends that.
///
/// A browser's returns are counted in a cookie; those of browsers that keep no cookie at all, here.
final class RedirectLoops {
    private var withoutCookies = RedirectLoopDetector()
    private let cookies: OwnCookies
    private let filter: OwnCookieFilter
    private let responses: Responses

    init(_ session: SessionConfiguration, _ cookies: OwnCookies, _ responses: Responses) {
        filter = OwnCookieFilter(session)
        self.cookies = cookies
        self.responses = responses
    }

    /// Recent returns without a session, with this one.
    func count(_ request: borrowing AccessRequest, _ attempt: ReturnedAttempt) -> RedirectLoopCounter {
        let (cookie, hasOwnCookies) = read(request)
        if hasOwnCookies || attempt.named == nil {
            return (cookie ?? RedirectLoopCounter()).adding(request.context.now)
        }
        return withoutCookies.returned(Self.key(request), now: request.context.now)
    }

    /// The count that the confirmation page has set: confirming is no return from the provider.
    func current(_ request: borrowing AccessRequest) -> RedirectLoopCounter {
        read(request).cookie ?? RedirectLoopCounter()
    }

    /// Set-Cookie for a count that is kept.
    func cookie(_ count: RedirectLoopCounter, isSecure: Bool) -> [UInt8] {
        let name = cookies.names(isSecure: isSecure).returns
        let cookie = cookies.setCookie(isSecure: isSecure)
        return count.isEmpty
            ? cookie.expired(name) : cookie.login(name, count.cookie, maxAge: RedirectLoopCounter.window)
    }

    /// The response to the third return without a session.
    func response(to request: borrowing AccessRequest, tryAgain: String) -> LocalResponse {
        withoutCookies.forget(Self.key(request))
        var response: LocalResponse
        if NavigationTest.prefersJSON(request.head) {
            response = responses.json(403, [("error", "login_loop"), ("request_id", .string(request.idText))])
        } else {
            response = responses.page(403, .loginLoop(causes: [], requestID: request.idText, tryAgain: tryAgain))
        }
        // "Try again" restarts the count.
        response.add("Set-Cookie", cookie(RedirectLoopCounter(), isSecure: request.origin.isSecure))
        response.outcome = .loginLoop
        return response
    }

    private func read(_ request: borrowing AccessRequest) -> (cookie: RedirectLoopCounter?, hasOwnCookies: Bool) {
        let returns = cookies.names(request).returns
        var cookie: RedirectLoopCounter?
        var hasOwnCookies = false
        let bytes = request.head.bytes.span
        request.head.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count else { return }
            let text = bytes.extracting(name.range)
            if text.equals(returns.span) { cookie = RedirectLoopCounter(cookie: bytes.extracting(value.range)) }
            hasOwnCookies = hasOwnCookies || filter.isOurs(text)
        }
        return (cookie, hasOwnCookies)
    }

    /// Address and User-Agent, as a digest.
    private static func key(_ request: borrowing AccessRequest) -> [UInt8] {
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
