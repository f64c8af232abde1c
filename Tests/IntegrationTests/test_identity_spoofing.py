# SPDX-License-Identifier: Apache-2.0
"""Forward-auth with real proxies and apps: for any request, the app receives no identity other than Sidegate's.

CVE-2025-64484: PHP, CGI and WSGI read X_Forwarded_User and X.Forwarded.User as X-Forwarded-User, and a proxy overwrites
only the latter.
"""

import contextlib
import http.client
import json
import re

import pytest

from harness.front import FRONTS, UNDONE
from harness.gate import NAVIGATION, XHR, Browser
from harness.journal import lines
from harness.process import wait_until
from harness.servers import PHPApp, WSGIApp
from harness.spoofing import ATTACK, IDENTITY, OF_OTHER_PRESETS, over_http2, raw_http2, spellings
from harness.wire import Connection

RULES = [{"paths": ["/public/*"], "allow": "anyone"}]
APPS = {"php": PHPApp, "wsgi": WSGIApp}


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate("http://127.0.0.1:9", trustedProxies=["127.0.0.1"], access={"rules": RULES})


@pytest.fixture(scope="module", params=APPS)
def app(request, tmp_path_factory):
    app = APPS[request.param](tmp_path_factory.mktemp("app"))
    app.name = request.param
    yield app
    app.stop()


@pytest.fixture(scope="module", params=FRONTS)
def front(request, tmp_path_factory, module_gate, app):
    front = FRONTS[request.param](tmp_path_factory.mktemp("front") / "front", module_gate, app)
    yield front
    front.stop()


@pytest.fixture(scope="module", params=FRONTS)
def open_front(request, tmp_path_factory, module_gate, app):
    """The example's proxy, but without dropping names."""
    front = FRONTS[request.param](tmp_path_factory.mktemp("front") / "front", module_gate, app, UNDONE[request.param])
    front.name = request.param
    yield front
    front.stop()


def seen(response) -> dict:
    """The variables that the app received; empty when the request did not reach it."""
    return response.json()["headers"] if response.status == 200 else {}


def test_an_app_without_a_proxy_reads_other_spellings(app):
    """Otherwise the tests below would be meaningless."""
    def user(name):
        connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
        connection.request("GET", "/", headers={name: ATTACK})
        body = json.loads(connection.getresponse().read())
        connection.close()
        return body["headers"].get("HTTP_X_FORWARDED_USER")

    assert user("X-Forwarded-User") == user("X_Forwarded_User") == user("x_Forwarded-USER") == ATTACK
    if app.name == "php":
        assert user("X.Forwarded_User") == ATTACK


