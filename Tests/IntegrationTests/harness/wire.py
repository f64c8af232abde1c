# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as bytes on a socket, without any library in between."""

import json
import socket
import struct
from dataclasses import dataclass, field

TIMEOUT = 30.0


@dataclass
class Response:
    status: int
    reason: str
    fields: list  # (name, value), in order
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)  # the 1xx responses before it
    head: bytes = b""

    def all(self, name: str) -> list:
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        if not values:
            raise KeyError(f"{name} is not among {[n for n, _ in self.fields]}")
        return values[0]

    def get(self, name: str, default=None):
        values = self.all(name)
        return values[0] if values else default

    def json(self):
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class CutShort(Exception):
    """The peer closed or reset the connection before the message was complete; `received` is the received part of the body."""

    def __init__(self, message: str, received: bytes = b"", response=None):
        super().__init__(message)
        self.received = received
        self.response = response


class Connection:
    """One TCP connection. Sends exactly the given bytes; accepts only strictly framed responses."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = TIMEOUT, receive_buffer: int = 0):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authority = f"{host}:{port}"
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    # Sending.

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method: str = "GET", target: str = "/", headers=(), body: bytes = None, host: str = None):
        """Sends a request; a body gets a Content-Length unless the headers define its framing."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or self.authority}"]
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        lines += [f"{name}: {value}" for name, value in headers]
        framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers)
        if body is not None and not framed:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def exchange(self, method: str = "GET", target: str = "/", headers=(), body: bytes = None, host: str = None):
        self.request(method, target, headers, body, host)
        return self.response(method)

    # Receiving.

    def _fill(self) -> bool:
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def read_line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            if not self._fill():
                raise CutShort(f"closed in the middle of a line: {bytes(self.buffer)!r}", bytes(self.buffer))
        line = bytes(self.buffer[:end])
        del self.buffer[:end + 2]
        return line

    def read_exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self._fill():
                raise CutShort(f"closed after {len(self.buffer)} of {count} bytes", bytes(self.buffer))
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_some(self) -> bytes:
        """The next bytes, at least one; b"" at the end."""
        if not self.buffer:
            self._fill()
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def read_all(self) -> bytes:
        while self._fill():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def is_closed_by_peer(self, within: float = TIMEOUT) -> bool:
        """The peer closes the connection within the time, without sending anything more."""
        if self.buffer:
            return False
        before = self.socket.gettimeout()
        self.socket.settimeout(within)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(before)

    def _read_fields(self) -> list:
        fields = []
        while line := self.read_line():
            name, colon, value = line.partition(b":")
            assert colon, f"no colon in field line {line!r}"
            fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        return fields

    def read_head(self) -> Response:
        line = self.read_line()
        version, _, rest = line.partition(b" ")
        assert version == b"HTTP/1.1", f"not an HTTP/1.1 status line: {line!r}"
        status, _, reason = rest.partition(b" ")
        assert len(status) == 3 and status.isdigit(), f"not a status: {line!r}"
        return Response(int(status), reason.decode("latin-1"), self._read_fields(), head=line)

    def response(self, method: str = "GET", after_head=None) -> Response:
        """The next final response, with its body; the 1xx responses before it are in `interim`."""
        interim = []
        while True:
            response = self.read_head()
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        if after_head:
            after_head(response)
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        lengths, codings = response.all("Content-Length"), response.all("Transfer-Encoding")
        assert not (lengths and codings), "Content-Length and Transfer-Encoding in one response"
        assert len(lengths) <= 1 and len(codings) <= 1, f"repeated framing fields: {response.fields}"
        body = bytearray()
        try:
            if codings:
                assert codings[0].lower() == "chunked"
                while size := int(self.read_line().split(b";")[0], 16):
                    body += self.read_exactly(size)
                    assert self.read_exactly(2) == b"\r\n", "a chunk's data does not end with CRLF"
                response.trailers = self._read_fields()
            elif lengths:
                body += self.read_exactly(int(lengths[0]))
            else:
                body += self.read_all()
        except CutShort as cut:
            response.body = bytes(body)
            raise CutShort(str(cut), bytes(body) + cut.received, response) from None
        response.body = bytes(body)
        return response


def exchange(port: int, method: str = "GET", target: str = "/", headers=(), body: bytes = None, host: str = None):
    """One request on its own connection."""
    with Connection(port) as connection:
        return connection.exchange(method, target, headers, body, host)
