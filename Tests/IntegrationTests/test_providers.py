# SPDX-License-Identifier: Apache-2.0
"""Several identity providers in one gate: two OpenID providers and one like iSpring's, with `?jwt=`."""

import html
import json
import re
import urllib.parse

import pytest

from harness import mints
from harness.admin import Metrics
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, settings, sidegate
from harness.journal import audit, lines
from harness.openid import (  # noqa: F401  fixtures among them
    CALLBACK, FORM, SIGNED_OUT, OpenIDVisit, OverHTTPX, authority, check, holds_no_secrets, secure_settings, start_provider)
from harness.openid_provider import OpenIDProvider, without_none
from harness.process import wait_until
from harness.reloads import admin, change
from harness.upstream import Upstream
from harness.visits import Visit, accepted, query, refused

PORTAL_KEY = "the-key-of-the-portal-of-32-bytes-0001"
PORTAL = {"preset": "ispring", "loginURL": "https://portal.test/login", "returnPath": "/sso/login/jwt"}
LOGIN = "/.sidegate/login"


def entry(name: str, provider: OpenIDProvider, **more) -> dict:
    """An OpenID provider in the list."""
    token = more.pop("token", None)
    identity = without_none({**provider.settings(), **more.pop("identity", {})})
    return {"name": name, "label": name.capitalize(), "identityProvider": identity, **({"token": token} if token else {}), **more}


def portal(**more) -> dict:
    return {"name": "portal", "label": "Company portal", "identityProvider": PORTAL, "token": {"keys": [{"secret": PORTAL_KEY}]}, **more}


def listed(*entries, **changes) -> dict:
    """Changes of the test configuration: these providers in place of the one."""
    return {"identityProvider": None, "token": None, "identityProviders": list(entries), **changes}


class World:
    """Two OpenID providers and a gate that trusts both, and the portal."""

    def __init__(self, start):
        self.staff = OpenIDProvider("staff", path="/realms/staff", client_secret="the-secret-at-staff-of-32-bytes-0001")
        self.customers = OpenIDProvider("customers", client_id="shop", client_secret="the-secret-at-customers-of-32-bytes-1")
        self.gate = start(listed(entry("staff", self.staff), entry("customers", self.customers), portal(), **self.more()))
        wait_for_discovery(self.gate, "staff", "customers")

    @staticmethod
    def more() -> dict:
        return {
            "identityHeaders": {"X-Forwarded-User": "{user}", "X-Forwarded-Email": "{email}", "X-Provider": "{provider}"},
            "access": {"rules": [
                {"paths": ["/staff/*"], "providers": ["staff"]},
                {"paths": ["/both/*"], "providers": ["staff", "portal"]},
                {"paths": ["/api/*"], "unauthenticated": "401"}]},
            "admin": admin()}

    def reset(self):
        self.staff.reset(), self.customers.reset()

    def stop(self):
        self.staff.stop(), self.customers.stop()


def wait_for_discovery(gate, *names, host: str = None):
    for name in names:
        wait_until(lambda: gate.exchange("GET", f"{LOGIN}?provider={name}&return_to=/", NAVIGATION, host=host).status == 302,
                   f"discovery of {name}\n{gate.log()}")


@pytest.fixture(scope="module")
def module_world(module_upstream, start_module_gate):
    world = World(lambda changes: start_module_gate(module_upstream, **changes))
    yield world
    world.stop()


@pytest.fixture
def world(module_world, upstream):
    module_world.reset()
    yield module_world
    for provider in (module_world.staff, module_world.customers):
        provider.released.set()
        assert not provider.refusals and not provider.server.failures, (provider.refusals, provider.server.failures)
    holds_no_secrets(module_world.gate, module_world.staff, module_world.customers)


class Person(OpenIDVisit):
    """A browser that chooses a provider."""

    def __init__(self, gate, provider: OpenIDProvider, name: str):
        super().__init__(gate, provider)
        self.name = name

    def go(self, target: str = "/") -> str:
        return super().go(f"{LOGIN}?{urllib.parse.urlencode({'provider': self.name, 'return_to': target})}")


def by_staff(world) -> Person:
    return Person(world.gate, world.staff, "staff")


def by_customers(world) -> Person:
    return Person(world.gate, world.customers, "customers")


class ByPortal(Visit):
    def __init__(self, gate):
        super().__init__(gate, "/sso/login/jwt")

    def start_at(self, target: str = "/") -> str:
        return self.go(f"{LOGIN}?{urllib.parse.urlencode({'provider': 'portal', 'return_to': target})}")

    def sign_in(self, target: str = "/", **claims):
        assert self.start_at(target).startswith("https://portal.test/login")
        response = self.bring(mints.by_python(mints.claims(**claims), PORTAL_KEY))
        assert accepted(response) == target
        return response


