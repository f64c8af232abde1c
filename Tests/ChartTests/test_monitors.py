# SPDX-License-Identifier: Apache-2.0
"""What the charts give to Prometheus and Grafana: monitors, the Service for metrics, and the dashboard."""

import json

import pytest
import yaml

from rendering import APP, CHART, COMPONENT, ROOT, containers, of_kind, render, service_of

BRANCH = "service-monitor-values.yaml"


def monitor(kind="ServiceMonitor", values="minimal-values.yaml", **more) -> dict:
    return of_kind(render(CHART, values, **more), kind)


def test_there_is_no_monitor_and_no_second_service_by_default():
    kinds = [manifest["kind"] for manifest in render(CHART, "minimal-values.yaml")]
    assert "ServiceMonitor" not in kinds and "PodMonitor" not in kinds and kinds.count("Service") == 1


def test_the_service_for_browsers_never_leads_to_health_metrics_and_the_console():
    manifests = render(CHART, BRANCH)
    assert [port["targetPort"] for port in service_of(manifests)["spec"]["ports"]] == ["http"]
    own = [m for m in manifests if m["kind"] == "Service" and m["metadata"]["labels"].get(COMPONENT) == "metrics"]
    assert len(own) == 1 and own[0]["spec"]["clusterIP"] == "None", "reachable in the cluster only, as the pods are"
    assert own[0]["spec"]["ports"] == [
        {"name": "admin", "port": 9180, "targetPort": "admin", "protocol": "TCP", "appProtocol": "https"}]
    assert own[0]["spec"]["publishNotReadyAddresses"] is True


def test_the_service_monitor_has_what_the_values_say():
    found = monitor(values=BRANCH)
    assert found["metadata"]["namespace"] == "monitoring" and found["metadata"]["labels"]["release"] == "prometheus"
    assert found["spec"] == {
        "jobLabel": "app.kubernetes.io/name", "targetLabels": ["app.kubernetes.io/instance"], "podTargetLabels": ["team"],
        "sampleLimit": 2000, "namespaceSelector": {"matchNames": ["ns"]},
        "selector": {"matchLabels": {"app.kubernetes.io/name": "sidegate", "app.kubernetes.io/instance": "rel", COMPONENT: "metrics"}},
        "endpoints": [{
            "port": "admin", "path": "/metrics", "scheme": "https", "interval": "30s", "scrapeTimeout": "10s", "honorLabels": True,
            "tlsConfig": {"ca": {"secret": {"name": "admin-tls", "key": "ca.crt"}}, "serverName": "gate.example.com"},
            "relabelings": [{"action": "labeldrop", "regex": "pod_template_hash"}],
            "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "process_.*"}],
            "authorization": {"credentials": {"name": "mesh", "key": "token"}},
        }],
    }


