// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// The provider is reached by a URL template, and sends the browser back with a signed token in the query or in a form.
final class JWTRedirectLogin: LoginProtocol {
    private let requiresState: Bool
    private let template: URLTemplate
    private let returnPath: [UInt8]
    private let tokenParameter: [UInt8]
    private let tokens: TokenCheck

    init(_ configuration: GateConfiguration, _ tokens: TokenCheck) {
        template = configuration.loginURL
        returnPath = Array(configuration.returnPath.utf8)
        tokenParameter = Array(configuration.tokenParameter.utf8)
        requiresState = configuration.requiresState
        self.tokens = tokens
    }

    /// A template without a `{state}` of its own carries the state in the return URL, and some providers drop it.
    var namesAttempts: Bool { requiresState || template.contains(.state) }

    func start(on origin: PublicOrigin) -> LoginURL {
        LoginURL(template, origin, returnPath: returnPath)
    }

    func parameters(of request: borrowing AccessRequest, form: [UInt8]?) -> Parameters {
        let query = Parameters(query: request.head)
        if let form { return query.appending(Parameters(form: form)) }
        return query.values(tokenParameter).isEmpty ? Parameters(doubledQuery: request.head) : query
    }

    func finish(_ parameters: Parameters, _ request: borrowing AccessRequest) -> LoginResult {
        let present = parameters.values(tokenParameter).filter { !$0.isEmpty }
        guard let token = present.first else { return .refused(.tokenMissing, status: 400) }
        // Of two, another reader could take the other one. The same goes for the state.
        guard present.count == 1, Set(parameters.values("state")).count <= 1 else {
            return .refused(.tokenMalformed, status: 400)
        }
        let now = request.context.now
        do throws(SignInRefusal) {
            let user = try tokens.verifiedUser(token.span, now: now)
            return .verified(
                VerifiedLogin(
                    fields: user.fields, replayKeys: tokens.replayKeys(user.token),
                    retention: tokens.retention(of: user.token, now: now)))
        } catch {
            if tokens.canRefreshKeys(after: error.reason, request) { return .ask(.keys) }
            return .refused(error.reason, status: 403)
        }
    }
}
