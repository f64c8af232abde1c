// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A browser's connection, whatever protocol it speaks, as its worker knows it.
protocol DownstreamConnection: AnyObject {
    /// The worker stops: takes no new requests and ends once those in flight are answered.
    func drain()
    /// No request is under way, so it may be closed where there is no room.
    var isEvictable: Bool { get }
    /// Since when, while that is so.
    var idleSince: MonotonicTime { get }
    var isHTTP2: Bool { get }
    /// Makes room, unless a request has come meanwhile.
    func evictIdle()
    /// Calls `body` for each request under way.
    func forEachExchange(_ body: (Exchange) -> Void)
    /// Others need what clients hold: ends what is too slow.
    func measurePace(_ round: PaceRound)
    /// The worker ends: whatever is in flight breaks off.
    func stop()
}
