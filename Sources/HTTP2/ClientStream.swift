// SPDX-License-Identifier: Apache-2.0

/// Hears of one response. Called from within ``ClientSession``'s calls: note what happened, act on it later.
package protocol ClientStreamHandler: AnyObject {
    /// A response's head, as the text of an HTTP/1.1 head; take it. Heads of 1xx come before the final one.
    func headReceived(_ text: inout [UInt8], isInformational: Bool, isEnd: Bool)
    /// The response broke a rule or is too large, and the stream is being reset.
    func responseMalformed()
    /// To be acknowledged by ``ClientSession/consume(_:on:)`` once it has gone on.
    func contentReceived(_ content: Span<UInt8>)
    /// - Parameter trailers: field lines, each with CRLF, not sifted.
    func responseEnded(trailers: [UInt8])
    /// The stream is no more.
    func streamClosed(_ end: ClientStream.End)
    /// All but little of the content that was given has left, after ``ClientStream/awaitsRoom`` was set.
    func contentLeft()
}

/// One request to the app and its response (RFC 9113 §5).
package final class ClientStream {
    package enum End: Equatable, Sendable {
        /// Both sides had said all.
        case whole
        /// The app has not looked at the request: it may be sent again (RFC 9113 §8.7).
        case refused
        /// The app has ended it by RST_STREAM before its response was whole.
        case reset(ErrorCode)
        /// The connection broke, or we had to end the stream.
        case failed(ErrorCode)
    }

    package let id: Int32
    package internal(set) var handler: (any ClientStreamHandler)?
    /// The stream is no more: nothing can be sent or received on it.
    package internal(set) var isClosed = false
    /// All of the request was given.
    package internal(set) var isRequestEnded: Bool
    /// The app has sent all it will send.
    package internal(set) var isResponseEnded = false
    /// Set to be told when the content has left.
    package var awaitsRoom = false

    /// Where the stream stands in the session's list.
    var index = 0
    /// The response cannot have content, whatever its Content-Length says (RFC 9110 §6.4.1).
    let isHead: Bool
    /// Something of the response has come, if only a head of 1xx.
    var hasHead = false
    var hasFinalHead = false
    /// Of the app's RST_STREAM.
    var resetCode: ErrorCode?
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

    init(id: Int32, isHead: Bool, isRequestEnded: Bool) {
        self.id = id
        self.isHead = isHead
        self.isRequestEnded = isRequestEnded
    }

    /// Content bytes that were given and have not left.
    package var pendingContent: Int { content.count }
}
