// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import Testing

@Suite("Rules by path, and several apps")
struct PathRuleTests {
    let place = Workplace()

    @Test("The rules of the contract's example are read")
    func rules() throws {
        let loaded = place.load(
            minimal + """
                access:
                  mode: observe
                  rules:
                    - { paths: ["/public/*", "/favicon.ico"], methods: [GET, HEAD], allow: anyone }
                    - { paths: ["/admin/*"], require: { groups: [admins], user: ada } }
                    - { paths: ["/api/*"], unauthenticated: "401" }
                    - { paths: /go, unauthenticated: redirect }
                    - { paths: ["/internal/*"], deny: true }

                """)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let access = try #require(loaded.settings?.access)
        #expect(access.mode == .observe)
        #expect(
            access.rules.map(\.effect) == [
                .anyone,
                .signedIn([.init(field: "groups", values: ["admins"]), .init(field: "user", values: ["ada"])]),
                .signedIn([]), .signedIn([]), .deny,
            ])
        #expect(access.rules.map(\.unauthenticated) == [nil, nil, .unauthorized, .redirect, nil])
        #expect(access.rules[0].methods == ["GET", "HEAD"])
        #expect(access.rules[0].paths.map(\.description) == ["/public/*", "/favicon.ico"])
    }

    @Test("Hosts and networks of rules are read")
    func hostsAndNetworks() throws {
        let loaded = place.load(
            minimal + """
                upstreams: [{ hosts: [Wiki.example.com], url: "http://127.0.0.1:3001" }]
                access:
                  rules:
                    - { paths: ["/*"], hosts: [Wiki.Example.com], from: [192.0.2.7, "2001:db8::/32"], allow: anyone }
                    - { paths: [/x], hosts: [], from: 10.0.0.0/8, deny: true }

                """)
        #expect(
            loaded.errors.isEmpty && !loaded.findings.contains { $0.message.contains("hosts") }, "\(loaded.findings)")
        let rules = try #require(loaded.settings?.access.rules)
        #expect(rules[0].hosts == ["wiki.example.com"] && rules[1].hosts.isEmpty)
        #expect(rules.map { $0.from.map(\.description) } == [["192.0.2.7/32", "2001:db8::/32"], ["10.0.0.0/8"]])
    }

    @Test(
        "A network that holds a trusted proxy is refused, since the proxy's address would be the client's",
        arguments: [
            ("10.1.0.0/16", "10.0.0.0/8", true), ("10.0.0.0/8", "10.1.2.3", true), ("10.1.2.3", "10.1.2.3", true),
            ("0.0.0.0/0", "10.1.2.3", true), ("::/0", "2001:db8::1", true), ("2001:db8::/32", "2001:db8:1::/48", true),
            ("::ffff:10.1.2.3", "10.0.0.0/8", true), ("11.0.0.0/8", "10.0.0.0/8", false), ("::/0", "10.0.0.0/8", false),
            ("0.0.0.0/0", "::/0", false), ("192.0.2.0/25", "192.0.2.128/25", false),
        ])
    func trustedProxies(from: String, proxy: String, overlaps: Bool) {
        let loaded = place.load(
            minimal + """
                trustedProxies: ["\(proxy)"]
                access: { rules: [{ paths: ["/a/*"], from: ["\(from)"], allow: anyone }] }

                """)
        #expect(loaded.errors.contains { $0.contains("overlaps \(proxy) of `trustedProxies`") } == overlaps)
    }

    @Test(
        "A rule for hosts that do not select the app is warned of",
        arguments: [
            ("[]", "{ hosts: [a.test], paths: [\"/*\"] }", true),
            ("[{ hosts: [a.test], url: \"http://127.0.0.1:3001\" }]", "{ hosts: [a.test], paths: [\"/*\"] }", false),
            ("[{ hosts: [a.test], url: \"http://127.0.0.1:3001\" }]", "{ hosts: [\"*.test\"], paths: [\"/*\"] }", true),
            (
                "[{ hosts: [\"*.test\"], url: \"http://127.0.0.1:3001\" }]", "{ hosts: [\"*.test\"], paths: [/a] }",
                false
            ),
            ("[{ hosts: [\"*.test\"], url: \"http://127.0.0.1:3001\" }]", "{ hosts: [a.test], paths: [/a] }", true),
            (
                "[{ hosts: [a.test, b.test], url: \"http://127.0.0.1:3001\" }]",
                "{ hosts: [b.test, a.test], paths: [/a] }", false
            ),
            (
                "[{ hosts: [a.test], paths: [\"/a/*\"], url: \"http://127.0.0.1:3001\" }]",
                "{ hosts: [a.test], paths: [\"/a/b/*\", \"/a\"] }", false
            ),
            (
                "[{ hosts: [a.test], paths: [\"/a/*\"], url: \"http://127.0.0.1:3001\" }]",
                "{ hosts: [a.test], paths: [\"/*\"] }", true
            ),
            ("[{ paths: [\"/a/*\"], url: \"http://127.0.0.1:3001\" }]", "{ hosts: [a.test], paths: [\"/a/*\"] }", true),
            ("[{ hosts: [a.test], url: \"http://127.0.0.1:3000\" }]", "{ hosts: [a.test], paths: [\"/*\"] }", true),
            ("[{ paths: [/a], url: \"http://127.0.0.1:3001\" }]", "{ paths: [/a] }", false),
        ])
    func hostsOfApps(apps: String, rule: String, isWarnedOf: Bool) {
        let loaded = place.load(
            minimal + "upstreams: \(apps)\naccess: { rules: [\(rule.dropLast(2)), deny: true }] }\n")
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let warning = loaded.findings.contains { $0.message.contains("under other hosts too") }
        #expect(warning == isWarnedOf, "\(loaded.findings)")
    }

    @Test(
        "A rule never decides after one with its paths for the same hosts and networks, or for all",
        arguments: [
            ("", "", true), ("", "hosts: [a.test], ", true), ("", "from: [10.0.0.0/8], ", true),
            ("hosts: [a.test], ", "hosts: [a.test], from: [10.0.0.0/8], ", true),
            ("from: [10.0.0.0/8], ", "hosts: [a.test], from: [10.0.0.0/8], ", true), ("hosts: [a.test], ", "", false),
            ("hosts: [a.test], ", "hosts: [b.test], ", false), ("from: [10.0.0.0/8], ", "", false),
        ])
    func covered(first: String, second: String, isCovered: Bool) {
        let loaded = place.load(
            minimal
                + "access: { rules: [{ paths: [\"/a/*\"], \(first)deny: true }, { paths: [/a/b], \(second)deny: true }] }\n"
        )
        #expect(loaded.findings.contains { $0.message.contains("never decides") } == isCovered, "\(loaded.findings)")
    }

    @Test(
        "A rule that cannot be is refused, with its fix",
        arguments: [
            ("{ allow: anyone }", "`access.rules[].paths` is missing"),
            ("{ paths: [], deny: true }", "`access.rules[].paths` is missing"),
            ("{ paths: [/a] }", "says nothing of these paths"),
            ("{ paths: [/a], deny: false }", "write true, or remove it"),
            ("{ paths: [/a], deny: true, allow: anyone }", "exclude each other"),
            ("{ paths: [/a], allow: anyone, require: { groups: [a] } }", "exclude each other"),
            ("{ paths: [/a], allow: everyone }", "expects anyone"),
            ("{ paths: [/a], require: { group: [a] } }", "did you mean `groups`?"),
            ("{ paths: [/a], require: { groups: [] } }", "no user could be let in"),
            ("{ paths: [/a], deny: true, unauthenticated: \"401\" }", "does nothing where sign-in is not needed"),
            ("{ paths: [/a], unauthenticated: \"403\" }", "did you mean 401?"),
            ("{ paths: [a], deny: true }", "write \"/a\""), ("{ paths: [/a?b], deny: true }", "no query"),
            ("{ paths: [/a*], deny: true }", "after a slash"), ("{ paths: [/a/../b], deny: true }", "no dot segments"),
            ("{ paths: [/%61], deny: true }", "percent-encoding"),
            ("{ paths: [/a], methods: [get], deny: true }", "write GET"),
            ("{ paths: [/a], methods: [\"G T\"], deny: true }", "expects a method"),
            ("{ paths: [/a], path: /b, deny: true }", "did you mean `paths`?"),
            ("{ paths: [/a], hosts: [a.test] }", "says nothing of these paths"),
            ("{ paths: [/a], from: [10.0.0.0/8] }", "says nothing of these paths"),
            ("{ paths: [/a], hosts: [\"https://a.test\"], deny: true }", "without scheme and path"),
            ("{ paths: [/a], hosts: [\"a.test:80\"], deny: true }", "without a port"),
            ("{ paths: [/a], hosts: [\"*\"], deny: true }", "leave `hosts` out"),
            ("{ paths: [/a], from: [office], deny: true }", "this is no address block"),
            ("{ paths: [/a], from: [], deny: true }", "`access.rules[].from` is empty"),
        ])
    func refused(rule: String, problem: String) {
        let errors = place.load(minimal + "access:\n  rules:\n    - \(rule)\n").errors
        #expect(errors.contains { $0.contains(problem) && $0.contains(":") }, "\(errors)")
    }

    @Test(
        "A rule behind one that has all of its paths causes a warning",
        arguments: [
            ("/*", "/a", true), ("/a/*", "/a/b/*", true), ("/a/*", "/a", true), ("/a", "/a", true),
            ("/a", "/a/*", false),
            ("/a/*", "/ab", false),
        ])
    func shadowed(first: String, second: String, isWarned: Bool) {
        let loaded = place.load(
            minimal + """
                access:
                  rules:
                    - { paths: ["\(first)"], unauthenticated: redirect }
                    - { paths: ["\(second)"], deny: true }

                """)
        #expect(loaded.errors.isEmpty)
        #expect(loaded.warnings.contains { $0.contains("never decides") } == isWarned)
    }

    @Test("The apps of the contract's example are read, and take from upstream what they leave open")
    func apps() throws {
        let loaded = place.load(
            minimal.replacing(
                "upstream: http://127.0.0.1:3000", with: "upstream: { url: http://a, responseTimeout: 7s }")
                    + """
                    upstreams:
                      - { paths: ["/wiki/*"], url: "http://127.0.0.1:3001", stripPrefix: "/wiki", preserveHost: false }
                      - { hosts: [Git.example.com, "*.docs.example.com"], url: "https://10.0.0.2", tls: { serverName: git } }

                    """)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let apps = try #require(loaded.settings?.apps)
        #expect(apps.map(\.upstream.address.description) == ["http://127.0.0.1:3001", "https://10.0.0.2:443"])
        #expect(apps[0].stripPrefix == "/wiki" && apps[0].upstream.preserveHost == false)
        #expect(apps[1].hosts == ["git.example.com", "*.docs.example.com"] && apps[1].upstream.preserveHost)
        #expect(apps[1].upstream.tls.serverName == "git")
    }

    @Test(
        "An app that cannot be is refused, with its fix",
        arguments: [
            ("{ paths: [/a] }", "`upstreams[].url` is missing"),
            ("{ url: \"http://b\" }", "name `hosts` or `paths`"),
            ("{ paths: [/a/*], url: \"http://b\", stripPrefix: /b }", "does not begin with"),
            ("{ paths: [/a/*], url: \"http://b\", stripPrefix: /a/ }", "without a slash"),
            ("{ hosts: [\"https://a.b\"], url: \"http://b\" }", "without scheme"),
            ("{ hosts: [\"a:80\"], url: \"http://b\" }", "without a port"),
            ("{ hosts: [\"a.*\"], url: \"http://b\" }", "before a name"),
            ("{ paths: [/a], url: \"http://b\", tls: { serverName: x } }", "not https"),
            ("{ paths: [/a], url: \"http://b\", timeout: 5s }", "unknown key"),
        ])
    func refusedApps(app: String, problem: String) {
        let errors = place.load(minimal + "upstreams:\n  - \(app)\n").errors
        #expect(errors.contains { $0.contains(problem) }, "\(errors)")
    }

    @Test("Two apps for the same requests are refused")
    func twice() {
        let errors = place.load(
            minimal + "upstreams: [{ paths: [/a], url: \"http://b\" }, { paths: [/a], url: \"http://c\" }]\n"
        ).errors
        #expect(errors.contains { $0.contains("another one is for /a already") }, "\(errors)")
    }
}
