# SPDX-License-Identifier: Apache-2.0
"""Time limits of everything that arrives in parts. Each unit is sent a byte at a time, faster than any limit between two
bytes: the gate must close the connection although something always arrives."""

import socket
import ssl
import struct
import threading

import pytest

from harness import frames as h2
from harness.certificates import Authority
from harness.frames import END_HEADERS, END_STREAM, PADDED, FrameConnection, frame, setting, word
from harness.secure import SecureConnection, SecureHTTP2, secured, trusting
from harness.trickle import SealedConnection, trickle
from harness.wire import Connection

PROXY = "127.0.0.2"
LIMITS = {"headerTimeout": "400ms", "bodyIdleTimeout": "400ms", "keepAliveTimeout": "1h"}
MUCH = 4000  # bytes: more than are sent within any limit


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority):
    return {"certificates": [authority.issue("ec", "DNS:localhost,IP:127.0.0.1").settings]}


@pytest.fixture(scope="module")
def plain(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, limits=LIMITS)


@pytest.fixture(scope="module")
def secure(module_upstream, start_module_gate, authority, tls):
    return secured(start_module_gate(module_upstream, limits=LIMITS, tls=tls), trusting(authority))


@pytest.fixture(scope="module")
def plain_cookie(plain):
    return plain.session_cookie()


@pytest.fixture(scope="module")
def secure_cookie(secure):
    return secure.session_cookie()


@pytest.fixture(autouse=True)
def app(upstream):
    """Responds to /hold when the test is over."""
    released = threading.Event()

    def answer(request, connection):
        if request.target == "/hold":
            released.wait(30)
        upstream.echo(request, connection)
    upstream.answer = answer
    yield upstream
    released.set()


@pytest.fixture(params=["plain", "tls"])
def open1(request, plain, secure, authority, plain_cookie, secure_cookie):
    """Opens HTTP/1.1 connections; `cookie` is a session's."""
    def open1():
        if request.param == "plain":
            connection, cookie = Connection(plain.port), plain_cookie
        else:
            connection, cookie = SecureConnection(secure.port, trusting(authority)), secure_cookie
        connection.cookie = cookie["Cookie"]
        return connection
    return open1


@pytest.fixture(params=["plain", "tls"])
def open2(request, plain, secure, authority, plain_cookie, secure_cookie):
    """Opens HTTP/2 connections."""
    def open2(**options):
        if request.param == "plain":
            connection, cookie = FrameConnection(plain.port, **options), plain_cookie
        else:
            connection, cookie = SecureHTTP2(secure.port, trusting(authority), **options), secure_cookie
        connection.cookie = cookie["Cookie"]
        return connection
    return open2


def post(c, framing: str) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: {c.authority}\r\nCookie: {c.cookie}\r\n{framing}\r\n\r\n".encode()


def get(c) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {c.authority}\r\nCookie: {c.cookie}\r\n\r\n".encode()


CHUNKED = "Transfer-Encoding: chunked"


class TestHTTP1:
    @pytest.mark.parametrize("unit", [
        b"GET /" + b"a" * MUCH, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MUCH, b"\r\n" * MUCH,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ], ids=["request line", "field", "empty lines", "preface of HTTP/2"])
    @pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
    def test_heads(self, open1, unit, is_first):
        with open1() as c:
            if not is_first:
                c.send(get(c))
                assert c.response().status == 200
            answer = trickle(c.socket, unit)
            assert answer.split(b" ")[1:2] in ([], [b"408"], [b"400"], [b"505"]), answer[:100]

    def test_a_head_behind_a_whole_request(self, open1):
        with open1() as c:
            c.send(get(c) + b"GET / HTTP/1.1\r\nX: ")
            assert c.response().status == 200
            assert b" 408 " in trickle(c.socket, b"a" * MUCH)

    @pytest.mark.parametrize("unit", [
        b"5;e=" + b"a" * MUCH, b"0" * MUCH, b"5\r\nhello", b"5\r\nhello\r\n0\r\nX: " + b"a" * MUCH,
        b"5\r\nhello\r\n0\r\n" + b"X: a\r\n" * MUCH,
    ], ids=["chunk extension", "chunk size", "the end of a chunk", "trailer", "trailers"])
    def test_parts_of_a_body_that_are_no_content(self, open1, unit):
        with open1() as c:
            c.send(post(c, CHUNKED))
            answer = trickle(c.socket, unit)
            assert answer.split(b" ")[1:2] in ([b"408"], [b"400"]), answer[:100]

    @pytest.mark.parametrize("framing, body", [("Content-Length: 60", b"a" * 60), (CHUNKED, b"3c\r\n" + b"a" * 60 + b"\r\n0\r\n\r\n")])
    def test_content_that_makes_progress_is_waited_for(self, open1, framing, body):
        """Longer than each limit."""
        with open1() as c:
            c.send(post(c, framing))
            trickle(c.socket, body, until_closed=False)
            assert c.response().status == 200

    def test_content_that_stops_is_not(self, open1):
        for framing, body in (("Content-Length: 60", b"a" * 50), (CHUNKED, b"3c\r\n" + b"a" * 50)):
            with open1() as c:
                c.send(post(c, framing) + body)
                assert c.response().status == 408
                assert c.is_closed_by_peer()


def headers(c, size: int = MUCH, flags: int = END_HEADERS | END_STREAM, stream: int = 101) -> bytes:
    return frame(h2.HEADERS, flags, stream, h2.block(c.fields(fields=[("x-padding", "a" * size)])))


