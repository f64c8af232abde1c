# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 towards the app: valid responses, flow control, and apps that misbehave."""

import hashlib
import random
import threading

import pytest

from harness import frames as h2
from harness.admin import Metrics
from harness.frames import (
    END_HEADERS, END_STREAM, FrameConnection, StreamReset, block, frame, indexed, indexed_literal, setting, word)
from harness.gate import XHR
from harness.h2_upstream import H2Upstream
from harness.process import wait_until
from harness.reloads import admin
from harness.wire import CutShort

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def module_app():
    app = H2Upstream()
    yield app
    app.close()


@pytest.fixture(scope="module")
def module_app_gate(module_app, start_module_gate):
    gate = start_module_gate(module_app.url)
    gate.cookie = gate.session_cookie()["Cookie"]
    return gate


@pytest.fixture
def app(module_app):
    module_app.answer = module_app.echo
    module_app.began = None
    module_app.requests.clear()
    module_app.failures.clear()
    yield module_app
    assert not module_app.failures, module_app.failures


@pytest.fixture
def gate(module_app_gate, app):
    """A gate in front of an app that speaks HTTP/2. The tests share it, so an app's faults must not affect later tests."""
    return module_app_gate


@pytest.fixture
def connect(gate):
    made = []

    def connect(**options):
        made.append(FrameConnection(gate.port, **options))
        made[-1].cookie = gate.cookie
        return made[-1]
    yield connect
    for connection in made:
        connection.close()


def ask(gate, method="GET", target="/", headers=(), body=None):
    """Sends a request over HTTP/1.1."""
    return gate.exchange(method, target, {**XHR, "Cookie": gate.cookie, **dict(headers)}, body)


def head(request, *fields, end=False, status=200, flags=END_HEADERS):
    return frame(h2.HEADERS, flags | (END_STREAM if end else 0), request.stream,
                 block([(":status", str(status)), *fields]))


def raw(request, fields, end=True):
    return frame(h2.HEADERS, END_HEADERS | (END_STREAM if end else 0), request.stream, block(fields))


def data(request, content=b"x", end=True):
    return frame(h2.DATA, END_STREAM if end else 0, request.stream, content)


def reset(request, code):
    return frame(h2.RST_STREAM, 0, request.stream, word(code))


# Responses of an app. The second column is the status for the browser; the third is the code with which the gate resets
# the stream, or CONNECTION when it closes the connection; None for neither.

STREAM, CONNECTION = h2.PROTOCOL_ERROR, "connection"

