# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 through the gate: framings, order, connections, interim responses, streams."""

import hashlib
import random
import threading
import time

import pytest

from harness.servers import Nginx
from harness.wire import CutShort


def test_pipelined_requests_are_answered_in_order(gate, upstream, session):
    def answer(request, connection):
        time.sleep(0.02 if request.target == "/0" else 0)
        connection.respond(200, {}, request.target)
    upstream.answer = answer
    with gate.connection() as connection:
        connection.send(b"".join(
            f"GET /{n} HTTP/1.1\r\nHost: {connection.authority}\r\nCookie: {session['Cookie']}\r\n\r\n".encode()
            for n in range(30)))
        assert [connection.response().text for _ in range(30)] == [f"/{n}" for n in range(30)]


def test_pipelined_posts_keep_their_bodies(gate, upstream, session):
    with gate.connection() as connection:
        for n in range(10):
            connection.request("POST", f"/{n}", session, b"body-%d" % n * n)
        for n in range(10):
            assert connection.response("POST").json()["body"] == f"body-{n}" * n


def test_a_pipeline_stops_at_a_refusal(gate, upstream, session):
    with gate.connection() as connection:
        connection.request("GET", "/good", session)
        connection.send(b"GET / HTTP/1.1\r\nbad field\r\n\r\n")
        connection.request("GET", "/after", session)
        assert connection.response().status == 200
        assert connection.response().status == 400
        assert connection.is_closed_by_peer()
    assert [r.target for r in upstream.requests] == ["/good"]


def test_a_connection_serves_many_requests_over_few_upstream_connections(gate, upstream, session):
    before = len(upstream.connections)
    with gate.connection() as connection:
        for n in range(50):
            assert connection.exchange("GET", f"/{n}", session).status == 200
    assert len(upstream.connections) - before <= 1


def test_connection_close_is_honoured(gate, session):
    with gate.connection() as connection:
        response = connection.exchange("GET", "/", {**session, "Connection": "close"})
        assert response["Connection"].lower() == "close"
        assert connection.is_closed_by_peer()


def test_http_10_is_answered_and_closed(gate, upstream, session):
    with gate.connection() as connection:
        connection.send(f"GET /old HTTP/1.0\r\nHost: {connection.authority}\r\nCookie: {session['Cookie']}\r\n\r\n")
        assert connection.response().status == 200
        assert connection.is_closed_by_peer()


def test_http_10_never_gets_chunks(gate, upstream, session):
    upstream.answer = lambda request, connection: connection.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    with gate.connection() as connection:
        connection.send(f"GET / HTTP/1.0\r\nHost: {connection.authority}\r\nCookie: {session['Cookie']}\r\n\r\n")
        response = connection.response()
        assert response.all("Transfer-Encoding") == [] and response.body == b"hello"


def test_empty_lines_before_a_request_are_skipped(gate, session):
    with gate.connection() as connection:
        connection.send(b"\r\n")
        assert connection.exchange("GET", "/", session).status == 200


class TestResponsesWithoutContent:
    def test_head_has_a_length_and_no_body(self, gate, upstream, session):
        upstream.answer = lambda request, connection: connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Kept: 1\r\n\r\n")
        with gate.connection() as connection:
            response = connection.exchange("HEAD", "/", session)
            assert response["Content-Length"] == "1000" and response["X-Kept"] == "1"
            upstream.answer = upstream.echo
            assert connection.exchange("GET", "/next", session).json()["target"] == "/next"

    @pytest.mark.parametrize("status, extra", [
        (204, b""), (304, b""), (304, b"Content-Length: 500\r\n"), (304, b"Transfer-Encoding: chunked\r\n")])
    def test_204_and_304_end_with_their_head(self, gate, upstream, session, status, extra):
        upstream.answer = lambda request, connection: connection.send(
            b"HTTP/1.1 %d X\r\nETag: \"1\"\r\n%s\r\n" % (status, extra))
        with gate.connection() as connection:
            assert connection.exchange("GET", "/", session).status == status
            upstream.answer = upstream.echo
            assert connection.exchange("GET", "/next", session).status == 200

    def test_an_empty_body_keeps_the_connection(self, gate, upstream, session):
        upstream.answer = lambda request, connection: connection.respond(200)
        with gate.connection() as connection:
            for _ in range(3):
                assert connection.exchange("GET", "/", session).body == b""


