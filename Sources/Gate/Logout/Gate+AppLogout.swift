// SPDX-License-Identifier: Apache-2.0

import HTTP

// The app's own way to sign out (`session.logoutPaths`): the app gets the request, and then the gate's session ends too.
// Otherwise the next request would sign in again at once.
extension Gate {
    /// `decision`, unless it lets a request through by which the user signs out of the app.
    func endingSession(_ decision: Decision, _ request: RequestHead, _ context: RequestContext) -> Decision {
        guard case .forward(let identity?, _) = decision, let session = identity.session, isAppLogout(request) else {
            return decision
        }
        let site = RequestOrigin(request, context, originRules)
        guard let origin = site.publicOrigin(request, originRules), agreesToSignOut(request, origin) else {
            return decision
        }
        let path = Array(request.bytes[request.path.range])
        let cookies = endedCookies(of: request, site, origin, page: path)
        var answer: LocalResponse?
        if NavigationTest.isShown(request) {
            var page = signedOut(session, returnTo: nil, origin, now: context.now)
            page.decision = "logout"
            page.user = identity.user
            answer = page
        }
        var block: [UInt8] = []
        for cookie in cookies {
            block.append("Set-Cookie: ")
            block.append(contentsOf: cookie)
            block.append("\r\n")
        }
        return .forwardLogout(
            identity,
            SignOut(
                revocation: revocation(of: session, ticket: identity.stored?.ticket, now: context.now), answer: answer,
                cookies: block))
    }

    private func isAppLogout(_ request: RequestHead) -> Bool {
        guard request.targetForm != .asterisk, request.path.upperBound <= request.bytes.count else { return false }
        let path = request.bytes.span.extracting(request.path.range)
        guard !RequestPath.isPlain(path) else { return logoutPaths.contains { $0.matches(path) } }
        // In any reading: where the app takes the path for another one, no more happens than that the session ends.
        guard let odd = try? RequestPath(path, delivery: .canonical) else { return false }
        return odd.all.contains { reading in logoutPaths.contains { $0.matches(reading.span) } }
    }

    /// As for `/.sidegate/logout`: another site's link or image signs nobody out, nor does what is fetched ahead.
    private func agreesToSignOut(_ request: RequestHead, _ origin: PublicOrigin) -> Bool {
        let check = SiteCheck.of(request, on: targetSite(origin))
        switch request.method {
        case .get: guard check == .thisSite else { return false }
        case .post, .delete, .put, .patch: guard check != .otherSite else { return false }
        case .head, .options, .trace, .connect, .other: return false
        }
        return !NavigationTest.isPrefetch(request)
    }
}

/// The end of a session that comes with the app's response to a request. A class, since each exchange has room for one and
/// hardly any has one.
package final class SignOut: Sendable {
    package let revocation: Revocation
    /// What a browser that shows the response gets in its place, without `cookies`; nil: it gets the app's own.
    package let answer: LocalResponse?
    /// Field lines that end the cookies, each with CRLF.
    package let cookies: [UInt8]

    init(revocation: Revocation, answer: LocalResponse?, cookies: [UInt8]) {
        self.revocation = revocation
        self.answer = answer
        self.cookies = cookies
    }
}
