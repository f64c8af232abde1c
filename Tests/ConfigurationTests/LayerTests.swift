// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Testing

@Suite("Environment and command line over the file")
struct LayerTests {
    let place = Workplace()

    @Test("The command line beats the environment, the environment beats the file")
    func precedence() throws {
        let file = minimal.replacing("token: { ", with: "token: { clockSkew: 1s, ")
        let environment = ["SIDEGATE_TOKEN_CLOCKSKEW": "2s"]
        let flag = [Override.set("token.clockSkew", "3s")]
        #expect(place.load(file).settings?.token.policy.clockSkew == 1)
        #expect(place.load(file, environment: environment).settings?.token.policy.clockSkew == 2)
        #expect(place.load(file, environment: environment, overrides: flag).settings?.token.policy.clockSkew == 3)
        let twice = flag + [Override.set("token.clockSkew", "4s")]
        #expect(place.load(file, overrides: twice).settings?.token.policy.clockSkew == 4)
    }

    @Test("systemd's state directory is a default that everything else displaces")
    func stateDirectory() throws {
        let systemd = ["STATE_DIRECTORY": "/var/lib/sidegate:/var/lib/other"]
        func directory(_ more: String = "", _ environment: [String: String] = systemd, purpose: Purpose = .serve)
            -> String?
        {
            place.load(minimal + more, environment: environment, purpose: purpose).settings?.state?.directory
        }
        #expect(directory() == "/var/lib/sidegate")
        #expect(directory("state: { directory: /srv/gate }\n") == "/srv/gate")
        #expect(directory("state: { directory: gate }\n") == place.path + "/gate", "beside the file")
        #expect(directory("state: { directory: \"\" }\n") == nil)
        #expect(directory("", ["STATE_DIRECTORY": ""]) == nil)
        let own = systemd.merging(["SIDEGATE_STATE_DIRECTORY": "/own"]) { $1 }
        #expect(directory("state: { directory: /srv/gate }\n", own) == "/own")
        #expect(directory(purpose: .inspect) == nil, "commands about tokens open no state")
    }

