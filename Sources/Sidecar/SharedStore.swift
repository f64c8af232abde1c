// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import Logging
import Reactor
import Redis
import Synchronization
import TLS

/// What replicas share in Redis: where it is, what its keys are called, and what is said of it in the log.
final class SharedStore: Sendable {
    let configuration: RedisConfiguration
    private let prefix: String
    private let resolver: Resolver
    private let counters: ProcessCounters
    private let logger: Logger
    private let lastComplaint = Mutex(MonotonicTime(nanoseconds: 0))
    private let changing: Mutex<Changing>

    /// What another configuration changes.
    private struct Changing {
        var credentials: RedisCredentials
        var allowsWithout = false
    }

    /// `replay.onFailure: allow`
    var allowsWithout: Bool {
        get { changing.withLock { $0.allowsWithout } }
        set { changing.withLock { $0.allowsWithout = newValue } }
    }

    init(
        _ configuration: RedisConfiguration, prefix: String, resolver: Resolver, counters: ProcessCounters,
        logger: Logger
    ) {
        self.configuration = configuration
        self.prefix = prefix
        self.resolver = resolver
        self.counters = counters
        self.logger = logger
        counters.redis(isUp: false)
        changing = Mutex(Changing(credentials: configuration.credentials))
    }

    /// From the next connection on, with these.
    func follow(_ settings: Settings) {
        changing.withLock { changing in
            changing.allowsWithout = settings.replay.allowsWithoutStore
            if let redis = settings.redis { changing.credentials = RedisCredentials(redis) }
        }
    }

    /// The loop's own connection; on that loop. It connects at once.
    ///
    /// - Parameter isTold: its losses are worth a line; one of a process's connections is.
    func connect(
        on loop: EventLoop, channel: String? = nil, message: @escaping ([UInt8]) -> Void = { _ in },
        isTold: Bool = false, connected: @escaping () -> Void = {}
    ) -> RedisConnection {
        var configuration = configuration
        // Who only listens finds out by asking; and what is not heard meanwhile is asked for afterwards.
        if channel != nil { configuration.idleInterval = .seconds(2) }
        let connection = RedisConnection(
            configuration, loop: loop, resolver: resolver, channel: channel.map { key($0) },
            credentials: { [self] in changing.withLock { $0.credentials } }, message: message
        ) { [self] event in
            switch event {
            case .connected:
                if isTold {
                    counters.redis(isUp: true)
                    logger.info("connected to Redis", metadata: ["address": "\(configuration.endpoint)"])
                }
                connected()
            case .unexpectedReply:
                counters.unexpectedRedisReply()
            case .lost(let cause):
                guard isTold else { break }
                counters.redis(isUp: false)
                logger.warning(
                    "Redis is out of reach", metadata: ["address": "\(configuration.endpoint)", "cause": "\(cause)"])
            }
        }
        connection.start()
        return connection
    }

    /// `name` with the prefix.
    func key(_ name: String) -> [UInt8] { Array((prefix + name).utf8) }

    /// `kind` and an identifier of any bytes.
    func key(_ kind: String, _ identifier: [UInt8]) -> [UInt8] {
        key(kind + Base64URL.encodeToString(identifier))
    }

    /// A command failed: said every ten seconds at most.
    func complain(_ failure: RedisFailure, _ what: String) {
        let now = MonotonicTime.current()
        let isDue = lastComplaint.withLock { last in
            guard last.nanoseconds == 0 || now.since(last) > .seconds(10) else { return false }
            last = now
            return true
        }
        if isDue { logger.warning("Redis did not serve", metadata: ["for": "\(what)", "cause": "\(failure)"]) }
    }
}

extension RedisConfiguration {
    /// - Parameter tls: for an address over TLS.
    init(_ settings: RedisSettings, tls: TLSClientContext?) {
        switch settings.address.place {
        case .unix(let path): self.init(.unix(path: path))
        case .host(let host, let port, _): self.init(.host(host, port: port))
        }
        self.tls = tls
        credentials = RedisCredentials(settings)
        database = settings.address.database
        timeout = .seconds(settings.timeout.inSeconds)
    }
}

extension RedisCredentials {
    init(_ settings: RedisSettings) {
        self.init(user: Array(settings.user.utf8), password: settings.password?.bytes ?? [])
    }
}
