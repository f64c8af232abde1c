// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Outbound

/// An OpenID provider: its discovery document, what it offers, and its keys.
extension Doctor {
    func openID(_ settings: OpenIDSettings, _ token: TokenSettings, returnPath: String) -> [DoctorFinding] {
        let name = "identityProvider.issuer"
        let address = OpenIDMetadata.documentURL(of: settings.issuer)
        switch network.document(address, settings.tls) {
        case .failure(let problem):
            return [
                DoctorFinding(
                    .failed, name, "\(address): \(problem)",
                    fix: "correct the issuer; this machine must be able to reach the provider"),
                DoctorFinding(.warning, "clock", "not compared: the identity provider did not answer"),
            ]
        case .success(let answer):
            let clock = clock(answer.skew, of: Self.origin(of: settings.issuer))
            do throws(OpenIDMetadataError) {
                let metadata = try OpenIDMetadata(document: answer.body, issuer: settings.issuer)
                return [DoctorFinding(.ok, name, "\(address) answers \(answer.status)"), clock]
                    + metadata.ignored.map {
                        DoctorFinding(
                            .warning, name, "part of the discovery document is ignored: \($0)",
                            fix: "ask the provider's administrator")
                    } + offers(metadata.offers, settings, token) + [keys(metadata, settings, token)]
                    + userInfo(metadata, settings) + [endOfSession(metadata), addresses(metadata, returnPath)]
            } catch {
                return [
                    DoctorFinding(
                        .failed, name, "the discovery document cannot be used: \(error)", fix: Self.fix(error)), clock,
                ]
            }
        }
    }

    private static func fix(_ error: OpenIDMetadataError) -> String {
        switch error.problem {
        case .issuer: "write the issuer exactly as the document has it, with or without the slash at its end"
        case .noDocument: "correct the issuer: what is below its address is no discovery document"
        case .member: "ask the provider's administrator to correct the document"
        }
    }

    /// What the provider says it supports, against what the configuration asks for.
    private func offers(
        _ offers: OpenIDMetadata.Offers, _ settings: OpenIDSettings, _ token: TokenSettings
    ) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        // RFC 8414 §2: client_secret_basic where the list is missing.
        let method =
            switch (settings.clientSecret, settings.clientAuthentication) {
            case (nil, _): "none"
            case (.some, .basic): "client_secret_basic"
            case (.some, .post): "client_secret_post"
            }
        let methods = offers.clientAuthentication ?? ["client_secret_basic"]
        // Some that take public clients do not say so.
        if method != "none", !methods.contains(method) {
            findings.append(
                DoctorFinding(
                    .warning, "identityProvider.clientAuthentication",
                    "the provider offers \(Self.list(methods)), not \(method)",
                    fix: Self.authenticationFix(methods)))
        }
        if let challenges = offers.challengeMethods, !challenges.contains("S256") {
            findings.append(
                DoctorFinding(
                    .warning, "PKCE", "the provider offers \(Self.list(challenges)), not S256",
                    fix: "enable PKCE with S256 at the provider: it keeps a stolen code from being used"))
        }
        if let modes = offers.responseModes, !modes.contains(settings.responseMode.rawValue) {
            let other = OpenIDResponseMode.allCases.first { modes.contains($0.rawValue) }
            findings.append(
                DoctorFinding(
                    .warning, "identityProvider.responseMode",
                    "the provider offers \(Self.list(modes)), not \(settings.responseMode.rawValue)",
                    fix: other.map { "set `identityProvider.responseMode: \($0.rawValue)`" }
                        ?? "enable the response mode query or form_post at the provider"))
        }
        if let types = offers.responseTypes, !types.contains("code") {
            findings.append(
                DoctorFinding(
                    .warning, "identityProvider.protocol", "the provider offers \(Self.list(types)), not code",
                    fix: "enable the authorization code flow at the provider"))
        }
        if let scopes = offers.scopes {
            let missing = settings.scopes.filter { !scopes.contains($0) }
            if !missing.isEmpty {
                findings.append(
                    DoctorFinding(
                        .warning, "identityProvider.scopes", "the provider does not offer \(Self.list(missing))",
                        fix: "remove them, or ask the provider's administrator"))
            }
        }
        if let algorithms = offers.signingAlgorithms,
            !algorithms.contains(where: { name in token.policy.algorithms.contains { $0.rawValue == name } })
        {
            findings.append(
                DoctorFinding(
                    .failed, "token.algorithms", "the provider signs ID tokens with \(Self.list(algorithms))",
                    fix: "set `token.algorithms` to one of these, or choose another at the provider"))
        }
        return findings
    }

    /// - Parameter methods: that the provider offers; the configured one is not among them.
    private static func authenticationFix(_ methods: [String]) -> String {
        if methods.contains("client_secret_basic") { return "set `identityProvider.clientAuthentication: basic`" }
        if methods.contains("client_secret_post") { return "set `identityProvider.clientAuthentication: post`" }
        let secrets = "register the client with client_secret_basic or client_secret_post: no other method is supported"
        return methods.contains("none")
            ? "\(secrets); or register a public client, and remove `identityProvider.clientSecret`" : secrets
    }

    private func keys(
        _ metadata: OpenIDMetadata, _ settings: OpenIDSettings, _ token: TokenSettings
    ) -> DoctorFinding {
        keys(
            RemoteKeySettings(
                url: metadata.jwksURL, tls: settings.tls, allowWeakSecret: false, origin: settings.issuerOrigin),
            "jwks_uri")
    }

    private func userInfo(_ metadata: OpenIDMetadata, _ settings: OpenIDSettings) -> [DoctorFinding] {
        let endpoint = metadata.userInfoEndpoint
        guard settings.asksUserInfo, endpoint.flatMap(OutboundURL.init) == nil else { return [] }
        let what = endpoint == nil ? "the provider has no userinfo_endpoint" : "its userinfo_endpoint cannot be called"
        return [
            DoctorFinding(
                .failed, "identityProvider.userInfo", "\(what): no sign-in would succeed",
                fix: "remove `identityProvider.userInfo`, and have the claims put into the ID token")
        ]
    }

    private func endOfSession(_ metadata: OpenIDMetadata) -> DoctorFinding {
        let name = "end_session_endpoint"
        guard let endpoint = metadata.endSessionEndpoint else {
            return DoctorFinding(
                .ok, name, "none: signing out ends the session here, and the one at the provider remains")
        }
        return DoctorFinding(.ok, name, Self.withoutQuery(endpoint))
    }

    /// What has to be registered at the provider.
    private func addresses(_ metadata: OpenIDMetadata, _ returnPath: String) -> DoctorFinding {
        let site = settings.publicURL?.words
        var words = "register \(site ?? "https://<this site>")\(returnPath) as redirect URI"
        if metadata.endSessionEndpoint != nil {
            words += ", \(site ?? "https://<this site>")/.sidegate/signed-out as post-logout redirect URI"
        }
        if metadata.supportsBackchannelLogout {
            words += ", \(site ?? "https://<this site>")/.sidegate/backchannel-logout for back-channel logout"
        }
        return DoctorFinding(.ok, "identityProvider.returnPath", words)
    }

    private static func withoutQuery(_ url: String) -> String { String(url.prefix { $0 != "?" && $0 != "#" }) }

    /// The provider's words, bounded.
    private static func list(_ words: [String]) -> String {
        guard !words.isEmpty else { return "nothing" }
        return words.prefix(10).map { word in
            String(
                word.unicodeScalars.prefix(40).filter { $0.isASCII && $0.value > 0x20 && $0.value < 0x7f }.map(
                    Character.init))
        }.joined(separator: ", ")
    }
}
