# SPDX-License-Identifier: Apache-2.0
"""Preset loginradius: its login URL, nine algorithms, each claim of its best practices."""

import secrets
import time

import pytest

from harness import mints
from harness.gate import XHR, with_parameter
from harness.mints import by_openssl, by_php, by_python
from harness.visits import Visit, accepted, query, refused

SECRET = "the-secret-key-of-the-jwt-app-at-loginradius-which-is-64-octets-long"
ISSUER = "https://acme.hub.loginradius.com/"
PROVIDER = {"preset": "loginradius", "apiKey": "5f2c-key", "jwtApp": "companyjwtapp", "appName": "acme", "loginURL": None}
LOGINRADIUS = {"identityProvider": PROVIDER, "token": {"algorithms": ["HS256"], "keys": [{"secret": SECRET}]}}


def changed(**sections) -> dict:
    return {name: {**LOGINRADIUS.get(name, {}), **sections.get(name, {})} for name in {*LOGINRADIUS, *sections}}


def payload(**changes) -> dict:
    """The payload as on its page: valid for ten minutes, with equal nbf and iat."""
    now = int(time.time())
    values = {"iss": ISSUER, "sub": "f3a9c0", "jti": secrets.token_hex(16), "email": "ada@example.com", "iat": now,
              "nbf": now, "exp": now + 600}
    return {n: v for n, v in {**values, **changes}.items() if v is not None}


def token(**changes) -> str:
    return by_php(payload(**changes), SECRET)


@pytest.fixture(scope="module")
def module_loginradius(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, **LOGINRADIUS)


@pytest.fixture
def loginradius(module_loginradius, upstream):
    return module_loginradius


class TestRedirectAndReturn:
    def test_loginradius_login_url(self, loginradius):
        location = Visit(loginradius).go("/wiki?page=1")
        assert location.startswith(
            "https://cloud-api.loginradius.com/sso/jwt/redirect/token?apikey=5f2c-key&jwtapp=companyjwtapp&return_url=http%3A%2F%2F")
        values = query(location)
        assert list(values) == ["apikey", "jwtapp", "return_url"]
        assert values["return_url"].startswith(loginradius.origin + "/.sidegate/callback")

    def test_loginradius_login_url_is_percent_encoded(self, upstream, start_gate):
        gate = start_gate(upstream, **changed(identityProvider={"apiKey": "a b&c=d", "jwtApp": "Ünï/app?"}))
        location = Visit(gate).go()
        assert "apikey=a%20b%26c%3Dd&jwtapp=%C3%9Cn%C3%AF%2Fapp%3F&return_url=" in location

    def test_loginradius_return_url_returns_each_tab_to_its_page(self, loginradius):
        browser = Visit(loginradius)
        urls = {target: query(browser.go(target))["return_url"] for target in ("/one?a=1", "/two")}
        for target in ("/one?a=1", "/two"):
            assert accepted(browser.navigate(with_parameter(urls[target], "jwt", token()))) == target

    def test_loginradius_sub_is_the_user(self, loginradius, upstream):
        browser = Visit(loginradius)
        accepted(browser.enter(token()))
        browser.navigate("/")
        assert upstream.last.get("X-Forwarded-User") == "f3a9c0"
        assert upstream.last.get("X-Forwarded-Email") == "ada@example.com"

    def test_loginradius_email_is_optional(self, loginradius):
        assert accepted(Visit(loginradius).enter(token(email=None)))
        refused(Visit(loginradius).enter(token(email=None, sub=None)), "field_missing")

    def test_loginradius_query_string_parameter_is_a_setting(self, upstream, start_gate):
        gate = start_gate(upstream, **changed(identityProvider={"tokenParameter": "LRToken"}))
        assert accepted(Visit(gate, parameter="LRToken").enter(token()))
        refused(Visit(gate, parameter="jwt").enter(token()), "token_missing", 400)

    @pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test/", "https:evil.test", "/\\evil.test"])
    def test_loginradius_return_url_outside_this_site_is_refused(self, loginradius, target):
        response = Visit(loginradius).navigate(with_parameter("/.sidegate/login", "return_to", target))
        assert "evil" not in response.get("Location", "")

    def test_loginradius_delegated_tokens_of_its_api_are_bearers(self, loginradius, upstream):
        bearer = token()
        for _ in range(2):
            response = loginradius.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {bearer}"})
            assert response.status == 200 and response.all("Set-Cookie") == []
            assert upstream.last.get("X-Forwarded-User") == "f3a9c0"
        response = loginradius.exchange("GET", "/api", {**XHR, "Authorization": f"Bearer {token(iss='https://evil.test/')}"})
        assert response.status == 401 and 'error_description="issuer_mismatch"' in response["WWW-Authenticate"]


