# SPDX-License-Identifier: Apache-2.0
"""helm/sidegate-sidecar in the chart of a legacy app, and the Kustomize components, which must have the same result."""

import shutil

import pytest
import yaml

import pod_security
from rendering import APP, CHART, ROOT, VERSIONS, branches, kustomize, minor, of_kind, refusal, render, render_text

BRANCHES = [None, *branches(APP)]


def pod_of(manifests) -> dict:
    return of_kind(manifests, "Deployment")["spec"]["template"]["spec"]


def sidecar(pod: dict, name="sidegate") -> dict:
    found = [c for c in [*pod.get("initContainers", []), *pod["containers"]] if c["name"] == name]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_native_where_kubernetes_supports_it_and_otherwise_plain(version):
    pod = pod_of(render(APP, version=version))
    if minor(version) >= 29:
        assert pod["initContainers"][0]["name"] == "sidegate", "it must start before all other containers"
        assert pod["initContainers"][0]["restartPolicy"] == "Always"
        assert [container["name"] for container in pod["containers"]] == ["wiki"]
    else:
        assert "initContainers" not in pod
        assert [container["name"] for container in pod["containers"]] == ["sidegate", "wiki"]
        assert "restartPolicy" not in pod["containers"][0]
    assert sidecar(pod)["startupProbe"]["httpGet"] == {"path": "/healthz", "port": 9180}


def test_native_and_plain_are_the_same_container():
    native, plain = (sidecar(pod_of(render(APP, version=version))) for version in ("1.29.0", "1.28.0"))
    assert native == {**plain, "restartPolicy": "Always"}


def test_a_plain_container_pauses_before_it_stops():
    plain = sidecar(pod_of(render(APP, extra={"sidegate": {"native": False}})))
    assert plain["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert "lifecycle" not in sidecar(pod_of(render(APP))), "a native one stops after the app"


@pytest.mark.parametrize("branch", BRANCHES)
def test_ports_are_numbers(branch):
    manifests = render(APP, branch)
    for container in [*pod_of(manifests).get("initContainers", []), *pod_of(manifests)["containers"]]:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                assert isinstance(container[probe]["httpGet"]["port"], int)
    assert all(isinstance(port["targetPort"], int) for port in of_kind(manifests, "Service")["spec"]["ports"])
    for manifest in manifests:
        if manifest["kind"] == "NetworkPolicy":
            assert all(isinstance(port["port"], int) for rule in manifest["spec"]["ingress"] for port in rule["ports"])


def test_requests_go_to_the_gate_and_the_app_listens_on_loopback():
    manifests = render(APP)
    assert of_kind(manifests, "Service")["spec"]["ports"][0]["targetPort"] == 8080
    app = sidecar(pod_of(manifests), "wiki")
    assert {"name": "LISTEN_ADDRESS", "value": "127.0.0.1:3000"} in app["env"]
    assert "ports" not in app
    assert app["readinessProbe"]["httpGet"] == {"path": "/probe?path=/health", "port": 9180}
    admitted = [port["port"] for rule in of_kind(manifests, "NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]]
    assert admitted == [8080, 9180]


def test_only_the_gate_mounts_the_secrets():
    pod = pod_of(render(APP))
    assert [v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v] == ["wiki-sign-in"]
    assert "sidegate-secrets" not in [mount["name"] for mount in sidecar(pod, "wiki")["volumeMounts"]]
    assert "securityContext" not in pod, "an fsGroup would change the group of the app's volumes"


def test_disabled_it_renders_nothing():
    text = render_text(APP, "off-values.yaml")
    assert "9180" not in text and "ConfigMap" not in text and "NetworkPolicy" not in text and "secretName: wiki-sign" not in text
    manifests = list(filter(None, yaml.safe_load_all(text)))
    assert of_kind(manifests, "Service")["spec"]["ports"][0]["targetPort"] == 3000
    assert sidecar(pod_of(manifests), "wiki")["readinessProbe"]["httpGet"] == {"path": "/health", "port": 3000}


def test_its_container_equals_that_of_the_standalone_chart():
    alone = of_kind(render(CHART, "minimal-values.yaml"), "Deployment")["spec"]["template"]["spec"]
    one, other = sidecar(alone), sidecar(pod_of(render(APP)))
    for field in ("image", "imagePullPolicy", "args", "env", "resources"):
        assert one[field] == other[field], field
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        named = {**one[probe], "httpGet": {**one[probe]["httpGet"], "port": 9180}}
        assert named == other[probe], probe
    paths = lambda container: {(mount["mountPath"], mount["readOnly"]) for mount in container["volumeMounts"]}  # noqa: E731
    assert paths(one) == paths(other)
    of_pod = {key: alone["securityContext"][key] for key in ("runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile")}
    assert {**of_pod, **one["securityContext"]} == other["securityContext"]
    assert [port["containerPort"] for port in one["ports"]] == [port["containerPort"] for port in other["ports"]]


@pytest.mark.parametrize("alias", [None, "sidegate"])
def test_its_values_are_found_with_and_without_the_alias(alias, tmp_path):
    copy = tmp_path / "examples/kubernetes/helm"
    shutil.copytree(APP, copy)
    shutil.copytree(ROOT / "helm", tmp_path / "helm")
    metadata = yaml.safe_load((copy / "Chart.yaml").read_text())
    metadata["dependencies"][0]["repository"] = f"file://../../../helm/sidegate-sidecar"
    values = yaml.safe_load((copy / "values.yaml").read_text())
    if alias is None:
        del metadata["dependencies"][0]["alias"]
        values["sidegate-sidecar"] = values.pop("sidegate")
        deployment = copy / "templates/deployment.yaml"
        deployment.write_text(deployment.read_text().replace(".Values.sidegate.enabled", "true"))
    (copy / "Chart.yaml").write_text(yaml.safe_dump(metadata))
    (copy / "values.yaml").write_text(yaml.safe_dump(values))
    assert pod_of(render(copy)) == pod_of(render(APP))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"existingSecret": ""}, "kubectl create secret generic rel-sidegate --namespace ns --from-file=jwt-secret="),
        ({"config": {"upstream": ""}}, "config.upstream is not set"),
        ({"config": {"identityProvider": {"loginURL": ""}}}, "config.identityProvider.loginURL is not set"),
        ({"config": {"session": {"secret": "x" * 32}}}, "config.session.secret holds a secret"),
        ({"config": {"token": {"keys": [{"secretFile": "idp"}]}}}, 'names the file "idp", which is not in secretKeys'),
        ({"config": {"admin": {"listen": "127.0.0.1:9180"}}}, "where the kubelet's probes cannot reach it"),
        ({"config": {"listen": ["unix:/a"]}}, "config.listen has no address with a port"),
        ({"config": {"admin": {"probePaths": ["/other"]}}}, "the probe of /health needs that path"),
        ({"enabled": False, "config": {"upstream": "unix:/run/app.sock"}}, "the Service needs the app's own port"),
        ({"config": {"upstreem": "http://app"}}, "upstreem"),
        ({"natif": True}, "natif"),
    ],
)
def test_impossible_settings_are_refused_with_the_fix(values, expected):
    assert expected in refusal(APP, extra={"sidegate": values})


