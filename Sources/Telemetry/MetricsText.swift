// SPDX-License-Identifier: Apache-2.0

/// Metrics in Prometheus' text format, version 0.0.4.
///
/// Samples of one family are grouped below its two lines of description.
package struct MetricsText {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package typealias Labels = [(name: StaticString, value: String)]

    package private(set) var text = ""
    private var name = ""

    package init() {}

    /// Begins the family of the next samples.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func sample(_ labels: Labels = [], _ value: UInt64) {
        sample("", labels, String(value))
    }

    package mutating func sample(_ labels: Labels = [], _ value: Double) {
        sample("", labels, Self.number(value))
    }

    /// - Parameters:
    ///   - bounds: upper bounds of the buckets in seconds, ascending; an unbounded bucket follows them.
    ///   - counts: of each bucket, not cumulative.
    ///   - sum: in seconds.
    package mutating func histogram(_ labels: Labels, bounds: [Double], counts: ArraySlice<UInt64>, sum: Double) {
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
            sample("_bucket", labels + [("le", bound)], String(total))
        }
        sample("_sum", labels, Self.number(sum))
        sample("_count", labels, String(total))
    }

    private mutating func sample(_ suffix: StaticString, _ labels: Labels, _ value: String) {
        text += name + suffix.description
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                text += "\(index == 0 ? "" : ",")\(label.name)=\"\(Self.escaped(label.value))\""
            }
            text += "}"
        }
        text += " " + value + "\n"
    }

    /// Whole numbers without a fraction.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value.rounded() == value, abs(value) < 9e15 { return String(Int64(value)) }
        return "\(value)"
    }

    /// Escapes the value so that it ends neither its label nor the line.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
