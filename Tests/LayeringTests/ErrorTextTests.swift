// SPDX-License-Identifier: Apache-2.0

import Testing

/// An error that is interpolated into a text without a description of its own appears there as Swift writes values:
/// `unsupported("…")`.
@Suite("Texts of errors")
struct ErrorTextTests {
    @Test("every type of error has a description in words")
    func descriptions() {
        let found = SourceTree.files.flatMap(Self.wordless)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("values are not written by reflection")
    func reflection() {
        let found = SourceTree.files.flatMap { file in
            file.lines.filter { $0.contains("String(reflecting:") || $0.contains("dump(") }.map {
                "\(file.path): \($0)"
            }
        }
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test(
        "a type without one is seen",
        arguments: [
            "enum A: Error {", "package struct A: Error, Sendable {}", "private final class A: Sendable, Error {",
        ])
    func violation(_ text: String) {
        #expect(Self.wordless(SourceFile(module: "Gate", path: "A.swift", text: text)).count == 1)
    }

    @Test(
        "a type with one is let be",
        arguments: [
            "enum A: Error, CustomStringConvertible {", "struct A: Sendable { let b: Error }",
            "enum ErrorCode: UInt32 {",
        ])
    func noViolation(_ text: String) {
        #expect(Self.wordless(SourceFile(module: "Gate", path: "A.swift", text: text)).isEmpty)
    }

    /// Types that conform to `Error` and not to `CustomStringConvertible`, where both stand in the declaration.
    private static func wordless(_ file: SourceFile) -> [String] {
        file.lines.compactMap { line in
            let declaration = line.prefix { $0 != "{" }
            guard let colon = declaration.firstIndex(of: ":") else { return nil }
            let words = declaration[..<colon].split(separator: " ")
            guard words.count > 1, ["enum", "struct", "class", "actor"].contains(words[words.count - 2]) else {
                return nil
            }
            let conformances = declaration[declaration.index(after: colon)...].split { ", ".contains($0) }
            guard conformances.contains("Error"), !conformances.contains("CustomStringConvertible") else { return nil }
            return "\(file.path): \(declaration)"
        }
    }
}
