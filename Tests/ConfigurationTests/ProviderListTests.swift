// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Testing

@Suite("The configuration of several identity providers")
struct ProviderListTests {
    let place = Workplace()

    private static let staff =
        "{ name: staff, identityProvider: { loginURL: \"https://staff.example/?r={returnURL}\" }, "
        + "token: { keys: [{ secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }] } }"
    private static let shop =
        "{ name: shop, identityProvider: { loginURL: \"https://shop.example/?r={returnURL}\" }, "
        + "token: { keys: [{ secret: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb }] } }"
    private static let openID =
        "{ name: main, identityProvider: { protocol: oidc, issuer: \"https://idp.example\", clientID: app } }"

    /// - Parameters:
    ///   - items: of the list; the first stands in line 6, each other one in the next.
    ///   - top: line 4.
    private func load(
        _ items: [String], top: String = "", headers: String = "X-Provider: \"{provider}\"", more: String = "",
        purpose: Purpose = .serve
    ) -> LoadedConfiguration {
        place.load(
            """
            { upstream: "http://127.0.0.1:3000", publicURL: "https://app.example.com",
              session: { secret: "this is a session secret, long enough" },
              identityHeaders: { \(headers) }\(more.isEmpty ? "" : ", " + more),
              \(top.isEmpty ? "" : top + ",")
              identityProviders: [
            """ + "\n" + items.joined(separator: ",\n") + "] }", purpose: purpose)
    }

    private func providers(_ items: [String], top: String = "") throws -> [ProviderSettings] {
        let loaded = load(items, top: top)
        #expect(loaded.lines == [])
        return try #require(loaded.settings).providers
    }

    // MARK: What the top is the default of

    struct Inherited: Sendable, CustomTestStringConvertible {
        let top: String
        let isIn: @Sendable (ProviderSettings) -> Bool
        var testDescription: String { top }

        init(_ top: String, _ isIn: @escaping @Sendable (ProviderSettings) -> Bool) {
            self.top = top
            self.isIn = isIn
        }
    }

    static let inherited: [Inherited] = [
        Inherited("identityProvider: { initiated: deny }") { $0.identityProvider.initiated == .deny },
        Inherited("identityProvider: { requireState: true }") { $0.identityProvider.requiresState },
        Inherited("identityProvider: { logoutURL: \"https://idp.example/out\" }") {
            $0.identityProvider.logoutURL?.source == "https://idp.example/out"
        },
        Inherited("token: { clockSkew: 7s }") { $0.token.policy.clockSkew == 7 },
        Inherited("token: { maxAge: 77s }") { $0.token.policy.maxAge == 77 },
        Inherited("token: { requireExpiry: true }") { $0.token.policy.requireExpiry },
        Inherited("token: { minimumIDLength: 9 }") { $0.token.policy.minimumIDLength == 9 },
        Inherited("token: { claimAliases: { sub: [uid] } }") { $0.token.policy.claimAliases == ["sub": ["uid"]] },
        Inherited("token: { headerAliases: { alg: [ALG] } }") { $0.token.policy.headerAliases == ["alg": ["ALG"]] },
        Inherited("token: { singleUse: false }") { !$0.token.singleUse },
        Inherited("token: { replayByID: false }") { !$0.token.replayByID },
        Inherited("token: { claims: { team: [department] } }") { provider in
            provider.token.claims.contains { $0.field == "team" && $0.claims == ["department"] }
        },
        Inherited("token: { required: [email, familyName] }") { $0.token.required == ["email", "familyName"] },
        Inherited("token: { acceptUnverifiedEmail: true }") { $0.token.acceptsUnverifiedEmail },
    ]

    @Test("The top is the default of every item, of either protocol", arguments: inherited)
    func inheritance(row: Inherited) throws {
        for provider in try providers([Self.staff, Self.openID], top: row.top) {
            #expect(row.isIn(provider), "\(provider.name)")
        }
        // The item's own value counts more.
        let own =
            "{ name: own, token: { keys: [{ secret: cccccccccccccccccccccccccccccccc }], clockSkew: 9s }, "
            + "identityProvider: { loginURL: \"https://own.example/\", initiated: allow } }"
        let top = row.top.contains("clockSkew") || row.top.contains("initiated") ? row.top : ""
        let mine = try #require(providers([own, Self.openID], top: top).first)
        #expect(mine.token.policy.clockSkew == 9 && mine.identityProvider.initiated == .allow)
    }

