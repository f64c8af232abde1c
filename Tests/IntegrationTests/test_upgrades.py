# SPDX-License-Identifier: Apache-2.0
"""The protocols that may become tunnels; the gate still checks the requests of every other protocol."""

import contextlib
import json
import random
import re
import shutil

import pytest

from harness.gate import settings, sidegate
from harness.ports import free_port
from harness.process import ChildProcess

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
WEBSOCKET = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: app\r\nX-Forwarded-User: admin\r\n\r\n"


def switching(protocol: str, *more: str):
    """An app that accepts `protocol` and then reads the following bytes as another request."""
    def answer(request, connection):
        lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", *more]
        if protocol:
            lines.append(f"Upgrade: {protocol}")
        connection.send("\r\n".join(lines) + "\r\n\r\n")
    return answer


@pytest.mark.parametrize("value", [
    "TLS/1.0", "tls/1.2, HTTP/1.1", "h2c", "H2C", "h2c/1", "h2", "HTTP/2.0", "http/1.1", "IRC/6.9", "echo", "websocket2",
    "websocket/13", "websocket, h2c", "h2c, websocket", "TLS/1.0, websocket", "websocket, websocket", ",websocket",
    "websocket;q=1", "\"websocket\"", "SPDY/3.1"])
def test_no_other_protocol_is_requested_and_a_101_for_it_is_502(gate, upstream, session, value):
    upstream.answer = switching(value.split(",")[0])
    with gate.connection() as connection:
        connection.request("GET", "/x", {**session, "Connection": "Upgrade", "Upgrade": value})
        assert connection.response().status == 502
        sent = upstream.last
        assert "upgrade" not in sent.names and sent.get("Connection") is None
        with contextlib.suppress(ConnectionError):
            connection.send(SMUGGLED)
    assert [r.target for r in upstream.requests] == ["/x"]


@pytest.mark.parametrize("value", ["TLS/1.0", "h2c", "echo", "websocket, h2c"])
@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"abc"), ("OPTIONS", None)])
def test_the_request_is_forwarded_without_the_upgrade(gate, upstream, session, value, method, body):
    response = gate.exchange(method, "/page", {**session, "Connection": "upgrade, HTTP2-Settings", "Upgrade": value,
                                               "HTTP2-Settings": "AAMAAABkAAQAAP__"}, body)
    assert response.status == 200 and upstream.last.body == (body or b"")
    assert not {"upgrade", "connection", "http2-settings"} & set(upstream.last.names)


