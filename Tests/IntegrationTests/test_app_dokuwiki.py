# SPDX-License-Identifier: Apache-2.0
"""DokuWiki behind the gate, with the plugin of examples/apps/dokuwiki: nginx and PHP by FastCGI."""

import re
import secrets

import pytest

from harness.apps import documented
from harness.people import ADA, EVE, WAYS, Form, gates  # noqa: F401
from harness.php_apps import DokuWiki

LONG = "\n\n".join(f"Absatz {number}: „Grüße“ & <nowiki><b></nowiki> %%__nein__%%" for number in range(3000))
SETTINGS = documented("DokuWiki")


@pytest.fixture(scope="module")
def wiki(tmp_path_factory):
    app = DokuWiki(tmp_path_factory.mktemp("dokuwiki") / "app")
    yield app
    app.stop()


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory):
    app = DokuWiki(tmp_path_factory.mktemp("dokuwiki") / "app", "/wiki")
    yield app
    app.stop()


def write(person, page: str, text: str, base: str = ""):
    """Edits a page in the browser's way: opens the editor, previews, saves."""
    editor = person.visit(f"{base}/doku.php?id={page}&do=edit")
    form = Form(editor, "wikitext")
    preview = person.visit(form.action, "POST", data={**form.fields, "wikitext": text, "do[preview]": "1"})
    assert preview.status_code == 200 and Form(preview, "wikitext").fields["wikitext"].replace("\r\n", "\n") == text
    form = Form(preview, "wikitext")
    return person.visit(form.action, "POST", data={**form.fields, "wikitext": text, "do[save]": "1"})


@pytest.mark.parametrize("way", WAYS)
def test_pages_are_written_in_the_users_name(wiki, gates, way):  # noqa: F811
    ada = gates.person(wiki, ADA, way, "/doku.php?id=start", **SETTINGS)
    name = "page" + re.sub(r"\W", "", way)
    saved = write(ada, name, LONG)
    assert saved.status_code == 200 and saved.url.params["id"] == name and "Absatz 2999" in saved.text
    assert ada.get(f"/doku.php?id={name}&do=export_raw").text == LONG
    assert ADA in ada.get(f"/doku.php?id={name}&do=revisions").text
    assert ADA in saved.text and "Log Out" in saved.text


@pytest.mark.parametrize("way", WAYS)
def test_media_files_are_exact(wiki, gates, way):  # noqa: F811
    ada = gates.person(wiki, ADA, way, "/doku.php?id=start&do=media", **SETTINGS)
    token = re.search(r'name="sectok" value="(\w+)"', ada.visit("/doku.php?id=start&do=edit").text).group(1)
    content = b"%PDF-1.4\n" + secrets.token_bytes(4_000_003)
    name = re.sub(r"\W", "", way) + ".pdf"
    # As its uploader sends it: a multipart form by script.
    sent = ada.post("/lib/exe/ajax.php", params={"call": "mediaupload", "ns": "", "mediaid": name, "sectok": token},
                    files={"qqfile": (name, content, "application/pdf")}, headers={
                        "Origin": ada.gate.origin, "X-Requested-With": "XMLHttpRequest", "Sec-Fetch-Site": "same-origin"})
    assert sent.status_code == 200 and sent.json()["success"], sent.text
    path = f"/lib/exe/fetch.php?media={name}"
    full = ada.visit(path)
    assert full.content == content and full.headers["Content-Type"] == "application/pdf"
    part = ada.get(str(full.url), headers={"Range": "bytes=100-4000000"})
    assert part.status_code == 206 and part.content == content[100:4_000_001]


def test_access_lists_hold_for_the_users_of_the_header(wiki, gates):  # noqa: F811
    ada = gates.person(wiki, ADA, target="/doku.php?id=start", **SETTINGS)
    write(ada, "private:diary", "dear diary")
    assert "dear diary" in ada.get("/doku.php?id=private:diary").text
    eve = gates.person(wiki, EVE, target="/doku.php?id=start", **SETTINGS)
    for headers in ({}, {"X-Forwarded-User": ADA}, {"X_Forwarded_User": ADA}, {"X.Forwarded.User": ADA}, {"X-Forwarded_User": ADA}):
        response = eve.get("/doku.php?id=private:diary", headers=headers)
        assert "dear diary" not in response.text and ADA not in response.text, headers


def test_another_user_of_the_browser_is_not_the_one_before(wiki, gates):  # noqa: F811
    browser = gates.person(wiki, ADA, target="/doku.php?id=start", **SETTINGS)
    assert browser.cookies.get("DokuWiki")
    out = browser.visit("/doku.php?id=start&do=logout&sectok=" + re.search(
        r"do=logout&amp;sectok=(\w+)", browser.visit("/doku.php?id=start").text).group(1))
    assert out.url.path in ("/.sidegate/logout", "/.sidegate/signed-out"), out.url
    assert browser.is_signed_out("/doku.php?id=start"), "its own link ends the gate's session"
    assert not browser.cookies.get("DokuWiki")
    browser.email = EVE
    page = browser.sign_in("/doku.php?id=start")
    assert EVE in page.text and ADA not in page.text


def test_members_of_a_group_manage_it(wiki, gates):  # noqa: F811
    from harness.people import Person
    gate = gates.gate(wiki, **SETTINGS)
    root = Person(gate, "root@example.com", groups=["staff", "admins"])
    root.sign_in("/doku.php?id=start")
    assert "Configuration Settings" in root.visit("/doku.php?id=start&do=admin").text
    ada = gates.person(wiki, ADA, target="/doku.php?id=start", **SETTINGS)
    assert "Configuration Settings" not in ada.visit("/doku.php?id=start&do=admin").text


@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
def test_under_a_prefix(prefixed, gates, way):  # noqa: F811
    """`basedir` of DokuWiki and `stripPrefix`; all its links and redirects stay below the prefix."""
    ada = gates.person(prefixed, ADA, way, "/wiki/doku.php?id=start", upstream="http://127.0.0.1:9", upstreams=[
        {"paths": ["/wiki/*"], "url": prefixed.url, "stripPrefix": "/wiki"}], **SETTINGS)
    saved = write(ada, "below" + way[-2:].replace("/", "").replace(".", ""), "below the prefix", "/wiki")
    assert saved.url.path == "/wiki/doku.php" and "below the prefix" in saved.text
    links = set(re.findall(r'(?:href|src|action)="(/(?!/)[^"/]*)', saved.text))
    assert links == {"/wiki"}, links
    script = re.search(r'src="(/wiki/lib/exe/js.php[^"]*)"', saved.text).group(1).replace("&amp;", "&")
    assert ada.get(script).status_code == 200
