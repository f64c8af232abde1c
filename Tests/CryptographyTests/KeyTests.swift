// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@Suite struct KeyTests {
    @Test(
        "Public keys and certificates are recognised",
        arguments: [
            ("rsa-2048.public.pem", KeyKind.rsa(bits: 2048, onlyPSS: false)),
            ("rsa-2048.pkcs1-public.pem", .rsa(bits: 2048, onlyPSS: false)),
            ("rsa-2048.certificate.pem", .rsa(bits: 2048, onlyPSS: false)),
            ("rsa-pss.public.pem", .rsa(bits: 2048, onlyPSS: true)),
            ("ec-p256.public.pem", .ellipticCurve(.p256)),
            ("ec-p256.certificate.pem", .ellipticCurve(.p256)),
            ("ec-p256.expired-certificate.pem", .ellipticCurve(.p256)),
            ("ed25519.public.pem", .ed25519),
        ])
    func publicKeys(name: String, kind: KeyKind) throws {
        let pem = try file("Keys/" + name)
        #expect(try PEM.publicKey(pem).kind == kind)
        #expect(
            try PEM.publicKey(bytes("a note\r\n") + pem + bytes("\nmore")).kind == kind, "text around it is allowed")
        let windows = bytes(String(decoding: pem, as: UTF8.self).split(separator: "\n").joined(separator: "\r\n"))
        #expect(try PEM.publicKey(windows).kind == kind, "line ends of either kind")
    }

    @Test(
        "Untrustworthy or unsupported keys are rejected, with the reason",
        arguments: [
            ("rsa-1024.public.pem", "1024 bits"), ("ec-secp256k1.public.pem", "curve"),
            ("ec-p256-explicit.public.pem", "explicit"), ("ed448.public.pem", "not RSA, EC"),
            ("x25519.public.pem", "not RSA, EC"), ("rsa-2048.pem", "private key"),
            ("ec-p256.sec1.pem", "EC PARAMETERS"),
            ("README.md", "no PEM block"),
        ])
    func refused(name: String, reason: String) throws {
        let pem = try file("Keys/" + name)
        let error = #expect(throws: CryptographyError.self) { try PEM.publicKey(pem) }
        #expect("\(try #require(error))".contains(reason))
    }

    @Test("A truncated block is rejected at every length")
    func damaged() throws {
        let pem = try file("Keys/ec-p256.public.pem")
        for count in 0..<pem.count - 2 {
            #expect(throws: CryptographyError.self) { try PEM.publicKey(Array(pem[..<count])) }
        }
        #expect(throws: CryptographyError.self) { try PublicKey(der: []) }
        #expect(throws: CryptographyError.self) { try PublicKey(der: [UInt8](repeating: 0x30, count: 100)) }
    }

    @Test("DER followed by more data is rejected")
    func trailingDER() throws {
        let der = try PrivateKey.generate(.p256).publicKeyDER()
        #expect(try PublicKey(der: der).kind == .ellipticCurve(.p256))
        #expect(throws: CryptographyError.self) { try PublicKey(der: der + [0]) }
        #expect(throws: CryptographyError.self) { try PublicKey(der: Array(der.dropLast())) }
    }

    @Test(
        "Private keys in each common form sign",
        arguments: [
            ("rsa-2048.pem", SignatureScheme.rsaPKCS1(.sha256)), ("rsa-2048.pkcs1.pem", .rsaPSS(.sha512)),
            ("ec-p256.pem", .ecdsa(.sha256)), ("ec-p256.sec1.pem", .ecdsa(.sha256)), ("ed25519.pem", .ed25519),
        ])
    func privateKeys(name: String, scheme: SignatureScheme) throws {
        let key = try PrivateKey(pem: file("Keys/" + name))
        let message = bytes("message")
        let signature = try key.sign(message, scheme)
        let publicKey = try key.publicKey()
        #expect(publicKey.isValid(signature, for: message, scheme))
        #expect(!publicKey.isValid(signature, for: bytes("messagf"), scheme))
        #expect(try PEM.publicKey(bytes(key.publicKeyPEM())).isValid(signature, for: message, scheme))
    }

    @Test(
        "An encrypted or public key does not sign, and there is no passphrase prompt",
        arguments: ["ec-p256.encrypted.pem", "rsa-2048.pkcs1-encrypted.pem", "ec-p256.public.pem", "README.md"])
    func refusedPrivateKeys(name: String) throws {
        let pem = try file("Keys/" + name)
        #expect(throws: CryptographyError.self) { try PrivateKey(pem: pem) }
    }

    @Test("An RSA key below 2048 bits is rejected for signing too")
    func shortRSA() {
        #expect(throws: CryptographyError.self) { try PrivateKey.generateRSA(bits: 1024) }
    }

    @Test("A public key from its numbers is the same key; invalid numbers are rejected")
    func numbers() throws {
        // RFC 8037 §A.2
        let ed25519 = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        #expect(try PublicKey(ed25519: ed25519).kind == .ed25519)
        #expect(throws: CryptographyError.self) { try PublicKey(ed25519: ed25519 + [0]) }
        let der = try PrivateKey.generate(.p256).publicKeyDER()
        let x = Array(der.suffix(64).prefix(32))
        let y = Array(der.suffix(32))
        #expect(try PublicKey(curve: .p256, x: x, y: y).kind == .ellipticCurve(.p256))
        var off = y
        off[31] ^= 1
        #expect(throws: CryptographyError.self) { try PublicKey(curve: .p256, x: x, y: off) }
        #expect(throws: CryptographyError.self) { try PublicKey(curve: .p256, x: x, y: Array(y.dropLast())) }
        #expect(throws: CryptographyError.self) { try PublicKey(curve: .p384, x: x, y: y) }
        let zero = [UInt8](repeating: 0, count: 32)
        #expect(throws: CryptographyError.self) { try PublicKey(curve: .p256, x: zero, y: zero) }
        #expect(throws: CryptographyError.self) { try PublicKey(rsaModulus: [], exponent: [1, 0, 1]) }
        #expect(throws: CryptographyError.self) {
            try PublicKey(rsaModulus: [UInt8](repeating: 0xFF, count: 4096), exponent: [1, 0, 1])
        }
    }

    @Test(
        "RSA exponents that make signatures worthless are rejected",
        arguments: [[UInt8](), [0], [1], [2], [0, 1], [1, 0, 0]])
    func exponents(exponent: [UInt8]) throws {
        let der = try PrivateKey(pem: file("Keys/rsa-2048.pem")).publicKeyDER()
        // … 02 82 01 01 00 modulus 02 03 01 00 01
        let modulus = Array(der.dropLast(5).suffix(256))
        #expect(try PublicKey(rsaModulus: modulus, exponent: [1, 0, 1]).kind == .rsa(bits: 2048, onlyPSS: false))
        #expect(throws: CryptographyError.self) { try PublicKey(rsaModulus: modulus, exponent: exponent) }
    }

    @Test("A key supports only the schemes of its type")
    func kinds() throws {
        let schemes: [SignatureScheme] = [.rsaPKCS1(.sha256), .rsaPSS(.sha256), .ecdsa(.sha256), .ed25519]
        let keys = try [PrivateKey.generateRSA(), .generate(.p256), .generateEd25519()]
        let message = bytes("message")
        var served = 0
        for key in keys {
            for scheme in schemes {
                guard key.kind.serves(scheme) else {
                    #expect(throws: CryptographyError.self) { try key.sign(message, scheme) }
                    continue
                }
                served += 1
                let signature = try key.sign(message, scheme)
                for other in keys {
                    for way in schemes where try !(way == scheme && other.publicKeyDER() == key.publicKeyDER()) {
                        #expect(try !other.publicKey().isValid(signature, for: message, way))
                    }
                }
            }
        }
        #expect(served == 4)
        let pss = try PEM.publicKey(file("Keys/rsa-pss.public.pem"))
        #expect(pss.kind.serves(.rsaPSS(.sha256)) && !pss.kind.serves(.rsaPKCS1(.sha256)))
    }

    @Test("A public key in DER is recognised, random bytes are not")
    func keyMaterial() throws {
        #expect(PublicKey.isKeyMaterial(try PrivateKey.generate(.p256).publicKeyDER()))
        #expect(PublicKey.isKeyMaterial(try PrivateKey.generateEd25519().publicKeyDER()))
        #expect(!PublicKey.isKeyMaterial([]))
        for _ in 0..<100 { #expect(!PublicKey.isKeyMaterial(([0x30] + Random.bytes(63)))) }
    }
}

