# SPDX-License-Identifier: Apache-2.0
"""The fields of access lines that say how a request came and where it went: both formats, all protocols."""

import ssl

import pytest

from harness.certificates import Authority
from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR
from harness.journal import lines
from harness.process import wait_until
from harness.reloads import admin, change
from harness.secure import SecureConnection, SecureHTTP2, secured, trusting

OPEN = {"rules": [{"paths": ["/open/*"], "allow": "anyone"}]}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def line_of(gate, path: str) -> dict:
    found = wait_until(lambda: [line for line in lines(gate) if line.get("kind") == "access" and line.get("path") == path],
                       f"the access line of {path}")
    assert len(found) == 1
    return found[0]


def malformed(gate) -> dict:
    return wait_until(lambda: [line for line in lines(gate) if line.get("decision") == "malformed"], "the line")[0]


class TestFields:
    @pytest.fixture
    def gate(self, upstream, start_gate):
        return start_gate(upstream, access=OPEN, admin=admin())

    def test_a_request_to_the_app_has_all(self, gate, upstream):
        body = b"x" * 1234
        assert gate.exchange("POST", "/open/all", {**XHR, "User-Agent": "curl/8.0", "Content-Length": str(len(body))},
                             body).status == 200
        line = line_of(gate, "/open/all")
        assert (line["userAgent"], line["protocol"], line["bytesReceived"]) == ("curl/8.0", "HTTP/1.1", 1234)
        assert line["upstream"] == upstream.url.removeprefix("http://") and "tls" not in line
        assert line["traceID"] == upstream.requests[-1].get("traceparent").split("-")[1]

    def test_what_the_gate_answers_itself_names_no_app_and_begins_no_trace(self, gate):
        assert gate.exchange("GET", "/own", NAVIGATION).status == 302
        line = line_of(gate, "/own")
        assert line["bytesReceived"] == 0 and line["protocol"] == "HTTP/1.1"
        assert not {"upstream", "traceID", "userAgent", "tls"} & line.keys()

    def test_bytes_are_those_of_the_content_that_was_sent(self, gate):
        for method in ("GET", "HEAD"):
            answer = gate.exchange(method, f"/own/{method}", XHR)
            assert answer.status == 401 and int(answer["Content-Length"]) > 0
            assert line_of(gate, f"/own/{method}")["bytes"] == len(answer.body)

    def test_the_clients_trace_is_named_whoever_answers(self, gate, upstream):
        headers = {**XHR, "traceparent": f"00-{TRACE}-b7ad6b7169203331-00"}
        assert gate.exchange("GET", "/own", headers).status == 401
        assert gate.exchange("GET", "/open/theirs", headers).status == 200
        assert line_of(gate, "/own")["traceID"] == line_of(gate, "/open/theirs")["traceID"] == TRACE
        assert upstream.requests[-1].all("traceparent") == [headers["traceparent"]]

    @pytest.mark.parametrize("value", ["nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE.upper()}-b7ad6b7169203331-01"])
    def test_an_invalid_field_is_replaced_by_a_trace_of_the_gate(self, gate, upstream, value):
        assert gate.exchange("GET", "/open/invalid", {**XHR, "traceparent": value}).status == 200
        sent, = upstream.requests[-1].all("traceparent")
        assert line_of(gate, "/open/invalid")["traceID"] == sent.split("-")[1] not in value.lower()

    def test_the_app_that_failed_is_named(self, gate, upstream):
        upstream.answer = lambda request, connection: connection.close()
        assert gate.exchange("POST", "/open/broken", {**XHR, "Content-Length": "0"}).status == 502
        assert line_of(gate, "/open/broken")["upstream"] == upstream.url.removeprefix("http://")

    def test_old_and_new_versions_of_HTTP(self, gate):
        with gate.connection() as connection:
            connection.send(b"GET /open/old HTTP/1.0\r\nHost: a\r\n\r\n")
            assert connection.response().status == 200
        assert line_of(gate, "/open/old")["protocol"] == "HTTP/1.0"
        with FrameConnection(gate.port) as connection:
            assert connection.get("/open/new", [("user-agent", "h2/1")]).status == 200
        line = line_of(gate, "/open/new")
        assert (line["protocol"], line["userAgent"]) == ("HTTP/2", "h2/1")

    def test_a_head_that_cannot_be_read_names_neither_app_nor_trace(self, gate):
        with gate.connection() as connection:
            connection.send(b"GET /x HTTP/1.1\r\nHost : a\r\nUser-Agent: x\r\n\r\n")
            assert connection.response().status == 400
        line = malformed(gate)
        assert not {"upstream", "traceID", "tls"} & line.keys() and line["bytesReceived"] == 0

    def test_a_user_agent_is_cut_and_cannot_forge_a_line(self, gate):
        agent = 'x","user":"root\\\x1b[2J\u00e9' + "a" * 4000
        with gate.connection() as connection:
            connection.send(f"GET /open/agent HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent.replace(chr(27), '')}\r\n\r\n".encode())
            assert connection.response().status == 200
        line = line_of(gate, "/open/agent")
        assert line["userAgent"].startswith('x","user":"root\\[2J\u00e9aaa') and line["userAgent"].endswith("a…")
        assert len(line["userAgent"].encode()) <= 320 + len("…".encode()) and "user" not in line

    def test_text_has_the_same_fields(self, upstream, start_gate):
        gate = start_gate(upstream, access=OPEN, log={"format": "text"})
        assert gate.exchange("GET", "/open/text", {**XHR, "User-Agent": "a b\"c"}).status == 200
        line = wait_until(lambda: [line for line in gate.log().splitlines() if 'path="/open/text"' in line], "the line")[0]
        trace = upstream.requests[-1].get("traceparent").split("-")[1]
        for part in (' bytesReceived=0 ', f' upstream="127.0.0.1:{upstream.port}"', ' protocol="HTTP/1.1"',
                     ' userAgent="a b\\"c"', f' traceID="{trace}"'):
            assert part in line, line

    def test_each_of_several_apps_is_named_also_after_a_reload_in_between(self, gate, upstream):
        """The second app becomes the first one while it answers."""
        other = {"paths": ["/open/other/*"], "url": upstream.url.replace("127.0.0.1", "localhost")}
        change(gate, upstreams=[other])
        name = f"localhost:{upstream.port}"

        def answer(request, connection):
            if request.target == "/open/other/slow":
                change(gate, upstreams=[])
            connection.respond(200, {}, "ok")

        upstream.answer = answer
        assert gate.exchange("GET", "/open/other/quick", XHR).status == 200
        assert line_of(gate, "/open/other/quick")["upstream"] == name
        assert gate.exchange("GET", "/open/other/slow", XHR).status == 200
        assert line_of(gate, "/open/other/slow")["upstream"] == name
        assert gate.exchange("GET", "/open/other/after", XHR).status == 200
        assert line_of(gate, "/open/other/after")["upstream"] == f"127.0.0.1:{upstream.port}"


class TestTLS:
    @pytest.fixture
    def authority(self, tmp_path):
        return Authority(tmp_path)

    @pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
    def test_the_version_is_that_of_the_connection(self, upstream, start_gate, authority, version, name):
        certificate = authority.issue("ec", "DNS:localhost,IP:127.0.0.1")
        gate = secured(start_gate(upstream, access=OPEN, tls={"certificates": [certificate.settings]}), trusting(authority))
        context = trusting(authority, maximum_version=version)
        with SecureConnection(gate.port, context) as connection:
            connection.send(b"GET /open/one HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.response().status == 200
            connection.send(b"GET /open/two HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.response().status == 200
        assert {line_of(gate, path)["tls"] for path in ("/open/one", "/open/two")} == {name}
        with SecureHTTP2(gate.port, context) as connection:
            assert connection.get("/open/three").status == 200
        line = line_of(gate, "/open/three")
        assert (line["tls"], line["protocol"]) == (name, "HTTP/2")
