// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// The content of a response that comes piece by piece, and may have no end of its own: a stream of events.
///
/// The client's side asks for each piece, and only when the client can take it: a slow client makes the source wait, and
/// nothing is queued for it.
package protocol ResponseSource: AnyObject, Sendable {
    /// Called once, before the first piece is asked for.
    ///
    /// - Parameter wake: has ``next(_:)`` called soon; may be called from any thread, and after the end.
    func start(wake: @escaping @Sendable () -> Void)

    /// What the client gets next. Called on the loop of its connection: at the start, when the client has taken the piece
    /// before, after `wake`, and at the time that the last answer named.
    func next(_ now: MonotonicTime) -> ResponsePiece

    /// The response has ended, or the client has gone: nothing is asked for any more. Called once.
    func ended()
}

/// What a ``ResponseSource`` has for the client.
package enum ResponsePiece: Sendable {
    /// Never empty.
    case content([UInt8])
    /// Nothing now. `until`: when there will be something, if nothing wakes the response before.
    case wait(until: MonotonicTime)
    /// The response is complete.
    case end
}

/// What a handler answers.
package enum PlainResponse: Sendable {
    case complete(LocalResponse)
    /// The head of `response`, which has no content, and then the content of the source.
    case streamed(LocalResponse, any ResponseSource)
}
