// SPDX-License-Identifier: Apache-2.0

/// The last events of the audit trail.
package struct AuditPage {
    private let facts: ConsoleFacts
    private let visitor: ConsoleVisitor

    package init(_ facts: ConsoleFacts, _ visitor: ConsoleVisitor) {
        self.facts = facts
        self.visitor = visitor
    }

    package var html: HTML {
        facts.page(
            "Audit trail", ConsolePath.audit, visitor,
            """
            <section aria-labelledby="h-audit"><div class="lead"><h1 id="h-audit">Audit trail</h1>\
            <p class="soft">The log has every event, and keeps them.</p></div>
            \(EventTable(
                caption: "The last \(Self.rows) events of this gate since its start, the latest first",
                events: facts.trail.newest(Self.rows), now: facts.status.now, liveRows: Self.rows,
                empty: "Nobody has signed in, been refused or signed out since the start."
            ).html)</section>
            """)
    }

    private static let rows = 200
}
