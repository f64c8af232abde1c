# SPDX-License-Identifier: Apache-2.0
"""Apps that authenticate a connection instead of a request (NTLM, Negotiate): users never share one."""

import random
import threading

import pytest

from harness.connection_auth import ConnectionAuthApp, authenticated, hello, response_to
from harness.frames import FrameConnection
from harness.h2_upstream import H2Upstream
from harness.process import wait_until
from harness.reloads import admin, change


@pytest.fixture
def app():
    app = ConnectionAuthApp()
    yield app
    app.stop()
    assert not app.failures, app.failures


@pytest.fixture
def users(app, start_gate):
    """A gate, and the cookies of two users."""
    gate = start_gate(app)
    return gate, gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob", email="bob@example.com")


def open_connections(app) -> list:
    """The app's connections that the gate has not closed."""
    return [c for c in app.connections if c.thread.is_alive()]


def test_another_users_request_is_not_the_first_users(users, app):
    gate, ada, bob = users
    with gate.connection() as one, gate.connection() as other:
        assert authenticated(one, ada, "ada").json() | {"connection": 0} == {
            "connection": 0, "app": "ada", "gate": "ada", "target": "/"}
        for _ in range(3):
            assert one.exchange("GET", "/again", ada).json()["app"] == "ada"
            assert other.exchange("GET", "/mine", bob).status == 401
        assert authenticated(other, bob, "bob").json()["app"] == "bob"
        for _ in range(3):
            assert one.exchange("GET", "/", ada).json()["app"] == "ada"
            assert other.exchange("GET", "/", bob).json()["app"] == "bob"


@pytest.mark.parametrize("scheme, offered", [
    ("NTLM", "NTLM"), ("ntlm", "ntlm"), ("Negotiate", "Negotiate"), ("NEGOTIATE", "NEGOTIATE"), ("Kerberos", "Kerberos"),
    ("CredSSP", "CredSSP"), ("NTLM", "Basic realm=\"x, y\", NTLM"), ("NTLM", "Negotiate, NTLM"), ("NTLM", "Digest nonce=\"1\",NTLM")])
def test_every_connection_based_scheme_in_every_spelling(start_gate, scheme, offered):
    app = ConnectionAuthApp(scheme)
    try:
        challenge = app.challenge
        app.challenge = lambda connection, text="": challenge(connection, text) if text else connection.respond(
            401, {"WWW-Authenticate": offered}, "", reason="Unauthorized")
        gate = start_gate(app)
        ada, bob = gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob")
        with gate.connection() as one, gate.connection() as other:
            assert authenticated(one, ada, "ada", scheme=scheme).json()["app"] == "ada"
            assert other.exchange("GET", "/", bob).status == 401
            assert one.exchange("GET", "/", ada).json()["app"] == "ada"
    finally:
        app.stop()


def test_another_session_on_the_same_client_connection_is_not_authenticated(users, app):
    gate, ada, bob = users
    ada_again = gate.session_cookie(sub="ada")
    for other in (bob, ada_again, {}):
        with gate.connection() as connection:
            assert authenticated(connection, ada, "ada").json()["app"] == "ada"
            before = open_connections(app)
            response = connection.exchange("GET", "/", {**other, "Accept": "application/json"})
            assert response.status == 401
            if other:
                assert response["WWW-Authenticate"] == "NTLM"
                wait_until(lambda: not set(before) & set(open_connections(app)), "the connection of the previous session ends")
            # Nor is the previous session authenticated again.
            assert connection.exchange("GET", "/", ada).status == (401 if other else 200)


def test_the_apps_connection_ends_with_the_clients(users, app):
    gate, ada, _ = users
    with gate.connection() as connection:
        assert authenticated(connection, ada, "ada").status == 200
        assert len(open_connections(app)) == 1
    wait_until(lambda: open_connections(app) == [], "the app's connection ends with the client's")
    with gate.connection() as connection:
        assert connection.exchange("GET", "/", ada).status == 401


def test_no_other_request_uses_a_connection_in_the_middle_of_a_handshake(users, app):
    gate, ada, bob = users
    with gate.connection() as one, gate.connection() as other:
        challenge = one.exchange("GET", "/", {**ada, **hello()})
        assert challenge.status == 401
        for _ in range(5):
            assert other.exchange("GET", "/open", bob).json()["app"] is None
        answer = response_to(challenge["WWW-Authenticate"], "ada")
        assert one.exchange("GET", "/", {**ada, **answer}).json()["app"] == "ada"


