// SPDX-License-Identifier: Apache-2.0

import Reactor

/// One look at the pace of all clients.
struct PaceRound {
    /// Since the last one.
    let elapsed: Nanoseconds
    /// Nine tenths of the connections that clients may have are open.
    let isCrowded: Bool
    let limits: ConnectionLimits
    /// How long another client's request must have waited.
    let patience: Nanoseconds

    /// The time that counts for `exchange`: none if it holds nothing that others wait for.
    private func time(for exchange: Exchange?) -> Nanoseconds {
        if isCrowded { return elapsed }
        return min(exchange?.waitOfOthers ?? Nanoseconds(count: 0), elapsed)
    }

    /// Adds what was measured to `meter`; true if the client is to be ended.
    ///
    /// - Parameters:
    ///   - number: of the request, among those of the connection.
    ///   - total: bytes of the request that arrived, or of the response that were taken.
    ///   - isExempt: no rate is required; only the share of its client counts.
    func isTooSlow(
        _ side: PaceMeter.Side, _ meter: inout PaceMeter?, number: UInt64, total: UInt64, of exchange: Exchange?,
        isExempt: Bool = false
    ) -> Bool {
        let time = time(for: exchange)
        guard time.count > 0 else { return false }
        if meter?.side != side || meter?.number != number {
            let window = side == .request ? limits.requestWindow : limits.responseWindow
            meter = PaceMeter(side, window: window, number: number, total: total)
        }
        guard let isSlow = meter?.add(time, total: total, rate: limits.minimumBodyRate), let stalled = meter?.stalled
        else { return false }
        if isSlow, !isExempt { return true }
        // Another client waits, and this one has stalled for long and holds more than its share.
        return exchange?.mayEnd(stalled: stalled, share: limits.clientShare, patience: patience) ?? false
    }
}
