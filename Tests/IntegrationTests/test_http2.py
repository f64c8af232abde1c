# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 from browsers: a conformance table, transfers, peers that misbehave, and real clients."""

import base64
import hashlib
import json
import random
import subprocess
import threading
import urllib.parse

import pytest

from harness import frames as h2
from harness import mints, tokens
from harness.frames import END_HEADERS, END_STREAM, FrameConnection, StreamReset, frame, in_background, setting, word
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, Browser
from harness.http2_cases import cases
from harness.http2_floods import FLOODS, attack
from harness.journal import lines
from harness.process import wait_until
from harness.wire import Connection

MEGABYTE = 1 << 20


class App:
    """The responses of the scripted app."""

    def __init__(self):
        self.release = threading.Event()

    def __call__(self, request, connection):
        path = request.target
        if path == "/hold":
            self.release.wait(30)
            connection.respond()
        elif path.startswith("/bytes/"):
            count = int(path.split("/")[2])
            connection.respond(200, {"Content-Type": "text/plain"}, random.Random(count).randbytes(count))
        elif path == "/cut":
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            connection.close()
        elif path == "/cut-chunked":
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")
            connection.close()
        elif path == "/trailers":
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: x-hop\r\n"
                            "X-Hop: 1\r\nKeep-Alive: timeout=60\r\n\r\n5\r\n12345\r\n0\r\nX-Sum: 1\r\n\r\n")
        elif path == "/only-trailers":
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGrpc-Status: 16\r\n\r\n")
        elif path == "/early-hints":
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            connection.respond()
        elif path == "/status/204":
            connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        elif path == "/status/304":
            connection.send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n")
        elif path == "/hash":
            connection.respond(200, {}, hashlib.sha256(request.body).hexdigest())
        else:
            connection.echo = True
            self.echo(request, connection)


@pytest.fixture
def app(upstream):
    app = App()
    app.echo = upstream.echo
    upstream.answer = app
    read_body = upstream.read_body

    def read(request, connection):
        if request.target == "/hold-body":
            app.release.wait(30)
        if request.target == "/answer-early":
            connection.respond(403, {"Connection": "close"}, "no")
            connection.close()
        read_body(request, connection)
    upstream.read_body = read
    yield app
    app.release.set()
    upstream.read_body = read_body


@pytest.fixture
def connect(gate, app, session):
    made = []

    def connect(**options):
        connection = FrameConnection(gate.port, **options)
        connection.cookie = session["Cookie"]
        made.append(connection)
        return connection
    yield connect
    for connection in made:
        connection.close()


@pytest.mark.parametrize("case", cases, ids=[f"{c.section} {c.title}" for c in cases])
def test_conformance(case, connect, app):
    c = connect(hello=not case.title.endswith("(raw)"))
    c.next_stream = 1
    case.send(c)
    kind, code, stream = case.expected
    if kind == "connection":
        assert c.connection_error() == code
    elif kind in ("stream", "either", "error"):
        what, got = c.stream_or_connection_error(stream)
        assert got == code
        if kind == "error":
            return
        if what == "stream":
            assert c.is_alive()
        else:
            assert kind == "either"
    elif kind == "answered":
        assert c.response(stream).status == code
        # After its GOAWAY a client sends no more requests, and the connection may end.
        assert c.goaway in (None, h2.NO_ERROR)
    else:
        assert c.is_alive()
        app.release.set()
        c.next_stream = 1001
        assert c.get().status == 200


