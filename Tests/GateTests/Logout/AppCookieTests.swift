// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Testing

@Suite("The app's own session")
struct AppCookieTests {
    private func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser {
            $0.session.appCookies = ["PHPSESSID"]
            $0.provider.initiated = .allow
            try change(&$0)
        }
    }

    private func ended(_ outcome: Outcome, _ name: String = "PHPSESSID") -> [String] {
        outcome.answer?.setCookies.filter { $0.hasPrefix(name + "=;") } ?? []
    }

    private func signIn(_ browser: Browser, as user: String, _ path: String = "/") throws -> Outcome {
        let redirect = try browser.get("/.sidegate/login?return_to=" + path)
        return try browser.returned(redirect, token: token(user, at: browser.now, id: "\(user)-\(browser.now)"))
    }

    @Test("ends when another user signs in, and not for the same one", arguments: [0.0, 3700, 50_000])
    func otherUser(later: Double) throws {
        let browser = try browser()
        // Nobody knows whose it is.
        #expect(!ended(try signIn(browser, as: "ada")).isEmpty)
        browser.now += 1 + later
        #expect(ended(try signIn(browser, as: "ada")).isEmpty)
        browser.now += 1 + later
        #expect(!ended(try signIn(browser, as: "bob")).isEmpty)
        browser.now += 1
        #expect(ended(try signIn(browser, as: "bob")).isEmpty)
        browser.jar = []
        browser.now += 1
        #expect(!ended(try signIn(browser, as: "bob")).isEmpty)
    }

    @Test("ends when another user agrees to a sign-in that began elsewhere")
    func confirmed() throws {
        let browser = try browser { $0.provider.initiated = .confirm }
        _ = try signIn(browser, as: "ada")
        browser.now += 1
        let page = try browser.get("/.sidegate/callback?jwt=" + token("bob", at: browser.now))
        let form = "attempt=\(page.answer?.hidden("attempt") ?? "")&sign_in=\(page.answer?.hidden("sign_in") ?? "")"
        let done = try browser.post("/.sidegate/confirm", form: form, "Origin: https://app.example.com")
        #expect(done.status == 303 && !ended(done).isEmpty)
    }

    @Test("ends at sign-out, for every place it may have been set for")
    func signOut() throws {
        let browser = try browser { $0.session.appCookies = ["PHPSESSID", "__Host-app"] }
        _ = try signIn(browser, as: "ada")
        let done = try browser.send("POST", "/.sidegate/logout?return_to=/shop/page", ["Content-Length: 0"])
        #expect(
            ended(done) == [
                "PHPSESSID=; Path=/; Max-Age=0; Secure",
                "PHPSESSID=; Path=/; Max-Age=0; Domain=app.example.com; Secure",
                "PHPSESSID=; Path=/shop; Max-Age=0; Secure", "PHPSESSID=; Path=/shop/; Max-Age=0; Secure",
            ])
        #expect(ended(done, "__Host-app") == ["__Host-app=; Path=/; Max-Age=0; Secure"])
    }

    @Test("ends for the session's domain and the apps' paths too, and a hostile target adds nothing to it")
    func places() throws {
        let browser = try browser {
            $0.session.domain = "example.com"
            var app = AppRoute(authority: "127.0.0.1:1")
            app.paths = [try RulePath("/wiki/*")]
            $0.apps = [app]
        }
        let lines = ended(try signIn(browser, as: "ada", "/a%3B%20Domain=x/b"))
        #expect(lines.count == 5)
        #expect(lines.contains("PHPSESSID=; Path=/; Max-Age=0; Domain=example.com; Secure"))
        #expect(lines.contains("PHPSESSID=; Path=/wiki; Max-Age=0; Secure"))
        let plain = try self.browser()
        plain.host = "192.0.2.1"
        #expect(ended(try signIn(plain, as: "ada")) == ["PHPSESSID=; Path=/; Max-Age=0; Secure"])
    }

    @Test("is nobody's business without the key")
    func off() throws {
        let browser = try Browser { $0.provider.initiated = .allow }
        #expect(ended(try signIn(browser, as: "ada")).isEmpty)
    }
}
