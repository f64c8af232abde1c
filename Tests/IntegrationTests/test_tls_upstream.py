# SPDX-License-Identifier: Apache-2.0
"""An app behind https: its certificate, requests over TLS, and servers that cannot be verified."""

import hashlib
import os
import ssl

import pytest

from harness.certificates import Authority
from harness.gate import NAVIGATION, XHR
from harness.process import wait_until
from harness.secure import SecureUpstream, in_threads, secured, trusting
from harness.servers import Nginx
from harness.upstream import Closed
from harness.wire import CutShort

NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("app", NAMES)


@pytest.fixture
def start_app():
    apps = []

    def start(certificate, configure=lambda context: None):
        apps.append(SecureUpstream(certificate, configure))
        return apps[-1]

    yield start
    for app in apps:
        app.stop()
        assert not app.failures, app.failures


def gate_before(start_gate, app, authority=None, url=None, **tls):
    options = {**({"ca": authority.path} if authority else {}), **tls}
    return start_gate(url or app.url, upstream={"url": url or app.url, "connectTimeout": "2s", "tls": options})


def get(gate, target="/", **fields):
    return gate.exchange("GET", target, {**gate.session_cookie(), **fields})


def test_requests_and_bodies_pass_both_ways(start_gate, start_app, authority, certificate):
    app = start_app(certificate)
    gate = gate_before(start_gate, app, authority)
    sent, back = os.urandom(3_000_000), os.urandom(5_000_000)

    def answer(request, connection):
        assert hashlib.sha256(request.body).digest() == hashlib.sha256(sent).digest()
        connection.respond(200, {}, back)

    app.answer = answer
    response = gate.exchange("POST", "/up", gate.session_cookie(), sent)
    assert response.status == 200
    assert hashlib.sha256(response.body).digest() == hashlib.sha256(back).digest()
    app.answer = app.echo
    assert get(gate, "/echo?x=1").json()["target"] == "/echo?x=1"
    assert app.names == ["localhost"], "one connection, with a server name"


def test_a_slow_app_and_a_slow_browser_lose_no_data(start_gate, start_app, authority, certificate):
    app = start_app(certificate)
    gate = gate_before(start_gate, app, authority)
    body = os.urandom(4_000_000)

    def answer(request, connection):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n")
        for start in range(0, len(body), 500_001):
            connection.send(body[start:start + 500_001])

    app.answer = answer
    with gate.connection(receive_buffer=4096) as connection:
        connection.request("GET", "/", gate.session_cookie())
        response = connection.read_head()
        assert response.status == 200
        received = hashlib.sha256()
        left = len(body)
        while left:
            piece = connection.read_exactly(min(left, 70_001))
            received.update(piece)
            left -= len(piece)
        assert received.digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_supported(start_gate, start_app, authority, certificate, version):
    def only(context):
        context.minimum_version = context.maximum_version = version

    gate = gate_before(start_gate, start_app(certificate, only), authority)
    assert get(gate).status == 200


def test_an_app_with_an_rsa_key_by_its_address(start_gate, start_app, authority):
    app = start_app(authority.issue("rsa", NAMES, rsa=True))
    gate = gate_before(start_gate, app, authority, url=f"https://127.0.0.1:{app.port}")
    assert get(gate).status == 200
    assert app.names == [None], "no server name is sent for an address"


