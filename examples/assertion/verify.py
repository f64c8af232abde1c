# SPDX-License-Identifier: Apache-2.0
"""A WSGI app that trusts only the signed assertion (`assertion` in the configuration).

Other clients that can reach the app, from another pod or through an open port, can send any header. Only the gate can sign.
Needs PyJWT with cryptography (Debian: python3-jwt python3-cryptography).

Usage: python3 verify.py PORT GATE AUDIENCE
       GATE is where the gate is, such as http://127.0.0.1:8080; AUDIENCE its `assertion.audience`, or its `publicURL`.
"""

import json
import sys
from wsgiref.simple_server import make_server

import jwt

HEADER = "HTTP_X_SIDEGATE_JWT_ASSERTION"


class Verifier:
    def __init__(self, gate: str, audience: str, issuer: str = None):
        # Caches the keys, and fetches them again when an assertion names an unknown one.
        self.keys = jwt.PyJWKClient(gate.rstrip("/") + "/.sidegate/jwks.json", cache_jwk_set=True, lifespan=300)
        self.audience, self.issuer = audience, issuer or audience

    def user(self, statement: str) -> dict:
        """The gate's claims about the user; raises jwt.PyJWTError if the assertion is not valid."""
        key = self.keys.get_signing_key_from_jwt(statement).key
        # The algorithms are fixed here, never taken from the token. The clocks may differ by some seconds.
        return jwt.decode(statement, key, algorithms=["ES256", "RS256"], audience=self.audience, issuer=self.issuer,
                          leeway=10, options={"require": ["iss", "aud", "sub", "iat", "exp"]})


def app(verifier: Verifier):
    def respond(environ, start_response):
        try:
            status, answer = "200 OK", verifier.user(environ.get(HEADER, ""))
        except jwt.PyJWTError as refusal:
            status, answer = "401 Unauthorized", {"error": type(refusal).__name__}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]
    return respond


if __name__ == "__main__":
    port, gate, audience = sys.argv[1:4]
    make_server("127.0.0.1", int(port), app(Verifier(gate, audience))).serve_forever()
