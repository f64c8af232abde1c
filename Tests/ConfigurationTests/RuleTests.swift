// SPDX-License-Identifier: Apache-2.0

import Configuration
import HTTP
import JWT
import Testing

@Suite("Valid values and combinations")
struct RuleTests {
    let place = Workplace()

    @Test(
        "HTTP/2 to the app is negotiated over TLS, or given by the address",
        arguments: [
            ("upstream: { url: \"http://app:3000\", http2: true }", "write `url: h2c://app:3000`"),
            ("upstream: { url: \"unix:/run/app.sock\", http2: true }", "remove this key"),
            ("upstream: { url: \"https://app\", http2: true }", nil), ("upstream: h2c://app:50051", nil),
            ("upstream: { url: \"h2c://app\", http2: true }", nil),
            ("upstream: { url: \"http://app\", http2: false }", nil),
        ])
    func upstreamVersion(text: String, fix: String?) {
        let errors = place.load(text).errors
        #expect(
            errors.contains { $0.contains("`upstream.http2`") && $0.contains(fix ?? "") } == (fix != nil), "\(errors)"
        )
    }

    @Test("Every key that is not served may stand with its default or its off value")
    func offValues() {
        let loaded = place.load(
            minimal + """
                upstreams: []
                tls: { certificates: [], minimumVersion: "1.2", clientAuth: none, hsts: 0s }
                proxyProtocol: false
                redis: { url: "redis://127.0.0.1:6379/0", prefix: "sidegate:", timeout: 250ms }
                replay: { store: memory, onFailure: deny }
                assertion: { header: X-Sidegate-Jwt-Assertion, keyFile: "", algorithm: ES256, lifetime: 60s }
                access:
                  default: signedIn
                  users: { emails: [], emailsFile: "", emailDomains: [], groups: [] }
                  site: ""
                  rules: []
                  mode: enforce
                nativeLogin: { parameters: [no_sso, no_jwt], paths: [], with: [], from: [], lifetime: 900s }
                provisioning: { url: "", secretFile: "", eachLogin: false }
                http2: { enabled: false, maxConcurrentStreams: 128 }
                admin: { listen: "", probePaths: [] }
                """)
        #expect(loaded.lines == [])
    }

    @Test("Every default of the table is a value of its key")
    func defaults() {
        let loaded = place.load(minimal)
        for key in OptionTable.rows where key.defaultText != nil {
            #expect(loaded.resolution.entries[key.path] != nil, "\(key.path)")
        }
        #expect(Set(OptionTable.rows.map(\.path)).count == OptionTable.rows.count)
        for key in OptionTable.rows {
            let section = key.path.split(separator: ".").dropLast().joined(separator: ".")
            #expect(section.isEmpty || OptionTable.section(section) != nil, "\(key.path)")
        }
    }

    @Test(
        "A value must fit its key",
        arguments: [
            ("log: { access: yes }", "`log.access`: \"yes\": write true"),
            ("log: { access: 0 }", "`log.access`: \"0\": write false"),
            ("log: { access: maybe }", "expects true or false"),
            ("log: { format: xml }", "expects json or text"),
            ("log: { level: warn }", "`log.level`: \"warn\": expects trace, debug"),
            ("limits: { headerBytes: 10MB }", "`limits.headerBytes`: \"10MB\": write 10MiB"),
            ("limits: { headerBytes: 1 }", "choose a size from 1KiB to 1MiB"),
            ("limits: { headerTimeout: 0 }", "choose a duration from 1ms to 24h"),
            ("limits: { headerTimeout: [1s] }", "expects a single value, not a list"),
            ("limits: [1]", "`limits` expects a mapping with `headerBytes`"),
            ("trustedProxies: [10.0.0.0/33]", "this is no address block"),
            ("trustedProxies: proxy.example", "this is no address block"),
            ("token: { algorithms: [none] }", "`token.algorithms`: \"none\": expects HS256"),
            ("token: { algorithms: [hs256] }", "did you mean HS256?"),
            ("token: { algorithms: [] }", "`token.algorithms` is empty"),
            ("token: { maxAge: 0 }", "out of range"),
            ("token: { clockSkew: 2h }", "out of range"),
            ("token: { claims: [user] }", "`token.claims`: expects a mapping of names to values"),
            ("token: { claims: { \"a b\": [x] } }", "a field's name has letters"),
            ("token: { claims: { user: [] } }", "the field `user` is needed"),
            ("token: { required: [emial] }", "no claim fills the field \"emial\"; did you mean `email`?"),
            ("token: { required: [team] }", "no claim fills the field \"team\"; add it to `token.claims`"),
            ("token: { audience: [a], acceptAnyAudience: true }", "contradicts `token.audience`"),
            ("token: { audience: [a, ~] }", "has an empty item"),
            ("identityProvider: { returnPath: callback }", "expects a path"),
            ("identityProvider: { returnPath: / }", "expects a path"),
            ("identityProvider: { returnPath: /a/../b }", "expects a plain path"),
            ("identityProvider: { returnPath: /a//b }", "expects a plain path"),
            ("identityProvider: { returnPath: \"/a?b\" }", "expects a plain path"),
            ("identityProvider: { returnPath: /a%2Fb }", "expects a plain path"),
            ("identityProvider: { returnPath: /.sidegate/logout }", "uses this path for something else"),
            ("identityProvider: { tokenParameter: \"a b\" }", "a parameter's name"),
            ("identityProvider: { loginURL: /login }", "expects an absolute address"),
            ("identityProvider: { loginURL: \"javascript:alert(1)\" }", "expects an absolute address"),
            ("identityProvider: { loginURL: \"https://{returnURL}/\" }", "not in the host"),
            ("identityProvider: { loginURL: \"https:///x\" }", "host"),
            ("identityProvider: { loginURL: \"https://idp/{\" }", "must come in pairs"),
            ("identityProvider: { loginURL: \"https://idp/ x\" }", "no blanks"),
            ("publicURL: app.example.com", "of the form https://app.example.com"),
            ("publicURL: https://app.example.com/base", "a path, query or fragment cannot stand"),
            ("session: { cookieName: \"a b\" }", "a cookie's name"),
            (
                "session: { cookieName: __Host-a, domain: example.com }",
                "browsers refuse a __Host- cookie with a domain"
            ),
            ("session: { cookieName: __Host-a }\npublicURL: http://a.example", "over http browsers refuse"),
            ("session: { sameSite: none }\npublicURL: http://a.example", "SameSite=None"),
            ("session: { domain: .example.com }", "without the leading dot"),
            ("session: { domain: localhost }", "a name with a dot"),
            ("session: { domain: example.com }\npublicURL: https://badexample.com", "is not in example.com"),
            ("identityHeaders: { X-User: \"{usr}\" }", "no field is called {usr}; did you mean {user}?"),
            ("identityHeaders: { Host: \"{user}\" }", "choose another name"),
            ("identityHeaders: { x_forwarded_for: \"{user}\" }", "choose another name"),
            ("identityHeaders: { X-Sidegate-User: \"{user}\" }", "X-Sidegate-* is kept"),
            ("identityHeaders: { \"X User\": \"{user}\" }", "a header's name"),
            ("identityHeaders: { X-User: \"a\\nb\" }", "control characters"),
            ("identityHeaders: { X-User: \"{user}\", x_user: \"{email}\" }", "as one header; keep one"),
            ("headerPreset: traefik", "expects forwarded, remote-user"),
            ("listen: []", "`listen` is empty"),
            ("listen: [127.0.0.1:1, 127.0.0.1:1]", "is there twice"),
            ("pages: { directory: none }", "cannot read the directory"),
            ("token: { keys: [{ keyID: a }] }", "names no source"),
            ("token: { keys: [x] }", "expects a mapping with `secret`"),
        ])
    func refused(text: String, message: String) {
        let loaded = place.load(text)
        #expect(loaded.errors.contains { $0.contains(message) }, "\(loaded.errors)")
    }

    @Test(
        "Values that are good",
        arguments: [
            "log: { access: \"true\" }", "listen: [127.0.0.1:0, 127.0.0.1:0]", "token: { required: [] }",
            "identityProvider: { logoutURL: \"https://idp/out?to={returnTo}&who={email}\" }",
            "session: { domain: example.com }\npublicURL: https://app.example.com", "limits: { drainTimeout: 0 }",
            "limits: { bodyBytes: 10MiB }", "headerPreset: basic", "session: { idleTimeout: 0 }",
            "identityHeaders: { Authorization: \"Bearer {user}\", X-Forwarded-Email: \"\" }",
            "trustedProxies: 127.0.0.1",
            "upstream: { url: unix:/run/app.sock, connectTimeout: 1s, preserveHost: false }",
        ])
    func accepted(text: String) {
        let errors = place.load(text).errors.filter { !$0.contains("is missing") }
        #expect(errors == [])
    }

    @Test("Address blocks are understood")
    func networks() throws {
        let settings = try #require(
            place.load(minimal + "trustedProxies: [10.0.0.0/8, \"fd00::/8\", 192.0.2.1]").settings)
        let inside = try #require(IPAddress(text: "10.1.2.3"))
        let outside = try #require(IPAddress(text: "11.1.2.3"))
        #expect(settings.trustedProxies.contains { $0.contains(inside) })
        #expect(!settings.trustedProxies.contains { $0.contains(outside) })
    }
}
