// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Requests that wait, on a connection whose client takes no responses.
///
/// A request costs the gate and the app the same whether or not its response is taken, so a client that opens no window
/// could have them work in vain, at no cost of its own. A few of its requests begin at once, the others one after another,
/// or as soon as it can take something. A client that paused all its responses is served all the same.
struct HeldRequests {
    /// In the order of arrival.
    private var streams: [HTTP2DownstreamStream] = []
    /// When the next one begins in any case.
    private var nextAt = MonotonicTime(nanoseconds: 0)

    var isEmpty: Bool { streams.isEmpty }

    /// When to look again.
    var deadline: MonotonicTime { streams.isEmpty ? .distantFuture : nextAt }

    mutating func hold(_ stream: HTTP2DownstreamStream, _ now: MonotonicTime) {
        if streams.isEmpty { nextAt = now.advanced(by: Self.pace) }
        streams.append(stream)
    }

    /// The requests that begin now.
    ///
    /// - Parameter starving: how many requests of the connection have begun and cannot be answered.
    mutating func take(
        _ now: MonotonicTime, starving: Int, canTake: (HTTP2DownstreamStream) -> Bool
    ) -> [HTTP2DownstreamStream] {
        var (begun, kept, free): ([HTTP2DownstreamStream], [HTTP2DownstreamStream], Int) =
            ([], [], Self.starvingAtOnce - starving)
        for stream in streams where !stream.isLost {
            if canTake(stream) {
                begun.append(stream)
            } else if free > 0 {
                free -= 1
                begun.append(stream)
            } else if nextAt <= now {
                nextAt = now.advanced(by: Self.pace)
                begun.append(stream)
            } else {
                kept.append(stream)
            }
        }
        streams = kept
        return begun
    }

    /// Requests of a connection that begin although their responses cannot be sent.
    static let starvingAtOnce = 16
    /// With less room than this, a response cannot be sent.
    static let leastRoom = 4096
    /// Between two further ones.
    private static let pace = Nanoseconds.milliseconds(20)
}
