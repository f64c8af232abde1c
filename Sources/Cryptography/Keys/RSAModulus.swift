// SPDX-License-Identifier: Apache-2.0

/// Checks of an RSA modulus without factoring it.
enum RSAModulus {
    /// The minimum size (RFC 7518 §3.3), in bits.
    static let minimumBits = 2048
    /// A larger one only slows down verification.
    static let maximumBits = 8192

    /// Whether the modulus shows the pattern of Infineon's broken key generator (ROCA, CVE-2017-15361): modulo each
    /// small prime it is a power of 65537. The probability of a false positive is 2^-150.
    static func isROCA(_ modulus: [UInt8]) -> Bool {
        smallPrimes.allSatisfy { prime in
            let rest = modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }
            var power = 1
            for _ in 0..<prime {
                if power == rest { return true }
                power = power * 65537 % prime
            }
            return false
        }
    }

    private static let smallPrimes = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ]
}
