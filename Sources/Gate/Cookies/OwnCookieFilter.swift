// SPDX-License-Identifier: Apache-2.0

import HTTP

extension SessionConfiguration {
    /// A cookie of that name would be taken for the gate's own.
    package static func isOwnCookie(_ name: String, cookieName: String) -> Bool {
        var session = SessionConfiguration(secrets: [])
        session.cookieName = cookieName
        return OwnCookieFilter(session).isOurs(Array(name.utf8).span)
    }
}

/// The cookie of the console on the admin listener. Browsers send cookies to all ports of a host, so it may come to the gate,
/// where it means nothing.
package enum ConsoleCookie {
    package static let name = "sidegate-console"
}

/// Which cookies are the gate's and never reach the app: session, login, native login, provider, form and console cookies,
/// under every prefix, whatever the scheme of the day is.
struct OwnCookieFilter: Sendable {
    /// Without prefix and number.
    private let whole: [[UInt8]]

    init(_ session: SessionConfiguration) {
        // The most frequent first.
        var names = [Array("sidegate".utf8)]
        if !session.cookieName.isEmpty {
            let name = Array(session.cookieName.utf8)
            names.append(Array(name.dropFirst(Self.prefixLength(name.span))))
        }
        names += [CookieNames.nativeBase, CookieNames.providerBase, ConsoleCookie.name].map { Array($0.utf8) }
        whole = names
    }

    func isOurs(_ name: Span<UInt8>) -> Bool {
        let base = name.extracting(Self.prefixLength(name)...)
        if base.count >= Self.login.count, base.extracting(0..<Self.login.count).equalsFoldingCase(Self.login.span) {
            return true
        }
        if base.count >= Self.form.count, base.extracting(0..<Self.form.count).equalsFoldingCase(Self.form.span) {
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
    private static let form = Array(CookieNames.formBase.utf8)
}
