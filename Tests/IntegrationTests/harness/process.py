# SPDX-License-Identifier: Apache-2.0
"""A child process with a log, a readiness test and a certain end."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

DEADLINE = 8.0


def wait_until(condition, what: str, deadline: float = DEADLINE, interval: float = 0.01):
    """Waits until `condition()` is true and returns what it gave; fails, naming `what`, after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {deadline:g} s still not: {what}")
        time.sleep(interval)


def accepts(address) -> bool:
    """Something accepts connections at ("host", port) or at a unix socket's path."""
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
            self.child = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd)

    @property
    def pid(self) -> int:
        return self.child.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

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
            raise AssertionError(f"{' '.join(self.arguments)}\nnot ready; it wrote:\n{self.output()}") from None

    def stop(self, deadline: float = DEADLINE) -> int:
        """Asks it to end (SIGTERM) and returns its exit code; a negative one is a signal's number."""
        if self.is_running():
            self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.arguments[0]} did not end within {deadline:g} s of SIGTERM") from None

    def kill(self):
        if self.is_running():
            self.child.kill()
        self.child.wait()

    # What the kernel says of it.

    def memory(self, key: str = "VmRSS") -> int:
        """Bytes, from /proc/PID/status."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(key)

    def forget_memory_peak(self):
        """VmHWM starts again from what is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        """User and system time so far, also of threads that have ended."""
        # The kernel's number for "the CPU clock of process PID": clock_getcpuclockid(3).
        return time.clock_gettime((~self.pid << 3) | 2)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))
