// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc

/// A file in this directory; tests read their vectors from the source tree.
func file(_ path: String, _ here: String = #filePath) throws -> [UInt8] {
    let folder = here.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    guard let stream = unsafe fopen(folder + "/" + path, "r") else { throw MissingFile(path: path) }
    defer { unsafe fclose(stream) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, stream) }
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}

struct MissingFile: Error {
    let path: String
}

/// The bytes encoded by these digits; spaces and line ends are ignored.
func hex(_ digits: String) -> [UInt8] {
    let digits = digits.utf8.filter { $0 > 0x20 }
    guard let bytes = Hex.decode(digits.span) else { preconditionFailure("not hexadecimal: \(digits)") }
    return bytes
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

// `#expect` cannot expand a call with a span among its arguments, so these take arrays.

extension PublicKey {
    func isValid(_ signature: [UInt8], for message: [UInt8], _ scheme: SignatureScheme) -> Bool {
        isValid(signature.span, for: message.span, scheme)
    }

    static func isKeyMaterial(_ bytes: [UInt8]) -> Bool {
        isKeyMaterial(bytes.span)
    }
}

extension HMACKey {
    func isValid(_ code: [UInt8], for message: [UInt8]) -> Bool {
        isValid(code.span, for: message.span)
    }
}

extension SealingKey {
    func open(_ sealed: [UInt8], authenticating data: [UInt8], into output: inout [UInt8]) -> Bool {
        open(sealed.span, authenticating: data.span, into: &output)
    }
}

func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    constantTimeEquals(a.span, b.span)
}

extension PrivateKey {
    func sign(_ message: [UInt8], _ scheme: SignatureScheme) throws -> [UInt8] {
        try sign(message.span, scheme)
    }
}

extension HMACKey {
    convenience init(_ key: [UInt8], _ hashFunction: HashFunction) {
        self.init(key.span, hashFunction)
    }

    func authenticationCode(for message: [UInt8]) -> [UInt8] {
        authenticationCode(for: message.span)
    }
}

extension HMAC {
    static func authenticationCode(for message: [UInt8], key: [UInt8], _ hashFunction: HashFunction) -> [UInt8] {
        authenticationCode(for: message.span, key: key.span, hashFunction)
    }
}

extension SealingKey {
    func seal(_ plain: [UInt8], nonce: [UInt8], authenticating data: [UInt8], into output: inout [UInt8]) {
        seal(plain.span, nonce: nonce.span, authenticating: data.span, into: &output)
    }
}

extension HashFunction {
    func hash(_ bytes: [UInt8]) -> [UInt8] { hash(bytes.span) }
}

extension SHA256 {
    static func hash(_ bytes: [UInt8]) -> [UInt8] { hash(bytes.span) }
}

extension MD5 {
    static func hexDigest(_ bytes: [UInt8]) -> [UInt8]? { hexDigest(bytes.span) }
}

extension Base64URL {
    static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span) }
    static func decodePadded(_ text: [UInt8]) -> [UInt8]? { decodePadded(text.span) }
}

extension Base64 {
    static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span) }
    static func encode(_ bytes: [UInt8]) -> [UInt8] { encode(bytes.span) }
}

extension Hex {
    static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span) }
}
