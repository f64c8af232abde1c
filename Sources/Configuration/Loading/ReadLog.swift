// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Synchronization

/// The files a configuration was made from, and a digest of their contents, to detect changes.
final class ReadLog: Sendable {
    private struct State {
        var paths: [String] = []
        var digests: [UInt8] = []
        var contents: [String: [UInt8]] = [:]
    }

    private let state = Mutex(State())

    func note(_ path: String, _ contents: [UInt8]) {
        let name = Array(path.utf8)
        let hash = SHA256.hash(contents.span)
        let digest = SHA256.hash(name.span) + hash
        state.withLock { state in
            if !state.paths.contains(path) { state.paths.append(path) }
            state.digests += digest
            state.contents[path] = hash
        }
    }

    func append(_ other: ReadLog) {
        let other = other.state.withLock { ($0.paths, $0.digests, $0.contents) }
        state.withLock { state in
            for path in other.0 where !state.paths.contains(path) { state.paths.append(path) }
            state.digests += other.1
            state.contents.merge(other.2) { $1 }
        }
    }

    var paths: [String] { state.withLock { $0.paths } }

    /// Of the contents of each file.
    var contents: [String: [UInt8]] { state.withLock { $0.contents } }

    /// Of names and contents, in the order of reading.
    var digest: [UInt8] {
        let all = state.withLock { $0.digests }
        return SHA256.hash(all.span)
    }
}
