// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// A signed statement about the user for the app (`assertion`): proof for an app that can check a signature that the
/// request came through this gate, whoever else can reach the app.
package struct AssertionConfiguration: Sendable {
    /// The header that carries it.
    package var header: String
    package var minter: TokenMinter
    /// `iss` and `aud`; an app checks both.
    package var issuer: String
    package var audience: String
    /// Seconds.
    package var lifetime: Double
    /// What `/.sidegate/jwks.json` answers: the signing key, and those that signed before it or will after it.
    package var keySet: [UInt8]

    package init(
        header: String, minter: TokenMinter, issuer: String, audience: String, lifetime: Double, keys: [PublishedKey]
    ) {
        self.header = header
        self.minter = minter
        self.issuer = issuer
        self.audience = audience
        self.lifetime = lifetime
        keySet = PublishedKey.set(keys)
    }
}

/// One statement, as the field line that carries it. It is kept with the identity: signing costs more than the rest of
/// a request.
struct Assertion {
    /// With CRLF.
    let line: [UInt8]
    let issuedAt: Double
    /// From then on another one is made.
    let renewalDue: Double

    /// Whether it still serves. A clock that was set back makes another one: an app could not believe this one.
    func isFresh(at now: Double) -> Bool { now < renewalDue && now >= issuedAt }
}

extension Gate {
    /// Appends the field line that states who `identity` is. Nothing without `assertion`.
    ///
    /// Signed once for each half of its lifetime, so that it is good for as long again whenever the app gets it.
    func appendAssertion(of identity: Identity, now: Double, to out: inout [UInt8]) {
        guard let assertion = configuration.assertion, !identity.fields.user.isEmpty else { return }
        if let known = identity.assertion, known.isFresh(at: now) { return out.append(contentsOf: known.line) }
        let made = Self.sign(assertion, identity, now: now, sessionEnd: endOfSession(identity))
        identity.assertion = made
        out.append(contentsOf: made.line)
    }

    private static func sign(
        _ assertion: AssertionConfiguration, _ identity: Identity, now: Double, sessionEnd: Double?
    ) -> Assertion {
        let issuedAt = max(0, min(now.rounded(.down), 9e15))
        // It does not outlive the session.
        let expiresAt = max(issuedAt + 1, min(issuedAt + assertion.lifetime, sessionEnd ?? .infinity).rounded(.down))
        var claims: [(String, JSONValue)] = [
            ("iss", .string(assertion.issuer)), ("aud", .string(assertion.audience)),
            ("sub", .string(identity.fields.user)), ("iat", .number(JSONNumber(Int(issuedAt)))),
            ("exp", .number(JSONNumber(Int(expiresAt)))),
        ]
        if let session = identity.session {
            claims.append(("auth_time", .number(JSONNumber(Int(session.signedInAt)))))
        }
        for (name, value) in identity.fields.document.members.map({ ($0.name, $0.value) }) where name != "user" {
            let claim = claimNames[name] ?? name
            // What the statement says of itself, no field says in its place.
            guard !ownClaims.contains(claim), !claims.contains(where: { $0.0 == claim }) else { continue }
            claims.append((claim, value))
        }
        var line = Array("\(assertion.header): ".utf8)
        line.append(contentsOf: assertion.minter.mint(claims: claims).utf8)
        line.append("\r\n")
        return Assertion(
            line: line, issuedAt: now, renewalDue: min(now + assertion.lifetime / 2, max(expiresAt - 1, now + 0.5)))
    }

    /// `/.sidegate/jwks.json`: what the app verifies with. Open to all, as public keys are.
    func keySet(_ request: borrowing AccessRequest) -> LocalResponse {
        guard let assertion = configuration.assertion else { return notFound(request) }
        guard request.head.method == .get || request.head.method == .head else {
            return methodNotAllowed(request, allow: "GET, HEAD")
        }
        var response = LocalResponse(status: 200, body: assertion.keySet)
        response.add("Content-Type", "application/json")
        response.add("Cache-Control", "public, max-age=300")
        response.add("X-Content-Type-Options", "nosniff")
        response.decision = "keys"
        return response
    }

    /// OpenID Connect's names for ours (Core 1.0 §5.1).
    private static let claimNames = [
        "preferredUsername": "preferred_username", "givenName": "given_name", "familyName": "family_name",
    ]
    /// RFC 7519 §4.1, and what would make it another kind of token.
    private static let ownClaims: Set<String> = [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "events", "nonce", "azp", "cnf",
    ]
}

extension GateConfiguration {
    /// Every header that tells the app who the user is: no client may send them, nor any trailer carry them.
    package var identityHeaderNames: [String] {
        identityHeaders.map(\.name) + (assertion.map { [$0.header] } ?? [])
    }
}
