// SPDX-License-Identifier: Apache-2.0

import HTTP

extension Gate {
    /// Nil: this request has nothing to do with native login.
    func decide(
        _ native: NativeLogin, _ request: RequestHead, _ context: RequestContext, _ site: RequestOrigin
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
        _ native: NativeLogin, _ request: RequestHead, _ site: RequestOrigin, now: Double
    ) -> [UInt8]? {
        guard let scope = site.cookieScope(request, originRules) else { return nil }
        var state: [UInt8] = [Self.nativeLoginVersion]
        state.appendTime(now)
        let name = names(site).native
        let cookie = hostCookie(isSecure: site.isSecure).session(
            name, nativeSeal.seal(state, name: name, scope: scope), maxAge: native.lifetime, sameSite: .lax)
        var line: [UInt8] = []
        line.append("Set-Cookie: ")
        line.append(contentsOf: cookie)
        line.append("\r\n")
        return line
    }

    /// The browser asked for it, here, and not too long ago.
    private func isOpen(_ native: NativeLogin, _ request: RequestHead, _ site: RequestOrigin, now: Double) -> Bool {
        guard let scope = site.cookieScope(request, originRules) else { return false }
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
            guard let state = nativeSeal.open(bytes.extracting(value.range), name: name, scope: scope) else { return }
            var reader = SealedReader(state)
            guard reader.byte() == Self.nativeLoginVersion, let openedAt = reader.time(), reader.isAtEnd else { return }
            isOpen = now - openedAt < native.lifetime
        }
        return isOpen
    }

    private static let nativeLoginVersion: UInt8 = 1
}
