# SPDX-License-Identifier: Apache-2.0
"""An app that refuses the gate's certificate, or that it has none. With TLS 1.3 it does so after the gate's handshake."""

import contextlib
import json
import socket
import ssl
import threading

import pytest

from harness.admin import Metrics, ask
from harness.certificates import Authority
from harness.gate import XHR, settings, sidegate
from harness.ports import free_port
from harness.process import wait_until

NAMES = "DNS:localhost,IP:127.0.0.1"
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


class StrictApp:
    """Takes only clients with a certificate of `authority`. It reads what refused clients send, so that no reset overtakes
    the alert. An app that is accepted says nothing of its own accord."""

    def __init__(self, authority, certificate, version, protocols=(), tickets=2):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self.context.minimum_version = self.context.maximum_version = version
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(authority.path)
        self.context.num_tickets = tickets
        if protocols:
            self.context.set_alpn_protocols(list(protocols))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, plain):
        with contextlib.suppress(OSError), plain:
            plain.settimeout(30)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            secure = self.context.wrap_bio(incoming, outgoing, server_side=True)
            refused = answered = False
            while data := plain.recv(65536):
                if refused:
                    continue
                incoming.write(data)
                try:
                    if secure.version() is None or not answered:
                        secure.do_handshake()
                        answered = True
                    while secure.read(65536):
                        secure.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    refused = True
                plain.sendall(outgoing.read())

    def stop(self):
        self.listener.close()


@pytest.fixture
def app(authority):
    apps = []

    def start(version, **options):
        apps.append(StrictApp(authority, authority.issue(f"app{len(apps)}", NAMES), version, **options))
        return apps[-1]
    yield start
    for app in apps:
        app.stop()


@pytest.fixture
def gate_before(start_gate, authority):
    def start(app, own=None):
        tls = {"ca": authority.path, **(own.settings if own else {})}
        return start_gate(app.url, upstream={"url": app.url, "tls": tls}, admin={"listen": f"127.0.0.1:{free_port()}"})
    return start


def readiness(gate):
    def answer():
        answer = ask(gate, "/readyz")
        return None if answer.text == "starting\n" else answer
    return wait_until(answer, "the answer")


@VERSIONS
@pytest.mark.parametrize("protocols", [(), ("h2",)], ids=["", "h2"])
def test_readyz_names_the_refusal(gate_before, app, version, protocols):
    gate = gate_before(app(version, protocols=protocols))
    answer = readiness(gate)
    assert (answer.status, answer.text) == (503, "the app cannot be reached: tls_refused\n")
    assert Metrics(gate).get("sidegate_upstream_up") == 0


@VERSIONS
@pytest.mark.parametrize("tickets", [0, 2])
def test_readyz_is_ready_with_the_certificate(gate_before, app, authority, version, tickets):
    gate = gate_before(app(version, tickets=tickets), authority.issue("gate", "DNS:gate"))
    answer = readiness(gate)
    assert answer.status == 200, answer.text


@VERSIONS
def test_the_doctor_names_the_refusal(app, authority, version, tmp_path):
    strict = app(version)
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps(settings(strict.url, free_port(), upstream={"url": strict.url, "tls": {"ca": authority.path}})))
    config.chmod(0o600)
    done = sidegate("doctor", "--config", str(config))
    line = next(line for line in done.stdout.splitlines() if " upstream " in line)
    assert line.startswith("FAIL") and "the peer refused: " in line and "unknown" not in line, line


@VERSIONS
@pytest.mark.parametrize("protocols", [(), ("h2",)], ids=["", "h2"])
def test_a_request_fails_with_that_cause(gate_before, app, version, protocols):
    gate = gate_before(app(version, protocols=protocols))
    assert gate.exchange("GET", "/page", {**gate.session_cookie(), **XHR}).status == 502
    line = wait_until(lambda: next((line for line in map(json.loads, gate.log().splitlines()) if line.get("path") == "/page"), None), "the line")
    assert (line["reason"], line["cause"]) == ("upstream_not_secured", "tls_refused"), line
    assert line["detail"].startswith("the peer refused: ") and "unknown" not in line["detail"]


@VERSIONS
def test_a_request_passes_with_the_certificate(gate_before, app, authority, version):
    gate = gate_before(app(version), authority.issue("gate", "DNS:gate"))
    assert gate.exchange("GET", "/page", {**gate.session_cookie(), **XHR}).body == b"ok"
