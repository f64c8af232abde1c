# SPDX-License-Identifier: Apache-2.0
"""Apps that need Content-Length: content without a length is collected first (`upstream.collectRequests`)."""

import fcntl
import json
import socket
import struct
import termios

import pytest

from harness.frames import HEADERS, END_HEADERS, END_STREAM, FrameConnection, block, frame
from harness.gate import sidegate
from harness.h2_upstream import H2Upstream
from harness.process import wait_until

LIMIT = 65_536


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, access={"default": "guest"}, upstream={
        "url": module_upstream.url, "collectRequests": "64KiB"})


@pytest.fixture(scope="module")
def plain_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, access={"default": "guest"})


CHUNKED = {"Transfer-Encoding": "chunked"}


def chunks(*pieces: bytes, trailers: str = "") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n" + trailers.encode() + b"\r\n"


def framing(request) -> tuple:
    return request.get("Content-Length"), request.get("Transfer-Encoding")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_chunked_content_reaches_the_app_with_its_length(gate, upstream, method):
    with gate.connection() as connection:
        for pieces in ([b"hello"], [b"a" * 1000, b"b", b"c" * 30_000], [b"x" * LIMIT], []):
            body = b"".join(pieces)
            assert connection.exchange(method, "/", CHUNKED, chunks(*pieces)).status == 200
            assert framing(upstream.last) == (str(len(body)), None) and upstream.last.body == body


def test_content_in_single_bytes(gate, upstream):
    with gate.connection() as connection:
        connection.request("POST", "/", CHUNKED)
        for byte in chunks(b"ab", b"c"):
            connection.send(bytes([byte]))
        assert connection.response("POST").json()["body"] == "abc"
    assert framing(upstream.last) == ("3", None)


def test_more_than_the_limit_passes_in_chunks(gate, upstream):
    body = bytes(range(256)) * 1200
    with gate.connection() as connection:
        for pieces in ([body], [body[:LIMIT], body[LIMIT:]], [body[:LIMIT] + b"!"]):
            assert connection.exchange("POST", "/", CHUNKED, chunks(*pieces)).status == 200
            assert framing(upstream.last) == (None, "chunked") and upstream.last.body == b"".join(pieces)


def test_longer_content_is_not_awaited(gate, upstream):
    seen = []

    def serve(connection):
        request = connection.read_head()
        pieces = connection.body_pieces(request)
        while sum(map(len, seen)) <= LIMIT:
            seen.append(next(pieces))
        connection.respond(200, {}, b"early")

    upstream.serve = serve
    with gate.connection() as connection:
        connection.request("POST", "/", CHUNKED)
        connection.send(b"%x\r\n%s\r\n" % (LIMIT + 1, b"x" * (LIMIT + 1)))
        assert connection.read_head().status == 200


def test_content_with_a_length_is_not_collected(gate, upstream):
    seen = []

    def serve(connection):
        seen.append(connection.read_head())
        connection.read_exactly(1)
        connection.respond(200, {}, b"early")

    upstream.serve = serve
    with gate.connection() as connection:
        connection.request("POST", "/", {"Content-Length": "2"})
        connection.send(b"x")
        assert connection.read_head().status == 200
    assert framing(seen[0]) == ("2", None)


def test_the_gate_asks_for_content_that_is_held_back(gate, upstream):
    with gate.connection() as connection:
        connection.request("POST", "/", {**CHUNKED, "Expect": "100-continue"})
        assert connection.read_head().status == 100
        connection.send(chunks(b"hello"))
        assert connection.response("POST").json()["body"] == "hello"
    assert framing(upstream.last) == ("5", None) and upstream.last.get("Expect") is None


def test_trailers(gate, upstream):
    with gate.connection() as connection:
        body = chunks(b"hello", trailers="X-Sum: 1\r\n")
        assert connection.exchange("POST", "/", {**CHUNKED, "Trailer": "X-Sum"}, body).status == 200
        assert framing(upstream.last) == ("5", None) and upstream.last.trailers == [] and upstream.last.get("Trailer") is None
        big = chunks(b"x" * (LIMIT + 1), trailers="X-Sum: 1\r\n")
        assert connection.exchange("POST", "/", {**CHUNKED, "Trailer": "X-Sum"}, big).status == 200
        assert upstream.last.trailers == [("X-Sum", "1")] and upstream.last.get("Trailer") == "X-Sum"


