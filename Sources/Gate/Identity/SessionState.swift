// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT

/// A session: the user, the time of the sign-in and of the last request. It is sealed in the browser's cookie, or stored
/// elsewhere and sealed with the key of its ticket.
struct SessionState: Sendable, Equatable {
    /// Fresh at each sign-in (CVE-2026-34454).
    let id: [UInt8]
    /// Seconds since 1970.
    let signedInAt: Double
    /// When the idle time was last restarted.
    let seenAt: Double
    let fields: UserAttributes

    static let idByteCount = SessionCookie.idByteCount

    init(id: [UInt8], signedInAt: Double, seenAt: Double, fields: UserAttributes) {
        self.id = id
        self.signedInAt = signedInAt
        self.seenAt = seenAt
        self.fields = fields
    }

    func seen(at now: Double) -> SessionState {
        SessionState(id: id, signedInAt: signedInAt, seenAt: now, fields: fields)
    }

    var encoded: [UInt8] {
        var output: [UInt8] = [Self.version]
        output.append(contentsOf: id)
        output.appendTime(signedInAt)
        output.appendTime(seenAt)
        fields.append(to: &output)
        return output
    }

    /// Nil for what another version wrote.
    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard reader.byte() == Self.version, let id = reader.text(count: Self.idByteCount),
            let signedInAt = reader.time(), let seenAt = reader.time(),
            let fields = UserAttributes(from: &reader), reader.isAtEnd, !fields.user.isEmpty
        else { return nil }
        self.init(id: id, signedInAt: signedInAt, seenAt: seenAt, fields: fields)
    }

    private static let version: UInt8 = 1
}

/// How long sessions last.
struct SessionLimits: Sendable {
    let lifetime: Double
    /// Zero: no such limit.
    let idleTimeout: Double

    /// Nil while the session is valid.
    func refusal(signedInAt: Double, seenAt: Double, now: Double) -> Reason? {
        if now - signedInAt >= lifetime { return .sessionExpired }
        if idleTimeout > 0, now - seenAt >= idleTimeout { return .sessionIdle }
        return nil
    }

    /// Sealed again at most once in this many seconds: the idle time is exact to a tenth, and to a minute.
    var renewalInterval: Double { min(idleTimeout / 10, 60) }

    /// Seconds after which the store is asked again about a session that it has confirmed.
    var confirmationInterval: Double { idleTimeout > 0 ? renewalInterval : 60 }

    /// Without an idle limit, infinite.
    var shortestIdle: Double { idleTimeout > 0 ? idleTimeout : .infinity }

    /// Seconds that the store keeps a session which is not used again.
    func timeToLive(signedInAt: Double, now: Double) -> Double {
        let left = max(1, signedInAt + lifetime - now)
        return idleTimeout > 0 ? min(idleTimeout, left) : left
    }
}
