# SPDX-License-Identifier: Apache-2.0
"""Access rules: no spelling of a path bypasses a rule, however the app reads it."""

import random
import re

import pytest

from harness import tokens
from harness.frames import FrameConnection
from harness.gate import NAVIGATION, XHR, Browser, sidegate
from harness.journal import lines
from harness.process import wait_until

RULES = [
    {"paths": ["/public/*", "/favicon.ico"], "methods": ["GET"], "allow": "anyone"},
    {"paths": ["/admin/*"], "require": {"groups": ["admins", "root"]}},
    {"paths": ["/team/*"], "require": {"groups": ["staff"], "user": ["ada"]}},
    {"paths": ["/api/*"], "unauthenticated": "401"},
    {"paths": ["/go/*"], "unauthenticated": "redirect"},
    {"paths": ["/internal/*"], "deny": True},
    {"paths": ["/form"], "methods": ["POST"], "deny": True},
    {"paths": ["/page"], "methods": ["GET"], "deny": True},
]


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate):
    return start_module_gate(module_upstream, access={"rules": RULES})


@pytest.fixture(scope="module")
def staff(module_gate):
    return module_gate.session_cookie(groups=["staff"])


# Spellings that some server, proxy or framework reads as /admin or a path below it.
SPELLINGS = {
    "capitals": ["/Admin/x", "/ADMIN/x"],
    "encoded letters": ["/%61dmin/x", "/%41DMIN/x", "/%61%64%6d%69%6e/x", "/%61%64%6D%69%6E/x", "/adm%69n/x"],
    "encoded twice and more": ["/%2561dmin/x", "/%252561dmin/x", "/public/%252e%252e/admin/x", "/admin%252fx"],
    "dot segments": ["/./admin/x", "/public/../admin/x", "/a/b/../../admin/x", "/../admin/x", "/admin/./x", "/admin/../admin/x"],
    "encoded dot segments": ["/public/%2e%2e/admin/x", "/public/.%2e/admin/x", "/public/%2E./admin/x", "/%2e/admin/x"],
    "doubled slashes": ["//admin/x", "///admin//x", "/public//../admin/x", "/public/..//admin/x", "/admin//x"],
    "encoded slashes": ["/admin%2fx", "/admin%2Fx", "/%2fadmin/x", "/public/..%2fadmin/x", "/public%2f..%2fadmin/x"],
    "backslashes": ["/\\admin/x", "/admin\\x", "/public/..\\admin/x", "/public\\..\\admin\\x"],
    "encoded backslashes": ["/%5cadmin/x", "/admin%5Cx", "/public/..%5cadmin/x", "/public%255c..%255cadmin"],
    "matrix parameters": ["/admin;x/y", "/admin;x=1/y", "/;/admin/x", "/;a=b/admin/x", "/public/..;/admin/x", "/admin/..;/admin",
                          "/public/..;a=b/admin/x", "/.;/admin/x", "/admin;", "/admin%3bx/y", "/public/%2e%2e%3b/admin/x"],
    "trailing dots and spaces": ["/admin./x", "/admin.../x", "/admin%20/x", "/admin%20", "/admin.", "/admin%2e/x", "/public/..%20/admin/x"],
    "white space that servers trim": ["/admin%a0", "/admin%85", "/admin%C2%A0/x", "/admin\xa0", "/admin\x85"],
    "trailing slash": ["/admin", "/admin/", "/admin/."],
    "look-alikes": ["/%EF%BD%81dmin/x", "/admin%EF%BC%8Fx", "/public/%EF%BC%8E%EF%BC%8E/admin/x", "/public/%E2%80%A5/admin/x",
                    "/adm%C4%B1n/x", "/%E2%88%95admin/x"],
    "query and fragment": ["/admin/x?/public/a", "/admin?x=/public/", "/admin/x?a/../public/a", "/admin%3f/../public/../admin"],
}
CLOSED = [pytest.param(path, id=f"{kind}: {path!r}") for kind, paths in SPELLINGS.items() for path in paths]

UNSAFE = ["/admin%00", "/public/%00/../admin", "/public/a%00b", "/public/%0d%0a", "/public/%7f", "/public/a%", "/public/a%2",
          "/public/a%zz", "/public/%u002e%u002e/admin/x", "/public/%25u002e/x", "/public/%2500",
          "/public/%c0%ae%c0%ae/admin/x", "/public/..%c0%afadmin/x", "/%C1%A1dmin/x", "/public/%c1%9c..", "/public/%e0%80%ae%e0%80%ae/admin",
          "/public/%e0%80%af", "/public/%f0%80%80%af", "/public/%f8%80%80%80%af", "/public/%fc%80%80%80%80%af",
          "/public/%25c0%25ae", "/%25252525252525252e%2525252525252525252e/admin"]


