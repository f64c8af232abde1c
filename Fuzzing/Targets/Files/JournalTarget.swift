// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import StateJournal
import TestSupport

/// The state journal: whatever happens to its bytes, no entry is read that was not written, none twice or out of order, and
/// a file without damage is read as a whole.
///
/// An input is a list of damages to a file that was written: cut, overwrite, remove, repeat. Its bytes by themselves would
/// never pass the seals.
enum JournalTarget {
    static let journal = FuzzTarget(
        "journal", maximumLength: 64,
        seeds: { [[], [0, 0, 200], [1, 0, 100, 7], [2, 1, 0, 40], [3, 0, 90, 60], [1, 0, 5, 1], [0, 0, 10]] }
    ) { input throws(BrokenProperty) in
        var random = SeededGenerator(of: input)
        let damaged = damage(written, by: input)
        let whole = read([damaged])
        for pieces in [random.pieces(of: damaged, longest: 300), random.pieces(of: damaged, longest: 5)] {
            let other = read(pieces)
            try require(whole == other, "pieces are read otherwise: \(whole.condition) \(other.condition)")
        }
        var rest = entries[...]
        for entry in whole.entries {
            guard let index = rest.firstIndex(of: entry) else {
                throw BrokenProperty("an entry that was not written there")
            }
            rest = rest[(index + 1)...]
        }
        switch whole.condition {
        case .good:
            // A file may end after any frame.
            try require(written.starts(with: damaged), "damage is not noticed")
        case .torn:
            try require(whole.entries.elementsEqual(entries.prefix(whole.entries.count)), "a gap in a torn file")
        case .damaged, .otherSecret, .otherVersion:
            try require(damaged != written, "a whole file is \(whole.condition)")
        }
        if damaged == written { try require(whole.entries == entries, "\(whole.entries.count) entries") }
        // Any bytes.
        _ = read([input])
    }

    private struct Reading: Equatable {
        var entries: [JournalEntry] = []
        var condition: JournalCondition
    }

    private static func read(_ pieces: [[UInt8]]) -> Reading {
        var decoder = JournalDecoder(keys)
        var entries: [JournalEntry] = []
        for piece in pieces { decoder.feed(piece) { entries += $1 } }
        let condition = decoder.finish { entries += $1 }
        return Reading(entries: entries, condition: condition)
    }

    private static func damage(_ file: [UInt8], by input: [UInt8]) -> [UInt8] {
        var file = file
        var rest = input[...]
        while rest.count >= 3, !file.isEmpty {
            let step = Array(rest.prefix(4))
            rest = rest.dropFirst(4)
            let place = (Int(step[1]) << 8 | Int(step[2])) % file.count
            let value = step.count > 3 ? step[3] : 1
            let end = min(place + Int(value), file.count)
            switch step[0] % 5 {
            case 0: file.removeSubrange(place...)
            case 1: file[place] ^= value
            case 2: file.removeSubrange(place..<end)
            case 3: file.insert(contentsOf: file[place..<end], at: place)
            default: file.replaceSubrange(place..<end, with: [UInt8](repeating: 0, count: end - place))
            }
        }
        return file
    }

    private static let keys = JournalKeys([[UInt8](repeating: 7, count: 32)])
    private static let entries: [JournalEntry] = (0..<12).map { number in
        let now = ClockReading(wall: 1000, monotonic: 10)
        let times = JournalTimes(Expiry(wall: 2000, monotonic: 1010), now: now)
        return number % 3 == 2
            ? .revocation(sealed: [UInt8](repeating: UInt8(number), count: 20), times)
            : .token(digest: [UInt8](repeating: UInt8(number), count: 32), times)
    }
    /// Of frames with one to three entries.
    private static let written: [UInt8] = {
        let salt = [UInt8](repeating: 1, count: 16)
        let key = keys.key(0, salt: salt)
        var file = JournalHeader(salt: salt, boot: JournalHeader.unknownBoot, completeSince: 0).text(key)
        var sealer = FrameSealer(key)
        var rest = entries[...]
        var count = 1
        while !rest.isEmpty {
            file += sealer.frames(rest.prefix(count))
            rest = rest.dropFirst(count)
            count = count % 3 + 1
        }
        return file
    }()
}
