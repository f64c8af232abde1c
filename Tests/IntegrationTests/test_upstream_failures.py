# SPDX-License-Identifier: Apache-2.0
"""The app is down, slow, or closes its connections between two requests."""

import socket
import threading
import time

import pytest

from harness.gate import NAVIGATION, XHR
from harness.ports import free_port
from harness.process import DEADLINE
from harness.upstream import Closed, Upstream


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
