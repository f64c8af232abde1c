# SPDX-License-Identifier: Apache-2.0
"""Responses of OpenID providers that come more than once or in great number, and providers that would use the gate."""

import urllib.parse

import pytest

from harness import tokens
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, sidegate
from harness.key_server import KeyServer
from harness.openid import (  # noqa: F401  fixtures among them
    CALLBACK, FORM, FORM_POST, OpenIDVisit, authority, module_openid_gate, module_provider, openid_gate, over_tls, provider, ready,
    secure_settings, start_openid_gate, start_provider)
from harness.journal import lines
from harness.openid_keys import Signer, sign
from harness.process import wait_until
from harness.visits import accepted, refused
from test_provisioning import SECRET, Accounts
from test_several_providers import HEADERS, Person, item, listed

LOGIN = "/.sidegate/login"


def holds(provider):  # noqa: F811
    """The token endpoint answers as it should, once the provider is released."""
    def answer(request, connection):
        provider.released.wait(30)
        provider._token(request, connection)
    return answer


def sends(gate, browser, query: str, path: str = CALLBACK, client: str = None, as_form: bool = False):
    """The browser's return on a connection of its own, whose response is not read yet."""
    connection = gate.connection()
    headers = {**NAVIGATION, **FROM_ANOTHER_SITE, "Cookie": browser.cookie_header(), "User-Agent": browser.user_agent}
    if client:
        headers["X-Forwarded-For"] = client
    if as_form:
        connection.request("POST", path, {**headers, **FORM_POST}, query.encode())
    else:
        connection.request("GET", f"{path}?{query}", headers)
    return connection


@pytest.fixture
def posting(provider, start_openid_gate, authority):  # noqa: F811
    """A gate whose provider sends forms."""
    def start(**changes):
        gate = start_openid_gate(provider, {"responseMode": "form_post"}, is_up=False, **secure_settings(authority), **changes)
        return ready(over_tls(gate, authority))
    return start