class TestInterimResponses:
    def test_expect_100_continue_is_answered_before_the_body(self, gate, upstream, session):
        def serve(connection):
            request = connection.read_head()
            if request.get("Expect"):
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            upstream.read_body(request, connection)
            upstream.echo(request, connection)
        upstream.serve = serve
        with gate.connection() as connection:
            connection.request("PUT", "/", {**session, "Expect": "100-continue", "Content-Length": "5"})
            interim = connection.read_head()
            assert interim.status == 100
            connection.send(b"hello")
            response = connection.response("PUT")
            assert response.status == 200 and response.json()["body"] == "hello"

    def test_a_final_response_to_expect_needs_no_body(self, gate, upstream, session):
        def serve(connection):
            connection.read_head()
            connection.send(b"HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            time.sleep(0.2)
        upstream.serve = serve
        with gate.connection() as connection:
            connection.request("PUT", "/", {**session, "Expect": "100-continue", "Content-Length": "5000000"})
            assert connection.response("PUT").status == 413

    def test_without_a_session_expect_is_refused_before_the_body(self, gate, upstream):
        with gate.connection() as connection:
            connection.request("PUT", "/", {"Expect": "100-continue", "Content-Length": "5000000"})
            response = connection.response("PUT")
            assert response.status == 401 and response.interim == []

    def test_early_hints_pass(self, gate, upstream, session):
        def answer(request, connection):
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>; rel=preload\r\n\r\n")
            connection.respond(200, {}, "done")
        upstream.answer = answer
        response = gate.exchange("GET", "/", session)
        assert [i.status for i in response.interim] == [103, 103]
        assert response.interim[1]["Link"].startswith("</b.css>") and response.text == "done"


class TestChunksAndTrailers:
    def test_request_trailers_reach_the_app(self, gate, upstream, session):
        with gate.connection() as connection:
            connection.request("POST", "/", {**session, "Transfer-Encoding": "chunked", "Trailer": "X-Sum"},
                               b"3;name=value\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n")
            value = connection.response("POST").json()
        assert value["body"] == "abc" and ["X-Sum", "42"] in value["trailers"]

    def test_response_trailers_reach_the_client(self, gate, upstream, session):
        upstream.answer = lambda request, connection: connection.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n")
        response = gate.exchange("GET", "/", {**session, "TE": "trailers"})
        assert response.body == b"abc" and ("X-Sum", "42") in response.trailers

    @pytest.mark.parametrize("trailer", ["X-Forwarded-User: mallory", "x_forwarded_user: mallory", "Content-Length: 5",
                                         "Transfer-Encoding: chunked", "Host: evil.test", "X-Sidegate-A: mallory"])
    def test_a_trailer_cannot_bypass_the_rules_for_fields(self, gate, upstream, session, trailer):
        with gate.connection() as connection:
            connection.request("POST", "/", {**session, "Transfer-Encoding": "chunked"},
                               f"3\r\nabc\r\n0\r\n{trailer}\r\n\r\n".encode())
            response = connection.response("POST")
        assert response.status in (200, 400)
        if response.status == 200:
            assert upstream.last.trailers == []


def random_framing(source: random.Random, body: bytes):
    """(headers, bytes on the wire): by length, or in chunks of any size."""
    if source.random() < 0.5:
        return {"Content-Length": str(len(body))}, body
    wire, at = bytearray(), 0
    while at < len(body):
        size = min(len(body) - at, source.choice([1, 2, 15, 16, 1000, 4096, 65536, 200000]))
        extension = source.choice(["", "", ";a=b", ';q="x y"'])
        wire += f"{size:{source.choice(['x', 'X', '06x'])}}{extension}\r\n".encode() + body[at:at + size] + b"\r\n"
        at += size
    return {"Transfer-Encoding": "chunked"}, bytes(wire + b"0\r\n\r\n")


def send_in_pieces(connection, data: bytes, source: random.Random):
    while data:
        size = source.choice([1, 7, 1000, 70000, 400000])
        connection.send(data[:size])
        data = data[size:]


def test_bodies_of_random_framing_and_size_arrive_whole(gate, upstream, session):
    """Both directions at once, in pieces of random size, on kept-alive connections; compared by hash."""
    answers = {}

    def answer(request, connection):
        source = random.Random(request.target)
        body = source.randbytes(source.choice([0, 1, 100, 4095, 16384, 65537, 700001]))
        answers[request.target] = hashlib.sha256(body).hexdigest()
        headers, wire = random_framing(source, body)
        lines = "".join(f"{n}: {v}\r\n" for n, v in headers.items())
        lines += f"X-Got: {hashlib.sha256(request.body).hexdigest()}\r\n"
        until_close = "Content-Length" in headers and source.random() < 0.2
        if until_close:
            lines = lines.replace(f"Content-Length: {len(body)}\r\n", "Connection: close\r\n")
        data = b"HTTP/1.1 200 OK\r\n" + lines.encode() + b"\r\n" + wire
        while data:
            size = source.choice([1, 100, 5000, 100000, 1000000])
            connection.send(data[:size])
            data = data[size:]
        if until_close:
            connection.close()

    upstream.answer = answer
    seed = 20261121
    for run in range(8):
        source = random.Random(seed + run)
        connection = gate.connection()
        for n in range(12):
            body = source.randbytes(source.choice([0, 1, 17, 5000, 32768, 65536, 500000]))
            headers, wire = random_framing(source, body)
            target = f"/{run}/{n}"
            lines = "".join(f"{k}: {v}\r\n" for k, v in {**session, **headers}.items())
            data = f"POST {target} HTTP/1.1\r\nHost: {connection.authority}\r\n{lines}\r\n".encode() + wire
            sender = threading.Thread(target=send_in_pieces, args=(connection, data, random.Random(n)))
            sender.start()
            response = connection.response("POST")
            sender.join()
            what = f"seed {seed}, {target}"
            assert response["X-Got"] == hashlib.sha256(body).hexdigest(), what
            assert hashlib.sha256(response.body).hexdigest() == answers[target], what
            if response.get("Connection", "").lower() == "close":  # a body delimited by the end of the connection
                connection.close()
                connection = gate.connection()
        connection.close()


class TestStreams:
    def test_server_sent_events_pass_at_once(self, gate, upstream, session):
        go = threading.Event()

        def answer(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for n in range(3):
                event = b"data: %d\n\n" % n
                connection.send(b"%x\r\n%s\r\n" % (len(event), event))
                assert go.wait(30), "the client did not see the event before the next was sent"
                go.clear()
            connection.send(b"0\r\n\r\n")
        upstream.answer = answer
        with gate.connection() as connection:
            connection.request("GET", "/events", {**session, "Accept": "text/event-stream"})
            assert connection.read_head()["Content-Type"] == "text/event-stream"
            for n in range(3):
                size = int(connection.read_line(), 16)
                assert connection.read_exactly(size + 2) == b"data: %d\n\n\r\n" % n
                go.set()
            assert connection.read_line() == b"0"

    def test_a_response_may_come_while_the_body_is_still_being_sent(self, gate, upstream, session):
        def serve(connection):
            request = connection.read_head()
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n")
            total = sum(map(len, connection.body_pieces(request)))
            text = str(total).encode()
            connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))
        upstream.serve = serve
        with gate.connection() as connection:
            connection.request("POST", "/", {**session, "Content-Length": "100000"})
            connection.send(b"x")  # the request is sent to the app once the first content has arrived
            assert connection.read_head().status == 200
            assert connection.read_line() == b"5" and connection.read_exactly(7) == b"early\r\n"
            connection.send(b"x" * 99999)
            assert connection.read_line() == b"6" and connection.read_exactly(6) == b"100000"

    def test_a_refusal_reaches_a_client_that_is_still_uploading(self, gate, upstream, session):
        def serve(connection):
            connection.read_head()
            connection.respond(413, {"Connection": "close"}, "too much", reason="Too Much")
            time.sleep(0.5)
        upstream.serve = serve
        with gate.connection() as connection:
            connection.request("POST", "/", {**session, "Content-Length": str(50_000_000)})

            def send():
                try:
                    connection.send(b"x" * 50_000_000)
                except OSError:
                    pass  # the gate need not read it all
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            response = connection.response("POST")
            assert response.status == 413 and response.text == "too much"
            connection.close()
            sender.join(30)

    def test_a_client_that_closes_its_side_still_gets_its_response(self, gate, upstream, session):
        def answer(request, connection):
            time.sleep(0.1)
            connection.respond(200, {}, "late")
        upstream.answer = answer
        with gate.connection() as connection:
            connection.request("GET", "/", session)
            connection.half_close()
            assert connection.response().text == "late"

    def test_when_the_client_resets_the_upstream_is_released(self, gate, upstream, session):
        ended = threading.Event()

        def answer(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    connection.send(b"4\r\ntick\r\n")
                    time.sleep(0.01)
            except OSError:
                ended.set()
                raise
        upstream.answer = answer
        connection = gate.connection()
        connection.request("GET", "/", session)
        connection.read_head()
        connection.reset()
        assert ended.wait(30), "the upstream still sends"

    def test_when_the_client_disconnects_before_the_response_the_upstream_is_released(self, gate, upstream, session):
        got, ended = threading.Event(), threading.Event()

        def answer(request, connection):
            got.set()
            connection.socket.settimeout(30)
            try:
                if connection.socket.recv(1) == b"":
                    ended.set()
            except ConnectionError:
                ended.set()
        upstream.answer = answer
        connection = gate.connection()
        connection.request("GET", "/", session)
        assert got.wait(30)
        connection.reset()
        assert ended.wait(30)

    def test_a_client_that_disconnects_during_an_upload_does_not_end_it_cleanly(self, gate, upstream, session):
        outcome = []

        def serve(connection):
            request = connection.read_head()
            try:
                outcome.append(sum(map(len, connection.body_pieces(request))))
            except Exception:
                outcome.append("cut short")
                raise
        upstream.serve = serve
        connection = gate.connection()
        connection.request("POST", "/", {**session, "Transfer-Encoding": "chunked"}, b"5\r\nhello\r\n")
        time.sleep(0.05)
        connection.close()
        from harness.process import wait_until
        assert wait_until(lambda: outcome, "the upstream saw the end") == ["cut short"]


class TestCutShort:
    """A response that the app cuts short is cut short for the client too, never ended cleanly."""

    @pytest.mark.parametrize("start", [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", id="a length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", id="chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\npart", id="inside a chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n", id="before the last line"),
    ])
    @pytest.mark.parametrize("how", ["close", "reset"])
    def test_a_cut_response_is_cut(self, gate, upstream, session, start, how):
        def answer(request, connection):
            connection.send(start)
            time.sleep(0.05)
            getattr(connection, how)()
        upstream.answer = answer
        with gate.connection() as connection:
            connection.request("GET", "/", session)
            with pytest.raises(CutShort) as cut:
                connection.response()
            assert cut.value.received == b"part" or how == "reset" or cut.value.received.startswith(b"part")

    def test_broken_chunks_after_the_head_are_cut(self, gate, upstream, session):
        def answer(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n")
            time.sleep(0.05)
        upstream.answer = answer
        with gate.connection() as connection:
            connection.request("GET", "/", session)
            with pytest.raises(CutShort):
                connection.response()


class TestNginx:
    @pytest.fixture(scope="class")
    def nginx(self, tmp_path_factory):
        server = Nginx(tmp_path_factory.mktemp("nginx"))
        server.file("hello.txt", b"hello from nginx\n")
        server.file("random.bin", random.Random(1).randbytes(3_000_000))
        yield server
        server.stop()

    def test_files_ranges_and_validators_pass(self, nginx, start_gate):
        gate = start_gate(nginx.url)
        session = gate.session_cookie()
        with gate.connection() as connection:
            page = connection.exchange("GET", "/hello.txt", session)
            assert page.body == b"hello from nginx\n" and page["Server"].startswith("nginx")
            assert connection.exchange("HEAD", "/hello.txt", session)["Content-Length"] == str(len(page.body))
            part = connection.exchange("GET", "/hello.txt", {**session, "Range": "bytes=6-9"})
            assert (part.status, part.body) == (206, b"from")
            unchanged = connection.exchange("GET", "/hello.txt", {**session, "If-None-Match": page["ETag"]})
            assert unchanged.status == 304
            assert connection.exchange("GET", "/none", session).status == 404
            whole = connection.exchange("GET", "/random.bin", session)
            assert whole.body == random.Random(1).randbytes(3_000_000)
