# SPDX-License-Identifier: Apache-2.0
"""An identity that is too large for the app's header limit is refused with a reason, and not sent (`upstream.headerBytes`)."""

import json

import pytest

from harness import tokens
from harness.admin import Metrics
from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR
from harness.process import wait_until
from harness.reloads import admin
from harness.upstream import Upstream

GROUPS = [f"group-{number:03}" for number in range(100)]  # 1,100 bytes in the header
REASON = "identity_head_too_large"


@pytest.fixture
def other():
    app = Upstream()
    yield app
    app.stop()


@pytest.fixture
def gate(upstream, other, start_gate):
    return start_gate(upstream, admin=admin(), upstream={"url": upstream.url, "headerBytes": "1KiB"},
                      upstreams=[{"paths": ["/big/*"], "url": other.url, "headerBytes": "4KiB"},
                                 {"paths": ["/small/*"], "url": other.url}],
                      access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]})


@pytest.fixture
def large(gate):
    return gate.session_cookie(groups=GROUPS)


def test_the_app_does_not_get_it_and_the_user_learns_why(gate, upstream, large):
    before = len(upstream.requests)
    page = gate.exchange("GET", "/x", {**NAVIGATION, **large})
    assert page.status == 403 and REASON in page.text and "text/html" in page["Content-Type"]
    answer = gate.exchange("POST", "/x", {**XHR, **large}, b"content")
    assert answer.status == 403 and answer.json()["reason"] == REASON
    assert gate.exchange("GET", "/open/x", large).status == 403
    assert len(upstream.requests) == before
    wait_until(lambda: f'"reason":"{REASON}"' in gate.log(), "the reason is in the log")
    assert Metrics(gate).get("sidegate_denied_total", reason=REASON) == 3


def test_other_protocols_and_credentials(gate, upstream, large):
    before = len(upstream.requests)
    with FrameConnection(gate.port) as connection:
        connection.cookie = large["Cookie"]
        assert connection.get("/x").status == 403
        response = connection.response(connection.request("POST", "/x", {"content-type": "application/grpc"}))
        assert response.status == 200 and response["grpc-status"] == "7" and response["grpc-message"] == REASON
    with gate.connection() as connection:
        response = connection.exchange("GET", "/x", {**large, "Connection": "upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert response.status == 403
    bearer = {"Authorization": "Bearer " + tokens.token(groups=GROUPS)}
    response = gate.exchange("GET", "/x", {**XHR, **bearer})
    assert response.status == 403 and REASON in response.text
    assert len(upstream.requests) == before


def test_each_app_has_its_own_limit(gate, other, large):
    assert gate.exchange("GET", "/big/x", large).status == 200
    assert other.last.get("X-Forwarded-Groups") == ",".join(GROUPS)
    assert gate.exchange("GET", "/small/x", large).status == 403
    small = gate.session_cookie(groups=GROUPS[:3])
    assert gate.exchange("GET", "/small/x", small).status == 200


def test_what_the_browser_sends_does_not_count(gate, upstream):
    small = gate.session_cookie(groups=GROUPS[:3])
    assert gate.exchange("GET", "/x", {**small, "X-Long": "x" * 5000}).status == 200
    assert upstream.last.get("X-Long") == "x" * 5000


def test_sixteen_kibibytes_by_default(upstream, start_gate):
    gate = start_gate(upstream, identityHeaders={f"X-Groups-{number}": "{groups}" for number in range(20)})
    for count, status in ((60, 200), (100, 403)):
        assert gate.exchange("GET", "/", gate.session_cookie(groups=GROUPS[:count])).status == status


def test_while_rules_are_observed_the_request_passes_without_identity(upstream, start_gate):
    gate = start_gate(upstream, upstream={"url": upstream.url, "headerBytes": "1KiB"},
                      access={"mode": "observe", "rules": [{"paths": ["/x"], "deny": True}]})
    bearer = {**XHR, "Authorization": "Bearer " + tokens.token(groups=GROUPS)}
    for path, reason in (("/x", REASON), ("/y", REASON)):
        assert gate.exchange("GET", path, bearer).status == 200
        assert upstream.last.get("X-Forwarded-User") is None and upstream.last.get("X-Forwarded-Groups") is None
        assert upstream.last.get("Authorization") is None
        wait_until(lambda: f'"would":"denied","reason":"{reason}"' in gate.log(), "what would have been done is logged")
