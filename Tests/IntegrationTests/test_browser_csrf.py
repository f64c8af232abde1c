# SPDX-License-Identifier: Apache-2.0
"""Login CSRF with a real browser: a page of another site begins a sign-in, then sends its own token."""

import base64
import hashlib
import html
import subprocess
import urllib.parse

import pytest
from selenium.webdriver.common.by import By

from harness import tokens
from harness.certificates import Authority
from harness.chromium import page_text, start_chromium, until
from harness.gate import Gate, with_parameter
from harness.upstream import Upstream

EVE = {"sub": "eve", "email": "eve@example.com"}

#: Ways in which the other site begins a sign-in at URL without a visible result.
UNSEEN = {
    "image": '<img src="URL" onload="done()" onerror="done()">',
    "fetch": '<script>fetch("URL", {mode: "no-cors", credentials: "include"}).then(done, done)</script>',
    "frame": '<iframe src="URL" onload="done()"></iframe>',
    "object": '<object data="URL" type="text/html" onload="done()" onerror="done()"></object>',
    "script": '<script src="URL" onload="done()" onerror="done()"></script>',
    "prefetch": '<link rel="prefetch" href="URL" onload="done()" onerror="done()">',
}
#: Ways with a visible result.
SEEN = {
    "form": '<form action="URL"><input type="hidden" name="a" value="b"><button>Go</button></form>',
    "link": '<a href="URL"><button>Go</button></a>',
    "window": '<button onclick="window.open(&quot;URL&quot;)">Go</button>',
}


class Pages(Upstream):
    """Serves pages by path, and a default page at all other paths."""

    def __init__(self, answer=b"<!doctype html><title>page</title><p>Nothing here"):
        super().__init__()
        self.pages, self.default = {}, answer
        self.answer = self.show

    def show(self, request, connection):
        page = self.pages.get(urllib.parse.urlsplit(request.target).path, self.default)
        connection.respond(200, {"Content-Type": "text/html"}, page)

    def put(self, path: str, body: str) -> str:
        self.pages[path] = ("<!doctype html><title>waiting</title><script>function done() { document.title = 'done' }</script>"
                            f"<body>{body}").encode()
        return f"{self.url}{path}"


class Provider(Upstream):
    """Signs Ada in without a login page, and sends her back with or without the state."""

    def __init__(self, keeps_state: bool):
        super().__init__()
        self.keeps_state = keeps_state
        self.answer = self.send_back

    def send_back(self, request, connection):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))
        back = query["return_url"] if self.keeps_state else query["return_url"].partition("?")[0]
        connection.respond(302, {"Location": with_parameter(back, "jwt", tokens.token())})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates")).issue("ec", "DNS:localhost")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, certificate):
    public = subprocess.run(
        ["openssl", "pkey", "-in", certificate.key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
    pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
    # Debian's Chromium blocks third-party cookies, Chrome does not.
    browser = start_chromium(
        tmp_path_factory.mktemp("profile"), f"--ignore-certificate-errors-spki-list={pin}",
        preferences={"profile.block_third_party_cookies": False, "profile.cookie_controls_mode": 0})
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
    yield chromium
    for handle in chromium.window_handles[1:]:
        chromium.switch_to.window(handle)
        chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])


@pytest.fixture(scope="module")
def servers():
    """The app, a login page, and another site, which is cross-site to the gate's name, localhost."""
    app, provider, evil = Pages(), Pages(b"<!doctype html><title>log in</title><p>The login page"), Pages()
    yield app, provider, evil
    for server in (app, provider, evil):
        server.stop()
        assert not server.failures, server.failures


