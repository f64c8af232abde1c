// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// A client's connection, over any version of HTTP.
protocol DownstreamConnection: AnyObject {
    /// The worker stops: takes no new requests, and ends when those in flight are answered.
    func drain()
    /// No request is in progress, so it may be closed to make room.
    var isEvictable: Bool { get }
    /// Since when, while that is so.
    var idleSince: MonotonicTime { get }
    var isHTTP2: Bool { get }
    /// Closes to make room, unless a request has arrived meanwhile.
    func evictIdle()
    /// Calls `body` with each exchange in progress.
    func forEachExchange(_ body: (Exchange) -> Void)
    /// Others need what clients hold: ends what is too slow.
    func measurePace(_ round: PaceRound)
    /// Sessions are over: closes connections to apps that belong to them.
    func closeBoundUpstreams(whereEnded hasEnded: (Identity) -> Bool)
    /// The worker ends: aborts whatever is in flight.
    func stop()
}
