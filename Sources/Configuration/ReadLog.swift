// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Which files a configuration was made from, and what stood in them, without keeping it: for whoever waits for changes.
final class ReadLog {
    private(set) var paths: [String] = []
    private var digests: [UInt8] = []

    func note(_ path: String, _ contents: some Sequence<UInt8>) {
        if !paths.contains(path) { paths.append(path) }
        let (name, bytes) = (Array(path.utf8), Array(contents))
        digests += SHA256.hash(name.span) + SHA256.hash(bytes.span)
    }

    func append(_ other: ReadLog) {
        for path in other.paths where !paths.contains(path) { paths.append(path) }
        digests += other.digests
    }

    /// Of names and contents, in the order of reading.
    var digest: [UInt8] {
        let all = digests
        return SHA256.hash(all.span)
    }
}
