# SPDX-License-Identifier: Apache-2.0
"""Why the app failed: the cause in access lines, in the program's messages and in metrics."""

import contextlib
import json
import re
import socket
import ssl
import threading

import pytest

from harness import frames as h2
from harness import log_document
from harness.admin import Metrics
from harness.certificates import Authority
from harness.frames import END_HEADERS, FrameConnection, StreamReset, block, frame
from harness.gate import XHR
from harness.h2_upstream import H2Upstream
from harness.journal import lines
from harness.ports import free_port
from harness.process import wait_until
from harness.secure import SecureUpstream
from harness.upstream import Closed
from harness.wire import CutShort

NAMES = "DNS:localhost,IP:127.0.0.1"
#: A value as Swift writes it, which is no text for people: `unsupported("…")`, `Optional(…)`, `Module.Type`.
DEBUG_TEXT = re.compile(r"\b[a-z]+[A-Za-z]*\(\\?\"|Optional\(|\b(HTTP1|HTTP2|Proxy|Reactor|TLS|JWT|Gate|Sidecar)\.[A-Z]")


@pytest.fixture
def start(start_gate):
    def start(url, **upstream):
        gate = start_gate(url, upstream={"url": url, **upstream}, admin={"listen": f"127.0.0.1:{free_port()}"})
        gate.cookie = gate.session_cookie()
        return gate
    return start


def ask(gate, method="GET", version=1):
    """The status; 0: the response broke off."""
    if version == 1:
        try:
            return gate.exchange(method, "/failed", {**gate.cookie, **XHR}).status
        except CutShort:
            return 0
    with FrameConnection(gate.port) as connection:
        connection.cookie = gate.cookie["Cookie"]
        try:
            return connection.response(connection.request(method, "/failed", XHR)).status
        except StreamReset:
            return 0


def failed(gate, cause, reason, status, words, message, method="GET", version=1):
    """A request fails, and everything that tells of it names the cause."""
    before, seen = Metrics(gate), len(access(gate))
    got = ask(gate, method, version)
    assert got in (status if isinstance(status, tuple) else (status,))
    wait_until(lambda: len(access(gate)) > seen, "the access line")
    line = access(gate)[-1]
    assert (line["reason"], line["cause"]) == (f"upstream_{reason}", cause), line
    assert re.search(words, line["detail"]), line
    assert line["status"] == (got or 200)
    after = Metrics(gate)
    name = "sidegate_upstream_errors_total"
    assert after.get(name, upstream="default", reason=reason, cause=cause) == before.get(name, cause=cause) + 1
    assert after.get(name) == before.get(name) + 1
    reports = [line for line in lines(gate) if line.get("cause") == cause and line.get("kind") != "access"]
    if message is None:
        assert not reports
    else:
        report = reports[0]
        assert (report["level"], report["message"]) == ("warning", message)
        assert report["upstream"] == gate.settings["upstream"]["url"] and report["detail"]
    assert not DEBUG_TEXT.search(gate.log()), DEBUG_TEXT.search(gate.log())


def access(gate):
    return [line for line in lines(gate) if line.get("kind") == "access" and line.get("path") == "/failed"]


UNREACHABLE, UNSECURED, BUSY, INVALID = (
    f"{what} the app" for what in (
        "no connection to", "no secure connection to", "no free connection to", "no valid response from"))


class TestNoConnection:
    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("scheme", ["http", "h2c", "https"])
    def test_refused(self, start, scheme, version):
        gate = start(f"{scheme}://127.0.0.1:{free_port()}")
        failed(gate, "connection_refused", "unreachable", 502, "^Connection refused$", UNREACHABLE, version=version)

    @pytest.mark.parametrize("scheme", ["http", "h2c", "https"])
    def test_a_name_without_address(self, start, scheme):
        gate = start(f"{scheme}://no-such-host.invalid:80")
        failed(gate, "dns_failed", "unreachable", 502, "^the name cannot be resolved: .", UNREACHABLE)

    def test_a_socket_that_does_not_exist(self, start, tmp_path):
        failed(start(f"unix:{tmp_path}/none"), "socket_missing", "unreachable", 502, "No such file", UNREACHABLE)

    def test_a_socket_where_nothing_listens(self, start, tmp_path):
        path = tmp_path / "old"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        failed(start(f"unix:{path}"), "connection_refused", "unreachable", 502, "refused", UNREACHABLE)

    @pytest.mark.parametrize("scheme", ["http", "h2c"])
    def test_no_answer_in_time(self, start, scheme):
        with socket.socket() as full, contextlib.ExitStack() as stack:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            gate = start(f"{scheme}://127.0.0.1:{full.getsockname()[1]}", connectTimeout="300ms")
            failed(gate, "connect_timeout", "connect_timeout", 504, "upstream.connectTimeout", UNREACHABLE)

    def test_the_warning_is_not_repeated_for_each_request(self, start):
        gate = start(f"http://127.0.0.1:{free_port()}")
        for _ in range(20):
            assert ask(gate) == 502
        wait_until(lambda: len(access(gate)) == 20, "all access lines")
        assert gate.log().count(UNREACHABLE) == 1

    def test_without_access_lines_the_warning_remains(self, start_gate):
        gate = start_gate(f"http://127.0.0.1:{free_port()}", log={"access": False})
        gate.exchange("GET", "/", gate.session_cookie())
        wait_until(lambda: UNREACHABLE in gate.log(), "the warning")
        report = next(json.loads(line) for line in gate.log().splitlines() if UNREACHABLE in line)
        assert report["cause"] == "connection_refused"


