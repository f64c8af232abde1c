# SPDX-License-Identifier: Apache-2.0
"""OpenID Connect: the end of a session, at the provider, at the gate, and by the provider's back channel."""

import html
import re
import time
import urllib.parse

import pytest

from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR
from harness.journal import wait_for_audit
from harness.openid import (  # noqa: F401  fixtures among them
    FORM, SIGNED_OUT, OpenIDVisit, UnderName, module_openid_gate, module_provider, openid_gate, provider, start_openid_gate, start_provider)
from harness.openid_keys import Signer, claims_of, sign
from harness.openid_provider import hmac_token
from harness.process import wait_until
from harness.visits import Visit, accepted, query

BACK_CHANNEL = "/.sidegate/backchannel-logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def signed_in(gate, provider, **claims) -> OpenIDVisit:  # noqa: F811
    browser = OpenIDVisit(gate, provider)
    browser.sign_in(**claims)
    return browser


def tell(gate, token: str):
    """Sends the provider's back-channel logout."""
    response = gate.exchange("POST", BACK_CHANNEL, FORM, urllib.parse.urlencode({"logout_token": token}).encode())
    # A session begun in the same millisecond as the logout ends as well.
    last = int(time.time() * 1000)
    wait_until(lambda: int(time.time() * 1000) > last, "the next millisecond", interval=0.001)
    return response


def sign_in_link(page) -> str:
    return next(link for link in map(html.unescape, re.findall(r'href="([^"]*)"', page.text)) if link.startswith("/.sidegate/login"))


