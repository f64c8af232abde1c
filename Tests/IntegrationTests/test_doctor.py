# SPDX-License-Identifier: Apache-2.0
"""`sidegate doctor`: its checks, its message for each failure, and its exit code; `explain --fetch`."""

import json
import socket
import ssl
import subprocess
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.certificates import Authority
from harness.gate import sidegate
from harness.h2_upstream import H2Upstream
from harness.tokens import base64url

PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"


class Peer:
    """A server on loopback with a given status, clock and document. It records the requests."""

    def __init__(self, status=200, ahead=0.0, dated=True, body=b"", address=None, certificate=None,
                 host="127.0.0.1", cookies=(), refuses=(), paths=None, length=None):
        peer = self
        self.asked = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                peer.asked.append((self.command, self.path))
                by_path = (paths or {}).get(self.path.partition("?")[0], 404 if paths else status)
                self.send_response_only(405 if self.command in refuses else by_path)
                if dated:
                    self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
                for cookie in cookies:
                    self.send_header("Set-Cookie", cookie)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = answer

            def log_message(self, *_):
                pass

            def address_string(self):
                return "peer"

        class UnixServer(ThreadingHTTPServer):
            address_family = socket.AF_UNIX

            def server_bind(self):
                self.socket.bind(self.server_address)

        server = UnixServer if address else ThreadingHTTPServer
        self.server = server(address or (host, 0), Handler)
        scheme = "https" if certificate else "http"
        self.url = f"unix:{address}" if address else f"{scheme}://127.0.0.1:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handshake runs in the connection's own thread, so that a failed one does not end the server.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def peers():
    made = []

    def make(*arguments, **options):
        made.append(Peer(*arguments, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


@pytest.fixture
def config(tmp_path):
    def write(upstream, login, more="", key="secret: a-secret-shared-with-the-identity-provider-0001", mode=0o600):
        path = tmp_path / "sidegate.yaml"
        path.write_text(f"""\
publicURL: https://app.test
upstream: {upstream}
identityProvider: {{ loginURL: "{login}/login?r={{returnURL}}" }}
token:
  algorithms: [HS256, EdDSA]
  keys: [{{ {key} }}]
session: {{ secret: a-session-secret-of-at-least-32-bytes-0002 }}
{more}""")
        path.chmod(mode)
        return path

    return write


def doctor(path, *arguments):
    done = sidegate("doctor", "--config", path, *arguments)
    lines = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if words and words[0] in ("ok", "warning", "FAIL"):
            lines.setdefault(words[1], []).append((words[0], line))
    return done, lines


def outcome(lines, subject):
    return [found for found, _ in lines.get(subject, [])]


def test_without_problems_it_is_0_and_requests_what_browsers_would(peers, config):
    app, provider = peers(), peers()
    hook = peers()
    done, lines = doctor(config(app.url, provider.url,
                                f"provisioning: {{ url: {hook.url}/users, secret: 0123456789abcdef }}\n"))
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith("0 warnings, 0 failed")
    assert "fix:" not in done.stdout
    for subject in ("configuration", "session.secret", "cookies", "upstream", "identityProvider.loginURL", "clock",
                    "provisioning.url"):
        assert outcome(lines, subject) == ["ok"], done.stdout
    assert app.asked == hook.asked == [("GET", "/")]
    assert provider.asked == [("GET", "/login?r=https%3A%2F%2Fapp.test%2F.sidegate%2Fcallback")]


def test_an_app_without_HEAD_is_asked_as_browsers_ask_it(peers, config):
    app = peers(refuses=["HEAD"])
    done, lines = doctor(config(app.url, peers().url))
    assert outcome(lines, "upstream") == ["ok"] and "answers 200" in lines["upstream"][0][1], done.stdout


def test_long_content_is_not_read(peers, config):
    app = peers(length=1 << 40)
    done, lines = doctor(config(app.url, peers(length=1 << 40).url))
    assert outcome(lines, "upstream") == outcome(lines, "identityProvider.loginURL") == ["ok"], done.stdout


@pytest.mark.parametrize("status, found", [
    (404, "FAIL"), (405, "FAIL"), (410, "FAIL"), (501, "FAIL"), (500, "warning"), (503, "warning"), (400, "warning"),
    (403, "warning"), (200, "ok"), (302, "ok"),
])
def test_a_wrong_login_path_is_found(peers, config, status, found):
    provider = peers(paths={"/login": status})
    done, lines = doctor(config(peers().url, provider.url))
    assert outcome(lines, "identityProvider.loginURL") == [found], done.stdout
    assert f"{provider.url}/login answers {status}" in done.stdout and "app.test%2F" not in done.stdout
    assert done.returncode == (1 if found == "FAIL" else 0)
    assert outcome(lines, "clock") == ["ok"]


@pytest.mark.parametrize("status, template, found", [
    (404, "/logout?r={returnTo}", "FAIL"), (200, "/logout?r={returnTo}", "ok"), (400, "/logout?r={returnTo}", "warning"),
    (400, "/logout?jwt={logoutToken}", "ok"), (404, "/logout?jwt={logoutToken}", "FAIL"),
])
def test_a_wrong_logout_path_is_found_on_the_same_host_too(peers, config, status, template, found):
    provider = peers(paths={"/logout": status})
    path = config(peers().url, provider.url)
    done, lines = doctor(path, "--set", f"identityProvider.logoutURL={provider.url}{template}")
    assert outcome(lines, "identityProvider.logoutURL") == [found], done.stdout
    assert not any("eyJ" in target for _, target in provider.asked), "the doctor signs nothing"


def test_requireState_is_hinted_at_without_changing_the_exit_code(peers, config):
    app, provider = peers(), peers()
    path = config(app.url, provider.url)
    done, lines = doctor(path)
    assert done.returncode == 0 and outcome(lines, "identityProvider.requireState") == ["ok"], done.stdout
    for old, new in (("={returnURL}\"", "={returnURL}\", requireState: true"), ("={returnURL}\", requireState: true", "={returnTo}\"")):
        path.write_text(path.read_text().replace(old, new))
        done, lines = doctor(path)
        assert done.returncode == 0 and outcome(lines, "identityProvider.requireState") == [], done.stdout


def test_the_apps_own_session_causes_a_hint(peers, config):
    app, provider = peers(cookies=["theme=dark", "PHPSESSID=x; Path=/", "connect.sid=y"]), peers()
    session = "session: { secret: a-session-secret-of-at-least-32-bytes-0002"
    path = config(app.url, provider.url)
    done, lines = doctor(path)
    assert done.returncode == 0 and outcome(lines, "session.appCookies") == ["warning"]
    assert "session.appCookies: [PHPSESSID, connect.sid]" in done.stdout and "session.logoutPaths" in done.stdout
    path.write_text(path.read_text().replace(session, session + ", appCookies: [PHPSESSID, connect.sid]"))
    done, lines = doctor(path)
    assert outcome(lines, "session.appCookies") == [] and outcome(lines, "session.logoutPaths") == ["ok"]
    path.write_text(path.read_text().replace("[PHPSESSID, connect.sid]", "[PHPSESSID, connect.sid], logoutPaths: [/logout]"))
    done, lines = doctor(path)
    assert outcome(lines, "session.appCookies") == outcome(lines, "session.logoutPaths") == []


def test_secrets_are_not_in_the_report(peers, config):
    done, _ = doctor(config(peers().url, peers().url))
    assert "0001" not in done.stdout + done.stderr and "0002" not in done.stdout + done.stderr


def test_an_app_that_is_down_fails(peers, config):
    done, lines = doctor(config("http://127.0.0.1:1", peers().url))
    assert done.returncode == 1
    assert outcome(lines, "upstream") == ["FAIL"]
    assert outcome(lines, "bypass") == ["warning"] and "nothing listens on port 1" in done.stdout
    assert "refused" in done.stdout and "fix:" in done.stdout


class Raw:
    """A server that answers each connection with the same bytes."""

    def __init__(self, answer: bytes):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self.answer)

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("answer, found, words", [
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", "FAIL", "chunk"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "FAIL", "closed before"),
    (b"HTTP/1.1 200 OK\r\nA b: x\r\nContent-Length: 0\r\n\r\n", "FAIL", "field name"),
    (b"HTTP/1.1 200 OK\r\nX-A : x\r\nContent-Length: 0\r\n\r\n", "ok", "answers 200"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "ok", "answers 200"),
], ids=["chunk", "short", "name", "blank", "good"])
def test_the_apps_answer_is_judged_as_the_gate_judges_it(peers, config, answer, found, words):
    app = Raw(answer)
    try:
        done, lines = doctor(config(app.url, peers().url))
    finally:
        app.close()
    assert outcome(lines, "upstream") == [found] and words in lines["upstream"][0][1], done.stdout
    assert "white space" not in done.stdout and "start the app" not in done.stdout


def test_an_app_that_does_not_speak_http_2_fails(peers, config):
    done, lines = doctor(config(peers().url.replace("http://", "h2c://"), peers().url))
    assert outcome(lines, "upstream") == ["FAIL"] and "http2_not_spoken" in done.stdout and done.returncode == 1
    assert "an app that speaks HTTP/1.1 has an address with http://" in done.stdout


def test_an_app_that_speaks_http_2_is_ok(peers, config):
    app = H2Upstream()
    done, lines = doctor(config(app.url, peers().url))
    app.close()
    assert outcome(lines, "upstream") == ["ok"] and "speaks HTTP/2" in done.stdout, done.stdout


def test_what_to_do_about_an_expired_certificate(peers, config, tmp_path):
    authority = Authority(tmp_path)
    expired = authority.issue("old", "DNS:localhost,IP:127.0.0.1", dates=("20200101000000Z", "20210101000000Z"))
    app = peers(certificate=(expired.certificate, expired.key))
    done, lines = doctor(config(f"{{ url: {app.url}, tls: {{ ca: {authority.path} }} }}", peers().url))
    assert outcome(lines, "upstream") == ["FAIL"] and "expired" in done.stdout
    assert "start the app" not in done.stdout and "correct the app's certificate" in done.stdout


@pytest.mark.parametrize("listens_on, found", [("127.0.0.1", "ok"), ("0.0.0.0", "warning")])
def test_the_unspecified_address_is_this_machine(peers, config, listens_on, found):
    app = peers(host=listens_on)
    done, lines = doctor(config(app.url.replace("127.0.0.1", "0.0.0.0"), peers().url))
    assert outcome(lines, "bypass") == [found] and "is on the network" not in done.stdout, done.stdout


def test_an_app_that_answers_503_is_a_warning(peers, config):
    done, lines = doctor(config(peers(status=503).url, peers().url))
    assert done.returncode == 0
    assert outcome(lines, "upstream") == ["warning"]
    assert "answers 503" in done.stdout


@pytest.mark.parametrize("listens_on, found", [("127.0.0.1", "ok"), ("0.0.0.0", "warning")])
def test_an_app_that_others_can_reach_is_a_warning(peers, config, listens_on, found):
    done, lines = doctor(config(peers(host=listens_on).url, peers().url))
    assert outcome(lines, "bypass") == [found], done.stdout
    assert ("every address" in done.stdout) == (found == "warning")
    assert done.returncode == 0


def test_an_app_behind_a_unix_socket(peers, config, tmp_path):
    app = peers(status=404, address=str(tmp_path / "app.sock"))
    done, lines = doctor(config(app.url, peers().url))
    assert done.returncode == 0, done.stdout
    assert outcome(lines, "upstream") == ["ok"] and "answers 404" in done.stdout


def test_a_unix_socket_that_is_missing_or_does_not_speak_HTTP_fails(peers, config, tmp_path):
    done, lines = doctor(config(f"unix:{tmp_path}/none.sock", peers().url))
    assert outcome(lines, "upstream") == ["FAIL"] and done.returncode == 1
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "odd.sock"))
        listener.listen()

        def greet():
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(b"220 mail.test ESMTP ready\r\n")
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        done, lines = doctor(config(f"unix:{tmp_path}/odd.sock", peers().url))
        thread.join()
    assert outcome(lines, "upstream") == ["FAIL"]
    assert "does not speak HTTP" in done.stdout


