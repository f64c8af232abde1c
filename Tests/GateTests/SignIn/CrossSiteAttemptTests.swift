// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import JWT
import Testing

/// Login CSRF in two steps: another site makes the browser begin an attempt, then sends its own token.
@Suite("An attempt that another site began")
struct CrossSiteAttemptTests {
    private static let document = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    private static let page = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"

    private func attempts(_ outcome: Outcome) -> [String] {
        (outcome.answer?.setCookies ?? []).filter {
            $0.hasPrefix("__Host-sidegate-login-") && !$0.hasPrefix("__Host-sidegate-login-returns")
        }
    }

    /// A request, and what becomes of it at an app's path and at `/.sidegate/login`.
    struct Sample: Sendable {
        let name: String
        var method = "GET"
        let fields: [String]
        let status: Int
        let hasCookie: Bool
    }

    static let samples = [
        Sample(name: "navigation", fields: document + [page], status: 302, hasCookie: true),
        Sample(
            name: "typed address", fields: document + [page, "Sec-Fetch-Site: none"], status: 302, hasCookie: true),
        Sample(
            name: "link of another site", fields: document + [page, "Sec-Fetch-Site: cross-site"], status: 302,
            hasCookie: true),
        Sample(name: "old browser", fields: [page], status: 302, hasCookie: true),
        Sample(name: "no Accept", fields: [], status: 302, hasCookie: true),
        Sample(name: "XHTML", fields: ["Accept: application/xhtml+xml"], status: 302, hasCookie: true),
        Sample(name: "any type", fields: ["Accept: */*"], status: 302, hasCookie: false),
        Sample(
            name: "image of an old browser", fields: ["Accept: image/avif,image/webp,*/*;q=0.8"], status: 302,
            hasCookie: false),
        Sample(name: "HEAD", method: "HEAD", fields: document + [page], status: 302, hasCookie: false),
        Sample(
            name: "image",
            fields: ["Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Sec-Fetch-Site: cross-site", "Accept: */*"],
            status: 401, hasCookie: false),
        Sample(
            name: "fetch, no-cors",
            fields: ["Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty", page], status: 401, hasCookie: false),
        Sample(
            name: "frame", fields: ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", page], status: 401,
            hasCookie: false),
        Sample(
            name: "object", fields: ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object", page], status: 401,
            hasCookie: false),
        Sample(
            name: "prefetch", fields: document + [page, "Sec-Purpose: prefetch"], status: 401, hasCookie: false),
        Sample(
            name: "prerender", fields: document + [page, "Sec-Purpose: prefetch;prerender"], status: 401,
            hasCookie: false),
        Sample(name: "old prefetch", fields: [page, "Purpose: prefetch"], status: 401, hasCookie: false),
        Sample(name: "older prefetch", fields: [page, "X-Moz: prefetch"], status: 401, hasCookie: false),
        Sample(name: "preview", fields: [page, "X-Purpose: preview"], status: 401, hasCookie: false),
        Sample(
            name: "a field twice", fields: document + [page, "Sec-Fetch-Dest: image"], status: 401, hasCookie: false),
        Sample(name: "JSON", fields: ["Accept: application/json"], status: 401, hasCookie: false),
    ]

