# SPDX-License-Identifier: Apache-2.0
"""Preset ispring: every line of iSpring Learn's page, and the differences between its editions."""

import json
import secrets
import time

import pytest

from harness import mints
from harness.gate import NAVIGATION, XHR
from harness.mints import MINTS, by_openssl, by_php, by_python
from harness.tokens import SECRET
from harness.visits import Visit, accepted, query, refused

LOGIN = "https://www.yourwebsite.test/login-token/"
LOGOUT = "https://www.yourwebsite.test/logout.php"
PRINTED_HEADER = '{"Type":"JWT","ALG":"HS256"}'
CYRILLIC_EXP = "\u0435\u0445\u0440"  # ехр: ie, ha, er
ISPRING = {
    "identityProvider": {"preset": "ispring", "loginURL": LOGIN, "logoutURL": LOGOUT},
    "identityHeaders": {"X-Login": "{login}", "X-Name": "{givenName} {familyName}"},
}


def printed(**changes) -> dict:
    """The payload as on the page, with current times."""
    now = int(time.time())
    return {"IAT": now, "JTI": secrets.token_hex(12), CYRILLIC_EXP: now + 60, "email": "username@yourcompany.com", **changes}


def modern(**changes) -> dict:
    return mints.claims(**{"sub": None, "email": "username@yourcompany.com", **changes})


@pytest.fixture(scope="module")
def module_ispring(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, **ISPRING)


@pytest.fixture
def ispring(module_ispring, upstream):
    return module_ispring


def visit(gate) -> Visit:
    return Visit(gate, "/sso/login/jwt", "jwt")


@pytest.mark.parametrize("mint", MINTS.values(), ids=MINTS)
@pytest.mark.parametrize("header, claims", [(PRINTED_HEADER, printed), (mints.HEADER, modern)], ids=["printed", "modern"])
def test_ispring_token_signs_in_by_email(ispring, upstream, mint, header, claims):
    browser = visit(ispring)
    assert accepted(browser.enter(mint(claims(), header=header))) == "/"
    assert browser.navigate("/").status == 200
    assert upstream.last.get("X-Forwarded-User") == "username@yourcompany.com"
    assert upstream.last.get("X-Forwarded-Email") == "username@yourcompany.com"


def test_ispring_printed_header_type_and_alg(ispring):
    assert accepted(visit(ispring).enter(by_php(printed(), header='{"Type": "JWT",\r\n "ALG":\r\n"HS256"}')))
    refused(visit(ispring).enter(by_php(printed(), header='{"Type":"JWT","ALG":"none"}')), "algorithm_not_allowed")
    refused(visit(ispring).enter(by_php(printed(), header='{"Type":"JWT"}')), "algorithm_missing")


def test_ispring_header_with_both_spellings_that_differ_is_refused(ispring):
    response = visit(ispring).enter(by_python(printed(), header='{"alg":"none","ALG":"HS256"}'))
    assert response.status == 403, "the standard name decides"


def test_ispring_cyrillic_exp_is_honoured(ispring):
    now = int(time.time())
    assert accepted(visit(ispring).enter(by_php(printed(), header=PRINTED_HEADER)))
    over = printed(**{"IAT": now - 200, CYRILLIC_EXP: now - 100})
    refused(visit(ispring).enter(by_php(over, header=PRINTED_HEADER)), "expired")
    # By default PHP's json_encode escapes the letters: it is the same name.
    escaped = json.dumps(over)
    assert "\\u0435\\u0445\\u0440" in escaped
    refused(visit(ispring).enter(by_openssl(escaped, header=PRINTED_HEADER)), "expired")


def test_ispring_latin_exp_takes_precedence_over_the_cyrillic_one(ispring):
    now = int(time.time())
    both = printed(**{"IAT": now - 200, CYRILLIC_EXP: now + 600, "exp": now - 100})
    assert visit(ispring).enter(by_php(both, header=PRINTED_HEADER)).status == 403


def test_ispring_upper_case_iat_and_jti_are_honoured(ispring):
    now = int(time.time())
    refused(visit(ispring).enter(by_php(printed(IAT=now + 300, **{CYRILLIC_EXP: now + 600}))), "issued_in_future")
    refused(visit(ispring).enter(by_php(printed(IAT=now - 3600, **{CYRILLIC_EXP: now + 600}))), "too_old")
    refused(visit(ispring).enter(by_php(printed(JTI=123))), "malformed")


def test_ispring_aliases_are_off_for_other_presets(gate):
    refused(Visit(gate).enter(by_php({**printed(), "sub": "ada"}, header=PRINTED_HEADER)), "algorithm_missing")
    response = Visit(gate).enter(by_php({**printed(), "sub": "ada"}))
    assert response.status == 403
    assert "issued_at_missing" in response.text or "expiry_missing" in response.text
    now = int(time.time())
    ignored = {**mints.claims(), CYRILLIC_EXP: now - 1000, "IAT": now - 100_000}
    assert accepted(Visit(gate).enter(by_php(ignored))), "unknown names are ignored"


