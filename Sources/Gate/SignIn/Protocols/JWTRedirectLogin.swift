// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// The provider is reached by a URL template, and sends the browser back with a signed token in the query or in a form.
final class JWTRedirectLogin: LoginProtocol {
    private let requiresState: Bool
    private let template: URLTemplate
    private let returnPath: [UInt8]
    private let tokenParameter: [UInt8]
    private let tokens: TokenCheck

    init(_ configuration: JWTRedirectConfiguration, _ provider: ProviderConfiguration, _ tokens: TokenCheck) {
        template = configuration.loginURL
        returnPath = Array(provider.returnPath.utf8)
        tokenParameter = Array(configuration.tokenParameter.utf8)
        requiresState = provider.requiresState
        self.tokens = tokens
    }

    /// A template without a `{state}` of its own carries the state in the return URL, and some providers drop it.
    var namesAttempts: Bool { requiresState || template.contains(.state) }

    var needsAttempt: Bool { false }
    var method: SignInMethod { .redirect }

    func start(on origin: PublicOrigin) -> LoginURL? {
        LoginURL(template, origin, returnPath: returnPath)
    }

    /// `identityProvider.logoutURL` says that.
    func endOfSession(on origin: PublicOrigin, idToken: [UInt8]) -> [UInt8]? { nil }

    func parameters(of request: borrowing AccessRequest, form: [UInt8]?) -> Parameters {
        if let form { return Parameters(query: request.head).appending(Parameters(form: form)) }
        guard let query = request.head.query, query.upperBound <= request.head.bytes.count else {
            return Parameters(form: [])
        }
        return Parameters(returned: Array(request.head.bytes[query.range]), tokenParameter)
    }

    func finish(
        _ parameters: Parameters, _ attempt: ReturnedAttempt, on origin: PublicOrigin,
        _ request: borrowing AccessRequest
    ) -> LoginResult {
        let token: [UInt8]
        switch parameters.returnedToken(tokenParameter) {
        case .one(let value): token = value
        case .missing: return .refused(SignInRefusal(.tokenMissing), status: 400)
        case .ambiguous: return .refused(SignInRefusal(.tokenMalformed), status: 400)
        }
        let now = request.context.now
        do throws(SignInRefusal) {
            let user = try tokens.verifiedUser(token.span, now: now)
            return .verified(
                VerifiedLogin(
                    fields: user.fields, replayKeys: tokens.replayKeys(user.token),
                    retention: tokens.retention(of: user.token, now: now),
                    keyID: user.token.keyID, omissions: user.omissions))
        } catch {
            if tokens.canRefreshKeys(after: error.reason, request) {
                return .ask(.keys(of: [tokens.provider], isProven: attempt.isOurs))
            }
            return .refused(error, status: 403)
        }
    }
}
