# SPDX-License-Identifier: Apache-2.0
"""Long bodies over plain HTTP/1.1, which pass from socket to socket without being read: every byte, the counts of the log,
descriptors, and peers that leave."""

import os
import random
import resource
import socket
import threading

import pytest

from harness.gate import XHR
from harness.journal import lines
from harness.process import held_back, wait_until

KiB, MiB = 1 << 10, 1 << 20
OPEN = {"rules": [{"paths": ["/*"], "allow": "anyone"}]}
# About the sizes at which another way is taken, and far beyond them.
SIZES = [32 * KiB, 72 * KiB, 72 * KiB + 1, 112 * KiB - 1, 112 * KiB, 112 * KiB + 1, 152 * KiB, 300_000, MiB, 9 * MiB + 7]


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def pipes(gate) -> int:
    """How many pipes the gate has open."""
    folder, found = f"/proc/{gate.process.pid}/fd", set()
    for name in os.listdir(folder):
        try:
            target = os.readlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue  # closed meanwhile
        if target.startswith("pipe:"):
            found.add(target)
    return len(found)


def access_line(gate, path: str) -> dict:
    return wait_until(
        lambda: [line for line in lines(gate) if line.get("kind") == "access" and line.get("path") == path],
        f"the access line of {path}")[0]


def slowly(connection, size: int, seed: int) -> bytes:
    """Reads pieces of random sizes, small ones often."""
    generator, received = random.Random(seed), bytearray(connection.buffer)
    connection.buffer.clear()
    while len(received) < size:
        data = connection.socket.recv(min(generator.choice([1, 100, 5000, 70_000, 300_000]), size - len(received)))
        assert data, f"ended after {len(received)} of {size} bytes"
        received += data
    return bytes(received)


@pytest.fixture
def gate(upstream, start_gate):
    return start_gate(upstream, access=OPEN)


@pytest.mark.parametrize("size", SIZES)
def test_a_response_and_an_upload_pass_byte_for_byte(gate, upstream, size):
    data, pieces = content(size), random.Random(size + 1)
    uploads = []

    def answer(request, connection):
        uploads.append(request.body)
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        at = 0
        while at < size:
            step = pieces.choice([1, 500, 20_000, 200_000, MiB])
            connection.send(data[at:at + step])
            at += step
    upstream.answer = answer
    with gate.connection(receive_buffer=65536) as connection:
        for number in range(2):
            connection.request("POST", f"/both/{number}", {**XHR, "Content-Length": str(size)}, data[::-1])
            assert connection.read_head().status == 200
            assert slowly(connection, size, number) == data
    assert uploads == [data[::-1]] * 2
    for number in range(2):
        line = access_line(gate, f"/both/{number}")
        assert (line["bytes"], line["bytesReceived"], line["status"]) == (size, size, 200)


def test_one_pipe_serves_all_and_no_connection_keeps_one(gate, upstream):
    size = 40 * MiB
    upstream.answer = lambda request, connection: connection.respond(200, {}, bytes(size))
    before, earlier = pipes(gate), len(upstream.connections)
    stalled = [gate.connection(receive_buffer=65536) for _ in range(8)]
    for connection in stalled:
        connection.request("GET", "/", XHR)
        connection.read_head()
    # Much waits in each socket, so none of them is read in small pieces.
    held_back(lambda: sum(c.sent for c in upstream.connections[earlier:]), "the app is held back")
    assert stalled[0].read_exactly(size) == bytes(size)
    assert pipes(gate) == before + 1
    for connection in stalled:
        connection.reset()


