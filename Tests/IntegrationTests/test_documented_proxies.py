# SPDX-License-Identifier: Apache-2.0
"""The configurations of docs/deployment.md and examples/forward-auth, with real proxies in front of the gate: TLS, HTTP/2,
WebSockets, server-sent events and gRPC."""

import base64
import contextlib
import hashlib
import socket
import threading
from concurrent import futures

import grpc
import pytest

from harness.certificates import Authority
from harness.documented import ALL, HOST
from harness.front import NginxFront
from harness.gate import NAVIGATION
from harness.ports import free_port
from harness.process import wait_until
from harness.tokens import token

NAMES = list(ALL)
WITH_GRPC = [name for name, proxy in ALL.items() if proxy.grpc]
SPOOFED = {"X-Forwarded-User": "root", "X_Forwarded_User": "root", "X.Forwarded.User": "root"}
#: What only the proxy knows; from a client it would be a lie.
ABOUT_THE_SITE = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "666", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}


@pytest.fixture
def start(tmp_path, start_gate):
    """Starts a documented proxy in front of a new gate with an app."""
    started = []

    def start(name: str, app, **options):
        admin = free_port()
        gate = start_gate(app, trustedProxies=["127.0.0.1/32"], admin={"listen": f"127.0.0.1:{admin}"},
                          access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]}, token={"bearer": True})
        started.append(ALL[name](tmp_path, gate, Authority(tmp_path), admin, **options))
        return started[-1]
    yield start
    for proxy in started:
        proxy.stop()


class Client:
    """A browser's HTTP/1.1 connection over TLS."""

    def __init__(self, proxy, timeout=30):
        plain = socket.create_connection(("127.0.0.1", proxy.port), timeout)
        self.socket = proxy.context("http/1.1").wrap_socket(plain, server_hostname=HOST)
        self.received = b""

    def send(self, target: str, headers=(), method="GET"):
        fields = {"Host": HOST, **dict(headers)}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.received:
            data = self.socket.recv(65536)
            assert data, self.received
            self.received += data
        end = self.received.index(mark) + len(mark)
        part, self.received = self.received[:end], self.received[end:]
        return part

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()


def head(proxy, target: str, headers=()) -> str:
    client = Client(proxy)
    client.send(target, headers)
    text = client.read_until(b"\r\n\r\n").decode("latin-1")
    client.close()
    return text


def has_routes(proxy) -> bool:
    """Traefik's entry point is open before its routes are loaded; HAProxy may not have probed the gate yet."""
    with contextlib.suppress(OSError, AssertionError):
        return head(proxy, "/open/ready").split()[1] == "200"
    return False


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_is_led_through_the_sign_in(upstream, start, name):
    proxy = start(name, upstream)
    wait_until(lambda: has_routes(proxy), "the routes")
    upstream.requests.clear()
    response = head(proxy, "/reports?tab=all", NAVIGATION)
    assert " 302 " in response.splitlines()[0], response + proxy.process.output()
    fields = response.lower()
    assert "https%3a%2f%2fapp.example.com%2f" in fields and "set-cookie: __host-" in fields, "scheme and host are the browser's"
    assert upstream.requests == []
    head(proxy, "/open/a%2Fb;c?x=%20", {**SPOOFED, **ABOUT_THE_SITE, "X-Forwarded-For": "203.0.113.9"})
    wait_until(lambda: upstream.requests, "the app has the request")
    app = upstream.last
    assert app.target == "/open/a%2Fb;c?x=%20", "the path as it was sent"
    assert b"root" not in app.head and app.get("X-Forwarded-For").split(",")[-1].strip() == "127.0.0.1", app.head
    assert app.get("X-Forwarded-Proto") == "https" and app.all("X-Forwarded-Host") == [HOST]
    assert b"evil" not in app.head and app.get("X-Forwarded-Port") != "666", app.head


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("nginx", "apache")])
def test_http2_is_offered_to_browsers(upstream, start, name):
    """By ALPN; nginx and Apache need a parameter for it, which the page leaves to the operator."""
    proxy = start(name, upstream)
    wait_until(lambda: has_routes(proxy), "the routes")
    with socket.create_connection(("127.0.0.1", proxy.port), 30) as plain:
        with proxy.context("h2", "http/1.1").wrap_socket(plain, server_hostname=HOST) as browser:
            assert browser.selected_alpn_protocol() == "h2"


def event_stream(release: threading.Event, is_chunked=True):
    """An app's answer: an event, and another one once the test has seen the first. Without chunks it ends with the connection."""
    def answer(request, connection):
        if request.target != "/open/events":
            return connection.respond(200)
        framing = "Transfer-Encoding: chunked" if is_chunked else "Connection: close"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n{framing}\r\n\r\n"
        connection.send(head + ("d\r\ndata: first\n\n\r\n" if is_chunked else "data: first\n\n"))
        assert release.wait(60)
        connection.send("e\r\ndata: second\n\n\r\n0\r\n\r\n" if is_chunked else "data: second\n\n")
        if not is_chunked:
            connection.close()
    return answer


