// SPDX-License-Identifier: Apache-2.0

/// The bytes of a token (RFC 9110 §5.6.2).
public enum Token {
    /// `tchar`, as a set of 128 bits.
    @inlinable @inline(__always)
    public static func contains(_ byte: UInt8) -> Bool {
        let set: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
        return byte < 128 && set &>> UInt64(byte) & 1 != 0
    }
}
