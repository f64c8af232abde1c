// SPDX-License-Identifier: Apache-2.0

/// Writes times as RFC 3339 in UTC with milliseconds, `2026-11-21T09:30:00.125Z`. Most lines have the same second as
/// the line before, so its text is cached.
struct Timestamp: Sendable {
    private var second: UInt64 = .max
    /// `2026-11-21T09:30:00.`, as written: 16 bytes, and the last 4.
    private var dateAndHour: (UInt64, UInt64) = (0, 0)
    private var rest: UInt64 = 0

    /// The room that a time needs; it fills 24 bytes.
    static let room = 32

    /// - Parameter time: seconds since 1970; negative values and NaN become 1970, and 9999 is the last year.
    mutating func append(_ time: Double, to out: inout OutputSpan<UInt8>) {
        let bounded = time > 0 ? min(time, Self.lastMillisecond) : 0
        // Truncated, not rounded: a time must never show the next second early.
        let milliseconds = UInt64(bounded * 1000)
        let second = milliseconds / 1000
        if second != self.second { format(second) }
        out.append(word: dateAndHour.0, count: 8)
        out.append(word: dateAndHour.1, count: 8)
        out.append(word: rest, count: 4)
        out.append(milliseconds % 1000, width: 3)
        out.append(UInt8(ascii: "Z"))
    }

    private mutating func format(_ second: UInt64) {
        self.second = second
        let (year, month, day) = Self.date(ofDay: second / 86400)
        let time = second % 86400
        dateAndHour.0 = Self.word(year, 4) | Self.dash << 32 | Self.word(month, 2) << 40 | Self.dash << 56
        dateAndHour.1 =
            Self.word(day, 2) | Self.letterT << 16 | Self.word(time / 3600, 2) << 24 | Self.colon << 40
            | Self.word(time / 60 % 60, 2) << 48
        rest = Self.colon | Self.word(time % 60, 2) << 8 | Self.dot << 24
    }

    /// The last `count` digits of `value`, the first in the lowest byte.
    private static func word(_ value: UInt64, _ count: Int) -> UInt64 {
        var value = value
        var word: UInt64 = 0
        for _ in 0..<count {
            word = word << 8 | (value % 10 | 0x30)
            value /= 10
        }
        return word
    }

    private static let dash = UInt64(UInt8(ascii: "-"))
    private static let letterT = UInt64(UInt8(ascii: "T"))
    private static let colon = UInt64(UInt8(ascii: ":"))
    private static let dot = UInt64(UInt8(ascii: "."))

    /// The Gregorian date of a day since 1970-01-01, by counting years from 1 March, so that the leap day is last
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func date(ofDay days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// 9999-12-31T23:59:59.999Z
    private static let lastMillisecond = 253_402_300_799.999
}