class TestNotTheApp:
    """A server that cannot be verified gets no request: the response is 502, and the log contains the reason."""

    def refused(self, gate, app, words):
        for fields, kind in ((NAVIGATION, "text/html"), (XHR, "json")):
            response = get(gate, "/secret", **fields)
            assert response.status == 502 and kind in response["Content-Type"]
        assert app.requests == []
        wait_until(lambda: words in gate.log(), f"the log contains {words!r}")
        wait_until(lambda: "upstream_not_secured" in gate.log(), "the reason in the access log")
        assert gate.process.is_running()

    def test_an_unknown_authority(self, start_gate, start_app, certificate):
        app = start_app(certificate)
        self.refused(gate_before(start_gate, app), app, "authority that is not trusted")

    def test_another_name(self, start_gate, start_app, authority):
        app = start_app(authority.issue("other", "DNS:other.example"))
        self.refused(gate_before(start_gate, app, authority), app, "not for localhost")

    def test_an_expired_certificate(self, start_gate, start_app, authority):
        app = start_app(authority.issue("old", NAMES, dates=("20200101000000Z", "20210101000000Z")))
        self.refused(gate_before(start_gate, app, authority), app, "expired")

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
    def test_an_old_version(self, start_gate, start_app, authority, certificate):
        def old(context):
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

        app = start_app(certificate, old)
        self.refused(gate_before(start_gate, app, authority), app, "no secure connection")

    def test_plain_http(self, start_gate, upstream, authority):
        gate = gate_before(start_gate, None, authority, url=f"https://localhost:{upstream.port}")
        upstream.serve = lambda connection: (connection.fill(), connection.send("HTTP/1.1 400 No\r\n\r\n"))
        assert get(gate).status == 502
        wait_until(lambda: "does not speak TLS" in gate.log(), "the reason in the log")

    def test_an_app_that_does_not_respond_is_504_in_time(self, start_gate, upstream, authority):
        gate = start_gate("", upstream={
            "url": f"https://localhost:{upstream.port}", "connectTimeout": "500ms", "tls": {"ca": authority.path}})

        def wait(connection):
            while True:
                connection.fill()

        upstream.serve = wait
        assert get(gate).status == 504


def test_another_server_name_and_no_verification_by_config(start_gate, start_app, authority):
    app = start_app(authority.issue("named", "DNS:app.internal"))
    gate = gate_before(start_gate, app, authority, serverName="app.internal")
    assert get(gate).status == 200
    assert app.names == ["app.internal"]
    careless = gate_before(start_gate, app, insecureSkipVerify=True)
    assert get(careless).status == 200


class TestClientCertificate:
    @pytest.fixture
    def app(self, start_app, authority, certificate):
        def demand(context):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority.path)

        return start_app(certificate, demand)

    def test_the_gate_sends_its_certificate(self, start_gate, app, authority):
        shown = authority.issue("gate", "DNS:gate")
        gate = gate_before(start_gate, app, authority, **shown.settings)
        assert get(gate).status == 200
        assert app.peers[0]["subjectAltName"] == (("DNS", "gate"),)

    def test_without_one_the_app_refuses(self, start_gate, app, authority):
        gate = gate_before(start_gate, app, authority)
        assert get(gate).status == 502
        assert app.requests == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_later_connections_resume_the_tls_session(start_gate, start_app, authority, certificate, version):
    def only(context):
        context.minimum_version = context.maximum_version = version

    app = start_app(certificate, only)
    app.answer = lambda request, connection: connection.respond(200, {"Connection": "close"})
    gate = gate_before(start_gate, app, authority)
    cookie = gate.session_cookie()
    for _ in range(4):
        assert gate.exchange("GET", "/", cookie).status == 200
    wait_until(lambda: len(app.sessions) >= 4, "four connections")
    assert app.sessions[:4] == [False, True, True, True]


def test_one_connection_serves_many_requests_and_a_dead_one_is_replaced(start_gate, start_app, authority, certificate):
    app = start_app(certificate)
    gate = gate_before(start_gate, app, authority)
    cookie = gate.session_cookie()
    for _ in range(20):
        assert gate.exchange("GET", "/", cookie).status == 200
    assert len(app.connections) == 1
    app.connections[0].reset()
    assert gate.exchange("GET", "/", cookie).status == 200


class TestContentUntilTheEnd:
    """Content without a length ends with close_notify; a connection that ends without it may have been cut short."""

    HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

    @pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def app(self, request, start_app, certificate):
        def only(context):
            context.minimum_version = context.maximum_version = request.param

        return start_app(certificate, only)

    def test_an_end_with_close_notify_is_complete(self, start_gate, app, authority):
        def serve(connection):
            connection.read_head()
            connection.send(self.HEAD + b"all of it")
            connection.socket.unwrap()
            raise Closed

        app.serve = serve
        assert get(gate_before(start_gate, app, authority)).body == b"all of it"

    def test_an_end_without_close_notify_is_cut_short(self, start_gate, app, authority):
        def serve(connection):
            connection.read_head()
            connection.send(self.HEAD + b"some of it")
            os.close(connection.socket.detach())

        app.serve = serve
        gate = gate_before(start_gate, app, authority)
        cookie = gate.session_cookie()
        with gate.connection() as connection, pytest.raises(CutShort):
            connection.exchange("GET", "/", cookie)


