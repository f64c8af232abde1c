# SPDX-License-Identifier: Apache-2.0
"""nginx, Caddy, Traefik and Envoy in front of an app and of Sidegate, with the configs of examples/forward-auth."""

import os
import shutil
import urllib.parse
from pathlib import Path

import pytest

from .gate import ROOT, Gate
from .ports import free_port
from .process import ChildProcess, wait_until
from .wire import Response, exchange

EXAMPLES = ROOT / "examples" / "forward-auth"
TOOLS = ROOT / ".build" / "test-tools" / "bin"


def program(name: str) -> str:
    """A program that scripts/test-tools installs, in the version that the tests expect."""
    found = shutil.which(name, path=str(TOOLS)) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is missing; `make deps-test` installs it")
    return found


# The settings by which the examples drop other spellings, and their removal: then Sidegate alone refuses them.
UNDONE = {
    "nginx": [("underscores_in_headers off", "underscores_in_headers on"), ("ignore_invalid_headers on", "ignore_invalid_headers off")],
    "caddy": [(f"\trequest_header -*{sign}*\n", "") for sign in "_.!#$%&'*+^`|~"],
    "traefik": [("aliasHeadersStrategy: delete", "aliasHeadersStrategy: keep")],
    "envoy": [("headers_with_underscores_action: DROP_HEADER", "headers_with_underscores_action: ALLOW"),
              ('- remove_on_match: { key_matcher: { safe_regex: { regex: "[^:a-z0-9-].*|[^:].*[^a-z0-9-].*" } } }', "")],
}


def replaced(text: str, *pairs) -> str:
    """`text` with the first of each pair replaced by the second; every first one must occur."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


class Front:
    """The proxy that a browser connects to: it asks `gate` and serves `upstream`. A Browser uses it in place of a Gate."""

    def __init__(self, gate: Gate):
        self.gate = gate
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"

    def exchange(self, method="GET", target="/", headers=(), body=None, host=None) -> Response:
        return exchange(self.port, method, target, headers, body, host)

    def started(self, arguments, log: Path, env: dict):
        self.process = ChildProcess(arguments, log, env=env)
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self):
        self.process.stop()


# With `http2` they accept HTTP/2 without TLS too; nginx then accepts nothing else. Traefik and Envoy always do.
class NginxFront(Front):
    def __init__(self, folder: Path, gate: Gate, upstream, changes=(), http2=False):
        super().__init__(gate)
        folder.mkdir()
        (folder / "sidegate.conf").write_text(replaced(
            (EXAMPLES / "nginx" / "sidegate.conf").read_text(),
            ("127.0.0.1:8080", f"127.0.0.1:{gate.port}"), ("127.0.0.1:3000", f"127.0.0.1:{upstream.port}"),
            ("listen 80;", f"listen 127.0.0.1:{self.port} http2;" if http2 else f"listen 127.0.0.1:{self.port};"),
            ("app.example.com", "_"), *changes))
        for included in (EXAMPLES / "nginx").glob("*.inc"):
            (folder / included.name).write_text(included.read_text())
        (folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{ worker_connections 1024; }}
            http {{
                access_log off;
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                include {folder}/sidegate.conf;
            }}
        """)
        self.started(["nginx", "-e", "stderr", "-c", folder / "nginx.conf", "-p", folder], folder / "nginx.log",
                     dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin"))


class CaddyFront(Front):
    def __init__(self, folder: Path, gate: Gate, upstream, changes=(), http2=False):
        super().__init__(gate)
        folder.mkdir()
        site = replaced(
            (EXAMPLES / "caddy" / "Caddyfile").read_text(), ("127.0.0.1:8080", f"127.0.0.1:{gate.port}"),
            ("127.0.0.1:3000", f"127.0.0.1:{upstream.port}"), ("app.example.com", f"http://127.0.0.1:{self.port}"), *changes)
        config = folder / "Caddyfile"
        server = "servers {\n\t\tprotocols h1 h2c\n\t}\n" if http2 else ""
        config.write_text("{\n\tadmin off\n\tauto_https off\n\t" + server + "}\n" + site)
        self.started(["caddy", "run", "--config", config, "--adapter", "caddyfile"], folder / "caddy.log",
                     dict(os.environ, HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)))


