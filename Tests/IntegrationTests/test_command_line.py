# SPDX-License-Identifier: Apache-2.0
"""Commands, their exit codes and their messages."""

import hashlib
import hmac
import json
import re
import socket
import subprocess
import time

import pytest

from harness import tokens
from harness.gate import BINARY, SESSION_SECRET, Browser, clean_environment, sidegate
from harness.tokens import base64url

CONFIG = """\
listen: ["127.0.0.1:8080"]
upstream: http://127.0.0.1:3000
identityProvider:
  loginURL: "https://idp.test/login?return_url={returnURL}"
token:
  keys:
    - secret: a-secret-shared-with-the-identity-provider-0001
session:
  secret: a-session-secret-of-at-least-32-bytes-0002
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sidegate.yaml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


class TestBasics:
    def test_version(self):
        done = sidegate("version")
        assert done.returncode == 0 and re.search(r"\d+\.\d+", done.stdout)

    @pytest.mark.parametrize("command", [[], ["run"], ["demo"], ["check"], ["explain"], ["mint"], ["secret"]],
                             ids=lambda c: " ".join(c) or "sidegate")
    def test_help_of_each_command(self, command):
        done = sidegate(*command, "--help")
        assert done.returncode == 0 and "USAGE" in done.stdout

    @pytest.mark.parametrize("arguments", [["chekc"], ["run", "--confg", "x"], ["secret", "more"], ["mint", "--claim"]],
                             ids=" ".join)
    def test_bad_usage_is_64(self, arguments):
        done = sidegate(*arguments)
        assert done.returncode == 64 and done.stderr

    def test_a_mistyped_option_gets_a_suggestion(self):
        assert "--config" in sidegate("run", "--confg", "x").stderr

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_completions(self, shell):
        done = sidegate("--generate-completion-script", shell)
        assert done.returncode == 0 and "explain" in done.stdout

    def test_secrets_are_random_with_256_bits(self):
        first, second = sidegate("secret").stdout.strip(), sidegate("secret").stdout.strip()
        assert first != second
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", first)


class TestCheck:
    def test_a_good_config_is_0(self, config):
        done = sidegate("check", "--config", config)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("name, find, replace, position, words", [
        ("an unknown key", "upstream:", "upstrem:", "2:1", ["upstrem", "did you mean", "upstream"]),
        ("an unknown key inside", "  loginURL:", "  loginUrl:", "4:3", ["loginUrl", "did you mean", "loginURL"]),
        ("a snake-case key", "session:\n", "session:\n  idle_timeout: 1h\n", "9:3", ["idle_timeout", "idleTimeout"]),
        ("a bad duration", "session:\n", "session:\n  lifetime: 5 parsecs\n", "9:13", ["lifetime"]),
        ("an unknown choice", "session:\n", "session:\n  sameSite: loose\n", "9:13", ["sameSite", "lax"]),
        ("a list in place of text", "upstream: http://127.0.0.1:3000", "upstream: [1, 2]", "2:11", ["upstream"]),
        ("an upstream that is not a URL", "http://127.0.0.1:3000", "ftp://x", "2:11", ["upstream"]),
        ("a port out of range", '["127.0.0.1:8080"]', '["127.0.0.1:99999"]', "1:10", ["99999"]),
        ("an unknown algorithm", "token:\n", "token:\n  algorithms: [none]\n", "6:16", ["none"]),
        ("an unknown placeholder", "{returnURL}", "{returnUrl}", "4:13", ["returnUrl", "returnURL"]),
        ("a duplicate key", "session:\n", "upstream: http://127.0.0.1:4000\nsession:\n", "8:1", ["upstream"]),
        ("a missing file", "secret: a-session-secret-of-at-least-32-bytes-0002", "secretFile: no-such-file",
         "9:15", ["no-such-file"]),
        ("a short session secret", "a-session-secret-of-at-least-32-bytes-0002", "short", "9:11", ["32"]),
        ("a weak token secret CVE_2019_20933", "a-secret-shared-with-the-identity-provider-0001", "short", "7:15",
         ["128"]),
        ("an empty token secret CVE_2019_20933", "secret: a-secret-shared-with-the-identity-provider-0001",
         'secret: ""', "7:15", []),
    ])
    def test_a_bad_config_is_1_with_location_and_fix(self, config, name, find, replace, position, words):
        assert find in CONFIG
        config.write_text(CONFIG.replace(find, replace, 1))
        done = sidegate("check", "--config", config)
        assert done.returncode == 1
        lines = [line for line in done.stderr.splitlines() if f"{config}:{position}" in line and "error:" in line]
        assert lines, done.stderr
        for word in words:
            assert word.lower() in done.stderr.lower(), done.stderr

    @pytest.mark.parametrize("listen, upstream, words", [
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "come back"), ("0.0.0.0:8080", "http://localhost:8080", "come back"),
        ("[::]:8080", "http://[::1]:8080", "come back"), ("0.0.0.0:8080", f"http://{socket.gethostname()}:8080", "come back"),
        ("unix:/tmp/a.sock", "unix:/tmp/../tmp/a.sock", "come back")])
    def test_an_upstream_that_is_sidegate_itself(self, config, listen, upstream, words):
        config.write_text(CONFIG.replace("127.0.0.1:8080", listen).replace("http://127.0.0.1:3000", upstream))
        done = sidegate("check", "--config", config)
        assert done.returncode == 1 and f"{config}:2:11: error:" in done.stderr and words in done.stderr
        # `run` fails as well.
        assert sidegate("run", "--config", config).returncode == 1

    def test_an_upstream_that_is_sidegate_itself_by_command_line_or_environment(self, config):
        done = sidegate("check", "--config", config, "--set", "upstream.url=http://127.0.0.1:8080")
        assert done.returncode == 1 and "--set upstream.url: error:" in done.stderr
        done = sidegate("check", "--config", config, env={**clean_environment(), "SIDEGATE_ADMIN_LISTEN": "0.0.0.0:8080"})
        assert done.returncode == 1 and "environment SIDEGATE_ADMIN_LISTEN: error:" in done.stderr

    @pytest.mark.parametrize("path", ["/.sidegate/confirm", "/.sidegate/CONFIRM", "/.sidegate/auth/x", "/.sidegate", "/cb.", "/a//b",
                                      "/cb?x", "/%63b"])
    def test_a_return_path_that_is_reserved_or_has_two_spellings(self, config, path):
        config.write_text(CONFIG.replace("  loginURL", f'  returnPath: "{path}"\n  loginURL'))
        done = sidegate("check", "--config", config)
        assert done.returncode == 1 and f"{config}:4:15: error: `identityProvider.returnPath`" in done.stderr

    @pytest.mark.parametrize("more, position, words", [
        ('trustedProxies: ["0.0.0.0/0"]', "10:18", "X-Forwarded-"), ('trustedProxies: ["::/0"]', "10:18", "X-Forwarded-"),
        ('trustedProxies: ["0.0.0.0/1", "128.0.0.0/1"]', "10:31", "X-Forwarded-"),
        ('access: { rules: [{ paths: ["/admin/.+"], deny: true }] }', "10:29", "regular expression"),
        ('access: { rules: [{ paths: ["/(a|b)"], deny: true }] }', "10:29", "regular expression"),
        ('access: { rules: [{ paths: ["/.sidegate/*"], deny: true }] }', "10:29", "Sidegate's own"),
    ])
    def test_suspicious_settings_cause_warnings(self, config, more, position, words):
        config.write_text(CONFIG + more + "\n")
        done = sidegate("check", "--config", config)
        assert done.returncode == 0
        assert any(line.startswith(f"{config}:{position}: warning: ") and words in line for line in done.stderr.splitlines()), done.stderr

    def test_one_secret_for_tokens_and_sessions(self, config):
        text = CONFIG.replace(SESSION_SECRET, tokens.SECRET)
        config.write_text(text)
        done = sidegate("check", "--config", config)
        assert done.returncode == 0 and f"{config}:9:11: warning: `session.secret` is the same secret" in done.stderr
        secret = config.parent / "secret"
        secret.write_text(tokens.SECRET + "\n")
        secret.chmod(0o600)
        config.write_text(text.replace(f"session:\n  secret: {tokens.SECRET}", "session:\n  secretFile: secret"))
        done = sidegate("check", "--config", config)
        assert "`session.secretFile` is the same secret as `token.keys[0].secret`" in done.stderr
        assert tokens.SECRET not in done.stderr

    def test_secrets_in_a_file_that_others_can_read(self, config):
        config.chmod(0o644)
        done = sidegate("check", "--config", config)
        assert done.returncode == 0 and f"{config}:1:1: warning: the file holds secrets" in done.stderr

    def test_lines_of_init_that_are_not_filled_in(self, tmp_path):
        path = tmp_path / "new.yaml"
        assert sidegate("init", "--preset", "ispring", "--output", path).returncode == 0
        done = sidegate("check", "--config", path)
        marked = [number for number, line in enumerate(path.read_text().splitlines(), 1)
                  if "<== FILL IN:" in line and not line.startswith("#")]
        assert done.returncode == 0 and len(marked) == 4
        assert [line for line in done.stderr.splitlines()] and all(
            f"{path}:{number}:" in done.stderr for number in marked)
        path.write_text(path.read_text().replace("www.example.com", "learn.example.org").replace("3000", "4000").replace(
            "http://localhost:8080", "https://app.example.org"))
        assert sidegate("check", "--config", path).stderr == ""

    def test_all_errors_are_reported_not_only_the_first(self, config):
        config.write_text(CONFIG.replace("upstream:", "upstrem:").replace("session:\n", "session:\n  lifetime: soon\n  sesame: 1\n"))
        errors = [line for line in sidegate("check", "--config", config).stderr.splitlines() if "error:" in line]
        assert len(errors) >= 3

    def test_broken_yaml_is_reported_with_location_and_without_secrets(self, config):
        config.write_text(CONFIG + "  broken: [1, 2\nmore: }\n")
        done = sidegate("check", "--config", config)
        assert done.returncode == 1 and re.search(rf"{config}:1[0-2]:\d+: error: ", done.stderr)
        assert tokens.SECRET not in done.stderr and SESSION_SECRET not in done.stderr

    @pytest.mark.parametrize("text", ["", "null\n", "[]\n", "just words\n", "a: &a [*a]\n", "\x00", "\t\n", "- " * 5000,
                                      "{" * 5000, "a: " + "[" * 5000], ids=range(10))
    def test_no_text_crashes_it(self, config, text):
        config.write_text(text)
        assert sidegate("check", "--config", config).returncode == 1

    def test_a_byte_order_mark_is_accepted(self, config):
        config.write_bytes(b"\xef\xbb\xbf" + CONFIG.encode())
        done = sidegate("check", "--config", config)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("text", ["".join(f"k{n}: 1\n" for n in range(20_000)), "a: " + "${NO_SUCH_VARIABLE}" * 20_000],
                             ids=["keys", "variables"])
    def test_the_number_of_reported_errors_is_bounded(self, config, text):
        config.write_text(text)
        done = sidegate("check", "--config", config)
        assert done.returncode == 1 and len(done.stderr.splitlines()) <= 1002

    @pytest.mark.parametrize("option", [
        "access.site", "redis.clientCertificate", "redis.ca", "session.secretFile", "upstream.tls.ca", "assertion.issuer"])
    def test_a_text_of_blanks_alone_is_no_value(self, config, option):
        done = sidegate("check", "--config", config, "--set", f"{option}=  ")
        assert done.returncode == 1 and option in done.stderr and "white space alone" in done.stderr, done.stderr

    def test_an_admin_address_in_use_names_its_option(self, config):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = sidegate("run", "--config", config, "--set", "listen=127.0.0.1:0", "--set", f"admin.listen={address}")
            assert done.returncode != 0 and "choose another address in `admin.listen`" in done.stderr, done.stderr
            done = sidegate("run", "--config", config, "--set", f"listen={address}", "--set", "admin.listen=off")
            assert done.returncode != 0 and "choose another address in `listen`" in done.stderr, done.stderr

    def test_a_missing_file(self, tmp_path):
        done = sidegate("check", "--config", tmp_path / "none.yaml")
        assert done.returncode in (1, 78) and "none.yaml" in done.stderr

    def test_run_reports_the_same_and_does_not_start(self, config):
        config.write_text(CONFIG.replace("upstream:", "upstrem:"))
        done = sidegate("run", "--config", config)
        assert done.returncode == 1 and f"{config}:2:1: error:" in done.stderr

    def test_secret_files_lose_one_newline_and_warn_when_others_can_read_them(self, config):
        secret = config.parent / "jwt"
        secret.write_text(tokens.SECRET + "\n")
        secret.chmod(0o644)
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", "secretFile: jwt"))
        done = sidegate("check", "--config", config, cwd=config.parent)
        assert done.returncode == 0 and "warning" in done.stderr and "jwt" in done.stderr
        secret.chmod(0o600)
        done = sidegate("check", "--config", config, cwd=config.parent)
        assert (done.returncode, done.stderr) == (0, "")
        assert sidegate("explain", "--config", config, tokens.token(), cwd=config.parent).returncode == 0

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_secrets_from_the_environment_lose_one_newline_too(self, config, end):
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", 'secret: "${JWT_SECRET}"'))
        environment = clean_environment(JWT_SECRET=tokens.SECRET + end)
        done = sidegate("check", "--config", config, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert sidegate("explain", "--config", config, tokens.token(), env=environment).returncode == 0
        keys = json.dumps([{"secret": tokens.SECRET + end}])
        environment = clean_environment(JWT_SECRET="x" * 32, SIDEGATE_TOKEN_KEYS=keys)
        assert sidegate("explain", "--config", config, tokens.token(), env=environment).returncode == 0

    def test_a_secret_of_yaml_loses_the_newline_of_its_block(self, config):
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f"secret: |\n        {tokens.SECRET}"))
        assert sidegate("explain", "--config", config, tokens.token()).returncode == 0

    @pytest.mark.parametrize("secret, words", [
        (tokens.SECRET + "\n\n", "white space"), (" " + tokens.SECRET, "white space"), (tokens.SECRET + " \n", "white space"),
        (tokens.SECRET + "\nmore", "line break"), ("\ufeff" + tokens.SECRET, "byte order mark")])
    def test_other_white_space_of_a_secret_is_kept_and_warned_of(self, config, secret, words):
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", 'secret: "${JWT_SECRET}"'))
        done = sidegate("check", "--config", config, env=clean_environment(JWT_SECRET=secret))
        assert done.returncode == 0 and "warning" in done.stderr and words in done.stderr and tokens.SECRET not in done.stderr
        file = config.parent / "jwt"
        file.write_text(secret)
        file.chmod(0o600)
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", "secretFile: jwt"))
        done = sidegate("check", "--config", config)
        assert done.returncode == 0 and words in done.stderr and tokens.SECRET not in done.stderr

    def test_secrets_come_from_the_credentials_directory_first(self, config, tmp_path):
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        (credentials / "jwt").write_text(tokens.SECRET)
        (credentials / "jwt").chmod(0o600)
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", "secretFile: jwt"))
        environment = clean_environment(CREDENTIALS_DIRECTORY=str(credentials))
        assert sidegate("explain", "--config", config, tokens.token(), env=environment).returncode == 0


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Private keys and certificates made by openssl, by algorithm."""
    folder = tmp_path_factory.mktemp("keys")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)
    for name, options in {
        "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ES384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "EdDSA": ["-algorithm", "ED25519"],
        "weak": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    }.items():
        openssl("genpkey", *options, "-out", f"{name}.key")
        openssl("pkey", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pem")
    openssl("req", "-x509", "-key", "RS256.key", "-subj", "/CN=idp", "-days", "2", "-out", "RS256.crt")
    return folder


class TestTokens:
    def test_mint_and_explain_agree(self, config):
        minted = sidegate("mint", "--config", config, "--claim", "email=ada@example.com", "--claim", "sub=ada")
        assert minted.returncode == 0, minted.stderr
        explained = sidegate("explain", "--config", config, minted.stdout.strip())
        assert explained.returncode == 0, explained.stdout + explained.stderr
        assert "ada@example.com" in explained.stdout

    def test_explain_reads_standard_input(self, config):
        assert sidegate("explain", "--config", config, "-", input=tokens.token() + "\n").returncode == 0

    def test_a_minted_url_is_the_complete_return_url(self, config):
        done = sidegate("mint", "--config", config, "--claim", "email=a@example.com", "--url")
        assert done.returncode == 0
        assert re.fullmatch(r"https?://[^/]+/\.sidegate/callback\?(.*&)?jwt=[\w-]+\.[\w-]+\.[\w-]+", done.stdout.strip())

    def test_a_minted_token_signs_in(self, config, upstream, start_gate):
        gate = start_gate(upstream)
        minted = sidegate("mint", "--config", gate.config, "--claim", "email=ada@example.com", "--claim", "sub=ada",
                          "--claim", 'groups=["a","b"]').stdout.strip()
        browser = Browser(gate)
        assert browser.finish(browser.start("/"), minted).status == 303
        browser.navigate("/")
        assert upstream.last.get("X-Forwarded-Email") == "ada@example.com"

    @pytest.mark.parametrize("code, token", [
        ("signature_invalid", lambda: tokens.token(secret="not-the-providers-secret-at-all-00000001")),
        ("expired", lambda: tokens.token(iat=1_600_000_000, exp=1_600_000_100)),
        ("audience_mismatch", lambda: tokens.token(aud="elsewhere")),
        ("algorithm_not_allowed", lambda: tokens.token(header={"alg": "HS512"})),
        ("claims_malformed", lambda: tokens.signed(b'{"alg":"HS256"}', b'{"a":1,"a":2}')),
        ("token_malformed", lambda: "a.b"),
        ("field_missing", lambda: tokens.token(email=None)),
    ])
    def test_a_refused_token_is_2_with_the_reason_and_without_the_secret(self, config, code, token):
        done = sidegate("explain", "--config", config, token())
        assert done.returncode == 2, done.stdout + done.stderr
        assert code in done.stdout
        assert tokens.SECRET not in done.stdout + done.stderr

    def test_explain_checks_at_another_time(self, config):
        token = tokens.token(iat=1_700_000_000, exp=1_700_000_100)
        assert sidegate("explain", "--config", config, token).returncode == 2
        assert sidegate("explain", "--config", config, "--at", "2023-11-14T22:13:30Z", token).returncode == 0

    def test_the_environment_overrides_the_file(self, config):
        token = tokens.token(iat=int(time.time()) - 120, exp=int(time.time()) - 30)
        assert sidegate("explain", "--config", config, token).returncode == 0, "within the default skew of 60 s"
        stricter = clean_environment(SIDEGATE_TOKEN_CLOCKSKEW="5s")
        assert sidegate("explain", "--config", config, token, env=stricter).returncode == 2

    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
    def test_public_keys(self, config, keys, algorithm):
        name = "RS256" if algorithm == "PS256" else algorithm
        text = CONFIG.replace(f"secret: {tokens.SECRET}", f"publicKeyFile: {keys}/{name}.pem").replace(
            "token:\n", f"token:\n  algorithms: [{algorithm}]\n")
        config.write_text(text)
        minted = sidegate("mint", "--config", config, "--key-file", keys / f"{name}.key",
                          "--algorithm", algorithm, "--claim", "email=a@b.example")
        assert minted.returncode == 0, minted.stderr
        assert sidegate("explain", "--config", config, minted.stdout.strip()).returncode == 0

    def test_certificates(self, config, keys):
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f"publicKeyFile: {keys}/RS256.crt").replace(
            "token:\n", "token:\n  algorithms: [RS256]\n"))
        header, payload = base64url(b'{"alg":"RS256"}'), base64url(json.dumps(tokens.claims()).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", keys / "RS256.key"], check=True,
                                   capture_output=True, input=f"{header}.{payload}".encode()).stdout
        assert sidegate("explain", "--config", config, f"{header}.{payload}.{base64url(signature)}").returncode == 0

    def test_a_public_key_is_not_an_hmac_secret_CVE_2016_10555_CVE_2026_34950_CVE_2026_22817(self, config, keys):
        pem = (keys / "RS256.pem").read_text()
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f"publicKeyFile: {keys}/RS256.pem").replace(
            "token:\n", "token:\n  algorithms: [RS256]\n"))
        forged = tokens.signed(b'{"alg":"HS256"}', json.dumps(tokens.claims()).encode(), pem)
        done = sidegate("explain", "--config", config, forged)
        assert done.returncode == 2 and "algorithm_not_allowed" in done.stdout

    def test_pem_text_is_refused_as_a_secret_CVE_2026_34950(self, config, keys):
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f"secretFile: {keys}/RS256.pem"))
        assert sidegate("check", "--config", config).returncode == 1

    def test_a_short_rsa_key_is_refused(self, config, keys):
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f"publicKeyFile: {keys}/weak.pem").replace(
            "token:\n", "token:\n  algorithms: [RS256]\n"))
        done = sidegate("check", "--config", config)
        assert done.returncode == 1 and "2048" in done.stderr

    @pytest.mark.parametrize("encoding, written, secret", [
        ("base64", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", bytes(range(32))),
        ("base64url", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", bytes(range(32))),
        ("hex", bytes(range(32)).hex(), bytes(range(32))),
        ("md5hex", "any text", b"db06c78d1e24cf708a14ce81c9b617ec"),
    ])
    def test_secret_encodings(self, config, encoding, written, secret):
        if encoding == "md5hex":
            secret = hashlib.md5(written.encode()).hexdigest().encode()
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f'secret: "{written}"\n      secretEncoding: {encoding}'))
        signing_input = base64url(b'{"alg":"HS256"}') + "." + base64url(json.dumps(tokens.claims()).encode())
        signature = base64url(hmac.new(secret, signing_input.encode(), "sha256").digest())
        done = sidegate("explain", "--config", config, f"{signing_input}.{signature}")
        assert done.returncode == 0, done.stdout + done.stderr

    def test_jwks_files(self, config, keys):
        secret = base64url(b"k" * 32)
        jwks = config.parent / "jwks.json"
        jwks.write_text(json.dumps({"keys": [
            {"kty": "oct", "kid": "one", "k": secret}, {"kty": "oct", "kid": "two", "k": base64url(b"z" * 32)},
            {"kty": "unknown", "kid": "three"}]}))
        jwks.chmod(0o600)
        config.write_text(CONFIG.replace(f"secret: {tokens.SECRET}", f"jwksFile: {jwks}"))
        good = tokens.token(secret="k" * 32, header={"alg": "HS256", "kid": "one"})
        assert sidegate("explain", "--config", config, good).returncode == 0
        for header, code in (({"alg": "HS256", "kid": "nobody"}, "key_not_found"),
                             ({"alg": "HS256", "kid": "two"}, "signature_invalid")):
            done = sidegate("explain", "--config", config, tokens.token(secret="k" * 32, header=header))
            assert done.returncode == 2 and code in done.stdout


