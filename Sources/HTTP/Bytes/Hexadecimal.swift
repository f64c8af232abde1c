// SPDX-License-Identifier: Apache-2.0

/// Hexadecimal digits (RFC 5234 §B.1).
public enum Hexadecimal {
    /// The value of a digit in either case; nil for any other byte.
    @inlinable @inline(__always)
    public static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit &- 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit &- 0x57
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit &- 0x37
        default: nil
        }
    }

    /// The upper-case digit of `value`, which must be below 16.
    @inlinable @inline(__always)
    public static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "A") &+ value &- 10
    }
}
