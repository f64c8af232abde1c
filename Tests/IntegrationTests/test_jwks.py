# SPDX-License-Identifier: Apache-2.0
"""Remote keys: a provider's published key set, rotated, unavailable, slow, hostile."""

import json
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import mints
from harness.gate import NAVIGATION, XHR
from harness.key_server import KeyServer
from harness.mints import by_openssl, by_php, by_python
from harness.ports import free_port
from harness.process import wait_until
from harness.upstream import Upstream
from harness.visits import Visit, accepted, refused


class Signer:
    """A provider's RSA key."""

    def __init__(self, kid: str):
        self.kid = kid
        self.pem = mints.private_key("RS256")
        self.jwk = mints.rsa_jwk(self.pem, kid=kid, alg="RS256", use="sig")

    def token(self, mint=by_openssl, kid="", **changes) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": kid or self.kid}
        return mint(mints.claims(**changes), self.pem, {n: v for n, v in header.items() if v != "none"}, "RS256")


@pytest.fixture(scope="module")
def signers():
    return [Signer(f"key-{n}") for n in range(3)]


@pytest.fixture
def publish(signers):
    started = []

    def start(*keys):
        started.append(KeyServer(*(keys or [signers[0].jwk])))
        return started[-1]
    yield start
    for server in started:
        server.stop()


def trusting(start_gate, upstream, *urls, algorithms=("RS256",), is_up=True, **changes):
    """A gate that trusts the key sets; when their servers are up, it has fetched them."""
    keys = [url if isinstance(url, dict) else {"jwksURL": url} for url in urls]
    gate = start_gate(upstream, token={"algorithms": list(algorithms), "keys": keys}, **changes)
    if is_up:
        # Otherwise the first sign-in might use the fetch on demand that a test checks.
        published = sum("jwksURL" in key for key in keys)
        wait_until(lambda: gate.log().count("key set fetched") == published, f"{published} key sets\n{gate.log()}")
    return gate


def enter(gate, jwt):
    return Visit(gate).enter(jwt)


