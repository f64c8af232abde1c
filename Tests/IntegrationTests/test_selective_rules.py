# SPDX-License-Identifier: Apache-2.0
"""Access rules for certain hosts and networks: over HTTP/1.1 and HTTP/2, for upgrades, in forward-auth, and what a client can
do to be taken for another."""

import json
import re
import socket

import pytest

from harness import tokens
from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR, settings, sidegate
from harness.journal import lines
from harness.process import wait_until

RULES = [
    {"paths": ["/office/*"], "from": ["203.0.113.0/24", "2001:db8::/32"], "allow": "anyone"},
    {"paths": ["/abroad/*"], "from": ["198.51.100.0/24"], "deny": True},
    {"paths": ["/abroad/*"], "allow": "anyone"},
    {"paths": ["/both/*"], "hosts": ["wiki.test"], "from": ["203.0.113.0/24"], "allow": "anyone"},
    {"paths": ["/wiki/*"], "hosts": ["wiki.test", "*.wiki.test"], "allow": "anyone"},
    {"paths": ["/admin/*"], "hosts": ["wiki.test"], "require": {"groups": ["admins"]}},
    {"paths": ["/staff/*"], "from": ["198.51.100.0/24"], "require": {"groups": ["admins"]}},
]
OFFICE, ABROAD, ELSEWHERE = "203.0.113.7", "198.51.100.7", "192.0.2.7"


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, access={"rules": RULES}, trustedProxies=["127.0.0.1"])


def bearer(*groups) -> dict:
    """A user on any host: sessions are bound to one."""
    return {"Authorization": "Bearer " + tokens.token(groups=list(groups))}


# A path, the client as the proxy names it, and the status without a session.
CLIENTS = [
    ("/office/x", OFFICE, 200), ("/office/x", "2001:db8::7", 200), ("/office/x", f"{OFFICE}:4711", 200),
    ("/office/x", f"{ELSEWHERE}, {OFFICE}", 200), ("/office/x", f"{OFFICE}, 127.0.0.1", 200),
    ("/office/x", ELSEWHERE, 302), ("/office/x", f"{OFFICE}, {ELSEWHERE}", 302), ("/office/x", "unknown", 302),
    ("/office/x", "", 302), ("/office/x", f"{OFFICE}, garbage", 302), ("/office/x", None, 302), ("/office/x", "127.0.0.1", 302),
    ("/office/x", ", ".join([OFFICE] + ["127.0.0.1"] * 40), 302), ("/office/x", f"::ffff:{OFFICE}", 200),
    ("/abroad/x", ABROAD, 403), ("/abroad/x", f"{OFFICE}, {ABROAD}", 403), ("/abroad/x", ELSEWHERE, 200),
    ("/abroad/x", "unknown", 403), ("/abroad/x", "", 403), ("/abroad/x", f"{ELSEWHERE}, ?", 403), ("/abroad/x", None, 200),
    ("/abroad/x", f"{ABROAD}, {ELSEWHERE}", 200),
]


@pytest.mark.parametrize("path, client, status", CLIENTS)
def test_the_client_that_a_trusted_proxy_names_decides(gate, upstream, path, client, status):
    fields = {} if client is None else {"X-Forwarded-For": client}
    assert gate.exchange("GET", path, {**NAVIGATION, **fields}).status == status
    assert len(upstream.requests) == (status == 200)


def test_over_http2_too(gate, upstream):
    navigation = [(name.lower(), value) for name, value in NAVIGATION.items()]
    with FrameConnection(gate.port) as connection:
        for path, client, status in CLIENTS:
            fields = [] if client is None else [("x-forwarded-for", client)]
            assert connection.get(path, navigation + fields).status == status, (path, client)


HOSTS = [("wiki.test", 200), ("WIKI.Test", 200), ("wiki.test:8443", 200), ("wiki.test.", 200), ("a.wiki.test", 200), ("a.b.wiki.test", 200),
         ("other.test", 302), ("xwiki.test", 302), ("wiki.test.evil.test", 302), ("127.0.0.1", 302)]


