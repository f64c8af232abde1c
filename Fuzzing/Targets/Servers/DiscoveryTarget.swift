// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Outbound
import TestSupport

/// Discovery documents of OpenID providers: what is accepted is of the issuer that was asked, and is
/// called at the host that its text names.
enum DiscoveryTarget {
    private static let issuer = "https://login.example"

    static let documents = FuzzTarget(
        "discovery", maximumLength: 1200,
        dictionary: [
            "\"issuer\":\"https://login.example\"", "\"authorization_endpoint\":", "\"token_endpoint\":",
            "\"jwks_uri\":",
            "\"end_session_endpoint\":", "\"userinfo_endpoint\":", "https://", "http://localhost", "?", "#", "@",
            "\\u0000", "[::1]",
        ],
        seeds: {
            [
                """
                {"issuer":"https://login.example","authorization_endpoint":"https://login.example/auth?a=b",\
                "token_endpoint":"https://login.example/token","jwks_uri":"https://login.example:8443/keys",\
                "userinfo_endpoint":"https://login.example/me","end_session_endpoint":"https://login.example/out",\
                "authorization_response_iss_parameter_supported":true,"scopes_supported":["openid"],\
                "code_challenge_methods_supported":["S256"],"backchannel_logout_supported":false}
                """, "{\"issuer\":\"https://evil.example\"}", "[]",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        guard let metadata = try? OpenIDMetadata(document: input, issuer: issuer) else { return }
        try require(metadata.issuer == issuer, "another issuer")
        let all = [metadata.authorizationEndpoint, metadata.endSessionEndpoint].compactMap { $0 }
        let called = [metadata.tokenEndpoint, metadata.jwksURL, metadata.userInfoEndpoint].compactMap { $0 }
        for text in all + called {
            try require(text.lowercased().hasPrefix("https://"), "\(text) is not https")
            try require(text.utf8.allSatisfy { 0x21...0x7e ~= $0 }, "\(text) holds characters that end a field")
            try require(!text.contains("#") && !text.contains("\\"), "\(text) is read in two ways")
        }
        for text in called {
            // Those that cannot be called are refused when they are needed.
            guard let url = OutboundURL(text) else { continue }
            let authority = text.dropFirst("https://".count).prefix { $0 != "/" && $0 != "?" }.lowercased()
            let host = url.authority.hasPrefix("[") ? "[\(url.host)]" : url.host.lowercased()
            try require(url.isSecure && authority.hasPrefix(host), "\(text) is called at \(url)")
            let port = authority.dropFirst(host.count)
            try require(port.isEmpty || UInt16(port.dropFirst()) == url.port, "\(text) is called at \(url)")
        }
        // The same document without its white space and escapes.
        guard let value = try? JSONParser.parse(input.span) else { throw BrokenProperty("not JSON") }
        let again = try? OpenIDMetadata(document: value.serialized(), issuer: issuer)
        try require(again == metadata, "written again, it is \(String(describing: again))")
    }
}