class TestAtTheProvider:
    def test_logout_goes_to_the_end_of_session_endpoint(self, openid_gate, provider):
        browser = signed_in(openid_gate, provider)
        response = browser.sign_out()
        assert response.status == 303 and not browser.has_session
        assert response["Location"].startswith(provider.endpoint("end_session") + "?")
        assert query(response["Location"]) == {
            "client_id": "app", "post_logout_redirect_uri": openid_gate.origin + SIGNED_OUT}, "nothing else: no token"

    def test_the_public_url_is_where_it_comes_back_to(self, provider, start_openid_gate):
        gate = UnderName(start_openid_gate(provider, publicURL="http://app.test"), "http://app.test")
        response = signed_in(gate, provider).sign_out()
        assert query(response["Location"])["post_logout_redirect_uri"] == "http://app.test" + SIGNED_OUT

    def test_the_query_of_the_endpoint_is_kept(self, provider, start_openid_gate):
        provider.metadata["end_session_endpoint"] = provider.endpoint("end_session") + "?tenant=a%20b"
        gate = start_openid_gate(provider)
        location = signed_in(gate, provider).sign_out()["Location"]
        assert "?tenant=a%20b&" in location and query(location)["client_id"] == "app"

    @pytest.mark.parametrize("target", ["https://attacker.test/", "//attacker.test", "/app/page", "/\\attacker.test"])
    def test_nobody_but_the_configuration_says_where_it_comes_back_to(self, openid_gate, provider, target):
        """An open redirect by post_logout_redirect_uri."""
        for name in ("post_logout_redirect_uri", "return_to", "rd", "redirect_uri", "client_id", "id_token_hint"):
            browser = signed_in(openid_gate, provider)
            response = browser.navigate(f"/.sidegate/logout?{urllib.parse.urlencode({name: target})}", "POST", {
                "Sec-Fetch-Site": "same-origin", "Origin": openid_gate.origin})
            if response.status == 400:
                continue
            assert response.status == 303
            found = urllib.parse.urlsplit(response["Location"])
            assert found.netloc in (urllib.parse.urlsplit(provider.url).netloc, urllib.parse.urlsplit(openid_gate.origin).netloc)
            assert query(response["Location"])["post_logout_redirect_uri"].startswith(openid_gate.origin + SIGNED_OUT)
            assert "attacker" not in query(response["Location"])["post_logout_redirect_uri"].partition("?")[0]

    def test_signing_in_again_leads_to_the_page_that_the_logout_named(self, openid_gate, provider, upstream):
        browser = signed_in(openid_gate, provider)
        response = browser.navigate("/.sidegate/logout?return_to=/x%3Fa%3D1", "POST", {
            "Sec-Fetch-Site": "same-origin", "Origin": openid_gate.origin})
        assert query(response["Location"])["post_logout_redirect_uri"] == openid_gate.origin + SIGNED_OUT, "the registered one"
        page = browser.navigate(SIGNED_OUT, headers=FROM_ANOTHER_SITE)
        link = sign_in_link(page)
        assert query(link) == {"return_to": "/x?a=1"}
        browser.go(link)
        assert accepted(browser.come_back(browser.authorize())) == "/x?a=1"
        # The cookie is the gate's own: the app never sees it, nor does another browser's page.
        assert any("target" in name for name in browser.cookies)
        assert browser.navigate("/x").status == 200 and "target" not in (upstream.last.get("Cookie") or "")
        assert query(sign_in_link(Visit(openid_gate).navigate(SIGNED_OUT))) == {"return_to": "/"}
        browser.sign_out()
        assert not any("target" in name for name in browser.cookies), "another logout, without a target"

    def test_the_page_after_it_does_not_sign_in_again_by_itself(self, openid_gate, provider, upstream):
        for browser in (Visit(openid_gate), signed_in(openid_gate, provider)):
            upstream.requests.clear()
            response = browser.navigate(SIGNED_OUT, headers=FROM_ANOTHER_SITE)
            assert response.status == 200 and "text/html" in response["Content-Type"] and "no-store" in response["Cache-Control"]
            assert upstream.requests == [], "a reserved path, which the app never sees"
            assert "http-equiv" not in response.text.lower() or "refresh" not in response.text.lower()

    @pytest.mark.parametrize("tail", ["?state=<script>alert(1)</script>", "?return_to=https://attacker.test", "?error=x&error_description=Call+us"])
    def test_the_page_repeats_nothing(self, openid_gate, provider, tail):
        response = Visit(openid_gate).navigate(SIGNED_OUT + tail, headers=FROM_ANOTHER_SITE)
        assert response.status in (200, 400)
        assert not any(word in response.text for word in ("alert(1)", "attacker.test", "Call us"))

    def test_a_provider_without_the_endpoint(self, provider, start_openid_gate):
        provider.metadata["end_session_endpoint"] = None
        gate = start_openid_gate(provider)
        browser = signed_in(gate, provider)
        response = browser.sign_out()
        assert not browser.has_session and response.status in (200, 303)
        assert not response.get("Location") or response["Location"].startswith((gate.origin, "/"))

    def test_a_configured_address_wins(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, {"logoutURL": "https://portal.test/bye"})
        assert signed_in(gate, provider).sign_out()["Location"].startswith("https://portal.test/bye")

    def test_a_get_of_another_site_ends_nothing(self, openid_gate, provider):
        browser = signed_in(openid_gate, provider)
        response = browser.navigate("/.sidegate/logout", headers=FROM_ANOTHER_SITE)
        assert response.status == 200 and browser.is_in

    def test_with_stored_sessions_the_provider_knows_whom_to_sign_out(self, provider, start_openid_gate, redis):
        gate = start_openid_gate(provider, session={"store": "redis"}, redis={"url": redis.url, "timeout": "5s"})
        browser = signed_in(gate, provider)
        location = browser.sign_out()["Location"]
        hint = query(location)["id_token_hint"]
        assert claims_of(hint)["sub"] == "248289761001" and hint in provider.secrets
        assert not any(hint in value for value in browser.cookies.values())
        assert all(hint.encode() not in (redis("GET", key) or b"") for key in redis.keys()
                   if redis("TYPE", key) == b"string"), "sealed in the store"

    def test_in_cookies_no_token_is_kept(self, openid_gate, provider):
        """It would not fit, and would be on every request."""
        browser = OpenIDVisit(openid_gate, provider)
        browser.sign_in(filler="x" * 3000)
        assert sum(map(len, browser.cookies.values())) < 3000

    def test_the_user_is_signed_in_again_only_by_the_provider(self, openid_gate, provider):
        browser = signed_in(openid_gate, provider)
        old = dict(browser.cookies)
        browser.sign_out()
        browser.cookies = old
        assert not browser.is_in, "the cookie of before is worth nothing"


