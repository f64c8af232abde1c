# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 records after the handshake, with clients that control each record and segment."""

import hashlib
import os
import random
import socket
import struct
import subprocess
import time

import pytest

from harness.certificates import Authority
from harness.frames import FrameConnection
from harness.gate import NAVIGATION
from harness.process import wait_until
from harness.records import SUITES, RecordConnection, RecordSocket, Refused
from harness.secure import SecureConnection, in_threads, secured, trusting
from harness.wire import CutShort

NAMES = "DNS:localhost,IP:127.0.0.1"
TLS12 = 0x303
KINDS = [*SUITES, "TLS 1.2"]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("ec", NAMES)


@pytest.fixture(scope="module")
def module_secure(module_upstream, start_module_gate, authority, certificate):
    return secured(
        start_module_gate(module_upstream, tls={"certificates": [certificate.settings]}), trusting(authority))


@pytest.fixture(scope="module")
def module_session(module_secure):
    return module_secure.session_cookie()


@pytest.fixture
def gate(module_secure, upstream):
    """The app responds with the number of bytes in the path, and with the digest of the request's content."""
    def answer(request, connection):
        size = int(request.target.rpartition("/")[2] or 0)
        connection.respond(200, {"Digest-Seen": digest(request.body)}, content(size))

    upstream.answer = answer
    assert module_secure.process.is_running(), module_secure.log()
    return module_secure


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def opened(gate, kind: str = SUITES[0], **options) -> RecordSocket:
    """A socket before its handshake."""
    if kind == "TLS 1.2":
        return RecordSocket(gate.port, version=TLS12, **options)
    return RecordSocket(gate.port, suite=kind, **options)


def connected(gate, kind: str = SUITES[0], **options) -> RecordConnection:
    made = opened(gate, kind, **options).handshake()
    if kind != "TLS 1.2":
        assert made.suite == kind
    return RecordConnection(made)


def request(gate, session, path: str = "/10", **fields) -> bytes:
    fields = {"Host": f"localhost:{gate.port}", **session, **fields}
    return f"GET {path} HTTP/1.1\r\n".encode() + "".join(f"{n}: {v}\r\n" for n, v in fields.items()).encode() + b"\r\n"


def crumbs(mine: random.Random):
    """Splits sent data into a random number of segments of random size."""
    def cut(data: bytes):
        most = mine.choice([1, 7, 100, 5000, 40_000]) if len(data) < 2000 else mine.choice([1400, 16_500, 200_000])
        start = 0
        while start < len(data):
            size = mine.randrange(1, most + 1)
            yield data[start:start + size]
            start += size
    return cut


# Both directions.

@pytest.mark.parametrize("kind", KINDS)
def test_bodies_of_any_size_pass_both_ways(gate, session, kind):
    def client(index):
        mine = random.Random(f"{kind} {index}")
        with connected(gate, kind, cut=crumbs(mine)) as connection:
            for _ in range(12):
                up, down = (mine.choice([0, 1, 16_384, mine.randrange(300), mine.randrange(700_000)]) for _ in "ab")
                body = content(up)
                response = connection.exchange("POST", f"/{down}", session, body)
                assert response.status == 200 and response["Digest-Seen"] == digest(body)
                assert digest(response.body) == digest(content(down))
    in_threads(4, client)


