// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import TestSupport
import Testing

@Suite("Access rules: which rule decides")
struct AccessRulesTests {
    static func rules(_ paths: [[String]]) throws -> AccessRules {
        AccessRules(try paths.map { try AccessRule(paths: $0.map { try RulePath($0) }, effect: .anyone) })
    }

    static func judge(_ rules: AccessRules, _ path: String, method: String = "GET") -> AccessRules.Judgement {
        let (path, method) = (Array(path.utf8), Array(method.utf8))
        let (pathSpan, methodSpan) = (path.span, method.span)
        return rules.judge(pathSpan, method: methodSpan)
    }

    @Test(
        "The first rule that matches decides",
        arguments: [
            ("/public/a", 0), ("/public/", 0), ("/public/a/b/c.css", 0), ("/favicon.ico", 0), ("/admin", 1),
            ("/admin/users", 1), ("/admin/users/7", 1), ("/api/v1/x", 2), ("/api/internal/x", 2), ("/x", 4), ("/", 4),
        ])
    func order(path: String, rule: Int) throws {
        let rules = try Self.rules([
            ["/public/*", "/favicon.ico"], ["/admin/*"], ["/api/*"], ["/api/internal/*"], ["/*"],
        ])
        #expect(Self.judge(rules, path) == .rule(rule))
    }

    @Test("A rule with methods is for those alone")
    func methods() throws {
        let rules = AccessRules([
            AccessRule(paths: [try RulePath("/a/*")], methods: ["GET", "HEAD"], effect: .anyone),
            AccessRule(paths: [try RulePath("/a/*")], effect: .deny),
        ])
        #expect(Self.judge(rules, "/a/b") == .rule(0))
        #expect(Self.judge(rules, "/a/b", method: "POST") == .rule(1))
        // Some apps see no difference.
        #expect(Self.judge(rules, "/a/b", method: "get") == .rule(0))
    }

