# SPDX-License-Identifier: Apache-2.0
"""An app that speaks HTTP/2 in cleartext, with frames that the test controls."""

import socket
import struct
import threading

from . import frames as h2
from .frames import END_HEADERS, END_STREAM, ConnectionEnded, FrameConnection, block, frame, word


class Request:
    """A request, and the stream for its response."""

    def __init__(self, connection: "H2UpstreamConnection", stream: int, fields: list):
        self.connection = connection
        self.stream = stream
        self.fields = fields
        self.trailers = []
        self.body = b""
        self.pieces = []
        self.is_whole = threading.Event()
        self.reset = None  # the code of the gate's RST_STREAM
        self.is_over = threading.Event()  # complete, or reset
        self.window = connection.initial_window

    def get(self, name: str, default=None):
        return next((v for n, v in self.fields if n == name), default)

    @property
    def method(self) -> str:
        return self.get(":method")

    @property
    def target(self) -> str:
        return self.get(":path")

    # Answering.

    def head(self, status=200, fields=(), end=False):
        fields = [(":status", str(status)), *(fields.items() if isinstance(fields, dict) else fields)]
        self.connection.send(frame(h2.HEADERS, END_HEADERS | (END_STREAM if end else 0), self.stream, block(fields)))

    def data(self, data: bytes, end: bool = False):
        """Sends as much as the windows allow, until all is sent."""
        data = memoryview(data)
        while True:
            count = self.connection.take_window(self, min(len(data), 16_384)) if data else 0
            piece, data = data[:count], data[count:]
            is_last = not data
            self.connection.send(
                frame(h2.DATA, END_STREAM if end and is_last else 0, self.stream, bytes(piece)))
            if is_last:
                return

    def end_with(self, trailers):
        self.connection.send(frame(h2.HEADERS, END_HEADERS | END_STREAM, self.stream, block(trailers)))

    def respond(self, status=200, fields=(), body=b"", trailers=()):
        body = body.encode() if isinstance(body, str) else body
        self.head(status, fields, end=not body and not trailers)
        if body:
            self.data(body, end=not trailers)
        if trailers:
            self.end_with(list(trailers))

    def refuse(self, code: int):
        self.connection.send(frame(h2.RST_STREAM, 0, self.stream, word(code)))


class H2UpstreamConnection(FrameConnection):
    """One connection from the gate."""

    def __init__(self, upstream: "H2Upstream", connected: socket.socket, number: int):
        connected.settimeout(None)
        super().__init__(upstream.port, hello=False, connected=connected)
        self.upstream = upstream
        self.number = number
        self.lock = threading.Lock()
        self.room = threading.Condition()
        self.initial_window = 65_535
        self.window = 65_535
        self.settings = {}
        self.requests: dict[int, Request] = {}
        self.has_settings = threading.Event()
        self.is_ended = threading.Event()

    def send(self, data: bytes):
        with self.lock:
            self.socket.sendall(data)

    def send_quietly(self, data: bytes) -> bool:
        try:
            self.send(data)
            return True
        except OSError:
            return False

    def break_off(self):
        """Closes the connection, even while a thread waits to read from it."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def take_window(self, request: Request, wanted: int) -> int:
        with self.room:
            while True:
                count = min(wanted, self.window, request.window)
                if count > 0:
                    break
                assert self.room.wait(30), "the gate opens no window"
                if request.reset is not None or self.is_ended.is_set():
                    raise ConnectionEnded(None)
            self.window -= count
            request.window -= count
            return count

    def begin(self):
        while len(self.buffer) < len(h2.PREFACE):
            self.fill()
        assert bytes(self.buffer[:len(h2.PREFACE)]) == h2.PREFACE
        del self.buffer[:len(h2.PREFACE)]
        self.send(frame(h2.SETTINGS, 0, 0, self.upstream.settings))

    def run(self):
        """Reads to the end; each complete request is answered on its own thread."""
        try:
            self.begin()
            while True:
                self.take(self.read_frame())
                self.frames.clear()
        except (ConnectionEnded, OSError):
            pass
        finally:
            self.is_ended.set()
            with self.room:
                self.room.notify_all()
            for request in self.requests.values():
                request.is_over.set()
            self.close()

    def take(self, got):
        if got.type == h2.SETTINGS and not got.flags & h2.ACK:
            for at in range(0, len(got.payload), 6):
                name, value = struct.unpack(">HI", got.payload[at:at + 6])
                self.settings[name] = value
            self.has_settings.set()
        elif got.type in (h2.HEADERS, h2.CONTINUATION) and got.flags & END_HEADERS:
            fields = self.sections[got.stream][-1]
            if request := self.requests.get(got.stream):
                request.trailers = fields
            else:
                request = self.requests[got.stream] = Request(self, got.stream, fields)
                self.upstream.requests.append(request)
                self.start(self.upstream.began, request)
        elif got.type == h2.WINDOW_UPDATE:
            with self.room:
                count = int.from_bytes(got.payload, "big")
                if got.stream == 0:
                    self.window += count
                elif request := self.requests.get(got.stream):
                    request.window += count
                self.room.notify_all()
        elif got.type == h2.RST_STREAM and (request := self.requests.get(got.stream)):
            request.reset = int.from_bytes(got.payload, "big")
            request.is_over.set()
            with self.room:
                self.room.notify_all()
        elif got.type == h2.DATA and (request := self.requests.get(got.stream)):
            request.pieces.append(got.payload)
        if got.type in (h2.DATA, h2.HEADERS) and got.flags & END_STREAM:
            request = self.requests[got.stream]
            request.body = b"".join(request.pieces)
            request.is_whole.set()
            request.is_over.set()
            self.start(self.upstream.answer, request)

    def start(self, work, request):
        if work is None:
            return

        def run():
            try:
                work(request)
            except (ConnectionEnded, OSError):
                pass
            except BaseException as failure:  # raised at the end of the test
                self.upstream.failures.append(failure)
        threading.Thread(target=run, daemon=True).start()


class H2Upstream:
    """Listens on loopback. `answer(request)` is called for each complete request, and `began(request)` for each head;
    `serve(connection)` may replace both. The test may change all three at any time."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"h2c://127.0.0.1:{self.port}"
        self.settings = b""
        self.requests: list[Request] = []
        self.connections: list[H2UpstreamConnection] = []
        self.failures: list[BaseException] = []
        self.answer = self.echo
        self.began = None
        self.serve = H2UpstreamConnection.run
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = H2UpstreamConnection(self, connected, len(self.connections) + 1)
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.serve(connection)
        except (ConnectionEnded, OSError):
            pass
        except BaseException as failure:
            self.failures.append(failure)

    def echo(self, request: Request):
        request.respond(200, [("content-type", "text/plain")], request.body or b"hello")

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()
