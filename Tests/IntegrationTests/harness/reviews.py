# SPDX-License-Identifier: Apache-2.0
"""The webhook as a process, AdmissionReviews for it, and pods as controllers make them."""

import base64
import copy
import json
import re
import uuid

import jsonpatch

from .certificates import Certificate
from .gate import BINARY, clean_environment, sidegate
from .process import ChildProcess, wait_until
from .secure import SecureConnection, trusting

JSON = {"Content-Type": "application/json"}
IMAGE = "registry.example.com/sidegate:1"


class Webhook(ChildProcess):
    def __init__(self, folder, authority, certificate: Certificate, *arguments):
        self.context = trusting(authority)
        super().__init__(
            [BINARY, "webhook", "--listen", "127.0.0.1:0", "--certificate", certificate.certificate, "--key", certificate.key,
             "--image", IMAGE, *arguments], folder / "webhook.log", env=clean_environment())
        try:
            listening = wait_until(
                lambda: self.lines("listening") or (not self.is_running() and [{}]), "the webhook listens")[0]
            assert listening, self.output()
        except BaseException:
            self.kill()
            raise
        self.port = int(listening["address"].rsplit(":", 1)[1])

    def lines(self, message=None) -> list:
        found = []
        for line in self.output().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the last line may be incomplete
        return [line for line in found if message is None or line.get("message") == message]

    def connection(self, **more) -> SecureConnection:
        return SecureConnection(self.port, self.context, **more)

    def post(self, body, headers=JSON, target="/mutate?timeout=10s"):
        with self.connection() as connection:
            return connection.exchange("POST", target, headers, body if isinstance(body, bytes) else json.dumps(body).encode())

    def review(self, pod, **changes) -> dict:
        """The `response` to the review of a new pod."""
        question = review(pod, **changes)
        answer = self.post(question)
        assert answer.status == 200 and answer["Content-Type"] == "application/json", answer.text
        document = answer.json()
        assert (document["apiVersion"], document["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        assert document["response"]["uid"] == question["request"]["uid"]
        return document["response"]


def review(pod, **changes) -> dict:
    kind, resource = {"group": "", "version": "v1", "kind": "Pod"}, {"group": "", "version": "v1", "resource": "pods"}
    request = {
        "uid": str(uuid.uuid4()), "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
        "namespace": "office", "operation": "CREATE", "object": pod, "oldObject": None, "dryRun": False,
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:authenticated"]},
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request | changes}


def patched(pod: dict, response: dict) -> dict:
    """What the API server makes of the pod."""
    assert response["allowed"] is True, response
    if "patch" not in response:
        return pod
    assert response["patchType"] == "JSONPatch"
    return jsonpatch.apply_patch(pod, json.loads(base64.b64decode(response["patch"], validate=True)))


def manifest(pod: dict) -> str:
    """The pod in JSON that is YAML as well, which has no escapes for half of a character."""
    pairs = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")
    return pairs.sub(lambda found: json.loads(f'"{found[0]}"'), json.dumps(pod))


def injected(pod: dict, *arguments) -> dict | None:
    """What `sidegate inject` makes of the pod; None when it refuses it."""
    done = sidegate("inject", "--image", IMAGE, *arguments, input=manifest(pod))
    return json.loads(done.stdout) if done.returncode == 0 else None


def reason_of_inject(pod: dict, *arguments) -> str:
    """Why `sidegate inject` refuses the pod."""
    done = sidegate("inject", "--image", IMAGE, *arguments, input=manifest(pod))
    assert done.returncode == 1, done.stdout
    return re.fullmatch(r"standard input:\d+:\d+: error: (.*)\n", done.stderr)[1]


TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def pod(owner="ReplicaSet", **changes) -> dict:
    """As the API server sends it, with its defaults and the token of the service account."""
    made = {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "generateName": "wiki-7d9f8c6b5-", "creationTimestamp": None, "labels": {"app": "wiki", "pod-template-hash": "7d9f8c6b5"},
            "ownerReferences": [{"apiVersion": "batch/v1" if owner == "Job" else "apps/v1", "kind": owner, "name": "wiki-7d9f8c6b5",
                                 "uid": "8a7c2f1e-3b60-4d77-9c3a-0f3e55d6a1b2", "controller": True, "blockOwnerDeletion": True}],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                               "fieldsV1": {"f:spec": {"f:containers": {'k:{"name":"wiki"}': {".": {}, "f:image": {}}}}}}]},
        "spec": {
            "volumes": [{"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}],
            "containers": [{
                "name": "wiki", "image": "registry.example.com/wiki:1", "ports": [{"containerPort": 3000, "protocol": "TCP"}],
                "resources": {}, "volumeMounts": [{"name": "kube-api-access-x7k2p", "readOnly": True, "mountPath": TOKEN}],
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
            "restartPolicy": "OnFailure" if owner == "Job" else "Always", "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst", "serviceAccountName": "default", "securityContext": {}, "schedulerName": "default-scheduler",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            "priority": 0, "enableServiceLinks": True},
        "status": {}}
    made = copy.deepcopy(made)
    made["spec"] |= changes.pop("spec", {})
    made["metadata"] |= changes.pop("metadata", {})
    assert not changes
    return made
