// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Synchronization
import TestSupport
import Testing

@Suite("Requests that are answered elsewhere, and whose clients go", .timeLimit(.minutes(1)))
struct AbandonedRequestTests {
    private final class Account: Sendable {
        private let ended: Mailbox<Void>

        init(_ ended: Mailbox<Void>) { self.ended = ended }

        deinit { ended.send() }
    }

    /// Answers nothing.
    private final class Responder: PlainResponder {
        let asked = Mailbox<Void>()
        let ended = Mailbox<Void>()

        func prepare(for request: PlainRequest) -> PlainPreparation {
            var preparation = PlainPreparation(readsContent: true, account: Account(ended))
            preparation.endsWithClient = true
            return preparation
        }

        func answer(
            _ request: PlainRequest, account: PlainAccount?, _ done: @escaping @Sendable (PlainResponse) -> Void
        ) {
            asked.send()
        }
    }

    @Test("The request ends at once, and its account with it", arguments: [true, false])
    func gone(isReset: Bool) async throws {
        let responder = Responder()
        try Stage.run(responder: responder) { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /", "Content-Length: 1", body: "x"))
            while responder.asked.isEmpty { try stage.settle() }
            #expect(responder.ended.isEmpty)
            if isReset { browser.reset() } else { browser.close() }
            try stage.waitUntilEmpty()
            #expect(!responder.ended.isEmpty)
        }
    }
}
