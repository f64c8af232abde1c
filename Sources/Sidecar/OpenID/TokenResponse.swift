// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Outbound

/// Why a code brought no tokens.
struct RedemptionFailure: Error, CustomStringConvertible {
    /// The provider answered.
    let isAnswer: Bool
    /// For the log: neither codes nor tokens nor secrets.
    let description: String

    var result: CodeExchangeResult {
        isAnswer ? .refused(detail: description) : .unavailable(detail: description)
    }

    static func answer(_ description: String) -> RedemptionFailure {
        RedemptionFailure(isAnswer: true, description: description)
    }
}

/// The tokens of a successful token response (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3).
struct TokenResponse: Equatable {
    let idToken: [UInt8]
    let accessToken: [UInt8]?

    /// - Parameter secrets: what must not appear in the failure's text.
    init(
        _ result: Result<OutboundResponse, OutboundFailure>, hiding secrets: [[UInt8]]
    ) throws(RedemptionFailure) {
        let response = try ProviderResponse.good(result, of: "token endpoint", hiding: secrets)
        let members = try ProviderResponse.object(response.body, of: "token endpoint")
        guard let kind = members["token_type"]?.string, kind.lowercased() == "bearer" else {
            throw .answer("the token endpoint's response has no token_type Bearer; fix: \(OpenIDAdvice.unusable)")
        }
        guard let idToken = members["id_token"]?.string else {
            throw .answer(
                "the token endpoint's response has no id_token; fix: allow the client the scope openid at the provider")
        }
        self.idToken = try Self.token(idToken, "id_token")
        switch members["access_token"] {
        case nil, .some(.null): accessToken = nil
        case .some(.string(let text)): accessToken = try Self.token(text, "access_token")
        case .some:
            throw .answer("the token endpoint's access_token is not a string; fix: \(OpenIDAdvice.unusable)")
        }
    }

    /// Visible ASCII, since it is written into a field.
    private static func token(_ text: String, _ name: String) throws(RedemptionFailure) -> [UInt8] {
        guard 1...maximumToken ~= text.utf8.count, text.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            throw .answer(
                "the token endpoint's \(name) is empty, too long or not plain ASCII; fix: \(OpenIDAdvice.unusable)")
        }
        return Array(text.utf8)
    }

    private static let maximumToken = 64 * 1024
}

/// What the responses of a provider's endpoints have in common.
enum ProviderResponse {
    /// The response, when it is a success. Redirects are not followed: they would take a secret elsewhere.
    ///
    /// - Parameter endpoint: its name, for the failure's text.
    static func good(
        _ result: Result<OutboundResponse, OutboundFailure>, of endpoint: String, hiding secrets: [[UInt8]]
    ) throws(RedemptionFailure) -> OutboundResponse {
        switch result {
        case .success(let response) where response.status == 200: return response
        case .success(let response):
            let text = ProviderErrorText(response.body, hiding: secrets)
            var words = "the \(endpoint) answered \(response.status)"
            if let code = text.code {
                words += ": \(code); fix: \(OpenIDAdvice.fix(errorCode: code) ?? OpenIDAdvice.unknownError)"
            } else {
                if 300..<400 ~= response.status { words += ", a redirect, which is not followed" }
                words += "; fix: \(OpenIDAdvice.fix(status: response.status))"
            }
            // An intermediary's word that the provider is away.
            let isAway = [429, 502, 503, 504].contains(response.status) && text.code == nil
            throw RedemptionFailure(isAnswer: !isAway, description: words)
        case .failure(let failure):
            let words = "the \(endpoint): \(failure.description)"
            switch failure {
            case .malformed, .tooLarge: throw .answer("\(words); fix: \(OpenIDAdvice.unusable)")
            case .name, .connect, .timeout, .tls, .closed:
                throw RedemptionFailure(
                    isAnswer: false, description: "\(words); fix: \(OpenIDAdvice.unreachable)")
            }
        }
    }

    static func object(_ body: [UInt8], of endpoint: String) throws(RedemptionFailure) -> JSONObject {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(body.span)
        } catch {
            throw .answer(
                "the \(endpoint)'s response is not usable JSON: \(error.message); fix: \(OpenIDAdvice.unusable)")
        }
        guard let members = value.object else {
            throw .answer(
                "the \(endpoint)'s response is \(value.kindName), not an object; fix: \(OpenIDAdvice.unusable)")
        }
        return members
    }

    /// A UserInfo response (OpenID Connect Core 1.0 §5.3.2), as JSON text.
    static func userInfo(
        _ result: Result<OutboundResponse, OutboundFailure>, hiding secrets: [[UInt8]]
    ) throws(RedemptionFailure) -> [UInt8] {
        let response = try good(result, of: "userinfo endpoint", hiding: secrets)
        if response.field("Content-Type")?.lowercased().hasPrefix("application/jwt") ?? false {
            throw .answer(
                "the userinfo endpoint's response is signed or encrypted, which is not supported; fix: have the client get"
                    + " plain JSON there")
        }
        let members = try object(response.body, of: "userinfo endpoint")
        guard members["sub"]?.string?.isEmpty == false else {
            throw .answer("the userinfo endpoint's response has no sub; fix: \(OpenIDAdvice.unusable)")
        }
        return response.body
    }
}
