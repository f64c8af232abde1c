# SPDX-License-Identifier: Apache-2.0
"""Load: wrk for rates, and a small closed loop for an exact number of requests."""

import re
import select
import socket
import subprocess
from dataclasses import dataclass


@dataclass
class Round:
    requests: int
    per_second: float
    cpu_micros: float  # of the proxy, for a request


def wrk(proxy, path: str, connections: int, seconds: float, headers: dict, expected_redirect=False,
        scheme="http") -> Round:
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    for name, value in headers.items():
        arguments += ["-H", f"{name}: {value}"]
    before = proxy.cpu_seconds()
    done = subprocess.run([*arguments, f"{scheme}://127.0.0.1:{proxy.port}{path}"], capture_output=True, text=True)
    if done.returncode != 0 or proxy.child.poll() is not None:
        raise SystemExit(f"{proxy.name} {path}: {done.stdout}{done.stderr}\n"
                         f"ended with {proxy.child.poll()}:\n{proxy.log.read_text(errors='replace')[-3000:]}")
    cpu = proxy.cpu_seconds() - before
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", done.stdout)
    if wrong or requests == 0:
        raise SystemExit(f"{proxy.name} {path}: {wrong.group(0) if wrong else 'no request was answered'}")
    return Round(requests, float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout).group(1)), cpu / requests * 1e6)


def exactly(port: int, path: str, connections: int, count: int, headers: dict, status: int = 200):
    """Sends `count` requests over `connections` keep-alive connections, each sending its next at its answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
    request += b"".join(f"{n}: {v}\r\n".encode() for n, v in headers.items()) + b"\r\n"
    started = finished = 0
    poller = select.epoll()
    open_connections = {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        open_connections[connection.fileno()] = [connection, b""]
        poller.register(connection.fileno(), select.EPOLLIN)
    for connection, _ in list(open_connections.values()):
        if started < count:
            connection.sendall(request)
            started += 1
    expected = f"HTTP/1.1 {status} ".encode()
    while finished < count:
        events = poller.poll(60)
        assert events, "no answer within 60 s"
        for descriptor, _ in events:
            entry = open_connections[descriptor]
            data = entry[1] + entry[0].recv(65536)
            end = data.find(b"\r\n\r\n")
            if end < 0:
                entry[1] = data
                continue
            assert data.startswith(expected), data[:200]
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", data[:end + 2])
            if len(data) < end + 4 + int(length.group(1) if length else 0):
                entry[1] = data
                continue
            entry[1] = b""
            finished += 1
            if started < count:
                entry[0].sendall(request)
                started += 1
    for connection, _ in open_connections.values():
        connection.close()
    poller.close()
