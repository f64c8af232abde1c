// SPDX-License-Identifier: Apache-2.0

import Logging
import Reactor
import Synchronization

/// Counts what a journal does, and logs when it cannot be written: at once, then once a minute, and when it can again.
package final class JournalReport: Sendable {
    /// For the metrics.
    package struct Figures: Sendable, Equatable {
        /// Of the current file, in bytes.
        package var length = 0
        /// Groups of entries that were written.
        package var writes: UInt64 = 0
        package var failures: UInt64 = 0

        package init() {}
    }

    private struct State {
        var figures = Figures()
        var isFailing = false
        var nextAt = MonotonicTime(nanoseconds: 0)
    }

    private let state = Mutex(State())
    private let place: String
    private let consequence: String
    private let logger: Logger

    /// - Parameters:
    ///   - place: the directory.
    ///   - consequence: what happens to sign-ins meanwhile.
    package init(place: String, consequence: String, logger: Logger) {
        self.place = place
        self.consequence = consequence
        self.logger = logger
    }

    package var figures: Figures { state.withLock { $0.figures } }

    func opened(length: Int) {
        state.withLock { $0.figures.length = length }
    }

    func written(length: Int) {
        let wasFailing = state.withLock { state in
            defer { state.isFailing = false }
            state.figures.length = length
            state.figures.writes &+= 1
            return state.isFailing
        }
        if wasFailing { logger.notice("used tokens and ended sessions can be written again", metadata: metadata) }
    }

    func failed(_ error: SystemError) {
        let now = MonotonicTime.current()
        let isDue = state.withLock { state in
            state.figures.failures &+= 1
            let isDue = !state.isFailing || now >= state.nextAt
            state.isFailing = true
            if isDue { state.nextAt = now.advanced(by: Self.interval) }
            return isDue
        }
        guard isDue else { return }
        logger.error(
            "used tokens and ended sessions cannot be written: \(consequence)",
            metadata: metadata.merging([
                "cause": "\(error)",
                "fix":
                    "free space on this file system, and make the directory writable; the gate then goes on by itself",
            ]) { $1 })
    }

    package func found(_ notice: StoredJournal.Notice) {
        switch notice {
        case .new:
            logger.info("used tokens and ended sessions are kept over a restart", metadata: metadata)
        case .read(let tokens, let revocations):
            logger.info(
                "used tokens and ended sessions were read",
                metadata: metadata.merging(["tokens": "\(tokens)", "sessions": "\(revocations)"]) { $1 })
        case .torn(let tokens, let revocations):
            logger.notice(
                "used tokens and ended sessions were read; the last write was incomplete, and nothing that it held was accepted",
                metadata: metadata.merging(["tokens": "\(tokens)", "sessions": "\(revocations)"]) { $1 })
        case .setAside(let cause, let kept, let tokens, let revocations):
            logger.error(
                """
                the journal of used tokens and ended sessions was set aside: tokens that were issued before this start \
                do not sign in, and sessions that ended may be valid again
                """,
                metadata: metadata.merging([
                    "cause": "\(cause)", "kept": "\(kept ?? "nothing")", "tokens": "\(tokens)",
                    "sessions": "\(revocations)",
                    "fix":
                        "users who were signing in sign in again; to end all sessions, change session.secret; when a secret is replaced, keep the old one as the second of session.secrets; then delete the file",
                ]) { $1 })
        }
    }

    private var metadata: Logger.Metadata { ["directory": "\(place)"] }

    private static let interval = Nanoseconds.seconds(60)
}
