# SPDX-License-Identifier: Apache-2.0
"""gRPC through the gate with a real client and server (grpcio): HTTP/2 on both sides, trailers in both directions."""

import random
import threading
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from harness import frames as h2
from harness.certificates import Authority
from harness.h2_upstream import H2Upstream
from harness.ports import free_port
from harness.process import wait_until
from harness.secure import SecureConnection, SecureUpstream, trusting
from harness.tokens import token

SERVICE = "sidegate.test.Echo"


class Echo(grpc.GenericRpcHandler):
    """Methods without a schema: messages are bytes."""

    def __init__(self):
        self.seen = []
        self.release = threading.Event()
        self.cancelled = threading.Event()

    def service(self, call):
        name = call.method.rsplit("/", 1)[-1]
        make = {"One": (grpc.unary_unary_rpc_method_handler, self.one),
                "Fails": (grpc.unary_unary_rpc_method_handler, self.fails),
                "Many": (grpc.unary_stream_rpc_method_handler, self.many),
                "Sum": (grpc.stream_unary_rpc_method_handler, self.sum),
                "Chat": (grpc.stream_stream_rpc_method_handler, self.chat),
                "Hang": (grpc.unary_stream_rpc_method_handler, self.hang),
                "Stop": (grpc.stream_stream_rpc_method_handler, self.stop)}.get(name)
        return make[0](make[1]) if make else None

    def note(self, context):
        self.seen.append(dict(context.invocation_metadata()))
        context.set_trailing_metadata((("x-sum", "trailer"), ("x-raw-bin", b"\x00\xff\x80")))

    def one(self, message, context):
        self.note(context)
        context.send_initial_metadata((("x-first", "head"),))
        return message[::-1]

    def fails(self, message, context):
        self.note(context)
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: \u00e4")

    def many(self, message, context):
        self.note(context)
        for index in range(int(message)):
            yield b"%d " % index * 1000

    def sum(self, messages, context):
        self.note(context)
        return b"%d" % sum(len(message) for message in messages)

    def chat(self, messages, context):
        self.note(context)
        for message in messages:
            yield message.upper()

    def stop(self, messages, context):
        """Ends the call as the first message requires: before or after a reply, and in one of four ways."""
        first, how = next(messages).decode().split()
        if first == "late":
            yield b"begun"
        if how == "cancel":
            context.cancel()
        elif how == "abort":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no more of it")
        elif how == "raise":
            raise ValueError("an error of the app")

    def hang(self, message, context):
        context.add_callback(self.cancelled.set)
        yield b"first"
        self.release.wait(30)


@pytest.fixture
def server():
    echo = Echo()
    server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[echo])
    server.handlers = echo
    echo.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    echo.server = server
    yield echo
    echo.release.set()
    server.stop(None).wait()


@pytest.fixture
def gate(server, start_gate):
    return start_gate(f"h2c://127.0.0.1:{server.port}", token={"bearer": True})


@pytest.fixture
def channel(gate):
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}") as channel:
        yield channel


def bearer():
    return (("authorization", f"Bearer {token()}"),)


def call(channel, method, kind="unary_unary"):
    return getattr(channel, kind)(f"/{SERVICE}/{method}")


def test_a_unary_call_carries_metadata_both_ways(channel, server):
    reply, ended = call(channel, "One").with_call(
        b"hello", metadata=(*bearer(), ("x-client", "yes"), ("x-forwarded-user", "admin")), timeout=60)
    assert reply == b"olleh" and ended.code() == grpc.StatusCode.OK
    assert ("x-first", "head") in ended.initial_metadata()
    assert ("x-sum", "trailer") in ended.trailing_metadata()
    assert ("x-raw-bin", b"\x00\xff\x80") in ended.trailing_metadata()
    seen = server.seen[0]
    assert seen["x-client"] == "yes" and seen["x-forwarded-user"] == "ada", "the gate sets the identity"
    assert "authorization" not in seen


def test_a_failure_of_the_app_keeps_status_and_message(channel):
    with pytest.raises(grpc.RpcError) as error:
        call(channel, "Fails")(b"", metadata=bearer(), timeout=60)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND and error.value.details() == "no such thing: \u00e4"
    assert ("x-sum", "trailer") in error.value.trailing_metadata()


