// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("Several identity providers")
struct ProvidersTests {
    private static let keys = [
        "staff": Array("the key of the staff, of 32 bytes".utf8),
        "shop": Array("the key of the shop, of 32 bytes!".utf8),
    ]

    private static func provider(_ name: String) throws -> ProviderConfiguration {
        let login = JWTRedirectConfiguration(loginURL: try .login("https://\(name).example/login?r={returnURL}"))
        let key = try VerificationKey(secret: #require(keys[name]))
        var provider = ProviderConfiguration(
            login: .redirect(login), tokenPolicy: TokenPolicy(), keys: KeySet(keys: [key]))
        provider.name = name
        provider.label = "The \(name)"
        provider.returnPath = "/.sidegate/callback/\(name)"
        return provider
    }

    private static func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser { configuration in
            configuration.providers = [try provider("staff"), try provider("shop")]
            try change(&configuration)
        }
    }

    /// The parameters of the return URL that the provider was given.
    private static func back(_ browser: Browser, _ name: String, to target: String = "/") throws -> String {
        let location = try #require(
            browser.get("/.sidegate/login?provider=\(name)&return_to=\(target)").answer
        ).location
        #expect(location.hasPrefix("https://\(name).example/login?r="), "\(location)")
        let encoded = String(location.drop { $0 != "=" }.dropFirst())
        let url = encoded.replacing("%3A", ":").replacing("%2F", "/").replacing("%3F", "?").replacing("%3D", "=")
        return String(url.dropFirst("https://app.example.com".count))
    }

    private static func signed(_ name: String) throws -> String {
        try token(secret: #require(keys[name]))
    }

    @Test(
        "A refused bearer token is judged by the provider that it names, in any order, or else by the one that came furthest"
    )
    func refusedBearer() throws {
        for order in [["staff", "shop"], ["shop", "staff"]] {
            let browser = try Browser { configuration in
                configuration.providers = try order.map { name in
                    var provider = try Self.provider(name)
                    provider.tokenPolicy.issuer = "https://\(name).example"
                    provider.bearer = true
                    if name == "shop" { provider.tokenPolicy.algorithms = [.rs256] }
                    return provider
                }
            }
            let own = try #require(Self.keys["staff"])
            for (issuer, secret, at, reason) in [
                // A key of the staff's has signed it.
                ("https://staff.example", own, noon - 900, "expired"),
                ("https://other.example", own, noon, "issuer_mismatch"),
                ("https://staff.example", tokenSecret, noon, "signature_invalid"),
                ("https://shop.example", tokenSecret, noon, "algorithm_not_allowed"),
                ("https://other.example", tokenSecret, noon, "signature_invalid"),
                ("", tokenSecret, noon, "signature_invalid"),
            ] {
                let jwt = try token(at: at, issuer.isEmpty ? [] : [("iss", .string(issuer))], secret: secret)
                let answer = try browser.get("/api", "Authorization: Bearer \(jwt)", "Accept: application/json").answer
                #expect(answer?.status == 401 && answer?.reason == reason, "\(issuer): \(answer?.reason ?? "none")")
            }
        }
    }

    @Test("A navigation comes to a page of links; the last choice is the first one")
    func choice() throws {
        let browser = try Self.browser()
        let redirect = try #require(browser.get("/deep?a=b").answer)
        #expect(redirect.status == 302)
        #expect(redirect.location == "https://app.example.com/.sidegate/login?return_to=%2Fdeep%3Fa%3Db")
        func links() throws -> [Substring] {
            let page = try #require(browser.get("/.sidegate/login?return_to=/").answer)
            #expect(page.status == 200)
            return page.body.split(separator: "provider=").dropFirst().map { $0.prefix { $0 != "\"" } }
        }
        #expect(try links() == ["staff", "shop"])
        _ = try Self.back(browser, "shop")
        #expect(try links() == ["shop", "staff"])
    }

    @Test("A return is judged by the provider of its path, and answers attempts at that one alone")
    func mixUp() throws {
        for policy in InitiatedPolicy.allCases {
            let browser = try Self.browser { configuration in
                for index in configuration.providers.indices { configuration.providers[index].initiated = policy }
            }
            let state = try #require(try Self.back(browser, "staff").split(separator: "?").last)
            let refused = try #require(
                browser.get("/.sidegate/callback/shop?\(state)&jwt=" + Self.signed("shop")).answer)
            #expect(refused.status == 403 && refused.reason == "login_state_missing", "\(policy)")
            let forged = try browser.get("/.sidegate/callback/staff?\(state)&jwt=" + Self.signed("shop")).answer
            #expect(forged?.reason == "signature_invalid")
            let accepted = try browser.get("/.sidegate/callback/staff?\(state)&jwt=" + Self.signed("staff")).answer
            #expect(accepted?.status == 303)
            #expect(try browser.get("/").user == "ada")
        }
    }

    @Test("Sessions and attempts of the only provider are those of the first; of one that is gone they are none")
    func configurations() throws {
        let single = try configuration {
            $0.providers = [try Self.provider("staff")]
            $0.providers[0].name = ""
        }
        let several = try configuration { $0.providers = [try Self.provider("staff"), try Self.provider("shop")] }
        let browser = Browser(Gate(single, random: Sequence().bytes))
        let back = try #require(try browser.get("/").answer).location
        #expect(back.hasPrefix("https://staff.example/"))
        let state = try #require(back.split(separator: "state%3D").last)
        browser.gates = [Gate(several, random: Sequence().bytes)]
        #expect(try browser.get("/.sidegate/callback/staff?state=\(state)&jwt=" + Self.signed("staff")).status == 303)
        browser.gates = [Gate(single, random: Sequence().bytes)]
        #expect(try browser.get("/").answer?.status == 302, "a name that the configuration does not have")
    }

    @Test("A rule names the providers whose users may pass")
    func rules() throws {
        let browser = try Self.browser {
            var rule = AccessRule(paths: [try RulePath("/staff/*")], effect: .signedIn([]))
            rule.providers = ["staff"]
            $0.access.rules = [rule]
        }
        #expect(try browser.get("/staff/x").answer?.location.hasPrefix("https://staff.example/") == true)
        let back = try Self.back(browser, "shop")
        #expect(try browser.get(back + "&jwt=" + Self.signed("shop")).status == 303)
        let refused = try #require(browser.get("/staff/x").answer)
        #expect(refused.status == 403 && refused.reason == "provider_not_allowed")
        #expect(refused.body.contains("/.sidegate/login?return_to=%2Fstaff%2Fx&provider=staff"))
        #expect(try browser.get("/").user == "ada")
    }
}
