// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A request that is counted in the ledger of an app as one of its client's, while requests wait for a connection there
/// and this one has one.
struct ConnectionHolding {
    let ledger: LedgerMember
    let network: ClientNetwork
    let episode: UInt64

    func release() {
        ledger.releaseHold(network, episode)
    }
}

/// One pool's membership in the ``ConnectionLedger`` of its app: reports to it and asks it.
final class LedgerMember {
    private let ledger: ConnectionLedger
    private let loop: EventLoop
    private var member = 0
    private var nextWaiter: UInt64 = 0
    /// Requests that are in the ledger's queue.
    private var waiting: [UInt64: UpstreamWaiter] = [:]
    /// The ledger's, while requests wait for a connection, on any worker; 0: none.
    private(set) var episode: UInt64 = 0
    /// How long requests had waited in all at the last look, and between the last two.
    private var waited = Nanoseconds(count: 0)
    private(set) var waitedLately = Nanoseconds(count: 0)
    /// Requests of penalized clients that hold their share, in order of arrival. They are in ``waiting`` too, and unknown
    /// to the ledger.
    private var heldBack: [UpstreamWaiter] = []
    /// Clients of which requests are held back, on any worker.
    private var heldBackClients: [ClientNetwork] = []
    /// Requests that the current look at the pace of clients may still end for others.
    private var endings = 0

    enum Outcome {
        /// The idle connection may be used.
        case use(ConnectionHolding)
        /// A connection may be opened.
        case connect(ConnectionHolding)
        case wait
        /// The queue is full.
        case refuse
        /// The client has been penalized and holds its share.
        case holdBack
    }

    /// Whether another shared connection may be opened.
    enum Permit {
        case granted
        case awaited(UInt64)
        case none
    }

    init(_ ledger: ConnectionLedger, loop: EventLoop, notify: @escaping @Sendable (ConnectionLedgerState.Note) -> Void)
    {
        self.ledger = ledger
        self.loop = loop
        member = ledger.join(notify)
    }

    deinit {
        ledger.leave(member)
    }

    /// A grant has arrived for a pool that no longer exists: it goes to the next waiter.
    static func decline(_ note: ConnectionLedgerState.Note, of ledger: ConnectionLedger) {
        guard case .granted(let member, let grant) = note else { return }
        let now = MonotonicTime.current()
        ledger.perform { state, notes in
            state.releaseHold(grant.client, grant.episode)
            _ = state.closed(member, now, &notes)
        }
    }

    // MARK: Waiting

    var waitingCount: Int { waiting.count }

    /// Requests wait for a connection, on any worker, or did a moment ago.
    var isContended: Bool { episode != 0 }

    /// A request waits for a connection now, on any worker.
    var isAwaited: Bool {
        episode != 0 && ledger.perform { state, _ in state.waiterCount > 0 }
    }

    /// `waiter` needs a connection.
    ///
    /// - Parameter share: of the limit, that a penalized client may hold.
    func wait(_ waiter: UpstreamWaiter, hasIdle: Bool, share: Double) -> Outcome {
        nextWaiter += 1
        let (id, network, now) = (nextWaiter, waiter.network, loop.now)
        let (outcome, episode) = ledger.perform { [member] state, notes in
            let outcome = state.wait(member, id, network, hasIdle: hasIdle, share: share, now, &notes)
            return (outcome, state.episode)
        }
        switch outcome {
        case .use: return .use(ConnectionHolding(ledger: self, network: network, episode: episode))
        case .connect: return .connect(ConnectionHolding(ledger: self, network: network, episode: episode))
        case .wait:
            waiter.enqueued(as: id)
            waiting[id] = waiter
            return .wait
        case .refuse: return .refuse
        case .holdBack: return .holdBack
        }
    }

    /// Requests that share connections need another one, one of `network` first.
    func waitShared(_ network: ClientNetwork) -> Permit {
        nextWaiter += 1
        let (id, now) = (nextWaiter, loop.now)
        let outcome = ledger.perform { [member] state, notes in
            let outcome = state.wait(member, id, network, hasIdle: false, now, &notes)
            // Requests are counted when they have a stream.
            if outcome == .connect { state.releaseHold(network, state.episode) }
            return outcome
        }
        switch outcome {
        case .connect: return .granted
        case .use, .wait: return .awaited(id)
        // Only requests are held back.
        case .refuse, .holdBack: return .none
        }
    }

    func cancel(_ waiter: UpstreamWaiter) {
        guard let id = waiter.ledgerID else { return }
        waiter.enqueued(as: nil)
        waiting[id] = nil
        cancel(id, waiter.network)
    }

    func cancel(_ id: UInt64, _ network: ClientNetwork) {
        let now = loop.now
        ledger.perform { [member] state, _ in state.cancel(id, of: member, network, now) }
    }

    /// Another client's request has taken the place of `id`; nil: it does not wait here.
    func displaced(_ id: UInt64) -> UpstreamWaiter? {
        let waiter = waiting.removeValue(forKey: id)
        waiter?.enqueued(as: nil)
        return waiter
    }

    // MARK: Requests that are held back

    /// The client has been penalized and holds its share.
    ///
    /// - Parameter requests: how many requests one connection carries.
    func holdsBack(_ network: ClientNetwork, share: Double, requests: Int) -> Bool {
        guard episode != 0 else { return false }
        let now = loop.now
        return ledger.perform { state, _ in state.holdsBack(network, share: share, requests: requests, now) }
    }

