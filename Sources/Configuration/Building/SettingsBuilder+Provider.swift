// SPDX-License-Identifier: Apache-2.0

// The identity provider: where it is, and what its preset needs.

extension SettingsBuilder {
    mutating func identityProvider() -> IdentityProviderSettings {
        let preset = resolution[IdentityProviderOptions.preset]
        let login = resolution[IdentityProviderOptions.loginURL]
        requireNames(login, preset)
        return IdentityProviderSettings(
            preset: preset,
            openID: openID(),
            // Empty where it may be missing, in a command that inspects tokens.
            loginURL: login.map(loginURL) ?? .empty,
            logoutURL: resolution[IdentityProviderOptions.logoutURL].map(logoutURL),
            tokenParameter: resolution[IdentityProviderOptions.tokenParameter],
            returnPath: resolution[IdentityProviderOptions.returnPath],
            initiated: resolution[IdentityProviderOptions.initiated],
            requiresState: resolution[IdentityProviderOptions.requiresState],
            loginURLOrigin: resolution.origin(IdentityProviderOptions.loginURL),
            logoutURLOrigin: resolution.origin(IdentityProviderOptions.logoutURL))
    }

    /// With the values of {apiKey} and {jwtApp}, and {returnTo} where the provider expects it.
    private func loginURL(_ template: TextTemplate) -> TextTemplate {
        let values = [
            "apiKey": resolution[IdentityProviderOptions.apiKey], "jwtApp": resolution[IdentityProviderOptions.jwtApp],
        ]
        let url = template.replacing(values.mapValues(PercentText.encoded))
        guard let parameter = resolution[IdentityProviderOptions.returnToParameter],
            !template.placeholders.contains("returnTo")
        else { return url }
        return url.addingQueryParameter(parameter, placeholder: "returnTo")
    }

    private func logoutURL(_ template: TextTemplate) -> TextTemplate {
        guard let parameter = resolution[IdentityProviderOptions.logoutTokenParameter],
            !template.placeholders.contains("logoutToken")
        else { return template }
        return template.addingQueryParameter(parameter, placeholder: "logoutToken")
    }

    /// `token.issuer`; while it is not set, not even to "", the preset's.
    func issuer() -> String {
        guard let template = presetIssuer else { return resolution[TokenOptions.issuer] }
        let name = resolution[IdentityProviderOptions.appName]
        return name.isEmpty ? resolution[TokenOptions.issuer] : template.replacing(["appName": name]).source
    }

    private var presetIssuer: TextTemplate? {
        resolution.isSet(TokenOptions.issuer) ? nil : resolution[IdentityProviderOptions.preset].issuer
    }

    /// What a login URL or an issuer is made of must be set; each error says where the vendor shows it.
    private mutating func requireNames(_ login: TextTemplate?, _ preset: Preset) {
        guard purpose == .serve else { return }
        let placeholders = login?.placeholders ?? []
        let needs = [
            (IdentityProviderOptions.apiKey, placeholders.contains("apiKey"), "`loginURL` has {apiKey}"),
            (IdentityProviderOptions.jwtApp, placeholders.contains("jwtApp"), "`loginURL` has {jwtApp}"),
            (IdentityProviderOptions.appName, presetIssuer != nil, "the issuer of tokens is made of it"),
        ]
        for (option, isNeeded, use) in needs {
            guard isNeeded, resolution[option].isEmpty, !resolution.refused(option) else { continue }
            let origin = resolution.isSet(option) ? resolution.origin(option) : sourceLocation(of: option.path)
            findings.append(
                .error(
                    origin, "`\(option.path)` is missing: \(use); \(preset.valuesShownAt[option.name] ?? "set it")"))
        }
    }
}

extension TextTemplate {
    /// With these placeholders replaced by text.
    fileprivate func replacing(_ values: [String: String]) -> TextTemplate {
        TextTemplate(
            parts: parts.map { part in
                if case .placeholder(let name) = part, let value = values[name] { .text(value) } else { part }
            })
    }

    /// A URL with one more query parameter, before a fragment.
    fileprivate func addingQueryParameter(_ name: String, placeholder: String) -> TextTemplate {
        var head: [Part] = []
        var tail: [Part] = []
        for part in parts {
            if tail.isEmpty, case .text(let text) = part, let mark = text.firstIndex(of: "#") {
                head.append(.text(String(text[..<mark])))
                tail.append(.text(String(text[mark...])))
            } else if tail.isEmpty {
                head.append(part)
            } else {
                tail.append(part)
            }
        }
        let texts = head.map { if case .text(let text) = $0 { text } else { "{}" } }.joined()
        let separator = !texts.contains("?") ? "?" : texts.hasSuffix("?") || texts.hasSuffix("&") ? "" : "&"
        return TextTemplate(parts: head + [.text(separator + name + "="), .placeholder(placeholder)] + tail)
    }
}

/// RFC 3986 §2.1.
enum PercentText {
    /// Everything but unreserved characters is encoded.
    static func encoded(_ text: String) -> String {
        var output: [UInt8] = []
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
        return String(decoding: output, as: UTF8.self)
    }
}