@pytest.mark.parametrize("kind", KINDS)
def test_streams_of_any_size_pass_both_ways(gate, session, kind):
    def client(index):
        mine = random.Random(f"h2 {kind} {index}")
        made = opened(gate, kind, protocols=["h2"], cut=crumbs(mine)).handshake()
        with FrameConnection(gate.port, connected=made) as connection:
            connection.authority, connection.cookie = f"localhost:{gate.port}", session["Cookie"]
            for _ in range(8):
                body, down = content(mine.randrange(200_000)), mine.randrange(400_000)
                stream = connection.next_stream
                connection.next_stream += 2
                connection.send(connection.headers(
                    stream, connection.fields("POST", f"/{down}", scheme="https"), end=False))
                for start in range(0, len(body), 16_384):
                    connection.data_frame(stream, body[start:start + 16_384], 0)
                connection.data(stream, b"", end=True)
                response = connection.response(stream)
                assert response.status == 200 and response["digest-seen"] == digest(body)
                assert digest(response.body) == digest(content(down))
    in_threads(3, client)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_stalls_and_trickles_gets_everything_with_little_memory(gate, session, upstream, kind):
    body = content(12 * MEGABYTE + 1)
    upstream.answer = lambda request, connection: connection.respond(200, {}, body)
    before = gate.process.memory()
    mine = random.Random(kind)
    with connected(gate, kind, receive_buffer=4096) as connection:
        connection.request("GET", "/", session)
        app = upstream.connections
        still(lambda: app[-1].sent)  # until all socket buffers are full
        assert gate.process.memory() - before < 3 * MEGABYTE
        connection.socket.most = lambda: mine.choice([1, 500, 3000, 100_000])
        got, seen = hashlib.sha256(), connection.read_head()
        left = int(seen["Content-Length"])
        while left:
            if kind != "TLS 1.2" and mine.randrange(200) == 0:
                connection.socket.update_key(asks=mine.random() < 0.7)
            piece = connection.read_exactly(min(left, 30_000))
            got.update(piece)
            left -= len(piece)
        assert got.digest() == hashlib.sha256(body).digest()
        assert connection.exchange("GET", "/", session).status == 200


def still(value):
    """Waits until `value()` has not changed for a while."""
    last = [None, 0.0]

    def same():
        now = value()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return now and time.monotonic() - last[1] > 0.3
    wait_until(same, "the value does not change any more")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("segments", ["one", "bytes", "halves"])
