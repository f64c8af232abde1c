// SPDX-License-Identifier: Apache-2.0

import Decisions
import Telemetry
import Testing

@Suite("Times and numbers in lines")
struct NumberTests {
    @Test(
        "Times are RFC 3339 in UTC, to the millisecond",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (0.9999, "1970-01-01T00:00:00.999Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"), (1_709_164_800.5, "2024-02-29T00:00:00.500Z"),
            (1_735_689_599.25, "2024-12-31T23:59:59.250Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000, "2100-02-28T00:00:00.000Z"), (1_795_253_400.007, "2026-11-21T09:30:00.007Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"), (1e300, "9999-12-31T23:59:59.999Z"),
            (-5, "1970-01-01T00:00:00.000Z"), (.nan, "1970-01-01T00:00:00.000Z"),
            (.infinity, "9999-12-31T23:59:59.999Z"),
        ] as [(Double, String)])
    func times(time: Double, text: String) {
        #expect(
            line(AccessLine(time: time, status: 200, bytes: 0, duration: 0, outcome: .answer)).contains("\"\(text)\""))
    }

    @Test("The cached text of a second is not used for the next, nor for the previous one")
    func keptSecond() {
        var log = AccessLog(format: .json)
        for (time, text) in [(10.0, "10.000"), (10.5, "10.500"), (11.0, "11.000"), (10.25, "10.250"), (70.0, "10.000")]
        {
            let minute = time >= 60 ? "01" : "00"
            var out: [UInt8] = []
            let none: [UInt8] = []
            log.append(
                AccessLine(time: time, status: 200, bytes: 0, duration: 0, outcome: .answer), id: none.span,
                client: none.span, method: none.span, host: none.span, path: none.span, user: none.span,
                userAgent: none.span, to: &out)
            #expect(String(decoding: out, as: UTF8.self).contains("T00:\(minute):\(text)Z\""))
        }
    }

    @Test(
        "Counts are exact over their whole range",
        arguments: [
            0, 9, 10, 99, 100, 12_345_678, 99_999_999, 100_000_000, 100_000_001, 9_999_999_999_999_999,
            10_000_000_000_000_000, .max,
        ] as [UInt64])
    func counts(value: UInt64) {
        #expect(
            line(AccessLine(time: 0, status: 200, bytes: value, duration: 0, outcome: .answer))
                .contains("\"bytes\":\(value),"))
    }

    @Test(
        "Durations are seconds to the microsecond",
        arguments: [
            (0, "0.000000"), (0.0000004, "0.000000"), (0.0000006, "0.000001"), (1, "1.000000"), (61.5, "61.500000"),
            (0.9999999, "1.000000"), (123_456.789, "123456.789000"), (-1, "0.000000"), (.nan, "0.000000"),
            (.infinity, "1000000000.000000"),
        ] as [(Double, String)])
    func durations(value: Double, text: String) {
        #expect(
            line(AccessLine(time: 0, status: 200, bytes: 0, duration: value, outcome: .answer))
                .contains("\"duration\":\(text),"))
    }

    private func line(_ values: AccessLine) -> String {
        var log = AccessLog(format: .json)
        var out: [UInt8] = []
        let none: [UInt8] = []
        log.append(
            values, id: none.span, client: none.span, method: none.span, host: none.span, path: none.span,
            user: none.span, userAgent: none.span, to: &out)
        return String(decoding: out, as: UTF8.self)
    }
}
