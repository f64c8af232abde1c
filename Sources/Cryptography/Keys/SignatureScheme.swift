// SPDX-License-Identifier: Apache-2.0

/// A signature scheme of the JOSE algorithms (RFC 7518 §3, RFC 8037 §3.1).
package enum SignatureScheme: Sendable, Equatable {
    /// RSASSA-PKCS1-v1_5.
    case rsaPKCS1(HashFunction)
    /// RSASSA-PSS; MGF1 with the same hash, and a salt exactly as long as the hash.
    case rsaPSS(HashFunction)
    /// ECDSA; the signature is r and s concatenated, each as long as the curve's field.
    case ecdsa(HashFunction)
    case ed25519
}

/// The elliptic curves of RFC 7518 §6.2.1.1.
package enum EllipticCurve: String, Sendable, Equatable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"

    /// Bytes of a coordinate, and of r and of s.
    package var byteCount: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    /// libcrypto's name.
    var groupName: String {
        switch self {
        case .p256: "prime256v1"
        case .p384: "secp384r1"
        case .p521: "secp521r1"
        }
    }

    /// The object identifier, as DER (RFC 5480 §2.1.1.1).
    var objectIdentifier: [UInt8] {
        switch self {
        case .p256: [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
        case .p384: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22]
        case .p521: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23]
        }
    }

    /// The order of the group, big-endian (SEC 2 §2.4 to §2.6): r and s are below it.
    var order: [UInt8] {
        switch self {
        case .p256:
            [UInt8](repeating: 0xFF, count: 4) + [UInt8](repeating: 0, count: 4) + [UInt8](repeating: 0xFF, count: 8)
                + [
                    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
                ]
        case .p384:
            [UInt8](repeating: 0xFF, count: 24) + [
                0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2,
                0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73,
            ]
        case .p521:
            [0x01] + [UInt8](repeating: 0xFF, count: 32) + [
                0xFA, 0x51, 0x86, 0x87, 0x83, 0xBF, 0x2F, 0x96, 0x6B, 0x7F, 0xCC,
                0x01, 0x48, 0xF7, 0x09, 0xA5, 0xD0, 0x3B, 0xB5, 0xC9, 0xB8, 0x89,
                0x9C, 0x47, 0xAE, 0xBB, 0x6F, 0xB7, 0x1E, 0x91, 0x38, 0x64, 0x09,
            ]
        }
    }
}

/// The type of a key.
package enum KeyKind: Sendable, Equatable {
    /// `onlyPSS`: the key itself is restricted to RSASSA-PSS (id-RSASSA-PSS, RFC 4055).
    case rsa(bits: Int, onlyPSS: Bool)
    case ellipticCurve(EllipticCurve)
    case ed25519

    /// Whether such a key supports the scheme.
    package func serves(_ scheme: SignatureScheme) -> Bool {
        switch (self, scheme) {
        case (.rsa(_, let onlyPSS), .rsaPKCS1): !onlyPSS
        case (.rsa, .rsaPSS), (.ed25519, .ed25519), (.ellipticCurve, .ecdsa): true
        case (.rsa, _), (.ellipticCurve, _), (.ed25519, _): false
        }
    }
}