def test_an_upload_in_tiny_records(gate, session, kind, segments):
    body = content(6000)
    head = request(gate, session, "/5", **{"Content-Length": str(len(body))}).replace(b"GET", b"POST", 1)
    with connected(gate, kind) as connection:
        for _ in range(2):
            connection.socket.seal(head + body, piece=3)
            data = connection.socket.sealed()
            size = {"one": len(data), "bytes": 1, "halves": len(data) // 2 + 1}[segments]
            for start in range(0, len(data), size):
                connection.socket.socket.sendall(data[start:start + size])
            response = connection.response()
            assert response["Digest-Seen"] == digest(body) and response.body == content(5)


@pytest.mark.parametrize("kind", ["TLS 1.2", SUITES[0]])
def test_a_client_with_a_small_record_size_gets_small_records(gate, session, kind):
    """RFC 6066 §4: the size negotiated in the handshake applies to all records."""
    with connected(gate, kind, fragment=1) as connection:
        for size in (100, 5000, 100_000):
            assert connection.exchange("GET", f"/{size}", session).body == content(size)


# After the handshake.

@pytest.mark.parametrize("kind", KINDS)
def test_requests_may_arrive_in_one_segment_with_the_end_of_the_handshake(gate, session, kind):
    """Also directly before an end, in records of any size: each request is answered completely."""
    for count, piece, ends in [(1, 1 << 20, False), (1, 5, True), (9, 1 << 20, True), (30, 70, True)]:
        made = opened(gate, kind)
        made.handshake(sends_finished=False)
        held = made.sealed()
        if kind == "TLS 1.2":  # the client's last message does not end the handshake
            made.socket.sendall(held)
            held = b""
        made.seal(request(gate, session, "/2000") * count, piece)
        if ends:
            made.notify_end()
        made.socket.sendall(held + made.sealed())
        if ends:
            made.socket.shutdown(socket.SHUT_WR)
        with RecordConnection(made) as connection:
            for _ in range(count):
                assert connection.response().body == content(2000)
            if ends:
                assert connection.read_some() == b"" and made.end == "close_notify"


def test_the_first_segment_may_end_anywhere(gate, session):
    """In the last message of the handshake, or in the request after it."""
    position, length = 0, 1
    while position < length:
        with opened(gate) as made:
            made.handshake(sends_finished=False)
            made.seal(request(gate, session))
            data = made.sealed()
            length = len(data)
            made.socket.sendall(data[:position])
            made.socket.sendall(data[position:])
            assert RecordConnection(made).response().body == content(10)
        position += 7


@pytest.mark.parametrize("kind", SUITES)
def test_sessions_are_resumed_and_other_groups_are_requested(gate, session, kind):
    """The gate counts the records of tickets, which it sends later, and of a handshake with a second ClientHello."""
    saved = None
    for turn in range(3):
        for options in ({}, {"groups": "P-521:X25519"}):
            with connected(gate, kind, session=saved, **options) as connection:
                assert connection.socket.is_resumed == (saved is not None)
                assert connection.exchange("GET", "/20000", session).body == content(20_000)
                fresh = connection.socket.session()
                connection.socket.notify_end()  # libssl discards the sessions of connections that end without it
            saved = fresh


def test_a_missing_or_invalid_client_certificate_gets_an_alert(start_gate, upstream, authority, certificate):
    gate = start_gate(upstream, tls={
        "certificates": [certificate.settings], "clientCA": authority.path, "clientAuth": "require"})
    with opened(gate) as made:
        with pytest.raises(Refused, match="certificate required"):
            made.handshake()
            made.recv(1)
        assert made.socket.recv(1) == b""  # not a reset, by which the alert may be lost


def test_a_ticket_of_several_records_is_counted(start_gate, upstream, authority, certificate):
    """The ticket contains the browser's certificate. Requests sent meanwhile are answered after it, and the session is
    resumed."""
    names = ",".join(f"DNS:name-{index}-of-very-many.example" for index in range(1000))
    person = authority.issue("many", names)
    gate = start_gate(upstream, tls={
        "certificates": [certificate.settings], "clientCA": authority.path, "clientAuth": "require"})
    context = trusting(authority)
    context.load_cert_chain(person.certificate, person.key)
    session = None
    for turn in range(3):
        with SecureConnection(gate.port, context, session=session) as connection:
            assert connection.socket.session_reused == (turn > 0)
            assert connection.exchange("GET", "/", NAVIGATION).status == 302
            session = connection.socket.session
            assert connection.exchange("GET", "/", {**NAVIGATION, "Connection": "close"}).status == 302
            assert connection.read_some() == b""


def test_a_handshake_that_fails_ends_without_a_reset(gate):
    with opened(gate, protocols=["smtp"]) as made:
        made.holds = True
        made.socket.settimeout(0.01)
        with pytest.raises(TimeoutError):
            made.handshake()
        made.socket.settimeout(30)
        made.socket.sendall(made.sealed() + b"and more")
        with pytest.raises(Refused, match="no application protocol"):
            made.recv(1)
        assert made.socket.recv(1) == b""


# Keys.

def test_many_key_updates_between_bytes_need_no_memory(gate, session):
    """Each update requests one from the gate, while the client reads nothing."""
    count, before = 4000, gate.process.memory()
    head = request(gate, session, "/30000", **{"Content-Length": str(count)}).replace(b"GET", b"POST", 1)
    with connected(gate, receive_buffer=4096) as connection:
        made = connection.socket
        made.seal(head)
        body = content(count)
        for index in range(count):
            made.update_key()
            made.seal(body[index:index + 1])
            made.flush()
        response = connection.response()
        assert response["Digest-Seen"] == digest(body) and response.body == content(30_000)
        assert gate.process.memory() - before < 3 * MEGABYTE


def test_key_updates_without_data_end_the_connection(gate, session):
    with connected(gate) as connection:
        assert connection.exchange("GET", "/1", session).status == 200
        # One for each record that the gate sent, and 32 per second, are accepted.
        for _ in range(2000):
            connection.socket.update_key(asks=False)
        connection.socket.flush()
        with pytest.raises(Refused, match="unexpected message"):
            connection.read_some()
        assert connection.socket.socket.recv(1) == b""  # not a reset
    assert gate.exchange("GET", "/1", session).status == 200


def test_a_key_update_after_the_gates_close_loses_no_data(gate, session, upstream):
    """In a tunnel, the gate has sent close_notify and the browser continues to send."""
    got = []

    def serve(connection):
        connection.read_head()
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nbye")
        connection.socket.shutdown(socket.SHUT_WR)
        while data := connection.socket.recv(65536):
            got.append(data)

    upstream.serve = serve
    with connected(gate) as connection:
        connection.request("GET", "/", {**session, "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert connection.response().status == 101 and connection.read_all() == b"bye"
        assert connection.socket.end == "close_notify"
        for index in range(5):
            connection.socket.update_key()
            connection.socket.sendall(b"%d" % index * 1000)
            wait_until(lambda: sum(map(len, got)) >= 1000 * (index + 1), "the data after the update arrives")
    assert b"".join(got) == b"".join(b"%d" % index * 1000 for index in range(5))


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_key_updates_during_a_download_never_cut_it_short(gate, session, upstream, protocol):
    """One update for each 64 KiB, from a client that sends nothing else."""
    body = content(20 * MEGABYTE)
    upstream.answer = lambda request, connection: connection.respond(200, {}, body)
    got = hashlib.sha256()
    if protocol == "h2":
        made = opened(gate, protocols=["h2"]).handshake()
        with FrameConnection(gate.port, connected=made) as connection:
            connection.authority, connection.cookie = f"localhost:{gate.port}", session["Cookie"]
            receive = made.recv
            updates = 0

            def recv(most):
                nonlocal updates
                data = receive(most)
                if made.received > updates * 65_536:
                    updates += 1
                    made.update_key(asks=updates % 2 == 0)
                    made.flush()
                return data
            made.recv = recv
            response = connection.get("/")
            assert updates > 250 and digest(response.body) == digest(body)
        return
    with connected(gate) as connection:
        connection.request("GET", "/", session)
        left = int(connection.read_head()["Content-Length"])
        while left:
            piece = connection.read_exactly(min(left, 65_536))
            got.update(piece)
            left -= len(piece)
            connection.socket.update_key(asks=left % 2 == 0)
            connection.socket.flush()
        assert got.hexdigest() == digest(body)
        assert connection.exchange("GET", "/", session).status == 200


def test_a_response_cut_short_by_a_flood_of_key_updates_is_logged_as_aborted(start_gate, upstream, authority, certificate):
    gate = secured(start_gate(upstream, tls={"certificates": [certificate.settings]}), trusting(authority))
    session = gate.session_cookie()

    def serve(connection):
        connection.read_head()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + "x" * 1000)
        connection.socket.recv(65536)

    upstream.serve = serve
    for protocol in ("h2", "http/1.1"):
        made = opened(gate, protocols=[protocol]).handshake()
        if protocol == "h2":
            connection = FrameConnection(gate.port, connected=made)
            connection.authority, connection.cookie = f"localhost:{gate.port}", session["Cookie"]
            connection.send(connection.headers(1, connection.fields("GET", "/cut-h2", scheme="https"), end=True))
        else:
            # The request's content is incomplete, so the gate reads from the connection.
            connection = RecordConnection(made)
            made.sendall(request(gate, session, "/cut-h1", **{"Content-Length": "100000"}).replace(b"GET", b"POST", 1) + b"x")
        for _ in range(3000):
            made.update_key(asks=False)
        made.flush()
        with pytest.raises(Refused, match="unexpected message"):
            while made.recv(65536):
                pass
        made.close()
    for path in ("/cut-h2", "/cut-h1"):
        wait_until(lambda: any(path in line and "aborted" in line for line in gate.log().splitlines()), f"{path} is logged")


@pytest.mark.parametrize("fault, alert", [
    (b"\x17\x03\x03\x00\x11" + bytes(17), "bad record mac"), (b"\x16\x03\x03\x00\x05\x18\x00\x00\x01\x01", "unexpected message"),
    (b"\x17\x03\x03\xff\xff", "record overflow")], ids=["mac", "type", "length"])
@pytest.mark.parametrize("kind", [SUITES[0], "TLS 1.2"])
def test_an_alert_arrives_for_any_data_sent_after_the_fault(gate, session, fault, alert, kind):
    """Closing a socket with unread data sends a reset, by which the alert would be lost."""
    if kind == "TLS 1.2":
        alert = "alert|error"  # libssl chooses which
    for _ in range(5):
        with opened(gate, kind) as made:
            made.handshake()
            made.seal(request(gate, session, "/10"))
            made.socket.sendall(made.sealed() + fault + bytes(200_000))
            with pytest.raises(Refused, match=alert):
                while made.recv(65536):
                    pass
            while made.socket.recv(65536):
                pass  # until the end, which is not a reset


@pytest.mark.parametrize("kind", SUITES)
def test_openssl_changes_keys_during_a_download(gate, session, upstream, kind):
    body = content(3 * MEGABYTE)
    text = body.hex().encode()
    upstream.answer = lambda request, connection: connection.respond(200, {}, text)
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_3", "-ciphersuites", kind],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        client.stdin.write(request(gate, session, "/").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        client.stdin.flush()
        seen = b""
        for letter in b"kKKkK":
            seen += os.read(client.stdout.fileno(), 100_000)
            client.stdin.write(bytes([letter]) + b"\n")
            client.stdin.flush()
        seen += client.stdout.read()
        assert text in seen.replace(b"KEYUPDATE\n", b"")
    finally:
        client.kill()
        client.wait()


# Faults and ends.

@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\n\r\n", bytes(5), b"\x17\x03\x03\x00\x00", b"\x17\x03\x03\x00\x11" + bytes(17),
    b"\x17\x03\x03\x40\x00" + bytes(16_384), b"\x17\x03\x03\xff\xff", b"\x14\x03\x03\x00\x01\x01",
    b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\x00\x05\x18\x00\x00\x01\x01", b"\xff" * 40_000,
], ids=lambda data: data[:6].hex())
@pytest.mark.parametrize("behind", [b"", b"a request"])
def test_garbage_ends_only_its_connection(gate, session, garbage, behind):
    with connected(gate) as other, connected(gate) as connection:
        if behind:
            connection.socket.seal(request(gate, session, "/70000"))
        with pytest.raises((Refused, CutShort, ConnectionError, AssertionError)):
            connection.socket.socket.sendall(connection.socket.sealed() + garbage)
            connection.response()
            connection.response()
        assert other.exchange("GET", "/5", session).body == content(5)