    /// `waiter` waits until its client holds less than its share; false: too many do.
    func holdBack(_ waiter: UpstreamWaiter) -> Bool {
        if heldBack.count >= Self.maximumHeldBack { heldBack.removeAll { $0.ledgerID == nil } }
        guard heldBack.count < Self.maximumHeldBack else { return false }
        nextWaiter += 1
        waiter.enqueued(as: nextWaiter)
        waiting[nextWaiter] = waiter
        heldBack.append(waiter)
        return true
    }

    /// The ledger no longer knows the request that waits as `id`; false: it waits no longer, or not here.
    func holdBack(_ id: UInt64) -> Bool {
        guard let waiter = waiting[id] else { return false }
        heldBack.append(waiter)
        return true
    }

    var hasHeldBack: Bool { !heldBack.isEmpty }

    /// Calls `serve` with each request whose client holds less than its share by now.
    func retryHeldBack(share: Double, requests: Int, _ serve: (UpstreamWaiter) -> Void) {
        let waiters = heldBack
        heldBack = []
        var atShare: Set<ClientNetwork> = []
        for waiter in waiters {
            guard let id = waiter.ledgerID, waiting[id] === waiter else { continue }
            guard !atShare.contains(waiter.network), !holdsBack(waiter.network, share: share, requests: requests) else {
                atShare.insert(waiter.network)
                heldBack.append(waiter)
                continue
            }
            waiting[id] = nil
            waiter.enqueued(as: nil)
            serve(waiter)
        }
    }

    /// Requests of the client are held back, on any worker.
    func isHeldBack(_ network: ClientNetwork) -> Bool { heldBackClients.contains(network) }

    private static let maximumHeldBack = 1024

    /// The request that a connection was granted to, which now holds it; nil: it no longer waits, and holds nothing.
    func take(_ grant: ConnectionLedgerState.Grant) -> UpstreamWaiter? {
        guard let waiter = waiting.removeValue(forKey: grant.waiter), let client = waiter.client else {
            releaseHold(grant.client, grant.episode)
            return nil
        }
        waiter.enqueued(as: nil)
        client.connecting()
        client.hold(ConnectionHolding(ledger: self, network: grant.client, episode: grant.episode))
        return waiter
    }

    // MARK: Connections

    /// A request is done with its connection, which may serve another.
    func released() -> ConnectionLedgerState.Release {
        let now = loop.now
        return ledger.perform { [member] state, notes in state.released(member, now, &notes) }
    }

    /// A connection, or an attempt to open one, has ended.
    ///
    /// - Returns: a waiter of this pool for which another may be opened.
    func closed() -> ConnectionLedgerState.Grant? {
        let now = loop.now
        return ledger.perform { [member] state, notes in state.closed(member, now, &notes) }
    }

    // MARK: Clients

    /// Requests have begun to wait. `clients` are those of the requests that have a connection.
    func contended(_ episode: UInt64, _ clients: [ClientNetwork]) {
        let now = loop.now
        waited = ledger.perform { state, _ in
            for client in clients { state.hold(client, episode) }
            return state.look(now).waited
        }
    }

    func began(_ episode: UInt64) {
        self.episode = episode
    }

    /// Connections may be counted by client already when the member joins.
    func joinEpisode() {
        let now = loop.now
        (episode, waited) = ledger.perform { state, _ in state.look(now) }
    }

    /// The request of `client` has a stream of a connection that others use as well, or one that is kept for its client.
    func hold(for client: any UpstreamClient) {
        guard episode != 0 else { return }
        let (network, episode) = (client.network, episode)
        client.hold(ConnectionHolding(ledger: self, network: network, episode: episode))
        ledger.perform { state, _ in state.hold(network, episode) }
    }

    func releaseHold(_ network: ClientNetwork, _ episode: UInt64) {
        ledger.perform { state, _ in state.releaseHold(network, episode) }
    }

    /// The index of the client that is served first.
    func first(of clients: [ClientNetwork]) -> Int {
        guard episode != 0, clients.count > 1 else { return 0 }
        let now = loop.now
        let ranks = ledger.perform { state, _ in clients.map { state.rank(of: $0, now) } }
        return ranks.indices.min { ranks[$0] < ranks[$1] } ?? 0
    }

    /// A request of `client` is ended because it was slow.
    func penalize(_ client: ClientNetwork, share: Double, requests: Int) {
        let now = loop.now
        ledger.perform { state, notes in state.penalize(client, share: share, requests: requests, now, &notes) }
    }

    // MARK: Pace

    /// Determines how long requests have waited since the last look; false if none has for a while.
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
        endings = waiters
        waitedLately = Nanoseconds(count: total.count &- min(waited.count, total.count))
        waited = total
        if current == 0 { episode = 0 }
        return episode != 0
    }

    /// Whether a request that has stalled may be ended: its client holds more than its share while others wait. Each look
    /// ends at most as many requests as wait.
    ///
    /// - Parameter requests: how many requests one connection carries.
    func mayEnd(_ holding: ConnectionHolding, requests: Int, share: Double, patience: Nanoseconds) -> Bool {
        guard endings > 0, episode != 0 else { return false }
        let (network, now) = (holding.network, loop.now)
        let start = MonotonicTime(nanoseconds: now.nanoseconds &- patience.count)
        let isBeyond = ledger.perform { state, _ in
            state.isBeyondShare(network, share: share, requests: requests, othersSince: start, now)
        }
        guard isBeyond else { return false }
        endings -= 1
        return true
    }
}
