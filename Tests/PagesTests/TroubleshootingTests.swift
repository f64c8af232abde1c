// SPDX-License-Identifier: Apache-2.0

import Decisions
import Glibc
import Pages
import Testing

@Suite("docs/troubleshooting.md")
struct TroubleshootingTests {
    private static func page() throws -> String {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let descriptor = unsafe open(root + "/docs/troubleshooting.md", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    @Test("Every reason code has a section with what happened, why, and the fix, in the words of the page and the log")
    func codes() throws {
        let sections = try Self.page().components(separatedBy: "\n#### `").dropFirst()
        let codes = sections.map { String($0.prefix { $0 != "`" }) }
        let shown = Reason.allCases.filter { $0.text != nil }
        #expect(Set(codes) == Set(shown.map(\.rawValue)))
        #expect(codes.count == shown.count, "a code has two sections")
        for (code, section) in zip(codes, sections) {
            let text = try #require(Reason(rawValue: code)?.text)
            #expect(section.contains("\n\n\(text.happened)\n"), "\(code): what happened")
            #expect(section.contains("\n**Fix:** \(text.fix)\n"), "\(code): the fix")
            let why = section.components(separatedBy: "\n**Why:** ").last?.prefix { $0 != "\n" } ?? ""
            #expect(why.count > 20 && why.hasSuffix("."), "\(code): why")
        }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The parts between occurrences of a text.
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let found = rest.firstRange(of: separator) {
            parts.append(rest[..<found.lowerBound])
            rest = rest[found.upperBound...]
        }
        return parts + [rest]
    }
}
