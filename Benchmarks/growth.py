#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How cost and memory grow: with users, sessions, ended sessions, rules, connections, replicas and the state on disk.

Each curve has several steps. CPU is compared with that of a gate which has not grown, measured in turns with the grown one,
so the ratios depend little on the machine and its load; memory is the difference of the resident memory. Ends with 1 when
a curve bends: when something costs more at the largest step than it may (`at most`).
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import idle
import load
import redis_view
import rules as rule_sets
import servers
from visitors import Visitors

MOST, TIE = 1.2, 1.1
ROUNDS = 5
#: Bytes.
USED_TOKEN, SEEN_SESSION, ENDED_SESSION, JOURNAL_ENTRY = 100, 500, 400, 80
CONNECTION = {"plain": 2 << 10, "TLS 1.3": 12 << 10, "HTTP/2": 8 << 10}
#: Redis: commands for each sign-in, whatever the number of replicas.
SIGN_IN = {"cookie": {"SET": 1}, "redis": {"SET": 2}}
SHARED = {"replay": {"store": "redis", "maxEntries": 400_000}}


class World:
    def __init__(self, options, folder: Path):
        self.options, self.folder, self.count = options, folder, 0
        self.upstream = servers.start_upstream(folder)
        self.is_good = True

    def gate(self, more: dict = None, tls=False) -> servers.Sidegate:
        self.count += 1
        base = {"admin": {"listen": "off"}, "replay": {"maxEntries": 400_000},
                "limits": {"keepAliveTimeout": "1h", "headerTimeout": "1h", "connections": 100_000}}
        return servers.Sidegate(self.options.sidegate, self.folder, self.upstream.port, tls=tls,
                                environment_name=f"growth{self.count}", more={**base, **(more or {})})

    def judge(self, what: str, value: float, most: float, unit="x"):
        if unit == "bytes" and self.options.quick:
            most *= 2  # of few things, what the process takes once is a large part
        verdict = "ok" if value <= most else "tie" if value <= most * TIE else "BENDS"
        self.is_good &= verdict != "BENDS"
        value = f"{value:.2f}" if unit == "x" else f"{value:,.0f}"
        print(f"    {what}: {value} {unit} (at most {most:,g}: {verdict})", flush=True)


def in_turns(*works, rounds=ROUNDS) -> list:
    """The median CPU of each work, in microseconds for each unit. A work is (gate, function, units)."""
    found = [[] for _ in works]
    for turn in range(rounds):
        for index in range(len(works)) if turn % 2 else reversed(range(len(works))):
            gate, work, units = works[index]
            before = gate.cpu_seconds()
            work()
            found[index].append((gate.cpu_seconds() - before) / units * 1e6)
    return [statistics.median(each) for each in found]


def settled(gate) -> int:
    time.sleep(1)
    return gate.memory()


class Memory:
    """Bytes for each of a growing number of things, without what there is in any case."""

    def __init__(self):
        self.points = []

    def add(self, count: int, resident: int) -> float:
        """Of each since the step before."""
        self.points.append((count, resident))
        return self._each(-2, -1) if len(self.points) > 1 else 0

    @property
    def each(self) -> float:
        """From the first step to the last."""
        return self._each(0, -1)

    def _each(self, first: int, last: int) -> float:
        (few, little), (many, much) = self.points[first], self.points[last]
        return (much - little) / (many - few)


