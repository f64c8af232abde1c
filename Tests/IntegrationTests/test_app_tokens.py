# SPDX-License-Identifier: Apache-2.0
"""An app with tokens of its own: a parameter of the same name, bearer tokens; and the provider's token at a wrong path."""

import json

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.frames import FrameConnection
from harness.front import FRONTS
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser, sidegate
from harness.journal import lines, wait_for_audit
from harness.ports import free_port
from harness.process import wait_until
from harness.tokens import token
from harness.visits import Visit, accepted

OTHER = "a-secret-of-the-app-s-own-with-32-bytes-or-more"
RETURN_PATH = "/sso/login/jwt"


def theirs(**claims) -> str:
    return token(OTHER, **claims)


class TestTheParameter:
    @pytest.mark.parametrize("query", [
        "jwt=abc", "jwt=THEIRS", "a=%20&j%77t=THEIRS;b&&", "jwt=x&jwt=y", "jwt=", "jwt", "JWT=OURS", "next=/a?jwt=THEIRS", "jwt=OURSx",
        "jwt=a&jwt=b&jwt=c&jwt=d&jwt=e&jwt=f.g.h"])
    def test_the_apps_own_passes_byte_for_byte(self, gate, upstream, query):
        query = query.replace("OURS", token()).replace("THEIRS", theirs())
        browser = gate.signed_in()
        page = f"{gate.origin}/from?{query}"
        assert browser.navigate(f"/room?{query}", headers={"Referer": page}).status == 200
        assert upstream.last.target == f"/room?{query}" and upstream.last.all("Referer") == [page]

    @pytest.mark.parametrize("query, kept", [
        ("jwt=OURS", ""), ("jwt=EXPIRED", ""), ("a=1&jwt=OURS&b", "?a=1&b"), ("j%77t=OURS;b=%20", "?b=%20"), ("jwt=THEIRS&jwt=OURS", "?jwt=THEIRS"),
        ("jwt=ENCODED", ""), ("state=1?jwt=OURS", "?state=1"),
        ("jwt=a&jwt=b&jwt=c&jwt=d&jwt=e&jwt=OURS", "?jwt=a&jwt=b&jwt=c&jwt=d&jwt=e"), ("&jwt=OURS&b", "?&b"),
        # Only so many signatures are verified for one URL; what may be a token after that does not pass.
        ("jwt=a.b.c&jwt=a.b.d&jwt=a.b.e&jwt=a.b.f&jwt=OURS&jwt=x", "?jwt=a.b.c&jwt=a.b.d&jwt=a.b.e&jwt=a.b.f&jwt=x")])
    def test_the_providers_goes(self, gate, upstream, query, kept):
        other = theirs()
        expired = token(iat=1, exp=2)
        query = query.replace("OURS", token()).replace("THEIRS", other).replace("EXPIRED", expired).replace("ENCODED", token().replace(".", "%2e"))
        browser = gate.signed_in()
        assert browser.navigate(f"/room?{query}", headers={"Referer": f"{gate.origin}/from?{query}"}).status == 200
        kept = kept.replace("THEIRS", other)
        assert upstream.last.target == f"/room{kept}" and upstream.last.all("Referer") == [f"{gate.origin}/from{kept}"]
        assert expired not in gate.log() and other not in gate.log()

    def test_over_http_2(self, gate, upstream):
        cookie = gate.session_cookie()["Cookie"]
        own = f"/room?jwt={theirs()}&x"
        with FrameConnection(gate.port) as c:
            for path, kept in [(own, own), (f"/room?jwt={token()}&x", "/room?x")]:
                assert c.get(path, [("cookie", cookie), ("referer", gate.origin + path)]).status == 200
                assert upstream.last.target == kept and upstream.last.all("Referer") == [gate.origin + kept]

    def test_in_each_of_several_apps(self, upstream, start_gate):
        gate = start_gate(upstream, upstreams=[{"paths": ["/wiki/*"], "url": upstream.url, "stripPrefix": "/wiki"}],
                          access={"rules": [{"paths": ["/admin/*"], "deny": True}]})
        browser = gate.signed_in()
        own = theirs()
        for path, kept in [(f"/wiki/a?jwt={own}", f"/a?jwt={own}"), (f"/wiki/a?jwt={token()}", "/a"), (f"/b%2Fc?jwt={own}&d", f"/b%2Fc?jwt={own}&d")]:
            assert browser.navigate(path).status == 200
            assert upstream.last.target == kept

    def test_in_a_deep_link(self, gate, upstream):
        for link in [f"/room?jwt={theirs()}&x=%20", "/reset?jwt=abc"]:
            assert accepted(Visit(gate).enter(token(), link)) == link
        # A token that came to the sign-in's address goes no further.
        browser = Visit(gate)
        browser.go(f"/.sidegate/login?return_to=/room%3Fjwt%3D{token()}%26x")
        assert accepted(browser.bring(token())) == "/room?x"

    def test_with_the_preset_whose_parameter_is_token(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={"preset": "proprofs"}, token={"keys": [{"secret": tokens.SECRET, "secretEncoding": "utf8"}]})
        browser = Visit(gate, "/access/jwtsso/", "token")
        assert accepted(browser.enter(token(user_email="ada@example.com", exp=None), "/reset?token=abc")) == "/reset?token=abc"
        assert browser.navigate("/reset?token=abc").status == 200 and upstream.last.target == "/reset?token=abc"

    def test_of_guests_and_on_open_paths(self, upstream, start_gate):
        for access in [{"default": "guest"}, {"rules": [{"paths": ["/*"], "allow": "anyone"}]}]:
            gate = start_gate(upstream, access=access)
            assert gate.exchange("GET", f"/room?jwt={theirs()}", NAVIGATION).status == 200
            assert upstream.last.target.startswith("/room?jwt=ey")
            # A script's request, since a navigation with it came from the provider.
            assert gate.exchange("GET", f"/room?jwt={token()}", XHR).status == 200 and upstream.last.target == "/room"