class TestNotSecured:
    @pytest.fixture(scope="class")
    def authority(self, tmp_path_factory):
        return Authority(tmp_path_factory.mktemp("certificates"))

    @pytest.fixture
    def app(self, authority):
        apps = []

        def app(names=NAMES, configure=lambda context: None):
            apps.append(SecureUpstream(authority.issue(f"app{len(apps)}", names), configure))
            return apps[-1]
        yield app
        for app in apps:
            app.stop()

    def test_an_unknown_authority(self, start, app):
        failed(start(app().url), "tls_certificate", "not_secured", 502, "authority that is not trusted", UNSECURED)

    def test_another_name(self, start, app, authority):
        gate = start(app("DNS:other.example").url, tls={"ca": authority.path})
        failed(gate, "tls_certificate", "not_secured", 502, "not for localhost", UNSECURED)

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
    def test_an_old_version(self, start, app, authority):
        def old(context):
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        gate = start(app(NAMES, old).url, tls={"ca": authority.path})
        failed(gate, "tls_refused", "not_secured", 502, "^the peer refused: ", UNSECURED)

    def test_plain_http(self, start, upstream):
        upstream.serve = lambda connection: (connection.fill(), connection.send("HTTP/1.1 400 No\r\n\r\n"))
        gate = start(f"https://localhost:{upstream.port}")
        failed(gate, "tls_invalid", "not_secured", 502, "does not speak TLS", UNSECURED)

    def test_closed_within_the_handshake(self, start, upstream):
        upstream.serve = lambda connection: connection.fill()
        gate = start(f"https://localhost:{upstream.port}")
        failed(gate, "tls_closed", "not_secured", 502, "closed the connection", UNSECURED)

    def test_no_handshake_in_time(self, start, upstream):
        def wait(connection):
            while True:
                connection.fill()
        upstream.serve = wait
        gate = start(f"https://localhost:{upstream.port}", connectTimeout="300ms")
        failed(gate, "tls_timeout", "connect_timeout", 504, "took too long", UNREACHABLE)


class TestOverloaded:
    def test_all_connections_in_use(self, start, upstream):
        release = threading.Event()

        def answer(request, connection):
            release.wait(30)
            connection.respond(200)
        upstream.answer = answer
        gate = start(upstream.url, maxConnections=1, connectTimeout="300ms")
        with gate.connection() as first:
            first.request("GET", "/", gate.cookie)
            upstream.wait_for_requests(1)
            failed(gate, "connections_in_use", "overloaded", 503, "became free", BUSY)
            release.set()
            assert first.response().status == 200


