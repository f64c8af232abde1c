// SPDX-License-Identifier: Apache-2.0

import Console
import Decisions
import Proxy
import Reactor
import Synchronization

/// Whether each app can be reached, and since when, as far as somebody looks: once a minute, and with each page.
final class AppWatches: Sendable {
    private struct App {
        let address: String
        let watch: UpstreamWatch
        var state = AppStatus.State.unknown
        /// Seconds since 1970.
        var since: Double?
    }

    private let apps = Mutex<[App]>([])
    private let loop: EventLoop
    private let resolver: Resolver
    /// Of the first app, of which the requests of the workers tell.
    private let first: UpstreamWatch

    init(first: UpstreamWatch, loop: EventLoop, resolver: Resolver) {
        self.first = first
        self.loop = loop
        self.resolver = resolver
    }

    /// The apps of another configuration. What is known of an address stays.
    func replace(with wanted: [(address: String, app: UpstreamConfiguration)]) {
        apps.withLock { apps in
            let known = apps
            apps = wanted.enumerated().map { index, wanted in
                let watch = index == 0 ? first : UpstreamWatch(wanted.app, loop: loop, resolver: resolver)
                let old = known.first { $0.address == wanted.address }
                return App(
                    address: wanted.address, watch: watch, state: old?.state ?? .unknown, since: old?.since)
            }
        }
    }

    /// Looks at all; `done` is called once, on any thread.
    func look(_ snapshot: MetricsSnapshot, _ done: @escaping @Sendable ([AppStatus]) -> Void) {
        let all = apps.withLock { $0.map { (address: $0.address, watch: $0.watch) } }
        look(all[...], snapshot, done)
    }

    /// One after the other; answers are remembered for a moment, so this is no work in most cases.
    private func look(
        _ rest: ArraySlice<(address: String, watch: UpstreamWatch)>, _ snapshot: MetricsSnapshot,
        _ done: @escaping @Sendable ([AppStatus]) -> Void
    ) {
        guard let next = rest.first else {
            return done(apps.withLock { $0.map { AppStatus(address: $0.address, state: $0.state, since: $0.since) } })
        }
        let following = rest.dropFirst()
        // The snapshot tells of the first app only.
        next.watch.verdict(next.watch === first ? snapshot : MetricsSnapshot()) { [self] verdict in
            note(verdict, next.address)
            look(following, snapshot, done)
        }
    }

    private func note(_ verdict: UpstreamWatch.Verdict, _ address: String) {
        let state: AppStatus.State =
            switch verdict {
            case .up: .reachable
            case .down(let cause): .unreachable(cause: cause)
            }
        let now = wallClockNow()
        apps.withLock { apps in
            for index in apps.indices where apps[index].address == address {
                // Another cause is no other state.
                if !apps[index].state.isSame(as: state) { apps[index].since = now }
                apps[index].state = state
            }
        }
    }
}

extension AppStatus.State {
    fileprivate func isSame(as other: AppStatus.State) -> Bool {
        switch (self, other) {
        case (.reachable, .reachable), (.unreachable, .unreachable), (.unknown, .unknown): true
        case (.reachable, _), (.unreachable, _), (.unknown, _): false
        }
    }
}
