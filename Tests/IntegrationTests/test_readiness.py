# SPDX-License-Identifier: Apache-2.0
"""`/readyz` and `sidegate_upstream_up` before apps that are certain to fail: the same answer, with the cause, before and after
a request."""

import os

import pytest

from harness.admin import Metrics, ask
from harness.certificates import Authority
from harness.h2_upstream import H2Upstream
from harness.ports import free_port
from harness.process import wait_until
from harness.secure import SecureUpstream
from harness.servers import Nginx
from harness.upstream import Closed

NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start(start_gate):
    def start(url, **upstream):
        gate = start_gate(url, upstream={"url": url, **upstream}, admin={"listen": f"127.0.0.1:{free_port()}"})
        wait_until(lambda: ask(gate, "/readyz").text != "starting\n", "the workers serve")
        return gate
    return start


def not_ready(gate, cause):
    """Before a request, where a connection is tried, and after one, by what the worker knows."""
    for _ in range(2):
        for _ in range(2):
            answer = ask(gate, "/readyz")
            assert (answer.status, answer.text) == (503, f"the app cannot be reached: {cause}\n")
            assert Metrics(gate).get("sidegate_upstream_up") == 0
        assert gate.exchange("GET", "/", gate.session_cookie()).status in (502, 504)
        wait_until(lambda: f'"cause":"{cause}"' in gate.log().replace('": "', '":"'), "the cause in the log")
    assert ask(gate, "/healthz").status == 200


def ready(gate):
    for _ in range(2):
        assert ask(gate, "/readyz").status == 200 and Metrics(gate).get("sidegate_upstream_up") == 1
        assert gate.exchange("GET", "/version", gate.session_cookie()).status == 200


class TestOverTLS:
    @pytest.fixture
    def app(self, authority):
        apps = []

        def app(label, names=NAMES, **options):
            apps.append(SecureUpstream((options.pop("by", None) or authority).issue(f"{label}-{len(apps)}-{os.urandom(4).hex()}", names, **options)))
            return apps[-1]
        yield app
        for made in apps:
            made.stop()

    def test_a_certificate_that_has_expired(self, start, app, authority):
        old = app("old", dates=("20200101000000Z", "20210101000000Z"))
        not_ready(start(old.url, tls={"ca": authority.path}), "tls_certificate")

    def test_a_certificate_for_another_name(self, start, app, authority):
        not_ready(start(app("other", "DNS:other.example").url, tls={"ca": authority.path}), "tls_certificate")

    def test_an_authority_that_is_not_trusted(self, start, app, tmp_path):
        not_ready(start(app("good").url, tls={"ca": Authority(tmp_path, "others").path}), "tls_certificate")

    def test_no_tls_at_all(self, start, upstream):
        upstream.serve = lambda connection: (connection.fill(), connection.send("HTTP/1.1 400 No\r\n\r\n"))
        not_ready(start(f"https://localhost:{upstream.port}"), "tls_invalid")

    def test_no_handshake_in_time(self, start, upstream):
        def wait(connection):
            while True:
                connection.fill()
        upstream.serve = wait
        not_ready(start(f"https://localhost:{upstream.port}", connectTimeout="300ms"), "tls_timeout")

    def test_a_good_certificate(self, start, app, authority):
        ready(start(app("good").url, tls={"ca": authority.path}))

    def test_http2_by_negotiation(self, start, authority, tmp_path):
        app = Nginx(tmp_path, "location = /version { return 200 $server_protocol; }", authority.issue("nginx", NAMES))
        try:
            ready(start(app.url, http2=True, tls={"ca": authority.path}))
        finally:
            app.stop()


class TestHTTP2:
    def test_an_app_that_speaks_it(self, start):
        app = H2Upstream()
        ready(start(app.url))
        app.close()

    @pytest.mark.parametrize("first", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""])
    def test_an_app_that_speaks_http_1_1(self, start, upstream, first):
        def serve(connection):
            connection.fill()
            connection.send(first)
            raise Closed
        upstream.serve = serve
        not_ready(start(f"h2c://127.0.0.1:{upstream.port}"), "http2_not_spoken")

    def test_an_app_that_says_nothing(self, start, upstream):
        def wait(connection):
            while True:
                connection.fill()
        upstream.serve = wait
        not_ready(start(f"h2c://127.0.0.1:{upstream.port}", connectTimeout="300ms"), "connect_timeout")


def test_a_refused_connection_is_named(start):
    not_ready(start(f"http://127.0.0.1:{free_port()}"), "connection_refused")
