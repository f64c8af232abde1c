// SPDX-License-Identifier: Apache-2.0

import Manifests
import Testing

@Suite("Rejected manifests")
struct RefusalTests {
    static let custom =
        "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: x}\nspec:\n  template:\n    spec:\n      containers: [{name: a}]\n"
    static let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"

    @Test(
        "Each is refused with the place and the fix",
        arguments: [
            ("a: [1\n", "2:1: ", "use plain YAML or JSON"),
            ("{{- if .Values.enabled }}\na: b\n", "1:3: ", "use plain YAML or JSON"),
            ("\u{7}", "1:1: ", "save the file as UTF-8 text"),
            (head, "1:1: ", "Pod/x has no `spec` of a pod here"),
            (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n", "4:7: ",
                "Deployment/x has no `template` here"
            ),
            (head + "spec: &pod\n  containers: [{name: a}]\n", "4:7: ", "`spec` has an anchor or a tag"),
            (head + "spec:\n  containers: &c\n  - name: a\n", "5:15: ", "`containers` has an anchor or a tag"),
            (
                "---\nx: &p {containers: [{name: a}]}\napiVersion: v1\nkind: Pod\nspec: *p\n", "5:7: ",
                "`spec` is an alias"
            ),
            (
                head + "spec:\n  <<: {volumes: []}\n  containers: [{name: a}]\n", "5:3: ",
                "a merge (<<) into a pod's `spec`"
            ),
            (head + "spec: {containers: []}\n", "1:1: ", "Pod/x has no container except the sidecar"),
            (head + "spec: {containers: [{name: sidegate}]}\n", "1:1: ", "no container except the sidecar"),
            (head + "spec: {containers: [{name: a}]}\nspec: {}\n", "5:1: ", "`spec` is set twice, first in line 4"),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/port: '8080'}}\n"
                    + "spec: {containers: [{name: a, ports: [{containerPort: 8080}]}]}\n", "4:55: ",
                "port 8080 is used by the sidecar too; give the sidecar another one (--port, or annotation sidegate/port)"
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/admin-port: '9180'}}\n"
                    + "spec: {containers: [{name: a, ports: [{containerPort: 9180}]}]}\n", "4:55: ",
                "(--admin-port, or annotation sidegate/admin-port)"
            ),
            (
                head + "spec: {hostNetwork: true, containers: [{name: a}]}\n", "4:21: ",
                "hostNetwork: the app's loopback address is that of the node"
            ),
            (
                head + "spec: {containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]}\n", "4:69: ",
                "hostPort 80 opens the app at the node's address, around the sign-in; remove it"
            ),
            (
                head
                    + "spec: {initContainers: [{name: b, ports: [{containerPort: 80, hostPort: 81}]}], containers: [{name: a}]}\n",
                "4:73: ", "hostPort 81 opens"
            ),
            (
                head + "spec: {containers: [{name: a, ports: [{name: sidegate, containerPort: 80}]}]}\n", "4:71: ",
                "the port's name `sidegate` is the sidecar's"
            ),
            (
                "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: x}\n"
                    + "spec: {tasks: [{template: {spec: {containers: [{name: a, image: b}]}}}]}\n", "4:47: ",
                "Job/x holds containers at `spec.tasks.template.spec.containers`, where the sidecar cannot be added"
            ),
            (
                custom + "  worker: {template: {spec: {containers: [{name: b, image: b}]}}}\n", "8:42: ",
                "Thing/x holds containers at `spec.worker.template.spec.containers`, where the sidecar cannot be added"
            ),
            (custom + "  worker: {containers: [{image: b}]}\n", "8:24: ", "at `spec.worker.containers`"),
            (custom + "  pods: [{spec: {containers: [{image: b}]}}]\n", "8:30: ", "at `spec.pods.spec.containers`"),
            (custom + "  podSpec: {initContainers: [{image: b}]}\n", "8:29: ", "at `spec.podSpec.initContainers`"),
            (custom + "  worker: {containers: [{<<: *a}]}\n", "8:24: ", "at `spec.worker.containers`"),
            (custom + "  worker: {containers: *a}\n", "8:24: ", "at `spec.worker.containers`"),
            (custom + "      x: {containers: [{image: b}]}\n", "8:23: ", "at `spec.template.spec.x.containers`"),
            (custom + "  container: {image: b}\n", "8:14: ", "at `spec.container`"),
            (custom + "  templates: [{script: {image: b, source: x}}]\n", "8:24: ", "at `spec.templates.script`"),
            (custom + "  templates: [{container: {<<: *a}}]\n", "8:27: ", "at `spec.templates.container`"),
            (custom + "  templates: [{container: *a}]\n", "8:27: ", "at `spec.templates.container`"),
            (custom + "  templates: [{sidecars: [{image: b}]}]\n", "8:26: ", "at `spec.templates.sidecars`"),
            (custom + "  steps: [{image: b, script: x}]\n", "8:10: ", "at `spec.steps`"),
            (custom + "  containers: {main: {image: b}}\n", "8:15: ", "at `spec.containers`"),
            (
                "metadata: {name: x}\nspec: {containers: [{image: b}]}\n", "2:20: ",
                "a document without `kind` holds containers at `spec.containers`"
            ),
            ("- kind: Pod\n  spec: {containers: [{image: b}]}\n", "2:22: ", "a document without `kind` holds"),
            (
                "apiVersion: v1\nkind: List\nitems: [{spec: {containers: [{image: b}]}}]\n", "3:29: ",
                "a document without `kind` holds"
            ),
            (
                "apiVersion: v1\nkind: PodList\nitems: []\nspec: {containers: [{image: b}]}\n", "4:20: ",
                "PodList/(no name) holds containers"
            ),
            (
                head + "spec: {containers: [{name: a}, {name: sidegate, image: other}]}\n", "4:32: ",
                "Pod/x: this container has the sidecar's name, and was not added by inject"
            ),
            (
                head + "spec: {containers: [{name: a}], initContainers: [{name: sidegate, args: [run]}]}\n", "4:50: ",
                "this container has the sidecar's name"
            ),
            (
                head + "spec: {containers: [{name: a}], volumes: [{name: sidegate-config, emptyDir: {}}]}\n", "4:43: ",
                "this volume has the sidecar's name"
            ),
            (
                head
                    + "spec: {containers: [{name: a}], volumes: [{name: sidegate-secrets, secret: {secretName: x}}]}\n",
                "4:43: ", "this volume has the sidecar's name"
            ),
            (
                head + "spec: {containers: [{name: a, ports: [{containerPort: 0x50, hostPort: 0x50}]}]}\n", "4:71: ",
                "hostPort 0x50 opens"
            ),
            (
                "x: &t {spec: {containers: [{name: a, image: b}]}}\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"
                    + "spec: {template: *t}\n", "4:18: ", "`template` is an alias"
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/imag: x}}\nspec: {containers: [{name: a}]}\n",
                "3:26: ", "there is no annotation `sidegate/imag`; there are sidegate/inject, sidegate/image"
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/inject: yes}}\nspec: {containers: [{name: a}]}\n",
                "3:43: ", "`sidegate/inject` is `enabled` or `disabled`"
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/port: http}}\nspec: {containers: [{name: a}]}\n",
                "3:41: ", "1 to 65535"
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {sidegate/port: '9180', sidegate/admin-port: '9180'}}\n"
                    + "spec: {containers: [{name: a}]}\n",
                "1:1: ", "the port and the admin port are both 9180"
            ),
        ])
    func refused(text: String, place: String, message: String) throws {
        let words = try #require(refusal(text))
        #expect(words.hasPrefix(place), "\(words)")
        #expect(words.contains(message), "\(words)")
    }

    @Test("A Job has no plain sidecar, which would keep it from ending")
    func job() {
        let job =
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{name: a}]}}}\n"
        #expect(refusal(job) == nil)
        #expect(refusal(job) { $0.isNative = false }?.contains("keep it from ending") == true)
    }

    @Test("Depth and size are bounded")
    func bounds() {
        let deep = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)
        #expect(refusal(deep)?.contains("nested deeper") == true)
        let large = String(repeating: "#", count: SidecarInjector.maximumSize + 1)
        #expect(refusal(large)?.contains("larger than 32 MiB") == true)
    }

    @Test("Truncated anywhere, a manifest is rejected or processed completely")
    func everyPrefix() throws {
        let bytes = Array(withLists.utf8)
        for count in bytes.indices {
            let text = String(decoding: bytes.prefix(count), as: UTF8.self)
            guard refusal(text) == nil else { continue }
            let once = try inject(text).text
            #expect(try inject(once).text == once, "after \(count) bytes")
        }
    }
}
