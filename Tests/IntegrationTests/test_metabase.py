# SPDX-License-Identifier: Apache-2.0
"""Preset metabase: its names, groups, and a required expiry."""

import time

import pytest

from harness.mints import MINTS, by_php
from harness.visits import Visit, accepted, query, refused

LOGIN = "https://www.acme.test/metabase/sso"
METABASE = {"identityProvider": {"preset": "metabase", "loginURL": LOGIN},
            "identityHeaders": {"X-Name": "{givenName} {familyName}"}}


def payload(**changes) -> dict:
    values = {"email": "rene@example.com", "first_name": "Rene", "last_name": "Descartes",
              "groups": ["Analysts", "Paris"], "exp": int(time.time()) + 600, "jti": f"{time.monotonic_ns()}"}
    return {n: v for n, v in {**values, **changes}.items() if v is not None}


@pytest.fixture(scope="module")
def module_metabase(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, **METABASE)


@pytest.fixture
def metabase(module_metabase, upstream):
    return module_metabase


def visit(gate) -> Visit:
    return Visit(gate, "/auth/sso")


@pytest.mark.parametrize("mint", MINTS.values(), ids=MINTS)
def test_metabase_token(metabase, upstream, mint):
    browser = visit(metabase)
    assert accepted(browser.enter(mint(payload()), "/dashboard/1?tab=2")) == "/dashboard/1?tab=2"
    browser.navigate("/")
    assert upstream.last.get("X-Forwarded-User") == "rene@example.com"
    assert upstream.last.get("X-Forwarded-Groups") == "Analysts,Paris"
    assert upstream.last.get("X-Name") == "Rene Descartes"


def test_metabase_login_url_contains_return_to(metabase):
    location = visit(metabase).go("/dashboard/1")
    assert location.partition("?")[0] == LOGIN and query(location) == {"return_to": metabase.origin + "/dashboard/1"}


def test_metabase_return_to_is_the_return_target(metabase):
    browser = visit(metabase)
    back = query(browser.go("/dashboard/1"))["return_to"]
    assert accepted(browser.bring(by_php(payload()), return_to=back)) == "/dashboard/1"


def test_metabase_exp_is_required(metabase):
    refused(visit(metabase).enter(by_php(payload(exp=None))), "expiry_missing")
    refused(visit(metabase).enter(by_php(payload(exp=None, iat=int(time.time())))), "expiry_missing")
    refused(visit(metabase).enter(by_php(payload(exp=int(time.time()) - 90))), "expired")


def test_metabase_token_is_for_single_use_without_jti_as_well(metabase):
    token = by_php(payload(jti=None, exp=int(time.time()) + 333))
    accepted(visit(metabase).enter(token))
    refused(visit(metabase).enter(token), "replayed")


def test_metabase_ignores_claims_of_other_presets(metabase):
    refused(visit(metabase).enter(by_php(payload(email=None, user_email="x@example.com"))), "field_missing")
