// SPDX-License-Identifier: Apache-2.0

/// Hears of one stream. Called from within ``ServerSession/receive(_:now:)``: note what happened, act on it later.
package protocol ServerStreamHandler: AnyObject {
    /// The request's head, as the text of an HTTP/1.1 head; take it.
    ///
    /// - Parameters:
    ///   - isEnd: the request has no content.
    ///   - isTunnel: an extended CONNECT, written down as an upgrade (RFC 8441).
    func headReceived(_ text: inout [UInt8], isEnd: Bool, isTunnel: Bool)
    /// The head is larger than it may be; a response can be given.
    func headTooLarge(isEnd: Bool)
    /// The request broke a rule, and the stream is being reset.
    func requestMalformed(_ fault: MalformedHead)
    /// To be acknowledged by ``ServerSession/consume(_:_:)`` once it has gone on.
    func contentReceived(_ content: Span<UInt8>)
    /// - Parameter trailers: field lines, each with CRLF, not sifted.
    func requestEnded(trailers: [UInt8])
    /// The stream is no more.
    ///
    /// - Parameter error: nil when both sides had ended.
    func streamClosed(_ error: ErrorCode?)
    /// All but little of the content that was given has left, after ``ServerStream/awaitsRoom`` was set.
    func contentLeft()
}

/// One request and its response on a connection (RFC 9113 §5).
package final class ServerStream {
    package let id: Int32
    package var handler: (any ServerStreamHandler)?
    /// The stream is no more: nothing can be sent or received on it.
    package internal(set) var isClosed = false
    /// The peer has sent all it will send.
    package internal(set) var isRequestEnded = false
    /// The response's final head was given.
    package internal(set) var hasHead = false
    /// All of the response was given.
    package internal(set) var isResponseEnded = false
    /// The response's end has left.
    package internal(set) var isResponseSent = false
    /// Set to be told when the content has left.
    package var awaitsRoom = false
    /// Content bytes that left so far.
    package internal(set) var contentSent: UInt64 = 0

    /// Where the stream stands in the session's list.
    var index = 0
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

    init(id: Int32) {
        self.id = id
    }

    /// Content bytes that were given and have not left.
    package var pendingContent: Int { content.count }
}
