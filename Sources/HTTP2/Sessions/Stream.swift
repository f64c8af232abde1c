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

    /// What has arrived.
    private enum Inbound {
        case awaitingHead
        /// 1xx heads, or a head that was refused.
        case begun
        /// The head has arrived: content or trailers follow.
        case content
        /// The peer has ended its side.
        case ended
    }

    /// What was submitted to be sent.
    private enum Outbound {
        case awaitingHead
        /// The final head was submitted: content may follow.
        case content
        /// All of the message was submitted.
        case ended
        /// The end of the message was sent.
        case sent
    }

    private enum Phase {
        case open
        /// Sidegate has reset it; the frame may not have been sent yet.
        case reset
        /// Nothing can be sent or received on it.
        case closed
    }

    package let id: Int32
    package internal(set) var handler: (any StreamHandler)?
    /// Set to be notified when the content has been sent.
    package var awaitsRoom = false
    /// Content bytes sent so far.
    package internal(set) var contentSent: UInt64 = 0

    private var phase = Phase.open
    private var inbound: Inbound
    private var outbound: Outbound

    /// The stream's position in the session's list.
    var index = 0
    /// The response cannot have content, whatever its Content-Length says (RFC 9110 §6.4.1).
    let isHead: Bool
    var declaredLength: UInt64?
    var contentReceived: UInt64 = 0
    /// Content received and not acknowledged.
    var unconsumed = 0
    var content = ContentQueue()
    /// The library requested content when there was none.
    var isDeferred = false
    var trailers: FieldList?
    /// The code of the peer's RST_STREAM.
    var resetCode: ErrorCode?

    /// A request that arrives: its head is being read.
    init(receiving id: Int32) {
        self.id = id
        isHead = false
        inbound = .content
        outbound = .awaitingHead
    }

    /// A request that is sent.
    ///
    /// - Parameters:
    ///   - isHead: its method is HEAD.
    ///   - isEnd: it has no content.
    init(sending id: Int32, isHead: Bool, isEnd: Bool) {
        self.id = id
        self.isHead = isHead
        inbound = .awaitingHead
        outbound = isEnd ? .ended : .content
    }

    /// Content bytes submitted and not sent yet.
    package var pendingContent: Int { content.count }
}

// MARK: The state

extension Stream {
    package var isClosed: Bool { phase == .closed }
    /// Neither closed nor reset by Sidegate.
    var isOpen: Bool { phase == .open }
    var isReset: Bool { phase == .reset }

    /// Part of the message has arrived, at least a 1xx head.
    var isInboundBegun: Bool { inbound != .awaitingHead }
    /// The head has arrived.
    var hasInboundHead: Bool { inbound == .content || inbound == .ended }
    /// The peer has ended its side.
    package var isInboundEnded: Bool { inbound == .ended }

    /// The final head of the outgoing message was submitted.
    package var hasOutboundHead: Bool { outbound != .awaitingHead }
    /// All of the outgoing message was submitted.
    package var isOutboundEnded: Bool { outbound == .ended || outbound == .sent }
    /// The end of the outgoing message was sent.
    package var isOutboundSent: Bool { outbound == .sent }
    /// Content can be submitted.
    var acceptsContent: Bool { phase == .open && outbound == .content }
    /// The response's head can be submitted.
    var acceptsHead: Bool { phase == .open && outbound == .awaitingHead }

    func reset() { phase = .reset }

    func close() { phase = .closed }

    /// A head section has arrived, of whatever kind.
    func inboundBegan() {
        if inbound == .awaitingHead { inbound = .begun }
    }

    /// The message's head has arrived.
    func headReceived(isEnd: Bool) { inbound = isEnd ? .ended : .content }

    /// The peer has ended its side.
    func inboundEnded() { inbound = .ended }

    /// The final head is submitted.
    func outboundBegan(isEnd: Bool) { outbound = isEnd ? .ended : .content }

    /// The last of the message is submitted.
    func outboundEnded() { outbound = .ended }

    /// The frame with the end of the message was sent.
    func endSent() { outbound = .sent }
}
