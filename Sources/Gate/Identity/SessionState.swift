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
    /// The name of the identity provider; empty while there is a single one.
    let provider: String
    let fields: UserAttributes
    /// By what the provider can end this session, encoded; empty: none.
    let providerSession: [UInt8]
    /// The token by which the provider recognises the session when the user signs out, where sessions are stored; empty:
    /// none.
    let idToken: [UInt8]

    static let idByteCount = SessionCookie.idByteCount

    init(
        id: [UInt8], signedInAt: Double, seenAt: Double, provider: String, fields: UserAttributes,
        providerSession: [UInt8] = [], idToken: [UInt8] = []
    ) {
        self.id = id
        self.signedInAt = signedInAt
        self.seenAt = seenAt
        self.provider = provider
        self.fields = fields
        self.providerSession = providerSession
        self.idToken = idToken
    }

    func seen(at now: Double) -> SessionState {
        SessionState(
            id: id, signedInAt: signedInAt, seenAt: now, provider: provider, fields: fields,
            providerSession: providerSession, idToken: idToken)
    }

    /// The same as a session of a provider that is configured now; nil: its provider is not any more.
    func current(_ providers: ProviderNames) -> SessionState? {
        guard let name = providers.current(provider) else { return nil }
        guard name != provider else { return self }
        return SessionState(
            id: id, signedInAt: signedInAt, seenAt: seenAt, provider: name, fields: fields.of(provider: name),
            providerSession: providerSession, idToken: idToken)
    }

    /// Both are of one user of one provider.
    func isSameUser(as fields: UserAttributes, of provider: String) -> Bool {
        self.provider == provider && self.fields.isSameUser(as: fields)
    }

    var withoutIDToken: SessionState {
        SessionState(
            id: id, signedInAt: signedInAt, seenAt: seenAt, provider: provider, fields: fields,
            providerSession: providerSession)
    }

    /// In the first version where that can hold it: replicas that do not know the other one yet go on.
    var encoded: [UInt8] {
        let isPlain = provider.isEmpty && providerSession.isEmpty && idToken.isEmpty
        var output: [UInt8] = [isPlain ? Self.version : Self.versionOfProvider]
        output.append(contentsOf: id)
        output.appendTime(signedInAt)
        output.appendTime(seenAt)
        if !isPlain {
            output.appendCounted(provider.utf8)
            output.appendCounted(providerSession)
            output.appendCounted(idToken)
        }
        fields.append(to: &output)
        return output
    }

    /// Nil for what another version wrote.
    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard let version = reader.byte(), version == Self.version || version == Self.versionOfProvider,
            let id = reader.text(count: Self.idByteCount), let signedInAt = reader.time(), let seenAt = reader.time()
        else { return nil }
        let isPlain = version == Self.version
        guard let provider = isPlain ? [] : reader.counted(), let providerSession = isPlain ? [] : reader.counted(),
            let idToken = isPlain ? [] : reader.counted(), let fields = UserAttributes(from: &reader), reader.isAtEnd,
            !fields.user.isEmpty
        else { return nil }
        self.init(
            id: id, signedInAt: signedInAt, seenAt: seenAt, provider: String(decoding: provider, as: UTF8.self),
            fields: fields, providerSession: providerSession, idToken: idToken)
    }

    /// Of the single provider. Replicas that know of no other read it.
    private static let version: UInt8 = 1
    /// The same with what the provider needs.
    private static let versionOfProvider: UInt8 = 2
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

/// When a session began, and when its idle time was last restarted, in seconds since 1970.
struct SessionTimes: Sendable, Equatable {
    let signedInAt: Double
    let seenAt: Double
}