def test_an_unknown_method_gets_the_apps_status(channel):
    with pytest.raises(grpc.RpcError) as error:
        call(channel, "Nothing")(b"", metadata=bearer(), timeout=60)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_server_streams(channel):
    replies = call(channel, "Many", "unary_stream")(b"300", metadata=bearer(), timeout=60)
    assert b"".join(replies) == b"".join(b"%d " % i * 1000 for i in range(300))
    assert replies.code() == grpc.StatusCode.OK and ("x-sum", "trailer") in replies.trailing_metadata()


def test_a_client_streams(channel):
    pieces = [random.Random(i).randbytes(i * 997 % 70_000) for i in range(100)]
    assert call(channel, "Sum", "stream_unary")(iter(pieces), metadata=bearer(), timeout=60) == \
        b"%d" % sum(map(len, pieces))


def test_both_sides_stream_in_turns(channel):
    """Each message is sent after the reply to the previous one, so the gate must not delay any."""
    turn, replies = threading.Semaphore(1), []

    def messages():
        for index in range(20):
            assert turn.acquire(timeout=60)
            yield b"message %d" % index
    for reply in call(channel, "Chat", "stream_stream")(messages(), metadata=bearer(), timeout=60):
        replies.append(reply)
        turn.release()
    assert replies == [b"MESSAGE %d" % i for i in range(20)]


def test_concurrent_calls_share_a_connection(channel, gate):
    before = gate.process.descriptors()
    calls = [call(channel, "One").future(b"%d" % i, metadata=bearer(), timeout=60) for i in range(200)]
    assert [c.result() for c in calls] == [(b"%d" % i)[::-1] for i in range(200)]
    assert gate.process.descriptors() - before <= 4


def test_a_cancelled_request_is_cancelled_in_the_app(channel, server):
    replies = call(channel, "Hang", "unary_stream")(b"", metadata=bearer(), timeout=60)
    assert next(replies) == b"first"
    replies.cancel()
    assert server.cancelled.wait(30)


def test_a_deadline_of_the_client_ends_the_call_in_the_app(channel, server):
    with pytest.raises(grpc.RpcError) as error:
        list(call(channel, "Hang", "unary_stream")(b"", metadata=bearer(), timeout=0.5))
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.cancelled.wait(30)


@pytest.mark.parametrize("how", ["cancel", "abort", "raise", "return"])
@pytest.mark.parametrize("first", ["early", "late"])
def test_a_call_that_the_app_ends_during_sending_ends_as_without_a_gate(channel, server, first, how):
    """The client continues to send until it receives the end."""
    def end(channel):
        def messages():
            yield f"{first} {how}".encode()
            yield from iter(lambda: bytes(1000), None)
        replies, received = call(channel, "Stop", "stream_stream")(messages(), metadata=bearer(), timeout=60), []
        try:
            received += replies
        except grpc.RpcError:
            pass
        return received, replies.code(), replies.details()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as direct:
        expected = end(direct)
    assert end(channel) == expected


# The status of a call when the app resets its stream, before or after the head of the response.

RESETS = [
    ("NO_ERROR", h2.NO_ERROR, "INTERNAL"),
    ("PROTOCOL_ERROR", h2.PROTOCOL_ERROR, "INTERNAL"),
    ("INTERNAL_ERROR", h2.INTERNAL_ERROR, "INTERNAL"),
    ("FLOW_CONTROL_ERROR", h2.FLOW_CONTROL_ERROR, "INTERNAL"),
    ("CANCEL", h2.CANCEL, "CANCELLED"),
    ("COMPRESSION_ERROR", h2.COMPRESSION_ERROR, "INTERNAL"),
    ("CONNECT_ERROR", h2.CONNECT_ERROR, "INTERNAL"),
    ("ENHANCE_YOUR_CALM", h2.ENHANCE_YOUR_CALM, "RESOURCE_EXHAUSTED"),
    ("an unknown code", 0xe, "INTERNAL"),
]


