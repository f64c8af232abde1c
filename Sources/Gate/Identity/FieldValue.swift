// SPDX-License-Identifier: Apache-2.0

import Pages

/// What a value of a user's field may be. The values end up in header lines, logs and pages of others.
enum FieldValue {
    /// Bytes of one value; of one e-mail address; of all fields with their names, which is what fits the session's cookies,
    /// sealed and encoded.
    static let maximumLength = 1024
    static let maximumEmailLength = 320
    static let maximumTotal = 10 * 1024
    /// Values of one field.
    static let maximumCount = 512

    /// What is wrong with `value`; nil: nothing.
    ///
    /// No control characters (which end lines somewhere), no white space at the ends (which header parsers drop, so
    /// that "ada " would be ada), and not too long.
    static func problem(_ value: String) -> FieldProblem? {
        guard value.utf8.count <= maximumLength else {
            return .valueLength(value.utf8.count, limit: maximumLength)
        }
        for scalar in value.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff:
                return .controlCharacter
            default: break
            }
        }
        return hasBlankEnd(value) ? .blankEnd : nil
    }

    /// The same for an e-mail address that every reader takes for the same: exactly one `@` (CVE-2026-40574), text on both
    /// sides, and nothing that separates addresses or needs quotes.
    static func emailProblem(_ values: [String]) -> FieldProblem? {
        guard values.count == 1, let email = values.first?.utf8 else {
            return .valueCount(values.count, limit: 1)
        }
        guard email.count <= maximumEmailLength else {
            return .valueLength(email.count, limit: maximumEmailLength)
        }
        let parts = email.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return .withoutSingleAt }
        let isPlain = !email.contains { byte in
            byte <= 0x20 || [",", ";", "<", ">", "(", ")", "\"", "\\", ":"].contains(Unicode.Scalar(byte))
        }
        return isPlain ? nil : .notPlainEmail
    }

    static func hasBlankEnd(_ value: String) -> Bool {
        guard let first = value.unicodeScalars.first, let last = value.unicodeScalars.last else { return false }
        return first.properties.isWhitespace || last.properties.isWhitespace
    }

    /// Without white space at the ends.
    static func trimmed(_ value: String) -> String {
        var scalars = value.unicodeScalars[...].drop { $0.properties.isWhitespace }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