def test_both_monitors_ask_the_same():
    own = {"enabled": True, "interval": "30s", "honorLabels": True, "tlsConfig": {"insecureSkipVerify": True},
           "relabelings": [{"action": "labeldrop", "regex": "a"}], "endpoint": {"followRedirects": False}}
    extra = {"metrics": {"podMonitor": own, "serviceMonitor": own}}
    manifests = render(CHART, "minimal-values.yaml", extra=extra)
    endpoints = of_kind(manifests, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoints == of_kind(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"] and "scheme" not in endpoints[0]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_probes_and_monitors_speak_https_when_the_admin_listener_does(tls):
    config = {"admin": {"tls": {"certificate": "tls.crt", "key": "tls.key"}}} if tls else {}
    extra = {"config": config, "tls": {"existingSecret": "a"}, "metrics": {"podMonitor": {"enabled": True}}}
    manifests = render(CHART, "minimal-values.yaml", extra=extra)
    gate = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    endpoint = of_kind(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"][0]
    assert endpoint.get("scheme", "http") == ("https" if tls else "http")
    app = render(APP, extra={"podMonitor": True, "sidegate": {"config": config}})
    sidecar = of_kind(app, "Deployment")["spec"]["template"]["spec"]
    assert of_kind(app, "PodMonitor")["spec"]["podMetricsEndpoints"][0].get("scheme", "http") == endpoint.get("scheme", "http")
    for container in [gate, *containers(sidecar)]:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                assert container[probe]["httpGet"].get("scheme") == ("HTTPS" if tls else None), container["name"]


def test_a_probe_of_another_port_keeps_its_scheme():
    probe = {"httpGet": {"path": "/", "port": 8081}}
    extra = {"config": {"admin": {"tls": {"certificate": "tls.crt", "key": "tls.key"}}}, "tls": {"existingSecret": "a"},
             "livenessProbe": probe}
    gate = of_kind(render(CHART, "minimal-values.yaml", extra=extra), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert "scheme" not in gate["livenessProbe"]["httpGet"] and gate["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"


def test_the_sidecars_monitor_has_what_the_values_say():
    found = of_kind(render(APP, "everything-values.yaml"), "PodMonitor")
    assert found["metadata"]["annotations"] == {"note": "yes"} and found["metadata"]["labels"]["release"] == "prometheus"
    assert found["spec"]["podMetricsEndpoints"] == [{
        "port": "sidegate-admin", "path": "/metrics", "interval": "30s", "scrapeTimeout": "10s", "honorLabels": True,
        "tlsConfig": {"insecureSkipVerify": True}, "relabelings": [{"action": "labeldrop", "regex": "a"}],
        "metricRelabelings": [{"action": "labeldrop", "regex": "b"}], "followRedirects": False,
    }]


# The dashboard


def dashboard(**more) -> dict:
    manifests = [m for m in render(CHART, **more) if m["kind"] == "ConfigMap" and m["metadata"]["name"].endswith("-dashboard")]
    assert len(manifests) == 1
    return manifests[0]


def test_the_chart_has_the_dashboard_of_the_examples():
    own = (ROOT / "examples/monitoring/dashboard.json").read_text()
    assert (CHART / "files/dashboard.json").read_text() == own, "copy examples/monitoring/dashboard.json to helm/sidegate/files"
    found = dashboard(values="minimal-values.yaml", sets=["metrics.dashboard.enabled=true"])
    assert json.loads(found["data"]["rel-sidegate.json"]) == json.loads(own), "its {{…}} are Grafana's"
    assert len(json.dumps(found)) < 1_000_000, "a ConfigMap holds a mebibyte"


def test_the_loader_finds_the_dashboard_by_its_label():
    metadata = dashboard(values="minimal-values.yaml", sets=["metrics.dashboard.enabled=true"])["metadata"]
    assert metadata["labels"]["grafana_dashboard"] == "1" and metadata["namespace"] == "ns" and "annotations" not in metadata
    sets = ("metrics.dashboard.enabled=true", "metrics.dashboard.folder=Web")
    assert dashboard(values="minimal-values.yaml", sets=sets)["metadata"]["annotations"] == {"grafana_folder": "Web"}


def test_label_folder_and_namespace_of_the_dashboard_can_be_others():
    metadata = dashboard(values=BRANCH)["metadata"]
    assert metadata["namespace"] == "monitoring" and "grafana_dashboard" not in metadata["labels"]
    assert metadata["labels"]["dashboards"] == "yes"
    assert metadata["annotations"] == {"k8s-sidecar-target-directory": "Single sign-on", "note": "yes"}


@pytest.mark.parametrize("name", ["r" * 53, "a-" * 26], ids=["long", "hyphens"])
def test_names_with_a_suffix_stay_within_the_limit(name):
    extra = {"fullnameOverride": name + "bcdefghij", "metrics": {"serviceMonitor": {"enabled": True}, "dashboard": {"enabled": True}}}
    for manifest in render(CHART, "minimal-values.yaml", extra=extra):
        assert len(manifest["metadata"]["name"]) <= 63 and not manifest["metadata"]["name"].endswith("-")


def test_groups_of_alerts_can_be_a_map():
    groups = of_kind(render(CHART, "maps-values.yaml"), "PrometheusRule")["spec"]["groups"]
    assert groups[-1] == {"name": "mine", "rules": [{"alert": "NoGate", "expr": "absent(sidegate_build_info)"}]}
    assert yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"] == groups[:-1]
