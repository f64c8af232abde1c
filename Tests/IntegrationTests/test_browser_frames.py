# SPDX-License-Identifier: Apache-2.0
"""Frames, fragments and long deep links in a real browser, and pages of other sites that are hostile to them."""

import base64
import hashlib
import subprocess
import urllib.parse

import pytest
from selenium.common.exceptions import NoSuchElementException, NoSuchFrameException
from selenium.webdriver.common.by import By

from harness import tokens
from harness.certificates import Authority
from harness.chromium import keep_screenshot, page_text, start_chromium, until
from harness.gate import Browser, Gate
from harness.sites import InstantProvider, Site

EVE = {"sub": "eve", "email": "eve@example.com"}
PHONE = (360, 740)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates")).issue("ec", "DNS:localhost")


def browser_for(folder, certificate, *more, preferences=None):
    public = subprocess.run(
        ["openssl", "pkey", "-in", certificate.key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
    pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return start_chromium(folder, f"--ignore-certificate-errors-spki-list={pin}", *more, preferences=preferences)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, certificate):
    """Blocks third-party cookies, as Debian's does by default."""
    browser = browser_for(tmp_path_factory.mktemp("profile"), certificate, "--host-resolver-rules=MAP evil.test 127.0.0.1",
                          preferences={"profile.block_third_party_cookies": True, "profile.cookie_controls_mode": 1})
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def without_scripts(tmp_path_factory, certificate):
    browser = browser_for(tmp_path_factory.mktemp("profile"), certificate,
                          preferences={"profile.managed_default_content_settings.javascript": 2})
    yield browser
    browser.quit()


def cleared(browser):
    browser.switch_to.default_content()
    browser.get("about:blank")
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    return browser


@pytest.fixture
def browser(chromium):
    yield cleared(chromium)
    for handle in chromium.window_handles[1:]:
        chromium.switch_to.window(handle)
        chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])
    chromium.set_window_size(1000, 900)


class World:
    """An app, a hostile site, providers, and gates with different settings."""

    def __init__(self, folder, certificate):
        self.folder, self.certificate = folder, certificate
        self.app, self.evil = Site(), Site()
        self.providers = {"state": InstantProvider(), "no state": InstantProvider(keeps_state=False), "asking": InstantProvider(asks=True)}
        self.gates = {}

    def gate(self, provider="state", **changes) -> Gate:
        key = (provider, repr(changes))
        if key not in self.gates:
            gate = Gate(self.folder / f"gate{len(self.gates)}", self.app.url, tls={"certificates": [self.certificate.settings]},
                        identityProvider={"loginURL": self.providers[provider].login_url},
                        access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]}, **changes)
            gate.origin = f"https://localhost:{gate.port}"
            self.gates[key] = gate
        return self.gates[key]

    def stop(self):
        for gate in self.gates.values():
            assert gate.stop() == 0, gate.log()[-4000:]
        for server in (self.app, self.evil, *self.providers.values()):
            server.stop()
            assert not server.failures, server.failures


@pytest.fixture(scope="module")
def world(tmp_path_factory, certificate):
    world = World(tmp_path_factory.mktemp("world"), certificate)
    yield world
    world.stop()


def cookies(browser, origin) -> list:
    return [c["name"] for c in browser.execute_cdp_cmd("Network.getCookies", {"urls": [origin]})["cookies"]]


def in_frame(browser, tag="iframe"):
    browser.switch_to.default_content()
    browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, tag))


def frame_shows(browser, text: str, tag="iframe"):
    def shown(b):
        try:
            in_frame(b, tag)
            return text in page_text(b)
        except (NoSuchElementException, NoSuchFrameException):
            return False
    until(browser, shown, f"the frame shows {text!r}")


FRAMES = {
    "iframe": '<iframe src="URL"></iframe>',
    "embed": '<embed src="URL" type="text/html" width=300 height=300>',
    "frame": '<frameset cols="*"><frame src="URL"></frameset>',
}