class TestMessages:
    def test_a_request_reaches_the_app_as_http_1_1(self, connect, upstream):
        c = connect()
        response = c.response(c.request("GET", "/a?b=c", [("accept", "*/*"), ("te", "trailers"), ("x-a", "1")]))
        got = upstream.last
        assert (got.method, got.target) == ("GET", "/a?b=c")
        assert got.get("Host") == c.authority
        assert got.get("TE") == "trailers" and got.get("x-a") == "1"
        assert got.get("X-Forwarded-User") == "ada@example.com" or "X-Forwarded-User" not in got.names
        assert response.get("content-type") == "application/json"
        assert all(name == name.lower() for name, _ in response.fields)

    def test_cookie_crumbs_are_one_cookie_with_one_session(self, connect, upstream):
        c = connect()
        crumbs = [("cookie", "a=1"), ("x-between", "1"), ("cookie", "b=2")]
        assert c.response(c.request("GET", "/", crumbs)).status == 200
        assert upstream.last.all("Cookie") == ["a=1; b=2"]

    def test_without_a_session_a_navigation_is_sent_to_the_provider(self, gate, app, upstream):
        with FrameConnection(gate.port) as c:
            response = c.response(c.request("GET", "/page", [(n.lower(), v) for n, v in NAVIGATION.items()]))
            assert response.status == 302 and response["location"].startswith("https://idp.test/login")
            assert response.get("date") and int(response["content-length"]) == len(response.body)
            assert not upstream.requests

    def test_a_sign_in_that_another_site_began_has_to_be_confirmed(self, gate, app, upstream):
        with FrameConnection(gate.port) as c:
            image = [("accept", "*/*"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")]
            assert c.get("/.sidegate/login", image).get("set-cookie") is None
            link = [(n.lower(), v) for n, v in {**NAVIGATION, **FROM_ANOTHER_SITE}.items()]
            planted = c.get("/page", link).get("set-cookie").partition(";")[0]
            back = c.get("/.sidegate/callback?jwt=" + tokens.token(), [*link, ("cookie", planted)])
            assert back.status == 200 and b"ada@example.com" in back.body, "the page asks for confirmation"

    def test_an_attempt_that_is_left_over_counts_only_with_its_own_state(self, gate, app, upstream):
        crumbs = {}
        typed = [(n.lower(), v) for n, v in NAVIGATION.items()]
        other_site = [(n.lower(), v) for n, v in {**NAVIGATION, **FROM_ANOTHER_SITE}.items()]
        with FrameConnection(gate.port) as c:
            def ask(target, fields):
                response = c.get(target, [*fields, *(("cookie", f"{n}={v}") for n, v in crumbs.items())])
                for name, line in response.fields:
                    if name == "set-cookie":
                        cookie, _, attributes = line.partition(";")
                        crumbs[cookie.partition("=")[0]] = cookie.partition("=")[2]
                        if "Max-Age=0;" in attributes:
                            del crumbs[cookie.partition("=")[0]]
                return response

            def begin(target):
                location = urllib.parse.urlsplit(ask(target, typed)["location"])
                back = urllib.parse.urlsplit(dict(urllib.parse.parse_qsl(location.query))["return_url"])
                return f"{back.path}?{back.query}&jwt="
            first, second = begin("/1"), begin("/2")
            assert ask(first + tokens.token(), other_site)["location"].endswith("/1")
            asked = ask("/.sidegate/callback?jwt=" + tokens.token(sub="eve", email="eve@example.com"), other_site)
            assert asked.status == 200 and b"eve@example.com" in asked.body, "a page asks"
            assert ask("/page", typed).status == 200 and ask("/.sidegate/session", typed).status == 200
            assert ask(second + tokens.token(), other_site)["location"].endswith("/2")

    def test_a_token_used_for_a_sign_in_is_refused_as_bearer(self, gate, app, upstream):
        token = tokens.token()
        bearer = [("authorization", f"Bearer {token}"), ("accept", "application/json")]
        with FrameConnection(gate.port) as c:
            assert c.get("/", bearer).status == 200
            assert Browser(gate).sign_in_with(token).status == 303
            streams = [c.request("GET", "/", bearer) for _ in range(5)]
            assert {c.response(stream).status for stream in streams} == {401}

    @pytest.mark.parametrize("field", ["X-Forwarded-User", "x_forwarded_user", "x.forwarded.email"])
    def test_identity_fields_of_a_client_are_removed(self, connect, upstream, field):
        c = connect()
        assert c.response(c.request("GET", "/", [(field.lower(), "mallory")])).status == 200
        assert "mallory" not in upstream.last.head.decode()

    def test_hop_by_hop_fields_end_at_the_gate(self, connect):
        response = connect().get("/trailers")
        names = [name for name, _ in response.fields]
        assert not {"connection", "keep-alive", "transfer-encoding", "x-hop"} & set(names)
        assert response.body == b"12345" and response.trailers == [("x-sum", "1")]

    def test_trailers_without_content(self, connect):
        response = connect().get("/only-trailers")
        assert (response.status, response.body, response.trailers) == (200, b"", [("grpc-status", "16")])

    def test_trailers_of_a_request_reach_the_app_filtered(self, connect, upstream):
        c = connect()
        stream = c.request("POST", "/", end=False)
        c.data(stream, b"content")
        c.send(c.headers(stream, [("x-sum", "1"), ("authorization", "x"), ("x-forwarded-user", "mallory")]))
        assert c.response(stream).status == 200
        assert upstream.last.body == b"content" and upstream.last.trailers == [("x-sum", "1")]

    @pytest.mark.parametrize("cut", ["at once", "in two", "in bytes"])
    def test_a_request_may_be_split_anywhere(self, connect, upstream, cut):
        c = connect()
        for stream in (1, 3, 5):
            data = (c.headers(stream, c.fields("POST"), end=False) + frame(h2.DATA, 0, stream, b"content")
                    + c.headers(stream, [("x-sum", "1")]))
            if cut == "at once":
                c.send(data)
            elif cut == "in two":
                c.send(data[:-20])
                c.send(data[-20:])
            else:
                for byte in data:
                    c.send(bytes([byte]))
            assert c.response(stream).status == 200
            assert upstream.last.body == b"content" and upstream.last.trailers == [("x-sum", "1")]

    def test_content_of_a_known_length_keeps_its_Content_Length(self, connect, upstream):
        c = connect()
        stream = c.request("POST", "/", [("content-length", "7")], end=False)
        c.data(stream, b"con")
        c.data(stream, b"tent", end=True)
        assert c.response(stream).status == 200
        assert upstream.last.get("Content-Length") == "7" and upstream.last.body == b"content"

    @pytest.mark.parametrize("path, method, status", [
        ("/status/204", "GET", 204), ("/status/304", "GET", 304), ("/bytes/100", "HEAD", 200)])
    def test_responses_without_content_have_no_data(self, connect, path, method, status):
        c = connect()
        stream = c.request(method, path)
        assert c.response(stream).status == status
        assert not [f for f in c.frames if f.type == h2.DATA and f.stream == stream]

    def test_early_hints_pass(self, connect):
        response = connect().get("/early-hints")
        assert [r.status for r in response.interim] == [103] and response.status == 200

    def test_a_client_that_expects_100_gets_it_from_the_app(self, connect, upstream):
        def serve(connection):
            request = connection.read_head()
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            upstream.read_body(request, connection)
            connection.respond(200, {}, request.body)
        upstream.serve = serve
        c = connect()
        stream = c.request("POST", "/", [("expect", "100-continue")], end=False)
        c.read_until(lambda f: f.type == h2.HEADERS and f.stream == stream)
        assert c.sections[stream][0][0] == (":status", "100")
        c.data(stream, b"now", end=True)
        assert c.response(stream).body == b"now"

    @pytest.mark.parametrize("path", ["/cut", "/cut-chunked"])
    def test_a_response_that_is_cut_short_is_reset(self, connect, path):
        c = connect()
        with pytest.raises(StreamReset) as reset:
            c.get(path)
        assert reset.value.code == h2.INTERNAL_ERROR
        assert c.get().status == 200

    def test_an_early_response_resets_the_rest_of_the_request_with_NO_ERROR(self, connect):
        c = connect()
        stream = c.request("POST", "/answer-early", end=False)
        c.data(stream, b"some")
        assert c.response(stream).status == 403
        c.read_until(lambda f: f.type == h2.RST_STREAM and f.stream == stream)
        assert c.reset_code(stream) == h2.NO_ERROR
        c.send_quietly(frame(h2.DATA, 0, stream, b"more" * 100))
        assert c.get().status == 200

    def test_a_head_that_is_too_large_is_431(self, connect):
        c = connect()
        fields = c.fields(fields=[(f"x-{n}", "a" * 3000) for n in range(12)])
        c.send(frame(h2.HEADERS, END_STREAM, 1, h2.block(fields)[:16_000])
               + frame(h2.CONTINUATION, 0, 1, h2.block(fields)[16_000:32_000])
               + frame(h2.CONTINUATION, END_HEADERS, 1, h2.block(fields)[32_000:]))
        assert c.response(1).status == 431
        c.next_stream = 3
        assert c.get().status == 200

    def test_content_that_is_too_large_is_413(self, start_gate, upstream, app):
        gate = start_gate(upstream, limits={"bodyBytes": "1KiB"})
        with FrameConnection(gate.port) as c:
            c.cookie = gate.session_cookie()["Cookie"]
            stream = c.request("POST", "/", end=False)
            c.data(stream, bytes(2000))
            assert c.response(stream).status == 413
            assert c.get().status == 200

    def test_responses_on_one_connection_may_come_in_any_order(self, connect, app):
        c = connect()
        held = c.request("GET", "/hold")
        others = [c.request("GET", f"/{n}") for n in range(20)]
        assert all(c.response(stream).status == 200 for stream in others)
        assert not c.sections.get(held)
        app.release.set()
        assert c.response(held).status == 200


class TestTransfers:
    def test_downloads_of_random_size_at_once(self, connect):
        c = connect()
        generator = random.Random(1)
        sizes = [generator.randrange(0, 300_000) for _ in range(30)] + [0, 1, 16_384, 16_385, 65_535, 65_536]
        streams = {c.request("GET", f"/bytes/{size}"): size for size in sizes}
        for stream, size in streams.items():
            assert c.response(stream).body == random.Random(size).randbytes(size), size

    def test_uploads_of_random_size_at_once(self, connect):
        c = connect()
        generator = random.Random(2)
        jobs = {}
        for _ in range(20):
            content = generator.randbytes(generator.randrange(0, 60_000))
            jobs[c.request("POST", "/hash", end=False)] = [content, 0]
        while any(not job or job[1] is not None for job in jobs.values()):
            stream = generator.choice([s for s, job in jobs.items() if job[1] is not None])
            content, at = jobs[stream]
            size = generator.choice([0, 1, 100, 5000, 16_384])
            end = at + size >= len(content)
            c.data(stream, content[at:at + size], end=end)
            jobs[stream][1] = None if end else at + size
        for stream, (content, _) in jobs.items():
            assert c.response(stream).body.decode() == hashlib.sha256(content).hexdigest()

    def test_an_upload_larger_than_all_windows(self, connect):
        c = connect()
        content = random.Random(3).randbytes(3 * MEGABYTE + 17)
        stream = c.request("POST", "/hash", end=False)
        window, connection_window, at = 65_535, 65_535, 0
        while at < len(content):
            while self.updates(c):
                number, by = self.updates(c, take=True)
                if number == 0:
                    connection_window += by
                elif number == stream:
                    window += by
            room = min(window, connection_window, 16_384, len(content) - at)
            if room == 0:
                c.read_frame()
                continue
            c.data(stream, content[at:at + room], end=at + room == len(content))
            at, window, connection_window = at + room, window - room, connection_window - room
        assert c.response(stream).body.decode() == hashlib.sha256(content).hexdigest()

    @staticmethod
    def updates(c, take=False):
        while c.read < len(c.frames):
            got = c.frames[c.read]
            if got.type == h2.WINDOW_UPDATE:
                if take:
                    c.read += 1
                return got.stream, int.from_bytes(got.payload, "big")
            c.read += 1
        return None

    def test_a_stalled_download_delays_no_other_and_the_app_waits(self, connect, gate, app, upstream):
        def serve(connection):
            request = connection.read_head()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
            if request.target == "/big":
                for _ in range(500):
                    connection.send(bytes(100_000))
        upstream.serve = serve
        c = connect()
        before = gate.process.memory()
        stalled = c.request("GET", "/big")
        c.stalled.add(stalled)
        wait_until(lambda: upstream.connections and upstream.connections[-1].sent > 0, "the app sends")
        c.read_until(lambda f: f.type == h2.DATA)
        upstream.serve = upstream.serve_requests
        for _ in range(50):
            assert c.get("/bytes/30000").status == 200
        assert len(c.content(stalled)) == 65_535
        assert gate.process.memory() - before < 4 * MEGABYTE
        c.send(frame(h2.RST_STREAM, 0, stalled, word(h2.CANCEL)))
        assert c.get().status == 200

    def test_a_stalled_upload_delays_no_other(self, connect, app, gate):
        c = connect()
        stalled = c.request("POST", "/hold-body", end=False)
        for _ in range(3):
            c.data(stalled, bytes(16_384))
        c.data(stalled, bytes(65_535 - 3 * 16_384))
        for _ in range(20):
            stream = c.request("POST", "/hash", end=False)
            c.data(stream, bytes(10_000), end=True)
            assert c.response(stream).status == 200
        app.release.set()
        c.data(stalled, b"", end=True)
        assert c.response(stalled).status == 200

    def test_streams_share_the_connection_fairly(self, connect):
        c = connect()
        large = [c.request("GET", "/bytes/2000000") for _ in range(3)]
        small = c.request("GET", "/bytes/1000")
        c.response(small)
        assert all(len(c.content(stream)) < 2_000_000 for stream in large)
        for stream in large:
            c.response(stream)
        ends = [max(i for i, f in enumerate(c.frames) if f.stream == stream and f.type == h2.DATA) for stream in large]
        starts = [min(i for i, f in enumerate(c.frames) if f.stream == stream and f.type == h2.DATA) for stream in large]
        assert max(starts) < min(ends)

    def test_the_requests_of_a_client_that_disconnects_end(self, connect, app, gate, upstream):
        c = connect()
        for _ in range(20):
            c.request("GET", "/hold")
        upstream.wait_for_requests(20)
        before = gate.process.descriptors()
        c.reset_connection()
        wait_until(lambda: gate.process.descriptors() <= before - 20, "the connections to the app are closed")
        app.release.set()

    def test_peers_that_stall_reset_and_trickle(self, gate, app, session):
        generator = random.Random(4)
        failures = []

        def client(seed):
            mine = random.Random(seed)
            try:
                with FrameConnection(gate.port, settings=setting(4, mine.choice([1000, 20_000, 65_535]))) as c:
                    c.cookie = session["Cookie"]
                    for _ in range(15):
                        size = mine.randrange(0, 200_000)
                        stream = c.request("GET", f"/bytes/{size}")
                        what = mine.randrange(4)
                        if what == 0:
                            c.send(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)))
                        elif what == 1:
                            c.read_until(lambda f: f.stream == stream and f.type == h2.HEADERS)
                            c.send(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)))
                        else:
                            assert c.response(stream).body == random.Random(size).randbytes(size)
            except Exception as failure:
                failures.append(failure)
        threads = [threading.Thread(target=client, args=(generator.random(),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not failures, failures
        assert gate.exchange("GET", "/", session).status == 200


class TestTheLog:
    """Responses whose end waits in the buffer of a stream."""

    @staticmethod
    def logged(gate, path):
        found = []

        def look():
            found[:] = [line for line in lines(gate) if line.get("kind") == "access" and line["path"] == path]
            return found
        wait_until(look, f"{path} is logged")
        return found[0]

    @pytest.mark.parametrize("end", ["reset", "close", "goaway"])
    @pytest.mark.parametrize("path", ["/bytes/20000", "/.sidegate/session"])
    def test_a_response_that_a_client_did_not_read_is_logged_as_aborted(self, start_gate, upstream, app, path, end):
        gate = start_gate(upstream)
        with FrameConnection(gate.port, settings=setting(4, 10)) as c:
            c.cookie = gate.session_cookie()["Cookie"]
            stream = c.request("GET", path)
            c.stalled.add(stream)
            c.read_until(lambda f: f.type == h2.DATA and f.stream == stream)
            if end == "reset":
                c.send(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)))
            elif end == "close":
                c.close()
            else:
                c.send(frame(h2.GOAWAY, 0, 0, word(0) + word(h2.NO_ERROR)))
                c.close()
            line = self.logged(gate, path)
            assert (line["status"], line["reason"]) == (200, "aborted")

    def test_a_response_that_a_client_reads_late_is_logged_as_complete(self, gate, app, session):
        for size in (1, 20_000, 32_767, 32_768, 40_000):
            with FrameConnection(gate.port, settings=setting(4, 1000)) as c:
                c.cookie = session["Cookie"]
                path = f"/bytes/{size}"
                response = c.get(path, [("x-request-id", f"late-{size}")])
                assert response.body == random.Random(size).randbytes(size)
                # The response precedes the end of the request, which is never sent.
                stream = c.request("POST", "/answer-early", [("x-request-id", f"early-{size}")], end=False)
                c.data(stream, b"some")
                assert c.response(stream).status == 403
                c.read_until(lambda f: f.type == h2.RST_STREAM and f.stream == stream)
            for name, status in ((f"late-{size}", 200), (f"early-{size}", 403)):
                found = []
                wait_until(lambda: found.extend(line for line in lines(gate) if line.get("id") == name) or found, name)
                assert found[0]["status"] == status and "reason" not in found[0], found


class TestEnding:
    def test_a_stop_serves_requests_in_flight_and_announces_the_last_one(self, start_gate, upstream, app):
        gate = start_gate(upstream)
        with FrameConnection(gate.port) as c:
            c.cookie = gate.session_cookie()["Cookie"]
            held = c.request("GET", "/hold")
            upstream.wait_for_requests(1)
            gate.process.child.terminate()
            assert c.read_until(lambda f: f.type == h2.GOAWAY).payload[:4] == word(h2.GREATEST_WINDOW)
            ping = c.read_until(lambda f: f.type == h2.PING and not f.flags)
            late = c.request("GET", "/late")
            c.send(frame(h2.PING, h2.ACK, 0, ping.payload))
            assert c.response(late).status == 200
            last = c.read_until(lambda f: f.type == h2.GOAWAY)
            assert last.payload == word(late) + word(h2.NO_ERROR)
            app.release.set()
            assert c.response(held).status == 200
            c.read_all()
        gate.was_stopped = True
        assert gate.process.child.wait(30) == 0

    @pytest.mark.parametrize("code, text", [(h2.NO_ERROR, b""), (0xFF, b"unknown")])
    def test_after_the_clients_goaway_an_idle_connection_ends(self, connect, app, code, text):
        goaway = frame(h2.GOAWAY, 0, 0, word(0) + word(code) + text)
        ping = frame(h2.PING, 0, 0, b"h2spec!!")
        for sent in (goaway, goaway + ping):
            for is_used in (False, True):
                c = connect()
                assert not is_used or c.get().status == 200
                c.send(sent)
                assert c.connection_error() == h2.NO_ERROR
                answers = [f.payload for f in c.frames if f.type == h2.PING and f.flags & h2.ACK]
                assert answers == ([b"h2spec!!"] if sent != goaway else [])

    def test_after_the_clients_goaway_requests_in_flight_are_served_and_frames_answered(self, connect, app, upstream):
        c = connect()
        held = c.request("GET", "/hold")
        upload = c.request("POST", "/hash", end=False)
        c.send(frame(h2.GOAWAY, 0, 0, word(0) + word(h2.NO_ERROR)))
        assert c.is_alive()
        c.send(frame(h2.SETTINGS, 0, 0, setting(4, 70_000)))
        c.read_until(lambda f: f.type == h2.SETTINGS and f.flags & h2.ACK)
        content = random.Random(1).randbytes(200_000)  # more than a window: it is opened again
        for at in range(0, len(content), 10_000):
            c.data_frame(upload, content[at:at + 10_000], 0)
        c.data(upload, b"", end=True)
        assert c.response(upload).body.decode() == hashlib.sha256(content).hexdigest()
        c.send(frame(h2.GOAWAY, 0, 0, word(0) + word(h2.NO_ERROR)))
        assert c.is_alive()
        app.release.set()
        assert c.response(held).status == 200
        assert c.connection_error() == h2.NO_ERROR

    def test_an_idle_connection_is_ended_with_goaway(self, start_gate, upstream, app):
        gate = start_gate(upstream, limits={"keepAliveTimeout": "300ms"})
        with FrameConnection(gate.port) as c:
            c.cookie = gate.session_cookie()["Cookie"]
            assert c.get().status == 200
            assert c.connection_error() == h2.NO_ERROR

    @pytest.mark.parametrize("part", [
        b"PRI * HTTP/2.0\r\n\r\nSM", h2.PREFACE, h2.PREFACE + frame(h2.SETTINGS) + frame(h2.HEADERS, 0, 1, b"\x82")])
    def test_a_handshake_that_stalls_is_ended(self, start_gate, upstream, app, part):
        gate = start_gate(upstream, limits={"headerTimeout": "300ms"})
        with FrameConnection(gate.port, hello=False) as c:
            c.send(part)
            assert c.connection_error() is not None

    def test_content_that_does_not_arrive_is_408(self, start_gate, upstream, app):
        gate = start_gate(upstream, limits={"bodyIdleTimeout": "300ms"})
        with FrameConnection(gate.port) as c:
            c.cookie = gate.session_cookie()["Cookie"]
            stream = c.request("POST", "/", end=False)
            c.data(stream, b"some")
            assert c.response(stream).status == 408
            assert c.get().status == 200

    def test_content_that_is_not_read_is_reset(self, start_gate, upstream, app):
        gate = start_gate(upstream, limits={"bodyIdleTimeout": "300ms"})
        with FrameConnection(gate.port, settings=setting(4, 10)) as c:
            c.updates_windows = False
            c.cookie = gate.session_cookie()["Cookie"]
            with pytest.raises(StreamReset):
                c.get("/bytes/100")
            c.send(frame(h2.SETTINGS, 0, 0, setting(4, 65_535)))
            assert c.get("/bytes/5").status == 200

    def test_http2_can_be_turned_off(self, start_gate, upstream, app):
        gate = start_gate(upstream, http2={"enabled": False})
        with Connection(gate.port) as c:
            c.send(h2.PREFACE)
            assert c.read_head().status == 505

    def test_upgrade_to_h2c_is_ignored(self, gate, app, session):
        """RFC 9113 §3.1: this upgrade of RFC 7540 is obsolete."""
        response = gate.exchange("GET", "/", {**session, "Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c",
                                              "HTTP2-Settings": "AAMAAABkAAQAAP__"})
        assert response.status == 200

    def test_the_preface_is_accepted_only_at_the_start_of_a_connection(self, gate, app, session):
        with Connection(gate.port) as c:
            assert c.exchange("GET", "/", session).status == 200
            c.send(h2.PREFACE)
            assert c.read_head().status == 505


class TestRealClients:
    def curl(self, gate, *arguments):
        return subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "-m", "20", *arguments], capture_output=True, timeout=30)

    def test_curl(self, gate, app, session):
        done = self.curl(gate, "-H", f"Cookie: {session['Cookie']}", "-d", "a=b", "-w", "%{http_version}",
                         f"{gate.origin}/page")
        assert done.returncode == 0, done.stderr
        body, version = done.stdout[:-1], done.stdout[-1:]
        assert version == b"2" and json.loads(body)["body"] == "a=b"

    def test_curl_uploads_and_downloads(self, gate, app, session, tmp_path):
        content = random.Random(5).randbytes(5 * MEGABYTE)
        (tmp_path / "file").write_bytes(content)
        done = self.curl(gate, "-H", f"Cookie: {session['Cookie']}", "-T", tmp_path / "file", f"{gate.origin}/hash")
        assert done.stdout.decode() == hashlib.sha256(content).hexdigest(), done.stderr
        done = self.curl(gate, "-H", f"Cookie: {session['Cookie']}", f"{gate.origin}/bytes/5000000")
        assert done.stdout == random.Random(5_000_000).randbytes(5_000_000)

    def test_nghttp(self, gate, app, session):
        done = subprocess.run(
            ["nghttp", "-nv", "-t", "10", "-m", "20", "-H", f"cookie: {session['Cookie']}", f"{gate.origin}/bytes/10000"],
            capture_output=True, text=True, timeout=30)
        assert done.stdout.count(":status: 200") == 20, done.stdout[-2000:]

    def test_h2load(self, gate, app, session):
        done = subprocess.run(
            ["h2load", "-n", "2000", "-c", "8", "-m", "20", "-H", f"cookie: {session['Cookie']}", f"{gate.origin}/"],
            capture_output=True, text=True, timeout=60)
        assert "2000 succeeded, 0 failed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection_and_others_are_served(name, start_gate, upstream, app):
    """Benchmarks/floods.py measures the latency of others and the cost."""
    gate = start_gate(upstream)
    cookie = gate.session_cookie()["Cookie"]
    ended = []

    def seen():
        return served[0] >= 20 and rounds[0] >= 2
    served, rounds, done = [0], [0], threading.Event()

    def connect():
        rounds[0] += 1
        return FrameConnection(gate.port)
    with FrameConnection(gate.port) as other:
        other.cookie = cookie
        assert other.get().status == 200
        with in_background(lambda stop: (ended.extend(
                attack(connect, FLOODS[name], lambda: stop.is_set() or seen())), done.set())):
            while not done.is_set() or served[0] < 20:
                assert other.get().status == 200
                served[0] += 1
                assert served[0] < 100_000, "the attacker's connection does not end"
    assert ended and not {h2.NO_ERROR, "open"} & set(ended), ended


