# SPDX-License-Identifier: Apache-2.0
"""The proxies of docs/deployment.md before a gate, with the configurations of that page: other ports and certificates, and
nothing else is changed."""

import json
import os
import re
import ssl
from pathlib import Path

import yaml

from .front import program, replaced
from .gate import ROOT, clean_environment
from .ports import free_port
from .process import ChildProcess
from .readers import built_in

PAGE = (ROOT / "docs/deployment.md").read_text()
HOST = "app.example.com"


def block(language: str, mark: str) -> str:
    """The first block of the page in that language that contains the mark."""
    return next(text for text in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S) if mark in text)


class DocumentedProxy:
    """One proxy in front of `gate`, over TLS with a certificate for app.example.com."""

    name = ""
    grpc = True

    def __init__(self, folder: Path, gate, authority, admin_port: int, for_grpc=False):
        self.folder, self.gate, self.admin_port, self.for_grpc = folder, gate, admin_port, for_grpc
        self.port = free_port()
        self.certificate = authority.issue(f"{self.name}-app", f"DNS:{HOST}")
        self.authority = authority
        self.process = ChildProcess(
            self.command(), folder / f"{self.name}.log",
            env=clean_environment(HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)))
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def command(self) -> list:
        raise NotImplementedError

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def pem(self) -> Path:
        """The certificate and its key in one file."""
        path = self.write(f"{self.name}.pem", Path(self.certificate.certificate).read_text() + Path(self.certificate.key).read_text())
        path.chmod(0o600)
        return path

    def context(self, *protocols: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.path)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context

    def stop(self):
        self.process.kill()


class HAProxy(DocumentedProxy):
    name = "haproxy"

    def command(self):
        text = block("haproxy", "frontend https")
        if self.for_grpc:
            text = text.split("\nbackend sidegate")[0] + "\n" + block("haproxy", "proto h2")
        text = replaced(text, ("bind :443", f"bind 127.0.0.1:{self.port}"), ("/etc/ssl/private/app.pem", str(self.pem())),
                        ("127.0.0.1:8080", f"127.0.0.1:{self.gate.port}"), ("port 9180", f"port {self.admin_port}"))
        return ["haproxy", "-db", "-f", self.write("haproxy.cfg", text)]


class Apache(DocumentedProxy):
    name = "apache"
    grpc = False

    def command(self):
        text = replaced(block("apache", "VirtualHost"), ("*:443", f"127.0.0.1:{self.port}"), ("/etc/ssl/certs/app.pem", self.certificate.certificate),
                        ("/etc/ssl/private/app.key", self.certificate.key), ("127.0.0.1:8080", f"127.0.0.1:{self.gate.port}"))
        modules = ["mpm_event", "authz_core", "unixd", "ssl", "headers", "proxy", "proxy_http", "socache_shmcb"]
        loaded = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules if not built_in(f"mod_{name}"))
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        config = self.write("apache.conf", f"""
            ServerRoot {self.folder}
            ServerName localhost
            Listen 127.0.0.1:{self.port}
            PidFile {self.folder}/apache.pid
            Mutex posixsem
            ErrorLog /dev/stderr
            {loaded}{user}{text}""")
        return ["apache2", "-X", "-f", config]


class Nginx(DocumentedProxy):
    name = "nginx"

    def command(self):
        text = block("nginx", "proxy_pass")
        if self.for_grpc:
            assert "`listen 443 ssl http2;`" in PAGE
            text = replaced(text, ("listen 443 ssl;", "listen 443 ssl http2;"), ("    location / {", block("nginx", "grpc_pass") + "    location / {"),
                            ("grpc://127.0.0.1:8080", f"grpc://127.0.0.1:{self.gate.port}"))
        text = replaced(text, ("listen 443", f"listen 127.0.0.1:{self.port}"), ("/etc/ssl/certs/app.pem", self.certificate.certificate),
                        ("/etc/ssl/private/app.key", self.certificate.key), ("http://127.0.0.1:8080", self.gate.origin))
        paths = " ".join(f"{name}_temp_path {self.folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        return ["nginx", "-e", "stderr", "-c", self.write(
            "nginx.conf", f"daemon off; master_process off; pid {self.folder}/nginx.pid; error_log stderr warn; {user}\n"
                          f"events {{}}\nhttp {{ access_log off; {paths}\n{text}\n}}\n")]


class Caddy(DocumentedProxy):
    name = "caddy"

    def command(self):
        text = block("caddyfile", "h2c://" if self.for_grpc else "reverse_proxy 127")
        text = replaced(text, (HOST + " {", f"https://{HOST}:{self.port} {{\n    tls {self.certificate.certificate} {self.certificate.key}"),
                        ("127.0.0.1:8080", f"127.0.0.1:{self.gate.port}"))
        return ["caddy", "run", "--adapter", "caddyfile", "--config", self.write("Caddyfile", "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)]


class Traefik(DocumentedProxy):
    name = "traefik"

    def command(self):
        text = replaced(block("yaml", "loadBalancer"), ("http://127.0.0.1:8080", self.gate.origin), ("port: 9180", f"port: {self.admin_port}"))
        if self.for_grpc:
            assert 'servers: [{ url: "h2c://127.0.0.1:8080" }]' in PAGE
            text = replaced(text, (self.gate.origin, f"h2c://127.0.0.1:{self.gate.port}"))
        text += f"tls: {{ certificates: [{{ certFile: {self.certificate.certificate}, keyFile: {self.certificate.key} }}] }}\n"
        dynamic = self.write("dynamic.yaml", text)
        return [program("traefik"), "--configFile=" + str(self.write(
            "traefik.yaml", f"entryPoints: {{ websecure: {{ address: '127.0.0.1:{self.port}' }} }}\n"
                            f"providers: {{ file: {{ filename: {dynamic} }} }}\nglobal: {{ checkNewVersion: false, sendAnonymousUsage: false }}\n"))]


class Envoy(DocumentedProxy):
    name = "envoy"

    def command(self):
        content = yaml.safe_load(block("yaml", "static_resources"))
        listener, cluster = content["static_resources"]["listeners"][0], content["static_resources"]["clusters"][0]
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": self.port}
        certificate = listener["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]["tls_certificates"][0]
        certificate["certificate_chain"]["filename"], certificate["private_key"]["filename"] = self.certificate.certificate, self.certificate.key
        cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["port_value"] = self.gate.port
        if self.for_grpc:
            cluster.update(yaml.safe_load(block("yaml", "typed_extension_protocol_options")))
        # The page's port is the default one, which clients leave out of Host.
        hosts = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["domains"]
        hosts.append(f"{HOST}:*")
        return [program("envoy"), "-c", self.write("envoy.yaml", json.dumps(content)), "--concurrency", "1", "--disable-hot-restart",
                "--log-level", "warning"]


ALL = {proxy.name: proxy for proxy in (Nginx, Traefik, Caddy, Envoy, HAProxy, Apache)}
