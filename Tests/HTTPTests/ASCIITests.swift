// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("Comparing bytes with ASCII text")
struct ASCIITests {
    private static let words: [StaticString] = [
        "", "te", "close", "chunked", "upgrade2", "keep-alive", "100-continue", "transfer-encodin", "transfer-encoding",
        "[a`z{@\u{7f}_]",
    ]

    private func isEqual(_ bytes: [UInt8], _ word: StaticString) -> Bool { bytes.span.equalsIgnoringCase(word) }
    private func isSame(_ bytes: [UInt8], _ word: StaticString) -> Bool { bytes.span.equals(word) }

    @Test("compares every byte, ignoring only the case of letters", arguments: words.map(\.description))
    func everyByte(_ text: String) throws {
        let word = try #require(Self.words.first { $0.description == text })
        let bytes = Array(text.utf8)
        #expect(isEqual(bytes, word) && isSame(bytes, word))
        #expect(isEqual(Array(text.uppercased().utf8), word))
        #expect(!isEqual(bytes + [0x61], word) && !isSame(bytes + [0x61], word))
        for index in bytes.indices {
            for value in UInt8.min...UInt8.max {
                var other = bytes
                other[index] = value
                let isUpperCase = 0x61...0x7a ~= bytes[index] && value == bytes[index] - 0x20
                #expect(isEqual(other, word) == (value == bytes[index] || isUpperCase))
                #expect(isSame(other, word) == (value == bytes[index]))
            }
        }
    }
}
