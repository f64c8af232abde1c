# SPDX-License-Identifier: Apache-2.0
"""Where a user's fields come from, and how lists of them are written: nested claims, texts with several values, separators in
headers, and domains of e-mail addresses in either form."""

import json

import pytest

from harness import tokens
from harness.frames import FrameConnection
from harness.gate import XHR, Browser, settings, sidegate
from harness.journal import lines
from harness.process import wait_until

CLAIMS = {
    "groups": ["realm_access.roles", "groups"],
    "scopes": {"claims": ["scope"], "split": " "},
    "roles": {"paths": [["resource_access", "my.app", "roles"]]},
    "department": ["org.unit"],
}
HEADERS = {"X-Groups": "{groups;|}", "X-Scopes": "{scopes; }", "X-Roles": "{roles;, }", "X-Department": "{department}"}


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, token={"claims": CLAIMS}, identityHeaders=HEADERS)


def headers(gate, upstream, **claims) -> dict:
    """What the app gets for a user with these claims: by a session, by a bearer token, and over HTTP/2."""
    session = gate.session_cookie(**claims)
    bearer = {"Authorization": "Bearer " + tokens.token(**claims)}
    found = []
    for fields in (session, bearer):
        assert gate.exchange("GET", "/", {**XHR, **fields}).status == 200
        found.append({name: upstream.last.get(name) for name in HEADERS})
    with FrameConnection(gate.port) as connection:
        assert connection.get("/", [(name.lower(), value) for name, value in session.items()]).status == 200
    found.append({name: upstream.last.get(name) for name in HEADERS})
    assert found[0] == found[1] == found[2]
    return {name: value for name, value in found[0].items() if value is not None}


def test_members_of_objects_are_claims(gate, upstream):
    found = headers(gate, upstream, groups=None, realm_access={"roles": ["staff", "a|b"]}, scope="read  write:all",
                    resource_access={"my.app": {"roles": ["x", "y, z"]}}, org={"unit": "Research"})
    assert found == {"X-Groups": "staff|a%7Cb", "X-Scopes": "read write:all", "X-Roles": "x, y%2C z", "X-Department": "Research"}


@pytest.mark.parametrize("claims, groups", [
    ({"realm_access": {"roles": ["path"]}, "realm_access.roles": ["name"]}, "name"),
    ({"realm_access": {"roles": ["path"]}, "realm_access.roles": []}, "path"),
    ({"realm_access": {"roles": ["path"]}, "realm_access.roles": None}, "path"),
    ({"realm_access": {"roles": ["path"]}, "realm_access.roles": {"a": 1}}, None),
    ({"realm_access": {"roles": ["path"]}, "realm_access.roles": 5}, None),
    ({"realm_access": {"roles": {"a": 1}}}, None),
    ({"realm_access": {"role": ["path"]}}, "staff|admins"), ({"realm_access": [{"roles": ["path"]}]}, "staff|admins"),
    ({"realm_access": "roles"}, "staff|admins"), ({"realm_access": {"roles": "one, two"}}, "one|two"),
])
def test_a_name_comes_before_its_path_and_a_wrong_shape_makes_no_room(gate, upstream, claims, groups):
    assert headers(gate, upstream, **claims).get("X-Groups") == groups


def test_a_path_never_reads_one_name(gate, upstream):
    assert "X-Roles" not in headers(gate, upstream, **{"resource_access.my.app.roles": ["x"]})


@pytest.mark.parametrize("claims", [{"org": {"unit": {"a": 1}}}, {"org": {"unit": "a\nb"}}, {"scope": {"a": 1}}, {"org.unit": [["a"]]}])
def test_a_field_that_is_only_shown_never_refuses_a_sign_in(gate, upstream, claims):
    found = headers(gate, upstream, **claims)
    assert "X-Department" not in found and "X-Scopes" not in found
    def words():
        return [line.get("detail", "") for line in lines(gate) if line.get("decision") == "sign-in"]
    wait_until(lambda: any("was left out: it " in word for word in words()[-1:]), "a word in the log")


