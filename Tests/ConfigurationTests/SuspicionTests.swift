// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite("Values that are well formed and probably not intended")
struct SuspicionTests {
    let place = Workplace()

    @Test(
        "networks that are most of the Internet",
        arguments: [
            ("0.0.0.0/0", true), ("::/0", true), ("0.0.0.0/1", true), ("128.0.0.0/1", true), ("8000::/1", true),
            ("::ffff:0:0/96", true), ("1.2.3.4/0", true), ("2000::/3", true), ("16.0.0.0/7", true),
            ("10.0.0.0/8", false), ("172.16.0.0/12", false), ("fc00::/7", false), ("fe80::/10", false), ("::1", false),
            ("192.0.2.7", false), ("127.0.0.0/8", false),
        ])
    func networks(block: String, isWide: Bool) {
        let loaded = place.load(minimal + "trustedProxies: [\"10.1.0.0/16\", \"\(block)\"]\n")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == (isWide ? 1 : 0), "\(loaded.warnings)")
        if isWide {
            #expect(loaded.warnings.first?.hasPrefix("c.yaml:5:33: warning: `trustedProxies`: ") == true)
        }
    }

    @Test("one secret for two purposes causes a warning, wherever it comes from, and is not shown")
    func secrets() {
        let secret = "0123456789abcdef0123456789abcdef"
        place.write("a.secret", secret + "\n")
        func warnings(_ token: String, _ session: String, _ more: String = "") -> [String] {
            place.load(
                """
                upstream: http://127.0.0.1:3000
                identityProvider: { loginURL: https://idp.example.com/ }
                token: { keys: [{ secret: another-secret-of-thirty-two-bytes }, { \(token) }] }
                session: { \(session) }
                \(more)

                """
            ).warnings
        }
        for (token, session) in [
            ("secret: \(secret)", "secret: \(secret)"), ("secretFile: a.secret", "secret: \(secret)"),
            ("secret: \(secret)", "secretFile: a.secret"), ("secretFile: a.secret", "secretFile: a.secret"),
            ("secretFile: a.secret", "secrets: [this-is-a-fresh-one-and-long-enough, \(secret)]"),
            ("secretFile: a.secret", "secretsFile: a.secret"),
        ] {
            let found = warnings(token, session)
            #expect(found.count == 1, "\(token) \(session): \(found)")
            #expect(found.first?.contains("is the same secret as `token.keys[1].") == true, "\(found)")
            #expect(found.first?.hasPrefix("c.yaml:4:") == true)
            #expect(found.allSatisfy { !$0.contains(secret) })
        }
        let fresh = "secret: this-is-a-fresh-one-and-long-enough"
        #expect(warnings("secret: \(secret)", fresh) == [])
        let app = "provisioning: { url: http://127.0.0.1:3000/users, secretFile: a.secret }"
        #expect(warnings("secret: \(secret)", fresh, app).count == 1)
        #expect(warnings("secret: x-and-thirty-one-more-bytes-0001", "secretFile: a.secret", app).count == 1)
    }

    @Test(
        "paths of nativeLogin and logoutPaths: patterns of another language are refused, reserved paths reported",
        arguments: [
            ("/logout.+", true), ("/(logout|signout)", true), ("/logout$", true), ("/users/{id}/logout", true),
            ("/users/:id/logout", true), ("/sso/back", false), ("/sso/*", nil), ("/account/logout/*", nil),
            ("/logout", nil), ("/+logout", nil), ("/wiki/Special:UserLogout", nil), ("/a!$b&c=d,e'f@g", nil),
        ] as [(String, Bool?)])
    func patternsOfPaths(path: String, isRefused: Bool?) {
        let returnPath = minimal.replacing("{ loginURL:", with: "{ returnPath: /sso/back, loginURL:")
        for (section, option) in [("session", "logoutPaths"), ("nativeLogin", "paths"), ("nativeLogin", "with")] {
            var text = returnPath
            if section == "session" {
                text = text.replacing("long enough\" }", with: "long enough\", \(option): [\"\(path)\"] }")
            } else {
                text += "nativeLogin: { \(option == "with" ? "paths: [/login], " : "")\(option): [\"\(path)\"] }\n"
            }
            let loaded = place.load(text)
            let expected = "`\(section).\(option)`: \"\(path)\""
            switch isRefused {
            case true?:
                #expect(loaded.errors.count == 1 && loaded.warnings == [], "\(loaded.lines)")
                #expect(loaded.errors.first?.contains("\(expected): this looks like a ") == true, "\(loaded.lines)")
            case false?:
                #expect(loaded.errors == [] && loaded.warnings.count == 1, "\(loaded.lines)")
                #expect(loaded.warnings.first?.contains("\(expected) is Sidegate's own") == true, "\(loaded.lines)")
            case nil:
                #expect(loaded.lines == [], "\(path)")
            }
        }
    }

    @Test(
        "paths that look like patterns of another language",
        arguments: [
            ("/admin/.+", "\"/admin/*\""), ("/(a|b)", "\"/*\""), ("/admin$", "\"/*\""), ("/x/[0-9]/y", "\"/x/*\""),
            ("/a/{id}", "\"/a/*\""), ("/a/:id/b", "\"/a/*\""), ("/^a", "\"/*\""), ("/a|/b", "\"/*\""),
            ("/a/b(c)?", nil), ("/a.*", nil), ("/a/**", nil), ("/a/.*", nil), ("/a*", nil), ("/a/?", nil),
            ("^/admin", nil), ("/a/\\\\d", nil),
        ] as [(String, String?)])
    func patterns(path: String, fix: String?) {
        let rule = place.load(minimal + "access:\n  rules:\n    - { paths: [/a, \"\(path)\"], deny: true }\n")
        let app = place.load(minimal + "upstreams:\n  - { paths: [\"\(path)\"], url: \"http://127.0.0.1:3001\" }\n")
        guard let fix else {
            // No path at all.
            #expect(rule.errors.count >= 1 && app.errors.count >= 1)
            return
        }
        #expect(rule.errors == [] && app.errors == [])
        #expect(rule.warnings.count == 1 && app.warnings.count == 1, "\(rule.warnings) \(app.warnings)")
        #expect(rule.warnings.first?.hasPrefix("c.yaml:7:21: warning: `access.rules[].paths`: ") == true)
        #expect(rule.warnings.first?.contains("such as \(fix)") == true, "\(rule.warnings)")
        #expect(app.warnings.first?.hasPrefix("c.yaml:6:15: warning: `upstreams[].paths`: ") == true)
    }

    @Test(
        "paths of apps are no patterns",
        arguments: ["/a.b/c", "/c++/x", "/$metadata", "/users:batch", "/a-b_c~d/*", "/*", "/é/*", "/a,b=c&d@e!'"])
    func plain(path: String) {
        let loaded = place.load(minimal + "access:\n  rules:\n    - { paths: [\"\(path)\"], deny: true }\n")
        #expect(loaded.lines == [])
    }

    @Test(
        "a rule for Sidegate's own paths never applies",
        arguments: ["/.sidegate/*", "/.sidegate/login", "/.SIDEGATE/x", "/.sidegate", "/sso/back", "/SSO/back"])
    func own(path: String) {
        let loaded = place.load(
            minimal.replacing("identityProvider: {", with: "identityProvider: { returnPath: /sso/back,")
                + "access:\n  rules:\n    - { paths: [\"\(path)\", /other], deny: true }\n")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == 1 && loaded.warnings[0].contains("is Sidegate's own"), "\(loaded.warnings)")
    }

    @Test(
        "the app's login page is none of Sidegate's own paths",
        arguments: ["/.Sidegate/x", "/.sidegate/*", "/sso/back"])
    func nativeLogin(path: String) {
        let loaded = place.load(
            minimal.replacing("identityProvider: {", with: "identityProvider: { returnPath: /sso/back,")
                + "nativeLogin: { paths: [\"\(path)\"] }\n")
        #expect(loaded.lines.count == 1, "\(loaded.lines)")
    }

    @Test("an address with a star is one address")
    func emails() {
        let loaded = place.load(minimal + "access: { users: { emails: [\"a*@example.com\"] } }\n")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == 1 && loaded.warnings[0].contains("emailDomains"))
    }

    @Test("a file with secrets that others can read", arguments: [(0o644, true), (0o604, true), (0o640, false)])
    func readable(mode: UInt32, isWarned: Bool) {
        let file = place.write("c.yaml", minimal, mode: mode)
        let loaded = ConfigurationLoader.load(LoadRequest(file: file, environment: [:]))
        #expect(loaded.advice.count == (isWarned ? 1 : 0))
        place.write("s", "this is a session secret, long enough")
        place.write("t", "0123456789abcdef0123456789abcdef")
        place.write(
            "c.yaml",
            minimal.replacing("secret: 0123456789abcdef0123456789abcdef", with: "secretFile: t")
                .replacing("secret: \"this is a session secret, long enough\"", with: "secretFile: s"), mode: mode)
        #expect(ConfigurationLoader.load(LoadRequest(file: file, environment: [:])).advice == [])
    }

    @Test(
        "a return path that is Sidegate's own, or has a second spelling, is refused",
        arguments: [
            "/.sidegate/confirm", "/.sidegate/login", "/.sidegate/logout", "/.sidegate/session", "/.sidegate/auth",
            "/.sidegate/auth/x", "/.sidegate/jwks.json", "/.sidegate/backchannel-logout", "/.sidegate/assets/x",
            "/.sidegate/anything", "/.sidegate", "/.sidegate/", "/.SIDEGATE/confirm", "/.Sidegate/callback",
            "/.sidegate/CALLBACK", "/.sidegate/callbackx", "/.sidegate/callback.", "/sso.", "/sso./x", "/.sidegate./x",
            "/%2esidegate/confirm", "/a//b", "/a/../b", "/a/./b", "/a?b", "/a#b", "/a;b", "/a%62", "/", "a",
            "/a\\\\b", "//a",
        ])
    func returnPath(path: String) {
        let loaded = place.load(
            minimal.replacing("identityProvider: {", with: "identityProvider: { returnPath: \"\(path)\","))
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        #expect(loaded.errors.first?.hasPrefix("c.yaml:2:33: error: `identityProvider.returnPath`: ") == true)
    }

    @Test(
        "other return paths are fine",
        arguments: [
            "/.sidegate/callback", "/.sidegate/callback/x", "/sso/login/jwt", "/access/jwtsso/", "/Access/JWT",
            "/.well-known/sso",
        ])
    func goodReturnPath(path: String) {
        let loaded = place.load(
            minimal.replacing("identityProvider: {", with: "identityProvider: { returnPath: \"\(path)\","))
        #expect(loaded.lines == [])
    }
}