    @Test("GET stands for HEAD too, which apps answer by the same code")
    func head() throws {
        let rules = AccessRules([AccessRule(paths: [try RulePath("/a")], methods: ["GET"], effect: .deny)])
        for method in ["GET", "HEAD", "head"] { #expect(Self.judge(rules, "/a", method: method) == .rule(0)) }
        #expect(Self.judge(rules, "/a", method: "POST") == .rule(nil))
    }

    @Test("a rule names a path with characters that are not ASCII as it is decoded")
    func otherCharacters() throws {
        // Some readers take é for e.
        let rules = try Self.rules([["/café/*", "/cafe/*"], ["/*"]])
        for path in ["/caf%C3%A9/x", "/caf%c3%a9/x", "/caf%C3%A9", "/cafe/x"] {
            #expect(Self.judge(rules, path) == .rule(0), "\(path)")
        }
    }

    /// What each of these may mean to some app is below /admin: the rule that closes it has a say in all.
    static let spellings = [
        "/admin/x", "/Admin/x", "/ADMIN/x", "//admin/x", "/./admin/x", "/a/../admin/x", "/%61dmin/x", "/%2561dmin/x",
        "/admin%2Fx", "/admin%2fx", "/%2Fadmin/x", "/\\admin\\x", "/%5cadmin/x", "/admin;a=b/x", "/;a/admin/x",
        "/a/%2e%2e/admin/x", "/a/%2E./admin/x", "/a/..;/admin/x", "/a/..%2fadmin/x", "/a/..%5Cadmin/x", "/admin./x",
        "/admin%20/x", "/public/../admin/x", "/public/%252e%252e/admin/x", "/public//../admin/x", "/public/..//admin/x",
        "/admin", "/admin/", "/admin/..;/admin/x", "/public/..;x=1/admin/x", "/%61%64%6d%69%6e/x", "/admin/%2e/x",
        "/.;/admin/x", "/public/.%2e/admin/x", "/public/..%20/admin/x", "/admin%C2%A0/x", "/admin%A0/x", "/admin%85/x",
        "/%EF%BD%81dmin/x", "/adm%C4%B1n/x", "/public/%EF%BC%8E%EF%BC%8E/admin/x", "/admin%EF%BC%8Fx",
        "/public/%E2%80%A5/admin/x", "/%E2%88%95admin%E2%81%84x", "/;\\b%2Fadmin",
        "/admi%93n/x", "/admin%80/x", "/%ffadmin/x", "/adm%C5%d5in/x", "/ADM%93IN/x", "/public/.%93./admin/x",
        "/public/..%ff/admin/x", "/public/%c9../admin/x", "/adm%E2%80%8Bin/x", "/ad%C2%ADmin/x", "/admin%EF%BB%BF",
        "/adm\u{ad}in/x", "/public/.\u{200b}./admin/x",
    ]

    @Test(
        "No spelling of a path opens what a rule closes (CVE-2019-9901, CVE-2026-33494, CVE-2026-26205)",
        arguments: spellings)
    func closed(path: String) throws {
        let rules = try Self.rules([["/admin/*"], ["/public/*"], ["/*"]])
        switch Self.judge(rules, path) {
        case .rule(let rule): #expect(rule == 0)
        case .rules(let deciding): #expect(deciding.contains(0))
        case .unreadable: break
        }
    }

    @Test(
        "What cannot be read safely is refused",
        arguments: [
            "/a%", "/a%2", "/a%zz", "/a%00", "/a%0d%0a", "/a%7f", "/%252525252525252e",
            "/public/%c0%ae%c0%ae/admin", "/public%c0%afx", "/a%C1%9Cx", "/%e0%80%af", "/%f0%80%80%af",
            "/%f8%80%80%80%af", "/%fc%80%80%80%80%af", "/%25c0%25af", "/a%u002fx", "/a%25u002fx", "/a%2500",
        ])
    func unreadable(path: String) throws {
        #expect(Self.judge(try Self.rules([["/*"]]), path) == .unreadable)
    }

    @Test(
        "A slash at the end, or its absence, opens nothing",
        arguments: [("/health", "/health/"), ("/health/", "/health")])
    func trailingSlash(pattern: String, path: String) throws {
        let rules = try Self.rules([[pattern]])
        #expect(Self.judge(rules, path) == .rules([nil, 0]))
        #expect(Self.judge(rules, pattern) == .rule(0))
    }

    @Test(
        "Ordinary paths have one reading",
        arguments: [
            "/", "/a", "/a/b.c", "/wiki/Main_Page", "/%C3%A9t%C3%A9", "/a%20b", "/a+b@c:d,e", "/~ada/", "/v1.0/x",
        ])
    func ordinary(path: String) throws {
        #expect(Self.judge(try Self.rules([["/admin/*"], ["/*"]]), path) == .rule(1))
    }

    @Test("A rule for a path with invisible characters closes it for readers that leave them out")
    func ignorablePattern() throws {
        let rules = try Self.rules([["/\u{2764}\u{fe0f}/*"], ["/*"]])
        for path in ["/%E2%9D%A4/x", "/%E2%9D%A4%EF%B8%8F/x", "/%E2%9D%A4%E2%80%8D/x"] {
            guard case .rules(let deciding) = Self.judge(rules, path) else {
                Issue.record("\(path)")
                continue
            }
            #expect(deciding.contains(0), "\(path)")
        }
    }

    @Test("The tree says what trying every pattern says")
    func naive() throws {
        var generator = SeededGenerator(seed: 11)
        let names = ["a", "b", "c", ""]
        func path(_ length: Int) -> String {
            "/" + (0..<length).map { _ in names[Int.random(in: 0..<3, using: &generator)] }.joined(separator: "/")
        }
        for _ in 0..<300 {
            let patterns = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                let base = path(Int.random(in: 0...3, using: &generator))
                return Bool.random(using: &generator) ? (base == "/" ? "/*" : base + "/*") : base
            }
            let rules = try Self.rules(patterns.map { [$0] })
            for _ in 0..<20 {
                let asked = path(Int.random(in: 1...4, using: &generator))
                let expected = patterns.firstIndex { pattern in
                    guard pattern.hasSuffix("/*") else { return pattern == asked }
                    let base = String(pattern.dropLast(2))
                    return asked == base || asked.hasPrefix(base + "/")
                }
                #expect(Self.judge(rules, asked) == .rule(expected), "\(patterns) \(asked)")
            }
        }
    }

