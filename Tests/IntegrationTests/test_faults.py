# SPDX-License-Identifier: Apache-2.0
"""Each kind of system call fails or is cut short while a gate works: clients see a right response or an honest end, and the gate
serves on and keeps nothing.

With FAULTS_COMPLETE=1 each single call of a visit fails in turn; otherwise a sample of them.
"""

import base64
import contextlib
import errno
import hashlib
import os
import random
import socket
import ssl
import urllib.parse

import pytest

from harness.certificates import Authority
from harness.faults import SHORT, Faults
from harness.frames import ConnectionEnded, FrameConnection, StreamReset
from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, Browser, with_parameter
from harness.process import wait_until
from harness.secure import SecureHTTP2, secured, trusting
from harness.tokens import token
from harness.wire import CutShort

#: The errors that the kernel documents for each call, as far as the gate's use can meet them.
ERRORS = {
    "recv": [SHORT, errno.EINTR, errno.EAGAIN, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENOMEM],
    "send": [SHORT, errno.EINTR, errno.EAGAIN, errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS, errno.ENOMEM],
    "sendmsg": [SHORT, errno.EINTR, errno.EAGAIN, errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS, errno.ENOMEM],
    "accept4": [errno.EINTR, errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM],
    "connect": [errno.ECONNREFUSED, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAGAIN, errno.EACCES],
    "socket": [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM],
    "epoll_wait": [SHORT, errno.EINTR],
    "epoll_ctl": [errno.ENOMEM, errno.ENOSPC],
    "getsockopt": [errno.ENOBUFS],
    "setsockopt": [errno.ENOMEM, errno.EINVAL],
}
CASES = [(call, error) for call, errors in ERRORS.items() for error in errors]
IDS = [f"{call}-{'SHORT' if error == SHORT else errno.errorcode[error]}" for call, error in CASES]
#: What a gate says when it cannot reach the app, or has no resources for a request.
HONEST = {500, 502, 503, 504}
#: What happens to these is not the peers' business: nothing may show.
HIDDEN = {SHORT, errno.EINTR, errno.EAGAIN}
HIDDEN_CALLS = {"accept4", "epoll_wait"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
ENDS = (CutShort, ConnectionEnded, StreamReset, ConnectionError, ssl.SSLError)


def content(path: str) -> bytes:
    """Of `/b/SIZE/NAME`: bytes that no other path has."""
    return random.Random(path).randbytes(int(path.split("/")[2]))


def app(request, connection):
    if request.get("Upgrade") == "websocket":
        accept = base64.b64encode(hashlib.sha1(request.get("Sec-WebSocket-Key").encode() + GUID).digest()).decode()
        connection.send(
            f"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
        while data := connection.socket.recv(65536):
            connection.send(data)
        return connection.close()
    if request.method == "POST":
        return connection.respond(200, {}, request.body)
    body = content(request.target)
    if not request.target.startswith("/c"):
        return connection.respond(200, {}, body)
    pieces = [body[i:i + 7000] for i in range(0, len(body), 7000)]
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")


class Visit:
    """What a browser does; each step returns whether the gate did it, and fails when the outcome is neither right nor honest."""

    def __init__(self, gate, app, cookie: dict, http2):
        self.gate, self.app, self.cookie, self.http2 = gate, app, cookie, http2
        self.steps = [self.visitor, self.sign_in, self.bodies, self.upload, self.chunks, self.tunnel, self.streams]

    def run(self) -> list[bool]:
        # So that the gate connects again.
        for connection in self.app.connections:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        self.app.connections.clear()
        return [self.attempt(step) for step in self.steps]

    def attempt(self, step) -> bool:
        try:
            return step()
        except ENDS:
            return False

    def right(self, response, status: int, body: bytes = None) -> bool:
        if response.status in HONEST and response.status != status:
            return False
        assert response.status == status, (response.status, response.fields, response.body[:300])
        assert body is None or response.body == body, f"another body: {len(response.body)} bytes in place of {len(body)}"
        return True

    def visitor(self):
        return self.right(self.gate.exchange("GET", "/page", NAVIGATION), 302)

    def sign_in(self):
        browser = Browser(self.gate)
        response = browser.navigate("/page")
        if not self.right(response, 302):
            return False
        address = browser_address(response)
        response = browser.navigate(with_parameter(address, "jwt", token()), headers=FROM_ANOTHER_SITE)
        return self.right(response, 303) and self.right(browser.fetch("GET", "/b/100/new"), 200, content("/b/100/new"))

    def bodies(self):
        """Two on one connection."""
        with self.gate.connection() as connection:
            first, second = (
                self.right(connection.exchange("GET", path, self.cookie), 200, content(path)) for path in ("/b/70000/x", "/c/30000/y"))
            return first and second

    def upload(self):
        body = content("/b/60000/up")
        return self.right(self.gate.exchange("POST", "/", self.cookie, body), 200, body)

    def chunks(self):
        body = content("/b/20000/chunks")
        framed = b"".join(b"%x\r\n%b\r\n" % (len(body) // 4, body[i:i + len(body) // 4]) for i in range(0, len(body), len(body) // 4))
        return self.right(
            self.gate.exchange("POST", "/", {**self.cookie, "Transfer-Encoding": "chunked"}, framed + b"0\r\n\r\n"), 200, body)

    def tunnel(self):
        with self.gate.connection() as connection:
            connection.request("GET", "/", {
                **self.cookie, "Connection": "upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode()})
            if not self.right(connection.read_head(), 101):
                return False
            sent = content("/b/20000/tunnel")
            connection.send(sent)
            assert connection.read_exactly(len(sent)) == sent
            return True

    def streams(self):
        """Two at once over HTTP/2."""
        connection = self.http2()
        with connection:
            paths = ["/b/50000/h", "/c/20000/i"]
            streams = [connection.request("GET", path, [("cookie", self.cookie["Cookie"])]) for path in paths]
            return all([self.right(connection.response(n), 200, content(path)) for n, path in zip(streams, paths)])


def browser_address(response) -> str:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["return_url"]


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    return Faults(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module", params=["plain", "tls"])
def gate_and_visit(request, faults, module_upstream, start_module_gate, tmp_path_factory):
    module_upstream.answer = app
    options = {}
    if request.param == "tls":
        authority = Authority(tmp_path_factory.mktemp("certificates"))
        options["tls"] = {"certificates": [authority.issue("ec", "DNS:localhost,IP:127.0.0.1").settings]}
    gate = start_module_gate(module_upstream, environment=faults.environment, **options)
    if request.param == "tls":
        secured(gate, trusting(authority))
    http2 = (lambda: SecureHTTP2(gate.port, trusting(authority))) if request.param == "tls" else (lambda: FrameConnection(gate.port))
    visit = Visit(gate, module_upstream, gate.session_cookie(), http2)
    assert all(visit.run())
    return gate, visit


@pytest.fixture
def visit(gate_and_visit, upstream, faults):
    upstream.answer = app
    yield gate_and_visit[1]
    faults.end()


def hidden(call: str, error: int) -> bool:
    return call in HIDDEN_CALLS or error in HIDDEN and call != "connect"


def check(gate, visit, base: int):
    """Afterwards everything works, and no descriptor is left."""
    assert gate.process.is_running(), gate.log()[-3000:]
    assert all(visit.run()), f"it does not work as before\n{gate.log()[-3000:]}"
    wait_until(lambda: gate.process.descriptors() <= base + SLACK, f"{base} descriptors, not {gate.process.descriptors()}")


#: Connections to the app that are kept for the next request.
SLACK = 4
COMPLETE = os.environ.get("FAULTS_COMPLETE") == "1"
SAMPLE = 12


@pytest.mark.parametrize("call, error", CASES, ids=IDS)
def test_each_call_in_turn(visit, faults, call, error):
    gate, base, before = visit.gate, visit.gate.process.descriptors(), faults.calls(call)
    assert all(visit.run())
    made, met = faults.calls(call) - before, 0
    turns = range(made + 3)
    for turn in turns if COMPLETE else sorted(random.Random(f"{call} {error}").sample(turns, min(SAMPLE, made + 3))):
        faults.set(call, error, skip=turn, times=1)
        outcome = visit.run()
        met += faults.count(call)
        faults.end()
        if hidden(call, error):
            assert all(outcome), f"call {turn} of {made}: {outcome}"
    assert met, f"{call} was not called"
    check(gate, visit, base)


@pytest.mark.parametrize("call, error", CASES, ids=IDS)
@pytest.mark.parametrize("every", [2, 3, 7])
def test_again_and_again(visit, faults, call, error, every):
    gate, base = visit.gate, visit.gate.process.descriptors()
    faults.set(call, error, every=every)
    outcome = visit.run()
    assert faults.count(call), f"{call} was not called"
    faults.end()
    if hidden(call, error):
        assert all(outcome), outcome
    check(gate, visit, base)
