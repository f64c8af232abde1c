// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Glibc

/// A moment: seconds since 1970, as they are in tokens.
struct Instant: ExpressibleByArgument {
    let seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    static func now() -> Instant {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Instant(seconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }

    /// Seconds since 1970, or RFC 3339: `2026-03-01T12:00:00Z`, with fraction and offset.
    init?(argument: String) {
        if let seconds = Double(argument), seconds.isFinite, argument.utf8.allSatisfy({ $0 &- 0x30 < 10 || $0 == 0x2E })
        {
            self.seconds = seconds
            return
        }
        guard let seconds = Self.parseRFC3339(Array(argument.utf8)) else { return nil }
        self.seconds = seconds
    }

    private static func parseRFC3339(_ text: [UInt8]) -> Double? {
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= text.count else { return nil }
            var value = 0
            for byte in text[range] {
                guard byte &- 0x30 < 10 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        func has(_ scalars: Set<Unicode.Scalar>, at index: Int) -> Bool {
            index < text.count && scalars.contains(Unicode.Scalar(text[index]))
        }
        guard let year = number(0..<4), has(["-"], at: 4), let month = number(5..<7), has(["-"], at: 7),
            let day = number(8..<10), has(["T", "t", " "], at: 10), let hour = number(11..<13), has([":"], at: 13),
            let minute = number(14..<16), has([":"], at: 16), let second = number(17..<19),
            (1...12).contains(month), (1...daysInMonth(month, of: year)).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        var index = 19
        var fraction = 0.0
        if has(["."], at: index) {
            index += 1
            var scale = 0.1
            let start = index
            while index < text.count, text[index] &- 0x30 < 10 {
                fraction += Double(text[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
            if index == start { return nil }
        }
        var offset = 0
        if has(["Z", "z"], at: index) {
            index += 1
        } else {
            guard has(["+", "-"], at: index), let hours = number(index + 1..<index + 3), has([":"], at: index + 3),
                let minutes = number(index + 4..<index + 6), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * 60 * (text[index] == UInt8(ascii: "-") ? -1 : 1)
            index += 6
        }
        guard index == text.count else { return nil }
        let seconds = days(to: year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Double(seconds) + fraction
    }

    private static func daysInMonth(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar; the year begins in March, so that the leap day is its last.
    private static func days(to year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let leapDays = year / 4 - year / 100 + year / 400
        return year * 365 + leapDays + dayOfYear - 719_468
    }
}

/// `3m`, `30s`
struct Lifetime: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        seconds = duration.inSeconds
    }

    /// As it is typed, for the help.
    var defaultValueDescription: String { DurationText.format(.seconds(seconds)) }
}
