// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Testing

@Suite("Verification keys")
struct VerificationKeyTests {
    let place = Workplace()

    private func load(_ key: String, algorithms: String = "[HS256]") -> LoadedConfiguration {
        place.load(
            """
            upstream: http://127.0.0.1:3000
            identityProvider: { loginURL: https://idp.example.com/ }
            session: { secret: "this is a session secret, long enough" }
            token:
              algorithms: \(algorithms)
              keys:
                - \(key)
            """)
    }

    /// An Ed25519 key of RFC 8410 §10.1.
    static let publicKey = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
        -----END PUBLIC KEY-----

        """

    static let keySet =
        #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"GXDz5uaIPyRaRnDOeMhAMuMg8BxPjpQCUwrr5j0m2uk","kid":"a"}]}"#

    @Test("A secret of 128 bits is accepted, a shorter one only when allowed, and with a warning")
    func weakSecrets() {
        #expect(load("secret: 0123456789abcdef").lines == [])
        let weak = load("secret: 0123456789abcde")
        #expect(weak.errors.count == 1)
        #expect(
            weak.errors.first?.hasPrefix("c.yaml:7:15: error: `token.keys[].secret`: the secret has 120 bits") == true)
        let allowed = load("{ secret: 0123456789abcde, allowWeakSecret: true }")
        #expect(allowed.errors == [])
        #expect(allowed.warnings.count == 1)
        #expect(allowed.warnings.first?.hasPrefix("c.yaml:7:17: warning: the secret is shorter than 128 bits") == true)
    }

    @Test("CVE-2019-20933: an empty secret is refused, allowed or not", arguments: ["", "\n"])
    func emptySecret(text: String) {
        place.write("s", text)
        #expect(load("secretFile: s").errors.count == 1)
        #expect(load("{ secretFile: s, allowWeakSecret: true }").errors.count == 1)
    }

    @Test(
        "A secret is read in its encoding",
        arguments: [
            ("utf8", "0123456789abcdef", true), ("base64", "AAECAwQFBgcICQoLDA0ODw==", true),
            ("hex", "000102030405060708090a0b0c0d0e0f", true),
            ("base64url", "AAECAwQFBgcICQoLDA0ODw", true), ("md5hex", "x", true), ("hex", "xyz", false),
            ("base64", "?", false),
        ])
    func encodings(encoding: String, secret: String, isGood: Bool) {
        let loaded = load("{ secret: \"\(secret)\", secretEncoding: \(encoding) }")
        #expect((loaded.settings != nil) == isGood, "\(loaded.lines)")
    }

    @Test("CVE-2016-10555: a public key in place of a secret is refused")
    func publicKeyAsSecret() {
        place.write("k.pem", Self.publicKey)
        let loaded = load("secretFile: k.pem")
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.contains("give it as publicKeyFile") == true)
    }

    @Test("A public key must serve an algorithm that is pinned; the fix names those it serves")
    func keyAndAlgorithm() {
        place.write("k.pem", Self.publicKey, mode: 0o644)
        let good = load("publicKeyFile: k.pem", algorithms: "[EdDSA]")
        #expect(good.lines == [])
        #expect(good.settings?.token.keys.keys.count == 1)
        let bad = load("publicKeyFile: k.pem")
        #expect(
            bad.errors == [
                "c.yaml:7:22: error: this key (Ed25519) cannot verify HS256; set `token.algorithms` to what the identity"
                    + " provider signs with (EdDSA)"
            ])
        let secret = load("secret: 0123456789abcdef", algorithms: "[EdDSA, RS256]")
        #expect(secret.errors.first?.contains("cannot verify EdDSA and RS256") == true)
    }

    @Test("A key set's keys are all loaded")
    func keySets() {
        place.write("jwks.json", Self.keySet)
        let good = load("jwksFile: jwks.json", algorithms: "[EdDSA]")
        #expect(good.lines == [])
        #expect(good.settings?.token.keys.keys.first?.keyID == "a")
        place.write("bad.json", "{")
        #expect(load("jwksFile: bad.json").errors.count == 1)
        place.write("empty.json", #"{"keys":[]}"#)
        #expect(load("jwksFile: empty.json").errors.count == 1)
        #expect(load("{ jwksFile: jwks.json, keyID: b }", algorithms: "[EdDSA]").errors.count == 1)
    }

    @Test("A file that is not PEM is refused at its name")
    func notPEM() {
        place.write("k.pem", "no key")
        let loaded = load("publicKeyFile: k.pem", algorithms: "[RS256]")
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.hasPrefix("c.yaml:7:22: error: `token.keys[].publicKeyFile`: ") == true)
    }

    @Test("An encoding beside a public key is refused, not ignored")
    func unfitEncoding() {
        place.write("k.pem", Self.publicKey)
        let loaded = load("{ publicKeyFile: k.pem, secretEncoding: hex }", algorithms: "[EdDSA]")
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.contains("is for `secret` or `secretFile` only") == true)
    }
}
