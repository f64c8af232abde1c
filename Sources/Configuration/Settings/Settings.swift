// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Pages

/// A checked configuration: what `run` runs with. Plain values; files named for keys and secrets are already read, so
/// nothing here can fail later because a file is gone.
package struct Settings: Sendable {
    /// The file it came from; nil: environment and command line alone.
    package var file: String?
    /// Never empty.
    package var listen: [ListenAddress]
    /// nil: taken from each request.
    package var publicURL: PublicOrigin?
    package var upstream: UpstreamSettings
    package var apps: [AppSettings]
    /// nil: browsers come over plain HTTP.
    package var tls: TLSSettings?
    package var trustedProxies: [CIDR]
    /// Connections from `trustedProxies`, and over unix sockets, begin with a PROXY protocol header.
    package var proxyProtocol: Bool
    /// Never empty: the one of `identityProvider`, or the items of `identityProviders`.
    package var providers: [ProviderSettings]
    package var session: SessionSettings
    package var replay: ReplaySettings
    /// nil: nothing is shared with other replicas.
    package var redis: RedisSettings?
    /// nil: used tokens and ended sessions do not outlive the process.
    package var state: StateSettings?
    package var identity: IdentitySettings
    /// nil: off.
    package var assertion: AssertionSettings?
    package var access: AccessSettings
    /// nil: off.
    package var nativeLogin: NativeLoginSettings?
    /// nil: off.
    package var provisioning: ProvisioningSettings?
    package var limits: LimitSettings
    /// Event loops; nil: one for each core.
    package var workers: Int?
    package var admin: AdminSettings
    package var log: LogSettings
    /// nil: no spans are exported.
    package var telemetry: TelemetrySettings?
    package var pages: PageSettings
}

// The first provider, which is the only one of most configurations.
extension Settings {
    package var identityProvider: IdentityProviderSettings {
        get { providers[0].identityProvider }
        set { providers[0].identityProvider = newValue }
    }

    package var token: TokenSettings {
        get { providers[0].token }
        set { providers[0].token = newValue }
    }

    /// The names of the fields that users can have, of any provider.
    package var fieldNames: [String] { providers.fieldNames }
}

/// `upstream`
package struct UpstreamSettings: Sendable {
    package var address: UpstreamAddress
    package var connectTimeout: Duration
    package var responseTimeout: Duration
    package var idleTimeout: Duration
    package var maxConnections: Int
    package var preserveHost: Bool
    /// nil: as the other options suggest; see ``AppSettings/rewritesRedirects``.
    package var rewritesRedirects: Bool?
    /// Bytes; 0: never.
    package var collectRequests: Int
    /// The most bytes of identity in a request.
    package var headerBytes: Int
    /// The protocols that the app may switch to.
    package var upgrades: [String]
    /// More deviations from HTTP are accepted.
    package var isTolerant: Bool
    /// HTTP/2 is offered where TLS lets both sides choose.
    package var offersHTTP2: Bool
    package var tls: ClientTLSSettings
}

/// An item of `upstreams`.
package struct AppSettings: Sendable {
    /// In lower case.
    package var hosts: [String]
    package var paths: [RulePath]
    package var stripPrefix: String
    package var upstream: UpstreamSettings

    /// An app that does not know the address that the browser sees gets its own replaced in what it sends.
    var rewritesRedirects: Bool { upstream.rewritesRedirects ?? (!stripPrefix.isEmpty || !upstream.preserveHost) }
}

/// `identityProvider`
package struct IdentityProviderSettings: Sendable {
    package var preset: Preset
    /// nil: another protocol.
    package var openID: OpenIDSettings?
    /// Empty with OpenID Connect. Placeholders {returnURL} {returnTo} {state}; the values of other options are already in it.
    package var loginURL: TextTemplate
    /// nil: a signed-out page. Placeholders {returnTo} {email} {logoutToken}.
    package var logoutURL: TextTemplate?
    package var tokenParameter: String
    package var returnPath: String
    package var initiated: InitiatedPolicy
    package var requiresState: Bool

    /// Where the two URLs stand.
    package var loginURLOrigin: SourceLocation
    package var logoutURLOrigin: SourceLocation
}

/// `token`
package struct TokenSettings: Sendable {
    package var policy: TokenPolicy
    /// The keys of the config and its files; each serves one of the policy's algorithms at least.
    package var keys: KeySet
    /// The secrets among them as they are written, for `explain` alone: empty when loaded for serving.
    package var namedSecrets: [NamedSecret]
    /// Key sets that are fetched while the gate runs.
    package var remoteKeys: [RemoteKeySettings]
    package var singleUse: Bool
    /// The same issuer and jti twice is a replay too, where jti is required.
    package var replayByID: Bool
    /// Fields and the claims that fill them, in order; `user` is among them.
    package var claims: [ClaimRule]
    /// Names of fields in `claims`.
    package var required: [String]
    /// `email` counts although `email_verified` is false.
    package var acceptsUnverifiedEmail: Bool
    package var bearer: Bool

    /// The first shared secret that serves one of the policy's algorithms, and that algorithm: signs logout tokens.
    package var signingKey: (key: VerificationKey, algorithm: Algorithm)? {
        for key in keys.keys where key.isSymmetric {
            if let algorithm = Algorithm.allCases.first(where: { key.serves($0) && policy.algorithms.contains($0) }) {
                return (key, algorithm)
            }
        }
        return nil
    }
}

