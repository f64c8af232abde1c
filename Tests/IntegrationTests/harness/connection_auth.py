# SPDX-License-Identifier: Apache-2.0
"""An app that authenticates connections, as NTLM does: after three steps every request of a connection is that user's."""

import base64
import json

from .upstream import Upstream


class ConnectionAuthApp(Upstream):
    """`Authorization: SCHEME base64(hello)` gets a challenge, `SCHEME base64(user=NAME;NONCE)` on the same connection
    signs it in. Responds with JSON: the user of the connection, and the user that the gate reports."""

    def __init__(self, scheme: str = "NTLM"):
        self.scheme = scheme
        self.users: dict[int, str] = {}  # by the connection's number
        self.extra: dict[str, str] = {}
        super().__init__()
        self.answer = self.authenticate

    def authenticate(self, request, connection):
        authorization = request.get("Authorization", "")
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() == self.scheme.lower():
            words = base64.b64decode(text).decode()
            if words == "hello":
                return self.challenge(connection, base64.b64encode(b"nonce-%d" % connection.number).decode())
            name, _, nonce = words.removeprefix("user=").partition(";")
            if nonce != f"nonce-{connection.number}":
                return self.challenge(connection)
            self.users[connection.number] = name
        user = self.users.get(connection.number)
        if user is None and not request.target.startswith("/open"):
            return self.challenge(connection)
        body = json.dumps({"connection": connection.number, "app": user, "gate": request.get("X-Forwarded-User"),
                           "target": request.target})
        connection.respond(200, {"Content-Type": "application/json", **self.extra}, b"" if request.method == "HEAD" else body)

    def challenge(self, connection, text: str = ""):
        connection.respond(401, {"WWW-Authenticate": f"{self.scheme} {text}".strip()}, "who are you?", reason="Unauthorized")


def hello(scheme: str = "NTLM") -> dict:
    return {"Authorization": f"{scheme} {base64.b64encode(b'hello').decode()}"}


def response_to(challenge: str, user: str, scheme: str = "NTLM") -> dict:
    nonce = base64.b64decode(challenge.partition(" ")[2]).decode()
    return {"Authorization": f"{scheme} {base64.b64encode(f'user={user};{nonce}'.encode()).decode()}"}


def authenticated(connection, headers: dict, user: str, target: str = "/", scheme: str = "NTLM"):
    """Runs the three steps over one client connection; returns the last response."""
    assert connection.exchange("GET", target, headers).status == 401
    challenge = connection.exchange("GET", target, {**headers, **hello(scheme)})
    assert challenge.status == 401, challenge
    return connection.exchange("GET", target, {**headers, **response_to(challenge["WWW-Authenticate"], user, scheme)})