#: The app's bytes, the cause, words, and whether the head is sent to the client before the fault is found.
MALFORMED = [
    (b"garbage\r\n\r\n", "status_line_invalid", "version"),
    (b"\x15\x03\x01\x00\x02\x02\x46", "status_line_invalid", "version"),
    (b"ICY 200 OK\r\n\r\n", "status_line_invalid", "version"),
    (b"HTTP/1.1 20 OK\r\n\r\n", "status_line_invalid", "status line"),
    (b"HTTP/2.0 200 OK\r\n\r\n", "version_not_supported", "not supported"),
    (b"HTTP/1.1 700 OK\r\n\r\n", "status_invalid", "status code"),
    (b"HTTP/1.1 200 OK\n\n", "line_end_invalid", "LF without CR"),
    (b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "line_end_invalid", "CR"),
    (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "character_invalid", "NUL"),
    (b"HTTP/1.1 200 O\x01K\r\n\r\n", "character_invalid", "control"),
    (b"HTTP/1.1 200 OK\r\nX(: a\r\n\r\n", "field_name_invalid", "field name"),
    (b"HTTP/1.1 200 OK\r\n: a\r\n\r\n", "field_name_invalid", "empty field name"),
    (b"HTTP/1.1 200 OK\r\n" + b"x" * 300 + b": a\r\n\r\n", "field_name_invalid", "too long"),
    (b"HTTP/1.1 200 OK\r\nContent_Length: 1\r\n\r\n", "field_name_ambiguous", "framing field"),
    (b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", "space_before_colon", "white space"),
    (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "field_folded", "folded"),
    (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n", "head_too_large", "too many"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", "head_too_large", "too large"),
    (b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "upgrade_unexpected", "not requested"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "content_length_invalid", "Content-Length"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "content_length_repeated", "more than one"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "content_length_contradicted", "both"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer_encoding_invalid", "chunked, once"),
    (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding_invalid", "HTTP/1.0"),
]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MALFORMED_CONTENT = [
    (CHUNKED + b"5\r\nhellooo\r\n0\r\n\r\n", "chunk_invalid", "longer than its size"),
    (CHUNKED + b"2\r\nok\r\nx\r\n", "chunk_invalid", "chunk size"),
    (CHUNKED + b"2\r\nok\r\n0\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", "trailers_invalid", "trailer section"),
]


class TestResponses:
    @pytest.fixture(scope="class")
    def module_watched(self, module_upstream, start_module_gate):
        gate = start_module_gate(module_upstream, upstream={"url": module_upstream.url, "responseTimeout": "1s", "idleTimeout": "1s"},
                                 admin={"listen": f"127.0.0.1:{free_port()}"})
        gate.cookie = gate.session_cookie()
        return gate

    @pytest.fixture
    def watched(self, module_watched, upstream):
        return module_watched

    @staticmethod
    def answering(upstream, data, then=lambda connection: connection.fill()):
        def answer(request, connection):
            connection.send(data)
            then(connection)
            raise Closed
        upstream.answer = answer

    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("data, cause, words", MALFORMED, ids=range(len(MALFORMED)))
    def test_each_kind_of_malformed_head(self, watched, upstream, data, cause, words, version):
        self.answering(upstream, data)
        failed(watched, cause, "malformed", 502, words, INVALID, version=version)

    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("data, cause, words", MALFORMED_CONTENT, ids=range(len(MALFORMED_CONTENT)))
    def test_malformed_content(self, watched, upstream, data, cause, words, version):
        self.answering(upstream, data)
        failed(watched, cause, "malformed", 0, words, INVALID, version=version)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("how", ["close", "reset"])
    def test_closed_before_the_response(self, watched, upstream, how, method):
        self.answering(upstream, b"", lambda connection: getattr(connection, how)())
        words = "before its response$"
        failed(watched, "closed_before_response", "closed", 502, words, INVALID, method=method)

    def test_closed_within_the_head(self, watched, upstream):
        self.answering(upstream, b"HTTP/1.1 200 OK\r\nContent-", lambda connection: connection.close())
        failed(watched, "closed_in_head", "closed", 502, "within the head", INVALID)

    @pytest.mark.parametrize("head", [b"Content-Length: 9\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2\r\n"])
    def test_closed_within_the_content(self, watched, upstream, head):
        self.answering(upstream, b"HTTP/1.1 200 OK\r\n" + head + b"ok", lambda connection: connection.close())
        failed(watched, "closed_in_content", "closed", 0, "before its response was complete", INVALID)

    def test_no_response_in_time(self, watched, upstream):
        self.answering(upstream, b"")
        failed(watched, "response_timeout", "response_timeout", 504, "responseTimeout", INVALID)

    def test_a_response_that_pauses(self, watched, upstream):
        self.answering(upstream, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
        failed(watched, "response_paused", "response_timeout", 0, "idleTimeout", INVALID)

    def test_a_request_that_succeeds_when_sent_again_has_no_cause(self, watched, upstream):
        def serve(connection):
            request = connection.read_head()
            connection.respond(200)
            if request.target == "/first":
                connection.read_head()
                raise Closed
            connection.fill()
        upstream.serve = serve
        before = Metrics(watched).get("sidegate_upstream_errors_total")
        with watched.connection() as connection:
            for target in ("/first", "/again"):
                assert connection.exchange("GET", target, watched.cookie).status == 200
        wait_until(lambda: [line for line in lines(watched) if line.get("path") == "/again"], "the access line")
        line, = (line for line in lines(watched) if line.get("path") == "/again")
        assert "cause" not in line and "reason" not in line
        assert Metrics(watched).get("sidegate_upstream_errors_total") == before


class TestOverHTTP2:
    @pytest.fixture
    def app(self):
        app = H2Upstream()
        yield app
        app.close()
        assert not app.failures, app.failures

    @pytest.mark.parametrize("fields, cause, words", [
        ([("x bad", "1")], "field_name_invalid", "field name"), ([("X-A", "1")], "field_name_invalid", "upper-case"),
        ([("connection", "close")], "field_invalid", "connection-specific"), ([("x", "a\rb")], "field_invalid", "field value"),
        ([("content-length", "x")], "content_length_invalid", "Content-Length"),
        ([("content-length", "2"), ("content-length", "2")], "content_length_repeated", "more than one"),
        ([("content-length", "9")], "content_length_contradicted", "does not match"),
        ([(f"x{n}", "y") for n in range(250)], "head_too_large", "too many"),
    ])
    def test_malformed_responses(self, start, app, fields, cause, words):
        app.answer = lambda request: request.respond(200, fields, b"ok")
        failed(start(app.url), cause, "malformed", (0, 502) if cause == "content_length_contradicted" else 502, words, INVALID)

    def test_a_status_that_does_not_exist(self, start, app):
        app.answer = lambda request: request.respond(700, [], b"ok")
        failed(start(app.url), "status_invalid", "malformed", 502, "status", INVALID)

    def test_a_stream_that_the_app_resets(self, start, app):
        app.answer = lambda request: request.refuse(2)
        failed(start(app.url), "stream_reset", "reset", 502, "INTERNAL_ERROR$", None)

    def test_a_stream_that_the_app_refuses_twice(self, start, app):
        app.answer = lambda request: request.refuse(7)
        failed(start(app.url), "stream_refused", "refused", 502, "did not process", None)
        assert len(app.requests) == 2

    def test_a_connection_that_ends(self, start, app):
        app.answer = lambda request: request.connection.break_off()
        failed(start(app.url), "closed_before_response", "closed", 502, "before its response", INVALID, method="POST")

    def test_a_connection_that_ends_within_the_response(self, start, app):
        def answer(request):
            request.head()
            request.data(b"some")
            request.connection.break_off()
        app.answer = answer
        gate = start(app.url)
        assert ask(gate) in (0, 502)
        wait_until(lambda: access(gate), "the access line")
        assert access(gate)[-1]["cause"] in ("closed_in_content", "closed_before_response")

    def test_a_broken_rule(self, start, app):
        app.answer = lambda request: request.connection.send(frame(h2.HEADERS, END_HEADERS, 4, block([(":status", "200")])))
        failed(start(app.url), "http2_violation", "closed", 502, "PROTOCOL_ERROR|STREAM_CLOSED", INVALID, method="POST")

    @pytest.mark.parametrize("first", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""])
    def test_an_app_that_speaks_http_1(self, start, upstream, first):
        def serve(connection):
            connection.fill()
            connection.send(first)
            raise Closed
        upstream.serve = serve
        gate = start(f"h2c://127.0.0.1:{upstream.port}")
        failed(gate, "http2_not_spoken", "malformed", 502, "HTTP/2", INVALID)

    @pytest.mark.parametrize("kind", ["text/plain", "text/html"])
    def test_no_response_in_time_and_one_that_pauses(self, start, app, kind):
        app.answer = lambda request: None
        gate = start(app.url, responseTimeout="500ms", idleTimeout="500ms")
        failed(gate, "response_timeout", "response_timeout", 504, "responseTimeout", INVALID)

        def pause(request):
            request.head(200, [("content-type", kind)])
            request.data(b"some")
        app.answer = pause
        failed(gate, "response_paused", "response_timeout", 0, "idleTimeout", INVALID)


def test_every_cause_has_a_series_from_the_start(start, upstream):
    labels = Metrics(start(upstream.url)).labels("sidegate_upstream_errors_total")
    assert {found["cause"] for found in labels} == set(log_document.UPSTREAM_CAUSES)
    assert all(set(found) == {"upstream", "reason", "cause"} for found in labels)
    assert len(Metrics(start(upstream.url)).labels("sidegate_upstream_tolerated_total")) == len(log_document.TOLERATIONS)


def test_a_key_set_that_cannot_be_used_is_logged_in_words(start_gate, upstream):
    """The log said `unsupported("…")`."""
    upstream.answer = lambda request, connection: connection.respond(200, {}, '{"keys":[{"kty":"XYZ"}]}')
    gate = start_gate(upstream, token={"keys": [{"jwksURL": f"{upstream.url}/jwks"}], "algorithms": ["RS256"]})
    wait_until(lambda: "key set not fetched" in gate.log(), "the warning")
    line = next(line for line in lines(gate) if line.get("message") == "key set not fetched")
    assert line["cause"].startswith("no usable key") and not DEBUG_TEXT.search(gate.log())
