# SPDX-License-Identifier: Apache-2.0
"""A wall clock that jumps while the gate runs: used tokens stay used, and ended sessions stay ended."""

import pytest

from harness import tokens
from harness.clock import Clock
from harness.gate import XHR, Browser
from harness.process import wait_until


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def gate(upstream, start_gate, clock):
    return start_gate(upstream, environment=clock.environment, identityProvider={"initiated": "allow"})


def show(gate, clock, off: int):
    """Sets the clock, and waits until the gate uses it."""
    clock.set(off)
    wait_until(lambda: gate.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {fresh(clock)}"}).status == 200,
               "the gate uses the new time")


def fresh(clock, **claims) -> str:
    now = clock.now()
    return tokens.token(iat=now, exp=now + 60, **claims)


def bring(gate, jwt: str):
    return Browser(gate).navigate(f"/.sidegate/callback?jwt={jwt}")


@pytest.mark.parametrize("jumps", [(900,), (-900,), (900, -86400, 86400), (900, 0, 900)], ids=str)
def test_a_used_token_stays_used(gate, clock, jumps):
    used = fresh(clock)
    assert bring(gate, used).status == 303
    for jump in jumps:
        show(gate, clock, jump)
        assert bring(gate, fresh(clock, sub="bob", email="bob@example.com")).status == 303
    show(gate, clock, 0)
    again = bring(gate, used)
    assert again.status == 403 and "replayed" in again.text
    bearer = gate.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {used}"})
    assert bearer.status == 401 and "replayed" in bearer.text


@pytest.mark.parametrize("jumps", [(46800,), (-46800,), (46800, 0, 46800)], ids=str)
def test_an_ended_session_stays_ended(gate, clock, jumps):
    browser = Browser(gate)
    assert browser.navigate(f"/.sidegate/callback?jwt={fresh(clock)}").status == 303
    copy = {"Cookie": browser.cookie_header()}
    assert gate.exchange("GET", "/", {**XHR, **copy}).status == 200
    browser.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
    assert gate.exchange("GET", "/", {**XHR, **copy}).status == 401
    for jump in jumps:
        show(gate, clock, jump)
        other = Browser(gate)
        assert other.navigate(f"/.sidegate/callback?jwt={fresh(clock, sub='bob', email='bob@example.com')}").status == 303
        other.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
    show(gate, clock, 0)
    assert gate.exchange("GET", "/", {**XHR, **copy}).status == 401
