// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import TestSupport

/// The configuration: each text is either accepted or has errors, each at a place in the file; what is in force can be
/// printed, and what was printed is accepted and means the same.
enum ConfigurationTarget {
    static let configuration = FuzzTarget(
        "configuration", maximumLength: 1500,
        dictionary: [
            "upstream: ", "http://127.0.0.1:8080", "identityProvider:\n", "  preset: ", "  loginURL: ",
            "  secretFile: ", "token:\n",
            "access:\n  rules:\n", "- path: /a/*\n", "allow: anyone", "session:\n", "  idleTimeout: 1h", "publicURL: ",
            "listen: ", ": ",
            "- ", "{", "}", "[", "]", "\"", "'", "|", ">", "#", "---", "null", "${X}", "10MiB", "1h", "claims:\n",
            "identity:\n", "&a", "*a",
        ],
        seedFolders: ["examples/configurations"],
        seeds: {
            [
                "upstream: http://127.0.0.1:8080\npublicURL: https://app.example\nidentityProvider:\n"
                    + "  loginURL: https://login.example/?a={return_url}\ntoken:\n  secret: 0123456789abcdef0123456789abcdef\n",
                "access:\n  rules:\n    - path: /a/*\n      allow: anyone\n    - path: [/b, /c/*]\n      deny: true\n",
                "session:\n  secret: 0123456789abcdef0123456789abcdef\n  idleTimeout: 1h\nlimits: {}\n",
                "a: [1, {b: c}]\n", "",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        // Nothing outside is read: no other files, and no URLs of any kind.
        guard input.firstRange(of: [UInt8]("ile")) == nil, input.firstRange(of: [UInt8]("${")) == nil else { return }
        let first = load(input)
        try require(
            (first.settings == nil) == first.findings.contains { $0.severity == .error }, "settings with errors")
        let lines = 1 + input.count { $0 == 10 || $0 == 13 }
        for finding in first.findings {
            try require(finding.message.count < 4000 && !finding.message.contains("\n"), "a message: \(finding)")
            if case .file(_, let line, let column) = finding.origin {
                try require(1...(lines + 1) ~= line && column >= 1, "a place outside of the file: \(finding)")
            }
        }
        guard first.settings != nil else { return }
        let printer = ConfigurationPrinter(isEffective: true)
        let text = printer.text(first.resolution)
        guard !text.contains(Secret.placeholder) else { return }
        let second = load([UInt8](text))
        try require(
            second.settings != nil,
            "what was printed is refused: \(second.findings.map(\.description)): \([UInt8](text).quoted)")
        let again = values(printer.text(second.resolution))
        try require(again == values(text), "printed again, it is \(again), not \(values(text))")
    }

    /// Without the notes, which say where each value comes from.
    private static func values(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            let end = line.firstRange(of: "  # ")?.lowerBound ?? line.endIndex
            return String(line[..<end]).trimmingSuffix { $0 == " " }
        }
    }

    private static func load(_ text: [UInt8]) -> LoadedConfiguration {
        if let file = unsafe fopen(path, "w") {
            _ = unsafe fwrite(text, 1, text.count, file)
            unsafe fclose(file)
        }
        defer { _ = unsafe unlink(path) }
        var request = LoadRequest(file: path, environment: [:])
        request.unitDirectories = []
        return ConfigurationLoader.load(request)
    }

    /// Of this process.
    private static let path = "/tmp/sidegate-fuzz-\(getpid()).yaml"
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return String(text)
    }
}
