// SPDX-License-Identifier: Apache-2.0

import YAML

/// A pod, or a controller of pods, in a manifest file.
struct PodTemplate {
    let kind: String
    let name: String
    let place: ManifestPlace
    /// Of the workload, then of its pod; the same for a Pod.
    let metadata: [ManifestNode?]
    /// The pod's `spec:`.
    let specification: ManifestNode.Entry

    /// `Deployment/wiki`
    var label: String { "\(kind)/\(PrintableText.escaped(name))" }

    /// A Job ends with its containers; a container that never ends would keep it running.
    var endsByItself: Bool { kind == "Job" || kind == "CronJob" }

    func labels() throws(ManifestProblem) -> [String: String] {
        guard let entries = try (metadata.last ?? nil)?["labels"]?.entries else { return [:] }
        var labels: [String: String] = [:]
        for entry in entries {
            if let key = entry.key.text { labels[key] = entry.value.text ?? "" }
        }
        return labels
    }

    /// The pod templates of a document; several for a List.
    static func all(in root: ManifestNode) throws(ManifestProblem) -> [PodTemplate] {
        guard let kind = try root["kind"]?.text else { return [] }
        if let items = try list(root, kind) {
            var found: [PodTemplate] = []
            for item in items { found += try all(in: item) }
            return found
        }
        guard let location = locations[kind], let version = try root["apiVersion"]?.text, location.isOf(version) else {
            return []
        }
        let metadata = try root["metadata"]
        let given = try metadata?["name"]?.text
        let generated = try metadata?["generateName"]?.text
        let name = given ?? generated ?? "(no name)"
        var parent = root
        for step in location.steps {
            guard let next = try parent[step] else {
                throw ManifestProblem(parent.place, "\(kind)/\(PrintableText.escaped(name)) has no `\(step)` here")
            }
            try next.requireWrittenHere(step)
            parent = next
        }
        guard let specification = try parent.entry("spec") else {
            throw ManifestProblem(parent.place, "\(kind)/\(PrintableText.escaped(name)) has no `spec` of a pod here")
        }
        try specification.value.requireWrittenHere("spec")
        return [
            PodTemplate(
                kind: kind, name: name, place: root.place, metadata: [metadata, try parent["metadata"]],
                specification: specification)
        ]
    }

    /// The items of a List, a DeploymentList and the like.
    static func list(_ root: ManifestNode, _ kind: String) throws(ManifestProblem) -> [ManifestNode]? {
        guard kind.hasSuffix("List"), let items = try root["items"] else { return nil }
        return items.items
    }

    private struct Location {
        let group: String
        let steps: [String]

        /// `apps/v1`, `v1`: other groups may have kinds with the same name and another structure.
        func isOf(_ version: String) -> Bool {
            group.isEmpty ? version == "v1" : version.hasPrefix(group + "/")
        }
    }

    private static let locations: [String: Location] = [
        "Pod": Location(group: "", steps: []),
        "ReplicationController": Location(group: "", steps: ["spec", "template"]),
        "Deployment": Location(group: "apps", steps: ["spec", "template"]),
        "StatefulSet": Location(group: "apps", steps: ["spec", "template"]),
        "DaemonSet": Location(group: "apps", steps: ["spec", "template"]),
        "ReplicaSet": Location(group: "apps", steps: ["spec", "template"]),
        "Job": Location(group: "batch", steps: ["spec", "template"]),
        "CronJob": Location(group: "batch", steps: ["spec", "jobTemplate", "spec", "template"]),
    ]
}