def users(world: World):
    """Users who sign in, whose tokens are remembered; then their sessions; then sign-outs, which are remembered too."""
    steps = [5_000, 10_000, 20_000] if world.options.quick else [10_000, 20_000, 40_000, 80_000, 160_000]
    grown, small = world.gate(), world.gate()
    many, few = Visitors(grown), Visitors(small)
    known = few.sign_in(3000)
    sessions = many.sign_in(3000)
    memory = Memory()
    print("users: used tokens, CPU of a sign-in with and without them")
    for step in steps:
        sessions += many.sign_in(step - len(sessions))
        each = memory.add(len(sessions), settled(grown))
        ours, theirs = in_turns(
            (grown, lambda: sessions.extend(many.sign_in(300)), 300), (small, lambda: known.extend(few.sign_in(300)), 300))
        print(f"  {step:8} used tokens {each:8.0f} bytes each   a sign-in {ours:7.1f} / {theirs:7.1f} µs {ours / theirs:6.2f} x")
    world.judge("CPU of a sign-in at the last step", ours / theirs, MOST)
    world.judge("memory of a used token", memory.each, USED_TOKEN, "bytes")

    print("sessions: those that were seen, CPU of a request of one that no cache holds")
    seen, memory = 0, Memory()
    few.visit(known)
    for step in steps:
        many.visit(sessions[seen:step])
        seen, held = step, settled(grown)
        sample, other = sessions[:step:max(1, step // 2000)][:2000], known[:2000]
        ours, theirs = in_turns((grown, lambda: many.visit(sample), len(sample)), (small, lambda: few.visit(other), len(other)))
        each = memory.add(step, held)
        print(f"  {step:8} sessions {each:11.0f} bytes each   a request {ours:7.1f} / {theirs:7.1f} µs {ours / theirs:6.2f} x")
    world.judge("CPU of a request at the last step", ours / theirs, MOST)
    if len(memory.points) > 3:
        memory.points.pop()  # beyond the 100,000 that a process lists
    world.judge("memory of a seen session", memory.each, SEEN_SESSION, "bytes")
    cached, opened, entered = in_turns(
        (grown, lambda: many.visit(sessions[:1] * 1000), 1000), (grown, lambda: many.visit(sample), len(sample)),
        (grown, lambda: sessions.extend(many.sign_in(300)), 300))
    print(f"    relative to a request of a session that the loop's cache holds: of one that it opens {opened / cached:.1f} x, "
          f"a sign-in {entered / cached:.1f} x")

    print("ended sessions: CPU of a sign-out, and of a request that caches serve (wrk)")
    steps = [2_500, 5_000, 10_000] if world.options.quick else [5_000, 10_000, 20_000, 40_000]
    ended, memory = 0, Memory()
    hot, calm = sessions.pop().decode(), known.pop().decode()
    for step in steps:
        many.sign_out(sessions[ended:step])
        ended = step
        each = memory.add(step, settled(grown))
        first, second = iter(sessions[step:]), iter(known)
        take = lambda source: [next(source) for _ in range(200)]
        ours, theirs = in_turns(
            (grown, lambda: many.sign_out(take(first)), 200), (small, lambda: few.sign_out(take(second)), 200))
        known = known[200 * ROUNDS:] + few.sign_in(200 * ROUNDS)
        ended += 200 * ROUNDS
        print(f"  {step:8} ended sessions {each:5.0f} bytes each   a sign-out {ours:6.1f} / {theirs:7.1f} µs {ours / theirs:6.2f} x")
    world.judge("CPU of a sign-out at the last step", ours / theirs, MOST)
    world.judge("memory of an ended session", memory.each, ENDED_SESSION, "bytes")
    ours, theirs = requests(world, (grown, hot), (small, calm))
    world.judge("CPU of a request with all of that, relative to none", ours / theirs, MOST)
    many.close(), few.close(), grown.stop(), small.stop()


def requests(world: World, *gates, connections=16) -> list:
    """CPU of a request of one session, by wrk, for each of `(gate, its cookie)`."""
    rounds = [[] for _ in gates]
    for turn in range((3 if world.options.quick else ROUNDS) + 1):
        for index in range(len(gates)) if turn % 2 else reversed(range(len(gates))):
            gate, cookie = gates[index]
            round = load.wrk(gate, "/1k", connections, 1, {"Cookie": cookie})
            if turn:  # the first warms up
                rounds[index].append(round.cpu_micros)
    return [statistics.median(each) for each in rounds]


def rules(world: World):
    steps = [10, 1_000, 10_000] if world.options.quick else [10, 100, 1_000, 10_000]
    print("rules: CPU of a request, of which the last rule decides, and memory after the start")
    gates = [world.gate({"access": {"rules": rule_sets.rules(step, rule_sets.by_path)}}) for step in steps]
    memory = [settled(gate) for gate in gates]
    found = requests(world, *((gate, gate.sign_in()) for gate in gates))
    for step, cpu, held in zip(steps, found, memory):
        print(f"  {step:8} rules {held / 2**20:10.1f} MiB                a request {cpu:6.1f} µs {cpu / found[0]:16.2f} x")
    world.judge("CPU of a request with the most rules", found[-1] / found[0], MOST)
    print(f"    memory of a rule: {(memory[-1] - memory[0]) / steps[-1] / 1024:.1f} KiB")
    for gate in gates:
        gate.stop()


def connections(world: World):
    kinds = [("plain", idle.plain, False, [1_000, 2_000, 4_000] if world.options.quick else [2_000, 4_000, 8_000, 16_000]),
             ("TLS 1.3", idle.over_tls, True, [500, 1_000] if world.options.quick else [1_000, 2_000, 4_000]),
             ("HTTP/2", idle.over_http2, False, [500, 1_000] if world.options.quick else [1_000, 2_000, 4_000])]
    for kind, connect, tls, steps in kinds:
        gate, other = world.gate(tls=tls), world.gate()
        session, opened = gate.sign_in(), []
        calm = other.sign_in()
        for _ in range(64):
            opened.append(connect(gate, {"Cookie": session}))
        memory, descriptors = Memory(), len(os.listdir(f"/proc/{gate.pid}/fd"))
        print(f"connections, {kind}: memory of an idle one" + (", CPU of a request beside them" if not tls else ""))
        for step in steps:
            while len(opened) < step + 64:
                opened.append(connect(gate, {"Cookie": session}))
            each = memory.add(step, settled(gate))
            more = (len(os.listdir(f"/proc/{gate.pid}/fd")) - descriptors) / step
            line = f"  {step:8} connections {each:8.0f} bytes each   {more:.2f} descriptors each"
            if not tls:
                ours, theirs = requests(world, (gate, session), (other, calm))
                line += f"   a request {ours:7.1f} / {theirs:7.1f} µs {ours / theirs:6.2f} x"
            print(line, flush=True)
        world.judge("memory of a connection", memory.each, CONNECTION[kind], "bytes")
        if not tls:
            world.judge("CPU of a request at the last step", ours / theirs, MOST)
        for connection in opened:
            connection.close()
        gate.stop(), other.stop()


def replicas(world: World):
    counts = [1, 2] if world.options.quick else [1, 2, 4]
    users = 1_000 if world.options.quick else 4_000
    for store, expected in SIGN_IN.items():
        print(f"replicas, session.store: {store}: what Redis sees of {users} users, CPU of a sign-in in all replicas together")
        found = []
        for count in counts:
            redis = servers.RedisServer(world.folder, f"redis-{store}-{count}")
            shared = {**SHARED, "redis": {"url": f"redis://127.0.0.1:{redis.port}/0", "timeout": "5s"},
                      "session": {"secret": "a-session-secret-for-measuring-only-001", "store": store}}
            gates = [world.gate(shared) for _ in range(count)]
            visitors = Visitors(*gates)
            visitors.sign_in(512)
            memory, keys, cpu = redis_view.memory(redis), redis_view.keys(redis), sum(g.cpu_seconds() for g in gates)
            monitor = redis_view.Monitor(redis)
            sessions = visitors.sign_in(users)
            cpu = (sum(g.cpu_seconds() for g in gates) - cpu) / users * 1e6
            commands = per(users, monitor.commands())
            memory, keys = redis_view.memory(redis) - memory, redis_view.keys(redis) - keys
            # Of all of them, each once, at the replica that the next connection leads to.
            monitor = redis_view.Monitor(redis)
            visitors.visit(sessions)
            time.sleep(5)  # what was seen is written a few times a second
            first = per(users, monitor.commands())
            monitor = redis_view.Monitor(redis)
            visitors.visit(sessions)
            again = per(users, monitor.commands())
            seen = sum(redis_view.usage(redis, key) for key in (b"sidegate:{seen}", b"sidegate:{seen}:expiry"))
            monitor = redis_view.Monitor(redis)
            visitors.sign_out(sessions)
            out = per(users, monitor.commands())
            ended = redis_view.usage(redis, b"sidegate:revoked")
            found.append((cpu, commands))
            print(f"  {count:8} replicas  a sign-in {cpu:7.1f} µs {cpu / found[0][0]:5.2f} x, Redis: {shown(commands)}; "
                  f"{keys / users:.1f} keys, {memory / users:.0f} bytes; a cookie of {len(sessions[0])} bytes\n"
                  f"{'':20}its first request: {shown(first)}; another: {shown(again)}; {seen / users:.0f} bytes\n"
                  f"{'':20}its sign-out: {shown(out)}; {ended / users:.0f} bytes", flush=True)
            visitors.close()
            for gate in gates:
                gate.stop()
            redis.stop()
        for name, most in expected.items():
            world.judge(f"{name} for each sign-in, at most", max(commands.get(name, 0) for _, commands in found), most)
        world.judge("other commands for each sign-in", max(
            sum(n for name, n in commands.items() if name not in expected) for _, commands in found), 0.02)
        # Not measured in turns, and more loops have fewer events in each turn.
        world.judge("CPU of a sign-in with the most replicas", found[-1][0] / found[0][0], 1.5)


def minutes(world: World):
    """The second minute of sessions that send a request every five seconds, each time to another replica.

    Few sessions, so that hardly two of them want the same place in a loop's cache.
    """
    users, gates, servers_of = 20, {}, {}
    for store in SIGN_IN:
        servers_of[store] = servers.RedisServer(world.folder, f"redis-minute-{store}")
        shared = {**SHARED, "redis": {"url": f"redis://127.0.0.1:{servers_of[store].port}/0", "timeout": "5s"},
                  "session": {"secret": "a-session-secret-for-measuring-only-001", "store": store}}
        own = [world.gate(shared) for _ in range(2)]
        gates[store] = own, [Visitors(gate) for gate in own], Visitors(*own)
    sessions = {store: gates[store][2].sign_in(users) for store in SIGN_IN}
    begun, monitors, step = time.monotonic(), {}, 0
    while time.monotonic() - begun < 125:
        if step == 13:
            monitors = {store: redis_view.Monitor(servers_of[store]) for store in SIGN_IN}
        for store in SIGN_IN:
            gates[store][1][step % 2].visit(sessions[store])
        step += 1
        time.sleep(max(0, begun + 5 * step - time.monotonic()))
    print(f"a minute of {users} sessions on 2 replicas, each with a request every 5 seconds to either in turn")
    for store in SIGN_IN:
        commands = monitors[store].commands()
        pings = commands.pop("PING", 0) / len(gates[store][0])
        commands = per(users, commands)
        print(f"  session.store: {store:7} Redis: {shown(commands)} for each session; PING {pings:.0f} for each replica", flush=True)
        # Both replicas read a stored session once a minute; what was seen is written for many sessions at once.
        world.judge("commands for each session and minute", sum(commands.values()), 0.2 if store == "cookie" else 2.2)
        for gate in gates[store][0]:
            gate.stop()
        servers_of[store].stop()


def per(count: int, commands: dict) -> dict:
    return {name: number / count for name, number in commands.items()}


def shown(commands: dict) -> str:
    return ", ".join(f"{name} {number:.2f}" if number >= 0.005 else f"{name} {number:.4f}"
                     for name, number in sorted(commands.items())) or "nothing"


def state(world: World):
    steps = [5_000, 20_000] if world.options.quick else [50_000, 100_000, 200_000]
    directory = world.folder / "state"
    kept = {"state": {"directory": str(directory)}}
    gate, plain = world.gate(kept), world.gate()
    start = world.gate()
    empty, empty_memory = start.cpu_seconds(), settled(start)
    start.stop()
    print("state.directory: length of the journal, CPU and memory of the next start, CPU of a sign-in with and without it")
    signed, ratios = 0, []
    for step in steps:
        visitors, others = Visitors(gate), Visitors(plain)
        signed += len(visitors.sign_in(step - signed))
        length = (directory / "journal").stat().st_size
        ours, theirs = in_turns(
            (gate, lambda: visitors.sign_in(300), 300), (plain, lambda: others.sign_in(300), 300))
        signed += 300 * ROUNDS
        ratios.append(ours / theirs)
        visitors.close(), others.close(), gate.stop()
        gate = world.gate(kept)
        cpu, memory = gate.cpu_seconds() - empty, settled(gate) - empty_memory
        print(f"  {step:8} used tokens {length / step:6.1f} bytes each, {length / 2**20:.1f} MiB   the next start "
              f"{cpu * 1000:6.0f} ms ({cpu / signed * 1e6:.2f} µs each), {memory / 2**20:5.1f} MiB more   "
              f"a sign-in {ours:6.1f} / {theirs:6.1f} µs {ours / theirs:.2f} x", flush=True)
    world.judge("length of the journal for each token", length / step, JOURNAL_ENTRY, "bytes")
    world.judge("CPU of a sign-in with it, the last step relative to the first", ratios[-1] / ratios[0], MOST)
    world.judge("CPU of the start for each token, in µs", cpu / signed * 1e6, 5)
    gate.stop(), plain.stop()

    steps = [10_000, 40_000] if world.options.quick else [20_000, 40_000, 80_000]
    gate = world.gate({"state": {"directory": str(world.folder / "short")}, "token": {
        "keys": [{"secret": servers.SECRET}], "clockSkew": "0s"}})
    visitors, signed, longest = Visitors(gate), 0, 0
    print("state.directory: tokens that are needed for two seconds, the longest that the file has been")
    for step in steps:
        while signed < step:
            signed += len(visitors.sign_in(500, lifetime=2))
            longest = max(longest, (world.folder / "short" / "journal").stat().st_size)
        print(f"  {step:8} sign-ins: {longest / 2**20:.2f} MiB", flush=True)
    world.judge("longest file", longest, 4 << 20, "bytes")
    visitors.close(), gate.stop()


CURVES = {"users": users, "rules": rules, "connections": connections, "replicas": replicas, "minutes": minutes,
          "state": state}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidegate", type=Path, default=Path(__file__).parent.parent / ".build" / "sidegate")
    parser.add_argument("--quick", action="store_true", help="smaller steps, a few minutes; `minutes` is left out")
    parser.add_argument("--only", nargs="+", choices=CURVES, help="these curves")
    options = parser.parse_args()
    servers.require("nginx", "wrk", "redis-server")
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-", dir=base) as name:
        try:
            world = World(options, Path(name))
            for curve, run in CURVES.items():
                if curve in options.only if options.only else not (options.quick and curve == "minutes"):
                    run(world)
        finally:
            servers.Process.stop_all()
    sys.exit(0 if world.is_good else 1)


if __name__ == "__main__":
    main()
