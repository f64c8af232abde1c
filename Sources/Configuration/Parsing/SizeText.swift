// SPDX-License-Identifier: Apache-2.0

/// A number of bytes as a config writes it: `512`, `64KiB`, `10MiB`, `1GiB`.
package enum SizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text[digits.endIndex...]
        guard let count = Int(digits), let unit = units.first(where: { $0.name == name }) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The right spelling for the usual wrong ones (`10MB`, `64k`, `1 MiB`), for a message.
    static func correction(_ text: String) -> String? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let letter = text[digits.endIndex...].drop { $0 == " " }.first?.lowercased()
        guard !digits.isEmpty, let letter,
            let unit = units.first(where: { $0.name.count == 3 && $0.name.lowercased().hasPrefix(letter) })
        else { return nil }
        return digits + unit.name
    }

    package static func format(_ bytes: Int) -> String {
        let unit = units.last { bytes >= $0.bytes && bytes % $0.bytes == 0 && $0.name != "B" } ?? ("", 1)
        return bytes == 0 ? "0" : "\(bytes / unit.bytes)\(unit.name)"
    }
}
