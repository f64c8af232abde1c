// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The names of our cookies, for one scheme.
struct CookieNames: Sendable {
    /// `__Host-sidegate`
    let session: [UInt8]
    /// `__Host-sidegate-login-`, before an attempt's name
    let login: [UInt8]
    /// `__Host-sidegate-login-returns`: when the browser last came back from the IdP. For one host, whatever the session's
    /// domain is: over https no other host can set it.
    let returns: [UInt8]
    /// `__Host-sidegate-native`: the app's own login page is open. For one host, whatever the session's domain is.
    let native: [UInt8]

    init(_ session: SessionConfiguration, isSecure: Bool) {
        // RFC 6265bis §4.1.3: browsers keep such a cookie only with Secure, and __Host- only for the one host.
        let prefix = !isSecure ? "" : session.domain.isEmpty ? "__Host-" : "__Secure-"
        let name = session.cookieName.isEmpty ? prefix + "sidegate" : session.cookieName
        self.session = Array(name.utf8)
        login = Array((prefix + Self.loginBase).utf8)
        let hostPrefix = isSecure ? "__Host-" : ""
        returns = Array((hostPrefix + Self.loginBase + "returns").utf8)
        native = Array((hostPrefix + Self.nativeBase).utf8)
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
    func attempt(_ name: Span<UInt8>) -> AttemptID? {
        guard name.count == login.count + AttemptID.length, name.extracting(0..<login.count).equals(login.span) else {
            return nil
        }
        return AttemptID(Array(copying: name.extracting(login.count...)))
    }

    static let loginBase = "sidegate-login-"
    static let nativeBase = "sidegate-native"
}

extension SessionConfiguration {
    /// A cookie of that name would be taken for the gate's own.
    package static func isOwnCookie(_ name: String, cookieName: String) -> Bool {
        var session = SessionConfiguration(secrets: [])
        session.cookieName = cookieName
        return OwnCookieFilter(session).isOurs(Array(name.utf8).span)
    }
}

/// Which cookies are ours and never reach the app: session, login and native login cookies, under every prefix,
/// whatever the scheme of the day is.
struct OwnCookieFilter: Sendable {
    /// Without prefix and number.
    private let whole: [[UInt8]]

    init(_ session: SessionConfiguration) {
        var names: Set<[UInt8]> = [Array("sidegate".utf8), Array(CookieNames.nativeBase.utf8)]
        if !session.cookieName.isEmpty {
            let name = Array(session.cookieName.utf8)
            names.insert(Array(name.dropFirst(Self.prefixLength(name.span))))
        }
        whole = Array(names)
    }

    func isOurs(_ name: Span<UInt8>) -> Bool {
        let base = name.extracting(Self.prefixLength(name)...)
        if base.count >= Self.login.count, base.extracting(0..<Self.login.count).equalsFoldingCase(Self.login.span) {
            return true
        }
        for own in whole where base.count >= own.count {
            guard base.extracting(0..<own.count).equalsFoldingCase(own.span) else { continue }
            if base.count == own.count { return true }
            if base.count == own.count + 2, base[own.count] == UInt8(ascii: "-"),
                base[own.count + 1] &- UInt8(ascii: "0") < 10
            {
                return true
            }
        }
        return false
    }

    private static func prefixLength(_ name: Span<UInt8>) -> Int {
        if name.count > 7, name.extracting(0..<7).equalsIgnoringCase("__host-") { return 7 }
        if name.count > 9, name.extracting(0..<9).equalsIgnoringCase("__secure-") { return 9 }
        return 0
    }

    private static let login = Array(CookieNames.loginBase.utf8)
}
