#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Sidegate with nginx and HAProxy in front of the same upstream.

All run on one machine with one worker each, so requests/s depends on the load generator as much as on the proxy; compare
the CPU time for each request. Rounds are interleaved and medians are compared; a difference under 10 % is a tie. Access
logs are off everywhere, but for the row `sidegate-access` of `--count`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import beside
import counting
import encrypted
import idle
import load
import servers
import uploads

# scenario: (path, connections, {competitor: the highest permitted cost of Sidegate relative to it})
SCENARIOS = {
    "1 KiB, 1 connection": ("/1k", 1, {"nginx": 1.3}),
    "1 KiB, 64 connections": ("/1k", 64, {"nginx": 1.0, "haproxy-jwt": 0.6, "haproxy-plain": None}),
    "1 KiB, 256 connections": ("/1k", 256, {"nginx": 1.0}),
    "100 KiB, 64 connections": ("/100k", 64, {"nginx": 1.0}),
    "10 MiB, 16 connections": ("/10m", 16, {"nginx": 1.0}),
    "redirect, 64 connections": ("/1k", 64, {"haproxy-redirect": 1.0}),
}
TIE = 1.10
MOST_INSTRUCTIONS = {"sidegate": 22_900, "sidegate-access": 31_000, "sidegate-redirect": 16_500}
MOST_SYSTEM_CALLS = {"sidegate": 4.1, "sidegate-access": 4.2, "sidegate-redirect": 2.1}
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
MOST_RESIDENT = 20 << 20
MOST_FOR_IDLE = 2 << 10
IDLE_CONNECTIONS = 10_000


class Starter:
    """Starts one proxy, optionally under a measuring program."""

    def __init__(self, folder, start):
        self.folder, self.start = folder, start

    def __call__(self, under=()):
        return self.start(under)


def rates(options, folder, upstream) -> bool:
    proxies = {
        "sidegate": servers.Sidegate(options.sidegate, folder, upstream.port),
        "nginx": servers.start_nginx(folder, upstream.port),
        **{f"haproxy-{job}": servers.start_haproxy(folder, upstream.port, job) for job in ("plain", "jwt", "redirect")},
    }
    session = proxies["sidegate"].sign_in()
    # HAProxy's cookie is the token itself, which must be valid for the whole run.
    headers = {"sidegate": {"Cookie": session}, "haproxy-jwt": {"Cookie": f"session={servers.token(86400)}"}}
    print(f"{'':28}{'':14}{'requests/s':>12}{'CPU µs each':>13}   ours / theirs")
    good = True
    for scenario, (path, connections, limits) in SCENARIOS.items():
        if options.only and options.only not in scenario:
            continue
        names = ["sidegate", *limits]
        rounds = {name: [] for name in names}
        for turn in range(options.rounds + 1):
            for name in names if turn % 2 else reversed(names):
                sent = {"Accept": "text/html"} if scenario.startswith("redirect") else headers.get(name, {})
                result = load.wrk(proxies[name], path, connections, options.seconds, sent)
                if turn:  # the first round warms up
                    rounds[name].append(result)
        median = {n: statistics.median(r.cpu_micros for r in rs) for n, rs in rounds.items()}
        for name in names:
            rate = statistics.median(r.per_second for r in rounds[name])
            line = f"{scenario if name == 'sidegate' else '':28}{name:18}{rate:8.0f}{median[name]:13.2f}"
            if name in limits:
                ratio, most = median["sidegate"] / median[name], limits[name]
                line += f"   {ratio:.2f}"
                if most is not None:
                    verdict = "ok" if ratio <= most else "tie" if ratio <= most * TIE else "OVER"
                    good &= verdict != "OVER"
                    line += f" (at most {most:.1f}: {verdict})"
            print(line, flush=True)
    for proxy in proxies.values():
        proxy.stop()
    return good


