# SPDX-License-Identifier: Apache-2.0
"""`sidegate sessions` and `sidegate sign-out`: who is signed in at a running gate, and ending that."""

import asyncio
import json
import re
import urllib.parse

import pytest
import websockets

from harness import tokens
from harness.admin import Metrics
from harness.admin import port as admin_port
from harness.certificates import Authority
from harness.console import BEARER, TOKEN, console, listed, over_socket, run, wait_for_users
from harness.gate import NAVIGATION, Browser
from harness.journal import lines, wait_for_audit
from harness.ports import free_port
from harness.process import DEADLINE, wait_until
from harness.reloads import change, reloads
from harness.replicas import Sockets, at, is_in
from harness.wire import exchange

BOB = {"sub": "bob", "email": "bob@example.com"}


@pytest.fixture
def watched(upstream, start_gate):
    return start_gate(upstream, workers=2, admin=console())


def sign_in(gate, **claims) -> Browser:
    """A browser that is signed in and has visited the app."""
    browser = gate.signed_in(**claims)
    assert browser.navigate("/").status == 200
    return browser


class TestListing:
    def test_who_is_signed_in_since_when_and_with_what(self, watched):
        ada = watched.signed_in()
        ada.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        assert ada.navigate("/").status == 200
        sign_in(watched, **BOB)
        sessions = {session["user"]: session for session in wait_for_users(watched, "ada", "bob")}
        found = sessions["ada"]
        assert re.fullmatch("[0-9a-f]{16}", found["id"]) and found["id"] != sessions["bob"]["id"]
        assert found["client"] == "127.0.0.1" and found["browser"] == "Firefox 128 on Linux" and "provider" not in found
        for name in ("since", "lastSeen"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found[name])
        assert found["since"] <= found["lastSeen"]
        # The ID is in nothing that a browser has.
        assert found["id"] not in ada.cookie_header()
        assert [session["user"] for session in listed(watched, "--user", "bob")] == ["bob"]
        assert listed(watched, "--user", "nobody") == []

    def test_a_table_for_people(self, watched):
        assert "nobody is signed in" in run(watched, "sessions").stdout
        sign_in(watched)
        session = wait_for_users(watched, "ada")[0]
        done = run(watched, "sessions")
        head, row, count = done.stdout.splitlines()
        assert head.split() == ["ID", "USER", "SINCE", "LAST", "SEEN", "CLIENT", "BROWSER"]
        assert row.split()[:2] == [session["id"], "ada"] and "now" in row and count == "1 session"
        assert head.index("USER") == row.index("ada") and head.index("CLIENT") == row.index("127.0.0.1")

    def test_what_a_client_sends_cannot_disturb_a_terminal(self, watched):
        ada = watched.signed_in()
        ada.user_agent = "\x1b[31mred/1 \u202e"
        with watched.connection() as connection:
            connection.request("GET", "/", {"Cookie": ada.cookie_header(), "User-Agent": "\x80\xff[31m/1"})
            assert connection.response().status == 200
        wait_for_users(watched, "ada")
        assert re.fullmatch(r"[\x20-\x7e\n]*", run(watched, "sessions").stdout)

    def test_it_is_paged(self, watched):
        for number in range(7):
            sign_in(watched, sub=f"user{number}", email=f"user{number}@example.com")
        wait_for_users(watched, *(f"user{number}" for number in range(7)))
        port = admin_port(watched)
        seen, after = [], ""
        while True:
            answer = exchange(port, "GET", f"/api/sessions?limit=3{after}", BEARER)
            page = json.loads(answer.text)
            assert answer.status == 200 and len(page["sessions"]) <= 3 and page["scope"] == "process"
            seen += [session["user"] for session in page["sessions"]]
            if "next" not in page:
                break
            after = "&after=" + page["next"]
        assert sorted(seen) == [f"user{number}" for number in range(7)]
        for query in ("limit=0", "limit=1001", "limit=x", "after=x", "user=a&user=b", "user=%ff"):
            assert exchange(port, "GET", f"/api/sessions?{query}", BEARER).status == 400, query

    def test_a_proxys_questions_count_for_the_client_that_it_names(self, upstream, start_gate):
        gate = start_gate(upstream, admin=console(), trustedProxies=["127.0.0.1/32"])
        ada = gate.signed_in()
        asked = gate.exchange("GET", "/.sidegate/auth", {
            "Cookie": ada.cookie_header(), "User-Agent": "curl/8.5.0", "X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": f"127.0.0.1:{gate.port}", "X-Forwarded-Uri": "/", "X-Forwarded-For": "203.0.113.9"})
        assert asked.status == 202
        assert wait_for_users(gate, "ada")[0]["client"] == "203.0.113.9"

    def test_a_bearer_token_is_no_session(self, upstream, start_gate):
        gate = start_gate(upstream, admin=console(), token={"bearer": True})
        assert gate.exchange("GET", "/", {"Authorization": f"Bearer {tokens.token()}"}).status == 200
        sign_in(gate, **BOB)
        wait_for_users(gate, "bob")

    def test_idle_sessions_and_ended_ones_go(self, upstream, start_gate):
        gate = start_gate(upstream, admin=console())
        ada = sign_in(gate)
        wait_for_users(gate, "ada")
        ada.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        wait_for_users(gate)
        brief = start_gate(upstream, admin=console(), session={"idleTimeout": "3s"})
        # On a busy machine a session may idle out before it is listed: then another one is.
        wait_until(lambda: sign_in(brief, **BOB) and listed(brief), "a session is listed")
        wait_for_users(brief)


