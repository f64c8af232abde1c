# SPDX-License-Identifier: Apache-2.0
"""A scripted OpenID provider. It does what the specifications say until a test changes one of its answers.

It is strict towards its client: a request that OpenID Connect Core 1.0, RFC 6749 or RFC 7636 does not permit is refused and
recorded in `refusals`. A test may replace each answer (`scripts`), or parts of the discovery document (`metadata`), of the
ID token (`id_claims`, `id_header`, `mint`), of the token endpoint's answer (`token_answer`) and of the claims of the user
information endpoint (`user_info`).
"""

import base64
import hashlib
import hmac
import html
import json
import secrets
import threading
import time
import urllib.parse
from dataclasses import dataclass

from .openid_keys import Signer, sign
from .process import wait_until
from .secure import SecureUpstream
from .tokens import base64url
from .upstream import Upstream

CLIENT_ID = "app"
CLIENT_SECRET = "the-client-secret-that-no-log-may-hold-0001"

#: Paths of the endpoints, below the issuer's own path.
ENDPOINTS = {"discovery": "/.well-known/openid-configuration", "keys": "/keys", "authorize": "/authorize",
             "token": "/token", "userinfo": "/userinfo", "end_session": "/end-session"}

#: Parameters of the authorization request that a client must send exactly once.
REQUIRED = ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"]


class Refused(Exception):
    """The client's request is not as it must be; the text is one of OAuth's error codes, and why."""

    def __init__(self, error: str, why: str, status: int = 400):
        super().__init__(f"{error}: {why}")
        self.error, self.why, self.status = error, why, status


@dataclass
class Grant:
    """What a code stands for."""

    request: dict
    claims: dict
    used: bool = False


@dataclass
class Answer:
    """The response to an authorization request, as the browser carries it back."""

    redirect_uri: str
    parameters: dict
    mode: str = "query"

    def changed(self, **changes) -> "Answer":
        """With other parameters; a change to None removes one."""
        values = {**self.parameters, **changes}
        return Answer(self.redirect_uri, {n: v for n, v in values.items() if v is not None}, self.mode)

    @property
    def query(self) -> str:
        return urllib.parse.urlencode(self.parameters)

    @property
    def location(self) -> str:
        return self.redirect_uri + ("&" if "?" in self.redirect_uri else "?") + self.query


def without_none(values: dict) -> dict:
    return {name: value for name, value in values.items() if value is not None}


