// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Testing

@Suite("The file: YAML, places of errors, expansion")
struct FileTests {
    let place = Workplace()

    @Test("The least configuration loads without a word")
    func minimalLoads() throws {
        let loaded = place.load(minimal)
        #expect(loaded.lines == [])
        let settings = try #require(loaded.settings)
        #expect(settings.listen == [.tcp(host: "0.0.0.0", port: 8080)])
        #expect(settings.upstream.address == .http(host: "127.0.0.1", port: 3000))
        #expect(settings.token.keys.keys.count == 1)
        #expect(settings.token.policy.clockSkew == 60)
        #expect(settings.session.secrets.map(\.bytes) == [Array("this is a session secret, long enough".utf8)])
        #expect(settings.workers == nil)
        #expect(settings.limits.bodyBytes == nil)
    }

    @Test(
        "YAML that is broken or more than we read is refused where it is",
        arguments: [
            ("listen: [", "c.yaml:2:1: error: while parsing a flow node, did not find expected node content"),
            (
                "a:\n\tb: 1",
                "c.yaml:2:1: error: while scanning for the next token, found character that cannot start any token; indent with spaces, not with tabs"
            ),
            (
                "workers: 1\nworkers: 2",
                "c.yaml:2:1: error: `workers` is set twice, first at c.yaml:1:1; keep one of the two"
            ),
            (
                "log:\n  level: info\n  access: true\n  level: debug",
                "c.yaml:4:3: error: `level` is set twice, first at c.yaml:2:3; keep one of the two"
            ),
            (
                "workers: &a 1",
                "c.yaml:1:10: error: anchors (&name) are not supported; write the value where it is used"
            ),
            ("workers: !!int 1", "c.yaml:1:10: error: tags (!name) are not supported; write the value alone"),
            (
                "workers: 1\n---\nworkers: 2",
                "c.yaml:2:1: error: a second document begins here; put one configuration in one file"
            ),
            ("? [a, b]\n: 1", "c.yaml:1:3: error: a key must be a name; this one is a list"),
            ("- listen", "c.yaml:1:1: error: expects keys at the top, such as `listen: 0.0.0.0:8080`, not a list"),
            (
                "just text",
                "c.yaml:1:1: error: expects keys at the top, such as `listen: 0.0.0.0:8080`, not a single value"
            ),
            (
                "log: info",
                "c.yaml:1:6: error: `log` expects a mapping with `level`, `format` or `access`, not a single value"
            ),
        ])
    func brokenYAML(text: String, line: String) {
        let loaded = place.load(text)
        let lines = loaded.findings.map { $0.description.replacing("\(place.path)/", with: "") }
        #expect(lines.contains(line), "\(lines)")
        #expect(loaded.settings == nil)
    }

    @Test("An alias cannot make a small file large, nor merge keys in")
    func aliases() {
        let loaded = place.load("a: &a [x]\nb: *a\n")
        #expect(loaded.errors.contains { $0.contains("c.yaml:2:4: error: aliases (*name) are not supported") })
    }

    @Test("Text that is not UTF-8 is refused")
    func notUTF8() {
        let file = place.write("bad.yaml", [0x61, 0x3A, 0x20, 0xFF, 0xFE, 0x0A])
        let loaded = ConfigurationLoader.load(LoadRequest(file: file, environment: [:]))
        #expect(loaded.findings.first?.description.hasSuffix("save the file as UTF-8 text") == true)
        #expect(loaded.findings.first?.origin == .file(path: file, line: 1, column: 4))
    }

