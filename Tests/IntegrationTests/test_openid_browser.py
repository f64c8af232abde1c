# SPDX-License-Identifier: Apache-2.0
"""Sign-in in a real browser at OpenID providers that others wrote: Django OAuth Toolkit and Glewlwyd, each alone, and both in
one gate next to a provider like iSpring's."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By

from harness.certificates import Authority
from harness.chromium import browser, chromium, keep_screenshot, page_text, start_chromium, until  # noqa: F401  fixtures among them
from harness.django_provider import DjangoProvider
from harness.examples import KEY, php
from harness.gate import Gate
from harness.glewlwyd import PASSWORD, Glewlwyd
from harness.journal import wait_for_audit
from harness.openid import SIGNED_OUT, openid_settings, ready, secure_settings
from harness.openid_provider import OpenIDProvider
from harness.ports import free_port
from harness.redis import Redis
from harness.secure import secured, trusting

DEEP_LINK = "/course/7?lesson=2&q=a%20b"
SECRET = "the-secret-of-a-client-0001"
#: The gates, and the names by which the providers know them.
GATES = ["django", "glewlwyd", "together"]


class World:
    """The providers, an app, a Redis, and gates with fixed addresses, which the providers must know."""

    def __init__(self, folder):
        # Addresses of their own, since browsers share cookies between the ports of a host.
        listen = {name: f"127.0.0.{number}:{free_port()}" for number, name in enumerate(GATES, 1)}
        self.origins = {name: f"http://{address}" for name, address in listen.items()}
        with ThreadPoolExecutor() as pool:
            django = pool.submit(DjangoProvider, folder / "django", **{
                name: {"client_secret": SECRET, "redirect_uris": f"{origin}/.sidegate/callback {origin}/.sidegate/callback/school",
                       "post_logout_redirect_uris": origin + SIGNED_OUT} for name, origin in self.origins.items()})
            glewlwyd = pool.submit(Glewlwyd, folder / "glewlwyd", **{
                name: {"client_secret": SECRET, "redirect_uri": [f"{origin}/.sidegate/callback", f"{origin}/.sidegate/callback/staff"],
                       "post_logout_redirect_uri": origin + SIGNED_OUT,
                       "backchannel_logout_uri": f"{origin}/.sidegate/backchannel-logout"}
                for name, origin in self.origins.items()})
            self.started = []
            failures = []
            for name, future in (("django", django), ("glewlwyd", glewlwyd)):
                try:
                    setattr(self, name, future.result())
                    self.started.append(getattr(self, name))
                except BaseException as failure:
                    failures.append(failure)
        try:
            if failures:
                raise failures[0]
            self.app = php(folder, "apps/php/index.php")
            self.started.append(self.app)
            (folder / "portal").mkdir()
            self.portal = php(folder / "portal", "identity-providers/php", ISPRING_SECURITY_KEY=KEY,
                              ISPRING_RETURN_URL=f"{self.origins['together']}/sso/login/jwt")
            self.started.append(self.portal)
            self.redis = Redis(folder / "redis")
            self.gates = {}
            shared = {"session": {"store": "redis"}, "redis": {"url": self.redis.url, "timeout": "5s"}}
            for name in ("django", "glewlwyd"):
                self.gates[name] = self.gate(folder / name / "gate", name, listen[name], token={"keys": None}, **shared, identityProvider={
                    **self.openid(getattr(self, name), name), "loginURL": None})
            self.gates["together"] = self.gate(folder / "together", "together", listen["together"], identityProvider=None, token=None, **shared,
                                               identityProviders=[
                {"name": "school", "label": "Students", "identityProvider": self.openid(self.django, "together")},
                {"name": "staff", "label": "Staff", "identityProvider": self.openid(self.glewlwyd, "together")},
                {"name": "portal", "label": "Company portal", "identityProvider": {
                    "preset": "ispring", "loginURL": f"{self.portal.url}/ispring/authentication.php",
                    "logoutURL": f"{self.portal.url}/ispring/logout.php", "returnPath": "/sso/login/jwt"},
                 "token": {"keys": [{"secret": KEY}]}}])
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def openid(provider, client: str) -> dict:
        return {"protocol": "oidc", "issuer": provider.issuer, "clientID": client, "clientSecret": SECRET}

    def gate(self, folder, name, address, **changes) -> Gate:
        gate = Gate(folder, self.app.url, also_listen=[address], publicURL=self.origins[name], **changes)
        gate.origin = self.origins[name]
        return ready(gate, host=gate.origin.removeprefix("http://"))

    def stop(self):
        codes = {name: gate.stop() for name, gate in getattr(self, "gates", {}).items()}
        for started in self.started:
            started.stop()
        if hasattr(self, "redis"):
            self.redis.stop()
        assert set(codes.values()) <= {0}, codes


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.stop()


def path_of(browser, world, name: str) -> str:
    return browser.current_url.removeprefix(world.origins[name]) if browser.current_url.startswith(world.origins[name] + "/") else ""


def press(browser, text: str):
    until(browser, lambda b: b.find_element(
        By.XPATH, f"//button[normalize-space()='{text}']|//input[@type='submit'][@value='{text}']"), f"a button {text}").click()


def log_in(browser, user: str = "ada"):
    """On the login page of either provider."""
    until(browser, lambda b: b.find_element(By.NAME, "username"), "the login page").send_keys(user)
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    browser.find_element(By.CSS_SELECTOR, "#loginbut, form[method=post] button").click()


def enter_by_django(browser, user: str = "ada", logs_in: bool = True):
    if logs_in:
        log_in(browser, user)
    press(browser, "Authorize")


def enter_by_glewlwyd(browser, user: str = "ada", logs_in: bool = True):
    if logs_in:
        log_in(browser, user)
    until(browser, lambda b: "Grant access" in page_text(b), "the page that asks for consent")
    press(browser, "Continue")


ENTER = {"django": enter_by_django, "glewlwyd": enter_by_glewlwyd}


def is_signed_in(browser, world, name: str, path: str = DEEP_LINK, email: str = "ada@example.com"):
    try:
        until(browser, lambda b: path_of(b, world, name) == path and email in page_text(b), "the app")
    except TimeoutException:
        raise AssertionError(f"{browser.current_url}\n{page_text(browser)[:2000]}\n{world.gates[name].log()[-3000:]}") from None


def test_django_oauth_toolkit_in_and_out(world, browser):
    browser.get(world.origins["django"] + DEEP_LINK)
    enter_by_django(browser)
    is_signed_in(browser, world, "django")
    assert "teachers" in page_text(browser)
    keep_screenshot(browser, "openid-1-django")

    browser.find_element(By.LINK_TEXT, "Log out").click()
    until(browser, lambda b: b.current_url.startswith(world.django.url), "the provider's page")
    press(browser, "Logout")
    until(browser, lambda b: path_of(b, world, "django").startswith(SIGNED_OUT), "the page after it")
    keep_screenshot(browser, "openid-2-signed-out")
    browser.get(world.origins["django"] + "/")
    until(browser, lambda b: b.find_element(By.NAME, "password"), "both sessions are over")


def test_glewlwyd_in_and_out(world, browser):
    browser.get(world.origins["glewlwyd"] + DEEP_LINK)
    enter_by_glewlwyd(browser)
    is_signed_in(browser, world, "glewlwyd")
    keep_screenshot(browser, "openid-3-glewlwyd")

    browser.find_element(By.LINK_TEXT, "Log out").click()
    until(browser, lambda b: b.current_url.startswith(world.glewlwyd.url), "the provider's page")
    press(browser, "Logout")
    until(browser, lambda b: "You are disconnected" in page_text(b), "it is over there")
    browser.get(world.origins["glewlwyd"] + "/")
    until(browser, lambda b: b.find_element(By.NAME, "password"), "both sessions are over")


def test_a_refusal_at_the_provider_is_explained(world, browser):
    browser.get(world.origins["django"] + DEEP_LINK)
    log_in(browser)
    press(browser, "Cancel")
    until(browser, lambda b: path_of(b, world, "django") and "provider_error" in page_text(b), "the page that explains it")
    assert "access_denied" in page_text(browser)
    keep_screenshot(browser, "openid-4-denied")


def test_glewlwyd_ends_the_session_of_another_gate_by_its_back_channel(world, browser):
    for name in ("glewlwyd", "together"):
        browser.get(world.origins[name] + ("/.sidegate/login?provider=staff&return_to=/" if name == "together" else "/"))
        enter_by_glewlwyd(browser, logs_in=name == "glewlwyd")
        is_signed_in(browser, world, name, "/")
    gate = world.gates["together"]
    before = gate.log().count('"logout"')
    browser.get(world.origins["glewlwyd"] + "/")
    browser.find_element(By.LINK_TEXT, "Log out").click()
    until(browser, lambda b: b.current_url.startswith(world.glewlwyd.url), "the provider's page")
    press(browser, "Logout")
    until(browser, lambda b: "You are disconnected" in page_text(b), "it is over there")
    until(browser, lambda _: gate.log().count('"logout"') > before, "the provider has told the other gate")
    assert wait_for_audit(gate, "logout")
    browser.get(world.origins["together"] + "/")
    until(browser, lambda b: "Company portal" in page_text(b), "signed out there as well: the page to choose a provider")


class TestTogether:
    def choose(self, browser, world, label: str, path: str = DEEP_LINK):
        browser.get(world.origins["together"] + path)
        until(browser, lambda b: "Company portal" in page_text(b), "the page to choose a provider")
        assert path_of(browser, world, "together").startswith("/.sidegate/login?")
        browser.find_element(By.PARTIAL_LINK_TEXT, label).click()

    def test_each_provider_signs_in(self, world, chromium, browser):
        self.choose(browser, world, "Students")
        enter_by_django(browser)
        is_signed_in(browser, world, "together")
        chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.choose(browser, world, "Staff")
        enter_by_glewlwyd(browser)
        is_signed_in(browser, world, "together")
        chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.choose(browser, world, "Company portal")
        until(browser, lambda b: b.find_element(By.NAME, "email"), "the login page").send_keys("ada@example.com")
        browser.find_element(By.NAME, "password").send_keys("engine")
        browser.find_element(By.TAG_NAME, "button").click()
        is_signed_in(browser, world, "together")

    def test_the_last_choice_comes_first(self, world, browser):
        browser.get(world.origins["together"] + "/")
        until(browser, lambda b: "Company portal" in page_text(b), "the page to choose a provider")
        keep_screenshot(browser, "openid-5-choose")
        self.choose(browser, world, "Company portal")
        until(browser, lambda b: b.find_element(By.NAME, "email"), "the login page")
        browser.get(world.origins["together"] + "/")
        until(browser, lambda b: "Company portal" in page_text(b), "the page to choose a provider")
        text = page_text(browser)
        assert text.index("Company portal") < text.index("Students") and text.index("Company portal") < text.index("Staff")

    def test_it_works_without_scripts(self, world, tmp_path):
        chromium = start_chromium(tmp_path / "profile", preferences={"profile.managed_default_content_settings.javascript": 2})
        try:
            self.choose(chromium, world, "Students")
            enter_by_django(chromium)
            is_signed_in(chromium, world, "together")
        finally:
            chromium.quit()

    def test_sign_out_goes_to_the_provider_of_the_session(self, world, browser):
        self.choose(browser, world, "Students")
        enter_by_django(browser)
        is_signed_in(browser, world, "together")
        browser.find_element(By.LINK_TEXT, "Log out").click()
        until(browser, lambda b: b.current_url.startswith(world.django.url), "the provider's page")


def test_a_response_by_form_post_signs_in(start_gate, upstream, tmp_path):
    """The provider's page posts the form from another site; the login cookie must come with it."""
    provider, authority = OpenIDProvider(), Authority(tmp_path / "authority")
    gate = secured(start_gate(upstream, **openid_settings(provider, {"responseMode": "form_post"}), **secure_settings(authority)),
                   trusting(authority))
    chromium = start_chromium(tmp_path / "profile", "--ignore-certificate-errors")
    try:
        upstream.answer = lambda request, connection: connection.respond(
            200, {"Content-Type": "text/html"}, f"<!doctype html><p>Hello, {request.get('X-Forwarded-Email')}")
        ready(gate)
        chromium.get(gate.origin + DEEP_LINK)
        until(chromium, lambda b: b.current_url == gate.origin + DEEP_LINK and "ada@example.com" in page_text(b), "the app")
        assert provider.count("token") == 1
    finally:
        chromium.quit()
        provider.stop()
