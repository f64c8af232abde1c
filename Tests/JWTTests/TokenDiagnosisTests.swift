// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Testing

@Suite("Findings of explain about a token") struct TokenDiagnosisTests {
    static let secretName = "token.keys[0].secretFile"

    private func notes(
        _ token: String, _ policy: TokenPolicy = TokenPolicy(), secret text: String = secret,
        _ encoding: SecretEncoding = .utf8, keyID: String? = nil, more: [VerificationKey] = [], now: Double = now
    ) throws -> [TokenDiagnosis.Note] {
        let key = try VerificationKey(secret: bytes(text), encoding: encoding, keyID: keyID, allowWeak: true)
        let pasted = bytes(token)
        return TokenDiagnosis.notes(
            token: pasted.span, policy: policy, keys: KeySet(keys: [key] + more),
            secrets: [.init(name: Self.secretName, text: bytes(text), encoding: encoding, keyID: keyID)],
            claimNames: ["user_email"], now: now)
    }

    /// A token signed with any bytes.
    private func signed(
        _ claims: String = goodClaims, header: String = #"{"alg":"HS256","typ":"JWT"}"#, key: [UInt8],
        _ hash: HashFunction = .sha256
    ) -> String {
        let input = encoded(header) + "." + encoded(claims)
        return input + "."
            + Base64URL.encodeToString(HMAC.authenticationCode(for: bytes(input).span, key: key.span, hash))
    }

