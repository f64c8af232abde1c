# SPDX-License-Identifier: Apache-2.0
"""Error pages: they show when it happened, and offer to try again where that is safe."""

import re
import time
from datetime import datetime, timezone

import pytest

from harness.gate import NAVIGATION, Browser
from harness.journal import lines
from harness.ports import free_port
from harness.process import wait_until
from harness.tokens import token

TIME = re.compile(r"<dt>Time</dt><dd>(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC</dd>")
TRY_AGAIN = re.compile(r'<a class="button" href="([^"]*)">Try again</a>')


def shown_time(response) -> float:
    found = TIME.search(response.text)
    assert found, response.text[-1500:]
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()


def target(response) -> str | None:
    found = TRY_AGAIN.search(response.text)
    return found and found[1].replace("&amp;", "&").replace("&#61;", "=")


@pytest.fixture
def down(start_gate):
    """A gate whose app is down."""
    gate = start_gate(f"http://127.0.0.1:{free_port()}", access={"default": "guest"})
    return gate


def test_each_error_page_shows_the_time_of_its_line_in_the_log(upstream, start_gate):
    gate = start_gate(upstream, access={"rules": [{"paths": ["/closed"], "deny": True}]})
    before = int(time.time())
    pages = [
        Browser(gate).sign_in_with(token(exp=1)), gate.exchange("GET", "/closed", NAVIGATION),
        gate.exchange("GET", "/.sidegate/nothing", NAVIGATION), gate.signed_in().navigate("/closed"),
        gate.exchange("GET", "/.sidegate/callback", NAVIGATION),
    ]
    for page in pages:
        assert page.status >= 400
        assert before <= shown_time(page) <= time.time()
    identifier = re.search(r"<dt>Request ID</dt><dd>([^<]*)</dd>", pages[0].text)[1]
    line = wait_until(lambda: [line for line in lines(gate) if line.get("id") == identifier], "its line")[0]
    assert datetime.fromtimestamp(shown_time(pages[0]), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") == line["time"][:19]


@pytest.mark.parametrize("path", ["/", "/reports/2026?region=north&sort=date", "/a%20b/%C3%A9?x=%22"])
def test_a_page_for_an_app_that_is_down_offers_the_same_address(down, path):
    page = down.exchange("GET", path, NAVIGATION)
    assert page.status == 502 and target(page) == path
    shown_time(page)


def test_504_and_503_too(upstream, start_gate):
    slow = start_gate(upstream, access={"default": "guest"}, **{"upstream": {"url": upstream.url, "responseTimeout": "300ms"}})
    upstream.answer = lambda request, connection: None
    page = slow.exchange("GET", "/slow?x=1", NAVIGATION)
    assert page.status == 504 and target(page) == "/slow?x=1"


def test_503_of_a_full_app(upstream, start_gate):
    gate = start_gate(upstream, access={"default": "guest"}, limits={"drainTimeout": "200ms"},
                      **{"upstream": {"url": upstream.url, "maxConnections": 1, "connectTimeout": "300ms"}})
    upstream.answer = lambda request, connection: None
    with gate.connection() as first:
        first.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: upstream.requests, "the app has the first request")
        page = gate.exchange("GET", "/second?x=1", NAVIGATION)
        assert page.status == 503 and target(page) == "/second?x=1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_would_be_done_twice_is_not_offered(down, method):
    page = down.exchange(method, "/order", {**NAVIGATION, "Content-Length": "0"})
    assert page.status == 502 and target(page) is None and "Try again</a>" not in page.text


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example/", "/x" * 2000])
def test_it_leads_nowhere_else(down, path):
    page = down.exchange("GET", path, NAVIGATION)
    assert page.status in (400, 502)
    link = target(page)
    assert link is None or link.startswith(down.origin + "/") or (link.startswith("/") and link[1:2] not in ("/", "\\")), link


def test_a_client_that_wants_JSON_gets_no_page(down):
    answer = down.exchange("GET", "/", {"Accept": "application/json"})
    assert answer.status == 502 and answer.json()["error"] == "upstream_unavailable"
