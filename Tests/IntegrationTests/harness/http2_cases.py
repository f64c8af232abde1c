# SPDX-License-Identifier: Apache-2.0
"""RFC 9113, sections 3 to 8, and RFC 7541 as a table, interpreted strictly.

Each case sends frames on a new connection `c` and names the expected result. Where the RFC requires a stream error, it
also permits a connection error of the same type (§5.4.1); `stream` does not accept that, `either` does.
"""

from collections import namedtuple

from .frames import (
    ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR,
    GOAWAY, GREATEST_WINDOW, HEADERS, PADDED, PING, PREFACE, PRIORITIZED, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
    REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, block, frame, indexed, indexed_literal, integer,
    literal, setting, string, word)

Case = namedtuple("Case", "section title send expected")
Expected = namedtuple("Expected", "kind code stream")

cases: list[Case] = []


def connection(code):
    return Expected("connection", code, None)


def stream(code, number=1):
    return Expected("stream", code, number)


def either(code, number=1):
    return Expected("either", code, number)


def answered(status=200, number=1):
    return Expected("answered", status, number)


# "error": as `either`, for a client that does not stop sending.
ignored = Expected("ignored", None, None)  # the connection continues: a PING and a request are answered


def case(section, title, expected):
    def add(send):
        cases.append(Case(section, title, send, expected))
        return send
    return add


def table(section, expected, rows):
    for title, send in rows:
        cases.append(Case(section, title, send, expected))


def opened(c, more=b"", number=1):
    """A request whose content is not yet sent."""
    c.send(c.headers(number, c.fields("POST"), end=False) + more)


def ended(c, more=b"", path="/hold", number=1):
    """A complete request whose response has not yet been sent."""
    c.send(c.headers(number, c.fields("GET", path)) + more)


def closed(c, more):
    """A stream that both sides have ended."""
    assert c.response(c.request("GET", "/")).status == 200
    c.send(more)


def without(c, name):
    return [f for f in c.fields() if f[0] != name]


def instead(c, name, value):
    return [(n, value if n == name else v) for n, v in c.fields()]


# 3. Starting

table("3.4", connection(PROTOCOL_ERROR), [
    ("a preface that is wrong at its end", lambda c: c.send(PREFACE[:-4] + b"XX\r\n\r\n")),
    ("PING before SETTINGS", lambda c: c.send(PREFACE + frame(PING, 0, 0, bytes(8)))),
    ("HEADERS before SETTINGS", lambda c: c.send(PREFACE + c.headers(1))),
    ("an acknowledgement before SETTINGS", lambda c: c.send(PREFACE + frame(SETTINGS, ACK))),
    ("an unknown frame before SETTINGS", lambda c: c.send(PREFACE + frame(0xbb))),
])
for position in range(len(cases)):
    cases[position] = cases[position]._replace(title=cases[position].title + " (raw)")


@case("3.4", "SETTINGS come first, and the client's are acknowledged", ignored)
def _(c):
    assert c.read_frame().type == SETTINGS
    assert c.read_until(lambda f: f.type == SETTINGS and f.flags & ACK)


@case("3.4", "the preface byte by byte (raw)", answered())
def _(c):
    for byte in PREFACE + frame(SETTINGS) + c.headers(1):
        c.send(bytes([byte]))


@case("3.4", "a request directly after the preface (raw)", answered())
def _(c):
    c.send(PREFACE + frame(SETTINGS) + c.headers(1))


# 4. Frames

