// SPDX-License-Identifier: Apache-2.0

import YAML

/// Services that lead to a pod with the sidecar, and past the gate's port.
struct BypassingServices {
    /// A pod with the sidecar.
    struct Gate {
        let namespace: String?
        let labels: [String: String]
        let port: Int
        let adminPort: Int
        let isNative: Bool
    }

    private let gates: [Gate]

    init(around gates: [Gate]) { self.gates = gates }

    func notes(on object: ManifestObject) throws(ManifestProblem) -> [ManifestNote] {
        let root = object.node
        guard object.kind == "Service", object.version == "v1", let specification = try root["spec"],
            let selector = try specification["selector"]?.entries, !selector.isEmpty
        else { return [] }
        let namespace = try root["metadata"]?["namespace"]?.text
        let gate = gates.first { gate in
            gate.namespace == namespace
                && selector.allSatisfy { $0.key.text.map { gate.labels[$0] } == .some($0.value.text) }
        }
        guard let gate else { return [] }
        let name = PrintableText.escaped(try root["metadata"]?["name"]?.text ?? "")
        var notes: [ManifestNote] = []
        for port in try specification["ports"]?.items ?? [] {
            let number = try port["port"].flatMap(Self.shown)
            let target = try port["targetPort"].flatMap(Self.shown) ?? number
            let place = try port["targetPort"]?.place ?? port.place
            if let message = message(for: target ?? "", gate) {
                notes.append(
                    ManifestNote(kind: message.kind, place: place, message: "Service/\(name) leads to \(message.text)"))
            }
        }
        return notes
    }

    /// `0x1f90` is the number 8080.
    private static func shown(_ port: ManifestNode) -> String? { port.integer.map { String($0) } ?? port.text }

    private func message(for target: String, _ gate: Gate) -> (kind: ManifestNote.Kind, text: String)? {
        if target == String(gate.port) || target == String(gate.adminPort) { return nil }
        if Sidecar.portNames.contains(target) {
            let number = target == Sidecar.portNames.first ? gate.port : gate.adminPort
            return gate.isNative
                ? (
                    .note,
                    "port \(target) by its name, which Kubernetes before 1.32 does not find in a native sidecar; there set "
                        + "targetPort: \(number)"
                ) : nil
        }
        return (
            .warning,
            "port \(PrintableText.escaped(target)) of the pod, around the sign-in; set targetPort: \(gate.port)"
        )
    }
}
