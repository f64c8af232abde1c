# SPDX-License-Identifier: Apache-2.0
"""helm/sidegate-injector, rendered for every branch and every supported version of Kubernetes."""

import base64
import os
import re
import select
import shutil
import subprocess

import pytest

import pod_security
from rendering import INJECTOR, VERSIONS, branches, minor, notes, of_kind, pods, refusal, render, render_text

BRANCHES = branches(INJECTOR)
# With a certificate that is given, and other selectors.
GIVEN = "given-values.yaml"


def container(branch="minimal-values.yaml", version="1.33.0", **more) -> dict:
    return of_kind(render(INJECTOR, branch, version, **more), "Deployment")["spec"]["template"]["spec"]["containers"][0]


def webhooks(branch="minimal-values.yaml", **more) -> list[dict]:
    return of_kind(render(INJECTOR, branch, **more), "MutatingWebhookConfiguration")["webhooks"]


# Every manifest


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid_for_the_version_of_kubernetes(version, tmp_path):
    validator = shutil.which("kubernetes-validate")
    if validator is None:
        pytest.skip("kubernetes-validate is missing: pip install kubernetes-validate")
    files = []
    for branch in BRANCHES:
        files.append(tmp_path / branch)
        files[-1].write_text(render_text(INJECTOR, branch, version))
    done = subprocess.run(
        [validator, "--strict", "--quiet", "--no-warn", "-k", f"1.{minor(version)}", *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("branch", BRANCHES)
def test_pods_satisfy_the_standard_restricted(branch):
    for version in VERSIONS:
        found = pods(render(INJECTOR, branch, version))
        assert found
        for name, pod in found:
            assert not list(pod_security.findings(pod)), name
            assert not list(pod_security.findings_beyond(pod)), name


@pytest.mark.parametrize("branch", BRANCHES)
def test_every_object_has_the_labels_and_the_namespace_of_the_release(branch):
    manifests = render(INJECTOR, branch)
    namespace = "elsewhere" if branch == "everything-values.yaml" else "ns"
    for manifest in manifests:
        if manifest["metadata"]["name"].endswith("-more"):
            continue
        assert manifest["metadata"]["labels"]["app.kubernetes.io/instance"] == "rel"
        if manifest["kind"] == "MutatingWebhookConfiguration":
            assert "namespace" not in manifest["metadata"] and manifest["metadata"]["name"].endswith("." + namespace)
        else:
            assert manifest["metadata"]["namespace"] == namespace, manifest["kind"]
    assert all(manifest["kind"] != "Secret" for manifest in manifests)


@pytest.mark.parametrize("branch", BRANCHES)
def test_selectors_match_only_the_pods(branch):
    manifests = render(INJECTOR, branch)
    deployment = of_kind(manifests, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    selectors = [deployment["spec"]["selector"]["matchLabels"], of_kind(manifests, "Service")["spec"]["selector"]]
    for manifest in manifests:
        if manifest["kind"] == "PodDisruptionBudget":
            selectors.append(manifest["spec"]["selector"]["matchLabels"])
        if manifest["kind"] == "NetworkPolicy":
            selectors.append(manifest["spec"]["podSelector"]["matchLabels"])
    for selector in selectors:
        assert selector.items() <= labels
        for manifest in manifests:
            if manifest["kind"] == "Pod":
                assert not selector.items() <= manifest["metadata"]["labels"].items()


@pytest.mark.parametrize("branch", BRANCHES)
def test_service_probes_and_webhooks_lead_to_the_port_on_which_the_program_listens(branch):
    manifests = render(INJECTOR, branch)
    own, service = container(branch), of_kind(manifests, "Service")
    port = own["ports"][0]
    assert f"--listen={'[::]:9443' if branch == 'everything-values.yaml' else '0.0.0.0:8443'}" in own["args"]
    assert port["containerPort"] == int(next(a for a in own["args"] if a.startswith("--listen=")).rsplit(":", 1)[1])
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in own:
            assert own[probe]["httpGet"] == {"path": "/healthz", "port": port["name"], "scheme": "HTTPS"}
    for webhook in webhooks(branch):
        assert webhook["clientConfig"]["service"] == {
            "name": service["metadata"]["name"], "namespace": service["metadata"]["namespace"], "path": "/mutate",
            "port": service["spec"]["ports"][0]["port"]}
    for manifest in manifests:
        if manifest["kind"] == "NetworkPolicy":
            assert manifest["spec"]["ingress"][0]["ports"][0]["port"] == port["containerPort"]


# Which pods are reviewed


def matches(selector: dict, labels: dict) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for expression in selector.get("matchExpressions", []):
        present, values = labels.get(expression["key"]), expression.get("values", [])
        fits = {"In": present in values, "NotIn": present not in values, "Exists": present is not None,
                "DoesNotExist": present is None}[expression["operator"]]
        if not fits:
            return False
    return True


def reviewed(namespace: str, namespace_labels: dict, pod_labels: dict, **more) -> list[str]:
    """The webhooks that get the pod, by the first part of their names."""
    labels = {"kubernetes.io/metadata.name": namespace, **namespace_labels}
    return [webhook["name"].split(".")[0] for webhook in webhooks(**more)
            if matches(webhook["namespaceSelector"], labels) and matches(webhook.get("objectSelector", {}), pod_labels)]


ON, OFF = {"sidegate/inject": "enabled"}, {"sidegate/inject": "disabled"}


@pytest.mark.parametrize(
    ("namespace", "namespace_labels", "pod_labels", "expected"),
    [
        ("office", {}, {}, []),
        ("office", ON, {}, ["namespaces"]),
        ("office", ON, OFF, []),
        ("office", {}, ON, ["pods"]),
        ("office", OFF, {}, []),
        ("office", ON, ON, ["namespaces", "pods"]),
        ("kube-system", ON, ON, []),
        ("kube-node-lease", ON, {}, []),
        ("ns", ON, ON, []),
    ],
)
def test_pods_are_selected_by_their_labels_and_those_of_their_namespace(namespace, namespace_labels, pod_labels, expected):
    assert reviewed(namespace, namespace_labels, pod_labels) == expected


def test_other_selectors_can_be_given_and_exclude_the_chart_s_own_namespace_all_the_same():
    labels = {"tier": "web", "team": "a"}
    assert reviewed("office", labels, {"gate": "yes"}, branch=GIVEN) == ["namespaces"]
    assert reviewed("office", labels, {}, branch=GIVEN) == []
    assert reviewed("office", {"tier": "web"}, {"gate": "yes"}, branch=GIVEN) == []
    assert reviewed("office", ON, ON, branch=GIVEN) == []
    assert reviewed("ns", labels, {"gate": "yes"}, branch=GIVEN) == []
    assert reviewed("kube-system", labels, {"gate": "yes"}, branch=GIVEN) == ["namespaces"]
    everything = {"webhook": {"namespaceSelector": {}, "objectSelector": {}, "labelledPods": False}}
    assert reviewed("office", {}, OFF, extra=everything) == ["namespaces"] and reviewed("ns", {}, ON, extra=everything) == []
    assert reviewed("elsewhere", ON, {}, branch="everything-values.yaml") == []
    assert reviewed("ns", ON, {}, branch="everything-values.yaml") == ["namespaces"]


@pytest.mark.parametrize("branch", BRANCHES)
def test_only_the_creation_of_pods_is_reviewed(branch):
    names = set()
    for webhook in webhooks(branch):
        assert webhook["rules"] == [
            {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"], "scope": "Namespaced"}]
        assert webhook["admissionReviewVersions"] == ["v1"] and webhook["sideEffects"] == "None"
        assert webhook["name"].count(".") >= 3
        names.add(webhook["name"])
    assert len(names) == len(webhooks(branch))


def test_without_an_answer_no_pod_is_created_by_default():
    assert {w["failurePolicy"] for w in webhooks()} == {"Fail"}
    assert {w["reinvocationPolicy"] for w in webhooks()} == {"IfNeeded"}
    assert {w["timeoutSeconds"] for w in webhooks()} == {10}
    given = webhooks(GIVEN)[0]
    assert (given["failurePolicy"], given["reinvocationPolicy"], given["matchPolicy"], given["timeoutSeconds"]) == (
        "Ignore", "Never", "Exact", 5)


# Certificates


def test_cert_manager_makes_the_certificate_by_an_authority_of_the_chart():
    manifests = render(INJECTOR, "minimal-values.yaml")
    certificates = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "Certificate"}
    issuers = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "Issuer"}
    served = certificates["rel-sidegate-injector"]
    assert served["dnsNames"][0] == "rel-sidegate-injector.ns.svc" and "server auth" in served["usages"]
    authority = issuers[served["issuerRef"]["name"]]["ca"]["secretName"]
    signer = next(spec for spec in certificates.values() if spec["secretName"] == authority)
    assert signer["isCA"] is True and signer["privateKey"]["rotationPolicy"] == "Never"
    assert issuers[signer["issuerRef"]["name"]] == {"selfSigned": {}}
    annotations = of_kind(manifests, "MutatingWebhookConfiguration")["metadata"]["annotations"]
    assert annotations["cert-manager.io/inject-ca-from"] == "ns/rel-sidegate-injector"
    assert all("caBundle" not in webhook["clientConfig"] for webhook in webhooks())


def test_an_issuer_of_the_cluster_can_make_the_certificate():
    manifests = render(INJECTOR, "issuer-values.yaml")
    assert not [m for m in manifests if m["kind"] == "Issuer"]
    spec = of_kind(manifests, "Certificate")["spec"]
    assert spec["issuerRef"] == {"name": "cluster-authority", "kind": "AWSPCAClusterIssuer", "group": "awspca.cert-manager.io"}
    assert (spec["duration"], spec["renewBefore"]) == ("720h", "240h")


def test_a_certificate_can_be_given():
    manifests = render(INJECTOR, GIVEN)
    assert not [m for m in manifests if m["apiVersion"].startswith("cert-manager.io")]
    configuration = of_kind(manifests, "MutatingWebhookConfiguration")
    assert configuration["metadata"]["annotations"] == {"note": "yes"}
    bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"]
    assert base64.b64decode(bundle).startswith(b"-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_certificate_is_mounted_as_a_directory_and_the_test_has_no_key(branch):
    manifests = render(INJECTOR, branch)
    made = [m["spec"]["secretName"] for m in manifests if m["kind"] == "Certificate"]
    wanted = "webhook-tls" if branch == GIVEN else next(name for name in made if name.endswith("-tls"))
    for name, pod in pods(manifests):
        volume = pod["volumes"][0]["secret"]
        assert volume["secretName"] == wanted
        mount = pod["containers"][0]["volumeMounts"][0]
        assert mount["readOnly"] and "subPath" not in mount
        items = {item["path"] for item in volume["items"]}
        if name.startswith("Deployment"):
            assert items == {"tls.crt", "tls.key"} and volume["defaultMode"] == 0o440
            for option, file in (("certificate", "tls.crt"), ("key", "tls.key")):
                assert f"--{option}={mount['mountPath']}/{file}" in pod["containers"][0]["args"]
        else:
            assert items == {"tls.crt"}


# What the pods get


def test_the_options_of_inject_are_passed_on():
    arguments = container(GIVEN)["args"]
    assert arguments[0] == "webhook"
    for expected in ("--image=registry.example.com/sidegate:1.2.3", "--config-map=gate", "--secret=sign-in", "--secret-key=session=s",
                     "--secret-key=redis=redis-url", "--plain", "--port=8000", "--admin-port=9000", "--marked-only"):
        assert expected in arguments
    assert not any(argument.startswith("--secret-key=jwt") for argument in arguments)
    usual = container()["args"]
    assert "--image=sidegate:0.1.0" in usual and "--marked-only" not in usual
    assert not any(argument.startswith(("--port", "--admin-port")) for argument in usual)


@pytest.mark.parametrize("version", VERSIONS)
def test_sidecars_are_native_where_kubernetes_has_them(version):
    assert ("--native" if minor(version) >= 29 else "--plain") in container(version=version)["args"]


def test_the_registry_applies_to_both_images():
    values = {"global": {"imageRegistry": "registry.example.com/mirror/"}}
    assert container(extra=values)["image"] == "registry.example.com/mirror/sidegate:0.1.0"
    assert "--image=registry.example.com/mirror/sidegate:0.1.0" in container(extra=values)["args"]
    assert container(GIVEN)["image"] == "registry.example.com/mirror/sidegate@sha256:" + "a" * 64
    assert container("issuer-values.yaml")["image"] == "registry.example.com/sidegate:1.2.3"


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_program_accepts_the_arguments(branch, tmp_path):
    program = os.environ.get("SIDEGATE_BINARY")
    if program is None:
        pytest.skip("SIDEGATE_BINARY is not set")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=webhook", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    arguments = []
    for argument in container(branch)["args"]:
        argument = argument.replace("/run/secrets/webhook/", f"{tmp_path}/")
        arguments.append("--listen=127.0.0.1:0" if argument.startswith("--listen=") else argument)
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            ready, _, _ = select.select([process.stdout], [], [], 60)
            line = process.stdout.readline() if ready else ""
            assert '"message":"listening"' in line, line or process.stderr.read()
        finally:
            process.kill()


# Running


def test_two_replicas_are_spread_and_one_stays():
    manifests = render(INJECTOR, "minimal-values.yaml")
    deployment = of_kind(manifests, "Deployment")["spec"]
    assert deployment["replicas"] == 2 and deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    constraints = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert {c["topologyKey"] for c in constraints} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert all(c["labelSelector"]["matchLabels"] == deployment["selector"]["matchLabels"] for c in constraints)
    assert of_kind(manifests, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    kinds = {m["kind"] for m in render(INJECTOR, "bare-values.yaml")}
    assert "PodDisruptionBudget" not in kinds and "Pod" not in kinds


def test_a_given_selector_of_a_constraint_stays():
    pod = of_kind(render(INJECTOR, "everything-values.yaml"), "Deployment")["spec"]["template"]["spec"]
    assert pod["topologySpreadConstraints"][0]["labelSelector"] == {"matchLabels": {"team": "web"}}


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_grace_period_outlasts_delay_and_drain(branch):
    pod = of_kind(render(INJECTOR, branch), "Deployment")["spec"]["template"]["spec"]
    delay = re.search(r"--drain-delay=(\d+)s", " ".join(pod["containers"][0]["args"]))
    assert pod["terminationGracePeriodSeconds"] >= int(delay[1]) + 25


def test_a_policy_admits_the_named_peers_and_the_test_and_lets_nothing_out():
    manifests = render(INJECTOR, "issuer-values.yaml")
    policy = of_kind(manifests, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"] and "egress" not in policy
    block, test = policy["ingress"][0]["from"]
    assert block == {"ipBlock": {"cidr": "10.0.0.0/28"}}
    assert test["podSelector"]["matchLabels"].items() <= of_kind(manifests, "Pod")["metadata"]["labels"].items()
    everyone = render(INJECTOR, "minimal-values.yaml", extra={"networkPolicy": {"enabled": True}})
    assert "from" not in of_kind(everyone, "NetworkPolicy")["spec"]["ingress"][0]


def test_the_helm_test_asks_the_service():
    manifests = render(INJECTOR, "minimal-values.yaml")
    pod = of_kind(manifests, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    service = of_kind(manifests, "Service")
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{service['spec']['ports'][0]['port']}"
    assert f"--set=admin.listen={host}" in pod["spec"]["containers"][0]["args"]


# Values


GIVEN_CERTIFICATE = {"certManager": {"enabled": False}, "existingSecret": "tls", "caBundle": "-----BEGIN CERTIFICATE-----\n"}


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"certificates": {"certManager": {"enabled": False}}}, "for the name rel-sidegate-injector.ns.svc"),
        ({"certificates": {"certManager": {"enabled": False}, "existingSecret": "a"}}, "--set-file certificates.caBundle=ca.crt"),
        ({"certificates": {"existingSecret": "a"}}, "set certManager.enabled to false, or remove the Secret"),
        ({"certificates": {"caBundle": "-----BEGIN CERTIFICATE-----"}}, "certificates.caBundle is filled in by cert-manager"),
        ({"sidecar": {"port": 8000, "adminPort": 8000}}, "sidecar.port and sidecar.adminPort are the same"),
        ({"terminationGracePeriodSeconds": 5}, "is not longer than drainDelaySeconds"),
    ],
)
def test_impossible_settings_are_refused_with_the_fix(extra, expected):
    assert expected in refusal(INJECTOR, "minimal-values.yaml", extra=extra)


def test_native_sidecars_are_refused_where_kubernetes_has_none():
    with pytest.raises(Exception, match="which Kubernetes has since 1.29"):
        render_text(INJECTOR, "minimal-values.yaml", "1.28.0", extra={"sidecar": {"form": "native"}})
    assert render(INJECTOR, "minimal-values.yaml", "1.28.0", extra={"sidecar": {"form": "plain"}})


def test_working_settings_are_not_refused():
    assert render(INJECTOR, "minimal-values.yaml", extra={"certificates": GIVEN_CERTIFICATE})


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"replicas": 2}, "replicas"),
        ({"webhook": {"failurePolicy": "Retry"}}, "failurePolicy"),
        ({"webhook": {"timeoutSeconds": 31}}, "timeoutSeconds"),
        ({"webhook": {"sideEffects": "Some"}}, "sideEffects"),
        ({"sidecar": {"form": "init"}}, "form"),
        ({"sidecar": {"configMap": ""}}, "configMap"),
        ({"sidecar": {"secretKeys": {"../escape": "a"}}}, "escape"),
        ({"listen": "unix:/run/webhook.sock"}, "listen"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"certificates": {"caBundle": "LS0tLS1CRUdJTiBD"}}, "caBundle"),
        ({"certificates": {"certManager": {"duration": "90d"}}}, "duration"),
    ],
)
def test_the_schema_refuses_unknown_and_invalid_values(extra, named):
    assert named in refusal(INJECTOR, "minimal-values.yaml", extra=extra)


# Notes


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_notes_contain_the_next_steps(branch):
    said = notes(branch, chart=INJECTOR)
    assert "helm test rel" in said and "sidegate/inject=enabled" in said and "<no value>" not in said and "%!" not in said
    assert ("get certificate" in said) == (branch != GIVEN)


@pytest.mark.parametrize(
    ("extra", "version", "said"),
    [
        ({}, "1.33.0", None),
        ({"webhook": {"failurePolicy": "Ignore"}}, "1.33.0", "pods are created without the gate"),
        ({"replicaCount": 1}, "1.33.0", "fewer than two replicas"),
        ({}, "1.28.0", "Pods of Jobs are refused"),
    ],
)
def test_the_notes_warn_of_what_operators_have_to_know(extra, version, said):
    text = notes("minimal-values.yaml", extra, chart=INJECTOR, version=version)
    assert (said in text) if said else ("WARNING" not in text and "Jobs" not in text)


@pytest.mark.parametrize("branch", BRANCHES)
def test_helm_lint_reports_nothing(branch):
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is missing")
    done = subprocess.run(
        [helm, "lint", "--strict", "--quiet", INJECTOR, "--values", INJECTOR / "ci" / branch], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "")
