// SPDX-License-Identifier: Apache-2.0

/// A language of the pages. The raw value is its tag (RFC 5646), for `lang`, `Content-Language` and `pages.language`.
package enum Language: String, CaseIterable, Sendable {
    case english = "en"
    case german = "de"
    case french = "fr"
    case spanish = "es"
    case italian = "it"
    case portuguese = "pt"
    case polish = "pl"
    case ukrainian = "uk"
    case russian = "ru"
    case turkish = "tr"
    case japanese = "ja"
    case chinese = "zh"

    /// That of people who ask for none of these.
    package static let standard = Language.english

    var catalogue: Catalogue {
        switch self {
        case .english: .english
        case .german: .german
        case .french: .french
        case .spanish: .spanish
        case .italian: .italian
        case .portuguese: .portuguese
        case .polish: .polish
        case .ukrainian: .ukrainian
        case .russian: .russian
        case .turkish: .turkish
        case .japanese: .japanese
        case .chinese: .chinese
        }
    }

    /// The direction of writing, as the attribute `dir` has it.
    var direction: String { "ltr" }
}
