// SPDX-License-Identifier: Apache-2.0

/// The first page: one glance tells whether people can sign in and work.
package struct OverviewPage {
    private let facts: ConsoleFacts
    private let visitor: ConsoleVisitor
    /// Sessions that are known; nil: not known.
    private let sessions: Int?

    package init(_ facts: ConsoleFacts, _ visitor: ConsoleVisitor, sessions: Int?) {
        self.facts = facts
        self.visitor = visitor
        self.sessions = sessions
    }

    package var html: HTML {
        let headline = facts.headline
        return facts.page(
            headline.sentence, ConsolePath.overview, visitor,
            """
            \(ChartFill.definitions)
            \(header(headline))
            <section aria-labelledby="h-state" id="states" data-live><div class="lead"><h2 id="h-state">State</h2></div>
            \(StatusCards(status: facts.status).html)</section>
            <section aria-labelledby="h-sign-ins" id="sign-ins" data-live><div class="lead"><h2 id="h-sign-ins">Sign-ins and refusals</h2>\
            <p class="soft">the last hour</p></div>
            \(SignInChart(facts.signIns, now: facts.status.now).html)</section>
            <section aria-labelledby="h-traffic" id="traffic" data-live><div class="lead"><h2 id="h-traffic">Requests</h2>\
            <p class="soft">the last hour, in steps of a minute</p></div>
            \(TrafficChart(facts.traffic, now: facts.sample, bounds: facts.bounds).html)</section>
            <section aria-labelledby="h-latest"><div class="lead"><h2 id="h-latest">Latest events</h2>\
            <p><a href="\(ConsolePath.audit)">All of the audit trail</a></p></div>
            \(latest)</section>
            """)
    }

    private func header(_ headline: Headline) -> HTML {
        let (name, mark): (HTML, HTML) =
            switch headline.severity {
            case .failure: (" bad", Marks.bad)
            case .warning: (" warn", Marks.warn)
            case .note: ("", Marks.good)
            }
        return """
            <header class="card headline\(name)" id="headline" data-live><span class="mark">\(mark)</span>
            <div><h1>\(headline.sentence)</h1><p>\(summary)</p></div>
            \(findings(headline.findings))</header>
            """
    }

    private var summary: HTML {
        let status = facts.status
        let signedIn: HTML = HTML.unwrap(sessions) { count -> HTML in
            "<a href=\"\(ConsolePath.sessions)\">\(CountText.of(count, "session"))</a> · "
        }
        return """
            \(signedIn)up \(TimeText.uptime(status.now - status.startedAt)) · \(CountText.of(status.workers, "worker")) · version \(status.version)
            """
    }

    private func findings(_ findings: [StatusFinding]) -> HTML {
        guard !findings.isEmpty else { return HTML() }
        let items = findings.map { finding -> HTML in
            let word =
                switch finding.severity {
                case .failure: Marks.pill(.failure, "Fails")
                case .warning: Marks.pill(.warning, "Soon")
                case .note: Marks.pill(nil, "Note")
                }
            return "<li><span>\(word)</span><p>\(finding.problem)</p><p>\(finding.fix)</p></li>"
        }
        return "<ul class=\"findings\">\(items)</ul>"
    }

    private var latest: HTML {
        EventTable(
            caption: "The latest first", events: facts.trail.newest(Self.rows), now: facts.status.now,
            liveRows: Self.rows,
            empty: "Nobody has signed in, been refused or signed out since the start."
        ).html
    }

    private static let rows = 12
}
