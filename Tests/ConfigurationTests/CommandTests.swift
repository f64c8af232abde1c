// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Testing

@Suite("The command line, as a user sees it")
struct CommandTests {
    let place = Workplace()

    private func run(_ arguments: String..., input: String = "", environment: [String] = []) throws -> SidegateProcess {
        try SidegateProcess.run(arguments, in: place, input: input, environment: environment)
    }

    @Test("check: status 0 and no output on standard error for a valid configuration, else 1 and every error")
    func check() throws {
        place.write("sidegate.yaml", minimal)
        let good = try run("check")
        #expect(good.status == 0)
        #expect(good.errors == "")
        place.write("bad.yaml", minimal + "workers: -1\nlistn: x\n")
        let bad = try run("check", "--config", "bad.yaml")
        #expect(bad.status == 1)
        #expect(bad.output == "")
        #expect(
            bad.errors == """
                bad.yaml:5:10: error: `workers`: "-1": expects a whole number from 0 to 1024
                bad.yaml:6:1: error: unknown key `listn`; did you mean `listen`?

                """)
    }

    @Test("check: a file of the configuration that is missing is 1, for run it is 78; other errors are 1 for both")
    func unopenable() throws {
        place.write("sidegate.yaml", minimal.replacing("secret: \"this", with: "secretFile: \"this"))
        #expect(try run("check").status == 1)
        #expect(try run("run").status == 78)
        #expect(try run("run", "--set", "workers=x").status == 1)
        #expect(try run("run", "--config", "none.yaml").status == 1)
    }

    @Test("run: an address that cannot be bound is 78")
    func cannotBind() throws {
        place.write("sidegate.yaml", minimal)
        let result = try run("run", "--listen", "192.0.2.1:1")
        #expect(result.status == 78)
        #expect(result.errors.contains("192.0.2.1"))
        #expect(try run("run", "--set", "listen=unix:/nonexistent/x.sock").status == 78)
    }

    @Test(
        "Bad usage is 64; a mistyped command gets the one that was meant",
        arguments: [
            (["chekc"], "did you mean `sidegate check`?"), (["nothing-like-it"], "`sidegate --help` lists all"),
            (["check", "--confg", "x"], "--confg"), (["check", "--set", "novalue"], "novalue"),
            (["demo", "--listen", "8080"], "write \"127.0.0.1:8080\""), (["mint", "--lifetime", "3"], "--lifetime"),
            (["explain", "--at", "yesterday", "x"], "--at"), (["mint", "--algorithm", "none"], "--algorithm"),
        ])
    func usage(arguments: [String], message: String) throws {
        let result = try SidegateProcess.run(arguments, in: place)
        #expect(result.status == 64)
        #expect(result.output == "")
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test("version and --help are 0, on standard output")
    func help() throws {
        #expect(try run("version").output.hasPrefix("sidegate "))
        #expect(try run("--version").output == run("version").output)
        for command in [
            "run", "demo", "init", "check", "doctor", "config", "secret", "mint", "explain", "inject", "webhook",
            "version",
        ] {
            let help = try run(command, "--help")
            #expect(help.status == 0)
            #expect(help.output.contains("USAGE: sidegate \(command)"))
        }
    }

    @Test("secret: 256 bits in base64url, each time others")
    func secret() throws {
        let (first, second) = (try run("secret"), try run("secret"))
        #expect(first.status == 0)
        #expect(first.output.count == 44)
        #expect(
            first.output.dropLast().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        #expect(first.output != second.output)
    }

    // MARK: - mint and explain

    private func mint(_ arguments: String...) throws -> String {
        let result = try SidegateProcess.run(["mint"] + arguments, in: place)
        #expect(result.status == 0, "\(result.errors)")
        return String(result.output.dropLast())
    }

    @Test("A token that mint makes is one that explain accepts: in an argument, on standard input, in its URL")
    func mintAndExplain() throws {
        place.write("sidegate.yaml", minimal + "publicURL: https://app.example.com\n")
        let token = try mint("--claim", "sub=ada", "--claim", "email=ada@example.com")
        let accepted = try run("explain", token)
        #expect(accepted.status == 0)
        #expect(accepted.output.hasSuffix("\naccepted\n"))
        #expect(accepted.output.contains("field  email = ada@example.com"))
        #expect(try run("explain", "-", input: token + "\n").status == 0)
        #expect(try run("explain", input: "Bearer \(token)").status == 0)
        let url = try mint("--claim", "sub=ada", "--claim", "email=ada@example.com", "--url")
        #expect(url.hasPrefix("https://app.example.com/.sidegate/callback?jwt=ey"))
        #expect(try run("explain", url).status == 0)
    }

    @Test("Claims are JSON where they can be, and named ones are not added to")
    func claims() throws {
        place.write("sidegate.yaml", minimal)
        let token = try mint(
            "--claim", "sub=ada", "--claim", "n=5", "--claim", "t=true", "--claim", #"groups=["a","b"]"#, "--claim",
            "s=05", "--claim", #"q="5""#, "--claim", "iat=1000", "--claim", "e=", "--lifetime", "1h", "--set",
            "token.issuer=idp", "--set", "token.audience=app")
        let part = try #require(token.split(separator: ".").dropFirst().first)
        let claims = try JSONParser.parse(Self.decode(part).span)
        #expect(claims["sub"]?.string == "ada")
        #expect(claims["n"]?.number?.integer == 5)
        #expect(claims["t"]?.bool == true)
        #expect(claims["groups"]?.array?.count == 2)
        #expect(claims["s"]?.string == "05")
        #expect(claims["q"]?.string == "5")
        #expect(claims["e"]?.string == "")
        #expect(claims["iat"]?.number?.integer == 1000)
        #expect(claims["iss"]?.string == "idp")
        #expect(claims["aud"]?.string == "app")
        #expect((claims["jti"]?.string?.utf8.count ?? 0) >= 16)
        #expect(claims["exp"]?.number?.integer != nil)
    }

    /// base64url without padding.
    private static func decode(_ text: Substring) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var (bits, count, result) = (UInt32(0), 0, [UInt8]())
        for byte in text.utf8 {
            bits = bits << 6 | UInt32(alphabet.firstIndex(of: byte) ?? 0)
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return result
    }

    @Test("A private key signs what its public key verifies")
    func privateKey() throws {
        place.write(
            "key.pem",
            """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
            -----END PRIVATE KEY-----

            """)
        place.write("public.pem", VerificationKeyTests.publicKey)
        place.write(
            "sidegate.yaml",
            minimal.replacing(
                "secret: 0123456789abcdef0123456789abcdef }]", with: "publicKeyFile: public.pem }], algorithms: EdDSA"))
        let token = try mint("--key-file", "key.pem", "--claim", "sub=ada", "--claim", "email=ada@example.com")
        #expect(try run("explain", token).status == 0)
        let none = try run("mint")
        #expect(none.status == 1)
        #expect(none.errors.contains("no secret to sign with; name a private key with --key-file"))
        #expect(try run("mint", "--key-file", "none.pem").status == 78)
    }

    @Test(
        "explain: refused is 2, with the reason code, what was expected, what came and the fix",
        arguments: [
            ([], "2001-09-09T01:46:41Z", "accepted", Int32(0)),
            ([], "1000000001", "accepted", 0),
            ([], "2001-09-09T03:46:41+02:00", "accepted", 0),
            ([], "2001-09-09T04:00:00Z", "refused: expired", 2),
            ([], "2001-09-09T01:00:00Z", "refused: issued_in_future", 2),
            (["--set", "token.issuer=other"], "1000000001", "refused: issuer_mismatch", 2),
            (["--set", "token.required=[\"givenName\"]"], "1000000001", "refused: field_missing", 2),
            (["--set", "token.algorithms=HS512"], "1000000001", "refused: algorithm_not_allowed", 2),
            (
                ["--set", "token.keys=[{secret: another-secret-of-some-length}]"], "1000000001",
                "refused: signature_invalid", 2
            ),
        ])
    func explain(arguments: [String], time: String, last: String, status: Int32) throws {
        place.write("sidegate.yaml", minimal)
        let token = try mint(
            "--claim", "sub=ada", "--claim", "email=ada@example.com", "--claim", "iat=1000000000", "--claim",
            "exp=1000000180")
        let result = try SidegateProcess.run(["explain", "--at", time] + arguments + [token], in: place)
        #expect(result.status == status)
        #expect(result.output.hasSuffix("\n\(last)\n"), "\(result.output)")
        if status == 2 {
            for word in ["FAIL ", "expected:", "got:", "fix:"] { #expect(result.output.contains(word)) }
        }
        for secret in ["0123456789abcdef", "another-secret", String(token.split(separator: ".").last ?? "?")] {
            #expect(!(result.output + result.errors).contains(secret))
        }
    }

    @Test("explain works without any configuration, and says that it has no key")
    func explainAlone() throws {
        place.write("sidegate.yaml", minimal)
        let token = try mint("--claim", "sub=ada")
        place.write("sidegate.yaml", "")
        let result = try run("explain", token)
        #expect(result.status == 2)
        #expect(result.output.contains("refused: key_not_found"))
        #expect(result.output.contains("no key is configured"))
    }

    @Test("The contents of a token cannot disturb the terminal")
    func hostileToken() throws {
        place.write("sidegate.yaml", minimal)
        let token = try mint("--claim", "sub=\"a\\u001b[31m\"", "--claim", "email=a@b")
        let result = try run("explain", token)
        #expect(result.status == 2)
        #expect(!result.output.utf8.contains(0x1B))
        #expect(try run("explain", "\u{1B}[31m.x.y").output.utf8.contains(0x1B) == false)
    }

    @Test("config print shows origins and no secret; config schema is JSON")
    func config() throws {
        place.write("sidegate.yaml", minimal)
        let shown = try run("config", "print", "--effective", environment: ["SIDEGATE_LOG_LEVEL=debug"])
        #expect(shown.status == 0)
        #expect(shown.output.contains("# environment SIDEGATE_LOG_LEVEL"))
        #expect(!shown.output.contains("0123456789abcdef"))
        let schema = try run("config", "schema")
        #expect(schema.status == 0)
        #expect(throws: Never.self) { try JSONParser.parse(Array(schema.output.utf8).span) }
    }
}
