// SPDX-License-Identifier: Apache-2.0

import Reactor
import StateJournal
import Synchronization

/// A disk in memory that loses, at a crash, what was not synced: all of it, or some of its bytes.
final class MemoryDisk: JournalDisk {
    /// What becomes of bytes that were written but not synced.
    enum Unsynced: CaseIterable {
        case lost, half, kept, zeroed
    }

    /// What an operation does that the test has chosen.
    enum Fault {
        case none
        /// It and all later ones fail, and nothing changes any more.
        case crash
        /// The disk is full: half is written.
        case full
        case syncFails
    }

    struct Content: Sendable {
        var bytes: [UInt8] = []
        /// How many of them are on the disk.
        var synced = 0
    }

    private struct State {
        var files: [String: Content]
        var operations = 0
        var hasCrashed = false
        var longest = 0
    }

    private let state: Mutex<State>
    private let fault: @Sendable (_ operation: Int, _ isSync: Bool) -> Fault

    /// - Parameter fault: of the operation of this number.
    init(
        _ files: [String: [UInt8]] = [:],
        fault: @escaping @Sendable (_ operation: Int, _ isSync: Bool) -> Fault = { _, _ in .none }
    ) {
        state = Mutex(State(files: files.mapValues { Content(bytes: $0, synced: $0.count) }))
        self.fault = fault
    }

    var operations: Int { state.withLock { $0.operations } }
    var hasCrashed: Bool { state.withLock { $0.hasCrashed } }
    /// Bytes of the longest file there ever was.
    var longest: Int { state.withLock { $0.longest } }

    func bytes(of name: String) -> [UInt8]? { state.withLock { $0.files[name]?.bytes } }

    /// What another process finds after the machine has lost its power.
    func files(_ unsynced: Unsynced) -> [String: [UInt8]] {
        state.withLock { state in
            state.files.mapValues { content in
                let rest = content.bytes.count - content.synced
                switch unsynced {
                case .lost: return Array(content.bytes.prefix(content.synced))
                case .half: return Array(content.bytes.prefix(content.synced + rest / 2))
                case .kept: return content.bytes
                case .zeroed:
                    return Array(content.bytes.prefix(content.synced)) + [UInt8](repeating: 0, count: rest)
                }
            }
        }
    }

    private func operate(isSync: Bool = false, _ body: (inout [String: Content], Fault) -> Void) throws(SystemError) {
        let failure = state.withLock { state -> SystemError? in
            guard !state.hasCrashed else { return SystemError("write", 5) }
            let fault = fault(state.operations, isSync)
            state.operations += 1
            if case .crash = fault {
                state.hasCrashed = true
                return SystemError("write", 5)
            }
            body(&state.files, fault)
            state.longest = max(state.longest, state.files.values.map(\.bytes.count).max() ?? 0)
            switch fault {
            case .none, .crash: return nil
            case .full: return isSync ? nil : SystemError("write", 28)
            case .syncFails: return isSync ? SystemError("fdatasync", 5) : nil
            }
        }
        if let failure { throw failure }
    }

    func read(_ name: String, _ take: ([UInt8]) -> Void) throws(SystemError) {
        guard let bytes = bytes(of: name) else { throw SystemError("open", 2) }
        // Small ones in pieces of odd sizes.
        let size = bytes.count < 10_000 ? 97 : 65_536
        var rest = bytes[...]
        while !rest.isEmpty {
            take(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
    }

    func create(_ name: String) throws(SystemError) -> any JournalFile {
        try operate { files, _ in files[name] = Content() }
        return File(self, name)
    }

    func append(to name: String, after length: Int) throws(SystemError) -> any JournalFile {
        let file = File(self, name)
        try file.truncate(to: length)
        return file
    }

    func rename(_ old: String, to new: String) throws(SystemError) {
        try operate { files, _ in
            let content = files.removeValue(forKey: old)
            files[new] = content
        }
        names(old, new)
    }

    func link(_ name: String, as other: String) throws(SystemError) {
        try operate { files, _ in if let content = files[name] { files[other] = content } }
    }

    func remove(_ name: String) { state.withLock { $0.files[name] = nil } }

    func names() -> [String] { state.withLock { Array($0.files.keys) } }

    /// Open files keep their content when they are renamed.
    private let aliases = Mutex<[String: String]>([:])

    private func names(_ old: String, _ new: String) { aliases.withLock { $0[old] = new } }

    private final class File: JournalFile {
        private let disk: MemoryDisk
        private var name: String

        init(_ disk: MemoryDisk, _ name: String) {
            self.disk = disk
            self.name = name
            disk.aliases.withLock { $0[name] = nil }
        }

        private var current: String { disk.aliases.withLock { $0[name] } ?? name }

        func write(_ bytes: [UInt8]) throws(SystemError) {
            name = current
            let name = name
            try disk.operate { files, fault in
                let written = if case .full = fault { bytes.count / 2 } else { bytes.count }
                files[name]?.bytes.append(contentsOf: bytes.prefix(written))
            }
        }

        func sync() throws(SystemError) {
            name = current
            let name = name
            try disk.operate(isSync: true) { files, fault in
                if case .syncFails = fault { return }
                let length = files[name]?.bytes.count ?? 0
                files[name]?.synced = length
            }
        }

        func truncate(to length: Int) throws(SystemError) {
            name = current
            let name = name
            try disk.operate { files, _ in
                guard var content = files[name], content.bytes.count > length else { return }
                content.bytes.removeLast(content.bytes.count - length)
                content.synced = min(content.synced, length)
                files[name] = content
            }
        }
    }
}
