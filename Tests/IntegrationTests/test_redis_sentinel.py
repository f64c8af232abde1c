# SPDX-License-Identifier: Apache-2.0
"""Redis Sentinel: two gates follow the primary; a failover loses no session, and no token that was replicated."""

import re

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.certificates import Authority
from harness.gate import NAVIGATION, ROOT, Gate, sidegate
from harness.ports import free_port
from harness.process import wait_until
from harness.redis_sentinel import FaultySentinel, SentinelGroup, SignIns, addressed, named
from harness.reloads import admin
from harness.replicas import Front, Load, is_in, log_out, settings

ALLOW = {"identityProvider": {"initiated": "allow"}}


@pytest.fixture
def sentinels(tmp_path):
    """Starts a group of servers and sentinels."""
    groups = []

    def start(**options) -> SentinelGroup:
        groups.append(SentinelGroup(tmp_path / f"group{len(groups)}", **options))
        return groups[-1]
    yield start
    for group in groups:
        group.close()


@pytest.fixture
def gates(tmp_path, upstream, start_gate):
    """Starts gates with these settings of Redis behind an nginx."""
    fronts = []

    def start(redis: dict, count=2, **changes) -> Front:
        port = free_port()
        base = {**settings("", port, **{**ALLOW, **changes}), "redis": redis}
        front = Front(tmp_path / f"front{len(fronts)}", port,
                      [start_gate(upstream, **base, admin=admin()) for _ in range(count)])
        front.settings = base
        fronts.append(front)
        return front
    yield start
    for front in fronts:
        front.stop()


