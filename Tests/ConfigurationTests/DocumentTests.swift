// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import JWT
import Testing

@Suite("Documents derived from the table of options")
struct DocumentTests {
    /// The package's directory.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
        separator: "/")

    /// With SIDEGATE_UPDATE_DOCUMENTS=1 the file is written, else compared.
    private func compare(_ text: String, with path: String) throws {
        let file = Self.root + "/" + path
        if unsafe getenv("SIDEGATE_UPDATE_DOCUMENTS") != nil {
            let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            try #require(descriptor >= 0)
            let bytes = Array(text.utf8)
            let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
            try #require(count == bytes.count)
        }
        let isSame = try Self.read(file) == text
        #expect(isSame, "\(path) is out of date; run SIDEGATE_UPDATE_DOCUMENTS=1 swift test --filter DocumentTests")
    }

    private static func read(_ file: String) throws -> String {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0, "\(file)")
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    @Test("docs/configuration.md is what the table says")
    func reference() throws {
        try compare(OptionReference.text(), with: "docs/configuration.md")
    }

    @Test("docs/sidegate.schema.json is what the table says")
    func schema() throws {
        try compare(JSONSchema.text(), with: "docs/sidegate.schema.json")
    }

    @Test("The schema is JSON and knows every key")
    func schemaHasEveryKey() throws {
        let schema = try JSONParser.parse(Array(JSONSchema.text().utf8).span)
        #expect(schema["$schema"]?.string == "http://json-schema.org/draft-07/schema#")
        for key in OptionTable.rows {
            var node: JSONValue? = schema
            for part in key.path.split(separator: ".") {
                // A section with a shorthand is one of two things; the second is the mapping.
                let mapping = node?["anyOf"]?.array.flatMap { $0.last } ?? node
                node = mapping?["properties"]?[String(part)]
            }
            #expect(node?["description"]?.string?.isEmpty == false, "\(key.path)")
        }
    }

    @Test("The example is valid except for the files that it names")
    func example() throws {
        let loaded = ConfigurationLoader.load(
            LoadRequest(file: Self.root + "/examples/sidegate.yaml", environment: [:]))
        let errors = loaded.findings.filter { $0.severity == .error && !$0.isUnopenable }
        #expect(errors.map(\.description) == [])
    }
}
