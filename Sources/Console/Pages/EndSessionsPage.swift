// SPDX-License-Identifier: Apache-2.0

/// What is to be ended.
package enum EndTarget: Sendable, Equatable {
    case session(SessionRow)
    /// All of a user; with an empty `provider` those of every provider.
    case user(String, provider: String, sessions: Int)
}

/// Asks before sessions are ended. Works without scripts.
package struct EndSessionsPage {
    private let facts: ConsoleFacts
    private let visitor: ConsoleVisitor
    private let target: EndTarget
    /// What the operator has to know besides; empty: nothing.
    private let note: String

    package init(_ facts: ConsoleFacts, _ visitor: ConsoleVisitor, _ target: EndTarget, note: String) {
        self.facts = facts
        self.visitor = visitor
        self.target = target
        self.note = note
    }

    package var html: HTML {
        facts.page(
            title, ConsolePath.sessions, visitor,
            """
            <div class="narrow"><section class="card" aria-labelledby="h-end"><h1 id="h-end">\(title)</h1>
            \(about)
            <p>Pages, WebSockets and streams of the user end within a second. What was not saved may be lost. The user can sign in again.</p>
            \(note.isEmpty ? HTML() : "<p class=\"soft\">\(note)</p>")
            <form method="post" action="\(ConsolePath.end)">\(ConsolePage.formToken(visitor))\(field)
            <div class="actions"><button class="button end first">\(button)</button>\
            <a class="button" href="\(back)">Cancel</a></div></form></section></div>
            """)
    }

    private var title: String {
        switch target {
        case .session(let session): "End this session of \(session.user)?"
        case .user(let user, _, _): "End all sessions of \(user)?"
        }
    }

    private var about: HTML {
        switch target {
        case .session(let session):
            """
            <dl class="facts"><dt>Session</dt><dd class="mono">\(session.id)</dd><dt>Client</dt><dd>\(session.client)</dd>\
            <dt>Browser</dt><dd>\(session.browser)</dd><dt>Since</dt><dd>\(TimeText.ago(session.since, now: facts.status.now))</dd>\
            <dt>Last seen</dt><dd>\(TimeText.ago(session.lastSeen, now: facts.status.now))</dd></dl>
            """
        case .user(_, let provider, let count):
            "<p>\(provider.isEmpty ? "" : "Those of the identity provider \(provider). ")\(count == 0 ? "No session is listed, but one that was not seen lately may exist: it ends too." : "\(CountText.of(count, "session is", "sessions are")) listed.")</p>"
        }
    }

    private var field: HTML {
        switch target {
        case .session(let session): "<input type=\"hidden\" name=\"session\" value=\"\(session.id)\">"
        case .user(let user, let provider, _):
            "<input type=\"hidden\" name=\"user\" value=\"\(user)\"><input type=\"hidden\" name=\"provider\" value=\"\(provider)\">"
        }
    }

    private var button: String {
        switch target {
        case .session: "End the session"
        case .user: "End all sessions"
        }
    }

    private var back: String {
        switch target {
        case .session: ConsolePath.sessions
        case .user(let user, _, _): "\(ConsolePath.people)?q=\(QueryText.encode(user))"
        }
    }
}
