# SPDX-License-Identifier: Apache-2.0
"""An app that sends exactly the bytes that the test gives, and records every byte that it receives."""

import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field

from .process import wait_until


@dataclass
class Received:
    """A request as it was received."""

    head: bytes  # to the end of the blank line
    connection: int  # the number of the connection, from 1
    method: str = ""
    target: str = ""
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)

    def all(self, name: str) -> list:
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name: str, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def names(self) -> list:
        return [n.lower() for n, _ in self.fields]


class Closed(Exception):
    pass


class UpstreamConnection:
    def __init__(self, connected: socket.socket, number: int):
        self.socket = connected
        self.number = number
        self.buffer = bytearray()
        self.sent = 0  # bytes that the kernel accepted
        self.read = 0  # bytes received
        self.thread = None  # the thread that serves it
        self.is_reset = False
        self.is_scripted = False  # handled by a test's own function, so it is not kept for the next test

    def fill(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise Closed
        self.read += len(data)
        self.buffer += data

    def read_until(self, end: bytes) -> bytes:
        while (at := self.buffer.find(end)) < 0:
            self.fill()
        data = bytes(self.buffer[:at + len(end)])
        del self.buffer[:at + len(end)]
        return data

    def read_exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.fill()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_head(self) -> Received:
        head = self.read_until(b"\r\n\r\n")
        lines = head[:-4].decode("latin-1").split("\r\n")
        request = Received(head, self.number)
        request.method, request.target, version = lines[0].split(" ")
        assert version == "HTTP/1.1", f"the upstream got {lines[0]!r}"
        request.fields = [(n, v.strip(" \t")) for n, _, v in (line.partition(":") for line in lines[1:])]
        return request

    def body_pieces(self, request: Received):
        """Yields the body as it is received; fills `request.trailers`."""
        lengths, codings = request.all("Content-Length"), request.all("Transfer-Encoding")
        assert not (lengths and codings) and len(lengths) < 2 and len(codings) < 2, f"ambiguous framing: {request.head}"
        if codings:
            assert codings[0].lower() == "chunked", codings
            while size := int(self.read_until(b"\r\n")[:-2].split(b";")[0], 16):
                yield self.read_exactly(size)
                assert self.read_exactly(2) == b"\r\n"
            while (line := self.read_until(b"\r\n")) != b"\r\n":
                name, _, value = line[:-2].decode("latin-1").partition(":")
                request.trailers.append((name, value.strip()))
        elif lengths:
            left = int(lengths[0])
            while left:
                if not self.buffer:
                    self.fill()
                piece = bytes(self.buffer[:left])
                del self.buffer[:left]
                left -= len(piece)
                yield piece

    def send(self, data):
        data = memoryview(data.encode() if isinstance(data, str) else data)
        while data:
            count = self.socket.send(data[:65536])  # in small parts, so that `sent` is up to date
            self.sent += count
            data = data[count:]

    def respond(self, status: int = 200, headers=(), body=b"", reason: str = "OK"):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{n}: {v}" for n, v in dict(headers).items()]
        if not any(n.lower() in ("content-length", "transfer-encoding") for n in dict(headers)):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def close(self):
        if not self.is_reset:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self.thread in (None, threading.current_thread()):
            return self.socket.close()
        # A descriptor must not be closed while another thread waits for it: its number could be reused.
        self.is_reset = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RD)
        self.thread.join(30)


class Upstream:
    """Listens on loopback; each connection has a thread.

    `answer(request, connection)` is called for each complete request; `serve(connection)` may replace the entire
    handling of a connection. The test may change both at any time.
    """

    def __init__(self, port: int = 0):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests: list[Received] = []
        self.connections: list[UpstreamConnection] = []
        self.failures: list[BaseException] = []
        self.answer = self.echo
        self.serve = self.serve_requests
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = UpstreamConnection(connected, len(self.connections) + 1)
            self.connections.append(connection)
            connection.thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            connection.thread.start()

    def _run(self, connection):
        try:
            connection.is_scripted = self.serve != self.serve_requests
            self.serve(connection)
        except (Closed, ConnectionError, OSError):
            pass  # the gate or the test closed the connection
        except BaseException as failure:  # the fixture reports it as a failure of the test
            self.failures.append(failure)
        connection.close()

    def serve_requests(self, connection):
        while True:
            request = connection.read_head()
            if self.serve != self.serve_requests:  # a connection kept from an earlier test
                connection.buffer[:0] = request.head
                connection.is_scripted = True
                return self.serve(connection)
            self.read_body(request, connection)
            self.requests.append(request)
            self.answer(request, connection)

    def end_scripted(self):
        """Closes connections with a test's own handling, before a request of the next test can be sent over them."""
        for connection in [c for c in self.connections if c.is_scripted and c.thread and c.thread.is_alive()]:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
            connection.thread.join(1)

    @staticmethod
    def read_body(request, connection):
        request.body = b"".join(connection.body_pieces(request))

    @staticmethod
    def echo(request: Received, connection: UpstreamConnection):
        """Responds with the request as JSON."""
        body = json.dumps({
            "method": request.method, "target": request.target, "fields": request.fields,
            "body": request.body.decode("latin-1"), "trailers": request.trailers,
        })
        connection.respond(200, {"Content-Type": "application/json"}, b"" if request.method == "HEAD" else body)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which would otherwise keep the port open
        self.listener.close()
        for connection in list(self.connections):
            connection.close()

    # For tests.

    @property
    def last(self) -> Received:
        assert self.requests, "no request reached the upstream"
        return self.requests[-1]

    def wait_for_requests(self, count: int):
        wait_until(lambda: len(self.requests) >= count, f"{count} requests at the upstream")
