# SPDX-License-Identifier: Apache-2.0
"""The app's cookies: the app cannot set the gate's, invalid cookies hide no session, and the app's own session ends too."""

import json
import random
import re
import urllib.parse

import pytest

from harness import tokens
from harness.chromium import browser, chromium  # noqa: F401
from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR, settings, sidegate
from harness.h2_upstream import H2Upstream
from harness.ports import free_port
from harness.process import ChildProcess, wait_until

SAME_ORIGIN = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
FETCH = {**XHR, "Sec-Fetch-Site": "same-origin"}
OWN = ["sidegate", "__Host-sidegate", "__Secure-sidegate", "SIDEGATE", "sidegate-1", "__Host-sidegate-native", "sidegate-native",
       "sidegate-login-returns", "__Host-sidegate-login-n01a0fffffffAAAAAAAAAAAAAAAA"]
SPELLINGS = ["{}=evil; Path=/", "{}=; Max-Age=0", " {} =evil", "={}=evil", "== {}=evil", "{}", "\t{}\t=evil; Domain=test"]

A_NAME_OF_OURS = re.compile(r"\s*(__host-|__secure-)?sidegate(-\d|-native(-\d)?|-login-[^=]*)?\s*=", re.I)


def cookies(response) -> list:
    return [line.partition(";")[0] for line in response.all("Set-Cookie")]