@pytest.fixture
def scripted():
    app = H2Upstream()
    yield app
    app.close()
    assert not app.failures, app.failures


@pytest.mark.parametrize("has_head", [False, True], ids=["before the head", "after the head"])
@pytest.mark.parametrize("title, code, status", RESETS, ids=[row[0] for row in RESETS])
def test_a_reset_by_the_app_ends_a_call_with_the_status_for_its_code(title, code, status, has_head, scripted, start_gate):
    """RFC 9113 section 7, and gRPC's table of the codes. The result is the same as without a gate."""
    begun = threading.Event()

    def answer(request):
        if has_head:
            request.head(200, [("content-type", "application/grpc")])
            assert begun.wait(30)
        request.refuse(code)

    def end(port):
        begun.clear()
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_retries", 0)]) as channel:
            replies = call(channel, "Many", "unary_stream")(b"", metadata=bearer(), timeout=60)
            if has_head:
                replies.initial_metadata()
            begun.set()
            with pytest.raises(grpc.RpcError):
                list(replies)
            return replies.code().name
    scripted.answer = answer
    gate = start_gate(scripted.url, token={"bearer": True})
    assert end(gate.port) == status
    assert len(scripted.requests) == 1
    assert end(scripted.port) == status


def test_a_call_refused_unprocessed_is_retried_once_and_then_status_14(scripted, start_gate):
    scripted.answer = lambda request: request.refuse(h2.REFUSED_STREAM)
    gate = start_gate(scripted.url, token={"bearer": True})
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}", options=[("grpc.enable_retries", 0)]) as channel:
        with pytest.raises(grpc.RpcError) as error:
            call(channel, "One")(b"", metadata=bearer(), timeout=60)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE and len(scripted.requests) == 2


@pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer x.y.z"),)], ids=["none", "a bad token"])
@pytest.mark.parametrize("kind", ["unary_unary", "stream_unary"])
def test_a_call_without_a_session_gets_status_16(channel, server, metadata, kind):
    argument = b"" if kind == "unary_unary" else iter([b"x"] * 10)
    with pytest.raises(grpc.RpcError) as error:
        call(channel, "One", kind)(argument, metadata=metadata, timeout=60)
    assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert not server.seen


def test_the_timeouts_of_other_requests_do_not_end_a_silent_call(server, start_gate):
    url = f"h2c://127.0.0.1:{server.port}"
    gate = start_gate(url, upstream={"url": url, "responseTimeout": "200ms"}, limits={"bodyIdleTimeout": "200ms"})
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}") as channel:
        turn = threading.Event()

        def messages():
            yield b"first"
            assert turn.wait(30)
            yield b"second"
        replies = call(channel, "Chat", "stream_stream")(messages(), metadata=bearer(), timeout=60)
        assert next(replies) == b"FIRST"
        threading.Timer(0.8, turn.set).start()
        assert list(replies) == [b"SECOND"] and replies.code() == grpc.StatusCode.OK


def test_a_message_above_the_content_limit_is_status_8(server, start_gate):
    gate = start_gate(f"h2c://127.0.0.1:{server.port}", limits={"bodyBytes": 1000})
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}") as channel, pytest.raises(grpc.RpcError) as error:
        call(channel, "One")(bytes(5000), metadata=bearer(), timeout=60)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_app_that_is_down_is_status_14(start_gate):
    gate = start_gate(f"h2c://127.0.0.1:{free_port()}")
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}") as channel, pytest.raises(grpc.RpcError) as error:
        call(channel, "One")(b"", metadata=bearer(), timeout=60)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    assert error.value.details() == "upstream_unavailable"


def test_an_app_of_another_protocol_is_status_14(start_gate, upstream):
    gate = start_gate(f"h2c://127.0.0.1:{upstream.port}", upstream={
        "url": f"h2c://127.0.0.1:{upstream.port}", "connectTimeout": "1s"})
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}") as channel, pytest.raises(grpc.RpcError) as error:
        call(channel, "One")(b"", metadata=bearer(), timeout=60)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    upstream.failures.clear()


