// SPDX-License-Identifier: Apache-2.0

import JWT
import Testing

@Suite("explain, for each preset")
struct ExplainTests {
    let place = Workplace()

    /// One token as a vendor's script, or a mistaken copy of it, makes it.
    struct Case: Sendable {
        var name: String
        var preset: String
        var header = #"{"alg":"HS256","typ":"JWT"}"#
        var payload: String
        /// The key of the signature, when it is not the secret itself.
        var encoding = SecretEncoding.utf8
        var more = ""
        /// The last line.
        var verdict: String
        /// What else must be said.
        var words: [String] = []
    }

    static let secret = "0123456789abcdef0123456789abcdef"
    static let jti = "2a159e824f0d2d44dd1c713e2610a834"
    static let radius = "identityProvider: { preset: loginradius, apiKey: a, jwtApp: b, appName: acme }\n"
    static let now = 1_700_000_000

    static let cases: [Case] = [
        Case(
            name: "iSpring's token as its manual prints it", preset: "ispring",
            header: #"{"Type":"JWT","ALG":"HS256"}"#,
            payload: #"{"IAT":1700000000,"JTI":"f4as6d5f4as6d54fasd6df4","ехр":1700000060,"email":"a@b.c"}"#,
            verdict: "accepted", words: ["field  user = a@b.c", "U+0435", "U+0445", "U+0440", "makes it \"exp\" here"]),
        Case(
            name: "the same without the preset: look-alike letters and upper case are named", preset: "generic",
            header: #"{"Type":"JWT","ALG":"HS256"}"#,
            payload: #"{"IAT":1700000000,"JTI":"f4","ехр":1700000060,"email":"a@b.c","sub":"a"}"#,
            verdict: "refused: algorithm_missing",
            words: ["U+0435", "claimAliases: { exp: [\"ехр\"] }", "\"ALG\" is not \"alg\"", "\"IAT\" is not \"iat\""]),
        Case(
            name: "iSpring's printed payload has its JTI without quotation marks, which is no JSON", preset: "ispring",
            payload: #"{"IAT":1700000000,"JTI":f4as6d5f4as6d54fasd6df4,"email":"a@b.c"}"#,
            verdict: "refused: claims_malformed"),
        Case(
            name: "the Login falls back from preferred_username to sub", preset: "ispring",
            payload: #"{"iat":1700000000,"exp":1700000060,"email":"a@b.c","sub":"ada"}"#,
            verdict: "accepted", words: ["field  login = ada", "field  preferredUsername = ada"]),
        Case(
            name: "milliseconds for seconds", preset: "ispring",
            payload: #"{"iat":1700000000000,"exp":1700000060000,"email":"a@b.c"}"#,
            verdict: "refused: issued_in_future", words: ["milliseconds"]),
        Case(
            name: "a clock that is off is measured", preset: "ispring",
            payload: #"{"iat":1700000090,"exp":1700000150,"email":"a@b.c"}"#,
            verdict: "refused: issued_in_future", words: ["clock", "ahead"]),
        Case(
            name: "ProProfs: md5 in hexadecimal", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"\#(jti)","user_email":"a@b.c","site_access":"44567, 77898"}"#,
            encoding: .md5hex, more: "access: { site: \"77898\" }\n", verdict: "accepted",
            words: ["field  sites = 44567, 77898", "ok     access: site"]),
        Case(
            name: "ProProfs: the key as it is, where its md5 belongs", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"\#(jti)","user_email":"a@b.c"}"#,
            verdict: "refused: signature_invalid", words: ["secretEncoding: utf8"]),
        Case(
            name: "ProProfs: another site", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"\#(jti)","user_email":"a@b.c","site_access":"44567"}"#,
            encoding: .md5hex, more: "access: { site: \"1\" }\n", verdict: "refused: site_not_granted",
            words: ["FAIL   access: site", "grant 1 to the user"]),
        Case(
            name: "ProProfs: a short jti", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"short","user_email":"a@b.c"}"#, encoding: .md5hex,
            verdict: "refused: id_too_short"),
        Case(
            name: "ProProfs: nobody who is registered", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"\#(jti)","user_email":"a@b.c"}"#, encoding: .md5hex,
            more: "access: { users: { emailDomains: [example.com] } }\n", verdict: "refused: user_not_registered",
            words: ["FAIL   access: registered", "emailDomains"]),
        Case(
            name: "ProProfs: nobody who is registered, as a visitor", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"\#(jti)","user_email":"a@b.c"}"#, encoding: .md5hex,
            more: "access: { default: guest, users: { emailDomains: [example.com] } }\n", verdict: "accepted",
            words: ["a visitor: let in as a guest"]),
        Case(
            name: "ProProfs: nobody who is registered, and no guest either", preset: "proprofs",
            payload: #"{"iat":1700000000,"jti":"\#(jti)","user_email":"a@b.c","guest":false}"#, encoding: .md5hex,
            more: "access: { default: guest, users: { emailDomains: [example.com] } }\n",
            verdict: "refused: guest_refused", words: ["FAIL   access: guest"]),
        Case(
            name: "LoginRadius: another issuer", preset: "loginradius",
            payload: #"{"iss":"https://other.hub.loginradius.com/","sub":"u","iat":1700000000,"exp":1700000600}"#,
            more: radius, verdict: "refused: issuer_mismatch", words: ["https://acme.hub.loginradius.com/"]),
        Case(
            name: "LoginRadius: as its page describes it", preset: "loginradius",
            payload:
                #"{"iss":"https://acme.hub.loginradius.com/","sub":"u","jti":"x","iat":1700000000,"nbf":1700000000,"exp":1700000600}"#,
            more: radius, verdict: "accepted", words: ["field  user = u"]),
        Case(
            name: "LoginRadius: aud while none is configured", preset: "loginradius",
            payload:
                #"{"iss":"https://acme.hub.loginradius.com/","aud":"x","sub":"u","iat":1700000000,"exp":1700000600}"#,
            more: radius, verdict: "refused: audience_mismatch"),
        Case(
            name: "Zendesk: the user by external_id", preset: "zendesk",
            payload: #"{"iat":1700000000,"jti":"x","email":"a@b.c","name":"Ada","external_id":"42"}"#,
            verdict: "accepted", words: ["field  user = 42", "field  name = Ada"]),
        Case(
            name: "Zendesk: without jti", preset: "zendesk",
            payload: #"{"iat":1700000000,"email":"a@b.c","name":"Ada"}"#,
            verdict: "refused: id_missing"),
        Case(
            name: "Metabase: names and groups", preset: "metabase",
            payload:
                #"{"email":"a@b.c","first_name":"Ada","last_name":"L","groups":["a","b"],"exp":1700000600}"#,
            verdict: "accepted", words: ["field  givenName = Ada", "field  groups = a, b"]),
        Case(
            name: "Metabase: without exp", preset: "metabase", payload: #"{"email":"a@b.c","iat":1700000000}"#,
            verdict: "refused: expiry_missing"),
        Case(
            name: "a claim in the wrong case", preset: "ispring",
            payload: #"{"iat":1700000000,"exp":1700000060,"Email":"a@b.c"}"#, verdict: "refused: field_missing",
            words: ["\"Email\" is not \"email\""]),
    ]

    @Test("The report about a token", arguments: cases)
    func explain(_ example: Case) throws {
        let minter = try TokenMinter(
            secret: VerificationKey(secret: Array(Self.secret.utf8), encoding: example.encoding))
        let header = try #require(try JSONParser.parse(Array(example.header.utf8).span).object)
        let token = minter.mint(header: header, payload: Array(example.payload.utf8))
        let provider =
            example.more.contains("identityProvider") ? "" : "identityProvider: { preset: \(example.preset) }\n"
        place.write("sidegate.yaml", provider + "token: { keys: [{ secret: \(Self.secret) }] }\n" + example.more)
        let result = try SidegateProcess.run(["explain", "--at", "\(Self.now)", token], in: place)
        #expect(result.errors == "")
        #expect(result.output.hasSuffix("\n\(example.verdict)\n"), "\(result.output)")
        #expect(result.status == (example.verdict == "accepted" ? 0 : 2))
        for word in example.words { #expect(result.output.contains(word), "\(word)\n\(result.output)") }
        #expect(!result.output.contains(Self.secret))
    }

    @Test("The report names a key set that was not fetched, and how to fetch it")
    func notFetched() throws {
        place.write(
            "sidegate.yaml", "token: { algorithms: [ES256], keys: [{ jwksURL: https://idp.example.com/jwks.json }] }\n")
        let result = try SidegateProcess.run(["explain", "e30.e30.e30"], in: place)
        #expect(result.status == 2)
        #expect(result.output.contains("the keys of https://idp.example.com/jwks.json were not tried"))
        #expect(result.output.contains("add --fetch"))
        #expect(!result.output.contains("no key is configured"))
    }
}
