# SPDX-License-Identifier: Apache-2.0
"""What a refused sign-in says: fields and limits by name, times and by how much they were missed, wrong units, addresses."""

import time

import pytest

from harness import tokens
from harness.gate import FROM_ANOTHER_SITE, Browser, sidegate
from harness.journal import lines, wait_for_audit
from harness.process import wait_until
from harness.tokens import token
from harness.visits import Visit, accepted, refused


@pytest.fixture
def gate(upstream, start_gate):
    """One with a log of its own."""
    return start_gate(upstream)


class TestFields:
    @pytest.mark.parametrize("claims, sent", [
        ({"family_name": "Lovelace "}, {"familyName": "Lovelace"}), ({"given_name": " "}, {}), ({"given_name": "\tAda\n"}, {"givenName": "Ada"}),
        ({"preferred_username": " ada"}, {"preferredUsername": "ada"}), ({"given_name": "a\x00b"}, {}), ({"family_name": {"a": 1}}, {}),
        ({"given_name": "x" * 2000}, {}),
        ({"groups": ["staff", " admins", "ops ", 5, None, {"a": 1}, ["x"], "dev"]}, {"groups": ["staff", "dev"]})])
    def test_what_is_only_shown_never_refuses(self, gate, claims, sent):
        browser = Visit(gate)
        assert accepted(browser.enter(token(**{"family_name": None, "given_name": None, "preferred_username": None, "groups": None, **claims})))
        fields = browser.fetch("GET", "/.sidegate/session").json()["fields"]
        assert fields == {"user": "ada", "email": "ada@example.com", **sent}

    def test_a_field_that_is_left_out_is_logged(self, gate):
        assert accepted(Visit(gate).enter(token(family_name="a\nb", groups=["x", " y"])))
        wait_until(lambda: any(line.get("decision") == "sign-in" for line in lines(gate)), "the line")
        line, = (line for line in lines(gate) if line.get("decision") == "sign-in")
        assert "familyName was left out" in line["detail"] and "1 of 2 values of the field groups" in line["detail"]

    @pytest.mark.parametrize("claims, words", [
        ({"groups": [f"g{n}" for n in range(600)]}, ["groups", "600", "512"]),
        ({"groups": ["x" * 2000]}, ["groups", "2000", "1024"]),
        ({"groups": [f"{n:060}" for n in range(170)]}, ["groups", "10240"]),
        ({"email": "a" * 320 + "@example.com"}, ["email", "332", "320"]), ({"email": "a@b@c.d"}, ["email", "@"]),
        ({"email": " ada@example.com"}, ["email"]), ({"sub": "ada "}, ["user", "white space"]), ({"sub": "a\nb"}, ["user", "control character"]),
        ({"site_access": [f"s{n}" for n in range(600)]}, ["sites", "512"]), ({"guest": {"a": 1}}, ["guest"])])
    def test_a_limit_or_a_malformed_field_is_named(self, gate, claims, words):
        response = Visit(gate).enter(token(**claims))
        refused(response, "field_invalid")
        line = wait_for_audit(gate, "denied")
        for word in words:
            assert word in response.text and word in line["detail"], (word, line)
        assert "x" * 2000 not in gate.log()

    def test_explain_names_it_too(self, gate):
        done = sidegate("explain", "--config", gate.config, token(groups=[f"g{n}" for n in range(600)]))
        assert done.returncode == 2 and "The field groups has 600 values; at most 512 are accepted." in done.stdout, done.stdout


class TestTimes:
    @pytest.mark.parametrize("claims, reason, words", [
        (lambda now: {"exp": now - 303}, "expired", "exp missed by 4 min"),
        (lambda now: {"nbf": now + 600}, "not_yet_valid", "nbf missed by"),
        (lambda now: {"iat": now + 600}, "issued_in_future", "iat missed by"),
        (lambda now: {"iat": now - 3600}, "too_old", "iat missed by 54 min"),
    ])
    def test_user_key_and_difference_are_logged(self, upstream, start_gate, claims, reason, words):
        gate = start_gate(upstream, token={"keys": [{"secret": tokens.SECRET, "keyID": "key-7"}]})
        jwt = token(**claims(int(time.time())))
        refused(Visit(gate).enter(jwt), reason)
        line = wait_for_audit(gate, "denied")
        assert line["user"] == "ada" and line["reason"] == reason
        assert words in line["detail"] and "key-7" in line["detail"]
        access, = (line for line in lines(gate) if line.get("kind") == "access" and line.get("reason") == reason)
        assert access["user"] == "ada" and access["detail"] == line["detail"]
        assert jwt not in gate.log() and jwt.split(".")[1] not in gate.log()

    def test_nothing_is_said_of_a_token_that_no_key_signed(self, gate):
        refused(Visit(gate).enter(token("a-secret-of-somebody-else-with-32-bytes", exp=1, sub="mallory")), "signature_invalid")
        line = wait_for_audit(gate, "denied")
        assert "user" not in line and "detail" not in line and "mallory" not in gate.log()

    def test_a_refused_user_is_logged_with_the_key(self, upstream, start_gate):
        gate = start_gate(upstream, token={"keys": [{"secret": tokens.SECRET, "keyID": "key-7"}]}, access={"users": {"emails": ["bob@example.com"]}})
        refused(Visit(gate).enter(token()), "user_not_registered")
        line = wait_for_audit(gate, "denied")
        assert line["user"] == "ada" and "key-7" in line["detail"]

    @pytest.mark.parametrize("claim, reason", [("iat", "issued_in_future"), ("nbf", "not_yet_valid")])
    def test_milliseconds_are_named_and_no_clock(self, gate, claim, reason):
        response = Visit(gate).enter(token(**{claim: int(time.time() * 1000)}))
        refused(response, reason)
        assert "milliseconds" in response.text and "clock" not in response.text.lower()
        line = wait_for_audit(gate, "denied")
        assert f"{claim} is in milliseconds" in line["detail"]


