// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// How the text of a secret encodes the bytes of a key.
package enum SecretEncoding: String, Sendable, CaseIterable {
    /// The text is the key.
    case utf8
    case base64
    case base64url
    case hex
    /// The key is the 32 lower-case hexadecimal digits of the text's MD5, as ASCII.
    case md5hex

    /// The key's bytes.
    func decode(_ secret: [UInt8]) throws(KeyError) -> [UInt8] {
        switch self {
        case .utf8:
            return secret
        case .base64:
            guard let key = Base64.decode(secret.span) else {
                throw .malformed("the secret is not base64 (letters, digits, + and /, = at the end)")
            }
            return key
        case .base64url:
            guard let key = Base64URL.decodePadded(secret.span) else {
                throw .malformed("the secret is not base64url (letters, digits, - and _)")
            }
            return key
        case .hex:
            guard let key = Hex.decode(secret.span) else {
                throw .malformed("the secret is not hexadecimal (an even number of digits)")
            }
            return key
        case .md5hex:
            // The derived key is never empty, so the secret is checked here.
            guard !secret.isEmpty else { throw .empty }
            guard let key = MD5.hexDigest(secret.span) else {
                throw .unsupported("md5hex needs MD5, which this system's OpenSSL does not offer")
            }
            return key
        }
    }
}

/// Why a key cannot be used; the texts never contain any part of it.
package enum KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    /// Not in the expected form.
    case malformed(String)
    /// A type, curve, size or algorithm that is not supported.
    case unsupported(String)
    /// Too weak to be trusted.
    case weak(String)
    /// A public key, a certificate or a JWK in place of a shared secret. It is public, so anyone could sign.
    case publicKeyAsSecret

    package var description: String { message }

    /// For humans, after "FILE:LINE:COLUMN: error: ".
    package var message: String {
        switch self {
        case .empty: "the secret is empty"
        case .malformed(let text), .unsupported(let text), .weak(let text): text
        case .publicKeyAsSecret:
            "this is a public key or a certificate, not a secret: give it as publicKeyFile (or jwksFile) instead"
        }
    }

    init(_ error: CryptographyError) {
        switch error {
        case .malformedKey(let text), .failed(let text): self = .malformed(text)
        case .unsupportedKey(let text): self = .unsupported(text)
        case .weakKey(let text): self = .weak(text)
        }
    }
}
