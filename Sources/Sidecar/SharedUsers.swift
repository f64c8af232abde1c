// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Reactor
import Redis

/// The users of whom the app was told, by whichever replica: a first sign-in is the first of all replicas.
///
/// Redis learns no names: a user is a digest, made with the session secret. Without Redis nobody is known, and the app is
/// told again, which it must bear anyway.
package final class SharedUsers: Sendable {
    private let store: SharedStore
    private let key: HMACKey
    private let loop: EventLoop
    private let line: LoopBound<Line>

    /// The one connection for it, made when it is needed first; it outlives configurations.
    private final class Line {
        var connection: RedisConnection?
    }

    /// - Parameter loop: all else is called on it.
    init(_ store: SharedStore, secret: [UInt8], loop: EventLoop) {
        self.store = store
        self.loop = loop
        key = HMACKey(
            HKDF.sha256(secret: secret, salt: [], info: Array("sidegate told users".utf8), length: 32).span, .sha256)
        line = loop.bind(Line())
    }

    /// Whether `app` was told of `user`.
    ///
    /// - Parameters:
    ///   - user: 32 bytes that stand for the user.
    ///   - app: where it is told, with the query; another app knows nobody yet.
    func knows(_ user: [UInt8], of app: String, _ answer: @escaping (Bool) -> Void) {
        connection.send(RESPCommand("GET", name(user, app)), .text(atMost: Self.value.count)) { [store] result in
            switch result {
            case .success(let value): answer(value != nil)
            case .failure(let failure):
                store.complain(failure, "whom the app was told of")
                answer(false)
            }
        }
    }

    func learn(_ user: [UInt8], of app: String) {
        let lifetime = Array(String(Self.lifetime).utf8)
        connection.send(RESPCommand("SET", name(user, app), Self.value, Array("PX".utf8), lifetime), .ok) { _ in }
    }

    private var connection: RedisConnection {
        line.assumeOnLoop { line in
            if let connection = line.connection { return connection }
            let connection = store.connect(on: loop)
            line.connection = connection
            return connection
        }
    }

    private func name(_ user: [UInt8], _ app: String) -> [UInt8] {
        let text = user + Array(app.utf8)
        return store.key("told:", key.authenticationCode(for: text.span))
    }

    private static let value = Array("1".utf8)
    /// Thirty days, in milliseconds.
    private static let lifetime = 30 * 86_400_000
}
