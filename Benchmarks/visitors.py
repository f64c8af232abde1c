# SPDX-License-Identifier: Apache-2.0
"""Many users: their sign-ins, requests and sign-outs, each with a session of its own, over few connections."""

import re
import socket
import urllib.parse

import servers

CONNECTIONS, DEPTH = 32, 8
_location = re.compile(rb"(?i)\r\nlocation: [^\r]*return_url=([^\r&]+)")
_login_cookie = re.compile(rb"(?i)\r\nset-cookie: (sidegate-login[^;]+)")
_session_cookie = re.compile(rb"(?i)\r\nset-cookie: (sidegate=[^;]{40,})")
_length = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Visitors:
    """Sends requests to some gates, the next batch to the next gate."""

    def __init__(self, *gates):
        self.connections = []
        for number in range(max(CONNECTIONS, len(gates))):
            gate = gates[number % len(gates)]
            connection = socket.create_connection(("127.0.0.1", gate.port), timeout=60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
        # All of them are one site to the browser.
        self.host = f"127.0.0.1:{gates[0].port}".encode()
        self.next_user = 0

    def close(self):
        for connection in self.connections:
            connection.close()

    def sign_in(self, count: int, lifetime: int = 290) -> list:
        """Signs `count` new users in, as browsers do: two requests each. The session cookies."""
        answers = self._exchange([b"GET /1k HTTP/1.1\r\nHost: %b\r\nAccept: text/html\r\n\r\n" % self.host] * count, b"302")
        returns = []
        for head in answers:
            name = f"user{self.next_user}"
            self.next_user += 1
            target = urllib.parse.urlsplit(urllib.parse.unquote_to_bytes(_location.search(head).group(1)))
            token = servers.token(lifetime, sub=name, email=f"{name}@example.com", preferred_username=name)
            returns.append(
                b"GET %b?%b&jwt=%b HTTP/1.1\r\nHost: %b\r\nAccept: text/html\r\nCookie: %b\r\n\r\n" % (
                    target.path, target.query, token.encode(), self.host, _login_cookie.search(head).group(1)))
        return [_session_cookie.search(head).group(1) for head in self._exchange(returns, b"303")]

    def visit(self, sessions: list):
        """One request of each session."""
        self._exchange(
            [b"GET /1k HTTP/1.1\r\nHost: %b\r\nUser-Agent: %b\r\nCookie: %b\r\n\r\n" % (
                self.host, b"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", cookie)
             for cookie in sessions], b"200")

    def sign_out(self, sessions: list):
        self._exchange(
            [b"POST /.sidegate/logout HTTP/1.1\r\nHost: %b\r\nContent-Length: 0\r\nSec-Fetch-Site: same-origin\r\n"
             b"Cookie: %b\r\n\r\n" % (self.host, cookie) for cookie in sessions], b"200")

    def _exchange(self, requests: list, status: bytes) -> list:
        """The heads of the responses, in the order of the requests."""
        heads = []
        for start in range(0, len(requests), len(self.connections) * DEPTH):
            batch = requests[start:start + len(self.connections) * DEPTH]
            shares = [batch[at:at + DEPTH] for at in range(0, len(batch), DEPTH)]
            for connection, share in zip(self.connections, shares):
                connection.sendall(b"".join(share))
            for connection, share in zip(self.connections, shares):
                heads += self._responses(connection, len(share), status)
        return heads

    @staticmethod
    def _responses(connection: socket.socket, count: int, status: bytes) -> list:
        heads, data = [], b""
        while len(heads) < count:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                head = data[:end + 2]
                assert head.startswith(b"HTTP/1.1 " + status), data[:2000]
                length = _length.search(head)
                whole = end + 4 + int(length.group(1) if length else 0)
                if len(data) >= whole:
                    heads.append(head)
                    data = data[whole:]
                    continue
            received = connection.recv(262144)
            assert received, f"closed after {len(heads)} of {count} responses"
            data += received
        return heads
