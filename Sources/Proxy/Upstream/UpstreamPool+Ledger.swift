// SPDX-License-Identifier: Apache-2.0

import Reactor

/// What a pool asks of the ledger, and what it does for other workers' requests.
extension UpstreamPool {
    /// Those who share connections need another one, `exchange` first.
    func requestShared(_ exchange: Exchange) -> HTTP2UpstreamPool.Permit {
        nextWaiter += 1
        let (id, client, now) = (nextWaiter, exchange.clientNetwork, worker.loop.now)
        let outcome = ledger.perform { [member] state, notes in
            let outcome = state.wait(member, id, client, hasIdle: false, now, &notes)
            // Requests are counted when they have a stream.
            if outcome == .connect { state.releaseHold(client, state.episode) }
            return outcome
        }
        switch outcome {
        case .connect: return .granted
        case .use, .wait: return .awaited(id, client)
        // Only requests are held back.
        case .refuse, .holdBack: return .none
        }
    }

    func connectShared() {
        connect(for: .sharing)
    }

    /// Somebody waits for a connection, on whatever worker.
    var isAwaited: Bool {
        episode != 0 && ledger.perform { state, _ in state.waiterCount > 0 }
    }

    func cancelShared(_ id: UInt64, _ client: ClientNetwork) {
        let now = worker.loop.now
        ledger.perform { [member] state, _ in state.cancel(id, of: member, client, now) }
    }

    static func deliver(_ note: ConnectionLedgerState.Note, to pool: UpstreamPool?, of ledger: ConnectionLedger) {
        if let pool { return pool.noted(note) }
        // Granted to a pool that has gone: to the next.
        guard case .granted(let member, let grant) = note else { return }
        let now = MonotonicTime.current()
        ledger.perform { state, notes in
            state.releaseHold(grant.client, grant.episode)
            _ = state.closed(member, now, &notes)
        }
    }

    private func noted(_ note: ConnectionLedgerState.Note) {
        switch note {
        case .contended(_, let episode):
            contended(episode)
            releaseIdle()
        case .releaseIdle: releaseIdle()
        case .rotate: shared?.rotate()
        case .granted(_, let grant): granted(grant)
        case .displaced(_, let id):
            guard let exchange = waiting.removeValue(forKey: id) else { return shared?.displaced(id) ?? () }
            exchange.waiter = nil
            exchange.upstreamLost(.overloaded)
        case .heldBack(_, let id):
            guard !holdBack(id) else { break }
            shared?.displaced(id)
            shared?.dispatchWaiting()
        }
    }

    /// Connections are counted by client already when the pool is made.
    func joinEpisode() {
        let now = worker.loop.now
        let look = ledger.perform { state, _ in state.look(now) }
        guard look.episode != 0 else { return }
        (episode, waited) = look
        worker.startPacing()
    }

    /// The client of `exchange` has been penalized, and holds its share.
    func holdsBack(_ exchange: Exchange) -> Bool {
        guard episode != 0 else { return false }
        let (client, requests) = (exchange.clientNetwork, requestsPerConnection)
        let (share, now) = (worker.limits.clientShare, worker.loop.now)
        return ledger.perform { state, _ in state.holdsBack(client, share: share, requests: requests, now) }
    }

    /// Requests of the client of `exchange` are held back, on any worker.
    func isHeldBack(_ exchange: Exchange) -> Bool {
        !heldBackClients.isEmpty && heldBackClients.contains(exchange.holding?.client ?? exchange.clientNetwork)
    }

    private func scheduleRetry() {
        guard !heldBack.isEmpty else { return }
        worker.loop.afterEvent { [self] in retryHeldBack() }
    }

    func granted(_ grant: ConnectionLedgerState.Grant) {
        if shared?.granted(grant.waiter) == true {
            releaseHold(grant.client, grant.episode)
            return connect(for: .sharing)
        }
        guard let exchange = take(grant) else { return connectionClosed() }
        ownCount += 1
        connect(for: .exchange(exchange, generation: exchange.generation))
    }

