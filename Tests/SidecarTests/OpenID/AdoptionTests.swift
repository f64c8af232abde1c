// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Pages
import Testing

@testable import Sidecar

/// What a new configuration takes of the providers that were known before it.
@Suite struct AdoptionTests {
    private static func metadata(_ issuer: String) throws -> OpenIDMetadata {
        try OpenIDMetadata(document: Array(OpenIDBench.document(issuer).utf8), issuer: issuer)
    }

    private static func configuration() throws -> GateConfiguration {
        let providers = [("staff", "https://staff.example"), ("shop", "https://shop.example")].map { name, issuer in
            var provider = ProviderConfiguration(
                login: .openID(OpenIDConfiguration(issuer: issuer, clientID: "app")), tokenPolicy: TokenPolicy(),
                keys: KeySet(keys: []))
            provider.name = name
            return provider
        }
        return GateConfiguration(
            providers: providers,
            session: SessionConfiguration(secrets: [Array("a secret for sessions, 32 bytes!".utf8)]),
            upstreamAuthority: "127.0.0.1:3000", pages: try PageRenderer())
    }

    private static func issuers(_ configuration: GateConfiguration) -> [String?] {
        configuration.providers.map { provider in
            if case .openID(let login) = provider.login { login.metadata?.issuer } else { nil }
        }
    }

    @Test func itIsOfTheSameNameAndTheSameIssuer() throws {
        let keys = try KeySet(jwks: Array(OpenIDBench.keySet("one").utf8))
        var configuration = try Self.configuration()
        for (name, issuer) in [
            ("staff", "https://shop.example"), ("staff", "https://staff.example/"), ("", "https://staff.example"),
            ("other", "https://shop.example"),
        ] {
            configuration.adopt(KnownProvider(name: name, metadata: try Self.metadata(issuer), keys: keys))
            #expect(Self.issuers(configuration) == [nil, nil], "\(name) \(issuer)")
            #expect(configuration.providers.allSatisfy { $0.keys.keys.isEmpty })
        }
        configuration.adopt(
            KnownProvider(name: "shop", metadata: try Self.metadata("https://shop.example"), keys: keys))
        #expect(Self.issuers(configuration) == [nil, "https://shop.example"])
        #expect(configuration.providers.map(\.keys.keys.count) == [0, 1])
    }
}