table("4.1", ignored, [
    ("an unknown frame", lambda c: c.send(frame(0xee, 0, 0, bytes(8)))),
    ("an unknown frame on an idle stream", lambda c: c.send(frame(0xee, 0, 9, bytes(8)))),
    ("undefined flags of PING", lambda c: c.send(frame(PING, 0xfe, 0, bytes(8)))),
    ("the reserved bit", lambda c: c.send(frame(PING, 0, 0x80000000, bytes(8)))),
])
table("4.1", answered(), [
    ("undefined flags of HEADERS", lambda c: c.send(c.headers(1, flags=END_HEADERS | 0x40))),
    ("the reserved bit of HEADERS", lambda c: c.send(c.headers(0x80000001))),
    ("undefined flags of DATA", lambda c: opened(c, frame(DATA, END_STREAM | 0x40, 1, b"x"))),
])
table("4.2", answered(), [
    ("DATA of the largest size", lambda c: opened(c, frame(DATA, END_STREAM, 1, bytes(16_384)))),
    ("HEADERS of the largest size", lambda c: c.send(
        frame(HEADERS, END_HEADERS | END_STREAM, 1,
              (lambda b: b + literal("x", "a" * (16_384 - len(b) - 3 - 3)))(block(c.fields()))))),
])
table("4.2", connection(FRAME_SIZE_ERROR), [
    ("HEADERS beyond the largest size", lambda c: c.send(frame(HEADERS, 5, 1, bytes(16_385)))),
    ("SETTINGS beyond the largest size", lambda c: c.send(frame(SETTINGS, 0, 0, bytes(6 * 2731)))),
    ("an unknown frame beyond the largest size", lambda c: c.send(frame(0xee, 0, 0, bytes(16_385)))),
])
table("4.2", either(FRAME_SIZE_ERROR), [
    ("DATA beyond the largest size", lambda c: opened(c, frame(DATA, 0, 1, bytes(16_385)))),
])
table("4.3", connection(COMPRESSION_ERROR), [
    ("a section that cannot be decoded", lambda c: c.send(frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"))),
    ("a section that ends in the middle of a field", lambda c: c.send(frame(HEADERS, 5, 1, b"\x00\x05ab"))),
    ("trailers that cannot be decoded", lambda c: opened(c, frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff\xff"))),
])
table("4.3", connection(PROTOCOL_ERROR), [
    ("PRIORITY within a section", lambda c: c.send(c.headers(1, flags=0) + frame(PRIORITY, 0, 1, bytes(5)))),
    ("HEADERS of another stream within a section", lambda c: c.send(c.headers(1, flags=0) + c.headers(3))),
    ("CONTINUATION of another stream", lambda c: c.send(c.headers(1, flags=0) + frame(CONTINUATION, 4, 3))),
    ("DATA within a section", lambda c: c.send(c.headers(1, flags=0) + frame(DATA, 1, 1))),
    ("an unknown frame within a section", lambda c: c.send(c.headers(1, flags=0) + frame(0xee, 0, 1))),
    ("RST_STREAM within a section", lambda c: c.send(c.headers(1, flags=0) + frame(RST_STREAM, 0, 1, word(8)))),
])


@case("4.3", "the decoder's state is kept after a malformed request", answered(200, 3))
def _(c):
    c.send(frame(HEADERS, 5, 1, indexed_literal("x-kept", "1") + block([("A", "upper case")])))
    c.send(frame(HEADERS, 5, 3, block(c.fields()) + indexed(62)))


# 5. Streams

table("5.1", connection(PROTOCOL_ERROR), [
    ("idle: DATA", lambda c: c.send(frame(DATA, END_STREAM, 1, b"x"))),
    ("idle: RST_STREAM", lambda c: c.send(frame(RST_STREAM, 0, 1, word(CANCEL)))),
    ("idle: WINDOW_UPDATE", lambda c: c.send(frame(WINDOW_UPDATE, 0, 1, word(1)))),
    ("idle: CONTINUATION", lambda c: c.send(frame(CONTINUATION, END_HEADERS, 1, block(c.fields())))),
    ("idle: WINDOW_UPDATE on a server-initiated stream", lambda c: c.send(frame(WINDOW_UPDATE, 0, 2, word(1)))),
])
table("5.1", ignored, [("idle: PRIORITY", lambda c: c.send(frame(PRIORITY, 0, 11, bytes(5))))])
table("5.1", either(STREAM_CLOSED), [
    ("half-closed (remote): DATA", lambda c: ended(c, frame(DATA, 0, 1, b"x"))),
    ("half-closed (remote): HEADERS", lambda c: ended(c, c.headers(1))),
    ("half-closed (remote) by DATA: DATA", lambda c: opened(c, frame(DATA, 1, 1, b"x") + frame(DATA, 1, 1, b"x"))),
    ("half-closed (remote) by trailers: DATA",
     lambda c: opened(c, frame(DATA, 0, 1, b"x") + c.headers(1, [("a", "b")]) + frame(DATA, 1, 1, b"x"))),
])
table("5.1", connection(PROTOCOL_ERROR), [
    ("half-closed (remote): CONTINUATION", lambda c: ended(c, frame(CONTINUATION, END_HEADERS, 1))),
    ("closed: CONTINUATION after the end", lambda c: closed(c, frame(CONTINUATION, END_HEADERS, 1))),
    ("closed: CONTINUATION after RST_STREAM",
     lambda c: opened(c, frame(RST_STREAM, 0, 1, word(8)) + frame(CONTINUATION, END_HEADERS, 1))),
])
table("5.1", ignored, [
    ("half-closed (remote): WINDOW_UPDATE", lambda c: ended(c, frame(WINDOW_UPDATE, 0, 1, word(1)))),
    ("half-closed (remote): PRIORITY", lambda c: ended(c, frame(PRIORITY, 0, 1, bytes(5)))),
    ("half-closed (remote): RST_STREAM", lambda c: ended(c, frame(RST_STREAM, 0, 1, word(8)))),
    ("closed: PRIORITY", lambda c: closed(c, frame(PRIORITY, 0, 1, bytes(5)))),
    ("closed: WINDOW_UPDATE in transit", lambda c: closed(c, frame(WINDOW_UPDATE, 0, 1, word(1)))),
    ("closed: RST_STREAM in transit", lambda c: closed(c, frame(RST_STREAM, 0, 1, word(8)))),
    ("closed by the server's reset: DATA in transit", lambda c: (
        c.send(c.headers(1, without(c, ":path"), end=False)), c.send(frame(DATA, 0, 1, b"x") * 3))),
    ("closed by the server's reset: trailers in transit", lambda c: (
        c.send(c.headers(1, without(c, ":path"), end=False)), c.send(c.headers(1, [("a", "b")])))),
    ("closed by the server's reset: WINDOW_UPDATE and RST_STREAM", lambda c: (
        c.send(c.headers(1, without(c, ":path"), end=False)),
        c.send(frame(WINDOW_UPDATE, 0, 1, word(1)) + frame(RST_STREAM, 0, 1, word(8))))),
])
table("5.1", connection(STREAM_CLOSED), [
    ("closed: DATA after the end", lambda c: closed(c, frame(DATA, 0, 1, b"x"))),
    ("closed: HEADERS after the end", lambda c: closed(c, c.headers(1))),
    ("closed: DATA after RST_STREAM", lambda c: opened(c, frame(RST_STREAM, 0, 1, word(8)) + frame(DATA, 0, 1, b"x"))),
    ("closed: HEADERS after RST_STREAM", lambda c: opened(c, frame(RST_STREAM, 0, 1, word(8)) + c.headers(1))),
])
table("5.1.1", connection(PROTOCOL_ERROR), [
    ("an even number", lambda c: c.send(c.headers(2))),
    ("a number lower than the previous one", lambda c: c.send(c.headers(5) + c.headers(3))),
    ("HEADERS on stream 0", lambda c: c.send(c.headers(0))),
])
table("5.1.1", answered(200, 9), [
    ("numbers may be skipped", lambda c: c.send(c.headers(9))),
    ("other streams are closed by a higher number", lambda c: c.send(c.headers(3) + c.headers(9))),
])


@case("5.1.2", "one request more than the limit", stream(REFUSED_STREAM, 2 * 128 + 1))
def _(c):
    for number in range(129):
        c.send(c.headers(2 * number + 1, c.fields("POST"), end=False))


@case("5.1.2", "frames of a refused request in transit", ignored)
def _(c):
    for number in range(129):
        c.send(c.headers(2 * number + 1, c.fields("POST"), end=False))
    c.send(frame(DATA, END_STREAM, 257, b"x"))
    for number in range(128):
        c.send(frame(RST_STREAM, 0, 2 * number + 1, word(CANCEL)))


@case("5.4.1", "GOAWAY names the last stream that was processed", connection(PROTOCOL_ERROR))
def _(c):
    closed(c, frame(DATA, 0, 0, b"x"))
    c.read_all()
    assert c.last_stream == 1


@case("5.4.2", "RST_STREAM is not answered with RST_STREAM", ignored)
def _(c):
    ended(c, frame(RST_STREAM, 0, 1, word(CANCEL)))
    assert c.is_alive() and c.reset_code(1) is None


table("5.5", ignored, [
    ("an unknown frame on an open stream", lambda c: opened(c, frame(0xee, 0xff, 1, b"x"))),
    ("an unknown setting", lambda c: c.send(frame(SETTINGS, 0, 0, setting(0xfefe, 7)))),
])

# 6. Frame definitions

table("6.1", connection(PROTOCOL_ERROR), [
    ("DATA on stream 0", lambda c: c.send(frame(DATA, END_STREAM, 0, b"x"))),
    ("padding as long as the payload", lambda c: opened(c, frame(DATA, PADDED, 1, b"\x01"))),
    ("padding longer than the payload", lambda c: opened(c, frame(DATA, PADDED, 1, b"\x05abc"))),
])
table("6.1", either(FRAME_SIZE_ERROR), [
    ("padded DATA without the padding's length", lambda c: opened(c, frame(DATA, PADDED, 1))),
])
table("6.1", answered(), [
    ("padded DATA", lambda c: opened(c, frame(DATA, PADDED | END_STREAM, 1, b"\x04body" + bytes(4)))),
    ("padding only", lambda c: opened(c, frame(DATA, PADDED | END_STREAM, 1, b"\x04" + bytes(4)))),
    ("empty DATA as the end", lambda c: opened(c, frame(DATA, END_STREAM, 1))),
])
table("6.2", connection(PROTOCOL_ERROR), [
    ("padding longer than the payload", lambda c: c.send(frame(HEADERS, 5 | PADDED, 1, b"\xff" + block(c.fields())[:20]))),
])
table("6.2", answered(), [
    ("padded", lambda c: c.send(frame(HEADERS, 5 | PADDED, 1, b"\x03" + block(c.fields()) + bytes(3)))),
    ("with priority", lambda c: c.send(frame(HEADERS, 5 | PRIORITIZED, 1, bytes(5) + block(c.fields())))),
    ("with padding and priority",
     lambda c: c.send(frame(HEADERS, 5 | PADDED | PRIORITIZED, 1, b"\x03" + bytes(5) + block(c.fields()) + bytes(3)))),
])
table("6.2", either(FRAME_SIZE_ERROR), [
    ("with priority, but too short for it", lambda c: c.send(frame(HEADERS, 5 | PRIORITIZED, 1, bytes(3)))),
])
table("6.3", connection(PROTOCOL_ERROR), [
    ("PRIORITY on stream 0", lambda c: c.send(frame(PRIORITY, 0, 0, bytes(5)))),
])
table("6.3", either(FRAME_SIZE_ERROR), [
    ("PRIORITY that is too short", lambda c: ended(c, frame(PRIORITY, 0, 1, bytes(4)))),
    ("PRIORITY that is too long", lambda c: ended(c, frame(PRIORITY, 0, 1, bytes(6)))),
])
table("6.4", connection(PROTOCOL_ERROR), [
    ("RST_STREAM on stream 0", lambda c: c.send(frame(RST_STREAM, 0, 0, word(8)))),
])
table("6.4", connection(FRAME_SIZE_ERROR), [
    ("RST_STREAM that is too short", lambda c: opened(c, frame(RST_STREAM, 0, 1, bytes(3)))),
    ("RST_STREAM that is too long", lambda c: opened(c, frame(RST_STREAM, 0, 1, bytes(5)))),
    ("RST_STREAM that is too long, on a closed stream", lambda c: closed(c, frame(RST_STREAM, 0, 1, bytes(5)))),
])
table("6.5", connection(FRAME_SIZE_ERROR), [
    ("an acknowledgement with content", lambda c: c.send(frame(SETTINGS, ACK, 0, setting(1, 1)))),
    ("SETTINGS of an odd length", lambda c: c.send(frame(SETTINGS, 0, 0, bytes(5)))),
])
table("6.5", connection(PROTOCOL_ERROR), [
    ("SETTINGS on a stream", lambda c: c.send(frame(SETTINGS, 0, 1, setting(1, 1)))),
    ("an acknowledgement on a stream", lambda c: c.send(frame(SETTINGS, ACK, 1))),
])
table("6.5.2", connection(PROTOCOL_ERROR), [
    ("ENABLE_PUSH neither 0 nor 1", lambda c: c.send(frame(SETTINGS, 0, 0, setting(2, 2)))),
    ("MAX_FRAME_SIZE too small", lambda c: c.send(frame(SETTINGS, 0, 0, setting(5, 16_383)))),
    ("MAX_FRAME_SIZE too large", lambda c: c.send(frame(SETTINGS, 0, 0, setting(5, 1 << 24)))),
])
table("6.5.2", connection(FLOW_CONTROL_ERROR), [
    ("INITIAL_WINDOW_SIZE too large", lambda c: c.send(frame(SETTINGS, 0, 0, setting(4, 1 << 31)))),
])
table("6.5.2", ignored, [
    ("all settings at their bounds", lambda c: c.send(frame(
        SETTINGS, 0, 0, setting(1, 0) + setting(2, 0) + setting(3, 0) + setting(4, GREATEST_WINDOW)
        + setting(5, 16_384) + setting(6, 0)))),
])


@case("6.5.3", "each SETTINGS is acknowledged", ignored)
def _(c):
    c.send(frame(SETTINGS, 0, 0, setting(3, 10)) + frame(SETTINGS))
    for _ in range(3):
        c.read_until(lambda f: f.type == SETTINGS and f.flags & ACK)


@case("6.5.3", "the last of two values applies", answered())
def _(c):
    c.updates_windows = False
    c.send(frame(SETTINGS, 0, 0, setting(4, 100) + setting(4, 3)) + c.headers(1))
    assert len(c.read_until(lambda f: f.type == DATA).payload) == 3
    c.send(frame(WINDOW_UPDATE, 0, 1, word(1 << 20)))


table("6.6", connection(PROTOCOL_ERROR), [
    ("PUSH_PROMISE from a client", lambda c: ended(c, frame(PUSH_PROMISE, END_HEADERS, 1, word(2) + block(c.fields())))),
])


@case("6.7", "PING is answered with its payload", ignored)
def _(c):
    c.send(frame(PING, 0, 0, b"opaque!!"))
    assert c.read_until(lambda f: f.type == PING) == (PING, ACK, 0, b"opaque!!")


@case("6.7", "an acknowledgement of PING is not answered", ignored)
def _(c):
    c.send(frame(PING, ACK, 0, b"answer!!"))
    assert c.is_alive()
    assert all(f.payload != b"answer!!" for f in c.frames if f.type == PING)


table("6.7", connection(PROTOCOL_ERROR), [("PING on a stream", lambda c: ended(c, frame(PING, 0, 1, bytes(8))))])
table("6.7", connection(FRAME_SIZE_ERROR), [
    ("PING that is too short", lambda c: c.send(frame(PING, 0, 0, bytes(7)))),
    ("PING that is too long", lambda c: c.send(frame(PING, 0, 0, bytes(9)))),
    ("an empty acknowledgement of PING", lambda c: c.send(frame(PING, ACK))),
])
table("6.8", connection(PROTOCOL_ERROR), [
    ("GOAWAY on a stream", lambda c: c.send(frame(GOAWAY, 0, 1, word(0) + word(0)))),
])
table("6.8", connection(FRAME_SIZE_ERROR), [("GOAWAY that is too short", lambda c: c.send(frame(GOAWAY, 0, 0, bytes(7))))])
table("6.8", answered(), [
    ("requests before the client's GOAWAY are answered", lambda c: ended(c, frame(GOAWAY, 0, 0, word(0) + word(0)), "/")),
])
table("6.9", connection(PROTOCOL_ERROR), [
    ("an increment of 0 for the connection", lambda c: c.send(frame(WINDOW_UPDATE, 0, 0, word(0)))),
])
table("6.9", either(PROTOCOL_ERROR), [
    ("an increment of 0 for a stream", lambda c: ended(c, frame(WINDOW_UPDATE, 0, 1, word(0)))),
])
table("6.9", connection(FRAME_SIZE_ERROR), [
    ("WINDOW_UPDATE that is too short", lambda c: c.send(frame(WINDOW_UPDATE, 0, 0, bytes(3)))),
    ("WINDOW_UPDATE that is too long", lambda c: ended(c, frame(WINDOW_UPDATE, 0, 1, bytes(5)))),
    ("WINDOW_UPDATE that is too short, on a closed stream", lambda c: closed(c, frame(WINDOW_UPDATE, 0, 1, bytes(3)))),
])
table("6.9.1", connection(FLOW_CONTROL_ERROR), [
    ("the connection's window beyond 2^31 - 1", lambda c: c.send(frame(WINDOW_UPDATE, 0, 0, word(GREATEST_WINDOW)))),
])
table("6.9.1", either(FLOW_CONTROL_ERROR), [
    ("a stream's window beyond 2^31 - 1", lambda c: ended(c, frame(WINDOW_UPDATE, 0, 1, word(GREATEST_WINDOW)))),
])
table("6.9.1", Expected("error", FLOW_CONTROL_ERROR, 1), [
    ("more content than the stream's window", lambda c: (
        c.send(c.headers(1, c.fields("POST", "/hold-body"), end=False)),
        any(not c.send_quietly(frame(DATA, 0, 1, bytes(16_384))) for _ in range(2000)))),
])


@case("6.9.1", "no content beyond the window", answered())
def _(c):
    c.updates_windows = False
    c.send(frame(SETTINGS, 0, 0, setting(4, 1)) + c.headers(1))
    assert c.read_until(lambda f: f.type == DATA).payload == b"{"
    assert c.is_alive() and len(c.content(1)) == 1
    c.send(frame(WINDOW_UPDATE, 0, 1, word(1 << 20)))


@case("6.9.1", "an empty frame may end a stream whose window is empty", answered())
def _(c):
    c.updates_windows = False
    c.send(frame(SETTINGS, 0, 0, setting(4, 5)) + c.headers(1, c.fields("GET", "/bytes/5")))


@case("6.9.2", "a window of 0 delays content only", answered())
def _(c):
    c.send(frame(SETTINGS, 0, 0, setting(4, 0)) + c.headers(1))
    c.read_until(lambda f: f.type == HEADERS)
    assert c.is_alive() and not c.content(1)
    c.send(frame(SETTINGS, 0, 0, setting(4, 65_535)))


@case("6.9.2", "a window can become negative", answered())
def _(c):
    c.updates_windows = False
    c.send(frame(SETTINGS, 0, 0, setting(4, 3)) + c.headers(1))
    c.read_until(lambda f: f.type == DATA)
    c.send(frame(SETTINGS, 0, 0, setting(4, 2)) + frame(WINDOW_UPDATE, 0, 1, word(1)))  # 3 - 3 - 1 + 1
    assert c.is_alive() and len(c.content(1)) == 3
    c.send(frame(WINDOW_UPDATE, 0, 1, word(2)))
    assert len(c.read_until(lambda f: f.type == DATA).payload) == 2
    c.send(frame(WINDOW_UPDATE, 0, 1, word(1 << 20)))


@case("6.9.2", "SETTINGS that take a window beyond 2^31 - 1", connection(FLOW_CONTROL_ERROR))
def _(c):
    c.updates_windows = False
    c.send(frame(SETTINGS, 0, 0, setting(4, 0)) + c.headers(1, c.fields("GET", "/hold")))
    c.send(frame(WINDOW_UPDATE, 0, 1, word(GREATEST_WINDOW)) + frame(SETTINGS, 0, 0, setting(4, 1)))


def continued(c, pieces, number=1):
    text = block(c.fields())
    size = len(text) // pieces + 1
    parts = [text[at:at + size] for at in range(0, len(text), size)]
    out = frame(HEADERS, END_STREAM, number, parts[0])
    for part in parts[1:-1]:
        out += frame(CONTINUATION, 0, number, part)
    return out + frame(CONTINUATION, END_HEADERS, number, parts[-1])


table("6.10", answered(), [
    ("one CONTINUATION", lambda c: c.send(continued(c, 2))),
    ("five CONTINUATIONs", lambda c: c.send(continued(c, 6))),
    ("an empty CONTINUATION at the end", lambda c: c.send(c.headers(1, flags=0) + frame(CONTINUATION, END_HEADERS, 1))),
    ("HEADERS without a byte of the section",
     lambda c: c.send(frame(HEADERS, END_STREAM, 1) + frame(CONTINUATION, END_HEADERS, 1, block(c.fields())))),
])
table("6.10", connection(PROTOCOL_ERROR), [
    ("on stream 0", lambda c: c.send(c.headers(1, flags=0) + frame(CONTINUATION, END_HEADERS, 0))),
    ("after HEADERS with END_HEADERS", lambda c: c.send(c.headers(1, c.fields("GET", "/hold")) + frame(CONTINUATION, 4, 1))),
    ("after CONTINUATION with END_HEADERS", lambda c: c.send(continued(c, 2) + frame(CONTINUATION, END_HEADERS, 1))),
    ("after DATA", lambda c: opened(c, frame(DATA, 0, 1, b"x") + frame(CONTINUATION, END_HEADERS, 1))),
    ("followed by another frame", lambda c: c.send(
        c.headers(1, flags=0) + frame(CONTINUATION, 0, 1) + frame(DATA, 1, 1, b"x"))),
])

# 7. Error codes

table("7", ignored, [
    ("RST_STREAM with an unknown code", lambda c: ended(c, frame(RST_STREAM, 0, 1, word(0xfefefefe)))),
])
table("7", answered(), [
    ("GOAWAY with an unknown code", lambda c: ended(c, frame(GOAWAY, 0, 0, word(0) + word(0xfefefefe)), "/")),
])

# 8. HTTP

table("8.1", stream(PROTOCOL_ERROR), [
    ("a second section that does not end the request", lambda c: opened(c, c.headers(1, [("a", "b")], end=False))),
    ("a pseudo-header field in trailers", lambda c: opened(c, c.headers(1, [(":path", "/")]))),
    ("upper case in trailers", lambda c: opened(c, c.headers(1, [("A", "b")]))),
    ("a connection-specific field in trailers", lambda c: opened(c, c.headers(1, [("connection", "a")]))),
])
table("8.1", answered(), [
    ("trailers", lambda c: opened(c, frame(DATA, 0, 1, b"x") + c.headers(1, [("x-checksum", "1")]))),
    ("empty trailers", lambda c: opened(c, frame(DATA, 0, 1, b"x") + c.headers(1, []))),
    ("the same connection for a hundred requests", lambda c: [c.get() for _ in range(100)][0]),
])
table("8.1.1", stream(PROTOCOL_ERROR), [
    ("less content than Content-Length", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "5")]), end=False) + frame(DATA, 1, 1, b"1234"))),
    ("more content than Content-Length", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "5")]), end=False) + frame(DATA, 1, 1, b"123456"))),
    ("more content, in several frames", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "5")]), end=False) + frame(DATA, 0, 1, b"123") * 2)),
    ("less content, then trailers", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "5")]), end=False) + frame(DATA, 0, 1, b"123")
        + c.headers(1, [("a", "b")]))),
    ("no content at all", lambda c: c.send(c.headers(1, c.fields("POST", fields=[("content-length", "5")])))),
    ("a Content-Length that is not a number",
     lambda c: c.send(c.headers(1, c.fields("POST", fields=[("content-length", "5x")]), end=False))),
    ("two Content-Lengths", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "5"), ("content-length", "5")]), end=False))),
])
table("8.1.1", answered(), [
    ("as much content as Content-Length", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "5")]), end=False) + frame(DATA, 1, 1, b"12345"))),
    ("a Content-Length of 0, ended by DATA", lambda c: c.send(
        c.headers(1, c.fields("POST", fields=[("content-length", "0")]), end=False) + frame(DATA, 1, 1))),
])
table("8.2", stream(PROTOCOL_ERROR), [
    ("upper case in a name", lambda c: c.send(c.headers(1, c.fields(fields=[("X-A", "b")])))),
])
table("8.2.1", stream(PROTOCOL_ERROR), [
    (f"a name with {name!r}", lambda c, name=name: c.send(c.headers(1, c.fields(fields=[(name, "b")]))))
    for name in ("", "a b", "a:b", "a\x00", "a\r", "a\n", "a\x7f", "a\xe9", " a", "a(")
])
table("8.2.1", stream(PROTOCOL_ERROR), [
    (f"a value with {value!r}", lambda c, value=value: c.send(c.headers(1, c.fields(fields=[("a", value)]))))
    for value in ("b\x00", "b\r", "b\n", "b\r\nc: d", " b", "b ", "\tb", "b\t", "a longer value with a\nline end")
])
table("8.2.2", stream(PROTOCOL_ERROR), [
    (f"{name}: {value}", lambda c, name=name, value=value: c.send(c.headers(1, c.fields(fields=[(name, value)]))))
    for name, value in (("connection", "keep-alive"), ("connection", "close"), ("keep-alive", "timeout=60"),
                        ("proxy-connection", "keep-alive"), ("transfer-encoding", "chunked"), ("upgrade", "websocket"),
                        ("te", "gzip"), ("te", "trailers, deflate"))
])
table("8.2.2", answered(), [
    ("te: trailers", lambda c: c.send(c.headers(1, c.fields(fields=[("te", "trailers")])))),
])
table("8.3", stream(PROTOCOL_ERROR), [
    ("an unknown pseudo-header field", lambda c: c.send(c.headers(1, [(":x", "y")] + c.fields()))),
    ("a response's pseudo-header field", lambda c: c.send(c.headers(1, [(":status", "200")] + c.fields()))),
    ("a pseudo-header field after a field", lambda c: c.send(c.headers(1, [("x", "y")] + c.fields()))),
    ("a name that is a colon", lambda c: c.send(c.headers(1, [(":", "y")] + c.fields()))),
])
table("8.3.1", stream(PROTOCOL_ERROR), [
    *((f"no {name}", lambda c, name=name: c.send(c.headers(1, without(c, name)))) for name in
      (":method", ":scheme", ":path")),
    *((f"{name} twice", lambda c, name=name: c.send(c.headers(1, [f for f in c.fields() if f[0] == name] + c.fields())))
      for name in (":method", ":scheme", ":path", ":authority")),
    *((f"{name} is {value!r}", lambda c, name=name, value=value: c.send(c.headers(1, instead(c, name, value))))
      for name, value in ((":path", ""), (":path", "a"), (":path", "/a b"), (":path", "*"), (":path", "http://a/"),
                          (":method", ""), (":method", "GE T"), (":scheme", ""), (":scheme", "mailto"),
                          (":authority", ""), (":authority", "a b"), (":authority", "a\r\nb"))),
    ("a Host that differs", lambda c: c.send(c.headers(1, c.fields(fields=[("host", "other.example")])))),
    ("two Hosts", lambda c: c.send(c.headers(1, without(c, ":authority") + [("host", "a"), ("host", "b")]))),
    (":protocol without CONNECT", lambda c: c.send(c.headers(1, [(":protocol", "websocket")] + c.fields()))),
])
table("8.3.1", answered(400), [
    ("user information in :authority", lambda c: c.send(c.headers(1, instead(c, ":authority", "a@b")))),
    ("neither :authority nor Host", lambda c: c.send(c.headers(1, without(c, ":authority")))),
    ("a fragment in :path", lambda c: c.send(c.headers(1, instead(c, ":path", "/a#b")))),
])
table("8.3.1", answered(), [
    ("Host in place of :authority",
     lambda c: c.send(c.headers(1, without(c, ":authority") + [("host", c.authority)]))),
    ("a Host with the same value", lambda c: c.send(c.headers(1, c.fields(fields=[("host", c.authority)])))),
    ("OPTIONS *", lambda c: c.send(c.headers(1, instead(c, ":path", "*")[1:] and
                                             [(n, {":method": "OPTIONS", ":path": "*"}.get(n, v)) for n, v in c.fields()]))),
])
table("8.4", connection(PROTOCOL_ERROR), [
    ("PUSH_PROMISE on an open stream", lambda c: opened(c, frame(PUSH_PROMISE, END_HEADERS, 1, word(2)))),
])
table("8.5", stream(PROTOCOL_ERROR), [
    ("CONNECT with :path", lambda c: c.send(c.headers(1, [(":method", "CONNECT"), (":authority", "a:1"), (":path", "/")]))),
    ("CONNECT with :scheme", lambda c: c.send(
        c.headers(1, [(":method", "CONNECT"), (":authority", "a:1"), (":scheme", "http")]))),
    ("CONNECT without :authority", lambda c: c.send(c.headers(1, [(":method", "CONNECT")]))),
])
table("8.5", answered(501), [
    ("CONNECT", lambda c: c.send(c.headers(1, [(":method", "CONNECT"), (":authority", "a:1")]))),
])

