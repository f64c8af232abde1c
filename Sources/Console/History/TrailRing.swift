// SPDX-License-Identifier: Apache-2.0

import Decisions

/// One event of the audit trail, as the console shows it.
package struct TrailEvent: Sendable, Equatable {
    /// What happened, for the eye.
    package enum Kind: Sendable, Equatable {
        case good, refused, ended, note
    }

    /// Counts the events of this process.
    package fileprivate(set) var number: UInt64 = 0
    /// Seconds since 1970.
    package var time: Double
    package var kind: Kind
    /// `event` of the audit line.
    package var event: String
    package var user: String
    package var provider: String
    package var reason: Reason?
    /// Why, where it is no reason: the cause of a logout.
    package var cause: String
    /// The operator who asked for it.
    package var by: String
    package var detail: String
    package var client: String
    package var host: String
    package var requestID: String
    /// The audit line as JSON.
    package var line: [UInt8]

    package init(
        time: Double, kind: Kind, event: String, user: String = "", provider: String = "", reason: Reason? = nil,
        cause: String = "", by: String = "", detail: String = "", client: String = "", host: String = "",
        requestID: String = "",
        line: [UInt8] = []
    ) {
        self.time = time
        self.kind = kind
        self.event = event
        self.user = user
        self.provider = provider
        self.reason = reason
        self.cause = cause
        self.by = by
        self.detail = detail
        self.client = client
        self.host = host
        self.requestID = requestID
        self.line = line
    }

    /// `term` is somewhere in who it was about, or from where.
    func mentions(_ term: SearchTerm) -> Bool {
        term.isIn(user) || term.isIn(client) || term.isIn(detail) || term.names(requestID)
    }
}

/// The last events of the audit trail: a ring of a fixed number.
package struct TrailRing: Sendable {
    private var events: [TrailEvent] = []
    /// Where the oldest is, once the ring is full.
    private var first = 0
    private var added: UInt64 = 0

    package init() {}

    /// Adds an event, and numbers it.
    package mutating func add(_ event: TrailEvent) {
        added += 1
        var event = event
        event.number = added
        if events.count < Self.capacity {
            events.append(event)
        } else {
            events[first] = event
            first = (first + 1) % Self.capacity
        }
    }

    /// The number of the last event; 0: there was none.
    package var last: UInt64 { added }

    /// Events with a higher number than `number`, the oldest first, at most `limit`; and how many between them were
    /// forgotten.
    package func events(after number: UInt64, limit: Int) -> (events: [TrailEvent], forgotten: UInt64) {
        // A number of the future is of another process.
        let number = number > added ? 0 : number
        let oldest = added - UInt64(events.count)
        let start = max(number, oldest)
        let count = min(Int(added - start), limit)
        let skipped = Int(start - oldest)
        return ((0..<count).map { self[skipped + $0] }, start - number)
    }

    /// The last events, the newest first.
    package func newest(_ limit: Int, where isWanted: (TrailEvent) -> Bool = { _ in true }) -> [TrailEvent] {
        var found: [TrailEvent] = []
        for index in stride(from: events.count - 1, through: 0, by: -1) {
            guard found.count < limit else { break }
            let event = self[index]
            if isWanted(event) { found.append(event) }
        }
        return found
    }

    private subscript(_ index: Int) -> TrailEvent { events[(first + index) % events.count] }

    package static let capacity = 1000
}
