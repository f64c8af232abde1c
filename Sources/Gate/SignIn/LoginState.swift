// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One attempt to sign in: where the user wanted to go, and when it began. Kept in a sealed cookie of its own, so that
/// each tab has its attempt.
struct LoginState: Sendable, Equatable {
    let startedAt: Double
    /// The name of the identity provider; empty while there is a single one.
    let provider: String
    let target: ReturnTarget
    /// On a page that asks whether to sign in: what stands for the token in the replay store. Else empty.
    let token: [UInt8]
    /// A return must name this attempt to be its answer: another site led the browser here, perhaps unnoticed, or the
    /// provider of this browser has named another attempt since (``onlyWhenNamed``).
    let isFromOtherSite: Bool
    /// What ``LoginProof`` is made of, where the login protocol has one. Else empty.
    let secret: [UInt8]

    /// Seconds an attempt may take.
    static let lifetime: Double = 600
    /// Attempts kept in one browser.
    static let maximumCount = 7

    /// The same attempt, which counts from now on only when a return names it.
    var onlyWhenNamed: LoginState {
        LoginState(
            startedAt: startedAt, provider: provider, target: target, token: token, isFromOtherSite: true,
            secret: secret)
    }

    var encoded: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(22 + provider.utf8.count + secret.count + target.bytes.count + token.count)
        append(to: &output)
        return output
    }

    func append(to output: inout [UInt8]) {
        if provider.isEmpty, secret.isEmpty {
            output.appendTime(
                startedAt, after: isFromOtherSite ? Self.versionFromOtherSite : Self.version,
                before: UInt32(clamping: target.bytes.count))
        } else {
            output.append(Self.versionOfProvider)
            output.append(isFromOtherSite ? 1 : 0)
            output.appendTime(startedAt)
            output.appendCounted(provider.utf8)
            output.appendCounted(secret)
            output.appendNumber(UInt64(target.bytes.count), bytes: 4)
        }
        output.append(copying: target.bytes.span)
        if !token.isEmpty { output.append(contentsOf: token) }
    }

    init(
        startedAt: Double, provider: String, target: ReturnTarget, token: [UInt8] = [],
        isFromOtherSite: Bool = false, secret: [UInt8] = []
    ) {
        self.startedAt = startedAt
        self.provider = provider
        self.target = target
        self.token = token
        self.isFromOtherSite = isFromOtherSite
        self.secret = secret
    }

    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard let version = reader.byte() else { return nil }
        let isOfProvider = version == Self.versionOfProvider
        guard isOfProvider || version == Self.version || version == Self.versionFromOtherSite,
            let flags = isOfProvider ? reader.byte() : version == Self.versionFromOtherSite ? 1 : 0, flags <= 1,
            let startedAt = reader.time(), let provider = isOfProvider ? reader.counted() : [],
            let secret = isOfProvider ? reader.counted() : [], let target = reader.counted(), !target.isEmpty
        else { return nil }
        self.init(
            startedAt: startedAt, provider: String(decoding: provider, as: UTF8.self),
            target: ReturnTarget(trusted: target), token: reader.rest(), isFromOtherSite: flags == 1, secret: secret)
    }

    private static let version: UInt8 = 1
    /// A version of its own: a replica that does not know the difference yet does not count such an attempt.
    private static let versionFromOtherSite: UInt8 = 2
    /// The same for one of several providers, or with a secret.
    private static let versionOfProvider: UInt8 = 3
}
