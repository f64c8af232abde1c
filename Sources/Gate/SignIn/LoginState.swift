// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One attempt to sign in: where the user wanted to go, and when it began. Kept in sealed cookies of its own, so that
/// each tab has its attempt; see ``LoginCookie``.
struct LoginState: Sendable, Equatable {
    let startedAt: Double
    /// The name of the identity provider; empty while there is a single one.
    let provider: String
    let target: ReturnTarget
    /// On a page that asks whether to sign in: what stands for the token in the replay store. After a sign-in: ``arrived``,
    /// and after a refusal: ``failed``. Else empty.
    let token: [UInt8]
    /// A return must name this attempt to be its answer: another site led the browser here, perhaps unnoticed, or the
    /// provider of this browser has named another attempt since (``onlyWhenNamed``).
    let isFromOtherSite: Bool
    /// What ``LoginProof`` is made of, where the login protocol has one. Else empty.
    let secret: [UInt8]
    /// Which provider the name stood for, as it was sealed beside the secret; see ``ProviderIdentities``.
    let identity: [UInt8]
    /// The attempt under which the browser keeps the fragment of the target's address, when it is not this one.
    let fragmentAttempt: LoginAttemptID?

    /// Seconds an attempt may take.
    static let lifetime: Double = 600
    /// Seconds for which a finished attempt is known.
    static let finishedLifetime: Double = 300
    /// Attempts kept in one browser.
    static let maximumCount = 7
    /// The ``token`` of an attempt that has led to a sign-in: no attempt any more.
    static let arrived = Array("arrived".utf8)
    /// The same of an attempt that was refused.
    static let failed = Array("failed".utf8)

    /// Whether it is the mark that an attempt leaves where the login protocol names attempts.
    var isFinished: Bool { token == Self.arrived || token == Self.failed }

    /// The same attempt, which counts from now on only when a return names it.
    var onlyWhenNamed: LoginState {
        LoginState(
            startedAt: startedAt, provider: provider, target: target, token: token, isFromOtherSite: true,
            secret: secret, identity: identity, fragmentAttempt: fragmentAttempt)
    }

    func encoded(_ identities: ProviderIdentities) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(byteCount)
        append(to: &output, identities)
        return output
    }

    /// The length of ``encoded(_:)``.
    @inline(__always)
    var byteCount: Int {
        Self.byteCount(
            target: target, provider: provider, secret: secret, tokenCount: token.count,
            namesFragment: fragmentAttempt != nil)
    }

    /// The length of an attempt's ``encoded(_:)`` before there is one.
    @inline(__always)
    static func byteCount(
        target: ReturnTarget, provider: String, secret: [UInt8], tokenCount: Int = 0, namesFragment: Bool = false
    ) -> Int {
        let plain = 13 + target.bytes.count + tokenCount
        guard !provider.isEmpty || !secret.isEmpty || target.isShortened || namesFragment else { return plain }
        return plain + 9 + provider.utf8.count + (secret.isEmpty ? 0 : secret.count + ProviderIdentities.byteCount)
            + (namesFragment ? LoginAttemptID.length : 0)
    }

    @inline(__always)
    private var isPlain: Bool { provider.isEmpty && secret.isEmpty && !isExtended }

    /// It holds what earlier versions of Sidegate do not know.
    @inline(__always)
    private var isExtended: Bool { target.isShortened || fragmentAttempt != nil }

    @inline(__always)
    func append(to output: inout [UInt8], _ identities: ProviderIdentities) {
        if isPlain {
            output.appendTime(
                startedAt, after: isFromOtherSite ? Self.versionFromOtherSite : Self.version,
                before: UInt32(clamping: target.bytes.count))
        } else {
            output.append(isExtended ? Self.versionWithFlags : Self.versionOfProvider)
            output.append(flags)
            output.appendTime(startedAt)
            output.appendCounted(provider.utf8)
            output.appendCounted(secret.isEmpty ? [] : secret + identities.identity(of: provider))
            if let fragmentAttempt { output.append(copying: fragmentAttempt.bytes.span) }
            output.appendNumber(UInt64(target.bytes.count), bytes: 4)
        }
        output.append(copying: target.bytes.span)
        if !token.isEmpty { output.append(contentsOf: token) }
    }

    private var flags: UInt8 {
        (isFromOtherSite ? Self.fromOtherSite : 0) | (target.isShortened ? Self.shortened : 0)
            | (fragmentAttempt == nil ? 0 : Self.ofFragment)
    }

    init(
        startedAt: Double, provider: String, target: ReturnTarget, token: [UInt8] = [],
        isFromOtherSite: Bool = false, secret: [UInt8] = [], identity: [UInt8] = [],
        fragmentAttempt: LoginAttemptID? = nil
    ) {
        self.startedAt = startedAt
        self.provider = provider
        self.target = target
        self.token = token
        self.isFromOtherSite = isFromOtherSite
        self.secret = secret
        self.identity = identity
        self.fragmentAttempt = fragmentAttempt
    }

    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard let version = reader.byte() else { return nil }
        let known: UInt8
        switch version {
        case Self.version, Self.versionFromOtherSite: known = 0
        case Self.versionOfProvider: known = Self.fromOtherSite
        case Self.versionWithFlags: known = Self.fromOtherSite | Self.shortened | Self.ofFragment
        default: return nil
        }
        let hasFlags = known != 0
        guard let flags = hasFlags ? reader.byte() : version == Self.versionFromOtherSite ? Self.fromOtherSite : 0,
            flags & ~(known | Self.fromOtherSite) == 0, let startedAt = reader.time(),
            let provider = hasFlags ? reader.counted() : [], let secret = hasFlags ? reader.counted() : []
        else { return nil }
        var fragmentAttempt: LoginAttemptID?
        if flags & Self.ofFragment != 0 {
            guard let text = reader.text(count: LoginAttemptID.length), let id = LoginAttemptID(text) else {
                return nil
            }
            fragmentAttempt = id
        }
        guard let target = reader.counted(), !target.isEmpty else { return nil }
        self.init(
            startedAt: startedAt, provider: String(decoding: provider, as: UTF8.self),
            target: ReturnTarget(trusted: target, isShortened: flags & Self.shortened != 0), token: reader.rest(),
            isFromOtherSite: flags & Self.fromOtherSite != 0,
            secret: Array(secret.prefix(LoginProof.secretByteCount)),
            identity: Array(secret.dropFirst(LoginProof.secretByteCount)), fragmentAttempt: fragmentAttempt)
    }

    private static let version: UInt8 = 1
    /// A version of its own: a replica that does not know the difference yet does not count such an attempt.
    private static let versionFromOtherSite: UInt8 = 2
    /// The same for one of several providers, or with a secret.
    private static let versionOfProvider: UInt8 = 3
    /// The same with more flags.
    private static let versionWithFlags: UInt8 = 4

    private static let fromOtherSite: UInt8 = 1
    private static let shortened: UInt8 = 2
    private static let ofFragment: UInt8 = 4
}
