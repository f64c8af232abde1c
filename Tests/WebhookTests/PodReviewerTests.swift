// SPDX-License-Identifier: Apache-2.0

import JWT
import Manifests
import Testing
import Webhook

private let initContainer = #"{"name": "migrate", "image": "x", "resources": {}}"#
private let nativeSidecar =
    #"{"name": "proxy", "image": "x", "restartPolicy": "Always", "ports": [{"containerPort": 8080}]}"#
private let claim = #"""
    {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"metadata": {"creationTimestamp": null}, "spec":
    {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}}}},
    """#

/// Pods as controllers make them.
private let shapes: [(name: String, pod: String)] = [
    ("of a Deployment", pod()),
    ("by itself, with a name and no owner", pod(owner: nil, name: #""name": "wiki", "namespace": "office""#)),
    (
        "of a StatefulSet",
        pod(
            owner: "StatefulSet", name: #""name": "wiki-0", "generateName": "wiki-""#,
            more: #""hostname": "wiki-0", "subdomain": "wiki","#,
            volumes: #"{"name": "data", "persistentVolumeClaim": {"claimName": "data-wiki-0"}},"#)
    ),
    (
        "of a DaemonSet",
        pod(
            owner: "DaemonSet", name: #""generateName": "wiki-""#,
            more: #"""
                "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
                [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}]}}},
                """#)
    ),
    ("of a Job", pod(owner: "Job", name: #""generateName": "wiki-""#)),
    ("with init containers", pod(more: "\"initContainers\": [\(initContainer)],")),
    ("with a native sidecar", pod(more: "\"initContainers\": [\(nativeSidecar), \(initContainer)],")),
    ("with an empty list of init containers", pod(more: "\"initContainers\": [],")),
    ("with null for init containers", pod(more: "\"initContainers\": null,")),
    (
        "with another container",
        pod(containers: #"{"name": "logs", "image": "x", "ports": [{"containerPort": 9180}]},"#)
    ),
    ("with an ephemeral volume", pod(volumes: claim)),
    ("with a port that is asked for", pod(annotations: #"{"sidegate/port": "8443", "sidegate/image": "other:2"}"#)),
    ("with a plain sidecar", pod(annotations: #"{"sidegate/sidecar": "plain"}"#)),
]

@Suite("The webhook: reviews of pods")
struct PodReviewerTests {
    @Test("The patched pod is the one that `inject` makes", arguments: shapes.indices)
    func likeInject(index: Int) throws {
        let (name, pod) = shapes[index]
        let (answer, response) = try answer(to: review(pod))
        #expect(answer.status == 200)
        #expect(response["uid"]?.string == "705ab4f5-6393-11e8-b7cc-42010a800002")
        #expect(response["allowed"]?.bool == true, "\(name): \(response)")
        #expect(response["patch"] != nil, "\(name)")
        #expect(isSame(try patched(pod, by: response), try injected(pod)), "\(name)")
    }

    @Test(
        "The second call, with the defaults that the API server adds meanwhile, changes nothing",
        arguments: shapes.indices)
    func again(index: Int) throws {
        let pod = shapes[index].pod
        let once = try patched(pod, by: try answer(to: review(pod)).response)
        let text = String(decoding: once.serialized(), as: UTF8.self)
        let defaulted = text.replacing(
            #""name":"sidegate","image""#, with: #""name":"sidegate","terminationMessagePolicy":"File","image""#)
        #expect(defaulted != text)
        for text in [text, defaulted] {
            let (answer, response) = try answer(to: review(text)) { $0.image = "another:2" }
            #expect(response["allowed"]?.bool == true && response["patch"] == nil && response["warnings"] == nil)
            #expect(answer.subject?.outcome == .unchanged)
        }
    }

    @Test("Annotations and options say which pods get the sidecar")
    func choice() throws {
        let disabled = pod(annotations: #"{"sidegate/inject": "disabled"}"#)
        let enabled = pod(annotations: #"{"sidegate/inject": "enabled"}"#)
        #expect(try answer(to: review(disabled)).response["patch"] == nil)
        #expect(try answer(to: review(disabled)).response["allowed"]?.bool == true)
        #expect(try answer(to: review(pod()), isMarkedOnly: true).response["patch"] == nil)
        #expect(try answer(to: review(enabled), isMarkedOnly: true).response["patch"] != nil)
        // A pod that has no place for the gate, and wants none.
        let onHost = pod(annotations: #"{"sidegate/inject": "disabled"}"#, more: #""hostNetwork": true,"#)
        #expect(try answer(to: review(onHost)).answer.subject?.outcome == .unchanged)
    }

    @Test(
        "A pod that cannot have the gate is refused, with the reason",
        arguments: [
            (pod(more: #""hostNetwork": true,"#), "hostNetwork: the app's loopback address is that of the node"),
            (
                pod(containers: #"{"name": "a", "ports": [{"containerPort": 1, "hostPort": 80}]},"#),
                "hostPort 80 opens the app at the node's address"
            ),
            (pod(annotations: #"{"sidegate/inject": "yes"}"#), "`sidegate/inject` is `enabled` or `disabled`"),
            (pod(annotations: #"{"sidegate/prot": "80"}"#), "there is no annotation `sidegate/prot`"),
            (pod(annotations: #"{"sidegate/port": "3000"}"#), "port 3000 is used by the sidecar too"),
            (pod(annotations: #"{"sidegate/port": "+80"}"#), "`sidegate/port` is a port, 1 to 65535"),
            (pod(annotations: #"{"sidegate/admin-port": "080"}"#), "`sidegate/admin-port` is a port, 1 to 65535"),
            (pod(more: #""os": {"name": "windows"},"#), "os.name: windows: the sidecar is a program for Linux"),
            (pod(volumes: #"{"name": "sidegate-config", "emptyDir": {}},"#), "this volume has the sidecar's name"),
            (pod(containers: #"{"name": "sidegate", "image": "x"},"#), "this container has the sidecar's name"),
            (
                pod(owner: "Job", annotations: #"{"sidegate/sidecar": "plain"}"#),
                "Pod/wiki-7d9f8c6b5-: a plain sidecar would keep it from ending"
            ),
            (pod(annotations: #"{"kubernetes.io/config.mirror": "x"}"#), "is the image of a static pod"),
            (pod(labels: #"{"serving.knative.dev/revision": "wiki-1"}"#), "is a pod of Knative"),
        ])
    func refused(pod: String, message: String) throws {
        let (answer, response) = try answer(to: review(pod))
        #expect(answer.status == 200)
        #expect(response["allowed"]?.bool == false && response["patch"] == nil)
        #expect(response["uid"]?.string == "705ab4f5-6393-11e8-b7cc-42010a800002")
        #expect(response["status"]?["message"]?.string?.contains(message) == true, "\(response)")
        #expect(response["status"]?["code"]?.number?.integer == 403)
    }

    @Test("A pod with a sidecar is refused when the sidecar cannot protect the app any more")
    func sidecarInVain() throws {
        let once = try patched(pod(), by: try answer(to: review(pod())).response)
        let text = String(decoding: once.serialized(), as: UTF8.self)
        for (changed, message) in [
            (
                text.replacing(#""restartPolicy":"Always","terminationG"#, with: #""hostNetwork":true,"terminationG"#),
                "hostNetwork"
            ),
            (
                text.replacing(#""containerPort":3000"#, with: #""containerPort":8080"#),
                "uses port 8080, and so does the sidecar"
            ),
        ] {
            #expect(changed != text)
            let response = try answer(to: review(changed)).response
            #expect(response["allowed"]?.bool == false)
            #expect(response["status"]?["message"]?.string?.contains(message) == true, "\(response)")
        }
    }

    @Test(
        "A container that only looks like the sidecar is refused; `inject` replaces it",
        arguments: [
            (#""restartPolicy":"Always","args""#, #""args""#, "an init container without `restartPolicy: Always`"),
            (
                #""restartPolicy":"Always","args""#, #""restartPolicy":"Never","args""#,
                "without `restartPolicy: Always`"
            ),
            (#""args":["run""#, #""command":["sleep"],"args":["run""#, "its `command` runs something else"),
            (#""args":["run""#, #""command":"sleep","args":["run""#, "its `command` runs something else"),
            (
                #""mountPath":"/etc/sidegate""#, #""mountPath":"/etc/other""#,
                "it does not mount its configuration at /etc/s"
            ),
        ])
    func lookalike(old: String, new: String, message: String) throws {
        let once = try patched(pod(), by: try answer(to: review(pod())).response)
        let text = String(decoding: once.serialized(), as: UTF8.self)
        let changed = text.replacing(old, with: new)
        #expect(changed != text)
        let response = try answer(to: review(changed)).response
        #expect(response["allowed"]?.bool == false)
        #expect(response["status"]?["message"]?.string?.contains(message) == true, "\(response)")
        #expect(isSame(try injected(changed), try injected(text)))
    }

    @Test("A container with the sidecar's name beside the app needs no restart policy, and `command` may be empty")
    func plain() throws {
        let once = try patched(pod(), by: try answer(to: review(pod()), { $0.isNative = false }).response)
        let text = String(decoding: once.serialized(), as: UTF8.self)
        for command in ["null", "[]"] {
            let changed = text.replacing(#""args":["run""#, with: #""command":\#(command),"args":["run""#)
            #expect(changed != text)
            #expect(try answer(to: review(changed)).answer.subject?.outcome == .unchanged)
        }
    }

    @Test("Warnings of `inject` go to the client of the API server, once")
    func warnings() throws {
        let warnings = try answer(to: review(pod())).response["warnings"]?.array?.compactMap(\.string) ?? []
        #expect(warnings.contains { $0.contains("enableServiceLinks is false now") }, "\(warnings)")
        #expect(warnings.contains { $0.contains("port 3000 stays open at the pod's address") }, "\(warnings)")
        #expect(!warnings.contains { $0.contains("--") || $0.contains("sidecar added") }, "\(warnings)")
        let usual = #"{"name": "app", "ports": [{"containerPort": 8080}, {"containerPort": 9180}]},"#
        let ports = try answer(to: review(pod(containers: usual))).response["warnings"]?.array?.compactMap(\.string)
        #expect(
            ports?.prefix(2) == [
                "container app uses port 8080, so the sidecar's port is 8180; set targetPort: 8180 in the Service",
                "container app uses port 9180, so the sidecar's admin port is 9280",
            ])
        // Nothing to say.
        let quiet = #"{"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "a"}]}}"#
        #expect(try answer(to: review(quiet)).response["warnings"] == nil)
    }

    @Test("Warnings are as long as the API server takes them")
    func longWarnings() throws {
        let ports = (10_000..<10_300).map { "{\"containerPort\": \($0)}" }.joined(separator: ",")
        let name = String(repeating: "é", count: 300)
        let more = "{\"name\": \"\(name)\", \"ports\": [{\"containerPort\": 8080}, \(ports)]},"
        let warnings = try answer(to: review(pod(containers: more))).response["warnings"]?.array?.compactMap(\.string)
        #expect(warnings?.count == 3)
        #expect(warnings?.allSatisfy { $0.utf8.count <= 256 } == true, "\(warnings ?? [])")
        #expect(warnings?.filter { $0.hasSuffix("…") && $0.utf8.count >= 254 }.count == 2, "\(warnings ?? [])")
    }

    @Test("Only the creation of pods is reviewed; anything else shows a mistake in the rules")
    func others() throws {
        let deployment = #"{"group": "apps", "version": "v1", "kind": "Deployment"}"#
        for text in [
            review(pod(), kind: deployment), review(pod(), operation: "UPDATE"), review("null", operation: "DELETE"),
            review(pod(), more: #""subResource": "ephemeralcontainers","#),
        ] {
            let (answer, response) = try answer(to: text)
            #expect(answer.status == 200)
            #expect(response["allowed"]?.bool == false)
            #expect(
                response["status"]?["message"]?.string?.contains("name the operation CREATE") == true, "\(response)")
        }
        let response = try answer(to: review(pod(), kind: deployment)).response
        #expect(response["status"]?["message"]?.string?.contains("CREATE of apps/v1 Deployment") == true)
    }

    @Test("A dry run has the same answer, and says that it is one")
    func dryRun() throws {
        let (real, response) = try answer(to: review(pod()))
        let (dry, same) = try answer(to: review(pod(), more: #""dryRun": true,"#))
        #expect(response == same)
        #expect(real.subject?.isDryRun == false && dry.subject?.isDryRun == true)
        #expect(dry.subject?.namespace == "office" && dry.subject?.pod == "wiki-7d9f8c6b5-")
    }
}
