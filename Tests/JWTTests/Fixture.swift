// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import Glibc
import JWT

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

func key(_ name: String) throws -> [UInt8] {
    try file("../CryptographyTests/Keys/" + name)
}

struct MissingFile: Error {
    let path: String
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func encoded(_ text: String) -> String { Base64URL.encodeToString(bytes(text)) }

func json(_ text: String) throws -> JSONValue {
    try JSONParser.parse(bytes(text))
}

extension JSONParser {
    static func parse(_ text: [UInt8]) throws(JSONError) -> JSONValue {
        try parse(text.span)
    }
}

/// The time at which tests take place, and a secret of 256 bits.
let now = 1_700_000_000.0
let secret = "the quick brown fox jumps over 13"

extension TokenVerifier {
    /// For one secret, with default limits.
    static func symmetric(_ policy: TokenPolicy = TokenPolicy(), keyID: String? = nil) throws -> TokenVerifier {
        TokenVerifier(
            policy: policy, keys: KeySet(keys: [try VerificationKey(secret: bytes(secret), keyID: keyID)]))
    }

    /// Nil if the token is accepted.
    func refusal(_ token: String, now: Double = now) -> TokenRefusal? {
        do {
            _ = try accepted(token, now: now)
            return nil
        } catch {
            return error
        }
    }

    func reason(_ token: String, now: Double = now) -> Reason? {
        refusal(token, now: now)?.reason
    }

    func accepted(_ token: String, now: Double = now) throws(TokenRefusal) -> VerifiedToken {
        let token = bytes(token)
        return try verify(token.span, now: now)
    }
}

/// A token signed with `secret`, over any header and claims, JSON or not.
func signed(
    _ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, hash: HashFunction = .sha256,
    secret: String = secret
) -> String {
    let input = encoded(header) + "." + encoded(claims)
    let code = HMAC.authenticationCode(for: bytes(input).span, key: bytes(secret).span, hash)
    return input + "." + Base64URL.encodeToString(code)
}

/// Claims that pass with all defaults.
let goodClaims = #"{"sub":"ada","email":"ada@example.com","iat":1700000000,"exp":1700000300}"#

extension TokenVerifier {
    func examine(_ token: String) -> [TokenCheck] {
        let token = bytes(token)
        return examine(token.span, now: now)
    }
}

func contents(_ token: String) -> TokenContents? {
    let token = bytes(token)
    return TokenContents(token.span)
}

extension MD5 {
    static func hexDigest(_ text: String) -> String? {
        let text = bytes(text)
        return hexDigest(text.span).map { String(decoding: $0, as: UTF8.self) }
    }
}
