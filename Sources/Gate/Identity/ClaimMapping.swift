// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT

/// Makes the user's fields from the claims of a verified token, by `token.claims`.
///
/// The values end up in header lines, logs and pages of others, so what could mislead those is refused here, once.
struct ClaimMapping: Sendable {
    private let matches: [ClaimRule]
    private let required: [String]

    /// Why a token's claims cannot be a user.
    struct Refusal: Error, Equatable, CustomStringConvertible {
        let reason: Reason
        let field: String

        var description: String { "\(reason.rawValue): \(field)" }
    }

    /// - Parameter needsUser: the user field is required.
    init(_ matches: [ClaimRule], required: [String], needsUser: Bool = true) {
        self.matches = matches
        self.required = required.contains("user") || !needsUser ? required : ["user"] + required
    }

    func fields(of claims: JSONValue) throws(Refusal) -> UserAttributes {
        var fields = UserAttributes()
        var size = 0
        for match in matches {
            for claim in match.claims {
                guard let value = claims[claim] else { continue }
                let isList = Self.lists.contains(match.field) || value.array != nil
                guard var values = Self.texts(of: value) else {
                    throw Refusal(reason: .fieldInvalid, field: match.field)
                }
                if Self.lists.contains(match.field), value.string != nil { values = Self.splitAtCommas(values) }
                // An empty text says nothing: as good as absent.
                values.removeAll { $0.isEmpty }
                guard !values.isEmpty else { continue }
                guard values.count <= Self.maximumValues, values.allSatisfy(Self.isSound),
                    match.field != "email" || Self.isSoundEmail(values)
                else { throw Refusal(reason: .fieldInvalid, field: match.field) }
                size += values.reduce(match.field.utf8.count) { $0 + $1.utf8.count + 2 }
                guard size <= Self.maximumSize else { throw Refusal(reason: .fieldInvalid, field: match.field) }
                fields.set(match.field, values, isList: isList)
                break
            }
        }
        for name in required where fields[name].isEmpty {
            throw Refusal(reason: .fieldMissing, field: name)
        }
        return fields
    }

    /// An e-mail address that every reader takes for the same: exactly one `@` (CVE-2026-40574), text on both sides,
    /// and nothing that separates addresses or needs quotes.
    static func isSoundEmail(_ values: [String]) -> Bool {
        guard values.count == 1, let email = values.first?.utf8, email.count <= 320 else { return false }
        let parts = email.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return false }
        return !email.contains { byte in
            byte <= 0x20 || [",", ";", "<", ">", "(", ")", "\"", "\\", ":"].contains(Unicode.Scalar(byte))
        }
    }

    /// No control characters (which end lines somewhere), no white space at the ends (which header parsers drop, so
    /// that "ada " would be ada), and not too long.
    static func isSound(_ value: String) -> Bool {
        guard value.utf8.count <= maximumValueLength else { return false }
        for scalar in value.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff:
                return false
            default: break
            }
        }
        guard let first = value.unicodeScalars.first, let last = value.unicodeScalars.last else { return true }
        return !first.properties.isWhitespace && !last.properties.isWhitespace
    }

    /// A text for each value; nil for what is no text: objects, and arrays within arrays.
    private static func texts(of value: JSONValue) -> [String]? {
        switch value {
        case .null: return []
        case .object: return nil
        case .array(let elements):
            var texts: [String] = []
            for element in elements {
                switch element {
                case .string, .number, .bool: texts += Self.texts(of: element) ?? []
                case .array, .object, .null: return nil
                }
            }
            return texts
        case .string(let text): return [text]
        case .number(let number): return [number.text]
        case .bool(let truth): return [truth ? "true" : "false"]
        }
    }

    private static func splitAtCommas(_ values: [String]) -> [String] {
        values.flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).map { part in
                var part = part.drop { $0 == 0x20 }
                while part.last == 0x20 { part.removeLast() }
                return String(decoding: part, as: UTF8.self)
            }
        }
    }

    /// Fields that are lists even when the claim is one text.
    private static let lists: Set<String> = ["groups", "sites"]
    private static let maximumValueLength = 1024
    private static let maximumValues = 512
    /// What fits the session's cookies, sealed and encoded.
    private static let maximumSize = 10 * 1024
}
