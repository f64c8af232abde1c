# SPDX-License-Identifier: Apache-2.0
"""Deliberately slow clients, and the limit of connections to the app that all workers share."""

import contextlib
import select
import socket
import struct
import threading
import time

import pytest

from harness.admin import Metrics
from harness.frames import RST_STREAM, SETTINGS, FrameConnection, frame, setting
from harness.h2_upstream import H2Upstream
from harness.process import wait_until
from harness.reloads import admin, change
from harness.wire import Connection

MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
LARGE = bytes(400_000)  # more than the buffer of a stream
ATTACKER, VISITOR = "127.0.0.66", "127.0.0.77"


def connected(port: int, source: str, receive_buffer: int = 0) -> socket.socket:
    """A connection from the loopback address `source`; each address is another client."""
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(20)
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def status(client: socket.socket) -> int:
    """The status of the next response, whose content is not read."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(65536)
        if not data:
            return 0
        head += data
    return int(head.split()[1])


def visit(gate, session: dict, path: str = "/", source: str = VISITOR) -> int:
    with contextlib.closing(connected(gate.port, source)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
        return status(client)


class Holding:
    """An app that responds to /hold when the test permits it, and to /large with much content."""

    def __init__(self, upstream):
        self.lock = threading.Lock()
        self.held = 0
        self.permits = threading.Semaphore(0)
        self.upstream = upstream
        upstream.answer = self.answer

    def answer(self, request, connection):
        if request.target.startswith("/hold"):
            with self.lock:
                self.held += 1
            self.permits.acquire(timeout=30)
            with self.lock:
                self.held -= 1
        if request.target.startswith("/large"):
            return connection.respond(200, {}, LARGE)
        self.upstream.echo(request, connection)

    def release(self, count: int = 1):
        for _ in range(count):
            self.permits.release()


class Trickle:
    """Sends a piece on many sockets repeatedly, until it is stopped."""

    def __init__(self, clients, piece, interval=0.1):
        self.clients, self.piece, self.interval = list(clients), piece, interval
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped.wait(self.interval):
            for client in self.clients:
                with contextlib.suppress(OSError):
                    client.send(self.piece)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join(5)
        for client in self.clients:
            client.close()


def upload(gate, session, framing: bytes, first: bytes, source: str = ATTACKER) -> socket.socket:
    client = connected(gate.port, source)
    client.sendall(f"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n".encode()
                   + framing + b"\r\n\r\n" + first)
    return client


LENGTH, CHUNKED = b"Content-Length: 100000", b"Transfer-Encoding: chunked"


def busy(gate) -> float:
    return Metrics(gate).get("sidegate_upstream_connections") or 0


class TestSlowClients:
    @pytest.mark.parametrize("workers, limit", [(1, 256), (4, 64)])
    def test_streams_that_are_not_read_do_not_block_the_app(self, upstream, start_gate, workers, limit):
        Holding(upstream)
        gate = start_gate(
            upstream, workers=workers, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": limit, "connectTimeout": "3s"})
        session = gate.session_cookie()
        attackers = []
        for _ in range(max(2, limit // 64 if workers > 1 else 2)):
            c = FrameConnection(
                gate.port, settings=setting(INITIAL_WINDOW_SIZE, 0), connected=connected(gate.port, ATTACKER))
            c.cookie = session["Cookie"]
            for n in range(128 if workers == 1 else limit // 2):
                c.request("GET", f"/large/{n}")
            attackers.append(c)
        wait_until(lambda: busy(gate) == limit, "all connections are held")
        # The first request waits until the gate has detected the stalled ones; the others do not.
        assert [visit(gate, session) for _ in range(8)] == [200] * 8
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(contextlib.closing(connected(gate.port, VISITOR))) for _ in range(16)]
            for client in clients:
                client.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
            assert [status(client) for client in clients] == [200] * 16
        assert Metrics(gate).get("sidegate_slow_requests_ended_total", side="response") >= 1
        assert busy(gate) <= limit
        wait_until(lambda: '"response_too_slow"' in gate.log(), "the reason in the log")
        for c in attackers:
            c.close()

    @pytest.mark.parametrize("framing, first, piece", [
        (LENGTH, b"x", b"x"),
        (CHUNKED, b"1;", b"x"),
        (CHUNKED, b"1\r\nx\r\n0\r\nX-T: ", b"x"),
    ], ids=["content", "chunk extension", "trailer"])
    def test_uploads_that_trickle_do_not_block_the_app(self, upstream, start_gate, framing, first, piece):
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 32, "connectTimeout": "3s"})
        session = gate.session_cookie()
        with Trickle([upload(gate, session, framing, first) for _ in range(40)], piece):
            wait_until(lambda: busy(gate) == 32, "all connections are held")
            assert [visit(gate, session) for _ in range(6)] == [200] * 6
        assert Metrics(gate).get("sidegate_slow_requests_ended_total", side="request") >= 1
        wait_until(lambda: '"request_too_slow"' in gate.log(), "the reason in the log")

    def test_slow_requests_from_many_addresses_end_after_the_grace_period(self, upstream, start_gate):
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 8, "connectTimeout": "40s"})
        session = gate.session_cookie()
        clients = [upload(gate, session, LENGTH, b"x", source=f"127.0.1.{n}") for n in range(1, 9)]
        with Trickle(clients, b"x", interval=0.5):
            wait_until(lambda: busy(gate) == 8, "all connections are held")
            begun = time.monotonic()
            with contextlib.closing(connected(gate.port, VISITOR)) as client:
                client.settimeout(40)
                client.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
                assert status(client) == 200
            assert time.monotonic() - begun > 10, "there was no grace period"
            # One request was ended for it; the others continue, because none waits any more.
            assert status(select.select(clients, [], [], 20)[0][0]) == 408

    def test_no_request_is_ended_while_none_waits(self, upstream, start_gate):
        gate = start_gate(
            upstream, admin=admin(), upstream={"url": upstream.url, "maxConnections": 2, "connectTimeout": "400ms"})
        session = gate.session_cookie()
        with Trickle([upload(gate, session, LENGTH, b"x")], b"x"):
            wait_until(lambda: busy(gate) == 1, "the upload has a connection")
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                assert visit(gate, session) == 200
        assert Metrics(gate).get("sidegate_slow_requests_ended_total", side="request") == 0

    def test_a_head_alone_occupies_no_connection(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin(), upstream={"url": upstream.url, "maxConnections": 1})
        session = gate.session_cookie()
        head = (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\nContent-Length: 10\r\n\r\n").encode()
        clients = [connected(gate.port, ATTACKER) for _ in range(8)]
        for client in clients:
            client.sendall(head)
        c = FrameConnection(gate.port)
        c.cookie = session["Cookie"]
        stream = c.request("POST", "/h2", [("content-length", "10")], end=False)
        assert [visit(gate, session) for _ in range(4)] == [200] * 4
        for client in clients:
            client.sendall(b"01234")
            client.sendall(b"56789")
            assert status(client) == 200
            client.close()
        assert [r.body for r in upstream.requests if r.method == "POST"] == [b"0123456789"] * 8
        c.data(stream, b"0123456789", end=True)
        assert c.response(stream).status == 200 and upstream.last.body == b"0123456789"
        c.close()

    def test_with_expect_the_request_is_sent_at_once(self, upstream, start_gate):
        gate = start_gate(upstream)
        heads = []

        def serve(connection):
            request = connection.read_head()
            heads.append(request)
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            upstream.read_body(request, connection)
            connection.respond(200, {}, request.body)
        upstream.serve = serve
        session = gate.session_cookie()
        with contextlib.closing(connected(gate.port, VISITOR)) as client:
            client.sendall((f"PUT / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\nExpect: 100-continue\r\n"
                            "Content-Length: 3\r\n\r\n").encode())
            assert status(client) == 100
            client.sendall(b"abc")
            assert status(client) == 200


class TestStalledRequests:
    """Requests of one client that hold all connections without sending, in states without a minimum rate."""

    def test_the_clients_share_applies_after_a_response_has_begun(self, upstream, start_gate):
        begun = []

        def serve(connection):
            request = connection.read_head()
            if request.method == "POST":
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                begun.append(request)
                upstream.read_body(request, connection)
            else:
                connection.respond(200, {}, b"")
        upstream.serve = serve
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 4, "connectTimeout": "3s"})
        session = gate.session_cookie()
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(contextlib.closing(upload(gate, session, LENGTH, b"x")))
            wait_until(lambda: len(begun) == 4, "all responses have begun")
            assert [visit(gate, session) for _ in range(3)] == [200] * 3
        wait_until(lambda: '"request_too_slow"' in gate.log(), "the reason in the log")

    def test_an_app_that_ignores_expect_is_not_blocked(self, upstream, start_gate):
        waits = []

        def serve(connection):
            request = connection.read_head()
            if request.method == "POST":
                waits.append(request)
                upstream.read_body(request, connection)
            connection.respond(200, {}, b"")
        upstream.serve = serve
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 4, "connectTimeout": "3s"})
        session = gate.session_cookie()
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(contextlib.closing(
                    upload(gate, session, LENGTH + b"\r\nExpect: 100-continue", b"")))
            wait_until(lambda: len(waits) == 4, "all requests are at the app")
            assert [visit(gate, session) for _ in range(3)] == [200] * 3

    @pytest.mark.parametrize("path", ["/call", "/begun"])
    @pytest.mark.parametrize("content", [b"", b"\0\0\0\xff\xff", b"\0\0\0\0\0"], ids=["nothing", "half a message", "a message"])
    def test_calls_over_shared_connections_do_not_exceed_the_share(self, start_gate, path, content):
        app = H2Upstream()
        begun = []

        def began(request):
            if request.method == "POST":
                if path == "/begun":
                    request.head(200, {"content-type": "application/grpc"})
                begun.append(request)
        app.began = began
        app.settings = setting(MAX_CONCURRENT_STREAMS, 2)
        # Shorter than the ten seconds after which a slow request ends anyway.
        gate = start_gate(
            app.url, workers=1, admin=admin(), upstream={"url": app.url, "maxConnections": 2, "connectTimeout": "9s"})
        session = gate.session_cookie()
        attackers = []
        try:
            for _ in range(8):
                c = FrameConnection(gate.port, connected=connected(gate.port, ATTACKER))
                attackers.append(c)
                c.cookie = session["Cookie"]
                stream = c.request("POST", path, [("content-type", "application/grpc"), ("te", "trailers")], end=False)
                if content:
                    c.data(stream, content)
            wait_until(lambda: len(begun) == 4, "all streams are held")
            assert [visit(gate, session) for _ in range(3)] == [200] * 3
        finally:
            for c in attackers:
                c.close()
            app.close()


class TestClientsThatReturn:
    def test_slow_clients_that_reconnect_do_not_block_the_app_again(self, upstream, start_gate):
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 4, "connectTimeout": "4s"})
        session = gate.session_cookie()
        stopped = threading.Event()

        def attack(source):
            while not stopped.is_set():
                with contextlib.suppress(OSError), contextlib.closing(
                        upload(gate, session, LENGTH, b"x", source)) as client:
                    while not stopped.is_set() and not select.select([client], [], [], 0.2)[0]:
                        client.send(b"x")
        # Each address is another client, and none exceeds its share.
        threads = [threading.Thread(target=attack, args=(f"127.0.2.{n}",), daemon=True) for n in range(1, 5)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: busy(gate) == 4, "all connections are held")
            wait_until(lambda: visit(gate, session) == 200, "slow requests end", deadline=60)
            results = []
            for _ in range(6):
                wait_until(lambda: busy(gate) == 4, "all connections are held again")
                results.append(visit(gate, session))
            assert results == [200] * 6
        finally:
            stopped.set()
            for thread in threads:
                thread.join(5)


    def test_one_address_gets_no_more_than_its_share_again_though_nobody_waits(self, upstream, start_gate):
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 4, "connectTimeout": "1s"})
        session = gate.session_cookie()
        # Connections to the app are those that somebody holds.
        upstream.answer = lambda request, connection: (connection.respond(200, {"Connection": "close"}), connection.close())
        stopped, begun = threading.Event(), []

        def attack():
            while not stopped.is_set():
                with contextlib.suppress(OSError), contextlib.closing(upload(gate, session, LENGTH, b"x")) as client:
                    begun.append(client)
                    while not stopped.is_set() and not select.select([client], [], [], 0.2)[0]:
                        client.send(b"x")
        threads = [threading.Thread(target=attack, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: busy(gate) == 4, "all connections are held")
            wait_until(lambda: visit(gate, session) == 200, "slow requests end", deadline=60)
            wait_until(lambda: busy(gate) <= 2, "the rest of them as well", deadline=60)
            before, most = len(begun), []
            wait_until(lambda: most.append(busy(gate)) or len(begun) >= before + 16, "all have tried again", deadline=60)
            assert max(most) <= 2
            assert [visit(gate, session) for _ in range(10)] == [200] * 10
        finally:
            stopped.set()
            for thread in threads:
                thread.join(5)


def slow_h2_upload(gate, session, source, length=100_000):
    """A connection, and its stream whose content trickles."""
    c = FrameConnection(gate.port, connected=connected(gate.port, source))
    c.cookie = session["Cookie"]
    stream = c.request("POST", "/upload", [("content-length", str(length))], end=False)
    c.data(stream, b"x")
    return c, stream


def is_held_back(gate, session, source: str) -> bool:
    """Whether the client gets no second one of two connections, though nobody waits: that exceeds the share of a penalized
    client."""
    with contextlib.closing(upload(gate, session, LENGTH, b"x", source)), contextlib.closing(connected(gate.port, source)) as second:
        second.settimeout(2)
        second.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
        try:
            return status(second) != 200
        except TimeoutError:
            return True


class TestClientsThatEndTheirRequests:
    """Before the rate rule would: they break them off, or complete them."""

    @pytest.mark.parametrize("seconds, is_slow", [(6, True), (1, False)])
    @pytest.mark.parametrize("end", [
        "close", "reset", "invalid chunk", "last chunk", "last byte", "h2 reset", "h2 close", "h2 last byte"])
    def test_they_are_penalized_as_if_the_rule_had_ended_them(self, upstream, start_gate, end, seconds, is_slow):
        gate = start_gate(
            upstream, admin=admin(), workers=1,
            upstream={"url": upstream.url, "maxConnections": 2, "connectTimeout": "40s"})
        session = gate.session_cookie()
        if end.startswith("h2"):
            length = 2 if end == "h2 last byte" else 100_000
            held = [slow_h2_upload(gate, session, f"127.0.4.{n}", length) for n in (1, 2)]
        elif end == "last byte":
            held = [upload(gate, session, b"Content-Length: 2", b"x", f"127.0.4.{n}") for n in (1, 2)]
        else:
            held = [upload(gate, session, CHUNKED, b"1\r\nx\r\n5;", f"127.0.4.{n}") for n in (1, 2)]
        wait_until(lambda: busy(gate) == 2, "all connections are held")
        with contextlib.closing(connected(gate.port, VISITOR)) as visitor:
            visitor.settimeout(40)
            visitor.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
            wait_until(lambda: Metrics(gate).get("sidegate_upstream_requests_waiting") == 1, "the visitor waits")
            # What is tested is a time for which others have waited.
            time.sleep(seconds)
            one = held[0]
            if end == "close":
                one.close()
            elif end == "reset":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.close()
            elif end == "invalid chunk":
                one.sendall(b"x" * 20_000 + b"\r\n")
            elif end == "last chunk":
                one.sendall(b"x\r\nhello\r\n0\r\n\r\n")
            elif end == "last byte":
                one.sendall(b"y")
            elif end == "h2 last byte":
                one[0].data(one[1], b"y", end=True)
            elif end == "h2 reset":
                one[0].socket.sendall(frame(RST_STREAM, 0, one[1], struct.pack("!I", 8)))
            else:
                one[0].close()
            assert status(visitor) == 200
        (held[1][0] if end.startswith("h2") else held[1]).close()
        if is_slow:
            wait_until(lambda: is_held_back(gate, session, "127.0.4.1"), "the client is penalized", deadline=20)
        else:
            assert not any(is_held_back(gate, session, "127.0.4.1") for _ in range(3))
        assert not is_held_back(gate, session, VISITOR)


class TestClientsThatStopReading:
    def test_they_are_penalized_when_they_leave_before_the_rule_would_end_them(self, upstream, start_gate):
        upstream.answer = lambda request, connection: (
            connection.respond(200, {}, bytes(30_000_000)) if request.target == "/large"
            else upstream.echo(request, connection))
        gate = start_gate(
            upstream, admin=admin(), workers=1,
            upstream={"url": upstream.url, "maxConnections": 2, "connectTimeout": "40s"})
        session = gate.session_cookie()
        plain = connected(gate.port, "127.0.4.1", receive_buffer=4096)
        plain.sendall(f"GET /large HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
        framed = FrameConnection(gate.port, connected=connected(gate.port, "127.0.4.2"))
        framed.updates_windows = False
        framed.cookie = session["Cookie"]
        framed.request("GET", "/large")
        wait_until(lambda: busy(gate) == 2, "all connections are held")
        with contextlib.closing(connected(gate.port, VISITOR)) as visitor:
            visitor.settimeout(40)
            visitor.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
            wait_until(lambda: Metrics(gate).get("sidegate_upstream_requests_waiting") == 1, "the visitor waits")
            # Two fifths of 30 s, for which others have waited.
            time.sleep(14)
            plain.close()
            framed.close()
            assert status(visitor) == 200
        for source in ("127.0.4.1", "127.0.4.2"):
            wait_until(lambda source=source: is_held_back(gate, session, source), f"{source} is penalized", deadline=20)

    @pytest.mark.parametrize("addresses", [2, 3])
    def test_several_within_their_shares_do_not_hold_all_connections(self, upstream, start_gate, addresses):
        """Of requests whose response has begun no rate is asked."""
        def serve(connection):
            request = connection.read_head()
            if request.target != "/early":
                return connection.respond(200, {}, b"ok")
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            while True:
                connection.fill()
        upstream.serve = serve
        gate = start_gate(
            upstream, admin=admin(), workers=2,
            upstream={"url": upstream.url, "maxConnections": 6, "connectTimeout": "4s"})
        session = gate.session_cookie()
        stopped, dripping = threading.Event(), []

        def attack(source):
            while not stopped.is_set():
                with contextlib.suppress(OSError), contextlib.closing(connected(gate.port, source)) as client:
                    client.sendall((f"POST /early HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n").encode())
                    dripping.append(client)
                    while not stopped.wait(0.2):
                        client.send(b"1\r\nx\r\n")
        threads = [threading.Thread(target=attack, args=(f"127.0.6.{1 + n % addresses}",), daemon=True) for n in range(6)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: busy(gate) == 6, "all connections are held")
            wait_until(lambda: visit(gate, session) == 200, "stalled requests end", deadline=60)
            assert [visit(gate, session) for _ in range(8)] == [200] * 8
        finally:
            stopped.set()
            for thread in threads:
                thread.join(5)


class TestClientsThatLeave:
    @pytest.mark.parametrize("is_whole", [True, False])
    def test_an_http2_client_that_disconnects_holds_no_connection(self, upstream, start_gate, is_whole):
        app = Holding(upstream)
        gate = start_gate(
            upstream, admin=admin(), upstream={"url": upstream.url, "maxConnections": 1, "connectTimeout": "20s"})
        c = FrameConnection(gate.port)
        session = gate.session_cookie()
        c.cookie = session["Cookie"]
        c.request("GET" if is_whole else "POST", "/hold", end=is_whole)
        wait_until(lambda: busy(gate) == 1, "the first request has the connection")
        c.request("GET", "/hold")
        wait_until(lambda: Metrics(gate).get("sidegate_upstream_requests_waiting") == 1, "the second waits")
        c.socket.shutdown(socket.SHUT_WR)
        assert visit(gate, session) == 200
        assert Metrics(gate).get("sidegate_upstream_requests_waiting") == 0
        app.release(2)
        c.close()


class TestTheProcessLimit:
    def test_workers_share_it(self, upstream, start_gate):
        app = Holding(upstream)
        gate = start_gate(
            upstream, workers=4, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 8, "connectTimeout": "20s"})
        session = gate.session_cookie()

        def ask():
            client = connected(gate.port, VISITOR)
            client.sendall(f"GET /hold HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
            return client
        before = len(upstream.connections)
        for _ in range(3):  # the connections stay with some workers; in the next round others need them
            clients = [ask() for _ in range(8)]
            wait_until(lambda: app.held == 8, "all eight are at the app")
            ninth = ask()
            wait_until(lambda: Metrics(gate).get("sidegate_upstream_requests_waiting") == 1, "the ninth waits")
            assert app.held == 8 and busy(gate) == 8
            app.release(1)
            wait_until(lambda: app.held == 8, "the ninth is at the app")
            app.release(8)
            assert [status(client) for client in [*clients, ninth]] == [200] * 9
            for client in [*clients, ninth]:
                client.close()
        assert len(upstream.connections) - before < 60

    @pytest.mark.parametrize("limit", [1, 3])
    def test_many_more_requests_than_connections_are_all_served(self, upstream, start_gate, limit):
        gate = start_gate(
            upstream, workers=4, upstream={"url": upstream.url, "maxConnections": limit, "connectTimeout": "20s"})
        session = gate.session_cookie()
        running, most, lock = [0], [0], threading.Lock()

        def answer(request, connection):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            threading.Event().wait(0.002)
            with lock:
                running[0] -= 1
            upstream.echo(request, connection)
        upstream.answer = answer
        results = []

        def run(source):
            with Connection(gate.port) as connection:
                for _ in range(20):
                    results.append(connection.exchange("GET", "/", session).status)
        threads = [threading.Thread(target=run, args=(n,)) for n in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert results == [200] * 480 and most[0] <= limit

    def test_connections_from_before_a_reload_count(self, upstream, start_gate):
        app = Holding(upstream)
        gate = start_gate(
            upstream, workers=2, admin=admin(),
            upstream={"url": upstream.url, "maxConnections": 1, "connectTimeout": "20s"})
        session = gate.session_cookie()

        def ask():
            client = connected(gate.port, VISITOR)
            client.sendall(f"GET /hold HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n".encode())
            return client
        first = ask()
        wait_until(lambda: app.held == 1, "one is at the app")
        change(gate, upstream={"idleTimeout": "50s"})
        second = ask()
        wait_until(lambda: Metrics(gate).get("sidegate_upstream_requests_waiting") == 1, "the second waits")
        assert app.held == 1
        change(gate, upstream={"maxConnections": 2})
        wait_until(lambda: app.held == 2, "the new limit admits the second")
        third = ask()
        wait_until(lambda: Metrics(gate).get("sidegate_upstream_requests_waiting") == 1, "the third waits")
        change(gate, upstream={"maxConnections": 1})
        app.release(1)
        wait_until(lambda: app.held == 1, "one has ended, and the third still waits")
        assert Metrics(gate).get("sidegate_upstream_requests_waiting") == 1
        app.release(2)
        assert [status(client) for client in (first, second, third)] == [200] * 3

    def test_a_failed_connection_attempt_does_not_count(self, upstream, start_gate):
        gate = start_gate(
            "http://127.0.0.1:9", workers=2, admin=admin(),
            upstream={"url": "http://127.0.0.1:9", "maxConnections": 1, "connectTimeout": "5s"})
        session = gate.session_cookie()
        assert [visit(gate, session) for _ in range(20)] == [502] * 20
        assert busy(gate) == 0
