# SPDX-License-Identifier: Apache-2.0
"""The two figures that do not depend on the machine's load: user instructions and system calls for each request."""

import re
import signal
import subprocess
import time
from pathlib import Path

from load import exactly

CONNECTIONS = 64


def instructions_per_request(start, path: str, headers, status: int = 200) -> float:
    """Instructions in user space under callgrind: the difference between two loads of different length.

    Counting begins when the proxy has started and is warm, so a start with a large configuration takes little longer than
    usual and has no part in the figure.
    """
    folder = Path(start.folder)
    output = folder / "callgrind.out"
    proxy = start(["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}", "--"])
    try:
        settle(proxy.pid)
        values = headers(proxy) if callable(headers) else headers
        exactly(proxy.port, path, CONNECTIONS, 1000, values, status)  # fills caches and pools
        subprocess.run(["callgrind_control", "--instr=on", str(proxy.pid)], check=True, capture_output=True)
        settle(proxy.pid)

        def total_of(count: int) -> int:
            for old in folder.glob("callgrind.out*"):
                old.unlink()
            subprocess.run(["callgrind_control", "-z", str(proxy.pid)], check=True, capture_output=True)
            exactly(proxy.port, path, CONNECTIONS, count, values, status)
            subprocess.run(["callgrind_control", "-d", str(proxy.pid)], check=True, capture_output=True)
            text = "".join(p.read_text(errors="replace") for p in folder.glob("callgrind.out*"))
            totals = [int(t) for t in re.findall(r"^(?:totals|summary): (\d+)", text, re.M)]
            assert totals, "callgrind wrote no total"
            return max(totals)

        few, many = 1000, 5000
        return (total_of(many) - total_of(few)) / (many - few)
    finally:
        proxy.stop()


def settle(pid: int):
    """Waits until the process has no more background work, such as checking its configuration for changes."""
    def used() -> list:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    deadline = time.monotonic() + 600
    before, since = used(), time.monotonic()
    while time.monotonic() - since < 1:
        assert time.monotonic() < deadline, "the process does not become idle"
        time.sleep(0.05)
        if used() != before:
            before, since = used(), time.monotonic()


def system_calls_per_request(start, path: str, headers, status: int = 200) -> tuple[float, dict]:
    """System calls under strace, in total and by name: the difference between two loads of different length."""
    proxy = start([])
    try:
        values = headers(proxy) if callable(headers) else headers
        exactly(proxy.port, path, CONNECTIONS, 2000, values, status)

        def calls_of(count: int) -> dict:
            table = Path(start.folder) / "strace.table"
            tracer = subprocess.Popen(["strace", "-c", "-f", "-o", str(table), "-p", str(proxy.pid)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            tracer.stderr.readline()  # "Process … attached"
            time.sleep(0.3)
            exactly(proxy.port, path, CONNECTIONS, count, values, status)
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
            calls = {}
            for line in table.read_text().splitlines():
                row = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
                if row and row.group(2) != "total":
                    calls[row.group(2)] = int(row.group(1))
            assert calls, "strace counted nothing"
            return calls

        few, many = 5000, 25000
        first, second = calls_of(few), calls_of(many)
        by_name = {n: (second.get(n, 0) - first.get(n, 0)) / (many - few) for n in second}
        return sum(by_name.values()), {n: v for n, v in sorted(by_name.items(), key=lambda x: -x[1]) if v > 0.005}
    finally:
        proxy.stop()
