# SPDX-License-Identifier: Apache-2.0
"""Certificates, keys and authorities that change while the gate runs."""

import os
import shutil
import ssl
import threading
import time
from pathlib import Path

import pytest

from harness.certificates import Authority, Certificate
from harness.gate import NAVIGATION, sidegate
from harness.process import wait_until
from harness.secure import SecureConnection, SecureUpstream, secured, trusting
from harness.servers import Nginx

NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def pairs(authority):
    return {label: authority.issue(label, NAMES) for label in ("first", "second", "third")} | {
        "old": authority.issue("old", NAMES, dates=("20200101000000Z", "20210101000000Z"))}


class Mounted:
    """A certificate and its key at the paths in the configuration."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.place = Certificate(str(folder / "tls.crt"), str(folder / "tls.key"))

    def put(self, pair: Certificate):
        """Each file is replaced by a rename."""
        for source, target in ((pair.certificate, self.place.certificate), (pair.key, self.place.key)):
            shutil.copy(source, target + ".new")
            os.replace(target + ".new", target)


@pytest.fixture
def mounted(tmp_path, pairs):
    folder = tmp_path / "mounted"
    folder.mkdir()
    mounted = Mounted(folder)
    mounted.put(pairs["first"])
    return mounted


def start(start_gate, upstream, authority, certificate, **more):
    gate = start_gate(upstream, tls={"certificates": [certificate.settings], **more})
    return secured(gate, trusting(authority))


def shown(gate) -> str:
    """The common name of the certificate that a new connection receives."""
    with gate.connection() as connection:
        subject = connection.socket.getpeercert()["subject"]
        return dict(part[0] for part in subject)["commonName"]


def wait_for(gate, words: str, count: int = 1):
    wait_until(lambda: gate.log().count(words) >= count, f"the log contains {words!r} {count} times")


def test_new_connections_use_the_new_certificate_and_open_ones_continue(start_gate, upstream, authority, pairs, mounted):
    gate = start(start_gate, upstream, authority, mounted.place)
    cookie = gate.session_cookie()
    with gate.connection() as before:
        assert before.exchange("GET", "/one", cookie).status == 200
        mounted.put(pairs["second"])
        wait_until(lambda: shown(gate) == "second", "the second certificate")
        assert before.exchange("GET", "/two", cookie).status == 200
        assert "first" in str(before.socket.getpeercert()["subject"])
        mounted.put(pairs["third"])
        wait_until(lambda: shown(gate) == "third", "the third certificate")
        assert before.exchange("GET", "/three", cookie).status == 200
    assert gate.exchange("GET", "/", cookie).status == 200, "the gate's session does not depend on the certificate"
    assert "certificates changed" in gate.log() and "PRIVATE" not in gate.log()


def test_under_load_no_handshake_fails_and_no_session_is_lost(start_gate, upstream, authority, pairs, mounted):
    gate = start(start_gate, upstream, authority, mounted.place)
    cookie = gate.session_cookie()
    seen, failures, stop = {"first": 0, "second": 0, "third": 0}, [], threading.Event()

    def come_again():
        while not stop.is_set():
            try:
                with gate.connection() as connection:
                    subject = connection.socket.getpeercert()["subject"]
                    status = connection.exchange("GET", "/", cookie).status
                if status != 200:
                    failures.append(status)
                seen[dict(part[0] for part in subject)["commonName"]] += 1
            except Exception as failure:
                failures.append(repr(failure))
                return
    threads = [threading.Thread(target=come_again) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for label in ("second", "third", "first", "second"):
            before = seen[label]
            mounted.put(pairs[label])
            wait_until(lambda: seen[label] > before + 20, f"browsers receive {label}")
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failures == []


def test_kubernetes_swap_of_mounted_certificates_is_noticed(start_gate, upstream, authority, pairs, tmp_path):
    mount = tmp_path / "mount"
    mount.mkdir()

    def lay(name, pair):
        (mount / name).mkdir()
        shutil.copy(pair.certificate, mount / name / "tls.crt")
        shutil.copy(pair.key, mount / name / "tls.key")
        os.symlink(name, mount / "..new")
        os.replace(mount / "..new", mount / "..data")

    lay("..one", pairs["first"])
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"..data/{name}", mount / name)
    gate = start(start_gate, upstream, authority, Certificate(str(mount / "tls.crt"), str(mount / "tls.key")))
    assert shown(gate) == "first"
    lay("..two", pairs["second"])
    shutil.rmtree(mount / "..one")
    wait_until(lambda: shown(gate) == "second", "the second certificate")


@pytest.mark.parametrize("bad,words", [
    ("mismatched", "not the key of the certificate"), ("expired", "expired on 2021-01-01"), ("empty", "no PEM block"),
    ("gone", "there is no such file"),
])
def test_invalid_files_change_nothing(start_gate, upstream, authority, pairs, mounted, bad, words):
    gate = start(start_gate, upstream, authority, mounted.place)
    if bad == "mismatched":
        shutil.copy(pairs["second"].certificate, mounted.place.certificate)
    elif bad == "expired":
        mounted.put(pairs["old"])
    elif bad == "empty":
        Path(mounted.place.certificate).write_text("")
    else:
        os.remove(mounted.place.certificate)
    # The gate may also have read the pair between the replacements of its two files.
    wait_for(gate, words)
    assert "certificates not changed" in gate.log()
    assert shown(gate) == "first"
    mounted.put(pairs["second"])
    wait_until(lambda: shown(gate) == "second", "the second certificate")


def test_a_tls_session_is_resumed_after_a_renewal(start_gate, upstream, authority, pairs, mounted):
    gate = start(start_gate, upstream, authority, mounted.place)
    with gate.connection() as connection:
        assert connection.exchange("GET", "/", NAVIGATION).status == 302
        session = connection.socket.session
    mounted.put(pairs["second"])
    wait_until(lambda: shown(gate) == "second", "the second certificate")
    with gate.connection(session=session) as connection:
        assert connection.exchange("GET", "/", NAVIGATION).status == 302
        assert connection.socket.session_reused


def test_client_authorities_are_reloaded(start_gate, upstream, authority, pairs, tmp_path):
    stranger = Authority(tmp_path / "strangers", "stranger")
    person = stranger.issue("eve", "DNS:eve")
    trusted = tmp_path / "clients.pem"
    shutil.copy(authority.path, trusted)
    gate = start(start_gate, upstream, authority, pairs["first"], clientCA=str(trusted), clientAuth="require")
    context = trusting(authority)
    context.load_cert_chain(person.certificate, person.key)

    def is_let_in() -> bool:
        try:
            with SecureConnection(gate.port, context) as connection:
                return connection.exchange("GET", "/", NAVIGATION).status == 302
        except (ssl.SSLError, OSError):
            return False

    assert not is_let_in()
    shutil.copy(stranger.path, str(trusted) + ".new")
    os.replace(str(trusted) + ".new", trusted)
    wait_until(is_let_in, "clients of the other authority are accepted")


def test_authorities_of_the_app_are_reloaded_and_no_tls_session_outlives_them(start_gate, authority, pairs, tmp_path):
    stranger = Authority(tmp_path / "strangers", "stranger")
    app = SecureUpstream(pairs["first"])
    try:
        app.answer = lambda request, connection: connection.respond(200, {"Connection": "close"})
        trusted = tmp_path / "app.pem"
        shutil.copy(authority.path, trusted)
        gate = start_gate(app.url, upstream={"url": app.url, "tls": {"ca": str(trusted)}})
        cookie = gate.session_cookie()
        assert [gate.exchange("GET", "/", cookie).status for _ in range(2)] == [200, 200]
        shutil.copy(stranger.path, str(trusted) + ".new")
        os.replace(str(trusted) + ".new", trusted)
        wait_for(gate, "certificates changed")
        assert gate.exchange("GET", "/", cookie).status == 502
        shutil.copy(authority.path, str(trusted) + ".new")
        os.replace(str(trusted) + ".new", trusted)
        wait_for(gate, "certificates changed", 2)
        assert gate.exchange("GET", "/", cookie).status == 200
    finally:
        app.stop()


def test_the_certificate_sent_to_the_app_is_renewed(start_gate, authority, pairs, mounted):
    def demand(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.path)

    app = SecureUpstream(pairs["third"], demand)
    try:
        app.answer = lambda request, connection: connection.respond(200, {"Connection": "close"})
        gate = start_gate(app.url, upstream={
            "url": app.url, "tls": {"ca": authority.path, **mounted.place.settings}})
        cookie = gate.session_cookie()
        assert gate.exchange("GET", "/", cookie).status == 200
        mounted.put(pairs["second"])
        wait_for(gate, "certificates changed")
        assert gate.exchange("GET", "/", cookie).status == 200
        assert ["first" in str(app.peers[0]["subject"]), "second" in str(app.peers[-1]["subject"])] == [True, True]
    finally:
        app.stop()


def test_http2_with_the_app_continues_after_a_renewal(start_gate, authority, pairs, mounted, tmp_path):
    nginx = Nginx(tmp_path / "nginx", certificate=pairs["third"], locations="""
        location = /version { return 200 $server_protocol; }
        keepalive_timeout 0;
    """)
    try:
        gate = start_gate(nginx.url, upstream={
            "url": nginx.url, "http2": True, "tls": {"ca": authority.path, **mounted.place.settings}})
        cookie = gate.session_cookie()
        assert gate.exchange("GET", "/version", cookie).text == "HTTP/2.0"
        mounted.put(pairs["second"])
        wait_for(gate, "certificates changed")
        assert gate.exchange("GET", "/version", cookie).text == "HTTP/2.0"
    finally:
        nginx.stop()


@pytest.mark.parametrize("days,outcome", [(9, "ok"), (1, "warning")])
def test_the_doctor_reports_how_long_certificates_are_valid(authority, tmp_path, days, outcome):
    """Two of ten days are the last fifth. The doctor connects to the app as the gate does."""
    def moment(offset):
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset * 86_400))

    pair = authority.issue(f"days{days}", NAMES, dates=(moment(days - 10), moment(days)))
    app = SecureUpstream(pair)
    app.answer = lambda request, connection: connection.respond(200, {})
    config = tmp_path / "sidegate.yaml"
    config.write_text(f"""\
upstream: {{ url: "{app.url}", tls: {{ ca: {authority.path} }} }}
identityProvider: {{ loginURL: "{app.url}/login?r={{returnURL}}" }}
token: {{ keys: [{{ secret: a-secret-shared-with-the-identity-provider-0001 }}] }}
session: {{ secret: a-session-secret-of-at-least-32-bytes-0002 }}
tls: {{ certificates: [{{ certificate: {pair.certificate}, key: {pair.key} }}] }}
""")
    config.chmod(0o600)
    try:
        lines = sidegate("doctor", "--config", config).stdout.splitlines()
    finally:
        app.stop()
    end = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86_400))
    assert any(line.split()[:2] == [outcome, "tls.certificates"] and f"valid until {end}" in line for line in lines), lines
    assert any(line.split()[:2] == ["ok", "upstream"] and "answers 200" in line for line in lines), lines
