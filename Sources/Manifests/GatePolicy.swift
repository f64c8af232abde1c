// SPDX-License-Identifier: Apache-2.0

import YAML

/// A NetworkPolicy that admits only the gate's port to the pods of a workload.
struct GatePolicy {
    private static let owner = (name: "app.kubernetes.io/managed-by", value: "sidegate")

    let name: String
    let namespace: String?
    private let labels: [(name: String, value: String)]
    private let port: Int
    private let pod: PodTemplate

    /// - Parameter taken: names that policies of other workloads have.
    init(_ pod: PodTemplate, port: Int, taken: Set<String>) throws(ManifestProblem) {
        self.pod = pod
        self.port = port
        namespace = pod.namespace
        labels = try pod.selectorLabels()
        if pod.form == .knative {
            throw ManifestProblem(
                pod.place,
                "\(pod.label): a pod of Knative takes requests at the ports of its queue-proxy, not of its containers; "
                    + "run without --network-policy and write one for these")
        }
        guard !labels.isEmpty else {
            throw ManifestProblem(
                pod.place, "\(pod.label): its pods have no labels, by which a NetworkPolicy could select them; add some"
            )
        }
        var base = pod.name
        while base.hasSuffix("-") { base.removeLast() }
        let plain = "\(base)-sidegate"
        name = taken.contains(plain) ? "\(base)-\(pod.kind.lowercased())-sidegate" : plain
    }

    enum Addition {
        case none
        /// Of the policy of an earlier run.
        case replacement(ManifestEdit)
        /// The lines of a new document.
        case document([String])
    }

    /// What the text lacks of the policy.
    func addition(to text: ManifestText, _ roots: [ManifestNode]) throws(ManifestProblem) -> Addition {
        for root in roots where try isSame(root) {
            if document.isSame(as: root) { return .none }
            guard try root["metadata"]?["labels"]?[Self.owner.name]?.text == Self.owner.value else {
                throw ManifestProblem(
                    root.place, "there is another NetworkPolicy \(PrintableText.escaped(name)); rename it")
            }
            guard !root.isFlow, root.place.column == 1 else {
                throw ManifestProblem(
                    root.place, "this NetworkPolicy cannot be replaced in this layout; remove it first")
            }
            let end = text.trimmedEnd(root.range.upperBound, from: root.range.lowerBound)
            let lines = document.lines.joined(separator: text.newline)
            return .replacement(ManifestEdit(range: root.range.lowerBound..<end, text: lines))
        }
        return .document(document.lines)
    }

    private func isSame(_ root: ManifestNode) throws(ManifestProblem) -> Bool {
        guard try root["kind"]?.text == "NetworkPolicy" else { return false }
        let metadata = try root["metadata"]
        let (itsName, itsNamespace) = (try metadata?["name"]?.text, try metadata?["namespace"]?.text)
        return itsName == name && itsNamespace == namespace
    }

    private var document: Fragment {
        var metadata: [(name: String, value: Fragment)] = [("name", .string(name))]
        if let namespace { metadata.append(("namespace", .string(namespace))) }
        metadata.append(("labels", .mapping([(Self.owner.name, .string(Self.owner.value))])))
        let admitted = Fragment.mapping([("port", .integer(port)), ("protocol", .string("TCP"))])
        return .mapping([
            ("apiVersion", .string("networking.k8s.io/v1")),
            ("kind", .string("NetworkPolicy")),
            ("metadata", .mapping(metadata)),
            (
                "spec",
                .mapping([
                    (
                        "podSelector",
                        .mapping([("matchLabels", .mapping(labels.map { ($0.name, .string($0.value)) }))])
                    ),
                    ("policyTypes", .list([.string("Ingress")])),
                    ("ingress", .list([.mapping([("ports", .list([admitted]))])])),
                ])
            ),
        ])
    }
}
