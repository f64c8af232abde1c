# SPDX-License-Identifier: Apache-2.0
"""helm/sidegate, rendered for every branch and every supported version of Kubernetes."""

import json
import os
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

import pod_security
from rendering import (
    APP, CHART, INJECTOR, LIBRARY, ROOT, VERSIONS, branches, containers, minor, notes, of_kind, pods, refusal, render,
    render_text, service_of,
)

BRANCHES = branches(CHART)
ALL = [(chart, branch) for chart in (CHART, APP) for branch in branches(chart)] + [(APP, None)]
IDENTIFIERS = [f"{chart.name}-{branch or 'default'}" for chart, branch in ALL]


# Every manifest


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid_for_the_version_of_kubernetes(version, tmp_path):
    validator = shutil.which("kubernetes-validate")
    if validator is None:
        pytest.skip("kubernetes-validate is missing: pip install kubernetes-validate")
    files = []
    for chart, branch in ALL:
        files.append(tmp_path / f"{chart.name}-{branch}.yaml")
        files[-1].write_text(render_text(chart, branch, version))
    done = subprocess.run(
        [validator, "--strict", "--quiet", "--no-warn", "-k", f"1.{minor(version)}", *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("chart", "branch"), ALL, ids=IDENTIFIERS)
def test_pods_satisfy_the_standard_restricted(chart, branch):
    for version in VERSIONS:
        for name, pod in pods(render(chart, branch, version)):
            assert not list(pod_security.findings(pod)), name
            assert not list(pod_security.findings_beyond(pod)), name


@pytest.mark.parametrize(("chart", "branch"), ALL, ids=IDENTIFIERS)
def test_no_secret_is_generated(chart, branch):
    assert all(manifest["kind"] != "Secret" for manifest in render(chart, branch))


@pytest.mark.parametrize(("chart", "branch"), ALL, ids=IDENTIFIERS)
def test_selectors_match_only_the_pods(chart, branch):
    manifests = render(chart, branch)
    deployment = of_kind(manifests, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [deployment["spec"]["selector"]["matchLabels"], service_of(manifests)["spec"]["selector"]]
    for manifest in manifests:
        if manifest["kind"] in ("PodDisruptionBudget", "PodMonitor"):
            selectors.append(manifest["spec"]["selector"]["matchLabels"])
        elif manifest["kind"] == "NetworkPolicy":
            selectors.append(manifest["spec"]["podSelector"]["matchLabels"])
    for selector in selectors:
        assert selector and selector.items() <= labels.items()
        for manifest in manifests:
            if manifest["kind"] == "Pod":
                assert not selector.items() <= manifest["metadata"]["labels"].items(), "the test's pod would get requests"


@pytest.mark.parametrize(("chart", "branch"), ALL, ids=IDENTIFIERS)
def test_every_referenced_port_exists(chart, branch):
    manifests = render(chart, branch)
    pod = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]
    numbers = {port["containerPort"] for container in containers(pod) for port in container.get("ports", [])}
    names = {port["name"] for container in containers(pod) for port in container.get("ports", [])}
    app_alone = not numbers  # sidegate.enabled: false; the app declares no port
    for container in containers(pod):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                assert app_alone or container[probe]["httpGet"]["port"] in numbers | names
    for port in service_of(manifests)["spec"]["ports"]:
        assert app_alone or port["targetPort"] in numbers | names
    for manifest in manifests:
        if manifest["kind"] == "NetworkPolicy":
            for rule in manifest["spec"]["ingress"]:
                assert {port["port"] for port in rule["ports"]} <= numbers
        if manifest["kind"] == "PodMonitor":
            assert {endpoint["port"] for endpoint in manifest["spec"]["podMetricsEndpoints"]} <= names
        if manifest["kind"] == "ServiceMonitor":
            selector = manifest["spec"]["selector"]["matchLabels"].items()
            found = [m for m in manifests if m["kind"] == "Service" and selector <= m["metadata"]["labels"].items()]
            assert len(found) == 1 and found[0]["spec"]["selector"] == service_of(manifests)["spec"]["selector"]
            ports = {port["name"]: port["targetPort"] for port in found[0]["spec"]["ports"]}
            for endpoint in manifest["spec"]["endpoints"]:
                assert ports[endpoint["port"]] in names
        service = service_of(manifests)
        if manifest["kind"] == "Ingress":
            for rule in manifest["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    if path["backend"]["service"]["name"] == "ssl-redirect":
                        continue  # ingress.extraPaths
                    assert path["backend"]["service"] == {
                        "name": service["metadata"]["name"], "port": {"number": service["spec"]["ports"][0]["port"]}
                    }
        if manifest["kind"] == "HTTPRoute":
            for rule in manifest["spec"]["rules"]:
                assert rule["backendRefs"] == [
                    {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}
                ]


# The Deployment


def gate(branch="minimal-values.yaml", version="1.33.0", **more) -> dict:
    pod = of_kind(render(CHART, branch, version, **more), "Deployment")["spec"]["template"]["spec"]
    return next(container for container in pod["containers"] if container["name"] == "sidegate")


def volume(branch: str, name: str) -> dict:
    pod = of_kind(render(CHART, branch), "Deployment")["spec"]["template"]["spec"]
    return next(volume for volume in pod["volumes"] if volume["name"] == name)


@pytest.mark.parametrize(
    ("branch", "http", "admin"), [("minimal-values.yaml", 8080, 9180), ("tls-values.yaml", 8443, 9181)]
)
def test_ports_come_from_the_configuration(branch, http, admin):
    assert {port["name"]: port["containerPort"] for port in gate(branch)["ports"]} == {"http": http, "admin": admin}


def test_probes_use_health_and_readiness_on_the_admin_port():
    asked = {probe: gate()[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {
        "startupProbe": {"path": "/healthz", "port": "admin"},
        "livenessProbe": {"path": "/healthz", "port": "admin"},
        "readinessProbe": {"path": "/readyz", "port": "admin"},
    }


def test_the_configuration_is_not_changed():
    given = {
        "upstream": {"url": "http://app:80", "maxConnections": 1000000},
        "limits": {"bodyBytes": 104857600, "requestsPerSecond": 0},
        "identityHeaders": {"X-Team": "{groups}", "X-Odd": "yes: #\"'{user}\n"},
        "session": {"idleTimeout": "12h"},
        "log": {"access": False},
        "tls": {"minimumVersion": "1.2"},
    }
    data = of_kind(render(CHART, "minimal-values.yaml", extra={"config": given}), "ConfigMap")["data"]
    arrived = yaml.safe_load(data["sidegate.yaml"])
    for key in given:
        assert arrived[key].items() >= given[key].items(), key
    assert arrived["session"]["secretFile"] == "session", "defaults of other options stay"
    assert "e+" not in data["sidegate.yaml"], "a number was written with an exponent"


def test_configuration_files_are_not_changed():
    files = {"a.pem": "-----BEGIN\n  x\n\n", "b.txt": "no newline", "c.txt": "{{ not a template }}\ttab\n"}
    data = of_kind(render(CHART, "minimal-values.yaml", extra={"configFiles": files}), "ConfigMap")["data"]
    assert {name: data[name] for name in files} == files


def test_configuration_and_secrets_are_mounted_as_directories():
    mounts = {mount["mountPath"]: mount for mount in gate()["volumeMounts"]}
    assert set(mounts) == {"/etc/sidegate", "/run/secrets/sidegate"}
    assert all(mount["readOnly"] and "subPath" not in mount for mount in mounts.values())
    assert gate()["args"] == ["run", "--config", "/etc/sidegate/sidegate.yaml"]
    assert {"name": "CREDENTIALS_DIRECTORY", "value": "/run/secrets/sidegate"} in gate()["env"]


def test_secrets_come_from_the_given_secret_with_restricted_permissions():
    projected = volume("ingress-values.yaml", "secrets")["projected"]
    assert projected["defaultMode"] == 0o440
    assert projected["sources"] == [
        {
            "secret": {
                "name": "sidegate",
                "items": [
                    {"key": "jwt-secret", "path": "jwt"},
                    {"key": "redis-url", "path": "redis"},
                    {"key": "session-secret", "path": "session"},
                ],
            }
        }
    ]


def test_a_certificate_is_mounted_beside_the_secrets():
    items = [source["secret"] for source in volume("tls-values.yaml", "secrets")["projected"]["sources"]]
    assert {"name": "app-tls", "items": [{"key": "tls.crt", "path": "tls.crt"}, {"key": "tls.key", "path": "tls.key"}]} in items
    port = of_kind(render(CHART, "tls-values.yaml"), "Service")["spec"]["ports"][0]
    assert (port["name"], port["port"], port["appProtocol"]) == ("https", 443, "https")


def test_there_is_no_console_by_default():
    for branch in BRANCHES:
        if branch not in ("console-values.yaml", "maps-values.yaml"):
            assert "admin-token" not in yaml.safe_dump_all(render(CHART, branch))


def test_the_token_of_the_console_comes_from_a_secret_as_a_file():
    config = yaml.safe_load(of_kind(render(CHART, "console-values.yaml"), "ConfigMap")["data"]["sidegate.yaml"])
    assert config["admin"] == {"listen": "0.0.0.0:9180", "tokenFile": "admin-token", "hosts": ["console.example.com"]}
    sources = volume("console-values.yaml", "secrets")["projected"]["sources"]
    assert {"secret": {"name": "sidegate-console", "items": [{"key": "token", "path": "admin-token"}]}} in sources
    assert "admin-token" not in str(gate("console-values.yaml")["env"])


def test_with_an_existing_config_map_the_environment_names_the_token():
    extra = {"admin": {"existingSecret": "more", "hosts": ["a.example", "b.example"]}}
    manifests = render(CHART, "existing-values.yaml", extra=extra)
    container = containers(of_kind(manifests, "Deployment")["spec"]["template"]["spec"])[0]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert env["SIDEGATE_ADMIN_TOKENFILE"] == "admin-token"
    assert json.loads(env["SIDEGATE_ADMIN_HOSTS"]) == ["a.example", "b.example"]


def test_a_policy_names_who_may_reach_the_port_of_the_console():
    ingress = of_kind(render(CHART, "console-values.yaml"), "NetworkPolicy")["spec"]["ingress"]
    peers = [rule["from"] for rule in ingress if rule["ports"] == [{"port": 9180, "protocol": "TCP"}]]
    names = [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers[0]]
    assert len(peers) == 1 and names == ["monitoring", "operators"]


def test_an_existing_config_map_uses_the_ports_of_the_chart():
    manifests = render(CHART, "existing-values.yaml")
    assert not [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]
    assert volume("existing-values.yaml", "config")["configMap"]["name"] == "my-config"
    env = {entry["name"]: entry["value"] for entry in gate("existing-values.yaml")["env"]}
    assert env["SIDEGATE_LISTEN"] == "0.0.0.0:8080" and env["SIDEGATE_ADMIN_LISTEN"] == "0.0.0.0:9180"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stop_pauses_where_kubernetes_supports_sleep(version):
    expected = {"preStop": {"sleep": {"seconds": 5}}} if minor(version) >= 30 else None
    assert gate(version=version).get("lifecycle") == expected


def test_the_grace_period_outlasts_pause_and_drain():
    pod = of_kind(render(CHART, "minimal-values.yaml"), "Deployment")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= 5 + 30 + 10


def test_with_an_autoscaler_the_deployment_sets_no_replicas():
    manifests = render(CHART, "autoscaling-values.yaml")
    assert "replicas" not in of_kind(manifests, "Deployment")["spec"]
    target = of_kind(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    name = of_kind(manifests, "Deployment")["metadata"]["name"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


@pytest.mark.parametrize("extra", [{"rollOnConfigChange": True}, {}], ids=["enabled", "by default"])
def test_pods_roll_with_the_configuration_only_when_enabled(extra):
    def annotations(level):
        more = {**extra, "config": {"log": {"level": level}}}
        pod = of_kind(render(CHART, "minimal-values.yaml", extra=more), "Deployment")["spec"]["template"]
        return pod["metadata"].get("annotations")

    assert (annotations("info") != annotations("debug")) == bool(extra)


def test_spread_constraints_get_a_missing_selector():
    spec = of_kind(render(CHART, "ingress-values.yaml"), "Deployment")["spec"]
    zone, host = spec["template"]["spec"]["topologySpreadConstraints"]
    assert zone["labelSelector"] == spec["selector"]
    assert host["labelSelector"] == {"matchLabels": {"mine": "yes"}}


def test_an_image_with_a_digest_has_no_tag():
    assert gate("existing-values.yaml")["image"] == "registry.example.com/sidegate@sha256:" + "0123456789abcdef" * 4
    assert gate()["image"] == "sidegate:" + yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]


def test_the_default_budget_allows_one_unavailable_pod():
    budget = of_kind(render(CHART, "minimal-values.yaml"), "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1 and "minAvailable" not in budget
    budget = of_kind(render(CHART, "ingress-values.yaml"), "PodDisruptionBudget")["spec"]
    assert budget["minAvailable"] == "50%" and "maxUnavailable" not in budget


def test_the_helm_test_uses_the_pods_image_and_configuration():
    manifests = render(CHART, "minimal-values.yaml")
    deployment, test = of_kind(manifests, "Deployment"), of_kind(manifests, "Pod")
    assert test["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert [container["name"] for container in containers(test["spec"])] == ["check", "service"]
    both = of_kind(render(CHART, "autoscaling-values.yaml"), "Pod")["spec"]
    assert [container["args"][0] for container in containers(both)] == ["check", "doctor"]
    for container in [containers(test["spec"])[0], *containers(of_kind(render(CHART, "minimal-values.yaml", sets=["tests.doctor=true"]), "Pod")["spec"])[::2]]:
        for field in ("image", "env", "volumeMounts", "securityContext"):
            assert container[field] == gate()[field], field
    assert test["spec"]["volumes"] == deployment["spec"]["template"]["spec"]["volumes"]
    assert test["spec"]["securityContext"] == deployment["spec"]["template"]["spec"]["securityContext"]


def test_a_policy_admits_the_named_peers_to_metrics_and_the_gate_to_dns():
    closed = of_kind(render(CHART, "network-closed-values.yaml"), "NetworkPolicy")["spec"]
    assert closed["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]
    assert [port["port"] for rule in closed["egress"] for port in rule["ports"]] == [53, 53]
    opened = of_kind(render(CHART, "monitoring-values.yaml"), "NetworkPolicy")["spec"]
    assert opened["ingress"][1]["ports"][0]["port"] == 9180 and opened["ingress"][1]["from"]
    plain = of_kind(render(CHART, "minimal-values.yaml", sets=["networkPolicy.enabled=true"]), "NetworkPolicy")["spec"]
    assert plain["policyTypes"] == ["Ingress"] and "egress" not in plain


def test_the_chart_has_the_alerts_of_the_examples():
    own = (ROOT / "examples/monitoring/alerts.yaml").read_text()
    assert (CHART / "files/alerts.yaml").read_text() == own, "copy examples/monitoring/alerts.yaml to helm/sidegate/files"
    rule = of_kind(render(CHART, "network-closed-values.yaml"), "PrometheusRule")
    assert rule["spec"]["groups"] == yaml.safe_load(own)["groups"]


def test_alerts_lead_to_the_runbook_that_the_values_name():
    groups = of_kind(render(CHART, "console-values.yaml"), "PrometheusRule")["spec"]["groups"]
    for rule in groups[0]["rules"]:
        link = f"https://wiki.example.com/sidegate/runbook#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == link
        assert {"summary", "description"} < set(rule["annotations"])


def test_alerts_can_be_labelled_disabled_and_added():
    groups = of_kind(render(CHART, "monitoring-values.yaml"), "PrometheusRule")["spec"]["groups"]
    rules = {rule["alert"]: rule for rule in groups[0]["rules"]}
    assert "SidegateCertificateExpiresSoon" not in rules and "SidegateCertificateExpiresNow" in rules
    assert rules["SidegateDown"]["labels"] == {"severity": "critical", "team": "web"}
    assert groups[1]["rules"][0]["alert"] == "NoGate"


@pytest.mark.parametrize(("chart", "branch"), ALL, ids=IDENTIFIERS)
def test_the_program_accepts_the_configuration(chart, branch, tmp_path):
    """sidegate.yaml of every branch, with its files and secrets as in the pod."""
    program = os.environ.get("SIDEGATE_BINARY")
    if program is None:
        pytest.skip("SIDEGATE_BINARY is not set")
    manifests = render(chart, branch)
    given = [manifest["data"] for manifest in manifests if manifest["kind"] == "ConfigMap"]
    given = [data for data in given if "sidegate.yaml" in data]
    if not given:
        return  # an existing ConfigMap, or disabled
    (tmp_path / "etc").mkdir()
    for name, content in given[0].items():
        (tmp_path / "etc" / name).write_text(content)
    (tmp_path / "secrets").mkdir(mode=0o700)
    keys = ROOT / "Tests/CryptographyTests/Keys"
    for name in ("jwt", "session", "sessions", "redis", "tls.crt", "tls.key", "admin-token", "redis-password",
                 "redis-sentinel-password", "redis-ca.crt", "redis-client.crt", "redis-client.key"):
        content = {".crt": keys / "ec-p256.certificate.pem", ".key": keys / "ec-p256.pem"}.get(name[-4:])
        text = content.read_text() if content else "redis://redis:6379/0" if name == "redis" else "s" * 43
        (tmp_path / "secrets" / name).write_text(text)
        (tmp_path / "secrets" / name).chmod(0o600)
    done = subprocess.run(
        [program, "check", "--config", tmp_path / "etc/sidegate.yaml"],
        env={"CREDENTIALS_DIRECTORY": str(tmp_path / "secrets")}, capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0 and ": error: " not in done.stderr, done.stderr


# Values


def test_without_values_all_missing_ones_and_the_command_are_listed():
    said = refusal(CHART)
    for expected in (
        "config.upstream is not set",
        "config.identityProvider.loginURL is not set",
        "existingSecret is not set",
        "kubectl create secret generic rel-sidegate --namespace ns --from-file=jwt-secret=./jwt.secret "
        '--from-literal=session-secret="$(openssl rand -base64 32)"',
    ):
        assert expected in said


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"existingSecret": ""}, "kubectl create secret generic rel-sidegate"),
        ({"config": {"session": {"secret": "x" * 32}}}, "config.session.secret holds a secret"),
        ({"config": {"session": {"secrets": ["x" * 32]}}}, "use config.session.secretsFile"),
        ({"config": {"token": {"keys": [{"secret": "x" * 32}]}}}, "config.token.keys[0].secret holds a secret"),
        ({"config": {"provisioning": {"secret": "x" * 32}}}, "config.provisioning.secret holds a secret"),
        ({"config": {"session": {"secretFile": "sesion"}}}, 'names the file "sesion", which is not in secretKeys'),
        ({"config": {"token": {"keys": [{"secretFile": "idp"}]}}}, "add idp: KEY-OF-THE-SECRET there"),
        ({"config": {"listen": ["unix:/run/gate.sock"]}}, "config.listen has no address with a port"),
        ({"config": {"listen": ["0.0.0.0:9180"]}}, "have the same port"),
        ({"config": {"admin": {"listen": "127.0.0.1:9180"}}}, "where the kubelet's probes cannot reach it"),
        ({"config": {"admin": {"listen": "[::1]:9180"}}}, "where the kubelet's probes cannot reach it"),
        ({"config": {"admin": {"listen": "unix:/run/admin.sock"}}}, "config.admin.listen has no port"),
        ({"config": {"session": {"secretFile": None}}, "replicaCount": 2}, "each would seal cookies"),
        ({"config": {"session": {"secretFile": None}}, "autoscaling": {"enabled": True}}, "each would seal cookies"),
        ({"config": {"telemetry": {"otlp": "http://collector:4318", "headers": "a: b"}}},
         "use config.telemetry.headersFile"),
        ({"config": {"telemetry": {"otlp": "http://collector:4318", "headersFile": "otlp"}}},
         'names the file "otlp", which is not in secretKeys'),
        ({"config": {"admin": {"token": "x" * 32}}}, "use config.admin.tokenFile"),
        ({"config": {"admin": {"tokenFile": "token"}}}, 'names the file "token", which is not in secretKeys'),
        ({"config": {"admin": {"tokenFile": "token"}}, "admin": {"existingSecret": "more"}}, "remove one of them"),
        ({"admin": {"hosts": ["console.example.com"]}}, "admin.hosts without admin.existingSecret"),
        ({"admin": {"existingSecret": "more"}, "secretKeys": {"admin-token": "token"}}, "make the same file"),
        ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs"),
        ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 2}}, "is more than autoscaling.maxReplicas"),
    ],
)
def test_impossible_settings_are_refused_with_the_fix(extra, expected):
    assert expected in refusal(CHART, "minimal-values.yaml", extra=extra)


@pytest.mark.parametrize(
    "extra",
    [
        {"config": {"session": {"secretFile": "/vault/secrets/session"}}},
        {"config": {"session": {"secretFile": None, "secret": "${SESSION_SECRET}"}}},
        {"config": {"token": {"keys": [{"secretFile": "idp"}]}}, "secretKeys": {"idp": "anything"}},
        {"config": {"token": {"keys": [{"secretFile": "idp"}]}}, "extraSecretSources": [{"secret": {"name": "more"}}]},
        {"config": {"listen": ":8080"}},
        {"secretKeys": {"jwt": None, "session": None}, "existingSecret": "",
         "config": {"token": {"keys": [{"jwksURL": "https://idp.example.com/jwks"}]}, "session": {"secretFile": None}}},
    ],
)
def test_working_settings_are_not_refused(extra):
    assert render(CHART, "minimal-values.yaml", extra=extra)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"replicas": 2}, "replicas"),
        ({"service": {"targetPort": 80}}, "targetPort"),
        ({"config": {"upstreem": "http://app"}}, "upstreem"),
        ({"config": {"token": {"clockskew": "5s"}}}, "clockskew"),
        ({"secretKeys": {"../escape": "a"}}, "escape"),
        ({"configFiles": {"sidegate.yaml": "a: b"}}, "sidegate.yaml"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"service": {"port": 70000}}, "port"),
        ({"existingSecret": "Not A Name"}, "existingSecret"),
        ({"ingress": {"hosts": [{"host": "a", "path": "/"}]}}, "path"),
    ],
)
def test_the_schema_refuses_unknown_and_invalid_values(extra, named):
    assert named in refusal(CHART, "minimal-values.yaml", extra=extra)


