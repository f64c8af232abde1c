// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions

/// The three parts of a compact JWS (RFC 7515 §7.1), decoded but not verified.
struct CompactToken {
    let header: [UInt8]
    let payload: [UInt8]
    let signature: [UInt8]
    /// The number of bytes that are signed: header, dot and payload, as sent.
    let signingInputByteCount: Int

    /// One pass for the dots, one for each part, for any input (CVE-2025-30204, CVE-2025-27144).
    init(_ token: Span<UInt8>) throws(TokenRefusal) {
        guard !token.isEmpty else {
            throw TokenRefusal(
                .tokenMissing, expected: "a token", actual: "none",
                fix: "the identity provider must add the token to the return URL; compare the parameter's name")
        }
        let maximum = TokenPolicy.maximumTokenByteCount
        guard token.count <= maximum else {
            throw TokenRefusal(
                .tokenTooLarge, expected: "at most \(maximum) bytes", actual: "\(token.count) bytes",
                fix: "omit claims that the app does not need, especially groups")
        }
        var dots = 0
        var first = 0
        var second = 0
        for index in token.indices where token[index] == 0x2E {
            dots += 1
            if dots == 1 { first = index }
            if dots == 2 { second = index }
        }
        guard dots == 2, first > 0 else {
            throw TokenRefusal(
                .tokenMalformed, expected: "a compact JWS: three parts with dots between",
                actual: Self.describe(token, dots), fix: "the token may have been truncated or altered in transit")
        }
        header = try Self.decode(token.extracting(0..<first), "header")
        payload = try Self.decode(token.extracting(first + 1..<second), "claims")
        signature = try Self.decode(token.extracting(second + 1..<token.count), "signature")
        signingInputByteCount = second
    }

    private static func decode(_ part: Span<UInt8>, _ name: String) throws(TokenRefusal) -> [UInt8] {
        guard let bytes = Base64URL.decode(part) else {
            throw TokenRefusal(
                .tokenMalformed, expected: "base64url without padding",
                actual: "a \(name) part that is not (padding, white space, + or /, stray bits, or a length of 4n+1)",
                fix: "base64-encode with the URL alphabet, then drop every ="
            )
        }
        return bytes
    }

    private static func describe(_ token: Span<UInt8>, _ dots: Int) -> String {
        if token[0] == 0x7B { return "a JWS in JSON form" }
        if dots == 4 { return "five parts: an encrypted token (JWE)" }
        return dots == 2 ? "an empty header" : "\(dots + 1) part\(dots == 0 ? "" : "s")"
    }
}

/// The contents of a token, not verified: for display, never for decisions.
package struct TokenContents: Sendable {
    /// The header, if it is JSON.
    package let header: JSONValue?
    /// The claims, if they are JSON.
    package let claims: JSONValue?

    /// Nil if the text does not have the form of a token.
    package init?(_ token: Span<UInt8>) {
        guard let token = try? CompactToken(token) else { return nil }
        header = try? JSONParser.parse(token.header.span)
        claims = try? JSONParser.parse(token.payload.span)
    }
}
