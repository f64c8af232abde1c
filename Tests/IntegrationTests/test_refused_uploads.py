# SPDX-License-Identifier: Apache-2.0
"""Uploads that are answered early: clients that send everything before they read get the answer, whatever the protocol."""

import http.client
import subprocess
import time

import httpx
import pytest

from harness.certificates import Authority
from harness.process import wait_until
from harness.secure import secured, trusting
from harness.wire import Connection

MEGABYTE = 1 << 20
SIZE = 24 * MEGABYTE


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def limited(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, limits={"bodyBytes": MEGABYTE})


@pytest.fixture(scope="module")
def secure(module_upstream, start_module_gate, authority):
    certificate = authority.issue("ec", "DNS:localhost,IP:127.0.0.1")
    gate = start_module_gate(
        module_upstream, limits={"bodyBytes": MEGABYTE}, tls={"certificates": [certificate.settings]})
    return secured(gate, trusting(authority))


@pytest.fixture(scope="module")
def cookie(limited):
    return limited.session_cookie()


@pytest.fixture(scope="module")
def secure_cookie(secure):
    return secure.session_cookie()


def pieces(size: int = SIZE, each: int = 65_536):
    """Content without a length: chunks, or DATA."""
    for _ in range(size // each):
        yield bytes(each)


class TestHTTP1:
    """Python's http.client writes the whole request, and then reads."""

    @pytest.mark.parametrize("is_signed_in, is_chunked, status", [(True, False, 413), (True, True, 413), (False, True, 401)])
    def test_http_client(self, limited, upstream, cookie, is_chunked, is_signed_in, status):
        client = http.client.HTTPConnection("127.0.0.1", limited.port, timeout=30)
        self.upload(client, cookie if is_signed_in else {}, is_chunked, status)

    @pytest.mark.parametrize("is_chunked", [False, True])
    def test_http_client_over_tls(self, secure, upstream, secure_cookie, is_chunked):
        client = http.client.HTTPSConnection("localhost", secure.port, timeout=30, context=secure.context)
        self.upload(client, secure_cookie, is_chunked, 413)

    def upload(self, client, cookie, is_chunked, status):
        body = pieces() if is_chunked else bytes(SIZE)
        client.request("POST", "/upload", body, {**cookie, "Accept": "application/json"}, encode_chunked=is_chunked)
        response = client.getresponse()
        assert response.status == status
        assert response.read()
        client.close()

    def test_an_early_answer_of_the_app(self, limited, upstream, cookie):
        def serve(connection):
            connection.read_head()
            connection.respond(422, {"Connection": "close"}, "not this")
        upstream.serve = serve
        for body in (bytes(MEGABYTE - 1), pieces(MEGABYTE)):
            client = http.client.HTTPConnection("127.0.0.1", limited.port, timeout=30)
            client.request("POST", "/upload", body, cookie, encode_chunked=not isinstance(body, bytes))
            response = client.getresponse()
            assert (response.status, response.read()) == (422, b"not this")
            client.close()

    def test_a_slow_client(self, limited, upstream, cookie):
        """Longer than the two seconds that a connection lingers otherwise."""
        with Connection(limited.port) as client:
            count = 30
            client.request("POST", "/upload", {**cookie, "Content-Length": str(2 * MEGABYTE)})
            for _ in range(count):
                client.send(bytes(2 * MEGABYTE // count))
                time.sleep(0.1)
            client.send(bytes(2 * MEGABYTE % count))
            assert client.response().status == 413
            assert client.is_closed_by_peer()

    def test_a_client_that_stops_sending_is_not_waited_for_long(self, limited, upstream, cookie):
        before = limited.process.descriptors()
        with Connection(limited.port) as client:
            client.request("POST", "/upload", {**cookie, "Content-Length": str(SIZE)})
            assert client.response().status == 413
            assert client.is_closed_by_peer()
            assert limited.process.descriptors() > before
            # The client keeps its own side open.
            wait_until(lambda: limited.process.descriptors() <= before, "the connection is closed")

    def test_a_stop_does_not_wait_for_the_rest(self, start_gate, upstream):
        gate = start_gate(upstream, limits={"bodyBytes": 1000, "drainTimeout": "60s"})
        with Connection(gate.port) as client:
            client.request("POST", "/upload", {**gate.session_cookie(), "Content-Length": str(SIZE)})
            assert client.response().status == 413
            gate.was_stopped = True
            assert gate.process.stop() == 0

    def test_at_the_limit_of_connections_it_makes_room(self, start_gate, upstream):
        gate = start_gate(upstream, limits={"bodyBytes": 1000, "connections": 4})
        session = gate.session_cookie()
        refused = []
        for _ in range(4):
            client = Connection(gate.port)
            client.request("POST", "/upload", {**session, "Content-Length": str(SIZE)})
            assert client.response().status == 413
            refused.append(client)
        assert gate.exchange("GET", "/", session).status == 200
        for client in refused:
            client.close()

    def test_curl(self, limited, upstream, cookie, tmp_path):
        file = tmp_path / "upload"
        file.write_bytes(bytes(SIZE))
        done = subprocess.run(
            ["curl", "-sS", "-m", "30", "-H", f"Cookie: {cookie['Cookie']}", "-H", "Expect:", "-o", "/dev/null", "-w",
             "%{http_code}", "--data-binary", f"@{file}", f"http://127.0.0.1:{limited.port}/upload"],
            capture_output=True, text=True, timeout=60)
        assert done.stdout == "413", done.stderr


class TestHTTP2:
    """httpx sends the whole request before it takes the response, and reads meanwhile only for the window."""

    @pytest.mark.parametrize("has_length", [True, False])
    def test_httpx(self, secure, upstream, secure_cookie, has_length):
        with httpx.Client(http2=True, verify=secure.context, timeout=30) as client:
            response = client.post(
                f"https://localhost:{secure.port}/upload", content=bytes(SIZE) if has_length else pieces(),
                headers={"Cookie": secure_cookie["Cookie"]})
            assert (response.http_version, response.status_code) == ("HTTP/2", 413)
            assert response.content

    def test_httpx_without_a_session(self, secure, upstream):
        with httpx.Client(http2=True, verify=secure.context, timeout=30) as client:
            response = client.post(f"https://localhost:{secure.port}/upload", content=pieces())
            assert (response.http_version, response.status_code) == ("HTTP/2", 401)
            # The connection serves other requests.
            assert client.get(f"https://localhost:{secure.port}/", headers={"Accept": "text/html"}).status_code == 302

    def test_curl(self, secure, upstream, secure_cookie, authority, tmp_path):
        file = tmp_path / "upload"
        file.write_bytes(bytes(SIZE))
        done = subprocess.run(
            ["curl", "-sS", "-m", "30", "--http2", "--cacert", authority.path, "-H",
             f"Cookie: {secure_cookie['Cookie']}", "-o", "/dev/null", "-w", "%{http_code} %{http_version}",
             "--data-binary", f"@{file}", f"https://localhost:{secure.port}/upload"],
            capture_output=True, text=True, timeout=60)
        assert done.stdout == "413 2", done.stderr
