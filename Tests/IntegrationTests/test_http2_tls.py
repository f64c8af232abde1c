# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 over TLS, with independent clients: negotiation, and the same behaviour as in cleartext."""

import hashlib
import os
import random
import re
import ssl
import subprocess
import threading

import httpx
import pytest
from harness.certificates import Authority
from harness.frames import CANCEL, HEADERS, RST_STREAM, WINDOW_UPDATE, ConnectionEnded, frame, setting, word
from harness.gate import NAVIGATION
from harness.http2_cases import cases
from harness.secure import SecureConnection, SecureHTTP2, in_threads, secured, trusting

from test_http2 import app, TestWebSocket as WebSocketFrames, test_conformance as check_conformance  # noqa: E402,F401

NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("ec", NAMES)


@pytest.fixture(scope="module")
def module_secure(module_upstream, start_module_gate, authority, certificate):
    gate = start_module_gate(module_upstream, tls={"certificates": [certificate.settings], "hsts": "365d"})
    return secured(gate, trusting(authority))


@pytest.fixture
def gate(module_secure, upstream):
    assert module_secure.process.is_running(), module_secure.log()
    return module_secure


def run(*command, input=None, timeout=30) -> str:
    done = subprocess.run(list(map(str, command)), input=input, capture_output=True, timeout=timeout)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return (done.stdout + done.stderr).decode("latin-1")


# Negotiation.

@pytest.mark.parametrize("offer,agreed", [
    (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["h2"], "h2"), (["http/1.1"], "http/1.1"),
    (["http/1.0"], "http/1.0"), (["h3", "http/1.1"], "http/1.1"), ([], None),
])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_http2_is_preferred_to_other_offered_protocols(gate, authority, offer, agreed, version):
    context = trusting(authority, minimum_version=version, maximum_version=version)
    if offer:
        context.set_alpn_protocols(offer)
    with SecureConnection(gate.port, context) as connection:
        assert connection.socket.selected_alpn_protocol() == agreed
        if agreed != "h2":
            assert connection.exchange("GET", "/", NAVIGATION).status == 302


def test_http2_is_not_negotiated_when_it_is_disabled(start_gate, upstream, authority, certificate):
    plain = secured(
        start_gate(upstream, tls={"certificates": [certificate.settings]}, http2={"enabled": False}),
        trusting(authority))
    context = trusting(authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with SecureConnection(plain.port, context) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        assert connection.exchange("GET", "/", NAVIGATION).status == 302
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="NO_APPLICATION_PROTOCOL|no application protocol"):
        SecureConnection(plain.port, context)


def test_the_preface_does_not_replace_negotiation(gate, authority):
    """RFC 9113 §3.2: over TLS, HTTP/2 must be negotiated."""
    for offer in ([], ["http/1.1"]):
        context = trusting(authority)
        if offer:
            context.set_alpn_protocols(offer)
        with SecureConnection(gate.port, context) as connection:
            connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
            assert connection.response().status == 505


def test_http1_on_an_http2_connection_is_refused(gate, authority):
    context = trusting(authority)
    context.set_alpn_protocols(["h2"])
    with SecureConnection(gate.port, context) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        try:
            while piece := connection.socket.recv(4096):
                received += piece
        except (ssl.SSLError, OSError):
            pass
        assert b"HTTP/1.1" not in received and b"\x07" in received, "GOAWAY"