class TestFramesPage:
    @pytest.mark.parametrize("tag", FRAMES)
    def test_a_part_of_the_apps_page_leads_to_the_sign_in_and_back_to_the_whole(self, world, browser, tag):
        gate = world.gate()
        world.app.put("/open/portal", "<h1>Portal</h1>" * (tag != "frame") + FRAMES[tag].replace("URL", "/inner"))
        browser.get(gate.origin + "/open/portal?tab=1")
        frame_shows(browser, "Please sign in", tag)
        assert not cookies(browser, gate.origin)
        browser.find_element(By.LINK_TEXT, "Sign in").click()
        browser.switch_to.default_content()
        until(browser, lambda b: "__Host-sidegate" in cookies(b, gate.origin), "signed in")
        until(browser, lambda b: b.current_url == gate.origin + "/open/portal?tab=1", "the whole page again")
        frame_shows(browser, "ada@example.com", tag)

    def test_an_object_shows_what_its_page_has_for_a_failure(self, world, browser):
        """By HTML an object whose response has an error status shows its own content."""
        gate = world.gate()
        world.app.put("/open/object", '<object data="/inner" type="text/html"><a href="/inner">Sign in to see this</a></object>')
        browser.get(gate.origin + "/open/object")
        until(browser, lambda b: "Sign in to see this" in page_text(b), "the content of the object")
        browser.find_element(By.LINK_TEXT, "Sign in to see this").click()
        until(browser, lambda b: b.current_url == gate.origin + "/inner", "the page, after the sign-in")
        browser.get(gate.origin + "/open/object")
        inside = "var d = document.querySelector('object').contentDocument; return d && d.body ? d.body.innerText : ''"
        until(browser, lambda b: "ada@example.com" in b.execute_script(inside), "the object shows the page")

    def test_it_looks_well_in_a_small_frame(self, world, browser):
        gate = world.gate()
        browser.set_window_size(*PHONE)
        world.app.put("/open/small", '<meta name=viewport content="width=device-width"><h1>Portal</h1>'
                                     '<iframe src="/inner" style="width:100%;height:420px;border:0"></iframe>')
        browser.get(gate.origin + "/open/small")
        frame_shows(browser, "Please sign in")
        link = browser.find_element(By.LINK_TEXT, "Sign in")
        assert link.rect["height"] >= 44
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        keep_screenshot(browser, "frames-1-phone")

    def test_on_another_sites_page_it_shows_and_leads_to_what_the_frame_was_to_show(self, world, browser):
        gate = world.gate()
        browser.get(world.evil.put("/portal", f'<iframe src="{gate.origin}/inner?x=1" width=500 height=400></iframe>'))
        frame_shows(browser, "Please sign in")
        browser.find_element(By.LINK_TEXT, "Sign in").click()
        browser.switch_to.default_content()
        until(browser, lambda b: b.current_url == gate.origin + "/inner?x=1", "the frame's page in the whole window")

    def test_a_link_that_another_site_has_clicked_signs_nobody_in_under_its_account(self, world, browser):
        gate = world.gate("asking")
        browser.get(world.evil.put("/lure", f'<iframe src="{gate.origin}/inner" width=500 height=400></iframe>'))
        frame_shows(browser, "Please sign in")
        browser.find_element(By.LINK_TEXT, "Sign in").click()
        browser.switch_to.default_content()
        until(browser, lambda b: "The login page" in page_text(b), "the login page")
        assert any("sidegate-login-" in name for name in cookies(browser, gate.origin))
        url = f"{gate.origin}/.sidegate/callback?jwt={tokens.token(**EVE)}"
        browser.get(world.evil.put("/send", f'<script>location = "{url}"</script>'))
        until(browser, lambda b: "eve@example.com" in page_text(b), "the page asks")
        assert "__Host-sidegate" not in cookies(browser, gate.origin)

    def test_the_other_pages_cannot_be_framed(self, world, browser):
        gate = world.gate()
        for path in ("/.sidegate/logout", "/.sidegate/signed-out", "/.sidegate/login?return_to=//evil.example", "/.sidegate/callback"):
            browser.get(world.evil.put("/frames", f'<iframe src="{gate.origin}{path}" width=500 height=400></iframe>'))
            in_frame(browser)
            text = page_text(browser)
            assert "Sign out?" not in text and "signed out" not in text and "return_url_refused" not in text, (path, text)
            browser.switch_to.default_content()


class TestRebinding:
    def test_another_name_of_the_gates_address_gets_neither_session_nor_sign_in(self, world, browser):
        """A name of a hostile site that resolves to the gate's address."""
        gate = Gate(world.folder / "rebound", world.app.url, publicURL="http://127.0.0.1:1", trustedProxies=[],
                    identityProvider={"loginURL": world.providers["asking"].login_url})
        try:
            world.app.requests.clear()
            browser.get(f"http://evil.test:{gate.port}/inner")
            until(browser, lambda b: "The login page" in page_text(b), "the login page")
            assert "evil.test" not in browser.current_url and "127.0.0.1%3A1" in browser.current_url
            # A session of the real address, in the same browser, is none at the other name.
            person = Browser(gate)
            location = urllib.parse.urlsplit(person.navigate("/")["Location"])
            back = urllib.parse.urlsplit(dict(urllib.parse.parse_qsl(location.query))["return_url"])
            assert person.finish(f"{back.path}?{back.query}", tokens.token()).status == 303
            browser.execute_cdp_cmd("Network.setCookie", {
                "name": "sidegate", "value": person.cookies["sidegate"], "url": f"http://127.0.0.1:{gate.port}"})
            world.app.requests.clear()
            browser.get(f"http://evil.test:{gate.port}/inner")
            until(browser, lambda b: "The login page" in page_text(b), "the login page again")
            assert not world.app.requests
        finally:
            assert gate.stop() == 0


