// SPDX-License-Identifier: Apache-2.0

import YAML

/// What a pod has apart from the sidecar: the ports that it may not collide with, and what would lead around it.
struct PodInventory {
    struct Port {
        /// nil: a name or variable in place of a number.
        let number: Int?
        let text: String
        let name: String?
        let container: String
        let place: ManifestPlace
    }

    private struct Namesake {
        let container: ManifestNode
        let isInitContainer: Bool
    }

    private let pod: PodTemplate
    /// Of `containers`.
    private(set) var apps: [ManifestNode] = []
    /// Of containers and init containers.
    private(set) var ports: [Port] = []
    /// Containers with the sidecar's name.
    private var namesakes: [Namesake] = []
    /// The ports of a sidecar that an earlier run added.
    private var earlier: Set<Int> = []

    init(_ pod: PodTemplate) throws(ManifestProblem) {
        self.pod = pod
        let specification = pod.specification.value
        if let merge = specification.entries?.first(where: { $0.key.text == "<<" }) {
            throw ManifestProblem(merge.key.place, "a merge (<<) into a pod's `spec`; write it out in full")
        }
        for list in ["initContainers", "containers"] {
            guard let containers = try specification[list] else { continue }
            try containers.requireWrittenHere(list)
            for container in containers.items ?? [] {
                if case .alias = container.content { try container.requireWrittenHere("a container") }
                if try container["name"]?.text == Sidecar.name {
                    namesakes.append(Namesake(container: container, isInitContainer: list == "initContainers"))
                    earlier.formUnion(try Sidecar.ports(of: container))
                    continue
                }
                if list == "containers" { apps.append(container) }
                try takePorts(of: container)
            }
        }
    }

    private mutating func takePorts(of container: ManifestNode) throws(ManifestProblem) {
        let owner = try container["name"]?.text ?? "(no name)"
        for port in try container["ports"]?.items ?? [] {
            guard let number = try port["containerPort"] else { continue }
            if let host = try port["hostPort"], let text = host.text, host.integer != 0 {
                throw ManifestProblem(
                    host.place,
                    "hostPort \(PrintableText.escaped(text)) opens the app at the node's address, around the sign-in; remove"
                        + " it and use a Service, or annotate the workload sidegate/inject: disabled")
            }
            ports.append(
                Port(
                    number: number.integer, text: PrintableText.escaped(number.text ?? "(no number)"),
                    name: try port["name"]?.text,
                    container: PrintableText.escaped(owner), place: number.place))
        }
    }

    /// Throws when the gate could not protect the app, or would not start.
    func requireProtectable() throws(ManifestProblem) {
        if apps.isEmpty {
            throw ManifestProblem(
                pod.place,
                "\(pod.label) has no container except the sidecar, so there is no app to protect; "
                    + "annotate it sidegate/inject: disabled")
        }
        if let network = try pod.specification.value["hostNetwork"], !["false", nil].contains(network.text) {
            throw ManifestProblem(
                network.place,
                "hostNetwork: the app's loopback address is that of the node, where others on the node reach it without "
                    + "signing in; remove it, or annotate the workload sidegate/inject: disabled")
        }
        if let system = try pod.specification.value["os"]?["name"], system.text == "windows" {
            throw ManifestProblem(
                system.place,
                "os.name: windows: the sidecar is a program for Linux; annotate the workload sidegate/inject: disabled")
        }
        if let port = ports.first(where: { $0.name.map(Sidecar.portNames.contains) ?? false }) {
            throw ManifestProblem(
                port.place,
                "the port's name `\(port.name ?? "")` is the sidecar's, so a Service could lead to either; rename it")
        }
    }

    /// Throws when what has the sidecar's names was not added by an earlier run: it would be replaced.
    func requireOwn(_ sidecar: Sidecar) throws(ManifestProblem) {
        let problem = { (place: ManifestPlace, what: String) in
            ManifestProblem(
                place,
                "\(pod.label): this \(what) has the sidecar's name, and was not added by inject, which would replace it; "
                    + "rename it, or annotate the workload sidegate/inject: disabled")
        }
        for namesake in namesakes where try !Sidecar.isOwn(namesake.container) {
            throw problem(namesake.container.place, "container")
        }
        let volumes = try pod.specification.value["volumes"]
        for (name, volume) in zip(Sidecar.volumeNames, sidecar.volumes) {
            guard let volumes, let present = try PodEditor.item(name, of: volumes), !volume.isSame(as: present) else {
                continue
            }
            let isOwn = try Sidecar.isOwn(volume: present)
            if namesakes.isEmpty || !isOwn { throw problem(present.place, "volume") }
        }
    }

