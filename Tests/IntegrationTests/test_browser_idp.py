# SPDX-License-Identifier: Apache-2.0
"""Sign-in as with iSpring and LoginRadius: a real browser, the example login scripts, a PHP app."""

import pytest
from selenium.webdriver.common.by import By

from harness.chromium import browser, chromium, keep_screenshot, page_text, until  # noqa: F401  fixtures among them
from harness.examples import KEY, ExampleGate, flask, php
from harness.ports import free_port

DEEP_LINK = "/course/7?lesson=2&q=a%20b#notes"


class Site:
    """An app, its gate and an identity provider."""

    def __init__(self, folder, name, start_provider, settings):
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self.app = php(folder, "apps/php/index.php")
        (folder / "provider").mkdir()
        self.provider = start_provider(folder / "provider", self.origin)
        self.gate = ExampleGate(folder / "gate", name, self.app.url, port, **settings(self.provider.url))

    def stop(self):
        code = self.gate.stop()
        self.provider.stop()
        self.app.stop()
        assert code == 0, self.gate.log()[-4000:]


@pytest.fixture(scope="module")
def ispring(tmp_path_factory):
    site = Site(
        tmp_path_factory.mktemp("ispring"), "ispring",
        lambda folder, origin: php(folder, "identity-providers/php", ISPRING_SECURITY_KEY=KEY,
                                   ISPRING_RETURN_URL=f"{origin}/sso/login/jwt"),
        lambda provider: {"identityProvider__loginURL": f"{provider}/ispring/authentication.php",
                          "identityProvider__logoutURL": f"{provider}/ispring/logout.php"})
    yield site
    site.stop()


@pytest.fixture(scope="module")
def loginradius(tmp_path_factory):
    site = Site(
        tmp_path_factory.mktemp("loginradius"), "loginradius",
        lambda folder, origin: flask(folder, SECRET=KEY, RETURN_URLS=f"{origin}/.sidegate/callback",
                                     BACKCHANNEL_URLS=f"{origin}/.sidegate/backchannel-logout"),
        lambda provider: {
            "identityProvider__loginURL":
                f"{provider}/sso/jwt/redirect/token?apikey=api-key&jwtapp=wiki&return_url={{returnURL}}",
            "identityProvider__logoutURL": f"{provider}/logout?logout_token={{logoutToken}}"})
    yield site
    site.stop()


def log_in(browser, email, password):
    field = until(browser, lambda b: b.find_element(By.NAME, "email"), "the login page")
    field.clear()
    field.send_keys(email)
    browser.find_element(By.NAME, "password").send_keys(password)
    browser.find_element(By.TAG_NAME, "button").click()


def path_of(browser, site) -> str:
    url = browser.current_url
    return url.removeprefix(site.origin) if url.startswith(site.origin) else ""


def cookie_names(browser, site) -> list:
    return [c["name"] for c in browser.execute_cdp_cmd("Network.getCookies", {"urls": [site.origin]})["cookies"]]


def test_ispring_from_the_deep_link_to_the_logout_script(ispring, browser):
    browser.get(ispring.origin + DEEP_LINK)
    until(browser, lambda b: b.find_element(By.NAME, "email"), "the login page")
    assert browser.current_url.startswith(ispring.provider.url + "/ispring/authentication.php")
    keep_screenshot(browser, "ispring-1-login")
    log_in(browser, "ada@example.com", "wrong")
    until(browser, lambda b: "do not match" in page_text(b), "the login page reports it")
    log_in(browser, "ada@example.com", "engine")

    until(browser, lambda b: path_of(b, ispring) == DEEP_LINK, "the deep link, with its fragment")
    assert "ada@example.com" in page_text(browser)
    keep_screenshot(browser, "ispring-2-signed-in")

    browser.find_element(By.LINK_TEXT, "Log out").click()
    until(browser, lambda b: "ada@example.com is logged out" in page_text(b), "the logout script")
    assert browser.current_url.startswith(ispring.provider.url + "/ispring/logout.php?jwt=")
    keep_screenshot(browser, "ispring-3-logged-out")
    assert "sidegate" not in cookie_names(browser, ispring)

    browser.get(ispring.origin + "/")
    until(browser, lambda b: b.find_element(By.NAME, "password"), "both sessions are over")


