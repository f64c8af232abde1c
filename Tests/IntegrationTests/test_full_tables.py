# SPDX-License-Identifier: Apache-2.0
"""Bounded memories that are full: what there is no room for is counted, and named in the log where that is possible.

The memory of used tokens is in test_used_tokens.py.
"""

import os
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from harness import tokens
from harness.admin import Metrics
from harness.gate import BINARY, NAVIGATION, SESSION_SECRET, Gate, clean_environment
from harness.journal import lines
from harness.ports import free_port
from harness.process import ChildProcess, wait_until
from harness.redis import Redis
from harness.visits import Visit
from harness.wire import Connection

PURPOSE = b"sidegate revocation, version 1"
#: As many ended sessions as a gate remembers, and how many one message can name.
REMEMBERED, NAMED = 65_536, 1024


def sealed_revocation(subjects: list) -> bytes:
    """As a replica with the same secret broadcasts the end of sessions by their users."""
    def number(value, size):
        return int(value).to_bytes(size, "big")

    now = time.time()
    text = b"\x01\x01" + number(now * 1000, 8) + number((now + 3600) * 1000, 8) + number(0, 4)
    text += number(len(subjects), 2) + b"".join(number(len(subject), 4) + subject for subject in subjects)
    key = HKDF(SHA256(), 32, None, PURPOSE).derive(SESSION_SECRET.encode())
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, text, PURPOSE)


def test_an_ended_session_that_there_is_no_room_to_remember_is_counted_and_logged(upstream, start_gate, tmp_path):
    redis = Redis(tmp_path / "redis")
    # Where a gate that starts reads what ended before: one message more than there is room for.
    for part in range(REMEMBERED // NAMED + 1):
        message = sealed_revocation([b"i:%d.%d" % (part, each) for each in range(NAMED)])
        redis("ZADD", "sidegate:revoked", int((time.time() + 3600) * 1000), message)
    gate = start_gate(
        upstream, replay={"store": "redis"}, redis={"url": redis.url}, admin={"listen": f"127.0.0.1:{free_port()}"})

    def ended_without_room() -> float:
        return Metrics(gate).get("sidegate_ended_sessions_full_total")

    def reports() -> list:
        return [line for line in lines(gate) if "memory of ended sessions is full" in line.get("message", "")]

    # Other replicas' sessions: nobody waits for an answer.
    before = wait_until(ended_without_room, "the one too many is counted")
    report = wait_until(reports, "the report")[0]
    assert report["level"] == "error" and report["where"] == "gate" and report["ended"] == "1" and "session.store: redis" in report["fix"]
    # The user's own sign-out: the cookie is gone all the same.
    visit = Visit(gate)
    assert visit.enter(tokens.token()).status == 303
    assert visit.sign_out().status == 200
    assert not visit.has_session
    wait_until(lambda: ended_without_room() > before, "it is counted")


def test_an_ended_session_that_redis_has_no_room_for_is_counted_and_logged(upstream, start_gate, tmp_path):
    redis = Redis(tmp_path / "redis")
    # Nothing that a gate can open, but as many as Redis keeps.
    redis("EVAL", "for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], ARGV[2], i) end", 1, "sidegate:revoked", REMEMBERED,
          int((time.time() + 3600) * 1000))
    gate = start_gate(
        upstream, replay={"store": "redis"}, redis={"url": redis.url}, admin={"listen": f"127.0.0.1:{free_port()}"})
    visit = Visit(gate)
    assert visit.enter(tokens.token()).status == 303
    cookies = visit.cookie_header()
    assert visit.sign_out().status == 200
    report, = wait_until(
        lambda: [line for line in lines(gate) if "memory of ended sessions is full" in line.get("message", "")],
        "the report")
    assert report["level"] == "error" and report["where"] == "redis" and "replicas that start later" in report["message"]
    assert Metrics(gate).get("sidegate_ended_sessions_full_total") == 1
    # This gate remembers it.
    assert gate.exchange(headers={"Cookie": cookies, **NAVIGATION}).status == 302


def test_lines_of_the_log_that_are_dropped_are_counted(upstream, tmp_path):
    """A reader that has stalled: what does not fit into the log's memory is dropped, and requests go on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    class Stalled(Gate):
        def start(self):
            self.process = ChildProcess(
                ["bash", "-c", 'exec "$0" run --config "$1" >"$2"', BINARY, self.config, pipe], tmp_path / "output",
                env=clean_environment())
            self.process.wait_until_accepting(("127.0.0.1", self.port))

    gate = Stalled(tmp_path / "gate", upstream.url, log={"access": True}, admin={"listen": f"127.0.0.1:{free_port()}"})
    gate.process.kill()
    gate.start()
    try:
        assert Metrics(gate).get("sidegate_log_dropped_bytes_total") == 0
        request = f"GET /{'x' * 1900} HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nAccept: text/html\r\n\r\n".encode()
        # A line for each, of some 2,100 bytes, in a memory of 8 MiB.
        for _ in range(200):
            with Connection(gate.port) as connection:
                connection.send(request * 50)
                assert [connection.response().status for _ in range(50)] == [302] * 50
            if Metrics(gate).get("sidegate_log_dropped_bytes_total") > 0:
                break
        else:
            raise AssertionError("no lines are dropped")
    finally:
        gate.process.kill()
        os.close(reader)