# RFC 7541

table("7541 2.3.3", connection(COMPRESSION_ERROR), [
    ("an index beyond both tables", lambda c: c.send(frame(HEADERS, 5, 1, indexed(62)))),
    ("a name's index beyond both tables", lambda c: c.send(frame(HEADERS, 5, 1, integer(70, 6, 0x40) + string("x")))),
])
table("7541 4.2", connection(COMPRESSION_ERROR), [
    ("a table size beyond the setting", lambda c: c.send(frame(HEADERS, 5, 1, integer(4097, 5, 0x20) + block(c.fields())))),
    ("a table size after a field", lambda c: c.send(frame(HEADERS, 5, 1, block(c.fields()) + integer(0, 5, 0x20)))),
])
table("7541 5.1", connection(COMPRESSION_ERROR), [
    ("an integer that overflows", lambda c: c.send(frame(HEADERS, 5, 1, b"\xff" + b"\xff" * 9 + b"\x7f"))),
    ("an integer that ends too early", lambda c: c.send(frame(HEADERS, 5, 1, b"\xff\x80"))),
])
table("7541 5.2", connection(COMPRESSION_ERROR), [
    ("a string longer than the section", lambda c: c.send(frame(HEADERS, 5, 1, b"\x00\x01a\x7f\x10b"))),
    ("Huffman padding of more than 7 bits", lambda c: c.send(frame(HEADERS, 5, 1, b"\x00\x01a\x82\x1f\xff"))),
    ("Huffman padding that is not EOS", lambda c: c.send(frame(HEADERS, 5, 1, b"\x00\x01a\x81\x18"))),
    ("Huffman text that contains EOS", lambda c: c.send(frame(HEADERS, 5, 1, b"\x00\x01a\x84\xff\xff\xff\xff"))),
])
table("7541 5.2", answered(), [
    ("Huffman text", lambda c: c.send(frame(HEADERS, 5, 1, block(c.fields()) + b"\x00\x01a\x81\x1f"))),
])
table("7541 6.1", connection(COMPRESSION_ERROR), [("index 0", lambda c: c.send(frame(HEADERS, 5, 1, b"\x80")))])
table("7541 6.1", answered(), [
    ("fields of the static table", lambda c: c.send(frame(
        HEADERS, 5, 1, indexed(2) + indexed(6) + indexed(4) + block(c.fields()[3:])))),
])
table("7541 6.2.1", answered(), [
    ("a literal into the table, and by its index", lambda c: c.send(frame(
        HEADERS, 5, 1, block(c.fields()) + indexed_literal("x-a", "1") + indexed(62)))),
])
table("7541 6.2.3", answered(), [
    ("a never-indexed literal", lambda c: c.send(frame(
        HEADERS, 5, 1, block(c.fields()) + b"\x10" + string("x-a") + string("1")))),
    ("a literal with a name of the static table", lambda c: c.send(frame(
        HEADERS, 5, 1, block(c.fields()) + integer(58, 4, 0) + string("browser")))),
])
table("7541 6.3", answered(), [
    ("a table size before the fields",
     lambda c: c.send(frame(HEADERS, 5, 1, integer(0, 5, 0x20) + integer(4096, 5, 0x20) + block(c.fields())))),
])


