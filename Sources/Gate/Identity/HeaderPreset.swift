// SPDX-License-Identifier: Apache-2.0

/// Sets of identity headers that apps know (`headerPreset` of the config).
package enum HeaderPreset: String, Sendable, CaseIterable {
    /// oauth2-proxy's names for the app behind it.
    case forwarded
    /// The names of Authelia and many apps with "header authentication".
    case remoteUser = "remote-user"
    /// oauth2-proxy's names in front of nginx's auth_request.
    case authRequest = "auth-request"
    /// `Authorization: Basic`, the user with an empty password.
    case basic
    /// Jenkins' Reverse Proxy Auth plugin, whose groups have `|` between them.
    case jenkins
    /// Grafana's auth proxy.
    case grafana
    /// Gitea's and Forgejo's reverse proxy authentication.
    case gitea

    package var rules: [HeaderRule] {
        switch self {
        case .forwarded:
            [
                HeaderRule("X-Forwarded-User", HeaderTemplate("user")),
                HeaderRule("X-Forwarded-Email", HeaderTemplate("email")),
                HeaderRule("X-Forwarded-Preferred-Username", HeaderTemplate("preferredUsername")),
                HeaderRule("X-Forwarded-Groups", HeaderTemplate("groups")),
            ]
        case .remoteUser:
            [
                HeaderRule("Remote-User", HeaderTemplate("user")),
                HeaderRule("Remote-Email", HeaderTemplate("email")),
                HeaderRule("Remote-Name", HeaderTemplate("givenName", "familyName")),
                HeaderRule("Remote-Groups", HeaderTemplate("groups")),
            ]
        case .authRequest:
            [
                HeaderRule("X-Auth-Request-User", HeaderTemplate("user")),
                HeaderRule("X-Auth-Request-Email", HeaderTemplate("email")),
                HeaderRule("X-Auth-Request-Preferred-Username", HeaderTemplate("preferredUsername")),
                HeaderRule("X-Auth-Request-Groups", HeaderTemplate("groups")),
            ]
        case .basic:
            [HeaderRule("Authorization", HeaderTemplate("user", isBasic: true))]
        case .jenkins:
            [
                HeaderRule("X-Forwarded-User", HeaderTemplate("user")),
                HeaderRule("X-Forwarded-Mail", HeaderTemplate("email")),
                HeaderRule("X-Forwarded-DisplayName", HeaderTemplate("givenName", "familyName")),
                HeaderRule("X-Forwarded-Groups", HeaderTemplate("groups", separator: "|")),
            ]
        case .grafana:
            [
                HeaderRule("X-WEBAUTH-USER", HeaderTemplate("user")),
                HeaderRule("X-WEBAUTH-EMAIL", HeaderTemplate("email")),
                HeaderRule("X-WEBAUTH-NAME", HeaderTemplate("givenName", "familyName")),
                HeaderRule("X-WEBAUTH-GROUPS", HeaderTemplate("groups")),
            ]
        case .gitea:
            [
                HeaderRule("X-WEBAUTH-USER", HeaderTemplate("user")),
                HeaderRule("X-WEBAUTH-EMAIL", HeaderTemplate("email")),
                HeaderRule("X-WEBAUTH-FULLNAME", HeaderTemplate("givenName", "familyName")),
            ]
        }
    }
}
