// SPDX-License-Identifier: Apache-2.0

/// Receives the events of one stream. Called from within the session's calls: record the event, act on it later.
package protocol StreamHandler: AnyObject {
    /// A head, as the text of an HTTP/1.1 head, which the handler takes.
    ///
    /// - Parameter isEnd: no content follows, nor another head.
    func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool)
    /// A message broke a rule or, in a response, is too large, and the stream is being reset.
    func malformed(_ fault: MalformedHead)
    /// Content, to be acknowledged by ``Session/consume(_:on:)`` once it has been forwarded.
    func contentReceived(_ content: Span<UInt8>)
    /// The peer has ended its side of the stream.
    ///
    /// - Parameter trailers: field lines, each with CRLF, not filtered.
    func ended(trailers: [UInt8])
    /// The stream is closed.
    func streamClosed(_ end: Stream.End)
    /// Most of the pending content has been sent, after ``Stream/awaitsRoom`` was set.
    func contentLeft()
}

/// One request and its response on a connection (RFC 9113 §5).
package final class Stream {
    package enum Head: Equatable, Sendable {
        case request
        /// An extended CONNECT, written as an upgrade (RFC 8441).
        case tunnel
        /// The head of a request that is too large, without its text; a response can be sent.
        case oversizedRequest
        /// 1xx: another one follows.
        case informational
        case response
    }

    package enum End: Equatable, Sendable {
        /// Both sides had ended the stream; for a client, the server had.
        case whole
        /// The server has not processed the request: it may be sent again (RFC 9113 §8.7).
        case refused
        /// The peer ended it by RST_STREAM before it was complete.
        case reset(ErrorCode)
        /// The connection broke, or Sidegate had to end the stream.
        case failed(ErrorCode)
    }

    package let id: Int32
    package internal(set) var handler: (any StreamHandler)?
    /// The stream is closed: nothing can be sent or received on it.
    package internal(set) var isClosed = false
    /// The peer has ended its side.
    package internal(set) var isInboundEnded = false
    /// The final head of the outgoing message was submitted.
    package internal(set) var hasOutboundHead = false
    /// All of the outgoing message was submitted.
    package internal(set) var isOutboundEnded = false
    /// The end of the outgoing message was sent.
    package internal(set) var isOutboundSent = false
    /// Set to be notified when the content has been sent.
    package var awaitsRoom = false
    /// Content bytes sent so far.
    package internal(set) var contentSent: UInt64 = 0

    /// The stream's position in the session's list.
    var index = 0
    /// The response cannot have content, whatever its Content-Length says (RFC 9110 §6.4.1).
    var isHead = false
    /// Part of the response has arrived, at least a 1xx head.
    var isInboundBegun = false
    /// The head has arrived: content or trailers follow.
    var hasInboundHead = false
    var declaredLength: UInt64?
    var contentReceived: UInt64 = 0
    /// Content received and not acknowledged.
    var unconsumed = 0
    var content = ContentQueue()
    /// The library requested content when there was none.
    var isDeferred = false
    var trailers: FieldList?
    /// Sidegate has reset it; the frame may not have been sent yet.
    var isReset = false
    /// The code of the peer's RST_STREAM.
    var resetCode: ErrorCode?

    init(id: Int32) {
        self.id = id
    }

    /// Content bytes submitted and not sent yet.
    package var pendingContent: Int { content.count }
}
