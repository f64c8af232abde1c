# SPDX-License-Identifier: Apache-2.0
"""Several gates that are one: behind nginx, which asks them in turn, and with one Redis."""

import os
import urllib.parse
from pathlib import Path

from .gate import Browser, Gate
from .ports import free_port
from .process import ChildProcess
from .wire import Connection, exchange


class Front:
    """nginx before some gates, strictly one after the other. As a browser's gate, it is one."""

    def __init__(self, folder: Path, port: int, gates: list):
        folder.mkdir(parents=True)
        self.port, self.gates = port, gates
        self.origin = f"http://127.0.0.1:{port}"
        servers = "".join(f"server 127.0.0.1:{gate.port} max_fails=0;" for gate in gates)
        configuration = folder / "nginx.conf"
        configuration.write_text(f"""
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{ worker_connections 2048; }}
            http {{
                access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                upstream gates {{ {servers} }}
                map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
                server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass http://gates; proxy_http_version 1.1; proxy_set_header Host $http_host;
                        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
                        proxy_next_upstream off;
                    }}
                }}
            }}
        """)
        self.process = ChildProcess(
            ["nginx", "-e", "stderr", "-c", configuration, "-p", folder], folder / "nginx.log",
            env=dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin"))
        self.process.wait_until_accepting(("127.0.0.1", port))

    def connection(self, **options) -> Connection:
        return Connection(self.port, **options)

    def exchange(self, method="GET", target="/", headers=(), body=None, host=None):
        return exchange(self.port, method, target, headers, body, host)

    def signed_in(self, **claims) -> Browser:
        browser = Browser(self)
        browser.sign_in(**claims)
        return browser

    def stop(self):
        self.process.stop()


def settings(redis_url: str, front_port: int, **changes) -> dict:
    """What all replicas have alike."""
    return {"publicURL": f"http://127.0.0.1:{front_port}", "replay": {"store": "redis"},
            "redis": {"url": redis_url}, **changes}


def at(gate: Gate, browser: Browser, target="/", headers=()):
    """The browser's request, but to this one replica."""
    front = urllib.parse.urlsplit(browser.gate.origin).netloc
    return gate.exchange("GET", target, {"Cookie": browser.cookie_header(), **dict(headers)}, host=front)


