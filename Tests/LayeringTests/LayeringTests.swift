// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Layers")
struct LayeringTests {
    @Test("the sources are found")
    func sourcesAreFound() {
        let modules = Set(SourceTree.files.map(\.module))
        #expect(
            modules.isSuperset(of: ["HTTP", "HTTP1", "Cryptography", "JWT", "Gate", "Reactor", "Proxy", "Command"]))
    }

    @Test("no file imports across the layers, or uses a forbidden word")
    func noViolations() {
        let found = SourceTree.files.flatMap(Layers.violations)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("pure modules are allowed nothing that does input or output")
    func tableIsConsistent() {
        for module in Layers.pure {
            #expect(Layers.allowed[module]?.isDisjoint(with: Layers.inputAndOutput) == true, "\(module)")
        }
        for (library, homes) in Layers.homes {
            for (module, allowed) in Layers.allowed where allowed.contains(library) {
                #expect(homes.contains(module), "\(module) is no home of \(library)")
            }
        }
    }

    @Test(
        "a reserved word or import is seen, however it is written",
        arguments: [
            ("Gate", "import Dispatch"),
            ("Gate", "package import Glibc"),
            ("Gate", "@preconcurrency import Glibc"),
            ("HTTP1", "import struct Reactor.EventLoop"),
            ("Proxy", "internal import Dispatch"),
            ("JWT", "import COpenSSL"),
            ("Configuration", "import Foundation"),
            ("Proxy", "let a = try! b()"),
            ("Proxy", "fatalError(\"no\")"),
            ("Proxy", "nonisolated(unsafe) var x = 1"),
            ("Proxy", "let x = \"// no comment\"; nonisolated(unsafe) var y = 1"),
            ("Proxy", "extension A: @unchecked Sendable {}"),
            ("Nobody", "let a = 1"),
        ])
    func violationIsSeen(module: String, text: String) {
        let file = SourceFile(module: module, path: "Sources/\(module)/File.swift", text: text)
        #expect(!Layers.violations(in: file).isEmpty)
    }

    @Test(
        "what is allowed is let be",
        arguments: [
            ("Gate", "import HTTP\nimport JWT"),
            ("Reactor", "import Dispatch\nimport Glibc"),
            ("Gate", "// import Dispatch, try! and fatalError( are words here"),
            ("Gate", "/// The project's only `nonisolated(unsafe)` is elsewhere."),
            ("Pages", "let important = \"import Dispatch\""),
        ])
    func allowedIsLetBe(module: String, text: String) {
        let file = SourceFile(module: module, path: "Sources/\(module)/File.swift", text: text)
        #expect(Layers.violations(in: file) == [])
    }

    @Test("the one nonisolated(unsafe) is where it is said to be")
    func homeOfNonisolatedUnsafe() {
        let home = SourceTree.files.first { $0.path == Layers.homeOfNonisolatedUnsafe }
        #expect(home?.lines.count { $0.contains("nonisolated(unsafe)") } == 1)
    }
}
