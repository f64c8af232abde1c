// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography

/// The owner of an `SSL_CTX`.
@safe
final class ContextPointer: @unchecked Sendable {
    // Sendable: configured before it is shared, then only used to make connections, which libssl allows on all threads.
    let pointer: OpaquePointer

    /// Settings common to both sides.
    ///
    /// - Parameter ciphers: in place of the standard ones; empty: those.
    init(
        isServer: Bool, minimum: TLSVersion, protocols: [String], ciphers: [String] = []
    ) throws(TLSError) {
        ErrorQueue.empty()
        guard let pointer = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw .configuration(ErrorQueue.takeText())
        }
        unsafe self.pointer = pointer
        var options = UInt64(1) << 30  // SSL_OP_NO_RENEGOTIATION, a macro Swift does not read.
        options |= UInt64(1) << 17  // SSL_OP_NO_COMPRESSION
        // Browsers close without close_notify, and requests are framed anyway. A response from an app may be truncated.
        if isServer { options |= UInt64(1) << 7 }  // SSL_OP_IGNORE_UNEXPECTED_EOF
        // Sidegate's order, but ChaCha20 for clients that prefer it: they have no AES instructions.
        if isServer { options |= UInt64(1) << 22 }  // SSL_OP_CIPHER_SERVER_PREFERENCE
        if isServer { options |= UInt64(1) << 21 }  // SSL_OP_PRIORITIZE_CHACHA
        // SSL_OP_LEGACY_SERVER_CONNECT: such servers may not know RFC 5746. We never renegotiate.
        if minimum.isObsolete { options |= UInt64(1) << 2 }
        unsafe SSL_CTX_set_options(pointer, options)
        // The signatures of these versions use SHA-1 and MD5, which libssl accepts at this level only.
        if minimum.isObsolete { unsafe SSL_CTX_set_security_level(pointer, 0) }
        let choice = CipherChoice(ciphers, minimum: minimum)
        // One record at a time, retried from any address; no buffers while idle.
        unsafe sidegate_ssl_ctx_set_mode(pointer, 0x1 | 0x2 | 0x8 | 0x10)
        guard unsafe sidegate_ssl_ctx_set_minimum(pointer, minimum.rawValue) == 1,
            unsafe SSL_CTX_set_cipher_list(pointer, choice.list) == 1,
            unsafe SSL_CTX_set_ciphersuites(pointer, choice.suites) == 1,
            // OpenSSL before 3.5 does not know the first list, and old servers may not read so long a greeting.
            Self.groups.dropFirst(minimum.isObsolete ? 1 : 0)
                .contains(where: { unsafe sidegate_ssl_ctx_set_groups(pointer, $0) == 1 })
        else { throw .configuration(ErrorQueue.takeText()) }
        guard !isServer, !protocols.isEmpty else { return }
        let list = ProtocolList(protocols)
        // Zero is success here, unlike everywhere else in libssl.
        let refused = unsafe list.bytes.withUnsafeBufferPointer {
            unsafe SSL_CTX_set_alpn_protos(pointer, $0.baseAddress, UInt32($0.count))
        }
        guard refused == 0 else { throw .configuration("the list of protocols is too long") }
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
    }

    /// Presents `identity` to the peer; identities of different key types can be used together.
    func use(_ identity: TLSIdentity) throws(TLSError) {
        ErrorQueue.empty()
        let isUsed = unsafe identity.chain.withPointers { certificates in
            guard let leaf = unsafe certificates.first, unsafe SSL_CTX_use_certificate(pointer, leaf) == 1 else {
                return false
            }
            let hasChain = unsafe certificates.dropFirst().allSatisfy {
                unsafe sidegate_ssl_ctx_add_chain(pointer, $0) == 1
            }
            return unsafe hasChain && identity.key.withPointer { unsafe SSL_CTX_use_PrivateKey(pointer, $0) == 1 }
        }
        guard isUsed else { throw .configuration(ErrorQueue.takeText()) }
    }

    /// Trusts the authorities of a PEM text, and no others.
    func trust(_ authorities: CertificateChain) throws(TLSError) {
        ErrorQueue.empty()
        guard let store = unsafe SSL_CTX_get_cert_store(pointer) else { throw .configuration("no memory") }
        let isDone = unsafe authorities.withPointers { certificates in
            unsafe certificates.allSatisfy { unsafe X509_STORE_add_cert(store, $0) == 1 }
        }
        guard isDone else { throw .configuration(ErrorQueue.takeText()) }
    }

    /// Trusts one certificate, and none that it or another authority has signed.
    func trust(leafOf chain: CertificateChain) throws(TLSError) {
        ErrorQueue.empty()
        guard let store = unsafe SSL_CTX_get_cert_store(pointer) else { throw .configuration("no memory") }
        let isDone = unsafe chain.withPointers { certificates in
            // A certificate that no authority in the store has signed ends the chain all the same.
            guard let leaf = unsafe certificates.first,
                unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1
            else { return false }
            return unsafe X509_STORE_add_cert(store, leaf) == 1
        }
        guard isDone else { throw .configuration(ErrorQueue.takeText()) }
    }

    /// In order of preference; the first list starts with a post-quantum hybrid.
    private static let groups = ["X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"]
}

/// Supported versions.
package enum TLSVersion: Int32, Sendable {
    case v10 = 0x0301
    case v11 = 0x0302
    case v12 = 0x0303
    case v13 = 0x0304

    /// Broken (RFC 8996); towards old servers only.
    var isObsolete: Bool { rawValue < TLSVersion.v12.rawValue }

    /// The usual name, as nginx and HAProxy log it.
    package var name: String {
        switch self {
        case .v10: "TLSv1"
        case .v11: "TLSv1.1"
        case .v12: "TLSv1.2"
        case .v13: "TLSv1.3"
        }
    }
}

/// Protocols in order of preference, in ALPN's encoding: each preceded by its length (RFC 7301 §3.1).
struct ProtocolList {
    let bytes: [UInt8]

    init(_ names: [String]) {
        bytes = names.filter { 1...255 ~= $0.utf8.count }.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    }

    /// The position in `offer`, in the same encoding, of the preferred protocol.
    func preferred(among offer: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        var own = 0
        while own < bytes.count {
            let end = own + 1 + Int(bytes[own])
            guard end <= bytes.count else { return nil }
            if let found = unsafe place(of: bytes[own..<end], in: offer) { return found }
            own = end
        }
        return nil
    }

    private func place(of entry: ArraySlice<UInt8>, in offer: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        var start = 0
        while start < offer.count {
            let end = start + 1 + Int(unsafe offer[start])
            guard end <= offer.count else { return nil }
            if unsafe offer[start..<end].elementsEqual(entry) { return start + 1..<end }
            start = end
        }
        return nil
    }
}
