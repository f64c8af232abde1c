# SPDX-License-Identifier: Apache-2.0
"""OpenID Connect: the authorization code flow with one provider, as a browser, the provider and the app see it."""

import json
import re
import urllib.parse

import pytest

from harness.gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, settings, sidegate
from harness.journal import lines, wait_for_audit
from harness.process import wait_until
from harness.openid import (  # noqa: F401  fixtures among them
    CALLBACK, OpenIDVisit, OverHTTPX, UnderName, authority, check, module_openid_gate, module_provider, openid_gate, openid_settings, over_tls,
    provider, ready, secure_settings, start_openid_gate, start_provider)
from harness.openid_keys import Signer, claims_of, sign
from harness.openid_provider import Grant, user
from harness.visits import Visit, accepted, refused

DEEP_LINK = "/reports/2026?tab=all&q=a%20b%26c"
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class TestAuthorizationRequest:
    def test_it_holds_what_the_specifications_require_and_nothing_else(self, openid_gate, provider):
        request = OpenIDVisit(openid_gate, provider, "/").request_of()
        assert request == {
            "response_type": "code", "client_id": "app", "redirect_uri": openid_gate.origin + CALLBACK,
            "scope": "openid email profile", "state": request["state"], "nonce": request["nonce"],
            "code_challenge": request["code_challenge"], "code_challenge_method": "S256"}
        assert request["state"] != request["nonce"]
        for name in ("nonce", "code_challenge"):
            assert BASE64URL.fullmatch(request[name]), (name, request[name])
        assert len(request["nonce"]) >= 22, "at least 128 bits"

    def test_each_attempt_has_values_of_its_own(self, openid_gate, provider):
        browsers = [OpenIDVisit(openid_gate, provider) for _ in range(3)]
        requests = [browser.request_of(browser.go(f"/{n}")) for n in range(3) for browser in browsers]
        for name in ("state", "nonce", "code_challenge"):
            assert len({request[name] for request in requests}) == 9, name

    def test_the_redirect_is_not_stored(self, openid_gate, provider):
        response = Visit(openid_gate).navigate("/")
        assert response.status == 302 and "no-store" in response["Cache-Control"]

    def test_nothing_secret_is_in_the_url_or_readable_in_the_cookie(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider, "/")
        request = browser.request_of()
        assert provider.client_secret not in urllib.parse.unquote(browser.url)
        assert request["nonce"] not in browser.cookie_header() and request["code_challenge"] not in browser.cookie_header()
        browser.come_back(browser.authorize())
        assert provider.form["code_verifier"] not in browser.url

    def test_scopes_and_parameters_are_those_of_the_configuration(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, {
            "scopes": ["openid", "groups", "offline_access"],
            "parameters": {"prompt": "login", "acr_values": "urn:mace:gold silver", "kc_idp_hint": "a&b=ü#?"}})
        request = OpenIDVisit(gate, provider, "/").request_of()
        assert request["scope"] == "openid groups offline_access"
        assert {name: request[name] for name in ("prompt", "acr_values", "kc_idp_hint")} == {
            "prompt": "login", "acr_values": "urn:mace:gold silver", "kc_idp_hint": "a&b=ü#?"}

    @pytest.mark.parametrize("query", ["?tenant=a%20b", "?tenant=a%20b&", "?"])
    def test_the_query_of_the_endpoint_is_kept(self, provider, start_openid_gate, query):
        provider.metadata["authorization_endpoint"] = provider.endpoint("authorize") + query
        gate = start_openid_gate(provider)
        url = OpenIDVisit(gate, provider, "/").url
        assert url.startswith(provider.endpoint("authorize") + "?") and "?&" not in url and "&&" not in url
        assert ("tenant=a%20b&" in url) == ("tenant" in query)
        assert urllib.parse.urlsplit(url).query.count("response_type=code") == 1

    def test_programs_get_401_with_the_address_of_the_sign_in(self, openid_gate, provider):
        response = openid_gate.exchange("GET", "/api", XHR)
        assert response.status == 401 and response.json()["error"] == "unauthenticated"
        assert response.json()["login_url"].startswith(openid_gate.origin + "/.sidegate/login")
        response = openid_gate.exchange("GET", "/.sidegate/login?return_to=/here", NAVIGATION)
        assert response.status == 302 and response["Location"].startswith(provider.endpoint("authorize"))

    def test_forward_auth_redirects_to_the_provider(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, trustedProxies=["127.0.0.0/8"])
        asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.test", "X-Forwarded-Uri": "/x",
                 **NAVIGATION}
        assert gate.exchange("GET", "/.sidegate/auth", asked).status == 401
        response = gate.exchange("GET", "/.sidegate/auth?redirect=1", asked)
        assert response.status == 302
        request = OpenIDVisit(gate, provider).request_of(response["Location"])
        assert request["redirect_uri"] == "https://app.test" + CALLBACK


