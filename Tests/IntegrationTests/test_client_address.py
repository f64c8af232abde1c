# SPDX-License-Identifier: Apache-2.0
"""The client's address behind trusted proxies: with a port beside it, in limits, `from` and the log."""

import pytest

from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR
from harness.journal import lines, wait_for_audit
from harness.process import wait_until
from harness.tokens import token
from harness.visits import Visit, accepted

WRITTEN = [("203.0.113.9:51234", "203.0.113.9"), ("203.0.113.9", "203.0.113.9"), ("[2001:db8::9]:51234", "2001:db8::9"),
           ("[2001:db8::9]", "2001:db8::9"), ("2001:db8::9", "2001:db8::9"), ("198.51.100.7, 203.0.113.9:1, 127.0.0.1:80", "203.0.113.9")]


def access_lines(gate, count: int) -> list:
    def found():
        return [line for line in lines(gate) if line.get("kind") == "access"]
    wait_until(lambda: len(found()) >= count, f"{count} access lines")
    return found()


class TestThePort:
    def test_does_not_make_clients_of_one_client(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"requestsPerSecond": 2}, trustedProxies=["127.0.0.1"])

        def ask(address):
            return gate.exchange("GET", "/", {**NAVIGATION, "X-Forwarded-For": address}).status
        assert [ask(f"203.0.113.1:{50000 + n}") for n in range(12)].count(429) >= 5
        assert ask("203.0.113.2:50000") == 302, "another client has a limit of its own"
        assert [ask(f"[2001:db8::{n}]:50000") for n in range(1, 13)].count(429) >= 5
        assert ask("[2001:db8:0:1::1]:50000") == 302

    @pytest.mark.parametrize("written, address", WRITTEN)
    def test_does_not_keep_a_network_from_matching(self, upstream, start_gate, written, address):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"],
                          nativeLogin={"paths": ["/login"], "from": ["203.0.113.0/24", "2001:db8::/32"]})
        assert gate.exchange("GET", "/login?no_sso", {**NAVIGATION, "X-Forwarded-For": written}).status == 200
        assert upstream.last.target == "/login?no_sso"
        assert gate.exchange("GET", "/login?no_sso", {**NAVIGATION, "X-Forwarded-For": "192.0.2.1:443"}).status == 302
        for wrong in ["203.0.113.9:", "203.0.113.9:99999", "203.0.113.9:x", "[203.0.113.9]:1", "2001:db8::9]:1"]:
            assert gate.exchange("GET", "/login?no_sso", {**NAVIGATION, "X-Forwarded-For": wrong}).status == 302, wrong


class TestTheLog:
    @pytest.mark.parametrize("written, address", WRITTEN)
    def test_names_the_client_and_the_proxy(self, upstream, start_gate, written, address):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"])
        headers = {**NAVIGATION, "X-Forwarded-For": written}
        assert gate.exchange("GET", "/", headers).status == 302
        browser = Visit(gate)
        browser.go("/")
        assert accepted(browser.navigate(f"/.sidegate/callback?jwt={token()}", headers={"X-Forwarded-For": written, "Sec-Fetch-Site": "cross-site"}))
        first = access_lines(gate, 3)[0]
        assert (first["client"], first["peer"]) == (address, "127.0.0.1")
        line = wait_for_audit(gate, "login")
        assert (line["client"], line["peer"]) == (address, "127.0.0.1")

    def test_over_http_2(self, upstream, start_gate):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"])
        with FrameConnection(gate.port) as c:
            assert c.get("/", [("x-forwarded-for", "203.0.113.9:51234")]).status in (302, 401)
            assert c.get("/", []).status in (302, 401)
        first, second = access_lines(gate, 2)[:2]
        assert (first["client"], first["peer"]) == ("203.0.113.9", "127.0.0.1")
        assert second["client"] == "127.0.0.1" and "peer" not in second

    def test_in_forward_auth(self, upstream, start_gate):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"])
        question = {**XHR, "X-Original-URL": "https://app.test/x", "X-Original-Method": "GET", "X-Forwarded-For": "203.0.113.9:51234"}
        assert gate.exchange("GET", "/.sidegate/auth", question).status == 401
        assert (access_lines(gate, 1)[0]["client"], access_lines(gate, 1)[0]["peer"]) == ("203.0.113.9", "127.0.0.1")

    def test_believes_no_stranger(self, upstream, start_gate):
        gate = start_gate(upstream)
        assert gate.exchange("GET", "/", {**NAVIGATION, "X-Forwarded-For": "203.0.113.9"}).status == 302
        line = access_lines(gate, 1)[0]
        assert line["client"] == "127.0.0.1" and "peer" not in line

    @pytest.mark.parametrize("written", ["unknown", "203.0.113.9:x", ""])
    def test_names_the_proxy_when_it_does_not_say(self, upstream, start_gate, written):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"])
        assert gate.exchange("GET", "/", {**NAVIGATION, "X-Forwarded-For": written}).status == 302
        assert access_lines(gate, 1)[0]["client"] == "127.0.0.1"

    def test_is_the_same_in_text(self, upstream, start_gate):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1"], log={"format": "text"})
        assert gate.exchange("GET", "/", {**NAVIGATION, "X-Forwarded-For": "203.0.113.9:1"}).status == 302
        wait_until(lambda: 'client="203.0.113.9" peer="127.0.0.1"' in gate.log(), "the line")