def test_peers_that_leave_in_the_middle_leave_nothing_behind(gate, upstream):
    def answer(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        if request.target == "/app-leaves":
            connection.send(content(9 * MiB))
            return connection.reset()
        while True:
            connection.send(bytes(MiB))

    def serve(connection):
        request = connection.read_head()
        if request.target == "/upload":
            while True:
                connection.fill()
                connection.buffer.clear()
        answer(request, connection)
    upstream.serve = serve

    def once(number: int):
        with gate.connection() as connection:
            connection.request("GET", "/client-leaves", XHR)
            connection.read_head()
            connection.read_exactly(2 * MiB)
            connection.reset()
        with gate.connection() as connection:
            connection.request("POST", "/upload", {**XHR, "Content-Length": "100000000"})
            connection.send(bytes(5 * MiB + number))
            connection.reset()
        with gate.connection() as connection:
            connection.request("GET", "/app-leaves", XHR)
            connection.read_head()
            received = connection.read_all()
            # What was lost with the connection is the end of it.
            assert content(9 * MiB).startswith(received)
    once(0)
    wait_until(lambda: all(not c.thread.is_alive() for c in upstream.connections), "the app's connections have ended")
    base = gate.process.descriptors()
    for number in range(5):
        once(number)
    wait_until(lambda: gate.process.descriptors() <= base, "no more descriptors are open than before")


def test_without_descriptors_bodies_are_copied(gate, upstream):
    may_answer, size = threading.Event(), 9 * MiB

    def answer(request, connection):
        may_answer.wait(30)
        connection.respond(200, {}, content(size))
    upstream.answer = answer
    with gate.connection() as connection:
        connection.request("GET", "/", XHR)
        upstream.wait_for_requests(1)
        before = pipes(gate)
        limits = resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))  # open ones continue to work
        may_answer.set()
        assert connection.response().body == content(size)
        assert pipes(gate) == before
        resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, limits)
        assert connection.exchange("GET", "/", XHR).body == content(size)


def test_a_tunnel_carries_much_in_both_directions(gate, upstream):
    data = content(9 * MiB)

    def serve(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        sender = threading.Thread(target=connection.send, args=(data,))
        sender.start()
        assert connection.read_exactly(len(data)) == data[::-1]
        sender.join()
        connection.socket.shutdown(socket.SHUT_WR)
        connection.fill()
    upstream.serve = serve
    with gate.connection() as connection:
        connection.request("GET", "/ws", {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert connection.read_head().status == 101
        sender = threading.Thread(target=connection.send, args=(data[::-1],))
        sender.start()
        assert slowly(connection, len(data), 1) == data
        sender.join()
        assert connection.read_all() == b""


@pytest.mark.parametrize("size", SIZES)
def test_what_follows_an_upload_is_the_next_request(gate, upstream, size):
    data = content(size)
    upstream.answer = lambda request, connection: connection.respond(200, {}, f"{request.target} {len(request.body)}")
    earlier = len(upstream.requests)
    with gate.connection() as connection:
        head = f"POST /first HTTP/1.1\r\nHost: app\r\nContent-Length: {size}\r\n\r\n".encode()
        following = b"GET /second HTTP/1.1\r\nHost: app\r\n\r\n"
        connection.send(head + data + following)
        assert connection.response().text == f"/first {size}"
        assert connection.response().text == "/second 0"
    assert upstream.requests[earlier].body == data


@pytest.mark.parametrize("size", SIZES)
def test_what_follows_a_response_is_nobodys(gate, upstream, size):
    data = content(size)

    def answer(request, connection):
        if request.target == "/first":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + data
                            + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
        else:
            connection.respond(200, {}, "mine")
    upstream.answer = answer
    with gate.connection() as connection:
        assert connection.exchange("GET", "/first", XHR).body == data
        assert connection.exchange("GET", "/second", XHR).text == "mine"


@pytest.mark.parametrize("size", [8192 * n for n in (1, 2, 4, 8, 9, 12, 13, 16, 18, 64, 65, 68, 73)])
def test_what_arrives_with_the_last_full_read_of_a_response_is_nobodys(gate, upstream, size):
    """The content is one read of the gate, or some, to the byte; the bytes behind it wait in the socket."""
    has_head = threading.Event()

    def app(request, connection):
        if request.target != "/long":
            return connection.respond(200, {}, b"right")
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
        assert has_head.wait(30)
        connection.socket.sendall(content(size) + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")

    upstream.answer = app
    for _ in range(4):
        has_head.clear()
        with gate.connection() as connection:
            for path in ("/long", "/next"):
                connection.request("GET", path, XHR)
            assert connection.response(after_head=lambda _: has_head.set()).body == content(size)
            assert connection.response().body == b"right"


def test_a_response_that_ends_with_the_connection_is_complete_or_reset(gate, upstream):
    data = content(9 * MiB)

    def serve(connection):
        request = connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + data)
        if request.target == "/reset":
            connection.reset()
        else:
            connection.close()
    upstream.serve = serve
    for target in ["/whole", "/reset"]:
        with gate.connection(receive_buffer=4096) as connection:
            connection.send(f"GET {target} HTTP/1.0\r\nHost: app\r\n\r\n")
            received, is_reset = bytearray(), False
            try:
                while piece := connection.socket.recv(65536):
                    received += piece
            except ConnectionResetError:
                is_reset = True
            assert received.endswith(data) if target == "/whole" else is_reset
