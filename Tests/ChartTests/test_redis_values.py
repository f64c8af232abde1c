# SPDX-License-Identifier: Apache-2.0
"""The value `redis` of helm/sidegate: the configuration that it makes, its files, and the wait, with real servers."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rendering import CHART, ROOT, notes, of_kind, refusal, render

sys.path.append(str(ROOT / "Tests/IntegrationTests"))
from harness.certificates import Authority  # noqa: E402
from harness.ports import free_port  # noqa: E402
from harness.process import ChildProcess, wait_until  # noqa: E402
from harness.redis import Redis  # noqa: E402

BRANCHES = ["redis-values.yaml", "sentinel-values.yaml", "cluster-values.yaml"]
SCRIPT = CHART / "files/wait-for-redis.sh"


def config(values: str, **more) -> dict:
    return yaml.safe_load(of_kind(render(CHART, values, **more), "ConfigMap")["data"]["sidegate.yaml"])


def pod(values: str, **more) -> dict:
    return of_kind(render(CHART, values, **more), "Deployment")["spec"]["template"]["spec"]


def files(values: str) -> dict:
    """Each file of the volume with the secrets, with the object that it comes from and its key."""
    found = {}
    for source in next(v for v in pod(values)["volumes"] if v["name"] == "secrets")["projected"]["sources"]:
        (kind, given), = source.items()
        for item in given["items"]:
            found[item["path"]] = (kind, given["name"], item["key"])
    return found


# The configuration


def test_one_server():
    assert config("redis-values.yaml")["redis"] == {
        "url": "rediss://redis.databases.svc:6380/2", "user": "gate", "passwordFile": "redis-password", "ca": "redis-ca.crt",
        "clientCertificate": "redis-client.crt", "clientKey": "redis-client.key", "timeout": "500ms", "prefix": "app:",
    }
    plain = {"redis": {"type": "standalone", "addresses": ["[::1]:6379"]}}
    assert config("minimal-values.yaml", extra=plain)["redis"] == {"url": "redis://[::1]:6379/0"}


def test_sentinels():
    names = [f"redis-{number}.redis.databases.svc:26379" for number in range(3)]
    assert config("sentinel-values.yaml")["redis"] == {
        "sentinels": names, "master": "mymaster", "database": 1, "passwordFile": "redis-password", "sentinelUser": "gate",
        "sentinelPasswordFile": "redis-sentinel-password",
    }


def test_a_cluster():
    assert config("cluster-values.yaml")["redis"] == {
        "cluster": ["cluster-0.databases.svc:6379", "cluster-1.databases.svc:6379"], "tls": True,
        "passwordFile": "redis-password", "ca": "redis-ca.crt", "serverName": "redis.example.com",
    }


@pytest.mark.parametrize("branch", BRANCHES)
def test_replicas_share_used_tokens_unless_the_configuration_says_otherwise(branch):
    assert config(branch)["replay"] == {"store": "redis"}
    assert "WARNING: more than one replica" not in notes(branch)
    given = {"config": {"replay": {"store": "memory", "maxEntries": 100}}}
    assert config(branch, extra=given)["replay"] == {"store": "memory", "maxEntries": 100}


def test_passwords_and_certificates_come_from_the_named_objects():
    one, sentinel, cluster = (files(branch) for branch in BRANCHES)
    assert one["redis-password"] == ("secret", "redis", "gate-password")
    assert one["redis-ca.crt"] == ("configMap", "authorities", "databases.crt")
    assert one["redis-client.crt"] == ("secret", "gate-client", "tls.crt")
    assert one["redis-client.key"] == ("secret", "gate-client", "tls.key")
    assert sentinel["redis-sentinel-password"] == ("secret", "redis-sentinel", "password")
    assert sentinel["redis-password"] == ("secret", "redis", "redis-password")
    assert cluster["redis-ca.crt"] == ("secret", "databases-tls", "ca.crt")
    assert cluster["redis-password"] == ("secret", "cluster-password", "redis-password")
    assert not [name for name in files("minimal-values.yaml") if name.startswith("redis")]


@pytest.mark.parametrize(
    ("branch", "ports", "peers"),
    [
        ("redis-values.yaml", [6380], [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "databases"}}}]),
        ("sentinel-values.yaml", [26379, 6379], None),
        ("cluster-values.yaml", [6379, 6380], None),
    ],
)
def test_a_policy_opens_the_ports_of_all_servers(branch, ports, peers):
    egress = of_kind(render(CHART, branch), "NetworkPolicy")["spec"]["egress"]
    assert [port["port"] for port in egress[1]["ports"]] == ports and egress[1].get("to") == peers
    extra = {"networkPolicy": {"egress": None}}
    assert "egress" not in of_kind(render(CHART, branch, extra=extra), "NetworkPolicy")["spec"]


@pytest.mark.parametrize(
    ("branch", "extra", "expected"),
    [
        ("minimal-values.yaml", {"redis": {"addresses": ["a:1"]}}, "redis.type is not set"),
        ("minimal-values.yaml", {"redis": {"waitForRedis": {"enabled": True}}}, "which say for what to wait"),
        ("minimal-values.yaml", {"redis": {"type": "cluster"}}, "redis.addresses is empty"),
        ("redis-values.yaml", {"redis": {"addresses": ["a:1", "b:1"]}}, "standalone has one address"),
        ("redis-values.yaml", {"redis": {"addresses": ["redis.svc"]}}, "addresses"),
        ("redis-values.yaml", {"redis": {"sentinel": {"master": "a"}}}, "redis.sentinel is for redis.type: sentinel"),
        ("redis-values.yaml", {"redis": {"tls": {"existingSecret": "a"}}}, "both hold the authorities"),
        ("redis-values.yaml", {"redis": {"tls": {"enabled": False}}}, "redis.tls.enabled is false"),
        ("redis-values.yaml", {"config": {"redis": {"urlFile": "redis"}}, "secretKeys": {"redis": "a"}},
         "redis.type and config.redis.urlFile both say where Redis is"),
        ("redis-values.yaml", {"secretKeys": {"redis-password": "a"}}, "secretKeys.redis-password is the name of a file"),
        ("sentinel-values.yaml", {"redis": {"sentinel": {"master": ""}}}, "redis.sentinel.master is not set"),
        ("cluster-values.yaml", {"redis": {"database": 1}}, "a cluster has database 0 alone"),
        ("existing-values.yaml", {"redis": {"type": "cluster", "addresses": ["a:1"]}}, "redis.type with existingConfigMap"),
        ("minimal-values.yaml", {"config": {"redis": {"password": "x"}}}, "config.redis.password holds a secret"),
        ("minimal-values.yaml", {"config": {"redis": {"passwordFile": "redis"}}}, 'names the file "redis", which is not in'),
    ],
)
def test_contradictions_are_refused_with_the_fix(branch, extra, expected):
    assert expected in refusal(CHART, branch, extra=extra)


# Waiting


def wait_container(values: str) -> dict:
    return pod(values)["initContainers"][0]


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_wait_comes_first_and_sees_only_the_secrets(branch):
    first = wait_container(branch)
    assert first["name"] == "wait-for-redis"
    assert [mount["name"] for mount in first["volumeMounts"]] == ["secrets"]
    given = config(branch)["redis"]
    assert first["command"][4:] == (given.get("sentinels") or given.get("cluster") or ["redis.databases.svc:6380"])


def test_there_is_no_wait_by_default():
    plain = {"redis": {"type": "standalone", "addresses": ["a:6379"]}}
    assert "initContainers" not in pod("minimal-values.yaml", extra=plain)


def test_shellcheck_reports_nothing_for_the_wait():
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is missing")
    done = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


class Wait:
    """The init container of some values, as a process of this machine."""

    def __init__(self, folder: Path, redis: dict, tls: Authority = None, **secrets):
        self.folder = folder / "secrets"
        self.folder.mkdir()
        for name, text in secrets.items():
            (self.folder / name.replace("_", "-")).write_text(text)
        if tls:
            shutil.copy(tls.path, self.folder / "redis-ca.crt")
        redis = {**redis, "waitForRedis": {"enabled": True, "timeoutSeconds": 1}}
        manifest = pod("minimal-values.yaml", extra={"redis": redis})["initContainers"][0]
        self.command = manifest["command"]
        self.environment = {entry["name"]: entry["value"] for entry in manifest["env"]}
        assert self.environment["FILES"] == "/run/secrets/sidegate"

    def run(self, timeout: int = 1) -> subprocess.CompletedProcess:
        environment = {**self.environment, "FILES": str(self.folder), "TIMEOUT_SECONDS": str(timeout), "PATH": os.environ["PATH"]}
        return subprocess.run(self.command, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def started():
    if not shutil.which("redis-server") or not (shutil.which("redis-cli") or shutil.which("valkey-cli")):
        pytest.skip("redis-server or redis-cli is missing")
    servers = []

    def start(*arguments, **options):
        servers.append(Redis(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_it_ends_when_one_server_answers(started, tmp_path):
    server = started(tmp_path / "redis", "--requirepass", "a secret", password="a secret")
    values = {"type": "standalone", "addresses": [f"127.0.0.1:{server.port}"], "existingSecret": "redis"}
    wait = Wait(tmp_path, values, redis_password="a secret\n")
    done = wait.run(30)
    assert done.returncode == 0 and done.stdout == f"127.0.0.1:{server.port} answers\n", done.stderr
    assert "a secret" not in " ".join(wait.command), "a command line is seen by others"
    (wait.folder / "redis-password").write_text("another")
    assert wait.run().returncode == 1, "a password that is refused"
    (wait.folder / "redis-password").write_text("a secret")
    server.stop()
    done = wait.run()
    assert done.returncode == 1 and "no answer of Redis within 1 seconds" in done.stderr


def test_an_acl_user_and_tls(started, tmp_path):
    authority = Authority(tmp_path)
    server = started(
        tmp_path / "redis", "--user", "gate", "on", ">word", "~*", "+ping", "--requirepass", "other", password="other",
        certificate=authority.issue("redis", "IP:127.0.0.1"), authority=authority)
    values = {"type": "standalone", "addresses": [f"127.0.0.1:{server.secure_port}"], "existingSecret": "redis", "user": "gate",
              "tls": {"enabled": True, "existingConfigMap": "authorities"}}
    wait = Wait(tmp_path, values, tls=authority, redis_password="word")
    done = wait.run(30)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(Authority(tmp_path, "other").path, wait.folder / "redis-ca.crt")
    assert wait.run().returncode == 1, "a certificate of another authority"


def test_it_waits_for_the_primary_that_the_sentinels_name(started, tmp_path):
    if not shutil.which("redis-sentinel"):
        pytest.skip("redis-sentinel is missing")
    server = started(tmp_path / "redis", "--requirepass", "data", password="data")
    port = free_port()
    settings = tmp_path / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nrequirepass guard\nsentinel monitor mymaster 127.0.0.1 {server.port} 1\n"
        "sentinel auth-pass mymaster data\n")
    sentinel = ChildProcess(["redis-sentinel", settings], tmp_path / "sentinel.log")
    try:
        sentinel.wait_until_accepting(("127.0.0.1", port))
        values = {"type": "sentinel", "addresses": [f"127.0.0.1:{free_port()}", f"127.0.0.1:{port}"], "existingSecret": "redis",
                  "sentinel": {"master": "mymaster", "existingSecret": "guard"}}
        wait = Wait(tmp_path, values, redis_password="data", redis_sentinel_password="guard")
        done = wait.run(30)
        assert done.returncode == 0 and done.stdout == f"127.0.0.1:{port} answers\n", done.stdout + done.stderr
        wait.environment["SENTINEL_MASTER"] = "unknown"
        assert wait.run().returncode == 1
        wait.environment["SENTINEL_MASTER"] = "mymaster"
        server.stop()
        assert wait.run().returncode == 1, "sentinels alone take no commands"
    finally:
        sentinel.kill()


def test_it_waits_until_a_cluster_has_all_slots(started, tmp_path):
    server = started(tmp_path / "redis", "--cluster-enabled", "yes")
    wait = Wait(tmp_path, {"type": "cluster", "addresses": [f"127.0.0.1:{server.port}"]})
    assert wait.run().returncode == 1, "a node alone is no cluster"
    server("CLUSTER", "ADDSLOTS", *range(16384))
    wait_until(lambda: b"cluster_state:ok" in server("CLUSTER", "INFO"), "the cluster is up")
    done = wait.run(30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_documentation_says_when_to_wait():
    text = (CHART / "values.yaml").read_text()
    assert re.search(r"The gate does not need it: it starts without Redis", text)
    page = (CHART / "README.md").read_text()
    for name in ("standalone", "sentinel", "cluster", "waitForRedis"):
        assert name in page
