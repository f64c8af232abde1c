// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Testing

@Suite("Access, native login, provisioning and fetched keys in the configuration")
struct AccessTests {
    let place = Workplace()

    private func gate(_ text: String) throws -> GateConfiguration {
        let loaded = place.load(minimal + text)
        #expect(loaded.errors == [])
        var assembly = GateAssembly(try #require(loaded.settings), fallbackSecret: [])
        let gate = assembly.assemble()
        return try #require(gate)
    }

    // MARK: - access

    @Test("access reaches the gate")
    func access() throws {
        place.write("users.txt", "# staff\n\nada@example.com\r\n  bob@example.com  \n")
        let gate = try gate(
            """
            access:
              default: guest
              site: "44567"
              users: { emails: [Eve@Example.com], emailsFile: users.txt, emailDomains: [example.org], groups: [staff] }
            """)
        #expect(gate.access.default == .guest)
        #expect(gate.access.site == "44567")
        #expect(gate.access.users.emails == ["Eve@Example.com"])
        #expect(gate.access.users.listedEmails == ["ada@example.com", "bob@example.com"])
        #expect(gate.access.users.hasEmailsFile)
        #expect(gate.access.users.emailDomains == ["example.org"])
        #expect(gate.access.users.groups == ["staff"])
        #expect(
            place.load(minimal + "access: { users: { emailsFile: users.txt } }").settings?.access.users.emailsFile
                == place
                .path + "/users.txt")
    }

    @Test("Without access every user of the identity provider is let in")
    func defaults() throws {
        let gate = try gate("")
        #expect(gate.access.default == .signedIn && gate.access.users == RegisteredUsers() && gate.access.site == "")
        #expect(gate.nativeLogin == nil && !gate.provisions && !gate.provider.hasRemoteKeys && gate.provider.replayByID)
    }

