// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

@Suite("Several apps")
struct AppRouteTests {
    static func browser(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        try Browser { configuration in
            configuration.access.default = .guest
            func app(
                _ authority: String, hosts: [String] = [], _ paths: [String] = [], strip: String = "",
                preservesHost: Bool = true
            ) throws {
                var app = AppRoute(authority: authority)
                app.hosts = hosts
                app.paths = try paths.map { try RulePath($0) }
                app.stripPrefix = strip
                app.preservesHost = preservesHost
                configuration.apps.append(app)
            }
            try app("wiki", ["/wiki/*"], strip: "/wiki", preservesHost: false)
            try app("talk", ["/wiki/talk/*"])
            try app("one", ["/wiki/one"])
            try app("docs", hosts: ["docs.example.com"])
            try app("any", hosts: ["*.example.com"], ["/a/*"])
            try app("deep", hosts: ["*.deep.example.com"])
            try change(&configuration)
        }
    }

    @Test(
        "The most specific wins",
        arguments: [
            ("app.test", "/", 0), ("app.test", "/wiki", 1), ("app.test", "/wiki/", 1), ("app.test", "/wiki/x", 1),
            ("app.test", "/wikix", 0), ("app.test", "/wiki/talk", 2), ("app.test", "/wiki/talk/x", 2),
            ("app.test", "/wiki/one", 3), ("app.test", "/wiki/one/x", 1), ("app.test", "/Wiki/x", 0),
            ("docs.example.com", "/wiki/x", 4), ("DOCS.example.com:443", "/x", 4), ("docs.example.com.", "/x", 4),
            ("b.example.com", "/a/x", 5), ("b.example.com", "/x", 0), ("b.example.com", "/wiki/x", 1),
            ("example.com", "/a", 0), ("xexample.com", "/a", 0), ("a.deep.example.com", "/a", 6),
            ("app.test", "//wiki/y", 1), ("app.test", "/%77iki/y", 1), ("app.test", "/wiki%2Fx", 0),
        ])
    func choice(host: String, path: String, app: Int) throws {
        let browser = try Self.browser()
        var request = AccessRequest(
            try RequestHead(parsing: "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n"), browser.context)
        browser.gates[0].read(&request)
        let selected = browser.gates[0].forwarding.app(for: request)
        #expect(selected == app)
    }

    @Test(
        "A prefix is removed, and a header names it",
        arguments: [
            ("/wiki", "/"), ("/wiki/", "/"), ("/wiki/a?b=/wiki", "/a?b=/wiki"), ("/wiki//evil.test/x", "/evil.test/x"),
            ("/wiki/%61", "/a"), ("//wiki/a//b", "/a//b"),
        ])
    func prefix(path: String, target: String) throws {
        let head = try #require(try Self.browser().get(path, "X-Forwarded-Prefix: /evil").head)
        #expect(head.hasPrefix("GET \(target) HTTP/1.1\r\nHost: wiki\r\nX-Forwarded-Prefix: /wiki\r\n"))
        #expect(!head.contains("evil\r\n"))
    }

    @Test("Other apps get the path as it is, in its normal form, and the browser's Host")
    func plain() throws {
        let head = try #require(try Self.browser().get("/wiki/%74alk/a").head)
        #expect(head.hasPrefix("GET /wiki/talk/a HTTP/1.1\r\nHost: app.example.com\r\n"))
        for path in [
            "/wiki/a%00", "/wiki/talk/../x", "/wiki/%2fevil.test/x", "/wiki/%5cevil.test", "/wiki/;/evil.test",
            "/wiki/%93/evil.test", "/wiki/%E2%80%8B/evil.test", "/wiki/.%93./x", "/x/..%ff/wiki/a",
        ] {
            #expect(try Self.browser().get(path).status == 400, "\(path)")
        }
    }
}
