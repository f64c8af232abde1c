// SPDX-License-Identifier: Apache-2.0

/// Hears of one stream. Called from within the session's calls: note what happened, act on it later.
package protocol StreamHandler: AnyObject {
    /// A head, as the text of an HTTP/1.1 head; take it.
    ///
    /// - Parameter isEnd: no content follows, nor another head.
    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool)
    /// What came broke a rule or, of a response, is too large, and the stream is being reset.
    func malformed(_ fault: MalformedHead)
    /// To be acknowledged by ``Session/consume(_:on:)`` once it has gone on.
    func contentReceived(_ content: Span<UInt8>)
    /// The peer has said all.
    ///
    /// - Parameter trailers: field lines, each with CRLF, not sifted.
    func ended(trailers: [UInt8])
    /// The stream is no more.
    func streamClosed(_ end: Stream.End)
    /// All but little of the content that was given has left, after ``Stream/awaitsRoom`` was set.
    func contentLeft()
}

/// One request and its response on a connection (RFC 9113 §5).
package final class Stream {
    package enum Head: Equatable, Sendable {
        case request
        /// An extended CONNECT, written down as an upgrade (RFC 8441).
        case tunnel
        /// A request's that is larger than it may be, without its text; a response can be given.
        case oversizedRequest
        /// 1xx: another one follows.
        case informational
        case response
    }

    package enum End: Equatable, Sendable {
        /// Both sides had said all; or, to a client, the server had.
        case whole
        /// The server has not looked at the request: it may be sent again (RFC 9113 §8.7).
        case refused
        /// The peer has ended it by RST_STREAM before it was whole.
        case reset(ErrorCode)
        /// The connection broke, or we had to end the stream.
        case failed(ErrorCode)
    }

    package let id: Int32
    package internal(set) var handler: (any StreamHandler)?
    /// The stream is no more: nothing can be sent or received on it.
    package internal(set) var isClosed = false
    /// The peer has sent all it will send.
    package internal(set) var isInboundEnded = false
    /// The final head of what we send was given.
    package internal(set) var hasOutboundHead = false
    /// All that we send was given.
    package internal(set) var isOutboundEnded = false
    /// The end of what we send has left.
    package internal(set) var isOutboundSent = false
    /// Set to be told when the content has left.
    package var awaitsRoom = false
    /// Content bytes that left so far.
    package internal(set) var contentSent: UInt64 = 0

    /// Where the stream stands in the session's list.
    var index = 0
    /// The response cannot have content, whatever its Content-Length says (RFC 9110 §6.4.1).
    var isHead = false
    /// Something of the response has come, if only a head of 1xx.
    var isInboundBegun = false
    /// What comes now is content or trailers.
    var hasInboundHead = false
    var declaredLength: UInt64?
    var contentReceived: UInt64 = 0
    /// Content that came and was not acknowledged.
    var unconsumed = 0
    var content = ContentQueue()
    /// The library asked for content when there was none.
    var isDeferred = false
    var trailers: FieldList?
    /// We have reset it; the frame may still be on its way.
    var isReset = false
    /// Of the peer's RST_STREAM.
    var resetCode: ErrorCode?

    init(id: Int32) {
        self.id = id
    }

    /// Content bytes that were given and have not left.
    package var pendingContent: Int { content.count }
}
