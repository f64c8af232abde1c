// SPDX-License-Identifier: Apache-2.0

import Decisions
import Telemetry
import Testing

@Suite("Access lines")
struct AccessLogTests {
    @Test("A line holds every field, as JSON")
    func jsonLine() {
        #expect(
            line(.json)
                == #"{"time":"2026-11-21T09:30:00.125Z","kind":"access","id":"r1","client":"192.0.2.7","method":"GET","#
                + #""host":"app.example.com","path":"/wiki","status":200,"bytes":10240,"bytesReceived":7,"duration":0.001234,"#
                + #""upstream":"127.0.0.1:3000","upstreamDuration":0.000987,"protocol":"HTTP/1.1","tls":"TLSv1.3","#
                + #""userAgent":"curl/8","traceID":"0123456789abcdeffedcba9876543210","user":"ada@example.com","#
                + #""decision":"forward","reason":"expired"}"# + "\n")
    }

    @Test("A line holds every field, as text")
    func textLine() {
        #expect(
            line(.text)
                == #"2026-11-21T09:30:00.125Z access id="r1" client="192.0.2.7" method="GET" host="app.example.com" "#
                + #"path="/wiki" status=200 bytes=10240 bytesReceived=7 duration=0.001234 upstream="127.0.0.1:3000" "#
                + #"upstreamDuration=0.000987 protocol="HTTP/1.1" tls="TLSv1.3" userAgent="curl/8" "#
                + #"traceID="0123456789abcdeffedcba9876543210" user="ada@example.com" decision="forward" reason="expired""#
                + "\n")
    }

    @Test("The decision of observe mode is logged beside the actual one", arguments: LogFormat.allCases)
    func would(format: LogFormat) {
        let observed = AccessLine(
            time: 0, status: 200, bytes: 0, duration: 0, outcome: .forward, would: .denied, reason: .ruleDenied)
        #expect(
            line(format, observed).contains(
                format == .json
                    ? #""decision":"forward","would":"denied","reason":"rule_denied""#
                    : #"decision="forward" would="denied" reason="rule_denied""#))
    }

    @Test("Missing values have no field", arguments: LogFormat.allCases)
    func absent(format: LogFormat) {
        let text = line(
            format, AccessLine(time: 0, status: 302, bytes: 0, duration: 0, outcome: .redirect), user: "", client: "",
            userAgent: "")
        for name in [
            "user", "upstream", "reason", "client", "would", "protocol", "tls", "userAgent", "traceID", "peer",
        ] { #expect(!text.contains(name)) }
        #expect(text.hasSuffix(format == .json ? "\"redirect\"}\n" : "\"redirect\"\n"))
    }

    @Test("Lines are appended to the same bytes")
    func appended() {
        var log = AccessLog(format: .json)
        var out = Array("before\n".utf8)
        for _ in 0..<3 { append(to: &out, &log) }
        #expect(String(decoding: out, as: UTF8.self) == "before\n" + line(.json) + line(.json) + line(.json))
    }

    @Test(
        "CVE-2021-29651: the path excludes the query, which can contain a token",
        arguments: [
            ("/cb?jwt=secret", "/cb"), ("/cb#jwt=secret", "/cb"), ("?jwt=secret", ""), ("/1234567?secret", "/1234567"),
            ("/12345678901234567?secret#x", "/12345678901234567"), ("/a%3Fb", "/a%3Fb"),
            ("/123456789012345#secret", "/123456789012345"),
        ])
    func noQuery(target: String, logged: String) {
        let text = line(.json, path: Array(target.utf8))
        #expect(!text.contains("secret"))
        if logged.isEmpty {
            #expect(!text.contains("\"path\""))
        } else {
            #expect(text.contains("\"path\":\"\(logged)\","))
        }
    }

    @Test(
        "The path ends before a token in it",
        arguments: [
            ("/cb&jwt=", ""), ("/cb%3Fjwt=", ""), ("/cb;jwt=", "/more"), ("/", ""), ("/a.b.c/", "/d.e"),
        ])
    func noToken(before: String, after: String) {
        let part = "eyJhbGciOiJIUzI1NiJ9"
        let signature = String(repeating: "s", count: 43)
        let token = "\(part).\(part).\(signature)"
        #expect(line(.json, path: Array((before + token + after).utf8)).contains("\"path\":\"\(before)\","))
        // No token: too short, or in other parts of the path.
        for path in ["/\(part).\(part).short", "/\(part)/\(part).\(signature)", "/\(part).\(signature)"] {
            #expect(line(.json, path: Array(path.utf8)).contains("\"path\":\"\(path)\","))
        }
    }

    @Test("A long text is truncated at a character, and marked")
    func cut() {
        let ascii = line(.json, path: Array(repeating: UInt8(ascii: "a"), count: 40_000))
        #expect(ascii.contains("\"path\":\"" + String(repeating: "a", count: 2048) + "…\""))
        // 2048 falls into the 683rd of these three-byte characters.
        let wide = line(.json, path: Array(String(repeating: "€", count: 1000).utf8))
        #expect(wide.contains("\"path\":\"" + String(repeating: "€", count: 682) + "…\""))
    }

    @Test("The worst bytes at the largest sizes still make one line of bounded size", arguments: LogFormat.allCases)
    func worstCase(format: LogFormat) {
        for byte in [UInt8(0), 0xff, UInt8(ascii: "\"")] {
            let bytes = Array(repeating: byte, count: 100_000)
            var log = AccessLog(format: format)
            var out: [UInt8] = []
            log.append(
                AccessLine(
                    time: .infinity, status: .max, bytes: .max, bytesReceived: .max, duration: .infinity,
                    upstream: bytes, upstreamDuration: .nan, version: "HTTP/1.1",
                    tls: String(decoding: bytes, as: UTF8.self), trace: TraceWords(high: .max, low: .max),
                    outcome: .forward, detail: String(decoding: bytes, as: UTF8.self), peer: bytes),
                id: bytes.span, client: bytes.span, method: bytes.span, host: bytes.span, path: bytes.span,
                user: bytes.span, userAgent: bytes.span, to: &out)
            #expect(out.count < 26_000)
            #expect(isOneLine(out))
        }
    }
}

@Suite("Log forging")
struct LogForgingTests {
    @Test(
        "CVE-2024-45808, CVE-2026-26309: nothing that is logged breaks or forges a line", arguments: LogFormat.allCases)
    func corpus(format: LogFormat) {
        let quotes = quoteCount(Array(line(format).utf8))
        for text in forgeries {
            var log = AccessLog(format: format)
            var out: [UInt8] = []
            log.append(
                AccessLine(
                    time: 0, status: 200, bytes: 0, duration: 0, upstream: text, upstreamDuration: 0,
                    version: "HTTP/1.1", tls: String(decoding: text, as: UTF8.self),
                    trace: TraceWords(high: 1, low: 2), outcome: .forward,
                    detail: String(decoding: text, as: UTF8.self)),
                id: text.span, client: text.span, method: text.span, host: text.span, path: text.span, user: text.span,
                userAgent: text.span, to: &out)
            #expect(isOneLine(out), "\(text)")
            #expect(quoteCount(out) == quotes, "\(text)")
        }
    }

    @Test("Each byte, before, between and after plain ones, is escaped or kept, and the line stays intact")
    func everyByte() {
        for byte in UInt8.min...UInt8.max where byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#") {
            for before in 0..<10 {
                for after in [0, 1, 7, 8, 9] {
                    let left = Array("abcdefghij".utf8.prefix(before))
                    let right = Array("klmnopqrs".utf8.prefix(after))
                    let text = line(.json, path: left + [byte] + right)
                    let expected =
                        String(decoding: left, as: UTF8.self) + escaped(byte) + String(decoding: right, as: UTF8.self)
                    guard text.contains("\"path\":\"\(expected)\",\"status\"") else {
                        Issue.record("byte \(byte) after \(before) before \(after): \(text)")
                        return
                    }
                }
            }
        }
    }

    @Test(
        "Characters are kept, or escaped if they are invisible or end lines",
        arguments: [
            ("é", "é"), ("日本語", "日本語"), ("😀", "😀"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029"),
            ("\u{85}", "\\u0085"), ("\u{9b}31m", "\\u009b31m"), ("\u{202e}gpj", "\\u202egpj"), ("\u{2066}", "\\u2066"),
            ("\u{200b}", "\\u200b"), ("\u{feff}", "\\ufeff"), ("\u{e0041}", "\\udb40\\udc41"),
            ("\u{10ffff}", "\u{10ffff}"),
            ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("\n", "\\u000a"), ("\u{1b}[2J", "\\u001b[2J"),
            ("\u{7f}", "\\u007f"),
        ])
    func characters(text: String, logged: String) {
        #expect(line(.json, path: Array(text.utf8)).contains("\"path\":\"\(logged)\",\"status\""))
    }

    @Test(
        "Bytes that are not UTF-8 become U+FFFD, each one",
        arguments: [
            ([0xff], 1), ([0xc0, 0xaf], 2), ([0xc1, 0xbf], 2), ([0xe0, 0x80, 0xaf], 3), ([0xed, 0xa0, 0x80], 3),
            ([0xf4, 0x90, 0x80, 0x80], 4), ([0xf5, 0x80], 2), ([0xe2, 0x80], 2), ([0x80], 1), ([0xf0, 0x9f, 0x98], 3),
            ([0xf0, 0x80, 0x80, 0x80], 4),
        ] as [([UInt8], Int)])
    func invalid(bytes: [UInt8], count: Int) {
        let replaced = String(repeating: "\\ufffd", count: count)
        #expect(line(.json, path: bytes).contains("\"path\":\"\(replaced)\",\"status\""))
        #expect(line(.json, path: bytes + Array("x".utf8)).contains("\"path\":\"\(replaced)x\",\"status\""))
    }

    private func escaped(_ byte: UInt8) -> String {
        switch byte {
        case 0x22: "\\\""
        case 0x5c: "\\\\"
        case 0..<0x20, 0x7f: "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        case 0x80...: "\\ufffd"
        default: String(UnicodeScalar(byte))
        }
    }
}

/// Inputs that have forged log lines in other systems.
private let forgeries: [[UInt8]] =
    [
        "x\n{\"time\":\"2026-11-21T09:30:00.125Z\",\"kind\":\"audit\",\"event\":\"login\",\"user\":\"root\"}",
        "x\r\nGET /admin HTTP/1.1", "\",\"user\":\"root", "\\\",\"user\":\"root", "\\", "\\\\\"", "\"}\n{\"",
        "\" user=\"root", "\u{0}", "\t", "\u{b}\u{c}", "\u{1b}]0;title\u{7}", "\u{1b}[1A\u{1b}[2K", "\u{8}\u{8}\u{8}",
        "\u{2028}{\"kind\":\"audit\"}", "\u{2029}", "\u{85}", "\u{9b}2J", "\u{202e}moc.elpmaxe@nimda",
        "${jndi:ldap://x}",
        "%0d%0a", "\u{feff}", "\u{ff02}", "&quot;", "</script><script>", String(repeating: "\n", count: 5000),
    ].map { Array($0.utf8) } + [
        [0xff, 0xfe], [0xc0, 0x8a], [0xc0, 0xa2], [0xe0, 0x80, 0x8a], [0xf0, 0x80, 0x80, 0x8a], [0xed, 0xa0, 0x80],
        [0xe2, 0x80], [0xc2, 0x0a], [0xc2, 0x22], [0xf0, 0x9f, 0x0a, 0x0a],
    ]

/// Whether `bytes` are UTF-8 without any control character but one line feed, at the end.
func isOneLine(_ bytes: [UInt8]) -> Bool {
    guard bytes.last == 10, let text = String(validating: bytes, as: UTF8.self) else { return false }
    return text.dropLast().unicodeScalars.allSatisfy { scalar in
        scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value) && scalar.value != 0x2028
            && scalar.value != 0x2029
    }
}

