// SPDX-License-Identifier: Apache-2.0

import Outbound
import Proxy
import Reactor
import Synchronization
import TLS

/// Whether the app can be reached, for health checks and metrics. The requests of the last seconds decide; only when
/// there were none is a connection opened, and closed at once. Without a health check nothing is tried.
final class UpstreamWatch: Sendable {
    private let loop: EventLoop
    private let resolver: Resolver
    private let endpoint: Mutex<UpstreamConfiguration.Endpoint>
    private let trial: LoopBound<Trial>

    init(_ endpoint: UpstreamConfiguration.Endpoint, loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
        self.endpoint = Mutex(endpoint)
        trial = loop.bind(Trial())
    }

    /// From now on the app is at `endpoint`.
    func moved(to endpoint: UpstreamConfiguration.Endpoint) {
        self.endpoint.withLock { $0 = endpoint }
        loop.submit { [trial] in trial.assumeOnLoop { $0.forget() } }
    }

    /// - Parameters:
    ///   - reached: when a worker last had a response.
    ///   - unreachable: when one could not connect.
    func isUp(
        reached: MonotonicTime, unreachable: MonotonicTime, _ done: @escaping @Sendable (Bool) -> Void
    ) {
        let endpoint = endpoint.withLock { $0 }
        loop.submit { [self] in
            trial.assumeOnLoop { trial in
                if let verdict = trial.verdict(reached: reached, unreachable: unreachable, loop.now) {
                    return done(verdict)
                }
                trial.begin(endpoint, loop, resolver, done)
            }
        }
    }
}

/// Confined to the watch's loop.
private final class Trial {
    private var endedAt = MonotonicTime(nanoseconds: 0)
    private var isGood = false
    private var waiting: [@Sendable (Bool) -> Void] = []

    func forget() { endedAt = MonotonicTime(nanoseconds: 0) }

    /// The last result; nil when it is too old.
    func verdict(reached: MonotonicTime, unreachable: MonotonicTime, _ now: MonotonicTime) -> Bool? {
        let known = [(reached, true), (unreachable, false), (endedAt, isGood)].filter { $0.0.nanoseconds > 0 }
        guard let last = known.max(by: { $0.0 < $1.0 }) else { return nil }
        // The return of an app is to be noticed soon.
        return now.since(last.0) < (last.1 ? Self.goodFor : Self.badFor) ? last.1 : nil
    }

    func begin(
        _ endpoint: UpstreamConfiguration.Endpoint, _ loop: EventLoop, _ resolver: Resolver,
        _ done: @escaping @Sendable (Bool) -> Void
    ) {
        guard waiting.count < Self.maximumWaiting else { return done(false) }
        waiting.append(done)
        guard waiting.count == 1 else { return }
        switch endpoint {
        case .unix(let path): connect([.unix(path)], loop)
        case .host(let host, let port):
            let answered = loop.bind { [self] (answer: Resolver.Answer) in
                switch answer {
                case .addresses(let addresses): connect(addresses, loop)
                case .failure: end(false, loop)
                }
            }
            resolver.resolve(host, port: port, on: loop, answered)
        }
    }

    private func connect(_ addresses: [SocketAddress], _ loop: EventLoop) {
        Connector(to: addresses, timeout: Self.patience, loop: loop) { [self] result in
            if case .success(let transport) = result {
                transport.close()
                end(true, loop)
            } else {
                end(false, loop)
            }
        }
    }

    private func end(_ isGood: Bool, _ loop: EventLoop) {
        self.isGood = isGood
        endedAt = loop.now
        let waiting = waiting
        self.waiting = []
        for done in waiting { done(isGood) }
    }

    private static let goodFor = Nanoseconds.seconds(5)
    private static let badFor = Nanoseconds.milliseconds(500)
    private static let patience = Nanoseconds.seconds(2)
    private static let maximumWaiting = 1024
}
