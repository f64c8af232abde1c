// SPDX-License-Identifier: Apache-2.0

extension HTTPDate {
    /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one format in use today (RFC 9110 §5.6.7); nil for
    /// anything else. The name of the day is not compared with the date.
    public static func seconds(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count == 29, bytes.suffix(4).elementsEqual(" GMT".utf8), bytes[3] == UInt8(ascii: ","),
            [4, 7, 11, 16].allSatisfy({ bytes[$0] == 0x20 }), [19, 22].allSatisfy({ bytes[$0] == UInt8(ascii: ":") })
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard byte &- 0x30 < 10 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        let name = String(decoding: bytes[8..<11], as: UTF8.self)
        guard let month = months.firstIndex(of: name).map({ $0 + 1 }), let day = number(5..<7), (1...31).contains(day),
            let year = number(12..<16), year >= 1970, let hour = number(17..<19), hour < 24,
            let minute = number(20..<22), minute < 60, let second = number(23..<25), second <= 60
        else { return nil }
        return Double(days(to: year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years start in March, so that the leap day is last.
    private static func days(to year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
