// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// `identityProvider`, for OpenID Connect, and what it changes about tokens.

extension SettingsBuilder {
    var isOpenID: Bool { resolution[OpenIDOptions.loginProtocol] == .oidc }

    /// Nil: another protocol.
    mutating func openID() -> OpenIDSettings? {
        guard isOpenID else {
            refuseForeign(
                [
                    OpenIDOptions.issuer.row, OpenIDOptions.clientID.row, OpenIDOptions.clientSecret.inline.row,
                    OpenIDOptions.clientSecret.file.row, OpenIDOptions.userInfo.row, OpenIDOptions.parameters.row,
                    OpenIDOptions.responseMode.row,
                ], "for `identityProvider.protocol: oidc` only; set that, or remove this key")
            return nil
        }
        refuseForeign(
            [
                IdentityProviderOptions.loginURL.row, IdentityProviderOptions.apiKey.row,
                IdentityProviderOptions.jwtApp.row, IdentityProviderOptions.logoutTokenParameter.row,
                IdentityProviderOptions.returnToParameter.row, IdentityProviderOptions.tokenParameter.row,
            ], "for `identityProvider.protocol: jwt` only; the provider's discovery document says where users sign in")
        let issuer = issuerOfOpenID()
        let clientID = resolution[OpenIDOptions.clientID]
        if clientID.isEmpty, purpose == .serve, !resolution.refused(OpenIDOptions.clientID) {
            findings.append(
                .error(
                    sourceLocation(of: OpenIDOptions.clientID.path),
                    "`\(OpenIDOptions.clientID.path)` is missing; write the client's identifier at the provider"))
        }
        if let secret = resolution.entries[OpenIDOptions.clientSecret.inline.path], secret.value == .text("") {
            findings.append(
                .error(
                    secret.origin,
                    "`\(OpenIDOptions.clientSecret.inline.path)` is empty; write the client's secret, or remove this key for a"
                        + " public client"))
        }
        let secret = purpose == .serve ? secret(OpenIDOptions.clientSecret) : nil
        if purpose == .serve, secret == nil, resolution.isSet(OpenIDOptions.clientAuthentication),
            !resolution.refused(OpenIDOptions.clientSecret)
        {
            findings.append(
                .warning(
                    resolution.origin(OpenIDOptions.clientAuthentication),
                    "`\(OpenIDOptions.clientAuthentication.path)`: there is no client secret to authenticate with; set"
                        + " `\(OpenIDOptions.clientSecret.file.path)`, or remove this key for a public client"))
        }
        return OpenIDSettings(
            issuer: issuer ?? "", clientID: clientID, clientSecret: secret.map { Secret($0.bytes) },
            clientAuthentication: resolution[OpenIDOptions.clientAuthentication], scopes: scopes(),
            responseMode: resolution[OpenIDOptions.responseMode], asksUserInfo: resolution[OpenIDOptions.userInfo],
            parameters: parameters(),
            tls: callTLS(issuer ?? "https://", resolution, OpenIDOptions.tls, prefix: ""),
            issuerOrigin: resolution.origin(OpenIDOptions.issuer))
    }

    /// OpenID Connect Discovery 1.0 §3: an https URL without query or fragment. Over http anybody on the way could answer
    /// for the provider.
    private mutating func issuerOfOpenID() -> String? {
        let path = OpenIDOptions.issuer.path
        guard let issuer = resolution.given(OpenIDOptions.issuer) else {
            if purpose == .serve, !resolution.refused(OpenIDOptions.issuer) {
                findings.append(
                    .error(
                        sourceLocation(of: path),
                        "`\(path)` is missing; write the provider's issuer, such as https://idp.example.com/realms/main"
                    ))
            }
            return nil
        }
        if !issuer.value.lowercased().hasPrefix("https://"), !LoopbackHost.isNamed(in: issuer.value) {
            findings.append(
                .error(
                    issuer.origin,
                    "`\(path)`: over http anybody on the way could answer for the provider; write https:// (http is for"
                        + " this machine only)"))
        }
        if issuer.value.contains(where: { $0 == "?" || $0 == "#" }) {
            findings.append(
                .error(issuer.origin, "`\(path)`: an issuer has neither a query nor a fragment; remove it"))
        }
        if issuer.value.hasSuffix("/.well-known/openid-configuration") {
            findings.append(
                .error(
                    issuer.origin,
                    "`\(path)`: this is the address of the discovery document; write what stands before"
                        + " /.well-known/openid-configuration"))
        }
        let parts = issuer.value.lowercased().split(separator: "/")
        if parts.count > 2, parts[1].hasPrefix("login.microsoftonline."),
            ["common", "organizations", "consumers"].contains(parts[2])
        {
            findings.append(
                .error(
                    issuer.origin,
                    "`\(path)`: /\(parts[2])/ stands for the users of every tenant, whose tokens have other issuers; write the"
                        + " ID of your tenant in its place, and an item of `identityProviders` for each further one"))
        }
        return issuer.value
    }