class TestAnotherAddress:
    def come_back(self, gate, host, headers=()):
        jwt = token()
        url = f"/.sidegate/callback?jwt={jwt}"
        return gate.exchange("GET", url, {"Accept": "text/html", **dict(headers)}, host=host)

    @pytest.mark.parametrize("initiated", ["confirm", "deny"])
    @pytest.mark.parametrize("host, headers, came", [
        ("other.test", {"X-Forwarded-Proto": "https"}, "https://other.test"), ("app.test", {"X-Forwarded-Proto": "http"}, "http://app.test"),
        ("app.test", {}, "http://app.test")])
    def test_is_named_in_place_of_a_question(self, upstream, start_gate, initiated, host, headers, came):
        gate = start_gate(upstream, publicURL="https://app.test", trustedProxies=["127.0.0.1"], identityProvider={"initiated": initiated})
        response = self.come_back(gate, host, headers)
        assert response.status == (200 if initiated == "confirm" else 403)
        assert f"{came}, but the address of this site is https://app.test;" in response.text.replace("&#x2F;", "/"), response.text
        assert "Is this you?" not in response.text
        wait_until(lambda: any(came in line.get("detail", "") for line in lines(gate)), "the log")

    @pytest.mark.parametrize("headers", [{"X-Forwarded-Proto": "https"}, {"Sec-Fetch-Mode": "navigate", **FROM_ANOTHER_SITE}])
    def test_the_right_one_is_asked_about(self, upstream, start_gate, headers):
        gate = start_gate(upstream, publicURL="https://app.test", trustedProxies=["127.0.0.1"])
        assert "Is this you?" in self.come_back(gate, "app.test", headers).text

    def test_a_sign_in_that_began_here_is_not_disturbed(self, upstream, start_gate):
        gate = start_gate(upstream, publicURL="https://app.test")
        browser = Browser(gate)
        browser.start("/")
        assert browser.navigate(f"/.sidegate/callback?jwt={token()}", headers=FROM_ANOTHER_SITE).status == 303


class TestUnverifiedAddresses:
    """`email_verified` counts whatever the protocol: by `?jwt=`, as bearer token, and for `explain`."""

    @pytest.mark.parametrize("verified", [False, "false", "False", 0, "", []], ids=repr)
    def test_it_is_no_address(self, gate, upstream, verified):
        response = Visit(gate).enter(token(email_verified=verified))
        refused(response, "field_missing")
        assert "email_verified is not true" in response.text and "acceptUnverifiedEmail" in response.text
        line = wait_for_audit(gate, "denied")
        assert line["reason"] == "field_missing" and "acceptUnverifiedEmail" in line["detail"], line
        bearer = gate.exchange("GET", "/", {"Accept": "application/json", "Authorization": f"Bearer {token(email_verified=verified)}"})
        assert bearer.status == 401 and bearer.json()["error_description"] == "field_missing"
        done = sidegate("explain", "--config", gate.config, token(email_verified=verified))
        assert done.returncode == 2 and done.stdout.endswith("refused: field_missing\n"), done.stdout
        assert "email_verified" in done.stdout, done.stdout

    @pytest.mark.parametrize("verified", [True, "true", None], ids=repr)
    def test_it_is_one(self, gate, verified):
        assert accepted(Visit(gate).enter(token(email_verified=verified)))

    def test_a_token_without_need_of_one_signs_in_without(self, start_gate, upstream):
        gate = start_gate(upstream, token={"required": []}, access={"rules": [{"paths": ["/mail/*"], "require": {"email": ["ada@example.com"]}}]})
        browser = Visit(gate)
        accepted(browser.enter(token(email_verified=False)))
        assert "email" not in browser.fetch("GET", "/.sidegate/session").json()["fields"]
        assert browser.navigate("/mail/x").status == 403
        assert not upstream.requests or upstream.last.get("X-Forwarded-Email") is None

    def test_it_counts_where_the_configuration_says_so(self, start_gate, upstream):
        gate = start_gate(upstream, token={"acceptUnverifiedEmail": True})
        browser = Visit(gate)
        accepted(browser.enter(token(email_verified=False)))
        assert browser.fetch("GET", "/.sidegate/session").json()["fields"]["email"] == "ada@example.com"