@pytest.mark.parametrize("path", CLOSED)
def test_CVE_2019_9901_CVE_2026_33494_CVE_2026_26205_no_spelling_opens_what_a_rule_closes(gate, upstream, staff, path):
    stranger = gate.exchange("GET", path, NAVIGATION)
    assert stranger.status in (302, 400), (path, stranger.status)
    member = gate.exchange("GET", path, {**NAVIGATION, **staff})
    assert member.status in (403, 400), (path, member.status)
    assert upstream.requests == [], upstream.requests[0].head
    # The rule is the only reason: an allowed user passes.
    admin = gate.exchange("GET", path, {**NAVIGATION, **gate.session_cookie(groups=["admins"])})
    assert admin.status in (200, 400), (path, admin.status)


def test_no_spelling_opens_what_a_rule_closes_over_http2(gate, upstream, staff):
    fields = [("cookie", staff["Cookie"])]
    with FrameConnection(gate.port) as connection:
        for path in [path for paths in SPELLINGS.values() for path in paths if path.isascii()] + UNSAFE:
            stream = connection.request("GET", path, fields)
            assert connection.response(stream).status in (403, 400), path
        assert connection.get("//public/%62").status == 200
    assert [request.target for request in upstream.requests] == ["/public/b"]


@pytest.mark.parametrize("path", [path.replace("admin", "internal").replace("ADMIN", "INTERNAL").replace("Admin", "Internal")
                                  for path in SPELLINGS["dot segments"] + SPELLINGS["encoded slashes"] + SPELLINGS["capitals"]
                                  + SPELLINGS["matrix parameters"]])
def test_a_denied_path_is_denied_in_every_spelling(gate, upstream, path):
    admin = gate.session_cookie(groups=["admins"])
    assert gate.exchange("GET", path, {**NAVIGATION, **admin}).status in (403, 400)
    assert gate.exchange("GET", path, NAVIGATION).status in (403, 400)
    assert upstream.requests == []


@pytest.mark.parametrize("path", UNSAFE)
def test_an_unreadable_path_is_400(gate, upstream, staff, path):
    assert gate.exchange("GET", path, NAVIGATION).status == 400
    assert gate.exchange("GET", path, {**NAVIGATION, **staff}).status == 400
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["/public/a#/../admin", "/public/#", "/public/\x00", "/public/a b", "/public/\x7f"])
def test_CVE_2023_45539_invalid_characters_in_the_target_are_400(gate, upstream, path):
    with gate.connection() as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {connection.authority}\r\n\r\n".encode("latin-1"))
        assert connection.response("GET").status == 400
    assert upstream.requests == []


# Interpretations of a path by servers and frameworks, for the test below. Independent of the gate's code.

def decoded(path: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), path)


def resolved(path: bytes) -> bytes:
    segments = []
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            segments = segments[:-1]
        elif segment not in (b".", b""):
            segments.append(segment)
    return b"/" + b"/".join(segments)


def readings(path: bytes):
    texts = {path}
    for _ in range(6):
        texts |= {decoded(text) for text in texts}
    texts |= {text.replace(b"\\", b"/") for text in texts}
    texts |= {re.sub(rb";[^/]*", b"", text) for text in texts}
    texts |= {re.sub(rb" +(?=/|$)", b"", text) for text in texts}
    texts |= {resolved(text) for text in texts}
    texts |= {re.sub(rb"(?<=[^/. ])[. ]+(?=/|$)", b"", text) for text in texts}
    texts |= {re.sub(rb"/+", b"/", text) for text in texts}
    # Servers resolve dot segments before they use a path.
    return {text.lower() for text in texts if not re.search(rb"/\.\.?(/|$)", text)}


def closed_to_some_app(path: bytes) -> bool:
    return any(re.match(rb"/admin(/|$)", text) for text in readings(path))