@pytest.mark.parametrize("fields", [
    [("Connection", "upgrade"), ("Upgrade", "websocket"), ("Upgrade", "h2c")],
    [("Connection", "upgrade"), ("Upgrade", "h2c"), ("Upgrade", "websocket")],
    [("Connection", "upgrade, http2-settings"), ("Upgrade", "websocket"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")],
    [("Upgrade", "websocket")],
    [("Connection", "keep-alive"), ("Upgrade", "websocket")]])
def test_several_fields_cannot_bypass_the_check(gate, upstream, session, fields):
    assert gate.exchange("GET", "/", [*session.items(), *fields]).status == 200
    assert "upgrade" not in upstream.last.names


@pytest.mark.parametrize("answered, more", [
    ("h2c", [f"Sec-WebSocket-Accept: {ACCEPT}"]), ("TLS/1.0", [f"Sec-WebSocket-Accept: {ACCEPT}"]),
    ("", [f"Sec-WebSocket-Accept: {ACCEPT}"]), ("websocket, h2c", [f"Sec-WebSocket-Accept: {ACCEPT}"]),
    ("websocket", ["Upgrade: h2c", f"Sec-WebSocket-Accept: {ACCEPT}"]),
    ("websocket", []), ("websocket", ["Sec-WebSocket-Accept: " + "A" * 27 + "="]),
    ("websocket", [f"Sec-WebSocket-Accept: {ACCEPT}"] * 2)])
def test_a_101_for_another_protocol_or_without_a_valid_accept_is_502(gate, upstream, session, answered, more):
    upstream.answer = switching(answered, *more)
    with gate.connection() as connection:
        assert connection.exchange("GET", "/ws", {**session, **WEBSOCKET}).status == 502
    assert len(upstream.requests) == 1


VALID = ("Sec-WebSocket-Key", KEY)


@pytest.mark.parametrize("fields, method, body", [
    ([], "GET", None), ([("Sec-WebSocket-Key", "")], "GET", None), ([("Sec-WebSocket-Key", "abc")], "GET", None),
    ([("Sec-WebSocket-Key", "x" * 24)], "GET", None), ([("Sec-WebSocket-Key", KEY[:-1])], "GET", None),
    ([("Sec_WebSocket_Key", KEY)], "GET", None), ([VALID, VALID], "GET", None), ([VALID, ("Connection", "Sec-WebSocket-Key")], "GET", None),
    ([VALID, ("Connection", "close, sec-websocket-KEY")], "GET", None), ([VALID], "POST", b"GET /admin HTTP/1.1\r\n\r\n"),
    ([VALID, ("Transfer-Encoding", "chunked")], "POST", b"0\r\n\r\n")])
def test_a_websocket_without_a_valid_key_or_with_content_is_no_handshake(gate, upstream, session, fields, method, body):
    """Such as an app that repeats the fields of the request: nothing proves that it has agreed to a tunnel."""
    upstream.answer = switching("websocket", f"Sec-WebSocket-Accept: {ACCEPT}")
    handshake = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), *fields]
    with gate.connection() as connection:
        connection.request(method, "/ws", [*session.items(), *handshake], body)
        assert connection.response().status == 502
        assert "upgrade" not in upstream.last.names and upstream.last.get("Connection") is None
        with contextlib.suppress(ConnectionError):
            connection.send(SMUGGLED)
    assert [r.target for r in upstream.requests] == ["/ws"]
    upstream.answer = upstream.echo
    response = gate.exchange(method, "/page", [*session.items(), *handshake], body)
    assert response.status == 200, "the request is forwarded without the upgrade"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_websocket_passes_with_any_method(gate, upstream, session, method):
    upstream.answer = switching("websocket", f"Sec-WebSocket-Accept: {ACCEPT}")
    with gate.connection() as connection:
        assert connection.exchange(method, "/ws", {**session, **WEBSOCKET}).status == 101


def test_a_websocket_passes_in_any_case(gate, upstream, session):
    upstream.answer = switching("WebSocket", f"Sec-WebSocket-Accept: {ACCEPT}")
    for value in ("websocket", "WebSocket", "WEBSOCKET"):
        with gate.connection() as connection:
            response = connection.exchange("GET", "/ws", {**session, **WEBSOCKET, "Upgrade": value})
            assert response.status == 101 and response["Upgrade"] == "WebSocket"


def test_http_1_0_knows_no_upgrade(upstream, start_gate):
    """RFC 9110 §7.8; neither in the request nor in the response."""
    gate = start_gate(upstream, upstream={"url": upstream.url, "upgrades": ["websocket", "echo"]})
    fields = "".join(f"{name}: {value}\r\n" for name, value in {**gate.session_cookie(), **WEBSOCKET}.items())
    upstream.answer = lambda request, connection: connection.respond(200, {}, request.get("Upgrade", "none"))
    for value in ("websocket", "echo"):
        with gate.connection() as connection:
            connection.send(f"GET /ws HTTP/1.0\r\nHost: 127.0.0.1:{gate.port}\r\n{fields.replace('Upgrade: websocket', 'Upgrade: ' + value)}\r\n".encode())
            response = connection.response()
            assert (response.status, response.text) == (200, "none")

    def old(request, connection):
        connection.send(f"HTTP/1.0 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n")
    upstream.answer = old
    with gate.connection() as connection:
        assert connection.exchange("GET", "/ws", {**gate.session_cookie(), **WEBSOCKET}).status == 502


