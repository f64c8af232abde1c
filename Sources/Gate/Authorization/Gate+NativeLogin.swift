// SPDX-License-Identifier: Apache-2.0

import HTTP

extension Gate {
    /// Nil: this request has nothing to do with native login.
    func decide(
        _ native: NativeLogin, _ request: borrowing AccessRequest
    ) -> Decision? {
        guard request.path.isPlain else { return nil }
        let path = request.head.bytes.span.extracting(request.path.place.range)
        guard native.covers(path), native.admits(request.client) else { return nil }
        if native.isEntrance(path), NavigationTest.isNavigation(request.head), native.isAsked(in: request.head),
            let cookie = nativeLoginCookie(native, request)
        {
            return .nativeLogin(cookie: cookie)
        }
        return isOpen(native, request) ? .nativeLogin(cookie: nil) : nil
    }

    /// The whole Set-Cookie line that keeps it open for this browser on this site.
    private func nativeLoginCookie(
        _ native: NativeLogin, _ request: borrowing AccessRequest
    ) -> [UInt8]? {
        guard let scope = request.cookieScope else { return nil }
        var state: [UInt8] = [Self.nativeLoginVersion]
        state.appendTime(request.context.now)
        let name = names(request).native
        let cookie = SetCookie(isSecure: request.origin.isSecure, domain: "").session(
            name, nativeSeal.seal(state, name: name, scope: scope), maxAge: native.lifetime, sameSite: .lax)
        var line: [UInt8] = []
        line.append("Set-Cookie: ")
        line.append(contentsOf: cookie)
        line.append("\r\n")
        return line
    }

    /// The browser asked for it, here, and not too long ago.
    private func isOpen(_ native: NativeLogin, _ request: borrowing AccessRequest) -> Bool {
        guard let scope = request.cookieScope else { return false }
        let name = names(request).native
        let bytes = request.head.bytes.span
        var looks = 0
        var isOpen = false
        request.head.forEachCookie { cookie, value in
            guard !isOpen, looks < SessionCookie.maximumCandidates, cookie.upperBound <= bytes.count,
                value.upperBound <= bytes.count,
                bytes.extracting(cookie.range).equals(name.span)
            else { return }
            looks += 1
            guard let state = nativeSeal.open(bytes.extracting(value.range), name: name, scope: scope) else { return }
            var reader = SealedReader(state)
            guard reader.byte() == Self.nativeLoginVersion, let openedAt = reader.time(), reader.isAtEnd else { return }
            isOpen = request.context.now - openedAt < native.lifetime
        }
        return isOpen
    }

    private static let nativeLoginVersion: UInt8 = 1
}
