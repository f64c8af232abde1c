# SPDX-License-Identifier: Apache-2.0
"""Forward-auth's response to other spellings of identity headers, requested without a proxy (CVE-2025-64484)."""

import pytest

from harness.admin import Metrics
from harness.gate import NAVIGATION, XHR
from harness.process import wait_until
from harness.reloads import admin
from harness.spoofing import ATTACK, over_http2, spellings

RULES = [{"paths": ["/public/*"], "allow": "anyone"}]
AUTH = "/.sidegate/auth"


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, trustedProxies=["127.0.0.1"], access={"rules": RULES})


def ask(gate, headers, uri="/public/x", query=""):
    return gate.exchange("GET", AUTH + query, {
        "X-Forwarded-Method": "GET", "X-Forwarded-Uri": uri, "X-Forwarded-Host": gate.origin[7:], "X-Forwarded-Proto": "http", **headers})


@pytest.mark.parametrize("query", ["", "?redirect=1"])
def test_every_spelling_is_refused(gate, session, query):
    for name in spellings():
        for headers in (session, {}):
            response = ask(gate, {**XHR, **headers, name: ATTACK}, query=query)
            assert response.status == 403 and response.json()["reason"] == "identity_header_spoofed", (name, response.text)
        assert ask(gate, {**NAVIGATION, name: ""}, "/x", query).status == 403


def test_the_page_shows_the_reason_but_not_the_input(gate):
    response = ask(gate, {**NAVIGATION, "X_Forwarded_User": ATTACK}, query="?redirect=1")
    assert response.status == 403 and "identity_header_spoofed" in response.text and ATTACK not in response.text
    assert "Set-Cookie" not in dict(response.fields)


def test_metrics_count_refused_look_alikes(upstream, start_gate):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1"], access={"rules": RULES}, admin=admin())
    assert ask(gate, {"X_Forwarded_User": ATTACK}).status == 403
    wait_until(lambda: Metrics(gate).get("sidegate_denied_total", reason="identity_header_spoofed") == 1, "the count")


def test_exact_names_are_accepted_and_overwritten(gate, session):
    for name in ("X-Forwarded-User", "x-forwarded-user", "X-AUTH-REQUEST-USER", "X-Sidegate-Other"):
        response = ask(gate, {**session, name: ATTACK})
        assert response.status == 202 and response["X-Forwarded-User"] == "ada"


def test_names_that_are_merely_similar_are_allowed(gate):
    for name in ("X_Forwarded_Use", "X_Forwarded_Users", "X__Forwarded_User", "XForwardedUser", "api_key", "X.Custom", "Auth_Request"):
        assert ask(gate, {name: ATTACK}).status == 202, name


@pytest.mark.parametrize("path", ["/public/x", "/x"])
def test_envoys_form_of_the_request(gate, session, path):
    for headers in (session, {}):
        assert gate.exchange("GET", AUTH + path, {**headers, **NAVIGATION, "x_forwarded_user": ATTACK}).status == 403


def test_over_http2(gate, session):
    for name in spellings():
        version, status, body = over_http2(
            gate.port, AUTH + "/public/x", ["Accept: application/json", "Cookie: " + session["Cookie"], f"{name}: {ATTACK}"])
        assert (version, status) == ("2", 403) and "identity_header_spoofed" in body, (name, status)
    assert over_http2(gate.port, AUTH + "/public/x", [f"x-forwarded-user: {ATTACK}"])[1] == 200


def test_look_alikes_are_refused_in_observe_mode(upstream, start_gate):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1"], access={"rules": RULES, "mode": "observe"})
    assert ask(gate, {}, "/x").status == 202
    assert ask(gate, {"X_Forwarded_User": ATTACK}, "/x").status == 403


def test_look_alikes_are_refused_on_the_paths_of_native_login(upstream, start_gate):
    gate = start_gate(
        upstream, trustedProxies=["127.0.0.1"], nativeLogin={"paths": ["/login"], "from": ["203.0.113.0/24"]})
    client = {"X-Forwarded-For": "203.0.113.9"}
    assert ask(gate, client, "/login?no_sso").status == 202
    assert ask(gate, {**client, "X_Forwarded_User": ATTACK}, "/login?no_sso").status == 403


def test_headers_of_the_configuration_and_the_assertion(upstream, start_gate, tmp_path):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1"], identityHeaders={"X-Staff_Number": "{user}"}, headerPreset="remote-user")
    for name in ("X_Staff_Number", "X-Staff-Number", "x.staff.number", "Remote_User", "REMOTE.GROUPS", "X_Auth_Request_User",
                 "X_Sidegate_Jwt_Assertion", "x-sidegate_anything"):
        response = ask(gate, {**XHR, name: ATTACK})
        assert response.status == 403 and response.json()["reason"] == "identity_header_spoofed", name
    for name in ("X-Staff_Number", "x-staff_number", "Remote-User", "X_Forwarded_User"):
        assert ask(gate, {**XHR, name: ATTACK}).status == 401, name


def test_basic_overwrites_the_browsers_own_on_an_open_path(upstream, start_gate):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1"], access={"rules": RULES}, headerPreset="basic")
    assert "Authorization" not in dict(ask(gate, {}).fields)
    assert ask(gate, {"Authorization": "Basic cm9vdDo="})["Authorization"] == ""
    assert ask(gate, gate.session_cookie())["Authorization"].startswith("Basic ")
