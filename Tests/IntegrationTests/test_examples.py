# SPDX-License-Identifier: Apache-2.0
"""Everything in examples/ works: login scripts, apps behind the gate, the provisioning receiver."""

import hashlib
import hmac
import json
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from harness import mints
from harness.examples import CONFIGURATIONS, EXAMPLES, KEY, PROVISIONING_SECRET, ExampleGate, flask, node, php, python, write_secrets
from harness.gate import clean_environment, sidegate
from harness.ports import free_port
from harness.process import wait_until
from harness.surfer import Surfer
from harness.visits import Visit, accepted, query, refused

DEEP_LINK = "/pages/7?tab=all&q=a%20b"


@pytest.fixture
def run(tmp_path):
    """Starts examples; stops them at the end of the test, the last one first. Gates must exit with 0."""
    started = []

    def start(what, *arguments, **options):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(what(folder, *arguments, **options))
        return started[-1]
    yield start
    for program in reversed(started):
        code = program.stop()
        if isinstance(program, ExampleGate):
            assert code == 0, program.log()[-4000:]


@pytest.fixture
def app(run):
    return run(php, "apps/php/index.php")


def log_in(surfer, page, email="ada@example.com", password="engine"):
    assert "Password" in page.text, f"{page.status} {page.url}\n{page.text[:2000]}"
    return surfer.submit(page, email=email, password=password)


class TestConfigurations:
    @pytest.mark.parametrize("path", [*CONFIGURATIONS, EXAMPLES / "sidegate.yaml"], ids=lambda path: path.stem)
    def test_check_finds_nothing(self, tmp_path, path):
        write_secrets(tmp_path)
        text = path.read_text().replace("/run/secrets/", "")
        copy = tmp_path / path.name
        copy.write_text(text)
        copy.chmod(0o600)
        done = sidegate("check", "--config", copy, env=clean_environment(CREDENTIALS_DIRECTORY=str(tmp_path)))
        assert (done.returncode, done.stderr) == (0, "")

    def test_the_page_names_every_example(self):
        text = (EXAMPLES / "README.md").read_text()
        for path in EXAMPLES.rglob("*"):
            page = EXAMPLES / path.relative_to(EXAMPLES).parts[0] / "README.md"
            if page.exists():  # it names the other files
                assert str(page.relative_to(EXAMPLES)) in text, page
                continue
            helper = path.name in ("people.php", "session.php", "token.php") or "__pycache__" in path.parts
            if path.is_file() and path.name != "README.md" and not helper and path.parent.name + path.name != "proprofslogout.php":
                assert str(path.relative_to(EXAMPLES)) in text, path


