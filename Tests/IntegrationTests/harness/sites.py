# SPDX-License-Identifier: Apache-2.0
"""Sites for tests with a browser: pages by path, and an identity provider that signs in at once."""

import urllib.parse

from . import tokens
from .gate import with_parameter
from .upstream import Upstream


class Site(Upstream):
    """Serves pages by path. `{user}` in one stands for the user that the gate names; other paths show their address."""

    def __init__(self):
        super().__init__()
        self.pages = {}
        self.answer = self.show

    def put(self, path: str, body: str) -> str:
        self.pages[path] = body
        return self.url + path

    def show(self, request, connection):
        path = urllib.parse.urlsplit(request.target).path
        body = self.pages.get(path, f"<p id=path>{path}</p><p id=user>{{user}}</p>")
        page = f"<!doctype html><title>{path}</title>{body}".replace("{user}", request.get("X-Forwarded-Email") or "nobody")
        connection.respond(200, {"Content-Type": "text/html"}, page.encode())

    def targets(self) -> list:
        return [request.target for request in self.requests]


class InstantProvider(Upstream):
    """Signs Ada in without a login page, and sends her back with or without the state; or shows a login page."""

    def __init__(self, keeps_state=True, asks=False):
        super().__init__()
        self.keeps_state, self.asks = keeps_state, asks
        self.answer = self.send_back

    def send_back(self, request, connection):
        if self.asks:
            return connection.respond(200, {"Content-Type": "text/html"}, b"<!doctype html><title>log in</title><p>The login page")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))
        back = query["return_url"] if self.keeps_state else query["return_url"].partition("?")[0]
        connection.respond(302, {"Location": with_parameter(back, "jwt", tokens.token())})

    @property
    def login_url(self) -> str:
        return f"{self.url}/login?return_url={{returnURL}}"
