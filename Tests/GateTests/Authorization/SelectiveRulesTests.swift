// SPDX-License-Identifier: Apache-2.0

import HTTP
import TestSupport
import Testing

@testable import Gate

@Suite("Access rules for certain hosts and networks")
struct SelectiveRulesTests {
    static func rule(
        _ path: String = "/*", hosts: [String] = [], from: [String] = [], _ effect: AccessRule.Effect = .deny
    ) throws -> AccessRule {
        var rule = AccessRule(paths: [try RulePath(path)], effect: effect)
        rule.hosts = hosts
        rule.from = from.compactMap { CIDR($0) }
        return rule
    }

    static func judge(
        _ rules: [AccessRule], _ path: String = "/x", host: String = "", client: String? = nil
    ) -> AccessRules.Judgement {
        let (path, method) = (Array(path.utf8), Array("GET".utf8))
        let (pathSpan, methodSpan) = (path.span, method.span)
        return AccessRules(rules).judge(
            pathSpan, method: methodSpan, host: Array(host.utf8), client: client.flatMap { IPAddress(text: $0) })
    }

    static let hostCases: [(host: String, rule: Int?)] = [
        ("wiki.example.com", 0), ("WIKI.Example.com", 0), ("wiki.example.com:8443", 0), ("wiki.example.com.", 0),
        ("wiki.example.com.:80", 0), ("a.example.com", 1), ("a.b.example.com", 1), ("A.Example.COM:1", 1),
        ("x.b.example.com", 1), ("example.com", nil), ("example.com.evil.test", nil), ("evilexample.com", nil),
        (".example.com", nil), ("wiki.example.org", nil), ("", nil), ("[2001:db8::1]", nil), ("192.0.2.1", 2),
        ("192.0.2.1:80", 2), ("192.0.2.10", nil),
    ]

    @Test("A rule for hosts is for those alone, in any case, with any port", arguments: hostCases)
    func hosts(host: String, rule: Int?) throws {
        let rules = [
            try Self.rule(hosts: ["wiki.example.com"]), try Self.rule(hosts: ["*.example.com", "*.b.example.com"]),
            try Self.rule(hosts: ["192.0.2.1"]),
        ]
        #expect(Self.judge(rules, host: host) == .rule(rule))
    }

    static let networkCases: [(client: String, rule: Int?)] = [
        ("10.1.2.3", 0), ("10.255.0.1", 0), ("::ffff:10.1.2.3", 0), ("192.0.2.7", 0), ("192.0.2.8", 1),
        ("192.0.3.1", 2), ("2001:db8::1", 0), ("2001:db9::1", 3), ("8.8.8.8", 2),
    ]

