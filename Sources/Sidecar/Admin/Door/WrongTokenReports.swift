// SPDX-License-Identifier: Apache-2.0

import HTTP
import Logging
import Reactor
import Synchronization

/// Warns of wrong tokens, in few lines: who tries many would fill the disk with the same words.
final class WrongTokenReports: Sendable {
    private struct State {
        var last: MonotonicTime?
        var count = 0
    }

    private let logger: Logger
    private let state = Mutex(State())

    init(_ logger: Logger) {
        self.logger = logger
    }

    func note(_ request: AdminRequest, _ refusal: AdminRefusal) {
        let now = MonotonicTime.current()
        let count = state.withLock { state -> Int? in
            state.count += 1
            if let last = state.last, now.since(last) < .seconds(10) { return nil }
            defer { state.count = 0 }
            state.last = now
            return state.count
        }
        guard let count else { return }
        logger.warning(
            "a wrong token was sent to the console",
            metadata: [
                "client": "\(request.context.peer?.description ?? "unix")", "attempts": "\(count)",
                "refusal": "\(refusal.code)",
            ])
    }
}