class TestAWrongReturnPath:
    @pytest.fixture
    def gate(self, upstream, start_gate):
        return start_gate(upstream, identityProvider={"returnPath": RETURN_PATH}, admin={"listen": f"127.0.0.1:{free_port()}"})

    @pytest.mark.parametrize("path", ["/sso/jwt", "/", "/sso/login/jwt/", "//sso/login/jwt", "/sso/login/JWT", "/.sidegate/callback", "/.sidegate/login"])
    def test_both_paths_are_named(self, gate, upstream, path):
        jwt = token()
        browser = Browser(gate)
        browser.start("/page")
        response = browser.navigate(f"{path}?jwt={jwt}", headers={"Sec-Fetch-Site": "cross-site"})
        assert response.status == 400 and "return_path_mismatch" in response.text
        assert f"sent you to {path};" in response.text and RETURN_PATH in response.text
        assert jwt not in response.text and response["Cache-Control"] == "no-store"
        line = wait_for_audit(gate, "denied")
        assert line["reason"] == "return_path_mismatch" and path in line["detail"] and RETURN_PATH in line["detail"]
        assert jwt not in gate.log() and jwt.split(".")[1] not in gate.log()
        assert Metrics(gate).get("sidegate_denied_total", reason="return_path_mismatch") == 1
        assert upstream.requests == []
        # It was not used up.
        browser.return_path = RETURN_PATH
        assert browser.navigate(f"{RETURN_PATH}?jwt={jwt}", headers={"Sec-Fetch-Site": "cross-site"}).status in (200, 303)

    @pytest.mark.parametrize("value", ["abc", "", "THEIRS", "a.b.c", "a.b.c" + "&jwt=a.b.c" * 9])
    def test_strangers_cannot_lead_anybody_there(self, gate, value):
        response = Browser(gate).navigate(f"/sso/jwt?jwt={value.replace('THEIRS', theirs())}")
        assert response.status == 302 and "idp.test" in response["Location"]

    def test_only_navigations_without_a_session(self, gate, upstream):
        jwt = token()
        assert gate.exchange("GET", f"/sso/jwt?jwt={jwt}", XHR).status == 401
        browser = Visit(gate, RETURN_PATH)
        assert accepted(browser.enter(token()))
        assert browser.navigate(f"/sso/jwt?jwt={jwt}").status == 200 and upstream.last.target == "/sso/jwt"

    def test_an_expired_token_is_one_too_and_json_is_json(self, gate):
        response = Browser(gate).navigate(f"/sso/jwt?jwt={token(iat=1, exp=2)}", headers={"Accept": "application/json, */*"})
        body = json.loads(response.body)
        assert response.status == 400 and body["reason"] == "return_path_mismatch" and RETURN_PATH in body["message"]

    def test_over_http_2(self, gate):
        with FrameConnection(gate.port) as c:
            response = c.get(f"/sso/jwt?jwt={token()}", [(n.lower(), v) for n, v in NAVIGATION.items()])
            assert response.status == 400 and b"/sso/jwt" in response.body and RETURN_PATH.encode() in response.body

    def test_a_form_of_the_provider(self, gate, upstream):
        browser = Browser(gate)
        for path in ["/sso/jwt", "/sso/login/jwt/"]:
            response = browser.post_form(path, {"jwt": token()}, {"Origin": "https://idp.test", **FROM_ANOTHER_SITE})
            assert response.status == 400 and "return_path_mismatch" in response.text and RETURN_PATH in response.text
        assert browser.post_form("/sso/jwt", {"jwt": theirs()}, {"Origin": "https://idp.test", **FROM_ANOTHER_SITE}).status == 401
        assert upstream.requests == []

    def test_for_guests_and_on_open_paths(self, upstream, start_gate):
        for access in [{"default": "guest"}, {"rules": [{"paths": ["/*"], "allow": "anyone"}]}]:
            gate = start_gate(upstream, access=access)
            response = Browser(gate).navigate(f"/sso/jwt?jwt={token()}")
            assert response.status == 400 and "return_path_mismatch" in response.text