class TestBackChannel:
    def test_it_ends_the_sessions_of_the_user(self, openid_gate, provider):
        adas = [signed_in(openid_gate, provider, sid=f"s{n}") for n in range(2)]
        bob = signed_in(openid_gate, provider, sub="bob", email="bob@example.com", sid="s9")
        response = tell(openid_gate, provider.logout_token())
        assert response.status == 200 and "no-store" in response["Cache-Control"]
        assert [browser.is_in for browser in [*adas, bob]] == [False, False, True]

    def test_by_sid_it_ends_that_session_alone(self, openid_gate, provider):
        first, second = signed_in(openid_gate, provider, sid="tablet"), signed_in(openid_gate, provider, sid="phone")
        assert tell(openid_gate, provider.logout_token(sub=None, sid="tablet")).status == 200
        assert not first.is_in and second.is_in

    def test_by_sid_and_sub_it_ends_that_session_alone(self, openid_gate, provider):
        first, second = signed_in(openid_gate, provider, sid="tablet-2"), signed_in(openid_gate, provider, sid="phone-2")
        assert tell(openid_gate, provider.logout_token(sid="tablet-2")).status == 200
        assert not first.is_in and second.is_in

    def test_an_unknown_sid_ends_nothing(self, openid_gate, provider):
        ada = signed_in(openid_gate, provider, sid="tablet-3")
        assert tell(openid_gate, provider.logout_token(sub=None, sid="another")).status == 200
        assert ada.is_in

    def test_a_user_can_sign_in_again(self, openid_gate, provider):
        old = signed_in(openid_gate, provider, sid="once")
        tell(openid_gate, provider.logout_token())
        new = signed_in(openid_gate, provider, sid="twice")
        assert new.is_in and not old.is_in

    def test_every_worker_and_the_audit_know(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, workers=3)
        ada = signed_in(gate, provider, sid="x")
        assert tell(gate, provider.logout_token(sub=None, sid="x")).status == 200
        assert not any(ada.is_in for _ in range(20))
        assert wait_for_audit(gate, "logout")

    def test_every_replica_knows(self, provider, start_openid_gate, redis):
        shared = {"replay": {"store": "redis"}, "redis": {"url": redis.url, "timeout": "5s"}, "publicURL": "http://app.test"}
        gates = [UnderName(start_openid_gate(provider, **shared), "http://app.test") for _ in range(2)]
        browser = signed_in(gates[0], provider, sid="of-both")
        browser.gate = gates[1]
        assert browser.is_in
        assert tell(gates[0], provider.logout_token(sub=None, sid="of-both")).status == 200
        wait_until(lambda: not browser.is_in, "the other replica knows")

    def test_logout_tokens_need_no_typ(self, openid_gate, provider):
        ada = signed_in(openid_gate, provider)
        provider.mint = lambda claims, header: sign(provider.signer, claims)
        assert tell(openid_gate, provider.logout_token()).status == 200
        assert not ada.is_in

    def test_logout_tokens_need_no_expiry(self, openid_gate, provider):
        """Glewlwyd's have none; `iat` and `token.maxAge` bound their use."""
        ada = signed_in(openid_gate, provider)
        assert tell(openid_gate, provider.logout_token(exp=None)).status == 200
        assert not ada.is_in

    BAD = {
        "an old one without expiry": {"exp": None, "iat": int(time.time()) - 3600},
        "a nonce": {"nonce": "n-0S6"},
        "no events": {"events": None},
        "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
        "events that are no object": {"events": [EVENT]},
        "an event that is no object": {"events": {EVENT: "yes"}},
        "another audience": {"aud": "other"},
        "no audience": {"aud": None},
        "another issuer": {"iss": "https://attacker.test"},
        "no issuer": {"iss": None},
        "no iat": {"iat": None},
        "neither sub nor sid": {"sub": None},
        "an empty sid": {"sub": None, "sid": ""},
        "a sid that is no text": {"sub": None, "sid": ["session-1"]},
        "expired": {"iat": int(time.time()) - 3600, "exp": int(time.time()) - 3000},
    }

    @pytest.mark.parametrize("kind", BAD)
    def test_a_bad_logout_token_ends_nothing(self, openid_gate, provider, kind):
        ada = signed_in(openid_gate, provider)
        response = tell(openid_gate, provider.logout_token(**self.BAD[kind]))
        assert response.status == 400 and "no-store" in response["Cache-Control"], response.status
        assert ada.is_in

    @pytest.mark.parametrize("kind", ["client secret", "another key", "none"])
    def test_a_logout_token_of_somebody_else_ends_nothing(self, openid_gate, provider, kind):
        ada = signed_in(openid_gate, provider)
        provider.mint = {"client secret": lambda claims, header: hmac_token(provider.client_secret, claims),
                         "another key": lambda claims, header: sign(Signer("another-key"), claims),
                         "none": lambda claims, header: sign(provider.signer, claims, alg="none")}[kind]
        assert 400 <= tell(openid_gate, provider.logout_token()).status < 500
        assert ada.is_in

    def test_an_id_token_is_no_logout_token(self, openid_gate, provider):
        """Everybody to whom it was given could sign the user out."""
        ada = signed_in(openid_gate, provider)
        token = provider.id_token(list(provider.grants.values())[-1])
        assert 400 <= tell(openid_gate, token).status < 500
        assert ada.is_in

    def test_a_logout_token_is_for_single_use(self, openid_gate, provider):
        token = provider.logout_token()
        assert tell(openid_gate, token).status == 200
        ada = signed_in(openid_gate, provider)
        assert 400 <= tell(openid_gate, token).status < 500
        assert ada.is_in

    def test_a_logout_token_signs_nobody_in(self, openid_gate, provider):
        provider.mint = lambda claims, header: sign(provider.signer, {**claims, "events": {EVENT: {}}})
        browser = OpenIDVisit(openid_gate, provider)
        assert browser.enter().status == 403 and not browser.has_session

    def test_a_new_key_is_fetched_for_it(self, provider, start_openid_gate):
        gate = start_openid_gate(provider)  # of its own, since such fetches are rare
        ada = signed_in(gate, provider)
        fresh = Signer("a-new-key-for-logout")
        provider.keys.append(fresh.jwk)
        provider.mint = lambda claims, header: sign(fresh, claims, **header)
        assert tell(gate, provider.logout_token()).status == 200
        assert not ada.is_in

    def test_live_event_streams_are_closed(self, openid_gate, provider, upstream):
        def stream(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"9\r\ndata: 1\n\n\r\n")
            connection.socket.recv(1)
        ada = signed_in(openid_gate, provider, sid="streaming")
        upstream.answer = stream
        with openid_gate.connection() as connection:
            connection.request("GET", "/events", {"Cookie": ada.cookie_header(), "Accept": "text/event-stream"})
            assert connection.read_head().status == 200
            assert tell(openid_gate, provider.logout_token(sub=None, sid="streaming")).status == 200
            connection.read_all()  # returns when it is closed; otherwise the connection's timeout fails the test


def test_programs_with_an_ended_session_get_401(openid_gate, provider):
    ada = signed_in(openid_gate, provider)
    tell(openid_gate, provider.logout_token())
    assert openid_gate.exchange("GET", "/api", {**XHR, "Cookie": ada.cookie_header()}).status == 401
    assert openid_gate.exchange("GET", "/", {**NAVIGATION, "Cookie": ada.cookie_header()}).status == 302
