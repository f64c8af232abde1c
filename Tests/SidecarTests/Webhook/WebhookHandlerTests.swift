// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Manifests
import Proxy
import Sidecar
import TestSupport
import Testing
import Webhook

@Suite("The webhook's handler", .timeLimit(.minutes(1)))
struct WebhookHandlerTests {
    private let log = TestLog()

    private func handler(budget: Int, queue: ReviewQueue = ReviewQueue()) -> WebhookHandler {
        WebhookHandler(
            PodReviewer(SidecarOptions(image: "sidegate:1")), logger: log.logger, budget: budget, queue: queue)
    }

    private func request(
        _ framing: String, method: String = "POST", path: String = "/mutate", type: String = "application/json",
        content: [UInt8] = []
    ) throws -> PlainRequest {
        let head = try RequestHead(
            parsing: "\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: \(type)\r\n\(framing)\r\n\r\n")
        return PlainRequest(head, RequestContext(peer: nil, now: 0), content: content)
    }

    private func answer(
        _ handler: WebhookHandler, _ request: PlainRequest, _ account: PlainAccount?
    ) async throws -> LocalResponse {
        let answers = Mailbox<LocalResponse>()
        // As an exchange does, which waits for the answer.
        defer { withExtendedLifetime(account) {} }
        handler.answer(request, account: account) { response in
            if case .complete(let response) = response { answers.send(response) }
        }
        return try await answers.next()
    }

    @Test("Requests share a budget by the length that they announce, and give it back at their end")
    func budget() async throws {
        let handler = handler(budget: 1000)
        var first: PlainPreparation? = handler.prepare(for: try request("Content-Length: 600"))
        #expect(first?.readsContent == true && first?.account != nil && first?.contentLimit == PodReviewer.maximumSize)
        let second = handler.prepare(for: try request("Content-Length: 401"))
        #expect(!second.readsContent && second.account == nil)
        let busy = try await answer(handler, try request("Content-Length: 401"), second.account)
        #expect(busy.status == 503)
        #expect(String(decoding: busy.fieldBlock, as: UTF8.self).contains("Retry-After: 1\r\n"))
        #expect(handler.prepare(for: try request("Content-Length: 400")).readsContent)
        first = nil
        #expect(handler.prepare(for: try request("Content-Length: 1000")).readsContent)
    }

    @Test("Content of an unknown length counts as the largest, and of a length that is refused as no more")
    func unknownLengths() throws {
        let size = PodReviewer.maximumSize
        for framing in ["Transfer-Encoding: chunked", "Content-Length: 9223372036854775807"] {
            #expect(!handler(budget: size - 1).prepare(for: try request(framing)).readsContent)
            let preparation = handler(budget: size).prepare(for: try request(framing))
            #expect(preparation.readsContent && preparation.tooLarge.status == 413, "\(framing)")
        }
    }

    @Test("What is no review takes nothing of the budget")
    func others() async throws {
        let handler = handler(budget: 0)
        for (request, status) in [
            (try request("", method: "GET", path: "/healthz"), 200), (try request("", method: "GET"), 405),
            (try request("Content-Length: 1", path: "/healthz"), 405),
            (try request("Content-Length: 1", path: "/x"), 404),
            (try request("Content-Length: 1", type: "text/plain"), 415),
        ] as [(PlainRequest, UInt16)] {
            let preparation = handler.prepare(for: request)
            #expect(!preparation.readsContent && preparation.account == nil)
            #expect(try await answer(handler, request, nil).status == status)
        }
    }

    private func review(_ dryRun: Bool, _ uid: String) throws -> PlainRequest {
        let pod =
            #"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "a"}]}}"#
        let text = """
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "\(uid)", "operation": \
            "CREATE", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "dryRun": \(dryRun), "object": \(pod)}}
            """
        return try request("Content-Length: \(text.utf8.count)", content: Array(text.utf8))
    }

    @Test("A review whose request has ended before its turn is not computed, and counts as memory until then")
    func abandoned() async throws {
        let queue = ReviewQueue(width: 1)
        let barrier = Barrier()
        queue.submit { barrier.wait() }
        let (first, second) = (try review(false, "gone"), try review(false, "here"))
        let size = first.content.count
        #expect(second.content.count == size)
        let handler = handler(budget: 2 * size, queue: queue)
        let answers = Mailbox<LocalResponse>()
        for (request, isGone) in [(first, true), (second, false)] {
            var account = handler.prepare(for: request).account
            #expect(account != nil)
            handler.answer(request, account: account) { [account = isGone ? nil : account] response in
                withExtendedLifetime(account) {}
                if case .complete(let response) = response { answers.send(response) }
            }
            account = nil
        }
        #expect(handler.prepare(for: first).account == nil, "the content is still there")
        barrier.open()
        // One after another: the first would have been answered before.
        #expect(String(decoding: try await answers.next().body, as: UTF8.self).contains(#""uid":"here""#))
        let (share, ended) = (handler.prepare(for: first).account, Mailbox<Void>())
        #expect(share != nil)
        queue.submit { ended.send() }
        try await ended.next()
        #expect(answers.isEmpty && !log.text.contains("gone"))
    }

    @Test("A request that takes too long gets a Status that says why, and Retry-After where it may be repeated")
    func overdue() throws {
        let preparation = handler(budget: 1000).prepare(for: try request("Content-Length: 600"))
        #expect(preparation.endsWithClient)
        for (response, status, reason) in [
            (preparation.overdue, 503, "ServiceUnavailable"), (preparation.requestTooSlow, 408, "Timeout"),
        ] as [(LocalResponse, UInt16, String)] {
            #expect(response.status == status)
            let body = String(decoding: response.body, as: UTF8.self)
            #expect(body.contains(#""kind":"Status""#) && body.contains(#""reason":"\#(reason)","code":\#(status)"#))
        }
        #expect(String(decoding: preparation.overdue.fieldBlock, as: UTF8.self).contains("Retry-After: 1\r\n"))
    }

    @Test("Two reviews run at once, and no third")
    func width() async throws {
        let queue = ReviewQueue()
        let (first, second, began) = (Barrier(), Barrier(), Mailbox<Int>())
        for (number, barrier) in [first, second].enumerated() {
            queue.submit {
                began.send(number)
                barrier.wait()
            }
        }
        queue.submit { began.send(2) }
        #expect(try await Set(began.next(2)) == [0, 1])
        second.open()
        #expect(try await began.next() == 2)
        first.open()
    }

    @Test("A review is answered and logged, a dry run only answered")
    func logging() async throws {
        let handler = handler(budget: 1 << 20)
        for (isDryRun, uid) in [(true, "dry"), (false, "real")] {
            let request = try review(isDryRun, uid)
            let response = try await answer(handler, request, handler.prepare(for: request).account)
            #expect(response.status == 200)
            #expect(
                String(decoding: response.body, as: UTF8.self).contains(#""uid":"\#(uid)","allowed":true,"patchType""#))
        }
        try await log.wait(for: "sidecar added")
        #expect(log.text.contains("real") && !log.text.contains("dry"))
    }
}
