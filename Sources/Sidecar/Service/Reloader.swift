// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Glibc
import Logging
import Reactor
import Synchronization

/// Loads the configuration anew at SIGHUP and when one of its files changes, and has it put into force, whole, when there
/// is nothing wrong with it. What is wrong leaves the old one in force, and is said with file and line.
final class Reloader: Sendable {
    /// Puts a configuration into force: calls back when it is, or says why it cannot be.
    typealias Apply =
        @Sendable (Settings, GateConfiguration, @escaping @Sendable () -> Void) -> Result<Void, ServiceError>

    private struct State {
        /// Of what was loaded last, good or bad.
        var digest: [UInt8]
        var files: [String]
        var watcher: FileWatcher?
        /// One that is good is on its way to the loops.
        var isApplying = false
        /// What came meanwhile.
        var pending: Cause?
    }

    private enum Cause {
        /// Something may have changed.
        case files
        /// Somebody wants it loaded, changed or not.
        case signal
    }

    private let queue = WorkQueue(label: "sidegate.reload")
    private let request: LoadRequest
    private let fallbackSecret: [UInt8]
    private let apply: Apply
    private let counters: ProcessCounters
    private let notifier: ServiceNotifier
    private let logger: Logger
    private let state: Mutex<State>
    /// Lives as long as the process.
    private let hangUp = Mutex<SignalWatcher?>(nil)

    /// - Parameters:
    ///   - request: what was loaded at the start.
    ///   - loaded: what came of it.
    ///   - fallbackSecret: as at the start, so that sessions stay good where the configuration has no secret.
    init(
        _ request: LoadRequest, loaded: LoadedConfiguration, fallbackSecret: [UInt8], counters: ProcessCounters,
        notifier: ServiceNotifier, logger: Logger, apply: @escaping Apply
    ) {
        var request = request
        // The one that was found then, wherever others turn up.
        request.file = loaded.file
        self.request = request
        self.fallbackSecret = fallbackSecret
        self.apply = apply
        self.counters = counters
        self.notifier = notifier
        self.logger = logger
        state = Mutex(State(digest: loaded.digest, files: []))
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
        // What is broken may name less than it means to.
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
        for finding in findings where finding.severity == .warning {
            logger.warning("configuration", metadata: ["finding": "\(finding)"])
        }
        guard let settings = loaded.settings, let gate else {
            for finding in findings where finding.severity == .error {
                logger.error("configuration", metadata: ["finding": "\(finding)"])
            }
            return failed("it has errors")
        }
        state.withLock { $0.isApplying = true }
        let result = apply(settings, gate) { [self] in
            queue.submit { [self] in applied(settings) }
        }
        if case .failure(let error) = result {
            state.withLock { $0.isApplying = false }
            failed(error.description)
        }
    }

    private func failed(_ cause: String) {
        counters.reloaded(isGood: false)
        logger.error("configuration not changed: the one before stays in force", metadata: ["cause": "\(cause)"])
        notifier.ready()
    }

    private func applied(_ settings: Settings) {
        counters.reloaded(isGood: true)
        logger.info("configuration loaded anew", metadata: ["file": "\(settings.file ?? "none")"])
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
