#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The cost of floods over HTTP/2, and the latency of other clients meanwhile.

Each flood of the tests' table runs for some seconds in its own process, one connection after another, as fast as the
gate accepts it. Another client sends requests at a steady pace over its own connection to the same event loop. Prints
the gate's CPU seconds per second, without the cost of that client, the slowest request, and the number of connections
that the attackers used. With --haproxy the same is measured for HAProxy, which only proxies.
"""

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from pathlib import Path

import servers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Tests" / "IntegrationTests"))
from harness.frames import FrameConnection  # noqa: E402
from harness.http2_floods import FLOODS, attack  # noqa: E402
from harness.wire import Connection  # noqa: E402

MOST_CPU = 0.15
MOST_MILLISECONDS = 60


def flood(port: int, name: str, seconds: float, cookie, result):
    def connect():
        connection = FrameConnection(port, timeout=seconds + 1)
        # The others cost no more with a session.
        connection.cookie = cookie if "window" in name else None
        return connection
    end = time.monotonic() + seconds
    result.put(len(attack(connect, FLOODS[name], lambda: time.monotonic() > end)))


def serve_others(connection, headers, until: float) -> list:
    """The duration of each request in milliseconds."""
    times = []
    while time.monotonic() < until:
        begun = time.monotonic()
        assert connection.exchange("GET", "/1k", headers).status == 200
        times.append((time.monotonic() - begun) * 1000)
        time.sleep(0.005)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(".build/release/sidegate"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", default="", help="floods whose names contain this")
    parser.add_argument("--attackers", type=int, default=1, help="at the same time")
    parser.add_argument("--haproxy", action="store_true", help="HAProxy in place of Sidegate")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    failed = []
    try:
        upstream = servers.start_upstream(folder)
        if arguments.haproxy:
            gate, headers = servers.start_haproxy(folder, upstream.port, "plain"), {}
        else:
            gate = servers.Sidegate(arguments.sidegate, folder, upstream.port)
            headers = {"Cookie": gate.sign_in()}
        with Connection(gate.port) as other:
            serve_others(other, headers, time.monotonic() + 0.5)
            cpu, begun = gate.cpu_seconds(), time.monotonic()
            quiet = serve_others(other, headers, begun + arguments.seconds)
            own = (gate.cpu_seconds() - cpu) / (time.monotonic() - begun)
            print(f"{'':52} CPU s/s   p99 ms  slowest ms  connections")
            print(f"{'nobody else':52} {own:7.3f} {percentile(quiet):8.1f} {max(quiet):11.1f}")
            for name in FLOODS:
                if arguments.only not in name:
                    continue
                result = multiprocessing.Queue()
                attackers = [
                    multiprocessing.Process(
                        target=flood, args=(gate.port, name, arguments.seconds, headers.get("Cookie"), result))
                    for _ in range(arguments.attackers)]
                for attacker in attackers:
                    attacker.start()
                cpu, begun = gate.cpu_seconds(), time.monotonic()
                times = serve_others(other, headers, begun + arguments.seconds)
                share = (gate.cpu_seconds() - cpu) / (time.monotonic() - begun) - own
                spent = sum(result.get(timeout=30) for _ in attackers)
                for attacker in attackers:
                    attacker.join(30)
                is_over = share > MOST_CPU or max(times) > MOST_MILLISECONDS
                failed += [name] if is_over else []
                print(f"{name:52} {share:7.3f} {percentile(times):8.1f} {max(times):11.1f} {spent:12}"
                      + ("  over" if is_over else ""), flush=True)
    finally:
        servers.Process.stop_all()
        shutil.rmtree(folder)
    print(f"{len(failed)} over {MOST_CPU} CPU s/s or {MOST_MILLISECONDS} ms: {', '.join(failed) or 'none'}")


def percentile(times: list) -> float:
    return sorted(times)[int(len(times) * 0.99)]


if __name__ == "__main__":
    main()
