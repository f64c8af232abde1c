# SPDX-License-Identifier: Apache-2.0
"""Deep links: how long they may be, how they are kept in login cookies, `rd`, and what `session.keepFragment` adds."""

import base64
import hashlib
import html
import re
import urllib.parse

import pytest

from harness import tokens
from harness.frames import FrameConnection
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser, with_parameter
from harness.journal import lines
from harness.process import wait_until

LONGEST = 3500
COOKIE = 4096
#: Of the login cookies of one browser: names and values.
ALL_COOKIES = 12 * 1024


def link(length: int, fill: str = "x") -> str:
    start = "/report?columns="
    return start + fill * (length - len(start))


def login_cookies(browser) -> dict:
    return {name: value for name, value in browser.cookies.items() if name.startswith("sidegate-login-") and "returns" not in name}


def attempts(browser) -> list:
    return sorted({name[:len("sidegate-login-") + 28] for name in login_cookies(browser)})


def size(cookies: dict) -> int:
    return sum(len(name) + len(value) for name, value in cookies.items())


class TestLength:
    @pytest.mark.parametrize("length", [100, 2048, 2049, 2700, 2750, 2800, 2850, 3000, LONGEST])
    def test_a_deep_link_is_remembered(self, gate, length):
        browser = Browser(gate)
        response = browser.sign_in(link(length))
        assert response["Location"] == link(length)
        assert login_cookies(browser) == {}, "all cookies of the attempt have ended"

    def test_a_long_one_is_split_over_two_cookies(self, gate):
        browser = Browser(gate)
        browser.start(link(LONGEST))
        cookies = login_cookies(browser)
        assert len(cookies) == 2 and len(attempts(browser)) == 1
        first, second = sorted(cookies, key=len)
        assert second == first + "-1"
        assert all(len(value) <= 3800 for value in cookies.values())
        assert all(len(name) + len(value) < COOKIE for name, value in cookies.items())

    @pytest.mark.parametrize("over", [1, 500, 8000])
    def test_a_longer_one_is_logged_and_the_page_after_the_sign_in_says_so(self, gate, over):
        browser = Browser(gate)
        back = browser.start(link(LONGEST + over))
        assert len(login_cookies(browser)) == 1
        response = browser.finish(back, tokens.token())
        assert response.status == 303 and response["Location"].startswith("/.sidegate/continue?attempt=")
        page = browser.navigate(response["Location"], headers=FROM_ANOTHER_SITE)
        assert page.status == 200 and "too long" in page.text and 'href="/"' in page.text
        assert "<script" not in page.text and page["Cache-Control"] == "no-store"
        assert browser.navigate(link(200)).status == 200, "signed in"
        # The page can be loaded again.
        assert "too long" in browser.navigate(response["Location"]).text

        def logged() -> list:
            return [line["detail"] for line in lines(gate)
                    if line.get("decision") == "redirect" and str(LONGEST + over) in line.get("detail", "")]
        wait_until(logged, "the length is logged")
        assert f"{LONGEST} bytes" in logged()[-1] and "xxx" not in logged()[-1]

    def test_the_length_is_that_of_the_encoded_address(self, gate):
        """A byte that has to be percent-encoded takes three."""
        for count, is_kept in ((570, True), (600, False)):  # bytes of two and six
            browser = Browser(gate)
            target = "/report?q=" + "\u00e9" * count
            back = browser.start("/.sidegate/login?" + urllib.parse.urlencode({"return_to": target}))
            location = browser.finish(back, tokens.token())["Location"]
            assert location == urllib.parse.quote(target, safe="/?=") if is_kept else "/.sidegate/continue?" in location

    def test_over_http2(self, gate):
        with FrameConnection(gate.port) as connection:
            stream = connection.request("GET", link(LONGEST), list(NAVIGATION.items()))
            response = connection.response(stream)
            assert response.status == 302 and len(response.all("set-cookie")) == 2


