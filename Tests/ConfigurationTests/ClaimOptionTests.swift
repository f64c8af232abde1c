// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Testing

@Suite("Claims of fields, in the configuration")
struct ClaimOptionTests {
    let place = Workplace()

    private static func with(_ claims: String) -> String {
        minimal.replacing("token: { keys:", with: "token: { claims: { \(claims) }, keys:")
    }

    @Test(
        "are names, or a mapping",
        arguments: [
            ("[realm_access.roles, groups]", ClaimRule("groups", ["realm_access.roles", "groups"])),
            ("scope", ClaimRule("groups", ["scope"])),
            ("{ claims: [scope], split: \" \" }", ClaimRule("groups", ["scope"], split: " ")),
            ("{ claims: scope, split: \"\" }", ClaimRule("groups", ["scope"], split: "")),
            ("{ paths: [[realm_access, roles]] }", ClaimRule("groups", [], paths: [["realm_access", "roles"]])),
            (
                "{ paths: [[resource_access, my.app, roles], [a]], claims: [b], split: \";\" }",
                ClaimRule("groups", ["b"], paths: [["resource_access", "my.app", "roles"], ["a"]], split: ";")
            ),
        ])
    func forms(text: String, rule: ClaimRule) throws {
        let loaded = place.load(Self.with("groups: \(text)"))
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let claims = try #require(loaded.settings?.token.claims)
        #expect(claims.first { $0.field == "groups" } == rule)
        // The others are as they were.
        #expect(claims.filter { $0.field != "groups" } == ClaimRule.standard.filter { $0.field != "groups" })
        // From the environment and the command line too, as JSON.
        let other = place.load(minimal, overrides: [.set("token.claims.groups", text)])
        #expect(other.errors.isEmpty, "\(other.errors)")
        #expect(other.settings?.token.claims.first { $0.field == "groups" } == rule)
    }

    @Test(
        "that cannot be are refused, with the fix",
        arguments: [
            ("groups: { split: \" \" }", "`token.claims.groups` names no claim"),
            ("groups: {}", "`token.claims.groups` names no claim"),
            ("groups: { claims: [] }", "names no claim"), ("groups: { paths: [[]] }", "has an empty path"),
            ("groups: { paths: [[a, b, c, d, e, f, g, h, i]] }", "at most 8 names"),
            ("groups: { paths: [[a, \"\"]] }", "a claim's name cannot be empty"),
            ("groups: { claim: [a] }", "did you mean `claims`?"),
            ("groups: { claims: [a], split: \"123456789\" }", "at most 8 bytes"),
            ("groups: { claims: [a], split: \"\\n\" }", "no control character"),
            ("user: { claims: [sub], split: \",\" }", "this field has one value"),
            ("email: { claims: [email], split: \",\" }", "this field has one value"),
        ])
    func refused(text: String, problem: String) {
        let loaded = place.load(Self.with(text))
        #expect(loaded.errors.contains { $0.contains(problem) }, "\(loaded.errors)")
    }

    @Test("An empty list removes a field, and what is printed can be read again")
    func printed() {
        let loaded = place.load(
            Self.with("guest: [], groups: { claims: [scope], split: \" \" }, roles: { paths: [[a, \"b c\"]] }"))
        #expect(loaded.settings?.token.claims.contains { $0.field == "guest" } == false)
        let text = ConfigurationPrinter(isEffective: true).text(loaded.resolution)
        #expect(text.contains("groups: { claims: [scope], split: \" \" }"), "\(text)")
        #expect(text.contains("roles: { paths: [[a, \"b c\"]] }"), "\(text)")
    }

    @Test(
        "Templates name what stands between the values of a list",
        arguments: [
            ("{groups;|}", nil), ("{groups; }", nil), ("{groups;, } {user}", nil),
            ("{groups;}", "the separator is missing"), ("{groups;a}", "a separator has at most 8"),
            ("{group;|}", "did you mean {groups}?"), ("{;|}", "a name must stand"),
        ] as [(String, String?)])
    func templates(template: String, problem: String?) {
        let loaded = place.load(minimal + "identityHeaders: { X-Groups: \"\(template)\" }\n")
        guard let problem else {
            #expect(loaded.errors.isEmpty, "\(loaded.errors)")
            return
        }
        #expect(loaded.errors.contains { $0.contains(problem) }, "\(loaded.errors)")
    }

    @Test("A list separator is for fields of headers alone")
    func urls() {
        let loaded = place.load(
            minimal.replacing("loginURL: ", with: "logoutURL: \"https://idp.test/?a={returnTo;|}\", loginURL: "))
        #expect(loaded.errors.contains { $0.contains("a name must stand") }, "\(loaded.errors)")
    }

    @Test(
        "Domains of addresses may be written with any letters",
        arguments: [
            ("emailDomains: [bücher.example]", nil), ("emails: [ada@Bücher.example]", nil),
            ("emailDomains: [xn--bcher-kva.example]", nil), ("emailDomains: [\"😀.example\"]", "write its A-label"),
            ("emails: [\"ada@ｅxample.com\"]", "write its A-label"),
        ] as [(String, String?)])
    func domains(users: String, problem: String?) {
        let loaded = place.load(minimal + "access: { users: { \(users) } }\n")
        guard let problem else {
            #expect(loaded.errors.isEmpty, "\(loaded.errors)")
            return
        }
        #expect(loaded.errors.contains { $0.contains(problem) }, "\(loaded.errors)")
    }
}
