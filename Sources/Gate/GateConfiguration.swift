// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// Everything the gate needs to know, as validated values: what the config file says, without its spelling.
///
/// The values are plain and `Sendable`; each event loop makes its own ``Gate`` from one of these.
package struct GateConfiguration: Sendable {
    /// What the browser sees; nil: taken from each request.
    package var publicURL: PublicOrigin?
    /// `host[:port]` of the upstream: the Host of a request that has none, or of every one without `preserveHost`.
    package var upstreamAuthority: String
    /// The app gets the Host the browser sent.
    package var preserveHost = true
    /// The gate connects to the upstream by https.
    package var upstreamIsSecure = false
    /// The app's own addresses in its responses become addresses of the public site.
    package var rewritesRedirects = false
    /// The most bytes of identity that the app gets in a request.
    package var maximumIdentityBytes = 16384
    /// The protocols that the app may switch to; those of the other apps are in `apps`.
    package var upgrades = ["websocket"]

    /// In the order of the config; never empty.
    package var providers: [ProviderConfiguration]
    /// The first, which is the only one of most configurations.
    package var provider: ProviderConfiguration {
        get { providers[0] }
        set { providers[0] = newValue }
    }

    /// More apps, in the order of the config; see ``AppRoutes``.
    package var apps: [AppRoute] = []

    package var access = AccessConfiguration()
    /// The proxies whose X-Forwarded-For is followed to find the client; whether the peer is one of them comes with each
    /// request.
    package var trustedProxies: [CIDR] = []
    /// nil: off.
    package var nativeLogin: NativeLoginConfiguration?
    /// The app is notified of a user before the session begins.
    package var provisions = false

    package var session: SessionConfiguration
    /// Sign-ins while the replay store is out of reach.
    package var replayFailure = ReplayFailurePolicy.deny

    /// The identity headers: `HeaderPreset.rules`, then what the configuration adds or overrides.
    package var identityHeaders = HeaderPreset.forwarded.rules
    package var headerEncoding = HeaderEncoding.utf8
    /// nil: off.
    package var assertion: AssertionConfiguration?

    package var pages: PageRenderer

    /// Something is decided by a request's path.
    var readsPaths: Bool { choosesAppsByPath || !access.rules.isEmpty || nativeLogin != nil }

    /// The app gets the very path that something was decided by. While rules are only observed, nothing changes.
    var judgesPaths: Bool { choosesAppsByPath || (readsPaths && access.mode == .enforce) }

    private var choosesAppsByPath: Bool { apps.contains(where: \.isChosenByPath) }

    /// The values without a default; the others are set on the result.
    package init(
        providers: [ProviderConfiguration], session: SessionConfiguration, upstreamAuthority: String,
        pages: PageRenderer
    ) {
        precondition(!providers.isEmpty, "a gate has at least one identity provider")
        self.providers = providers
        self.session = session
        self.upstreamAuthority = upstreamAuthority
        self.pages = pages
    }
}

/// `session` of the config.
package struct SessionConfiguration: Sendable {
    /// The first seals, all open. Never empty.
    package var secrets: [[UInt8]]
    /// Empty: `sidegate`, with `__Host-` (or with a domain `__Secure-`) over https. A name that the config gives is
    /// used as it is.
    package var cookieName = ""
    /// Empty: the cookie is for one host alone. Without a leading dot.
    package var domain = ""
    package var sameSite = SameSite.lax
    /// The gate's cookies are kept apart for each site whose pages frame this one.
    package var partitioned = false
    /// The fragment of a deep link survives the sign-in.
    package var keepsFragment = false
    /// Seconds from the sign-in.
    package var lifetime: Double = 12 * 3600
    /// Seconds without a request; zero: no such limit.
    package var idleTimeout: Double = 3600
    /// The browser has a ticket, and the session is stored elsewhere.
    package var isStored = false
    /// Cookies of the app's own session, which end with the gate's.
    package var appCookies: [String] = []
    /// Paths by which users sign out of the app: exact, or with `/*` at the end.
    package var logoutPaths: [String] = []
    /// Bytes of a form that a page keeps when it came without a session; zero: none is kept.
    package var keepForms = 64 << 10

    package init(secrets: [[UInt8]]) {
        self.secrets = secrets
    }
}

package enum SameSite: String, Sendable, CaseIterable {
    case strict, lax, none
}

/// `replay.onFailure`
package enum ReplayFailurePolicy: String, Sendable, CaseIterable {
    case deny, allow
}

/// For what is not ASCII in an identity header.
package enum HeaderEncoding: String, Sendable, CaseIterable {
    case utf8, percent, rfc2047
}

/// A setting that cannot be; the text says what is wrong and how to fix it, for the config's error line.
package struct GateConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
