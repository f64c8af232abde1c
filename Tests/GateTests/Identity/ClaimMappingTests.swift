// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("Claims become fields")
struct ClaimMappingTests {
    /// The answer to the return, and the fields of the session that began.
    private func enter(
        _ claims: [(String, JSONValue)], _ change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> (answer: Reply, fields: String) {
        let browser = try Browser(change)
        let all = [("sub", "ada"), ("email", "ada@example.com")].filter { pair in !claims.contains { $0.0 == pair.0 } }
        let now: [(String, JSONValue)] = [
            ("iat", .number(JSONNumber(Int(noon)))), ("exp", .number(JSONNumber(Int(noon) + 60))),
        ]
        let jwt = try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(
            claims: all.map { ($0.0, JSONValue.string($0.1)) } + claims + now)
        let answer = try #require(browser.returned(browser.get("/"), token: jwt).answer)
        return (answer, try browser.get("/.sidegate/session").answer?.body ?? "")
    }

    @Test(
        "that are only shown are trimmed",
        arguments: [
            ("family_name", "Lovelace ", #""familyName":"Lovelace""#),
            ("given_name", "\t Ada\n", #""givenName":"Ada""#),
            ("preferred_username", "\u{a0}ada\u{2003}", #""preferredUsername":"ada""#),
        ])
    func trimmed(_ claim: String, _ value: String, _ field: String) throws {
        let (answer, fields) = try enter([(claim, .string(value))])
        #expect(answer.status == 303 && answer.response.detail == nil)
        #expect(fields.contains(field), "\(fields)")
    }

    @Test(
        "an address counts unless email_verified says anything but true",
        arguments: [
            (nil, true), (true, true), ("true", true), (false, false), ("false", false), ("True", false),
            (.null, false),
            (1, false), ("", false), ([], false), ([true], false),
        ] as [(JSONValue?, Bool)])
    func verifiedAddress(_ verified: JSONValue?, _ counts: Bool) throws {
        let claims = verified.map { [("email_verified", $0)] } ?? []
        let answer = try enter(claims).answer
        #expect(answer.reason == (counts ? nil : "field_missing"))
        #expect(try enter(claims) { $0.provider.acceptsUnverifiedEmail = true }.answer.status == 303)
    }

    static let unsound: [JSONValue] = [
        "a\u{0}b", "a\nb", "\u{202e}a", .string(String(repeating: "a", count: 1025)), ["a": 1], [["a"]], ["a", nil],
        .array(Array(repeating: "a", count: 513)),
    ]

    @Test("that are only shown are left out when they are not sound, with a word in the log", arguments: unsound)
    func leftOut(_ value: JSONValue) throws {
        let (answer, fields) = try enter([("family_name", value), ("given_name", "Ada")])
        #expect(answer.status == 303)
        #expect(!fields.contains("familyName") && fields.contains(#""givenName":"Ada""#))
        let detail = try #require(answer.response.detail)
        #expect(detail.hasPrefix("The field familyName was left out: it "), "\(detail)")
    }

    @Test("that are only shown and hold nothing are absent", arguments: ["", " ", "\t\n", "\u{a0}"])
    func empty(_ value: String) throws {
        let (answer, fields) = try enter([("given_name", .string(value))])
        #expect(answer.status == 303 && !fields.contains("givenName"))
        // The next claim counts, as for an empty text.
        let (_, other) = try enter([("given_name", .string(value)), ("name", "Ada")]) {
            $0.provider.claims =
                ClaimRule.standard.filter { $0.field != "givenName" } + [
                    ClaimRule("givenName", ["given_name", "name"])
                ]
        }
        #expect(other.contains(#""givenName":"Ada""#))
    }

    @Test("that are only shown get the room that is left")
    func room() throws {
        let long = JSONValue.string(String(repeating: "a", count: 1000))
        let names = (0..<11).map { "note\($0)" }
        let (answer, fields) = try enter(names.map { ($0, long) } + [("groups", ["staff"])]) {
            $0.provider.claims = names.map { ClaimRule($0, [$0]) } + ClaimRule.standard
        }
        #expect(answer.status == 303)
        #expect(fields.contains("note0") && !fields.contains("note10") && fields.contains(#""groups":["staff"]"#))
        #expect(answer.response.detail?.contains("10240") ?? false)
    }

    @Test("groups that are no texts, or have blanks at their ends, are left out")
    func groups() throws {
        let mixed: JSONValue = [
            "staff", 5, true, nil, ["a": 1], ["admins"], " admins", "admins ", "\u{a0}admins", "", "ops",
        ]
        let (answer, fields) = try enter([("groups", mixed)])
        #expect(answer.status == 303 && fields.contains(#""groups":["staff","ops"]"#), "\(fields)")
        #expect(answer.response.detail?.hasPrefix("8 of 10 values of the field groups were left out") ?? false)
        for none in [5, true, ["a": 1], [" "], [[]]] as [JSONValue] {
            let (answer, fields) = try enter([("groups", none), ("roles", ["admins"])])
            #expect(answer.status == 303 && !fields.contains("groups"), "\(fields)")
        }
        #expect(try enter([("groups", "staff,admins\t, ops")]).fields.contains(#""groups":["staff","ops"]"#))
    }

    @Test("a limit that is exceeded is named, with its field, on the page and in the log")
    func limits() throws {
        let six = JSONValue.array((0..<600).map { .string("g\($0)") })
        let long = String(repeating: "a", count: 1100)
        let big = JSONValue.array((0..<165).map { .string("\($0)" + String(repeating: "b", count: 61)) })
        for (claims, words) in [
            ([("groups", six)], ["groups", "600", "512"]), ([("sub", .string(long))], ["user", "1100", "1024"]),
            ([("groups", [.string(long)])], ["groups", "1100", "1024"]), ([("groups", big)], ["groups", "10240"]),
            ([("site_access", six)], ["sites", "600", "512"]),
            ([("email", .string(String(repeating: "a", count: 320) + "@b.c"))], ["email", "324", "320"]),
            ([("email", ["a@b.c", "d@e.f"])], ["email", "2", "one"]),
            ([("email", "a@b@c")], ["email", "exactly one @"]),
            ([("sub", "ada ")], ["user", "white space"]), ([("guest", ["a": 1])], ["guest", "text"]),
        ] as [([(String, JSONValue)], [String])] {
            let (answer, _) = try enter(claims)
            #expect(answer.reason == "field_invalid")
            let detail = try #require(answer.response.detail)
            for word in words {
                #expect(answer.body.contains(word) && detail.contains(word), "\(word): \(detail)")
            }
            #expect(!answer.body.contains(long) && !answer.body.contains("for example its e-mail address"))
        }
    }

    @Test("a field that is missing is named")
    func missing() throws {
        let (answer, _) = try enter([("email", "")])
        #expect(answer.reason == "field_missing" && answer.body.contains("The field email is missing"))
        #expect(answer.response.detail?.contains("email") ?? false && answer.response.user == "ada")
    }
}
