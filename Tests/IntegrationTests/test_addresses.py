# SPDX-License-Identifier: Apache-2.0
"""An app whose name has several addresses: one that does not answer holds up nothing (RFC 8305)."""

import os

import pytest

from harness.certificates import Authority
from harness.h2_upstream import H2Upstream
from harness.names import BlackHole, Names, Relay, has_ipv6
from harness.process import wait_until
from harness.secure import SecureUpstream
from harness.upstream import Upstream


@pytest.fixture
def hole():
    hole = BlackHole("127.0.0.1")
    yield hole
    hole.close()


@pytest.fixture
def start(tmp_path, start_gate):
    """A gate for an app of the name app.test with those addresses; it gives up on connecting after an hour."""
    def start(url, addresses, **upstream):
        names = Names(tmp_path, app_test=addresses)
        return start_gate(url, access={"default": "guest"}, environment=names.environment,
                          upstream={"url": url, "connectTimeout": "1h", **upstream})
    return start


def sockets(gate) -> list:
    folder = f"/proc/{gate.process.pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{name}"))
        except OSError:
            continue
    return [link for link in links if link.startswith("socket:")]


@pytest.fixture(params=["http", "h2c", "https"])
def app(request, tmp_path):
    """An app, and its scheme and settings."""
    options = {}
    if request.param == "http":
        app = Upstream()
    elif request.param == "h2c":
        app = H2Upstream()
        app.answer = lambda request: request.respond(200, {}, b"ok")
    else:
        authority = Authority(tmp_path / "certificates")
        app = SecureUpstream(authority.issue("app", "DNS:app.test"))
        options["tls"] = {"ca": authority.path}
    yield app, request.param, options
    app.close() if request.param == "h2c" else app.stop()


def test_the_next_address_is_tried_while_the_first_is_silent(app, hole, start):
    app, scheme, options = app
    relay = Relay("127.0.0.2", hole.port, app.port)
    try:
        gate = start(f"{scheme}://app.test:{hole.port}", ["127.0.0.1", "127.0.0.2"], maxConnections=1, **options)
        before = len(sockets(gate))
        with gate.connection() as connection:
            for _ in range(5):
                assert connection.exchange("GET", "/").status == 200
        assert relay.count == 1, "it counts as one connection, which is kept"
        wait_until(lambda: len(sockets(gate)) <= before + 1, "the attempt that was not needed is closed")
    finally:
        relay.close()


def test_many_silent_addresses(start):
    holes = [BlackHole("127.0.0.1")]
    app = Upstream()
    relay = None
    try:
        for last in range(2, 6):
            holes.append(BlackHole(f"127.0.0.{last}", holes[0].port))
        relay = Relay("127.0.0.6", holes[0].port, app.port)
        gate = start(f"http://app.test:{holes[0].port}", [f"127.0.0.{last}" for last in range(1, 7)])
        before = len(sockets(gate))
        assert gate.exchange("GET", "/").status == 200
        wait_until(lambda: len(sockets(gate)) <= before + 1, "the other attempts are closed")
    finally:
        for hole in holes:
            hole.close()
        if relay:
            relay.close()
        app.stop()


def test_an_address_that_refuses_makes_room_for_the_next_at_once(start, upstream):
    gate = start(f"http://app.test:{upstream.port}", ["127.0.0.9", "127.0.0.8", "127.0.0.1"])
    assert gate.exchange("GET", "/").status == 200


def test_the_first_address_is_preferred(start, upstream):
    relay = Relay("127.0.0.2", upstream.port, upstream.port)
    try:
        gate = start(f"http://app.test:{upstream.port}", ["127.0.0.1", "127.0.0.2"])
        for _ in range(3):
            assert gate.exchange("GET", "/").status == 200
        assert relay.count == 0
    finally:
        relay.close()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_the_families_take_turns(start):
    hole = BlackHole("::1")
    app = Upstream()
    relay = Relay("127.0.0.1", hole.port, app.port)
    try:
        # The same address again and again: without turns the other family would be the last of many.
        gate = start(f"http://app.test:{hole.port}", ["::1"] * 40 + ["127.0.0.1"])
        assert gate.exchange("GET", "/").status == 200
    finally:
        hole.close()
        relay.close()
        app.stop()


def test_if_all_are_silent_the_time_limit_applies(start, hole):
    gate = start(f"http://app.test:{hole.port}", ["127.0.0.1", "127.0.0.1"], connectTimeout="300ms")
    before = len(sockets(gate))
    response = gate.exchange("GET", "/")
    assert response.status == 504
    wait_until(lambda: "upstream_connect_timeout" in gate.log(), "the reason in the log")
    wait_until(lambda: len(sockets(gate)) <= before, "no attempt is left")
