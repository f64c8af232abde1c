# SPDX-License-Identifier: Apache-2.0
"""A WSGI app that reads Remote-User (Sidegate: headerPreset: remote-user), on the standard library's server.

    python3 app.py 3000
"""

import html
import sys
from wsgiref.simple_server import make_server


def app(environ, start_response):
    # HTTP_REMOTE_USER is the header that Sidegate sets. REMOTE_USER, without HTTP_, would be set by a web server that
    # runs the app itself; frameworks that want that one have a setting for the header's name.
    user = environ.get("HTTP_REMOTE_USER")
    if user is None:
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Nobody is logged in.\n"]
    # WSGI passes bytes as Latin-1; Sidegate sends UTF-8.
    name, groups = (environ.get(f"HTTP_REMOTE_{part}", "").encode("latin-1").decode() for part in ("NAME", "GROUPS"))
    body = (f"<!doctype html><meta charset=utf-8><title>Reports</title><p>Hello, <b id=user>{html.escape(user)}</b> "
            f"({html.escape(name)}), of {html.escape(groups)}. This is {html.escape(environ['PATH_INFO'])}.\n")
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [body.encode()]


if __name__ == "__main__":
    # Loopback: clients that bypass Sidegate could send that header.
    with make_server("127.0.0.1", int(sys.argv[1]), app) as server:
        server.serve_forever()