class TestISpring:
    def start(self, run, app, script="authentication.php", **settings):
        port = free_port()
        idp = run(php, "identity-providers/php", ISPRING_SECURITY_KEY=KEY,
                  ISPRING_RETURN_URL=f"http://127.0.0.1:{port}/sso/login/jwt")
        gate = run(ExampleGate, "ispring", app.url, port, identityProvider__loginURL=f"{idp.url}/ispring/{script}",
                   identityProvider__logoutURL=f"{idp.url}/ispring/logout.php", **settings)
        return gate, idp

    @pytest.mark.parametrize("script", ["authentication.php", "as-printed.php"])
    def test_a_user_logs_in_lands_on_the_deep_link_and_logs_out(self, run, app, script):
        gate, idp = self.start(run, app, script)
        surfer = Surfer()
        page = log_in(surfer, surfer.get(gate.origin + DEEP_LINK))
        assert page.url == gate.origin + DEEP_LINK, page.text[:2000]
        assert 'id="user">ada@example.com<' in page.text

        # The session at the provider continues: no second login.
        surfer.cookies = {key: value for key, value in surfer.cookies.items() if "sidegate" not in key[1]}
        assert surfer.get(gate.origin + "/other").url == gate.origin + "/other"

        page = surfer.get(gate.origin + "/.sidegate/logout", **{"Sec-Fetch-Site": "same-origin"})
        assert page.url.startswith(idp.url + "/ispring/logout.php?jwt=")
        assert page.status == 200 and "ada@example.com is logged out" in page.text
        assert "Password" in surfer.get(gate.origin + "/").text, "both sessions are over"

    def test_a_wrong_password_is_refused(self, run, app):
        gate, _ = self.start(run, app)
        surfer = Surfer()
        for email, password in (("ada@example.com", "wrong"), ("nobody@example.com", "engine"), ("", "")):
            page = log_in(surfer, surfer.get(gate.origin + "/"), email, password)
            assert "do not match" in page.text and not surfer.has_cookie("sidegate")

    def test_user_input_is_escaped(self, run, app):
        gate, _ = self.start(run, app)
        surfer = Surfer()
        page = log_in(surfer, surfer.get(gate.origin + "/"), '"><script>alert(1)</script>', "x")
        assert "<script>alert" not in page.text
        page = log_in(surfer, surfer.get(gate.origin + "/<b>?<script>"), "zoe@example.com", "tréma")
        assert 'id="user">zoe@example.com<' in page.text and "<b>" not in page.text

    def test_a_login_form_from_elsewhere_does_not_log_in(self, run, app):
        _, idp = self.start(run, app)
        page = Surfer().post(idp.url + "/ispring/authentication.php", {"email": "ada@example.com", "password": "engine"})
        assert "Password" in page.text
        page = Surfer().post(idp.url + "/ispring/authentication.php",
                             {"email": "ada@example.com", "password": "engine", "form": ""})
        assert "Password" in page.text
        page = Surfer().post(idp.url + "/ispring/authentication.php", {"email[]": "a", "password[]": "b", "form[]": "c"})
        assert "Password" in page.text and "Warning" not in page.text

    def test_the_session_id_changes_after_login(self, run, app):
        gate, _ = self.start(run, app)
        surfer = Surfer()
        page = surfer.get(gate.origin + "/")
        before = surfer.cookies[("127.0.0.1", "idp_session")]
        log_in(surfer, page)
        assert surfer.cookies[("127.0.0.1", "idp_session")] != before

    def test_a_sign_in_that_starts_at_the_script_has_to_be_confirmed(self, run, app):
        gate, idp = self.start(run, app)
        surfer = Surfer()
        page = log_in(surfer, surfer.get(idp.url + "/ispring/authentication.php"))
        assert page.url.startswith(gate.origin) and "ada@example.com" in page.text and not surfer.has_cookie("sidegate")
        page = surfer.submit(page)
        assert page.url == gate.origin + "/" and 'id="user">ada@example.com<' in page.text

    def test_logout_php_verifies_the_token_and_its_user(self, run, app):
        gate, idp = self.start(run, app)
        surfer = Surfer()
        log_in(surfer, surfer.get(gate.origin + "/"))
        now = int(time.time())
        good = {"email": "ada@example.com", "iat": now, "exp": now + 60, "jti": "x"}
        for status, claims, key, header in [
            (400, good, "another-key", mints.HEADER),
            (400, good, KEY, '{"alg":"none"}'),
            (400, {**good, "exp": now - 100, "iat": now - 160}, KEY, mints.HEADER),
            (400, {**good, "exp": None}, KEY, mints.HEADER),
            (400, {**good, "email": None}, KEY, mints.HEADER),
            (409, {**good, "email": "<i>zoe</i>@example.com"}, KEY, mints.HEADER),
        ]:
            page = surfer.get(f"{idp.url}/ispring/logout.php?jwt={mints.by_python(claims, key, header)}")
            assert page.status == status and "<i>" not in page.text, claims
        for question in ("", "?jwt=", "?jwt=a.b.c", "?jwt[]=a", "?jwt=a"):
            assert surfer.get(f"{idp.url}/ispring/logout.php{question}").status == 400
        assert "Password" not in surfer.get(idp.url + "/ispring/authentication.php").text, "still logged in"
        page = surfer.get(f"{idp.url}/ispring/logout.php?jwt={mints.by_python(good, KEY)}")
        assert page.status == 200 and "is logged out" in page.text
        assert "Password" in surfer.get(idp.url + "/ispring/authentication.php").text

    def test_native_login_works_when_the_scripts_are_down(self, run, app):
        gate, idp = self.start(run, app)
        idp.stop()
        page = Surfer().get(gate.origin + "/login?no_sso")
        assert page.status == 200 and "Hello, guest" in page.text