def returns(gate) -> list:
    """The lines of returns that have ended."""
    return [line for line in lines(gate) if line.get("kind") == "access" and line.get("path", "").startswith(CALLBACK)]


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

    @pytest.mark.parametrize("mode", ["query", "form_post"])
    def test_a_browser_that_closes_its_connection_and_sends_once_more_signs_in(self, posting, start_openid_gate, provider, mode):
        """By FIN, while the code is redeemed: nothing of the first request counts as used."""
        gate = posting() if mode == "form_post" else start_openid_gate(provider)
        browser = OpenIDVisit(gate, provider, "/page")
        answer = browser.authorize()
        provider.scripts["token"] = holds(provider)
        first = sends(gate, browser, answer.query, as_form=mode == "form_post")
        provider.wait_for("token")
        first.close()
        wait_until(lambda: returns(gate), f"the gate has noticed\n{gate.log()}")
        provider.released.set()
        wait_until(lambda: provider.access_tokens, "the tokens of the first request")
        assert accepted(browser.come_back(answer)) == "/page" and provider.count("token") == 1
        assert browser.is_in

    @pytest.mark.parametrize("end", ["close", "reset"])
    def test_so_does_one_that_leaves_while_the_app_is_notified(self, posting, provider, end):
        """The token was consumed by a request whose response reached nobody."""
        accounts = Accounts()
        try:
            gate = posting(provisioning={"url": accounts.url, "secret": SECRET})
            browser, copy = OpenIDVisit(gate, provider, "/page"), OpenIDVisit(gate, provider)
            answer = browser.authorize()
            copy.cookies = dict(browser.cookies)
            accounts.gate_open.clear()
            first = sends(gate, browser, answer.query, as_form=True)
            wait_until(lambda: accounts.calls, "the app is called")
            getattr(first, end)()
            wait_until(lambda: returns(gate), f"the gate has noticed\n{gate.log()}")
            accounts.gate_open.set()
            assert accepted(browser.come_back(answer)) == "/page" and provider.count("token") == 1
            # Without the login cookie it is nobody's, and not once more after a sign-out.
            refused(OpenIDVisit(gate, provider).come_back(answer), "login_state_missing")
            browser.sign_out()
            refused(copy.come_back(answer), "replayed")
        finally:
            accounts.gate_open.set()
            accounts.server.stop()

    @pytest.mark.parametrize("mode", ["query", "form_post"])
    def test_whatever_was_answered_the_next_one_signs_in(self, posting, start_openid_gate, provider, mode):
        """The first response is complete, and the browser has not kept it: its requests bring the same cookies."""
        gate = posting() if mode == "form_post" else start_openid_gate(provider, workers=2)
        browser = OpenIDVisit(gate, provider, "/page")
        answer, before = browser.authorize(), dict(browser.cookies)
        for _ in range(4):
            browser.cookies = dict(before)
            assert accepted(browser.come_back(answer)) == "/page" and browser.is_in
        # With the cookies of both: it leads to the page, and the session goes on.
        browser.cookies.update(before)
        assert accepted(browser.come_back(answer)) == "/page" and browser.is_in
        assert provider.count("token") == 1

    def test_those_that_wait_for_the_provider_all_sign_in(self, start_openid_gate, provider):
        gate = start_openid_gate(provider, workers=2)
        browser = OpenIDVisit(gate, provider, "/page")
        answer = browser.authorize()
        provider.scripts["token"] = holds(provider)
        connections = [sends(gate, browser, answer.query)]
        provider.wait_for("token")
        connections += [sends(gate, browser, answer.query) for _ in range(7)]
        provider.released.set()
        for connection in connections:
            assert accepted(connection.response()) == "/page"
            connection.close()
        assert provider.count("token") == 1

    def test_the_app_is_notified_once(self, posting, provider):
        accounts = Accounts()
        try:
            gate = posting(provisioning={"url": accounts.url, "secret": SECRET})
            browser = OpenIDVisit(gate, provider, "/page")
            answer = browser.authorize()
            accounts.gate_open.clear()
            connections = [sends(gate, browser, answer.query, as_form=True) for _ in range(3)]
            wait_until(lambda: accounts.calls, "the app is called")
            accounts.gate_open.set()
            for connection in connections:
                assert accepted(connection.response()) == "/page"
                connection.close()
            assert len(accounts.calls) == 1
        finally:
            accounts.gate_open.set()
            accounts.server.stop()

    def test_a_client_that_only_sends_no_more_gets_other_responses(self, openid_gate, provider):
        with openid_gate.connection() as connection:
            connection.request("GET", "/page", NAVIGATION)
            connection.half_close()
            assert connection.response().status == 302

    def test_a_form_that_stops_arriving_is_refused(self, posting, provider):
        """`limits.bodyIdleTimeout`, as for any request; nothing is redeemed."""
        gate = posting(limits={"bodyIdleTimeout": "1s"})
        browser = OpenIDVisit(gate, provider, "/page")
        answer = browser.authorize()
        with gate.connection() as connection:
            body = answer.query.encode()
            connection.request("POST", CALLBACK, {
                **NAVIGATION, **FORM_POST, "Cookie": browser.cookie_header(), "Content-Length": str(len(body))}, body[:20])
            assert connection.response().status == 408
        assert provider.count("token") == 0
        assert accepted(browser.come_back(answer)) == "/page"

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
            identityHeaders=HEADERS, workers=2, trustedProxies=["127.0.0.0/8"]))
        for name in ("slow", "good"):
            wait_until(lambda: gate.exchange("GET", f"{LOGIN}?provider={name}&return_to=/", NAVIGATION).status == 302, "discovery")
        slow.scripts["token"] = holds(slow)
        connections = []
        for number in range(80):
            browser = OpenIDVisit(gate, slow, f"{LOGIN}?provider=slow&return_to=/page")
            connections.append(sends(gate, browser, browser.authorize().query, CALLBACK + "/slow", f"192.0.2.{number}"))
        try:
            wait_until(lambda: slow.count("token") >= 32, "codes on their way")
            browser = OpenIDVisit(gate, good, f"{LOGIN}?provider=good&return_to=/page")
            assert accepted(browser.come_back(browser.authorize())) == "/page"
            assert slow.count("token") == 32, "half of the 64"
        finally:
            slow.released.set()
            for connection in connections:
                connection.close()


