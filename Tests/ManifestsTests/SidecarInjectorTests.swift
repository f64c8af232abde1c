// SPDX-License-Identifier: Apache-2.0

import Manifests
import Testing

@Suite("The sidecar in manifests")
struct SidecarInjectorTests {
    @Test("Everything else stays byte for byte, comments and layout too")
    func rest() throws {
        let text = deployment.replacing("['sh', -c, >-\n            exec wiki\n              --folded]", with: "[wiki]")
        let (lines, isRestSame) = added(text, try inject(text).text)
        #expect(isRestSame)
        #expect(lines.count == 79, "\(lines.count)")
        #expect(lines.first == "      enableServiceLinks: false")
        #expect(lines.contains("      initContainers:") && lines.contains("        - name: sidegate"))
        #expect(lines.contains("          restartPolicy: Always"))
        #expect(lines.contains("      volumes:") && lines.contains("            defaultMode: 292"))
    }

    @Test(
        "The operation is idempotent",
        arguments: [
            deployment, deployment.replacing("\n", with: "\r\n"), podInFlow, podInJSON, listOfPods, withLists,
            nullLists,
        ], [true, false])
    func idempotent(text: String, isNative: Bool) throws {
        let text = text.replacing(">-", with: "x")
        let once = try inject(text) { $0.isNative = isNative }
        let twice = try inject(once.text) { $0.isNative = isNative }
        #expect(once.text != text)
        #expect(twice.text == once.text)
        #expect(twice.notes.allSatisfy { $0.hasSuffix("already has the sidecar") || $0.hasSuffix("unchanged") })
    }

    @Test(
        "Switching from one form to the other gives the same result as the latter alone",
        arguments: [deployment, podInFlow, podInJSON, listOfPods])
    func moves(text: String) throws {
        let text = text.replacing(">-", with: "x")
        let (native, plain) = (try inject(text).text, try inject(text) { $0.isNative = false }.text)
        let moved = try inject(native) { $0.isNative = false }.text
        // A list in flow style stays as an empty one.
        #expect(Set(words(moved)).subtracting(["initContainers", "initContainers:"]) == Set(words(plain)))
        let back = try inject(plain).text
        #expect(Set(words(back)) == Set(words(native)))
        #expect(try inject(back).text == back)
    }

    @Test("Another version of the sidecar, and other names, replace the existing ones")
    func replaced() throws {
        let old = try inject(withLists).text
        let new = try inject(old) {
            $0.image = "sidegate:2"
            $0.secret = "mine"
            $0.secretKeys = [.init(file: "session", key: "s")]
            $0.port = 8000
        }.text
        let fresh = try inject(withLists) {
            $0.image = "sidegate:2"
            $0.secret = "mine"
            $0.secretKeys = [.init(file: "session", key: "s")]
            $0.port = 8000
        }.text
        #expect(new == fresh)
        #expect(new.contains("secretName: mine") && new.contains("\"0.0.0.0:8000\"") && !new.contains("sidegate:1"))
    }

    @Test("The sidecar comes first, as init containers run in order")
    func order() throws {
        let text = try inject(withLists).text
        let names = text.split(separator: "\n").filter { $0.contains("- name: ") }
            .compactMap { $0.split(separator: " ").last }
        #expect(names.prefix(2) == ["app", "sidegate"], "the list of containers comes first in this manifest")
        let own = try #require(text.firstRange(of: "- name: sidegate\n")?.lowerBound)
        let other = try #require(text.firstRange(of: "- name: migrate")?.lowerBound)
        #expect(own < other)
    }

    @Test(
        "Pods are found in all controllers, and in Lists",
        arguments: [
            ("v1", "Pod", "spec:\n  containers: [{name: a}]\n"),
            ("apps/v1", "StatefulSet", "spec:\n  template:\n    spec:\n      containers:\n      - name: a\n"),
            ("apps/v1", "DaemonSet", "spec: {template: {spec: {containers: [{name: a}]}}}\n"),
            ("apps/v1", "ReplicaSet", "spec:\n  template:\n    spec:\n      containers:\n      - {name: a}\n"),
            ("batch/v1", "Job", "spec:\n  template:\n    spec:\n      containers: [\n        {name: a}\n      ]\n"),
            (
                "batch/v1", "CronJob",
                "spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n          -\n            name: a\n"
            ),
            ("v1", "PodTemplate", "template:\n  spec:\n    containers:\n    - name: a\n"),
            ("argoproj.io/v1alpha1", "Rollout", "spec:\n  template:\n    spec:\n      containers:\n      - name: a\n"),
            ("apps.openshift.io/v1", "DeploymentConfig", "spec: {template: {spec: {containers: [{name: a}]}}}\n"),
            ("example.com/v1", "Anything", "spec: {template: {spec: {containers: [{name: a}]}}}\n"),
            ("batch.volcano.sh/v1alpha1", "Job", "spec: {template: {spec: {containers: [{name: a}]}}}\n"),
        ])
    func kinds(version: String, kind: String, rest: String) throws {
        let result = try inject("apiVersion: \(version)\nkind: \(kind)\nmetadata:\n  name: x\n\(rest)")
        #expect(result.notes == ["1:1: note: \(kind)/x: sidecar added"])
        #expect(result.text.contains("restartPolicy"))
        #expect(try inject(result.text).text == result.text)
    }

