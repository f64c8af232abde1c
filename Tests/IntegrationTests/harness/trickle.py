# SPDX-License-Identifier: Apache-2.0
"""Clients that send a byte at a time, over TCP and in records of TLS."""

import select
import socket
import ssl
import time

from .process import DEADLINE

INTERVAL = 0.03


class StillOpen(AssertionError):
    pass


def trickle(connected, data: bytes, until_closed: bool = True) -> bytes:
    """Sends `data` byte by byte, until the peer closes; returns what it sent. With `until_closed` the peer must close
    before all was sent."""
    received, end, rest = b"", time.monotonic() + DEADLINE, data
    while until_closed or rest:
        if time.monotonic() > end:
            raise StillOpen(f"open after {len(data) - len(rest)} of {len(data)} bytes")
        try:
            # What TLS has read already is not seen by select().
            if getattr(connected, "pending", lambda: 0)() or select.select([connected], [], [], INTERVAL)[0]:
                got = connected.recv(65_536)
                received += got
                if not got:
                    return received
            if rest:
                connected.sendall(rest[:1])
                rest = rest[1:]
        except (ConnectionError, ssl.SSLError):
            return received
    return received


class SealedConnection:
    """TLS without a socket of its own: the records are bytes that the test sends as it likes."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str = "localhost", alpn=None):
        if alpn:
            context.set_alpn_protocols(alpn)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hello(self) -> bytes:
        """The first flight of the handshake, which is not sent."""
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def handshake(self):
        self.socket.sendall(self.hello())
        while True:
            try:
                self.object.do_handshake()
                return self.socket.sendall(self.outgoing.read())
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                self.incoming.write(self._receive())

    def sealed(self, data: bytes) -> bytes:
        """Records with the data, which are not sent."""
        self.object.write(data)
        return self.outgoing.read()

    def send(self, data: bytes):
        self.socket.sendall(self.sealed(data))

    def read(self) -> bytes:
        while True:
            try:
                return self.object.read(65_536)
            except ssl.SSLWantReadError:
                self.incoming.write(self._receive())

    def _receive(self) -> bytes:
        data = self.socket.recv(65_536)
        assert data, "closed"
        return data
