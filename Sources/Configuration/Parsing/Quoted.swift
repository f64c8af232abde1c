// SPDX-License-Identifier: Apache-2.0

import YAML

/// Text from outside prepared for a message.
package enum Quoted {
    /// `text` in double quotes.
    package static func text(_ text: String) -> String {
        "\"\(plain(text, limit: 80))\""
    }

    /// `text` without quotes, with control characters escaped.
    static func plain(_ text: String, limit: Int = 4096) -> String { PrintableText.escaped(text, limit: limit) }

    /// `a`, `b` or `c`.
    static func choices(_ names: [String], joining word: String = "or") -> String {
        guard let last = names.last else { return "nothing" }
        let others = names.dropLast()
        return others.isEmpty ? last : others.joined(separator: ", ") + " \(word) " + last
    }
}