def use(gate: Gate, token: str) -> int:
    return gate.exchange("GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status


def answered(status: int) -> int:
    """0 for a sign-in that was refused because Redis did not reply in time."""
    return 0 if status == 503 else status


def signs_in(gate: Gate):
    """A token may be consumed although Redis did not reply, so each try uses a new one, as users do."""
    wait_until(lambda: use(gate, tokens.token()) == 303, "users can sign in")


def doctor(gate: Gate) -> str:
    return sidegate("doctor", "--config", gate.config).stdout


def failovers(gate: Gate) -> float:
    return Metrics(gate).get("sidegate_redis_failovers_total")


def documented(first: str) -> list:
    """The permissions of the `ACL SETUSER` in docs/replicas.md in which this one stands."""
    text = (ROOT / "docs/replicas.md").read_text()
    command = next(block for block in re.findall(r"^```\n(ACL SETUSER.+?)^```", text, re.M | re.S) if first in block)
    return command.split(">PASSWORD ")[1].split()


class TestFailover:
    @pytest.mark.parametrize("way, store", [("kill", "cookie"), ("suspend", "redis"), ("cut_off", "redis")])
    def test_gates_follow_the_primary(self, sentinels, gates, start_gate, upstream, way, store, capsys):
        group = sentinels(wired=way == "cut_off")
        front = gates(group.settings(), session={"store": store})
        ada, eve = front.signed_in(), front.signed_in(sub="eve", email="eve@example.com")
        assert log_out(front.gates[0], sub="eve") == 200
        wait_until(lambda: not any(is_in(gate, eve) for gate in front.gates), "eve is signed out on both")
        with Load(front) as load, SignIns(front.gates) as sign_ins:
            wait_until(lambda: len(sign_ins.accepted()) >= 20, "users sign in")
            kept = sign_ins.accepted()
            group.replicate()
            failed = group.fail(way)
            for place in range(2):
                wait_until(lambda: sign_ins.accepted_by(place, failed), "users sign in on this gate again", deadline=60)
            # A sign-in that was on its way may have been accepted just before.
            took = min(at for at in sign_ins.accepted_at if at > failed + 0.2) - failed
            served = len(load.statuses)
            wait_until(lambda: len(load.statuses) > served + 50, "signed-in users are served")
        with capsys.disabled():
            print(f" [{way}, {store}: next sign-in accepted {took:.1f} s after the failure] ", end="")
        assert set(load.statuses) == {200}, "signed-in users notice nothing"
        assert {status for _, _, pair in sign_ins.tries for status in pair} <= {303, 403, 503}
        assert not sign_ins.accepted_twice(since=failed)
        for gate in front.gates:
            wait_until(lambda: failovers(gate) >= 1, "the failover is counted")
            assert "Redis has failed over to another primary" in gate.log()
            assert is_in(gate, ada) and not is_in(gate, eve)
        # A gate that remembers nothing itself has to go by what the new primary has.
        later = start_gate(upstream, **front.settings)
        signs_in(later)
        assert {wait_until(lambda: answered(use(later, token)), "Redis answers") for token in kept} == {403}
        wait_until(lambda: not is_in(later, eve), "it has read who was signed out")
        assert is_in(later, ada)

    def test_sign_outs_and_sign_ins_after_it_reach_both_gates(self, sentinels, gates):
        group = sentinels()
        front = gates(group.settings())
        ada = front.signed_in()
        group.fail("kill")
        for gate in front.gates:
            signs_in(gate)
        assert all(is_in(gate, ada) for gate in front.gates)
        wait_until(lambda: log_out(front.gates[0]) == 200, "the logout is retained")
        wait_until(lambda: not is_in(front.gates[1], ada), "the other gate is notified")
        token = tokens.token()
        assert [use(gate, token) for gate in front.gates] == [303, 403]
        before = [failovers(gate) for gate in front.gates]
        # The old primary comes back, says for a while that it is one, and becomes a replica.
        group.servers[0].start()
        for _ in range(10):
            token = tokens.token()
            assert [use(gate, token) for gate in front.gates] == [303, 403]
        wait_until(lambda: group.servers[0]("ROLE")[0] == b"slave", "the old primary is a replica", deadline=60)
        token = tokens.token()
        assert [use(gate, token) for gate in front.gates] == [303, 403]
        assert [failovers(gate) for gate in front.gates] == before


class TestSentinels:
    def test_one_that_is_down_and_then_all(self, sentinels, gates):
        group = sentinels()
        group.sentinels[0].stop()
        front = gates(group.settings(), count=1)
        (gate,) = front.gates
        signs_in(gate)
        text = doctor(gate)
        assert re.search(rf"FAIL.*{re.escape(group.addresses[0])}.*refused", text) and "2 of 3 name" in text
        assert "min-replicas-to-write" not in text
        group.servers[0]("CONFIG", "SET", "min-replicas-to-write", 0)
        assert re.search(r"warning.*min-replicas-to-write", doctor(gate))
        for sentinel in group.sentinels[1:]:
            sentinel.stop()
        wait_until(lambda: "no Redis Sentinel names the primary" in gate.log(), "the outage is logged")
        assert use(gate, tokens.token()) == 303
        connected = gate.log().count("connected to Redis")
        group.servers[0]("CLIENT", "KILL", "TYPE", "normal")
        wait_until(lambda: gate.log().count("connected to Redis") > connected, "the last primary stays in use")
        signs_in(gate)
        group.sentinels[2].start()
        wait_until(lambda: "Redis Sentinel names the primary again" in gate.log(), "a sentinel is back")
        assert failovers(gate) == 0

    def test_others_are_learned_from_one(self, sentinels, gates):
        group = sentinels()
        primary, others = addressed("127.0.0.1", group.servers[0].port), named(sentinel.port for sentinel in group.sentinels)
        only = FaultySentinel(b"")
        only.answers[b"SENTINEL"] = lambda parts: others if parts[1] == b"SENTINELS" else primary
        front = gates(group.settings(sentinels=only.address), count=1)
        (gate,) = front.gates
        signs_in(gate)
        # It is asked at first, and when the subscription begins: the first answer has come by the second question.
        wait_until(lambda: sum(parts[:2] == [b"SENTINEL", b"SENTINELS"] for parts in only.commands) >= 2, "it names the others")
        only.close()
        wait_until(lambda: any(b" sub=1 " in sentinel("CLIENT", "LIST") for sentinel in group.sentinels), "another one is used")
        group.fail("kill")
        signs_in(gate)
        assert failovers(gate) >= 1

    def test_what_is_no_address_or_no_primary_is_not_used(self, sentinels, gates):
        group = sentinels()
        replica, closed = group.servers[1].port, free_port()
        replies = {
            "a replica": addressed("127.0.0.1", replica), "nobody": addressed("127.0.0.1", closed),
            "itself": None, "no host": addressed("a b", 6379), "a path": addressed("/run/redis.sock", 6379),
            "no port": addressed("127.0.0.1", "x"), "port 0": addressed("127.0.0.1", 0), "a large port": addressed("127.0.0.1", 65536),
            "short": addressed("127.1", 6379), "empty": addressed("", ""), "long": addressed("a" * 5000, 6379),
            "none": b"*-1\r\n", "one part": b"*1\r\n$9\r\n127.0.0.1\r\n", "a number": b":1\r\n", "a status": b"+OK\r\n",
            "an error": b"-IDONTKNOW ask another\r\n", "deep": b"*1\r\n" * 50 + b":1\r\n", "endless": b"*2\r\n$99999999\r\n",
            "many": b"*99999\r\n" + b":1\r\n" * 99999, "not Redis": b"HTTP/1.1 400 Bad Request\r\n\r\n", "silence": b"",
        }
        liars = [FaultySentinel(reply or b"") for reply in replies.values()]
        for liar, (name, _) in zip(liars, replies.items()):
            if name == "itself":
                liar.answers[b"SENTINEL"] = lambda parts, liar=liar: addressed("127.0.0.1", liar.port)
        try:
            # All but those that keep a gate waiting come before the one that is right.
            front = gates(group.settings(sentinels=[liar.address for liar in liars] + group.addresses[:1]), count=1)
            (gate,) = front.gates
            wait_until(lambda: use(gate, tokens.token()) == 303, "users can sign in", deadline=60)
            asked = [name for liar, name in zip(liars, replies) if liar.count("SENTINEL") or liar.count("SUBSCRIBE")]
            assert asked == list(replies)
            signs_in(gate)
        finally:
            for liar in liars:
                liar.close()


class TestSecurity:
    @pytest.fixture
    def secure(self, sentinels, tmp_path):
        authority = Authority(tmp_path)
        group = sentinels(
            password="of-the-servers", sentinel_password="of-the-sentinels", authority=authority,
            certificate=authority.issue("redis", "IP:127.0.0.1"))
        # Users with no more rights than documented.
        for server in group.servers:
            server("ACL", "SETUSER", "gate", "on", ">of-a-gate", *documented("~sidegate:*"), "+role")
        for sentinel in group.sentinels:
            sentinel("ACL", "SETUSER", "gate", "on", ">of-a-gate-too", *documented("&+switch-master"))
        return group, group.settings(tls=True, ca=authority.path, user="gate", password="of-a-gate", sentinelUser="gate",
                                     sentinelPassword="of-a-gate-too")

    def test_tls_and_passwords_for_sentinels_and_servers(self, secure, gates, tmp_path):
        group, redis = secure
        front = gates(redis)
        token = tokens.token()
        assert [use(gate, token) for gate in front.gates] == [303, 403]
        lines = [line for line in doctor(front.gates[0]).splitlines() if "redis" in line]
        assert any("3 of 3 name" in line and "quorum 2, 3 sentinels known, 2 replicas" in line for line in lines), lines
        assert not any("FAIL" in line or "warning" in line for line in lines), lines
        group.fail("kill")
        for gate in front.gates:
            signs_in(gate)
        for gate in front.gates:
            assert "of-a-gate" not in gate.log()

    def test_a_wrong_password_or_authority_is_reported(self, secure, start_gate, upstream, tmp_path):
        group, redis = secure
        faults = {"of the sentinels: WRONGPASS": {"sentinelPassword": "wrong-for-sentinels"},
                  "of the servers: WRONGPASS": {"password": "wrong-for-servers"},
                  "certificate": {"ca": Authority(tmp_path, "other").path},
                  "it knows no primary named unknown": {"master": "unknown"}}
        shared = {**settings("", free_port(), **ALLOW)}
        gates = [start_gate(upstream, **{**shared, "redis": {**redis, **change}}) for change in faults.values()]
        for gate, fault in zip(gates, faults):
            words = fault.rpartition(": ")[2]
            assert use(gate, tokens.token()) == 503
            wait_until(lambda: words in gate.log(), f"{words} is in the log")
            assert "wrong-for" not in gate.log()
            assert re.search(f"FAIL.*{words}", doctor(gate)), doctor(gate)
