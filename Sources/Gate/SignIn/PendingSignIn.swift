// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// A verified sign-in that waits for the replay store, the user, the app or the session store.
package struct PendingSignIn: Sendable {
    /// The keys of its proof in the replay store.
    package let replayKeys: ReplayKeys
    /// How long the token must be remembered.
    package let retention: Retention
    /// For the logs.
    package let user: String

    /// The name of the provider that vouches for the user; empty while there is a single one.
    let provider: String
    let fields: UserAttributes
    let target: ReturnTarget
    let origin: PublicOrigin
    let scope: CookieScope
    /// A session of the same user came with the request.
    let isSignedIn: Bool
    /// The login cookie of the attempt that ends with this.
    let spentAttempt: LoginCookie?
    /// It answers an attempt of this browser that has a proof of its own (``LoginProof``). Where it led to is remembered for a
    /// while, for a return that names it again.
    var remembersAttempt = false
    /// What the browser has brought with that attempt: what comes again is the same sign-in. Nil: each is one of its own.
    package internal(set) var response: AttemptResponse?
    /// `Set-Cookie` values by which the browser's other attempts count only when a return names them.
    var otherAttempts: [[UInt8]] = []
    var returns: RedirectLoopCounter
    /// The attempt under which the browser keeps the fragment of the target's address, when that is not `spentAttempt`.
    var fragmentAttempt: LoginAttemptID?
    /// The user did not begin here: a fresh sign-in leads to a page that asks.
    var confirmation: NeededConfirmation?
    /// Confirmation was skipped, since a guest gains nothing by it: whatever the lists say by now, it makes no session.
    var isForGuest = false
    /// The browser's last session was another user's, or is unknown: the app's own session ends too.
    var endsAppSession = true
    /// The session that came with the request, where sessions are stored elsewhere.
    var replacedSession: [UInt8]?

    /// ``ProviderSession/encoded``; empty: none.
    var providerSession: [UInt8] = []
    /// For `id_token_hint`; empty: none.
    var idToken: [UInt8] = []

    /// The key that signed the token. For logs.
    var keyID: String?
    /// About fields that were left out. For logs.
    var omissions: [String] = []

    struct NeededConfirmation: Sendable {
        /// The page was shown before, to this browser: a reload shows it again.
        let wasShown: Bool
        /// Login cookies that end to make room for one more.
        let endingAttempts: [LoginCookie]
        /// Why the login cookie is missing, where that is known: for the page, and for the log.
        var cause: RefusalCause?
        var detail: String?
    }
}

extension PendingSignIn {
    /// About a sign-in that succeeds; nil: there is nothing to say.
    var remark: String? { omissions.isEmpty ? nil : omissions.joined(separator: " ") }

    private static let version: UInt8 = 1
    private static let versionWithProvider: UInt8 = 2

    /// What must survive until the user has confirmed.
    func encoded(at now: Double) -> [UInt8] {
        var output: [UInt8] = [provider.isEmpty ? Self.version : Self.versionWithProvider]
        output.appendTime(now)
        // Remembered as long as the page can be used, or it could be used twice.
        output.appendTime(now + LoginState.lifetime)
        // Another key than the token's own, which is consumed by now.
        output.appendCounted([UInt8(ascii: "c")] + (replayKeys.names.first ?? []))
        output.appendCounted(target.bytes)
        if !provider.isEmpty { output.appendCounted(provider.utf8) }
        fields.append(to: &output)
        return output
    }

    /// - Parameter providers: the provider must be one of them still.
    init?(
        encoded: [UInt8], _ providers: ProviderNames, origin: PublicOrigin, scope: CookieScope,
        spentAttempt: LoginCookie, isShortened: Bool,
        returns: RedirectLoopCounter, now: Double
    ) {
        var reader = SealedReader(encoded)
        guard let version = reader.byte(), version == Self.version || version == Self.versionWithProvider,
            let madeAt = reader.time(), now - madeAt < LoginState.lifetime, let expiresAt = reader.time(),
            let key = reader.counted(), let target = reader.counted()
        else { return nil }
        var sealed: [UInt8] = []
        if version == Self.versionWithProvider {
            guard let name = reader.counted(), !name.isEmpty else { return nil }
            sealed = name
        }
        guard let provider = providers.current(String(decoding: sealed, as: UTF8.self)),
            let fields = UserAttributes(from: &reader)?.of(provider: provider), reader.isAtEnd
        else { return nil }
        self.init(
            replayKeys: ReplayKeys(key),
            retention: Retention(until: expiresAt, atLeast: LoginState.lifetime, issuedAt: madeAt, now: now),
            user: fields.user, provider: provider, fields: fields,
            target: ReturnTarget(trusted: target, isShortened: isShortened), origin: origin, scope: scope,
            isSignedIn: false, spentAttempt: spentAttempt, returns: returns)
    }
}

/// A provider's response to an attempt, in the browser that began the attempt.
package struct AttemptResponse: Sendable {
    /// A digest of the attempt's secret and of what the browser brought: nobody else can make it.
    package let key: [UInt8]
    /// Of the token that came for it.
    package let replayKeys: [[UInt8]]
    private let user: String
    /// What revocations call the user and the session at the provider.
    private let subjects: [[UInt8]]

    package init(key: [UInt8], replayKeys: [[UInt8]], user: String, subjects: [[UInt8]]) {
        self.key = key
        self.replayKeys = replayKeys
        self.user = user
        self.subjects = subjects
    }

    /// The user has signed out, or the provider has ended the session. One who signs out anywhere means every session that
    /// has just begun; without a name it may be this user.
    package func isEnded(by revocation: Revocation) -> Bool {
        revocation.isOfOneSession
            ? revocation.user.isEmpty || revocation.user == user
            : subjects.contains { revocation.subjects.contains($0) }
    }
}

/// A sign-in whose token was consumed, and must end as bearer token on every loop before the sign-in proceeds.
package struct SpentToken: Sendable {
    let pending: PendingSignIn
    let verdict: ReplayVerdict

    package var replayKeys: [[UInt8]] { pending.replayKeys.names }

    init(_ pending: PendingSignIn, _ verdict: ReplayVerdict) {
        self.pending = pending
        self.verdict = verdict
    }
}

/// A sign-in that waits for the app's answer about its user.
package struct PendingProvisioning: Sendable {
    package let call: ProvisioningCall
    let pending: PendingSignIn
}