RESPONSES = [
    ("8.1 head and content", 200, None, lambda r: head(r) + data(r)),
    ("8.1 only a head", 200, None, lambda r: head(r, end=True)),
    ("8.1 an empty last frame", 200, None, lambda r: head(r) + data(r, b"x", False) + data(r, b"")),
    ("8.1 trailers", 200, None, lambda r: head(r) + data(r, b"x", False) + raw(r, [("x-sum", "1")])),
    ("8.1 a head in four frames", 200, None, lambda r: (
        frame(h2.HEADERS, END_STREAM, r.stream, block([(":status", "200")]))
        + frame(h2.CONTINUATION, 0, r.stream, block([("a", "b")])) + frame(h2.CONTINUATION, 0, r.stream)
        + frame(h2.CONTINUATION, END_HEADERS, r.stream, block([("c", "d")])))),
    ("8.1 informational responses first", 200, None, lambda r: (
        head(r, status=103) + head(r, ("link", "</a>"), status=103) + head(r) + data(r))),
    ("6.1 padding", 200, None, lambda r: head(r) + frame(h2.DATA, 9, r.stream, b"\x03x" + bytes(3))),
    ("5.5 unknown frames between", 200, None, lambda r: head(r) + frame(0xee, 0, r.stream, b"?") + data(r)),
    ("8.1.1 as much content as Content-Length", 200, None, lambda r: head(r, ("content-length", "1")) + data(r)),
    ("8.1.1 HEAD's Content-Length", 200, None, lambda r: head(r, ("content-length", "5"), end=True)),
    ("8.1.1 304's Content-Length", 304, None, lambda r: head(r, ("content-length", "5"), status=304, end=True)),
    ("8.1 RST_STREAM after the end", 200, None, lambda r: head(r) + data(r) + reset(r, h2.NO_ERROR)),
    ("5.1 PRIORITY and WINDOW_UPDATE after the end", 200, None, lambda r: (
        head(r, end=True) + frame(h2.PRIORITY, 0, r.stream, bytes(5)) + frame(h2.WINDOW_UPDATE, 0, r.stream, word(1)))),
    ("8.1 content before the head", 502, STREAM, lambda r: data(r)),
    ("8.1 an end before the head", 502, STREAM, lambda r: data(r, b"")),
    ("8.1 an informational response that ends", 502, STREAM, lambda r: head(r, status=103, end=True)),
    ("8.1 content after an informational response", 502, STREAM, lambda r: head(r, status=103) + data(r)),
    ("8.1 trailers that do not end", None, STREAM, lambda r: head(r) + raw(r, [("a", "b")], end=False)),
    ("8.1 a pseudo-header field in trailers", None, STREAM, lambda r: head(r) + head(r, end=True)),
    ("8.1.1 less than Content-Length", None, STREAM, lambda r: head(r, ("content-length", "2")) + data(r)),
    ("8.1.1 more than Content-Length", None, STREAM, lambda r: head(r, ("content-length", "1")) + data(r, b"xx")),
    ("8.1.1 no content", 502, STREAM, lambda r: head(r, ("content-length", "1"), end=True)),
    ("8.1.1 a Content-Length that is not a number", 502, STREAM, lambda r: head(r, ("content-length", "1x")) + data(r)),
    ("8.1.1 two Content-Lengths", 502, STREAM,
     lambda r: head(r, ("content-length", "1"), ("content-length", "1")) + data(r)),
    ("8.1.1 content of a 304", None, STREAM, lambda r: head(r, status=304) + data(r)),
    ("8.2 upper case", 502, STREAM, lambda r: head(r, ("A", "b"), end=True)),
    ("8.2.1 a line end in a value", 502, STREAM, lambda r: head(r, ("a", "b\r\nset-cookie: c=d"), end=True)),
    ("8.2.1 NUL in a value", 502, STREAM, lambda r: head(r, ("a", "b\0"), end=True)),
    ("8.2.1 a space before a value", 502, STREAM, lambda r: head(r, ("a", " b"), end=True)),
    ("8.2.1 a colon in a name", 502, STREAM, lambda r: head(r, ("a:b", "c"), end=True)),
    ("8.2.1 an empty name", 502, STREAM, lambda r: head(r, ("", "c"), end=True)),
    ("8.2.2 Connection", 502, STREAM, lambda r: head(r, ("connection", "close"), end=True)),
    ("8.2.2 Transfer-Encoding", 502, STREAM, lambda r: head(r, ("transfer-encoding", "chunked"), end=True)),
    ("8.2.2 Upgrade", 502, STREAM, lambda r: head(r, ("upgrade", "h2c"), end=True)),
    ("8.3 a pseudo-header field after a field", 502, STREAM, lambda r: raw(r, [("a", "b"), (":status", "200")])),
    ("8.3 a request's pseudo-header field", 502, STREAM, lambda r: head(r, (":path", "/"), end=True)),
    ("8.3.2 no :status", 502, STREAM, lambda r: raw(r, [("a", "b")])),
    ("8.3.2 :status twice", 502, STREAM, lambda r: head(r, (":status", "200"), end=True)),
    ("8.3.2 :status of two digits", 502, STREAM, lambda r: raw(r, [(":status", "20")])),
    ("8.3.2 :status of four digits", 502, STREAM, lambda r: raw(r, [(":status", "2000")])),
    ("8.3.2 :status that is not a number", 502, STREAM, lambda r: raw(r, [(":status", "2x0")])),
    ("8.3.2 :status 999", 502, STREAM, lambda r: raw(r, [(":status", "999")])),
    ("8.6 101", 502, STREAM, lambda r: head(r, status=101)),
    ("10.5.1 a head that is too large", 502, STREAM, lambda r: (
        frame(h2.HEADERS, END_STREAM, r.stream, block([(":status", "200"), ("a", "b" * 16_000)]))
        + frame(h2.CONTINUATION, 0, r.stream, block([("c", "d" * 16_000)]))
        + frame(h2.CONTINUATION, END_HEADERS, r.stream, block([("e", "f" * 5_000)])))),
    ("5.4.2 RST_STREAM in place of a response", 502, None, lambda r: reset(r, h2.INTERNAL_ERROR)),
    ("5.4.2 RST_STREAM in the middle", None, None, lambda r: head(r) + data(r, b"x", False) + reset(r, h2.CANCEL)),
    ("4.2 a frame beyond the largest size", 502, CONNECTION, lambda r: frame(h2.HEADERS, 5, r.stream, bytes(16_385))),
    ("4.3 a head that cannot be decoded", 502, CONNECTION, lambda r: frame(h2.HEADERS, 5, r.stream, b"\xff" * 8)),
    ("4.3 PING within a head", 502, CONNECTION, lambda r: head(r, flags=0) + frame(h2.PING, 0, 0, bytes(8))),
    ("5.1 a response to no request", 502, CONNECTION, lambda r: frame(
        h2.HEADERS, 5, r.stream + 2, block([(":status", "200")]))),
    ("5.1 content for no request", 502, CONNECTION, lambda r: frame(h2.DATA, 1, r.stream + 2, b"x")),
    ("5.1 RST_STREAM of no request", 502, CONNECTION, lambda r: frame(h2.RST_STREAM, 0, r.stream + 2, word(8))),
    ("5.1.1 a stream opened by the app", 502, CONNECTION, lambda r: frame(h2.HEADERS, 5, 2, block([(":status", "200")]))),
    ("6.1 DATA on stream 0", 502, CONNECTION, lambda r: frame(h2.DATA, 1, 0, b"x")),
    ("6.4 RST_STREAM that is too short", 502, CONNECTION, lambda r: frame(h2.RST_STREAM, 0, r.stream, b"x")),
    ("6.5 SETTINGS of an odd length", 502, CONNECTION, lambda r: frame(h2.SETTINGS, 0, 0, b"x")),
    ("6.5.2 a window beyond 2^31 - 1", 502, CONNECTION, lambda r: frame(h2.SETTINGS, 0, 0, setting(4, 1 << 31))),
    ("6.6 PUSH_PROMISE", 502, CONNECTION, lambda r: frame(
        h2.PUSH_PROMISE, END_HEADERS, r.stream, word(2) + block([(":method", "GET"), (":path", "/")]))),
    ("6.9 an increment of 0", 502, CONNECTION, lambda r: frame(h2.WINDOW_UPDATE, 0, 0, word(0))),
    ("6.9.1 a window beyond 2^31 - 1", 502, CONNECTION, lambda r: frame(h2.WINDOW_UPDATE, 0, 0, word(h2.GREATEST_WINDOW))),
    ("6.10 CONTINUATION without HEADERS", 502, CONNECTION, lambda r: frame(h2.CONTINUATION, 4, r.stream)),
]


