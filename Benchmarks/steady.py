#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reloads and restarts under load, which must not lose requests, and memory and descriptors over time, which must not grow.

First wrk keeps 64 connections busy while the configuration is reloaded twenty times and new processes replace the old
one three times on an inherited socket; no request may be lost. Then one process serves a mix for `--soak` seconds
(sign-ins, refused tokens, downloads by slow readers, uploads, clients that hang up, HTTP/2), and its memory and
descriptors in the last quarter are compared with those in the second.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import servers

# As systemd passes a socket: descriptor 3, and the process's own ID.
HAND_OVER = 'exec 3<&"$1"; shift; exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@"'
RELOADS, RESTARTS = 20, 3


class Replica(servers.Sidegate):
    """A process on an inherited socket."""

    def __init__(self, binary: Path, folder: Path, configuration: Path, listening):
        self.port = listening.getsockname()[1]
        (folder / "notify").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(folder / "notify"))
            notify.settimeout(10)
            environment = {n: v for n, v in os.environ.items() if not n.startswith("SIDEGATE")}
            with open(folder / "replicas.log", "ab") as log:
                self.child = subprocess.Popen(
                    ["bash", "-c", HAND_OVER, "bash", str(listening.fileno()), binary, "run", "--config", configuration],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, pass_fds=[listening.fileno()],
                    env={**environment, "NOTIFY_SOCKET": str(folder / "notify")})
            if b"READY=1" not in notify.recv(4096):
                raise SystemExit(f"a replica did not start: {folder}/replicas.log")
        self.pid = self.child.pid
        servers.Process.started.append(self)

    def end(self) -> int:
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(40)


def changes(options, folder: Path, upstream: int) -> bool:
    """Reloads and restarts under load; true when no request was lost."""
    configuration = folder / "changing.yaml"

    def write(number: int):
        configuration.with_suffix(".new").write_text(json.dumps({
            "listen": ["systemd:"], "upstream": {"url": f"http://127.0.0.1:{upstream}", "maxConnections": 512},
            "identityProvider": {"loginURL": servers.LOGIN_URL}, "token": {"keys": [{"secret": servers.SECRET}]},
            "session": {"secret": "a-session-secret-for-measuring-only-001"}, "admin": {"listen": "off"},
            "identityHeaders": {"X-Forwarded-User": "{user}", "X-Number": str(number)},
            "workers": 2, "log": {"access": False},
        }))
        configuration.with_suffix(".new").chmod(0o600)
        configuration.with_suffix(".new").rename(configuration)

    write(0)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        replica = Replica(options.sidegate, folder, configuration, listening)
        session = replica.sign_in()
        wrk = subprocess.Popen(
            ["wrk", "-t2", "-c64", f"-d{options.seconds}s", "--timeout", "10s", "-H", f"Cookie: {session}",
             f"http://127.0.0.1:{replica.port}/1k"], stdout=subprocess.PIPE, text=True)
        codes, begun = [], time.monotonic()
        steps = RELOADS + RESTARTS
        for step in range(steps):
            # Spread over the run, with some time at the start and at the end.
            time.sleep(max(0, begun + options.seconds * (step + 1) / (steps + 2) - time.monotonic()))
            if step % 7 == 6:
                fresh = Replica(options.sidegate, folder, configuration, listening)
                codes.append(replica.end())
                replica = fresh
            else:
                write(step + 1)
                replica.child.send_signal(signal.SIGHUP)
        report = wrk.communicate(timeout=60)[0]
        codes.append(replica.end())
    log = (folder / "replicas.log").read_text(errors="replace")
    reloads = log.count("configuration reloaded")
    requests = int(re.search(r"(\d+) requests in", report).group(1))
    lost = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", report)))
    refused = int((re.search(r"Non-2xx or 3xx responses: (\d+)", report) or [0, 0])[1])
    good = requests >= options.requests and lost == refused == 0 and set(codes) == {0}
    print(f"{'ok' if good else 'FAILED':8} {requests} requests by 64 connections, {RELOADS} reloads ({reloads} in the log),"
          f" {RESTARTS} restarts: {lost} lost, {refused} not 2xx, exit codes {sorted(set(codes))}", flush=True)
    return good


