# SPDX-License-Identifier: Apache-2.0
"""Secrets and keys change under load, on two replicas with one Redis: no user is signed out, no request is lost."""

import asyncio
import json
import subprocess

import jwt
import pytest
import websockets

from harness import tokens
from harness.gate import NAVIGATION, SESSION_SECRET, Browser
from harness.process import wait_until
from harness.reloads import change
from harness.replicas import Load, Sockets, at, is_in, log_out

NEW_SECRET = "another-session-secret-of-32-bytes-or-more-03"
HEADER = "X-Sidegate-Jwt-Assertion"


def secrets(*values) -> dict:
    return {"session": {"secret": None, "secrets": [*values]}}


def make_key(path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path],
                   check=True, capture_output=True)
    path.chmod(0o600)
    return str(path)


class TestSessionSecrets:
    # The steps of docs/upgrade.md: append the new secret everywhere, then move it to the front, then remove the old one.
    STEPS = ([SESSION_SECRET, NEW_SECRET], [NEW_SECRET, SESSION_SECRET])

    @pytest.mark.parametrize("store", ["cookie", "redis"])
    def test_no_session_is_lost_and_every_replica_opens_every_ticket(self, cluster, store):
        front = cluster(session={"store": store})
        early = front.signed_in()
        with Load(front) as load:
            for values in self.STEPS:
                for gate in front.gates:
                    change(gate, **secrets(*values))
                    # The replicas have different settings: sessions begun on either are valid on both.
                    for maker in front.gates:
                        browser = front.signed_in(sub="bob", email="bob@example.com")
                        assert all(is_in(other, browser) for other in front.gates)
            count = len(load.statuses)
            wait_until(lambda: len(load.statuses) > count + 100, "the load continues")
        assert set(load.statuses) == {200}
        late = front.signed_in()
        # Sessions in use were sealed again with the new secret; others end when the old one is removed.
        resealed = Browser(front)
        resealed.cookies = dict(early.cookies)
        assert resealed.navigate("/").status == 200
        for gate in front.gates:
            change(gate, **secrets(NEW_SECRET))
        assert all(is_in(gate, late) and not is_in(gate, early) for gate in front.gates)
        assert resealed.cookies != early.cookies and all(is_in(gate, resealed) for gate in front.gates)

    def test_logout_reaches_the_other_replica_with_any_order_of_secrets(self, cluster):
        with Sockets() as app:
            front = cluster(app=app.url)
            for values in self.STEPS:
                change(front.gates[0], **secrets(*values))
                for gate in front.gates:
                    self.closes_all(front, gate)
                change(front.gates[1], **secrets(*values))
                self.closes_all(front, front.gates[1])

    @staticmethod
    def closes_all(front, gate):
        ada = front.signed_in()

        async def talk():
            clients = [await websockets.connect(
                f"ws://127.0.0.1:{gate.port}/", extra_headers={"Cookie": ada.cookie_header()}) for gate in front.gates]
            assert await asyncio.to_thread(log_out, gate) == 200
            for client in clients:
                with pytest.raises(websockets.ConnectionClosed):
                    await asyncio.wait_for(client.recv(), 30)
        asyncio.run(talk())
        assert not any(is_in(gate, ada) for gate in front.gates)

    def test_a_logout_sealed_with_an_unknown_secret_ends_the_session_later(self, cluster):
        front = cluster()
        ada = front.signed_in()
        change(front.gates[0], **secrets(NEW_SECRET, SESSION_SECRET))
        assert log_out(front.gates[0]) == 200
        assert not is_in(front.gates[0], ada) and is_in(front.gates[1], ada)
        change(front.gates[1], **secrets(NEW_SECRET, SESSION_SECRET))
        wait_until(lambda: not is_in(front.gates[1], ada), "it has read the stored logout")