def test_ispring_printed_token_with_a_wrong_secret_is_refused(ispring):
    refused(visit(ispring).enter(by_php(printed(), "another-secret-of-32-bytes-or-more-01", PRINTED_HEADER)), "signature_invalid")


def test_ispring_needs_only_an_email(ispring):
    refused(visit(ispring).enter(by_php(printed(email=None), header=PRINTED_HEADER)), "field_missing")


class TestFieldMatching:
    """"The data will be automatically synced when users sign in for any of the fields listed below." """

    @pytest.mark.parametrize("changes, login", [
        ({"preferred_username": "first", "sub": "second"}, "first"),
        ({"sub": "second"}, "second"),
        ({}, None),
    ], ids=["preferred_username", "else sub", "else none"])
    def test_ispring_login_falls_back_to_sub(self, ispring, upstream, changes, login):
        browser = visit(ispring)
        accepted(browser.enter(by_php(modern(**changes))))
        browser.navigate("/")
        assert upstream.last.get("X-Login") in ([login] if login else [None, ""])
        assert upstream.last.get("X-Forwarded-User") == "username@yourcompany.com", "the user is the e-mail address"

    def test_ispring_names_are_synced_at_each_sign_in(self, ispring, upstream):
        for family in ("Müller", "Meier"):
            browser = visit(ispring)
            accepted(browser.enter(by_php(modern(given_name="Eva", family_name=family))))
            browser.navigate("/")
            assert upstream.last.get("X-Name").encode("latin-1").decode() == f"Eva {family}"

    def test_ispring_claim_mapping_is_configurable(self, upstream, start_gate):
        gate = start_gate(upstream, **{**ISPRING, "token": {"claims": {"login": ["uid"], "email": ["mail", "email"]}}})
        browser = visit(gate)
        accepted(browser.enter(by_php(modern(uid="u7", mail="eva@yourcompany.com"))))
        browser.navigate("/")
        assert (upstream.last.get("X-Login"), upstream.last.get("X-Forwarded-Email")) == ("u7", "eva@yourcompany.com")


class TestRedirectAndReturn:
    def test_ispring_without_a_session_the_browser_goes_to_the_identity_provider_url(self, ispring):
        assert visit(ispring).go("/course/7") == LOGIN, "its script returns no parameters, so none are sent"

    def test_ispring_deep_link_is_remembered(self, ispring):
        browser = visit(ispring)
        browser.go("/course/7?lesson=2&q=a%20b")
        assert accepted(browser.bring(by_php(printed(), header=PRINTED_HEADER))) == "/course/7?lesson=2&q=a%20b"

    def test_ispring_return_needs_the_parameter_jwt(self, ispring):
        browser = visit(ispring)
        browser.go()
        refused(browser.navigate("/sso/login/jwt"), "token_missing", 400)
        refused(browser.navigate("/sso/login/jwt?token=" + by_php(printed())), "token_missing", 400)

    def test_ispring_token_is_for_single_use(self, ispring):
        token = by_php(printed(), header=PRINTED_HEADER)
        accepted(visit(ispring).enter(token))
        refused(visit(ispring).enter(token), "replayed")

    def test_ispring_return_path_may_be_overridden(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={**ISPRING["identityProvider"], "returnPath": "/come/back"})
        browser = Visit(gate, "/come/back")
        assert accepted(browser.enter(by_php(printed(), header=PRINTED_HEADER)))


class TestStartedAtTheProvider:
    """A user who is logged in at the corporate site follows its link, without an attempt at the gate."""

    def test_ispring_idp_initiated_is_confirmed(self, ispring):
        browser = visit(ispring)
        page = browser.bring(by_php(printed(), header=PRINTED_HEADER))
        assert page.status == 200 and "username@yourcompany.com" in page.text
        assert not browser.has_session
        assert accepted(browser.confirm(page)) == "/"
        assert browser.navigate("/").status == 200

    def test_ispring_idp_initiated_allow(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={**ISPRING["identityProvider"], "initiated": "allow"})
        browser = visit(gate)
        assert accepted(browser.bring(by_php(printed(), header=PRINTED_HEADER))) == "/"
        assert browser.navigate("/").status == 200

    def test_ispring_idp_initiated_deny(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={**ISPRING["identityProvider"], "initiated": "deny"})
        browser = visit(gate)
        refused(browser.bring(by_php(printed(), header=PRINTED_HEADER)), "login_state_missing")
        assert not browser.has_session


