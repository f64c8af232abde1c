// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What one call of a head parser did.
package struct HeadProgress: Equatable, Sendable {
    /// Bytes of the input that belong to the head; what follows belongs to the content or to the next message.
    package let consumed: Int
    /// The head is there, whole and valid.
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
        // The buffer is read within the call alone.
        unsafe input.extracting(range).withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

/// How much input a parser copies at once into a head: enough for most heads, little enough that content which came
/// with the head costs nothing.
let copyStep = 2_048
