# SPDX-License-Identifier: Apache-2.0
"""A Flask app that shows the HTTP_ variables that it receives, on the standard library's server.

    python3 environment.py 3000
"""

import socket
import sys
from wsgiref.simple_server import WSGIServer, make_server

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
@app.route("/<path:path>", methods=["GET", "POST"])
def show(path):
    variables = {name: value for name, value in request.environ.items() if name.startswith("HTTP_")}
    return jsonify(user=request.headers.get("X-Forwarded-User"), headers=variables)


class Server(WSGIServer):
    """Reads what the app left of a request, such as a chunked body, which wsgiref does not read. To close the connection with
    bytes unread would reset it, and the proxy could lose the response."""

    def shutdown_request(self, request):
        try:
            request.shutdown(socket.SHUT_WR)
            request.settimeout(10)
            while request.recv(65536):
                pass
        except OSError:
            pass
        self.close_request(request)


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, server_class=Server).serve_forever()
