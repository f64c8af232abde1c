# SPDX-License-Identifier: Apache-2.0
"""Pages in the reader's language: by Accept-Language, by `pages.language`, and in a real browser."""

import json
import re

import pytest
from selenium.webdriver.common.by import By

from harness.chromium import keep_screenshot, start_chromium, until
from harness.gate import NAVIGATION, Browser, sidegate
from harness.ports import free_port
from harness.tokens import token

#: The headings of the page after signing out, in all languages.
SIGNED_OUT = {
    "en": "You are signed out", "de": "Sie sind abgemeldet", "fr": "Vous êtes déconnecté", "es": "Ha cerrado la sesión",
    "pt": "Você saiu", "it": "Hai eseguito la disconnessione", "pl": "Wylogowano", "uk": "Ви вийшли",
    "ru": "Вы вышли", "tr": "Oturumunuz kapatıldı", "ja": "サインアウトしました", "zh": "您已退出登录",
}
#: What each browser sends for a language by default, as far as it differs.
BROWSERS = {
    "de": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "fr": "fr-CA,fr;q=0.9,en;q=0.8", "pt": "pt-BR,pt;q=0.9",
    "zh": "zh-TW,zh;q=0.9,en;q=0.8", "ja": "ja", "uk": "uk-UA,ru;q=0.9,en;q=0.8", "es": "es-419,es;q=0.9",
    "en": "en-GB,en;q=0.5", "it": "it;q=1.0", "pl": "PL", "ru": "en;q=0.1, ru;q=0.9", "tr": "xx, tr-TR",
}


def heading(response) -> str:
    return re.search(r"<h1>(.*?)</h1>", response.text, re.S)[1].replace("&#39;", "'")


def language(response) -> str:
    found = re.search(r'<html lang="([a-z]+)" dir="ltr">', response.text)
    assert found, response.text[:200]
    assert response.get("Content-Language") == found[1]
    return found[1]


def signed_out(gate, *values):
    return gate.exchange("GET", "/.sidegate/signed-out", [*NAVIGATION.items(), *(("Accept-Language", v) for v in values)])


@pytest.fixture(scope="module")
def gate(start_module_gate, module_upstream):
    return start_module_gate(module_upstream, access={"rules": [{"paths": ["/closed"], "deny": True}]})


@pytest.mark.parametrize("tag", SIGNED_OUT)
def test_each_language_as_browsers_ask_for_it(gate, tag):
    page = signed_out(gate, BROWSERS[tag])
    assert page.status == 200 and language(page) == tag and heading(page) == SIGNED_OUT[tag]


@pytest.mark.parametrize("values", [(), ("",), ("ko, nl",), ("x-klingon",), ("*",), ("de;q=2",), ("de;q=0",), ("\x80\xff de",),
                                    ("de_DE",), (";;;,,,",), ("de " * 200,), (",".join(["nl"] * 400) + ",de",)])
def test_without_a_wish_that_can_be_met_it_is_english(gate, values):
    page = signed_out(gate, *values)
    assert page.status == 200 and language(page) == "en" and heading(page) == SIGNED_OUT["en"]


def test_a_malformed_element_does_not_spoil_the_others(gate):
    assert language(signed_out(gate, "de;q=1.5, fr;q=0.2, \x00es".replace("\x00", "%"))) == "fr"
    assert language(signed_out(gate, "nl", "de;q=0.5", "fr;q=0.6")) == "fr"


def test_every_kind_of_page_is_in_the_readers_language(gate, start_gate):
    german = {**NAVIGATION, "Accept-Language": "de"}
    browser = Browser(gate)
    down = start_gate(f"http://127.0.0.1:{free_port()}", access={"default": "guest"})
    pages = {
        "Diese Seite gibt es nicht": gate.exchange("GET", "/.sidegate/nothing", german),
        "closed": gate.exchange("GET", "/closed", german),
        "return": gate.exchange("GET", "/.sidegate/callback", german),
        "sign-out": gate.exchange("GET", "/.sidegate/logout", {**german, "Sec-Fetch-Site": "cross-site"}),
        "expired": gate.exchange("GET", f"/.sidegate/callback?jwt={token(exp=1)}", german),
        "elsewhere": gate.exchange("GET", f"/.sidegate/callback?jwt={token()}", {**german, "Sec-Fetch-Site": "cross-site"}),
        "down": down.exchange("GET", "/", german),
        "method": gate.exchange("PUT", "/.sidegate/login", german),
        "address": gate.exchange("GET", "/a%2f%2e%2e/", german),
    }
    assert browser.cookies == {}
    for name, page in pages.items():
        assert language(page) == "de", name
        text = re.sub(r"<style>.*?</style>|<[^>]*>|--request PATH", " ", page.text, flags=re.S)
        assert not re.search(r"\b(the|your|and|please|this|sign|request)\b", text, re.I), (name, text)
    # Codes and the request's ID stay.
    assert "<dd>expired</dd>" in pages["expired"].text and "<dt>Anfrage-ID</dt>" in pages["expired"].text


