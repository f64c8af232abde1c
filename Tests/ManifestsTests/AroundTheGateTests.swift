// SPDX-License-Identifier: Apache-2.0

import Manifests
import Testing

@Suite("What would lead around the gate")
struct AroundTheGateTests {
    private let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {app: x, tier: web}}\nspec: {containers: [{name: a}]}\n"

    private func service(_ port: String, selector: String = "{app: x}", name: String = "{name: s}") -> String {
        "---\napiVersion: v1\nkind: Service\nmetadata: \(name)\nspec:\n  selector: \(selector)\n  ports:\n  - \(port)\n"
    }

    @Test("Services that bypass the sign-in are named")
    func services() throws {
        let warning = "warning: Service/s leads to port"
        #expect(try inject(pod + service("{port: 80, targetPort: 8080}")).notes.count == 1)
        #expect(try inject(pod + service("port: 8080")).notes.count == 1)
        #expect(try inject(pod + service("{port: 9180}")).notes.count == 1, "health and metrics")
        #expect(try inject(pod + service("{port: 80, targetPort: 3000}", selector: "{app: y}")).notes.count == 1)
        let elsewhere = service("{port: 80, targetPort: 3000}", name: "{name: s, namespace: other}")
        #expect(try inject(pod + elsewhere).notes.count == 1)
        let notes = try inject(pod + service("{port: 80, targetPort: 3000}")).notes
        #expect(notes.last == "12:28: \(warning) 3000 of the pod, around the sign-in; set targetPort: 8080")
        #expect(try inject(pod + service("port: 80")).notes.last?.contains("\(warning) 80 ") == true)
        #expect(
            try inject(service("{port: 80, targetPort: http}") + "---\n" + pod).notes.last?.contains("port http")
                == true)
    }

    @Test("The sidecar's own port name leads to the sidecar", arguments: ["sidegate", "sidegate-admin"])
    func ownPortName(name: String) throws {
        let text = pod + service("{port: 80, targetPort: \(name)}")
        #expect(try inject(text) { $0.isNative = false }.notes.count == 1)
        let notes = try inject(text).notes
        #expect(notes.allSatisfy { !$0.contains("warning") })
        #expect(
            notes.last?.contains("note: Service/s leads to port \(name) by its name, which Kubernetes before 1.32")
                == true)
    }

    @Test("When the app uses the usual ports, the sidecar takes others and says so")
    func collisions() throws {
        let app = pod.replacing("{name: a}", with: "{name: a, ports: [{containerPort: 8080}, {containerPort: 8180}]}")
        let result = try inject(app + service("{port: 80, targetPort: 8080}"))
        #expect(result.text.contains("\"0.0.0.0:8280\"") && result.text.contains("\"0.0.0.0:9180\""))
        #expect(
            result.notes.contains {
                $0.contains(
                    "note: Pod/x: container a uses port 8080, so the sidecar's port is 8280; set targetPort: 8280")
            })
        #expect(
            result.notes.last?.contains(
                "Service/s leads to port 8080 of the pod, around the sign-in; set targetPort: 8280") == true)
        #expect(try inject(result.text).text == result.text)
        let later = result.text.replacing("containerPort: 8080}, ", with: "containerPort: 81}, ")
        #expect(try inject(later).text == later, "the choice of an earlier run stays, so that the Service still fits")
        let admin = try inject(pod.replacing("{name: a}", with: "{name: a, ports: [{containerPort: 9180}]}"))
        #expect(admin.text.contains("\"0.0.0.0:8080\"") && admin.text.contains("\"0.0.0.0:9280\""))
        #expect(admin.notes.contains { $0.contains("the sidecar's admin port is 9280") })
        let chosen = try inject(pod) { $0.adminPort = 8080 }.text
        #expect(chosen.contains("\"0.0.0.0:8180\"") && chosen.contains("\"0.0.0.0:8080\""))
    }

    @Test(
        "A port is the number that Kubernetes reads",
        arguments: ["0x1f90", "8_080", "017620", "0o17620", "8080.0", "+8080", "0b1111110010000"])
    func notations(port: String) throws {
        let app = pod.replacing("{name: a}", with: "{name: a, ports: [{containerPort: \(port)}]}")
        let result = try inject(app)
        #expect(result.text.contains("\"0.0.0.0:8180\"") && !result.text.contains("\"0.0.0.0:8080\""))
        #expect(result.notes.last?.contains("Pod/x: port 8080 stays open at the pod's address") == true)
        #expect(
            try inject(app + service("{port: 80, targetPort: \(port)}")).notes.last?.contains("port 8080 of") == true)
    }

    @Test("A variable in place of a port is named")
    func variablePort() throws {
        let notes = try inject(pod.replacing("{name: a}", with: "{name: a, ports: [{containerPort: \"$(P)\"}]}")).notes
        #expect(notes.last?.contains("Pod/x: port $(P) stays open") == true)
    }

    @Test("Ports of the app that stay open at the pod's address are named, once for each pod")
    func openPorts() throws {
        let app = pod.replacing(
            "{name: a}", with: "{name: a, ports: [{containerPort: 3000}]}, {name: b, ports: [{containerPort: 81}]}")
        let notes = try inject(app).notes
        #expect(notes.count == 2)
        #expect(
            notes.last
                == "4:55: warning: Pod/x: ports 81, 3000 stay open at the pod's address, around the sign-in, unless the app "
                + "listens on 127.0.0.1 only; --network-policy adds a NetworkPolicy that admits the gate's port alone")
    }

    @Test(
        "An enableServiceLinks that is overwritten is reported",
        arguments: [("true", true), ("false", false), ("", false)])
    func serviceLinks(value: String, isReported: Bool) throws {
        let text =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  enableServiceLinks: \(value)\n  containers: [{name: a}]\n"
        let result = try inject(text)
        #expect(result.text.contains("enableServiceLinks: false"))
        #expect(
            result.notes.contains { $0.hasPrefix("5:23: warning: Pod/x: enableServiceLinks is false now") }
                == isReported)
        #expect(try inject(result.text).notes.count == 1)
    }

    @Test("hostNetwork: false and hostPort: 0 are accepted")
    func harmless() throws {
        let text = pod.replacing(
            "{containers: [{name: a}]}",
            with: "{hostNetwork: false, containers: [{name: a, ports: [{containerPort: 80, hostPort: 0}]}]}")
        #expect(refusal(text) == nil)
    }
}

