# SPDX-License-Identifier: Apache-2.0
"""WebDAV behind the gate: Apache's mod_dav and WsgiDAV, with a client of our own and with litmus, the suite of neon."""

import os
import re
import secrets
import shutil
import subprocess

import pytest

from harness.apache import ApacheDAV
from harness.apps import WsgiDAV
from harness.people import ADA, EVE, WAYS, Person, gates  # noqa: F401

# What Apache needs behind a proxy that ends TLS: it refuses a Destination of another scheme than its own.
PLAIN_DESTINATION = "RequestHeader edit Destination ^https: http: early\n"
LOCK = b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>ada</owner></lockinfo>'


@pytest.fixture(scope="module")
def apache(tmp_path_factory):
    app = ApacheDAV(tmp_path_factory.mktemp("dav"), PLAIN_DESTINATION)
    yield app
    app.stop()


@pytest.fixture(scope="module")
def wsgidav(tmp_path_factory):
    app = WsgiDAV(tmp_path_factory.mktemp("dav"))
    yield app
    app.stop()


def use_files(client: Person, home: str = "/"):
    """What a file manager does: folders, uploads, locks, copies, moves, ranges."""
    client.delete(base := home + "work/")
    assert client.request("MKCOL", base).status_code == 201
    content = secrets.token_bytes(3_000_001)
    assert client.put(base + "gr%C3%BC%C3%9Fe%20%26%20so.bin", content=content).status_code == 201
    # Without a length, as programs send what they do not keep.
    pieces = (content[at:at + 100_000] for at in range(0, len(content), 100_000))
    assert client.put(base + "pieces.bin", content=pieces).status_code == 201
    for name in ("gr%C3%BC%C3%9Fe%20%26%20so.bin", "pieces.bin"):
        assert client.get(base + name).content == content
    part = client.get(base + "pieces.bin", headers={"Range": "bytes=-5"})
    assert part.status_code == 206 and part.content == content[-5:]
    locked = client.request("LOCK", base + "pieces.bin", content=LOCK, headers={"Timeout": "Second-300", "Depth": "0"})
    assert locked.status_code == 200
    token = locked.headers["Lock-Token"]
    assert client.put(base + "pieces.bin", content=b"x").status_code == 423
    assert client.put(base + "pieces.bin", content=b"x", headers={"If": f"({token})"}).status_code in (200, 204)
    assert client.request("UNLOCK", base + "pieces.bin", headers={"Lock-Token": token}).status_code == 204
    for method, source, target, status in (("COPY", "pieces.bin", "copy.bin", 201), ("MOVE", "copy.bin", "moved%20here.bin", 201),
                                           ("MOVE", "moved%20here.bin", "pieces.bin", 412)):
        done = client.request(method, base + source, headers={"Destination": client.gate.origin + base + target, "Overwrite": "F"})
        assert done.status_code == status, (method, done.status_code, done.text)
    listing = client.request("PROPFIND", base, headers={"Depth": "1"})
    assert listing.status_code == 207
    found = {path.rpartition(base)[2] for path in re.findall(r"<\w*:?href>(.*?)</", listing.text)}
    assert {name.lower() for name in found} == {"", "gr%c3%bc%c3%9fe%20&amp;%20so.bin", "pieces.bin", "moved%20here.bin"} or \
        {name.lower() for name in found} == {"", "gr%c3%bc%c3%9fe%20%26%20so.bin", "pieces.bin", "moved%20here.bin"}, found
    assert client.delete(base).status_code == 204


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", ["apache", "wsgidav"])
def test_a_file_manager_works(request, gates, which, way):  # noqa: F811
    app = request.getfixturevalue(which)
    client = gates.person(app, ADA, way)
    assert "PROPFIND" in client.options("/").headers["Allow"]
    use_files(client)


def test_a_file_manager_works_under_a_prefix(tmp_path, gates):  # noqa: F811
    app = WsgiDAV(tmp_path / "dav", prefix="/files")
    try:
        client = gates.person(app, ADA, target="/files/", upstream="http://127.0.0.1:9", upstreams=[
            {"paths": ["/files/*"], "url": app.url, "stripPrefix": "/files"}])
        use_files(client, "/files/")
    finally:
        app.stop()


@pytest.mark.parametrize("which", ["apache", "wsgidav"])
def test_others_get_nothing(request, gates, which):  # noqa: F811
    app = request.getfixturevalue(which)
    gate = gates.gate(app, access={"users": {"emails": [ADA]}})
    (app.files / "secret.txt").write_text("SECRET")
    ada = Person(gate, ADA)
    ada.sign_in("/")
    assert ada.get("/secret.txt").text == "SECRET"
    stranger = Person(gate, EVE)
    for method in ("GET", "PROPFIND", "OPTIONS", "MKCOL", "DELETE", "LOCK", "MOVE", "PUT"):
        for headers in ({}, {"X-Forwarded-User": ADA}, {"Authorization": "Basic YWRhOng="}):
            refused = stranger.request(method, "/secret.txt", headers={"Accept": "*/*", "Destination": gate.origin + "/x", **headers})
            assert refused.status_code == (302 if method == "GET" else 401) and "SECRET" not in refused.text, (method, headers)
    before = ada.cookie_header
    ada.sign_out()
    ada.headers["Cookie"] = before
    assert ada.request("PROPFIND", "/", headers={"Depth": "1"}).status_code == 401


def test_apache_refuses_a_destination_of_another_scheme_unless_told(tmp_path, gates):  # noqa: F811
    """Why docs/apps.md has a line for it."""
    app = ApacheDAV(tmp_path / "dav")
    try:
        client = gates.person(app, ADA, "https")
        assert client.put("/a", content=b"a").status_code == 201
        assert client.request("MOVE", "/a", headers={"Destination": client.gate.origin + "/b"}).status_code in (400, 502)
    finally:
        app.stop()


@pytest.mark.parametrize("which", ["apache", "wsgidav"])
@pytest.mark.parametrize("way", ["http/1.1", "https"])
def test_litmus(gates, tmp_path, which, way):  # noqa: F811
    """It cannot sign in, so these apps and this gate let everyone in. What a test of it finds at the gate, it finds at the
    app too."""
    assert shutil.which("litmus"), "litmus is missing; `make deps-test` installs it"
    app = ApacheDAV(tmp_path / "dav", PLAIN_DESTINATION, "all granted") if which == "apache" else WsgiDAV(tmp_path / "dav", anonymous=True)
    try:
        gate = gates.gate(app, way, access={"rules": [{"paths": ["/*"], "allow": "anyone"}]})
        results = []
        for name, origin in (("direct", app.url), ("gate", gate.origin)):
            (app.files / name).mkdir()
            (app.files / name).chmod(0o777)
            results.append(litmus(tmp_path / name, f"{origin}/{name}/"))
        assert len(results[0]) > 60 and all(
            at_the_gate in (at_the_app, ("2. expect100", "SKIPPED")) for at_the_app, at_the_gate in zip(*results, strict=True)), results
    finally:
        app.stop()


def litmus(folder, url: str) -> list:
    """Each test and its result."""
    folder.mkdir()
    environment = {**os.environ, "TESTS": "basic copymove props locks http"}
    done = subprocess.run(["litmus", "-k", url], cwd=folder, capture_output=True, timeout=300, env=environment)
    output = done.stdout.decode(errors="replace")
    return re.findall(r"(\d+\. \w+)\.+ (pass|FAIL|SKIPPED)", output) or [output]