class TestSignOut:
    def test_of_a_user(self, watched):
        here, elsewhere, bob = sign_in(watched), sign_in(watched), sign_in(watched, **BOB)
        wait_for_users(watched, "ada", "ada", "bob")
        done = run(watched, "sign-out", "--user", "ada")
        assert done.returncode == 0 and done.stdout == "2 sessions ended\n", done.stderr
        assert "session.secret" in done.stderr and "again after its restart" in done.stderr
        for browser in (here, elsewhere):
            assert browser.navigate("/").status == 302
        assert bob.navigate("/").status == 200
        wait_for_users(watched, "bob")
        # A session that begins afterwards lives.
        here.sign_in()
        assert here.navigate("/").status == 200
        event = wait_for_audit(watched, "logout")
        assert (event["user"], event["reason"], event["client"]) == ("ada", "operator", "127.0.0.1")
        assert event["by"] == "token from 127.0.0.1"
        assert Metrics(watched).get("sidegate_logouts_total", reason="operator") == 1

    def test_who_signs_in_at_once_stays_signed_in(self, watched):
        before = watched.signed_in()
        for _ in range(10):
            assert run(watched, "sign-out", "--user", "ada").returncode == 0
            after = watched.signed_in()
            # Over new connections, so that both workers are asked.
            assert [after.navigate("/").status for _ in range(8)] == [200] * 8
            assert before.navigate("/").status == 302
            before = after

    def test_by_the_address(self, watched):
        ada, bob = sign_in(watched), sign_in(watched, **BOB)
        assert run(watched, "sign-out", "--user", "Ada@example.com").returncode == 0
        assert ada.navigate("/").status == 302 and bob.navigate("/").status == 200

    def test_of_one_session(self, watched):
        here = sign_in(watched)
        first = wait_for_users(watched, "ada")[0]["id"]
        elsewhere = sign_in(watched)
        wait_for_users(watched, "ada", "ada")
        assert run(watched, "sign-out", "--session", first).returncode == 0
        assert here.navigate("/").status == 302 and elsewhere.navigate("/").status == 200
        assert first in wait_for_audit(watched, "logout")["detail"]
        again = run(watched, "sign-out", "--session", first)
        assert again.returncode == 2 and "no session of this ID" in again.stderr

    def test_of_all(self, watched):
        browsers = [sign_in(watched), sign_in(watched, **BOB)]
        asked = run(watched, "sign-out", "--all")
        assert asked.returncode == 64 and "--yes" in asked.stderr
        assert all(browser.navigate("/").status == 200 for browser in browsers)
        assert run(watched, "sign-out", "--all", "--yes").returncode == 0
        assert all(browser.navigate("/").status == 302 for browser in browsers)
        assert wait_for_audit(watched, "logout")["detail"] == "all sessions"

    def test_streams_websockets_and_bearer_tokens_end_too(self, start_gate, upstream):
        with Sockets() as app:
            gate = start_gate(app.url, workers=2, admin=console(), token={"bearer": True})
            ada, bearer = gate.signed_in(), tokens.token()
            other = tokens.token(**BOB)

            async def talk():
                async def open_one(headers):
                    client = await websockets.connect(f"ws://127.0.0.1:{gate.port}/", extra_headers=headers)
                    await client.send("hello")
                    assert await asyncio.wait_for(client.recv(), 30) == "hello"
                    return client
                ended = [await open_one({"Cookie": ada.cookie_header()}),
                         await open_one({"Authorization": f"Bearer {bearer}"})]
                stays = await open_one({"Authorization": f"Bearer {other}"})
                done = await asyncio.to_thread(run, gate, "sign-out", "--user", "ada")
                assert done.returncode == 0, done.stderr
                for client in ended:
                    with pytest.raises(websockets.ConnectionClosed):
                        await asyncio.wait_for(client.recv(), DEADLINE)
                await stays.send("still here")
                assert await asyncio.wait_for(stays.recv(), 30) == "still here"
                await stays.close()
            asyncio.run(talk())
            refused = gate.exchange("GET", "/", {"Authorization": f"Bearer {bearer}"})
            assert refused.status == 401 and "session_revoked" in refused["WWW-Authenticate"]

    def test_usage(self, watched):
        for arguments in ([], ["--user", "a", "--all"], ["--session", "x", "--provider", "p"], ["--user", ""]):
            assert run(watched, "sign-out", *arguments).returncode == 64, arguments
        assert run(watched, "sign-out", "--session", "no-id").returncode == 2
        assert run(watched, "sign-out", "--user", "ada", "--provider", "p").returncode == 2


