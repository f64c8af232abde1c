// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Watching files", .timeLimit(.minutes(5)))
struct FileWatcherTests {
    /// The content of a watched path, reported after each change; nil: there is no such file.
    private static func watch(_ path: String) -> (FileWatcher, Mailbox<String?>) {
        let seen = Mailbox<String?>()
        // Polling must not be what finds it.
        let watcher = FileWatcher([path], settling: .milliseconds(10), polling: .seconds(3600)) {
            seen.send(Folder.read(path))
        }
        return (watcher, seen)
    }

    @Test("for a directory, its content is watched: files created, written, renamed and removed")
    func directory() async throws {
        let folder = try Folder()
        try folder.makeDirectory("d")
        let seen = Mailbox<Bool>()
        let watcher = FileWatcher([folder.path + "/d"], settling: .milliseconds(10), polling: .seconds(3600)) {
            seen.send(true)
        }
        _ = try await seen.next()
        let changes: [@Sendable () throws -> Void] = [
            { try folder.write("d/a", "one") }, { try folder.write("d/a", "two") }, { try folder.rename("d/a", "d/b") },
            { try folder.remove("d/b") },
        ]
        for change in changes {
            try change()
            #expect(try await seen.next())
        }
        withExtendedLifetime(watcher) {}
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var prepare: @Sendable (Folder) throws -> Void = { try $0.write("a", "one") }
        var path = "a"
        let change: @Sendable (Folder) throws -> Void
    }

    @Test("a change is reported, however it is made", arguments: changes)
    func change(_ row: Change) async throws {
        let folder = try Folder()
        try row.prepare(folder)
        let (watcher, seen) = Self.watch(folder.path + "/" + row.path)
        _ = try await seen.next()
        try row.change(folder)
        while try await seen.next() != "two" {}
        // And the next one too, which needs the watches that the change required.
        try folder.write(row.path, "three")
        while try await seen.next() != "three" {}
        withExtendedLifetime(watcher) {}
    }

    static let changes: [Change] = [
        Change(testDescription: "written in place", change: { try $0.write("a", "two") }),
        Change(
            testDescription: "replaced by a rename",
            change: {
                try $0.write("new", "two")
                try $0.rename("new", "a")
            }),
        Change(
            testDescription: "removed, and created again",
            change: {
                try $0.remove("a")
                try $0.write("a", "two")
            }),
        Change(testDescription: "made where none was", prepare: { _ in }, change: { try $0.write("a", "two") }),
        Change(
            testDescription: "made in a directory that was not there", prepare: { _ in }, path: "b/c/a",
            change: {
                try $0.makeDirectory("b")
                try $0.makeDirectory("b/c")
                try $0.write("b/c/a", "two")
            }),
        Change(
            testDescription: "moved into place with its directory", prepare: { _ in }, path: "b/a",
            change: {
                try $0.makeDirectory("other")
                try $0.write("other/a", "two")
                try $0.rename("other", "b")
            }),
        Change(
            testDescription: "written by another of its names",
            prepare: {
                try $0.write("a", "one")
                try $0.makeDirectory("b")
                try $0.link("a", "b/hard")
            },
            change: { try $0.write("b/hard", "two") }),
        Change(
            testDescription: "the target of a symbolic link, written",
            prepare: {
                try $0.makeDirectory("b")
                try $0.write("b/real", "one")
                try $0.symlink("b/real", "a")
            },
            change: { try $0.write("b/real", "two") }),
        Change(
            testDescription: "a symbolic link, set to another file",
            prepare: {
                try $0.write("one", "one")
                try $0.write("two", "two")
                try $0.symlink("one", "a")
            },
            change: {
                try $0.symlink("two", "new")
                try $0.rename("new", "a")
            }),
        Change(
            testDescription: "a symbolic link that led nowhere", prepare: { try $0.symlink("later", "a") },
            change: { try $0.write("later", "two") }),
        Change(
            testDescription: "as Kubernetes swaps what it mounts",
            prepare: {
                try $0.makeDirectory("..2026_1")
                try $0.write("..2026_1/a", "one")
                try $0.symlink("..2026_1", "..data")
                try $0.symlink("..data/a", "a")
            },
            change: {
                try $0.makeDirectory("..2026_2")
                try $0.write("..2026_2/a", "two")
                try $0.symlink("..2026_2", "..data_tmp")
                try $0.rename("..data_tmp", "..data")
                try $0.remove("..2026_1/a")
                try $0.remove("..2026_1")
            }),
    ]

