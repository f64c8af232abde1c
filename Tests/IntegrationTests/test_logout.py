# SPDX-License-Identifier: Apache-2.0
"""Logout: at the provider with a signed token, and at the gate by back channel, in every browser of the user."""

import asyncio
import base64
import hmac
import threading
import time
import urllib.parse

import pytest
import websockets

from harness import mints
from harness.gate import NAVIGATION, XHR, sidegate
from harness.journal import wait_for_audit
from harness.mints import MINTS, by_php, by_python
from harness.process import wait_until
from harness.tokens import base64url, token
from harness.visits import Visit, accepted, query

BACK_CHANNEL = "/.sidegate/backchannel-logout"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def logout_claims(**changes) -> dict:
    return mints.claims(**{"email": None, **changes})


def tell(gate, jwt: str, field: str = "logout_token", headers=()):
    """Sends the provider's back-channel logout."""
    body = urllib.parse.urlencode({field: jwt}).encode()
    response = gate.exchange("POST", BACK_CHANNEL, {**FORM, **dict(headers)}, body)
    pass_a_millisecond()
    return response


def pass_a_millisecond():
    """A session's start is stored in milliseconds; a session begun in the same millisecond as the logout ends as well."""
    last = int(time.time() * 1000)
    wait_until(lambda: int(time.time() * 1000) > last, "the next millisecond", interval=0.001)


def signed_in(gate, **claims) -> Visit:
    browser = Visit(gate)
    accepted(browser.enter(token(**claims)))
    return browser


def is_in(browser) -> bool:
    """Whether the session is valid; does not change the browser's cookies."""
    status = browser.gate.exchange("GET", "/", {**NAVIGATION, "Cookie": browser.cookie_header()}).status
    assert status in (200, 302)
    return status == 200


class TestLogoutURL:
    def start(self, upstream, start_gate, url, **changes):
        return start_gate(upstream, identityProvider={"logoutURL": url}, **changes)

    def test_placeholders_are_percent_encoded(self, upstream, start_gate):
        gate = self.start(upstream, start_gate, "https://idp.test/out?mail={email}&back={returnTo}&t={logoutToken}#x")
        location = signed_in(gate, email="ada+x&y=1@example.com").sign_out()["Location"]
        assert location.startswith("https://idp.test/out?mail=ada%2Bx%26y%3D1%40example.com&back=http%3A%2F%2F127.0.0.1")
        assert query(location)["back"].startswith(gate.origin)

    @pytest.mark.parametrize("read", [mints.read_by_php, mints.read_by_python], ids=["PHP", "Python"])
    def test_logout_token_is_verified_by_other_implementations(self, upstream, start_gate, read):
        gate = self.start(upstream, start_gate, "https://idp.test/out?t={logoutToken}")
        now = int(time.time())
        location = signed_in(gate).sign_out()["Location"]
        claims = read(query(location)["t"])["claims"]
        assert claims["email"] == "ada@example.com" and claims["sub"] == "ada"
        assert now <= claims["iat"] <= now + 5 and claims["exp"] == claims["iat"] + 60 and len(claims["jti"]) >= 16
        with pytest.raises(AssertionError):
            mints.read_by_python(query(location)["t"], "another-secret-of-32-bytes-or-more-01")

    def test_logout_token_is_signed_with_the_decoded_key(self, upstream, start_gate):
        """With secretEncoding the key is the decoded text."""
        key = bytes(range(32))
        gate = self.start(upstream, start_gate, "https://idp.test/out?t={logoutToken}",
                          token={"keys": [{"secret": base64.b64encode(key).decode(), "secretEncoding": "base64"}]})
        browser = Visit(gate)
        accepted(browser.enter(by_python(mints.claims(), key)))
        jwt = query(browser.sign_out()["Location"])["t"]
        signing_input, _, signature = jwt.rpartition(".")
        assert base64url(hmac.digest(key, signing_input.encode(), "sha256")) == signature

    def test_logout_token_is_refused_for_sign_in(self, upstream, start_gate):
        gate = self.start(upstream, start_gate, "https://idp.test/out?t={logoutToken}")
        jwt = query(signed_in(gate).sign_out()["Location"])["t"]
        thief = Visit(gate)
        assert thief.enter(jwt).status == 403 and not thief.has_session

    def test_logout_token_needs_a_secret(self, tmp_path):
        (tmp_path / "idp.pem").write_text(mints.public_key(mints.private_key("RS256")))
        config = tmp_path / "sidegate.yaml"
        config.write_text("upstream: http://127.0.0.1:1\nidentityProvider:\n  loginURL: https://idp.test/\n"
                          "  logoutURL: https://idp.test/out?t={logoutToken}\n"
                          "token: { algorithms: [RS256], keys: [{ publicKeyFile: idp.pem }] }\n"
                          "session: { secret: a-session-secret-of-at-least-32-bytes-0002 }\n")
        config.chmod(0o600)
        done = sidegate("check", "--config", config)
        assert done.returncode == 1 and "logoutToken" in done.stderr + done.stdout

    def test_a_user_who_is_not_signed_in_gets_no_token(self, upstream, start_gate):
        gate = self.start(upstream, start_gate, "https://idp.test/out?t={logoutToken}")
        response = Visit(gate).sign_out()
        location = response.get("Location", "")
        assert "eyJ" not in location


