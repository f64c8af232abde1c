// SPDX-License-Identifier: Apache-2.0

import Decisions
import Pages
import Testing

@Suite("Texts for reasons")
struct ReasonTests {
    @Test("Texts are sentences, titles are not", arguments: Reason.allCases)
    func sentences(reason: Reason) {
        let words = ReasonText.of(reason)
        #expect(!words.title.isEmpty && !words.title.hasSuffix("."))
        for text in [words.happened, words.advice, words.fix] {
            #expect(text.hasSuffix("."), "\(text)")
            #expect(
                text.first?.isUppercase == true || text.hasPrefix("token.") || text.hasPrefix("session.")
                    || text.hasPrefix("return_to") || text.hasPrefix("provisioning.")
                    || text.hasPrefix("identityProvider."))
            #expect(!text.contains("  "))
        }
    }

    @Test(
        "Reasons about tokens, users, sign-ins, sessions and paths have texts of their own; those of connections do not"
    )
    func complete() {
        for reason in Reason.allCases {
            switch reason.topic {
            case .token, .use, .user, .attempt, .provisioning, .session, .path: #expect(reason.text != nil, "\(reason)")
            case .transfer, .upstream, .request: #expect(reason.text == nil, "\(reason)")
            // The proxy's user sees one of them.
            case .forwardAuth: #expect((reason.text != nil) == (reason == .identityHeaderSpoofed), "\(reason)")
            }
        }
    }
}
