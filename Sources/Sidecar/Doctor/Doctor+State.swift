// SPDX-License-Identifier: Apache-2.0

import Configuration
import Reactor

extension Doctor {
    /// Whether `state.directory` can be used, and has room. Changes nothing there.
    func state(_ settings: StateSettings) -> [DoctorFinding] {
        let name = "state.directory"
        let path = settings.directory
        if let refusal = PrivateDirectory.refusal(of: path) {
            guard refusal.isMissing else {
                return [DoctorFinding(.failed, name, refusal.detail, fix: refusal.fix)]
            }
            let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
            guard PrivateDirectory.isWritable(parent) else {
                return [
                    DoctorFinding(
                        .failed, name, "\(path) does not exist, and cannot be created",
                        fix: "create it for the user that the gate runs as, with mode 700")
                ]
            }
            return [DoctorFinding(.ok, name, "\(path) is created at the start")]
        }
        let needed = Self.room(settings: self.settings)
        if let free = PrivateDirectory.freeBytes(in: path), free < needed {
            return [
                DoctorFinding(
                    .warning, name, "\(path) has \(free >> 20) MiB left, and may need \(needed >> 20)",
                    fix: "free space there, or lower replay.maxEntries")
            ]
        }
        return [DoctorFinding(.ok, name, "\(path) can be written")]
    }

    /// Bytes: a file, and the one that replaces it, for as many tokens as are remembered.
    private static func room(settings: Settings) -> UInt64 {
        3 * 60 * UInt64(clamping: settings.replay.maxEntries) + (4 << 20)
    }
}
