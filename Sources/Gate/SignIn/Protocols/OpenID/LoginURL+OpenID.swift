// SPDX-License-Identifier: Apache-2.0

import HTTP

extension LoginURL {
    /// The authorization request (OpenID Connect Core §3.1.2.1), with PKCE by S256 (RFC 7636 §4.3).
    ///
    /// - Parameters:
    ///   - endpoint: of the discovery document; it may have a query, which is kept (RFC 6749 §3.1).
    ///   - redirectURL: the return path on this origin.
    init(
        _ configuration: OpenIDConfiguration, endpoint: String, _ origin: PublicOrigin, redirectURL: [UInt8]
    ) {
        self.init(on: origin)
        let endpoint = Array(endpoint.utf8)
        append(endpoint)
        let hasQuery = endpoint.contains(UInt8(ascii: "?"))
        let endsQuery = endpoint.last == UInt8(ascii: "?") || endpoint.last == UInt8(ascii: "&")
        append(Array((!hasQuery ? "?" : endsQuery ? "" : "&").utf8))
        append(Self.parameter("response_type", "code".utf8, isFirst: true))
        append(Self.parameter("client_id", configuration.clientID.utf8))
        append(Self.parameter("redirect_uri", redirectURL))
        append(Self.parameter("scope", configuration.scopes.joined(separator: " ").utf8))
        switch configuration.responseMode {
        // The default of the flow.
        case .query: break
        case .formPost: append(Self.parameter("response_mode", configuration.responseMode.rawValue.utf8))
        }
        for parameter in configuration.parameters { append(Self.parameter(parameter.name, parameter.value.utf8)) }
        append(Self.parameter("code_challenge_method", "S256".utf8))
        append(Self.parameter("state", []))
        append(.attempt)
        append(Self.parameter("nonce", []))
        append(.nonce)
        append(Self.parameter("code_challenge", []))
        append(.challenge)
    }

    private static func parameter(_ name: String, _ value: some Sequence<UInt8>, isFirst: Bool = false) -> [UInt8] {
        var text: [UInt8] = isFirst ? [] : [UInt8(ascii: "&")]
        text.appendPercentEncoded(name.utf8)
        text.append(UInt8(ascii: "="))
        text.appendPercentEncoded(value)
        return text
    }

    private static func parameter(_ name: String, _ value: [UInt8]) -> [UInt8] {
        parameter(name, value, isFirst: false)
    }
}
