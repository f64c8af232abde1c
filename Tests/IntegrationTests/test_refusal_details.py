# SPDX-License-Identifier: Apache-2.0
"""What the log says of a refusal besides its reason: of bearer tokens, and where nothing is enforced."""

import json
import re
import time

import pytest

from harness import tokens
from harness.gate import NAVIGATION, XHR, Browser
from harness.process import wait_until

KEYED = {"alg": "HS256", "typ": "JWT", "kid": "key-7"}
FORWARD_AUTH = {"X-Original-Method": "GET"}


def entry(gate, path):
    return wait_until(lambda: next((line for line in map(json.loads, gate.log().splitlines()) if line.get("path") == path), None), "the line")


def expired(**changes):
    now = int(time.time())
    return tokens.token(header=KEYED, iat=now - 700, exp=now - 600, **changes)


@pytest.fixture
def options(upstream):
    return {"token": {"bearer": True}, "trustedProxies": ["127.0.0.1/32"]}


def ask(gate, path, token, way):
    bearer = {**XHR, "Authorization": f"Bearer {token}"}
    if way == "forward-auth":
        return gate.exchange("GET", "/.sidegate/auth", {**bearer, **FORWARD_AUTH, "X-Original-URL": f"{gate.origin}{path}"})
    return gate.exchange("GET", path, bearer)


@pytest.mark.parametrize("way", ["proxy", "forward-auth"])
@pytest.mark.parametrize("changes, reason, words", [
    ({}, "expired", r"exp missed by "),
    ({"exp": None, "iat": 5000}, None, r"iat missed by "),
    ({"sub": "a\nb", "exp": 100, "iat": 0}, "field_invalid", r"."),
])
def test_a_refused_bearer_token_is_logged_with_user_key_and_time(start_gate, upstream, options, way, changes, reason, words):
    gate = start_gate(upstream, **options)
    now = int(time.time())
    # Times count from when the test runs, which may be long after it was collected.
    times = {name: value + now if isinstance(value, int) else value for name, value in {"iat": -700, "exp": -600, **changes}.items()}
    token = tokens.token(header=KEYED, **times)
    response = ask(gate, "/api", token, way)
    assert response.status == 401
    line = entry(gate, "/api")
    assert reason is None or line["reason"] == reason
    assert re.search(words, line["detail"]) and line["detail"].endswith("; key ID key-7"), line
    assert line.get("user") == (None if "sub" in changes else "ada")
    assert "detail" not in response.text and "missed" not in response.text, "it is for the log"


@pytest.mark.parametrize("way", ["proxy", "forward-auth"])
def test_what_no_key_has_signed_says_nothing(start_gate, upstream, options, way):
    gate = start_gate(upstream, **options)
    for number, token in enumerate([expired()[:-4] + "AAAA", "x", "a.b.c"]):
        assert ask(gate, f"/{number}", token, way).status == 401
        line = entry(gate, f"/{number}")
        assert "detail" not in line and "user" not in line, line


def test_a_bearer_token_that_signed_in_is_logged_with_its_user_and_key(start_gate, upstream, options):
    gate = start_gate(upstream, **options)
    token = tokens.token(header=KEYED)
    assert Browser(gate).sign_in_with(token).status == 303
    assert ask(gate, "/api", token, "proxy").status == 401
    line = entry(gate, "/api")
    assert (line["reason"], line["user"]) == ("replayed", "ada") and line["detail"].endswith("key ID key-7"), line


@pytest.mark.parametrize("way", ["proxy", "forward-auth"])
def test_observe_logs_the_details_of_what_enforce_would_refuse(start_gate, upstream, options, way):
    gate = start_gate(upstream, access={"mode": "observe"}, **options)
    assert ask(gate, "/api", expired(), way).status in (200, 202)
    line = entry(gate, "/api")
    assert (line["would"] if way == "proxy" else "unauthenticated", line["reason"], line["user"]) == ("unauthenticated", "expired", "ada"), line
    assert re.search(r"exp missed by .*; key ID key-7$", line["detail"]), line


def test_observe_logs_both_paths_of_a_return_to_the_wrong_one(start_gate, upstream, options):
    gate = start_gate(upstream, access={"mode": "observe"}, **options)
    gate.exchange("GET", "/sso/jwt?jwt=" + tokens.token(), NAVIGATION)
    line = entry(gate, "/sso/jwt")
    assert line["reason"] == "return_path_mismatch" and "/sso/jwt" in line["detail"], line


def test_a_refused_logout_token_is_logged_with_user_and_key(start_gate, upstream):
    gate = start_gate(upstream)
    token = expired(events={"http://schemas.openid.net/event/backchannel-logout": {}})
    response = gate.exchange("POST", "/.sidegate/backchannel-logout", {"Content-Type": "application/x-www-form-urlencoded"},
                             b"logout_token=" + token.encode())
    assert response.status == 400
    line = entry(gate, "/.sidegate/backchannel-logout")
    assert (line["reason"], line["user"]) == ("expired", "ada") and re.search(r"exp missed by .*; key ID key-7$", line["detail"]), line
