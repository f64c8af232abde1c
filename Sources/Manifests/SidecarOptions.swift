// SPDX-License-Identifier: Apache-2.0

import YAML

/// Options for each pod: given for all of them, then by annotations of the workload, then of the pod.
package struct SidecarOptions: Equatable, Sendable {
    package var image: String
    /// The ConfigMap with the key sidegate.yaml.
    package var configMap = "sidegate"
    package var secret = "sidegate"
    /// File names, and the keys of the Secret for their content.
    package var secretKeys: [SecretKey] = [
        SecretKey(file: "jwt", key: "jwt-secret"), SecretKey(file: "session", key: "session-secret"),
    ]
    /// A restartable init container (Kubernetes 1.29 and later) instead of a regular container.
    package var isNative = true
    /// nil: 8080, or another when the app uses it.
    package var port: Int?
    /// nil: 9180, or another when the app uses it.
    package var adminPort: Int?

    package struct SecretKey: Equatable, Sendable {
        package let file: String
        package let key: String

        package init(file: String, key: String) {
            self.file = file
            self.key = key
        }
    }

    package init(image: String) { self.image = image }

    /// In the order in which they are tried.
    static let usualPorts = [8080] + stride(from: 8180, through: 8980, by: 100)
    static let usualAdminPorts = [9180] + stride(from: 9280, through: 9980, by: 100)

    static let annotations = [
        "sidegate/inject", "sidegate/image", "sidegate/config-map", "sidegate/secret", "sidegate/sidecar",
        "sidegate/port", "sidegate/admin-port",
    ]

    /// Applies the annotations of `metadata`; returns the value of `sidegate/inject`.
    mutating func take(annotationsOf metadata: ManifestNode?) throws(ManifestProblem) -> Bool? {
        guard let entries = try metadata?["annotations"]?.entries else { return nil }
        var isWanted: Bool?
        for entry in entries {
            guard let name = entry.key.text, name.hasPrefix("sidegate/") else { continue }
            guard let value = entry.value.text, !value.isEmpty else {
                throw ManifestProblem(entry.value.place, "`\(PrintableText.escaped(name))` has no value")
            }
            switch name {
            case "sidegate/inject": isWanted = try Self.choice(entry, "enabled", "disabled")
            case "sidegate/image": image = value
            case "sidegate/config-map": configMap = value
            case "sidegate/secret": secret = value
            case "sidegate/sidecar": isNative = try Self.choice(entry, "native", "plain")
            case "sidegate/port": port = try Self.port(entry)
            case "sidegate/admin-port": adminPort = try Self.port(entry)
            default:
                throw ManifestProblem(
                    entry.key.place,
                    "there is no annotation `\(PrintableText.escaped(name))`; there are \(Self.annotations.joined(separator: ", "))"
                )
            }
        }
        return isWanted
    }

    /// True for the first of two words.
    private static func choice(
        _ entry: ManifestNode.Entry, _ yes: String, _ no: String
    ) throws(ManifestProblem) -> Bool {
        switch entry.value.text {
        case yes: return true
        case no: return false
        default:
            throw ManifestProblem(
                entry.value.place, "`\(entry.key.text ?? "")` is `\(yes)` or `\(no)`")
        }
    }

    private static func port(_ entry: ManifestNode.Entry) throws(ManifestProblem) -> Int {
        // As Kubernetes writes numbers: `+80` and `080` are mistakes.
        guard let text = entry.value.text, let port = Int(text), String(port) == text, (1...65_535).contains(port)
        else {
            throw ManifestProblem(entry.value.place, "`\(entry.key.text ?? "")` is a port, 1 to 65535, in quotes")
        }
        return port
    }
}
