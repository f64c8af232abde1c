// SPDX-License-Identifier: Apache-2.0

import Manifests
import Testing

@Suite("NetworkPolicies beside the sidecar")
struct NetworkPolicyTests {
    private let workload = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: wiki
          namespace: docs
        spec:
          selector: {matchLabels: {app.kubernetes.io/name: wiki}}
          template:
            metadata: {labels: {app.kubernetes.io/name: wiki, version: "2"}}
            spec:
              containers:
              - name: wiki
                ports: [{containerPort: 3000}]
        """

    private func inject(
        _ text: String, _ change: (inout SidecarOptions) -> Void = { _ in }
    ) throws(ManifestProblem) -> (text: String, notes: [String]) {
        var options = SidecarOptions(image: "sidegate:1")
        change(&options)
        let result = try SidecarInjector(options, addsNetworkPolicies: true).inject(Array(text.utf8))
        return (String(decoding: result.text, as: UTF8.self), result.notes.map(\.message))
    }

    @Test("It selects the workload's pods and admits the gate's port alone")
    func policy() throws {
        let result = try inject(workload)
        #expect(
            result.text.hasSuffix(
                """
                ---
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata:
                  name: wiki-sidegate
                  namespace: docs
                  labels:
                    app.kubernetes.io/managed-by: sidegate
                spec:
                  podSelector:
                    matchLabels:
                      app.kubernetes.io/name: wiki
                  policyTypes:
                    - Ingress
                  ingress:
                    - ports:
                        - port: 8080
                          protocol: TCP

                """), "\(result.text.suffix(600))")
        #expect(result.notes == ["Deployment/wiki: sidecar added"], "no port stays open")
    }

    @Test("A second run changes nothing, and one with another port replaces the policy")
    func again() throws {
        let once = try inject(workload).text
        #expect(try inject(once).text == once)
        let other = try inject(once) { $0.port = 8443 }.text
        let fresh = try inject(workload) { $0.port = 8443 }.text
        #expect(other == fresh)
        #expect(other.ranges(of: "NetworkPolicy").count == 1)
    }

    @Test("Each workload has one; names do not collide")
    func several() throws {
        let set = workload.replacing("Deployment", with: "StatefulSet")
        let text = try inject(workload + "\n---\n" + set + "\n").text
        #expect(text.contains("name: wiki-sidegate\n") && text.contains("name: wiki-statefulset-sidegate\n"))
        #expect(try inject(text).text == text)
    }

    @Test("Where none can be made, the run is refused with the fix")
    func refused() {
        func refusal(_ text: String) -> String {
            do throws(ManifestProblem) {
                _ = try inject(text)
                return ""
            } catch { return error.message }
        }
        let bare = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a}]}\n"
        #expect(refusal(bare).contains("its pods have no labels"))
        let json =
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"x\", \"labels\": {\"a\": \"b\"}}, "
            + "\"spec\": {\"containers\": [{\"name\": \"a\"}]}}"
        #expect(refusal(json).contains("cannot be added to JSON"))
        let other =
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: wiki-sidegate, namespace: docs}\n---\n"
        #expect(refusal(other + workload).contains("there is another NetworkPolicy wiki-sidegate"))
        let knative = workload.replacing("apps/v1", with: "serving.knative.dev/v1")
        #expect(refusal(knative).contains("queue-proxy"))
    }
}
