// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with a configuration, or that its author should know: where, what, and the fix.
///
/// A finding never holds the value of a secret.
package struct Finding: Equatable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable {
        case error, warning
    }

    package let severity: Severity
    package let origin: Origin
    /// What is wrong and how to fix it, one line.
    package let message: String
    /// The configuration itself is well formed, but something it names could not be opened.
    package let isUnopenable: Bool

    package static func error(_ origin: Origin, _ message: String) -> Finding {
        Finding(severity: .error, origin: origin, message: message, isUnopenable: false)
    }

    package static func warning(_ origin: Origin, _ message: String) -> Finding {
        Finding(severity: .warning, origin: origin, message: message, isUnopenable: false)
    }

    package static func unopenable(_ origin: Origin, _ message: String) -> Finding {
        Finding(severity: .error, origin: origin, message: message, isUnopenable: true)
    }

    /// `FILE:LINE:COLUMN: error: …`
    package var description: String { "\(origin.label): \(severity.rawValue): \(message)" }
}

extension [Finding] {
    /// The first of very many, errors before warnings, and how many more there are.
    func limited() -> [Finding] {
        guard count > Self.maximumCount else { return self }
        let errors = filter { $0.severity == .error }
        let kept = errors.isEmpty ? prefix(Self.maximumCount) : errors.prefix(Self.maximumCount)
        let more = count - kept.count
        let message = "\(more) more findings are not shown; correct these first"
        return kept + [errors.isEmpty ? .warning(.builtIn, message) : .error(.builtIn, message)]
    }

    private static var maximumCount: Int { 1000 }

    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// In the order in which a reader meets them: files from top to bottom, then the rest as found.
    package func inReadingOrder() -> [Finding] {
        let keyed = enumerated().map { offset, finding in
            let (line, column) = finding.origin.lineAndColumn
            return (rank: (line, column, offset), finding: finding)
        }
        return keyed.sorted { $0.rank < $1.rank }.map(\.finding)
    }
}
