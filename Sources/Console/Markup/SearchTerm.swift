// SPDX-License-Identifier: Apache-2.0

/// What somebody searches for: a part of a text, in ASCII letters of either case. Without an allocation for each text, since
/// there can be 100,000 of them.
package struct SearchTerm: Sendable {
    private let term: [UInt8]

    package init(_ text: String) { term = text.utf8.map(Self.folded) }

    package var isEmpty: Bool { term.isEmpty }

    package func isIn(_ text: String) -> Bool {
        guard let first = term.first else { return true }
        let bytes = text.utf8.span
        guard bytes.count >= term.count else { return false }
        for start in 0...(bytes.count - term.count) where Self.folded(bytes[start]) == first {
            var length = 1
            while length < term.count, Self.folded(bytes[start + length]) == term[length] { length += 1 }
            if length == term.count { return true }
        }
        return false
    }

    /// The same for names that nobody chose, such as request IDs: short terms would be found in many of them by chance.
    package func names(_ identifier: String) -> Bool { term.count >= Self.leastOfName && isIn(identifier) }

    private static let leastOfName = 8

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}
