# SPDX-License-Identifier: Apache-2.0
"""Peers over TLS by Python's ssl: an app, a gate and connections to it."""

import socket
import ssl
import threading

from .frames import ConnectionEnded, FrameConnection
from .gate import Gate
from .upstream import Upstream
from .wire import TIMEOUT, Connection


class SecureUpstream(Upstream):
    """An app behind TLS. `sessions` records whether each connection resumed a TLS session, `names` the requested server
    names, `peers` the clients' certificates."""

    def __init__(self, certificate, configure=lambda context: None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self.context.sni_callback = lambda socket, name, context: self.names.append(name)
        configure(self.context)
        self.sessions, self.names, self.peers, self.refusals = [], [], [], []
        super().__init__()
        self.url = f"https://localhost:{self.port}"

    def _run(self, connection):
        try:
            connection.socket.settimeout(20)
            connection.socket = self.context.wrap_socket(
                connection.socket, server_side=True, suppress_ragged_eofs=False)
        except (ssl.SSLError, OSError) as refusal:
            self.refusals.append(refusal)
            return connection.close()
        self.sessions.append(connection.socket.session_reused)
        self.peers.append(connection.socket.getpeercert())
        super()._run(connection)


def trusting(authority, **changes) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.path)
    for name, value in changes.items():
        setattr(context, name, value)
    return context


class SecureConnection(Connection):
    """A browser's TLS connection, with verification of the certificate."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str = "localhost", session=None,
                 timeout: float = TIMEOUT, preface: bytes = b"", source=None):
        self.plain = socket.create_connection(("127.0.0.1", port), timeout, source_address=source)
        self.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if preface:
            self.plain.sendall(preface)
        self.socket = context.wrap_socket(
            self.plain, server_hostname=name, session=session, suppress_ragged_eofs=False)
        self.authority = f"{name}:{port}"
        self.buffer = bytearray()


class SecureHTTP2(FrameConnection):
    """HTTP/2 as frames over TLS, negotiated by ALPN."""

    def __init__(self, port: int, context: ssl.SSLContext, **options):
        context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        assert connected.selected_alpn_protocol() == "h2"
        super().__init__(port, connected=connected, **options)
        self.authority = f"localhost:{port}"

    def fields(self, *arguments, scheme="https", **options) -> list:
        return super().fields(*arguments, scheme=scheme, **options)

    def fill(self):
        try:
            super().fill()
        except ssl.SSLEOFError:
            raise ConnectionEnded(self.goaway) from None


def secured(gate: Gate, context: ssl.SSLContext, name: str = "localhost") -> Gate:
    """The gate as browsers reach it over TLS; `exchange`, `connection` and sign-ins then go over it."""
    gate.origin = f"https://{name}:{gate.port}"
    gate.context = context

    def connection(**options):
        return SecureConnection(gate.port, context, name, **options)

    def exchange(method="GET", target="/", headers=(), body=None, host=None):
        with connection() as made:
            return made.exchange(method, target, headers, body, host)

    gate.connection = connection
    gate.exchange = exchange
    return gate


def in_threads(count: int, body):
    """Runs `body(index)` in `count` threads at once; raises their exceptions."""
    failures = []

    def run(index):
        try:
            body(index)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