class TestPings:
    """gRPC's libraries estimate the bandwidth: a PING follows DATA, as soon as the one before was answered."""

    PING = frame(h2.PING, 0, 0, b"estimate")

    def test_a_ping_for_each_data_frame_is_no_flood(self, connect, app):
        c = connect(settings=setting(4, 1))
        count = 6000
        stream = c.request("GET", f"/bytes/{count}")
        for _ in range(count):
            # The next byte follows the update of the window, which precedes the PING.
            c.read_until(lambda f: f.type == h2.DATA and f.payload)
            c.send(self.PING)
        assert c.response(stream).body == random.Random(count).randbytes(count)
        wait_until(lambda: c.read_frame() and sum(f.type == h2.PING for f in c.frames) >= count, "answers", interval=0)
        assert c.goaway is None

    @pytest.mark.parametrize("is_after_data", [False, True])
    def test_pings_without_data_are_a_flood(self, connect, app, is_after_data):
        c = connect()
        if is_after_data:
            assert len(c.get("/bytes/100000").body) == 100_000
        while c.send_quietly(self.PING * 100):
            pass
        assert c.connection_error() in (h2.ENHANCE_YOUR_CALM, None)
        assert sum(f.type == h2.PING for f in c.frames) < 5000


class TestPausedResponses:
    """A client that opens no window has its requests served one after another; none of them is refused."""

    COUNT = 100

    def begin(self, connect) -> tuple:
        c = connect(settings=setting(4, 0))
        return c, [c.request("GET", f"/bytes/{100 + n}") for n in range(self.COUNT)]

    def test_paused_responses_are_kept_and_sent_when_the_client_opens_a_window(self, connect, app):
        c, streams = self.begin(connect)
        # All are served, although nothing is taken.
        wait_until(lambda: len(c.sections) == self.COUNT or c.read_frame() and False, "the heads", interval=0)
        assert not any(f.type == h2.DATA for f in c.frames)
        c.send(b"".join(frame(h2.WINDOW_UPDATE, 0, stream, word(1000)) for stream in streams))
        for n, stream in enumerate(streams):
            assert c.response(stream).body == random.Random(100 + n).randbytes(100 + n)
        assert c.goaway is None

    def test_an_open_window_begins_requests_at_once(self, connect, app, upstream):
        c, streams = self.begin(connect)
        c.send(b"".join(frame(h2.WINDOW_UPDATE, 0, stream, word(100_000)) for stream in reversed(streams)))
        for stream in streams:
            assert c.response(stream).status == 200

    def test_a_request_that_waits_is_cancelled_for_nothing(self, connect, app, upstream):
        c = connect(settings=setting(4, 0))
        held = [c.request("GET", "/hold") for _ in range(16)]
        upstream.wait_for_requests(16)
        c.send(b"".join(c.headers(stream, c.fields("GET", "/cancelled")) for stream in range(101, 141, 2)))
        c.send(b"".join(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)) for stream in range(105, 141, 2)))
        assert c.is_alive()
        app.release.set()
        wait_until(lambda: set(held) <= set(c.sections) or c.read_frame() and False, "the heads", interval=0)
        assert sum(r.target == "/cancelled" for r in upstream.requests) < 20


