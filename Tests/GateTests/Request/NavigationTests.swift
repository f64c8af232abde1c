// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Testing

@Suite("Without a session")
struct NavigationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let request: String
        let status: Int
        var testDescription: String { request }

        init(_ request: String, _ status: Int) {
            self.request = request
            self.status = status
        }
    }

    static let cases: [Case] = [
        // A navigation, as browsers and as the simplest client make it.
        Case("GET /", 302),
        Case("HEAD /", 302),
        Case("GET / | Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 302),
        Case("GET / | Accept: */*", 302),
        Case("GET / | Accept: APPLICATION/XHTML+XML", 302),
        Case("GET / | Sec-Fetch-Mode: navigate | Sec-Fetch-Dest: document | Sec-Fetch-Site: cross-site", 302),
        Case("GET / | Accept: application/json | Accept: text/html", 302),
        Case("GET /api | Accept: text/html;q=0.1, application/json", 302),
        // Anything else.
        Case("POST /", 401),
        Case("PUT /", 401),
        Case("OPTIONS /", 401),
        Case("OPTIONS *", 401),
        Case("DELETE /", 401),
        Case("GET / | Accept: application/json", 401),
        Case("GET / | Accept: image/*", 401),
        Case("GET / | Accept: text/*", 401),
        Case("GET / | Accept: text/html-sandboxed", 401),
        Case("GET / | Accept:", 401),
        Case("GET / | Sec-Fetch-Mode: cors", 401),
        Case("GET / | Sec-Fetch-Mode: no-cors", 401),
        Case("GET / | Sec-Fetch-Dest: iframe", 401),
        Case("GET / | Sec-Fetch-Dest: empty", 401),
        Case("GET / | Sec-Fetch-Mode: navigate | Sec-Fetch-Mode: cors", 401),
        Case("GET / | Sec-Fetch-Dest: document | Sec-Fetch-Dest: image", 401),
        Case("GET / | X-Requested-With: XMLHttpRequest", 401),
        Case("GET / | X-Requested-With: xmlhttprequest", 401),
        Case("GET / | X-Requested-With: com.example.app", 302),
        Case("GET / | Connection: upgrade | Upgrade: websocket", 401),
        Case("GET / | Upgrade: websocket", 401),
        // CVE-2026-34457: no client is let by for its name.
        Case("GET / | User-Agent: kube-probe/1.30", 302),
        Case("GET /healthz | User-Agent: GoogleHC/1.0", 302),
        // gRPC has a word of its own for it.
        Case("POST /pkg.Service/Call | Content-Type: application/grpc", 200),
        Case("POST /pkg.Service/Call | Content-Type: application/grpc+proto", 200),
        Case("POST /pkg.Service/Call | Content-Type: application/grpc-web+proto", 200),
        Case("POST /pkg.Service/Call | Content-Type: application/grpcx", 401),
        // Never for the app.
        Case("TRACE /", 405),
    ]

    @Test("a navigation is redirected, anything else gets 401", arguments: cases)
    func answersByKind(_ example: Case) throws {
        let lines = example.request.split(separator: "|").map { line in
            String(line.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let head = try RequestHead(
            parsing: lines[0] + " HTTP/1.1\r\nHost: app.example.com\r\n"
                + lines.dropFirst().map { $0 + "\r\n" }.joined() + "\r\n")
        #expect(try Browser().ask(head).status == example.status)
    }

    @Test("the redirect leads to the IdP, is stored nowhere and sets one sealed login cookie")
    func redirects() throws {
        let browser = try Browser()
        let answer = try #require(browser.get("/wiki/page?a=1&b=%20").answer)
        #expect(
            answer.location.hasPrefix(
                "https://idp.example/login?return_url=https%3A%2F%2Fapp.example.com%2F.sidegate%2Fcallback"))
        #expect(answer["cache-control"] == "no-store")
        let cookies = answer.setCookies
        #expect(cookies.count == 1)
        #expect(cookies[0].hasPrefix("__Host-sidegate-login-"))
        #expect(cookies[0].contains("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None"))
        #expect(!cookies[0].contains("wiki"))
        #expect(answer.body.contains("idp.example"))
    }

    @Test("the 401 names a way to sign in, in JSON")
    func unauthenticatedDocument() throws {
        let browser = try Browser()
        let answer = try #require(
            browser.get("/api/x", "Accept: application/json", "Referer: https://app.example.com/inbox?f=1").answer)
        #expect(answer.status == 401)
        #expect(answer["www-authenticate"] == "Bearer")
        #expect(answer["content-type"] == "application/json")
        #expect(answer["cache-control"] == "no-store")
        #expect(
            answer.body
                == #"{"error":"unauthenticated","login_url":"https://app.example.com/.sidegate/login?return_to="#
                + "https%3A%2F%2Fapp.example.com%2Finbox%3Ff%3D1\"}\n")
        let elsewhere = try #require(
            browser.get("/api/x", "Accept: application/json", "Referer: https://evil.example/").answer)
        #expect(elsewhere.body.contains(#"return_to=%2F"}"#))
    }

    @Test("gRPC gets status 16, in a head without a message")
    func grpc() throws {
        let answer = try #require(
            Browser().send("POST", "/s/M", ["Content-Type: application/grpc", "Content-Length: 0"]).answer)
        #expect(answer["grpc-status"] == "16")
        #expect(answer["content-type"] == "application/grpc")
        #expect(answer.body.isEmpty)
    }

    @Test(
        "CVE-2025-31492: without a session every method and path is answered here",
        arguments: [
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE",
        ])
    func nothingPasses(_ method: String) throws {
        for path in [
            "/", "/favicon.ico", "/robots.txt", "/healthz", "/a/../b", "/%2e%2e/", "//x", "/?a#".dropLast().description,
        ] {
            #expect(try Browser().send(method, path, ["Content-Length: 0"]).answer != nil)
        }
    }

    @Test("placeholders are percent-encoded, and {state} of its own leaves the return URL bare")
    func placeholders() throws {
        let gate = Gate(
            try configuration(loginURL: "https://idp.example/{state}?r={returnURL}&t={returnTo}#{state}"),
            random: Sequence().bytes)
        let answer = try #require(
            Browser(gate).get("/a b".replacing(" ", "%20") + "?q=1&r=ä".replacing("ä", "%C3%A4")).answer)
        let state = answer.location.dropFirst("https://idp.example/".count).prefix { $0 != "?" }
        #expect(state.count == 28)
        #expect(
            answer.location
                == "https://idp.example/\(state)?r=https%3A%2F%2Fapp.example.com%2F.sidegate%2Fcallback"
                + "&t=https%3A%2F%2Fapp.example.com%2Fa%2520b%3Fq%3D1%26r%3D%25C3%25A4#\(state)")
    }

    @Test(
        "each redirect names its own attempt, host and target, the same in Location, page and cookie",
        arguments: [
            "https://idp.example/login?return_url={returnURL}", "https://idp.example/?a=1&s={state}",
            "https://idp.example/{state}?t={returnTo}&r={returnURL}&again={returnTo}#{state}",
            "https://idp.example/?t={returnTo}", "https://idp.example/",
        ])
    func attemptsInTurn(loginURL: String) throws {
        let gate = Gate(try configuration(loginURL: loginURL), random: Sequence().bytes)
        var states: Set<String> = []
        for (host, path) in [
            ("app.example.com", "/a"), ("app.example.com", "/somewhere/else?q=1"), ("other.example", "/"),
            ("app.example.com", "/a"),
        ] {
            let browser = Browser(gate)
            browser.host = host
            let answer = try #require(browser.get(path).answer)
            let cookie = try #require(answer.setCookies.first)
            #expect(cookie.hasPrefix("__Host-sidegate-login-"))
            let state = String(cookie.dropFirst("__Host-sidegate-login-".count).prefix { $0 != "=" })
            #expect(state.count == 28)
            #expect(states.insert(state).inserted)
            let origin = "https%3A%2F%2F" + host
            let target =
                path.replacing("/", "%2F").replacing("?", "%3F").replacing("=", "%3D")
            let ownState = loginURL.contains("{state}") ? "" : "%3Fstate%3D" + state
            let expected = loginURL.replacing("{state}", state).replacing("{returnTo}", origin + target)
                .replacing("{returnURL}", origin + "%2F.sidegate%2Fcallback" + ownState)
            #expect(answer.location == expected)
            #expect(answer.body.contains("href=\"" + expected + "\""))
        }
    }

    @Test(
        "mistaken login URLs are refused with the reason",
        arguments: [
            "idp.example/login", "ftp://idp.example/", "https://{state}.idp.example/", "https://user@idp.example/",
            "https://idp.example/{nobody}", "https://idp.example/{returnURL", "https://idp.example/a b",
            "https://idp.example\\@evil.example/", "https:///login", "https://idp.example/{email}", "//idp.example/",
        ])
    func mistakenTemplates(_ text: String) {
        #expect(throws: GateConfigurationError.self) { try URLTemplate.login(text) }
    }
}

extension String {
    func replacing(_ text: String, _ other: String) -> String {
        split(separator: text, omittingEmptySubsequences: false).joined(separator: other)
    }
}
