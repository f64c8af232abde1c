# SPDX-License-Identifier: Apache-2.0
"""Who is admitted at the admin listener: hostile pages, wrong tokens, floods."""

import contextlib
import json
import socket

import pytest

from harness.admin import ask, started
from harness.admin import port as admin_port
from harness.console import BEARER, FORM, TOKEN, console, run
from harness.gate import NAVIGATION, sidegate
from harness.process import wait_until
from harness.reloads import change
from harness.wire import Connection, exchange

API = ("GET", "/api/sessions")


@pytest.fixture
def guarded(upstream, start_gate):
    return start_gate(upstream, admin=console(hosts=["gate.internal"]))


def call(gate, method="GET", target="/api/sessions", headers=(), body=None, host=None):
    # The listener is open before the workers serve.
    return wait_until(lambda: started(exchange(admin_port(gate), method, target, headers, body, host)), "the workers serve")


class TestAdmission:
    def test_the_token_opens_and_nothing_else_does(self, guarded):
        assert call(guarded, headers=BEARER).status == 200
        for headers in ({}, {"Cookie": f"sidegate-console={TOKEN}"}, {"Authorization": "Basic " + TOKEN}):
            refused = call(guarded, headers=headers)
            assert refused.status == 401 and json.loads(refused.text)["error"] == "token_missing"
        wrong = call(guarded, headers={"Authorization": "Bearer wrong"})
        assert wrong.status == 401 and json.loads(wrong.text)["error"] == "token_wrong"
        assert TOKEN not in guarded.log()

    def test_a_session_cookie_of_the_gate_opens_nothing_here(self, guarded):
        cookie = guarded.signed_in().cookie_header()
        value = cookie.partition("=")[2]
        for headers in ({"Cookie": cookie}, {"Cookie": f"sidegate-console={value}"}):
            assert call(guarded, headers=headers).status == 401

    def test_the_consoles_cookie_never_reaches_the_app(self, guarded, upstream, session=None):
        ada = guarded.signed_in()
        headers = {"Cookie": ada.cookie_header() + "; sidegate-console=abc; __Host-sidegate-console=abc; sidegate-consoles=1"}
        assert guarded.exchange("GET", "/", headers).status == 200
        assert upstream.requests[-1].get("Cookie") == "sidegate-consoles=1"

    @pytest.mark.parametrize("host", ["evil.test", "gate.internal.evil.test", "127.0.0.1.evil.test:9180", "localhost.evil.test"])
    def test_a_page_whose_name_resolves_to_this_machine_is_refused(self, guarded, host):
        for method, target in (API, ("POST", "/api/sign-out")):
            assert call(guarded, method, target, {**BEARER, **FORM}, b"all=true", host=host).status == 421

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:9180", "GATE.internal:1"])
    def test_its_own_names(self, guarded, host):
        assert call(guarded, headers=BEARER, host=host).status == 200

    @pytest.mark.parametrize("headers", [
        {"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"}])
    def test_another_sites_page_changes_nothing(self, guarded, headers):
        ada = guarded.signed_in()
        refused = call(guarded, "POST", "/api/sign-out", {**BEARER, **FORM, **headers}, b"all=true")
        assert refused.status == 403 and json.loads(refused.text)["error"] == "cross_site_request"
        assert ada.navigate("/").status == 200
        assert "Access-Control" not in str(call(guarded, "OPTIONS", "/api/sign-out", headers).fields)

    def test_without_a_token_it_says_how_to_switch_it_on_and_names_nobody(self, upstream, start_gate):
        gate = start_gate(upstream, admin={"listen": console()["listen"]})
        assert gate.signed_in(sub="lovelace").navigate("/").status == 200
        page = call(gate, "GET", "/")
        assert page.status == 200 and "admin.tokenFile" in page.text and "lovelace" not in page.text
        for method, target in (API, ("POST", "/api/sign-out")):
            refused = call(gate, method, target, {**BEARER, **FORM}, b"all=true")
            assert refused.status == 403 and json.loads(refused.text)["error"] == "console_off"

    def test_responses_may_be_neither_framed_nor_stored_nor_guessed(self, guarded):
        for target in ("/", "/api/sessions", "/healthz", "/metrics"):
            answer = call(guarded, "GET", target, BEARER)
            assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
            assert answer["X-Content-Type-Options"] == "nosniff" and answer["Cache-Control"] == "no-store"
            assert answer["Referrer-Policy"] == "same-origin"

    def test_content_is_read_of_those_alone_who_are_admitted(self, guarded):
        with Connection(admin_port(guarded)) as connection:
            connection.request("POST", "/api/sign-out", {**FORM, "Content-Length": "10"})
            assert connection.response().status == 401

    @pytest.mark.parametrize("body", [b"", b"all=yes", b"user=", b"user=a&all=true", b"all=true&all=true", b"session=zz", b"user=%ff"])
    def test_a_form_that_is_not_clear_ends_nothing(self, guarded, body):
        ada = guarded.signed_in()
        assert call(guarded, "POST", "/api/sign-out", {**BEARER, **FORM}, body).status == 400
        assert call(guarded, "POST", "/api/sign-out", BEARER, b"all=true").status == 415
        assert ada.navigate("/").status == 200


