// SPDX-License-Identifier: Apache-2.0

/// Which module may import which: the picture of docs/architecture.md as a table.
enum Layers {
    /// The folder below `Sources`, and what its files may import.
    static let allowed: [String: Set<String>] = [
        // Pure: values and decisions. No clock, no socket, no file, no queue.
        "Decisions": [],
        "HTTP": ["Decisions"],
        "HTTP1": ["Decisions", "HTTP"],
        // Glibc for memory alone, which libnghttp2 asks for.
        "HTTP2": ["Decisions", "HTTP", "CNGHTTP2", "Glibc"],
        "Cryptography": ["COpenSSL", "Synchronization"],
        "JWT": ["Decisions", "Cryptography", "Synchronization"],
        "Pages": ["Decisions"],
        "Console": ["Decisions", "HTTP", "Cryptography", "Pages"],
        // Swift for the normalisation of text, which the standard library has for itself.
        "Gate": ["Decisions", "HTTP", "JWT", "Cryptography", "Pages", "Synchronization", "Swift"],
        "Demo": ["HTTP", "JWT", "Cryptography", "Gate", "Pages", "Synchronization"],
        "YAML": ["CYAML"],
        "Manifests": ["YAML"],
        "Webhook": ["JWT", "Cryptography", "Manifests"],
        // Input and output.
        "Telemetry": ["Decisions", "Logging", "Synchronization", "Glibc"],
        "Configuration": [
            "HTTP", "JWT", "Cryptography", "Gate", "Pages", "YAML", "Glibc", "FoundationEssentials", "Synchronization",
        ],
        "Reactor": ["CEpoll", "Dispatch", "Glibc", "Synchronization"],
        "Outbound": ["HTTP", "HTTP1", "TLS", "Reactor"],
        "Redis": ["TLS", "Reactor", "Synchronization"],
        "TLS": ["Reactor", "Cryptography", "COpenSSL", "Glibc", "Synchronization"],
        "Proxy": [
            "Decisions", "HTTP", "HTTP1", "HTTP2", "Gate", "Pages", "TLS", "Reactor", "Telemetry", "Logging",
            "Synchronization", "Glibc",
        ],
        "SharedState": ["HTTP", "Gate", "Cryptography", "Redis", "Proxy", "Reactor", "Logging", "Synchronization"],
        "StateJournal": [
            "HTTP", "Gate", "Cryptography", "Proxy", "Reactor", "Logging", "Synchronization",
        ],
        // Assembly.
        "Sidecar": [
            "Decisions", "HTTP", "HTTP1", "JWT", "Cryptography", "Pages", "Gate", "Telemetry", "Configuration", "Demo",
            "Console", "Reactor", "TLS", "Outbound", "Redis", "SharedState", "StateJournal", "Proxy", "Webhook",
            "Logging", "Synchronization", "Glibc",
        ],
        "Command": [
            "Decisions", "HTTP", "HTTP1", "JWT", "Cryptography", "Pages", "Gate", "Telemetry", "Configuration", "Demo",
            "Sidecar", "Manifests", "Webhook", "YAML", "ArgumentParser", "FoundationEssentials", "Glibc",
        ],
    ]

    /// Modules that touch nothing outside of memory.
    static let pure: Set<String> = [
        "Decisions", "HTTP", "HTTP1", "Gate", "JWT", "Pages", "Console", "Manifests", "Webhook", "YAML",
    ]
    static let inputAndOutput: Set<String> = [
        "Glibc", "Dispatch", "Reactor", "Proxy", "CEpoll", "Foundation", "FoundationEssentials",
    ]

    /// The modules that alone may import a library.
    static let homes: [String: Set<String>] = [
        "Dispatch": ["Reactor"],
        "CEpoll": ["Reactor"],
        "COpenSSL": ["Cryptography", "TLS"],
        "CNGHTTP2": ["HTTP2"],
        "CYAML": ["YAML"],
        "ArgumentParser": ["Command"],
    ]

    /// The file that holds the project's only `nonisolated(unsafe)`.
    static let homeOfNonisolatedUnsafe = "Sources/Reactor/Loop/LoopBound.swift"

    /// Words that end the process on outside data, or that hide what the compiler should check.
    static let forbiddenWords = ["try!", "fatalError(", " as! ", "@testable"]

    /// Words that are right in some modules only. Owners of a libcrypto object that is immutable once made (OpenSSL then
    /// lets every thread use it) are in `Cryptography`.
    static let homesOfWords: [String: Set<String>] = ["@unchecked Sendable": ["Cryptography", "TLS"]]

    /// Everything in the file that breaks a rule, as `path: what`.
    static func violations(in file: SourceFile) -> [String] {
        var found: [String] = []
        let imports = file.imports
        if let allowed = allowed[file.module] {
            for name in imports where !allowed.contains(name) {
                found.append("\(file.path): \(file.module) may not import \(name)")
            }
        } else {
            found.append("\(file.path): the module \(file.module) has no row in the table of layers")
        }
        for name in imports {
            if let homes = homes[name], !homes.contains(file.module) {
                found.append("\(file.path): \(name) stays in \(homes.sorted().joined(separator: ", "))")
            }
            if pure.contains(file.module) && inputAndOutput.contains(name) {
                found.append("\(file.path): \(file.module) is pure and \(name) is not")
            }
            if name == "Foundation" {
                found.append("\(file.path): all of Foundation, where FoundationEssentials or nothing does")
            }
        }
        for (index, line) in file.lines.enumerated() {
            for word in forbiddenWords where line.contains(word) {
                found.append("\(file.path):\(index + 1): \(word)")
            }
            for (word, homes) in homesOfWords where line.contains(word) && !homes.contains(file.module) {
                found.append("\(file.path):\(index + 1): \(word) stays in \(homes.sorted().joined(separator: ", "))")
            }
            if line.contains("nonisolated(unsafe)") && file.path != homeOfNonisolatedUnsafe {
                found.append("\(file.path):\(index + 1): nonisolated(unsafe) has one home, \(homeOfNonisolatedUnsafe)")
            }
        }
        return found
    }
}
