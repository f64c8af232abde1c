# SPDX-License-Identifier: Apache-2.0
"""Forms that are sent after the session has ended, in a real browser: nothing that was entered is lost."""

import base64
import hashlib
import subprocess
import urllib.parse

import pytest
from selenium.webdriver.common.by import By

from harness import tokens
from harness.certificates import Authority
from harness.chromium import keep_screenshot, page_text, start_chromium, until
from harness.gate import Gate
from harness.kept_forms import Provider, end_sessions, press, sign_in_in_the_other_tab
from harness.upstream import Upstream

EVE = {"sub": "eve", "email": "eve@example.com"}
LONG = "Zeile für Zeile \"&<b>'`\n\n  eingerückt\n" * 200 + "\n"


class App(Upstream):
    """Pages by path, as bytes with their charset; it keeps what is posted, and redirects to another host then."""

    def __init__(self):
        super().__init__()
        self.pages, self.elsewhere = {}, None
        self.answer = self.show

    def show(self, request, connection):
        path = urllib.parse.urlsplit(request.target).path
        if request.method == "POST" and self.elsewhere:
            return connection.respond(303, {"Location": self.elsewhere})
        body, charset = self.pages.get(path, (b"<!doctype html><title>app</title><p>The app", "utf-8"))
        connection.respond(200, {"Content-Type": f"text/html; charset={charset}"}, body)

    def put(self, path: str, form: str, charset: str = "utf-8", attributes: str = ""):
        text = (f'<!doctype html><title>form</title><meta name="viewport" content="width=device-width"><form method="post" '
                f'action="/save?id=7&amp;n=%C3%A9" {attributes}>{form}<button name="submit" value="Sichern">Send</button></form>')
        self.pages[path] = text.encode(charset), charset

    @property
    def posts(self) -> list:
        return [request for request in self.requests if request.method == "POST"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates")).issue("ec", "DNS:localhost")


@pytest.fixture(scope="module")
def pin(certificate):
    public = subprocess.run(
        ["openssl", "pkey", "-in", certificate.key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


def started(folder, pin, *more, **options):
    return start_chromium(folder, f"--ignore-certificate-errors-spki-list={pin}", *more, **options)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, pin):
    browser = started(tmp_path_factory.mktemp("profile"), pin)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def scriptless(tmp_path_factory, pin):
    """A browser with JavaScript off; what it shows cannot be read by script either."""
    browser = started(tmp_path_factory.mktemp("profile"), pin, preferences={"profile.managed_default_content_settings.javascript": 2})
    yield browser
    browser.quit()


def fresh(browser):
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return browser


@pytest.fixture
def browser(chromium):
    yield fresh(chromium)
    close_others(chromium)


def close_others(browser):
    for handle in browser.window_handles[1:]:
        browser.switch_to.window(handle)
        browser.close()
    browser.switch_to.window(browser.window_handles[0])


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.stop()
    assert not provider.failures, provider.failures


@pytest.fixture(scope="module")
def module_app():
    app = App()
    yield app
    app.stop()
    assert not app.failures, app.failures


@pytest.fixture
def app(module_app, provider):
    module_app.requests.clear()
    module_app.elsewhere = None
    provider.claims = {}
    return module_app


@pytest.fixture(scope="module")
def site(tmp_path_factory, module_app, provider, certificate):
    """The gate over plain HTTP/1.1 and over TLS with HTTP/2, each with its origin."""
    gates = {}
    for way, changes in (("http", {}), ("https", {"tls": {"certificates": [certificate.settings]}})):
        gate = Gate(tmp_path_factory.mktemp("gate"), module_app.url,
                    identityProvider={"loginURL": f"{provider.url}/login?return_url={{returnURL}}"}, **changes)
        gate.origin = f"{way}://localhost:{gate.port}"
        gates[way] = gate
    yield gates
    for gate in gates.values():
        assert gate.stop() == 0, gate.log()[-4000:]


def end_session(gate, **claims):
    if gate.origin.startswith("https"):
        import ssl
        import urllib.request
        context = ssl._create_unverified_context()
        body = urllib.parse.urlencode({"logout_token": tokens.token(email=None, **claims)}).encode()
        assert urllib.request.urlopen(f"https://localhost:{gate.port}/.sidegate/backchannel-logout", body, context=context).status == 200
    else:
        end_sessions(gate, **claims)


def fill(browser, **values):
    for name, value in values.items():
        field = browser.find_element(By.NAME, name)
        if field.tag_name == "textarea":
            browser.execute_cdp_cmd("Page.bringToFront", {})
        field.send_keys(value)


FIELDS = ('<input name="title"><textarea name="text"></textarea><input name="n" value="1"><input name="n" value="2"><input name="n" '
          'value="1"><input name="leer"><input type="hidden" name="_charset_"><input type="hidden" name="action" value="x">'
          '<input type="hidden" name="method" value="y"><select name="größe"><option selected>ü</option></select>'
          '<textarea name="lead">\n\nnach zwei Zeilen</textarea><input type="hidden" name="a&quot;b" value="&amp;amp;">')

CASES = {
    "utf-8": ("utf-8", "Grüße „€“ 日本", ""),
    "latin-1": ("iso-8859-1", "Grüße € ž ☃", ""),
    "shift_jis": ("shift_jis", "テスト表ソ、é", ""),
    "windows-1251": ("windows-1251", "Привет, мир", ""),
    "euc-kr multipart": ("euc-kr", "한국어 텍스트", 'enctype="multipart/form-data"'),
    "utf-8 multipart": ("utf-8", "Grüße „€“ 日本", 'enctype="multipart/form-data"'),
    "latin-1 multipart": ("iso-8859-1", "Grüße € ž ☃", 'enctype="multipart/form-data"'),
    "shift_jis multipart": ("shift_jis", "テスト表ソ、é", 'enctype="multipart/form-data"'),
}


def content(request) -> bytes:
    """The content, with a fixed boundary."""
    kind = request.get("Content-Type")
    if "boundary=" in kind:
        return request.body.replace(kind.partition("boundary=")[2].encode(), b"BOUNDARY")
    return request.body


@pytest.mark.parametrize("way", ["http", "https"])
@pytest.mark.parametrize("case", CASES)
def test_the_app_gets_every_byte(browser, app, site, case, way):
    """What the browser sends with a session, and what it sends by way of the page, are the same bytes."""
    gate = site[way]
    charset, text, attributes = CASES[case]
    fields = FIELDS if charset in ("utf-8", "iso-8859-1") else FIELDS.replace("größe", "size").replace(">ü<", ">u<").replace(
        "nach zwei", "nach 2")
    app.put("/form", fields + ('<input type="file" name="datei">' if attributes else ""), charset, attributes)
    sent = []
    for ends in (False, True):
        browser.get(f"{gate.origin}/form")
        until(browser, lambda b: b.title == "form", "the form")
        fill(browser, title=text, text=text + "\n\n" + text + "\n")
        if ends:
            end_session(gate, sub="ada")
        app.requests.clear()
        press(browser, "Send")
        if ends:
            until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
            assert not app.posts and "ada@example.com" in page_text(browser)
            sign_in_in_the_other_tab(browser)
            press(browser, "Send")
        until(browser, lambda b: b.title == "app", "the app's answer")
        assert len(app.posts) == 1
        assert app.posts[0].target == "/save?id=7&n=%C3%A9" and browser.current_url == f"{gate.origin}/save?id=7&n=%C3%A9"
        sent.append(app.posts[0])
    assert content(sent[0]) == content(sent[1])
    assert sent[0].get("Content-Type").split(";")[0] == sent[1].get("Content-Type").split(";")[0]
    assert b"Sichern" in sent[1].body and sent[1].get("Origin") == gate.origin


def test_a_long_text(browser, app, site):
    gate = site["https"]
    app.put("/form", '<textarea name="text"></textarea>')
    sent = []
    for ends in (False, True):
        browser.get(f"{gate.origin}/form")
        until(browser, lambda b: b.title == "form", "the form")
        browser.execute_script("document.querySelector('textarea').value = arguments[0]", LONG)
        if ends:
            end_session(gate, sub="ada")
        app.requests.clear()
        press(browser, "Send")
        if ends:
            until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
            sign_in_in_the_other_tab(browser)
            press(browser, "Send")
        until(browser, lambda b: b.title == "app", "the app's answer")
        sent.append(app.posts[0].body)
    assert sent[0] == sent[1] and len(sent[0]) > 10_000


def test_the_app_may_answer_with_a_redirect_to_another_host(browser, app, site, provider):
    """`form-action` applies to redirects too."""
    gate = site["http"]
    app.put("/form", '<input name="title">')
    browser.get(f"{gate.origin}/form")
    until(browser, lambda b: b.title == "form", "the form")
    fill(browser, title="x")
    end_session(gate, sub="ada")
    press(browser, "Send")
    until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
    sign_in_in_the_other_tab(browser)
    app.elsewhere = provider.url.replace("127.0.0.1", "localhost") + "/elsewhere"
    press(browser, "Send")
    until(browser, lambda b: b.title == "elsewhere", "the other host")
    assert app.posts[0].body == b"title=x&submit=Sichern"


@pytest.mark.parametrize("way", ["http", "https"])
def test_another_user_is_asked_first(browser, app, site, provider, way):
    gate = site[way]
    app.put("/form", '<textarea name="text"></textarea><input name="n" value="1"><input name="n" value="2">')
    browser.get(f"{gate.origin}/form")
    until(browser, lambda b: b.title == "form", "the form")
    fill(browser, text="of Ada")
    end_session(gate, sub="ada")
    press(browser, "Send")
    until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
    provider.claims = EVE
    assert "eve@example.com" in sign_in_in_the_other_tab(browser)
    app.requests.clear()
    press(browser, "Send")
    until(browser, lambda b: "another account" in page_text(b), "the page that asks")
    assert not app.posts and "ada@example.com" in page_text(browser) and "eve@example.com" in page_text(browser)
    keep_screenshot(browser, f"kept-form-other-account-{way}")
    press(browser, "Send as")
    until(browser, lambda b: b.title == "app", "the app's answer")
    assert len(app.posts) == 1 and app.posts[0].body == b"text=of+Ada&n=1&n=2&submit=Sichern"
    assert app.posts[0].get("X-Forwarded-User") == "eve" and app.posts[0].target == "/save?id=7&n=%C3%A9"


def test_without_scripts(scriptless, app, site, provider):
    browser, gate = fresh(scriptless), site["https"]
    app.put("/form", FIELDS)
    app.pages["/off"] = b'<!doctype html><title>on</title><script>document.title = "scripts run"</script>', "utf-8"
    browser.get(f"{gate.origin}/off")
    assert browser.title == "on"
    browser.get(f"{gate.origin}/form")
    fill(browser, title="Grüße", text="a\nb")
    end_session(gate, sub="ada")
    press(browser, "Send")
    until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
    provider.claims = EVE
    sign_in_in_the_other_tab(browser)
    app.requests.clear()
    press(browser, "Send")
    until(browser, lambda b: "another account" in page_text(b), "the page that asks")
    press(browser, "Send as")
    until(browser, lambda b: b.title == "app", "the app's answer")
    assert b"title=Gr%C3%BC%C3%9Fe&text=a%0D%0Ab&n=1&n=2&n=1&leer=&_charset_=UTF-8" in app.posts[0].body
    close_others(browser)


def test_on_a_phone(browser, app, site):
    gate = site["https"]
    app.put("/form", FIELDS)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True})
    try:
        browser.get(f"{gate.origin}/form")
        fill(browser, title="x" * 100)
        end_session(gate, sub="ada")
        press(browser, "Send")
        until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
        keep_screenshot(browser, "kept-form-phone")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
        for element in browser.find_elements(By.CSS_SELECTOR, ".button"):
            assert element.is_displayed() and element.rect["height"] >= 44
        for element in browser.find_elements(By.CSS_SELECTOR, "form *"):
            assert not element.is_displayed()
        assert not [line for line in browser.get_log("browser") if "Content Security" in line["message"]]
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_form_with_a_file_says_so(browser, app, site, tmp_path):
    gate = site["http"]
    app.put("/form", '<input type="file" name="f">', attributes='enctype="multipart/form-data"')
    file = tmp_path / "big.bin"
    file.write_bytes(b"x" * 8_000_000)
    browser.get(f"{gate.origin}/form")
    browser.find_element(By.NAME, "f").send_keys(str(file))
    end_session(gate, sub="ada")
    press(browser, "Send")
    until(browser, lambda b: "was not sent" in page_text(b), "the page that says so")
    assert not app.posts
    keep_screenshot(browser, "kept-form-lost")
    # The way back, as the page advises.
    sign_in_in_the_other_tab(browser)
    browser.back()
    until(browser, lambda b: b.title == "form", "the form")
    press(browser, "Send")
    until(browser, lambda b: b.title == "app", "the app's answer")
    assert len(app.posts[-1].body) > 8_000_000