@pytest.mark.parametrize("host, status", HOSTS)
def test_the_host_decides(gate, upstream, host, status):
    assert gate.exchange("GET", "/wiki/x", NAVIGATION, host=host).status == status
    assert gate.exchange("GET", "/wiki/x", {**NAVIGATION, "X-Forwarded-Host": host}, host="other.test").status == status
    assert gate.exchange("GET", "/wiki/x", {**NAVIGATION, "X-Forwarded-Host": f"wiki.test, {host}"}, host="wiki.test").status == status


def test_the_host_decides_over_http2(gate):
    with FrameConnection(gate.port) as connection:
        for host, status in HOSTS:
            connection.authority = host
            assert connection.get("/wiki/x", [(name.lower(), value) for name, value in NAVIGATION.items()]).status == status, host


def test_a_host_and_a_network_must_both_match(gate):
    for host, client, status in [("wiki.test", OFFICE, 200), ("wiki.test", ELSEWHERE, 302), ("other.test", OFFICE, 302)]:
        fields = {**NAVIGATION, "X-Forwarded-For": client}
        assert gate.exchange("GET", "/both/x", fields, host=host).status == status, (host, client)


def test_known_users_are_judged_by_the_same_rules(gate):
    staff = bearer("staff")
    for path, fields, status in [("/admin/x", {"X-Forwarded-Host": "wiki.test"}, 403), ("/admin/x", {"X-Forwarded-Host": "other.test"}, 200),
                                 ("/staff/x", {"X-Forwarded-For": ABROAD}, 403), ("/staff/x", {"X-Forwarded-For": OFFICE}, 200),
                                 ("/staff/x", {"X-Forwarded-For": "hidden"}, 403), ("/abroad/x", {"X-Forwarded-For": ABROAD}, 403)]:
        assert gate.exchange("GET", path, {**XHR, **staff, **fields}).status == status, (path, fields)
    assert gate.exchange("GET", "/staff/x", {**XHR, **bearer("admins"), "X-Forwarded-For": "hidden"}).status == 200


def test_upgrades_are_judged_by_the_same_rules(gate, upstream):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
               "Sec-Fetch-Mode": "websocket"}
    assert gate.exchange("GET", "/office/ws", {**upgrade, "X-Forwarded-For": ELSEWHERE}).status == 401
    assert gate.exchange("GET", "/abroad/ws", {**upgrade, "X-Forwarded-For": ABROAD}).status == 403
    assert upstream.requests == []
    gate.exchange("GET", "/office/ws", {**upgrade, "X-Forwarded-For": OFFICE})
    assert upstream.last.target == "/office/ws"