def test_a_handshake_whose_connection_died_is_not_continued_on_another(users, app):
    gate, ada, _ = users
    with gate.connection() as connection:
        challenge = connection.exchange("GET", "/", {**ada, **hello()})
        number = app.last.connection
        seen = len(app.requests)
        app.connections[number - 1].reset()
        response = connection.exchange("GET", "/", {**ada, **response_to(challenge["WWW-Authenticate"], "ada")})
        # The gate notices the end before the request or while sending it. In both cases it must not send the third step
        # over a new connection, which would accept it.
        assert response.status in (401, 502)
        assert all(app.users.get(r.connection) is None for r in app.requests[seen:])
    with gate.connection() as connection:
        assert authenticated(connection, ada, "ada").json()["app"] == "ada"


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "192.0.2.1"}, {"Via": "1.1 proxy"}, {"Forwarded": "for=192.0.2.1"}])
def test_behind_a_proxy_the_connection_ends_after_each_response(app, start_gate, header):
    for trusted in (["127.0.0.1/32"], []):
        gate = start_gate(app, trustedProxies=trusted, publicURL="http://127.0.0.1")
        ada, bob = gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob")
        given = {} if trusted else header
        with gate.connection() as connection:
            assert connection.exchange("GET", "/", {**ada, **given}).status == 401
            numbers = set()
            for headers in (ada, ada, bob, ada):
                connection.exchange("GET", "/", {**headers, **given, **hello()})
                numbers.add(app.last.connection)
            assert len(numbers) == 4
            wait_until(lambda: open_connections(app) == [], "none is kept")


def test_over_http2_the_connection_ends_after_each_response(users, app):
    gate, ada, bob = users
    numbers = set()
    for _ in range(2):
        for headers in (ada, bob):
            seen = len(app.requests)
            with FrameConnection(gate.port) as connection:
                connection.cookie = headers["Cookie"]
                for path in ("/1", "/2"):
                    response = connection.get(path, [("authorization", hello()["Authorization"])])
                    assert response.status == 401
            numbers |= {r.connection for r in app.requests[seen:]}
    assert len(numbers) == 8
    wait_until(lambda: open_connections(app) == [], "none is kept")


def test_other_schemes_share_connections(users, app):
    gate, ada, bob = users
    app.answer = lambda request, connection: connection.respond(
        401, {"WWW-Authenticate": "Basic realm=\"app\", Bearer"}, "", reason="Unauthorized")
    for _ in range(5):
        for headers in (ada, bob):
            assert gate.exchange("GET", "/", {**headers, "Authorization": "Basic YTpi"}).status == 401
    assert len({r.connection for r in app.requests}) == 1


def test_idle_authenticated_connections_are_closed_for_waiting_requests(app, start_gate):
    """An attacker cannot hold all of an app's connections by authenticating on each."""
    gate = start_gate(app, upstream={"url": app.url, "maxConnections": 3})
    ada, bob = gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob")
    held = [gate.connection() for _ in range(3)]
    try:
        for connection in held:
            assert authenticated(connection, ada, "ada").status == 200
        assert len(open_connections(app)) == 3
        assert gate.exchange("GET", "/open", bob).json()["app"] is None
        assert held[2].exchange("GET", "/", ada).json()["app"] == "ada"
    finally:
        for connection in held:
            connection.close()


