// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("Eight-byte words")
struct ByteWordTests {
    @Test("find the first matching byte, for every byte at every position")
    func firstByte() {
        for place in 0..<8 {
            for value in UInt8.min...UInt8.max {
                // 0x21 never matches; all bytes after the position do.
                var bytes = [UInt8](repeating: 0x21, count: 8)
                bytes[place] = value
                for later in (place + 1)..<max(8, place + 1) where later < 8 { bytes[later] = 0x1f }
                let word = bytes.span.word(uncheckedAt: 0)
                if value != 0x21 {
                    #expect(ByteWord.firstByte(ByteWord.equal(word, value)) == place)
                }
                let below = ByteWord.below(word, 0x21)
                #expect((below != 0 && ByteWord.firstByte(below) == place) == (value < 0x21))
                #expect((ByteWord.notASCII(word) != 0) == (value >= 128))
            }
        }
    }

    private func index(_ bytes: [UInt8], _ range: Range<Int>) -> Int { bytes.span.firstIndex(of: 0x3b, in: range) }

    @Test("find a text at its first place, whole")
    func firstText() {
        for (bytes, text, start, place) in [
            ("abcabd", "abd", 0, 3), ("aab", "ab", 0, 1), ("ab", "ab", 0, 0), ("ab", "ab", 1, nil),
            ("ab", "abc", 0, nil),
            ("", "a", 0, nil), ("a", "a", 5, nil), ("--x--", "--", 1, 3), ("aaaaaaaaaaaaaaaaaab", "aab", 0, 16),
        ] as [(String, String, Int, Int?)] {
            let (bytes, text) = (Array(bytes.utf8), Array(text.utf8))
            #expect(bytes.span.firstIndex(of: text.span, from: start) == place, "\(bytes) \(text) \(start)")
        }
    }

    @Test("find a byte anywhere in a range and nowhere else")
    func firstIndex() {
        for count in 0..<40 {
            for place in 0..<max(count, 1) where place < count {
                var bytes = [UInt8](repeating: 0x3c, count: count)
                bytes[place] = 0x3b
                #expect(index(bytes, 0..<count) == place)
                #expect(index(bytes, place..<count) == place)
                #expect(index(bytes, 0..<place) == place, "the range's end")
                #expect(index(bytes, place + 1..<count) == count, "the range's end")
            }
        }
    }
}
