// SPDX-License-Identifier: Apache-2.0

/// The words for one reason code: what a person reads on a page, and what the operator can do.
package struct Reason: Equatable, Sendable {
    /// Stable, as in logs and metrics, such as `expired`.
    package let code: String
    package let title: String
    /// What happened, in plain words.
    package let happened: String
    /// How to mend it.
    package let mend: String

    /// The words for `code`; general ones for a code that is not in the table.
    package static func of(_ code: String) -> Reason { Reason(code: code, title: "", happened: "", mend: "") }

    /// All codes, in the order of the documentation.
    package static let all: [Reason] = []
}
