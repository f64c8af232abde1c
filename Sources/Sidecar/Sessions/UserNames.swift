// SPDX-License-Identifier: Apache-2.0

/// The names of the system's users, for the audit trail. From passwd(5) alone: a directory service could take its time, or
/// ask this very gate.
enum UserNames {
    static func name(_ user: UInt32) -> String? {
        for line in SystemFile.text("/etc/passwd").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
            if parts.count == 4, parts[2] == String(user) { return String(parts[0].prefix(64)) }
        }
        return nil
    }
}
