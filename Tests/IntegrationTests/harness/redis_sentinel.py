# SPDX-License-Identifier: Apache-2.0
"""A primary with two replicas and three sentinels, and ways to end the primary."""

import re
import signal
import threading
import time
from pathlib import Path

from . import tokens
from .gate import NAVIGATION
from .ports import free_port
from .process import ChildProcess, wait_until
from .redis import FaultyRedis, Redis, Wire

MASTER = "main"
# Milliseconds without a reply after which a server counts as down. A busy machine may pause a server that is well, so the
# sentinels are impatient only while a server is down.
PATIENT, IMPATIENT = 60_000, 1000


class Sentinel(Redis):
    """redis-sentinel on a free port; with a certificate on a second one for TLS."""

    def __init__(self, folder: Path, monitored_port: int, *options: str, password: str = None, tls: tuple = None):
        folder.mkdir(parents=True)
        self.folder, self.password, self.user, self.port = folder, password, None, free_port()
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", f"sentinel monitor {MASTER} 127.0.0.1 {monitored_port} 2",
                 f"sentinel down-after-milliseconds {MASTER} {PATIENT}", f"sentinel failover-timeout {MASTER} 3000", *options]
        if password:
            lines += [f"requirepass {password}", f"sentinel sentinel-pass {password}"]
        if tls:
            self.secure_port = free_port()
            lines += [f"tls-port {self.secure_port}", "tls-replication yes", "tls-auth-clients no", *tls]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
        self.starts = 0
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{getattr(self, 'secure_port', self.port)}"

    def start(self):
        self.starts += 1
        self.process = ChildProcess(["redis-sentinel", self.folder / "sentinel.conf"],
                                    self.folder / f"sentinel{self.starts}.log")
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def fields(self) -> dict:
        """What it knows of the primary."""
        flat = [part.decode() for part in self("SENTINEL", "MASTER", MASTER)]
        return dict(zip(flat[::2], flat[1::2]))

    def named_port(self) -> int:
        return int(self("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])


class SentinelGroup:
    """Servers 0 to 2, of which 0 is the primary at first, and three sentinels. The primary takes writes only while a
    replica is connected."""

    def __init__(self, folder: Path, wired: bool = False, password: str = None, sentinel_password: str = None,
                 certificate=None, authority=None):
        self.servers, self.sentinels, self.wire = [], [], None
        self.certificate = certificate
        options = ["--min-replicas-to-write", 1, "--min-replicas-max-lag", 10, "--repl-diskless-sync-delay", 0,
                   "--repl-ping-replica-period", 1]
        monitor, tls = [], None
        if password:
            options += ["--requirepass", password, "--masterauth", password]
            monitor = [f"sentinel auth-pass {MASTER} {password}"]
        if certificate:
            options += ["--tls-replication", "yes"]
            tls = (f"tls-cert-file {certificate.certificate}", f"tls-key-file {certificate.key}",
                   f"tls-ca-cert-file {authority.path}")
        try:
            for number in range(3):
                upstream = ["--replicaof", f"127.0.0.1 {self.monitored}"] if number else []
                self.servers.append(Redis(folder / f"server{number}", *options, *upstream, password=password,
                                          certificate=certificate, authority=authority))
                if number == 0:
                    self.wire = Wire(self.servers[0].port) if wired else None
                    self.monitored = self.wire.port if wired else self.data_port(self.servers[0])
            wait_until(lambda: self.online_replicas(self.servers[0]) == 2, "the replicas are connected")
            for number in range(3):
                self.sentinels.append(
                    Sentinel(folder / f"sentinel{number}", self.monitored, *monitor, password=sentinel_password, tls=tls))
            for sentinel in self.sentinels:
                wait_until(lambda: self.is_complete(sentinel.fields()), "the sentinels know each other and the replicas")
        except BaseException:
            self.close()
            raise

    @staticmethod
    def is_complete(fields: dict) -> bool:
        return (fields["flags"], fields["num-slaves"], fields["num-other-sentinels"]) == ("master", "2", "2")

    def data_port(self, server: Redis) -> int:
        """Of the port that sentinels name."""
        return server.secure_port if self.certificate else server.port

    @staticmethod
    def online_replicas(server: Redis) -> int:
        return len(re.findall(rb"state=online", server("INFO", "replication")))

    @property
    def addresses(self) -> list:
        return [sentinel.address for sentinel in self.sentinels]

    def settings(self, **changes) -> dict:
        """For `redis` of a gate. On a busy machine a reply may take longer than the default of `timeout`."""
        return {"sentinels": self.addresses, "master": MASTER, "timeout": "2s", **changes}

    def primary(self) -> Redis:
        """The one that the sentinels agree on."""
        def agreed():
            ports = {sentinel.named_port() for sentinel in self.sentinels}
            return ports.pop() if len(ports) == 1 else None
        port = wait_until(agreed, "the sentinels agree on a primary")
        return next(server for server in self.servers if port in (self.data_port(server), self.wire and self.wire.port))

    def replicate(self):
        """Returns when both replicas have what the primary has."""
        server = self.servers[0]
        script = "redis.call('SET', KEYS[1], '1', 'PX', 1000) return redis.status_reply('OK')"
        assert server("EVAL", script, 1, "marker") == b"OK"

        def offsets():
            text = server("INFO", "replication").decode()
            own = int(re.search(r"master_repl_offset:(\d+)", text)[1])
            return own, [int(offset) for offset in re.findall(r"state=online,offset=(\d+)", text)]
        own, _ = offsets()
        wait_until(lambda: len(offsets()[1]) == 2 and min(offsets()[1]) >= own, "the replicas have all of it")

    def fail(self, way: str) -> float:
        """Ends the first primary in one of the ways below, waits for the failover, and returns the time of the failure."""
        old = {sentinel.named_port() for sentinel in self.running()}
        self._set_patience(IMPATIENT)
        getattr(self, way)()
        failed = time.monotonic()
        wait_until(lambda: not old & {sentinel.named_port() for sentinel in self.running()}, "there is another primary",
                   deadline=90)
        self._set_patience(PATIENT)
        return failed

    def running(self) -> list:
        return [sentinel for sentinel in self.sentinels if sentinel.process.is_running()]

    def _set_patience(self, milliseconds: int):
        for sentinel in self.running():
            assert sentinel("SENTINEL", "SET", MASTER, "down-after-milliseconds", milliseconds) == b"OK"

    # Ways to end the first primary. After each it accepts nothing more.

    def kill(self):
        self.servers[0].stop()

    def suspend(self):
        server = self.servers[0]
        server.freeze()
        stat = Path(f"/proc/{server.process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the server is stopped")

    def cut_off(self):
        self.wire.cut()

    def close(self):
        for server in self.sentinels + self.servers:
            if server.process.is_running():
                server.process.child.send_signal(signal.SIGCONT)
            server.process.kill()
        if self.wire:
            self.wire.close()


class SignIns:
    """Tokens, each tried on one gate and then on the other, on two threads."""

    def __init__(self, gates: list):
        self.gates, self.stopped = gates, threading.Event()
        self.tries = []  # (token, when it was first tried, status on each gate)
        self.accepted_at = []
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(2)]

    def _run(self, number: int):
        while not self.stopped.is_set():
            token, began = tokens.token(sub=f"u{number}"), time.monotonic()
            statuses = [None, None]
            for place in (number, 1 - number):
                statuses[place] = self.gates[place].exchange(
                    "GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status
                if statuses[place] == 303:
                    self.accepted_at.append(time.monotonic())
            self.tries.append((token, began, statuses))

    def accepted(self) -> list:
        return [token for token, _, statuses in self.tries if 303 in statuses]

    def accepted_by(self, place: int, since: float) -> bool:
        return any(began >= since and statuses[place] == 303 for _, began, statuses in self.tries)

    def accepted_twice(self, since: float) -> list:
        return [each for each in self.tries if each[2] == [303, 303] and each[1] >= since]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)


class FaultySentinel(FaultyRedis):
    """Answers every question about the primary with these bytes, and no other command wrongly."""

    def __init__(self, reply: bytes):
        super().__init__(SENTINEL=lambda parts: reply)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def addressed(host, port) -> bytes:
    """A reply that names an address."""
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in (host, port)]
    return b"*2\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def named(ports) -> bytes:
    """A reply that lists other sentinels."""
    entries = [b"*4\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$4\r\nport\r\n$%d\r\n%d\r\n" % (len(str(port)), port) for port in ports]
    return b"*%d\r\n" % len(entries) + b"".join(entries)
