// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Testing

@Suite("Secrets, their files, and what must never be printed")
struct SecretTests {
    let place = Workplace()
    static let secret = "hunter2-hunter2-hunter2-hunter2-hunter2"

    private func withSession(_ text: String, environment: [String: String] = [:], overrides: [Override] = [])
        -> LoadedConfiguration
    {
        let base = minimal.replacing("session: { secret: \"this is a session secret, long enough\" }", with: "")
        return place.load(base + text, environment: environment, overrides: overrides)
    }

    @Test(
        "A secret's file loses one trailing newline and no more",
        arguments: [("", ""), ("\n", ""), ("\r\n", ""), ("\n\n", "\n"), (" \n", " "), ("\r", "\r"), ("\n ", "\n ")])
    func trailingNewline(ending: String, kept: String) {
        place.write("s", Self.secret + ending)
        let loaded = withSession("session: { secretFile: s }")
        #expect(loaded.errors == [])
        // What is kept may not be meant.
        let isNamed = loaded.warnings.count == 1 && loaded.warnings[0].contains("s begins or ends with white space")
        #expect(kept.isEmpty ? loaded.warnings.isEmpty : isNamed, "\(loaded.warnings)")
        #expect(loaded.settings?.session.secrets.first?.bytes == Array((Self.secret + kept).utf8))
    }

    @Test(
        "So does a secret from the environment, by a variable in the file, or from YAML",
        arguments: [("", ""), ("\n", ""), ("\r\n", ""), ("\n\n", "\n"), (" ", " ")])
    func trailingNewlineElsewhere(ending: String, kept: String) {
        let text = Self.secret + ending
        let loads = [
            withSession("", environment: ["SIDEGATE_SESSION_SECRET": text]),
            withSession("session: { secret: \"${S}\" }", environment: ["S": text]),
            withSession("session: { secrets: [\"${S}\"] }", environment: ["S": text]),
            withSession("", overrides: [.option("--secret", "session.secret", text)]),
        ]
        for loaded in loads {
            #expect(loaded.errors == [])
            #expect(loaded.warnings.count == (kept.isEmpty ? 0 : 1), "\(loaded.warnings)")
            #expect(!loaded.warnings.contains { $0.contains(Self.secret) })
            #expect(loaded.settings?.session.secrets.first?.bytes == Array((Self.secret + kept).utf8))
        }
        let block = withSession("session:\n  secret: |\n    \(Self.secret)\n")
        #expect(block.lines == [] && block.settings?.session.secrets.first?.bytes == Array(Self.secret.utf8))
    }

    @Test("A secret may be any 32 bytes")
    func binarySecret() {
        let bytes = (0..<32).map { UInt8(truncatingIfNeeded: $0 &* 37 | 0x80) }
        place.write("s", bytes)
        #expect(withSession("session: { secretFile: s }").settings?.session.secrets.first?.bytes == bytes)
    }

    @Test(
        "A file that others can read causes a warning, one that the group can read does not",
        arguments: [
            (0o600, false), (0o640, false), (0o604, true), (0o644, true),
        ])
    func modes(mode: UInt32, isWarnedOf: Bool) {
        place.write("s", Self.secret, mode: mode)
        let loaded = withSession("session:\n  secretFile: s\n")
        #expect(loaded.errors == [])
        let warning =
            "c.yaml:6:15: warning: `session.secretFile`: other users can read \(place.path)/s; run chmod o-rwx on it"
        #expect(loaded.warnings == (isWarnedOf ? [warning] : []))
        #expect(loaded.settings != nil)
    }

    @Test("A relative path is looked for in $CREDENTIALS_DIRECTORY, then beside the configuration file")
    func relativePaths() {
        let credentials = place.directory("credentials")
        place.write("s", Self.secret + "-beside")
        let environment = ["CREDENTIALS_DIRECTORY": credentials]
        let beside = withSession("session: { secretFile: s }", environment: environment)
        #expect(beside.settings?.session.secrets.first?.bytes == Array((Self.secret + "-beside").utf8))
        place.write("credentials/s", Self.secret + "-credential")
        let credential = withSession("session: { secretFile: s }", environment: environment)
        #expect(credential.settings?.session.secrets.first?.bytes == Array((Self.secret + "-credential").utf8))
        let absolute = withSession("session: { secretFile: \(place.path)/s }", environment: environment)
        #expect(absolute.settings?.session.secrets.first?.bytes == Array((Self.secret + "-beside").utf8))
    }