@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_tls_1_2_uses_only_suites_permitted_for_http2(gate, authority, cipher):
    """RFC 9113 §9.2.2: none of its appendix A, which lists all suites without AEAD or ephemeral keys."""
    context = trusting(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(cipher)
    context.set_alpn_protocols(["h2"])
    with SecureConnection(gate.port, context) as connection:
        assert connection.socket.selected_alpn_protocol() == "h2"


# Independent clients.

def test_curl(gate, authority, upstream):
    cookie = gate.session_cookie()["Cookie"]
    body = os.urandom(300_000)
    upstream.answer = lambda request, connection: connection.respond(
        200, {"X-Digest": hashlib.sha256(request.body).hexdigest()}, request.body)
    said = run("curl", "-sS", "--http2", "--cacert", authority.path, "-H", f"Cookie: {cookie}", "-D", "-", "-o", "/dev/null",
               "--data-binary", "@-", "-w", "%{http_version} %{http_code} %{size_download} %{ssl_verify_result}\n",
               f"https://localhost:{gate.port}/one", input=body)
    assert "2 200 300000 0" in said
    assert f"x-digest: {hashlib.sha256(body).hexdigest()}" in said
    assert said.count("strict-transport-security: max-age=31536000") == 1
    assert upstream.last.get("X-Forwarded-Proto") == "https"


def test_curl_reads_the_response_to_a_refused_upload(gate, authority):
    for _ in range(5):
        said = run("curl", "-sS", "--http2", "--cacert", authority.path, "-H", "Expect:", "--data-binary", "@-",
                   "-w", "%{http_version} %{http_code}", f"https://localhost:{gate.port}/", input=os.urandom(300_000))
        assert said.endswith("2 401")


def test_curl_uses_http1_on_request(gate, authority):
    said = run("curl", "-sS", "--http1.1", "--cacert", authority.path, "-o", "/dev/null", "-w", "%{http_version}",
               f"https://localhost:{gate.port}/")
    assert said == "1.1"


def test_nghttp(gate, upstream):
    body = os.urandom(200_000)
    upstream.answer = lambda request, connection: connection.respond(200, {}, body)
    cookie = gate.session_cookie()["Cookie"]
    url = f"https://localhost:{gate.port}/"
    said = run("nghttp", "-nv", "-H", f"cookie: {cookie}", url + "a", url + "b", url + "c")
    assert "The negotiated protocol: h2" in said
    assert said.count(":status: 200") == 3
    assert sum(map(int, re.findall(r"recv DATA frame <length=(\d+)", said))) == 3 * len(body)


@pytest.mark.parametrize("options", [["-c8", "-m10"], ["-c4", "-m10", "--npn-list=http/1.1"]], ids=["h2", "http/1.1"])
def test_h2load(gate, upstream, options):
    upstream.answer = lambda request, connection: connection.respond(200, {}, b"x" * 1000)
    cookie = gate.session_cookie()["Cookie"]
    said = run("h2load", "-n2000", *options, "-H", f"cookie: {cookie}", f"https://localhost:{gate.port}/")
    assert "2000 succeeded, 0 failed, 0 errored" in said
    assert "status codes: 2000 2xx" in said


def test_httpx(gate, authority, upstream):
    """httpx uses Python's h2."""
    body = os.urandom(150_000)
    upstream.answer = lambda request, connection: connection.respond(200, {}, request.body[::-1])
    cookie = gate.session_cookie()["Cookie"]
    with httpx.Client(http1=False, http2=True, verify=authority.path, headers={"Cookie": cookie}) as client:
        for _ in range(3):
            response = client.post(f"https://localhost:{gate.port}/", content=body)
            assert (response.status_code, response.http_version) == (200, "HTTP/2")
            assert response.content == body[::-1]


def test_sslscan_finds_no_obsolete_protocols_or_suites(gate):
    said = run("sslscan", "--no-colour", "--no-check-certificate", f"localhost:{gate.port}")
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert re.search(rf"{re.escape(version)} +disabled", said), said
    for version in ("TLSv1.2", "TLSv1.3"):
        assert re.search(rf"{re.escape(version)} +enabled", said), said
    for words in ("supports TLS Fallback SCSV", "renegotiation not supported", "TLSv1.2 not vulnerable to heartbleed"):
        assert words in said, said
    accepted = re.findall(r"(?:Preferred|Accepted) +TLSv1\.2 +\d+ bits +(\S+)", said)
    assert accepted and all(re.fullmatch(r"ECDHE-ECDSA-(AES(128|256)-GCM-SHA\d+|CHACHA20-POLY1305)", name) for name in accepted)


# Frames.

def connect(gate, authority, **options) -> SecureHTTP2:
    return SecureHTTP2(gate.port, trusting(authority), **options)


def test_a_navigation_is_sent_to_the_provider_with_host_cookies(gate, authority):
    with connect(gate, authority) as connection:
        response = connection.get("/deep?x=1", {name.lower(): value for name, value in NAVIGATION.items()})
    assert response.status == 302
    cookies = response.all("set-cookie")
    assert cookies and all(line.startswith("__Host-sidegate-login-") and "; secure" in line.lower() for line in cookies)
    assert f"https%3A%2F%2Flocalhost%3A{gate.port}%2F.sidegate%2Fcallback" in response["location"]
    assert response.all("strict-transport-security") == ["max-age=31536000"]


def test_a_websocket_over_http2_over_tls(gate, authority, upstream):
    seen = []
    WebSocketFrames().echo(upstream, seen)
    try:
        with connect(gate, authority) as connection:
            connection.cookie = gate.session_cookie()["Cookie"]
            WebSocketFrames.ask(connection)
            assert WebSocketFrames.head(connection, 1)[":status"] == "200"
            content = os.urandom(60_000)
            for start in range(0, len(content), 12_000):
                connection.data(1, content[start:start + 12_000])
            while len(connection.content(1)) < len(content):
                connection.read_frame()
            assert connection.content(1) == content
            connection.data(1, b"", end=True)
            assert connection.response(1).body == content + b"bye"
    finally:
        del upstream.serve
    assert seen[0].get("X-Forwarded-Proto") == "https"


def test_streams_share_an_encrypted_connection_and_a_stalled_one_delays_no_other(gate, authority, upstream):
    bodies = {f"/{index}": os.urandom(100_000 + 7 * index) for index in range(10)}
    upstream.answer = lambda request, connection: connection.respond(200, {}, bodies[request.target])
    with connect(gate, authority) as connection:
        connection.cookie = gate.session_cookie()["Cookie"]
        stalled = connection.request("GET", "/0")
        connection.stalled.add(stalled)
        streams = {path: connection.request("GET", path) for path in list(bodies)[1:]}
        for path, stream in streams.items():
            assert connection.response(stream).body == bodies[path]
        assert len(connection.content(stalled)) == 65_535
        connection.stalled.clear()
        connection.send(frame(WINDOW_UPDATE, 0, stalled, word(100_000)))
        assert connection.response(stalled).body == bodies["/0"]


@pytest.fixture(scope="module")
def session(module_secure):
    return module_secure.session_cookie()


# A client that writes until the connection breaks cannot read earlier frames over TLS. h2c is not used over TLS.
READABLE = [case for case in cases if case.expected.kind != "error" and not case.title.startswith("Upgrade to h2c")]


@pytest.mark.parametrize("case", READABLE, ids=[f"{c.section} {c.title}" for c in READABLE])
def test_conformance_is_the_same(gate, authority, session, app, case):
    made = []

    def connect_with(**options):
        made.append(connect(gate, authority, **options))
        made[-1].cookie = session["Cookie"]
        return made[-1]

    try:
        check_conformance(case, connect_with, app)
    finally:
        for connection in made:
            connection.close()


def test_peers_that_stall_reset_and_trickle(gate, authority, session, app):
    def client(index):
        mine = random.Random(index)
        window = setting(4, mine.choice([1000, 20_000, 65_535]))
        with connect(gate, authority, settings=window) as connection:
            connection.cookie = session["Cookie"]
            for _ in range(15):
                size = mine.randrange(0, 200_000)
                stream = connection.request("GET", f"/bytes/{size}")
                what = mine.randrange(4)
                if what == 0:
                    connection.send(frame(RST_STREAM, 0, stream, word(CANCEL)))
                elif what == 1:
                    connection.read_until(lambda f: f.stream == stream and f.type == HEADERS)
                    connection.send(frame(RST_STREAM, 0, stream, word(CANCEL)))
                else:
                    assert connection.response(stream).body == random.Random(size).randbytes(size)

    in_threads(8, client)
    assert gate.exchange("GET", "/", session).status == 200


def test_a_connection_ends_with_goaway_and_close_notify(start_gate, upstream, authority, certificate):
    """GOAWAY, then close_notify: the client knows that no data was lost."""
    gate = secured(start_gate(upstream, tls={"certificates": [certificate.settings]}), trusting(authority))
    with connect(gate, authority) as connection:
        assert connection.get("/").status in (302, 401)
        codes = []
        stopping = threading.Thread(target=lambda: codes.append(gate.stop()))
        stopping.start()
        with pytest.raises(ConnectionEnded) as ended:
            while True:
                connection.read_frame()
        assert ended.value.goaway == 0
        connection.close()
        stopping.join()
        assert codes == [0]
