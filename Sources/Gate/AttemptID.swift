// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The name of an attempt, which is the `state` at the IdP and the end of the cookie's name: why it began (one letter),
/// when (eleven hexadecimal digits of milliseconds), and twelve random bytes.
///
/// Anyone can read and change it. What it says tells only which attempts are old and what looks like a loop; what
/// counts is sealed in the cookie.
struct AttemptID: Equatable, Sendable {
    let text: [UInt8]

    /// Why an attempt begins.
    enum Cause: UInt8 {
        /// A page was asked for without a session.
        case navigation = 0x6e  // n
        /// Somebody asked to sign in, or was asked whether to.
        case wish = 0x77  // w
    }

    static let length = 28

    init(_ cause: Cause, now: Double, random: InlineArray<12, UInt8>) {
        var start = InlineArray<12, UInt8>(repeating: cause.rawValue)
        var milliseconds = UInt64(max(0, min(now * 1000, 9e12)))
        for index in (1..<12).reversed() {
            let digit = UInt8(truncatingIfNeeded: milliseconds & 15)
            start[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            milliseconds >>= 4
        }
        var text: [UInt8] = []
        text.reserveCapacity(Self.length)
        text.append(copying: start.span)
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
        text[1..<12].lexicographicallyPrecedes(other.text[1..<12])
    }

    /// By its own word, a page was asked for without a (good) session after `moment`, in seconds since 1970.
    func isNavigation(after moment: Double) -> Bool {
        guard text.first == Cause.navigation.rawValue else { return false }
        var milliseconds: UInt64 = 0
        for digit in text[1..<12] {
            guard let value = PathText.hexValue(digit) else { return false }
            milliseconds = milliseconds << 4 | UInt64(value)
        }
        return Double(milliseconds) > moment * 1000
    }
}
