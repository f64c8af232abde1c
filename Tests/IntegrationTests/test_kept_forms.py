# SPDX-License-Identifier: Apache-2.0
"""Forms that a browser sends when its session is over, over plain sockets."""

import contextlib
import json
import socket
import struct
import urllib.parse

import httpx
import pytest

from harness import tokens
from harness.certificates import Authority
from harness.frames import END_STREAM, FrameConnection
from harness.gate import NAVIGATION, XHR, Browser
from harness.kept_forms import BOUNDARY, MULTIPART, SUBMISSION, KeptForm, end_sessions, multipart
from harness.process import wait_until
from harness.secure import trusting

EVE = {"sub": "eve", "email": "eve@example.com"}


def ended(gate, **claims) -> Browser:
    """A browser whose session has ended: it still sends the cookie."""
    browser = gate.signed_in(**claims)
    end_sessions(gate, sub=claims.get("sub", "ada"))
    return browser


def send(browser, body: bytes, target="/save", headers=SUBMISSION, **changes):
    headers = {name: value for name, value in {**headers, **changes}.items() if value is not None}
    return browser.fetch("POST", target, headers, body)


def kept(response) -> KeptForm:
    assert response.status == 401, (response.status, response.body[:500])
    page = KeptForm(response.body)
    assert page.button, response.text[-1500:]
    return page


def lost(response) -> str:
    assert response.status == 401 and "What you entered was not sent" in response.text, response.text[-1500:]
    page = KeptForm(response.body)
    assert not page.form and not page.button
    assert page.links[0]["target"] == "_blank"
    return response.text


def pairs(content: bytes) -> list:
    """The fields of urlencoded content, with each byte as a character."""
    return urllib.parse.parse_qsl(content.decode("latin-1"), True, encoding="latin-1")


FORMS = {
    "one field": b"a=b",
    "no field": b"",
    "values": b"title=Zeile+1%0D%0AZeile+2&empty=&name%5B%5D=1&name%5B%5D=2&name%5B%5D=1",
    "UTF-8": "text=Grüße „€“ 日本 \U0001f600".encode(),
    "Latin-1": b"text=Gr%FC%DFe+%80%81%8D%8F%90%9D%A0%FF&r%E9sum%E9=1",
    "Shift_JIS": b"text=%82%B1%82%F1%81A%83e%83X%83g%5C&_charset_=Shift_JIS",
    "ISO-2022-JP": b"text=%1B%24B%25F%259%25H%1B%28B",
    "EUC-KR and UTF-8": b"a=%C7%D1&b=%E2%82%AC",
    "charset": b"_charset_=UTF-8&_CHARSET_=x&text=%C3%A9",
    "control characters": b"a=%01%08%0B%0C%1F%7F%09",
    "names of methods": b"submit=1&action=2&method=3&elements=4&id=5&form=6&target=7&enctype=8&kept-form=9",
    "markup": b"a=%22%27%60%3C%2Finput%3E%3Cscript%3E%26amp%3B%26%2313%3B&%3Cb%3E%22=%3D%26",
    "blanks": b"a=+++x+%09&b=%0D%0A%0D%0Ax%0D%0A&c=%0D%0A",
    "all bytes": b"a=" + b"".join(b"%%%02X" % byte for byte in range(1, 256) if byte not in (10, 13)),
    "a thousand fields": b"&".join(b"f%d=%d" % (n, n) for n in range(1000)),
    "not encoded": "a=é".encode("latin-1") + b"*-._~!'()",
}


@pytest.mark.parametrize("name", FORMS)
def test_urlencoded_forms_go_back_byte_for_byte(gate, upstream, name):
    browser = ended(gate)
    body = FORMS[name]
    page = kept(send(browser, body, "/save/it?id=7&x=%22%3C"))
    assert not upstream.requests and page.action == "/save/it?id=7&x=%22%3C" and page.form["method"] == "post"
    headers, content = page.request()
    assert pairs(content) == pairs(body)
    browser.sign_in()
    upstream.requests.clear()
    again = send(browser, content, page.action, headers)
    assert again.status == 200 and upstream.last.body == content and upstream.last.target == "/save/it?id=7&x=%22%3C"
    assert len(upstream.requests) == 1 and "sidegate" not in (upstream.last.get("Cookie") or "")


