# SPDX-License-Identifier: Apache-2.0
"""PROXY protocol from trusted proxies, and sockets passed by a service manager."""

import socket
import struct
import subprocess

import pytest
from harness.gate import BINARY, clean_environment
from harness.ports import free_port
from harness.journal import lines
from harness.process import ChildProcess, wait_until
from harness.wire import Connection

PROXY = "127.0.0.2"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def version1(client="203.0.113.9", port=443) -> bytes:
    return f"PROXY TCP4 {client} 198.51.100.1 40000 {port}\r\n".encode()


def version2(client="203.0.113.9", port=443, command=0x21, extensions=b"", family=0x11) -> bytes:
    rest = socket.inet_aton(client) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 40000, port) + extensions
    return SIGNATURE + struct.pack(">BBH", command, family, len(rest)) + rest


@pytest.fixture(scope="module")
def proxied(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, proxyProtocol=True, trustedProxies=[f"{PROXY}/32"])


@pytest.fixture(scope="module")
def cookie(proxied):
    """A session begun without a proxy, which needs no header."""
    return proxied.session_cookie()


class FromProxy(Connection):
    """A connection whose peer is the trusted proxy."""

    def __init__(self, gate, header: bytes = b""):
        self.socket = socket.socket()
        self.socket.settimeout(30)
        self.socket.bind((PROXY, 0))
        self.socket.connect(("127.0.0.1", gate.port))
        self.authority = f"127.0.0.1:{gate.port}"
        self.buffer = bytearray()
        self.socket.sendall(header)

    def is_refused(self) -> bool:
        try:
            return self.socket.recv(1000) == b""
        except ConnectionResetError:
            return True


def get(gate, cookie, headers=()) -> bytes:
    lines = [f"GET /echo HTTP/1.1", f"Host: 127.0.0.1:{gate.port}"]
    lines += [f"{n}: {v}" for n, v in {**cookie, **dict(headers)}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def app_saw(upstream, name: str):
    return upstream.requests[-1].get(name)


@pytest.mark.parametrize("header", [version1(), version2(), version2(extensions=b"\x04\x00\x01\x00")])
def test_the_client_is_the_one_named_by_the_proxy(proxied, cookie, upstream, header):
    with FromProxy(proxied, header + get(proxied, cookie)) as connection:
        assert connection.response().status == 200
        assert app_saw(upstream, "X-Forwarded-For") == "203.0.113.9"
        connection.socket.sendall(get(proxied, cookie))  # the header applies to the whole connection
        assert connection.response().status == 200
        assert app_saw(upstream, "X-Forwarded-For") == "203.0.113.9"


def test_the_log_names_the_client_and_the_proxy(proxied, cookie, upstream):
    header = {"X-Request-ID": "through-the-proxy"}
    with FromProxy(proxied, version2() + get(proxied, cookie, header)) as connection:
        assert connection.response().status == 200
    wait_until(lambda: any(line.get("id") == "through-the-proxy" for line in lines(proxied)), "the line")
    line, = (line for line in lines(proxied) if line.get("id") == "through-the-proxy")
    assert (line["client"], line["peer"]) == ("203.0.113.9", PROXY)


@pytest.mark.parametrize("header", [version1(), version2()])
def test_a_header_may_come_byte_by_byte(proxied, cookie, upstream, header):
    with FromProxy(proxied) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header + get(proxied, cookie):
            connection.socket.sendall(bytes([byte]))
        assert connection.response().status == 200
        assert app_saw(upstream, "X-Forwarded-For") == "203.0.113.9"


def test_forwarded_headers_of_the_client_behind_the_proxy_are_not_trusted(proxied, cookie, upstream):
    claim = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}
    with FromProxy(proxied, version1() + get(proxied, cookie, claim)) as connection:
        assert connection.response().status == 200
    assert app_saw(upstream, "X-Forwarded-For") == "203.0.113.9"
    assert app_saw(upstream, "X-Forwarded-Proto") == "http"


def test_a_client_that_uses_tls_to_the_proxy_is_on_https(proxied):
    header = version2(extensions=b"\x20\x00\x05\x01\x00\x00\x00\x00")
    with FromProxy(proxied, header + get(proxied, {})) as connection:
        response = connection.response()
        assert response.status == 302
        assert "__Host-sidegate-login-" in response["Set-Cookie"]
        assert "return_url=https%3A" in response["Location"]


@pytest.mark.parametrize("header", [
    b"PROXY UNKNOWN\r\n", version2(command=0x20), version2(command=0x20, family=0x4f), version2(family=0x12)])
