# SPDX-License-Identifier: Apache-2.0
"""The app is down, slow, or closes its connections between two requests."""

import os
import signal
import socket
import threading
import time

import pytest

from harness.frames import WINDOW_UPDATE, FrameConnection, StreamReset, frame, setting
from harness.gate import NAVIGATION, XHR
from harness.h2_upstream import H2Upstream
from harness.ports import free_port
from harness.journal import lines
from harness.process import DEADLINE, wait_until
from harness.upstream import Closed, Upstream
from harness.wire import CutShort


class TestDown:
    @pytest.fixture(scope="class")
    def down(self, start_module_gate):
        gate = start_module_gate(f"http://127.0.0.1:{free_port()}")
        gate.cookie = gate.session_cookie()
        return gate

    def test_a_browser_gets_a_502_page(self, down):
        response = down.exchange("GET", "/", {**down.cookie, **NAVIGATION})
        assert response.status == 502 and "text/html" in response["Content-Type"]
        assert "Content-Security-Policy" in [n for n, _ in response.fields]

    def test_a_program_gets_502_as_json(self, down):
        response = down.exchange("GET", "/", {**down.cookie, **XHR})
        assert response.status == 502 and "json" in response["Content-Type"]
        assert response.json()

    def test_a_post_gets_502_and_the_connection_is_kept(self, down):
        with down.connection() as connection:
            assert connection.exchange("POST", "/", down.cookie, b"x" * 1000).status == 502

    def test_signing_in_works_meanwhile(self, down):
        assert down.session_cookie()


def test_a_host_name_that_does_not_resolve_is_502(start_gate):
    gate = start_gate("http://no-such-host.invalid:80")
    assert gate.exchange("GET", "/", {**gate.session_cookie(), **NAVIGATION}).status == 502


def test_an_app_that_accepts_no_connection_is_504_in_time(start_gate):
    with socket.socket() as full:
        # A listener whose queue is full: the kernel leaves further connections unanswered.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        gate = start_gate(f"http://127.0.0.1:{full.getsockname()[1]}",
                          upstream={"url": f"http://127.0.0.1:{full.getsockname()[1]}", "connectTimeout": "500ms"})
        session = gate.session_cookie()
        began = time.monotonic()
        # The kernel itself would give up after two minutes.
        assert gate.exchange("GET", "/", {**session, **NAVIGATION}).status in (502, 504)
        assert time.monotonic() - began >= 0.5
        for connection in waiting:
            connection.close()


