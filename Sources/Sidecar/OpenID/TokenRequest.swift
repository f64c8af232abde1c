// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import Outbound
import Reactor

/// The requests that redeem a code: for tokens, and with them for the user's claims.
enum TokenRequest {
    /// The token request (RFC 6749 §4.1.3, RFC 7636 §4.5).
    static func request(_ exchange: CodeExchange, _ provider: OpenIDProvider, to url: OutboundURL) -> OutboundRequest {
        let clientID = Array(provider.clientID.utf8)
        var form = FormText()
        form.append("grant_type", Array("authorization_code".utf8))
        form.append("code", exchange.code)
        form.append("redirect_uri", exchange.redirectURL)
        form.append("code_verifier", exchange.verifier)
        var fields = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        switch provider.authentication {
        case .none:
            form.append("client_id", clientID)
        case .basic(let secret):
            // RFC 6749 §2.3.1: both are form-encoded first, so that the colon is unambiguous.
            let pair = FormText.encoded(clientID) + [UInt8(ascii: ":")] + FormText.encoded(secret.bytes)
            fields.append(("Authorization", "Basic " + Base64.encodeToString(pair)))
        case .post(let secret):
            form.append("client_id", clientID)
            form.append("client_secret", secret.bytes)
        }
        return OutboundRequest(
            method: "POST", url: url, fields: fields, body: form.bytes, timeout: timeout, maximumBytes: maximumBytes)
    }

    /// The UserInfo request (OpenID Connect Core 1.0 §5.3.1).
    static func userInfo(_ accessToken: [UInt8], at url: OutboundURL) -> OutboundRequest {
        OutboundRequest(
            url: url,
            fields: [
                ("Accept", "application/json"),
                ("Authorization", "Bearer " + String(decoding: accessToken, as: UTF8.self)),
            ], timeout: timeout, maximumBytes: maximumBytes)
    }

    /// Of each request. A sign-in waits for both.
    private static let timeout = Nanoseconds.seconds(5)
    /// Of a response; an ID token with hundreds of groups has 20,000.
    private static let maximumBytes = 128 * 1024
}
