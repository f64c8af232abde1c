// SPDX-License-Identifier: Apache-2.0

import Console
import HTTP

/// `/sessions`: those that are known, a page at a time.
struct SessionsPageRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .get }
    var path: String { ConsolePath.sessions }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .admitted(let visitor) = admission else { return refuse(admission, done) }
        let (shown, query) = (pages.forms.visitor(request, visitor), ConsolePages.parameter("q", request))
        let page = min(max(1, Int(ConsolePages.parameter("page", request)) ?? 1), 100_000)
        let said = ConsolePages.said(request)
        let offset = (page - 1) * ListedSessions.pageSize
        pages.sessions.list(query: query, offset: offset, limit: ListedSessions.pageSize) { [pages] list in
            pages.service.facts { facts in
                done(ConsolePages.page(SessionsPage(facts, shown, list, query: query, said: said).html))
            }
        }
    }
}

/// `/people`: what is known of a person, and why sign-in fails.
struct PeopleRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .get }
    var path: String { ConsolePath.people }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .admitted(let visitor) = admission else { return refuse(admission, done) }
        let shown = pages.forms.visitor(request, visitor)
        let query = ConsolePages.parameter("q", request).trimmed
        let said = ConsolePages.said(request)
        let answer = { @Sendable [pages] (list: ListedSessions) in
            pages.service.facts { facts in
                done(ConsolePages.page(PeoplePage(facts, shown, query: query, sessions: list, said: said).html))
            }
        }
        guard !query.isEmpty else { return answer(ListedSessions(rows: [], total: 0, offset: 0)) }
        pages.sessions.list(query: query, offset: 0, limit: ListedSessions.pageSize, answer)
    }
}

/// `/sessions/end`: asks before sessions are ended.
struct EndQuestionRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .get }
    var path: String { ConsolePath.end }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .admitted(let visitor) = admission else { return refuse(admission, done) }
        let shown = pages.forms.visitor(request, visitor)
        let (id, user) = (ConsolePages.parameter("session", request), ConsolePages.parameter("user", request))
        let provider = ConsolePages.parameter("provider", request)
        let ask = { @Sendable [pages] (target: EndTarget) in
            pages.service.facts { facts in
                let page = EndSessionsPage(facts, shown, target, note: pages.sessions.endingNote)
                done(ConsolePages.page(page.html))
            }
        }
        if !id.isEmpty {
            return pages.sessions.find(id) { session in
                guard let session else {
                    return done(
                        ConsolePages.page(
                            DoorPage.refused(
                                title: "This session is not known",
                                message: "It has ended, or the address is not complete."
                            ).html, status: 404))
                }
                ask(.session(session))
            }
        }
        guard !user.isEmpty else { return done(ConsolePages.redirect(ConsolePath.sessions)) }
        pages.sessions.list(query: user, offset: 0, limit: ListedSessions.pageSize) { list in
            // The search finds more than this very user.
            let own = list.rows.count {
                $0.user.utf8.elementsEqual(user.utf8) && (provider.isEmpty || $0.provider == provider)
            }
            ask(.user(user, provider: provider, sessions: own == list.rows.count ? list.total : own))
        }
    }
}

/// The same by POST: ends them.
struct EndSessionsRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .post }
    var path: String { ConsolePath.end }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .admitted(let visitor) = admission else { return refuse(admission, done) }
        let fields = ConsoleFields(request)
        guard pages.forms.isGenuine(fields[ConsolePage.formTokenName], request, visitor) else {
            return done(ConsolePages.refused(.crossSite))
        }
        let (target, next): (SessionEnd, String)
        switch (fields["session"], fields["user"]) {
        case (let id?, nil): (target, next) = (.session(id), ConsolePath.sessions + "?")
        case (nil, let user?) where !user.isEmpty:
            let provider = fields["provider"].flatMap { $0.isEmpty ? nil : $0 }
            (target, next) = (.user(user, provider: provider), "\(ConsolePath.people)?q=\(QueryText.encode(user))&")
        case (nil, _), (.some, .some): return done(ConsolePages.redirect(ConsolePath.sessions))
        }
        pages.sessions.end(target, by: visitor, request) { done(ConsolePages.redirect("\(next)done=\($0.rawValue)")) }
    }
}

/// The fields of a form of the console: each once, or not at all.
struct ConsoleFields {
    private let form: AdminParameters?

    init(_ request: AdminRequest) { form = request.form }

    subscript(_ name: String) -> String? { (try? form?.value(name)) ?? nil }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
