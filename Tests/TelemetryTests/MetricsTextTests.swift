// SPDX-License-Identifier: Apache-2.0

import Telemetry
import Testing

@Suite("Metrics in Prometheus' text format")
struct MetricsTextTests {
    @Test("Families, samples and labels follow the format")
    func format() {
        var text = MetricsText()
        text.family("requests_total", .counter, "How many.")
        text.sample([("code", "200"), ("route", "default")], UInt64(3))
        text.family("up", .gauge, "Whether.")
        text.sample([], 1.5)
        #expect(
            text.text == """
                # HELP requests_total How many.
                # TYPE requests_total counter
                requests_total{code="200",route="default"} 3
                # HELP up Whether.
                # TYPE up gauge
                up 1.5

                """)
    }

    @Test("A histogram's buckets are cumulative")
    func histogram() {
        var text = MetricsText()
        text.family("seconds", .histogram, "How long.")
        text.histogram([("route", "a")], bounds: [0.1, 1], counts: [1, 2, 4][...], sum: 9.5)
        #expect(
            text.text.split(separator: "\n").dropFirst(2).map(String.init) == [
                "seconds_bucket{route=\"a\",le=\"0.1\"} 1", "seconds_bucket{route=\"a\",le=\"1\"} 3",
                "seconds_bucket{route=\"a\",le=\"+Inf\"} 7", "seconds_sum{route=\"a\"} 9.5",
                "seconds_count{route=\"a\"} 7",
            ])
    }

    @Test("No value ends its label or its line")
    func escapes() {
        var text = MetricsText()
        text.family("x", .gauge, "X.")
        text.sample([("a", "q\"b\\n\nup 1")], UInt64(1))
        #expect(text.text.split(separator: "\n").last == #"x{a="q\"b\\n\nup 1"} 1"#)
    }

    @Test(
        "Numbers are written as numbers",
        arguments: [
            (0, "0"), (12, "12"), (0.25, "0.25"), (1.7e9, "1700000000"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"),
        ])
    func numbers(value: Double, written: String) {
        var text = MetricsText()
        text.family("x", .gauge, "X.")
        text.sample([], value)
        #expect(text.text.hasSuffix("\nx \(written)\n"))
    }
}
