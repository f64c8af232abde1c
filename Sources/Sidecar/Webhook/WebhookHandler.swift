// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Logging
import Proxy
import Reactor
import Webhook

/// Handles the requests to the webhook: reviews of pods, and the probes of the kubelet.
///
/// Reviews are judged on a queue of their own, so that the listener's loop always answers, and only as long as their
/// requests wait for an answer. Their contents together have a budget: what does not fit is to be sent again a second
/// later, which the API server does.
package final class WebhookHandler: PlainResponder {
    /// The paths, as the MutatingWebhookConfiguration and the probes of the chart name them.
    static let reviewPath = "/mutate"
    static let healthPath = "/healthz"

    private let reviewer: PodReviewer
    private let log: WebhookLog
    private let queue: ReviewQueue
    private let budget: CollectionBudget

    /// - Parameter budget: bytes of the contents of all requests in progress.
    package init(
        _ reviewer: PodReviewer, logger: Logger, budget: Int = 48 << 20, queue: ReviewQueue = ReviewQueue()
    ) {
        self.reviewer = reviewer
        self.queue = queue
        log = WebhookLog(logger)
        self.budget = CollectionBudget(bytes: budget)
    }

    package func prepare(for request: PlainRequest) -> PlainPreparation {
        guard case .success(.review) = Route.find(request) else { return PlainPreparation() }
        let size: Int
        switch request.head.framing {
        case .length(let length): size = Int(clamping: min(length, UInt64(PodReviewer.maximumSize)))
        case .none, .chunked, .untilClose: size = PodReviewer.maximumSize
        }
        guard budget.take(size) else { return PlainPreparation() }
        var preparation = PlainPreparation(readsContent: true, account: ReviewAccount(ContentShare(budget, size)))
        preparation.contentLimit = PodReviewer.maximumSize
        preparation.contentTime = Self.contentTime
        preparation.tooLarge = Self.tooLarge
        preparation.requestTooSlow = Self.tooSlow
        preparation.overdue = Self.busy
        preparation.endsWithClient = true
        return preparation
    }

    package func answer(
        _ request: PlainRequest, account: PlainAccount?, _ done: @escaping @Sendable (PlainResponse) -> Void
    ) {
        switch Route.find(request) {
        case .failure(let problem): return done(.complete(problem.response))
        case .success(.health): return done(.complete(Self.health(request)))
        case .success(.review): break
        }
        guard let account = account as? ReviewAccount else { return done(.complete(Self.busy)) }
        // The content stays in memory, and counts, until its turn came, but nobody may want the answer by then.
        let share = account.share
        queue.submit { [reviewer, log, weak account] in
            defer { withExtendedLifetime(share) {} }
            guard account != nil else { return }
            let answer = reviewer.review(request.content)
            log.note(answer, of: request.context)
            done(.complete(Self.response(answer.status, answer.content)))
        }
    }

    private static let busy: LocalResponse = {
        var response = failure(503, "too many reviews are in progress")
        response.add("Retry-After", "1")
        return response
    }()
    private static let tooLarge = failure(
        413, "the content has more than \(PodReviewer.maximumSize) bytes, which no review of a pod needs")
    private static let tooSlow = failure(408, "the content has not arrived in time")

    static func failure(_ status: UInt16, _ message: String) -> LocalResponse {
        response(status, StatusDocument(code: status, message: message).content)
    }

    /// For the kubelet, and for `sidegate healthcheck`, which looks for the field. The webhook has no configuration.
    private static func health(_ request: PlainRequest) -> LocalResponse {
        let asked = AdminRequest(request).values(of: ConfigurationIdentity.fieldName).first
        var response = AdminResponse.text(200, "ok")
        response.add(ConfigurationIdentity.fieldName, ConfigurationIdentity(file: nil).answer(to: asked).rawValue)
        return response
    }

    private static func response(_ status: UInt16, _ content: [UInt8]) -> LocalResponse {
        AdminResponse.response(status, content, "application/json")
    }

    /// The API server waits for ten seconds unless configured otherwise, and sends at once.
    private static let contentTime = Nanoseconds.seconds(10)
}

/// What a request asks for.
private enum Route {
    case review
    case health

    enum Problem: Error, CustomStringConvertible {
        case path
        case method(allowed: String)
        case type

        var description: String {
            switch self {
            case .path: "there is no such path; reviews are sent to \(WebhookHandler.reviewPath)"
            case .method(let allowed): "only \(allowed)"
            case .type: "the Content-Type of a review is application/json"
            }
        }

        var response: LocalResponse {
            switch self {
            case .path: return WebhookHandler.failure(404, description)
            case .method(let allowed):
                var response = WebhookHandler.failure(405, description)
                response.add("Allow", allowed)
                return response
            case .type: return WebhookHandler.failure(415, description)
            }
        }
    }

    static func find(_ request: PlainRequest) -> Result<Route, Problem> {
        let request = AdminRequest(request)
        let method = AdminMethod(request.head.method)
        switch request.path {
        case WebhookHandler.healthPath:
            return method == .get ? .success(.health) : .failure(.method(allowed: AdminMethod.get.name))
        case WebhookHandler.reviewPath:
            guard method == .post else { return .failure(.method(allowed: AdminMethod.post.name)) }
            return isJSON(request) ? .success(.review) : .failure(.type)
        default:
            return .failure(.path)
        }
    }

    private static func isJSON(_ request: AdminRequest) -> Bool {
        let types = request.values(of: "content-type")
        guard types.count == 1, let type = types.first?.prefix(while: { $0 != ";" }) else { return false }
        return type.lowercased().filter { $0 != " " && $0 != "\t" } == "application/json"
    }
}

/// Refers to the share of a request as long as the request waits for its answer.
private final class ReviewAccount: Sendable {
    let share: ContentShare

    init(_ share: ContentShare) { self.share = share }
}

/// A part of the budget for contents; given back when nothing refers to it any more.
private final class ContentShare: Sendable {
    private let budget: CollectionBudget
    private let count: Int

    init(_ budget: CollectionBudget, _ count: Int) {
        self.budget = budget
        self.count = count
    }

    deinit { budget.give(count) }
}