    static let ofOneProtocol: [(String, Inherited)] = [
        (
            "staff",
            Inherited("identityProvider: { tokenParameter: ticket }") { $0.identityProvider.tokenParameter == "ticket" }
        ),
        ("staff", Inherited("token: { bearer: false }") { !$0.token.bearer }),
        (
            "main",
            Inherited("identityProvider: { scopes: [openid, groups] }") {
                $0.identityProvider.openID?.scopes == ["openid", "groups"]
            }
        ),
        (
            "main",
            Inherited("identityProvider: { userInfo: true }") { $0.identityProvider.openID?.asksUserInfo == true }
        ),
        (
            "main",
            Inherited("identityProvider: { responseMode: form_post }") {
                $0.identityProvider.openID?.responseMode == .formPost
            }
        ),
        (
            "main",
            Inherited("identityProvider: { parameters: { prompt: login } }") {
                $0.identityProvider.openID?.parameters == [OpenIDParameter("prompt", "login")]
            }
        ),
    ]

    @Test(
        "What is for one protocol is the default of its providers, and no mistake of the others",
        arguments: ofOneProtocol)
    func protocols(name: String, row: Inherited) throws {
        let all = try providers([Self.staff, Self.openID], top: row.top)
        #expect(all.first { $0.name == name }.map(row.isIn) == true)
    }

    @Test("A protocol at the top is the default too")
    func protocolOfTheTop() throws {
        let item = "{ name: main, identityProvider: { issuer: \"https://idp.example\", clientID: app } }"
        let jwt = Self.staff.replacing("{ loginURL", with: "{ protocol: jwt, loginURL")
        let all = try providers([item, jwt], top: "identityProvider: { protocol: oidc, userInfo: true }")
        #expect(all[0].identityProvider.openID?.asksUserInfo == true && all[1].identityProvider.openID == nil)
    }

    static let never: [Inherited] = [
        Inherited("token: { algorithms: [HS512] }") { $0.token.policy.algorithms.contains(.hs512) },
        Inherited("token: { issuer: elsewhere }") { $0.token.policy.issuer == "elsewhere" },
        Inherited("token: { audience: [other] }") { $0.token.policy.audience == ["other"] },
        Inherited("token: { acceptAnyAudience: true }") { $0.token.policy.acceptAnyAudience },
        Inherited("token: { keys: [{ secret: cccccccccccccccccccccccccccccccc }] }") { $0.token.keys.keys.count > 1 },
        Inherited("token: { secretEncoding: hex }") { _ in false },
        Inherited("identityProvider: { returnPath: /sso }") { $0.identityProvider.returnPath == "/sso" },
        Inherited("identityProvider: { issuer: \"https://top.example\" }") {
            $0.identityProvider.openID?.issuer == "https://top.example"
        },
        Inherited("identityProvider: { clientID: top }") { $0.identityProvider.openID?.clientID == "top" },
        Inherited("identityProvider: { clientSecret: top }") { $0.identityProvider.openID?.clientSecret != nil },
        Inherited("identityProvider: { clientSecretFile: /nowhere }") {
            $0.identityProvider.openID?.clientSecret != nil
        },
        Inherited("identityProvider: { clientAuthentication: post }") {
            $0.identityProvider.openID?.clientAuthentication == .post
        },
        Inherited("identityProvider: { tls: { certificate: /nowhere, key: /nowhere } }") {
            $0.identityProvider.openID?.tls.certificate != nil
        },
        Inherited("access: { users: { emails: [ada@example.com] } }") { !$0.users.emails.isEmpty },
        Inherited("access: { users: { emailDomains: [example.com] } }") { !$0.users.emailDomains.isEmpty },
        Inherited("access: { users: { groups: [staff] } }") { !$0.users.groups.isEmpty },
    ]