    @Test("the removal of a file is reported")
    func removed() async throws {
        let folder = try Folder()
        try folder.write("a", "one")
        let (watcher, seen) = Self.watch(folder.path + "/a")
        #expect(try await seen.next() == "one")
        try folder.remove("a")
        while try await seen.next() != nil {}
        withExtendedLifetime(watcher) {}
    }

    @Test("the last of many simultaneous changes is never missed")
    func last() async throws {
        let folder = try Folder()
        try folder.write("a", "0")
        let (watcher, seen) = Self.watch(folder.path + "/a")
        for round in 1...50 {
            for step in 0..<20 {
                if step % 3 == 0 {
                    try folder.write("new", "\(round).\(step)")
                    try folder.rename("new", "a")
                } else {
                    try folder.write("a", "\(round).\(step)")
                }
            }
            while try await seen.next() != "\(round).19" {}
        }
        withExtendedLifetime(watcher) {}
    }

    @Test("changes of other files are not reported")
    func others() async throws {
        let folder = try Folder()
        try folder.write("a", "one")
        let (watcher, seen) = Self.watch(folder.path + "/a")
        #expect(try await seen.next() == "one")
        for number in 0..<100 { try folder.write("b\(number)", "x") }
        try folder.write("a", "two")
        #expect(try await seen.next() == "two")
        withExtendedLifetime(watcher) {}
    }

    @Test("a change without an event is found by polling")
    func polling() async throws {
        let folder = try Folder()
        try folder.write("a", "one")
        let path = folder.path + "/a"
        let seen = Mailbox<String?>()
        let watcher = FileWatcher([path], settling: .milliseconds(1), polling: .milliseconds(5)) {
            seen.send(Folder.read(path))
        }
        #expect(try await seen.next() == "one")
        // Written and not closed: causes no event.
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        try #require(unsafe Glibc.write(descriptor, "two", 3) == 3)
        while try await seen.next() != "two" {}
        withExtendedLifetime(watcher) {}
    }

    @Test("many files have one watcher, and no report follows its release")
    func release() async throws {
        let folder = try Folder()
        let seen = Mailbox<Int>()
        let released = Mailbox<Void>()
        var watcher: FileWatcher? = {
            let sentinel = Sentinel(released)
            return FileWatcher(
                (0..<10).map { folder.path + "/\($0)" }, settling: .milliseconds(1), polling: .seconds(3600)
            ) {
                sentinel.touch()
                seen.send((0..<10).count { Folder.read(folder.path + "/\($0)") != nil })
            }
        }()
        #expect(try await seen.next() == 0)
        for number in 0..<10 {
            try folder.write("\(number)", "x")
            while try await seen.next() != number + 1 {}
        }
        withExtendedLifetime(watcher) {}
        watcher = nil
        try await released.next()
    }
}

/// A directory for one test.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/sidegate-watch-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.removeAll(path)
    }

    private static func removeAll(_ path: String) {
        if let directory = unsafe opendir(path) {
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                // The link is removed, not its target.
                if unsafe unlink(path + "/" + name) != 0 { removeAll(path + "/" + name) }
            }
            unsafe closedir(directory)
        }
        unsafe rmdir(path)
    }

    func write(_ name: String, _ text: String) throws {
        let descriptor = unsafe open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write") }
    }

    func makeDirectory(_ name: String) throws { try check(unsafe mkdir(path + "/" + name, 0o700)) }
    func rename(_ name: String, _ other: String) throws {
        try check(unsafe Glibc.rename(path + "/" + name, path + "/" + other))
    }
    func remove(_ name: String) throws { try check(unsafe Glibc.remove(path + "/" + name)) }
    func link(_ name: String, _ other: String) throws {
        try check(unsafe Glibc.link(path + "/" + name, path + "/" + other))
    }
    /// The link's text is `target`, unchanged.
    func symlink(_ target: String, _ name: String) throws { try check(unsafe Glibc.symlink(target, path + "/" + name)) }

    static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private func check(_ result: Int32) throws {
        guard result == 0 else { throw SystemError("file") }
    }
}
