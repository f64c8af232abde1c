// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// What a browser holds of a session that is stored elsewhere (`session.store: redis`): the record's name, and the key that
/// opens it. Neither the store alone nor the secrets without the cookie reveal what is in a record.
struct SessionTicket: Sendable, Equatable {
    /// The session's identifier.
    let id: [UInt8]
    let key: [UInt8]
    /// Seconds since 1970: an old one is refused without a lookup.
    let signedInAt: Double

    init(id: [UInt8], key: [UInt8], signedInAt: Double) {
        self.id = id
        self.key = key
        self.signedInAt = signedInAt
    }

    var encoded: [UInt8] {
        var output: [UInt8] = [Self.version]
        output.append(contentsOf: id)
        output.append(contentsOf: key)
        output.appendTime(signedInAt)
        return output
    }

    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard reader.byte() == Self.version, let id = reader.text(count: SessionState.idByteCount),
            let key = reader.text(count: Self.keyByteCount), let signedInAt = reader.time(), reader.isAtEnd
        else { return nil }
        self.init(id: id, key: key, signedInAt: signedInAt)
    }

    /// The session as it is kept.
    func seal(_ state: SessionState, nonce: [UInt8]) -> [UInt8] {
        var sealed: [UInt8] = []
        sealingKey.seal(state.encoded.span, nonce: nonce.span, authenticating: id.span, into: &sealed)
        return sealed
    }

    /// Nil when it is not the ticket's own record.
    func open(_ record: [UInt8]) -> SessionState? {
        var text: [UInt8] = []
        guard sealingKey.open(record.span, authenticating: id.span, into: &text),
            let state = SessionState(encoded: text), state.id == id
        else { return nil }
        return state
    }

    private var sealingKey: SealingKey {
        SealingKey(key: HKDF.sha256(secret: key, salt: [], info: Self.purpose, length: SealingKey.keyByteCount))
    }

    static let keyByteCount = 32
    private static let version: UInt8 = 1
    private static let purpose = Array("sidegate stored session, version 1".utf8)
}

/// A session that came with a request and has to be fetched from the store, or confirmed again. A class, so that a verdict
/// that names one is small.
package final class SessionReference: Sendable {
    /// The record's name in the store.
    package let id: [UInt8]
    /// Seconds that the store keeps the record from now on when it is not asked again. The store restarts that time, unless
    /// it did so within the last `renewalInterval`.
    package let timeToLive: Double
    package let renewalInterval: Double

    let ticket: SessionTicket
    /// What it is cached under.
    let text: [UInt8]
    let host: [UInt8]
    let isSecure: Bool
    /// An older secret sealed the ticket: the browser is to get it sealed again.
    let isOld: Bool

    init(
        _ ticket: SessionTicket, timeToLive: Double, renewalInterval: Double, text: [UInt8], host: [UInt8],
        isSecure: Bool, isOld: Bool
    ) {
        id = ticket.id
        self.ticket = ticket
        self.timeToLive = timeToLive
        self.renewalInterval = renewalInterval
        self.text = text
        self.host = host
        self.isSecure = isSecure
        self.isOld = isOld
    }

    /// The same, to be confirmed again.
    func again(timeToLive: Double) -> SessionReference {
        SessionReference(
            ticket, timeToLive: timeToLive, renewalInterval: renewalInterval, text: text, host: host,
            isSecure: isSecure, isOld: isOld)
    }
}

/// What the store says of a session.
package enum SessionAnswer: Sendable, Equatable {
    case found([UInt8])
    /// It ended, or was never there.
    case gone
    /// The store did not answer.
    case unavailable
}