@pytest.mark.parametrize("name", NAMES)
def test_server_sent_events_pass_without_delay(upstream, start, name):
    release = threading.Event()
    upstream.answer = event_stream(release)
    proxy = start(name, upstream)
    wait_until(lambda: has_routes(proxy), "the routes")
    client = Client(proxy)
    client.send("/open/events", {"Accept": "text/event-stream"})
    try:
        client.read_until(b"data: first\n\n")
    finally:
        release.set()
    client.read_until(b"data: second\n\n")
    client.close()


@pytest.mark.parametrize("name, for_grpc", [*((name, False) for name in NAMES), *((name, True) for name in WITH_GRPC)])
def test_websockets_pass(upstream, start, name, for_grpc):
    def answer(request, connection):
        if request.target != "/open/socket":
            return connection.respond(200)
        assert request.get("Upgrade", "").lower() == "websocket"
        key = request.get("Sec-WebSocket-Key").encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Accept: {base64.b64encode(hashlib.sha1(key).digest()).decode()}\r\n\r\n")
        connection.send(connection.read_exactly(4).upper())

    upstream.answer = answer
    proxy = start(name, upstream, for_grpc=for_grpc)
    wait_until(lambda: has_routes(proxy), "the routes")
    client = Client(proxy)
    client.send("/open/socket", {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                                 "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    response = client.read_until(b"\r\n\r\n")
    assert b" 101 " in response, response + proxy.process.output().encode()
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in response.lower(), response
    client.socket.sendall(b"ping")
    client.read_until(b"PING")
    client.close()


class TestForwardAuthOfNginx:
    @pytest.mark.parametrize("is_chunked", [True, False])
    def test_server_sent_events_pass_without_delay(self, tmp_path, upstream, start_gate, is_chunked):
        release = threading.Event()
        upstream.answer = event_stream(release, is_chunked)
        gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"], access={"rules": [{"paths": ["/open/*"], "allow": "anyone"}]})
        front = NginxFront(tmp_path / "front", gate, upstream)
        try:
            with socket.create_connection(("127.0.0.1", front.port), 30) as client:
                client.sendall(b"GET /open/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
                received = b""
                while b"data: first\n\n" not in received:
                    received += client.recv(65536)
                release.set()
                while b"data: second\n\n" not in received:
                    received += client.recv(65536)
        finally:
            release.set()
            front.stop()

    def test_a_stream_may_be_silent_for_longer_than_a_minute(self):
        from harness.front import EXAMPLES
        text = (EXAMPLES / "nginx/sidegate.conf").read_text().split("location / {")[1]
        assert "proxy_read_timeout 1h;" in text and "proxy_buffering off;" in text, "nginx ends it after 60 s by default"


# gRPC


class Greeter(grpc.GenericRpcHandler):
    """Methods without a schema: messages are bytes."""

    def service(self, call):
        if call.method == "/helloworld.Greeter/SayHello":
            return grpc.unary_unary_rpc_method_handler(self.hello)
        if call.method == "/helloworld.Greeter/Chat":
            return grpc.stream_stream_rpc_method_handler(self.chat)
        return None

    def hello(self, message, context):
        user = dict(context.invocation_metadata()).get("x-forwarded-user", "")
        context.set_trailing_metadata((("x-sum", "trailer"),))
        return b"Hello " + message + b" " + user.encode()

    def chat(self, messages, context):
        for message in messages:
            yield message.upper()


@pytest.fixture
def grpc_server():
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Greeter()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"h2c://127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize("name", WITH_GRPC)
def test_grpc_calls_pass(grpc_server, start, name):
    proxy = start(name, grpc_server, for_grpc=True)
    with open(proxy.authority.path, "rb") as authority:
        credentials = grpc.ssl_channel_credentials(authority.read())
    options = (("grpc.ssl_target_name_override", HOST), ("grpc.default_authority", HOST))
    with grpc.secure_channel(f"127.0.0.1:{proxy.port}", credentials, options) as channel:
        hello = channel.unary_unary("/helloworld.Greeter/SayHello")
        bearer = (("authorization", f"Bearer {token()}"),)

        def first():
            """Until the proxy has its routes and has found the gate."""
            with contextlib.suppress(grpc.RpcError):
                return hello.with_call(b"Ada", metadata=bearer, timeout=20)
            return None
        reply, ended = wait_until(first, f"{name} forwards calls")
        assert reply.startswith(b"Hello Ada ") and len(reply) > len(b"Hello Ada "), "the app knows the user"
        assert ("x-sum", "trailer") in [(m.key, m.value) for m in ended.trailing_metadata()]

        def refused():
            """Go's HTTP/2 server, Caddy's, resets a stream that was answered before it had read all of the request, and this
            client sometimes sees that before the answer."""
            with pytest.raises(grpc.RpcError) as refusal:
                hello(b"Ada", timeout=20)
            return None if refusal.value.code() == grpc.StatusCode.UNKNOWN else refusal.value.code()
        assert wait_until(refused, "the refusal") == grpc.StatusCode.UNAUTHENTICATED

        said = threading.Event()

        def messages():
            yield b"one"
            assert said.wait(60)
            yield b"two"
        replies = channel.stream_stream("/helloworld.Greeter/Chat")(messages(), metadata=bearer, timeout=60)
        assert next(replies) == b"ONE", "before the client has said all"
        said.set()
        assert list(replies) == [b"TWO"]