class TestProProfs:
    @pytest.fixture
    def pair(self, run, app):
        port = free_port()
        idp = run(php, "identity-providers/php", PROPROFS_API_KEY="key goes here", PROPROFS_DOMAIN=f"http://127.0.0.1:{port}")
        gate = run(ExampleGate, "proprofs", app.url, port, {"jwt": "key goes here"}.items(),
                   identityProvider__loginURL=f"{idp.url}/proprofs/sso.php",
                   identityProvider__logoutURL=f"{idp.url}/proprofs/logout.php")
        return gate, idp

    def test_the_vendors_sample_signs_in(self, pair):
        gate, idp = pair
        surfer = Surfer()
        page = log_in(surfer, surfer.get(gate.origin + DEEP_LINK))
        assert page.url == gate.origin + DEEP_LINK and 'id="user">ada@example.com<' in page.text
        page = surfer.get(gate.origin + "/.sidegate/logout", **{"Sec-Fetch-Site": "same-origin"})
        assert page.url == idp.url + "/proprofs/logout.php"
        assert "You are logged out" in surfer.submit(page).text
        assert "Password" in surfer.get(gate.origin + "/").text

    def test_its_token_is_as_on_the_vendors_page(self, pair):
        _, idp = pair
        surfer = Surfer()
        page = surfer.get(idp.url + "/proprofs/sso.php")
        body = urllib.parse.urlencode({**page.hidden_fields(), "email": "ada@example.com", "password": "engine"})
        response, _ = surfer.once("POST", page.url, body, {})
        location = response.headers["Location"]
        assert "/access/jwtsso/?token=" in location
        read = mints.read_by_python(query(location)["token"], hashlib.md5(b"key goes here").hexdigest())
        assert read["header"] == {"typ": "JWT", "alg": "HS256"}
        assert list(read["claims"]) == ["iat", "jti", "user_email", "site_access", "guest"]
        assert re.fullmatch("[0-9a-f]{32}", read["claims"]["jti"]) and read["claims"]["guest"] is False