@pytest.mark.parametrize("title, status, fate, send", RESPONSES, ids=[row[0] for row in RESPONSES])
def test_response(title, status, fate, send, gate, app):
    """RFC 9113 interpreted strictly, for apps. `None` as status: the response is cut short, or refused before its head is
    sent."""
    app.answer = lambda request: request.connection.send(send(request))
    method = "HEAD" if "HEAD's" in title else "GET"
    try:
        response = ask(gate, method)
        assert response.status == (status or 502)
        if status == 200 and method == "GET":
            assert response.body in (b"x", b"")
        if title == "8.1 trailers":
            assert response.trailers == [("x-sum", "1")]
    except CutShort:
        assert status is None
    request = app.requests[0]
    if fate == CONNECTION:
        assert request.connection.is_ended.wait(30) and request.connection.goaway not in (None, h2.NO_ERROR)
    elif fate is not None:
        assert request.is_over.wait(30)
        wait_until(lambda: request.reset is not None, "the stream is reset")
        assert request.reset == fate
    app.answer = app.echo
    assert ask(gate).body == b"hello"
    if fate != CONNECTION:
        assert app.requests[-1].connection is request.connection, "the connection is kept for other requests"


class TestRequests:
    def test_a_request_is_converted_to_http2(self, gate, app):
        assert ask(gate, "POST", "/p?q=1", {"TE": "trailers", "X-A": "b", "Cookie": gate.cookie + "; own=1"},
                   b"content").body == b"content"
        request = app.requests[0]
        assert [n for n, _ in request.fields[:4]] == [":method", ":scheme", ":path", ":authority"]
        assert (request.method, request.target, request.get(":scheme")) == ("POST", "/p?q=1", "http")
        assert request.get(":authority") == f"127.0.0.1:{gate.port}" and request.get("host") is None
        assert request.get("te") == "trailers" and request.get("content-length") == "7"
        assert request.get("cookie") == "own=1" and request.get("x-forwarded-user") == "ada"
        names = [n for n, _ in request.fields]
        assert all(n == n.lower() for n in names)
        assert not {"connection", "transfer-encoding", "keep-alive", "upgrade"} & set(names)

    def test_chunks_become_frames_and_trailers_pass(self, gate, app):
        with gate.connection() as c:
            c.request("POST", "/", {"Cookie": gate.cookie, "Transfer-Encoding": "chunked", "TE": "trailers"})
            c.send("3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\nX-Forwarded-User: eve\r\n\r\n")
            assert c.response("POST").body == b"abcdefg"
        assert app.requests[0].trailers == [("x-sum", "7")]
        assert app.requests[0].get("transfer-encoding") is None

    def test_the_app_answers_an_expectation(self, gate, app):
        def began(request):
            request.head(100)
        app.began = began
        with gate.connection() as c:
            c.request("POST", "/", {"Cookie": gate.cookie, "Expect": "100-continue", "Content-Length": "4"})
            assert c.read_head().status == 100
            c.send("body")
            assert c.response("POST").body == b"body"

    def test_an_early_response_is_forwarded_and_the_rest_not_sent(self, connect, app):
        app.began = lambda request: request.respond(413, [], b"no")
        c = connect()
        stream = c.request("POST", "/", end=False)
        c.data(stream, b"some")
        assert c.response(stream).status == 413
        assert app.requests[0].is_over.wait(30)
        app.began = None
        assert c.get().status == 200

    def test_many_requests_share_one_connection(self, connect, app, gate):
        held = threading.Event()

        def answer(request):
            held.wait(30)
            app.echo(request)
        app.answer = answer
        c = connect()
        streams = [c.request("GET", f"/{index}") for index in range(100)]
        wait_until(lambda: len(app.requests) == 100, "all requests at the app")
        held.set()
        assert all(c.response(stream).status == 200 for stream in streams)
        assert len({request.connection for request in app.requests}) == 1

    def test_an_upgrade_is_not_sent_over_http2(self, gate, app):
        response = ask(gate, "GET", "/", {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                                          "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
        assert response.status == 200 and app.requests[0].get("upgrade") is None


class TestBreaking:
    def test_a_cancelled_request_is_cancelled_in_the_app(self, connect, app):
        c = connect()
        app.answer = lambda request: request.head(200)
        stream = c.request()
        c.read_until(lambda f: f.type == h2.HEADERS and f.stream == stream)
        c.send(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)))
        wait_until(lambda: app.requests[0].reset == h2.CANCEL, "the app receives the reset")
        assert c.is_alive()
        app.answer = app.echo
        assert c.get().status == 200 and app.requests[-1].connection is app.requests[0].connection

    def test_a_connection_that_breaks_cuts_its_responses_short(self, connect, app):
        def answer(request):
            request.head(200)
            request.data(b"some")
        app.answer = answer
        c = connect()
        streams = [c.request(), c.request()]
        begun = set()
        while begun != set(streams):  # in any order
            begun.add(c.read_until(lambda f: f.type == h2.DATA).stream)
        app.requests[0].connection.break_off()
        for stream in streams:
            with pytest.raises(StreamReset):
                c.response(stream)
        app.answer = app.echo
        assert c.get().status == 200

    @pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"x" * 20_000)])
    def test_a_request_that_the_app_refuses_is_sent_once_more(self, gate, app, method, body):
        def answer(request):
            if len(app.requests) == 1:
                request.refuse(h2.REFUSED_STREAM)
            else:
                app.echo(request)
        app.answer = answer
        assert ask(gate, method, "/", {}, body).body == (body or b"hello")
        assert len(app.requests) == 2

    def test_a_refused_request_is_sent_only_once_more(self, gate, app):
        app.answer = lambda request: request.refuse(h2.REFUSED_STREAM)
        assert ask(gate).status == 502
        assert len(app.requests) == 2

    def test_a_large_body_is_not_kept_for_a_retry(self, gate, app):
        app.answer = lambda request: request.refuse(h2.REFUSED_STREAM)
        assert ask(gate, "POST", "/", {}, bytes(60_000)).status == 502
        assert len(app.requests) == 1

    def test_requests_above_the_last_stream_of_goaway_use_a_new_connection(self, connect, app):
        """Earlier streams are finished on the old connection."""
        first = []

        def answer(request):
            if request.target == "/first":
                first.append(request)
                request.head(200)
            elif request.connection is first[0].connection:
                request.connection.send(frame(h2.GOAWAY, 0, 0, word(first[0].stream) + word(h2.NO_ERROR)))
            else:
                app.echo(request)
        app.answer = answer
        c = connect()
        early = c.request("GET", "/first")
        c.read_until(lambda f: f.type == h2.HEADERS and f.stream == early)
        for path in "/second", "/third":
            assert c.get(path).body == b"hello"
        assert app.requests[-1].connection is not first[0].connection
        first[0].data(b"end", end=True)
        assert c.response(early).body == b"end"
        assert first[0].connection.is_ended.wait(30), "the old connection ends after its last response"

    def test_goaway_with_settings_in_one_read(self, gate, app):
        """CVE-2021-39162."""
        def serve(connection):
            connection.begin()
            connection.send(frame(h2.GOAWAY, 0, 0, word(0) + word(h2.NO_ERROR)) + frame(h2.SETTINGS))
            connection.read_all()
        app.answer = lambda request: request.connection.send(
            frame(h2.GOAWAY, 0, 0, word(0) + word(h2.NO_ERROR)) + frame(h2.SETTINGS))
        assert ask(gate).status == 502
        app.answer = app.echo
        assert ask(gate).status == 200

    def test_an_idle_connection_that_the_app_closed_fails_no_request(self, gate, app):
        assert ask(gate).status == 200
        app.requests[0].connection.break_off()
        for _ in range(3):
            assert ask(gate).status == 200

    def test_an_app_that_does_not_respond_is_504_and_its_connection_is_closed(self, start_gate, app):
        gate = start_gate(app.url, upstream={"url": app.url, "responseTimeout": "2s"})
        gate.cookie = gate.session_cookie()["Cookie"]
        app.answer = lambda request: None
        assert ask(gate).status == 504
        app.answer = app.echo
        assert ask(gate).status == 200
        assert app.requests[0].connection is not app.requests[-1].connection


