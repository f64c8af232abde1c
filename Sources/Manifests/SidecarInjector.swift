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
    private let addsNetworkPolicies: Bool
    private let target: Target

    /// What the text is about.
    package enum Target: Sendable {
        case manifests
        /// Pods that the API server creates now. A sidecar in one of them, which a manifest or an earlier call brought along,
        /// stays as it is: others may have changed it since, and its options may have been annotations of the workload.
        case newPods
    }

    /// With `isMarkedOnly`, only pods of workloads annotated `sidegate/inject: enabled`; else all but those with
    /// `disabled`. With `addsNetworkPolicies`, a NetworkPolicy for each of them.
    package init(
        _ options: SidecarOptions, isMarkedOnly: Bool = false, addsNetworkPolicies: Bool = false,
        for target: Target = .manifests
    ) {
        self.target = target
        self.options = options
        self.isMarkedOnly = isMarkedOnly
        self.addsNetworkPolicies = addsNetworkPolicies
    }

    package struct Result: Sendable {
        package let text: [UInt8]
        /// Of pods that are created now: what their author has to know, and nothing of the pod's name and of the options.
        package let notes: [ManifestNote]
    }

    package func inject(_ bytes: [UInt8]) throws(ManifestProblem) -> Result {
        let text = ManifestText(bytes)
        let roots = try ManifestParser.documents(text)
        var edits: [ManifestEdit] = []
        var notes: [ManifestNote] = []
        var hasPod = false
        var gates: [BypassingServices.Gate] = []
        var policies: [GatePolicy] = []
        var objects: [ManifestObject] = []
        for root in roots { objects += try ManifestObject.all(in: root) }
        for object in objects {
            guard let pod = try PodTemplate.find(in: object, isExempt: isExempt) else { continue }
            hasPod = true
            let change = try change(of: pod, in: text)
            switch target {
            case .manifests:
                let what = change.map { $0.edits.isEmpty ? "already has the sidecar" : "sidecar added" } ?? "unchanged"
                notes.append(ManifestNote(kind: .note, place: pod.place, message: what).about(pod))
                notes += change?.notes.map { $0.about(pod) } ?? []
            case .newPods: notes += change?.notes ?? []
            }
            guard let change else { continue }
            edits += change.edits
            if let gate = change.gate { gates.append(gate) }
            if addsNetworkPolicies, let gate = change.gate {
                let taken = Set(policies.map(\.name))
                policies.append(try GatePolicy(pod, port: gate.port, taken: taken))
            }
        }
        if !hasPod {
            notes.append(ManifestNote(kind: .warning, place: .start, message: "there is no pod"))
        }
        for object in objects { notes += try BypassingServices(around: gates).notes(on: object) }
        let added = try documents(policies, roots, text, &edits)
        return Result(text: ManifestEdit.apply(edits, to: text) + added, notes: notes)
    }

    /// Whether a workload with this metadata gets no sidecar.
    private func isExempt(_ metadata: ManifestNode?) throws(ManifestProblem) -> Bool {
        var options = options
        return !(try options.take(annotationsOf: metadata) ?? !isMarkedOnly)
    }

    private struct Change {
        let edits: [ManifestEdit]
        /// nil: of the ports of a sidecar that stays as it is nothing follows.
        let gate: BypassingServices.Gate?
        let notes: [ManifestNote]
    }

    /// nil for a pod that gets no sidecar.
    private func change(of pod: PodTemplate, in text: ManifestText) throws(ManifestProblem) -> Change? {
        var options = options
        var isWanted = !isMarkedOnly
        for metadata in pod.metadata {
            isWanted = try options.take(annotationsOf: metadata) ?? isWanted
        }
        guard isWanted else { return nil }
        switch pod.form {
        case .lasting, .openShift: break
        case .knative: options.isNative = false
        case .endsByItself:
            if options.isNative { break }
            throw ManifestProblem(
                pod.place,
                "\(pod.label): a plain sidecar would keep it from ending; use a native one (Kubernetes 1.29), "
                    + "or annotate it sidegate/inject: disabled")
        }
        let inventory = try PodInventory(pod)
        if target == .newPods, try inventory.hasSidecar() {
            try inventory.requireProtectable()
            try inventory.requireUnsharedPorts()
            try inventory.requireGates()
            return Change(edits: [], gate: nil, notes: [])
        }
        let ports = try inventory.choosePorts(options)
        try inventory.requireProtectable()
        try pod.requireOrdinary()
        var notes = inventory.notes(ports: ports, options)
        let sidecar = Sidecar(
            options: options, port: ports.main, adminPort: ports.admin, form: pod.form)
        try inventory.requireOwn(sidecar)
        var editor = PodEditor(text, pod.specification)
        // Otherwise a Service named sidegate would add SIDEGATE_… variables to the pods, which Sidegate reads as
        // settings.
        if let links = try editor.overwritten("enableServiceLinks", by: .boolean(false)) {
            notes.append(
                ManifestNote(
                    kind: .warning, place: links.place,
                    message: "enableServiceLinks is false now: the app no longer has variables such as "
                        + "DATABASE_SERVICE_HOST; use the names of the Services"))
        }
        try editor.set("enableServiceLinks", to: .boolean(false))
        if pod.form == .knative {
            for app in inventory.apps {
                guard let entry = try app.entry("ports") else { continue }
                try editor.remove(entry, of: app)
                notes.append(
                    ManifestNote(
                        kind: .warning, place: entry.key.place,
                        message:
                            "its ports are removed, since Knative takes those of one container, which is "
                            + "the sidecar; the app no longer gets PORT, and has to listen on 127.0.0.1 and another port"
                    ))
            }
        } else if !addsNetworkPolicies, let open = inventory.openPorts(target) {
            notes.append(open)
        }
        try editor.remove(Sidecar.name, from: options.isNative ? "containers" : "initContainers")
        try editor.put(
            [(Sidecar.name, sidecar.container)], into: options.isNative ? "initContainers" : "containers")
        try editor.put(Array(zip(Sidecar.volumeNames, sidecar.volumes)).map { ($0, $1) }, into: "volumes")
        try editor.finish()
        let gate = BypassingServices.Gate(
            namespace: pod.namespace, labels: try pod.labels(), port: ports.main, adminPort: ports.admin,
            isNative: options.isNative)
        return Change(edits: editor.edits, gate: gate, notes: notes)
    }

    /// Replaces policies of earlier runs, and returns the documents to be appended.
    private func documents(
        _ policies: [GatePolicy], _ roots: [ManifestNode], _ text: ManifestText, _ edits: inout [ManifestEdit]
    ) throws(ManifestProblem) -> [UInt8] {
        var added = ""
        for policy in policies {
            let lines: [String]
            switch try policy.addition(to: text, roots) {
            case .none: continue
            case .replacement(let edit):
                edits.append(edit)
                continue
            case .document(let new): lines = new
            }
            // kubectl reads what begins as JSON as JSON to its end.
            if let root = roots.first, root.isFlow {
                throw ManifestProblem(
                    root.place,
                    "a NetworkPolicy cannot be added to JSON; convert it to YAML, or run without --network-policy")
            }
            added += (["---"] + lines).map { $0 + text.newline }.joined()
        }
        let isOpen = !added.isEmpty && text.bytes.last != 10
        return Array(((isOpen ? text.newline : "") + added).utf8)
    }
}
