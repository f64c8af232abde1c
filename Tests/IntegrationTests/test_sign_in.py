# SPDX-License-Identifier: Apache-2.0
"""The main path: no session → identity provider → ?jwt= → cookie → app, and logout."""

import html
import re
import time
import urllib.parse

import pytest

from harness import reloads, tokens
from harness.gate import FROM_ANOTHER_SITE, LOGIN_URL, NAVIGATION, SESSION_SECRET, XHR, Browser, with_parameter
from harness.process import wait_until
from harness.servers import PHPApp

DEEP_LINK = "/reports/7?tab=all&q=a%20b%2Fc&empty="


def attempts(browser) -> list:
    """The login cookies, one for each attempt, without the cookie that counts returns."""
    return [n for n in browser.cookies if n.startswith("sidegate-login-") and n != "sidegate-login-returns"]


@pytest.fixture(scope="module")
def php(tmp_path_factory):
    app = PHPApp(tmp_path_factory.mktemp("php"))
    yield app
    app.stop()


def test_a_token_minted_by_php_signs_in_to_a_php_app(php, start_gate):
    gate = start_gate(php)
    browser = Browser(gate)
    token = tokens.php_token()
    done = browser.finish(browser.start(DEEP_LINK), token)
    assert done.status == 303
    assert done["Location"] in (DEEP_LINK, gate.origin + DEEP_LINK)
    page = browser.navigate(DEEP_LINK).json()
    assert (page["user"], page["email"]) == ("ada", "ada@example.com")
    assert page["groups"] == "staff,admins"
    assert page["uri"] == DEEP_LINK
    assert page["get"] == {"tab": "all", "q": "a b/c", "empty": ""}
    assert page["cookies"] == {"theme": "dark"} or page["cookies"] == [], "the gate's cookies reached the app"
    assert token not in str(page) and token not in gate.log()


def test_php_reads_a_form_posted_through_the_gate(php, start_gate):
    browser = start_gate(php).signed_in()
    page = browser.post_form("/form", {"a": "1 2", "b": "ü"}).json()
    assert page["post"] == {"a": "1 2", "b": "ü"}


