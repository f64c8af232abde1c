// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("A known field")
struct KnownFieldTests {
    private func known(_ name: [UInt8]) -> KnownField { KnownField(name.span) }

    @Test("is found by its name in any case, and by no other name", arguments: KnownField.allCases)
    func isFound(_ field: KnownField) {
        let name = Array(field.name.description.utf8)
        guard field != .other else { return }
        #expect(known(name) == field)
        #expect(known(Array(field.name.description.uppercased().utf8)) == field)
        #expect(!name.isEmpty && field.name.description == field.name.description.lowercased())
        for index in name.indices {
            // Every letter matters, and every bit of it except the one for the case.
            for bit in 0..<8 {
                var other = name
                other[index] ^= 1 << UInt8(bit)
                let isSameLetter = bit == 5 && name[index] != UInt8(ascii: "-") && !(0x30...0x39 ~= name[index])
                #expect((known(other) == field) == isSameLetter)
            }
            var shorter = name
            shorter.remove(at: index)
            #expect(known(shorter) != field)
            var longer = name
            longer.insert(UInt8(ascii: "x"), at: index)
            #expect(known(longer) != field)
        }
    }

    @Test(
        "is not matched by similar names",
        arguments: [
            "", "h", "hos", "hosts", "x-other", "content_length", "cookie ", "sec-fetch-user", "x-forwarded-quux",
            "transfer-encodinG\0", "kookie", "Host:",
        ])
    func isNotFound(_ name: String) {
        #expect(known(Array(name.utf8)) == .other)
    }
}
