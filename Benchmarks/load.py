# SPDX-License-Identifier: Apache-2.0
"""Load: wrk for rates, and a small closed loop for an exact number of requests."""

import re
import select
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Round:
    requests: int
    per_second: float
    cpu_micros: float  # of the proxy, for each request


def wrk(proxy, path: str, connections: int, seconds: float, headers: dict, expected_redirect=False,
        scheme="http", script=None) -> Round:
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    if script:
        arguments += ["-s", str(script)]
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


def h2load(proxy, path: str, connections: int, streams: int, seconds: float, headers: dict, http1=False) -> Round:
    """HTTP/2 or HTTP/1.1, over TLS when the proxy terminates TLS."""
    arguments = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}", *(["--h1"] if http1 else [])]
    for name, value in headers.items():
        arguments += ["-H", f"{name}: {value}"]
    before = proxy.cpu_seconds()
    scheme = "https" if proxy.is_encrypted else "http"
    done = subprocess.run([*arguments, f"{scheme}://127.0.0.1:{proxy.port}{path}"], capture_output=True, text=True)
    cpu = proxy.cpu_seconds() - before
    succeeded = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
    if not succeeded or int(succeeded.group(1)) == 0 or any(int(codes.group(n)) for n in (2, 3, 4)):
        raise SystemExit(f"{proxy.name} {path}: {done.stdout}{done.stderr}\n"
                         f"{proxy.log.read_text(errors='replace')[-3000:]}")
    requests = int(succeeded.group(1))
    return Round(requests, requests / seconds, cpu / requests * 1e6)


def handshakes(proxy, count: int, resumed: bool, headers: dict) -> Round:
    """`count` connections, one after the other, each with a full or resumed handshake and one request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = f"GET /1k HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\nConnection: close\r\n".encode()
    request += b"".join(f"{n}: {v}\r\n".encode() for n, v in headers.items()) + b"\r\n"

    def connect(session):
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as plain:
            with context.wrap_socket(plain, session=session) as connection:
                connection.sendall(request)
                received = b""
                while data := connection.recv(65536):
                    received += data
                assert received.startswith(b"HTTP/1.1 200 "), received[:200]
                return connection.session, connection.session_reused

    session, _ = connect(None)
    before, started, used = proxy.cpu_seconds(), time.monotonic(), 0
    for _ in range(count):
        # A TLS 1.3 ticket is for a single use; each connection issues new ones.
        newer, reused = connect(session if resumed else None)
        session, used = newer, used + reused
    if used != (count if resumed else 0):
        raise SystemExit(f"{proxy.name}: {used} of {count} handshakes were resumed")
    return Round(count, count / (time.monotonic() - started), (proxy.cpu_seconds() - before) / count * 1e6)


def exactly(port: int, path: str, connections: int, count: int, headers: dict, status: int = 200):
    """Sends `count` requests over `connections` keep-alive connections, each of which waits for the response first."""
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
