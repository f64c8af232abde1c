// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import JWT
import Logging
import Proxy
import Reactor
import StateJournal
import Synchronization

/// The services of the whole process, which all workers use. They have a loop of their own, so that none of them delays a
/// browser. Each is started once, replaced by a reload, and stopped at the end.
final class ProcessServices: Sendable {
    /// What the services of another configuration need. Nothing is in effect before it is started or put into force.
    struct Prepared: Sendable {
        fileprivate let settings: Settings
        fileprivate let keys: RemoteKeyService.Prepared
        fileprivate let openID: OpenIDService.Prepared
        fileprivate let provisioning: ProvisioningService.Prepared?
        fileprivate let traces: TraceService.Prepared?
        /// For the workers.
        let worker: WorkerServices
    }

    let gates: GateRegistry
    let loop = EventLoop(label: "sidegate.services")
    private let sharedKeys: SharedKeyWatch
    /// Who is signed in.
    let directory: SessionDirectory
    private let keys: RemoteKeyService
    private let openID: OpenIDService
    private let provisioning: ProvisioningService
    private let traces: TraceService
    private let emails: ListedEmailService
    /// nil: nothing is shared with other replicas.
    private let replicas: ReplicaService?
    /// Tokens that this process accepted, whether they are shared or not.
    private let usedTokens: UsedTokenService
    /// Those that there was no room to remember.
    private let endedSessions: EndedSessionsReport
    private let hasGates = Atomic(false)
    /// nil: nothing is kept over a restart.
    private let state: StateService?
    /// Kept across reloads, since it remembers the clients.
    private let limiter = Mutex<RateLimiter?>(nil)

    /// Also connects to the store of the replicas, since the workers need it.
    ///
    /// - Parameter version: of the program, for traces.
    init(
        _ settings: Settings, sessionSecrets: [[UInt8]], version: String, resolver: Resolver,
        counters: ProcessCounters, logger: Logger
    ) throws(ServiceError) {
        endedSessions = EndedSessionsReport(logger: logger)
        gates = GateRegistry(endedSessions)
        usedTokens = UsedTokenService(settings.replay, logger: logger)
        let memory = usedTokens.store
        state = try settings.state.map { state throws(ServiceError) in
            try StateService(state, settings, memory: memory, logger: logger)
        }
        if let redis = settings.redis {
            replicas = try ReplicaService(
                redis, settings, secrets: sessionSecrets, gates: gates, loop: loop, resolver: resolver,
                counters: counters, logger: logger)
        } else {
            replicas = nil
        }
        sharedKeys = SharedKeyWatch(logger: logger)
        keys = RemoteKeyService(
            gates: gates, sharedKeys: sharedKeys, loop: loop, resolver: resolver, counters: counters, logger: logger)
        openID = OpenIDService(
            gates: gates, sharedKeys: sharedKeys, loop: loop, resolver: resolver, counters: counters, logger: logger)
        provisioning = ProvisioningService(
            notified: replicas?.notifiedUsers, loop: loop, resolver: resolver, counters: counters, logger: logger)
        traces = TraceService(version: version, loop: loop, resolver: resolver, counters: counters, logger: logger)
        emails = ListedEmailService(gates: gates, logger: logger)
        let directory = SessionDirectory(SeenSessions.Limits(settings.session), shared: replicas?.sessions, loop: loop)
        self.directory = directory
        gates.observe { directory.ended($0) }
        replicas?.start()
    }

    /// Where the worker of `loop` keeps used tokens and sessions; called on that loop. No session store: sessions are
    /// kept in cookies.
    func stores(on loop: EventLoop) -> (tokens: any ReplayStore, sessions: (any SessionStore)?) {
        let own: any ReplayStore & TokenWitness = state?.tokens ?? usedTokens.store
        guard let stores = replicas?.stores(on: loop, witness: own) else { return (own, nil) }
        return (stores.tokens ?? own, stores.sessions)
    }

    /// A gate that knows which sessions had ended when the process started.
    func makeGate(_ configuration: GateConfiguration) -> Gate {
        let gate = Gate(configuration)
        let now = StateJournal.systemClock()
        let missing = (state?.journal.endedSessions ?? []).count { !gate.revoke($0, now: now) }
        // The gates of all workers remember the same.
        if !hasGates.exchange(true, ordering: .relaxed) { endedSessions.full(.gate, missing) }
        return gate
    }

    /// Ends of sessions that the gates had no room to remember.
    var forgottenEndings: UInt64 { endedSessions.total }

