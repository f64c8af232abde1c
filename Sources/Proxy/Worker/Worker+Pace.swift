// SPDX-License-Identifier: Apache-2.0

import Reactor

// Clients that are slow are bothered only while others need what they hold.
extension Worker {
    /// Requests wait for a connection to an app, or connections of clients become scarce: looks at the pace of all from
    /// now on, until neither is so.
    func startPacing() {
        let timer = paceTimer ?? loop.makeTimer { [unowned self] in measurePace() }
        paceTimer = timer
        guard timer.deadline == .distantFuture else { return }
        pacedAt = loop.now
        timer.set(loop.now.advanced(by: paceInterval))
    }

    /// Nine tenths of the connections that clients may have are open.
    var isCrowded: Bool { connectionCount * 10 >= limits.connections * 9 }

    /// A request has waited for as long as it may: slow ones end before it does.
    func measurePaceNow() {
        if let paceTimer, paceTimer.deadline != .distantFuture { measurePace() }
    }

    private func measurePace() {
        let now = loop.now
        // What a loop that was held up did not see is nobody's fault.
        let elapsed = min(now.since(pacedAt), .seconds(1))
        pacedAt = now
        var isContended = false
        for pool in pools + retiredPools where pool.look(now) { isContended = true }
        let round = PaceRound(
            elapsed: elapsed, isCrowded: isCrowded, limits: limits, patience: paceInterval)
        guard isContended || round.isCrowded else { return }
        for connection in Array(connections.values) { connection.measurePace(round) }
        paceTimer?.set(now.advanced(by: paceInterval))
    }

    /// Often enough to be of use before a request has waited for too long.
    private var paceInterval: Nanoseconds {
        let shortest = pools.map(\.configuration.connectTimeout.count).min() ?? .max
        return max(.milliseconds(10), min(.milliseconds(250), Nanoseconds(count: shortest / 8)))
    }

    /// Calls `body` for each request under way.
    func forEachExchange(_ body: (Exchange) -> Void) {
        for connection in connections.values { connection.forEachExchange(body) }
    }
}
