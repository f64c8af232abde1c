// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import TestSupport
import Testing

@Suite("Redirects of an app that does not know its address")
struct RedirectRewriteTests {
    /// The value of the field `name` as a browser at `host` gets it.
    private static func rewritten(
        _ value: String, _ name: String = "Location", path: String = "/wiki/b/c", host: String = "public.test",
        url: String? = "https://public.test", change: (inout AppRoute) -> Void = { _ in }
    ) throws -> String {
        let gate = Gate(
            try configuration { configuration in
                configuration.publicURL = url.flatMap { PublicOrigin($0) }
                var route = AppRoute(authority: "app.internal:3000")
                route.paths = [try RulePath("/wiki/*")]
                route.stripPrefix = "/wiki"
                route.preservesHost = false
                route.rewritesRedirects = true
                change(&route)
                configuration.apps = [route]
            }, random: Sequence().bytes)
        var request = AccessRequest(
            try RequestHead(parsing: "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n"),
            RequestContext(peer: nil, now: 0))
        gate.read(&request)
        var parser = ResponseParser()
        var head = ResponseHead()
        let text = Array("HTTP/1.1 302 Found\r\nA: 1\r\n\(name): \(value)\r\nB: 2\r\nContent-Length: 0\r\n\r\n".utf8)
        _ = try parser.parseHead(text.span, into: &head, requestMethod: .get)
        gate.forwarding.rewriteRedirects(in: &head, to: request, app: 1)
        // The other fields stay where they were.
        let values = head.fields.map { String(decoding: head.bytes[$0.value.range], as: UTF8.self) }
        let names = head.fields.map { String(decoding: head.bytes[$0.name.range], as: UTF8.self) }
        #expect(names == ["A", name, "B", "Content-Length"])
        #expect([values[0], values[2], values[3]] == ["1", "2", "0"])
        return values[1]
    }

    @Test(
        "Location",
        arguments: [
            ("http://app.internal:3000/a", "https://public.test/wiki/a"),
            ("//APP.internal:3000", "https://public.test/wiki/"),
            ("https://app.internal:3000/a", "https://app.internal:3000/a"),
            ("http://app.internal/a", "http://app.internal/a"),
            ("http://app.internal:03000/a", "https://public.test/wiki/a"),
            ("http://app.internal:3000evil/", "http://app.internal:3000evil/"),
            ("http://app.internal.:3000/", "http://app.internal.:3000/"), ("/a", "https://public.test/wiki/a"),
            ("/wiki/a", "/wiki/a"), ("a", "a"), ("../../../a", "https://public.test/wiki/a"), ("//evil/", "//evil/"),
            ("/\\evil", "/\\evil"), ("/a\\b", "https://public.test/wiki/a\\b"),
        ])
    func location(value: String, expected: String) throws {
        #expect(try Self.rewritten(value) == expected)
        #expect(try Self.rewritten(value, "Content-Location") == expected)
        let refresh = expected == value ? "1; url=\(value)" : "1; url=\(expected)"
        #expect(try Self.rewritten("1; url=\(value)", "Refresh") == refresh)
    }

    @Test("Default ports and IPv6 addresses are compared as values")
    func equalAddresses() throws {
        func check(_ authority: String, secure: Bool, _ value: String, _ expected: String) throws {
            let result = try Self.rewritten(value) { route in
                let other = route
                route = AppRoute(authority: authority)
                (route.paths, route.rewritesRedirects, route.preservesHost) = (other.paths, true, false)
                route.isSecure = secure
            }
            #expect(result == expected)
        }
        try check("app", secure: false, "http://app:80/a", "https://public.test/a")
        try check("app", secure: false, "http://app:/a", "https://public.test/a")
        try check("app", secure: false, "https://app:80/a", "https://app:80/a")
        try check("app", secure: true, "https://APP:443/a", "https://public.test/a")
        try check("app", secure: true, "http://app:443/a", "http://app:443/a")
        try check("app", secure: true, "//app/a", "https://public.test/a")
        try check("[::1]:3000", secure: false, "http://[0:0::0:1]:3000/a", "https://public.test/a")
        try check("[::1]:3000", secure: false, "http://[::1%25lo]:3000/a", "http://[::1%25lo]:3000/a")
        try check("127.0.0.1", secure: false, "http://[::ffff:127.0.0.1]/a", "http://[::ffff:127.0.0.1]/a")
        // Without a prefix nothing but the app's own address changes.
        try check("app", secure: false, "/a/../b", "/a/../b")
        try check("app", secure: false, "../b", "../b")
    }

    @Test("The public address is that of the configuration, or the request's")
    func site() throws {
        #expect(try Self.rewritten("/a", host: "other.test") == "https://public.test/wiki/a")
        #expect(try Self.rewritten("/a", host: "other.test:8080", url: nil) == "http://other.test:8080/wiki/a")
        let byHost = try Self.rewritten("/a", host: "other.test") { $0.hosts = ["other.test"] }
        #expect(byHost == "https://other.test/wiki/a")
    }

    private static func trimmed(_ text: String) -> String {
        let blanks: Set<Character> = [" ", "\t"]
        return String(text.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed())
    }

    @Test("No generated reference to a foreign host is changed, none to the app stays with it")
    func generated() throws {
        let pieces = [
            "http:", "https:", "/", "//", "\\", "app.internal:3000", "app.internal", ":3000", "@", "evil", ".", "..",
            "?",
            "#", "%2e", "/wiki", "a", " ", "\t", ":", "[", "]", "%", "public.test",
        ]
        var random = SeededGenerator(seed: 8305)
        var changed = 0
        for _ in 0..<4000 {
            let text = (0...random.below(6)).map { _ in pieces[random.below(pieces.count)] }.joined()
            let value = Self.trimmed(text)
            let result = try Self.rewritten(value)
            guard result != value else {
                #expect(!value.hasPrefix("http://app.internal:3000/"), "\(value)")
                continue
            }
            changed += 1
            #expect(result.hasPrefix("https://public.test/wiki"), "\(value)")
            // Else it names the app.
            let parents = value.replacing("%2e", with: ".").contains("..")
            let isReference = value.hasPrefix("/") && !value.dropFirst().hasPrefix("/") || parents
            let namesApp = value.contains("//app.internal:3000") || value.contains("@app.internal:3000")
            #expect(isReference || namesApp, "\(value)")
        }
        #expect(changed > 100)
    }
}
