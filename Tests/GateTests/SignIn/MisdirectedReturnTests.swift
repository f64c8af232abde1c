// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import JWT
import Testing

@Suite("What a provider sends to another path, and the app never gets")
struct MisdirectedReturnTests {
    // MARK: A code or an error

    private static let paths = [
        "/", "/callback", "/.sidegate/callback/", "/.sidegate/Callback", "/.sidegate/callback/main", "/.sidegate/login",
        "/oauth2/callback", "/a/<b>",
    ]

    @Test("the answer to an attempt of this browser is named, with both paths and without its code", arguments: paths)
    func answer(_ path: String) throws {
        for answer in ["code=the-secret-code", "error=access_denied&error_description=the-secret-code"] {
            let stage = try OpenIDStage()
            let state = stage.state(try stage.browser.get("/page"))
            let reply = try #require(
                stage.browser.get("\(path)?\(answer)&state=\(state)&iss=x", "Accept: text/html").answer)
            #expect(reply.status == 400 && reply.reason == "return_path_mismatch")
            #expect(reply.body.contains(path.replacing("<", with: "&lt;").replacing(">", with: "&gt;")))
            #expect(reply.body.contains("/.sidegate/callback."))
            let detail = try #require(reply.response.detail)
            #expect(detail.contains(path) && detail.contains("identityProvider.returnPath is /.sidegate/callback"))
            #expect(!(reply.body + detail).contains("the-secret-code") && !reply.body.contains(state))
            // The attempt goes on: the right address still works.
            #expect(stage.exchanges.isEmpty)
            #expect(
                try stage.browser.get("/.sidegate/callback?code=c&state=\(state)").answer?.location == "/page")
        }
    }

    /// As a browser, a proxy or a provider may encode it: any byte may be.
    private static func encoded(_ text: String, _ random: Sequence, share: UInt8) -> String {
        text.utf8.map { byte in
            let dice = random.bytes(2)
            guard dice[0] < share else { return String(decoding: [byte], as: UTF8.self) }
            let digits = Array((dice[1] % 2 == 0 ? "0123456789abcdef" : "0123456789ABCDEF").utf8)
            return String(
                decoding: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]], as: UTF8.self)
        }.joined()
    }

    @Test("whatever the return path accepts as the response, in any encoding, is not the app's at another path")
    func encodings() throws {
        let random = Sequence()
        var accepted = 0
        let stage = try OpenIDStage { _, gate in gate.access.default = .guest }
        let extra = ["", "x=1", "=", "a=%zz", "b=%", "session_state=abc", "state2=x", "scope=a+b", "sta%74e2=x"]
        for round in 0..<400 {
            stage.browser.jar = []
            let redirect = try stage.browser.get("/.sidegate/login?return_to=/page")
            let shares: [UInt8] = [0, 0, 30, 255]
            let (inName, inValue) = (shares[Int(random.bytes(1)[0] % 4)], shares[Int(random.bytes(1)[0] % 4)])
            var parts = [
                Self.encoded("code", random, share: inName) + "=" + Self.encoded("c", random, share: inValue),
                Self.encoded("state", random, share: inName) + "="
                    + Self.encoded(stage.state(redirect), random, share: inValue),
            ]
            for dice in random.bytes(Int(random.bytes(1)[0] % 4)) {
                parts.insert(extra[Int(dice) % extra.count], at: Int(dice / 16) % (parts.count + 1))
            }
            let query = parts.joined(separator: "&")
            let elsewhere = try stage.browser.get("/app?" + query)
            let back = try stage.browser.get("/.sidegate/callback?" + query).answer
            guard back?.location == "/page" else { continue }
            accepted += 1
            #expect(elsewhere.answer?.reason == "return_path_mismatch", "round \(round): \(query)")
        }
        #expect(accepted > 300)
    }

    @Test("in every order and under every rule, in a session, as a guest, in observe mode, for scripts too")
    func everywhere() throws {
        let changes: [(inout GateConfiguration) throws -> Void] = [
            { _ in },
            { $0.access.rules = [AccessRule(paths: [try RulePath("/*")], effect: .anyone)] },
            { $0.access.rules = [AccessRule(paths: [try RulePath("/*")], effect: .deny)] },
            { $0.access.default = .guest },
            { $0.access.mode = .observe },
            { $0.nativeLogin = NativeLoginConfiguration(parameters: ["sso"], paths: ["/callback"]) },
        ]
        for change in changes {
            let stage = try OpenIDStage { _, gate in try change(&gate) }
            let state = stage.state(try stage.browser.get("/.sidegate/login?return_to=/page"))
            for query in ["state=\(state)&code=c", "sso=&x=1&code=c&state=\(state)", "code=c&state=\(state)&state=x"] {
                #expect(
                    try stage.browser.get("/callback?" + query).answer?.reason == "return_path_mismatch", "\(query)")
            }
            let script = try stage.browser.get(
                "/callback?code=c&state=\(state)", "Accept: application/json", "Sec-Fetch-Mode: cors")
            #expect(script.status == 400)
        }
        let stage = try OpenIDStage()
        let other = stage.state(try stage.browser.get("/other"))
        try stage.signIn()
        #expect(try stage.browser.get("/").user == "ada")
        #expect(try stage.browser.get("/callback?code=c&state=\(other)").answer?.reason == "return_path_mismatch")
    }

    @Test("a form of the provider too")
    func form() throws {
        let stage = try OpenIDStage { openID, _ in openID.responseMode = .formPost }
        let state = stage.state(try stage.browser.get("/page"))
        for path in ["/callback", "/.sidegate/callback/"] {
            let answer = try stage.browser.post(
                path, form: "code=c&state=\(state)", "Accept: text/html", "Origin: https://idp.example",
                "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"
            ).answer
            #expect(answer?.status == 400 && answer?.reason == "return_path_mismatch")
        }
    }

    private static let fromProvider = [
        "Accept: text/html", "Origin: https://idp.example", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
        "Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded",
    ]

    private static func post(
        _ browser: Browser, _ path: String, _ form: String, _ fields: [String] = fromProvider
    ) throws -> Outcome {
        try browser.send("POST", path, fields + ["Content-Length: \(form.utf8.count)"], form: form)
    }

    @Test("a form of the provider at another path is never the app's, whatever session and rules there are")
    func formEverywhere() throws {
        let changes: [(inout GateConfiguration) throws -> Void] = [
            { _ in },
            { $0.access.rules = [AccessRule(paths: [try RulePath("/*")], effect: .anyone)] },
            { $0.access.rules = [AccessRule(paths: [try RulePath("/*")], effect: .deny)] },
            { $0.access.default = .guest },
            { $0.access.mode = .observe },
            { $0.session.isStored = true },
            { $0.nativeLogin = NativeLoginConfiguration(parameters: ["sso"], paths: ["/callback"]) },
        ]
        for change in changes {
            for isSignedIn in [false, true] {
                let stage = try OpenIDStage { openID, gate in
                    openID.responseMode = .formPost
                    try change(&gate)
                }
                let state = stage.state(try stage.browser.get("/.sidegate/login?return_to=/page"))
                if isSignedIn {
                    let other = stage.state(try stage.browser.get("/.sidegate/login?return_to=/other"))
                    let form = "code=c&state=\(other)"
                    #expect(try Self.post(stage.browser, "/.sidegate/callback", form).answer?.location == "/other")
                }
                for path in ["/callback", "/.sidegate/callback/", "/", "/callback?sso"] {
                    for answer in ["code=the-secret-code&state=\(state)", "state=\(state)&error=access_denied"] {
                        let reply = try #require(Self.post(stage.browser, path, answer).answer, "\(path)")
                        #expect(reply.status == 400 && reply.reason == "return_path_mismatch", "\(path)")
                        #expect(!reply.body.contains("the-secret-code"))
                    }
                }
            }
        }
    }

    @Test("forms of the app's own pass, whole, whatever their fields are called")
    func appsOwnForms() throws {
        let stage = try OpenIDStage { openID, _ in openID.responseMode = .formPost }
        let browser = stage.browser
        let first = stage.state(try browser.get("/.sidegate/login?return_to=/page"))
        let state = stage.state(try browser.get("/.sidegate/login?return_to=/page"))
        let done = stage.state(try browser.get("/.sidegate/login?return_to=/page"))
        #expect(try Self.post(browser, "/.sidegate/callback", "code=c&state=\(done)").answer?.status == 303)
        let stranger = "n" + String(repeating: "0", count: 27)
        for form in [
            "code=c&state=\(stranger)", "code=c&state=abc", "code=c", "state=\(state)", "code=&state=\(state)",
            "code=c&States=\(first)", "codes=c&state=\(state)", "q=state%3D\(state)&code=c",
        ] {
            #expect(try Self.post(browser, "/app", form).user == "ada", "\(form)")
        }
        // Of this very site, and what is no form of a browser: not even read.
        let answer = "code=c&state=\(state)"
        let own = Self.fromProvider.map {
            $0.hasPrefix("Origin") ? "Origin: https://app.example.com" : $0.replacing("cross-site", with: "same-origin")
        }
        let script = Self.fromProvider.map { $0.replacing("navigate", with: "cors") }
        let json = Self.fromProvider.map { $0.hasPrefix("Content-Type") ? "Content-Type: application/json" : $0 }
        for fields in [own, script, json] { #expect(try Self.post(browser, "/app", answer, fields).user == "ada") }
        // A browser that has not begun to sign in.
        let other = Browser(browser.gates[0])
        other.jar = browser.jar.filter { !$0.name.contains("login") }
        #expect(try Self.post(other, "/app", answer).user == "ada")
        // Longer than any answer.
        #expect(
            try Self.post(browser, "/app", answer + "&x=" + String(repeating: "y", count: 70_000)).user == "ada")
    }

    @Test("beside an OpenID provider a token of a ?jwt= provider in a form at another path is found as before")
    func tokenBesideCode() throws {
        let stage = try OpenIDStage { openID, gate in
            openID.responseMode = .formPost
            var shop = gate.provider
            (shop.name, shop.returnPath) = ("shop", "/.sidegate/callback/shop")
            gate.provider.name = "staff"
            gate.providers.append(shop)
        }
        _ = try stage.browser.get("/.sidegate/login?provider=staff&return_to=/")
        #expect(stage.browser.jar.contains { $0.name.contains("login") })
        let reply = try Self.post(stage.browser, "/sso/else", "jwt=\(try token(id: "f"))").answer
        #expect(reply?.status == 400 && reply?.reason == "return_path_mismatch")
    }

    @Test("what belongs to an app's own protocol passes untouched")
    func appsOwn() throws {
        let stage = try OpenIDStage { _, gate in gate.access.default = .guest }
        let state = stage.state(try stage.browser.get("/.sidegate/login"))
        let stranger = "n" + String(repeating: "0", count: 27)
        for query in [
            "code=c&state=\(stranger)", "code=c&state=abc", "code=c", "state=\(state)", "code=&state=\(state)",
            "code=c&States=\(state)", "codes=c&state=\(state)", "q=state=\(state)&code=c",
        ] {
            let head = try #require(stage.browser.get("/app?" + query).head, "\(query)")
            #expect(head.hasPrefix("GET /app?\(query) HTTP/1.1"))
        }
        // The state of another browser.
        let other = Browser(stage.browser.gates[0])
        #expect(try other.get("/app?code=c&state=\(state)").head != nil)
        // A cookie of that name that the gate has not sealed.
        other.jar = stage.browser.jar.map { ($0.name, String(repeating: "A", count: 200)) }
        #expect(try other.get("/app?code=c&state=\(state)").head != nil)
    }

    @Test("with ?jwt= an attempt's state is in no such answer")
    func redirectProvider() throws {
        let browser = try Browser { $0.access.default = .guest }
        let redirect = try browser.get("/.sidegate/login")
        let state = browser.returnURL(redirect).split(separator: "=").last.map(String.init) ?? ""
        #expect(state.count == 28)
        #expect(try browser.get("/app?code=c&state=\(state)").head?.hasPrefix("GET /app?code=c&state=") == true)
    }

    // MARK: A token in the path

    @Test(
        "a token that was appended with & to an address without a query is named, and the app never gets it",
        arguments: ["/sso/login/jwt", "/", "/sso/jwt", "/.sidegate/nothing", "/a&b=c", "/a;x"])
    func tokenInPath(_ path: String) throws {
        for isSignedIn in [false, true] {
            for change in [{ _ in }, { $0.access.default = .guest }, { $0.access.mode = .observe }]
                as [(inout GateConfiguration) -> Void]
            {
                let browser = try Browser {
                    $0.provider.returnPath = "/sso/login/jwt"
                    change(&$0)
                }
                if isSignedIn { try browser.signIn("/.sidegate/login") }
                let jwt = try token(id: "p")
                for end in ["", "&state=x", "?a=b"] {
                    let reply = try #require(browser.get("\(path)&jwt=\(jwt)\(end)").answer, "\(path) \(end)")
                    #expect(reply.status == 400 && reply.reason == "return_path_mismatch")
                    #expect(reply.body.contains("\(path), which has no query") && reply.body.contains("with ?"))
                    let detail = try #require(reply.response.detail)
                    #expect(detail.contains("appended with & to \(path), which") && detail.contains("/sso/login/jwt"))
                    #expect(!(reply.body + detail).contains(jwt))
                }
            }
        }
    }

    @Test("its fix works: an address that ends with a question mark")
    func fixed() throws {
        let browser = try Browser()
        _ = try browser.get("/page")
        #expect(try browser.get("/.sidegate/callback?&jwt=\(try token())").answer?.status == 303)
    }

    @Test("one that no key has signed is the app's")
    func othersToken() throws {
        let browser = try Browser()
        try browser.signIn()
        let stranger = try token(secret: Array("a secret of a stranger, 32 bytes".utf8))
        for path in ["/a&jwt=\(stranger)", "/a&token=\(stranger)", "/a/jwt=\(stranger)", "/a&jwt=a.b.c"] {
            #expect(try browser.get(path).head?.hasPrefix("GET \(path) HTTP/1.1") == true)
        }
    }
}
