# SPDX-License-Identifier: Apache-2.0
"""The provider's token in the path: a return address that ends with `&jwt=` or the like in place of `?jwt=`."""

import json
import urllib.parse

import pytest

from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser, sidegate
from harness.process import wait_until
from harness.tokens import token

RETURN_PATH = "/.sidegate/callback"
BETWEEN = ["&jwt=", "/jwt=", ";jwt=", "%3Fjwt=", "%3fjwt%3D", "/", ",", "%26jwt%3D", ":", "/x.y/"]
PATHS = ["/.sidegate/callback", "/sso/jwt", "/"]


def theirs():
    return token(secret="another-secret-of-the-app-0123456789")


def line(gate, reason="return_path_mismatch"):
    def find():
        return next((entry for entry in map(json.loads, reversed(gate.log().splitlines())) if entry.get("reason") == reason), None)
    return wait_until(find, "the line")


def refused(gate, upstream, response, ours):
    assert response.status == 400 and not upstream.requests, (response.status, response.text[:500])
    assert not response.all("Set-Cookie") and not response.all("Location")
    parts = ours.split(".")
    line(gate)
    assert not any(part in text for part in parts[1:] for text in (response.text, gate.log())), "it can still be used"


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("path", PATHS)
def test_it_is_refused_and_both_paths_are_named(gate, upstream, path, between):
    for ours, end in [(token(), ""), (token(iat=1, exp=2), "/"), (token(), "&state=abc"), (token(), "?state=abc")]:
        response = Browser(gate).navigate(path + between + ours + end, headers=FROM_ANOTHER_SITE)
        refused(gate, upstream, response, ours)
        assert RETURN_PATH in response.text and RETURN_PATH in line(gate)["detail"]


@pytest.mark.parametrize("path", PATHS)
def test_it_reaches_no_app_with_a_session_or_in_the_background(gate, upstream, path):
    session = gate.session_cookie()
    upstream.requests.clear()
    for fields in ({**session, **NAVIGATION}, {**session, **XHR}, XHR, {}):
        ours = token()
        refused(gate, upstream, gate.exchange("GET", f"{path}&jwt={ours}", fields), ours)
        refused(gate, upstream, gate.exchange("POST", f"{path}/{ours}", fields, b"a=b"), ours)


def test_nor_where_no_user_is_needed_nor_where_nothing_is_enforced(start_gate, upstream):
    for access in ({"rules": [{"paths": ["/*"], "allow": "anyone"}]}, {"default": "guest"}, {"mode": "observe"}):
        ours = token()
        gate = start_gate(upstream, access=access)
        refused(gate, upstream, gate.exchange("GET", f"/wiki&jwt={ours}", NAVIGATION), ours)


def test_nor_by_forward_auth(start_gate, upstream):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"])
    session = gate.session_cookie()
    for path in PATHS:
        answer = gate.exchange("GET", "/.sidegate/auth", {**session, "X-Original-URL": f"{gate.origin}{path}&jwt={token()}", "X-Original-Method": "GET"})
        assert answer.status in (400, 403), answer.status


@pytest.mark.parametrize("between", BETWEEN)
def test_the_apps_own_stay_byte_for_byte(gate, upstream, between):
    session = gate.session_cookie()
    for own in (theirs(), "x" * 90 + ".css", "a" * 40 + "." + "b" * 40 + "." + "c" * 50, "main." + "0" * 64 + ".chunk.js", "%E3%81%82" * 20):
        path = f"/files{between}{own}"
        assert gate.exchange("GET", path, {**session, **XHR, "Referer": gate.origin + path}).status == 200
        assert upstream.last.target == path and upstream.last.get("Referer") == gate.origin + path


def test_it_is_in_no_referer_and_no_target(gate, upstream):
    ours = token()
    gate.exchange("GET", "/", {**gate.session_cookie(), **XHR, "Referer": f"{gate.origin}/wiki&jwt={ours}?a=b"})
    assert upstream.last.get("Referer") == f"{gate.origin}/wiki&jwt="
    browser = Browser(gate)
    target = urllib.parse.quote(f"/wiki&jwt={ours}", safe="")
    response = browser.navigate(f"/.sidegate/login?return_to={target}")
    assert response.status == 302 and ours not in response["Location"]
    back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]
    assert ours not in "".join(browser.finish(back, token()).all("Location"))


@pytest.mark.parametrize("between", ["&jwt=", "%3Fjwt=", "/"])
def test_explain_judges_it_as_the_gate_and_does_not_print_it(gate, between):
    ours = token()
    done = sidegate("explain", "--config", gate.config, f"{gate.origin}{RETURN_PATH}{between}{ours}")
    assert done.returncode == 2 and done.stdout.splitlines()[-1] == "refused: return_path_mismatch", done.stdout
    assert ours not in done.stdout and ours.split(".")[2] not in done.stdout and "JWE" not in done.stdout, done.stdout
