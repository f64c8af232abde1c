# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 as frames on a socket, valid or invalid (RFC 9113, RFC 7541)."""

import socket
import struct
import threading
from collections import namedtuple

import hpack

from .wire import TIMEOUT, Response

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GREATEST_WINDOW = 0x7FFFFFFF

Frame = namedtuple("Frame", "type flags stream payload")


def frame(type: int, flags: int = 0, stream: int = 0, payload: bytes = b"", length: int = None) -> bytes:
    """`length` may differ from the payload's."""
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes([type, flags]) + struct.pack(">I", stream) + payload


def word(value: int) -> bytes:
    return struct.pack(">I", value)


def setting(name: int, value: int) -> bytes:
    return struct.pack(">HI", name, value)


# Header compression without a library, so that it can be invalid.

def integer(value: int, prefix: int, first: int = 0) -> bytes:
    """RFC 7541 §5.1."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    out, rest = bytearray([first | most]), value - most
    while rest >= 128:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes(out) + bytes([rest])


def string(text) -> bytes:
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    return integer(len(data), 7) + data


def literal(name, value) -> bytes:
    """§6.2.2: without indexing."""
    return b"\x00" + string(name) + string(value)


def indexed_literal(name, value) -> bytes:
    """§6.2.1: into the dynamic table."""
    return b"\x40" + string(name) + string(value)


def indexed(number: int) -> bytes:
    return integer(number, 7, 0x80)


def block(fields) -> bytes:
    return b"".join(literal(name, value) for name, value in fields)


class ConnectionEnded(Exception):
    """The peer closed the connection; `goaway` is the last error code it gave, if any."""

    def __init__(self, goaway=None):
        super().__init__(f"closed after GOAWAY {goaway}")
        self.goaway = goaway


class FrameConnection:
    """One connection. Sends the given frames unchanged, and records the received ones by stream."""

    def __init__(self, port: int, hello: bool = True, settings: bytes = b"", receive_buffer: int = 0, connected=None,
                 timeout: float = TIMEOUT):
        if connected is None:
            connected = socket.socket()
            if receive_buffer:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connected.settimeout(timeout)
            connected.connect(("127.0.0.1", port))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self.authority = f"127.0.0.1:{port}"
        self.cookie = None
        self.buffer = bytearray()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.encoder = hpack.Encoder()
        self.frames: list[Frame] = []  # all that were received
        self.read = 0  # the number of frames that the test has read
        self.sections: dict[int, list] = {}
        self.fragment = b""
        self.goaway = None
        self.last_stream = None
        self.updates_windows = True
        self.stalled = set()  # streams whose windows are not updated
        self.acknowledges = True
        self.next_stream = 1
        self.sent_content = {}
        if hello:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset_connection(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # Sending.

    def send(self, data: bytes):
        self.socket.sendall(data)

    def send_quietly(self, data: bytes) -> bool:
        """To a peer that may have closed the connection."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def fields(self, method="GET", path="/", fields=(), authority=None, scheme="http") -> list:
        result = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority or self.authority)]
        if self.cookie:
            result.append(("cookie", self.cookie))
        return result + list(fields.items() if isinstance(fields, dict) else fields)

    def headers(self, stream: int, fields=None, end: bool = True, flags: int = END_HEADERS) -> bytes:
        return frame(HEADERS, flags | (END_STREAM if end else 0), stream,
                     block(self.fields() if fields is None else fields))

    def request(self, method="GET", path="/", fields=(), end: bool = True, stream: int = None) -> int:
        if stream is None:
            stream, self.next_stream = self.next_stream, self.next_stream + 2
        payload = self.encoder.encode([(n.lower(), v) for n, v in self.fields(method, path, fields)])
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, payload))
        return stream

    def data(self, stream: int, data: bytes, end: bool = False):
        self.send(frame(DATA, END_STREAM if end else 0, stream, data))

    def data_frame(self, stream, payload: bytes, flags: int, on: int = None):
        """Sends DATA when the peer's windows have room; with `on` only the window of the connection counts."""
        def room(number, initial):
            return initial + sum(int.from_bytes(f.payload, "big") for f in self.frames
                                 if f.type == WINDOW_UPDATE and f.stream == number)
        number = on or stream
        sent = self.sent_content
        while room(0, 65_535) - sent.get(0, 0) < len(payload) or (
                stream is not None and room(stream, 65_535) - sent.get(stream, 0) < len(payload)):
            self.read_frame()
        for key in (0, number):
            sent[key] = sent.get(key, 0) + len(payload)
        self.send(frame(DATA, flags, number, payload))

    # Receiving.

    def fill(self):
        try:
            data = self.socket.recv(262_144)
        except ConnectionError:
            data = b""
        if not data:
            raise ConnectionEnded(self.goaway)
        self.buffer += data

    def read_frame(self) -> Frame:
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            self.fill()
        length = int.from_bytes(self.buffer[:3], "big")
        assert length <= 16_384, "a frame larger than the limit"
        got = Frame(self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big") & GREATEST_WINDOW,
                    bytes(self.buffer[9:9 + length]))
        del self.buffer[:9 + length]
        self.frames.append(got)
        self._take(got)
        return got

    def _take(self, got: Frame):
        if got.type == SETTINGS and not got.flags & ACK and self.acknowledges:
            self.send_quietly(frame(SETTINGS, ACK))
        elif got.type in (HEADERS, CONTINUATION):
            self.fragment += got.payload
            if got.flags & END_HEADERS:
                section = [(n, v) if isinstance(n, str) else (n.decode(), v.decode("latin-1"))
                           for n, v in self.decoder.decode(self.fragment, raw=False)]
                self.fragment = b""
                self.sections.setdefault(got.stream, []).append(section)
        elif got.type == GOAWAY:
            self.last_stream, self.goaway = struct.unpack(">II", got.payload[:8])
        elif got.type == DATA and got.payload and self.updates_windows:
            update = word(len(got.payload))
            self.send_quietly(frame(WINDOW_UPDATE, 0, 0, update))
            if not got.flags & END_STREAM and got.stream not in self.stalled:
                self.send_quietly(frame(WINDOW_UPDATE, 0, got.stream, update))

    def read_until(self, test) -> Frame:
        """The next unread frame for which `test` is true."""
        while True:
            while self.read < len(self.frames):
                got = self.frames[self.read]
                self.read += 1
                if test(got):
                    return got
            self.read_frame()

    def read_all(self):
        """Until the peer closes."""
        try:
            while True:
                self.read_frame()
        except ConnectionEnded:
            return

    def response(self, stream: int) -> Response:
        """The complete response on a stream; raises StreamReset when the stream is reset."""
        while True:
            for got in self.frames:
                if got.stream == stream and got.type == RST_STREAM:
                    code = int.from_bytes(got.payload, "big")
                    if code != NO_ERROR:
                        raise StreamReset(code, self.content(stream), self.sections.get(stream, []))
            if any(got.stream == stream and got.type in (DATA, HEADERS) and got.flags & END_STREAM
                   for got in self.frames) and not self.fragment:
                break
            self.read_frame()
        sections = self.sections[stream]
        interim = [s for s in sections if dict(s).get(":status", "").startswith("1")]
        final = [s for s in sections if s not in interim]
        status = int(dict(final[0])[":status"])
        return Response(status, "", [f for f in final[0] if not f[0].startswith(":")], self.content(stream),
                        trailers=final[1] if len(final) > 1 else [],
                        interim=[Response(int(dict(s)[":status"]), "", s) for s in interim])

    def content(self, stream: int) -> bytes:
        return b"".join(got.payload for got in self.frames if got.stream == stream and got.type == DATA)

    def get(self, path="/", fields=()) -> Response:
        return self.response(self.request("GET", path, fields))

    # The peer's behaviour.

    def reset_code(self, stream: int):
        """The code of the RST_STREAM received for a stream, or None."""
        for got in self.frames:
            if got.stream == stream and got.type == RST_STREAM:
                return int.from_bytes(got.payload, "big")
        return None

    def connection_error(self):
        """Reads to the connection's end and returns GOAWAY's code."""
        self.read_all()
        return self.goaway

    def stream_or_connection_error(self, stream: int):
        """("stream" or "connection", code) of the first error."""
        try:
            got = self.read_until(lambda f: f.type == GOAWAY or f.type == RST_STREAM and f.stream == stream)
        except ConnectionEnded:
            return "connection", self.goaway
        if got.type == GOAWAY:
            return "connection", int.from_bytes(got.payload[4:8], "big")
        return "stream", int.from_bytes(got.payload, "big")

    def is_alive(self) -> bool:
        """A PING is answered: everything sent before was accepted without a connection error."""
        token = struct.pack(">Q", len(self.frames) + 0x5151 << 16)
        if not self.send_quietly(frame(PING, 0, 0, token)):
            return False
        try:
            self.read_until(lambda f: f.type == PING and f.flags & ACK and f.payload == token)
            return True
        except ConnectionEnded:
            return False


class StreamReset(Exception):
    def __init__(self, code: int, received: bytes, sections: list):
        super().__init__(f"RST_STREAM {code} after {len(received)} bytes")
        self.code = code
        self.received = received
        self.sections = sections


def in_background(work):
    """Runs `work` on a thread until `stop` is set; used as `with in_background(lambda stop: …):`"""
    class Background:
        def __enter__(self):
            self.stop = threading.Event()
            self.failure = None

            def run():
                try:
                    work(self.stop)
                except Exception as failure:  # raised when the block ends
                    self.failure = failure
            self.thread = threading.Thread(target=run, daemon=True)
            self.thread.start()
            return self

        def __exit__(self, *_):
            self.stop.set()
            self.thread.join(30)
            assert not self.thread.is_alive(), "the work in the background does not end"
            if self.failure:
                raise self.failure
    return Background()
