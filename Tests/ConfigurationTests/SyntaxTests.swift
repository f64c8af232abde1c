// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite("The small syntaxes: durations, sizes, addresses, templates")
struct SyntaxTests {
    @Test(
        "A duration is a number and a unit, or several from large to small",
        arguments: [
            ("0", 0), ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("12h", 43_200_000), ("7d", 604_800_000),
            ("1h30m", 5_400_000), ("1m30s", 90_000), ("1.5s", 1500), ("0.25s", 250), ("0s", 0), ("1h0m1s", 3_601_000),
        ])
    func durations(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(
        "An invalid duration is refused",
        arguments: [
            "", " ", "30", "s", "30 s", "-5s", "+5s", "5S", "5sec", "30s5m", "5m5m", "1.s", ".5s", "1.0001s", "1,5s",
            "١s", "4000d", "99999999999999999999s", "1e3s", "9223372036854775807d", "0x10s", "1.5ms",
        ])
    func notDurations(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "A duration is written the shortest way",
        arguments: [("0", "0"), ("60s", "1m"), ("90s", "1m30s"), ("1500ms", "1s500ms"), ("24h", "24h"), ("48h", "2d")])
    func durationText(text: String, written: String) {
        #expect(DurationText.parse(text).map(DurationText.format) == written)
        #expect(DurationText.parse(written) == DurationText.parse(text))
    }

    @Test(
        "A size is a number of bytes or of binary units",
        arguments: [
            ("0", 0), ("512", 512), ("12B", 12), ("64KiB", 65_536), ("1MiB", 1_048_576), ("2GiB", 2_147_483_648),
        ])
    func sizes(text: String, bytes: Int) {
        #expect(SizeText.parse(text) == bytes)
        #expect(SizeText.parse(SizeText.format(bytes)) == bytes)
    }

    @Test(
        "An invalid size is refused",
        arguments: ["", "KiB", "-1", "+1", "1.5KiB", "10MB", "10K", "64 KiB", "64kib", "9999999999999TiB", "1e3"])
    func notSizes(text: String) {
        #expect(SizeText.parse(text) == nil)
    }

    @Test(
        "Listening addresses",
        arguments: [
            ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8080)),
            ("0.0.0.0:80", .tcp(host: "0.0.0.0", port: 80)),
            ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("[::1]:8443", .tcp(host: "::1", port: 8443)),
            ("[2001:db8::192.0.2.1]:65535", .tcp(host: "2001:db8::192.0.2.1", port: 65535)),
            (":8080", .tcp(host: "", port: 8080)),
            ("*:8080", .tcp(host: "", port: 8080)),
            ("unix:/run/gate.sock", .unix(path: "/run/gate.sock")),
        ])
    func listenAddresses(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text) == address)
    }

    @Test(
        "An invalid listening address is refused, with the fix",
        arguments: [
            ("8080", "write \"127.0.0.1:8080\""), ("127.0.0.1", "port is missing"), ("[::1]", "port is missing"),
            ("::1:8080", "in brackets"), ("[::1:8080", "`[` without `]`"), ("[fe80::1%eth0]:80", "no IPv6 address"),
            ("[1::2::3]:80", "no IPv6 address"), ("[12345::]:80", "no IPv6 address"), ("[]:80", "no IPv6 address"),
            ("[::1]x:80", "only a port"), ("host:65536", "0 to 65535"), ("host:", "0 to 65535"),
            ("host:+8", "0 to 65535"),
            ("ho st:80", "not a host name"), ("256.0.0.1:80", "not an IPv4 address"),
            ("0x7f.1:80", "not an IPv4 address"), ("0x7f000001:80", "not an IPv4 address"),
            ("a.0X1:80", "not an IPv4 address"), ("127.1:80", "not an IPv4 address"),
            ("1.2.3:80", "not an IPv4 address"),
            ("1.2.3.04:80", "not an IPv4 address"), ("unix:run/x", "absolute"), ("systemd:a b", "FileDescriptorName"),
            ("http://localhost:80", "in brackets"), ("", "not a host name"), ("a..b:1", "not a host name"),
        ])
    func notListenAddresses(text: String, fix: String) {
        let problem = #expect(throws: SyntaxProblem.self) { try ListenAddress(text) }
        #expect(problem?.message.contains(fix) == true, "\(problem?.message ?? "")")
    }

    @Test("A socket's path has at most 107 bytes")
    func socketPathLength() {
        let longest = "/" + String(repeating: "a", count: 106)
        #expect(throws: Never.self) { try ListenAddress("unix:" + longest) }
        #expect(throws: SyntaxProblem.self) { try ListenAddress("unix:" + longest + "a") }
    }

    @Test(
        "Upstream addresses",
        arguments: [
            ("http://127.0.0.1:3000", UpstreamAddress.http(host: "127.0.0.1", port: 3000)),
            ("http://app/", .http(host: "app", port: 80)),
            ("HTTP://App.Example:8080", .http(host: "app.example", port: 8080)),
            ("http://[::1]:3000", .http(host: "::1", port: 3000)),
            ("h2c://app:50051", .h2c(host: "app", port: 50051)), ("H2C://[::1]", .h2c(host: "::1", port: 80)),
            ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
            ("https://app", .https(host: "app", port: 443)), ("HTTPS://[::1]:8443/", .https(host: "::1", port: 8443)),
            ("unix:///run/app.sock", .unix(path: "/run/app.sock")),
        ])
    func upstreams(text: String, address: UpstreamAddress) throws {
        #expect(try UpstreamAddress(text) == address)
    }

    @Test(
        "An invalid upstream is refused, with the fix",
        arguments: [
            ("h2c://app/path", "a path, query or fragment cannot stand in this address"),
            ("127.0.0.1:3000", "of the form http://127.0.0.1:3000"), ("http://", "host"),
            ("http://:3000", "host is missing"), ("http://app:0", "port 0"), ("http://app/base", "path"),
            ("http://app?x", "path"), ("http://app#x", "path"), ("http://u:p@app", "user name or password"),
            ("ftp://app", "of the form"), ("", "of the form"), ("unix:app.sock", "absolute"),
        ])
    func notUpstreams(text: String, fix: String) {
        let problem = #expect(throws: SyntaxProblem.self) { try UpstreamAddress(text) }
        #expect(problem?.message.contains(fix) == true, "\(problem?.message ?? "")")
    }

    @Test(
        "An origin has one spelling",
        arguments: [
            ("https://App.Example.com", "https://app.example.com"),
            ("https://app.example.com:443/", "https://app.example.com"),
            ("http://localhost:8080", "http://localhost:8080"), ("http://[::1]:80", "http://[::1]"),
        ])
    func origins(text: String, written: String) throws {
        #expect(try HTTPOrigin(text).description == written)
    }

    @Test(
        "An origin is no more than scheme, host and port", arguments: ["https://", "https://*", "https://a/b", "a.com"])
    func notOrigins(text: String) {
        #expect(throws: SyntaxProblem.self) { try HTTPOrigin(text) }
    }

    @Test("A template is text and placeholders")
    func templates() throws {
        #expect(
            try TextTemplate("a{b}c{d}").parts == [.text("a"), .placeholder("b"), .text("c"), .placeholder("d")])
        #expect(try TextTemplate("").parts == [])
    }

    @Test(
        "A brace that is no placeholder is an error", arguments: ["{", "}", "a{b", "a}b", "{}", "{a b}", "{{a}}", "}{"])
    func notTemplates(text: String) {
        #expect(throws: SyntaxProblem.self) { try TextTemplate(text) }
    }
}
