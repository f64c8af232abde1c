# SPDX-License-Identifier: Apache-2.0
"""A Debian system of its own, with systemd, an empty network, and nothing of this machine but its kernel."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rendering import ROOT

# The package's dependencies, so that apt needs no network, and what the pages take for granted on a host.
PACKAGES = ("adduser", "apt", "ca-certificates", "init-system-helpers", "libnghttp2-14", "libssl3", "libstdc++6",
            "libyaml-0-2", "openssl", "systemd", "systemd-sysv")
BASE = ROOT / ".build/debian-root"
TIMEOUT = 120
# The reason of a skipped test that does not make a run incomplete.
NO_CONTAINERS = "this machine starts no containers"


def base() -> Path:
    """The system before anything is installed; made once by mmdebstrap from the mirror of this machine."""
    for tool in ("mmdebstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing: `make deps-charts` installs it")
    if os.geteuid() != 0:
        pytest.skip("a system of its own needs root")
    wanted = " ".join(PACKAGES)
    mark = BASE / "etc/made-for-tests"
    if mark.exists() and mark.read_text() == wanted:
        return _startable(BASE)
    shutil.rmtree(BASE, ignore_errors=True)
    BASE.parent.mkdir(exist_ok=True)
    codename = re.search(r"^VERSION_CODENAME=(\S+)$", Path("/etc/os-release").read_text(), re.M)[1]
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=essential", f"--include={','.join(PACKAGES)}",
         "--dpkgopt=path-exclude=/usr/share/locale/*", codename, BASE],
        capture_output=True, text=True, timeout=1200)
    if done.returncode != 0:
        shutil.rmtree(BASE, ignore_errors=True)
        pytest.skip("mmdebstrap cannot make a system: " + done.stderr[-300:])
    mark.write_text(wanted)
    return _startable(BASE)


def _startable(root: Path) -> Path:
    """Within a container that may not start others, nothing of this can be tested; this is no fault of the tests."""
    done = subprocess.run(
        ["systemd-nspawn", f"--directory={root}", "--quiet", "--register=no", "--keep-unit", "--private-network", "--pipe", "true"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{NO_CONTAINERS}: {done.stderr[-300:]}")
    return root


def libraries(program: Path) -> list[str]:
    """Directories of libraries that no package provides: those of the toolchain, for a debug build."""
    loaded = re.findall(r" => (/\S+)", subprocess.run(["ldd", program], capture_output=True, text=True).stdout)
    return sorted({str(Path(path).parent) for path in loaded if "/swift/" in path})


class DebianHost:
    def __init__(self, folder: Path, program: Path):
        self.root = folder / "root"
        subprocess.run(["cp", "--archive", "--reflink=auto", base(), self.root], check=True)
        binds = [f"--bind-ro={path}" for path in libraries(program)]
        self.log = folder / "console.log"
        with open(self.log, "wb") as log:
            self.container = subprocess.Popen(
                ["systemd-nspawn", f"--directory={self.root}", "--boot", "--register=no", "--keep-unit", "--console=pipe",
                 "--private-network", "--machine=sidegate-test", "--link-journal=no", *binds],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.beside: list[subprocess.Popen] = []
        self.leader = self._wait(self._find_leader, "the container has started")
        self._wait(lambda: self.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"), "systemd is up")

    def _wait(self, condition, what: str):
        end = time.monotonic() + TIMEOUT
        while not (value := condition()):
            assert self.container.poll() is None, self.log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < end, f"still not: {what}\n{self.log.read_text(errors='replace')[-2000:]}"
            time.sleep(0.05)
        return value

    def _find_leader(self) -> int | None:
        children = Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children").read_text().split()
        return next((int(child) for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "systemd"), None)

    def run(self, script: str, input: str = "", cwd="/root", user="root", **variables) -> subprocess.CompletedProcess:
        """A script of root's shell (or another user's) in the system; it ends at the first command that fails."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb",
                       "DEBIAN_FRONTEND": "noninteractive", **variables}
        shell = ["bash", "-e", "-c", f"cd {cwd}\n{script}"]
        if user != "root":
            shell = ["runuser", "-u", user, "--", *shell]
        return subprocess.run(
            ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
             "env", "-i", *(f"{name}={value}" for name, value in environment.items()), *shell],
            input=input, capture_output=True, text=True, timeout=TIMEOUT)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def start_beside(self, *command):
        """A program of this machine in the network of the system."""
        self.beside.append(subprocess.Popen(["nsenter", f"--target={self.leader}", "--net", *map(str, command)],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def fetch(self, url: str) -> tuple[int, str]:
        """The status and the target of the redirect, as a client in that network sees them."""
        done = subprocess.run(
            ["nsenter", f"--target={self.leader}", "--net", "curl", "--silent", "--insecure", "--max-time", "20", "--output",
             "/dev/null", "--write-out", "%{http_code} %{redirect_url}", "--header", "Accept: text/html", url],
            capture_output=True, text=True)
        status, _, target = done.stdout.partition(" ")
        return int(status), target

    def journal(self) -> str:
        return self.run("journalctl --no-pager --unit sidegate.service | tail -40 || true").stdout

    def stop(self):
        for process in self.beside:
            process.kill()
            process.wait()
        # A second signal ends it at once.
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.container.pid, number)
                self.container.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        shutil.rmtree(self.root, ignore_errors=True)