    @Test(
        "An invalid address or domain is refused, with the fix",
        arguments: [
            ("emails: [ada]", "exactly one `@`"), ("emails: [\"ada@a@example.com\"]", "exactly one `@`"),
            ("emails: [\"@example.com\"]", "use `access.users.emailDomains`"),
            ("emails: [\"*@example.com\"]", "use `access.users.emailDomains`"),
            ("emails: [\"Ada <ada@example.com>\"]", "the address alone"), ("emails: [\"ada@\"]", "expects a domain"),
            ("emails: [\"a,b@example.com\"]", "the address alone"),
            ("emailDomains: [\"@example.com\"]", "without the `@`"),
            ("emailDomains: [\"*.example.com\"]", "matched whole"),
            ("emailDomains: [.example.com]", "matched whole"),
            ("emailDomains: [ada@example.com]", "addresses go to `emails`"),
            ("emailDomains: [\"exa mple\"]", "expects a domain"), ("emailsFile: none.txt", "there is no such file"),
            ("groups: [\"a\\nb\"]", "control characters"),
        ])
    func refused(text: String, message: String) {
        let loaded = place.load(minimal + "access: { users: { \(text) } }")
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.contains(message) == true, "\(loaded.errors)")
    }

    @Test("A bad line of the list is an error at its line in its file")
    func badLine() {
        place.write("users.txt", "ada@example.com\nBob\n")
        let loaded = place.load(minimal + "access: { users: { emailsFile: users.txt } }")
        #expect(
            loaded.findings.map(\.description) == [
                "\(place.path)/users.txt:2:1: error: `access.users.emailsFile`: \"Bob\": an e-mail address has exactly one"
                    + " `@`, such as ada@example.com"
            ])
    }

    @Test("A list that is empty causes a warning, and so does one that every user can write")
    func listWarnings() {
        place.write("users.txt", "# nobody yet\n", mode: 0o602)
        let loaded = place.load(minimal + "access: { users: { emailsFile: users.txt } }")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == 2)
        #expect(loaded.warnings.contains { $0.contains("every user of this machine can write") })
        #expect(loaded.warnings.contains { $0.contains("so nobody is registered") })
    }

    @Test("A list needs the field that it is compared with")
    func fields() {
        for (text, field) in [
            ("users: { emails: [a@b.c] }", "email"), ("users: { groups: [g] }", "groups"), ("site: x", "sites"),
        ] {
            let loaded = place.load(
                minimal.replacing("token: {", with: "token: { required: [], claims: { \(field): [] },")
                    + "access: { \(text) }\n")
            #expect(loaded.errors.count == 1)
            #expect(loaded.errors.first?.contains("is about the field `\(field)`, which no claim fills") == true)
        }
    }

    @Test(
        "A list of addresses is read as it is written: comments, blank lines, any line ending, a mark at its beginning")
    func emailList() {
        let list = EmailList(Array("\u{FEFF}a@b.c\r\n# x@y.z\n\n\t d@e.f \nno\n@\n".utf8))
        #expect(list.emails == ["a@b.c", "d@e.f"])
        #expect(list.problems.map(\.line) == [5, 6])
        #expect(EmailList([]).emails == [])
        #expect(EmailList(Array(repeating: 0x0A, count: 100_000)).problems == [])
        #expect(EmailList(Array(String(repeating: "x\n", count: 1000).utf8)).problems.count == 20)
    }

    // MARK: - nativeLogin

    @Test("nativeLogin is off until paths is set, and reaches the gate")
    func nativeLogin() throws {
        let gate = try gate(
            "nativeLogin: { paths: [/login, /account/*], with: [/static/*], from: [10.0.0.0/8], lifetime: 5m }")
        let native = try #require(gate.nativeLogin)
        #expect(native.parameters == ["no_sso", "no_jwt"])
        #expect(native.paths == ["/login", "/account/*"] && native.with == ["/static/*"])
        #expect(native.from.count == 1 && native.lifetime == 300)
        #expect(place.load(minimal + "nativeLogin: { with: [/static/*] }").warnings.count == 1)
    }

    @Test(
        "nativeLogin: what would open too much, or nothing, is refused",
        arguments: [
            ("paths: [/*]", "the whole site"), ("paths: [/a], with: [\"/*\"]", "the whole site"),
            ("paths: [\"/a*\"]", "stands at the end only"), ("paths: [\"/*/a\"]", "stands at the end only"),
            ("paths: [login]", "expects a path"), ("paths: [/a/../b]", "expects a plain path"),
            ("paths: [/.sidegate/logout]", "Sidegate's own"), ("paths: [\"/.sidegate/*\"]", "Sidegate's own"),
            ("paths: [/login], parameters: []", "native login cannot be requested"),
            ("paths: [/login], parameters: [jwt]", "carries the token"),
            ("paths: [/login], from: [everyone]", "no address block"), ("paths: [/login], lifetime: 0", "out of range"),
        ])
    func nativeRefused(text: String, message: String) {
        let loaded = place.load(minimal + "nativeLogin: { \(text) }")
        #expect(loaded.errors.contains { $0.contains(message) }, "\(loaded.lines)")
    }

    // MARK: - provisioning

    @Test("provisioning: the address, the secret and its twin")
    func provisioning() throws {
        place.write("s", "0123456789abcdef\n")
        let loaded = place.load(
            minimal + "provisioning: { url: https://app.example.com/users, secretFile: s, eachLogin: true }")
        #expect(loaded.lines == [])
        let settings = try #require(loaded.settings?.provisioning)
        #expect(settings.url == "https://app.example.com/users" && settings.eachLogin)
        #expect(settings.secret?.bytes == Array("0123456789abcdef".utf8))
        #expect(try gate("provisioning: { url: https://app.example.com/users, secret: 0123456789abcdef }").provisions)
        #expect(place.load(minimal + "provisioning: { secretFile: s }").settings?.provisioning == nil)
    }

    @Test(
        "provisioning: unsigned calls, and plain http to another machine, cause a warning",
        arguments: [
            ("url: https://app.example.com/u", ["are not signed"]),
            ("url: http://app.example.com/u, secret: 0123456789abcdef", ["over http"]),
            ("url: http://127.0.0.1:3000/u, secret: 0123456789abcdef", []),
            ("url: \"http://[::1]:3000/u\", secret: 0123456789abcdef", []),
            ("url: http://localhost/u, secret: 0123456789abcdef", []),
            ("url: http://127.example.com/u, secret: 0123456789abcdef", ["over http"]),
        ])
    func provisioningWarnings(text: String, words: [String]) {
        let loaded = place.load(minimal + "provisioning: { \(text) }")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == words.count, "\(loaded.warnings)")
        for word in words { #expect(loaded.warnings.contains { $0.contains(word) }) }
    }

    @Test(
        "provisioning: what cannot be called, or be safe, is refused",
        arguments: [
            ("url: /users", "expects an absolute address"), ("url: \"https://app/{user}\"", "has no placeholders"),
            ("url: https://u:p@app/", "a user name or password"), ("url: \"https://app/a b\"", "no blanks"),
            ("url: \"https://app/%zz\"", "two hexadecimal digits"), ("url: \"https://app/é\"", "percent-encode"),
            ("url: https://app/, secret: short", "5 bytes, too few"),
            ("url: http://localhost/, secret: 0123456789abcdef, ca: ca.pem", "is for an https address"),
            ("url: https://app/, secret: 0123456789abcdef, ca: none.pem", "there is no such file"),
            ("url: https://app/, secret: a, secretFile: b", "exclude each other"),
        ])
    func provisioningRefused(text: String, message: String) {
        let loaded = place.load(minimal + "provisioning: { \(text) }")
        #expect(loaded.errors.contains { $0.contains(message) }, "\(loaded.lines)")
        #expect(!loaded.lines.contains { $0.contains("u:p") })
    }

    // MARK: - token.keys[].jwksURL

    /// Self-signed, good for a century.
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBfDCCASGgAwIBAgIUBXlVX4ca36g3el1atSsEzqC/VfAwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHY2EudGVzdDAgFw0yNjExMjExMjM2MzhaGA8yMTI2MTAyODEy
        MzYzOFowEjEQMA4GA1UEAwwHY2EudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABFDZgtYDWGj4Hmi4RhMhDBWwW+LCxyoPxEduSI3ve0UiNq3saBXUMgjnUf2N
        ydc8S1/kWadfrVoIS58mZegXzO2jUzBRMB0GA1UdDgQWBBRvWEhXz353mLIp2d5/
        AzCyiPeSIDAfBgNVHSMEGDAWgBRvWEhXz353mLIp2d5/AzCyiPeSIDAPBgNVHRMB
        Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDfASbdoq2xoESVCEOCsMBRuTHu
        bL+V3X2kgV8ILkKr3wIhAJwmGZNjP2NDGRH98VTDCCuuno2hROwfGRWWM3EODxBl
        -----END CERTIFICATE-----

        """

    private func keys(_ items: String, algorithms: String = "[RS256]") -> LoadedConfiguration {
        place.load(
            minimal.replacing(
                "keys: [{ secret: 0123456789abcdef0123456789abcdef }]",
                with: "algorithms: \(algorithms), keys: [\(items)]"))
    }

    @Test("The keys may all be fetched ones")
    func remoteKeys() throws {
        place.write("ca.pem", Self.certificate)
        let loaded = keys(
            "{ jwksURL: https://idp.example.com/jwks.json, ca: ca.pem }, { jwksURL: http://localhost:1/k }")
        #expect(loaded.lines == [])
        let token = try #require(loaded.settings?.token)
        #expect(token.keys.keys.isEmpty)
        #expect(token.remoteKeys.map(\.url) == ["https://idp.example.com/jwks.json", "http://localhost:1/k"])
        #expect(token.remoteKeys.first?.tls.authorities != nil)
        #expect(token.remoteKeys.last?.tls.authorities == nil)
        #expect(token.remoteKeys.first?.origin.label.contains("c.yaml:3:") == true)
        var assembly = GateAssembly(try #require(loaded.settings), fallbackSecret: [])
        let gate = assembly.assemble()
        #expect(gate?.provider.hasRemoteKeys == true)
    }

    @Test(
        "A key set's address must be whole and safe",
        arguments: [
            ("{ jwksURL: \"\" }", "is empty"), ("{ jwksURL: idp/jwks }", "expects an absolute address"),
            ("{ jwksURL: https://idp/k, keyID: a }", "`token.keys[].keyID` is for"),
            ("{ jwksURL: https://idp/k, secretEncoding: hex }", "`token.keys[].secretEncoding` is for"),
            ("{ jwksURL: http://localhost/k, ca: ca.pem }", "is for an https address"),
            ("{ jwksURL: https://idp/k, secret: a }", "exclude each other"),
            ("{ secret: 0123456789abcdef, ca: ca.pem }", "`token.keys[].ca` is for `jwksURL`"),
            ("{ jwksURL: https://idp/k }, { jwksURL: https://idp/k }", "is there twice"),
            ("{ jwksURL: https://idp/k, ca: empty.pem }", "no PEM block"),
            (
                "{ jwksURL: http://localhost/k, clientKey: k.pem }",
                "`token.keys[].clientKey` is for an https address"
            ),
            ("{ secret: 0123456789abcdef, serverName: a }", "`token.keys[].serverName` is for `jwksURL`"),
            ("{ jwksURL: https://idp/k, clientKey: k.pem }", "add `clientCertificate`"),
            ("{ jwksURL: https://idp/k, clientCertificate: c.pem }", "add `clientKey`"),
            ("{ jwksURL: https://idp/k, serverName: \"a b\" }", "`token.keys[].serverName`: \"a b\""),
        ])
    func remoteKeysRefused(items: String, message: String) {
        place.write("empty.pem", "")
        #expect(keys(items).errors.contains { $0.contains(message) }, "\(keys(items).lines)")
    }

    @Test("Keys over plain http are warned of, and algorithms that no public key serves")
    func remoteKeyWarnings() {
        #expect(
            keys("{ jwksURL: http://idp.example.com/k }").warnings.first?.contains(
                "over http keys can be read and changed") == true)
        #expect(
            keys("{ jwksURL: https://idp/k }", algorithms: "[HS256]").warnings.first?.contains("public keys") == true)
    }

    // MARK: - session.cookieName

    @Test(
        "A prefix of the cookie's name that scheme or domain cannot honour is refused",
        arguments: [
            ("session: { cookieName: __Host-a }", true), ("session: { cookieName: __Secure-a }", true),
            ("session: { cookieName: __host-a }", true), ("session: { cookieName: __Hosta }", false),
            ("session: { cookieName: __Host-a }\ntrustedProxies: [10.0.0.0/8]", false),
            ("session: { cookieName: __Host-a }\npublicURL: https://a.example", false),
            ("session: { cookieName: __Host-a }\npublicURL: http://a.example\ntrustedProxies: [10.0.0.0/8]", true),
            ("session: { cookieName: __Host-a, domain: a.example }\npublicURL: https://a.example", true),
            ("session: { cookieName: __Secure-a, domain: a.example }\npublicURL: https://a.example", false),
        ])
    func cookiePrefixes(text: String, isRefused: Bool) {
        let errors = place.load(text).errors.filter { $0.contains("session.cookieName") }
        #expect(errors.isEmpty != isRefused, "\(errors)")
    }
}