class TestForwardAuth:
    @pytest.mark.parametrize("name", sorted(FRONTS))
    def test_behind_a_proxy(self, name, tmp_path, upstream, start_gate):
        gate = start_gate("http://127.0.0.1:9", trustedProxies=["127.0.0.1"])
        front = FRONTS[name](tmp_path / "front", gate, upstream)
        try:
            browser = Browser(front)
            response = browser.navigate(f"/sso/jwt?jwt={token()}")
            # nginx sends its own page for a 403.
            assert response.status in ((403, 400) if name == "nginx" else (400,)), response.text
            if response.status == 400:
                assert "/sso/jwt;" in response.text and "/.sidegate/callback" in response.text
            own = f"/room?jwt={theirs()}&x"
            response = browser.finish(browser.start(own), token())
            assert response.status == 303 and response["Location"].endswith(own)
            wait_until(lambda: any(
                line.get("reason") == "return_path_mismatch" and "/sso/jwt" in line.get("detail", "") for line in lines(gate)), "the log")
        finally:
            front.stop()

    def test_the_answer_to_a_question(self, upstream, start_gate):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"], identityProvider={"returnPath": RETURN_PATH})
        for path in ["/sso/jwt", "/sso/login/jwt/"]:
            question = {**NAVIGATION, "X-Original-URL": f"https://app.test{path}?jwt={token()}", "X-Original-Method": "GET"}
            assert gate.exchange("GET", "/.sidegate/auth", question).status == 403
            question = {**NAVIGATION, "X-Forwarded-Uri": f"{path}?jwt={token()}", "X-Forwarded-Method": "GET"}
            response = gate.exchange("GET", "/.sidegate/auth", question)
            assert response.status in (400, 403)
        wait_until(lambda: len([line for line in lines(gate) if line.get("reason") == "return_path_mismatch"]) == 8, "the log")
        bearer = {"X-Original-URL": "https://app.test/api", "X-Original-Method": "GET", "Authorization": f"Bearer {theirs()}"}
        assert gate.exchange("GET", "/.sidegate/auth", bearer).status == 401


class TestBearer:
    @pytest.mark.parametrize("access", [{"default": "guest"}, {"rules": [{"paths": ["/api/*"], "allow": "anyone"}]}])
    def test_of_the_app_passes(self, upstream, start_gate, access):
        gate = start_gate(upstream, access=access)
        for value in ["abc", theirs(), "a.b.c"]:
            assert gate.exchange("GET", "/api/x", {**XHR, "Authorization": f"Bearer {value}"}).status == 200
            assert upstream.last.all("Authorization") == [f"Bearer {value}"] and not upstream.last.get("X-Forwarded-User")
        good = token()
        assert gate.exchange("GET", "/api/x", {**XHR, "Authorization": f"Bearer {good}"}).status == 200
        assert upstream.last.all("Authorization") == [] and upstream.last.get("X-Forwarded-User") == "ada"
        upstream.requests.clear()
        response = gate.exchange("GET", "/api/x", {**XHR, "Authorization": f"Bearer {token(iat=1, exp=2)}"})
        if "default" in access:
            assert response.status == 401 and upstream.requests == []
        else:
            assert response.status == 200 and upstream.last.all("Authorization") == []

    @pytest.mark.parametrize("access", [{"default": "guest"}, {"rules": [{"paths": ["/api/*"], "allow": "anyone"}]}])
    def test_in_forward_auth(self, upstream, start_gate, access):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"], access=access)
        question = {"X-Original-URL": "https://app.test/api/x", "X-Original-Method": "GET"}
        response = gate.exchange("GET", "/.sidegate/auth", {**question, "Authorization": f"Bearer {theirs()}"})
        assert response.status == 202 and "authorization" not in [n.lower() for n, _ in response.fields]

    def test_over_http_2(self, upstream, start_gate):
        gate = start_gate(upstream, access={"default": "guest"})
        with FrameConnection(gate.port) as c:
            assert c.get("/api", [("authorization", f"Bearer {theirs()}")]).status == 200
            assert upstream.last.get("Authorization").startswith("Bearer ey")

    def test_elsewhere_it_is_refused(self, gate):
        assert gate.exchange("GET", "/api/x", {**XHR, "Authorization": f"Bearer {theirs()}"}).status == 401