class TestAlgorithms:
    ALL = [family + size for family in ("HS", "RS", "ES") for size in ("256", "384", "512")]

    @pytest.fixture(scope="class")
    def private_keys(self):
        rsa = mints.private_key("RS256")
        return {name: SECRET if name.startswith("HS") else rsa if name.startswith("RS") else mints.private_key(name)
                for name in self.ALL}

    def start(self, upstream, start_gate, folder, name, key):
        if name.startswith("HS"):
            keys = [{"secret": key}]
        else:
            (folder / "idp.pem").write_text(mints.public_key(key))
            keys = [{"publicKeyFile": str(folder / "idp.pem")}]
        return start_gate(upstream, identityProvider=PROVIDER, token={"algorithms": [name], "keys": keys})

    @pytest.mark.parametrize("name", ALL)
    def test_loginradius_algorithm(self, upstream, start_gate, tmp_path, private_keys, name):
        key = private_keys[name]
        gate = self.start(upstream, start_gate, tmp_path, name, key)
        header = f'{{"alg":"{name}","typ":"JWT"}}'
        for mint in (by_php, by_openssl):
            browser = Visit(gate)
            assert accepted(browser.enter(mint(payload(), key, header, name), "/page")) == "/page"
        other = "HS256" if name != "HS256" else "HS512"
        refused(Visit(gate).enter(by_python(payload(), SECRET, f'{{"alg":"{other}"}}', other)), "algorithm_not_allowed")

    def test_loginradius_every_algorithm_is_allowed_by_default(self, upstream, start_gate, tmp_path, private_keys):
        (tmp_path / "rs.pem").write_text(mints.public_key(private_keys["RS256"]))
        (tmp_path / "es.pem").write_text(mints.public_key(private_keys["ES384"]))
        keys = [{"secret": SECRET}, {"publicKeyFile": str(tmp_path / "rs.pem")}, {"publicKeyFile": str(tmp_path / "es.pem")}]
        gate = start_gate(upstream, identityProvider=PROVIDER, token={"keys": keys})
        for name in ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES384"):
            accepted(Visit(gate).enter(by_openssl(payload(), private_keys[name], f'{{"alg":"{name}"}}', name)))

    def test_loginradius_public_key_is_not_an_hmac_secret(self, upstream, start_gate, tmp_path, private_keys):
        """The token's header must not determine how the key is used."""
        gate = self.start(upstream, start_gate, tmp_path, "RS256", private_keys["RS256"])
        pem = mints.public_key(private_keys["RS256"])
        for key in (pem, pem.strip()):
            response = Visit(gate).enter(by_python(payload(), key, '{"alg":"HS256","typ":"JWT"}'))
            refused(response, "algorithm_not_allowed")


