// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT
import Pages

/// Makes the user's fields from the claims of a verified token, by `token.claims`.
///
/// The values end up in header lines, logs and pages of others, so what could mislead those is refused here, once. What
/// decides who somebody is must be right; what is only shown, such as a family name, is left out when it is not, and never
/// keeps anybody from signing in.
struct ClaimMapping: Sendable {
    private let matches: [ClaimRule]
    private let required: [String]
    private let acceptsUnverifiedEmail: Bool

    /// Why a token's claims cannot be a user.
    struct Refusal: Error, Equatable, CustomStringConvertible {
        let reason: Reason
        let field: String
        let problem: FieldProblem

        var description: String { "\(reason.rawValue): \(field)" }
    }

    /// The fields, and sentences about what was left out.
    struct Result: Equatable {
        var fields = UserAttributes()
        var omissions: [String] = []
    }

    /// The part that a field plays.
    private enum Role {
        /// Who somebody is, and what is granted: the field is sound, or the token is refused.
        case identity
        /// Each group for itself: those that are none are left out.
        case groups
        /// Shown only.
        case display

        init(_ field: String) {
            self =
                switch field {
                case "user", "email", "sites", "guest", "provider": .identity
                case "groups": .groups
                default: .display
                }
        }
    }

    private struct Values {
        var texts: [String]
        let isList: Bool
    }

    /// - Parameters:
    ///   - needsUser: the user field is required.
    ///   - acceptsUnverifiedEmail: the claim `email` counts although `email_verified` is false.
    init(
        _ matches: [ClaimRule], required: [String], needsUser: Bool = true, acceptsUnverifiedEmail: Bool = false
    ) {
        self.matches = matches
        self.acceptsUnverifiedEmail = acceptsUnverifiedEmail
        self.required = required.contains("user") || !needsUser ? required : ["user"] + required
    }

    func map(_ claims: JSONValue) throws(Refusal) -> Result {
        var result = Result()
        var claims = claims
        let isEmailOmitted = !acceptsUnverifiedEmail && Self.removeUnverifiedEmail(from: &claims)
        if isEmailOmitted { result.omissions.append(Self.unverifiedEmail) }
        var found: [Values?] = Array(repeating: nil, count: matches.count)
        var size = 0
        // What is only shown gets the room that is left.
        for isDisplayed in [false, true] {
            for (index, match) in matches.enumerated() where (Role(match.field) == .display) == isDisplayed {
                guard let values = try values(of: match, claims, &result.omissions) else { continue }
                let added = values.texts.reduce(match.field.utf8.count) { $0 + $1.utf8.count + 2 }
                guard size + added <= FieldValue.maximumTotal else {
                    let problem = FieldProblem.total(size + added, limit: FieldValue.maximumTotal)
                    guard isDisplayed else { throw Self.invalid(match.field, problem) }
                    result.omissions.append(Self.omission(match.field, problem))
                    continue
                }
                size += added
                found[index] = values
            }
        }
        for (match, values) in zip(matches, found) {
            if let values { result.fields.set(match.field, values.texts, isList: values.isList) }
        }
        for name in required where result.fields[name].isEmpty {
            let claims = matches.first { $0.field == name }?.sources ?? []
            throw Refusal(
                reason: .fieldMissing, field: name,
                problem: .missing(claims: claims, isEmailUnverified: isEmailOmitted))
        }
        return result
    }

    /// OpenID Connect Core §5.1: the provider took no care that the address is the user's, so anybody may have typed it
    /// in.
    static func removeUnverifiedEmail(from claims: inout JSONValue) -> Bool {
        guard var members = claims.object, members["email"] != nil, let isVerified = members["email_verified"],
            isVerified.bool != true, isVerified.string != "true"
        else { return false }
        members["email"] = nil
        claims = .object(members)
        return true
    }

    private static let unverifiedEmail =
        "The claim email does not count, since email_verified is not true (token.acceptUnverifiedEmail)."

    /// Nil: the field is absent. A claim of a wrong form does not make room for the next one, nor a name for the path of the
    /// same text.
    private func values(
        of match: ClaimRule, _ claims: JSONValue, _ omissions: inout [String]
    ) throws(Refusal) -> Values? {
        let separator = match.separator
        for value in match.values(in: claims) {
            let values: Values?
            switch Role(match.field) {
            case .identity: values = try Self.identity(match.field, value, separator)
            case .groups: values = try Self.groups(value, separator, &omissions)
            case .display: values = Self.displayed(match.field, value, separator, &omissions)
            }
            guard let values else { return nil }
            // An empty text says nothing: as good as absent.
            if !values.texts.isEmpty { return values }
        }
        return nil
    }