    @Test("A file that cannot be read is an error of its own kind, at its name")
    func unopenable() {
        let loaded = withSession("session:\n  secretFile: none\n")
        #expect(
            loaded.errors == [
                "c.yaml:6:15: error: `session.secretFile`: cannot read \(place.path)/none: there is no such file; create it"
                    + " or correct the path"
            ])
        #expect(loaded.findings.first?.isUnopenable == true)
        let directory = withSession("session: { secretFile: \(place.path) }")
        #expect(directory.errors.first?.contains("it is a directory") == true)
    }

    @Test("A session secret of 31 bytes is refused, one of 32 is not", arguments: [(31, false), (32, true)])
    func sessionSecretLength(count: Int, isGood: Bool) {
        let secret = String(repeating: "x", count: count)
        let loaded = withSession("session: { secret: \(secret) }")
        #expect((loaded.settings != nil) == isGood)
        if !isGood {
            #expect(
                loaded.errors == [
                    "c.yaml:5:20: error: `session.secret` has 31 bytes, too few to be safe; at least 32 are needed"
                        + " (`sidegate secret` makes one)"
                ])
        }
    }

    @Test("Without a session secret there is a warning, not an error")
    func noSessionSecret() {
        let loaded = withSession("")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == 1)
        #expect(loaded.warnings.first?.contains("no session secret: a random one is used") == true)
        #expect(loaded.settings?.session.secrets.isEmpty == true)
    }

    @Test("Several secrets, in the file or one a line in a file of their own, the first first")
    func rotation() {
        let (new, old) = (Self.secret + "-new", Self.secret + "-old")
        let expected = [Secret(Array(new.utf8)), Secret(Array(old.utf8))]
        #expect(withSession("session: { secrets: [\(new), \(old)] }").settings?.session.secrets == expected)
        place.write("s", "\(new)\r\n\(old)\n")
        #expect(withSession("session: { secretsFile: s }").settings?.session.secrets == expected)
        let short = withSession("session: { secrets: [\(new), short] }")
        #expect(
            short.errors.first?.hasPrefix("c.yaml:5:\(22 + new.count + 2): error: `session.secrets` has 5 bytes")
                == true)
    }

    @Test("Of one secret's keys only one may be set in one place; a nearer one displaces the others")
    func displacement() {
        place.write("s", Self.secret)
        let both = withSession("session: { secretFile: s, secret: \(Self.secret) }")
        #expect(both.errors.count == 1)
        #expect(both.errors.first?.contains("`session.secretFile` and `session.secret`") == true)
        let nearer = withSession(
            "session: { secretFile: none }", environment: ["SIDEGATE_SESSION_SECRET": Self.secret])
        #expect(nearer.lines == [])
        #expect(nearer.settings?.session.secrets == [Secret(Array(Self.secret.utf8))])
        // In the other direction too: not the kind of key decides, but where it was set.
        let file = withSession(
            "session: { secret: \(Self.secret)-file }", environment: ["SIDEGATE_SESSION_SECRETFILE": place.path + "/s"])
        #expect(file.lines == [])
        #expect(file.settings?.session.secrets == [Secret(Array(Self.secret.utf8))])
        let flag = withSession(
            "", environment: ["SIDEGATE_SESSION_SECRETFILE": "none"],
            overrides: [.set("session.secretFile", place.path + "/s")])
        #expect(flag.lines == [])
    }

    @Test("A secret on the command line causes a warning")
    func visibleSecret() {
        let loaded = withSession("", overrides: [.set("session.secret", Self.secret)])
        #expect(
            loaded.lines == [
                "--set session.secret: warning: every user of this machine sees the command line; use `session.secretFile`"
            ])
    }

    @Test("A verification secret on the command line causes a warning, the name of its file does not")
    func visibleKey() {
        place.write("s", Self.secret)
        let inline = place.load(minimal, overrides: [.set("token.keys", "[{\"secret\": \"\(Self.secret)\"}]")])
        #expect(inline.lines.count == 1)
        #expect(inline.lines.first?.hasPrefix("--set token.keys: warning: every user of this machine sees") == true)
        let named = place.load(minimal, overrides: [.set("token.keys", "[{secretFile: \(place.path)/s}]")])
        #expect(named.lines == [])
    }

    @Test("Every secret has a File twin")
    func twins() {
        let keys = OptionTable.rows.filter(\.isSecret)
        #expect(keys.map(\.path).contains("session.secret"))
        for key in keys { #expect(OptionTable.row(key.path + "File") != nil, "\(key.path)") }
    }

    @Test(
        "No finding holds a secret, whatever is wrong with it",
        arguments: [
            "session: { secret: [hunter2] }",
            "session: { secret: { hunter2: 1 } }",
            "session: { secrets: [hunter2] }",
            "session: { secrett: hunter2 }",
            "session: { secret: hunter2 }",
            "session: { secret: hunter2, secretFile: x }",
            "session: { secret: \"hunter2${\" }",
            "session: { secret: \"hunter2\\q\" }",
            "session: [hunter2",
            "session: { secret: hunter2\n  x: }",
            "token: { keys: [{ secret: hunter2 }] }",
            "token: { keys: [{ secret: hunter2, secretEncoding: hex }] }",
            "token: { keys: [{ secret: [hunter2] }] }",
            "token: { keys: [{ secrt: hunter2 }] }",
            "token: { keys: hunter2 }",
            "token: { keys: [hunter2] }",
            "upstream: http://user:hunter2@app",
            "upstream: //user:hunter2@app",
            "publicURL: https://user:hunter2@app",
            "identityProvider: { loginURL: 'https://user:hunter2@app/{returnURL}' }",
            "redis: { url: 'redis://:hunter2@redis' }",
            "provisioning: { secret: hunter2 }",
            "session: !hunter2 { secret: hunter2 }",
            "session: { secret: &a hunter2 }",
        ])
    func redaction(text: String) {
        let loaded = place.load(text)
        #expect(!loaded.lines.isEmpty)
        #expect(loaded.settings == nil)
        let names = ["{ hunter2: 1 }"]
        if !names.contains(where: text.contains) {
            for line in loaded.lines { #expect(!line.contains("hunter2"), "\(line)") }
        }
    }

    @Test("Neither the environment nor the command line gives a secret away")
    func redactionOutsideTheFile() {
        let loaded = place.load(
            "", environment: ["SIDEGATE_TOKEN_KEYS": #"[{"secret": "hunter2"#, "SIDEGATE_SESSION_SECRET": "hunter2"],
            overrides: [.set("token.keys", "[{secret: hunter2"), .set("session.secretss", "hunter2")])
        #expect(loaded.lines.count >= 4)
        for line in loaded.lines { #expect(!line.contains("hunter2"), "\(line)") }
    }

    @Test("A secret prints as a placeholder in every way")
    func printing() {
        let secret = Secret(Array("hunter2".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", dumped] {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("104"), "the bytes as numbers: \(text)")
        }
    }

    @Test("`config print` shows where each value comes from, and no secret")
    func effectivePrint() throws {
        let loaded = place.load(
            minimal + "trustedProxies: [10.0.0.0/8]\nidentityHeaders: { X-User: \"{user}\" }\n",
            environment: ["SIDEGATE_SESSION_SECRET": Self.secret, "SIDEGATE_TOKEN_CLOCKSKEW": "7s"],
            overrides: [.set("log.level", "debug")])
        let text = ConfigurationPrinter(isEffective: true).text(loaded.resolution)
        #expect(!text.contains("hunter2"))
        #expect(!text.contains("0123456789abcdef"))
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("secret: \"<redacted>\" # environment SIDEGATE_SESSION_SECRET"))
        #expect(lines.contains("keys: [{ secret: \"<redacted>\" }] # \(place.path)/c.yaml line 3"))
        #expect(lines.contains("clockSkew: 7s # environment SIDEGATE_TOKEN_CLOCKSKEW"))
        #expect(lines.contains("level: debug # --set log.level"))
        #expect(lines.contains("maxAge: 5m # default"))
        #expect(lines.contains("trustedProxies: [\"10.0.0.0/8\"] # \(place.path)/c.yaml line 5"))
        let short = ConfigurationPrinter(isEffective: false).text(loaded.resolution)
        #expect(!short.contains("# default"))
    }

    @Test("The output of `config print --effective` is a configuration that means the same")
    func printRoundTrip() throws {
        let file =
            minimal
            + "pages: { brand: 'true: \"# {x}\"' }\nlisten: ['[::]:1', 'unix:/a b']\npublicURL: https://a.example\n"
        let loaded = place.load(file)
        let text = ConfigurationPrinter(isEffective: true).text(loaded.resolution)
            .replacing("keys: [{ secret: \"<redacted>\" }]", with: "keys: [{ secret: 0123456789abcdef }]")
            .replacing("<redacted>", with: Self.secret)
        let again = place.load(text)
        #expect(again.lines == [])
        #expect(again.settings?.pages.brand == "true: \"# {x}\"")
        #expect(again.settings?.listen == loaded.settings?.listen)
    }

    @Test(
        "a file that others can read is reported when it holds a secret itself, not when the environment does",
        arguments: [
            ("session: { secret: \"${S}\" }", false), ("session: { secret: \"${S}${S}\" }", false),
            ("session: { secret: \"${S:-}\" }", false), ("session: { secretFile: s.secret }", false),
            ("session: { secrets: [\"${S}\", \"${S}\"] }", false),
            ("session: { secret: \"${S:-\(literal)}\" }", true), ("session: { secret: \"\(literal)${S}\" }", true),
            ("session: { secret: \"\(literal)\" }", true), ("session: { secrets: [\"${S}\", \"\(literal)\"] }", true),
            ("redis: { url: \"redis://user:${S}@cache:6379\" }", false),
            ("redis: { url: \"redis://${U}@cache\" }", false),
            ("redis: { url: \"redis://cache\" }", false), ("redis: { url: \"redis://user:\(literal)@${H}\" }", true),
            ("redis: { url: \"redis://${H}:\(literal)@cache\" }", true), ("redis: { passwordFile: s.secret }", false),
            ("provisioning: { secret: \"${S}\" }", false), ("provisioning: { secret: \"\(literal)\" }", true),
            ("token: { keys: [{ secret: \"${S}\" }, { secretFile: s.secret }] }", false),
            ("token: { keys: { secret: \"${S}\" } }", false), ("token: { keys: { secret: \"\(literal)\" } }", true),
            ("token: { keys: [{ secret: \"${S}\" }, { secret: \"\(literal)\" }] }", true),
        ])
    func secretsInTheFile(line: String, isReported: Bool) {
        place.write("s.secret", literal)
        let environment = ["S": literal, "H": "cache", "U": "user:\(literal)"]
        let file = place.write("c.yaml", "upstream: http://127.0.0.1:3000\n\(line)\n", mode: 0o644)
        let loaded = ConfigurationLoader.load(LoadRequest(file: file, environment: environment))
        #expect(loaded.showsSecretsToOthers == isReported)
        #expect(loaded.advice.contains { $0.message.contains("holds secrets") } == isReported)
        #expect(loaded.advice.allSatisfy { !$0.description.contains(literal) })
        place.write("c.yaml", "upstream: http://127.0.0.1:3000\n\(line)\n", mode: 0o600)
        #expect(!ConfigurationLoader.load(LoadRequest(file: file, environment: environment)).showsSecretsToOthers)
    }
}

private let literal = "0123456789abcdef-0123456789abcdef"
