# SPDX-License-Identifier: Apache-2.0
"""OpenID Connect on the command line: starter files, doctor, explain, and the metrics of a running gate."""

import json
import urllib.parse

import pytest

from harness.admin import Metrics
from harness.gate import settings, sidegate
from harness.journal import audit
from harness.openid import (  # noqa: F401  fixtures among them
    OpenIDVisit, module_provider, openid_settings, provider, start_openid_gate, start_provider)
from harness.openid_provider import says
from harness.ports import free_port
from harness.process import wait_until
from harness.reloads import admin
from harness.upstream import Upstream
from harness.visits import refused

PRESETS = ["oidc", "keycloak", "entra", "google", "okta", "auth0"]


@pytest.fixture
def config(tmp_path):
    """Writes a configuration with the provider; returns its path."""
    app = Upstream()

    def write(provider, identity=None, **changes):  # noqa: F811
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps(settings(app.url, free_port(), **openid_settings(provider, identity, **changes))))
        path.chmod(0o600)
        return path
    yield write
    app.stop()


class TestInit:
    #: What each provider takes besides the redirect URI.
    LOGOUT_ADDRESSES = {
        "oidc": ["/.sidegate/signed-out", "/.sidegate/backchannel-logout"], "keycloak": ["/.sidegate/signed-out", "/.sidegate/backchannel-logout"],
        "entra": ["/.sidegate/signed-out"], "google": [], "okta": ["/.sidegate/signed-out"],
        "auth0": ["/.sidegate/signed-out", "/.sidegate/backchannel-logout"]}

    @pytest.mark.parametrize("preset", PRESETS)
    def test_the_file_names_what_to_register_and_works_once_filled_in(self, tmp_path, preset):
        path = tmp_path / "sidegate.yaml"
        done = sidegate("init", "--preset", preset, "--output", path, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        text = path.read_text()
        addresses = ["/.sidegate/callback", *self.LOGOUT_ADDRESSES[preset]]
        for address in ("/.sidegate/callback", "/.sidegate/signed-out", "/.sidegate/backchannel-logout"):
            assert (address in text) == (address in addresses), address
        words = "the address that" if len(addresses) == 1 else "the addresses that"
        assert f"register the client at the provider, with {words} the file names" in done.stderr
        assert "clientSecret" in text and "FILL IN" in text
        checked = sidegate("check", "--config", path, cwd=tmp_path)
        assert checked.returncode == 0, checked.stderr
        assert "init" in checked.stderr, "the lines to fill in are named"

    def test_entra_is_for_one_tenant(self, tmp_path):
        path = tmp_path / "sidegate.yaml"
        assert sidegate("init", "--preset", "entra", "--output", path, cwd=tmp_path).returncode == 0
        text = path.read_text()
        assert "login.microsoftonline.com/" in text and "/common/" not in text

    def test_google_names_the_claim_of_the_organisation(self, tmp_path):
        path = tmp_path / "sidegate.yaml"
        assert sidegate("init", "--preset", "google", "--output", path, cwd=tmp_path).returncode == 0
        assert "https://accounts.google.com" in path.read_text() and "hd" in path.read_text()


class TestPresets:
    """Claims as each provider sends them. Their issuers are not these, so each is set."""

    @pytest.mark.parametrize("preset, claims, expected", [
        ("keycloak", {"groups": ["/staff"]}, {"X-Forwarded-Groups": "/staff", "X-Forwarded-User": "248289761001"}),
        ("entra", {"oid": "00000000-0000-0000-66f3-3332eca7ea81", "tid": "9122040d-6c67-4c5b-b112-36a304b66dad", "groups": None,
                   "roles": ["Admin"], "email": None, "email_verified": None},
         {"X-Forwarded-User": "00000000-0000-0000-66f3-3332eca7ea81", "X-Forwarded-Groups": "Admin"}),
        ("google", {"hd": "example.com", "groups": None}, {"X-Forwarded-Email": "ada@example.com"}),
        ("okta", {"groups": ["Everyone"]}, {"X-Forwarded-Groups": "Everyone"}),
        ("auth0", {"sub": "auth0|5f7c8ec7c33c6c004bbafe82", "nickname": "ada.l"},
         {"X-Forwarded-User": "auth0|5f7c8ec7c33c6c004bbafe82", "X-Forwarded-Preferred-Username": "ada.l"}),
    ], ids=PRESETS[1:])
    def test_claims(self, provider, start_openid_gate, upstream, preset, claims, expected):
        gate = start_openid_gate(provider, {"protocol": None, "preset": preset})
        browser = OpenIDVisit(gate, provider)
        browser.sign_in(**claims)
        assert browser.navigate("/").status == 200
        assert {name: upstream.last.get(name) for name in expected} == expected

    def test_googles_organisation_can_be_required(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, {"protocol": None, "preset": "google"}, access={
            "rules": [{"paths": ["/*"], "require": {"organization": ["example.com"]}}]})
        member, outsider = OpenIDVisit(gate, provider), OpenIDVisit(gate, provider)
        member.sign_in(hd="example.com")
        outsider.sign_in(sub="other")
        assert member.navigate("/x").status == 200 and outsider.navigate("/x").status == 403

    def test_entras_tenant_can_be_required(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, {"protocol": None, "preset": "entra"}, access={
            "rules": [{"paths": ["/*"], "require": {"tenant": ["9122040d"]}}]})
        member, guest = OpenIDVisit(gate, provider), OpenIDVisit(gate, provider)
        member.sign_in(oid="1", tid="9122040d")
        guest.sign_in(oid="2", tid="other")
        assert member.navigate("/x").status == 200 and guest.navigate("/x").status == 403


class TestDoctor:
    def test_a_good_provider_is_found_good(self, provider, config):
        done = sidegate("doctor", "--config", config(provider))
        assert provider.issuer in done.stdout, done.stdout
        assert "/.sidegate/callback" in done.stdout and "/.sidegate/signed-out" in done.stdout, "what to register"
        lines = [line for line in done.stdout.splitlines() if provider.issuer in line]
        assert not any("FAIL" in line for line in lines), done.stdout
        assert provider.client_secret not in done.stdout + done.stderr

    @pytest.mark.parametrize("change, words", [
        (lambda p: p.metadata.update(issuer=p.issuer + "/"), "issuer"),
        (lambda p: p.metadata.update(token_endpoint=None), "token_endpoint"),
        (lambda p: p.scripts.update(discovery=says(404, b"")), "404"),
        (lambda p: p.scripts.update(discovery=says(200, b"<html>")), "JSON"),
        (lambda p: p.scripts.update(keys=says(500, b"")), "500"),
    ], ids=["issuer", "endpoint", "404", "HTML", "keys"])
    def test_what_is_wrong_is_named(self, provider, config, change, words):
        change(provider)
        done = sidegate("doctor", "--config", config(provider))
        assert done.returncode != 0 and "FAIL" in done.stdout and words in done.stdout, done.stdout

    def test_a_provider_that_is_down(self, start_provider, config):
        provider = start_provider()
        provider.stop()
        done = sidegate("doctor", "--config", config(provider))
        assert done.returncode != 0 and "FAIL" in done.stdout, done.stdout

    def test_hints_about_what_the_provider_does_not_support(self, provider, config):
        provider.metadata.update(end_session_endpoint=None, code_challenge_methods_supported=["plain"])
        done = sidegate("doctor", "--config", config(provider))
        assert "end_session_endpoint" in done.stdout and "S256" in done.stdout, done.stdout


class TestExplain:
    def test_an_id_token_is_explained(self, provider, config, start_openid_gate):
        gate = start_openid_gate(provider)
        browser = OpenIDVisit(gate, provider, "/")
        browser.authorize()
        token = provider.id_token(list(provider.grants.values())[-1])
        done = sidegate("explain", "--fetch", "--config", config(provider), token)
        assert done.returncode == 0 and "ada@example.com" in done.stdout, done.stdout + done.stderr
        other = provider.id_token(list(provider.grants.values())[-1], aud="other")
        done = sidegate("explain", "--fetch", "--config", config(provider), other)
        assert done.returncode == 2 and "audience_mismatch" in done.stdout, done.stdout + done.stderr
        unverified = provider.id_token(list(provider.grants.values())[-1], email_verified=False)
        done = sidegate("explain", "--fetch", "--config", config(provider), unverified)
        assert done.returncode == 2 and "field_missing" in done.stdout, done.stdout + done.stderr


class TestMint:
    """Only the provider has the key of its ID tokens; `?jwt=` providers share a secret."""

    def test_one_provider(self, provider, config):
        path = config(provider)
        for arguments, words in [([], "signs in by OpenID Connect: only the provider has the key"), (["--url"], "where no URL brings a token")]:
            done = sidegate("mint", "--config", path, "--claim", "sub=ada", *arguments)
            assert done.returncode == 1 and words in done.stderr and not done.stdout, done.stderr

    def test_several_providers(self, provider, config, tmp_path):
        secrets = {name: f"a-secret-of-{name}-of-32-bytes-or-more-0001" for name in ("shop", "club")}
        items = [{"name": "main", "identityProvider": {k: v for k, v in provider.settings().items() if v is not None}}, *[
            {"name": name, "identityProvider": {"loginURL": f"https://{name}.test/?r={{returnURL}}"},
             "token": {"keys": [{"secret": secret}], "issuer": name}} for name, secret in secrets.items()]]
        path = config(provider, identityProviders=items, identityHeaders={"X-Provider": "{provider}"})
        settings = json.loads(path.read_text())
        settings.pop("identityProvider"), settings.pop("token", None)
        path.write_text(json.dumps(settings))
        claims = ["--claim", "sub=ada", "--claim", "email=ada@example.com"]

        def mint(*arguments):
            return sidegate("mint", "--config", path, *claims, *arguments)

        def explained(token, *arguments):
            return sidegate("explain", "--config", path, *arguments, token.strip())
        # Without a name: the first one that tokens can be made for.
        for name, arguments in [("shop", []), ("shop", ["--provider", "shop"]), ("club", ["--provider", "club"])]:
            done = mint(*arguments)
            assert done.returncode == 0, done.stderr
            assert f"provider {name}\n" in explained(done.stdout).stdout
            assert explained(done.stdout, "--provider", name).returncode == 0
            assert explained(done.stdout, "--provider", "club" if name == "shop" else "shop").returncode == 2
            assert f"/.sidegate/callback/{name}?jwt=" in mint(*arguments, "--url").stdout
        done = mint("--provider", "main")
        assert done.returncode == 1 and "the provider main signs in by OpenID Connect" in done.stderr
        done = mint("--provider", "main", "--url")
        assert done.returncode == 1 and "--provider: shop, club" in done.stderr
        done = mint("--provider", "staff")
        assert done.returncode == 1 and "the providers are main, shop, club" in done.stderr


class TestReports:
    def test_metrics_name_the_result_of_sign_ins(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, admin=admin())
        before = Metrics(gate)
        OpenIDVisit(gate, provider).sign_in()
        provider.scripts["token"] = says(400, {"error": "invalid_grant"})
        refused(OpenIDVisit(gate, provider).enter(), "code_exchange_failed")
        after = Metrics(gate)
        reasons = [labels.get("reason") for labels in after.labels("sidegate_logins_total")]
        assert "code_exchange_failed" in reasons
        total = sum(value for name, _, value in after.samples if name == "sidegate_logins_total")
        assert total - sum(value for name, _, value in before.samples if name == "sidegate_logins_total") == 2

    def test_the_log_says_why_a_sign_in_failed(self, provider, start_openid_gate):
        gate = start_openid_gate(provider)
        provider.scripts["token"] = says(400, {"error": "invalid_grant", "error_description": "Code not valid"})
        refused(OpenIDVisit(gate, provider).enter(), "code_exchange_failed")
        wait_until(lambda: "code_exchange_failed" in [line.get("reason") for line in audit(gate, "denied")], gate.log())
        wait_until(lambda: "invalid_grant" in gate.log(), "the provider's error in the log")


class TestExplainedResponses:
    """`explain` about the address that a provider has sent a browser to; it redeems nothing."""

    @pytest.fixture
    def explain(self, provider, config):
        def run(text, **changes):
            done = sidegate("explain", "--config", config(provider, **changes), text)
            assert "the-secret-code" not in done.stdout + done.stderr and provider.count("token") == 0
            return done
        return run

    STATE = "n" + "0" * 27

    @pytest.mark.parametrize("text", [
        "https://app.test/.sidegate/callback?code=the-secret-code&state=STATE&iss=ISSUER", "/.sidegate/callback?code=the-secret-code&state=STATE",
        "code=the-secret-code&state=STATE", "?state=STATE&code=the-secret-code"])
    def test_nothing_is_wrong_with_it(self, explain, provider, text):
        done = explain(text.replace("STATE", self.STATE).replace("ISSUER", urllib.parse.quote(provider.issuer, safe="")))
        assert done.returncode == 0 and done.stdout.endswith("\nundecided: the tokens for the code decide\n"), done.stdout + done.stderr

    def test_a_code_in_the_url_where_a_form_is_expected(self, provider, config):
        path = config(provider, {"responseMode": "form_post"}, publicURL="https://app.test")
        text = f"https://app.test/.sidegate/callback?code=the-secret-code&state={self.STATE}"
        done = sidegate("explain", "--config", path, text)
        assert done.returncode == 2 and done.stdout.endswith("\nrefused: token_missing\n"), done.stdout + done.stderr
        assert "came in the URL" in done.stdout and "responseMode is form_post" in done.stdout and "the-secret-code" not in done.stdout
        # The fields of a form.
        done = sidegate("explain", "--config", path, f"code=the-secret-code&state={self.STATE}")
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("text, reason, words", [
        ("/callback?code=the-secret-code&state=STATE", "return_path_mismatch", ["/callback", "/.sidegate/callback"]),
        ("/.sidegate/callback/?code=the-secret-code&state=STATE", "return_path_mismatch", []),
        ("/.sidegate/callback?error=access_denied&state=STATE", "provider_error", ["access_denied", "declined"]),
        ("/.sidegate/callback?error=invalid_scope&error_description=the-secret-code&state=STATE", "provider_error", ["identityProvider.scopes"]),
        ("/.sidegate/callback?error=login_required&state=STATE", "provider_error", ["prompt"]),
        ("/.sidegate/callback?code=the-secret-code", "login_state_missing", ["none", "begin at the app"]),
        ("/.sidegate/callback?code=the-secret-code&state=abc", "login_state_missing", ["not made"]),
        ("/.sidegate/callback?code=the-secret-code&code=2&state=STATE", "token_malformed", ["code more than once"]),
        ("/.sidegate/callback?code=the-secret-code&state=STATE&iss=https%3A%2F%2Fother.test", "issuer_mismatch", ["https://other.test"]),
        ("/.sidegate/callback?code=&state=STATE", "token_missing", ["neither code nor error"]),
    ])
    def test_a_mistake_is_named_with_its_fix(self, explain, text, reason, words):
        done = explain(text.replace("STATE", self.STATE))
        assert done.returncode == 2 and done.stdout.endswith(f"\nrefused: {reason}\n"), done.stdout + done.stderr
        assert "fix:" in done.stdout
        for word in words:
            assert word in done.stdout, done.stdout
