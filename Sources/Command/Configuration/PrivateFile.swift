// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a file was not written, and the fix.
struct FileRefusal: Error, CustomStringConvertible {
    let words: String

    var description: String { words }
}

/// A file with secrets: readable by its owner, and by the directory's group where the directory passes it on (the
/// set-group-ID bit).
struct PrivateFile {
    private let path: String

    init(_ path: String) { self.path = path }

    /// Writes the text into a new file.
    ///
    /// - Parameter isReplacing: an existing file is replaced in one step, so that a gate that watches it never finds it
    ///   missing or half written. It keeps its owner, and its mode but for others; its content moves to `PATH.old`.
    func write(_ text: String, isReplacing: Bool) throws(FileRefusal) {
        var existing = stat()
        guard unsafe lstat(path, &existing) == 0 else {
            return try create(path, text, mode: newMode, owner: nil)
        }
        guard isReplacing else {
            throw FileRefusal(
                words:
                    "it exists already and is not overwritten; name another file or move it away, or use --force, which"
                    + " keeps the old one as \(path).old")
        }
        guard existing.st_mode & S_IFMT == S_IFREG else {
            throw FileRefusal(words: "it is not a regular file and is not replaced; name the file itself")
        }
        let fresh = path + ".new", old = path + ".old"
        _ = unsafe unlink(fresh)
        try create(fresh, text, mode: existing.st_mode & 0o770, owner: (existing.st_uid, existing.st_gid))
        _ = unsafe unlink(old)
        guard unsafe link(path, old) == 0, unsafe rename(fresh, path) == 0 else {
            let refusal = Self.refusal()
            _ = unsafe unlink(fresh)
            throw refusal
        }
        _ = unsafe chmod(old, existing.st_mode & 0o770)
    }

    private var newMode: mode_t {
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        var status = stat()
        return unsafe stat(parent, &status) == 0 && status.st_mode & S_ISGID != 0 ? 0o640 : 0o600
    }

    private func create(
        _ path: String, _ text: String, mode: mode_t, owner: (uid_t, gid_t)?
    ) throws(FileRefusal) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.refusal() }
        defer { close(descriptor) }
        guard Descriptor.write(text, to: descriptor) else { throw discard(path) }
        // The owner first: a change of owner clears bits of the mode.
        if let owner, fchown(descriptor, owner.0, owner.1) != 0 { throw discard(path) }
        // Independent of the umask.
        if fchmod(descriptor, mode) != 0 { throw discard(path) }
    }

    /// Why the file cannot be completed; removes it.
    private func discard(_ path: String) -> FileRefusal {
        let refusal = Self.refusal()
        _ = unsafe unlink(path)
        return refusal
    }

    private static func refusal() -> FileRefusal {
        FileRefusal(words: "cannot write: \(unsafe String(cString: strerror(errno)))")
    }
}
