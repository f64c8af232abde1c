// SPDX-License-Identifier: Apache-2.0

import Decisions

/// One event of the audit trail for signing in.
package struct AuditEvent: Equatable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case login
        /// With a cause in place of a reason.
        case logout
        /// A refused sign-in.
        case denied
        /// A token that had been used before.
        case replayed
        /// The app was notified of the user before the session was created.
        case provisioned
        /// The app's own login page was opened, bypassing single sign-on.
        case nativeLogin = "native_login"
    }

    package var kind: Kind
    /// Seconds since 1970.
    package var time: Double
    /// The request's ID, to find the access line.
    package var id: String
    /// Behind the trusted proxies.
    package var client: String
    /// The connection's address, if it is not the client's.
    package var peer: String
    package var host: String
    /// The user, if known.
    package var user: String?
    package var email: String?
    package var reason: Reason?
    /// The reason in words.
    package var detail: String?
    /// Of a logout; written as `reason`.
    package var cause: LogoutCause?
    /// The identity provider's name.
    package var provider: String?
    /// Which operator asked for it.
    package var by: String?

    package init(
        _ kind: Kind, time: Double, id: String, client: String, peer: String = "", host: String, user: String? = nil,
        email: String? = nil, reason: Reason? = nil, detail: String? = nil, cause: LogoutCause? = nil,
        provider: String? = nil, by: String? = nil
    ) {
        self.kind = kind
        self.time = time
        self.id = id
        self.client = client
        self.peer = peer
        self.host = host
        self.user = user
        self.email = email
        self.reason = reason
        self.detail = detail
        self.cause = cause
        self.provider = provider
        self.by = by
    }

    /// Appends one line, with its line end; absent values have no field.
    ///
    /// - Parameter more: fields after those of the log, for other readers.
    package func append(to out: inout [UInt8], format: LogFormat, more: [(name: String, value: String)] = []) {
        var line = LogLine(format: format, time: time)
        line.add("kind", "audit")
        line.add("event", kind.rawValue)
        line.add("id", id, limit: Limit.short)
        line.add("client", client, limit: Limit.short)
        line.add("peer", peer, limit: Limit.short)
        line.add("host", host)
        line.add("user", user ?? "")
        line.add("email", email ?? "")
        line.add("reason", reason?.rawValue ?? cause?.rawValue ?? "", limit: Limit.short)
        line.add("detail", detail ?? "")
        line.add("provider", provider ?? "")
        line.add("by", by ?? "")
        for field in more { line.add(field.name, field.value) }
        line.end(appendingTo: &out)
    }
}
