# SPDX-License-Identifier: Apache-2.0
"""The renewal of session cookies, and the responses that must not carry one."""

import time

import pytest

from harness.gate import NAVIGATION
from harness.process import DEADLINE


def renewed_within(gate, session, path, seconds):
    """The first response with a renewed session cookie; None if there is none in that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        response = gate.exchange("GET", path, {**NAVIGATION, **session})
        assert response.status == 200
        if any(line.startswith("sidegate=") for line in response.all("Set-Cookie")):
            return response
        time.sleep(0.05)
    return None


@pytest.fixture
def short_lived(upstream, start_gate):
    def answer(request, connection):
        cacheable = {
            "/public": [("Cache-Control", "public, max-age=60")], "/asset": [("Cache-Control", "Max-Age=60")],
            "/expires": [("Expires", "Thu, 01 Jan 2099 00:00:00 GMT")],
            "/private": [("Cache-Control", "private, max-age=60")],
        }
        connection.respond(headers=cacheable.get(request.target, []), body=b"ok")

    upstream.answer = answer
    return start_gate(upstream, session={"idleTimeout": "10s"})


def test_a_session_in_use_gets_a_renewed_cookie_that_works(short_lived):
    session = short_lived.session_cookie()
    response = renewed_within(short_lived, session, "/page", DEADLINE)
    assert response is not None
    cookie = response["Set-Cookie"].split(";")[0]
    assert cookie not in session["Cookie"]
    assert short_lived.exchange("GET", "/page", {"Cookie": cookie}).status == 200


@pytest.mark.parametrize("path", ["/public", "/asset", "/expires"])
def test_no_cookie_is_sent_with_a_response_for_shared_caches(short_lived, path):
    session = short_lived.session_cookie()
    renewed = None
    end = time.monotonic() + DEADLINE
    # Requests the cacheable path until a response on another path shows that the renewal is due.
    while renewed is None:
        assert time.monotonic() < end
        response = short_lived.exchange("GET", path, {**NAVIGATION, **session})
        assert response.status == 200 and not response.all("Set-Cookie")
        renewed = renewed_within(short_lived, session, "/private", 0.2)
    assert "HttpOnly" in renewed["Set-Cookie"]
