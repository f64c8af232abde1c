// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT

/// The demo's identity provider as a provider of OpenID Connect: the authorization code flow with PKCE (OpenID Connect
/// Core §3.1, RFC 7636), for one client. Its users and their session are those of ``DemoIdentityProvider``.
///
/// It stores nothing: a code is the request that it answers, authenticated, so it can be redeemed more than once within
/// its lifetime. That is enough for a demo only.
package struct DemoOpenIDProvider: Sendable {
    private let issuer: String
    private let client: DemoClient
    private let minter: TokenMinter
    private let key: PublishedKey
    private let codeKey: [UInt8]

    /// - Parameter issuer: its URL as browsers and the gate reach it, without a slash at the end.
    package init(issuer: String, client: DemoClient) throws(KeyError) {
        let signingKey: PrivateKey
        let publicKey: PublicKey
        do throws(CryptographyError) {
            signingKey = try PrivateKey.generate(.p256)
            publicKey = try signingKey.publicKey()
        } catch {
            throw .unsupported("no key for signatures: \(error)")
        }
        key = try PublishedKey(publicKey, algorithm: .es256)
        minter = try TokenMinter(privateKey: signingKey, algorithm: .es256, keyID: key.keyID)
        codeKey = Random.bytes(32)
        self.issuer = issuer
        self.client = client
    }

    // MARK: Documents

    /// The discovery document (OpenID Connect Discovery 1.0 §3).
    var discovery: LocalResponse {
        let endpoints: [(String, JSONValue)] = [
            ("issuer", .string(issuer)), ("authorization_endpoint", .string(issuer + "/authorize")),
            ("token_endpoint", .string(issuer + "/token")), ("jwks_uri", .string(issuer + "/keys")),
            ("end_session_endpoint", .string(issuer + "/end-session")),
        ]
        let abilities: [(String, JSONValue)] = [
            ("response_types_supported", ["code"]), ("response_modes_supported", ["query"]),
            ("subject_types_supported", ["public"]), ("id_token_signing_alg_values_supported", ["ES256"]),
            ("scopes_supported", ["openid", "email", "profile"]),
            ("token_endpoint_auth_methods_supported", ["client_secret_basic"]),
            ("code_challenge_methods_supported", ["S256"]),
            ("authorization_response_iss_parameter_supported", .bool(true)),
        ]
        return Self.json(JSONObject(endpoints + abilities))
    }

    var keys: LocalResponse { Self.json(JSONObject([("keys", .array([key.document]))])) }

    // MARK: The authorization endpoint

    /// The client's request; nil when it is not one that this provider answers.
    func authorization(_ request: DemoRequest) -> DemoAuthorization? {
        guard request.parameter("client_id") == client.id, request.parameter("response_type") == "code",
            let returnURL = request.parameter("redirect_uri"), client.returnURLs.contains(returnURL),
            request.parameter("scope")?.split(separator: " ").contains("openid") == true,
            request.parameter("code_challenge_method") == "S256",
            let challenge = request.parameter("code_challenge"), challenge.utf8.count == 43,
            let state = request.parameter("state"), let nonce = request.parameter("nonce")
        else { return nil }
        return DemoAuthorization(returnURL: returnURL, challenge: challenge, state: state, nonce: nonce)
    }

    /// Sends the browser back with a code for this user.
    func grant(_ authorization: DemoAuthorization, _ user: DemoUser, _ now: Double) -> LocalResponse {
        let parameters = [
            ("code", code(authorization, user, now)), ("state", authorization.state), ("iss", issuer),
        ]
        let query = parameters.map { $0.0 + "=" + percentEncoded($0.1) }.joined(separator: "&")
        var response = LocalResponse(status: 303)
        response.add("Location", authorization.returnURL + "?" + query)
        response.add("Cache-Control", "no-store")
        response.add("Referrer-Policy", "no-referrer")
        return response
    }

    private func code(_ authorization: DemoAuthorization, _ user: DemoUser, _ now: Double) -> String {
        let content = JSONObject([
            ("user", .string(user.name)), ("return", .string(authorization.returnURL)),
            ("challenge", .string(authorization.challenge)), ("nonce", .string(authorization.nonce)),
            ("end", Self.number(now + Self.codeLifetime)),
        ])
        let text = Base64URL.encodeToString(JSONValue.object(content).serialized())
        return text + "." + authenticator(text)
    }

    private func authenticator(_ text: String) -> String {
        Base64URL.encodeToString(HMAC.authenticationCode(for: Array(text.utf8).span, key: codeKey.span, .sha256))
    }

    // MARK: The token endpoint

    func token(_ request: DemoRequest, _ now: Double) -> LocalResponse {
        guard client.isAuthenticated(by: request.values("Authorization")) else {
            return Self.error("invalid_client", 401)
        }
        guard request.field("grant_type") == "authorization_code" else {
            return Self.error("unsupported_grant_type", 400)
        }
        guard let code = request.field("code").flatMap({ opened($0, now) }),
            let user = code["user"]?.string.flatMap(DemoUser.named), let nonce = code["nonce"]?.string,
            code["return"]?.string == request.field("redirect_uri"),
            let verifier = request.field("code_verifier"), 43...128 ~= verifier.utf8.count,
            code["challenge"]?.string == Base64URL.encodeToString(SHA256.hash(Array(verifier.utf8).span))
        else { return Self.error("invalid_grant", 400) }
        let accessToken = Base64URL.encodeToString(Random.bytes(32))
        return Self.json(
            JSONObject([
                ("token_type", "Bearer"), ("access_token", .string(accessToken)),
                ("expires_in", Self.number(Self.tokenLifetime)),
                ("id_token", .string(idToken(user, nonce: nonce, accessToken: accessToken, now))),
            ]))
    }

    private func idToken(_ user: DemoUser, nonce: String, accessToken: String, _ now: Double) -> String {
        let hash = SHA256.hash(Array(accessToken.utf8).span)
        var claims = user.claims
        claims += [
            ("iss", .string(issuer)), ("aud", .string(client.id)), ("iat", Self.number(now)),
            ("exp", Self.number(now + Self.tokenLifetime)), ("nonce", .string(nonce)),
            ("at_hash", .string(Base64URL.encodeToString(Array(hash.prefix(16))))), ("email_verified", .bool(true)),
        ]
        return minter.mint(claims: claims)
    }

    /// The content of a code that this provider has issued and that has not expired.
    private func opened(_ code: String, _ now: Double) -> JSONObject? {
        let parts = code.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2,
            constantTimeEquals(Array(parts[1].utf8).span, Array(authenticator(parts[0]).utf8).span),
            let bytes = Base64URL.decode(Array(parts[0].utf8).span),
            let content = (try? JSONParser.parse(bytes.span))?.object,
            let end = content["end"]?.number?.double, now < end
        else { return nil }
        return content
    }

    // MARK: The end of the session

    /// Where the browser goes after a logout that this client began; nil: nowhere.
    func signedOutTarget(_ request: DemoRequest) -> String? {
        guard request.parameter("client_id") == client.id, let target = request.parameter("post_logout_redirect_uri"),
            client.signedOutURLs.contains(target)
        else { return nil }
        return target
    }

    private static func json(_ document: JSONObject, status: UInt16 = 200) -> LocalResponse {
        var response = LocalResponse(status: status, body: JSONValue.object(document).serialized())
        response.add("Content-Type", "application/json")
        response.add("Cache-Control", "no-store")
        return response
    }

    private static func error(_ code: String, _ status: UInt16) -> LocalResponse {
        json(JSONObject([("error", .string(code))]), status: status)
    }

    private static func number(_ seconds: Double) -> JSONValue {
        .number(JSONNumber(Int(exactly: seconds.rounded(.down)) ?? 0))
    }

    private static let codeLifetime: Double = 60
    private static let tokenLifetime: Double = 180
}