    private mutating func scopes() -> [String] {
        let scopes = resolution.items(OpenIDOptions.scopes)
        for scope in scopes {
            // RFC 6749 §3.3
            let isToken = scope.value.utf8.allSatisfy { 0x21...0x7e ~= $0 && $0 != 0x22 && $0 != 0x5c }
            guard !isToken else { continue }
            findings.append(
                .error(
                    scope.origin,
                    "`\(OpenIDOptions.scopes.path)`: \(Quoted.text(scope.value)) is no scope; write one word for each, such as"
                        + " [openid, email]"))
        }
        if !scopes.contains(where: { $0.value == "openid" }), !resolution.refused(OpenIDOptions.scopes) {
            findings.append(
                .error(
                    resolution.origin(OpenIDOptions.scopes),
                    "`\(OpenIDOptions.scopes.path)`: without `openid` the provider sends no ID token; add it"))
        }
        return scopes.map(\.value)
    }

    private mutating func parameters() -> [OpenIDParameter] {
        resolution[OpenIDOptions.parameters].map { entry in
            if OpenIDParameter.own.contains(entry.name.lowercased()) {
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "`\(OpenIDOptions.parameters.path)`: \(Quoted.text(entry.name)) is set by the protocol itself;"
                            + " remove it"))
            }
            return OpenIDParameter(entry.name, entry.value)
        }
    }

    private mutating func refuseForeign(_ rows: [OptionRow], _ advice: String) {
        for row in rows where resolution.isChanged(row) {
            guard let entry = resolution.entries[row.path], !entry.isDefault else { continue }
            findings.append(.error(entry.nameOrigin, "`\(row.path)` is \(advice)"))
        }
    }

    // MARK: Tokens

    /// Those that a provider's published keys can serve, unless the configuration says otherwise.
    var algorithms: [Algorithm] {
        guard isOpenID, !resolution.isSet(TokenOptions.algorithms) else { return resolution[TokenOptions.algorithms] }
        return [.rs256, .es256]
    }

    /// An ID token that leaked must not open the app: only where the configuration asks for it.
    var acceptsBearer: Bool {
        isOpenID && !resolution.isSet(TokenOptions.bearer) ? false : resolution[TokenOptions.bearer]
    }

    /// What ID tokens must say; the issuer and the audience follow from the provider.
    mutating func policyOfIDTokens(_ policy: TokenPolicy) -> TokenPolicy {
        guard isOpenID else { return policy }
        var policy = policy
        let issuer = resolution[OpenIDOptions.issuer] ?? ""
        let clientID = resolution[OpenIDOptions.clientID]
        refuseOther(
            TokenOptions.issuer.row, policy.issuer.isEmpty || policy.issuer == issuer, "`identityProvider.issuer`")
        refuseOther(
            TokenOptions.audience.row, policy.audience.isEmpty || policy.audience == [clientID],
            "`identityProvider.clientID`")
        refuseOther(TokenOptions.acceptsAnyAudience.row, !policy.acceptAnyAudience, "`identityProvider.clientID`")
        refuseOther(
            TokenOptions.keys.row, resolution[TokenOptions.keys].isEmpty, "the provider's discovery document")
        let named = resolution.isSet(TokenOptions.algorithms) ? resolution.items(TokenOptions.algorithms) : []
        for item in named where item.value.isSymmetric {
            findings.append(
                .error(
                    item.origin,
                    "`\(TokenOptions.algorithms.path)`: \(item.value.rawValue) needs a shared secret, and ID tokens are"
                        + " verified by the provider's published keys; name what it signs with, such as RS256"))
        }
        policy.issuer = issuer
        policy.audience = [clientID]
        policy.acceptAnyAudience = false
        policy.requireExpiry = true
        policy.client = clientID
        return policy
    }

    private mutating func refuseOther(_ row: OptionRow, _ isSame: Bool, _ source: String) {
        guard !isSame, let entry = resolution.entries[row.path], !entry.isDefault else { return }
        findings.append(
            .error(
                entry.nameOrigin,
                "`\(row.path)`: with `identityProvider.protocol: oidc` this follows from \(source); remove this key"))
    }

    // MARK: Together

    mutating func checkOpenID(_ settings: Settings) {
        guard purpose == .serve, isOpenID, resolution[OpenIDOptions.responseMode] == .formPost else { return }
        guard settings.publicURL?.isSecure == false || isAlwaysPlain(settings) else { return }
        findings.append(
            .error(
                resolution.origin(OpenIDOptions.responseMode),
                "`\(OpenIDOptions.responseMode.path)`: over http browsers send no login cookie with a form of another site,"
                    + " so no sign-in would succeed; use https, or `query`"))
    }
}
