// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// The rows in the order of the reference. A default is written as in the file.

extension OptionTable {
    static let sectionRows: [Section] = [
        Section("upstream", "The app. A single value is its `url`.", shorthand: "url"),
        Section("upstream.tls", "TLS towards the app, when its address is https."),
        Section("tls", "TLS towards browsers, on every address of `listen` but those that redirect."),
        Section("identityProvider", "Who logs people in, and how the browser gets there and back."),
        Section("token", "Which tokens are believed."),
        Section("session", "The session after sign-in."),
        Section("redis", "The store that replicas share."),
        Section("replay", "Where single use of tokens is remembered."),
        Section("assertion", "A signed statement about the user for the app."),
        Section("access", "Who may see what."),
        Section("access.users", "Registered users only."),
        Section("nativeLogin", "The app's own login page without single sign-on, for emergencies."),
        Section("provisioning", "Telling the app about a user before the first visit."),
        Section("limits", "Bounds on what clients may ask for."),
        Section("http2", "HTTP/2 towards browsers."),
        Section("admin", "Health and metrics."),
        Section("log", "What is logged."),
        Section("pages", "The pages that Sidegate shows by itself."),
    ]

    static let rows: [ConfigurationOption] =
        serving + [presetKey] + identityProvider + token + session + identity + access + nativeLogin + provisioning
        + running

    private static let presetKey = ConfigurationOption(
        "identityProvider.preset", .choice(Preset.served.map(\.name)), "generic",
        "A set of defaults for an identity provider; every one of them can be overridden.")

