// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What stands between the values of a list in a header.
///
/// One of its bytes is percent-encoded where it occurs within a value, so no value can pass for two.
package struct ListSeparator: Sendable, Equatable {
    let text: [UInt8]
    /// Of every separator, and of no value as it is written.
    let mark: UInt8

    static let comma = ListSeparator(known: ",")

    /// Punctuation and blanks of ASCII, but for those that are parts of an escape or of a template.
    package init(_ text: some Sequence<UInt8>) throws(GateConfigurationError) {
        let text = Array(text)
        guard !text.isEmpty else {
            throw GateConfigurationError("after the ; the separator is missing, as in {groups;|}")
        }
        guard text.count <= 8, text.allSatisfy(Self.isSeparator) else {
            throw GateConfigurationError(
                "a separator has at most 8 blanks and marks of ASCII, without %, letters, digits and braces, as in {groups;|}"
            )
        }
        self.text = text
        mark = text.first { $0 != 0x20 } ?? 0x20
    }

    /// Of a preset.
    init(known: Unicode.Scalar) {
        mark = UInt8(ascii: known)
        text = [mark]
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "%"), UInt8(ascii: "{"), UInt8(ascii: "}"):
            false
        default: 0x20..<0x7f ~= byte
        }
    }
}
