// SPDX-License-Identifier: Apache-2.0

import Decisions
import Proxy
import Reactor
import Synchronization

/// Whether requests can be sent to the app, for health checks and metrics. The requests of the last seconds decide; only
/// when there were none is a connection opened as for a request, and closed at once. Without a health check nothing is
/// tried.
final class UpstreamWatch: Sendable {
    enum Verdict: Sendable, Equatable {
        case up
        /// nil: too many questions wait for the answer.
        case down(UpstreamCause?)
    }

    private let loop: EventLoop
    private let resolver: Resolver
    private let app: Mutex<UpstreamConfiguration>
    private let watched: LoopBound<WatchedApp>

    init(_ app: UpstreamConfiguration, loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
        self.app = Mutex(app)
        watched = loop.bind(WatchedApp())
    }

    /// From now on the app is reached by this configuration.
    func moved(to app: UpstreamConfiguration) {
        self.app.withLock { $0 = app }
        loop.submit { [watched] in watched.assumeOnLoop { $0.forget() } }
    }

    /// By what the workers know: when one last had a response, and when and why one could not connect.
    func verdict(_ snapshot: MetricsSnapshot, _ done: @escaping @Sendable (Verdict) -> Void) {
        let app = app.withLock { $0 }
        let (reached, unreachable) = (snapshot.reachedAt, snapshot.unreachableAt)
        let cause = snapshot.unreachableCause
        loop.submit { [self] in
            watched.assumeOnLoop { watched in
                if let verdict = watched.verdict(reached: reached, unreachable: unreachable, cause, loop.now) {
                    return done(verdict)
                }
                watched.tryOut(app, loop, resolver, done)
            }
        }
    }
}

/// Confined to the watch's loop.
private final class WatchedApp {
    private var endedAt = MonotonicTime(nanoseconds: 0)
    private var result = UpstreamWatch.Verdict.up
    /// Counts the configurations: a trial of an older one says nothing about the app of now.
    private var epoch = 0
    private var waiting: [@Sendable (UpstreamWatch.Verdict) -> Void] = []

    func forget() {
        endedAt = MonotonicTime(nanoseconds: 0)
        epoch += 1
    }

    /// The last result; nil when it is too old.
    func verdict(
        reached: MonotonicTime, unreachable: MonotonicTime, _ cause: UpstreamCause?, _ now: MonotonicTime
    ) -> UpstreamWatch.Verdict? {
        let known = [(reached, UpstreamWatch.Verdict.up), (unreachable, .down(cause)), (endedAt, result)]
            .filter { $0.0.nanoseconds > 0 }
        guard let last = known.max(by: { $0.0 < $1.0 }) else { return nil }
        // The return of an app is to be noticed soon.
        return now.since(last.0) < (last.1 == .up ? Self.goodFor : Self.badFor) ? last.1 : nil
    }

    func tryOut(
        _ app: UpstreamConfiguration, _ loop: EventLoop, _ resolver: Resolver,
        _ done: @escaping @Sendable (UpstreamWatch.Verdict) -> Void
    ) {
        guard waiting.count < Self.maximumWaiting else { return done(.down(nil)) }
        waiting.append(done)
        guard waiting.count == 1 else { return }
        let epoch = epoch
        UpstreamTrial(app, loop: loop, resolver: resolver, patience: Self.patience) { [self] fault in
            let result = fault.map { UpstreamWatch.Verdict.down($0.cause) } ?? .up
            if epoch == self.epoch {
                self.result = result
                endedAt = loop.now
            }
            let waiting = waiting
            self.waiting = []
            for done in waiting { done(result) }
        }
    }

    private static let goodFor = Nanoseconds.seconds(5)
    private static let badFor = Nanoseconds.milliseconds(500)
    private static let patience = Nanoseconds.seconds(2)
    private static let maximumWaiting = 1024
}