@pytest.mark.parametrize("ahead, found, words", [
    (0, "ok", "to the second"), (45, "warning", "behind"), (-45, "warning", "ahead of"), (300, "FAIL", "300 seconds behind"),
    (-300, "FAIL", "300 seconds ahead of"),
])
def test_the_clock_is_compared_with_the_providers(peers, config, ahead, found, words):
    done, lines = doctor(config(peers().url, peers(ahead=ahead).url))
    assert outcome(lines, "clock") == [found], done.stdout
    assert words in lines["clock"][0][1]
    assert done.returncode == (1 if found == "FAIL" else 0)


def test_a_provider_without_a_date_is_a_warning(peers, config):
    done, lines = doctor(config(peers().url, peers(dated=False).url))
    assert outcome(lines, "clock") == ["warning"] and done.returncode == 0


def test_a_provider_that_cannot_be_reached_fails(peers, config):
    done, lines = doctor(config(peers().url, "http://127.0.0.1:1"))
    assert outcome(lines, "identityProvider.loginURL") == ["FAIL"] and done.returncode == 1
    done, lines = doctor(config(peers().url, "http://no-such-name.invalid"))
    assert outcome(lines, "identityProvider.loginURL") == ["FAIL"]


@pytest.fixture
def key_set(tmp_path):
    """An Ed25519 key pair: the private key's file, and the set with the public one, made by OpenSSL."""
    private = tmp_path / "key.pem"
    private.write_text(PRIVATE_KEY)
    der = subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-outform", "DER"], capture_output=True,
                         check=True).stdout
    key = {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:]), "kid": "spring-2026", "use": "sig"}
    return private, json.dumps({"keys": [key]}).encode()


