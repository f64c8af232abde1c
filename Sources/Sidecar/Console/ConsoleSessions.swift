// SPDX-License-Identifier: Apache-2.0

import Console

/// The sessions that the console lists and ends. Each `done` is called once, on any thread.
protocol ConsoleSessions: Sendable {
    /// How many are known.
    func count(_ done: @escaping @Sendable (Int) -> Void)

    /// Those that mention `query`, the last seen first, from the place `offset` on.
    func list(query: String, offset: Int, limit: Int, _ done: @escaping @Sendable (ListedSessions) -> Void)

    /// The one of this name; nil: there is none any more.
    func find(_ id: String, _ done: @escaping @Sendable (SessionRow?) -> Void)

    /// What an operator has to know before sessions are ended; empty: nothing.
    var endingNote: String { get }

    /// - Parameter by: who asked, for the audit trail.
    func end(
        _ target: SessionEnd, by: AdminVisitor, _ request: AdminRequest,
        _ done: @escaping @Sendable (SessionEndResult) -> Void)
}

enum SessionEnd: Sendable {
    case session(String)
    /// All of this user.
    case user(String, provider: String?)
}

/// What became of it. The raw value is the word in the address of the page that says so.
enum SessionEndResult: String, Sendable {
    case ended
    /// It is not known whether other replicas have learnt of it.
    case unconfirmed
    /// There is no such session.
    case missing

    var words: String {
        switch self {
        case .ended: "Ended."
        case .unconfirmed:
            "Ended in this process. That other replicas have learnt of it is not confirmed: look at the replica store on the overview."
        case .missing: "This session is not known any more: it has ended."
        }
    }
}
