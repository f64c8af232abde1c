# SPDX-License-Identifier: Apache-2.0
"""Forms in which values may be given: templates in the configuration, maps in place of lists, and values for all charts."""

import shutil
import subprocess

import pytest
import yaml

from rendering import (
    APP, CHART, VERSIONS, containers, minor, notes, of_kind, refusal, render, render_text, service_of,
)


def configuration(values="minimal-values.yaml", **more) -> dict:
    data = [m["data"] for m in render(CHART, values, **more) if m["kind"] == "ConfigMap"]
    return yaml.safe_load(next(given["sidegate.yaml"] for given in data if "sidegate.yaml" in given))


def pod(values="minimal-values.yaml", **more) -> dict:
    return of_kind(render(CHART, values, **more), "Deployment")["spec"]["template"]["spec"]


def gate(values="minimal-values.yaml", **more) -> dict:
    return next(c for c in pod(values, **more)["containers"] if c["name"] == "sidegate")


# Templates in `config`


def test_templates_in_the_configuration_are_expanded():
    config = configuration("maps-values.yaml")
    assert config["publicURL"] == "https://app.example.com"
    assert config["upstream"] == "http://rel-app.ns.svc:80"
    assert config["listen"] == ["0.0.0.0:8443"]
    assert config["identityProvider"]["loginURL"] == "https://idp.app.example.com/login?return_url={returnURL}"


def test_ports_notes_and_checks_use_the_expanded_configuration():
    manifests = render(CHART, "maps-values.yaml")
    assert [port["containerPort"] for port in gate("maps-values.yaml")["ports"]][0] == 8443
    rules = of_kind(manifests, "NetworkPolicy")["spec"]["ingress"]
    assert rules[0]["ports"] == [{"port": 8443, "protocol": "TCP"}]
    assert "https://app.example.com/.sidegate/callback" in notes("maps-values.yaml")
    extra = {"config": {"session": {"secret": '{{ "a secret" }}'}}}
    assert "config.session.secret holds a secret" in refusal(CHART, "minimal-values.yaml", extra=extra)
    extra = {"config": {"admin": {"listen": '{{ "127.0.0.1" }}:9180'}}}
    assert "where the kubelet's probes cannot reach it" in refusal(CHART, "minimal-values.yaml", extra=extra)


@pytest.mark.parametrize(
    "text",
    ["{user}", "{returnURL}{returnTo}", '{"a":{"b":"{user}"}}', "}} {", "^a{2,3}$", "${SECRET:-{}}", "$host - {user}\n", "%{x}"],
)
def test_single_braces_are_not_templates(text):
    extra = {"config": {"identityHeaders": {"X-Text": text}, "limits": {"bodyBytes": 104857600}}}
    config = configuration(extra=extra)
    assert config["identityHeaders"]["X-Text"] == text and config["limits"]["bodyBytes"] == 104857600


def test_double_braces_can_be_kept():
    text = "{{#user}}{{name}}{{/user}}"
    assert text in refusal(CHART, "minimal-values.yaml", extra={"config": {"identityHeaders": {"X-A": text}}}), "not by accident"
    extra = {"configTemplates": False, "config": {"identityHeaders": {"X-A": text}}}
    assert configuration(extra=extra)["identityHeaders"]["X-A"] == text
    extra = {"config": {"identityHeaders": {"X-A": '{{ "{{" }}name}}'}}}
    assert configuration(extra=extra)["identityHeaders"]["X-A"] == "{{name}}"
    data = of_kind(render(CHART, "minimal-values.yaml", extra={"configFiles": {"a.html": text}}), "ConfigMap")["data"]
    assert data["a.html"] == text, "a template of a page"


def test_a_template_may_stand_where_a_number_or_a_duration_is_expected():
    given = {"limits": {"connections": "{{ mul 2 500 }}"}, "session": {"idleTimeout": '{{ "12h" }}'}}
    config = configuration(extra={"config": given})
    assert config["limits"]["connections"] == "1000" and config["session"]["idleTimeout"] == "12h"
    wrong = {"config": {"limits": {"connections": "many"}}}
    assert "connections" in refusal(CHART, "minimal-values.yaml", extra=wrong)


def test_names_of_secrets_may_be_templates():
    sources = next(v for v in pod("maps-values.yaml")["volumes"] if v["name"] == "secrets")["projected"]["sources"]
    assert [source["secret"]["name"] for source in sources] == ["rel-sign-in", "rel-tls", "rel-console", "more"]
    manifests = render(CHART, "existing-values.yaml", extra={"existingConfigMap": "{{ .Release.Name }}-config"})
    volumes = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "config", "configMap": {"name": "rel-config"}} in volumes


# Maps in place of lists


