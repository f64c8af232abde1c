// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc

/// A directory of real files for one test, removed at its end.
final class Workplace {
    let path: String

    init() {
        var template = Array("/tmp/sidegate-configuration-XXXXXX".utf8CString)
        let isMade = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        precondition(isMade, "no temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names.reversed() {
            if unsafe unlink(path + "/" + name) != 0 { _ = unsafe rmdir(path + "/" + name) }
        }
        _ = unsafe rmdir(path)
    }

    private var names: [String] = []

    /// Writes a file, readable by its owner alone unless `mode` says otherwise; returns its path.
    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) -> String {
        write(name, Array(text.utf8), mode: mode)
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) -> String {
        let file = path + "/" + name
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        precondition(descriptor >= 0, "cannot write \(file)")
        // Independent of the umask of the process.
        fchmod(descriptor, mode)
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        precondition(written == bytes.count)
        close(descriptor)
        if !names.contains(name) { names.append(name) }
        return file
    }

    func directory(_ name: String) -> String {
        let file = path + "/" + name
        precondition(unsafe mkdir(file, 0o700) == 0)
        names.append(name)
        return file
    }

    /// Loads `text` as the configuration's file `c.yaml` of this place.
    func load(
        _ text: String, environment: [String: String] = [:], overrides: [Override] = [], purpose: Purpose = .serve
    ) -> LoadedConfiguration {
        let file = write("c.yaml", text)
        return ConfigurationLoader.load(
            LoadRequest(file: file, overrides: overrides, environment: environment, purpose: purpose))
    }
}

/// The smallest valid configuration; the tests add to it.
let minimal = """
    upstream: http://127.0.0.1:3000
    identityProvider: { loginURL: "https://idp.example.com/login?return_url={returnURL}" }
    token: { keys: [{ secret: 0123456789abcdef0123456789abcdef }] }
    session: { secret: "this is a session secret, long enough" }

    """

extension LoadedConfiguration {
    /// Findings with the directory of the test cut off, so that they can be compared.
    var lines: [String] {
        findings.map { finding in
            let line = finding.description
            guard let start = line.firstRange(of: "c.yaml") else { return line }
            return line.hasPrefix("/tmp/") ? String(line[start.lowerBound...]) : line
        }
    }

    var errors: [String] { lines.filter { $0.contains(": error: ") } }
    var warnings: [String] { lines.filter { $0.contains(": warning: ") } }
}