class TestFlask:
    @pytest.fixture
    def pair(self, run, app):
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        idp = run(flask, SECRET=KEY, RETURN_URLS=f"{origin}/.sidegate/callback",
                  BACKCHANNEL_URLS=f"{origin}/.sidegate/backchannel-logout")
        gate = run(
            ExampleGate, "loginradius", app.url, port,
            identityProvider__loginURL=f"{idp.url}/sso/jwt/redirect/token?apikey=api-key&jwtapp=wiki&return_url={{returnURL}}",
            identityProvider__logoutURL=f"{idp.url}/logout?logout_token={{logoutToken}}&return_to={{returnTo}}")
        return gate, idp

    def login_url(self, idp, return_url, **changes):
        values = {"apikey": "api-key", "jwtapp": "wiki", "return_url": return_url, **changes}
        return f"{idp.url}/sso/jwt/redirect/token?{urllib.parse.urlencode(values)}"

    def test_a_user_logs_in_lands_on_the_deep_link_and_logs_out(self, pair):
        gate, idp = pair
        surfer = Surfer()
        page = log_in(surfer, surfer.get(gate.origin + DEEP_LINK))
        assert page.url == gate.origin + DEEP_LINK
        assert 'id="user">0a1b2c<' in page.text and "ada@example.com" in page.text and "staff and admins" in page.text
        page = surfer.get(gate.origin + "/.sidegate/logout", **{"Sec-Fetch-Site": "same-origin"})
        assert any(url.startswith(idp.url + "/logout?logout_token=") for url in page.way)
        assert not surfer.has_cookie("sidegate")
        assert "Password" in surfer.get(gate.origin + "/").text

    def test_a_logout_at_the_provider_ends_the_users_sessions_in_every_browser(self, pair):
        gate, idp = pair
        first, second = Surfer(), Surfer()
        for surfer in (first, second):
            log_in(surfer, surfer.get(gate.origin + "/"))
        page = first.submit(first.get(idp.url + "/logout"))
        assert "You are logged out" in page.text
        response, _ = second.once("GET", gate.origin + "/", None, {})
        assert response.status == 302, "the back-channel logout has arrived"

    @pytest.mark.parametrize("url", [
        "https://evil.test/", "{origin}.evil.test/.sidegate/callback", "{origin}@evil.test/.sidegate/callback",
        "{origin}/elsewhere", "//evil.test/.sidegate/callback", "javascript:alert(1)", "", "{origin}\\@evil.test/.sidegate/callback",
        "https://evil.test\\.sidegate/callback", "{origin}/.sidegate/callback/../../x", "\t{origin}/.sidegate/callback",
        "{origin}/.sidegate/callback\n"])
    def test_a_return_url_that_is_not_on_the_list_is_refused(self, pair, url):
        gate, idp = pair
        page = Surfer().get(self.login_url(idp, url.replace("{origin}", gate.origin)))
        assert page.status == 400 and "Password" not in page.text

    def test_another_app_or_key_is_refused(self, pair):
        gate, idp = pair
        back = gate.origin + "/.sidegate/callback"
        assert Surfer().get(self.login_url(idp, back)).status == 200
        for changes in ({"apikey": "x"}, {"jwtapp": "x"}, {"apikey": ""}):
            assert Surfer().get(self.login_url(idp, back, **changes)).status == 400

    def test_logout_never_redirects_to_another_site(self, pair):
        _, idp = pair
        for target in ("https://evil.test/", "//evil.test/", "/\\evil.test"):
            assert Surfer().get(f"{idp.url}/logout?{urllib.parse.urlencode({'return_to': target})}").status == 400


class TestNode:
    @pytest.fixture
    def pair(self, run, app):
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        idp = run(node, RETURN_URLS=f"{origin}/.sidegate/callback", AUDIENCE="https://app.example.com", INSECURE_COOKIES="1")
        gate = run(ExampleGate, "generic", app.url, port,
                   identityProvider__loginURL=f"{idp.url}/login?return_url={{returnURL}}",
                   identityProvider__logoutURL=f"{idp.url}/logout",
                   token__keys=json.dumps([{"jwksURL": f"{idp.url}/jwks.json"}]))
        return gate, idp

    def test_a_user_logs_in_lands_on_the_deep_link_and_logs_out(self, pair):
        gate, idp = pair
        surfer = Surfer()
        page = log_in(surfer, surfer.get(gate.origin + DEEP_LINK))
        assert page.url == gate.origin + DEEP_LINK and 'id="user">ada<' in page.text
        page = surfer.get(gate.origin + "/.sidegate/logout", **{"Sec-Fetch-Site": "same-origin"})
        assert page.url == idp.url + "/logout"
        assert "You are logged out" in surfer.submit(page).text
        assert "Password" in surfer.get(gate.origin + "/").text

    def test_its_keys_rotate_without_a_lost_sign_in(self, pair):
        gate, idp = pair
        surfer = Surfer()
        log_in(surfer, surfer.get(gate.origin + "/"))

        def published():
            return json.loads(urllib.request.urlopen(idp.url + "/jwks.json").read())["keys"]
        (before,) = published()
        idp.process.child.send_signal(signal.SIGHUP)
        wait_until(lambda: len(published()) == 2, "two keys are published")
        assert published()[1] == before and "d" not in published()[0]
        other = Surfer()
        page = log_in(other, other.get(gate.origin + "/"), "grace@example.com", "compiler")
        assert 'id="user">grace<' in page.text

    def test_wrong_passwords_forms_from_elsewhere_and_other_return_urls_are_refused(self, pair):
        gate, idp = pair
        surfer = Surfer()
        page = surfer.get(gate.origin + "/")
        assert surfer.submit(page, email="ada@example.com", password="wrong").status == 401
        assert surfer.submit(page, email="nobody@example.com", password="engine").status == 401
        assert Surfer().post(page.url, {"email": "ada@example.com", "password": "engine"}).status == 401
        for url in ("https://evil.test/", gate.origin + "/x", gate.origin.replace("//", "//a@") + "/.sidegate/callback",
                    gate.origin + ".evil.test/.sidegate/callback", "javascript:alert(1)", ""):
            assert surfer.get(f"{idp.url}/login?{urllib.parse.urlencode({'return_url': url})}").status == 400


