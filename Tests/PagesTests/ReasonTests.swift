// SPDX-License-Identifier: Apache-2.0

import JWT
import Pages
import Testing

@Suite("Words for reason codes")
struct ReasonTests {
    @Test("Every reason code there is has words, and no other")
    func complete() {
        #expect(Set(Reason.all.map(\.code)) == Set(ReasonCode.allCases.map(\.rawValue)))
        #expect(Reason.all.count == ReasonCode.allCases.count)
    }

    @Test("Words are sentences, titles are not", arguments: Reason.all.map(\.code))
    func sentences(code: String) {
        let reason = Reason.of(code)
        #expect(reason.code == code)
        #expect(!reason.title.isEmpty && !reason.title.hasSuffix("."))
        for text in [reason.happened, reason.advice, reason.fix] {
            #expect(text.hasSuffix("."), "\(text)")
            #expect(
                text.first?.isUppercase == true || text.hasPrefix("token.") || text.hasPrefix("session.")
                    || text.hasPrefix("return_to") || text.hasPrefix("provisioning.")
                    || text.hasPrefix("identityProvider."))
        }
        #expect(!reason.happened.contains("  ") && !reason.advice.contains("  ") && !reason.fix.contains("  "))
    }

    @Test("A code that is not in the table still has words")
    func unknown() {
        let reason = Reason.of("not_a_code")
        #expect(reason.code == "not_a_code")
        #expect(!reason.title.isEmpty)
    }
}
