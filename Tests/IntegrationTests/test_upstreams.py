# SPDX-License-Identifier: Apache-2.0
"""Several apps behind one gate: by host and path."""

import json

import pytest

from harness import tokens
from harness.gate import NAVIGATION, XHR
from harness.ports import free_port
from harness.upstream import Upstream


@pytest.fixture(scope="module")
def apps():
    started = {name: Upstream() for name in ("wiki", "talk", "docs")}
    yield started
    for app in started.values():
        app.stop()


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate, apps):
    return start_module_gate(module_upstream, upstreams=[
        {"paths": ["/wiki/*"], "url": apps["wiki"].url, "stripPrefix": "/wiki", "preserveHost": False, "responseTimeout": "2s"},
        {"paths": ["/wiki/talk/*"], "url": apps["talk"].url},
        {"hosts": ["docs.test"], "url": apps["docs"].url},
        {"paths": ["/down/*"], "url": f"http://127.0.0.1:{free_port()}"},
    ], access={"rules": [{"paths": ["/wiki/secret/*"], "require": {"groups": ["admins"]}},
                         {"paths": ["/open/*", "/wiki/open/*"], "allow": "anyone"}]})


@pytest.fixture
def seen(apps, upstream):
    for app in apps.values():
        app.requests.clear()
        app.answer = app.echo
    everyone = {"upstream": upstream, **apps}
    return lambda: {name: [r.target for r in app.requests] for name, app in everyone.items() if app.requests}


@pytest.mark.parametrize("host, path, app, target", [
    (None, "/", "upstream", "/"), (None, "/wiki", "wiki", "/"), (None, "/wiki/a?b=/wiki/", "wiki", "/a?b=/wiki/"),
    (None, "/wiki/talk/a", "talk", "/wiki/talk/a"), (None, "/wikipedia", "upstream", "/wikipedia"),
    (None, "//wiki/a", "wiki", "/a"), (None, "/wiki//evil.test/", "wiki", "/evil.test/"),
    ("docs.test", "/wiki/a", "docs", "/wiki/a"), ("DOCS.test:80", "/", "docs", "/"), ("xdocs.test", "/", "upstream", "/"),
])
def test_the_most_specific_app_gets_the_request(gate, seen, host, path, app, target):
    bearer = {"Authorization": "Bearer " + tokens.token()}
    assert gate.exchange("GET", path, {**XHR, **bearer}, host=host).status == 200
    assert seen() == {app: [target]}


def test_each_app_has_its_own_settings(gate, seen, apps, session):
    assert gate.exchange("GET", "/wiki/a", session).status == 200
    request = apps["wiki"].last
    assert request.get("Host") == f"127.0.0.1:{apps['wiki'].port}" and request.get("X-Forwarded-Prefix") == "/wiki"
    assert request.get("X-Forwarded-User") == "ada" and "sidegate" not in (request.get("Cookie") or "")
    assert gate.exchange("GET", "/wiki/talk/a", session).status == 200
    assert apps["talk"].last.get("Host") == f"127.0.0.1:{gate.port}" and apps["talk"].last.get("X-Forwarded-Prefix") is None
    apps["wiki"].answer = lambda request, connection: None
    assert gate.exchange("GET", "/wiki/slow", session).status == 504


def test_a_browsers_own_prefix_header_is_not_forwarded(gate, seen, apps, session):
    assert gate.exchange("GET", "/wiki/a", {**session, "X-Forwarded-Prefix": "/evil", "X_Forwarded_Prefix": "/evil"}).status == 200
    assert b"evil" not in apps["wiki"].last.head


def test_an_app_that_is_down_does_not_affect_others(gate, seen, session):
    assert gate.exchange("GET", "/down/x", session).status == 502
    assert gate.exchange("GET", "/wiki/x", session).status == 200
    assert gate.exchange("GET", "/x", session).status == 200


def test_each_app_has_its_own_connections(gate, seen, apps, upstream, session):
    with gate.connection() as connection:
        for _ in range(3):
            for path, app in (("/x", upstream), ("/wiki/x", apps["wiki"]), ("/wiki/talk/x", apps["talk"])):
                assert connection.exchange("GET", path, session).status == 200
    for app in (upstream, apps["wiki"], apps["talk"]):
        assert len({request.connection for request in app.requests}) == 1


def test_location_and_cookie_paths_gain_the_prefix(gate, seen, apps, session):
    apps["wiki"].answer = lambda request, connection: connection.respond(
        302, {"Location": "/login", "Set-Cookie": "a=b; Path=/"}, b"")
    response = gate.exchange("GET", "/wiki/x", session)
    assert response["Location"] == gate.origin + "/wiki/login" and response.all("Set-Cookie") == ["a=b; Path=/wiki"]


def test_rules_apply_to_the_path_that_the_browser_sent(gate, seen, session):
    member = gate.session_cookie(groups=["staff"])
    for path in ("/wiki/open/..%2Fsecret/x", "/wiki/open/../secret"):
        assert gate.exchange("GET", path, {**NAVIGATION, **member}).status == 400, path
    for path in ("/wiki/secret/x", "/wiki/%73ecret/x", "//wiki/secret/x"):
        assert gate.exchange("GET", path, {**NAVIGATION, **member}).status == 403, path
    assert gate.exchange("GET", "/wiki/open/x", NAVIGATION).status == 200
    assert seen() == {"wiki": ["/open/x"]}


def test_an_unreadable_path_is_400_also_without_rules(upstream, start_gate, apps):
    gate = start_gate(upstream, upstreams=[{"paths": ["/wiki/*"], "url": apps["wiki"].url}])
    assert gate.exchange("GET", "/wiki/%00", gate.session_cookie()).status == 400
    assert gate.exchange("GET", "/wiki/%61", gate.session_cookie()).json()["target"] == "/wiki/a"


def test_an_upload_to_another_app_passes(gate, seen, apps, session):
    body = b"x" * 300_000
    response = gate.exchange("POST", "/wiki/upload", session, body)
    assert response.status == 200 and len(json.loads(response.body)["body"]) == len(body)
