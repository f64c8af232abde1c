// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography

/// The one owner of an `SSL_CTX`.
@safe
final class ContextPointer: @unchecked Sendable {
    // Sendable: set up before it is shared, then only used to make connections, which libssl allows from all threads.
    let pointer: OpaquePointer

    /// What both sides have in common.
    init(isServer: Bool, minimum: TLSVersion, protocols: [String]) throws(TLSError) {
        ErrorQueue.empty()
        guard let pointer = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw .configuration(ErrorQueue.takeText())
        }
        unsafe self.pointer = pointer
        var options = UInt64(1) << 30  // SSL_OP_NO_RENEGOTIATION, a macro Swift does not read.
        options |= UInt64(1) << 17  // SSL_OP_NO_COMPRESSION
        // A browser that just goes has sent all it had: requests are framed. An app that just goes may have been cut off.
        if isServer { options |= UInt64(1) << 7 }  // SSL_OP_IGNORE_UNEXPECTED_EOF
        // In our order, but ChaCha20 for those who prefer it: they have no instructions for AES.
        if isServer { options |= UInt64(1) << 22 }  // SSL_OP_CIPHER_SERVER_PREFERENCE
        if isServer { options |= UInt64(1) << 21 }  // SSL_OP_PRIORITIZE_CHACHA
        unsafe SSL_CTX_set_options(pointer, options)
        // A record at a time, offered again from wherever it lies then; no buffers while idle.
        unsafe sidegate_ssl_ctx_set_mode(pointer, 0x1 | 0x2 | 0x8 | 0x10)
        guard unsafe sidegate_ssl_ctx_set_minimum(pointer, minimum.rawValue) == 1,
            unsafe SSL_CTX_set_cipher_list(pointer, Self.ciphers) == 1,
            unsafe SSL_CTX_set_ciphersuites(pointer, Self.suites) == 1,
            // OpenSSL before 3.5 does not know the first list.
            Self.groups.contains(where: { unsafe sidegate_ssl_ctx_set_groups(pointer, $0) == 1 })
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

    /// Shows `identity` to the peer; a second one of another kind stands beside the first.
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

    /// Trusts the authorities of a PEM text, and nobody else.
    func trust(_ authorities: CertificateChain) throws(TLSError) {
        ErrorQueue.empty()
        guard let store = unsafe SSL_CTX_get_cert_store(pointer) else { throw .configuration("no memory") }
        let isDone = unsafe authorities.withPointers { certificates in
            unsafe certificates.allSatisfy { unsafe X509_STORE_add_cert(store, $0) == 1 }
        }
        guard isDone else { throw .configuration(ErrorQueue.takeText()) }
    }

    /// Mozilla's intermediate set (ssl-config.mozilla.org, 5.7) without finite-field Diffie-Hellman, which costs servers
    /// most.
    private static let ciphers = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
        ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """
    /// TLS 1.3's, in the order of browsers. The second one's hash is SHA-384, for which few processors have instructions: a
    /// handshake costs 4 % more with it.
    private static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// By preference; the first begins with what also withstands a quantum computer.
    private static let groups = ["X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"]
}

/// Versions that are spoken.
package enum TLSVersion: Int32, Sendable {
    case v12 = 0x0303
    case v13 = 0x0304
}

/// Protocols by preference, as ALPN writes them: each after its length (RFC 7301 §3.1).
struct ProtocolList {
    let bytes: [UInt8]

    init(_ names: [String]) {
        bytes = names.filter { 1...255 ~= $0.utf8.count }.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    }

    /// Where in `offer`, written the same way, the name stands that is preferred here.
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
