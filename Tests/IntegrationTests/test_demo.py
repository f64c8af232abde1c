# SPDX-License-Identifier: Apache-2.0
"""The demo in a real browser, from the first redirect to the logout."""

import re
import subprocess
import urllib.parse

import pytest
from selenium.webdriver.common.by import By

from harness.chromium import browser, chromium, keep_screenshot, page_text, until  # noqa: F401  fixtures among them
from harness.gate import BINARY, NAVIGATION, XHR, clean_environment, sidegate
from harness.ports import free_port
from harness.process import ChildProcess, wait_until
from harness.wire import exchange


PROVIDER = "/identity-provider/"


class Demo:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = ChildProcess(
            [BINARY, "demo", "--listen", f"127.0.0.1:{self.port}"], folder / "demo.log", env=clean_environment())
        self.process.wait_until_accepting(("127.0.0.1", self.port))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    assert demo.process.stop() == 0, demo.process.output()


def choose(browser, way="redirect"):
    """On the gate's page that offers both ways to sign in."""
    until(browser, lambda b: b.find_element(By.CSS_SELECTOR, f'a[href*="provider={way}"]'), "the page to choose").click()


def sign_in(browser, demo, path="/", user="ada", way="redirect"):
    browser.get(demo.url + path)
    choose(browser, way)
    button = until(browser, lambda b: b.find_element(By.CSS_SELECTOR, f"button[name=user][value={user}]"), "the login page")
    assert browser.current_url.startswith(demo.url + PROVIDER), "the login page is the provider's, not the gate's"
    button.click()
    until(browser, lambda b: b.current_url == demo.url + path, "back at the app")


def cookie_names(browser) -> list:
    return [c["name"] for c in browser.get_cookies()]


def test_it_prints_the_address_and_what_to_try(demo):
    text = wait_until(lambda: demo.url in demo.process.output() and demo.process.output(), "the URL is printed")
    for word in ("ada", "grace"):
        assert word in text.lower()


def test_a_user_signs_in_reaches_the_requested_page_and_signs_out(demo, browser):
    browser.get(demo.url + "/reports/2026/q4?region=north&sort=date")
    until(browser, lambda b: b.find_element(By.CSS_SELECTOR, 'a[href*="provider=openid"]'), "both ways are offered")
    keep_screenshot(browser, "demo-0-choose")
    choose(browser)
    login = until(browser, lambda b: b.find_element(By.CSS_SELECTOR, "button[name=user][value=ada]"), "the login page")
    keep_screenshot(browser, "demo-1-login")
    login.click()

    until(browser, lambda b: b.current_url == demo.url + "/reports/2026/q4?region=north&sort=date", "the deep link")
    assert "Ada" in page_text(browser) and "ada@example.com" in page_text(browser)
    assert "jwt" not in browser.current_url
    keep_screenshot(browser, "demo-2-signed-in")
    assert "sidegate" in cookie_names(browser)
    assert not [e for e in browser.get_log("browser") if "Content Security Policy" in e["message"]]

    browser.find_element(By.CSS_SELECTOR, 'a[href="/.sidegate/logout"]').click()
    until(browser, lambda b: "sidegate" not in [c["name"] for c in b.execute_cdp_cmd(
        "Network.getCookies", {"urls": [demo.url]})["cookies"]], "the session is gone")
    keep_screenshot(browser, "demo-3-signed-out")

    browser.get(demo.url + "/")
    choose(browser)
    until(browser, lambda b: b.find_element(By.CSS_SELECTOR, "button[name=user][value=grace]"), "the login page again")


def test_a_user_signs_in_by_openid_connect_and_signs_out(demo, browser):
    sign_in(browser, demo, "/reports?x=1", user="grace", way="openid")
    assert "grace@example.com" in page_text(browser) and "openid" in page_text(browser), "the app sees the provider's name"
    keep_screenshot(browser, "demo-7-openid")
    assert not [e for e in browser.get_log("browser") if "Content Security Policy" in e["message"]]
    browser.find_element(By.CSS_SELECTOR, 'a[href="/.sidegate/logout"]').click()
    until(browser, lambda b: b.current_url.startswith(demo.url + "/.sidegate/signed-out"), "the page after the logout")
    browser.get(demo.url + "/")
    choose(browser, "openid")
    until(browser, lambda b: b.find_element(By.CSS_SELECTOR, "button[name=user][value=grace]"), "the login page again")


def test_going_back_and_reloading_show_no_error(demo, browser):
    sign_in(browser, demo, "/")
    browser.get(demo.url + "/reports/")
    browser.back()
    browser.refresh()
    until(browser, lambda b: "Ada" in page_text(b), "the signed-in page")


