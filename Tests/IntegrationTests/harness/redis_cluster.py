# SPDX-License-Identifier: Apache-2.0
"""A Redis Cluster for tests: masters and replicas as processes of redis-server."""

import binascii
import subprocess
from pathlib import Path

from .ports import free_port
from .process import wait_until
from .redis import Redis

SLOTS = 16384


def slot(key) -> int:
    """The slot of a key, by its hash tag."""
    key = key.encode() if isinstance(key, str) else key
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1:end]
    return binascii.crc_hqx(key, 0) % SLOTS


class Node(Redis):
    """One server of a cluster, on ports of its own."""

    def __init__(self, folder: Path, *options, certificate=None, authority=None, password=None):
        self.bus = free_port()
        self.is_secure = certificate is not None
        options = ["--cluster-enabled", "yes", "--cluster-port", self.bus, "--cluster-node-timeout", 1000,
                   "--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", 0, "--replica-serve-stale-data",
                   "yes", *options]
        if password:
            options += ["--requirepass", password, "--masterauth", password]
        if certificate:
            options += ["--tls-cluster", "yes", "--tls-replication", "yes"]
        super().__init__(folder, *options, certificate=certificate, authority=authority, password=password)

    @property
    def client_port(self) -> int:
        return self.secure_port if self.is_secure else self.port

    @property
    def identifier(self) -> str:
        return self("CLUSTER", "MYID").decode()

    @property
    def is_master(self) -> bool:
        return self("ROLE")[0] == b"master"

    def info(self, section: str) -> dict:
        lines = self("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def calls(self, command: str) -> int:
        """How often a command was executed here."""
        found = self.info("commandstats").get(f"cmdstat_{command}", "calls=0")
        return int(found.split(",")[0].split("=")[1])

    def refusals(self, kind: str) -> int:
        """How many errors of a kind, such as MOVED, it has sent."""
        return int(self.info("errorstats").get(f"errorstat_{kind}", "count=0").split("=")[1])

    @property
    def is_serving(self) -> bool:
        return self.process.is_running()


class RedisCluster:
    """Masters with one replica each, which have all slots among them."""

    def __init__(self, folder: Path, masters=3, replicas=1, certificate=None, authority=None, password=None):
        self.password, self.folder = password, folder
        self.options = {"certificate": certificate, "authority": authority, "password": password}
        self.nodes = [Node(folder / f"node{n}", **self.options) for n in range(masters * (1 + replicas))]
        self.is_secure = certificate is not None
        self.cli("--cluster", "create", *(f"127.0.0.1:{node.client_port}" for node in self.nodes), "--cluster-replicas",
                 replicas, "--cluster-yes")
        wait_until(self.is_ready, "the cluster is complete")

    def is_ready(self) -> bool:
        """Each server that runs knows all of them, and replicas follow their masters."""
        for node in self.running:
            state = self.state(node)
            if state["cluster_state"] != "ok" or int(state["cluster_known_nodes"]) != len(self.nodes):
                return False
            role = node("ROLE")
            if role[0] != b"master" and role[3] != b"connected":
                return False
        return True

    @staticmethod
    def state(node) -> dict:
        return dict(line.split(":") for line in node("CLUSTER", "INFO").decode().split())

    @property
    def running(self) -> list:
        return [node for node in self.nodes if node.is_serving]

    @property
    def masters(self) -> list:
        return [node for node in self.running if node.is_master]

    @property
    def seeds(self) -> list:
        return [f"127.0.0.1:{node.client_port}" for node in self.nodes]

    def settings(self, authority=None, count=2) -> dict:
        """For `redis`: the first servers are seeds."""
        settings = {"cluster": self.seeds[:count], "timeout": "2s"}
        if self.password:
            settings["password"] = self.password
        if self.is_secure:
            settings |= {"tls": True, "ca": authority.path}
        return settings

    def cli(self, *arguments) -> str:
        secure = ["--tls", "--cacert", self.options["authority"].path] if self.is_secure else []
        auth = ["-a", self.password, "--no-auth-warning"] if self.password else []
        done = subprocess.run(["redis-cli", *secure, *auth, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def owner(self, number: int):
        """The master that has a slot."""
        for first, last, master, *_ in self.running[0]("CLUSTER", "SLOTS"):
            if first <= number <= last:
                return self.at(master[1])
        return None

    def at(self, port: int):
        return next(node for node in self.nodes if port in (node.port, node.client_port))

    def other(self, node):
        """Another master."""
        return next(other for other in self.masters if other is not node)

    def keys(self, pattern="*") -> list:
        return sorted(key for node in self.masters for key in node.keys(pattern))

    def calls(self, command: str) -> int:
        return sum(node.calls(command) for node in self.running)

    def refusals(self, kind: str) -> int:
        return sum(node.refusals(kind) for node in self.running)

    # Moving slots.

    def begin_move(self, number: int, source, target):
        """The slot is open: keys that the source does not have are asked for at the target."""
        target("CLUSTER", "SETSLOT", number, "IMPORTING", source.identifier)
        source("CLUSTER", "SETSLOT", number, "MIGRATING", target.identifier)

    def move_keys(self, number: int, source, target):
        keys = source("CLUSTER", "GETKEYSINSLOT", number, 1000)
        if keys:
            auth = ["AUTH", self.password] if self.password else []
            source("MIGRATE", "127.0.0.1", target.client_port, "", 0, 5000, *auth, "KEYS", *keys)

    def end_move(self, number: int, target):
        for node in [target, *(other for other in self.masters if other is not target)]:
            node("CLUSTER", "SETSLOT", number, "NODE", target.identifier)

    # Failures.

    def wait_for_failover(self, number: int, old):
        """Another server has the slot."""
        def is_done():
            for node in self.running:
                if node is not old and node.is_master:
                    for first, last, master, *_ in node("CLUSTER", "SLOTS"):
                        if first <= number <= last:
                            return master[1] != old.client_port
            return False
        wait_until(is_done, "a replica was promoted")

    def add(self) -> Node:
        """A new server, without slots."""
        node = Node(self.folder / f"node{len(self.nodes)}", **self.options)
        first = self.running[0]
        self.nodes.append(node)
        self.cli("--cluster", "add-node", f"127.0.0.1:{node.client_port}", f"127.0.0.1:{first.client_port}")
        wait_until(self.is_ready, "the new server has joined")
        return node

    def stop(self):
        for node in self.nodes:
            if node.is_serving:
                node.thaw()
            node.process.kill()
