// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A loop's client of a cluster: each command goes to the master that owns the slot of its keys, over one connection for
/// each master, made when it is needed. Redirections are followed, within the command's time limit. Confined to its loop.
///
/// A command is sent a second time only if it was certainly not executed: when a server has redirected or deferred it, or
/// when it did not leave this process. One whose connection was lost before the reply fails.
package final class RedisCluster: RedisClient {
    /// An event worth logging or counting.
    package enum Event: Equatable, Sendable {
        /// All slots are served, and no master is known to be out of reach.
        case connected
        /// That has ended, or did not come about: reported once for each outage.
        case lost(String)
        /// A connection ended because of a reply that is not valid.
        case unexpectedReply(String)
        /// A command was redirected.
        case redirected
        /// There is a connection to some server, after there was none to it.
        case reachable
        /// The map of slots was read.
        case mapped
    }

    private let timeout: Nanoseconds
    private let loop: EventLoop
    private let connector: RedisNodeConnector
    private let report: (Event) -> Void
    private var topology: RedisClusterTopology?
    private weak var subscription: RedisClusterSubscription?
    /// Commands that are not done.
    private var pendingCount = 0
    /// Submitted before there was a map.
    private var unplaced: [RedisClusterCommand] = []
    /// Commands that wait to be sent again.
    private var pausing: [ObjectIdentifier: RedisClusterCommand] = [:]
    /// Of the connection whose reply is being delivered.
    private var replying: UInt64 = 0

    /// - Parameters:
    ///   - configuration: of each connection; the endpoint and the database do not matter.
    ///   - seeds: servers of the cluster, tried in turn until one of them names all.
    ///   - refreshInterval: how often the map of slots is read again when nothing requires it.
    ///   - keepsAllConnected: a connection to each master is kept, so that a loss is known before a command needs it.
    ///   - credentials: called for each connection; nil: those of the configuration.
    ///   - report: called on the loop.
    package init(
        _ configuration: RedisConfiguration, seeds: [RedisNode], loop: EventLoop, resolver: Resolver,
        refreshInterval: Nanoseconds = .seconds(60), keepsAllConnected: Bool = false,
        credentials: (() -> RedisCredentials)? = nil, report: @escaping (Event) -> Void = { _ in }
    ) {
        timeout = configuration.timeout
        self.loop = loop
        self.report = report
        connector = RedisNodeConnector(configuration, loop: loop, resolver: resolver, credentials: credentials)
        topology = RedisClusterTopology(
            connector, seeds: seeds, loop: loop, timeout: timeout, refreshInterval: refreshInterval,
            keepsAllConnected: keepsAllConnected,
            report: { [weak self] event in
                if event == .mapped { self?.subscription?.membersMayHaveChanged() }
                report(event)
            },
            looked: { [weak self] failure in self?.looked(failure) })
    }

    package var isReady: Bool { topology?.isReady ?? false }

    /// Reads the map of slots before the first command.
    package func start() { topology?.start() }

    package func close() {
        guard let topology else { return }
        self.topology = nil
        topology.close()
        let waiting = unplaced + pausing.values
        (unplaced, pausing) = ([], [:])
        loop.afterEvent { [self] in for command in waiting { complete(command, Self.closed) } }
    }

    package var masters: [RedisNode] { topology?.masters ?? [] }

    /// Masters and replicas, as far as they are known.
    var members: Set<RedisNode> { topology?.members ?? [] }

    /// How many slots no master serves; nil: there is no map yet.
    package var uncoveredSlots: Int? { topology?.uncovered }

    /// A subscription at any server of the cluster, since each passes messages on to all. There is one at most.
    ///
    /// - Parameters:
    ///   - message: gets messages published on the channel.
    ///   - report: called for each connection.
    package func subscribe(
        to channel: [UInt8], message: @escaping ([UInt8]) -> Void, report: @escaping (RedisEvent) -> Void
    ) -> any RedisSubscription {
        let subscription = RedisClusterSubscription(
            on: loop, members: { [weak self] in self?.members ?? [] },
            connect: { [connector] address, report in
                connector.subscription(at: address, to: channel, message: message, report: report)
            },
            report: report)
        self.subscription = subscription
        subscription.membersMayHaveChanged()
        return subscription
    }

    // MARK: Commands

    package func send<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>,
        _ completion: @escaping (Result<Value, RedisFailure>) -> Void
    ) {
        let pending = PendingCommand(command, shape, deadline: loop.now.advanced(by: timeout), completion)
        switch command.route {
        case .anyServer: submit(pending, slot: nil)
        case .slot(let slot): submit(pending, slot: slot)
        case .acrossSlots:
            loop.afterEvent { pending.fail(.refused("the keys belong to several slots of the cluster")) }
        }
    }

    package func scan(
        _ command: RESPCommand, _ shape: RedisReply<RedisScanPage>,
        _ completion: @escaping (Result<RedisScanPage, RedisFailure>) -> Void
    ) {
        send(command, shape) { [weak self] result in
            let server = self?.replying ?? 0
            completion(
                result.map { page in
                    var page = page
                    page.server = server
                    return page
                })
        }
    }

    package func reject(_ cause: String, by server: UInt64) { topology?.reject(cause, by: server) }

    /// Sends a command without keys to one of ``masters``.
    package func send<Value>(
        _ command: RESPCommand, to master: RedisNode, _ shape: RedisReply<Value>,
        _ completion: @escaping (Result<Value, RedisFailure>) -> Void
    ) {
        let pending = PendingCommand(command, shape, deadline: loop.now.advanced(by: timeout), completion)
        if let command = take(pending, slot: nil) { send(command, to: .node(master)) }
    }

    private func submit(_ pending: PendingCommand, slot: Int?) {
        guard let command = take(pending, slot: slot), let topology else { return }
        if topology.hasMap {
            send(command, to: .owner)
        } else if let cause = topology.failure(until: command.deadline) {
            loop.afterEvent { [self] in complete(command, .unreachable(cause)) }
        } else {
            unplaced.append(command)
        }
    }

    /// nil: it fails at once.
    private func take(_ pending: PendingCommand, slot: Int?) -> RedisClusterCommand? {
        topology?.start()
        guard topology != nil, pendingCount < Self.maximumPending else {
            let failure = topology == nil ? Self.closed : .overloaded
            loop.afterEvent { pending.fail(failure) }
            return nil
        }
        pendingCount += 1
        let command = RedisClusterCommand(pending, slot: slot)
        command.start(on: loop) { [weak self] in self?.due($0) }
        return command
    }

    private func send(_ command: RedisClusterCommand, to destination: RedisAttempts.Destination) {
        guard let topology, !command.isDone else { return complete(command, Self.closed) }
        let address: RedisNode?
        var isAsking = false
        switch destination {
        case .owner: address = topology.owner(of: command.slot)
        case .node(let node): address = node
        case .importing(let node): (address, isAsking) = (node, true)
        }
        guard let address else {
            let cause = RedisFailure.unreachable("no server of the cluster serves the slot")
            return loop.afterEvent { [self] in follow(command, .unavailable, at: destination, cause) }
        }
        guard let node = topology.node(at: address) else {
            return loop.afterEvent { [self] in complete(command, .overloaded) }
        }
        node.send(
            name: command.name, command.encoded, isAsking: isAsking,
            // Not the command's own: a connection is not at fault for what came before.
            deadline: loop.now.advanced(by: timeout),
            accept: { [self] reply in
                if node.isLeaving { loop.afterEvent { self.topology?.tidy(node) } }
                return accept(reply, to: command, from: node)
            },
            failed: { [self] failure, wasSent in
                failed(command, at: destination, node, failure, wasSent: wasSent)
                self.topology?.tidy(node)
            })
    }

    private func accept(_ reply: RESPValue, to command: RedisClusterCommand, from node: RedisClusterNode) -> Bool {
        replying = node.number
        defer { replying = 0 }
        let wasDone = command.isDone
        guard command.accept(reply) else { return false }
        if !wasDone { pendingCount -= 1 }
        return true
    }

    private func failed(
        _ command: RedisClusterCommand, at destination: RedisAttempts.Destination, _ node: RedisClusterNode,
        _ failure: RedisFailure, wasSent: Bool
    ) {
        switch failure {
        case .refused(let text):
            guard let redirection = RedisRedirection(text, asked: node.address) else {
                return complete(command, failure)
            }
            follow(command, redirection, at: destination, failure)
        case .unreachable:
            topology?.requestMap()
            // The server may have executed a command that was sent.
            if wasSent { complete(command, failure) } else { follow(command, .unavailable, at: destination, failure) }
        case .timeout:
            topology?.requestMap()
            complete(command, failure)
        case .overloaded, .unexpectedReply: complete(command, failure)
        }
    }

    private func follow(
        _ command: RedisClusterCommand, _ redirection: RedisRedirection, at destination: RedisAttempts.Destination,
        _ failure: RedisFailure
    ) {
        guard let topology, !command.isDone else { return complete(command, failure) }
        switch redirection {
        case .moved(let slot, let node):
            guard slot == command.slot, topology.redirect(slot, to: node) else { return complete(command, failure) }
        case .ask(let slot, _):
            guard slot == command.slot else { return complete(command, failure) }
        case .tryAgain: break
        case .unavailable:
            topology.requestMap()
            // It is for this server alone.
            if case .node = destination, command.slot == nil { return complete(command, failure) }
        }
        switch command.step(after: redirection, at: destination, timeout: timeout) {
        case .fail: complete(command, failure)
        case .send(let next):
            report(.redirected)
            send(command, to: next)
        case .wait(let pause, let next):
            pausing[ObjectIdentifier(command)] = command
            command.wait(until: loop.now.advanced(by: pause), failure, then: next)
        }
    }

    /// A pause is over, or the time limit.
    private func due(_ command: RedisClusterCommand) {
        let isPausing = pausing.removeValue(forKey: ObjectIdentifier(command)) != nil
        if isPausing, loop.now < command.deadline { return send(command, to: command.resume()) }
        if let place = unplaced.firstIndex(where: { $0 === command }) { unplaced.remove(at: place) }
        complete(command, command.lateness)
    }

    private func complete(_ command: RedisClusterCommand, _ failure: RedisFailure) {
        guard !command.isDone else { return }
        pendingCount -= 1
        command.fail(failure)
    }

    /// The map of slots was read, or could not be.
    private func looked(_ failure: String?) {
        let waiting = unplaced
        unplaced = []
        for command in waiting {
            if let failure { complete(command, .unreachable(failure)) } else { send(command, to: .owner) }
        }
    }

    private static let closed = RedisFailure.unreachable("closed")
    private static let maximumPending = 10_000
}
