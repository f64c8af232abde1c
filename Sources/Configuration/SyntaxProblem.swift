// SPDX-License-Identifier: Apache-2.0

/// Why a text is not the value it should be, and how to fix it; without the text itself.
package struct SyntaxProblem: Error, Equatable, Sendable {
    package let message: String

    init(_ message: String) { self.message = message }
}
