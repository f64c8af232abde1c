// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// One Swift file of the project, without its comments.
struct SourceFile: Sendable {
    /// The folder below `Sources`, which names the module (`Command` is the executable `sidegate`).
    let module: String
    /// The path from the package's root.
    let path: String
    let lines: [Substring]

    init(module: String, path: String, text: String) {
        self.module = module
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Self.withoutComment)
    }

    /// The modules it imports, whatever attributes and access level stand before the word.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) })
            else { return nil }
            // `import struct Module.Name` names a declaration; the module is its first part.
            let name = Self.declarationKinds.contains(words[at + 1]) ? words.dropFirst(at + 2).first : words[at + 1]
            return name?.split(separator: ".").first.map(String.init)
        }
    }

    /// The line up to a `//` that stands outside of a string.
    private static func withoutComment(_ line: Substring) -> Substring {
        var inString = false
        var previous: Character = " "
        for index in line.indices {
            let character = line[index]
            if character == "\"" && previous != "\\" { inString.toggle() }
            if character == "/" && previous == "/" && !inString { return line[..<line.index(before: index)] }
            previous = character
        }
        return line
    }

    private static let accessLevels: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private",
    ]
    private static let declarationKinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]
}

/// The project's own sources, as they lie on the disk.
enum SourceTree {
    static let files: [SourceFile] = {
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let sources = root.appending(path: "Sources", directoryHint: .isDirectory).path
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: sources)) ?? []
        return paths.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            guard let data = FileManager.default.contents(atPath: sources + "/" + path),
                let module = path.split(separator: "/").first
            else { return nil }
            return SourceFile(
                module: String(module), path: "Sources/" + path, text: String(decoding: data, as: UTF8.self))
        }
    }()
}
