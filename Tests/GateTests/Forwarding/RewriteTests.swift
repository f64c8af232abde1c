// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import JWT
import Testing

@testable import Gate

@Suite("What reaches the app")
struct RewriteTests {
    /// The head the app gets of a request with those lines (after Host), by a signed-in user by default.
    private func lines(
        _ fields: [String], method: String = "GET", path: String = "/", signedIn: Bool = true, trusted: Bool = false,
        host: String = "app.example.com", change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> [String] {
        let gate = Gate(try configuration(change), random: Sequence().bytes)
        let browser = Browser(gate)
        browser.host = host
        browser.context.isTrustedPeer = trusted
        try browser.signIn()
        let text =
            "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nX-Request-ID: r1\r\n"
            + "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00\r\n"
            + fields.map { $0 + "\r\n" }.joined()
            + (signedIn
                ? "Cookie: " + browser.jar.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") + "\r\n" : "")
        var request = AccessRequest(
            try RequestHead(parsing: text + "\r\n"), browser.context, id: Array("r1".utf8))
        gate.read(&request)
        var out: [UInt8] = []
        var identity: Identity?
        if signedIn {
            guard case .done(.forward(let known, _)) = gate.decide(&request) else { return ["not forwarded"] }
            identity = known
        }
        gate.forwarding.writeHead(request, for: identity, into: &out)
        return String(decoding: out, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).map(
            String.init)
    }

    @Test("the whole head, field by field")
    func whole() throws {
        let head = try lines(["User-Agent: x", "Accept: */*", "X-Custom:  a b  "], path: "/a?b=c")
        #expect(
            head == [
                "GET /a?b=c HTTP/1.1", "Host: app.example.com",
                "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00", "User-Agent: x", "Accept: */*",
                "X-Custom: a b", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https",
                "X-Forwarded-Host: app.example.com", "X-Forwarded-Port: 443", "X-Request-ID: r1",
                "X-Forwarded-User: ada",
                "X-Forwarded-Email: ada@example.com", "",
            ])
    }

    static let spoofs: [String] = {
        let names = [
            "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
            "Remote-User",
            "Remote-Groups", "X-Auth-Request-User", "X-Auth-Request-Email", "X-WEBAUTH-USER", "X-WebAuth-Email",
            "X-Sidegate-Jwt-Assertion", "X-Sidegate-Whatever-It-Is", "X-Remote-User", "Proxy", "X-My-Identity",
            "X-Forwarded-Access-Token", "X-Forwarded-DisplayName",
        ]
        let letters: [Character] = ["-", "_", ".", "!", "~", "*", "+", "'", "`", "|", "^", "$", "&", "%", "#"]
        return names.flatMap { name in
            [name, name.lowercased(), name.uppercased()]
                + letters.map { letter in String(name.map { $0 == "-" ? letter : $0 }) }
                + [
                    String(
                        name.enumerated().map { $0.offset % 2 == 0 ? $0.element : Character($0.element.lowercased()) })
                ]
        }
    }()

    @Test(
        "CVE-2025-64484, CVE-2023-27487, CVE-2024-45806, mod_auth_openidc 2026: identity headers of the client are removed in every spelling, on every method",
        arguments: [
            "GET", "POST", "OPTIONS", "HEAD", "PROPFIND",
        ])
    func spoofStripping(_ method: String) throws {
        for start in stride(from: 0, to: Self.spoofs.count, by: 100) {
            let some = Self.spoofs[start..<min(start + 100, Self.spoofs.count)].map { $0 + ": mallory" }
            for signedIn in [true, false] {
                let head = try lines(some + ["Content-Length: 0"], method: method, signedIn: signedIn) {
                    $0.identityHeaders.append(
                        try HeaderRule(name: "X-My-Identity", template: "{user}", fields: ["user"]))
                }
                #expect(head.filter { $0.contains("mallory") } == [])
                let user = head.filter { $0.lowercased().hasPrefix("x-forwarded-user") }
                #expect(user == (signedIn ? ["X-Forwarded-User: ada"] : []))
                #expect(head.contains("X-My-Identity: ada") == signedIn)
            }
        }
    }

    @Test("CVE-2026-26308, CVE-2020-25017: each line of a repeated identity header is removed")
    func repeated() throws {
        let head = try lines(Array(repeating: "X-Forwarded-User: mallory", count: 5) + ["x_forwarded_user: mallory"])
        #expect(head.filter { $0.lowercased().contains("user") } == ["X-Forwarded-User: ada"])
    }

    @Test("names that only resemble ours pass")
    func lookalikes() throws {
        let fields = [
            "X-Forwarded-Users: 1", "XForwardedUser: 1", "X-Forwarded-User-Id: 1", "Y-Forwarded-User: 1",
            "X-Sidegat: 1",
            "Remote-Use: 1", "Accept-Encoding: 1", "x: 1", "X-\(String(repeating: "a", count: 90)): 1",
        ]
        let head = try lines(fields)
        for field in fields { #expect(head.contains(field)) }
    }

    @Test("CVE-2025-48865, GHSA-w9mr-28mw-j8hg: Connection deletes what it names of the client's, never of ours")
    func nominated() throws {
        let head = try lines([
            "Connection: X-Forwarded-User, x-forwarded-for,X-Drop , keep-alive, Host, X-Request-ID, traceparent, X_Forwarded_Email",
            "X-Drop: 1", "X-Keep: 1", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
            "Proxy-Authorization: Basic x",
        ])
        for line in [
            "X-Forwarded-User: ada", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Email: ada@example.com",
            "Host: app.example.com", "X-Request-ID: r1", "X-Keep: 1",
        ] {
            #expect(head.contains(line))
        }
        for name in ["X-Drop", "Connection", "Keep-Alive", "Proxy-"] {
            #expect(!head.contains { $0.hasPrefix(name) })
        }
    }

    @Test("our cookies are removed, the others stay byte for byte")
    func cookies() throws {
        for (cookie, kept) in [
            ("a=1", "a=1"), ("a=1; __Host-sidegate=x; b=\"2;3\"", "a=1; b=\"2;3\""), ("sidegate=x", nil),
            ("sidegate=x; a=1", "a=1"), ("a=1; sidegate=x", "a=1"), ("a=1;sidegate-1=x;b=2", "a=1;b=2"),
            ("__Host-sidegate-login-abc=x; __Secure-sidegate=y; sidegate-login-=z", nil),
            (
                "sidegates=1; xsidegate=2; sidegate-theme=3; sidegate-12=4",
                "sidegates=1; xsidegate=2; sidegate-theme=3; sidegate-12=4"
            ),
            ("a=1;;  ; b=2", "a=1; b=2"), ("a = 1 ;  b", "a = 1 ;  b"), ("SideGate=x; __host-sidegate=y; c=1", "c=1"),
            ("sidegate =x; d=1", "d=1"), ("", nil),
        ] as [(String, String?)] {
            let head = try lines(["Cookie: \(cookie)"], signedIn: false)
            #expect(head.filter { $0.hasPrefix("Cookie") } == (kept.map { ["Cookie: \($0)"] } ?? []), "\(cookie)")
        }
        let several = try lines(["Cookie: a=1; sidegate=x", "X: y", "Cookie: b=2"], signedIn: false)
        #expect(several.filter { $0.hasPrefix("Cookie") } == ["Cookie: a=1; b=2"])
    }

    @Test("CVE-2026-40575: X-Forwarded-* count and carry on only from a trusted proxy")
    func forwarded() throws {
        let sent = [
            "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example",
            "X-Forwarded-Port: 8080", "Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9", "X-Original-URL: /admin",
            "X-Rewrite-URL: /admin", "x_forwarded_host: evil.example", "X-Forwarded-Prefix: /x",
        ]
        let stranger = try lines(sent)
        #expect(
            stranger.filter { $0.hasPrefix("X-") && !$0.contains("ada") } == [
                "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: app.example.com",
                "X-Forwarded-Port: 443", "X-Request-ID: r1",
            ])
        #expect(!stranger.contains { $0.contains("evil") || $0.contains("203.0.113") })
        let trusted = try lines(
            [
                "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 198.51.100.7, 10.0.0.1", "X-Real-IP: 203.0.113.9",
                "X-Forwarded-Proto: https", "X-Forwarded-Port: 8443",
            ], trusted: true, host: "app.example.com:8080")
        #expect(trusted.contains("X-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.0.0.1, 192.0.2.1"))
        #expect(trusted.contains("X-Real-IP: 203.0.113.9"))
        #expect(trusted.contains("X-Forwarded-Port: 8443"))
        #expect(trusted.contains("X-Forwarded-Host: app.example.com:8080"))
        #expect(try lines([], host: "app.example.com:8080").contains("X-Forwarded-Port: 8080"))
        #expect(try lines([], host: "[2001:db8::1]:81").contains("X-Forwarded-Port: 81"))
        #expect(try lines([], host: "[2001:db8::1]").contains("X-Forwarded-Port: 443"))
    }

    @Test("no forwarding field of a stranger's reaches the app, in any spelling", arguments: ForwardingFields.names)
    func forwardingFields(_ name: String) throws {
        for spelling in [name, name.uppercased(), String(name.map { $0 == "-" ? "_" : $0 })] {
            let stranger = try lines(["\(spelling): 203.0.113.9"], signedIn: false)
            #expect(!stranger.contains { $0.contains("203.0.113.9") }, "\(spelling)")
        }
    }

    @Test("CVE-2026-40575: scheme and host of our own URLs come from a trusted proxy only, of several values the last")
    func publicOrigin() throws {
        for (trusted, fields, origin) in [
            (false, ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"], "http%3A%2F%2Fapp.example.com%2F"),
            (
                true, ["X-Forwarded-Host: www.example.com", "X-Forwarded-Proto: https"],
                "https%3A%2F%2Fwww.example.com%2F"
            ),
            (
                true, ["X-Forwarded-Host: evil.example, www.example.com", "X-Forwarded-Proto: http, https"],
                "https%3A%2F%2Fwww.example.com%2F"
            ),
            (
                true, ["X-Forwarded-Host: evil.example", "X-Forwarded-Host: www.example.com:81"],
                "http%3A%2F%2Fwww.example.com%3A81%2F"
            ),
        ] {
            let browser = try Browser()
            browser.context.isSecure = false
            browser.context.isTrustedPeer = trusted
            let answer = try #require(browser.send("GET", "/", fields).answer)
            #expect(answer.location.contains("return_url=" + origin))
            #expect(answer.setCookies.allSatisfy { $0.hasPrefix("__Host-") == origin.hasPrefix("https") })
        }
        let fixed = try Browser { $0.publicURL = PublicOrigin("https://app.example.org:444") }
        fixed.context.isTrustedPeer = true
        #expect(
            try fixed.get("/", "X-Forwarded-Host: evil.example").answer?.location.contains(
                "https%3A%2F%2Fapp.example.org%3A444%2F") == true)
        let hostile = try Browser()
        hostile.context.isTrustedPeer = true
        #expect(try hostile.get("/", "X-Forwarded-Host: evil.example/@x").status == 400)
    }

    @Test("Upgrade passes for the configured protocols alone, in any case and on any path")
    func configuredUpgrades() throws {
        let rows: [(value: String, allowed: [String], passes: Bool)] = [
            ("websocket", ["websocket"], true), ("WebSocket", ["websocket"], true), ("websocket", [], false),
            ("TLS/1.0", ["websocket"], false), ("echo", ["websocket"], false), ("spdy/3.1", ["SPDY/3.1"], true),
            ("SPDY/3", ["SPDY/3.1"], false), ("websocket/13", ["websocket"], false),
            ("TLS/1.0, websocket", ["websocket"], false), ("websocket, websocket", ["websocket"], false),
            ("websocket,", ["websocket"], false), ("websocket;x", ["websocket"], false), ("h2c", ["websocket"], false),
            ("\"websocket\"", ["websocket"], false), ("web socket", ["websocket"], false),
        ]
        for row in rows {
            let head = try lines([
                "Connection: Upgrade", "Upgrade: \(row.value)", "Sec-WebSocket-Key: \(Self.key)",
            ]) { $0.upgrades = row.allowed }
            #expect(head.contains { $0.lowercased().hasPrefix("upgrade:") } == row.passes, "\(row)")
            #expect(head.contains("Connection: upgrade") == row.passes, "\(row)")
        }
    }

    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    @Test("Upgrade passes for a WebSocket, and not for h2c or without Connection")
    func upgrades() throws {
        let socket = try lines([
            "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: \(Self.key)",
        ])
        #expect(socket.contains("Upgrade: websocket") && socket.contains("Connection: upgrade"))
        #expect(socket.contains("Sec-WebSocket-Key: \(Self.key)"))
        // Without exactly one key that reaches the app it is no handshake.
        for fields in [
            [], ["Sec-WebSocket-Key: x"], ["Sec-WebSocket-Key: \(Self.key)", "Sec-WebSocket-Key: \(Self.key)"],
            ["Sec-WebSocket-Key: \(Self.key)", "Connection: sec-websocket-key"],
            ["Sec-WebSocket-Key: \(Self.key)A"], ["Sec-WebSocket-Key: \(Self.key.dropLast())-"],
            ["Sec-WebSocket-Key: \(Self.key)", "Content-Length: 1"],
            ["Sec-WebSocket-Key: \(Self.key)", "Transfer-Encoding: chunked"],
        ] {
            let head = try lines(["Connection: Upgrade", "Upgrade: websocket"] + fields)
            #expect(!head.contains { $0.lowercased().hasPrefix("upgrade") || $0 == "Connection: upgrade" }, "\(fields)")
        }
        for fields in [
            ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
            ["Connection: Upgrade", "Upgrade: websocket, H2C"],
            ["Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"],
            ["Upgrade: websocket"],
        ] {
            let head = try lines(fields)
            #expect(
                !head.contains {
                    $0.lowercased().hasPrefix("upgrade") || $0.hasPrefix("Connection") || $0.hasPrefix("HTTP2")
                })
        }
    }

