// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import Logging
import Synchronization

/// The tokens that this process accepted, for all of its loops. While there is no room for more, the log says so, and what
/// to do.
final class UsedTokenService: Sendable {
    let store: MemoryReplayStore
    private let report: FullStoreReport

    init(_ settings: ReplaySettings, logger: Logger) {
        let report = FullStoreReport(settings, logger)
        self.report = report
        store = MemoryReplayStore(capacity: settings.maxEntries) { report.full($0, $1) }
    }

    /// What is remembered stays.
    func replace(with settings: ReplaySettings) {
        report.follow(settings)
        store.setCapacity(settings.maxEntries)
    }
}

/// Logs that there is no room: when a token first finds none, and once a minute while that lasts.
private final class FullStoreReport: Sendable {
    private struct State {
        var settings: ReplaySettings
        /// On the monotonic clock.
        var nextAt = -Double.infinity
        var refusedBefore: UInt64 = 0
    }

    private let state: Mutex<State>
    private let logger: Logger

    init(_ settings: ReplaySettings, _ logger: Logger) {
        state = Mutex(State(settings: settings))
        self.logger = logger
    }

    func follow(_ settings: ReplaySettings) {
        state.withLock { $0.settings = settings }
    }

    func full(_ figures: MemoryReplayStore.Figures, _ now: ClockReading) {
        let due = state.withLock { state -> (settings: ReplaySettings, tokens: UInt64)? in
            guard now.monotonic >= state.nextAt else { return nil }
            state.nextAt = now.monotonic + Self.interval
            let tokens = figures.refused &- state.refusedBefore
            state.refusedBefore = figures.refused
            return (state.settings, tokens)
        }
        guard let due else { return }
        logger.log(
            level: Self.level(due.settings), "\(Self.message(due.settings))",
            metadata: [
                "entries": "\(figures.entries)", "maxEntries": "\(figures.capacity)", "tokens": "\(due.tokens)",
                "fix":
                    "raise replay.maxEntries, shorten the time for which tokens are valid (exp, token.maxAge), or set replay.store: redis",
            ])
    }

    private static func level(_ settings: ReplaySettings) -> Logger.Level {
        settings.isShared || settings.allowsWithoutStore ? .warning : .error
    }

    private static func message(_ settings: ReplaySettings) -> String {
        let what = "the memory of used tokens is full (replay.maxEntries): "
        if settings.isShared { return what + "that further tokens sign in once is checked by Redis alone" }
        return settings.allowsWithoutStore
            ? what + "further tokens are accepted, and can sign in more than once" : what + "sign-ins are refused"
    }

    /// Seconds.
    private static let interval = 60.0
}
