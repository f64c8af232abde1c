// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@Suite struct SealingKeyTests {
    struct Vector: Sendable {
        let key: String, nonce: String, plain: String, data: String, sealed: String, tag: String
    }

    @Test(
        "The AES-256 test cases 13 to 16 of the GCM specification",
        arguments: [
            Vector(
                key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12), plain: "", data: "",
                sealed: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"),
            Vector(
                key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
                plain: String(repeating: "00", count: 16), data: "",
                sealed: "cea7403d4d606b6e074ec5d3baf39d18", tag: "d0d1c8a799996bf0265b98b5d48ab919"),
            Vector(
                key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                nonce: "cafebabefacedbaddecaf888",
                plain: """
                    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255
                    """,
                data: "",
                sealed: """
                    522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                    8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad
                    """,
                tag: "b094dac5d93471bdec1a502270e3cc6c"),
            Vector(
                key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                nonce: "cafebabefacedbaddecaf888",
                plain: """
                    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
                    """,
                data: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                sealed: """
                    522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                    8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
                    """,
                tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
        ])
    func specification(vector: Vector) {
        let key = SealingKey(key: hex(vector.key))
        let nonce = hex(vector.nonce)
        let plain = hex(vector.plain)
        let data = hex(vector.data)
        var sealed: [UInt8] = []
        key.seal(plain, nonce: nonce, authenticating: data, into: &sealed)
        #expect(sealed == nonce + hex(vector.sealed) + hex(vector.tag))
        var opened: [UInt8] = []
        #expect(key.open(sealed, authenticating: data, into: &opened))
        #expect(opened == plain)
    }

    @Test("Sealing and opening append, repeatedly with one key, also after failures")
    func reuse() {
        let key = SealingKey(key: [UInt8](repeating: 7, count: 32))
        let source = RandomSource()
        for count in 0..<100 {
            let plain = source.bytes(count)
            let data = source.bytes(count % 5)
            let nonce = source.bytes(12)
            var sealed = bytes("before")
            key.seal(plain, nonce: nonce, authenticating: data, into: &sealed)
            #expect(sealed.count == 6 + count + SealingKey.overhead)
            let body = Array(sealed.dropFirst(6))
            var opened = bytes("before")
            #expect(!key.open(body, authenticating: (data + [1]), into: &opened))
            #expect(opened == bytes("before"))
            #expect(key.open(body, authenticating: data, into: &opened))
            #expect(opened == bytes("before") + plain)
        }
    }

    @Test("CVE-2023-35941: every change, truncation and extension is rejected, and nothing is returned")
    func tampering() {
        let key = SealingKey(key: [UInt8](repeating: 7, count: 32))
        var sealed: [UInt8] = []
        key.seal(
            bytes("user=ada"), nonce: Random.bytes(12), authenticating: bytes("session"), into: &sealed)
        var opened: [UInt8] = []
        for index in sealed.indices {
            for bit in 0..<8 {
                var changed = sealed
                changed[index] ^= 1 << bit
                #expect(!key.open(changed, authenticating: bytes("session"), into: &opened))
            }
            #expect(!key.open(Array(sealed[..<index]), authenticating: bytes("session"), into: &opened))
        }
        #expect(!key.open((sealed + [0]), authenticating: bytes("session"), into: &opened))
        #expect(!key.open(sealed, authenticating: bytes("login"), into: &opened))
        #expect(!key.open(sealed, authenticating: [], into: &opened))
        let other = SealingKey(key: [UInt8](repeating: 8, count: 32))
        #expect(!other.open(sealed, authenticating: bytes("session"), into: &opened))
        #expect(opened.isEmpty)
    }
}

@Suite struct RandomTests {
    @Test("Portions of any size never repeat")
    func source() {
        let source = RandomSource()
        var seen: Set<[UInt8]> = []
        for count in [12, 16, 1, 32, 1000, 1024, 1025, 5000, 0] {
            #expect(source.bytes(count).count == count)
        }
        for _ in 0..<2000 { #expect(seen.insert(source.bytes(12)).inserted) }
        #expect(Random.bytes(32) != Random.bytes(32))
        #expect(Random.bytes(0).isEmpty)
        // A byte that never occurs in 64 KiB means a broken source: the chance of that is 1 in 10^109.
        #expect(Set(source.bytes(65536)).count == 256)
    }

    @Test("Constant-time comparison gives correct results")
    func comparing() {
        #expect(areEqual([1, 2], [1, 2]))
        #expect(areEqual([], []))
        #expect(!areEqual([1, 2], [1, 3]))
        #expect(!areEqual([1, 2], [1, 2, 3]))
        #expect(!areEqual([1, 2], []))
    }

    @Test("A secret provides its bytes")
    func secret() {
        let secret = SecretBytes(bytes("correct horse"))
        #expect(secret.count == 13)
        #expect(secret.withBytes { lent in lent.indices.map { lent[$0] } } == bytes("correct horse"))
        #expect(SecretBytes([UInt8]()).withBytes { $0.isEmpty })
    }
}
