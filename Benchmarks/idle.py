# SPDX-License-Identifier: Apache-2.0
"""Connections that are idle after one request: HTTP/1.1, the same over TLS, and HTTP/2 in cleartext."""

import itertools
import socket
import ssl

_addresses = itertools.count()
_context = ssl.create_default_context()
_context.check_hostname, _context.verify_mode = False, ssl.CERT_NONE


def plain(proxy, headers: dict) -> socket.socket:
    return answered(connected(proxy), request(proxy, headers))


def over_tls(proxy, headers: dict) -> socket.socket:
    return answered(_context.wrap_socket(connected(proxy)), request(proxy, headers))


def over_http2(proxy, headers: dict) -> socket.socket:
    fields = {":method": "GET", ":scheme": "http", ":path": "/1k", ":authority": f"127.0.0.1:{proxy.port}"}
    fields |= {n.lower(): v for n, v in headers.items()}
    block = b"".join(b"\x10" + text(n) + text(v) for n, v in fields.items())
    connection = answered(
        connected(proxy), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, block))
    connection.sendall(frame(4, 1, 0))
    return connection


def connected(proxy) -> socket.socket:
    connection = socket.socket()
    connection.bind((f"127.0.0.{2 + next(_addresses) % 4}", 0))  # several source addresses: ports do not run out
    connection.settimeout(30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.connect(("127.0.0.1", proxy.port))
    return connection


def request(proxy, headers: dict) -> bytes:
    head = f"GET /1k HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    return head.encode() + b"\r\n"


def answered(connection: socket.socket, sent: bytes) -> socket.socket:
    """The connection, when it has brought the content of 1 KiB."""
    connection.sendall(sent)
    received = b""
    while len(received) < 1024:
        data = connection.recv(65536)
        assert data, "closed"
        received += data
    return connection


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def text(value: str) -> bytes:
    """A string literal of RFC 7541, section 5.2."""
    data = value.encode()
    length = bytes([len(data)]) if len(data) < 127 else b"\x7f"
    rest = len(data) - 127
    while len(data) >= 127 and rest >= 128:
        length, rest = length + bytes([rest % 128 + 128]), rest // 128
    if len(data) >= 127:
        length += bytes([rest])
    return length + data