    @Test("A rule for networks is for a client in one of them", arguments: networkCases)
    func networks(client: String, rule: Int?) throws {
        let rules = [
            try Self.rule(from: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"], .anyone),
            try Self.rule(from: ["192.0.2.0/24"]), try Self.rule(from: ["0.0.0.0/0"]), try Self.rule(),
        ]
        #expect(Self.judge(rules, client: client) == .rule(rule))
    }

    @Test("Nothing is opened for a client that is not known, and each rule that closes something has a say")
    func unknownClient() throws {
        let office = ["10.0.0.0/8"]
        let staff = AccessRule.Effect.signedIn([.init(field: "groups", values: ["staff"])])
        // Opened to a network: not for this client.
        #expect(Self.judge([try Self.rule(from: office, .anyone)]) == .rule(nil))
        #expect(Self.judge([try Self.rule(from: office, .anyone), try Self.rule()]) == .rule(1))
        // Closed to a network: beside what applies to every client.
        #expect(Self.judge([try Self.rule(from: office)]) == .rules([nil, 0]))
        #expect(Self.judge([try Self.rule(from: office), try Self.rule("/*", .anyone)]) == .rules([1, 0]))
        // Each of them, since the client may be in the network of one alone; one that denies says it all.
        let admins = AccessRule.Effect.signedIn([.init(field: "groups", values: ["admins"])])
        #expect(
            Self.judge([
                try Self.rule(from: office, staff), try Self.rule(from: ["192.0.2.0/24"], admins),
                try Self.rule("/*", .anyone),
            ]) == .rules([2, 0, 1]))
        #expect(
            Self.judge([
                try Self.rule(from: office, staff), try Self.rule(from: ["192.0.2.0/24"]), try Self.rule("/*", .anyone),
            ]) == .rules([2, 1]))
        // None that an earlier rule for every client makes void.
        #expect(Self.judge([try Self.rule("/*", .anyone), try Self.rule(from: office)]) == .rule(0))
        #expect(
            Self.judge([try Self.rule("/a/*", .anyone), try Self.rule(from: office)], "/a/b") == .rule(0))
        // Nor those of another path or host.
        #expect(Self.judge([try Self.rule("/a/*", from: office)], "/b") == .rule(nil))
        #expect(Self.judge([try Self.rule(hosts: ["a.test"], from: office)], host: "b.test") == .rule(nil))
        #expect(Self.judge([try Self.rule(hosts: ["a.test"], from: office)], host: "a.test") == .rules([nil, 0]))
    }

    @Test(
        "No spelling of a path opens what a rule closes to a network",
        arguments: ["/admin/x", "/Admin/x", "/%61dmin/x", "/admin;a/x", "/adm%D0%B6in/x", "/admin/", "/public%2fadmin"])
    func spellings(path: String) throws {
        let rules = [
            try Self.rule("/admin/*", hosts: ["a.test"], from: ["10.0.0.0/8"]),
            try Self.rule("/public/admin/*", from: ["10.0.0.0/8"]), try Self.rule("/*", .anyone),
        ]
        for client in ["10.1.1.1", nil] {
            let judged = Self.judge(rules, path, host: "a.test", client: client)
            if case .rules(let deciding) = judged {
                #expect(deciding.contains(0) || deciding.contains(1), "\(judged)")
            } else {
                #expect(judged == .rule(0), "\(judged)")
            }
        }
        #expect(Self.judge(rules, "/admin/x", host: "a.test", client: "11.1.1.1") == .rule(2))
        #expect(Self.judge(rules, "/admin/x", host: "b.test", client: "10.1.1.1") == .rule(2))
    }

    @Test("Patterns beyond ASCII are compared among the rules of the host and the client")
    func otherCharacters() throws {
        let rules = [try Self.rule("/дом/*", hosts: ["a.test"], from: ["10.0.0.0/8"]), try Self.rule("/*", .anyone)]
        let path = "/%D0%94%D0%9E%D0%9C/x"
        #expect(Self.judge(rules, path, host: "a.test", client: "10.1.1.1") == .rules([1, 0]))
        #expect(Self.judge(rules, path, host: "a.test") == .rules([1, 0]))
        #expect(Self.judge(rules, path, host: "a.test", client: "11.1.1.1") == .rule(1))
        #expect(Self.judge(rules, path, host: "b.test") == .rule(1))
    }

    @Test("The groups say what trying every rule says")
    func naive() throws {
        var generator = SeededGenerator(seed: 15)
        let hosts = ["a.test", "b.test", "*.a.test", "*.test", "c.b.test"]
        let networks = ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0"]
        let paths = ["/*", "/a/*", "/a/b", "/b/*"]
        let asked = ["/a", "/a/b", "/b/c", "/c"]
        let names = ["a.test", "b.test", "x.a.test", "c.b.test", "other", ""]
        let clients = ["10.1.1.1", "10.1.2.3", "10.2.0.1", "192.0.2.1", "8.8.8.8", "2001:db8::1", "::1", ""]
        let effects: [AccessRule.Effect] = [.anyone, .signedIn([]), .deny]
        func one(of texts: [String]) -> String { texts[generator.below(texts.count)] }
        func some(of texts: [String]) -> [String] {
            generator.below(2) == 0 ? [] : texts.filter { _ in generator.below(3) == 0 }
        }
        for _ in 0..<400 {
            var rules: [AccessRule] = []
            for _ in 0...generator.below(8) {
                let effect = effects[generator.below(effects.count)]
                rules.append(
                    try Self.rule(one(of: paths), hosts: some(of: hosts), from: some(of: networks), effect))
            }
            for _ in 0..<12 {
                let (path, host, client) = (one(of: asked), one(of: names), one(of: clients))
                let expected = Self.expected(rules, path, host, IPAddress(text: client))
                let judged = Self.judge(rules, path, host: host, client: client.isEmpty ? nil : client)
                #expect(judged == expected, "\(rules) \(path) \(host) \(client)")
            }
        }
    }

    /// By trying each rule.
    private static func expected(
        _ rules: [AccessRule], _ path: String, _ host: String, _ client: IPAddress?
    ) -> AccessRules.Judgement {
        var inDoubt: [Int] = []
        var first: Int?
        for (index, rule) in rules.enumerated() where matches(rule, path, host) {
            if rule.from.isEmpty {
                first = index
                break
            }
            if let client {
                guard rule.from.contains(where: { $0.contains(client) }) else { continue }
                first = index
                break
            }
            if rule.effect != .anyone { inDoubt.append(index) }
        }
        if let denied = inDoubt.first(where: { rules[$0].effect == .deny }) { inDoubt = [denied] }
        return inDoubt.isEmpty ? .rule(first) : .rules([first] + inDoubt.map { Optional($0) })
    }

    private static func matches(_ rule: AccessRule, _ path: String, _ host: String) -> Bool {
        let isHost = rule.hosts.isEmpty || rule.hosts.contains { covers($0, host) }
        return isHost && rule.paths.contains { covers($0.description, path) }
    }

    private static func covers(_ pattern: String, _ text: String) -> Bool {
        if pattern.hasPrefix("*.") { return text.hasSuffix(pattern.dropFirst()) }
        if pattern.hasSuffix("/*") { return (text + "/").hasPrefix(pattern.dropLast()) }
        return pattern == text
    }
}