class TestProviders:
    def test_a_user_of_one_provider_alone(self, upstream, start_gate):
        def provider(name):
            return {"name": name, "identityProvider": {"loginURL": f"https://{name}.test/login?return_url={{returnURL}}"},
                    "token": {"issuer": name, "keys": [{"secret": tokens.SECRET}]}}
        gate = start_gate(
            upstream, admin=console(), identityProvider=None, token=None, identityProviders=[provider("staff"), provider("guests")])
        browsers = {}
        for name in ("staff", "guests"):
            browser = browsers[name] = Browser(gate)
            browser.navigate("/")
            response = browser.navigate(f"/.sidegate/login?return_to=/&provider={name}")
            location = urllib.parse.urlsplit(response["Location"])
            back = dict(urllib.parse.parse_qsl(location.query))["return_url"]
            assert browser.finish(back, tokens.token(iss=name)).status == 303
            assert browser.navigate("/").status == 200
        sessions = wait_for_users(gate, "ada", "ada")
        assert sorted(session["provider"] for session in sessions) == ["guests", "staff"]
        assert "PROVIDER" in run(gate, "sessions").stdout
        assert run(gate, "sign-out", "--user", "ada", "--provider", "staff").returncode == 0
        assert browsers["staff"].navigate("/").status == 302 and browsers["guests"].navigate("/").status == 200
        assert run(gate, "sign-out", "--user", "ada").returncode == 0
        assert browsers["guests"].navigate("/").status == 302


