// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions

/// Takes one token through all checks, in the order of RFC 7515 §5.2 and RFC 7519 §7.2: form, header, algorithm, key,
/// signature, and only then the claims. Used once.
final class TokenExamination {
    let policy: TokenPolicy
    let keys: KeySet
    let now: Double
    /// nil: the token is not the end of a sign-in at an OpenID provider.
    let binding: IDTokenBinding?
    /// Continue after a failure, and record every check; otherwise the first failure is thrown and nothing is recorded.
    let isThorough: Bool
    private(set) var checks: [TokenCheck] = []
    private var hasFailed = false

    init(policy: TokenPolicy, keys: KeySet, now: Double, binding: IDTokenBinding?, isThorough: Bool) {
        self.policy = policy
        self.keys = keys
        self.now = now
        self.binding = binding
        self.isThorough = isThorough
    }

    /// The verified token; nil if a thorough examination found a failure.
    func run(_ text: Span<UInt8>) throws(TokenRefusal) -> VerifiedToken? {
        let token: CompactToken
        do {
            token = try CompactToken(text)
        } catch {
            try fail("form", error)
            skip(["header", "critical", "algorithm", "key", "signature"] + Self.claimChecks, "there is no token")
            return nil
        }
        pass("form", expected: "a compact JWS", actual: "\(text.count) bytes")

        let signingInput = text.extracting(first: token.signingInputByteCount)
        let signer = try checkSignature(token, signingInput)
        let claims: RegisteredClaims?
        do {
            claims = try checkClaims(token)
            if let claims { try checkIDToken(claims, signer?.algorithm) }
        } catch {
            throw error.of(token, signedBy: signer, policy)
        }
        guard !hasFailed, let signer, let claims else { return nil }
        return VerifiedToken(
            claims: .object(claims.object), algorithm: signer.algorithm,
            signingInputDigest: SHA256.hash(signingInput), keyID: signer.keyID, id: claims.id,
            issuer: claims.issuer, issuedAt: claims.issuedAt, expiresAt: claims.expiry(policy))
    }

    /// Whether a key signed the token, whatever its claims and extensions say: an expired token is one of the provider's
    /// too.
    func isSigned(_ text: Span<UInt8>) -> Bool {
        do throws(TokenRefusal) {
            let token = try CompactToken(text)
            let signingInput = text.extracting(first: token.signingInputByteCount)
            guard let header = try checkHeader(token.header) else { return false }
            return try checkSigner(header, token, signingInput) != nil
        } catch {
            return false
        }
    }

    // MARK: Header and signature

    /// By what the signature is valid.
    struct Signer {
        let algorithm: Algorithm
        /// `kid` of the key, or of the token when the key has none.
        let keyID: String?
    }

    private func checkSignature(
        _ token: CompactToken, _ signingInput: Span<UInt8>
    ) throws(TokenRefusal) -> Signer? {
        guard let header = try checkHeader(token.header) else {
            skip(["critical", "algorithm", "key", "signature"], "the header cannot be read")
            return nil
        }
        // RFC 7515 §4.1.11: a token with an extension that is not understood is refused, and none is supported
        // (CVE-2025-59420). An empty list is not allowed either.
        if let critical = header["crit"] {
            try fail(
                "critical",
                TokenRefusal(
                    .criticalHeaderUnsupported, expected: "no crit", actual: quoted(critical),
                    fix: "configure the identity provider to send tokens without critical extensions"))
        } else {
            pass("critical", expected: "no crit", actual: "none")
        }
        return try checkSigner(header, token, signingInput)
    }

    private func checkSigner(
        _ header: JSONObject, _ token: CompactToken, _ signingInput: Span<UInt8>
    ) throws(TokenRefusal) -> Signer? {
        guard let algorithm = try checkAlgorithm(header) else {
            skip(["key", "signature"], "the algorithm is not known")
            return nil
        }
        let keyID = header["kid"]?.string
        guard let candidates = try checkKey(algorithm, keyID) else {
            skip(["signature"], "there is no key")
            return nil
        }
        guard let key = candidates.first(where: { $0.isValid(token.signature.span, for: signingInput, algorithm) })
        else {
            let kind = algorithm.isSymmetric ? "secret (and its secretEncoding)" : "public key"
            try fail(
                "signature",
                TokenRefusal(
                    .signatureInvalid, expected: "a signature by \(candidates.count == 1 ? "the" : "a") configured key",
                    actual: token.signature.isEmpty ? "none" : "an invalid signature",
                    fix: "compare the \(kind) with the identity provider's; or the token was altered in transit"))
            return nil
        }
        pass("signature", expected: "a signature by a configured key", actual: "good")
        return Signer(algorithm: algorithm, keyID: key.keyID ?? keyID)
    }

    /// The header, with aliases resolved. `jku`, `jwk`, `x5u` and `x5c` are never read: a token must not supply the key
    /// that it is verified with (CVE-2018-0114).
    private func checkHeader(_ bytes: [UInt8]) throws(TokenRefusal) -> JSONObject? {
        let problem: String
        switch Self.object(bytes, aliases: policy.headerAliases) {
        case .failure(let text): problem = text.message
        case .success(let header):
            let wrong = ["alg", "kid", "typ"].first { name in header[name].map { $0.string == nil } ?? false }
            guard let wrong else {
                pass("header", expected: "a JSON object", actual: "\(header.members.count) parameters")
                return header
            }
            problem = "\(wrong) is \(header[wrong]?.kindName ?? "nothing"), not a string"
        }
        try fail(
            "header",
            TokenRefusal(
                .headerMalformed, expected: "a JSON object, no name twice", actual: problem,
                fix: "the identity provider must write the header with a JSON library"))
        return nil
    }