class OpenIDProvider:
    def __init__(self, name: str = "main", certificate=None, client_id: str = CLIENT_ID, client_secret=CLIENT_SECRET,
                 authentication: str = "basic", path: str = "", port: int = 0):
        self.name = name
        self.server = SecureUpstream(certificate) if certificate else Upstream(port)
        self.server.answer = self._answer
        self.url = self.server.url
        self.issuer = self.url + path
        self.client_id, self.client_secret, self.authentication = client_id, client_secret, authentication
        self.signer = Signer(f"{name}-key")
        self.is_stopped = False
        self.reset()

    def reset(self):
        """Every answer as it should be, nothing recorded."""
        self.keys = [self.signer.jwk]
        self.scripts = {}
        self.metadata, self.id_claims, self.id_header, self.token_answer, self.user_info = {}, {}, {}, {}, {}
        self.mint = lambda claims, header: sign(self.signer, claims, **header)
        self.user = user()
        self.grants: dict[str, Grant] = {}
        self.access_tokens: dict[str, Grant] = {}
        self.refusals, self.secrets = [], []
        self.end_sessions = []
        self.released = threading.Event()
        self.server.requests.clear()
        self.server.failures.clear()

    def stop(self):
        self.released.set()
        if not self.is_stopped:
            self.is_stopped = True
            self.server.stop()

    # What tests look at.

    def requests(self, endpoint: str) -> list:
        path = urllib.parse.urlsplit(self.issuer).path + ENDPOINTS[endpoint]
        return [request for request in self.server.requests if request.target.partition("?")[0] == path]

    def count(self, endpoint: str) -> int:
        return len(self.requests(endpoint))

    def endpoint(self, name: str) -> str:
        return self.issuer + ENDPOINTS[name]

    @property
    def form(self) -> dict:
        """The fields of the last token request."""
        return dict(urllib.parse.parse_qsl(self.requests("token")[-1].body.decode(), keep_blank_values=True))

    def wait_for(self, endpoint: str, count: int = 1):
        wait_until(lambda: self.count(endpoint) >= count, f"{count} requests to the {endpoint} endpoint")

    # The configuration of a client.

    def settings(self, **changes) -> dict:
        """The gate's `identityProvider`."""
        values = {"protocol": "oidc", "issuer": self.issuer, "clientID": self.client_id, "loginURL": None}
        if self.client_secret:
            values["clientSecret"] = self.client_secret
        if self.authentication == "post":
            values["clientAuthentication"] = self.authentication
        return {**values, **changes}

    # The documents.

    def discovery(self) -> dict:
        return without_none({
            "issuer": self.issuer,
            "authorization_endpoint": self.endpoint("authorize"),
            "token_endpoint": self.endpoint("token"),
            "jwks_uri": self.endpoint("keys"),
            "userinfo_endpoint": self.endpoint("userinfo"),
            "end_session_endpoint": self.endpoint("end_session"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            **self.metadata})

    # The authorization endpoint.

    def authorize(self, url: str, **claims) -> Answer:
        """The user signs in; the response for the browser. `claims` are changes to the user's."""
        assert url.startswith(self.endpoint("authorize") + "?"), f"not this provider's endpoint: {url}"
        request = self.authorization_request(urllib.parse.urlsplit(url).query)
        return self.answer_to(request, **claims)

    def authorization_request(self, query: str) -> dict:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True)
        request = dict(pairs)
        assert len(request) == len(pairs), f"a parameter is repeated: {query}"
        missing = [name for name in REQUIRED if not request.get(name)]
        assert not missing, f"missing in the authorization request: {missing} of {query}"
        assert request["response_type"] == "code", query
        assert request["client_id"] == self.client_id, query
        assert "openid" in request["scope"].split(" "), query
        assert request["code_challenge_method"] == "S256", query
        challenge = request["code_challenge"]
        assert len(challenge) == 43 and len(base64.urlsafe_b64decode(challenge + "=")) == 32, challenge
        assert "client_secret" not in request and "code_verifier" not in request, query
        return request

    def answer_to(self, request: dict, **claims) -> Answer:
        code = "code-" + secrets.token_urlsafe(24)
        self.secrets.append(code)
        self.grants[code] = Grant(request, {**self.user, **claims})
        parameters = {"code": code, "state": request["state"]}
        if self.discovery().get("authorization_response_iss_parameter_supported"):
            parameters["iss"] = self.issuer
        return Answer(request["redirect_uri"], parameters, request.get("response_mode", "query"))

    @staticmethod
    def error(url: str, error: str, **parameters) -> Answer:
        """An error response to the authorization request at this URL."""
        request = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        return Answer(request["redirect_uri"], {"error": error, "state": request["state"], **parameters},
                      request.get("response_mode", "query"))

    # The token endpoint.

    def tokens(self, request) -> dict:
        """The answer to a token request; raises `Refused`."""
        content = request.get("Content-Type", "")
        if request.method != "POST" or content.partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise Refused("invalid_request", f"{request.method} with {content}")
        pairs = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refused("invalid_request", f"a field is repeated: {[name for name, _ in pairs]}")
        self.authenticate(request, fields)
        if fields.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type", str(fields.get("grant_type")))
        grant = self.grants.get(fields.get("code", ""))
        if not grant or grant.used:
            raise Refused("invalid_grant", "a used code" if grant else "an unknown code")
        grant.used = True
        if fields.get("redirect_uri") != grant.request["redirect_uri"]:
            raise Refused("invalid_grant", f"redirect_uri {fields.get('redirect_uri')}")
        verifier = fields.get("code_verifier", "")
        self.secrets.append(verifier)
        if not 43 <= len(verifier) <= 128 or not all(c.isalnum() and c.isascii() or c in "-._~" for c in verifier):
            raise Refused("invalid_grant", f"a code_verifier of {len(verifier)} characters")
        if base64url(hashlib.sha256(verifier.encode()).digest()) != grant.request["code_challenge"]:
            raise Refused("invalid_grant", "the code_verifier is not the challenge's")
        return self.tokens_for(grant)

    def authenticate(self, request, fields: dict):
        """RFC 6749 §2.3.1: exactly one way, the configured one."""
        authorization = request.get("Authorization")
        ways = [name for name, used in {
            "basic": authorization is not None, "post": "client_secret" in fields,
            "public": authorization is None and "client_secret" not in fields}.items() if used]
        if ways != [self.authentication]:
            raise Refused("invalid_client", f"authentication by {ways} in place of {self.authentication}", 401)
        if self.authentication == "basic":
            scheme, _, credentials = authorization.partition(" ")
            if scheme.lower() != "basic":
                raise Refused("invalid_client", scheme, 401)
            try:
                name, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
            except ValueError:
                raise Refused("invalid_client", "credentials that cannot be read", 401) from None
            name, secret = urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)
            if fields.get("client_id", name) != name:
                raise Refused("invalid_client", "two client IDs", 401)
        else:
            name, secret = fields.get("client_id"), fields.get("client_secret")
        if name != self.client_id or (self.client_secret or None) != secret:
            raise Refused("invalid_client", f"the client {name!r} with another secret", 401)

    def tokens_for(self, grant: Grant) -> dict:
        access_token = "access-" + secrets.token_urlsafe(24)
        self.access_tokens[access_token] = grant
        token = self.id_token(grant, access_token)
        self.secrets += [access_token, token]
        return without_none({"token_type": "Bearer", "access_token": access_token, "expires_in": 300,
                             "refresh_token": self._secret("refresh"), "id_token": token, **self.token_answer})

    def _secret(self, kind: str) -> str:
        self.secrets.append(f"{kind}-{secrets.token_urlsafe(24)}")
        return self.secrets[-1]

    def id_token(self, grant: Grant, access_token: str = "", **changes) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 300, "nonce": grant.request["nonce"],
                  "auth_time": now, **grant.claims}
        if access_token:
            claims["at_hash"] = base64url(hashlib.sha256(access_token.encode()).digest()[:16])
        return self.mint(without_none({**claims, **self.id_claims, **changes}), self.id_header)

    def logout_token(self, **changes) -> str:
        """OpenID Connect Back-Channel Logout 1.0 §2.4."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 120, "jti": secrets.token_hex(16),
                  "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sub": self.user["sub"]}
        return self.mint(without_none({**claims, **changes}), {"typ": "logout+jwt"})

    # The front door.

    def _answer(self, request, connection):
        base = urllib.parse.urlsplit(self.issuer).path
        path = request.target.partition("?")[0]
        name = next((name for name, at in ENDPOINTS.items() if path == base + at), None)
        if name is None:
            return connection.respond(404, {"Content-Type": "text/plain"}, f"no {path} here")
        script = self.scripts.get(name)
        if script:
            return script(request, connection)
        getattr(self, f"_{name}")(request, connection)

    def _json(self, connection, document, status: int = 200, **headers):
        connection.respond(status, {"Content-Type": "application/json", "Cache-Control": "no-store", **headers},
                           json.dumps(document))

    def _discovery(self, request, connection):
        self._json(connection, self.discovery(), **{"Cache-Control": "max-age=600"})

    def _keys(self, request, connection):
        self._json(connection, {"keys": self.keys}, **{"Cache-Control": "max-age=600"})

    def _authorize(self, request, connection):
        """Signs the user in without asking, as a provider does that knows the browser."""
        answer = self.answer_to(self.authorization_request(request.target.partition("?")[2]))
        if answer.mode != "form_post":
            return connection.respond(302, {"Location": answer.location, "Cache-Control": "no-store"}, reason="Found")
        fields = "".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
                         for name, value in answer.parameters.items())
        connection.respond(200, {"Content-Type": "text/html", "Cache-Control": "no-store"}, f"""<!doctype html>
            <title>Continue</title><body onload="document.forms[0].submit()">
            <form method="post" action="{html.escape(answer.redirect_uri)}">{fields}<button>Continue</button></form>""")

    def _token(self, request, connection):
        try:
            self._json(connection, self.tokens(request), Pragma="no-cache")
        except Refused as refusal:
            self.refusals.append(str(refusal))
            self._json(connection, {"error": refusal.error, "error_description": f"<b>{refusal.why}</b>"}, refusal.status)

    def _userinfo(self, request, connection):
        scheme, _, token = request.get("Authorization", "").partition(" ")
        grant = self.access_tokens.get(token) if scheme == "Bearer" else None
        if not grant:
            self.refusals.append("userinfo: no access token of this provider")
            return self._json(connection, {"error": "invalid_token"}, 401, **{"WWW-Authenticate": "Bearer"})
        self._json(connection, without_none({**grant.claims, **self.user_info}))

    def _end_session(self, request, connection):
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))
        self.end_sessions.append(query)
        target = query.get("post_logout_redirect_uri")
        if target:
            return connection.respond(302, {"Location": target}, reason="Found")
        connection.respond(200, {"Content-Type": "text/html"}, "<!doctype html><title>Signed out</title>Signed out.")


def user(**changes) -> dict:
    """Ada's claims; a change to None omits the claim."""
    return without_none({
        "sub": "248289761001", "email": "ada@example.com", "email_verified": True, "preferred_username": "ada",
        "given_name": "Ada", "family_name": "Lovelace", "groups": ["staff", "admins"], "sid": "session-1", **changes})


