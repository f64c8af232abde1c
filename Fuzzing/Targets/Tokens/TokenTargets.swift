// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import TestSupport

/// JSON, and the verification of tokens.
enum TokenTargets {
    /// What is accepted is written and read again as the same value; nothing that a lenient reader would read otherwise.
    static let json = FuzzTarget(
        "json", maximumLength: 1024,
        dictionary: [
            "\\u0000", "\\ud83d\\ude00", "\\ud800", "true", "false", "null", "1e999", "-0", "NaN", "{\"a\":", "\"a\"",
        ],
        seeds: {
            [
                "{\"a\":[1,-2.5e3,true,false,null,\"x\\n\\u00e9\\ud83d\\ude00\"],\"b\":{\"c\":{}}}", "[[[[[[]]]]]]",
                "{\"a\":1,\"a\":2}", "\"\\\\\\/\\b\\f\\r\\t\"", "123456789012345678901234567890", "{\"\":\"\"} ",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        guard let value = try? JSONParser.parse(input.span) else { return }
        let written = value.serialized()
        guard let again = try? JSONParser.parse(written.span) else {
            throw BrokenProperty("what was written is not JSON: \(written.quoted)")
        }
        try require(again == value, "another value is written: \(written.quoted)")
        try require(again.serialized() == written, "writing is not stable")
        // JSON is ASCII outside of strings, and no string holds a control character.
        try require(!input.contains { $0 < 0x20 && ![9, 10, 13].contains($0) }, "a control character")
    }

    /// A token is accepted only if it is exactly what the holder of the key signed, whatever was done to it since.
    static let tokens = FuzzTarget(
        "tokens", maximumLength: 1024, dictionary: words,
        seeds: {
            guard let minter else { return [] }
            let claims: [(String, JSONValue)] = [
                ("email", "user@example.com"), ("iss", "https://login.example"), ("aud", "app"),
                ("iat", .number(JSONNumber(Int(now)))), ("exp", .number(JSONNumber(Int(now) + 60))),
                ("jti", "0123456789"),
            ]
            let payload = JSONValue.object(JSONObject(claims)).serialized()
            let headers: [[(String, JSONValue)]] = [
                [("alg", "HS256"), ("typ", "JWT")], [("typ", "JWT"), ("alg", "HS256"), ("kid", "1")],
                [("alg", "none")], [("alg", "HS512")], [("alg", "HS256"), ("crit", ["b64"]), ("b64", false)],
                [("alg", "RS256"), ("jwk", ["kty": "oct"])], [("alg", "HS256"), ("zip", "DEF")],
            ]
            return headers.map { [UInt8](minter.mint(header: JSONObject($0), payload: payload)) }
                + ["a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."].map { [UInt8]($0) }
        },
        repair: signed
    ) { input throws(BrokenProperty) in
        guard let verifier, let minter else { throw BrokenProperty("no key") }
        // As the gate does: the first failed check, and all of them.
        let accepted: VerifiedToken?
        do throws(TokenRefusal) {
            accepted = try verifier.verify(input.span, now: now)
        } catch {
            accepted = nil
        }
        let checks = verifier.examine(input.span, now: now)
        let isGood = !checks.contains { if case .failed = $0.verdict { true } else { false } }
        try require(isGood == (accepted != nil), "verify and examine differ: \(checks)")
        _ = TokenDiagnosis.token(in: input.span)
        guard let accepted else { return }
        try require(verifier.isSigned(input.span), "accepted, and not signed")
        let parts = input.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        try require(parts.count == 3, "\(parts.count) parts")
        guard let header = decoded(parts[0]), let payload = decoded(parts[1]),
            let read = try? JSONParser.parse(header.span), let members = read.object
        else { throw BrokenProperty("accepted, and not readable") }
        // One text for one content: the same bytes encoded again, and signed again, are the same token.
        try require(Base64URL.encode(header) == parts[0] && Base64URL.encode(payload) == parts[1], "two spellings")
        try require(read["alg"] == "HS256" && read["crit"] == nil, "a header: \(header.quoted)")
        try require(accepted.algorithm == .hs256, "an algorithm")
        if members == JSONObject([("alg", "HS256"), ("typ", "JWT")]), header == read.serialized() {
            let minted = minter.mint(header: members, payload: payload)
            try require([UInt8](minted) == input, "another signature: \(minted)")
        }
        guard let claims = try? JSONParser.parse(payload.span) else { throw BrokenProperty("claims that are not JSON") }
        try require(claims == accepted.claims && claims.object != nil, "other claims")
        try require(claims["aud"] == "app" || claims["aud"]?.array?.contains("app") ?? false, "an audience")
        try require(claims["iss"] == "https://login.example", "an issuer")
        guard let issued = claims["iat"]?.number?.double ?? claims["iat"]?.string.flatMap(Double.init) else {
            throw BrokenProperty("accepted without an age")
        }
        try require(issued.isFinite, "an age that is not finite")
    }

    /// The signature that belongs to the token's first two parts: their mutations reach the checks behind it.
    private static func signed(_ input: [UInt8]) -> [UInt8] {
        let parts = input.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count >= 2, let minter else { return input }
        var random = SeededGenerator(of: input)
        var payload = decoded(parts[1]) ?? parts[1]
        if random.below(2) == 0, !payload.isEmpty {
            // Base64 hides the text from the fuzzer.
            let word = [UInt8](words[random.below(words.count)])
            let place = random.below(payload.count)
            payload.replaceSubrange(place..<min(place + random.below(4), payload.count), with: word)
        }
        let header = decoded(parts[0]).flatMap(parsed)?.object
        let kept = random.below(3) == 0 ? header : nil
        return [UInt8](
            minter.mint(header: kept ?? JSONObject([("alg", "HS256"), ("typ", "JWT")]), payload: payload))
    }

    private static func decoded(_ part: [UInt8]) -> [UInt8]? { Base64URL.decode(part.span) }

    private static func parsed(_ text: [UInt8]) -> JSONValue? { try? JSONParser.parse(text.span) }

    static let now = 1_700_000_000.0

    private static let secret = [UInt8]("the quick brown fox jumps over 13")
    private static let key = try? VerificationKey(secret: secret)
    private static let minter = key.flatMap { try? TokenMinter(secret: $0) }
    private static let verifier = key.map {
        TokenVerifier(
            policy: TokenPolicy(issuer: "https://login.example", audience: ["app"]), keys: KeySet(keys: [$0]))
    }

    private static let words = [
        ".", "\"iat\":", "\"exp\":", "\"nbf\":", "\"aud\":[\"app\"]", "\"aud\":\"app\"", "1e400", "-1", "1700000000000",
        "null",
        "\"\"", "{}", "[]", "\"jti\":", "\"sub\":", ",", "\"alg\":\"none\"", "eyJhbGciOiJIUzI1NiJ9.",
        "9999999999999999999",
    ]
}
