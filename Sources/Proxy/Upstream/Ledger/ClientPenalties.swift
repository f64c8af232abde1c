// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Clients of which a request was ended because it was slow: for a while they hold no more than their share of the
/// connections, have no right to that share while others wait, and are served after them.
struct ClientPenalties: Sendable {
    private var ends: [ClientNetwork: MonotonicTime] = [:]
    private var lastEnd = MonotonicTime(nanoseconds: 0)

    /// Clients whose address is unknown are not one client, and get no penalty. Beyond the maximum no client does until a
    /// penalty has ended.
    mutating func add(_ client: ClientNetwork, _ now: MonotonicTime) {
        guard client != .unknown else { return }
        if ends.count >= Self.maximum, ends[client] == nil {
            ends = ends.filter { $0.value > now }
            guard ends.count < Self.maximum else { return }
        }
        lastEnd = now.advanced(by: Self.duration)
        ends[client] = lastEnd
    }

    /// Some client has a penalty.
    func areInForce(_ now: MonotonicTime) -> Bool { now < lastEnd }

    func contains(_ client: ClientNetwork, _ now: MonotonicTime) -> Bool {
        guard !ends.isEmpty, let end = ends[client] else { return false }
        return now < end
    }

    private static let duration = Nanoseconds.seconds(300)
    private static let maximum = 4096
}
