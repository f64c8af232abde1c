// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// OpenID Connect's authorization code flow (OpenID Connect Core §3.1) with PKCE (RFC 7636), always with `state` and
/// `nonce`.
///
/// The browser brings a code, which proves nothing. The gate exchanges it for an ID token, by a request of its own, and
/// verifies that as any other token.
final class OpenIDLogin: LoginProtocol {
    private let configuration: OpenIDConfiguration
    /// The provider's name; empty for the only one.
    private let provider: String
    private let returnPath: [UInt8]
    private let tokens: TokenCheck
    private var metadata: OpenIDMetadata?

    init(_ configuration: OpenIDConfiguration, _ provider: ProviderConfiguration, _ tokens: TokenCheck) {
        self.configuration = configuration
        self.provider = provider.name
        returnPath = Array(provider.returnPath.utf8)
        self.tokens = tokens
        metadata = configuration.metadata
    }

    var issuer: String { configuration.issuer }
    var name: String { provider }

    /// What discovery has found, from now on.
    func replaceMetadata(_ metadata: OpenIDMetadata) { self.metadata = metadata }

    var namesAttempts: Bool { true }
    var needsAttempt: Bool { true }
    var method: SignInMethod { .openID }

    /// Without keys the code of the response would be spent for nothing.
    func start(on origin: PublicOrigin) -> LoginURL? {
        guard tokens.hasKeys, let metadata else { return nil }
        return LoginURL(
            configuration, endpoint: metadata.authorizationEndpoint, origin, redirectURL: redirectURL(on: origin))
    }

    func endOfSession(on origin: PublicOrigin, idToken: [UInt8]) -> [UInt8]? {
        metadata?.endSessionEndpoint.map {
            EndSession.url(endpoint: $0, clientID: configuration.clientID, on: origin, idToken: idToken)
        }
    }

    /// Of a form alone, or of the query alone: from both, another reader could take another code.
    func parameters(of request: borrowing AccessRequest, form: [UInt8]?) -> Parameters {
        form.map { Parameters(form: $0) } ?? Parameters(query: request.head)
    }

    func finish(
        _ parameters: Parameters, _ attempt: ReturnedAttempt, on origin: PublicOrigin,
        _ request: borrowing AccessRequest
    ) -> LoginResult {
        do throws(OpenIDRefusal) {
            let answer = try OpenIDResponse(parameters)
            // First: a form that comes where none is expected brings no login cookie either.
            try answer.checkMode(isForm: request.form != nil, configuration.responseMode)
            guard attempt.isOurs, let proof = attempt.proof else {
                // Anybody can write a link with an error: its code is not repeated.
                throw answer.isError
                    ? OpenIDRefusal(
                        .providerError,
                        "an error that answers no attempt of this browser; fix: let sign-ins begin at the app, and see what the "
                            + "provider's log says")
                    : noAttempt(attempt, request)
            }
            try checkIssuer(answer.issuer)
            let code = try answer.provenCode()
            guard metadata != nil else {
                throw OpenIDRefusal(.providerUnavailable, "the discovery document is not known yet; \(Self.fetchFix)")
            }
            guard tokens.hasKeys else {
                if tokens.canRefreshKeys(after: .keyNotFound, request) {
                    return .ask(.keys(of: [provider], isProven: true))
                }
                throw OpenIDRefusal(
                    .providerUnavailable, "no usable key of the provider is known yet; \(Self.fetchFix)")
            }
            guard let result = request.codeExchange else {
                let exchange = CodeExchange(
                    provider: provider, issuer: configuration.issuer, code: code, verifier: proof.verifier,
                    redirectURL: redirectURL(on: origin), requestID: request.idText, client: request.client)
                return .ask(.exchangeCode(PendingExchange(exchange)))
            }
            return try verified(result, proof, code, request)
        } catch {
            return .refused(error.refusal, status: error.status)
        }
    }

    /// RFC 9207 §2.4. An announced `iss` that is missing may have been sent by another provider, which never had it.
    private func checkIssuer(_ issuer: [UInt8]?) throws(OpenIDRefusal) {
        if let issuer {
            guard issuer.elementsEqual(configuration.issuer.utf8) else {
                throw OpenIDRefusal(
                    .issuerMismatch,
                    "the response's iss is \(OpenIDResponse.shown(issuer)), not \(configuration.issuer); fix: set "
                        + "identityProvider.issuer to the issuer that the provider writes, unless the response is another "
                        + "provider's")
            }
        } else if metadata?.announcesIssuer ?? false {
            throw OpenIDRefusal(
                .issuerMismatch,
                "the response has no iss, which the provider's discovery document announces; fix: correct one of the two at "
                    + "the provider, unless the response is another provider's")
        }
    }

    /// The response answers no attempt of this browser.
    private func noAttempt(_ attempt: ReturnedAttempt, _ request: borrowing AccessRequest) -> OpenIDRefusal {
        if let elsewhere = ReturnedElsewhere(request) {
            return OpenIDRefusal(
                attempt.refusal,
                elsewhere.detail + "; fix: register the redirect URI under publicURL, or correct publicURL",
                cause: elsewhere.cause)
        }
        guard !attempt.hasFailed else {
            return OpenIDRefusal(
                attempt.refusal,
                "the attempt was refused before, and this is its response once more; fix: see what the first line about it "
                    + "says", cause: .attemptFailed)
        }
        let words =
            attempt.refusal == .loginStateExpired
            ? "the attempt began more than ten minutes ago; fix: try again; if it happens at once, compare the clocks and the "
                + "session secrets of the replicas"
            : attempt.named == nil
                ? "the response has no state of this gate; fix: let sign-ins begin at the app, not at the provider"
                : "the state is of no attempt of this browser; fix: it began in another browser or at another address than "
                    + "publicURL, was used before, or cookies are blocked"
        return OpenIDRefusal(attempt.isOurs ? .loginStateMissing : attempt.refusal, words)
    }

    private func verified(
        _ result: CodeExchangeResult, _ proof: LoginProof, _ code: [UInt8],
        _ request: borrowing AccessRequest
    ) throws(OpenIDRefusal) -> LoginResult {
        let (idToken, accessToken, userInfo): ([UInt8], [UInt8]?, [UInt8]?)
        switch result {
        case .tokens(let token, let access, let document): (idToken, accessToken, userInfo) = (token, access, document)
        case .refused(let detail): throw OpenIDRefusal(.codeExchangeFailed, detail)
        case .unavailable(let detail): throw OpenIDRefusal(.providerUnavailable, detail)
        }
        let now = request.context.now
        let user: VerifiedUser
        do throws(SignInRefusal) {
            user = try tokens.verifiedUser(
                idToken.span, now: now, binding: IDTokenBinding(nonce: proof.nonce, accessToken: accessToken),
                adding: userInfo)
        } catch {
            if tokens.canRefreshKeys(after: error.reason, request) {
                return .ask(.keys(of: [provider], isProven: true))
            }
            return .refused(error.advising(OpenIDAdvice.fix(error.reason)), status: 403)
        }
        return .verified(
            VerifiedLogin(
                fields: user.fields, replayKeys: tokens.replayKeys(user.token),
                retention: tokens.retention(of: user.token, now: now), keyID: user.token.keyID,
                omissions: user.omissions, providerSession: ProviderSession(user.token).encoded,
                responseKey: proof.key(of: code), idToken: idToken))
    }

    private func redirectURL(on origin: PublicOrigin) -> [UInt8] { origin.text + returnPath }

    private static let fetchFix = "fix: the log names failed fetches; sidegate doctor tries them from here"
}
