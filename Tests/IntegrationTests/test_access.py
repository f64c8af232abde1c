# SPDX-License-Identifier: Apache-2.0
"""Access: registered users, groups, sites, guests; and the responses to refused users."""

import os
import re

import pytest

from harness import tokens
from harness.gate import NAVIGATION, XHR, Browser
from harness.journal import wait_for_audit
from harness.process import wait_until
from harness.tokens import token
from harness.visits import Visit, accepted, refused


def guarded(start_gate, upstream, **access):
    return start_gate(upstream, access=access)


def enter(gate, **claims):
    browser = Visit(gate)
    return browser, browser.enter(token(**claims))


class TestEmails:
    def test_by_default_every_user_of_the_provider_is_allowed(self, gate):
        assert accepted(enter(gate, sub="x", email="x@anywhere.test")[1])

    @pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.COM"])
    def test_a_listed_address_is_allowed(self, upstream, start_gate, email):
        gate = guarded(start_gate, upstream, users={"emails": ["Ada@example.com", "bob@example.com"]})
        browser, response = enter(gate, email=email)
        assert accepted(response) and browser.navigate("/").status == 200

    @pytest.mark.parametrize("email", ["eve@example.com", "ada@example.com.evil.test", "xada@example.com", "ada@example.co",
                                       "ada@example.com,bob@example.com"])
    def test_another_address_is_refused(self, upstream, start_gate, email):
        gate = guarded(start_gate, upstream, users={"emails": ["ada@example.com", "bob@example.com"]})
        browser, response = enter(gate, email=email)
        assert response.status == 403 and not browser.has_session
        assert browser.navigate("/").status == 302 and upstream.requests == []

    def test_a_user_without_an_address_is_not_registered(self, upstream, start_gate):
        gate = start_gate(upstream, token={"required": []}, access={"users": {"emailDomains": ["example.com"]}})
        refused(enter(gate, email=None)[1], "user_not_registered")


class TestDomains:
    @pytest.mark.parametrize("email", ["ada@example.com", "ada@EXAMPLE.com", "a.b+c@other.test"])
    def test_an_address_in_a_listed_domain_is_allowed(self, upstream, start_gate, email):
        gate = guarded(start_gate, upstream, users={"emailDomains": ["example.com", "Other.test"]})
        assert accepted(enter(gate, email=email)[1])

    @pytest.mark.parametrize("email", [
        pytest.param("ada@sub.example.com", id="a sub-domain"),
        pytest.param("ada@example.com.evil.test", id="another domain as suffix"),
        pytest.param("ada@evilexample.com", id="another domain that ends alike"),
        pytest.param("ada@evil.test@example.com", id="two @"),
        pytest.param('"ada@evil.test"@example.com', id="two @, one quoted"),
        pytest.param("ada@example.com@evil.test", id="two @, allowed domain first"),
        pytest.param("ada@example.com.", id="a trailing dot"),
        pytest.param("ada@example.com ", id="a trailing space"),
        pytest.param("ada@example.com\n", id="a trailing line break"),
        pytest.param("ada@evil.test\u0000@example.com", id="NUL"),
        pytest.param("ada@ex\u0430mple.com", id="a Cyrillic a"),
        pytest.param("ada@e\u212aample.com", id="the Kelvin sign"),
        pytest.param("ada%40example.com", id="no @"),
        pytest.param("@example.com", id="nobody"),
        pytest.param("example.com", id="the domain alone"),
    ])
    def test_a_domain_is_matched_whole_after_the_one_at_sign(self, upstream, start_gate, email):
        gate = guarded(start_gate, upstream, users={"emailDomains": ["example.com", "ekample.com"]})
        browser, response = enter(gate, email=email)
        assert response.status == 403, email
        assert not browser.has_session

    def test_either_the_list_or_the_domain_suffices(self, upstream, start_gate):
        gate = guarded(start_gate, upstream, users={"emails": ["eve@other.test"], "emailDomains": ["example.com"]})
        assert accepted(enter(gate, email="eve@other.test")[1]) and accepted(enter(gate, email="ada@example.com")[1])
        refused(enter(gate, email="ada@other.test")[1], "user_not_registered")


