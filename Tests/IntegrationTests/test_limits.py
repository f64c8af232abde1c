# SPDX-License-Identifier: Apache-2.0
"""Exceeded limits: the responses, and the order in which connections are closed."""

import threading

import pytest

from harness.admin import Metrics, ask
from harness.frames import ConnectionEnded, FrameConnection
from harness.gate import NAVIGATION, XHR
from harness.ports import free_port
from harness.process import wait_until


class TestRequestsPerSecond:
    def test_above_the_limit_429_has_retry_after(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"requestsPerSecond": 5}, admin={"listen": f"127.0.0.1:{free_port()}"})
        with gate.connection() as connection:
            answers = [connection.exchange("GET", "/", NAVIGATION) for _ in range(20)]
            statuses = [answer.status for answer in answers]
            assert statuses[:5] == [302] * 5 and statuses.count(429) >= 10
            refused = next(answer for answer in answers if answer.status == 429)
            assert int(refused["Retry-After"]) >= 1 and "text/html" in refused["Content-Type"]
            assert b"Too many requests" in refused.body
            assert refused.get("Connection", "").lower() != "close", "the connection is kept"
            wait_until(lambda: connection.exchange("GET", "/", NAVIGATION).status == 302, "allowed again", interval=0.1)
            wait_until(lambda: connection.exchange("GET", "/", XHR).status == 429, "refused again")
            assert connection.exchange("GET", "/", XHR).json()["error"] == "too_many_requests"
        assert Metrics(gate).get("sidegate_denied_total", reason="rate_limited") >= 10
        assert '"rate_limited"' in gate.log()

    def test_the_limit_applies_to_all_workers_and_connections(self, upstream, start_gate):
        gate = start_gate(upstream, workers=4, limits={"requestsPerSecond": 10})
        statuses = [gate.exchange("GET", "/", NAVIGATION).status for _ in range(60)]
        # The burst, and the requests that the rate permitted while they were sent.
        assert 10 <= statuses.count(302) <= 40 and statuses.count(429) >= 20

    def test_clients_behind_a_trusted_proxy_are_distinguished(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"requestsPerSecond": 2}, trustedProxies=["127.0.0.1"])

        def ask_from(address: str) -> int:
            return gate.exchange("GET", "/", {**NAVIGATION, "X-Forwarded-For": address}).status
        assert [ask_from("203.0.113.1") for _ in range(12)].count(429) >= 5
        assert ask_from("203.0.113.2") == 302
        assert [ask_from(f"2001:db8::{n}") for n in range(1, 13)].count(429) >= 5
        assert ask_from("2001:db8:0:1::1") == 302

    def test_headers_from_untrusted_addresses_are_ignored(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"requestsPerSecond": 2})
        statuses = [gate.exchange("GET", "/", {**NAVIGATION, "X-Forwarded-For": f"203.0.113.{n}"}).status
                    for n in range(30)]
        assert statuses.count(429) >= 10