    /// Of the journal; nil: there is none.
    func journalFigures() -> JournalReport.Figures? { state?.journal.figures }

    /// How full the memory of used tokens is.
    func usedTokenFigures() -> MemoryReplayStore.Figures {
        usedTokens.store.removeExpired(ClockReading(wall: wallClockNow(), monotonic: MonotonicTime.current().seconds))
        return usedTokens.store.figures
    }

    /// Makes what `settings` call for. A part that they leave unchanged, and that remembers something, is the one in force.
    func prepare(_ settings: Settings) throws(ServiceError) -> Prepared {
        let keys = try keys.prepare(settings)
        let openID = try openID.prepare(settings)
        let provisioning = try provisioning.prepare(settings)
        let traces = try traces.prepare(settings)
        var worker = WorkerServices()
        worker.revocations = revocations
        worker.observer = directory
        worker.keys = KeyRefreshers.joining(keys.keys, openID.providers)
        worker.codes = openID.providers
        worker.provisioner = provisioning?.provisioner
        worker.spans = traces?.export
        if let rate = settings.limits.requestsPerSecond {
            let current = limiter.withLock { $0 }
            worker.limiter = current?.rate == rate ? current : RateLimiter(rate: rate)
        }
        return Prepared(
            settings: settings, keys: keys, openID: openID, provisioning: provisioning, traces: traces, worker: worker)
    }

    /// Ends sessions wherever they are known.
    var revocations: any RevocationBroadcaster {
        let now: any RevocationBroadcaster = replicas?.revocations ?? gates
        guard let state else { return now }
        return JournaledRevocations(now, state.journal, isAwaited: replicas == nil)
    }

    /// Starts to fetch keys and to watch files; from now on their changes reach the workers of `server`.
    func start(_ prepared: Prepared, _ server: Server<Worker>) {
        gates.attach(server)
        limiter.withLock { $0 = prepared.worker.limiter }
        provisioning.start(prepared.provisioning)
        sharedKeys.replace(with: prepared.settings.providers.map { SharedKeyWatch.Provider($0) })
        traces.start(prepared.traces)
        keys.start(prepared.keys)
        openID.start(prepared.openID)
        emails.start(prepared.settings)
    }

    /// Puts `next` into force. `swap` gets the keys of each provider and what is known of OpenID providers by then, passes
    /// them and everything else to the workers, and calls back.
    ///
    /// - Parameter sessionSecrets: of the new configuration.
    func replace(
        with next: Prepared, sessionSecrets: [[UInt8]],
        swap: @escaping @Sendable ([String: KeySet], [KnownProvider], @escaping @Sendable () -> Void) -> Void,
        _ done: @escaping @Sendable () -> Void
    ) {
        emails.stop()
        limiter.withLock { $0 = next.worker.limiter }
        usedTokens.replace(with: next.settings.replay)
        directory.replace(SeenSessions.Limits(next.settings.session))
        provisioning.replace(with: next.provisioning)
        replicas?.replace(with: next.settings, secrets: sessionSecrets)
        sharedKeys.replace(with: next.settings.providers.map { SharedKeyWatch.Provider($0) })
        state?.replace(with: next.settings)
        openID.replace(
            with: next.openID,
            swap: { [keys] known, swapped in
                keys.replace(with: next.keys, swap: { swap($0, known, $1) }, swapped)
            },
            { [emails, traces] in
                emails.replace(with: next.settings)
                // The workers use the new exporter by now.
                traces.replace(with: next.traces)
                done()
            })
    }

    /// What became of the fetches of key sets and discovery documents; `done` is called once.
    func report(_ done: @escaping @Sendable ([SourceReport]) -> Void) {
        keys.report { [openID] sets in
            openID.report { done(sets + $0) }
        }
    }

    /// Those that the process presents to providers, the provisioning service and the store.
    var certificates: [CertificateReport] {
        keys.certificates + openID.certificates + provisioning.certificates + (replicas?.certificates ?? [])
    }

    /// The workers have ended. Calls back when the last spans are exported, in a bounded time (``TraceService/patience``).
    func stop(_ done: @escaping @Sendable () -> Void) {
        emails.stop()
        keys.stop()
        openID.stop()
        provisioning.stop()
        replicas?.stop()
        traces.stop(done)
    }
}

extension SeenSessions.Limits {
    fileprivate init(_ settings: SessionSettings) {
        self.init(lifetime: settings.lifetime.inSeconds, idleTimeout: settings.idleTimeout.inSeconds)
    }
}
