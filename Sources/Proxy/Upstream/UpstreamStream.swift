// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// The app's side of one exchange, over any version of HTTP: a connection of its own, or a stream of one that others
/// share.
protocol UpstreamStream: AnyObject {
    /// The pool of its connection.
    var pool: UpstreamPool { get }

    /// The connection has carried a request before.
    var isReused: Bool { get }

    /// The address of the app's end of the connection, for the log.
    var peerName: String { get }

    /// The app takes no more of the request for now.
    var isBlocked: Bool { get }

    /// The socket that the request's content is written to directly; nil: it is framed first.
    var sink: Transport? { get }

    /// The app may report that it has not processed the request, which can be sent again then. Until it is known the
    /// content that was sent is worth keeping.
    var mayRefuse: Bool { get }

    /// Sends the request's head; `client` gets the response.
    func start(_ request: consuming UpstreamRequest, for client: any UpstreamClient)

    /// Sends a piece of the request's content.
    ///
    /// - Parameter more: another piece follows at once; a small one is sent with it.
    func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool, isChunked: Bool)

    /// Passes content of the request on from the client's socket without reading it, where it goes into a socket as it is.
    ///
    /// - Parameter most: bytes that are certainly content.
    func spliceContent(from source: Transport, atMost most: Int) -> SpliceOutcome

    /// The client takes no more for now.
    func pause()

    /// Reads again, after ``pause()``.
    func resume()

    /// The client of this stream no longer needs it, and the response is not complete.
    func abandon()
}

extension UpstreamStream {
    /// Content is framed.
    func spliceContent(from source: Transport, atMost most: Int) -> SpliceOutcome { .unavailable }
}

/// A request for an app, as its stream needs it.
struct UpstreamRequest {
    /// The head as HTTP/1.1 text, with the empty line.
    var head: [UInt8]
    let method: Method
    /// It authenticates the connection rather than itself.
    let authenticatesConnection: Bool
    /// The client waits for the app's agreement before it sends content.
    let expectsContinue: Bool
    /// TE is `trailers`, a hop-by-hop field that gRPC servers require. Only set for streams that may refuse.
    let takesTrailers: Bool
    /// Content follows; at least its end.
    let expectsContent: Bool
    /// Content is available and is sent at once, so the head waits to be sent with it.
    let contentFollows: Bool
}

/// Uses a pool's connections: one exchange.
protocol UpstreamClient: AnyObject {
    // MARK: Connections

    /// The client of the request, as far as trusted proxies report it.
    var network: ClientNetwork { get }

    /// The request is counted in the ledger as one that holds a connection.
    func hold(_ holding: ConnectionHolding)

    /// Requests have begun to wait: a request that has a connection of `pool` and is not counted yet counts itself.
    func holdIfConnected(to pool: UpstreamPool, _ ledger: LedgerMember, episode: UInt64) -> ClientNetwork?

    /// The request waits in a queue, at most until `deadline`.
    func waitForConnection(until deadline: MonotonicTime)

    /// A connection may be opened for the request; connecting has a time limit of its own.
    func connecting()

    /// There is a connection, or a stream of one.
    func upstreamReady(_ stream: any UpstreamStream)

    // MARK: The request

    /// The request has been read to its end.
    var isRequestComplete: Bool { get }

    /// The app takes more of the request's content again.
    func upstreamWritable()

    // MARK: The response

    /// The socket that the response's content is written to directly.
    var sink: Transport? { get }

    /// A 1xx response, except 101.
    func informationalResponse(_ head: inout ResponseHead)

    /// The response has begun.
    func responseBegan(
        _ head: inout ResponseHead, _ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool)

    /// More of the response.
    func responseContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool)

    /// Passes content of the response on from the app's socket without reading it.
    ///
    /// - Parameter most: bytes that are certainly content.
    func spliceResponse(from source: Transport, atMost most: Int) -> SpliceOutcome

    /// The stream has done its part and no longer belongs to the client; the end of the response follows.
    func upstreamDone()

    /// No response, or no complete one; the stream no longer belongs to the client.
    func upstreamLost(_ fault: UpstreamFault)

    /// The app agreed to another protocol: both connections become a tunnel.
    ///
    /// - Parameter early: bytes that followed the head.
    func switchProtocols(_ head: inout ResponseHead, of connection: HTTP1Upstream, early: Span<UInt8>)

    /// A connection on which the app authenticated the user may serve the next request of this client.
    var keepsBoundUpstream: Bool { get }

    /// Keeps `connection` for the client's next request.
    func keepBound(_ connection: HTTP1Upstream)
}