def test_two_tabs_sign_in_side_by_side(demo, browser):
    first = browser.current_window_handle
    browser.get(demo.url + "/one?tab=1")
    browser.switch_to.new_window("tab")
    second = browser.current_window_handle
    browser.get(demo.url + "/two?tab=2")
    for window, path in ((first, "/one?tab=1"), (second, "/two?tab=2")):
        browser.switch_to.window(window)
        choose(browser)
        until(browser, lambda b: "provider=" not in b.current_url and not b.find_elements(By.CSS_SELECTOR, 'a[href*="provider="]'),
              "the page after the choice")
        buttons = browser.find_elements(By.CSS_SELECTOR, "button[name=user][value=ada]")
        if buttons:
            buttons[0].click()
        until(browser, lambda b: b.current_url == demo.url + path, f"the page of {path}")
        assert "Ada" in page_text(browser)
    browser.close()
    browser.switch_to.window(first)


def test_an_invalid_token_gets_a_page_with_the_reason(demo, browser):
    browser.get(demo.url + "/.sidegate/callback?jwt=made-up")
    assert "token_malformed" in page_text(browser)
    keep_screenshot(browser, "demo-4-refused")
    assert browser.find_elements(By.PARTIAL_LINK_TEXT, "Try again")


def test_pages_support_phones_and_dark_mode(demo, browser):
    size = browser.get_window_size()
    try:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        browser.get(demo.url + "/.sidegate/callback?jwt=made-up")
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360, f"a page on a phone is {width} wide"
        background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        red, green, blue = map(int, re.findall(r"\d+", background)[:3])
        assert red + green + blue < 3 * 90, f"{background} is not dark"
        keep_screenshot(browser, "demo-5-phone-dark")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.set_window_size(size["width"], size["height"])


def test_a_login_that_began_at_the_provider_is_confirmed_first(demo, browser):
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.get(demo.url + PROVIDER)
    until(browser, lambda b: b.find_element(By.CSS_SELECTOR, "button[name=user][value=grace]"), "the provider").click()
    until(browser, lambda b: b.current_url.startswith(demo.url + "/.sidegate/"), "the page that asks for confirmation")
    assert "sidegate" not in cookie_names(browser)
    keep_screenshot(browser, "demo-6-confirm")
    browser.find_element(By.CSS_SELECTOR, "form button").click()
    until(browser, lambda b: "Grace" in page_text(b) and b.current_url == demo.url + "/", "the signed-in page")


def test_the_demo_runs_the_gate_itself(demo):
    assert exchange(demo.port, "GET", "/", NAVIGATION)["Location"].partition("?")[0].endswith("/.sidegate/login")
    refused = exchange(demo.port, "GET", "/api/me", XHR)
    assert refused.status == 401 and refused.json()["error"] == "unauthenticated"


def test_one_port_serves_the_gate_the_provider_and_the_app(demo):
    """`docker run --publish 8080:8080` must suffice: a whole sign-in at the one address, without a browser."""
    first = exchange(demo.port, "GET", "/.sidegate/login?provider=redirect&return_to=%2Freports%3Fx%3D1", NAVIGATION)
    location = urllib.parse.urlsplit(first["Location"])
    assert (location.hostname, location.port) == ("127.0.0.1", demo.port)
    cookie = next(line.partition(";")[0] for line in first.all("Set-Cookie") if "sidegate-login-" in line)
    login = exchange(demo.port, "GET", f"{location.path}?{location.query}", NAVIGATION)
    assert login.status == 200 and 'value="ada"' in login.text and f'action="{PROVIDER}login"' in login.text
    return_url = dict(urllib.parse.parse_qsl(location.query))["return_url"]
    form = urllib.parse.urlencode({"user": "ada", "return_url": return_url}).encode()
    sent = exchange(demo.port, "POST", PROVIDER + "login", {
        **NAVIGATION, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}, form)
    assert sent.status == 303 and f"Path={PROVIDER}" in sent["Set-Cookie"]
    back = urllib.parse.urlsplit(sent["Location"])
    assert back.port == demo.port
    signed_in = exchange(demo.port, "GET", f"{back.path}?{back.query}", {**NAVIGATION, "Cookie": cookie})
    assert signed_in.status == 303 and signed_in["Location"].endswith("/reports?x=1")


def test_the_images_health_check_works_for_a_demo(tmp_path):
    """The default address may be in use by a gate of this host, which does not matter here: it answers as well."""
    port = free_port()
    process = ChildProcess([BINARY, "demo", "--listen", f"0.0.0.0:{port}"], tmp_path / "demo.log", env=clean_environment())
    try:
        process.wait_until_accepting(("127.0.0.1", port))
        # Nothing else of it can be reached from outside the container, so one published port suffices.
        listening = [line.split()[3] for line in subprocess.run(
            ["ss", "-Hltnp"], capture_output=True, text=True).stdout.splitlines() if f"pid={process.child.pid}," in line]
        assert [where for where in listening if not where.startswith("127.0.0.1:")] == [f"0.0.0.0:{port}"], listening
        done = sidegate("healthcheck", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "warning" not in process.output()
        assert process.stop() == 0
    finally:
        process.kill()