class TestReload:
    """Shared state that a reload must keep."""

    def test_used_tokens_sessions_and_logouts_are_kept(self, cluster):
        front = cluster(session={"store": "redis"}, identityProvider={"initiated": "allow"})
        ada, bob = front.signed_in(), front.signed_in(sub="bob", email="bob@example.com")
        token = tokens.token()

        def use(gate) -> int:
            return gate.exchange("GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status
        assert use(front.gates[0]) == 303
        assert log_out(front.gates[1]) == 200
        for number, gate in enumerate(front.gates):
            change(gate, pages={"brand": f"Brand {number}"})
            assert use(gate) != 303 and is_in(gate, bob)
            wait_until(lambda: not is_in(gate, ada), "the session has ended")

    def test_the_choice_of_store_takes_effect_at_a_restart_and_the_log_reports_it(self, cluster):
        front = cluster()
        ada = front.signed_in()
        gate = front.gates[0]
        change(gate, session={"store": "redis"}, replay={"store": "memory"}, redis={"prefix": "other:"},
               identityHeaders={"X-Who": "{email}"})
        said = [line for line in gate.log().splitlines() if "next start" in line]
        for key in ("session.store", "replay.store", "redis.prefix"):
            assert any(f'"key":"{key}"' in line for line in said), said
        assert is_in(gate, ada) and is_in(gate, front.signed_in())

    def test_the_policy_for_outages_is_reloaded(self, cluster, redis):
        front = cluster(identityProvider={"initiated": "allow"})
        redis.stop()

        def use() -> int:
            return front.gates[0].exchange("GET", "/.sidegate/callback?jwt=" + tokens.token(), NAVIGATION).status
        assert use() == 503
        change(front.gates[0], replay={"onFailure": "allow"})
        assert use() == 303

    def test_a_changed_password_of_redis_applies_to_the_next_connection(self, cluster, redis):
        front = cluster(count=1, identityProvider={"initiated": "allow"})
        gate = front.gates[0]

        def use() -> int:
            return gate.exchange("GET", "/.sidegate/callback?jwt=" + tokens.token(), NAVIGATION).status
        assert use() == 303
        redis("CONFIG", "SET", "requirepass", "a-password")
        redis.password = "a-password"
        change(gate, redis={"password": "a-password"})
        redis("CLIENT", "KILL", "TYPE", "normal")
        wait_until(lambda: use() == 303, "it reconnected with the new password")
        assert "a-password" not in gate.log()


class TestAssertionKeys:
    def test_a_new_key_signs_from_the_next_request_and_every_assertion_is_verifiable(self, cluster, upstream, tmp_path):
        old, new = make_key(tmp_path / "old.pem"), make_key(tmp_path / "new.pem")
        front = cluster(assertion={"keyFile": old, "retiredKeyFiles": [], "audience": "app"})
        wrong, kinds = [], set()

        def answer(request, connection):
            statement = request.get(HEADER)
            connection.respond(200, {}, statement)
        upstream.answer = answer

        def check(gate):
            """Verifies an assertion with the key set of each replica, fetched afterwards."""
            statement = at(gate, ada).text
            kid = jwt.get_unverified_header(statement)["kid"]
            kinds.add(kid)
            for other in front.gates:
                keys = json.loads(other.exchange("GET", "/.sidegate/jwks.json").text)["keys"]
                key = next((k for k in keys if k["kid"] == kid), None)
                if key is None:
                    wrong.append(kid)
                else:
                    jwt.decode(statement, jwt.PyJWK(key).key, algorithms=["ES256"], audience="app")
        ada = front.signed_in()
        with Load(front) as load:
            # The new key is published everywhere, then it signs, then the old one is retired.
            for key, others in ((old, [new]), (new, [old])):
                for gate in front.gates:
                    change(gate, assertion={"keyFile": key, "retiredKeyFiles": others})
                    for each in front.gates:
                        check(each)
        assert not wrong and len(kinds) == 2
        assert set(load.statuses) == {200}


class TestTokenKeys:
    def test_both_secrets_are_accepted_during_the_change(self, cluster):
        new = "another-secret-shared-with-the-identity-provider-02"
        front = cluster(identityProvider={"initiated": "allow"})

        def use(gate, secret) -> int:
            return gate.exchange("GET", "/.sidegate/callback?jwt=" + tokens.token(secret), NAVIGATION).status
        with Load(front) as load:
            for gate in front.gates:
                change(gate, token={"keys": [{"secret": tokens.SECRET}, {"secret": new}]})
                assert use(gate, tokens.SECRET) == 303 and use(gate, new) == 303
            for gate in front.gates:
                change(gate, token={"keys": [{"secret": new}]})
                assert use(gate, tokens.SECRET) != 303 and use(gate, new) == 303
        assert set(load.statuses) == {200}
