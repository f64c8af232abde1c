# SPDX-License-Identifier: Apache-2.0
"""Spans by OTLP (`telemetry`): what they hold, how they are joined with logs and the app, and collectors that misbehave."""

import json
import re

import pytest

from harness.admin import Metrics
from harness.certificates import Authority
from harness.collector import Collector
from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR, settings, sidegate
from harness.journal import lines
from harness.ports import free_port
from harness.process import wait_until
from harness.reloads import admin, change
from harness.tokens import token

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
OPEN = {"rules": [{"paths": ["/open/*"], "allow": "anyone"}]}


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture
def traced(upstream, start_gate, collector):
    def start(telemetry=None, **changes):
        changes = {"access": OPEN, "admin": admin(), **changes}
        return start_gate(upstream, telemetry={"otlp": collector.url, **(telemetry or {})}, **changes)
    return start


def access_line(gate, path: str) -> dict:
    found = wait_until(lambda: [line for line in lines(gate) if line.get("kind") == "access" and line.get("path") == path],
                       f"the access line of {path}")
    return found[-1]


def counts(gate) -> dict:
    return {labels["result"]: value for name, labels, value in Metrics(gate).samples if name == "sidegate_otlp_spans_total"}


class TestSpans:
    def test_a_request_to_the_app_has_a_server_span_and_a_client_span_below_it(self, traced, upstream, collector):
        gate = traced({"serviceName": "the gate"})
        browser = gate.signed_in()
        headers = {**SAMPLED, "User-Agent": "test/1", "X-Request-ID": "the-request"}
        assert browser.navigate("/wiki?q=a-secret-search", headers=headers).status == 200
        received = upstream.requests[-1]
        server, = collector.wait_for(sidegate_request__id="the-request")
        client, = [span for span in collector.spans() if span.get("parentSpanId") == server["spanId"]]
        assert (server["traceId"], server["parentSpanId"], server["kind"], server["name"]) == (TRACE, PARENT, 2, "GET")
        assert (client["traceId"], client["kind"], client["name"]) == (TRACE, 3, "GET")
        assert received.all("traceparent") == [f"00-{TRACE}-{client['spanId']}-01"]
        assert received.get("tracestate") == "vendor=1"
        assert int(server["startTimeUnixNano"]) <= int(client["startTimeUnixNano"]) <= int(client["endTimeUnixNano"])
        assert int(client["endTimeUnixNano"]) <= int(server["endTimeUnixNano"])
        expected = {
            "http.request.method": "GET", "url.path": "/wiki", "url.scheme": "http", "server.address": "127.0.0.1",
            "server.port": gate.port, "http.response.status_code": 200, "user_agent.original": "test/1",
            "network.protocol.name": "http", "network.protocol.version": "1.1", "client.address": "127.0.0.1",
            "network.peer.address": "127.0.0.1", "sidegate.outcome": "forward", "sidegate.request_id": "the-request",
        }
        assert expected.items() <= server.attributes.items()
        assert client.attributes == {"http.request.method": "GET", "server.address": "127.0.0.1", "server.port": upstream.port,
                                     "http.response.status_code": 200}
        assert server.resource["service.name"] == "the gate" and server.resource["service.version"]
        assert server["status"] == {} and client["status"] == {}
        # Logs and traces are joined by the trace's ID.
        line = access_line(gate, "/wiki")
        assert line["traceID"] == TRACE and line["id"] == "the-request"
        assert collector.check() == len(collector.spans())

    def test_without_the_clients_field_a_trace_begins(self, traced, upstream, collector):
        gate = traced()
        assert gate.exchange("GET", "/open/new", XHR).status == 200
        server, = collector.wait_for(url_path="/open/new")
        assert "parentSpanId" not in server
        client, = [span for span in collector.spans() if span.get("parentSpanId") == server["spanId"]]
        assert upstream.requests[-1].get("traceparent") == f"00-{server['traceId']}-{client['spanId']}-01"
        assert access_line(gate, "/open/new")["traceID"] == server["traceId"]

    def test_a_client_that_does_not_sample_has_no_spans_and_its_field_passes(self, traced, upstream, collector):
        gate = traced()
        unsampled = f"00-{TRACE}-{PARENT}-00"
        assert gate.exchange("GET", "/open/unsampled", {**XHR, "traceparent": unsampled}).status == 200
        assert upstream.requests[-1].all("traceparent") == [unsampled]
        assert access_line(gate, "/open/unsampled")["traceID"] == TRACE
        assert gate.exchange("GET", "/open/last", XHR).status == 200
        collector.wait_for(url_path="/open/last")
        assert all(span["traceId"] != TRACE for span in collector.spans())

    def test_with_sample_0_only_the_traces_of_clients_are_exported(self, traced, upstream, collector):
        gate = traced({"sample": 0})
        assert gate.exchange("GET", "/open/own", XHR).status == 200
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", upstream.requests[-1].get("traceparent"))
        assert gate.exchange("GET", "/open/theirs", {**XHR, **SAMPLED}).status == 200
        collector.wait_for(url_path="/open/theirs")
        assert {span["traceId"] for span in collector.spans()} == {TRACE}

    def test_the_gates_own_responses_have_spans_with_outcome_and_reason(self, traced, collector):
        gate = traced()
        used = token()
        browser = gate.signed_in()
        collector.wait_for(sidegate_outcome="sign-in")
        assert gate.exchange("GET", f"/.sidegate/callback?jwt={token(exp=1)}", NAVIGATION).status == 403
        refused, = collector.wait_for(sidegate_outcome="refused")
        assert refused.attributes["sidegate.reason"] in ("expired", "login_state_missing")
        assert refused["status"] == {}
        text = b"".join(collector.bodies)
        for secret in (used, browser.cookies["sidegate"], "ada@example", "jwt="):
            assert secret.encode() not in text, secret
        assert "ada" not in [value for span in collector.spans() for value in span.attributes.values()]

    def test_an_app_that_fails_is_an_error_of_both_spans(self, traced, upstream, collector):
        gate = traced()
        upstream.answer = lambda request, connection: connection.close()
        assert gate.exchange("POST", "/open/broken", {**XHR, "Content-Length": "0"}).status == 502
        server, = collector.wait_for(url_path="/open/broken")
        client, = [span for span in collector.spans() if span.get("parentSpanId") == server["spanId"]]
        assert server["status"] == client["status"] == {"code": 2}
        assert server.attributes["error.type"] == server.attributes["sidegate.reason"] == "upstream_closed"
        assert client.attributes["error.type"] == "closed_before_response"
        assert "http.response.status_code" not in client.attributes and server.attributes["http.response.status_code"] == 502

    def test_what_clients_send_is_cut_and_escaped(self, traced, collector):
        gate = traced()
        agent = "x\u00ff\"\\" + "a" * 5000
        with gate.connection() as connection:
            connection.send(f"BREW /open/{'p' * 5000} HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n\r\n".encode("latin-1"))
            assert connection.response().status == 200
        server, = collector.wait_for(http_request_method="_OTHER", network_protocol_version="1.1", count=1)[:1]
        assert server["name"] == "HTTP" and server.attributes["http.request.method_original"] == "BREW"
        assert server.attributes["url.path"].endswith("…") and len(server.attributes["url.path"]) < 2100
        assert server.attributes["user_agent.original"].startswith("x\ufffd\"\\aaa")
        assert len(server.attributes["user_agent.original"]) < 350
        assert collector.check() == len(collector.spans())

    def test_over_HTTP2(self, traced, upstream, collector):
        gate = traced()
        with FrameConnection(gate.port) as connection:
            assert connection.get("/open/two", [("traceparent", SAMPLED["traceparent"])]).status == 200
        server, = collector.wait_for(url_path="/open/two")
        assert server.attributes["network.protocol.version"] == "2" and server["traceId"] == TRACE
        assert collector.check() == len(collector.spans())

    def test_a_proxys_question_names_what_it_asks_about(self, traced, collector):
        gate = traced(trustedProxies=["127.0.0.1"])
        asked = {"X-Forwarded-Method": "PUT", "X-Forwarded-Uri": "/open/x?q=secret", "X-Forwarded-Host": "127.0.0.1",
                 "X-Forwarded-Proto": "http"}
        assert 200 <= gate.exchange("GET", "/.sidegate/auth", asked).status < 300
        span, = collector.wait_for(url_path="/.sidegate/auth")
        assert span.attributes["sidegate.subject.method"] == "PUT" and span.attributes["sidegate.subject.path"] == "/open/x"
        assert b"secret" not in b"".join(collector.bodies)


