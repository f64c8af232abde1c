// SPDX-License-Identifier: Apache-2.0

import HTTP

// The cookie that counts returns. It is for one host: over https its prefix `__Host-` keeps every other host from setting
// it, so it is plain, and replicas whose secrets differ, which is a cause of loops, can read each other's. Over http a
// sibling host can set it, and would keep the user out by a count of its own: there it is sealed, as login cookies are.
extension Gate {
    /// What a request has of it.
    struct ReturnsCookies {
        /// Nil: none that counts.
        var count: RedirectLoopCounter?
        /// One came that the gate has not sealed.
        var isForeign = false
        /// Some cookie of the gate's names came.
        var hasOwn = false
    }

    func returnsCookies(
        of request: borrowing AccessRequest, _ names: CookieNames, _ scope: CookieScope
    ) -> ReturnsCookies {
        var found = ReturnsCookies()
        let isSecure = request.origin.isSecure
        let bytes = request.head.bytes.span
        var looks = 0
        request.head.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count else { return }
            let text = bytes.extracting(name.range)
            found.hasOwn = found.hasOwn || ownCookies.isOurs(text)
            guard found.count == nil, text.equals(names.returns.span) else { return }
            let value = bytes.extracting(value.range)
            if isSecure {
                found.count = RedirectLoopCounter(cookie: value)
                return
            }
            guard value.count >= Seal.minimumSize, looks < SessionCookie.maximumCandidates else { return }
            looks += 1
            if let plain = loginSeal.open(value, name: names.returns, scope: scope) {
                found.count = RedirectLoopCounter(cookie: plain.span)
            } else {
                found.isForeign = true
            }
        }
        return found
    }

    /// The value of a Set-Cookie field; an empty count ends the cookie.
    func returnsCookie(
        _ count: RedirectLoopCounter, _ names: CookieNames, _ scope: CookieScope, isSecure: Bool
    ) -> [UInt8] {
        guard !count.isEmpty else { return returnsCookieEnd(names, isSecure: isSecure) }
        let value = isSecure ? count.cookie : loginSeal.seal(count.cookie, name: names.returns, scope: scope)
        return hostCookie(isSecure: isSecure).login(names.returns, value, maxAge: RedirectLoopCounter.window)
    }

    func returnsCookieEnd(_ names: CookieNames, isSecure: Bool) -> [UInt8] {
        hostCookie(isSecure: isSecure).expired(names.returns)
    }

    /// For cookies of the one host, whatever the session's domain is.
    func hostCookie(isSecure: Bool) -> SetCookie {
        SetCookie(isSecure: isSecure, domain: "")
    }
}