/// A secret of `token.keys` before its encoding made a key of it.
package struct NamedSecret: Sendable {
    /// `token.keys[0].secretFile`
    package var name: String
    package var text: Secret
    package var encoding: SecretEncoding
    package var keyID: String?
}

/// `jwksURL` of an item of `token.keys`.
package struct RemoteKeySettings: Sendable {
    package var url: String
    package var tls: ClientTLSSettings
    package var allowWeakSecret: Bool
    package var origin: SourceLocation

    package init(url: String, tls: ClientTLSSettings, allowWeakSecret: Bool, origin: SourceLocation) {
        self.url = url
        self.tls = tls
        self.allowWeakSecret = allowWeakSecret
        self.origin = origin
    }
}

/// `access`
package struct AccessSettings: Sendable {
    package var `default`: AccessConfiguration.Default
    package var users: UserSettings
    package var site: String
    package var rules: [AccessRule]
    /// Where each of `rules` stands.
    package var ruleOrigins: [SourceLocation]
    package var mode: AccessConfiguration.Mode
}

/// `nativeLogin`
package struct NativeLoginSettings: Sendable {
    package var parameters: [String]
    /// Never empty.
    package var paths: [String]
    package var with: [String]
    package var from: [CIDR]
    package var lifetime: Duration
}

/// `provisioning`
package struct ProvisioningSettings: Sendable {
    package var url: String
    /// nil: calls are not signed.
    package var secret: Secret?
    package var eachLogin: Bool
    package var tls: ClientTLSSettings

    /// `other` notifies the same app in the same way.
    package func isSame(as other: ProvisioningSettings) -> Bool {
        url == other.url && secret == other.secret && eachLogin == other.eachLogin
            && tls.isSame(as: other.tls)
    }
}

/// `session`
package struct SessionSettings: Sendable {
    /// The first seals, all open; each has 32 bytes or more. Empty: a random one for this process.
    package var secrets: [Secret]
    /// Empty: by scheme.
    package var cookieName: String
    /// Empty: this host alone.
    package var domain: String
    /// Of the app's own session.
    package var appCookies: [String]
    package var logoutPaths: [String]
    /// Bytes; zero: off.
    package var keepForms: Int
    package var sameSite: SameSite
    package var partitioned: Bool
    package var keepFragment: Bool
    package var lifetime: Duration
    package var idleTimeout: Duration
    /// Sessions are kept in Redis.
    package var isShared: Bool
}

/// `replay`
package struct ReplaySettings: Sendable {
    package var onFailure: ReplayFailurePolicy
    /// Used tokens that this process remembers at once.
    package var maxEntries: Int
    /// Used tokens are remembered in Redis.
    package var isShared: Bool

    /// A token is accepted although it is unknown whether it was used elsewhere.
    package var allowsWithoutStore: Bool { onFailure == .allow }
}

/// `identityHeaders`, `headerPreset`, `headerEncoding`
package struct IdentitySettings: Sendable {
    package struct Header: Sendable {
        package var name: String
        /// Empty: the preset's header of this name is not sent.
        package var template: TextTemplate
        package var origin: SourceLocation
    }

    /// In addition to the preset's, or replacing them.
    package var headers: [Header]
    package var preset: HeaderPreset
    package var encoding: HeaderEncoding
}

/// `limits`
package struct LimitSettings: Sendable {
    package var headerBytes: Int
    /// nil: no limit.
    package var bodyBytes: Int?
    package var connections: Int
    package var headerTimeout: Duration
    package var bodyIdleTimeout: Duration
    /// Bytes a second; 0: any.
    package var minimumBodyRate: Int
    /// In thousandths.
    package var clientShare: Int
    package var keepAliveTimeout: Duration
    package var drainTimeout: Duration
    package var drainDelay: Duration
    /// Of one client; nil: no limit.
    package var requestsPerSecond: Int?
    package var http2: HTTP2Settings
}

/// `log`
package struct LogSettings: Sendable {
    package enum Format: String, CaseIterable, Sendable {
        case json, text
    }

    package enum Level: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    package var level: Level
    /// nil: text on a terminal, else JSON.
    package var format: Format?
    package var access: Bool
}

/// `pages`
package struct PageSettings: Sendable {
    /// nil: that of the reader.
    package var language: Language?
    package var brand: String
    /// The operator's templates by name (the file's, without `.html` or `.mustache`).
    package var templates: [String: String]
    /// Where `pages.directory` stands.
    package var directoryOrigin: SourceLocation
}
