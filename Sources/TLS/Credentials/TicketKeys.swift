// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography
import Reactor
import Synchronization

/// The keys that seal session tickets (RFC 5077 §4, RFC 8446 §4.6.1), shared by all workers of a process.
///
/// A stolen key exposes the sessions resumed with it, so each seals for one `lifetime` only and is deleted after
/// another, when the last ticket made with it expires.
package final class TicketKeys: Sendable {
    package struct Key: Sendable {
        /// Identifies the key in a ticket.
        package let name: [UInt8]
        package let cipherKey: [UInt8]
        package let authenticationKey: [UInt8]
        let made: MonotonicTime

        fileprivate init(made: MonotonicTime) {
            name = Random.bytes(16)
            cipherKey = Random.bytes(32)
            authenticationKey = Random.bytes(32)
            self.made = made
        }
    }

    let lifetime: Nanoseconds
    private let keys: Mutex<[Key]>
    private let now: @Sendable () -> MonotonicTime

    package init(
        lifetime: Nanoseconds = .seconds(12 * 3600), now: @escaping @Sendable () -> MonotonicTime = { .current() }
    ) {
        self.lifetime = lifetime
        self.now = now
        keys = Mutex([Key(made: now())])
    }

    /// The key to seal with.
    package func current() -> Key {
        let time = now()
        return keys.withLock { keys in
            if let newest = keys.first, time.since(newest.made) < lifetime { return newest }
            let fresh = Key(made: time)
            keys = [fresh] + keys.prefix(1)
            return fresh
        }
    }

    /// The key with that name, and whether it still seals new tickets; nil if it was deleted.
    package func key(named name: [UInt8]) -> (key: Key, isCurrent: Bool)? {
        let time = now()
        let found = keys.withLock { keys in keys.first { $0.name == name } }
        guard let found else { return nil }
        let age = time.since(found.made).count
        guard age / 2 < lifetime.count else { return nil }
        return (found, age < lifetime.count)
    }
}

/// libssl makes (`sealing` is 1) or opens a ticket. The results: -1 failure, 0 no such key, 1 done, 2 done with an old key.
let ticketHandled:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?,
        Int32
    ) -> Int32 = { ssl, name, iv, cipher, authenticator, sealing in
        guard let ssl = unsafe ssl, let name = unsafe name, let iv = unsafe iv,
            let transport = unsafe TLSTransport.owner(of: ssl), case .server(let credentials) = transport.role
        else { return -1 }
        let key: TicketKeys.Key
        var isCurrent = true
        if sealing == 1 {
            key = credentials.ticketKeys.current()
            for (index, byte) in key.name.enumerated() { unsafe name[index] = byte }
            guard unsafe RAND_bytes(iv, 16) == 1 else { return -1 }
        } else {
            guard
                let found = unsafe credentials.ticketKeys.key(named: Array(UnsafeBufferPointer(start: name, count: 16)))
            else {
                return 0
            }
            (key, isCurrent) = found
        }
        let isReady = unsafe key.cipherKey.withUnsafeBufferPointer { cipherKey in
            unsafe EVP_CipherInit_ex2(
                cipher, FetchedCipher.aes256CBC.pointer, cipherKey.baseAddress, iv, sealing, nil) == 1
        }
        let isKeyed = unsafe key.authenticationKey.withUnsafeBufferPointer { bytes in
            unsafe sidegate_hmac_init(authenticator, bytes.baseAddress, bytes.count, "SHA256") == 1
        }
        guard isReady, isKeyed else { return -1 }
        // TLS 1.3 tickets are used only once, so there is always a new one.
        return unsafe isCurrent && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2
    }