class TestFloods:
    def test_wrong_tokens_wait_and_are_reported_once(self, guarded):
        statuses = [call(guarded, headers={"Authorization": f"Bearer guess-{number}"}).status for number in range(40)]
        assert statuses[:5] == [401] * 5 and set(statuses) == {401, 429}
        # Time makes room for one attempt after the other; here, not for one in the next seconds.
        limited = wait_until(
            lambda: (answer := call(guarded, headers={"Authorization": "Bearer guess"})).status == 429
            and int(answer["Retry-After"]) >= 6 and answer, "wrong tokens are limited")
        assert int(limited["Retry-After"]) <= 12
        # Not even the right one, from there: but from another address.
        assert call(guarded, headers=BEARER).status == 429
        with socket.create_connection(("127.0.0.1", admin_port(guarded)), 30, source_address=("127.0.0.2", 0)) as other:
            other.sendall(f"GET /api/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
                          "Connection: close\r\n\r\n".encode())
            assert other.makefile("rb").readline().split()[1] == b"200"
        assert ask(guarded, "/healthz").status == 200
        assert guarded.log().count("a wrong token was sent") <= 2 and "guess" not in guarded.log()

    @pytest.mark.parametrize("flood", ["heads", "forms", "silence", "pages", "rows"])
    def test_health_and_metrics_have_room_under_a_flood(self, guarded, flood):
        port, open_ones = admin_port(guarded), []
        try:
            for _ in range(300):
                connected = socket.create_connection(("127.0.0.1", port), 30)
                open_ones.append(connected)
                if flood == "heads":
                    connected.sendall(b"GET /api/sessions HTTP/1.1\r\nHost: local")
                elif flood == "forms":
                    connected.sendall(
                        f"POST /api/sign-out HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nuser=".encode())
                elif flood == "pages":
                    connected.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                elif flood == "rows":
                    with contextlib.suppress(OSError):
                        connected.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000)
            for target in ("/healthz", "/metrics", "/readyz"):
                assert ask(guarded, target).status == 200
            assert run(guarded, "healthcheck").returncode == 0
        finally:
            for connected in open_ones:
                connected.close()

    def test_more_than_32_requests_to_the_console_wait_their_turn(self, guarded):
        port, open_ones = admin_port(guarded), []
        head = (f"POST /api/sign-out HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n").encode()
        try:
            for _ in range(32):
                connected = socket.create_connection(("127.0.0.1", port), 30)
                connected.sendall(head)
                open_ones.append(connected)
            busy = wait_until(
                lambda: (answer := call(guarded, headers=BEARER)).status == 503 and answer, "all places are taken")
            assert busy["Retry-After"] == "1"
            open_ones.pop().close()
            wait_until(lambda: call(guarded, headers=BEARER).status == 200, "a place is free again")
        finally:
            for connected in open_ones:
                connected.close()


class TestConfiguration:
    def test_another_token_and_other_hosts_take_effect_at_a_reload(self, guarded):
        fresh = "a-fresh-admin-token-of-at-least-32-bytes"
        change(guarded, admin={**guarded.settings["admin"], "token": fresh, "hosts": ["new.internal"]})
        assert call(guarded, headers=BEARER).status == 401
        authorized = {"Authorization": f"Bearer {fresh}"}
        assert call(guarded, headers=authorized, host="new.internal").status == 200
        assert call(guarded, headers=authorized, host="gate.internal").status == 421

    def test_check_warns_of_a_token_that_can_be_read_on_its_way(self, guarded):
        def check(*arguments):
            done = sidegate("check", "--config", guarded.config, *arguments)
            # Not that a secret is on the command line.
            return done.returncode, [line for line in done.stderr.splitlines() if "`admin." in line and "every user" not in line]
        assert check() == (0, [])
        status, findings = check("--set", "admin.listen=0.0.0.0:9180")
        assert status == 0 and len(findings) == 1 and "warning" in findings[0] and "admin.tls" in findings[0]
        status, findings = check("--set", "admin.listen=off")
        assert status == 0 and "does nothing" in findings[0]
        status, findings = check("--set", "admin.token=short")
        assert status == 1 and "at least 32" in findings[0]
        status, findings = check("--set", "admin.token=a token with blanks in it, which is long enough")
        assert status == 1 and "blanks" in findings[0]
        status, findings = check("--set", "admin.tls.key=/dev/null")
        assert status == 1 and "admin.tls.certificate" in findings[0]