@case("7541 4.3", "a table of size 0 holds nothing", connection(COMPRESSION_ERROR))
def _(c):
    c.send(frame(HEADERS, 5, 1, block(c.fields()) + indexed_literal("x-a", "1")))
    c.send(frame(HEADERS, 5, 3, integer(0, 5, 0x20) + block(c.fields()) + indexed(62)))


@case("7541 4.4", "an entry larger than the table empties it", connection(COMPRESSION_ERROR))
def _(c):
    c.send(frame(HEADERS, 5, 1, block(c.fields()) + indexed_literal("x-a", "1") + indexed_literal("x-b", "b" * 4096)))
    c.send(frame(HEADERS, 5, 3, block(c.fields()) + indexed(62)))


# Requirements of the sections above for responses, and other requirements.

@case("3.4", "the server's preface does not wait for the client's (raw)", ignored)
def _(c):
    c.send(PREFACE[:20])
    c.send(PREFACE[20:] + frame(SETTINGS))
    assert c.read_frame().type == SETTINGS


table("5.3.1", either(PROTOCOL_ERROR), [
    ("a stream that depends on itself", lambda c: c.send(
        frame(HEADERS, 5 | PRIORITIZED, 1, word(1) + b"\x10" + block(c.fields())))),
    ("PRIORITY on itself", lambda c: opened(c, frame(PRIORITY, 0, 1, word(1) + b"\x10"))),
])


