# SPDX-License-Identifier: Apache-2.0
"""The assertion for the app: verified by other libraries, protected against clients, rotated without a gap."""

import base64
import hashlib
import json
import subprocess
import time
import urllib.error
import urllib.request

import jwt
import pytest

from harness import tokens
from harness.examples import php, python
from harness.gate import NAVIGATION, sidegate
from harness.ports import free_port
from harness.process import wait_until
from harness.tokens import base64url

HEADER = "X-Sidegate-Jwt-Assertion"
APP = "https://app.example.com"


def make_key(path, algorithm="ES256"):
    options = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if algorithm == "ES256" else ["RSA"]
    subprocess.run(["openssl", "genpkey", "-algorithm", *options, "-out", path], check=True, capture_output=True)
    path.chmod(0o600)
    return str(path)


def key_set(gate) -> list:
    response = gate.exchange("GET", "/.sidegate/jwks.json")
    assert response.status == 200 and response["Content-Type"] == "application/json"
    assert "no-store" not in response["Cache-Control"]
    return response.json()["keys"]


def read(statement: str, gate, **options) -> dict:
    """Verifies an assertion with PyJWT and pyca/cryptography; returns its claims."""
    header = jwt.get_unverified_header(statement)
    key = next(k for k in key_set(gate) if k["kid"] == header["kid"])
    return jwt.decode(statement, jwt.PyJWK(key).key, algorithms=[key["alg"]], **{
        "audience": gate.origin, "issuer": gate.origin, **options})


@pytest.fixture
def start(upstream, start_gate, tmp_path):
    def start(algorithm="ES256", upstream=upstream, **changes):
        path = make_key(tmp_path / f"{algorithm}-{time.monotonic_ns()}.pem", algorithm)
        assertion = {"keyFile": path, "algorithm": algorithm, **changes.pop("assertion", {})}
        return start_gate(upstream, assertion=assertion, **changes)
    return start


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_the_app_gets_an_assertion_that_other_libraries_verify(start, upstream, algorithm):
    gate = start(algorithm, assertion={"issuer": APP})
    browser = gate.signed_in()
    browser.navigate("/")
    statement = upstream.last.get(HEADER)
    now = time.time()
    claims = read(statement, gate, audience=APP, issuer=APP)
    assert claims["sub"] == "ada" and claims["email"] == "ada@example.com" and claims["groups"] == ["staff", "admins"]
    assert claims["given_name"] == "Ada" and claims["preferred_username"] == "ada" and "user" not in claims
    assert now - 5 <= claims["iat"] <= now + 1 and claims["exp"] == claims["iat"] + 60
    assert abs(claims["auth_time"] - now) < 5
    with pytest.raises(jwt.InvalidSignatureError):
        head, payload, signature = statement.split(".")
        forged = json.loads(base64.urlsafe_b64decode(payload + "=="))
        read(".".join([head, base64url(json.dumps({**forged, "sub": "eve"}).encode()), signature]), gate, audience=APP)


def test_the_key_is_named_by_its_thumbprint_RFC_7638(start):
    for algorithm, members in (("ES256", ("crv", "kty", "x", "y")), ("RS256", ("e", "kty", "n"))):
        key, = key_set(start(algorithm))
        text = json.dumps({name: key[name] for name in members}, separators=(",", ":"), sort_keys=True)
        assert key["kid"] == base64url(hashlib.sha256(text.encode()).digest())
        assert key["use"] == "sig" and key["alg"] == algorithm
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key), "a part of the private key is published"


def test_one_assertion_is_used_for_half_its_lifetime(start, upstream):
    gate = start(assertion={"lifetime": "10s"})
    browser = gate.signed_in()
    seen = {}

    def ask():
        asked = time.time()
        browser.navigate("/")
        statement = upstream.last.get(HEADER)
        seen[statement] = claims = jwt.decode(statement, options={"verify_signature": False})
        assert claims["exp"] - asked > 4, "the app got an assertion that is about to expire"
        return len(seen) == 2
    wait_until(ask, "the assertion is renewed", interval=0.1)
    first, second = seen.values()
    assert second["iat"] - first["iat"] >= 4, "signed more than once in half its lifetime"


def test_only_signed_in_users_and_bearers_have_an_assertion(start, upstream):
    gate = start(access={"default": "guest"}, assertion={"audience": "app"})
    gate.exchange("GET", "/")
    assert upstream.last.get(HEADER) is None
    gate.exchange("GET", "/", {"Authorization": "Bearer " + tokens.token(sub="bob")})
    claims = read(upstream.last.get(HEADER), gate, audience="app", issuer="sidegate")
    assert claims["sub"] == "bob" and "auth_time" not in claims


@pytest.mark.parametrize("name", [HEADER, "X-App-Assertion"])
def test_a_clients_own_assertion_never_reaches_the_app(start, upstream, name):
    gate = start(assertion={"header": name})
    cookie = gate.session_cookie()
    for spelling in (name, name.lower(), name.replace("-", "_"), name.replace("-", "."), name.upper()):
        for method, headers in (("GET", cookie), ("OPTIONS", cookie), ("POST", cookie)):
            gate.exchange(method, "/", [*headers.items(), (spelling, "forged"), ("Connection", f"close, {name}")])
            assert b"forged" not in upstream.last.head
            assert len(upstream.last.all(name)) == 1