class TestGroups:
    def test_one_of_the_groups_is_needed(self, upstream, start_gate):
        gate = guarded(start_gate, upstream, users={"groups": ["admins", "editors"]})
        assert accepted(enter(gate, groups=["staff", "editors"])[1])
        for groups in (["staff"], [], None, "adminsx,staff", ["Admins"]):
            refused(enter(gate, groups=groups)[1], "group_missing")

    def test_an_address_is_needed_too_when_both_are_configured(self, upstream, start_gate):
        gate = guarded(start_gate, upstream, users={"emailDomains": ["example.com"], "groups": ["admins"]})
        assert accepted(enter(gate)[1])
        refused(enter(gate, groups=["staff"])[1], "group_missing")
        refused(enter(gate, email="eve@evil.test")[1], "user_not_registered")


class TestEmailsFile:
    @pytest.fixture
    def listed(self, tmp_path):
        path = tmp_path / "emails.txt"
        path.write_text("ada@example.com\n")
        return path

    @pytest.fixture
    def gate(self, upstream, start_gate, listed):
        return guarded(start_gate, upstream, users={"emailsFile": str(listed)})

    def test_only_listed_users_are_allowed(self, gate):
        assert accepted(enter(gate)[1])
        refused(enter(gate, sub="bob", email="bob@example.com")[1], "user_not_registered")

    @pytest.mark.parametrize("way", ["written in place", "renamed over"])
    def test_a_change_takes_effect_without_restart(self, gate, listed, way):
        ada, response = enter(gate)
        assert accepted(response) and ada.navigate("/").status == 200
        change(listed, "bob@example.com\n", way)
        wait_until(lambda: ada.fetch("GET", "/", NAVIGATION).status == 403, "Ada has no access")
        assert accepted(enter(gate, sub="bob", email="bob@example.com")[1])
        refused(enter(gate)[1], "user_not_registered")
        change(listed, "ada@example.com\n", way)
        wait_until(lambda: ada.fetch("GET", "/", NAVIGATION).status == 200, "Ada has access again, her session had not ended")

    def test_an_emptied_list_allows_no_user(self, gate, listed):
        ada, _ = enter(gate)
        change(listed, "", "renamed over")
        wait_until(lambda: ada.fetch("GET", "/", NAVIGATION).status == 403, "Ada has no access")
        refused(enter(gate, sub="bob", email="bob@example.com")[1], "user_not_registered")

    def test_a_missing_list_allows_no_user(self, gate, listed):
        assert accepted(enter(gate)[1])
        listed.unlink()
        for _ in range(5):
            assert enter(gate, sub="bob", email="bob@example.com")[1].status == 403

    def test_every_worker_learns_of_a_change(self, upstream, start_gate, listed):
        gate = start_gate(upstream, workers=4, access={"users": {"emailsFile": str(listed)}})
        cookie = {**gate.session_cookie(), **NAVIGATION}
        change(listed, "bob@example.com\n", "renamed over")
        seen = []

        def all_out():
            seen.append(gate.exchange("GET", "/", cookie).status)
            return seen[-40:] == [403] * 40
        wait_until(all_out, "forty requests on new connections, all refused")

    def test_a_live_stream_of_a_removed_user_is_closed(self, gate, upstream, listed):
        ada, _ = enter(gate)

        def stream(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send(b"8\r\ndata: 1\n\r\n")
            connection.socket.recv(1)  # until the gate closes the connection
        upstream.answer = stream
        with gate.connection() as connection:
            connection.request("GET", "/events", {"Cookie": ada.cookie_header(), "Accept": "text/event-stream"})
            assert connection.read_head().status == 200
            change(listed, "bob@example.com\n", "renamed over")
            connection.read_all()  # returns when it is closed; otherwise the connection's timeout fails the test


def change(path, text: str, way: str):
    if way == "renamed over":
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, path)
    else:
        path.write_text(text)


