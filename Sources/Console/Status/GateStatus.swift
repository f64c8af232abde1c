// SPDX-License-Identifier: Apache-2.0

import Decisions

/// What a gate knows of itself and its surroundings at one moment. Times are in seconds since 1970.
package struct GateStatus: Sendable {
    package var now: Double
    /// What people call it: its public address, or where it listens.
    package var name: String
    package var version: String
    package var startedAt: Double
    package var workers: Int
    /// It is about to stop, and receives no new requests.
    package var isStopping = false
    /// `access.mode: observe`: nobody is refused.
    package var observes = false
    /// In the order of the configuration; the first is the one that serves where no other is named.
    package var apps: [AppStatus] = []
    package var providers: [ProviderStatus] = []
    package var certificates: [CertificateStatus] = []
    /// nil: nothing is shared with other replicas.
    package var store: StoreStatus?
    package var usedTokens: UsedTokenStatus?
    package var configuration = ConfigurationStatus()

    package init(now: Double, name: String, version: String, startedAt: Double, workers: Int) {
        self.now = now
        self.name = name
        self.version = version
        self.startedAt = startedAt
        self.workers = workers
    }
}

/// One app.
package struct AppStatus: Sendable {
    package enum State: Sendable, Equatable {
        case reachable
        /// `cause`: nil when it is not known.
        case unreachable(cause: UpstreamCause?)
        /// No look was taken yet.
        case unknown
    }

    package var address: String
    package var state: State
    /// Since when it has been in that state, as far as was seen; nil: not known.
    package var since: Double?

    package init(address: String, state: State, since: Double?) {
        self.address = address
        self.state = state
        self.since = since
    }
}

/// An identity provider and the keys that verify its tokens.
package struct ProviderStatus: Sendable {
    package var name: String
    /// How people sign in there: `redirect with a token`, `OpenID Connect`.
    package var method: String
    /// Keys that stand in the configuration.
    package var fixedKeys: Int
    package var sources: [SourceStatus]

    package init(name: String, method: String, fixedKeys: Int, sources: [SourceStatus]) {
        self.name = name
        self.method = method
        self.fixedKeys = fixedKeys
        self.sources = sources
    }

    /// Its tokens can be verified, and people can be sent to it.
    var isUsable: Bool {
        let documents = sources.filter { $0.kind == .discovery }
        let keys = sources.filter { $0.kind == .keys }
        guard documents.allSatisfy({ $0.isKnown }) else { return false }
        return fixedKeys > 0 || keys.contains { $0.isKnown }
    }
}

/// A document that is fetched while the gate runs.
package struct SourceStatus: Sendable {
    package enum Kind: Sendable {
        /// Of an OpenID provider.
        case discovery
        /// A key set.
        case keys
    }

    package struct Failure: Sendable {
        package var time: Double
        package var cause: String

        package init(time: Double, cause: String) {
            self.time = time
            self.cause = cause
        }
    }

    package var kind: Kind
    package var url: String
    /// nil: never.
    package var fetchedAt: Double?
    /// Keys in force that came from there.
    package var keys: Int
    /// Of the last fetch; nil: it succeeded, or there was none.
    package var failure: Failure?
    /// When it is fetched again.
    package var nextFetch: Double?

    package init(
        kind: Kind, url: String, fetchedAt: Double?, keys: Int = 0, failure: Failure?, nextFetch: Double?
    ) {
        self.kind = kind
        self.url = url
        self.fetchedAt = fetchedAt
        self.keys = keys
        self.failure = failure
        self.nextFetch = nextFetch
    }

    var isKnown: Bool { fetchedAt != nil && (kind == .discovery || keys > 0) }
}

/// A certificate that the gate presents.
package struct CertificateStatus: Sendable {
    /// To whom it is presented.
    package enum Use: Sendable, Equatable {
        case browsers
        /// As a client.
        case servers
        case operators
    }

    package var use: Use
    /// The section of the configuration.
    package var section: String
    package var names: [String]
    package var notAfter: Double
    /// The files have changed, and cannot be used.
    package var problem: String?

    package init(use: Use, section: String, names: [String], notAfter: Double, problem: String? = nil) {
        self.use = use
        self.section = section
        self.names = names
        self.notAfter = notAfter
        self.problem = problem
    }
}

/// The store that replicas share.
package struct StoreStatus: Sendable {
    package var address: String
    package var isConnected: Bool
    /// Since when.
    package var since: Double?
    package var lastLost: Double?
    /// Used tokens are checked there.
    package var holdsTokens: Bool
    /// Without it tokens are accepted all the same.
    package var allowsWithoutStore: Bool
    /// Sessions are kept there.
    package var holdsSessions: Bool

    package init(
        address: String, isConnected: Bool, since: Double?, lastLost: Double?, holdsTokens: Bool,
        allowsWithoutStore: Bool, holdsSessions: Bool
    ) {
        self.address = address
        self.isConnected = isConnected
        self.since = since
        self.lastLost = lastLost
        self.holdsTokens = holdsTokens
        self.allowsWithoutStore = allowsWithoutStore
        self.holdsSessions = holdsSessions
    }
}

/// The memory of used tokens.
package struct UsedTokenStatus: Sendable {
    package var entries: Int
    package var capacity: Int
    /// While it is full, tokens are accepted all the same.
    package var allowsWithoutRoom: Bool

    package init(entries: Int, capacity: Int, allowsWithoutRoom: Bool) {
        self.entries = entries
        self.capacity = capacity
        self.allowsWithoutRoom = allowsWithoutRoom
    }

    var isFull: Bool { capacity > 0 && entries >= capacity }
}

/// The configuration in force.
package struct ConfigurationStatus: Sendable {
    package struct FailedReload: Sendable {
        package var time: Double
        /// One for each error, with file and line.
        package var messages: [String]

        package init(time: Double, messages: [String]) {
            self.time = time
            self.messages = messages
        }
    }

    package struct Reload: Sendable {
        package var time: Double
        /// The names of the options that changed, and of files whose contents did; never values.
        package var changes: [String]
        /// Those of them that take effect at the next start only.
        package var waiting: [String]

        package init(time: Double, changes: [String], waiting: [String]) {
            self.time = time
            self.changes = changes
            self.waiting = waiting
        }
    }

    /// nil: environment and command line.
    package var file: String?
    /// nil: not known.
    package var inForceSince: Double?
    /// nil: the configuration of the start is in force.
    package var lastReload: Reload?
    /// nil: the last reload succeeded, or there was none.
    package var failed: FailedReload?

    package init() {}
}