PARTS = {
    "values": [(b"title", b"Zeile 1\r\nZeile 2"), (b"empty", b""), (b"n[]", b"1"), (b"n[]", b"2"), (b"n[]", b"1")],
    "no field": [],
    "line ends": [(b"a", b"\r\n\r\nx\r\n"), (b"b", b"--"), (b"c", b"--" + BOUNDARY.encode())],
    "UTF-8": [("größe".encode(), "Grüße „€“ 日本 \U0001f600".encode())],
    "Latin-1": [(b"gr\xf6\xdfe", b"\x80\x81\x8d\x8f\x90\x9d\xff")],
    "Shift_JIS": [(b"text", b"\x83e\x83X\x83g\x81A\\"), (b"_charset_", b"Shift_JIS")],
    "escaped names": [(b"a%22b%0D%0A", b"%22"), (b"a\\", b"c\\")],
    "a file that was not chosen": [(b"title", b"x"), (b"file", None), (b"file", None), (b"save", b"Save")],
}


@pytest.mark.parametrize("name", PARTS)
def test_multipart_forms_go_back_byte_for_byte(gate, upstream, name):
    browser = ended(gate)
    page = kept(send(browser, multipart(*PARTS[name]), headers=MULTIPART))
    assert page.form["enctype"] == "multipart/form-data" and page.fields == PARTS[name]
    browser.sign_in()
    headers, content = page.request()
    assert send(browser, content, page.action, headers).status == 200
    assert upstream.last.body == content


def test_the_page(gate, upstream):
    browser = ended(gate)
    response = send(browser, b"secret-word=hidden-value", "/the-page")
    page = kept(response)
    assert response["Cache-Control"] == "no-store" and response["Referrer-Policy"] == "same-origin"
    assert response["Content-Type"] == "text/html; charset=utf-8" and response["WWW-Authenticate"] == "Bearer"
    policy = {part.split()[0]: part.split()[1:] for part in response["Content-Security-Policy"].split(";")}
    assert policy["default-src"] == ["'none'"] and "script-src" not in policy
    assert policy["form-action"] == ["'self'", "http:", "https:"] and policy["frame-ancestors"] == ["'self'"]
    assert "<script" not in response.text and "ada@example.com" in response.text and "session has ended" in response.text
    assert page.links[0]["target"] == "_blank" and page.links[0]["href"] == "/.sidegate/login?return_to=%2F.sidegate%2Fform"
    log = wait_until(lambda: [line for line in gate.log().splitlines() if '"/the-page"' in line], "the access line")[-1]
    line = json.loads(log)
    assert line["decision"] == "unauthenticated" and line["reason"] == "session_revoked" and line["status"] == 401
    assert "secret-word" not in gate.log() and "hidden-value" not in gate.log()
    marker = [name for name in browser.cookies if name.startswith("sidegate-form-")]
    assert len(marker) == 1 and "Max-Age=3600" in response["Set-Cookie"] and "HttpOnly" in response["Set-Cookie"]


def test_without_a_session_nobody_is_named(gate):
    browser = Browser(gate)
    response = send(browser, b"a=b")
    kept(response)
    assert "not signed in" in response.text and not browser.cookies