    @Test("TE passes for trailers alone")
    func te() throws {
        #expect(
            try lines(["TE: trailers, deflate;q=0.5", "Connection: TE"]).filter {
                $0.contains("TE") || $0.contains("Conn")
            } == ["TE: trailers", "Connection: te"])
        #expect(try !lines(["TE: deflate"]).contains { $0.hasPrefix("TE") })
    }

    @Test("framing fields are omitted, and other meaningful fields pass")
    func framing() throws {
        let head = try lines(
            ["Content-Length: 5", "Content-Type: a/b", "Expect: 100-continue", "Date: x", "Server: y"], method: "POST")
        #expect(!head.contains { $0.hasPrefix("Content-Length") })
        for line in ["Content-Type: a/b", "Expect: 100-continue", "Date: x", "Server: y"] {
            #expect(head.contains(line))
        }
        let chunked = try lines(["Transfer-Encoding: chunked", "Trailer: X-Sum"], method: "POST")
        #expect(!chunked.contains { $0.hasPrefix("Transfer") })
    }

    @Test("targets of other forms, and Host as configured")
    func targets() throws {
        #expect(
            try lines([], path: "http://app.example.com/x?y").prefix(2) == [
                "GET /x?y HTTP/1.1", "Host: app.example.com",
            ])
        #expect(try lines([], method: "OPTIONS", path: "*")[0] == "OPTIONS * HTTP/1.1")
        #expect(try lines([], path: "http://app.example.com")[0] == "GET / HTTP/1.1")
        #expect(try lines([]) { $0.preserveHost = false }[1] == "Host: 127.0.0.1:3000")
        // CVE-2019-9901, CVE-2026-33494: the path goes on as it was judged.
        for path in ["/a/../b", "/a%2fb", "//a", "/a;b=c/d", "/%61"] {
            #expect(try lines([], path: path)[0] == "GET \(path) HTTP/1.1")
        }
    }

    @Test("X-Request-ID is kept when sane, else made; traceparent passes, or starts")
    func identifiers() throws {
        let gate = Gate(try configuration(), random: Sequence().bytes)
        for (id, isKept) in [
            ("abc-123_~.:/=+@Z", true), (String(repeating: "a", count: 128), true),
            (String(repeating: "a", count: 129), false),
            ("a b", false), ("a\"b", false), ("a,b", false), ("ä", false), ("", false), ("a\r\nX-Request-ID: b", false),
        ] {
            var out: [UInt8] = []
            gate.forwarding.appendRequestID(
                of: try RequestHead(parsing: "GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: \(id)\r\n\r\n"), to: &out)
            #expect((out == Array(id.utf8)) == isKept)
            if !isKept { #expect(out.count == 32) }
        }
        for (value, passes) in [
            ("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", true),
            ("01-0123456789abcdef0123456789abcdef-0123456789abcdef-01-more", true),
            ("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01-more", false),
            ("ff-0123456789abcdef0123456789abcdef-0123456789abcdef-01", false),
            ("00-00000000000000000000000000000000-0123456789abcdef-01", false),
            ("00-0123456789abcdef0123456789abcdef-0000000000000000-01", false),
            ("00-0123456789ABCDEF0123456789abcdef-0123456789abcdef-01", false), ("", false), ("x", false),
        ] {
            var request = AccessRequest(
                try RequestHead(
                    parsing: "GET / HTTP/1.1\r\nHost: a\r\ntracestate: a=b\r\ntraceparent: \(value)\r\n\r\n"),
                RequestContext(peer: nil, now: noon))
            gate.read(&request)
            var out: [UInt8] = []
            gate.forwarding.writeHead(request, for: nil, into: &out)
            let head = String(decoding: out, as: UTF8.self)
            #expect(head.contains("\r\ntraceparent: \(value)\r\n") == passes)
            #expect(head.contains("tracestate") == passes)
            let lines = head.split(separator: "\r\n").filter { $0.hasPrefix("traceparent") }
            #expect(lines.count == 1)
            #expect(passes || lines[0].utf8.count == "traceparent: ".utf8.count + 55)
            #expect(!head.contains("X-Forwarded-For"))
        }
    }

    @Test("with basic authentication as the identity header the client's Authorization never passes")
    func authorization() throws {
        let mine = "Authorization: Basic bWFsbG9yeTo="
        #expect(try lines([mine]).contains(mine))
        for signedIn in [true, false] {
            let head = try lines([mine], signedIn: signedIn) { $0.identityHeaders = HeaderPreset.basic.rules }
            // "ada:"
            #expect(
                head.filter { $0.hasPrefix("Authorization") } == (signedIn ? ["Authorization: Basic YWRhOg=="] : []))
        }
    }
}