DEEP = "/reports/7?tab=a#/sheet/3?row=ä&q=a%20b"
FRAGMENT = "#/sheet/3?row=%C3%A4&q=a%20b"


class TestFragments:
    @pytest.mark.parametrize("provider", ["state", "no state"])
    def test_it_survives_and_is_in_no_request(self, world, browser, provider):
        gate = world.gate(provider, session={"keepFragment": True})
        for server in (world.app, world.providers[provider]):
            server.requests.clear()
        before = browser.execute_script("return history.length")
        browser.get(gate.origin + DEEP)
        until(browser, lambda b: b.current_url == gate.origin + "/reports/7?tab=a" + FRAGMENT, "the deep link with its fragment")
        assert page_text(browser).endswith("ada@example.com")
        assert browser.execute_script("return sessionStorage.length") == 0
        assert browser.execute_script("return history.length") <= before + 1, "the button Back leads to no page of the sign-in"
        assert not any("sheet" in target for server in (world.app, world.providers[provider]) for target in
                       [r.target for r in server.requests])
        assert "sheet" not in gate.log()

    def test_a_page_without_one(self, world, browser):
        gate = world.gate(session={"keepFragment": True})
        browser.get(gate.origin + "/reports/7?tab=b")
        until(browser, lambda b: b.current_url == gate.origin + "/reports/7?tab=b", "the page")

    def test_an_older_one_is_not_added_to_another_page(self, world, browser):
        gate = world.gate("asking", session={"keepFragment": True})
        browser.get(gate.origin + DEEP)
        until(browser, lambda b: "The login page" in page_text(b), "the login page")
        browser.get(gate.origin + "/other")
        until(browser, lambda b: "The login page" in page_text(b) and "other" not in b.current_url, "the login page again")
        browser.get(gate.origin + "/open/here")
        assert browser.execute_script("return sessionStorage.length") == 0

    def test_a_link_on_another_site(self, world, browser):
        gate = world.gate("no state", session={"keepFragment": True})
        browser.get(world.evil.put("/mail", f'<a href="{gate.origin}/reports/7?tab=a{FRAGMENT}">the sheet</a>'))
        browser.find_element(By.TAG_NAME, "a").click()
        until(browser, lambda b: "ada@example.com" in page_text(b) and "Is this you?" in page_text(b), "the page that asks")
        browser.find_element(By.CSS_SELECTOR, "form button").click()
        until(browser, lambda b: b.current_url == gate.origin + "/reports/7?tab=a" + FRAGMENT, "the deep link with its fragment")

    def test_where_people_choose_a_provider(self, world, browser):
        provider = {"loginURL": world.providers["state"].login_url}
        gate = Gate(
            world.folder / "chooser", world.app.url, tls={"certificates": [world.certificate.settings]}, session={"keepFragment": True},
            identityProvider=None, token=None, identityProviders=[
                {"name": "one", "identityProvider": provider, "token": {"keys": [{"secret": tokens.SECRET}]}},
                {"name": "two", "identityProvider": provider, "token": {"keys": [{"secret": "x" * 40}]}}])
        try:
            origin = f"https://localhost:{gate.port}"
            browser.get(origin + DEEP)
            until(browser, lambda b: b.find_elements(By.LINK_TEXT, "one"), "the page to choose a provider")
            browser.find_element(By.LINK_TEXT, "one").click()
            until(browser, lambda b: b.current_url == origin + "/reports/7?tab=a" + FRAGMENT, "the deep link with its fragment")
        finally:
            assert gate.stop() == 0

    def test_without_scripts_links_go_on(self, world, without_scripts):
        browser = cleared(without_scripts)
        gate = world.gate(session={"keepFragment": True})
        browser.get(gate.origin + DEEP)
        until(browser, lambda b: "One moment" in page_text(b), "the page in place of the redirect")
        keep_screenshot(browser, "fragments-1-without-scripts")
        browser.find_element(By.LINK_TEXT, "Continue").click()
        until(browser, lambda b: "You are signed in" in page_text(b), "the page after the sign-in")
        assert "jwt" not in browser.current_url
        browser.find_element(By.LINK_TEXT, "Continue").click()
        until(browser, lambda b: b.current_url.startswith(gate.origin + "/reports/7?tab=a"), "the page")

    def test_no_error_is_in_the_browsers_log(self, world, browser):
        gate = world.gate(session={"keepFragment": True})
        browser.get_log("browser")
        browser.get(gate.origin + DEEP)
        until(browser, lambda b: b.current_url.endswith(FRAGMENT), "the deep link with its fragment")
        assert not [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]]


