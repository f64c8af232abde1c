// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The pages of code that are resident: the program's own and its libraries'.
package enum CodePages {
    /// Gives them back to the kernel, which maps those that are still used again without reading the file. Half of them hold
    /// code that runs at the start only: the command line, the configuration, the checks of keys.
    ///
    /// Such a mapping is read-only and holds no relocations, so nothing in it can differ from the file.
    package static func release() {
        guard let maps = contents(of: "/proc/self/maps") else { return }
        for line in maps.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 5)
            // Only files have a path: the kernel's own page of code has none.
            guard words.count == 6, words[1] == "r-xp", words[5].drop(while: { $0 == " " }).first == "/" else {
                continue
            }
            let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, bounds[0] < bounds[1] else { continue }
            _ = unsafe madvise(
                UnsafeMutableRawPointer(bitPattern: bounds[0]), Int(bounds[1] - bounds[0]), MADV_DONTNEED)
        }
    }

    private static func contents(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: maximumSize)
        var count = 0
        while count < bytes.count {
            let more = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe read(descriptor, buffer.baseAddress.map { unsafe $0 + count }, buffer.count - count)
            }
            guard more > 0 else { break }
            count += more
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// More than a process of a few libraries has.
    private static let maximumSize = 262_144
}
