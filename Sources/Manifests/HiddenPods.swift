// SPDX-License-Identifier: Apache-2.0

import YAML

/// Containers in a manifest of a kind whose pods cannot be found.
enum HiddenPods {
    /// Throws when there is a list `containers` with images anywhere in the document.
    static func refuse(in root: ManifestNode, _ label: String) throws(ManifestProblem) {
        guard let (place, path) = find(in: root, []) else { return }
        let shown = PrintableText.escaped(path.joined(separator: "."))
        throw ManifestProblem(
            place,
            "\(label) holds containers at `\(shown)`, where the sidecar cannot be added: in kinds that are not part of "
                + "Kubernetes a pod is expected at `spec.template.spec`; add the sidecar by hand, or annotate it "
                + "sidegate/inject: disabled")
    }

    private static func find(in node: ManifestNode, _ path: [String]) -> (place: ManifestPlace, path: [String])? {
        for item in node.items ?? [] {
            if let found = find(in: item, path) { return found }
        }
        for entry in node.entries ?? [] {
            let path = path + [entry.key.text ?? ""]
            if entry.key.text == "containers", isOfContainers(entry.value) { return (entry.value.place, path) }
            if let found = find(in: entry.value, path) { return found }
        }
        return nil
    }

    private static func isOfContainers(_ list: ManifestNode) -> Bool {
        (list.items ?? []).contains { item in (item.entries ?? []).contains { $0.key.text == "image" } }
    }
}
