// SPDX-License-Identifier: Apache-2.0

/// The additions to a pod, the same as those of kustomize/sidegate-sidecar and the chart helm/sidegate-sidecar.
struct Sidecar: Sendable {
    static let name = "sidegate"
    static let volumeNames = ["sidegate-config", "sidegate-secrets"]
    /// Of the port for requests, and of that for health and metrics.
    static let portNames = ["sidegate", "sidegate-admin"]

    private static let configurationFolder = "/etc/sidegate"
    private static let arguments = ["run", "--config", "\(configurationFolder)/sidegate.yaml"]
    /// For the port for requests, and for that for health and metrics.
    private static let listenVariables = ["SIDEGATE_LISTEN", "SIDEGATE_ADMIN_LISTEN"]

    let options: SidecarOptions
    let port: Int
    let adminPort: Int
    let form: PodTemplate.Form

    /// Whether an earlier run added this container. All versions, the chart and the Kustomize components have the same
    /// arguments; the rest may have been adapted by hand.
    static func isOwn(_ container: ManifestNode) throws(ManifestProblem) -> Bool {
        try container["args"]?.items?.map(\.text) == arguments
    }

    /// Why a container with the sidecar's arguments does not run the gate beside the app, whatever its image is; nil: it may.
    static func flaw(of container: ManifestNode, isInitContainer: Bool) throws(ManifestProblem) -> String? {
        if let command = try container["command"], !command.isNull, !command.isEmptyCollection {
            return "its `command` runs something else"
        }
        if isInitContainer, try container["restartPolicy"]?.text != "Always" {
            return "an init container without `restartPolicy: Always` ends before the app starts"
        }
        for mount in try container["volumeMounts"]?.items ?? [] {
            if try mount["mountPath"]?.text == configurationFolder { return nil }
        }
        return "it does not mount its configuration at \(configurationFolder)"
    }

    /// Whether this volume, in a pod with a sidecar of an earlier run, is that sidecar's.
    static func isOwn(volume: ManifestNode) throws(ManifestProblem) -> Bool {
        let source = try volume["name"]?.text == volumeNames[0] ? "configMap" : "secret"
        return try volume[source]?.entries != nil
    }

    /// The ports of a sidecar of an earlier run. Knative takes only one of them as `containerPort`.
    static func ports(of container: ManifestNode) throws(ManifestProblem) -> Set<Int> {
        var ports: Set<Int> = []
        for port in try container["ports"]?.items ?? [] {
            if let number = try port["containerPort"]?.integer { ports.insert(number) }
        }
        for variable in try container["env"]?.items ?? [] {
            guard let name = try variable["name"]?.text, listenVariables.contains(name),
                let address = try variable["value"]?.text, let colon = address.lastIndex(of: ":"),
                let number = Int(address[address.index(after: colon)...])
            else { continue }
            ports.insert(number)
        }
        return ports
    }

    var container: Fragment {
        var entries: [(name: String, value: Fragment)] = [
            ("name", .string(Self.name)),
            ("image", .string(options.image)),
            ("imagePullPolicy", .string("IfNotPresent")),
        ]
        if options.isNative { entries.append(("restartPolicy", .string("Always"))) }
        entries += [
            ("args", .list(Self.arguments.map { .string($0) })),
            (
                "env",
                .list([
                    // The first directory searched for files given without a path.
                    variable("CREDENTIALS_DIRECTORY", "/run/secrets/sidegate"),
                    // Overrides sidegate.yaml: the ports below, on the pod's address.
                    variable(Self.listenVariables[0], "0.0.0.0:\(port)"),
                    variable(Self.listenVariables[1], "0.0.0.0:\(adminPort)"),
                ])
            ),
        ]
        // Knative's API takes one port without a name, and no probes at other ports.
        entries +=
            form == .knative ? [("ports", .list([.mapping([("containerPort", .integer(port))])]))] : portsAndProbes
        entries += [
            (
                "resources",
                .mapping([
                    ("requests", .mapping([("cpu", .string("50m")), ("memory", .string("64Mi"))])),
                    ("limits", .mapping([("memory", .string("512Mi"))])),
                ])
            ),
            ("securityContext", securityContext),
            (
                "volumeMounts",
                .list([
                    mount(Self.volumeNames[0], Self.configurationFolder),
                    mount(Self.volumeNames[1], "/run/secrets/sidegate"),
                ])
            ),
        ]
        return .mapping(entries)
    }

    private var portsAndProbes: [(name: String, value: Fragment)] {
        [
            ("ports", .list([named(Self.portNames[0], port), named(Self.portNames[1], adminPort)])),
            ("startupProbe", probe("/healthz", [("periodSeconds", .integer(1)), ("failureThreshold", .integer(60))])),
            ("livenessProbe", probe("/healthz", [("periodSeconds", .integer(10)), ("timeoutSeconds", .integer(3))])),
            ("readinessProbe", probe("/readyz", [("periodSeconds", .integer(5)), ("timeoutSeconds", .integer(3))])),
        ]
    }

    /// In the order of `volumeNames`.
    var volumes: [Fragment] {
        [
            .mapping([
                ("name", .string(Self.volumeNames[0])),
                ("configMap", .mapping([("name", .string(options.configMap))])),
            ]),
            .mapping([
                ("name", .string(Self.volumeNames[1])),
                (
                    "secret",
                    .mapping([
                        ("secretName", .string(options.secret)),
                        // 0444, in the only notation that YAML 1.1, YAML 1.2 and JSON agree on. Only Sidegate's container
                        // mounts it; 0440 would need an fsGroup, which changes the app's volumes as well.
                        ("defaultMode", .integer(0o444)),
                        (
                            "items",
                            .list(
                                options.secretKeys.map {
                                    .mapping([("key", .string($0.key)), ("path", .string($0.file))])
                                })
                        ),
                    ])
                ),
            ]),
        ]
    }

    /// Pod Security Standard "restricted", whatever the pod's own context is.
    private var securityContext: Fragment {
        let user: [(name: String, value: Fragment)] = [("runAsUser", .integer(65_532))]
        let group: [(name: String, value: Fragment)] = [("runAsGroup", .integer(65_532))]
        let identity =
            switch form {
            case .lasting, .endsByItself: user + group
            case .knative: user
            case .openShift: [] as [(name: String, value: Fragment)]
            }
        return .mapping(
            [
                ("allowPrivilegeEscalation", .boolean(false)),
                ("readOnlyRootFilesystem", .boolean(true)),
                ("runAsNonRoot", .boolean(true)),
            ] + identity + [
                ("capabilities", .mapping([("drop", .list([.string("ALL")]))])),
                ("seccompProfile", .mapping([("type", .string("RuntimeDefault"))])),
            ])
    }

    private func variable(_ name: String, _ value: String) -> Fragment {
        .mapping([("name", .string(name)), ("value", .string(value))])
    }

    private func named(_ name: String, _ number: Int) -> Fragment {
        .mapping([("name", .string(name)), ("containerPort", .integer(number)), ("protocol", .string("TCP"))])
    }

    private func probe(_ path: String, _ times: [(name: String, value: Fragment)]) -> Fragment {
        // The port's number: some versions do not resolve port names of init containers in probes.
        let request = Fragment.mapping([("path", .string(path)), ("port", .integer(adminPort))])
        return .mapping([("httpGet", request)] + times)
    }

    /// A directory, never a single file, which would not follow changes of its ConfigMap or Secret.
    private func mount(_ name: String, _ path: String) -> Fragment {
        .mapping([("name", .string(name)), ("mountPath", .string(path)), ("readOnly", .boolean(true))])
    }
}