class TestKeys:
    @pytest.mark.parametrize("mint", [by_php, by_openssl], ids=["PHP", "OpenSSL"])
    def test_a_key_of_the_set_signs_in(self, upstream, start_gate, publish, signers, mint):
        gate = trusting(start_gate, upstream, publish(signers[1].jwk, signers[0].jwk).url)
        assert accepted(enter(gate, signers[0].token(mint)))

    def test_the_kid_selects_the_key_and_without_one_all_are_tried(self, upstream, start_gate, publish, signers):
        gate = trusting(start_gate, upstream, publish(*(signer.jwk for signer in signers[:2])).url)
        for signer in signers[:2]:
            assert accepted(enter(gate, signer.token()))
            assert accepted(enter(gate, signer.token(kid="none")))
        assert enter(gate, signers[0].token(kid="key-1")).status == 403, "signed by a key other than its kid names"
        assert enter(gate, signers[2].token(kid="none")).status == 403

    def test_elliptic_keys_are_chosen_by_type(self, upstream, start_gate, publish, signers, tmp_path):
        pem = mints.private_key("ES256")
        point = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem.encode(), check=True,
                               capture_output=True).stdout[-64:]
        jwk = {"kty": "EC", "crv": "P-256", "x": mints.base64url(point[:32]), "y": mints.base64url(point[32:])}
        gate = trusting(start_gate, upstream, publish(signers[0].jwk, jwk).url, algorithms=["RS256", "ES256"])
        assert accepted(enter(gate, by_php(mints.claims(), pem, '{"alg":"ES256"}', "ES256")))
        assert accepted(enter(gate, signers[0].token()))

    def test_several_key_sets_and_a_file_can_be_combined(self, upstream, start_gate, publish, signers, tmp_path):
        (tmp_path / "own.pem").write_text(mints.public_key(signers[2].pem))
        gate = trusting(start_gate, upstream, publish(signers[0].jwk).url, publish(signers[1].jwk).url,
                        {"publicKeyFile": str(tmp_path / "own.pem"), "keyID": "key-2"})
        for signer in signers:
            assert accepted(enter(gate, signer.token()))

    def test_a_secret_in_a_published_set_is_not_used(self, upstream, start_gate, publish, signers):
        """Anyone knows a published secret."""
        secret = "published-so-no-secret-at-all-00000001"
        oct_key = {"kty": "oct", "k": mints.base64url(secret.encode()), "kid": "s", "alg": "HS256"}
        gate = trusting(start_gate, upstream, publish(signers[0].jwk, oct_key).url, algorithms=["RS256", "HS256"])
        assert accepted(enter(gate, signers[0].token()))
        assert enter(gate, by_python(mints.claims(), secret, '{"alg":"HS256","kid":"s"}')).status == 403

    def test_invalid_keys_of_a_set_are_ignored(self, upstream, start_gate, publish, signers):
        weak = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], check=True,
                              capture_output=True, text=True).stdout
        bad = [mints.rsa_jwk(weak, kid="weak"), {"kty": "new-kind"}, {"kty": "RSA", "n": "AA", "e": "AQAB"}, {"kty": "RSA"},
               {**signers[1].jwk, "use": "enc"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {}]
        gate = trusting(start_gate, upstream, publish(*bad, signers[0].jwk).url)
        assert accepted(enter(gate, signers[0].token()))
        response = enter(gate, by_openssl(mints.claims(), weak, '{"alg":"RS256","kid":"weak"}', "RS256"))
        assert response.status == 403


class TestRotation:
    def test_an_unknown_kid_fetches_at_once(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))
        server.keys = [signers[1].jwk, signers[0].jwk]
        assert accepted(enter(gate, signers[1].token())), "the token with the new kid is accepted"
        assert accepted(enter(gate, signers[0].token()))

    def test_an_unknown_kid_of_a_bearer_fetches_as_well(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))
        server.keys = [signers[1].jwk]
        response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {signers[1].token()}"})
        assert response.status == 200 and upstream.last.get("X-Forwarded-User") == "ada"

    def test_a_stranger_takes_no_fetch_from_a_sign_in(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url, workers=2)
        made_up = 0

        def stranger():
            nonlocal made_up
            made_up += 1
            token = signers[2].token(kid=f"made-up-{made_up}")
            assert gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token}"}).status == 401
        stranger()
        assert server.fetches == 2
        # One rotation after another, more of them than the budget of sign-ins.
        for number in range(6):
            signer = signers[1 - number % 2]
            stranger()
            server.keys = [signer.jwk]
            assert accepted(enter(gate, signer.token())), number
            stranger()

    def test_no_sign_in_fails_while_keys_rotate(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url, workers=2)
        assert accepted(enter(gate, signers[0].token()))
        rotated = threading.Event()

        def publish_slowly(request, connection):
            assert rotated.wait(30)
            server.publish(request, connection)
        server.keys = [signers[1].jwk, signers[0].jwk]
        server.server.answer = publish_slowly
        old = [signers[0].token() for _ in range(6)]
        new = [signers[1].token() for _ in range(6)]
        with ThreadPoolExecutor(12) as pool:
            before = server.fetches
            answers = [pool.submit(enter, gate, jwt) for pair in zip(new, old) for jwt in pair]
            server.server.wait_for_requests(before + 1)
            rotated.set()
            assert [accepted(answer.result()) for answer in answers] == ["/"] * 12
        assert server.fetches == before + 1, "waiting sign-ins share one fetch"

    def test_a_storm_of_unknown_kids_fetches_once(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url, workers=2)
        assert accepted(enter(gate, signers[0].token()))
        before = server.fetches
        storm = [signers[2].token(kid=f"made-up-{n}") for n in range(40)]

        def bearer(jwt):
            return gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {jwt}"})
        with ThreadPoolExecutor(10) as pool:
            assert {response.status for response in pool.map(bearer, storm)} == {401}
        assert server.fetches - before <= 2
        # Of those who begin an attempt, each waits for a fetch, many for the same one.
        before = server.fetches
        with ThreadPoolExecutor(40) as pool:
            for response in pool.map(lambda jwt: enter(gate, jwt), storm):
                refused(response, "key_not_found")
        assert 1 <= server.fetches - before < 20
        assert accepted(enter(gate, signers[0].token()))

    def test_a_removed_key_is_invalid_after_the_next_fetch(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))
        server.keys = [signers[1].jwk]
        assert accepted(enter(gate, signers[1].token()))
        assert enter(gate, signers[0].token()).status == 403

    def test_forged_tokens_do_not_each_cause_a_fetch(self, upstream, start_gate, publish, signers):
        """A provider may change a key and keep its kid, so an invalid signature may cause a fetch, but not each one."""
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))
        before = server.fetches
        forged = signers[2].token(kid="key-0")
        for _ in range(10):
            assert gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {forged}"}).status == 401
        assert server.fetches - before <= 2
        before = server.fetches
        assert enter(gate, forged).status == 403
        assert server.fetches - before == 1


