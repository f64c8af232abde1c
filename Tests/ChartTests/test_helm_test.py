# SPDX-License-Identifier: Apache-2.0
"""`helm test`: what its pod asks, with a real gate whose login page cannot be reached."""

import functools
import http.server
import os
import subprocess
import sys
import threading

import pytest
import yaml

from rendering import CHART, ROOT, containers, of_kind, render

sys.path.append(str(ROOT / "Tests/IntegrationTests"))
from harness.ports import free_port  # noqa: E402
from harness.process import ChildProcess  # noqa: E402

SERVICE = "http://rel-sidegate.ns.svc:80"


def test_pod(values="minimal-values.yaml", **more) -> list[dict]:
    return containers(of_kind(render(CHART, values, **more), "Pod")["spec"])


def names(values="minimal-values.yaml", **more) -> list[str]:
    return [container["name"] for container in test_pod(values, **more)]


test_pod.__test__ = False


def test_by_default_no_other_host_is_asked():
    assert names() == ["check", "service"]
    container = test_pod()[1]
    assert "volumeMounts" not in container and "envFrom" not in container, "secrets and settings of the gate are not used"
    addresses = [text for text in [*container["args"], *(entry["value"] for entry in container["env"])] if "://" in text]
    assert addresses and all(text.startswith(SERVICE) for text in addresses)


@pytest.mark.parametrize(
    ("values", "extra", "expected"),
    [
        ("minimal-values.yaml", {"tests": {"service": False}}, ["check"]),
        ("minimal-values.yaml", {"tests": {"doctor": True}}, ["check", "service", "doctor"]),
        ("minimal-values.yaml", {"tests": {"service": False, "doctor": True}}, ["check", "doctor"]),
        ("tls-values.yaml", {}, ["check"]),
        ("minimal-values.yaml", {"config": {"proxyProtocol": True}}, ["check"]),
    ],
)
def test_the_service_is_asked_where_a_pod_can_ask_it(values, extra, expected):
    assert names(values, extra=extra) == expected


@pytest.mark.parametrize("port", [80, 8088])
def test_a_closed_policy_admits_the_pod_of_the_test(port):
    peers = {"networkPolicy": {"enabled": True, "from": [{"podSelector": {"matchLabels": {"a": "b"}}}]}, "service": {"port": port}}
    manifests = render(CHART, "minimal-values.yaml", extra=peers)
    labels = of_kind(manifests, "Pod")["metadata"]["labels"]
    admitted = of_kind(manifests, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    selectors = [peer["podSelector"]["matchLabels"] for peer in admitted]
    assert any(selector.items() <= labels.items() for selector in selectors) and {"a": "b"} in selectors
    assert f"http://rel-sidegate.ns.svc:{port}" in of_kind(manifests, "Pod")["spec"]["containers"][0]["args"]
    for closed in ({"tests": {"enabled": False}}, {"tests": {"service": False}}):
        policy = of_kind(render(CHART, "minimal-values.yaml", extra={**peers, **closed}), "NetworkPolicy")
        assert policy["spec"]["ingress"][0]["from"] == [{"podSelector": {"matchLabels": {"a": "b"}}}]


@functools.cache
def program() -> str:
    found = os.environ.get("SIDEGATE_BINARY")
    if found is None:
        pytest.skip("SIDEGATE_BINARY is not set")
    return found


def ask(port: int) -> subprocess.CompletedProcess:
    """The container of the test, which takes 127.0.0.1:`port` for the Service."""
    container = test_pod()[-1]

    def there(text):
        return text.replace(SERVICE, f"http://127.0.0.1:{port}")

    return subprocess.run(
        [program(), *map(there, container["args"])], env={entry["name"]: there(entry["value"]) for entry in container["env"]},
        capture_output=True, text=True, timeout=60)


def test_it_passes_at_a_gate_whose_login_page_cannot_be_reached(tmp_path):
    data = of_kind(render(CHART, "minimal-values.yaml"), "ConfigMap")["data"]["sidegate.yaml"]
    config = yaml.safe_load(data)
    port = free_port()
    config.update({"listen": f"127.0.0.1:{port}", "admin": {"listen": "off"}, "upstream": f"http://127.0.0.1:{free_port()}"})
    config["identityProvider"]["loginURL"] = "https://idp.invalid/login?return_url={returnURL}"
    (tmp_path / "sidegate.yaml").write_text(yaml.safe_dump(config))
    for name in ("jwt", "session"):
        (tmp_path / name).write_text(name * 10 + "0123456789abcdefghij")
        (tmp_path / name).chmod(0o600)
    gate = ChildProcess(
        [program(), "run", "--config", tmp_path / "sidegate.yaml"], tmp_path / "log", env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    try:
        gate.wait_until_accepting(("127.0.0.1", port))
        done = ask(port)
    finally:
        gate.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"http://127.0.0.1:{port}/.sidegate/login answers 302" in done.stdout, "a sign-in begins"
    assert " 0 warnings, 0 failed" in done.stdout, done.stdout
    assert ask(port).returncode == 1, "nothing listens"


def test_it_fails_where_the_service_leads_to_something_else():
    class App(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = ask(server.server_address[1])
        server.shutdown()
    assert done.returncode == 1 and "/.sidegate/login answers 404" in done.stdout, done.stdout
