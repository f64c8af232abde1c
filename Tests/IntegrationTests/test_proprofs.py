# SPDX-License-Identifier: Apache-2.0
"""Preset proprofs: every line of ProProfs Knowledge Base's page."""

import hashlib
import secrets
import time

import pytest

from harness import mints
from harness.gate import NAVIGATION
from harness.mints import MINTS, by_openssl, by_php, by_python
from harness.visits import Visit, accepted, refused

API_KEY = "key goes here"
KEY = hashlib.md5(API_KEY.encode()).hexdigest()  # 32 characters, lower case
PROVIDER = {"preset": "proprofs", "loginURL": "https://www.yourwebsite.test/sso.php"}
PROPROFS = {"identityProvider": PROVIDER, "token": {"keys": [{"secret": API_KEY}]}}
SITE = "44567"


def payload(**changes) -> dict:
    """The payload as the sample makes it; jti is the MD5 of the time and a number."""
    now = int(time.time())
    values = {"iat": now, "jti": secrets.token_hex(16), "user_email": "a@example.com", "site_access": "44567,77898",
              "guest": False}
    return {n: v for n, v in {**values, **changes}.items() if v is not None}


@pytest.fixture(scope="module")
def module_proprofs(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, **PROPROFS, access={"site": SITE})


@pytest.fixture
def proprofs(module_proprofs, upstream):
    return module_proprofs


def visit(gate) -> Visit:
    return Visit(gate, "/access/jwtsso/", "token")


@pytest.mark.parametrize("mint", MINTS.values(), ids=MINTS)
def test_proprofs_key_is_md5_hex_of_the_api_key(proprofs, upstream, mint):
    browser = visit(proprofs)
    assert accepted(browser.enter(mint(payload(), KEY), "/article/9?from=search")) == "/article/9?from=search"
    assert browser.navigate("/article/9").status == 200
    assert upstream.last.get("X-Forwarded-Email") == "a@example.com"
    assert upstream.last.get("X-Forwarded-User") == "a@example.com"


@pytest.mark.parametrize("key", [
    pytest.param(hashlib.md5(API_KEY.encode()).digest(), id="raw md5 bytes"),
    pytest.param(KEY.upper(), id="upper-case hex"),
    pytest.param(API_KEY, id="the API key itself"),
])
def test_proprofs_raw_md5_bytes_are_refused(proprofs, key):
    refused(visit(proprofs).enter(by_openssl(payload(), key)), "signature_invalid")


def test_proprofs_key_may_be_given_as_md5_already(upstream, start_gate):
    gate = start_gate(upstream, identityProvider=PROVIDER, token={"keys": [{"secret": KEY, "secretEncoding": "utf8"}]})
    assert accepted(visit(gate).enter(by_php(payload(), KEY)))


class TestIdentifier:
    def test_proprofs_colliding_jti_of_two_users_both_sign_in(self, proprofs, upstream):
        """md5($now . rand(100, 10000)): one in ten thousand pairs of users within a second collides; both must sign in."""
        now = int(time.time())
        jti = hashlib.md5(f"{now}4711".encode()).hexdigest()
        for email in ("a@example.com", "b@example.com"):
            browser = visit(proprofs)
            accepted(browser.enter(by_php(payload(iat=now, jti=jti, user_email=email), KEY)))
            browser.navigate("/")
            assert upstream.last.get("X-Forwarded-User") == email

    def test_proprofs_second_use_of_a_token_is_a_replay(self, proprofs):
        token = by_php(payload(), KEY)
        accepted(visit(proprofs).enter(token))
        thief = visit(proprofs)
        refused(thief.enter(token), "replayed")
        assert not thief.has_session

    def test_proprofs_jti_has_at_least_32_characters(self, proprofs):
        assert accepted(visit(proprofs).enter(by_php(payload(jti="x" * 32), KEY)))
        refused(visit(proprofs).enter(by_php(payload(jti="x" * 31), KEY)), "id_too_short")

    def test_proprofs_jti_is_required(self, proprofs):
        refused(visit(proprofs).enter(by_php(payload(jti=None), KEY)), "id_missing")


class TestThreeMinutes:
    def test_proprofs_token_needs_no_exp(self, proprofs):
        assert "exp" not in payload()
        assert accepted(visit(proprofs).enter(by_php(payload(iat=int(time.time()) - 170), KEY)))

    def test_proprofs_token_is_valid_for_three_minutes_and_the_skew(self, proprofs):
        refused(visit(proprofs).enter(by_php(payload(iat=int(time.time()) - 245), KEY)), "too_old")
        assert accepted(visit(proprofs).enter(by_php(payload(iat=int(time.time()) - 230), KEY)))

    def test_proprofs_iat_is_required(self, proprofs):
        refused(visit(proprofs).enter(by_php(payload(iat=None), KEY)), "issued_at_missing")

    def test_proprofs_token_issued_in_the_future_is_refused(self, proprofs):
        refused(visit(proprofs).enter(by_php(payload(iat=int(time.time()) + 120), KEY)), "issued_in_future")

    def test_proprofs_exp_is_checked_when_present(self, proprofs):
        refused(visit(proprofs).enter(by_php(payload(exp=int(time.time()) - 90), KEY)), "expired")