class TestGreedyClient:
    def test_one_address_keeps_nobody_from_signing_in(self, start_provider, start_openid_gate):  # noqa: F811
        """The client is the one that trusted proxies name; it has half of the 64 codes on their way."""
        provider = start_provider()
        gate = start_openid_gate(provider, workers=2, trustedProxies=["127.0.0.0/8"])
        greedy = "2001:db8::"
        codes, connections = [], []

        def answer(request, connection):
            code = dict(urllib.parse.parse_qsl(request.body.decode()))["code"]
            if code in codes:
                provider.released.wait(30)
            provider._token(request, connection)
        provider.scripts["token"] = answer
        try:
            for number in range(70):
                browser = OpenIDVisit(gate, provider, "/page")
                response = browser.authorize()
                codes.append(response.parameters["code"])
                connections.append(sends(gate, browser, response.query, client=f"{greedy}{number:x}"))
            provider.wait_for("token", 32)
            browser = OpenIDVisit(gate, provider, "/page")
            other = sends(gate, browser, browser.authorize().query, client="2001:db8:0:1::1")
            assert accepted(other.response()) == "/page"
            other.close()
            assert provider.count("token") == 33
        finally:
            provider.released.set()
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
    def shared(self, gate) -> list:
        return [line for line in lines(gate) if line.get("message") == "identity providers share a key"]

    def test_openid_providers_with_one_key_set_are_named_once(self, start_gate, upstream, start_provider, tmp_path):
        one, two = start_provider("one"), start_provider("two", client_id="shop")
        two.keys, two.signer = one.keys, one.signer
        settings = listed(*[
            {"name": p.name, "identityProvider": {k: v for k, v in p.settings().items() if v is not None}} for p in (one, two)],
            identityHeaders=HEADERS)
        gate = start_gate(upstream, **settings)
        wait_until(lambda: self.shared(gate), f"the warning\n{gate.log()}")
        for provider in (one, two):
            browser = OpenIDVisit(gate, provider, f"{LOGIN}?provider={provider.name}&return_to=/page")
            accepted(browser.come_back(browser.authorize()))
        # A key set that changes is compared again, and the pair is known.
        new = Signer("new")
        for provider in (one, two):
            provider.keys, provider.signer = [new.jwk], new
            provider.mint = lambda claims, header: sign(new, claims, **header)
            browser = OpenIDVisit(gate, provider, f"{LOGIN}?provider={provider.name}&return_to=/page")
            accepted(browser.come_back(browser.authorize()))
        line, = self.shared(gate)
        assert line["level"] == "warning" and set(line["providers"].split(", ")) == {"one", "two"} and line["key"].startswith("one-key")
        assert "only iss distinguishes their tokens" in line["cause"] and line["fix"]
        done = sidegate("doctor", "--config", gate.config)
        assert "one and two share the key new (RSA" in done.stdout and "only iss distinguishes" in done.stdout, done.stdout

    def test_different_keys_are_not_named(self, start_gate, upstream, start_provider):
        one, two = start_provider("one"), start_provider("two", client_id="shop")
        gate = start_gate(upstream, **listed(*[
            {"name": p.name, "identityProvider": {k: v for k, v in p.settings().items() if v is not None}} for p in (one, two)],
            identityHeaders=HEADERS))
        wait_until(lambda: gate.log().count("key set fetched") == 2, "two key sets")
        assert not self.shared(gate)
        assert "share the key" not in sidegate("doctor", "--config", gate.config).stdout

    @pytest.mark.parametrize("issuers, outcome, words", [
        (("https://staff.test", "https://shop.test"), "warning", "only iss distinguishes"),
        (("https://staff.test", None), "warning", "shop requires no issuer"), ((None, None), "FAIL", "a token of either signs in at the other")])
    def test_the_doctor_names_the_consequence(self, start_gate, upstream, issuers, outcome, words):
        servers = [KeyServer(Signer("shared").jwk), KeyServer(Signer("shared").jwk)]
        try:
            gate = start_gate(upstream, **listed(*[
                item(name, token={"algorithms": ["RS256"], "keys": [{"jwksURL": server.url}], "issuer": issuer})
                for name, server, issuer in zip(("staff", "shop"), servers, issuers)], identityHeaders=HEADERS))
            wait_until(lambda: self.shared(gate), f"the warning\n{gate.log()}")
            assert words in self.shared(gate)[0]["cause"]
            done = sidegate("doctor", "--config", gate.config)
            line = next(line for line in done.stdout.splitlines() if "staff and shop share the key shared" in line)
            assert line.startswith(outcome) and words in line, done.stdout
        finally:
            for server in servers:
                server.stop()

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
