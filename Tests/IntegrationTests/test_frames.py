# SPDX-License-Identifier: Apache-2.0
"""Frames: the page that a frame without a session shows, and `session.partitioned`."""

import html
import json
import re
import urllib.parse

import pytest

from harness import tokens
from harness.certificates import Authority
from harness.frames import FrameConnection
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, Browser, settings, sidegate
from harness.journal import lines
from harness.openid import secure_settings
from harness.process import wait_until
from harness.secure import SecureHTTP2, secured, trusting

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
FRAME = {**HTML, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
DESTINATIONS = ["iframe", "frame", "embed", "object"]


def links(page: str) -> list:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


def target_of(page: str) -> str:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(links(page)[0]).query))["return_to"]


class TestThePage:
    @pytest.mark.parametrize("destination", DESTINATIONS)
    @pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site", "none"])
    def test_it_holds_one_link_that_leaves_the_frame(self, gate, destination, site):
        response = gate.exchange("GET", "/inner?x=1", {**FRAME, "Sec-Fetch-Dest": destination, "Sec-Fetch-Site": site})
        assert response.status == 401 and response["Content-Type"] == "text/html; charset=utf-8"
        page = response.text
        assert page.count("<a ") == 1 and re.search(r'<a [^>]*target="_top"', page)
        assert target_of(page) == "/inner?x=1" and links(page)[0].startswith("/.sidegate/login?")
        assert "<form" not in page and "<script" not in page and "<iframe" not in page
        policy = response["Content-Security-Policy"]
        assert "frame-ancestors" not in policy and not response.all("X-Frame-Options"), "any page may frame it"
        assert "default-src 'none'" in policy and "form-action 'none'" in policy and "base-uri 'none'" in policy
        assert response["Cache-Control"] == "no-store" and response["WWW-Authenticate"] == "Bearer"
        assert not response.all("Set-Cookie") and "Location" not in dict(response.fields)

    @pytest.mark.parametrize("fields", [
        {"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": None}, {"Sec-Fetch-Mode": "cors"}, {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Dest": "empty"}, {"X-Requested-With": "XMLHttpRequest"},
        {"Sec-Purpose": "prefetch;prerender"}])
    def test_everything_else_gets_json(self, gate, fields):
        merged = {name: value for name, value in {**FRAME, **fields}.items() if value is not None}
        response = gate.exchange("GET", "/inner", merged)
        assert response.status == 401 and response.json()["error"] == "unauthenticated"

    def test_two_destinations_must_both_be_frames(self, gate):
        fields = [*HTML.items(), ("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Dest", "image")]
        assert gate.exchange("GET", "/inner", fields).json()["error"] == "unauthenticated"

    def test_it_names_nobody(self, start_gate, upstream):
        gate = start_gate(upstream, session={"lifetime": "1s"})
        browser = gate.signed_in(sub="lovelace")
        cookie = browser.cookie_header()
        wait_until(lambda: gate.exchange("GET", "/x", {**NAVIGATION, "Cookie": cookie}).status == 302, "the session has ended")
        page = gate.exchange("GET", "/inner", {**FRAME, "Cookie": cookie}).text
        assert "lovelace" not in page.lower()

    def test_it_leads_back_to_the_page_that_shows_the_frame(self, gate):
        response = gate.exchange("GET", "/inner", {**FRAME, "Referer": f"{gate.origin}/portal?tab=2"})
        assert target_of(response.text).endswith("/portal?tab=2")

    def test_a_link_in_the_frame_leads_to_its_own_page(self, gate):
        response = gate.exchange("GET", "/inner", {**FRAME, "Referer": f"{gate.origin}/other-frame", "Sec-Fetch-User": "?1"})
        assert target_of(response.text) == "/inner"

    @pytest.mark.parametrize("referer", ["https://evil.example/", "https://evil.example", "http://127.0.0.1:1/x", "junk"])
    def test_a_page_of_another_site_is_no_target(self, gate, referer):
        assert target_of(gate.exchange("GET", "/inner", {**FRAME, "Referer": referer}).text) == "/inner"

    def test_the_sign_in_address_in_a_frame_shows_it_too(self, gate):
        response = gate.exchange("GET", "/.sidegate/login?return_to=/inner", FRAME)
        assert response.status == 401 and target_of(response.text) == "/inner" and 'target="_top"' in response.text

    def test_a_frame_with_a_session_goes_to_the_app(self, gate, session):
        assert gate.exchange("GET", "/inner", {**FRAME, **session}).status == 200

    def test_over_http2(self, gate):
        with FrameConnection(gate.port) as connection:
            response = connection.get("/inner", list(FRAME.items()))
            assert response.status == 401 and b'target="_top"' in response.body

    def test_head(self, gate):
        response = gate.exchange("HEAD", "/inner", FRAME)
        assert response.status == 401 and response["Content-Type"].startswith("text/html")

    def test_a_rule_that_asks_for_401_gets_the_page_too(self, start_gate, upstream):
        gate = start_gate(upstream, access={"rules": [{"paths": ["/api/*"], "unauthenticated": "401"}]})
        assert 'target="_top"' in gate.exchange("GET", "/api/chart", FRAME).text


class TestAttemptsOfFrames:
    """Another site can show the page, and have the user click its link without knowing what it is."""

    def begin(self, gate, page: str):
        browser = Browser(gate)
        response = browser.navigate(links(page)[0], headers={"Sec-Fetch-Site": "same-origin"})
        assert response.status == 302
        location = urllib.parse.urlsplit(response["Location"])
        return browser, dict(urllib.parse.parse_qsl(location.query))["return_url"]

    def test_they_count_with_their_own_state(self, gate):
        browser, back = self.begin(gate, gate.exchange("GET", "/inner", FRAME).text)
        assert browser.finish(back, tokens.token())["Location"] == "/inner"

    def test_without_it_the_user_is_asked(self, gate):
        browser, _ = self.begin(gate, gate.exchange("GET", "/inner", FRAME).text)
        response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token(sub='eve', email='eve@example.com')}",
                                    headers=FROM_ANOTHER_SITE)
        assert response.status == 200 and "eve@example.com" in response.text and "sidegate" not in browser.cookies

    def test_so_it_is_where_people_choose_a_provider(self, start_gate, upstream):
        provider = {"loginURL": "https://idp.test/login?return_url={returnURL}"}
        gate = start_gate(upstream, identityProvider=None, token=None, identityProviders=[
            {"name": name, "identityProvider": provider,
             "token": {"keys": [{"secret": tokens.SECRET}], "issuer": name}} for name in ("one", "two")])
        page = gate.exchange("GET", "/inner", FRAME).text
        choice = Browser(gate).navigate(links(page)[0], headers={"Sec-Fetch-Site": "same-origin"})
        assert choice.status == 200
        browser = Browser(gate)
        assert browser.navigate(links(choice.text)[0], headers={"Sec-Fetch-Site": "same-origin"}).status == 302
        token = tokens.token(sub="eve", email="eve@example.com", iss="one")
        response = browser.navigate(f"/.sidegate/callback/one?jwt={token}", headers=FROM_ANOTHER_SITE)
        assert response.status == 200 and "eve@example.com" in response.text and "sidegate" not in browser.cookies


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def module_partitioned(module_upstream, start_module_gate, authority):
    gate = start_module_gate(
        module_upstream, session={"partitioned": True, "sameSite": "none"},
        access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]}, **secure_settings(authority))
    return secured(gate, trusting(authority))