# The app's code to the client's, for a reset after the response has begun. Codes about the gate's own connection to the
# app become INTERNAL_ERROR for the client, and so do codes that would be wrong for it, such as REFUSED_STREAM.

RESETS = {
    h2.NO_ERROR: h2.INTERNAL_ERROR,
    h2.PROTOCOL_ERROR: h2.INTERNAL_ERROR,
    h2.INTERNAL_ERROR: h2.INTERNAL_ERROR,
    h2.FLOW_CONTROL_ERROR: h2.INTERNAL_ERROR,
    h2.SETTINGS_TIMEOUT: h2.INTERNAL_ERROR,
    h2.STREAM_CLOSED: h2.INTERNAL_ERROR,
    h2.FRAME_SIZE_ERROR: h2.INTERNAL_ERROR,
    h2.REFUSED_STREAM: h2.INTERNAL_ERROR,
    h2.CANCEL: h2.CANCEL,
    h2.COMPRESSION_ERROR: h2.INTERNAL_ERROR,
    h2.CONNECT_ERROR: h2.CONNECT_ERROR,
    h2.ENHANCE_YOUR_CALM: h2.ENHANCE_YOUR_CALM,
    0xc: h2.INTERNAL_ERROR,  # INADEQUATE_SECURITY
    0xd: h2.INTERNAL_ERROR,  # HTTP_1_1_REQUIRED
    0xe: h2.INTERNAL_ERROR,  # unassigned
    0xffffffff: h2.INTERNAL_ERROR,
}


