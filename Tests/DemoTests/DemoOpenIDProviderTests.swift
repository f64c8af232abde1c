// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Demo
import HTTP
import HTTP1
import JWT
import Testing

@Suite("The demo's identity provider, by OpenID Connect")
struct DemoOpenIDProviderTests {
    private let now: Double = 1_795_253_400
    private let provider: DemoIdentityProvider
    private let verifier = String(repeating: "v", count: 43)

    init() throws {
        let client = DemoClient(
            id: "demo", secret: "client-secret", returnURLs: ["http://127.0.0.1:8080/.sidegate/callback/openid"],
            signedOutURLs: ["http://127.0.0.1:8080/.sidegate/signed-out"])
        provider = try DemoIdentityProvider(
            returnURLs: ["http://127.0.0.1:8080/.sidegate/callback"],
            secret: Array("0123456789abcdef0123456789abcdef".utf8),
            issuer: "demo", base: "/idp",
            openID: DemoOpenIDProvider(issuer: "http://127.0.0.1:8080/idp", client: client))
    }

    @Test("The discovery document names the issuer and its endpoints")
    func discovery() throws {
        let document = try json(get("/idp/.well-known/openid-configuration"))
        #expect(document["issuer"]?.string == "http://127.0.0.1:8080/idp")
        #expect(document["token_endpoint"]?.string == "http://127.0.0.1:8080/idp/token")
    }

