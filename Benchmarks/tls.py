#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sidegate beside nginx, both terminating TLS with one P-256 certificate in front of the same upstream.

CPU of the proxy for a request, for a full handshake and for a resumed one (each with one request), rounds interleaved and
medians compared; resident memory for an idle connection, of which OpenSSL 3.0 itself takes some 14 KiB. Under 10 % is a
tie.
"""

import argparse
import os
import resource
import socket
import ssl
import statistics
import sys
import tempfile
import time
from pathlib import Path

import load
import servers

# scenario: (path, connections, a connection for each request, the most that ours may cost relative to nginx)
SCENARIOS = {
    "1 KiB, 64 connections": ("/1k", 64, False, 1.0),
    "100 KiB, 64 connections": ("/100k", 64, False, 1.0),
    "10 MiB, 16 connections": ("/10m", 16, False, 1.0),
    "full handshakes": ("/1k", 16, True, 1.1),
}
MOST_RESUMED = 1.2
TIE = 1.10
MOST_FOR_IDLE = 1.0
IDLE_CONNECTIONS = 5_000


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def ask(connection, proxy, path, headers, close):
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{proxy.port}", *(f"{n}: {v}" for n, v in headers.items())]
    if close:
        lines.append("Connection: close")
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    received = b""
    while b"\r\n\r\n" not in received or len(received) - received.find(b"\r\n\r\n") - 4 < 1024:
        data = connection.recv(65536)
        assert data, f"{proxy.name} closed after {received[:300]!r}"
        received += data
    assert received.startswith(b"HTTP/1.1 200"), received[:100]


def resumed(proxy, headers, count) -> float:
    """CPU in microseconds of a connection that goes on from a session, with one request."""
    made, session, before, reused = context(), None, 0.0, 0
    for n in range(count + 1):
        plain = socket.create_connection(("127.0.0.1", proxy.port), 30)
        with made.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
            ask(connection, proxy, "/1k", headers, close=True)
            session = connection.session
            reused += connection.session_reused
        if n == 0:
            before = proxy.cpu_seconds()
    assert reused == count, f"{proxy.name}: {reused} of {count} went on"
    return (proxy.cpu_seconds() - before) / count * 1e6


def verdict(ours, theirs, most):
    ratio = ours / theirs
    word = "ok" if ratio <= most else "tie" if ratio <= most * TIE else "OVER"
    return word != "OVER", f"{ours:10.2f}{theirs:10.2f}   {ratio:.2f} (at most {most:.1f}: {word})"


def rates(options, proxies, headers) -> bool:
    print(f"{'':28}{'ours µs':>10}{'nginx µs':>10}   ours / nginx")
    good = True
    for scenario, (path, connections, each, most) in SCENARIOS.items():
        if options.only and options.only not in scenario:
            continue
        rounds = {name: [] for name in proxies}
        for turn in range(options.rounds + 1):
            for name in proxies if turn % 2 else reversed(proxies):
                sent = {**headers[name], **({"Connection": "close"} if each else {})}
                result = load.wrk(proxies[name], path, connections, options.seconds, sent, scheme="https")
                if turn:  # the first is for warming up
                    rounds[name].append(result.cpu_micros)
        ours, theirs = (statistics.median(rounds[name]) for name in ("sidegate", "nginx"))
        fine, line = verdict(ours, theirs, most)
        good &= fine
        print(f"{scenario:28}{line}", flush=True)
    if not options.only or options.only in "resumed":
        rounds = {name: [] for name in proxies}
        for turn in range(options.rounds + 1):
            for name in proxies:
                rounds[name].append(resumed(proxies[name], headers[name], 400))
        fine, line = verdict(*(statistics.median(rounds[n][1:]) for n in ("sidegate", "nginx")), MOST_RESUMED)
        good &= fine
        print(f"{'resumed handshakes':28}{line}", flush=True)
    return good


def memory(proxy, headers) -> float:
    load.wrk(proxy, "/1k", 64, 1, headers, scheme="https")
    time.sleep(1)
    before, made, connections = proxy.memory(), context(), []
    for n in range(IDLE_CONNECTIONS):
        plain = socket.socket()
        plain.bind((f"127.0.0.{2 + n % 4}", 0))
        plain.settimeout(10)
        plain.connect(("127.0.0.1", proxy.port))
        connection = made.wrap_socket(plain, server_hostname="localhost")
        ask(connection, proxy, "/1k", headers, close=False)
        connections.append(connection)
    time.sleep(2)
    each = (proxy.memory() - before) / IDLE_CONNECTIONS
    for connection in connections:
        connection.close()
    return each


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each round")
    parser.add_argument("--only", help="scenarios whose name holds this")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-", dir=base) as name:
        folder = Path(name)
        try:
            upstream = servers.start_upstream(folder)
            certificate = servers.Certificate(folder)
            proxies = {
                "sidegate": servers.Sidegate(options.sidegate, folder, upstream.port, certificate=certificate),
                "nginx": servers.start_nginx(folder, upstream.port, certificate=certificate),
            }
            headers = {"sidegate": {"Cookie": proxies["sidegate"].sign_in()}, "nginx": {}}
            good = rates(options, proxies, headers)
            if not options.only or options.only == "memory":
                each = {name: memory(proxies[name], headers[name]) for name in proxies}
                fine, line = verdict(each["sidegate"] / 1024, each["nginx"] / 1024, MOST_FOR_IDLE)
                good &= fine
                print(f"{'KiB, an idle connection':28}{line}")
        finally:
            servers.Process.stop_all()  # whatever went wrong, nothing is left behind
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