@Suite struct SignatureTests {
    @Test("RFC 8032 §7.1: Ed25519")
    func rfc8032() throws {
        let key = try PublicKey(ed25519: hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
        let signature = hex(
            """
            92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
            085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
            """)
        #expect(key.isValid(signature, for: hex("72"), .ed25519))
        #expect(!key.isValid(signature, for: hex("73"), .ed25519))
        #expect(!key.isValid((signature + [0]), for: hex("72"), .ed25519))
    }

    @Test("CVE-2022-21449: r and s must be in range and of exact length", arguments: EllipticCurve.allCases)
    func ecdsa(curve: EllipticCurve) throws {
        let hash: HashFunction = [.p256: .sha256, .p384: .sha384, .p521: .sha512][curve] ?? .sha256
        let key = try PrivateKey.generate(curve)
        let publicKey = try key.publicKey()
        let message = bytes("message")
        let size = curve.byteCount
        // Short r or s occur once in 256: enough signatures to test their padding.
        for _ in 0..<300 {
            let signature = try key.sign(message, .ecdsa(hash))
            #expect(signature.count == 2 * size)
            #expect(publicKey.isValid(signature, for: message, .ecdsa(hash)))
        }
        let signature = try key.sign(message, .ecdsa(hash))
        let zero = [UInt8](repeating: 0, count: size)
        let one: [UInt8] = zero.dropLast() + [1]
        let huge = [UInt8](repeating: 0xFF, count: size)
        let r = Array(signature[..<size])
        let s = Array(signature[size...])
        let forged: [[UInt8]] = [
            [], zero + zero, zero + one, one + zero, one + one, zero + s, r + zero, huge + s, r + huge, huge + huge,
            signature + [0], [0] + signature, Array(signature.dropLast()), r, [0] + r + [0] + s, s + r,
        ]
        for candidate in forged {
            #expect(!publicKey.isValid(candidate, for: message, .ecdsa(hash)))
        }
    }

    @Test("A signature in DER is not a JOSE signature")
    func der() throws {
        // SEQUENCE { INTEGER 32 bytes, INTEGER 32 bytes }, also truncated and padded to the raw form's length.
        let key = try PrivateKey.generate(.p256)
        let signature = try key.sign(bytes("m"), .ecdsa(.sha256))
        let der = [0x30, 0x46, 0x02, 0x21, 0x00] + signature[..<32] + [0x02, 0x21, 0x00] + signature[32...]
        let publicKey = try key.publicKey()
        #expect(publicKey.isValid(signature, for: bytes("m"), .ecdsa(.sha256)))
        #expect(!publicKey.isValid(der, for: bytes("m"), .ecdsa(.sha256)))
        #expect(!publicKey.isValid(Array(der.prefix(64)), for: bytes("m"), .ecdsa(.sha256)))
    }
}
