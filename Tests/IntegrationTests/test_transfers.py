# SPDX-License-Identifier: Apache-2.0
"""Transfers of random size in both directions at once, compared by hash, over every pair of protocols, with peers that
stall, trickle and reset."""

import hashlib
import random
import socket
import threading
import time

import pytest

from harness import frames as h2
from harness.frames import FrameConnection, StreamReset, frame, word
from harness.h2_upstream import H2Upstream
from harness.upstream import Closed, Upstream
from harness.wire import CutShort

SEED = 20
MEGABYTE = 1 << 20


def content(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class App:
    """POST /SEED/SIZE/HOW reads the content and responds with `SIZE` bytes, and its hash in a field or a trailer.

    HOW: `plain`; `slow`, with pauses during reading and writing; `trickle`, in pieces of a few bytes; `early`, a response
    that begins before the content has arrived; `reset`, a response that breaks off in the middle.
    """

    def __init__(self, protocol: str):
        self.protocol = protocol
        self.app = H2Upstream() if protocol == "h2c" else Upstream()
        self.seen = {}  # path: the hash of the received content
        if protocol == "h2c":
            self.app.began = self.serve_http2
            self.app.answer = lambda request: None
        else:
            self.app.serve = self.serve_http1

    def close(self):
        (self.app.close if self.protocol == "h2c" else self.app.stop)()

    @staticmethod
    def pieces(path: str):
        """The pieces of the response; None for a break."""
        seed, size, how = path.strip("/").split("/")
        data, generator = content(int(seed), int(size)), random.Random(int(seed) + 1)
        at = 0
        while at < len(data):
            if how == "reset" and at >= len(data) // 2:
                yield None
                return
            step = generator.randrange(1, 40) if how == "trickle" and at < 3000 else generator.randrange(1, 70_000)
            if how == "slow" and generator.random() < 0.2:
                time.sleep(0.01)
            yield data[at:at + step]
            at += step
        if how == "reset":
            yield None

    def serve_http2(self, request):
        how = request.target.rsplit("/", 1)[-1]
        if how == "early":
            request.head(200)
            first = True
        else:
            first = False
            assert request.is_over.wait(30)
        if how != "early":
            self.seen[request.target] = digest(request.body)
            request.head(200, [("x-hash", digest(request.body))])
        for piece in self.pieces(request.target):
            if piece is None:
                return request.refuse(h2.INTERNAL_ERROR)
            request.data(piece)
        if first:
            assert request.is_over.wait(30)
            self.seen[request.target] = digest(request.body)
        request.data(b"", end=True)

    def serve_http1(self, connection):
        try:
            while True:
                request = connection.read_head()
                how = request.target.rsplit("/", 1)[-1]
                chunked = "Transfer-Encoding: chunked\r\n"
                body = hashlib.sha256()
                generator, reader = random.Random(5), None

                def take():
                    try:
                        for piece in connection.body_pieces(request):
                            body.update(piece)
                            if how == "slow" and generator.random() < 0.05:
                                time.sleep(0.01)
                    except (Closed, OSError):
                        if threading.current_thread() is not reader:
                            raise
                if how == "early":
                    connection.send(f"HTTP/1.1 200 OK\r\n{chunked}\r\n")
                    reader = threading.Thread(target=take, daemon=True)
                    reader.start()
                else:
                    take()
                    connection.send(f"HTTP/1.1 200 OK\r\n{chunked}X-Hash: {body.hexdigest()}\r\n\r\n")
                for piece in self.pieces(request.target):
                    if piece is None:
                        return connection.reset()
                    connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                if how == "early":
                    reader.join(30)
                self.seen[request.target] = body.hexdigest()
                connection.send("0\r\n\r\n")
        except (Closed, OSError):
            connection.close()


@pytest.fixture(scope="module", params=["http1", "h2c"])
def app(request):
    app = App(request.param)
    yield app
    app.close()


@pytest.fixture(scope="module")
def gate(app, start_module_gate):
    gate = start_module_gate(app.app.url)
    gate.cookie = gate.session_cookie()["Cookie"]
    return gate


class Job:
    """One stream of a client: the content to send, and its behaviour."""

    def __init__(self, number: int, generator):
        self.upload = content(number + 10_000, generator.choice([0, 1, 100, 65_535, generator.randrange(300_000)]))
        self.size = generator.choice([1, 1000, 65_536, generator.randrange(500_000)])
        self.how = generator.choice(["plain", "plain", "slow", "trickle", "early", "reset"])
        self.path = f"/{number}/{self.size}/{self.how}"
        self.number = number
        self.at = 0
        self.is_sent = False
        self.cancels = generator.random() < 0.15

    def expects_break(self) -> bool:
        return self.how == "reset"


def check(job, body, hash_field, app):
    assert body == content(job.number, job.size), job.path
    if job.how != "early":
        assert hash_field == digest(job.upload), job.path
    assert app.seen[job.path] == digest(job.upload), job.path


@pytest.mark.parametrize("seed", range(8))
def test_streams_of_one_connection(app, gate, seed):
    """A client that interleaves its uploads as the windows allow, stalls some downloads and cancels some streams."""
    generator = random.Random(SEED + seed)
    with FrameConnection(gate.port, timeout=30) as c:
        c.cookie = gate.cookie
        jobs = {}
        for index in range(24):
            job = Job(1000 * seed + index, generator)
            jobs[c.request("POST", job.path, end=False)] = job
        stalled = set(generator.sample(sorted(jobs), 6))
        c.stalled |= stalled
        sent, looked = 0, 0
        windows = {0: 65_535, **{stream: 65_535 for stream in jobs}}
        sending = sorted(jobs)
        while sending:
            while looked < len(c.frames):
                got = c.frames[looked]
                looked += 1
                if got.type == h2.WINDOW_UPDATE and got.stream in windows:
                    windows[got.stream] += int.from_bytes(got.payload, "big")
                elif got.type == h2.RST_STREAM and got.stream in sending:
                    sending.remove(got.stream)
            ready = [s for s in sending if windows[s] > 0 and windows[0] > 0 or jobs[s].at == len(jobs[s].upload)]
            if not ready:
                if not sending:
                    break
                c.read_frame()
                continue
            stream = generator.choice(ready)
            job = jobs[stream]
            if job.cancels and job.at * 2 > len(job.upload):
                c.send(frame(h2.RST_STREAM, 0, stream, word(h2.CANCEL)))
                sending.remove(stream)
                continue
            size = min(generator.choice([0, 1, 100, 5000, 16_384]), windows[stream], windows[0])
            piece = job.upload[job.at:job.at + size]
            end = job.at + len(piece) == len(job.upload)
            c.data(stream, piece, end)
            windows[0] -= len(piece)
            windows[stream] -= len(piece)
            job.at += len(piece)
            sent += 1
            if end:
                job.is_sent = True
                sending.remove(stream)
        c.stalled -= stalled
        for stream in stalled:
            c.send(frame(h2.WINDOW_UPDATE, 0, stream, word(MEGABYTE)))
        for stream, job in jobs.items():
            if job.cancels and not job.is_sent:
                continue
            try:
                response = c.response(stream)
            except StreamReset:
                assert job.expects_break(), job.path
                continue
            assert not job.expects_break(), job.path
            check(job, response.body, response.get("x-hash"), app)
        assert c.is_alive()


@pytest.mark.parametrize("seed", range(4))
def test_clients_of_http1(app, gate, seed):
    """One connection for each request, at the same time; some disconnect in the middle."""
    generator = random.Random(SEED + 50 + seed)
    jobs = [Job(100_000 + 1000 * seed + index, generator) for index in range(16)]
    failures = []

    def run(job):
        steps = random.Random(job.number + 7)
        try:
            with gate.connection(timeout=30) as c:
                is_chunked = steps.random() < 0.5
                c.request("POST", job.path, {
                    "Cookie": gate.cookie,
                    **({"Transfer-Encoding": "chunked"} if is_chunked else {"Content-Length": str(len(job.upload))})})

                def send():
                    at = 0
                    try:
                        while at < len(job.upload):
                            piece = job.upload[at:at + steps.choice([1, 700, 20_000, 65_536])]
                            c.send(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
                            at += len(piece)
                            if job.cancels and at * 2 > len(job.upload):
                                return c.socket.shutdown(socket.SHUT_RDWR)
                        if is_chunked:
                            c.send("0\r\n\r\n")
                    except OSError:
                        pass  # the response broke off
                sender = threading.Thread(target=send, daemon=True)
                sender.start()
                try:
                    response = c.response("POST")
                    assert not job.expects_break(), job.path
                    check(job, response.body, response.get("X-Hash"), app)
                except (CutShort, OSError):
                    assert job.expects_break() or job.cancels, job.path
                sender.join(30)
        except BaseException as failure:
            failures.append(failure)
    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
