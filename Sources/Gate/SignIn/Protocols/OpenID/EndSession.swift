// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The address at which an OpenID provider ends the user's session there (OpenID Connect RP-Initiated Logout 1.0 §2).
enum EndSession {
    /// The one address that providers know the gate's `post_logout_redirect_uri` by. Nothing that a request holds becomes
    /// part of it.
    static let returnPath = "/.sidegate/signed-out"

    /// What the gate adds to the endpoint.
    static let parameters = ["client_id", "post_logout_redirect_uri", "id_token_hint"]

    /// - Parameters:
    ///   - endpoint: of the discovery document; it may have a query.
    ///   - idToken: of the session that ends; empty: not kept.
    static func url(endpoint: String, clientID: String, on origin: PublicOrigin, idToken: [UInt8]) -> [UInt8] {
        var url = Array(endpoint.utf8)
        let hasQuery = url.contains(UInt8(ascii: "?"))
        if !hasQuery {
            url.append(UInt8(ascii: "?"))
        } else if url.last != UInt8(ascii: "?"), url.last != UInt8(ascii: "&") {
            url.append(UInt8(ascii: "&"))
        }
        url.append("client_id=")
        url.appendPercentEncoded(clientID.utf8)
        url.append("&post_logout_redirect_uri=")
        url.appendPercentEncoded(origin.text + Array(returnPath.utf8))
        // A longer URL fails at many servers, and without the hint the provider asks the user.
        if !idToken.isEmpty, idToken.count <= maximumHintByteCount {
            url.append("&id_token_hint=")
            url.appendPercentEncoded(idToken)
        }
        return url
    }

    private static let maximumHintByteCount = 6 * 1024
}
