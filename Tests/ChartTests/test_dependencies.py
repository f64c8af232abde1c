# SPDX-License-Identifier: Apache-2.0
"""scripts/dependencies with substitutes for swift, sudo and apt-get: its output, and that no service starts."""

import os
import re
import subprocess

import pytest

from rendering import ROOT

SCRIPT = ROOT / "scripts/dependencies"
# sudo permits everything. apt-get runs the policy, as maintainer scripts do.
PROGRAMS = {
    "id": 'if [ "$1" = -u ]; then echo 1000; else echo ada; fi',
    "sudo": 'while :; do case $1 in -n) shift ;; *=*) shift ;; *) break ;; esac; done; exec "$@"',
    "apt-get": 'echo "apt-get $*" >>"$CALLS"; for service in nginx redis-server.service; do '
               'sh "$POLICY_RC_D" --quiet "$service" start; echo "$service $?" >>"$CALLS"; done; exit "${APT:-0}"',
    "systemctl": 'case $1 in list-units) echo "redis-server.service loaded active running Redis" ;; *) echo "systemctl $*" >>"$CALLS" ;; esac',
    "swift": 'echo "Swift version 6.2 (swift-6.2-RELEASE)"',
}


@pytest.fixture
def run(tmp_path):
    def run(group, policy=None, environment=(), **programs) -> subprocess.CompletedProcess:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, text in {**PROGRAMS, **programs}.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        run.policy, run.calls = tmp_path / "policy-rc.d", tmp_path / "calls"
        run.calls.write_text("")
        if policy:
            run.policy.write_text(policy)
        # A Python without modules, so that packages are missing.
        return subprocess.run(
            ["sh", SCRIPT, group], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, env={
                "PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": "/bin/false", "CALLS": str(run.calls), "POLICY_RC_D": str(run.policy),
                **dict(environment)})
    return run


def installed(run) -> list[str]:
    return [line for line in run.calls.read_text().splitlines() if re.match(r"(nginx|redis)", line)]


@pytest.mark.parametrize(("swift", "reason"), [
    ('echo "Swift version 5.10.1 (swift-5.10.1-RELEASE)"', "5.10.1"), ('echo "python-swiftclient 4.1.0"', "python-swiftclient"),
    ('echo "Swift version 6.1.3 (swift-6.1.3-RELEASE)"', "6.1.3"),
    ('echo "error while loading shared libraries: libncurses.so.6" >&2; exit 127', "does not start: error while loading"),
])
def test_an_unusable_swift_causes_one_line_of_output(run, swift, reason):
    done = run("build", swift=swift)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not done.stdout
    assert "6.2 or later" in done.stderr and reason in done.stderr


@pytest.mark.parametrize("version", ["Swift version 6.2", "Apple Swift version 6.2.1", "Swift version 6.10", "Swift version 7.0"])
def test_a_newer_swift_is_accepted(run, version):
    assert "Swift" not in run("build", swift=f"echo '{version} (x)'").stderr


def test_a_sudo_without_permission_causes_one_line_of_output(run):
    done = run("test", sudo="echo 'sudo: a password is required' >&2; exit 1")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not done.stdout
    assert "sudo does not let ada do it. As root: apt-get install" in done.stderr and " python3-pytest" in done.stderr
    assert run.calls.read_text() == ""


def test_no_service_is_started_and_the_policy_is_removed(run):
    done = run("test")
    assert done.returncode == 0, done.stderr
    assert "none is started" in done.stdout
    # Where systemd runs, Redis was running before, so it may be restarted after an upgrade.
    assert installed(run) == ["nginx 101", f"redis-server.service {0 if os.path.isdir('/run/systemd/system') else 101}"]
    assert not run.policy.exists()


def test_the_policy_is_removed_when_apt_fails(run):
    assert run("test", environment={"APT": "100"}).returncode == 100
    assert "apt-get update" in run.calls.read_text() and not run.policy.exists()


def test_an_administrators_policy_is_kept(run):
    text = "#!/bin/sh\nexit 104\n"
    done = run("test", policy=text)
    assert done.returncode == 0 and "which is there already" in done.stdout
    assert installed(run) == ["nginx 104", "redis-server.service 104"] and run.policy.read_text() == text


def test_the_policy_of_a_killed_run_is_replaced(run):
    done = run("test", policy="#!/bin/sh\n# scripts/dependencies of Sidegate, process 999999999\nexit 101\n")
    assert done.returncode == 0 and not run.policy.exists()
