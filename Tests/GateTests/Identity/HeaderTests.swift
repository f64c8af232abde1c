// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Testing

@Suite("Identity headers")
struct HeaderTests {
    @Test("templates, lists and encodings of identity headers")
    func rendering() throws {
        let claims: [(String, JSONValue)] = [
            ("given_name", "Zoë"), ("family_name", "Ødegård 100%"), ("groups", ["a", "b,c", "d|e"]),
            ("preferred_username", "zoë"),
        ]
        func head(_ rules: [HeaderRule], _ encoding: HeaderEncoding = .utf8, _ claims: [(String, JSONValue)] = claims)
            throws -> [String]
        {
            let browser = try Browser {
                $0.identityHeaders = rules
                $0.headerEncoding = encoding
            }
            try browser.returned(browser.get("/"), token: token("zoe", claims))
            let all = try browser.get("/").head ?? ""
            let names = rules.map { $0.name + ":" }
            return all.split(separator: "\r\n").map(String.init).filter { line in names.contains { line.hasPrefix($0) }
            }
        }
        let rule = try HeaderRule(
            name: "X-Name", template: "{givenName} <{familyName}>", fields: ["givenName", "familyName"])
        #expect(try head([rule]) == ["X-Name: Zoë <Ødegård 100%>"])
        #expect(try head([rule], .percent) == ["X-Name: Zo%C3%AB <%C3%98deg%C3%A5rd 100%25>"])
        #expect(try head([rule], .rfc2047) == ["X-Name: =?UTF-8?B?Wm/DqyA8w5hkZWfDpXJkIDEwMCU+?="])
        #expect(
            try head(HeaderPreset.jenkins.rules) == [
                "X-Forwarded-User: zoe", "X-Forwarded-Mail: zoe@example.com",
                "X-Forwarded-DisplayName: Zoë Ødegård 100%",
                "X-Forwarded-Groups: a|b,c|d%7Ce",
            ])
        #expect(
            try head(HeaderPreset.grafana.rules) == [
                "X-WEBAUTH-USER: zoe", "X-WEBAUTH-EMAIL: zoe@example.com", "X-WEBAUTH-NAME: Zoë Ødegård 100%",
                "X-WEBAUTH-GROUPS: a,b%2Cc,d|e",
            ])
        #expect(
            try head(HeaderPreset.remoteUser.rules, .utf8, [("given_name", "Zoë")]) == [
                "Remote-User: zoe", "Remote-Email: zoe@example.com", "Remote-Name: Zoë",
            ])
        // One group with a comma must not pass for two.
        #expect(
            try head(HeaderPreset.authRequest.rules, .utf8, [("groups", ["x,admins"])]).last
                == "X-Auth-Request-Groups: x%2Cadmins")
        func list(_ template: String, _ groups: JSONValue...) throws -> String? {
            let rule = try HeaderRule(name: "X-List", template: template, fields: ["groups", "user"])
            return try head([rule], .utf8, [("groups", .array(groups))]).first.map { String($0.dropFirst(8)) }
        }
        // What stands between the values; one character of it stands in none of them.
        #expect(try list("{groups; }", "a", "b c", "d") == "a b%20c d")
        #expect(try list("{groups;|}", "a", "b|c", "d,e") == "a|b%7Cc|d,e")
        #expect(try list("{groups;;}", "a", "b;c") == "a;b%3Bc")
        #expect(try list("{groups;, }", "a", "b, c", "d,") == "a, b%2C c, d%2C")
        #expect(try list("{groups; | }", "a b", "|", "c") == "a b | %7C | c")
        #expect(try list("{groups;||}", "a|", "|b") == "a%7C||%7Cb")
        #expect(try list("{groups;|} {groups} {user;/}", "a", "b") == "a|b a,b zoe")
        for separator in ["", "%", "a", "0", ",Z", "é", "{", "123456789", ",,,,,,,,,", "\t", "\n"] {
            #expect(throws: GateConfigurationError.self, "\(separator)") {
                try HeaderRule(name: "X-A", template: "{groups;\(separator)}", fields: ["groups"])
            }
        }
        let long = try HeaderRule(name: "X-Long", template: "{givenName}", fields: ["givenName"])
        let words = try head([long], .rfc2047, [("given_name", .string(String(repeating: "ä", count: 60)))])[0]
            .dropFirst(8).split(separator: " ")
        #expect(words.count == 3 && words.allSatisfy { $0.utf8.count <= 75 })
        for name in [
            "Host", "content-length", "X_Forwarded_For", "Cookie", "X-Sidegate-User", "", "a b", "X-\u{e4}", "--",
            "a:b", "Transfer.Encoding", "User-Agent", "origin", "X_Requested_With", "X-Original-URL", "Sec-Fetch-Mode",
        ] {
            #expect(throws: GateConfigurationError.self) {
                try HeaderRule(name: name, template: "{user}", fields: ["user"])
            }
        }
        for template in ["{nobody}", "{user", "a\r\nb: {user}"] {
            #expect(throws: GateConfigurationError.self) {
                try HeaderRule(name: "X-A", template: template, fields: ["user"])
            }
        }
    }
}
