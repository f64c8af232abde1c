// SPDX-License-Identifier: Apache-2.0

import JWT

/// A session: who signed in, when, and when they were last seen. It lives in the browser's cookie alone, sealed.
struct SessionState: Sendable, Equatable {
    /// Fresh at each sign-in (CVE-2026-34454).
    let id: [UInt8]
    /// Seconds since 1970.
    let signedInAt: Double
    /// When the idle time was last counted anew.
    let seenAt: Double
    let fields: UserAttributes

    static let idByteCount = 16

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

    /// Nil while the session is good.
    func refusal(signedInAt: Double, seenAt: Double, now: Double) -> ReasonCode? {
        if now - signedInAt >= lifetime { return .sessionExpired }
        if idleTimeout > 0, now - seenAt >= idleTimeout { return .sessionIdle }
        return nil
    }

    /// Re-sealed at most once in this many seconds: the idle time is exact to a tenth, and to a minute.
    var renewalInterval: Double { min(idleTimeout / 10, 60) }
}