class TestSlow:
    @pytest.fixture(scope="class")
    def slow(self, module_upstream, start_module_gate):
        gate = start_module_gate(module_upstream, upstream={
            "url": module_upstream.url, "responseTimeout": "2s", "idleTimeout": "2s"})
        gate.cookie = gate.session_cookie()
        return gate

    def test_no_response_in_time_is_504(self, slow, upstream):
        answered = threading.Event()
        upstream.answer = lambda request, connection: answered.wait(DEADLINE)
        began = time.monotonic()
        response = slow.exchange("GET", "/", {**slow.cookie, **NAVIGATION})
        assert response.status == 504 and "text/html" in response["Content-Type"]
        assert time.monotonic() - began >= 2
        answered.set()
        assert len(upstream.requests) == 1, "a request that may have been processed is not sent again"

    def test_a_slow_but_steady_body_is_not_cut(self, slow, upstream):
        def answer(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
            for _ in range(8):
                time.sleep(0.3)  # in total longer than the limits
                connection.send(b"x")
        upstream.answer = answer
        assert slow.exchange("GET", "/", slow.cookie).body == b"x" * 8


class TestPauses:
    """`responseTimeout` ends with the head of the response; `idleTimeout` limits the pauses within it."""

    PAUSE = 1.5
    SHORT, LONG = "500ms", "60s"

    @pytest.fixture(params=["http", "h2c"])
    def start(self, request, start_gate):
        """Starts a gate whose app sends a head, the first byte of its content, and after a pause the second."""
        apps = []

        def start(content_type="text/plain", length=True, pause=self.PAUSE, **limits):
            fields = {"Content-Type": content_type, **({"Content-Length": "2"} if length else {})}
            if request.param == "http":
                app = Upstream()

                def answer(received, connection):
                    framing = {} if length else {"Transfer-Encoding": "chunked"}
                    lines = "".join(f"{n}: {v}\r\n" for n, v in {**fields, **framing}.items())
                    connection.send(f"HTTP/1.1 200 OK\r\n{lines}\r\n" + ("a" if length else "1\r\na\r\n"))
                    time.sleep(pause)
                    connection.send("b" if length else "1\r\nb\r\n0\r\n\r\n")
            else:
                app = H2Upstream()

                def answer(received):
                    received.head(200, [(n.lower(), v) for n, v in fields.items()])
                    received.data(b"a")
                    time.sleep(pause)
                    received.data(b"b", end=True)
            app.answer = answer
            apps.append(app)
            gate = start_gate(app.url, upstream={"url": app.url, **limits})
            gate.cookie = gate.session_cookie()
            return gate
        yield start
        for app in apps:
            (app.stop if request.param == "http" else app.close)()

    @staticmethod
    def get(gate, version):
        if version == 1:
            return gate.exchange("GET", "/", gate.cookie)
        with FrameConnection(gate.port) as connection:
            connection.cookie = gate.cookie["Cookie"]
            return connection.get("/")

    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("length", [True, False])
    def test_within_the_response_the_time_for_its_head_does_not_count(self, start, version, length):
        gate = start(length=length, responseTimeout=self.SHORT, idleTimeout=self.LONG)
        response = self.get(gate, version)
        assert (response.status, response.body) == (200, b"ab")

    @pytest.mark.parametrize("version", [1, 2])
    def test_a_pause_longer_than_the_idle_time_cuts_the_response(self, start, version):
        gate = start(responseTimeout=self.LONG, idleTimeout=self.SHORT, pause=DEADLINE)
        with pytest.raises((CutShort, StreamReset)) as cut:
            self.get(gate, version)
        assert cut.value.received == b"a"

    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("content_type", ["text/event-stream", "application/grpc"])
    def test_an_event_stream_may_pause(self, start, version, content_type):
        gate = start(content_type, length=False, responseTimeout=self.SHORT, idleTimeout=self.SHORT)
        assert self.get(gate, version).body == b"ab"

    @pytest.mark.parametrize("version", [1, 2])
    def test_the_idle_time_does_not_count_before_the_head(self, start_gate, upstream, version):
        def answer(request, connection):
            time.sleep(self.PAUSE)
            connection.respond(200, {}, "late")
        upstream.answer = answer
        gate = start_gate(upstream, upstream={"url": upstream.url, "responseTimeout": self.LONG, "idleTimeout": self.SHORT})
        gate.cookie = gate.session_cookie()
        assert self.get(gate, version).body == b"late"


class TestDeadKeptConnections:
    """A kept-alive connection that fails before any byte of the response: repeatable requests are sent once more."""

    @staticmethod
    def dies_on_second_request(how):
        """Each upstream connection answers one request and breaks when it receives a second."""
        heads = []

        def serve(connection):
            request = connection.read_head()
            Upstream.read_body(request, connection)
            heads.append(request)
            connection.respond(200, {"X-Connection": str(connection.number)}, "ok")
            request = connection.read_head()
            heads.append(request)
            getattr(connection, how)()
            raise Closed
        return serve, heads

    @pytest.mark.parametrize("how", ["close", "reset"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_a_repeatable_request_is_retried_once_on_a_new_connection(self, gate, upstream, session, method, how):
        serve, heads = self.dies_on_second_request(how)
        upstream.serve = serve
        with gate.connection() as connection:
            self.prime(connection, session, heads)
            response = connection.exchange(method, "/again", session)
        assert response.status == 200
        assert [r.target for r in heads][-2:] == ["/again", "/again"]
        assert heads[-1].connection != heads[-2].connection

    @pytest.mark.parametrize("how", ["close", "reset"])
    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_a_request_that_may_not_be_repeated_is_502(self, gate, upstream, session, method, how):
        serve, heads = self.dies_on_second_request(how)
        upstream.serve = serve
        with gate.connection() as connection:
            self.prime(connection, session, heads)
            response = connection.exchange(method, "/once", session, b"pay 10")
        assert response.status == 502
        assert [r.target for r in heads].count("/once") == 1

    @staticmethod
    def prime(connection, session, heads):
        """Sends GETs until one uses a connection handled by the current `serve`, so that only that one is in the pool."""
        for _ in range(5):
            heads.clear()
            assert connection.exchange("GET", "/prime", session).status == 200
            if len(heads) == 1:
                return
        raise AssertionError("no fresh upstream connection in the pool")

    def test_a_connection_closed_while_idle_is_not_used(self, gate, upstream, session):
        def serve(connection):
            request = connection.read_head()
            upstream.read_body(request, connection)
            upstream.requests.append(request)
            connection.respond(200, {}, "ok")
        upstream.serve = serve  # closes after one request, without `Connection: close`
        with gate.connection() as connection:
            for n in range(20):
                assert connection.exchange("POST", f"/{n}", session, b"x").status == 200
                time.sleep(0.02)
        assert len(upstream.requests) == 20

    def test_after_a_response_began_nothing_is_retried(self, gate, upstream, session):
        count = []

        def serve(connection):
            connection.read_head()
            count.append(1)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Len")
            connection.close()
        upstream.serve = serve
        assert gate.exchange("GET", "/", session).status == 502
        assert len(count) == 1


class TestBytesWithoutARequest:
    """An app that sends on an idle connection: the bytes must not become the response to the next request."""

    STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"

    @pytest.mark.parametrize("version", ["http1", "http2"])
    @pytest.mark.parametrize("first", ["the client", "the app"])
    def test_they_are_found_before_the_connection_is_used_again(self, upstream, start_gate, first, version):
        gate = start_gate(upstream, workers=1, access={"default": "guest"})
        for n in range(6):
            client = FrameConnection(gate.port) if version == "http2" else gate.connection()
            with client:
                served = len(upstream.requests)
                assert gate.exchange("GET", f"/warm/{n}").status == 200
                app = upstream.connections[-1]
                # Both arrive while the gate cannot look.
                os.kill(gate.process.pid, signal.SIGSTOP)
                wait_until(lambda: self.is_stopped(gate.process.pid), "the gate is stopped")
                steps = [lambda: self.ask(client, version, n), lambda: app.send(self.STRAY)]
                for step in steps if first == "the client" else reversed(steps):
                    step()
                os.kill(gate.process.pid, signal.SIGCONT)
                response = client.response(1) if version == "http2" else client.response("GET")
                assert response.status == 200 and f"/mine/{n}".encode() in response.body
                assert len(upstream.requests) == served + 2

    @staticmethod
    def ask(client, version, n):
        if version == "http2":
            assert client.request("GET", f"/mine/{n}") == 1
        else:
            client.request("GET", f"/mine/{n}")

    @staticmethod
    def is_stopped(pid: int) -> bool:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] == "T"


class TestFaultsAfterContent:
    @pytest.mark.parametrize("fault", [b"5 5\r\nhello\r\n0\r\n\r\n", b"0\r\nBad Name: x\r\n\r\n", b"x\r\n"],
                             ids=["chunk", "trailer", "no size"])
    @pytest.mark.parametrize("version", ["http1", "http2"])
    def test_what_came_before_the_fault_in_the_same_write_is_sent(self, upstream, start_gate, fault, version):
        gate = start_gate(upstream, access={"default": "guest"})

        def serve(connection):
            connection.read_head()
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + fault)
            connection.fill()
        upstream.serve = serve
        if version == "http2":
            with FrameConnection(gate.port) as client, pytest.raises(StreamReset) as cut:
                client.get("/")
        else:
            with gate.connection() as client, pytest.raises(CutShort) as cut:
                client.exchange("GET", "/")
        assert cut.value.received == b"hello"
        line = wait_until(lambda: [x for x in lines(gate) if x.get("kind") == "access"], "the line of the log")[0]
        assert (line["status"], line["bytes"], line["reason"]) == (200, 5, "upstream_malformed")

    def test_a_fault_in_the_first_content_is_502(self, upstream, start_gate):
        gate = start_gate(upstream, access={"default": "guest"})

        def serve(connection):
            connection.read_head()
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n")
            connection.fill()
        upstream.serve = serve
        assert gate.exchange("GET", "/").status == 502


class TestResponsesThatAreNotRead:
    @pytest.mark.parametrize("version", ["http1", "http2", "http2 socket"])
    def test_they_end_after_the_idle_time_and_the_log_says_why(self, upstream, start_gate, version):
        gate = start_gate(upstream, access={"default": "guest"}, limits={"bodyIdleTimeout": "300ms"})
        upstream.answer = lambda request, connection: connection.respond(200, {}, bytes(30_000_000))
        if version == "http1":
            client = gate.connection(receive_buffer=4096)
            client.request("GET", "/large")
        else:
            window = 30_000_000 if version == "http2 socket" else 10
            client = FrameConnection(gate.port, settings=setting(4, window), receive_buffer=4096)
            client.updates_windows = False
            if version == "http2 socket":
                client.send(frame(WINDOW_UPDATE, 0, 0, (30_000_000).to_bytes(4, "big")))
            client.request("GET", "/large")
        with client:
            line = wait_until(lambda: [x for x in lines(gate) if x.get("kind") == "access"], "the line of the log")[0]
        assert (line["status"], line["reason"]) == (200, "response_too_slow")


def test_requests_succeed_when_the_app_is_back(start_gate):
    first = Upstream()
    gate = start_gate(first)
    session = gate.session_cookie()
    assert gate.exchange("GET", "/", session).status == 200
    port = first.port
    first.stop()
    assert gate.exchange("GET", "/", session).status == 502
    listener = socket.create_server(("127.0.0.1", port), backlog=16)

    def accept():
        while True:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            connected.recv(65536)
            connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nback")
            connected.close()
    threading.Thread(target=accept, daemon=True).start()
    assert gate.exchange("GET", "/", session).body == b"back"
    listener.close()


def test_an_app_behind_a_unix_socket(tmp_path, start_gate):
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            connected, _ = listener.accept()
            head = connected.recv(65536)
            connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(head), head))
        threading.Thread(target=serve, daemon=True).start()
        gate = start_gate(f"unix:{path}")
        assert b"X-Forwarded-User: ada" in gate.exchange("GET", "/", gate.session_cookie()).body