@pytest.mark.parametrize("chart", [CHART, LIBRARY, INJECTOR], ids=lambda chart: chart.name)
def test_the_schema_is_draft_07_and_closed(chart):
    schema = json.loads((chart / "values.schema.json").read_text())
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    open_nodes = []

    def look(node, path):
        if isinstance(node, dict):
            if "properties" in node and node.get("additionalProperties") is not False:
                open_nodes.append(path)
            for key, child in node.items():
                look(child, f"{path}.{key}")
        elif isinstance(node, list):
            for index, child in enumerate(node):
                look(child, f"{path}[{index}]")

    look(schema, "")
    assert not open_nodes


@pytest.mark.parametrize("chart", [CHART, LIBRARY, INJECTOR], ids=lambda chart: chart.name)
def test_schema_and_default_values_have_the_same_names(chart):
    schema = json.loads((chart / "values.schema.json").read_text())
    values = yaml.safe_load((chart / "values.yaml").read_text())
    jsonschema.validate(values, schema)

    def same(schema_node, value, path):
        properties = schema_node.get("properties")
        if properties is None or not isinstance(value, dict) or schema_node.get("$ref"):
            return
        assert set(properties) - ({"global"} - set(value)) == set(value), path
        for key in value:
            same(properties[key], value[key], f"{path}.{key}")

    same(schema, values, "values")


