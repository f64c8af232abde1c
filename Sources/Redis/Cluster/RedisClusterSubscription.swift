// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A subscription at one server of a cluster, any of them. When its connection is lost, or the server has left the
/// cluster, another server takes its place. Confined to its loop.
final class RedisClusterSubscription: RedisSubscription {
    typealias Connect = (RedisNode, @escaping (RedisEvent) -> Void) -> RedisConnection

    private enum State {
        /// No server is known yet.
        case waiting
        case subscribed(RedisConnection, RedisNode, since: MonotonicTime?)
        /// The next server is tried when the timer is due.
        case pausing(after: RedisNode)
        case closed
    }

    private let loop: EventLoop
    private let members: () -> Set<RedisNode>
    private let connect: Connect
    private let report: (RedisEvent) -> Void
    private var state = State.waiting
    private var backoff = RedisBackoff()
    private var timer: LoopTimer?
    /// Tells the events of the connection in use from those of earlier ones.
    private var attempt: UInt64 = 0

    init(
        on loop: EventLoop, members: @escaping () -> Set<RedisNode>, connect: @escaping Connect,
        report: @escaping (RedisEvent) -> Void
    ) {
        self.loop = loop
        self.members = members
        self.connect = connect
        self.report = report
        timer = loop.makeTimer { [weak self] in self?.pauseOver() }
    }

    var isReady: Bool { if case .subscribed(let connection, _, _) = state { connection.isReady } else { false } }

    func close() {
        timer?.cancel()
        if case .subscribed(let connection, _, _) = state { connection.close() }
        state = .closed
    }

    /// Messages do not reach a server that has left the cluster, although its connection stays.
    func membersMayHaveChanged() {
        switch state {
        case .waiting: subscribe(avoiding: nil)
        case .subscribed(let connection, let address, _):
            guard !members().contains(address) else { return }
            state = .waiting
            connection.close()
            subscribe(avoiding: address)
        case .pausing, .closed: break
        }
    }

    private func pauseOver() {
        guard case .pausing(let address) = state else { return }
        state = .waiting
        subscribe(avoiding: address)
    }

    private func subscribe(avoiding avoided: RedisNode?) {
        let members = members()
        guard let address = members.filter({ $0 != avoided }).randomElement() ?? members.first else { return }
        attempt += 1
        let attempt = attempt
        let connection = connect(address) { [weak self] event in self?.received(event, of: attempt) }
        state = .subscribed(connection, address, since: nil)
        connection.start()
    }

    private func received(_ event: RedisEvent, of attempt: UInt64) {
        guard attempt == self.attempt, case .subscribed(let connection, let address, let since) = state else { return }
        switch event {
        case .connected: state = .subscribed(connection, address, since: loop.now)
        case .unexpectedReply: break
        case .lost:
            state = .pausing(after: address)
            // Not from within its own report.
            loop.afterEvent { connection.close() }
            let pause = backoff.failed(after: since.map { loop.now.since($0) }, chance: Double.random(in: 0...1))
            timer?.set(loop.now.advanced(by: pause))
        }
        report(event)
    }
}
