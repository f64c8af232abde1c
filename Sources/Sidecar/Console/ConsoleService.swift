// SPDX-License-Identifier: Apache-2.0

import Configuration
import Console
import Decisions
import Gate
import Proxy
import Reactor
import Synchronization

/// What the console shows, collected when somebody asks, and a sample of the counters once a minute while the console is on.
/// Requests of users cost nothing for it.
final class ConsoleService: Sendable {
    /// Parts of the process that are asked.
    struct Sources: Sendable {
        let server: Server<Worker>
        let services: ProcessServices
        let upstream: UpstreamWatch
        let counters: ProcessCounters
        let configuration: ConfigurationLog
        let certificates: @Sendable () -> [CertificateReport]
        let isStopping: @Sendable () -> Bool
        let resolver: Resolver
        let version: String
        let workers: Int
    }

    private struct State {
        var settings: Settings
        var traffic = TrafficHistory()
        var pulse: Pulse?
    }

    let feed: AuditFeed
    private let sources: Sources
    private let apps: AppWatches
    private let startedAt = wallClockNow()
    private let state: Mutex<State>

    init(_ sources: Sources, feed: AuditFeed, _ settings: Settings, _ proxy: ProxyConfiguration) {
        self.sources = sources
        self.feed = feed
        apps = AppWatches(first: sources.upstream, loop: sources.services.loop, resolver: sources.resolver)
        state = Mutex(State(settings: settings))
        follow(settings, proxy)
    }

    /// Another configuration is in force.
    func follow(_ settings: Settings, _ proxy: ProxyConfiguration) {
        var wanted = [(settings.upstream.address.description, proxy.upstream)]
        for (index, app) in settings.apps.enumerated() where proxy.otherUpstreams.indices.contains(index) {
            wanted.append((app.upstream.address.description, proxy.otherUpstreams[index]))
        }
        apps.replace(with: wanted)
        let isOn = settings.admin.isConsoleOn
        feed.turn(on: isOn)
        state.withLock { state in
            state.settings = settings
            if !isOn {
                state.pulse = nil
                state.traffic = TrafficHistory()
            } else if state.pulse == nil {
                state.pulse = Pulse(sources.services.loop, every: .seconds(60)) { [weak self] in self?.sample() }
            }
        }
    }

    func stop() {
        feed.close()
        state.withLock { $0.pulse = nil }
    }

    private func sample() {
        sources.server.metrics { [self] snapshot in
            let sample = TrafficSample(snapshot, wallClockNow())
            state.withLock { $0.traffic.add(sample) }
            apps.look(snapshot) { _ in }
        }
    }

    /// Everything that a page may show; `done` is called once, on any thread.
    func facts(_ done: @escaping @Sendable (ConsoleFacts) -> Void) {
        sources.server.metrics { [self] snapshot in
            apps.look(snapshot) { [self] apps in
                sources.services.report { [self] reports in
                    done(facts(snapshot, apps, reports))
                }
            }
        }
    }

    private func facts(_ snapshot: MetricsSnapshot, _ apps: [AppStatus], _ reports: [SourceReport]) -> ConsoleFacts {
        let now = wallClockNow()
        let sample = TrafficSample(snapshot, now)
        let (settings, traffic) = state.withLock { state in
            if state.pulse != nil { state.traffic.add(sample) }
            return (state.settings, state.traffic)
        }
        var status = GateStatus(
            now: now, name: settings.displayName, version: sources.version, startedAt: startedAt,
            workers: sources.workers)
        status.isStopping = sources.isStopping()
        status.observes = settings.access.mode == .observe
        status.apps = apps
        status.providers = settings.providers.map { ProviderStatus($0, reports) }
        status.certificates = sources.certificates().map(CertificateStatus.init)
        status.store = StoreStatus(
            settings, sources.counters.storeConnection, primary: sources.counters.redisPrimary.address)
        let used = sources.services.usedTokenFigures()
        status.usedTokens = UsedTokenStatus(
            entries: used.entries, capacity: used.capacity,
            allowsWithoutRoom: settings.replay.isShared || settings.replay.allowsWithoutStore)
        status.configuration = ConfigurationStatus(settings.file, sources.configuration.current)
        let (trail, signIns) = feed.history
        return ConsoleFacts(
            status: status, signIns: signIns, traffic: traffic, sample: sample, bounds: MetricNumbers.boundsInSeconds,
            trail: trail, feedPosition: feed.position(trail.last))
    }
}

/// Calls at intervals, on a loop, until it is released.
private final class Pulse: Sendable {
    private let loop: EventLoop
    private let timer: LoopBound<PulseTimer>

    init(_ loop: EventLoop, every interval: Nanoseconds, _ work: @escaping @Sendable () -> Void) {
        let own = loop.bind(PulseTimer(loop, interval, work))
        self.loop = loop
        timer = own
        loop.submit { own.assumeOnLoop { $0.beat() } }
    }

    deinit {
        loop.submit { [timer] in timer.assumeOnLoop { $0.stop() } }
    }
}

private final class PulseTimer {
    private let loop: EventLoop
    private let interval: Nanoseconds
    private let work: () -> Void
    private var timer: LoopTimer?
    private var isStopped = false

    init(_ loop: EventLoop, _ interval: Nanoseconds, _ work: @escaping () -> Void) {
        self.loop = loop
        self.interval = interval
        self.work = work
    }

    func beat() {
        guard !isStopped else { return }
        let timer = timer ?? loop.makeTimer { [weak self] in self?.beat() }
        self.timer = timer
        timer.set(loop.now.advanced(by: interval))
        work()
    }

    func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }
}