    @Test("only a navigation by GET gets a login cookie", arguments: samples)
    func cookies(_ sample: Sample) throws {
        for path in ["/deep", "/.sidegate/login", "/.sidegate/login?return_to=%2Fdeep"] {
            let outcome = try Browser().send(sample.method, path, sample.fields)
            #expect(outcome.status == sample.status, "\(sample.name) \(path)")
            #expect(attempts(outcome).count == (sample.hasCookie ? 1 : 0), "\(sample.name) \(path)")
            if sample.status == 401, path.contains("return_to"), outcome.answer?.body.hasPrefix("{") == true {
                #expect(
                    outcome.answer?.body.contains(
                        "\"login_url\":\"https://app.example.com/.sidegate/login?return_to=%2Fdeep\"") == true)
            }
        }
    }

    @Test("a rule that redirects everything gives no cookie either to what is no navigation")
    func redirectRule() throws {
        let browser = try Browser {
            $0.access.rules = [
                AccessRule(paths: [try RulePath("/*")], effect: .signedIn([]), unauthenticated: .redirect)
            ]
        }
        let outcome = try browser.get("/a.png", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")
        #expect(outcome.status == 302)
        #expect(outcome.answer?.setCookies == [])
    }

    /// Which attempts count without `state`.
    @Test(
        "counts with its own state alone",
        arguments: [
            ("cross-site", false), ("same-site", false), ("anything else", false), ("same-origin", true),
            ("none", true), (nil, true),
        ])
    func sites(_ site: String?, _ counts: Bool) throws {
        let fields = Self.document + [Self.page] + (site.map { ["Sec-Fetch-Site: \($0)"] } ?? [])
        for policy in InitiatedPolicy.allCases {
            for path in ["/deep", "/.sidegate/login?return_to=%2Fdeep"] {
                let victim = try Browser { $0.provider.initiated = policy }
                try victim.send("GET", path, fields)
                let jwt = try token("eve")
                let outcome = try victim.get("/.sidegate/callback?jwt=" + jwt, "Sec-Fetch-Site: cross-site")
                if counts || policy == .allow {
                    #expect(outcome.status == 303)
                    continue
                }
                let answer = try #require(outcome.answer)
                #expect(answer.status == 200, "\(policy) \(site ?? "") \(path)")
                #expect(answer.response.outcome == .confirm)
                #expect(answer.body.contains("eve@example.com"))
                #expect(try victim.get("/").status == 302)
                // The page can be reloaded, and agreeing leads where the link led to.
                let again = try #require(
                    victim.get("/.sidegate/callback?jwt=" + jwt, "Sec-Fetch-Site: cross-site").answer)
                #expect(again.response.outcome == .confirm)
                let form =
                    "attempt=\(try #require(again.hidden("attempt")))"
                    + "&sign_in=\(try #require(again.hidden("sign_in")))"
                let done = try victim.post("/.sidegate/confirm", form: form, "Sec-Fetch-Site: same-origin").answer
                #expect(done?.status == 303)
                #expect(done?.location == "/deep")

                let honest = try Browser { $0.provider.initiated = policy }
                let redirect = try honest.send("GET", path, fields)
                let signedIn = try honest.returned(redirect, token: token("ada")).answer
                #expect(signedIn?.status == 303)
                #expect(signedIn?.location == "/deep")
            }
        }
    }

    @Test("hosts that share the session are one site")
    func sisters() throws {
        let browser = try Browser {
            $0.session.domain = "example.com"
            $0.provider.initiated = .deny
        }
        try browser.send("GET", "/", Self.document + ["Sec-Fetch-Site: same-site"])
        #expect(try browser.get("/.sidegate/callback?jwt=" + token()).status == 303)
        let other = try Browser {
            $0.session.domain = "example.com"
            $0.provider.initiated = .deny
        }
        try other.send("GET", "/", Self.document + ["Sec-Fetch-Site: cross-site"])
        #expect(try other.get("/.sidegate/callback?jwt=" + token()).status == 200)
    }

    @Test("the newest attempt decides, so that a planted one never hides behind the user's own")
    func newest() throws {
        let victim = try Browser { $0.provider.initiated = .deny }
        try victim.send("GET", "/own", Self.document + ["Sec-Fetch-Site: none"])
        victim.now += 1
        try victim.send("GET", "/planted", Self.document + ["Sec-Fetch-Site: cross-site"])
        #expect(try victim.get("/.sidegate/callback?jwt=" + token("eve")).status == 200)
        victim.now += 1
        try victim.send("GET", "/later", Self.document + ["Sec-Fetch-Site: same-origin"])
        let mine = try victim.get("/.sidegate/callback?jwt=" + token("ada")).answer
        #expect(mine?.status == 303)
        #expect(mine?.location == "/later")
    }

    @Test("a part of another site's page ends no attempt without its state")
    func subresource() throws {
        for fields in [
            ["Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"],
            ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
            ["Sec-Fetch-Mode: cors"],
        ] {
            let victim = try Browser { $0.provider.initiated = .deny }
            let redirect = try victim.get("/own")
            let refused = try victim.send(
                "GET", "/.sidegate/callback?jwt=" + token("eve"), fields + ["Sec-Fetch-Site: cross-site"]
            ).answer
            #expect(refused?.reason == "login_state_missing")
            let url = victim.returnURL(redirect) + "&jwt=" + (try token("ada"))
            #expect(try victim.send("GET", url, fields).status == 303)
        }
    }

    @Test("a prefetch of the return path spends nothing")
    func prefetchedReturn() throws {
        let browser = try Browser()
        let url = browser.returnURL(try browser.get("/own")) + "&jwt=" + (try token())
        for field in ["Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch"] {
            #expect(try browser.send("GET", url, Self.document + [field]).status == 401)
        }
        #expect(try browser.send("GET", url, Self.document).status == 303)
    }

    @Test("in forward-auth it is the same")
    func forwardAuth() throws {
        for (site, status) in [("cross-site", 200), ("none", 303)] {
            let browser = try Browser { $0.provider.initiated = .deny }
            browser.context.isTrustedPeer = true
            let redirect = try browser.send(
                "GET", "/.sidegate/auth?redirect=1",
                Self.document + [
                    "Sec-Fetch-Site: \(site)", "X-Original-URL: https://app.example.com/deep",
                    "X-Original-Method: GET",
                ])
            #expect(redirect.status == 302)
            #expect(attempts(redirect).count == 1)
            #expect(try browser.get("/.sidegate/callback?jwt=" + token()).status == status)
        }
        let image = try Browser()
        image.context.isTrustedPeer = true
        let answer = try image.get(
            "/.sidegate/auth?redirect=1", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image",
            "X-Original-URL: https://app.example.com/deep", "X-Original-Method: GET")
        #expect(answer.status == 401)
        #expect(attempts(answer).isEmpty)
    }

    @Test("with requireState every return brings the state of an attempt of this browser")
    func requireState() throws {
        for policy in InitiatedPolicy.allCases {
            let browser = try Browser {
                $0.provider.initiated = policy
                $0.provider.requiresState = true
            }
            let redirect = try browser.get("/deep")
            let none = try browser.get("/.sidegate/callback?jwt=" + token("eve")).answer
            #expect(none?.status == 403)
            #expect(none?.reason == "login_state_missing")
            let other = try browser.get("/.sidegate/callback?state=\(String(repeating: "a", count: 28))&jwt=" + token())
            #expect(other.answer?.reason == "login_state_missing")
            let jwt = try token("ada")
            #expect(try browser.returned(redirect, token: jwt).status == 303)
            // The back button; and the same user without a state.
            #expect(try browser.returned(redirect, token: jwt).status == 303)
            let again = try browser.get("/.sidegate/callback?jwt=" + token("ada", id: "again")).answer
            #expect(again?.reason == "login_state_missing")
            // By a form as well.
            let form = try browser.post("/.sidegate/callback", form: "jwt=" + token("eve", id: "form")).answer
            #expect(form?.reason == "login_state_missing")
        }
    }
}
