# SPDX-License-Identifier: Apache-2.0
"""Several replicas with one Redis, behind nginx, which uses them in turn."""

import asyncio
import os
import threading
import urllib.parse
from pathlib import Path

import websockets

from . import mints
from .gate import NAVIGATION, Browser, Gate
from .process import ChildProcess, wait_until
from .wire import Connection, exchange

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Front:
    """nginx in front of several gates, used strictly in turn. A Browser uses it as one gate."""

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
    """The settings that all replicas share."""
    return {"publicURL": f"http://127.0.0.1:{front_port}", "replay": {"store": "redis"},
            # On a busy machine a reply may take longer than the default.
            "redis": {"url": redis_url, "timeout": "2s"}, **changes}


def at(gate: Gate, browser: Browser, target="/", headers=()):
    """The browser's request, sent to this replica only."""
    front = urllib.parse.urlsplit(browser.gate.origin).netloc
    return gate.exchange("GET", target, {"Cookie": browser.cookie_header(), **dict(headers)}, host=front)


def log_out(gate, **claims) -> int:
    """Sends the provider's logout request to one replica."""
    jwt = mints.by_php(mints.claims(**{"email": None, "sub": "ada", **claims}))
    return gate.exchange("POST", "/.sidegate/backchannel-logout", FORM,
                         urllib.parse.urlencode({"logout_token": jwt}).encode()).status


def is_in(gate, browser) -> bool:
    status = at(gate, browser, headers=NAVIGATION).status
    assert status in (200, 302), status
    return status == 200


class Load:
    """Requests of signed-in browsers on both replicas, each sent as soon as the previous one is answered."""

    def __init__(self, front):
        self.front, self.browser = front, front.signed_in()
        self.statuses, self.stopped = [], threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(gate,)) for gate in front.gates for _ in range(2)]

    def run(self, gate):
        with gate.connection() as connection:
            host = urllib.parse.urlsplit(self.front.origin).netloc
            while not self.stopped.is_set():
                status = connection.exchange("GET", "/", {"Cookie": self.browser.cookie_header()}, host=host).status
                self.statuses.append(status)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.statuses) > 50, "the load has started")
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)


class Sockets:
    """A WebSocket server that echoes, on its own thread."""

    def __enter__(self):
        ready = threading.Event()

        async def echo(connection):
            async for message in connection:
                await connection.send(message)

        async def serve():
            self.stop = asyncio.get_running_loop().create_future()
            async with websockets.serve(echo, "127.0.0.1", 0) as listening:
                self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
                self.loop = asyncio.get_running_loop()
                ready.set()
                await self.stop
        self.thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self.thread.start()
        assert ready.wait(30)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set_result, None)
        self.thread.join(30)
