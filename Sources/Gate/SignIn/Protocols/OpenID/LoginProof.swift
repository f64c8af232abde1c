// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// What ties a provider's answer to one attempt of one browser: the attempt's login cookie holds 32 random bytes, sealed,
/// and the request for a sign-in holds digests of them.
///
/// The provider gives out tokens only to a client that knows the verifier (RFC 7636), and puts the nonce into the ID token.
final class LoginProof: Sendable {
    /// Sealed in the login cookie, and nowhere else.
    let secret: [UInt8]
    /// `code_challenge`, by S256.
    let challenge: [UInt8]
    /// `nonce`: it tells nothing about the verifier.
    let nonce: [UInt8]

    /// Nil when `secret` is none.
    init?(_ secret: [UInt8]) {
        guard secret.count == Self.secretByteCount else { return nil }
        self.secret = secret
        let verifier = Base64URL.encode(secret)
        challenge = Base64URL.encode(SHA256.hash(verifier.span))
        let text = Self.nonceLabel + secret
        nonce = Base64URL.encode(SHA256.hash(text.span))
    }

    /// `code_verifier`: RFC 7636 §4.1 recommends exactly this, 43 characters for 32 bytes.
    var verifier: [UInt8] { Base64URL.encode(secret) }

    /// What names the response with that code to this attempt, in this process.
    func key(of code: [UInt8]) -> [UInt8] {
        let text = Self.responseLabel + secret + code
        return SHA256.hash(text.span)
    }

    static let secretByteCount = 32
    /// Of a digest in base64url.
    static let textLength = 43

    private static let nonceLabel = Array("sidegate nonce, version 1".utf8)
    private static let responseLabel = Array("sidegate response, version 1".utf8)
}