class TestResets:
    """RST_STREAM on one side and its effect on the other (RFC 9113 sections 5.4.2, 7, 8.1 and 8.7)."""

    @pytest.mark.parametrize("code", RESETS)
    def test_in_the_middle_of_a_response_it_is_passed_to_the_client(self, code, connect, app):
        c = connect()
        begun = threading.Event()

        def answer(request):
            request.head(200)
            request.data(b"some")
            assert begun.wait(30)
            request.refuse(code)
        app.answer = answer
        stream = c.request()
        c.read_until(lambda f: f.type == h2.DATA and f.stream == stream)
        begun.set()
        c.read_until(lambda f: f.type == h2.RST_STREAM and f.stream == stream)
        assert c.reset_code(stream) == RESETS[code] and c.content(stream) == b"some"
        assert len(app.requests) == 1, "a partly answered request is not sent again"
        app.answer = app.echo
        assert c.get().status == 200 and app.requests[-1].connection is app.requests[0].connection

    @pytest.mark.parametrize("code", RESETS)
    def test_after_the_head_in_one_read_it_is_passed_to_the_client(self, code, connect, app):
        """The head may be dropped; no response may look complete."""
        app.answer = lambda request: request.connection.send(head(request) + reset(request, code))
        c = connect()
        stream = c.request()
        c.read_until(lambda f: f.type == h2.RST_STREAM and f.stream == stream)
        assert c.reset_code(stream) == RESETS[code]
        assert not any(f.stream == stream and f.flags & END_STREAM for f in c.frames if f.type in (h2.DATA, h2.HEADERS))

    @pytest.mark.parametrize("code", [code for code in RESETS if code != h2.REFUSED_STREAM])
    @pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"content")])
    def test_before_the_response_it_is_502_and_not_sent_again(self, code, method, body, connect, app):
        app.answer = lambda request: request.refuse(code)
        c = connect()
        stream = c.request(method, "/", XHR, end=body is None)
        if body is not None:
            c.data(stream, body, end=True)
        assert c.response(stream).status == 502 and c.reset_code(stream) is None
        assert len(app.requests) == 1
        app.answer = app.echo
        assert c.get().status == 200 and app.requests[-1].connection is app.requests[0].connection

    def test_after_a_1xx_a_refused_request_is_not_sent_again(self, connect, app):
        def answer(request):
            request.head(103)
            request.refuse(h2.REFUSED_STREAM)
        app.answer = answer
        c = connect()
        response = c.get("/", XHR)
        assert response.status == 502 and len(app.requests) == 1

    def test_over_http1_the_connection_is_cut(self, gate, app):
        def answer(request):
            request.head(200, [("content-length", "100")])
            request.data(b"some")
            request.refuse(h2.NO_ERROR)
        app.answer = answer
        with pytest.raises(CutShort):
            ask(gate)

    def test_trailers_are_not_lost_by_a_reset_after_them(self, connect, app):
        """gRPC's servers end a call in this way while its client still sends."""
        def began(request):
            request.connection.send(
                head(request) + data(request, b"x", end=False) + raw(request, [("grpc-status", "5")])
                + reset(request, h2.NO_ERROR))
        app.began = began
        app.answer = lambda request: None
        c = connect()
        stream = c.request("POST", "/", end=False)
        response = c.response(stream)
        assert response.body == b"x" and response.trailers == [("grpc-status", "5")]
        c.read_until(lambda f: f.type == h2.RST_STREAM and f.stream == stream)
        assert c.reset_code(stream) == h2.NO_ERROR

    @pytest.mark.parametrize("sent", [0, 4, 65_535])
    def test_a_client_may_stop_an_upload_after_an_early_response(self, sent, connect, app):
        """The complete response is sent first, then NO_ERROR; data in transit is ignored."""
        release = threading.Event()

        def began(request):
            assert release.wait(30)
            request.connection.send(head(request, status=403) + data(request, b"enough") + reset(request, h2.NO_ERROR))
        app.began = began
        app.answer = lambda request: None
        c = connect()
        stream = c.request("POST", "/", end=False)
        for start in range(0, sent, 16_384):
            c.data(stream, bytes(min(16_384, sent - start)))
        release.set()
        response = c.response(stream)
        assert response.status == 403 and response.body == b"enough"
        c.read_until(lambda f: f.type == h2.RST_STREAM and f.stream == stream)
        assert c.reset_code(stream) == h2.NO_ERROR
        c.data(stream, b"")
        app.began, app.answer = None, app.echo
        assert c.get().status == 200 and app.requests[-1].connection is app.requests[0].connection

    @pytest.mark.parametrize("code", [h2.CANCEL, h2.NO_ERROR, h2.INTERNAL_ERROR, h2.REFUSED_STREAM, 0xe])
    @pytest.mark.parametrize("when", ["while it uploads", "before the head", "after the head", "while it downloads"])
    def test_a_clients_reset_is_cancel_to_the_app(self, code, when, connect, app):
        def answer(request):
            if when != "before the head":
                request.head(200)
            if when == "while it downloads":
                request.data(b"some")
        c = connect()
        if when == "while it uploads":
            app.answer = lambda request: None
            stream = c.request("POST", "/", end=False)
            c.data(stream, b"some")
            wait_until(lambda: app.requests and app.requests[0].pieces, "the app has received some content")
        else:
            app.answer = answer
            stream = c.request()
            wait_until(lambda: app.requests, "the app has received the request")
            if when != "before the head":
                kind = h2.HEADERS if when == "after the head" else h2.DATA
                c.read_until(lambda f: f.type == kind and f.stream == stream)
        c.send(frame(h2.RST_STREAM, 0, stream, word(code)))
        wait_until(lambda: app.requests[0].reset is not None, "the app receives the reset")
        assert app.requests[0].reset == h2.CANCEL and c.is_alive() and c.reset_code(stream) is None
        app.answer = app.echo
        assert c.get().status == 200 and app.requests[-1].connection is app.requests[0].connection

    def test_a_client_that_disconnects_is_cancel_to_the_app(self, connect, app):
        app.answer = lambda request: request.head(200)
        c = connect()
        streams = [c.request() for _ in range(3)]
        for _ in streams:
            c.read_until(lambda f: f.type == h2.HEADERS)
        c.reset_connection()
        wait_until(lambda: [r.reset for r in app.requests] == [h2.CANCEL] * 3, "the app receives the reset")

    def test_the_log_distinguishes_a_reset_from_a_lost_connection(self, gate, app):
        app.answer = lambda request: request.refuse(h2.CANCEL)
        assert ask(gate, "GET", "/reset").status == 502
        app.answer = lambda request: request.connection.break_off()
        assert ask(gate, "POST", "/broken", {}, b"x").status == 502
        wait_until(lambda: "upstream_closed" in gate.log(), "both are logged")
        assert "upstream_reset" in gate.log()


