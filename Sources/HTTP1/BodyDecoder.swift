// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What one call of a body decoder found.
package struct BodyPiece: Equatable, Sendable {
    /// Bytes of the input that were read: content and framing.
    package let consumed: Int
    /// Where in the input content stands; may be empty.
    package let content: Range<Int>
    /// The message ends here.
    package let isEnd: Bool
}

/// The content of one message out of its framing (RFC 9112 §6, §7).
package struct BodyDecoder: Sendable {
    package private(set) var isEnded = false
    /// After the end: the trailer fields that may pass on, each `Name: value\r\n`.
    package private(set) var trailers: [UInt8] = []

    package init(_ framing: BodyFraming, limits: HTTP1Limits = HTTP1Limits()) {}

    /// The next piece. Call again with what follows `consumed`, until `isEnded`.
    package mutating func decode(_ input: Span<UInt8>) throws(HTTP1Error) -> BodyPiece {
        BodyPiece(consumed: 0, content: 0..<0, isEnd: true)
    }

    /// The peer closed: the end of `untilClose` content, `.cutShort` for any other that has not ended.
    package mutating func endOfInput() throws(HTTP1Error) {}
}