class TestRoom:
    def test_the_oldest_attempts_end_when_all_cookies_exceed_twelve_kibibytes(self, gate):
        browser = Browser(gate)
        begun = []
        for number in range(7):
            begun.append(browser.start(link(LONGEST - 10) + f"&n={number}"))
            assert size(login_cookies(browser)) <= ALL_COOKIES
        assert len(attempts(browser)) == 2
        assert browser.finish(begun[0], tokens.token(jti="first-of-all")).status == 200, "ended: the page asks"
        fresh = Browser(gate)
        fresh.cookies.update(browser.cookies)
        assert fresh.finish(begun[-1], tokens.token())["Location"].endswith("&n=6")

    def test_many_short_ones_are_bounded_by_their_number(self, gate):
        browser = Browser(gate)
        for number in range(9):
            browser.start(f"/page/{number}")
        assert len(attempts(browser)) == 7

    def test_a_long_one_ends_no_more_than_it_must(self, gate):
        browser = Browser(gate)
        short = [browser.start(f"/page/{number}") for number in range(5)]
        browser.start(link(LONGEST))
        browser.start(link(LONGEST))
        assert len(attempts(browser)) == 7
        assert size(login_cookies(browser)) <= ALL_COOKIES
        assert browser.finish(short[0], tokens.token())["Location"] == "/page/0"

    def test_cookies_of_others_take_no_room_and_hide_no_attempt(self, gate):
        """A sibling host can set cookies of these names over http."""
        browser = Browser(gate)
        back = browser.start(link(LONGEST))
        name = attempts(browser)[0]
        for number in range(3):
            browser.cookies[f"sidegate-login-n0000000000{number}AAAAAAAAAAAAAAAA"] = "A" * 3800
        junk = {**NAVIGATION, **FROM_ANOTHER_SITE, "User-Agent": browser.user_agent,
                "Cookie": f"{name}-1=AAAAAAAAAAAABBBBBBBB; {browser.cookie_header()}; {name}-1=AAAAAAAAAAAABBBBBBBB"}
        response = gate.exchange("GET", with_parameter(back, "jwt", tokens.token())[len(gate.origin):], junk)
        assert response.status == 303 and response["Location"] == link(LONGEST)

    def test_half_an_attempt_counts_for_nothing_and_ends(self, gate):
        browser = Browser(gate)
        back = browser.start(link(LONGEST))
        name = attempts(browser)[0]
        del browser.cookies[name + "-1"]
        assert browser.finish(back, tokens.token()).status == 200, "the page asks"

    def test_the_page_that_asks_keeps_a_long_target(self, gate):
        """A sign-in that another site began, at a provider that sends no state back."""
        browser = Browser(gate)
        assert browser.navigate(link(LONGEST), headers=FROM_ANOTHER_SITE).status == 302
        response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token()}", headers=FROM_ANOTHER_SITE)
        assert response.status == 200
        fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', response.text))
        assert all(len(line.split(";")[0]) < COOKIE for line in response.all("Set-Cookie"))
        done = browser.post_form("/.sidegate/confirm", fields, {"Origin": gate.origin, "Sec-Fetch-Site": "same-origin"})
        assert done.status == 303 and done["Location"] == link(LONGEST)

    def test_the_page_that_asks_keeps_that_an_address_was_too_long(self, gate):
        browser = Browser(gate)
        assert browser.navigate(link(LONGEST + 1), headers=FROM_ANOTHER_SITE).status == 302
        response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token()}", headers=FROM_ANOTHER_SITE)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', response.text))
        done = browser.post_form("/.sidegate/confirm", fields, {"Origin": gate.origin, "Sec-Fetch-Site": "same-origin"})
        assert "too long" in browser.navigate(done["Location"]).text

    def test_the_attempt_of_another_tab_stays_with_its_long_target(self, gate):
        browser = Browser(gate)
        other = browser.start(link(LONGEST))
        assert browser.sign_in("/short").status == 303
        assert browser.finish(other, tokens.token())["Location"] == link(LONGEST)


