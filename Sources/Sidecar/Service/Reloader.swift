// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Glibc
import Logging
import Reactor
import Synchronization

/// Reloads the configuration at SIGHUP and when one of its files changes, and puts it into force as a whole when it has no
/// errors. Otherwise the old one stays in force, and the errors are logged with file and line.
final class Reloader: Sendable {
    /// Puts a configuration into force: calls back when it is, or returns why it cannot be.
    typealias Apply =
        @Sendable (Settings, GateConfiguration, @escaping @Sendable () -> Void) -> Result<Void, ServiceError>

    private struct State {
        /// Of the configuration loaded last, valid or not.
        var digest: [UInt8]
        /// The configuration in force.
        var inForce: LoadedConfiguration
        var files: [String]
        var watcher: FileWatcher?
        /// A valid one is being distributed to the loops.
        var isApplying = false
        /// The cause of a reload that waits for that to end.
        var pending: Cause?
    }

    private enum Cause {
        /// Something may have changed.
        case files
        /// An explicit request: reload even when nothing has changed.
        case signal
    }

    private let queue = WorkQueue(label: "sidegate.reload")
    private let request: LoadRequest
    private let fallbackSecret: [UInt8]
    /// Those that the process was started with.
    private let initial: Settings?
    private let apply: Apply
    private let counters: ProcessCounters
    private let log: ConfigurationLog
    private let notifier: ServiceNotifier
    private let logger: Logger
    private let state: Mutex<State>
    /// Lives as long as the process.
    private let hangUp = Mutex<SignalWatcher?>(nil)

    /// - Parameters:
    ///   - request: the one of the start.
    ///   - loaded: its result.
    ///   - fallbackSecret: the one of the start, so that sessions stay valid when the configuration has no secret.
    init(
        _ request: LoadRequest, loaded: LoadedConfiguration, fallbackSecret: [UInt8], counters: ProcessCounters,
        log: ConfigurationLog, notifier: ServiceNotifier, logger: Logger, apply: @escaping Apply
    ) {
        var request = request
        // Always the file found at the start, even if another appears at a place that is searched first.
        request.file = loaded.file
        self.request = request
        self.fallbackSecret = fallbackSecret
        initial = loaded.settings
        self.apply = apply
        self.counters = counters
        self.log = log
        self.notifier = notifier
        self.logger = logger
        state = Mutex(State(digest: loaded.digest, inForce: loaded, files: []))
        watch(loaded.files)
        hangUp.withLock { $0 = SignalWatcher(SIGHUP) { [self] in submit(.signal) } }
    }

    private func submit(_ cause: Cause) {
        queue.submit { [self] in run(cause) }
    }

    private func run(_ cause: Cause) {
        let isBusy = state.withLock { state in
            if state.isApplying, state.pending != .signal { state.pending = cause }
            return state.isApplying
        }
        guard !isBusy else { return }
        let loaded = ConfigurationLoader.load(request)
        let (isNew, old) = state.withLock { state in
            defer { state.digest = loaded.digest }
            return (state.digest != loaded.digest, state.files)
        }
        // A broken configuration may name fewer files than intended, so the old ones are watched too.
        watch(loaded.settings == nil ? old + loaded.files.filter { !old.contains($0) } : loaded.files)
        guard isNew || cause == .signal else { return }
        notifier.reloading()
        reload(loaded)
    }

    private func reload(_ loaded: LoadedConfiguration) {
        var findings = loaded.findings
        var gate: GateConfiguration?
        if let settings = loaded.settings {
            var assembly = GateAssembly(settings, fallbackSecret: fallbackSecret)
            gate = assembly.assemble()
            findings += assembly.findings
        }
        Service.logWarnings(findings, logger)
        guard let settings = loaded.settings, let gate else {
            for finding in findings where finding.severity == .error {
                logger.error("configuration", metadata: ["finding": "\(finding)"])
            }
            return failed(
                "it has errors", findings.filter { $0.severity == .error }.map(\.description))
        }
        state.withLock { $0.isApplying = true }
        let result = apply(settings, gate) { [self] in
            queue.submit { [self] in applied(settings, loaded) }
        }
        if case .failure(let error) = result {
            state.withLock { $0.isApplying = false }
            failed(error.description)
        }
    }

    /// - Parameter messages: for operators, in place of the cause.
    private func failed(_ cause: String, _ messages: [String] = []) {
        counters.reloaded(isGood: false)
        log.failed(messages.isEmpty ? [cause] : messages)
        logger.error("configuration not reloaded: the old one stays in force", metadata: ["cause": "\(cause)"])
        notifier.ready()
    }

    private func applied(_ settings: Settings, _ loaded: LoadedConfiguration) {
        counters.reloaded(isGood: true)
        let old = state.withLock { state in
            defer { state.inForce = loaded }
            return state.inForce
        }
        log.reloaded(
            loaded.changes(since: old),
            waiting: initial.map { OptionTable.waitingForStart($0, settings) } ?? [])
        logger.info("configuration reloaded", metadata: ["file": "\(settings.file ?? "none")"])
        notifier.ready()
        let pending = state.withLock { state in
            state.isApplying = false
            defer { state.pending = nil }
            return state.pending
        }
        if let pending { run(pending) }
    }

    /// A new watcher reports once at its start, which shows what changed before it began.
    private func watch(_ files: [String]) {
        let isSame = state.withLock { $0.files == files }
        guard !isSame else { return }
        let watcher = files.isEmpty ? nil : FileWatcher(files) { [weak self] in self?.submit(.files) }
        state.withLock { state in
            state.files = files
            state.watcher = watcher
        }
    }
}