class TestHTTP2:
    UNITS = {
        "a head": lambda c: headers(c),
        "the start of a frame": lambda c: frame(h2.SETTINGS, 0, 0, bytes(600))[:8],
        "SETTINGS": lambda c: frame(h2.SETTINGS, 0, 0, setting(9, 1) * 300),
        "PING": lambda c: frame(h2.PING, 0, 0, bytes(8))[:16],
        "WINDOW_UPDATE": lambda c: frame(h2.WINDOW_UPDATE, 0, 0, word(1))[:12],
        "an unknown frame": lambda c: frame(0xbb, 0, 0, bytes(MUCH)),
        "GOAWAY": lambda c: frame(h2.GOAWAY, 0, 0, bytes(MUCH)),
        "CONTINUATION": lambda c: headers(c, 100, END_STREAM) + frame(h2.CONTINUATION, 0, 101, h2.literal("a", "b" * 100)) * 5,
        "one CONTINUATION": lambda c: headers(c, 10, END_STREAM) + frame(h2.CONTINUATION, END_HEADERS, 101, h2.literal("a", "b" * MUCH)),
    }

    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "with a request in flight"])
    def test_frames(self, open2, upstream, unit, is_busy):
        with open2() as c:
            # Without requests of its own, the time limit for the first SETTINGS is over.
            assert c.get().status == 200
            if is_busy:
                c.request("GET", "/hold")
                upstream.wait_for_requests(2)
            trickle(c.socket, self.UNITS[unit](c))

    @pytest.mark.parametrize("preface", [h2.PREFACE, h2.PREFACE + frame(h2.SETTINGS, 0, 0, setting(9, 1) * 100)])
    def test_the_preface(self, open2, preface):
        with open2(hello=False) as c:
            trickle(c.socket, preface)

    def test_trailers(self, open2):
        with open2() as c:
            stream = c.request("POST", "/", end=False)
            c.data(stream, b"some")
            trickle(c.socket, frame(h2.HEADERS, END_HEADERS | END_STREAM, stream, h2.literal("x", "a" * MUCH)))

    def test_padding_is_no_content(self, open2):
        with open2() as c:
            stream = c.request("POST", "/", end=False)
            trickle(c.socket, frame(h2.DATA, PADDED, stream, b"\xff" + bytes(255)))

    def test_content_of_a_stream_that_was_reset(self, open2):
        with open2() as c:
            c.send(c.headers(1, [(":method", "POST")], end=False))  # malformed
            assert c.stream_or_connection_error(1) == ("stream", h2.PROTOCOL_ERROR)
            trickle(c.socket, frame(h2.DATA, 0, 1, bytes(MUCH)))

    def test_content_that_makes_progress_is_waited_for(self, open2):
        with open2() as c:
            stream = c.request("POST", "/", end=False)
            c.buffer += trickle(c.socket, frame(h2.DATA, END_STREAM, stream, b"a" * 60), until_closed=False)
            assert c.response(stream).status == 200


class TestTLS:
    def test_the_handshake(self, secure, authority):
        with SealedConnection(secure.port, trusting(authority)) as c:
            trickle(c.socket, c.hello())

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_record_between_requests(self, secure, secure_cookie, authority, version):
        context = trusting(authority, minimum_version=version, maximum_version=version)
        with SealedConnection(secure.port, context) as c:
            c.handshake()
            c.authority, c.cookie = f"localhost:{secure.port}", secure_cookie["Cookie"]
            c.send(get(c))
            assert c.read().startswith(b"HTTP/1.1 200 ")
            trickle(c.socket, c.sealed(b"GET / HTTP/1.1\r\nX: " + b"a" * MUCH))

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    @pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "with a request in flight"])
    def test_a_record_between_frames(self, secure, secure_cookie, authority, upstream, version, is_busy):
        context = trusting(authority, minimum_version=version, maximum_version=version)
        with SealedConnection(secure.port, context, alpn=["h2"]) as c:
            c.handshake()
            frames = FrameConnection(secure.port, hello=False, connected=c.socket)
            frames.authority, frames.cookie = f"localhost:{secure.port}", secure_cookie["Cookie"]
            fields = frames.fields("GET", "/hold" if is_busy else "/", scheme="https")
            c.send(h2.PREFACE + frame(h2.SETTINGS) + frame(h2.SETTINGS, h2.ACK) + frames.headers(1, fields))
            if is_busy:
                upstream.wait_for_requests(1)
            else:
                got = b""
                while b"method" not in got:
                    got += c.read()
            trickle(c.socket, c.sealed(frame(h2.PING, 0, 0, bytes(8)) * 200))


class TestPROXYProtocol:
    @pytest.fixture(scope="class")
    def proxied(self, module_upstream, start_module_gate, tls):
        return start_module_gate(
            module_upstream, limits=LIMITS, tls=tls, proxyProtocol=True, trustedProxies=[f"{PROXY}/32"])

    @staticmethod
    def connected(gate) -> socket.socket:
        made = socket.socket()
        made.settimeout(30)
        made.bind((PROXY, 0))
        made.connect(("127.0.0.1", gate.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    @pytest.mark.parametrize("header", [
        b"PROXY TCP4 203.0.113.9 198.51.100.1 40000 443\r",
        b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack(">BBH", 0x21, 0x11, 2000) + bytes(1900)])
    def test_the_header(self, proxied, header):
        with self.connected(proxied) as made:
            trickle(made, header)

    def test_the_handshake_behind_it(self, proxied, authority):
        with self.connected(proxied) as made, SealedConnection(proxied.port, trusting(authority)) as c:
            made.sendall(b"PROXY TCP4 203.0.113.9 198.51.100.1 40000 443\r\n")
            trickle(made, c.hello())
