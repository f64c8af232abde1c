// SPDX-License-Identifier: Apache-2.0

/// Text from outside, made fit for a terminal.
enum TerminalText {
    /// One line, bounded, nothing that a terminal would obey.
    static func shown(_ text: String, limit: Int = 400) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
