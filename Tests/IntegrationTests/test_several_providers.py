# SPDX-License-Identifier: Apache-2.0
"""Several identity providers that send `?jwt=`: the choice, the way back, users, rules, reports and the configuration."""

import html
import json
import re
import time
import urllib.parse

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser, merged, sidegate, with_parameter
from harness.gate import settings as whole
from harness.journal import audit, lines
from harness.process import wait_until
from harness.reloads import admin, change
from harness.upstream import Upstream

KEYS = {"staff": "the-key-of-the-staff-of-32-bytes-00001", "shop": "the-key-of-the-shop-of-32-bytes-000002"}
THIRD_KEY = "the-key-of-the-club-of-32-bytes-000003"
LOGIN = "/.sidegate/login"
LOGOUT_EVENT = {"http://schemas.openid.net/event/backchannel-logout": {}}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def item(name: str, /, **changes) -> dict:
    return merged({
        "name": name, "label": f"The {name}",
        "identityProvider": {"loginURL": f"https://{name}.test/login?return_url={{returnURL}}"},
        "token": {"keys": [{"secret": KEYS.get(name, THIRD_KEY)}]}}, changes)


def listed(*items, **changes) -> dict:
    return {"identityProvider": None, "token": None, "identityProviders": list(items or (item("staff"), item("shop"))), **changes}


HEADERS = {"X-Forwarded-User": "{user}", "X-Provider": "{provider}"}
RULES = {"rules": [{"paths": ["/staff/*"], "providers": ["staff"]}, {"paths": ["/api/*"], "unauthenticated": "401"}]}


class Person(Browser):
    """A browser that signs in at one provider."""

    def __init__(self, gate, name: str):
        super().__init__(gate)
        self.name = name

    def begin(self, target="/") -> str:
        """The URL to which the provider must send the browser back."""
        response = self.navigate(f"{LOGIN}?{urllib.parse.urlencode({'provider': self.name, 'return_to': target})}")
        assert response.status == 302, f"{response.status} {response.body[:500]!r}"
        location = urllib.parse.urlsplit(response["Location"])
        assert location.hostname == f"{self.name}.test", location
        return dict(urllib.parse.parse_qsl(location.query))["return_url"]

    def token(self, **claims) -> str:
        return tokens.token(KEYS[self.name], **claims)

    def sign_in(self, target="/", **claims):
        response = self.finish(self.begin(target), self.token(**claims))
        assert response.status == 303, f"{response.status} {response.body[:2000]!r}"
        return response

    @property
    def session(self) -> dict:
        response = self.fetch("GET", "/.sidegate/session", XHR)
        return response.json() if response.status == 200 else {}


def choices(page) -> list:
    """The providers that the page offers, in order."""
    links = [urllib.parse.urlsplit(html.unescape(link)) for link in re.findall(r'href="([^"]*)"', page.text)]
    return [dict(urllib.parse.parse_qsl(link.query))["provider"] for link in links if "provider=" in link.query]


def log_out_by_provider(gate, name: str, **claims):
    now = int(time.time())
    token = tokens.token(KEYS[name], email=None, events=LOGOUT_EVENT, iat=now, exp=now + 120, **claims)
    return gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, urllib.parse.urlencode({"logout_token": token}).encode())


@pytest.fixture(scope="module")
def module_two(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, **listed(identityHeaders=HEADERS, access=RULES, admin=admin()))


@pytest.fixture
def two(module_two, upstream):
    return module_two