@pytest.fixture(scope="module")
def start(tmp_path_factory, certificate):
    gates = {}

    def start(app, provider, policy) -> str:
        """The origin of a gate; there is one gate for each provider and policy."""
        if (provider.url, policy) not in gates:
            gates[provider.url, policy] = Gate(
                tmp_path_factory.mktemp("gate"), app.url, tls={"certificates": [certificate.settings]},
                identityProvider={"loginURL": f"{provider.url}/login?return_url={{returnURL}}", "initiated": policy})
        return f"https://localhost:{gates[provider.url, policy].port}"

    yield start
    for gate in gates.values():
        assert gate.stop() == 0, gate.log()[-4000:]


def cookies(browser, origin) -> list:
    return [c["name"] for c in browser.execute_cdp_cmd("Network.getCookies", {"urls": [origin]})["cookies"]]


def bring(browser, evil, origin):
    """The second step: the other site sends the browser to the return path with its own token."""
    url = f"{origin}/.sidegate/callback?jwt={tokens.token(**EVE)}"
    browser.get(evil.put("/send", f'<script>location = "{url}"</script>'))
    until(browser, lambda b: b.current_url.startswith(origin), "the return path")


@pytest.mark.parametrize("policy", ["confirm", "deny"])
@pytest.mark.parametrize("way", UNSEEN)
def test_requests_without_a_visible_result_begin_no_sign_in(browser, servers, start, way, policy):
    app, provider, evil = servers
    origin = start(app, provider, policy)
    for path in ("/.sidegate/login", "/reports"):
        browser.get(evil.put("/plant", UNSEEN[way].replace("URL", origin + path)))
        until(browser, lambda b: b.title == "done", "the request was made")
        assert cookies(browser, origin) == []
    bring(browser, evil, origin)
    assert "__Host-sidegate" not in cookies(browser, origin)
    assert ("login_state_missing" in browser.page_source) == (policy == "deny")


@pytest.mark.parametrize("policy", ["confirm", "deny"])
@pytest.mark.parametrize("way", SEEN)
def test_a_sign_in_that_another_site_began_has_to_be_confirmed(browser, servers, start, way, policy):
    app, provider, evil = servers
    origin = start(app, provider, policy)
    browser.get(evil.put("/plant", SEEN[way].replace("URL", html.escape(origin + "/reports"))))
    browser.find_element(By.TAG_NAME, "button").click()
    if way == "window":
        until(browser, lambda b: len(b.window_handles) == 2, "another window")
        first, second = browser.window_handles
        browser.switch_to.window(second)
    until(browser, lambda b: "The login page" in page_text(b), "the login page")
    if way == "window":
        browser.switch_to.window(first)
    assert any(name.startswith("__Host-sidegate-login-") for name in cookies(browser, origin))
    bring(browser, evil, origin)
    until(browser, lambda b: "eve@example.com" in page_text(b), "the page asks for confirmation, and names the account")
    assert "__Host-sidegate" not in cookies(browser, origin)


@pytest.mark.parametrize("policy", ["confirm", "deny"])
@pytest.mark.parametrize("keeps_state", [True, False])
def test_a_legitimate_link_on_another_site_leads_to_its_page(browser, servers, start, keeps_state, policy):
    app, _, other = servers
    provider = Provider(keeps_state)
    origin = start(app, provider, policy)
    browser.get(other.put("/mail", f'<a href="{origin}/reports?x=1">the report</a>'))
    browser.find_element(By.TAG_NAME, "a").click()
    if not keeps_state:
        until(browser, lambda b: "ada@example.com" in page_text(b), "the page asks for confirmation")
        browser.refresh()
        until(browser, lambda b: "ada@example.com" in page_text(b), "it asks again when it is reloaded")
        browser.find_element(By.CSS_SELECTOR, "form button").click()
    until(browser, lambda b: b.current_url == origin + "/reports?x=1", "the page of the link")
    assert "__Host-sidegate" in cookies(browser, origin)
    # An address that the user types needs no confirmation.
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.get(origin + "/typed")
    until(browser, lambda b: b.current_url == origin + "/typed", "the requested page")
    provider.stop()
    assert not provider.failures, provider.failures
