# SPDX-License-Identifier: Apache-2.0
"""The app's own login page, for when single sign-on is unavailable."""

import re

import pytest

from harness import tokens
from harness.gate import NAVIGATION, XHR
from harness.journal import lines, wait_for_audit
from harness.process import wait_until
from harness.visits import Visit, accepted, refused

NATIVE = {"paths": ["/login", "/admin/login/*"], "with": ["/static/*", "/api/session"]}


@pytest.fixture(scope="module")
def module_native(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, nativeLogin=NATIVE)


@pytest.fixture
def native(module_native, upstream):
    return module_native


def opened(gate, asked="/login?no_sso") -> Visit:
    browser = Visit(gate)
    response = browser.navigate(asked)
    assert response.status == 200, f"{response.status} {response.text[:500]}"
    return browser


class TestOpening:
    @pytest.mark.parametrize("asked", [
        "/login?no_sso", "/login?no_sso=", "/login?no_sso=1", "/login?no_sso=true", "/login?no_jwt=1", "/login?no_jwt",
        "/login?next=%2F&no_sso", "/login?no_sso&next=/", "/admin/login/form?no_sso"])
    def test_the_login_page_opens_without_identity(self, native, upstream, asked):
        response = Visit(native).navigate(asked, headers={"X-Forwarded-User": "admin"})
        assert response.status == 200
        assert upstream.last.target == asked and b"admin\r" not in upstream.last.head
        assert upstream.last.get("X-Forwarded-User") is None

    @pytest.mark.parametrize("asked", [
        "/login", "/login?no_sso=0", "/login?no_sso=false", "/login?no_sso=no", "/login?no_ssox", "/login?xno_sso=1",
        "/login?x=no_sso", "/login?NO_SSO=1", "/?no_sso", "/loginx?no_sso", "/login/x?no_sso", "/static/a.css?no_sso",
        "/secret?no_sso", "/admin/loginx?no_sso", "/.sidegate/session?no_sso"])
    def test_no_other_request_opens_it(self, native, upstream, asked):
        response = native.exchange("GET", asked, NAVIGATION)
        assert response.status in (302, 401)
        assert not any("native" in c for c in response.all("Set-Cookie")) and upstream.requests == []

    @pytest.mark.parametrize("path", [
        "/%6cogin", "/login%2f", "//login", "/x/../login", "/./login", "/login/.", "/login;x=1", "/LOGIN", "/login%00",
        "/admin/login/../../secret", "/admin/login/%2e%2e/%2e%2e/secret", "/admin/login//secret", "/admin/login/..;/secret",
        "/admin/login/%5c..%5csecret"])
    def test_other_spellings_of_the_path_do_not_open_it(self, native, upstream, path):
        response = native.exchange("GET", path + "?no_sso", NAVIGATION)
        assert response.status in (302, 400, 401)
        assert upstream.requests == []

    @pytest.mark.parametrize("method, headers", [("POST", NAVIGATION), ("GET", XHR), ("PUT", {}), ("DELETE", {})])
    def test_only_a_navigation_opens_it(self, native, upstream, method, headers):
        response = native.exchange(method, "/login?no_sso", headers, b"" if method in ("POST", "PUT") else None)
        assert response.status == 401 and upstream.requests == []

    def test_configured_parameters(self, upstream, start_gate):
        gate = start_gate(upstream, nativeLogin={**NATIVE, "parameters": ["local"]})
        opened(gate, "/login?local")
        assert gate.exchange("GET", "/login?no_sso", NAVIGATION).status == 302


