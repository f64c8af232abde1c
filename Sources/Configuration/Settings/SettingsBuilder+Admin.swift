// SPDX-License-Identifier: Apache-2.0

// Health and metrics: where they are served.

extension SettingsBuilder {
    mutating func admin() -> AdminSettings {
        let path = "admin.listen"
        let text = resolution.text(path)
        var settings = AdminSettings(
            listen: nil, isDefault: resolution.entries[path]?.isDefault ?? true,
            probePaths: resolution.texts("admin.probePaths"))
        if !AdminAddress.isOff(text) {
            do {
                settings.listen = try ListenAddress(text)
            } catch {
                findings.append(.error(resolution.origin(path), "`\(path)`: \(error.message)"))
            }
        }
        return settings
    }
}

/// `admin.listen` of a configuration that need not be whole, for who asks how a gate is.
package enum AdminAddress {
    static func isOff(_ text: String) -> Bool { ["", "off", "none", "false"].contains(text.lowercased()) }

    /// nil: off, or nothing that could be an address.
    package static func of(_ loaded: LoadedConfiguration) -> ListenAddress? {
        guard let (text, _) = loaded.resolution.textIfSet("admin.listen"), !isOff(text) else { return nil }
        return try? ListenAddress(text)
    }
}
