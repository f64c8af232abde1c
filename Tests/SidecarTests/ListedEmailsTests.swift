// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Sidecar
import TestSupport
import Testing

@Suite("The file of registered users", .timeLimit(.minutes(5)))
struct ListedEmailsTests {
    @Test(
        "a changed file takes effect, an invalid one is reported once and changes nothing, a corrected one takes effect"
    )
    func changes() async throws {
        let path = try Self.file("ada")
        defer { unsafe unlink(path) }
        let (lists, reads, log) = (Mailbox<[String]>(), Mailbox<Bool>(), TestLog())
        let listed = ListedEmails(
            path, now: ["ada"], logger: log.logger,
            read: { path in
                defer { reads.send(true) }
                return Self.read(path)
            }, apply: { lists.send($0) })
        // As it was read at the start: nothing to do.
        #expect(try await reads.next())
        #expect(lists.isEmpty)
        try Self.write(path, "ada\nbob")
        #expect(try await lists.next() == ["ada", "bob"])
        try Self.write(path, "bad")
        try await log.wait(for: "registered users not changed")
        #expect(lists.isEmpty)
        try Self.write(path, "ada\nbob")
        // The same list as before: said, for the log's sake.
        #expect(try await lists.next() == ["ada", "bob"])
        unsafe unlink(path)
        try await log.wait(for: "no such file")
        try Self.write(path, "")
        #expect(try await lists.next() == [])
        withExtendedLifetime(listed) {}
    }

    @Test("a change between the first reading and the watch is not missed")
    func early() async throws {
        let path = try Self.file("bob")
        defer { unsafe unlink(path) }
        let lists = Mailbox<[String]>()
        let listed = ListedEmails(
            path, now: ["ada"], logger: TestLog().logger, read: Self.read, apply: { lists.send($0) })
        #expect(try await lists.next() == ["bob"])
        withExtendedLifetime(listed) {}
    }

    @Test("a text that Unicode takes for equivalent to the one before is another one")
    func equivalent() async throws {
        let path = try Self.file("rene\u{301}")
        defer { unsafe unlink(path) }
        let lists = Mailbox<[String]>()
        let listed = ListedEmails(
            path, now: ["ren\u{e9}"], logger: TestLog().logger, read: Self.read, apply: { lists.send($0) })
        #expect(try await lists.next().map { Array($0.utf8) } == [Array("rene\u{301}".utf8)])
        withExtendedLifetime(listed) {}
    }

    @Sendable
    private static func read(_ path: String) -> Result<[String], ListedEmails.Problem> {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(ListedEmails.Problem("no such file")) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        if text.contains("bad") { return .failure(ListedEmails.Problem("line 1 is bad")) }
        return .success(text.split(separator: "\n").map(String.init))
    }

    private static func file(_ text: String) throws -> String {
        var template = Array("/tmp/sidegate-emails-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw SystemError("mkstemp") }
        close(descriptor)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try write(path, text)
        return path
    }

    /// As editors do it: beside, then over.
    private static func write(_ path: String, _ text: String) throws {
        let beside = path + ".new"
        let descriptor = unsafe open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open") }
        let bytes = Array(text.utf8)
        let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
        guard count == bytes.count, unsafe rename(beside, path) == 0 else { throw SystemError("rename") }
    }
}