def test_no_generated_path_that_passes_is_closed_in_any_interpretation(gate, upstream, staff):
    pieces = ["/", "//", "\\", "%2f", "%5c", "%2F", "%252f", "..", ".", "%2e", "%2e%2e", "%252e", ";", ";a=b", "%3b", "%20", "public",
              "admin", "Admin", "%61dmin", "adm%69n", "%2561dmin", "a", "b", "?", "?x=/admin/", "%25", "%41"]
    generator = random.Random(20)
    connection = gate.connection()
    passed = 0
    for number in range(3000):
        path = "/" + "".join(generator.choices(pieces, k=generator.randint(1, 7)))
        before = len(upstream.requests)
        response = connection.exchange("GET", path, staff)
        if response.status == 400 or response.get("Connection") == "close":
            connection.close()
            connection = gate.connection()
        if response.status != 200:
            assert len(upstream.requests) == before, path
            continue
        passed += 1
        target = upstream.last.target.encode("latin-1").partition(b"?")[0]
        assert not closed_to_some_app(target), (path, target)
        # The app receives the judged form, which is normalised.
        assert b"/../" not in target and b"%2e" not in target.lower(), target
    connection.close()
    assert passed > 300


@pytest.mark.parametrize("sent, came", [
    ("//public/b", "/public/b"), ("/public/%61", "/public/a"), ("/public/%c3%a9", "/public/%C3%A9"),
("/public/a%20b", "/public/a%20b"), ("/public/a//b", "/public/a//b"),
    ("/public/a?b=%2e%2e/../%61", "/public/a?b=%2e%2e/../%61"), ("/public/a;v=1", "/public/a;v=1"), ("/public/a%2Fb", "/public/a%2Fb"),
])
def test_the_app_receives_the_path_that_was_judged(gate, upstream, sent, came):
    assert gate.exchange("GET", sent, NAVIGATION).status == 200
    assert upstream.last.target == came


class TestMethods:
    def test_get_includes_head(self, gate, upstream, staff):
        for method in ("GET", "HEAD"):
            assert gate.exchange(method, "/page", staff).status == 403, method
        assert gate.exchange("POST", "/page", staff, b"").status == 200
        assert gate.exchange("HEAD", "/public/a").status == 200

    def test_another_method_is_not_opened(self, gate, upstream):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
            assert gate.exchange(method, "/public/a", XHR, b"").status == 401, method
        assert upstream.requests == []

    def test_methods_in_another_case_are_not_opened(self, gate, upstream, staff):
        for method in ("POST", "post", "Post", "get", "Head"):
            path = "/form" if method.lower() == "post" else "/page"
            assert gate.exchange(method, path, staff, b"" if path == "/form" else None).status in (403, 400), method
        assert upstream.requests == []

    @pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x_http_method_override"])
    def test_another_method_in_a_header_is_neither_used_nor_forwarded(self, gate, upstream, staff, name):
        assert gate.exchange("POST", "/public/a", {**XHR, name: "GET"}, b"").status == 401
        assert upstream.requests == []
        assert gate.exchange("GET", "/form", {**staff, name: "POST"}).status == 200
        assert upstream.last.method == "GET" and "POST" not in upstream.last.head.decode("latin-1")

    @pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Uri", "X-Original-Path", "SCRIPT_NAME", "script-name", "Script_Name",
                                      "Daphne-Root-Path", "X-Script-Name", "x_script_name", "PATH_INFO", "X-Forwarded-Prefix", "X-Request-URI"])
    def test_another_path_in_a_header_is_neither_used_nor_forwarded(self, gate, upstream, name):
        assert gate.exchange("GET", "/admin/x", {**NAVIGATION, name: "/public/a"}).status == 302
        assert gate.exchange("GET", "/public/a", {**NAVIGATION, name: "/admin/x"}).status == 200
        assert b"/admin" not in upstream.last.head


