// SPDX-License-Identifier: Apache-2.0

/// The texts for a status code of Sidegate's own responses (RFC 9110 §15, RFC 6585).
package struct StatusWords: Equatable, Sendable {
    /// A heading, without a full stop.
    package let title: String
    package let message: String

    package static func of(_ status: UInt16, in language: Language = .english) -> StatusWords {
        language.catalogue[status]
    }
}
