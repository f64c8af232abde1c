# SPDX-License-Identifier: Apache-2.0
"""What identity providers send to another path than their return path: neither the app nor the log ever gets it."""

import urllib.parse

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser, sidegate
from harness.journal import lines
from harness.openid import (  # noqa: F401  fixtures among them
    CALLBACK, FORM_POST, OpenIDVisit, OverHTTPX, authority, module_provider, over_tls, provider, ready, secure_settings,
    start_openid_gate)
from harness.process import wait_until
from harness.reloads import admin
from harness.visits import accepted

LOGIN = "/.sidegate/login"


def path_of(query: str, path: str = "/oauth/callback") -> str:
    return f"{path}?{query}"


def named(gate, response, path: str, return_path: str = CALLBACK):
    assert response.status == 400 and "return_path_mismatch" in response.text, f"{response.status} {response.text[:1500]}"
    assert path in response.text and return_path in response.text
    found = wait_until(
        lambda: [line for line in lines(gate) if line.get("reason") == "return_path_mismatch" and path in line.get("detail", "")],
        "the line in the log")
    assert return_path in found[0]["detail"]


class TestCodes:
    @pytest.mark.parametrize("path", ["/oauth/callback", "/.sidegate/callback/", "/.sidegate/oidc", "/"])
    def test_a_response_at_another_path_is_named(self, provider, start_openid_gate, upstream, path):  # noqa: F811
        gate = start_openid_gate(provider, admin=admin())
        browser = OpenIDVisit(gate, provider, "/page")
        answer = browser.authorize()
        upstream.requests.clear()
        response = browser.navigate(path_of(answer.query, path), headers=FROM_ANOTHER_SITE)
        named(gate, response, path)
        assert not upstream.requests
        assert answer.parameters["code"] not in response.text + gate.log()
        assert Metrics(gate).get("sidegate_denied_total", reason="return_path_mismatch") == 1
        assert browser.come_back(answer).status == 303, "the attempt is not over"

    def test_an_error_too_and_its_description_is_not_shown(self, provider, start_openid_gate, upstream):  # noqa: F811
        gate = start_openid_gate(provider)
        browser = OpenIDVisit(gate, provider, "/page")
        answer = provider.error(browser.url, "access_denied", error_description="words-of-the-provider")
        upstream.requests.clear()
        response = browser.navigate(path_of(answer.query), headers=FROM_ANOTHER_SITE)
        named(gate, response, "/oauth/callback")
        assert "words-of-the-provider" not in response.text + gate.log() and not upstream.requests

    @pytest.mark.parametrize("access", [
        {"default": "guest"}, {"rules": [{"paths": ["/*"], "allow": "anyone"}]}, {"mode": "observe"},
        {"rules": [{"paths": ["/*"], "deny": True}]}], ids=["guest", "anyone", "observe", "deny"])
    def test_under_every_rule(self, provider, start_openid_gate, upstream, access):  # noqa: F811
        gate = start_openid_gate(provider, is_up=False, access=access)
        ready(gate, target="/.sidegate/login?return_to=/page")
        browser = OpenIDVisit(gate, provider, "/.sidegate/login?return_to=/page")
        answer = browser.authorize()
        upstream.requests.clear()
        assert browser.navigate(path_of(answer.query), headers=FROM_ANOTHER_SITE).status == 400
        assert browser.fetch("GET", path_of(answer.query), XHR).status == 400
        assert not upstream.requests

    def test_in_a_session_too(self, openid_pair, upstream):
        gate, main = openid_pair
        browser = OpenIDVisit(gate, main)
        browser.sign_in()
        url = browser.navigate("/.sidegate/login?return_to=/page")["Location"]
        answer = main.authorize(url)
        upstream.requests.clear()
        named(gate, browser.navigate(path_of(answer.query), headers=FROM_ANOTHER_SITE), "/oauth/callback")
        assert not upstream.requests and browser.is_in

    @pytest.fixture
    def openid_pair(self, provider, start_openid_gate):  # noqa: F811
        return start_openid_gate(provider), provider

    def test_an_apps_own_protocol_passes_untouched(self, openid_pair, upstream):
        gate, main = openid_pair
        browser = OpenIDVisit(gate, main)
        browser.sign_in()
        other = OpenIDVisit(gate, main, "/x").authorize()  # another browser's
        own = browser.navigate("/.sidegate/login?return_to=/page")["Location"]
        state = browser.request_of(own)["state"]
        for query in ["code=4%2F0Ab&state=xyz&scope=a+b", other.query, f"state={state}", f"code=&state={state}", "error=x&state=y"]:
            assert browser.navigate(path_of(query), headers=FROM_ANOTHER_SITE).status == 200, query
            assert upstream.last.target == path_of(query)

    def test_over_http2(self, provider, start_openid_gate, authority, upstream):  # noqa: F811
        gate = start_openid_gate(provider, is_up=False, **secure_settings(authority))
        secure = OverHTTPX(gate, "https-h2", authority)
        try:
            ready(secure)
            browser = OpenIDVisit(secure, provider, "/page")
            answer = browser.authorize()
            assert browser.navigate(path_of(answer.query), headers=FROM_ANOTHER_SITE).status == 400
        finally:
            secure.close()

    def test_a_form_at_another_path(self, provider, start_openid_gate, authority, upstream):  # noqa: F811
        gate = start_openid_gate(provider, {"responseMode": "form_post"}, is_up=False, **secure_settings(authority))
        secure = ready(over_tls(gate, authority))
        browser = OpenIDVisit(secure, provider, "/page")
        answer = browser.authorize()
        upstream.requests.clear()
        response = browser.navigate("/oauth/callback", "POST", {**FORM_POST, "Origin": provider.url}, answer.query.encode())
        named(gate, response, "/oauth/callback")
        assert not upstream.requests

    def test_a_form_at_another_path_of_a_user_who_is_signed_in(self, provider, start_openid_gate, authority, upstream):  # noqa: F811
        """Whatever session and rules there are; and the app's own forms reach it whole."""
        gate = start_openid_gate(provider, {"responseMode": "form_post"}, is_up=False, **secure_settings(authority),
                                 access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]})
        secure = ready(over_tls(gate, authority))
        browser = OpenIDVisit(secure, provider)
        browser.sign_in("/page")
        browser.url = browser.navigate("/.sidegate/login?return_to=/more")["Location"]
        answer = browser.authorize()
        headers = {**FORM_POST, "Origin": provider.url}
        upstream.requests.clear()
        for path in ("/oauth/callback", "/open/callback", CALLBACK + "/"):
            response = browser.navigate(path, "POST", headers, answer.query.encode())
            assert response.status == 400 and "return_path_mismatch" in response.text, path
        assert not upstream.requests
        for body in (b"code=4%2F0Ab&state=of-the-app&scope=a+b", f"state={answer.parameters['state']}".encode(), b"code=" + b"x" * 60_000,
                     answer.query.encode() + b"&x=" + b"y" * 70_000):
            assert browser.navigate("/oauth/callback", "POST", headers, body).status == 200
            assert upstream.last.body == body and upstream.last.get("X-Forwarded-Email") == "ada@example.com"
        # Of a page of this site.
        own = {**FORM_POST, "Origin": secure.origin, "Sec-Fetch-Site": "same-origin"}
        assert browser.navigate("/oauth/callback", "POST", own, answer.query.encode()).status == 200
        assert accepted(browser.come_back(answer)) == "/more"

    @pytest.mark.parametrize("encoding", ["marks", "all", "names"])
    def test_in_any_encoding_that_the_return_path_reads(self, provider, start_openid_gate, upstream, encoding):  # noqa: F811
        gate = start_openid_gate(provider, trustedProxies=["127.0.0.0/8"], access={"default": "guest"}, is_up=False)
        ready(gate, target=f"{LOGIN}?return_to=/page")
        browser = OpenIDVisit(gate, provider)
        browser.url = browser.navigate(f"{LOGIN}?return_to=/page")["Location"]
        answer = browser.authorize()

        def whole(text):
            return "".join(f"%{ord(char):02x}" for char in text)

        def written(text):
            return {"marks": text.replace("_", "%5F").replace("-", "%2D"), "all": whole(text), "names": text}[encoding]
        query = "&".join(
            f"{whole(name) if encoding == 'names' else name}={written(value)}" for name, value in answer.parameters.items())
        if encoding == "marks":
            query = query.replace("&state=n", "&state=%6E").replace("&state=w", "&state=%77")
        upstream.requests.clear()
        named(gate, browser.navigate(path_of(query), headers=FROM_ANOTHER_SITE), "/oauth/callback")
        host = urllib.parse.urlsplit(gate.origin).netloc
        response = gate.exchange("GET", "/.sidegate/auth", {
            **NAVIGATION, "Cookie": browser.cookie_header(), "X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": host, "X-Forwarded-Uri": path_of(query), "X-Forwarded-For": "127.0.0.1"})
        assert response.status in (400, 403) and "return_path_mismatch" in response.text
        assert not upstream.requests
        assert browser.navigate(f"{CALLBACK}?{query}", headers=FROM_ANOTHER_SITE).status == 303, "the return path reads it"

    def test_forward_auth(self, provider, start_openid_gate):  # noqa: F811
        gate = start_openid_gate(provider, is_up=False, trustedProxies=["127.0.0.0/8"])
        ready(gate)
        browser = OpenIDVisit(gate, provider, "/page")
        answer = browser.authorize()
        host = urllib.parse.urlsplit(gate.origin).netloc
        response = gate.exchange("GET", "/.sidegate/auth", {
            **NAVIGATION, "Cookie": browser.cookie_header(), "X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": host, "X-Forwarded-Uri": path_of(answer.query), "X-Forwarded-For": "127.0.0.1"})
        # A proxy passes one of the two on.
        assert response.status in (400, 403) and "return_path_mismatch" in response.text, response.text[:500]
        assert answer.parameters["code"] not in gate.log()


