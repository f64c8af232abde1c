// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// By which key a signature is good, or would be if something were read otherwise. Tells names and kinds of keys, never
/// their bytes.
struct SignatureDiagnosis {
    let parts: LenientToken
    /// Aliases resolved.
    let header: JSONObject?
    let policy: TokenPolicy
    let keys: KeySet
    let secrets: [TokenDiagnosis.NamedSecret]

    func notes() -> [TokenDiagnosis.Note] {
        guard let signature = parts.parts[2].bytes else { return [] }
        guard !signature.isEmpty else {
            return [
                .init(
                    title: "no signature", detail: "there is nothing behind the second dot",
                    fix: "the identity provider must sign its tokens; or the end was cut off when it was copied")
            ]
        }
        let input = signingInput
        let keyID = header?["kid"]?.string
        if let algorithm = header?["alg"]?.string.flatMap({ Algorithm(name: $0) }) {
            if let key = keys.candidates(for: algorithm, keyID: keyID).first(where: {
                $0.isValid(signature.span, for: input.span, algorithm)
            }) {
                return [
                    .init(
                        title: "key", detail: "the signature is good by \(name(of: key, input, signature, algorithm))")
                ]
            }
        }
        return [cause(signature, input, keyID), tried(keyID)].compactMap(\.self)
    }

    /// What would make the signature good, or what it looks like.
    private func cause(_ signature: [UInt8], _ input: [UInt8], _ keyID: String?) -> TokenDiagnosis.Note? {
        if let note = otherKey(signature, input, keyID) { return note }
        if let note = otherSecret(signature, input) { return note }
        let algorithm = header?["alg"]?.string ?? ""
        if algorithm.hasPrefix("ES"), signature.first == 0x30,
            signature.count > 66 || signature.count % 2 == 1 || isDER(signature)
        {
            return .init(
                title: "an ECDSA signature in DER", detail: "it begins as ASN.1 does",
                fix: "JWS wants r and s one behind the other, without DER (RFC 7518 §3.4)")
        }
        return nil
    }

    /// A configured key, but not the one that the token names or not with the algorithm that it names.
    private func otherKey(_ signature: [UInt8], _ input: [UInt8], _ keyID: String?) -> TokenDiagnosis.Note? {
        let named = header?["alg"]?.string
        for key in keys.keys.prefix(KeySet.maximumKeyCount) {
            for algorithm in Algorithm.allCases where key.isValid(signature.span, for: input.span, algorithm) {
                let by = name(of: key, input, signature, algorithm)
                if named.map({ $0.isExactly(algorithm.rawValue) }) ?? false {
                    return .init(
                        title: "another key",
                        detail: "the signature is good by \(by), but the token names the key "
                            + (keyID.map { quoted($0) } ?? "nothing"),
                        fix: "give that key the keyID \(quoted(keyID ?? "")), or none, in token.keys")
                }
                return .init(
                    title: "another algorithm",
                    detail: "the signature is good by \(by) with \(algorithm.rawValue), but the header says "
                        + (named.map { quoted($0) } ?? "nothing"),
                    fix: "make the identity provider's header name the algorithm that it signs with")
            }
        }
        return nil
    }

    // MARK: Secrets read otherwise

    /// A way in which a provider could have made a key of a secret's text.
    private struct Reading {
        let key: [UInt8]
        let detail: String
        let fix: String
    }

    private func otherSecret(_ signature: [UInt8], _ input: [UInt8]) -> TokenDiagnosis.Note? {
        let hexadecimal = signature.allSatisfy { Self.isHexDigit($0) } ? Hex.decode(signature.span) : nil
        // Signed before padding and alphabet were put right.
        let standard = standardInput
        for secret in secrets.prefix(Self.maximumSecretCount) {
            for reading in Self.readings(secret) where !reading.key.isEmpty {
                for (name, hash) in [("HS256", HashFunction.sha256), ("HS384", .sha384), ("HS512", .sha512)] {
                    let key = HMACKey(reading.key.span, hash)
                    let isNamed = header?["alg"]?.string.map { $0.isExactly(name) } ?? false
                    var how = reading.detail
                    if !isNamed { how += (how.isEmpty ? "" : " and ") + "\(name), which the header does not say" }
                    if !how.isEmpty, key.isValid(signature.span, for: input.span) {
                        return .init(
                            title: "the secret is read in another way",
                            detail: "the signature would be good by \(secret.name) with \(how)",
                            fix: reading.fix.isEmpty
                                ? "make the header name the algorithm that is used" : reading.fix)
                    }
                    let by = how.isEmpty ? secret.name : "\(secret.name) with \(how)"
                    if let hexadecimal, key.isValid(hexadecimal.span, for: input.span) {
                        return .init(
                            title: "the signature is written in hexadecimal",
                            detail: "it is the right one by \(by), as text of digits, encoded once more",
                            fix: "base64url-encode the bytes: in PHP the last argument of hash_hmac must be true")
                    }
                    if let standard, key.isValid(signature.span, for: standard.span) {
                        return .init(
                            title: "signed before base64 was put right",
                            detail: "the signature is good by \(by) for header and claims in padded standard base64",
                            fix: "first turn both into unpadded base64url, then sign that text")
                    }
                }
            }
        }
        return nil
    }

