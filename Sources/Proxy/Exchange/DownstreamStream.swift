// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// The client's side of one exchange, over any version of HTTP.
protocol DownstreamStream: AnyObject {
    /// The client takes no more for now.
    var isBlocked: Bool { get }

    /// The socket that content is written to directly; nil: it is framed first.
    var sink: Transport? { get }

    /// Sends a 1xx response.
    func sendInformational(_ head: borrowing ResponseHead)

    /// Requests the content of a client that waits for this (`Expect: 100-continue`).
    func sendContinue()

    /// Sends the head of a response, with the first of its content.
    ///
    /// - Parameters:
    ///   - extra: field lines to add.
    ///   - more: more content follows at once, so a small piece may wait for it.
    func sendHead(
        _ head: borrowing ResponseHead, extra: [UInt8]?, content: Span<UInt8>, isEnd: Bool, trailers: [UInt8],
        more: Bool)

    func sendContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool)

    /// Passes content on from the app's socket without reading it, where it goes into a socket as it is.
    ///
    /// - Parameter most: bytes that are certainly content.
    func spliceContent(from source: Transport, atMost most: Int) -> SpliceOutcome

    /// Sends a complete response of the gate's own.
    func sendLocal(_ response: LocalResponse)

    /// Keeps an account, such as that of memory, until the response that follows was sent, or will never be, unless the
    /// exchange itself lives so long (``holdsResponse``).
    func keepUntilSent(_ object: AnyObject)

    /// Connections to apps that belong to this client; nil: there are none.
    var boundUpstreams: BoundUpstreams? { get }

    /// All requests of the connection are one client's, and more may follow.
    var isOneClient: Bool { get }

    /// The connection to the app belongs to this client from now on.
    func keep(_ connection: HTTP1Upstream, for identity: Identity?)

    /// The end of the response was submitted and not sent: the exchange is reported when it was
    /// (``Exchange/responseSent(isComplete:)``).
    var holdsResponse: Bool { get }

    /// The exchange has ended. `isRequestComplete`: the request was read to its end.
    func exchangeFinished(isRequestComplete: Bool)

    /// Ends the response in a way that shows the client that it is not complete.
    func abort(_ end: StreamEnd)

    /// The request has arrived, and the response takes a while: the end of the client's connection is to be noticed meanwhile
    /// (``Exchange/endsWithClient``).
    func watchEnd()

    /// More of the request's content is wanted.
    func resumeRequest()

    /// The app's 101 is one that this client can take.
    func acceptsSwitch(_ head: borrowing ResponseHead, of request: RequestHead) -> Bool

    /// Sends the 101 and gives the connection away; nil: it is broken.
    func switchProtocols(_ head: borrowing ResponseHead) -> SwitchedConnection?
}

extension DownstreamStream {
    /// Content is framed.
    func spliceContent(from source: Transport, atMost most: Int) -> SpliceOutcome { .unavailable }
}
