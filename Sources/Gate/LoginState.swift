// SPDX-License-Identifier: Apache-2.0

import Cryptography

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

/// The name of an attempt, which is the `state` at the IdP and the end of the cookie's name: when it began, in eight
/// hexadecimal digits, and twelve random bytes. The time only tells which attempts are old; nothing trusts it.
struct AttemptID: Equatable, Sendable {
    let text: [UInt8]

    static let length = 24
    static let randomByteCount = 12

    init(now: Double, random: [UInt8]) {
        var text: [UInt8] = []
        let seconds = UInt32(truncatingIfNeeded: Int64(max(0, min(now, 9e15))))
        for shift in stride(from: 28, through: 0, by: -4) {
            text.append(Self.hexDigits[Int(seconds >> UInt32(shift) & 15)])
        }
        Base64URL.encode(random.span, into: &text)
        self.text = text
    }

    /// From a `state` or the end of a cookie's name.
    init?(_ text: some Collection<UInt8>) {
        guard text.count == Self.length else { return nil }
        let isPlain = text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain else { return nil }
        self.text = Array(text)
    }

    /// Began earlier, by its own word.
    func isOlder(than other: AttemptID) -> Bool {
        text.prefix(8).lexicographicallyPrecedes(other.text.prefix(8))
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
