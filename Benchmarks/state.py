#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The additional cost of a signed-in request when sessions are stored in Redis, and when the app gets an assertion.

Both costs arise once a minute, not for each request: the loop caches sessions and assertions. Measures instructions in
user space and system calls for each request, which do not depend on the machine's load.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import counting
import servers
from bench import Starter

# {case: (its changes of the configuration, its highest permitted cost relative to the plain one)}
CASES = ("plain", None), ("session.store: redis", 1.15), ("assertion", 1.10)


def changes(case: str, folder: Path, redis) -> dict:
    if case == "plain":
        return {}
    if case == "assertion":
        key = folder / "assertion.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key],
                       check=True, capture_output=True)
        key.chmod(0o600)
        return {"assertion": {"keyFile": str(key), "audience": "app"}}
    # Under callgrind everything is slower, but the clock is not.
    return {"session": {"secret": "a-session-secret-for-measuring-only-001", "store": "redis"},
            "redis": {"url": f"redis://127.0.0.1:{redis.port}/0", "timeout": "5s"}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    options = parser.parse_args()
    servers.require("nginx", "redis-server", "openssl", "valgrind", "strace")
    good, plain = True, None
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-") as name:
        folder = Path(name)
        upstream = servers.start_upstream(folder)
        try:
            redis = servers.RedisServer(folder)
            for case, most in CASES:
                config = changes(case, folder, redis)
                starter = Starter(folder, lambda under: servers.Sidegate(
                    options.sidegate, folder, upstream.port, under, more=config))
                headers = lambda proxy: {"Cookie": proxy.sign_in()}
                calls, _ = counting.system_calls_per_request(starter, "/1k", headers)
                instructions = counting.instructions_per_request(starter, "/1k", headers)
                plain = plain or instructions
                line = f"{case:24}{instructions:10.0f} instructions  {calls:5.2f} system calls"
                if most:
                    ratio = instructions / plain
                    good &= ratio <= most
                    line += f"   {ratio:.3f} (at most {most}: {'ok' if ratio <= most else 'OVER'})"
                print(line, flush=True)
        finally:
            servers.Process.stop_all()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