    private func checkAlgorithm(_ header: JSONObject) throws(TokenRefusal) -> Algorithm? {
        let allowed = "one of " + policy.algorithms.map(\.rawValue).sorted().joined(separator: ", ")
        guard let name = header["alg"]?.string else {
            try fail(
                "algorithm",
                TokenRefusal(
                    .algorithmMissing, expected: allowed, actual: "nothing",
                    fix: "if the identity provider uses another name (ALG), add it to token.headerAliases.alg")
            )
            return nil
        }
        guard let algorithm = Algorithm(name: name), policy.algorithms.contains(algorithm) else {
            let known = Algorithm(name: name)
            try fail(
                "algorithm",
                TokenRefusal(
                    .algorithmNotAllowed, expected: allowed, actual: quoted(name),
                    fix: known == nil
                        ? "the identity provider must sign with one of the allowed algorithms"
                        : "if the identity provider is right, set token.algorithms to [\(name)] and give its key"))
            return nil
        }
        pass("algorithm", expected: allowed, actual: algorithm.rawValue)
        return algorithm
    }

    private func checkKey(
        _ algorithm: Algorithm, _ keyID: String?
    ) throws(TokenRefusal) -> [VerificationKey]? {
        let candidates = keys.candidates(for: algorithm, keyID: keyID)
        let wanted = "a key for \(algorithm.rawValue)" + (keyID.map { " with the kid \(quoted($0))" } ?? "")
        guard !candidates.isEmpty else {
            let configured = keys.keys.map { key in
                key.summary + (key.keyID.map { " (\(quoted($0)))" } ?? "")
            }
            try fail(
                "key",
                TokenRefusal(
                    .keyNotFound, expected: wanted,
                    actual: configured.isEmpty ? "no key at all" : configured.joined(separator: ", "),
                    fix: "add the identity provider's current key to token.keys, or correct its keyID"))
            return nil
        }
        pass("key", expected: wanted, actual: candidates.map(\.summary).joined(separator: ", "))
        return candidates
    }

    // MARK: Recording

    func judge(
        _ name: String, _ passed: Bool, _ reason: Reason, expected: @autoclosure () -> String,
        actual: @autoclosure () -> String, fix: @autoclosure () -> String
    ) throws(TokenRefusal) {
        if passed {
            pass(name, expected: expected(), actual: actual())
        } else {
            try fail(name, TokenRefusal(reason, expected: expected(), actual: actual(), fix: fix()))
        }
    }

    /// The same for a time claim.
    func judge(
        _ name: String, _ passed: Bool, _ reason: Reason, _ time: @autoclosure () -> MissedTime,
        expected: @autoclosure () -> String, actual: @autoclosure () -> String, fix: @autoclosure () -> String
    ) throws(TokenRefusal) {
        guard !passed else { return pass(name, expected: expected(), actual: actual()) }
        var refusal = TokenRefusal(reason, expected: expected(), actual: actual(), fix: fix())
        refusal.time = time()
        try fail(name, refusal)
    }

    func pass(
        _ name: String, expected: @autoclosure () -> String, actual: @autoclosure () -> String
    ) {
        guard isThorough else { return }
        checks.append(TokenCheck(name, .passed, expected: expected(), actual: actual()))
    }

    func fail(_ name: String, _ refusal: TokenRefusal) throws(TokenRefusal) {
        guard isThorough else { throw refusal }
        hasFailed = true
        checks.append(
            TokenCheck(
                name, .failed(refusal.reason), expected: refusal.expected, actual: refusal.actual, fix: refusal.fix))
    }

    func skip(_ names: [String], _ why: @autoclosure () -> String) {
        guard isThorough else { return }
        for name in names { checks.append(TokenCheck(name, .skipped, actual: why())) }
    }

    /// Reads a part of the token: a JSON object, in which aliases are replaced by their names.
    static func object(_ bytes: [UInt8], aliases: [String: [String]]) -> Result<JSONObject, Unreadable> {
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes.span)
        } catch {
            return .failure(Unreadable(message: error.message))
        }
        guard let object = value.object else {
            return .failure(Unreadable(message: "\(value.kindName), not an object"))
        }
        return resolve(object, aliases: aliases)
    }

    /// `object`, in which aliases are replaced by their names.
    static func resolve(_ object: JSONObject, aliases: [String: [String]]) -> Result<JSONObject, Unreadable> {
        guard !aliases.isEmpty else { return .success(object) }
        var object = object
        for (name, others) in aliases.sorted(by: { $0.key < $1.key }) {
            for other in others where !other.isExactly(name) {
                guard let alias = object[other] else { continue }
                // Both, with different values: it is ambiguous which one another reader of this token uses.
                if let value = object[name], value != alias {
                    return .failure(Unreadable(message: "\(name) and \(quoted(other)) with different values"))
                }
                object[other] = nil
                object[name] = alias
            }
        }
        return .success(object)
    }

    static let claimChecks = [
        "claims", "expiry", "not before", "issued at", "age", "issuer", "audience", "id",
    ]
}

extension TokenRefusal {
    /// The same, with what the token says.
    fileprivate func of(
        _ token: CompactToken, signedBy signer: TokenExamination.Signer?, _ policy: TokenPolicy
    ) -> TokenRefusal {
        guard let signer else { return self }
        var refusal = self
        var claims: JSONValue?
        if case .success(let object) = TokenExamination.object(token.payload, aliases: policy.claimAliases) {
            claims = .object(object)
        }
        refusal.signed = SignedContents(claims: claims, keyID: signer.keyID)
        return refusal
    }
}

/// Why a part of a token cannot be read, for humans.
struct Unreadable: Error, CustomStringConvertible {
    let message: String

    var description: String { message }
}
