// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The gate's own cookies: their names and attributes for http and https.
struct OwnCookies: Sendable {
    let sameSite: SameSite
    private let plain: CookieNames
    private let secure: CookieNames
    private let domain: String
    /// `session.partitioned`
    let isPartitioned: Bool

    init(_ session: SessionConfiguration) {
        isPartitioned = session.partitioned
        sameSite = session.sameSite
        domain = session.domain
        plain = CookieNames(session, isSecure: false)
        secure = CookieNames(session, isSecure: true)
    }

    func names(_ request: borrowing AccessRequest) -> CookieNames { names(isSecure: request.origin.isSecure) }

    func names(isSecure: Bool) -> CookieNames { isSecure ? secure : plain }

    func setCookie(isSecure: Bool) -> SetCookie {
        SetCookie(isSecure: isSecure, domain: domain, isPartitioned: isPartitioned)
    }

    /// For the cookies of one host, whatever the session's domain is.
    func hostCookie(isSecure: Bool) -> SetCookie {
        SetCookie(isSecure: isSecure, domain: "", isPartitioned: isPartitioned)
    }

    /// Set-Cookie values that end the session's cookies which were set before `session.partitioned` was: for a browser they
    /// are others, and would go on beside them.
    ///
    /// - Parameter lastChunk: of the session that came with the request.
    func endedUnpartitioned(lastChunk: Int, isSecure: Bool) -> [[UInt8]] {
        guard isPartitioned, isSecure else { return [] }
        let names = names(isSecure: isSecure)
        let cookie = SetCookie(isSecure: isSecure, domain: domain, isPartitioned: false)
        return (0...max(0, lastChunk)).map { cookie.expired(names.session(chunk: $0)) }
    }

    /// Set-Cookie values that end the session's cookie, whether it came or not, and all other cookies of the gate that came
    /// with the request.
    func ended(in request: borrowing AccessRequest) -> [[UInt8]] {
        let isSecure = request.origin.isSecure
        let cookie = setCookie(isSecure: isSecure)
        let hostCookie = hostCookie(isSecure: isSecure)
        let names = names(request)
        let unpartitioned = endedUnpartitioned(
            lastChunk: SessionCookiePlaces(request.head, names).lastChunk, isSecure: isSecure)
        return present(in: request).map { name in
            // Browsers keep no `__Host-` cookie with a Domain, and end none by one.
            name == names.returns || name == names.native ? hostCookie.expired(name) : cookie.expired(name)
        } + unpartitioned
    }

    /// The session's cookie, whether it came or not, and all other cookies of the gate that came with the request.
    private func present(in request: borrowing AccessRequest) -> [[UInt8]] {
        let names = names(request)
        var own = [names.session]
        let bytes = request.head.bytes.span
        request.head.forEachCookie { name, _ in
            guard own.count < 64, name.upperBound <= bytes.count else { return }
            let text = bytes.extracting(name.range)
            guard
                (names.sessionChunk(text) ?? 0) > 0 || names.attempt(text) != nil
                    || names.attemptOfSecond(text) != nil || text.equals(names.returns.span)
                    || text.equals(names.native.span) || text.equals(names.logoutTarget.span)
            else { return }
            own.append(Array(copying: text))
        }
        return own
    }
}