class TestLongDeepLinks:
    @pytest.mark.parametrize("length", [2800, 3500])
    def test_the_browser_keeps_it(self, world, browser, length):
        gate = world.gate()
        path = "/report?columns="
        path += "c" * (length - len(path))
        browser.get(gate.origin + path)
        until(browser, lambda b: b.current_url == gate.origin + path, "the deep link")
        assert cookies(browser, gate.origin).count("__Host-sidegate") == 1
        assert not any("sidegate-login-n" in name for name in cookies(browser, gate.origin))

    def test_after_a_longer_one_a_page_says_so(self, world, browser):
        gate = world.gate()
        path = "/report?columns=" + "c" * 3485
        browser.set_window_size(*PHONE)
        browser.get(gate.origin + path)
        until(browser, lambda b: "too long" in page_text(b), "the page that says so")
        keep_screenshot(browser, "links-1-too-long")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        browser.get(gate.origin + path)
        assert browser.current_url == gate.origin + path, "the link leads to the page now"

    def test_seven_tabs_with_long_links_leave_the_browser_working(self, world, browser):
        gate = world.gate("asking")
        for number in range(7):
            browser.get(f"{gate.origin}/report?n={number}&columns=" + "c" * 3400)
            until(browser, lambda b: "The login page" in page_text(b), "the login page")
        total = sum(c["size"] for c in browser.execute_cdp_cmd("Network.getCookies", {"urls": [gate.origin]})["cookies"])
        assert total <= 12 * 1024
        browser.get(gate.origin + "/open/page")
        assert "/open/page" in page_text(browser)


class TestPartitioned:
    PARTITIONED = {"partitioned": True, "sameSite": "none"}

    def framed(self, world, browser, gate, path="/inner", name="/embedding", more=""):
        browser.get(world.evil.put(name, f'<iframe src="{gate.origin}{path}" width=500 height=300></iframe>{more}'))

    def test_a_frame_of_another_site_signs_in_by_itself(self, world, browser):
        gate = world.gate(session=self.PARTITIONED)
        self.framed(world, browser, gate, "/inner?x=1")
        frame_shows(browser, "ada@example.com")
        browser.execute_script("location.reload()")
        frame_shows(browser, "ada@example.com")
        # The session is of frames on that site alone.
        browser.switch_to.default_content()
        browser.get(gate.origin + "/open/page")
        assert "nobody" in page_text(browser)

    def test_without_it_the_browser_keeps_no_cookie_there(self, world, browser):
        gate = world.gate()
        self.framed(world, browser, gate)
        frame_shows(browser, "Please sign in")

    def test_the_app_works_in_the_frame_and_other_sites_change_nothing(self, world, browser):
        gate = world.gate(session=self.PARTITIONED)
        world.app.put("/form", '<p>{user}</p><form method="post" action="/saved"><input name="a" value="b"><button>Save</button></form>')
        attack = f'<form method="post" action="{gate.origin}/stolen" target="other"><button id="attack">Go</button></form><iframe name="other"></iframe>'
        self.framed(world, browser, gate, "/form", "/attacking", attack)
        frame_shows(browser, "ada@example.com")
        world.app.requests.clear()
        browser.find_element(By.TAG_NAME, "button").click()
        frame_shows(browser, "/saved")
        assert [(r.method, r.target) for r in world.app.requests if r.target != "/favicon.ico"] == [("POST", "/saved")]
        browser.switch_to.default_content()
        refused = gate.log().count("cross_site_request")
        browser.find_element(By.ID, "attack").click()
        until(browser, lambda _: gate.log().count("cross_site_request") > refused, "the hostile form is refused")
        opened = browser.execute_async_script(
            f"var done = arguments[0], s = new WebSocket('wss://localhost:{gate.port}/socket');"
            "s.onopen = function () { done('open') }; s.onerror = function () { done('refused') }")
        assert opened == "refused"
        until(browser, lambda _: gate.log().count("cross_site_request") > refused + 1, "the hostile WebSocket is refused")
        assert not any(r.target in ("/stolen", "/socket") for r in world.app.requests)

    def test_a_provider_without_state_signs_nobody_in_in_a_frame(self, world, browser):
        gate = world.gate("no state", session=self.PARTITIONED)
        self.framed(world, browser, gate)
        until(browser, lambda _: "login_state_missing" in gate.log(), "the return in the frame is refused")

    def test_the_whole_window_signs_in_and_out(self, world, browser):
        gate = world.gate(session=self.PARTITIONED)
        browser.get(gate.origin + "/page")
        until(browser, lambda b: "ada@example.com" in page_text(b), "the app")
        browser.get(gate.origin + "/.sidegate/logout")
        browser.find_element(By.CSS_SELECTOR, "form button").click()
        until(browser, lambda b: "signed out" in page_text(b), "signed out")
        browser.get(gate.origin + "/open/page")
        assert "nobody" in page_text(browser)