def test_forward_auth_returns_it_and_overwrites_a_clients_own(start):
    gate = start(trustedProxies=["127.0.0.1"], access={"rules": [{"paths": ["/open"], "allow": "anyone"}]})
    about = {"X-Original-URL": gate.origin + "/x", "X-Original-Method": "GET"}
    answer = gate.exchange("GET", "/.sidegate/auth", {**about, **gate.session_cookie()})
    assert answer.status == 202 and read(answer[HEADER], gate, audience="sidegate", issuer="sidegate")["sub"] == "ada"
    nobody = gate.exchange("GET", "/.sidegate/auth", {**about, "X-Original-URL": gate.origin + "/open", HEADER: "forged"})
    assert nobody.status == 202 and nobody[HEADER] == ""


def test_claims_of_a_token_do_not_replace_the_assertions_own(start, upstream):
    gate = start(token={"claims": {"aud": ["app"], "exp": ["end"], "events": ["ev"], "team": ["team"]}})
    gate.signed_in(app="other", end="never", ev="logout", team="blue").navigate("/")
    claims = read(upstream.last.get(HEADER), gate, audience="sidegate", issuer="sidegate")
    assert claims["team"] == "blue" and isinstance(claims["exp"], int) and "events" not in claims


def test_rotation_has_no_gap(upstream, tmp_path, start_gate):
    """The next key is published first, then it signs; the old one remains published while its assertions are valid."""
    old, new = make_key(tmp_path / "old.pem"), make_key(tmp_path / "new.pem")
    public = tmp_path / "old.public.pem"
    subprocess.run(["openssl", "pkey", "-in", old, "-pubout", "-out", public], check=True)
    statements, sets = [], []
    for signing, retired in ((old, [new]), (new, [str(public)])):
        gate = start_gate(upstream, assertion={"keyFile": signing, "retiredKeyFiles": retired, "audience": "app"})
        gate.signed_in().navigate("/")
        statements.append(upstream.last.get(HEADER))
        sets.append({key["kid"] for key in key_set(gate)})
    assert sets[0] == sets[1] and len(sets[0]) == 2
    for statement in statements:
        assert read(statement, gate, audience="app", issuer="sidegate")["sub"] == "ada"
    assert len({jwt.get_unverified_header(s)["kid"] for s in statements}) == 2


def test_without_a_key_there_is_no_assertion_and_no_key_set(gate, upstream, session):
    gate.exchange("GET", "/", session)
    assert upstream.last.get(HEADER) is None
    assert gate.exchange("GET", "/.sidegate/jwks.json", NAVIGATION).status == 404


@pytest.mark.parametrize("assertion, words", [
    ({"keyFile": "rsa.pem"}, "ES256"), ({"keyFile": "ec.pem", "algorithm": "RS256"}, "RS256"),
    ({"keyFile": "missing.pem"}, "cannot read"), ({"keyFile": "public.pem"}, "private key"),
    ({"keyFile": "ec.pem", "header": "X-Forwarded-User"}, "already"),
    ({"keyFile": "ec.pem", "header": "Cookie"}, "another name"),
    ({"keyFile": "ec.pem", "header": "Authorization"}, "another name"),
    ({"keyFile": "ec.pem", "retiredKeyFiles": ["secret"]}, "PEM"), ({"retiredKeyFiles": ["ec.pem"]}, "keyFile"),
    ({"keyFile": "ec.pem", "algorithm": "HS256"}, "ES256"), ({"keyFile": "ec.pem", "lifetime": "1s"}, "lifetime"),
])
def test_check_refuses_unusable_settings(tmp_path, assertion, words):
    make_key(tmp_path / "ec.pem")
    make_key(tmp_path / "rsa.pem", "RS256")
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "ec.pem", "-pubout", "-out", tmp_path / "public.pem"], check=True)
    (tmp_path / "secret").write_text("no key at all")
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps({
        "upstream": "http://127.0.0.1:1", "publicURL": APP, "identityProvider": {"loginURL": "https://idp.test/"},
        "token": {"keys": [{"secret": tokens.SECRET}]},
        "session": {"secret": "a-session-secret-of-at-least-32-bytes-0002"}, "assertion": assertion}))
    config.chmod(0o600)
    done = sidegate("check", "--config", config)
    assert done.returncode in (1, 78) and words in done.stderr, done.stderr


class TestExamples:
    """The sample verifiers of examples/assertion, with requests through the gate and directly."""

    @pytest.fixture(params=["PHP", "Python"])
    def verifier(self, request, tmp_path):
        gate_port = free_port()  # the app needs the port before the gate starts
        where, audience = f"http://127.0.0.1:{gate_port}", "https://app.example.com"
        if request.param == "PHP":
            # It calls the gate while it serves a request of the gate.
            app = php(tmp_path, "assertion/verify.php", GATE=where, AUDIENCE=audience, PHP_CLI_SERVER_WORKERS="4",
                      TMPDIR=str(tmp_path))
        else:
            app = python(tmp_path, "assertion/verify.py", where, audience)
        app.gate_port = gate_port
        yield app
        app.stop()

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
    def test_it_accepts_only_the_gates_assertions(self, verifier, start, algorithm):
        gate = start(algorithm, upstream=verifier, assertion={"issuer": APP},
                     also_listen=[f"127.0.0.1:{verifier.gate_port}"])
        page = gate.signed_in().navigate("/")
        assert page.status == 200 and page.json()["sub"] == "ada", page.text
        confused = jwt.encode({"iss": APP, "aud": APP, "sub": "eve", "iat": int(time.time()),
                              "exp": int(time.time()) + 60}, tokens.SECRET, "HS256", headers={"kid": key_set(gate)[0]["kid"]})
        for headers in ({}, {HEADER: "ada"}, {HEADER: "a.b.c"}, {"X-Forwarded-User": "ada"}, {HEADER: confused}):
            with pytest.raises(urllib.error.HTTPError) as refusal:
                urllib.request.urlopen(urllib.request.Request(verifier.url, headers=headers))
            assert refusal.value.code == 401, headers
