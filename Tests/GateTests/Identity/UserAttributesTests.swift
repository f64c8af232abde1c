// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Gate

@Suite("What is known of a user")
struct UserAttributesTests {
    private func bearer(_ user: String, _ groups: [String] = []) -> Identity {
        var fields = UserAttributes()
        fields.set("user", [user], isList: false)
        fields.set("groups", groups, isList: true)
        return Identity(fields: fields, provider: "", headerBlock: [], session: nil)
    }

    @Test("is compared byte for byte, although Unicode takes some different texts for equivalent")
    func bytes() {
        #expect(Identity.isSameSession(bearer("ren\u{e9}", ["a"]), bearer("ren\u{e9}", ["a"])))
        for (one, other) in [("ren\u{e9}", "rene\u{301}"), ("K", "\u{212a}"), ("\u{c5}", "\u{212b}"), ("a", "b")] {
            #expect(!Identity.isSameSession(bearer(one), bearer(other)), "\(one)")
            #expect(!Identity.isSameSession(bearer("ada", [one]), bearer("ada", [other])), "\(one)")
        }
        #expect(!Identity.isSameSession(bearer("ada", ["a"]), bearer("ada", ["a", "b"])))
    }
}
