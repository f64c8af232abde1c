# SPDX-License-Identifier: Apache-2.0
"""A reader of server-sent events (HTML §9.2)."""

import json

from .process import wait_until
from .wire import Connection


class EventStream:
    """`/events` of a gate's admin listener over HTTP/1.1."""

    def __init__(self, port: int, headers=(), target: str = "/events"):
        # The listener is open before the workers serve.
        self.connection, self.head = wait_until(lambda: self._open(port, headers, target), "the workers serve")
        self.text = ""
        self.ended = False

    @staticmethod
    def _open(port: int, headers, target: str):
        connection = Connection(port)
        connection.request("GET", target, headers)
        head = connection.read_head()
        if head.status == 503 and not head.get("Retry-After"):
            return connection.close()
        return connection, head

    def close(self):
        self.connection.close()

    def _read_chunk(self):
        size = int(self.connection.read_line(), 16)
        self.text += self.connection.read_exactly(size).decode()
        assert self.connection.read_exactly(2) == b"\r\n"
        self.ended = size == 0

    def block(self) -> list:
        """The lines up to the next empty one."""
        while "\n\n" not in self.text:
            assert not self.ended, "the stream has ended"
            self._read_chunk()
        block, _, self.text = self.text.partition("\n\n")
        return block.split("\n")

    def next(self) -> tuple:
        """ID and data of the next event; comments and settings are skipped."""
        while True:
            fields = dict(line.split(": ", 1) for line in self.block() if line and not line.startswith(":"))
            if "data" in fields:
                assert fields["event"] == "audit"
                return fields["id"], json.loads(fields["data"])

    def read_to_end(self):
        while not self.ended:
            self._read_chunk()