class TestOutage:
    def test_the_last_valid_key_set_is_kept(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))
        server.stop()
        refused(enter(gate, signers[1].token()), "key_not_found")
        assert accepted(enter(gate, signers[0].token()))

    @pytest.mark.parametrize("status, body", [
        (500, b"oops"), (200, b"<html>maintenance</html>"), (200, b""), (200, b"{}"), (200, b'{"keys":[]}'), (200, b'{"keys":7}'),
        (200, b"[" * 100_000), (404, b'{"keys":[]}'), (302, b""), (200, b"\xff\xfe\x00"), (204, b""),
    ], ids=["500", "HTML", "empty", "no keys", "an empty set", "no list", "deep", "404", "redirect", "not UTF-8", "204"])
    def test_an_invalid_response_changes_nothing(self, upstream, start_gate, publish, signers, status, body):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))
        server.says(status, body, Location="http://127.0.0.1:1/", **{"Content-Type": "application/json"})
        refused(enter(gate, signers[1].token()), "key_not_found")
        assert accepted(enter(gate, signers[0].token()))

    def test_an_endless_response_is_cut_off(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        assert accepted(enter(gate, signers[0].token()))

        def flood(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
            for _ in range(200):
                connection.send(b" " * 1_000_000)
        server.server.answer = flood
        before = gate.process.memory()
        assert enter(gate, signers[1].token()).status == 403
        assert gate.process.memory() - before < 20_000_000
        assert accepted(enter(gate, signers[0].token()))

    def test_a_key_server_that_is_down_at_the_start_is_used_later(self, upstream, start_gate, signers):
        port = free_port()
        gate = trusting(start_gate, upstream, f"http://127.0.0.1:{port}/jwks.json", is_up=False)
        assert gate.exchange("GET", "/", NAVIGATION).status == 302
        refused(enter(gate, signers[0].token()), "key_not_found")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": [signers[0].jwk]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        late = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=late.serve_forever, daemon=True).start()
        try:
            wait_until(lambda: enter(gate, signers[0].token()).status == 303, "a sign-in", interval=0.5)
        finally:
            late.shutdown()
            late.server_close()

    def test_a_slow_server_does_not_block_the_start(self, upstream, start_gate, publish, signers):
        server, go = publish(signers[0].jwk), threading.Event()

        def slow(request, connection):
            assert go.wait(30)
            server.publish(request, connection)
        server.server.answer = slow
        gate = trusting(start_gate, upstream, server.url, is_up=False)
        assert gate.exchange("GET", "/", NAVIGATION).status == 302
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(enter, gate, signers[0].token())
            for _ in range(5):
                assert gate.exchange("GET", "/", NAVIGATION).status == 302
            go.set()
            assert accepted(answer.result()), "the first sign-in waited for the keys"

    def test_a_key_server_that_never_responds_causes_a_refusal(self, upstream, start_gate, publish, signers):
        server, ended = publish(signers[0].jwk), threading.Event()
        server.server.answer = lambda request, connection: ended.wait(60)
        gate = trusting(start_gate, upstream, server.url, is_up=False)
        browser = Visit(gate)
        browser.go()
        try:
            with gate.connection(timeout=30) as connection:
                connection.request("GET", f"/.sidegate/callback?jwt={signers[0].token()}",
                                   {**NAVIGATION, "Cookie": browser.cookie_header()})
                refused(connection.response(), "key_not_found")
        finally:
            ended.set()


class TestCaching:
    def test_a_set_that_forbids_caching_is_not_fetched_for_each_sign_in(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        server.server.answer = lambda request, connection: server.publish(request, connection, "no-store, max-age=0")
        gate = trusting(start_gate, upstream, server.url)
        for _ in range(5):
            assert accepted(enter(gate, signers[0].token()))
        assert server.fetches == 1

    def test_the_fetch_contains_no_data_of_the_user(self, upstream, start_gate, publish, signers):
        server = publish(signers[0].jwk)
        gate = trusting(start_gate, upstream, server.url)
        accepted(enter(gate, signers[0].token()))
        request = server.server.requests[0]
        assert (request.method, request.target) == ("GET", "/jwks.json") and request.get("Cookie") is None


class SecureKeyServer:
    """Serves the set over https, with a certificate of its own authority."""

    def __init__(self, folder, keys, name="IP:127.0.0.1"):
        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)
        folder.mkdir()
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=keys")
        (folder / "extensions").write_text(f"subjectAltName={name}\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "extensions", "-out", "server.pem")
        self.ca = folder / "ca.pem"
        body = json.dumps({"keys": keys}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that rejects the certificate
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class TestHTTPS:
    @pytest.fixture
    def secure(self, tmp_path, signers):
        server = SecureKeyServer(tmp_path / "good", [signers[0].jwk])
        yield server
        server.stop()

    def test_a_certificate_of_the_configured_authority_is_accepted(self, upstream, start_gate, secure, signers):
        gate = trusting(start_gate, upstream, {"jwksURL": secure.url, "ca": str(secure.ca)})
        assert accepted(enter(gate, signers[0].token()))

    def test_a_certificate_of_another_authority_is_refused(self, upstream, start_gate, secure, signers):
        gate = trusting(start_gate, upstream, secure.url, is_up=False)
        refused(enter(gate, signers[0].token()), "key_not_found")

    def test_a_certificate_of_another_name_is_refused(self, upstream, start_gate, tmp_path, signers):
        server = SecureKeyServer(tmp_path / "other", [signers[0].jwk], name="DNS:keys.test,IP:127.0.0.2")
        try:
            gate = trusting(start_gate, upstream, {"jwksURL": server.url, "ca": str(server.ca)}, is_up=False)
            refused(enter(gate, signers[0].token()), "key_not_found")
        finally:
            server.stop()
