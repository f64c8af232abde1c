# SPDX-License-Identifier: Apache-2.0
"""Requests that two parsers could interpret differently never reach the app."""

import pytest

# Each is sent with a valid session. {H} stands for the Host and Cookie lines; `SMUGGLED` must never reach the app.
AMBIGUOUS = {
    "Content-Length with Transfer-Encoding": b"POST / HTTP/1.1\r\n{H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding with Content-Length": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths that differ": b"POST / HTTP/1.1\r\n{H}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "two equal lengths": b"POST / HTTP/1.1\r\n{H}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": b"POST / HTTP/1.1\r\n{H}Content-Length: 4, 4\r\n\r\nabcd",
    "a signed length": b"POST / HTTP/1.1\r\n{H}Content-Length: +4\r\n\r\nabcd",
    "a negative length": b"POST / HTTP/1.1\r\n{H}Content-Length: -4\r\n\r\nabcd",
    "an empty length CVE_2023_40225": b"POST / HTTP/1.1\r\n{H}Content-Length: \r\n\r\nGET /SMUGGLED HTTP/1.1\r\n{H}\r\n",
    "a length in hex": b"POST / HTTP/1.1\r\n{H}Content-Length: 0x4\r\n\r\nabcd",
    "a length with a space inside": b"POST / HTTP/1.1\r\n{H}Content-Length: 4 4\r\n\r\nabcd",
    "a length that overflows": b"POST / HTTP/1.1\r\n{H}Content-Length: 18446744073709551620\r\n\r\nabcd",
    "an unknown coding": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: gzip\r\n\r\nabcd",
    "identity as a coding": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: identity\r\n\r\nabcd",
    "chunked is not last": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two Transfer-Encoding fields": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an empty Transfer-Encoding": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "a misspelt chunked": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a quoted chunked": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\n{H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\n{H}Content-Length : 4\r\n\r\nabcd",
    "a space before Transfer-Encoding's colon": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "an empty field name CVE_2023_25725": b"GET / HTTP/1.1\r\n{H}: x\r\n\r\n",
    "an over-long field name CVE_2021_40346": b"GET / HTTP/1.1\r\n{H}" + b"Content-Length" + b"a" * 70000 + b": 1\r\n\r\n",
    "a folded field": b"GET / HTTP/1.1\r\n{H}X-A: 1\r\n 2\r\n\r\n",
    "a folded first field": b"GET / HTTP/1.1\r\n X-A: 1\r\n{H}\r\n",
    "a field with no colon": b"GET / HTTP/1.1\r\n{H}X-A\r\n\r\n",
    "a bare LF as a line's end": b"GET / HTTP/1.1\n{H}\n\n",
    "a bare LF after a field": b"GET / HTTP/1.1\r\n{H}X-A: 1\nX-B: 2\r\n\r\n",
    "a bare CR in a value": b"GET / HTTP/1.1\r\n{H}X-A: 1\rX-B: 2\r\n\r\n",
    "CR LF CR and more": b"GET / HTTP/1.1\r\n{H}\r\rZGET /SMUGGLED HTTP/1.1\r\n{H}\r\n",
    "NUL in a value CVE_2019_9900_CVE_2025_66220": b"GET / HTTP/1.1\r\n{H}X-A: 1\x002\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\n{H}X\x00A: 1\r\n\r\n",
    "NUL in the target": b"GET /\x00 HTTP/1.1\r\n{H}\r\n",
    "a control byte in a value": b"GET / HTTP/1.1\r\n{H}X-A: \x07\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n{H}\r\n",
    "a tab between method and target": b"GET\t/ HTTP/1.1\r\n{H}\r\n",
    "two spaces after the method": b"GET  / HTTP/1.1\r\n{H}\r\n",
    "# in the target CVE_2023_45539_CVE_2025_54576_CVE_2026_41059": b"GET /a#/public HTTP/1.1\r\n{H}\r\n",
    "an invalid method": b"GE(T / HTTP/1.1\r\n{H}\r\n",
    "an empty method": b" / HTTP/1.1\r\n{H}\r\n",
    "no version": b"GET /\r\n{H}\r\n",
    "a lower-case version": b"GET / http/1.1\r\n{H}\r\n",
    "a longer version": b"GET / HTTP/1.10\r\n{H}\r\n",
    "a version with a space": b"GET / HTTP/1.1 \r\n{H}\r\n",
    "a relative target": b"GET index.html HTTP/1.1\r\n{H}\r\n",
    "no Host": b"GET / HTTP/1.1\r\n{C}\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\n{H}Host: other.test\r\n\r\n",
    "a list of Hosts": b"GET / HTTP/1.1\r\nHost: a.test, b.test\r\n{C}\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: a.test/x\r\n{C}\r\n",
    "a Host with user information": b"GET / HTTP/1.1\r\nHost: x@a.test\r\n{C}\r\n",
    "a chunk size with a sign": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n+4\r\nabcd\r\n0\r\n\r\n",
    "a chunk size with 0x": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
    "a chunk size that overflows": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n10000000000000004\r\nabcd\r\n0\r\n\r\n",
    "an empty chunk size": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n\r\nabcd\r\n0\r\n\r\n",
    "a chunk size ended by a bare LF": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n4\nabcd\r\n0\r\n\r\n",
    "chunk data without a line end": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n4\r\nabcdX0\r\n\r\n",
    "a bare LF in a chunk extension": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n4;a\nb\r\nabcd\r\n0\r\n\r\n",
    "a trailer with a space before its colon": b"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n0\r\nX : 1\r\n\r\n",
}


