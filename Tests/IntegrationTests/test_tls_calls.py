# SPDX-License-Identifier: Apache-2.0
"""The gate's own calls over TLS: key sets and provisioning, with server names, client certificates and resumption."""

import json
import ssl

import pytest

from harness import mints
from harness.certificates import Authority
from harness.gate import Browser
from harness.process import wait_until
from harness.secure import SecureUpstream
from harness.tokens import token


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(authority):
    """A server named app.internal that requires a client certificate."""

    def demand(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.path)

    server = SecureUpstream(authority.issue("server", "DNS:app.internal"), demand)
    yield server
    server.stop()


@pytest.fixture
def options(authority):
    own = authority.issue("own", "DNS:gate")
    return {"ca": authority.path, "serverName": "app.internal", "clientCertificate": own.certificate,
            "clientKey": own.key}


def test_provisioning_sends_its_certificate_and_resumes_its_session(start_gate, upstream, server, options):
    server.answer = lambda request, connection: connection.respond(201, {})
    gate = start_gate(upstream, provisioning={
        "url": server.url + "/users", "secret": "a-secret-of-sixteen-bytes", **options})
    for user in ("ada", "bob", "eve"):
        gate.signed_in(sub=user, email=f"{user}@example.com")
    assert [request.target for request in server.requests] == ["/users"] * 3
    assert server.names == ["app.internal"] * 3
    assert server.sessions == [False, True, True]
    assert all(peer["subjectAltName"] == (("DNS", "gate"),) for peer in server.peers)


@pytest.mark.parametrize("missing", ["ca", "serverName", "clientCertificate"])
def test_without_one_of_the_options_no_notification_is_sent(start_gate, upstream, server, options, missing):
    server.answer = lambda request, connection: connection.respond(201, {})
    left = {name: value for name, value in options.items() if name != missing}
    if missing == "clientCertificate":
        del left["clientKey"]
    gate = start_gate(upstream, provisioning={
        "url": server.url + "/users", "secret": "a-secret-of-sixteen-bytes", **left})
    browser = Browser(gate)
    back = browser.start("/")
    assert browser.finish(back, token(sub="ada", email="ada@example.com")).status == 502
    assert server.requests == []
    # In TLS 1.3 a server requires the certificate after the handshake, and its alert may be lost with the reset.
    words = ["no secure connection"] + ["the connection was closed"] * (missing == "clientCertificate")
    wait_until(lambda: any(word in gate.log() for word in words), "the reason in the log")


def test_key_sets_are_fetched_over_an_authenticated_connection(start_gate, upstream, server, options):
    key = mints.private_key("RS256")
    server.answer = lambda request, connection: connection.respond(
        200, {"Content-Type": "application/json"},
        json.dumps({"keys": [mints.rsa_jwk(key, kid="a", alg="RS256", use="sig")]}))
    gate = start_gate(upstream, token={
        "algorithms": ["RS256"], "keys": [{"jwksURL": server.url + "/jwks.json", **options}]})
    wait_until(lambda: "key set fetched" in gate.log(), "the key set is fetched")
    jwt = mints.by_openssl(mints.claims(), key, {"alg": "RS256", "typ": "JWT", "kid": "a"}, "RS256")
    browser = Browser(gate)
    assert browser.finish(browser.start("/"), jwt).status == 303
    assert server.names[0] == "app.internal"
    assert server.peers[0]["subjectAltName"] == (("DNS", "gate"),)