@Suite("The client of a rule for networks")
struct KnownClientTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var peer: IPAddress? = IPAddress(v4: 0x0a00_0001)
        var isTrusted = false
        let fields: [String]
        /// A rule that opens to 10.0.0.0/8 applies; one that denies to it.
        let opens: Bool
        let closes: Bool
        var testDescription: String { "\(fields) from \(peer.map(\.description) ?? "unix") \(isTrusted)" }
    }

    static let proxy = IPAddress(v4: 0x7f00_0001)
    static let cases: [Case] = [
        // A peer that passes on nothing is the client.
        Case(fields: [], opens: true, closes: true),
        Case(peer: IPAddress(v4: 0xc000_0201), fields: [], opens: false, closes: false),
        Case(peer: nil, fields: [], opens: false, closes: true),
        // Of one that passes on something, and that the configuration does not name, nothing is known.
        Case(fields: ["X-Forwarded-For: 10.1.1.1"], opens: false, closes: true),
        Case(fields: ["x-forwarded-for: 192.0.2.9"], opens: false, closes: true),
        Case(fields: ["X-Forwarded-For:"], opens: false, closes: true),
        Case(fields: ["Forwarded: for=10.1.1.1"], opens: false, closes: true),
        Case(fields: ["X-Real-IP: 10.1.1.1"], opens: false, closes: true),
        Case(fields: ["Via: 1.1 proxy"], opens: false, closes: true),
        Case(fields: ["X-Forwarded-Proto: https"], opens: false, closes: true),
        Case(peer: IPAddress(v4: 0xc000_0201), fields: ["X-Forwarded-For: 192.0.2.1"], opens: false, closes: true),
        // A trusted proxy names the client: the last address that is no trusted proxy's.
        Case(peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 10.1.1.1"], opens: true, closes: true),
        Case(peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 10.1.1.1:443"], opens: true, closes: true),
        Case(
            peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 192.0.2.9, 10.1.1.1, 127.0.0.2"], opens: true,
            closes: true),
        Case(
            peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 192.0.2.9", "X-Forwarded-For: 10.1.1.1"],
            opens: true, closes: true),
        Case(
            peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 10.1.1.1, 192.0.2.9"], opens: false, closes: false),
        Case(peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 10.1.1.1, x"], opens: false, closes: true),
        Case(peer: proxy, isTrusted: true, fields: ["X-Forwarded-For: 127.0.0.2"], opens: false, closes: true),
        Case(peer: proxy, isTrusted: true, fields: ["X-Forwarded-Proto: https"], opens: false, closes: true),
        Case(peer: proxy, isTrusted: true, fields: ["Forwarded: for=10.1.1.1"], opens: false, closes: true),
        // The proxy's own request, such as one that asks whether the app works.
        Case(peer: proxy, isTrusted: true, fields: [], opens: false, closes: false),
    ]

    @Test("is certain, or nothing is opened for it and everything closed", arguments: cases)
    func client(_ example: Case) throws {
        let trusted = try #require(CIDR("127.0.0.0/8"))
        let browser = try Browser {
            $0.trustedProxies = [trusted]
            $0.access.rules = [
                try SelectiveRulesTests.rule("/open/*", from: ["10.0.0.0/8"], .anyone),
                try SelectiveRulesTests.rule("/closed/*", from: ["10.0.0.0/8"], .deny),
                try SelectiveRulesTests.rule("/closed/*", .anyone),
            ]
        }
        browser.context = RequestContext(
            peer: example.peer, isSecure: true, isTrustedPeer: example.isTrusted, localPort: 443, now: noon)
        #expect(try browser.send("GET", "/open/x", example.fields).status == (example.opens ? 0 : 302))
        #expect(try browser.send("GET", "/closed/x", example.fields).status == (example.closes ? 403 : 0))
    }

    @Test(
        "A peer that sends any forwarding field, in any spelling, may be a proxy",
        arguments: ForwardingFields.names + ["via"])
    func forwardingFields(_ name: String) throws {
        let browser = try Browser {
            $0.access.rules = [
                try SelectiveRulesTests.rule("/open/*", from: ["10.0.0.0/8"], .anyone),
                try SelectiveRulesTests.rule("/closed/*", from: ["10.0.0.0/8"], .deny),
                try SelectiveRulesTests.rule("/closed/*", .anyone),
            ]
        }
        browser.context.peer = IPAddress(v4: 0x0a00_0001)
        for spelling in [name, name.uppercased(), String(name.map { $0 == "-" ? "_" : $0 })] {
            #expect(try browser.send("GET", "/open/x", ["\(spelling): 10.0.0.2"]).status == 302, "\(spelling)")
            #expect(try browser.send("GET", "/closed/x", ["\(spelling): 192.0.2.2"]).status == 403, "\(spelling)")
        }
    }

    @Test("In forward-auth the proxy is never the client, and the host is that of the question")
    func forwardAuth() throws {
        let browser = try Browser {
            $0.trustedProxies = [CIDR("127.0.0.1")].compactMap { $0 }
            $0.access.rules = [
                try SelectiveRulesTests.rule("/open/*", from: ["10.0.0.0/8"], .anyone),
                try SelectiveRulesTests.rule("/closed/*", from: ["10.0.0.0/8"], .deny),
                try SelectiveRulesTests.rule("/closed/*", .anyone),
                try SelectiveRulesTests.rule("/host/*", hosts: ["wiki.test"], .anyone),
            ]
        }
        browser.context = RequestContext(
            peer: Self.proxy, isSecure: true, isTrustedPeer: true, localPort: 443, now: noon)
        func asked(_ uri: String, _ fields: String...) throws -> Int {
            let method = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: \(uri)"]
            return try browser.send("GET", "/.sidegate/auth", method + fields).status
        }
        #expect(try asked("/open/x", "X-Forwarded-For: 10.1.1.1") == 202)
        #expect(try asked("/open/x", "X-Forwarded-For: 192.0.2.1") == 401)
        #expect(try asked("/open/x") == 401)
        #expect(try asked("/closed/x", "X-Forwarded-For: 10.1.1.1") == 403)
        #expect(try asked("/closed/x", "X-Forwarded-For: 192.0.2.1") == 202)
        #expect(try asked("/closed/x") == 403)
        #expect(try asked("/host/x", "X-Forwarded-Host: wiki.test") == 202)
        #expect(try asked("/host/x", "X-Forwarded-Host: wiki.test:8443") == 202)
        #expect(try asked("/host/x", "X-Forwarded-Host: other.test") == 401)
        #expect(try asked("/host/x", "X-Forwarded-Host: wiki.test, other.test") == 401)
        func original(_ url: String) throws -> Int {
            try browser.send("GET", "/.sidegate/auth", ["X-Original-URL: \(url)", "X-Original-Method: GET"]).status
        }
        #expect(try original("https://wiki.test/host/x") == 202)
        #expect(try original("https://other.test/host/x") == 401)
    }
}
