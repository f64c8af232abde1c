// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Credentials that systemd passes to the service: names, and the files from which it reads them (`LoadCredential=`,
/// systemd.exec(5)).
///
/// The names exist only inside the service. A command on the same machine that is given the service's configuration
/// (`check`, `doctor`, `explain`, `mint`) finds the files behind them in the same unit.
struct ServiceCredentials: Sendable, Equatable {
    /// Where systemd looks for units; the first that has one wins (systemd.unit(5)).
    static let usualDirectories = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]
    private static let unit = "sidegate.service"
    private static let maximumSize = 256 << 10

    /// By name; a directory provides each of its files as NAME_FILE.
    private var sources: [String: String] = [:]
    /// `--config` of the service.
    private var configuration: String?

    /// The credentials of the unit, with its drop-ins; nil when there is none, or when it runs with another configuration
    /// than `file`.
    init?(for file: String?, in directories: [String] = usualDirectories) {
        guard let file else { return nil }
        let units = directories.map { $0 + "/" + Self.unit }
        guard let unit = units.first(where: FileReader.exists) else { return nil }
        read(unit)
        for path in Self.dropIns(directories) { read(path) }
        guard let configuration, Self.canonical(configuration) == Self.canonical(file) else { return nil }
    }

    /// The file behind a name.
    func source(of name: String) -> String? {
        if let path = sources[name] { return path }
        for (prefix, path) in sources where name.hasPrefix(prefix + "_") {
            let candidate = path + "/" + name.dropFirst(prefix.count + 1)
            if FileReader.exists(candidate) { return candidate }
        }
        return nil
    }

    /// In the order in which systemd reads them: by name; of several with one name that of the first directory.
    private static func dropIns(_ directories: [String]) -> [String] {
        var paths: [String: String] = [:]
        for directory in directories {
            let folder = directory + "/" + unit + ".d"
            for name in FileReader.names(in: folder) ?? [] where name.hasSuffix(".conf") && paths[name] == nil {
                paths[name] = folder + "/" + name
            }
        }
        return paths.sorted { $0.key < $1.key }.map(\.value)
    }

    private mutating func read(_ path: String) {
        guard let contents = try? FileReader.read(path, limit: Self.maximumSize) else { return }
        let text = String(decoding: contents.bytes, as: UTF8.self).replacing("\\\n", with: " ")
        var isService = false
        for line in text.split(separator: "\n") {
            let line = line.trimmed
            if line.hasPrefix("[") {
                isService = line == "[Service]"
            } else if isService, let equals = line.firstIndex(of: "="), !line.hasPrefix("#"), !line.hasPrefix(";") {
                take(line[..<equals].trimmed, line[equals...].dropFirst().trimmed)
            }
        }
    }

    private mutating func take(_ key: Substring, _ value: Substring) {
        switch key {
        case "LoadCredential":
            // An empty value clears the list.
            if value.isEmpty { sources = [:] }
            let parts = value.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[1].hasPrefix("/"), !parts[1].contains("%") else { return }
            sources[String(parts[0])] = String(parts[1])
        case "ExecStart":
            configuration = nil
            let words = value.split(separator: " ").map { $0.drop { $0 == "\"" }.prefix { $0 != "\"" } }
            for (word, next) in zip(words, words.dropFirst()) where word == "--config" || word == "-c" {
                configuration = String(next)
            }
            if let joined = words.first(where: { $0.hasPrefix("--config=") }) {
                configuration = String(joined.dropFirst("--config=".count))
            }
        default:
            return
        }
    }

    /// Without symbolic links; the path itself when there is no such file.
    private static func canonical(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return text
    }
}
