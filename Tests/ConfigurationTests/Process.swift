// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// The built `sidegate`, run as a user runs it.
struct SidegateProcess {
    let status: Int32
    let output: String
    let errors: String

    /// Runs to the end. Output goes through files, so that no pipe can fill up.
    static func run(
        _ arguments: [String], in place: Workplace, input: String = "", environment: [String] = []
    ) throws -> SidegateProcess {
        let output = place.write("stdout", "")
        let errors = place.write("stderr", "")
        let input = place.write("stdin", input)
        let program = try #require(path)

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY, 0)

        let shell = ["sh", "-c", "cd \"$0\" && exec \"$@\"", place.path, program]
        var words = unsafe (shell + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        let failure = unsafe posix_spawn(&process, "/bin/sh", &actions, nil, &words, &variables)
        try #require(failure == 0, "cannot start \(program)")
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        // WIFEXITED: a signal would show as a negative number.
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
        return SidegateProcess(status: code, output: try text(of: output), errors: try text(of: errors))
    }

    /// Beside the tests' own executable.
    private static let path: String? = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe buffer.baseAddress.map {
                unsafe readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), buffer.count)
            } ?? 0
        }
        let directory = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
            separator: "/")
        let own = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        let beside = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return [beside + "/sidegate", directory + "/.build/debug/sidegate"].first { unsafe access($0, X_OK) == 0 }
    }()

    private static func text(of file: String) throws -> String {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
