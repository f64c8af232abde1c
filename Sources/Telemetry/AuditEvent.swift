// SPDX-License-Identifier: Apache-2.0

/// One thing that happened about signing in, for the audit trail.
package struct AuditEvent: Equatable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case login
        /// The reason says whose wish it was: `user`, or `backchannel` for the identity provider's.
        case logout
        /// A sign-in that was refused.
        case denied
        /// A token that had been used before.
        case replayed
        /// The app was told of the user before the session was made.
        case provisioned
        /// The app's own login page was opened, past single sign-on.
        case nativeLogin = "native_login"
    }

    package var kind: Kind
    /// Seconds since 1970.
    package var time: Double
    /// The request's ID, by which the access line is found.
    package var id: String
    package var client: String
    package var host: String
    /// Whom it is about, when known.
    package var user: String?
    package var email: String?
    /// The reason code, when there is one.
    package var reason: String?
    /// The provider that vouched, such as the preset's name or the issuer.
    package var provider: String?

    package init(
        _ kind: Kind, time: Double, id: String, client: String, host: String, user: String? = nil,
        email: String? = nil, reason: String? = nil, provider: String? = nil
    ) {
        self.kind = kind
        self.time = time
        self.id = id
        self.client = client
        self.host = host
        self.user = user
        self.email = email
        self.reason = reason
        self.provider = provider
    }

    /// Appends one line, with its line end; absent values have no field.
    package func append(to out: inout [UInt8], format: LogFormat) {
        var line = LogLine(format: format, time: time)
        line.add("kind", "audit")
        line.add("event", kind.rawValue)
        line.add("id", id, limit: Limit.short)
        line.add("client", client, limit: Limit.short)
        line.add("host", host)
        line.add("user", user ?? "")
        line.add("email", email ?? "")
        line.add("reason", reason ?? "", limit: Limit.short)
        line.add("provider", provider ?? "")
        line.end(appendingTo: &out)
    }
}