def expanded(template: bytes, gate, session) -> bytes:
    cookie = f"Cookie: {session['Cookie']}\r\n".encode()
    return template.replace(b"{H}", f"Host: {gate.authority}\r\n".encode() + cookie).replace(b"{C}", cookie)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_the_connection_closes(gate, upstream, session, name):
    gate.authority = f"127.0.0.1:{gate.port}"
    complete_before = len([r for r in upstream.requests])
    with gate.connection() as connection:
        try:
            connection.send(expanded(AMBIGUOUS[name], gate, session))
            connection.send(b"GET /SMUGGLED HTTP/1.1\r\n" + expanded(b"{H}\r\n", gate, session))
        except OSError:
            pass  # already refused; the response can be read
        response = connection.response()
        assert response.status in (400, 431, 501, 505), f"{response.status} {response.body[:300]!r}"
        if "over-long" not in name and response.status not in (501, 505):
            assert response.status == 400
        assert response.get("Connection", "").lower() == "close"
        assert connection.is_closed_by_peer(), "still open after an ambiguous request"
    assert len(upstream.requests) == complete_before, "a complete request reached the app"
    assert all(b"SMUGGLED" not in r.head for r in upstream.requests)


@pytest.mark.parametrize("name, request_bytes, status", [
    ("an unknown major version", b"GET / HTTP/2.0\r\n{H}\r\n", 505),
    ("a head that is too large", b"GET / HTTP/1.1\r\n{H}X-A: " + b"a" * 40000 + b"\r\n\r\n", 431),
    ("a target that is too long", b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n{H}\r\n", 414),
    ("too many fields", b"GET / HTTP/1.1\r\n{H}" + b"A: b\r\n" * 3000 + b"\r\n", 431),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_exceeded_limit_has_its_own_status(gate, upstream, session, name, request_bytes, status):
    gate.authority = f"127.0.0.1:{gate.port}"
    with gate.connection() as connection:
        connection.send(expanded(request_bytes, gate, session))
        assert connection.response().status == status
        assert connection.is_closed_by_peer()
    assert upstream.requests == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_request_may_arrive_in_fragments_of_any_size(gate, upstream, session, size):
    request = (f"POST /pieces?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n"
               "Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n").encode()
    with gate.connection() as connection:
        for at in range(0, len(request), size):
            connection.send(request[at:at + size])
        response = connection.response("POST")
    assert response.json()["body"] == "hello world"
    assert upstream.last.target == "/pieces?x=1"


def test_an_absolute_target_names_the_host(gate, upstream, session):
    with gate.connection() as connection:
        connection.send(f"GET http://127.0.0.1:{gate.port}/abs?q=1 HTTP/1.1\r\nHost: other.test\r\n"
                        f"Cookie: {session['Cookie']}\r\n\r\n")
        assert connection.response().status == 200
    assert upstream.last.target == "/abs?q=1"
    assert upstream.last.all("Host") == [f"127.0.0.1:{gate.port}"]


def test_options_for_the_server_is_forwarded(gate, upstream, session):
    with gate.connection() as connection:
        connection.send(f"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {session['Cookie']}\r\n\r\n")
        assert connection.response("OPTIONS").status == 200
    assert (upstream.last.method, upstream.last.target) == ("OPTIONS", "*")


@pytest.mark.parametrize("sent", [
    "/.sidegate/session", "/a/../.sidegate/session", "/.sidegate/./session", "/%2esidegate/session", "//.sidegate/session",
    "/a/%2e%2e/.sidegate/session", "/.sidegate%2fsession", "/%2E%73idegate/session", "/.sidegate//session",
    "/.SIDEGATE/../.sidegate/x", "/a/..;/../.sidegate/session", "/.sidegate\\session", "/a\\..\\.sidegate\\session",
])
def test_no_spelling_of_a_reserved_path_reaches_the_app_CVE_2019_9901_CVE_2026_33494_CVE_2026_26205(
        gate, upstream, session, sent):
    response = gate.exchange("GET", sent, session)
    assert upstream.requests == [], f"{sent} reached the app as {upstream.last.target}"
    assert response.status in (200, 400, 404)


class TestTheAppsBrokenResponses:
    BROKEN = {
        "no status line": b"hello\r\n\r\n",
        "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        "NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        "a bare CR in a value": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        "a folded field": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200000,
        "an unrequested 101 CVE_2025_64763_CVE_2024_23326": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nEVIL",
        "nothing": b"",
    }

    @pytest.mark.parametrize("name", BROKEN)
    def test_broken_responses_become_502(self, gate, upstream, session, name):
        def answer(request, connection):
            connection.send(self.BROKEN[name])
            connection.close()
        upstream.answer = answer
        response = gate.exchange("GET", "/", {**session, "Accept": "text/html"})
        assert response.status == 502 and "text/html" in response["Content-Type"]
        assert b"EVIL" not in response.body
        upstream.answer = upstream.echo
        assert gate.exchange("GET", "/", session).status == 200
