// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The names of the gate's cookies, for one scheme.
struct CookieNames: Sendable {
    /// `__Host-sidegate`
    let session: [UInt8]
    /// `__Host-sidegate-login-`, before an attempt's name
    let login: [UInt8]
    /// `__Host-sidegate-login-returns`: when the browser last returned from the identity provider. For one host, whatever
    /// the session's domain is: over https no other host can set it.
    let returns: [UInt8]
    /// `__Host-sidegate-native`: the app's own login page is open. For one host, whatever the session's domain is.
    let native: [UInt8]
    /// `__Host-sidegate-provider`: the identity provider that the browser chose last. For one host, whatever the session's
    /// domain is.
    let provider: [UInt8]
    /// `__Host-sidegate-form-`, before what stands for a kept form. For one host, whatever the session's domain is.
    let form: [UInt8]

    /// `__Host-sidegate-login-target`: where to sign in again after a logout at the provider.
    let logoutTarget: [UInt8]

    init(_ session: SessionConfiguration, isSecure: Bool) {
        // RFC 6265bis §4.1.3: browsers keep such a cookie only with Secure, and __Host- only for the one host.
        let prefix = !isSecure ? "" : session.domain.isEmpty ? "__Host-" : "__Secure-"
        let name = session.cookieName.isEmpty ? prefix + "sidegate" : session.cookieName
        self.session = Array(name.utf8)
        login = Array((prefix + Self.loginBase).utf8)
        logoutTarget = login + Array("target".utf8)
        let hostPrefix = isSecure ? "__Host-" : ""
        returns = Array((hostPrefix + Self.loginBase + "returns").utf8)
        native = Array((hostPrefix + Self.nativeBase).utf8)
        provider = Array((hostPrefix + Self.providerBase).utf8)
        form = Array((hostPrefix + Self.formBase).utf8)
    }

    /// The name of the session's chunk; the first has the plain name.
    func session(chunk: Int) -> [UInt8] {
        chunk == 0 ? session : session + [UInt8(ascii: "-"), UInt8(ascii: "0") + UInt8(chunk)]
    }

    /// Which chunk of the session a cookie of that name is.
    @inline(__always)
    func sessionChunk(_ name: Span<UInt8>) -> Int? {
        if name.count == session.count { return name.equals(session.span) ? 0 : nil }
        guard name.count == session.count &+ 2, name[session.count] == UInt8(ascii: "-"),
            name.extracting(0..<session.count).equals(session.span)
        else { return nil }
        let digit = name[session.count + 1] &- UInt8(ascii: "0")
        return digit > 0 && digit < UInt8(SessionCookie.maximumChunks) ? Int(digit) : nil
    }

    /// The attempt whose login cookie has that name.
    func attempt(_ name: Span<UInt8>) -> LoginAttemptID? {
        guard name.count == login.count + LoginAttemptID.length, name.extracting(0..<login.count).equals(login.span)
        else {
            return nil
        }
        return LoginAttemptID(Array(copying: name.extracting(login.count...)))
    }

    /// The attempt whose second login cookie has that name; see ``LoginCookie``.
    func attemptOfSecond(_ name: Span<UInt8>) -> LoginAttemptID? {
        let end = name.count - LoginCookie.suffix.utf8.count
        guard end == login.count + LoginAttemptID.length, name[end] == UInt8(ascii: "-"),
            name[end + 1] == UInt8(ascii: "1")
        else { return nil }
        return attempt(name.extracting(0..<end))
    }

    static let loginBase = "sidegate-login-"
    static let nativeBase = "sidegate-native"
    static let providerBase = "sidegate-provider"
    static let formBase = "sidegate-form-"
}