@case("6.5.2", "the client's HEADER_TABLE_SIZE limits the server's compression", ignored)
def _(c):
    c.decoder.max_allowed_table_size = 0
    c.send(frame(SETTINGS, 0, 0, setting(1, 0)))
    for _ in range(3):
        assert c.get("/").status == 200


@case("6.5.2", "the client's MAX_FRAME_SIZE limits the server's frames", answered())
def _(c):
    c.send(frame(SETTINGS, 0, 0, setting(5, 20_000)) + c.headers(1, c.fields("GET", "/bytes/100000")))


@case("6.5.3", "one acknowledgement too many", ignored)
def _(c):
    c.send(frame(SETTINGS, ACK) + frame(SETTINGS, ACK))


@case("6.9", "padding counts, and its window is returned", answered())
def _(c):
    opened(c)
    for _ in range(20):
        c.data_frame(1, b"\xff" + b"x" * 10_000 + bytes(255), PADDED)
    c.send(frame(DATA, END_STREAM, 1))


@case("6.9", "ignored DATA on a closed stream counts for the connection's window", answered(200, 3))
def _(c):
    """More than the connection's window in total."""
    c.send(c.headers(1, without(c, ":path"), end=False))
    c.read_until(lambda f: f.type == RST_STREAM)
    for _ in range(120):
        c.data_frame(None, bytes(16_000), 0, on=1)
    c.send(c.headers(3))


