// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

@Suite("Forward-auth: other spellings of identity headers (CVE-2025-64484)")
struct SpoofedIdentityTests {
    static let names = [
        "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups",
        "X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Sidegate-Jwt-Assertion",
        "X-Sidegate-Whatever",
    ]
    /// What a name may have besides letters and digits (RFC 9110 §5.6.2).
    static let signs = Array("!#$%&'*+-.^_`|~")

    static func asked(
        _ browser: Browser, _ field: String, path: String = "/public/x", query: String = ""
    ) throws -> Reply {
        let fields = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: \(path)", "X-Forwarded-Proto: https", field]
        return try #require(try browser.send("GET", ForwardAuthTests.auth + query, fields).answer)
    }

    /// `name` with other signs for its hyphens and in any case.
    static func spelled(_ name: String, _ random: inout some RandomNumberGenerator) -> String {
        String(
            name.map { letter in
                if letter == "-" { return signs.randomElement(using: &random) ?? "_" }
                return Bool.random(using: &random)
                    ? Character(letter.uppercased()) : Character(letter.lowercased())
            })
    }

    @Test("Every spelling is refused, on open and closed paths, with a session and without, asked in each way")
    func refused() throws {
        var random = SystemRandomNumberGenerator()
        let signedIn = try ForwardAuthTests.browser()
        try signedIn.signIn()
        for browser in [try ForwardAuthTests.browser(), signedIn] {
            for round in 0..<40 {
                for name in Self.names {
                    var other = Self.spelled(name, &random)
                    if other.lowercased() == name.lowercased() { other = name.replacing("-", with: "_") }
                    for path in ["/public/x", "/x"] {
                        let query = round % 2 == 0 ? "" : "?redirect=1"
                        let answer = try Self.asked(browser, "\(other): root", path: path, query: query)
                        #expect(answer.status == 403 && answer.reason == "identity_header_spoofed", "\(other)")
                        #expect(answer["x-forwarded-user"] == nil && answer.setCookies.isEmpty)
                    }
                    let envoy = try browser.send("GET", ForwardAuthTests.auth + "/public/x", ["\(other): root"])
                    #expect(envoy.status == 403, "\(other)")
                }
            }
        }
    }

    @Test("Whatever forward-auth refuses does not pass through Sidegate itself either")
    func sameAsForwarded() throws {
        var random = SystemRandomNumberGenerator()
        let browser = try ForwardAuthTests.browser { $0.access.rules = [] }
        try browser.signIn()
        for _ in 0..<300 {
            let name = Self.spelled(Self.names.randomElement(using: &random) ?? "", &random)
            let head = try #require(try browser.send("GET", "/x", ["\(name): root"]).head)
            #expect(!head.contains("root"), "\(name)")
        }
    }

    @Test(
        "The exact names, which proxies overwrite, and names that only resemble them are no reason",
        arguments: [
            "X-Forwarded-User", "x-forwarded-user", "X-AUTH-REQUEST-GROUPS", "X-Sidegate-Whatever", "X_Forwarded_Users",
            "X_Forwarded_Use", "X__Forwarded_User", "XForwardedUser", "_X_Forwarded_User", "Remote_User", "api_key",
        ])
    func others(name: String) throws {
        #expect(try Self.asked(ForwardAuthTests.browser(), "\(name): root").status == 202)
    }

    @Test("Names of the configuration count as they are spelled there")
    func configured() throws {
        let browser = try ForwardAuthTests.browser {
            $0.identityHeaders = [
                try HeaderRule(name: "X_Staff.Number", template: "{user}", fields: ["user"]),
                try HeaderRule(name: "Staff", template: "{user}", fields: ["user"]),
            ]
        }
        for name in ["X_Staff.Number", "x_staff.number", "Staff", "X_Forwarded_User"] {
            #expect(try Self.asked(browser, "\(name): root").status == 202, "\(name)")
        }
        for name in ["X-Staff-Number", "X_Staff_Number", "X.Staff.Number", "x-STAFF_number", "X_Auth_Request_User"] {
            #expect(try Self.asked(browser, "\(name): root").reason == "identity_header_spoofed", "\(name)")
        }
    }

    @Test("Refused also where everything else is let through")
    func everywhere() throws {
        let observing = try ForwardAuthTests.browser { $0.access.mode = .observe }
        #expect(try Self.asked(observing, "Accept: */*", path: "/internal/x").status == 202)
        #expect(try Self.asked(observing, "X_Forwarded_User: root", path: "/internal/x").status == 403)
        let guests = try ForwardAuthTests.browser {
            $0.access.rules = []
            $0.access.default = .guest
        }
        #expect(try Self.asked(guests, "X.Forwarded.User: root").status == 403)
        // A question about the session alone.
        #expect(try guests.send("GET", ForwardAuthTests.auth, ["X_Forwarded_User: root"]).status == 403)
    }

    @Test("A proxy that is not trusted gets no other answer")
    func untrusted() throws {
        let answer = try Self.asked(ForwardAuthTests.browser(trusted: false), "X_Forwarded_User: root")
        #expect(answer.status == 403 && answer.reason == "proxy_not_trusted")
    }

    @Test("basic: the browser's own Authorization is overwritten where nobody is signed in, and else not mentioned")
    func basic() throws {
        let browser = try ForwardAuthTests.browser { $0.identityHeaders = HeaderPreset.basic.rules }
        #expect(try Self.asked(browser, "Authorization: Basic cm9vdDo=")["authorization"] == "")
        #expect(try Self.asked(browser, "Accept: */*")["authorization"] == nil)
        try browser.signIn()
        #expect(try Self.asked(browser, "Authorization: Basic cm9vdDo=")["authorization"] == "Basic YWRhOg==")
    }
}
