// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file's bytes, and its permissions for other users.
struct FileContents {
    var bytes: [UInt8]
    /// Users other than the owner and the group may read it.
    var isReadableByOthers: Bool
    /// Users other than the owner and the group may write it.
    var isWritableByOthers: Bool
    var isOnReadOnlyMount: Bool
    /// The file system.
    var device: dev_t

    /// On a file system in memory that is mounted read-only, as Kubernetes and Docker Swarm mount secrets: only the
    /// processes of the container see it, and its mode cannot be changed from there.
    var isInVolume: Bool { isOnReadOnlyMount && MountTable.isInMemory(device) }
}

/// Why a file could not be read, in words.
struct FileProblem: Error, CustomStringConvertible {
    var words: String
    var isMissing: Bool

    var description: String { words }
}

enum FileReader {
    /// Reads a whole file (or pipe) of at most `limit` bytes. Closes it in every case.
    static func read(_ path: String, limit: Int) throws(FileProblem) -> FileContents {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw problem(errno) }
        defer { close(descriptor) }

        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw problem(errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw problem(EISDIR) }

        // A file of /proc comes in small pieces, however much is asked for.
        var bytes: [UInt8] = []
        var filled = 0
        while true {
            if filled == bytes.count {
                bytes += [UInt8](repeating: 0, count: Swift.min(Swift.max(65_536, filled), limit + 1 - filled))
            }
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress.map { unsafe $0 + filled }, buffer.count - filled)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw problem(errno)
            }
            if count == 0 { break }
            filled += count
            if filled > limit {
                throw FileProblem(words: "it is larger than \(SizeText.format(limit))", isMissing: false)
            }
        }
        bytes.removeLast(bytes.count - filled)
        var mount = statvfs()
        // ST_RDONLY of fstatvfs(3).
        let isOnReadOnlyMount = unsafe fstatvfs(descriptor, &mount) == 0 && mount.f_flag & 1 != 0
        return FileContents(
            bytes: bytes, isReadableByOthers: status.st_mode & S_IROTH != 0,
            isWritableByOthers: status.st_mode & S_IWOTH != 0,
            isOnReadOnlyMount: isOnReadOnlyMount, device: status.st_dev)
    }

    static func exists(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0
    }

    /// A file that exists and holds more than a line end, or something else, such as a pipe.
    static func isFilled(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT != S_IFREG || status.st_size > 1
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory, sorted, without `.` and `..`; nil when it cannot be read.
    static func names(in path: String) -> [String]? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory), names.count < 10_000 {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func problem(_ code: Int32) -> FileProblem {
        switch code {
        case ENOENT, ENOTDIR: FileProblem(words: "there is no such file", isMissing: true)
        case EACCES, EPERM: FileProblem(words: "permission denied", isMissing: false)
        case EISDIR: FileProblem(words: "it is a directory", isMissing: false)
        case ELOOP: FileProblem(words: "too many symbolic links", isMissing: false)
        default: FileProblem(words: "error \(code)", isMissing: false)
        }
    }
}
