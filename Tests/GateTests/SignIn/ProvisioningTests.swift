// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import JWT
import Testing

@Suite("Provisioning")
struct ProvisioningTests {
    private func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser {
            $0.provisions = true
            try change(&$0)
        }
    }

    @Test("the app gets the fields of a user, under the gate's names, and then the session begins")
    func agreed() throws {
        let browser = try browser()
        let answer = try signIn(
            browser, ("groups", ["a", "b"]), ("family_name", "Lovel\"ace"), ("phone", "not a field"))
        #expect(answer.status == 303 && answer.location == "/wanted")
        #expect(answer.response.outcome == .signIn)
        #expect(try browser.get("/").user == "ada")
        let call = try #require(browser.calls.first)
        #expect(browser.calls.count == 1)
        #expect(
            String(decoding: call.body, as: UTF8.self)
                == #"{"user":"ada","email":"ada@example.com","familyName":"Lovel\"ace","groups":["a","b"]}"#)
        #expect(call.user == "ada")
        #expect(call.userKey.count == 32)
        #expect(call.idempotencyKey.utf8.count == 64)
        #expect(!call.requestID.isEmpty)
    }

    @Test("what the app does not agree to is no session, on a page or in JSON", arguments: [true, false])
    func refused(_ isFull: Bool) throws {
        for accept in ["text/html", "application/json"] {
            let browser = try browser()
            browser.appSays = isFull ? .noSeat : .failed
            let url = browser.returnURL(try browser.get("/wanted"))
            let answer = try #require(browser.get(url + "&jwt=" + token(id: "1"), "Accept: \(accept)").answer)
            #expect(answer.status == (isFull ? 403 : 502))
            #expect(answer.reason == (isFull ? "seat_limit_reached" : "provisioning_failed"))
            #expect(answer.response.user == "ada")
            #expect(answer.response.outcome == .refused)
            #expect(answer["cache-control"] == "no-store")
            #expect(answer.setCookies.isEmpty)
            #expect(!browser.jar.contains { $0.name == "__Host-sidegate" })
            // The way to try again, with a new token.
            #expect(answer.body.contains("/.sidegate/login?return_to=%2Fwanted"))
            if accept == "text/html" {
                #expect(answer.body.contains("ada@example.com"))
            } else {
                #expect(answer.body.contains(#""reason":"\#(answer.reason ?? "")""#))
            }
            #expect(try browser.get("/").status == 302)
            browser.appSays = .agreed
            #expect(try signIn(browser, id: "2").status == 303)
        }
    }

    @Test("the token is used up before the app is asked, and a replay asks nothing")
    func afterClaim() throws {
        let browser = try browser()
        browser.appSays = .failed
        let jwt = try token(id: "1")
        try browser.returned(browser.get("/"), token: jwt)
        #expect(browser.calls.count == 1)
        browser.appSays = .agreed
        #expect(try browser.returned(browser.get("/"), token: jwt).answer?.reason == "replayed")
        #expect(browser.calls.count == 1)
    }

    @Test("also where tokens sign in more than once, and where the replay store is down")
    func withoutClaim() throws {
        let browser = try browser { $0.provider.singleUse = false }
        browser.appSays = .noSeat
        for _ in 0..<2 { #expect(try signIn(browser).reason == "seat_limit_reached") }
        #expect(browser.calls.count == 2)
        let lenient = try self.browser { $0.replayFailure = .allow }
        let full = Browser(lenient.gates[0], store: MemoryReplayStore(capacity: 0))
        full.appSays = .noSeat
        #expect(try signIn(full).reason == "seat_limit_reached")
    }

    @Test("a sign-in that was not started here is asked about first, then told")
    func confirmed() throws {
        let browser = try browser()
        let page = try #require(browser.get("/.sidegate/callback?jwt=" + token(id: "1")).answer)
        #expect(page.response.outcome == .confirm)
        #expect(browser.calls.isEmpty)
        browser.appSays = .noSeat
        let form = "attempt=\(page.hidden("attempt") ?? "")&sign_in=\(page.hidden("sign_in") ?? "")"
        #expect(try browser.post("/.sidegate/confirm", form: form).answer?.reason == "seat_limit_reached")
        #expect(browser.calls.count == 1)
        #expect(try browser.get("/").status == 302)
        // The answer used it up.
        browser.appSays = .agreed
        #expect(try browser.post("/.sidegate/confirm", form: form).status == 403)
        #expect(browser.calls.count == 1)
    }

    @Test("the app is not notified of refused users, guests or bearer tokens")
    func notTold() throws {
        let closed = try browser { $0.access.users.emails = ["bob@example.com"] }
        try signIn(closed)
        #expect(closed.calls.isEmpty)
        let guests = try browser {
            $0.access.users.emails = ["bob@example.com"]
            $0.access.default = .guest
        }
        #expect(try signIn(guests).status == 303)
        #expect(guests.calls.isEmpty)
        let bearer = try browser()
        #expect(try bearer.get("/", "Authorization: Bearer \(token())").user == "ada")
        #expect(bearer.calls.isEmpty)
    }

    @Test("the keys stand for the user, and for the user with the very fields")
    func keys() throws {
        let browser = try browser()
        try signIn(browser, id: "1")
        try signIn(browser, id: "2")
        try signIn(browser, ("groups", ["a"]), id: "3")
        try browser.returned(browser.get("/.sidegate/login"), token: token("bob", id: "4"))
        let calls = browser.calls
        try #require(calls.count == 4)
        #expect(calls[0].userKey == calls[1].userKey && calls[0].idempotencyKey == calls[1].idempotencyKey)
        #expect(calls[0].userKey == calls[2].userKey && calls[0].idempotencyKey != calls[2].idempotencyKey)
        #expect(calls[0].userKey != calls[3].userKey)
    }
}
