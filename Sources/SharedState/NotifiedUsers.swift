// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Reactor

/// The users about whom some replica has notified the app: a first sign-in is the first one of all replicas.
///
/// The store holds no names: a user is a digest, keyed with the session secret. Without the store no user is known, and
/// the app is notified again, which it must tolerate anyway.
package final class NotifiedUsers: Sendable {
    private let store: any ReplicaStore
    private let key: HMACKey
    private let loop: EventLoop
    private let lazy: LoopBound<LazyConnection>

    /// One connection, opened when it is first needed; it outlives configurations.
    private final class LazyConnection {
        var connection: (any ReplicaConnection)?
    }

    /// - Parameter loop: all other methods are called on it.
    package init(_ store: any ReplicaStore, secret: [UInt8], loop: EventLoop) {
        self.store = store
        self.loop = loop
        key = HMACKey(
            HKDF.sha256(secret: secret, salt: [], info: Array("sidegate told users".utf8), length: 32).span, .sha256)
        lazy = loop.bind(LazyConnection())
    }

    /// Whether `app` was notified of `user`.
    ///
    /// - Parameters:
    ///   - user: 32 bytes that identify the user.
    ///   - app: the address that is called, query included; users are recorded for each address.
    package func contains(_ user: [UInt8], of app: String, _ completion: @escaping (Bool) -> Void) {
        connection.get(name(user, app), atMost: Self.value.count, extending: nil) { [store] result in
            switch result {
            case .success(let value): completion(value != nil)
            case .failure(let failure):
                store.report(failure, "the users that the app was notified of")
                completion(false)
            }
        }
    }

    package func insert(_ user: [UInt8], of app: String) {
        connection.put(name(user, app), Self.value, timeToLive: Self.timeToLive) { _ in }
    }

    private var connection: any ReplicaConnection {
        lazy.assumeOnLoop { lazy in
            if let connection = lazy.connection { return connection }
            let connection = store.connect(on: loop)
            lazy.connection = connection
            return connection
        }
    }

    private func name(_ user: [UInt8], _ app: String) -> ReplicaKey {
        let text = user + Array(app.utf8)
        return ReplicaKey(.notifiedUser, key.authenticationCode(for: text.span))
    }

    private static let value = Array("1".utf8)
    /// Thirty days, in seconds.
    private static let timeToLive = 30.0 * 86_400
}