class TestReturnTo:
    @pytest.mark.parametrize("name", ["return_to", "rd"])
    @pytest.mark.parametrize("target", ["/reports?x=1&y=2", link(LONGEST), link(3000)])
    def test_both_names_lead_back(self, gate, name, target):
        browser = Browser(gate)
        back = browser.start("/.sidegate/login?" + urllib.parse.urlencode({name: target}))
        assert browser.finish(back, tokens.token())["Location"] == target

    @pytest.mark.parametrize("query, status", [
        ("rd=/a&return_to=/a", 302), ("rd=/a&return_to=/b", 400), ("return_to=/b&rd=/a", 400), ("rd=/a&rd=/b", 400),
        ("rd=/a&rd=/a", 400), ("return_to=/a&return_to=/a", 400), ("rd=", 400), ("rd=//evil.example/", 400),
        ("rd=https://evil.example/", 400), ("rd=/%5Cevil.example", 400), ("rd=javascript:alert(1)", 400),
        ("rd=/.sidegate/logout", 400), ("rd=" + "https://evil.example/" + "x" * 5000, 400), ("rdx=//evil.example/", 302)])
    def test_they_must_agree_and_stay_on_the_site(self, gate, query, status):
        response = Browser(gate).navigate("/.sidegate/login?" + query)
        assert response.status == status, response.text
        if status == 400:
            assert "return_url_refused" in response.text and not response.all("Set-Cookie")

    def test_an_absolute_address_of_this_site(self, gate):
        """As ingress-nginx writes it: scheme and host as they are, the rest percent-encoded."""
        browser = Browser(gate)
        encoded = urllib.parse.quote("/reports/a b?q=ä&x=%2F", safe="")
        back = browser.start(f"/.sidegate/login?rd={gate.origin}{encoded}")
        location = browser.finish(back, tokens.token())["Location"]
        assert location in (f"{gate.origin}/reports/a%20b?q=%C3%A4&x=%2F", "/reports/a%20b?q=%C3%A4&x=%2F")

    @pytest.mark.parametrize("name", ["return_to", "rd"])
    def test_a_longer_one_signs_in_all_the_same(self, gate, name):
        browser = Browser(gate)
        back = browser.start("/.sidegate/login?" + urllib.parse.urlencode({name: gate.origin + link(LONGEST + 1)}))
        response = browser.finish(back, tokens.token())
        assert "too long" in browser.navigate(response["Location"]).text

    @pytest.mark.parametrize("path", ["/.sidegate/logout", "/.sidegate/callback?jwt=x&"])
    def test_rd_means_nothing_elsewhere(self, gate, path):
        response = Browser(gate).navigate(path + "?rd=//evil.example/")
        assert "evil.example" not in response.text


class TestContinue:
    def test_a_link_to_it_leads_to_the_front_page_only(self, gate):
        for query in ("", "?attempt=", "?attempt=n0000000000aAAAAAAAAAAAAAAAA", "?return_to=//evil.example", "?attempt=" + "x" * 9000):
            response = Browser(gate).navigate("/.sidegate/continue" + query)
            assert response.status == 303 and response["Location"] == "/", response.text

    def test_a_pending_attempt_does_not_count_for_it(self, gate):
        browser = Browser(gate)
        back = browser.start("/secret-page")
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["state"][0]
        response = browser.navigate(f"/.sidegate/continue?attempt={state}")
        assert response["Location"] == "/"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_other_methods_are_refused(self, gate, method):
        assert gate.exchange(method, "/.sidegate/continue", {"Content-Length": "0"}).status == 405

    def test_an_attempt_that_has_arrived_is_none_any_more(self, gate):
        browser = Browser(gate)
        back = browser.start(link(LONGEST + 1))
        browser.finish(back, tokens.token())
        del browser.cookies["sidegate"]
        # Its cookie is still there; a return without state must not count as its answer.
        response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token(sub='eve', email='eve@example.com')}",
                                    headers=FROM_ANOTHER_SITE)
        assert response.status == 200 and "eve@example.com" in response.text


