// SPDX-License-Identifier: Apache-2.0

/// One attempt to sign in: where the user wanted to go, and when it began. Kept in a sealed cookie of its own, so that
/// each tab has its attempt.
struct LoginState: Sendable, Equatable {
    let startedAt: Double
    let target: ReturnTarget

    /// Seconds an attempt may take.
    static let lifetime: Double = 600
    /// Attempts kept in one browser.
    static let maximumCount = 7

    var encoded: [UInt8] {
        var output: [UInt8] = [Self.version]
        output.appendTime(startedAt)
        output.append(contentsOf: target.bytes)
        return output
    }

    init(startedAt: Double, target: ReturnTarget) {
        self.startedAt = startedAt
        self.target = target
    }

    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard reader.byte() == Self.version, let startedAt = reader.time(),
            let target = reader.text(count: encoded.count - 9), !target.isEmpty
        else { return nil }
        self.init(startedAt: startedAt, target: ReturnTarget(trusted: target))
    }

    private static let version: UInt8 = 1
}