class TestConnections:
    def test_at_the_limit_the_longest_idle_is_closed_first(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"connections": 4})
        session = gate.session_cookie()
        connections = []
        for _ in range(4):
            connection = gate.connection()
            assert connection.exchange("GET", "/", session).status == 200
            connections.append(connection)
        # The first is used again, so the second has been idle for longest.
        assert connections[0].exchange("GET", "/", session).status == 200
        with gate.connection() as one_more:
            assert one_more.exchange("GET", "/", session).status == 200
            assert connections[1].is_closed_by_peer()
            for connection in (connections[0], connections[2], connections[3]):
                assert connection.exchange("GET", "/", session).status == 200
        for connection in connections:
            connection.close()

    def test_at_the_limit_the_longest_idle_is_closed_first_over_http2(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"connections": 2})
        session = [("cookie", gate.session_cookie()["Cookie"])]
        connections = [FrameConnection(gate.port) for _ in range(2)]
        for connection in connections:
            assert connection.get("/", session).status == 200
        with gate.connection() as one_more:
            assert one_more.exchange("GET", "/", dict(session)).status == 200
            # The second is served; the first, idle for longer, was closed.
            assert connections[1].get("/", session).status == 200
            with pytest.raises((ConnectionEnded, OSError)):
                connections[0].get("/", session)

    def test_requests_being_served_keep_their_connections_and_others_wait(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            if request.target == "/slow":
                release.wait(30)
            upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(upstream, limits={"connections": 2})
        session = gate.session_cookie()
        busy = [gate.connection() for _ in range(2)]
        for connection in busy:
            connection.request("GET", "/slow", session)
        upstream.wait_for_requests(2)
        with gate.connection() as waiting:
            waiting.request("GET", "/", session)
            gate.process.assert_sleeps(a_second=200)
            release.set()
            for connection in busy:
                assert connection.response().status == 200
            # Both are idle now, and one of them is closed.
            assert waiting.response().status == 200
        for connection in busy:
            connection.close()


class TestStatuses:
    @pytest.mark.parametrize("request_bytes, status", [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", 413),
    ])
    def test_too_large_is_413_414_or_431(self, upstream, start_gate, request_bytes, status):
        gate = start_gate(upstream, limits={"bodyBytes": 1000})
        with gate.connection() as connection:
            connection.send(request_bytes)
            assert connection.response().status == status

    def test_too_slow_is_408(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"headerTimeout": "300ms", "bodyIdleTimeout": "300ms"})
        session = gate.session_cookie()["Cookie"]
        for request in (b"GET / HTTP/1.1\r\nHos",
                        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session}\r\nContent-Length: 9\r\n\r\nx".encode()):
            with gate.connection() as connection:
                connection.send(request)
                assert connection.response().status == 408

    def test_an_overloaded_app_is_503_with_Retry_After(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            release.wait(30)
            upstream.echo(request, connection)
        upstream.answer = answer
        gate = start_gate(
            upstream, upstream={"url": upstream.url, "maxConnections": 1, "connectTimeout": "1s"},
            admin={"listen": f"127.0.0.1:{free_port()}"})
        session = gate.session_cookie()
        with gate.connection() as busy, gate.connection() as other:
            busy.request("GET", "/", session)
            upstream.wait_for_requests(1)
            answer = other.exchange("GET", "/", {**session, **NAVIGATION})
            assert answer.status == 503 and answer["Retry-After"] == "1"
            assert b"Request ID" in answer.body
            assert other.exchange("GET", "/", {**session, **XHR}).json()["error"] == "overloaded"
            release.set()
            assert busy.response().status == 200
        metrics = Metrics(gate)
        assert metrics.get("sidegate_upstream_errors_total", reason="overloaded") == 2
        assert ask(gate, "/readyz").status == 200, "busy is not down"


class TestRequestIDs:
    @pytest.mark.parametrize("target, headers, status", [
        ("/.sidegate/nothing", NAVIGATION, 404),
        ("/.sidegate/callback?jwt=broken", NAVIGATION, 403),
        ("/.sidegate/callback", NAVIGATION, 400),
    ])
    def test_error_pages_show_the_id_in_the_log(self, gate, target, headers, status):
        answer = gate.exchange("GET", target, {**headers, "X-Request-ID": f"id-on-page-{status}"})
        assert answer.status == status and f"id-on-page-{status}".encode() in answer.body
        wait_until(lambda: f'"id":"id-on-page-{status}"' in gate.log(), "the id in the log")

    def test_a_trace_is_forwarded_or_begun(self, gate, upstream, session):
        known = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        gate.exchange("GET", "/", {**session, "traceparent": known})
        assert upstream.requests[-1].get("traceparent").split("-")[1] == known.split("-")[1]
        for headers in ({}, {"traceparent": "nonsense"}):
            gate.exchange("GET", "/", {**session, **headers})
            parts = upstream.requests[-1].get("traceparent").split("-")
            assert [len(part) for part in parts] == [2, 32, 16, 2] and parts[0] == "00" and set(parts[1]) != {"0"}