@pytest.fixture(scope="module")
def keeping(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, session={"keepFragment": True})


def return_url(page: str) -> str:
    """Where the provider must send the browser back that follows the page's link."""
    url = html.unescape(re.search(r'href="(https://idp.test/login[^"]+)"', page)[1])
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["return_url"]


def links(page: str) -> list:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


def script_hash(page: str) -> str:
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == 1 and page.count("<script") == 1
    return base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()


class TestFragmentPages:
    def test_a_page_with_one_constant_script_takes_the_place_of_the_redirect(self, keeping):
        pages = []
        for target in ("/a?x=1", "/b"):
            browser = Browser(keeping)
            response = browser.navigate(target)
            assert response.status == 200 and response["Cache-Control"] == "no-store" and "Location" not in dict(response.fields)
            assert len(login_cookies(browser)) == 1
            digest = script_hash(response.text)
            assert f"script-src 'sha256-{digest}'" in response["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
            assert any(link.startswith("https://idp.test/login") for link in links(response.text)), "without scripts a link goes on"
            pages.append(re.findall(r"<script>(.*?)</script>", response.text, re.S))
        assert pages[0] == pages[1]

    def test_the_way_back(self, keeping):
        browser = Browser(keeping)
        page = browser.navigate("/a?x=1&y=2").text
        back = return_url(page)
        attempt = re.search(r'data-attempt="([^"]+)"', page)[1]
        response = browser.finish(back, tokens.token())
        assert response.status == 303 and response["Location"] == f"/.sidegate/continue?attempt={attempt}"
        page = browser.navigate(response["Location"], headers=FROM_ANOTHER_SITE)
        assert page.status == 200 and "/a?x=1&y=2" in links(page.text)
        assert f'data-attempt="{attempt}"' in page.text
        assert f"script-src 'sha256-{script_hash(page.text)}'" in page["Content-Security-Policy"]

    def test_only_navigations_that_are_seen_get_the_page(self, keeping):
        assert keeping.exchange("GET", "/a", {"Accept": "*/*"}).status == 302
        assert keeping.exchange("HEAD", "/a", NAVIGATION).status == 302
        assert keeping.exchange("GET", "/a", XHR).status == 401

    def test_the_sign_in_address_gets_it_too(self, keeping):
        response = Browser(keeping).navigate("/.sidegate/login?rd=/a")
        assert response.status == 200 and 'data-fragment="keep"' in response.text

    def test_a_long_target_is_kept(self, keeping):
        browser = Browser(keeping)
        back = return_url(browser.navigate(link(LONGEST)).text)
        response = browser.finish(back, tokens.token())
        assert len(response["Location"]) < 100
        assert link(LONGEST) in links(browser.navigate(response["Location"]).text)

    def test_a_sign_in_that_did_not_begin_here_has_no_such_page(self, start_gate, upstream):
        gate = start_gate(upstream, session={"keepFragment": True}, identityProvider={"initiated": "allow"})
        browser = Browser(gate)
        response = browser.navigate(f"/.sidegate/callback?jwt={tokens.token()}", headers=FROM_ANOTHER_SITE)
        assert response.status == 303 and response["Location"] == "/"

    def test_the_next_page_of_the_app_signs_nobody_out(self, start_gate, upstream):
        """The page goes on by itself, so a stranger's link to the app's own sign-out would be this site's link."""
        gate = start_gate(upstream, session={"keepFragment": True, "logoutPaths": ["/logout"]})
        browser = Browser(gate)
        page = browser.navigate("/logout", headers=FROM_ANOTHER_SITE)
        response = browser.finish(return_url(page.text), tokens.token())
        own = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
        referer = gate.origin + response["Location"]
        browser.navigate("/logout", headers={**own, "Referer": referer})
        assert browser.navigate("/after").status == 200, "still signed in"
        browser.navigate("/logout", headers={**own, "Referer": gate.origin + "/page"})
        assert "sidegate" not in browser.cookies, "a link of the app's own page signs out"
