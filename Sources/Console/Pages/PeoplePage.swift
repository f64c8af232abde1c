// SPDX-License-Identifier: Apache-2.0

import Decisions
import Pages

/// "Why can Ada not sign in?": what is known of a person, and what to do.
package struct PeoplePage {
    private let facts: ConsoleFacts
    private let visitor: ConsoleVisitor
    private let query: String
    private let sessions: ListedSessions
    private let said: String

    /// - Parameter sessions: those that the search finds.
    package init(
        _ facts: ConsoleFacts, _ visitor: ConsoleVisitor, query: String, sessions: ListedSessions, said: String = ""
    ) {
        self.facts = facts
        self.visitor = visitor
        self.query = query
        self.sessions = sessions
        self.said = said
    }

    package var html: HTML {
        let events = query.isEmpty ? [] : facts.trail.newest(Self.rows) { $0.mentions(SearchTerm(query)) }
        return facts.page(
            query.isEmpty ? "People" : "People: \(query)", ConsolePath.people, visitor, query: query,
            """
            <section aria-labelledby="h-people"><div class="lead">\
            <h1 id="h-people">\(query.isEmpty ? "Why can somebody not sign in?" : "Why can “\(query)” not sign in?")</h1></div>
            \(said.isEmpty ? HTML() : "<p class=\"said\" role=\"status\">\(said)</p>")
            <form class="find" role="search" action="\(ConsolePath.people)" aria-label="People">
            <label class="sr" for="people-search">User, client address or request ID</label>
            <input id="people-search" type="search" name="q" value="\(query)" maxlength="256" placeholder="User, client address or request ID">
            <button class="button first">Search</button></form></section>
            \(query.isEmpty ? explanation : result(events))
            \(nameless)
            """)
    }

    private var explanation: HTML {
        """
        <p class="soft">Search for a part of the user's name or e-mail address, for the address of the client, or for the request ID \
        that the person sees on the page. The search covers the last \(CountText.grouped(TrailRing.capacity)) events of this gate since its start, and the sessions.</p>
        """
    }

    private func result(_ events: [TrailEvent]) -> HTML {
        """
        <section aria-labelledby="h-answer" id="answer" data-live><h2 id="h-answer" class="sr">Answer</h2>\(answer(events))</section>
        <section aria-labelledby="h-their-sessions" id="their-sessions" data-live><div class="lead"><h2 id="h-their-sessions">Sessions</h2>\(endAll)</div>
        <div class="card flush">\(SessionTable(
            caption: sessions.total > sessions.rows.count
                ? "\(sessions.rows.count) of \(CountText.grouped(sessions.total)), the last seen first" : "The last seen first",
            list: sessions, now: facts.status.now, empty: "No session is found with “\(query)”."
        ).html)</div></section>
        <section aria-labelledby="h-events" id="events" data-live><div class="lead"><h2 id="h-events">Events</h2></div>
        \(EventTable(
            caption: "At most \(Self.rows), the latest first", events: events, now: facts.status.now, liveRows: nil,
            empty: "No event mentions “\(query)” since the start."
        ).html)</section>
        """
    }

    /// A button for each user that is found, if there are few.
    private var endAll: HTML {
        var users: [(user: String, provider: String)] = []
        for row in sessions.rows where !users.contains(where: { $0 == (row.user, row.provider) }) {
            users.append((row.user, row.provider))
        }
        guard !users.isEmpty, users.count <= 3 else { return HTML() }
        let buttons = users.map { user, provider -> HTML in
            let suffix = provider.isEmpty ? "" : "&provider=\(QueryText.encode(provider))"
            return """
                <a class="button tiny end" href="\(ConsolePath.end)?user=\(QueryText.encode(user))\(suffix)">\
                End all sessions of \(user)\(provider.isEmpty ? "" : " (\(provider))")</a>
                """
        }
        return "<div class=\"actions\">\(buttons)</div>"
    }

    // MARK: The answer

    private func answer(_ events: [TrailEvent]) -> HTML {
        let refusal = events.first { $0.kind == .refused }
        let signIn = events.first { $0.kind == .good }
        if let refusal, refusal.time >= signIn?.time ?? 0 {
            return refused(refusal, times: events.count { $0.kind == .refused }, wasIn: sessions.total > 0)
        }
        if sessions.total > 0 {
            return box(
                "good", "\(sessions.rows.first?.user ?? query) is signed in.",
                "\(CountText.of(sessions.total, "session is", "sessions are")) known. The last was seen \(sessions.rows.first.map { TimeText.agoWords($0.lastSeen, now: facts.status.now) } ?? "").",
                HTML.unwrap(refusal) { event -> HTML in
                    "<p class=\"soft\">There was a refusal before: \(event.reasonTitle), \(TimeText.ago(event.time, now: facts.status.now)).</p>"
                })
        }
        if let signIn, facts.status.now - signIn.time < 60 {
            return box(
                "good", "\(signIn.user) signed in \(TimeText.agoWords(signIn.time, now: facts.status.now)).",
                "The session is listed after its first request.", HTML())
        }
        if let signIn {
            return box(
                "warn",
                "\(signIn.user) signed in \(TimeText.agoWords(signIn.time, now: facts.status.now)), and has no session now.",
                "The session has ended, or was not seen by this gate again: when the browser does not keep the cookie, it never comes back.",
                HTML())
        }
        let headline = facts.headline
        let general: HTML = HTML.when(
            headline.severity == .failure,
            "<p><strong>\(headline.sentence).</strong> <a href=\"/\">See the overview.</a></p>")
        return box(
            "warn", "This gate has seen nothing of “\(query)”.",
            "Either the person has not come back from the identity provider, where sign-in may have failed, or was refused before a name was known: a token whose signature, issuer or time is wrong names nobody. Such refusals are below; compare time and client address, or ask for the request ID that the page shows.",
            general)
    }

    private func refused(_ event: TrailEvent, times: Int, wasIn: Bool) -> HTML {
        let name = event.user.isEmpty ? query : event.user
        let fix: HTML = HTML.unwrap(event.fix) { "<dt>What to do</dt><dd>\($0)</dd>" }
        let detail: HTML = event.detail.isEmpty ? HTML() : "<dt>Detail</dt><dd>\(event.detail)</dd>"
        let code = event.reason.map(\.rawValue) ?? event.event
        let happened: HTML = HTML.unwrap(event.reason?.text) { "<p>\($0.happened)</p>" }
        return """
            <div class="card answer bad"><h3>\(name) was refused \(TimeText.ago(event.time, now: facts.status.now)): \(event.reasonTitle)</h3>\(happened)
            <dl class="facts">\(fix)\(detail)<dt>Code</dt><dd><code>\(code)</code></dd><dt>Request ID</dt><dd class="mono">\(event.requestID)</dd>\
            <dt>Client</dt><dd>\(event.client)</dd><dt>Times</dt><dd>\(CountText.of(times, "refusal"))</dd></dl>
            \(HTML.when(wasIn, "<p class=\"soft\">There is a session nevertheless: see below.</p>"))</div>
            """
    }

    private func box(_ kind: StaticString, _ title: String, _ text: String, _ more: HTML) -> HTML {
        """
        <div class="card answer \(kind.description)"><h3>\(title)</h3><p>\(text)</p>\(more)</div>
        """
    }

    /// Refusals before a name was known.
    private var nameless: HTML {
        let events = facts.trail.newest(Self.rows) { $0.kind == .refused && $0.user.isEmpty }
        guard !events.isEmpty else { return HTML() }
        return """
            <section aria-labelledby="h-nameless"><div class="lead"><h2 id="h-nameless">Refusals without a name</h2></div>
            \(EventTable(
                caption: "Refused before it was known who it was; the latest first", events: Array(events.prefix(20)),
                now: facts.status.now, liveRows: nil, empty: ""
            ).html)</section>
            """
    }

    private static let rows = 50
}