@case("8.1", "HEAD's response has no content", answered())
def _(c):
    c.send(c.headers(1, c.fields("HEAD")))
    assert c.response(1).body == b""


for status in 204, 304:
    @case("8.1", f"{status} ends with its head", answered(status))
    def _(c, status=status):
        c.send(c.headers(1, c.fields("GET", f"/status/{status}")))
        c.response(1)
        assert not any(f.type == DATA for f in c.frames)


@case("8.1", "a response before the request's end, and the rest is not read", ignored)
def _(c):
    c.send(c.headers(1, [f for f in c.fields("POST") if f[0] != "cookie"], end=False))
    assert c.response(1).status == 401
    got = c.read_until(lambda f: f.type == RST_STREAM and f.stream == 1)
    assert int.from_bytes(got.payload, "big") == 0
    c.send(frame(DATA, END_STREAM, 1, b"that was on its way"))


@case("8.1", "an informational response comes first", answered())
def _(c):
    c.send(c.headers(1, c.fields("GET", "/early-hints")))
    assert [r.status for r in c.response(1).interim] == [103]


@case("8.2", "a response's names are in lower case", ignored)
def _(c):
    response = c.get("/trailers")
    assert all(name == name.lower() for name, _ in response.fields + response.trailers)


@case("8.2.2", "connection-specific fields of the app are not forwarded", ignored)
def _(c):
    names = {name for name, _ in c.get("/trailers").fields}
    assert not names & {"connection", "keep-alive", "transfer-encoding", "x-hop", "proxy-connection", "upgrade"}


