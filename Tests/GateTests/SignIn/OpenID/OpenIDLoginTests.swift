// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import Gate
import HTTP
import JWT
import Pages
import Testing

@Suite("Sign-in by OpenID Connect")
struct OpenIDLoginTests {
    @Test("the authorization request has all that the code flow needs, fresh for each attempt")
    func request() throws {
        let stage = try OpenIDStage { openID, _ in
            openID.parameters = [OpenIDParameter("prompt", "select account"), OpenIDParameter("kc_idp_hint", "a&b")]
        }
        let redirect = try stage.browser.get("/page?x=1")
        #expect(redirect.status == 302)
        #expect(redirect.answer?.location.hasPrefix("https://idp.example/auth?x=y&response_type=code&") == true)
        let parameters = stage.request(redirect)
        #expect(
            parameters.map(\.name) == [
                "x", "response_type", "client_id", "redirect_uri", "scope", "prompt", "kc_idp_hint",
                "code_challenge_method", "state", "nonce", "code_challenge",
            ])
        let values = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value) })
        #expect(values["client_id"] == "app" && values["scope"] == "openid email profile")
        #expect(values["redirect_uri"] == "https://app.example.com/.sidegate/callback")
        #expect(values["prompt"] == "select account" && values["kc_idp_hint"] == "a&b")
        #expect(values["code_challenge_method"] == "S256")
        #expect(values["state"]?.count == 28 && values["nonce"]?.count == 43 && values["code_challenge"]?.count == 43)
        #expect(values["nonce"] != values["code_challenge"])
        let other = Dictionary(
            uniqueKeysWithValues: stage.request(try stage.browser.get("/page")).map { ($0.name, $0.value) })
        for name in ["state", "nonce", "code_challenge"] { #expect(values[name] != other[name]) }
        // The page of the redirect leads to the same address.
        #expect(redirect.answer?.body.contains(redirect.answer?.location ?? "?") == true)
    }

    @Test("a code becomes a session, and the browser comes back to the page")
    func signIn() throws {
        let stage = try OpenIDStage()
        let redirect = try stage.browser.get("/page?x=1")
        let answer = try stage.returned(redirect, code: "c%2Bd").answer
        #expect(answer?.status == 303 && answer?.location == "/page?x=1")
        #expect(try stage.browser.get("/").user == "ada")
        let exchange = try #require(stage.exchanges.first)
        #expect(stage.exchanges.count == 1)
        #expect(exchange.code == Array("c+d".utf8) && exchange.issuer == OpenIDStage.issuer)
        #expect(exchange.redirectURL == Array("https://app.example.com/.sidegate/callback".utf8))
        let challenge = Base64URL.encodeToString(SHA256.hash(exchange.verifier.span))
        #expect(exchange.verifier.count == 43)
        #expect(stage.request(redirect).contains { $0.name == "code_challenge" && $0.value == challenge })
        // One remains, and only says where the attempt led.
        #expect(stage.browser.jar.count { $0.name.contains("login") && !$0.name.hasSuffix("returns") } == 1)
    }

    @Test("a reload and the back button lead to the page while the session lives, and ask nobody")
    func again() throws {
        for isStored in [false, true] {
            let stage = try OpenIDStage { _, gate in gate.session.isStored = isStored }
            let redirect = try stage.browser.get("/page?x=1")
            try stage.returned(redirect)
            for _ in 0..<2 {
                #expect(try stage.returned(redirect, code: "any").answer?.location == "/page?x=1")
            }
            #expect(stage.exchanges.count == 1)
            // Not for another provider's path, an attempt that is not named, a while later, or without the session.
            #expect(try stage.browser.get("/.sidegate/callback?code=c").answer?.reason == "login_state_missing")
            let jar = stage.browser.jar
            stage.browser.now += 301
            #expect(try stage.returned(redirect).answer?.reason == "login_state_missing")
            stage.browser.now -= 301
            stage.browser.jar = jar.filter { $0.name.contains("login") }
            #expect(try stage.returned(redirect).answer?.reason == "login_state_missing")
            stage.browser.jar = jar.filter { !$0.name.contains("login") }
            #expect(try stage.returned(redirect).answer?.reason == "login_state_missing")
            #expect(stage.exchanges.count == 1)
        }
    }

    @Test("parallel tabs are attempts of their own, each with its own nonce and verifier")
    func tabs() throws {
        let stage = try OpenIDStage()
        let first = try stage.browser.get("/1")
        let second = try stage.browser.get("/2")
        #expect(try stage.returned(second).answer?.location == "/2")
        #expect(try stage.returned(first).answer?.location == "/1")
        #expect(Set(stage.exchanges.map(\.verifier)).count == 2)
    }

    @Test("the form of form_post is read in place of the query")
    func form() throws {
        let stage = try OpenIDStage { openID, _ in openID.responseMode = .formPost }
        let redirect = try stage.browser.get("/page")
        #expect(stage.request(redirect).contains { $0.name == "response_mode" && $0.value == "form_post" })
        let answer = try stage.browser.post(
            "/.sidegate/callback?code=other", form: "code=c&state=\(stage.state(redirect))",
            "Origin: https://idp.example",
            "Sec-Fetch-Site: cross-site")
        #expect(answer.answer?.location == "/page")
        #expect(stage.exchanges.map(\.code) == [Array("c".utf8)])
    }

    @Test("a code comes in the way that the configuration names, and in no other; errors in either")
    func responseMode() throws {
        let cross = ["Accept: text/html", "Origin: https://idp.example", "Sec-Fetch-Site: cross-site"]
        func form(_ stage: OpenIDStage, _ form: String) throws -> Outcome {
            let fields =
                cross + [
                    "Content-Type: application/x-www-form-urlencoded", "Content-Length: \(form.utf8.count)",
                ]
            return try stage.browser.send("POST", "/.sidegate/callback", fields, form: form)
        }
        for isForm in [false, true] {
            let stage = try OpenIDStage { openID, _ in openID.responseMode = isForm ? .formPost : .query }
            let redirect = try stage.browser.get("/page")
            let state = stage.state(redirect)
            let response = "code=c&state=\(state)"
            let wrong =
                try isForm ? stage.browser.get("/.sidegate/callback?" + response) : form(stage, response)
            let answer = try #require(wrong.answer)
            #expect(answer.status == 400 && answer.reason == "token_missing" && stage.exchanges.isEmpty)
            #expect(
                answer.body.contains(
                    isForm
                        ? "It sent its response in the URL; this site takes it in a form."
                        : "It sent its response in a form; this site takes it in the URL."))
            #expect(answer.body.contains("identityProvider.responseMode"))
            let mode = isForm ? "form_post" : "query"
            let detail = try #require(answer.response.detail)
            #expect(detail.contains("identityProvider.responseMode is \(mode); fix: set it to "))
            // Login cookies for a response in the URL do not come with a form of another site: the same page.
            let other = Browser(stage.browser.gates[0])
            let stranger = try other.send(
                isForm ? "GET" : "POST",
                "/.sidegate/callback" + (isForm ? "?code=c&state=x" : ""),
                isForm
                    ? cross
                    : cross + ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 14"],
                form: isForm ? nil : "code=c&state=x")
            #expect(stranger.answer?.reason == "token_missing")
            // The attempt has ended; another one is answered in either way by an error.
            let next = stage.state(try stage.browser.get("/page"))
            let error = "error=access_denied&state=\(next)"
            let refused =
                try isForm ? stage.browser.get("/.sidegate/callback?" + error) : form(stage, error)
            #expect(refused.answer?.reason == "provider_error")
            #expect(refused.answer?.body.contains("access_denied") == true)
        }
    }

    @Test("code injection and replay: a return is the end of its attempt, and its code counts for no other")
    func replay() throws {
        let stage = try OpenIDStage()
        let redirect = try stage.browser.get("/page")
        let state = stage.state(redirect)
        let jar = stage.browser.jar
        try stage.returned(redirect)
        // The attempt is over: its session goes on, and without it there is nothing.
        #expect(try stage.browser.get("/.sidegate/callback?code=code&state=\(state)").answer?.location == "/page")
        let mark = Browser(stage.browser.gates[0], store: stage.browser.store)
        mark.jar = stage.browser.jar.filter { $0.name.contains("login") }
        #expect(
            try mark.get("/.sidegate/callback?code=code&state=\(state)").answer?.reason == "login_state_missing")
        // A copy of the cookie, later: the provider would refuse the code; if it does not, the same ID token is a replay.
        let copy = Browser(stage.browser.gates[0], store: stage.browser.store)
        copy.jar = jar
        copy.exchangeCode = { _ in
            .tokens(idToken: Array((stage.idTokens.first ?? "").utf8), accessToken: nil, userInfo: nil)
        }
        #expect(try copy.get("/.sidegate/callback?code=code&state=\(state)").answer?.reason == "replayed")
    }

    @Test("a refused return ends its attempt too, and once more it is named so, whatever comes with it")
    func ended() throws {
        for result in [CodeExchangeResult.refused(detail: "invalid_grant"), .unavailable(detail: "no answer")] {
            let stage = try OpenIDStage()
            let redirect = try stage.browser.get("/page?x=1")
            stage.result = result
            try stage.returned(redirect)
            stage.result = nil
            let again = try #require(stage.returned(redirect).answer)
            #expect(again.status == 403 && again.reason == "login_state_missing")
            #expect(again.response.detail?.contains("refused before") == true)
            #expect(again.body.contains("Sign-in did not work") && !again.body.contains("cookie"))
            #expect(again.body.contains("/.sidegate/login?return_to=%2Fpage%3Fx%3D1"))
            #expect(stage.exchanges.count == 1)
            // Its code is still none of the app's.
            let state = stage.state(redirect)
            #expect(
                try stage.browser.get("/app?code=c&state=\(state)").answer?.reason == "return_path_mismatch")
            // For a while: then nothing is known of it.
            stage.browser.now += 301
            let late = try #require(stage.returned(redirect).answer)
            #expect(late.body.contains("was not started here"))
            stage.browser.now -= 301
            #expect(try stage.signIn("/page").answer?.location == "/page")
        }
    }

    @Test("what a return is known by when it comes again is of its attempt and its code alone")
    func responseKey() throws {
        let stage = try OpenIDStage()
        let first = try stage.browser.get("/page")
        let jar = stage.browser.jar
        try stage.returned(first, code: "a")
        let second = try stage.browser.get("/.sidegate/login?return_to=/page")
        try stage.returned(second, code: "a")
        for code in ["a", "b"] {
            stage.browser.jar = jar
            try stage.returned(first, code: code)
        }
        let keys = stage.browser.responses.map(\.key)
        #expect(keys.count == 4 && Set(keys).count == 3 && keys[0] == keys[2])
        #expect(stage.browser.responses.allSatisfy { $0.replayKeys.count == 1 })
        // A sign-in by another protocol has none.
        let other = try Browser()
        try other.signIn()
        #expect(other.responses.isEmpty)
    }

    @Test("a repeated return begins another session, or leads to the page where there is one")
    func repeated() throws {
        let stage = try OpenIDStage()
        let redirect = try stage.browser.get("/page")
        let jar = stage.browser.jar
        try stage.returned(redirect)
        stage.browser.replayVerdict = .repeated
        let session = stage.browser.jar.filter { !$0.name.contains("login") }
        stage.browser.jar = jar
        let again = try #require(stage.returned(redirect).answer)
        #expect(again.location == "/page" && again.response.outcome == .signIn)
        #expect(try stage.browser.get("/").user == "ada")
        stage.browser.jar = jar + session
        let signedIn = try #require(stage.returned(redirect).answer)
        #expect(signedIn.location == "/page" && signedIn.response.outcome == .signedIn)
    }

    @Test("before discovery a sign-in is a 503 page, and afterwards it works; sessions go on")
    func unavailable() throws {
        let stage = try OpenIDStage(knowsProvider: false)
        let answer = try #require(stage.browser.get("/page?x=1").answer)
        #expect(answer.status == 503 && answer.reason == "provider_unavailable" && answer["retry-after"] == "5")
        #expect(answer.body.contains("/.sidegate/login?return_to=%2Fpage%3Fx%3D1"))
        #expect(answer.setCookies.isEmpty)
        #expect(
            try stage.browser.get("/api", "Accept: application/json", "X-Requested-With: XMLHttpRequest").status == 401)
        #expect(try stage.browser.get("/.sidegate/login?return_to=/page").status == 503)
        let gate = stage.browser.gates[0]
        gate.replaceProvider("other", try OpenIDStage.metadata(), keys: KeySet(keys: []))
        #expect(try stage.browser.get("/page").status == 503)
        gate.replaceProvider("", try OpenIDStage.metadata(), keys: try OpenIDStage.keys)
        try stage.signIn()
        #expect(try stage.browser.get("/").user == "ada")
        // Endpoints may move.
        gate.replaceProvider(
            "", try OpenIDStage.metadata(authorization: "https://new.example/auth"), keys: try OpenIDStage.keys)
        let fresh = Browser(gate)
        #expect(try fresh.get("/").answer?.location.hasPrefix("https://new.example/auth?response_type") == true)
    }

    @Test("what discovery finds of another issuer is not taken over, under whatever name it comes")
    func otherIssuer() throws {
        let other = "https://other.example"
        let document = """
            {"issuer":"\(other)","authorization_endpoint":"\(other)/auth","token_endpoint":"\(other)/token",
            "jwks_uri":"\(other)/keys"}
            """
        let foreign = try OpenIDMetadata(document: Array(document.utf8), issuer: other)
        let unknown = try OpenIDStage(knowsProvider: false)
        unknown.browser.gates[0].replaceProvider("", foreign, keys: try OpenIDStage.keys)
        #expect(try unknown.browser.get("/page").status == 503)
        let known = try OpenIDStage()
        known.browser.gates[0].replaceProvider("", foreign, keys: KeySet(keys: []))
        #expect(try known.browser.get("/page").answer?.location.hasPrefix("https://idp.example/auth") == true)
        // Its keys neither: those of before still verify.
        #expect(try known.signIn().status == 303)
    }

    @Test("the keys are fetched again for an ID token whose key is not known, and the code is exchanged once")
    func keys() throws {
        let stage = try OpenIDStage { _, gate in
            gate.provider.hasRemoteKeys = true
            gate.provider.keys = KeySet(keys: [
                try VerificationKey(secret: Array("another key, of 32 bytes or more".utf8))
            ])
        }
        stage.browser.fetchKeys = { gate in
            gate.replaceProvider("", try OpenIDStage.metadata(), keys: try OpenIDStage.keys)
        }
        #expect(try stage.signIn("/page").answer?.location == "/page")
        #expect(stage.exchanges.count == 1)
    }

    @Test("without any key nobody is sent to the provider, and a code that comes back is not spent")
    func noKeys() throws {
        let stage = try OpenIDStage { _, gate in gate.provider.hasRemoteKeys = true }
        let gate = stage.browser.gates[0]
        let redirect = try stage.browser.get("/page")
        gate.replaceProvider("", try OpenIDStage.metadata(), keys: KeySet(keys: []))
        #expect(try stage.returned(redirect).answer?.reason == "provider_unavailable")
        #expect(stage.exchanges.isEmpty)
        #expect(try Browser(gate).get("/page").answer?.reason == "provider_unavailable")
        stage.browser.fetchKeys = { gate in
            gate.replaceProvider("", try OpenIDStage.metadata(), keys: try OpenIDStage.keys)
        }
        // At the return they are asked for once more.
        gate.replaceProvider("", try OpenIDStage.metadata(), keys: try OpenIDStage.keys)
        let again = try stage.browser.get("/page")
        gate.replaceProvider("", try OpenIDStage.metadata(), keys: KeySet(keys: []))
        #expect(try stage.returned(again).status == 303)
    }

    @Test("user information adds to the ID token and changes nothing in it")
    func userInfo() throws {
        let stage = try OpenIDStage { _, gate in
            gate.identityHeaders += [try HeaderRule(name: "X-Given", template: "{givenName}", fields: ["givenName"])]
        }
        stage.claims = [("email", "ada@example.com")]
        stage.userInfo =
            #"{"sub":"ada","email":"other@example.com","given_name":"Ada","iss":"x","aud":"y","sid":"s"}"#
        try stage.signIn()
        let head = try #require(stage.browser.get("/").head)
        #expect(head.contains("X-Given: Ada") && head.contains("ada@example.com") && !head.contains("other@"))
    }

    @Test("an unverified address counts where the configuration says so; a verified one always")
    func email() throws {
        for (value, accepts, isGood) in [
            (JSONValue.bool(false), true, true), (.bool(true), false, true), ("true", false, true),
            (.null, false, true),
            (.number(JSONNumber(1)), false, false), ("", false, false),
        ] {
            let stage = try OpenIDStage { _, gate in gate.provider.acceptsUnverifiedEmail = accepts }
            stage.claims = [("email_verified", value)]
            #expect((try stage.signIn().status == 303) == isGood, "\(value) \(accepts)")
        }
    }

    @Test("ID tokens are no bearer tokens unless the configuration says so")
    func bearer() throws {
        let stage = try OpenIDStage()
        try stage.signIn()
        let token = try #require(stage.idTokens.first)
        #expect(try Browser(stage.browser.gates[0]).get("/", "Authorization: Bearer \(token)").user == nil)
    }

    @Test("the pages' policy lets forms lead to the provider")
    func policy() throws {
        let stage = try OpenIDStage(knowsProvider: false)
        stage.browser.gates[0].replaceProvider("", try OpenIDStage.metadata(), keys: try OpenIDStage.keys)
        let page = try stage.browser.get("/.sidegate/logout").answer
        #expect(page?["content-security-policy"]?.contains("form-action 'self' https://idp.example;") == true)
    }
}