def test_websocket_bytes_pass_through_a_tunnel(start_gate, start_app, authority, certificate):
    app = start_app(certificate)

    def serve(connection):
        connection.read_head()
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello")
        while True:
            connection.fill()
            connection.send(bytes(connection.buffer[::-1]))
            connection.buffer.clear()

    app.serve = serve
    gate = gate_before(start_gate, app, authority)
    with gate.connection() as connection:
        response = connection.exchange(
            "GET", "/socket", {**gate.session_cookie(), "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert response.status == 101
        assert connection.read_exactly(5) == b"hello"
        connection.send(b"abc")
        assert connection.read_exactly(3) == b"cba"


def test_many_connections_at_once(start_gate, start_app, authority, certificate):
    app = start_app(certificate)
    body = os.urandom(200_000)
    app.answer = lambda request, connection: connection.respond(200, {}, body)
    gate = gate_before(start_gate, app, authority)
    cookie = gate.session_cookie()

    def ask(index):
        with gate.connection() as connection:
            for _ in range(5):
                assert connection.exchange("GET", f"/{index}", cookie).body == body

    in_threads(24, ask)


class TestHTTP2:
    """An app behind https that also supports HTTP/2: nginx, which reports the protocol of the request."""

    @pytest.fixture
    def app(self, tmp_path, certificate):
        server = Nginx(tmp_path, "location = /version { return 200 $server_protocol; }", certificate)
        yield server
        server.stop()

    @pytest.mark.parametrize("asked, version", [(True, "HTTP/2.0"), (False, "HTTP/1.1")])
    def test_http2_is_used_when_configured_and_negotiated(self, start_gate, app, authority, asked, version):
        content = os.urandom(3_000_000)
        app.file("big", content)
        gate = start_gate(app.url, upstream={"url": app.url, "http2": asked, "tls": {"ca": authority.path}})
        for _ in range(2):
            assert get(gate, "/version").text == version
            assert hashlib.sha256(get(gate, "/big").body).digest() == hashlib.sha256(content).digest()

    def test_an_app_that_does_not_agree_gets_http_1_1(self, start_gate, start_app, authority, certificate):
        app = start_app(certificate)
        gate = start_gate(app.url, upstream={"url": app.url, "http2": True, "tls": {"ca": authority.path}})
        for _ in range(3):
            assert get(gate, "/").status == 200
        assert len(app.sessions) == 1, "one connection with HTTP/1.1: an HTTP/2 preface would have failed"


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_nginx_with_client_certificates_behind_tls_on_both_sides(start_gate, authority, tmp_path, kind):
    own = authority.issue("nginx-client", "DNS:gate")
    shown = authority.issue("nginx-" + kind, NAMES, rsa=kind == "RSA")
    nginx = Nginx(tmp_path / "nginx", certificate=shown, locations=f"""
        ssl_client_certificate {authority.path}; ssl_verify_client on;
        location = /who {{ return 200 "$ssl_client_s_dn $ssl_protocol $ssl_session_reused $http_x_forwarded_proto"; }}
    """)
    try:
        gate = secured(
            gate_before(
                lambda url, **options: start_gate(url, tls={"certificates": [shown.settings]}, **options), nginx,
                authority, **own.settings),
            trusting(authority))
        cookie = gate.session_cookie()
        assert gate.exchange("GET", "/who", cookie).body.decode() == "CN=nginx-client TLSv1.3 . https"
        content = os.urandom(10_000_000)
        nginx.file("large", content)

        def fetch(_):
            for _ in range(3):
                body = gate.exchange("GET", "/large", cookie).body
                assert hashlib.sha256(body).digest() == hashlib.sha256(content).digest()

        in_threads(4, fetch)
    finally:
        nginx.stop()
