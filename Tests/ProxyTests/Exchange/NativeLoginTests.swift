// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import TestSupport
import Testing

@Suite("The app's own login page")
struct NativeLoginTests {
    private static func run(_ log: TestLog? = nil, _ body: (Stage) throws -> Void) throws {
        try Stage.run(
            gate: { $0.nativeLogin = NativeLoginConfiguration(parameters: ["no_sso"], paths: ["/login"]) }, log: log,
            body)
    }

    private static let ask = "GET /login?no_sso HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-User: root\r\n\r\n"

    @Test("it opens without identity, with a cookie on the response, and one audit line")
    func opens() throws {
        let log = TestLog()
        try Self.run(log) { stage in
            let browser = try stage.browser()
            try browser.send(Self.ask)
            let app = try stage.app.accept()
            let head = try app.receiveHead()
            #expect(head.firstLine.hasPrefix("GET /login") && head.field("X-Forwarded-User") == nil)
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            let cookie = try #require(try browser.receiveHead().field("Set-Cookie")?.split(separator: ";").first)
            #expect(cookie.hasPrefix("sidegate-native="))

            try browser.send(
                "POST /login HTTP/1.1\r\nHost: app.example\r\nCookie: \(cookie)\r\nContent-Length: 2\r\n\r\nok")
            let second = try app.receiveHead()
            #expect(second.field("Cookie") == nil)
            #expect(try app.receive(like: "ok") == "ok")
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            #expect(try browser.receiveHead().field("Set-Cookie") == nil)

            let lines = try log.wait("access", 2)
            #expect(lines.allSatisfy { $0.contains("\"decision\":\"native-login\"") })
            let audit = log.lines("audit")
            #expect(audit.count == 1 && audit.first?.contains("\"event\":\"native_login\"") == true)
        }
    }

    @Test("a response for shared caches does not carry the cookie")
    func cached() throws {
        try Self.run { stage in
            let browser = try stage.browser()
            try browser.send(Self.ask)
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nContent-Length: 0\r\n\r\n")
            #expect(try browser.receiveHead().field("Set-Cookie") == nil)
        }
    }
}
