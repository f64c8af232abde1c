#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The cost of access rules: user instructions for a signed-in request with no rule, with 10 and with 10,000 rules.

The last rule decides, and the paths of the others are similar to the requested one. Runs under callgrind, so the figures
do not depend on the machine's load.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import counting
import servers
from bench import Starter

MOST = 1.2  # 10,000 rules relative to 10


def rules(count: int) -> list:
    others = [{"paths": [f"/{number}k"], "require": {"groups": [f"group{number}"]}}
              for number in range(2, count + 1)]
    return [*others, {"paths": ["/1k"], "require": {"groups": ["staff"]}}][-count:] if count else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is missing; `make deps-bench` installs it")
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    found = {}
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-", dir=base) as name:
        folder = Path(name)
        upstream = servers.start_upstream(folder)
        try:
            for count in (0, 10, 10_000):
                def start(under, count=count):
                    return servers.Sidegate(options.sidegate, folder, upstream.port, under,
                                            more={"access": {"rules": rules(count)}})
                found[count] = counting.instructions_per_request(
                    Starter(folder, start), "/1k", lambda proxy: {"Cookie": proxy.sign_in()})
                print(f"{count:6} rules {found[count]:10.0f} instructions", flush=True)
        finally:
            servers.Process.stop_all()
    ratio = found[10_000] / found[10]
    print(f"10,000 rules cost {ratio:.3f} x ten (at most {MOST}: {'ok' if ratio <= MOST else 'OVER'}), "
          f"ten {found[10] / found[0]:.3f} x none")
    sys.exit(0 if ratio <= MOST else 1)


if __name__ == "__main__":
    main()
