// SPDX-License-Identifier: Apache-2.0

/// The date format of HTTP, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
public enum HTTPDate {
    /// - Parameter seconds: since 1970; clamped to the years 1970 to 9999.
    public static func bytes(_ seconds: Double) -> [UInt8] {
        let second = seconds > 0 ? Int64(min(seconds, 253_402_300_799)) : 0
        let days = Int(second / 86400)
        let time = Int(second % 86400)
        let (year, month, day) = civil(days)
        var output: [UInt8] = []
        output.reserveCapacity(29)
        // 1970-01-01 was a Thursday.
        output.append(contentsOf: Self.dayNames[(days + 4) % 7].utf8)
        output.append(contentsOf: ", ".utf8)
        appendTwo(day, into: &output)
        output.append(0x20)
        output.append(contentsOf: Self.monthNames[month - 1].utf8)
        output.append(0x20)
        appendTwo(year / 100, into: &output)
        appendTwo(year % 100, into: &output)
        output.append(0x20)
        appendTwo(time / 3600, into: &output)
        output.append(UInt8(ascii: ":"))
        appendTwo(time / 60 % 60, into: &output)
        output.append(UInt8(ascii: ":"))
        appendTwo(time % 60, into: &output)
        output.append(contentsOf: " GMT".utf8)
        return output
    }

    /// A time for people, `2026-11-21 09:30:00 UTC`.
    ///
    /// - Parameter seconds: as above.
    public static func plainText(_ seconds: Double) -> String {
        let second = seconds > 0 ? Int64(min(seconds, 253_402_300_799)) : 0
        let (year, month, day) = civil(Int(second / 86400))
        let time = Int(second % 86400)
        var output: [UInt8] = []
        output.reserveCapacity(23)
        appendTwo(year / 100, into: &output)
        appendTwo(year % 100, into: &output)
        for (separator, value) in [
            ("-", month), ("-", day), (" ", time / 3600), (":", time / 60 % 60), (":", time % 60),
        ] {
            output.append(contentsOf: separator.utf8)
            appendTwo(value, into: &output)
        }
        return String(decoding: output, as: UTF8.self) + " UTC"
    }

    private static func appendTwo(_ value: Int, into output: inout [UInt8]) {
        output.append(UInt8(truncatingIfNeeded: 0x30 + value / 10 % 10))
        output.append(UInt8(truncatingIfNeeded: 0x30 + value % 10))
    }

    /// The date in the Gregorian calendar of a day counted from 1970-01-01. Years start in March, which puts the leap
    /// day last, and are counted in cycles of 400 years (146,097 days).
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let cycle = shifted / 146_097
        let dayOfCycle = shifted % 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static let dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