class TestRedirectToTheProvider:
    def test_a_navigation_without_a_session_goes_to_the_provider(self, gate, upstream):
        response = gate.exchange("GET", DEEP_LINK, NAVIGATION)
        assert response.status == 302
        location = urllib.parse.urlsplit(response["Location"])
        assert response["Location"].startswith(LOGIN_URL.partition("{")[0])
        return_url = dict(urllib.parse.parse_qsl(location.query))["return_url"]
        assert return_url.startswith(gate.origin + "/.sidegate/callback")
        assert "no-store" in response["Cache-Control"]
        assert upstream.requests == [], "a request without a session reached the app"

    def test_the_login_cookie_is_sealed_and_protected(self, gate):
        (cookie,) = gate.exchange("GET", DEEP_LINK, NAVIGATION).all("Set-Cookie")
        name, _, rest = cookie.partition("=")
        assert name.startswith("sidegate-login-")
        assert re.search(r";\s*HttpOnly", rest, re.I) and re.search(r";\s*Path=/(;|$)", rest, re.I)
        assert re.search(r";\s*Max-Age=600(;|$)", rest, re.I)
        assert "reports" not in rest and "tab" not in rest

    @pytest.mark.parametrize("agent", ["kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "curl/8.0", ""])
    def test_no_user_agent_bypasses_the_sign_in_CVE_2026_34457(self, gate, upstream, agent):
        assert gate.exchange("GET", "/healthz", {**NAVIGATION, "User-Agent": agent}).status == 302
        assert upstream.requests == []

    def test_grpc_gets_status_16(self, gate, upstream):
        response = gate.exchange("POST", "/package.Service/Method", {"Content-Type": "application/grpc", "TE": "trailers"}, b"")
        assert response["grpc-status"] == "16" and response.status == 200
        assert upstream.requests == []

    def test_without_a_session_not_one_byte_comes_from_the_app_CVE_2025_31492(self, gate, upstream):
        upstream.answer = lambda request, connection: connection.respond(200, {"X-App": "1"}, "the app's secret")
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
            response = gate.exchange(method, "/", {}, b"x" if method in ("POST", "PUT", "PATCH") else None)
            assert response.status in (302, 401) and response.get("X-App") is None and b"secret" not in response.body
        assert upstream.requests == []

    def test_a_client_without_fetch_metadata_counts_as_a_browser(self, gate):
        assert gate.exchange("GET", "/").status == 302
        assert gate.exchange("GET", "/", {"Accept": "*/*"}).status == 302
        assert gate.exchange("HEAD", "/", {"Accept": "text/html"}).status == 302

    @pytest.mark.parametrize("method, headers", [
        pytest.param("GET", XHR, id="fetch"),
        pytest.param("GET", {"X-Requested-With": "XMLHttpRequest", "Accept": "*/*"}, id="XMLHttpRequest"),
        pytest.param("GET", {"Accept": "application/json"}, id="Accept JSON only"),
        pytest.param("GET", {**NAVIGATION, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, id="an image"),
        pytest.param("POST", XHR, id="POST"),
        pytest.param("PUT", {}, id="PUT"),
        pytest.param("DELETE", {}, id="DELETE"),
        pytest.param("GET", {"Connection": "Upgrade", "Upgrade": "websocket"}, id="WebSocket"),
    ])
    def test_anything_but_a_navigation_gets_401_and_json(self, gate, upstream, method, headers):
        response = gate.exchange(method, "/api/items", headers, b"" if method in ("POST", "PUT") else None)
        assert response.status == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        value = response.json()
        assert value["error"] == "unauthenticated" and value["login_url"]
        assert "no-store" in response["Cache-Control"]
        assert upstream.requests == []


class TestTheReturn:
    def test_the_session_cookie_is_protected_and_the_token_is_removed(self, gate):
        browser = Browser(gate)
        token = tokens.token(sub="lovelace")
        response = browser.finish(browser.start(DEEP_LINK), token)
        assert response.status == 303
        assert token not in response["Location"] and "jwt" not in response["Location"]
        assert "no-store" in response["Cache-Control"]
        (session,) = [c for c in response.all("Set-Cookie") if c.startswith("sidegate=")]
        for attribute in ("HttpOnly", "SameSite=Lax", "Path=/"):
            assert re.search(rf";\s*{attribute}(;|$)", session, re.I), session
        assert "lovelace" not in session
        assert attempts(browser) == [], "the login cookie is deleted"

    def test_the_token_is_in_no_log_CVE_2021_29651_CVE_2022_24797_CVE_2024_39315(self, gate, upstream):
        browser = Browser(gate)
        good, bad = tokens.token(), tokens.token(secret="another-secret-entirely-00000000003")
        browser.finish(browser.start(), bad)
        browser.finish(browser.start(), good)
        browser.navigate("/after")
        for token in (good, bad):
            for part in token.split("."):
                assert part not in gate.log() or part == tokens.token().split(".")[0]
            assert token.split(".")[2] not in gate.log()
            assert all(token not in r.head.decode("latin-1") for r in upstream.requests)

    def test_a_form_post_with_the_token_works_too(self, gate, upstream):
        browser = Browser(gate)
        return_url = browser.start(DEEP_LINK)
        response = browser.post_form(return_url, {"jwt": tokens.token()})
        assert response.status == 303 and response["Location"].endswith(DEEP_LINK)
        assert browser.navigate("/").status == 200
        assert upstream.last.get("X-Forwarded-User") == "ada"

    def test_an_over_long_form_is_refused_unread(self, gate):
        with gate.connection() as connection:
            connection.request("POST", "/.sidegate/callback", {
                "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(1 << 30)})
            assert connection.response("POST").status in (400, 413)

    def test_parallel_tabs_each_get_their_own_page(self, gate):
        browser = Browser(gate)
        first, second, third = browser.start("/one?a=1"), browser.start("/two?b=2"), browser.start("/three")
        for return_url, page in ((second, "/two?b=2"), (first, "/one?a=1"), (third, "/three")):
            response = browser.finish(return_url, tokens.token())
            assert response.status == 303 and response["Location"].endswith(page)

    def test_login_cookies_are_capped_at_seven(self, gate):
        browser = Browser(gate)
        for n in range(12):
            browser.start(f"/{n}")
            assert len(attempts(browser)) <= 7

    def test_a_browser_without_a_login_cookie_has_to_confirm(self, gate):
        browser = Browser(gate)
        response = browser.navigate(with_parameter("/.sidegate/callback", "jwt", tokens.token()))
        assert response.status == 200 and "text/html" in response["Content-Type"]
        assert "sidegate" not in browser.cookies, "signed in before the user confirmed"
        form = re.search(r'<form[^>]*method="post"[^>]*action="([^"]*)"|<form[^>]*action="([^"]*)"[^>]*method="post"',
                         response.text, re.I)
        assert form, response.text[:1500]

        fields = {
            re.search(r'name="([^"]*)"', tag).group(1): html.unescape(re.search(r'value="([^"]*)"', tag).group(1))
            for tag in re.findall(r"<input[^>]*>", response.text) if "name=" in tag and "value=" in tag}
        action = html.unescape(form.group(1) or form.group(2))
        done = browser.post_form(action, fields, {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        assert done.status == 303, done.text[:1500]
        assert browser.navigate("/").status == 200

    def test_login_started_elsewhere_may_be_allowed(self, upstream, start_gate):
        browser = Browser(start_gate(upstream, identityProvider={"initiated": "allow"}))
        done = browser.navigate(with_parameter("/.sidegate/callback", "jwt", tokens.token()))
        assert done.status == 303 and done["Location"].endswith("/")
        assert browser.navigate("/").status == 200

    def test_login_started_elsewhere_may_be_denied(self, upstream, start_gate):
        browser = Browser(start_gate(upstream, identityProvider={"initiated": "deny"}))
        done = browser.navigate(with_parameter("/.sidegate/callback", "jwt", tokens.token()),
                                headers={"Accept": "application/json"})
        assert done.status == 403 and "login_state_missing" in done.text


def form(page):
    """The address and the fields of the form of a page."""
    fields = {
        re.search(r'name="([^"]*)"', tag).group(1): html.unescape(re.search(r'value="([^"]*)"', tag).group(1))
        for tag in re.findall(r"<input[^>]*>", page.text) if "name=" in tag and "value=" in tag}
    return html.unescape(re.search(r'<form[^>]*action="([^"]*)"', page.text).group(1)), fields


IMAGE = {"Accept": "image/avif,image/webp,*/*;q=0.8", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
#: Requests that another site can make a browser send without a visible result.
UNSEEN = {
    "an image": {**IMAGE, **FROM_ANOTHER_SITE},
    "an image, by an old browser": {"Accept": IMAGE["Accept"]},
    "fetch": {"Accept": "*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", **FROM_ANOTHER_SITE},
    "a frame": {**NAVIGATION, "Sec-Fetch-Dest": "iframe", **FROM_ANOTHER_SITE},
    "a prefetch": {**NAVIGATION, "Sec-Purpose": "prefetch", **FROM_ANOTHER_SITE},
    "a prerender": {**NAVIGATION, "Sec-Purpose": "prefetch;prerender", **FROM_ANOTHER_SITE},
}


class TestLoginCSRF:
    """Another site makes the browser begin a sign-in, then sends it back with its own token."""

    @pytest.mark.parametrize("path", ["/", "/.sidegate/login", "/.sidegate/login?return_to=/x"])
    @pytest.mark.parametrize("headers", UNSEEN.values(), ids=UNSEEN)
    def test_requests_without_a_visible_result_get_no_login_cookie(self, gate, path, headers):
        assert gate.exchange("GET", path, headers).all("Set-Cookie") == []
        assert gate.exchange("HEAD", path, {**NAVIGATION}).all("Set-Cookie") == []

    @pytest.mark.parametrize("policy", ["confirm", "deny"])
    @pytest.mark.parametrize("headers", UNSEEN.values(), ids=UNSEEN)
    @pytest.mark.parametrize("way", ["query", "form"])
    def test_a_return_without_a_visible_result_asks_nobody(self, upstream, start_gate, policy, headers, way):
        gate = start_gate(upstream, identityProvider={"initiated": policy})
        token = tokens.token(sub="eve", email="eve@example.com")
        # Begun by that site too: then there is a question whatever the policy is.
        victim = Browser(gate)
        assert victim.navigate("/", headers=FROM_ANOTHER_SITE).status == 302
        cookie = {"Cookie": victim.cookie_header()}
        for _ in range(3):
            if way == "query":
                response = gate.exchange("GET", "/.sidegate/callback?jwt=" + token, {**headers, **cookie})
            else:
                response = gate.exchange(
                    "POST", "/.sidegate/callback", {**headers, **cookie, "Content-Type": "application/x-www-form-urlencoded"},
                    b"jwt=" + token.encode())
            assert response.status in (401, 403), response.text[:500]
            assert response.all("Set-Cookie") == []
        # The token is not used up.
        page = victim.navigate("/.sidegate/callback?jwt=" + token, headers=FROM_ANOTHER_SITE)
        assert page.status == 200 and "eve@example.com" in page.text

    def test_questions_that_nobody_answers_are_no_loop(self, upstream, start_gate):
        browser = Browser(start_gate(upstream))
        for n in range(4):
            page = browser.navigate("/.sidegate/callback?jwt=" + tokens.token(sub=f"eve{n}"), headers=FROM_ANOTHER_SITE)
            assert page.status == 200 and "<form" in page.text
        done = browser.finish(browser.start("/reports"), tokens.token())
        assert done.status == 303 and done["Location"].endswith("/reports")

    def test_answers_to_questions_without_a_session_are_a_loop(self, upstream, start_gate):
        gate = start_gate(upstream)
        browser = Browser(gate)
        for round in range(6):
            page = browser.navigate("/.sidegate/callback?jwt=" + tokens.token(), headers=FROM_ANOTHER_SITE)
            if page.status != 200:
                break
            action, fields = form(page)
            done = browser.post_form(action, fields, {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
            assert done.status == 303
            browser.cookies.pop("sidegate", None)
        assert round == 2 and page.status == 403 and "cookie" in page.text.lower()

    @pytest.mark.parametrize("policy", ["confirm", "deny"])
    @pytest.mark.parametrize("path", ["/reports", "/.sidegate/login?return_to=/reports"])
    def test_an_attempt_begun_by_another_site_needs_its_state(self, upstream, start_gate, policy, path):
        gate = start_gate(upstream, identityProvider={"initiated": policy})
        victim = Browser(gate)
        assert victim.navigate(path, headers=FROM_ANOTHER_SITE).status == 302
        assert len(attempts(victim)) == 1
        planted = with_parameter("/.sidegate/callback", "jwt", tokens.token(sub="eve", email="eve@example.com"))
        page = victim.navigate(planted, headers=FROM_ANOTHER_SITE)
        assert page.status == 200 and "eve@example.com" in page.text
        assert "sidegate" not in victim.cookies

        honest = Browser(gate)
        response = honest.navigate(path, headers=FROM_ANOTHER_SITE)
        return_url = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]
        done = honest.finish(return_url, tokens.token())
        assert done.status == 303 and done["Location"].endswith("/reports")

    def test_requireState_refuses_every_return_without_state(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={"initiated": "allow", "requireState": True})
        browser = Browser(gate)
        return_url = browser.start("/reports")
        bare = browser.navigate(with_parameter("/.sidegate/callback", "jwt", tokens.token()), headers=FROM_ANOTHER_SITE)
        assert bare.status == 403 and "login_state_missing" in bare.text
        assert browser.finish(return_url, tokens.token()).status == 303


class TestSingleUse:
    def test_a_token_signs_in_once(self, gate):
        token = tokens.token()
        first = Browser(gate)
        assert first.finish(first.start("/"), token).status == 303
        thief = Browser(gate)
        refused = thief.finish(thief.start("/"), token)
        assert refused.status == 403 and "replayed" in refused.text
        assert "sidegate" not in thief.cookies

    def test_a_users_own_used_token_is_no_error_while_signed_in(self, gate):
        browser = Browser(gate)
        return_url, token = browser.start("/back/button"), tokens.token()
        assert browser.finish(return_url, token).status == 303
        again = browser.finish(return_url, token)
        assert again.status == 303

    def test_one_of_many_parallel_uses_of_a_token_is_accepted(self, upstream, start_gate):
        from concurrent.futures import ThreadPoolExecutor
        gate = start_gate(upstream, workers=4)
        token = tokens.token()
        browsers = [Browser(gate) for _ in range(40)]
        urls = [b.start("/") for b in browsers]
        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda pair: pair[0].finish(pair[1], token).status, zip(browsers, urls)))
        assert statuses.count(303) == 1 and statuses.count(403) == 39

    def test_an_altered_signature_encoding_is_refused(self, gate):
        # 43 base64url characters have 258 bits, of which the last two do not belong to the 32 bytes.
        token = tokens.token()
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
        browser = Browser(gate)
        assert browser.finish(browser.start("/"), twin).status == 403


BAD_TOKENS = {
    "signature_invalid": lambda: tokens.token(secret="not-the-secret-of-the-provider-0000001"),
    "expired": lambda: tokens.token(iat=int(time.time()) - 200, exp=int(time.time()) - 100),
    "not_yet_valid": lambda: tokens.token(nbf=int(time.time()) + 300),
    "issued_in_future": lambda: tokens.token(iat=int(time.time()) + 300, exp=int(time.time()) + 600),
    "too_old": lambda: tokens.token(iat=int(time.time()) - 3600, exp=int(time.time()) + 600),
    "audience_mismatch": lambda: tokens.token(aud="someone-else"),
    "field_missing": lambda: tokens.token(email=None),
    "field_invalid": lambda: tokens.token(email="a@evil.test@example.com"),
    "algorithm_not_allowed": lambda: tokens.token(header={"alg": "none"}),
    "algorithm_missing": lambda: tokens.token(header={"typ": "JWT"}),
    "critical_header_unsupported": lambda: tokens.token(header={"alg": "HS256", "crit": ["b64"], "b64": True}),
    "token_malformed": lambda: "not.a-token",
    "token_too_large": lambda: tokens.token(filler="x" * 17000),
    "header_malformed": lambda: tokens.signed(b"{", b"{}"),
    "claims_malformed": lambda: tokens.signed(b'{"alg":"HS256"}', b'{"sub":"a","sub":"b"}'),
}


class TestBadTokens:
    @pytest.mark.parametrize("code", BAD_TOKENS)
    def test_each_refusal_is_a_403_page_with_its_reason_code_and_a_link(self, gate, code):
        browser = Browser(gate)
        response = browser.finish(browser.start(DEEP_LINK), BAD_TOKENS[code]())
        assert response.status == 403
        assert "text/html" in response["Content-Type"] and "no-store" in response["Cache-Control"]
        assert code in response.text
        assert "href=" in response.text, "a link to try again"
        assert "sidegate" not in browser.cookies
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src" not in policy.replace("script-src 'none'", "")

    @pytest.mark.parametrize("code", ["signature_invalid", "expired"])
    def test_a_refusal_is_json_on_request(self, gate, code):
        browser = Browser(gate)
        url = with_parameter(browser.start("/"), "jwt", BAD_TOKENS[code]())
        response = browser.fetch("GET", url, {"Accept": "application/json"})
        assert response.status == 403 and "json" in response["Content-Type"]
        assert code in str(response.json())

    def test_no_token_at_all_is_400(self, gate):
        browser = Browser(gate)
        response = browser.navigate(browser.start("/"))
        assert response.status == 400 and "token_missing" in response.text

    def test_a_token_given_twice_is_400(self, gate):
        browser = Browser(gate)
        token = tokens.token()
        url = with_parameter(with_parameter(browser.start("/"), "jwt", token), "jwt", token)
        response = browser.navigate(url)
        assert response.status == 400 and "token_malformed" in response.text

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
    def test_alg_none_in_any_spelling_is_refused_CVE_2015_2951_CVE_2020_28042(self, gate, name):
        header = tokens.base64url(b'{"alg":"%s","typ":"JWT"}' % name.encode())
        payload = tokens.token().split(".")[1]
        for token in (f"{header}.{payload}.", f"{header}.{payload}.AAAA"):
            browser = Browser(gate)
            assert browser.finish(browser.start("/"), token).status == 403
            assert "sidegate" not in browser.cookies

    @pytest.mark.parametrize("field", ["jwk", "jku", "x5u", "x5c"])
    def test_a_key_in_the_token_is_ignored_CVE_2018_0114_CVE_2026_27962(self, gate, field):
        attackers = "the-attackers-own-secret-of-32-bytes-or-so"
        value = {"jwk": {"kty": "oct", "k": tokens.base64url(attackers.encode())}, "jku": "http://127.0.0.1:1/jwks",
                 "x5u": "http://127.0.0.1:1/x5u", "x5c": ["AAAA"]}[field]
        browser = Browser(gate)
        response = browser.finish(browser.start("/"), tokens.token(secret=attackers, header={"alg": "HS256", field: value}))
        assert response.status == 403 and "signature_invalid" in response.text

    @pytest.mark.parametrize("payload", [
        pytest.param(b'{"exp":' + b"9" * 10000 + b"}", id="a long number"),
        pytest.param(b'{"a":' + b"[" * 10000 + b"]" * 10000 + b"}", id="deep nesting"),
        pytest.param(b'{"a":1e' + b"9" * 9000 + b"}", id="a long exponent"),
        pytest.param(b"{" + b",".join(b'"%d":0' % n for n in range(1000)) + b"}", id="many names"),
    ])
    def test_hostile_json_is_refused_CVE_2025_11230(self, gate, payload):
        browser = Browser(gate)
        url, token = browser.start("/"), tokens.signed(b'{"alg":"HS256"}', payload)
        assert browser.post_form(url, {"jwt": token}).status == 403

    def test_many_dots_are_refused_CVE_2025_30204_CVE_2025_27144(self, gate):
        browser = Browser(gate)
        assert browser.post_form(browser.start("/"), {"jwt": "." * 15000}).status == 403

    def test_claims_cannot_become_markup(self, gate):
        browser = Browser(gate)
        response = browser.finish(browser.start("/"), tokens.token(aud='<script>alert("1")</script>'))
        assert "<script" not in response.text.lower()


class TestReturnTo:
    @pytest.mark.parametrize("target, lands_on", [
        ("/wiki/page?x=1", "/wiki/page?x=1"),
        ("/", "/"),
        ("{origin}/inside?y=2", "/inside?y=2"),
    ])
    def test_a_target_on_this_site_is_remembered(self, gate, target, lands_on):
        browser = Browser(gate)
        target = target.replace("{origin}", gate.origin)
        response = browser.navigate(with_parameter("/.sidegate/login", "return_to", target))
        assert response.status == 302
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))
        done = browser.finish(query["return_url"], tokens.token())
        assert done.status == 303 and done["Location"] in (lands_on, gate.origin + lands_on)

    @pytest.mark.parametrize("target", [
        "//evil.test/", "/\\evil.test/", "\\\\evil.test", "https://evil.test/", "https:evil.test", "http:///evil.test",
        "javascript:alert(1)", "data:text/html,x", "/\t/evil.test", "/%09/evil.test", "/\n/evil.test", "\x01//evil.test",
        " //evil.test", "/%5cevil.test", "/%2fevil.test", "https://127.0.0.1.evil.test/", "http://127.0.0.1@evil.test/",
        "http://evil.test\\@127.0.0.1/", "////evil.test", "/.//evil.test", "/..//evil.test",
    ])
    def test_a_target_on_another_site_is_refused_CVE_2022_23527_CVE_2019_3877(self, gate, target):
        browser = Browser(gate)
        response = browser.navigate(with_parameter("/.sidegate/login", "return_to", target))
        if response.status == 302:  # it may also continue without the target
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))
            done = browser.finish(query["return_url"], tokens.token())
            assert done.status == 303 and done["Location"] in ("/", gate.origin + "/")
        else:
            assert response.status == 400 and "return_url_refused" in response.text


class TestSessions:
    def test_session_as_json(self, gate, session):
        value = gate.exchange("GET", "/.sidegate/session", session)
        assert value.status == 200 and "json" in value["Content-Type"] and "no-store" in value["Cache-Control"]
        text = value.text
        assert "ada@example.com" in text and "staff" in text
        assert gate.exchange("GET", "/.sidegate/session", XHR).status == 401

    def test_a_modified_cookie_is_refused(self, gate, session, upstream):
        name, value = next(c.split("=") for c in session["Cookie"].split("; ") if c.startswith("sidegate="))
        for damaged in (value[:-2] + ("AA" if value[-2:] != "AA" else "BB"), value[:-1], value + "A", value[1:], "", "A", value[:20]):
            assert gate.exchange("GET", "/", {"Cookie": f"{name}={damaged}", **NAVIGATION}).status == 302
        assert upstream.requests == []

    def test_a_login_cookie_is_not_a_session_CVE_2023_35941_CVE_2026_47775(self, gate, upstream):
        browser = Browser(gate)
        browser.start("/")
        (value,) = browser.cookies.values()
        assert gate.exchange("GET", "/", {"Cookie": f"sidegate={value}", **NAVIGATION}).status == 302
        assert upstream.requests == []

    @pytest.mark.parametrize("cookie", [
        "=", ";;;", "sidegate", "sidegate=;sidegate=", "; =x; sidegate", "a" * 8000, "\xff\xfe=\x80; sidegate=%00",
        "sidegate=\"", "sidegate.0=AAAA; sidegate.999999999999999999999=B", "sidegate.0=A; sidegate.1=B; sidegate.2=C",
    ])
    def test_a_malformed_cookie_crashes_nothing_CVE_2023_28625_CVE_2024_24814(self, gate, cookie):
        assert gate.exchange("GET", "/", {"Cookie": cookie, **NAVIGATION}).status == 302

    def test_malformed_cookies_do_not_hide_a_session(self, gate, session):
        assert gate.exchange("GET", "/", {"Cookie": "x; =y; ;" + session["Cookie"] + "; z"}).status == 200

    def test_a_large_session_is_split_and_read_again(self, gate, upstream):
        groups = [f"group-{n:04}-of-a-large-organisation" for n in range(200)]
        browser = gate.signed_in(groups=groups)
        assert all(len(n) + len(v) < 4096 for n, v in browser.cookies.items())
        assert browser.navigate("/").status == 200
        assert upstream.last.get("X-Forwarded-Groups") == ",".join(groups)

    def test_new_claims_replace_all_old_ones_CVE_2026_34454_CVE_2021_41230(self, gate, upstream):
        browser = gate.signed_in(groups=["admins"] + [f"group-{n:04}-of-a-large-organisation" for n in range(200)])
        old = dict(browser.cookies)
        url = with_parameter("/.sidegate/login", "return_to", "/")
        response = browser.navigate(url)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))
        assert browser.finish(query["return_url"], tokens.token(sub="bob", email="bob@example.com", groups=None)).status == 303
        assert browser.navigate("/").status == 200
        assert upstream.last.get("X-Forwarded-User") == "bob"
        assert upstream.last.get("X-Forwarded-Groups") in (None, "")
        assert not set(old.values()) & set(browser.cookies.values()), "no cookie of the old session is left"

    def test_secrets_rotate_without_logout(self, upstream, start_gate):
        old = start_gate(upstream)
        cookie = old.session_cookie()
        newer = "a-newer-session-secret-of-32-bytes-or-more"
        rotated = start_gate(upstream, session={"secret": None, "secrets": [newer, SESSION_SECRET]})
        stranger = start_gate(upstream, session={"secret": newer})
        # Cookies are bound to the host, not to the port.
        assert rotated.exchange("GET", "/", cookie).status == 200
        assert stranger.exchange("GET", "/", cookie).status == 302

    def test_a_session_ends_at_its_lifetime(self, upstream, start_gate):
        gate = start_gate(upstream, session={"lifetime": "2s", "idleTimeout": "2s"})
        browser = gate.signed_in()
        assert browser.navigate("/").status == 200
        wait_until(lambda: gate.exchange("GET", "/", {**NAVIGATION, "Cookie": browser.cookie_header()}).status == 302,
                   "the session has ended", interval=0.1)


class TestLogout:
    def test_a_post_signs_out(self, gate):
        browser = gate.signed_in()
        stale = browser.cookie_header()
        response = browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        assert response.status in (200, 302, 303)
        assert "sidegate" not in browser.cookies
        assert stale and browser.navigate("/").status == 302

    def test_a_get_from_this_site_signs_out(self, gate):
        browser = gate.signed_in()
        response = browser.navigate("/.sidegate/logout", headers={"Sec-Fetch-Site": "same-origin"})
        assert response.status in (200, 302, 303) and "sidegate" not in browser.cookies

    @pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}], ids=["bare", "from elsewhere"])
    def test_a_get_from_another_site_needs_confirmation(self, gate, headers):
        browser = gate.signed_in()
        response = browser.fetch("GET", "/.sidegate/logout", {"Accept": "text/html", **headers})
        assert response.status == 200 and "<form" in response.text
        assert "sidegate" in browser.cookies

    def test_a_post_from_another_site_does_not_sign_out(self, gate):
        browser = gate.signed_in()
        browser.fetch("POST", "/.sidegate/logout", {
            "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test", "Accept": "text/html"}, b"")
        assert "sidegate" in browser.cookies

    def test_the_browser_goes_to_the_providers_logout(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={"logoutURL": "https://idp.test/out?back={returnTo}"})
        browser = gate.signed_in()
        response = browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        assert response.status in (302, 303) and response["Location"].startswith("https://idp.test/out?back=")
        assert "sidegate" not in browser.cookies


