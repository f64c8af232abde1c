// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("sidegate inject, as a user sees it")
struct InjectCommandTests {
    let place = Workplace()
    private let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a}]}\n"

    private func run(_ arguments: String..., input: String = "") throws -> SidegateProcess {
        try SidegateProcess.run(["inject"] + arguments, in: place, input: input)
    }

    @Test("From a file or standard input to standard output; what was done is on standard error")
    func streams() throws {
        place.write("pod.yaml", pod)
        let fromFile = try run("-f", "pod.yaml", "--image", "registry.example.com/sidegate:1")
        #expect(fromFile.status == 0)
        #expect(fromFile.errors == "pod.yaml:1:1: note: Pod/x: sidecar added\n")
        #expect(fromFile.output.contains("registry.example.com/sidegate:1"))
        for arguments in [["-f", "-"], []] {
            let result = try SidegateProcess.run(
                ["inject", "--image", "registry.example.com/sidegate:1"] + arguments, in: place, input: pod)
            #expect(result.output == fromFile.output)
            #expect(result.errors == "standard input:1:1: note: Pod/x: sidecar added\n")
        }
    }

    @Test("An unusable manifest is status 1, with the location and no output; a missing file is 78")
    func failures() throws {
        place.write("bad.yaml", pod + "kind: Pod\n")
        let bad = try run("--filename", "bad.yaml")
        #expect(bad.status == 1)
        #expect(bad.output == "")
        #expect(bad.errors == "bad.yaml:5:1: error: `kind` is set twice, first in line 2; keep one of the two\n")
        let missing = try run("-f", "none.yaml")
        #expect(missing.status == 78)
        #expect(missing.errors == "sidegate: error: none.yaml: cannot read: No such file or directory\n")
        #expect(try run("-f", ".").status == 78)
        #expect(try run("--port", "0").status == 64)
        #expect(try run("--secret-key", "jwt").status == 64)
        #expect(try run("--secret-key", "../x=y").status == 64)
    }

    @Test("The options select what is added")
    func options() throws {
        let result = try run(
            "--plain", "--config-map", "gate", "--secret", "sign-in", "--secret-key", "session=s", "--port", "8000",
            "--admin-port", "9000", input: pod)
        for expected in [
            "\"configMap\": {\"name\": \"gate\"}", "\"secretName\": \"sign-in\"", "\"path\": \"session\"",
            "\"containerPort\": 8000", "\"containerPort\": 9000",
        ] {
            #expect(result.output.contains(expected), "\(expected)")
        }
        #expect(!result.output.contains("restartPolicy") && !result.output.contains("jwt-secret"))
        #expect(try run("--marked-only", input: pod).output == pod)
    }
}