# Answers of a provider that is broken or hostile, for `scripts`.

def says(status: int = 200, body=b"", reason: str = "OK", **headers):
    body = json.dumps(body) if isinstance(body, dict) else body
    return lambda request, connection: connection.respond(status, {"Content-Type": "application/json", **headers}, body, reason)


def redirects_to(url: str, status: int = 302):
    return says(status, b"", "Found", Location=url)


def hangs_up(request, connection):
    connection.close()


def cut_short(request, connection):
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"token_type":"Bea')
    connection.close()


def garbles(request, connection):
    connection.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
    connection.close()


def floods_body(request, connection):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"x\":\"")
    for _ in range(400):
        connection.send(b"A" * 1_000_000)


def floods_head(request, connection):
    connection.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(200_000):
        connection.send(b"X-Filler-%d: " % number + b"A" * 1000 + b"\r\n")


def never(provider: OpenIDProvider):
    """No answer until the test is over."""
    return lambda request, connection: provider.released.wait(120)


def drips(provider: OpenIDProvider):
    """A head, then one byte of the body every half a second."""
    def answer(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
        while not provider.released.wait(0.5):
            connection.send(b" ")
    return answer


def hmac_token(secret, claims: dict, **header) -> str:
    """An HS256 token; `secret` may be any text, such as a public key."""
    header = {"alg": "HS256", "typ": "JWT", **header}
    signed = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    secret = secret.encode() if isinstance(secret, str) else secret
    return signed + "." + base64url(hmac.digest(secret, signed.encode(), "sha256"))
