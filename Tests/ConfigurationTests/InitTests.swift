// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Testing

@Suite("sidegate init")
struct InitTests {
    let place = Workplace()

    private func run(_ arguments: String...) throws -> SidegateProcess {
        try SidegateProcess.run(arguments, in: place)
    }

    private static let names = Preset.served.map(\.name)

    @Test(
        "The output of init passes check, with a warning for each line that must be filled in", arguments: names)
    func passesCheck(name: String) throws {
        let written = try run("init", "--preset", name)
        #expect(written.status == 0)
        place.write("sidegate.yaml", written.output)
        let checked = try run("check")
        #expect(checked.status == 0, "\(checked.errors)")
        let marked = written.output.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { $0.element.contains("# <== FILL IN:") && !$0.element.hasPrefix("#") }
            .map { "sidegate.yaml:\($0.offset + 1):" }
        let warnings = checked.errors.split(separator: "\n")
        #expect(warnings.count == marked.count)
        for (warning, start) in zip(warnings, marked) {
            #expect(warning.contains(start) && warning.contains("warning: this line is still what"), "\(warning)")
        }
        // Removing the mark, or filling in a value, silences the warning.
        place.write("sidegate.yaml", written.output.replacing("# <== FILL IN:", with: "#"))
        #expect(try run("check").errors == "")
        place.write("sidegate.yaml", written.output.replacing("3000\"", with: "4000\""))
        #expect(try run("check").errors.split(separator: "\n").count == marked.count - 1)
    }

    @Test("Lines that must be filled in are marked, and doctor lists them", arguments: names)
    func marks(name: String) throws {
        let written = try run("init", "--preset", name)
        #expect(written.output.contains("<== FILL IN"))
        #expect(written.output.contains("preset: \(name)"))
        let loaded = place.load(written.output)
        #expect(!loaded.blanks.isEmpty)
        // No other value may need one without a mark on its line.
        let lines = written.output.split(separator: "\n", omittingEmptySubsequences: false)
        for (_, origin) in loaded.blanks {
            guard case .file(_, let line, _) = origin else {
                Issue.record("a blank that stands nowhere")
                continue
            }
            #expect(lines[line - 1].contains("<== FILL IN"), "\(lines[line - 1])")
        }
    }

    @Test("The parts that are commented out are right too, once the comment sign is gone", arguments: names)
    func commentedParts(name: String) throws {
        place.write("users.txt", "ada@example.com\n")
        let lines = try run("init", "--preset", name).output.split(separator: "\n", omittingEmptySubsequences: false)
        let uncommented = lines.map { line in
            // A comment proper has a blank after its sign, a part to be used has none or the indentation of a key.
            let isPart = line.hasPrefix("#") && (line.dropFirst().first?.isLetter == true || line.hasPrefix("#  "))
            return isPart ? String(line.dropFirst()) : String(line)
        }
        let loaded = place.load(uncommented.joined(separator: "\n"))
        #expect(loaded.lines == [])
        #expect(loaded.settings?.nativeLogin?.paths == ["/login"])
        #expect(loaded.settings?.provisioning?.secret != nil)
        #expect(loaded.settings?.access.users.emails == ["ada@example.com"])
    }

    @Test("Secrets are fresh each time, and enough")
    func freshSecrets() throws {
        let (first, second) = (try run("init", "--preset", "generic"), try run("init", "--preset", "generic"))
        func secrets(_ text: String) -> [Substring] {
            text.split(separator: "\n").filter { $0.contains("secret: \"") }.compactMap {
                $0.split(separator: "\"").dropFirst().first
            }
        }
        #expect(secrets(first.output).count == 3)
        #expect(Set(secrets(first.output) + secrets(second.output)).count == 6)
        #expect(secrets(first.output).allSatisfy { $0.count == 43 })
    }

    @Test("A file is its owner's alone, whatever the mask, and never overwritten")
    func output() throws {
        let path = place.path + "/new.yaml"
        let written = try run("init", "--preset", "ispring", "--output", "new.yaml")
        defer { unsafe unlink(path) }
        #expect(written.status == 0)
        #expect(written.output == "")
        #expect(written.errors.hasPrefix("Wrote new.yaml.\nNext:\n  1. fill in the lines marked"))
        #expect(written.errors.contains("sidegate doctor --config new.yaml"))
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(try run("check", "--config", "new.yaml").status == 0)
        let again = try run("init", "--preset", "generic", "--output", "new.yaml")
        #expect(again.status == 78)
        #expect(again.errors.contains("it exists already and is not overwritten"))
        #expect(try run("config", "print", "--config", "new.yaml").output.contains("preset: ispring"))
        #expect(try run("init", "--preset", "generic", "--output", "none/new.yaml").status == 78)
    }

    @Test("With --force an existing file is replaced; it keeps its mode but for others, and the old content is kept")
    func replacing() throws {
        let old = place.write("old.yaml", "old", mode: 0o644)
        defer { for path in [old + ".old", old + ".new"] { unsafe unlink(path) } }
        let done = try run("init", "--preset", "generic", "--force", "--output", "old.yaml")
        #expect(done.status == 0, "\(done.errors)")
        for path in [old, old + ".old"] {
            var status = stat()
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o640)
        }
        #expect(try run("check", "--config", "old.yaml").status == 0)
        // Once more: the content before is kept, not the first one.
        #expect(try run("init", "--preset", "ispring", "--force", "--output", "old.yaml").status == 0)
        #expect(try run("config", "print", "--config", "old.yaml.old").output.contains("preset: ispring") == false)
        #expect(try run("config", "print", "--config", "old.yaml").output.contains("preset: ispring"))
        #expect(unsafe access(old + ".new", F_OK) != 0)
        #expect(try run("init", "--preset", "generic", "--force", "--output", ".").status == 78)
        #expect(
            try run("init", "--preset", "generic", "--output", "old.yaml").errors.contains(
                "use --force, which keeps the old one as old.yaml.old"))
    }

    @Test("In a directory that passes its group on, the group can read the file")
    func sharedDirectory() throws {
        let folder = place.directory("shared")
        #expect(unsafe chmod(folder, 0o2755) == 0)
        defer { unsafe unlink(folder + "/new.yaml") }
        #expect(try run("init", "--preset", "generic", "--output", "shared/new.yaml").status == 0)
        var status = stat()
        #expect(unsafe stat(folder + "/new.yaml", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
    }

    @Test("A file that is a link is not followed")
    func link() throws {
        let path = place.path + "/link.yaml"
        #expect(unsafe symlink(place.path + "/target.yaml", path) == 0)
        defer { unsafe unlink(path) }
        #expect(try run("init", "--preset", "generic", "--output", "link.yaml").status == 78)
        #expect(try run("init", "--preset", "generic", "--force", "--output", "link.yaml").status == 78)
        #expect(unsafe access(place.path + "/target.yaml", F_OK) != 0)
    }

    @Test("An unknown preset is bad usage that names the known ones; so is none")
    func usage() throws {
        let unknown = try run("init", "--preset", "nobody")
        #expect(unknown.status == 64)
        #expect(unknown.output == "")
        for name in Self.names { #expect(unknown.errors.contains(name)) }
        #expect(try run("init").status == 64)
    }

    @Test("The next steps go to standard error, with the vendor's page")
    func nextSteps() throws {
        let written = try run("init", "--preset", "loginradius")
        #expect(written.errors.contains("docs/identity-providers/loginradius.md"))
        #expect(written.errors.contains("Secret Key"))
        #expect(!written.output.contains("Next:"))
    }
}
