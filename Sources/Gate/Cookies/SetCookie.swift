// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Writes the value of a Set-Cookie field (RFC 6265bis §4.1): always `Path=/` and `HttpOnly`.
///
/// A partitioned cookie (CHIPS) is another one for each site that the browser's window shows. It exists over https only, and
/// in frames of other sites only with `SameSite=None`; it is ended by its own attributes.
struct SetCookie: Sendable {
    let isSecure: Bool
    /// Empty: for the one host.
    let domain: String
    let isPartitioned: Bool

    /// A session's cookie.
    func session(_ name: [UInt8], _ value: [UInt8], maxAge: Double, sameSite: SameSite) -> [UInt8] {
        var line = start(name, value, maxAge: maxAge)
        guard !hasSameSite else { return line }
        switch sameSite {
        case .strict: line.append("; SameSite=Strict")
        case .lax: line.append("; SameSite=Lax")
        // Without Secure browsers drop SameSite=None, cookie and all; plain http gets the browser's own default.
        case .none: if isSecure { line.append("; SameSite=None") }
        }
        return line
    }

    /// A login cookie, which must come along when the provider sends the browser back by a form POST.
    ///
    /// A POST from another site carries no cookie with `SameSite=Lax`. Over https: `None`. Over http that is not
    /// possible; without the attribute, browsers send a cookie that is at most two minutes old, or any cookie. The
    /// cookie opens nothing: it only says that an attempt began in this browser.
    func login(_ name: [UInt8], _ value: [UInt8], maxAge: Double) -> [UInt8] {
        name + [UInt8(ascii: "=")] + value + loginAttributes(maxAge: maxAge)
    }

    /// What follows the value of a login cookie.
    func loginAttributes(maxAge: Double) -> [UInt8] {
        var line = attributes(maxAge: maxAge)
        if isSecure, !hasSameSite { line.append("; SameSite=None") }
        return line
    }

    /// Ends a cookie.
    func expired(_ name: [UInt8]) -> [UInt8] {
        start(name, [], maxAge: 0)
    }

    private func start(_ name: [UInt8], _ value: [UInt8], maxAge: Double) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(name.count + value.count + 96)
        line.append(contentsOf: name)
        line.append(UInt8(ascii: "="))
        line.append(contentsOf: value)
        line.append(contentsOf: attributes(maxAge: maxAge))
        return line
    }

    private func attributes(maxAge: Double) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(96)
        line.append("; Path=/; Max-Age=")
        line.append(decimal: UInt64(max(0, min(maxAge.rounded(.up), 1e10))))
        if !domain.isEmpty {
            line.append("; Domain=")
            line.append(contentsOf: domain.utf8)
        }
        line.append("; HttpOnly")
        if isSecure { line.append("; Secure") }
        if hasSameSite { line.append("; SameSite=None; Partitioned") }
        return line
    }

    /// Every cookie has it, whatever it is for.
    private var hasSameSite: Bool { isPartitioned && isSecure }
}
