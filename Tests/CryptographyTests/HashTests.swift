// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@Suite struct HashTests {
    @Test("FIPS 180-4: the digests of abc and of the empty message")
    func fips() {
        #expect(
            SHA256.hash(bytes("abc"))
                == hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        #expect(
            SHA256.hash([]) == hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
        #expect(
            HashFunction.sha384.hash(bytes("abc"))
                == hex(
                    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
                ))
        #expect(
            HashFunction.sha512.hash(bytes("abc"))
                == hex(
                    """
                    ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
                    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
                    """))
    }

    @Test("RFC 1321 §A.5: MD5 as lower-case digits")
    func md5() {
        #expect(MD5.hexDigest(bytes("message digest")) == bytes("f96b697d7cb7938d525a2f31aaf161d0"))
        #expect(MD5.hexDigest([]) == bytes("d41d8cd98f00b204e9800998ecf8427e"))
    }

    struct RFC4231: Sendable {
        let key: String, data: String, sha256: String, sha384: String, sha512: String
    }

    @Test(
        "RFC 4231: HMAC with each hash",
        arguments: [
            RFC4231(
                key: String(repeating: "0b", count: 20), data: "4869205468657265",
                sha256: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                sha384:
                    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
                sha512: """
                    87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
                    daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
                    """),
            RFC4231(
                key: "4a656665", data: "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
                sha256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                sha384:
                    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
                sha512: """
                    164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
                    9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737
                    """),
            RFC4231(
                key: String(repeating: "aa", count: 20), data: String(repeating: "dd", count: 50),
                sha256: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                sha384:
                    "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
                sha512: """
                    fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39
                    bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb
                    """),
            RFC4231(
                key: String(repeating: "aa", count: 131),
                data: """
                    54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048
                    617368204b6579204669727374
                    """,
                sha256: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                sha384:
                    "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
                sha512: """
                    80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352
                    6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598
                    """),
        ])
    func rfc4231(vector: RFC4231) {
        let key = hex(vector.key)
        let data = hex(vector.data)
        for (hash, code) in [
            (HashFunction.sha256, vector.sha256), (.sha384, vector.sha384), (.sha512, vector.sha512),
        ] {
            #expect(HMAC.authenticationCode(for: data, key: key, hash) == hex(code))
        }
    }

    @Test("A prepared HMAC key gives the same code each time, and accepts only its own codes")
    func reuse() {
        let key = HMACKey(bytes("a key"), .sha256)
        let code = key.authenticationCode(for: bytes("message"))
        #expect(key.authenticationCode(for: bytes("other")) != code)
        #expect(key.authenticationCode(for: bytes("message")) == code)
        #expect(key.isValid(code, for: bytes("message")))
        #expect(!key.isValid(code, for: bytes("messagf")))
        #expect(!key.isValid([], for: bytes("message")))
        #expect(!key.isValid(Array(code.dropLast()), for: bytes("message")))
        #expect(!key.isValid((code + [0]), for: bytes("message")))
        for index in code.indices {
            var changed = code
            changed[index] ^= 1
            #expect(!key.isValid(changed, for: bytes("message")))
        }
    }

    @Test("An empty key is valid and distinct")
    func emptyKey() {
        #expect(
            HMAC.authenticationCode(for: [], key: [], .sha256)
                == hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"))
    }

    @Test("RFC 5869 §A.1 to A.3: HKDF with SHA-256")
    func hkdf() {
        #expect(
            HKDF.sha256(
                secret: hex(String(repeating: "0b", count: 22)), salt: hex("000102030405060708090a0b0c"),
                info: hex("f0f1f2f3f4f5f6f7f8f9"), length: 42)
                == hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
        #expect(
            HKDF.sha256(
                secret: (0x00...0x4F).map { UInt8($0) }, salt: (0x60...0xAF).map { UInt8($0) },
                info: (0xB0...0xFF).map { UInt8($0) }, length: 82)
                == hex(
                    """
                    b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
                    da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87
                    """))
        #expect(
            HKDF.sha256(secret: hex(String(repeating: "0b", count: 22)), salt: [], info: [], length: 42)
                == hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
    }
}
