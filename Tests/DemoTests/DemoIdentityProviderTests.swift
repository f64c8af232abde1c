// SPDX-License-Identifier: Apache-2.0

import Decisions
import Demo
import HTTP
import HTTP1
import JWT
import Testing

@Suite("The demo's identity provider")
struct DemoIdentityProviderTests {
    private let now: Double = 1_795_253_400
    private let secret = Array("0123456789abcdef0123456789abcdef".utf8)
    private let provider: DemoIdentityProvider

    init() throws {
        provider = try DemoIdentityProvider(
            returnURLs: ["http://127.0.0.1:8080/.sidegate/callback", "http://localhost:8080/.sidegate/callback"],
            secret: secret, issuer: "demo")
    }

    @Test("The login page offers each user, and remembers the return URL")
    func loginPage() throws {
        let response = try get("/login?return_url=http%3A%2F%2F127.0.0.1%3A8080%2F.sidegate%2Fcallback%3Fa%3Db")
        #expect(response.status == 200)
        let html = response.text
        for user in DemoUser.all { #expect(html.contains("name=\"user\" value=\"\(user.name)\"")) }
        #expect(html.contains("name=\"return_url\" value=\"http://127.0.0.1:8080/.sidegate/callback?a&#61;b\""))
        #expect(!html.contains("<script") && !html.contains(" style="))
        #expect(
            response.field("Content-Security-Policy")?.contains(
                "form-action 'self' http://127.0.0.1:8080 http://localhost:8080;") == true)
        #expect(response.setsNoCookie)
    }

    @Test("A selected user is redirected with a token that the gate accepts", arguments: DemoUser.all)
    func signIn(user: DemoUser) throws {
        let response = try post("/login", "user=\(user.name)&return_url=" + callback)
        #expect(response.status == 303)
        let location = try #require(response.field("Location"))
        #expect(location.hasPrefix("http://127.0.0.1:8080/.sidegate/callback?jwt="))
        let token = try verify(location)
        #expect(token.claims["email"]?.string == user.email)
        #expect(token.claims["sub"]?.string == user.name)
        #expect(token.claims["groups"]?.array?.compactMap(\.string) == user.groups)
        #expect(token.issuer == "demo" && token.issuedAt == now && (token.id?.utf8.count ?? 0) >= 20)
        #expect(response.field("Cache-Control") == "no-store")
    }