def test_given_secret_settings_replace_the_defaults():
    manifests = render(APP, "everything-values.yaml")
    files = [v["secret"]["items"] for v in pod_of(manifests)["volumes"] if "secret" in v]
    assert files == [[{"key": "session-secrets", "path": "sessions"}]]
    data = next(m["data"] for m in manifests if m["kind"] == "ConfigMap")
    configuration = yaml.safe_load(data["sidegate.yaml"])
    assert configuration["session"] == {"secretsFile": "sessions"}
    assert configuration["token"] == {"algorithms": ["RS256"], "keys": [{"publicKeyFile": "idp.pem"}]}


@pytest.mark.parametrize(
    ("upstream", "port"),
    [("http://127.0.0.1:3000", 3000), ("http://127.0.0.1:3000/", 3000), ({"url": "http://[::1]:81"}, 81)],
)
def test_disabled_the_port_is_that_of_the_upstream(upstream, port):
    extra = {"sidegate": {"enabled": False, "config": {"upstream": upstream}}}
    assert of_kind(render(APP, extra=extra), "Service")["spec"]["ports"][0]["targetPort"] == port


# Kustomize


@pytest.fixture(params=["sidegate-sidecar", "sidegate-sidecar-plain"])
def component(request, tmp_path):
    """The manifests of the example with one of the components."""
    for part in ("kustomize", "examples/kubernetes/kustomize"):
        shutil.copytree(ROOT / part, tmp_path / part)
    folder = tmp_path / "examples/kubernetes/kustomize/signed-in"
    text = (folder / "kustomization.yaml").read_text()
    line = "  - ../../../../kustomize/sidegate-sidecar\n"
    assert line in text
    (folder / "kustomization.yaml").write_text(text.replace(line, f"  - ../../../../kustomize/{request.param}\n"))
    manifests = kustomize(folder)
    if manifests is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    return manifests, request.param.endswith("-plain")


def test_the_component_adds_the_container_and_volumes_of_the_library_chart(component):
    manifests, plain = component
    values = {"existingConfigMap": "sidegate", "existingSecret": "sidegate",
              "image": {"repository": "registry.example.com/sidegate"}}
    charted = pod_of(render(APP, version="1.28.0" if plain else "1.33.0", extra={"sidegate": values}))
    patched = pod_of(manifests)
    assert sidecar(patched) == sidecar(charted)
    assert ("initContainers" in patched) is not plain
    volumes = {volume["name"]: volume for volume in charted["volumes"]}
    assert [volume for volume in patched["volumes"] if volume != volumes[volume["name"]]] == []
    assert patched["enableServiceLinks"] is False


def test_the_component_changes_only_marked_workloads(component, tmp_path):
    _, plain = component
    app = tmp_path / "examples/kubernetes/kustomize/app/app.yaml"
    app.write_text(app.read_text().replace("sidegate/inject: enabled", "note: nothing"))
    pod = pod_of(kustomize(tmp_path / "examples/kubernetes/kustomize/signed-in"))
    assert "initContainers" not in pod and len(pod["containers"]) == 1 and "volumes" not in pod


def test_the_patched_pods_satisfy_the_standard_restricted(component):
    pod = pod_of(component[0])
    assert not list(pod_security.findings(pod)) and not list(pod_security.findings_beyond(pod))


def test_the_patched_service_points_to_the_gate(component):
    manifests, _ = component
    assert of_kind(manifests, "Service")["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080}]
    assert of_kind(manifests, "NetworkPolicy")["spec"]["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]
    assert of_kind(manifests, "ConfigMap")["metadata"]["name"] == "sidegate"
