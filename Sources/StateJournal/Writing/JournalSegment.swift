// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A file to which entries are appended.
struct JournalSegment {
    private let file: any JournalFile
    private var sealer: FrameSealer
    /// Bytes that are on the disk.
    private(set) var length: Int
    /// False: after an error it is unknown what the file holds, so nothing may follow.
    private(set) var isSound = true

    init(_ file: any JournalFile, _ sealer: FrameSealer, length: Int) {
        self.file = file
        self.sealer = sealer
        self.length = length
    }

    /// Returns when `entries` are on the disk. After an error none of them is in the file, if it is sound.
    mutating func append(_ entries: [JournalEntry]) throws(SystemError) {
        var next = sealer
        let frames = next.frames(entries)
        do throws(SystemError) {
            try file.write(frames)
        } catch {
            isSound = (try? file.truncate(to: length)) != nil
            throw error
        }
        do throws(SystemError) {
            try file.sync()
        } catch {
            isSound = false
            throw error
        }
        sealer = next
        length += frames.count
    }
}
