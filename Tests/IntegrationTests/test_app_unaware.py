# SPDX-License-Identifier: Apache-2.0
"""Apps that do not know that they are behind a proxy: their redirects, cookies and servers, as `upstream.rewriteRedirects`
and `upstream.collectRequests` make them fit."""

import hashlib
import secrets

import pytest

from harness.apps import Forms, Jupyter
from harness.people import ADA, Form, gates  # noqa: F401
from harness.servers import Nginx


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = Forms(tmp_path_factory.mktemp("forms"), "absolute", "old", "unaware")
    yield app
    app.stop()


@pytest.mark.parametrize("way", ["http/1.1", "https", "https-h2"])
def test_its_whole_redirects_lead_back_to_the_gate(app, gates, way):  # noqa: F811
    """It makes them from the Host that it gets: its own."""
    ada = gates.person(app, ADA, way, upstream={"url": app.url, "preserveHost": False})
    page = ada.visit("/")
    assert f'id="url">{app.url}/<' in page.text, "it knows only its own address"
    form = Form(page)
    sent = ada.post("/note", data={**form.fields, "title": "one", "text": "x"}, files={"nothing": ("", b"")}, headers={
        "Origin": ada.gate.origin, "Sec-Fetch-Site": "same-origin"})
    assert sent.status_code == 302 and sent.headers["Location"] == f"{ada.gate.origin}/", sent.headers
    assert "saved one" in ada.visit(sent.headers["Location"]).text


@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
def test_below_a_prefix_its_redirects_and_cookies_stay_there(app, gates, way):  # noqa: F811
    ada = gates.person(app, ADA, way, "/notes/", upstream="http://127.0.0.1:9", upstreams=[
        {"paths": ["/notes/*"], "url": app.url, "stripPrefix": "/notes", "preserveHost": False}])
    page = ada.visit("/notes/")
    assert next(cookie for cookie in ada.cookies.jar if cookie.name == "session").path.rstrip("/") == "/notes"
    form = Form(page)  # its links lead outside: only redirects and cookies are rewritten
    sent = ada.post("/notes/note", data={**form.fields, "title": "two", "text": "x"}, files={"nothing": ("", b"")}, headers={
        "Origin": ada.gate.origin, "Sec-Fetch-Site": "same-origin"})
    assert sent.status_code == 302 and sent.headers["Location"] == f"{ada.gate.origin}/notes/", sent.headers
    assert "saved two" in ada.visit(sent.headers["Location"]).text


def test_the_redirect_of_a_folder_by_nginx(tmp_path, gates):  # noqa: F811
    """nginx names its own host and port, or with `preserveHost` the browser's."""
    app = Nginx(tmp_path / "nginx")
    try:
        (app.files / "dir").mkdir()
        (app.files / "dir/index.html").write_text("the folder")
        ada = gates.person(app, ADA, "https", "/files/dir/", upstream="http://127.0.0.1:9", upstreams=[
            {"paths": ["/files/*"], "url": app.url, "stripPrefix": "/files", "preserveHost": False}])
        assert ada.get("/files/dir").headers["Location"] == f"{ada.gate.origin}/files/dir/"
    finally:
        app.stop()


def test_jupyter_without_base_url_below_a_prefix(tmp_path, gates):  # noqa: F811
    app = Jupyter(tmp_path / "jupyter")
    try:
        ada = gates.person(app, ADA, target="/jupyter/api/me", upstream="http://127.0.0.1:9", upstreams=[
            {"paths": ["/jupyter/*"], "url": app.url, "stripPrefix": "/jupyter"}])
        first = ada.get("/jupyter/")
        assert first.is_redirect and first.headers["Location"].removeprefix(ada.gate.origin).startswith("/jupyter/lab"), first.headers
        assert ada.visit("/jupyter/").status_code == 200
        assert {cookie.path.rstrip("/") for cookie in ada.cookies.jar if cookie.name == "_xsrf"} == {"/jupyter"}
    finally:
        app.stop()


@pytest.mark.parametrize("way", ["http/1.1", "h2c", "https", "https-h2"])
def test_a_server_that_needs_content_length_gets_one(app, gates, way):  # noqa: F811
    """wsgiref reads nothing of a chunked request."""
    ada = gates.person(app, ADA, way, upstream={"url": app.url, "collectRequests": "1MiB"})
    content = secrets.token_bytes(700_001)

    def pieces(end: int):
        for at in range(0, end, 50_000):
            yield content[at:min(at + 50_000, end)]
    for length in (1, 50_000, 700_001):
        made = ada.put("/raw/pieces", content=pieces(length))
        assert made.status_code == 200 and made.json() == {
            "length": length, "digest": hashlib.sha256(content[:length]).hexdigest(), "framing": str(length)}, made.text
    assert ada.put("/raw/nothing", content=iter([])).json()["length"] == 0


@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
@pytest.mark.parametrize("own", ["jwt=of-the-app", "jwt=a.b.c", "a=1&jwt=x&jwt=y&b=%20", "jwt="])
def test_its_own_parameter_of_the_tokens_name_stays(app, gates, way, own):  # noqa: F811
    """In the deep link of the sign-in, and in each request."""
    ada = gates.person(app, ADA, way, f"/?{own}", upstream={"url": app.url, "preserveHost": True})
    page = ada.visit(f"/?{own}")
    seen = page.text.split('id="url">')[1].split("<")[0].replace("&amp;", "&")
    assert seen.removeprefix("http://").removeprefix(f"localhost:{ada.gate.port}") == f"/?{own}"
