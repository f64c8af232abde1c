# SPDX-License-Identifier: Apache-2.0
"""Reload: a valid configuration loses nothing, and an invalid one changes nothing."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import tokens
from harness.admin import Metrics, ask
from harness.certificates import Authority
from harness.frames import FrameConnection
from harness.gate import BINARY, NAVIGATION, Browser, clean_environment, settings
from harness.ports import free_port
from harness.process import ChildProcess, wait_until
from harness.reloads import admin, hang_up, reloads, rewrite
from harness.secure import secured, trusting
from harness.upstream import Upstream


class TestValidConfiguration:
    def test_20_reloads_under_load_lose_no_request(self, upstream, start_gate):
        upstream.answer = lambda request, connection: connection.respond(200, {}, "ok")
        gate = start_gate(upstream, workers=2, admin=admin())
        session = gate.session_cookie()
        failures, served, stop = [], [], threading.Event()

        def client():
            with gate.connection() as connection:
                while not stop.is_set():
                    try:
                        response = connection.exchange("GET", "/", session)
                        if response.status != 200 or response.get("Connection", "").lower() == "close":
                            failures.append(response)
                            return
                        served.append(1)
                    except Exception as failure:
                        failures.append(repr(failure))
                        return

        clients = [threading.Thread(target=client) for _ in range(8)]
        for thread in clients:
            thread.start()
        wait_until(lambda: len(served) > 200, "requests flow")
        for number in range(20):
            if number % 2:
                hang_up(gate)
            else:
                before = reloads(gate)
                rewrite(gate, pages={"brand": f"Brand {number}"})
                wait_until(lambda: reloads(gate) > before, "the changed file is in force")
        count = len(served)
        wait_until(lambda: len(served) > count + 200, "requests still flow")
        stop.set()
        for thread in clients:
            thread.join(30)
        assert failures == []
        metrics = Metrics(gate)
        assert reloads(gate) == 20 and metrics.get("sidegate_config_last_reload_successful") == 1
        # Each client keeps one connection from the first request to the last.
        assert metrics.get("sidegate_http_requests_total", code="200", route="default") == len(served)

    def test_requests_in_flight_and_tunnels_continue(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            if request.get("Upgrade"):
                connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
                while True:
                    connection.fill()
                    connection.send(bytes(connection.buffer))
                    connection.buffer.clear()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
            release.wait(30)
            connection.send(b"half")
        upstream.answer = answer
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        busy, tunnel = gate.connection(), gate.connection()
        busy.request("GET", "/slow", session)
        assert busy.read_head().status == 200
        tunnel.request("GET", "/tunnel", {**session, "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert tunnel.read_head().status == 101
        for _ in range(3):
            hang_up(gate)
        tunnel.send(b"still here")
        assert tunnel.read_exactly(10) == b"still here"
        release.set()
        assert busy.read_exactly(8) == b"halfhalf"
        busy.close()
        tunnel.close()

    def test_http2_streams_continue(self, upstream, start_gate):
        release = threading.Event()

        def answer(request, connection):
            if request.target == "/slow":
                release.wait(30)
            connection.respond(200, {}, "ok")
        upstream.answer = answer
        gate = start_gate(upstream, admin=admin())
        session = [("cookie", gate.session_cookie()["Cookie"])]
        connection = FrameConnection(gate.port)
        slow = connection.request("GET", "/slow", session)
        upstream.wait_for_requests(1)
        for _ in range(3):
            hang_up(gate)
        assert connection.get("/", session).status == 200
        release.set()
        assert connection.response(slow).status == 200

    def test_a_new_app_gets_the_next_request_and_the_old_one_finishes_earlier_ones(self, upstream, start_gate):
        release = threading.Event()

        def slow(request, connection):
            release.wait(30)
            connection.respond(200, {}, "old")
        upstream.answer = slow
        other = Upstream()
        other.answer = lambda request, connection: connection.respond(200, {}, "new")
        gate = start_gate(upstream, admin=admin(), upstream={"url": upstream.url, "maxConnections": 1})
        session = gate.session_cookie()
        first, waiting = gate.connection(), gate.connection()
        first.request("GET", "/1", session)
        upstream.wait_for_requests(1)
        # Waits for the only connection that is allowed.
        waiting.request("GET", "/2", session)
        wait_until(lambda: Metrics(gate).get("sidegate_http_requests_in_flight") == 2, "two in flight")
        before = reloads(gate)
        rewrite(gate, upstream={"url": other.url, "maxConnections": 1})
        wait_until(lambda: reloads(gate) > before, "the other app is in force")
        assert gate.exchange("GET", "/3", session).body == b"new"
        release.set()
        assert first.response().body == b"old" and waiting.response().body == b"old"
        for connection in (first, waiting):
            assert connection.exchange("GET", "/4", session).body == b"new"
            connection.close()
        other.stop()

    def test_used_tokens_stay_used_and_sessions_valid_even_with_a_generated_secret(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin(), session={"secret": None})
        browser = gate.signed_in()
        used = tokens.token(sub="bob", email="bob@example.com")
        owner = Browser(gate)
        assert owner.finish(owner.start("/"), used).status == 303
        hang_up(gate)
        assert browser.navigate("/").status == 200
        thief = Browser(gate)
        refused = thief.finish(thief.start("/"), used)
        assert refused.status == 403 and b"replayed" in refused.body

    def test_logged_out_users_stay_logged_out(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        browser = gate.signed_in()
        cookie = {"Cookie": browser.cookie_header()}
        logout = tokens.token(jti="l" * 32, events={"http://schemas.openid.net/event/backchannel-logout": {}})
        answer = gate.exchange(
            "POST", "/.sidegate/backchannel-logout", {"Content-Type": "application/x-www-form-urlencoded"},
            b"logout_token=" + logout.encode())
        assert answer.status == 200, answer.body
        assert gate.exchange("GET", "/", {**cookie, **NAVIGATION}).status == 302
        hang_up(gate)
        assert gate.exchange("GET", "/", {**cookie, **NAVIGATION}).status == 302

    def test_a_user_who_is_no_longer_registered_loses_access_and_tunnels(self, upstream, start_gate):
        def answer(request, connection):
            if not request.get("Upgrade"):
                return upstream.echo(request, connection)
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            connection.fill()
        upstream.answer = answer
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        tunnel = gate.connection()
        tunnel.request("GET", "/tunnel", {**session, "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert tunnel.read_head().status == 101
        before = reloads(gate)
        rewrite(gate, access={"users": {"emails": ["bob@example.com"]}})
        wait_until(lambda: reloads(gate) > before, "the list is in force")
        assert tunnel.is_closed_by_peer()
        assert gate.exchange("GET", "/", session).status == 403
        tunnel.close()

    def test_limits_and_headers_of_the_new_configuration_apply(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        with gate.connection() as connection:
            assert connection.exchange("POST", "/", session, b"x" * 2000).status == 200
            rewrite(gate, limits={"bodyBytes": 1000}, identityHeaders={"X-Who": "{email}"}, log={"level": "debug"})
            wait_until(lambda: reloads(gate) == 1, "in force")
            assert connection.exchange("GET", "/", session).status == 200
            assert upstream.requests[-1].get("X-Who") == "ada@example.com"
        assert gate.exchange("POST", "/", session, b"x" * 2000).status == 413


class TestInvalidConfiguration:
    def test_it_changes_nothing_and_the_log_has_the_location_of_the_error(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        good = gate.config.read_text()
        gate.config.write_text(good.replace('"workers": 1', '"workers": "many"'))
        wait_until(lambda: reloads(gate, "failure") == 1, "the failure is counted")
        line = next(i for i, text in enumerate(gate.config.read_text().splitlines(), 1) if "many" in text)
        wait_until(lambda: f"sidegate.yaml:{line}:" in gate.log(), "the line is in the log")
        assert "stays in force" in gate.log()
        assert Metrics(gate).get("sidegate_config_last_reload_successful") == 0
        assert gate.exchange("GET", "/", session).status == 200 and ask(gate, "/readyz").status == 200
        gate.config.write_text(good)
        wait_until(lambda: Metrics(gate).get("sidegate_config_last_reload_successful") == 1, "the corrected configuration is in force")
        assert gate.exchange("GET", "/", session).status == 200

    @pytest.mark.parametrize("text", ["", "[", "listen: [", "\x00", "upstream: http://127.0.0.1:1"])
    def test_an_invalid_file_and_a_signal_change_nothing(self, upstream, start_gate, text):
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        gate.config.write_text(text)
        wait_until(lambda: reloads(gate, "failure") >= 1, "refused")
        hang_up(gate, "failure")
        assert gate.exchange("GET", "/", session).status == 200

    def test_a_missing_secret_changes_nothing(self, tmp_path, upstream, start_gate):
        secret = tmp_path / "jwt"
        secret.write_text(tokens.SECRET)
        secret.chmod(0o600)
        gate = start_gate(upstream, admin=admin(), token={"keys": [{"secretFile": str(secret)}]})
        secret.unlink()
        wait_until(lambda: reloads(gate, "failure") == 1, "refused")
        assert gate.signed_in().navigate("/").status == 200
        assert str(secret) in gate.log()

    def test_options_that_need_a_restart_are_reported_and_the_others_take_effect(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        session = gate.session_cookie()
        rewrite(gate, listen=[f"127.0.0.1:{free_port()}"], workers=3, identityHeaders={"X-Who": "{email}"})
        wait_until(lambda: reloads(gate) == 1, "in force")
        for key in ("listen", "workers"):
            assert any(f'"key":"{key}"' in line and "next start" in line for line in gate.log().splitlines())
        assert gate.exchange("GET", "/", session).status == 200
        assert upstream.requests[-1].get("X-Who") == "ada@example.com"


class TestFiles:
    def test_a_new_secret_applies_from_the_next_sign_in(self, tmp_path, upstream, start_gate):
        secret = tmp_path / "jwt"
        secret.write_text(tokens.SECRET)
        secret.chmod(0o600)
        gate = start_gate(upstream, admin=admin(), token={"keys": [{"secretFile": str(secret)}]})
        other = "another-secret-of-the-identity-provider-0003"
        session = gate.session_cookie()
        secret.write_text(other + "\n")
        wait_until(lambda: reloads(gate) == 1, "in force")
        browser = Browser(gate)
        assert browser.finish(browser.start("/"), tokens.token()).status == 403
        assert browser.finish(browser.start("/"), tokens.token(secret=other)).status == 303
        assert gate.exchange("GET", "/", session).status == 200

    def test_kubernetes_swap_of_a_mounted_directory_is_noticed(self, tmp_path, upstream, start_gate):
        mount = tmp_path / "mount"
        mount.mkdir()

        def put(version: str, **changes):
            data = mount / f"..{version}"
            data.mkdir()
            (data / "sidegate.yaml").write_text(json.dumps(settings(upstream.url, gate_port, **changes)))
            (mount / "..tmp").symlink_to(data.name)
            (mount / "..tmp").rename(mount / "..data")
        gate_port = free_port()
        admin_port = free_port()
        listen = {"listen": f"127.0.0.1:{admin_port}"}
        put("2026_1", admin=listen)
        (mount / "sidegate.yaml").symlink_to("..data/sidegate.yaml")

        class Mounted:
            settings = {"admin": listen}
        process = ChildProcess([BINARY, "run", "--config", mount / "sidegate.yaml"], tmp_path / "log", env=clean_environment())
        try:
            process.wait_until_accepting(("127.0.0.1", gate_port))
            put("2026_2", admin=listen, pages={"brand": "The second"})
            wait_until(lambda: reloads(Mounted) == 1, "the swap is in force")
            put("2026_3", admin=listen, pages={"brand": "The third"})
            wait_until(lambda: reloads(Mounted) == 2, "the next swap is in force")
            assert process.stop() == 0
        finally:
            process.kill()

    def test_changed_and_new_templates_are_loaded(self, tmp_path, upstream, start_gate):
        pages = tmp_path / "pages"
        pages.mkdir()
        gate = start_gate(upstream, admin=admin(), pages={"directory": str(pages)})

        def page() -> bytes:
            return gate.exchange("GET", "/.sidegate/nothing", NAVIGATION).body
        for words in ("first words", "second words"):
            (pages / "error.html").write_text(f"<p>{words} {{{{requestID}}}}</p>")
            wait_until(lambda: words.encode() in page(), words)
        (pages / "error.html").unlink()
        wait_until(lambda: b"words" not in page(), "the built-in page is back")

    def test_touching_a_file_causes_no_reload(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        for _ in range(3):
            os.utime(gate.config)
            gate.config.write_text(gate.config.read_text())
        rewrite(gate, pages={"brand": "x"})
        wait_until(lambda: reloads(gate) >= 1, "the change")
        assert reloads(gate) == 1


class TestCertificates:
    @pytest.fixture(scope="class")
    def authority(self, tmp_path_factory):
        return Authority(tmp_path_factory.mktemp("certificates"))

    @staticmethod
    def serial(connection) -> str:
        return connection.socket.getpeercert()["serialNumber"]

    def test_only_valid_certificates_apply_to_new_connections(self, tmp_path, authority, upstream, start_gate):
        first, second = authority.issue("first", "DNS:localhost"), authority.issue("second", "DNS:localhost")
        pair = {"certificate": str(tmp_path / "tls.crt"), "key": str(tmp_path / "tls.key")}

        def put(certificate: str, key: str):
            for source, target in ((key, pair["key"]), (certificate, pair["certificate"])):
                new = target + ".new"
                Path(new).write_text(Path(source).read_text())
                os.chmod(new, 0o600)
                os.rename(new, target)
        put(first.certificate, first.key)
        gate = secured(
            start_gate(upstream, admin=admin(), tls={"certificates": [pair]}), trusting(authority))
        session = gate.session_cookie()
        ends = Metrics(gate).get("sidegate_tls_certificate_not_after_timestamp_seconds")
        assert 8 * 86400 < ends - time.time() < 11 * 86400
        with gate.connection() as old:
            before = self.serial(old)
            assert old.exchange("GET", "/", session).status == 200
            put(second.certificate, second.key)

            def is_second() -> bool:
                with gate.connection() as new:
                    return self.serial(new) != before and new.exchange("GET", "/", session).status == 200
            wait_until(is_second, "the new certificate")
            assert old.exchange("GET", "/", session).status == 200, "the old connection continues"
            # The key belongs to another certificate: the second pair stays in use.
            put(second.certificate, first.key)
            wait_until(lambda: Metrics(gate).get("sidegate_config_last_reload_successful") == 0, "refused")
            assert is_second() and old.exchange("GET", "/", session).status == 200


class TestFetchedKeys:
    def test_fetched_keys_are_kept_while_the_provider_is_down(self, tmp_path, upstream, start_gate):
        key = tmp_path / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
        public = subprocess.run(
            ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        jwks = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "use": "sig",
                          "x": tokens.base64url(public[-32:])}]}

        def token() -> str:
            signing_input = tokens.base64url(b'{"alg":"EdDSA","typ":"JWT","kid":"k1"}') + "." + tokens.base64url(
                json.dumps(tokens.claims()).encode())
            text = tmp_path / "input"
            text.write_text(signing_input)
            signature = subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-inkey", str(key), "-rawin", "-in", str(text)],
                check=True, capture_output=True).stdout
            return signing_input + "." + tokens.base64url(signature)
        provider = Upstream()
        provider.answer = lambda request, connection: connection.respond(
            200, {"Content-Type": "application/json"}, json.dumps(jwks))
        gate = start_gate(upstream, admin=admin(), token={
            "algorithms": ["EdDSA"], "keys": [{"jwksURL": provider.url + "/jwks.json"}]})
        wait_until(lambda: Metrics(gate).get("sidegate_key_refresh_total", result="success") == 1, "the keys are fetched")
        provider.stop()
        for _ in range(3):
            hang_up(gate)
        browser = Browser(gate)
        assert browser.finish(browser.start("/"), token()).status == 303
        assert len(provider.requests) == 1
        rewrite(gate, token={"algorithms": ["EdDSA"], "keys": [{"jwksURL": provider.url + "/other.json"}]})
        wait_until(lambda: Metrics(gate).get("sidegate_key_refresh_total", result="failure") >= 1, "another address")


class TestNotifiedUsers:
    def test_the_app_is_not_notified_again(self, upstream, start_gate):
        notified = Upstream()
        notified.answer = lambda request, connection: connection.respond(204, {"Content-Length": "0"})
        gate = start_gate(upstream, admin=admin(), provisioning={"url": notified.url + "/users"})
        gate.signed_in()
        for _ in range(2):
            hang_up(gate)
            gate.signed_in()
        assert len(notified.requests) == 1
        notified.stop()