    private static func readings(_ secret: TokenDiagnosis.NamedSecret) -> [Reading] {
        var readings: [Reading] = []
        let text = secret.text
        if let key = try? secret.encoding.decode(text) { readings.append(Reading(key: key, detail: "", fix: "")) }
        for encoding in SecretEncoding.allCases where encoding != secret.encoding {
            guard let key = try? encoding.decode(text) else { continue }
            readings.append(
                Reading(
                    key: key, detail: "secretEncoding: \(encoding.rawValue)",
                    fix: "set secretEncoding: \(encoding.rawValue) where \(secret.name) is"))
        }
        for (ending, name) in [([10], "a line feed"), ([13, 10], "a carriage return and a line feed")]
            as [([UInt8], String)]
        {
            readings.append(
                Reading(
                    key: text + ending, detail: "\(name) behind it",
                    fix:
                        "the identity provider takes the line break at the end of its file for a part of the secret: remove it there"
                ))
        }
        let trimmed = Array(text.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed())
        if trimmed != text {
            readings.append(
                Reading(
                    key: trimmed, detail: "the white space around it left out",
                    fix: "remove the white space around the secret in \(secret.name)"))
        }
        if let digest = MD5.hexDigest(text.span) {
            if let raw = Hex.decode(digest.span) {
                readings.append(
                    Reading(
                        key: raw, detail: "the raw bytes of its MD5",
                        fix: "use md5() as it is, which gives hexadecimal text, and secretEncoding: md5hex"))
            }
            readings.append(
                Reading(
                    key: digest.map { (0x61...0x66).contains($0) ? $0 - 32 : $0 }, detail: "its MD5 in capital letters",
                    fix: "write the MD5 in lower case, and set secretEncoding: md5hex"))
        }
        let sha = SHA256.hash(text.span)
        readings.append(
            Reading(
                key: Hex.encode(sha), detail: "its SHA-256 in hexadecimal",
                fix: "use the secret itself as the key, or configure that text as the secret"))
        return readings
    }

    // MARK: Naming

    /// Where the key is from, for people.
    private func name(
        of key: VerificationKey, _ input: [UInt8], _ signature: [UInt8], _ algorithm: Algorithm
    ) -> String {
        let source = secrets.first { secret in
            guard key.isSymmetric, case .hmac(let hash) = algorithm.method,
                let bytes = try? secret.encoding.decode(secret.text)
            else { return false }
            return HMACKey(bytes.span, hash).isValid(signature.span, for: input.span)
        }
        let name = key.keyID.map { ", kid \(quoted($0))" } ?? ""
        return source.map { "\($0.name) (\($0.encoding.rawValue), \(key.summary)\(name))" } ?? key.summary + name
    }

    private func tried(_ keyID: String?) -> TokenDiagnosis.Note? {
        guard !keys.keys.isEmpty else { return nil }
        var names = secrets.prefix(8).map { secret in
            "\(secret.name) (\(secret.encoding.rawValue)\(secret.keyID.map { ", kid \(quoted($0))" } ?? ""))"
        }
        names += keys.keys.filter { !$0.isSymmetric || secrets.isEmpty }.prefix(8).map { key in
            key.summary + (key.keyID.map { ", kid \(quoted($0))" } ?? "")
        }
        let isKnown = keyID.map { name in keys.keys.contains { $0.keyID?.isExactly(name) ?? false } } ?? true
        return .init(
            title: "keys",
            detail: names.joined(separator: "; ")
                + (isKnown ? "" : "; the token names the key \(quoted(keyID ?? "")), which is none of these"))
    }

    /// Header, dot and claims as they stand in the token.
    private var signingInput: [UInt8] { parts.parts[0].text + [0x2E] + parts.parts[1].text }

    private var standardInput: [UInt8]? {
        guard let header = parts.parts[0].bytes, let claims = parts.parts[1].bytes else { return nil }
        let text = Base64.encode(header.span) + [0x2E] + Base64.encode(claims.span)
        return text == signingInput ? nil : text
    }

    private func isDER(_ signature: [UInt8]) -> Bool {
        signature.count > 8 && Int(signature[1]) == signature.count - 2
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }

    /// As many as are worth trying.
    private static let maximumSecretCount = 32
}
