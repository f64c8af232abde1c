// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// The name of an attempt, which is the `state` at the provider and the end of the cookie's name: its cause (one letter),
/// its time (eleven hexadecimal digits of milliseconds), and twelve random bytes.
///
/// It is neither secret nor authenticated. It only serves to find old attempts and suspected loops; the authenticated
/// state is sealed in the cookie.
struct LoginAttemptID: Equatable, Sendable {
    /// In place, so that an attempt costs no memory of its own.
    let bytes: InlineArray<28, UInt8>

    /// Why an attempt begins.
    enum Cause: UInt8 {
        /// A page was requested without a session.
        case navigation = 0x6e  // n
        /// The user asked to sign in, or was asked to confirm.
        case wish = 0x77  // w
    }

    static let length = 28

    var text: [UInt8] { Array(copying: bytes.span) }

    init(_ cause: Cause, now: Double, random: InlineArray<12, UInt8>) {
        var bytes = InlineArray<28, UInt8>(repeating: cause.rawValue)
        let milliseconds = UInt64(max(0, min(now * 1000, 9e12)))
        // Eight digits in each word, the last one lowest.
        var digits = RandomPool.digits(UInt32(truncatingIfNeeded: milliseconds))
        for index in 0..<8 {
            bytes[11 - index] = UInt8(truncatingIfNeeded: digits)
            digits >>= 8
        }
        digits = RandomPool.digits(UInt32(truncatingIfNeeded: milliseconds >> 32))
        for index in 0..<3 {
            bytes[3 - index] = UInt8(truncatingIfNeeded: digits)
            digits >>= 8
        }
        let end = Base64URL.encode(random)
        for index in 0..<16 { bytes[12 + index] = end[index] }
        self.bytes = bytes
    }

    /// From a `state` or the end of a cookie's name.
    init?(_ text: some Collection<UInt8>) {
        guard text.count == Self.length else { return nil }
        var bytes = InlineArray<28, UInt8>(repeating: 0)
        for (index, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                bytes[index] = byte
            default: return nil
            }
        }
        self.bytes = bytes
    }

    static func == (left: LoginAttemptID, right: LoginAttemptID) -> Bool {
        left.bytes.span.equals(right.bytes.span)
    }

    /// Self-declared, so unauthenticated: it began earlier.
    func isOlder(than other: LoginAttemptID) -> Bool {
        for index in 1..<12 where bytes[index] != other.bytes[index] { return bytes[index] < other.bytes[index] }
        return false
    }

    /// Self-declared, so unauthenticated: a page was requested without a valid session after `moment`, in seconds since
    /// 1970.
    func isNavigation(after moment: Double) -> Bool {
        guard bytes[0] == Cause.navigation.rawValue else { return false }
        var milliseconds: UInt64 = 0
        for index in 1..<12 {
            guard let value = Hexadecimal.value(bytes[index]) else { return false }
            milliseconds = milliseconds << 4 | UInt64(value)
        }
        return Double(milliseconds) > moment * 1000
    }
}