def test_maps_and_lists_make_the_same_manifests():
    """Each value of maps-values.yaml that may be a list too, given as one."""
    given = yaml.safe_load((CHART / "ci/maps-values.yaml").read_text())
    named = {
        "extraEnv": "name", "extraPorts": "name", "extraVolumes": "name", "extraVolumeMounts": "name", "extraContainers": "name",
        "extraInitContainers": "name", "topologySpreadConstraints": "topologyKey", "tolerations": "key", "hostAliases": "ip",
        "imagePullSecrets": "name", "envFrom": None, "extraSecretSources": None, "extraObjects": None,
    }
    scalars = {"hostAliases": "hostnames", "extraVolumeMounts": "mountPath", "extraEnv": "value"}

    def as_list(name, key, values):
        entries = []
        for entry_key, entry in sorted(values.items()):
            if isinstance(entry, dict):
                entries.append({key: entry_key, **entry} if key else entry)
            elif entry is not None:
                text = {True: "true", False: "false"}.get(entry, str(entry)) if name == "extraEnv" else entry
                entries.append({key: entry_key, scalars[name]: text})
        return entries

    for name, key in named.items():
        given[name] = as_list(name, key, given[name])
    for name in ("from", "metricsFrom", "consoleFrom", "extraIngress", "egress"):
        given["networkPolicy"][name] = list(given["networkPolicy"][name].values())
    rule = given["metrics"]["prometheusRule"]
    rule["extraGroups"] = as_list("extraGroups", "name", rule["extraGroups"])
    given["extraArgs"] = ["--set=log.level=debug", "--set=log.access=false"]
    assert render(CHART, None, extra=given) == render(CHART, "maps-values.yaml")


def test_null_removes_an_entry_of_a_map():
    env = {entry["name"]: entry for entry in gate("maps-values.yaml")["env"]}
    assert "NOTHING" not in env and env["SIDEGATE_LOG_ACCESS"]["value"] == "false"
    assert env["SIDEGATE_LIMITS_BODYBYTES"]["value"] == "104857600", "no exponent, and a text"
    assert "valueFrom" in env["POD"]
    names = [entry["name"] for entry in pod("maps-values.yaml")["imagePullSecrets"]]
    assert names == ["mirror", "other", "third"], "each once"


@pytest.mark.parametrize("form", [None, [], {}], ids=["null", "list", "map"])
def test_empty_forms_are_the_same(form):
    lists = [
        "imagePullSecrets", "topologySpreadConstraints", "tolerations", "hostAliases", "extraArgs", "extraEnv", "envFrom",
        "extraPorts", "extraVolumes", "extraVolumeMounts", "extraSecretSources", "extraContainers", "extraInitContainers",
        "extraObjects",
    ]
    extra = {name: form for name in lists}
    extra["networkPolicy"] = {name: form for name in ("from", "metricsFrom", "consoleFrom", "extraIngress", "redisTo")}
    assert render(CHART, "minimal-values.yaml", extra=extra) == render(CHART, "minimal-values.yaml")


def test_an_option_without_a_value_and_a_repeated_one():
    extra = {"extraArgs": {"set": ["log.level=debug", "log.access=false"], "upstream": "http://b", "flag": True, "none": None}}
    assert gate(extra=extra)["args"][3:] == [
        "--flag", "--set=log.level=debug", "--set=log.access=false", "--upstream=http://b"]


