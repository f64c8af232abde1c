// SPDX-License-Identifier: Apache-2.0

// How values from a token are displayed: in `explain`, on pages and in logs.

/// `text` in quotation marks, truncated if long, without characters that control a terminal or change the direction of
/// text.
func quoted(_ text: String) -> String {
    var output = "\""
    var count = 0
    for scalar in text.unicodeScalars {
        guard count < 80 else {
            output += "…"
            break
        }
        count += 1
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            output += "\\u{" + String(scalar.value, radix: 16) + "}"
        default:
            output.unicodeScalars.append(scalar)
        }
    }
    return output + "\""
}

/// `value` as a single line of text.
func quoted(_ value: JSONValue?) -> String {
    switch value {
    case nil: "nothing"
    case .string(let text): quoted(text)
    case .number(let number): number.text
    case .bool(let truth): truth ? "true" : "false"
    case .null: "null"
    case .array(let elements):
        "[" + elements.prefix(8).map { quoted($0) }.joined(separator: ", ") + (elements.count > 8 ? ", …]" : "]")
    case .object: "an object"
    }
}

/// A moment in seconds since 1970 as `2026-11-21T08:55:00Z`; beyond the years 1 to 9999, the number itself.
package func moment(_ seconds: Double) -> String {
    guard seconds >= -62_135_596_800, seconds <= latestMoment else { return "\(seconds)" }
    let whole = Int(seconds.rounded(.down))
    let day = Int((Double(whole) / 86400).rounded(.down))
    let time = whole - day * 86400
    // From days to a date, with years that start in March, so that the leap day is last.
    let shifted = day + 719_468
    let era = Int((Double(shifted) / 146_097).rounded(.down))
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2)
        + "T" + padded(time / 3600, 2) + ":" + padded(time / 60 % 60, 2) + ":" + padded(time % 60, 2) + "Z"
}

/// A duration in its two largest units: `3 h 20 min`.
func duration(_ seconds: Double) -> String {
    guard seconds.magnitude < 1e12 else { return "ages" }
    let whole = Int(seconds.magnitude.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min" + (whole % 60 > 0 ? " \(whole % 60) s" : "") }
    if whole < 86400 { return "\(whole / 3600) h" + (whole / 60 % 60 > 0 ? " \(whole / 60 % 60) min" : "") }
    return "\(whole / 86400) d" + (whole / 3600 % 24 > 0 ? " \(whole / 3600 % 24) h" : "")
}

/// The end of the year 9999, in seconds since 1970.
let latestMoment = 253_402_300_799.0

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
