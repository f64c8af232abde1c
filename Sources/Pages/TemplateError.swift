// SPDX-License-Identifier: Apache-2.0

/// Why a template is invalid, and in which line.
package struct TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
    package let template: String
    /// From 1.
    package let line: Int
    package let message: String

    package var description: String { "\(template):\(line): \(message)" }
}
