// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Testing

@Suite("Keys that move")
struct RemoteKeyTests {
    static let newSecret = Array("another secret for tokens, 32 by".utf8)

    /// A gate whose keys change when they are fetched.
    private func browser(moves: Bool = true, to secrets: [[UInt8]] = [newSecret]) throws -> (Browser, Fetches) {
        let browser = try Browser { $0.provider.hasRemoteKeys = moves }
        let fetches = Fetches()
        browser.fetchKeys = { gate in
            fetches.count += 1
            gate.replaceKeys(KeySet(keys: try secrets.map { try VerificationKey(secret: $0) }))
        }
        return (browser, fetches)
    }

    final class Fetches {
        var count = 0
    }

    @Test("a sign-in by a key that is not known yet has the keys fetched, and succeeds: by query, by form, as bearer")
    func fetched() throws {
        let jwt = try token(id: "1", secret: Self.newSecret)
        do {
            let (browser, fetches) = try browser()
            #expect(try browser.returned(browser.get("/a"), token: jwt).answer?.location == "/a")
            #expect(fetches.count == 1)
            #expect(try browser.get("/").user == "ada")
        }
        do {
            let (browser, fetches) = try browser()
            let url = browser.returnURL(try browser.get("/a"))
            #expect(try browser.post(url, form: "jwt=" + jwt).answer?.location == "/a")
            #expect(fetches.count == 1)
        }
        do {
            let (browser, fetches) = try browser()
            for _ in 0..<3 { #expect(try browser.get("/", "Authorization: Bearer \(jwt)").user == "ada") }
            #expect(fetches.count == 1)
        }
    }

    @Test(
        "a return that answers an attempt of the browser is no stranger's; a bearer token and any other return may be")
    func proven() throws {
        let jwt = try token(id: "1", secret: Self.newSecret)
        let (own, _) = try browser()
        try own.returned(own.get("/a"), token: jwt)
        #expect(own.provenKeyQuestions == [true])
        let (bearer, _) = try browser()
        try bearer.get("/", "Authorization: Bearer \(jwt)")
        #expect(bearer.provenKeyQuestions == [false])
        let (foreign, _) = try browser()
        let url = foreign.returnURL(try foreign.get("/a"))
        let stranger = Browser(foreign.gates[0])
        stranger.fetchKeys = foreign.fetchKeys
        try stranger.get(url + "&jwt=" + jwt)
        #expect(stranger.provenKeyQuestions == [false])
    }

    @Test("a token that is good, or bad for another reason, has nothing fetched")
    func notFetched() throws {
        let (browser, fetches) = try browser()
        for jwt in [
            try token(id: "1"), try token(at: noon - 900), "x", "a.b.c", try token(email: ""),
            try TokenMinter(secret: VerificationKey(secret: tokenSecret), algorithm: .hs512).mint(claims: []),
        ] {
            try browser.returned(browser.get("/.sidegate/login"), token: jwt)
            try Browser(browser.gates[0]).get("/", "Authorization: Bearer \(jwt)")
        }
        #expect(fetches.count == 0)
    }

    @Test("CVE-2024-45809, CVE-2025-64527: what is bad after the fetch is refused, asked once for each request")
    func stillBad() throws {
        let (browser, fetches) = try browser()
        let jwt = try token(secret: Array("nobody's secret, of 32 bytes....".utf8))
        #expect(try browser.returned(browser.get("/"), token: jwt).answer?.reason == "signature_invalid")
        #expect(fetches.count == 1)
        #expect(try browser.get("/", "Authorization: Bearer \(jwt)").answer?.reason == "signature_invalid")
        #expect(fetches.count == 2)
    }

    @Test("where keys do not move, or cannot be fetched now, nothing waits")
    func unmoved() throws {
        let jwt = try token(secret: Self.newSecret)
        let (browser, fetches) = try browser(moves: false)
        #expect(try browser.returned(browser.get("/"), token: jwt).answer?.reason == "signature_invalid")
        #expect(try browser.get("/", "Authorization: Bearer \(jwt)").status == 401)
        #expect(fetches.count == 0)
        let (cannot, _) = try self.browser()
        cannot.fetchKeys = nil
        #expect(try cannot.returned(cannot.get("/"), token: jwt).answer?.reason == "signature_invalid")
    }

    @Test("CVE-2026-33496: a bearer token of a key that is gone is refused at once, sessions go on")
    func gone() throws {
        let (browser, _) = try browser()
        let jwt = try token(id: "1")
        try browser.returned(browser.get("/"), token: jwt)
        let client = Browser(browser.gates[0])
        #expect(try client.get("/", "Authorization: Bearer \(jwt)").user == "ada")
        browser.gates[0].replaceKeys(KeySet(keys: [try VerificationKey(secret: Self.newSecret)]))
        #expect(try client.get("/", "Authorization: Bearer \(jwt)").answer?.reason == "signature_invalid")
        #expect(try browser.get("/").user == "ada")
    }

    @Test("while two keys are good, tokens of both sign in")
    func rotation() throws {
        let (browser, fetches) = try browser(to: [tokenSecret, Self.newSecret])
        for (id, secret) in [("1", tokenSecret), ("2", Self.newSecret), ("3", tokenSecret), ("4", Self.newSecret)] {
            browser.now += 31
            let jwt = try token(at: browser.now, id: id, secret: secret)
            #expect(try browser.returned(browser.get("/.sidegate/login"), token: jwt).status == 303)
        }
        #expect(fetches.count == 1)
    }
}
