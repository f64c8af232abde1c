// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Which trailer fields may pass (RFC 9110 §6.5.1).
enum TrailerPolicy {
    /// `name` as an app server could see it: lower case, with `_` and `.` read as `-`.
    static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { folded($0) }
    }

    static func folded(_ byte: UInt8) -> UInt8 {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") ? UInt8(ascii: "-") : lowercased(byte)
    }
}