def test_a_client_that_goes_in_the_middle_leaves_no_request(gate, upstream):
    before = len(upstream.requests)
    for end in ("close", "reset"):
        with gate.connection() as connection:
            connection.request("POST", "/", CHUNKED)
            connection.send(b"5\r\nhello\r\n")
            getattr(connection, end)()
    with FrameConnection(gate.port) as connection:
        stream = connection.request("POST", "/", end=False)
        connection.data(stream, b"hello")
        connection.send(frame(3, 0, stream, (8).to_bytes(4, "big")))
        assert connection.get("/after").status == 200
    with gate.connection() as connection:
        connection.request("POST", "/", CHUNKED)
        connection.send(b"5\r\nhelloXX")
        assert connection.read_head().status == 400
    assert [r.target for r in upstream.requests[before:]] == ["/after"]


def test_bad_chunks_and_content_that_is_too_long_are_refused(upstream, start_gate):
    gate = start_gate(upstream, access={"default": "guest"}, limits={"bodyBytes": "1KiB"},
                      upstream={"url": upstream.url, "collectRequests": "1MiB"})
    before = len(upstream.requests)
    with gate.connection() as connection:
        assert connection.exchange("POST", "/", CHUNKED, chunks(b"x" * 1025)).status == 413
    with gate.connection() as connection:
        assert connection.exchange("POST", "/", CHUNKED, chunks(b"x" * 1024)).status == 200
    assert len(upstream.requests) == before + 1


def test_calls_and_upgrades_are_not_collected(gate, upstream):
    seen = []

    def serve(connection):
        request = connection.read_head()
        seen.append(request)
        next(connection.body_pieces(request))
        connection.respond(200, {}, b"")

    upstream.serve = serve
    for fields in ({"Content-Type": "application/grpc+proto"}, {"Connection": "upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}):
        with gate.connection() as connection:
            connection.request("POST", "/", {**CHUNKED, **fields})
            connection.send(b"5\r\nhello\r\n")
            assert connection.read_head().status == 200, fields
    assert [framing(r) for r in seen] == [(None, "chunked")] * 2


def test_over_http2(gate, upstream):
    with FrameConnection(gate.port) as connection:
        for pieces in ([b"hello"], [b"a" * 16_000] * 4, [b""]):
            stream = connection.request("POST", "/", end=False)
            for index, piece in enumerate(pieces):
                connection.data_frame(stream, piece, END_STREAM if index == len(pieces) - 1 else 0)
            assert connection.response(stream).status == 200
            assert framing(upstream.last) == (str(sum(map(len, pieces))), None)
            assert upstream.last.body == b"".join(pieces)
        stream = connection.request("POST", "/", end=False)
        for index in range(5):
            connection.data_frame(stream, b"b" * 16_000, END_STREAM if index == 4 else 0)
        assert connection.response(stream).status == 200
        assert framing(upstream.last) == (None, "chunked") and upstream.last.body == b"b" * 80_000
        stream = connection.request("POST", "/", end=False)
        connection.data(stream, b"hello")
        connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block([("x-sum", "1")])))
        assert connection.response(stream).status == 200
        assert framing(upstream.last) == ("5", None) and upstream.last.body == b"hello"


@pytest.mark.parametrize("method, length", [("POST", "0"), ("PUT", "0"), ("PATCH", "0"), ("GET", None), ("DELETE", None), ("HEAD", None), ("OPTIONS", None)])
def test_a_request_over_http2_without_content(plain_gate, upstream, method, length):
    with FrameConnection(plain_gate.port) as connection:
        assert connection.response(connection.request(method, "/")).status == 200
        assert framing(upstream.last) == (length, None)
        # The end in a frame of its own, in the same packet.
        stream = connection.next_stream
        connection.next_stream += 2
        head = connection.encoder.encode(connection.fields(method, "/"))
        connection.send(frame(HEADERS, END_HEADERS, stream, head) + frame(0, END_STREAM, stream))
        assert connection.response(stream).status == 200
        assert framing(upstream.last) == (length, None)


