# SPDX-License-Identifier: Apache-2.0
"""Real apps in a real browser: a form of each survives the end of the session."""

import re

import pytest
from selenium.webdriver.common.by import By

from harness.apps import Forms, documented
from harness.chromium import browser, chromium, page_text, start_chromium, until  # noqa: F401
from harness.gate import Gate, merged
from harness.kept_forms import Provider, end_sessions, press, sign_in_in_the_other_tab
from harness.people import ADA, EVE
from harness.php_apps import DokuWiki, PhpMyAdmin

TEXT = "Grüße „€“ & <b>\n\n  * Punkt eins\n  * 日本\n\nEnde"


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    provider.claims = {"sub": ADA}
    yield provider
    provider.stop()
    assert not provider.failures, provider.failures


@pytest.fixture
def site(tmp_path, provider):
    """A gate in front of an app; users are known by their addresses, as with iSpring's preset."""
    gates = []

    def site(app, **settings):
        gate = Gate(tmp_path / f"gate{len(gates)}", app.url, **merged(settings, {
            "identityProvider": {"loginURL": f"{provider.url}/login?return_url={{returnURL}}"}, "token": {"claims": {"user": ["email"]}}}))
        gate.origin = f"http://localhost:{gate.port}"
        gates.append(gate)
        return gate

    yield site
    for gate in gates:
        assert gate.stop() == 0, gate.log()[-4000:]


def keep_and_send(browser, gate, button: str):  # noqa: F811
    """Sends the form after the session has ended, signs in in the other tab, and sends it again."""
    end_sessions(gate, email=ADA, sub=None)
    browser.find_element(By.CSS_SELECTOR, button).click()
    until(browser, lambda b: "Your session has ended" in page_text(b), "the page that keeps the form")
    assert ADA in page_text(browser)
    sign_in_in_the_other_tab(browser)
    press(browser, "Send")


@pytest.mark.parametrize("leads", ["back", "elsewhere"])
def test_flask_with_its_csrf_token(browser, site, provider, tmp_path, leads):  # noqa: F811
    elsewhere = provider.url + "/elsewhere"
    app = Forms(tmp_path / "app", *([f"to={elsewhere}"] if leads == "elsewhere" else []))
    try:
        gate = site(app, **documented("Flask and other WSGI apps"))
        browser.get(gate.origin + "/")
        until(browser, lambda b: b.title == "Notes", "the app")
        browser.find_element(By.NAME, "title").send_keys("Notiz")
        browser.find_element(By.NAME, "text").send_keys(TEXT)
        keep_and_send(browser, gate, "[name=save]")
        if leads == "elsewhere":
            until(browser, lambda b: b.title == "elsewhere", "the other host")
        else:
            until(browser, lambda b: "saved Notiz" in page_text(b), "the app's answer")
        saved = next(path for path in (tmp_path / "app").rglob("Notiz"))
        assert saved.read_bytes().decode() == TEXT.replace("\n", "\r\n")
    finally:
        app.stop()


def test_a_page_of_dokuwiki(browser, site, tmp_path):  # noqa: F811
    app = DokuWiki(tmp_path / "app")
    try:
        gate = site(app, **documented("DokuWiki"))
        browser.get(gate.origin + "/doku.php?id=neu&do=edit")
        text = until(browser, lambda b: b.find_elements(By.NAME, "wikitext"), "the editor")[0]
        browser.execute_script("arguments[0].value = arguments[1]", text, TEXT)
        keep_and_send(browser, gate, "[name='do[save]']")
        until(browser, lambda b: "Punkt eins" in page_text(b) and "id=neu" in b.current_url, "the saved page")
        page = next((tmp_path / "app").rglob("data/pages/neu.txt"))
        assert page.read_text().strip() == TEXT
    finally:
        app.stop()


def test_a_query_of_phpmyadmin(site, tmp_path):
    """Without scripts: with them it sends its forms by script."""
    app = PhpMyAdmin(tmp_path / "app", [ADA, EVE])
    browser = start_chromium(  # noqa: F811
        tmp_path / "profile", preferences={"profile.managed_default_content_settings.javascript": 2})
    try:
        gate = site(app, **documented("phpMyAdmin"))
        browser.get(f"{gate.origin}/index.php?route=/database/sql&db={ADA}")
        until(browser, lambda b: b.find_elements(By.ID, "sqlquery"), "the form for a query")
        field = browser.find_element(By.ID, "sqlquery")
        field.clear()
        field.send_keys("CREATE TABLE grüße (a INT); INSERT INTO grüße VALUES (7), (8)")
        keep_and_send(browser, gate, "#button_submit_query")
        until(browser, lambda b: "inserted" in page_text(b), "the result of the query")
        browser.get(f"{gate.origin}/index.php?route=/database/structure&db={ADA}")
        until(browser, lambda b: "grüße" in page_text(b), "the table")
        assert re.search(r"grüße.*\b2\b", page_text(browser), re.S)
    finally:
        browser.quit()
        app.stop()
