// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Where "Sign in again" leads after a logout at the provider, which sends every browser back to one registered address: a
/// sealed cookie of this browser keeps the target for some minutes.
///
/// The target was checked before it was sealed, and the sign-in that it leads to checks it again.
struct LogoutTarget {
    private let seal: Seal
    private let cookies: OwnCookies

    init(seal: Seal, cookies: OwnCookies) {
        self.seal = seal
        self.cookies = cookies
    }

    /// A Set-Cookie value.
    func cookie(_ target: ReturnTarget, _ request: borrowing AccessRequest) -> [UInt8]? {
        guard let scope = request.cookieScope else { return nil }
        var text: [UInt8] = [Self.version]
        text.appendTime(request.context.now)
        text.append(contentsOf: target.bytes)
        let isSecure = request.origin.isSecure
        let name = cookies.names(isSecure: isSecure).logoutTarget
        return cookies.setCookie(isSecure: isSecure).session(
            name, seal.seal(text, name: name, scope: scope), maxAge: Self.lifetime, sameSite: .lax)
    }

    /// The target that the browser brings; nil: none that counts.
    func target(of request: borrowing AccessRequest) -> ReturnTarget? {
        guard let scope = request.cookieScope else { return nil }
        let name = cookies.names(request).logoutTarget
        let bytes = request.head.bytes.span
        let now = request.context.now
        var looks = 0
        var found: ReturnTarget?
        request.head.forEachCookie { cookie, value in
            guard found == nil, looks < SessionCookie.maximumCandidates, cookie.upperBound <= bytes.count,
                value.upperBound <= bytes.count, value.count >= Seal.minimumSize,
                bytes.extracting(cookie.range).equals(name.span)
            else { return }
            looks += 1
            guard let text = seal.open(bytes.extracting(value.range), name: name, scope: scope) else { return }
            var reader = SealedReader(text)
            guard reader.byte() == Self.version, let time = reader.time(), now - time < Self.lifetime else { return }
            let target = reader.rest()
            if !target.isEmpty { found = ReturnTarget(trusted: target) }
        }
        return found
    }

    private static let version: UInt8 = 1
    /// In seconds.
    private static let lifetime: Double = 600
}
