// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// The rows in the order of the reference. A default is written as in the file.

extension KeyTable {
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

    static let rows: [Key] =
        serving + [presetKey] + identityProvider + token + session + identity + access + nativeLogin + provisioning
        + running

    private static let presetKey = Key(
        "identityProvider.preset", .choice(Preset.served.map(\.name)), "generic",
        "A set of defaults for an identity provider; every one of them can be overridden.")

    static let anyTime: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86_400)
    private static let zeroOrTime: ClosedRange<Duration> = .zero ... .seconds(86_400)
    private static let anyCount = 0...1_000_000_000

    private static let serving: [Key] =
        [
            Key(
                "listen", .list(.listenAddress), "[\"0.0.0.0:8080\"]",
                "Where to accept connections: host:port, [v6]:port, :port for every address, unix:/path, or systemd: (or systemd:NAME) for"
                    + " sockets that the service manager hands over; one or many. After redirect: plain HTTP there is only sent on to"
                    + " https, to `publicURL` or the host asked for."),
            Key(
                "publicURL", .origin, nil,
                "The origin that browsers see. Default: taken from the request; X-Forwarded-* only from `trustedProxies`."
            ),
            Key(
                "upstream.url", .upstreamAddress, nil,
                "Where the app is: http://host:port, https://host:port, h2c://host:port (HTTP/2 in the clear, as gRPC"
                    + " servers speak it) or unix:/path."
            ).required(),
            Key(
                "upstream.http2", .boolean, "false",
                "Offer HTTP/2 to an app behind https, which chooses (ALPN). Without TLS the address says it: h2c://."),
            Key("upstream.connectTimeout", .duration(anyTime), "5s", "How long connecting to the app may take."),
            Key(
                "upstream.responseTimeout", .duration(anyTime), "60s",
                "How long the app may take to begin its response; 504 after it."),
            Key(
                "upstream.idleTimeout", .duration(anyTime), "60s",
                "How long an unused connection to the app is kept, and how long a response may pause."),
            Key(
                "upstream.maxConnections", .integer(1...1_000_000), "256",
                "The most connections to the app at a time, of all workers together; further requests wait for `connectTimeout`."
            ),
            Key(
                "upstream.preserveHost", .boolean, "true", "Send the browser's Host to the app, not the upstream's own."
            ),
            Key(
                "upstream.upgrades", .list(.text(.upgradeProtocol)), "[\"websocket\"]",
                "The protocols that the app may switch to (101) and that pass unseen from then on, each as in `Upgrade`:"
                    + " websocket, SPDY/3.1. Any other `Upgrade` is dropped, and so is a list of several. h2c, HTTP and TLS"
                    + " cannot be named: requests would pass unseen."),
        ] + upstreamTLS + [
            Key(
                "upstreams", .list(.object(app)), "[]",
                "More apps, by host and path. The most specific wins: a host by its name, then by `*.`, then any; then the"
                    + " longest path. What is for none of them goes to `upstream`. Location and cookies that an app sends are"
                    + " passed as they are.")
        ] + tls + [
            Key(
                "trustedProxies", .list(.network), "[]",
                "Address blocks of proxies before Sidegate, whose X-Forwarded-* fields are believed."),
            Key(
                "proxyProtocol", .boolean, "false",
                "Connections from `trustedProxies` and over unix sockets begin with a PROXY protocol header, version 1 or 2,"
                    + " and are not served without; from all others such a header is refused."),
        ]

    private static let app: [Key] = [
        Key(
            "hosts", .list(.text(.hostPattern)), nil,
            "Names without port that it is for; *.example.com stands for all names below. Default: all."),
        Key(
            "paths", .list(.text(.rulePath)), nil,
            "Exact paths, or beginnings such as /wiki/*, which means /wiki and all below. Default: all."),
        Key("url", .upstreamAddress, nil, "Where the app is, as `upstream.url`.").required(),
        Key(
            "stripPrefix", .text(.pathPrefix), nil,
            "Taken off the front of the path before the app gets it, which is told in X-Forwarded-Prefix."),
        Key("connectTimeout", .duration(anyTime), nil, "Default: as `upstream.connectTimeout`, and so on."),
        Key("responseTimeout", .duration(anyTime), nil, "As `upstream.responseTimeout`."),
        Key("idleTimeout", .duration(anyTime), nil, "As `upstream.idleTimeout`."),
        Key("maxConnections", .integer(1...1_000_000), nil, "As `upstream.maxConnections`, for this app alone."),
        Key("preserveHost", .boolean, nil, "As `upstream.preserveHost`."),
        Key("upgrades", .list(.text(.upgradeProtocol)), nil, "As `upstream.upgrades`, in its place."),
        Key("http2", .boolean, nil, "As `upstream.http2`."),
        Key(
            "tls", .object(appTLS), nil,
            "`ca`, `serverName`, `certificate`, `key` and `insecureSkipVerify` as in `upstream.tls`, from which nothing is"
                + " taken over."),
    ]

    private static let identityProvider: [Key] = [
        Key(
            "identityProvider.loginURL",
            .text(.urlTemplate(["returnURL", "returnTo", "state", "apiKey", "jwtApp"])), nil,
            "Where a browser without a session goes. Placeholders, percent-encoded when expanded: {returnURL} is this"
                + " gate's return path, {returnTo} the page first asked for, {state} the sealed login attempt, {apiKey}"
                + " and {jwtApp} the keys of these names."
        ).required(),
        Key(
            "identityProvider.apiKey", .text(.oneLine), "\"\"",
            "What {apiKey} in `loginURL` stands for; preset loginradius: the API key of the LoginRadius app."),
        Key(
            "identityProvider.jwtApp", .text(.oneLine), "\"\"",
            "What {jwtApp} in `loginURL` stands for; preset loginradius: the App Name of the JWT app in its dashboard."),
        Key(
            "identityProvider.appName", .text(.label), "\"\"",
            "Preset loginradius: the name of the LoginRadius app; `token.issuer` is then"
                + " https://APPNAME.hub.loginradius.com/ unless it is set."),
        Key(
            "identityProvider.logoutURL", .text(.urlTemplate(["returnTo", "logoutToken", "email"])), "\"\"",
            "Where the browser goes after logout here. Placeholders: {returnTo} {email}, and {logoutToken}, which is"
                + " signed with the first shared secret of `token.keys` and good for a minute. Empty: a signed-out page."
        ),
        Key(
            "identityProvider.logoutTokenParameter", .text(.parameterNameOrNone), "\"\"",
            "When set, and `logoutURL` has no {logoutToken}, it is appended there as a query parameter of this name."),
        Key(
            "identityProvider.returnToParameter", .text(.parameterNameOrNone), "\"\"",
            "When set, and `loginURL` has no {returnTo}, it is appended there as a query parameter of this name."),
        Key(
            "identityProvider.tokenParameter", .text(.parameterName), "jwt",
            "The query parameter, and the form field of a POST, that carries the token."),
        Key(
            "identityProvider.returnPath", .text(.requestPath), "/.sidegate/callback",
            "Where the identity provider sends the browser back."),
        Key(
            "identityProvider.initiated", .choice(["allow", "confirm", "deny"]), "confirm",
            "A login that the user did not start here: let it pass, ask by a page, or refuse it."),
        Key(
            "identityProvider.requireState", .boolean, "false",
            "Refuse every return that does not bring back the `state` of a login that this browser started, whatever"
                + " `initiated` says. For providers that keep it, in the return URL or by {state} in `loginURL`."),
    ]

    private static let token: [Key] = [
        Key(
            "token.algorithms", .list(.choice(algorithmNames)), "[HS256]",
            "The signature algorithms accepted. The token itself never chooses."),
        Key(
            "token.keys", .list(.object(verificationKey)), "[]",
            "The keys that tokens are verified with; each names one source."
        ).required(),
        Key(
            "token.secretEncoding", .choice(secretEncodings), "utf8",
            "How a secret's text becomes the key: as it is, decoded, or (md5hex) as the 32 lower-case hexadecimal digits"
                + " of its MD5."),
        Key("token.issuer", .text(.any), "\"\"", "The exact `iss`; empty: not checked."),
        Key(
            "token.audience", .list(.text(.any)), "[]",
            "`aud` must name one of these; empty: a token that carries aud is refused."),
        Key(
            "token.acceptAnyAudience", .boolean, "false",
            "With an empty `audience`: accept tokens whatever their aud."),
        Key(
            "token.clockSkew", .duration(.zero ... .seconds(3600)), "60s",
            "How far the provider's clock may differ from ours."),
        Key(
            "token.maxAge", .duration(.seconds(1) ... .seconds(366 * 86_400)), "5m",
            "The oldest token accepted, by its iat; a token without exp must carry iat."),
        Key("token.requireExpiry", .boolean, "false", "Refuse tokens without exp."),
        Key("token.singleUse", .boolean, "true", "Each token signs in once."),
        Key(
            "token.replayByID", .boolean, "true",
            "Where jti is required (`minimumIDLength`), a jti that its issuer has used before is a replay too, not only"
                + " the same token."),
        Key(
            "token.minimumIDLength", .integer(0...1024), "0",
            "The shortest jti accepted, in characters; more than 0 makes jti required."),
        Key(
            "token.headerAliases", .map(name: .claimName, .list(.text(.claimName))), "{}",
            "Other names that header parameters may have, such as { alg: [ALG] }."),
        Key(
            "token.claimAliases", .map(name: .claimName, .list(.text(.claimName))), "{}",
            "Other names that registered claims may have, such as { iat: [IAT] }."),
        Key(
            "token.claims", .map(name: .fieldName, .list(.text(.claimName)), keepsDefaults: true),
            """
            { user: [sub, preferred_username, email], email: [email], familyName: [family_name], \
            givenName: [given_name], preferredUsername: [preferred_username], groups: [groups, roles], \
            sites: [site_access], guest: [guest] }
            """,
            "Field matching: each field is filled from the first claim present. Any name becomes a field; an empty list"
                + " removes one."),
        Key("token.required", .list(.text(.fieldName)), "[email]", "Fields that a token must fill."),
        Key(
            "token.bearer", .boolean, "true",
            "Accept tokens as `Authorization: Bearer` from API and mobile clients too; no session is made."),
    ]

    private static let secretEncodings = SecretEncoding.allCases.map(\.rawValue)

    /// The signature algorithms of RFC 7518 §3.1 and RFC 8037 that can be pinned.
    static let algorithmNames = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
        "EdDSA",
    ]

    private static let verificationKey: [Key] =
        Key("secret", .text(.any), nil, "A shared secret, for HS256, HS384 and HS512.").inGroup("source").secret()
        + [
            Key("publicKeyFile", .text(.file), nil, "A PEM public key or certificate.").inGroup("source"),
            Key("jwksFile", .text(.file), nil, "A JSON Web Key Set (RFC 7517).").inGroup("source"),
            Key(
                "jwksURL", .text(.url), nil,
                "Where the provider publishes its JSON Web Key Set: fetched while the gate runs, kept through outages,"
                    + " and asked again when a token names a key that is not in it."
            ).inGroup("source"),
            Key(
                "ca", .text(.file), nil,
                "Beside `jwksURL`: PEM of the authorities that may have signed its https certificate. Default: the"
                    + " system's."),
            Key(
                "serverName", .text(.any), nil,
                "Beside `jwksURL`: the name that its certificate must be for, and that it is asked for. Default: the"
                    + " host of the address."),
            Key(
                "clientCertificate", .text(.file), nil,
                "Beside `jwksURL`: a PEM certificate with its chain, shown to a server that asks for one."),
            Key("clientKey", .text(.file), nil, "The PEM key of `clientCertificate`."),
            Key("secretEncoding", .choice(secretEncodings), nil, "Default: `token.secretEncoding`."),
            Key("keyID", .text(.any), nil, "The `kid` of tokens signed with this key; empty: any."),
            Key("allowWeakSecret", .boolean, "false", "Accept a secret shorter than 128 bits, with a warning."),
        ]

    private static let session: [Key] =
        Key(
            "session.secret", .text(.any), nil,
            "Seals session cookies; any text of 32 bytes or more. None: a random one, so that sessions end with the process."
        ).inGroup("session.secret").secret()
        + Key(
            "session.secrets", .list(.text(.any)), nil,
            "Several secrets: the first seals, all open, so that a secret can be changed without logging anyone out."
        ).inGroup("session.secret").secret(twinSummary: "one a line, the newest first")
        + [
            Key(
                "session.cookieName", .text(.cookieName), "\"\"",
                "Default: __Host-sidegate over https, sidegate over http."),
            Key("session.domain", .text(.domain), "\"\"", "One login for all subdomains of this name."),
            Key(
                "session.appCookies", .list(.text(.cookieName)), "[]",
                "Names of the cookies that hold the app's own session, such as PHPSESSID. They end when the user signs out"
                    + " and when another user signs in; else the app would go on serving the one before."),
            Key(
                "session.logoutPaths", .list(.text(.pathPattern)), "[]",
                "Paths by which users sign out of the app, exact or beginnings such as /account/logout/*. The app gets the"
                    + " request of a page of this site; with its response the session ends, and a browser that navigates"
                    + " goes the way of /.sidegate/logout. Not in forward-auth."),
            Key("session.sameSite", .choice(["lax", "strict", "none"]), "lax", "SameSite of the session cookie."),
            Key(
                "session.lifetime", .duration(.seconds(1) ... .seconds(366 * 86_400)), "12h",
                "When a session ends, whatever happens."),
            Key(
                "session.idleTimeout", .duration(.zero ... .seconds(366 * 86_400)), "1h",
                "When a session ends without requests. 0: no such limit."),
            Key(
                "session.store", .choice(["cookie", "redis"]), "cookie",
                "Where sessions are kept: whole in the browser's cookie, or in Redis, with the browser having a ticket."
            ),
        ] + redis

    private static let identity: [Key] =
        [
            Key(
                "identityHeaders", .map(name: .headerName, .text(.fieldTemplate)), "{}",
                "Headers that tell the app who the user is, as templates of fields: more than those of `headerPreset`,"
                    + " or others in their place; an empty template removes one."),
            Key(
                "headerPreset", .choice(HeaderPreset.allCases.map(\.rawValue)), "forwarded",
                "A set of identity headers that a family of apps expects."),
            Key(
                "headerEncoding", .choice(["utf8", "percent", "rfc2047"]), "utf8",
                "How what is not ASCII is written in identity headers."),
        ] + assertion

    private static let running: [Key] = [
        Key(
            "limits.headerBytes", .size(1024...1_048_576), "32KiB", "The largest request head; 431 above it."),
        Key(
            "limits.bodyBytes", .size(0...(1 << 50)), "0", "The largest request body; 413 above it. 0: no limit."),
        Key("limits.connections", .integer(1...10_000_000), "20000", "The most browser connections at a time."),
        Key(
            "limits.requestsPerSecond", .integer(anyCount), "0",
            "The most requests a second of one client, which is an IPv4 address or the /64 of an IPv6 one; as many may come"
                + " at once. Above it 429, with Retry-After. 0: no limit."),
        Key("limits.headerTimeout", .duration(anyTime), "10s", "How long a request head may take to arrive."),
        Key("limits.bodyIdleTimeout", .duration(anyTime), "60s", "How long a request body may pause."),
        Key(
            "limits.minimumBodyRate", .integer(0...1_000_000), "512",
            "Bytes a second that a client must send of its request, over 10 s after the first 10 s, or take of its response,"
                + " over 30 s after the first 30 s. Counts only while Sidegate waits for the client and other requests wait"
                + " for a connection to the same app, or nine tenths of `limits.connections` are open. 0: off."),
        Key(
            "limits.clientShare", .fraction, "0.5",
            "The part of `upstream.maxConnections` that one client, which is an IPv4 address or the /64 of an IPv6 one, may"
                + " hold while requests of other clients wait: beyond it, its stalled requests end first."),
        Key("limits.keepAliveTimeout", .duration(anyTime), "75s", "How long an idle browser connection is kept."),
        Key(
            "limits.drainTimeout", .duration(zeroOrTime), "30s",
            "How long requests in flight may take to finish after SIGTERM."),
        Key(
            "limits.drainDelay", .duration(zeroOrTime), "0s",
            "How long connections are still accepted after SIGTERM, with readiness failing already: the time that load"
                + " balancers need to notice. It comes before `drainTimeout`."),
        Key("http2.enabled", .boolean, "true", "Speak HTTP/2 with browsers."),
        Key("http2.maxConcurrentStreams", .integer(1...10_000), "128", "Requests at a time on one connection."),
        Key("workers", .integer(0...1024), "0", "Event loops; 0: one for each core."),
        Key(
            "admin.listen", .text(.any), "\"127.0.0.1:9180\"",
            "Where /healthz, /readyz, /metrics and /probe are served: an address as in `listen`, for nobody but the people"
                + " and programs that watch this one. Empty or off: nowhere. When the default address is taken, as by another"
                + " Sidegate on the same host, the log says so and the gate runs without; an address of your own must be free."
        ),
        Key(
            "admin.probePaths", .list(.text(.rootedPath)), "[]",
            "Paths of the app that /probe?path=… may ask for, each exactly."),
        Key(
            "log.level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), "info",
            "The least important messages that are logged."),
        Key(
            "log.format", .choice(["json", "text"]), nil,
            "How log lines are written. Default: text when standard output is a terminal, else json."),
        Key("log.access", .boolean, "true", "One line for each request."),
        Key(
            "pages.directory", .text(.file), "\"\"", "A directory with templates of your own; empty: the built-in ones."
        ),
        Key("pages.brand", .text(.any), "\"\"", "A name that the pages show."),
    ]
}
