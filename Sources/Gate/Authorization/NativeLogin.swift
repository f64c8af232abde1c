// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The app's own login page without single sign-on, for emergencies: where it is, how it is requested, and by whom.
///
/// A cookie keeps it open for one browser for a while.
struct NativeLogin {
    /// A request that passes without a session.
    struct Admission {
        /// A block of Set-Cookie lines, when this request opened the page.
        let cookie: [UInt8]?
    }

    private let lifetime: Double
    private let parameters: [[UInt8]]
    private let paths: [PathPattern]
    private let with: [PathPattern]
    private let from: [CIDR]
    private let seal: Seal
    private let cookies: OwnCookies

    init(_ configuration: NativeLoginConfiguration, seal: Seal, cookies: OwnCookies) {
        lifetime = configuration.lifetime
        parameters = configuration.parameters.map { Array($0.utf8) }
        paths = configuration.paths.map { PathPattern($0) }
        with = configuration.with.map { PathPattern($0) }
        from = configuration.from
        self.seal = seal
        self.cookies = cookies
    }

    /// Nil: the request has nothing to do with native login.
    func admission(of request: borrowing AccessRequest) -> Admission? {
        guard request.path.isPlain else { return nil }
        let path = request.head.bytes.span.extracting(request.path.place.range)
        guard covers(path), admitsClient(of: request) else { return nil }
        if isEntrance(path), NavigationTest.isNavigation(request.head), isRequested(by: request.head),
            let cookie = openingCookie(request)
        {
            return Admission(cookie: cookie)
        }
        return isOpen(request) ? Admission(cookie: nil) : nil
    }

    /// It can be requested here.
    private func isEntrance(_ path: Span<UInt8>) -> Bool {
        for pattern in paths where pattern.matches(path) { return true }
        return false
    }

    /// Open here, once it was requested.
    private func covers(_ path: Span<UInt8>) -> Bool {
        if isEntrance(path) { return true }
        for pattern in with where pattern.matches(path) { return true }
        return false
    }

    /// The client is certainly in a permitted network.
    private func admitsClient(of request: borrowing AccessRequest) -> Bool {
        guard !from.isEmpty else { return true }
        guard let client = request.knownClient else { return false }
        return from.contains { $0.contains(client) }
    }

    /// The query requests it: by one of the parameters, bare, empty or with a value other than 0, false or no.
    private func isRequested(by request: RequestHead) -> Bool {
        guard request.query != nil else { return false }
        let query = Parameters(query: request)
        return parameters.contains { name in
            query.values(name).contains { value in
                let value = value.map(lowercased)
                return !["0", "false", "no"].contains { value.elementsEqual($0.utf8) }
            }
        }
    }

    /// The whole Set-Cookie line that keeps it open for this browser on this site.
    private func openingCookie(_ request: borrowing AccessRequest) -> [UInt8]? {
        guard let scope = request.cookieScope else { return nil }
        var state: [UInt8] = [Self.version]
        state.appendTime(request.context.now)
        let name = cookies.names(request).native
        let cookie = cookies.hostCookie(isSecure: request.origin.isSecure).session(
            name, seal.seal(state, name: name, scope: scope), maxAge: lifetime, sameSite: .lax)
        var line: [UInt8] = []
        line.append("Set-Cookie: ")
        line.append(contentsOf: cookie)
        line.append("\r\n")
        return line
    }

    /// The browser requested it, here, and not too long ago.
    private func isOpen(_ request: borrowing AccessRequest) -> Bool {
        guard let scope = request.cookieScope else { return false }
        let name = cookies.names(request).native
        let now = request.context.now
        let bytes = request.head.bytes.span
        var looks = 0
        var isOpen = false
        request.head.forEachCookie { cookie, value in
            guard !isOpen, looks < SessionCookie.maximumCandidates, cookie.upperBound <= bytes.count,
                value.upperBound <= bytes.count, value.count >= Seal.minimumSize,
                bytes.extracting(cookie.range).equals(name.span)
            else { return }
            looks += 1
            guard let state = seal.open(bytes.extracting(value.range), name: name, scope: scope) else { return }
            var reader = SealedReader(state)
            guard reader.byte() == Self.version, let openedAt = reader.time(), reader.isAtEnd else { return }
            isOpen = now - openedAt < lifetime
        }
        return isOpen
    }

    private static let version: UInt8 = 1
}