class TestThePageForRefusedUsers:
    @pytest.fixture
    def gate(self, upstream, start_gate):
        return guarded(start_gate, upstream, users={"emails": ["bob@example.com"]})

    def test_it_names_the_account_and_offers_another(self, gate):
        page = enter(gate)[1]
        refused(page, "user_not_registered")
        assert "ada" in page.text and "no-store" in page["Cache-Control"] and "text/html" in page["Content-Type"]
        assert re.search(r'href="[^"]*/\.sidegate/(login|logout)', page.text), page.text[:3000]

    def test_it_escapes_the_tokens_claims(self, gate):
        page = enter(gate, sub="<script>alert(1)</script>", email="<b>x</b>@evil.test")[1]
        assert page.status == 403 and "<script" not in page.text and "<b>x" not in page.text

    def test_it_is_json_on_request(self, gate):
        browser = Visit(gate)
        browser.go()
        response = browser.fetch("GET", "/.sidegate/callback?jwt=" + token(), {"Accept": "application/json"})
        assert response.status == 403 and "user_not_registered" in str(response.json())

    def test_a_bearer_is_refused_too(self, gate, upstream):
        response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token()}"})
        assert response.status == 403 and "user_not_registered" in response.text and "json" in response["Content-Type"]
        assert upstream.requests == []
        ours = token(sub="bob", email="bob@example.com")
        assert gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {ours}"}).status == 200

    def test_another_account_can_then_sign_in(self, gate):
        browser, page = enter(gate)
        refused(page, "user_not_registered")
        assert accepted(browser.enter(token(sub="bob", email="bob@example.com")))
        assert browser.navigate("/").status == 200

    def test_the_refusal_is_in_the_audit_log(self, gate):
        enter(gate)
        line = wait_for_audit(gate, "denied")
        assert line["reason"] == "user_not_registered" and line["user"] == "ada"


class TestSignedInUsersAreJudgedAtEachRequest:
    def test_a_session_from_before_the_rule_is_refused(self, upstream, start_gate):
        """Two gates with one session secret simulate one with a changed configuration."""
        before = start_gate(upstream)
        after = guarded(start_gate, upstream, users={"emails": ["bob@example.com"]})
        cookie = before.session_cookie()
        page = after.exchange("GET", "/", {**NAVIGATION, **cookie})
        refused(page, "user_not_registered")
        assert "ada" in page.text and re.search(r'href="[^"]*/\.sidegate/(login|logout)', page.text)
        api = after.exchange("GET", "/api", {**XHR, **cookie})
        assert api.status == 403 and "user_not_registered" in str(api.json())
        assert after.exchange("POST", "/", cookie, b"x").status == 403
        assert upstream.requests == []

    def test_a_user_without_the_site_is_refused(self, upstream, start_gate):
        before = start_gate(upstream)
        after = guarded(start_gate, upstream, site="77")
        refused(after.exchange("GET", "/", {**NAVIGATION, **before.session_cookie(site_access="12,13")}), "site_not_granted")
        assert after.exchange("GET", "/", {**NAVIGATION, **before.session_cookie(site_access="12,77")}).status == 200
        assert after.exchange("GET", "/", {**NAVIGATION, **before.session_cookie()}).status == 200

    def test_they_can_still_sign_out(self, upstream, start_gate):
        cookie = start_gate(upstream).session_cookie()
        after = guarded(start_gate, upstream, users={"emails": ["bob@example.com"]})
        response = after.exchange("POST", "/.sidegate/logout", {
            **NAVIGATION, **cookie, "Sec-Fetch-Site": "same-origin", "Origin": after.origin}, b"")
        assert response.status in (200, 302, 303) and any("sidegate=;" in c for c in response.all("Set-Cookie"))


