// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Outbound

/// One authorization code on its way to tokens: the token request, then the UserInfo request where it is configured.
///
/// Nothing is repeated: a code is valid once, and the provider may have seen it.
final class CodeRedemption {
    private let exchange: CodeExchange
    private let provider: OpenIDProvider
    private let metadata: OpenIDMetadata
    private let client: OutboundClient
    private let report: (ProviderEndpoint, Bool) -> Void
    private let done: (CodeExchangeResult) -> Void

    /// - Parameters:
    ///   - report: called at the end of each request.
    ///   - done: called exactly once, later.
    init(
        _ exchange: CodeExchange, _ provider: OpenIDProvider, _ metadata: OpenIDMetadata, _ client: OutboundClient,
        report: @escaping (ProviderEndpoint, Bool) -> Void, done: @escaping (CodeExchangeResult) -> Void
    ) {
        self.exchange = exchange
        self.provider = provider
        self.metadata = metadata
        self.client = client
        self.report = report
        self.done = done
    }

    func start() {
        guard let url = OutboundURL(metadata.tokenEndpoint) else {
            return done(
                .unavailable(
                    detail:
                        "the token endpoint's address cannot be called; fix: the provider's administrator must correct "
                        + "the discovery document"))
        }
        send(TokenRequest.request(exchange, provider, to: url)) { [self] in tokensCame($0) }
    }

    private func send(
        _ request: OutboundRequest, _ completion: @escaping (Result<OutboundResponse, OutboundFailure>) -> Void
    ) {
        var request = request
        request.allowsLocalAddress = provider.allowsLocalAddress(of: request.url)
        client.send(request, completion)
    }

    private func tokensCame(_ result: Result<OutboundResponse, OutboundFailure>) {
        let tokens: TokenResponse
        do throws(RedemptionFailure) {
            tokens = try TokenResponse(result, hiding: secrets)
        } catch {
            report(.token, false)
            return done(error.result)
        }
        report(.token, true)
        guard provider.asksUserInfo else {
            return done(.tokens(idToken: tokens.idToken, accessToken: tokens.accessToken, userInfo: nil))
        }
        do throws(RedemptionFailure) {
            let request = try userInfoRequest(tokens)
            send(request) { [self] in userInfoCame($0, tokens) }
        } catch {
            report(.userInfo, false)
            done(error.result)
        }
    }

    private func userInfoRequest(_ tokens: TokenResponse) throws(RedemptionFailure) -> OutboundRequest {
        guard let endpoint = metadata.userInfoEndpoint else {
            throw .answer(
                "identityProvider.userInfo is set, and the provider publishes no userinfo_endpoint; fix: remove userInfo, "
                    + "and have the claims put into the ID token")
        }
        guard let url = OutboundURL(endpoint) else {
            throw .answer(
                "identityProvider.userInfo is set, and the provider's userinfo_endpoint cannot be called; fix: correct it "
                    + "at the provider, or remove userInfo, and have the claims put into the ID token")
        }
        guard let accessToken = tokens.accessToken else {
            throw .answer(
                "identityProvider.userInfo is set, and the token endpoint's response has no access_token; fix: remove "
                    + "userInfo, or have the provider send one")
        }
        return TokenRequest.userInfo(accessToken, at: url)
    }

    private func userInfoCame(_ result: Result<OutboundResponse, OutboundFailure>, _ tokens: TokenResponse) {
        do throws(RedemptionFailure) {
            let hidden = secrets + [tokens.idToken, tokens.accessToken ?? []]
            let userInfo = try ProviderResponse.userInfo(result, hiding: hidden)
            report(.userInfo, true)
            done(.tokens(idToken: tokens.idToken, accessToken: tokens.accessToken, userInfo: userInfo))
        } catch {
            report(.userInfo, false)
            done(error.result)
        }
    }

    /// As they are, and as they were sent.
    private var secrets: [[UInt8]] {
        let secret = provider.authentication.secret.map { [$0.bytes] } ?? []
        let plain = [exchange.code, exchange.verifier] + secret
        return plain + plain.map { FormText.encoded($0) }
    }
}
