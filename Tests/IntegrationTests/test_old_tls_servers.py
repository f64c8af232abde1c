# SPDX-License-Identifier: Apache-2.0
"""An app whose TLS is old: reached with `upstream.tls.minimumVersion` and `ciphers`, refused without them."""

import json
import re

import pytest

from harness.certificates import Authority
from harness.gate import sidegate
from harness.ports import free_port
from harness.process import ChildProcess, wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("app", "DNS:localhost", rsa=True)


@pytest.fixture
def old_server(tmp_path, certificate):
    """`openssl s_server`, which answers with a page about the connection."""
    started = []

    def start(*options, ciphers="DEFAULT@SECLEVEL=0"):
        port = free_port()
        process = ChildProcess(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.certificate, "-key", certificate.key,
             "-cipher", ciphers, "-www", *options], tmp_path / f"server{len(started)}.log")
        started.append(process)
        process.wait_until_accepting(("127.0.0.1", port))
        return f"https://localhost:{port}"

    yield start
    for process in started:
        process.stop()


def gate_before(start_gate, url, authority, **tls):
    return start_gate(url, access={"default": "guest"}, upstream={"url": url, "tls": {"ca": authority.path, **tls}})


@pytest.mark.parametrize("version, name, settings, fits", [
    ("-tls1", "TLSv1", {}, False), ("-tls1", "TLSv1", {"minimumVersion": "1.2"}, False), ("-tls1", "TLSv1", {"minimumVersion": "1.1"}, False),
    ("-tls1", "TLSv1", {"minimumVersion": "1.0"}, True), ("-tls1_1", "TLSv1.1", {}, False), ("-tls1_1", "TLSv1.1", {"minimumVersion": "1.1"}, True),
    ("-tls1_1", "TLSv1.1", {"minimumVersion": "1.0"}, True), ("-tls1_2", "TLSv1.2", {"minimumVersion": "1.0"}, True),
    ("-tls1_2", "TLSv1.2", {"minimumVersion": "1.3"}, False), ("-tls1_3", "TLSv1.3", {"minimumVersion": "1.3"}, True),
    ("-tls1_3", "TLSv1.3", {"minimumVersion": "1.0"}, True),
])
def test_versions(start_gate, old_server, authority, version, name, settings, fits):
    gate = gate_before(start_gate, old_server(version), authority, **settings)
    response = gate.exchange("GET", "/")
    if fits:
        assert response.status == 200 and re.search(rf"Protocol *: {re.escape(name)}\s", response.text)
    else:
        assert response.status == 502
        wait_until(lambda: "upstream_not_secured" in gate.log(), "the reason in the log")


@pytest.mark.parametrize("server, settings, fits", [
    ("AES128-SHA", {}, False), ("AES128-SHA", {"ciphers": "AES128-SHA"}, True), ("AES128-SHA", {"ciphers": ["AES256-SHA", "AES128-SHA"]}, True),
    ("AES128-SHA", {"ciphers": "AES256-SHA:AES128-SHA"}, True), ("AES128-SHA", {"ciphers": "AES256-SHA"}, False),
    ("AES128-SHA", {"ciphers": "DEFAULT"}, True), ("AES128-SHA", {"ciphers": "DEFAULT:!AES128-SHA"}, False),
    ("ECDHE-RSA-AES128-SHA", {"ciphers": ["ECDHE+AES", "TLS_AES_256_GCM_SHA384"]}, True),
    # Whatever the list says, data is encrypted and the server authenticated.
    ("NULL-SHA256:@SECLEVEL=0", {"ciphers": "NULL-SHA256:AES128-SHA:@SECLEVEL=0"}, False),
])
def test_ciphers(start_gate, old_server, authority, server, settings, fits):
    gate = gate_before(start_gate, old_server("-tls1_2", ciphers=server), authority, **settings)
    response = gate.exchange("GET", "/")
    assert response.status == (200 if fits else 502)
    if fits:
        assert re.search(rf"Cipher *: {server}\s", response.text)


def test_the_suites_of_tls_1_3(start_gate, old_server, authority):
    url = old_server("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")
    assert gate_before(start_gate, url, authority, ciphers="TLS_AES_256_GCM_SHA384").exchange("GET", "/").status == 200
    assert gate_before(start_gate, url, authority, ciphers="TLS_AES_128_GCM_SHA256").exchange("GET", "/").status == 502


def test_an_old_server_must_still_be_the_app(start_gate, old_server, tmp_path):
    other = Authority(tmp_path / "other")
    gate = gate_before(start_gate, old_server("-tls1"), other, minimumVersion="1.0")
    assert gate.exchange("GET", "/").status == 502
    wait_until(lambda: "authority that is not trusted" in gate.log(), "the reason in the log")


