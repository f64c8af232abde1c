# SPDX-License-Identifier: Apache-2.0
"""OpenID Connect: responses, codes and tokens of attackers, and providers that do not behave."""

import base64
import json
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR
from harness.openid import (  # noqa: F401  fixtures among them
    CALLBACK, FORM, OpenIDVisit, OverHTTPX, authority, module_openid_gate, module_provider, openid_gate, openid_settings, provider, ready, secure_settings,
    start_openid_gate, start_provider)
from harness.openid_keys import Signer, sign
from harness.openid_provider import (
    cut_short, drips, floods_body, floods_head, garbles, hangs_up, hmac_token, never, redirects_to, says)
from harness.ports import free_port
from harness.process import wait_until
from harness.reloads import admin, change
from harness.visits import Visit, accepted, refused


def nobody_is_in(browser, response=None):
    assert not browser.has_session, "a session was set"
    if response is not None:
        assert not any(line.startswith(("sidegate=", "__Host-sidegate=")) and not line.split(";")[0].endswith("=")
                       for line in response.all("Set-Cookie"))


class TestStates:
    """The response must answer an attempt of this browser."""

    @pytest.fixture(scope="class", params=["confirm", "allow", "deny"])
    def initiated(self, request, module_provider, module_upstream, start_module_gate):  # noqa: F811
        module_provider.reset()
        return ready(start_module_gate(module_upstream, **openid_settings(module_provider, {"initiated": request.param})))

    def test_without_an_attempt_nobody_is_signed_in_whatever_initiated_says(self, initiated, provider):
        """Login CSRF: the attacker's response in the victim's browser."""
        answer = OpenIDVisit(initiated, provider, "/").authorize()
        victim = OpenIDVisit(initiated, provider)
        response = victim.come_back(answer)
        refused(response, "login_state_missing")
        nobody_is_in(victim, response)
        assert provider.count("token") == 0, "the code is not even redeemed"

    def test_the_state_of_another_browser_does_not_count(self, openid_gate, provider):
        attacker, victim = OpenIDVisit(openid_gate, provider, "/"), OpenIDVisit(openid_gate, provider, "/")
        refused(victim.come_back(attacker.authorize()), "login_state_missing")
        nobody_is_in(victim)
        assert provider.count("token") == 0

    @pytest.mark.parametrize("state", [None, "", "x", "0" * 22, "../../x", "a" * 5000], ids=lambda state: str(state)[:10])
    def test_a_state_that_is_none_of_this_browser(self, openid_gate, provider, state):
        browser = OpenIDVisit(openid_gate, provider, "/")
        response = browser.come_back(browser.authorize().changed(state=state))
        assert 400 <= response.status < 500
        nobody_is_in(browser, response)
        assert provider.count("token") == 0

    def test_a_newer_attempt_does_not_answer_for_an_older_one(self, openid_gate, provider):
        """A code obtained for one attempt, with the state of another one of the same browser: PKCE and nonce differ."""
        browser = OpenIDVisit(openid_gate, provider)
        first, second = browser.go("/one"), browser.go("/two")
        state = browser.request_of(second)["state"]
        response = browser.come_back(provider.authorize(first).changed(state=state))
        refused(response, "code_exchange_failed")
        assert len(provider.refusals) == 1 and "code_verifier" in provider.refusals.pop()
        nobody_is_in(browser, response)

    @pytest.mark.parametrize("checks_pkce", [True, False], ids=["the provider verifies PKCE", "it does not"])
    def test_code_injection(self, openid_gate, provider, checks_pkce):
        """A stolen code, taken to the gate with a state of the thief's own browser (RFC 9700 §4.5)."""
        victim, thief = OpenIDVisit(openid_gate, provider, "/"), OpenIDVisit(openid_gate, provider, "/")
        stolen = victim.authorize().parameters["code"]
        if not checks_pkce:
            provider.scripts["token"] = lambda request, connection: connection.respond(
                200, {"Content-Type": "application/json"}, json.dumps(provider.tokens_for(provider.grants[stolen])))
        response = thief.come_back(thief.authorize(sub="mallory").changed(code=stolen))
        refused(response, "code_exchange_failed" if checks_pkce else "nonce_mismatch")
        nobody_is_in(thief, response)
        assert len(provider.refusals) == checks_pkce
        provider.refusals.clear()

    @pytest.mark.parametrize("methods", [None, [], ["plain"], ["plain", "S256"]], ids=str)
    def test_pkce_is_not_downgraded(self, provider, start_openid_gate, methods):
        """By S256, whatever the provider says of itself."""
        provider.metadata["code_challenge_methods_supported"] = methods
        gate = start_openid_gate(provider)
        browser = OpenIDVisit(gate, provider)
        browser.sign_in()
        assert browser.request_of()["code_challenge_method"] == "S256"
        assert provider.form["code_verifier"] != browser.request_of()["code_challenge"]

    def test_a_response_is_for_single_use(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/page")
        answer = browser.authorize()
        accepted(browser.come_back(answer))
        before = browser.session()
        again = browser.come_back(answer)
        assert again.status in (303, 400, 403)
        assert provider.count("token") == 1, "the code is not sent a second time"
        assert browser.session()["fields"] == before["fields"] if "fields" in before else True

    def test_a_response_counts_for_its_own_browser_alone(self, openid_gate, provider):
        """Before and after the sign-in; a browser is who has the attempt's login cookie (see test_openid_load.py)."""
        browser = OpenIDVisit(openid_gate, provider, "/page")
        answer = browser.authorize()
        for _ in range(2):
            other, thief = OpenIDVisit(openid_gate, provider), OpenIDVisit(openid_gate, provider, "/")
            refused(other.come_back(answer), "login_state_missing")
            refused(thief.come_back(answer), "login_state_missing")
            nobody_is_in(other)
            nobody_is_in(thief)
            accepted(browser.come_back(answer))
        thief = OpenIDVisit(openid_gate, provider, "/")
        refused(thief.come_back(answer.changed(state=thief.request_of()["state"])), "code_exchange_failed")
        nobody_is_in(thief)
        assert provider.count("token") == 2
        provider.refusals.clear()

    def test_a_response_is_for_single_use_after_the_user_has_signed_out(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/page")
        answer, copy = browser.authorize(), OpenIDVisit(openid_gate, provider)
        copy.cookies = dict(browser.cookies)
        accepted(browser.come_back(answer))
        browser.sign_out()
        response = copy.come_back(answer)
        refused(response, "replayed")
        nobody_is_in(copy, response)

    def test_nor_after_the_provider_has_ended_the_session(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/page")
        answer, copy = browser.authorize(), OpenIDVisit(openid_gate, provider)
        copy.cookies = dict(browser.cookies)
        accepted(browser.come_back(answer))
        body = urllib.parse.urlencode({"logout_token": provider.logout_token()}).encode()
        assert openid_gate.exchange("POST", "/.sidegate/backchannel-logout", FORM, body).status == 200
        response = copy.come_back(answer)
        refused(response, "replayed")
        nobody_is_in(copy, response)

    def test_an_id_token_is_for_single_use_even_if_the_provider_repeats_it(self, provider, start_openid_gate):
        """For another code, another attempt, another browser, and as a bearer token: the same code of the same attempt
        is the same sign-in."""
        gate = start_openid_gate(provider, token={"bearer": True})
        browser = OpenIDVisit(gate, provider, "/page")
        answer, copy, issued = browser.authorize(), OpenIDVisit(gate, provider), []
        copy.cookies = dict(browser.cookies)

        def repeat(request, connection):
            if not issued:
                issued.append(provider.tokens(request))
            connection.respond(200, {"Content-Type": "application/json"}, json.dumps(issued[0]))
        provider.scripts["token"] = repeat
        accepted(browser.come_back(answer))
        response = copy.come_back(answer.changed(code="another"))
        refused(response, "code_exchange_failed")
        nobody_is_in(copy, response)
        for thief in (OpenIDVisit(gate, provider, "/"), browser):
            url = thief.navigate("/.sidegate/login?return_to=/")["Location"]
            response = thief.come_back(answer.changed(state=thief.request_of(url)["state"]))
            refused(response, "nonce_mismatch")
            nobody_is_in(OpenIDVisit(gate, provider), response)
        token = issued[0]["id_token"]
        response = gate.exchange("GET", "/", {**XHR, "Authorization": f"Bearer {token}"})
        assert response.status == 401 and "replayed" in response.text
        response = copy.navigate(f"{CALLBACK}?jwt={token}", headers=FROM_ANOTHER_SITE)
        assert 400 <= response.status < 500
        nobody_is_in(copy, response)

    def test_parallel_uses_of_one_response_sign_in_its_browser_alone(self, start_openid_gate, provider):
        """Sixteen times by the browser that began the attempt, on two loops; as often by others, which are refused."""
        gate = start_openid_gate(provider, workers=2)
        browser = OpenIDVisit(gate, provider, "/page")
        answer = browser.authorize()
        others = [OpenIDVisit(gate, provider, "/") for _ in range(16)]
        headers = {**NAVIGATION, **FROM_ANOTHER_SITE, "Cookie": browser.cookie_header()}
        target = f"{CALLBACK}?{answer.query}"
        with ThreadPoolExecutor(16) as pool:
            own = [pool.submit(gate.exchange, "GET", target, headers) for _ in range(16)]
            foreign = [pool.submit(other.come_back, answer) for other in others]
            for response in (future.result(60) for future in own):
                copy = OpenIDVisit(gate, provider)
                for line in response.all("Set-Cookie"):
                    copy.take(line)
                assert accepted(response) == "/page" and copy.is_in
            for response in (future.result(60) for future in foreign):
                refused(response, "login_state_missing")
        assert provider.count("token") == 1 and not any(other.has_session for other in others)

    def test_another_hosts_attempt_does_not_count(self, provider, start_openid_gate):
        gate = start_openid_gate(provider)
        browser = OpenIDVisit(gate, provider, "/")
        answer = browser.authorize()
        headers = {**NAVIGATION, **FROM_ANOTHER_SITE, "Cookie": browser.cookie_header()}
        response = gate.exchange("GET", f"{CALLBACK}?{answer.query}", headers, host="other.test")
        assert 400 <= response.status < 500 and provider.count("token") == 0

    def test_the_callback_without_parameters_says_what_is_missing(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/")
        response = browser.navigate(CALLBACK, headers=FROM_ANOTHER_SITE)
        assert 400 <= response.status < 500
        nobody_is_in(browser, response)

    @pytest.mark.parametrize("query", [
        "{q}&code=other", "code=other&{q}", "{q}&state=other", "{q}&iss=https://other.test", "{q}&error=access_denied", "{q}&code="])
    def test_a_repeated_or_contradicting_parameter_is_refused(self, openid_gate, provider, query):
        browser = OpenIDVisit(openid_gate, provider, "/")
        answer = browser.authorize()
        response = browser.come_back(answer, query.format(q=answer.query))
        assert 400 <= response.status < 500
        nobody_is_in(browser, response)
        assert provider.count("token") == 0

    @pytest.mark.parametrize("code", ["", "a\x00b", "a\nb", "x" * 20_000, "ü", "%"], ids=ascii)
    def test_a_code_that_is_none(self, openid_gate, provider, code):
        browser = OpenIDVisit(openid_gate, provider, "/")
        response = browser.come_back(browser.authorize().changed(code=code[:9000]))
        assert 400 <= response.status < 500
        nobody_is_in(browser, response)
        provider.refusals.clear()

    def test_a_jwt_in_the_query_is_not_a_sign_in(self, openid_gate, provider):
        """The way of a `?jwt=` provider is closed: an ID token that somebody else was given signs nobody in."""
        browser = OpenIDVisit(openid_gate, provider, "/")
        browser.authorize()
        token = provider.id_token(list(provider.grants.values())[-1])
        state = browser.request_of()["state"]
        for query in (f"jwt={token}", f"jwt={token}&state={state}", f"id_token={token}&state={state}", f"code={token}&state={state}"):
            response = browser.navigate(f"{CALLBACK}?{query}", headers=FROM_ANOTHER_SITE)
            assert 400 <= response.status < 500, query
            nobody_is_in(browser, response)
        provider.refusals.clear()

    def test_an_image_of_another_site_sets_nothing(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/")
        answer = browser.authorize()
        response = browser.fetch("GET", f"{CALLBACK}?{answer.query}", {
            "Accept": "image/avif,image/webp,*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "cross-site"})
        assert response.status in (303, 400, 401, 403)


class TestIssuerOfTheResponse:
    """RFC 9207, RFC 9700 §4.4: the answer of one provider must not be taken for that of another."""

    @pytest.mark.parametrize("issuer", ["https://attacker.test", "", "{issuer}/", "{issuer} ", "{url}"])
    def test_another_one_is_refused(self, openid_gate, provider, issuer):
        browser = OpenIDVisit(openid_gate, provider, "/")
        answer = browser.authorize().changed(iss=issuer.format(issuer=provider.issuer, url=provider.url))
        response = browser.come_back(answer)
        refused(response, "issuer_mismatch")
        nobody_is_in(browser, response)
        assert provider.count("token") == 0, "the code goes to nobody"

    def test_a_missing_one_is_refused_where_it_is_announced(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/")
        refused(browser.come_back(browser.authorize().changed(iss=None)), "issuer_mismatch")
        assert provider.count("token") == 0

    def test_it_may_be_missing_where_it_is_not_announced_but_is_verified_when_it_comes(self, provider, start_openid_gate):
        provider.metadata["authorization_response_iss_parameter_supported"] = None
        gate = start_openid_gate(provider)
        OpenIDVisit(gate, provider).sign_in()
        browser = OpenIDVisit(gate, provider, "/")
        refused(browser.come_back(browser.authorize().changed(iss="https://attacker.test")), "issuer_mismatch")
        browser = OpenIDVisit(gate, provider, "/")
        accepted(browser.come_back(browser.authorize().changed(iss=provider.issuer)))

    def test_of_an_error_as_well(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        response = browser.come_back(provider.error(browser.go("/"), "access_denied", iss="https://attacker.test"))
        refused(response, "issuer_mismatch")


class TestErrors:
    """`error=` in place of a code."""

    def test_its_code_is_shown_and_its_description_never(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        response = browser.come_back(provider.error(browser.go("/page"), "access_denied", iss=provider.issuer,
                                                    error_description="Call our helpdesk now", error_uri="https://attacker.test/help"))
        refused(response, "provider_error")
        assert "access_denied" in response.text
        assert "helpdesk" not in response.text and "attacker.test" not in response.text
        nobody_is_in(browser, response)

    def test_its_code_is_not_shown_to_a_browser_without_the_attempt(self, openid_gate, provider):
        """Otherwise a link of anybody could make our page say something."""
        browser = OpenIDVisit(openid_gate, provider)
        answer = provider.error(OpenIDVisit(openid_gate, provider).go("/"), "call_our_helpdesk_now", iss=provider.issuer)
        response = browser.come_back(answer)
        assert response.status in (400, 403) and "helpdesk" not in response.text
        assert "provider_error" in response.text or "login_state_missing" in response.text

    @pytest.mark.parametrize("error", ["<script>alert(1)</script>", "a\nb", "x" * 3000, "", "ü", "javascript:alert(1)", "a b c call us"],
                             ids=lambda error: ascii(error)[:20])
    def test_what_is_no_code_is_not_shown(self, openid_gate, provider, error):
        browser = OpenIDVisit(openid_gate, provider)
        response = browser.come_back(provider.error(browser.go("/"), error, iss=provider.issuer))
        assert 400 <= response.status < 500
        assert not error or error not in response.text
        assert "<script>alert" not in response.text

    def test_the_user_can_try_again(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        response = browser.come_back(provider.error(browser.go("/page?x=1"), "temporarily_unavailable", iss=provider.issuer))
        refused(response, "provider_error")
        assert "/.sidegate/login" in response.text, "a link to try again"
        browser.sign_in("/page?x=1")

    def test_programs_get_json(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        answer = provider.error(browser.go("/"), "access_denied", iss=provider.issuer)
        response = browser.fetch("GET", f"{CALLBACK}?{answer.query}", {**XHR, "Sec-Fetch-Site": "same-origin"})
        assert response.status == 403 and "provider_error" in json.dumps(response.json())


def second_key(provider):
    return Signer("another-providers-key")


def later(**changes):
    now = int(time.time())
    return {name: now + value for name, value in changes.items()}


#: Changes of the ID token's claims, and the reason of the refusal.
BAD_CLAIMS = {
    "another issuer": (lambda p: {"iss": "https://attacker.test"}, "issuer_mismatch"),
    "an issuer with a slash": (lambda p: {"iss": p.issuer + "/"}, "issuer_mismatch"),
    "no issuer": (lambda p: {"iss": None}, "issuer_mismatch"),
    "a list of issuers": (lambda p: {"iss": [p.issuer]}, ("issuer_mismatch", "claims_malformed")),
    "another client": (lambda p: {"aud": "another-client"}, "audience_mismatch"),
    "no audience": (lambda p: {"aud": None}, "audience_mismatch"),
    "an empty list": (lambda p: {"aud": []}, "audience_mismatch"),
    "a part of the name": (lambda p: {"aud": ["ap", "app2", "APP"]}, "audience_mismatch"),
    "several audiences without azp": (lambda p: {"aud": ["app", "other"]}, "audience_mismatch"),
    "several audiences, another azp": (lambda p: {"aud": ["app", "other"], "azp": "other"}, "audience_mismatch"),
    "one audience, another azp": (lambda p: {"aud": "app", "azp": "other"}, "audience_mismatch"),
    "azp that is no text": (lambda p: {"aud": "app", "azp": ["app"]}, ("audience_mismatch", "claims_malformed")),
    "no nonce": (lambda p: {"nonce": None}, "nonce_mismatch"),
    "another nonce": (lambda p: {"nonce": "AAAAAAAAAAAAAAAAAAAAAA"}, "nonce_mismatch"),
    "an empty nonce": (lambda p: {"nonce": ""}, "nonce_mismatch"),
    "a nonce that is no text": (lambda p: {"nonce": 1}, ("nonce_mismatch", "claims_malformed")),
    "expired": (lambda p: later(iat=-900, exp=-600), ("expired", "too_old")),
    "no expiry": (lambda p: {"exp": None}, ("expiry_missing", "claims_malformed")),
    "issued in the future": (lambda p: later(iat=600, exp=900), "issued_in_future"),
    "not yet valid": (lambda p: later(nbf=600), "not_yet_valid"),
    "no iat": (lambda p: {"iat": None}, ("issued_at_missing", "claims_malformed")),
    "no subject": (lambda p: {"sub": None}, ("field_missing", "claims_malformed")),
    "an empty subject": (lambda p: {"sub": ""}, ("field_missing", "field_invalid", "claims_malformed")),
    "a subject that is no text": (lambda p: {"sub": {"a": 1}}, ("field_missing", "field_invalid", "claims_malformed")),
    "another access token": (lambda p: {"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}, "code_exchange_failed"),
    "at_hash that is no text": (lambda p: {"at_hash": 7}, ("code_exchange_failed", "claims_malformed")),
    "the whole digest as at_hash": (lambda p: {"at_hash": "x" * 43}, "code_exchange_failed"),
    "a logout token": (lambda p: {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, None),
}


class TestIDTokens:
    """The provider is an attacker's, or somebody stands between it and the gate, or the code is another person's."""

    def refused_with(self, gate, provider, reasons):  # noqa: F811
        browser = OpenIDVisit(gate, provider)
        response = browser.enter()
        assert response.status in (400, 403), f"{response.status} {response.text[:300]}"
        reasons = (reasons,) if isinstance(reasons, str) else reasons
        assert reasons is None or any(reason in response.text for reason in reasons), response.text[:3000]
        nobody_is_in(browser, response)
        assert provider.count("token") == 1

    @pytest.mark.parametrize("kind", BAD_CLAIMS)
    def test_claims(self, openid_gate, provider, kind):
        changes, reasons = BAD_CLAIMS[kind]
        provider.id_claims.update(changes(provider))
        self.refused_with(openid_gate, provider, reasons)

    @pytest.mark.parametrize("claims", [
        {"aud": ["app"]}, {"aud": ["app", "other"], "azp": "app"}, {"aud": "app", "azp": "app"}, {"at_hash": None},
        {"auth_time": None}, {"amr": ["pwd", "mfa"], "acr": "gold"},
        {"azp": "app", "c_hash": "cWd7WlDN434ykYvLkx3xng", "auth_time": 0, "amr": ["password"]}], ids=str)
    def test_these_are_right(self, openid_gate, provider, claims):
        provider.id_claims.update(claims)
        OpenIDVisit(openid_gate, provider).sign_in()

    def test_the_nonce_of_an_earlier_attempt(self, openid_gate, provider):
        """A stolen ID token, replayed for a new attempt."""
        browser = OpenIDVisit(openid_gate, provider)
        provider.id_claims["nonce"] = browser.request_of(browser.go("/"))["nonce"]
        self.refused_with(openid_gate, provider, "nonce_mismatch")

    @pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "None"}, {"alg": "nOnE"}], ids=str)
    @pytest.mark.parametrize("signature", ["kept", "empty"])
    def test_no_signature(self, openid_gate, provider, header, signature):
        def mint(claims, changes):
            token = sign(provider.signer, claims, **header)
            return token if signature == "kept" else token.rpartition(".")[0] + "."
        provider.mint = mint
        self.refused_with(openid_gate, provider, "algorithm_not_allowed" if signature == "kept" else None)

    @pytest.mark.parametrize("secret", ["client secret", "public key", "modulus", "empty"])
    def test_hs256_in_place_of_rs256(self, openid_gate, provider, secret):
        """Algorithm confusion: what both sides, or everybody, know is no key."""
        secrets = {"client secret": provider.client_secret, "public key": provider.signer.public_pem,
                   "modulus": base64.urlsafe_b64decode(provider.signer.jwk["n"] + "=="), "empty": b""}
        provider.mint = lambda claims, header: hmac_token(secrets[secret], claims, kid=provider.signer.kid)
        self.refused_with(openid_gate, provider, "algorithm_not_allowed")

    def test_a_key_of_another_provider(self, openid_gate, provider):
        provider.mint = lambda claims, header: sign(Signer("another-key"), claims)
        self.refused_with(openid_gate, provider, "key_not_found")

    def test_another_key_under_the_right_name(self, openid_gate, provider):
        provider.mint = lambda claims, header: sign(Signer("another-key"), claims, kid=provider.signer.kid)
        self.refused_with(openid_gate, provider, "signature_invalid")

    @pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
    def test_a_key_that_the_token_brings(self, openid_gate, provider, name):
        other = Signer("another-key")
        value = {"jwk": other.jwk, "jku": provider.endpoint("keys"), "x5u": provider.endpoint("keys"), "x5c": ["MIIB"]}[name]
        provider.mint = lambda claims, header: sign(other, claims, kid=provider.signer.kid, **{name: value})
        self.refused_with(openid_gate, provider, "signature_invalid")

    def test_a_symmetric_key_in_the_key_set(self, openid_gate, provider):
        """Everybody can read it."""
        secret = b"published-so-no-secret-at-all-00000001"
        provider.keys.append({"kty": "oct", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode(), "kid": "o", "alg": "HS256"})
        provider.mint = lambda claims, header: hmac_token(secret, claims, kid="o")
        self.refused_with(openid_gate, provider, "algorithm_not_allowed")

    @pytest.mark.parametrize("header, reason", [
        ({"crit": ["exp"], "exp": 1}, "critical_header_unsupported"), ({"alg": None}, ("algorithm_missing", "header_malformed")),
        ({"alg": "RS512"}, "algorithm_not_allowed"), ({"alg": ["RS256"]}, ("header_malformed", "algorithm_missing", "algorithm_not_allowed")),
        ({"b64": False, "crit": ["b64"]}, "critical_header_unsupported")], ids=str)
    def test_headers(self, openid_gate, provider, header, reason):
        provider.id_header.update(header)
        self.refused_with(openid_gate, provider, reason)

    @pytest.mark.parametrize("change", [
        lambda t: t + ".", lambda t: t.partition(".")[2], lambda t: t.replace(".", "..", 1), lambda t: t + "=", lambda t: "a.b.c.d.e",
        lambda t: t[:-3], lambda t: " " + t, lambda t: "x" * 20_000], ids=range(8))
    def test_what_is_no_token(self, openid_gate, provider, change):
        provider.mint = lambda claims, header: change(sign(provider.signer, claims))
        browser = OpenIDVisit(openid_gate, provider)
        response = browser.enter()
        assert response.status in (400, 403)
        nobody_is_in(browser, response)


def token_answer(**changes):
    """The provider's token answer with other members."""
    def script(provider):
        provider.token_answer.update(changes)
    return script


def token_script(make):
    def script(provider):
        provider.scripts["token"] = make(provider)
    return script


def raw(body, status=200, **headers):
    return token_script(lambda provider: says(status, body, **headers))


#: What the token endpoint may do wrong. The reason is one of two: the provider answered, or it did not.
BAD_ANSWERS = {
    "no ID token": token_answer(id_token=None),
    "an ID token that is no text": token_answer(id_token=7),
    "another token type": token_answer(token_type="mac"),
    "no token type": token_answer(token_type=None),
    "invalid_grant": raw({"error": "invalid_grant"}, 400),
    "an error with status 200": raw({"error": "invalid_grant"}),
    "an error that is no text": raw({"error": {"a": 1}}, 400),
    "an error with markup": raw({"error": "<script>alert(1)</script>", "error_description": "<b>x</b>"}, 400),
    "401": raw({"error": "invalid_client"}, 401),
    "404": raw(b"not here", 404),
    "500": raw(b"oops", 500),
    "503": raw(b"", 503),
    "204": raw(b"", 204),
    "HTML": raw(b"<html>maintenance</html>", 200, **{"Content-Type": "text/html"}),
    "empty": raw(b""),
    "a list": raw(b"[]"),
    "not UTF-8": raw(b'{"id_token":"\xff"}'),
    "deep": raw(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "repeated members": raw(b'{"token_type":"Bearer","id_token":"a.b.c","id_token":"d.e.f","access_token":"x"}'),
    "trailing text": raw(b'{"token_type":"Bearer","id_token":"a.b.c","access_token":"x"} x'),
    "a redirect": token_script(lambda provider: redirects_to(provider.endpoint("userinfo"))),
    "a redirect that keeps the method": token_script(lambda provider: redirects_to(provider.endpoint("authorize"), 307)),
    "it hangs up": token_script(lambda provider: hangs_up),
    "cut short": token_script(lambda provider: cut_short),
    "no HTTP": token_script(lambda provider: garbles),
    "an endless body": token_script(lambda provider: floods_body),
    "an endless head": token_script(lambda provider: floods_head),
    "a length that is a lie": raw(b"{}", 200, **{"Content-Length": "99999999999999999999"}),
    "a negative length": raw(b"{}", 200, **{"Content-Length": "-1"}),
    "compressed": raw(b"\x1f\x8b\x08", 200, **{"Content-Encoding": "gzip"}),
}


class TestTokenEndpoint:
    @pytest.mark.parametrize("kind", BAD_ANSWERS)
    def test_a_bad_answer_signs_nobody_in_and_is_explained(self, openid_gate, provider, kind):
        BAD_ANSWERS[kind](provider)
        before = openid_gate.process.memory()
        browser = OpenIDVisit(openid_gate, provider)
        response = browser.enter("/page")
        assert response.status in (400, 403, 502, 503), response.status
        assert "code_exchange_failed" in response.text or "provider_unavailable" in response.text, response.text[:2000]
        assert "<script>alert" not in response.text
        nobody_is_in(browser, response)
        assert provider.count("token") == 1, "a code is sent once, and to no other address"
        assert provider.count("userinfo") == 0 and provider.count("authorize") == 0
        assert openid_gate.process.memory() - before < 30_000_000
        assert "/.sidegate/login" in response.text, "a link to try again"
        self.recovers(openid_gate, provider)

    @staticmethod
    def recovers(gate, provider):  # noqa: F811
        provider.reset()
        OpenIDVisit(gate, provider).sign_in()

    @pytest.mark.parametrize("slow", [never, drips], ids=["never", "a byte at a time"])
    def test_a_slow_endpoint_is_given_up_and_keeps_nobody_else_waiting(self, openid_gate, provider, slow):
        signed_in = OpenIDVisit(openid_gate, provider)
        signed_in.sign_in()
        provider.scripts["token"] = slow(provider)
        browser = OpenIDVisit(openid_gate, provider, "/")
        answer = browser.authorize()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(browser.come_back, answer)
            provider.wait_for("token", 2)
            for _ in range(3):
                assert signed_in.navigate("/").status == 200
            response = waiting.result(60)
        refused(response, "provider_unavailable", 503)
        nobody_is_in(browser, response)
        self.recovers(openid_gate, provider)

    def test_many_waiting_sign_ins_end(self, openid_gate, provider):
        """Each waits for itself; the provider's slowness is not multiplied."""
        provider.scripts["token"] = never(provider)
        browsers = [OpenIDVisit(openid_gate, provider, "/") for _ in range(12)]
        answers = [browser.authorize() for browser in browsers]
        with ThreadPoolExecutor(12) as pool:
            responses = list(pool.map(lambda pair: pair[0].come_back(pair[1]), zip(browsers, answers)))
        assert {response.status for response in responses} == {503}
        self.recovers(openid_gate, provider)

    def test_a_browser_that_leaves_while_the_code_is_redeemed(self, openid_gate, provider):
        provider.scripts["token"] = never(provider)
        browser = OpenIDVisit(openid_gate, provider, "/")
        answer = browser.authorize()
        with openid_gate.connection() as connection:
            connection.request("GET", f"{CALLBACK}?{answer.query}",
                               {**NAVIGATION, **FROM_ANOTHER_SITE, "Cookie": browser.cookie_header()})
            provider.wait_for("token")
            connection.reset()
        provider.released.set()
        self.recovers(openid_gate, provider)

    def test_a_provider_that_is_down(self, start_provider, start_openid_gate):
        provider = start_provider()
        gate = start_openid_gate(provider)
        signed_in, browser = OpenIDVisit(gate, provider), OpenIDVisit(gate, provider)
        signed_in.sign_in()
        answer = provider.authorize(browser.go("/"))
        provider.stop()
        refused(browser.come_back(answer), "provider_unavailable", 503)
        again = browser.come_back(answer)
        refused(again, "login_state_missing")
        assert "Sign-in did not work" in again.text and "cookie" not in again.text, "the attempt has failed: that is all"
        assert signed_in.navigate("/").status == 200, "signed-in users notice nothing"
        assert gate.exchange("GET", "/", NAVIGATION).status == 302, "the last good discovery document is kept"


BAD_DOCUMENTS = {
    "another issuer": {"issuer": "https://attacker.test"},
    "an issuer with a slash": {"issuer": "{issuer}/"},
    "no issuer": {"issuer": None},
    "no token endpoint": {"token_endpoint": None},
    "no authorization endpoint": {"authorization_endpoint": None},
    "no keys": {"jwks_uri": None},
    "a token endpoint in the clear": {"token_endpoint": "http://idp.example.com/token"},
    "keys in the clear": {"jwks_uri": "http://idp.example.com/keys"},
    "an authorization endpoint that is a script": {"authorization_endpoint": "javascript:alert(1)//"},
    "an authorization endpoint with a line end": {"authorization_endpoint": "https://idp.test/a\r\nSet-Cookie: x=y"},
    "a relative endpoint": {"authorization_endpoint": "/authorize"},
    "an endpoint that is no text": {"token_endpoint": 7},
    "user information in the URL": {"token_endpoint": "https://a:b@idp.test/token"},
}


class TestDiscovery:
    def waits(self, gate, provider):  # noqa: F811
        """The document was read, and is not used: a navigation gets a page that offers to try again."""
        provider.wait_for("discovery")
        wait_until(lambda: provider.issuer in gate.log(), f"the log names the issuer\n{gate.log()}")
        response = gate.exchange("GET", "/page", NAVIGATION)
        refused(response, "provider_unavailable", 503)
        assert "no-store" in response["Cache-Control"]
        response = gate.exchange("GET", "/api", XHR)
        assert response.status in (401, 503)

    @pytest.mark.parametrize("kind", BAD_DOCUMENTS)
    def test_a_document_that_cannot_be_right(self, provider, start_openid_gate, kind):
        provider.metadata.update({name: value.format(issuer=provider.issuer) if isinstance(value, str) else value
                                  for name, value in BAD_DOCUMENTS[kind].items()})
        gate = start_openid_gate(provider, is_up=False)
        self.waits(gate, provider)

    @pytest.mark.parametrize("script", [
        says(500, b"oops"), says(404, b"{}"), says(200, b"<html>"), says(200, b""), says(200, b"[" * 100_000), hangs_up, cut_short,
        garbles, floods_body, redirects_to("http://127.0.0.1:1/")],
        ids=["500", "404", "HTML", "empty", "deep", "hangs up", "cut short", "no HTTP", "endless", "redirect"])
    def test_an_answer_that_is_no_document(self, provider, start_openid_gate, script):
        provider.scripts["discovery"] = script
        gate = start_openid_gate(provider, is_up=False)
        self.waits(gate, provider)
        provider.scripts.clear()
        wait_until(lambda: gate.exchange("GET", "/", NAVIGATION).status == 302, f"discovery is tried again\n{gate.log()}",
                   interval=0.2)
        OpenIDVisit(gate, provider).sign_in()

    def test_a_provider_that_never_answers_does_not_block_the_start(self, provider, start_openid_gate, upstream):
        provider.scripts["discovery"] = never(provider)
        gate = start_openid_gate(provider, is_up=False, access={"rules": [{"paths": ["/public"], "allow": "anyone"}]})
        assert gate.exchange("GET", "/public").status == 200
        refused(gate.exchange("GET", "/", NAVIGATION), "provider_unavailable", 503)

    def test_a_provider_that_starts_later_is_used(self, start_provider, start_openid_gate):
        port = free_port()
        provider = start_provider(port=port)
        provider.stop()
        gate = start_openid_gate(provider, is_up=False)
        refused(gate.exchange("GET", "/", NAVIGATION), "provider_unavailable", 503)
        late = start_provider(port=port)
        wait_until(lambda: gate.exchange("GET", "/", NAVIGATION).status == 302, f"discovery\n{gate.log()}", interval=0.2)
        OpenIDVisit(gate, late).sign_in()

    def test_keys_that_change_are_fetched_at_once(self, openid_gate, provider):
        OpenIDVisit(openid_gate, provider).sign_in()
        fresh = Signer("a-new-key")
        provider.keys = [fresh.jwk]
        provider.mint = lambda claims, header: sign(fresh, claims, **header)
        OpenIDVisit(openid_gate, provider).sign_in()
        provider.mint = lambda claims, header: sign(provider.signer, claims, **header)
        refused(OpenIDVisit(openid_gate, provider).enter(), "key_not_found")

    def test_keys_that_change_again_and_again_spend_no_code(self, openid_gate, provider):
        signers = [Signer("rotated-1"), Signer("rotated-2")]
        for number in range(6):
            signer = signers[number % 2]
            provider.keys = [signer.jwk]
            provider.mint = lambda claims, header: sign(signer, claims, **header)
            OpenIDVisit(openid_gate, provider).sign_in()
        assert provider.count("token") == 6

    def test_a_reload_keeps_what_is_known(self, start_provider, start_openid_gate):
        provider = start_provider()
        gate = start_openid_gate(provider, admin=admin())
        signed_in = OpenIDVisit(gate, provider)
        signed_in.sign_in()
        provider.stop()
        change(gate, limits={"headerTimeout": "30m"})
        assert signed_in.navigate("/").status == 200
        for _ in range(5):
            assert gate.exchange("GET", "/", NAVIGATION).status == 302

    def test_it_is_fetched_once_and_without_anything_of_a_user(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, workers=2)
        for _ in range(3):
            OpenIDVisit(gate, provider).sign_in()
        request, = provider.requests("discovery")
        assert request.method == "GET" and request.get("Cookie") is None
        assert request.target == urllib.parse.urlsplit(provider.issuer).path + "/.well-known/openid-configuration"

    def test_an_issuer_that_ends_in_a_slash(self, start_provider, start_openid_gate):
        """Auth0's do. The slash is not doubled, and the comparison is exact."""
        provider = start_provider()
        plain = provider.issuer
        provider.metadata["issuer"] = plain + "/"
        provider.id_claims["iss"] = plain + "/"
        gate = start_openid_gate(provider, {"issuer": plain + "/"})
        browser = OpenIDVisit(gate, provider, "/")
        accepted(browser.come_back(browser.authorize().changed(iss=plain + "/")))
        assert provider.requests("discovery")[0].target == "/.well-known/openid-configuration"


class TestOverHTTP2:
    """The same refusals over HTTP/2, by GET and in a form."""

    @pytest.fixture(params=["h2c", "https-h2"])
    def over(self, request, provider, start_openid_gate, authority):  # noqa: F811
        secure = request.param.startswith("https")
        gate = start_openid_gate(provider, {"responseMode": "form_post"} if secure else None, is_up=not secure,
                                 **(secure_settings(authority) if secure else {}))
        over = OverHTTPX(gate, request.param, authority if secure else None)
        ready(over)
        yield over
        over.close()

    def test_refusals(self, over, provider):
        def visit():
            browser = OpenIDVisit(over, provider, "/page")
            return browser, browser.authorize()
        browser, answer = visit()
        refused(OpenIDVisit(over, provider).come_back(answer), "login_state_missing")
        refused(browser.come_back(answer.changed(iss="https://attacker.test")), "issuer_mismatch")
        browser, answer = visit()
        assert browser.come_back(answer, answer.query + "&code=other").status == 400
        refused(browser.come_back(answer.changed(code=None, error="access_denied")), "provider_error")
        browser, answer = visit()
        provider.id_claims["nonce"] = "other"
        refused(browser.come_back(answer), "nonce_mismatch")
        provider.id_claims.clear()
        provider.scripts["token"] = floods_body
        browser, answer = visit()
        assert browser.come_back(answer).status in (403, 502, 503)
        provider.scripts.clear()
        browser, answer = visit()
        assert accepted(browser.come_back(answer)) == "/page"


class TestLoops:
    def test_a_provider_that_sends_browsers_back_at_once_does_not_turn_them_in_a_circle(self, openid_gate, provider):
        browser = Visit(openid_gate)
        for _ in range(4):
            response = browser.navigate("/")
            if response.status != 302:
                break
            browser.cookies.clear()  # as a browser that keeps no cookies
            answer = provider.authorize(response["Location"])
            response = browser.navigate(answer.location, headers=FROM_ANOTHER_SITE)
            assert response.status in (400, 403), response.status
        assert provider.count("token") == 0
