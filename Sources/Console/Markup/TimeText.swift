// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Times and lengths of time in words. Times are in UTC, as in the log.
enum TimeText {
    /// `<time>` with the clock time, and the date when it is not today's.
    static func moment(_ time: Double, now: Double) -> HTML {
        let text = HTTPDate.plainText(time)
        let (day, clock) = (text.prefix(10), text.dropFirst(11).prefix(8))
        let isToday = day == HTTPDate.plainText(now).prefix(10)
        return """
            <time datetime="\(String(day))T\(String(clock))Z" title="\(text)">\(isToday ? String(clock) : "\(day) \(clock)")</time>
            """
    }

    /// `<time>` that says how long ago it was.
    static func ago(_ time: Double, now: Double) -> HTML {
        let text = HTTPDate.plainText(time)
        let iso = "\(text.prefix(10))T\(text.dropFirst(11).prefix(8))Z"
        return "<time datetime=\"\(iso)\" title=\"\(text)\">\(agoWords(time, now: now))</time>"
    }

    /// `2026-11-21`
    static func day(_ time: Double) -> String { String(HTTPDate.plainText(time).prefix(10)) }

    /// `09:30`
    static func minute(_ time: Double) -> String { String(HTTPDate.plainText(time).dropFirst(11).prefix(5)) }

    static func agoWords(_ time: Double, now: Double) -> String {
        let seconds = now - time
        return seconds < 5 ? "just now" : "\(length(seconds)) ago"
    }

    /// `42 s`, `7 min`, `3 h`, `12 days`: the largest unit that fits, so it is easy to compare.
    static func length(_ seconds: Double) -> String {
        let seconds = seconds > 0 ? min(seconds, 1e11) : 0
        switch seconds {
        case ..<90: return "\(Int(seconds)) s"
        case ..<5400: return "\(Int(seconds / 60)) min"
        case ..<(36 * 3600): return "\(Int(seconds / 3600)) h"
        default:
            let days = Int(seconds / 86400)
            return days == 1 ? "1 day" : "\(days) days"
        }
    }

    /// `3 days 4 h`, with two units.
    static func uptime(_ seconds: Double) -> String {
        let whole = Int(seconds > 0 ? min(seconds, 1e11) : 0)
        let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days == 1 ? "1 day" : "\(days) days") \(hours) h" }
        if hours > 0 { return "\(hours) h \(minutes) min" }
        return minutes > 0 ? "\(minutes) min" : "\(whole) s"
    }
}

/// Numbers in words.
enum CountText {
    /// `1 sign-in`, `2 sign-ins`; `1,234 sign-ins`.
    static func of(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(grouped(count)) \(count == 1 ? one : many ?? one + "s")"
    }

    /// With a comma after each three digits.
    static func grouped(_ count: some BinaryInteger) -> String {
        let digits = String(count.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return count < 0 ? "-" + text : text
    }

    /// A duration in seconds: `420 µs`, `12 ms`, `1.5 s`.
    static func duration(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite else { return "–" }
        switch seconds {
        case ..<0.001: return "\(Int((seconds * 1e6).rounded())) µs"
        case ..<0.01: return "\(HTML.decimal((seconds * 1e4).rounded() / 10)) ms"
        case ..<1: return "\(Int((seconds * 1000).rounded())) ms"
        default: return "\(HTML.decimal((seconds * 10).rounded() / 10)) s"
        }
    }
}
