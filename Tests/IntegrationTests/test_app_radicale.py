# SPDX-License-Identifier: Apache-2.0
"""Radicale behind the gate: calendars by CalDAV, for each user the own ones."""

import re

import pytest

from harness.apps import Radicale, documented
from harness.people import ADA, EVE, WAYS, Person, gates  # noqa: F401

SETTINGS = documented("Radicale")
HOME = "/ada%40example.com/"
EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20260101T000000Z\r
DTSTART:20260{month}01T100000Z\r
DTEND:20260{month}01T110000Z\r
SUMMARY:{summary}\r
END:VEVENT\r
END:VCALENDAR\r
"""
MAKE = """<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>Grüße</D:displayname></D:prop></D:set></C:mkcalendar>""".encode()
WHO = b'<propfind xmlns="DAV:"><prop><current-user-principal/><displayname/></prop></propfind>'
BETWEEN = """<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260501T000000Z" end="20260601T000000Z"/>
</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"""
SYNC = '<sync-collection xmlns="DAV:"><sync-token>{}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'


@pytest.fixture(scope="module")
def radicale(tmp_path_factory):
    app = Radicale(tmp_path_factory.mktemp("radicale"))
    yield app
    app.stop()


@pytest.fixture
def ada(radicale, gates):  # noqa: F811
    return gates.person(radicale, ADA, target="/.web/", **SETTINGS)


def event(uid: str, month: int, summary: str = "tea") -> bytes:
    return EVENT.format(uid=uid, month=month, summary=summary).encode()


def use_calendar(client, home: str, destination=lambda path: path):
    """What a calendar program does: discovers, creates, writes, queries, synchronizes, moves, deletes."""
    found = client.request("PROPFIND", home, headers={"Depth": "0"}, content=WHO)
    assert found.status_code == 207 and HOME in found.text, found.text
    client.delete(calendar := home + "work/")
    assert client.request("MKCALENDAR", calendar, content=MAKE).status_code == 201
    for number in (4, 5, 6):
        made = client.put(f"{calendar}{number}.ics", content=event(f"uid-{number}", number), headers={
            "If-None-Match": "*", "Content-Type": "text/calendar; charset=utf-8"})
        assert made.status_code == 201, made.text
    assert client.put(f"{calendar}5.ics", content=event("uid-5", 5), headers={"If-None-Match": "*"}).status_code == 412
    read = client.get(f"{calendar}5.ics")
    assert b"UID:uid-5" in read.content and read.headers["ETag"]
    assert client.put(f"{calendar}5.ics", content=event("uid-5", 5, "müde"), headers={"If-Match": read.headers["ETag"]}).is_success
    listing = client.request("PROPFIND", calendar, headers={"Depth": "1"}, content=WHO)
    assert listing.status_code == 207 and all(f"{calendar}{number}.ics" in listing.text for number in (4, 5, 6))
    assert "Grüße" in listing.text
    found = client.request("REPORT", calendar, headers={"Depth": "1"}, content=BETWEEN)
    assert found.status_code == 207 and re.findall(r"UID:(\S+?)(?:&#13;)?\s", found.text) == ["uid-5"] and "müde" in found.text
    first = client.request("REPORT", calendar, content=SYNC.format(""))
    token = re.search(r"<sync-token>(.*?)</sync-token>", first.text).group(1)
    moved = client.request("MOVE", f"{calendar}6.ics", headers={"Destination": destination(f"{calendar}seven.ics"), "Overwrite": "F"})
    assert moved.status_code == 201, (moved.status_code, moved.text)
    assert client.delete(f"{calendar}4.ics").status_code == 200
    changed = client.request("REPORT", calendar, content=SYNC.format(token))
    assert sorted(re.findall(r"<href>(.*?)</href>", changed.text)) == [calendar + name for name in ("4.ics", "6.ics", "seven.ics")]
    patched = client.request("PROPPATCH", calendar, content=(
        '<propertyupdate xmlns="DAV:"><set><prop><displayname>Work</displayname></prop></set></propertyupdate>'))
    assert patched.status_code == 207 and "200 OK" in patched.text
    assert client.delete(calendar).status_code == 200
    assert client.request("PROPFIND", calendar, headers={"Depth": "0"}).status_code == 404


@pytest.mark.parametrize("way", WAYS)
def test_a_calendar_program_works_with_a_session(radicale, gates, way):  # noqa: F811
    client = gates.person(radicale, ADA, way, "/.web/", **SETTINGS)
    allowed = client.options(HOME).headers
    assert "MKCALENDAR" in allowed["Allow"] and "calendar-access" in allowed["DAV"]
    use_calendar(client, HOME, lambda path: client.gate.origin + path)


@pytest.mark.parametrize("way", WAYS)
def test_a_calendar_program_works_with_a_bearer_token(radicale, gates, way):  # noqa: F811
    gate = gates.gate(radicale, way, **SETTINGS)
    client = Person(gate, ADA, way)
    refused = client.request("PROPFIND", HOME, headers={"Depth": "0"}, content=WHO)
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
    client.headers["Authorization"] = f"Bearer {client.token()}"
    use_calendar(client, HOME, lambda path: gate.origin + path)
    assert not client.cookies, "a bearer token makes no session"


@pytest.mark.parametrize("own_prefix", [True, False])
@pytest.mark.parametrize("preserve", [True, False])
def test_under_a_prefix(tmp_path, gates, own_prefix, preserve):  # noqa: F811
    """Radicale's paths in XML are those of `script_name`, which it removes itself when the gate does not."""
    app = Radicale(tmp_path / "radicale", prefix="/calendars")
    try:
        route = {"paths": ["/calendars/*"], "url": app.url, "preserveHost": preserve}
        if not own_prefix:
            route["stripPrefix"] = "/calendars"
        client = gates.person(app, ADA, target="/calendars/.web/", upstreams=[route], **SETTINGS)
        assert client.visit("/calendars/").status_code == 200
        found = client.request("PROPFIND", "/calendars/", headers={"Depth": "0"}, content=WHO)
        assert f"<href>/calendars{HOME}</href>" in found.text
        use_calendar(client, "/calendars" + HOME, lambda path: client.gate.origin + path)
    finally:
        app.stop()