def test_the_charts_have_the_current_schema():
    done = subprocess.run([ROOT / "scripts/chart-schemas", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# Values that the templates copy unchanged.
COPIED = {
    "securityContext", "podSecurityContext", "resources", "startupProbe", "livenessProbe", "readinessProbe", "strategy"
}


def leaves(values, path=()):
    """The paths of a chart's values that the templates use individually."""
    if isinstance(values, dict) and values and not COPIED & {*path}:
        for key, value in values.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, values


@pytest.mark.parametrize(
    ("chart", "examples", "inside"), [(CHART, CHART, ()), (LIBRARY, APP, ("sidegate",)), (INJECTOR, INJECTOR, ())],
    ids=["sidegate", "sidegate-sidecar", "sidegate-injector"],
)
def test_every_value_is_changed_by_some_branch(chart, examples, inside):
    kept = {("serviceAccount", "automount")}  # Sidegate needs no token, and no branch may enable it
    given = [yaml.safe_load((examples / "ci" / branch).read_text()) for branch in branches(examples)]
    given.append(yaml.safe_load((examples / "values.yaml").read_text()) if inside else {})
    unturned = []
    for path, default in leaves(yaml.safe_load((chart / "values.yaml").read_text())):
        def turned(values):
            for key in (*inside, *path):
                if not isinstance(values, dict) or key not in values:
                    return False
                values = values[key]
            return values != default

        if path not in kept and not any(turned(values) for values in given):
            unturned.append(".".join(path))
    assert not unturned


# Notes


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_notes_contain_the_next_steps(branch):
    said = notes(branch)
    assert "helm test rel" in said and "/.sidegate/callback" in said and "<no value>" not in said and "%!" not in said


@pytest.mark.parametrize(
    ("branch", "extra", "warned"),
    [
        ("minimal-values.yaml", {}, None),
        ("minimal-values.yaml", {"replicaCount": 2}, "without config.replay.store: redis"),
        ("autoscaling-values.yaml", {}, "without config.replay.store: redis"),
        ("ingress-values.yaml", {}, None),
        ("minimal-values.yaml", {"ingress": {"enabled": True}}, "without config.publicURL and config.trustedProxies"),
        ("console-values.yaml", {}, None),
        ("minimal-values.yaml", {"admin": {"existingSecret": "more"}}, "the console without networkPolicy.enabled"),
    ],
)
def test_the_notes_warn_of_unsafe_settings(branch, extra, warned):
    said = notes(branch, extra)
    assert (warned in said) if warned else ("WARNING" not in said)


def test_the_notes_contain_the_return_address():
    assert "https://app.example.com/.sidegate/callback" in notes("ingress-values.yaml")
    path = {"config": {"identityProvider": {"returnPath": "/sso/login/jwt"}}}
    assert "https://app.example.com/sso/login/jwt" in notes("ingress-values.yaml", path)


def test_the_notes_contain_the_return_path_of_each_preset():
    source = (ROOT / "Sources/Configuration/Presets/Preset.swift").read_text()
    presets = re.findall(r'name: "(\w+)", summary(.*?)(?=Preset\(\n|\Z)', source, re.S)
    assert len(presets) == 6
    for name, rest in presets:
        path = re.search(r'\("identityProvider.returnPath", "([^"]+)"\)', rest)
        said = notes("ingress-values.yaml", {"config": {"identityProvider": {"preset": name}}})
        assert f"https://app.example.com{path[1] if path else '/.sidegate/callback'}\n" in said, name


@pytest.mark.parametrize("branch", BRANCHES)
def test_helm_lint_reports_nothing(branch):
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is missing")
    done = subprocess.run(
        [helm, "lint", "--strict", "--quiet", CHART, "--values", CHART / "ci" / branch], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "")


# Versions


def test_charts_and_program_have_the_same_version():
    program = re.search(r'number = "([^"]+)"', (ROOT / "Sources/Command/VersionCommand.swift").read_text()).group(1)
    charts = [yaml.safe_load((chart / "Chart.yaml").read_text()) for chart in (CHART, LIBRARY, INJECTOR)]
    assert [chart["appVersion"] for chart in charts] == [program] * 3
    assert f'default "{program}" $image.tag' in (LIBRARY / "templates/_helpers.tpl").read_text()
    for component in (ROOT / "kustomize").glob("*/sidecar.yaml"):
        assert f"image: sidegate:{program}\n" in component.read_text()


@pytest.mark.parametrize("chart", [CHART, LIBRARY, INJECTOR, APP], ids=["sidegate", "sidegate-sidecar", "sidegate-injector", "app"])
def test_charts_require_the_oldest_tested_version(chart):
    assert yaml.safe_load((chart / "Chart.yaml").read_text())["kubeVersion"] == f">={VERSIONS[0]}-0"