    @Test("Depth, number and size are bounded")
    func bounds() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(place.load("upstreams: " + deep).errors.contains { $0.contains("nested deeper than 32 levels") })
        let many = "upstreams: [" + String(repeating: "a,", count: 210_000) + "]"
        #expect(place.load(many).errors.contains { $0.contains("more than 200000 values") })
        let large = "# " + String(repeating: "x", count: 4 << 20)
        #expect(place.load(large).errors.contains { $0.contains("larger than 4MiB") })
    }

    @Test("All errors come at once, from top to bottom, each with its place")
    func allAtOnce() {
        let loaded = place.load(
            """
            listn: 0.0.0.0:80
            upstream: 127.0.0.1:3000
            identityProvider:
              loginURL: https://idp.example.com/?r={returnUrl}
              initiated: sometimes
            token:
              clockSkew: 60
              algorithms: [HS265]
              keys:
                - secretfile: x
                - { secret: 0123456789abcdef, publicKeyFile: y }
            limits: { headerBytes: 64k, connections: many }
            workers: -1
            """)
        #expect(
            loaded.errors == [
                "c.yaml:1:1: error: unknown key `listn`; did you mean `listen`?",
                "c.yaml:2:11: error: `upstream.url`: \"127.0.0.1:3000\": this is not an address of the form"
                    + " http://127.0.0.1:3000 or unix:/run/app.sock",
                "c.yaml:4:13: error: `identityProvider.loginURL`: \"https://idp.example.com/?r={returnUrl}\": unknown"
                    + " placeholder {returnUrl}; did you mean {returnURL}?",
                "c.yaml:5:14: error: `identityProvider.initiated`: \"sometimes\": expects allow, confirm or deny",
                "c.yaml:7:14: error: `token.clockSkew`: \"60\": a duration needs a unit; write 60s for seconds",
                "c.yaml:8:16: error: `token.algorithms`: \"HS265\": did you mean HS256?",
                "c.yaml:10:7: error: unknown key `secretfile` in `token.keys`; did you mean `secretFile`?",
                "c.yaml:11:35: error: `publicKeyFile` and `secret` (\(place.path)/c.yaml:11:9) exclude each other; keep one"
                    + " of the two",
                "c.yaml:12:24: error: `limits.headerBytes`: \"64k\": write 64KiB",
                "c.yaml:12:42: error: `limits.connections`: \"many\": expects a whole number from 1 to 10000000",
                "c.yaml:13:10: error: `workers`: \"-1\": expects a whole number from 0 to 1024",
            ])
        #expect(loaded.settings == nil)
    }

    @Test(
        "An unknown key gets the known one that was meant",
        arguments: [
            ("Listen: x", "did you mean `listen`?"), ("public_url: x", "did you mean `publicURL`?"),
            ("trusted-proxies: []", "did you mean `trustedProxies`?"), ("tokne: {}", "did you mean `token`?"),
            ("token: { clock_skew: 1s }", "did you mean `clockSkew`?"),
            ("token: { maxage: 1s }", "did you mean `maxAge`?"),
            ("clockSkew: 1s", "did you mean `token.clockSkew`?"), ("log: { levle: info }", "did you mean `level`?"),
            ("session: { ttl: 1h }", "`session` has `secret`, `secretFile`, `secrets`"),
            ("entirely: different", "`sidegate config schema` lists all keys"),
            ("<<: {}", "`sidegate config schema` lists all keys"),
        ])
    func suggestions(text: String, fix: String) {
        let errors = place.load(text).errors
        #expect(errors.contains { $0.contains("unknown key") && $0.contains(fix) }, "\(errors)")
    }

    @Test("An empty value counts as not given")
    func nothingGiven() throws {
        let loaded = place.load(minimal + "listen:\nlimits: ~\nlog: { level: null }\npublicURL: \n")
        #expect(loaded.errors == [])
        #expect(loaded.settings?.listen == [.tcp(host: "0.0.0.0", port: 8080)])
    }

    @Test("A missing option is named, at its section or at the beginning, with the fix")
    func missing() {
        let filler = String(repeating: "\n", count: 7)
        let errors = place.load(
            "log: { level: info }\n\ntoken:\n  clockSkew: 5s\n\(filler)  maxAge: 5s\n"
        ).errors
        #expect(errors.count == 3)
        #expect(errors.contains { $0.hasPrefix("c.yaml:1:1: error: `upstream.url` is missing; say where the app is") })
        #expect(errors.contains { $0.hasPrefix("c.yaml:1:1: error: `identityProvider.loginURL` is missing") })
        #expect(errors.contains { $0.hasPrefix("c.yaml:4:3: error: `token.keys` is missing") })
    }

    @Test("A missing file is reported as missing")
    func noSuchFile() {
        let loaded = ConfigurationLoader.load(LoadRequest(file: place.path + "/none.yaml", environment: [:]))
        #expect(
            loaded.findings.map(\.description) == [
                "\(place.path)/none.yaml:1:1: error: cannot read the configuration: there is no such file; correct the"
                    + " path, or create it"
            ])
    }

    // MARK: - ${NAME}

    @Test(
        "${NAME} reads the environment, with a default if one is given",
        arguments: [
            ("${A}", "one"), ("x${A}y${A}z", "xoneyonez"), ("${NONE:-two}", "two"), ("${EMPTY:-two}", "two"),
            ("${A:-two}", "one"), ("${NONE:-}", ""), ("${EMPTY}", ""), ("$${A}", "${A}"), ("$A", "$A"), ("a$", "a$"),
            ("$$", "$$"), ("${NONE:-a:-b}", "a:-b"), ("${NESTED}", "${A}"),
        ])
    func expansion(text: String, result: String) throws {
        let environment = ["A": "one", "EMPTY": "", "NESTED": "${A}"]
        let loaded = place.load(minimal + "pages: { brand: '\(text)' }", environment: environment)
        #expect(loaded.errors == [])
        #expect(loaded.settings?.pages.brand == result)
    }

    @Test(
        "A malformed reference is an error at its location",
        arguments: [
            ("${NONE}", "the environment variable NONE is not set; set it, or give a default: ${NONE:-default}"),
            ("${A", "`${` without `}`"), ("${}", "takes a name"), ("${1A}", "takes a name"), ("${A-b}", "takes a name"),
            ("${A B}", "takes a name"),
        ])
    func badReferences(text: String, message: String) {
        let loaded = place.load("pages:\n  brand: 'x \(text)'\n" + minimal, environment: ["A": "one"])
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.hasPrefix("c.yaml:2:10: error: ") == true)
        #expect(loaded.errors.first?.contains(message) == true)
    }

    @Test("The value of a variable is one value: it adds no keys and no items")
    func expansionIsOneValue() {
        let loaded = place.load(
            minimal + "log: { level: \"${A}\" }\nworkers: ${N}\n",
            environment: ["A": "info, access: false", "N": "2"])
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.contains("`log.level`: \"info, access: false\"") == true)
    }
}
