// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Asks one sentinel after another which server is the primary, until one answers. Confined to its loop.
final class SentinelQuestion {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// Each is called on the loop, and none after ``cancel()``.
    struct Events {
        /// The primary, and the sentinel that named it; called once, unless `failed` is.
        var answered: (_ primary: Endpoint, _ sentinel: Endpoint) -> Void
        /// No sentinel answered; the cause is that of the last one.
        var failed: (String) -> Void
        /// The other sentinels that the one that answered knows; not called if it does not say.
        var learned: (_ others: [Endpoint], _ sentinel: Endpoint) -> Void
        /// A reply is not valid.
        var refused: (_ sentinel: Endpoint, String) -> Void
    }

    private let configuration: RedisSentinelConfiguration
    private let credentials: () -> RedisCredentials
    private let loop: EventLoop
    private let resolver: Resolver
    private let events: Events
    private var remaining: ArraySlice<Endpoint>
    private var connection: RedisConnection?
    private var deadline = MonotonicTime.distantFuture
    private var cause = "none is known"
    private var isOver = false

    init(
        _ configuration: RedisSentinelConfiguration, _ sentinels: [Endpoint],
        credentials: @escaping () -> RedisCredentials, loop: EventLoop, resolver: Resolver, _ events: Events
    ) {
        self.configuration = configuration
        self.credentials = credentials
        self.loop = loop
        self.resolver = resolver
        self.events = events
        remaining = sentinels[...]
    }

    func start() {
        deadline = loop.now.advanced(by: Self.patience)
        askNext()
    }

    func cancel() { end() }

    private func askNext() {
        guard loop.now < deadline, let sentinel = remaining.popFirst() else {
            end()
            return events.failed(cause)
        }
        let connection = RedisConnection(
            configuration.connection(to: sentinel), loop: loop, resolver: resolver, credentials: credentials,
            report: { [weak self] event in
                guard let self, !isOver, case .unexpectedReply(let cause) = event else { return }
                events.refused(sentinel, cause)
            })
        self.connection = connection
        connection.send(
            RESPCommand("SENTINEL", texts: "GET-MASTER-ADDR-BY-NAME", configuration.master), .sentinelPrimary
        ) { [self] result in
            guard !isOver else { return }
            switch result {
            case .success(.at(let primary)):
                events.answered(primary, sentinel)
                if !isOver { askForOthers(connection, sentinel) }
            case .success(.unknownName):
                failed(sentinel, "it knows no primary named \(configuration.master)")
            case .failure(let failure):
                failed(sentinel, failure.description)
            }
        }
    }

    private func failed(_ sentinel: Endpoint, _ cause: String) {
        self.cause = "\(sentinel): \(cause)"
        connection?.close()
        askNext()
    }

    private func askForOthers(_ connection: RedisConnection, _ sentinel: Endpoint) {
        connection.send(
            RESPCommand("SENTINEL", texts: "SENTINELS", configuration.master),
            .sentinels(atMost: SentinelDirectory.maximumLearned)
        ) { [self] result in
            guard !isOver else { return }
            // Its user may lack the permission.
            if case .success(let others) = result { events.learned(others, sentinel) }
            end()
        }
    }

    private func end() {
        isOver = true
        connection?.close()
        connection = nil
    }

    /// No further sentinel is asked after that.
    private static let patience = Nanoseconds.seconds(8)
}
