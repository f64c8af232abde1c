# SPDX-License-Identifier: Apache-2.0
"""WebSocket through the gate, with a real client and a real server library."""

import asyncio
import random
import socket
import threading

import pytest
import websockets

from harness.process import wait_until
from harness.wire import Connection


@pytest.fixture(scope="module")
def server():
    """A WebSocket server that echoes, on a thread with its own event loop."""
    ready, state = threading.Event(), {}

    async def echo(connection):
        state["headers"] = connection.request_headers
        async for message in connection:
            if message == "close with 4001":
                await connection.close(4001, "as asked")
            else:
                await connection.send(message)

    async def main():
        state["stop"] = asyncio.get_running_loop().create_future()
        async with websockets.serve(echo, "127.0.0.1", 0, subprotocols=["chat"], max_size=None) as listening:
            state["port"] = listening.sockets[0].getsockname()[1]
            state["loop"] = asyncio.get_running_loop()
            ready.set()
            await state["stop"]

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield state
    state["loop"].call_soon_threadsafe(state["stop"].set_result, None)
    thread.join(30)


@pytest.fixture(scope="module")
def websocket_gate(server, start_module_gate):
    return start_module_gate(f"http://127.0.0.1:{server['port']}")


def connect(gate, **options):
    return websockets.connect(
        f"ws://127.0.0.1:{gate.port}/chat?room=1", max_size=None,
        extra_headers={**gate.session_cookie(), "X-Forwarded-User": "mallory"}, **options)


def test_messages_of_all_sizes_are_echoed_and_the_app_gets_the_identity(websocket_gate, server):
    async def talk():
        async with connect(websocket_gate, subprotocols=["chat"]) as client:
            assert client.subprotocol == "chat"
            for size in (0, 1, 125, 126, 65535, 65536, 1_000_000):
                message = random.Random(size).randbytes(size)
                await client.send(message)
                assert await asyncio.wait_for(client.recv(), 10) == message
            await client.send("grüße")
            assert await client.recv() == "grüße"
            await (await client.ping())
    asyncio.run(talk())
    assert server["headers"].get_all("X-Forwarded-User") == ["ada"]
    assert "Cookie" not in server["headers"]


def test_the_closing_handshake_passes_both_ways(websocket_gate):
    async def talk():
        async with connect(websocket_gate) as client:
            await client.send("close with 4001")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert (closed.value.code, closed.value.reason) == (4001, "as asked")
    asyncio.run(talk())


def test_many_websockets_at_once(websocket_gate):
    headers = {**websocket_gate.session_cookie()}

    async def one(n):
        async with websockets.connect(f"ws://127.0.0.1:{websocket_gate.port}/", extra_headers=headers) as client:
            for k in range(20):
                await client.send(f"{n}/{k}")
                assert await asyncio.wait_for(client.recv(), 10) == f"{n}/{k}"

    async def talk():
        await asyncio.gather(*(one(n) for n in range(50)))
    asyncio.run(talk())


def test_without_a_session_the_upgrade_is_refused_with_401(websocket_gate):
    async def talk():
        with pytest.raises(websockets.InvalidStatusCode) as refused:
            async with websockets.connect(f"ws://127.0.0.1:{websocket_gate.port}/"):
                pass
        assert refused.value.status_code == 401
    asyncio.run(talk())


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
SWITCHED = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def test_no_early_bytes_pass_before_a_101_CVE_2025_64763(gate, upstream, session):
    go, seen = threading.Event(), []

    def serve(connection):
        connection.read_head()
        connection.socket.settimeout(0.3)
        try:
            seen.append(bytes(connection.buffer) + connection.socket.recv(100))
        except TimeoutError:
            seen.append(bytes(connection.buffer))
        go.set()
        connection.socket.settimeout(None)
        connection.respond(403, {"Connection": "close"}, "no", reason="Forbidden")
    upstream.serve = serve
    with gate.connection() as connection:
        connection.request("GET", "/ws", {**session, **UPGRADE})
        connection.send(b"EARLY BYTES GET /x HTTP/1.1\r\n\r\n")
        assert go.wait(30)
        assert connection.response().status == 403
    assert seen == [b""]


def test_a_refused_upgrade_is_an_ordinary_response(gate, upstream, session):
    upstream.answer = lambda request, connection: connection.respond(426, {"X": "1"}, "not here", reason="Upgrade Required")
    with gate.connection() as connection:
        assert connection.exchange("GET", "/ws", {**session, **UPGRADE}).status == 426
        upstream.answer = upstream.echo
        assert connection.exchange("GET", "/next", session).status == 200


def tunnel(gate, upstream, session, work):
    """Opens an upgraded connection whose upstream side is `work(connection)`; returns the client's side."""
    def serve(connection):
        connection.read_head()
        connection.send(SWITCHED)
        work(connection)
    upstream.serve = serve
    connection = gate.connection()
    connection.request("GET", "/ws", {**session, **UPGRADE})
    response = connection.response()
    assert response.status == 101 and response["Upgrade"] == "websocket"
    return connection


def test_bytes_directly_after_the_101_arrive(gate, upstream, session):
    def serve(connection):
        connection.read_head()
        connection.send(SWITCHED + b"first words")
        assert connection.read_exactly(5) == b"hello"
        connection.send(b"bye")
    upstream.serve = serve
    with gate.connection() as connection:
        connection.request("GET", "/ws", {**session, **UPGRADE})
        assert connection.response().status == 101
        assert connection.read_exactly(11) == b"first words"
        connection.send(b"hello")
        assert connection.read_exactly(3) == b"bye"


def test_a_half_close_passes_through_a_tunnel(gate, upstream, session):
    def work(connection):
        data = b""
        while piece := connection.socket.recv(1000):
            data += piece
        connection.send(b"got " + data)
    with tunnel(gate, upstream, session, work) as connection:
        connection.send(b"all")
        connection.half_close()
        assert connection.read_all() == b"got all"


def test_when_one_end_closes_the_other_is_closed(gate, upstream, session):
    ended = threading.Event()

    def work(connection):
        try:
            if connection.socket.recv(1) == b"":
                ended.set()
        except ConnectionError:
            ended.set()
    connection: Connection = tunnel(gate, upstream, session, work)
    connection.reset()
    assert ended.wait(30)
    with tunnel(gate, upstream, session, lambda c: c.reset()) as connection:
        assert connection.is_closed_by_peer()


def test_a_tunnel_that_is_not_read_uses_little_memory(gate, upstream, session):
    """Back pressure: the sender is stopped, and the gate does not buffer its data."""
    sent = {}

    def work(connection):
        sent["connection"] = connection
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.sent = 0
        for _ in range(100):
            connection.send(bytes(1_000_000))
    before = gate.process.memory()
    with tunnel(gate, upstream, session, work):
        last = {"count": -1}

        def stalled():
            count = sent["connection"].sent if "connection" in sent else -1
            if count > 0 and count == last["count"]:
                return True
            last["count"] = count
            return False
        wait_until(stalled, "the sender is held back", interval=0.3)
        assert sent["connection"].sent < 30_000_000
        assert gate.process.memory() - before < 1_000_000