class TestTokensInPaths:
    """`https://app/page&jwt=…`: the provider appends to an address that has no query."""

    @pytest.mark.parametrize("path", [CALLBACK, "/", "/sso/jwt"])
    @pytest.mark.parametrize("session", [False, True])
    def test_it_is_named_and_stays_here(self, start_gate, upstream, path, session):
        gate = start_gate(upstream)
        browser = Browser(gate)
        if session:
            browser.sign_in()
        token = tokens.token(jti="in-the-path")
        upstream.requests.clear()
        response = browser.navigate(f"{path}&jwt={token}", headers=FROM_ANOTHER_SITE)
        named(gate, response, path)
        assert "question mark" in response.text and "which has no query" in response.text
        signature = token.rpartition(".")[2]
        assert not upstream.requests and signature not in response.text + gate.log()

    def test_the_fix_of_the_page_works(self, start_gate, upstream):
        gate = start_gate(upstream, identityProvider={"initiated": "allow"})
        browser = Browser(gate)
        assert browser.navigate(f"{CALLBACK}?&jwt={tokens.token()}", headers=FROM_ANOTHER_SITE).status == 303

    def test_an_apps_own_token_passes(self, start_gate, upstream):
        gate = start_gate(upstream)
        browser = Browser(gate)
        browser.sign_in()
        path = f"/page&jwt={tokens.token('the-key-of-somebody-else-of-32-bytes')}"
        assert browser.navigate(path).status == 200 and upstream.last.target == path

    def test_explain_says_the_same(self, start_gate, upstream):
        gate = start_gate(upstream)
        done = sidegate("explain", "--config", gate.config, f"{gate.origin}{CALLBACK}&jwt={tokens.token()}")
        assert done.returncode == 2 and done.stdout.endswith("\nrefused: return_path_mismatch\n"), done.stdout
        assert "?" in done.stdout and "with &" in done.stdout, done.stdout
