# SPDX-License-Identifier: Apache-2.0
"""The app is called with a new user before the session begins, and can report that no seat is left."""

import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.gate import NAVIGATION, XHR
from harness.journal import wait_for_audit
from harness.ports import free_port
from harness.process import wait_until
from harness.tokens import token
from harness.upstream import Upstream
from harness.visits import Visit, accepted, refused

SECRET = "a-secret-between-sidegate-and-the-app-0001"


class Accounts:
    """The app's side of provisioning; responds with `statuses` in turn, and then always with the last one."""

    def __init__(self):
        self.server = Upstream()
        self.server.answer = self.answer
        self.url = self.server.url + "/hooks/users?from=sidegate"
        self.statuses = [201]
        self.gate_open = threading.Event()
        self.gate_open.set()

    @property
    def calls(self) -> list:
        return self.server.requests

    def answer(self, request, connection):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        assert self.gate_open.wait(20)
        if status == "reset":
            connection.reset()
        elif status == "old":
            connection.send(b"HTTP/1.1 201 OK\r\nX-Old : yes\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\n{}\r\n0\r\n\r\n")
            connection.close()
        elif status == "garbage":
            connection.send(b"\x00\xff" * 500)
            connection.close()
        else:
            connection.respond(status, {"Content-Type": "text/html", "Location": "/elsewhere", "Set-Cookie": "x=1"}, "<p>words")

    def bodies(self) -> list:
        return [json.loads(call.body) for call in self.calls]


@pytest.fixture
def accounts():
    accounts = Accounts()
    yield accounts
    accounts.gate_open.set()
    accounts.server.stop()
    assert not accounts.server.failures, accounts.server.failures


@pytest.fixture
def gate(accounts, upstream, start_gate):
    return start_gate(upstream, provisioning={"url": accounts.url, "secret": SECRET})


def enter(gate, **claims):
    browser = Visit(gate)
    return browser, browser.enter(token(**claims))


class TestTheCall:
    def test_the_call_is_a_signed_post_of_the_fields(self, gate, accounts):
        assert accepted(enter(gate, given_name="Zoë", groups=["staff", "admins"])[1])
        (call,) = accounts.calls
        assert (call.method, call.target) == ("POST", "/hooks/users?from=sidegate")
        assert call.get("Content-Type").startswith("application/json")
        assert call.get("Host") == accounts.server.url.removeprefix("http://")
        expected = hmac.new(SECRET.encode(), call.body, "sha256").hexdigest()
        assert call.get("X-Sidegate-Signature") == f"sha256={expected}"
        assert call.get("Idempotency-Key") and call.get("X-Request-ID")
        fields = json.loads(call.body)
        assert fields["user"] == "ada" and fields["email"] == "ada@example.com"
        assert fields["givenName"] == "Zoë" and fields["groups"] == ["staff", "admins"]

    def test_the_answer_of_an_old_app_is_understood(self, gate, accounts):
        accounts.statuses = ["old"]
        assert accepted(enter(gate)[1])
        assert len(accounts.calls) == 1

    def test_the_call_contains_no_token_and_no_cookie(self, gate, accounts):
        browser = Visit(gate)
        browser.go()
        jwt = token()
        accepted(browser.bring(jwt))
        (call,) = accounts.calls
        everything = call.head + call.body
        assert call.get("Cookie") is None and b"sidegate-login" not in everything
        assert jwt.rpartition(".")[2].encode() not in everything

    def test_it_is_not_signed_without_a_secret(self, accounts, upstream, start_gate):
        gate = start_gate(upstream, provisioning={"url": accounts.url})
        assert accepted(enter(gate)[1])
        assert accounts.calls[0].get("X-Sidegate-Signature") is None

    def test_it_is_in_the_audit_log(self, gate):
        enter(gate)
        assert wait_for_audit(gate, "provisioned")["user"] == "ada"
        assert SECRET not in gate.log()


class TestWhen:
    def test_only_at_the_first_sign_in(self, gate, accounts):
        for _ in range(3):
            browser, response = enter(gate)
            assert accepted(response) and browser.navigate("/").status == 200
        assert len(accounts.calls) == 1
        assert accepted(enter(gate, sub="bob", email="bob@example.com")[1])
        assert [body["user"] for body in accounts.bodies()] == ["ada", "bob"]

    def test_at_each_login_when_configured(self, accounts, upstream, start_gate):
        gate = start_gate(upstream, provisioning={"url": accounts.url, "secret": SECRET, "eachLogin": True})
        for family in ("King", "Lovelace"):
            assert accepted(enter(gate, family_name=family)[1])
        assert [body["familyName"] for body in accounts.bodies()] == ["King", "Lovelace"]
        first, second = (call.get("Idempotency-Key") for call in accounts.calls)
        assert first != second, "changed fields cause another call"

    def test_requests_of_a_session_cause_no_provisioning_call(self, gate, accounts):
        browser, _ = enter(gate)
        for _ in range(3):
            browser.navigate("/")
        assert len(accounts.calls) == 1

    def test_sign_ins_of_one_user_at_once_are_one_call(self, gate, accounts):
        accounts.gate_open.clear()
        browsers = [Visit(gate) for _ in range(8)]
        for browser in browsers:
            browser.go()
        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(browser.bring, token()) for browser in browsers]
            accounts.server.wait_for_requests(1)
            accounts.gate_open.set()
            assert [accepted(answer.result()) for answer in answers] == ["/"] * 8
        assert len(accounts.calls) == 1

    def test_a_refused_user_causes_no_provisioning_call(self, accounts, upstream, start_gate):
        gate = start_gate(upstream, provisioning={"url": accounts.url}, access={"users": {"emails": ["bob@example.com"]}})
        refused(enter(gate)[1], "user_not_registered")
        refused(enter(gate, sub="bob", email="bob@example.com", exp=1)[1], "expired")
        assert accounts.calls == []

    def test_a_replayed_token_causes_no_provisioning_call(self, accounts, upstream, start_gate):
        gate = start_gate(upstream, provisioning={"url": accounts.url, "eachLogin": True})
        jwt = token()
        accepted(Visit(gate).enter(jwt))
        refused(Visit(gate).enter(jwt), "replayed")
        assert len(accounts.calls) == 1

    def test_a_sign_in_begun_elsewhere_causes_no_provisioning_call_before_confirmation(self, gate, accounts):
        browser = Visit(gate)
        page = browser.bring(token())
        assert page.status == 200 and accounts.calls == []
        assert accepted(browser.confirm(page)) == "/"
        assert len(accounts.calls) == 1


