# SPDX-License-Identifier: Apache-2.0
"""A child process with a log, a readiness test and a reliable end."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

# The maximum time that a test waits for an event. It detects hangs only; a busy machine may be slow.
DEADLINE = 30.0

# In the environment of every process that this run starts, and of their children: see ``left_behind``.
MARK = "BLACK_BOX_RUN"
os.environ.setdefault(MARK, f"{os.getpid()}.{time.time_ns()}")  # one for all test processes of a run


def wait_until(condition, what: str, deadline: float = DEADLINE, interval: float = 0.01):
    """Waits until `condition()` is true and returns its value; fails after `deadline` seconds, with `what` in the message."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {deadline:g} s still not: {what}")
        time.sleep(interval)


def held_back(progress, what: str):
    """Waits until `progress()` is above zero and has not changed for a second; returns it."""
    last = {"value": -1, "since": time.monotonic()}

    def still():
        value = progress()
        if value != last["value"]:
            last.update(value=value, since=time.monotonic())
        return value if value > 0 and time.monotonic() - last["since"] > 1 else None
    return wait_until(still, what)


def accepts(address) -> bool:
    """Whether a server accepts connections at ("host", port) or at a unix socket's path."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
        except OSError:
            return False
        return True


class ChildProcess:
    """A started program. Its output goes to a file, so a full pipe never blocks it."""

    def __init__(self, arguments, log: Path, env=None, cwd=None, nofile=None):
        self.arguments = [str(a) for a in arguments]
        self.log = log
        if nofile is not None:
            self.arguments = ["prlimit", f"--nofile={nofile}:{nofile}", "--", *self.arguments]
        with open(log, "wb") as output:
            # Its own process group, so that workers forked by a server end with it.
            self.child = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd,
                start_new_session=True)

    @property
    def pid(self) -> int:
        return self.child.pid

    def output(self) -> str:
        """All that it has written; without the end of a line that it is still writing."""
        text = self.log.read_text(errors="replace")
        return text[:text.rfind("\n") + 1] if self.is_running() else text

    def is_running(self) -> bool:
        return self.child.poll() is None

    def wait_until_accepting(self, address):
        def ready():
            if not self.is_running():
                raise AssertionError(
                    f"{self.arguments[0]} ended with {self.child.returncode} before it was ready:\n{self.output()}")
            return accepts(address)

        try:
            wait_until(ready, f"{address} accepts connections")
        except AssertionError:
            self.kill()
            raise AssertionError(f"{' '.join(self.arguments)}\nnot ready; its output:\n{self.output()}") from None
        except BaseException:
            self.kill()
            raise

    def stop(self, deadline: float = DEADLINE) -> int:
        """Sends SIGTERM and returns the exit code; a negative one is a signal's number."""
        if self.is_running():
            self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.arguments[0]} did not end within {deadline:g} s of SIGTERM") from None

    def kill(self):
        """Kills it and the processes that it forked."""
        if self.child.returncode is None:  # not reaped, so its ID cannot have been reused
            os.killpg(self.pid, signal.SIGKILL)
        self.child.wait()

    # The kernel's figures for it.

    def memory(self, key: str = "VmRSS") -> int:
        """Bytes, from /proc/PID/status."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(key)

    def forget_memory_peak(self):
        """Resets VmHWM to the memory that is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def turns(self) -> int | None:
        """The number of times its threads have slept and been woken; None while one of them is running."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                status = (task / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            if not re.search(r"^State:\s+S", status, re.M):
                return None
            total += sum(map(int, re.findall(r"^(?:non)?voluntary_ctxt_switches:\s+(\d+)$", status, re.M)))
        return total

    def assert_sleeps(self, a_second: int, seconds: float = 1.0):
        """It sleeps, and is woken at most `a_second` times per second while it is watched. The result does not depend on
        speed: a busy machine prolongs the time, but causes no wake-ups."""
        before, began = self.wait_until_asleep(), time.monotonic()
        time.sleep(seconds)
        woken = self.wait_until_asleep() - before
        most = a_second * (time.monotonic() - began)
        assert woken <= most, f"{self.arguments[0]} was woken {woken} times, at most {most:.0f} were expected"

    def wait_until_asleep(self) -> int:
        """Waits until no thread runs, and returns ``turns``; a process that spins never sleeps."""
        return wait_until(lambda: (count := self.turns()) is not None and count + 1, f"{self.arguments[0]} sleeps") - 1

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def left_behind() -> list[tuple[int, str]]:
    """Processes that this run started, directly or indirectly, and that still run: ID and command line."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found.append((int(folder.name), command))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found
