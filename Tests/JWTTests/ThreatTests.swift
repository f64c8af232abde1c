// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import JWT
import Testing

/// Vulnerabilities of other systems, each by the name of its advisory.
@Suite struct ThreatTests {
    @Test(
        "CVE-2016-10555, CVE-2026-34950, CVE-2026-22817, CVE-2026-39999: a public key in any form is not an HMAC secret",
        arguments: [
            "rsa-2048.public.pem", "rsa-2048.pkcs1-public.pem", "rsa-2048.certificate.pem", "ec-p256.public.pem",
            "ed25519.public.pem", "rsa-2048.pem",
        ])
    func publicKeyAsSecret(name: String) throws {
        let pem = try key(name)
        let text = String(decoding: pem, as: UTF8.self)
        let body = text.split(separator: "\n").dropFirst().dropLast().joined()
        var dresses = [
            text, "\n\n" + text, "  \t" + text, "\u{FEFF}" + text, "# the key\n" + text,
            text.split(separator: "\n").joined(separator: "\r\n"),
            text.split(separator: "\n").joined(separator: "\\n"), text.split(separator: "\n").joined(),
            String(text.dropLast(40)), Base64.encodeToString(pem),
        ]
        if name.hasSuffix(".public.pem") || name.contains("certificate") {
            dresses += [
                body, body + "\n",
                String(text.split(separator: "\n").dropFirst().joined(separator: "\n").prefix { $0 != "-" }),
            ]
            #expect(throws: KeyError.publicKeyAsSecret) {
                try VerificationKey(secret: bytes(body), encoding: .base64)
            }
        }
        for dress in dresses {
            #expect(throws: KeyError.publicKeyAsSecret, "\(dress.prefix(80))") {
                try VerificationKey(secret: bytes(dress))
            }
        }
        #expect(throws: KeyError.publicKeyAsSecret) {
            try VerificationKey(secret: bytes(Base64.encodeToString(pem)), encoding: .base64)
        }
        #expect(throws: KeyError.publicKeyAsSecret) {
            try VerificationKey(secret: bytes(Hex.encodeToString(pem)), encoding: .hex)
        }
        #expect(throws: KeyError.publicKeyAsSecret) {
            try VerificationKey(secret: pem, encoding: .md5hex)
        }
    }

    @Test("CVE-2016-10555: SSH keys and JWKs are not secrets either")
    func otherPublicKeys() {
        for text in [
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ",
            #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, #" { "keys" : [] } "#,
        ] {
            #expect(throws: KeyError.publicKeyAsSecret) { try VerificationKey(secret: bytes(text)) }
        }
    }

    @Test("CVE-2016-10555: a token signed with the public key's text is refused, although HS256 is allowed")
    func confusion() throws {
        let pem = try key("rsa-2048.public.pem")
        let keys = KeySet(keys: [try VerificationKey(pem: pem)])
        for text in [String(decoding: pem, as: UTF8.self), String(decoding: pem.dropLast(), as: UTF8.self)] {
            let token = signed(goodClaims, secret: text)
            let both = TokenVerifier(policy: TokenPolicy(algorithms: [.hs256, .rs256]), keys: keys)
            #expect(both.reason(token) == .keyNotFound)
            let one = TokenVerifier(policy: TokenPolicy(algorithms: [.rs256]), keys: keys)
            #expect(one.reason(token) == .algorithmNotAllowed)
        }
    }

    @Test(
        "CVE-2015-2951, CVE-2020-28042: alg none in any spelling, and an empty signature, are refused",
        arguments: ["none", "None", "NONE", "nOnE", "none ", " none", "none\\u0000", "\\u006eone", "noпe", ""])
    func none(name: String) throws {
        let verifier = try TokenVerifier.symmetric(TokenPolicy(algorithms: Set(Algorithm.allCases)))
        let unsigned = encoded(#"{"alg":"\#(name)"}"#) + "." + encoded(goodClaims)
        #expect(verifier.reason(unsigned + ".") == .algorithmNotAllowed)
        #expect(verifier.reason(unsigned) == .tokenMalformed)
        #expect(verifier.reason(signed(goodClaims, header: #"{"alg":"\#(name)"}"#)) == .algorithmNotAllowed)
        #expect(Algorithm(name: name) == nil)
    }

    @Test("CVE-2020-28042: an empty signature is refused with every algorithm", arguments: Algorithm.allCases)
    func emptySignature(algorithm: Algorithm) throws {
        let keys = try KeySet(
            keys: [
                VerificationKey(secret: bytes(secret)), VerificationKey(pem: key("rsa-2048.public.pem")),
                VerificationKey(PrivateKey.generate(.p256).publicKey()),
                VerificationKey(PrivateKey.generate(.p384).publicKey()),
                VerificationKey(PrivateKey.generate(.p521).publicKey()),
                VerificationKey(pem: key("ed25519.public.pem")),
            ])
        let verifier = TokenVerifier(policy: TokenPolicy(algorithms: [algorithm]), keys: keys)
        let unsigned = encoded(#"{"alg":"\#(algorithm.rawValue)"}"#) + "." + encoded(goodClaims) + "."
        #expect(verifier.reason(unsigned) == .signatureInvalid)
        #expect(verifier.reason(unsigned + "AA") == .signatureInvalid)
        let zeros = Base64URL.encodeToString([UInt8](repeating: 0, count: 64))
        #expect(verifier.reason(unsigned + zeros) == .signatureInvalid)
    }

    @Test("CVE-2018-0114, CVE-2026-27962: keys in the token itself are ignored")
    func embeddedKeys() throws {
        let attacker = try PrivateKey.generate(.p256)
        let der = try attacker.publicKeyDER()
        let jwk = JSONObject([
            ("kty", "EC"), ("crv", "P-256"), ("x", .string(Base64URL.encodeToString(Array(der.suffix(64).prefix(32))))),
            ("y", .string(Base64URL.encodeToString(Array(der.suffix(32))))),
        ])
        let minter = try TokenMinter(privateKey: attacker)
        let mine = try PrivateKey.generate(.p256)
        let verifier = TokenVerifier(
            policy: TokenPolicy(algorithms: [.es256]), keys: KeySet(keys: [VerificationKey(try mine.publicKey())]))
        let certificate = try key("ec-p256.certificate.pem")
        for (name, value) in [
            ("jwk", JSONValue.object(jwk)), ("jku", "https://attacker.example/jwks.json"),
            ("x5u", "https://attacker.example/cert.pem"),
            ("x5c", [.string(String(decoding: certificate, as: UTF8.self))]),
        ] {
            let header = JSONObject([("alg", "ES256"), (name, value)])
            #expect(verifier.reason(minter.mint(header: header, payload: bytes(goodClaims))) == .signatureInvalid)
            let own = try TokenMinter(privateKey: mine)
            #expect(verifier.reason(own.mint(header: header, payload: bytes(goodClaims))) == nil)
        }
    }

    @Test("CVE-2025-59420: any crit is refused, known extension or not, at any position")
    func crit() throws {
        let verifier = try TokenVerifier.symmetric()
        for header in [
            #"{"alg":"HS256","crit":["bork"],"bork":true}"#, #"{"crit":["alg"],"alg":"HS256"}"#,
            #"{"alg":"HS256","crit":"exp"}"#, #"{"alg":"HS256","crit":{}}"#, #"{"alg":"HS256","crit":false}"#,
        ] {
            #expect(verifier.reason(signed(goodClaims, header: header)) == .criticalHeaderUnsupported)
        }
    }

    @Test("CVE-2019-20933: an empty or short HMAC key is refused", arguments: 0..<16)
    func shortSecret(count: Int) throws {
        let short = bytes(String("0123456789abcdef".prefix(count)))
        #expect(throws: KeyError.self) { try VerificationKey(secret: short) }
        for (encoding, text) in [
            (SecretEncoding.hex, Hex.encodeToString(short)), (.base64, Base64.encodeToString(short)),
            (.base64url, Base64URL.encodeToString(short)),
        ] {
            #expect(throws: KeyError.self) { try VerificationKey(secret: bytes(text), encoding: encoding) }
        }
        guard count > 0 else {
            #expect(throws: KeyError.empty) { try VerificationKey(secret: [], allowWeak: true) }
            #expect(throws: KeyError.empty) { try VerificationKey(secret: [], encoding: .md5hex, allowWeak: true) }
            return
        }
        #expect(try VerificationKey(secret: short, allowWeak: true).isWeak)
    }

    @Test("CVE-2022-21449: the all-zero ECDSA signature is refused on every curve", arguments: EllipticCurve.allCases)
    func psychicSignature(curve: EllipticCurve) throws {
        let minter = try TokenMinter(privateKey: PrivateKey.generate(curve))
        let verifier = TokenVerifier(
            policy: TokenPolicy(algorithms: [minter.algorithm]),
            keys: KeySet(keys: [VerificationKey(try PrivateKey.generate(curve).publicKey())]))
        let unsigned = encoded(#"{"alg":"\#(minter.algorithm.rawValue)"}"#) + "." + encoded(goodClaims) + "."
        for size in [2 * curve.byteCount, 0, 1, curve.byteCount, 2 * curve.byteCount + 1] {
            for byte in [UInt8(0), 1, 0xFF] {
                let signature = Base64URL.encodeToString([UInt8](repeating: byte, count: size))
                #expect(verifier.reason(unsigned + signature) == .signatureInvalid)
            }
        }
    }

    // Quadratic time would take hours for the longer one.
    @Test("CVE-2025-30204, CVE-2025-27144: a token of dots takes one pass", .timeLimit(.minutes(5)))
    func dots() throws {
        let verifier = try TokenVerifier.symmetric()
        let dots = String(repeating: ".", count: 16384)
        let more = String(repeating: ".", count: 5_000_000)
        for _ in 0..<100 { #expect(verifier.reason(dots) == .tokenMalformed) }
        #expect(verifier.reason(more) == .tokenTooLarge)
    }

    @Test("CVE-2025-11230: numbers in a token take linear time")
    func numbers() throws {
        let verifier = try TokenVerifier.symmetric()
        for number in [String(repeating: "9", count: 11_000), "1e" + String(repeating: "9", count: 11_000)] {
            #expect(verifier.reason(signed(#"{"iat":\#(number)}"#)) == .claimsMalformed)
        }
    }

    @Test("CVE-2024-28180: nothing is decompressed; zip is a header like any other")
    func zip() throws {
        let verifier = try TokenVerifier.symmetric()
        #expect(verifier.reason(signed(goodClaims, header: #"{"alg":"HS256","zip":"DEF"}"#)) == nil)
        // A raw deflate stream as the claims is not JSON.
        let deflated = encoded(#"{"alg":"HS256","zip":"DEF"}"#) + "." + Base64URL.encodeToString([0x4B, 0x04, 0x00])
        let code = HMAC.authenticationCode(for: bytes(deflated).span, key: bytes(secret).span, .sha256)
        #expect(verifier.reason(deflated + "." + Base64URL.encodeToString(code)) == .claimsMalformed)
    }

    @Test("A valid token with any one symbol replaced, dropped or added is refused")
    func mutations() throws {
        let verifier = try TokenVerifier.symmetric()
        let token = bytes(signed(#"{"iat":1700000000}"#))
        #expect(verifier.reason(String(decoding: token, as: UTF8.self)) == nil)
        let symbols = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/=? \n".utf8)
        var tried = 0
        for index in token.indices {
            for symbol in symbols where symbol != token[index] {
                var changed = token
                changed[index] = symbol
                if verifier.reason(String(decoding: changed, as: UTF8.self)) == nil {
                    Issue.record("accepted: \(changed)")
                }
                changed = token
                changed.insert(symbol, at: index)
                if verifier.reason(String(decoding: changed, as: UTF8.self)) == nil {
                    Issue.record("accepted: \(changed)")
                }
                tried += 2
            }
            var shorter = token
            shorter.remove(at: index)
            #expect(verifier.reason(String(decoding: shorter, as: UTF8.self)) != nil)
            #expect(verifier.reason(String(decoding: token[..<index], as: UTF8.self)) != nil)
        }
        #expect(tried > 10_000)
    }
}