class TestUser:
    def test_proprofs_email_comes_from_user_email(self, proprofs):
        refused(visit(proprofs).enter(by_php(payload(user_email=None, email="a@example.com"), KEY)), "field_missing")

    def test_proprofs_registered_users_only(self, upstream, start_gate):
        gate = start_gate(upstream, **PROPROFS, access={"users": {"emails": ["a@example.com"]}})
        assert accepted(visit(gate).enter(by_php(payload(), KEY)))
        stranger = visit(gate)
        page = stranger.enter(by_php(payload(user_email="x@example.com"), KEY))
        refused(page, "user_not_registered")
        assert "x@example.com" in page.text and not stranger.has_session


class TestSites:
    @pytest.mark.parametrize("granted", ["44567", "44567,77898", "77898,44567", "1, 44567 ,2"])
    def test_proprofs_site_access_is_a_comma_list_with_this_site(self, proprofs, granted):
        assert accepted(visit(proprofs).enter(by_php(payload(site_access=granted), KEY)))

    @pytest.mark.parametrize("granted", ["77898", "445670", "4456", "77898,144567", "44567x"])
    def test_proprofs_site_access_without_this_site_is_refused(self, proprofs, granted):
        browser = visit(proprofs)
        refused(browser.enter(by_php(payload(site_access=granted), KEY)), "site_not_granted")
        assert not browser.has_session

    @pytest.mark.parametrize("granted", [None, ""], ids=["absent", "empty"])
    def test_proprofs_without_site_ids_the_token_is_for_all_sites(self, proprofs, granted):
        assert accepted(visit(proprofs).enter(by_php(payload(site_access=granted), KEY)))

    def test_proprofs_sites_are_ignored_without_access_site(self, upstream, start_gate):
        gate = start_gate(upstream, **PROPROFS)
        assert accepted(visit(gate).enter(by_php(payload(site_access="1"), KEY)))


class TestGuests:
    """"If the user credentials are not found in the knowledge base, they are given visitor access." """

    @pytest.fixture
    def open_base(self, upstream, start_gate):
        return start_gate(upstream, **PROPROFS, access={"default": "guest", "users": {"emails": ["a@example.com"]}})

    @pytest.mark.parametrize("guest", [True, None], ids=["true", "absent: the default value is true"])
    def test_proprofs_unknown_user_is_given_visitor_access(self, open_base, upstream, guest):
        browser = visit(open_base)
        browser.navigate("/.sidegate/login?return_to=/article/1")
        assert accepted(browser.bring(by_php(payload(user_email="x@example.com", guest=guest), KEY))) == "/article/1"
        assert not browser.has_session
        assert browser.navigate("/article/1").status == 200
        assert upstream.last.get("X-Forwarded-User") is None and b"x@example.com" not in upstream.last.head

    def test_proprofs_guest_false_refuses_to_enter_as_a_guest(self, open_base):
        browser = visit(open_base)
        browser.navigate("/.sidegate/login?return_to=/article/1")
        refused(browser.bring(by_php(payload(user_email="x@example.com", guest=False), KEY)), "guest_refused")
        assert not browser.has_session

    @pytest.mark.parametrize("guest", [True, False, None])
    def test_proprofs_registered_user_signs_in_for_every_value_of_guest(self, open_base, upstream, guest):
        browser = visit(open_base)
        browser.navigate("/.sidegate/login?return_to=/")
        accepted(browser.bring(by_php(payload(guest=guest), KEY)))
        browser.navigate("/")
        assert upstream.last.get("X-Forwarded-User") == "a@example.com"

    def test_proprofs_visitors_need_no_sign_in(self, open_base, upstream):
        assert open_base.exchange("GET", "/article/1", {**NAVIGATION, "X-Forwarded-User": "forged"}).status == 200
        assert b"forged" not in upstream.last.head


class TestRedirectAndReturn:
    def test_proprofs_without_a_session_the_browser_goes_to_the_script(self, proprofs):
        assert visit(proprofs).go("/article/9") == PROVIDER["loginURL"]

    def test_proprofs_parameter_is_token(self, proprofs):
        browser = Visit(proprofs, "/access/jwtsso/", "jwt")
        refused(browser.enter(by_python(payload(), KEY)), "token_missing", 400)

    def test_proprofs_header_names_the_algorithm(self, proprofs):
        refused(visit(proprofs).enter(by_python(payload(), KEY, '{"typ":"JWT","alg":"none"}')), "algorithm_not_allowed")