class TestTheAppSetsNoGateCookies:
    LINES = [spelling.format(name) for name in OWN for spelling in SPELLINGS]

    def test_in_an_ordinary_response(self, gate, upstream, session):
        for line in self.LINES:
            upstream.answer = lambda request, connection: connection.send(
                f"HTTP/1.1 200 OK\r\nA: 1\r\nSet-Cookie: good=1\r\nSet-Cookie:{line}\r\nB: 2\r\nset-cookie:{line}\r\n"
                "Set-Cookie: also=sidegate\r\nContent-Length: 2\r\nC: 3\r\n\r\nok")
            response = gate.exchange("GET", "/", session)
            assert response.body == b"ok" and cookies(response) == ["good=1", "also=sidegate"], line
            assert [response[name] for name in "ABC"] == ["1", "2", "3"]

    def test_over_http2(self, gate, upstream, session):
        with FrameConnection(gate.port) as connection:
            connection.cookie = session["Cookie"]
            for line in self.LINES:
                upstream.answer = lambda request, to: to.send(
                    f"HTTP/1.1 200 OK\r\nSet-Cookie: good=1\r\nSet-Cookie:{line}\r\nContent-Length: 0\r\nZ: 1\r\n\r\n")
                response = connection.get("/")
                assert response.all("set-cookie") == ["good=1"] and response["z"] == "1", line

    def test_in_1xx_and_101_and_trailers(self, gate, upstream, session):
        evil = "Set-Cookie: sidegate=evil\r\n"
        upstream.answer = lambda request, connection: connection.send(
            f"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n{evil}\r\nHTTP/1.1 200 OK\r\nTrailer: Set-Cookie\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{evil}\r\n")
        with gate.connection() as connection:
            response = connection.exchange("GET", "/", session)
            assert response.body == b"ok" and response.trailers == []
            assert [i.fields for i in response.interim] == [[("Link", "</a>")]]
        upstream.answer = lambda request, connection: connection.send(
            f"HTTP/1.1 101 Switching Protocols\r\n{evil}Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        with gate.connection() as connection:
            response = connection.exchange("GET", "/", {**session, "Connection": "upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
            assert response.status == 101 and response.all("Set-Cookie") == []

    def test_in_the_trailers_of_an_app_that_speaks_http2(self, start_gate):
        app = H2Upstream()
        try:
            app.answer = lambda request: request.respond(
                200, {"set-cookie": "sidegate=evil"}, b"ok", [("set-cookie", "sidegate=evil"), ("x-sum", "1")])
            gate = start_gate(app)
            with FrameConnection(gate.port) as connection:
                connection.cookie = gate.session_cookie()["Cookie"]
                response = connection.get("/")
                assert response.body == b"ok" and response.all("set-cookie") == [] and response.trailers == [("x-sum", "1")]
        finally:
            app.close()

    @pytest.mark.parametrize("value, expected", [
        ('"cookies"', []), ('"cache", "cookies", "storage"', ['"cache", "storage"']), ('"COOKIES" ,"cache"', ['"cache"']),
        ('"cache"', ['"cache"']), ('"storage","cache"', ['"storage","cache"']), ("cookies", ["cookies"]),
        ('"*"', ['"cache", "clientHints", "executionContexts", "prefetchCache", "prerenderCache", "storage"']),
        (',, "cookies",', []),
    ])
    def test_all_cookies_of_the_site_are_not_cleared(self, gate, upstream, session, value, expected):
        upstream.answer = lambda request, connection: connection.respond(200, {"A": "1", "Clear-Site-Data": value, "B": "2"})
        response = gate.exchange("GET", "/", session)
        assert response.all("Clear-Site-Data") == expected and (response["A"], response["B"]) == ("1", "2")

    def test_all_cookies_are_cleared_where_the_session_ends(self, upstream, start_gate):
        gate = start_gate(upstream, session={"logoutPaths": ["/bye"]})
        upstream.answer = lambda request, connection: connection.respond(200, {"Clear-Site-Data": '"cookies"'})
        assert gate.exchange("GET", "/x", gate.session_cookie()).all("Clear-Site-Data") == []
        wait_until(lambda: "session.logoutPaths" in gate.log(), "the log says where it belongs")
        assert gate.exchange("POST", "/bye", gate.session_cookie(), b"").all("Clear-Site-Data") == ['"cookies"']

    def test_the_log_reports_a_dropped_cookie_once(self, upstream, start_gate):
        gate = start_gate(upstream)
        upstream.answer = lambda request, connection: connection.respond(200, {"Set-Cookie": "sidegate=evil"})
        session = gate.session_cookie()
        for _ in range(5):
            gate.exchange("GET", "/", session)
        wait_until(lambda: "a cookie that the app set was dropped" in gate.log(), "the log reports it")
        assert gate.log().count("a cookie that the app set was dropped") == 1

    def test_the_gates_renewed_cookie_still_passes(self, upstream, start_gate):
        gate = start_gate(upstream, session={"idleTimeout": "10s"})
        upstream.answer = lambda request, connection: connection.respond(200, {"Set-Cookie": "sidegate=evil"})
        session = gate.session_cookie()
        seen = []
        wait_until(lambda: seen.append(cookies(gate.exchange("GET", "/", session))) or seen[-1], "the session is renewed")
        assert len(seen[-1]) == 1 and seen[-1][0].startswith("sidegate=") and "evil" not in seen[-1][0]


class TestJunkHidesNoSession:
    def test_junk_before_between_and_after_valid_cookies(self, gate, session):
        choice = random.Random(9)
        good = session["Cookie"]
        for count in (1, 3, 4, 10, 100, 179):
            for length in (1, 40, 120):
                junk = [f"sidegate={tokens.base64url(choice.randbytes(length))}" for _ in range(count)]
                for order in (junk + [good], [good] + junk, junk[:count // 2] + [good] + junk[count // 2:]):
                    response = gate.exchange("GET", "/", {"Cookie": "; ".join(order)})
                    assert response.status == 200, (count, length)

    def test_junk_chunks_hide_no_large_session(self, upstream, start_gate):
        gate = start_gate(upstream)
        browser = gate.signed_in(groups=[f"a-group-with-a-long-name-{n}" for n in range(250)])
        own = {n: v for n, v in browser.cookies.items() if n.startswith("sidegate") and "login" not in n}
        assert len(own) > 2
        good = [f"{n}={v}" for n, v in own.items()]
        junk = ["sidegate-1=AAAA", "sidegate-1=" + "A" * 3000, "sidegate=2.AAAA", "sidegate=2." + "B" * 500, "sidegate-2=x"] * 2
        for order in (junk + good, good + junk, good[::-1] + junk, junk + good[::-1]):
            assert gate.exchange("GET", "/", {"Cookie": "; ".join(order)}).status == 200
        assert gate.exchange("GET", "/", {**XHR, "Cookie": "; ".join(junk + good[:1] + good[2:])}).status == 401

    def test_expired_sessions_hide_no_valid_one(self, gate, session):
        ended = []
        for _ in range(4):
            browser = gate.signed_in(sub="mallory", email="mallory@example.com")
            ended.append("sidegate=" + browser.cookies["sidegate"])
            browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin"})
        assert gate.exchange("GET", "/", {"Cookie": "; ".join(ended + [session["Cookie"]])}).status == 200

    def test_expired_sessions_in_redis_hide_no_valid_one(self, upstream, start_gate, redis):
        gate = start_gate(upstream, redis={"url": redis.url}, session={"store": "redis"})
        ended = []
        for _ in range(3):
            browser = gate.signed_in(sub="mallory", email="mallory@example.com")
            ended.append("sidegate=" + browser.cookies["sidegate"])
            browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin"})
        good = gate.session_cookie()["Cookie"]
        for order in ([*ended, good], [good, *ended], ["sidegate=" + "A" * 150] * 100 + [*ended, good]):
            for _ in range(3):
                assert gate.exchange("GET", "/", {"Cookie": "; ".join(order)}).status == 200


PHP = """<?php
session_start();
if ($_SERVER['REQUEST_URI'] === '/logout') { session_destroy(); setcookie('gone', '1'); header('Location: /bye'); exit; }
if (!isset($_SESSION['user'])) $_SESSION['user'] = $_SERVER['HTTP_X_FORWARDED_USER'] ?? 'nobody';
header('Content-Type: application/json');
echo json_encode(['app' => $_SESSION['user'], 'gate' => $_SERVER['HTTP_X_FORWARDED_USER'] ?? null]);
"""


@pytest.fixture(scope="module")
def php(tmp_path_factory):
    """An app that stores its first user in its own session, as many apps do."""
    folder, port = tmp_path_factory.mktemp("php"), free_port()
    (folder / "index.php").write_text(PHP)
    (folder / "sessions").mkdir()
    process = ChildProcess(["php", "-d", f"session.save_path={folder}/sessions", "-S", f"127.0.0.1:{port}", folder / "index.php"],
                           folder / "php.log")
    process.wait_until_accepting(("127.0.0.1", port))
    yield f"http://127.0.0.1:{port}"
    process.stop()


LOGOUT = {"identityProvider": {"loginURL": "https://idp.test/login?return_url={returnURL}", "logoutURL": "https://idp.test/bye"}}


class TestTheAppsOwnSession:
    def users(self, browser) -> dict:
        return browser.navigate("/").json()

    def sign_in_again(self, browser, **claims):
        return_url = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(
            browser.navigate("/.sidegate/login")["Location"]).query))["return_url"]
        assert browser.finish(return_url, tokens.token(**claims)).status == 303

    def test_without_the_option_the_app_serves_the_previous_user(self, php, start_gate):
        browser = start_gate(php).signed_in()
        assert self.users(browser) == {"app": "ada", "gate": "ada"}
        self.sign_in_again(browser, sub="bob", email="bob@example.com")
        assert self.users(browser) == {"app": "ada", "gate": "bob"}

    def test_with_the_option_another_user_gets_a_new_session_of_the_app(self, php, start_gate):
        browser = start_gate(php, session={"appCookies": ["PHPSESSID"]}).signed_in()
        assert self.users(browser) == {"app": "ada", "gate": "ada"}
        before = browser.cookies["PHPSESSID"]
        self.sign_in_again(browser)
        assert browser.cookies["PHPSESSID"] == before
        self.sign_in_again(browser, sub="bob", email="bob@example.com")
        assert self.users(browser) == {"app": "bob", "gate": "bob"}

    def test_with_the_option_signing_out_ends_the_apps_session(self, php, start_gate):
        browser = start_gate(php, session={"appCookies": ["PHPSESSID"]}).signed_in()
        self.users(browser)
        assert browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin"}).status == 200
        assert browser.cookies == {}

    @pytest.mark.parametrize("name", ["", "sidegate", "__Host-sidegate", "sidegate-login-x", "a b", "sidegate-native"])
    def test_check_refuses_invalid_names_and_the_gates_own(self, tmp_path, name):
        file = tmp_path / "c.yaml"
        file.write_text(json.dumps(settings("http://127.0.0.1:1", 8080, session={"appCookies": ["ok", name]})))
        done = sidegate("check", "--config", file)
        assert done.returncode == 1 and "session.appCookies" in done.stderr, done.stderr


class TestTheAppsOwnLogout:
    def test_its_link_ends_both_sessions(self, php, start_gate):
        gate = start_gate(php, session={"appCookies": ["PHPSESSID"], "logoutPaths": ["/logout"]}, **LOGOUT)
        browser = gate.signed_in()
        assert browser.navigate("/").status == 200
        copy = {"Cookie": browser.cookie_header()}
        response = browser.fetch("GET", "/logout", SAME_ORIGIN)
        assert response.status == 303 and response["Location"] == "https://idp.test/bye"
        # The app's other cookies pass; those in appCookies are deleted.
        assert browser.cookies == {"gone": "1"}
        # A copy of the session cookie is invalid, too.
        assert gate.exchange("GET", "/", {**copy, **XHR}).status == 401
        assert browser.navigate("/").status == 302
        wait_until(lambda: '"event":"logout"' in gate.log(), "the audit line of the logout")

    def test_the_app_gets_the_request_with_the_identity(self, upstream, start_gate):
        gate = start_gate(upstream, session={"logoutPaths": ["/logout", "/account/bye"]})
        for method, path in [("GET", "/logout"), ("POST", "/account/bye"), ("GET", "/logout?next=/x")]:
            browser = gate.signed_in()
            response = browser.fetch(method, path, SAME_ORIGIN, b"a=1" if method == "POST" else None)
            assert response.status == 200 and "signed out" in response.text.lower()
            assert upstream.last.target == path and upstream.last.get("X-Forwarded-User") == "ada"
            assert upstream.last.body == (b"a=1" if method == "POST" else b"")
            assert browser.navigate("/").status == 302

    @pytest.mark.parametrize("path", ["/+logout", "/wiki/Special:UserLogout", "/wiki/Special%3AUserLogout"])
    def test_with_the_marks_that_wikis_use(self, upstream, start_gate, path):
        gate = start_gate(upstream, session={"logoutPaths": ["/+logout", "/wiki/Special:UserLogout"]})
        browser = gate.signed_in()
        assert "signed out" in browser.fetch("GET", path, SAME_ORIGIN).text.lower()
        assert browser.navigate("/").status == 302

    @pytest.mark.parametrize("path", ["/%6cogout", "/%6Cogout?next=/x", "/l%6fgout", "/logout;x=1", "/%256cogout", "//logout", "/logout%2F",
                                      "/log%93out", "/logout%ff", "/log%E2%80%8Bout"])
    def test_in_any_spelling(self, upstream, start_gate, path):
        gate = start_gate(upstream, session={"logoutPaths": ["/logout", "/logout/"]})
        browser = gate.signed_in()
        assert "signed out" in browser.fetch("GET", path, SAME_ORIGIN).text.lower()
        assert upstream.last.target == path
        assert browser.navigate("/").status == 302

    @pytest.mark.parametrize("pattern, path", [
        ("/logout", "/Logout"), ("/logout", "/LOGOUT/"), ("/logout", "/logout/"), ("/Logout/", "/logout"), ("/end/*", "/end"),
        ("/end/*", "/END"), ("/end/*", "/End/now"), ("/end/*", "/end/")])
    def test_without_regard_to_case_and_to_a_slash_at_the_end(self, upstream, start_gate, pattern, path):
        gate = start_gate(upstream, session={"logoutPaths": [pattern]})
        browser = gate.signed_in()
        assert "signed out" in browser.fetch("GET", path, SAME_ORIGIN).text.lower()
        assert upstream.last.target == path
        assert browser.navigate("/").status == 302

    def test_a_script_gets_the_apps_response_and_the_session_ends_too(self, upstream, start_gate):
        gate = start_gate(upstream, session={"appCookies": ["SID"], "logoutPaths": ["/logout"]})
        for size in (2, 300_000):
            browser = gate.signed_in()
            copy = {"Cookie": browser.cookie_header()}
            upstream.answer = lambda request, connection: connection.respond(
                200, {"Set-Cookie": "theme=dark", "Cache-Control": "public, max-age=60"}, b"x" * size)
            response = browser.fetch("POST", "/logout", FETCH, b"{}")
            assert response.status == 200 and len(response.body) == size
            assert browser.cookies == {"theme": "dark"}
            upstream.answer = upstream.echo
            assert gate.exchange("GET", "/", {**copy, **XHR}).status == 401

    @pytest.mark.parametrize("path, headers, method", [
        ("/logout", {"Sec-Fetch-Site": "cross-site"}, "GET"), ("/logout", {}, "GET"), ("/logout", {"Sec-Fetch-Site": "none"}, "GET"),
        ("/logout", {"Sec-Fetch-Site": "cross-site"}, "POST"), ("/logout", {"Origin": "https://evil.test"}, "POST"),
        ("/logout", {"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch"}, "GET"),
        ("/logout", {"Sec-Fetch-Site": "same-origin"}, "HEAD"), ("/logout/x", {"Sec-Fetch-Site": "same-origin"}, "GET"),
        ("/logou", {"Sec-Fetch-Site": "same-origin"}, "GET"), ("/logout2", {"Sec-Fetch-Site": "same-origin"}, "GET")])
    def test_nothing_else_ends_the_session(self, upstream, start_gate, path, headers, method):
        gate = start_gate(upstream, session={"logoutPaths": ["/logout"]})
        browser = gate.signed_in()
        assert browser.fetch(method, path, headers).status == 200
        assert upstream.last.target == path
        assert browser.navigate("/").status == 200

    def test_while_the_app_is_down_the_session_stays(self, upstream, start_gate):
        gate = start_gate(upstream, session={"logoutPaths": ["/logout"]})
        browser = gate.signed_in()
        upstream.answer = lambda request, connection: connection.close()
        assert browser.fetch("POST", "/logout", SAME_ORIGIN, b"").status == 502
        upstream.answer = upstream.echo
        assert browser.navigate("/").status == 200

    def test_over_http2(self, upstream, start_gate):
        gate = start_gate(upstream, session={"logoutPaths": ["/logout"]}, **LOGOUT)
        browser = gate.signed_in()
        with FrameConnection(gate.port) as connection:
            connection.cookie = browser.cookie_header()
            response = connection.get("/logout", [(n.lower(), v) for n, v in SAME_ORIGIN.items()])
            assert response.status == 303 and response["location"] == "https://idp.test/bye"
            response = connection.get("/", [(n.lower(), v) for n, v in XHR.items()])
            assert response.status == 401

    def test_on_a_path_open_to_anyone_it_ends_the_session_too(self, upstream, start_gate):
        gate = start_gate(upstream, session={"logoutPaths": ["/logout"]},
                          access={"rules": [{"paths": ["/logout"], "allow": "anyone"}]})
        browser = gate.signed_in()
        assert "signed out" in browser.fetch("GET", "/logout", SAME_ORIGIN).text.lower()
        assert browser.navigate("/").status == 302
        assert gate.exchange("GET", "/logout", SAME_ORIGIN).json()["target"] == "/logout"

    def test_with_sessions_in_redis(self, upstream, start_gate, redis):
        options = {"redis": {"url": redis.url}, "session": {"store": "redis", "logoutPaths": ["/logout"]}}
        gate, other = start_gate(upstream, **options), start_gate(upstream, **options)
        browser = gate.signed_in()
        copy = {"Cookie": browser.cookie_header()}
        assert other.exchange("GET", "/", copy).status == 200
        assert browser.fetch("GET", "/logout", SAME_ORIGIN).status == 200
        wait_until(lambda: other.exchange("GET", "/", {**copy, **XHR}).status == 401, "it ends on every replica")

    @pytest.mark.parametrize("path", ["logout", "/*", "/.sidegate/logout", "/a b", "/a/../b"])
    def test_check_refuses_invalid_paths(self, tmp_path, path):
        file = tmp_path / "c.yaml"
        file.write_text(json.dumps(settings("http://127.0.0.1:1", 8080, session={"logoutPaths": [path]})))
        done = sidegate("check", "--config", file)
        assert done.returncode == 1 and "session.logoutPaths" in done.stderr, done.stderr


def test_no_generated_line_sets_a_gate_cookie_in_a_real_browser(browser, upstream, start_gate):
    """Browsers define the meaning of a Set-Cookie line: Chromium receives hundreds, none of which sets, changes or deletes
    a cookie of the gate."""
    gate = start_gate(upstream)
    choice = random.Random(2)
    blanks, names = ["", " ", "\t", "  "], [*OWN, "sidegate-2", "Sidegate", "sidegate-login-x"]

    def line():
        name = choice.choice(names)
        text = choice.choice(blanks) + choice.choice(["", "", "=", "==", " = "]) + name + choice.choice(blanks)
        text += choice.choice(["=", "= ", "=\"", "", "==", ";", "=;"]) + choice.choice(["evil", "", "evil; evil", "a=b"])
        return text + choice.choice(["", "; Path=/", "; Max-Age=0", "; Domain=127.0.0.1", "; Path=/page", ";;", "; Secure", "; HttpOnly"])

    def answer(request, connection):
        lines = "".join(f"Set-Cookie: {line()}\r\n" for _ in range(60))
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{lines}Set-Cookie: app{len(upstream.requests)}=1\r\n"
                        "Content-Length: 2\r\n\r\nok")
    upstream.answer = answer
    own = gate.signed_in().cookies["sidegate"]
    browser.get(gate.origin + "/.sidegate/session")
    browser.add_cookie({"name": "sidegate", "value": own, "path": "/", "httpOnly": True})
    for number in range(8):
        browser.get(f"{gate.origin}/page/{number}")
        jar = browser.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
        # A browser sends only the value of a cookie without a name.
        pairs = [f"{c['name']}={c['value']}" if c["name"] else c["value"] for c in jar]
        assert [pair for pair in pairs if A_NAME_OF_OURS.match(pair)] == [f"sidegate={own}"]
    assert len([c for c in jar if c["name"].startswith("app")]) >= 8