class TestTheExamples:
    def test_no_spelling_reaches_the_app(self, front):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for name in spellings():
            mine = browser.navigate("/x", headers={name: ATTACK})
            assert mine.status in (200, 400, 403), (name, mine.status)
            assert ATTACK not in json.dumps(seen(mine)), (name, mine.text)
            assert mine.status != 200 or mine.json()["user"] == "ada", (name, mine.text)
            anyones = front.exchange("GET", "/public/x", {**NAVIGATION, name: ATTACK})
            assert anyones.status in (200, 400, 403), (name, anyones.status)
            assert ATTACK not in json.dumps(seen(anyones)), (name, anyones.text)
            assert not seen(anyones).get("HTTP_X_FORWARDED_USER"), (name, anyones.text)

    def test_the_exact_names_are_overwritten(self, front):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for name in IDENTITY + OF_OTHER_PRESETS:
            for spelled in (name, name.lower(), name.upper()):
                assert browser.navigate("/x", headers={spelled: ATTACK}).json()["user"] == "ada"
                for target, ask in (("/x", browser.navigate), ("/public/x", lambda *a, **k: front.exchange("GET", *a, k["headers"]))):
                    response = ask(target, headers={spelled: ATTACK})
                    assert response.status == 200 and ATTACK not in json.dumps(seen(response)), (spelled, response.text)

    def test_repeated_identity_headers(self, front):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for names in (["X-Forwarded-User"] * 2, ["X-Forwarded-User", "X_Forwarded_User"], ["x_forwarded_user", "X-FORWARDED-USER"]):
            for cookie in ({"Cookie": browser.cookie_header()}, {}):
                headers = [*NAVIGATION.items(), *cookie.items(), *((name, ATTACK) for name in names)]
                response = front.exchange("GET", "/public/x", headers)
                assert response.status in (200, 403) and ATTACK not in json.dumps(seen(response)), (names, response.text)

    @pytest.mark.parametrize("nominated", [
        "X-Forwarded-User", "close, X-Forwarded-User", "x_forwarded_user", "X-Forwarded-User, X-Forwarded-Groups",
        "Keep-Alive, x-forwarded-user", "Cookie, X-Forwarded-User"])
    def test_Connection_removes_no_header_of_Sidegate(self, front, nominated):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for headers in ({}, {"X-Forwarded-User": ATTACK}, {"X_Forwarded_User": ATTACK}):
            response = browser.navigate("/x", headers={"Connection": nominated, **headers})
            assert response.status in (200, 302, 400, 403)
            assert ATTACK not in json.dumps(seen(response)), response.text
            assert response.status != 200 or response.json()["user"] == "ada", response.text
            response = front.exchange("GET", "/public/x", {"Connection": nominated, **headers})
            assert ATTACK not in json.dumps(seen(response)), response.text

    @pytest.mark.parametrize("names", [["X-Forwarded-User"], ["X_Forwarded_User"], ["X.Forwarded.User", "X-Forwarded-Groups"]])
    def test_trailers_do_not_become_headers(self, front, names):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for target, cookie in (("/x", {"Cookie": browser.cookie_header()}), ("/public/x", {})):
            trailers = "".join(f"{name}: {ATTACK}\r\n" for name in names).encode()
            response = front.exchange("POST", target, {
                **XHR, **cookie, "Transfer-Encoding": "chunked", "TE": "trailers", "Trailer": ", ".join(names),
                "Content-Type": "text/plain"}, b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n")
            variables = {name: value for name, value in seen(response).items() if name != "HTTP_TRAILER"}
            assert ATTACK not in json.dumps(variables), response.text

    def test_a_target_in_absolute_form(self, front):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for host in (f"127.0.0.1:{front.port}", "127.0.0.1:9"):
            for target, cookie in (("/x", {"Cookie": browser.cookie_header()}), ("/x", {}), ("/public/x", {})):
                for name in ("X-Forwarded-User", "X_Forwarded_User"):
                    response = front.exchange("GET", f"http://{host}{target}", {**NAVIGATION, **cookie, name: ATTACK})
                    assert ATTACK not in json.dumps(seen(response)), response.text
                    assert cookie or target != "/x" or response.status != 200

    def test_long_names(self, front):
        for count in (20, 200, 3000):
            for name in ("X_" * count + "Forwarded_User", "X_Forwarded_User" + "_" * count, "X-Forwarded-User" + "-" * count):
                variables = seen(front.exchange("GET", "/public/x", {**NAVIGATION, name: ATTACK}))
                for identity in IDENTITY:
                    assert variables.get("HTTP_" + identity.upper().replace("-", "_"), "") == "", variables

    @pytest.mark.parametrize("name", [
        "X-Original-URL", "X-Original-URI", "X-Original-Path", "X-Original-Method", "X-Original-Host", "X-Rewrite-URL",
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Path",
        "X-Forwarded-Prefix", "Forwarded", "Proxy"])
    def test_no_other_path_or_method_reaches_the_app(self, front, name):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for spelled in (name, name.lower(), name.replace("-", "_"), name.replace("-", ".")):
            for value in ("DELETE", "/admin/x", ATTACK):
                for target, cookie in (("/x", {"Cookie": browser.cookie_header()}), ("/public/x", {})):
                    response = front.exchange("GET", target, {**NAVIGATION, **cookie, spelled: value})
                    assert response.status in (200, 400, 403), (spelled, response.status)
                    assert value not in seen(response).values(), (spelled, response.text)

    @pytest.mark.parametrize("line", [
        b"X-Forwarded-User : root@admin", b"X-Forwarded-User\t: root@admin", b" X-Forwarded-User: root@admin",
        b"Foo: bar\rX-Forwarded-User: root@admin", b"Foo: bar\nX-Forwarded-User: root@admin", b"Foo: bar\r\n X-Forwarded-User: root@admin",
        b"X-Forwarded-User\0: root@admin", b"X-Forwarded-User\xa0: root@admin", b"X\xe2\x80\x90Forwarded-User: root@admin",
        b"X Forwarded User: root@admin", b"X[Forwarded[User: root@admin", b"X/Forwarded/User: root@admin", b"X-Forwarded-User;: root@admin",
        b"Foo: bar\x0bX-Forwarded-User: root@admin", b"\x0cX-Forwarded-User: root@admin", b"X-Forwarded-User:\r\n root@admin",
        b"X_Forwarded_User:\r\n\troot@admin", b"Foo\r: bar\r\nX_Forwarded_User: root@admin"])
    def test_lines_that_are_not_header_fields(self, front, line):
        browser = Browser(front)
        browser.sign_in(groups=["staff"])
        for target, cookie in (("/x", b"Cookie: " + browser.cookie_header().encode() + b"\r\n"), ("/public/x", b"")):
            for head in (cookie + line, line + b"\r\n" + cookie[:-2] if cookie else line):
                with Connection(front.port) as connection:
                    host = f"GET {target} HTTP/1.1\r\nHost: {connection.authority}\r\n".encode()
                    connection.send(host + head + b"\r\nConnection: close\r\n\r\n")
                    answer = connection.read_all()
                status = answer[9:12]
                assert not answer or status in (b"200", b"302", b"400", b"403", b"500"), answer[:200]
                if status == b"200":
                    body = answer.decode("latin-1")
                    assert not re.search(r'"HTTP_X_\w+": ?"[^"]*root@admin', body), body
                    assert not cookie or re.search(r'"HTTP_X_FORWARDED_USER": ?"ada"', body), body

    def test_names_in_capitals_over_http2(self, front, tmp_path, module_gate, app):
        with of_http2(front, tmp_path, module_gate, app) as port:
            for name in ("X-Forwarded-User", "X_Forwarded_User", "x-forwarded-User", "x forwarded user", "x-forwarded-user ", ":x-forwarded-user"):
                body = raw_http2(port, "/public/x", [(name, ATTACK)])
                assert ATTACK not in body, (name, body)
            for trailer in ("x-forwarded-user", "x_forwarded_user"):
                body = raw_http2(port, "/public/x", [("content-type", "text/plain"), ("te", "trailers")], trailers=[(trailer, ATTACK)])
                assert ATTACK not in body, body

    @pytest.mark.parametrize("nominated", ["X-Forwarded-Uri, X-Forwarded-Method", "X-Original-URL, X-Original-Method", "Host", "Cookie"])
    def test_Connection_does_not_change_the_checked_request(self, front, nominated):
        for extra in ({}, {"X-Forwarded-Uri": "/public/x", "X-Forwarded-Method": "GET"}, {"X-Original-URL": "/public/x"}):
            response = front.exchange("GET", "/x", {**NAVIGATION, "Connection": nominated, **extra})
            assert response.status in (302, 400, 401, 403), response.text

    def test_over_http2(self, front, tmp_path, module_gate, app):
        with of_http2(front, tmp_path, module_gate, app) as port:
            cookie = module_gate.session_cookie()["Cookie"]
            for name in [*spellings()[:20], "x-forwarded-user", "X-FORWARDED-USER", "X_FORWARDED_USER"]:
                for target, fields in (("/x", [f"Cookie: {cookie}"]), ("/public/x", [])):
                    version, status, body = over_http2(port, target, [*fields, f"{name}: {ATTACK}"])
                    assert version == "2" and status in (200, 400, 403), (name, version, status)
                    assert ATTACK not in body or status != 200, (name, body)
                    assert status != 200 or not fields or json.loads(body)["user"] == "ada", (name, body)


class TestWhereTheProxyDropsNothing:
    """Only Sidegate refuses other spellings."""

    def test_look_alikes_are_403_and_do_not_reach_the_app(self, open_front):
        browser = Browser(open_front)
        browser.sign_in(groups=["staff"])
        refused = 0
        for name in spellings():
            for response in (browser.navigate("/x", headers={name: ATTACK}),
                             open_front.exchange("GET", "/public/x", {**NAVIGATION, name: ATTACK}),
                             open_front.exchange("POST", "/public/x", {**XHR, name: ATTACK}, b"a=b")):
                assert response.status in (403, 400), (name, response.status, response.text)
                assert response.status == 400 or "identity_header_spoofed" in response.text, (name, response.text)
                refused += response.status == 403
        assert refused > len(spellings())
        assert browser.navigate("/x").status == 200

    @pytest.mark.parametrize("nominated", ["X_Forwarded_User", "x_forwarded_user, close", "X-Forwarded-User, X_Forwarded_User"])
    def test_Connection_does_not_hide_a_look_alike(self, open_front, nominated):
        """A proxy could remove it from its request to Sidegate, but not from the request to the app."""
        browser = Browser(open_front)
        browser.sign_in(groups=["staff"])
        for target, cookie in (("/x", {"Cookie": browser.cookie_header()}), ("/public/x", {})):
            response = open_front.exchange("GET", target, {**NAVIGATION, **cookie, "Connection": nominated, "X_Forwarded_User": ATTACK})
            assert ATTACK not in json.dumps(seen(response)), response.text
            assert response.status != 200 or not cookie or response.json()["user"] == "ada"

    def test_the_log_names_the_reason(self, open_front):
        path = f"/public/logged-{open_front.name}-{open_front.port}"
        assert open_front.exchange("GET", path, {**XHR, "X_Forwarded_User": ATTACK}).status == 403
        found = wait_until(lambda: [line for line in lines(open_front.gate) if line.get("path") == path], "the line")
        assert (found[0]["reason"], found[0]["status"], found[0]["decision"]) == ("identity_header_spoofed", 403, "refused")
        wait_until(lambda: [line for line in lines(open_front.gate) if line.get("kind") == "audit"
                            and (line["event"], line.get("reason")) == ("denied", "identity_header_spoofed")], "the audit line")
        assert ATTACK not in open_front.gate.log()


@contextlib.contextmanager
def of_http2(front, folder, gate, app):
    """A port on which the same proxy speaks HTTP/2 without TLS."""
    other = type(front)(folder / "http2", gate, app, http2=True)
    try:
        yield other.port
    finally:
        other.stop()
