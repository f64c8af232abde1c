// SPDX-License-Identifier: Apache-2.0

import Manifests
import TestSupport
import YAML

/// Kubernetes manifests: what `sidegate inject` writes is YAML again, and injecting into it changes nothing.
enum ManifestTarget {
    static let manifests = FuzzTarget(
        "manifests", maximumLength: 1500,
        dictionary: [
            "apiVersion: v1\n", "kind: Pod\n", "kind: Deployment\n", "metadata:\n", "spec:\n", "  containers:\n",
            "- name: ", "image: ",
            "ports:\n", "containerPort: 8080", "---\n", "{", "}", "[", "]", ": ", "\"", "'", "|\n", ">-\n", "#",
            "initContainers:\n",
            "sidegate/inject: disabled", "volumes:\n", "hostNetwork: true\n", "\t", "&a", "*a", "!!str",
        ],
        seedFolders: ["examples/kubernetes/kustomize/app", "examples/kubernetes/kustomize/signed-in"],
        seeds: {
            [
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: wiki}   # in flow style
                spec:
                  template:
                    metadata:
                      labels: { app: wiki }
                    spec:
                      # Our own registry.
                      containers:
                        - name: wiki
                          image: "registry.example.com/wiki:1"   # pinned
                          command: ['sh', -c, >-
                            exec wiki
                              --folded]
                      terminationGracePeriodSeconds: 010
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: wiki}
                spec: {selector: {app: wiki}, ports: [{port: 80, targetPort: 8080}]}
                """,
                """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: a
                spec:
                  containers:
                  - {name: a, image: b, ports: [{containerPort: 8080}]}
                """,
                "kind: List\napiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec: {containers: [{name: x, image: y}]}\n",
                "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec:\n  jobTemplate:\n    spec:\n      template:\n"
                    + "        spec:\n          containers:\n          - name: c\n            image: d\n",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        var options = SidecarOptions(image: "sidegate:1")
        var random = SeededGenerator(of: input)
        options.isNative = random.below(2) == 0
        let injector = SidecarInjector(options, addsNetworkPolicies: random.below(3) == 0)
        guard let once = try? injector.inject(input) else { return }
        try require(
            once.text.count < input.count + 16_384 * (1 + count(of: "ontainers", in: input)), "it grows without bound")
        try require(documents(once.text) != nil, "not YAML: \(once.text.quoted)")
        let twice: SidecarInjector.Result
        do throws(ManifestProblem) {
            twice = try injector.inject(once.text)
        } catch {
            throw BrokenProperty("what was written is refused: \(error): \(once.text.quoted)")
        }
        try require(twice.text == once.text, "changed again: \(twice.text.quoted)")
    }

    private static func count(of word: String, in text: [UInt8]) -> Int { text.ranges(of: [UInt8](word)).count }

    /// The number of events; nil: not YAML.
    private static func documents(_ text: [UInt8]) -> Int? {
        guard let parser = YAMLParser(text) else { return nil }
        var events = 0
        while true {
            guard let event = try? parser.next() else { return nil }
            events += 1
            if case .streamEnd = event.kind { return events }
        }
    }
}