class TestAnswers:
    def test_the_page_names_the_account_and_offers_another(self, gate, staff):
        response = gate.exchange("GET", "/admin/x", {**NAVIGATION, **staff})
        assert response.status == 403 and response["Content-Type"].startswith("text/html")
        assert "ada@example.com" in response.text and "group_missing" in response.text
        assert re.search(r'href="/\.sidegate/logout\?return_to=[^"]*admin[^"]*"', response.text.replace("&#61;", "=")), response.text
        assert response["Cache-Control"] == "no-store"

    def test_scripts_get_json(self, gate, staff):
        response = gate.exchange("GET", "/internal/x", {**XHR, **staff})
        assert response.status == 403 and response.json()["reason"] == "rule_denied"
        stranger = gate.exchange("GET", "/internal/x", XHR)
        assert stranger.status == 403 and stranger.json() == {**stranger.json(), "error": "forbidden", "reason": "rule_denied"}

    def test_other_missing_fields_are_rule_denied(self, gate):
        eve = gate.session_cookie(sub="eve", email="eve@example.com", groups=["staff"])
        assert gate.exchange("GET", "/team/x", {**XHR, **eve}).json()["reason"] == "rule_denied"
        assert gate.exchange("GET", "/team/x", {**XHR, **gate.session_cookie(groups=["staff"])}).status == 200

    def test_a_bearer_token_gets_insufficient_scope(self, gate, upstream):
        bearer = {"Authorization": "Bearer " + tokens.token(groups=["staff"])}
        for path, reason in (("/admin/x", "group_missing"), ("/internal/x", "rule_denied")):
            response = gate.exchange("GET", path, {**XHR, **bearer})
            assert response.status == 403
            assert response["WWW-Authenticate"] == f'Bearer error="insufficient_scope", error_description="{reason}"'
        assert upstream.requests == []

    def test_grpc_gets_a_status(self, gate, staff):
        grpc = {"Content-Type": "application/grpc", "TE": "trailers"}
        assert gate.exchange("POST", "/admin/x", {**grpc, **staff}, b"")["grpc-status"] == "7"
        assert gate.exchange("POST", "/internal/x", grpc, b"")["grpc-status"] == "7"
        assert gate.exchange("POST", "/x", grpc, b"")["grpc-status"] == "16"

    def test_unauthenticated_selects_the_response_without_a_session(self, gate):
        assert gate.exchange("GET", "/api/x", NAVIGATION).status == 401
        assert gate.exchange("GET", "/go/x", XHR).status == 302
        assert gate.exchange("POST", "/go/x", XHR, b"").status == 401

    def test_the_log_has_the_reason(self, gate, staff):
        gate.exchange("GET", "/admin/log", {**XHR, **staff})
        gate.exchange("GET", "/a%00log", XHR)
        wait_until(lambda: any(line.get("path") == "/a%00log" for line in lines(gate)), "the lines")
        found = {line.get("path"): line for line in lines(gate)}
        assert found["/admin/log"]["reason"] == "group_missing" and found["/admin/log"]["user"] == "ada"
        assert found["/a%00log"]["reason"] == "path_unreadable"


class TestObserve:
    @pytest.fixture
    def observed(self, upstream, start_gate):
        return start_gate(upstream, access={"rules": RULES, "mode": "observe"})

    def test_all_requests_pass_and_the_log_shows_what_enforce_would_do(self, observed, upstream):
        member = Browser(observed)
        member.navigate("/.sidegate/login")
        assert member.finish("/.sidegate/callback", tokens.token(groups=["staff"])).status == 303
        staff = {"Cookie": member.cookie_header()}
        asked = [
            ("/public/a", {}, None, None), ("/x", NAVIGATION, "redirect", None), ("/api/x", XHR, "unauthenticated", None),
            ("/internal/x", NAVIGATION, "denied", "rule_denied"), ("/admin/x", {**XHR, **staff}, "denied", "group_missing"),
            ("/x%00", XHR, "denied", "path_unreadable"), ("/y", {**XHR, **staff}, None, None),
        ]
        for path, headers, _, _ in asked:
            assert observed.exchange("GET", path, headers).status == 200, path
            assert upstream.last.target == path
        assert upstream.last.get("X-Forwarded-User") == "ada"
        wait_until(lambda: any(line.get("path") == "/y" for line in lines(observed)), "the last line")
        found = {line.get("path"): line for line in lines(observed) if line.get("kind") == "access"}
        for path, _, would, reason in asked:
            assert (found[path].get("would"), found[path].get("reason")) == (would, reason), found[path]
        assert found["/admin/x"]["user"] == "ada" and found["/admin/x"]["decision"] == "forward"


