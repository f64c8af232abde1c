# SPDX-License-Identifier: Apache-2.0
"""A Flask app that shows the HTTP_ variables that it receives, on the standard library's server.

    python3 environment.py 3000
"""

import sys
from wsgiref.simple_server import make_server

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
@app.route("/<path:path>", methods=["GET", "POST"])
def show(path):
    variables = {name: value for name, value in request.environ.items() if name.startswith("HTTP_")}
    return jsonify(user=request.headers.get("X-Forwarded-User"), headers=variables)


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app).serve_forever()
