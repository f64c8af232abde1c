#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The cost of access rules: user instructions for a signed-in request with no rule, with 10 and with 10,000 rules.

The last rule decides, and the others are similar to it: rules by path have similar paths; rules by host and by network are all
for the whole site, each for another host or network. Runs under callgrind, so the figures do not depend on the machine's load.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import counting
import servers
from bench import Starter

MOST = 1.2  # 10,000 rules relative to 10


def by_path(number: int) -> dict:
    return {"paths": [f"/{number}k"]}


def by_host(number: int) -> dict:
    # The host of the requests is the last one's.
    return {"paths": ["/*"], "hosts": [f"host{number}.test"] if number > 1 else ["127.0.0.1"]}


def by_network(number: int) -> dict:
    return {"paths": ["/*"], "from": [f"10.{number // 250}.{number % 250}.0/24" if number > 1 else "127.0.0.0/8"]}


def rules(count: int, kind) -> list:
    others = [{**kind(number), "require": {"groups": [f"group{number}"]}} for number in range(2, count + 1)]
    return [*others, {**kind(1), "require": {"groups": ["staff"]}}][-count:] if count else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    options = parser.parse_args()
    servers.require("valgrind")
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    found = {}
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-", dir=base) as name:
        folder = Path(name)
        upstream = servers.start_upstream(folder)
        try:
            for kind, count in [(by_path, 0), *((kind, count) for kind in (by_path, by_host, by_network)
                                                for count in (10, 10_000))]:
                def start(under, kind=kind, count=count):
                    return servers.Sidegate(options.sidegate, folder, upstream.port, under,
                                            more={"access": {"rules": rules(count, kind)}})
                found[kind, count] = counting.instructions_per_request(
                    Starter(folder, start), "/1k", lambda proxy: {"Cookie": proxy.sign_in()})
                words = kind.__name__.replace("_", " ") if count else ""
                print(f"{count:6} rules {words:10} {found[kind, count]:10.0f} instructions", flush=True)
        finally:
            servers.Process.stop_all()
    is_good = True
    for kind in (by_path, by_host, by_network):
        ratio = found[kind, 10_000] / found[kind, 10]
        is_good = is_good and ratio <= MOST
        print(f"{kind.__name__.replace('_', ' ')}: 10,000 rules cost {ratio:.3f} x ten (at most {MOST}: "
              f"{'ok' if ratio <= MOST else 'OVER'}), ten {found[kind, 10] / found[by_path, 0]:.3f} x none")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