    @Test(
        "The items of a typed list need no kind of their own",
        arguments: [
            ("apps/v1", "Deployment", "{template: {spec: {containers: [{name: a, image: a}]}}}"),
            ("v1", "Pod", "{containers: [{name: a, image: a}]}"),
            ("example.com/v1", "Thing", "{template: {spec: {containers: [{name: a, image: a}]}}}"),
        ])
    func typedLists(version: String, kind: String, specification: String) throws {
        let list =
            "apiVersion: \(version)\nkind: \(kind)List\nitems:\n- metadata: {name: x}\n  spec: \(specification)\n"
        let result = try inject(list)
        #expect(result.notes == ["4:3: note: \(kind)/x: sidecar added"])
        #expect(try inject(result.text).text == result.text)
    }

    @Test(
        "Other documents, and pods that opt out, are unchanged byte for byte",
        arguments: [
            "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {annotations: {sidegate/inject: disabled}}\n"
                + "spec: {tasks: [{template: {spec: {containers: [{name: a, image: b}]}}}]}\n",
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {workloadRef: {kind: Deployment, name: x}}\n",
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
                + "spec: {versions: [{schema: {properties: {containers: {type: array}}}}]}\n",
            "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/inject: disabled}}\nspec: {containers: [{name: a}]}",
            "apiVersion: v1\nkind: Secret\nstringData: {a: &x b, c: *x}\n", "", "---\n---\n", "just text\n", "[1, 2]\n",
            "\u{FEFF}apiVersion: v1\nkind: Service\n", "# nothing but a comment",
        ])
    func leftAlone(text: String) throws {
        #expect(try inject(text).text == text)
    }

    @Test("With marked-only, only workloads that opt in")
    func markedOnly() throws {
        let marked = podInFlow.replacing(
            "metadata: {name: x", with: "metadata: {annotations: {sidegate/inject: enabled}, name: x")
        #expect(try inject(podInFlow, isMarkedOnly: true).text == podInFlow)
        #expect(try inject(marked, isMarkedOnly: true).text != marked)
    }

    @Test("Annotations of the workload override the options, and those of the pod both")
    func annotations() throws {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: x
              annotations: {sidegate/image: "from/workload:1", sidegate/secret: theirs, sidegate/config-map: gate}
            spec:
              template:
                metadata:
                  annotations:
                    sidegate/image: from/pod:1
                    sidegate/sidecar: plain
                    sidegate/port: "8443"
                    sidegate/admin-port: "9443"
                spec:
                  containers:
                  - name: a
            """
        let result = try inject(text).text
        for expected in [
            "image: from/pod:1", "secretName: theirs", "name: gate", "containerPort: 8443", "port: 9443",
            "value: \"0.0.0.0:8443\"",
        ] {
            #expect(result.contains(expected), "\(expected)")
        }
        #expect(!result.contains("restartPolicy") && !result.contains("initContainers"))
    }
}

private func words(_ text: String) -> [String] {
    text.split { " \n\r,[]{}\"".contains($0) }.map(String.init)
}

let podInFlow =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, ports: []}], volumes: []}\n"

let podInJSON = """
    {
      "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
      "spec": {
        "enableServiceLinks": true,
        "containers": [
          {"name": "a", "args": ["\\"x\\""]}
        ]
      }
    }
    """

let listOfPods = """
    apiVersion: v1
    kind: List
    items:
    - apiVersion: v1
      kind: Pod
      metadata:
        name: one
      spec:
        containers:
        - name: a
    - kind: Pod
      apiVersion: v1
      metadata: {name: two, annotations: {sidegate/inject: "disabled"}}
      spec:
        containers:
        - name: b
    """

let withLists = """
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: x
    spec:
      template:
        spec:
          enableServiceLinks: true  # as ever
          containers:
          - name: app
            image: app:1
          initContainers:  # in this order

            # first
            - name: migrate
              image: app:1
          volumes:
          - name: data
            emptyDir: {}
          # the end

    """

let nullLists = """
    apiVersion: v1
    kind: Pod
    metadata: {name: x}
    spec:
      initContainers:
      volumes: null   # none
      enableServiceLinks:
      containers:
      - name: app
    """
