# SPDX-License-Identifier: Apache-2.0
"""A server that publishes a key set."""

import json

from .upstream import Upstream


class KeyServer:
    """Publishes a set; `answer` may be replaced."""

    def __init__(self, *keys):
        self.server = Upstream()
        self.keys = list(keys)
        self.server.answer = self.publish
        self.url = self.server.url + "/jwks.json"
        self.is_stopped = False

    def publish(self, request, connection, cache="max-age=600"):
        connection.respond(200, {"Content-Type": "application/json", "Cache-Control": cache}, json.dumps({"keys": self.keys}))

    def stop(self):
        if not self.is_stopped:
            self.is_stopped = True
            self.server.stop()

    @property
    def fetches(self) -> int:
        return len(self.server.requests)

    def says(self, status=200, body=b"", **headers):
        self.server.answer = lambda request, connection: connection.respond(status, headers, body)