def test_ispring_started_at_the_corporate_site(ispring, browser):
    browser.get(ispring.provider.url + "/ispring/authentication.php")
    log_in(browser, "zoe@example.com", "tréma")
    until(browser, lambda b: path_of(b, ispring) and "zoe@example.com" in page_text(b), "confirmation")
    assert "sidegate" not in cookie_names(browser, ispring)
    keep_screenshot(browser, "ispring-4-confirm")
    browser.find_element(By.CSS_SELECTOR, "form button").click()
    until(browser, lambda b: path_of(b, ispring) == "/" and "zoe@example.com" in page_text(b), "the app")


def test_ispring_with_the_spellings_of_its_page(ispring, browser):
    browser.get(ispring.provider.url + "/ispring/as-printed.php")
    log_in(browser, "ada@example.com", "engine")
    until(browser, lambda b: path_of(b, ispring) and b.find_element(By.CSS_SELECTOR, "form button"), "confirmation").click()
    until(browser, lambda b: path_of(b, ispring) == "/" and "ada@example.com" in page_text(b), "the app")


def test_ispring_native_login_when_single_sign_on_is_unavailable(ispring, browser):
    browser.get(ispring.origin + "/login?no_sso")
    until(browser, lambda b: "Hello, guest" in page_text(b), "the app's own page")
    keep_screenshot(browser, "ispring-5-native-login")
    browser.get(ispring.origin + "/course/7")
    until(browser, lambda b: b.find_element(By.NAME, "password"), "the provider: no other page is open")


def test_loginradius_signs_in_in_two_tabs_and_out_everywhere(loginradius, browser):
    first = browser.current_window_handle
    browser.get(loginradius.origin + "/one?tab=1")
    until(browser, lambda b: b.find_element(By.NAME, "email"), "the login page")
    assert "return_url=" in browser.current_url
    keep_screenshot(browser, "loginradius-1-login")
    browser.switch_to.new_window("tab")
    second = browser.current_window_handle
    browser.get(loginradius.origin + DEEP_LINK)
    log_in(browser, "ada@example.com", "engine")
    until(browser, lambda b: path_of(b, loginradius) == DEEP_LINK, "the second tab's page")
    assert "ada@example.com" in page_text(browser) and "staff and admins" in page_text(browser)
    keep_screenshot(browser, "loginradius-2-signed-in")

    browser.switch_to.window(first)
    browser.refresh()  # the user is now logged in at the provider
    until(browser, lambda b: path_of(b, loginradius) == "/one?tab=1", "the first tab's page")
    assert "ada@example.com" in page_text(browser)

    browser.find_element(By.LINK_TEXT, "Log out").click()
    until(browser, lambda b: "You are logged out" in page_text(b), "the provider's page")
    keep_screenshot(browser, "loginradius-3-logged-out")
    browser.switch_to.window(second)
    browser.refresh()
    until(browser, lambda b: b.find_element(By.NAME, "password"), "logged out in this tab as well")
    browser.close()
    browser.switch_to.window(first)


def test_loginradius_logout_at_the_provider_ends_the_session_here(loginradius, browser):
    browser.get(loginradius.origin + "/")
    log_in(browser, "grace@example.com", "compiler")
    until(browser, lambda b: "grace@example.com" in page_text(b), "the app")
    browser.get(loginradius.provider.url + "/logout")
    until(browser, lambda b: b.find_element(By.TAG_NAME, "button"), "the page that asks for confirmation").click()
    until(browser, lambda b: "You are logged out" in page_text(b), "the page after the logout")
    assert "sidegate" in cookie_names(browser, loginradius), "the cookie still exists, but its session has ended"
    browser.get(loginradius.origin + "/")
    until(browser, lambda b: b.find_element(By.NAME, "password"), "the login page")
