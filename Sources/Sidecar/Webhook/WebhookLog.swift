// SPDX-License-Identifier: Apache-2.0

import HTTP
import Logging
import Reactor
import Webhook

/// What the log says of reviews: a line for each pod that a review was about. Of a dry run there is none, since nothing
/// came of it.
struct WebhookLog: Sendable {
    private let logger: Logger
    private let malformed = ReportThrottle(interval: .seconds(10))

    init(_ logger: Logger) {
        self.logger = logger
    }

    func note(_ answer: ReviewAnswer, of context: RequestContext) {
        guard let subject = answer.subject else { return noteMalformed(answer, context) }
        guard !subject.isDryRun else { return }
        var metadata: Logger.Metadata = ["uid": "\(subject.uid)"]
        if !subject.namespace.isEmpty { metadata["namespace"] = "\(subject.namespace)" }
        if !subject.pod.isEmpty { metadata["pod"] = "\(subject.pod)" }
        switch subject.outcome {
        case .added(_, let warnings):
            if !warnings.isEmpty { metadata["warnings"] = "\(warnings.joined(separator: "; "))" }
            logger.info("sidecar added", metadata: metadata)
        case .unchanged:
            logger.info("pod left unchanged", metadata: metadata)
        case .refused(let message):
            metadata["cause"] = "\(message)"
            logger.warning("pod refused", metadata: metadata)
        }
    }

    private func noteMalformed(_ answer: ReviewAnswer, _ context: RequestContext) {
        guard let problem = answer.problem, let count = malformed.count() else { return }
        logger.warning(
            "a request that is no review",
            metadata: [
                "client": "\(context.peer?.description ?? "unix")", "cause": "\(problem)", "attempts": "\(count)",
            ])
    }
}
