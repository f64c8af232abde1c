# SPDX-License-Identifier: Apache-2.0
"""nginx and Caddy in front of an app and of Sidegate, with the configs of examples/forward-auth."""

import os
from pathlib import Path

from .gate import ROOT, Gate
from .ports import free_port
from .process import ChildProcess
from .wire import Response, exchange

EXAMPLES = ROOT / "examples" / "forward-auth"


class Front:
    """What a browser talks to: a proxy that asks `gate` and serves `upstream`. Stands in for a Gate in a Browser."""

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


class NginxFront(Front):
    def __init__(self, folder: Path, gate: Gate, upstream):
        super().__init__(gate)
        folder.mkdir()
        site = (EXAMPLES / "nginx" / "sidegate.conf").read_text()
        for old, new in (("127.0.0.1:8080", f"127.0.0.1:{gate.port}"), ("127.0.0.1:3000", f"127.0.0.1:{upstream.port}"),
                         ("listen 80;", f"listen 127.0.0.1:{self.port};"), ("app.example.com", "_")):
            assert old in site, old
            site = site.replace(old, new)
        (folder / "sidegate.conf").write_text(site)
        (folder / "sidegate-request.inc").write_text((EXAMPLES / "nginx" / "sidegate-request.inc").read_text())
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
    def __init__(self, folder: Path, gate: Gate, upstream):
        super().__init__(gate)
        folder.mkdir()
        site = (EXAMPLES / "caddy" / "Caddyfile").read_text()
        for old, new in (("127.0.0.1:8080", f"127.0.0.1:{gate.port}"), ("127.0.0.1:3000", f"127.0.0.1:{upstream.port}"),
                         ("app.example.com", f"http://127.0.0.1:{self.port}")):
            assert old in site, old
            site = site.replace(old, new)
        config = folder / "Caddyfile"
        config.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site)
        self.started(["caddy", "run", "--config", config, "--adapter", "caddyfile"], folder / "caddy.log",
                     dict(os.environ, HOME=str(folder), XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)))
