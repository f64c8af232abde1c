// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import Glibc
import Logging
import Proxy
import Reactor
import Synchronization
import TLS
import Telemetry

/// A running gate: `sidegate run`, from checked settings to the end of the process.
package final class Service: Sendable {
    /// State that a reload changes.
    private struct State {
        var drainDelay: Nanoseconds
        var drainTimeout: Nanoseconds
        var reloader: Reloader?
        var isStopping = false
        /// The workers have ended, or were given up.
        var hasDrained = false

        init(_ settings: Settings) {
            drainDelay = .seconds(settings.limits.drainDelay.inSeconds)
            drainTimeout = .seconds(settings.limits.drainTimeout.inSeconds)
        }
    }

    private let ledgers: ConnectionLedgers
    private let reports: AppReports
    private let server: Server<Worker>
    private let admin: AdminServer?
    private let handler: AdminHandler
    private let adminFacts: AdminFacts
    private let signOuts: SignOuts
    /// For the admin listener. Nil: plain HTTP.
    private let adminTLS: TLSServerContext?
    private let upstream: UpstreamWatch
    /// For connections of browsers; its certificates can be replaced while it is in use. Nil: plain HTTP.
    package let tls: TLSServerContext?
    private let services: ProcessServices
    private let counters = ProcessCounters()
    private let notifier = ServiceNotifier.ofThisProcess()
    private let stop: StopSignals
    private let logger: Logger
    private let threshold: LogThreshold
    private let format: LogFormat
    private let log: LogWriter
    /// Keep the certificates of both sides up to date.
    private let certificates: CertificateWatches
    private let workerCount: Int
    private let feed = AuditFeed()
    private let configurations = ConfigurationLog()
    private let console: ConsoleService
    /// Those that the process was started with.
    private let initial: Settings
    private let state: Mutex<State>

    package var addresses: [SocketAddress] { server.addresses }

    /// Opens what the settings name and starts to serve.
    ///
    /// - Parameters:
    ///   - gate: the settings' gate, as ``GateAssembly`` makes it.
    ///   - version: of the program, for the metrics.
    ///   - loaded: the source of the settings; nil: there is none to tell of.
    package init(
        _ settings: Settings, gate configuration: GateConfiguration, log: LogWriter, version: String = "",
        loaded: LoadedConfiguration? = nil
    ) throws(ServiceError) {
        // Before anything listens: a service that can be reached can also be stopped.
        stop = StopSignals()
        format = Self.format(settings)
        threshold = LogThreshold(Self.level(settings))
        let logger = Self.logger(threshold, format, log)
        let facts = loaded.map { Self.startFacts($0, version: version) } ?? [:]
        // Before what is said of Redis; otherwise the first line is that the gate listens.
        if settings.redis != nil, !facts.isEmpty { logger.info("starting", metadata: facts) }
        let workers = settings.workers ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        tls = try Self.tls(settings.tls, offersHTTP2: settings.limits.http2.isEnabled)
        adminTLS = try Self.tls(settings.admin.tls, offersHTTP2: false)
        let ledgers = ConnectionLedgers()
        let reports = AppReports(logger)
        self.reports = reports
        var proxy = try Self.proxy(settings, configuration, workers: workers, tls: tls, reports)
        ledgers.assign(to: &proxy)
        self.ledgers = ledgers
        let resolver = Resolver()
        let services = try ProcessServices(
            settings, sessionSecrets: configuration.session.secrets, version: version, resolver: resolver,
            counters: counters, logger: logger)
        let prepared = try services.prepare(settings)
        self.services = services
        let inherited = InheritedSockets.ofThisProcess()
        var sources: [ListenSource] = []
        for address in settings.listen { sources += try address.sources(inherited) }
        upstream = UpstreamWatch(proxy.upstream, loop: services.loop, resolver: resolver)
        adminFacts = AdminFacts(
            AdminFacts.Values(
                probePaths: settings.admin.probePaths, probe: AppProbe(settings, proxy.upstream),
                certificateEnd: Self.certificateEnd(tls)))
        signOuts = SignOuts(
            settings, services.directory, services.revocations, counters: counters,
            audit: AuditTrail(format, log, feed),
            loop: services.loop)
        handler = AdminHandler(
            configuration: ConfigurationIdentity(file: loaded?.file),
            door: AdminDoor(AdminDoor.Keys(settings.admin, configuration.session)), logger: logger)
        // Before the workers: when the gate accepts connections, so does this.
        admin = try AdminServer.open(settings.admin, handler, tls: adminTLS, inherited, logger)
        let failures = AcceptFailures { error, attempts in
            logger.warning(
                "not accepting connections for now",
                metadata: ["cause": "\(error)", "attempts": "\(attempts)"])
        }
        do throws(OpenError) {
            server = try Server(
                name: "sidegate.worker", listen: sources, workers: workers, paused: failures.note,
                makeWorker: { [format, proxy, feed] loop in
                    let stores = services.stores(on: loop)
                    var own = prepared.worker
                    own.sessions = stores.sessions
                    return Worker(
                        loop: loop, gate: services.makeGate(configuration), configuration: proxy, resolver: resolver,
                        replayStore: stores.tokens,
                        log: Self.requestLog(proxy, format, log, feed),
                        services: own)
                })
        } catch {
            throw ServiceError(error.description)
        }
        self.logger = logger
        self.log = log
        workerCount = workers
        initial = settings
        state = Mutex(State(settings))
        certificates = CertificateWatches(counters: counters, logger: logger)
        console = ConsoleService(
            ConsoleService.Sources(
                server: server, services: services, upstream: upstream, counters: counters,
                configuration: configurations,
                certificates: { [certificates] in certificates.reports + services.certificates },
                isStopping: { [adminFacts] in adminFacts.current.isStopping }, resolver: resolver, version: version,
                workers: workers),
            feed: feed, settings, proxy)
        // Soon after the workers: earlier requests are answered by "starting".
        handler.attach(routes(version: version, resolver: resolver))
        services.start(prepared, server)
        certificates.replace(settings, proxy, tls, admin: adminTLS)
        for address in server.addresses {
            let place: Logger.Metadata = ["address": "\(address)", "upstream": "\(settings.upstream.address)"]
            logger.info("listening", metadata: place.merging(facts) { $1 })
        }
        if let loaded { Self.logWarnings(loaded.findings, logger) }
        for address in admin?.addresses ?? [] {
            logger.info("health and metrics", metadata: ["address": "\(address)"])
        }
    }

    /// From now on the configuration is reloaded at SIGHUP, and when one of its files changes.
    ///
    /// - Parameters:
    ///   - loaded: the source of the settings.
    ///   - fallbackSecret: the one that ``GateAssembly`` got.
    package func reload(_ request: LoadRequest, loaded: LoadedConfiguration, fallbackSecret: [UInt8]) {
        let reloader = Reloader(
            request, loaded: loaded, fallbackSecret: fallbackSecret, counters: counters,
            log: configurations, notifier: notifier, logger: logger
        ) { [weak self] settings, gate, done in
            guard let self else { return .failure(ServiceError("the service has ended")) }
            do throws(ServiceError) {
                return .success(try apply(settings, gate, done))
            } catch {
                return .failure(error)
            }
        }
        state.withLock { $0.reloader = reloader }
    }

    /// Serves until SIGTERM or SIGINT, then drains and ends the process with status 0.
    package func runUntilStopped() -> Never {
        Watchdog.start(notifier, server, loop: services.loop)
        notifier.ready()
        CodePages.release()
        stop.onStop { [self] in beginToStop() }
        runMainThread()
    }

    // MARK: Reloading

    /// Puts another configuration into force on all loops, then calls back. When it throws, nothing has changed.
    private func apply(
        _ settings: Settings, _ configuration: GateConfiguration, _ done: @escaping @Sendable () -> Void
    ) throws(ServiceError) {
        var configuration = configuration
        // The workers keep the stores that they were started with.
        configuration.session.isStored = initial.session.isShared
        let next = try services.prepare(settings)
        var proxy = try Self.proxy(settings, configuration, workers: workerCount, tls: tls, reports)
        try Self.replace(tls, settings.tls, offersHTTP2: settings.limits.http2.isEnabled)
        try Self.replace(adminTLS, settings.admin.tls, offersHTTP2: false)
        for key in OptionTable.waitingForStart(initial, settings) {
            logger.warning("a changed option takes effect only at the next start", metadata: ["key": "\(key)"])
        }
        ledgers.assign(to: &proxy)
        counters.certificatesAreGood()
        certificates.replace(settings, proxy, tls, admin: adminTLS)
        threshold.level = Self.level(settings)
        let drain = State(settings)
        state.withLock { state in
            state.drainDelay = drain.drainDelay
            state.drainTimeout = drain.drainTimeout
        }
        upstream.moved(to: proxy.upstream)
        console.follow(settings, proxy)
        signOuts.replace(with: settings)
        handler.replace(AdminDoor.Keys(settings.admin, configuration.session))
        adminFacts.change { facts in
            facts.probePaths = settings.admin.probePaths
            facts.probe = AppProbe(settings, proxy.upstream)
        }
        services.replace(
            with: next, sessionSecrets: configuration.session.secrets,
            swap: { [server, format, log, feed, configuration, proxy] keys, known, swapped in
                var gate = configuration
                for index in gate.providers.indices {
                    if let fetched = keys[gate.providers[index].name] { gate.providers[index].keys = fetched }
                }
                for provider in known { gate.adopt(provider) }
                let gated = gate
                server.onEachWorker(
                    { worker in
                        worker.replace(
                            gate: Gate(gated), configuration: proxy,
                            log: Self.requestLog(proxy, format, log, feed),
                            services: next.worker)
                    }, swapped)
            }, done)
    }

    private static func proxy(
        _ settings: Settings, _ gate: GateConfiguration, workers: Int, tls: TLSServerContext?, _ reports: AppReports
    ) throws(ServiceError) -> ProxyConfiguration {
        do throws(TLSError) {
            var proxy = try ProxyConfiguration(
                settings, identityHeaders: gate.identityHeaderNames, workers: workers, tls: tls)
            reports.receive(from: &proxy.upstream, settings.upstream.address.description)
            for (index, app) in settings.apps.enumerated() where proxy.otherUpstreams.indices.contains(index) {
                reports.receive(from: &proxy.otherUpstreams[index], app.upstream.address.description)
            }
            return proxy
        } catch {
            throw ServiceError("TLS cannot be set up: \(error)")
        }
    }

    // MARK: The admin listener

    private func routes(version: String, resolver: Resolver) -> [AdminRoute] {
        let (services, log) = (services, log)
        return [
            .open(HealthRoute(server: server)),
            .open(ReadinessRoute(server: server, upstream: upstream, counters: counters, facts: adminFacts)),
            .open(
                MetricsRoute(
                    server: server, upstream: upstream, counters: counters,
                    usedTokens: { services.usedTokenFigures() },
                    losses: {
                        MetricsPage.Losses(endedSessions: services.forgottenEndings, logBytes: log.droppedByteCount)
                    }, journal: { services.journalFigures() },
                    version: version, facts: adminFacts)),
            .door(SessionsRoute(directory: services.directory)),
            .door(SignOutRoute(signOuts: signOuts)),
            .open(ProbeRoute(facts: adminFacts, loop: services.loop, resolver: resolver)),
        ] + ConsoleRoutes.all(console, DirectorySessions(services.directory, signOuts), handler)
    }

    // MARK: Stopping

    private func beginToStop() {
        let (isFirst, delay) = state.withLock { state in
            defer { state.isStopping = true }
            return (!state.isStopping, state.drainDelay)
        }
        guard isFirst else { return }
        // First: load balancers must stop sending requests here.
        adminFacts.change { $0.isStopping = true }
        notifier.stopping()
        logger.info("stopping")
        guard delay > .seconds(0) else { return drain() }
        WorkQueue(label: "sidegate.stop").submit(after: delay) { [self] in drain() }
    }

    private func drain() {
        console.stop()
        let timeout = state.withLock { $0.drainTimeout }
        WorkQueue(label: "sidegate.drain").submit(after: timeout) { [self] in
            guard isFirstToEnd() else { return }
            logger.warning("requests were still in flight after limits.drainTimeout")
            end()
        }
        server.drain { [self] in
            guard isFirstToEnd() else { return }
            logger.info("stopped")
            end()
        }
    }

    private func isFirstToEnd() -> Bool {
        state.withLock { state in
            defer { state.hasDrained = true }
            return !state.hasDrained
        }
    }

    /// Ends the process, whatever the state of the loops.
    private func end() {
        let clean: @Sendable () -> Void = { [admin, log] in
            admin?.removeSocketFiles()
            log.flush()
        }
        Deadline.exit(after: Self.lastDeadline, before: clean)
        services.stop {
            clean()
            Deadline.exitNow()
        }
    }

    /// Longer than ``TraceService/patience``.
    private static let lastDeadline = Nanoseconds.seconds(5)
}