class TestExplain:
    """`explain URL` says what the gate does with it."""

    @pytest.fixture
    def explain(self, tmp_path):
        config = tmp_path / "sidegate.yaml"
        config.write_text(json.dumps({
            "listen": ["127.0.0.1:0"], "upstream": "http://127.0.0.1:1", "publicURL": "https://app.test",
            "identityProvider": {"loginURL": "https://idp.test/login?return_url={returnURL}", "returnPath": RETURN_PATH},
            "token": {"keys": [{"secret": tokens.SECRET}]}, "session": {"secret": tokens.SECRET[::-1]}, "admin": {"listen": "off"}}))
        config.chmod(0o600)
        return lambda text: sidegate("explain", "--config", config, text)

    @pytest.mark.parametrize("text", [
        "TOKEN", "https://app.test/sso/login/jwt?jwt=TOKEN", "/sso/login/jwt?a=1&j%77t=TOKEN&state=x", "jwt=TOKEN&x=1",
        "https://app.test/sso/login/jwt?state=x?jwt=TOKEN", "https://app.test/sso/login/jwt?jwt=TOKEN&jwt=",
        "https://app.test/sso/login/jwt?jwt=&jwt=TOKEN", "jwt=&jwt=TOKEN", "Authorization: Bearer TOKEN"])
    def test_a_good_return(self, explain, text):
        done = explain(text.replace("TOKEN", token()))
        assert done.returncode == 0 and done.stdout.endswith("\naccepted\n"), done.stdout

    @pytest.mark.parametrize("text, reason, words", [
        ("https://app.test/sso/jwt?jwt=TOKEN", "return_path_mismatch", ["/sso/jwt", RETURN_PATH]),
        ("https://app.test/sso/login/jwt/?jwt=TOKEN", "return_path_mismatch", ["/sso/login/jwt/"]),
        ("https://app.test//sso/login/jwt?jwt=TOKEN", "return_path_mismatch", ["//sso/login/jwt"]),
        ("https://app.test?jwt=TOKEN", "return_path_mismatch", ["got:      /\n"]),
        ("/sso/login/jwt?token=TOKEN&x=1", "token_missing", ["parameter jwt", "only token, x"]),
        ("/sso/login/jwt?JWT=TOKEN", "token_missing", ["only JWT"]),
        ("/sso/login/jwt#jwt=TOKEN", "token_missing", ["behind #"]),
        ("/sso/login/jwt?jwt=TOKEN&jwt=TOKEN", "token_malformed", ["2 of them"]),
        ("/sso/login/jwt?jwt=TOKEN&jwt=x", "token_malformed", ["2 of them"]),
        ("/sso/login/jwt?jwt=TOKEN&state=a&state=b", "token_malformed", ["state"]),
        ("jwt=TOKEN&jwt=x", "token_malformed", ["2 of them"]),
        ("token=TOKEN&x=1", "token_missing", ["only token, x"]),
        ("https://app.test/sso/login/jwt", "token_missing", ["no parameter"]),
    ])
    def test_a_mistake_is_named(self, explain, text, reason, words):
        done = explain(text.replace("TOKEN", token()))
        assert done.returncode == 2 and done.stdout.endswith(f"\nrefused: {reason}\n"), done.stdout
        for word in words:
            assert word in done.stdout, done.stdout

    def test_the_gate_does_the_same(self, upstream, start_gate, tmp_path):
        gate = start_gate(upstream, identityProvider={"returnPath": RETURN_PATH})
        for url, reason in [("/sso/jwt?jwt=TOKEN", "return_path_mismatch"), (f"{RETURN_PATH}?token=TOKEN", "token_missing"),
                            (f"{RETURN_PATH}?jwt=TOKEN&jwt=x", "token_malformed")]:
            url = url.replace("TOKEN", token())
            assert reason in Browser(gate).navigate(url).text
            assert f"refused: {reason}" in sidegate("explain", "--config", gate.config, gate.origin + url).stdout

    # What a return holds, and what explain says at its end: the gate's own verdict on the same request.
    SAME = [
        (f"{RETURN_PATH}?jwt=OURS", "accepted"), (f"{RETURN_PATH}?jwt=&jwt=OURS", "accepted"), (f"{RETURN_PATH}?jwt=THEIRS", "refused: signature_invalid"),
        (f"{RETURN_PATH}?jwt=LOGOUT", "refused: claims_malformed"), ("/sso/jwt?jwt=OURS", "refused: return_path_mismatch"),
        ("/sso/jwt?jwt=EXPIRED", "refused: return_path_mismatch"), ("/sso/jwt?jwt=THEIRS", "refused: unauthenticated"),
        ("/sso/jwt?token=OURS", "refused: unauthenticated"), ("/.sidegate/login?jwt=OURS", "refused: return_path_mismatch"),
        ("/.sidegate/login?jwt=THEIRS", "refused: unauthenticated"), ("/.sidegate/logout?jwt=THEIRS", "answered by Sidegate"),
        ("/.sidegate/logout?jwt=OURS", "refused: return_path_mismatch"), ("/.sidegate/backchannel-logout?jwt=THEIRS", "answered by Sidegate"),
        ("/.sidegate/session?jwt=THEIRS", "refused: unauthenticated"), ("/.sidegate/unknown?jwt=THEIRS", "answered by Sidegate"),
        ("/a/%2e%2e/b?jwt=THEIRS", "refused: path_unreadable"), ("/%2e/.sidegate/session?jwt=THEIRS", "refused: path_unreadable"),
    ]

    def test_it_says_what_the_gate_does_for_every_path(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={"returnPath": RETURN_PATH, "initiated": "allow"},
                          access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]})
        logout = token(events={"http://schemas.openid.net/event/backchannel-logout": {}})
        for url, words in self.SAME:
            for name, value in {"OURS": token(), "THEIRS": theirs(), "EXPIRED": token(iat=1, exp=2), "LOGOUT": logout}.items():
                url = url.replace(name, value)
            page = Browser(gate).navigate(url, headers={**NAVIGATION, **FROM_ANOTHER_SITE})
            said = sidegate("explain", "--config", gate.config, gate.origin + url)
            last = said.stdout.splitlines()[-1]
            assert last == words, (url, said.stdout)
            assert said.returncode == (0 if last == "accepted" else 2)
            if last.startswith("refused: ") and last != "refused: unauthenticated":
                assert last.partition(": ")[2] in page.text, url
            elif last == "refused: unauthenticated":
                assert page.status == (401 if "/session?" in url else 302), url
            elif last == "accepted":
                assert page.status in (200, 302, 303) and page.all("Set-Cookie"), url

    def test_the_token_alone_and_as_a_form_or_bearer_token(self, explain):
        logout = token(events={"http://schemas.openid.net/event/backchannel-logout": {}})
        for text in [logout, f"jwt={logout}", f"Authorization: Bearer {logout}"]:
            done = explain(text)
            assert done.returncode == 2 and done.stdout.endswith("\nrefused: claims_malformed\n"), done.stdout

    def test_a_guests_bearer_token_is_the_apps(self, upstream, start_gate):
        gate = start_gate(upstream, access={"default": "guest"})
        field = f"Bearer {theirs()}"
        assert gate.exchange("GET", "/api", {**XHR, "Authorization": field}).status == 200
        said = sidegate("explain", "--config", gate.config, f"Authorization: {field}")
        assert said.returncode == 0 and said.stdout.endswith("\nlet in\n") and "it is the app's" in said.stdout, said.stdout
        field = f"Bearer {token(iat=1, exp=2)}"
        assert gate.exchange("GET", "/api", {**XHR, "Authorization": field}).status == 401
        said = sidegate("explain", "--config", gate.config, f"Authorization: {field}")
        assert said.returncode == 2 and said.stdout.endswith("\nrefused: expired\n"), said.stdout

    def test_bearer_tokens_that_are_off_are_not_looked_at(self, upstream, start_gate):
        gate = start_gate(upstream, token={"bearer": False})
        said = sidegate("explain", "--config", gate.config, f"Bearer {token()}")
        assert said.returncode == 2 and said.stdout.endswith("\nrefused: unauthenticated\n") and "token.bearer is off" in said.stdout

    def test_another_address_is_noted(self, explain):
        done = explain(f"http://app.test{RETURN_PATH}?jwt={token()}")
        assert done.returncode == 0 and "http://app.test; publicURL is https://app.test" in done.stdout
