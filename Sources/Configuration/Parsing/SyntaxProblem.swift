// SPDX-License-Identifier: Apache-2.0

/// Why a text is not the value it should be, and how to fix it; without the text itself.
package struct SyntaxProblem: Error, Equatable, Sendable, CustomStringConvertible {
    package let message: String

    package var description: String { message }

    init(_ message: String) { self.message = message }
}
