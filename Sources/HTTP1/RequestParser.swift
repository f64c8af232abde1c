// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What one call of a head parser did.
package struct HeadProgress: Equatable, Sendable {
    /// Bytes of the input that belong to the head; what follows belongs to the content or the next message.
    package let consumed: Int
    /// The head is there, whole and valid.
    package let isComplete: Bool
}

/// Request heads from bytes, in pieces of any size (RFC 9112 §3, §5).
package struct RequestParser: Sendable {
    package init(limits: HTTP1Limits = HTTP1Limits()) {}

    /// Reads on in `input`.
    package mutating func parseHead(
        _ input: Span<UInt8>, into head: inout RequestHead
    ) throws(HTTP1Error) -> HeadProgress {
        HeadProgress(consumed: 0, isComplete: false)
    }

    /// Forgets a head that was begun.
    package mutating func reset() {}
}
