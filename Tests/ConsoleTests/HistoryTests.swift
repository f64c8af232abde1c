// SPDX-License-Identifier: Apache-2.0

import Console
import Decisions
import Testing

@Suite("The last hour")
struct HistoryTests {
    @Test("sign-ins count in their minute, and are forgotten after an hour")
    func signIns() {
        var history = SignInHistory()
        let now = Samples.now
        history.add(.signedIn, at: now - 3700)
        history.add(.signedIn, at: now - 3000)
        history.add(.refused(.expired), at: now - 3000)
        history.add(.refused(.expired), at: now)
        let totals = history.totals(minutes: 60, now: now)
        #expect(totals.signIns == 1 && totals.refusals == 2 && totals.lastSignIn == now - 3000)
        #expect(totals.byReason == [SignInTotals.Refusals(reason: .expired, count: 2, last: now)])
        #expect(history.totals(minutes: 15, now: now).signIns == 0)
        #expect(history.totals(minutes: 60, now: now + 3600).refusals == 0)
    }

    @Test("bars of two minutes and rows of five hold the same events")
    func spans() {
        var history = SignInHistory()
        for minute in 0..<58 {
            for _ in 0...minute { history.add(.signedIn, at: Samples.now - Double(minute) * 60) }
        }
        let all = (0..<58).reduce(0) { $0 + $1 + 1 }
        for (count, length) in [(30, 2), (12, 5)] {
            let spans = history.spans(count, of: length, now: Samples.now)
            #expect(spans.count == count)
            let last = spans.last?.start ?? 0
            #expect(last <= Samples.now && Samples.now < last + Double(length) * 60)
            #expect(spans.allSatisfy { $0.start.truncatingRemainder(dividingBy: Double(length) * 60) == 0 })
            let shown = spans.reduce(0) { $0 + ($1.counts[.signedIn] ?? 0) }
            #expect(shown <= all && shown > all * 3 / 4)
        }
    }

    @Test("any time is taken, and memory stays bounded")
    func odd() {
        var history = SignInHistory()
        for time in [-1, .nan, .infinity, 1e300, 0, 59.9] { history.add(.signedIn, at: time) }
        #expect(history.totals(minutes: 60, now: 30).signIns == 2)
        #expect(history.totals(minutes: 60, now: .nan) == SignInTotals())
        // An event that comes late does not displace a newer minute.
        history.add(.signedIn, at: Samples.now)
        history.add(.refused(.expired), at: Samples.now - 3600)
        #expect(history.totals(minutes: 60, now: Samples.now).signIns == 1)
    }

    @Test("requests between two samples are their difference")
    func traffic() {
        var history = TrafficHistory()
        for minute in 0...90 {
            history.add(
                TrafficSample(
                    time: Double(minute) * 60, requests: UInt64(minute * 10), errors: UInt64(minute),
                    durations: [UInt64(minute * 10), 0]))
        }
        let now = TrafficSample(time: 90 * 60 + 30, requests: 905, errors: 91, durations: [904, 1])
        let hour = history.span(minutes: 60, now: now)
        #expect(hour?.requests == 605 && hour?.errors == 61)
        #expect(history.span(minutes: 5, now: now)?.requests == 55)
        let minutes = history.minutes(now: now)
        #expect(minutes.count <= 62 && minutes.dropLast().allSatisfy { $0.requests == 10 })
    }

    @Test("one sample a minute is kept, none is needed twice, and a clock that goes back starts it again")
    func sampling() {
        var history = TrafficHistory()
        #expect(history.isDue(0))
        for second in 0..<300 {
            history.add(TrafficSample(time: Double(second), requests: UInt64(second), errors: 0, durations: []))
        }
        #expect(history.minutes(now: TrafficSample(time: 300, requests: 300, errors: 0, durations: [])).count <= 6)
        history.add(TrafficSample(time: 10, requests: 400, errors: 0, durations: []))
        let spans = history.minutes(now: TrafficSample(time: 20, requests: 405, errors: 0, durations: []))
        #expect(spans.map(\.requests) == [5])
    }

    @Test(
        "percentiles are interpolated within their bucket",
        arguments: [
            ([100, 0, 0, 0], 0.5, 0.005), ([0, 100, 0, 0], 0.5, 0.055), ([50, 50, 0, 0], 0.5, 0.01),
            ([50, 50, 0, 0], 0.99, 0.0982), ([0, 0, 0, 5], 0.5, 1.0), ([1, 0, 0, 0], 0.99, 0.0099),
        ] as [([UInt64], Double, Double)])
    func percentiles(durations: [UInt64], share: Double, seconds: Double) throws {
        let span = TrafficSpan(start: 0, end: 60, requests: 0, errors: 0, durations: durations)
        let found = try #require(span.percentile(share, bounds: [0.01, 0.1, 1]))
        #expect(abs(found - seconds) < 1e-9)
    }

    @Test("without requests there is no percentile")
    func nothing() {
        let span = TrafficSpan(start: 0, end: 60, requests: 0, errors: 0, durations: [0, 0])
        #expect(span.percentile(0.5, bounds: [1]) == nil)
    }
}

@Suite("The ring of events")
struct AuditTrailTests {
    private static func event(_ number: Int) -> TrailEvent {
        TrailEvent(time: Double(number), kind: .good, event: "login", user: "user\(number)")
    }

    @Test("it keeps the last ones, numbers them, and says how many were forgotten")
    func ring() {
        var trail = TrailRing()
        #expect(trail.newest(5) == [] && trail.last == 0)
        for number in 1...(TrailRing.capacity + 250) { trail.add(Self.event(number)) }
        let last = UInt64(TrailRing.capacity + 250)
        #expect(trail.last == last)
        #expect(trail.newest(3).map(\.number) == [last, last - 1, last - 2])
        #expect(trail.newest(10_000).count == TrailRing.capacity)
        let all = trail.events(after: 0, limit: .max)
        #expect(all.forgotten == 250 && all.events.map(\.number) == Array(251...last))
        let some = trail.events(after: last - 10, limit: 4)
        #expect(some.forgotten == 0 && some.events.map(\.number) == Array((last - 9)...(last - 6)))
        #expect(some.events.map(\.user) == (last - 9...last - 6).map { "user\($0)" })
        #expect(trail.events(after: last, limit: 4).events == [])
    }

    @Test("a number of the future is that of another process: everything follows")
    func future() {
        var trail = TrailRing()
        for number in 1...3 { trail.add(Self.event(number)) }
        #expect(trail.events(after: 99, limit: 10).events.count == 3)
    }
}
