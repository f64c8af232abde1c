// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate

/// Entries that are written at once: length, the length's complement, a number, and the entries, sealed.
///
/// The complement tells a frame that was cut off in the middle of a write from one whose length was damaged. The number is
/// one more than that of the frame before, so that a missing frame is noticed.
enum JournalFrame {
    struct Prefix: Equatable {
        /// Of what is sealed.
        let length: Int
        let number: UInt64

        static let byteCount = 16
        /// As much as tells whether the length is right.
        static let lengthByteCount = 8
    }

    /// The length that these bytes give; nil: it is damaged.
    static func length(_ bytes: Span<UInt8>, at position: Int) -> Int? {
        let length = number(bytes, at: position, count: 4)
        guard length ^ number(bytes, at: position + 4, count: 4) == 0xffff_ffff, lengths ~= Int(length) else {
            return nil
        }
        return Int(length)
    }

    static func prefix(_ bytes: Span<UInt8>, at position: Int) -> Prefix? {
        length(bytes, at: position).map { Prefix(length: $0, number: number(bytes, at: position + 8, count: 8)) }
    }

    private static func number(_ bytes: Span<UInt8>, at position: Int, count: Int) -> UInt64 {
        (position..<position + count).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    }

    /// Nil: it is not authentic, or of no known form.
    static func open(_ sealed: Span<UInt8>, number: UInt64, _ key: SealingKey) -> [JournalEntry]? {
        var text: [UInt8] = []
        guard key.open(sealed, authenticating: authenticated(number).span, into: &text) else { return nil }
        return JournalEntry.read(text)
    }

    static func append(_ text: [UInt8], number: UInt64, _ key: SealingKey, to output: inout [UInt8]) {
        let length = UInt64(text.count + SealingKey.overhead)
        output.appendNumber(length, bytes: 4)
        output.appendNumber(length ^ 0xffff_ffff, bytes: 4)
        output.appendNumber(number, bytes: 8)
        let nonce = Random.bytes(SealingKey.nonceByteCount)
        key.seal(text.span, nonce: nonce.span, authenticating: authenticated(number).span, into: &output)
    }

    private static func authenticated(_ number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendNumber(number, bytes: 8)
        return bytes
    }

    private static let lengths = SealingKey.overhead...(2 * JournalEntry.maximumByteCount)
}

/// Makes the frames of one file.
package struct FrameSealer {
    private let key: SealingKey
    private var nextNumber: UInt64

    package init(_ key: SealingKey, nextNumber: UInt64 = 0) {
        self.key = key
        self.nextNumber = nextNumber
    }

    /// Entries in frames that damage would make unreadable as a whole, so they are small.
    package mutating func frames(_ entries: some Sequence<JournalEntry>) -> [UInt8] {
        var output: [UInt8] = []
        var text: [UInt8] = []
        for entry in entries {
            entry.append(to: &text)
            if text.count >= Self.frameByteCount { seal(&text, into: &output) }
        }
        if !text.isEmpty { seal(&text, into: &output) }
        return output
    }

    private mutating func seal(_ text: inout [UInt8], into output: inout [UInt8]) {
        JournalFrame.append(text, number: nextNumber, key, to: &output)
        nextNumber &+= 1
        text.removeAll(keepingCapacity: true)
    }

    private static let frameByteCount = 4096
}