    @Test(
        "Keys, secrets, algorithms, issuer, audience, client, return path and users are no item's default",
        arguments: never)
    func notInherited(row: Inherited) throws {
        let loaded = load([Self.staff, Self.openID], top: row.top)
        let settings = try #require(loaded.settings, "\(loaded.lines)")
        for provider in settings.providers { #expect(!row.isIn(provider), "\(provider.name)") }
        #expect(
            settings.providers.map(\.identityProvider.returnPath) == [
                "/.sidegate/callback/staff", "/.sidegate/callback/main",
            ])
    }

    @Test("An item without keys has none, whatever the top has; its preset counts more than the top")
    func keysAndPresets() throws {
        let bare = "{ name: bare, identityProvider: { loginURL: \"https://bare.example/\" } }"
        let loaded = load([Self.staff, bare], top: "token: { keys: [{ secret: cccccccccccccccccccccccccccccccc }] }")
        #expect(
            loaded.errors.count == 1 && loaded.errors[0].contains("(bare): `token.keys` is missing"), "\(loaded.lines)")
        let zendesk = Self.shop.replacing("identityProvider: {", with: "identityProvider: { preset: zendesk,")
        let all = try providers([Self.staff, zendesk], top: "identityProvider: { initiated: deny }")
        #expect(all[1].identityProvider.returnPath == "/access/jwt")
        // Of two values of the same rank, that of the item's preset, then the top's.
        #expect(all[0].identityProvider.initiated == .deny)
    }

    // MARK: Mistakes

    @Test(
        "Each mistake is named with its line and the provider",
        arguments: [
            ([staff, "{ label: x }"], 7, "`identityProviders[].name` is missing"),
            ([staff, "{ name: Shop }"], 7, "a provider's name has 1 to 32"),
            ([staff, "{ name: a_b }"], 7, "a provider's name has 1 to 32"),
            ([staff, staff], 7, "\"staff\" is there twice"),
            ([staff, shop.replacing("{ name", with: "{ colour: red, name")], 7, "unknown key `colour`"),
            ([staff, shop.replacing("token: {", with: "token: { colour: red,")], 7, "unknown key `colour`"),
            (
                [
                    staff,
                    shop.replacing(
                        "identityProvider: {", with: "identityProvider: { returnPath: \"/.sidegate/Callback/staff/\","),
                ],
                7, "have the same return path"
            ),
            (
                [
                    staff,
                    shop.replacing("identityProvider: {", with: "identityProvider: { returnPath: /.sidegate/login,"),
                ], 7,
                "`identityProvider.returnPath`"
            ),
            ([staff, shop.replacing("bbbb", with: "aaaa")], 7, "staff and shop share a key"),
            ([staff, shop.replacing("name: shop", with: "name: none")], 7, "`none` stands for no provider"),
            (
                [staff, shop.replacing("{ name", with: "{ hosts: [\"https://a.example\"], name")], 7,
                "`identityProviders[].hosts`"
            ),
            ([staff, shop.replacing("{ name", with: "{ hosts: [\"*\"], name")], 7, "`identityProviders[].hosts`"),
            (
                [staff, shop.replacing("{ name", with: "{ hosts: [\"a.*.example\"], name")], 7,
                "`identityProviders[].hosts`"
            ),
            (
                [staff, shop.replacing("token: {", with: "token: { claims: { provider: [p] },")], 7,
                "the field `provider` is the name of the identity provider"
            ),
            (
                [staff, openID.replacing("clientID: app", with: "clientID: \"\"")], 7,
                "(main): `identityProvider.clientID` is missing"
            ),
            ([staff, openID.replacing("https:", with: "http:")], 7, "over http anybody on the way"),
            (
                [openID, openID.replacing("name: main", with: "name: twin")], 7,
                "main and twin have the same `identityProvider.issuer`"
            ),
            (
                [shop.replacing("token: {", with: "token: { audience: [a], acceptAnyAudience: true,"), staff], 6,
                "(shop): `token.acceptAnyAudience`"
            ),
        ])
    func mistakes(items: [String], line: Int, words: String) {
        let errors = load(items).errors
        #expect(errors.contains { $0.hasPrefix("c.yaml:\(line):") && $0.contains(words) }, "\(errors)")
    }

    @Test(
        "One mistake in an item is one error: nothing follows from it that would not be there without it",
        arguments: [
            [staff, shop.replacing("{ name", with: "{ colour: red, name")],
            [staff, shop.replacing("token: {", with: "token: { colour: red,")],
            [staff, shop.replacing("name: shop", with: "name: Shop")],
            [staff, "7"],
            [staff, openID.replacing("https://idp.example", with: "idp.example")],
            [staff, openID.replacing("protocol: oidc", with: "protocol: saml")],
            [staff, openID.replacing("https:", with: "http:")],
            [staff, openID.replacing(", clientID: app", with: "")],
            [staff, openID.replacing("issuer: \"https://idp.example\", ", with: "")],
            [staff, shop.replacing("{ name: shop,", with: "{")],
            [staff, staff],
            [staff, shop.replacing("loginURL: \"https://shop.example/?r={returnURL}\"", with: "")],
            [staff, shop.replacing("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", with: "b")],
            [staff, shop.replacing("token: {", with: "token: { claims: { user: [] },")],
        ])
    func oneError(items: [String]) {
        let more =
            "access: { users: { groups: [a] }, rules: [{ paths: [\"/*\"], providers: [staff],"
            + " require: { provider: [staff], team: [x] } }] }"
        let top = "token: { claims: { team: [department] } }"
        #expect(load([Self.staff, Self.shop], top: top, more: more).lines == [])
        let loaded = load(items, top: top, more: more)
        #expect(loaded.errors.count == 1 && loaded.errors[0].hasPrefix("c.yaml:7:"), "\(loaded.lines)")
        #expect(loaded.warnings == [])
    }

    @Test("Two items without an issuer, or without a name, have two errors")
    func twoErrors() {
        let bare = Self.openID.replacing("issuer: \"https://idp.example\", ", with: "")
        #expect(load([bare, bare.replacing("main", with: "other")]).errors.count == 2)
        let nameless = [
            Self.staff.replacing("name: staff,", with: ""), Self.shop.replacing("name: shop,", with: ""),
        ]
        #expect(load(nameless).errors.count == 2)
    }

    static let uninherited = [
        "token: { keys: [{ secret: cccccccccccccccccccccccccccccccc }] }", "token: { issuer: elsewhere }",
        "token: { algorithms: [HS512] }", "identityProvider: { returnPath: /sso }",
        "identityProvider: { clientID: top }", "identityProvider: { clientSecret: top }",
    ]

    @Test("What stands at the top and is no item's default is a warning", arguments: uninherited)
    func uninheritedOption(top: String) {
        let path = top.replacing(": {", with: ".").replacing(" ", with: "").prefix { $0 != ":" }
        let loaded = load([Self.staff, Self.openID], top: top)
        #expect(loaded.errors == [], "\(loaded.lines)")
        #expect(loaded.warnings.count == 1, "\(loaded.lines)")
        #expect(loaded.warnings.first?.hasPrefix("c.yaml:4:") == true)
        #expect(loaded.warnings.first?.contains("`\(path)` at the top has no effect") == true, "\(loaded.lines)")
    }

    @Test("What the top's preset sets, and what items inherit, is none")
    func inheritedOption() {
        #expect(load([Self.staff, Self.openID], top: "token: { clockSkew: 7s }").lines == [])
        // It sets algorithms and a return path.
        let preset = load([Self.staff, Self.shop], top: "identityProvider: { preset: ispring }")
        #expect(!preset.lines.contains { $0.contains("at the top has no effect") }, "\(preset.lines)")
        let allow = "identityProvider: { initiated: allow }"
        #expect(load([Self.staff, Self.openID], top: allow).lines == [])
        let own = Self.openID.replacing("protocol: oidc", with: "protocol: oidc, initiated: allow")
        #expect(load([Self.staff, own]).warnings.first?.contains("`identityProvider.initiated` has no effect") == true)
    }

    @Test("A list has 1 to 32 items, and stands in place of a provider at the top")
    func count() {
        #expect(load([]).errors.contains { $0.contains("`identityProvider.loginURL` is missing") })
        let many = (0..<33).map { index in
            "{ name: p\(index), identityProvider: { protocol: oidc, issuer: \"https://idp\(index).example\", clientID: a } }"
        }
        #expect(load(Array(many.dropLast())).errors == [])
        #expect(load(many).errors.contains { $0.contains("has 33 items; at most 32 are possible") })
        // A login address at the top is a default of `?jwt=` providers, and no provider of its own.
        let item = "{ name: a, token: { keys: [{ secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }] } }"
        let loaded = load([item], top: "identityProvider: { loginURL: \"https://top.example/?r={returnURL}\" }")
        #expect(
            loaded.lines == []
                && loaded.settings?.providers.map(\.identityProvider.loginURL.source) == [
                    "https://top.example/?r={returnURL}"
                ])
    }

    @Test(
        "Two that share a key are told apart by different issuers, and only so",
        arguments: [("a", "b", true), ("a", "a", false), ("a", "", false), ("", "b", false), ("", "", false)])
    func sharedKey(first: String, second: String, isGood: Bool) {
        let items = [(Self.staff, first), (Self.shop.replacing("bbbb", with: "aaaa"), second)].map { item, issuer in
            item.replacing("token: {", with: "token: { issuer: \"\(issuer)\",")
        }
        #expect(load(items).errors.isEmpty == isGood)
        // `check --allow-missing` and the like do not judge what is not served.
        #expect(load(items, purpose: .inspect).errors.isEmpty)
    }

    @Test("Two key sets of one address are one key too")
    func sharedKeySet() {
        let items = ["staff", "shop"].map { name in
            "{ name: \(name), identityProvider: { loginURL: \"https://\(name).example/\" }, token: { algorithms: [RS256],"
                + " keys: [{ jwksURL: \"https://keys.example/jwks\" }], issuer: ISSUER } }"
        }
        #expect(load(items.map { $0.replacing("ISSUER", with: "same") }).errors.count == 1)
        #expect(load([items[0].replacing("ISSUER", with: "a"), items[1].replacing("ISSUER", with: "b")]).errors == [])
    }

    /// - Parameters:
    ///   - key: of `token.keys`; empty: an OpenID provider.
    ///   - token: more of the section; of an OpenID provider its client.
    private static func issued(_ name: String, by issuer: String, key: String, _ token: String) -> String {
        guard !key.isEmpty else {
            return "{ name: \(name), identityProvider: { protocol: oidc, issuer: \"\(issuer)\", clientID: \(token) } }"
        }
        return "{ name: \(name), identityProvider: { loginURL: \"https://\(name).example/\" }, token: {"
            + " keys: [{ \(key) }], algorithms: [RS256, HS256], issuer: \"\(issuer)\"\(token.isEmpty ? "" : ", " + token) } }"
    }

    private static let firstSet = "jwksURL: \"https://keys.example/jwks\""
    private static let secondSet = "jwksURL: \"https://keys.example/jwks?x\""
    private static let idp = "https://idp.example"

    @Test(
        "Two items of one issuer are an error, unless their keys or their audiences are known to differ",
        arguments: [
            (issued("a", by: "x", key: firstSet, ""), issued("b", by: "x", key: secondSet, ""), false),
            (issued("a", by: "x", key: firstSet, ""), issued("b", by: "y", key: secondSet, ""), true),
            (issued("a", by: "x", key: firstSet, ""), issued("b", by: "", key: secondSet, ""), true),
            (issued("a", by: "", key: firstSet, ""), issued("b", by: "", key: secondSet, ""), true),
            (
                issued("a", by: "x", key: firstSet, "audience: [p]"),
                issued("b", by: "x", key: secondSet, "audience: [q, r]"),
                true
            ),
            (
                issued("a", by: "x", key: firstSet, "audience: [p, q]"),
                issued("b", by: "x", key: secondSet, "audience: [q, r]"), false
            ),
            (issued("a", by: "x", key: firstSet, "audience: [p]"), issued("b", by: "x", key: secondSet, ""), false),
            (
                issued("a", by: "x", key: firstSet, "audience: [p]"),
                issued("b", by: "x", key: secondSet, "acceptAnyAudience: true"), false
            ),
            (
                issued("a", by: idp, key: "", "app"), issued("b", by: idp, key: firstSet, "acceptAnyAudience: true"),
                false
            ),
            (issued("a", by: idp, key: "", "app"), issued("b", by: idp, key: firstSet, "audience: [app]"), false),
            (issued("a", by: idp, key: "", "app"), issued("b", by: idp, key: firstSet, "audience: [other]"), true),
            (issued("a", by: idp, key: "", "app"), issued("b", by: idp, key: "", "other"), false),
            (
                issued("a", by: "x", key: "secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""),
                issued("b", by: "x", key: "secret: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", ""), true
            ),
            (
                issued("a", by: "x", key: "secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""),
                issued("b", by: "x", key: firstSet, ""), false
            ),
        ])
    func oneIssuer(first: String, second: String, isGood: Bool) {
        for items in [[first, second], [second, first]] {
            let errors = load(items).errors
            #expect(errors.count == (isGood ? 0 : 1), "\(errors)")
            #expect(load(items, purpose: .inspect).errors.isEmpty)
        }
    }

    // MARK: Warnings

    @Test(
        "The same address at two providers is a warning, unless the app is told whose user it is",
        arguments: [
            ("", "", false, true), ("", "", true, false),
            ("users: { emailDomains: [a.example] },", "users: { emailDomains: [b.example] },", false, false),
            ("users: { emailDomains: [a.example] },", "users: { emailDomains: [A.EXAMPLE] },", false, true),
            ("users: { emailDomains: [a.example] },", "users: { emails: [x@a.example] },", false, true),
            ("users: { emailDomains: [a.example] },", "users: { emails: [x@b.example] },", false, false),
            ("users: { emailDomains: [a.example] },", "", false, true),
            ("users: { groups: [a] },", "users: { groups: [b] },", false, true),
        ])
    func sharedAddress(first: String, second: String, isTold: Bool, isWarned: Bool) {
        let items = [(Self.staff, first), (Self.shop, second)].map { item, users in
            item.replacing("{ name", with: "{ \(users) name")
        }
        let headers = isTold ? "X-Who: \"{provider}\"" : "X-User: \"{user}\""
        let loaded = load(items, headers: headers)
        #expect(loaded.errors == [])
        #expect(
            loaded.warnings.map { $0.contains("staff and shop may both assert the same e-mail address") }
                == (isWarned ? [true] : []), "\(loaded.lines)")
        if isWarned { #expect(loaded.warnings[0].hasPrefix("c.yaml:7:")) }
    }

    @Test("Providers without the field email have no address to share")
    func noAddress() {
        let items = [
            Self.staff, Self.shop.replacing("token: {", with: "token: { claims: { email: [] }, required: [],"),
        ]
        #expect(load(items, headers: "X-User: \"{user}\"").lines == [])
    }

    // MARK: Hosts, and what becomes of it all

    @Test("Hosts are names and patterns, in any case")
    func hosts() throws {
        let item = Self.staff.replacing("{ name", with: "{ hosts: [Intern.Example.com, \"*.Intern.example.com\"], name")
        let all = try providers([item, Self.shop])
        #expect(all[0].hosts == ["intern.example.com", "*.intern.example.com"] && all[1].hosts == [])
        let one = try providers([Self.staff.replacing("{ name", with: "{ hosts: a.example, name"), Self.shop])
        #expect(one[0].hosts == ["a.example"])
    }

    @Test("Rules name providers that exist, and not where no user is needed")
    func rules() {
        let rule = { (text: String) in
            load([Self.staff, Self.shop], more: "access: { rules: [{ paths: [/x], \(text) }] }")
        }
        #expect(rule("providers: [staff]").lines == [])
        #expect(
            rule("providers: [stafff]").errors.contains {
                $0.hasPrefix("c.yaml:3:") && $0.contains("did you mean `staff`?")
            })
        #expect(rule("allow: anyone, providers: [staff]").errors.count == 1)
    }

    @Test("The gate gets each of them with its name, and the field provider can be used")
    func assembled() throws {
        let loaded = load([Self.staff, Self.openID], headers: "X-Who: \"{user}@{provider}\"")
        var assembly = GateAssembly(try #require(loaded.settings), fallbackSecret: Array(repeating: 7, count: 32))
        let assembled = assembly.assemble()
        let gate = try #require(assembled)
        #expect(gate.providers.map(\.name) == ["staff", "main"] && gate.providers.map(\.bearer) == [true, false])
        #expect(gate.identityHeaderNames.contains("x-who") || gate.identityHeaderNames.contains("X-Who"))
    }
}
