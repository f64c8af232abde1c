// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The classes of bytes in heads, and the scans for the end of a run of one class.
///
/// Each scan takes `position <= bytes.count` and returns the first position from there on whose byte is not of the
/// class, or the count. Scans read eight bytes at a time; the bytes at which they stop are checked one by one.
enum ByteClass {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d
    static let space: UInt8 = 0x20
    static let delete: UInt8 = 0x7f

    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool { Token.contains(byte) }

    /// `unreserved` of RFC 3986 §2.3.
    @inline(__always)
    static func isUnreserved(_ byte: UInt8) -> Bool {
        let set: UInt64 = byte < 64 ? 0x03ff_6000_0000_0000 : 0x47ff_fffe_87ff_fffe
        return byte < 128 && set &>> UInt64(byte) & 1 != 0
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { WhiteSpace.contains(byte) }

    /// The bytes of a field value or a reason phrase: VCHAR, obs-text, SP, HTAB (RFC 9110 §5.5).
    @inline(__always)
    static func isText(_ byte: UInt8) -> Bool { byte >= space && byte != delete || byte == tab }

    /// The position where a token ends.
    static func endOfToken(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var position = start
        let count = bytes.count
        while position &+ 8 <= count {
            let other = notLetterOrHyphen(bytes.word(uncheckedAt: position))
            if other == 0 {
                position &+= 8
                continue
            }
            position &+= ByteWord.firstByte(other)
            // Within the word just read.
            guard isToken(unsafe bytes[unchecked: position]) else { return position }
            position &+= 1
        }
        while position < count, isToken(unsafe bytes[unchecked: position]) { position &+= 1 }
        return position
    }

    /// The position where field-value text ends: at a control byte other than HTAB.
    static func endOfText(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var position = start
        let count = bytes.count
        while position &+ 8 <= count {
            let word = bytes.word(uncheckedAt: position)
            let stops = ByteWord.below(word, space) | ByteWord.equal(word, delete)
            if stops == 0 {
                position &+= 8
                continue
            }
            position &+= ByteWord.firstByte(stops)
            // Within the word just read.
            guard unsafe bytes[unchecked: position] == tab else { return position }
            position &+= 1
        }
        while position < count, isText(unsafe bytes[unchecked: position]) { position &+= 1 }
        return position
    }

    /// The position where a request target, or the part of it before `?`, ends: at anything but a visible ASCII
    /// character, at `#`, and at `?` if `stopsAtQuery`.
    static func endOfTarget(_ bytes: Span<UInt8>, from start: Int, stopsAtQuery: Bool) -> Int {
        var position = start
        let count = bytes.count
        // Searching for `#` twice costs less than a branch.
        let query = stopsAtQuery ? UInt8(ascii: "?") : UInt8(ascii: "#")
        while position &+ 8 <= count {
            let word = bytes.word(uncheckedAt: position)
            let stops =
                ByteWord.below(word, space + 1) | ByteWord.equal(word, delete) | ByteWord.notASCII(word)
                | ByteWord.equal(word, UInt8(ascii: "#")) | ByteWord.equal(word, query)
            if stops != 0 { return position &+ ByteWord.firstByte(stops) }
            position &+= 8
        }
        while position < count {
            let byte = unsafe bytes[unchecked: position]
            if byte <= space || byte >= delete || byte == UInt8(ascii: "#") || byte == query { break }
            position &+= 1
        }
        return position
    }

    /// Which of the eight bytes are neither letter nor `-`. Exact for every byte: no sum carries into the next byte.
    @inline(__always)
    private static func notLetterOrHyphen(_ word: UInt64) -> UInt64 {
        let ascii = word & ByteWord.all(0x7f)
        let folded = ascii | ByteWord.all(0x20)
        let letters = (folded &+ ByteWord.all(0x80 - 0x61)) & ~(folded &+ ByteWord.all(0x80 - 0x7b))
        let hyphens = ~((ascii ^ ByteWord.all(UInt8(ascii: "-"))) &+ ByteWord.all(0x7f))
        return ~((letters | hyphens) & ~word) & ByteWord.all(0x80)
    }
}
