# SPDX-License-Identifier: Apache-2.0
"""Flask-WTF and Django's admin site behind the gate: CSRF tokens, long forms, uploads, redirects, the app's own cookies."""

import secrets

import pytest

from harness.apps import Django, Forms, documented
from harness.people import ADA, EVE, WAYS, Form, Person, gates  # noqa: F401

LONG = "Zeile für Zeile, mit „Anführung“ & Zeichen <b>\r\n" * 6000


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = Forms(tmp_path_factory.mktemp("forms"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def old_app(tmp_path_factory):
    app = Forms(tmp_path_factory.mktemp("forms"), "absolute", "old")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def django(tmp_path_factory):
    app = Django(tmp_path_factory.mktemp("django"))
    yield app
    app.stop()


def save(person: Person, page, title: str, text: str = "", file: bytes = None):
    """Fills in and sends the form of the page."""
    form = Form(page)
    files = {"file": ("upload.bin", file, "application/octet-stream")} if file is not None else {}
    return person.visit(form.action, "POST", data={**form.fields, "title": title, "text": text},
                        files=files or {"nothing": ("", b"")}, headers={"Referer": str(page.url)})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", ["app", "old_app"])
def test_forms_and_uploads(request, gates, which, way):  # noqa: F811
    app = request.getfixturevalue(which)
    ada = gates.person(app, ADA, way)
    page = ada.visit("/")
    assert f'id="user">{ADA}<' in page.text and f'id="secure">{way.startswith("https")}<' in page.text
    assert f'id="url">{ada.gate.origin}/<' in page.text
    saved = save(ada, page, f"long {way[-2:]}", LONG)
    assert saved.url.path == "/" and f"saved long {way[-2:]}" in saved.text, saved.text
    assert ada.get(f"/files/long {way[-2:]}").content.decode() == LONG
    content = secrets.token_bytes(5_000_001)
    assert f"saved data {way[-2:]}" in save(ada, saved, f"data {way[-2:]}", file=content).text
    path = f"/files/data {way[-2:]}"
    assert ada.get(path).content == content
    part = ada.get(path, headers={"Range": "bytes=4999990-"})
    assert part.status_code == 206 and part.content == content[4_999_990:]
    again = ada.get(path, headers={"If-None-Match": part.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    assert ada.head(path).headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize("way", WAYS)
def test_the_csrf_token_of_another_session_is_refused_by_the_app(app, gates, way):  # noqa: F811
    ada, eve = gates.person(app, ADA, way), gates.person(app, EVE, way)
    page = ada.visit("/")
    assert save(eve, page, "stolen").status_code == 400
    assert "stolen" not in eve.visit("/").text


def test_another_user_gets_nothing_of_the_first(app, gates):  # noqa: F811
    """Also in the same browser, when the gate ends the app's own session with the user's."""
    settings = documented("Flask and other WSGI apps")
    ada = gates.person(app, ADA, **settings)
    save(ada, ada.visit("/"), "of ada", "private")
    assert "of ada" in ada.visit("/").text
    assert ada.cookies.get("session")
    out = ada.visit("/logout")
    assert "signed out" in out.text and ada.is_signed_out()
    assert not ada.cookies.get("session")
    ada.email = EVE
    assert "of ada" not in ada.sign_in("/").text
    assert ada.get("/files/of ada").status_code == 404


@pytest.mark.parametrize("which, strip, preserve", [
    ("app", True, True), ("app", True, False), ("old_app", True, True)])
@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
def test_under_a_prefix_by_x_forwarded_prefix(request, gates, which, strip, preserve, way):  # noqa: F811
    """An app that uses X-Forwarded-Prefix, -Host and -Proto makes the right links and redirects itself."""
    app = request.getfixturevalue(which)
    ada = gates.person(app, ADA, way, "/notes/", upstream="http://127.0.0.1:9", upstreams=[
        {"paths": ["/notes/*"], "url": app.url, "stripPrefix": "/notes", "preserveHost": preserve}])
    page = ada.visit("/notes/")
    assert Form(page).action == f"{ada.gate.origin}/notes/note" and f'id="url">{ada.gate.origin}/notes/<' in page.text
    saved = save(ada, page, "prefixed", "text")
    assert str(saved.url) == f"{ada.gate.origin}/notes/" and "saved prefixed" in saved.text
    assert ada.get("/notes/files/prefixed").text == "text"


class TestDjangoAdmin:
    @pytest.mark.parametrize("way", WAYS)
    def test_its_forms_pass_the_checks_of_origin_and_referer(self, django, gates, way):  # noqa: F811
        ada = gates.person(django, ADA, way, "/admin/")
        page = ada.visit("/admin/auth/group/add/")
        form = Form(page, "group_form")
        name = f"editors {way}"
        saved = ada.visit(form.action, "POST", data={**form.fields, "name": name}, headers={"Referer": str(page.url)})
        assert saved.url.path == "/admin/auth/group/" and name in saved.text, saved.text[:2000]
        # Not refused by the gate but by Django: forms of other sites, which have no token, and over TLS a wrong Referer.
        foreign = {"Origin": "https://evil.test", "Referer": "https://evil.test/", "Sec-Fetch-Site": "cross-site"}
        del form.fields["csrfmiddlewaretoken"]
        refused = ada.post(form.action, data={**form.fields, "name": "evil"}, headers=foreign)
        assert refused.status_code == 403 and "CSRF" in refused.text

    def test_others_are_no_staff(self, django, gates):  # noqa: F811
        eve = gates.person(django, EVE, target="/admin/login/")
        assert "Groups" not in eve.visit("/admin/").text
        page = eve.visit("/admin/", headers={"X-Forwarded-User": ADA})
        assert "Groups" not in page.text

    @pytest.mark.parametrize("way", ["http/1.1", "https"])
    def test_without_the_browsers_host_it_needs_x_forwarded_host(self, tmp_path, gates, way):  # noqa: F811
        django = Django(tmp_path / "django", "forwarded-host")
        try:
            ada = gates.person(django, ADA, way, "/admin/", upstream={"url": django.url, "preserveHost": False})
            page = ada.visit("/admin/auth/group/add/")
            form = Form(page, "group_form")
            saved = ada.visit(form.action, "POST", data={**form.fields, "name": "editors"}, headers={"Referer": str(page.url)})
            assert saved.url.path == "/admin/auth/group/" and "editors" in saved.text, saved.text[:2000]
        finally:
            django.stop()

    def test_the_app_forgets_the_user_with_the_gate(self, django, gates):  # noqa: F811
        """RemoteUserMiddleware ends Django's session when the header is missing or names another user."""
        ada = gates.person(django, ADA, target="/admin/", **documented("Django"))
        assert ADA in ada.visit("/admin/").text and ada.cookies.get("sessionid")
        token = Form(ada.visit("/admin/auth/group/add/"), "group_form").fields["csrfmiddlewaretoken"]
        out = ada.visit("/admin/logout/", "POST", data={"csrfmiddlewaretoken": token}, headers={"Referer": f"{ada.gate.origin}/admin/"})
        assert "signed out" in out.text and not ada.cookies.get("sessionid")
        assert ada.is_signed_out("/admin/")
        ada.email = EVE
        assert ADA not in ada.sign_in("/admin/login/").text
