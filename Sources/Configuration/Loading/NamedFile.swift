// SPDX-License-Identifier: Apache-2.0

/// Finds and reads the files that a configuration names.
package struct NamedFile: Sendable {
    /// A secret or a key is small; a key set may hold some dozens of keys.
    static let maximumSize = 1 << 20

    /// systemd's directory of credentials (systemd.exec(5)), looked in first.
    let credentialsDirectory: String?
    /// The files behind these credentials; nil for a configuration that is not the system service's.
    private let serviceCredentials: ServiceCredentials?
    let log = ReadLog()

    init(environment: [String: String], serviceCredentials: ServiceCredentials? = nil) {
        credentialsDirectory = environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 }
        self.serviceCredentials = serviceCredentials
    }

    /// Where `path` leads: an absolute path as it is; a relative one in the credentials directory if it is there, else
    /// to the file that the service would get under this name, else beside the file that names it. From the environment
    /// or the command line: in the working directory.
    func locate(_ path: String, namedAt origin: SourceLocation) -> String {
        if path.hasPrefix("/") { return path }
        // The unit's fall-back for a secret without a file is a credential with an empty line.
        if let candidate = credentialsDirectory.map({ $0 + "/" + path }), FileReader.isFilled(candidate) {
            return candidate
        }
        let beside = Self.beside(path, origin)
        guard let source = serviceCredentials?.source(of: path) else { return beside }
        return FileReader.exists(source) || !FileReader.exists(beside) ? source : beside
    }

    /// A relative path beside the file that names it.
    static func beside(_ path: String, _ origin: SourceLocation) -> String {
        guard !path.hasPrefix("/"), let file = origin.path, let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    /// The whole file; nil with a finding when it cannot be read.
    ///
    /// - Parameter isNoted: false for a file that is watched separately from the rest of the configuration.
    func read(
        _ path: String, for key: String, at origin: SourceLocation, limit: Int = maximumSize, isNoted: Bool = true,
        into findings: inout [Finding]
    ) -> FileContents? {
        let location = locate(path, namedAt: origin)
        do {
            let contents = try FileReader.read(location, limit: limit)
            if isNoted { log.note(location, contents.bytes) }
            return contents
        } catch {
            if isNoted { log.note(location, Array(error.words.utf8)) }
            findings.append(
                .unopenable(
                    origin, "`\(key)`: cannot read \(Quoted.plain(location)): \(error.words); \(fix(error, path))"))
            return nil
        }
    }

    private func fix(_ error: FileProblem, _ path: String) -> String {
        guard !path.hasPrefix("/"), serviceCredentials?.source(of: path) != nil else {
            return error.isMissing ? "create it or correct the path" : "correct the path or its permissions"
        }
        if error.isMissing { return "create it: sidegate.service provides it as `\(path)`" }
        return credentialsDirectory == nil
            ? "run this as root: sidegate.service provides the file as `\(path)`, to itself only"
            : "restart sidegate.service, which provides it as `\(path)` from its start on"
    }

    /// The text of a secret's file without one trailing newline; warns of white space that may not belong to the secret, and
    /// when others can read the file, unless it is in a volume that is mounted for this container alone.
    ///
    /// - Parameter isOneLine: the file holds one secret, not one a line.
    func readSecret(
        _ path: String, for key: String, at origin: SourceLocation, isNoted: Bool = true, isOneLine: Bool = true,
        into findings: inout [Finding]
    ) -> [UInt8]? {
        guard var contents = read(path, for: key, at: origin, isNoted: isNoted, into: &findings) else { return nil }
        if contents.isReadableByOthers, !contents.isInVolume {
            let location = Quoted.plain(locate(path, namedAt: origin))
            findings.append(
                .warning(origin, "`\(key)`: other users can read \(location); run chmod o-rwx on it"))
        }
        SecretText.dropNewline(&contents.bytes)
        if isOneLine, let doubt = SecretText.doubt(contents.bytes) {
            let location = Quoted.plain(locate(path, namedAt: origin))
            findings.append(
                .warning(origin, "`\(key)`: \(location) \(doubt), which counts as part of the secret; is that meant?"))
        }
        return contents.bytes
    }

    /// A key's file from the command line; one trailing newline is dropped, which makes no difference to PEM.
    package static func readKey(_ path: String) throws(SyntaxProblem) -> [UInt8] {
        do {
            var bytes = try FileReader.read(path, limit: maximumSize).bytes
            SecretText.dropNewline(&bytes)
            return bytes
        } catch {
            throw SyntaxProblem(error.words)
        }
    }
}