class TestExplain:
    @pytest.fixture(scope="class")
    def config(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("explain") / "sidegate.yaml"
        path.write_text("""
upstream: http://127.0.0.1:3000
upstreams: [{ paths: ["/wiki/*"], url: "http://127.0.0.1:3001" }]
identityProvider: { loginURL: "https://idp.test/login" }
access:
  users: { emailDomains: [example.com] }
  rules:
    - { paths: ["/public/*"], allow: anyone }
    - { paths: ["/admin/*"], require: { groups: [admins] } }
    - { paths: ["/internal/*"], deny: true }
""")
        return path

    @pytest.mark.parametrize("request_line, user, code, words", [
        ("GET /public/x", None, 0, ["access.rules[0]", ":8:", "let in"]),
        ("GET /x", None, 2, ["none matches; access.default is signedIn", "refused: unauthenticated"]),
        ("GET /x", "user=ada,email=ada@example.com", 0, ["let in"]),
        ("GET /x", "user=ada,email=ada@other.test", 2, ["refused: user_not_registered"]),
        ("GET /admin/x", "user=ada,email=a@example.com,groups=staff,users", 2,
         ["access.rules[1]", "require groups: admins", "got: staff, users", "refused: group_missing"]),
        ("GET /admin/x", "email=a@example.com,groups=staff,admins", 0, ["let in"]),
        ("GET /%41dmin%2Fx?a", None, 2, ["/Admin%2Fx (its canonical form", "access.rules[1]", "/Admin/x"]),
        ("GET /public/%2e%2e/Admin?a", None, 2, ["refused: path_unreadable", "dot segment"]),
        ("POST /internal/x", "user=ada,email=a@example.com", 2, ["access.rules[2]", "refused: rule_denied"]),
        ("GET /a%00", None, 2, ["refused: path_unreadable"]),
        ("GET https://app.test/wiki/x", "email=a@example.com", 0, ["upstreams[0]: http://127.0.0.1:3001"]),
        ("/.sidegate/login", None, 0, ["Sidegate's own"]),
    ])
    def test_explain_shows_which_rule_applies_and_why(self, config, request_line, user, code, words):
        done = sidegate("explain", "--config", config, "--request", request_line, *(["--as", user] if user else []))
        assert done.returncode == code, done.stdout + done.stderr
        for word in words:
            assert word in done.stdout, done.stdout

    def test_bad_usage(self, config):
        for arguments in (["--request", "nonsense here now"], ["--as", "user=ada"], ["--request", "/x", "--as", "ada"],
                          ["--request", "/x", "token"]):
            assert sidegate("explain", "--config", config, *arguments).returncode == 64, arguments

    def test_check_names_the_line_and_the_fix(self, config, tmp_path):
        bad = tmp_path / "sidegate.yaml"
        for good, wrong, line, fix in (("groups: [admins]", "group: [admins]", 9, "did you mean `groups`?"),
                                        ("deny: true", "deny: yes", 10, "write true"), ("allow: anyone", "alow: anyone", 8, "did you mean `allow`?"),
                                        ("/public/*", "/public/**", 8, "* stands at the end only")):
            bad.write_text(config.read_text().replace(good, wrong))
            done = sidegate("check", "--config", bad)
            assert done.returncode == 1
            assert re.search(rf":{line}:\d+: error: .*" + re.escape(fix), done.stderr), done.stderr


def test_ten_thousand_rules_are_served(upstream, start_gate):
    rules = [{"paths": [f"/part{number}/*"], "require": {"groups": [f"group{number}"]}} for number in range(10_000)]
    gate = start_gate(upstream, access={"rules": rules})
    member = gate.session_cookie(groups=["group700"])
    assert gate.exchange("GET", "/part700/x", member).status == 200
    assert gate.exchange("GET", "/part701/x", member).status == 403


def test_a_preflight_reaches_the_app_where_a_rule_opens_options(start_gate, upstream):
    """As in docs/access-rules.md: browsers send preflights without cookies and without Authorization."""
    gate = start_gate(upstream, access={"rules": [{"paths": ["/api/*"], "methods": ["OPTIONS"], "allow": "anyone"},
                                                  {"paths": ["/api/*"], "unauthenticated": "401"}]})
    preflight = {"Origin": "https://other.example", "Access-Control-Request-Method": "PUT", "Sec-Fetch-Mode": "cors"}
    upstream.answer = lambda request, connection: connection.respond(
        204, {"Access-Control-Allow-Origin": "https://other.example", "Access-Control-Allow-Methods": "PUT"})
    response = gate.exchange("OPTIONS", "/api/x", preflight)
    assert response.status == 204 and response["Access-Control-Allow-Methods"] == "PUT"
    assert not upstream.requests[-1].get("X-Forwarded-User")
    assert gate.exchange("OPTIONS", "/elsewhere", preflight).status == 401
    assert gate.exchange("PUT", "/api/x", {**preflight, "Content-Length": "0"}).status == 401
    bearer = {"Authorization": f"Bearer {tokens.token()}", "Content-Length": "0"}
    assert gate.exchange("PUT", "/api/x", {**preflight, **bearer}).status == 204
