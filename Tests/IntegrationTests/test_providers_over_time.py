# SPDX-License-Identifier: Apache-2.0
"""Several identity providers while keys, replicas and configurations change, and `sidegate doctor` about each of them."""

import json
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import tokens
from harness.gate import FROM_ANOTHER_SITE, LOGIN_URL, NAVIGATION, XHR, Browser, merged, sidegate
from harness.gate import settings as whole
from harness.key_server import KeyServer
from harness.openid import (  # noqa: F401  fixtures among them
    FORM, OpenIDVisit, UnderName, holds_no_secrets, openid_settings, ready, start_provider)
from harness.openid_keys import Signer, sign
from harness.openid_provider import OpenIDProvider, without_none
from harness.process import wait_until
from harness.reloads import admin, change
from harness.visits import accepted, refused
from test_openid_service import replace
from test_several_providers import HEADERS, KEYS, Person, item, listed, log_out_by_provider

LOGIN = "/.sidegate/login"
SITE = "http://app.test"


def openid_item(name: str, provider: OpenIDProvider, **identity) -> dict:
    return {"name": name, "identityProvider": without_none(provider.settings(**identity))}


class TestDoctor:
    def findings(self, config) -> tuple:
        done = sidegate("doctor", "--config", config)
        found = {}
        for line in done.stdout.splitlines():
            words = line.split()
            if words and words[0] in ("ok", "warning", "FAIL"):
                found.setdefault(words[1], []).append(words[0])
        return done, found

    def test_each_provider_is_examined_under_its_name(self, tmp_path, upstream, start_provider):  # noqa: F811
        good, down = start_provider("good", path="/realms/main"), start_provider("down")
        down.stop()
        portal, keys = KeyServer(), KeyServer(Signer("portal-key").jwk)
        portal.says(404)
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(merged(whole(upstream.url, 8080, publicURL="https://app.test"), listed(
            openid_item("good", good), openid_item("down", down),
            item("portal", identityProvider={"loginURL": portal.server.url + "/login"},
                 token={"algorithms": ["RS256"], "keys": [{"jwksURL": keys.url}]}), identityHeaders=HEADERS))))
        config.chmod(0o600)
        try:
            done, found = self.findings(config)
        finally:
            portal.stop(), keys.stop()
        place = "identityProviders[{}].{}".format
        assert found[place("good", "identityProvider.issuer")] == ["ok"], done.stdout
        assert found[place("good", "jwks_uri")] == ["ok"] and found[place("good", "identityProvider.returnPath")] == ["ok"], done.stdout
        assert found[place("down", "identityProvider.issuer")] == ["FAIL"], done.stdout
        assert found[place("portal", "identityProvider.loginURL")] == ["FAIL"], done.stdout
        assert found[place("portal", "jwksURL")] == ["ok"] and "portal-key" in done.stdout, done.stdout
        assert done.returncode == 1
        # What to register at which: the path of each, and the one address for all to come back to.
        assert "https://app.test/.sidegate/callback/good" in done.stdout, done.stdout
        assert "https://app.test/.sidegate/callback/down" not in done.stdout, "nothing is known of it"
        assert good.client_secret not in done.stdout and good.count("token") == 0

    def test_all_good(self, tmp_path, upstream, start_provider):  # noqa: F811
        first, second = start_provider("first"), start_provider("second", client_id="shop")
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps(merged(whole(upstream.url, 8080, publicURL="https://app.test"), listed(
            openid_item("first", first), openid_item("second", second), identityHeaders=HEADERS))))
        config.chmod(0o600)
        done, found = self.findings(config)
        assert done.returncode == 0, done.stdout
        for name in ("first", "second"):
            assert f"https://app.test/.sidegate/callback/{name}" in done.stdout
            assert found[f"identityProviders[{name}].jwks_uri"] == ["ok"], done.stdout
        assert done.stdout.count("https://app.test/.sidegate/signed-out") == 2, done.stdout


