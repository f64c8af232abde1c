// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The connections to one app that the whole process may hold, and the requests that wait for one
/// (`upstream.maxConnections`).
///
/// Each worker's pool is a member. A member reports each connection that it opens or closes. While no request waits,
/// nothing else is reported. When a request has to wait, an episode begins: each member reports how many requests of
/// each client hold a connection, gives back its idle connections, and asks before it keeps a released one. The episode
/// ends when no request has waited for ``calm``.
///
/// A pure value; ``ConnectionLedger`` guards it with a lock and delivers the notes.
package struct ConnectionLedgerState: Sendable {
    package typealias MemberID = Int
    package typealias WaiterID = UInt64

    /// For a member other than the caller.
    package enum Note: Equatable, Sendable {
        /// An episode has begun.
        case contended(MemberID, episode: UInt64)
        /// Requests wait: idle connections are to be given back.
        case releaseIdle(MemberID)
        /// A member that has no connection waits, and this one has the most. For connections that many requests share,
        /// which no single request releases.
        case rotate(MemberID)
        /// The member may open a connection for this waiter. It counts as open, and the client as holding it.
        case granted(MemberID, Grant)
        /// The waiter has lost its place to one of a client with fewer.
        case displaced(MemberID, WaiterID)
        /// The waiter's client has been penalized and holds its share: as ``Wait/holdBack``.
        case heldBack(MemberID, WaiterID)
    }

    package struct Grant: Equatable, Sendable {
        package let waiter: WaiterID
        package let client: ClientNetwork
        package let episode: UInt64

        package init(waiter: WaiterID, client: ClientNetwork, episode: UInt64) {
            self.waiter = waiter
            self.client = client
            self.episode = episode
        }
    }

    package enum Wait: Equatable {
        /// The member may use its idle connection.
        case use
        /// The member may open a connection.
        case connect
        case wait
        /// The queue is full.
        case refuse
        /// The client has been penalized and holds its share. The request does not count as waiting, and is tried again
        /// when its client holds less.
        case holdBack
    }

    package enum Release: Equatable {
        case keep
        /// For a waiter of the same member.
        case hand(Grant)
        /// The connection is to be closed. It is no longer counted.
        case close
    }

    private struct Waiter: Sendable {
        let id: WaiterID
        let member: MemberID
        let since: MonotonicTime
        let sequence: UInt64
    }

    private struct Client: Sendable {
        var held = 0
        /// In order of arrival.
        var waiters: [Waiter] = []
    }

    /// Connections that may be open.
    package private(set) var limit: Int
    /// Open connections and attempts to open one.
    package private(set) var open = 0
    package private(set) var waiterCount = 0
    /// Of the contention; 0: none.
    package private(set) var episode: UInt64 = 0
    private var lastEpisode: UInt64 = 0
    private var nextSequence: UInt64 = 0
    private var members: [MemberID: Int] = [:]
    private var clients: [ClientNetwork: Client] = [:]
    private let maximumWaiting: Int
    /// Grants in a row to a waiter of the member that released, before an older one elsewhere.
    private var localGrants = 0
    /// For how long at least one request has waited, in all.
    private var waited: UInt64 = 0
    private var waitingSince: MonotonicTime?
    private var lastWaited = MonotonicTime(nanoseconds: 0)
    /// The last request that waited was not served: until then the time counts as if it still waited.
    private var countsUntil: MonotonicTime?
    private var penalties = ClientPenalties()
    /// Penalized clients, and when a request of theirs was last held back.
    private var heldBack: [ClientNetwork: MonotonicTime] = [:]

    package init(limit: Int, maximumWaiting: Int = 1024) {
        self.limit = max(1, limit)
        self.maximumWaiting = max(1, maximumWaiting)
    }

    // MARK: Members

    package mutating func join(_ member: MemberID) {
        members[member] = members[member] ?? 0
    }

    /// The member has no connection and no waiter any more.
    package mutating func leave(_ member: MemberID) {
        members[member] = nil
    }

    package func openCount(of member: MemberID) -> Int { members[member] ?? 0 }

    /// Another configuration is in force.
    package mutating func setLimit(_ limit: Int, _ now: MonotonicTime, _ notes: inout [Note]) {
        self.limit = max(1, limit)
        while open < self.limit, let waiter = takeNext(preferring: nil, now) {
            count(waiter.member, 1)
            notes.append(.granted(waiter.member, waiter.grant))
        }
    }

    // MARK: Connections

    /// A request of `client` needs a connection.
    ///
    /// - Parameters:
    ///   - hasIdle: the member has an idle connection that would do.
    ///   - share: of the limit, that a penalized client may hold; nil: the connection is not for one client.
    package mutating func wait(
        _ member: MemberID, _ id: WaiterID, _ client: ClientNetwork, hasIdle: Bool, share: Double? = nil,
        _ now: MonotonicTime, _ notes: inout [Note]
    ) -> Wait {
        if let share, holdsBack(client, share: share, requests: 1, now) { return .holdBack }
        if waiterCount == 0 {
            if hasIdle {
                hold(client, episode)
                return .use
            }
            if open < limit {
                count(member, 1)
                hold(client, episode)
                return .connect
            }
        }
        if waiterCount >= maximumWaiting {
            guard displace(for: client, now, &notes) else { return .refuse }
        }
        let isFirst = waiterCount == 0
        nextSequence += 1
        clients[client, default: Client()].waiters.append(
            Waiter(id: id, member: member, since: now, sequence: nextSequence))
        waiterCount += 1
        if isFirst {
            countWaited(now)
            waitingSince = now
        }
        if episode == 0 {
            beginEpisode(&notes)
        } else if isFirst {
            for other in members.keys.sorted() where other != member { notes.append(.releaseIdle(other)) }
        }
        if members[member, default: 0] == 0,
            let most = members.filter({ $0.key != member }).max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key
        {
            notes.append(.rotate(most))
        }
        return .wait
    }

    /// The waiter no longer waits.
    package mutating func cancel(_ id: WaiterID, of member: MemberID, _ client: ClientNetwork, _ now: MonotonicTime) {
        guard let index = clients[client]?.waiters.firstIndex(where: { $0.id == id && $0.member == member }) else {
            return
        }
        clients[client]?.waiters.remove(at: index)
        removed(client, now, isServed: false)
    }

    /// During an episode: a request is done with its connection, which may serve another one.
    package mutating func released(_ member: MemberID, _ now: MonotonicTime, _ notes: inout [Note]) -> Release {
        guard open <= limit else {
            count(member, -1)
            return .close
        }
        guard let next = takeNext(preferring: member, now) else { return .keep }
        if next.member == member { return .hand(next.grant) }
        count(member, -1)
        count(next.member, 1)
        notes.append(.granted(next.member, next.grant))
        return .close
    }

    /// A connection, or an attempt to open one, has ended.
    ///
    /// - Returns: a waiter of the same member for which another one may be opened.
    package mutating func closed(_ member: MemberID, _ now: MonotonicTime, _ notes: inout [Note]) -> Grant? {
        count(member, -1)
        guard open < limit, let next = takeNext(preferring: member, now) else { return nil }
        count(next.member, 1)
        if next.member == member { return next.grant }
        notes.append(.granted(next.member, next.grant))
        return nil
    }

    // MARK: Clients

    /// A request of `client` holds a connection. Reports of an earlier episode are ignored.
    package mutating func hold(_ client: ClientNetwork, _ episode: UInt64) {
        guard episode != 0, episode == self.episode else { return }
        clients[client, default: Client()].held += 1
    }

    package mutating func releaseHold(_ client: ClientNetwork, _ episode: UInt64) {
        guard episode != 0, episode == self.episode, let held = clients[client]?.held, held > 0 else { return }
        clients[client]?.held = held - 1
        forgetIfUnused(client)
    }

    package func held(by client: ClientNetwork) -> Int { clients[client]?.held ?? 0 }

    /// The client holds more than its share, or more than an even one, while a request of another client has waited since
    /// before `start`.
    ///
    /// - Parameter requests: how many requests one connection carries.
    package func isBeyondShare(
        _ client: ClientNetwork, share: Double, requests: Int, othersSince start: MonotonicTime, _ now: MonotonicTime
    ) -> Bool {
        let held = held(by: client)
        let isBeyond = held > min(self.share(share, requests: requests), evenShare(requests: requests))
        guard isBeyond || held > 0 && penalties.contains(client, now) else { return false }
        return clients.contains { other, state in
            other != client && (state.waiters.first.map { $0.since <= start } ?? false)
                && (isBeyond || !penalties.contains(other, now))
        }
    }

    /// A request of the client was ended because it was slow. Its next ones must not hold up others for as long again: during
    /// the penalty it gets no connection beyond its share, even if nobody else waits. Until the penalty ends, the episode
    /// does not, so that connections are counted by client.
    package mutating func penalize(
        _ client: ClientNetwork, share: Double, requests: Int, _ now: MonotonicTime, _ notes: inout [Note]
    ) {
        penalties.add(client, now)
        guard penalties.contains(client, now) else { return }
        if episode == 0 { beginEpisode(&notes) }
        // The connection that is about to become free is not for these.
        let room = max(0, self.share(share, requests: requests) - held(by: client))
        while let waiters = clients[client]?.waiters, waiters.count > room, let last = waiters.last {
            clients[client]?.waiters.removeLast()
            removed(client, now, isServed: false)
            heldBack[client] = now
            notes.append(.heldBack(last.member, last.id))
        }
    }

    /// The client has been penalized and holds its share: a further request of it has to wait until it holds less.
    ///
    /// - Parameter requests: how many requests one connection carries.
    package mutating func holdsBack(
        _ client: ClientNetwork, share: Double, requests: Int, _ now: MonotonicTime
    ) -> Bool {
        guard penalties.contains(client, now) else { return false }
        let taken = held(by: client) + (clients[client]?.waiters.count ?? 0)
        guard taken >= self.share(share, requests: requests) else { return false }
        heldBack[client] = now
        return true
    }

    /// The clients of which requests are held back now. What holds these up is the client's own slow requests.
    package mutating func heldBackClients(_ now: MonotonicTime) -> [ClientNetwork] {
        guard !heldBack.isEmpty else { return [] }
        heldBack = heldBack.filter { now.since($0.value) < Self.heldBackTime }
        return Array(heldBack.keys)
    }

    /// How many requests each client may have if all that hold connections or wait have equally many; one at least. Else a
    /// few clients could hold all connections, each within its share.
    private func evenShare(requests: Int) -> Int {
        max(1, limit * max(1, requests) / max(1, clients.count))
    }

    /// How many requests may hold connections by a share; one at least.
    private func share(_ share: Double, requests: Int) -> Int {
        max(1, Int((Double(limit) * Double(max(1, requests)) * share).rounded(.down)))
    }

    /// Waiters are served in this order.
    package func rank(of client: ClientNetwork, _ now: MonotonicTime) -> Rank {
        Rank(isPenalized: penalties.contains(client, now), held: held(by: client))
    }

    package struct Rank: Comparable, Sendable {
        let isPenalized: Bool
        let held: Int

        package static func < (left: Rank, right: Rank) -> Bool {
            left.isPenalized == right.isPenalized ? left.held < right.held : right.isPenalized
        }
    }

    // MARK: Time

    /// For how long requests have waited so far; ends an episode that is over.
    package mutating func look(_ now: MonotonicTime) -> (episode: UInt64, waited: Nanoseconds) {
        if waiterCount == 0, episode != 0, now.since(lastWaited) >= Self.calm, now >= countsUntil ?? now,
            !penalties.areInForce(now)
        {
            episode = 0
            clients = [:]
            heldBack = [:]
            countWaited(now)
        }
        let current = waitingSince.map { min(now, countsUntil ?? now).since($0).count } ?? 0
        return (episode, Nanoseconds(count: waited &+ current))
    }

    /// A request that is held back is tried again several times in this time.
    private static let heldBackTime = Nanoseconds.seconds(1)
    /// How long no request must have waited until connections are no longer counted by client.
    package static let calm = Nanoseconds.seconds(1)
    /// How long the time continues to count after the last waiter left without a connection. Otherwise a request that is
    /// slow for longer than others wait would only end when none of them is left.
    package static let grace = Nanoseconds.seconds(3)
    /// Of eight grants, at least one goes to the request that is first in the whole process. The others may save a new
    /// connection by staying with their worker.
    private static let maximumLocalGrants = 7

    // MARK: Private

    private mutating func beginEpisode(_ notes: inout [Note]) {
        lastEpisode += 1
        episode = lastEpisode
        localGrants = 0
        for member in members.keys.sorted() { notes.append(.contended(member, episode: episode)) }
    }

    private mutating func count(_ member: MemberID, _ change: Int) {
        open += change
        members[member, default: 0] += change
    }

    /// The next waiter: the first one of the client that holds fewest. Among equals a waiter of `member` may precede an
    /// older one.
    private mutating func takeNext(
        preferring member: MemberID?, _ now: MonotonicTime
    ) -> (member: MemberID, grant: Grant)? {
        guard waiterCount > 0 else { return nil }
        var best: (client: ClientNetwork, rank: Rank, sequence: UInt64)?
        var local: (client: ClientNetwork, rank: Rank, sequence: UInt64)?
        for (client, state) in clients {
            guard let first = state.waiters.first else { continue }
            let candidate = (client: client, rank: rank(of: client, now), sequence: first.sequence)
            if best.map({ (candidate.rank, candidate.sequence) < ($0.rank, $0.sequence) }) ?? true { best = candidate }
            if first.member == member,
                local.map({ (candidate.rank, candidate.sequence) < ($0.rank, $0.sequence) }) ?? true
            {
                local = candidate
            }
        }
        guard let best else { return nil }
        var (client, index) = (best.client, 0)
        if let member, let waiters = clients[best.client]?.waiters, waiters.first?.member != member {
            if localGrants < Self.maximumLocalGrants {
                if let own = waiters.firstIndex(where: { $0.member == member }) {
                    index = own
                    localGrants += 1
                } else if let local, local.rank == best.rank {
                    client = local.client
                    localGrants += 1
                } else {
                    localGrants = 0
                }
            } else {
                localGrants = 0
            }
        }
        guard let waiter = clients[client]?.waiters.remove(at: index) else { return nil }
        clients[client]?.held += 1
        removed(client, now, isServed: true)
        return (waiter.member, Grant(waiter: waiter.id, client: client, episode: episode))
    }

    /// The queue is full: the client with the most waiters loses its last one, if it has more than `client`.
    private mutating func displace(
        for client: ClientNetwork, _ now: MonotonicTime, _ notes: inout [Note]
    ) -> Bool {
        let own = clients[client]?.waiters.count ?? 0
        guard let most = clients.max(by: { $0.value.waiters.count < $1.value.waiters.count }),
            most.value.waiters.count > own + 1, let last = most.value.waiters.last
        else { return false }
        clients[most.key]?.waiters.removeLast()
        removed(most.key, now, isServed: false)
        notes.append(.displaced(last.member, last.id))
        return true
    }

    private mutating func removed(_ client: ClientNetwork, _ now: MonotonicTime, isServed: Bool) {
        waiterCount -= 1
        lastWaited = now
        if waiterCount == 0 {
            if isServed { countWaited(now) } else { countsUntil = now.advanced(by: Self.grace) }
        }
        forgetIfUnused(client)
    }

    /// No request waits any more, and the grace has passed.
    private mutating func countWaited(_ now: MonotonicTime) {
        if let start = waitingSince { waited &+= min(now, countsUntil ?? now).since(start).count }
        waitingSince = nil
        countsUntil = nil
    }

    private mutating func forgetIfUnused(_ client: ClientNetwork) {
        if let state = clients[client], state.held == 0, state.waiters.isEmpty { clients[client] = nil }
    }
}