class TestBearer:
    def test_a_valid_bearer_passes_with_identity_and_no_cookie(self, gate, upstream):
        token = tokens.token()
        for _ in range(2):  # single use applies to sign-ins
            response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"})
            assert response.status == 200 and response.all("Set-Cookie") == []
            assert upstream.last.get("X-Forwarded-User") == "ada"

    def test_a_token_used_for_a_sign_in_is_refused_as_bearer(self, upstream, start_gate):
        gate = start_gate(upstream, workers=4)
        token = tokens.token()

        def ask():
            """Over several connections, so that every worker gets requests."""
            return [gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}) for _ in range(24)]

        assert {response.status for response in ask()} == {200}, "use as bearer does not consume the token"
        browser = Browser(gate)
        assert browser.finish(browser.start(), token).status == 303
        served = len(upstream.requests)
        for response in ask():
            assert response.status == 401
            assert 'error_description="replayed"' in response["WWW-Authenticate"]
        browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        assert {response.status for response in ask()} == {401}, "after logout, too"
        assert len(upstream.requests) == served

    def test_a_used_token_stays_used_after_a_reload(self, upstream, start_gate):
        gate = start_gate(upstream, admin=reloads.admin())
        token = tokens.token()
        browser = Browser(gate)
        assert browser.finish(browser.start(), token).status == 303
        reloads.hang_up(gate)
        assert gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}).status == 401

    def test_without_single_use_a_token_may_be_used_for_both(self, upstream, start_gate):
        gate = start_gate(upstream, token={"singleUse": False})
        token = tokens.token()
        browser = Browser(gate)
        assert browser.finish(browser.start(), token).status == 303
        assert gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}).status == 200

    @pytest.mark.parametrize("code", ["signature_invalid", "expired", "audience_mismatch"])
    def test_an_invalid_bearer_is_401_with_the_reason(self, gate, upstream, code):
        response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {BAD_TOKENS[code]()}"})
        assert response.status == 401
        challenge = response["WWW-Authenticate"]
        assert 'error="invalid_token"' in challenge and f'error_description="{code}"' in challenge
        assert upstream.requests == []

    def test_bearer_tokens_may_be_disabled(self, upstream, start_gate):
        gate = start_gate(upstream, token={"bearer": False})
        response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {tokens.token()}"})
        assert response.status == 401 and upstream.requests == []


@pytest.mark.parametrize("lost", ["the session", "every cookie"])
def test_a_browser_that_loses_cookies_gets_a_page_not_a_loop(upstream, start_gate, lost):
    gate = start_gate(upstream, identityProvider={"initiated": "allow"})
    browser = Browser(gate)
    for _ in range(6):
        return_url = browser.start("/")
        if lost == "every cookie":
            browser.cookies.clear()
        response = browser.finish(return_url, tokens.token())
        if response.status != 303:
            break
        browser.cookies.pop("sidegate", None)
    assert response.status != 303 and "text/html" in response["Content-Type"], "still redirecting after six rounds"
    assert "cookie" in response.text.lower()
