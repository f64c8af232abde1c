# SPDX-License-Identifier: Apache-2.0
"""The console: its pages, its event stream, and what they do for whom."""

import html
import json
import re
import urllib.parse

import pytest

from harness import tokens
from harness.admin import ask, started
from harness.admin import port as admin_port
from harness.certificates import Authority
from harness.console import BEARER, FORM, TOKEN, console, over_socket
from harness.event_stream import EventStream
from harness.frames import DATA, END_STREAM, FrameConnection
from harness.gate import Browser
from harness.key_server import KeyServer
from harness.process import wait_until
from harness.reloads import change, hang_up, rewrite
from harness.upstream import Upstream
from harness.wire import exchange

HTML = {"Accept": "text/html,application/xhtml+xml"}
PAGES = ["/", "/people", "/people?q=ada", "/sessions", "/audit"]
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def watched(upstream, start_gate):
    gate = start_gate(upstream, admin=console(hosts=["gate.internal"]))
    assert answer(gate, "GET", "/healthz").status == 200
    return gate


def call(gate, target="/", method="GET", headers=BEARER, body=None, host=None, **more):
    return answer(gate, method, target, {**HTML, **headers, **more}, body, host)


def answer(gate, *request):
    # The listener is open before the workers serve.
    return wait_until(lambda: started(exchange(admin_port(gate), *request)), "the workers serve")


def page(gate, target="/", **more):
    response = call(gate, target, **more)
    assert response.status == 200, response
    return response.text


def words(text: str) -> str:
    """What a page says, without its style and script."""
    text = re.sub(r"(?s)<(style|script)>.*?</\1>", " ", text)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


def post(gate, target: str, fields: dict, headers=BEARER, **more):
    return call(gate, target, "POST", {**FORM, **headers, **more}, urllib.parse.urlencode(fields).encode())


def form_token(text: str) -> str:
    return re.search(r'name="form_token" value="([^"]+)"', text).group(1)


def signed_in(gate) -> dict:
    """The cookie that the form gives for the token."""
    response = post(gate, "/sign-in", {"token": TOKEN}, headers={}, Origin=f"http://127.0.0.1:{admin_port(gate)}")
    assert response.status == 303 and response["Location"] == "/", response
    line = response["Set-Cookie"]
    assert "HttpOnly" in line and "SameSite=Strict" in line
    return {"Cookie": line.partition(";")[0]}


def wait_for_words(gate, target: str, *wanted: str) -> str:
    """What a page says, once it says all this."""
    def look():
        found = words(page(gate, target))
        return found if all(word in found for word in wanted) else None
    return wait_until(look, f"{wanted} at {target}")


