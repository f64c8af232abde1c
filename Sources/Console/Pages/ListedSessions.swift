// SPDX-License-Identifier: Apache-2.0

/// One session that is known.
package struct SessionRow: Sendable, Equatable {
    /// A name that opens nothing.
    package var id: String
    package var user: String
    package var provider: String
    /// Seconds since 1970.
    package var since: Double
    package var lastSeen: Double
    package var client: String
    package var browser: String

    package init(
        id: String, user: String, provider: String, since: Double, lastSeen: Double, client: String, browser: String
    ) {
        self.id = id
        self.user = user
        self.provider = provider
        self.since = since
        self.lastSeen = lastSeen
        self.client = client
        self.browser = browser
    }
}

/// Some of the sessions that are known: those on one page.
package struct ListedSessions: Sendable {
    package var rows: [SessionRow]
    /// How many there are with the search.
    package var total: Int
    /// The place of the first row among them.
    package var offset: Int
    /// Something that the list lacks, in a sentence; empty: nothing.
    package var note: String

    package init(rows: [SessionRow], total: Int, offset: Int, note: String = "") {
        self.rows = rows
        self.total = total
        self.offset = offset
        self.note = note
    }

    /// Rows of a page.
    package static let pageSize = 50
}
