# SPDX-License-Identifier: Apache-2.0
"""Preset zendesk: login scripts for Zendesk, by redirect or by form."""

import secrets
import time

import pytest

from harness.mints import MINTS, by_php
from harness.visits import Visit, accepted, query, refused

LOGIN = "https://www.acme.test/zendesk/login"
ZENDESK = {"identityProvider": {"preset": "zendesk", "loginURL": LOGIN, "initiated": "allow"},
           "identityHeaders": {"X-Name": "{name}"}}


def payload(**changes) -> dict:
    values = {"iat": int(time.time()), "jti": secrets.token_hex(8), "name": "Ada Lovelace", "email": "ada@example.com",
              "external_id": "4711"}
    return {n: v for n, v in {**values, **changes}.items() if v is not None}


@pytest.fixture(scope="module")
def module_zendesk(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, **ZENDESK)


@pytest.fixture
def zendesk(module_zendesk, upstream):
    return module_zendesk


def visit(gate) -> Visit:
    return Visit(gate, "/access/jwt")


@pytest.mark.parametrize("mint", MINTS.values(), ids=MINTS)
def test_zendesk_token_by_get(zendesk, upstream, mint):
    browser = visit(zendesk)
    assert accepted(browser.enter(mint(payload()), "/tickets?page=2")) == "/tickets?page=2"
    browser.navigate("/")
    assert upstream.last.get("X-Forwarded-User") == "4711", "external_id identifies the user, also when the address changes"
    assert upstream.last.get("X-Forwarded-Email") == "ada@example.com"
    assert upstream.last.get("X-Name") == "Ada Lovelace"


def test_zendesk_token_by_form(zendesk):
    """Zendesk has required a form POST since 2022, because tokens in URLs are logged."""
    browser = visit(zendesk)
    location = browser.go("/tickets?page=2")
    back = query(location)["return_to"]
    response = browser.post_form("/access/jwt", {"jwt": by_php(payload()), "return_to": back})
    assert accepted(response) == "/tickets?page=2"
    assert browser.navigate("/").status == 200


def test_zendesk_login_url_contains_return_to(zendesk):
    location = visit(zendesk).go("/tickets?page=2&q=a%20b")
    assert location.startswith(LOGIN + "?return_to=http%3A%2F%2F")
    assert query(location) == {"return_to": zendesk.origin + "/tickets?page=2&q=a%20b"}


def test_zendesk_login_url_may_have_a_query_already(upstream, start_gate):
    gate = start_gate(upstream, identityProvider={**ZENDESK["identityProvider"], "loginURL": LOGIN + "?brand=7"})
    assert visit(gate).go("/t").startswith(LOGIN + "?brand=7&return_to=")


class TestReturnTo:
    """A user who starts at the script arrives with return_to and without a login cookie."""

    def test_zendesk_return_to_is_the_return_target(self, zendesk):
        assert accepted(visit(zendesk).bring(by_php(payload()), return_to=zendesk.origin + "/hc/en-us?x=1")) == "/hc/en-us?x=1"
        assert accepted(visit(zendesk).bring(by_php(payload()), return_to="/hc/en-us")) == "/hc/en-us"
        browser = visit(zendesk)
        response = browser.post_form("/access/jwt", {"jwt": by_php(payload()), "return_to": "/hc/de"})
        assert accepted(response) == "/hc/de"

    @pytest.mark.parametrize("target", [
        "https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)", "https://evil.test@127.0.0.1/"])
    @pytest.mark.parametrize("way", ["GET", "POST"])
    def test_zendesk_return_to_elsewhere_is_not_followed(self, zendesk, target, way):
        browser, token = visit(zendesk), by_php(payload())
        if way == "GET":
            response = browser.bring(token, return_to=target)
        else:
            response = browser.post_form("/access/jwt", {"jwt": token, "return_to": target})
        location = response.get("Location", "")
        assert "evil" not in location and "script" not in location
        if response.status == 303:
            assert accepted(response) == "/"
        else:
            refused(response, "return_url_refused", 400)


class TestClaims:
    def test_zendesk_email_is_the_user_without_external_id(self, zendesk, upstream):
        browser = visit(zendesk)
        accepted(browser.enter(by_php(payload(external_id=None))))
        browser.navigate("/")
        assert upstream.last.get("X-Forwarded-User") == "ada@example.com"

    def test_zendesk_three_minutes_from_iat(self, zendesk):
        now = int(time.time())
        assert accepted(visit(zendesk).enter(by_php(payload(iat=now - 170))))
        refused(visit(zendesk).enter(by_php(payload(iat=now - 250))), "too_old")
        refused(visit(zendesk).enter(by_php(payload(iat=None))), "issued_at_missing")

    def test_zendesk_jti_is_required_and_for_single_use(self, zendesk):
        refused(visit(zendesk).enter(by_php(payload(jti=None))), "id_missing")
        accepted(visit(zendesk).enter(by_php(payload(jti="only-once"))))
        refused(visit(zendesk).enter(by_php(payload(jti="only-once", email="b@example.com"))), "replayed")

    def test_zendesk_email_is_required(self, zendesk):
        refused(visit(zendesk).enter(by_php(payload(email=None))), "field_missing")


def test_zendesk_started_at_the_script_is_confirmed_by_default(upstream, start_gate):
    gate = start_gate(upstream, identityProvider={"preset": "zendesk", "loginURL": LOGIN})
    browser = visit(gate)
    page = browser.bring(by_php(payload()), return_to="/hc/en-us")
    assert page.status == 200 and not browser.has_session
    assert accepted(browser.confirm(page)) == "/hc/en-us"


def test_zendesk_form_of_another_type_is_refused(zendesk):
    browser = visit(zendesk)
    browser.go()
    response = browser.navigate("/access/jwt", "POST", {"Content-Type": "application/json"},
                                ('{"jwt":"%s"}' % by_php(payload())).encode())
    assert response.status in (400, 415) and not browser.has_session
