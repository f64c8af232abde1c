# SPDX-License-Identifier: Apache-2.0
"""The gate's own calls to OpenID providers as operators see them: metrics, readiness, log, TLS, reload, `sidegate doctor`."""

import json
import urllib.parse

import pytest

from harness.admin import Metrics, ask
from harness.certificates import Authority
from harness.gate import NAVIGATION, sidegate
from harness.journal import lines as journal
from harness.key_server import KeyServer
from harness.names import Names
from harness.openid import FORM, OpenIDVisit, ready
from harness.openid import openid_settings, start_openid_gate, start_provider  # noqa: F401
from harness.openid_keys import Signer, sign
from harness.openid_provider import OpenIDProvider, says
from harness.ports import free_port
from harness.process import wait_until
from harness.reloads import admin, change, reloads

REQUESTS = "sidegate_openid_requests_total"
#: The label of the single provider: its preset.
LABEL = "generic"


def refused(response, reason: str):
    assert response.status in (403, 502, 503), response.status
    assert reason in response.text, response.text[:2000]


def log_lines(gate, message: str) -> list:
    lines = [json.loads(line) for line in gate.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == message]


class TestMetrics:
    def test_requests_are_counted_by_endpoint(self, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider()
        gate = start_openid_gate(provider, {"userInfo": True}, admin=admin(), workers=2)
        for _ in range(2):
            OpenIDVisit(gate, provider).sign_in()
        provider.scripts["token"] = says(500, b"oops")
        OpenIDVisit(gate, provider).enter()
        metrics = Metrics(gate)
        counts = {(endpoint, result): metrics.get(REQUESTS, provider=LABEL, endpoint=endpoint, result=result)
                  for endpoint in ("discovery", "keys", "token", "userinfo") for result in ("success", "failure")}
        assert counts == {
            ("discovery", "success"): 1, ("discovery", "failure"): 0, ("keys", "success"): 1, ("keys", "failure"): 0,
            ("token", "success"): 2, ("token", "failure"): 1, ("userinfo", "success"): 2, ("userinfo", "failure"): 0}
        assert metrics.get("sidegate_openid_provider_known", provider=LABEL) == 1
        assert metrics.get("sidegate_openid_discovery_timestamp_seconds", provider=LABEL) > 1_500_000_000
        assert metrics.get("sidegate_key_refresh_total", result="success") == 1

    def test_other_gates_have_none(self, upstream, start_gate):
        gate = start_gate(upstream, admin=admin())
        wait_until(lambda: readiness(gate), "the gate is ready")
        assert "sidegate_openid" not in Metrics(gate).text


def readiness(gate) -> str | None:
    """The text of /readyz, once the gate has started."""
    response = ask(gate, "/readyz")
    return response.text if response.status == 200 else None


class TestReadiness:
    def test_a_provider_that_is_away_at_the_start_is_named(self, start_provider, start_openid_gate):  # noqa: F811
        port = free_port()
        provider = start_provider(port=port)
        provider.stop()
        gate = start_openid_gate(provider, is_up=False, admin=admin())
        response = wait_until(lambda: readiness(gate), "the gate is ready")
        assert "nobody can sign in" in response and LABEL in response
        metrics = Metrics(gate)
        assert metrics.get("sidegate_openid_provider_known", provider=LABEL) == 0
        assert metrics.get("sidegate_openid_discovery_timestamp_seconds", provider=LABEL) == 0
        late = start_provider(port=port)
        ready(gate)
        assert ask(gate, "/readyz").text == "ok\n"
        late.stop()
        assert ask(gate, "/readyz").text == "ok\n", "what is known is kept"

    def test_nor_is_one_without_usable_keys(self, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider()
        provider.keys = []
        gate = start_openid_gate(provider, is_up=False, admin=admin())
        assert "nobody can sign in" in wait_until(lambda: readiness(gate), "the gate is ready")
        # Nobody is sent to the provider, and no code is spent.
        refused(gate.exchange("GET", "/", NAVIGATION), "provider_unavailable")
        assert provider.count("token") == 0
        logout = gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, b"logout_token=" + provider.logout_token().encode())
        assert logout.status == 503 and logout["Retry-After"], logout.status
        provider.keys = [provider.signer.jwk]
        wait_until(lambda: ask(gate, "/readyz").text == "ok\n", "the keys are fetched again", interval=0.2)
        OpenIDVisit(gate, provider).sign_in()


class TestLog:
    @pytest.mark.parametrize("answer, words", [
        (says(401, {"error": "invalid_client", "error_description": "Bad client secret of ada@example.com"}),
         "the token endpoint answered 401: invalid_client; fix: compare identityProvider.clientID"),
        (says(400, {"error": "invalid_grant"}), "the token endpoint answered 400: invalid_grant"),
        (says(200, b"<html>"), "the token endpoint's response is not usable JSON"),
    ])
    def test_a_code_that_is_not_redeemed(self, start_provider, start_openid_gate, answer, words):  # noqa: F811
        provider = start_provider()
        gate = start_openid_gate(provider)
        provider.scripts["token"] = answer
        response = OpenIDVisit(gate, provider).enter()
        refused(response, "code_exchange_failed")
        wait_until(lambda: log_lines(gate, "authorization code not redeemed"), "the line")
        line = log_lines(gate, "authorization code not redeemed")[0]
        assert line["cause"].startswith(words), line
        assert line["issuer"] == provider.issuer and line["id"]
        assert "ada@example.com" not in gate.log() + response.text, "the provider's free text"

    def test_what_the_provider_repeats_is_not_written(self, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider()
        gate = start_openid_gate(provider)

        def echoes(request, connection):
            fields = dict(pair.split("=") for pair in request.body.decode().split("&"))
            provider.secrets.append(fields["code_verifier"])
            says(400, {"error": "invalid_grant", "error_description": f"{fields['code']} {fields['code_verifier']}"})(
                request, connection)
        provider.scripts["token"] = echoes
        response = OpenIDVisit(gate, provider).enter()
        refused(response, "code_exchange_failed")
        for secret in provider.secrets:
            assert secret not in gate.log() and secret not in response.text


class TestTLS:
    @pytest.fixture
    def authority(self, tmp_path):
        return Authority(tmp_path)

    @pytest.fixture
    def secure_provider(self, authority, start_provider):  # noqa: F811
        return start_provider(certificate=authority.issue("idp", "DNS:localhost"))

    def test_a_provider_with_a_private_authority(self, authority, secure_provider, start_openid_gate):  # noqa: F811
        gate = start_openid_gate(secure_provider, {"tls": {"ca": authority.path}, "userInfo": True})
        OpenIDVisit(gate, secure_provider).sign_in()

    def test_one_that_nobody_vouches_for_is_not_asked(self, secure_provider, start_openid_gate):  # noqa: F811
        gate = start_openid_gate(secure_provider, is_up=False)
        wait_until(lambda: log_lines(gate, "discovery document not fetched"), "the line")
        assert "no secure connection" in log_lines(gate, "discovery document not fetched")[0]["cause"]
        assert secure_provider.count("discovery") == 0
        refused(gate.exchange("GET", "/", NAVIGATION), "provider_unavailable")

    def test_a_document_does_not_lead_to_this_machine_by_name(self, tmp_path, authority, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider(certificate=authority.issue("idp", "DNS:idp.test,DNS:inside.test"))
        port = provider.server.port
        provider.url = provider.issuer = f"https://idp.test:{port}"
        inside = f"https://inside.test:{port}"
        names = Names(tmp_path, idp_test=["127.0.0.1"], inside_test=["127.0.0.1"])
        options = {"identity": {"tls": {"ca": authority.path}}, "environment": names.environment}
        # The issuer's own name may lead here: the configuration names it.
        OpenIDVisit(start_openid_gate(provider, **options), provider).sign_in()
        fetches = provider.count("keys")
        provider.metadata["jwks_uri"] = inside + "/keys"
        gate = start_openid_gate(provider, is_up=False, **options)
        wait_until(lambda: log_lines(gate, "key set not fetched"), "the line")
        assert "one of this machine" in log_lines(gate, "key set not fetched")[0]["cause"]
        assert provider.count("keys") == fetches
        provider.metadata = {"token_endpoint": inside + "/token"}
        gate, redeemed = start_openid_gate(provider, **options), provider.count("token")
        refused(OpenIDVisit(gate, provider).enter(), "provider_unavailable")
        wait_until(lambda: log_lines(gate, "authorization code not redeemed"), "the line")
        assert "one of this machine" in log_lines(gate, "authorization code not redeemed")[0]["cause"]
        assert provider.count("token") == redeemed


class TestReload:
    def test_a_new_client_secret_is_used(self, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider()
        gate = start_openid_gate(provider, admin=admin(), workers=2)
        OpenIDVisit(gate, provider).sign_in()
        provider.client_secret = "another-client-secret-0000000000000002"
        change(gate, identityProvider={"clientSecret": provider.client_secret})
        for _ in range(4):
            OpenIDVisit(gate, provider).sign_in()
        assert provider.count("discovery") == 1, "what is known is kept"

    def test_a_code_of_one_issuer_never_goes_to_another(self, start_provider, start_openid_gate):  # noqa: F811
        old, new = start_provider("old"), start_provider("new")
        gate = start_openid_gate(old, admin=admin())
        browser = OpenIDVisit(gate, old, "/")
        answer = browser.authorize()
        change(gate, identityProvider={"issuer": new.issuer})
        ready(gate)
        refused(browser.come_back(answer), "login_state_missing")
        assert new.count("token") == 0 and old.count("token") == 0
        OpenIDVisit(gate, new).sign_in()

    def test_nothing_that_is_known_of_one_issuer_counts_for_another(self, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider()
        gate = start_openid_gate(provider, token={"bearer": True}, admin=admin(), workers=2)
        ready(gate)
        browser = OpenIDVisit(gate, provider, "/")
        answer = browser.authorize()
        token = provider.id_token(list(provider.grants.values())[-1])
        bearer = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        assert gate.exchange("GET", "/", bearer).status == 200
        # The new one cannot be reached: neither the old endpoints nor the old keys stand in for its own.
        change(gate, identityProvider={"issuer": f"http://127.0.0.1:{free_port()}"})
        for _ in range(4):
            response = gate.exchange("GET", "/", NAVIGATION)
            refused(response, "provider_unavailable")
            assert gate.exchange("GET", "/", bearer).status == 401
        assert browser.come_back(answer).status >= 400 and provider.count("token") == 0
        change(gate, identityProvider={"issuer": provider.issuer})
        ready(gate)
        OpenIDVisit(gate, provider).sign_in()

    def test_keys_that_have_moved_are_found(self, start_provider, start_openid_gate):  # noqa: F811
        provider, signer = start_provider(), Signer("moved")
        gate = start_openid_gate(provider)
        OpenIDVisit(gate, provider).sign_in()
        place = KeyServer(signer.jwk)
        try:
            provider.metadata["jwks_uri"] = place.url
            provider.scripts["keys"] = says(404, b"")
            provider.mint = lambda claims, header: sign(signer, claims, **header)
            OpenIDVisit(gate, provider).sign_in()
            assert place.fetches == 1 and provider.count("discovery") == 2
        finally:
            place.stop()

    def test_a_provider_may_come_and_go(self, upstream, start_gate, start_provider):  # noqa: F811
        provider = start_provider()
        gate = start_gate(upstream, admin=admin())
        before = json.loads(gate.config.read_text())
        after = {**before, **openid_settings(provider)}
        after["token"].pop("keys", None)
        after["identityProvider"].pop("loginURL", None)
        replace(gate, after)
        ready(gate)
        OpenIDVisit(gate, provider).sign_in()
        assert Metrics(gate).get("sidegate_openid_provider_known") == 1
        replace(gate, before)
        assert "sidegate_openid" not in Metrics(gate).text
        assert gate.exchange("GET", "/", NAVIGATION).status == 302


def replace(gate, settings: dict):
    before = reloads(gate)
    new = gate.config.with_suffix(".new")
    new.write_text(json.dumps(settings))
    new.chmod(0o600)
    new.rename(gate.config)
    wait_until(lambda: reloads(gate) > before, f"the changed file is in force\n{gate.log()}")


class TestDoctor:
    @pytest.fixture
    def doctor(self, tmp_path, upstream):
        def run(provider: OpenIDProvider, **identity):
            path = tmp_path / "sidegate.yaml"
            path.write_text(json.dumps({
                "publicURL": "https://app.test", "upstream": upstream.url,
                "identityProvider": {k: v for k, v in provider.settings(**identity).items() if v is not None},
                "session": {"secret": "a-session-secret-of-at-least-32-bytes-0002"}}))
            path.chmod(0o600)
            done = sidegate("doctor", "--config", path)
            found = {}
            for line in done.stdout.splitlines():
                words = line.split()
                if words and words[0] in ("ok", "warning", "FAIL"):
                    found.setdefault(words[1], []).append(words[0])
            return done, found
        return run

    def test_a_good_provider(self, doctor, start_provider):  # noqa: F811
        provider = start_provider(path="/realms/main")
        done, found = doctor(provider)
        for subject in ("identityProvider.issuer", "jwks_uri", "end_session_endpoint", "identityProvider.returnPath"):
            assert found.get(subject) == ["ok"], done.stdout
        assert done.returncode == 0, done.stdout
        for address in ("callback", "signed-out", "backchannel-logout"):
            assert f"https://app.test/.sidegate/{address}" in done.stdout, done.stdout
        assert provider.client_secret not in done.stdout
        assert provider.count("token") == 0

    @pytest.mark.parametrize("metadata, identity, subject, outcome", [
        ({"issuer": "https://attacker.test"}, {}, "identityProvider.issuer", "FAIL"),
        ({"token_endpoint": None}, {}, "identityProvider.issuer", "FAIL"),
        ({"end_session_endpoint": "http://idp.test/x"}, {}, "identityProvider.issuer", "warning"),
        ({"code_challenge_methods_supported": ["plain"]}, {}, "PKCE", "warning"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, {}, "identityProvider.clientAuthentication", "warning"),
        ({"token_endpoint_auth_methods_supported": None}, {"clientAuthentication": "post"},
         "identityProvider.clientAuthentication", "warning"),
        ({"response_modes_supported": ["query"]}, {"responseMode": "form_post"}, "identityProvider.responseMode", "warning"),
        ({"response_types_supported": ["id_token"]}, {}, "identityProvider.protocol", "warning"),
        ({"scopes_supported": ["openid"]}, {}, "identityProvider.scopes", "warning"),
        ({"id_token_signing_alg_values_supported": ["PS256"]}, {}, "token.algorithms", "FAIL"),
        ({"userinfo_endpoint": None}, {"userInfo": True}, "identityProvider.userInfo", "FAIL"),
        ({"jwks_uri": "http://127.0.0.1:1/"}, {}, "jwks_uri", "FAIL"),
    ])
    def test_what_is_wrong_is_found(self, doctor, start_provider, metadata, identity, subject, outcome):  # noqa: F811
        provider = start_provider()
        provider.metadata.update(metadata)
        done, found = doctor(provider, **identity)
        assert outcome in found.get(subject, []), done.stdout
        assert "fix:" in done.stdout
        assert done.returncode == (1 if outcome == "FAIL" else 0), done.stdout

    @pytest.mark.parametrize("metadata, identity, fix", [
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, {}, "register the client with client_secret_basic or client_secret_post"),
        ({"token_endpoint_auth_methods_supported": ["none"]}, {}, "remove `identityProvider.clientSecret`"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, {"clientAuthentication": "post"}, "clientAuthentication: basic`"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"]}, {}, "clientAuthentication: post`"),
        ({"response_modes_supported": ["form_post"]}, {}, "set `identityProvider.responseMode: form_post`"),
        ({"response_modes_supported": ["fragment"]}, {}, "enable the response mode query or form_post"),
        ({"token_endpoint": None}, {}, "ask the provider's administrator to correct the document"),
        ({"issuer": "https://attacker.test"}, {}, "write the issuer exactly as the document has it"),
    ])
    def test_the_fix_is_one_that_helps(self, doctor, start_provider, metadata, identity, fix):  # noqa: F811
        provider = start_provider()
        provider.metadata.update(metadata)
        done, _ = doctor(provider, **identity)
        fixes = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("fix:")]
        assert len(fixes) == 1 and fix in fixes[0], done.stdout
        if "private_key_jwt" in str(metadata) and "post" not in str(metadata):
            assert "clientAuthentication" not in fixes[0]

    def test_what_is_no_document_has_another_fix(self, doctor, start_provider):  # noqa: F811
        provider = start_provider()
        provider.scripts["discovery"] = says(200, b"<html>")
        done, _ = doctor(provider)
        assert "fix: correct the issuer: what is below its address is no discovery document" in done.stdout, done.stdout

    def test_it_says_how_users_sign_in(self, doctor, start_provider):  # noqa: F811
        provider = start_provider()
        assert ", protocol oidc" in doctor(provider)[0].stdout and "preset generic" not in doctor(provider)[0].stdout
        assert ", preset keycloak" in doctor(provider, protocol=None, preset="keycloak")[0].stdout

    def test_a_provider_that_is_away(self, doctor, start_provider):  # noqa: F811
        provider = start_provider()
        provider.stop()
        done, found = doctor(provider)
        assert found["identityProvider.issuer"] == ["FAIL"] and found["clock"] == ["warning"], done.stdout

    def test_one_without_an_end_of_session(self, doctor, start_provider):  # noqa: F811
        provider = start_provider()
        provider.metadata.update(end_session_endpoint=None, backchannel_logout_supported=False)
        done, found = doctor(provider)
        assert found["end_session_endpoint"] == ["ok"] and "remains" in done.stdout
        assert "signed-out" not in done.stdout and "backchannel-logout" not in done.stdout


class TestManySignIns:
    """A provider that does not answer: 64 codes are on their way at most, 2048 wait, and any more are refused at once."""

    def test_the_bounds(self, start_provider, start_openid_gate):  # noqa: F811
        provider = start_provider()
        gate = start_openid_gate(provider, workers=2, trustedProxies=["127.0.0.0/8"])
        attempts = []
        with gate.connection() as connection:
            for _ in range(64 + 2048 + 800):
                response = connection.exchange("GET", "/page", NAVIGATION)
                state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))["state"]
                attempts.append((state, response["Set-Cookie"].partition(";")[0]))

        def holds(request, connection):
            provider.released.wait(60)
            says(400, {"error": "invalid_grant"})(request, connection)
        provider.scripts["token"] = holds
        connections = []

        def returns(number: int):
            """The browser comes back with a code, on a connection of its own."""
            connection = gate.connection()
            connections.append(connection)
            state, cookie = attempts[number]
            connection.request("GET", f"/.sidegate/callback?code=c{number}&state={state}&iss={provider.issuer}", {
                **NAVIGATION, "Cookie": cookie, "X-Forwarded-For": f"192.0.2.{number % 250}"})
            return connection
        try:
            for number in range(64 + 2048):
                returns(number)
            # Each waits for five seconds at most, so that a slow machine needs some more.
            while not log_lines(gate, "authorization code not redeemed") and len(connections) < len(attempts) - 1:
                returns(len(connections))
            refusals = [line for line in log_lines(gate, "authorization code not redeemed") if "too many codes" in line["cause"]]
            assert refusals and refusals[0]["issuer"] == provider.issuer, gate.log()[-2000:]
            assert provider.count("token") <= 64, "codes on their way"
            # The others wait; what is beyond the bound has its page.
            page = returns(len(connections)).response()
            refused(page, "provider_unavailable")
            assert page["Retry-After"] and page.status == 503
            wait_until(lambda: any("too many sign-ins wait" in line.get("detail", "") for line in journal(gate)), "the reason in the log")
            provider.released.set()
            for connection in connections[:-1]:
                assert connection.response().status in (403, 503)
        finally:
            for connection in connections:
                connection.close()
        provider.scripts.clear()
        OpenIDVisit(gate, provider).sign_in()
