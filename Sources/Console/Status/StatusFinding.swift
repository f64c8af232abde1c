// SPDX-License-Identifier: Apache-2.0

/// Something that an operator has to know, and what to do about it.
package struct StatusFinding: Sendable, Equatable {
    package enum Severity: Int, Sendable, Comparable {
        /// Worth knowing.
        case note
        /// Works now, and will not for long.
        case warning
        /// People cannot sign in, or cannot work.
        case failure

        package static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
    }

    /// What people cannot do.
    package struct Loss: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let signIn = Loss(rawValue: 1)
        package static let work = Loss(rawValue: 2)
    }

    package var severity: Severity
    package var loss: Loss
    /// What is wrong.
    package var problem: String
    /// What to do.
    package var fix: String

    static func failure(_ loss: Loss, _ problem: String, _ fix: String) -> StatusFinding {
        StatusFinding(severity: .failure, loss: loss, problem: problem, fix: fix)
    }

    static func warning(_ problem: String, _ fix: String) -> StatusFinding {
        StatusFinding(severity: .warning, loss: [], problem: problem, fix: fix)
    }

    static func note(_ problem: String, _ fix: String) -> StatusFinding {
        StatusFinding(severity: .note, loss: [], problem: problem, fix: fix)
    }
}