@pytest.mark.parametrize("claims, field, words", [
    ({"realm_access": {"roles": ["g"] * 600}}, "groups", ["600", "512"]),
    ({"realm_access": {"roles": ["g" * 1100]}}, "groups", ["1100", "1024"]),
])
def test_a_limit_refuses_and_is_named(gate, claims, field, words):
    browser = Browser(gate)
    page = browser.sign_in_with(tokens.token(**claims))
    assert page.status == 403 and "field_invalid" in page.text
    for word in [field, *words]:
        assert word in page.text


def test_a_rule_can_require_any_of_them(upstream, start_gate):
    gate = start_gate(upstream, token={"claims": CLAIMS}, access={"rules": [{"paths": ["/*"], "require": {"scopes": ["write"]}}]})
    assert gate.exchange("GET", "/", {**XHR, **gate.session_cookie(scope="read write")}).status == 200
    assert gate.exchange("GET", "/", {**XHR, **gate.session_cookie(scope="read,write")}).status == 403


class TestDomains:
    A_LABEL, U_LABEL = "xn--bcher-kva.example", "bücher.example"

    @pytest.mark.parametrize("users", [{"emailDomains": [A_LABEL]}, {"emailDomains": [U_LABEL]}, {"emailDomains": ["BÜCHER.Example"]},
                                       {"emails": [f"ada@{U_LABEL}"]}, {"emails": [f"Ada@{A_LABEL.upper()}"]}])
    def test_are_the_same_in_either_form(self, upstream, start_gate, users):
        gate = start_gate(upstream, access={"users": users})
        for domain in (self.A_LABEL, self.U_LABEL, "Bu\u0308cher.example", "XN--BCHER-KVA.example"):
            session = gate.session_cookie(email=f"ada@{domain}")
            assert gate.exchange("GET", "/", {**XHR, **session}).status == 200, domain
            assert upstream.last.get("X-Forwarded-Email").encode("latin-1").decode() == f"ada@{domain}", "as the token has it"
        bearer = {"Authorization": "Bearer " + tokens.token(email=f"ada@{self.U_LABEL}")}
        assert gate.exchange("GET", "/", {**XHR, **bearer}).status == 200
        for domain in ("bucher.example", "bücher.example.evil.test", "ｂücher.example", "bü\u200dcher.example", "xn--bcher-kvb.example",
                       "bücher。example"):
            bearer = {"Authorization": "Bearer " + tokens.token(email=f"ada@{domain}")}
            response = gate.exchange("GET", "/", {**XHR, **bearer})
            assert response.status == 403 and "user_not_registered" in response["WWW-Authenticate"], domain

    @pytest.mark.parametrize("listed, sent", [("faß.de", "xn--fa-hia.de"), ("xn--fa-hia.de", "FAß.de"), ("ПОЧТА.рф", "xn--80a1acny.xn--p1ai"),
                                              ("xn--wgv71a119e.jp", "日本語.jp"), ("βόλος.com", "xn--nxasmm1c.com"), ("한국.kr", "xn--3e0b707e.kr")])
    def test_of_other_alphabets(self, upstream, start_gate, listed, sent):
        gate = start_gate(upstream, access={"users": {"emailDomains": [listed]}})
        for domain, status in ((sent, 200), ("fass.de", 403), ("xn--fa-hia.de.test", 403)):
            bearer = {"Authorization": "Bearer " + tokens.token(email=f"ada@{domain}")}
            assert gate.exchange("GET", "/", {**XHR, **bearer}).status == status, domain

    def test_in_a_file_that_changes(self, upstream, start_gate, tmp_path):
        listed = tmp_path / "emails"
        listed.write_text(f"ada@{self.U_LABEL}\n")
        gate = start_gate(upstream, access={"users": {"emailsFile": str(listed)}})
        bearer = {**XHR, "Authorization": "Bearer " + tokens.token(email=f"ada@{self.A_LABEL}")}
        assert gate.exchange("GET", "/", bearer).status == 200
        listed.write_text("ada@example.com\n")
        wait_until(lambda: gate.exchange("GET", "/", bearer).status == 403, "the new list")

    def test_end_sessions_in_either_form(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie(email=f"ada@{self.U_LABEL}")
        assert gate.exchange("GET", "/", {**XHR, **session}).status == 200
        logout = tokens.token(sub=None, preferred_username=None, email=f"Ada@{self.A_LABEL}",
                              events={"http://schemas.openid.net/event/backchannel-logout": {}})
        form = f"logout_token={logout}".encode()
        assert gate.exchange("POST", "/.sidegate/backchannel-logout", {"Content-Type": "application/x-www-form-urlencoded"}, form).status == 200
        wait_until(lambda: gate.exchange("GET", "/", {**XHR, **session}).status == 401, "the end of the session")


class TestCommands:
    def run(self, tmp_path, *arguments, **changes):
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps(settings("http://127.0.0.1:3000", 8080, **changes), ensure_ascii=False))
        path.chmod(0o600)
        done = sidegate(*arguments, "--config", path)
        return done.returncode, done.stdout + done.stderr

    @pytest.mark.parametrize("claims, problem", [
        ({"groups": {"split": " "}}, "names no claim"), ({"groups": {"paths": [list("abcdefghi")]}}, "at most 8 names"),
        ({"groups": {"claim": ["a"]}}, "did you mean `claims`?"), ({"email": {"claims": ["email"], "split": ","}}, "has one value"),
    ])
    def test_check_names_the_line_and_the_fix(self, tmp_path, claims, problem):
        code, text = self.run(tmp_path, "check", token={"claims": claims})
        assert code == 1 and problem in text, text

    def test_check_accepts_all_forms(self, tmp_path):
        code, text = self.run(tmp_path, "check", token={"claims": CLAIMS}, identityHeaders=HEADERS,
                              access={"users": {"emailDomains": ["bücher.example"]}})
        assert code == 0, text
        code, text = self.run(tmp_path, "check", identityHeaders={"X-A": "{groups;}"})
        assert code == 1 and "the separator is missing" in text
        code, text = self.run(tmp_path, "check", access={"users": {"emailDomains": ["ｂücher.example"]}})
        assert code == 1 and "write its A-label" in text

    def test_explain_shows_the_fields(self, tmp_path):
        token = tokens.token(realm_access={"roles": ["x", "y"]}, scope="a b", org={"unit": {}})
        code, text = self.run(tmp_path, "explain", token, token={"claims": CLAIMS})
        assert code == 0, text
        for words in ("field  groups = x, y", "field  scopes = a, b", "department was left out"):
            assert words in text, text

    def test_the_environment_and_the_command_line_take_both_forms(self, tmp_path):
        code, text = self.run(tmp_path, "config", "print", "--set", 'token.claims.scopes={"claims":["scope"],"split":" "}',
                              "--set", 'token.claims.groups=["a.b"]', "--set", "token.claims.department=org.unit")
        assert code == 0, text
        for words in ('scopes: { claims: [scope], split: " " }', "groups: [a.b]", "department: org.unit"):
            assert words in text, text

    def test_the_schema_takes_both_forms(self, tmp_path):
        schema = json.loads(sidegate("config", "schema").stdout)
        value = schema["properties"]["token"]["properties"]["claims"]["additionalProperties"]
        objects = [one for one in value["anyOf"] if one.get("type") == "object"]
        assert objects and set(objects[0]["properties"]) == {"claims", "paths", "split"}
        rule = schema["properties"]["access"]["properties"]["rules"]
        assert {"hosts", "from"} <= set(json.dumps(rule).replace('"', " ").split())


def test_a_bearer_token_of_the_apps_own_passes_in_guest_mode_and_on_open_paths(upstream, start_gate):
    own = "Bearer " + tokens.token(secret="another secret, which only the app knows of")
    guest = start_gate(upstream, access={"default": "guest"})
    open_to_all = start_gate(upstream, access={"rules": [{"paths": ["/api/*"], "allow": "anyone"}]}, session={"cookieName": "open"})
    for gate in (guest, open_to_all):
        for value in (own, "Bearer opaque-token", "Bearer a.b.c"):
            assert gate.exchange("GET", "/api/x", {**XHR, "Authorization": value}).status == 200, value
            assert upstream.last.get("Authorization") == value and upstream.last.get("X-Forwarded-User") is None
        # One of ours that has ended is nobody's.
        assert gate.exchange("GET", "/api/x", {**XHR, "Authorization": "Bearer " + tokens.token(exp=1, iat=0)}).status in (200, 401)
        assert upstream.last.get("Authorization") in (None, "Bearer a.b.c")
    assert open_to_all.exchange("GET", "/other", {**XHR, "Authorization": own}).status == 401
