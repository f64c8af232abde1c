// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// Connections on which an app authenticated a user, so that they belong to one client connection, and within it to one
/// session. No other client gets them, and they end with either.
final class BoundUpstreams {
    private var entries: [(connection: HTTP1Upstream, identity: Identity?)] = []

    /// The one for the next request. Those of another session, or of none, are closed.
    func take(from pool: UpstreamPool, for identity: Identity?) -> HTTP1Upstream? {
        var taken: HTTP1Upstream?
        var kept: [(connection: HTTP1Upstream, identity: Identity?)] = []
        for entry in entries where entry.connection.isIdle {
            if !Identity.isSameSession(entry.identity, identity) {
                entry.connection.close()
            } else if taken == nil, entry.connection.pool === pool {
                taken = entry.connection
            } else {
                kept.append(entry)
            }
        }
        entries = kept
        if let taken { pool.unbind(taken) }
        return taken
    }

    func keep(_ connection: HTTP1Upstream, for identity: Identity?) {
        entries.removeAll { !$0.connection.isIdle }
        if entries.count >= Self.maximumCount { entries.removeFirst().connection.close() }
        entries.append((connection, identity))
    }

    /// Closes those of users whose session is over.
    func closeThose(whereEnded hasEnded: (Identity) -> Bool) {
        let ended = entries.filter { $0.identity.map(hasEnded) ?? false }
        entries.removeAll { $0.identity.map(hasEnded) ?? false }
        for entry in ended where entry.connection.isIdle { entry.connection.close() }
    }

    func closeAll() {
        let all = entries
        entries = []
        for entry in all where entry.connection.isIdle { entry.connection.close() }
    }

    /// One for each app; further apps of this kind need a handshake for each request.
    private static let maximumCount = 8
}

extension RequestHead {
    /// A proxy in front of this one has added its fields: its connection may carry requests of several users.
    var cameByProxy: Bool {
        let text = bytes.span
        return fields.contains { field in
            switch field.known {
            case .forwarded, .xForwardedFor: true
            case .other: text.extracting(field.name.range).equalsIgnoringCase("via")
            default: false
            }
        }
    }
}
