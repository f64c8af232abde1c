// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Cryptography
import Glibc

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a commented configuration to start from, with fresh secrets.",
        discussion: """
            It passes `sidegate check` as it is; lines that need a value of yours are marked, with the names that the \
            vendor's settings page uses. The file is readable by its owner alone; one that exists is never overwritten.

            \(Preset.served.map { "\($0.name): \($0.summary)" }.joined(separator: "\n"))
            """)

    @Option(help: ArgumentHelp("The identity provider's preset.", valueName: "name"))
    var preset: PresetArgument

    @Option(
        name: [.long, .short], help: ArgumentHelp("The file to write. Default: standard output.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var output: String?

    func run() throws {
        let file = StarterFile(
            preset: preset.preset, tokenSecret: Self.secret(), sessionSecret: Self.secret(),
            provisioningSecret: Self.secret())
        let path = output == "-" ? nil : output
        if let path {
            do throws(FileRefusal) {
                try PrivateFile.create(path, file.text)
            } catch {
                StandardError.write("sidegate: error: \(path): \(error.words)")
                throw ExitStatus.cannotOpen
            }
            StandardError.write("Wrote \(path).")
        } else {
            StandardOutput.write(file.text)
        }
        StandardError.write(String(file.nextSteps(file: path).dropLast()))
    }

    private static func secret() -> String { Base64URL.encodeToString(Random.bytes(32)) }
}

/// The name of a preset.
struct PresetArgument: ExpressibleByArgument {
    let preset: Preset

    init?(argument: String) {
        guard let preset = Preset.named(argument) else { return nil }
        self.preset = preset
    }

    static var allValueStrings: [String] { Preset.served.map(\.name) }
}

/// Why a file was not written, and the fix.
struct FileRefusal: Error, CustomStringConvertible {
    let words: String

    var description: String { words }
}

/// A new file of mode 600.
enum PrivateFile {
    static func create(_ path: String, _ text: String) throws(FileRefusal) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw FileRefusal(
                words: errno == EEXIST
                    ? "it exists already and is not overwritten; name another file or move it away"
                    : "cannot write: \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let rest = bytes[start...]
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                start += count
            } else if errno != EINTR {
                let words = "cannot write: \(unsafe String(cString: strerror(errno)))"
                _ = unsafe unlink(path)
                throw FileRefusal(words: words)
            }
        }
    }
}