def test_demo_prints_what_to_try_and_cannot_bind_twice():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = sidegate("demo", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert done.returncode == 78


def test_a_secret_in_a_read_only_volume_in_memory_causes_no_warning(tmp_path):
    """Kubernetes and Docker Swarm mount secrets so, readable by all in the container; nobody there can change the mode."""
    config = tmp_path / "sidegate.yaml"
    config.write_text("upstream: http://127.0.0.1:3000\nidentityProvider: { loginURL: 'https://idp.example.com/?r={returnURL}' }\n"
                      f"token: {{ keys: [{{ secretFile: {tmp_path}/volume/jwt }}] }}\nsession: {{ secret: {'s' * 43} }}\n")
    config.chmod(0o600)
    (tmp_path / "volume").mkdir()
    for read_only, warnings in ((True, 0), (False, 1)):
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-ec", f"""
             mount -t tmpfs none {tmp_path}/volume
             printf 0123456789abcdef0123456789abcdef > {tmp_path}/volume/jwt
             chmod 444 {tmp_path}/volume/jwt
             {f"mount -o remount,bind,ro {tmp_path}/volume" if read_only else ""}
             exec {BINARY} check --config {config}"""], capture_output=True, text=True, timeout=60, env=clean_environment())
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("other users can read") == warnings, done.stderr
