# SPDX-License-Identifier: Apache-2.0
"""Responses that deviate from HTTP: what is accepted and put right, and what is not."""

import email.utils
import random
import re
import time

import pytest

from harness.admin import Metrics
from harness.frames import FrameConnection
from harness.gate import NAVIGATION
from harness.h2_upstream import H2Upstream
from harness.journal import lines
from harness.ports import free_port
from harness.process import wait_until
from harness.upstream import Closed
from harness.wire import Connection, CutShort

DATE = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
OK = b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: 2\r\n"
TOLERATED = "sidegate_upstream_tolerated_total"


def start(start_module_gate, app, /, **options):
    gate = start_module_gate(app, admin={"listen": f"127.0.0.1:{free_port()}"}, **options)
    gate.cookie = gate.session_cookie()
    return gate


@pytest.fixture(scope="module")
def module_strict(module_upstream, start_module_gate):
    return start(start_module_gate, module_upstream)


@pytest.fixture(scope="module")
def module_tolerant(module_upstream, start_module_gate):
    return start(start_module_gate, module_upstream, upstream={"url": module_upstream.url, "tolerant": True})


@pytest.fixture
def strict(module_strict, upstream):
    """A gate with the defaults."""
    return module_strict


@pytest.fixture
def tolerant(module_tolerant, upstream):
    return module_tolerant


class Script:
    """Answers the first request of each connection with the same bytes, and records what follows on the connection."""

    def __init__(self, upstream, *answers, ends=False):
        self.upstream = upstream
        self.answers = answers
        self.ends = ends  # by closing the connection
        self.further = []  # bytes that arrive after the answers; b"": the gate closed the connection
        upstream.serve = self.serve

    def serve(self, connection):
        for answer in self.answers:
            request = connection.read_head()
            self.upstream.read_body(request, connection)
            self.upstream.requests.append(request)
            connection.send(answer)
        if self.ends:
            self.further.append(b"")
            raise Closed
        try:
            connection.fill()
            self.further.append(bytes(connection.buffer))
        except (Closed, OSError):
            self.further.append(b"")
        raise Closed

    def assert_closed(self):
        """The gate closes the connection, and sends no other request on it."""
        wait_until(lambda: self.further, "the connection is closed")
        assert self.further[0] == b"", self.further

    def assert_kept(self, gate):
        gate.exchange("GET", "/next", gate.cookie)
        wait_until(lambda: self.further, "another request on the connection")
        assert self.further[0].startswith(b"GET /next")


def get(gate, version, method="GET"):
    """The response over HTTP/1.1 or HTTP/2."""
    if version == 1:
        return gate.exchange(method, "/", gate.cookie)
    with FrameConnection(gate.port) as connection:
        connection.cookie = gate.cookie["Cookie"]
        return connection.response(connection.request(method, "/"))


def counted(gate, what) -> float:
    return Metrics(gate).get(TOLERATED, what=what)


def reports(gate, what) -> list:
    return [line for line in lines(gate) if line.get("what") == what]


