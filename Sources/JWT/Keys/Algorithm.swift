// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The supported signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1). There is no `none`, so it cannot be allowed.
package enum Algorithm: String, CaseIterable, Sendable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case edDSA = "EdDSA"

    /// The algorithm with that registered name; names are case-sensitive, so `hs256` and `NONE` are not valid.
    package init?(name: String) {
        guard let algorithm = Algorithm.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name.utf8) }) else {
            return nil
        }
        self = algorithm
    }

    /// Signed and verified with one shared secret.
    package var isSymmetric: Bool {
        if case .hmac = method { true } else { false }
    }

    enum Method: Equatable {
        case hmac(HashFunction)
        /// Each algorithm has its curve: ES256 uses P-256 and nothing else.
        case signature(SignatureScheme, curve: EllipticCurve?)
    }

    var method: Method {
        switch self {
        case .hs256: .hmac(.sha256)
        case .hs384: .hmac(.sha384)
        case .hs512: .hmac(.sha512)
        case .rs256: .signature(.rsaPKCS1(.sha256), curve: nil)
        case .rs384: .signature(.rsaPKCS1(.sha384), curve: nil)
        case .rs512: .signature(.rsaPKCS1(.sha512), curve: nil)
        case .es256: .signature(.ecdsa(.sha256), curve: .p256)
        case .es384: .signature(.ecdsa(.sha384), curve: .p384)
        case .es512: .signature(.ecdsa(.sha512), curve: .p521)
        case .ps256: .signature(.rsaPSS(.sha256), curve: nil)
        case .ps384: .signature(.rsaPSS(.sha384), curve: nil)
        case .ps512: .signature(.rsaPSS(.sha512), curve: nil)
        case .edDSA: .signature(.ed25519, curve: nil)
        }
    }

    /// What OpenID Connect Core §3.1.3.6 hashes an access token with. For Ed25519 it names none; providers use the hash
    /// function of that signature scheme.
    var hash: HashFunction {
        switch self {
        case .hs256, .rs256, .es256, .ps256: .sha256
        case .hs384, .rs384, .es384, .ps384: .sha384
        case .hs512, .rs512, .es512, .ps512, .edDSA: .sha512
        }
    }

    /// Whether a key of this kind can be used with this algorithm.
    func isServed(by kind: KeyKind) -> Bool {
        guard case .signature(let scheme, let needed) = method, kind.serves(scheme) else { return false }
        if case .ellipticCurve(let curve) = kind { return curve == needed }
        return true
    }
}
