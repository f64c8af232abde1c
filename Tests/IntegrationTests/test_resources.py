# SPDX-License-Identifier: Apache-2.0
"""Memory, descriptors and wake-ups are bounded for any behaviour of clients and apps."""

import os
import socket
import subprocess
import threading
import time

import pytest

from harness.gate import NAVIGATION
from harness.process import held_back, wait_until
from harness.servers import Nginx
from harness.wire import Connection

MEGABYTE = bytes(1_000_000)
KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30


def test_at_most_20_mib_are_resident_after_start(start_gate, upstream):
    gate = start_gate(upstream)
    gate.exchange("GET", "/", gate.session_cookie())
    assert gate.process.memory() <= 20 * MiB


class TestOneGiB:
    def test_a_download_does_not_increase_memory(self, tmp_path, start_gate):
        nginx = Nginx(tmp_path / "nginx")
        nginx.file("zeros", size=GiB)
        nginx.file("few-zeros", size=16 * MiB)
        gate = start_gate(nginx.url)
        session = gate.session_cookie()
        assert len(gate.exchange("GET", "/few-zeros", session).body) == 16 * MiB  # loads code and buffers into memory
        gate.process.forget_memory_peak()
        before = gate.process.memory("VmHWM")
        received, buffer = 0, bytearray(MiB)
        with Connection(gate.port) as connection:
            connection.request("GET", "/zeros", {**session, "Connection": "close"})
            assert connection.read_head()["Content-Length"] == str(GiB)
            received = len(connection.buffer)
            while count := connection.socket.recv_into(buffer):
                received += count
        nginx.stop()
        assert received == GiB
        assert gate.process.memory("VmHWM") - before <= MiB

    @pytest.mark.parametrize("chunked", [False, True], ids=["by length", "in chunks"])
    def test_an_upload_does_not_increase_memory(self, upstream, start_gate, chunked):
        got, size = [], 64 * MiB

        def serve(connection):
            request = connection.read_head()
            buffer, total = bytearray(MiB), len(connection.buffer)
            tail = bytes(connection.buffer[-8:])
            while total < size or (chunked and not tail.endswith(b"0\r\n\r\n")):
                count = connection.socket.recv_into(buffer)
                assert count, f"ended after {total} bytes"
                total += count
                if chunked:
                    tail = (tail + bytes(buffer[max(0, count - 8):count]))[-8:]
            got.append(total)
            connection.respond(
                200, {"Connection": "close"}, request.get("Transfer-Encoding") or request.get("Content-Length"))
        upstream.serve = serve
        gate = start_gate(upstream)
        session = gate.session_cookie()

        def upload():
            with gate.connection() as connection:
                headers = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
                connection.request("POST", "/", {**session, **headers})
                piece = bytes(MiB)
                if chunked:
                    piece = b"100000\r\n" + piece + b"\r\n"
                for _ in range(size // MiB):
                    connection.send(piece)
                if chunked:
                    connection.send(b"0\r\n\r\n")
                assert connection.response("POST").text == list(headers.values())[0]
        upload()  # loads code and buffers into memory
        gate.process.forget_memory_peak()
        before = gate.process.memory("VmHWM")
        size = GiB
        upload()
        assert got[1] >= GiB
        assert gate.process.memory("VmHWM") - before <= MiB


class TestStalls:
    """A stalled transfer occupies at most 64 KiB of the gate's memory; measured with sixteen at once, to average out noise."""

    COUNT = 16

    def test_a_stalled_download(self, upstream, start_gate):
        def answer(request, connection):
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in range(100):
                connection.send(MEGABYTE)
        upstream.answer = answer
        gate = start_gate(upstream)
        session = gate.session_cookie()
        earlier = len(upstream.connections)

        def sent():
            return sum(c.sent for c in upstream.connections[earlier:])

        first = self.download(gate, session)
        held_back(sent, "the app is held back")
        before = gate.process.memory()
        stalled = [self.download(gate, session) for _ in range(self.COUNT)]
        upstream.wait_for_requests(1 + self.COUNT)
        total = held_back(sent, "the app is held back")
        assert total < (1 + self.COUNT) * 30_000_000
        grown = gate.process.memory() - before
        assert grown / self.COUNT <= 64 * KiB, f"{grown / self.COUNT / KiB:.0f} KiB for each stalled download"
        # The response is complete when it is read.
        received = 0
        while received < 100_000_000:
            received += len(stalled[0].read_some())
        for connection in [first, *stalled]:
            connection.close()

    @staticmethod
    def download(gate, session):
        connection = gate.connection(receive_buffer=65536)
        connection.request("GET", "/", session)
        connection.read_head()
        received = len(connection.buffer)
        connection.buffer.clear()
        # read_some counts the rest; put back as many bytes as were received with the head.
        connection.buffer += bytes(received)
        return connection

    def test_a_stalled_upload(self, upstream, start_gate):
        release = threading.Event()

        def serve(connection):
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.read_head()
            release.wait(20)
        upstream.serve = serve
        gate = start_gate(upstream)
        session = gate.session_cookie()
        senders = [Sender(gate, session)]
        held_back(lambda: sum(s.sent for s in senders), "the client is held back")
        before = gate.process.memory()
        senders += [Sender(gate, session) for _ in range(self.COUNT)]
        total = held_back(lambda: sum(s.sent for s in senders), "the clients are held back")
        grown = gate.process.memory() - before
        release.set()
        for sender in senders:
            sender.close()
        assert total < (1 + self.COUNT) * 30_000_000
        assert grown / self.COUNT <= 64 * KiB, f"{grown / self.COUNT / KiB:.0f} KiB for each stalled upload"


class Sender:
    """Uploads 100 MB on a thread, as far as the gate accepts it."""

    def __init__(self, gate, session):
        self.sent = 0
        self.connection = gate.connection(timeout=30)
        self.connection.request("POST", "/", {**session, "Content-Length": "100000000"})
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        data = memoryview(bytes(1_000_000))
        try:
            while self.sent < 100_000_000:
                self.sent += self.connection.socket.send(data)
        except OSError:
            pass

    def close(self):
        self.connection.reset()


def test_an_idle_connection_costs_at_most_2_kib(upstream, start_gate):
    upstream.answer = lambda request, connection: connection.respond(200, {}, "x" * 1024)
    gate = start_gate(upstream)
    session = gate.session_cookie()
    count = 2000
    warm = [gate.connection() for _ in range(64)]
    for connection in warm:
        assert connection.exchange("GET", "/", session).status == 200
    time.sleep(0.2)
    before = gate.process.memory()
    connections = []
    for _ in range(count):
        connection = gate.connection()
        assert connection.exchange("GET", "/", session).status == 200
        connections.append(connection)
    try:
        # Buffers are released soon after a connection becomes idle.
        wait_until(lambda: gate.process.memory() - before <= 2 * KiB * count + 256 * KiB,
                   f"at most 2 KiB for each of {count} idle connections", interval=0.2)
    except AssertionError as failure:
        raise AssertionError(f"{failure}; it is {(gate.process.memory() - before) / count / KiB:.2f} KiB") from None
    assert connections[0].exchange("GET", "/", session).status == 200
    assert connections[-1].exchange("GET", "/", session).status == 200
    for connection in [*warm, *connections]:
        connection.close()


def test_at_the_descriptor_limit_it_continues_to_serve_and_does_not_spin(upstream, start_gate):
    gate = start_gate(upstream, nofile=96)
    session = gate.session_cookie()
    live = gate.connection()
    assert live.exchange("GET", "/", session).status == 200  # opens a kept-alive upstream connection
    crowd = [gate.connection() for _ in range(150)]  # the kernel accepts them, but the gate cannot accept them all
    wait_until(lambda: gate.process.descriptors() >= 90, "the descriptors are used up")
    gate.process.assert_sleeps(a_second=400, seconds=1.5)  # it tries again 20 times a second
    assert gate.log().count("not accepting connections") == 1, "one line for many attempts"
    assert live.exchange("GET", "/still-served", session).status == 200
    last = crowd.pop()
    last.request("GET", "/", NAVIGATION)
    for connection in crowd:
        connection.close()
    assert last.response().status == 302
    assert gate.exchange("GET", "/", session).status == 200
    live.close()
    last.close()


def test_an_idle_gate_sleeps(upstream, start_gate):
    gate = start_gate(upstream)
    session = gate.session_cookie()
    connections = [gate.connection() for _ in range(20)]
    for connection in connections:
        connection.exchange("GET", "/", session)
    gate.process.assert_sleeps(a_second=100)
    for connection in connections:
        connection.close()


def test_closed_connections_release_their_descriptors(upstream, start_gate):
    gate = start_gate(upstream)
    session = gate.session_cookie()
    gate.exchange("GET", "/", session)
    before = gate.process.descriptors()
    for n in range(300):
        connection = gate.connection()
        connection.request("GET", "/", session)
        if n % 3 == 0:
            connection.reset()
        elif n % 3 == 1:
            connection.close()
        else:
            connection.response()
            connection.close()
    wait_until(lambda: gate.process.descriptors() <= before + 130, "descriptors are released")
    assert gate.exchange("GET", "/", session).status == 200


class TestTimeLimits:
    """The other limits are an hour, so that only the tested one ends a connection."""

    @staticmethod
    def limits(**one) -> dict:
        return {"headerTimeout": "1h", "bodyIdleTimeout": "1h", "keepAliveTimeout": "1h", **one}

    def test_a_head_that_does_not_arrive_is_408_or_a_close(self, upstream, start_gate):
        gate = start_gate(upstream, limits=self.limits(headerTimeout="500ms"))
        with gate.connection() as connection:
            began = time.monotonic()
            connection.send(b"GET / HTTP/1.1\r\nHost: a")
            answer = connection.read_all()
            assert time.monotonic() - began >= 0.5
            assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")

    def test_a_head_that_trickles_does_not_extend_the_limit(self, upstream, start_gate):
        gate = start_gate(upstream, limits=self.limits(headerTimeout="500ms", headerBytes="64KiB"))
        with gate.connection() as connection:
            connection.send(b"GET / HTTP/1.1\r\nX: ")
            with pytest.raises(OSError):
                for _ in range(1000):
                    connection.send(b"y")
                    time.sleep(0.05)

    def test_an_idle_connection_is_closed_in_time(self, upstream, start_gate):
        gate = start_gate(upstream, limits=self.limits(keepAliveTimeout="500ms"))
        session = gate.session_cookie()
        with gate.connection() as connection:
            began = time.monotonic()
            assert connection.exchange("GET", "/", session).status == 200
            assert connection.is_closed_by_peer()
            assert time.monotonic() - began >= 0.5

    def test_a_body_that_stalls_ends_the_connection(self, upstream, start_gate):
        gate = start_gate(upstream, limits=self.limits(bodyIdleTimeout="500ms"))
        session = gate.session_cookie()
        with gate.connection() as connection:
            began = time.monotonic()
            connection.request("POST", "/", {**session, "Content-Length": "100"}, b"part")
            answer = connection.read_all()
            assert time.monotonic() - began >= 0.5
            assert answer == b"" or answer.split(b" ")[1] in (b"408", b"400", b"502", b"504")

    def test_a_body_over_the_limit_is_413(self, upstream, start_gate):
        gate = start_gate(upstream, limits={"bodyBytes": "1KiB"})
        session = gate.session_cookie()
        assert gate.exchange("POST", "/", session, b"x" * 1024).status == 200
        assert gate.exchange("POST", "/", session, b"x" * 1025).status == 413
        with gate.connection() as connection:
            connection.request("POST", "/", {**session, "Transfer-Encoding": "chunked"},
                               b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n")
            assert connection.response("POST").status == 413


def test_garbage_does_not_end_the_process(gate, upstream, session):
    source = os.urandom
    for size in (1, 10, 100, 1000, 10000, 100000):
        for _ in range(5):
            with gate.connection() as connection:
                try:
                    connection.send(source(size))
                    connection.half_close()
                    connection.read_all()
                except OSError:
                    pass
    assert gate.exchange("GET", "/", session).status == 200


def test_curl_uploads_and_downloads_as_usual(tmp_path, gate, upstream, session):
    """curl sends Expect: 100-continue by default."""
    upstream.answer = lambda request, connection: connection.respond(200, {}, request.body)
    sent = tmp_path / "sent"
    sent.write_bytes(os.urandom(3 * MiB))
    received = tmp_path / "received"
    subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--cookie", session["Cookie"],
         "--upload-file", sent, "--output", received, f"{gate.origin}/file"], check=True)
    assert received.read_bytes() == sent.read_bytes()
