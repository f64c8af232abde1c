// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Reactor
import Testing

@Suite("Writing in order", .timeLimit(.minutes(5)))
struct SerialWriterTests {
    @Test("pieces of many threads are written whole and in each thread's order", arguments: [false, true])
    func order(nonBlocking: Bool) async throws {
        let pipe = try Pipe(nonBlocking: nonBlocking)
        let writer = SerialWriter(pipe.writing, label: "test.writer")
        let (threads, each) = (4, 500)
        async let output = onThread { try pipe.readAll() }
        try await onThread {
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                for number in 0..<each {
                    // 100 bytes and more: together more than a pipe holds.
                    writer.write(Array("\(thread) \(number) \(String(repeating: "x", count: 100))\n".utf8))
                }
            }
            writer.flush()
        }
        pipe.closeWriting()
        let lines = String(decoding: try await output, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == threads * each)
        for thread in 0..<threads {
            let own = lines.filter { $0.hasPrefix("\(thread) ") }
            let expected = (0..<each).map { "\(thread) \($0) \(String(repeating: "x", count: 100))" }
            #expect(own.map(String.init) == expected)
        }
        #expect(writer.droppedByteCount == 0)
    }

    @Test(
        "a stalled reader blocks no caller: waiting output is bounded, the rest is dropped and counted",
        arguments: [false, true])
    func stalledReader(nonBlocking: Bool) async throws {
        let pipe = try Pipe(nonBlocking: nonBlocking)
        let piece = [UInt8](repeating: 120, count: 4096)
        let writer = SerialWriter(pipe.writing, label: "test.writer", limit: 10 * piece.count)
        // Without a reader the pipe takes some (64 KiB), ten may wait.
        let count = 200
        for _ in 0..<count { writer.write(piece) }
        let dropped = writer.droppedByteCount
        #expect(dropped >= (count - 10 - pipe.capacity / piece.count - 1) * piece.count)
        #expect(dropped < count * piece.count)
        // When reading resumes, the rest is written, and there is room.
        let expected = count * piece.count - dropped
        let output = try await onThread { try pipe.read(exactly: expected) }
        #expect(output.count == expected)
        try await onThread { writer.flush() }
        writer.write([10])
        #expect(try await onThread { try pipe.read(exactly: 1) } == [10])
        #expect(writer.droppedByteCount == dropped)
        try await onThread { writer.flush() }
        pipe.closeWriting()
    }

    @Test("a piece larger than the limit is dropped, an empty one ignored")
    func size() async throws {
        let pipe = try Pipe(nonBlocking: false)
        let writer = SerialWriter(pipe.writing, label: "test.writer", limit: 100)
        writer.write([UInt8](repeating: 1, count: 101))
        #expect(writer.droppedByteCount == 101)
        writer.write([])
        writer.write([UInt8](repeating: 2, count: 100))
        try await onThread { writer.flush() }
        #expect(try pipe.read(exactly: 100) == [UInt8](repeating: 2, count: 100))
        #expect(writer.droppedByteCount == 101)
        pipe.closeWriting()
    }

    @Test("a closed reader ends neither the process nor the writer")
    func brokenPipe() async {
        await #expect(processExitsWith: .success) {
            let pipe = try Pipe(nonBlocking: false)
            let writer = SerialWriter(pipe.writing, label: "test.writer", limit: 100)
            pipe.closeReading()
            for _ in 0..<100 {
                writer.write([UInt8](repeating: 1, count: 50))
                writer.flush()
            }
            #expect(writer.droppedByteCount == 0)
        }
    }
}

/// A pipe whose writing end stays open until it is closed.
private final class Pipe: Sendable {
    let writing: Int32
    private let reading: Int32

    init(nonBlocking: Bool) throws {
        var both: [Int32] = [-1, -1]
        guard unsafe pipe(&both) == 0 else { throw SystemError("pipe") }
        (reading, writing) = (both[0], both[1])
        if nonBlocking { _ = fcntl(writing, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        close(reading)
    }

    /// F_GETPIPE_SZ (fcntl(2)).
    var capacity: Int { Int(fcntl(writing, 1032)) }

    func closeWriting() { close(writing) }

    /// Replaces the reader by something else, so that its number is not closed twice.
    func closeReading() {
        let null = unsafe open("/dev/null", O_RDONLY)
        dup2(null, reading)
        close(null)
    }

    func readAll() throws -> [UInt8] {
        try read(exactly: .max)
    }

    /// So many bytes, fewer only at the end.
    func read(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while bytes.count < count {
            let size = unsafe Glibc.read(reading, &buffer, min(buffer.count, count - bytes.count))
            guard size >= 0 else { throw SystemError("read") }
            if size == 0 { break }
            bytes += buffer[..<size]
        }
        return bytes
    }
}
