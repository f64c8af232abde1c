# SPDX-License-Identifier: Apache-2.0
"""examples/monitoring: Prometheus checks the rules, their tests and every expression of the dashboard."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from rendering import ROOT

FOLDER = ROOT / "examples/monitoring"
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
ALERT_TESTS = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())

# The public metrics with their labels. process_* are common to all Prometheus clients.
METRICS = {
    "sidegate_http_requests_total": {"route", "method", "code"},
    "sidegate_http_request_duration_seconds": {"route", "le"},
    "sidegate_upstream_request_duration_seconds": {"route", "le"},
    "sidegate_http_requests_in_flight": set(),
    "sidegate_connections": {"protocol"},
    "sidegate_upstream_errors_total": {"upstream", "reason", "cause"},
    "sidegate_upstream_tolerated_total": {"what"},
    "sidegate_upstream_up": set(),
    "sidegate_logins_total": {"provider", "result", "reason"},
    "sidegate_denied_total": {"reason"},
    "sidegate_logouts_total": {"reason"},
    "sidegate_session_rejections_total": {"reason"},
    "sidegate_auth_redirects_total": set(),
    "sidegate_config_reloads_total": {"result"},
    "sidegate_config_last_reload_successful": set(),
    "sidegate_key_refresh_total": {"result"},
    "sidegate_openid_requests_total": {"provider", "endpoint", "result"},
    "sidegate_openid_provider_known": {"provider"},
    "sidegate_openid_discovery_timestamp_seconds": {"provider"},
    "sidegate_tls_certificate_not_after_timestamp_seconds": set(),
    "sidegate_replay_entries": set(),
    "sidegate_replay_max_entries": set(),
    "sidegate_replay_full_total": set(),
    "sidegate_ended_sessions_full_total": set(),
    "sidegate_log_dropped_bytes_total": set(),
    "sidegate_state_journal_bytes": set(),
    "sidegate_state_writes_total": {"result"},
    "sidegate_redis_up": set(),
    "sidegate_redis_unexpected_replies_total": set(),
    "sidegate_redis_redirections_total": set(),
    "sidegate_redis_failovers_total": set(),
    "sidegate_otlp_spans_total": {"result"},
    "sidegate_build_info": {"version"},
}
OTHERS = {
    "up", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
    "process_start_time_seconds",
}
TARGET_LABELS = {"namespace", "job", "instance"}
HISTOGRAMS = {"sidegate_http_request_duration_seconds", "sidegate_upstream_request_duration_seconds"}


def dashboard_expressions() -> dict[str, str]:
    """Each expression by its location, with the values of Grafana's variables."""
    found = {}
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        found[f"annotation {annotation['name']}"] = annotation["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            found[f"variable {variable['name']}"] = f"count by ({label}) ({series})"
    filled = {}
    for name, expression in found.items():
        for variable, value in {"$__rate_interval": "5m", "$job": "gate|other", "$instance": ".+"}.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression, f"{name}: an unknown variable: {expression}"
        filled[name] = expression
    return filled


EXPRESSIONS = dashboard_expressions()
ALERT_EXPRESSIONS = {rule["alert"]: rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]}


def promtool(*arguments) -> subprocess.CompletedProcess:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing: it is in Debian's package prometheus")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def test_prometheus_accepts_the_rules():
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", FOLDER / "alerts.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_only_when_they_must():
    done = promtool("test", "rules", FOLDER / "alerts.test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERT_EXPRESSIONS)
def test_each_alert_has_a_test_with_and_without_firing(name):
    checks = [check for test in ALERT_TESTS["tests"] for check in test["alert_rule_test"] if check["alertname"] == name]
    assert any(check.get("exp_alerts") for check in checks) and any(not check.get("exp_alerts") for check in checks)


@pytest.mark.parametrize("rule", [rule for group in ALERTS["groups"] for rule in group["rules"]], ids=lambda r: r["alert"])
def test_each_alert_has_a_severity_and_an_instruction(rule):
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def test_the_runbook_has_a_section_for_each_alert_and_for_no_other():
    page = sections((ROOT / "docs/runbook.md").read_text())
    assert [heading for heading in page if heading.startswith("Sidegate")] == list(ALERT_EXPRESSIONS)
    for name in ALERT_EXPRESSIONS:
        assert re.search(r"^\*\*Look at\.\*\*", page[name], re.M), name
        assert re.search(r"^\*\*Do\.\*\*", page[name], re.M), name


@pytest.mark.parametrize("rule", [rule for group in ALERTS["groups"] for rule in group["rules"]], ids=lambda r: r["alert"])
def test_each_alert_leads_to_its_section_of_the_runbook(rule):
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (ROOT / page).is_file() and anchor == rule["alert"].lower()


def test_the_runbook_names_metrics_and_reasons_that_exist():
    page = (ROOT / "docs/runbook.md").read_text()
    named = set(re.findall(r"\bsidegate_\w+", page))
    known = OTHERS | set(METRICS) | {f"{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "sum", "count")}
    assert named <= known | {"sidegate_upstream_requests_waiting", "sidegate_slow_requests_ended_total", "sidegate_upstream_connections"}
    log = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/log.md").read_text(), re.M))
    for value in re.findall(r'\.(?:reason|cause|decision|event) == "([^"]+)"', page):
        assert value in log, value


def test_the_dashboard_shows_sign_ins_by_provider_and_reason():
    grouped = [text for text in EXPRESSIONS.values() if "sidegate_logins_total" in text and "provider" in text and "reason" in text]
    assert grouped


def test_prometheus_accepts_every_expression_of_the_dashboard(tmp_path):
    rules = [{"record": f"panel:{index}", "expr": text} for index, text in enumerate(EXPRESSIONS.values())]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


@pytest.mark.parametrize("expression", [*EXPRESSIONS.values(), *ALERT_EXPRESSIONS.values()])
def test_expressions_use_metrics_and_labels_that_exist(expression):
    known = OTHERS | set(METRICS) | {f"{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "sum", "count")}
    named = set(re.findall(r"\b(?:sidegate|process)_\w+|\bup\b", expression))
    assert named and named <= known
    labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression))
    for group in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression):
        labels |= {label.strip() for label in group.split(",")}
    allowed = set(TARGET_LABELS)
    for name in named:
        allowed |= METRICS.get(re.sub(r"_(bucket|sum|count)$", "", name), set()) | METRICS.get(name, set())
    assert labels <= allowed


def test_the_dashboard_shows_every_metric():
    shown = " ".join(EXPRESSIONS.values())
    assert [name for name in METRICS if name not in shown] == []


def test_panels_do_not_overlap_and_have_unique_ids():
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    taken = {}
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                assert (x, y) not in taken, f"{panel['title']} overlaps {taken[x, y]}"
                taken[x, y] = panel["title"]


def test_the_dashboard_is_independent_of_the_installation():
    text = json.dumps(DASHBOARD)
    assert "id" not in DASHBOARD, "an id of one installation of Grafana"
    sources = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"] if "datasource" in panel}
    assert sources == {"${datasource}"}
    assert "__inputs" not in text


def test_the_readme_configuration_is_valid(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(), re.S).group(1)
    (tmp_path / "prometheus.yml").write_text(block)
    shutil.copy(FOLDER / "alerts.yaml", tmp_path)
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