class TestKeySets:
    """Two providers with `jwksURL`: each set is fetched, refreshed and missed on its own."""

    @pytest.fixture
    def two(self, start_gate, upstream):
        servers = {}
        for name in ("staff", "shop"):
            servers[name] = KeyServer(Signer(f"{name}-1").jwk)
        gate = start_gate(upstream, **listed(
            *[item(name, token={"algorithms": ["RS256"], "keys": [{"jwksURL": server.url}]}) for name, server in servers.items()],
            identityHeaders=HEADERS, admin=admin(), workers=2))
        wait_until(lambda: gate.log().count("key set fetched") == 2, "two key sets")
        yield gate, servers
        for server in servers.values():
            server.stop()

    @staticmethod
    def enter(gate, name: str, kid: str, **claims):
        person = Person(gate, name)
        return person, person.finish(person.begin(), sign(Signer(kid), tokens.claims(**claims)))

    def test_both_sign_in_and_neither_with_the_others_key(self, two, upstream):
        gate, _ = two
        for name in ("staff", "shop"):
            person, response = self.enter(gate, name, f"{name}-1")
            accepted(response)
            assert person.navigate("/").status == 200 and upstream.last.get("X-Provider") == name
        assert self.enter(gate, "staff", "shop-1")[1].status == 403

    def test_an_unknown_key_asks_its_own_provider_alone(self, two):
        gate, servers = two
        assert [server.fetches for server in servers.values()] == [1, 1]
        servers["staff"].keys.append(Signer("staff-2").jwk)
        accepted(self.enter(gate, "staff", "staff-2")[1])
        assert [server.fetches for server in servers.values()] == [2, 1]
        refused(self.enter(gate, "shop", "shop-2")[1], "key_not_found")
        assert [server.fetches for server in servers.values()] == [2, 2]
        accepted(self.enter(gate, "shop", "shop-1")[1])

    def test_a_server_that_hangs_holds_up_its_own_users_only(self, two):
        gate, servers = two
        released = threading.Event()
        servers["shop"].server.answer = lambda request, connection: released.wait(60)
        with ThreadPoolExecutor() as threads:
            stuck = threads.submit(self.enter, gate, "shop", "shop-2")
            wait_until(lambda: servers["shop"].fetches == 2, "the fetch that hangs")
            servers["staff"].keys.append(Signer("staff-2").jwk)
            accepted(self.enter(gate, "staff", "staff-2")[1])
            assert not stuck.done(), "it still waits"
            released.set()
            assert stuck.result(30)[1].status == 403

    def test_a_bearer_token_may_be_of_either(self, two):
        gate, servers = two
        for name in servers:  # the keys are in force, so a fetch from now on is a new one
            token = sign(Signer(f"{name}-1"), tokens.claims())
            assert gate.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {token}"}).status == 200
        servers["shop"].keys.append(Signer("shop-2").jwk)
        token = sign(Signer("shop-2"), tokens.claims())
        assert gate.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {token}"}).status == 200
        assert [server.fetches for server in servers.values()] == [2, 2]


class TestReplicas:
    """A list of providers that reaches one replica before the other."""

    @pytest.mark.parametrize("store", ["cookie", "redis"])
    def test_a_session_of_a_provider_that_a_replica_does_not_know(self, start_gate, upstream, redis, store):
        shared = {"session": {"store": store}, "redis": {"url": redis.url, "timeout": "2s"}, "replay": {"store": "redis"},
                  "publicURL": SITE, "identityHeaders": HEADERS}
        old = start_gate(upstream, **listed(item("staff"), **shared, admin=admin()))
        new = start_gate(upstream, **listed(item("staff"), item("shop"), **shared))
        staff, shop = Person(UnderName(new, SITE), "staff"), Person(UnderName(new, SITE), "shop")
        staff.sign_in(), shop.sign_in()

        def at(gate, person, headers=NAVIGATION):
            return gate.exchange("GET", "/", {**headers, "Cookie": person.cookie_header()}, host="app.test")
        assert at(old, staff).status == at(new, staff).status == at(new, shop).status == 200
        for _ in range(2):
            response = at(old, shop)
            assert response.status == 302 and response["Location"].startswith("https://staff.test/"), response.status
            assert not [line for line in response.all("Set-Cookie") if line.startswith("sidegate=")], "the cookie stays"
            assert at(old, shop, XHR).status == 401
        assert upstream.last.get("X-Provider") == "shop", "nothing of it has reached the app as somebody else's"
        assert at(new, shop).status == 200, "and the session too"
        change(old, identityProviders=[item("staff"), item("shop")])
        assert at(old, shop).status == 200 and upstream.last.get("X-Provider") == "shop"

    def test_a_logout_by_the_provider_reaches_the_replica_that_learns_of_it_later(self, start_gate, upstream, redis):
        shared = {"session": {"store": "redis"}, "redis": {"url": redis.url, "timeout": "2s"}, "publicURL": SITE}
        old = start_gate(upstream, **listed(item("staff"), **shared, admin=admin()))
        new = start_gate(upstream, **listed(item("staff"), item("shop"), **shared))
        shop = Person(UnderName(new, SITE), "shop")
        shop.sign_in()
        assert log_out_by_provider(old, "shop", sub="ada").status == 400, "not one of its providers"
        assert log_out_by_provider(new, "shop", sub="ada").status == 200
        change(old, identityProviders=[item("staff"), item("shop")])
        answer = old.exchange("GET", "/", {**NAVIGATION, "Cookie": shop.cookie_header()}, host="app.test")
        assert answer.status == 302


