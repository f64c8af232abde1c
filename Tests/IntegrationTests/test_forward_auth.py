# SPDX-License-Identifier: Apache-2.0
"""Forward-auth: nginx, Caddy, Traefik and Envoy serve the app, and Sidegate applies the same rules."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from harness import tokens
from harness.front import FRONTS
from harness.gate import NAVIGATION, ROOT, XHR, Browser
from harness.journal import lines
from harness.process import wait_until

RULES = [
    {"paths": ["/public/*"], "methods": ["GET"], "allow": "anyone"},
    {"paths": ["/admin/*"], "require": {"groups": ["admins"]}},
    {"paths": ["/internal/*"], "deny": True},
]
AUTH = "/.sidegate/auth"
OVERRIDES = re.findall(r'"([A-Z][\w-]+)"', next((ROOT / "Sources/Gate").rglob("OverrideHeaders.swift")).read_text())


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate("http://127.0.0.1:9", trustedProxies=["127.0.0.1"], access={"rules": RULES})


@pytest.fixture(scope="module", params=FRONTS)
def module_front(request, tmp_path_factory, module_gate, module_upstream):
    front = FRONTS[request.param](tmp_path_factory.mktemp("front") / "front", module_gate, module_upstream)
    yield front
    front.stop()


@pytest.fixture
def front(module_front, upstream):
    return module_front


@pytest.fixture
def ada(front):
    browser = Browser(front)
    browser.sign_in(groups=["staff"])
    return browser


class TestBehindARealProxy:
    def test_a_browser_signs_in_and_returns_to_its_page(self, front, upstream):
        browser = Browser(front)
        return_url = browser.start("/reports?year=2026&q=a%20b")
        assert return_url.startswith(front.origin + "/.sidegate/callback")
        assert upstream.requests == []
        response = browser.finish(return_url, tokens.token())
        assert response.status == 303 and response["Location"].endswith("/reports?year=2026&q=a%20b")
        page = browser.navigate("/reports?year=2026&q=a%20b")
        assert page.status == 200 and page.json()["target"] == "/reports?year=2026&q=a%20b"
        assert upstream.last.get("X-Forwarded-User") == "ada" and upstream.last.get("X-Forwarded-Email") == "ada@example.com"
        assert upstream.last.get("X-Forwarded-Groups") == "staff,admins"

    def test_scripts_get_401_and_no_redirect(self, front, upstream):
        response = front.exchange("GET", "/x", XHR)
        assert response.status == 401 and response["WWW-Authenticate"] == "Bearer"
        assert front.exchange("POST", "/x", XHR, b"a=b").status == 401
        assert upstream.requests == []

    def test_a_frame_gets_the_page_that_leads_out_of_it(self, front, upstream):
        frame = {**NAVIGATION, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
        response = front.exchange("GET", "/inner?x=1", frame)
        assert response.status == 401 and 'target="_top"' in response.text and "%2Finner%3Fx%3D1" in response.text
        assert upstream.requests == []

    def test_a_long_deep_link_passes_the_proxys_buffers(self, front, upstream):
        target = "/report?columns=" + "x" * 3484
        browser = Browser(front)
        response = browser.finish(browser.start(target), tokens.token())
        assert response.status == 303 and response["Location"].endswith(target)

    def test_open_paths_are_open_and_have_no_identity(self, front, upstream):
        spoofed = {"X-Forwarded-User": "root", "X-Forwarded-Groups": "admins", "X-Forwarded-Email": "root@example.com"}
        assert front.exchange("GET", "/public/a", {**NAVIGATION, **spoofed}).status == 200
        for name in spoofed:
            assert not upstream.last.get(name), upstream.last.head

    def test_a_clients_own_identity_headers_are_overwritten(self, ada, upstream):
        assert ada.navigate("/x", headers={"X-Forwarded-User": "root", "X-Forwarded-Groups": "admins"}).status == 200
        assert upstream.last.all("X-Forwarded-User") == ["ada"] and upstream.last.all("X-Forwarded-Groups") == ["staff"]

    def test_the_403_page_reaches_the_browser(self, ada, upstream):
        response = ada.navigate("/admin/x")
        assert response.status == 403 and "ada@example.com" in response.text and "group_missing" in response.text
        assert upstream.requests == []

    @pytest.mark.parametrize("path", [
        "/Admin/x", "//admin/x", "/public/../admin/x", "/%61dmin/x", "/admin%2Fx", "/public/..%2fadmin/x", "/public/%2e%2e/admin/x",
        "/public/..;/admin/x", "/admin;a/x", "/public/..%5cadmin/x", "/public/%252e%252e/admin/x", "/admin%20/x", "/./admin/x",
    ])
    def test_CVE_2026_33494_no_spelling_opens_what_a_rule_closes(self, ada, front, upstream, path):
        assert ada.navigate(path).status in (403, 400), path
        assert front.exchange("GET", path, NAVIGATION).status in (302, 403, 400)
        assert upstream.requests == []

    @pytest.mark.parametrize("headers", [
        {"X-Forwarded-Uri": "/public/a"}, {"X-Original-URL": "/public/a"}, {"X-Original-URI": "/public/a"},
        {"X-Forwarded-Uri": "/public/a", "X-Forwarded-Method": "GET"}, {"X-Original-URL": "/public/a", "X-Original-Method": "GET"},
        {"X-Forwarded-Path": "/public/a"}, {"X-Rewrite-URL": "/public/a"}, {"X_Forwarded_Uri": "/public/a"},
    ])
    def test_CVE_2026_40575_the_browser_cannot_change_the_request_that_is_checked(self, front, upstream, headers):
        response = front.exchange("GET", "/x", {**NAVIGATION, **headers})
        assert response.status in (302, 400), response.status
        assert front.exchange("POST", "/public/a", {**XHR, **headers}, b"").status in (401, 400)
        assert upstream.requests == []

    def test_the_method_is_the_requests_own(self, front, upstream):
        assert front.exchange("POST", "/public/a", XHR, b"").status == 401
        assert front.exchange("POST", "/public/a", {**XHR, "X-HTTP-Method-Override": "GET", "X-Original-Method": "GET"}, b"").status in (401, 400)
        assert upstream.requests == []

    def test_a_form_reaches_the_app_unchanged(self, ada, upstream):
        upstream.answer = lambda request, connection: connection.respond(200, {}, b"")
        response = ada.fetch("POST", "/form", XHR, b"field=" + b"x" * 100_000)
        assert response.status == 200 and len(upstream.last.body) == 100_006

    def test_signing_out_goes_through_the_proxy(self, ada):
        response = ada.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": ada.gate.origin})
        assert response.status in (200, 303)
        assert ada.navigate("/x").status == 302

    def test_a_bearer_token_works_too(self, front, upstream):
        bearer = {**XHR, "Authorization": "Bearer " + tokens.token(groups=["staff"])}
        assert front.exchange("GET", "/x", bearer).status == 200
        assert upstream.last.get("X-Forwarded-User") == "ada"
        assert front.exchange("GET", "/admin/x", bearer).status == 403

    @pytest.mark.parametrize("claimed", ["203.0.113.9", "203.0.113.9, 198.51.100.7", "127.0.0.1, 203.0.113.9", ""])
    def test_a_client_does_not_choose_its_address(self, ada, front, upstream, claimed):
        for ask in (ada.navigate, lambda path, headers: front.exchange("GET", path, {**NAVIGATION, **headers})):
            assert ask("/public/a", headers={"X-Forwarded-For": claimed}).status == 200
            assert upstream.last.all("X-Forwarded-For") == ["127.0.0.1"], upstream.last.head
        assert ada.navigate("/x", headers={"X-Forwarded-For": claimed}).status == 200
        assert upstream.last.all("X-Forwarded-For") == ["127.0.0.1"], upstream.last.head

    @pytest.mark.parametrize("name", OVERRIDES)
    def test_no_field_gives_the_app_another_path_or_method(self, ada, upstream, name):
        """The names that the gate removes when requests pass through it."""
        assert ada.navigate("/x", headers={name: "/evil"}).status in (200, 400, 403)
        assert all(not request.get(name) for request in upstream.requests), upstream.last.head

    def test_credentials_for_the_app_reach_it(self, ada, upstream):
        for value in ("Basic YTpi", "Bearer not-ours"):
            assert ada.navigate("/public/a", headers={"Authorization": value}).status == 200
            assert upstream.last.all("Authorization") == [value]
        assert ada.navigate("/public/a").status == 200 and upstream.last.get("Authorization") is None

    def test_a_websocket_is_checked_like_any_request(self, ada, front, upstream):
        handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                     "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        upstream.answer = lambda request, connection: connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        # nginx does not tell Sidegate that the request is an upgrade; browsers send Sec-Fetch-Mode.
        assert front.exchange("GET", "/ws", handshake).status in (401, 302)
        assert front.exchange("GET", "/ws", {**handshake, "Sec-Fetch-Mode": "websocket"}).status == 401
        assert upstream.requests == []
        assert ada.fetch("GET", "/ws", {**handshake, "X-Forwarded-User": "root", "X-Forwarded-Groups": "admins"}).status == 101
        assert upstream.last.all("X-Forwarded-User") == ["ada"] and upstream.last.all("X-Forwarded-Groups") == ["staff"]
        assert upstream.last.get("Upgrade") == "websocket"
        refused = ada.fetch("GET", "/ws", {**handshake, "X_Forwarded_User": "root"}).status
        assert refused == 403 or refused == 101 and b"root" not in upstream.last.head

    @pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0", "h2c, websocket", "websocket, h2c", "WebSocket, x", "foo"])
    def test_only_a_websocket_becomes_a_tunnel(self, ada, upstream, protocol):
        """Requests inside a tunnel are not checked."""
        def answer(request, connection):
            if request.get("Upgrade") not in (None, "", "websocket"):
                connection.send(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n".encode())
            else:
                connection.respond(200, {}, b"")
        upstream.answer = answer
        headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": protocol, "HTTP2-Settings": "AAMAAABkAAQAAP__"}
        assert ada.fetch("GET", "/x", headers).status in (200, 400, 403, 426)
        assert not any(request.get("Upgrade") or request.get("HTTP2-Settings") for request in upstream.requests)
        twice = [("Cookie", ada.cookie_header()), ("Connection", "upgrade"), ("Upgrade", protocol), ("Upgrade", "websocket")]
        for headers in (twice, [*twice[:-2], twice[-1], twice[-2]]):
            ada.gate.exchange("GET", "/x", headers)
            assert {request.get("Upgrade") for request in upstream.requests} <= {None, "", "websocket"}


@pytest.mark.parametrize("front_class", FRONTS.values(), ids=FRONTS.keys())
def test_without_sidegate_no_request_passes(start_gate, tmp_path, upstream, front_class):
    gate = start_gate("http://127.0.0.1:9", trustedProxies=["127.0.0.1"], access={"rules": RULES})
    front = front_class(tmp_path / "front", gate, upstream)
    try:
        ada = Browser(front)
        ada.sign_in(groups=["staff"])
        assert ada.navigate("/x").status == 200
        upstream.requests.clear()
        assert gate.stop() == 0
        for path in ("/x", "/public/a"):
            assert ada.navigate(path).status in (403, 500, 502, 503)
        assert upstream.requests == []
    finally:
        front.stop()


@pytest.mark.parametrize("front_class", FRONTS.values(), ids=FRONTS.keys())
def test_a_renewed_session_reaches_the_browser(start_gate, tmp_path, upstream, front_class):
    gate = start_gate("http://127.0.0.1:9", trustedProxies=["127.0.0.1"], session={"idleTimeout": "8s"})
    front = front_class(tmp_path / "front", gate, upstream)
    try:
        browser = Browser(front)
        browser.sign_in()
        first = browser.cookies["sidegate"]
        upstream.answer = lambda request, connection: connection.respond(200, {"Set-Cookie": "app=1"}, b"")
        wait_until(lambda: browser.navigate("/x").status == 200 and browser.cookies["sidegate"] != first, "another cookie")
        assert browser.cookies["app"] == "1"
        assert browser.navigate("/x").status == 200
    finally:
        front.stop()


def test_envoy_keeps_tokens_from_the_app(start_gate, tmp_path, upstream):
    """The other proxies cannot: they treat an empty field of the response as absent."""
    gate = start_gate("http://127.0.0.1:9", trustedProxies=["127.0.0.1"], access={"rules": RULES})
    front = FRONTS["envoy"](tmp_path / "front", gate, upstream)
    try:
        used, unused = tokens.token(), tokens.token()
        browser = Browser(front)
        assert browser.finish(browser.start("/"), used).status == 303
        for path, token in (("/public/a", used), ("/public/a", unused), ("/x", unused)):
            assert front.exchange("GET", path, {**XHR, "Authorization": f"Bearer {token}"}).status == 200
            assert not upstream.last.get("Authorization"), path
        assert front.exchange("GET", "/x", {**XHR, "Authorization": f"Bearer {used}"}).status == 401
    finally:
        front.stop()


class TestResponses:
    """Sends the requests of the proxies without a proxy."""

    def ask(self, gate, uri, method="GET", query="", **headers):
        return gate.exchange("GET", AUTH + query, {
            "X-Forwarded-Method": method, "X-Forwarded-Uri": uri, "X-Forwarded-Host": "app.test", "X-Forwarded-Proto": "https",
            **headers})

    def test_202_with_both_sets_of_headers(self, gate):
        cookie = secure_session(gate)
        response = self.ask(gate, "/x", Cookie=cookie)
        assert response.status == 202, response.text
        for name, value in (("User", "ada"), ("Email", "ada@example.com"), ("Preferred-Username", "ada"), ("Groups", "staff,admins")):
            assert response["X-Auth-Request-" + name] == value and response["X-Forwarded-" + name] == value

    def test_only_401_and_403_without_redirect(self, gate):
        assert self.ask(gate, "/x", **NAVIGATION).status == 401
        assert self.ask(gate, "/x", **NAVIGATION).json()["login_url"].startswith("https://app.test/.sidegate/login?return_to=")
        assert self.ask(gate, "/internal/x", **NAVIGATION).status == 403
        assert self.ask(gate, "/a%00").status == 403
        assert self.ask(gate, "/public/x", method="POST").status == 401

    def test_redirect_only_for_navigations(self, gate):
        response = self.ask(gate, "/x?y", query="?redirect=1", **NAVIGATION)
        assert response.status == 302 and "app.test" in response["Location"]
        assert "__Host-sidegate-login-" in response["Set-Cookie"]
        assert self.ask(gate, "/x", query="?redirect=1", **XHR).status == 401
        assert self.ask(gate, "/x", method="POST", query="?redirect=1", **NAVIGATION).status == 401

    def test_nginx_style(self, gate):
        headers = {"X-Original-URL": "https://app.test/public/a?b=c", "X-Original-Method": "GET"}
        assert gate.exchange("GET", AUTH, headers).status == 202
        assert gate.exchange("GET", AUTH, {**headers, "X-Original-URL": "https://app.test/x"}).status == 401

    def test_envoy_style(self, gate):
        assert gate.exchange("GET", AUTH + "/public/a?b").status == 200
        assert gate.exchange("POST", AUTH + "/public/a", XHR, b"").status == 401
        assert gate.exchange("GET", AUTH + "/public/../internal/a").status == 403
        assert gate.exchange("GET", AUTH + "/x", NAVIGATION).status == 302

    def test_CVE_2026_40575_only_a_trusted_proxy_is_accepted(self, upstream, start_gate):
        gate = start_gate(upstream, access={"rules": RULES})
        for headers in ({"X-Forwarded-Uri": "/public/a", "X-Forwarded-Method": "GET"},
                        {"X-Original-URL": "/public/a", "X-Original-Method": "GET"}):
            assert gate.exchange("GET", AUTH, headers).status == 403
        assert gate.exchange("GET", AUTH + "/public/a").status == 403
        assert gate.exchange("GET", AUTH).status == 400
        assert upstream.requests == []

    def test_without_rules_the_session_alone_decides(self, upstream, start_gate):
        gate = start_gate(upstream)
        assert gate.exchange("GET", AUTH, NAVIGATION).status == 401
        response = gate.exchange("GET", AUTH, gate.session_cookie())
        assert response.status == 202 and response["X-Auth-Request-User"] == "ada"

    def test_the_log_has_the_checked_request(self, gate):
        self.ask(gate, "/internal/asked?secret=1", method="DELETE")
        wait_until(lambda: any(line.get("path") == "/internal/asked" for line in lines(gate)), "the line")
        line = next(line for line in lines(gate) if line.get("path") == "/internal/asked")
        assert (line["method"], line["status"], line["reason"]) == ("DELETE", 403, "rule_denied")

    def test_reserved_paths_are_refused(self, gate):
        for path in ("/.sidegate/login", "/.sidegate/auth", "/%2esidegate/x", "/x/../.sidegate/session"):
            assert self.ask(gate, path).status == 403


def secure_session(gate) -> str:
    """The cookie of a session on https://app.test, begun behind a proxy that reports this origin."""
    headers = {"X-Forwarded-Host": "app.test", "X-Forwarded-Proto": "https", **NAVIGATION}
    start = gate.exchange("GET", "/", headers)
    assert start.status == 302, start.status
    login = start["Set-Cookie"].partition(";")[0]
    return_url = parse_qs(urlsplit(start["Location"]).query)["return_url"][0]
    path = return_url.partition("app.test")[2]
    joint = "&" if "?" in path else "?"
    done = gate.exchange("GET", f"{path}{joint}jwt={tokens.token()}", {**headers, "Cookie": login})
    assert done.status == 303, done.text
    return next(line.partition(";")[0] for line in done.all("Set-Cookie") if line.startswith("__Host-sidegate="))
