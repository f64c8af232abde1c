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

    /// The time that counts for `exchange`; nil: its client holds up a connection to no app.
    func time(for exchange: Exchange?) -> Nanoseconds {
        if isCrowded { return elapsed }
        guard let exchange, let pool = exchange.upstream?.pool else { return Nanoseconds(count: 0) }
        // It is in the way of others of its client.
        if pool.isHeldBack(exchange) { return elapsed }
        return min(pool.waitedLately, elapsed)
    }

    /// Adds what was measured to `meter`; true when the client is to be cut off.
    ///
    /// - Parameters:
    ///   - total: bytes of the request that came, or of the response that were taken.
    ///   - isExempt: no rate is asked of it; only the share of its client counts.
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
        // Others of its own are ended first: they have stalled for long, and another client waits.
        guard let exchange, let pool = exchange.upstream?.pool,
            stalled.count >= pool.configuration.connectTimeout.count / 2
        else { return false }
        return pool.mayEnd(exchange, share: limits.clientShare, patience: patience)
    }
}
