// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What a journal that was read to its end is like.
package enum JournalCondition: Equatable {
    /// - Parameter length: bytes up to the end of the last whole frame.
    case good(JournalHeader, secret: Int, nextFrame: UInt64, length: Int)
    /// The last frame is incomplete: the process or the machine ended in the middle of a write, so nothing in it was
    /// acknowledged.
    case torn(JournalHeader, secret: Int, nextFrame: UInt64, length: Int)
    /// Something in it is not what was written. Nil: not even the header is.
    ///
    /// - Parameter position: bytes before the first damage.
    case damaged(JournalHeader?, position: Int)
    /// None of the secrets opens it.
    case otherSecret
    /// It was written by another version of the program.
    case otherVersion(UInt64)
}

/// Reads a journal piece by piece. What it passes on was written by a process with one of the secrets; behind damage it
/// searches for the next frame, so that as little as possible is missing.
package struct JournalDecoder {
    private enum Phase {
        case header
        case frames(JournalHeader, secret: Int, SealingKey)
        /// Nothing more can be read.
        case ended(JournalCondition)
    }

    private let keys: JournalKeys
    private var phase = Phase.header
    private var buffer: [UInt8] = []
    /// Of the next unread byte in `buffer`.
    private var position = 0
    /// Of `buffer` in the file.
    private var offset = 0
    private var nextFrame: UInt64 = 0
    /// Of the first damage, in the file.
    private var damage: Int?
    /// The bytes at `position` are being searched for a frame.
    private var isSearching = false

    package init(_ keys: JournalKeys) {
        self.keys = keys
    }

    /// - Parameter take: called with the file's header and entries.
    package mutating func feed(_ piece: [UInt8], _ take: (JournalHeader, [JournalEntry]) -> Void) {
        if case .ended = phase { return }
        buffer.append(contentsOf: piece)
        if case .header = phase { readHeader() }
        if case .frames(let header, _, let key) = phase {
            while let entries = nextEntries(key, isAtEnd: false) { take(header, entries) }
        }
        buffer.removeFirst(position)
        offset += position
        position = 0
    }

    /// The end of the file.
    package mutating func finish(_ take: (JournalHeader, [JournalEntry]) -> Void) -> JournalCondition {
        switch phase {
        case .header:
            // It gets its name when it is complete, so nothing but damage makes it this short.
            return .damaged(nil, position: 0)
        case .ended(let condition):
            return condition
        case .frames(let header, let secret, let key):
            while let entries = nextEntries(key, isAtEnd: true) { take(header, entries) }
            if let damage { return .damaged(header, position: damage) }
            let length = offset + position
            return position == buffer.count
                ? .good(header, secret: secret, nextFrame: nextFrame, length: length)
                : .torn(header, secret: secret, nextFrame: nextFrame, length: length)
        }
    }

    private mutating func readHeader() {
        guard buffer.count >= JournalHeader.byteCount else { return }
        switch JournalHeader.read(Array(buffer.prefix(JournalHeader.byteCount)), keys) {
        case .good(let header, let secret, let key): phase = .frames(header, secret: secret, key)
        case .otherSecret: phase = .ended(.otherSecret)
        case .otherVersion(let version): phase = .ended(.otherVersion(version))
        case .malformed: phase = .ended(.damaged(nil, position: 0))
        }
        position = JournalHeader.byteCount
    }

    /// The entries of the next whole frame; nil: more bytes are needed, or there are none.
    ///
    /// - Parameter isAtEnd: no more bytes will come.
    private mutating func nextEntries(_ key: SealingKey, isAtEnd: Bool) -> [JournalEntry]? {
        while true {
            switch examine(key, isAtEnd: isAtEnd) {
            case .incomplete:
                return nil
            case .damaged:
                if damage == nil { damage = offset + position }
                isSearching = true
                position += 1
            case .frame(let entries, let prefix):
                if prefix.number != nextFrame, damage == nil { damage = offset + position }
                nextFrame = prefix.number &+ 1
                position += JournalFrame.Prefix.byteCount + prefix.length
                isSearching = false
                return entries
            }
        }
    }

    private enum Finding {
        case incomplete
        /// No frame begins here.
        case damaged
        case frame([JournalEntry], JournalFrame.Prefix)
    }

    /// What is at `position`.
    private func examine(_ key: SealingKey, isAtEnd: Bool) -> Finding {
        let bytes = buffer.span
        guard bytes.count - position >= JournalFrame.Prefix.lengthByteCount else { return .incomplete }
        guard let length = JournalFrame.length(bytes, at: position) else { return .damaged }
        let start = position + JournalFrame.Prefix.byteCount
        guard start + length <= bytes.count else {
            // Behind damage it may as well be the text of another one.
            return isAtEnd && isSearching ? .damaged : .incomplete
        }
        guard let prefix = JournalFrame.prefix(bytes, at: position), prefix.number >= nextFrame,
            let entries = JournalFrame.open(bytes.extracting(start..<start + length), number: prefix.number, key)
        else { return .damaged }
        return .frame(entries, prefix)
    }
}
