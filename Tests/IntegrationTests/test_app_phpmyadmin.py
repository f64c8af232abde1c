# SPDX-License-Identifier: Apache-2.0
"""phpMyAdmin behind the gate, signed in by examples/apps/phpmyadmin, with a MariaDB that has an account for each user."""

import re
import secrets

import pytest

from harness.apps import documented
from harness.people import ADA, EVE, gates  # noqa: F401
from harness.php_apps import PhpMyAdmin

SETTINGS = documented("phpMyAdmin")
SCRIPT = {"X-Requested-With": "XMLHttpRequest", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
EXPORT = {"export_type": "database", "export_method": "quick", "quick_or_custom": "quick", "what": "sql", "output_format": "sendit",
          "sql_structure_or_data": "structure_and_data", "sql_hex_for_binary": "1", "charset": "utf-8", "compression": "none",
          "filename_template": "@DATABASE@", "table_select[]": "t", "table_structure[]": "t", "table_data[]": "t"}


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    app = PhpMyAdmin(tmp_path_factory.mktemp("phpmyadmin") / "app", [ADA, EVE])
    yield app
    app.stop()


def query(person, text: str, base: str = "") -> str:
    """Runs SQL as the page's script does."""
    page = person.visit(f"{base}/index.php")
    token = re.search(r'name="token" value="([^"]+)"', page.text).group(1)
    done = person.post(f"{base}/index.php?route=/sql", headers=SCRIPT, data={
        "token": token, "ajax_request": "true", "db": person.email, "sql_query": text, "is_js_confirmed": "1"})
    assert done.status_code == 200, done.text
    return str(done.json())


@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
def test_users_are_accounts_of_the_database(database, gates, way):  # noqa: F811
    ada, eve = (gates.person(database, user, way, "/index.php", **SETTINGS) for user in (ADA, EVE))
    for person in (ada, eve):
        assert f"{person.email}@%" in query(person, "SELECT CURRENT_USER()")
    assert "denied" in query(eve, f"SELECT * FROM `{ADA}`.t")
    eve.headers["X-Forwarded-User"] = ADA
    assert f"{EVE}@%" in query(eve, "SELECT CURRENT_USER()")


@pytest.mark.parametrize("way", ["http/1.1", "https-h2"])
def test_an_import_comes_out_again_as_an_export(database, gates, way):  # noqa: F811
    ada = gates.person(database, ADA, way, "/index.php", **SETTINGS)
    token = re.search(r'name="token" value="([^"]+)"', ada.visit("/index.php").text).group(1)
    values = [secrets.token_bytes(100_000).hex() for _ in range(8)]
    file = "DROP TABLE IF EXISTS t;\nCREATE TABLE t (id INT, b LONGBLOB);\n" + "".join(
        f"INSERT INTO t VALUES ({number}, x'{value}');\n" for number, value in enumerate(values))
    done = ada.post("/index.php?route=/import", headers=SCRIPT, files={"import_file": ("all.sql", file.encode(), "application/sql")}, data={
        "token": token, "ajax_request": "true", "import_type": "database", "db": ADA, "format": "sql", "charset_of_file": "utf-8",
        "sql_type": "sql", "noplugin": "1"})
    assert done.status_code == 200 and done.json()["success"], done.text[:2000]
    export = ada.visit("/index.php?route=/export", "POST", data={"token": token, "db": ADA, **EXPORT})
    assert export.headers["Content-Disposition"].startswith("attachment") and all("0x" + value in export.text for value in values)


def test_its_logout_ends_the_session_of_the_gate(database, gates):  # noqa: F811
    browser = gates.person(database, ADA, target="/index.php", **SETTINGS)
    page = browser.visit("/index.php")
    assert browser.cookies.get("phpMyAdmin")
    token = re.search(r'name="token" value="([^"]+)"', page.text).group(1)
    out = browser.visit("/index.php?route=/logout", "POST", data={"token": token})
    assert out.url.path.startswith("/.sidegate/"), out.url
    assert browser.is_signed_out("/index.php") and not browser.cookies.get("phpMyAdmin")
    browser.email = EVE
    browser.sign_in("/index.php")
    assert f"{EVE}@%" in query(browser, "SELECT CURRENT_USER()")


def test_under_a_prefix(database, gates):  # noqa: F811
    """All its links are relative."""
    ada = gates.person(database, ADA, target="/db/index.php", upstream="http://127.0.0.1:9", upstreams=[
        {"paths": ["/db/*"], "url": database.url, "stripPrefix": "/db"}], **SETTINGS)
    assert f"{ADA}@%" in query(ada, "SELECT CURRENT_USER()", "/db")
