// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Manifests
import Testing
import Webhook

let options = SidecarOptions(image: "registry.example.com/sidegate:1")

/// A pod as the API server sends it: with defaults, the token of its service account, and managed fields.
func pod(
    owner: String? = "ReplicaSet", name: String = #""generateName": "wiki-7d9f8c6b5-""#, annotations: String = "{}",
    more: String = "", containers: String = "", volumes: String = "", labels: String = #"{"app": "wiki"}"#
) -> String {
    let owners = owner.map { kind in
        let version = kind == "Job" ? "batch/v1" : "apps/v1"
        return """
            "ownerReferences": [{"apiVersion": "\(version)", "kind": "\(kind)", "name": "wiki-7d9f8c6b5", \
            "uid": "8a7c2f1e-3b60-4d77-9c3a-0f3e55d6a1b2", "controller": true, "blockOwnerDeletion": true}],
            """
    }
    return """
        {"kind": "Pod", "apiVersion": "v1", "metadata": {\(name), "creationTimestamp": null, "labels": \(labels),
          "annotations": \(annotations), \(owners ?? "")
          "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
            "time": "2026-12-01T08:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:containers": {"k:{\\"name\\":\\"wiki\\"}": {".": {}, "f:image": {}}}}}}]},
         "spec": {"volumes": [\(volumes){"name": "kube-api-access-x7k2p", "projected": {"sources": [
              {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
              {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
              {"downwardAPI": {"items": [{"path": "namespace",
                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}], "defaultMode": 420}}],
           \(more)
           "containers": [\(containers){"name": "wiki", "image": "registry.example.com/wiki:1",
             "ports": [{"containerPort": 3000, "protocol": "TCP"}], "env": [{"name": "MOTTO", "value": "a < b & c\\u2028é"}],
             "resources": {}, "volumeMounts": [{"name": "kube-api-access-x7k2p", "readOnly": true,
               "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
             "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
             "imagePullPolicy": "IfNotPresent"}],
           "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
           "serviceAccountName": "default", "serviceAccount": "default", "securityContext": {},
           "schedulerName": "default-scheduler", "tolerations": [{"key": "node.kubernetes.io/not-ready",
             "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
           "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority"},
         "status": {}}
        """
}

/// The review of a pod, or of something else.
func review(
    _ object: String, kind: String = #"{"group": "", "version": "v1", "kind": "Pod"}"#, operation: String = "CREATE",
    more: String = #""dryRun": false,"#
) -> String {
    """
    {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
      "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": \(kind),
      "resource": {"group": "", "version": "v1", "resource": "pods"}, "requestKind": \(kind),
      "requestResource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": "office",
      "operation": "\(operation)", "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller",
        "uid": "a", "groups": ["system:serviceaccounts"]}, "object": \(object), "oldObject": null, \(more)
      "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}
    """
}

/// The answer to a review, and its `response`.
func answer(
    to text: String, isMarkedOnly: Bool = false, _ change: (inout SidecarOptions) -> Void = { _ in }
) throws -> (answer: ReviewAnswer, response: JSONValue) {
    var options = options
    change(&options)
    let answer = PodReviewer(options, isMarkedOnly: isMarkedOnly).review(Array(text.utf8))
    let document = try JSONParser.parse(answer.content.span, limit: 8 << 20)
    return (answer, document["response"] ?? document)
}

/// The pod that becomes of `object`: with the patch of the response, if it has one.
func patched(_ object: String, by response: JSONValue) throws -> JSONValue {
    var pod = try JSONParser.parse(Array(object.utf8).span)
    guard let patch = response["patch"]?.string else { return pod }
    #expect(response["patchType"]?.string == "JSONPatch")
    guard let bytes = Base64.decode(Array(patch.utf8).span) else { throw PatchFailure() }
    for operation in try JSONParser.parse(bytes.span, limit: 8 << 20).array ?? [] {
        let path = try #require(operation["path"]?.string)
        try apply(
            try #require(operation["op"]?.string),
            path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(),
            operation["value"], to: &pod)
    }
    return pod
}

private struct PatchFailure: Error {}

/// Applies an operation of RFC 6902, as strictly as it says.
func apply(_ name: String, _ path: ArraySlice<Substring>, _ value: JSONValue?, to document: inout JSONValue) throws {
    guard let first = path.first else {
        document = try #require(value)
        return
    }
    let step = String(first).replacing("~1", with: "/").replacing("~0", with: "~")
    let isLast = path.count == 1
    switch document {
    case .object(var object):
        if isLast {
            if name != "add", object[step] == nil { throw PatchFailure() }
            object[step] = name == "remove" ? nil : value
        } else {
            var child = try #require(object[step])
            try apply(name, path.dropFirst(), value, to: &child)
            object[step] = child
        }
        document = .object(object)
    case .array(var elements):
        let index = try #require(Int(step))
        guard index >= 0, index < elements.count || isLast && name == "add" && index == elements.count else {
            throw PatchFailure()
        }
        if !isLast {
            try apply(name, path.dropFirst(), value, to: &elements[index])
        } else if name == "remove" {
            elements.remove(at: index)
        } else if name == "add" {
            elements.insert(try #require(value), at: index)
        } else {
            elements[index] = try #require(value)
        }
        document = .array(elements)
    case .string, .number, .bool, .null: throw PatchFailure()
    }
}

/// What `sidegate inject` makes of a manifest.
func injected(_ object: String, _ change: (inout SidecarOptions) -> Void = { _ in }) throws -> JSONValue {
    var options = options
    change(&options)
    // Its reader is one of YAML, in which U+2028 ends a line.
    let result = try SidecarInjector(options).inject(Array(object.utf8))
    return try JSONParser.parse(result.text.span)
}

/// Equality without regard to the order of members.
func isSame(_ one: JSONValue, _ other: JSONValue) -> Bool {
    switch (one, other) {
    case (.object(let one), .object(let other)):
        one.members.count == other.members.count
            && one.members.allSatisfy { member in other[member.name].map { isSame(member.value, $0) } ?? false }
    case (.array(let one), .array(let other)): one.count == other.count && zip(one, other).allSatisfy(isSame)
    default: one == other
    }
}