class TestLogout:
    def test_ispring_logout_token_is_appended_to_the_logout_url(self, ispring):
        browser = visit(ispring)
        accepted(browser.enter(by_php(printed(email="ada@example.com"), header=PRINTED_HEADER)))
        before = int(time.time())
        response = browser.sign_out()
        assert response.status in (302, 303)
        location = response["Location"]
        assert location.startswith(LOGOUT + "?jwt=") and not browser.has_session
        token = query(location)["jwt"]
        assert mints.read_by_php(token) == mints.read_by_python(token)
        claims = mints.read_by_php(token)["claims"]
        assert mints.read_by_php(token)["header"]["alg"] == "HS256"
        assert claims["email"] == "ada@example.com"
        assert before <= claims["iat"] <= before + 5 and claims["exp"] == claims["iat"] + 60
        assert len(claims["jti"]) >= 16

    def test_ispring_logout_token_is_new_each_time(self, ispring):
        seen = set()
        for _ in range(2):
            browser = visit(ispring)
            accepted(browser.enter(by_php(printed())))
            token = query(browser.sign_out()["Location"])["jwt"]
            seen.add(mints.read_by_php(token)["claims"]["jti"])
        assert len(seen) == 2

    def test_ispring_logout_token_is_added_to_an_existing_query(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={**ISPRING["identityProvider"], "logoutURL": LOGOUT + "?from=lms"})
        browser = visit(gate)
        accepted(browser.enter(by_php(printed())))
        location = browser.sign_out()["Location"]
        assert location.startswith(LOGOUT + "?from=lms&jwt=")

    def test_ispring_logout_token_is_refused_for_sign_in(self, ispring):
        """It is signed with the key for sign-ins, and is part of a URL."""
        browser = visit(ispring)
        accepted(browser.enter(by_php(printed())))
        token = query(browser.sign_out()["Location"])["jwt"]
        thief = visit(ispring)
        assert thief.enter(token).status == 403 and not thief.has_session
        response = ispring.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {token}"})
        assert response.status == 401

    def test_ispring_logout_token_is_not_written_to_the_log(self, ispring):
        browser = visit(ispring)
        accepted(browser.enter(by_php(printed())))
        token = query(browser.sign_out()["Location"])["jwt"]
        assert token.rpartition(".")[2] not in ispring.log()


class TestNativeLogin:
    """"If you … can't login using single sign-on, type …/login?no_sso" in one edition, "…/login?no_jwt=1" in another."""

    @pytest.mark.parametrize("asked", ["/login?no_sso", "/login?no_jwt=1"])
    def test_ispring_native_login_by_no_sso_and_no_jwt_1(self, upstream, start_gate, asked):
        gate = start_gate(upstream, **ISPRING, nativeLogin={"paths": ["/login"]})
        browser = visit(gate)
        assert browser.navigate(asked).status == 200
        assert upstream.last.target == asked and upstream.last.get("X-Forwarded-User") is None
        assert browser.post_form("/login", {"login": "a", "password": "b"}).status == 200
        assert browser.navigate("/course/7").status == 302, "the rest stays closed"

    def test_ispring_native_login_is_off_without_paths(self, ispring, upstream):
        for asked in ("/login?no_sso", "/login?no_jwt=1"):
            assert ispring.exchange("GET", asked, NAVIGATION).status == 302
        assert upstream.requests == []


def test_ispring_mobile_application_may_send_the_token_as_bearer(ispring, upstream):
    """Two editions of the page disagree whether JWT works with the mobile application."""
    token = by_php(printed(), header=PRINTED_HEADER)
    for _ in range(2):
        assert ispring.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}).status == 200
        assert upstream.last.get("X-Forwarded-User") == "username@yourcompany.com"


@pytest.mark.parametrize("name", ["HS384", "HS512", "RS256"])
def test_ispring_algorithm_is_a_setting(upstream, start_gate, tmp_path, name):
    if name.startswith("HS"):
        key = SECRET * 2
        keys = [{"secret": key}]
    else:
        key = mints.private_key(name)
        (tmp_path / "idp.pem").write_text(mints.public_key(key))
        keys = [{"publicKeyFile": str(tmp_path / "idp.pem")}]
    # A logout token needs a shared secret.
    provider = {n: v for n, v in ISPRING["identityProvider"].items() if n != "logoutURL"}
    gate = start_gate(upstream, identityProvider=provider, token={"algorithms": [name], "keys": keys})
    assert accepted(visit(gate).enter(by_openssl(printed(), key, '{"Type":"JWT","ALG":"%s"}' % name, name)))
    refused(visit(gate).enter(by_openssl(printed(), SECRET, PRINTED_HEADER)), "algorithm_not_allowed")
