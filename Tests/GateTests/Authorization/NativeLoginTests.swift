// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

@Suite("Native login")
struct NativeLoginTests {
    private func browser(
        from: [String] = [], paths: [String] = ["/login"], _ change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> Browser {
        try Browser {
            var native = NativeLoginConfiguration(parameters: ["no_sso", "no_jwt"], paths: paths)
            native.with = ["/static/*", "/session"]
            native.from = from.compactMap { CIDR($0) }
            $0.nativeLogin = native
            try change(&$0)
        }
    }

    @Test(
        "is asked for by a parameter, whatever its value but 0, false and no",
        arguments: [
            ("/login?no_sso", true), ("/login?no_sso=", true), ("/login?no_jwt=1", true), ("/login?no_sso=yes", true),
            ("/login?a=b&no_sso&c", true), ("/login?no%5Fsso=1", true), ("/login?no_sso=0&no_jwt=1", true),
            ("/login", false), ("/login?", false), ("/login?no_sso=0", false), ("/login?no_jwt=false", false),
            ("/login?no_jwt=FALSE", false), ("/login?no_sso=no", false), ("/login?NO_SSO", false),
            ("/login?x=no_sso", false), ("/login?no_sso2=1", false), ("/login?xno_sso", false),
        ])
    func parameters(_ target: String, _ opens: Bool) throws {
        let browser = try browser()
        let outcome = try browser.get(target, "X-Forwarded-User: root")
        #expect((browser.nativeOpenings == 1) == opens)
        #expect(outcome.status == (opens ? 0 : 302))
        #expect(outcome.head?.contains("root") != true)
        #expect(browser.jar.contains { $0.name == "__Host-sidegate-native" } == opens)
    }

    @Test(
        "opens the named paths alone, and only when they are plainly spelled",
        arguments: [
            "/", "/app?no_sso", "/login/?no_sso", "/login/x?no_sso", "/loginx?no_sso", "/LOGIN?no_sso",
            "/static/x?no_sso",
            "/session?no_sso", "//login?no_sso", "/./login?no_sso", "/x/../login?no_sso", "/login/.?no_sso",
            "/login/..?no_sso", "/%6cogin?no_sso", "/login%20?no_sso", "/login;no_sso", "/login;no_sso=1?a",
            "/login;x?no_sso", "/login%3Fno_sso", "/login%3fno_sso=1", "/no_sso", "/no_sso=1/login", "/login&no_sso",
            "/login\\?no_sso", "/login%00?no_sso", "/login%2f?no_sso", "/login%2e?no_sso", "/login.?no_sso",
            "/admin/..;/login?no_sso", "/admin/%2e%2e/login?no_sso", "/\u{e9}login?no_sso",
            "/log%93in?no_sso", "/login%ff?no_sso", "/login%E2%80%8B?no_sso",
        ])
    func otherPaths(_ target: String) throws {
        let browser = try browser()
        let outcome = try? browser.get(target)
        #expect(outcome?.head == nil)
        #expect(browser.nativeLogins == 0)
        #expect(!browser.jar.contains { $0.name.contains("native") })
    }

    @Test("CVE-2025-54576, CVE-2026-41059, CVE-2023-45539: a parameter in the fragment does not even make a request")
    func fragment() throws {
        #expect(throws: (any Error).self) { try browser().get("/login#?no_sso") }
        #expect(throws: (any Error).self) { try browser().get("/login?a#no_sso") }
    }

    @Test(
        "while it is open, the named paths and those beside them pass without identity, by any method; nothing else does",
        arguments: [
            ("GET", "/login", true), ("POST", "/login", true), ("GET", "/login?no_sso=0", true),
            ("GET", "/static/a.css", true), ("GET", "/static/a/b.js?v=1", true), ("GET", "/static/", true),
            ("PUT", "/session", true), ("GET", "/", false), ("GET", "/app", false), ("POST", "/app", false),
            ("GET", "/static", false), ("GET", "/staticx", false), ("GET", "/session/x", false),
            ("GET", "/static/../app", false), ("GET", "/static/%2e%2e/app", false), ("GET", "/static/..%2fapp", false),
            ("GET", "/static//app", false), ("GET", "/static/..;/app", false), ("GET", "/static/a;b", false),
            ("GET", "/static/a\\..\\app", false), ("GET", "/static/./a", false), ("GET", "/static/.../a", false),
            ("GET", "/static/..", false), ("GET", "/Static/a", false), ("GET", "/static/a%20b", false),
        ])
    func whileOpen(_ method: String, _ target: String, _ passes: Bool) throws {
        for signedIn in [false, true] {
            let browser = try browser()
            if signedIn { try browser.signIn() }
            try browser.get("/login?no_sso")
            let before = browser.nativeLogins
            let outcome = try browser.send(
                method, target, method == "GET" ? ["X-Forwarded-User: root"] : ["Content-Length: 0"])
            #expect((browser.nativeLogins == before + 1) == passes)
            #expect(browser.nativeOpenings == 1)
            if passes {
                let head = try #require(outcome.head)
                #expect(!head.lowercased().contains("x-forwarded-user") && !head.contains("sidegate"))
            } else {
                // Readers differ about some: those are refused, signed in or not.
                #expect(outcome.user == (signedIn && outcome.answer?.status != 400 ? "ada" : nil))
                #expect(signedIn || outcome.head == nil)
            }
        }
    }

    @Test(
        "from certain networks opens for a client that is certainly in one",
        arguments: [
            (false, [], true), (false, ["X-Forwarded-For: 10.0.0.9"], false), (false, ["X_Real_IP: 10.0.0.9"], false),
            (false, ["Via: 1.1 proxy"], false), (true, ["X-Forwarded-For: 10.0.0.9"], true),
            (true, ["X-Forwarded-For: 10.0.0.9, 192.0.2.9"], false), (true, ["X-Forwarded-For: unknown"], false),
            (true, ["X-Forwarded-Proto: https"], false),
        ])
    func networks(_ isTrusted: Bool, _ fields: [String], _ opens: Bool) throws {
        let browser = try browser(from: ["10.0.0.0/8"]) {
            if isTrusted { $0.trustedProxies = [CIDR("192.0.2.1")].compactMap { $0 } }
        }
        browser.context.peer = IPAddress(v4: isTrusted ? 0xc000_0201 : 0x0a00_0001)
        browser.context.isTrustedPeer = isTrusted
        #expect(try browser.send("GET", "/login?no_sso", fields).status == (opens ? 0 : 302))
        #expect((browser.nativeOpenings == 1) == opens)
    }

    @Test("is for a browser's navigation to ask for")
    func navigation() throws {
        for (method, fields) in [
            ("POST", ["Content-Length: 0"]), ("GET", ["Accept: application/json"]), ("GET", ["Sec-Fetch-Mode: cors"]),
            ("GET", ["Sec-Fetch-Dest: iframe"]), ("GET", ["Upgrade: websocket", "Connection: upgrade"]),
            ("PUT", ["Content-Length: 0"]),
        ] {
            let browser = try browser()
            #expect(try browser.send(method, "/login?no_sso", fields).status == 401)
            #expect(browser.nativeLogins == 0)
        }
        let browser = try browser()
        try browser.send("HEAD", "/login?no_sso")
        #expect(browser.nativeOpenings == 1)
    }

    @Test("CVE-2026-34457: ends by itself, however often it is used, until it is requested again")
    func lifetime() throws {
        let browser = try browser()
        try browser.get("/login?no_sso")
        let jar = browser.jar
        for later in [0.0, 300, 899] {
            browser.now = noon + later
            #expect(try browser.get("/login").head != nil)
        }
        browser.now = noon + 900
        #expect(try browser.get("/login").status == 302)
        #expect(browser.jar.contains { $0.name == jar[0].name && $0.value == jar[0].value }, "a cookie that is kept")
        try browser.get("/login?no_sso")
        #expect(browser.nativeOpenings == 2)
        #expect(try browser.get("/login").head != nil)
    }

    @Test("its cookie is for this browser, this host and this purpose")
    func cookie() throws {
        let browser = try browser()
        guard case .forwarded(_, _, let lines) = try browser.get("/login?no_sso") else { return #expect(Bool(false)) }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line.hasPrefix("__Host-sidegate-native="))
        #expect(line.hasSuffix("; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax"))
        let value = try #require(browser.jar.first).value
        for (name, value) in [
            ("sidegate-native", value), ("__Secure-sidegate-native", value), ("__Host-sidegate-native", "x" + value),
            ("__Host-sidegate-native", String(value.dropLast())), ("__Host-sidegate-native", ""),
            ("__Host-sidegate-native-1", value), ("__Host-sidegate", value), ("__host-sidegate-native", value),
        ] {
            browser.jar = [(name, value)]
            #expect(try browser.get("/login").status == 302, "\(name)=\(value)")
        }
        // Another host's, and another secret's.
        browser.jar = [("__Host-sidegate-native", value)]
        browser.host = "other.example.com"
        #expect(try browser.get("/login").status == 302)
        let stranger = try self.browser { $0.session.secrets = [Array("another secret of 32 bytes, sure!".utf8)] }
        stranger.jar = browser.jar
        #expect(try stranger.get("/login").status == 302)
        // A session's cookie is no native login, nor the other way round.
        let signedIn = try self.browser()
        try signedIn.signIn()
        let session = try #require(signedIn.jar.first { $0.name == "__Host-sidegate" }).value
        signedIn.jar = [("__Host-sidegate-native", session)]
        #expect(try signedIn.get("/login").status == 302)
    }

    @Test("one login for a domain's hosts does not open the native login of the others")
    func domain() throws {
        let browser = try browser { $0.session.domain = "example.com" }
        guard case .forwarded(_, _, let lines) = try browser.get("/login?no_sso") else { return #expect(Bool(false)) }
        #expect(lines.first?.contains("Domain=") == false)
        #expect(lines.first?.hasPrefix("__Host-sidegate-native=") == true)
    }

    @Test(
        "CVE-2026-40575: is for the named networks, and only a trusted proxy can say where somebody comes from",
        arguments: [
            // peer, trusted, X-Forwarded-For, opens
            ("10.1.2.3", false, [], true), ("192.0.2.1", false, [], false), ("192.0.2.1", false, ["10.1.2.3"], false),
            ("192.0.2.1", true, ["10.1.2.3"], true), ("192.0.2.1", true, ["10.1.2.3, 203.0.113.9"], false),
            ("192.0.2.1", true, ["203.0.113.9, 10.1.2.3"], true),
            ("192.0.2.1", true, ["10.1.2.3", "203.0.113.9"], false),
            ("192.0.2.1", true, ["10.1.2.3, unknown"], false), ("192.0.2.1", true, ["10.1.2.3,"], true),
            ("192.0.2.1", true, [], false), ("10.0.0.1", true, [], true),
            // Behind two proxies of ours, one of which is in the network that may ask.
            ("192.0.2.1", true, ["203.0.113.9, 10.9.9.9"], false), ("192.0.2.1", true, ["10.1.2.3, 10.9.9.9"], true),
            ("192.0.2.1", true, ["10.1.2.3, 203.0.113.9, 10.9.9.9"], false),
            ("192.0.2.1", true, ["::ffff:10.1.2.3"], true), ("192.0.2.1", true, ["2001:db8::1"], false),
        ] as [(String, Bool, [String], Bool)])
    func networks(_ peer: String, _ isTrusted: Bool, _ forwardedFor: [String], _ opens: Bool) throws {
        let browser = try browser(from: ["10.0.0.0/8"]) {
            $0.trustedProxies = ["192.0.2.1", "10.9.9.9"].compactMap { CIDR($0) }
        }
        browser.context.peer = IPAddress(text: peer)
        browser.context.isTrustedPeer = isTrusted
        let outcome = try browser.send("GET", "/login?no_sso", forwardedFor.map { "X-Forwarded-For: " + $0 })
        #expect((browser.nativeOpenings == 1) == opens)
        #expect(outcome.status == (opens ? 0 : 302))
        // Who carries the cookie elsewhere is out again.
        browser.context.peer = IPAddress(text: "203.0.113.1")
        browser.context.isTrustedPeer = false
        #expect(try browser.get("/login").status == 302)
    }

    @Test("a peer without an address is in no network")
    func unixSocket() throws {
        let browser = try browser(from: ["0.0.0.0/0", "::/0"])
        browser.context.peer = nil
        #expect(try browser.get("/login?no_sso").status == 302)
        let open = try self.browser()
        open.context.peer = nil
        #expect(try open.get("/login?no_sso").head != nil)
    }

    @Test("off unless it is configured")
    func off() throws {
        let browser = try Browser()
        #expect(try browser.get("/login?no_sso").status == 302)
        let configured = try self.browser()
        try configured.get("/login?no_sso")
        browser.jar = configured.jar
        #expect(try browser.get("/login").status == 302)
    }

    @Test(
        "its cookie never reaches the app, under any spelling, also where it is off",
        arguments: [
            "sidegate-native", "__Host-sidegate-native", "__Secure-sidegate-native", "__HOST-SIDEGATE-NATIVE",
            "sidegate-native-1", "__Host-sidegate-native-2", "Sidegate-Native",
        ])
    func stripped(_ name: String) throws {
        for browser in [try Browser(), try browser()] {
            try browser.signIn()
            browser.jar += [(name, "x"), ("theirs", "1")]
            let head = try #require(browser.get("/").head)
            #expect(
                head.contains("Cookie: theirs=1\r\n") && !head.contains("x;") && !head.lowercased().contains("native"))
        }
        let browser = try browser()
        browser.jar = [("sidegate-natives", "1")]
        try browser.get("/login?no_sso")
        #expect(try browser.get("/login").head?.contains("sidegate-natives=1") == true)
    }

    @Test("logout ends it")
    func logout() throws {
        let browser = try browser()
        try browser.get("/login?no_sso")
        try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"])
        #expect(browser.jar.isEmpty)
    }
}