def test_the_keys_of_each_jwksURL_are_listed(peers, config, key_set):
    keys = peers(body=key_set[1])
    done, lines = doctor(config(peers().url, peers().url, key=f"jwksURL: {keys.url}/jwks.json"))
    assert done.returncode == 0, done.stdout
    assert outcome(lines, "jwksURL") == ["ok"]
    assert "spring-2026 (Ed25519)" in done.stdout
    assert keys.asked == [("GET", "/jwks.json")]


@pytest.mark.parametrize("options, words", [
    ({"status": 404}, "it answers 404"), ({"body": b"<html>"}, "not usable JSON"), ({"body": b'{"keys":[]}'}, "no usable key"),
    ({"body": b" " * (2 << 20)}, "too large"),
])
def test_a_key_set_that_cannot_be_used_fails(peers, config, options, words):
    done, lines = doctor(config(peers().url, peers().url, key=f"jwksURL: {peers(**options).url}/jwks.json"))
    assert outcome(lines, "jwksURL") == ["FAIL"] and done.returncode == 1
    assert words in done.stdout


def test_a_key_set_of_another_kind_fails(peers, config, key_set):
    keys = peers(body=key_set[1])
    done, lines = doctor(config(peers().url, peers().url, key=f"jwksURL: {keys.url}/jwks.json"),
                         "--set", "token.algorithms=RS256")
    assert outcome(lines, "jwksURL") == ["FAIL"]
    assert "set it to the algorithms that the identity provider signs with" in done.stdout


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for 127.0.0.1, and its key, made by OpenSSL."""
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    key, "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


def test_a_key_set_over_https_is_fetched_only_from_a_server_verified_by_ca(peers, config, key_set, certificate):
    keys = peers(body=key_set[1], certificate=certificate)
    done, lines = doctor(config(peers().url, peers().url, key=f"jwksURL: {keys.url}/jwks.json, ca: {certificate[0]}"))
    assert done.returncode == 0, done.stdout
    assert "spring-2026 (Ed25519)" in done.stdout
    keys.asked.clear()
    done, lines = doctor(config(peers().url, peers().url, key=f"jwksURL: {keys.url}/jwks.json"))
    assert outcome(lines, "jwksURL") == ["FAIL"] and done.returncode == 1
    assert "no secure connection" in done.stdout and keys.asked == []


def test_a_config_with_errors_fails_without_requests(peers, config):
    app = peers()
    path = config(app.url, peers().url, "wrokers: 1\n")
    done, lines = doctor(path)
    assert done.returncode == 1 and app.asked == []
    assert outcome(lines, "configuration") == ["FAIL"]
    assert f"{path}:8:1: error: " in done.stderr


def test_a_config_with_secrets_that_others_can_read_is_a_warning(peers, config):
    done, lines = doctor(config(peers().url, peers().url, mode=0o644))
    assert outcome(lines, "configuration") == ["warning"] and done.returncode == 0
    assert "other users can read it" in done.stdout


def test_the_warnings_of_check_are_in_the_table(peers, config, tmp_path):
    secret = tmp_path / "jwt.secret"
    secret.write_text("0123456789abcdef")
    secret.chmod(0o644)
    done, lines = doctor(config(peers().url, peers().url, key=f"secretFile: {secret}"))
    assert outcome(lines, "configuration") == ["ok", "warning"]
    assert outcome(lines, "token") == ["warning"]  # 128 bits are accepted, 256 are recommended
    assert done.returncode == 0


def test_cookies_over_plain_http_are_a_warning(peers, config):
    path = config(peers().url, peers().url)
    _, lines = doctor(path, "--set", "publicURL=http://app.test")
    assert outcome(lines, "cookies") == ["warning"]
    _, lines = doctor(path, "--set", "publicURL=http://localhost:8080")
    assert outcome(lines, "cookies") == ["ok"]


def test_the_list_of_users_is_counted(peers, config, tmp_path):
    (tmp_path / "users.txt").write_text("ada@example.com\nbob@example.com\n")
    done, lines = doctor(config(peers().url, peers().url, "access: { users: { emailsFile: users.txt } }\n"))
    assert outcome(lines, "access.users.emailsFile") == ["ok"] and "2 addresses" in done.stdout


@pytest.mark.parametrize("preset, count", [("generic", 1), ("ispring", 2), ("proprofs", 1), ("loginradius", 3),
                                           ("zendesk", 1), ("metabase", 1)])
def test_lines_of_init_that_are_not_filled_in_fail_by_name(peers, tmp_path, preset, count):
    path = tmp_path / "new.yaml"
    assert sidegate("init", "--preset", preset, "--output", path).returncode == 0
    assert sidegate("check", "--config", path).returncode == 0
    done, _ = doctor(path, "--set", f"upstream={peers().url}", *(
        ["--set", f"identityProvider.loginURL={peers().url}/?{{returnURL}}"] if preset == "loginradius" else []))
    assert done.returncode == 1
    assert done.stdout.count("still what `sidegate init` wrote") == count, done.stdout


def test_explain_makes_no_requests_unless_asked_to(peers, config, key_set):
    keys = peers(body=key_set[1])
    path = config(peers().url, peers().url, key=f"jwksURL: {keys.url}/jwks.json")
    token = sidegate("mint", "--config", path, "--key-file", key_set[0], "--claim", "sub=ada", "--claim",
                     "email=ada@example.com").stdout.strip()
    offline = sidegate("explain", "--config", path, token)
    assert offline.returncode == 2 and keys.asked == []
    assert "keys not fetched" in offline.stdout and "--fetch" in offline.stdout
    fetched = sidegate("explain", "--config", path, "--fetch", token)
    assert fetched.returncode == 0, fetched.stdout
    assert "spring-2026 (Ed25519)" in fetched.stdout and fetched.stdout.endswith("\naccepted\n")


def test_what_does_not_depend_on_each_other_is_asked_at_the_same_time(tmp_path):
    """The app and the login page answer only when both are asked."""
    together = threading.Barrier(2)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            together.wait(30)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    app, provider = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps({
        "publicURL": "http://localhost:8080", "upstream": app, "identityProvider": {"loginURL": provider + "/login?r={returnURL}"},
        "token": {"keys": [{"secret": "0123456789abcdef0123456789abcdef"}]}, "session": {"secret": "fedcba9876543210fedcba9876543210"}}))
    config.chmod(0o600)
    done = sidegate("doctor", "--config", str(config))
    for server in servers:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0 and "upstream " in done.stdout and done.stdout.count("answers 200") == 2, done.stdout
    # In the order of the checks, whatever answered first.
    assert done.stdout.index("upstream ") < done.stdout.index("bypass ") < done.stdout.index("identityProvider.loginURL ") < done.stdout.index("clock ")


def doctor_for(tmp_path, upstream):
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps({
        "publicURL": "http://localhost:8080", "upstream": upstream, "identityProvider": {"loginURL": "http://127.0.0.1:1/login?r={returnURL}"},
        "token": {"keys": [{"secret": "0123456789abcdef0123456789abcdef"}]}, "session": {"secret": "fedcba9876543210fedcba9876543210"}}))
    config.chmod(0o600)
    return sidegate("doctor", "--config", str(config)).stdout


@pytest.mark.parametrize("scheme", ["http", "https", "h2c"])
def test_the_way_around_an_app_that_is_not_found_is_not_checked(tmp_path, scheme):
    report = doctor_for(tmp_path, f"{scheme}://nowhere.invalid:3000")
    line = next(line for line in report.splitlines() if " bypass " in line)
    assert line.startswith("warning") and "not checked" in line and "cannot be resolved" in line, report


def test_an_app_without_tls_behind_https_needs_http(tmp_path):
    peer = Peer()
    report = doctor_for(tmp_path, peer.url.replace("http://", "https://")).splitlines()
    at = next(number for number, line in enumerate(report) if " upstream " in line)
    assert report[at].startswith("FAIL") and "does not speak TLS" in report[at], report
    assert "http://" in report[at + 1] and "ca" not in report[at + 1].split("fix:")[1].split(), report
