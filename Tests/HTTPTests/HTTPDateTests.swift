// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("HTTP dates")
struct HTTPDateTests {
    @Test(
        "known dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (0.999, "Thu, 01 Jan 1970 00:00:00 GMT"),
            // RFC 9110 §5.6.7.
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (978_307_199, "Sun, 31 Dec 2000 23:59:59 GMT"),
            (1_234_567_890, "Fri, 13 Feb 2009 23:31:30 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (2_147_483_647, "Tue, 19 Jan 2038 03:14:07 GMT"),
            // 2100 is no leap year.
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (1e300, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ])
    func known(seconds: Double, text: String) {
        #expect(String(decoding: HTTPDate.bytes(seconds), as: UTF8.self) == text)
    }

    @Test("each day of 400 years follows the one before")
    func eachDay() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        var day = 0
        for year in 1970..<2370 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for month in 0..<12 {
                for date in 1...lengths[month] + (isLeap && month == 1 ? 1 : 0) {
                    let two = date < 10 ? "0\(date)" : "\(date)"
                    let wanted = "\(names[day % 7]), \(two) \(months[month]) \(year) 12:34:56 GMT"
                    let found = HTTPDate.bytes(Double(day) * 86400 + 45296)
                    if found != Array(wanted.utf8) {
                        Issue.record("\(wanted) is \(String(decoding: found, as: UTF8.self))")
                        return
                    }
                    day += 1
                }
            }
        }
    }
}
