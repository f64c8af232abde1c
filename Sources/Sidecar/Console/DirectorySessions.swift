// SPDX-License-Identifier: Apache-2.0

import Console
import Gate
import Reactor

/// The sessions of the directory, for the console: searched, sorted and paged on a thread of its own.
struct DirectorySessions: ConsoleSessions {
    private let directory: SessionDirectory
    private let signOuts: SignOuts
    private let queue = WorkQueue(label: "sidegate.console")

    init(_ directory: SessionDirectory, _ signOuts: SignOuts) {
        self.directory = directory
        self.signOuts = signOuts
    }

    func list(query: String, offset: Int, limit: Int, _ done: @escaping @Sendable (ListedSessions) -> Void) {
        let answer = { @Sendable [queue] (list: SessionList) in
            queue.submit {
                done(
                    SessionSearch.page(
                        list.entries, isComplete: list.isComplete, SearchTerm(query), offset: offset, limit: limit))
            }
        }
        // Further pages are of the same list.
        if offset == 0 { directory.list(answer) } else { directory.listAgain(answer) }
    }

    func count(_ done: @escaping @Sendable (Int) -> Void) {
        directory.listAgain { done($0.entries.count) }
    }

    func find(_ id: String, _ done: @escaping @Sendable (SessionRow?) -> Void) {
        guard let name = SessionName(id) else { return done(nil) }
        directory.listAgain { list in
            done(list.entries.first { $0.name == name }.map { SessionRow($0) })
        }
    }

    var endingNote: String {
        signOuts.reachesReplicas
            ? ""
            : "Without Redis this takes effect in this process only. A new session.secret ends all sessions for good."
    }

    func end(
        _ target: SessionEnd, by visitor: AdminVisitor, _ request: AdminRequest,
        _ done: @escaping @Sendable (SessionEndResult) -> Void
    ) {
        let order: SignOuts.Order
        switch target {
        case .session(let id):
            guard let name = SessionName(id) else { return done(.missing) }
            order = .session(name)
        case .user(let user, let provider): order = .user(user, provider: provider)
        }
        let asker = SignOuts.Asker(
            by: visitor.by(UserNames.name), client: visitor.client, host: request.authority)
        signOuts.signOut(order, asker) { result in
            switch result {
            case .success(let ended): done(ended.isConfirmed ? .ended : .unconfirmed)
            case .failure(.noSuchSession), .failure(.noSuchProvider): done(.missing)
            }
        }
    }
}

/// Searches, sorts and pages a list of sessions.
package enum SessionSearch {
    /// - Parameters:
    ///   - isComplete: false: other replicas may have seen more.
    ///   - offset: of the page; one behind the end is the last page.
    package static func page(
        _ entries: [SeenSessions.Entry], isComplete: Bool, _ term: SearchTerm, offset: Int, limit: Int
    ) -> ListedSessions {
        let limit = max(1, limit)
        let found = entries.filter { entry in
            term.isEmpty || term.isIn(entry.user) || term.isIn(entry.client) || term.isIn(entry.browser)
                || term.isIn(entry.provider) || term.names(entry.name.description)
        }.sorted { ($0.lastSeen, $0.name) > ($1.lastSeen, $1.name) }
        let start = min(max(0, offset), max(0, found.count - 1)) / limit * limit
        return ListedSessions(
            rows: found.dropFirst(start).prefix(limit).map { SessionRow($0) }, total: found.count, offset: start,
            note: isComplete
                ? "" : "Redis does not answer: sessions that only other replicas have seen are missing.")
    }
}

extension SessionRow {
    fileprivate init(_ entry: SeenSessions.Entry) {
        self.init(
            id: entry.name.description, user: entry.user, provider: entry.provider, since: entry.since,
            lastSeen: entry.lastSeen, client: entry.client, browser: entry.browser)
    }
}