    static let anyTime: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86_400)
    private static let zeroOrTime: ClosedRange<Duration> = .zero ... .seconds(86_400)
    private static let anyCount = 0...1_000_000_000

    private static let serving: [ConfigurationOption] =
        [
            ConfigurationOption(
                "listen", .list(.listenAddress), "[\"0.0.0.0:8080\"]",
                "Where to accept connections: host:port, [v6]:port, :port for every address, unix:/path, or systemd: (or systemd:NAME) for"
                    + " sockets that the service manager hands over; one or many. After redirect: plain HTTP there is only sent on to"
                    + " https, to `publicURL` or the host asked for."),
            ConfigurationOption(
                "publicURL", .origin, nil,
                "The origin that browsers see. Default: taken from the request; X-Forwarded-* only from `trustedProxies`."
            ),
            ConfigurationOption(
                "upstream.url", .upstreamAddress, nil,
                "Where the app is: http://host:port, https://host:port, h2c://host:port (HTTP/2 in the clear, as gRPC"
                    + " servers speak it) or unix:/path."
            ).required(),
            ConfigurationOption(
                "upstream.http2", .boolean, "false",
                "Offer HTTP/2 to an app behind https, which chooses (ALPN). Without TLS the address says it: h2c://."),
            ConfigurationOption(
                "upstream.connectTimeout", .duration(anyTime), "5s", "How long connecting to the app may take."),
            ConfigurationOption(
                "upstream.responseTimeout", .duration(anyTime), "60s",
                "How long the app may take to begin its response; 504 after it."),
            ConfigurationOption(
                "upstream.idleTimeout", .duration(anyTime), "60s",
                "How long an unused connection to the app is kept, and how long a response may pause."),
            ConfigurationOption(
                "upstream.maxConnections", .integer(1...1_000_000), "256",
                "The most connections to the app at a time, of all workers together; further requests wait for `connectTimeout`."
            ),
            ConfigurationOption(
                "upstream.preserveHost", .boolean, "true", "Send the browser's Host to the app, not the upstream's own."
            ),
            ConfigurationOption(
                "upstream.upgrades", .list(.text(.upgradeProtocol)), "[\"websocket\"]",
                "The protocols that the app may switch to (101) and that pass unseen from then on, each as in `Upgrade`:"
                    + " websocket, SPDY/3.1. Any other `Upgrade` is dropped, and so is a list of several. h2c, HTTP and TLS"
                    + " cannot be named: requests would pass unseen."),
        ] + upstreamTLS + [
            ConfigurationOption(
                "upstreams", .list(.object(app)), "[]",
                "More apps, by host and path. The most specific wins: a host by its name, then by `*.`, then any; then the"
                    + " longest path. What is for none of them goes to `upstream`. Location and cookies that an app sends are"
                    + " passed as they are.")
        ] + tls + [
            ConfigurationOption(
                "trustedProxies", .list(.network), "[]",
                "Address blocks of proxies before Sidegate, whose X-Forwarded-* fields are believed."),
            ConfigurationOption(
                "proxyProtocol", .boolean, "false",
                "Connections from `trustedProxies` and over unix sockets begin with a PROXY protocol header, version 1 or 2,"
                    + " and are not served without; from all others such a header is refused."),
        ]

    private static let app: [ConfigurationOption] = [
        ConfigurationOption(
            "hosts", .list(.text(.hostPattern)), nil,
            "Names without port that it is for; *.example.com stands for all names below. Default: all."),
        ConfigurationOption(
            "paths", .list(.text(.rulePath)), nil,
            "Exact paths, or beginnings such as /wiki/*, which means /wiki and all below. Default: all."),
        ConfigurationOption("url", .upstreamAddress, nil, "Where the app is, as `upstream.url`.").required(),
        ConfigurationOption(
            "stripPrefix", .text(.pathPrefix), nil,
            "Taken off the front of the path before the app gets it, which is told in X-Forwarded-Prefix."),
        ConfigurationOption(
            "connectTimeout", .duration(anyTime), nil, "Default: as `upstream.connectTimeout`, and so on."),
        ConfigurationOption("responseTimeout", .duration(anyTime), nil, "As `upstream.responseTimeout`."),
        ConfigurationOption("idleTimeout", .duration(anyTime), nil, "As `upstream.idleTimeout`."),
        ConfigurationOption(
            "maxConnections", .integer(1...1_000_000), nil, "As `upstream.maxConnections`, for this app alone."),
        ConfigurationOption("preserveHost", .boolean, nil, "As `upstream.preserveHost`."),
        ConfigurationOption("upgrades", .list(.text(.upgradeProtocol)), nil, "As `upstream.upgrades`, in its place."),
        ConfigurationOption("http2", .boolean, nil, "As `upstream.http2`."),
        ConfigurationOption(
            "tls", .object(appTLS), nil,
            "`ca`, `serverName`, `certificate`, `key` and `insecureSkipVerify` as in `upstream.tls`, from which nothing is"
                + " taken over."),
    ]

    private static let identityProvider: [ConfigurationOption] = [
        ConfigurationOption(
            "identityProvider.loginURL",
            .text(.urlTemplate(["returnURL", "returnTo", "state", "apiKey", "jwtApp"])), nil,
            "Where a browser without a session goes. Placeholders, percent-encoded when expanded: {returnURL} is this"
                + " gate's return path, {returnTo} the page first asked for, {state} the sealed login attempt, {apiKey}"
                + " and {jwtApp} the keys of these names."
        ).required(),
        ConfigurationOption(
            "identityProvider.apiKey", .text(.oneLine), "\"\"",
            "What {apiKey} in `loginURL` stands for; preset loginradius: the API key of the LoginRadius app."),
        ConfigurationOption(
            "identityProvider.jwtApp", .text(.oneLine), "\"\"",
            "What {jwtApp} in `loginURL` stands for; preset loginradius: the App Name of the JWT app in its dashboard."),
        ConfigurationOption(
            "identityProvider.appName", .text(.label), "\"\"",
            "Preset loginradius: the name of the LoginRadius app; `token.issuer` is then"
                + " https://APPNAME.hub.loginradius.com/ unless it is set."),
        ConfigurationOption(
            "identityProvider.logoutURL", .text(.urlTemplate(["returnTo", "logoutToken", "email"])), "\"\"",
            "Where the browser goes after logout here. Placeholders: {returnTo} {email}, and {logoutToken}, which is"
                + " signed with the first shared secret of `token.keys` and good for a minute. Empty: a signed-out page."
        ),
        ConfigurationOption(
            "identityProvider.logoutTokenParameter", .text(.parameterNameOrNone), "\"\"",
            "When set, and `logoutURL` has no {logoutToken}, it is appended there as a query parameter of this name."),
        ConfigurationOption(
            "identityProvider.returnToParameter", .text(.parameterNameOrNone), "\"\"",
            "When set, and `loginURL` has no {returnTo}, it is appended there as a query parameter of this name."),
        ConfigurationOption(
            "identityProvider.tokenParameter", .text(.parameterName), "jwt",
            "The query parameter, and the form field of a POST, that carries the token."),
        ConfigurationOption(
            "identityProvider.returnPath", .text(.requestPath), "/.sidegate/callback",
            "Where the identity provider sends the browser back."),
        ConfigurationOption(
            "identityProvider.initiated", .choice(["allow", "confirm", "deny"]), "confirm",
            "A login that the user did not start here: let it pass, ask by a page, or refuse it."),
        ConfigurationOption(
            "identityProvider.requireState", .boolean, "false",
            "Refuse every return that does not bring back the `state` of a login that this browser started, whatever"
                + " `initiated` says. For providers that keep it, in the return URL or by {state} in `loginURL`."),
    ]

    private static let token: [ConfigurationOption] = [
        ConfigurationOption(
            "token.algorithms", .list(.choice(algorithmNames)), "[HS256]",
            "The signature algorithms accepted. The token itself never chooses."),
        ConfigurationOption(
            "token.keys", .list(.object(verificationKey)), "[]",
            "The keys that tokens are verified with; each names one source."
        ).required(),
        ConfigurationOption(
            "token.secretEncoding", .choice(secretEncodings), "utf8",
            "How a secret's text becomes the key: as it is, decoded, or (md5hex) as the 32 lower-case hexadecimal digits"
                + " of its MD5."),
        ConfigurationOption("token.issuer", .text(.any), "\"\"", "The exact `iss`; empty: not checked."),
        ConfigurationOption(
            "token.audience", .list(.text(.any)), "[]",
            "`aud` must name one of these; empty: a token that carries aud is refused."),
        ConfigurationOption(
            "token.acceptAnyAudience", .boolean, "false",
            "With an empty `audience`: accept tokens whatever their aud."),
        ConfigurationOption(
            "token.clockSkew", .duration(.zero ... .seconds(3600)), "60s",
            "How far the provider's clock may differ from ours."),
        ConfigurationOption(
            "token.maxAge", .duration(.seconds(1) ... .seconds(366 * 86_400)), "5m",
            "The oldest token accepted, by its iat; a token without exp must carry iat."),
        ConfigurationOption("token.requireExpiry", .boolean, "false", "Refuse tokens without exp."),
        ConfigurationOption("token.singleUse", .boolean, "true", "Each token signs in once."),
        ConfigurationOption(
            "token.replayByID", .boolean, "true",
            "Where jti is required (`minimumIDLength`), a jti that its issuer has used before is a replay too, not only"
                + " the same token."),
        ConfigurationOption(
            "token.minimumIDLength", .integer(0...1024), "0",
            "The shortest jti accepted, in characters; more than 0 makes jti required."),
        ConfigurationOption(
            "token.headerAliases", .map(name: .claimName, .list(.text(.claimName))), "{}",
            "Other names that header parameters may have, such as { alg: [ALG] }."),
        ConfigurationOption(
            "token.claimAliases", .map(name: .claimName, .list(.text(.claimName))), "{}",
            "Other names that registered claims may have, such as { iat: [IAT] }."),
        ConfigurationOption(
            "token.claims", .map(name: .fieldName, .list(.text(.claimName)), keepsDefaults: true),
            """
            { user: [sub, preferred_username, email], email: [email], familyName: [family_name], \
            givenName: [given_name], preferredUsername: [preferred_username], groups: [groups, roles], \
            sites: [site_access], guest: [guest] }
            """,
            "Field matching: each field is filled from the first claim present. Any name becomes a field; an empty list"
                + " removes one."),
        ConfigurationOption("token.required", .list(.text(.fieldName)), "[email]", "Fields that a token must fill."),
        ConfigurationOption(
            "token.bearer", .boolean, "true",
            "Accept tokens as `Authorization: Bearer` from API and mobile clients too; no session is made."),
    ]

    private static let secretEncodings = SecretEncoding.allCases.map(\.rawValue)

    /// The signature algorithms of RFC 7518 §3.1 and RFC 8037 that can be pinned.
    static let algorithmNames = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
        "EdDSA",
    ]

    private static let verificationKey: [ConfigurationOption] =
        ConfigurationOption("secret", .text(.any), nil, "A shared secret, for HS256, HS384 and HS512.").inGroup(
            "source"
        ).secret()
        + [
            ConfigurationOption("publicKeyFile", .text(.file), nil, "A PEM public key or certificate.").inGroup(
                "source"),
            ConfigurationOption("jwksFile", .text(.file), nil, "A JSON Web Key Set (RFC 7517).").inGroup("source"),
            ConfigurationOption(
                "jwksURL", .text(.url), nil,
                "Where the provider publishes its JSON Web Key Set: fetched while the gate runs, kept through outages,"
                    + " and asked again when a token names a key that is not in it."
            ).inGroup("source"),
            ConfigurationOption(
                "ca", .text(.file), nil,
                "Beside `jwksURL`: PEM of the authorities that may have signed its https certificate. Default: the"
                    + " system's."),
            ConfigurationOption(
                "serverName", .text(.any), nil,
                "Beside `jwksURL`: the name that its certificate must be for, and that it is asked for. Default: the"
                    + " host of the address."),
            ConfigurationOption(
                "clientCertificate", .text(.file), nil,
                "Beside `jwksURL`: a PEM certificate with its chain, shown to a server that asks for one."),
            ConfigurationOption("clientKey", .text(.file), nil, "The PEM key of `clientCertificate`."),
            ConfigurationOption("secretEncoding", .choice(secretEncodings), nil, "Default: `token.secretEncoding`."),
            ConfigurationOption("keyID", .text(.any), nil, "The `kid` of tokens signed with this key; empty: any."),
            ConfigurationOption(
                "allowWeakSecret", .boolean, "false", "Accept a secret shorter than 128 bits, with a warning."),
        ]

    private static let session: [ConfigurationOption] =
        ConfigurationOption(
            "session.secret", .text(.any), nil,
            "Seals session cookies; any text of 32 bytes or more. None: a random one, so that sessions end with the process."
        ).inGroup("session.secret").secret()
        + ConfigurationOption(
            "session.secrets", .list(.text(.any)), nil,
            "Several secrets: the first seals, all open, so that a secret can be changed without logging anyone out."
        ).inGroup("session.secret").secret(twinSummary: "one a line, the newest first")
        + [
            ConfigurationOption(
                "session.cookieName", .text(.cookieName), "\"\"",
                "Default: __Host-sidegate over https, sidegate over http."),
            ConfigurationOption("session.domain", .text(.domain), "\"\"", "One login for all subdomains of this name."),
            ConfigurationOption(
                "session.appCookies", .list(.text(.cookieName)), "[]",
                "Names of the cookies that hold the app's own session, such as PHPSESSID. They end when the user signs out"
                    + " and when another user signs in; else the app would go on serving the one before."),
            ConfigurationOption(
                "session.logoutPaths", .list(.text(.pathPattern)), "[]",
                "Paths by which users sign out of the app, exact or beginnings such as /account/logout/*. The app gets the"
                    + " request of a page of this site; with its response the session ends, and a browser that navigates"
                    + " goes the way of /.sidegate/logout. Not in forward-auth."),
            ConfigurationOption(
                "session.sameSite", .choice(["lax", "strict", "none"]), "lax", "SameSite of the session cookie."),
            ConfigurationOption(
                "session.lifetime", .duration(.seconds(1) ... .seconds(366 * 86_400)), "12h",
                "When a session ends, whatever happens."),
            ConfigurationOption(
                "session.idleTimeout", .duration(.zero ... .seconds(366 * 86_400)), "1h",
                "When a session ends without requests. 0: no such limit."),
            ConfigurationOption(
                "session.store", .choice(["cookie", "redis"]), "cookie",
                "Where sessions are kept: whole in the browser's cookie, or in Redis, with the browser having a ticket."
            ),
        ] + redis

    private static let identity: [ConfigurationOption] =
        [
            ConfigurationOption(
                "identityHeaders", .map(name: .headerName, .text(.fieldTemplate)), "{}",
                "Headers that tell the app who the user is, as templates of fields: more than those of `headerPreset`,"
                    + " or others in their place; an empty template removes one."),
            ConfigurationOption(
                "headerPreset", .choice(HeaderPreset.allCases.map(\.rawValue)), "forwarded",
                "A set of identity headers that a family of apps expects."),
            ConfigurationOption(
                "headerEncoding", .choice(["utf8", "percent", "rfc2047"]), "utf8",
                "How what is not ASCII is written in identity headers."),
        ] + assertion

    private static let running: [ConfigurationOption] = [
        ConfigurationOption(
            "limits.headerBytes", .size(1024...1_048_576), "32KiB", "The largest request head; 431 above it."),
        ConfigurationOption(
            "limits.bodyBytes", .size(0...(1 << 50)), "0", "The largest request body; 413 above it. 0: no limit."),
        ConfigurationOption(
            "limits.connections", .integer(1...10_000_000), "20000", "The most browser connections at a time."),
        ConfigurationOption(
            "limits.requestsPerSecond", .integer(anyCount), "0",
            "The most requests a second of one client, which is an IPv4 address or the /64 of an IPv6 one; as many may come"
                + " at once. Above it 429, with Retry-After. 0: no limit."),
        ConfigurationOption(
            "limits.headerTimeout", .duration(anyTime), "10s", "How long a request head may take to arrive."),
        ConfigurationOption("limits.bodyIdleTimeout", .duration(anyTime), "60s", "How long a request body may pause."),
        ConfigurationOption(
            "limits.minimumBodyRate", .integer(0...1_000_000), "512",
            "Bytes a second that a client must send of its request, over 10 s after the first 10 s, or take of its response,"
                + " over 30 s after the first 30 s. Counts only while Sidegate waits for the client and other requests wait"
                + " for a connection to the same app, or nine tenths of `limits.connections` are open. 0: off."),
        ConfigurationOption(
            "limits.clientShare", .fraction, "0.5",
            "The part of `upstream.maxConnections` that one client, which is an IPv4 address or the /64 of an IPv6 one, may"
                + " hold while requests of other clients wait: beyond it, its stalled requests end first."
                + " For five minutes after one of its requests was ended as slow, it never holds more."),
        ConfigurationOption(
            "limits.keepAliveTimeout", .duration(anyTime), "75s", "How long an idle browser connection is kept."),
        ConfigurationOption(
            "limits.drainTimeout", .duration(zeroOrTime), "30s",
            "How long requests in flight may take to finish after SIGTERM."),
        ConfigurationOption(
            "limits.drainDelay", .duration(zeroOrTime), "0s",
            "How long connections are still accepted after SIGTERM, with readiness failing already: the time that load"
                + " balancers need to notice. It comes before `drainTimeout`."),
        ConfigurationOption("http2.enabled", .boolean, "true", "Speak HTTP/2 with browsers."),
        ConfigurationOption(
            "http2.maxConcurrentStreams", .integer(1...10_000), "128", "Requests at a time on one connection."),
        ConfigurationOption("workers", .integer(0...1024), "0", "Event loops; 0: one for each core."),
        ConfigurationOption(
            "admin.listen", .text(.any), "\"127.0.0.1:9180\"",
            "Where /healthz, /readyz, /metrics and /probe are served: an address as in `listen`, for nobody but the people"
                + " and programs that watch this one. Empty or off: nowhere. When the default address is taken, as by another"
                + " Sidegate on the same host, the log says so and the gate runs without; an address of your own must be free."
        ),
        ConfigurationOption(
            "admin.probePaths", .list(.text(.rootedPath)), "[]",
            "Paths of the app that /probe?path=… may ask for, each exactly."),
        ConfigurationOption(
            "log.level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), "info",
            "The least important messages that are logged."),
        ConfigurationOption(
            "log.format", .choice(["json", "text"]), nil,
            "How log lines are written. Default: text when standard output is a terminal, else json."),
        ConfigurationOption("log.access", .boolean, "true", "One line for each request."),
        ConfigurationOption(
            "pages.directory", .text(.file), "\"\"", "A directory with templates of your own; empty: the built-in ones."
        ),
        ConfigurationOption("pages.brand", .text(.any), "\"\"", "A name that the pages show."),
    ]
}