class TestHostilePages:
    @pytest.fixture
    def evil(self):
        evil = App()
        yield evil
        evil.stop()

    def test_a_strangers_form_is_not_kept(self, browser, app, site, evil):
        gate = site["https"]
        evil.pages["/"] = (f'<!doctype html><form method="post" action="{gate.origin}/transfer"><input name="to" value="evil">'
                           "<button>Go</button></form>".encode(), "utf-8")
        browser.get(f"{evil.url}/")
        press(browser, "Go")
        until(browser, lambda b: "was not sent" in page_text(b), "the page that says so")
        assert not browser.find_elements(By.CSS_SELECTOR, "form, input") and not app.posts

    def test_the_page_cannot_be_framed_by_another_site(self, browser, app, site, evil):
        gate = site["https"]
        app.put("/form", '<input name="title">')
        evil.pages["/"] = (f'<!doctype html><title>evil</title><iframe src="{gate.origin}/form"></iframe>'.encode(), "utf-8")
        app.pages["/frame"] = b'<!doctype html><title>frame</title><iframe name="f" src="/form"></iframe>', "utf-8"
        # In a frame of this site it is shown.
        browser.get(f"{gate.origin}/frame")
        until(browser, lambda b: b.title == "frame", "the page with the frame")
        browser.switch_to.frame("f")
        fill(browser, title="x")
        end_session(gate, sub="ada")
        press(browser, "Send")
        until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form, in the frame")
        browser.switch_to.default_content()
        # In another's it is not.
        browser.get(f"{gate.origin}/form")
        until(browser, lambda b: b.title == "form", "signed in")
        browser.get(f"{evil.url}/")
        browser.switch_to.frame(0)
        assert "Your session has ended" not in browser.page_source
        browser.switch_to.default_content()
