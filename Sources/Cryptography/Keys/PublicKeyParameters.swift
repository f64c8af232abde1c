// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A public key as numbers, big-endian, as in a JSON Web Key (RFC 7518 §6).
package enum PublicKeyParameters: Sendable, Equatable {
    /// Without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// Each coordinate has the curve's full length.
    case ellipticCurve(EllipticCurve, x: [UInt8], y: [UInt8])
}

extension PublicKey {
    /// The key's numbers. Throws for Ed25519, which has none.
    package func parameters() throws(CryptographyError) -> PublicKeyParameters {
        switch kind {
        case .rsa:
            guard let modulus = OpenSSL.call({ key.bigNumber("n") }),
                let exponent = OpenSSL.call({ key.bigNumber("e") })
            else { throw .failed("the RSA key has no modulus") }
            return .rsa(modulus: modulus, exponent: exponent)
        case .ellipticCurve(let curve):
            guard let x = OpenSSL.call({ key.bigNumber("qx") }), let y = OpenSSL.call({ key.bigNumber("qy") }),
                x.count <= curve.byteCount, y.count <= curve.byteCount
            else { throw .failed("the key has no point on \(curve.rawValue)") }
            return .ellipticCurve(
                curve, x: [UInt8](repeating: 0, count: curve.byteCount - x.count) + x,
                y: [UInt8](repeating: 0, count: curve.byteCount - y.count) + y)
        case .ed25519:
            throw .unsupportedKey("an Ed25519 key; RSA or EC is needed")
        }
    }
}
