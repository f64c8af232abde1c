# SPDX-License-Identifier: Apache-2.0
"""The image of the Dockerfile, built without Docker, and its containers: read-only, without rights, in a network of their own."""

import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from debian_host import NO_CONTAINERS, libraries
from rendering import ROOT

BUILD_TIMEOUT, TIMEOUT = 900, 60


class Image:
    """The archive SIDEGATE_IMAGE, as `docker save` writes it; else `scripts/build-image` makes one with a release build of
    the same sources."""

    def __init__(self, folder: Path):
        for tool in ("unshare", "ip", "ss", "curl"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is missing: `make deps-charts` installs it")
        if os.geteuid() != 0:
            pytest.skip("building an image and starting containers need root")
        done = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"{NO_CONTAINERS}: {done.stderr[-300:]}")
        given = os.environ.get("SIDEGATE_IMAGE")
        self._unpack(Path(given) if given else self._build(folder), folder)
        done = subprocess.run([ROOT / "scripts/bill-of-materials", self.root], capture_output=True, text=True, check=True)
        self.materials = json.loads(done.stdout)

    @staticmethod
    def _build(folder: Path) -> Path:
        program = os.environ.get("SIDEGATE_BINARY") or pytest.skip("SIDEGATE_BINARY is not set")
        if libraries(Path(program)):
            pytest.skip("SIDEGATE_BINARY is no release build: it needs the libraries of Swift")
        for tool in ("buildah", "mmdebstrap"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is missing: `make deps-charts` installs it")
        done = subprocess.run([ROOT / "scripts/build-image", "--program", program, folder],
                              capture_output=True, text=True, timeout=BUILD_TIMEOUT)
        assert done.returncode == 0, done.stderr[-3000:]
        return Path(done.stdout.split()[0])

    def _unpack(self, archive: Path, folder: Path):
        unpacked, self.root = folder / "unpacked", folder / "root"
        self.root.mkdir()
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked)
        (manifest,) = json.loads((unpacked / "manifest.json").read_text())
        self.config = json.loads((unpacked / manifest["Config"]).read_text())["config"]
        for layer in manifest["Layers"]:
            with tarfile.open(unpacked / layer) as tar:
                removed = [path for path in map(Path, tar.getnames()) if path.name.startswith(".wh.")]
            for path in removed:
                if path.name == ".wh..wh..opq":
                    subprocess.run(["find", self.root / path.parent, "-mindepth", "1", "-delete"], check=True)
                else:
                    subprocess.run(["rm", "-rf", self.root / path.parent / path.name.removeprefix(".wh.")], check=True)
            subprocess.run(["tar", "--extract", "--numeric-owner", "--exclude=.wh.*", "--file", unpacked / layer,
                            "--directory", self.root], check=True)
        shutil.rmtree(unpacked)

    def command(self, *arguments: str) -> list[str]:
        return [*self.config["Entrypoint"], *(arguments or self.config["Cmd"])]


# In namespaces of its own: the root, read-only, with the file systems that every runtime of containers mounts.
PREPARE = """
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -t proc -o nosuid,nodev,noexec proc "$ROOT/proc"
mount -t tmpfs -o nosuid,mode=755 none "$ROOT/dev"
for device in null zero random urandom; do : >"$ROOT/dev/$device"; mount --bind "/dev/$device" "$ROOT/dev/$device"; done
mount -o remount,bind,ro "$ROOT"
ip link set lo up
exec /usr/bin/python3 -c "$ENTER" "$@"
"""
# No rights, and no way to gain some: PR_SET_NO_NEW_PRIVS, and no capability can be had (PR_CAPBSET_DROP).
ENTER = """
import ctypes, json, os, sys
root, user, group, variables, *command = sys.argv[1:]
prctl = ctypes.CDLL(None).prctl
os.chroot(root)
os.chdir("/")
os.umask(0o022)
number = 0
while prctl(24, number, 0, 0, 0) == 0: number += 1
assert prctl(38, 1, 0, 0, 0) == 0
os.setgroups([])
os.setresgid(*[int(group)] * 3)
os.setresuid(*[int(user)] * 3)
os.execve(command[0], command, dict(entry.split("=", 1) for entry in json.loads(variables)))
"""


class Container:
    """As by `docker run --read-only --cap-drop ALL --security-opt no-new-privileges`, in a network without a way out. By
    util-linux alone: runtimes of containers need control groups, which cannot be made everywhere."""

    def __init__(self, image: Image, folder: Path, *arguments: str):
        self.image, self.folder = image, folder
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--",
                 "sh", "-e", "-c", PREPARE, "sh", *self._inside(image.command(*arguments))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "ROOT": str(image.root), "ENTER": ENTER})

    def _inside(self, command) -> list[str]:
        user, group = self.image.config["User"].split(":")
        return [str(self.image.root), user, group, json.dumps(self.image.config["Env"]), *command]

    def wait_until(self, condition, what: str):
        end = time.monotonic() + TIMEOUT
        while not (value := condition()):
            assert self.process.poll() is None and time.monotonic() < end, f"not: {what}\n{self.log.read_text()[-2000:]}"
            time.sleep(0.05)
        return value

    def _leader(self) -> str | None:
        """Its first process, once that is the program."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next((child for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "sidegate"), None)

    def _enter(self, *command) -> subprocess.CompletedProcess:
        leader = self.wait_until(self._leader, "the program has started")
        return subprocess.run(["nsenter", f"--target={leader}", *command], capture_output=True, text=True, timeout=TIMEOUT)

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """A further process of the container, as a health check is."""
        return self._enter("--mount", "--net", "--pid", "--ipc", "--uts", "/usr/bin/python3", "-c", ENTER, *self._inside(command))

    def is_healthy(self) -> bool:
        kind, *command = self.image.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.run(*command).returncode == 0

    def beside(self, *command: str) -> subprocess.CompletedProcess:
        """A program of this machine in the container's network."""
        return self._enter("--net", *command)

    def stop(self) -> int:
        """As `docker stop`; the exit status."""
        os.kill(int(self._leader()), getattr(signal, self.image.config["StopSignal"]))
        return self.process.wait(TIMEOUT)

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