    /// The exchange that a connection was granted to; nil: it waits no longer, and holds nothing.
    func take(_ grant: ConnectionLedgerState.Grant) -> Exchange? {
        guard let exchange = waiting.removeValue(forKey: grant.waiter), exchange.awaitsUpstream else {
            releaseHold(grant.client, grant.episode)
            return nil
        }
        exchange.waiter = nil
        // Connecting has a time limit of its own.
        exchange.stopTimer()
        exchange.holds(grant.client, of: self, grant.episode)
        return exchange
    }

    /// Requests have begun to wait: reports who holds connections from now on.
    private func contended(_ episode: UInt64) {
        self.episode = episode
        var clients: [ClientNetwork] = []
        worker.forEachExchange { exchange in
            guard exchange.usesConnection(of: self), exchange.holding?.episode != episode else { return }
            let client = exchange.clientNetwork
            exchange.holds(client, of: self, episode)
            clients.append(client)
        }
        let (reported, now) = (clients, worker.loop.now)
        waited = ledger.perform { state, _ in
            for client in reported { state.hold(client, episode) }
            return state.look(now).waited
        }
        worker.startPacing()
    }

    /// Others wait for what is idle here.
    func releaseIdle() {
        while let connection = idle.popLast() {
            let count = idle.count
            offer(connection)
            // It was kept.
            if idle.count > count { break }
        }
        releaseBound()
        shared?.releaseIdle()
    }

    /// Idle connections that belong to one client each end as long as others wait.
    func releaseBound() {
        while !bound.isEmpty, isAwaited { bound.removeFirst().close() }
    }

    /// A request got a stream of a connection that others use, too, or a connection that is kept for its client.
    func holdsOther(_ exchange: Exchange) {
        guard episode != 0 else { return }
        let (client, episode) = (exchange.clientNetwork, episode)
        exchange.holds(client, of: self, episode)
        ledger.perform { state, _ in state.hold(client, episode) }
    }

    func releaseHold(_ client: ClientNetwork, _ episode: UInt64) {
        ledger.perform { state, _ in state.releaseHold(client, episode) }
        scheduleRetry()
    }

    /// Which of the clients comes first: its index.
    func fewest(_ clients: [ClientNetwork]) -> Int {
        guard episode != 0 else { return 0 }
        let now = worker.loop.now
        let ranks = ledger.perform { state, _ in clients.map { state.rank(of: $0, now) } }
        return ranks.indices.min { ranks[$0] < ranks[$1] } ?? 0
    }

    /// Whether `exchange` may be ended for others: its client holds more than its share, and others wait.
    func isBeyondShare(_ exchange: Exchange, share: Double, patience: Nanoseconds) -> Bool {
        guard episode != 0, let holding = exchange.holding else { return false }
        let (client, requests) = (holding.client, requestsPerConnection)
        let now = worker.loop.now
        let start = MonotonicTime(nanoseconds: now.nanoseconds &- patience.count)
        return ledger.perform { state, _ in
            state.isBeyondShare(client, share: share, requests: requests, othersSince: start, now)
        }
    }

    /// A request of `client` is ended as slow.
    func penalize(_ client: ClientNetwork) {
        let (requests, share, now) = (requestsPerConnection, worker.limits.clientShare, worker.loop.now)
        ledger.perform { state, notes in state.penalize(client, share: share, requests: requests, now, &notes) }
    }

    /// Looks how long requests have waited since the last look; false when none has for a while.
    func look(_ now: MonotonicTime) -> Bool {
        guard episode != 0 else {
            waitedLately = Nanoseconds(count: 0)
            return false
        }
        let (current, total, waiters, clients) = ledger.perform { state, _ in
            let look = state.look(now)
            return (look.episode, look.waited, state.waiterCount, state.heldBackClients(now))
        }
        heldBackClients = clients
        scheduleRetry()
        endings = waiters
        waitedLately = Nanoseconds(count: total.count &- min(waited.count, total.count))
        waited = total
        if current == 0 { episode = 0 }
        return episode != 0
    }

    /// The client of `exchange`, which has stalled, holds more than its share while others wait; each look ends as many
    /// requests as wait at most.
    func mayEnd(_ exchange: Exchange, share: Double, patience: Nanoseconds) -> Bool {
        guard endings > 0, isBeyondShare(exchange, share: share, patience: patience) else { return false }
        endings -= 1
        return true
    }
}