class TestApps:
    """Each app behind a gate, with a user whose name needs escaping."""

    USER = {"sub": "<ada>", "given_name": "Åda", "family_name": "Lovelace & Co", "groups": ["a", "b"]}

    @pytest.mark.parametrize("preset, program, arguments, words", [
        ("forwarded", php, ["apps/php/index.php"], 'id="user">&lt;ada&gt;<'),
        ("remote-user", python, ["apps/wsgi/app.py"], "id=user>&lt;ada&gt;</b> (Åda Lovelace &amp; Co), of a,b"),
        ("basic", php, ["apps/basic/index.php"], "Hello, <ada>."),
    ], ids=["X-Forwarded-User in PHP", "Remote-User in WSGI", "Basic"])
    def test_the_app_gets_the_identity_and_a_client_cannot_change_it(
            self, run, start_gate, preset, program, arguments, words):
        app = run(program, *arguments)
        gate = start_gate(app.url, headerPreset=preset)
        browser = Visit(gate)
        accepted(browser.enter(mints.by_php(mints.claims(**self.USER))))
        for spoof in ({}, {"X-Forwarded-User": "root", "Remote-User": "root", "remote_user": "root"}):
            page = browser.navigate("/x", headers=spoof)
            assert page.status == 200 and words in page.text, page.text
            assert "root" not in page.text

    @pytest.mark.parametrize("program, arguments", [(python, ["apps/wsgi/app.py"]), (php, ["apps/basic/index.php"])],
                             ids=["Remote-User in WSGI", "Basic"])
    def test_without_the_header_there_is_no_user(self, run, program, arguments):
        assert Surfer().get(run(program, *arguments).url + "/").status in (401, 403)


class TestReceiver:
    @pytest.fixture
    def receiver(self, run, tmp_path):
        return run(python, "provisioning/receiver.py", str(tmp_path / "accounts.sqlite"), SECRET=PROVISIONING_SECRET, SEATS="2")

    def test_it_creates_accounts_as_long_as_there_are_seats(self, run, app, receiver):
        gate = run(ExampleGate, "provisioning", app.url, provisioning__url=receiver.url + "/",
                   identityProvider__loginURL="https://idp.test/")

        def enter(user):
            return Visit(gate).enter(mints.by_php(mints.claims(sub=user, email=f"{user}@example.com"), KEY))
        for user in ("ada", "bob", "ada"):
            assert accepted(enter(user))
        refused(enter("eve"), "seat_limit_reached")
        assert accepted(enter("bob"))
        # Announced twice, ada still has one seat.
        body = json.dumps({"user": "ada", "email": "ada@new.test"}).encode()
        assert self.call(receiver, body, self.signature(body)) == 200

    @staticmethod
    def signature(body: bytes) -> str:
        return "sha256=" + hmac.new(PROVISIONING_SECRET.encode(), body, hashlib.sha256).hexdigest()

    @staticmethod
    def call(receiver, body: bytes, signature: str) -> int:
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", "-H",
                               f"X-Sidegate-Signature: {signature}", receiver.url], input=body, capture_output=True, timeout=60)
        return int(done.stdout)

    def test_it_accepts_only_signed_calls(self, receiver):
        body = b'{"user":"mallory","email":"m@evil.test"}'
        for signature in ("", "sha256=", "sha256=" + "0" * 64, self.signature(body + b" "), self.signature(body)[:-1]):
            assert self.call(receiver, body, signature) == 401
        assert self.call(receiver, body, self.signature(body)) == 201
        for broken in (b"", b"[]", b"{}", b"\xff"):
            assert self.call(receiver, broken, self.signature(broken)) == 400
