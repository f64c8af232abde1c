# SPDX-License-Identifier: Apache-2.0
"""Two replicas with one Redis act as one gate, also while Redis is unavailable."""

import asyncio
import json
import threading
import time
import urllib.parse

import pytest
import websockets

from harness import tokens
from harness.admin import Metrics
from harness.certificates import Authority
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Browser, merged, sidegate
from harness.gate import settings as whole
from harness.journal import lines
from harness.ports import free_port
from harness.process import DEADLINE, wait_until
from harness.redis import FaultyRedis, Redis, Wire
from harness.reloads import change
from harness.replicas import Load, Sockets, at, is_in, log_out
from harness.secure import in_threads
from harness.upstream import Upstream

STORES = ["cookie", "redis"]


def use(gate, token: str) -> int:
    """A return without an attempt; needs `initiated: allow`."""
    return gate.exchange("GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status


def bearer(gate, token: str) -> int:
    return gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}).status


ALLOW = {"identityProvider": {"initiated": "allow"}}


class TestSignIn:
    @pytest.mark.parametrize("store", STORES)
    def test_begun_on_one_and_finished_on_the_other(self, cluster, upstream, store):
        front = cluster(session={"store": store})
        for _ in range(3):  # each round has an odd number of requests, so that the replicas change roles
            browser = Browser(front)
            back = browser.start("/deep?x=1")
            response = browser.finish(back, tokens.token())
            assert response.status == 303 and response["Location"].endswith("/deep?x=1")
            for gate in front.gates:
                assert at(gate, browser, "/page").status == 200
                assert upstream.last.get("X-Forwarded-User") == "ada"
            browser.navigate("/")

    @pytest.mark.parametrize("store", STORES)
    def test_tabs_in_parallel_each_return_to_their_page(self, cluster, store):
        front = cluster(session={"store": store})
        browser = Browser(front)
        backs = [(f"/tab/{n}", browser.start(f"/tab/{n}")) for n in range(5)]
        for path, back in reversed(backs):
            assert browser.finish(back, tokens.token())["Location"].endswith(path)

    @pytest.mark.parametrize("store", STORES)
    @pytest.mark.parametrize("by", ["GET", "POST"])
    def test_a_tab_that_is_left_over_lets_no_other_site_sign_in(self, cluster, upstream, store, by):
        front = cluster(session={"store": store}, identityProvider={"initiated": "deny"})
        browser = Browser(front)
        backs = [browser.start(f"/tab/{n}") for n in range(3)]

        def finish(target, token):
            if by == "GET":
                return browser.finish(target, token)
            return browser.post_form(target, {"jwt": token}, FROM_ANOTHER_SITE)
        assert finish(backs[0], tokens.token())["Location"].endswith("/tab/0")
        asked = finish("/.sidegate/callback", tokens.token(sub="eve", email="eve@example.com"))
        assert asked.status == 200 and "eve@example.com" in asked.text
        assert browser.navigate("/page").status == 200 and upstream.last.get("X-Forwarded-User") == "ada"
        for n in (2, 1):
            assert finish(backs[n], tokens.token())["Location"].endswith(f"/tab/{n}")

    @pytest.mark.parametrize("changes", [{}, {"token": {"minimumIDLength": 8}}], ids=["one key", "two keys"])
    def test_1000_tokens_tried_on_both_at_once_are_accepted_once_each(self, cluster, changes):
        front = cluster(**ALLOW, **changes)
        count = 1000
        minted = [tokens.token(sub=f"u{n}") for n in range(count)]
        start, outcomes = threading.Barrier(2), [[], []]

        def try_all(index):
            with front.gates[index].connection() as connection:
                for token in minted:
                    start.wait(20)
                    outcomes[index].append(connection.exchange(
                        "GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status)
        in_threads(2, try_all)
        pairs = list(zip(*outcomes))
        assert len(pairs) == count and all(sorted(pair) == [303, 403] for pair in pairs), \
            {pair: pairs.count(pair) for pair in set(pairs)}
        assert 0 < sum(pair[0] == 303 for pair in pairs) < count, "the same replica was always first: there was no race"

    def test_one_token_1000_times_while_a_replica_is_killed_is_accepted_once(self, cluster):
        front = cluster(**ALLOW)
        token = tokens.token()
        accepted, tried, half = [], [], threading.Event()

        def hammer(index):
            gate = front.gates[index % 2]
            for _ in range(125):
                try:
                    status = use(gate, token)
                except (OSError, AssertionError, Exception):
                    status = None  # the replica was killed
                tried.append(status)
                if len(tried) > 300:
                    half.set()
                if status == 303:
                    accepted.append(index)

        def kill(_):
            half.wait(20)
            front.gates[1].was_stopped = True
            front.gates[1].process.kill()
        in_threads(9, lambda index: kill(index) if index == 8 else hammer(index))
        assert len(tried) == 1000 and len(accepted) == 1 and tried.count(403) > 500

    def test_a_token_used_on_one_is_used_on_replicas_that_start_later(self, cluster, start_gate, upstream):
        front = cluster(count=1, **ALLOW)
        token = tokens.token()
        assert use(front.gates[0], token) == 303
        later = start_gate(upstream, **front.settings)
        assert use(later, token) == 403

    def test_a_token_used_for_a_sign_in_on_one_is_refused_as_bearer_on_the_other(self, cluster, redis):
        front = cluster(**ALLOW)
        first, second = front.gates
        seen, unseen = tokens.token(), tokens.token()
        assert bearer(first, seen) == 200 and bearer(second, seen) == 200
        assert redis.keys("sidegate:token:*") == [], "use as bearer does not consume the token"
        for token in (seen, unseen):
            assert use(first, token) == 303
            assert bearer(first, token) == 401, "the first replica refuses it at once"
        assert bearer(second, unseen) == 401, "the other replica asks Redis"

    @pytest.mark.parametrize("changes", [{}, {"token": {"minimumIDLength": 8}}], ids=["one key", "two keys"])
    def test_a_token_that_a_replica_once_refused_as_replayed_stays_refused(self, cluster, redis, changes):
        front = cluster(workers=4, **ALLOW, **changes)
        first, second = front.gates
        token, other = tokens.token(), tokens.token()
        # Some workers accept it, each for a while; another one has to ask and learns of the sign-in.
        assert bearer(second, token) == 200 and bearer(second, other) == 200
        assert use(first, token) == 303
        wait_until(lambda: bearer(second, token) == 401, "a worker that has not seen the token asks Redis")
        assert {bearer(second, token) for _ in range(40)} == {401}, "another worker goes by what it knew before"
        redis.stop()
        assert {bearer(second, token) for _ in range(40)} == {401}
        assert bearer(second, other) in (200, 503)
        redis.start()
        wait_until(lambda: use(second, tokens.token()) == 303, "sign-ins work again", deadline=8)
        assert {bearer(second, token) for _ in range(40)} == {401}, "Redis has lost what it knew; the replica has not"
        assert use(second, token) == 403

    def test_a_token_whose_sign_in_was_refused_as_replayed_stays_refused(self, cluster, redis):
        front = cluster(workers=2, **ALLOW)
        first, second = front.gates
        token = tokens.token()
        assert use(first, token) == 303 and use(second, token) == 403
        redis("FLUSHALL")
        assert use(second, token) == 403 and {bearer(second, token) for _ in range(20)} == {401}

    def test_a_replica_remembers_its_own_tokens_when_redis_loses_them(self, cluster, redis):
        front = cluster(count=1, **ALLOW)
        token = tokens.token()
        assert use(front.gates[0], token) == 303
        redis("FLUSHALL")
        assert use(front.gates[0], token) == 403 and bearer(front.gates[0], token) == 401

    def test_redis_alone_reveals_nothing(self, cluster, redis):
        front = cluster(session={"store": "redis"})
        browser = front.signed_in(sub="lovelace")
        kept = b"".join(redis("DUMP", key) or b"" for key in redis.keys()) + " ".join(redis.keys()).encode()
        assert b"lovelace" not in kept and b"example.com" not in kept
        for key in redis.keys():
            assert redis("PTTL", key) > 0, f"{key} has no expiry"
        assert len(redis.keys()) == 2, redis.keys()


class TestLogout:
    @pytest.mark.parametrize("store", STORES)
    def test_the_provider_ends_sessions_and_websockets_on_both(self, cluster, store):
        with Sockets() as app:
            front = cluster(app=app.url, session={"store": store})
            ada, bob = front.signed_in(), front.signed_in(sub="bob", email="bob@example.com")

            async def talk():
                async def open_one(gate, browser):
                    client = await websockets.connect(
                        f"ws://127.0.0.1:{gate.port}/", extra_headers={"Cookie": browser.cookie_header()})
                    await client.send("hello")
                    assert await asyncio.wait_for(client.recv(), 30) == "hello"
                    return client
                adas = [await open_one(gate, ada) for gate in front.gates for _ in range(3)]
                bobs = [await open_one(gate, bob) for gate in front.gates]
                assert await asyncio.to_thread(log_out, front.gates[0]) == 200
                for client in adas:
                    with pytest.raises(websockets.ConnectionClosed):
                        await asyncio.wait_for(client.recv(), DEADLINE)
                for client in bobs:
                    await client.send("still here")
                    assert await asyncio.wait_for(client.recv(), 30) == "still here"
                    await client.close()
                for gate in front.gates:
                    with pytest.raises(websockets.InvalidStatusCode):
                        await open_one(gate, ada)
            asyncio.run(talk())

    @pytest.mark.parametrize("store", STORES)
    def test_signing_out_on_one_ends_only_this_session_on_the_other(self, cluster, store):
        front = cluster(session={"store": store})
        here, elsewhere = front.signed_in(), front.signed_in()
        copy = Browser(front)
        copy.cookies = dict(here.cookies)
        for gate in front.gates:
            assert is_in(gate, copy)
        assert here.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": front.origin}).status == 200
        for gate in front.gates:
            wait_until(lambda: not is_in(gate, copy), "the copied cookie is invalid")
            assert is_in(gate, elsewhere)

    @pytest.mark.parametrize("store", STORES)
    def test_a_replica_that_starts_later_refuses_ended_sessions(self, cluster, start_gate, upstream, store):
        front = cluster(count=1, session={"store": store})
        ada, bob = front.signed_in(), front.signed_in(sub="bob", email="bob@example.com")
        assert log_out(front.gates[0]) == 200
        later = start_gate(upstream, **front.settings)
        assert not is_in(later, ada) and is_in(later, bob)

    def test_a_disconnected_replica_is_notified_after_reconnecting(self, cluster, start_gate, upstream, redis):
        wire = Wire(redis.port)
        try:
            front = cluster(count=1)
            far = start_gate(upstream, **{**front.settings, "redis": {"url": f"redis://127.0.0.1:{wire.port}/0"}})
            ada = front.signed_in()
            assert is_in(far, ada)
            wire.cut()
            assert log_out(front.gates[0]) == 200
            assert is_in(far, ada), "it is not notified yet"
            wire.restore()
            wait_until(lambda: not is_in(far, ada), "it is notified")
        finally:
            wire.close()

    def test_a_logout_during_an_outage_is_published_afterwards(self, cluster, redis):
        front = cluster()
        ada = front.signed_in()
        redis.stop()
        assert log_out(front.gates[0]) == 503, "the provider must try again"
        assert not is_in(front.gates[0], ada) and is_in(front.gates[1], ada)
        redis.start()
        wait_until(lambda: not is_in(front.gates[1], ada), "the other replica is notified")

    def test_a_logout_is_retained_again_by_a_redis_that_has_lost_it(self, cluster, start_gate, upstream, redis):
        front = cluster(count=1)
        ada = front.signed_in()
        assert log_out(front.gates[0]) == 200
        redis.stop()
        redis.start()
        wait_until(lambda: redis("ZCARD", "sidegate:revoked") == 1, "it is retained")
        later = start_gate(upstream, **front.settings)
        wait_until(lambda: not is_in(later, ada), "a gate that starts reads it")

    def test_foreign_values_in_redis_end_no_session(self, cluster, redis):
        front = cluster()
        ada = front.signed_in()
        for text in (b"", b"ada", b"x" * 200, b"\0" * (1 << 20)):
            redis("PUBLISH", "sidegate:revocations", text)
            redis("ZADD", "sidegate:revoked", 9e15, text)
        assert log_out(front.gates[0], sub="bob") == 200
        assert is_in(front.gates[0], ada) and is_in(front.gates[1], ada)


OUTAGES = {"stopped": (Redis.stop, Redis.start), "frozen": (Redis.freeze, Redis.thaw)}


class TestOutage:
    @pytest.mark.parametrize("outage", OUTAGES)
    @pytest.mark.parametrize("policy", ["deny", "allow"])
    def test_sessions_in_cookies_continue_and_sign_ins_follow_the_policy(self, cluster, redis, outage, policy):
        begin, end = OUTAGES[outage]
        front = cluster(replay={"store": "redis", "onFailure": policy}, **ALLOW)
        with Load(front) as load:
            begin(redis)
            for gate in front.gates:
                for _ in range(5):
                    response = gate.exchange("GET", "/.sidegate/callback?jwt=" + tokens.token(), NAVIGATION)
                    if policy == "allow":
                        assert response.status == 303
                    else:
                        assert response.status == 503 and "replay_store_unavailable" in response.text
            during = len(load.statuses)
            end(redis)
            for gate in front.gates:
                # A token may be consumed although Redis did not reply, so each try uses a new one, as users do.
                wait_until(lambda: use(gate, tokens.token()) == 303, "sign-ins work again")
            wait_until(lambda: len(load.statuses) > during + 50, "the load continued")
        assert set(load.statuses) == {200}, {s: load.statuses.count(s) for s in set(load.statuses)}

    @pytest.mark.parametrize("outage", OUTAGES)
    @pytest.mark.parametrize("policy", ["deny", "allow"])
    def test_known_bearer_tokens_stay_valid_and_others_follow_the_policy(self, cluster, redis, outage, policy):
        begin, end = OUTAGES[outage]
        front = cluster(count=1, replay={"store": "redis", "onFailure": policy}, **ALLOW)
        (gate,) = front.gates
        seen, spent = tokens.token(), tokens.token()
        assert bearer(gate, seen) == 200 and use(gate, spent) == 303
        begin(redis)
        for _ in range(3):
            assert bearer(gate, seen) == 200
            assert bearer(gate, tokens.token()) == (200 if policy == "allow" else 503)
            assert bearer(gate, spent) == 401, "this process remembers used tokens"
        end(redis)
        wait_until(lambda: bearer(gate, tokens.token()) == 200, "other tokens are accepted again", deadline=8)

    @pytest.mark.parametrize("outage", OUTAGES)
    @pytest.mark.parametrize("policy", ["deny", "allow"])
    @pytest.mark.parametrize("changes", [{}, {"token": {"minimumIDLength": 8}}], ids=["one key", "two keys"])
    def test_a_token_that_one_worker_has_accepted_is_accepted_by_all(self, cluster, redis, outage, policy, changes):
        begin, end = OUTAGES[outage]
        front = cluster(count=1, workers=2, replay={"store": "redis", "onFailure": policy}, **ALLOW, **changes)
        (gate,) = front.gates
        seen, spent = tokens.token(), tokens.token()
        assert bearer(gate, seen) == 200 and bearer(gate, spent) == 200 and use(gate, spent) == 303
        begin(redis)
        # Each over a connection of its own, which the kernel gives to either worker.
        assert {bearer(gate, seen) for _ in range(20)} == {200}
        assert {bearer(gate, spent) for _ in range(10)} == {401}
        unseen = tokens.token()
        assert {bearer(gate, unseen) for _ in range(10)} == {200 if policy == "allow" else 503}
        assert use(gate, seen) == (303 if policy == "allow" else 503)
        assert {bearer(gate, seen) for _ in range(10)} == {401 if policy == "allow" else 200}
        end(redis)
        wait_until(lambda: use(gate, tokens.token()) == 303, "sign-ins work again", deadline=8)
        # Redis consumes a token for a sign-in that got no reply while it was frozen.
        if policy == "deny" and outage == "stopped":
            assert use(gate, seen) == 303 and {bearer(gate, seen) for _ in range(10)} == {401}

    def test_a_broken_link_is_noticed_in_time(self, cluster, redis):
        wire = Wire(redis.port)
        try:
            front = cluster(url=f"redis://127.0.0.1:{wire.port}/0", **ALLOW)
            with Load(front) as load:
                wire.cut()
                assert use(front.gates[0], tokens.token()) == 503
                wire.restore()
                wait_until(lambda: use(front.gates[0], tokens.token()) == 303, "sign-ins work again")
            assert set(load.statuses) == {200}
        finally:
            wire.close()

    def test_with_allow_a_token_is_for_single_use_on_the_replica_that_accepted_it(self, cluster, redis):
        front = cluster(replay={"store": "redis", "onFailure": "allow"}, **ALLOW)
        token = tokens.token()
        redis.stop()
        assert use(front.gates[0], token) == 303
        assert use(front.gates[0], token) == 403
        redis.start()
        wait_until(lambda: use(front.gates[0], tokens.token()) == 303 and redis.keys("sidegate:token:*"), "Redis is used again")
        assert use(front.gates[0], token) == 403

    def test_a_gate_starts_without_redis(self, cluster, redis):
        redis.stop()
        front = cluster(count=1, **ALLOW)
        assert use(front.gates[0], tokens.token()) == 503
        redis.start()
        wait_until(lambda: use(front.gates[0], tokens.token()) == 303, "sign-ins work")

    def test_the_metric_shows_it(self, cluster, redis):
        gate = cluster(count=1).gates[0]

        def up() -> float:
            return Metrics(gate).get("sidegate_redis_up")
        wait_until(lambda: up() == 1, "connected")
        redis.stop()
        wait_until(lambda: up() == 0, "disconnected")
        redis.start()
        wait_until(lambda: up() == 1, "reconnected")

    def test_the_log_reports_each_outage_once(self, cluster, redis):
        front = cluster(count=1)
        log = front.gates[0].log
        wait_until(lambda: "connected to Redis" in log(), "the connection is logged")
        for n in (1, 2):
            redis.stop()
            wait_until(lambda: log().count("Redis is out of reach") == n, "the loss is in the log")
            redis.start()
            wait_until(lambda: log().count("connected to Redis") == n + 1, "the end is in the log")
        assert log().count("Redis is out of reach") == 2


# Every type of reply of both versions of the protocol; for each command only one or two are valid.
REPLIES = [b"+OK", b"+QUEUED", b"+", b":1", b":0", b":-1", b":2", b"$-1", b"$2\r\nOK", b"$0\r\n", b"*-1", b"*0", b"*1\r\n+OK", b"_",
           b"#t", b",1.0", b"(1", b"%0", b"~0", b">1\r\n+OK", b"=6\r\ntxt:OK", b"|1\r\n+a\r\n+b\r\n+OK", b"HTTP/1.1 200 OK",
           b"+OK\r\n+OK", b"$99999999999", b"*99999999999", b"*1\r\n" * 100 + b":1", b":99999999999999999999", b"\xff\x00"]


class TestFaultyRedis:
    """Any reply: no crash, no endless loop, few connections, and sign-ins follow `replay.onFailure`."""

    @pytest.fixture
    def faulty(self):
        made = []

        def make(**answers):
            made.append(FaultyRedis(**answers))
            return made[-1]
        yield make
        for server in made:
            server.close()

    @staticmethod
    def unexpected(gate) -> float:
        return Metrics(gate).get("sidegate_redis_unexpected_replies_total")

    @pytest.mark.parametrize("policy", ["deny", "allow"])
    def test_a_sign_in_accepts_only_valid_replies(self, cluster, faulty, policy):
        reply = [b""]
        redis = faulty(SET=lambda parts: reply[0])
        front = cluster(count=1, url=redis.url, replay={"store": "redis", "onFailure": policy}, **ALLOW)
        gate = front.gates[0]
        for text in REPLIES:
            reply[0] = text + b"\r\n"
            if text in (b"+OK", b"$-1"):
                continue
            # The valid reply is accepted, and the excess one after it ends the connection.
            allowed = {303} if policy == "allow" else {503, 303} if text == b"+OK\r\n+OK" else {503}
            assert use(gate, tokens.token()) in allowed, text
        for text, status in ((b"+OK", 303), (b"$-1", 403)):
            reply[0] = text + b"\r\n"
            wait_until(lambda: use(gate, tokens.token()) == status, f"{text} is accepted", deadline=8)
        assert self.unexpected(gate) >= 1

    def test_an_iteration_without_end_is_ended(self, cluster, faulty):
        cursor = iter(range(1, 1 << 40))

        def page(parts):
            text = b"%d" % next(cursor)
            return b"*2\r\n$%d\r\n%s\r\n*2\r\n$1\r\nx\r\n$1\r\n1\r\n" % (len(text), text)
        redis = faulty(ZSCAN=page)
        front = cluster(count=1, url=redis.url, **ALLOW)
        gate = front.gates[0]
        wait_until(lambda: self.unexpected(gate) >= 1, "the unexpected reply is counted", deadline=60)
        seen = redis.count("ZSCAN")
        assert seen <= 2 * 1024
        wait_until(lambda: "the replies to ZSCAN have no end" in gate.log(), "the cause is in the log")
        wait_until(lambda: use(gate, tokens.token()) == 303, "sign-ins work", deadline=8)

    @pytest.mark.parametrize("page", [
        b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nx", b"*2\r\n$1\r\n0\r\n*2\r\n$1\r\nx\r\n$1\r\ny", b"*2\r\n$2\r\n-1\r\n*0",
        b"*2\r\n:0\r\n*0", b"*3\r\n$1\r\n0\r\n*0\r\n*0", b"*2\r\n$1\r\n0\r\n%0", b"$1\r\n0", b"*0", b"*-1"], ids=range(9))
    def test_a_malformed_page_ends_the_connection(self, cluster, faulty, page):
        redis = faulty(ZSCAN=page + b"\r\n")
        gate = cluster(count=1, url=redis.url, **ALLOW).gates[0]
        wait_until(lambda: self.unexpected(gate) >= 1, "the unexpected reply is counted", deadline=10)
        redis.answers = {}
        wait_until(lambda: use(gate, tokens.token()) == 303, "sign-ins work", deadline=8)

    @pytest.mark.parametrize("answers, count", [
        ({"PING": None, "SUBSCRIBE": None}, 15), ({"ZSCAN": None, "SET": None, "SUBSCRIBE": None}, 15), ({"PING": b":1\r\n"}, 15),
        ({"PING": b"+PONG\r\n+x\r\n"}, 15), ({"SUBSCRIBE": b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"}, 8),
    ], ids=["closes", "closes after PING", "wrong reply to PING", "excess reply", "another channel"])
    def test_a_server_that_fails_after_the_connect_is_not_contacted_more_often(self, cluster, faulty, answers, count):
        redis = faulty(**answers)
        gate = cluster(count=1, url=redis.url, workers=1, **ALLOW).gates[0]

        def attempts():
            use(gate, tokens.token())
            return len(redis.connects) >= count
        wait_until(attempts, "it continues to try", deadline=60)
        # At least one of three connections has made four more attempts, with pauses of 25, 50, 100 and 200 ms.
        took = redis.connects[count - 1] - redis.connects[0]
        assert took > 0.3, f"{count} connections in {took:.2f} s"
        assert gate.process.is_running()


class TestConnectionOptions:
    """Every way to connect and authenticate to Redis: a token used on one replica is refused by the other."""

    def try_it(self, cluster, redis, **options):
        front = cluster(**ALLOW, redis=options)
        token = tokens.token()
        assert [use(front.gates[0], token), use(front.gates[1], token)] == [303, 403]
        return front

    @pytest.fixture
    def start(self, tmp_path):
        started = []

        def start(*options, **more):
            started.append(Redis(tmp_path / f"own{len(started)}", *options, **more))
            return started[-1]
        yield start
        for server in started:
            server.process.kill()

    @pytest.mark.parametrize("form", ["unix:{}", "redis+unix://{}?db=2"])
    def test_a_unix_socket(self, cluster, redis, form):
        self.try_it(cluster, redis, url=form.format(redis.socket))

    def test_a_database_and_a_prefix(self, cluster, redis):
        self.try_it(cluster, redis, url=f"redis://localhost:{redis.port}/7", prefix="team-a:")
        assert redis("INFO", "keyspace").decode().count("db7:keys=1") == 1

    def test_a_password(self, cluster, start):
        redis = start("--requirepass", "open sesame/:@", password="open sesame/:@")
        self.try_it(cluster, redis, url=f"redis://:open%20sesame%2F%3A%40@127.0.0.1:{redis.port}")
        self.try_it(cluster, redis, url=f"redis://127.0.0.1:{redis.port}", password="open sesame/:@")

    def test_an_ACL_user_with_no_more_rights_than_documented(self, cluster, start, tmp_path):
        redis = start()
        redis("ACL", "SETUSER", "gate", "on", ">secret", "resetchannels", "~sidegate:*", "&sidegate:*", "-@all",
              *"+ping +select +set +get +del +exists +pttl +pexpire +eval +zadd +zcard +zscan +zremrangebyscore +zrangebyscore +zrange +zrem +hset +hdel +hscan +publish +subscribe".split())
        redis("ACL", "SETUSER", "default", "off")
        front = self.try_it(cluster, redis, url=f"redis://gate:secret@127.0.0.1:{redis.port}")
        ada = front.signed_in()
        assert log_out(front.gates[0]) == 200
        wait_until(lambda: not is_in(front.gates[1], ada), "the other replica is notified")
        self.try_it(cluster, redis, url=f"redis://127.0.0.1:{redis.port}", user="gate", password="secret")

    def test_TLS_verified(self, cluster, start, tmp_path):
        authority = Authority(tmp_path / "pki")
        redis = start(certificate=authority.issue("redis", "DNS:localhost"), authority=authority)
        self.try_it(cluster, redis, url=f"rediss://localhost:{redis.secure_port}", ca=authority.path)
        other = Authority(tmp_path / "other")
        front = cluster(count=1, **ALLOW, redis={"url": f"rediss://localhost:{redis.secure_port}", "ca": other.path})
        assert use(front.gates[0], tokens.token()) == 503
        wait_until(lambda: "Redis is out of reach" in front.gates[0].log(), "the reason in the log")
        assert "certificate" in front.gates[0].log().lower()

    @pytest.mark.parametrize("password", ["wr0ng-Passw0rd", None])
    def test_a_wrong_password_is_reported_but_not_logged(self, cluster, start, password):
        redis = start("--requirepass", "right", password="right")
        options = {"password": password} if password else {}
        front = cluster(count=1, **ALLOW, redis={"url": f"redis://127.0.0.1:{redis.port}", **options})
        assert use(front.gates[0], tokens.token()) == 503
        wait_until(lambda: "out of reach" in front.gates[0].log(), "the reason in the log")
        assert ("WRONGPASS" if password else "NOAUTH") in front.gates[0].log()
        assert "wr0ng-Passw0rd" not in front.gates[0].log()

    def test_a_server_that_is_not_redis_counts_as_unavailable(self, cluster, upstream):
        front = cluster(count=1, **ALLOW, url=f"redis://127.0.0.1:{upstream.port}")
        assert use(front.gates[0], tokens.token()) == 503
        upstream.failures.clear()

    def test_after_a_failover_the_new_master_is_found(self, cluster, start, redis):
        """The old master becomes a replica, which accepts no writes: the gate resolves the name again."""
        front = cluster(count=1, **ALLOW)
        assert use(front.gates[0], tokens.token()) == 303
        other = start()
        redis("REPLICAOF", "127.0.0.1", other.port)
        assert use(front.gates[0], tokens.token()) == 503
        redis("REPLICAOF", "NO", "ONE")
        wait_until(lambda: use(front.gates[0], tokens.token()) == 303, "it reconnected")


class TestStoredSessions:
    """`session.store: redis`"""

    STORED = {"session": {"store": "redis"}}

    def test_known_sessions_survive_an_outage_and_unknown_ones_get_503(self, cluster, redis, start_gate, upstream):
        front = cluster(**self.STORED)
        with Load(front) as load:
            redis.stop()
            began = len(load.statuses)
            wait_until(lambda: len(load.statuses) > began + 200, "the load continues")
            cold = start_gate(upstream, **front.settings)
            response = at(cold, load.browser, headers=NAVIGATION)
            assert response.status == 503 and int(response["Retry-After"]) > 0
            # The browser keeps its ticket, which is still valid.
            assert "Set-Cookie" not in dict(response.fields)
        assert set(load.statuses) == {200}

    def test_a_sign_in_without_redis_follows_the_policy(self, cluster, redis):
        for policy, status in (("deny", 503), ("allow", 303)):
            front = cluster(**self.STORED, replay={"store": "redis", "onFailure": policy})
            browser = Browser(front)
            back = browser.start("/")
            redis.stop()
            assert browser.finish(back, tokens.token()).status == status
            if policy == "allow":
                assert browser.navigate("/").status == 200, "the session is stored in the cookie"
            redis.start()

    def test_a_session_missing_in_the_store_ends_within_the_renewal_interval(self, cluster, redis):
        front = cluster(session={"store": "redis", "idleTimeout": "10s"})  # checked every second
        browser = front.signed_in()
        assert is_in(front.gates[0], browser)
        redis("FLUSHALL")
        wait_until(lambda: not is_in(front.gates[0], browser), "the session has ended")

    def test_reads_and_writes_are_rare(self, cluster, redis):
        front = cluster(session={"store": "redis", "idleTimeout": "20s"})  # an interval of two seconds
        with Load(front) as load:
            redis("CONFIG", "RESETSTAT")
            began, already = time.monotonic(), len(load.statuses)
            wait_until(lambda: time.monotonic() - began > 6.5 and len(load.statuses) - already > 500, "the load continues")
        stats = redis("INFO", "commandstats").decode()
        intervals = 1 + (time.monotonic() - began) / 2
        calls = {line.split(":")[0][8:]: int(line.split("calls=")[1].split(",")[0])
                 for line in stats.splitlines() if line.startswith("cmdstat_")}
        # Each replica writes once a minute which sessions it has seen, into two keys.
        seen = calls.get("hset", 0)
        assert seen <= 2 and calls.get("pexpire", 0) - 2 * seen <= intervals, calls
        assert calls.get("get", 0) <= 2 * 2 * intervals, calls  # one by each connection when the session is due
        print(f"{len(load.statuses)} requests, {calls}")

    def test_the_cookie_is_small_and_opaque(self, cluster):
        front = cluster(**self.STORED)
        browser = front.signed_in(groups=[f"a-group-with-a-long-name-{n}" for n in range(100)])
        assert len(browser.cookie_header()) < 250
        assert browser.navigate("/").status == 200

    def test_sessions_in_cookies_survive_the_change(self, cluster, start_gate, upstream):
        front = cluster(count=1)
        browser = front.signed_in()
        assert is_in(start_gate(upstream, **{**front.settings, **self.STORED}), browser)

    def test_a_POST_waits_for_its_session(self, cluster, upstream):
        front = cluster(**self.STORED)
        browser = front.signed_in()
        body = b"x" * 300_000
        for gate in front.gates:  # without and with the session in the cache
            for _ in range(2):
                response = gate.exchange("POST", "/form", {"Cookie": browser.cookie_header()}, body,
                                         host=urllib.parse.urlsplit(front.origin).netloc)
                assert response.status == 200 and upstream.last.body == body


class TestStoredSessionsEverywhere:
    """Each use of the identity waits for the lookup of a session that this replica does not have."""

    RULES = [{"paths": ["/open/*"], "allow": "anyone"}, {"paths": ["/closed/*"], "deny": True},
             {"paths": ["/admins/*"], "require": {"groups": ["admins"]}}]

    @pytest.fixture
    def front(self, cluster):
        return cluster(session={"store": "redis"}, access={"rules": self.RULES}, trustedProxies=["127.0.0.1"])

    @pytest.mark.parametrize("number", [0, 1])
    def test_the_app_gets_the_identity_on_an_open_path(self, front, upstream, number):
        browser = front.signed_in()
        assert at(front.gates[number], browser, "/open/x").status == 200
        assert upstream.last.get("X-Forwarded-User") == "ada"

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_denied_user_is_named_in_the_log(self, front, number):
        browser, gate = front.signed_in(), front.gates[number]
        assert at(gate, browser, "/closed/x", NAVIGATION).status == 403
        wait_until(lambda: any(e.get("path") == "/closed/x" and e.get("user") == "ada" for e in lines(gate)), "the line")

    @pytest.mark.parametrize("number", [0, 1])
    def test_forward_auth(self, front, number):
        browser, gate = front.signed_in(groups=["admins"]), front.gates[number]
        host = urllib.parse.urlsplit(front.origin).netloc

        def ask(path, cookie=None):
            return gate.exchange("GET", "/.sidegate/auth", {
                "X-Original-URL": "http://" + host + path, "X-Original-Method": "GET",
                "Cookie": cookie or browser.cookie_header()}, host=host)
        answer = ask("/admins/x")
        assert answer.status == 202 and answer["X-Auth-Request-User"] == "ada", answer.text
        assert ask("/closed/x").status == 403
        assert ask("/open/x", "a=b").status == 202 and ask("/admins/x", "a=b").status == 401

    @pytest.mark.parametrize("number", [0, 1])
    def test_observe_mode(self, cluster, upstream, number):
        front = cluster(session={"store": "redis"}, access={"rules": self.RULES, "mode": "observe"})
        browser = Browser(front)
        browser.sign_in("/.sidegate/login")
        for path in ("/", "/closed/x", "/admins/x"):
            assert at(front.gates[number], browser, path).status == 200
            assert upstream.last.get("X-Forwarded-User") == "ada"

    def test_without_redis_open_paths_stay_open_and_forward_auth_refuses(self, front, start_gate, upstream, redis):
        browser = front.signed_in(groups=["admins"])
        redis.stop()
        cold = start_gate(upstream, **front.settings)
        assert at(cold, browser, "/open/x").status == 200 and upstream.last.get("X-Forwarded-User") is None
        host = urllib.parse.urlsplit(front.origin).netloc
        answer = cold.exchange("GET", "/.sidegate/auth", {
            "X-Original-URL": "http://" + host + "/admins/x", "X-Original-Method": "GET",
            "Cookie": browser.cookie_header()}, host=host)
        assert answer.status in (401, 403)


class TestProvisioning:
    def test_a_users_first_sign_in_is_the_first_of_all_replicas(self, cluster, redis):
        accounts = Upstream()
        accounts.answer = lambda request, connection: connection.respond(204, {})
        try:
            front = cluster(provisioning={"url": accounts.url + "/users"}, **ALLOW)
            for gate in front.gates * 2:
                assert use(gate, tokens.token()) == 303
            assert len(accounts.requests) == 1
            assert not any("ada" in key for key in redis.keys()), "Redis stores no user names"
            assert use(front.gates[1], tokens.token(sub="bob", email="bob@example.com")) == 303
            assert use(front.gates[0], tokens.token(sub="bob", email="bob@example.com")) == 303
            assert len(accounts.requests) == 2
            redis("DEL", *[key for key in redis.keys() if ":told:" in key])
            later = cluster(provisioning={"url": accounts.url + "/users"}, **ALLOW)
            assert use(later.gates[0], tokens.token()) == 303
            assert len(accounts.requests) == 3, "a user missing in Redis is announced again"
        finally:
            accounts.stop()

    def test_a_new_url_opens_no_other_connection(self, cluster, redis):
        """Each reload with another URL causes new calls, over the existing connection."""
        accounts = Upstream()
        accounts.answer = lambda request, connection: connection.respond(204, {})
        try:
            gate = cluster(count=1, provisioning={"url": accounts.url + "/0"}, **ALLOW).gates[0]
            counts = []
            for number in range(4):
                if number:
                    change(gate, provisioning={"url": f"{accounts.url}/{number}"})
                assert use(gate, tokens.token()) == 303
                counts.append(redis("INFO", "clients").decode().split("connected_clients:")[1].split()[0])
            assert len(accounts.requests) == 4 and len(set(counts)) == 1, counts
        finally:
            accounts.stop()

    def test_without_redis_each_replica_notifies_the_app(self, cluster, redis):
        accounts = Upstream()
        accounts.answer = lambda request, connection: connection.respond(204, {})
        try:
            front = cluster(provisioning={"url": accounts.url + "/users"}, replay={"store": "redis", "onFailure": "allow"}, **ALLOW)
            redis.stop()
            for gate in front.gates:
                assert use(gate, tokens.token()) == 303
            assert len(accounts.requests) == 2
        finally:
            accounts.stop()


class TestDoctor:
    def doctor(self, tmp_path, redis, **changes):
        config = tmp_path / "doctor.yaml"
        config.write_text(json.dumps(merged(whole("http://127.0.0.1:1", free_port()), {
            "replay": {"store": "redis"}, "redis": {"url": redis.url, **changes}})))
        config.chmod(0o600)
        return sidegate("doctor", "--config", config).stdout

    def test_it_checks_redis(self, tmp_path, redis):
        assert "version 7" in self.doctor(tmp_path, redis) or "Valkey" in self.doctor(tmp_path, redis)
        assert redis.keys() == [], "it leaves no keys"
        redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        assert "allkeys-lru" in self.doctor(tmp_path, redis)
        redis("ACL", "SETUSER", "weak", "on", ">pass", "~*", "+ping")
        text = self.doctor(tmp_path, redis, user="weak", password="pass")
        assert "FAIL" in text and "NOPERM" in text and "pass:" not in text
        redis.stop()
        assert "refused" in self.doctor(tmp_path, redis).lower()

    @pytest.mark.parametrize("user, warns", [("", False), (":a-password@", True)])
    def test_a_url_is_a_secret_when_it_contains_a_password(self, tmp_path, redis, user, warns):
        for name in ("jwt", "session"):
            (tmp_path / name).write_text("s" * 43)
            (tmp_path / name).chmod(0o600)
        config = tmp_path / "doctor.yaml"
        config.write_text(json.dumps({
            **whole("http://127.0.0.1:1", free_port()), "token": {"keys": [{"secretFile": "jwt"}]},
            "session": {"secretFile": "session"}, "replay": {"store": "redis"},
            "redis": {"url": f"redis://{user}127.0.0.1:{redis.port}/0"}}))
        config.chmod(0o644)
        assert ("other users can read it" in sidegate("doctor", "--config", config).stdout) == warns