class TestTheDoor:
    def test_other_clients_get_text_at_the_root_as_before(self, watched):
        for headers in ({}, {"Accept": "*/*"}, BEARER):
            response = answer(watched, "GET", "/", headers)
            assert response.status == 200 and response["Content-Type"].startswith("text/plain")
            assert response.text.startswith("/healthz\n/readyz\n/metrics\n")

    def test_without_a_token_it_says_how_to_switch_it_on_and_nothing_about_people(self, upstream, start_gate):
        gate = start_gate(upstream, admin={**console(), "token": None})
        gate.signed_in(sub="ada-lovelace")
        for target in PAGES:
            response = call(gate, target, headers={})
            assert response.status == 403, target
            assert "How to switch it on" in response.text and "admin.tokenFile".split(".")[1] in response.text
            assert "ada-lovelace" not in response.text
        assert call(gate, "/events", headers={}).status == 403
        assert answer(gate, "GET", "/", {}).status == 200

    def test_who_is_not_signed_in_gets_the_form_and_nothing_about_people(self, watched):
        watched.signed_in(sub="ada-lovelace")
        for target in PAGES:
            response = call(watched, target, headers={})
            assert response.status == (200 if target == "/" else 401), target
            assert 'type="password"' in response.text and "ada-lovelace" not in response.text
            assert "<script" not in response.text

    def test_the_token_is_typed_in_once_and_given_back(self, watched):
        cookie = signed_in(watched)
        text = page(watched, headers=cookie)
        assert "People can sign in and work" in text and TOKEN not in text
        own = f"http://127.0.0.1:{admin_port(watched)}"
        response = post(watched, "/sign-out", {"form_token": form_token(text)}, headers=cookie, Origin=own)
        assert response.status == 303 and "Max-Age=0" in response["Set-Cookie"]

    def test_a_wrong_token_is_told_and_does_not_open(self, watched):
        own = f"http://127.0.0.1:{admin_port(watched)}"
        response = post(watched, "/sign-in", {"token": "wrong"}, headers={}, Origin=own)
        assert response.status == 401 and "This is not the token" in response.text and not response.get("Set-Cookie")
        assert "wrong" not in re.sub(r"(?s)<style>.*?</style>", "", response.text)

    @pytest.mark.parametrize("target", [*PAGES, "/events", "/sessions/end?user=ada"])
    def test_a_page_whose_name_resolves_to_this_machine_sees_nothing(self, watched, target):
        cookie = signed_in(watched)
        for headers in (cookie, BEARER):
            refused = call(watched, target, headers=headers, host="evil.test:9180")
            assert refused.status == 421 and "Sessions</h1>" not in refused.text
        assert call(watched, "/", headers=cookie, host="gate.internal").status == 200

    @pytest.mark.parametrize("origin", [
        {"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {}])
    def test_a_page_of_another_site_ends_nothing_and_signs_nobody_in_or_out(self, watched, origin):
        cookie = signed_in(watched)
        ada = watched.signed_in(sub="ada")
        token = form_token(page(watched, "/sessions/end?user=ada", headers=cookie))
        for target, fields in (("/sessions/end", {"user": "ada"}), ("/sign-out", {}), ("/sign-in", {"token": TOKEN})):
            response = post(watched, target, {**fields, "form_token": token}, headers={**cookie, **origin})
            assert response.status in (303, 403) and not response.get("Set-Cookie"), (target, response)
        assert ada.fetch("GET", "/").status == 200

    def test_a_form_without_the_visitors_token_ends_nothing(self, watched):
        ada = watched.signed_in(sub="ada")
        cookie, other = signed_in(watched), signed_in(watched)
        own = {"Origin": f"http://127.0.0.1:{admin_port(watched)}"}
        foreign = form_token(page(watched, "/sessions", headers=other))
        for token in ("", "AAAA", foreign):
            assert post(watched, "/sessions/end", {"user": "ada", "form_token": token}, headers={**cookie, **own}).status == 403
        assert ada.fetch("GET", "/").status == 200

    def test_over_a_unix_socket_the_gates_user_needs_no_token(self, upstream, start_gate, tmp_path):
        path = tmp_path / "admin.sock"
        start_gate(upstream, admin={"listen": f"unix:{path}"})
        wait_until(lambda: b"People can sign in and work" in over_socket(path, "GET", "/", HTML)[1], "the workers serve")

    def test_pages_allow_nothing_but_their_own_script_and_style(self, watched):
        for target in PAGES:
            response = call(watched, target)
            policy = response["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
            assert response["Cache-Control"] == "no-store" and response["X-Content-Type-Options"] == "nosniff"
            assert not re.search(r'(?:src|href)="(?:https?:)?//', response.text)


class TestTheOverview:
    def test_an_app_that_is_away_is_the_headline(self, start_gate):
        upstream = Upstream()
        gate = start_gate(upstream, admin=console())
        assert "<h1>People can sign in and work</h1>" in page(gate)
        upstream.stop()
        text = wait_for_words(gate, "/", "People cannot work", "nothing listens there")
        assert f"The app at {upstream.url} cannot be reached" in text and "upstream.url" in text

    def test_keys_that_were_never_fetched_are_the_headline(self, upstream, start_gate):
        server = KeyServer()
        server.says(503)
        gate = start_gate(upstream, admin=console(), token={"keys": [{"jwksURL": server.url}]})
        text = wait_for_words(gate, "/", "Nobody can sign in", "503")
        assert server.url in text and "sidegate doctor" in text
        server.stop()

    def test_the_last_reload_and_the_last_failure_are_told_by_name_and_never_by_value(self, upstream, start_gate, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text(tokens.SECRET)
        secret.chmod(0o600)
        gate = start_gate(upstream, admin=console(), token={"keys": [{"secretFile": str(secret)}]})
        assert "Not reloaded since the start." in page(gate)
        new = "another-session-secret-of-at-least-32-bytes"
        change(gate, session={"secret": new}, limits={"requestsPerSecond": 50}, access={"users": {"emails": ["ada@example.com"]}})
        text = wait_for_words(gate, "/", "limits.requestsPerSecond")
        for name in ("session.secret", "access.users.emails"):
            assert name in text
        assert new not in text and "ada@example.com" not in text and "limits.headerTimeout" not in text
        rewrite(gate, upstrem="http://127.0.0.1:1")
        text = wait_for_words(gate, "/", "Newer one has errors", "did you mean `upstream`?")
        assert "sidegate.yaml:" in text and "limits.requestsPerSecond" in text
        config = {k: v for k, v in json.loads(gate.config.read_text()).items() if k != "upstrem"}
        gate.config.write_text(json.dumps(config))
        wait_for_words(gate, "/", "In force", "No option was changed.")
        secret.write_text("another-key-of-at-least-32-bytes-for-tokens")
        text = wait_for_words(gate, "/", f"contents of {secret}")
        assert "another-key" not in text

    def test_the_certificate_that_ends_next_is_told_in_days(self, upstream, start_gate, tmp_path):
        made = Authority(tmp_path).issue("front", "DNS:app.example.com,DNS:www.example.com")
        gate = start_gate(upstream, tls={"certificates": [made.settings]}, admin=console())
        text = words(page(gate))
        assert "Next ends in 9 days" in text and "app.example.com, www.example.com" in text
        assert "this needs attention" in text and "The certificate of tls (app.example.com and 1 more) ends in 9 days." in text

    def test_without_tls_there_is_no_certificate(self, watched):
        assert "Plain HTTP on every address." in page(watched)

    def test_what_a_token_says_is_never_markup(self, watched):
        watched.signed_in(sub=HOSTILE)
        for target in [*PAGES, "/people?q=" + urllib.parse.quote(HOSTILE), "/sessions?q=" + urllib.parse.quote(HOSTILE)]:
            assert "<img" not in page(watched, target)
        assert HOSTILE in words(page(watched, "/audit"))


class TestPeopleAndSessions:
    def test_why_ada_cannot_sign_in(self, upstream, start_gate):
        gate = start_gate(upstream, admin=console(), access={"users": {"emails": ["grace@example.com"]}})
        ada = Browser(gate)
        refused = ada.sign_in_with(tokens.token(sub="ada", email="ada@example.com"))
        request = re.search(r"<dd>([0-9a-zA-Z-]{16,})</dd>", refused.text).group(1)
        text = words(page(gate, "/people?q=ADA"))
        assert "ada was refused" in text and "user_not_registered" in text and "What to do" in text
        assert request in text and "access.users" in text
        assert "ada was refused" in words(page(gate, f"/people?q={request}"))
        assert "This gate has seen nothing of “grace”." in words(page(gate, "/people?q=grace"))

    def test_a_session_is_listed_found_and_ended_after_a_question(self, watched):
        ada, grace = watched.signed_in(sub="ruth"), watched.signed_in(sub="grace")
        for browser in (ada, grace):
            assert browser.fetch("GET", "/").status == 200
        wait_for_words(watched, "/sessions", "2 sessions", "ruth", "grace")
        text = page(watched, "/sessions?q=RUT")
        assert "grace" not in words(text) and "1 session found" in words(text)
        question = re.search(r'href="(/sessions/end\?session=[^"]+)"', text).group(1)
        asked = page(watched, question)
        assert "End this session of ruth?" in asked
        assert ada.fetch("GET", "/").status == 200
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked.partition("<main")[2]))
        response = post(watched, "/sessions/end", fields)
        assert response.status == 303 and response["Location"] == "/sessions?done=ended"
        assert ada.navigate("/").status == 302
        assert grace.fetch("GET", "/").status == 200
        assert "Ended." in words(page(watched, response["Location"]))
        wait_for_words(watched, "/audit", "Ended by an operator", "by token from 127.0.0.1")

    def test_all_sessions_of_a_user_are_ended(self, watched):
        browsers = [watched.signed_in(sub="ada") for _ in range(2)]
        grace = watched.signed_in(sub="grace")
        # A session is known from its first request.
        assert [b.fetch("GET", "/").status for b in browsers] == [200, 200]
        wait_for_words(watched, "/people?q=ada", "End all sessions of ada")
        asked = page(watched, "/sessions/end?user=ada")
        response = post(watched, "/sessions/end", {"user": "ada", "form_token": form_token(asked.partition("<main")[2])})
        assert response.status == 303 and response["Location"].startswith("/people?q=ada")
        assert [b.navigate("/").status for b in (*browsers, grace)] == [302, 302, 200]

    def test_odd_addresses_are_answered(self, watched):
        for target in ("/sessions?page=0", "/sessions?page=99999999999999999999", "/sessions?page=-1&q=%ff", "/people?q=%",
                       "/people?q=a&q=b", "/sessions?q=" + "x" * 3000):
            assert call(watched, target).status == 200, target
        assert call(watched, "/sessions/end").status == 303
        assert call(watched, "/sessions/end?session=nonsense").status == 404
        assert call(watched, "/sessions/end", "DELETE").status == 405


class TestTheEventStream:
    def test_a_sign_in_and_a_refusal_come_as_they_happen(self, watched):
        stream = EventStream(admin_port(watched), BEARER)
        assert stream.head.status == 200 and stream.head["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.head["Cache-Control"] == "no-store" and stream.head["Transfer-Encoding"] == "chunked"
        watched.signed_in(sub="ada")
        first, event = stream.next()
        assert (event["event"], event["user"], event["words"]) == ("login", "ada", "Signed in")
        Browser(watched).sign_in_with(tokens.token(exp=1))
        second, event = stream.next()
        assert (event["event"], event["reason"]) == ("denied", "expired") and event["title"]
        assert first != second
        # It is the audit line of the log, with words for people.
        line = json.loads(wait_until(lambda: [t for t in watched.log().splitlines() if '"event":"denied"' in t], "the line")[0])
        assert line.items() <= event.items() and event.keys() - line.keys() == {"words", "title", "tone"}

    def test_it_continues_after_the_last_event_that_was_seen(self, watched):
        for user in ("ada", "bob", "eve"):
            watched.signed_in(sub=user)
        stream = EventStream(admin_port(watched), BEARER)
        seen = [stream.next() for _ in range(3)]
        assert [event["user"] for _, event in seen] == ["ada", "bob", "eve"]
        again = EventStream(admin_port(watched), {**BEARER, "Last-Event-ID": seen[0][0]})
        assert [again.next()[1]["user"] for _ in range(2)] == ["bob", "eve"]
        there = EventStream(admin_port(watched), BEARER, f"/events?after={seen[1][0]}")
        assert there.next()[1]["user"] == "eve"
        # A position of another process: everything.
        other = EventStream(admin_port(watched), {**BEARER, "Last-Event-ID": "AAAAAAAA-2"})
        assert other.next()[1]["user"] == "ada"
        # The last position of the page: nothing yet.
        position = re.search(r'data-after="([^"]+)"', page(watched)).group(1)
        new = EventStream(admin_port(watched), {**BEARER, "Last-Event-ID": position})
        watched.signed_in(sub="zoe")
        assert new.next()[1]["user"] == "zoe"

    def test_over_http2_on_a_connection_with_others(self, watched):
        with FrameConnection(admin_port(watched)) as connection:
            stream = connection.request("GET", "/events", [("authorization", f"Bearer {TOKEN}")])
            connection.read_until(lambda frame: frame.stream == stream and frame.type == DATA)
            assert connection.get("/healthz").status == 200
            watched.signed_in(sub="ada")
            connection.read_until(lambda _: b'"user":"ada"' in connection.content(stream))
            assert not any(f.stream == stream and f.flags & END_STREAM for f in connection.frames)

    def test_it_ends_with_the_token(self, watched):
        streams = [EventStream(admin_port(watched), BEARER), EventStream(admin_port(watched), signed_in(watched))]
        for stream in streams:
            stream.block()
        change(watched, admin={"token": "another-admin-token-of-at-least-32-bytes"})
        for stream in streams:
            stream.read_to_end()

    def test_it_ends_when_the_gate_stops(self, upstream, start_gate):
        gate = start_gate(upstream, admin=console())
        stream = EventStream(admin_port(gate), BEARER)
        stream.block()
        assert gate.stop() == 0

    def test_sixteen_at_most_and_room_for_others(self, watched):
        streams = [EventStream(admin_port(watched), BEARER) for _ in range(16)]
        assert all(stream.head.status == 200 for stream in streams)
        crowded = call(watched, "/events")
        assert crowded.status == 503 and crowded["Retry-After"]
        assert ask(watched, "/healthz").status == 200 and call(watched, "/").status == 200
        streams.pop().close()
        wait_until(lambda: EventStream(admin_port(watched), BEARER).head.status == 200, "a place is free again")

    def test_a_follower_that_reads_nothing_holds_nobody_up(self, watched):
        idle = EventStream(admin_port(watched), BEARER)
        quick = EventStream(admin_port(watched), BEARER)
        quick.block()
        for _ in range(30):
            watched.signed_in(sub="ada")
        assert [quick.next()[1]["user"] for _ in range(30)] == ["ada"] * 30
        idle.close()

    def test_head_gets_no_content(self, watched):
        response = call(watched, "/events", "HEAD")
        assert response.status == 200 and response["Content-Type"].startswith("text/event-stream")

    def test_without_a_console_nothing_is_kept(self, upstream, start_gate):
        gate = start_gate(upstream, admin={**console(), "token": None})
        gate.signed_in(sub="ada")
        change(gate, admin={"token": TOKEN})
        gate.signed_in(sub="bob")
        assert EventStream(admin_port(gate), BEARER).next()[1]["user"] == "bob"
