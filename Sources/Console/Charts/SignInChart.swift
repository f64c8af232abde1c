// SPDX-License-Identifier: Apache-2.0

import Decisions
import Pages

/// Sign-ins and refusals of the last hour: stacked bars of two minutes, a table of the totals that is the legend too, and the
/// same in figures for each five minutes.
struct SignInChart {
    private let bars: [SignInSpan]
    private let rows: [SignInSpan]
    private let totals: SignInTotals
    private let recent: SignInTotals
    /// Refusals with a fill of their own; the others share the last one.
    private let named: [Reason]
    private let now: Double

    init(_ history: SignInHistory, now: Double) {
        self.now = now
        bars = history.spans(30, of: 2, now: now)
        rows = history.spans(12, of: 5, now: now)
        totals = history.totals(minutes: SignInHistory.minutes, now: now)
        recent = history.totals(minutes: SignInTotals.recentMinutes, now: now)
        named = totals.byReason.prefix(ChartFill.count - 2).map(\.reason)
    }

    var html: HTML {
        """
        <div class="card split">
        <figure><figcaption id="sign-in-chart">Sign-ins and refusals, two minutes a bar</figcaption>
        <div class="chart">\(frame.axis)<svg height="\(frame.full)" role="img" aria-labelledby="sign-in-chart sign-in-words">\
        <desc id="sign-in-words">\(summary)</desc>\(frame.rules)\(bars.enumerated().map(bar))</svg></div></figure>
        <div>\(legend)\(figures)</div>
        </div>
        """
    }

    // MARK: The bars

    private var frame: ChartFrame {
        let shown = [0, 10, 20, 29]
        return ChartFrame(
            height: 232, scale: ChartScale(highest: Double(bars.map(\.total).max() ?? 0)),
            label: { CountText.grouped(Int($0)) },
            times: shown.map { index in
                (index == 29 ? 1 : Double(index) / 30, index == 29 ? "now" : TimeText.minute(bars[index].start))
            })
    }

    private func bar(_ index: Int, _ span: SignInSpan) -> HTML {
        guard span.total > 0 else { return HTML() }
        let frame = frame
        var below = 0
        var parts: [HTML] = []
        for fill in 0..<ChartFill.count {
            let count = count(span, fill)
            guard count > 0 else { continue }
            let top = Double(frame.y(Double(below + count))) ?? 0
            let bottom = Double(frame.y(Double(below))) ?? 0
            parts.append(
                """
                <rect class="gap" x="\(HTML.percent(Double(index) + 0.12, of: 30))%" y="\(HTML.decimal(top))" \
                width="\(HTML.percent(0.76, of: 30))%" height="\(HTML.decimal(max(1, bottom - top)))"\(ChartFill.attribute(fill))/>
                """)
            below += count
        }
        return "<g><title>\(words(span))</title>\(parts)</g>"
    }

    private func count(_ span: SignInSpan, _ fill: Int) -> Int {
        if fill == 0 { return span.counts[.signedIn] ?? 0 }
        if fill <= named.count { return span.counts[.refused(named[fill - 1])] ?? 0 }
        guard fill == ChartFill.count - 1 else { return 0 }
        return span.counts.reduce(0) { sum, entry in
            if case .refused(let reason) = entry.key, !named.contains(reason) { sum + entry.value } else { sum }
        }
    }

    private func words(_ span: SignInSpan) -> String {
        let end = TimeText.minute(span.start + Double(span.minutes) * 60)
        var parts = ["\(TimeText.minute(span.start))–\(end)"]
        let entries = span.counts.sorted { Self.code($0.key) < Self.code($1.key) }
        parts += entries.map { "\(Self.code($0.key)): \($0.value)" }
        return parts.joined(separator: ", ")
    }

    private static func code(_ series: SignInSeries) -> String {
        switch series {
        case .signedIn: "signed in"
        case .refused(let reason): reason.rawValue
        }
    }

    private var summary: String {
        let refused = CountText.of(totals.refusals, "refusal")
        var text = "In the last hour \(CountText.of(totals.signIns, "sign-in")) and \(refused)."
        if let busiest = bars.max(by: { $0.total < $1.total }), busiest.total > 0 {
            text += " Most in two minutes: \(busiest.total), from \(TimeText.minute(busiest.start))."
        }
        return text
    }

    // MARK: The tables

    private var legend: HTML {
        let others = totals.byReason.dropFirst(named.count)
        let rest: HTML =
            others.isEmpty
            ? HTML()
            : row(
                ChartFill.count - 1, "\(others.count) other reasons",
                others.map(\.reason.rawValue).joined(separator: ", "),
                recent.byReason.filter { !named.contains($0.reason) }.reduce(0) { $0 + $1.count },
                others.reduce(0) { $0 + $1.count }, others.map(\.last).max())
        return """
            <table class="legend"><caption>Totals</caption>
            <thead><tr><th scope="col"><span class="sr">In the chart</span></th><th scope="col">What</th>\
            <th scope="col" class="n">15 min</th><th scope="col" class="n">1 hour</th><th scope="col" class="n wide">Last</th></tr></thead>
            <tbody>
            \(row(0, "Signed in", "", recent.signIns, totals.signIns, totals.lastSignIn))\
            \(totals.byReason.prefix(named.count).enumerated().map { index, refusals in
                row(
                    index + 1, refusals.reason.text?.title ?? refusals.reason.rawValue, refusals.reason.rawValue,
                    recent.byReason.first { $0.reason == refusals.reason }?.count ?? 0, refusals.count, refusals.last)
            })\(rest)</tbody></table>
            """
    }

    private func row(_ fill: Int, _ words: String, _ code: String, _ recent: Int, _ hour: Int, _ last: Double?) -> HTML
    {
        let why: HTML = code.isEmpty || code == words ? HTML() : "<span class=\"why\">\(code)</span>"
        return """
            <tr><td>\(ChartFill.swatch(fill))</td><th scope="row">\(words)\(why)</th><td class="n">\(CountText.grouped(recent))</td>\
            <td class="n">\(CountText.grouped(hour))</td><td class="n wide">\(HTML.unwrap(last) { TimeText.moment($0, now: now) })</td></tr>

            """
    }

    private var figures: HTML {
        """
        <details id="sign-in-figures"><summary>Figures for each five minutes</summary>
        <table><caption>Sign-ins and refusals</caption><thead><tr><th scope="col">From</th><th scope="col" class="n">Signed in</th>\
        <th scope="col" class="n">Refused</th><th scope="col">Reasons</th></tr></thead><tbody>
        \(rows.reversed().map { span -> HTML in
            let signIns = span.counts[.signedIn] ?? 0
            let reasons = span.counts.compactMap { entry -> String? in
                if case .refused(let reason) = entry.key { "\(reason.rawValue) \(entry.value)" } else { nil }
            }.sorted().joined(separator: ", ")
            return """
                <tr><th scope="row">\(TimeText.minute(span.start))</th><td class="n">\(signIns)</td>\
                <td class="n">\(span.total - signIns)</td><td>\(reasons)</td></tr>

                """
        })</tbody></table></details>
        """
    }
}
