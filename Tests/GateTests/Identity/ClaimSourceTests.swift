// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import JWT
import Testing

@Suite("Where the claims of a field stand")
struct ClaimSourceTests {
    /// The fields of a user whose token has these claims, or the refusal.
    private static func fields(_ rules: [ClaimRule], _ claims: [(String, JSONValue)]) -> String {
        let all = [("sub", JSONValue.string("ada"))] + claims
        switch ClaimsCheck(claims: [ClaimRule("user", ["sub"])] + rules, required: []).examine(.object(JSONObject(all)))
        {
        case .success(let finding):
            let texts = finding.fields.dropFirst().map { "\($0.field)=\($0.values.joined(separator: "/"))" }
            return (texts + finding.omissions.map { _ in "(left out)" }).joined(separator: " ")
        case .failure(let refusal): return refusal.description
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let rule: ClaimRule
        let claims: [(String, JSONValue)]
        let result: String
        var testDescription: String { "\(rule) \(claims) → \(result)" }

        init(_ rule: ClaimRule, _ claims: [(String, JSONValue)], _ result: String) {
            self.rule = rule
            self.claims = claims
            self.result = result
        }
    }

    static let keycloak: (String, JSONValue) = ("realm_access", ["roles": ["admins", "staff"]])
    static let roles = ClaimRule("groups", ["realm_access.roles"])
    static let deep = "a.b.c.d.e.f.g.h"

    static func nested(_ names: [String], _ value: JSONValue) -> (String, JSONValue) {
        let inner = names.dropFirst().reversed().reduce(value) { JSONValue.object(JSONObject([($1, $0)])) }
        return (names[0], inner)
    }

    static let cases: [Case] = [
        Case(roles, [keycloak], "groups=admins/staff"),
        // As it is written first, then as a path.
        Case(roles, [keycloak, ("realm_access.roles", ["ops"])], "groups=ops"),
        Case(roles, [("realm_access.roles", ["ops"])], "groups=ops"),
        Case(
            ClaimRule("groups", ["https://app.example/groups"]), [("https://app.example/groups", ["ops"])],
            "groups=ops"),
        // What is there in a wrong shape does not make room.
        Case(roles, [keycloak, ("realm_access.roles", 5)], "(left out)"),
        Case(roles, [keycloak, ("realm_access.roles", ["a": 1])], "(left out)"),
        Case(
            ClaimRule("sites", ["a.b"]), [("a", ["b": "1"]), ("a.b", ["c": 1])], "field_invalid: sites"),
        Case(
            ClaimRule("groups", ["realm_access.roles", "roles"]), [("realm_access", ["roles": 5]), ("roles", ["x"])],
            "(left out)"),
        // What is empty is as good as absent.
        Case(roles, [keycloak, ("realm_access.roles", nil)], "groups=admins/staff"),
        Case(roles, [keycloak, ("realm_access.roles", "")], "groups=admins/staff"),
        Case(
            ClaimRule("groups", ["realm_access.roles", "roles"]), [("realm_access", ["other": 5]), ("roles", ["x"])],
            "groups=x"),
        // Objects alone.
        Case(roles, [("realm_access", [["roles": ["x"]]])], ""), Case(roles, [("realm_access", "roles")], ""),
        Case(ClaimRule("groups", ["a.0"]), [("a", ["x"])], ""),
        // At most eight deep.
        Case(ClaimRule("groups", [deep]), [nested(deep.split(separator: ".").map(String.init), ["x"])], "groups=x"),
        Case(
            ClaimRule("groups", [deep + ".i"]), [nested((deep + ".i").split(separator: ".").map(String.init), ["x"])],
            ""),
        Case(ClaimRule("groups", ["a..b", ".a", "a."]), [("a", ["": ["b": ["x"]]]), ("", ["a": ["x"]])], ""),
        // A path never reads one name.
        Case(ClaimRule("groups", [], paths: [["realm_access", "roles"]]), [keycloak], "groups=admins/staff"),
        Case(ClaimRule("groups", [], paths: [["realm_access", "roles"]]), [("realm_access.roles", ["x"])], ""),
        Case(
            ClaimRule("groups", [], paths: [["resource_access", "my.app", "roles"]]),
            [("resource_access", ["my.app": ["roles": ["x"]]])], "groups=x"),
        Case(
            ClaimRule("groups", ["groups"], paths: [["a", "b"]]), [("a", ["b": ["x"]]), ("groups", ["y"])], "groups=y"),
        Case(ClaimRule("groups", ["groups"], paths: [["a", "b"]]), [("a", ["b": ["x"]])], "groups=x"),
        // Split.
        Case(ClaimRule("groups", ["scope"], split: " "), [("scope", "read  write ")], "groups=read/write"),
        Case(ClaimRule("groups", ["scope"], split: " "), [("scope", "a,b c")], "groups=a,b/c"),
        Case(ClaimRule("groups", ["scope"], split: " "), [("scope", ["a b", "c"])], "groups=a b/c"),
        Case(ClaimRule("groups", ["scope"], split: "||"), [("scope", "a || b|c||d")], "groups=a/b|c/d"),
        Case(ClaimRule("groups", ["scope"], split: ""), [("scope", "a, b")], "groups=a, b"),
        Case(ClaimRule("groups", ["scope"]), [("scope", "a, b")], "groups=a/b"),
        Case(ClaimRule("sites", ["s"], split: ";"), [("s", "1;2")], "sites=1/2"),
        Case(ClaimRule("scopes", ["scope"], split: " "), [("scope", "read write")], "scopes=read/write"),
        Case(ClaimRule("scopes", ["scope"]), [("scope", "read,write x")], "scopes=read,write x"),
        Case(ClaimRule("groups", ["scope"], split: " "), [("scope", "  ")], ""),
    ]

    @Test("a name is looked up as it is written, then as a path; a text may be split", arguments: cases)
    func sources(_ example: Case) {
        #expect(Self.fields([example.rule], example.claims) == example.result)
    }

    @Test("What fills a field is named where it is missing")
    func missing() {
        let rules = [ClaimRule("user", []), ClaimRule("email", ["mail"], paths: [["profile", "email"]])]
        guard case .failure(let refusal) = ClaimsCheck(claims: rules, required: ["email"]).examine(["x": 1]) else {
            Issue.record("accepted")
            return
        }
        #expect(refusal.reason.rawValue == "field_missing")
    }
}
