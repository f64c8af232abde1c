// SPDX-License-Identifier: Apache-2.0

import YAML

/// Containers in places where the sidecar cannot be added.
struct HiddenPods {
    /// The `spec` of the pod that gets the sidecar; its own lists are no find.
    let known: ManifestNode?

    /// Throws when there is a list of containers anywhere else in the object.
    func refuse(in root: ManifestNode, _ label: String) throws(ManifestProblem) {
        guard let (place, path) = find(in: root, []) else { return }
        let shown = PrintableText.escaped(path.joined(separator: "."))
        throw ManifestProblem(
            place,
            "\(label) holds containers at `\(shown)`, where the sidecar cannot be added: in kinds that are not part of "
                + "Kubernetes a pod is expected at `spec.template.spec`, and only there; add the sidecar by hand, or "
                + "annotate it sidegate/inject: disabled")
    }

    private func find(in node: ManifestNode, _ path: [String]) -> (place: ManifestPlace, path: [String])? {
        let isKnown = known.map { node.range == $0.range && node.place == $0.place } ?? false
        for item in node.items ?? [] {
            if let found = find(in: item, path) { return found }
        }
        for entry in node.entries ?? [] {
            let path = path + [entry.key.text ?? ""]
            if Self.lists.contains(entry.key.text ?? "") {
                if isKnown { continue }
                if Self.isOfContainers(entry.value) { return (entry.value.place, path) }
            }
            if let found = find(in: entry.value, path) { return found }
        }
        return nil
    }

    private static let lists: Set<String> = ["containers", "initContainers", "ephemeralContainers"]

    /// Aliases and merges are not resolved, so they may stand for containers.
    private static func isOfContainers(_ list: ManifestNode) -> Bool {
        if case .alias = list.content { return true }
        return (list.items ?? []).contains { item in
            if case .alias = item.content { return true }
            return (item.entries ?? []).contains { ["image", "<<"].contains($0.key.text) }
        }
    }
}
