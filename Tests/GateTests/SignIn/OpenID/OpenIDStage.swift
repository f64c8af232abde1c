// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import HTTP
import JWT
import Pages

/// An OpenID provider without a network, and a browser before a gate that uses it.
final class OpenIDStage {
    let browser: Browser
    /// Claims of the next ID tokens, beside the usual ones; `null` removes one.
    var claims: [(String, JSONValue)] = []
    var accessToken: String? = "access"
    var userInfo: String?
    /// In place of tokens.
    var result: CodeExchangeResult?
    /// The calls of the token endpoint.
    private(set) var exchanges: [CodeExchange] = []
    /// The ID tokens that were sent.
    private(set) var idTokens: [String] = []
    private var nonce = ""
    private var count = 0

    static let issuer = "https://idp.example"
    static let end = "https://idp.example/end?a=b"

    init(
        knowsProvider: Bool = true, announcesIssuer: Bool = false,
        _ change: (inout OpenIDConfiguration, inout GateConfiguration) throws -> Void = { _, _ in }
    ) throws {
        var openID = OpenIDConfiguration(issuer: Self.issuer, clientID: "app")
        if knowsProvider { openID.metadata = try Self.metadata(announcesIssuer: announcesIssuer) }
        var policy = TokenPolicy()
        policy.issuer = Self.issuer
        policy.audience = ["app"]
        policy.requireExpiry = true
        policy.client = "app"
        browser = try Browser { gate in
            try change(&openID, &gate)
            var provider = gate.provider
            provider.login = .openID(openID)
            provider.tokenPolicy = policy
            provider.bearer = false
            gate.provider = provider
        }
        browser.exchangeCode = { [unowned self] exchange in self.answer(exchange) }
    }

    static func metadata(announcesIssuer: Bool = false, authorization: String = "https://idp.example/auth?x=y") throws
        -> OpenIDMetadata
    {
        let document = """
            {"issuer":"\(issuer)","authorization_endpoint":"\(authorization)",
            "token_endpoint":"https://idp.example/token","jwks_uri":"https://idp.example/keys",
            "end_session_endpoint":"\(end)",
            "authorization_response_iss_parameter_supported":\(announcesIssuer)}
            """
        return try OpenIDMetadata(document: Array(document.utf8), issuer: issuer)
    }

    static var keys: KeySet { get throws { KeySet(keys: [try VerificationKey(secret: tokenSecret)]) } }

    private func answer(_ exchange: CodeExchange) -> CodeExchangeResult {
        exchanges.append(exchange)
        if let result { return result }
        count += 1
        guard let token = try? idToken() else { return .unavailable(detail: "") }
        idTokens.append(token)
        return .tokens(
            idToken: Array(token.utf8), accessToken: accessToken.map { Array($0.utf8) },
            userInfo: userInfo.map { Array($0.utf8) })
    }

    func idToken() throws -> String {
        var members: [(String, JSONValue)] = [
            ("iss", .string(Self.issuer)), ("sub", "ada"), ("aud", "app"), ("email", "ada@example.com"),
            ("nonce", .string(nonce)), ("iat", .number(JSONNumber(Int(browser.now)))),
            ("exp", .number(JSONNumber(Int(browser.now) + 300))), ("n", .number(JSONNumber(count))),
        ]
        for (name, value) in claims {
            members.removeAll { $0.0 == name }
            if !value.isNull { members.append((name, value)) }
        }
        return try TokenMinter(secret: VerificationKey(secret: tokenSecret)).mint(claims: members)
    }

    /// The parameters of the authorization request in a redirect, in order.
    func request(_ redirect: Outcome) -> [(name: String, value: String)] {
        let location = redirect.answer?.location ?? ""
        guard let mark = location.firstIndex(of: "?") else { return [] }
        return location[location.index(after: mark)...].split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decoded(String(parts[0])), parts.count > 1 ? decoded(String(parts[1])) : "")
        }
    }

    /// The provider's page: notes the nonce, and gives the state.
    func state(_ redirect: Outcome) -> String {
        let parameters = request(redirect)
        nonce = parameters.first { $0.name == "nonce" }?.value ?? ""
        return parameters.first { $0.name == "state" }?.value ?? ""
    }

    /// Back from the provider.
    @discardableResult
    func returned(_ redirect: Outcome, code: String = "code", more: String = "") throws -> Outcome {
        try browser.get("/.sidegate/callback?code=\(code)&state=\(state(redirect))" + more)
    }

    @discardableResult
    func signIn(_ path: String = "/") throws -> Outcome {
        try returned(browser.get(path))
    }
}
