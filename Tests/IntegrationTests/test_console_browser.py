# SPDX-License-Identifier: Apache-2.0
"""The console in a real browser: live, with the keyboard, without scripts, on a phone, in the dark."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import tokens
from harness.admin import port as admin_port
from harness.chromium import keep_screenshot, page_text, start_chromium, until
from harness.console import TOKEN, console
from harness.gate import Browser
from harness.upstream import Upstream


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    browser = start_chromium(tmp_path_factory.mktemp("operator"))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    browser = start_chromium(tmp_path_factory.mktemp("user"))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def scriptless(tmp_path_factory):
    browser = start_chromium(
        tmp_path_factory.mktemp("scriptless"), preferences={"profile.managed_default_content_settings.javascript": 2})
    yield browser
    browser.quit()


class App(Upstream):
    def __init__(self):
        super().__init__()
        self.answer = lambda request, connection: connection.respond(
            200, {"Content-Type": "text/html"}, b"<!doctype html><title>app</title><h1>The app</h1>")


class Provider(Upstream):
    """A login page."""

    def __init__(self):
        super().__init__()
        self.answer = lambda request, connection: connection.respond(
            200, {"Content-Type": "text/html"}, b"<!doctype html><title>login</title><h1>Log in here</h1>")


@pytest.fixture(scope="module")
def app():
    app = App()
    yield app
    app.stop()


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def gate(app, provider, start_gate):
    return start_gate(app, admin=console(), identityProvider={"loginURL": provider.url + "/login?return_url={returnURL}"})


def address(gate, path="/") -> str:
    return f"http://127.0.0.1:{admin_port(gate)}{path}"


def fresh(browser):
    # The page of another gate, which has ended, would go on asking for events.
    browser.get("about:blank")
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.get_log("browser")
    return browser


def enter(browser, gate):
    """Types the token in."""
    open_form(browser, gate).send_keys(TOKEN, Keys.ENTER)
    until(browser, lambda b: b.find_elements(By.ID, "headline"), "the overview")


def open_form(browser, gate):
    """The field for the token."""
    # The listener is open before the workers serve.
    fresh(browser)
    field = until(browser, lambda b: b.get(address(gate)) or b.find_elements(By.ID, "token"), "the form for the token")[0]
    browser.get_log("browser")
    return field


def complaints(browser) -> list:
    """What the browser has refused or reported."""
    return [line["message"] for line in browser.get_log("browser") if "favicon" not in line["message"]]


def is_live(browser) -> bool:
    return browser.find_element(By.ID, "live").text == "Live"


def sign_in(gate, **claims) -> Browser:
    browser = Browser(gate)
    return_url = dict(pair.split("=", 1) for pair in browser.navigate("/")["Location"].partition("?")[2].split("&"))
    from urllib.parse import unquote
    response = browser.finish(unquote(return_url["return_url"]), tokens.token(**claims))
    assert response.status == 303, response
    return browser


def phone(browser, width=320):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 640, "deviceScaleFactor": 2, "mobile": True})


def dark(browser):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                            {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})


class TestLive:
    def test_a_sign_in_and_a_refusal_appear_by_themselves(self, operator, gate):
        enter(operator, gate)
        until(operator, is_live, "the stream is open")
        assert "Nobody has signed in" in page_text(operator)
        operator.execute_script("window.isSamePage = true")
        sign_in(gate, sub="ada")
        until(operator, lambda b: "ada" in b.find_element(By.CSS_SELECTOR, "[data-feed]").text, "the sign-in is listed")
        row = operator.find_element(By.CSS_SELECTOR, "[data-feed] tr").text
        assert "Signed in" in row and "127.0.0.1" in row
        # The chart's table follows.
        until(operator, lambda b: b.find_element(By.CSS_SELECTOR, "#sign-ins tbody tr").text.split()[:4] == ["Signed", "in", "1", "1"],
              "the chart has it")
        hostile = "<img src=x onerror=alert(1)>"
        sign_in(gate, sub=hostile)
        until(operator, lambda b: hostile in b.find_element(By.CSS_SELECTOR, "[data-feed]").text, "the hostile name is text")
        assert not operator.find_elements(By.TAG_NAME, "img")
        assert operator.execute_script("return window.isSamePage")
        assert complaints(operator) == []

    def test_a_session_is_ended_and_the_other_browser_is_at_the_login_page(self, operator, user, gate):
        enter(operator, gate)
        fresh(user).get(gate.origin + "/")
        until(user, lambda b: "Log in here" in page_text(b), "the login page")
        signed_in = sign_in(gate, sub="ada")
        for name, value in signed_in.cookies.items():
            user.execute_cdp_cmd("Network.setCookie", {"name": name, "value": value, "url": gate.origin})
        user.get(gate.origin + "/")
        until(user, lambda b: "The app" in page_text(b), "the app")
        operator.find_element(By.ID, "find").send_keys("ada", Keys.ENTER)
        until(operator, lambda b: "ada is signed in." in page_text(b) or b.refresh(), "the answer")
        operator.find_element(By.LINK_TEXT, "End all sessions of ada").click()
        until(operator, lambda b: "End all sessions of ada?" in page_text(b), "the question")
        operator.find_element(By.CSS_SELECTOR, "main button").click()
        until(operator, lambda b: b.find_elements(By.CSS_SELECTOR, ".said"), "it is done")
        user.get(gate.origin + "/")
        until(user, lambda b: "Log in here" in page_text(b), "the login page")
        assert complaints(operator) == []

    def test_after_an_hour_or_with_another_token_the_page_asks_again(self, operator, gate):
        enter(operator, gate)
        until(operator, is_live, "the stream is open")
        operator.delete_all_cookies()
        operator.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
        until(operator, lambda b: b.find_elements(By.ID, "token"), "the form for the token")


class TestForEveryone:
    def test_without_scripts_everything_works(self, scriptless, gate):
        enter(scriptless, gate)
        ada = sign_in(gate, sub="ada")
        assert ada.fetch("GET", "/").status == 200
        scriptless.get(address(gate))
        text = page_text(scriptless)
        for wanted in ("People can sign in and work", "Signed in", "ada", "Reachable"):
            assert wanted in text
        scriptless.get(address(gate, "/people?q=ada"))
        until(scriptless, lambda b: "End all sessions of ada" in page_text(b) or b.refresh(), "the session is listed")
        scriptless.find_element(By.LINK_TEXT, "End all sessions of ada").click()
        until(scriptless, lambda b: "End all sessions of ada?" in page_text(b), "the question")
        scriptless.find_element(By.CSS_SELECTOR, "main button").click()
        until(scriptless, lambda b: "Ended." in page_text(b), "it is done")
        assert ada.navigate("/").status == 302

    def test_with_the_keyboard_alone(self, operator, gate):
        open_form(operator, gate)
        press(operator, Keys.TAB)
        assert focused(operator).text == "Skip to the content"
        while focused(operator).get_attribute("id") != "token":
            press(operator, Keys.TAB)
        press(operator, TOKEN, Keys.ENTER)
        until(operator, lambda b: b.find_elements(By.ID, "headline"), "the overview")
        names, seen = [], 0
        while seen < 60:
            press(operator, Keys.TAB)
            element = focused(operator)
            if element.tag_name == "body":
                break
            seen += 1
            outline = operator.execute_script(
                "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]")
            assert outline[0] != "none" and outline[1] >= 2, f"the focus of {element.text!r} is not visible"
            names.append(element.text or element.get_attribute("id"))
        assert names[:8] == ["Skip to the content", "Sidegate", "Overview", "People", "Sessions", "Audit trail", "find", "Find"]
        # The link past the navigation.
        operator.get(address(gate))
        press(operator, Keys.TAB)
        press(operator, Keys.ENTER)
        assert focused(operator).get_attribute("id") == "main"

    @pytest.mark.parametrize("path", ["/", "/people?q=ada", "/sessions", "/audit", "/sessions/end?user=ada"])
    def test_on_a_phone_nothing_scrolls_sideways(self, operator, gate, path):
        sign_in(gate, sub="ada-of-a-rather-long-name@department.example.com").fetch("GET", "/")
        enter(operator, gate)
        phone(operator)
        operator.get(address(gate, path))
        assert operator.execute_script("return document.documentElement.scrollWidth") <= 320
        # WCAG 2.2 §2.5.8; links within a sentence are exempt.
        small = operator.execute_script("""
            return [...document.querySelectorAll('nav a,.button,input:not([type=hidden])')].filter(e => {
              const r = e.getBoundingClientRect(); return r.width < 24 || r.height < 24}).map(e => e.textContent)""")
        assert small == []

    def test_motion_is_reduced_where_that_is_wanted(self, operator, gate):
        enter(operator, gate)
        operator.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                 {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
        until(operator, is_live, "the stream is open")
        sign_in(gate, sub="ada")
        row = until(operator, lambda b: b.find_elements(By.CSS_SELECTOR, "tr.fresh"), "the row")[0]
        assert operator.execute_script("return getComputedStyle(arguments[0]).animationName", row) == "none"

    def test_screenshots(self, operator, gate):
        """Kept for people to look at."""
        for name in ("ada", "grace", "linus", "margaret"):
            sign_in(gate, sub=f"{name}@example.com").fetch("GET", "/")
        Browser(gate)
        enter(operator, gate)
        for name, path in (("overview", "/"), ("people", "/people?q=ada"), ("sessions", "/sessions"), ("audit", "/audit")):
            operator.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
            operator.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": 1280, "height": 1500, "deviceScaleFactor": 1, "mobile": False})
            operator.get(address(gate, path))
            keep_screenshot(operator, f"console-{name}")
            dark(operator)
            keep_screenshot(operator, f"console-{name}-dark")
            operator.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": 320, "height": 1800, "deviceScaleFactor": 2, "mobile": True})
            keep_screenshot(operator, f"console-{name}-phone")


class TestHostilePages:
    def test_a_page_of_another_site_reads_and_changes_nothing(self, operator, gate):
        enter(operator, gate)
        ada = sign_in(gate, sub="ada")
        evil = Upstream()
        evil.answer = lambda request, connection: connection.respond(200, {"Content-Type": "text/html"}, f"""<!doctype html>
            <title>evil</title><form id=f method=post action="{address(gate, '/sessions/end')}">
            <input name=user value=ada><input name=form_token value=x></form><iframe src="{address(gate)}"></iframe>""".encode())
        # Another name: another site.
        operator.get(f"http://localhost:{evil.port}/")
        read = operator.execute_async_script(f"""
            const done = arguments[0];
            fetch("{address(gate, '/sessions')}", {{credentials: "include"}}).then(r => r.text()).then(done, e => done("refused"))""")
        assert read == "refused"
        stream = operator.execute_async_script(f"""
            const done = arguments[0], s = new EventSource("{address(gate, '/events')}", {{withCredentials: true}});
            s.onerror = () => {{s.close(); done("refused")}}; s.addEventListener("audit", m => done(m.data))""")
        assert stream == "refused"
        operator.execute_script("document.getElementById('f').submit()")
        until(operator, lambda b: b.current_url.startswith(address(gate)), "the form was sent")
        assert ada.fetch("GET", "/").status == 200
        evil.stop()


def press(browser, *keys):
    focused(browser).send_keys(*keys)


def focused(browser):
    return browser.switch_to.active_element