@Suite("Platforms with rules of their own")
struct PlatformTests {
    private let service = """
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          name: hello
        spec:
          template:
            spec:
              containers:
              - image: hello:1
                ports:
                - containerPort: 8080   # the app's
                env:
                - {name: TARGET, value: World}

        """

    @Test("The gate's container is the one with a port, without what the API does not take", arguments: [true, false])
    func service(isNative: Bool) throws {
        let result = try inject(service) { $0.isNative = isNative }
        #expect(!result.text.contains("the app's"), "the app's port is removed")
        #expect(
            result.text.ranges(of: "containerPort").count == 1 && result.text.contains("env:\n        - {name: TARGET"))
        for absent in ["initContainers", "restartPolicy", "Probe", "runAsGroup", "name: sidegate-admin"] {
            #expect(!result.text.contains(absent), "\(absent)")
        }
        #expect(result.notes.contains { $0.hasPrefix("10:9: warning: Service/hello: its ports are removed") })
        #expect(try inject(result.text).text == result.text)
        let flow = service.replacing(
            "- image: hello:1\n        ports:\n        - containerPort: 8080   # the app's\n        env:\n        - {name: TARGET, value: World}",
            with: "- {image: hello, ports: [{containerPort: 80}], env: []}")
        #expect(try inject(flow).text.contains("- {image: hello, env: []}"))
    }

    @Test("The ports of an earlier run stay, though Knative's API takes only one of them", arguments: [8080, 9180])
    func chosenPorts(port: Int) throws {
        let once = try inject(service.replacing("containerPort: 8080", with: "containerPort: \(port)")).text
        #expect(once.contains(port == 8080 ? "\"0.0.0.0:8180\"" : "\"0.0.0.0:9280\""))
        #expect(try inject(once).text == once)
    }

    @Test("A DeploymentConfig leaves the user to OpenShift")
    func openShift() throws {
        let text =
            "apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nspec: {template: {spec: {containers: [{name: a}]}}}\n"
        let result = try inject(text).text
        #expect(!result.contains("runAsUser") && !result.contains("runAsGroup") && result.contains("runAsNonRoot"))
        #expect(
            try inject(text.replacing("apps.openshift.io", with: "apps").replacing("Config", with: "")).text.contains(
                "runAsUser"))
    }

    @Test("A Service of Kubernetes itself is no pod")
    func otherService() throws {
        #expect(
            try inject("apiVersion: v1\nkind: Service\nspec: {ports: []}\n").notes == ["1:1: warning: there is no pod"])
    }
}
