// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The result of one call of a head parser.
package struct HeadProgress: Equatable, Sendable {
    /// Bytes of the input that belong to the head; the rest belongs to the content or to the next message.
    package let consumed: Int
    /// Whether the head is complete and valid.
    package let isComplete: Bool

    package init(consumed: Int, isComplete: Bool) {
        self.consumed = consumed
        self.isComplete = isComplete
    }
}

extension [UInt8] {
    /// Appends the bytes of `input` in `range`.
    @inline(__always)
    mutating func append(_ input: Span<UInt8>, _ range: Range<Int>) {
        append(copying: input.extracting(range))
    }
}

/// How much input a parser copies into a head at once: enough for most heads, and little enough that content received
/// with the head costs nothing.
let copyStep = 2_048
