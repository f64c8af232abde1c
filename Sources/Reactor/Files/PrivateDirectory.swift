// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A directory for the files of this process alone: nobody else may write there, and no other process uses it at the same
/// time. It is created where it is missing, with mode 0700; its files have 0600. All calls block.
package final class PrivateDirectory: Sendable {
    package let path: String
    private let directory: FileDescriptor
    /// Locked for the life of the process: the kernel releases it, however the process ends.
    private let lock: FileDescriptor

    package init(_ path: String) throws(DirectoryRefusal) {
        self.path = path
        // A limit on the size of files is an error of the write then, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        let isNew = unsafe mkdir(path, 0o700) == 0
        if !isNew, errno != EEXIST, errno != EROFS, errno != EACCES { throw DirectoryRefusal(path, .missing(errno)) }
        let opened = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw DirectoryRefusal(path, .missing(errno)) }
        directory = FileDescriptor(owning: opened)
        try Self.checkAccess(opened, path)
        // On a file system that was remounted read-only the lock is still there to be locked.
        var locked = unsafe openat(opened, Self.lockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if locked < 0, errno == EROFS {
            locked = unsafe openat(opened, Self.lockName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            // Where there is none, the cause is that none can be made.
            if locked < 0 { throw DirectoryRefusal(path, .notWritable(EROFS)) }
        }
        guard locked >= 0 else { throw DirectoryRefusal(path, .notWritable(errno)) }
        lock = FileDescriptor(owning: locked)
        while flock(locked, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            throw DirectoryRefusal(path, errno == EWOULDBLOCK ? .inUse : .notWritable(errno))
        }
    }

    /// What speaks against using a directory; nil: nothing does. Changes nothing, not even a missing directory.
    package static func refusal(of path: String) -> DirectoryRefusal? {
        let opened = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { return DirectoryRefusal(path, .missing(errno)) }
        let descriptor = FileDescriptor(owning: opened)
        do throws(DirectoryRefusal) {
            try checkAccess(descriptor.raw, path)
        } catch {
            return error
        }
        return isWritable(path) ? nil : DirectoryRefusal(path, .notWritable(errno))
    }

    /// Files can be created in the directory.
    package static func isWritable(_ path: String) -> Bool {
        unsafe faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0
    }

    private static func checkAccess(_ descriptor: Int32, _ path: String) throws(DirectoryRefusal) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw DirectoryRefusal(path, .missing(errno)) }
        // Root reads and writes it in any case, as `doctor` does that an administrator runs.
        let user = geteuid()
        guard status.st_uid == user || user == 0 else { throw DirectoryRefusal(path, .foreign(status.st_uid)) }
        guard status.st_mode & 0o022 == 0 else { throw DirectoryRefusal(path, .writableByOthers) }
    }

    /// Bytes that are free for this user; nil: unknown.
    package static func freeBytes(in path: String) -> UInt64? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : bytes
    }

    // MARK: Files

    /// Passes a file's content in pieces, from its start to its end.
    package func read(_ name: String, _ take: ([UInt8]) -> Void) throws(SystemError) {
        let opened = unsafe openat(directory.raw, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard opened >= 0 else { throw SystemError("open") }
        let file = FileDescriptor(owning: opened)
        while true {
            var piece = [UInt8](repeating: 0, count: Self.pieceSize)
            let count = unsafe piece.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(file.raw, buffer.baseAddress, buffer.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError("read")
            }
            guard count > 0 else { return }
            piece.removeLast(piece.count - count)
            take(piece)
        }
    }

    /// The whole content of a small file; nil: there is none that can be read.
    package func contents(of name: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        do throws(SystemError) {
            try read(name) { if bytes.count < Self.pieceSize { bytes += $0 } }
        } catch {
            return nil
        }
        return bytes
    }

    /// Writes a file at once: after a crash it has its old content, or all of the new one.
    package func replace(_ name: String, with bytes: [UInt8]) throws(SystemError) {
        let fresh = name + ".new"
        let file = try create(fresh)
        try file.write(bytes)
        try file.sync()
        try rename(fresh, to: name)
    }

    /// A new, empty file in place of one of this name.
    package func create(_ name: String) throws(SystemError) -> OutputFile {
        remove(name)
        return try openForWriting(name, O_CREAT | O_EXCL)
    }

    /// A file that exists, to append to it after its first `length` bytes, which stay.
    package func append(to name: String, after length: Int) throws(SystemError) -> OutputFile {
        let file = try openForWriting(name, 0)
        try file.truncate(to: length)
        try file.sync()
        return file
    }

    private func openForWriting(_ name: String, _ flags: Int32) throws(SystemError) -> OutputFile {
        let opened = unsafe openat(
            directory.raw, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
        guard opened >= 0 else { throw SystemError("open") }
        return OutputFile(FileDescriptor(owning: opened))
    }

    /// Gives a file another name, in place of one that has it; returns when that is on the disk.
    package func rename(_ old: String, to new: String) throws(SystemError) {
        guard unsafe renameat(directory.raw, old, directory.raw, new) == 0 else { throw SystemError("rename") }
        while fsync(directory.raw) != 0 {
            if errno != EINTR { throw SystemError("fsync") }
        }
    }

    /// Gives a file a second name.
    package func link(_ name: String, as other: String) throws(SystemError) {
        guard unsafe linkat(directory.raw, name, directory.raw, other, 0) == 0 else { throw SystemError("link") }
    }

    package func remove(_ name: String) {
        _ = unsafe unlinkat(directory.raw, name, 0)
    }

    /// The names of its files, in any order.
    package func names() -> [String] {
        guard let stream = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while names.count < Self.maximumNames, let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static let lockName = "lock"
    private static let pieceSize = 256 << 10
    private static let maximumNames = 4096
}

/// Why a directory is not used, and what to do.
package struct DirectoryRefusal: Error, Equatable, CustomStringConvertible {
    enum Cause: Equatable {
        /// It cannot be opened or created.
        case missing(Int32)
        case notWritable(Int32)
        /// It belongs to another user.
        case foreign(UInt32)
        case writableByOthers
        /// Another process has locked it.
        case inUse
    }

    private let path: String
    private let cause: Cause

    init(_ path: String, _ cause: Cause) {
        self.path = path
        self.cause = cause
    }

    package var isMissing: Bool { cause == .missing(ENOENT) }

    package var detail: String {
        switch cause {
        case .missing(let code): "\(path): \(SystemError.message(code))"
        case .notWritable(let code): "\(path) cannot be written: \(SystemError.message(code))"
        case .foreign(let owner): "\(path) belongs to another user (\(owner))"
        case .writableByOthers: "other users can write to \(path)"
        case .inUse: "another process uses \(path)"
        }
    }

    package var fix: String {
        switch cause {
        case .missing: "create the directory above it, or correct the path"
        case .notWritable: "make the directory writable for the user that the gate runs as (\(geteuid()))"
        case .foreign: "run chown \(geteuid()) on it, or name a directory below it, which the gate then creates"
        case .writableByOthers: "run chmod 700 on it, or name a directory below it, which the gate then creates"
        case .inUse: "give each gate a directory of its own, or stop the other one"
        }
    }

    package var description: String { "\(detail); \(fix)" }
}