class TestStopping:
    def test_requests_in_flight_finish_and_the_connection_ends(self, start_gate, app):
        gate = start_gate(app.url)
        gate.cookie = gate.session_cookie()["Cookie"]
        release = threading.Event()

        def answer(request):
            request.head(200)
            assert release.wait(30)
            request.data(b"whole", end=True)
        app.answer = answer
        with gate.connection() as c:
            c.request("GET", "/", {"Cookie": gate.cookie})
            assert c.read_head().status == 200
            gate.process.child.terminate()
            wait_until(lambda: "stopp" in gate.log() or "drain" in gate.log(), "the gate logs that it stops")
            release.set()
            assert b"whole" in c.read_all()
        gate.was_stopped = True
        assert gate.process.child.wait(30) == 0
        connection = app.requests[0].connection
        assert connection.is_ended.wait(30)

    def test_an_idle_connection_is_ended_with_goaway(self, start_gate, app):
        gate = start_gate(app.url, upstream={"url": app.url, "idleTimeout": "200ms"})
        gate.cookie = gate.session_cookie()["Cookie"]
        assert ask(gate).status == 200
        connection = app.requests[0].connection
        assert connection.is_ended.wait(30) and connection.goaway == h2.NO_ERROR
        assert ask(gate).status == 200


class TestPace:
    def test_concurrent_requests_are_limited_to_the_apps_setting(self, start_gate, app):
        app.settings = setting(3, 3)
        running, most, lock = [0], [0], threading.Lock()

        def answer(request):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            threading.Event().wait(0.02)
            with lock:
                running[0] -= 1
            app.echo(request)
        app.answer = answer
        try:
            gate = start_gate(app.url, upstream={"url": app.url, "maxConnections": 2})
            with FrameConnection(gate.port) as c:
                c.cookie = gate.session_cookie()["Cookie"]
                streams = [c.request("GET", f"/{i}") for i in range(40)]
                assert all(c.response(s).status == 200 for s in streams)
            assert most[0] <= 6 and len({r.connection for r in app.requests}) == 2
        finally:
            app.settings = b""

    @pytest.mark.parametrize("limit", [1, 2])
    def test_workers_share_the_limit_of_connections(self, start_gate, app, limit):
        # A connection with a request in progress is open for certain; the kernel's table of connections is not read at one
        # instant, and can show a closed one beside its successor.
        held = []
        app.answer = held.append
        gate = start_gate(
            app.url, workers=4, admin=admin(),
            upstream={"url": app.url, "maxConnections": limit, "connectTimeout": "5m"})
        session = gate.session_cookie()
        statuses = []

        def visit():
            for _ in range(10):
                with gate.connection() as connection:  # to any worker
                    statuses.append(connection.exchange("GET", "/", session).status)
        threads = [threading.Thread(target=visit) for _ in range(12)]
        for thread in threads:
            thread.start()
        try:
            wait_until(
                lambda: len(held) + Metrics(gate).get("sidegate_upstream_requests_waiting") == 12, "all are there or wait")
            assert 1 <= len({request.connection for request in held}) <= limit
        finally:
            app.answer = app.echo
            for request in held:
                app.echo(request)
        for thread in threads:
            thread.join(300)
        assert statuses == [200] * 120

    def test_a_browser_that_does_not_read_slows_only_its_app_connection(self, connect, app, gate):
        sent = []

        def answer(request):
            if request.target != "/large":
                return app.echo(request)
            request.head(200)
            for _ in range(100):
                request.data(bytes(16_384))
                sent.append(1)
            request.data(b"", end=True)
        app.answer = answer
        c = connect()
        stream = c.request("GET", "/large")
        c.stalled.add(stream)
        while len(c.content(stream)) < 65_535:
            c.read_frame()
        for _ in range(20):
            assert c.get("/other").status == 200
        assert len(sent) * 16_384 < 400_000
        c.stalled.clear()
        c.send(frame(h2.WINDOW_UPDATE, 0, stream, word(4 * MEGABYTE)))
        assert len(c.response(stream).body) == 100 * 16_384

    def test_an_app_that_exceeds_its_window_is_reset(self, connect, app):
        app.answer = lambda request: request.connection.send(
            head(request) + b"".join(data(request, bytes(16_384), False) for _ in range(30)))
        c = connect()
        stream = c.request("GET", "/")
        c.stalled.add(stream)
        with pytest.raises(StreamReset):
            c.response(stream)
        wait_until(lambda: app.requests[0].reset is not None or app.requests[0].connection.is_ended.is_set(),
                   "the app receives the reset")
        assert h2.FLOW_CONTROL_ERROR in (app.requests[0].reset, app.requests[0].connection.goaway)

    def test_an_app_that_does_not_read_slows_only_its_browser(self, connect, app):
        """The app opens no window, neither for this stream nor for later ones."""
        c = connect()
        assert c.get().status == 200
        app.requests[0].connection.updates_windows = False
        stream = c.request("POST", "/large", end=False)
        for _ in range(3):
            c.data(stream, bytes(16_384))
        c.data(stream, bytes(16_383))
        assert c.get("/other").status == 200
        received = sum(1 for f in c.frames if f.type == h2.WINDOW_UPDATE and f.stream == stream)
        assert received <= 2
        c.send(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)))
        wait_until(lambda: any(r.reset is not None for r in app.requests), "the app receives the reset")
        app.requests[0].connection.break_off()

    def test_a_window_of_a_byte(self, start_gate, app):
        app.settings = setting(4, 1)
        app.answer = lambda request: request.respond(200, [], hashlib.sha256(request.body).hexdigest())
        try:
            gate = start_gate(app.url)
            gate.cookie = gate.session_cookie()["Cookie"]
            content = random.Random(9).randbytes(300)
            assert ask(gate, "POST", "/", {}, content).text == hashlib.sha256(content).hexdigest()
        finally:
            app.settings = b""