    @Test("A good token gives its key, by source and kind, and the clock's difference, and nothing to fix")
    func good() throws {
        let notes = try notes(JWTTests.signed(goodClaims), keyID: "k1", now: now + 5)
        #expect(
            notes == [
                .init(
                    title: "key",
                    detail: "the signature is good by \(Self.secretName) (utf8, secret, 264 bits, kid \"k1\")"),
                .init(title: "clock", detail: "iat is 5 s behind this machine's clock, within what is allowed"),
            ])
    }

    @Test(
        "Look-alike letters, case, white space and synonyms in names are reported, letter by letter",
        arguments: [
            ("\u{435}xp", "look-alike letters", #"looks like "exp" but has Cyrillic "е" (U+0435)"#),
            (
                "\u{435}\u{445}\u{440}", "look-alike letters",
                #"but has Cyrillic "е" (U+0435), Cyrillic "х" (U+0445), Cyrillic "р" (U+0440)"#
            ),
            (
                "\u{3b9}\u{3b1}t", "look-alike letters",
                #"looks like "iat" but has Greek "ι" (U+03B9), Greek "α" (U+03B1)"#
            ),
            ("\u{435}m\u{430}il", "look-alike letters", #"looks like "email""#),
            ("\u{415}XP", "look-alike letters", #"looks like "exp""#),
            ("jti\u{200b}", "look-alike letters", #"an invisible U+200B"#),
            ("\u{ff45}\u{ff58}\u{ff50}", "look-alike letters", #"full-width "ｅ" (U+FF45)"#),
            ("us\u{435}r_email", "look-alike letters", #"looks like "user_email""#),
            ("d\u{435}partment", "look-alike letters", #"looks like "department""#),
            ("IAT", "upper and lower case", #""IAT" is not "iat": case counts"#),
            ("JTI", "upper and lower case", #""JTI" is not "jti""#), ("Email", "upper and lower case", #""Email""#),
            (" exp", "white space in a name", #"" exp""#), ("expires", "an unusual name", #"may be meant as "exp""#),
            ("issued_at", "an unusual name", #"may be meant as "iat""#),
        ])
    func names(name: String, title: String, detail: String) throws {
        let token = JWTTests.signed("{\"\(name)\":1700000000}")
        let notes = try notes(token)
        let note = try #require(notes.first { $0.title == title }, "\(notes)")
        #expect(note.detail.contains(detail))
        #expect(!note.fix.isEmpty)
    }

    @Test("Plain names, and values in any script, cause no finding")
    func plainNames() throws {
        let claims =
            #"{"iat":1700000000,"имя":"ехр","name":"Ада","department":"x","Дата":1,"naïve":2,"user_email":"a@b.c"}"#
        #expect(try notes(JWTTests.signed(claims)).map(\.title) == ["key", "clock"])
    }

    @Test("iSpring: the manual's names are reported, and that the aliases resolve them")
    func manual() throws {
        let policy = KnownAnswerTests.ispringPolicy
        let aliased = try notes(KnownAnswerTests.ispringToken, policy, secret: "secret", now: 123_456_800)
        #expect(
            aliased.map(\.title) == [
                "an unusual name", "upper and lower case", "upper and lower case", "upper and lower case",
                "look-alike letters", "key", "clock",
            ])
        #expect(aliased.allSatisfy { $0.fix.isEmpty })
        #expect(aliased[4].detail.hasSuffix(#"token.claimAliases makes it "exp" here"#))
        let plain = try notes(KnownAnswerTests.ispringToken, secret: "secret", now: 123_456_800)
        #expect(plain.first { $0.title == "look-alike letters" }?.fix.contains("token.claimAliases: { exp: [") == true)
        #expect(plain.first { $0.detail.contains("\"ALG\"") }?.fix.contains("token.headerAliases: { alg: [") == true)
    }

    @Test("Two names that look alike are reported, whatever the difference")
    func twins() throws {
        for (claims, names) in [
            (#"{"iat":1700000000,"IAT":1700000000}"#, #"claims "iat" and "IAT" both read as "iat""#),
            ("{\"exp\":1700000100,\"\u{435}\u{445}\u{440}\":1,\"iat\":1700000000}", #"both read as "exp""#),
            ("{\"dept\":1,\"d\u{435}pt\":2,\"iat\":1700000000}", #"both read as "dept""#),
        ] {
            let note = try #require(
                try notes(JWTTests.signed(claims)).first { $0.title == "two names that look alike" })
            #expect(note.detail.contains(names))
        }
    }

    @Test(
        "A signature that would be valid with another reading of the secret is explained",
        arguments: [
            ("base64", "secretEncoding: base64"), ("base64url", "secretEncoding: base64url"),
            ("hex", "secretEncoding: hex"),
            ("md5hex", "secretEncoding: md5hex"), ("lf", "a line feed behind it"),
            ("crlf", "a carriage return and a line feed behind it"), ("md5raw", "the raw bytes of its MD5"),
            ("MD5HEX", "its MD5 in capital letters"), ("sha256", "its SHA-256 in hexadecimal"),
        ])
    func encodings(reading: String, detail: String) throws {
        // Readable as text, as hexadecimal, as base64 and as base64url.
        let digits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddee-_"
        let text = ["hex", "base64"].contains(reading) ? digits.replacing("-_", with: "12") : digits
        let raw = bytes(text)
        let digest = try #require(MD5.hexDigest(text))
        let key: [UInt8] =
            switch reading {
            case "base64": try #require(base64(raw))
            case "base64url": try #require(base64URL(raw))
            case "hex": try #require(hex(raw))
            case "md5hex": bytes(digest)
            case "lf": raw + [10]
            case "crlf": raw + [13, 10]
            case "md5raw": try #require(hex(bytes(digest)))
            case "MD5HEX": bytes(digest.uppercased())
            default: Hex.encode(SHA256.hash(raw.span))
            }
        let notes = try notes(signed(key: key), secret: text)
        let note = try #require(notes.first { $0.title == "the secret is read in another way" }, "\(notes)")
        #expect(note.detail == "the signature would be good by \(Self.secretName) with \(detail)")
        #expect(!note.fix.isEmpty)
        #expect(notes.contains { $0.title == "keys" && $0.detail.contains("\(Self.secretName) (utf8)") })
        noLeak(notes, text, key)
    }

    private func base64(_ text: [UInt8]) -> [UInt8]? { Base64.decode(text.span) }
    private func base64URL(_ text: [UInt8]) -> [UInt8]? { Base64URL.decode(text.span) }
    private func hex(_ text: [UInt8]) -> [UInt8]? { Hex.decode(text.span) }

    @Test("The reverse: configured as md5hex, signed with the text itself")
    func otherWayRound() throws {
        let notes = try notes(JWTTests.signed(goodClaims), .md5hex)
        let note = try #require(notes.first { $0.title == "the secret is read in another way" })
        #expect(note.fix == "set secretEncoding: utf8 where \(Self.secretName) is")
    }

    private func notes(_ token: String, _ encoding: SecretEncoding) throws -> [TokenDiagnosis.Note] {
        try notes(token, TokenPolicy(), encoding)
    }

    private func noLeak(_ notes: [TokenDiagnosis.Note], _ text: String, _ key: [UInt8]) {
        let all = notes.map { $0.title + $0.detail + $0.fix }.joined()
        #expect(!all.contains(text) && !all.contains(Hex.encodeToString(key)))
        #expect(!all.contains(Base64URL.encodeToString(key)) && !all.contains(Base64.encodeToString(key)))
    }

    @Test(
        "A signature by another HMAC than in the header, by another key than the token names, or by an unlisted algorithm"
    )
    func otherKeys() throws {
        let hs512 = try notes(signed(key: bytes(secret), .sha512))
        #expect(
            hs512.first { $0.title == "another algorithm" }?.detail.contains(
                "with HS512, but the header says \"HS256\"") == true)
        let other = try VerificationKey(secret: bytes("another secret of 256 bits, here"), keyID: "new")
        let named = JWTTests.signed(
            goodClaims, header: #"{"alg":"HS256","kid":"old"}"#, secret: "another secret of 256 bits, here")
        let notes = try notes(named, keyID: "old", more: [other])
        let note = try #require(notes.first { $0.title == "another key" })
        #expect(note.detail.contains("kid \"new\"") && note.detail.contains("names the key \"old\""))
        let unknown = try self.notes(
            JWTTests.signed(goodClaims, header: #"{"alg":"HS256","kid":"\u001b[31m"}"#, secret: "x"), keyID: "old")
        let keys = try #require(unknown.first { $0.title == "keys" })
        #expect(keys.detail.hasSuffix(#"the token names the key "\u{1b}[31m", which is none of these"#))
        // Public keys are reported by type and name.
        let rsa = try VerificationKey(pem: key("rsa-2048.public.pem"), keyID: "r")
        let minter = try TokenMinter(privateKeyPEM: key("rsa-2048.pem"), algorithm: .ps256, keyID: "r")
        let ps256 = try self.notes(minter.mint(claims: [("iat", 1_700_000_000)]), more: [rsa])
        #expect(ps256.map(\.detail).contains("the signature is good by RSA, 2048 bits, kid \"r\""))
    }

    @Test("A signature in hexadecimal, in DER, over padded base64, or none at all")
    func otherForms() throws {
        let input = encoded(#"{"alg":"HS256"}"#) + "." + encoded(goodClaims)
        let code = HMAC.authenticationCode(for: bytes(input).span, key: bytes(secret).span, .sha256)
        let hexadecimal = input + "." + Base64URL.encodeToString(Hex.encode(code))
        #expect(try notes(hexadecimal).contains { $0.title == "the signature is written in hexadecimal" })
        let standard =
            Base64.encodeToString(bytes(#"{"alg":"HS256"}"#)) + "." + Base64.encodeToString(bytes(goodClaims))
        let early = HMAC.authenticationCode(for: bytes(standard).span, key: bytes(secret).span, .sha256)
        #expect(
            try notes(input + "." + Base64URL.encodeToString(early)).contains {
                $0.title == "signed before base64 was put right"
            })
        let der: [UInt8] = [0x30, 0x44] + [UInt8](repeating: 1, count: 0x44)
        let es256 = encoded(#"{"alg":"ES256"}"#) + "." + encoded(goodClaims) + "." + Base64URL.encodeToString(der)
        #expect(try notes(es256).contains { $0.title == "an ECDSA signature in DER" })
        #expect(try notes(input + ".").contains { $0.title == "no signature" })
        // There is no explanation for a signature that is just wrong.
        let wrong = try notes(JWTTests.signed(goodClaims, secret: "wrong"))
        #expect(wrong.map(\.title) == ["keys", "clock"])
    }

    @Test(
        "Times in milliseconds, as text, as durations, in the wrong order",
        arguments: [
            (#"{"iat":1700000000000}"#, "milliseconds in place of seconds", "2023-11-14T22:13:20Z"),
            (#"{"iat":1700000000,"exp":1700000300000}"#, "milliseconds in place of seconds", "exp is 1700000300000"),
            (#"{"iat":1700000000000000}"#, "microseconds in place of seconds", "2023-11-14"),
            (#"{"iat":"1700000000"}"#, "a time as text", "digits in quotes"),
            (#"{"iat":1700000000,"exp":"2023-11-14T22:13:20Z"}"#, "a time as text", "a date as text"),
            (#"{"iat":1700000000,"exp":300}"#, "a length of time in place of a moment", "exp is 300, which is in 1970"),
            (#"{"iat":1700000000,"exp":1699999999}"#, "it ends before it begins", ""),
        ])
    func times(claims: String, title: String, detail: String) throws {
        let notes = try notes(JWTTests.signed(claims))
        let note = try #require(notes.first { $0.title == title }, "\(notes)")
        #expect(note.detail.contains(detail) && !note.fix.isEmpty)
    }

    @Test(
        "The clock difference is measured, and a probable cause is reported",
        arguments: [
            (0.0, "the clocks agree", ""), (-30, "30 s behind", ""), (30, "30 s ahead", ""),
            (90, "1 min 30 s ahead", "NTP"),
            (7200, "2 h ahead", "about 2 h looks like local time"), (-19_810, "5 h 30 min behind", "local time"),
            (-1000, "16 min 40 s behind", "fresh token"), (500, "8 min 20 s ahead", "NTP"),
        ])
    func clock(difference: Double, detail: String, fix: String) throws {
        let token = JWTTests.signed(goodClaims)
        let note = try #require(try notes(token, now: now - difference).first { $0.title == "clock" })
        #expect(note.detail.contains(detail))
        #expect(fix.isEmpty ? note.fix.isEmpty : note.fix.contains(fix), "\(note.fix)")
    }

    @Test("Invalid base64 is reported part by part, and the content is still examined")
    func base64() throws {
        let claims = #"{"iat":1700000000,"name":"???>>>","IAT":1}"#
        let header = #"{"alg":"HS256"}"#
        let input = Base64.encodeToString(bytes(header)) + "." + Base64.encodeToString(bytes(claims))
        let code = HMAC.authenticationCode(for: bytes(input).span, key: bytes(secret).span, .sha256)
        let notes = try notes(input + "." + Base64.encodeToString(code))
        let titles = notes.map(\.title)
        #expect(titles.contains("padded base64") && titles.contains("standard base64 in place of base64url"))
        #expect(titles.contains("upper and lower case") && titles.contains("key"))
        let good = JWTTests.signed(goodClaims)
        #expect(
            try self.notes(good.replacing(".", with: ".\n", maxReplacements: 1)).map(\.title).contains(
                "white space inside"))
        #expect(try self.notes(good + "%3D").map(\.title).contains("percent-encoded twice"))
        #expect(try self.notes("ey$.e30.x").map(\.title).contains("no base64"))
        #expect(try self.notes("a.b.c.d.e").first?.title == "an encrypted token")
        #expect(try self.notes("e30.e30").first?.fix.contains("missing") == true)
        #expect(try self.notes("nothing").first?.title == "not three parts")
        #expect(try self.notes("").isEmpty)
    }

    @Test(
        "The token is found in pasted text",
        arguments: [
            "T", " T\n", "\"T\"", "'T'", "Bearer T", "bearer  T", "Authorization: Bearer T",
            "authorization:bearer T\r\n",
            "https://app.example.com/.sidegate/callback?jwt=T", "https://app.example.com/cb?state=x&jwt=T&a=b",
            "https://app.example.com/cb?state=x?jwt=T", "/sso/login/jwt?jwt=T", "jwt=T", "a=b&jwt=T", "jwt=&jwt=T",
            "https://app.example.com/cb?jwt=T#fragment", "\"https://app.example.com/cb?jwt=T\"",
            "https://app.example.com/cb?token=T", "https://app.example.com/cb?%6Awt=T",
        ])
    func pasted(text: String) throws {
        let token = JWTTests.signed(goodClaims)
        let pasted = bytes(text.replacing("T", with: token))
        let found = TokenDiagnosis.token(in: pasted.span)
        #expect(String(decoding: found, as: UTF8.self) == token)
        let notes = try notes(text.replacing("T", with: token))
        #expect(notes.contains { $0.title == "key" })
        #expect(notes.contains { $0.title == "not the token alone" } == !["T", " T\n"].contains(text))
    }

    @Test("A logout token is recognised by its event")
    func logout() throws {
        let claims =
            #"{"iat":1700000000,"events":{"http://schemas.openid.net/event/backchannel-logout":{}},"email":"a@b.c"}"#
        #expect(try notes(JWTTests.signed(claims)).contains { $0.title == "a logout token" })
    }

    @Test("Hostile tokens are reported in bounded time, and without terminal control characters")
    func hostile() throws {
        let names = (0..<5000).map { "\"n\($0)\":1" }.joined(separator: ",")
        _ = try notes(JWTTests.signed("{\(names)}"))
        _ = try notes(String(repeating: ".", count: 300_000))
        _ = try notes(String(repeating: "=&?%", count: 50_000))
        _ = try notes(JWTTests.signed("[" + String(repeating: "[", count: 4000)))
        let notes = try notes(JWTTests.signed("{\"\u{435}\\u001b[2J\":1}"))
        #expect(notes.allSatisfy { !$0.detail.contains("\u{1b}") && !$0.fix.contains("\u{1b}") })
    }
}