    @Test("From the login page to an ID token", arguments: DemoUser.all)
    func flow(user: DemoUser) throws {
        let page = try get("/idp/authorize?" + request)
        #expect(
            page.status == 200 && page.text.contains("/idp/authorize?") && !page.text.contains("invalid token instead"))
        let signedIn = try post("/idp/login", "user=\(user.name)&return_url=" + encoded("/idp/authorize?" + request))
        #expect(signedIn.status == 303 && signedIn.field("Location") == "/idp/authorize?" + request)
        let back = try get("/idp/authorize?" + request, cookie: signedIn.cookie)
        #expect(back.status == 303)
        let issued = try #require(code(of: back))
        let answer = try json(token(issued))
        let token = try #require(answer["id_token"]?.string)
        let keys = try KeySet(jwks: try get("/idp/keys").body)
        let policy = TokenPolicy(algorithms: [.es256], issuer: "http://127.0.0.1:8080/idp", audience: ["demo"])
        let verified = try TokenVerifier(policy: policy, keys: keys).verify(Array(token.utf8).span, now: now)
        #expect(verified.claims["sub"]?.string == user.name && verified.claims["nonce"]?.string == "n-1")
    }

    @Test(
        "A request that is not the client's gets no code",
        arguments: [
            ("client_id=demo", "client_id=other"), ("response_type=code", "response_type=token"), ("S256", "plain"),
            ("openid%20email", "email"), ("8080", "8081"), ("state=s-1", "x=1"), ("nonce=n-1", "x=1"),
            ("&code_challenge=", "&code_challenge=x"),
        ])
    func badRequests(change: (String, String)) throws {
        let cookie = try #require(
            try post("/idp/login", "user=ada&return_url=" + encoded("/idp/authorize?" + request)).cookie)
        let start = try #require(request.firstRange(of: change.0))
        let changed = String(request[..<start.lowerBound]) + change.1 + String(request[start.upperBound...])
        let response = try get("/idp/authorize?" + changed, cookie: cookie)
        #expect(response.status == 400 && response.field("Location") == nil)
    }

    @Test("A code is redeemed only by the client, with its verifier, for its address, in time")
    func badCodes() throws {
        let code = try newCode()
        #expect(try token(code).status == 200)
        #expect(try token(code, secret: "other").status == 401)
        #expect(try token(code, verifier: String(repeating: "w", count: 43)).status == 400)
        #expect(try token(code, verifier: "").status == 400)
        #expect(try token(code, returnURL: "http://127.0.0.1:8080/.sidegate/callback").status == 400)
        #expect(try token(code, now: now + 61).status == 400)
        #expect(try token("x" + code).status == 400)
        #expect(try token("").status == 400)
        #expect(try token(code + ".x").status == 400)
    }

    @Test("Logout leads to the client's page only")
    func endSession() throws {
        let known = try get("/idp/end-session?client_id=demo&post_logout_redirect_uri=" + encoded(signedOut))
        #expect(known.status == 303 && known.field("Location") == signedOut)
        #expect(known.field("Set-Cookie")?.contains("Max-Age=0") == true)
        for query in [
            "client_id=demo&post_logout_redirect_uri=http://evil.example/", "post_logout_redirect_uri=" + signedOut, "",
        ] {
            let response = try get("/idp/end-session?" + query)
            #expect(response.status == 200 && response.field("Location") == nil && !response.text.contains("evil"))
        }
    }

    @Test("Without it the paths do not exist")
    func absent() throws {
        let plain = try DemoIdentityProvider(
            returnURLs: ["http://127.0.0.1:8080/.sidegate/callback"],
            secret: Array("0123456789abcdef0123456789abcdef".utf8),
            issuer: "demo")
        for path in ["/keys", "/end-session", "/.well-known/openid-configuration"] {
            let head = try RequestHead(parsing: "GET \(path) HTTP/1.1\r\nHost: idp\r\n\r\n")
            #expect(plain.respond(to: head, body: [], now: now).status == 404)
        }
    }

    private let signedOut = "http://127.0.0.1:8080/.sidegate/signed-out"
    private let returnURL = "http://127.0.0.1:8080/.sidegate/callback/openid"

    private var request: String {
        let challenge = Base64URL.encodeToString(SHA256.hash(Array(verifier.utf8).span))
        return
            "client_id=demo&response_type=code&scope=openid%20email&redirect_uri=\(encoded(returnURL))&state=s-1&nonce=n-1"
            + "&code_challenge_method=S256&code_challenge=\(challenge)"
    }

    private func newCode() throws -> String {
        let cookie = try #require(
            try post("/idp/login", "user=ada&return_url=" + encoded("/idp/authorize?" + request)).cookie)
        return try #require(code(of: try get("/idp/authorize?" + request, cookie: cookie)))
    }

    private func code(of response: LocalResponse) -> String? {
        guard let location = response.field("Location"), location.hasPrefix(returnURL + "?"),
            let start = location.firstRange(of: "code=")
        else { return nil }
        return String(location[start.upperBound...].prefix { $0 != "&" })
    }

    private func token(
        _ code: String, secret: String = "client-secret", verifier: String? = nil, returnURL: String? = nil,
        now: Double? = nil
    ) throws -> LocalResponse {
        let authorization = "Basic " + Base64.encodeToString(Array("demo:\(secret)".utf8))
        return try post(
            "/idp/token",
            "grant_type=authorization_code&code=\(code)&redirect_uri=\(encoded(returnURL ?? self.returnURL))"
                + "&code_verifier=\(verifier ?? self.verifier)",
            fields: "Authorization: \(authorization)\r\n", now: now)
    }

    private func json(_ response: LocalResponse) throws -> JSONObject {
        #expect(response.status == 200 && response.field("Cache-Control") == "no-store")
        return try #require(try JSONParser.parse(response.body.span).object)
    }

    private func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                0x30...0x39 ~= byte || 0x41...0x5a ~= byte || 0x61...0x7a ~= byte || byte == 0x2d || byte == 0x2e
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }

    private func get(_ target: String, cookie: String? = nil) throws -> LocalResponse {
        let head = try RequestHead(
            parsing: "GET \(target) HTTP/1.1\r\nHost: idp\r\n" + (cookie.map { "Cookie: \($0)\r\n" } ?? "") + "\r\n")
        return provider.respond(to: head, body: [], now: now)
    }

    private func post(_ target: String, _ body: String, fields: String = "", now: Double? = nil) throws -> LocalResponse
    {
        let head = try RequestHead(
            parsing:
                "POST \(target) HTTP/1.1\r\nHost: idp\r\n\(fields)Content-Type: application/x-www-form-urlencoded\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n")
        return provider.respond(to: head, body: Array(body.utf8), now: now ?? self.now)
    }
}