def choices(response) -> dict:
    """The links of the page to choose a provider: {name: URL}, in order."""
    found = {}
    for link in re.findall(r'href="([^"]*)"', response.text):
        values = query(html.unescape(link))
        if "provider" in values:
            found[values["provider"]] = html.unescape(link)
    return found


class TestChoice:
    def page(self, browser, target="/page?x=1&y=a%20b"):
        response = browser.navigate(target)
        assert response.status in (302, 303), response.status
        location = urllib.parse.urlsplit(response["Location"])
        assert location.path == LOGIN and query(response["Location"])["return_to"] == target
        assert "no-store" in response["Cache-Control"]
        return browser.navigate(response["Location"])

    def test_a_navigation_comes_to_a_page_that_offers_them(self, world, upstream):
        page = self.page(Visit(world.gate))
        assert page.status == 200 and page["Content-Type"].startswith("text/html") and "no-store" in page["Cache-Control"]
        assert list(choices(page)) == ["staff", "customers", "portal"], "in the order of the configuration"
        for label in ("Staff", "Customers", "Company portal"):
            assert label in page.text
        assert "frame-ancestors" in page.get("Content-Security-Policy", "") or page.get("X-Frame-Options")
        assert upstream.requests == []

    @pytest.mark.parametrize("name", ["staff", "customers", "portal"])
    def test_each_link_leads_to_its_provider_and_back_to_the_page(self, world, name):
        browser = {"staff": by_staff, "customers": by_customers, "portal": lambda world: ByPortal(world.gate)}[name](world)
        link = choices(self.page(browser, "/deep?a=b"))[name]
        response = browser.navigate(urllib.parse.urljoin(world.gate.origin + LOGIN, link), headers={"Sec-Fetch-Site": "same-origin"})
        assert response.status == 302
        if name == "portal":
            assert response["Location"].startswith("https://portal.test/login")
            back = browser.bring(mints.by_python(mints.claims(), PORTAL_KEY))
        else:
            back = browser.come_back(browser.provider.authorize(response["Location"]))
        assert accepted(back) == "/deep?a=b"

    def test_each_has_a_return_path_of_its_own(self, world):
        for person, name in ((by_staff(world), "staff"), (by_customers(world), "customers")):
            person.go("/")
            assert person.request_of()["redirect_uri"] == f"{world.gate.origin}{CALLBACK}/{name}"

    def test_the_last_choice_comes_first(self, world, upstream):
        browser = by_customers(world)
        browser.go("/")
        browser.come_back(browser.authorize())
        browser.sign_out()
        assert list(choices(self.page(browser)))[0] == "customers"
        assert set(choices(self.page(browser))) == {"staff", "customers", "portal"}

    def test_the_choice_is_no_cookie_of_the_app(self, world, upstream):
        browser = by_customers(world)
        browser.sign_in()
        assert browser.navigate("/").status == 200
        assert not upstream.last.get("Cookie"), upstream.last.get("Cookie")

    @pytest.mark.parametrize("value", ["x", "staff2", "<script>", "a" * 4000, "staff,portal", "%73taff"])
    def test_a_choice_that_is_none_is_ignored(self, world, value):
        browser = by_customers(world)
        browser.sign_in()
        names = [name for name in browser.cookies if "provider" in name]
        browser.cookies = {name: value for name in names}
        page = self.page(browser)
        assert page.status == 200 and list(choices(page))[0] == "staff"

    @pytest.mark.parametrize("name", ["nobody", "", "STAFF", "staff%00", "../staff", "<script>alert(1)</script>", "a" * 5000])
    def test_an_unknown_provider_is_refused(self, world, name):
        response = Visit(world.gate).navigate(f"{LOGIN}?provider={name}&return_to=/")
        assert response.status in (200, 400, 404) and "alert(1)" not in response.text
        assert not response.get("Location")

    def test_two_different_providers_are_refused(self, world):
        response = Visit(world.gate).navigate(f"{LOGIN}?provider=staff&provider=customers&return_to=/")
        assert response.status == 400

    @pytest.mark.parametrize("target", ["https://attacker.test/", "//attacker.test/", "/\\attacker.test", "javascript:alert(1)", "/%2F/attacker.test",
                                        "/\"><script>alert(1)</script>", "/'onclick='alert(1)"])
    def test_the_page_leads_nowhere_else(self, world, target):
        page = Visit(world.gate).navigate(f"{LOGIN}?{urllib.parse.urlencode({'return_to': target})}")
        assert page.status in (200, 400)
        for link in re.findall(r'(?:href|action)="([^"]*)"', page.text):
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(world.gate.origin + LOGIN, html.unescape(link)))
            assert f"{parts.scheme}://{parts.netloc}" == world.gate.origin, link
            assert "attacker" not in query(html.unescape(link)).get("return_to", ""), link
        assert "<script>alert" not in page.text and "'onclick='" not in page.text

    def test_programs_get_401_with_the_address_of_each(self, world):
        for target in ("/data", LOGIN, f"{LOGIN}?return_to=/data"):
            response = Visit(world.gate).fetch("GET", target, XHR)
            assert response.status == 401 and "no-store" in response["Cache-Control"], target
            document = response.json()
            assert document["error"] == "unauthenticated"
            text = json.dumps(document)
            for name in ("staff", "customers", "portal"):
                assert f"provider={name}" in text, text
            assert text.count("login_url") >= 3

    def test_a_label_is_text(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(
            entry("staff", world.staff, label="<script>alert(1)</script> & \"us\""), portal()))
        page = Visit(gate).navigate(LOGIN + "?return_to=/")
        assert page.status == 200 and "<script>alert" not in page.text and "&amp;" in page.text

    def test_no_script_is_needed(self, world):
        page = self.page(Visit(world.gate))
        without = re.sub(r"<script\b.*?</script>", "", page.text, flags=re.S)
        assert len(re.findall(r'href="[^"]*provider=', html.unescape(without))) == 3

    @pytest.mark.parametrize("way", ["h2c", "https-h2"])
    def test_over_http2(self, world, start_gate, upstream, authority, way):  # noqa: F811
        secure = authority if way.startswith("https") else None
        gate = start_gate(upstream, **listed(entry("staff", world.staff), portal(), **(secure_settings(authority) if secure else {})))
        over = OverHTTPX(gate, way, secure)
        try:
            wait_for_discovery(over, "staff")
            assert list(choices(self.page(Visit(over)))) == ["staff", "portal"]
            person = Person(over, world.staff, "staff")
            person.sign_in("/page")
            assert person.navigate("/page").status == 200
        finally:
            over.close()

    @pytest.mark.parametrize("method, headers, status", [
        ("POST", {**NAVIGATION, **FORM, "Content-Length": "0"}, 401), ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch"}, 401),
        ("GET", {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}, 401),
        ("GET", {**NAVIGATION, "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, 401)],
        ids=["a form", "a prefetch", "a WebSocket", "an image"])
    def test_what_no_user_sees_is_not_redirected(self, world, upstream, method, headers, status):
        response = world.gate.exchange(method, "/page", headers)
        assert response.status == status and not response.get("Location") and upstream.requests == []

    def test_head_is_redirected_without_a_cookie(self, world):
        response = world.gate.exchange("HEAD", "/page", NAVIGATION)
        assert response.status in (302, 303) and not response.all("Set-Cookie")

    def test_forward_auth_leads_to_the_choice_on_the_apps_host(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(entry("staff", world.staff), portal(), trustedProxies=["127.0.0.0/8"]))
        asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.test", "X-Forwarded-Uri": "/x?y=1"}
        assert gate.exchange("GET", "/.sidegate/auth", {**NAVIGATION, **asked}).status == 401
        response = gate.exchange("GET", "/.sidegate/auth?redirect=1", {**NAVIGATION, **asked})
        assert response.status == 302
        location = urllib.parse.urlsplit(response["Location"])
        assert (location.scheme or "https", location.netloc or "app.test", location.path) == ("https", "app.test", LOGIN)
        assert query(response["Location"])["return_to"] in ("/x?y=1", "https://app.test/x?y=1")

    def test_with_one_there_is_no_choice(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(entry("staff", world.staff)))
        wait_for_discovery(gate, "staff")
        response = gate.exchange("GET", "/", NAVIGATION)
        assert response.status == 302 and response["Location"].startswith(world.staff.endpoint("authorize"))


class TestHosts:
    @pytest.fixture
    def hosts(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(
            entry("staff", world.staff, hosts=["intern.test"]), entry("customers", world.customers, hosts=["shop.test", "intern.test"])))
        wait_for_discovery(gate, "staff", host="intern.test")
        wait_for_discovery(gate, "customers", host="shop.test")
        return gate

    def test_a_provider_is_offered_on_its_hosts_only(self, hosts, world):
        response = hosts.exchange("GET", "/", NAVIGATION, host="shop.test")
        assert response.status == 302 and response["Location"].startswith(world.customers.endpoint("authorize"))
        response = hosts.exchange("GET", f"{LOGIN}?return_to=/", NAVIGATION, host="intern.test")
        assert list(choices(response)) == ["staff", "customers"]

    def test_elsewhere_it_cannot_be_chosen(self, hosts, world):
        response = hosts.exchange("GET", f"{LOGIN}?provider=staff&return_to=/", NAVIGATION, host="shop.test")
        assert not response.get("Location", "").startswith(world.staff.url)

    def test_a_session_of_it_is_none_elsewhere(self, hosts, world):
        """A user of the staff's provider has not signed in at the shop, by any cookie."""
        response = hosts.exchange("GET", f"{LOGIN}?provider=staff&return_to=/", NAVIGATION, host="intern.test")
        browser = Visit(hosts)
        for line in response.all("Set-Cookie"):
            browser.take(line)
        answer = world.staff.authorize(response["Location"])
        back = hosts.exchange("GET", f"{CALLBACK}/staff?{answer.query}", {
            **NAVIGATION, **FROM_ANOTHER_SITE, "Cookie": browser.cookie_header()}, host="shop.test")
        assert 400 <= back.status < 500 and world.staff.count("token") == 0


class TestMixUp:
    """RFC 9700 §4.4: a response belongs to the provider of its path and of its attempt, which must be the same."""

    def test_a_code_on_the_path_of_another_provider(self, world):
        browser = by_staff(world)
        browser.go("/")
        answer = browser.authorize()
        answer.redirect_uri = f"{world.gate.origin}{CALLBACK}/customers"
        response = browser.come_back(answer)
        assert 400 <= response.status < 500 and not browser.has_session
        assert world.staff.count("token") == world.customers.count("token") == 0

    def test_a_provider_that_sends_the_browser_to_another_one(self, world):
        """The customers' provider is the attacker's. It starts a sign-in at the staff's in the same browser, and hopes to be
        sent the code."""
        browser = by_customers(world)
        browser.go("/")
        request = {**browser.request_of(), "client_id": world.staff.client_id}
        answer = world.staff.answer_to(request)
        response = browser.come_back(answer)
        refused(response, "issuer_mismatch")
        assert world.customers.count("token") == 0 and not browser.has_session

    def test_the_same_without_iss(self, world):
        """The staff's provider then sends the browser to the address that is registered with it."""
        browser = by_customers(world)
        browser.go("/")
        request = {**browser.request_of(), "redirect_uri": f"{world.gate.origin}{CALLBACK}/staff"}
        answer = world.staff.answer_to(request).changed(iss=None)
        response = browser.come_back(answer)
        assert response.status in (400, 403) and not browser.has_session
        assert world.customers.count("token") == world.staff.count("token") == 0

    def test_an_id_token_of_another_provider(self, world):
        """Its keys, issuer and audience are not those of the provider whose token endpoint has answered."""
        browser = by_customers(world)
        browser.go("/")
        answer = browser.authorize()

        def foreign(claims, header):
            grant = list(world.customers.grants.values())[-1]
            return world.staff.id_token(grant)
        world.customers.mint = foreign
        response = browser.come_back(answer)
        assert response.status == 403 and not browser.has_session

    @pytest.mark.parametrize("path", ["/nobody", "/staff/", "/STAFF", "/%73taff", "/staff/../customers", "/staff;x", "//staff", "/", "/portal"])
    def test_no_other_path_is_a_return_path(self, world, upstream, path):
        browser = by_staff(world)
        browser.go("/")
        answer = browser.authorize()
        response = browser.navigate(f"{CALLBACK}{path}?{answer.query}", headers=FROM_ANOTHER_SITE)
        assert not browser.has_session and response.status != 303
        assert upstream.requests == [] and world.staff.count("token") == world.customers.count("token") == 0

    def test_a_token_of_the_portal_on_the_path_of_an_openid_provider(self, world):
        browser = ByPortal(world.gate)
        browser.start_at("/")
        for path in (f"{CALLBACK}/staff", f"{CALLBACK}/customers", CALLBACK):
            token = mints.by_python(mints.claims(), PORTAL_KEY)
            response = browser.navigate(f"{path}?jwt={token}", headers=FROM_ANOTHER_SITE)
            assert response.status in (302, 303, 400, 403) and not browser.has_session, path

    def test_an_id_token_on_the_path_of_the_portal(self, world):
        browser = by_staff(world)
        browser.go("/")
        browser.authorize()
        token = world.staff.id_token(list(world.staff.grants.values())[-1])
        portal_browser = ByPortal(world.gate)
        portal_browser.start_at("/")
        response = portal_browser.bring(token)
        assert response.status == 403 and not portal_browser.has_session

    def test_a_return_from_the_portal_does_not_use_up_an_attempt_at_another(self, world):
        browser = by_staff(world)
        browser.go("/from-staff")
        answer = browser.authorize()
        other = ByPortal(world.gate)
        other.cookies = browser.cookies
        assert other.bring(mints.by_python(mints.claims(), PORTAL_KEY)).status in (200, 303, 403)
        assert accepted(browser.come_back(answer)) == "/from-staff"


class TestUsers:
    """The same address, even the same subject, at two providers is two users."""

    def test_the_app_and_the_session_know_the_provider(self, world, upstream):
        for browser, name in ((by_staff(world), "staff"), (by_customers(world), "customers"), (ByPortal(world.gate), "portal")):
            browser.sign_in()
            assert browser.navigate("/").status == 200
            assert upstream.last.get("X-Provider") == name and upstream.last.get("X-Forwarded-Email") == "ada@example.com"
            response = browser.fetch("GET", "/.sidegate/session", XHR)
            assert name in json.dumps(response.json())

    def test_a_claim_cannot_name_the_provider(self, world, upstream):
        browser = by_customers(world)
        browser.sign_in(provider="staff", identityProvider="staff")
        assert browser.navigate("/").status == 200 and upstream.last.get("X-Provider") == "customers"
        assert browser.navigate("/staff/x").status == 403

    def test_logout_by_one_providers_back_channel_ends_only_its_sessions(self, world):
        staff, customer, portal_user = by_staff(world), by_customers(world), ByPortal(world.gate)
        staff.sign_in(sub="ada"), customer.sign_in(sub="ada"), portal_user.sign_in(sub="ada")
        body = urllib.parse.urlencode({"logout_token": world.customers.logout_token(sub="ada")}).encode()
        assert world.gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status == 200
        assert staff.is_in and not customer.is_in
        assert portal_user.fetch("GET", "/.sidegate/session", XHR).status == 200

    def test_the_sid_of_another_provider_ends_nothing(self, world):
        staff, customer = by_staff(world), by_customers(world)
        staff.sign_in(sid="same"), customer.sign_in(sid="same")
        body = urllib.parse.urlencode({"logout_token": world.staff.logout_token(sub=None, sid="same")}).encode()
        assert world.gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status == 200
        assert not staff.is_in and customer.is_in

    def test_a_logout_token_of_one_provider_in_the_name_of_another(self, world):
        staff = by_staff(world)
        staff.sign_in()
        token = world.customers.logout_token(iss=world.staff.issuer, aud=world.staff.client_id)
        body = urllib.parse.urlencode({"logout_token": token}).encode()
        assert 400 <= world.gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status < 500
        assert staff.is_in

    def test_logout_goes_to_the_provider_of_the_session(self, world):
        for browser, provider in ((by_staff(world), world.staff), (by_customers(world), world.customers)):
            browser.sign_in()
            location = browser.sign_out()["Location"]
            assert location.startswith(provider.endpoint("end_session") + "?")
            assert query(location) == {"client_id": provider.client_id, "post_logout_redirect_uri": world.gate.origin + SIGNED_OUT}

    def test_a_sign_in_at_another_provider_replaces_the_session(self, world, upstream):
        browser = by_staff(world)
        browser.sign_in()
        old = dict(browser.cookies)
        other = by_customers(world)
        other.cookies = browser.cookies
        other.sign_in()
        assert other.navigate("/").status == 200 and upstream.last.get("X-Provider") == "customers"
        assert old

    def test_two_portals_share_neither_used_tokens_nor_logouts(self, start_gate, upstream):
        """The same claims, signed by the key of each: two tokens of two users."""
        keys = {"one": "the-key-of-the-first-one-of-32-bytes-01", "two": "the-key-of-the-second-of-32-bytes-0002"}
        gate = start_gate(upstream, **listed(*(
            portal(name=name, identityProvider={**PORTAL, "returnPath": f"/sso/{name}"}, token={"keys": [{"secret": key}]})
            for name, key in keys.items())))
        claims = mints.claims(sub="ada")
        browsers = {}
        for name, key in keys.items():
            browsers[name] = browser = Visit(gate, f"/sso/{name}")
            browser.go(f"{LOGIN}?provider={name}&return_to=/")
            accepted(browser.bring(mints.by_python(claims, key)))
            other = Visit(gate, f"/sso/{name}")
            other.go(f"{LOGIN}?provider={name}&return_to=/")
            refused(other.bring(mints.by_python(claims, key)), "replayed")
        logout = mints.by_python(mints.claims(sub="ada"), keys["two"])
        body = urllib.parse.urlencode({"logout_token": logout}).encode()
        assert gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status == 200
        assert browsers["one"].fetch("GET", "/.sidegate/session", XHR).status == 200
        assert browsers["two"].fetch("GET", "/.sidegate/session", XHR).status == 401

    def test_each_is_provisioned(self, world, start_gate, upstream):
        service = Upstream()
        try:
            service.answer = lambda request, connection: connection.respond(200, {}, b"{}")
            gate = start_gate(upstream, **listed(entry("staff", world.staff), entry("customers", world.customers),
                                                 provisioning={"url": service.url + "/users"}))
            wait_for_discovery(gate, "staff", "customers")
            for provider, name in ((world.staff, "staff"), (world.customers, "customers"), (world.staff, "staff")):
                Person(gate, provider, name).sign_in(sub="ada")
            bodies = [json.loads(request.body) for request in service.requests]
            assert len(bodies) == 2, "once for each user"
            assert ["staff" in json.dumps(bodies[0]["fields"] if "fields" in bodies[0] else bodies[0]),
                    "customers" in json.dumps(bodies[1])] == [True, True]
        finally:
            service.stop()

    def test_users_of_one_provider_may_be_restricted(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(
            entry("staff", world.staff, users={"emailDomains": ["example.org"]}), entry("customers", world.customers)))
        wait_for_discovery(gate, "staff", "customers")
        refused(Person(gate, world.staff, "staff").enter(), "user_not_registered")
        Person(gate, world.customers, "customers").sign_in()
        Person(gate, world.staff, "staff").sign_in(email="ada@example.org")

    def test_defaults_of_the_top_are_those_of_each(self, world, start_gate, upstream):
        gate = start_gate(upstream, **{**listed(
            entry("staff", world.staff), entry("customers", world.customers, token={"required": ["email", "groups"]})),
            "token": {"required": ["email", "familyName"]}})
        wait_for_discovery(gate, "staff", "customers")
        refused(Person(gate, world.staff, "staff").enter(family_name=None), "field_missing")
        Person(gate, world.customers, "customers").sign_in(family_name=None)


class TestRules:
    def test_people_are_sent_straight_there(self, world):
        response = Visit(world.gate).navigate("/staff/page")
        assert response.status == 302 and response["Location"].startswith(world.staff.endpoint("authorize"))

    def test_with_several_only_those_are_offered(self, world):
        response = Visit(world.gate).navigate("/both/page")
        assert response.status in (302, 303)
        page = Visit(world.gate).navigate(response["Location"]) if urllib.parse.urlsplit(response["Location"]).path == LOGIN else response
        assert set(choices(page)) == {"staff", "portal"}, page.text[:1500]

    def test_a_session_of_another_provider_is_refused(self, world, upstream):
        browser = by_customers(world)
        browser.sign_in()
        upstream.requests.clear()
        response = browser.navigate("/staff/page")
        refused(response, "provider_not_allowed")
        assert upstream.requests == []
        assert "ada@example.com" in response.text, "the page names the account"
        response = browser.fetch("GET", "/staff/page", XHR)
        assert response.status == 403 and "provider_not_allowed" in json.dumps(response.json())
        assert browser.navigate("/").status == 200

    def test_a_session_of_it_is_accepted(self, world):
        browser = by_staff(world)
        browser.sign_in("/staff/page")
        assert browser.navigate("/staff/page").status == 200

    def test_programs_get_the_address_of_that_provider(self, world):
        response = Visit(world.gate).fetch("GET", "/staff/data", XHR)
        assert response.status == 401
        text = json.dumps(response.json())
        assert "provider=customers" not in text and "provider=portal" not in text

    def test_forward_auth_judges_the_same(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(entry("staff", world.staff), entry("customers", world.customers),
                                             **{**World.more(), "admin": None, "trustedProxies": ["127.0.0.0/8"], "access": {
                                                 "rules": [{"paths": ["/staff/*"], "providers": ["staff"]}]}}))
        wait_for_discovery(gate, "staff", "customers")
        browser = Person(gate, world.customers, "customers")
        browser.sign_in()
        asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": f"127.0.0.1:{gate.port}"}
        assert browser.fetch("GET", "/.sidegate/auth", {**XHR, **asked, "X-Forwarded-Uri": "/x"}).status in (200, 202)
        assert browser.fetch("GET", "/.sidegate/auth", {**XHR, **asked, "X-Forwarded-Uri": "/staff/x"}).status == 403
        response = gate.exchange("GET", "/.sidegate/auth?redirect=1", {**NAVIGATION, **asked, "X-Forwarded-Uri": "/staff/x"})
        assert response.status == 302 and response["Location"].startswith(world.staff.endpoint("authorize"))

    def test_a_bearer_token_of_another_provider_is_refused(self, world, start_gate, upstream):
        gate = start_gate(upstream, **listed(entry("staff", world.staff, token={"bearer": True}), portal(), access={
            "rules": [{"paths": ["/staff/*"], "providers": ["staff"]}]}))
        token = mints.by_python(mints.claims(), PORTAL_KEY)
        answer = gate.exchange("GET", "/x", {**XHR, "Authorization": f"Bearer {token}"})
        assert answer.status == 200
        answer = gate.exchange("GET", "/staff/x", {**XHR, "Authorization": f"Bearer {token}"})
        assert answer.status in (401, 403) and "provider_not_allowed" in answer.text + str(answer.fields)


class TestReports:
    def test_metrics_audit_and_log_name_the_provider(self, world):
        before = Metrics(world.gate)
        by_staff(world).sign_in()
        ByPortal(world.gate).sign_in()
        by_customers(world).enter(email=None)
        after = Metrics(world.gate)
        for name, result in (("staff", "success"), ("portal", "success"), ("customers", None)):
            labels = {"provider": name, **({"result": result} if result else {})}
            assert after.get("sidegate_logins_total", **labels) - before.get("sidegate_logins_total", **labels) == 1 or any(
                found.get("provider") == name for found in after.labels("sidegate_logins_total")), name
        wait_until(
            lambda: {"staff", "portal"} <= {line.get("provider") for line in audit(world.gate, "login")}, "both in the log")
        assert lines(world.gate)

    def test_a_provider_that_is_down_does_not_disturb_the_others(self, start_gate, upstream, start_provider):
        up, down = start_provider("up"), start_provider("down")
        gate = start_gate(upstream, **listed(entry("staff", up), entry("customers", down)))
        wait_for_discovery(gate, "staff", "customers")
        answer = down.authorize(Person(gate, down, "customers").go("/"))
        down.stop()
        assert list(choices(Visit(gate).navigate(LOGIN + "?return_to=/"))) == ["staff", "customers"]
        Person(gate, up, "staff").sign_in()
        assert answer

    def test_one_that_was_never_up_does_not_either(self, start_gate, upstream, start_provider):
        up, down = start_provider("up"), start_provider("down")
        down.stop()
        gate = start_gate(upstream, **listed(entry("staff", up), entry("customers", down)))
        wait_for_discovery(gate, "staff")
        refused(Visit(gate).navigate(f"{LOGIN}?provider=customers&return_to=/"), "provider_unavailable", 503)
        Person(gate, up, "staff").sign_in()


class TestReload:
    def test_a_new_provider_is_offered_and_sessions_stay(self, start_gate, upstream, start_provider):
        first, second = start_provider("first"), start_provider("second")
        gate = start_gate(upstream, **listed(entry("staff", first), admin=admin()))
        wait_for_discovery(gate, "staff")
        browser = Person(gate, first, "staff")
        browser.sign_in()
        change(gate, identityProviders=[entry("staff", first), entry("customers", second)])
        wait_for_discovery(gate, "customers")
        assert browser.is_in
        Person(gate, second, "customers").sign_in()

    def test_sessions_of_a_provider_that_is_gone_end(self, start_gate, upstream, start_provider):
        first, second = start_provider("first"), start_provider("second")
        gate = start_gate(upstream, **listed(entry("staff", first), entry("customers", second), admin=admin()))
        wait_for_discovery(gate, "staff", "customers")
        staff, customer = Person(gate, first, "staff"), Person(gate, second, "customers")
        staff.sign_in(), customer.sign_in()
        change(gate, identityProviders=[entry("staff", first)])
        wait_until(lambda: not customer.is_in, "its provider is not trusted any more")
        assert staff.is_in


class TestCheck:
    @pytest.fixture
    def checked(self, tmp_path, world):
        def run(*entries, **changes):
            made = settings("http://127.0.0.1:1", 8080, **{**listed(*entries), **changes})
            return check(tmp_path, made)
        return run

    def test_a_good_one_is_good(self, checked, world):
        code, said = checked(entry("staff", world.staff), entry("customers", world.customers), portal(),
                             publicURL="http://app.test", identityHeaders={"X-Forwarded-User": "{user}", "X-Provider": "{provider}"})
        assert code == 0 and "warning" not in said, said

    @pytest.mark.parametrize("name", ["Staff", "", "a b", "a/b", "ä", "x" * 33, "a.b", "a_b"])
    def test_names(self, checked, world, name):
        code, said = checked(entry("staff", world.staff), {**portal(), "name": name})
        assert code == 1 and "name" in said, said

    def test_names_are_distinct(self, checked, world):
        code, said = checked(entry("staff", world.staff), {**portal(), "name": "staff"})
        assert code == 1 and "staff" in said, said

    def test_a_name_is_needed(self, checked, world):
        nameless = portal()
        del nameless["name"]
        code, said = checked(entry("staff", world.staff), nameless)
        assert code == 1 and "name" in said, said

    def test_return_paths_are_distinct(self, checked, world):
        code, said = checked(entry("staff", world.staff, identity={"returnPath": "/cb"}),
                             entry("customers", world.customers, identity={"returnPath": "/cb"}))
        assert code == 1 and "returnPath" in said, said

    def test_keys_and_secrets_are_not_inherited(self, checked, world):
        keyless = {**portal()}
        del keyless["token"]
        code, said = checked(entry("staff", world.staff), keyless, token={"keys": [{"secret": PORTAL_KEY}]})
        assert code == 1 and "keys" in said, said

    def test_two_that_share_a_key_need_different_issuers(self, checked):
        def entries(first, second):
            return [portal(name=name, identityProvider={**PORTAL, "returnPath": f"/sso/{name}"},
                           token={"keys": [{"secret": PORTAL_KEY}], **({"issuer": issuer} if issuer else {})})
                    for name, issuer in (("one", first), ("two", second))]
        code, said = checked(*entries("", ""))
        assert code == 1 and "issuer" in said, said
        code, said = checked(*entries("https://a.test", ""))
        assert code == 1 and "issuer" in said, said
        code, said = checked(*entries("https://a.test", "https://a.test"))
        assert code == 1 and "issuer" in said, said
        code, said = checked(*entries("https://a.test", "https://b.test"))
        assert code == 0, said

    def test_a_warning_where_the_app_cannot_tell_two_users_apart(self, checked, world):
        code, said = checked(entry("staff", world.staff), entry("customers", world.customers))
        assert code == 0 and "warning" in said and "{provider}" in said, said

    def test_a_rule_names_a_provider_that_exists(self, checked, world):
        code, said = checked(entry("staff", world.staff), portal(), access={"rules": [{"paths": ["/x"], "providers": ["stafff"]}]})
        assert code == 1 and "stafff" in said and "staff" in said, said

    def test_the_list_is_not_empty(self, checked):
        code, said = checked()
        assert code == 1, said


class TestCommands:
    @pytest.fixture
    def config(self, tmp_path, world):
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps(settings("http://127.0.0.1:1", 8080, **listed(
            entry("staff", world.staff), portal(), portal(name="other", identityProvider={**PORTAL, "returnPath": "/sso/other"}, token={
                "keys": [{"secret": "the-key-of-another-one-of-32-bytes-001"}]})))))
        path.chmod(0o600)
        return path

    def test_mint_and_explain_for_one_of_them(self, config):
        done = sidegate("mint", "--config", config, "--provider", "other", "--claim", "email=ada@example.com")
        assert done.returncode == 0, done.stderr
        token = done.stdout.strip()
        done = sidegate("explain", "--config", config, "--provider", "other", token)
        assert done.returncode == 0 and "other" in done.stdout, done.stdout + done.stderr
        done = sidegate("explain", "--config", config, "--provider", "portal", token)
        assert done.returncode == 2 and "signature_invalid" in done.stdout, done.stdout + done.stderr

    def test_explain_finds_the_provider_whose_key_fits(self, config):
        token = sidegate("mint", "--config", config, "--provider", "other", "--claim", "email=ada@example.com").stdout.strip()
        done = sidegate("explain", "--config", config, token)
        assert done.returncode == 0 and "other" in done.stdout, done.stdout + done.stderr

    def test_an_unknown_provider_is_named(self, config):
        done = sidegate("mint", "--config", config, "--provider", "nobody", "--claim", "email=ada@example.com")
        assert done.returncode in (1, 64) and "nobody" in done.stderr + done.stdout

    def test_the_printed_configuration_holds_no_secret(self, config):
        done = sidegate("config", "print", "--effective", "--config", config)
        assert done.returncode == 0 and PORTAL_KEY not in done.stdout and "the-secret-at-staff" not in done.stdout
        assert "staff" in done.stdout