def test_an_app_may_ping_for_each_data_frame_that_it_received(start_gate, upstream, app):
    """grpc-go estimates the bandwidth so: a PING follows DATA, as soon as the one before was answered."""
    pings = []

    def serve(connection):
        take = connection.take

        def take_and_ping(got):
            take(got)
            if got.type == h2.DATA and got.payload:
                # The window, of one byte, is open again by now.
                connection.send_quietly(frame(h2.PING, 0, 0, b"estimate"))
            elif got.type == h2.PING:
                pings.append(got.payload)
        connection.take = take_and_ping
        connection.run()
    served, app.serve, app.settings = app.serve, serve, setting(4, 1)
    try:
        gate = start_gate(app.url)
        content = random.Random(3).randbytes(6000)
        with FrameConnection(gate.port) as c:
            c.cookie = gate.session_cookie()["Cookie"]
            stream = c.request("POST", "/", end=False)
            c.data(stream, content, end=True)
            assert c.response(stream).body == content
        wait_until(lambda: len(pings) == len(content), "an answer to each")
        assert app.requests[-1].connection.goaway is None
    finally:
        app.serve, app.settings = served, b""


def test_a_connection_on_which_a_frame_does_not_end_gets_no_further_requests(start_gate, app):
    """Bytes arrive all the time."""
    gate = start_gate(app.url, upstream={"url": app.url, "responseTimeout": "600ms"})
    gate.cookie = gate.session_cookie()["Cookie"]

    def began(request):
        if request.target != "/stuck":
            return
        for byte in frame(h2.HEADERS, END_HEADERS | END_STREAM, request.stream, bytes(16_000)):
            if request.connection.is_ended.wait(0.05) or not request.connection.send_quietly(bytes([byte])):
                return
    app.began = began
    app.answer = lambda request: app.echo(request) if request.target != "/stuck" else None
    assert ask(gate, "GET", "/stuck").status == 504
    assert ask(gate).status == 200
    assert app.requests[-1].connection is not app.requests[-2].connection


