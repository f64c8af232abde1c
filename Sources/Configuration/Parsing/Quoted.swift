// SPDX-License-Identifier: Apache-2.0

/// Outside text made fit for a message: one line, bounded, nothing that a terminal would obey.
enum Quoted {
    /// `text` in double quotes.
    static func text(_ text: String) -> String {
        "\"\(plain(text, limit: 80))\""
    }

    /// `text` without quotes, control characters made visible.
    static func plain(_ text: String, limit: Int = 4096) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit { return result + "…" }
            count += 1
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `a`, `b` or `c`.
    static func choices(_ names: [String], joining word: String = "or") -> String {
        guard let last = names.last else { return "nothing" }
        let others = names.dropLast()
        return others.isEmpty ? last : others.joined(separator: ", ") + " \(word) " + last
    }
}
