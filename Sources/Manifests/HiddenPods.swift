// SPDX-License-Identifier: Apache-2.0

import YAML

/// Containers in places where the sidecar cannot be added.
struct HiddenPods {
    /// The `spec` of the pod that gets the sidecar; its own lists are no find.
    let known: ManifestNode?

    /// Throws when there are containers anywhere else in the object.
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
            let name = entry.key.text ?? ""
            let path = path + [name]
            if Self.lists.contains(name) {
                if isKnown { continue }
                if Self.isOfContainers(entry.value) { return (entry.value.place, path) }
            } else if name == Self.steps, Self.isOfContainers(entry.value, orAlias: false) {
                return (entry.value.place, path)
            } else if Self.single.contains(name), Self.isContainer(entry.value) {
                return (entry.value.place, path)
            }
            if let found = find(in: entry.value, path) { return found }
        }
        return nil
    }

    /// `sidecars` are of Argo's workflows and Tekton's tasks.
    private static let lists: Set<String> = ["containers", "initContainers", "ephemeralContainers", "sidecars"]
    /// Containers in Tekton's tasks; in other kinds, such as Rollouts, steps are something else, and may be an alias.
    private static let steps = "steps"
    /// The templates of Argo's workflows hold one container for each pod; in other kinds `script` is a text.
    private static let single: Set<String> = ["container", "script", "initContainer", "sidecar"]

    /// A list, or containers by name.
    private static func isOfContainers(_ list: ManifestNode, orAlias: Bool = true) -> Bool {
        if case .alias = list.content { return orAlias }
        return (list.items ?? []).contains(where: isContainer)
            || (list.entries ?? []).contains { isContainer($0.value) }
    }

    /// Aliases and merges are not resolved, so they may stand for a container.
    private static func isContainer(_ node: ManifestNode) -> Bool {
        if case .alias = node.content { return true }
        return (node.entries ?? []).contains { ["image", "<<"].contains($0.key.text) }
    }
}
