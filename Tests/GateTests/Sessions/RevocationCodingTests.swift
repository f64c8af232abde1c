// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Revocations as replicas tell each other of them")
struct RevocationCodingTests {
    private let secret = Array("a secret for sessions, 32 bytes!".utf8)
    private let revocation = Revocation(
        subjects: [Array("s:ada".utf8), Array("e:ada@example.com".utf8)], revokedAt: noon, expiresAt: noon + 43_200,
        user: "ada", isOfOneSession: true)

    @Test("they come back as they were, also under a rotated secret")
    func roundTrip() {
        let sealed = RevocationCoding(secrets: [secret]).seal(revocation)
        #expect(RevocationCoding(secrets: [secret]).open(sealed) == revocation)
        let rotated = RevocationCoding(secrets: [Array("another secret for sessions, 32b".utf8), secret])
        #expect(rotated.open(sealed) == revocation)
        #expect(RevocationCoding(secrets: [secret]).open(rotated.seal(revocation)) == nil)
    }

    @Test("they name nobody, and no change goes unseen")
    func sealed() {
        let coding = RevocationCoding(secrets: [secret])
        let sealed = coding.seal(revocation)
        #expect(!String(decoding: sealed, as: UTF8.self).contains("ada"))
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(coding.open(changed) == nil)
        }
        for count in 0..<sealed.count { #expect(coding.open(Array(sealed.prefix(count))) == nil) }
        #expect(coding.open(sealed + [0]) == nil)
    }
}