def memory(options, folder, upstream) -> bool:
    proxy = servers.Sidegate(options.sidegate, folder, upstream.port, environment_name="sidegate-memory")
    session = proxy.sign_in()
    resident = proxy.memory()
    load.wrk(proxy, "/1k", 64, 1, {"Cookie": session})  # the one-time costs of the first use are not counted
    time.sleep(1)
    before = proxy.memory()
    connections = [idle.plain(proxy, {"Cookie": session}) for _ in range(IDLE_CONNECTIONS)]
    time.sleep(3)
    each = (proxy.memory() - before) / IDLE_CONNECTIONS
    for connection in connections:
        connection.close()
    proxy.stop()
    print(f"\nresident after start and one sign-in: {resident / (1 << 20):.1f} MiB (at most {MOST_RESIDENT >> 20})")
    print(f"each of {IDLE_CONNECTIONS} idle keep-alive connections: {each / 1024:.2f} KiB (at most {MOST_FOR_IDLE / 1024:.0f})")
    return resident <= MOST_RESIDENT and each <= MOST_FOR_IDLE


def counts(options, folder, upstream) -> bool:
    competitors = {
        "sidegate": (lambda under: servers.Sidegate(options.sidegate, folder, upstream.port, under),
                     lambda proxy: {"Cookie": proxy.sign_in()}),
        "nginx": (lambda under: servers.start_nginx(Path(tempfile.mkdtemp(dir=folder)), upstream.port, under), {}),
        "haproxy-plain": (lambda under: servers.start_haproxy(folder, upstream.port, "plain", under), {}),
        "haproxy-jwt": (lambda under: servers.start_haproxy(folder, upstream.port, "jwt", under),
                        {"Cookie": f"session={servers.token(86400)}"}),
    }
    # A browser's request with its access line; what it costs more than the first row is the line.
    competitors["sidegate-access"] = (
        lambda under: servers.Sidegate(options.sidegate, folder, upstream.port, under, more={"log": {"access": True}}),
        lambda proxy: {"Cookie": proxy.sign_in(), "User-Agent": USER_AGENT})
    # Without a threshold: the cost of the redirect to sign in, compared with HAProxy's.
    competitors["sidegate-redirect"] = competitors["sidegate"][0], {"Accept": "text/html"}
    competitors["haproxy-redirect"] = (
        lambda under: servers.start_haproxy(folder, upstream.port, "redirect", under), {"Accept": "text/html"})
    good = True
    for name in options.count_of:
        start, headers = competitors[name]
        starter, status = Starter(folder, start), 302 if name.endswith("redirect") else 200
        calls, by_name = counting.system_calls_per_request(starter, "/1k", headers, status)
        instructions = counting.instructions_per_request(starter, "/1k", headers, status)
        print(f"{name:18}{instructions:10.0f} instructions  {calls:5.2f} system calls   "
              + ", ".join(f"{n} {v:.2f}" for n, v in by_name.items()), flush=True)
        if name in MOST_INSTRUCTIONS:
            is_within = instructions <= MOST_INSTRUCTIONS[name] and calls <= MOST_SYSTEM_CALLS[name]
            print(f"{'':18}at most {MOST_INSTRUCTIONS[name]} instructions and {MOST_SYSTEM_CALLS[name]} system calls: "
                  f"{'ok' if is_within else 'OVER'}")
            good &= is_within
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each round")
    parser.add_argument("--only", help="scenarios whose names contain this; upload: of content; beside: short requests beside downloads; memory: of idle connections")
    parser.add_argument("--count", action="store_true", help="instructions and system calls instead of rates")
    parser.add_argument("--count-of", nargs="+", default=["sidegate", "sidegate-access", "sidegate-redirect"],
                        choices=["sidegate", "sidegate-access", "sidegate-redirect", "nginx", "haproxy-plain", "haproxy-jwt", "haproxy-redirect"])
    options = parser.parse_args()
    servers.require("nginx", "haproxy", "wrk", "h2load", "nghttpx", *(["valgrind", "strace"] if options.count else []))

    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-", dir=base) as name:
        folder = Path(name)
        upstream = servers.start_upstream(folder)
        try:
            if options.count:
                good = counts(options, folder, upstream)
            else:
                good = rates(options, folder, upstream)
                if not options.only or options.only in "beside downloads":
                    good &= beside.rates(options, folder, upstream)
                good &= uploads.rates(options, folder)
                good &= encrypted.rates(options, folder, upstream)
                if not options.only or options.only in "memory":
                    good &= memory(options, folder, upstream)
                    good &= encrypted.idle_memory(options, folder, upstream)
        finally:
            servers.Process.stop_all()  # no process is left running after an error
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