class TestChoice:
    def test_a_page_offers_them_in_order(self, two, upstream):
        response = two.exchange("GET", "/deep?a=b%20c", NAVIGATION)
        assert response.status == 302 and "no-store" in response["Cache-Control"]
        location = urllib.parse.urlsplit(response["Location"])
        assert location.path == LOGIN and dict(urllib.parse.parse_qsl(location.query)) == {"return_to": "/deep?a=b%20c"}
        page = two.exchange("GET", response["Location"][len(two.origin):], NAVIGATION)
        assert page.status == 200 and choices(page) == ["staff", "shop"] and "The staff" in page.text
        assert not page.all("Set-Cookie"), "nothing has begun"
        assert upstream.requests == []

    def test_a_choice_leads_to_the_provider_and_back_to_the_page(self, two, upstream):
        browser = Person(two, "shop")
        response = browser.sign_in("/deep?a=b")
        assert response["Location"] in ("/deep?a=b", two.origin + "/deep?a=b")
        assert browser.navigate("/deep?a=b").status == 200
        assert upstream.last.get("X-Provider") == "shop" and not upstream.last.get("Cookie")

    def test_the_last_choice_comes_first(self, two):
        browser = Person(two, "shop")
        browser.begin()
        assert choices(browser.navigate(LOGIN)) == ["shop", "staff"]

    def test_scripts_get_the_address_of_each(self, two):
        document = two.exchange("GET", "/api/x", XHR).json()
        assert [entry["name"] for entry in document["providers"]] == ["staff", "shop"]
        assert document["providers"][1]["label"] == "The shop"
        assert document["providers"][1]["login_url"].endswith("provider=shop")
        assert document["login_url"].startswith(two.origin + LOGIN)

    @pytest.mark.parametrize("query", ["provider=nobody", "provider=staff&provider=shop", "providers=nobody", "provider="])
    def test_what_names_no_provider_is_refused(self, two, query):
        response = two.exchange("GET", f"{LOGIN}?{query}&return_to=/", NAVIGATION)
        assert response.status == 400 and "provider_not_allowed" in response.text

    def test_hosts_limit_the_offer(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(
            item("staff", hosts=["*.intern.test"]), item("shop", hosts=["shop.test", "a.intern.test"])))
        alone = gate.exchange("GET", "/", NAVIGATION, host="shop.test")
        assert alone.status == 302 and alone["Location"].startswith("https://shop.test/login")
        both = gate.exchange("GET", LOGIN, NAVIGATION, host="a.intern.test")
        assert choices(both) == ["staff", "shop"]
        assert gate.exchange("GET", f"{LOGIN}?provider=staff", NAVIGATION, host="shop.test").status == 400
        assert gate.exchange("GET", "/", NAVIGATION, host="elsewhere.test").status == 403
        token = tokens.token(KEYS["staff"])
        back = gate.exchange("GET", f"/.sidegate/callback/staff?jwt={token}", NAVIGATION, host="shop.test")
        assert back.status == 403 and "provider_not_allowed" in back.text

    def test_one_item_needs_no_choice(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(item("staff"), identityHeaders=HEADERS))
        assert gate.exchange("GET", "/", NAVIGATION)["Location"].startswith("https://staff.test/login")
        browser = Person(gate, "staff")
        browser.sign_in()
        assert browser.navigate("/").status == 200 and upstream.last.get("X-Provider") == "staff"


class TestReturns:
    @pytest.mark.parametrize("initiated", ["allow", "confirm", "deny"])
    def test_an_attempt_at_one_is_not_answered_by_the_other(self, start_gate, upstream, initiated):
        """RFC 9700 §4.4, mix-up."""
        top = {"identityProvider": {"initiated": initiated}}
        gate = start_gate(upstream, **{**listed(), **top})
        staff, shop = Person(gate, "staff"), Person(gate, "shop")
        state = urllib.parse.urlsplit(staff.begin("/deep")).query
        shop.cookies = staff.cookies
        response = shop.finish(f"{gate.origin}/.sidegate/callback/shop?{state}", shop.token())
        assert response.status == 403 and "login_state_missing" in response.text
        assert not shop.session

    def test_a_token_of_one_on_the_path_of_the_other(self, two):
        shop = Person(two, "shop")
        response = shop.finish(shop.begin(), tokens.token(KEYS["staff"]))
        assert response.status == 403 and "signature_invalid" in response.text

    def test_each_has_a_path_of_its_own(self, two):
        assert urllib.parse.urlsplit(Person(two, "staff").begin()).path == "/.sidegate/callback/staff"
        assert urllib.parse.urlsplit(Person(two, "shop").begin()).path == "/.sidegate/callback/shop"

    def test_a_return_without_state_ends_an_attempt_at_its_provider_only(self, two):
        staff, shop = Person(two, "staff"), Person(two, "shop")
        staff.begin("/of-staff")
        shop.cookies = staff.cookies
        shop.begin("/of-shop")
        response = shop.finish(f"{two.origin}/.sidegate/callback/staff", staff.token())
        assert response.status == 303 and response["Location"].endswith("/of-staff")

    def test_confirmed_sign_ins_are_the_providers(self, two, upstream):
        shop = Person(two, "shop")
        page = shop.navigate(f"/.sidegate/callback/shop?jwt={shop.token()}", headers=FROM_ANOTHER_SITE)
        assert page.status == 200 and "ada@example.com" in page.text
        fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', page.text))
        response = shop.post_form("/.sidegate/confirm", {k: html.unescape(v) for k, v in fields.items()},
                                  {"Sec-Fetch-Site": "same-origin", "Origin": two.origin})
        assert response.status == 303
        assert shop.session["provider"] == "shop"

    def test_the_token_parameter_of_each_is_kept_from_the_app(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(
            item("staff"), item("shop", identityProvider={"tokenParameter": "ticket"}), access={"default": "guest"}))
        for name, key in (("jwt", "staff"), ("ticket", "shop"), ("ticket", "staff")):
            token = tokens.token(KEYS[key])
            response = gate.exchange("GET", f"/page?a=1&{name}={token}", XHR)
            assert response.status in (200, 400), name
            assert not any(token in request.target for request in upstream.requests), name
        upstream.requests.clear()
        assert gate.exchange("GET", "/page?ticket=seat-7", XHR).status == 200
        assert upstream.last.target == "/page?ticket=seat-7"