class TestWhileItIsOpen:
    def test_its_pages_are_open_with_all_methods(self, native, upstream):
        browser = opened(native)
        for method, target in (("GET", "/login"), ("POST", "/login"), ("GET", "/static/app.css"), ("GET", "/static/js/a.js"),
                               ("POST", "/api/session"), ("PUT", "/api/session")):
            response = browser.fetch(method, target, {"X-Forwarded-User": "admin"}, b"a=b" if method != "GET" else None)
            assert response.status == 200, (method, target)
            assert upstream.last.target == target and upstream.last.get("X-Forwarded-User") is None

    def test_its_pages_are_closed_before(self, native, upstream):
        for target in ("/login", "/static/app.css", "/api/session"):
            assert native.exchange("GET", target, NAVIGATION).status == 302
        assert upstream.requests == []

    def test_the_rest_stays_closed(self, native, upstream):
        browser = opened(native)
        upstream.requests.clear()
        for target in ("/", "/secret", "/staticx", "/api/session/x", "/api/sessions"):
            assert browser.navigate(target).status == 302
        for target in ("/static/../secret", "/static/%2e%2e/secret", "/static//../secret", "/static/..;/secret",
                       "/static/%2e%2e%2fsecret", "/static/..%5csecret"):
            assert browser.navigate(target).status in (302, 400)
        assert browser.fetch("GET", "/.sidegate/session", XHR).status == 401
        assert upstream.requests == []

    def test_the_apps_session_cookie_is_forwarded_and_the_gates_is_not(self, native, upstream):
        browser = opened(native)
        browser.cookies["app"] = "abc"
        browser.navigate("/login")
        assert upstream.last.get("Cookie") == "app=abc"

    def test_the_login_page_does_not_receive_the_signed_in_user(self, native, upstream):
        browser = Visit(native)
        accepted(browser.enter(tokens.token()))
        browser.navigate("/")
        assert upstream.last.get("X-Forwarded-User") == "ada"
        browser.navigate("/login?no_sso")
        assert upstream.last.get("X-Forwarded-User") is None
        browser.navigate("/")
        assert upstream.last.get("X-Forwarded-User") == "ada", "the session continues on other paths"

    def test_the_cookie_is_protected(self, native):
        response = native.exchange("GET", "/login?no_sso", NAVIGATION)
        (cookie,) = [c for c in response.all("Set-Cookie") if c.startswith("sidegate-native=")]
        for attribute in ("HttpOnly", "Path=/", "Max-Age=900", "SameSite=(Lax|Strict)"):
            assert re.search(rf";\s*{attribute}(;|$)", cookie, re.I), cookie

    @pytest.mark.parametrize("value", ["", "1", "AAAA", "x" * 200])
    def test_a_forged_cookie_opens_nothing(self, native, upstream, value):
        assert native.exchange("GET", "/login", {**NAVIGATION, "Cookie": f"sidegate-native={value}"}).status == 302
        assert upstream.requests == []

    def test_other_cookies_of_the_gate_are_not_accepted_as_a_session(self, native, upstream):
        browser = Visit(native)
        browser.go("/")
        (login,) = [v for n, v in browser.cookies.items() if n.startswith("sidegate-login-") and "returns" not in n]
        assert native.exchange("GET", "/login", {**NAVIGATION, "Cookie": f"sidegate-native={login}"}).status == 302
        native_cookie = opened(native).cookies["sidegate-native"]
        upstream.requests.clear()
        assert native.exchange("GET", "/", {**NAVIGATION, "Cookie": f"sidegate={native_cookie}"}).status == 302
        assert upstream.requests == []

    def test_it_closes_after_its_lifetime(self, upstream, start_gate):
        gate = start_gate(upstream, nativeLogin={**NATIVE, "lifetime": "1s"})
        cookie = {**NAVIGATION, "Cookie": opened(gate).cookie_header()}
        wait_until(lambda: gate.exchange("GET", "/login", cookie).status == 302, "it is closed again")


class TestFrom:
    def test_other_networks_do_not_open_it(self, upstream, start_gate):
        gate = start_gate(upstream, nativeLogin={**NATIVE, "from": ["10.0.0.0/8", "::1/128"]})
        assert gate.exchange("GET", "/login?no_sso", {**NAVIGATION, "X-Forwarded-For": "10.0.0.1"}).status == 302
        assert upstream.requests == []

    def test_a_configured_network_opens_it(self, upstream, start_gate):
        opened(start_gate(upstream, nativeLogin={**NATIVE, "from": ["10.0.0.0/8", "127.0.0.0/8"]}))

    def test_the_client_is_the_one_named_by_a_trusted_proxy(self, upstream, start_gate):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"], nativeLogin={**NATIVE, "from": ["10.0.0.0/8"]})
        inside = {**NAVIGATION, "X-Forwarded-For": "10.1.2.3"}
        outside = {**NAVIGATION, "X-Forwarded-For": "192.0.2.1"}
        lying = {**NAVIGATION, "X-Forwarded-For": "10.1.2.3, 192.0.2.1"}
        response = gate.exchange("GET", "/login?no_sso", inside)
        assert response.status == 200
        for headers in (outside, lying):
            assert gate.exchange("GET", "/login?no_sso", headers).status == 302
        cookie = response["Set-Cookie"].partition(";")[0]
        assert gate.exchange("GET", "/login", {**inside, "Cookie": cookie}).status == 200
        assert gate.exchange("GET", "/login", {**outside, "Cookie": cookie}).status == 302, "the cookie is invalid elsewhere"


class TestTheLog:
    def test_each_opening_is_in_the_audit_log(self, upstream, start_gate):
        gate = start_gate(upstream, nativeLogin=NATIVE)
        browser = opened(gate)
        line = wait_for_audit(gate, "native_login")
        assert line["client"].startswith("127.0.0.1")
        browser.navigate("/login")
        opened(gate)
        wait_for_audit(gate, "native_login", 2)

    def test_the_access_line_shows_it(self, upstream, start_gate):
        gate = start_gate(upstream, nativeLogin=NATIVE)
        opened(gate).navigate("/static/app.css")
        wait_until(lambda: [x for x in lines(gate) if x.get("path") == "/static/app.css"
                            and x.get("decision") == "native-login"], f"the line\n{gate.log()[-2000:]}")
        assert gate.log().count("sidegate-native") == 0


def test_refusals_on_the_return_path_show_their_reason(native):
    refused(Visit(native).enter("x.y.z"), "token_malformed")