class TestGuests:
    @pytest.fixture
    def open_gate(self, upstream, start_gate):
        return guarded(start_gate, upstream, default="guest")

    @pytest.mark.parametrize("method, headers", [("GET", NAVIGATION), ("GET", XHR), ("POST", XHR), ("HEAD", {})])
    def test_a_request_without_a_session_is_forwarded_without_identity(self, open_gate, upstream, method, headers):
        spoof = {"X-Forwarded-User": "admin", "x_forwarded_email": "admin@example.com", "X-Forwarded-Groups": "admins"}
        response = open_gate.exchange(method, "/page", {**headers, **spoof}, b"" if method == "POST" else None)
        assert response.status == 200 and response.all("Set-Cookie") == []
        assert b"admin" not in upstream.last.head

    def test_a_request_with_a_session_has_an_identity(self, open_gate, upstream):
        browser = Visit(open_gate)
        response = browser.navigate("/.sidegate/login?return_to=/page")
        assert response.status == 302, "guests can sign in"
        assert accepted(browser.bring(token())) == "/page"
        browser.navigate("/page")
        assert upstream.last.get("X-Forwarded-User") == "ada"

    def test_a_bad_token_is_still_an_error(self, open_gate):
        browser = Visit(open_gate)
        browser.navigate("/.sidegate/login?return_to=/page")
        refused(browser.bring(token(secret="another-secret-of-32-bytes-or-more-01")), "signature_invalid")

    def test_an_invalid_bearer_token_gives_no_identity(self, open_gate, upstream):
        response = open_gate.exchange("GET", "/api", {**XHR, "Authorization": "Bearer " + tokens.token(sub="eve")[:-3] + "AAA"})
        assert response.status == 401 or b"eve" not in upstream.last.head

    def test_a_request_with_an_invalid_session_is_a_guests(self, open_gate, upstream):
        assert open_gate.exchange("GET", "/", {**NAVIGATION, "Cookie": "sidegate=AAAA"}).status == 200
        assert upstream.last.get("X-Forwarded-User") is None

    def test_a_user_who_is_no_longer_registered_is_a_guest_or_refused(self, upstream, start_gate):
        cookie = start_gate(upstream).session_cookie()
        after = guarded(start_gate, upstream, default="guest", users={"emails": ["bob@example.com"]})
        response = after.exchange("GET", "/", {**NAVIGATION, **cookie})
        assert response.status == 403 or upstream.last.get("X-Forwarded-User") is None and b"ada@" not in upstream.last.head

    @pytest.mark.parametrize("rule, reason", [
        ({"require": {"groups": ["admins"]}}, "group_missing"),
        ({"require": {"email": ["eve@example.com"]}}, "user_not_registered"),
        ({"unauthenticated": "401"}, "user_not_registered"),
        ({"unauthenticated": "redirect"}, "user_not_registered"),
    ])
    @pytest.mark.parametrize("proof", ["session", "bearer"])
    def test_a_user_who_is_not_registered_passes_no_rule_that_needs_one(self, upstream, start_gate, rule, reason, proof):
        before = start_gate(upstream)
        gate = guarded(
            start_gate, upstream, default="guest", users={"emails": ["bob@example.com"]},
            rules=[{"paths": ["/admin/*"], **rule}])
        eve = {"sub": "eve", "email": "eve@example.com", "groups": ["staff"]}
        fields = (
            before.session_cookie(**eve) if proof == "session"
            else {"Authorization": "Bearer " + tokens.token(**eve)})
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": gate.origin}
        for method, more in (("GET", NAVIGATION), ("POST", XHR), ("GET", upgrade), ("DELETE", {})):
            response = gate.exchange(method, "/admin/x", {**fields, **more}, b"" if method == "POST" else None)
            assert response.status == 403
            if more is not NAVIGATION:
                assert reason.encode() in response.body or reason.encode() in response.head
        for name in ("X-Original-URI", "X-Forwarded-Uri"):
            response = gate.exchange("GET", "/.sidegate/auth", {
                **fields, name: "/admin/x", "X-Forwarded-Method": "GET", "X-Original-Method": "GET",
                "X-Forwarded-Host": f"127.0.0.1:{gate.port}", "X-Forwarded-Proto": "http"})
            assert response.status == 403
        assert upstream.requests == []
        assert gate.exchange("GET", "/", {**fields, **NAVIGATION}).status == 200
        assert upstream.last.get("X-Forwarded-User") is None

    def test_a_user_who_is_registered_no_more_loses_what_rules_granted(self, upstream, start_gate, tmp_path):
        listed = tmp_path / "emails"
        listed.write_text("bob@example.com\n")
        gate = guarded(
            start_gate, upstream, default="guest", users={"emailsFile": str(listed)},
            rules=[{"paths": ["/team/*"], "require": {"groups": ["staff"]}}])
        cookie = start_gate(upstream).session_cookie(sub="bob", email="bob@example.com", groups=["staff"])
        assert gate.exchange("GET", "/team/x", {**NAVIGATION, **cookie}).status == 200
        listed.write_text("ada@example.com\n")
        wait_until(
            lambda: gate.exchange("GET", "/team/x", {**NAVIGATION, **cookie}).status == 403, "the file was read again")

    def test_a_guests_sign_in_ends_the_previous_session(self, upstream, start_gate):
        """Bob's session must not continue while Eve is a guest."""
        gate = guarded(start_gate, upstream, default="guest", users={"emails": ["bob@example.com"]})
        browser = Browser(gate)
        visit = Visit(gate)
        visit.cookies = browser.cookies
        visit.navigate("/.sidegate/login?return_to=/")
        accepted(visit.bring(token(sub="bob", email="bob@example.com")))
        assert visit.has_session
        visit.navigate("/.sidegate/login?return_to=/")
        accepted(visit.bring(token(sub="eve", email="eve@example.com")))
        assert not visit.has_session
        visit.navigate("/")
        assert upstream.last.get("X-Forwarded-User") is None