    private static func identity(
        _ field: String, _ value: JSONValue, _ separator: [UInt8]
    ) throws(Refusal) -> Values {
        guard var texts = texts(of: value) else { throw invalid(field, .notText) }
        let isSplit = value.string != nil && !separator.isEmpty
        if isSplit { texts = split(texts, at: separator) }
        texts.removeAll { $0.isEmpty }
        try checkCount(field, texts)
        if field == "email", !texts.isEmpty, let problem = FieldValue.emailProblem(texts) {
            throw invalid(field, problem)
        }
        for text in texts {
            if let problem = FieldValue.problem(text) { throw invalid(field, problem) }
        }
        return Values(texts: texts, isList: field == "sites" || isSplit || value.array != nil)
    }

    /// Elements that are no text, or have blanks at their ends, are left out: an app, or a header on its way there, may
    /// take them for another group.
    private static func groups(
        _ value: JSONValue, _ separator: [UInt8], _ omissions: inout [String]
    ) throws(Refusal) -> Values? {
        var texts: [String]
        var count = 1
        switch value {
        case .null: return Values(texts: [], isList: true)
        case .string(let text):
            texts = split([text], at: separator).filter { !$0.isEmpty }
            count = texts.count
        case .array(let elements):
            texts = elements.compactMap(\.string).filter { !$0.isEmpty }
            count = elements.count { $0.string != "" }
        case .number, .bool, .object: texts = []
        }
        texts.removeAll(where: FieldValue.hasBlankEnd)
        try checkCount("groups", texts)
        for text in texts {
            if let problem = FieldValue.problem(text) { throw invalid("groups", problem) }
        }
        guard texts.count < count else { return Values(texts: texts, isList: true) }
        omissions.append(
            "\(count - texts.count) of \(count) values of the field groups were left out: not a text, or white space at "
                + "the ends.")
        return texts.isEmpty ? nil : Values(texts: texts, isList: true)
    }

    private static func displayed(
        _ field: String, _ value: JSONValue, _ separator: [UInt8], _ omissions: inout [String]
    ) -> Values? {
        guard var texts = texts(of: value) else {
            omissions.append(omission(field, .notText))
            return nil
        }
        let isSplit = value.string != nil && !separator.isEmpty
        if isSplit { texts = split(texts, at: separator) }
        texts = texts.map(FieldValue.trimmed).filter { !$0.isEmpty }
        var problem = texts.count > FieldValue.maximumCount ? tooMany(texts) : nil
        for text in texts where problem == nil { problem = FieldValue.problem(text) }
        if let problem {
            omissions.append(omission(field, problem))
            return nil
        }
        return Values(texts: texts, isList: isSplit || value.array != nil)
    }

    private static func checkCount(_ field: String, _ texts: [String]) throws(Refusal) {
        guard texts.count <= FieldValue.maximumCount else { throw invalid(field, tooMany(texts)) }
    }

    private static func tooMany(_ texts: [String]) -> FieldProblem {
        .valueCount(texts.count, limit: FieldValue.maximumCount)
    }

    private static func invalid(_ field: String, _ problem: FieldProblem) -> Refusal {
        Refusal(reason: .fieldInvalid, field: field, problem: problem)
    }

    private static func omission(_ field: String, _ problem: FieldProblem) -> String {
        "The field \(field) was left out: it \(problem.clause)."
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

    /// - Parameter separator: empty: each text is one value.
    private static func split(_ texts: [String], at separator: [UInt8]) -> [String] {
        guard let first = separator.first else { return texts }
        var parts: [String] = []
        for text in texts {
            let bytes = Array(text.utf8)
            var start = 0
            var index = 0
            while index < bytes.count {
                if bytes[index] == first, bytes[index...].starts(with: separator) {
                    parts.append(withoutBlankEnds(bytes[start..<index]))
                    index += separator.count
                    start = index
                } else {
                    index += 1
                }
            }
            parts.append(withoutBlankEnds(bytes[start...]))
        }
        return parts
    }

    private static func withoutBlankEnds(_ bytes: ArraySlice<UInt8>) -> String {
        var part = bytes.drop { $0 == 0x20 }
        while part.last == 0x20 { part.removeLast() }
        return String(decoding: part, as: UTF8.self)
    }
}