class TestBefore:
    """Sessions of a gate with one `identityProvider`, which becomes an item of `identityProviders`."""

    @pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
    def test_openid_sessions_of_before(self, start_gate, upstream, start_provider, place):  # noqa: F811
        provider = start_provider()
        gate = ready(start_gate(upstream, **openid_settings(provider), admin=admin()))
        browser, pending = OpenIDVisit(gate, provider), OpenIDVisit(gate, provider)
        browser.sign_in(sid="s-1")
        pending.go("/pending")
        answer = pending.authorize()
        items = [openid_item("main", provider, returnPath="/.sidegate/callback"), item("shop")]
        if place:
            items.reverse()
        before = json.loads(gate.config.read_text())
        for key in ("identityProvider", "token"):
            before.pop(key, None)
        replace(gate, {**before, "identityProviders": items, "identityHeaders": HEADERS})
        wait_until(lambda: gate.exchange("GET", f"{LOGIN}?provider=main&return_to=/", NAVIGATION).status == 302, "discovery")
        # What has no name of a provider in it is of the first one.
        assert browser.navigate("/").status == 200
        assert upstream.last.get("X-Provider") == ("main", "shop")[place]
        if place:
            return
        assert pending.come_back(answer).status == 303, "an attempt of before"
        token = urllib.parse.urlencode({"logout_token": provider.logout_token(sid="s-1")}).encode()
        assert gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, token).status == 200
        assert browser.navigate("/").status == 302 and pending.is_in
        holds_no_secrets(gate, provider)

    @pytest.mark.parametrize("names_issuer", [True, False])
    def test_two_that_swap_their_names(self, start_gate, upstream, start_provider, names_issuer):  # noqa: F811
        """An attempt belongs to the provider at which it began, not to its name."""
        first, second = start_provider("first"), start_provider("second")
        gate = start_gate(upstream, **listed(openid_item("a", first), openid_item("b", second), identityHeaders=HEADERS,
                                             admin=admin()))
        begin = f"{LOGIN}?provider={{}}&return_to=/".format
        wait_until(lambda: all(gate.exchange("GET", begin(name), NAVIGATION).status == 302 for name in "ab"), "discovery")
        browser, kept = OpenIDVisit(gate, first), OpenIDVisit(gate, first)
        browser.go(begin("a"))
        answer = browser.authorize()
        if not names_issuer:
            answer = answer.changed(iss=None)
        change(gate, identityProviders=[openid_item("a", second), openid_item("b", first)])
        wait_until(lambda: all(gate.exchange("GET", begin(name), NAVIGATION).status == 302 for name in "ab"), "discovery")
        refused(browser.come_back(answer), "login_state_missing")
        assert first.count("token") == second.count("token") == 0
        kept.go(begin("b"))
        answer = kept.authorize()
        # The same configuration in another order.
        change(gate, identityProviders=[openid_item("b", first), openid_item("a", second)])
        assert kept.come_back(answer).status == 303

    def test_back_to_one(self, start_gate, upstream):
        """The other way: sessions of a named provider are none of the only one."""
        gate = start_gate(upstream, **listed(admin=admin()))
        person = Person(gate, "staff")
        person.sign_in()
        before = json.loads(gate.config.read_text())
        before.pop("identityProviders")
        replace(gate, {**before, "identityProvider": {"loginURL": LOGIN_URL}, "token": {"keys": [{"secret": KEYS["staff"]}]}})
        assert person.navigate("/").status == 302
        browser = Browser(gate)
        assert browser.navigate(browser.start() + "&jwt=" + tokens.token(KEYS["staff"]), headers=FROM_ANOTHER_SITE).status == 303
