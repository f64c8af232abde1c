// SPDX-License-Identifier: Apache-2.0

import Configuration

/// One line of the output of `sidegate doctor`.
package struct DoctorFinding: Equatable, Sendable {
    package enum Outcome: String, Sendable {
        case ok
        /// Works, but its operator should know.
        case warning
        case failed = "FAIL"
    }

    package let outcome: Outcome
    /// What was checked: an option, or a part.
    package let subject: String
    package let detail: String
    /// How to fix it; empty when there is nothing to fix.
    package let fix: String

    package init(_ outcome: Outcome, _ subject: String, _ detail: String, fix: String = "") {
        self.outcome = outcome
        self.subject = subject
        self.detail = detail
        self.fix = fix
    }

    /// The same as one about a provider: its name stands before the subject, where it has one.
    func about(_ provider: ProviderSettings) -> DoctorFinding {
        DoctorFinding(outcome, provider.place(of: subject), detail, fix: fix)
    }
}
