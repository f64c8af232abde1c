// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a field of the user. It holds no value of the field.
package enum FieldProblem: Equatable, Sendable {
    /// `claims`: those that could have it; `isEmailUnverified`: an e-mail address came that does not count.
    case missing(claims: [String], isEmailUnverified: Bool)
    case notText
    case valueCount(Int, limit: Int)
    case valueLength(Int, limit: Int)
    case controlCharacter
    case blankEnd
    case withoutSingleAt
    case notPlainEmail
    /// With this field all fields together are too large.
    case total(Int, limit: Int)
    /// The session does not fit its cookies, of which there may be `limit`; the field, with `bytes`, is its largest.
    case session(bytes: Int, limit: Int)

    /// English, for logs.
    package func sentence(about field: String) -> String { sentence(about: field, in: .english) }

    /// The end of an English sentence about the field, for logs.
    package var clause: String {
        let sentence = sentence(about: "")
        let start = "The field  "
        return sentence.hasPrefix(start) ? String(sentence.dropFirst(start.count).dropLast()) : sentence
    }

    func sentence(about field: String, in catalogue: Catalogue) -> String {
        var values = ["field": field]
        let phrase: Phrase
        switch self {
        case .missing(let claims, let isEmailUnverified):
            values["claims"] = claims.joined(separator: ", ")
            let sentence = catalogue.filled(claims.isEmpty ? .fieldMissing : .fieldMissingInClaims, values)
            return isEmailUnverified ? catalogue.joined(sentence, catalogue[.emailUnverified]) : sentence
        case .notText: phrase = .fieldNotText
        case .valueCount(let count, let limit):
            (values["count"], values["limit"]) = ("\(count)", "\(limit)")
            phrase = limit == 1 ? .fieldSingleValue : .fieldValueCount
        case .valueLength(let count, let limit):
            (values["count"], values["limit"]) = ("\(count)", "\(limit)")
            phrase = .fieldValueLength
        case .controlCharacter: phrase = .fieldControlCharacter
        case .blankEnd: phrase = .fieldBlankEnd
        case .withoutSingleAt: phrase = .fieldWithoutSingleAt
        case .notPlainEmail: phrase = .fieldNotPlainEmail
        case .total(let bytes, let limit):
            (values["count"], values["limit"]) = ("\(bytes)", "\(limit)")
            phrase = .fieldTotal
        case .session(let bytes, let limit):
            (values["count"], values["limit"]) = ("\(bytes)", "\(limit)")
            phrase = .sessionTooLarge
        }
        return catalogue.filled(phrase, values)
    }
}