class TestConnecting:
    def test_over_a_unix_socket_the_same_user_needs_no_token(self, upstream, start_gate, tmp_path):
        path = tmp_path / "admin.sock"
        gate = start_gate(upstream, admin={"listen": f"unix:{path}"})
        assert path.stat().st_mode & 0o777 == 0o600
        ada = sign_in(gate)
        wait_for_users(gate, "ada")
        assert run(gate, "sign-out", "--user", "ada").returncode == 0
        assert ada.navigate("/").status == 302
        assert "(uid " in (event := wait_for_audit(gate, "logout"))["by"] or event["by"].startswith("uid ")
        assert event["client"] == "unix"
        # A server of this user that passes on what a browser sends is not taken for the user.
        status, _ = over_socket(path, "POST", "/api/sign-out", {"Origin": "http://evil.test"}, "all=true")
        assert status == 403

    def test_over_tls_with_the_certificate_of_the_configuration(self, upstream, start_gate, tmp_path):
        certificate = Authority(tmp_path / "pki").issue("gate", "DNS:gate.internal")
        gate = start_gate(upstream, admin=console(tls=certificate.settings))
        assert run(gate, "healthcheck").returncode == 0
        sign_in(gate)
        wait_for_users(gate, "ada")
        # Another certificate of the same names is not the gate's.
        other = Authority(tmp_path / "other").issue("gate", "DNS:gate.internal")
        done = run(gate, "sessions", "--set", f"admin.tls.certificate={other.certificate}")
        assert done.returncode == 1 and "certificate" in done.stderr

    def test_the_file_of_the_token(self, upstream, start_gate, tmp_path):
        file = tmp_path / "token"
        file.write_text(TOKEN + "\n")
        file.chmod(0o600)
        gate = start_gate(upstream, admin={"listen": f"127.0.0.1:{free_port()}", "tokenFile": str(file)})
        assert listed(gate) == []
        # Another token takes effect at a reload, which its file causes.
        before = reloads(gate)
        file.write_text("another-admin-token-of-at-least-32-bytes\n")
        wait_until(lambda: reloads(gate) > before, "the changed file is in force")
        assert listed(gate) == []
        assert run(gate, "sessions", "--set", f"admin.token={TOKEN}").returncode == 2

    def test_what_is_wrong_is_said(self, upstream, start_gate):
        gate = start_gate(upstream, admin=console())
        for command in (["sessions"], ["sign-out", "--user", "ada"]):
            done = run(gate, *command, "--set", "admin.token=a-wrong-token-of-at-least-32-bytes-00001")
            assert done.returncode == 2 and "not the token" in done.stderr
            done = run(gate, *command, "--set", "admin.listen=off")
            assert done.returncode == 1 and "admin.listen" in done.stderr
        port = gate.settings["admin"]["listen"]
        gate.stop()
        done = run(gate, "sessions")
        assert done.returncode == 1 and port in done.stderr and "running" in done.stderr

    def test_without_a_token_the_console_is_off(self, upstream, start_gate):
        gate = start_gate(upstream, admin={"listen": f"127.0.0.1:{free_port()}"})
        sign_in(gate)
        for command in (["sessions"], ["sign-out", "--user", "ada"]):
            done = run(gate, *command)
            assert done.returncode == 2 and "admin.tokenFile" in done.stderr and done.stdout == ""


