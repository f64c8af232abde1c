// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import HTTP

/// The console's cookie: proof, for an hour, that the browser had the token. It holds neither the token nor anything that
/// leads to it.
///
/// Its key is derived from the token and the session secret, for this purpose alone: it ends with either, it opens nothing at
/// the gate, and no cookie of the gate opens anything here.
struct ConsoleCookies: Sendable {
    private let key: [UInt8]

    init(token: [UInt8], sessionSecret: [UInt8]) {
        key = HKDF.sha256(
            secret: token, salt: sessionSecret, info: Self.purpose, length: SealingKey.keyByteCount)
    }

    /// The value of a Set-Cookie field.
    ///
    /// - Parameter now: seconds since 1970.
    func line(now: Double, isSecure: Bool) -> String {
        var text: [UInt8] = [Self.version]
        let end = UInt64(max(0, min(now + Self.lifetime, 1e12)))
        for shift in stride(from: 56, through: 0, by: -8) {
            text.append(UInt8(truncatingIfNeeded: end >> UInt64(shift)))
        }
        var sealed: [UInt8] = []
        SealingKey(key: key).seal(
            text.span, nonce: Random.bytes(SealingKey.nonceByteCount).span, authenticating: Self.purpose.span,
            into: &sealed)
        return Self.line(Base64URL.encodeToString(sealed), maxAge: Int(Self.lifetime), isSecure: isSecure)
    }

    /// Ends the cookie in the browser.
    static func endLine(isSecure: Bool) -> String { line("", maxAge: 0, isSecure: isSecure) }

    func isValid(_ value: [UInt8], now: Double) -> Bool {
        var text: [UInt8] = []
        guard value.count <= Self.maximumSize, let sealed = Base64URL.decode(value.span),
            SealingKey(key: key).open(sealed.span, authenticating: Self.purpose.span, into: &text),
            text.count == 9, text[0] == Self.version
        else { return false }
        let end = Double(text[1...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        // A clock that was set back does not make it last longer.
        return now < end && end <= now + Self.lifetime
    }

    static func name(isSecure: Bool) -> String {
        // RFC 6265bis §4.1.3.2: no other host and no plain connection can set it.
        (isSecure ? "__Host-" : "") + ConsoleCookie.name
    }

    private static func line(_ value: String, maxAge: Int, isSecure: Bool) -> String {
        "\(name(isSecure: isSecure))=\(value); Path=/; Max-Age=\(maxAge); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// Seconds.
    static let lifetime = 3600.0
    private static let version: UInt8 = 1
    private static let maximumSize = 256
    private static let purpose = Array("sidegate console, version 1".utf8)
}