class TestExport:
    def test_header_fields_come_from_a_file_and_never_reach_the_log(self, traced, collector, tmp_path):
        file = tmp_path / "headers"
        file.write_text("Authorization: Bearer the-collectors-key\nX-Tenant: a\n\n")
        file.chmod(0o600)
        gate = traced({"headersFile": str(file)}, log={"level": "trace"})
        gate.exchange("GET", "/open/x", XHR)
        collector.wait_for_requests(1)
        method, path, fields, _ = collector.requests[0]
        assert (method, path) == ("POST", "/v1/traces") and fields["Content-Type"] == "application/json"
        assert fields["Authorization"] == "Bearer the-collectors-key" and fields["X-Tenant"] == "a"
        assert "the-collectors-key" not in gate.log()

    @pytest.mark.parametrize("base, path", [("", "/v1/traces"), ("/", "/v1/traces"), ("/v1/traces", "/v1/traces"),
                                            ("/tenant/otlp", "/tenant/otlp/v1/traces")])
    def test_the_path_is_added_to_the_base_address(self, traced, collector, base, path):
        gate = traced({"otlp": collector.url + base})
        gate.exchange("GET", "/open/x", XHR)
        collector.wait_for_requests(1)
        assert collector.requests[0][1] == path

    def test_https_is_verified(self, upstream, start_gate, tmp_path):
        authority = Authority(tmp_path)
        with Collector(authority.issue("ec", "DNS:localhost")) as collector:
            gate = start_gate(upstream, telemetry={"otlp": collector.url, "ca": str(authority.path)}, access=OPEN)
            gate.exchange("GET", "/open/trusted", XHR)
            collector.wait_for(url_path="/open/trusted")
            gate = start_gate(upstream, telemetry={"otlp": collector.url}, access=OPEN)
            gate.exchange("GET", "/open/untrusted", XHR)
            wait_until(lambda: [line for line in lines(gate) if line.get("message") == "spans could not be exported"],
                       "the warning")
            assert all(span.attributes["url.path"] != "/open/untrusted" for span in collector.spans() if span.is_server)

    def test_a_busy_collector_gets_the_spans_again_and_requests_go_on(self, traced, collector):
        collector.answer = lambda number: (503, {"Retry-After": "0"}, b"") if number < 2 else (200, {}, b"{}")
        gate = traced()
        gate.exchange("GET", "/open/x", XHR)
        collector.wait_for_requests(3)
        assert len(set(collector.bodies[:3])) == 1
        wait_until(lambda: counts(gate)["exported"] == 2, "the spans are counted")
        assert {line["cause"] for line in lines(gate) if line.get("message") == "spans could not be exported"} == {"status 503"}
        wait_until(lambda: "spans are exported again" in gate.log(), "the message")

    @pytest.mark.parametrize("status", [400, 401, 404, 500])
    def test_refused_spans_are_counted_and_not_sent_again(self, traced, collector, status):
        collector.answer = lambda number: (status, {}, b"x")
        gate = traced()
        gate.exchange("GET", "/open/x", XHR)
        wait_until(lambda: counts(gate)["rejected"] == 2, "the spans are counted")
        collector.answer = lambda number: (200, {}, b"{}")
        gate.exchange("GET", "/open/y", XHR)
        collector.wait_for(url_path="/open/y")
        assert len([span for span in collector.spans() if span.attributes.get("url.path") == "/open/x"]) == 1

    def test_partial_successes_and_huge_answers_are_understood(self, traced, collector):
        answers = [json.dumps({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}).encode(), b"x" * (1 << 20)]
        collector.answer = lambda number: (200, {}, answers[min(number, 1)])
        gate = traced()
        gate.exchange("GET", "/open/x", XHR)
        wait_until(lambda: counts(gate)["rejected"] == 1, "the rejected span")
        gate.exchange("GET", "/open/y", XHR)
        wait_until(lambda: counts(gate)["exported"] == 3, "the exported spans")

    def test_a_collector_that_never_answers_costs_no_request_and_bounded_memory(self, traced, collector):
        """8 MiB of spans wait at most, beside 1 MiB that is being sent; all others are counted as dropped."""
        collector.answer = lambda number: None
        gate = traced()
        request = f"GET /{'p' * 2048} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n".encode()
        with gate.connection() as connection:
            for _ in range(9 * (1 << 20) // 2048):
                connection.send(request)
                assert connection.response().status == 401
        wait_until(lambda: counts(gate)["dropped"] > 0, "dropped spans")
        assert counts(gate)["exported"] == 0
        # The same spans, if they were sent again by now.
        assert len(set(collector.bodies)) == 1

    def test_at_the_end_what_waits_is_sent(self, traced, collector):
        gate = traced()
        assert gate.exchange("GET", "/open/last", XHR).status == 200
        assert gate.stop() == 0
        assert [span for span in collector.spans() if span.attributes.get("url.path") == "/open/last"]

    def test_a_collector_that_is_gone_does_not_hold_up_the_end(self, upstream, start_gate):
        gate = start_gate(upstream, telemetry={"otlp": f"http://127.0.0.1:{free_port()}"}, access=OPEN)
        assert gate.exchange("GET", "/open/last", XHR).status == 200
        assert gate.stop() == 0

    def test_a_reload_changes_the_collector_and_switches_it_off(self, traced, collector, upstream):
        gate = traced()
        with Collector() as other:
            gate.exchange("GET", "/open/1", XHR)
            change(gate, telemetry={"otlp": other.url})
            gate.exchange("GET", "/open/2", XHR)
            other.wait_for(url_path="/open/2")
            collector.wait_for(url_path="/open/1")
            change(gate, telemetry={"otlp": ""})
            assert gate.exchange("GET", "/open/3", {**XHR, **SAMPLED}).status == 200
            assert upstream.requests[-1].all("traceparent") == [SAMPLED["traceparent"]]
            assert gate.stop() == 0
            paths = {span.attributes.get("url.path") for span in collector.spans() + other.spans()}
            assert "/open/3" not in paths

    def test_without_it_there_is_no_metric(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        assert counts(gate) == {}


class TestConfiguration:
    @pytest.mark.parametrize("telemetry, expected", [
        ({"otlp": "localhost:4318"}, "telemetry.otlp"),
        ({"otlp": "http://localhost:4318/?key=x"}, "the address of a collector has no query"),
        ({"otlp": "http://localhost:4318", "headers": "no colon here"}, "line 1 has no colon"),
        ({"otlp": "http://localhost:4318", "headers": "a: b\nHost: x"}, "line 2 names a header field that Sidegate sets itself"),
        ({"otlp": "http://localhost:4318", "headers": "b ad: x"}, "has no valid name"),
        ({"otlp": "http://localhost:4318", "headers": "key:"}, "has no value"),
        ({"otlp": "http://localhost:4318", "sample": 2}, "telemetry.sample"),
        ({"otlp": "http://localhost:4318", "ca": "x.pem"}, "is for an https address only"),
    ])
    def test_mistakes_are_refused_with_the_place(self, tmp_path, telemetry, expected):
        file = tmp_path / "sidegate.yaml"
        file.write_text(json.dumps(settings("http://127.0.0.1:3000", 8080, telemetry=telemetry)))
        done = sidegate("check", "--config", file)
        assert done.returncode == 1 and expected in done.stderr and f"{file}:" in done.stderr
        assert "no colon here" not in done.stderr

    def test_header_fields_over_http_to_another_machine_are_warned_of(self, tmp_path):
        file = tmp_path / "sidegate.yaml"
        telemetry = {"otlp": "http://collector.example:4318", "headers": "Authorization: Bearer hidden"}
        file.write_text(json.dumps(settings("http://127.0.0.1:3000", 8080, telemetry=telemetry)))
        file.chmod(0o600)
        done = sidegate("check", "--config", file)
        assert done.returncode == 0 and "`telemetry.otlp`: over http" in done.stderr and "hidden" not in done.stderr
        shown = sidegate("config", "print", "--config", file)
        assert "hidden" not in shown.stdout + shown.stderr

    @pytest.mark.parametrize("status, verdict", [(200, "ok"), (401, "FAIL"), (404, "FAIL")])
    def test_the_doctor_asks_the_collector(self, upstream, collector, tmp_path, status, verdict):
        collector.answer = lambda number: (status, {}, b"{}")
        file = tmp_path / "sidegate.yaml"
        telemetry = {"otlp": collector.url, "headers": "Authorization: Bearer key"}
        file.write_text(json.dumps(settings(upstream.url, free_port(), telemetry=telemetry)))
        file.chmod(0o600)
        done = sidegate("doctor", "--config", file)
        line, = (line for line in done.stdout.splitlines() if "telemetry.otlp" in line)
        assert verdict in line
        assert collector.requests[0][3] == b'{"resourceSpans":[]}'
        assert collector.requests[0][2]["Authorization"] == "Bearer key"