def test_closed_connections_leave_no_descriptors_or_memory(gate, session, upstream):
    def client(index):
        mine = random.Random(index)
        for _ in range(25):
            made = opened(gate, mine.choice(KINDS), receive_buffer=mine.choice([0, 4096]), cut=crumbs(mine))
            with RecordConnection(made) as connection:
                what = mine.randrange(7)
                if what == 0:
                    continue
                made.handshake()
                made.seal(request(gate, session, "/300000"))
                if what == 1:  # disconnects in the middle of a record
                    data = made.sealed()
                    made.socket.sendall(data[:mine.randrange(1, len(data))])
                    continue
                made.flush()
                if what == 2:
                    continue
                if what == 3:
                    connection.read_exactly(1000)
                elif what == 4:
                    connection.read_exactly(1000)
                    made.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif what == 5:
                    made.notify_end()
                    made.flush()
                    made.socket.shutdown(socket.SHUT_WR)
                    assert connection.response().body == content(300_000)
                    assert connection.read_some() == b"" and made.end == "close_notify"
                else:
                    assert connection.response().body == content(300_000)

    in_threads(8, client)  # one-time allocations, and connections to the app that are kept
    descriptors, memory = gate.process.descriptors(), gate.process.memory()
    in_threads(8, client)
    wait_until(lambda: gate.process.descriptors() <= descriptors + 8, "all are closed")
    assert gate.process.memory() - memory < 3 * MEGABYTE
    assert gate.exchange("GET", "/5", session).body == content(5)


def test_curl(gate, session, authority):
    for suite in SUITES:
        for version in ("--http1.1", "--http2"):
            done = subprocess.run(
                ["curl", "-sS", version, "--tls13-ciphers", suite, "--cacert", authority.path, "-H",
                 f"Cookie: {session['Cookie']}", "--data-binary", "@-", f"https://localhost:{gate.port}/[100000-100003]"],
                input=content(500_000), capture_output=True, timeout=30)
            assert done.returncode == 0 and done.stdout == b"".join(content(100_000 + index) for index in range(4))
