# SPDX-License-Identifier: Apache-2.0
"""JupyterLab, the gate, and another proxy: in front of the gate as in docs/deployment.md, over TLS, and with forward-auth as in
examples/forward-auth. Uploads, downloads and WebSockets pass, and the app knows the user."""

import base64
import secrets
import socket

import httpx
import pytest
import websockets

from harness.apps import Jupyter
from harness.documented import ALL as PROXIES
from harness.documented import HOST
from harness.front import FRONTS
from harness.jupyter import api, in_terminal
from harness.people import ADA, EVE, ISPRING, Person, gates  # noqa: F401
from harness.ports import free_port
from harness.process import wait_until


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    app = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield app
    app.stop()


def work(person: Person, app: Jupyter):
    """What a user does in JupyterLab."""
    assert person.get("/api/me").json()["identity"]["username"] == person.email
    forged = {"X-Forwarded-User": "root", "X_Forwarded_User": "root", "X-Forwarded-For": "203.0.113.9"}
    assert person.get("/api/me", headers=forged).json()["identity"]["username"] == person.email
    fields = api(person)
    content = secrets.token_bytes(3_000_001)
    made = person.put("/api/contents/data.bin", headers=fields, json={
        "type": "file", "format": "base64", "content": base64.b64encode(content).decode(), "name": "data.bin", "path": "data.bin"})
    assert made.status_code in (200, 201), made.text
    assert (app.files / "data.bin").read_bytes() == content
    page = {"Referer": f"{person.gate.origin}/lab"}
    assert person.get("/files/data.bin", headers=page).content == content
    part = person.get("/files/data.bin", headers={**page, "Range": "bytes=1000000-1999999"})
    assert part.status_code == 206 and part.content == content[1_000_000:2_000_000]


@pytest.fixture
def resolved(monkeypatch):
    """The name of the documentation is that of this machine."""
    asked = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **options: asked("127.0.0.1" if host == HOST else host, *more, **options))


@pytest.mark.parametrize("name", PROXIES)
def test_in_front_of_the_gate(jupyter, gates, tmp_path, resolved, name):  # noqa: F811
    admin = free_port()
    gate = gates.gate(jupyter, trustedProxies=["127.0.0.1/32"], admin={"listen": f"127.0.0.1:{admin}"})
    proxy = PROXIES[name](tmp_path, gate, gates.authority, admin)
    proxy.origin, proxy.people = f"https://{HOST}:{proxy.port}", []

    def has_routes() -> bool:
        """Some accept connections before they have loaded their certificates and routes, or found the gate."""
        try:
            return httpx.get(proxy.origin + "/.sidegate/session", verify=proxy.context(), trust_env=False).status_code == 401
        except httpx.TransportError:
            return False
    try:
        wait_until(has_routes, "the routes of the proxy")
        ada, eve = (Person(proxy, user, "https") for user in (ADA, EVE))
        for person in (ada, eve):
            person.sign_in("/lab")
            assert {cookie.name for cookie in person.cookies.jar if cookie.name.startswith("__Host-")}, "cookies for https"
            work(person, jupyter)
        assert in_terminal(ada, "echo $((6*7))-$((1+1))\r", "42-2", then=ada.sign_out), "the WebSocket ends with the session"
        assert ada.is_signed_out("/lab")
    finally:
        for person in proxy.people:
            person.close()
        proxy.stop()


@pytest.mark.parametrize("name", FRONTS)
def test_with_forward_auth(jupyter, gates, tmp_path, name):  # noqa: F811
    # The return path is one that the proxies pass on to the gate.
    gate = gates.gate(jupyter, trustedProxies=["127.0.0.1/32"], identityProvider={
        **ISPRING["identityProvider"], "returnPath": "/.sidegate/callback"})
    front = FRONTS[name](tmp_path / name, gate, jupyter)
    front.authority, front.people = None, []
    front.return_path = "/.sidegate/callback"
    try:
        ada = Person(front, ADA)
        ada.sign_in("/lab")
        work(ada, jupyter)
        assert in_terminal(ada, "echo $((6*7))-$((1+1))\r", "42-2")
        stranger = Person(front, EVE)
        with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
            in_terminal(stranger, "x", "x", name="1")
        assert refused.value.status_code == 401
        ada.sign_out()
        assert ada.get("/lab").status_code in (302, 401)
    finally:
        for person in front.people:
            person.close()
        front.stop()