class TestAPeerThatIsNoTrustedProxy:
    """The network is that of the tests' own connections, so only a peer that is taken for the client is in it."""

    RULES = [{"paths": ["/open/*"], "from": ["127.0.0.0/8"], "allow": "anyone"},
             {"paths": ["/closed/*"], "from": ["127.0.0.0/8"], "deny": True},
             {"paths": ["/away/*"], "from": ["192.0.2.0/24"], "deny": True},
             {"paths": ["/*"], "allow": "anyone", "methods": ["OPTIONS"]},
             {"paths": ["/closed/*", "/away/*"], "allow": "anyone"}]
    FIELDS = [{"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "192.0.2.1"}, {"x-forwarded-for": ""}, {"Forwarded": "for=127.0.0.1"},
              {"X-Real-IP": "127.0.0.1"}, {"Via": "1.1 cache"}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Host": "wiki.test"},
              {"True-Client-IP": "127.0.0.1"}, {"CF-Connecting-IP": "127.0.0.1"}, {"X_Forwarded_For": "127.0.0.1"},
              {"X-Forwarded-Client-Cert": "x"}, {"X-Envoy-External-Address": "127.0.0.1"}, {"X-Azure-ClientIP": "127.0.0.1"}]

    @pytest.fixture(scope="class")
    def direct(self, module_upstream, start_module_gate):
        return start_module_gate(module_upstream, access={"rules": self.RULES}, session={"cookieName": "direct"})

    def test_is_the_client_if_it_forwards_nothing(self, direct):
        assert direct.exchange("GET", "/open/x", NAVIGATION).status == 200
        assert direct.exchange("GET", "/closed/x", NAVIGATION).status == 403
        assert direct.exchange("GET", "/away/x", NAVIGATION).status == 200

    @pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: next(iter(fields)))
    def test_is_not_known_otherwise_so_nothing_is_opened_and_nothing_avoided(self, direct, fields):
        assert direct.exchange("GET", "/open/x", {**NAVIGATION, **fields}).status == 302
        assert direct.exchange("GET", "/closed/x", {**NAVIGATION, **fields}).status == 403
        assert direct.exchange("GET", "/away/x", {**NAVIGATION, **fields}).status == 403
        with FrameConnection(direct.port) as connection:
            lower = [(name.lower(), value) for name, value in {**NAVIGATION, **fields}.items()]
            assert [connection.get(path, lower).status for path in ("/open/x", "/closed/x", "/away/x")] == [302, 403, 403]

    def test_rules_of_other_methods_are_not_in_doubt(self, direct):
        assert direct.exchange("OPTIONS", "/open/x", {**XHR, "X-Forwarded-For": "192.0.2.1"}).status == 200


