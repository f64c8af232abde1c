# SPDX-License-Identifier: Apache-2.0
"""The proxies of docs/deployment.md in front of the gate, with their TLS: only names, ports and certificates differ."""

import re
from pathlib import Path

import httpx
import yaml

from .front import program, replaced
from .gate import ROOT, clean_environment
from .process import ChildProcess, wait_until
from .secure import trusting

BLOCKS = re.findall(r"^```\w+\n(.*?)^```$", (ROOT / "docs/deployment.md").read_text(), re.M | re.S)


def block(mark: str) -> str:
    return next(text for text in BLOCKS if mark in text).replace("app.example.com", "localhost")


def nginx(port: int, to: int, certificate, folder: Path) -> list:
    server = replaced(
        block("proxy_pass"), ("listen 443", f"listen 127.0.0.1:{port}"), ("127.0.0.1:8080", f"127.0.0.1:{to}"),
        ("/etc/ssl/certs/app.pem", certificate.certificate), ("/etc/ssl/private/app.key", certificate.key))
    (folder / "nginx.conf").write_text(f"""
        daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn; events {{ worker_connections 1024; }}
        http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                {server} }}""")
    return ["nginx", "-e", "stderr", "-c", folder / "nginx.conf", "-p", folder]


def traefik(port: int, to: int, certificate, folder: Path) -> list:
    content = yaml.safe_load(replaced(block("loadBalancer"), ("127.0.0.1:8080", f"127.0.0.1:{to}")))
    del content["http"]["services"]["sidegate"]["loadBalancer"]["healthCheck"]
    content["tls"] = {"certificates": [{"certFile": certificate.certificate, "keyFile": certificate.key}]}
    (folder / "dynamic.yaml").write_text(yaml.safe_dump(content))
    (folder / "traefik.yaml").write_text(yaml.safe_dump({
        "entryPoints": {"websecure": {"address": f"127.0.0.1:{port}"}}, "providers": {"file": {"filename": f"{folder}/dynamic.yaml"}},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False}}))
    return [program("traefik"), f"--configFile={folder}/traefik.yaml"]


def caddy(port: int, to: int, certificate, folder: Path) -> list:
    site = replaced(block("reverse_proxy"), ("127.0.0.1:8080", f"127.0.0.1:{to}"), (
        "localhost {", f"https://localhost:{port} {{\n    bind 127.0.0.1\n    tls {certificate.certificate} {certificate.key}"))
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}\n" + site)
    return ["caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


def envoy(port: int, to: int, certificate, folder: Path) -> list:
    (folder / "envoy.yaml").write_text(replaced(
        block("static_resources"), ("0.0.0.0, port_value: 443", f"127.0.0.1, port_value: {port}"), ("port_value: 8080", f"port_value: {to}"),
        ("/etc/ssl/certs/app.pem", certificate.certificate), ("/etc/ssl/private/app.key", certificate.key),
        ("domains: [localhost]", f'domains: [localhost, "localhost:{port}"]')))
    return [program("envoy"), "-c", folder / "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]


PROXIES = {"nginx": nginx, "traefik": traefik, "caddy": caddy, "envoy": envoy}


class DocumentedProxy:
    """One of them; a Person uses it in place of a gate."""

    def __init__(self, name: str, port: int, to: int, authority, folder: Path):
        folder.mkdir()
        self.authority, self.people = authority, []
        self.origin = f"https://localhost:{port}"
        self.process = ChildProcess(
            PROXIES[name](port, to, authority.issue(f"proxy-{name}", "DNS:localhost"), folder), folder / "log",
            env=clean_environment(HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)))
        self.process.wait_until_accepting(("127.0.0.1", port))
        wait_until(self.has_routes, "the routes of the proxy")

    def has_routes(self) -> bool:
        """Some accept connections before they have loaded their certificates and routes."""
        try:
            return httpx.get(self.origin + "/.sidegate/session", verify=trusting(self.authority), trust_env=False).status_code == 401
        except httpx.TransportError:
            return False

    def stop(self):
        for person in self.people:
            person.close()
        self.process.kill()