class TestConfigured:
    def test_another_protocol_passes_only_where_it_is_configured(self, upstream, start_gate):
        gate = start_gate(upstream, upstream={"url": upstream.url, "upgrades": ["SPDY/3.1"]}, upstreams=[
            {"paths": ["/chat/*"], "url": upstream.url, "upgrades": ["websocket"]},
            {"paths": ["/none/*"], "url": upstream.url, "upgrades": []}])
        session = gate.session_cookie()
        upstream.answer = lambda request, connection: switching(
            request.get("Upgrade", ""), f"Sec-WebSocket-Accept: {ACCEPT}")(request, connection)
        for path, value, status in [
                ("/", "SPDY/3.1", 101), ("/", "spdy/3.1", 101), ("/", "websocket", 502), ("/", "SPDY/3", 502),
                ("/chat/a", "websocket", 101), ("/chat/a", "SPDY/3.1", 502),
                ("/none/a", "websocket", 502), ("/none/a", "SPDY/3.1", 502)]:
            with gate.connection() as connection:
                got = connection.exchange("POST" if value != "websocket" else "GET", path,
                                          {**session, **WEBSOCKET, "Upgrade": value})
                assert got.status == status, (path, value)

    @pytest.mark.parametrize("value", ["h2c", "H2C", "h2c/1", "h2", "h2-15", "HTTP/2.0", "http", "TLS/1.0", "a b", "a/b/c", ""])
    def test_check_refuses_protocols_that_carry_requests(self, tmp_path, value):
        for changes in ({"upstream": {"url": "http://127.0.0.1:1", "upgrades": [value]}},
                        {"upstreams": [{"paths": ["/x/*"], "url": "http://127.0.0.1:1", "upgrades": ["websocket", value]}]}):
            file = tmp_path / "c.yaml"
            file.write_text(json.dumps(settings("http://127.0.0.1:1", 8080, **changes), indent=1))
            done = sidegate("check", "--config", file)
            assert done.returncode == 1 and "upgrades" in done.stderr, done.stderr


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_upgrades_are_checked_on_open_paths_too(upstream, start_gate, mode):
    gate = start_gate(upstream, access={"mode": mode, "rules": [{"paths": ["/open/*"], "allow": "anyone"}]})
    upstream.answer = switching("TLS/1.0")
    with gate.connection() as connection:
        connection.request("GET", "/open/x", {"Connection": "Upgrade", "Upgrade": "TLS/1.0"})
        connection.send(SMUGGLED)
        assert connection.response().status == 502
        assert connection.response().status == (502 if mode == "observe" else 302)
    # The following bytes are an ordinary request: it is judged, and the client's identity headers are removed.
    assert upstream.requests[0].target == "/open/x" and "upgrade" not in upstream.requests[0].names
    assert [r.all("X-Forwarded-User") for r in upstream.requests[1:]] == [[]] * (mode == "observe"), mode


NODE = """
const http = require('http');
const server = http.createServer((request, response) => response.end(JSON.stringify(request.rawHeaders)));
server.on('upgrade', (request, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: ' + request.headers.upgrade + '\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n');
  socket.write('switched:');
  socket.pipe(socket);
});
server.listen(+process.argv[2], '127.0.0.1');
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_only_websockets_reach_nodes_upgrade_handler(tmp_path, start_gate):
    """The app accepts every protocol: of generated values, only `websocket` reaches its handler."""
    script, port = tmp_path / "app.js", free_port()
    script.write_text(NODE)
    app = ChildProcess(["node", script, str(port)], tmp_path / "node.log")
    try:
        app.wait_until_accepting(("127.0.0.1", port))
        gate = start_gate(f"http://127.0.0.1:{port}")
        session = gate.session_cookie()
        choice = random.Random(14)
        parts = ["websocket", "h2c", "H2C", "TLS/1.0", "HTTP/2.0", "echo", "web", "socket", ",", ", ", " ", "\t", ";", "/", "1", "\"",
                 "WebSocket", "="]
        for _ in range(150):
            value = "".join(choice.choices(parts, k=choice.randint(1, 4)))
            with gate.connection() as connection:
                connection.request(choice.choice(["GET", "POST", "PUT"]), "/", {
                    **session, "Connection": choice.choice(["upgrade", "Upgrade, keep-alive", "x, upgrade"]), "Upgrade": value,
                    "Sec-WebSocket-Key": KEY})
                response = connection.response()
            if value.strip(" \t").lower() == "websocket":
                assert response.status == 101, value
            else:
                assert response.status == 200 and not re.search(rb'"upgrade"', response.body, re.I), (value, response)
    finally:
        app.stop()
