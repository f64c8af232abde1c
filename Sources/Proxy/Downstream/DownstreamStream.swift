// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP2
import Reactor

/// The browser's side of one exchange, whatever protocol carries it.
protocol DownstreamStream: AnyObject {
    /// The browser does not take more for now.
    var isBlocked: Bool { get }

    /// Where content goes when it goes straight into a socket.
    var sink: Transport? { get }

    /// Sends the exchange's 1xx response.
    func sendInformational(_ exchange: Exchange)

    /// Asks the browser for the request's content: it waits for this (`Expect: 100-continue`).
    func sendContinue()

    /// Sends the head of the exchange's response, with the first of its content.
    ///
    /// - Parameters:
    ///   - extra: field lines of ours to add.
    ///   - more: more content follows at once, so a small piece may wait for it.
    func sendHead(
        _ exchange: Exchange, extra: [UInt8]?, content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool)

    func sendContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool)

    /// Sends a response of our own, whole.
    func sendLocal(_ response: LocalResponse, to exchange: Exchange)

    /// Connections to apps that are this client's alone; nil: there are none.
    var boundUpstreams: BoundUpstreams? { get }

    /// All requests of the connection are one client's, and more may follow.
    var isOneClient: Bool { get }

    /// The connection to the app is this client's alone from now on.
    func keep(_ connection: HTTP1Upstream, for identity: Identity?)

    /// The exchange is through. `isComplete`: the request was read to its end.
    func exchangeFinished(isRequestComplete: Bool)

    /// Ends the response so that the browser sees it is not whole.
    ///
    /// - Parameter code: why, where the protocol has words for it.
    func abort(_ code: ErrorCode)

    /// The request's content may go on.
    func resumeRequest()

    /// The app's 101 is one that this browser can take.
    func acceptsSwitch(_ exchange: Exchange) -> Bool

    /// Sends the 101 and gives the connection away, with what came early from the browser.
    func switchProtocols(_ exchange: Exchange) -> (Transport, early: [UInt8])?
}
