// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One attempt to sign in: where the user wanted to go, and when it began. Kept in a sealed cookie of its own, so that
/// each tab has its attempt.
struct LoginState: Sendable, Equatable {
    let startedAt: Double
    let target: ReturnTarget
    /// On a page that asks whether to sign in: what stands for the token in the replay store. Else empty.
    let token: [UInt8]
    /// A return must name this attempt to be its answer: another site led the browser here, perhaps unnoticed, or the
    /// provider of this browser has named another attempt since (``onlyWhenNamed``).
    let isFromOtherSite: Bool

    /// Seconds an attempt may take.
    static let lifetime: Double = 600
    /// Attempts kept in one browser.
    static let maximumCount = 7

    /// The same attempt, which counts from now on only when a return names it.
    var onlyWhenNamed: LoginState {
        LoginState(startedAt: startedAt, target: target, token: token, isFromOtherSite: true)
    }

    var encoded: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(13 + target.bytes.count + token.count)
        append(to: &output)
        return output
    }

    func append(to output: inout [UInt8]) {
        output.append(isFromOtherSite ? Self.versionFromOtherSite : Self.version)
        output.appendTime(startedAt)
        output.appendNumber(UInt64(target.bytes.count), bytes: 4)
        output.append(copying: target.bytes.span)
        if !token.isEmpty { output.append(contentsOf: token) }
    }

    init(startedAt: Double, target: ReturnTarget, token: [UInt8] = [], isFromOtherSite: Bool = false) {
        self.startedAt = startedAt
        self.target = target
        self.token = token
        self.isFromOtherSite = isFromOtherSite
    }

    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard let version = reader.byte(), version == Self.version || version == Self.versionFromOtherSite,
            let startedAt = reader.time(), let target = reader.counted(), !target.isEmpty
        else { return nil }
        self.init(
            startedAt: startedAt, target: ReturnTarget(trusted: target), token: reader.rest(),
            isFromOtherSite: version == Self.versionFromOtherSite)
    }

    private static let version: UInt8 = 1
    /// A version of its own: a replica that does not know the difference yet does not count such an attempt.
    private static let versionFromOtherSite: UInt8 = 2
}