def test_an_app_that_stops_gracefully_loses_no_call(channel, server):
    """GOAWAY: calls in flight are finished, later ones use a new connection."""
    replies = call(channel, "Hang", "unary_stream")(b"", metadata=bearer(), timeout=60)
    assert next(replies) == b"first"
    stopped = server.server.stop(10)
    server.release.set()
    assert list(replies) == [] and replies.code() == grpc.StatusCode.OK
    assert stopped.wait(30)
    again = grpc.server(futures.ThreadPoolExecutor(4), handlers=[server])
    again.add_insecure_port(f"127.0.0.1:{server.port}")
    again.start()
    try:
        wait_until(lambda: call(channel, "One")(b"ab", metadata=bearer(), timeout=60) == b"ba", "the app is back")
    finally:
        again.stop(None).wait()


class TestOverTLS:
    """TLS on both sides, with HTTP/2 negotiated by ALPN."""

    @pytest.fixture(scope="class")
    def authority(self, tmp_path_factory):
        return Authority(tmp_path_factory.mktemp("certificates"))

    @pytest.fixture(scope="class")
    def certificate(self, authority):
        return authority.issue("both", "DNS:localhost,IP:127.0.0.1")

    @pytest.fixture
    def app(self, certificate):
        echo = Echo()
        server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[echo])
        pair = [(Path(certificate.key).read_bytes(), Path(certificate.certificate).read_bytes())]
        echo.port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
        server.start()
        yield echo
        server.stop(None).wait()

    def start(self, start_gate, url, authority, certificate, **changes):
        return start_gate(url, tls={"certificates": [certificate.settings]}, upstream={
            "url": url, "http2": True, "tls": {"ca": authority.path}}, **changes)

    def test_calls_pass(self, start_gate, app, authority, certificate):
        gate = self.start(start_gate, f"https://localhost:{app.port}", authority, certificate)
        trust = grpc.ssl_channel_credentials(Path(authority.path).read_bytes())
        with grpc.secure_channel(f"localhost:{gate.port}", trust) as channel:
            reply, ended = call(channel, "One").with_call(b"hello", metadata=bearer(), timeout=60)
            assert reply == b"olleh" and ("x-sum", "trailer") in ended.trailing_metadata()
            replies = call(channel, "Many", "unary_stream")(b"200", metadata=bearer(), timeout=60)
            assert b"".join(replies) == b"".join(b"%d " % i * 1000 for i in range(200))
            with pytest.raises(grpc.RpcError) as error:
                call(channel, "One")(b"", timeout=60)
            assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED

    def test_an_app_that_prefers_http1_gets_it(self, start_gate, authority, certificate):
        app = SecureUpstream(certificate, lambda context: context.set_alpn_protocols(["http/1.1"]))
        try:
            gate = self.start(start_gate, app.url, authority, certificate)
            with SecureConnection(gate.port, trusting(authority)) as connection:
                for index in range(3):
                    response = connection.exchange("GET", f"/{index}", {"Authorization": f"Bearer {token()}"})
                    assert response.status == 200 and response.json()["target"] == f"/{index}"
            assert len(app.names) == 1, "the first connection is used"
        finally:
            app.stop()

    def test_an_app_that_changes_its_protocol(self, start_gate, app, authority, certificate):
        """HTTP/1.1 at first, HTTP/2 after a restart."""
        first = SecureUpstream(certificate)
        gate = self.start(start_gate, first.url, authority, certificate)
        trust = grpc.ssl_channel_credentials(Path(authority.path).read_bytes())
        with SecureConnection(gate.port, trusting(authority)) as connection:
            assert connection.exchange("GET", "/", {"Authorization": f"Bearer {token()}"}).status == 200
        first.stop()
        again = grpc.server(futures.ThreadPoolExecutor(8), handlers=[app])
        pair = [(Path(certificate.key).read_bytes(), Path(certificate.certificate).read_bytes())]
        again.add_secure_port(f"127.0.0.1:{first.port}", grpc.ssl_server_credentials(pair))
        again.start()
        try:
            with grpc.secure_channel(f"localhost:{gate.port}", trust) as channel:
                assert call(channel, "One")(b"ab", metadata=bearer(), timeout=60) == b"ba"
        finally:
            again.stop(None).wait()
