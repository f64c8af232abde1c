// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("What is said of a refused sign-in")
struct RefusalDetailTests {
    private func refused(
        _ claims: [(String, JSONValue)], secret: [UInt8] = tokenSecret,
        _ change: (inout GateConfiguration) throws -> Void = { _ in }
    ) throws -> Reply {
        let browser = try Browser {
            $0.provider.keys = KeySet(keys: [try VerificationKey(secret: tokenSecret, keyID: "key-7")])
            try change(&$0)
        }
        let jwt = try TokenMinter(secret: VerificationKey(secret: secret)).mint(
            claims: [("sub", "ada"), ("email", "ada@example.com")] + claims)
        let answer = try #require(browser.returned(browser.get("/"), token: jwt).answer)
        #expect(!answer.body.contains(jwt) && !(answer.response.detail ?? "").contains(jwt))
        return answer
    }

    private func time(_ offset: Double) -> JSONValue { .number(JSONNumber(Int(noon + offset))) }

    @Test("a good signature: the user, the key and by how much a time was missed are for the log")
    func details() throws {
        for (claims, reason, words) in [
            ([("exp", time(-303))], "expired", "exp missed by 4 min 3 s"),
            ([("nbf", time(180)), ("exp", time(300))], "not_yet_valid", "nbf missed by 2 min"),
            ([("iat", time(3660))], "issued_in_future", "iat missed by 1 h"),
            ([("iat", time(-370))], "too_old", "iat missed by 10 s"),
            ([("iat", time(0)), ("aud", "other")], "audience_mismatch", #"got ["other"]"#),
            ([("iat", "x")], "claims_malformed", "iat is a string"),
        ] as [([(String, JSONValue)], String, String)] {
            let answer = try refused(claims)
            #expect(answer.reason == reason)
            let detail = try #require(answer.response.detail)
            #expect(detail.contains(words) && detail.hasSuffix("; key ID key-7"), "\(detail)")
            #expect(answer.response.user == "ada")
        }
        let unregistered = try refused([("iat", time(0))]) { $0.access.users.emails = ["bob@example.com"] }
        #expect(unregistered.reason == "user_not_registered" && unregistered.response.user == "ada")
        #expect(unregistered.response.detail == "key ID key-7")
    }

    @Test("nothing is said of a token that no key has signed")
    func unsigned() throws {
        let answer = try refused([("exp", time(-303))], secret: Array("a secret of a stranger, 32 bytes".utf8))
        #expect(answer.reason == "signature_invalid")
        #expect(answer.response.detail == nil && answer.response.user == nil)
    }

    @Test(
        "times in another unit are named on the page and in the log, and no clock is blamed",
        arguments: [
            ("iat", 1e3, "milliseconds"), ("nbf", 1e3, "milliseconds"), ("iat", 1e6, "microseconds"),
            ("nbf", 1e9, "nanoseconds"),
        ])
    func units(_ claim: String, _ factor: Double, _ unit: String) throws {
        var claims: [(String, JSONValue)] = [(claim, .number(JSONNumber(Int(noon * factor))))]
        if claim != "iat" { claims.append(("iat", time(0))) }
        let answer = try refused(claims)
        #expect(answer.reason == (claim == "iat" ? "issued_in_future" : "not_yet_valid"))
        #expect(
            answer.body.contains(unit) && answer.body.contains("\"\(claim)\"")
                || answer.body.contains("&quot;\(claim)&quot;"))
        #expect(!answer.body.lowercased().contains("clock"))
        #expect(answer.response.detail?.contains("\(claim) is in \(unit)") ?? false)
    }

    @Test("a return to another address than publicURL names both")
    func elsewhere() throws {
        for (host, isSecure, fields, came) in [
            ("other.example.com", true, [], "https://other.example.com"),
            ("app.example.com", false, [], "http://app.example.com"),
            ("app.example.com:8080", false, [], "http://app.example.com:8080"),
        ] as [(String, Bool, [String], String)] {
            for policy in [InitiatedPolicy.confirm, .deny] {
                let browser = try Browser {
                    $0.publicURL = PublicOrigin("https://app.example.com")
                    $0.provider.initiated = policy
                }
                browser.host = host
                browser.context.isSecure = isSecure
                let jwt = try token()
                let answer = try #require(browser.send("GET", "/.sidegate/callback?jwt=\(jwt)", fields).answer)
                #expect(answer.body.contains(came) && answer.body.contains("https://app.example.com"))
                #expect(!answer.body.contains("Is this you?"))
                #expect(answer.response.detail?.contains(came) ?? false)
                #expect(policy == .deny ? answer.reason == "login_state_missing" : answer.hidden("sign_in") != nil)
            }
        }
    }

    @Test("a return to the right address, as far as that is known, asks as before")
    func notElsewhere() throws {
        for (isSecure, trusted, fields) in [
            (true, false, []), (false, false, ["Sec-Fetch-Mode: navigate"]),
            (false, true, ["X-Forwarded-Proto: https"]),
        ] as [(Bool, Bool, [String])] {
            let browser = try Browser { $0.publicURL = PublicOrigin("https://app.example.com") }
            browser.context.isSecure = isSecure
            browser.context.isTrustedPeer = trusted
            let answer = try #require(browser.send("GET", "/.sidegate/callback?jwt=\(try token())", fields).answer)
            #expect(answer.status == 200 && answer.body.contains("Is this you?"), "\(answer.body)")
        }
        let plain = try Browser { $0.publicURL = PublicOrigin("https://app.example.com") }
        plain.context.isSecure = true
        plain.context.isTrustedPeer = true
        let answer = try plain.get("/.sidegate/callback?jwt=\(try token())", "X-Forwarded-Proto: http").answer
        #expect(answer?.body.contains("http://app.example.com,") ?? false)
    }
}
