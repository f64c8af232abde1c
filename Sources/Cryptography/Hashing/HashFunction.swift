// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// The hash functions of RFC 7518 §3 (NIST FIPS 180-4).
package enum HashFunction: Sendable, Equatable, CaseIterable {
    case sha256, sha384, sha512

    /// The digest's length in bytes.
    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The block size in bytes.
    var blockByteCount: Int { self == .sha256 ? 64 : 128 }

    /// The digest of `bytes`.
    package func hash(_ bytes: Span<UInt8>) -> [UInt8] {
        // Every OpenSSL 3 provider set that supports TLS has the three: without them the installation is broken.
        guard let digest = algorithm.hash(bytes) else { preconditionFailure("libcrypto has no \(name)") }
        return digest
    }

    /// libcrypto's name for it.
    var name: String {
        switch self {
        case .sha256: "SHA256"
        case .sha384: "SHA384"
        case .sha512: "SHA512"
        }
    }

    var algorithm: DigestAlgorithm {
        switch self {
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }
}

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
    package static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
        HashFunction.sha256.hash(bytes)
    }
}

/// MD5 (RFC 1321), only because one identity provider's manual derives its key with it. It protects nothing.
package enum MD5 {
    /// The 32 lower-case hexadecimal digits of the digest, as ASCII; nil if the library's policy (FIPS) excludes MD5.
    package static func hexDigest(_ bytes: Span<UInt8>) -> [UInt8]? {
        guard let digest = DigestAlgorithm.md5.hash(bytes) else { return nil }
        return Hex.encode(digest)
    }
}

/// A fetched digest. Fetching searches the providers under a lock, so it is done once for the process.
@safe
final class DigestAlgorithm: @unchecked Sendable {
    // Sendable: libcrypto's method objects are immutable once fetched, and atomically reference-counted.
    let pointer: OpaquePointer?

    static let sha256 = DigestAlgorithm("SHA256")
    static let sha384 = DigestAlgorithm("SHA384")
    static let sha512 = DigestAlgorithm("SHA512")
    static let md5 = DigestAlgorithm("MD5")
    static let sha1 = DigestAlgorithm("SHA1")

    private init(_ name: String) {
        unsafe pointer = OpenSSL.call { unsafe EVP_MD_fetch(nil, name, nil) }
    }

    deinit {
        unsafe EVP_MD_free(pointer)
    }

    /// The digest of `bytes`; nil if the library does not have this algorithm.
    func hash(_ bytes: Span<UInt8>) -> [UInt8]? {
        guard let pointer = unsafe pointer else { return nil }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let done = unsafe bytes.withUnsafeBufferPointer { input in
            unsafe digest.withUnsafeMutableBufferPointer { output in
                OpenSSL.call {
                    unsafe EVP_Digest(input.baseAddress, input.count, output.baseAddress, &count, pointer, nil)
                }
            }
        }
        guard done == 1, Int(count) <= digest.count else { return nil }
        digest.removeLast(digest.count - Int(count))
        return digest
    }
}
