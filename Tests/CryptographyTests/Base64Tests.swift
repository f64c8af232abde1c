// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@Suite struct Base64Tests {
    @Test(
        "RFC 4648 §10: the test vectors",
        arguments: [
            ("", "", ""), ("f", "Zg", "Zg=="), ("fo", "Zm8", "Zm8="), ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg", "Zm9vYg=="), ("fooba", "Zm9vYmE", "Zm9vYmE="), ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
        ])
    func rfc4648(plain: String, urlSafe: String, padded: String) {
        let content = bytes(plain)
        #expect(Base64URL.encodeToString(content) == urlSafe)
        #expect(Base64.encodeToString(content) == padded)
        #expect(Base64URL.decode(bytes(urlSafe)) == content)
        #expect(Base64.decode(bytes(padded)) == content)
        #expect(Base64.decode(bytes(urlSafe)) == content, "the padding may be missing")
        #expect(Base64URL.decodePadded(bytes(padded)) == content)
    }

    @Test("Every byte at every length survives a round trip")
    func roundTrip() {
        for count in 0..<70 {
            for first in stride(from: 0, through: 255, by: 5) {
                let content = (0..<count).map { UInt8(truncatingIfNeeded: first &+ $0 &* 37) }
                #expect(Base64URL.decode(Base64URL.encode(content)) == content)
                #expect(Base64.decode(Base64.encode(content)) == content)
            }
        }
    }

    @Test("Encoding twelve bytes in place gives the same text")
    func twelveBytes() {
        for first in stride(from: 0, through: 255, by: 5) {
            let content = InlineArray<12, UInt8> { UInt8(truncatingIfNeeded: first &+ $0 &* 37) }
            let text = Base64URL.encode(content)
            #expect(text.indices.map { text[$0] } == Base64URL.encode(content.indices.map { content[$0] }))
        }
    }

    @Test("Symbols 62 and 63 belong to one alphabet only")
    func alphabets() {
        #expect(Base64URL.encodeToString([0xFB, 0xFF]) == "-_8")
        #expect(Base64.encodeToString([0xFB, 0xFF]) == "+/8=")
        #expect(Base64URL.decode(bytes("+/8")) == nil)
        #expect(Base64.decode(bytes("-_8")) == nil)
    }

    @Test(
        "Anything but canonical base64url is rejected",
        arguments: [
            "Z", "Zm9vY", "Zg==", "Zg=", "Zm8=", "Zm9v=", "Zm9v====", "=", "==", "====", "Zh", "Zn", "Zm9", "Zm+v",
            "Zm/v", " Zm9v", "Zm9v ", "Zm 9v", "Zm9v\n", "Zm9v\r\n", "Zm\t9v", "Zm9v\0", "Zm9v.", "Zm9?", "Zm9é",
            "Zm9v#", "*m9v", "Zm%3Dv",
        ])
    func refused(text: String) {
        #expect(Base64URL.decode(bytes(text)) == nil)
    }

    @Test(
        "Padding of keys must be complete or absent",
        arguments: ["Zg=", "Zm8==", "Zm9v=", "Zm9v==", "====", "Z===", "Zg==Zg==", "Zh==", "Zg== "])
    func badPadding(text: String) {
        #expect(Base64.decode(bytes(text)) == nil)
        #expect(Base64URL.decodePadded(bytes(text)) == nil)
    }

    @Test("Of all 256 bytes, 64 are symbols, at each position of a group")
    func everyByte() {
        for place in 0..<4 {
            let accepted = (0...255).filter { value in
                var text = bytes("AAAA")
                text[place] = UInt8(value)
                return Base64URL.decode(text) != nil
            }
            #expect(accepted.count == 64)
        }
    }

    @Test("Each byte sequence has exactly one text: stray bits are rejected")
    func strayBits() {
        let symbols = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        #expect(symbols.count { Base64URL.decode([0x41, $0]) != nil } == 4)
        #expect(symbols.count { Base64URL.decode([0x41, 0x41, $0]) != nil } == 16)
    }
}

@Suite struct HexTests {
    @Test("Digits in either case are read, lower case is written")
    func roundTrip() {
        #expect(Hex.encodeToString([0x00, 0x9A, 0xFF]) == "009aff")
        #expect(Hex.decode(bytes("009aFF")) == [0x00, 0x9A, 0xFF])
        let all = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(all)) == all)
    }

    @Test(
        "Anything else is refused", arguments: ["0", "0g", "0x00", " 00", "00 ", "0:0", "é0", "/0", "@0", "`0", ":0"])
    func refused(text: String) {
        #expect(Hex.decode(bytes(text)) == nil)
    }
}
