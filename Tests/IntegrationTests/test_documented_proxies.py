# SPDX-License-Identifier: Apache-2.0
"""The configurations of Traefik, Caddy and Envoy in docs/deployment.md, run in front of the gate."""

import json
import re
from pathlib import Path

import pytest
import yaml

from harness.front import program
from harness.gate import NAVIGATION, ROOT, clean_environment
from harness.ports import free_port
from harness.process import ChildProcess, wait_until
from harness.wire import exchange

BLOCKS = re.findall(r"^```\w+\n(.*?)^```$", (ROOT / "docs/deployment.md").read_text(), re.M | re.S)


def traefik(text: str, port: int, gate, folder: Path) -> list:
    text = re.sub(r"^\s*(tls: \{\}|healthCheck: .*)\n", "", text, flags=re.M)
    (folder / "dynamic.yaml").write_text(text.replace("http://127.0.0.1:8080", gate.origin))
    (folder / "traefik.yaml").write_text(
        f"entryPoints: {{ websecure: {{ address: '127.0.0.1:{port}' }} }}\nproviders: {{ file: {{ filename: {folder}/dynamic.yaml }} }}\n"
        "global: { checkNewVersion: false, sendAnonymousUsage: false }\n")
    return [program("traefik"), f"--configFile={folder}/traefik.yaml"]


def caddy(text: str, port: int, gate, folder: Path) -> list:
    text = text.replace("app.example.com", f"http://app.example.com:{port}").replace("127.0.0.1:8080", f"127.0.0.1:{gate.port}")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    return ["caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


def envoy(text: str, port: int, gate, folder: Path) -> list:
    content = yaml.safe_load(text)
    listener = content["static_resources"]["listeners"][0]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    del listener["filter_chains"][0]["transport_socket"]
    address = content["static_resources"]["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
    address["socket_address"]["port_value"] = gate.port
    hosts = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["domains"]
    hosts.append(f"app.example.com:{port}")
    (folder / "envoy.yaml").write_text(json.dumps(content))
    return [program("envoy"), "-c", folder / "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]


@pytest.mark.parametrize("proxy, mark", [(traefik, "loadBalancer"), (caddy, "reverse_proxy"), (envoy, "static_resources")])
def test_the_other_proxies_configurations_serve_a_browser(tmp_path, upstream, start_gate, proxy, mark):
    """The configurations of docs/deployment.md, with another port and without the certificate."""
    text = next(text for text in BLOCKS if mark in text)
    gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"], access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]})
    port = free_port()
    process = ChildProcess(proxy(text, port, gate, tmp_path), tmp_path / "proxy.log",
                           env=clean_environment(HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path)))
    try:
        process.wait_until_accepting(("127.0.0.1", port))
        host = f"app.example.com:{port}"
        ask = lambda path, headers: exchange(port, "GET", path, headers, host=host)  # noqa: E731
        wait_until(lambda: ask("/reports", {}).status != 404, "the routes")
        response = ask("/reports?tab=all", NAVIGATION)
        assert response.status == 302 and "http%3A%2F%2Fapp.example.com" in response["Location"], process.output()
        assert upstream.requests == []
        assert ask("/open/x", {"X-Forwarded-User": "root", "X_Forwarded_User": "root", "X.Forwarded.User": "root"}).status == 200
        assert b"root" not in upstream.last.head and upstream.last.get("X-Forwarded-For").endswith("127.0.0.1"), upstream.last.head
    finally:
        process.kill()
