// SPDX-License-Identifier: Apache-2.0

import HTTP

// The identity provider: where it is, and what its preset needs to know.

extension SettingsBuilder {
    mutating func identityProvider() -> IdentityProviderSettings {
        let login = resolution.textIfSet("identityProvider.loginURL")
        let logout = resolution.text("identityProvider.logoutURL")
        requireNames(login)
        return IdentityProviderSettings(
            preset: resolution.text("identityProvider.preset"),
            loginURL: login.map { loginURL($0.text) } ?? .empty,
            logoutURL: logout.isEmpty ? nil : logoutURL(logout),
            tokenParameter: resolution.text("identityProvider.tokenParameter"),
            returnPath: resolution.text("identityProvider.returnPath"),
            initiated: resolution.text("identityProvider.initiated"),
            requiresState: resolution.boolean("identityProvider.requireState"),
            loginURLOrigin: login?.origin ?? .builtIn,
            logoutURLOrigin: resolution.origin("identityProvider.logoutURL"))
    }

    /// With the values of {apiKey} and {jwtApp} in their place, and {returnTo} where the provider expects it.
    private func loginURL(_ text: String) -> TextTemplate {
        // The rule of the key has parsed it before.
        guard let template = try? TextTemplate(text) else { return .empty }
        var url = ""
        for part in template.parts {
            switch part {
            case .text(let text): url += text
            case .placeholder(let name) where Self.fixedPlaceholders.contains(name):
                var encoded: [UInt8] = []
                PercentText.append(resolution.text("identityProvider.\(name)"), to: &encoded)
                url += String(decoding: encoded, as: UTF8.self)
            case .placeholder(let name): url += "{\(name)}"
            }
        }
        let parameter = resolution.text("identityProvider.returnToParameter")
        if !parameter.isEmpty, !template.placeholders.contains("returnTo") {
            url = Self.adding("\(parameter)={returnTo}", to: url)
        }
        return (try? TextTemplate(url)) ?? .empty
    }

    private func logoutURL(_ text: String) -> TextTemplate? {
        let parameter = resolution.text("identityProvider.logoutTokenParameter")
        guard !parameter.isEmpty, (try? TextTemplate(text))?.placeholders.contains("logoutToken") == false else {
            return try? TextTemplate(text)
        }
        return try? TextTemplate(Self.adding("\(parameter)={logoutToken}", to: text))
    }

    /// One more query parameter, before a fragment.
    private static func adding(_ parameter: String, to url: String) -> String {
        let fragment = url.firstIndex(of: "#") ?? url.endIndex
        var head = String(url[..<fragment])
        if !head.contains("?") {
            head += "?"
        } else if !head.hasSuffix("?"), !head.hasSuffix("&") {
            head += "&"
        }
        return head + parameter + url[fragment...]
    }

    private static let fixedPlaceholders = ["apiKey", "jwtApp"]

    // MARK: - LoginRadius

    /// `token.issuer`; of the preset loginradius the one of the app's name, unless something is set, be it "".
    func issuer() -> String {
        let issuer = resolution.text("token.issuer")
        guard needsAppName else { return issuer }
        let name = resolution.text("identityProvider.appName")
        return name.isEmpty ? issuer : "https://\(name).hub.loginradius.com/"
    }

    private var needsAppName: Bool {
        resolution.text("identityProvider.preset") == "loginradius"
            && resolution.entries["token.issuer"]?.isDefault == true
    }

    /// What a login URL or an issuer is made of must be there; each error says where the vendor shows it.
    private mutating func requireNames(_ login: (text: String, origin: Origin)?) {
        guard purpose == .serve else { return }
        let placeholders = login.flatMap { try? TextTemplate($0.text) }?.placeholders ?? []
        let isLoginRadius = resolution.text("identityProvider.preset") == "loginradius"
        let needs = [
            ("apiKey", placeholders.contains("apiKey"), "Configuration > API Credentials > API Key And Secret"),
            ("jwtApp", placeholders.contains("jwtApp"), "Integration > JWT > App Name of the JWT app"),
            ("appName", needsAppName, "Configuration > API Credentials; or set `token.issuer` to what `iss` holds"),
        ]
        for (name, isNeeded, whereShown) in needs {
            let path = "identityProvider.\(name)"
            guard isNeeded, resolution.text(path).isEmpty, !resolution.refusedPaths.contains(path) else { continue }
            let use = name == "appName" ? "the issuer of tokens is made of it" : "`loginURL` has {\(name)}"
            let fix = isLoginRadius ? "the LoginRadius Dashboard shows it under \(whereShown)" : "set it"
            let origin = resolution.entries[path].flatMap { $0.isDefault ? nil : $0.origin } ?? place(of: path)
            findings.append(.error(origin, "`\(path)` is missing: \(use); \(fix)"))
        }
    }
}

/// RFC 3986 §2.1.
enum PercentText {
    /// Everything but unreserved characters is encoded.
    static func append(_ text: String, to output: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            let isUnreserved =
                byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            if isUnreserved {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}
