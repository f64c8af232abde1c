// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// Signs assertions for the app, and publishes the keys by which it verifies them.
struct AssertionSigner {
    private let configuration: AssertionConfiguration
    private let limits: SessionLimits

    init(_ configuration: AssertionConfiguration, _ limits: SessionLimits) {
        self.configuration = configuration
        self.limits = limits
    }

    /// Appends the field line that states who `identity` is; nothing for an identity without a user.
    ///
    /// Signed once for each half of its lifetime, so that it is valid for as long again whenever the app gets it.
    func append(for identity: Identity, now: Double, to out: inout [UInt8]) {
        out.append(contentsOf: line(for: identity, now: now))
    }

    /// The field line that states who `identity` is; empty for an identity without a user.
    func line(for identity: Identity, now: Double) -> [UInt8] {
        guard !identity.fields.user.isEmpty else { return [] }
        if let known = identity.assertion, known.isFresh(at: now) { return known.line }
        let made = sign(identity, now: now)
        identity.assertion = made
        return made.line
    }

    /// The line that clears the field, where there is no user.
    var emptyLine: [UInt8] { Array("\(configuration.header): \r\n".utf8) }

    /// `/.sidegate/jwks.json`: the keys by which the app verifies assertions. Open to all, as public keys are.
    func keySet(_ request: borrowing AccessRequest, _ responses: Responses) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return responses.methodNotAllowed(request, allow: "GET, HEAD")
        }
        var response = LocalResponse(status: 200, body: configuration.keySet)
        response.add("Content-Type", "application/json")
        response.add("Cache-Control", "public, max-age=300")
        response.add("X-Content-Type-Options", "nosniff")
        response.outcome = .keys
        return response
    }

    private func sign(_ identity: Identity, now: Double) -> Assertion {
        let sessionEnd = identity.session.map { $0.signedInAt + limits.lifetime }
        let issuedAt = max(0, min(now.rounded(.down), 9e15))
        // It does not outlive the session.
        let expiresAt = max(
            issuedAt + 1, min(issuedAt + configuration.lifetime, sessionEnd ?? .infinity).rounded(.down))
        var claims: [(String, JSONValue)] = [
            ("iss", .string(configuration.issuer)), ("aud", .string(configuration.audience)),
            ("sub", .string(identity.fields.user)), ("iat", .number(JSONNumber(Int(issuedAt)))),
            ("exp", .number(JSONNumber(Int(expiresAt)))),
        ]
        if let session = identity.session {
            claims.append(("auth_time", .number(JSONNumber(Int(session.signedInAt)))))
        }
        for (name, value) in identity.fields.document.members.map({ ($0.name, $0.value) }) where name != "user" {
            let claim = Self.claimNames[name] ?? name
            // No field replaces a claim of the assertion itself.
            guard !Self.ownClaims.contains(claim), !claims.contains(where: { $0.0 == claim }) else { continue }
            claims.append((claim, value))
        }
        var line = Array("\(configuration.header): ".utf8)
        line.append(contentsOf: configuration.minter.mint(claims: claims).utf8)
        line.append("\r\n")
        return Assertion(
            line: line, issuedAt: now, renewalDue: min(now + configuration.lifetime / 2, max(expiresAt - 1, now + 0.5)))
    }

    /// OpenID Connect's names for the gate's (Core 1.0 §5.1).
    private static let claimNames = [
        "preferredUsername": "preferred_username", "givenName": "given_name", "familyName": "family_name",
    ]
    /// RFC 7519 §4.1, and what would make it another kind of token.
    private static let ownClaims: Set<String> = [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "events", "nonce", "azp", "cnf",
    ]
}