def test_the_sign_in_in_the_other_tab_ends_at_a_page_that_leads_back(gate, upstream):
    browser = ended(gate)
    link = kept(send(browser, b"a=b")).links[0]["href"]
    response = browser.navigate(link)
    assert response.status == 302
    location = urllib.parse.parse_qs(urllib.parse.urlsplit(response["Location"]).query)["return_url"][0]
    back = browser.finish(location, tokens.token())
    assert back.status == 303 and back["Location"] == "/.sidegate/form"
    page = browser.navigate("/.sidegate/form")
    assert page.status == 200 and "Go back to the other tab" in page.text and "ada@example.com" in page.text
    nobody = Browser(gate).navigate("/.sidegate/form")
    assert nobody.status == 200 and "not signed in" in nobody.text and not upstream.requests
    for method, status in (("PUT", 405), ("POST", 400)):
        assert browser.navigate("/.sidegate/form", method).status == status


@pytest.mark.parametrize("target", ["/.sidegate/form?x", "/.sidegate/forms", "/.sidegate/form/", "/.sidegate/session", "/.Sidegate/form",
                                    "//evil.test/.sidegate/form", "/.sidegate/form#x", "/x/..%2f.sidegate/form"])
def test_no_other_reserved_path_is_a_return_target(gate, target):
    response = Browser(gate).navigate("/.sidegate/login?" + urllib.parse.urlencode({"return_to": target}))
    assert response.status == 400


SITES = {
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "none": {"Sec-Fetch-Site": "none"},
    "unknown": {"Sec-Fetch-Site": "same-origins"},
    "nothing": {"Sec-Fetch-Site": None},
    "cross-site with this origin": {"Sec-Fetch-Site": "cross-site", "Origin": "ORIGIN"},
    "another origin": {"Sec-Fetch-Site": None, "Origin": "https://evil.test"},
    "another port": {"Sec-Fetch-Site": None, "Origin": "http://127.0.0.1:1"},
    "a longer origin": {"Sec-Fetch-Site": None, "Origin": "ORIGIN.evil.test"},
    "an origin with a path": {"Sec-Fetch-Site": None, "Origin": "ORIGIN/"},
    "null": {"Sec-Fetch-Site": None, "Origin": "null"},
    "only a Referer": {"Sec-Fetch-Site": None, "Referer": "ORIGIN/form"},
}


@pytest.mark.parametrize("case", SITES)
def test_forms_of_other_sites_are_never_kept(gate, upstream, case):
    browser = ended(gate)
    changes = {name: value and value.replace("ORIGIN", gate.origin) for name, value in SITES[case].items()}
    assert "did not come from a page of this site" in lost(send(browser, b"secret=1", **changes))
    assert not upstream.requests and not [name for name in browser.cookies if "form" in name]


def test_two_values_of_the_field_must_agree(gate):
    browser = ended(gate)
    with gate.connection() as connection:
        fields = [*SUBMISSION.items(), ("Sec-Fetch-Site", "cross-site"), ("Cookie", browser.cookie_header())]
        head = "".join(f"{n}: {v}\r\n" for n, v in fields)
        connection.send(f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}Content-Length: 3\r\n\r\na=b")
        lost(connection.response("POST"))


def test_the_origin_counts_where_the_browser_sends_no_fetch_metadata(gate):
    old = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None, "Sec-Fetch-Site": None}
    kept(send(ended(gate), b"a=b", **old, Origin=gate.origin))
    lost(send(ended(gate), b"a=b", **old))


LOST = {
    "files": (MULTIPART, b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n'
              b"Content-Type: text/plain\r\n\r\nx\r\n--" + BOUNDARY.encode() + b"--\r\n", "holds files"),
    "too large": (SUBMISSION, b"a=" + b"x" * 65535, "too large"),
    "too many fields": (SUBMISSION, b"a&" * 1001, "too many fields"),
    "text": ({**SUBMISSION, "Content-Type": "text/plain"}, b"a=b", "not an ordinary form"),
    "no type": ({**SUBMISSION, "Content-Type": None}, b"a=b", "not an ordinary form"),
    "compressed": ({**SUBMISSION, "Content-Encoding": "gzip"}, b"a=b", "not an ordinary form"),
    "no name": (SUBMISSION, b"a=b&=c", "unchanged"),
    "broken encoding": (SUBMISSION, b"a=%zz", "unchanged"),
    "no boundary": ({**SUBMISSION, "Content-Type": "multipart/form-data"}, b"a", "not an ordinary form"),
    "broken parts": (MULTIPART, b"nothing", "unchanged"),
    "no end": (MULTIPART, multipart((b"a", b"b"))[:-6], "unchanged"),
    "a part of another type": (MULTIPART, multipart((b"a", b"b")).replace(b"\r\n\r\n", b"\r\nContent-Type: text/html\r\n\r\n", 1), "unchanged"),
    "a quote in a name": (MULTIPART, multipart((b'a\\"b', b"c")), "unchanged"),
    "long address": (SUBMISSION, b"a=b", "address"),
}