class TestSignIn:
    def test_from_the_deep_link_to_the_app(self, openid_gate, provider, upstream):
        browser = OpenIDVisit(openid_gate, provider, DEEP_LINK)
        answer = browser.authorize()
        response = browser.come_back(answer)
        assert accepted(response) == DEEP_LINK
        assert "no-store" in response["Cache-Control"]
        assert answer.parameters["code"] not in str(response.fields)
        # One counts returns, against redirect loops; the attempt's own says no more than that it is over.
        state = answer.parameters["state"]
        assert set(browser.cookies) == {"sidegate", "sidegate-login-returns", f"sidegate-login-{state}"}
        assert browser.navigate(DEEP_LINK).status == 200
        request = upstream.last
        assert request.target == DEEP_LINK
        assert request.get("X-Forwarded-User") == "248289761001"
        assert request.get("X-Forwarded-Email") == "ada@example.com"
        assert request.get("X-Forwarded-Preferred-Username") == "ada"
        assert request.get("X-Forwarded-Groups") == "staff,admins"
        assert "sidegate" not in (request.get("Cookie") or "")

    def test_one_request_to_the_token_endpoint_for_each_sign_in(self, openid_gate, provider):
        OpenIDVisit(openid_gate, provider).sign_in()
        assert provider.count("token") == 1 and provider.count("userinfo") == 0 and provider.count("authorize") == 0

    @pytest.mark.parametrize("way", ["http/1.1", "h2c", "https", "https-h2"])
    def test_every_protocol_of_the_browser(self, provider, start_openid_gate, authority, upstream, way):  # noqa: F811
        secure = authority if way.startswith("https") else None
        gate = start_openid_gate(provider, is_up=not secure, **(secure_settings(authority) if secure else {}))
        over = OverHTTPX(gate, way, secure)
        try:
            ready(over)
            browser = OpenIDVisit(over, provider)
            browser.sign_in(DEEP_LINK)
            assert browser.navigate(DEEP_LINK).status == 200
            assert upstream.last.get("X-Forwarded-Email") == "ada@example.com"
            assert (way.startswith("https")) == any(name.startswith("__Host-") for name in browser.cookies)
        finally:
            over.close()

    def test_parallel_tabs_each_end_at_their_own_page(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        urls = [browser.go(f"/tab/{number}") for number in range(3)]
        answers = [provider.authorize(url) for url in urls]
        for number in (2, 0, 1):
            assert accepted(browser.come_back(answers[number])) == f"/tab/{number}"

    def test_the_session_names_the_user_and_holds_no_token(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        browser.sign_in()
        text = json.dumps(browser.session())
        assert "ada@example.com" in text and "248289761001" in text
        assert not any(secret in text for secret in provider.secrets)

    def test_another_user_replaces_the_session(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        first = browser.go("/one")
        second = browser.go("/two")
        accepted(browser.come_back(provider.authorize(first)))
        accepted(browser.come_back(provider.authorize(second, sub="bob", email="bob@example.com", preferred_username="bob")))
        assert "bob@example.com" in json.dumps(browser.session()) and "ada@" not in json.dumps(browser.session())

    def test_a_user_who_is_not_registered_is_refused(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, access={"users": {"emailDomains": ["example.org"]}})
        browser = OpenIDVisit(gate, provider)
        refused(browser.enter(), "user_not_registered")
        assert not browser.has_session
        browser.sign_in(email="ada@example.org")

    def test_groups_of_another_claim_decide(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, token={"claims": {"groups": ["https://app.test/roles"]}},
                                 access={"rules": [{"paths": ["/admin/*"], "require": {"groups": ["admins"]}}]})
        browser = OpenIDVisit(gate, provider)
        browser.sign_in(groups=None, **{"https://app.test/roles": ["admins"]})
        assert browser.navigate("/admin/x").status == 200
        other = OpenIDVisit(gate, provider)
        other.sign_in(groups=["admins"], **{"https://app.test/roles": ["staff"]})
        assert other.navigate("/admin/x").status == 403

    def test_the_audit_names_the_sign_in(self, provider, start_openid_gate):
        gate = start_openid_gate(provider)
        OpenIDVisit(gate, provider).sign_in()
        assert "248289761001" in str(wait_for_audit(gate, "login"))
        assert lines(gate)

    def test_the_code_is_in_no_line_of_the_log(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, log={"level": "trace"})
        OpenIDVisit(gate, provider).sign_in()
        browser = OpenIDVisit(gate, provider, "/again")
        answer = provider.error(browser.url, "access_denied", iss=provider.issuer, error_description="the-description-0001")
        refused(browser.come_back(answer), "provider_error")
        assert "the-description-0001" not in gate.log()  # the fixture searches for the secrets

    def test_a_replica_finishes_what_another_began(self, provider, start_openid_gate):
        """Nothing of an attempt is kept in the process."""
        gates = [UnderName(start_openid_gate(provider, publicURL="http://app.test"), "http://app.test") for _ in range(2)]
        browser = OpenIDVisit(gates[0], provider, "/page")
        browser.gate = gates[1]
        assert accepted(browser.come_back(browser.authorize())) == "/page"


class TestTokenRequest:
    def test_the_fields_are_those_of_the_flow(self, openid_gate, provider):
        browser = OpenIDVisit(openid_gate, provider)
        browser.sign_in()
        request, = provider.requests("token")
        assert {name: provider.form[name] for name in ("grant_type", "redirect_uri")} == {
            "grant_type": "authorization_code", "redirect_uri": openid_gate.origin + CALLBACK}
        assert request.method == "POST" and request.get("Cookie") is None
        assert provider.client_secret not in request.body.decode()
        assert len(provider.form["code_verifier"]) >= 43

    @pytest.mark.parametrize("authentication, secret", [
        ("basic", "s3cret +%&/:=?ü€ and more of it, to be long"), ("post", "s3cret +%&/:=?ü€ and more of it, to be long"),
        ("basic", "plain-secret-0123456789-0123456789"), ("public", None)])
    def test_clients_are_authenticated_as_configured(self, start_provider, start_openid_gate, authentication, secret):
        """RFC 6749 §2.3.1: for basic, both are form-encoded first."""
        provider = start_provider(client_id="the app/1+ü:2", client_secret=secret, authentication=authentication)
        OpenIDVisit(start_openid_gate(provider), provider).sign_in()
        assert provider.refusals == []

    def test_the_secret_may_be_in_a_file(self, provider, start_openid_gate, tmp_path):
        (tmp_path / "oidc").write_text(provider.client_secret + "\n")
        (tmp_path / "oidc").chmod(0o600)
        gate = start_openid_gate(provider, {"clientSecret": None, "clientSecretFile": str(tmp_path / "oidc")})
        OpenIDVisit(gate, provider).sign_in()

    def test_a_wrong_secret_is_reported_without_it(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, {"clientSecret": "another-secret-of-32-bytes-or-more-0001"})
        refused(OpenIDVisit(gate, provider).enter(), "code_exchange_failed")
        wait_until(lambda: "invalid_client" in gate.log(), "the provider's error in the log")
        assert "another-secret" not in gate.log()
        assert len(provider.refusals) == 1, "no second request with the same code"
        provider.refusals.clear()

    def test_the_public_url_is_the_redirect_uri(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, publicURL="https://app.test")
        request = OpenIDVisit(gate, provider, "/").request_of()
        assert request["redirect_uri"] == "https://app.test" + CALLBACK

    def test_another_return_path(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, {"returnPath": "/oauth2/callback"})
        browser = OpenIDVisit(gate, provider)
        browser.sign_in("/page")
        assert provider.form["redirect_uri"] == gate.origin + "/oauth2/callback"

    def test_token_type_is_compared_without_case(self, openid_gate, provider):
        provider.token_answer["token_type"] = "bearer"
        OpenIDVisit(openid_gate, provider).sign_in()

    def test_an_answer_with_more_members_and_another_content_type_is_accepted(self, openid_gate, provider):
        def answer(request, connection):
            body = json.dumps({**provider.tokens(request), "scope": "openid email", "session_state": "x", "not-before-policy": 0,
                               "more": {"nested": [1, 2.5, None, True]}})
            connection.respond(200, {"Content-Type": "application/json;charset=UTF-8"}, body)
        provider.scripts["token"] = answer
        OpenIDVisit(openid_gate, provider).sign_in()

    def test_a_chunked_answer_is_accepted(self, openid_gate, provider):
        def answer(request, connection):
            body = json.dumps(provider.tokens(request)).encode()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 100):
                piece = body[at:at + 100]
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        provider.scripts["token"] = answer
        OpenIDVisit(openid_gate, provider).sign_in()

    def test_without_an_access_token_at_hash_is_not_needed(self, openid_gate, provider):
        provider.token_answer["access_token"] = None
        provider.id_claims["at_hash"] = None
        OpenIDVisit(openid_gate, provider).sign_in()


class TestUserInfo:
    @pytest.fixture(scope="class")
    def asking(self, module_provider, module_upstream, start_module_gate):  # noqa: F811
        module_provider.reset()
        return ready(start_module_gate(module_upstream, **openid_settings(module_provider, {"userInfo": True})))

    def test_its_claims_complete_those_of_the_id_token(self, asking, provider, upstream):
        provider.id_claims.update(email=None, email_verified=None, groups=None, preferred_username=None)
        provider.user_info.update(groups=["from-userinfo"])
        browser = OpenIDVisit(asking, provider)
        browser.sign_in()
        assert browser.navigate("/").status == 200
        assert upstream.last.get("X-Forwarded-Email") == "ada@example.com"
        assert upstream.last.get("X-Forwarded-Groups") == "from-userinfo"
        request, = provider.requests("userinfo")
        assert request.get("Authorization").startswith("Bearer access-") and "access_token" not in request.target

    def test_claims_of_the_id_token_win(self, asking, provider):
        provider.user_info.update(email="mallory@example.com", preferred_username="mallory")
        browser = OpenIDVisit(asking, provider)
        browser.sign_in()
        assert "mallory" not in json.dumps(browser.session())

    @pytest.mark.parametrize("sub", ["another", None, "", 248289761001, "248289761001 "])
    def test_another_subject_is_refused(self, asking, provider, sub):
        """OpenID Connect Core §5.3.2: otherwise another user's claims could be put in place of this one's."""
        provider.user_info["sub"] = sub
        browser = OpenIDVisit(asking, provider)
        response = browser.enter()
        assert response.status in (403, 502), response.status
        assert "code_exchange_failed" in response.text and not browser.has_session

    def test_it_cannot_replace_the_protocols_own_claims(self, asking, provider):
        provider.user_info.update(iss="https://other.test", aud="other", exp=1, nonce="other", iat=1)
        OpenIDVisit(asking, provider).sign_in()

    def test_its_unverified_address_is_no_address(self, asking, provider):
        provider.id_claims.update(email=None, email_verified=None)
        provider.user_info["email_verified"] = False
        refused(OpenIDVisit(asking, provider).enter(), "field_missing")

    def test_an_id_token_does_not_verify_the_address_of_the_userinfo(self, asking, provider):
        """`email_verified` speaks of the address beside it."""
        provider.id_claims.update(email=None, email_verified=True)
        provider.user_info.update(email="mallory@example.com", email_verified=False)
        refused(OpenIDVisit(asking, provider).enter(), "field_missing")

    @pytest.mark.parametrize("token, info, is_in", [
        ((None, False), ("a@example.com", None), False), ((None, "false"), ("a@example.com", None), False),
        ((None, False), ("a@example.com", True), True), ((None, True), ("a@example.com", "false"), False),
        (("a@example.com", None), ("a@example.com", False), False), (("a@example.com", None), (None, "false"), False),
        (("a@example.com", False), ("a@example.com", True), False), (("a@example.com", True), ("a@example.com", False), True),
        ((None, None), ("a@example.com", "true"), True), ((None, None), ("a@example.com", None), True)], ids=repr)
    def test_what_both_say_of_the_address(self, asking, provider, token, info, is_in):
        provider.id_claims.update(email=token[0], email_verified=token[1])
        provider.user_info.update(email=info[0], email_verified=info[1])
        response = OpenIDVisit(asking, provider).enter()
        if is_in:
            accepted(response)
        else:
            refused(response, "field_missing")

    def test_it_is_not_asked_unless_configured(self, openid_gate, provider):
        OpenIDVisit(openid_gate, provider).sign_in()
        assert provider.count("userinfo") == 0


class TestEmail:
    @pytest.mark.parametrize("verified", [False, "false", "False", 0, None, ["true"], {}], ids=repr)
    def test_an_address_that_is_not_verified_is_no_address(self, openid_gate, provider, verified):
        provider.id_claims["email_verified"] = verified
        browser = OpenIDVisit(openid_gate, provider)
        if verified is None:  # the claim is absent: the provider says nothing
            browser.sign_in()
            assert "ada@example.com" in json.dumps(browser.session())
        else:
            refused(browser.enter(), "field_missing")
            assert not browser.has_session

    @pytest.mark.parametrize("verified", [True, "true"])
    def test_a_verified_address_is_one(self, openid_gate, provider, verified):
        """Some providers send the text."""
        provider.id_claims["email_verified"] = verified
        OpenIDVisit(openid_gate, provider).sign_in()

    def test_the_user_is_not_named_by_it_either(self, provider, start_openid_gate, upstream):
        """`token.claims.user` may name the claim email."""
        gate = start_openid_gate(provider, token={"required": [], "claims": {"user": ["email", "sub"]}})
        browser = OpenIDVisit(gate, provider)
        provider.id_claims["email_verified"] = False
        browser.sign_in()
        assert browser.navigate("/").status == 200
        assert upstream.last.get("X-Forwarded-User") == "248289761001" and not upstream.last.get("X-Forwarded-Email")

    def test_it_does_not_open_a_domain(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, token={"required": []}, access={"users": {"emailDomains": ["example.com"]}})
        provider.id_claims["email_verified"] = False
        refused(OpenIDVisit(gate, provider).enter(), "user_not_registered")

    def test_it_counts_where_the_configuration_says_so(self, provider, start_openid_gate):
        gate = start_openid_gate(provider, token={"acceptUnverifiedEmail": True})
        provider.id_claims["email_verified"] = False
        browser = OpenIDVisit(gate, provider)
        browser.sign_in()
        assert "ada@example.com" in json.dumps(browser.session())


class TestAlgorithms:
    def test_es256_is_accepted_by_default(self, openid_gate, provider):
        signer = Signer("elliptic", "ES256")
        provider.keys.append(signer.jwk)
        provider.mint = lambda claims, header: sign(signer, claims, **header)
        OpenIDVisit(openid_gate, provider).sign_in()

    def test_the_configuration_may_name_others(self, provider, start_openid_gate):
        signer = Signer("pss", "PS256")
        provider.keys.append(signer.jwk)
        gate = start_openid_gate(provider, token={"algorithms": ["PS256"]})
        refused(OpenIDVisit(gate, provider).enter(), "algorithm_not_allowed")
        provider.mint = lambda claims, header: sign(signer, claims, **header)
        OpenIDVisit(gate, provider).sign_in()

    def test_a_key_set_with_one_key_without_a_name(self, openid_gate, provider):
        provider.keys = [{name: value for name, value in provider.signer.jwk.items() if name != "kid"}]
        provider.id_header["kid"] = None
        OpenIDVisit(openid_gate, provider).sign_in()


class TestBearer:
    def test_an_id_token_is_no_bearer_token(self, openid_gate, provider, upstream):
        browser = OpenIDVisit(openid_gate, provider, "/")
        browser.authorize()
        grant = list(provider.grants.values())[-1]
        response = openid_gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {provider.id_token(grant)}"})
        assert response.status == 401 and upstream.requests == []

    def test_it_is_one_where_the_configuration_says_so(self, provider, start_openid_gate, upstream):
        gate = start_openid_gate(provider, token={"bearer": True})
        browser = OpenIDVisit(gate, provider, "/")
        browser.authorize()
        grant = list(provider.grants.values())[-1]
        response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {provider.id_token(grant)}"})
        assert response.status == 200 and upstream.last.get("X-Forwarded-Email") == "ada@example.com"

    @pytest.mark.parametrize("change", [{"aud": "other"}, {"iss": "https://other.test"}, {"aud": ["app", "other"], "azp": "other"}])
    def test_but_not_another_clients(self, provider, start_openid_gate, change):
        gate = start_openid_gate(provider, token={"bearer": True})
        browser = OpenIDVisit(gate, provider, "/")
        browser.authorize()
        grant = list(provider.grants.values())[-1]
        response = gate.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {provider.id_token(grant, **change)}"})
        assert response.status == 401


class TestFormPost:
    @pytest.fixture
    def posting(self, provider, start_openid_gate, authority):  # noqa: F811
        gate = start_openid_gate(provider, {"responseMode": "form_post"}, is_up=False, **secure_settings(authority))
        return ready(over_tls(gate, authority))

    def test_the_response_comes_as_a_form(self, posting, provider):
        browser = OpenIDVisit(posting, provider, DEEP_LINK)
        assert browser.request_of()["response_mode"] == "form_post"
        answer = browser.authorize()
        assert answer.mode == "form_post"
        assert accepted(browser.come_back(answer)) == DEEP_LINK

    def test_the_login_cookie_is_sent_with_a_form_of_another_site(self, posting, provider):
        response = posting.exchange("GET", "/", NAVIGATION)
        cookie = next(line for line in response.all("Set-Cookie") if "sidegate-login-" in line)
        assert "samesite=none" in cookie.lower() and "secure" in cookie.lower()

    def test_a_code_in_the_query_is_not_read(self, posting, provider):
        """Of two codes, another reader could take the other one."""
        browser = OpenIDVisit(posting, provider, "/")
        answer = browser.authorize()
        first = browser.navigate(f"{answer.redirect_uri}?{answer.query}", "POST",
                                 {**FROM_ANOTHER_SITE, "Content-Type": "application/x-www-form-urlencoded"}, b"")
        assert 400 <= first.status < 500 and not browser.has_session
        assert provider.count("token") == 0

    def test_a_large_form_is_refused(self, posting, provider):
        browser = OpenIDVisit(posting, provider, "/")
        answer = browser.authorize().changed(filler="x" * 300_000)
        assert 400 <= browser.come_back(answer).status < 500
        assert provider.count("token") == 0

    def test_it_needs_https(self, provider, tmp_path):
        code, said = check(tmp_path, settings("http://127.0.0.1:1", 8080, publicURL="http://app.test", **openid_settings(
            provider, {"responseMode": "form_post"})))
        assert code == 1 and "responseMode" in said and "https" in said, said


class TestTLS:
    """The provider is reached over verified TLS only."""

    def secure(self, start_provider, authority, label, names="DNS:localhost"):  # noqa: F811
        return start_provider(certificate=authority.issue(label, names))

    def test_a_certificate_of_the_configured_authority_is_accepted(self, start_provider, start_openid_gate, authority):  # noqa: F811
        provider = self.secure(start_provider, authority, "provider")
        gate = start_openid_gate(provider, {"tls": {"ca": authority.path}, "userInfo": True})
        OpenIDVisit(gate, provider).sign_in()
        assert all(provider.count(name) for name in ("discovery", "keys", "token", "userinfo"))
        assert set(provider.server.names) == {"localhost"}

    def test_a_certificate_of_another_authority_is_refused(self, start_provider, start_openid_gate, authority):  # noqa: F811
        provider = self.secure(start_provider, authority, "unknown")
        gate = start_openid_gate(provider, is_up=False)
        refused(gate.exchange("GET", "/", NAVIGATION), "provider_unavailable", 503)
        assert provider.count("discovery") == 0, "no request was sent"

    def test_a_certificate_of_another_name_is_refused(self, start_provider, start_openid_gate, authority):  # noqa: F811
        provider = self.secure(start_provider, authority, "elsewhere", "DNS:idp.test")
        gate = start_openid_gate(provider, {"tls": {"ca": authority.path}}, is_up=False)
        refused(gate.exchange("GET", "/", NAVIGATION), "provider_unavailable", 503)
        assert provider.count("discovery") == 0


class TestConfiguration:
    def checked(self, tmp_path, provider, identity=None, token=None, **changes):  # noqa: F811
        return check(tmp_path, settings("http://127.0.0.1:1", 8080, **openid_settings(provider, identity, token, **changes)))

    def test_a_good_one_is_good(self, tmp_path, provider):
        code, said = self.checked(tmp_path, provider)
        assert code == 0, said

    @pytest.mark.parametrize("identity, named", [
        ({"issuer": None}, "issuer"), ({"clientID": None}, "clientID"), ({"issuer": "http://idp.example.com"}, "https"),
        ({"issuer": "idp.example.com"}, "issuer"), ({"issuer": "https://idp.example.com/#x"}, "issuer"),
        ({"issuer": "https://idp.example.com/?a=b"}, "issuer"),
        ({"scopes": ["email"]}, "openid"), ({"responseMode": "fragment"}, "responseMode"),
        ({"clientAuthentication": "none"}, "clientAuthentication"), ({"protocol": "saml"}, "protocol"),
        ({"loginURL": "https://idp.example.com/login"}, "loginURL"), ({"clientSecret": ""}, "clientSecret"),
        *[({"parameters": {name: "x"}}, name) for name in (
            "state", "nonce", "client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "scope")],
    ], ids=lambda value: str(value)[:60])
    def test_what_is_wrong_is_named(self, tmp_path, provider, identity, named):
        code, said = self.checked(tmp_path, provider, identity)
        assert code == 1 and named in said, said
        assert provider.client_secret not in said

    def test_options_of_openid_connect_belong_to_it(self, tmp_path, provider):
        code, said = check(tmp_path, settings("http://127.0.0.1:1", 8080, identityProvider={"clientID": "app"}))
        assert code == 1 and "clientID" in said and "oidc" in said, said

    def test_a_secret_is_never_printed(self, tmp_path, provider):
        self.checked(tmp_path, provider)
        done = sidegate("config", "print", "--effective", "--config", tmp_path / "sidegate.yaml")
        assert done.returncode == 0, done.stderr
        assert provider.client_secret not in done.stdout and "clientID" in done.stdout


def test_the_harness_is_right_about_its_own_tokens(provider):
    """at_hash is the left half of the access token's digest (OpenID Connect Core §3.1.3.6)."""
    grant = Grant({"nonce": "n-0S6_WzA2Mj"}, user())
    # The example of the specification's §A.3.
    claims = claims_of(provider.id_token(grant, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"))
    assert claims["at_hash"] == "77QmUPtjPfzWtF2AnpK9RQ"