class TestUsers:
    def test_the_same_address_is_two_users(self, two, upstream):
        staff, shop = Person(two, "staff"), Person(two, "shop")
        staff.sign_in(), shop.sign_in()
        assert log_out_by_provider(two, "shop", sub="ada").status == 200
        assert staff.session["provider"] == "staff" and not shop.session

    def test_by_email_too(self, two):
        staff, shop = Person(two, "staff"), Person(two, "shop")
        staff.sign_in(), shop.sign_in()
        now = int(time.time())
        token = tokens.token(KEYS["staff"], sub=None, events=LOGOUT_EVENT, iat=now, exp=now + 120)
        body = urllib.parse.urlencode({"logout_token": token}).encode()
        assert two.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status == 200
        assert shop.session and not staff.session

    def test_a_sign_in_at_another_provider_is_another_user(self, two, upstream):
        staff, shop = Person(two, "staff"), Person(two, "shop")
        staff.sign_in()
        shop.cookies = staff.cookies
        # Not begun here: the same user would not be asked.
        page = shop.navigate(f"/.sidegate/callback/shop?jwt={shop.token()}", headers=FROM_ANOTHER_SITE)
        assert page.status == 200 and "actionURL" not in page.text and 'name="sign_in"' in page.text
        again = staff.navigate(f"/.sidegate/callback/staff?jwt={staff.token()}", headers=FROM_ANOTHER_SITE)
        assert again.status == 303

    def test_single_use_is_of_each(self, start_gate, upstream):
        """The same claims, signed by both: one must not use up the other's."""
        top = {"token": {"minimumIDLength": 4, "acceptAnyAudience": True}}
        gate = start_gate(upstream, **{**listed(), "token": top["token"]})
        claims = tokens.claims(jti="the-same-jti")
        for name in KEYS:
            person = Person(gate, name)
            response = person.finish(person.begin(), tokens.token(KEYS[name], **claims))
            assert response.status == 303, response.text[:1500]
            other = Person(gate, name)
            assert "replayed" in other.finish(other.begin(), tokens.token(KEYS[name], **claims)).text

    def test_a_claim_does_not_name_the_provider(self, two, upstream):
        shop = Person(two, "shop")
        shop.sign_in(provider="staff")
        assert shop.navigate("/").status == 200 and upstream.last.get("X-Provider") == "shop"
        assert shop.navigate("/staff/x").status == 403

    def test_each_is_provisioned(self, start_gate, upstream):
        service = Upstream()
        try:
            service.answer = lambda request, connection: connection.respond(200, {}, b"{}")
            gate = start_gate(upstream, **listed(provisioning={"url": service.url + "/users"}))
            for name in ("staff", "shop", "staff"):
                Person(gate, name).sign_in()
            assert [json.loads(request.body)["provider"] for request in service.requests] == ["staff", "shop"]
        finally:
            service.stop()

    def test_registered_users_of_one(self, start_gate, upstream, tmp_path):
        file = tmp_path / "shop-users.txt"
        file.write_text("ada@example.com\n")
        gate = start_gate(upstream, **listed(
            item("staff", users={"emailDomains": ["example.org"]}), item("shop", users={"emailsFile": str(file)}),
            admin=admin()))
        staff, shop = Person(gate, "staff"), Person(gate, "shop")
        assert "user_not_registered" in staff.finish(staff.begin(), staff.token()).text
        shop.sign_in()
        assert shop.navigate("/").status == 200
        file.write_text("bob@example.com\n")
        deadline = time.time() + 20
        while shop.navigate("/").status == 200 and time.time() < deadline:
            time.sleep(0.05)
        assert shop.navigate("/").status == 403

    def test_bearer_tokens_of_each(self, two, upstream):
        for name in KEYS:
            answer = two.exchange("GET", "/x", {**XHR, "Authorization": f"Bearer {tokens.token(KEYS[name])}"})
            assert answer.status == 200 and upstream.last.get("X-Provider") == name
        expired = tokens.token(KEYS["shop"], iat=1, exp=2)
        answer = two.exchange("GET", "/x", {**XHR, "Authorization": f"Bearer {expired}"})
        assert answer.status == 401 and answer.json()["error_description"] == "expired"
        answer = two.exchange("GET", "/staff/x", {**XHR, "Authorization": f"Bearer {tokens.token(KEYS['shop'])}"})
        assert answer.status == 403 and answer.json()["error_description"] == "provider_not_allowed"

    @pytest.mark.parametrize("store", ["cookie", "redis"])
    def test_sessions_of_before_are_of_the_first(self, start_gate, upstream, redis, store):
        shared = {"session": {"store": store}, "redis": {"url": redis.url}} if store == "redis" else {}
        gate = start_gate(upstream, identityProvider={"loginURL": "https://idp.test/login?return_url={returnURL}"},
                          token={"keys": [{"secret": KEYS["staff"]}]}, admin=admin(), **shared)
        browser = Browser(gate)
        token = tokens.token(KEYS["staff"])
        assert browser.finish(browser.start(), token).status == 303
        pending = Browser(gate)
        back = pending.start("/pending")
        first = item("staff", identityProvider={"returnPath": "/.sidegate/callback"})
        change(gate, identityProviders=[first, item("shop")], identityHeaders=HEADERS)
        assert browser.navigate("/").status == 200 and upstream.last.get("X-Provider") == "staff"
        assert pending.finish(back, tokens.token(KEYS["staff"])).status == 303, "an attempt of before"
        again = Person(gate, "staff")
        assert "replayed" in again.finish(again.begin(), token).text, "a token that was used before"
        assert log_out_by_provider(gate, "shop", sub="ada").status == 200
        assert browser.navigate("/").status == 200
        assert log_out_by_provider(gate, "staff", sub="ada").status == 200
        assert browser.navigate("/").status == 302

    def test_sessions_of_a_provider_that_is_gone_end(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(admin=admin()))
        staff, shop = Person(gate, "staff"), Person(gate, "shop")
        staff.sign_in(), shop.sign_in()
        change(gate, identityProviders=[item("staff")])
        assert staff.navigate("/").status == 200
        assert shop.navigate("/")["Location"].startswith("https://staff.test/")

    def test_logout_goes_to_the_page_of_the_provider(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(
            item("staff", identityProvider={"logoutURL": "https://staff.test/out"}), item("shop")))
        for name, expected in (("staff", "https://staff.test/out"), ("shop", None)):
            person = Person(gate, name)
            person.sign_in()
            response = person.post_form("/.sidegate/logout", {}, {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
            assert response.get("Location") == expected and not person.session


class TestRules:
    def test_a_rule_sends_people_straight_there(self, two):
        assert two.exchange("GET", "/staff/x", NAVIGATION)["Location"].startswith("https://staff.test/login")
        document = two.exchange("GET", "/staff/x", XHR).json()
        assert document["login_url"].endswith("provider=staff") and "providers" not in document

    def test_users_of_others_are_refused_and_shown_the_way(self, two, upstream):
        shop = Person(two, "shop")
        shop.sign_in()
        upstream.requests.clear()
        page = shop.navigate("/staff/x?a=b")
        assert page.status == 403 and "provider_not_allowed" in page.text and "ada@example.com" in page.text
        assert choices(page) == ["staff"] and upstream.requests == []
        staff = Person(two, "staff")
        staff.cookies = shop.cookies
        staff.sign_in("/staff/x")
        assert staff.navigate("/staff/x").status == 200

    def test_several_of_three(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(item("staff"), item("shop"), item("club"), access={
            "rules": [{"paths": ["/both/*"], "providers": ["staff", "club"]}]}))
        response = gate.exchange("GET", "/both/x", NAVIGATION)
        page = gate.exchange("GET", response["Location"][len(gate.origin):], NAVIGATION)
        assert choices(page) == ["staff", "club"]

    def test_forward_auth(self, start_gate, upstream):
        gate = start_gate(upstream, **listed(access=RULES, trustedProxies=["127.0.0.0/8"]))
        shop = Person(gate, "shop")
        shop.sign_in()
        asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": gate.origin[7:]}
        assert shop.fetch("GET", "/.sidegate/auth", {**XHR, **asked, "X-Forwarded-Uri": "/x"}).status == 202
        assert shop.fetch("GET", "/.sidegate/auth", {**XHR, **asked, "X-Forwarded-Uri": "/staff/x"}).status == 403
        straight = gate.exchange("GET", "/.sidegate/auth?redirect=1", {**NAVIGATION, **asked, "X-Forwarded-Uri": "/staff/x"})
        assert straight.status == 302 and straight["Location"].startswith("https://staff.test/")
        choice = gate.exchange("GET", "/.sidegate/auth?redirect=1", {**NAVIGATION, **asked, "X-Forwarded-Uri": "/x"})
        assert choice.status == 302 and urllib.parse.urlsplit(choice["Location"]).path == LOGIN


class TestReports:
    def test_metrics_audit_log_and_session_name_the_provider(self, two):
        for name in KEYS:
            before = Metrics(two).get("sidegate_logins_total", provider=name, result="success")
            person = Person(two, name)
            person.sign_in()
            assert person.navigate("/seen").status == 200
            assert Metrics(two).get("sidegate_logins_total", provider=name, result="success") == before + 1
            assert person.session["provider"] == name and person.session["fields"]["provider"] == name
            wait_until(lambda name=name: name in [line["provider"] for line in audit(two, "login")], "the audit line")
        wait_until(
            lambda: {line.get("provider") for line in lines(two) if line.get("path") == "/seen"} == set(KEYS),
            "the access lines")
        shop = Person(two, "shop")
        shop.finish(shop.begin(), tokens.token(KEYS["staff"]))
        assert Metrics(two).get("sidegate_logins_total", provider="shop", reason="signature_invalid") >= 1


class TestCheck:
    @pytest.fixture
    def check(self, tmp_path):
        def run(*items, **changes):
            path = tmp_path / "sidegate.yaml"
            path.write_text(json.dumps(whole("http://127.0.0.1:1", 8080, **{**listed(*items), **changes})))
            path.chmod(0o600)
            done = sidegate("check", "--config", path)
            return done.returncode, done.stdout + done.stderr
        return run

    def test_a_good_one(self, check):
        code, said = check(identityHeaders=HEADERS)
        assert code == 0 and "warning" not in said, said

    @pytest.mark.parametrize("changes, expected", [
        ({"items": [{"name": "Staff"}]}, "a provider's name has 1 to 32"),
        ({"items": [{"label": "x"}]}, "`identityProviders[].name` is missing"),
        ({"items": [item("staff"), {**item("shop"), "name": "none"}]}, "`none` stands for no provider"),
        ({"items": [item("staff"), {**item("shop"), "name": "staff"}]}, "is there twice"),
        ({"items": [item("staff", identityProvider={"returnPath": "/cb"}), item("shop", identityProvider={"returnPath": "/CB/"})]},
         "have the same return path"),
        ({"items": [item("staff"), item("shop", token={"keys": None})], "token": {"keys": [{"secret": KEYS["shop"]}]}},
         "`token.keys` is missing"),
        ({"items": [item("staff"), item("shop", identityProvider={"loginURL": None})]}, "`identityProvider.loginURL` is missing"),
        ({"items": [item("staff"), item("shop", token={"keys": [{"secret": KEYS["staff"]}]})]}, "share a key"),
        ({"items": [item("staff"), item("shop", token={"claims": {"provider": ["p"]}})]}, "the field `provider` is the name"),
        ({"items": [item("staff"), item("shop", colour="red")]}, "unknown key `colour`"),
        ({"items": [item("staff"), item("shop", token={"colour": "red"})]}, "unknown key `colour`"),
        ({"items": [item("staff"), item("shop")], "access": {"rules": [{"paths": ["/x"], "providers": ["stafff"]}]}},
         "did you mean `staff`?"),
        ({"items": [item("staff"), item("shop")], "access": {"rules": [{"paths": ["/x"], "allow": "anyone", "providers": ["staff"]}]}},
         "does nothing where sign-in is not needed"),
        ({"items": [item("staff"), item("shop", users={"groups": ["a"]}, token={"claims": {"groups": []}})]},
         "about the field `groups`"),
    ])
    def test_errors(self, check, changes, expected):
        changes = dict(changes)
        code, said = check(*changes.pop("items"), **changes)
        assert code == 1 and expected in said, said

    def test_shared_keys_need_issuers(self, check):
        def two(first, second):
            return check(item("staff", token={"issuer": first}),
                         item("shop", token={"keys": [{"secret": KEYS["staff"]}], "issuer": second}))
        assert two("a", "b")[0] == 0
        assert two("a", "a")[0] == two("a", "")[0] == two("", "")[0] == 1

    def test_a_warning_where_the_app_cannot_tell_users_apart(self, check):
        code, said = check()
        assert code == 0 and "{provider}" in said and "warning" in said, said
        code, said = check(item("staff", users={"emailDomains": ["a.test"]}), item("shop", users={"emailDomains": ["b.test"]}))
        assert code == 0 and "{provider}" not in said, said

    def test_defaults_from_the_top(self, start_gate, upstream):
        gate = start_gate(upstream, **{**listed(item("staff"), item("shop", token={"required": ["email"]})),
                                       "token": {"required": ["department"], "claims": {"department": ["dept"]}}})
        staff, shop = Person(gate, "staff"), Person(gate, "shop")
        assert "field_missing" in staff.finish(staff.begin(), staff.token()).text
        staff.sign_in(dept="x"), shop.sign_in()

    def test_a_preset_of_an_item_counts_more_than_the_top(self, start_gate, upstream):
        gate = start_gate(upstream, **{**listed(item("staff", identityProvider={"preset": "zendesk"}), item("shop")),
                                       "identityProvider": {"tokenParameter": "ticket"}})
        staff, shop = Person(gate, "staff"), Person(gate, "shop")
        assert urllib.parse.urlsplit(staff.begin()).path == "/access/jwt"
        assert staff.finish(staff.begin(), staff.token()).status == 303
        back = shop.begin()
        assert shop.navigate(with_parameter(back, "ticket", shop.token()), headers=FROM_ANOTHER_SITE).status == 303


class TestCommands:
    @pytest.fixture
    def config(self, tmp_path):
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps(whole("http://127.0.0.1:1", 8080, **listed(access=RULES))))
        path.chmod(0o600)
        return path

    def test_mint_and_explain(self, config):
        done = sidegate("mint", "--config", config, "--provider", "shop", "--claim", "sub=ada", "--claim", "email=ada@example.com")
        assert done.returncode == 0, done.stderr
        token = done.stdout.strip()
        for arguments in ((), ("--provider", "shop")):
            done = sidegate("explain", "--config", config, *arguments, token)
            assert done.returncode == 0 and "provider shop" in done.stdout and "provider = shop" in done.stdout, done.stdout
        done = sidegate("explain", "--config", config, "--provider", "staff", token)
        assert done.returncode == 2 and "signature_invalid" in done.stdout
        done = sidegate("mint", "--config", config, "--provider", "nobody", "--claim", "sub=ada")
        assert done.returncode == 1 and "staff, shop" in done.stderr

    def test_the_url_of_a_minted_token(self, config):
        done = sidegate("mint", "--config", config, "--provider", "shop", "--claim", "sub=ada", "--url")
        assert "/.sidegate/callback/shop?jwt=" in done.stdout

    def test_explain_a_request(self, config):
        done = sidegate("explain", "--config", config, "--request", "GET /staff/x", "--as", "user=ada,provider=shop")
        assert done.returncode == 2 and "provider_not_allowed" in done.stdout, done.stdout
        done = sidegate("explain", "--config", config, "--request", "GET /staff/x", "--as", "user=ada,provider=staff")
        assert done.returncode == 0, done.stdout

    def test_print_hides_secrets(self, config):
        done = sidegate("config", "print", "--config", config)
        assert done.returncode == 0 and "staff" in done.stdout
        assert not any(key in done.stdout for key in KEYS.values())
