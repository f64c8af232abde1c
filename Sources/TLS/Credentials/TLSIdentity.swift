// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography

/// A certificate with its chain and its key.
package struct TLSIdentity: Sendable {
    package let chain: CertificateChain
    package let key: PrivateKey

    /// Throws unless the key belongs to the certificate.
    package init(_ chain: CertificateChain, key: PrivateKey) throws(TLSError) {
        guard chain.isFor(key) else { throw .configuration("the key is not that of the certificate") }
        self.chain = chain
        self.key = key
    }

    package init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        do throws(CryptographyError) {
            try self.init(checking: CertificateChain(pem: certificatePEM), PrivateKey(pem: keyPEM)).self
        } catch {
            throw .configuration(error.text)
        }
        guard chain.isFor(key) else { throw .configuration("the key is not that of the certificate") }
    }

    private init(checking chain: CertificateChain, _ key: PrivateKey) throws(CryptographyError) {
        self.chain = chain
        self.key = key
    }

    /// The key type: a context holds one certificate of each.
    var kind: Kind {
        switch key.kind {
        case .rsa: .rsa
        case .ellipticCurve: .ellipticCurve
        case .ed25519: .ed25519
        }
    }

    enum Kind: Hashable {
        case rsa, ellipticCurve, ed25519
    }
}

extension CryptographyError {
    /// For humans.
    var text: String {
        switch self {
        case .malformedKey(let text), .unsupportedKey(let text), .weakKey(let text), .failed(let text): text
        }
    }
}