class TestNoSeat:
    @pytest.mark.parametrize("status", [402, 403, 409])
    def test_no_seat_left_is_a_page_and_no_session(self, gate, accounts, status):
        accounts.statuses = [status]
        browser, page = enter(gate)
        refused(page, "seat_limit_reached")
        assert "text/html" in page["Content-Type"] and "no-store" in page["Cache-Control"] and "words" not in page.text
        assert not browser.has_session and browser.navigate("/").status == 302
        assert len(accounts.calls) == 1, "the app's response is final; the call is not repeated"

    def test_after_a_seat_becomes_free_the_user_signs_in(self, gate, accounts):
        accounts.statuses = [402, 201]
        refused(enter(gate)[1], "seat_limit_reached")
        browser, response = enter(gate)
        assert accepted(response) and browser.navigate("/").status == 200

    def test_it_is_json_on_request(self, gate, accounts):
        accounts.statuses = [402]
        browser = Visit(gate)
        browser.go()
        response = browser.fetch("GET", f"/.sidegate/callback?jwt={token()}", XHR)
        assert response.status == 403 and "seat_limit_reached" in str(response.json())


class TestFailures:
    @pytest.mark.parametrize("first", [500, 502, 503, 429, 408, "reset"])
    def test_a_request_that_may_be_repeated_is_tried_again(self, gate, accounts, first):
        accounts.statuses = [first, 200]
        browser, response = enter(gate)
        assert accepted(response) and browser.navigate("/").status == 200
        one, two = accounts.calls
        assert one.body == two.body and one.get("Idempotency-Key") == two.get("Idempotency-Key")
        assert two.get("X-Sidegate-Signature") == one.get("X-Sidegate-Signature")

    @pytest.mark.parametrize("status", [500, "reset", "garbage"])
    def test_after_three_times_it_is_502(self, gate, accounts, status):
        accounts.statuses = [status]
        browser, page = enter(gate)
        refused(page, "provisioning_failed", 502)
        assert len(accounts.calls) == 3
        assert not browser.has_session and browser.navigate("/").status == 302
        accounts.statuses = [200]
        assert accepted(enter(gate)[1]), "the user can sign in after the outage"

    def test_an_app_that_is_down_is_502(self, upstream, start_gate):
        gate = start_gate(upstream, provisioning={"url": f"http://127.0.0.1:{free_port()}/"})
        browser, page = enter(gate)
        refused(page, "provisioning_failed", 502)
        assert not browser.has_session

    @pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
    def test_other_responses_are_502_at_once(self, gate, accounts, status):
        accounts.statuses = [status]
        browser, page = enter(gate)
        refused(page, "provisioning_failed", 502)
        assert len(accounts.calls) == 1 and not browser.has_session, "redirects are not followed"

    def test_an_endless_response_is_cut_off(self, gate, accounts):
        def flood(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in range(100):
                connection.send(bytes(1_000_000))
        accounts.server.answer = flood
        before = gate.process.memory()
        response = enter(gate)[1]
        assert response.status in (303, 502)
        assert gate.process.memory() - before < 20_000_000


class TestASlowApp:
    def test_others_are_served_meanwhile_and_no_cookie_is_sent_before_the_response(self, gate, accounts, upstream):
        bob, _ = enter(gate, sub="bob", email="bob@example.com")
        accounts.gate_open.clear()
        ada = Visit(gate)
        ada.go()
        with gate.connection() as connection:
            connection.request("GET", f"/.sidegate/callback?jwt={token()}", {**NAVIGATION, "Cookie": ada.cookie_header()})
            accounts.server.wait_for_requests(2)
            for _ in range(5):
                assert bob.navigate("/").status == 200
            connection.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.socket.recv(1)
            connection.socket.settimeout(30)
            accounts.gate_open.set()
            response = connection.response()
            assert response.status == 303 and any(c.startswith("sidegate=") for c in response.all("Set-Cookie"))

    def test_a_browser_that_disconnects_meanwhile_affects_no_other(self, gate, accounts):
        accounts.gate_open.clear()
        ada = Visit(gate)
        ada.go()
        connection = gate.connection()
        connection.request("GET", f"/.sidegate/callback?jwt={token()}", {**NAVIGATION, "Cookie": ada.cookie_header()})
        accounts.server.wait_for_requests(1)
        connection.reset()
        accounts.gate_open.set()
        wait_until(lambda: enter(gate)[1].status == 303, "Ada signs in with a new token")