# Floods by an app. Each is sent until the gate closes the connection.

FLOODS = {
    "PING": lambda r, n: frame(h2.PING, 0, 0, bytes(8)),
    "SETTINGS": lambda r, n: frame(h2.SETTINGS, 0, 0, setting(4, 70_000 + n)),
    "acknowledgements": lambda r, n: frame(h2.SETTINGS, h2.ACK),
    "empty DATA": lambda r, n: (head(r) if n == 0 else b"") + data(r, b"", False),
    "padding alone": lambda r, n: (head(r) if n == 0 else b"") + frame(h2.DATA, 8, r.stream, b"\x00"),
    "WINDOW_UPDATE": lambda r, n: frame(h2.WINDOW_UPDATE, 0, 0, word(1)),
    "WINDOW_UPDATE of the stream": lambda r, n: frame(h2.WINDOW_UPDATE, 0, r.stream, word(1)),
    "PRIORITY": lambda r, n: frame(h2.PRIORITY, 0, r.stream, bytes(4) + b"\x10"),
    "unknown frames": lambda r, n: frame(0xbb, 0, 0, b"x"),
    "RST_STREAM of a closed stream": lambda r, n: reset(r, h2.CANCEL),
    "informational responses": lambda r, n: head(r, status=103),
    "CONTINUATION": lambda r, n: (
        head(r, flags=0) if n == 0 else b"") + frame(h2.CONTINUATION, 0, r.stream, h2.literal("a", "b")),
    "empty CONTINUATION": lambda r, n: (
        head(r, flags=0) if n == 0 else b"") + frame(h2.CONTINUATION, 0, r.stream),
    "a header bomb": lambda r, n: frame(
        h2.HEADERS, 5, r.stream,
        block([(":status", "200")]) + indexed_literal("x", "a" * 3900) + indexed(62) * 5000),
    "informational header bombs": lambda r, n: frame(
        h2.HEADERS, 4, r.stream,
        block([(":status", "103")]) + (indexed_literal("x", "a" * 3900) if n == 0 else b"") + indexed(62) * 7),
}


@pytest.mark.parametrize("name", FLOODS)
def test_an_app_that_floods_is_disconnected_and_others_are_served(name, start_gate, app, upstream):
    gate = start_gate(app.url)
    gate.cookie = gate.session_cookie()["Cookie"]
    ended = threading.Event()

    def answer(request):
        if request.target != "/attack":
            return app.echo(request)
        try:
            for n in range(0, 200_000, 20):
                request.connection.send(b"".join(FLOODS[name](request, n + i) for i in range(20)))
        except OSError:
            pass
        ended.set()
    app.answer = answer
    with FrameConnection(gate.port) as c:
        c.cookie = gate.cookie
        attacked = c.request("GET", "/attack")
        while not ended.is_set():
            # Some fail because they use that connection.
            try:
                assert ask(gate).status in (200, 502)
            except CutShort:
                pass
        connection = next(r.connection for r in app.requests if r.target == "/attack")
        assert connection.is_ended.wait(30)
        assert connection.goaway in (h2.ENHANCE_YOUR_CALM, h2.PROTOCOL_ERROR, None)
        try:
            assert c.response(attacked).status == 502
        except StreamReset:
            pass
        assert c.get().status == 200


def test_an_app_that_refuses_everything_gets_each_request_twice(gate, app):
    """The number of the app's resets is limited by the number of the gate's requests."""
    app.began = lambda request: request.refuse(h2.REFUSED_STREAM) if request.target == "/" else None
    app.answer = lambda request: app.echo(request) if request.target == "/other" else None
    for _ in range(200):
        assert ask(gate).status == 502
    assert len(app.requests) <= 400
    assert ask(gate, "GET", "/other").status == 200