#: Name, the app's bytes, what is counted, and fields that the client gets.
ALWAYS = [
    ("space", OK + b"X-Old : yes\r\n\r\nok", "space_before_colon", {"X-Old": "yes"}),
    ("blanks", OK + b"X-Old \t \t: yes\r\nX-New: 1\r\n\r\nok", "space_before_colon", {"X-Old": "yes", "X-New": "1"}),
    ("set-cookie", OK + b"Set-Cookie : a=b\r\n\r\nok", "space_before_colon", {"Set-Cookie": "a=b"}),
    ("date", b"HTTP/1.1 200 OK\r\nDate : Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok",
     "space_before_colon", {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}),
    ("trailing chunk padding", b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n2   \r\nok\r\n0  \r\n\r\n",
     "padded_chunk_size", {}),
    ("leading chunk padding", b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n  2\r\nok\r\n\t0\r\n\r\n",
     "padded_chunk_size", {}),
    ("trailer", b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum : 1\r\n\r\n",
     "space_before_colon", {}),
]
LF = OK.replace(b"\r\n", b"\n")
TOLERANT = [
    ("bare LF", LF + b"X-Old: yes\n\nok", "bare_lf", {"X-Old": "yes"}),
    ("bare LF without reason", b"HTTP/1.1 200\n" + LF.partition(b"\n")[2] + b"\nok", "bare_lf", {}),
    ("bare LF and chunks", b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nok\r\n0\r\n\r\n", "bare_lf", {}),
    ("name with a space", OK + b"X Bad: 1\r\nX-Old: yes\r\n\r\nok", "invalid_field_name", {"X-Old": "yes"}),
    ("empty name", OK + b": 1\r\nX-Old: yes\r\n\r\nok", "invalid_field_name", {"X-Old": "yes"}),
    ("no colon", OK + b"something else\r\nX-Old: yes\r\n\r\nok", "invalid_field_name", {"X-Old": "yes"}),
    ("name in UTF-8", OK + "Größe: 1\r\nX-Old: yes\r\n\r\nok".encode(), "invalid_field_name", {"X-Old": "yes"}),
    ("equal lengths", OK + b"Content-Length: 2\r\nX-Old: yes\r\n\r\nok", "repeated_content_length", {"X-Old": "yes"}),
    ("list of equal lengths", OK.replace(b"h: 2", b"h: 2, 2") + b"\r\nok", "repeated_content_length", {}),
    ("status 600", OK.replace(b"200 OK", b"600 Odd") + b"\r\nok", "undefined_status", {}),
    ("status 999", OK.replace(b"200 OK", b"999 Denied") + b"\r\nok", "undefined_status", {}),
]
#: Refused whatever is configured.
NEVER = [
    ("space before Content-Length", b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", "space_before_colon"),
    ("space before Transfer-Encoding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "space_before_colon"),
    ("space before Connection", OK + b"Connection : close\r\n\r\nok", "space_before_colon"),
    ("space before Upgrade", OK + b"Upgrade : websocket\r\n\r\nok", "space_before_colon"),
    ("space before Trailer", OK + b"Trailer : X-A\r\n\r\nok", "space_before_colon"),
    ("folded Content-Length", OK + b"Content_Length: 3\r\n\r\nok", "field_name_ambiguous"),
    ("two lengths", OK + b"Content-Length: 3\r\n\r\nok", "content_length_repeated"),
    ("length and chunks", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "content_length_contradicted"),
    ("an LF among CRLF", b"HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 2\r\n\r\nok", "line_end_invalid"),
    ("folded line", OK + b"X-A: b\r\n c\r\n\r\nok", "field_folded"),
    ("NUL", OK + b"X-A: b\0c\r\n\r\nok", "character_invalid"),
    ("status 99", b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", "status_invalid"),
]
#: Refused with `tolerant` too, where without it another cause is found first.
NEVER_TOLERATED = [
    ("CRLF after LF", b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", "line_end_invalid"),
    ("CRLF at the end of LF lines", b"HTTP/1.1 200 OK\nContent-Length: 2\n\r\nok", "line_end_invalid"),
    ("Content Length", OK + b"Content Length: 3\r\n\r\nok", "field_name_ambiguous"),
    ("Content-Length without colon", OK + b"Content-Length 3\r\n\r\nok", "field_name_ambiguous"),
    ("name ends in Transfer-Encoding", OK + b"X Transfer-Encoding: chunked\r\n\r\nok", "field_name_ambiguous"),
    ("Connection in brackets", OK + b"(Connection): close\r\n\r\nok", "field_name_ambiguous"),
    ("Up grade", OK + b"Up grade: h2c\r\n\r\nok", "field_name_ambiguous"),
    ("list of lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok", "content_length_invalid"),
]


def cases(table):
    return pytest.mark.parametrize("bytes_, what, fields", [pytest.param(*row[1:], id=row[0]) for row in table])


def refusals(table):
    return pytest.mark.parametrize("bytes_, cause", [pytest.param(*row[1:], id=row[0]) for row in table])


def check(gate, upstream, version, bytes_, what, fields):
    script = Script(upstream, bytes_)
    before = counted(gate, what)
    response = get(gate, version)
    assert response.body == b"ok"
    assert response.status == int(bytes_[9:12])
    for name, value in fields.items():
        assert response.all(name) == [value]
    assert len(response.all("Content-Length")) <= 1 and len(response.all("Date")) == 1
    assert not [n for n, _ in response.fields if not re.fullmatch(r"[!#-'*+.^_`|~0-9A-Za-z-]+", n)]
    script.assert_closed()
    assert counted(gate, what) == before + 1
    wait_until(lambda: reports(gate, what), "the log line")
    report, = reports(gate, what)  # once, however many tests there are
    assert report["upstream"] == upstream.url and report["detail"]


@pytest.mark.parametrize("version", [1, 2])
class TestAccepted:
    @cases(ALWAYS)
    def test_in_the_response_of_any_app(self, strict, upstream, version, bytes_, what, fields):
        check(strict, upstream, version, bytes_, what, fields)

    @cases(ALWAYS + TOLERANT)
    def test_with_tolerant(self, tolerant, upstream, version, bytes_, what, fields):
        check(tolerant, upstream, version, bytes_, what, fields)

    @cases(TOLERANT)
    def test_not_without(self, strict, upstream, version, bytes_, what, fields):
        script = Script(upstream, bytes_)
        before = counted(strict, what)
        assert get(strict, version).status == 502
        script.assert_closed()
        assert counted(strict, what) == before


@pytest.mark.parametrize("version", [1, 2])
class TestRefused:
    @refusals(NEVER)
    def test_by_default(self, strict, upstream, version, bytes_, cause):
        self.refused(strict, upstream, version, bytes_, cause)

    @refusals(NEVER + NEVER_TOLERATED)
    def test_with_tolerant(self, tolerant, upstream, version, bytes_, cause):
        self.refused(tolerant, upstream, version, bytes_, cause)

    @staticmethod
    def refused(gate, upstream, version, bytes_, cause):
        script = Script(upstream, bytes_)
        before = Metrics(gate)
        assert get(gate, version).status == 502
        script.assert_closed()
        after = Metrics(gate)
        assert after.get(TOLERATED) == before.get(TOLERATED)
        labels = {"reason": "malformed", "cause": cause}
        name = "sidegate_upstream_errors_total"
        assert after.get(name, **labels) == before.get(name, **labels) + 1
        assert after.get(name) == before.get(name) + 1


def test_requests_are_as_strict_as_ever(tolerant):
    for request in (
        b"GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX B: c\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
    ):
        with tolerant.connection() as connection:
            head, blank, body = request.replace(b"Host: a", b"Host: " + connection.authority.encode()).partition(b"\r\n\r\n")
            connection.send(head + b"\r\nCookie: " + tolerant.cookie["Cookie"].encode() + blank + body)
            assert connection.response().status == 400, request


@pytest.mark.parametrize("version", [1, 2])
def test_a_field_that_was_put_right_is_judged_as_any_other(strict, upstream, version):
    """The gate's own cookies stay the gate's, and what belongs to the connection stays on it."""
    name = strict.cookie["Cookie"].partition("=")[0].encode()
    Script(upstream, OK + b"Set-Cookie : " + name + b"=evil; Path=/\r\nSet-Cookie : mine=1\r\nKeep-Alive : timeout=5\r\n"
           b"Proxy-Authenticate : Basic\r\n\r\nok")
    response = get(strict, version)
    assert response.all("Set-Cookie") == ["mine=1"]
    assert not response.all("Keep-Alive") and not response.all("Proxy-Authenticate")


def test_each_app_is_tolerant_by_itself(start_gate, upstream):
    Script(upstream, LF + b"\nok")
    gate = start_gate(upstream, upstreams=[{"paths": ["/old/*"], "url": upstream.url, "tolerant": True}])
    session = gate.session_cookie()
    assert gate.exchange("GET", "/", session).status == 502
    assert gate.exchange("GET", "/old/", session).body == b"ok"
    gate = start_gate(upstream, upstream={"url": upstream.url, "tolerant": True},
                      upstreams=[{"paths": ["/new/*"], "url": upstream.url, "tolerant": False},
                                 {"paths": ["/other/*"], "url": upstream.url}])
    session = gate.session_cookie()
    assert gate.exchange("GET", "/new/", session).status == 502
    for path in ("/", "/other/"):
        assert gate.exchange("GET", path, session).body == b"ok", path


def test_a_probe_is_answered_as_users_are(start_gate, upstream):
    Script(upstream, LF + b"\nok")
    for tolerant, status in ((True, 200), (False, 502)):
        gate = start_gate(upstream, upstream={"url": upstream.url, "tolerant": tolerant},
                          admin={"listen": f"127.0.0.1:{free_port()}", "probePaths": ["/"]})
        admin_port = int(gate.settings["admin"]["listen"].rpartition(":")[2])
        with Connection(admin_port) as connection:
            assert connection.exchange("GET", "/probe?path=/").status == status


class TestDate:
    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("head", [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n"])
    def test_is_added_and_the_connection_is_kept(self, strict, upstream, version, head):
        script = Script(upstream, head)
        before = counted(strict, "missing_date")
        response = get(strict, version)
        date, = response.all("Date")
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 5
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date)
        assert counted(strict, "missing_date") == before + 1
        script.assert_kept(strict)
        assert len(reports(strict, "missing_date")) == 1

    @pytest.mark.parametrize("version", [1, 2])
    def test_of_the_app_is_left_alone(self, strict, upstream, version):
        before = counted(strict, "missing_date")
        Script(upstream, OK + b"\r\nok")
        assert get(strict, version).all("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]
        assert counted(strict, "missing_date") == before

    def test_is_added_to_a_response_of_head(self, strict, upstream):
        Script(upstream, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        assert len(get(strict, 1, "HEAD").all("Date")) == 1

    def test_is_added_beside_a_renewed_cookie(self, start_gate, upstream):
        gate = start_gate(upstream, session={"idleTimeout": "2s"})
        session = gate.session_cookie()
        seen = []

        def renewed():
            seen.append(gate.exchange("GET", "/", session))
            return seen[-1].all("Set-Cookie")
        wait_until(renewed, "a renewed session", interval=0.2)
        assert all(len(response.all("Date")) == 1 for response in seen)

    def test_is_not_added_to_interim_responses(self, strict, upstream):
        Script(upstream, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"\r\nok")
        response = get(strict, 1)
        assert response.interim[0].status == 103 and not response.interim[0].all("Date")


class TestEmptyLine:
    """A CRLF behind a response, which some apps send where there is no content."""

    @pytest.mark.parametrize("first", [
        b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"\r\n", b"HTTP/1.1 204 No Content\r\n" + DATE + b"\r\n", OK + b"\r\nok",
        b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"])
    @pytest.mark.parametrize("split", [0, 1, 2])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_is_skipped_before_the_next_response(self, strict, upstream, first, split, method):
        """It arrives when the connection carries the next request: without being skipped it would be a 502."""
        empty, status = b"\r\n", OK.replace(b"200", b"201") + b"\r\nok"

        def serve(connection):
            for number in (1, 2):
                request = connection.read_head()
                upstream.read_body(request, connection)
                upstream.requests.append(request)
                if number == 1:
                    connection.send(first)
                else:
                    connection.send(empty[:split])
                    time.sleep(0.02)  # two segments; one would do as well
                    connection.send(empty[split:] + status)
            closed.append(connection.socket.recv(1) == b"")
            raise Closed
        closed = []
        upstream.serve = serve
        before = counted(strict, "empty_line")
        with strict.connection() as connection:
            assert connection.exchange("GET", "/", strict.cookie).status in (200, 204, 304)
            assert connection.exchange(method, "/", strict.cookie, b"x" if method == "POST" else None).status == 201
        assert [request.connection for request in upstream.requests[:2]] == [upstream.requests[0].connection] * 2
        wait_until(lambda: closed, "the end of the connection")
        assert closed == [True]
        assert counted(strict, "empty_line") == before + 1

    def test_behind_the_last_response_costs_the_next_request_nothing(self, strict, upstream):
        Script(upstream, b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"\r\n\r\n")
        before = counted(strict, "empty_line")
        with strict.connection() as connection:
            for _ in range(10):
                assert connection.exchange("POST", "/", strict.cookie, b"x").status == 304
        wait_until(lambda: counted(strict, "empty_line") == before + 10, "all are counted")

    def test_is_skipped_between_interim_and_final_response(self, strict, upstream):
        script = Script(upstream, b"HTTP/1.1 100 Continue\r\n\r\n\r\n" + OK + b"\r\nok")
        assert get(strict, 1).body == b"ok"
        script.assert_closed()

    @pytest.mark.parametrize("junk", [b"\r\n\r\n", b"\n", b"\r", b"\r\n ", b"ok"])
    def test_nothing_else_is_skipped(self, strict, upstream, junk):
        def serve(connection):
            for number in (1, 2):
                request = connection.read_head()
                upstream.read_body(request, connection)
                connection.send((junk if number == 2 else b"") + OK + b"\r\nok")
            connection.fill()
        upstream.serve = serve
        with strict.connection() as connection:
            assert connection.exchange("GET", "/", strict.cookie).status == 200
            assert connection.exchange("POST", "/", strict.cookie, b"x").status == 502

    def test_before_the_first_response_is_refused(self, strict, upstream):
        Script(upstream, b"\r\n" + OK + b"\r\nok")
        assert get(strict, 1).status == 502

    def test_and_then_the_end_is_the_end_of_an_idle_connection(self, strict, upstream):
        """A GET that meets it is sent again, as if the empty line had not come."""
        heads = []

        def serve(connection):
            request = connection.read_head()
            heads.append(request.target)
            connection.send(OK + b"\r\nok")
            if request.target == "/first":
                request = connection.read_head()
                heads.append(request.target)
                connection.send(b"\r\n")
                time.sleep(0.02)
                raise Closed
            connection.fill()
        upstream.serve = serve
        with strict.connection() as connection:
            assert connection.exchange("GET", "/first", strict.cookie).status == 200
            assert connection.exchange("GET", "/second", strict.cookie).status == 200
        assert heads == ["/first", "/second", "/second"]


class TestOverHTTP2:
    @pytest.fixture(scope="class")
    def app(self):
        app = H2Upstream()
        yield app
        app.close()
        assert not app.failures, app.failures

    @pytest.fixture(scope="class")
    def plain(self, app, start_module_gate):
        return start(start_module_gate, app.url)

    @pytest.fixture(scope="class")
    def lenient(self, app, start_module_gate):
        return start(start_module_gate, app.url, upstream={"url": app.url, "tolerant": True})

    @pytest.mark.parametrize("version", [1, 2])
    def test_date_is_added(self, plain, app, version):
        app.answer = lambda request: request.respond(200, [], b"ok")
        before = counted(plain, "missing_date")
        date, = get(plain, version).all("Date")
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 5
        assert counted(plain, "missing_date") == before + 1
        app.answer = lambda request: request.respond(200, [("date", "Sun, 06 Nov 1994 08:49:37 GMT")], b"ok")
        assert get(plain, version).all("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]

    @pytest.mark.parametrize("status, fields, what", [
        (999, [], "undefined_status"), (200, [("content-length", "2"), ("content-length", "2")], "repeated_content_length")])
    @pytest.mark.parametrize("version", [1, 2])
    def test_what_http2_leaves_room_for(self, plain, lenient, app, version, status, fields, what):
        app.answer = lambda request: request.respond(status, fields, b"ok")
        assert get(plain, version).status == 502
        before = counted(lenient, what)
        response = get(lenient, version)
        assert (response.status, response.body) == (status, b"ok") and len(response.all("Content-Length")) <= 1
        assert counted(lenient, what) == before + 1
        used = app.requests[-1].connection
        wait_until(used.is_ended.is_set, "the connection is closed")

    @pytest.mark.parametrize("fields", [
        [("content-length", "2"), ("content-length", "3")], [("x bad", "1")], [("X-Upper", "1")],
        [("transfer-encoding", "chunked")], [("connection", "close")]])
    def test_the_rest_is_refused(self, lenient, app, fields):
        app.answer = lambda request: request.respond(200, fields, b"ok")
        assert get(lenient, 1).status == 502


class TestRandomHeads:
    """Whatever is accepted has the framing that a second, naive reader finds; the rest is 502. After anything that was
    put right the connection is closed."""

    LINES = [
        b"Content-Length: 2", b"Content-Length: 2", b"content-length:2", b"Content-Length: 3", b"Content-Length : 2",
        b"Content Length: 3", b"Transfer-Encoding: chunked", b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked",
        b"X-A: b", b"X-A : b", b"X A: b", b"garbage", b": x", b" folded", b"Connection: close", b"Connection : close",
        DATE.strip(), b"(y): z", b"Content-Length: 2, 2", b"X: Content-Length: 9", b"\xe9: x", b"Upgrade : x",
        b"X-CRLF: a\rb", b"Set-Cookie: a=b",
    ]

    @staticmethod
    def head(mine) -> bytes:
        end = mine.choice([b"\r\n", b"\r\n", b"\n"])
        rows = [b"HTTP/1.1 " + mine.choice([b"200 OK", b"200", b"404 No", b"777 Odd"])]
        rows += mine.choices(TestRandomHeads.LINES, k=mine.randrange(5))
        return b"".join(row + (mine.choice([b"\r\n", b"\n"]) if mine.random() < 0.03 else end) for row in rows) + end

    @staticmethod
    def framing(head: bytes):
        """What a reader finds that takes LF for the end of a line, and ignores case, blanks and punctuation in names."""
        lengths, codings = set(), []
        for row in head.split(b"\n")[1:]:
            name, colon, value = row.partition(b":")
            name = re.sub(rb"[^a-z]", b"", name.lower())
            value = value.replace(b" ", b"").strip()
            if colon and name == b"contentlength":
                lengths |= set(value.split(b","))
            if colon and name == b"transferencoding":
                codings.append(value)
        return lengths, codings

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("version", [1, 2])
    def test_no_framing_is_in_doubt(self, strict, tolerant, upstream, seed, version):
        mine = random.Random(seed)
        accepted = 0
        for _ in range(60):
            head = self.head(mine)
            for gate in (strict, tolerant):
                before = Metrics(gate)
                content = b"2\r\nok\r\n0\r\n\r\n" if b"chunked" in head else b"okay"
                lengths, codings = self.framing(head)
                script = Script(upstream, head + content, ends=not lengths and not codings)
                try:
                    response = get(gate, version)
                except CutShort as cut:
                    raise AssertionError(f"{head!r}: {cut}") from cut
                after = Metrics(gate)
                put_right = sum(
                    after.get(TOLERATED, **labels) - before.get(TOLERATED, **labels)
                    for labels in after.labels(TOLERATED) if labels["what"] != "missing_date")
                upstream.end_scripted()
                if response.status == 502:
                    assert after.get("sidegate_upstream_errors_total", reason="malformed") > before.get(
                        "sidegate_upstream_errors_total", reason="malformed"), head
                    continue
                accepted += 1
                if codings:
                    assert codings == [b"chunked"] and not lengths, head
                assert len(lengths) <= 1, head
                expected = b"ok" if codings else content[:int(lengths.pop())] if lengths else content
                assert response.body == expected, head
                assert len(response.all("Date")) in (1, head.count(DATE.strip())), head
                assert not response.all("Transfer-Encoding")[1:], head
                for name, value in response.fields:
                    assert re.fullmatch(r"[!#-'*+.^_`|~0-9A-Za-z-]+", name) and "\r" not in value + name, head
                if put_right:
                    wait_until(lambda: script.further, "the connection is closed")
                    assert script.further[0] == b"", head
        assert accepted > 10


def test_nothing_of_one_response_gets_into_another(tolerant, upstream):
    """A response that deviates and is longer than it says: the rest is discarded with its connection."""
    Script(upstream, OK + b"X-A : b\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    with tolerant.connection() as connection:
        for _ in range(20):
            assert connection.exchange("GET", "/", tolerant.cookie).body == b"ok"


def test_a_page_of_a_browser_names_no_internals(strict, upstream):
    Script(upstream, b"garbage\r\n\r\n")
    response = strict.exchange("GET", "/", {**strict.cookie, **NAVIGATION})
    assert response.status == 502 and b"status_line" not in response.body and upstream.url.encode() not in response.body
