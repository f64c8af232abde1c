// SPDX-License-Identifier: Apache-2.0

import HTTP

// The app's own way to sign out (`session.logoutPaths`): the app gets the request, and then the gate's session ends too.
// Otherwise the next request would sign in again at once.
extension Gate {
    /// `decision`, unless it lets a request through by which the user signs out of the app.
    func endingSession(_ decision: Decision, _ request: borrowing AccessRequest) -> Decision {
        guard case .forward(let identity?, _) = decision, let session = identity.session, isAppLogout(request) else {
            return decision
        }
        guard let origin = request.publicOrigin, agreesToSignOut(request, origin) else {
            return decision
        }
        let path = Array(request.head.bytes[request.path.place.range])
        let cookies = endedCookies(of: request, origin, page: path)
        var answer: LocalResponse?
        if NavigationTest.isShown(request.head) {
            var page = signedOut(session, returnTo: nil, origin, now: request.context.now)
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
                revocation: revocation(of: session, ticket: identity.stored?.ticket, now: request.context.now),
                answer: answer,
                cookies: block))
    }

    private func isAppLogout(_ request: borrowing AccessRequest) -> Bool {
        guard request.path.isPlain else { return false }
        let path = request.head.bytes.span.extracting(request.path.place.range)
        return logoutPaths.contains { $0.matches(path) }
    }

    /// As for `/.sidegate/logout`: another site's link or image signs nobody out, nor does what is fetched ahead.
    private func agreesToSignOut(_ request: borrowing AccessRequest, _ origin: PublicOrigin) -> Bool {
        let check = SiteCheck.of(request.head, on: request.site.targetSite(origin))
        switch request.head.method {
        case .get: guard check == .thisSite else { return false }
        case .post, .delete, .put, .patch: guard check != .otherSite else { return false }
        case .head, .options, .trace, .connect, .other: return false
        }
        return !NavigationTest.isPrefetch(request.head)
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
