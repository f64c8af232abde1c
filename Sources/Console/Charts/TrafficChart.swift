// SPDX-License-Identifier: Apache-2.0

/// Requests, errors and latency of the last hour: two small charts, and the figures of the last minutes.
struct TrafficChart {
    private let minutes: [TrafficSpan]
    private let history: TrafficHistory
    private let sample: TrafficSample
    private let bounds: [Double]

    /// - Parameters:
    ///   - sample: the counters of now.
    ///   - bounds: of the buckets of durations, in seconds.
    init(_ history: TrafficHistory, now sample: TrafficSample, bounds: [Double]) {
        self.history = history
        self.sample = sample
        self.bounds = bounds
        minutes = history.minutes(now: sample).filter { $0.end - $0.start >= 5 }
    }

    var html: HTML {
        """
        <div class="card split"><div class="pair">\(requests)\(latency)</div><div>\(figures)</div></div>
        """
    }

    private var start: Double { sample.time - 3600 }

    private func share(_ time: Double) -> Double { min(1, max(0, (time - start) / 3600)) }

    private var times: [(share: Double, words: String)] {
        [(0, TimeText.minute(start)), (0.5, TimeText.minute(start + 1800)), (1, "now")]
    }

    // MARK: Requests

    private func rate(_ span: TrafficSpan, _ count: UInt64) -> Double {
        Double(count) * 60 / max(1, span.end - span.start)
    }

    private var requests: HTML {
        let frame = ChartFrame(
            scale: ChartScale(highest: minutes.map { rate($0, $0.requests) }.max() ?? 0), label: Self.short,
            times: times)
        let bars = minutes.map { span -> HTML in
            let (x, end) = (share(span.start), share(span.end))
            guard end > x, span.requests > 0 else { return HTML() }
            let position: HTML = "x=\"\(HTML.percent(x, of: 1))%\" width=\"\(HTML.percent((end - x) * 0.8, of: 1))%\""
            let title =
                "\(TimeText.minute(span.start)): \(CountText.of(Int(clamping: span.requests), "request")), "
                + CountText.of(Int(clamping: span.errors), "error")
            return """
                <g><title>\(title)</title>\(Self.bar(frame, position, rate(span, span.requests), " class=\"f4\""))\
                \(span.errors > 0 ? Self.bar(frame, position, rate(span, span.errors), " fill=\"url(#p1)\"") : HTML())</g>
                """
        }
        return figure(
            "requests-chart", "Requests a minute", frame, bars,
            "In the last hour \(CountText.of(Int(clamping: hour?.requests ?? 0), "request")) and \(CountText.of(Int(clamping: hour?.errors ?? 0), "error"))."
        )
    }

    private static func bar(_ frame: ChartFrame, _ position: HTML, _ value: Double, _ fill: HTML) -> HTML {
        let top = Double(frame.y(value)) ?? 0
        return """
            <rect \(position) y="\(HTML.decimal(top))" height="\(HTML.decimal(max(1, ChartFrame.top + frame.height - top)))"\(fill)/>
            """
    }

    // MARK: Latency

    private var latency: HTML {
        let spans = minutes.filter { $0.requests > 0 }
        let highest = spans.compactMap { $0.percentile(0.99, bounds: bounds) }.max() ?? 0
        let frame = ChartFrame(
            scale: ChartScale(highest: highest * 1000),
            label: { $0 >= 1000 ? "\(HTML.decimal($0 / 1000)) s" : Self.short($0) },
            times: times)
        let lines = Self.shares.enumerated().map { index, share -> HTML in
            let points = spans.compactMap { span in
                span.percentile(share, bounds: bounds).map {
                    (x: self.share((span.start + span.end) / 2), y: $0 * 1000)
                }
            }
            return line(points, frame, "l\(index)")
        }
        return figure(
            "latency-chart", "Latency in ms", frame, lines,
            Self.shares.map { share in
                "p\(Int(share * 100)) \(CountText.duration(hour?.percentile(share, bounds: bounds)))"
            }.joined(separator: ", ") + " in the last hour.")
    }

    /// Each piece by itself, since points of a polyline cannot be shares of the width.
    private func line(_ points: [(x: Double, y: Double)], _ frame: ChartFrame, _ name: String) -> HTML {
        let pieces = zip(points, points.dropFirst()).map { from, to -> HTML in
            """
            <line class="line \(name)" x1="\(HTML.percent(from.x, of: 1))%" x2="\(HTML.percent(to.x, of: 1))%" \
            y1="\(frame.y(from.y))" y2="\(frame.y(to.y))"/>
            """
        }
        guard pieces.isEmpty, let only = points.first else { return "\(pieces)" }
        return """
            <line class="line \(name)" x1="\(HTML.percent(max(0, only.x - 0.02), of: 1))%" x2="\(HTML.percent(only.x, of: 1))%" \
            y1="\(frame.y(only.y))" y2="\(frame.y(only.y))"/>
            """
    }

    private func figure(_ id: String, _ caption: String, _ frame: ChartFrame, _ marks: [HTML], _ words: String) -> HTML
    {
        """
        <figure><figcaption id="\(id)">\(caption)</figcaption><div class="chart">\(frame.axis)\
        <svg height="\(frame.full)" role="img" aria-labelledby="\(id) \(id)-words"><desc id="\(id)-words">\(words)</desc>\
        \(frame.rules)\(marks)</svg></div></figure>
        """
    }

    // MARK: Figures

    private var hour: TrafficSpan? { history.span(minutes: 60, now: sample) }

    private var figures: HTML {
        let spans = [5, 15, 60].map { ($0, history.span(minutes: $0, now: sample)) }
        func row(_ swatch: HTML, _ words: String, _ value: (TrafficSpan) -> String) -> HTML {
            """
            <tr><td>\(swatch)</td><th scope="row">\(words)</th>\(spans.map { _, span -> HTML in
                "<td class=\"n\">\(span.map(value) ?? "–")</td>"
            })</tr>

            """
        }
        return """
            <table class="legend"><caption>Requests</caption><thead><tr><th scope="col"><span class="sr">In the chart</span></th><th scope="col">What</th>\(spans.map { minutes, _ -> HTML in
                "<th scope=\"col\" class=\"n\">\(minutes == 60 ? "1 hour" : "\(minutes) min")</th>"
            })</tr></thead><tbody>
            \(row(Self.requestSwatch, "Requests") { CountText.grouped($0.requests) })\
            \(row(ChartFill.swatch(1), "Errors (5xx)") { CountText.grouped($0.errors) })\
            \(row(HTML(), "Share of errors") { $0.requests == 0 ? "–" : HTML.percent(Double($0.errors), of: Double($0.requests)) + " %" })\
            \(Self.shares.enumerated().map { index, share in
                row(Self.lineSwatch(index), "p\(Int(share * 100))") {
                    CountText.duration($0.percentile(share, bounds: bounds))
                }
            })</tbody></table>
            """
    }

    private static let shares = [0.5, 0.9, 0.99]

    private static let requestSwatch: HTML =
        "<svg class=\"swatch\" aria-hidden=\"true\"><rect class=\"f4\" width=\"100%\" height=\"100%\"/></svg>"

    private static func lineSwatch(_ index: Int) -> HTML {
        "<svg class=\"swatch\" aria-hidden=\"true\"><line class=\"line l\(index)\" x2=\"100%\" y1=\"7\" y2=\"7\"/></svg>"
    }

    /// `1.2k` for a tick.
    private static func short(_ value: Double) -> String {
        value >= 10_000 ? "\(HTML.decimal(value / 1000))k" : HTML.decimal(value)
    }
}