def test_programs_get_english(gate):
    answer = gate.exchange("GET", f"/.sidegate/callback?jwt={token(exp=1)}", {"Accept": "application/json", "Accept-Language": "de"})
    assert json.loads(answer.text)["message"] == "The sign-in token was valid for a short time only, and has expired."
    assert answer.get("Content-Language") is None


def test_a_fixed_language_is_that_of_all_pages(upstream, start_gate):
    gate = start_gate(upstream, pages={"language": "fr"})
    for wish in (["de"], [], ["en"]):
        page = signed_out(gate, *wish)
        assert language(page) == "fr" and heading(page) == "Vous êtes déconnecté"
    redirect = gate.exchange("GET", "/", NAVIGATION)
    assert redirect.status == 302 and '<html lang="fr" dir="ltr">' in redirect.text and ">Continuer</a>" in redirect.text


def test_templates_of_ones_own_get_the_words(upstream, start_gate, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "signed-out.html").write_text("{{> head}}<h1>{{title}}!</h1><a>{{signInLabel}}</a>{{> foot}}")
    gate = start_gate(upstream, pages={"directory": str(tmp_path / "pages")})
    page = signed_out(gate, "pl")
    assert language(page) == "pl" and heading(page) == "Wylogowano!" and "<a>Zaloguj się ponownie</a>" in page.text


class TestCheck:
    CONFIG = """upstream: http://127.0.0.1:3000
identityProvider:
  loginURL: https://idp.example.com/login
token:
  keys:
    - secret: a-secret-shared-with-the-identity-provider-0001
session:
  secrets: [a-session-secret-of-at-least-32-bytes-0001]
pages:
  directory: pages
"""

    @pytest.fixture
    def check(self, tmp_path):
        (tmp_path / "pages").mkdir()
        (tmp_path / "sidegate.yaml").write_text(self.CONFIG)

        def run(*files: str, text="x"):
            for file in files:
                (tmp_path / "pages" / file).write_text(text)
            return sidegate("check", "--config", tmp_path / "sidegate.yaml")
        return run

    def test_known_files_are_no_warning(self, check):
        done = check("error.html", "signed-out.mustache", "icon-key.html", ".hidden", "..data")
        assert done.returncode == 0 and "no page uses" not in done.stderr, done.stderr

    def test_a_part_of_ones_own_that_is_included_is_no_warning(self, check):
        check("note.html")
        done = check("error.html", text="{{> note}}")
        assert done.returncode == 0 and "no page uses" not in done.stderr, done.stderr

    @pytest.mark.parametrize("file, hint", [
        ("signed_out.html", "did you mean signed-out.html?"), ("eror.mustache", "did you mean error.html?"),
        ("error.htm", "did you mean error.html?"), ("logo.png", "pages are "), ("note.html", "pages are ")])
    def test_a_file_that_no_page_uses_is_a_warning(self, check, file, hint):
        done = check(file)
        lines = [line for line in done.stderr.splitlines() if "warning:" in line and file in line]
        assert done.returncode == 0 and len(lines) == 1 and hint in lines[0], done.stderr
        assert "sidegate.yaml:10:" in lines[0]

    def test_an_unknown_language_is_an_error(self, tmp_path):
        (tmp_path / "sidegate.yaml").write_text(self.CONFIG.replace("directory: pages", "language: klingon"))
        done = sidegate("check", "--config", tmp_path / "sidegate.yaml")
        assert done.returncode == 1 and "pages.language" in done.stderr and "auto" in done.stderr


class TestBrowser:
    """Chromium on a phone's width, once for each language."""

    @pytest.fixture(scope="class", params=list(SIGNED_OUT))
    def reader(self, request, tmp_path_factory):
        browser = start_chromium(tmp_path_factory.mktemp("profile"), f"--accept-lang={request.param}",
                                 preferences={"intl.accept_languages": request.param})
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True})
        yield request.param, browser
        browser.quit()

    def test_pages_fit_a_phone(self, gate, reader):
        tag, browser = reader
        addresses = {
            "signed-out": "/.sidegate/signed-out", "closed": "/closed", "not-found": "/.sidegate/nothing",
            "expired": f"/.sidegate/callback?jwt={token(exp=1)}", "sign-out": "/.sidegate/logout",
        }
        for name, address in addresses.items():
            browser.get(f"http://127.0.0.1:{gate.port}{address}")
            until(browser, lambda b: b.find_elements(By.TAG_NAME, "h1"), "a heading")
            root = browser.find_element(By.TAG_NAME, "html")
            assert root.get_attribute("lang") == tag and root.get_attribute("dir") == "ltr"
            for details in browser.find_elements(By.TAG_NAME, "summary"):
                details.click()
            # Nothing is wider than the screen, and no text is cut off within its element.
            wide = browser.execute_script(
                "return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 "
                "|| e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline').map(e => e.outerHTML.slice(0, 99))")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 320 and not wide, (name, wide)
            keep_screenshot(browser, f"language-{tag}-{name}")
        browser.get(f"http://127.0.0.1:{gate.port}/.sidegate/signed-out")
        assert browser.find_element(By.TAG_NAME, "h1").text == SIGNED_OUT[tag]