@pytest.mark.parametrize("case", LOST)
def test_forms_that_cannot_be_kept_say_why(gate, upstream, case):
    headers, body, words = LOST[case]
    target = "/" + "x" * 9000 if case == "long address" else "/save"
    assert words in lost(send(ended(gate), body, target, headers)), case
    assert not upstream.requests


def test_limits_are_exact(start_gate, upstream):
    gate = start_gate(upstream, session={"keepForms": 100})
    kept(send(ended(gate), b"a=" + b"x" * 98))
    lost(send(ended(gate), b"a=" + b"x" * 99))
    off = start_gate(upstream, session={"keepForms": 0})
    assert "does not keep forms" in lost(send(ended(off), b"a=b"))


@pytest.mark.parametrize("size", [60_000, 70_000, 5_000_000])
def test_content_without_a_length(gate, upstream, size):
    """Chunked content is bounded while it arrives; the connection goes on after a short one."""
    browser = ended(gate)
    with gate.connection() as connection:
        head = "".join(f"{n}: {v}\r\n" for n, v in {**SUBMISSION, "Cookie": browser.cookie_header()}.items())
        connection.send(f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            left = size
            while left:
                count = min(left, 4096)
                connection.send(b"%x\r\n" % count + (b"a=" if left == size else b"") + b"x" * (count - 2 * (left == size)) + b"\r\n")
                left -= count
            connection.send(b"0\r\n\r\n")
        response = connection.response("POST")
        kept(response) if size <= 65536 else lost(response)
        if size <= 65536:
            assert connection.exchange("GET", "/.sidegate/session", NAVIGATION).status == 401
    assert not upstream.requests


def test_a_browser_that_waits_for_100_is_asked_for_the_form(gate):
    browser = ended(gate)
    with gate.connection() as connection:
        head = "".join(f"{n}: {v}\r\n" for n, v in {**SUBMISSION, "Cookie": browser.cookie_header()}.items())
        connection.send(f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert connection.read_head().status == 100
        connection.send(b"a")
        connection.send(b"=b")
        kept(connection.response("POST"))


def test_programs_still_get_json(gate):
    browser = ended(gate)
    for headers in ({**SUBMISSION, **XHR}, {**SUBMISSION, "X-Requested-With": "XMLHttpRequest"},
                    {"Content-Type": "application/x-www-form-urlencoded"}, {**SUBMISSION, "Sec-Fetch-Mode": "cors"},
                    {"Content-Type": "application/json", "Accept": "*/*"}):
        response = browser.fetch("POST", "/save", headers, b"a=b")
        assert response.status == 401 and response.json()["error"] == "unauthenticated"
    assert browser.navigate("/save", "PUT", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=b").json()
    assert browser.navigate("/page").status == 302


@pytest.mark.parametrize("target", ["/a/%252e", "/a/../save"])
def test_a_form_to_an_address_that_cannot_be_read_gets_a_page(start_gate, upstream, target):
    gate = start_gate(upstream, access={"rules": [{"paths": ["/admin/*"], "deny": True}]})
    for browser in (ended(gate), gate.signed_in()):
        response = send(browser, b"a=b", target=target)
        assert response.status == 400 and "path_unreadable" in response.text and "<h1>" in response.text
    response = gate.exchange("POST", target, {"Accept": "application/json", "Content-Length": "0"})
    assert response.status == 400 and response.json()["reason"] == "path_unreadable"
    assert not upstream.requests


def test_rules_for_programs_do_not_lose_a_persons_form(start_gate, upstream):
    for wanted in ("401", "redirect"):
        gate = start_gate(upstream, access={"rules": [{"paths": ["/save"], "unauthenticated": wanted}]})
        kept(send(ended(gate), b"a=b"))


def test_open_paths_and_guests_are_not_asked(start_gate, upstream):
    for access in ({"default": "guest"}, {"rules": [{"paths": ["/save"], "allow": "anyone"}]}, {"mode": "observe"}):
        gate = start_gate(upstream, access=access)
        assert send(Browser(gate), b"a=b").status == 200 and upstream.last.body == b"a=b"


@pytest.mark.parametrize("destination", ["iframe", "frame"])
def test_a_form_of_a_frame_is_kept_for_frames_of_this_site(gate, destination):
    kept(send(ended(gate), b"a=b", **{"Sec-Fetch-Dest": destination}))


def test_another_account_is_asked_before_it_sends_the_form(gate, upstream):
    browser = ended(gate)
    page = kept(send(browser, b"text=of+Ada&n=1"))
    headers, content = page.request()
    browser.sign_in(**EVE)
    upstream.requests.clear()
    # Her own forms, to the same address too, are not asked about.
    assert send(browser, b"text=of+Eve", page.action).status == 200 and upstream.last.body == b"text=of+Eve"
    assert send(browser, b"text=of+Ada&n=2", page.action).status == 200
    assert send(browser, content, "/save?other").status == 200
    upstream.requests.clear()
    asked = send(browser, content, page.action, headers)
    assert asked.status == 200 and "another account" in asked.text and not upstream.requests
    assert "ada@example.com" in asked.text and "eve@example.com" in asked.text and asked["Cache-Control"] == "no-store"
    question = KeptForm(asked.body)
    assert question.fields == page.fields and question.action.startswith("/.sidegate/form?form=")
    # Asked again as long as she does not agree.
    assert "another account" in send(browser, content, page.action, headers).text
    # Only on this very page, only by her.
    for site in ("cross-site", "same-site", "none"):
        assert send(browser, content, question.action, **{"Sec-Fetch-Site": site}).status == 400
    assert send(browser, content, question.action[:-1] + ("A" if question.action[-1] != "A" else "B")).status == 400
    other = gate.signed_in(sub="mallory", email="mallory@example.com")
    upstream.requests.clear()
    assert "another account" in send(other, content, question.action).text
    assert not upstream.requests
    agreed = send(browser, question.request()[1], question.action, question.request()[0])
    assert agreed.status == 307 and agreed["Location"] == "/save"
    sent = send(browser, content, agreed["Location"], headers)
    assert sent.status == 200 and upstream.last.body == content and len(upstream.requests) == 1


def test_the_owner_sends_without_a_question_also_after_another_account_was_asked(gate, upstream):
    browser = ended(gate)
    page = kept(send(browser, b"text=of+Ada"))
    browser.sign_in(**EVE)
    question = KeptForm(send(browser, b"text=of+Ada", page.action).body)
    # A third return of one browser without a session would be taken for a loop.
    browser.cookies["sidegate"] = gate.signed_in().cookies["sidegate"]
    upstream.requests.clear()
    agreed = send(
        browser, question.request()[1], question.action, question.request()[0])
    assert agreed.status == 307
    assert send(browser, b"text=of+Ada", agreed["Location"]).status == 200 and len(upstream.requests) == 1


def test_a_session_that_ends_while_the_page_asks_loses_nothing(gate, upstream):
    browser = ended(gate)
    page = kept(send(browser, b"text=of+Ada"))
    browser.sign_in(**EVE)
    question = KeptForm(send(browser, b"text=of+Ada", page.action).body)
    end_sessions(gate, sub="eve")
    again = kept(send(browser, b"text=of+Ada", question.action))
    assert again.action == "/save" and again.fields == page.fields


@pytest.mark.parametrize("size", [10, 200_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_forms_that_are_looked_at_reach_the_app_whole(gate, upstream, size, framing):
    browser = ended(gate)
    page = kept(send(browser, b"text=of+Ada"))
    browser.sign_in(**EVE)
    body = b"text=" + b"y" * size
    upstream.requests.clear()
    with gate.connection() as connection:
        head = "".join(f"{n}: {v}\r\n" for n, v in {**SUBMISSION, "Cookie": browser.cookie_header()}.items())
        framed = f"Content-Length: {len(body)}" if framing == "length" else "Transfer-Encoding: chunked"
        connection.send(f"POST {page.action} HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}{framed}\r\n\r\n")
        for start in range(0, len(body), 50_000):
            piece = body[start:start + 50_000]
            connection.send(piece if framing == "length" else b"%x\r\n" % len(piece) + piece + b"\r\n")
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")
        assert connection.response("POST").status == 200
        assert upstream.last.body == body
        assert connection.exchange("GET", "/", {**NAVIGATION, "Cookie": browser.cookie_header()}).status == 200


def test_markers_are_bounded_and_do_not_reach_the_app(gate, upstream):
    browser = ended(gate)
    for number in range(20):
        kept(send(browser, b"a=%d" % number))
    assert len([name for name in browser.cookies if name.startswith("sidegate-form-")]) == 6
    browser.sign_in()
    browser.navigate("/")
    assert "sidegate-form" not in (upstream.last.get("Cookie") or "")


def test_the_app_cannot_set_a_marker(gate, upstream):
    browser = gate.signed_in()
    upstream.answer = lambda request, connection: connection.respond(200, {"Set-Cookie": "__Host-sidegate-form-abcdefghabcdefgh=x"})
    assert not browser.navigate("/").all("Set-Cookie")


def test_forms_of_all_browsers_together_are_bounded(start_gate, upstream):
    """16 MiB in the process, counted over its loops, and returned when the connections end."""
    gate = start_gate(upstream, session={"keepForms": "1MiB"}, workers=2, trustedProxies=["127.0.0.1/32"])
    browser = ended(gate)
    body = b"a=" + b"x" * 1_000_000
    head = "".join(f"{n}: {v}\r\n" for n, v in {**SUBMISSION, "Cookie": browser.cookie_header()}.items())
    with contextlib.ExitStack() as stack:
        waiting = []
        for number in range(18):
            connection = stack.enter_context(gate.connection())
            client = f"X-Forwarded-For: 203.0.113.{number % 3}\r\n"
            connection.send(f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}{client}Content-Length: {len(body)}\r\n\r\n")
            connection.send(body[:-1])
            waiting.append(connection)
        # The last ones find no room, whichever loop they are on.
        answered = []
        for connection in waiting:
            connection.socket.settimeout(0.5)
            with contextlib.suppress(TimeoutError, socket.timeout):
                answered.append(connection.response("POST"))
        assert answered and all("the server is busy" in lost(response) for response in answered)
        assert len(answered) <= 4
    wait_until(lambda: b"kept-form" in send(ended(gate), body).body, "the memory is free again")


def test_one_client_cannot_take_the_memory_of_all_forms(start_gate, upstream):
    """Half of the 16 MiB at most, however many forms it begins and never ends."""
    gate = start_gate(upstream, session={"keepForms": "1MiB"}, workers=2, trustedProxies=["127.0.0.1/32"])
    browser = ended(gate)
    body = b"a=" + b"x" * 1_000_000
    head = "".join(f"{n}: {v}\r\n" for n, v in {**SUBMISSION, "Cookie": browser.cookie_header()}.items())
    others = {**SUBMISSION, "X-Forwarded-For": "203.0.113.2"}
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(gate.connection())
            connection.send(f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}"
                            f"X-Forwarded-For: 203.0.113.1\r\nContent-Length: {len(body)}\r\n\r\n")
            connection.send(body[:-1])
        own = {**SUBMISSION, "X-Forwarded-For": "203.0.113.1"}
        wait_until(lambda: "the server is busy" in send(ended(gate), body, headers=own).text, "its share is in use")
        assert b"kept-form" in send(ended(gate), body, headers=others).body


@pytest.mark.parametrize("version", ["http/1.1", "h2"])
def test_pages_that_clients_do_not_take_are_bounded(start_gate, upstream, version):
    """A page counts until it was sent, however slowly the client takes it, and until its connection ends."""
    gate = start_gate(upstream, session={"keepForms": "1MiB"}, workers=1)
    browser = ended(gate)
    # Six times as much on the page, so that the kernel's buffers do not take it.
    body = multipart((b"a", b'"' * 1_000_000))
    with contextlib.ExitStack() as stack:
        if version == "h2":
            for _ in range(4):
                # No response fits its windows.
                connection = stack.enter_context(FrameConnection(gate.port, settings=struct.pack(">HI", 4, 0)))
                number = connection.request("POST", "/save", {**MULTIPART, "Cookie": browser.cookie_header()}, end=False)
                for start in range(0, len(body), 16_000):
                    connection.data_frame(number, body[start:start + 16_000], 0 if start + 16_000 < len(body) else END_STREAM)
        else:
            head = "".join(f"{n}: {v}\r\n" for n, v in {**MULTIPART, "Cookie": browser.cookie_header()}.items())
            for _ in range(4):
                connection = stack.enter_context(gate.connection(receive_buffer=4096))
                connection.send(f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n{head}Content-Length: {len(body)}\r\n\r\n")
                connection.send(body)
        wait_until(lambda: "the server is busy" in send(ended(gate), body, headers=MULTIPART).text, "the memory is in use")
        # Other requests go on.
        assert gate.exchange("GET", "/", NAVIGATION).status == 302
    wait_until(lambda: b"kept-form" in send(ended(gate), body, headers=MULTIPART).body, "the memory is free again")


def test_forward_auth_keeps_no_forms(start_gate, upstream):
    gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"])
    response = gate.exchange("GET", "/.sidegate/auth", {
        **SUBMISSION, "X-Original-URL": "http://app.test/save", "X-Original-Method": "POST"})
    assert response.status == 401 and response.json()["error"] == "unauthenticated"


@pytest.mark.parametrize("way", ["h2c", "https-h2"])
def test_over_http2(start_gate, upstream, tmp_path, way):
    authority = Authority(tmp_path)
    changes = {"tls": {"certificates": [authority.issue("gate", "DNS:localhost").settings]}} if way == "https-h2" else {}
    gate = start_gate(upstream, **changes)
    origin = f"http{'s' if changes else ''}://localhost:{gate.port}"
    with httpx.Client(base_url=origin, http1=False, http2=True, trust_env=False, verify=trusting(authority)) as client:
        response = client.post("/save?x=1", headers=SUBMISSION, content=FORMS["Shift_JIS"])
        assert response.http_version == "HTTP/2" and response.status_code == 401
        page = KeptForm(response.content)
        assert page.action == "/save?x=1" and pairs(page.request()[1]) == pairs(FORMS["Shift_JIS"])
        response = client.post("/save", headers=MULTIPART, content=multipart(*PARTS["Latin-1"]))
        assert KeptForm(response.content).fields == PARTS["Latin-1"]

        def pieces():
            for _ in range(100):
                yield b"a=" + b"x" * 1000 + b"&"
        response = client.post("/save", headers=SUBMISSION, content=pieces())
        assert response.status_code == 401 and "too large" in response.text
        assert client.post("/save", headers=SUBMISSION, content=b"a=b" * 2_000_000).status_code == 401
    assert not upstream.requests
