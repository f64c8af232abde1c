# SPDX-License-Identifier: Apache-2.0
"""What a Redis server sees: the commands of its clients by name, and its memory."""

import collections
import re
import socket

_command = re.compile(rb'^\+[\d.]+ \[\d+ (\S+?)\] "([^"]+)"')


class Monitor:
    """The commands since it was made, without those that scripts run (MONITOR)."""

    def __init__(self, server):
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self.connection.sendall(b"MONITOR\r\n")
        self.stream = self.connection.makefile("rb")
        assert self.stream.readline() == b"+OK\r\n"
        self.server = server

    def commands(self) -> dict:
        """Their numbers by name; ends the monitor."""
        mark = b"sidegate-growth-mark"
        ask(self.server, b"ECHO", mark)
        counts = collections.Counter()
        while True:
            line = self.stream.readline()
            if mark in line:
                break
            found = _command.match(line)
            # Scripts have the client "lua"; a connection that is opened again greets.
            if found and found.group(1) != b"lua":
                counts[found.group(2).decode().upper()] += 1
        self.connection.close()
        return dict(counts)


def ask(server, *parts: bytes) -> bytes:
    """The first line of the reply, or its text."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
        stream = connection.makefile("rb")
        line = stream.readline()
        return stream.read(max(0, int(line[1:])) + 2)[:-2] if line.startswith(b"$") else line[1:-2]


def memory(server) -> int:
    return int(re.search(rb"used_memory:(\d+)", ask(server, b"INFO", b"memory")).group(1))


def keys(server) -> int:
    return int(ask(server, b"DBSIZE"))


def usage(server, key: bytes) -> int:
    """Bytes of one key with its content."""
    return int(ask(server, b"MEMORY", b"USAGE", key, b"SAMPLES", b"0") or 0)