class TraefikFront(Front):
    def __init__(self, folder: Path, gate: Gate, upstream, changes=(), http2=False):
        super().__init__(gate)
        folder.mkdir()
        dynamic = folder / "dynamic.yaml"
        dynamic.write_text(replaced(
            (EXAMPLES / "traefik" / "dynamic.yaml").read_text(),
            ("sidegate:8080", f"127.0.0.1:{gate.port}"), ("app:3000", f"127.0.0.1:{upstream.port}"),
            ("Host(`app.example.com`)", "PathPrefix(`/`)"), ("      tls: {}\n", ""), ("- __Host-sidegate", "- sidegate")))
        static = folder / "traefik.yaml"
        static.write_text(replaced(
            (EXAMPLES / "traefik" / "traefik.yaml").read_text(), ('":443"', f'"127.0.0.1:{self.port}"'),
            ("/etc/traefik/dynamic.yaml", str(dynamic)), ("providers:\n", "providers:\n  providersThrottleDuration: 0.01s\n"), *changes
        ) + "global: { checkNewVersion: false, sendAnonymousUsage: false }\nlog: { level: INFO }\n")
        self.started([program("traefik"), f"--configFile={static}"], folder / "traefik.log", dict(os.environ))
        # The entry point is open before the routes are loaded.
        wait_until(lambda: self.exchange("GET", "/.sidegate/session").status != 404, "Traefik's routes")


class EnvoyFront(Front):
    def __init__(self, folder: Path, gate: Gate, upstream, changes=(), http2=False):
        super().__init__(gate)
        folder.mkdir()
        config = folder / "envoy.yaml"
        config.write_text(replaced(
            (EXAMPLES / "envoy" / "envoy.yaml").read_text(), ("0.0.0.0, port_value: 8000", f"127.0.0.1, port_value: {self.port}"),
            ("127.0.0.1:8080", f"127.0.0.1:{gate.port}"), ("port_value: 8080", f"port_value: {gate.port}"),
            ("port_value: 3000", f"port_value: {upstream.port}"),
            # Otherwise it waits a second for clients whose requests it refused.
            ("stat_prefix: app", "stat_prefix: app\n                delayed_close_timeout: 0.02s"), *changes))
        self.started(
            [program("envoy"), "-c", config, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"],
            folder / "envoy.log", dict(os.environ))


class IngressFront(Front):
    """nginx with the directives that ingress-nginx makes of the example. Its controller has a module that nginx lacks here:
    `addresses` are those whose encoding is needed."""

    def __init__(self, folder: Path, gate: Gate, upstream, addresses=(), changes=()):
        super().__init__(gate)
        folder.mkdir()
        site = replaced(
            (EXAMPLES / "ingress-nginx" / "rendered.conf").read_text(), ("listen 443 ssl;", f"listen 127.0.0.1:{self.port};"),
            ("server_name app.example.com;", "server_name _;"), ("https://$host/", "http://$http_host/"),
            ("set_escape_uri $escaped_request_uri $request_uri;", ""), *changes)
        site = site.replace("sidegate.app.svc.cluster.local:8080", f"127.0.0.1:{gate.port}")
        site = site.replace("app.app.svc.cluster.local:80", f"127.0.0.1:{upstream.port}")
        encoded = "".join(f'"{address}" "{urllib.parse.quote(address, safe="-_.~")}";\n' for address in addresses)
        (folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{ worker_connections 1024; }}
            http {{
                access_log off; map_hash_bucket_size 16384; variables_hash_bucket_size 256; proxy_headers_hash_max_size 4096;
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
                map $request_id $req_id {{ default $request_id; }}
                map $request_uri $escaped_request_uri {{ default "%2F"; {encoded} }}
                {site}
            }}
        """)
        self.started(["nginx", "-e", "stderr", "-c", folder / "nginx.conf", "-p", folder], folder / "nginx.log",
                     dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin"))


FRONTS = {"nginx": NginxFront, "caddy": CaddyFront, "traefik": TraefikFront, "envoy": EnvoyFront}
