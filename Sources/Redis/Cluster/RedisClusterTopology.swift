// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The servers of a cluster, as one loop's client knows them: the map of slots, and a connection to each server that is
/// used. Confined to its loop.
final class RedisClusterTopology {
    private enum Health {
        case unknown, connected, lost
    }

    private let loop: EventLoop
    private let timeout: Nanoseconds
    private let seeds: Set<RedisNode>
    private let connector: RedisNodeConnector
    private let keepsAllConnected: Bool
    private let report: (RedisCluster.Event) -> Void
    /// Called when there is a map, or when the attempt to get one has failed, and why.
    private let looked: (_ failure: String?) -> Void
    private var lookup: RedisLookup
    private var timer: LoopTimer?
    /// nil: no server has given one yet.
    private var map: RedisSlotMap?
    private var nodes: [RedisNode: RedisClusterNode] = [:]
    private var health = Health.unknown
    private var connectionCount: UInt64 = 0
    private var isClosed = false

    init(
        _ connector: RedisNodeConnector, seeds: [RedisNode], loop: EventLoop, timeout: Nanoseconds,
        refreshInterval: Nanoseconds, keepsAllConnected: Bool, report: @escaping (RedisCluster.Event) -> Void,
        looked: @escaping (_ failure: String?) -> Void
    ) {
        self.connector = connector
        self.loop = loop
        self.timeout = timeout
        self.seeds = Set(seeds)
        self.keepsAllConnected = keepsAllConnected
        self.report = report
        self.looked = looked
        lookup = RedisLookup(seeds: seeds, interval: refreshInterval)
    }

    /// Reads the map; does nothing the second time.
    func start() {
        guard timer == nil, !isClosed else { return }
        timer = loop.makeTimer { [weak self] in self?.look() }
        look()
    }

    func close() {
        isClosed = true
        timer?.cancel()
        for node in nodes.values { node.close() }
    }

    // MARK: Slots

    var hasMap: Bool { map != nil }

    /// Some master may be within reach.
    var isReady: Bool { map.map { $0.masters.contains { nodes[$0]?.lossCause == nil } } ?? false }

    var members: Set<RedisNode> { map?.members ?? [] }

    var masters: [RedisNode] { map?.masters ?? [] }

    var uncovered: Int? { map?.uncovered }

    /// Why there is no map before this time; nil: there is one, or may be by then.
    func failure(until time: MonotonicTime) -> String? {
        guard map == nil, let due = lookup.earliest, due > time else { return nil }
        return lookup.failure
    }

    /// - Parameter slot: nil: any server will do.
    func owner(of slot: Int?) -> RedisNode? {
        guard let map else { return nil }
        if let slot { return map.owner(of: slot) }
        return map.masters.filter { nodes[$0]?.isReady ?? false }.randomElement() ?? map.masters.randomElement()
    }

    /// A server has said that `node` owns the slot. False: it is not followed.
    func redirect(_ slot: Int, to node: RedisNode) -> Bool {
        requestMap()
        return map?.redirect(slot, to: node) ?? false
    }

    // MARK: Servers

    /// nil: there are too many.
    func node(at address: RedisNode) -> RedisClusterNode? {
        if let node = nodes[address] { return node }
        guard nodes.count < masters.count + seeds.count + Self.maximumStrangers else { return nil }
        let node = connector.node(address, isWatched: keepsAllConnected) { [weak self] event in
            self?.received(event, address)
        }
        nodes[address] = node
        return node
    }

    private func received(_ event: RedisEvent, _ address: RedisNode) {
        guard !isClosed, let node = nodes[address] else { return }
        switch event {
        case .connected:
            connectionCount += 1
            node.connected(number: connectionCount)
            report(.reachable)
        case .lost(let cause):
            node.lost(cause)
            if map?.masters.contains(address) ?? false { requestMap() }
        case .unexpectedReply(let cause): report(.unexpectedReply(cause))
        }
        updateHealth()
    }

    func reject(_ cause: String, by number: UInt64) {
        nodes.values.first { $0.number == number }?.reject(cause)
    }

    /// Closes a server that has left the cluster, when it is not used any more.
    func tidy(_ node: RedisClusterNode) {
        guard node.canClose, nodes[node.address] === node else { return }
        nodes[node.address] = nil
        node.close()
    }

    private func retain(only kept: Set<RedisNode>) {
        for node in nodes.values {
            node.remains(kept.contains(node.address))
            tidy(node)
        }
    }

    private func updateHealth() {
        var cause = lookup.failure
        if cause == nil, let map {
            if map.uncovered > 0 { cause = "\(map.uncovered) slots of the cluster have no server" }
            if let lost = map.masters.lazy.compactMap({ self.nodes[$0] }).first(where: { $0.lossCause != nil }) {
                cause = "\(lost.address): \(lost.lossCause ?? "")"
            }
        }
        if let cause {
            guard health != .lost else { return }
            health = .lost
            report(.lost(cause))
        } else if map != nil, health != .connected {
            health = .connected
            report(.connected)
        }
    }

    // MARK: The map

    /// It is read again as soon as that may be done.
    func requestMap() {
        guard !isClosed, let earliest = lookup.earliest, let timer else { return }
        if earliest < timer.deadline { timer.set(max(earliest, loop.now)) }
    }

    private func look() {
        guard !isClosed else { return }
        let ready = masters.filter { nodes[$0]?.isReady ?? false }
        if let first = lookup.begin(loop.now, ready: ready, members: members) { ask(first) }
    }

    private func ask(_ address: RedisNode) {
        guard let node = node(at: address) else { return askedInVain("\(address): too many connections") }
        let command = RESPCommand("CLUSTER", texts: "SLOTS")
        node.send(
            name: command.parts[0], command.encoded, deadline: loop.now.advanced(by: timeout),
            accept: { [weak self] reply in
                do throws(RedisSlotMap.Problem) {
                    let map = try RedisSlotMap(reply, from: address)
                    // Not before the server counts as one that has replied.
                    self?.loop.afterEvent { self?.found(map) }
                } catch .empty {
                    self?.loop.afterEvent { self?.askedInVain("\(address): \(RedisSlotMap.Problem.empty)") }
                } catch {
                    return false
                }
                return true
            },
            // A server that is not in cluster mode refuses the command.
            failed: { [weak self] failure, _ in self?.askedInVain("\(address): \(failure)") })
    }

    private func askedInVain(_ cause: String) {
        guard !isClosed else { return }
        if let next = lookup.next() { return ask(next) }
        timer?.set(lookup.failed(cause, loop.now))
        // Replicas that were asked are not needed; a seed's connection may still come about.
        retain(only: seeds.union(masters))
        updateHealth()
        looked(cause)
    }

    private func found(_ map: RedisSlotMap) {
        guard !isClosed else { return }
        self.map = map
        retain(only: Set(map.masters))
        if keepsAllConnected { for master in map.masters { node(at: master)?.connect() } }
        let isComplete = map.uncovered == 0 && map.masters.allSatisfy { nodes[$0]?.lossCause == nil }
        timer?.set(lookup.succeeded(loop.now, isComplete: isComplete))
        updateHealth()
        looked(nil)
        report(.mapped)
    }

    /// Servers that a redirection has named and no map contains.
    private static let maximumStrangers = 16
}