class TestClaims:
    def test_loginradius_issuer_is_derived_from_the_app_name(self, loginradius):
        for wrong in ("https://evil.hub.loginradius.com/", ISSUER.rstrip("/"), ISSUER.upper(), None, ISSUER + "x"):
            refused(Visit(loginradius).enter(token(iss=wrong)), "issuer_mismatch")

    def test_loginradius_issuer_may_be_set(self, upstream, start_gate):
        gate = start_gate(upstream, **changed(token={"issuer": "https://login.acme.test/"}))
        assert accepted(Visit(gate).enter(token(iss="https://login.acme.test/")))
        refused(Visit(gate).enter(token()), "issuer_mismatch")

    def test_loginradius_aud_when_present_must_name_the_gate(self, loginradius, upstream, start_gate):
        refused(Visit(loginradius).enter(token(aud="https://other.test")), "audience_mismatch")
        gate = start_gate(upstream, **changed(token={"audience": ["https://app.test", "second"]}))
        for audience in ("https://app.test", ["x", "second"]):
            assert accepted(Visit(gate).enter(token(aud=audience)))
        for audience in ("https://other.test", [], ["https://app.test/"], None):
            refused(Visit(gate).enter(token(aud=audience)), "audience_mismatch")

    def test_loginradius_any_aud_may_be_accepted(self, upstream, start_gate):
        gate = start_gate(upstream, **changed(token={"acceptAnyAudience": True}))
        assert accepted(Visit(gate).enter(token(aud="https://other.test")))

    @pytest.mark.parametrize("changes, code", [
        ({"exp": -30}, None), ({"exp": -90}, "expired"),
        ({"nbf": 30}, None), ({"nbf": 120}, "not_yet_valid"),
        ({"iat": 30}, None), ({"iat": 120}, "issued_in_future"),
        ({"iat": -570, "nbf": -570, "exp": 30}, None),
        ({"iat": -700, "nbf": -700, "exp": 600}, "too_old"),
    ], ids=str)
    def test_loginradius_times_have_a_skew_of_a_minute(self, loginradius, changes, code):
        now = int(time.time())
        response = Visit(loginradius).enter(token(**{name: now + offset for name, offset in changes.items()}))
        assert accepted(response) if code is None else refused(response, code) is None

    @pytest.mark.parametrize("changes, code", [
        ({"exp": -10}, "expired"), ({"nbf": 20}, "not_yet_valid"), ({"iat": 20}, "issued_in_future")], ids=str)
    def test_loginradius_skew_of_a_few_seconds_is_a_setting(self, upstream, start_gate, changes, code):
        gate = start_gate(upstream, **changed(token={"clockSkew": "5s"}))
        now = int(time.time())
        refused(Visit(gate).enter(token(**{name: now + offset for name, offset in changes.items()})), code)

    def test_loginradius_times_may_be_fractional_but_not_text(self, loginradius):
        now = time.time()
        assert accepted(Visit(loginradius).enter(token(iat=now - 0.5, nbf=now - 0.25, exp=now + 60.75)))
        for name in ("iat", "nbf", "exp"):
            response = Visit(loginradius).enter(token(**{name: str(int(now))}))
            refused(response, "claims_malformed")

    def test_loginradius_jti_is_for_single_use(self, loginradius):
        once = token()
        accepted(Visit(loginradius).enter(once))
        refused(Visit(loginradius).enter(once), "replayed")

    def test_loginradius_same_jti_is_a_replay_where_jti_is_required(self, upstream, start_gate):
        gate = start_gate(upstream, **changed(token={"minimumIDLength": 8}))
        accepted(Visit(gate).enter(token(jti="unique string")))
        refused(Visit(gate).enter(token(jti="unique string", sub="another")), "replayed")
        refused(Visit(gate).enter(token(jti=None)), "id_missing")


def test_loginradius_custom_claims_are_mapped_to_fields(upstream, start_gate):
    """"Enter any value for the key column, these values will be used as keys for claims." """
    gate = start_gate(upstream, **changed(
        token={"claims": {"user": ["Uid", "sub"], "email": ["mail"], "groups": ["Roles"], "country": ["Land"]},
               "required": ["country"]}),
        identityHeaders={"X-Country": "{country}", "X-Who": "{user} <{email}>"})
    browser = Visit(gate)
    accepted(browser.enter(token(Uid="u1", mail="ada@acme.test", Roles=["a", "b"], Land="Österreich")))
    browser.navigate("/")
    assert upstream.last.get("X-Forwarded-User") == "u1"
    assert upstream.last.get("X-Forwarded-Groups") == "a,b"
    assert upstream.last.get("X-Country").encode("latin-1").decode() == "Österreich"
    assert upstream.last.get("X-Who") == "u1 <ada@acme.test>"
    refused(Visit(gate).enter(token(Uid="u1")), "field_missing")