def test_no_one_reads_the_calendar_of_another(radicale, gates, ada):  # noqa: F811
    assert ada.request("MKCALENDAR", HOME + "own/").status_code == 201
    assert ada.put(HOME + "own/1.ics", content=event("secret", 4)).status_code == 201
    eve = gates.person(radicale, EVE, target="/.web/", **SETTINGS)
    for headers in ({}, {"X-Remote-User": ADA}, {"X_Remote_User": ADA}, {"x-remote-user": ADA, "Connection": "X-Remote-User"},
                    {"Authorization": "Basic YWRhQGV4YW1wbGUuY29tOng="}):
        for method, path in (("PROPFIND", HOME), ("GET", HOME + "own/1.ics"), ("REPORT", HOME + "own/"), ("PUT", HOME + "own/2.ics")):
            response = eve.request(method, path, headers={"Depth": "1", **headers}, content=event("evil", 4) if method == "PUT" else None)
            assert response.status_code in (401, 403) and b"secret" not in response.content, (method, headers, response.text)
        assert EVE.replace("@", "%40") in eve.request("PROPFIND", "/", headers={"Depth": "0", **headers}, content=WHO).text
    assert ada.delete(HOME + "own/").status_code == 200


def test_a_whole_calendar_arrives_byte_by_byte_and_leaves_again(radicale, ada):
    """Two megabytes."""
    begin, end = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n", b"END:VCALENDAR\r\n"
    whole = begin + b"".join(
        event(f"many-{number}", 5, "x" * 9000).removeprefix(begin).removesuffix(end) for number in range(230)) + end
    assert len(whole) > 2_000_000
    made = ada.put(HOME + "many/", content=whole, headers={"Content-Type": "text/calendar"})
    assert made.status_code == 201, made.text
    read = ada.get(HOME + "many/")
    assert sorted(re.findall(rb"UID:(\S+)", read.content)) == sorted(b"many-%d" % number for number in range(230))
    assert ada.delete(HOME + "many/").status_code == 200


def test_after_signing_out_the_calendar_is_closed(radicale, gates):  # noqa: F811
    ada = gates.person(radicale, ADA, target="/.web/", **SETTINGS)
    before = ada.cookie_header
    assert ada.request("PROPFIND", HOME, headers={"Depth": "0"}).status_code == 207
    ada.sign_out()
    assert ada.is_signed_out("/.web/")
    ada.headers["Cookie"] = before
    assert ada.request("PROPFIND", HOME, headers={"Depth": "0"}).status_code == 401, "the session itself has ended"


def test_the_well_known_path_leads_to_the_calendars(radicale, ada):
    """RFC 6764 §5: a program that knows only the host."""
    response = ada.request("PROPFIND", "/.well-known/caldav", headers={"Depth": "0"}, content=WHO)
    assert response.is_redirect and response.headers["Location"] in ("/", ada.gate.origin + "/")