def test_an_app_that_speaks_http2_gets_length_and_trailers(start_gate):
    app = H2Upstream()
    try:
        gate = start_gate("x", access={"default": "guest"},
                          upstream={"url": f"h2c://127.0.0.1:{app.port}", "collectRequests": "64KiB"})
        seen = []
        app.answer = lambda request: (seen.append(request), request.respond(200, {}, b"ok"))
        with gate.connection() as connection:
            assert connection.exchange("POST", "/", CHUNKED, chunks(b"hello", trailers="X-Sum: 1\r\n")).status == 200
            assert connection.exchange("POST", "/", CHUNKED, chunks()).status == 200
        assert [(r.get("content-length"), r.body, r.trailers) for r in seen] == [
            ("5", b"hello", [("x-sum", "1")]), ("0", b"", [])]
    finally:
        app.close()


def test_collected_content_is_sent_again_if_the_kept_connection_was_dead(gate, upstream):
    """PUT may be repeated, and its content is there. POST may not."""
    for method, status in (("PUT", 200), ("POST", 502)):
        with gate.connection() as connection:
            assert connection.exchange("GET", "/").status == 200
            died = upstream.last.connection

            def answer(request, connection, died=died):
                if connection.number == died:
                    return connection.reset()
                upstream.echo(request, connection)

            upstream.answer = answer
            assert connection.exchange(method, "/", CHUNKED, chunks(b"hello")).status == status
            upstream.answer = upstream.echo


def test_a_stream_that_the_app_has_not_processed_is_sent_again(start_gate):
    app = H2Upstream()
    try:
        gate = start_gate("x", access={"default": "guest"},
                          upstream={"url": f"h2c://127.0.0.1:{app.port}", "collectRequests": "1MiB"})
        seen = []
        body = b"x" * 100_000

        def answer(request):
            seen.append(request.body)
            if len(seen) == 1:
                return request.connection.send(frame(3, 0, request.stream, (7).to_bytes(4, "big")))
            request.respond(200, {}, b"ok")

        app.answer = answer
        with gate.connection() as connection:
            assert connection.exchange("POST", "/", CHUNKED, chunks(body)).status == 200
        assert seen == [body, body]
    finally:
        app.close()


def unsent(connection) -> int:
    """The bytes that its peer's kernel has not confirmed."""
    return struct.unpack("i", fcntl.ioctl(connection.socket, termios.TIOCOUTQ, bytes(4)))[0]


def test_the_process_collects_no_more_than_its_share(upstream, start_gate):
    """64 MiB are collected by clients that do not finish; then others pass in chunks, until these are gone."""
    gate = start_gate(upstream, access={"default": "guest"}, limits={"headerTimeout": "1h", "bodyIdleTimeout": "1h"},
                      upstream={"url": upstream.url, "collectRequests": "1MiB", "maxConnections": 256})
    piece = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    slow = []
    try:
        for _ in range(64):
            connection = gate.connection()
            connection.request("POST", "/slow", CHUNKED)
            connection.send(piece)
            slow.append(connection)
        # Before another request takes a few bytes of the last one's room.
        wait_until(lambda: not any(unsent(connection) for connection in slow), "all content is with the gate")
        gate.process.wait_until_asleep()

        def is_chunked():
            with gate.connection() as connection:
                assert connection.exchange("POST", "/", CHUNKED, chunks(b"hello")).status == 200
            return framing(upstream.last) == (None, "chunked")
        wait_until(is_chunked, "there is no room to collect more")
        assert upstream.last.body == b"hello"
        for connection in slow[:8]:
            connection.close()
        wait_until(lambda: not is_chunked(), "room is returned")
        slow[8].send(b"0\r\n\r\n")
        assert slow[8].response("POST").status == 200
        assert framing(upstream.last) == (str(1 << 20), None)
    finally:
        for connection in slow:
            connection.close()


def test_the_limit_has_a_limit(tmp_path, upstream):
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps({
        "upstream": {"url": upstream.url, "collectRequests": "2MiB"}, "listen": "127.0.0.1:0", "publicURL": "http://a.test",
        "identityProvider": {"loginURL": "http://idp.test/?return_url={returnURL}"},
        "token": {"keys": [{"secret": "0123456789abcdef0123456789abcdef"}]}, "session": {"secret": "0123456789abcdef0123456789abcdef"}}))
    config.chmod(0o600)
    done = sidegate("check", "--config", config)
    assert done.returncode == 1 and "upstream.collectRequests" in done.stderr and "1MiB" in done.stderr
