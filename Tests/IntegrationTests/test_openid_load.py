# SPDX-License-Identifier: Apache-2.0
"""Responses of OpenID providers that come more than once or in great number, and providers that would use the gate."""

import urllib.parse

import pytest

from harness import tokens
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR
from harness.key_server import KeyServer
from harness.openid import (  # noqa: F401  fixtures among them
    CALLBACK, FORM, OpenIDVisit, authority, module_openid_gate, module_provider, openid_gate, provider, start_openid_gate, start_provider)
from harness.openid_keys import Signer, sign
from harness.process import wait_until
from harness.visits import accepted, refused
from test_several_providers import HEADERS, Person, item, listed

LOGIN = "/.sidegate/login"


def holds(provider):  # noqa: F811
    """The token endpoint answers as it should, once the provider is released."""
    def answer(request, connection):
        provider.released.wait(30)
        provider._token(request, connection)
    return answer


def sends(gate, browser, query: str, path: str = CALLBACK):
    """The browser's return on a connection of its own, whose response is not read yet."""
    connection = gate.connection()
    connection.request("GET", f"{path}?{query}", {
        **NAVIGATION, **FROM_ANOTHER_SITE, "Cookie": browser.cookie_header(), "User-Agent": browser.user_agent})
    return connection


class TestRepeatedReturns:
    @pytest.mark.parametrize("late", [False, True], ids=["meanwhile", "afterwards"])
    def test_a_form_that_is_sent_twice_signs_in(self, openid_gate, provider, late):
        """The browser abandons the first request when it sends the second."""
        browser = OpenIDVisit(openid_gate, provider, "/page")
        answer = browser.authorize()
        provider.scripts["token"] = holds(provider)
        first = sends(openid_gate, browser, answer.query)
        provider.wait_for("token")
        first.reset()
        if late:
            provider.released.set()
            wait_until(lambda: provider.access_tokens, "the tokens of the first request")
            response = browser.come_back(answer)
        else:
            second = sends(openid_gate, browser, answer.query)
            provider.released.set()
            response = second.response()
            second.close()
        assert accepted(response) == "/page" and provider.count("token") == 1

    def test_a_reload_and_the_back_button_lead_to_the_page(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/page?x=1")
        answer = browser.authorize()
        accepted(browser.come_back(answer))
        for _ in range(3):
            assert accepted(browser.come_back(answer)) == "/page?x=1"
        assert provider.count("token") == 1
        browser.sign_out()
        refused(browser.come_back(answer), "login_state_missing")

    def test_one_attempt_asks_the_provider_once(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/page")
        answer = browser.authorize()
        provider.scripts["token"] = holds(provider)
        genuine = sends(openid_gate, browser, answer.query)
        provider.wait_for("token")
        others = [sends(openid_gate, browser, answer.changed(code=f"another-{number}").query) for number in range(100)]
        for connection in others:
            refused(connection.response(), "code_exchange_failed")
            connection.close()
        provider.released.set()
        assert accepted(genuine.response()) == "/page" and provider.count("token") == 1
        genuine.close()


class TestUnknownKeys:
    def test_strangers_do_not_use_up_the_fetch_for_sign_ins(self, provider, start_openid_gate):  # noqa: F811
        gate = start_openid_gate(provider)
        before = provider.count("keys")
        token = sign(Signer("of-a-stranger"), {"iss": provider.issuer, "aud": provider.client_id})
        body = urllib.parse.urlencode({"logout_token": token}).encode()
        for _ in range(3):
            assert gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status == 400
        assert provider.count("keys") == before + 1
        new = Signer("rotated")
        provider.keys = [new.jwk]
        provider.mint = lambda claims, header: sign(new, claims, **header)
        OpenIDVisit(gate, provider).sign_in()
        assert provider.count("keys") == before + 2


class TestSlowProvider:
    def test_it_takes_no_sign_in_from_another(self, start_gate, upstream, start_provider):  # noqa: F811
        slow, good = start_provider("slow"), start_provider("good", client_id="shop")
        gate = start_gate(upstream, **listed(*[
            {"name": p.name, "identityProvider": {k: v for k, v in p.settings().items() if v is not None}} for p in (slow, good)],
            identityHeaders=HEADERS, workers=2))
        for name in ("slow", "good"):
            wait_until(lambda: gate.exchange("GET", f"{LOGIN}?provider={name}&return_to=/", NAVIGATION).status == 302, "discovery")
        slow.scripts["token"] = holds(slow)
        connections = []
        for _ in range(80):
            browser = OpenIDVisit(gate, slow, f"{LOGIN}?provider=slow&return_to=/page")
            connections.append(sends(gate, browser, browser.authorize().query, CALLBACK + "/slow"))
        try:
            wait_until(lambda: slow.count("token") >= 32, "codes on their way")
            browser = OpenIDVisit(gate, good, f"{LOGIN}?provider=good&return_to=/page")
            assert accepted(browser.come_back(browser.authorize())) == "/page"
            assert slow.count("token") == 32, "half of the 64"
        finally:
            slow.released.set()
            for connection in connections:
                connection.close()


class TestLoopback:
    @pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"])
    def test_a_provider_elsewhere_names_nothing_on_this_machine(self, start_provider, start_openid_gate, authority, upstream, name):  # noqa: F811
        secure = start_provider(certificate=authority.issue("idp", "DNS:localhost"))
        secure.metadata[name] = upstream.url + "/admin/delete"
        gate = start_openid_gate(secure, {"tls": {"ca": authority.path}, "userInfo": name == "userinfo_endpoint"}, is_up=False)
        wait_until(lambda: f"its {name} is not https" in gate.log(), "the log")
        upstream.requests.clear()
        if name in ("token_endpoint", "jwks_uri"):
            refused(gate.exchange("GET", "/page", NAVIGATION), "provider_unavailable", 503)
        else:
            wait_until(lambda: gate.exchange("GET", "/page", NAVIGATION).status == 302, "discovery")
            browser = OpenIDVisit(gate, secure)
            browser.enter()
            browser.sign_out()
        assert not upstream.requests


class TestSharedKey:
    def test_a_token_of_one_provider_is_not_anothers(self, start_gate, upstream):
        """Two key sets hold one key, which `check` cannot know; only one of the providers requires its issuer."""
        servers = [KeyServer(Signer("shared").jwk), KeyServer(Signer("shared").jwk)]
        try:
            gate = start_gate(upstream, **listed(
                item("staff", token={"algorithms": ["RS256"], "keys": [{"jwksURL": servers[0].url}], "issuer": "https://staff.test"}),
                item("shop", token={"algorithms": ["RS256"], "keys": [{"jwksURL": servers[1].url}]}), identityHeaders=HEADERS))
            wait_until(lambda: gate.log().count("key set fetched") == 2, "two key sets")
            staff, own = (sign(Signer("shared"), tokens.claims(iss=iss)) for iss in ("https://staff.test", "https://shop.test"))
            shop = Person(gate, "shop")
            refused(shop.finish(shop.begin(), staff), "issuer_mismatch")
            accepted(shop.finish(shop.begin(), own))
            for name in ("staff", "shop"):
                bearer = sign(Signer("shared"), tokens.claims(iss=f"https://{name}.test", jti=f"bearer-{name}"))
                assert gate.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {bearer}"}).status == 200
                assert upstream.last.get("X-Provider") == name
        finally:
            for server in servers:
                server.stop()