    @Test("No two tokens have the same ID")
    func uniqueIDs() throws {
        let first = try verify(try #require(try post("/login", "user=ada&return_url=" + callback).field("Location")))
        let second = try verify(try #require(try post("/login", "user=ada&return_url=" + callback).field("Location")))
        #expect(first.id != second.id)
    }

    @Test("A second sign-in needs no click, until the session ends")
    func session() throws {
        let cookie = try #require(try post("/login", "user=grace&return_url=" + callback).cookie)
        #expect(cookie.hasPrefix("demo-idp=grace."))
        let again = try get("/login?return_url=" + callback, cookie: cookie)
        #expect(again.status == 303)
        #expect(try verify(try #require(again.field("Location"))).claims["sub"]?.string == "grace")
        #expect(try get("/login?return_url=" + callback, cookie: cookie, now: now + 3601).status == 200)
        #expect(try get("/", cookie: cookie).text.contains("signed in here as Grace"))
        let out = try get("/logout?return_to=http://127.0.0.1:8080/x", cookie: cookie)
        #expect(out.field("Set-Cookie")?.contains("Max-Age=0") == true)
        #expect(out.text.contains("href=\"http://127.0.0.1:8080/x\""))
    }

    @Test(
        "A forged session is ignored",
        arguments: [
            "demo-idp=ada", "demo-idp=ada.9999999999.", "demo-idp=ada.9999999999.AAAA", "demo-idp=..", "demo-idp=",
        ])
    func forgedSession(cookie: String) throws {
        #expect(try get("/login?return_url=" + callback, cookie: cookie).status == 200)
    }

    @Test("A session of one user cannot be turned into another's")
    func changedSession() throws {
        let cookie = try #require(try post("/login", "user=sam&return_url=" + callback).cookie)
        let changed = "demo-idp=ada" + cookie.dropFirst("demo-idp=sam".count)
        #expect(try get("/login?return_url=" + callback, cookie: changed).status == 200)
    }

    @Test(
        "CVE-2021-21291: it redirects to its return URLs only",
        arguments: [
            "", "return_url=", "return_url=http://evil.example/.sidegate/callback", "return_url=//127.0.0.1:8080/",
            "return_url=http://127.0.0.1:8080.evil.example/.sidegate/callback",
            "return_url=http://127.0.0.1:8080@evil.example/.sidegate/callback",
            "return_url=http://127.0.0.1:8080/.sidegate/callback/../../x",
            "return_url=http://127.0.0.1:8080/.sidegate/callbackx",
            "return_url=http://127.0.0.1:8080/.sidegate/callback%23",
            "return_url=http://127.0.0.1:8080/.sidegate/callback%0d%0aX:y",
            "return_url=http://127.0.0.1:8080/.sidegate/callback?%0d%0aX:y", "return_url=http://127.0.0.1:8080/",
            "return_url=http://127.0.0.1:8080/.sidegate/callback&return_url=http://evil.example/",
            "return_url=javascript:alert(1)",
            "return_url=http://127.0.0.1:8080/.sidegate/callback?a%23b",
            "return_url=http://127.0.0.1:8080/.sidegate/callback%5c",
            "return_url=http://127.0.0.1:8080/.sidegate/callback?%5c",
        ])
    func openRedirect(query: String) throws {
        let cookie = try #require(try post("/login", "user=ada&return_url=" + callback).cookie)
        for response in [
            try get("/login?" + query), try get("/login?" + query, cookie: cookie),
            try post("/login", "user=ada&" + query),
        ] {
            #expect(response.status == 400)
            #expect(response.field("Location") == nil)
            #expect(response.setsNoCookie)
        }
    }

    @Test(
        "After logout it links to the application only",
        arguments: [
            "http://evil.example/", "http://127.0.0.1:8080.evil.example/", "http://127.0.0.1:8080@evil.example/",
            "javascript:alert(1)", "//evil.example", "http://127.0.0.1:80801/", "http://127.0.0.1:8080/%5C%0A",
        ])
    func logoutTarget(text: String) throws {
        let html = try get("/logout?return_to=" + text).text
        #expect(html.contains("href=\"http://127.0.0.1:8080\""))
        #expect(!html.contains("evil") && !html.contains("javascript"))
    }

    @Test("Each fault is refused by the gate's rules, for its own reason", arguments: DemoFault.allCases)
    func faults(fault: DemoFault) throws {
        let response = try post("/login", "user=ada&fault=\(fault.rawValue)&return_url=" + callback)
        let location = try #require(response.field("Location"))
        #expect(response.field("Set-Cookie")?.contains("Max-Age=0") == true)
        switch fault {
        case .nameless:
            #expect(try verify(location).claims["email"] == nil)
        case .expired, .forged, .future, .issuer:
            let refusal = #expect(throws: TokenRefusal.self) { _ = try verify(location) }
            let expected: Reason =
                switch fault {
                case .expired: .expired
                case .forged: .signatureInvalid
                case .future: .notYetValid
                case .issuer: .issuerMismatch
                case .nameless: .fieldMissing
                }
            #expect(refusal?.reason == expected)
        }
    }

    @Test("An unknown user gets the page again")
    func unknownUser() throws {
        for body in ["user=mallory&return_url=", "return_url=", "user=ada&user=grace&return_url="] {
            let response = try post("/login", body + callback)
            #expect(response.status == 400)
            #expect(response.text.contains("value=\"grace\"") && response.setsNoCookie)
        }
    }

    @Test(
        "Other paths and methods are rejected",
        arguments: [("GET", "/x", 404), ("PUT", "/login", 405), ("POST", "/", 405)])
    func others(method: String, path: String, status: Int) throws {
        let head = try RequestHead(parsing: "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(provider.respond(to: head, body: [], now: now).status == UInt16(status))
    }

    private let callback = "http%3A%2F%2F127.0.0.1%3A8080%2F.sidegate%2Fcallback"

    private func get(_ target: String, cookie: String? = nil, now: Double? = nil) throws -> LocalResponse {
        let head = try RequestHead(
            parsing: "GET \(target) HTTP/1.1\r\nHost: idp\r\n" + (cookie.map { "Cookie: \($0)\r\n" } ?? "") + "\r\n")
        return provider.respond(to: head, body: [], now: now ?? self.now)
    }

    private func post(_ target: String, _ body: String) throws -> LocalResponse {
        let head = try RequestHead(
            parsing: "POST \(target) HTTP/1.1\r\nHost: idp\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n")
        return provider.respond(to: head, body: Array(body.utf8), now: now)
    }

    /// The gate's verdict on the token in a location.
    private func verify(_ location: String) throws -> VerifiedToken {
        let start = try #require(location.firstRange(of: "jwt="))
        let keys = KeySet(keys: [try VerificationKey(secret: secret)])
        let verifier = TokenVerifier(policy: TokenPolicy(algorithms: [.hs256], issuer: "demo"), keys: keys)
        return try verifier.verify(Array(location[start.upperBound...].utf8).span, now: now)
    }
}

extension LocalResponse {
    var text: String { String(decoding: body, as: UTF8.self) }

    func field(_ name: String) -> String? {
        String(decoding: fieldBlock, as: UTF8.self).split(separator: "\r\n").first { $0.hasPrefix(name + ": ") }
            .map { String($0.dropFirst(name.count + 2)) }
    }

    /// The first cookie it sets, as a browser would send it.
    var cookie: String? { field("Set-Cookie").map { String($0.prefix { $0 != ";" }) } }

    var setsNoCookie: Bool { field("Set-Cookie") == nil }
}
