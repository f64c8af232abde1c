// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Testing

@Suite("Logout")
struct LogoutTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: String
        let fields: [String]
        let isLoggedOut: Bool
        var testDescription: String { "\(method) \(fields)" }
    }

    @Test(
        "by POST, or by GET from this site; else a page asks",
        arguments: [
            Case(method: "POST", fields: [], isLoggedOut: true),
            Case(method: "POST", fields: ["Origin: https://app.example.com"], isLoggedOut: true),
            Case(method: "POST", fields: ["Sec-Fetch-Site: same-origin"], isLoggedOut: true),
            Case(method: "POST", fields: ["Sec-Fetch-Site: cross-site"], isLoggedOut: false),
            Case(method: "POST", fields: ["Origin: https://evil.example"], isLoggedOut: false),
            Case(method: "POST", fields: ["Origin: null"], isLoggedOut: false),
            Case(method: "GET", fields: [], isLoggedOut: false),
            Case(method: "HEAD", fields: ["Sec-Fetch-Site: same-origin"], isLoggedOut: false),
            Case(method: "GET", fields: ["Sec-Fetch-Site: same-origin"], isLoggedOut: true),
            Case(method: "GET", fields: ["Sec-Fetch-Site: same-site"], isLoggedOut: false),
            Case(method: "GET", fields: ["Sec-Fetch-Site: none"], isLoggedOut: false),
            Case(
                method: "GET", fields: ["Sec-Fetch-Site: cross-site", "Referer: https://app.example.com/"],
                isLoggedOut: false),
            Case(
                method: "GET", fields: ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], isLoggedOut: false
            ),
            Case(method: "GET", fields: ["Referer: https://app.example.com/page?x"], isLoggedOut: true),
            Case(method: "GET", fields: ["Referer: https://app.example.com.evil.example/"], isLoggedOut: false),
            Case(method: "GET", fields: ["Referer: https://app.example.com@evil.example/"], isLoggedOut: false),
            Case(method: "GET", fields: ["Referer: https://app.example.com:8443/"], isLoggedOut: false),
            Case(method: "GET", fields: ["Origin: https://app.example.com"], isLoggedOut: true),
            Case(
                method: "GET", fields: ["Origin: https://evil.example", "Referer: https://app.example.com/"],
                isLoggedOut: false),
        ])
    func agreement(_ example: Case) throws {
        let browser = try Browser()
        try browser.signIn()
        let fields = example.method == "POST" ? example.fields + ["Content-Length: 0"] : example.fields
        let answer = try #require(browser.send(example.method, "/.sidegate/logout", fields).answer)
        #expect(answer.status == 200)
        #expect(answer["cache-control"] == "no-store")
        #expect((try browser.get("/").user == nil) == example.isLoggedOut)
        #expect(browser.jar.contains { $0.name == "__Host-sidegate" } != example.isLoggedOut)
        if !example.isLoggedOut {
            #expect(answer.body.contains("<form") && answer.body.contains("/.sidegate/logout"))
            #expect(answer["referrer-policy"] == "strict-origin")
        }
    }

    @Test("every cookie of the gate ends, and no redirect signs in again at once")
    func cookies() throws {
        let browser = try Browser()
        try browser.get("/one")
        try browser.get("/two")
        try browser.signIn("/three")
        browser.jar.append(("theirs", "1"))
        let answer = try #require(browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).answer)
        #expect(browser.jar.map(\.name) == ["theirs"])
        #expect(answer.response.user == "ada")
        #expect(answer.body.contains("/.sidegate/login?return_to=%2F"))
        #expect(answer["location"] == nil && answer["refresh"] == nil)
    }

    @Test("then to the IdP's logout, with its placeholders")
    func logoutURL() throws {
        let browser = try Browser {
            $0.provider.logoutURL = try .logout("https://idp.example/logout?to={returnTo}&mail={email}")
        }
        try browser.signIn()
        let answer = try #require(
            browser.send("POST", "/.sidegate/logout?return_to=%2Fbye%3Fa%3D1", ["Content-Length: 0"]).answer)
        #expect(answer.status == 303)
        #expect(
            answer.location
                == "https://idp.example/logout?to=https%3A%2F%2Fapp.example.com%2Fbye%3Fa%3D1&mail=ada%40example.com")
        #expect(try browser.get("/").status == 302)
        #expect(
            try browser.send("POST", "/.sidegate/logout?return_to=%2F%2Fevil.example", ["Content-Length: 0"]).answer?
                .reason
                == "return_url_refused")
    }

    @Test("three sign-ins and logouts in a row are no loop")
    func again() throws {
        let browser = try Browser()
        for _ in 0..<5 {
            #expect(try browser.signIn().status == 303)
            #expect(try browser.get("/").user == "ada")
            try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"])
        }
    }

    @Test("the session is over, not its cookie alone; another session of the same user is not")
    func copied() throws {
        let browser = try Browser()
        try browser.signIn()
        let copy = browser.jar
        browser.jar = []
        try browser.signIn("/other")
        let other = browser.jar
        browser.jar = copy
        try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"])
        #expect(browser.revocations.map(\.isOfOneSession) == [true])
        browser.jar = copy
        let again = try browser.get("/")
        #expect(again.status == 302 && again.answer?.reason == "session_revoked")
        browser.jar = other
        #expect(try browser.get("/").user == "ada")
    }

    @Test("sign-outs take no room from those that an identity provider wants")
    func apart() throws {
        let browser = try Browser()
        let gate = browser.gates[0]
        func end(_ name: String, isOfOneSession: Bool) -> Bool {
            gate.revoke(
                Revocation(
                    subjects: [Array(name.utf8)], revokedAt: noon, expiresAt: noon + 100, user: name,
                    isOfOneSession: isOfOneSession), now: ClockReading(wall: noon, monotonic: noon))
        }
        for number in 0..<65_536 { #expect(end("\(number)", isOfOneSession: true)) }
        #expect(!end("one too many", isOfOneSession: true))
        #expect(end("one too many", isOfOneSession: false))
        try browser.signIn()
        #expect(try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).status == 200)
        #expect(try browser.get("/").user == nil)
    }
}
