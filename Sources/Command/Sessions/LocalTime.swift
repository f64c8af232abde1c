// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Times in the zone of this machine.
enum LocalTime {
    /// `2026-11-30 17:05`, of a time in RFC 3339; what cannot be read stays as it is.
    static func text(_ time: String) -> String {
        guard let instant = Instant(argument: time) else { return time }
        var seconds = time_t(max(0, min(instant.seconds, 253_402_300_799)))
        var parts = unsafe tm()
        guard unsafe localtime_r(&seconds, &parts) != nil else { return time }
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        let (year, month, day) = unsafe (parts.tm_year, parts.tm_mon, parts.tm_mday)
        let (hour, minute) = unsafe (parts.tm_hour, parts.tm_min)
        return "\(year + 1900)-\(two(month + 1))-\(two(day)) \(two(hour)):\(two(minute))"
    }
}
