# SPDX-License-Identifier: Apache-2.0
"""ingress-nginx in front of an app and of Sidegate: examples/forward-auth/ingress-nginx, run by nginx with the directives that
the controller makes of it."""

import re
import urllib.parse

import pytest
import yaml

from harness import tokens
from harness.chromium import browser, chromium, page_text, until  # noqa: F401  fixtures among them
from harness.front import EXAMPLES, IngressFront
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser
from harness.sites import InstantProvider, Site

DEEP_LINK = "/reports/a%20b?tab=all&q=%C3%A4+%26%23&return_to=//evil.example"
LONG = "/report?columns=" + "x" * 3484
FOLDER = EXAMPLES / "ingress-nginx"
ADDRESSES = [DEEP_LINK, LONG, "/inner", "/page"]


@pytest.fixture
def ingress(tmp_path, upstream, start_gate):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1"], access={"rules": [
        {"paths": ["/public/*"], "methods": ["GET"], "allow": "anyone"}, {"paths": ["/admin/*"], "require": {"groups": ["admins"]}}]})
    front = IngressFront(tmp_path / "nginx", gate, upstream, ADDRESSES)
    yield front
    front.stop()


def begin(browser, target: str) -> str:  # noqa: F811
    """By the controller's redirect to the return URL."""
    response = browser.navigate(target)
    assert response.status == 302 and response["Location"].startswith(f"{browser.gate.origin}/.sidegate/login?rd={browser.gate.origin}%2F")
    response = browser.navigate(response["Location"])
    assert response.status == 302, response.body
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]


@pytest.mark.parametrize("target", [DEEP_LINK, LONG])
def test_a_deep_link_leads_through_the_sign_in_and_back(ingress, upstream, target):
    browser = Browser(ingress)  # noqa: F811
    response = browser.finish(begin(browser, target), tokens.token())
    assert response.status == 303 and response["Location"] in (target, ingress.origin + target)
    upstream.requests.clear()
    assert browser.navigate(target).status == 200
    request = upstream.requests[-1]
    assert request.target == target and request.get("X-Forwarded-User") and request.get("X-Forwarded-Email") == "ada@example.com"


def test_scripts_get_401_from_the_sign_in_address(ingress, upstream):
    upstream.requests.clear()
    response = ingress.exchange("GET", "/page", XHR)
    assert response.status == 302
    response = ingress.exchange("GET", response["Location"][len(ingress.origin):], XHR)
    assert response.status == 401 and response.json()["error"] == "unauthenticated"
    assert not upstream.requests


def test_rules_apply(ingress, upstream):
    assert ingress.exchange("GET", "/public/x", NAVIGATION).status == 200
    browser = Browser(ingress)  # noqa: F811
    browser.finish(begin(browser, "/page"), tokens.token(groups=["staff"]))
    assert browser.navigate("/admin/x").status == 403


def test_a_browsers_own_headers_do_not_reach_the_app(ingress, upstream):
    spoofed = {"X-Forwarded-User": "eve", "X-Forwarded-Groups": "admins", "Remote-User": "eve", "X-Original-Path": "/admin",
               "X_Forwarded_User": "eve", "X-Forwarded-Email": "eve@example.com", "X-Rewrite-URL": "/admin"}
    response = ingress.exchange("GET", "/public/x", {**NAVIGATION, **spoofed})
    assert response.status in (200, 403)
    for request in upstream.requests:
        assert "eve" not in str(request.fields) and not request.get("X-Original-Path") and not request.get("X-Rewrite-URL")


@pytest.mark.parametrize("fields", [{"X-Forwarded-Uri": "/public/x"}, {"X-Original-URI": "/public/x"}, {"X-Forwarded-Method": "GET"},
                                    {"X-Forwarded-Host": "evil.example"}])
def test_a_browser_cannot_have_another_request_judged(ingress, upstream, fields):
    upstream.requests.clear()
    response = ingress.exchange("POST", "/public/x", {**NAVIGATION, "Content-Length": "0", **fields})
    assert response.status != 200 and not upstream.requests


def test_frames_get_the_page_that_leaves_them(ingress):
    frame = {**NAVIGATION, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
    response = ingress.exchange("GET", "/inner", frame)
    response = ingress.exchange("GET", response["Location"][len(ingress.origin):], frame)
    assert response.status == 401 and 'target="_top"' in response.text and "%2Finner" in response.text


def test_a_link_from_another_site_is_asked_about_without_state(ingress):
    browser = Browser(ingress)  # noqa: F811
    response = browser.navigate("/page", headers=FROM_ANOTHER_SITE)
    browser.navigate(response["Location"], headers=FROM_ANOTHER_SITE)
    response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token()}", headers=FROM_ANOTHER_SITE)
    assert response.status == 200 and "ada@example.com" in response.text


def test_fragments_survive_in_a_browser(tmp_path, start_gate, browser):  # noqa: F811
    app, provider = Site(), InstantProvider()
    gate = start_gate(app, trustedProxies=["127.0.0.1"], session={"keepFragment": True},
                      identityProvider={"loginURL": provider.login_url})
    front = IngressFront(tmp_path / "nginx", gate, app, ["/page"])
    try:
        browser.get(front.origin + "/page#/sheet/3")
        until(browser, lambda b: b.current_url == front.origin + "/page#/sheet/3" and "ada@example.com" in page_text(b), "the app")
        assert not any("sheet" in target for target in provider.requests[-1].target.split())
    finally:
        front.stop()
        for server in (app, provider):
            server.stop()


class TestTheExample:
    """ingress.yaml and rendered.conf say the same."""

    def parts(self):
        app, sidegate, clear = yaml.safe_load_all((FOLDER / "ingress.yaml").read_text())
        annotations = {name.partition("/")[2]: value for name, value in app["metadata"]["annotations"].items()}
        return annotations, sidegate, clear, (FOLDER / "rendered.conf").read_text()

    def test_annotations(self):
        annotations, sidegate, _, conf = self.parts()
        assert f"set $target {annotations['auth-url']};" in conf
        assert f"return 302 {annotations['auth-signin']}?rd=$pass_access_scheme://$http_host$escaped_request_uri;" in conf
        assert re.findall(r"proxy_set_header '([^']+)' \$authHeader", conf) == annotations["auth-response-headers"].split(",")
        assert ("add_header Set-Cookie $auth_cookie always;" in conf) == (annotations["auth-always-set-cookie"] == "true")
        assert set(re.findall(r"proxy_buffer_size (\w+);", conf)) == {annotations["proxy-buffer-size"]}
        assert sidegate["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/.sidegate"

    def test_headers_to_clear(self):
        annotations, _, clear, conf = self.parts()
        location = conf[conf.index("location / {"):conf.index("location /.sidegate/")]
        cleared = set(re.findall(r'proxy_set_header (\S+) "";', location)) - {"Proxy"}
        assert cleared == set(clear["data"]) and set(clear["data"].values()) == {""}
        nginx = set(re.findall(r'proxy_set_header (\S+) "";', (EXAMPLES / "nginx" / "sidegate-clear.inc").read_text()))
        assert nginx - cleared == {"X-Real-IP", "X-Forwarded-Port", "Proxy"}
        assert not cleared & set(annotations["auth-response-headers"].split(","))