class TestWebSocket:
    """RFC 8441: a stream as a WebSocket; the app receives an HTTP/1.1 upgrade."""

    @staticmethod
    def ask(c, path="/chat", fields=(), protocol="websocket", stream=1):
        c.next_stream = stream + 2
        c.send(c.headers(stream, [
            (":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", path),
            (":authority", c.authority), ("cookie", c.cookie or "none=1"), ("sec-websocket-version", "13"), *fields],
            end=False))
        return stream

    @staticmethod
    def head(c, stream):
        c.read_until(lambda f: f.stream == stream and f.type == h2.HEADERS)
        return dict(c.sections[stream][-1])

    @staticmethod
    def accept(connection, request, extra=""):
        key = request.get("Sec-WebSocket-Key")
        digest = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Accept: {digest.decode()}\r\n{extra}\r\n")

    def echo(self, upstream, seen):
        def serve(connection):
            request = connection.read_head()
            seen.append(request)
            self.accept(connection, request, "Sec-WebSocket-Protocol: chat\r\n")
            try:
                while True:
                    if not connection.buffer:
                        connection.fill()
                    data = bytes(connection.buffer)
                    connection.buffer.clear()
                    connection.send(data)
            except Exception:
                connection.send(b"bye")
                connection.close()
        upstream.serve = serve

    def test_opens_as_an_upgrade_and_passes_data_both_ways(self, connect, upstream):
        seen = []
        self.echo(upstream, seen)
        c = connect()
        stream = self.ask(c, fields=[("sec-websocket-protocol", "chat"), ("origin", "http://a")])
        head = self.head(c, stream)
        assert head[":status"] == "200" and head["sec-websocket-protocol"] == "chat"
        assert not {"upgrade", "connection", "sec-websocket-accept"} & set(head)
        request = seen[0]
        assert (request.method, request.get("Upgrade"), request.get("Connection")) == ("GET", "websocket", "upgrade")
        assert len(base64.b64decode(request.get("Sec-WebSocket-Key"))) == 16
        assert request.get("Sec-WebSocket-Version") == "13"
        content = random.Random(6).randbytes(40_000)
        c.data(stream, content[:15_000])
        c.data(stream, content[15_000:30_000])
        c.data(stream, content[30_000:])
        while len(c.content(stream)) < len(content):
            c.read_frame()
        assert c.content(stream) == content
        c.data(stream, b"", end=True)
        assert c.response(stream).body == content + b"bye"

    def test_content_sent_before_the_response_waits_for_it(self, connect, upstream):
        seen = []
        self.echo(upstream, seen)
        c = connect()
        stream = self.ask(c)
        c.data(stream, b"early")
        assert self.head(c, stream)[":status"] == "200"
        while c.content(stream) != b"early":
            c.read_frame()

    def test_concurrently_with_other_requests(self, connect, upstream, app):
        def serve(connection):
            request = connection.read_head()
            if request.get("Upgrade"):
                self.accept(connection, request)
                app.release.wait(30)
            else:
                connection.respond()
        upstream.serve = serve
        c = connect()
        stream = self.ask(c)
        assert self.head(c, stream)[":status"] == "200"
        assert c.get().status == 200
        app.release.set()
        assert c.response(stream).body == b""

    @pytest.mark.parametrize("answer", [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\n"], ids=["no proof", "a wrong proof", "200", "204"])
    def test_without_the_apps_agreement_there_is_no_tunnel(self, connect, upstream, answer):
        def serve(connection):
            connection.read_head()
            connection.send(answer)
        upstream.serve = serve
        c = connect()
        assert self.head(c, self.ask(c))[":status"] == "502"

    def test_a_refusal_by_the_app_is_forwarded(self, connect, upstream):
        def serve(connection):
            connection.read_head()
            connection.respond(403, {}, "no")
        upstream.serve = serve
        c = connect()
        stream = self.ask(c)
        response = c.response(stream)
        assert (response.status, response.body) == (403, b"no")

    def test_without_a_session_there_is_no_websocket(self, gate, app, upstream):
        with FrameConnection(gate.port) as c:
            assert self.head(c, self.ask(c))[":status"] == "401"
            assert not upstream.requests

    def test_other_protocols_are_501(self, connect):
        c = connect()
        assert self.head(c, self.ask(c, protocol="connect-udp"))[":status"] == "501"

    def test_a_reset_by_either_side_reaches_the_other(self, connect, upstream, gate):
        opened = []

        def serve(connection):
            request = connection.read_head()
            self.accept(connection, request)
            opened.append(connection)
            if request.target == "/resets":
                connection.read_exactly(1)
                connection.reset()
            else:
                connection.fill()
        upstream.serve = serve
        c = connect()
        first = self.ask(c, "/resets")
        assert self.head(c, first)[":status"] == "200"
        c.data(first, b"x")
        c.read_until(lambda f: f.stream == first and f.type == h2.RST_STREAM)
        second = self.ask(c, "/", stream=3)
        assert self.head(c, second)[":status"] == "200"
        before = gate.process.descriptors()
        c.send(frame(h2.RST_STREAM, 0, second, word(h2.CANCEL)))
        wait_until(lambda: gate.process.descriptors() == before - 1, "the app's side is closed")
        assert c.is_alive()

    def test_a_peer_that_does_not_read_slows_the_other_side(self, connect, upstream, gate):
        def serve(connection):
            self.accept(connection, connection.read_head())
            while True:
                connection.send(bytes(100_000))
        upstream.serve = serve
        c = connect()
        before = gate.process.memory()
        stream = self.ask(c)
        c.stalled.add(stream)
        while len(c.content(stream)) < 65_535:
            c.read_frame()
        upstream.serve = upstream.serve_requests
        assert c.get().status == 200
        assert gate.process.memory() - before < 4 * MEGABYTE
        c.send(frame(h2.WINDOW_UPDATE, 0, stream, word(1 << 20)))
        while len(c.content(stream)) < 1_000_000:
            c.read_frame()


class TestLogout:
    """The end of a session closes its tunnels and streams, but not the connection, which others may share."""

    @pytest.fixture
    def live(self, connect, start_gate, upstream, app):
        gate = start_gate(upstream)

        def serve(connection):
            request = connection.read_head()
            if request.get("Upgrade"):
                TestWebSocket.accept(connection, request)
            else:
                connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            while True:
                connection.fill()
                connection.send(bytes(connection.buffer))
                connection.buffer.clear()
        upstream.serve = serve
        with FrameConnection(gate.port) as c:
            yield gate, c
        upstream.serve = upstream.serve_requests

    @staticmethod
    def end_session(gate, **claims):
        body = urllib.parse.urlencode({"logout_token": mints.by_python(mints.claims(email=None, **claims))}).encode()
        assert gate.exchange("POST", "/.sidegate/backchannel-logout",
                             {"Content-Type": "application/x-www-form-urlencoded"}, body).status == 200

    def open(self, c, gate, kind, stream, **claims):
        c.cookie = gate.session_cookie(**claims)["Cookie"]
        if kind == "tunnel":
            TestWebSocket.ask(c, stream=stream)
        else:
            c.request("GET", "/events", {"accept": "text/event-stream"}, stream=stream)
        assert TestWebSocket.head(c, stream)[":status"] == "200"

    @pytest.mark.parametrize("kind", ["tunnel", "events"])
    def test_back_channel_logout_ends_the_sessions_streams(self, live, kind):
        gate, c = live
        self.open(c, gate, kind, 1)
        self.open(c, gate, "tunnel", 3, sub="bob", email="bob@example.com")
        self.end_session(gate)
        c.read_until(lambda f: f.stream == 1 and f.type == h2.RST_STREAM)
        assert c.is_alive()
        c.data(3, b"still here")
        while c.content(3) != b"still here":
            c.read_frame()
        assert c.reset_code(3) is None