    @Test(
        "A rule closes what readers make of a path that drop all but printable ASCII, fold case fully, or normalise",
        arguments: [
            ("/admin/*", "/adm%D0%B6in/x"), ("/admin/*", "/adm%20in/x"), ("/admin/*", "/a%CC%A3dmin"),
            ("/Admin/*", "/%E6%97%A5/ADM+IN/"), ("/ας/*", "/%CE%91%CE%A3/x"), ("/café/*", "/cafe%CC%81/x"),
            ("/İ", "/i%CC%87"), ("/ΰ/*", "/%CE%A5%CC%88%CC%81/x"), ("/ŉ/*", "/%CA%BCN"), ("/ẞ/*", "/%C3%9F/x"),
        ])
    func remnants(pattern: String, path: String) throws {
        for other in ["/*", "/other"] {
            let rules = AccessRules([
                AccessRule(paths: [try RulePath(pattern)], effect: .deny),
                AccessRule(paths: [try RulePath(other)], effect: .anyone),
            ])
            switch Self.judge(rules, path) {
            case .rule(let rule): #expect(rule == 0)
            case .rules(let deciding): #expect(deciding.contains(0))
            case .unreadable: Issue.record("unreadable")
            }
        }
    }

    @Test("Such a reading opens nothing, and neither the default nor a rule for all paths is about it")
    func remnantsOfHonestPaths() throws {
        for rest in [AccessRule.Effect.deny, .signedIn([])] {
            let rules = AccessRules([
                AccessRule(
                    paths: [try RulePath("/日本/*"), try RulePath("/x/*"), try RulePath("/café/*")], effect: .anyone),
                AccessRule(paths: [try RulePath("/*")], effect: rest),
            ])
            #expect(Self.judge(rules, "/caf%C3%A9/y") == .rule(0))
            #expect(Self.judge(rules, "/%E6%97%A5%E6%9C%AC/y") == .rule(0))
            #expect(Self.judge(rules, "/%E6%97%A5/x") == .rule(1))
        }
    }

    @Test(
        "Letters of other alphabets are compared without case too",
        arguments: [
            ("/café/*", "/CAF%C3%89/x"), ("/CAFÉ/*", "/caf%C3%A9/x"), ("/дом/*", "/%D0%94%D0%9E%D0%9C/x"),
            ("/ДОМ/*", "/%D0%B4%D0%BE%D0%BC/x"), ("/straße/*", "/STRASSE/x"), ("/straße/*", "/strasse/x"),
            ("/strasse/*", "/stra%C3%9Fe/x"),
        ])
    func otherAlphabets(pattern: String, path: String) throws {
        let rules = try Self.rules([[pattern], ["/*"]])
        switch Self.judge(rules, path) {
        case .rule(let rule): #expect(rule == 0)
        case .rules(let deciding): #expect(deciding.contains(0))
        case .unreadable: Issue.record("unreadable")
        }
    }

    @Test(
        "A pattern is a plain path",
        arguments: [
            "", "admin", "/a?b", "/a#b", "/a\\b", "/a;b", "/%61", "/a b", "/a*", "/*/a", "/a/*b", "/a/../b", "//a",
        ])
    func patterns(text: String) {
        #expect(throws: GateConfigurationError.self) { try RulePath(text) }
    }
}
