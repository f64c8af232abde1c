# SPDX-License-Identifier: Apache-2.0
"""A new process replaces the old one on a socket that the service manager keeps open, without failed requests."""

import json
import signal
import socket
import subprocess
import threading

from harness import tokens
from harness.gate import BINARY, Browser, clean_environment, settings
from harness.process import wait_until
from harness.wire import Connection

# As systemd passes a socket: descriptor 3, and the process's own ID.
HAND_OVER = 'exec 3<&"$1"; shift; exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@"'


class Replica:
    """One process on the inherited socket; waits until it reports that it is ready."""

    def __init__(self, folder, config, listening):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = folder / f"{id(self):x}"
        self.notify.bind(str(path))
        self.notify.settimeout(30)
        self.log = open(folder / "log", "ab")
        self.child = subprocess.Popen(
            ["bash", "-c", HAND_OVER, "bash", str(listening.fileno()), BINARY, "run", "--config", config],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, pass_fds=[listening.fileno()],
            env=clean_environment(NOTIFY_SOCKET=str(path)))
        assert b"READY=1" in self.notify.recv(4096)

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(30)
        self.notify.close()
        self.log.close()
        return code


class Door:
    """The part of a gate that `Browser` needs."""

    def __init__(self, port: int):
        self.port, self.origin = port, f"http://127.0.0.1:{port}"

    def exchange(self, method="GET", target="/", headers=(), body=None, host=None):
        with Connection(self.port) as connection:
            return connection.exchange(method, target, headers, body, host)


def test_three_rolling_restarts_lose_no_request(tmp_path, upstream):
    upstream.answer = lambda request, connection: connection.respond(200, {}, "ok")
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        port = listening.getsockname()[1]
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(settings(upstream.url, port, listen=["systemd:"], workers=2)))
        config.chmod(0o600)
        replica = Replica(tmp_path, config, listening)
        browser = Browser(Door(port))
        assert browser.finish(browser.start("/"), tokens.token()).status == 303
        cookie = {"Cookie": browser.cookie_header()}
        lost, statuses, stop = [], [], threading.Event()

        def client():
            """Keeps its connection open for as long as possible, as browsers and proxies do."""
            while not stop.is_set():
                with Connection(port) as connection:
                    while not stop.is_set():
                        try:
                            response = connection.exchange("GET", "/", cookie)
                        except Exception as failure:
                            lost.append(repr(failure))
                            break
                        statuses.append(response.status)
                        if response.get("Connection", "").lower() == "close":
                            break

        clients = [threading.Thread(target=client) for _ in range(8)]
        for thread in clients:
            thread.start()
        try:
            for _ in range(3):
                count = len(statuses)
                wait_until(lambda: len(statuses) > count + 300, "requests flow")
                fresh = Replica(tmp_path, config, listening)
                assert replica.stop() == 0
                replica = fresh
            count = len(statuses)
            wait_until(lambda: len(statuses) > count + 300, "requests still flow")
        finally:
            stop.set()
            for thread in clients:
                thread.join(30)
            assert replica.stop() == 0
        assert lost == [] and set(statuses) == {200}
