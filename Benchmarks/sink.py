#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An app for uploads: reads the content of each request, as much at once as there is, and answers 200. Argument: the port."""

import asyncio
import sys


class Sink(asyncio.BufferedProtocol):
    memory = memoryview(bytearray(1 << 20))  # nothing in it is kept from one read to the next

    def connection_made(self, transport):
        self.transport, self.left, self.head = transport, 0, b""

    def get_buffer(self, _):
        return self.memory

    def buffer_updated(self, count):
        at = 0
        while at < count:
            if not self.left:
                at = self.read_head(at, count)
            step = min(self.left, count - at)
            if step:
                self.left -= step
                at += step
                if not self.left:
                    self.answer()

    def read_head(self, at, count):
        before = len(self.head)
        self.head += bytes(self.memory[at:count])
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return count
        at += end + 4 - before
        _, _, length = self.head[:end].lower().partition(b"\r\ncontent-length:")
        self.left, self.head = int(length.split(b"\r\n")[0] or 0), b""
        if not self.left:
            self.answer()
        return at

    def answer(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def main():
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


asyncio.run(main())
