// SPDX-License-Identifier: Apache-2.0

import YAML

/// Adds the sidecar to the pods of manifests: a pure function from text to text.
///
/// Everything else stays byte for byte, with its comments, and the operation is idempotent. A sidecar added by an
/// earlier version is replaced.
package struct SidecarInjector: Sendable {
    /// Larger texts are rejected. In bytes.
    package static let maximumSize = ManifestParser.maximumSize

    private let options: SidecarOptions
    private let isMarkedOnly: Bool

    /// With `isMarkedOnly`, only pods of workloads annotated `sidegate/inject: enabled`; else all but those with
    /// `disabled`.
    package init(_ options: SidecarOptions, isMarkedOnly: Bool = false) {
        self.options = options
        self.isMarkedOnly = isMarkedOnly
    }

    package struct Result: Sendable {
        package let text: [UInt8]
        package let notes: [ManifestNote]
    }

    package func inject(_ bytes: [UInt8]) throws(ManifestProblem) -> Result {
        let text = ManifestText(bytes)
        let roots = try ManifestParser.documents(text)
        var edits: [ManifestEdit] = []
        var notes: [ManifestNote] = []
        var gates: [Gate] = []
        for root in roots {
            for pod in try PodTemplate.all(in: root) {
                let (changes, gate) = try self.edits(of: pod, in: text)
                edits += changes
                if let gate { gates.append(gate) }
                let what = gate == nil ? "unchanged" : changes.isEmpty ? "already has the sidecar" : "sidecar added"
                notes.append(ManifestNote(kind: .note, place: pod.place, message: "\(pod.label): \(what)"))
            }
        }
        if notes.isEmpty {
            notes.append(ManifestNote(kind: .warning, place: .start, message: "there is no pod"))
        }
        for root in roots { notes += try Self.bypassingServices(around: gates, in: root) }
        return Result(text: ManifestEdit.apply(edits, to: text), notes: notes)
    }

    /// A pod with the sidecar.
    private struct Gate {
        let labels: [String: String]
        let port: Int
    }

    private func edits(
        of pod: PodTemplate, in text: ManifestText
    ) throws(ManifestProblem) -> ([ManifestEdit], Gate?) {
        var options = options
        var isWanted = !isMarkedOnly
        for metadata in pod.metadata {
            isWanted = try options.take(annotationsOf: metadata) ?? isWanted
        }
        guard isWanted else { return ([], nil) }
        guard options.port != options.adminPort else {
            throw ManifestProblem(pod.place, "\(pod.label): the port and the admin port are both \(options.port)")
        }
        if pod.endsByItself, !options.isNative {
            throw ManifestProblem(
                pod.place,
                "\(pod.label): a plain sidecar would keep it from ending; use a native one (Kubernetes 1.29), "
                    + "or annotate it sidegate/inject: disabled")
        }
        try checkFeasibility(pod, options)

        let sidecar = Sidecar(options: options)
        var editor = PodEditor(text, pod.specification)
        // Otherwise a Service named sidegate would add SIDEGATE_… variables to the pods, which Sidegate reads as
        // settings.
        try editor.set("enableServiceLinks", to: .boolean(false))
        try editor.remove(Sidecar.name, from: options.isNative ? "containers" : "initContainers")
        try editor.put(
            [(Sidecar.name, sidecar.container)], into: options.isNative ? "initContainers" : "containers")
        try editor.put(Array(zip(Sidecar.volumeNames, sidecar.volumes)).map { ($0, $1) }, into: "volumes")
        try editor.finish()
        return (editor.edits, Gate(labels: try pod.labels(), port: options.port))
    }

    private func checkFeasibility(_ pod: PodTemplate, _ options: SidecarOptions) throws(ManifestProblem) {
        let specification = pod.specification.value
        if let merge = specification.entries?.first(where: { $0.key.text == "<<" }) {
            throw ManifestProblem(merge.key.place, "a merge (<<) into a pod's `spec`; write it out in full")
        }
        var others = 0
        for list in ["initContainers", "containers"] {
            guard let containers = try specification[list] else { continue }
            try containers.requireWrittenHere(list)
            for container in containers.items ?? [] {
                if case .alias = container.content { try container.requireWrittenHere("a container") }
                if try container["name"]?.text == Sidecar.name { continue }
                if list == "containers" { others += 1 }
                for port in try container["ports"]?.items ?? [] {
                    guard let number = try port["containerPort"], let text = number.text else { continue }
                    if Int(text) == options.port || Int(text) == options.adminPort {
                        throw ManifestProblem(
                            number.place,
                            "port \(text) is used by the sidecar too; give the sidecar another one (annotation "
                                + "sidegate/\(Int(text) == options.port ? "port" : "admin-port"))")
                    }
                }
            }
        }
        if others == 0 {
            throw ManifestProblem(
                pod.place,
                "\(pod.label) has no container except the sidecar, so there is no app to protect; "
                    + "annotate it sidegate/inject: disabled")
        }
    }

    /// Services that lead to a pod with the sidecar but bypass it.
    private static func bypassingServices(
        around gates: [Gate], in root: ManifestNode
    ) throws(ManifestProblem) -> [ManifestNote] {
        guard let kind = try root["kind"]?.text else { return [] }
        if let items = try PodTemplate.list(root, kind) {
            var notes: [ManifestNote] = []
            for item in items { notes += try bypassingServices(around: gates, in: item) }
            return notes
        }
        guard kind == "Service", try root["apiVersion"]?.text == "v1", let specification = try root["spec"],
            let selector = try specification["selector"]?.entries, !selector.isEmpty
        else { return [] }
        let gate = gates.first { gate in
            selector.allSatisfy { $0.key.text.map { gate.labels[$0] } == .some($0.value.text) }
        }
        guard let gate else { return [] }
        let name = PrintableText.escaped(try root["metadata"]?["name"]?.text ?? "")
        var notes: [ManifestNote] = []
        for port in try specification["ports"]?.items ?? [] {
            let number = try port["port"]?.text
            let target = try port["targetPort"]?.text ?? number
            if target == String(gate.port) { continue }
            notes.append(
                ManifestNote(
                    kind: .warning, place: try port["targetPort"]?.place ?? port.place,
                    message:
                        "Service/\(name) leads to port \(PrintableText.escaped(target ?? "")) of the pod, around the sign-in; "
                        + "set targetPort: \(gate.port)"))
        }
        return notes
    }
}
