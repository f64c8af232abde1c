# SPDX-License-Identifier: Apache-2.0
"""docs/identity-headers.md and docs/pages.md, compared with the program."""

import base64
import re

import pytest

from harness.gate import ROOT, Browser, sidegate

HEADERS = (ROOT / "docs/identity-headers.md").read_text()
PAGES = (ROOT / "docs/pages.md").read_text()
USER = {"sub": "u-1", "email": "ada@example.com", "preferred_username": "ada", "given_name": "Ada", "family_name": "Lovelace",
        "groups": ["staff", "admins"]}
FIELDS = {"user": "u-1", "email": "ada@example.com", "preferredUsername": "ada", "givenName": "Ada", "familyName": "Lovelace",
          "groups": "staff,admins"}


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def presets() -> dict[str, dict[str, str]]:
    """For each preset the headers and values that the page promises for USER."""
    found, preset = {}, ""
    for name, header, value, _ in rows(HEADERS.split("## Presets")[1].split("\n## ")[0])[2:]:
        preset = name.strip("`") or preset
        template = "".join(re.findall(r"`(\{.*\})`", value))
        expected = re.sub(r"\{(\w+)\}", lambda match: FIELDS[match[1]], template)
        if "vertical bar" in value:
            expected = expected.replace(",", "|")
        if value.startswith("`Basic`"):
            expected = "Basic " + base64.b64encode(b"u-1:").decode()
        found.setdefault(preset, {})[header.strip("`")] = expected
    return found


def test_every_preset_is_in_the_table():
    row = next(line for line in (ROOT / "docs/configuration.md").read_text().splitlines() if line.startswith("| `headerPreset`"))
    assert set(re.findall(r"`([\w-]+)`", row.split("One of")[1])) == presets().keys()


@pytest.mark.parametrize("preset", presets())
def test_a_preset_sends_what_the_table_says(upstream, start_gate, preset):
    gate = start_gate(upstream, headerPreset=preset)
    browser = Browser(gate)
    browser.fetch("GET", "/", {"Accept": "application/json"})
    browser.sign_in(**USER)
    browser.navigate("/")
    sent = {name: value for name, value in upstream.last.fields}
    # What a request has without a preset.
    plain = {"Host", "User-Agent", "Accept", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Request-ID",
             "traceparent", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Connection", "Cookie"}
    added = {name: value for name, value in sent.items() if name.lower() not in {known.lower() for known in plain}}
    assert added == presets()[preset]


def error_of(tmp_path, name: str, text: str) -> str:
    """What `check` says of a template."""
    folder = tmp_path / "pages"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / name).write_text(text)
    done = sidegate("check", "--upstream", "http://127.0.0.1:3000", "--login-url", "https://idp.example.com/?r={returnURL}", "--set",
                    f"pages.directory={folder}", "--set", "token.keys=[{\"secret\": \"0123456789abcdef0123456789abcdef\"}]",
                    "--set", "session.secret=" + "x" * 32, cwd=tmp_path)
    return done.stderr


def names(text: str) -> set[str]:
    """The names in the first column of a table, and those that `with` adds."""
    cells = [row[0] for row in rows(text)[2:]]
    return {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}


def section(title: str) -> str:
    return PAGES.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_values_are_those_of_the_program(tmp_path):
    message = error_of(tmp_path, "error.html", "{{nonsense}}")
    known = set(re.search(r"there is no value \"nonsense\"; there are ([\w, ]+)", message)[1].split(", "))
    assert names(section("Values")) == known


def test_the_parts_are_those_of_the_program(tmp_path):
    message = error_of(tmp_path, "error.html", "{{> nonsense}}")
    known = set(re.search(r"there are ([\w, -]+)", message)[1].split(", "))
    pages, parts = section("Templates").split("| part |")
    assert names("| part |" + parts) == known
    # A page is no part; a file with a name that is neither is a part of its own.
    for page in names(pages):
        assert page in error_of(tmp_path, f"{page}.html", "{{nonsense}}"), page
        assert "there is no template" in error_of(tmp_path, "own.html", "{{> " + page + "}}"), page


def test_the_example_is_a_valid_page(tmp_path):
    text = re.search(r"^```html\n(.*?)^```$", PAGES, re.M | re.S)[1]
    assert "error" not in error_of(tmp_path, "confirm.html", text)