class TestReplicas:
    @pytest.fixture
    def front(self, cluster):
        def start(**changes):
            front = cluster(**changes)
            for gate in front.gates:
                change(gate, admin={"token": TOKEN})
            return front
        return start

    def test_both_list_the_sessions_of_both(self, front, redis):
        pair = front()
        browsers = [sign_in_at(pair, gate, user) for gate, user in zip(pair.gates, ("ada", "bob"))]
        for gate in pair.gates:
            wait_for_users(gate, "ada", "bob")
        # Sealed, bounded in time, and gone when the session has ended.
        keys = [key for key in redis.keys() if "{seen}" in key]
        assert keys == ["sidegate:{seen}", "sidegate:{seen}:expiry"]
        assert all(0 < redis("PTTL", key) <= 3_600_000 for key in keys)
        assert not any(b"ada" in part or b"127.0.0.1" in part for part in redis("HGETALL", keys[0]))
        done = run(pair.gates[0], "sign-out", "--user", "bob")
        assert done.returncode == 0 and done.stdout == "1 session ended\n" and done.stderr == "", done
        for gate in pair.gates:
            wait_for_users(gate, "ada")
            assert is_in(gate, browsers[0]) and not is_in(gate, browsers[1])
        wait_until(lambda: redis("HLEN", keys[0]) == 1, "the record of the ended session is removed")

    @pytest.mark.parametrize("target", ["user", "session", "all"])
    @pytest.mark.parametrize("store", ["cookie", "redis"])
    def test_it_ends_on_both_with_websockets(self, front, store, target):
        with Sockets() as app:
            pair = front(app=app.url, session={"store": store})
            ada = pair.signed_in()

            async def talk():
                clients = []
                for gate in pair.gates:
                    client = await websockets.connect(
                        f"ws://127.0.0.1:{gate.port}/", extra_headers={"Cookie": ada.cookie_header()})
                    await client.send("hello")
                    assert await asyncio.wait_for(client.recv(), 30) == "hello"
                    clients.append(client)
                sessions = await asyncio.to_thread(wait_for_users, pair.gates[0], "ada")
                options = {"user": ["--user", "ada"], "session": ["--session", sessions[0]["id"]], "all": ["--all", "--yes"]}
                done = await asyncio.to_thread(run, pair.gates[0], "sign-out", *options[target])
                assert done.returncode == 0, done.stderr
                for client in clients:
                    with pytest.raises(websockets.ConnectionClosed):
                        await asyncio.wait_for(client.recv(), DEADLINE)
            asyncio.run(talk())
            for gate in pair.gates:
                with pytest.raises(websockets.InvalidStatusCode):
                    asyncio.run(connect(gate, ada))

    def test_event_streams_end_on_the_other_replica(self, front, upstream):
        pair = front()
        ada = pair.signed_in()

        def stream(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send(b"8\r\ndata: 1\n\r\n")
            connection.socket.recv(1)  # until the gate closes the connection
        upstream.answer = stream
        with pair.gates[1].connection() as connection:
            connection.request("GET", "/events", {"Cookie": ada.cookie_header(), "Accept": "text/event-stream"},
                               host=urllib.parse.urlsplit(pair.origin).netloc)
            assert connection.read_head().status == 200
            assert run(pair.gates[0], "sign-out", "--user", "ada").returncode == 0
            connection.read_all()  # returns when it is closed; otherwise the connection's timeout fails the test

    def test_a_session_of_the_other_replica_by_its_id(self, front):
        pair = front()
        ada = sign_in_at(pair, pair.gates[1], "ada")
        session = wait_for_users(pair.gates[0], "ada")[0]
        assert run(pair.gates[0], "sign-out", "--session", session["id"]).returncode == 0
        for gate in pair.gates:
            wait_until(lambda: not is_in(gate, ada), "it has ended there")

    def test_without_redis_each_lists_its_own_and_says_so(self, front, redis):
        pair = front()
        ada, bob = (sign_in_at(pair, gate, user) for gate, user in zip(pair.gates, ("ada", "bob")))
        for gate in pair.gates:
            wait_for_users(gate, "ada", "bob")
        redis.stop()
        done = run(pair.gates[0], "sessions", "--json")
        assert [session["user"] for session in json.loads(done.stdout)["sessions"]] == ["ada"]
        assert done.returncode == 0 and "Redis did not answer" in done.stderr
        done = run(pair.gates[0], "sign-out", "--user", "ada")
        assert done.returncode == 1 and "not confirmed" in done.stderr
        assert not is_in(pair.gates[0], ada)
        redis.start()
        wait_until(lambda: not is_in(pair.gates[1], ada), "the other replica is notified")
        assert all(is_in(gate, bob) for gate in pair.gates)


def sign_in_at(front, gate, user: str) -> Browser:
    """A browser of this user, which has visited the app at one replica only."""
    browser = front.signed_in(sub=user, email=f"{user}@example.com")
    assert at(gate, browser, headers=NAVIGATION).status == 200
    return browser


async def connect(gate, browser):
    client = await websockets.connect(
        f"ws://127.0.0.1:{gate.port}/", extra_headers={"Cookie": browser.cookie_header()})
    await client.close()