class TestBackChannel:
    @pytest.mark.parametrize("mint", MINTS.values(), ids=MINTS)
    @pytest.mark.parametrize("named", [{"sub": "ada"}, {"sub": None, "email": "ada@example.com"},
                                       {"sub": None, "email": "ADA@Example.com"}], ids=["sub", "email", "email folded"])
    def test_all_sessions_of_the_user_end_and_no_others(self, gate, mint, named):
        adas = [signed_in(gate) for _ in range(3)]
        bob = signed_in(gate, sub="bob", email="bob@example.com")
        response = tell(gate, mint(logout_claims(**named)))
        assert response.status == 200 and "no-store" in response["Cache-Control"]
        assert [is_in(browser) for browser in adas] == [False] * 3
        assert is_in(bob)

    def test_programs_with_the_session_get_401_and_the_reason(self, gate):
        ada = signed_in(gate)
        assert tell(gate, by_php(logout_claims())).status == 200
        response = gate.exchange("GET", "/api", {**XHR, "Cookie": ada.cookie_header()})
        assert response.status == 401

    def test_the_user_can_sign_in_again(self, gate):
        old = signed_in(gate)
        assert tell(gate, by_php(logout_claims())).status == 200
        new = signed_in(gate)
        assert is_in(new) and not is_in(old)

    @pytest.mark.parametrize("way", ["logout_token", "jwt", "application/jwt", "text/plain"])
    def test_the_token_may_be_a_form_field_or_the_whole_body(self, gate, way):
        ada = signed_in(gate)
        jwt = by_php(logout_claims())
        if "/" in way:
            response = gate.exchange("POST", BACK_CHANNEL, {"Content-Type": way}, jwt.encode())
            pass_a_millisecond()
        else:
            response = tell(gate, jwt, way)
        assert response.status == 200, response.text
        assert not is_in(ada)

    def test_the_presets_parameter_and_spellings_are_accepted(self, upstream, start_gate):
        gate = start_gate(upstream, identityProvider={"preset": "ispring", "loginURL": "https://idp.test/"})
        ada = Visit(gate, "/sso/login/jwt")
        accepted(ada.enter(token()))
        now = int(time.time())
        jwt = by_php({"IAT": now, "JTI": "f4as6d5f4as6d54fasd6df4", "\u0435\u0445\u0440": now + 60, "email": "ada@example.com"},
                     header='{"Type":"JWT","ALG":"HS256"}')
        assert tell(gate, jwt, "jwt").status == 200
        assert not is_in(ada)

    def test_every_worker_ends_the_sessions(self, upstream, start_gate):
        gate = start_gate(upstream, workers=4)
        ada, bob = signed_in(gate), signed_in(gate, sub="bob", email="bob@example.com")
        assert tell(gate, by_php(logout_claims())).status == 200
        # The response is sent once all workers are notified, so none of these requests may pass.
        assert not any(is_in(ada) for _ in range(40)) and all(is_in(bob) for _ in range(8))

    def test_it_is_in_the_audit_log(self, upstream, start_gate):
        gate = start_gate(upstream)
        jwt = by_php(logout_claims())
        tell(gate, jwt)
        assert "ada" in str(wait_for_audit(gate, "logout"))
        assert jwt.rpartition(".")[2] not in gate.log()

    def test_the_logout_is_never_forwarded(self, gate, upstream):
        tell(gate, by_php(logout_claims()))
        assert upstream.requests == []


