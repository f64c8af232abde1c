# SPDX-License-Identifier: Apache-2.0
"""Two replicas with a Redis Cluster: slots that move, servers that fail, and servers that cannot be trusted."""

import hashlib
import re
import secrets
import threading
import time
from pathlib import Path

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.certificates import Authority
from harness.gate import NAVIGATION, ROOT, XHR, sidegate
from harness.ports import free_port
from harness.process import wait_until
from harness.redis import FaultyRedis
from harness.redis_cluster import SLOTS, RedisCluster, slot
from harness.reloads import admin
from harness.replicas import Front, Load, is_in, log_out
from harness.replicas import settings as shared
from harness.secure import in_threads

TWO_KEYS = {"token": {"minimumIDLength": 8}}


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Three masters with a replica each. Tests leave it complete; which server has what may have changed."""
    servers = RedisCluster(tmp_path_factory.mktemp("cluster"))
    yield servers
    servers.stop()


@pytest.fixture
def fronts(tmp_path, upstream, start_gate):
    """`fronts(redis settings)` starts two gates behind an nginx."""
    made = []

    def start(redis: dict, count=2, **changes) -> Front:
        port = free_port()
        base = shared(None, port, identityProvider={"initiated": "allow"}, **changes)
        base["redis"] = redis
        gates = [start_gate(upstream, **base, admin=admin()) for _ in range(count)]
        front = Front(tmp_path / f"front{len(made)}", port, gates)
        front.settings = base
        made.append(front)
        return front
    yield start
    for front in made:
        front.stop()


@pytest.fixture
def front(servers, fronts):
    return fronts(servers.settings())


def use(gate, token: str) -> int:
    """A return without an attempt."""
    return gate.exchange("GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status


def bearer(gate, token: str) -> int:
    return gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}).status


def group(jti: str) -> str:
    """The hash tag of a token without an issuer."""
    text = b"\0\0\0\0" + len(jti).to_bytes(4, "big") + jti.encode()
    return tokens.base64url(hashlib.sha256(text).digest())


def token_in(slots) -> str:
    """A token whose keys are in one of the slots."""
    while True:
        jti = secrets.token_hex(16)
        if slot(group(jti)) in slots:
            return tokens.token(jti=jti)


def redirections(front) -> int:
    return sum(int(Metrics(gate).get("sidegate_redis_redirections_total")) for gate in front.gates)


def is_up(gate) -> bool:
    return Metrics(gate).get("sidegate_redis_up") == 1


class SignIns:
    """Each token is tried on both gates at once, one token after another, until the end of the block."""

    def __init__(self, front, make=tokens.token):
        self.front, self.make = front, make
        self.outcomes, self.tried, self.stopped = [], [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.stopped.is_set():
            token, statuses = self.make(), [None, None]

            def try_on(index):
                statuses[index] = use(self.front.gates[index], token)
            in_threads(2, try_on)
            self.tried.append(token)
            self.outcomes.append(tuple(statuses))

    def wait_for(self, count: int, kind=lambda pair: True):
        """Waits for so many more sign-ins."""
        begun = len(self.outcomes)
        wait_until(lambda: sum(map(kind, self.outcomes[begun:])) >= count, f"{count} sign-ins", deadline=60)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join(60)
        assert not self.thread.is_alive()

    @property
    def figures(self) -> dict:
        return {pair: self.outcomes.count(pair) for pair in set(self.outcomes)}


def is_accepted(pair) -> bool:
    return 303 in pair


class TestSlots:
    @pytest.mark.parametrize("changes", [{}, TWO_KEYS], ids=["one key", "two keys"])
    def test_tokens_on_all_masters_are_accepted_once(self, servers, fronts, changes):
        front = fronts(servers.settings(), **changes)
        minted = [tokens.token() for _ in range(100)]
        minted += [token_in(range(first, first + 64)) for first in range(0, SLOTS, SLOTS // 32)]
        start, outcomes = threading.Barrier(2), [[], []]

        def try_all(index):
            with front.gates[index].connection() as connection:
                for token in minted:
                    start.wait(60)
                    outcomes[index].append(
                        connection.exchange("GET", "/.sidegate/callback?jwt=" + token, NAVIGATION).status)
        in_threads(2, try_all)
        pairs = list(zip(*outcomes))
        assert {tuple(sorted(pair)) for pair in pairs} == {(303, 403)}, {p: pairs.count(p) for p in set(pairs)}
        assert all(node.keys("sidegate:token:{*}:*") for node in servers.masters)
        names = servers.keys("sidegate:token:*")
        assert len(names) >= len(minted) * (2 if changes else 1) and all("{" in name for name in names)

    def test_all_that_replicas_share_works(self, servers, fronts, start_gate, upstream):
        front = fronts(servers.settings(), session={"store": "redis"})
        ada, bob = front.signed_in(), front.signed_in(sub="bob", email="bob@example.com")
        assert all(is_in(gate, user) for gate in front.gates for user in (ada, bob))
        token = tokens.token()
        assert [bearer(gate, token) for gate in front.gates] == [200, 200]
        assert use(front.gates[0], token) == 303 and bearer(front.gates[0], token) == 401
        assert log_out(front.gates[0]) == 200
        for gate in front.gates:
            wait_until(lambda: not is_in(gate, ada), "the session has ended on both")
        later = start_gate(upstream, **front.settings)
        assert not is_in(later, ada) and is_in(later, bob) and use(later, token) == 403

    def test_the_documented_rights_suffice(self, servers, fronts):
        text = (ROOT / "docs" / "replicas.md").read_text()
        rules = re.search(r"ACL SETUSER gate on >PASSWORD (.*?)```", text, re.S)[1].split()
        added = re.search(r"A cluster's user needs `([^`]*)` too", text)[1].split()
        for node in servers.nodes:
            node("ACL", "SETUSER", "gate", "on", ">secret", *rules, *added)
        front = fronts({**servers.settings(), "user": "gate", "password": "secret"}, session={"store": "redis"})
        browser = front.signed_in()
        assert all(is_in(gate, browser) for gate in front.gates)
        assert log_out(front.gates[0]) == 200
        wait_until(lambda: not is_in(front.gates[1], browser), "the session has ended")
        assert doctor(front.gates[0]).startswith("ok"), "the doctor finds nothing"


def doctor(gate) -> str:
    """What it finds about the cluster."""
    report = sidegate("doctor", "--config", gate.config, timeout=180).stdout
    found = report[report.index("redis.cluster") - 40:]
    return found[found.index("\n") + 1:] if "\n" in found[:40] else found


class TestMovingSlots:
    def test_a_slot_that_has_moved_is_found(self, servers, front):
        number = secrets.randbelow(SLOTS)
        before = token_in([number])
        assert use(front.gates[0], before) == 303
        source = servers.owner(number)
        target = servers.other(source)
        moved = source.refusals("MOVED")
        servers.begin_move(number, source, target)
        servers.move_keys(number, source, target)
        servers.end_move(number, target)
        seen = redirections(front)
        after = token_in([number])
        assert use(front.gates[1], before) == 403 and use(front.gates[0], after) == 303
        assert use(front.gates[1], after) == 403
        assert source.refusals("MOVED") > moved and redirections(front) > seen

    def test_while_a_slot_is_being_moved_its_tokens_are_accepted_once(self, servers, front):
        number = secrets.randbelow(SLOTS)
        source = servers.owner(number)
        target = servers.other(source)
        first, second, third = (token_in([number]) for _ in range(3))
        assert use(front.gates[0], first) == 303
        asked, asking = source.refusals("ASK"), target.calls("asking")
        servers.begin_move(number, source, target)
        try:
            # The first one's key is at the source still, that of the second one is new.
            assert use(front.gates[1], first) == 403
            assert [use(gate, second) for gate in front.gates] == [303, 403]
            servers.move_keys(number, source, target)
            assert use(front.gates[1], first) == 403
            assert [use(gate, third) for gate in reversed(front.gates)] == [303, 403]
            assert source.refusals("ASK") - asked >= 4 and target.calls("asking") - asking >= 4
        finally:
            servers.end_move(number, target)
        assert [use(gate, token) for gate in front.gates for token in (first, second, third)] == [403] * 6

    def test_a_token_with_two_keys_waits_for_the_end_of_a_move(self, servers, fronts):
        front = fronts({**servers.settings(), "timeout": "5s"}, **TWO_KEYS)
        number = secrets.randbelow(SLOTS)
        source = servers.owner(number)
        target = servers.other(source)
        token, statuses = token_in([number]), []
        servers.begin_move(number, source, target)
        waiting = threading.Thread(target=lambda: statuses.append(use(front.gates[0], token)))
        try:
            waiting.start()
            wait_until(lambda: target.refusals("TRYAGAIN") > 0, "the keys cannot be written")
        finally:
            servers.end_move(number, target)
        waiting.join(60)
        # 503: the end came after the time limit. Then the token was not used, and counts.
        if statuses != [303]:
            assert statuses == [503] and use(front.gates[0], token) == 303
        assert use(front.gates[1], token) == 403

    def test_servers_that_are_added_and_removed_under_sign_ins(self, servers, fronts):
        front = fronts({**servers.settings(), "timeout": "5s"})
        browser = front.signed_in()
        with SignIns(front) as sign_ins, Load(front) as load:
            began, count = time.monotonic(), len(sign_ins.outcomes)
            added = servers.add()
            sign_ins.wait_for(10)
            donor = servers.masters[0]
            servers.cli("--cluster", "reshard", servers.seeds[0], "--cluster-from", donor.identifier, "--cluster-to",
                        added.identifier, "--cluster-slots", 200, "--cluster-yes")
            wait_until(servers.is_ready, "the slots have moved")
            moved = all_of(added)
            sign_ins.make = lambda: token_in(moved)
            wait_until(lambda: added.keys("sidegate:token:*"), "the new server has tokens", deadline=60)
            servers.cli("--cluster", "reshard", servers.seeds[0], "--cluster-from", added.identifier, "--cluster-to",
                        donor.identifier, "--cluster-slots", 200, "--cluster-yes")
            sign_ins.wait_for(10)
            took, tried = time.monotonic() - began, len(sign_ins.outcomes) - count
            # Sign-ins in these slots are redirected, so each gate reads the map.
            wait_until(lambda: gates_of(added) == 0,
                       "no gate is connected to a server without slots", deadline=60)
            servers.nodes.remove(added)
            for node in servers.running:
                node("CLUSTER", "FORGET", added.identifier)
            added.process.kill()
            sign_ins.wait_for(10)
        print(f"resharding: {tried} sign-ins in {took:.1f} s, {redirections(front)} redirected, {sign_ins.figures}")
        assert {tuple(sorted(pair)) for pair in sign_ins.outcomes} == {(303, 403)}, sign_ins.figures
        assert set(load.statuses) == {200} and all(is_in(gate, browser) for gate in front.gates)
        assert redirections(front) > 0
        assert {use(gate, token) for gate in front.gates for token in sign_ins.tried[:50]} == {403}
        wait_until(servers.is_ready, "the cluster is complete")


def all_of(master) -> set:
    """Its slots."""
    return {number for first, last, owner, *_ in master("CLUSTER", "SLOTS") if owner[1] == master.client_port
            for number in range(first, last + 1)}


def gates_of(node) -> int:
    """Connections that have read the map of slots."""
    clients = node("CLIENT", "LIST", "TYPE", "normal").decode().splitlines()
    return sum("cmd=client" not in line for line in clients)


class TestFailures:
    @pytest.mark.parametrize("failure, store", [("killed", "cookie"), ("frozen", "redis")])
    def test_a_master_fails_under_sign_ins(self, servers, fronts, start_gate, upstream, failure, store):
        wait_until(servers.is_ready, "the cluster is complete")
        front = fronts(servers.settings(), session={"store": store})
        ada, bob = front.signed_in(), front.signed_in(sub="bob", email="bob@example.com")
        assert all(is_in(gate, user) for gate in front.gates for user in (ada, bob))
        assert log_out(front.gates[0]) == 200
        # The master of the ended sessions, which is that of some of the tokens too.
        lost = servers.owner(slot("sidegate:revoked"))
        number = slot("sidegate:revoked")
        mine = all_of(lost)
        used = [token_in(mine) for _ in range(10)]
        assert {use(front.gates[0], token) for token in used} == {303}
        # What replication has not passed on is beyond its guarantee.
        position = int(lost.info("replication")["master_repl_offset"])
        wait_until(lambda: is_replicated(lost, position), "the replica has them")
        with SignIns(front, lambda: token_in(mine)) as sign_ins, Load(front) as load:
            sign_ins.wait_for(5, is_accepted)
            began = time.monotonic()
            lost.process.kill() if failure == "killed" else lost.freeze()
            in_flight = len(sign_ins.outcomes)
            try:
                servers.wait_for_failover(number, lost)
                promoted = time.monotonic() - began
                sign_ins.wait_for(5, is_accepted)
                took = time.monotonic() - began
                for gate in front.gates:
                    wait_until(lambda: is_up(gate), "the gate has all masters")
                during = len(load.statuses)
                wait_until(lambda: len(load.statuses) > during + 20, "the load continues")
            finally:
                lost.start() if failure == "killed" else lost.thaw()
            wait_until(lambda: not lost.is_master and servers.is_ready(), "it has come back as a replica", deadline=60)
            sign_ins.wait_for(5, is_accepted)
        print(f"{failure}: a replica was promoted after {promoted:.1f} s, 5 sign-ins on its slots were accepted after"
              f" {took:.1f} s; {sign_ins.figures}")
        # The one in flight when the master failed is beyond the guarantee of replication.
        twice = [n for n, pair in enumerate(sign_ins.outcomes) if pair == (303, 303)]
        assert set(twice) <= {in_flight - 1, in_flight}, sign_ins.figures
        assert set(load.statuses) == {200}, "sessions did not notice"
        later = start_gate(upstream, **front.settings)
        for gate in (*front.gates, later):
            assert not is_in(gate, ada) and is_in(gate, bob)
        assert {use(later, token) for token in used} == {403}
        # Logouts go on too.
        assert log_out(front.gates[1], sub="bob", email=None) == 200
        for gate in front.gates:
            wait_until(lambda: not is_in(gate, bob), "the other gate is notified")

    def test_a_subscription_moves_to_another_server(self, servers, front):
        """Each server that a gate may subscribe at is cut off once."""
        ended = 0
        for node in servers.running:
            ada = front.signed_in()
            killed = node("CLIENT", "KILL", "TYPE", "pubsub")
            ended += killed
            assert log_out(front.gates[0]) == 200
            for gate in front.gates:
                wait_until(lambda: not is_in(gate, ada), "the session has ended")
        assert ended > 0


def is_replicated(master, position: int) -> bool:
    found = re.findall(r"offset=(\d+)", master("INFO", "replication").decode())
    return bool(found) and all(int(offset) >= position for offset in found)


class TestSecure:
    def test_with_certificates_and_a_password(self, tmp_path, fronts):
        authority = Authority(tmp_path)
        certificate = authority.issue("redis", "IP:127.0.0.1,DNS:localhost")
        servers = RedisCluster(tmp_path / "secure", masters=3, replicas=0, certificate=certificate,
                               authority=authority, password="secret")
        try:
            front = fronts(servers.settings(authority))
            minted = [token_in(range(first, first + 64)) for first in range(0, SLOTS, SLOTS // 16)]
            assert [use(gate, token) for token in minted for gate in front.gates] == [303, 403] * 16
            assert doctor(front.gates[0]).startswith("ok")
            ada = front.signed_in()
            assert log_out(front.gates[0]) == 200
            wait_until(lambda: not is_in(front.gates[1], ada), "the session has ended")
            stranger = Authority(tmp_path, "stranger")
            distrusting = fronts({**servers.settings(authority), "ca": stranger.path}, count=1).gates[0]
            assert use(distrusting, tokens.token()) == 503 and not is_up(distrusting)
        finally:
            servers.stop()


class TestDoctor:
    def test_it_examines_all_masters(self, servers, front):
        found = doctor(front.gates[0])
        assert found.startswith("ok") and "3 masters" in found, found

    def test_a_cluster_that_is_not_complete_is_reported(self, tmp_path, fronts):
        servers = RedisCluster(tmp_path / "own", replicas=0)
        try:
            gate = fronts(servers.settings(), count=1).gates[0]
            servers.masters[0]("CLUSTER", "DELSLOTS", min(all_of(servers.masters[0])))
            wait_until(lambda: servers.state(servers.nodes[0])["cluster_state"] == "fail", "a slot is missing", deadline=120)
            wait_until(lambda: use(gate, tokens.token()) == 503 and not is_up(gate), "the gate notices", deadline=120)
            servers.nodes[1].process.kill()
            found = doctor(gate)
            assert found.startswith("FAIL") and "1 slot has no server" in found, found
            assert "cluster_state is fail" in found and f"127.0.0.1:{servers.nodes[1].port}: " in found, found
        finally:
            servers.stop()


def map_of(*ranges) -> bytes:
    """A reply to CLUSTER SLOTS; each range is first, last, host, port."""
    def entry(first, last, host, port):
        host = host if isinstance(host, bytes) else host.encode()
        return b"*3\r\n:%d\r\n:%d\r\n*2\r\n$%d\r\n%s\r\n:%d\r\n" % (first, last, len(host), host, port)
    return b"*%d\r\n" % len(ranges) + b"".join(entry(*each) for each in ranges)


class TestScriptedServers:
    """What cannot be arranged with real servers at the right moment."""

    @pytest.fixture
    def pair(self):
        servers = FaultyRedis(), FaultyRedis()
        yield servers
        for server in servers:
            server.close()

    @staticmethod
    def own_all(server) -> bytes:
        return map_of((0, SLOTS - 1, "127.0.0.1", server.port))

    def test_an_iteration_begins_again_on_another_server(self, pair, fronts):
        first, second = pair
        moved = b"-MOVED %d 127.0.0.1:%d\r\n" % (slot("sidegate:revoked"), second.port)
        first.answers |= {
            b"CLUSTER": self.own_all(first),
            b"ZSCAN": lambda parts: moved if parts[2] != b"0" else b"*2\r\n$1\r\n7\r\n*0\r\n"}
        second.answers |= {
            b"CLUSTER": self.own_all(second),
            b"ZSCAN": lambda parts: b"*2\r\n$1\r\n%s\r\n*0\r\n" % {b"0": b"3", b"3": b"0", b"7": b"9"}[parts[2]]}
        fronts({"cluster": [f"127.0.0.1:{first.port}"], "timeout": "2s"}, count=1)

        def cursors():
            found = [parts[2] for parts in second.commands if parts[0] == b"ZSCAN"]
            return found if found[-1:] == [b"3"] else None
        assert wait_until(cursors, "the iteration ends") == [b"7", b"0", b"3"], "9 would skip what the server has before it"

    def test_a_subscription_leaves_a_server_that_has_left_the_cluster(self, pair, fronts):
        left, kept = pair
        number = slot("sidegate:revoked")
        both = map_of((0, number, "127.0.0.1", left.port), (number + 1, SLOTS - 1, "127.0.0.1", kept.port))
        moved = b"-MOVED %d 127.0.0.1:%d\r\n" % (number, kept.port)
        for server in pair:
            server.answers[b"CLUSTER"] = both
        kept.answers[b"SUBSCRIBE"] = None  # not here at first
        gate = fronts({"cluster": [f"127.0.0.1:{left.port}"], "timeout": "2s"}, count=1).gates[0]
        wait_until(lambda: left.count("SUBSCRIBE") > 0, "the gate subscribes")
        wait_until(lambda: use(gate, tokens.token()) == 303, "sign-ins work")
        del kept.answers[b"SUBSCRIBE"]
        before = kept.count("SUBSCRIBE")
        for server in pair:
            server.answers[b"CLUSTER"] = self.own_all(kept)
            server.answers[b"EVAL"] = lambda parts, server=server: moved if server is left else b":1\r\n"
        # The connection to the server that has left stays; a redirection makes the gate read the map.
        log_out(gate)
        wait_until(lambda: kept.count("SUBSCRIBE") > before, "it subscribes at the other server")


class TestHostileServers:
    """Whatever a server replies, the gate serves, sign-ins are refused for a while, and nothing grows."""

    @pytest.fixture
    def hostile(self, fronts):
        made = []

        def make():
            redis = FaultyRedis()
            redis.right = map_of((0, SLOTS - 1, "127.0.0.1", redis.port))
            redis.answers[b"CLUSTER"] = lambda parts: redis.right
            made.append(redis)
            gate = fronts({"cluster": [f"127.0.0.1:{redis.port}"], "timeout": "300ms"}, count=1).gates[0]
            wait_until(lambda: use(gate, tokens.token()) == 303, "sign-ins work")
            return redis, gate
        yield make
        for redis in made:
            redis.close()

    def test_redirections(self, hostile):
        redis, gate = hostile()
        redis.answers[b"ASKING"] = b"+OK\r\n"
        ports, chosen = iter(range(40000, 1 << 30)), [b""]

        def redirected(parts):
            number = slot(parts[1])
            return chosen[0].replace(b"SLOT", b"%d" % number).replace(b"NEXT", b"%d" % (40000 + next(ports) % 20000))
        itself = b"127.0.0.1:%d" % redis.port
        for text in (b"-MOVED SLOT " + itself, b"-ASK SLOT " + itself, b"-MOVED SLOT 127.0.0.1:NEXT",
                     b"-ASK SLOT 127.0.0.1:NEXT", b"-MOVED 99999 " + itself, b"-MOVED SLOT \x01\x02:1",
                     b"-MOVED SLOT 127.0.0.1:99999", b"-MOVED", b"-ASK SLOT", b"-TRYAGAIN", b"-CLUSTERDOWN x",
                     b"-MOVED SLOT " + b"a" * 60000 + b":1"):
            chosen[0] = text + b"\r\n"
            redis.answers[b"SET"] = redirected
            before = redis.count("SET")
            assert [use(gate, tokens.token()) for _ in range(3)] == [503] * 3, text
            assert redis.count("SET") - before <= 3 * 6, text
            del redis.answers[b"SET"]
            wait_until(lambda: use(gate, tokens.token()) == 303, f"after {text[:40]} sign-ins work")
        files = len(list(Path(f"/proc/{gate.process.pid}/fd").iterdir()))
        assert files < 100, files

    def test_maps(self, hostile):
        redis, gate = hostile()
        good = redis.right
        own = ("127.0.0.1", redis.port)
        moved = b"-MOVED SLOT 127.0.0.1:%d\r\n" % redis.port
        wrong = [
            map_of((0, 5, *own), (5, 9, *own)), map_of((0, 1 << 62, *own)), map_of((0, 5, "a\x07", 1)),
            map_of(*((n, n, "a", n + 1) for n in range(2000))), b"*1\r\n" * 50,
        ]
        for reply in wrong:
            redis.right = reply
            before = redis.count("CLUSTER")
            # A redirection makes the gate read the map.
            redis.answers[b"SET"] = lambda parts: moved.replace(b"SLOT", b"%d" % slot(parts[1]))
            use(gate, tokens.token())
            del redis.answers[b"SET"]
            wait_until(lambda: redis.count("CLUSTER") > before, "the gate reads the map")
            redis.right = good
            wait_until(lambda: use(gate, tokens.token()) == 303, f"after {reply[:60]} sign-ins work")
        assert "\x07" not in gate.log()
