// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

@Suite("The token parameter in the app's own URLs")
struct TokenParameterTests {
    /// What stands for the tokens in the tables: OURS is signed by a key of the gate, THEIRS by another one.
    private static func filled(_ text: String) throws -> String {
        let ours = try token()
        let expired = try token(at: noon - 90_000)
        let future = try token(at: noon + 90_000)
        let theirs = try token(secret: Array("a secret of the app's, of 32 bytes".utf8))
        let encoded = ours.replacing(".", with: "%2E")
        let critical = try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(claims: [("x", "y")])
        return text.replacing("EXPIRED", with: expired).replacing("FUTURE", with: future)
            .replacing("ENCODED", with: encoded).replacing("BARE", with: critical)
            .replacing("OURS", with: ours).replacing("THEIRS", with: theirs)
    }

    /// The request line, the Referer and the status line of what a signed-in user's app gets.
    private func lines(
        _ path: String, _ fields: [String] = [], _ change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> [String] {
        let browser = try Browser(change)
        try browser.signIn()
        let head = try #require(browser.send("GET", path, fields).head)
        return head.split(separator: "\r\n").map(String.init)
    }

    private static let queries = [
        // The app's own stays, byte for byte.
        ("?jwt=x", "?jwt=x"), ("?jwt=THEIRS", "?jwt=THEIRS"), ("?jwt=THEIRS&b=1", "?jwt=THEIRS&b=1"), ("?jwt", "?jwt"),
        ("?jwt=", "?jwt="), ("?jwt=x&jwt=y", "?jwt=x&jwt=y"), ("?j%77t=x;y", "?j%77t=x;y"),
        ("?&&jwt=a.b.c&", "?&&jwt=a.b.c&"),
        ("?jwt=OURSx", "?jwt=OURSx"), ("?jwt=%zz", "?jwt=%zz"), ("?jwt=a%2Eb%2Ec", "?jwt=a%2Eb%2Ec"), ("?", "?"),
        ("?xjwt=OURS", "?xjwt=OURS"), ("?next=/a?jwt=x", "?next=/a?jwt=x"), ("", ""),
        // The provider's goes, whatever its claims say.
        ("?jwt=OURS", ""), ("?jwt=EXPIRED", ""), ("?jwt=FUTURE", ""), ("?jwt=BARE", ""), ("?jwt=ENCODED", ""),
        ("?jwt=OURS&b=1", "?b=1"), ("?b=1&jwt=OURS", "?b=1"), ("?a=%20&j%77t=OURS&c", "?a=%20&c"),
        ("?b=1;jwt=OURS;c", "?b=1;c"), ("?&jwt=OURS&b", "?&b"), ("?jwt=OURS&", ""), ("?a=1?jwt=OURS", "?a=1"),
        // Each for itself.
        ("?jwt=a&jwt=b&jwt=c&jwt=d&jwt=e&jwt=f.g.h", "?jwt=a&jwt=b&jwt=c&jwt=d&jwt=e&jwt=f.g.h"),
        ("?jwt=a&jwt=b&jwt=c&jwt=d&jwt=e&jwt=OURS", "?jwt=a&jwt=b&jwt=c&jwt=d&jwt=e"),
        // Only so many are judged; what may be a token after that does not pass.
        ("?jwt=a.b.c&jwt=a.b.d&jwt=a.b.e&jwt=a.b.f&jwt=OURS&jwt=x", "?jwt=a.b.c&jwt=a.b.d&jwt=a.b.e&jwt=a.b.f&jwt=x"),
        ("?jwt=THEIRS&jwt=OURS", "?jwt=THEIRS"), ("?jwt=OURS&jwt=x", "?jwt=x"), ("?jwt=OURS&jwt=OURS", ""),
    ]

    @Test("a query loses the provider's tokens alone", arguments: queries)
    func query(_ sent: String, _ kept: String) throws {
        let path = try "/a" + Self.filled(sent)
        #expect(try lines(path)[0] == "GET /a\(Self.filled(kept)) HTTP/1.1")
    }

    @Test("so does the query for an app without its prefix, and for one that is chosen by rules", arguments: queries)
    func queryOfApps(_ sent: String, _ kept: String) throws {
        let path = try "/wiki/a" + Self.filled(sent)
        let line = try lines(path) {
            var route = AppRoute(authority: "127.0.0.1:3001")
            route.stripPrefix = "/wiki"
            $0.apps = [route]
        }[0]
        #expect(try line == "GET /a\(Self.filled(kept)) HTTP/1.1")
    }

    @Test(
        "CVE-2022-24797: Referer loses the provider's tokens, and on the return path the parameter",
        arguments: [
            ("https://app.example.com/a?b=jwt", "https://app.example.com/a?b=jwt"),
            ("https://app.example.com/room?jwt=THEIRS&x", "https://app.example.com/room?jwt=THEIRS&x"),
            ("https://app.example.com/room?jwt=OURS", "https://app.example.com/room"),
            ("https://app.example.com/room?a=1&jwt=EXPIRED&b#jwt=x", "https://app.example.com/room?a=1&b#jwt=x"),
            (
                "https://app.example.com/.sidegate/callback?state=1&jwt=x",
                "https://app.example.com/.sidegate/callback?state=1"
            ),
            ("https://app.example.com/.sidegate/callback?jwt=a.b.c", "https://app.example.com/.sidegate/callback"),
            ("/room?jwt=OURS&x=1", "/room?x=1"), ("https://app.example.com?jwt=OURS", "https://app.example.com"),
            ("https://app.example.com/#?jwt=OURS", "https://app.example.com/#?jwt=OURS"), ("?jwt=OURS", ""),
        ])
    func referer(_ sent: String, _ kept: String) throws {
        let fields = try ["X-Before: 1", "Referer: " + Self.filled(sent), "X-After: 1"]
        let head = try lines("/", fields)
        let line = try "Referer: " + Self.filled(kept)
        #expect(head.filter { $0.hasPrefix("Referer") } == [line])
        #expect(head.contains("X-Before: 1") && head.contains("X-After: 1"))
        #expect(try !lines("/", fields + ["Connection: referer"]).contains { $0.hasPrefix("Referer") })
    }

    @Test("a deep link keeps the app's own parameter through the sign-in")
    func deepLink() throws {
        for (sent, kept) in [
            ("/room?jwt=THEIRS&x=%20", "/room?jwt=THEIRS&x=%20"), ("/reset?jwt=abc", "/reset?jwt=abc"),
            ("/.sidegate/login?return_to=/room%3Fjwt=THEIRS", "/room?jwt=THEIRS"),
            ("/.sidegate/login?return_to=/room%3Fjwt=OURS", "/room"),
            ("/.sidegate/login?return_to=/room%3Fa=1%26jwt=EXPIRED%26b", "/room?a=1&b"),
        ] {
            let browser = try Browser()
            let answer = try browser.signIn(Self.filled(sent)).answer
            #expect(try answer?.location == Self.filled(kept), "\(sent)")
        }
    }

    @Test("the address for a page's script keeps the page's own parameter, without the provider's tokens")
    func loginAddress() throws {
        let browser = try Browser()
        for (referer, target) in [("/room?jwt=abc", "%2Froom%3Fjwt%3Dabc"), ("/room?jwt=OURS", "%2Froom\"")] {
            let field = try "Referer: https://app.example.com" + Self.filled(referer)
            let answer = try browser.get("/api", "Accept: application/json", field).answer
            #expect(answer?.status == 401 && answer?.body.contains(target) ?? false, "\(answer?.body ?? "")")
        }
    }

    @Test("new keys judge again, and nothing is fetched for it")
    func newKeys() throws {
        let secret = Array("another secret for tokens, 32 b.".utf8)
        let gate = Gate(try configuration { $0.provider.hasRemoteKeys = true }, random: Sequence().bytes)
        let browser = Browser(gate)
        browser.fetchKeys = { _ in Issue.record("keys were fetched") }
        let path = try "/a?jwt=" + token(secret: secret)
        try browser.signIn()
        #expect(try browser.get(path).head?.hasPrefix("GET \(path) ") == true)
        gate.replaceKeys(
            KeySet(keys: [try VerificationKey(secret: secret), try VerificationKey(secret: tokenSecret)]))
        #expect(try browser.get(path).head?.hasPrefix("GET /a HTTP") == true)
        gate.replaceKeys(KeySet(keys: [try VerificationKey(secret: tokenSecret)]))
        #expect(try browser.get(path).head?.hasPrefix("GET \(path) ") == true)
    }

    @Test("any number of different values is judged by the same rule")
    func many() throws {
        let browser = try Browser()
        try browser.signIn()
        let theirs = try VerificationKey(secret: Array("a secret of the app's, of 32 bytes".utf8))
        for round in 0..<2 {
            for number in 0..<700 {
                let key = number % 7 == 0 ? try VerificationKey(secret: tokenSecret) : theirs
                let jwt = try TokenMinter(secret: key).mint(claims: [("n", .number(JSONNumber(number)))])
                let head = try #require(browser.get("/a?jwt=\(jwt)").head)
                #expect(head.hasPrefix("GET /a HTTP") == (number % 7 == 0), "\(round) \(number)")
            }
        }
    }
}
