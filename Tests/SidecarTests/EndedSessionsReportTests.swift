// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Sidecar

@Suite("The report about ended sessions that there was no room to remember")
struct EndedSessionsReportTests {
    @Test("it counts all, and logs at once and then once a minute")
    func onceAMinute() {
        let log = TestLog()
        let report = EndedSessionsReport(logger: log.logger)
        report.full(.gate, 0, now: 1)
        #expect(log.text.isEmpty)
        for now in [10.0, 11, 69] { report.full(.gate, 2, now: now) }
        #expect(report.total == 6)
        #expect(log.text.split(separator: "\n").count == 1)
        report.full(.gate, 1, now: 70)
        let lines = log.text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.contains(#""ended":"2""#) ?? false)
        #expect(lines.last?.contains(#""ended":"5""#) ?? false)
        #expect(report.total == 7)
    }

    @Test("what Redis has no room for is logged on its own")
    func places() {
        let log = TestLog()
        let report = EndedSessionsReport(logger: log.logger)
        for place in EndedSessionsReport.Place.allCases { report.full(place, 1, now: 1) }
        #expect(report.total == 2)
        let lines = log.text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.contains(#""where":"gate""#) ?? false)
        #expect(lines.last?.contains(#""where":"redis""#) ?? false)
    }
}