class TestRefusedLogoutTokens:
    BAD = {
        "a wrong key": lambda: by_php(logout_claims(), "another-secret-of-32-bytes-or-more-01"),
        "alg none": lambda: by_php(logout_claims(), header='{"alg":"none"}'),
        "expired": lambda: by_php(logout_claims(iat=int(time.time()) - 300, exp=int(time.time()) - 200)),
        "too old": lambda: by_php(logout_claims(iat=int(time.time()) - 3600)),
        "issued in the future": lambda: by_php(logout_claims(iat=int(time.time()) + 300, exp=int(time.time()) + 400)),
        "without a user": lambda: by_php(logout_claims(sub=None, name="ada")),
        "an empty name": lambda: by_php(logout_claims(sub="")),
        "with a nonce": lambda: by_php(logout_claims(nonce="n-0S6")),
        "for another audience": lambda: by_php(logout_claims(aud="https://other.test")),
        "no token": lambda: "garbage",
        "empty": lambda: "",
        "too large": lambda: by_php(logout_claims(filler="x" * 17000)),
    }

    @pytest.mark.parametrize("kind", BAD)
    def test_a_bad_logout_token_ends_nothing(self, gate, kind):
        ada = signed_in(gate)
        response = tell(gate, self.BAD[kind]())
        assert 400 <= response.status < 500 and "no-store" in response["Cache-Control"]
        assert is_in(ada)

    def test_a_logout_token_is_for_single_use(self, gate):
        jwt = by_php(logout_claims())
        signed_in(gate)
        assert tell(gate, jwt).status == 200
        ada = signed_in(gate)
        assert 400 <= tell(gate, jwt).status < 500
        assert is_in(ada), "a used logout token must not end later sessions"

    @pytest.mark.parametrize("body, headers", [
        (b"", FORM), (b"logout_token", FORM), (b"x=1", FORM), (b"\xff\x00\xfe" * 100, FORM), (b"%zz=%", FORM),
        (b"{}", {"Content-Type": "application/json"}), (b"", {}), (b"logout_token=a&logout_token=b", FORM),
        (b"--x\r\n", {"Content-Type": "multipart/form-data; boundary=x"})])
    def test_garbage_is_4xx(self, gate, body, headers):
        ada = signed_in(gate)
        assert 400 <= gate.exchange("POST", BACK_CHANNEL, headers, body).status < 500
        assert is_in(ada)

    def test_an_over_long_body_is_refused_unread(self, gate):
        with gate.connection() as connection:
            connection.request("POST", BACK_CHANNEL, {**FORM, "Content-Length": str(1 << 30)})
            assert connection.response("POST").status in (400, 413)

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
    def test_only_post_is_accepted(self, gate, upstream, method):
        ada = signed_in(gate)
        upstream.requests.clear()
        jwt = by_php(logout_claims())
        response = gate.exchange(method, f"{BACK_CHANNEL}?logout_token={jwt}", NAVIGATION)
        assert 400 <= response.status < 500
        assert upstream.requests == [] and is_in(ada)


class TestLiveConnections:
    def test_a_live_event_stream_is_closed(self, gate, upstream):
        adas, bobs = self.stream(gate, upstream), self.stream(gate, upstream, sub="bob", email="bob@example.com")
        with adas, bobs:
            assert tell(gate, by_php(logout_claims())).status == 200
            adas.read_all()  # returns when it is closed; otherwise the connection's timeout fails the test
            bobs.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                bobs.socket.recv(1)
            bobs.reset()  # after a FIN alone the gate would wait for more of the response

    @staticmethod
    def stream(gate, upstream, **claims):
        browser = signed_in(gate, **claims)

        def answer(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"9\r\ndata: 1\n\n\r\n")
            connection.socket.recv(1)
        upstream.answer = answer
        connection = gate.connection()
        connection.request("GET", "/events", {"Cookie": browser.cookie_header(), "Accept": "text/event-stream"})
        assert connection.read_head().status == 200
        assert connection.read_line() == b"9" and connection.read_exactly(11)
        return connection

    @pytest.mark.parametrize("whose_wish", ["the provider's", "the user's"])
    def test_a_live_websocket_is_closed_on_every_worker(self, start_gate, whose_wish):
        ready, state = threading.Event(), {}

        async def echo(connection):
            async for message in connection:
                await connection.send(message)

        async def serve():
            state["stop"] = asyncio.get_running_loop().create_future()
            async with websockets.serve(echo, "127.0.0.1", 0) as listening:
                state["port"] = listening.sockets[0].getsockname()[1]
                state["loop"] = asyncio.get_running_loop()
                ready.set()
                await state["stop"]
        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        assert ready.wait(30)
        try:
            gate = start_gate(f"http://127.0.0.1:{state['port']}", workers=4)
            ada = {"Cookie": signed_in_header(gate)}
            bob = {"Cookie": signed_in_header(gate, sub="bob", email="bob@example.com")}

            def tell_of_ada(gate):
                return tell(gate, by_php(logout_claims()))

            def sign_out(gate):
                return gate.exchange("POST", "/.sidegate/logout", {**ada, "Content-Length": "0"})

            async def talk():
                async def open_one(headers):
                    client = await websockets.connect(f"ws://127.0.0.1:{gate.port}/", extra_headers=headers)
                    await client.send("hello")
                    assert await asyncio.wait_for(client.recv(), 30) == "hello"
                    return client
                adas = [await open_one(ada) for _ in range(6)]
                bobs = await open_one(bob)
                end = tell_of_ada if whose_wish == "the provider's" else sign_out
                assert (await asyncio.to_thread(end, gate)).status == 200
                for client in adas:
                    with pytest.raises(websockets.ConnectionClosed):
                        await asyncio.wait_for(client.recv(), 30)
                await bobs.send("still here")
                assert await asyncio.wait_for(bobs.recv(), 30) == "still here"
                await bobs.close()
                with pytest.raises(websockets.InvalidStatusCode):
                    await open_one(ada)
            asyncio.run(talk())
        finally:
            state["loop"].call_soon_threadsafe(state["stop"].set_result, None)
            thread.join(30)


def signed_in_header(gate, **claims) -> str:
    return signed_in(gate, **claims).cookie_header()
