// SPDX-License-Identifier: Apache-2.0

import YAML

/// A pod, or a controller of pods, in a manifest file.
struct PodTemplate {
    /// What the controller of a pod requires of it.
    enum Form {
        case lasting
        /// A Job ends with its containers; a container that never ends would keep it running.
        case endsByItself
        /// Knative's API has no init containers, and takes ports of one container only.
        case knative
        /// OpenShift assigns users to containers, and admits no others.
        case openShift
    }

    let kind: String
    let name: String
    /// nil: that of the command which applies the manifest.
    let namespace: String?
    let place: ManifestPlace
    /// Of the workload, then of its pod; the same for a Pod.
    let metadata: [ManifestNode?]
    /// The pod's `spec:`.
    let specification: ManifestNode.Entry
    let form: Form
    /// `spec.selector.matchLabels` of the workload.
    private let selector: ManifestNode?

    /// `Deployment/wiki`
    var label: String { "\(kind)/\(PrintableText.escaped(name))" }

    func labels() throws(ManifestProblem) -> [String: String] {
        Self.texts(try (metadata.last ?? nil)?["labels"])
    }

    /// The labels by which a NetworkPolicy finds the pods: those of the workload's selector, which never change, else those
    /// of the pod.
    func selectorLabels() throws(ManifestProblem) -> [(name: String, value: String)] {
        let chosen = Self.texts(selector)
        return (chosen.isEmpty ? try labels() : chosen).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func texts(_ mapping: ManifestNode?) -> [String: String] {
        var texts: [String: String] = [:]
        for entry in mapping?.entries ?? [] {
            if let key = entry.key.text { texts[key] = entry.value.text ?? "" }
        }
        return texts
    }

    /// The pod of an object; nil without one. Throws when the object holds a pod in a place that is not known, or a second
    /// one: without the sidecar it would be an app without a gate.
    ///
    /// - Parameter isExempt: whether an object with this metadata is left alone.
    static func find(
        in object: ManifestObject, isExempt: (ManifestNode?) throws(ManifestProblem) -> Bool
    ) throws(ManifestProblem) -> PodTemplate? {
        let metadata = try object.node["metadata"]
        let given = try metadata?["name"]?.text
        let generated = try metadata?["generateName"]?.text
        let name = given ?? generated ?? "(no name)"
        let label = object.kind.map { "\(PrintableText.escaped($0))/\(PrintableText.escaped(name))" }
        guard let kind = object.kind, let label,
            let location = try location(of: kind, object.version, in: object.node, metadata, isExempt: isExempt)
        else {
            if try !isExempt(metadata) {
                try HiddenPods(known: nil).refuse(in: object.node, label ?? "a document without `kind`")
            }
            return nil
        }
        var parent = object.node
        for step in location.steps {
            guard let next = try parent[step] else {
                throw ManifestProblem(parent.place, "\(label) has no `\(step)` here")
            }
            try next.requireWrittenHere(step)
            parent = next
        }
        guard let specification = try parent.entry("spec") else {
            throw ManifestProblem(parent.place, "\(label) has no `spec` of a pod here")
        }
        try specification.value.requireWrittenHere("spec")
        if try !isExempt(metadata) {
            try HiddenPods(known: specification.value).refuse(in: object.node, label)
        }
        return PodTemplate(
            kind: kind, name: name, namespace: try metadata?["namespace"]?.text, place: object.node.place,
            metadata: [metadata, try parent["metadata"]], specification: specification,
            form: location.steps.isEmpty ? try form(ofPod: metadata) : location.form,
            selector: location.steps.isEmpty ? nil : try object.node["spec"]?["selector"]?["matchLabels"])
    }

    /// Throws for a pod, made by something else, in which a sidecar would not stand before the app.
    func requireOrdinary() throws(ManifestProblem) {
        guard kind == "Pod", let metadata = metadata.last ?? nil else { return }
        if try metadata["annotations"]?.entry("kubernetes.io/config.mirror") != nil {
            throw ManifestProblem(
                place,
                "\(label) is the image of a static pod, which its node runs from a file: add the sidecar to that, or annotate "
                    + "the pod there sidegate/inject: disabled")
        }
        if try metadata["labels"]?.entry("serving.knative.dev/revision") != nil {
            throw ManifestProblem(
                place,
                "\(label) is a pod of Knative, whose queue-proxy leads requests to the app, around the sign-in: add the "
                    + "sidecar to the Service of Knative by sidegate inject, or annotate its template sidegate/inject: disabled"
            )
        }
    }

    /// The form of a pod that is not in a template.
    private static func form(ofPod metadata: ManifestNode?) throws(ManifestProblem) -> Form {
        for owner in try metadata?["ownerReferences"]?.items ?? [] {
            let version = try owner["apiVersion"]?.text ?? ""
            if try owner["kind"]?.text == "Job", version.hasPrefix("batch/") { return .endsByItself }
        }
        return .lasting
    }

    private struct Location {
        let group: String
        let steps: [String]
        var form = Form.lasting

        /// `apps/v1`, `v1`: other groups may have kinds with the same name and another structure.
        func isOf(_ version: String) -> Bool {
            group.isEmpty ? version == "v1" : version.hasPrefix(group + "/")
        }
    }

    private static func location(
        of kind: String, _ version: String, in root: ManifestNode, _ metadata: ManifestNode?,
        isExempt: (ManifestNode?) throws(ManifestProblem) -> Bool
    ) throws(ManifestProblem) -> Location? {
        if let known = locations[kind], known.isOf(version) { return known }
        // Argo Rollouts, DeploymentConfigs of OpenShift, Services of Knative, and the controllers of others.
        let steps = ["spec", "template"]
        var node = root
        for step in steps + ["spec", "containers"] {
            guard let next = try node[step] else { return nil }
            if case .alias = next.content, try !isExempt(metadata) { try next.requireWrittenHere(step) }
            node = next
        }
        guard node.items != nil else { return nil }
        return Location(group: "", steps: steps, form: form(of: version))
    }

    private static func form(of version: String) -> Form {
        if version.hasPrefix("serving.knative.dev/") { return .knative }
        return version.hasPrefix("apps.openshift.io/") ? .openShift : .lasting
    }

    private static let locations: [String: Location] = [
        "Pod": Location(group: "", steps: []),
        "PodTemplate": Location(group: "", steps: ["template"]),
        "ReplicationController": Location(group: "", steps: ["spec", "template"]),
        "Deployment": Location(group: "apps", steps: ["spec", "template"]),
        "StatefulSet": Location(group: "apps", steps: ["spec", "template"]),
        "DaemonSet": Location(group: "apps", steps: ["spec", "template"]),
        "ReplicaSet": Location(group: "apps", steps: ["spec", "template"]),
        "Job": Location(group: "batch", steps: ["spec", "template"], form: .endsByItself),
        "CronJob": Location(group: "batch", steps: ["spec", "jobTemplate", "spec", "template"], form: .endsByItself),
    ]
}