    /// Whether an earlier run has added the sidecar.
    func hasSidecar() throws(ManifestProblem) -> Bool {
        for namesake in namesakes where try !Sidecar.isOwn(namesake.container) { return false }
        return !namesakes.isEmpty
    }

    /// Throws when a container that looks like the sidecar of an earlier run cannot be a gate.
    func requireGates() throws(ManifestProblem) {
        for namesake in namesakes {
            guard let flaw = try Sidecar.flaw(of: namesake.container, isInitContainer: namesake.isInitContainer) else {
                continue
            }
            throw ManifestProblem(
                namesake.container.place,
                "\(pod.label): container \(Sidecar.name) has the sidecar's name and arguments, and cannot be the gate: "
                    + "\(flaw); remove the container, so that the sidecar is added, or annotate the pod "
                    + "sidegate/inject: disabled")
        }
    }

    /// Throws when another container uses a port of the sidecar that an earlier run added: of the two the app could be the
    /// one that gets it.
    func requireUnsharedPorts() throws(ManifestProblem) {
        guard let port = ports.first(where: { $0.number.map(earlier.contains) ?? false }) else { return }
        throw ManifestProblem(
            port.place,
            "\(pod.label): container \(port.container) uses port \(port.text), and so does the sidecar; give the sidecar "
                + "another one by the annotation sidegate/port or sidegate/admin-port")
    }

    /// The sidecar's ports: those that were asked for, else the usual ones, or others when the app uses these.
    func choosePorts(_ options: SidecarOptions) throws(ManifestProblem) -> (main: Int, admin: Int) {
        let main = try choose(options.port, from: SidecarOptions.usualPorts, not: options.adminPort, "port")
        let admin = try choose(options.adminPort, from: SidecarOptions.usualAdminPorts, not: main, "admin-port")
        return (main, admin)
    }

    private func choose(
        _ wanted: Int?, from usual: [Int], not other: Int?, _ option: String
    ) throws(ManifestProblem) -> Int {
        let isTaken = { (port: Int) in port == other || ports.contains { $0.number == port } }
        guard let wanted else {
            // A choice of an earlier run stays, so that the Service still fits.
            let free = usual.filter { !isTaken($0) }
            guard let free = free.first(where: earlier.contains) ?? free.first else {
                throw ManifestProblem(
                    pod.place, "\(pod.label) uses all usual ports; name one with --\(option) or sidegate/\(option)")
            }
            return free
        }
        if wanted == other {
            throw ManifestProblem(pod.place, "\(pod.label): the port and the admin port are both \(wanted)")
        }
        if let port = ports.first(where: { $0.number == wanted }) {
            throw ManifestProblem(
                port.place,
                "port \(wanted) is used by the sidecar too; give the sidecar another one (--\(option), or annotation "
                    + "sidegate/\(option))")
        }
        return wanted
    }

    /// What the operator has to know of the chosen ports.
    func notes(ports chosen: (main: Int, admin: Int), _ options: SidecarOptions) -> [ManifestNote] {
        var notes: [ManifestNote] = []
        let target = pod.form == .knative ? "" : "; set targetPort: \(chosen.main) in the Service"
        let choices = [
            (options.port, chosen.main, SidecarOptions.usualPorts, "port", target),
            (options.adminPort, chosen.admin, SidecarOptions.usualAdminPorts, "admin port", ""),
        ]
        for (wanted, port, usual, what, consequence) in choices where wanted == nil {
            guard let owner = ports.first(where: { $0.number == usual.first }), let first = usual.first else {
                continue
            }
            notes.append(
                ManifestNote(
                    kind: .note, place: owner.place,
                    message:
                        "container \(owner.container) uses port \(first), so the sidecar's \(what) is "
                        + "\(port)\(consequence)"))
        }
        return notes
    }

    /// The ports at which the app can be reached around the gate; nil without any.
    func openPorts(_ target: SidecarInjector.Target) -> ManifestNote? {
        guard let first = ports.first else { return nil }
        let texts = Set(ports.filter { $0.number == nil }.map(\.text)).sorted()
        let numbers = Set(ports.compactMap(\.number)).sorted().map { String($0) } + texts
        let words = numbers.count == 1 ? "port \(numbers[0]) stays" : "ports \(numbers.joined(separator: ", ")) stay"
        let remedy =
            switch target {
            case .manifests: "--network-policy adds a NetworkPolicy that admits the gate's port alone"
            case .newPods: "so add a NetworkPolicy that admits the gate's port alone"
            }
        return ManifestNote(
            kind: .warning, place: first.place,
            message: "\(words) open at the pod's address, around the sign-in, unless the app listens on "
                + "127.0.0.1 only; \(remedy)")
    }
}
