// SPDX-License-Identifier: Apache-2.0

import SharedState
import Testing

@Suite("Tokens that the store reported as unused")
struct UnusedTokensTests {
    private static let one: [[UInt8]] = [[1]]
    private static let two: [[UInt8]] = [[2], [3]]

    @Test("are remembered until they expire")
    func expiry() {
        let tokens = UnusedTokens()
        tokens.expect(Self.two)
        #expect(!tokens.contains(Self.two, now: 0), "no answer yet")
        tokens.confirm(Self.two, until: 100)
        #expect(tokens.contains(Self.two, now: 99.9))
        #expect(!tokens.contains(Self.two, now: 100))
        #expect(!tokens.contains(Self.one, now: 0))
        #expect(!tokens.contains([], now: 0))
        // A question without an answer changes nothing.
        tokens.expect(Self.two)
        #expect(tokens.contains(Self.two, now: 99))
    }

    @Test("end with a sign-in by any of their keys, also one before the answer")
    func signIn() {
        let tokens = UnusedTokens()
        for key: [UInt8] in Self.two {
            tokens.expect(Self.two)
            tokens.confirm(Self.two, until: 100)
            tokens.remove([key])
            #expect(!tokens.contains(Self.two, now: 0))
            tokens.confirm(Self.two, until: 100)
            #expect(!tokens.contains(Self.two, now: 0), "that answer is older")
        }
        tokens.expect(Self.two)
        tokens.confirm(Self.two, until: 100)
        #expect(tokens.contains(Self.two, now: 0))
    }

    @Test("are bounded: those that were asked about last stay")
    func bound() {
        let tokens = UnusedTokens(capacity: 8)
        for number in 0..<100 as Range<UInt8> {
            tokens.expect([[number]])
            tokens.confirm([[number]], until: 100)
            tokens.expect([[0]])
            #expect(tokens.contains([[0]], now: 0) && tokens.contains([[number]], now: 0))
        }
        let count = (0..<100 as Range<UInt8>).count { tokens.contains([[$0]], now: 0) }
        #expect((4...8).contains(count))
    }
}
