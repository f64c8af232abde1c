# SPDX-License-Identifier: Apache-2.0
"""The memory of used tokens (`replay.store: memory`): what users, the log and the metrics say when it is full."""

import json
import time

import pytest

from harness.admin import Metrics
from harness.gate import Browser, settings, sidegate
from harness.journal import lines
from harness.ports import free_port
from harness.process import wait_until
from harness.reloads import change
from harness.tokens import token


def start(start_gate, upstream, entries, /, **more):
    replay = {"maxEntries": entries, **more.pop("replay", {})}
    return start_gate(upstream, replay=replay, admin={"listen": f"127.0.0.1:{free_port()}"}, **more)


def reports(gate) -> list:
    return [line for line in lines(gate) if "memory of used tokens is full" in line.get("message", "")]


def test_a_full_memory_is_named_on_the_page_in_the_log_and_in_the_metrics(upstream, start_gate):
    gate = start(start_gate, upstream, 2)
    first = gate.signed_in(sub="first")
    gate.signed_in(sub="second")
    for _ in range(3):
        refused = Browser(gate).sign_in_with(token())
        assert refused.status == 503
        assert "replay_store_full" in refused.text and "replay.maxEntries" in refused.text
        assert "shared store" not in refused.text.lower() and "out of reach" not in refused.text.lower()
    assert first.navigate("/").status == 200, "existing sessions continue"
    report, = wait_until(lambda: reports(gate), "the report")
    assert report["level"] == "error" and "sign-ins are refused" in report["message"]
    assert report["maxEntries"] == "2" and "replay.maxEntries" in report["fix"]
    metrics = Metrics(gate)
    assert metrics.get("sidegate_replay_entries") == metrics.get("sidegate_replay_max_entries") == 2
    assert metrics.get("sidegate_replay_full_total") == 3
    assert metrics.get("sidegate_logins_total", reason="replay_store_full") == 3


def test_with_minimumIDLength_a_token_takes_two_entries(upstream, start_gate):
    gate = start(start_gate, upstream, 3, token={"minimumIDLength": 8})
    gate.signed_in()
    assert Browser(gate).sign_in_with(token()).status == 503
    assert Metrics(gate).get("sidegate_replay_entries") == 2


def test_a_token_is_remembered_only_as_long_as_it_could_be_used(upstream, start_gate):
    gate = start(start_gate, upstream, 1, token={"clockSkew": "0s"})
    short = token(exp=int(time.time()) + 3)
    assert Browser(gate).sign_in_with(short).status == 303
    assert Browser(gate).sign_in_with(token()).status == 503
    wait_until(lambda: Browser(gate).sign_in_with(token()).status == 303, "there is room when the token has expired")
    assert Metrics(gate).get("sidegate_replay_entries") == 1


def test_onFailure_allow_lets_users_in_and_the_log_warns(upstream, start_gate):
    gate = start(start_gate, upstream, 1, replay={"onFailure": "allow"})
    gate.signed_in()
    assert Browser(gate).sign_in_with(token()).status == 303
    report = wait_until(lambda: reports(gate), "the warning")[0]
    assert report["level"] == "warning" and "more than once" in report["message"]
    assert Metrics(gate).get("sidegate_replay_full_total") == 1


def test_a_reload_changes_the_size_and_forgets_nothing(upstream, start_gate):
    gate = start(start_gate, upstream, 1)
    used = token()
    assert Browser(gate).sign_in_with(used).status == 303
    assert Browser(gate).sign_in_with(token()).status == 503
    change(gate, replay={"maxEntries": 10})
    assert Metrics(gate).get("sidegate_replay_max_entries") == 10
    assert Browser(gate).sign_in_with(token()).status == 303
    again = Browser(gate).sign_in_with(used)
    assert again.status == 403 and "replayed" in again.text


@pytest.mark.parametrize("wrong", [0, -1, 10_000_001, "many"])
def test_the_size_is_checked(upstream, tmp_path, wrong):
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps(settings(upstream.url, free_port(), replay={"maxEntries": wrong})))
    done = sidegate("check", "--config", config)
    assert done.returncode == 1 and "replay.maxEntries" in done.stderr
