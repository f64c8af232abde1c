# SPDX-License-Identifier: Apache-2.0
"""docs/log.md documents all names that the program writes into access and audit lines.

Tests/ProxyTests/LogDocumentTests.swift compares its tables with the enumerations of the program.
"""

import re

import pytest

from harness import log_document
from harness.gate import NAVIGATION, XHR
from harness.journal import lines, wait_for_audit
from harness.process import wait_until
from harness.tokens import token
from harness.visits import Visit, accepted


def test_no_name_has_two_rows():
    for heading in ("## Decisions", "## Reasons", "### Audit events", "### Causes of a logout", "## How an app failed",
                    "## What is accepted of an app"):
        found = log_document.names(heading)
        assert len(found) == len(set(found)) > 1, heading


def test_a_line_that_is_not_on_the_page_is_found():
    """Each test of the log makes this comparison."""
    good = {"time": "x", "kind": "access", "id": "x", "status": 200, "decision": "forward"}
    assert log_document.undocumented(good) == []
    for change in ({"colour": "red"}, {"decision": "shrug"}, {"reason": "bad_mood"}, {"would": "shrug"}, {"detail": "words"},
                   {"cause": "bad_luck"}, {"reason": "upstream_closed"}, {"cause": "dns_failed"}):
        assert log_document.undocumented({**good, **change}), change
    audit = {"time": "x", "kind": "audit", "event": "logout", "id": "x", "reason": "user"}
    assert log_document.undocumented(audit) == []
    for change in ({"colour": "red"}, {"event": "shrug"}, {"reason": "expired"}):
        assert log_document.undocumented({**audit, **change}), change


def test_a_message_about_a_request_that_is_not_on_the_page_is_found():
    good = {"logger": "sidegate.request", "message": "step of the decision", "step": "single use", "answer": "fresh"}
    assert log_document.undocumented(good) == []
    for change in ({"step": "key sets of staff", "answer": "done"}, {"step": "content", "answer": "12 bytes"},
                   {"step": "authorization code", "answer": "refused: because"},
                   {"step": "single use of the logout token", "answer": "store full"}):
        assert log_document.undocumented({**good, **change}) == [], change
    for change in ({"message": "hello"}, {"step": "coffee"}, {"answer": "perhaps"}, {"step": "provisioning", "answer": "fresh"}):
        assert log_document.undocumented({**good, **change}), change


class TestLinesOfTheProgram:
    @pytest.fixture
    def visited(self, upstream, start_gate):
        gate = start_gate(upstream, access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]})
        browser = Visit(gate)
        assert accepted(browser.enter(token()))
        assert browser.navigate("/").status == 200
        Visit(gate).enter(token(exp=1))
        gate.exchange("GET", "/", NAVIGATION)
        gate.exchange("GET", "/api", XHR)
        gate.exchange("GET", "/open/x", NAVIGATION)
        gate.exchange("GET", "/.sidegate/nothing", NAVIGATION)
        gate.exchange("GET", "/a/%2e%2e/b", NAVIGATION)
        with gate.connection() as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert connection.response().status == 400
        wait_for_audit(gate, "denied")
        wait_until(lambda: len([line for line in lines(gate) if line.get("decision") == "malformed"]) == 1, "the last line")
        return lines(gate)

    def test_they_have_only_documented_names(self, visited):
        decisions = {line["decision"] for line in visited if line.get("kind") == "access"}
        assert {"forward", "open", "redirect", "unauthenticated", "sign-in", "refused", "not-found", "malformed"} <= decisions
        unreadable, = (line for line in visited if line.get("decision") == "malformed")
        assert (unreadable["reason"], unreadable["detail"]) == ("request_host_invalid", "more than one Host")
        assert {line["event"] for line in visited if line.get("kind") == "audit"} == {"login", "denied"}

    def test_fields_that_are_never_absent_are_in_each_line(self, visited):
        rows = [re.split(r"(?<!\\) \| ", row.strip("| ")) for row in log_document.PAGE.read_text().splitlines() if row.startswith("| `")]
        always = {row[0].strip("`") for row in rows if len(row) == 4 and row[3] == "never"}
        for line in visited:
            expected = {"access": always - {"event"}, "audit": {"time", "kind", "event", "id", "client"}}.get(line.get("kind"), set())
            assert expected <= line.keys(), line