class TestForwardAuth:
    @pytest.fixture(scope="class")
    def beside(self, module_upstream, start_module_gate):
        return start_module_gate(module_upstream, access={"rules": RULES}, trustedProxies=["127.0.0.1"])

    @pytest.mark.parametrize("path, client, status", [(path, client, {200: 202, 302: 401, 403: 403}[status]) for path, client, status in CLIENTS
                                                      if client is not None])
    def test_the_proxy_names_the_client(self, beside, path, client, status):
        fields = {"X-Forwarded-For": client, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.test"}
        traefik = {**XHR, **fields, "X-Forwarded-Uri": path, "X-Forwarded-Method": "GET"}
        assert beside.exchange("GET", "/.sidegate/auth", traefik).status == status
        nginx = {**XHR, "X-Forwarded-For": client, "X-Original-URL": f"https://app.test{path}", "X-Original-Method": "GET"}
        assert beside.exchange("GET", "/.sidegate/auth", nginx).status == status
        envoy = beside.exchange("GET", f"/.sidegate/auth{path}", {**XHR, **fields}, host="app.test")
        assert envoy.status == (200 if status == 202 else status)

    def test_a_question_without_a_client_is_not_the_proxys_own_request(self, beside):
        question = {**XHR, "X-Original-URL": "https://app.test/abroad/x", "X-Original-Method": "GET"}
        assert beside.exchange("GET", "/.sidegate/auth", question).status == 403
        envoy = beside.exchange("GET", "/.sidegate/auth/abroad/x", XHR, host="app.test")
        assert envoy.status == 403

    @pytest.mark.parametrize("host, status", [(host, 202 if status == 200 else 401) for host, status in HOSTS])
    def test_the_host_is_that_of_the_question(self, beside, host, status):
        traefik = {**XHR, "X-Forwarded-Uri": "/wiki/x", "X-Forwarded-Method": "GET", "X-Forwarded-Host": host, "X-Forwarded-For": ELSEWHERE}
        assert beside.exchange("GET", "/.sidegate/auth", traefik, host="sidegate.test").status == status
        nginx = {**XHR, "X-Original-URL": f"https://{host}/wiki/x", "X-Original-Method": "GET"}
        assert beside.exchange("GET", "/.sidegate/auth", nginx, host="wiki.test").status == status


class TestOtherConnections:
    def test_the_proxy_protocol_names_the_client(self, upstream, start_gate):
        gate = start_gate(upstream, access={"rules": RULES}, proxyProtocol=True, trustedProxies=["127.0.0.2"])

        def ask(path, client, fields=()):
            with socket.socket() as connected:
                connected.settimeout(30)
                connected.bind(("127.0.0.2", 0))
                connected.connect(("127.0.0.1", gate.port))
                request = f"GET {path} HTTP/1.1\r\nHost: app.test\r\nAccept: text/html\r\nConnection: close\r\n"
                request += "".join(f"{name}: {value}\r\n" for name, value in dict(fields).items())
                connected.sendall(f"PROXY TCP4 {client} 198.51.100.1 40000 443\r\n{request}\r\n".encode())
                return int(connected.makefile("rb").readline().split()[1])
        assert [ask("/office/x", OFFICE), ask("/office/x", ELSEWHERE), ask("/abroad/x", ABROAD), ask("/abroad/x", ELSEWHERE)] == [200, 302, 403, 200]
        # The proxy passes on bytes: fields in them are the client's.
        hidden = {"X-Forwarded-For": OFFICE}
        assert [ask("/office/x", ELSEWHERE, hidden), ask("/office/x", OFFICE, hidden), ask("/abroad/x", ABROAD, hidden)] == [302, 302, 403]

    def test_a_unix_socket_has_no_address(self, upstream, start_gate, tmp_path):
        path = tmp_path / "gate.sock"
        gate = start_gate(upstream, access={"rules": RULES}, also_listen=[f"unix:{path}"])

        def ask(target):
            with socket.socket(socket.AF_UNIX) as connected:
                connected.settimeout(30)
                connected.connect(str(path))
                connected.sendall(f"GET {target} HTTP/1.1\r\nHost: app.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
                return int(connected.makefile("rb").readline().split()[1])
        assert [ask("/office/x"), ask("/abroad/x")] == [302, 403]
        assert gate.exchange("GET", "/abroad/x", NAVIGATION).status == 200


def test_observe_mode_reports_what_would_be_refused(upstream, start_gate):
    gate = start_gate(upstream, access={"rules": RULES, "mode": "observe"}, trustedProxies=["127.0.0.1"])
    for path, client in (("/abroad/x", ABROAD), ("/abroad/y", "hidden"), ("/abroad/z", ELSEWHERE)):
        assert gate.exchange("GET", path, {**XHR, "X-Forwarded-For": client}).status == 200
    wait_until(lambda: any(line.get("path") == "/abroad/z" for line in lines(gate)), "the lines")
    found = {line["path"]: line.get("would") for line in lines(gate) if line.get("kind") == "access"}
    assert found == {"/abroad/x": "denied", "/abroad/y": "denied", "/abroad/z": None}


class TestCheck:
    def run(self, tmp_path, **changes):
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps(settings("http://127.0.0.1:3000", 8080, **changes), indent=1))
        path.chmod(0o600)
        done = sidegate("check", "--config", path)
        return done.returncode, done.stdout + done.stderr

    def test_refuses_a_network_that_overlaps_trusted_proxies(self, tmp_path):
        rule = {"paths": ["/a"], "from": ["10.0.0.0/16"], "allow": "anyone"}
        code, text = self.run(tmp_path, access={"rules": [rule]}, trustedProxies=["10.0.5.0/24"])
        assert code == 1 and re.search(r":\d+:\d+: error: `access.rules\[\].from`: 10.0.0.0/16 overlaps 10.0.5.0/24", text), text
        code, text = self.run(tmp_path, access={"rules": [rule]}, trustedProxies=["10.1.0.0/16"])
        assert code == 0, text

    def test_warns_of_hosts_that_do_not_select_the_app(self, tmp_path):
        rules = {"rules": [{"paths": ["/*"], "hosts": ["wiki.test"], "require": {"groups": ["a"]}}]}
        code, text = self.run(tmp_path, access=rules)
        assert code == 0 and re.search(r":\d+:\d+: warning: `access.rules\[\].hosts`", text), text
        code, text = self.run(tmp_path, access=rules, upstreams=[{"hosts": ["wiki.test"], "url": "http://127.0.0.1:3001"}])
        assert code == 0 and "rules[].hosts" not in text, text


class TestExplain:
    @pytest.fixture(scope="class")
    def config(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("explain") / "sidegate.yaml"
        path.write_text(json.dumps(settings("http://127.0.0.1:3000", 8080, access={"rules": RULES})))
        return path

    @pytest.mark.parametrize("arguments, code, words", [
        (["GET https://app.test/office/x", "--client", OFFICE], 0,
         ["host     app.test", f"client   {OFFICE}", "network  203.0.113.0/24 of access.rules[0], 203.0.113.0/24 of access.rules[3]",
          "/office/* from 203.0.113.0/24, 2001:db8::/32: anyone", "let in"]),
        (["GET https://app.test/office/x", "--client", ELSEWHERE], 2, [f"client   {ELSEWHERE}", "network  none of access.rules[].from", "refused: unauthenticated"]),
        (["GET /office/x"], 2, ["host     not named", "client   not known", "access.default", "refused: unauthenticated"]),
        (["GET /abroad/x"], 2, ["client   not known", "doubt    the client is not known: access.rules[1] applies too", "refused: rule_denied"]),
        (["GET /abroad/x", "--client", ABROAD], 2, ["access.rules[1]", "refused: rule_denied"]),
        (["GET /abroad/x", "--client", "2001:db8::1"], 0, ["network  2001:db8::/32 of access.rules[0]", "let in"]),
        (["GET http://a.wiki.test:8080/wiki/x", "--client", ELSEWHERE], 0, ["host     a.wiki.test", "at wiki.test, *.wiki.test: anyone", "let in"]),
        (["GET https://wiki.test/both/x", "--from", OFFICE], 0, ["access.rules[3]", "at wiki.test from 203.0.113.0/24"]),
    ])
    def test_shows_host_client_and_network(self, config, arguments, code, words):
        done = sidegate("explain", "--config", config, "--request", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        for word in words:
            assert word in done.stdout, done.stdout

    def test_bad_usage(self, config):
        for arguments in (["--client", OFFICE], ["--request", "/x", "--client", "office"], ["--request", "/x", "--client", "10.0.0.0/8"]):
            assert sidegate("explain", "--config", config, *arguments).returncode == 64, arguments


def test_a_reload_replaces_hosts_and_networks(upstream, start_gate):
    gate = start_gate(upstream, access={"rules": [{"paths": ["/*"], "from": ["127.0.0.0/8"], "allow": "anyone"}]})
    assert gate.exchange("GET", "/x", NAVIGATION).status == 200
    changed = {**gate.settings, "access": {"rules": [{"paths": ["/*"], "from": ["10.0.0.0/8"], "allow": "anyone"}]}}
    gate.config.write_text(json.dumps(changed))
    wait_until(lambda: gate.exchange("GET", "/x", NAVIGATION).status == 302, "the new rules")


def test_ten_thousand_rules_for_hosts_and_networks_are_served(upstream, start_gate):
    rules = [{"paths": ["/*"], "hosts": [f"host{number}.test"], "from": [f"10.{number // 250}.{number % 250}.0/24"],
              "require": {"groups": [f"group{number}"]}} for number in range(10_000)]
    gate = start_gate(upstream, access={"rules": rules}, trustedProxies=["127.0.0.1"])
    member = bearer("group700")

    def ask(number, client):
        fields = {**XHR, **member, "X-Forwarded-Host": f"host{number}.test", "X-Forwarded-For": client}
        return gate.exchange("GET", "/x", fields).status
    assert [ask(700, "10.2.200.1"), ask(701, "10.2.201.1"), ask(701, "192.0.2.1"), ask(701, "hidden")] == [200, 403, 200, 403]
