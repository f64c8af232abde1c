# SPDX-License-Identifier: Apache-2.0
"""Browsers over TLS: certificates, versions, resumption, limits, and the redirect from plain HTTP."""

import hashlib
import os
import random
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import tokens
from harness.certificates import Authority
from harness.gate import NAVIGATION, Browser, sidegate
from harness.ports import free_port
from harness.secure import SecureConnection, in_threads, secured, trusting
from harness.wire import Connection

NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificates(authority):
    return {
        "ec": authority.issue("ec", NAMES), "rsa": authority.issue("rsa", NAMES, rsa=True),
        "other": authority.issue("other", "DNS:other.example,DNS:*.wild.example"),
    }


def tls(*pairs, **more) -> dict:
    return {"tls": {"certificates": [pair.settings for pair in pairs], **more}, "http2": {"enabled": False}}


@pytest.fixture(scope="module")
def module_secure(module_upstream, start_module_gate, authority, certificates):
    gate = start_module_gate(
        module_upstream, **tls(certificates["ec"], certificates["rsa"], certificates["other"], hsts="365d"))
    return secured(gate, trusting(authority))


@pytest.fixture
def gate(module_secure, upstream):
    assert module_secure.process.is_running(), module_secure.log()
    return module_secure


def openssl(gate, *arguments, input="", name="localhost", timeout=60) -> str:
    """The output of `openssl s_client`."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-servername", name, *arguments],
        input=input.encode(), capture_output=True, timeout=timeout)
    return (done.stdout + done.stderr).decode("latin-1")


# The sign-in, and the headers for the app and the browser.

def test_a_sign_in_over_tls_has_host_cookies_and_secure_urls(gate, upstream):
    browser = Browser(gate)
    back = browser.start("/x")
    assert back.startswith(f"https://localhost:{gate.port}/.sidegate/callback")
    assert browser.finish(back, tokens.token()).status == 303
    assert "__Host-sidegate" in browser.cookies and all(name.startswith("__Host-") for name in browser.cookies)
    response = browser.navigate("/page")
    assert response.status == 200
    assert upstream.last.get("X-Forwarded-Proto") == "https"
    assert upstream.last.get("X-Forwarded-Port") == str(gate.port)


def test_login_cookies_are_secure(gate):
    line = gate.exchange("GET", "/", NAVIGATION)["Set-Cookie"]
    assert line.startswith("__Host-sidegate-login-") and "; secure" in line.lower()


def test_every_response_has_strict_transport_security_once(gate, upstream):
    cookie = gate.session_cookie()
    wanted = ["max-age=31536000"]
    assert gate.exchange("GET", "/", cookie).all("Strict-Transport-Security") == wanted
    assert gate.exchange("GET", "/", NAVIGATION).all("Strict-Transport-Security") == wanted
    assert gate.exchange("GET", "/").all("Strict-Transport-Security") == wanted
    upstream.answer = lambda request, connection: connection.respond(200, {"strict-Transport-security": "max-age=5"})
    assert gate.exchange("GET", "/", cookie).all("Strict-Transport-Security") == ["max-age=5"]


def test_without_hsts_the_header_is_absent(start_gate, upstream, authority, certificates):
    plain = secured(start_gate(upstream, **tls(certificates["ec"])), trusting(authority))
    assert plain.exchange("GET", "/", NAVIGATION).all("Strict-Transport-Security") == []


def test_curl(gate, authority):
    cookie = gate.session_cookie()["Cookie"]
    done = subprocess.run(
        ["curl", "-sS", "--cacert", authority.path, "-H", f"Cookie: {cookie}", "-w", "\n%{http_code} %{ssl_verify_result}",
         f"https://localhost:{gate.port}/one", f"https://localhost:{gate.port}/two"],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("200 0") == 2


# Transfers.

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_large_bodies_pass_both_ways(gate, upstream, authority, version):
    sent, back = os.urandom(3_000_001), os.urandom(5_000_001)

    def answer(request, connection):
        assert hashlib.sha256(request.body).digest() == hashlib.sha256(sent).digest()
        connection.respond(200, {}, back)

    upstream.answer = answer
    cookie = gate.session_cookie()
    context = trusting(authority, minimum_version=version, maximum_version=version)
    with SecureConnection(gate.port, context) as connection:
        for _ in range(2):
            response = connection.exchange("POST", "/", cookie, sent)
            assert response.status == 200
            assert hashlib.sha256(response.body).digest() == hashlib.sha256(back).digest()


def test_a_request_may_arrive_byte_by_byte_and_many_at_once(gate):
    cookie = gate.session_cookie()
    request = f"GET /p HTTP/1.1\r\nHost: localhost:{gate.port}\r\nCookie: {cookie['Cookie']}\r\n\r\n".encode()
    with gate.connection() as connection:
        for byte in request:
            connection.send(bytes([byte]))
        assert connection.response().status == 200
        connection.send(request * 30)
        for _ in range(30):
            assert connection.response().status == 200


def test_a_slow_reader_gets_everything(gate, upstream):
    body = os.urandom(20_000_000)
    upstream.answer = lambda request, connection: connection.respond(200, {}, body)
    with gate.connection() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)
        connection.request("GET", "/", gate.session_cookie())
        time.sleep(0.3)  # until all socket buffers are full
        assert hashlib.sha256(connection.response().body).digest() == hashlib.sha256(body).digest()


def test_the_connection_ends_with_close_notify(gate):
    with gate.connection() as connection:
        assert connection.exchange("GET", "/", {"Connection": "close"}).status in (302, 401)
        assert connection.socket.recv(1) == b"", "without close_notify recv() raises SSLEOFError"


def test_websocket_bytes_pass_through_a_tunnel(gate, upstream):
    def serve(connection):
        connection.read_head()
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello")
        while True:
            connection.fill()
            connection.send(bytes(connection.buffer[::-1]))
            connection.buffer.clear()

    upstream.serve = serve
    with gate.connection() as connection:
        response = connection.exchange(
            "GET", "/socket", {**gate.session_cookie(), "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert response.status == 101
        assert connection.read_exactly(5) == b"hello"
        for piece in (b"abc", b"x" * 100):
            connection.send(piece)
            assert connection.read_exactly(len(piece)) == piece[::-1]


# Certificates.

@pytest.mark.parametrize("name,label", [
    ("localhost", "ec"), ("other.example", "other"), ("a.wild.example", "other"), ("OTHER.example", "other"),
    ("unknown.example", "ec"), ("a.b.wild.example", "ec"), ("wild.example", "ec"),
])
def test_the_certificate_is_chosen_by_name(gate, name, label):
    assert f"CN = {label}" in openssl(gate, name=name)


def test_without_a_server_name_the_first_certificate_is_used(gate):
    said = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-noservername"], input=b"", capture_output=True,
        timeout=60).stdout.decode("latin-1")
    assert "CN = ec" in said


@pytest.mark.parametrize("algorithms,label", [("ecdsa_secp256r1_sha256", "ec"), ("rsa_pss_rsae_sha256", "rsa")])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_rsa_and_ecdsa_can_be_used_for_one_name(gate, algorithms, label, version):
    assert f"CN = {label}" in openssl(gate, version, "-sigalgs", algorithms)


def test_versions_and_groups(gate):
    assert "Protocol  : TLSv1.2" in openssl(gate, "-tls1_2")
    assert "TLSv1.3" in openssl(gate, "-tls1_3")
    assert "X25519" in openssl(gate)
    assert "prime256v1" in openssl(gate, "-groups", "P-256")
    for old in ("-tls1", "-tls1_1"):
        assert "Cipher is (NONE)" in openssl(gate, old, "-cipher", "DEFAULT:@SECLEVEL=0")
    for weak in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"):
        assert "Cipher is (NONE)" in openssl(gate, "-tls1_2", "-cipher", weak + ":@SECLEVEL=0")


def test_a_minimum_of_1_3(start_gate, upstream, authority, certificates):
    strict = start_gate(upstream, **tls(certificates["ec"], minimumVersion="1.3"))
    assert "Cipher is (NONE)" in openssl(strict, "-tls1_2")
    assert "TLSv1.3" in openssl(strict)


def test_no_renegotiation(gate):
    assert "no renegotiation" in openssl(gate, "-tls1_2", input="R\n").lower()


def test_protocols(gate):
    assert "ALPN protocol: http/1.1" in openssl(gate, "-alpn", "h2,http/1.1")
    assert "No ALPN negotiated" in openssl(gate)
    assert "no application protocol" in openssl(gate, "-alpn", "smtp").lower()


class TestClientCertificates:
    @pytest.fixture(scope="class")
    def people(self, authority, tmp_path_factory):
        stranger = Authority(tmp_path_factory.mktemp("strangers"), "stranger")
        return {"known": authority.issue("ada", "DNS:ada"), "unknown": stranger.issue("eve", "DNS:eve")}

    def ask(self, gate, authority, shown=None) -> int:
        context = trusting(authority)
        if shown:
            context.load_cert_chain(shown.certificate, shown.key)
        with SecureConnection(gate.port, context) as connection:
            return connection.exchange("GET", "/", NAVIGATION).status

    @pytest.mark.parametrize("mode", ["request", "require"])
    def test_a_client_certificate_is_requested_or_required(self, start_gate, upstream, authority, certificates, people, mode):
        gate = start_gate(upstream, **tls(certificates["ec"], clientCA=authority.path, clientAuth=mode))
        assert self.ask(gate, authority, people["known"]) == 302
        with pytest.raises((ssl.SSLError, ConnectionError)):
            self.ask(gate, authority, people["unknown"])
        if mode == "request":
            assert self.ask(gate, authority) == 302
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                self.ask(gate, authority)

    def test_a_client_certificate_is_ignored_by_default(self, gate, authority, people):
        assert self.ask(gate, authority, people["unknown"]) == 302


# Sessions.

@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_tls_session_is_resumed_on_any_worker(start_gate, upstream, certificates, tmp_path, version):
    gate = start_gate(upstream, workers=2, **tls(certificates["ec"], certificates["other"]))
    session = tmp_path / "session"
    request = f"GET / HTTP/1.1\r\nHost: localhost:{gate.port}\r\nConnection: close\r\n\r\n"
    said = openssl(gate, version, "-ign_eof", "-sess_out", str(session), input=request)
    assert "New, TLS" in said and session.exists()
    for _ in range(8):
        assert "Reused, TLS" in openssl(gate, version, "-ign_eof", "-sess_in", str(session), input=request)
    # Not for another name, which has another certificate.
    assert "New, TLS" in openssl(
        gate, version, "-ign_eof", "-sess_in", str(session), name="other.example", input=request)


# Limits.

def test_handshakes_have_a_time_limit_and_delay_no_other(start_gate, upstream, authority, certificates):
    gate = secured(
        start_gate(upstream, limits={"headerTimeout": "2s"}, **tls(certificates["ec"])), trusting(authority))
    silent = [socket.create_connection(("127.0.0.1", gate.port), 10) for _ in range(50)]
    halfway = socket.create_connection(("127.0.0.1", gate.port), 10)
    halfway.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert gate.exchange("GET", "/", NAVIGATION).status == 302
    for connection in silent + [halfway]:
        assert connection.recv(100) == b""
        connection.close()


def test_many_silent_connections_do_not_block_others(start_gate, upstream, authority, certificates):
    gate = secured(start_gate(upstream, **tls(certificates["ec"])), trusting(authority))
    silent = [socket.create_connection(("127.0.0.1", gate.port), 10) for _ in range(900)]
    for _ in range(20):
        silent += [socket.create_connection(("127.0.0.1", gate.port), 10) for _ in range(20)]
        assert gate.exchange("GET", "/", NAVIGATION).status == 302
    silent[0].settimeout(30)
    assert silent[0].recv(1) == b"", "the oldest silent connection is closed"
    for connection in silent:
        connection.close()


@pytest.mark.parametrize("junk", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"\x01" * 70000,
    b"\x80\x2e\x01\x00\x02" + b"\x00" * 44, b"SSH-2.0-x\r\n", random.Random(1).randbytes(5000),
    b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"\x15\x03\x03\x00\x02\x02\x28",
])
def test_input_that_is_not_tls_closes_only_its_connection(gate, junk):
    with socket.create_connection(("127.0.0.1", gate.port), 10) as connection:
        try:
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1000):
                pass
        except OSError:
            pass
    assert gate.exchange("GET", "/", NAVIGATION).status == 302
    assert gate.process.is_running()


def test_a_connection_that_breaks_inside_a_record_affects_no_other(gate):
    for cut in (1, 5, 100, 517):
        plain = socket.create_connection(("127.0.0.1", gate.port), 10)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = gate.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            hello.do_handshake()
        plain.sendall(outgoing.read()[:cut])
        plain.close()
    with gate.connection() as connection:
        raw = socket.socket(fileno=os.dup(connection.socket.fileno()))
        raw.sendall(b"\x17\x03\x03\x40\x00" + os.urandom(100))  # the header of a record, and only a part of its content
        raw.close()
    assert gate.exchange("GET", "/", NAVIGATION).status == 302


def test_many_browsers_at_a_time(start_gate, upstream, authority, certificates):
    gate = secured(start_gate(upstream, workers=2, **tls(certificates["ec"])), trusting(authority))
    cookie = gate.session_cookie()
    body = os.urandom(100_000)
    upstream.answer = lambda request, connection: connection.respond(200, {}, body)

    def ask(index):
        for _ in range(4):
            with gate.connection() as connection:
                for _ in range(3):
                    assert connection.exchange("GET", f"/{index}", cookie).body == body

    in_threads(24, ask)


def test_a_stop_lets_requests_finish(start_gate, upstream, authority, certificates):
    gate = secured(start_gate(upstream, **tls(certificates["ec"])), trusting(authority))
    cookie = gate.session_cookie()
    began, go_on = threading.Event(), threading.Event()

    def answer(request, connection):
        began.set()
        go_on.wait(30)
        connection.respond(200, {}, b"late")

    upstream.answer = answer
    silent = socket.create_connection(("127.0.0.1", gate.port), 10)
    with gate.connection() as connection:
        connection.request("GET", "/", cookie)
        assert began.wait(30)
        stopping = threading.Thread(target=lambda: codes.append(gate.stop()))
        codes = []
        stopping.start()
        assert silent.recv(1) == b"", "a connection without a request is closed"
        go_on.set()
        assert connection.response().body == b"late"
    stopping.join()
    assert codes == [0]


def test_the_proxy_protocol_precedes_the_handshake(start_gate, upstream, authority, certificates):
    gate = start_gate(upstream, proxyProtocol=True, trustedProxies=["127.0.0.2/32"], **tls(certificates["ec"]))
    context = trusting(authority)
    preface = b"PROXY TCP4 203.0.113.9 198.51.100.1 40000 443\r\n"
    secured(gate, context)
    cookie = gate.session_cookie()
    with SecureConnection(gate.port, context, preface=preface, source=("127.0.0.2", 0)) as connection:
        assert connection.exchange("GET", "/", cookie).status == 200
    assert upstream.last.get("X-Forwarded-For") == "203.0.113.9"
    assert upstream.last.get("X-Forwarded-Proto") == "https"


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_keys_may_change_and_padding_is_removed(gate, suite):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_3", "-ciphersuites", suite,
               "-record_padding", "512"]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        seen = b""

        def until(wanted: bytes, times: int):
            nonlocal seen
            while seen.count(wanted) < times:
                data = os.read(client.stdout.fileno(), 65536)
                assert data, seen
                seen += data

        def write(text: str):
            client.stdin.write(text.encode())
            client.stdin.flush()

        for turn, letter in enumerate(["", "k", "K", "K"], 1):
            # k: the client's key; K: the keys of both sides.
            if letter:
                write(letter + "\n")
                until(b"KEYUPDATE", turn - 1)
            write(f"GET /{turn} HTTP/1.1\r\nHost: localhost:{gate.port}\r\nAccept: text/html\r\n\r\n")
            until(b"HTTP/1.1 302 ", turn)
        assert f"Cipher is {suite}".encode() in seen
    finally:
        client.kill()
        client.wait()


# The redirect from plain HTTP to https.

class TestRedirect:
    @pytest.fixture
    def plain(self):
        return free_port()

    def gate(self, start_gate, upstream, plain, **changes):
        return start_gate(upstream, also_listen=[f"redirect:127.0.0.1:{plain}"], **changes)

    def location(self, plain, target="/", method="GET", host="app.example", body=None, headers=()):
        with Connection(plain) as connection:
            response = connection.exchange(method, target, headers, body, host)
            assert response.status == 308, response.status
            assert response.all("Strict-Transport-Security") == []
            return response["Location"]

    def test_to_the_requested_host(self, start_gate, upstream, certificates, plain):
        gate = self.gate(start_gate, upstream, plain, **tls(certificates["ec"], hsts="1h"))
        base = f"https://app.example:{gate.port}"
        assert self.location(plain, "/a/b?c=d&jwt=%20") == base + "/a/b?c=d&jwt=%20"
        assert self.location(plain, "/", host=f"app.example:{plain}") == base + "/"
        assert self.location(plain, "/x", "POST", body=b"y" * 10) == base + "/x"
        assert self.location(plain, "http://app.example/y?z") == base + "/y?z"
        assert self.location(plain, "*", "OPTIONS") == base + "/"
        assert self.location(plain, "//evil.example/x") == base + "//evil.example/x"
        assert upstream.requests == []

    def test_to_the_public_url(self, start_gate, upstream, certificates, plain):
        self.gate(start_gate, upstream, plain, publicURL="https://gate.example", **tls(certificates["ec"]))
        assert self.location(plain, "/a?b", host="whatever.example") == "https://gate.example/a?b"

    def test_the_body_of_a_large_post_is_not_awaited(self, start_gate, upstream, certificates, plain):
        self.gate(start_gate, upstream, plain, **tls(certificates["ec"]))
        with Connection(plain) as connection:
            connection.request("POST", "/", {"Content-Length": "100000000", "Expect": "100-continue"})
            response = connection.response()
            assert response.status == 308 and response.interim == []

    def test_an_invalid_host_is_400(self, start_gate, upstream, certificates, plain):
        self.gate(start_gate, upstream, plain, **tls(certificates["ec"]))
        with Connection(plain) as connection:
            assert connection.exchange("GET", "/", host="a/b@c").status == 400

    def test_also_when_another_proxy_terminates_tls(self, start_gate, upstream, plain):
        self.gate(start_gate, upstream, plain, publicURL="https://gate.example:8443")
        assert self.location(plain, "/a") == "https://gate.example:8443/a"

    def test_it_stops_with_the_gate(self, start_gate, upstream, certificates, plain):
        gate = self.gate(start_gate, upstream, plain, **tls(certificates["ec"]))
        with Connection(plain) as connection:
            assert connection.exchange("GET", "/", host="app.example").status == 308
            assert gate.stop() == 0
            assert connection.is_closed_by_peer()


# `check`.

@pytest.mark.parametrize("certificate,key,words", [
    ("ec", "other", "not the key of the certificate"), ("old", "old", "expired on 2021-01-01; renew it"),
    ("ec", "missing", "there is no such file"), ("missing", "ec", "there is no such file"),
    ("weak", "weak", "md too weak; use a certificate that is signed with SHA-256"),
])
def test_check_finds_unusable_certificates(authority, certificates, tmp_path, certificate, key, words):
    if certificate == "old":
        certificates = {**certificates, "old": authority.issue(
            f"old{os.getpid()}", NAMES, dates=("20200101000000Z", "20210101000000Z"))}
    if certificate == "weak":
        certificates = {**certificates, "weak": authority.issue(f"weak{os.getpid()}", NAMES, digest="sha1")}
    paths = {name: pair.settings for name, pair in certificates.items()}
    paths["missing"] = {"certificate": "missing.pem", "key": "missing.key"}
    config = tmp_path / "sidegate.yaml"
    config.write_text(f"""\
upstream: http://127.0.0.1:1
identityProvider: {{ loginURL: "https://idp.test/login?return_url={{returnURL}}" }}
token: {{ keys: [{{ secret: "0123456789abcdef0123456789abcdef" }}] }}
session: {{ secret: "a-session-secret-of-at-least-32-bytes" }}
tls:
  certificates:
    - certificate: {paths[certificate]["certificate"]}
      key: {paths[key]["key"]}
""")
    config.chmod(0o600)
    done = sidegate("check", "--config", config)
    assert done.returncode == 1
    assert re.search(rf"sidegate\.yaml:[78]:\d+: error: .*{re.escape(words)}", done.stderr), done.stderr
    assert "PRIVATE KEY" not in done.stderr
    assert sidegate("run", "--config", config).returncode in (1, 78)
