// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import Reactor

/// One request and its response, as the client's connection sees it. Abstract: ``GateExchange`` asks the gate and passes the
/// request to an app, ``PlainExchange`` answers it by a function.
///
/// A service keeps exchanges that have ended for the next requests, with their memory.
class Exchange {
    /// Whether the client is waited for, to send content of the request.
    enum ContentWait {
        case none
        /// It may send at any pace: only the share of its client counts.
        case exempt
        case measured
    }

    /// The request as a gate judges it; the client's connection fills its head.
    private(set) final var access = AccessRequest()
    /// The peer's addresses, for the log.
    private(set) final var peerNames = PeerNames.none
    /// Nil when the exchange has ended.
    private(set) final var downstream: (any DownstreamStream)?
    /// Counts the requests that this object has served.
    private(set) final var number: UInt64 = 0

    final var request: RequestHead {
        _read { yield access.head }
    }

    final var context: RequestContext {
        _read { yield access.context }
    }

    final var requestID: [UInt8] { access.id }

    final var trace: TraceContext? { access.trace }

    /// The client asked over https.
    final var isSecure: Bool { access.isSecure }

    // MARK: For the client's connection

    /// A request begins to arrive.
    final func begin(_ downstream: any DownstreamStream, _ peer: PeerNames) {
        self.downstream = downstream
        peerNames = peer
        number &+= 1
        began()
    }

    /// Reads or changes the head, until ``requestHeadReceived(_:contentFollows:)``.
    final func withRequest<Result, Failure>(
        _ body: (inout RequestHead) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(&access.head)
    }

    /// Has the request judged, or changes what it is judged by.
    final func withAccess<Result>(_ body: (inout AccessRequest) -> Result) -> Result {
        body(&access)
    }

    /// The request was withdrawn before anything was done.
    final func discard() {
        downstream = nil
        access.reset()
        recycle()
    }

    /// The head is complete and valid. `contentFollows`: some of the request's content is available.
    func requestHeadReceived(_ peer: Peer, contentFollows: Bool) { Self.isAbstract() }

    /// Content may be given to ``requestContent(_:isEnd:trailers:more:)`` now.
    var wantsContent: Bool { Self.isAbstract() }

    /// The socket that the request's content is written to directly.
    var requestSink: Transport? { nil }

    /// A piece of the request's content.
    ///
    /// - Parameter more: more is available.
    func requestContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) { Self.isAbstract() }

    /// Passes content of the request on from the client's socket without reading it.
    ///
    /// - Parameter most: bytes that are certainly content.
    func spliceRequest(from source: Transport, atMost most: Int) -> SpliceOutcome { .unavailable }

    /// The request cannot be read to its end, or not in time.
    ///
    /// - Parameter detail: the reason in words, for the log.
    func refuse(status: UInt16, _ reason: Reason, detail: String?) { Self.isAbstract() }

    final func refuse(status: UInt16, _ reason: Reason) {
        refuse(status: status, reason, detail: nil)
    }

    final func refuse(_ error: HTTP1Error) {
        refuse(status: error.status, error.reason, detail: error.description)
    }

    /// The client takes more of the response again.
    func downstreamWritable() {}

    /// Where the client sends no more, it has left: a browser that gives up a request closes its connection so. Otherwise it may
    /// still read, and is owed the response.
    var endsWithClient: Bool { false }

    /// The client's connection is gone, or its request broke off.
    func downstreamLost() { Self.isAbstract() }

    /// The response, whose end the client's stream held when the exchange ended, was sent, or will never be.
    func responseSent(isComplete: Bool) { Self.isAbstract() }

    /// Pauses are in the nature of this response.
    var isEventStream: Bool { false }

    // MARK: Pace

    var contentWait: ContentWait { .none }

    /// Bytes of the request's content so far.
    var contentCount: UInt64 { 0 }

    /// How long others have waited, since the last look, for the connection that this exchange holds.
    var waitOfOthers: Nanoseconds { Nanoseconds(count: 0) }

    /// Its client has stalled for as long as `stalled`, and holds more than its share while others wait.
    func mayEnd(stalled: Nanoseconds, share: Double, patience: Nanoseconds) -> Bool { false }

    /// The client has completed its request or breaks off the exchange, and was too slow until then while others waited.
    /// Called while the exchange still holds what they waited for.
    func clientWasSlow() {}

    /// The client sends too slowly while others wait.
    func requestTooSlow() {}

    /// The client takes the response too slowly while others wait.
    func responseTooSlow() {}

    /// The client has taken nothing of the response for too long, whether others wait or not.
    func responseStalled() {}

    // MARK: For the subclasses

    /// A request begins to arrive.
    func began() { Self.isAbstract() }

    /// Returns the object to its service.
    func recycle() { Self.isAbstract() }

    /// The request has content, which may not have arrived.
    final var hasContent: Bool { request.framing != .none && request.framing != .length(0) }

    /// The exchange no longer belongs to the client's connection; nil: it did not.
    final func leaveDownstream() -> (any DownstreamStream)? {
        defer { downstream = nil }
        return downstream
    }

    /// Prepares for the next request.
    final func resetRequest() {
        access.reset()
    }

    private static func isAbstract() -> Never {
        preconditionFailure("Exchange is abstract")
    }
}