def test_a_proxys_own_request_is_attributed_to_the_proxy(proxied, cookie, upstream, header):
    with FromProxy(proxied, header + get(proxied, cookie)) as connection:
        assert connection.response().status == 200
    assert app_saw(upstream, "X-Forwarded-For") == PROXY


@pytest.mark.parametrize("start", [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY " + b"x" * 200, b"\x16\x03\x01\x00\x05hello",
    SIGNATURE + b"\x21\x11\xff\xff", version2(command=0x31),
    *[version2(family=family) for family in (0x01, 0x10, 0x13, 0x20, 0x41, 0x4f, 0xf1)],
])
def test_a_trusted_proxy_without_a_valid_header_is_not_served(proxied, start):
    with FromProxy(proxied, start) as connection:
        assert connection.is_refused()


@pytest.mark.parametrize("header", [version1(), version2()])
def test_no_other_address_may_send_the_header(proxied, cookie, upstream, header):
    with Connection(proxied.port) as connection:
        connection.socket.sendall(header + get(proxied, cookie))
        assert connection.socket.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert not upstream.requests


def test_a_proxy_that_never_sends_its_header_is_disconnected(upstream, start_gate):
    gate = start_gate(
        upstream, proxyProtocol=True, trustedProxies=[f"{PROXY}/32"], limits={"headerTimeout": "300ms"})
    with FromProxy(gate, b"PROXY TCP4 ") as connection:
        assert connection.is_refused()


def test_a_unix_socket_carries_the_header_too(upstream, start_gate, tmp_path):
    path = tmp_path / "gate.sock"
    template = start_gate(upstream, proxyProtocol=True, publicURL="http://a.test")
    process = ChildProcess(
        [BINARY, "run", "--config", template.config, "--set", f'listen=["unix:{path}"]'], tmp_path / "unix.log",
        env=clean_environment())
    try:
        process.wait_until_accepting(str(path))
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(path))
            client.sendall(version1(client="127.0.0.77") + b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n")
            assert client.recv(4000).startswith(b"HTTP/1.1 302 ")
        assert process.stop() == 0
        assert '"client":"127.0.0.77"' in process.output()
    finally:
        process.kill()


class Activated(ChildProcess):
    """The gate as a service manager starts it: the socket is descriptor 3, and the variables name the process."""

    def __init__(self, folder, config, listener, *options):
        script = 'exec 3<&"$1"; shift; exec env LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web "$@"'
        self.arguments = [
            "bash", "-c", script, "bash", str(listener.fileno()), str(BINARY), "run", "--config", str(config), *options]
        self.log = folder / "activated.log"
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=clean_environment(), pass_fds=[listener.fileno()])


@pytest.mark.parametrize("address, workers", [("systemd:", 1), ("systemd:web", 2)])
def test_sockets_of_the_service_manager_are_served(upstream, start_gate, tmp_path, address, workers):
    template = start_gate(upstream, publicURL="http://a.test")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    process = Activated(
        tmp_path, template.config, listener, "--set", f"listen={address}", "--set", f"workers={workers}")
    try:
        process.wait_until_accepting(("127.0.0.1", port))
        for _ in range(8):
            with Connection(port) as connection:
                connection.socket.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                assert connection.response().status == 302
        assert process.stop() == 0
        # The service manager keeps the socket open: clients can still connect.
        with Connection(port):
            pass
    finally:
        process.kill()
        listener.close()


def test_a_missing_socket_of_the_service_manager_is_reported_by_name(upstream, start_gate, tmp_path):
    template = start_gate(upstream)
    listener = socket.create_server(("127.0.0.1", 0))
    process = Activated(tmp_path, template.config, listener, "--set", "listen=systemd:other")
    assert process.child.wait(30) == 78
    assert "FileDescriptorName=other" in process.output()
    listener.close()


@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2"])
def test_haproxy_sends_the_client_address(proxied, cookie, upstream, tmp_path, option):
    port = free_port()
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(f"""
defaults
    mode tcp
    timeout connect 5s
    timeout client 20s
    timeout server 20s
listen front
    bind 127.0.0.1:{port}
    source {PROXY}
    server gate 127.0.0.1:{proxied.port} {option}
""")
    haproxy = ChildProcess(
        ["haproxy", "-db", "-f", configuration], tmp_path / "haproxy.log")
    try:
        haproxy.wait_until_accepting(("127.0.0.1", port))
        with Connection(port) as connection:
            connection.socket.sendall(get(proxied, cookie))
            assert connection.response().status == 200
        assert app_saw(upstream, "X-Forwarded-For") == "127.0.0.1"
    finally:
        haproxy.kill()