/// The number of quotes without an escaping backslash.
private func quoteCount(_ bytes: [UInt8]) -> Int {
    var count = 0
    var isEscaped = false
    for byte in bytes {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            count += 1
        }
    }
    return count
}

private func line(
    _ format: LogFormat,
    _ values: AccessLine = AccessLine(
        time: 1_795_253_400.125, status: 200, bytes: 10240, bytesReceived: 7, duration: 0.001234,
        upstream: Array("127.0.0.1:3000".utf8), upstreamDuration: 0.000987, version: "HTTP/1.1", tls: "TLSv1.3",
        trace: TraceWords(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210), outcome: .forward, reason: .expired),
    path: [UInt8] = Array("/wiki".utf8), user: String = "ada@example.com", client: String = "192.0.2.7",
    userAgent: String = "curl/8"
) -> String {
    var log = AccessLog(format: format)
    var out: [UInt8] = []
    append(to: &out, &log, values, path: path, user: user, client: client, userAgent: userAgent)
    return String(decoding: out, as: UTF8.self)
}

private func append(
    to out: inout [UInt8], _ log: inout AccessLog,
    _ values: AccessLine = AccessLine(
        time: 1_795_253_400.125, status: 200, bytes: 10240, bytesReceived: 7, duration: 0.001234,
        upstream: Array("127.0.0.1:3000".utf8), upstreamDuration: 0.000987, version: "HTTP/1.1", tls: "TLSv1.3",
        trace: TraceWords(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210), outcome: .forward, reason: .expired),
    path: [UInt8] = Array("/wiki".utf8), user: String = "ada@example.com", client: String = "192.0.2.7",
    userAgent: String = "curl/8"
) {
    let id = Array("r1".utf8)
    let method = Array("GET".utf8)
    let host = Array("app.example.com".utf8)
    let client = Array(client.utf8)
    let user = Array(user.utf8)
    let userAgent = Array(userAgent.utf8)
    log.append(
        values, id: id.span, client: client.span, method: method.span, host: host.span, path: path.span,
        user: user.span, userAgent: userAgent.span, to: &out)
}
