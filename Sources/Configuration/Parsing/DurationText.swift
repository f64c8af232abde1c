// SPDX-License-Identifier: Apache-2.0

/// A span of time as a config writes it: `250ms`, `30s`, `5m`, `12h`, `7d`, `1h30m`, `1.5s`, or `0`.
package enum DurationText {
    /// Years are refused, so that no later sum of times can overflow.
    static let maximum: Duration = .seconds(3650 * 86_400)

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// nil when `text` is not a duration, or longer than ten years.
    package static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var total: Int64 = 0
        var lastUnit = Int64.max
        var rest = Substring(text)
        guard !rest.isEmpty, text.utf8.count <= 40 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest[digits.endIndex...]
            var fraction = Substring()
            if rest.first == "." {
                fraction = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
                guard !fraction.isEmpty, fraction.count <= 3 else { return nil }
                rest = rest[fraction.endIndex...]
            }
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest[letters.endIndex...]
            guard let whole = Int64(digits), whole <= 1_000_000_000_000,
                let unit = units.first(where: { $0.name == letters })?.milliseconds,
                unit < lastUnit  // each unit once, from large to small
            else { return nil }
            lastUnit = unit

            var (milliseconds, overflow) = whole.multipliedReportingOverflow(by: unit)
            guard !overflow else { return nil }
            if !fraction.isEmpty {
                let scale: Int64 = [10, 100, 1000][fraction.count - 1]
                guard let part = Int64(fraction), part * unit % scale == 0 else { return nil }
                milliseconds += part * unit / scale
            }
            (total, overflow) = total.addingReportingOverflow(milliseconds)
            guard !overflow, .milliseconds(total) <= maximum else { return nil }
        }
        return .milliseconds(total)
    }

    /// The shortest way to write `duration`, in whole milliseconds.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        var rest = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if rest == 0 { return "0" }
        var result = ""
        // A month of seconds is better read as days; 90 s stays 1m30s.
        for (name, unit) in units.reversed() where rest >= unit {
            if unit == 86_400_000, rest % unit != 0 || rest == unit { continue }
            result += "\(rest / unit)\(name)"
            rest %= unit
        }
        return result
    }
}

extension Duration {
    /// The same span in seconds, for comparison with the times in tokens.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
