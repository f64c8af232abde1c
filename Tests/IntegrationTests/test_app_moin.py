# SPDX-License-Identifier: Apache-2.0
"""MoinMoin 2 behind the gate, with GivenAuth."""

import re
import secrets

import pytest

from harness.apps import Moin, documented
from harness.people import ADA, EVE, Form, gates  # noqa: F401

TEXT = "".join(f"= Absatz {number} =\r\n\r\n" + "Grüße & <b> " * 500 + "\r\n" for number in range(20))
SETTINGS = documented("MoinMoin")


@pytest.fixture(scope="module")
def moin(tmp_path_factory):
    app = Moin(tmp_path_factory.mktemp("moin"))
    yield app
    app.stop()


def write(person, name: str, kind: str, acl: str = "None", text: str = None, file: bytes = None):
    """Creates an item by the form of its page."""
    page = person.visit(f"/+modify/{name}", params={"itemtype": "default", "contenttype": kind})
    form = Form(page, "meta_form_name")
    fields = {**form.fields, "meta_form_acl": acl, **({"content_form_data_text": text} if text else {})}
    files = {"content_form_data_file": (name, file, "application/octet-stream") if file else ("", b"")}
    return person.visit(form.action, "POST", data=fields, files=files)


@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
def test_items_are_written_in_the_users_name(moin, gates, way):  # noqa: F811
    ada = gates.person(moin, ADA, way, "/+index", **SETTINGS)
    name = "Page" + re.sub(r"\W", "", way)
    saved = write(ada, name, "text/x.moin.wiki;charset=utf-8", text=TEXT)
    assert saved.status_code == 200 and saved.url.path == f"/{name}" and "Absatz 19" in saved.text, saved.text[:2000]
    assert ada.get(f"/+get/{name}").text == TEXT
    assert ADA in ada.get(f"/+history/{name}").text
    content = secrets.token_bytes(3_000_003)
    saved = write(ada, name + ".bin", "application/octet-stream", file=content)
    assert saved.status_code == 200, saved.text[:2000]
    assert ada.get(f"/+get/{name}.bin").content == content


def test_access_lists_hold_for_the_users_of_the_header(moin, gates):  # noqa: F811
    ada = gates.person(moin, ADA, target="/+index", **SETTINGS)
    saved = write(ada, "Diary", "text/x.moin.wiki;charset=utf-8", acl=f"{ADA}:read,write All:", text="dear diary")
    assert saved.status_code == 200, saved.text
    assert "dear diary" in ada.get("/Diary").text
    eve = gates.person(moin, EVE, target="/+index", **SETTINGS)
    for headers in ({}, {"X-Forwarded-User": ADA}, {"X_Forwarded_User": ADA}, {"X.Forwarded.User": ADA}):
        response = eve.get("/Diary", headers=headers)
        assert response.status_code == 403 and "dear diary" not in response.text, headers


def test_another_user_of_the_browser_is_not_the_one_before(moin, gates):  # noqa: F811
    browser = gates.person(moin, ADA, target="/+usersettings", **SETTINGS)
    write(browser, "Own", "text/x.moin.wiki;charset=utf-8", acl=f"{ADA}:read,write All:", text="mine")
    assert browser.cookies.get("session") and ADA in browser.visit("/+history/Own").text
    browser.sign_out()
    assert browser.is_signed_out("/+index") and not browser.cookies.get("session")
    browser.email = EVE
    page = browser.sign_in("/+usersettings")
    assert page.status_code == 200 and browser.visit("/+history/Own").status_code == 403
