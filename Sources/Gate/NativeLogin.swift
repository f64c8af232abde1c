// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The app's own login page without single sign-on, for emergencies: where it is, how it is asked for, and by whom.
struct NativeLogin: Sendable {
    let lifetime: Double
    private let parameters: [[UInt8]]
    private let paths: [PathPattern]
    private let with: [PathPattern]
    private let from: [CIDR]

    init(_ configuration: NativeLoginConfiguration) {
        lifetime = configuration.lifetime
        parameters = configuration.parameters.map { Array($0.utf8) }
        paths = configuration.paths.map { PathPattern($0) }
        with = configuration.with.map { PathPattern($0) }
        from = configuration.from
    }

    /// It can be asked for here.
    func isEntrance(_ path: Span<UInt8>) -> Bool {
        for pattern in paths where pattern.matches(path) { return true }
        return false
    }

    /// Open here, once it was asked for.
    func covers(_ path: Span<UInt8>) -> Bool {
        if isEntrance(path) { return true }
        for pattern in with where pattern.matches(path) { return true }
        return false
    }

    /// The client is in a network that may ask.
    func admits(_ client: @autoclosure () -> IPAddress?) -> Bool {
        guard !from.isEmpty else { return true }
        guard let client = client() else { return false }
        return from.contains { $0.contains(client) }
    }

    /// The query asks for it: by one of the parameters, bare, empty or with a value other than 0, false or no.
    func isAsked(in request: RequestHead) -> Bool {
        guard request.query != nil else { return false }
        let query = Parameters(query: request)
        return parameters.contains { name in
            query.values(name).contains { value in
                let value = value.map(lowercased)
                return !["0", "false", "no"].contains { value.elementsEqual($0.utf8) }
            }
        }
    }
}

/// A path, or the beginning of paths when it ends in `/*`, compared byte for byte.
struct PathPattern: Sendable {
    private let text: [UInt8]
    private let isBeginning: Bool

    init(_ pattern: String) {
        isBeginning = pattern.hasSuffix("/*")
        text = Array(isBeginning ? pattern.utf8.dropLast() : pattern.utf8[...])
    }

    func matches(_ path: Span<UInt8>) -> Bool {
        if !isBeginning { return path.equals(text.span) }
        return path.count >= text.count && path.extracting(0..<text.count).equals(text.span)
    }
}

extension Gate {
    /// Nil: this request has nothing to do with native login.
    func decide(
        _ native: NativeLogin, _ request: RequestHead, _ context: RequestContext, _ site: RequestSite
    ) -> Decision? {
        guard request.targetForm != .asterisk, request.path.upperBound <= request.bytes.count else { return nil }
        let path = request.bytes.span.extracting(request.path.range)
        guard native.covers(path), RequestPath.isPlain(path),
            native.admits(ClientAddress.of(request, context, trusted: configuration.trustedProxies))
        else { return nil }
        if native.isEntrance(path), NavigationTest.isNavigation(request), native.isAsked(in: request),
            let cookie = nativeLoginCookie(native, request, site, now: context.now)
        {
            return .nativeLogin(cookie: cookie)
        }
        return isOpen(native, request, site, now: context.now) ? .nativeLogin(cookie: nil) : nil
    }

    /// The whole Set-Cookie line that keeps it open for this browser on this site.
    private func nativeLoginCookie(
        _ native: NativeLogin, _ request: RequestHead, _ site: RequestSite, now: Double
    ) -> [UInt8]? {
        guard let binding = site.binding(request, siteRules) else { return nil }
        var state: [UInt8] = [Self.nativeLoginVersion]
        state.appendTime(now)
        let name = names(site).native
        let cookie = hostCookie(isSecure: site.isSecure).session(
            name, nativeSeal.seal(state, name: name, site: binding), maxAge: native.lifetime, sameSite: .lax)
        var line: [UInt8] = []
        line.append("Set-Cookie: ")
        line.append(contentsOf: cookie)
        line.append("\r\n")
        return line
    }

    /// The browser asked for it, here, and not too long ago.
    private func isOpen(_ native: NativeLogin, _ request: RequestHead, _ site: RequestSite, now: Double) -> Bool {
        guard let binding = site.binding(request, siteRules) else { return false }
        let name = names(site).native
        let bytes = request.bytes.span
        var looks = 0
        var isOpen = false
        request.forEachCookie { cookie, value in
            guard !isOpen, looks < SessionCookie.maximumCandidates, cookie.upperBound <= bytes.count,
                value.upperBound <= bytes.count, value.count >= Seal.minimumSize,
                bytes.extracting(cookie.range).equals(name.span)
            else { return }
            looks += 1
            guard let state = nativeSeal.open(bytes.extracting(value.range), name: name, site: binding) else { return }
            var reader = SealedReader(state)
            guard reader.byte() == Self.nativeLoginVersion, let openedAt = reader.time(), reader.isAtEnd else { return }
            isOpen = now - openedAt < native.lifetime
        }
        return isOpen
    }

    private static let nativeLoginVersion: UInt8 = 1
}
