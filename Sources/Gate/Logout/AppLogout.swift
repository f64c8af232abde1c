// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The app's own way to sign out (`session.logoutPaths`): the app gets the request, and then the gate's session ends too.
/// Otherwise the next request would sign in again at once.
final class AppLogout {
    private let paths: [PathPattern]
    private let logout: Logout

    init(_ paths: [String], _ logout: Logout) {
        self.paths = paths.map { PathPattern($0) }
        self.logout = logout
    }

    /// Nil: the user does not sign out by this request.
    func signOut(_ identity: Identity, _ request: borrowing AccessRequest) -> SignOut? {
        guard let session = identity.session, isLogout(request), let origin = request.publicOrigin,
            agrees(request, origin)
        else { return nil }
        return logout.signOut(identity, session, request, origin)
    }

    /// In any reading: where the app takes the path for another one, the session ends all the same, which does no harm.
    private func isLogout(_ request: borrowing AccessRequest) -> Bool {
        // Where another proxy forwards the request, the gate does not see the response with which the session would end.
        guard request.path.delivery == .canonical else { return false }
        return request.path.anyReading(in: request.head) { path in paths.contains { $0.matchesLoosely(path) } }
    }

    /// The page between a return and its target leads on by itself, wherever the link was that the sign-in began with.
    private func comesFromReturn(_ request: borrowing AccessRequest) -> Bool {
        guard let field = request.head.fields.first(where: { $0.known == .referer }),
            field.value.upperBound <= request.head.bytes.count
        else { return false }
        let referer = request.head.bytes[field.value.range]
        let path = Array((Arrival.path + "?").utf8)
        guard referer.count >= path.count else { return false }
        return referer.indices.dropLast(path.count - 1).contains { referer[$0...].starts(with: path) }
    }

    /// As for `/.sidegate/logout`: another site's link or image signs nobody out, nor does a prefetch.
    private func agrees(_ request: borrowing AccessRequest, _ origin: PublicOrigin) -> Bool {
        let check = SiteCheck.of(request.head, on: request.site.targetSite(origin))
        switch request.head.method {
        case .get: guard check == .thisSite, !comesFromReturn(request) else { return false }
        case .post, .delete, .put, .patch: guard check != .otherSite else { return false }
        case .head, .options, .trace, .connect, .other: return false
        }
        return !NavigationTest.isPrefetch(request.head)
    }
}

/// The end of a session that comes with the app's response to a request. A class, since each exchange has room for one
/// and hardly any has one.
package final class SignOut: Sendable {
    package let revocation: Revocation
    /// What a browser that shows the response gets instead, without `cookies`; nil: it gets the app's own.
    package let answer: LocalResponse?
    /// Field lines that end the cookies, each with CRLF.
    package let cookies: [UInt8]

    init(revocation: Revocation, answer: LocalResponse?, cookies: [UInt8]) {
        self.revocation = revocation
        self.answer = answer
        self.cookies = cookies
    }
}