@case("8.2.3", "the parts of a cookie are one field for the app", ignored)
def _(c):
    c.send(c.headers(1, c.fields() + [("cookie", "crumb=1"), ("x-between", "1"), ("cookie", "crumb2=2")]))
    assert "crumb=1; crumb2=2" in c.response(1).text


@case("8.3.2", ":status comes first, and is the only pseudo-header field", ignored)
def _(c):
    c.get("/")
    section = c.sections[1][-1]
    assert section[0] == (":status", "200") and not any(n.startswith(":") for n, _ in section[1:])


@case("8.7", "a refused request may be sent again", ignored)
def _(c):
    for number in range(129):
        c.send(c.headers(2 * number + 1, c.fields("POST"), end=False))
    c.read_until(lambda f: f.type == RST_STREAM and f.payload == word(REFUSED_STREAM))
    for number in range(128):
        c.send(frame(RST_STREAM, 0, 2 * number + 1, word(CANCEL)))
    c.send(c.headers(259))
    assert c.response(259).status == 200


@case("7541 5.2", "a string of length 0", answered())
def _(c):
    c.send(frame(HEADERS, 5, 1, block(c.fields() + [("x-empty", "")])))


@case("7541 6.2.2", "a literal that is not indexed does not change the table", connection(COMPRESSION_ERROR))
def _(c):
    c.send(frame(HEADERS, 5, 1, block(c.fields()) + literal("x-not-kept", "1")))
    c.send(frame(HEADERS, 5, 3, block(c.fields()) + indexed(62)))
