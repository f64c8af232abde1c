# SPDX-License-Identifier: Apache-2.0
"""Names that an app server could read as an identity header's, and clients that send them unchanged."""

import random
import socket
import subprocess

import h2.config
import h2.connection
import h2.events

ATTACK = "root@admin"
IDENTITY = ["X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups",
            "X-Auth-Request-User", "X-Auth-Request-Groups"]
OF_OTHER_PRESETS = ["Remote-User", "X-Remote-Groups", "X-WEBAUTH-USER", "X-Forwarded-Mail", "X-Forwarded-DisplayName",
                    "X-Forwarded-Username", "X-Forwarded-Access-Token", "X-Auth-Request-Access-Token", "X-Sidegate-Jwt-Assertion"]
# The characters of a token (RFC 9110, section 5.6.2) other than letters, digits and the hyphen.
SIGNS = "!#$%&'*+.^_`|~"


def spellings(seed: int = 1) -> list:
    """Look-alikes: names that some app server could read as an identity header's, without the exact ones."""
    chance = random.Random(seed)
    names = [name.replace("-", sign) for name in IDENTITY[:1] for sign in SIGNS]
    names += [name.replace("-", "_", count) for name in IDENTITY for count in (1, 2, 3)]
    for _ in range(40):
        name = list(chance.choice(IDENTITY))
        for index, letter in enumerate(name):
            if letter == "-":
                name[index] = chance.choice(SIGNS if chance.random() < 0.3 else "_.-_")
            else:
                name[index] = chance.choice((letter.lower(), letter.upper()))
        spelled = "".join(name)
        names.append(spelled if set(spelled) & set(SIGNS) else spelled.replace("-", "_"))
    return names


def raw_http2(port: int, target: str, fields: list, trailers=()) -> str:
    """The content received on a stream whose fields are sent unchanged; empty when it is reset."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(
        validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="latin-1"))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as channel:
        connection.initiate_connection()
        head = [(":method", "POST" if trailers else "GET"), (":scheme", "http"), (":authority", f"127.0.0.1:{port}"), (":path", target)]
        connection.send_headers(1, head + fields, end_stream=not trailers)
        if trailers:
            connection.send_data(1, b"abc")
            connection.send_headers(1, trailers, end_stream=True)
        channel.sendall(connection.data_to_send())
        body = b""
        while data := channel.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
                    return body.decode("latin-1")
            channel.sendall(connection.data_to_send())
    return body.decode("latin-1")


def over_http2(port: int, target: str, fields: list) -> tuple:
    """curl's version, status and body, over HTTP/2 without TLS."""
    arguments = [part for field in fields for part in ("-H", field)]
    done = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "10", "-w", "\n%{http_version} %{http_code}", *arguments,
         f"http://127.0.0.1:{port}{target}"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    body, _, last = done.stdout.rpartition("\n")
    version, status = last.split()
    return version, int(status), body
