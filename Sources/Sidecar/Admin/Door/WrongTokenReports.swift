// SPDX-License-Identifier: Apache-2.0

import HTTP
import Logging
import Reactor

/// Warns of wrong tokens, in few lines: who tries many would fill the disk with the same words.
final class WrongTokenReports: Sendable {
    private let logger: Logger
    private let throttle = ReportThrottle(interval: .seconds(10))

    init(_ logger: Logger) {
        self.logger = logger
    }

    func note(_ request: AdminRequest, _ refusal: AdminRefusal) {
        guard let count = throttle.count() else { return }
        logger.warning(
            "a wrong token was sent to the console",
            metadata: [
                "client": "\(request.context.peer?.description ?? "unix")", "attempts": "\(count)",
                "refusal": "\(refusal.code)",
            ])
    }
}