    @Test("Every key has one environment name of its own")
    func environmentNames() {
        #expect(OptionTable.row("token.clockSkew")?.environmentName == "SIDEGATE_TOKEN_CLOCKSKEW")
        let names = OptionTable.rows.map(\.environmentName)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber } })
    }

    @Test("Lists and mappings are JSON; a list of one may stand alone")
    func lists() throws {
        let settings = try #require(
            place.load(
                minimal,
                environment: [
                    "SIDEGATE_LISTEN": "[::]:8080", "SIDEGATE_TOKEN_ALGORITHMS": #"["HS256", "HS512"]"#,
                    "SIDEGATE_TOKEN_REQUIRED": "user",
                    "SIDEGATE_TOKEN_CLAIMS": #"{"team": ["team", "squad"], "groups": []}"#,
                ],
                overrides: [
                    .set("identityHeaders.X-Team", "{team}"), .set("identityHeaders.X-Who", "{user}"),
                    .set("token.claims.user", #"["email"]"#),
                ]
            ).settings)
        #expect(settings.listen == [.tcp(host: "::", port: 8080)])
        #expect(settings.token.policy.algorithms == [.hs256, .hs512])
        #expect(settings.token.required == ["user"])
        #expect(settings.identity.headers.map(\.name) == ["X-Team", "X-Who"])
        let claims = Dictionary(settings.token.claims.map { ($0.field, $0.claims) }) { $1 }
        #expect(claims["team"] == ["team", "squad"])
        #expect(claims["user"] == ["email"])
        #expect(claims["email"] == ["email"])
        #expect(claims["groups"] == nil)
    }

    @Test("`upstream` is its URL, from everywhere")
    func shorthand() {
        let rest = minimal.replacing("upstream: http://127.0.0.1:3000", with: "")
        let expected = UpstreamAddress.http(host: "app", port: 81)
        let variants = [
            place.load(rest + "upstream: http://app:81"),
            place.load(rest + "upstream: { url: http://app:81, connectTimeout: 1s }"),
            place.load(rest, environment: ["SIDEGATE_UPSTREAM": "http://app:81"]),
            place.load(rest, environment: ["SIDEGATE_UPSTREAM_URL": "http://app:81"]),
            place.load(rest, overrides: [.set("upstream", "http://app:81")]),
            place.load(rest, overrides: [.set("upstream.url", "http://app:81")]),
            place.load(rest, overrides: [.option("--upstream", "upstream.url", "http://app:81")]),
        ]
        for loaded in variants {
            #expect(loaded.lines == [])
            #expect(loaded.settings?.upstream.address == expected)
        }
    }

    @Test("No file at all: the environment or the command line says everything")
    func noFile() throws {
        let secret = place.write("jwt", "0123456789abcdef0123456789abcdef\n")
        var request = LoadRequest(
            overrides: [
                .option("--upstream", "upstream.url", "http://127.0.0.1:3000"),
                .option("--login-url", "identityProvider.loginURL", "https://idp.example.com/"),
                .option("--secret-file", "token.keys", #"[{"secretFile": "\#(secret)"}]"#),
            ], environment: ["SIDEGATE_SESSION_SECRET": "a session secret of more than 32 bytes"])
        request.candidates = [place.path + "/sidegate.yaml"]
        let loaded = ConfigurationLoader.load(request)
        #expect(loaded.lines == [])
        #expect(loaded.settings?.file == nil)
        #expect(loaded.settings?.token.keys.keys.count == 1)

        request.overrides = []
        let errors = ConfigurationLoader.load(request).errors
        #expect(errors.count == 4)
        #expect(
            errors.last?.hasPrefix("configuration: error: no configuration file was found ($SIDEGATE_CONFIG, ") == true)
    }

    @Test("The file is the one named, else $SIDEGATE_CONFIG, else the first candidate that exists")
    func discovery() {
        let (first, second) = (
            place.write("1.yaml", minimal + "workers: 1"), place.write("2.yaml", minimal + "workers: 2")
        )
        let third = place.write("3.yaml", minimal + "workers: 3")
        var request = LoadRequest(file: first, environment: ["SIDEGATE_CONFIG": second])
        request.candidates = [place.path + "/none.yaml", third]
        #expect(ConfigurationLoader.load(request).settings?.workers == 1)
        request.file = nil
        #expect(ConfigurationLoader.load(request).settings?.workers == 2)
        request.environment = [:]
        #expect(ConfigurationLoader.load(request).settings?.workers == 3)
        #expect(ConfigurationLoader.load(request).file == third)
    }

    @Test(
        "An error in the environment is reported with the variable's name",
        arguments: [
            (
                "SIDEGATE_TOKEN_CLOCKSKEW", "soon",
                "environment SIDEGATE_TOKEN_CLOCKSKEW: error: `token.clockSkew`: \"soon\""
            ),
            (
                "SIDEGATE_TOKEN_CLOKSKEW", "1s",
                "environment SIDEGATE_TOKEN_CLOKSKEW: error: no key of the configuration has this name; did you mean SIDEGATE_TOKEN_CLOCKSKEW?"
            ),
            (
                "SIDEGATE_LISTN", "x",
                "environment SIDEGATE_LISTN: warning: no key of the configuration has this name; did you mean SIDEGATE_LISTEN?"
            ),
            ("SIDEGATE_TOKEN_KEYS", "[{", "environment SIDEGATE_TOKEN_KEYS: error: expects JSON"),
            (
                "SIDEGATE_TLS_CERTIFICATES", #"[{"key":"x"}]"#,
                "environment SIDEGATE_TLS_CERTIFICATES: error: `tls.certificates[].certificate` is missing; name the PEM file of both"
            ),
        ])
    func badVariables(name: String, value: String, line: String) {
        let lines = place.load(minimal, environment: [name: value]).lines
        #expect(lines.contains { $0.hasPrefix(line) }, "\(lines)")
    }

    @Test("Variables that Kubernetes sets for a service of our name are not ours")
    func kubernetesVariables() {
        let names = [
            "SIDEGATE_SERVICE_HOST", "SIDEGATE_SERVICE_PORT", "SIDEGATE_SERVICE_PORT_HTTP", "SIDEGATE_PORT",
            "SIDEGATE_PORT_8080_TCP", "SIDEGATE_PORT_8080_TCP_ADDR", "SIDEGATE_PORT_8080_TCP_PROTO", "SIDEGATE_CONFIG",
        ]
        let environment = Dictionary(names.map { ($0, "") }) { $1 }
        #expect(place.load(minimal, environment: environment).lines == [])
    }

    @Test("An empty variable counts as unset")
    func emptyVariable() {
        #expect(place.load(minimal, environment: ["SIDEGATE_PUBLICURL": ""]).lines == [])
    }

    @Test(
        "An error of --set is reported with the option",
        arguments: [
            (
                "token.clokSkew", "1s",
                "--set token.clokSkew: error: unknown key `token.clokSkew`; did you mean `clockSkew`?"
            ),
            ("token", "x", "--set token: error: names a section; set one of `token.algorithms`"),
            ("token.keys.0.secret", "x", "--set token.keys.0.secret: error: `token.keys` has no parts"),
            ("workers", "two", "--set workers: error: `workers`: \"two\": expects a whole number"),
            ("token.claims", "user", "--set token.claims: error: `token.claims`: expects a mapping"),
        ])
    func badOptions(path: String, value: String, line: String) {
        let lines = place.load(minimal, overrides: [.set(path, value)]).lines
        #expect(lines.contains { $0.hasPrefix(line) }, "\(lines)")
    }

    @Test(
        "A share is a number from 0 to 1, held in thousandths",
        arguments: [("0", 0), ("1", 1000), ("1.0", 1000), ("0.5", 500), ("0.125", 125)])
    func shares(text: String, thousandths: Int) {
        let loaded = place.load(minimal, overrides: [.set("limits.clientShare", text)])
        #expect(loaded.settings?.limits.clientShare == thousandths, "\(loaded.lines)")
    }

    @Test("An invalid share is refused", arguments: ["1.5", "1.001", "2", "0.1234", ".5", "0.", "50%", "-0.5", "half"])
    func noShares(text: String) {
        #expect(place.load(minimal, overrides: [.set("limits.clientShare", text)]).errors.count == 1)
    }

    @Test("A preset is a value like any other")
    func presets() {
        let loaded = place.load(minimal, overrides: [.option("--preset", "identityProvider.preset", "isprin")])
        #expect(loaded.errors == ["--preset: error: `identityProvider.preset`: \"isprin\": did you mean ispring?"])
        #expect(place.load(minimal, overrides: [.set("identityProvider.preset", "generic")]).errors == [])
    }
}