def test_each_app_has_its_own(start_gate, old_server, authority, upstream):
    url = old_server("-tls1")
    gate = start_gate(upstream, access={"default": "guest"}, upstreams=[
        {"paths": ["/old/*"], "url": url, "tls": {"ca": authority.path, "minimumVersion": "1.0"}},
        {"paths": ["/new/*"], "url": url, "tls": {"ca": authority.path}}])
    assert gate.exchange("GET", "/old/").status == 200 and gate.exchange("GET", "/new/").status == 502


def test_the_settings_survive_new_certificates(start_gate, old_server, tmp_path, authority):
    ca = tmp_path / "ca.pem"
    other = Authority(tmp_path / "other")
    ca.write_text(open(other.path).read())
    url = old_server("-tls1", ciphers="AES128-SHA:@SECLEVEL=0")
    gate = start_gate(url, access={"default": "guest"}, upstream={
        "url": url, "tls": {"ca": str(ca), "minimumVersion": "1.0", "ciphers": "AES128-SHA"}})
    assert gate.exchange("GET", "/").status == 502
    ca.write_text(open(authority.path).read())
    wait_until(lambda: gate.exchange("GET", "/").status == 200, "the new authority is trusted")


class TestCheck:
    @pytest.fixture
    def check(self, tmp_path):
        def check(tls, apps=()):
            config = tmp_path / "sidegate.yaml"
            settings = {
                "upstream": {"url": "https://app.test", "tls": tls}, "listen": "127.0.0.1:0", "publicURL": "http://a.test",
                "upstreams": list(apps), "identityProvider": {"loginURL": "http://idp.test/?return_url={returnURL}"},
                "token": {"keys": [{"secret": "0123456789abcdef0123456789abcdef"}]},
                "session": {"secret": "0123456789abcdef0123456789abcdef"}}
            config.write_text(json.dumps(settings, indent=1))
            config.chmod(0o600)
            return sidegate("check", "--config", config), config.read_text().splitlines()
        return check

    @pytest.mark.parametrize("tls, word", [
        ({"minimumVersion": "1.4"}, "minimumVersion"), ({"minimumVersion": "SSLv3"}, "minimumVersion"),
        ({"ciphers": "AES128-SHA:AES129-SHA"}, "AES129-SHA"), ({"ciphers": "nonsense"}, "nonsense"),
        ({"ciphers": "TLS_NONSENSE"}, "TLS_NONSENSE"), ({"ciphers": "aNULL"}, "no cipher is left"),
        ({"ciphers": "NULL-SHA256"}, "no cipher is left"), ({"ciphers": "AES128-SHA:@SECLEVEL=9"}, "@SECLEVEL=9"),
        ({"ciphers": "AES128-SHA:!AES128-SHA"}, "no cipher is left"), ({"ciphers": "!"}, "ciphers"),
    ])
    def test_bad_values(self, check, tls, word):
        done, lines = check(tls)
        (name,) = tls
        number = next(i for i, line in enumerate(lines, 1) if f'"{name}"' in line)
        assert done.returncode == 1 and f"sidegate.yaml:{number}:" in done.stderr and word in done.stderr, done.stderr
        assert f"upstream.tls.{name}" in done.stderr

    def test_bad_values_of_other_apps(self, check):
        done, _ = check({}, [{"paths": ["/x/*"], "url": "https://x.test", "tls": {"ciphers": "nonsense"}}])
        assert done.returncode == 1 and "upstreams[].tls.ciphers" in done.stderr

    def test_they_are_for_https_only(self, check):
        done, _ = check({}, [{"paths": ["/x/*"], "url": "http://x.test", "tls": {"minimumVersion": "1.0"}}])
        assert done.returncode == 1 and "not https" in done.stderr

    @pytest.mark.parametrize("tls", [
        {"minimumVersion": "1.3"}, {"ciphers": "DEFAULT:!AES128-SHA:+AES256-SHA:@STRENGTH"}, {"ciphers": []}, {"ciphers": ["AES128-SHA"]},
        {"ciphers": "AES128-SHA:@SECLEVEL=0"}])
    def test_good_values(self, check, tls):
        done, _ = check(tls)
        assert done.returncode == 0, done.stderr

    def test_old_versions_are_warned_of(self, check):
        done, _ = check({"minimumVersion": "1.0"})
        assert done.returncode == 0 and "RFC 8996" in done.stderr + done.stdout
