// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The app's side of one exchange, whatever protocol carries it: a connection of its own, or a stream of one that others
/// share.
protocol UpstreamStream: AnyObject {
    /// The pool whose connection it uses.
    var pool: UpstreamPool { get }

    /// The app does not take more of the request for now.
    var isBlocked: Bool { get }

    /// Where the request's content goes when it goes straight into a socket.
    var sink: Transport? { get }

    /// The app may say that it did not look at the request, which may go again then. What of the content was sent is
    /// worth being kept for a moment.
    var mayRefuse: Bool { get }

    /// Begins with the request's head.
    ///
    /// - Parameters:
    ///   - expectsContent: content will come; at least its end.
    ///   - contentFollows: some is at hand and will be sent at once, so the head waits to leave with it.
    func start(_ exchange: Exchange, expectsContent: Bool, contentFollows: Bool)

    /// Sends a piece of the request's content.
    ///
    /// - Parameter more: another piece follows at once; a small one waits to leave with it.
    func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool, isChunked: Bool)

    /// The browser does not take more for now.
    func pause()

    /// Reads on, after ``pause()``.
    func resume()

    /// The exchange has no more use for it, and the response was not whole.
    func abandon()
}
