// SPDX-License-Identifier: Apache-2.0

/// All sessions, with search.
package struct SessionsPage {
    private let facts: ConsoleFacts
    private let visitor: ConsoleVisitor
    private let list: ListedSessions
    private let query: String
    /// What was done last; empty: nothing.
    private let said: String

    package init(
        _ facts: ConsoleFacts, _ visitor: ConsoleVisitor, _ list: ListedSessions, query: String, said: String = ""
    ) {
        self.facts = facts
        self.visitor = visitor
        self.list = list
        self.query = query
        self.said = said
    }

    package var html: HTML {
        facts.page(
            "Sessions", ConsolePath.sessions, visitor, query: query,
            """
            <section aria-labelledby="h-sessions"><div class="lead"><h1 id="h-sessions">Sessions</h1>\
            <p class="soft">\(CountText.of(list.total, "session"))\(query.isEmpty ? "" : " found")</p></div>
            \(said.isEmpty ? HTML() : "<p class=\"said\" role=\"status\">\(said)</p>")
            <form class="find" role="search" action="\(ConsolePath.sessions)" aria-label="Sessions">
            <label class="sr" for="session-search">Search by user, client, browser or session</label>
            <input id="session-search" type="search" name="q" value="\(query)" maxlength="256" placeholder="User, client, browser or session">
            <button class="button">Search</button></form></section>
            <section aria-label="List of sessions" id="sessions" data-live><div class="card flush">
            \(SessionTable(
                caption: caption, list: list, now: facts.status.now,
                empty: query.isEmpty ? "Nobody is signed in." : "No session is found with “\(query)”."
            ).html)\(paging)</div>
            \(list.note.isEmpty ? HTML() : "<p class=\"soft small\">\(list.note)</p>")</section>
            """)
    }

    private var caption: String {
        guard list.total > list.rows.count, let last = list.rows.indices.last else { return "The last seen first" }
        return
            "\(CountText.grouped(list.offset + 1)) to \(CountText.grouped(list.offset + last + 1)) of \(CountText.grouped(list.total)), the last seen first"
    }

    private var paging: HTML {
        let size = ListedSessions.pageSize
        let (page, last) = (list.offset / size, max(0, list.total - 1) / size)
        guard last > 0 else { return HTML() }
        func link(_ to: Int, _ words: String, _ relation: String) -> HTML {
            let query = query.isEmpty ? "" : "q=\(QueryText.encode(query))&"
            return
                "<a class=\"button tiny\" rel=\"\(relation)\" href=\"\(ConsolePath.sessions)?\(query)page=\(to + 1)\">\(words)</a>"
        }
        return """
            <nav class="pages" aria-label="Pages">\(page > 0 ? link(page - 1, "Newer", "prev") : HTML())\
            <span class="soft">Page \(CountText.grouped(page + 1)) of \(CountText.grouped(last + 1))</span>\
            \(page < last ? link(page + 1, "Older", "next") : HTML())</nav>
            """
    }
}
