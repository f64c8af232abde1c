// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The mounted file systems of this process, /proc/self/mountinfo (proc(5)).
enum MountTable {
    private static let maximumSize = 1 << 20

    /// Whether a file system is a tmpfs.
    static func isInMemory(_ device: dev_t) -> Bool {
        guard let table = try? FileReader.read("/proc/self/mountinfo", limit: maximumSize) else { return false }
        let number = number(of: device)
        // 36 35 98:0 /root /mount options - type …
        return String(decoding: table.bytes, as: UTF8.self).split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            guard words.count > 3, words[2] == number, let dash = words.firstIndex(of: "-") else { return false }
            return words[dash...].dropFirst().first == "tmpfs"
        }
    }

    /// `major:minor`, as makedev(3) has them in a dev_t.
    private static func number(of device: dev_t) -> String {
        let major = (device >> 8) & 0xFFF | (device >> 32) & 0xFFFF_F000
        let minor = device & 0xFF | (device >> 12) & 0xFFFF_FF00
        return "\(major):\(minor)"
    }
}
