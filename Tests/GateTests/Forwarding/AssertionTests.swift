// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import HTTP
import JWT
import Testing

@Suite("The signed statement for the app")
struct AssertionTests {
    private static func assertion(lifetime: Double = 60) throws -> AssertionConfiguration {
        let key = try PrivateKey.generate(.p256)
        let published = try PublishedKey(key.publicKey(), algorithm: .es256)
        return AssertionConfiguration(
            header: "X-App-Assertion",
            minter: try TokenMinter(privateKey: key, algorithm: .es256, keyID: published.keyID),
            issuer: "https://app.example.com", audience: "app", lifetime: lifetime, keys: [published])
    }

    private func statement(_ outcome: Outcome) throws -> String {
        let lines = (outcome.head ?? "").split(separator: "\r\n").filter { $0.hasPrefix("X-App-Assertion: ") }
        #expect(lines.count == 1)
        return String(try #require(lines.first).dropFirst("X-App-Assertion: ".count))
    }

    /// Of a token that the statement's own key set verifies.
    private func claims(_ statement: String, _ gate: Gate, now: Double) throws -> JSONValue {
        let published = try #require(Browser(gate).get("/.sidegate/jwks.json").answer)
        let keys = try KeySet(jwks: published.response.body)
        let policy = TokenPolicy(algorithms: [.es256], issuer: "https://app.example.com", audience: ["app"])
        let bytes = Array(statement.utf8)
        return try TokenVerifier(policy: policy, keys: keys).verify(bytes.span, now: now).claims
    }

    @Test("one is used for half of its lifetime, and never outlives the session")
    func times() throws {
        let assertion = try Self.assertion()
        let browser = try Browser { $0.assertion = assertion }
        try browser.signIn()
        let first = try statement(browser.get("/"))
        browser.now += 29
        #expect(try statement(browser.get("/")) == first)
        browser.now += 1
        let second = try statement(browser.get("/"))
        #expect(second != first)
        let gate = try #require(browser.gates.first)
        #expect(try claims(second, gate, now: browser.now)["exp"]?.number?.integer == Int(noon) + 90)

        while browser.now < noon + 43_190 {
            browser.now += 1790
            if browser.now > noon + 43_190 { browser.now = noon + 43_190 }
            try browser.get("/")
        }
        let last = try statement(browser.get("/"))
        #expect(try claims(last, gate, now: browser.now)["exp"]?.number?.integer == Int(noon) + 43_200)
    }

    @Test("a clock that was set back makes another one, which the app can believe")
    func clock() throws {
        let assertion = try Self.assertion()
        let browser = try Browser { $0.assertion = assertion }
        try browser.signIn()
        browser.now += 3000
        let future = try statement(browser.get("/"))
        browser.now -= 2000
        let present = try statement(browser.get("/"))
        #expect(present != future)
        let gate = try #require(browser.gates.first)
        #expect(try claims(present, gate, now: browser.now)["iat"]?.number?.integer == Int(browser.now))
    }

    @Test("its keys are for everyone, by GET and HEAD alone")
    func keys() throws {
        let assertion = try Self.assertion()
        let browser = try Browser { $0.assertion = assertion }
        let answer = try #require(browser.get("/.sidegate/jwks.json").answer)
        #expect(answer.status == 200)
        #expect(answer.body.contains("\"kid\""))
        #expect(answer["cache-control"] == "public, max-age=300")
        #expect(try browser.send("POST", "/.sidegate/jwks.json", ["Content-Length: 0"]).status == 405)
        #expect(try Browser().get("/.sidegate/jwks.json").status == 404)
    }
}
