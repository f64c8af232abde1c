# SPDX-License-Identifier: Apache-2.0
"""A real browser: headless Chromium, driven by selenium. A test module imports the fixtures it needs."""

import os
import shutil
import warnings

import pytest
from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from .gate import ROOT

ARTIFACTS = ROOT / "artifacts"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = start_chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()


# Without the sandbox where it does not start: as root, and in containers without user namespaces or privileges.
_without_sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []


def start_chromium(profile, *more: str, preferences=None):
    """A browser with a new profile; `more` are arguments of its command line."""
    try:
        return _start_chromium(profile, *_without_sandbox, *more, preferences=preferences)
    except SessionNotCreatedException as failure:
        if _without_sandbox:
            raise
        _without_sandbox.append("--no-sandbox")
        warnings.warn(f"Chromium does not start with its sandbox here; the tests run without it: {failure.msg}", stacklevel=2)
        return _start_chromium(profile, *_without_sandbox, *more, preferences=preferences)


def _start_chromium(profile, *more: str, preferences=None):
    options = webdriver.ChromeOptions()
    if preferences:
        options.add_experimental_option("prefs", preferences)
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                     "--disable-background-networking", "--window-size=1000,900",
                     f"--user-data-dir={profile}", *more):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = shutil.which("chromedriver")
    assert driver, "chromedriver is missing; `make deps-test` installs it"
    browser = webdriver.Chrome(service=Service(driver), options=options)
    browser.set_page_load_timeout(15)
    return browser


@pytest.fixture
def browser(chromium):
    """The browser, without the cookies of earlier tests."""
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.get_log("browser")
    return chromium


def keep_screenshot(browser, name: str):
    ARTIFACTS.mkdir(exist_ok=True)
    assert browser.save_screenshot(str(ARTIFACTS / f"{name}.png"))


def page_text(browser) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def until(browser, condition, what: str):
    # A page that unloads while it is read does not count as a failure.
    wait = WebDriverWait(browser, 10, ignored_exceptions=[StaleElementReferenceException])
    return wait.until(condition, f"{what}; the browser is at {browser.current_url}")