class Mix:
    """Clients of all kinds, each in its own thread until they are stopped."""

    def __init__(self, gate: servers.Sidegate):
        self.gate, self.session = gate, gate.sign_in()
        self.stop = threading.Event()
        self.counts: dict = {}
        self.threads = [threading.Thread(target=self.run, args=(kind,), daemon=True) for kind in [
            self.sign_in, self.refuse, self.download_slowly, self.upload, self.hang_up, self.redirect, self.many]]

    def run(self, kind):
        while not self.stop.is_set():
            try:
                kind()
                self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            except (OSError, http.client.HTTPException) as problem:
                self.counts["problems"] = self.counts.get("problems", 0) + 1
                print(f"{kind.__name__}: {problem!r}", file=sys.stderr)
                time.sleep(0.1)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.gate.port, timeout=30)

    def asked(self, method, target, body=None, **headers) -> int:
        connection = self.connection()
        connection.request(method, target, body, headers, encode_chunked=body is not None)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    def sign_in(self):
        # Each used token is remembered for minutes, so memory is constant only once as many expire as are added.
        self.gate.sign_in()
        time.sleep(0.2)

    def refuse(self):
        assert self.asked("GET", f"/.sidegate/callback?jwt={servers.token(60)[:-6]}AAAAAA", Accept="text/html") == 403
        time.sleep(0.01)

    def redirect(self):
        assert self.asked("GET", f"/deep/{random.random()}", Accept="text/html") == 302

    def many(self):
        connection = self.connection()
        for _ in range(200):
            connection.request("GET", "/1k", headers={"Cookie": self.session})
            connection.getresponse().read()
        connection.close()

    def upload(self):
        pieces = (os.urandom(random.randint(1, 60_000)) for _ in range(20))
        self.asked("POST", "/1k", pieces, Cookie=self.session, **{"Transfer-Encoding": "chunked"})

    def download_slowly(self):
        with socket.create_connection(("127.0.0.1", self.gate.port), 30) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            slow.sendall(f"GET /10m HTTP/1.1\r\nHost: 127.0.0.1:{self.gate.port}\r\nCookie: {self.session}\r\n\r\n".encode())
            for _ in range(random.randint(1, 60)):
                if not slow.recv(4096):
                    break
                time.sleep(0.02)

    def hang_up(self):
        with socket.create_connection(("127.0.0.1", self.gate.port), 30) as client:
            client.sendall(f"GET /100k HTTP/1.1\r\nHost: 127.0.0.1:{self.gate.port}\r\nCookie: {self.session}\r\n\r\n".encode()[:random.randint(1, 400)])
            time.sleep(random.random() / 50)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.gate.pid}/fd"))


def soak(options, folder: Path, upstream: int) -> bool:
    gate = servers.Sidegate(options.sidegate, folder, upstream, environment_name="soaked", more={
        "workers": 2, "admin": {"listen": "off"}})
    mix = Mix(gate)
    for thread in mix.threads:
        thread.start()
    streams = subprocess.Popen(
        ["h2load", f"-D{options.soak}", "-c8", "-m10", "-H", f"cookie: {mix.session}", f"http://127.0.0.1:{gate.port}/1k"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory, descriptors = [], []
    begun = time.monotonic()
    while time.monotonic() < begun + options.soak:
        time.sleep(min(5, options.soak / 40))
        memory.append(gate.memory())
        descriptors.append(mix.descriptors())
    mix.stop.set()
    for thread in mix.threads:
        thread.join(40)
    streams.wait(30)
    quarter = len(memory) // 4
    early, late = (statistics.median(memory[i * quarter:(i + 1) * quarter]) for i in (1, 3))
    opened = [max(descriptors[i * quarter:(i + 1) * quarter]) for i in (1, 3)]
    good = late <= early * 1.05 + (1 << 20) and opened[1] <= opened[0] + 20
    print(f"{'ok' if good else 'FAILED':8} {options.soak} s of {json.dumps(mix.counts)}: "
          f"memory {early / 2**20:.1f} then {late / 2**20:.1f} MiB, at most {opened[0]} then {opened[1]} descriptors")
    return good and gate.child.poll() is None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    parser.add_argument("--seconds", type=int, default=30, help="duration of the reloads and restarts")
    parser.add_argument("--requests", type=int, default=100_000, help="the number that must be answered in that time")
    parser.add_argument("--soak", type=int, default=600, help="duration of the soak in seconds; 0: none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        folder = Path(place)
        try:
            upstream = servers.start_upstream(folder).port
            good = changes(options, folder, upstream)
            if options.soak:
                good &= soak(options, folder, upstream)
        finally:
            servers.Process.stop_all()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