def test_a_websocket_uses_the_authenticated_connection_of_its_user(users, app):
    gate, ada, _ = users
    with gate.connection() as connection:
        assert authenticated(connection, ada, "ada").status == 200
        number = app.last.connection
        app.answer = lambda request, upstream: upstream.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        assert connection.exchange("GET", "/ws", {**ada, "Connection": "upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}).status == 101
        assert app.last.connection == number


def test_generated_interleavings_never_carry_another_users_identity(app, start_gate):
    """Many client connections at once, some of which change their session: the app attributes a request to no user, or to
    the user who authenticated on the same client connection with the same session."""
    gate = start_gate(app, workers=2, upstream={"url": app.url, "maxConnections": 12})
    names = ["ada", "bob", "cy"]
    cookies = {name: gate.session_cookie(sub=name, email=f"{name}@example.com") for name in names}
    failures = []

    def play(seed: int):
        choice = random.Random(seed)
        try:
            for _ in range(4):
                user, connection = choice.choice(names), gate.connection()
                for _ in range(choice.randint(3, 25)):
                    step = choice.random()
                    if step < 0.12:
                        user = choice.choice(names)
                    if step < 0.35:
                        target = choice.choice(["/", "/open/x"])
                        challenge = connection.exchange("GET", target, {**cookies[user], **hello()})
                        if choice.random() < 0.8 and "WWW-Authenticate" in dict(challenge.fields):
                            third = response_to(challenge["WWW-Authenticate"], user)
                            response = connection.exchange("GET", target, {**cookies[user], **third})
                        else:
                            response = challenge
                    elif step < 0.45:
                        response = connection.exchange("POST", choice.choice(["/", "/open"]), cookies[user], b"x" * choice.choice([0, 9, 70000]))
                    else:
                        response = connection.exchange(choice.choice(["GET", "GET", "HEAD"]), choice.choice(["/", "/open"]), cookies[user])
                    if response.status == 200 and response.body:
                        seen = response.json()
                        if seen["gate"] != user or seen["app"] not in (None, user):
                            failures.append((seed, user, seen))
                    elif response.status not in (200, 401, 502, 503):
                        failures.append((seed, user, response))
                    if response.get("Connection") == "close":
                        break
                choice.choice([connection.close, connection.reset])()
        except Exception as failure:  # noqa: BLE001
            failures.append((seed, repr(failure)))
    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert len(app.users) > 10, "enough handshakes were completed"
    wait_until(lambda: all(c.number not in app.users for c in open_connections(app)), "no connection outlives its client's")


class TestAnAppThatSpeaksHTTP2:
    """Its connections are shared, so one that has authenticated a user gets no further requests."""

    @pytest.fixture
    def h2_app(self):
        app = H2Upstream()
        yield app
        app.close()

    def test_credentials_and_challenges_take_the_connection_out_of_use(self, h2_app, start_gate):
        gate = start_gate(h2_app.url)
        ada, bob = gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob")
        users = {}

        def answer(request):
            if request.get("authorization"):
                users[request.connection.number] = request.get("x-forwarded-user")
            user = users.get(request.connection.number)
            if request.target == "/offer":
                return request.respond(401, {"www-authenticate": "Negotiate"})
            request.respond(200, {"x-app-user": user or "", "x-connection": str(request.connection.number)})
        h2_app.answer = answer
        for round in range(5):
            seen = gate.exchange("GET", "/", {**ada, "Authorization": "Negotiate YWRh"})
            assert seen["X-App-User"] == "ada"
            after = gate.exchange("GET", "/", bob)
            assert after["X-App-User"] == "" and after["X-Connection"] != seen["X-Connection"]
            assert gate.exchange("GET", "/offer", ada).status == 401
            assert gate.exchange("GET", "/", bob)["X-Connection"] != after["X-Connection"]

    def test_credentials_do_not_share_a_connection_with_other_requests(self, h2_app, start_gate):
        gate = start_gate(h2_app.url)
        ada, bob = gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob")
        release, seen = threading.Event(), {}

        def answer(request):
            seen[request.target] = request.connection.number
            if request.target == "/slow":
                release.wait(10)
            request.respond(200)
        h2_app.answer = answer
        with gate.connection() as slow:
            slow.request("GET", "/slow", bob)
            wait_until(lambda: "/slow" in seen, "the slow request is in flight")
            assert gate.exchange("GET", "/plain", bob).status == 200
            assert gate.exchange("GET", "/auth", {**ada, "Authorization": "NTLM YWRh"}).status == 200
            release.set()
            assert slow.response().status == 200
        assert seen["/plain"] == seen["/slow"] != seen["/auth"]


def test_a_reload_closes_authenticated_connections_and_new_ones_work(app, start_gate):
    gate = start_gate(app, admin=admin())
    ada = gate.session_cookie(sub="ada")
    with gate.connection() as connection:
        assert authenticated(connection, ada, "ada").status == 200
        change(gate, session={"lifetime": "11h"})
        wait_until(lambda: open_connections(app) == [], "connections of the previous configuration end")
        assert authenticated(connection, ada, "ada").json()["app"] == "ada"


def test_signing_out_closes_the_authenticated_connection(users, app):
    gate, _, bob = users
    ada = gate.signed_in(sub="ada")
    cookie = {"Cookie": ada.cookie_header()}
    with gate.connection() as connection:
        assert authenticated(connection, cookie, "ada").status == 200
        ada.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin"})
        assert connection.exchange("GET", "/", {**cookie, "Accept": "application/json"}).status == 401
        assert connection.exchange("GET", "/", bob).status == 401


def test_the_connection_ends_with_the_session(users, app):
    """Not only with the client's connection: nothing of the user stays behind a logout, on this connection or another."""
    gate, ada, bob = users
    with gate.connection() as one, gate.connection() as other, gate.connection() as third:
        assert authenticated(one, ada, "ada").json()["app"] == "ada"
        assert authenticated(other, bob, "bob").json()["app"] == "bob"
        assert len(open_connections(app)) == 2
        same_site = {**ada, "Sec-Fetch-Site": "same-origin"}
        assert third.exchange("POST", "/.sidegate/logout", same_site, b"").status in (200, 302, 303)
        wait_until(lambda: len(open_connections(app)) == 1, "the connection of the ended session is closed")
        assert other.exchange("GET", "/", bob).json()["app"] == "bob"


def test_an_answer_in_an_early_response_binds_the_connection_too(start_gate):
    """The app's challenge may come before the request is complete; the connection is not used for another user then."""
    app = ConnectionAuthApp()
    try:
        gate = start_gate(app)
        ada, bob = gate.session_cookie(sub="ada"), gate.session_cookie(sub="bob")
        for challenge in ("NTLM", "Negotiate"):
            app.answer = lambda request, connection: connection.respond(401, {"WWW-Authenticate": challenge})
            with gate.connection() as one, gate.connection() as other:
                assert one.exchange("POST", "/", ada, b"content").status == 401
                first = app.last.connection
                assert other.exchange("GET", "/", bob).status == 401
                assert app.last.connection != first
                assert one.exchange("GET", "/", ada).status == 401
                assert app.last.connection == first
    finally:
        app.stop()