@pytest.mark.parametrize("branch", ["maps-values.yaml", "cluster-values.yaml", "everything-values.yaml"])
def test_helm_does_not_warn_of_maps_or_lists(branch):
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is missing")
    done = subprocess.run(
        [helm, "template", "rel", CHART, "--values", CHART / "ci" / branch], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "warning" not in done.stderr.lower(), done.stderr


# For all charts of a release


@pytest.mark.parametrize(
    ("repository", "image"),
    [
        ("sidegate", "mirror.example.com:5000/hub/sidegate:1"),
        ("owner/sidegate", "mirror.example.com:5000/hub/owner/sidegate:1"),
        ("ghcr.io/owner/sidegate", "mirror.example.com:5000/hub/owner/sidegate:1"),
        ("localhost/sidegate", "mirror.example.com:5000/hub/sidegate:1"),
        ("registry:5000/owner/sidegate", "mirror.example.com:5000/hub/owner/sidegate:1"),
    ],
)
def test_a_registry_for_all_images_replaces_that_of_the_repository(repository, image):
    extra = {"global": {"imageRegistry": "mirror.example.com:5000/hub/"}, "image": {"repository": repository, "tag": "1"}}
    assert gate(extra=extra)["image"] == image
    del extra["global"]
    assert gate(extra=extra)["image"] == repository + ":1"
    pods = of_kind(render(APP, extra={"global": {"imageRegistry": "mirror.example.com:5000/hub/"},
                                      "sidegate": {"image": {"repository": repository, "tag": "1"}}}), "Deployment")
    images = [c["image"] for c in containers(pods["spec"]["template"]["spec"]) if c["name"] == "sidegate"]
    assert images == [image]


def test_the_registry_is_also_that_of_helm_test_and_of_the_wait_for_redis():
    extra = {"global": {"imageRegistry": "mirror.example.com"}}
    manifests = render(CHART, "redis-values.yaml", extra=extra)
    for spec in (of_kind(manifests, "Deployment")["spec"]["template"]["spec"], of_kind(manifests, "Pod")["spec"]):
        assert all(c["image"].startswith("mirror.example.com/") for c in containers(spec))
    assert pod("redis-values.yaml", extra=extra)["initContainers"][0]["image"] == "mirror.example.com/valkey:8"


# The version of Kubernetes


@pytest.mark.parametrize("version", VERSIONS)
def test_a_given_version_of_kubernetes_is_used_in_place_of_the_clusters(version):
    assert render_text(CHART, "autoscaling-values.yaml", "1.33.0", extra={"kubeVersion": version}) == render_text(
        CHART, "autoscaling-values.yaml", version)
    override = {"sidegate": {"kubeVersion": f"v{version}-gke.1"}}
    own = {key: value for key, value in (("native", None),)}
    given, cluster = (
        of_kind(render(APP, version=at, extra=extra), "Deployment")["spec"]["template"]["spec"]
        for at, extra in (("1.33.0", override), (version, {"sidegate": own})))
    for spec in (given, cluster):
        for container in spec["containers"]:
            if container["name"] != "sidegate":
                container.pop("lifecycle", None)  # the app's own, which its chart decides
    assert given == cluster
    assert ("initContainers" in given) == (minor(version) >= 29)


def test_the_service_of_a_headless_gate_has_no_other_port_in_the_test():
    test = of_kind(render(CHART, "existing-values.yaml"), "Pod")["spec"]["containers"][0]
    assert "http://rel-gate.elsewhere.svc:8080" in test["args"]
    assert service_of(render(CHART, "existing-values.yaml"))["spec"]["clusterIP"] == "None"


def test_extra_paths_come_before_those_of_each_host():
    paths = of_kind(render(CHART, "maps-values.yaml"), "Ingress")["spec"]["rules"][0]["http"]["paths"]
    assert [path["backend"]["service"]["name"] for path in paths] == ["ssl-redirect", "rel-sidegate"]


# The library chart


def test_the_sidecar_takes_templates_with_the_values_of_the_apps_chart():
    config = yaml.safe_load(of_kind(render(APP, "maps-values.yaml"), "ConfigMap")["data"]["sidegate.yaml"])
    assert config["publicURL"] == "https://wiki.example.com"
    assert config["identityProvider"]["loginURL"] == "https://idp.example.com/login?return_url={returnURL}"
    text = "{{ .Values.ingress.host }}"
    extra = {"sidegate": {"configTemplates": False, "config": {"publicURL": text}}}
    config = yaml.safe_load(of_kind(render(APP, extra=extra), "ConfigMap")["data"]["sidegate.yaml"])
    assert config["publicURL"] == text


def test_the_sidecar_takes_maps_in_place_of_lists():
    lists = {
        "extraArgs": ["--set=log.level=debug"],
        "extraEnv": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                     {"name": "SIDEGATE_LOG_ACCESS", "value": "false"}],
        "envFrom": [{"configMapRef": {"name": "more", "optional": True}}],
        "extraVolumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
    }
    given = yaml.safe_load((APP / "ci/maps-values.yaml").read_text())
    given["sidegate"].update(lists)
    for name in ("metricsFrom", "extraIngress"):
        given["sidegate"]["networkPolicy"][name] = list(given["sidegate"]["networkPolicy"][name].values())
    assert render(APP, None, extra=given) == render(APP, "maps-values.yaml")
    sidecar = next(c for c in containers(of_kind(render(APP, "maps-values.yaml"), "Deployment")["spec"]["template"]["spec"])
                   if c["name"] == "sidegate")
    assert "--set=log.level=debug" in sidecar["args"] and lists["envFrom"] == sidecar["envFrom"]
    assert [entry["name"] for entry in sidecar["env"]] == ["CREDENTIALS_DIRECTORY", "POD", "SIDEGATE_LOG_ACCESS"]


def test_the_lifecycle_of_the_sidecar_replaces_its_pause():
    hook = {"preStop": {"exec": {"command": ["/usr/bin/sidegate", "version"]}}}
    for native in (True, False):
        found = containers(of_kind(render(APP, extra={"sidegate": {"native": native, "lifecycle": hook}}), "Deployment")["spec"][
            "template"]["spec"])
        assert next(c for c in found if c["name"] == "sidegate")["lifecycle"] == hook