@pytest.fixture
def partitioned(module_partitioned, upstream):
    return module_partitioned


IN_FRAME = {**FRAME, "Sec-Fetch-Site": "cross-site"}


def parsed(line: str) -> dict:
    name, *attributes = line.split("; ")
    return {"pair": name, **{a.partition("=")[0].lower(): a.partition("=")[2] for a in attributes}}


class FramedBrowser(Browser):
    """All its requests are those of a frame of another site's page."""

    def navigate(self, target="/", method="GET", headers=(), body=None):
        return self.fetch(method, target, {**IN_FRAME, **dict(headers)}, body)


class TestPartitioned:
    def test_every_cookie_is_partitioned(self, partitioned):
        browser = Browser(partitioned)
        back = browser.start("/page")
        seen = []
        original = browser.take
        browser.take = lambda line: (seen.append(line), original(line))
        browser.start("/again")
        assert browser.finish(back, tokens.token()).status == 303
        browser.post_form("/.sidegate/logout", {}, {"Origin": partitioned.origin})
        assert len(seen) >= 5
        for line in seen:
            attributes = parsed(line)
            is_old_form = attributes["pair"] == "__Host-sidegate=" and "partitioned" not in attributes
            assert is_old_form or ("partitioned" in attributes and attributes["samesite"] == "None"), line
            assert "secure" in attributes and "httponly" in attributes

    def test_an_unpartitioned_session_ends_with_a_sign_in_and_a_sign_out(self, partitioned):
        """A browser that has one from before the option was set would send both."""
        browser = Browser(partitioned)
        for response in (browser.sign_in(), browser.post_form("/.sidegate/logout", {}, {"Origin": partitioned.origin})):
            ends = [parsed(line) for line in response.all("Set-Cookie") if line.startswith("__Host-sidegate=;")]
            assert any("partitioned" not in end and end["max-age"] == "0" for end in ends), response.fields

    @pytest.mark.parametrize("destination", DESTINATIONS)
    def test_frames_are_redirected_and_sign_in_by_their_own_state(self, partitioned, destination):
        browser = FramedBrowser(partitioned)
        response = browser.navigate("/inner?x=1", headers={"Sec-Fetch-Dest": destination})
        assert response.status == 302 and any("sidegate-login-" in line for line in response.all("Set-Cookie"))
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]
        response = browser.finish(back, tokens.token())
        assert response.status == 303 and response["Location"] == "/inner?x=1"
        assert browser.navigate("/inner?x=1").status == 200

    def test_a_return_in_a_frame_without_state_signs_nobody_in(self, partitioned):
        browser = FramedBrowser(partitioned)
        browser.start("/inner")
        response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token()}")
        assert response.status == 403 and "login_state_missing" in response.text
        assert "__Host-sidegate" not in browser.cookies

    def test_a_return_to_the_whole_window_without_state_is_asked_about(self, partitioned):
        browser = FramedBrowser(partitioned)
        browser.start("/inner")
        response = browser.fetch("GET", f"/.sidegate/callback?jwt={tokens.token()}", {**NAVIGATION, **FROM_ANOTHER_SITE})
        assert response.status == 200 and "__Host-sidegate" not in browser.cookies

    def test_the_sign_in_address_redirects_in_frames(self, partitioned):
        response = FramedBrowser(partitioned).navigate("/.sidegate/login?return_to=/inner")
        assert response.status == 302 and response["Location"].startswith("https://idp.test/")

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
    @pytest.mark.parametrize("fields, passes", [
        ({"Sec-Fetch-Site": "same-origin"}, True), ({"Origin": "OWN"}, True), ({"Origin": "OWN", "Sec-Fetch-Site": "same-origin"}, True),
        ({}, False), ({"Sec-Fetch-Site": "none"}, False), ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "null"}, False), ({"Origin": "https://evil.example"}, False), ({"Referer": "OWN/page"}, False),
        ({"Origin": "OWN", "Sec-Fetch-Site": "cross-site"}, False), ({"Origin": "OWN.evil.example"}, False), ({"Origin": "PLAIN"}, False)])
    def test_what_changes_something_must_come_from_this_site(self, partitioned, upstream, method, fields, passes):
        browser = partitioned.signed_in()
        upstream.requests.clear()
        plain = partitioned.origin.replace("https://", "http://")
        fields = {name: value.replace("OWN", partitioned.origin).replace("PLAIN", plain) for name, value in fields.items()}
        response = browser.fetch(method, "/save", {"Content-Length": "0", **fields})
        assert (response.status == 200) == passes and len(upstream.requests) == passes, response.body
        if not passes:
            assert response.status == 403 and response.json()["reason"] == "cross_site_request"

    def test_a_form_gets_a_page(self, partitioned):
        response = partitioned.signed_in().post_form("/save", {"a": "b"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"})
        assert response.status == 403 and "cross_site_request" in response.text and "<h1>" in response.text

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_reading_passes_from_everywhere(self, partitioned, method):
        assert partitioned.signed_in().fetch(method, "/read", {"Sec-Fetch-Site": "cross-site"}).status == 200

    @pytest.mark.parametrize("origin, passes", [("OWN", True), (None, False), ("https://evil.example", False)])
    def test_websockets_must_come_from_this_site(self, partitioned, upstream, origin, passes):
        browser = partitioned.signed_in()
        upstream.requests.clear()
        fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        if origin:
            fields["Origin"] = origin.replace("OWN", partitioned.origin)
        response = browser.fetch("GET", "/socket", fields)
        assert (response.status == 403) != passes and len(upstream.requests) == passes

    def test_over_http2(self, partitioned, authority, upstream):
        session = partitioned.session_cookie()
        with SecureHTTP2(partitioned.port, trusting(authority)) as connection:
            for fields, status in (({"Origin": "https://evil.example"}, 403), ({}, 403), ({"Origin": partitioned.origin}, 200)):
                stream = connection.request("POST", "/save", list({**session, **fields}.items()))
                assert connection.response(stream).status == status

    def test_a_bearer_token_is_no_cookie(self, partitioned):
        headers = {"Authorization": f"Bearer {tokens.token()}", "Content-Length": "0"}
        assert partitioned.exchange("POST", "/save", headers).status == 200

    def test_open_paths_get_it_without_the_user(self, partitioned, upstream):
        browser = partitioned.signed_in()
        upstream.requests.clear()
        assert browser.fetch("POST", "/open/hook", {"Content-Length": "0", "Origin": "https://evil.example"}).status == 200
        assert not upstream.requests[-1].get("X-Forwarded-User")
        assert browser.fetch("POST", "/open/hook", {"Content-Length": "0", "Origin": partitioned.origin}).status == 200
        assert upstream.requests[-1].get("X-Forwarded-User")

    def test_in_forward_auth(self, start_gate, upstream):
        gate = start_gate(upstream, publicURL="https://app.test", trustedProxies=["127.0.0.1"],
                          session={"partitioned": True, "sameSite": "none"})
        cookie = self.session_of(gate)
        about = {"X-Original-URL": "https://app.test/save", "X-Original-Method": "POST", **cookie}

        def status(**fields):
            return gate.exchange("GET", "/.sidegate/auth", {**about, **{n.replace("_", "-"): v for n, v in fields.items()}}).status
        assert status(Origin="https://app.test") == 202
        assert status(Origin="https://evil.example") == 403
        assert status() == 403
        assert status(X_Original_Method="GET") == 202
        assert status(X_Original_Method="GET", Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==") == 403
        assert status(X_Original_Method="GET", Sec_Fetch_Mode="websocket", Origin="https://app.test") == 202
        del about["X-Original-Method"]
        refused = gate.exchange("GET", "/.sidegate/auth", about)
        assert refused.status == 400 and refused.json()["reason"] == "original_method_missing"

    def session_of(self, gate) -> dict:
        fields = dict(NAVIGATION)
        response = gate.exchange("GET", "/", fields, host="app.test")
        cookie = response["Set-Cookie"].partition(";")[0]
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]
        target = back.removeprefix("https://app.test") + "&jwt=" + tokens.token()
        response = gate.exchange("GET", target, {**NAVIGATION, "Cookie": cookie}, host="app.test")
        return {"Cookie": next(line.partition(";")[0] for line in response.all("Set-Cookie")
                               if line.startswith("__Host-sidegate=") and "Max-Age=0" not in line)}

    def test_in_observe_mode_it_is_logged_only(self, start_gate, upstream, authority):
        gate = secured(start_gate(
            upstream, session={"partitioned": True, "sameSite": "none"}, access={"mode": "observe"},
            **secure_settings(authority)), trusting(authority))
        browser = Browser(gate)
        response = browser.navigate("/.sidegate/login")
        back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]
        browser.finish(back, tokens.token())
        assert browser.fetch("POST", "/save", {"Content-Length": "0", "Origin": "https://evil.example"}).status == 200
        wait_until(lambda: any(line.get("reason") == "cross_site_request" and line.get("would") == "denied" for line in lines(gate)),
                   "the log says what would be refused")


@pytest.mark.parametrize("changes, text", [
    ({"session": {"partitioned": True}, "publicURL": "https://app.test"}, "sameSite: none"),
    ({"session": {"partitioned": True, "sameSite": "none"}}, "over http browsers refuse partitioned cookies"),
    ({"session": {"partitioned": True, "sameSite": "none"}, "publicURL": "http://app.test"}, "use https in `publicURL`"),
    ({"session": {"partitioned": True, "sameSite": "none"}, "publicURL": "https://app.test"}, None)])
def test_check_wants_https_and_same_site_none(tmp_path, changes, text):
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps(settings("http://127.0.0.1:1", 8080, **changes)))
    config.chmod(0o600)
    done = sidegate("check", "--config", config)
    if text is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1 and "`session.partitioned`" in done.stderr and text in done.stderr
