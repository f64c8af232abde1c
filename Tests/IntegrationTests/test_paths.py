# SPDX-License-Identifier: Apache-2.0
"""With generated spellings of paths, no real server behind the gate serves what a rule closes."""

import os
import random
import re
import shutil
import subprocess
import unicodedata
import urllib.parse

import pytest

from harness.gate import NAVIGATION
from harness.journal import lines
from harness.process import wait_until
from harness.readers import SECRET, Readers
from harness.wire import Connection, CutShort

PIECES = ["/", "/", "//", "\\", "%2f", "%5c", "%2F", "%252f", "%255c", "..", "..", ".", "%2e", "%2e%2e", "%252e%252e", ".%2e", ";",
          ";a=b", ";/", "%3b", "%20", "%2520", "+", "%09", "%00", "public", "public", "closed", "closed", "Closed", "%63losed",
          "clos%65d", "%2563losed", "x", "secret.txt", "a.txt", "?", "%3f", "%23", "%253f", "%25", "%EF%BC%8F", "%E2%80%A5", "%a0",
          "%c2%a0", "%u002f", "%c0%af", ":80", "@", "*", "http:", "~", "%7e", "&", "=",
          # What readers drop that take no notice of errors, or of characters that are not seen.
          "%93", "%ff", "%c5%d5", "%e2%82", "%ed%a0%80", "%c2%ad", "%e2%80%8b", "%ef%bb%bf", ".%93.", "clos%80ed",
          "cl%c9osed", "%25%93",
          # And readers that drop all that is not printable ASCII.
          "%D0%B6", "clos%D0%B6ed", "clos%20ed", ".%C3%A9.", "%E6%97%A5"]
FIXED = ["/public/..%2fclosed/..%2fpublic%2fz/../secret.txt", "/%2fclosed/..%2fx/../secret.txt", "/closed/../public/a.txt",
         "//x/closed/", "//x/closed/secret.txt", "/public/..;/closed/secret.txt", "/closed%3f/secret.txt", "/closed%23", "/closed+",
         "//closed/secret.txt", "/public/../closed/secret.txt", "/\\closed/secret.txt", "/%5cclosed/secret.txt", "///closed/secret.txt",
         "/closed/%2e%2e/public/a.txt", "/public%2f..%2fclosed/secret.txt", "/public/%2e%2e%2fclosed/secret.txt", "/closed%20",
         "/x:80/../closed/secret.txt", "//public/../closed/secret.txt", "/closed;/secret.txt", "/;/closed/secret.txt",
         "/clo%93sed/secret.txt", "/%80closed/secret.txt", "/closed%ff", "/clos%C5%d5ed/secret.txt",
         "/public/.%93./closed/secret.txt", "/public/..%ff/closed/secret.txt", "/public/%c9../closed/secret.txt",
         "/closed%E2%82/secret.txt", "/clos%D0%B6ed/secret.txt", "/clos%20ed/secret.txt", "/clos+%C3%A9d/secret.txt",
         "/%E6%97%A5/closed/secret.txt", "/public/.%C3%A9./closed/secret.txt", "/closed%E6%97%A5/secret.txt"]
RULES = {
    "one part open": {"rules": [{"paths": ["/public/*"], "allow": "anyone"}]},
    "one part closed": {"default": "guest", "rules": [{"paths": ["/closed/*"], "deny": True}]},
}


def spellings(count: int, seed: int):
    generator = random.Random(seed)
    yield from FIXED
    for _ in range(count):
        start = generator.choice(["/", "/", "/public/", "/closed/", "//", "/x/"])
        yield start + "".join(generator.choices(PIECES, k=generator.randint(1, 7)))


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    apps = Readers(tmp_path_factory.mktemp("readers"))
    yield apps
    apps.stop()


class Client:
    """Keeps its connection open for as long as the server does."""

    def __init__(self, port: int):
        self.port = port
        self.connection = None

    def get(self, target: str, headers=(), host="app.test"):
        for _ in range(2):
            if self.connection is None:
                self.connection = Connection(self.port)
            try:
                response = self.connection.exchange("GET", target, headers, host=host)
            except (CutShort, OSError, ValueError, IndexError):
                self.close()
                continue
            if (response.get("Connection") or "").lower() == "close" or response.head.startswith(b"HTTP/1.0"):
                self.close()
            return response
        return None

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def is_ours(response) -> bool:
    """Whether the response is the gate's, not the app's."""
    return b"path_unreadable" in response.body or response.status in (302, 403) and (
        "idp.test" in (response.get("Location") or "") or b"rule_denied" in response.body)


@pytest.mark.parametrize("rules", RULES)
def test_no_real_app_behind_the_gate_serves_what_a_rule_closes(readers, start_gate, rules):
    first = next(iter(readers.ports))
    gate = start_gate(f"http://127.0.0.1:{readers.ports[first]}", access=RULES[rules],
                      upstreams=[{"hosts": [f"{name}.test"], "url": f"http://127.0.0.1:{port}"} for name, port in readers.ports.items()])
    client = Client(gate.port)
    passed = 0
    for path in spellings(5000, 41):
        response = client.get(path, NAVIGATION, host=f"{first}.test")
        if response is None or is_ours(response):
            continue
        passed += 1
        for name in readers.ports:
            response = client.get(path, NAVIGATION, host=f"{name}.test")
            assert response is None or SECRET not in response.body, (name, path)
    client.close()
    assert passed > 200


@pytest.mark.parametrize("rules", RULES)
def test_no_real_app_beside_the_gate_serves_what_a_rule_closes(readers, upstream, start_gate, rules):
    """Forward-auth: the app receives the path as it was sent."""
    gate = start_gate(upstream, access=RULES[rules], trustedProxies=["127.0.0.1/32"])
    client = Client(gate.port)
    passed = 0
    for path in spellings(5000, 42):
        answer = client.get("/.sidegate/auth", {"X-Forwarded-Uri": path, "X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http",
                                                "X-Forwarded-Host": "app.test"})
        assert answer.status in (202, 400, 401, 403), (path, answer.status)
        if answer.status != 202:
            continue
        passed += 1
        for name, port in readers.ports.items():
            assert SECRET not in asked_directly(port, path), (name, path)
    client.close()
    assert passed > 200


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("path", [
    "/clo%93sed/secret.txt", "/%80closed/secret.txt", "/closed%ff", "/clos%C5%d5ed/secret.txt",
    "/closed%E2%82/secret.txt", "/closed%ED%A0%80/secret.txt", "/%F4%90%80%80closed/secret.txt", "/%ff/closed"])
def test_bottle_which_drops_what_is_not_utf_8_serves_nothing_that_a_rule_closes(readers, start_gate, rules, path):
    if "bottle" not in readers.ports:
        pytest.skip("Bottle is missing; `make deps-test` installs it")
    port = readers.ports["bottle"]
    assert path == "/%ff/closed" or SECRET in asked_directly(port, path)
    gate = start_gate(f"http://127.0.0.1:{port}", access=RULES[rules], trustedProxies=["127.0.0.1/32"])
    response = gate.exchange("GET", path, NAVIGATION)
    assert is_ours(response) and SECRET not in response.body
    asked = gate.exchange("GET", "/.sidegate/auth", {"X-Forwarded-Uri": path, "X-Forwarded-Method": "GET"})
    assert asked.status in (401, 403)


def asked_directly(port: int, target: str) -> bytes:
    """The complete response of an app, in any version of HTTP."""
    with Connection(port) as connection:
        connection.send(f"GET {target} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n".encode())
        try:
            return connection.read_all()
        except OSError:
            return b""


def test_a_million_spellings_are_judged_equally_before_and_after_the_gate_rewrites_them(tmp_path, start_gate):
    """The path that the app receives is judged at least as strictly as the path that was sent: nginx returns the path that
    it received, which is then requested again."""
    from harness.servers import Nginx
    echo = Nginx(tmp_path / "echo", "location / { default_type text/plain; return 200 \"$request_uri\\n\"; }\n"
                                    "merge_slashes off;")
    gate = start_gate(echo.url, workers=2, access={"default": "guest", "rules": [
        {"paths": ["/public/*"], "allow": "anyone"}, {"paths": ["/closed/*"], "deny": True}, {"paths": ["/x/*"], "unauthenticated": "401"}]})
    sent = spellings(1_000_000, 43)
    try:
        seen = passed = 0
        while batch := [path for _, path in zip(range(500), sent)]:
            given = [(path, target) for path, (status, target) in zip(batch, pipelined(gate.port, batch)) if status == 200]
            seen += len(batch)
            passed += len(given)
            for (path, target), (status, again) in zip(given, pipelined(gate.port, [target for _, target in given])):
                assert (status, again) == (200, target), (path, target, status, again)
                assert not re.search(r"(?i)^/closed(/|$)|/\.\.?(/|$)|^/[\\/]", target.partition("?")[0]), (path, target)
        assert seen > 1_000_000 and passed > 50_000
    finally:
        echo.stop()


def pipelined(port: int, targets: list) -> list:
    """(status, body without its line end) for each target. Requests are pipelined; after a refusal, which closes the
    connection, the remaining ones are sent again."""
    answers = []
    while len(answers) < len(targets):
        with Connection(port) as connection:
            rest = targets[len(answers):]
            connection.send(b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target.encode() for target in rest))
            try:
                for _ in rest:
                    response = connection.response("GET")
                    answers.append((response.status, response.body.decode("latin-1").rstrip("\n")))
                    if (response.get("Connection") or "").lower() == "close":
                        break
            except CutShort:
                pass
    return answers


def ascii_readers() -> dict:
    """What apps make of paths that want ASCII in names: the libraries and tools that there are."""
    def nfkd(text):
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

    def each(read):
        return lambda paths: [read(path) for path in paths]

    def tool(*command):
        return lambda paths: subprocess.run(command, input="\n".join(paths), env={**os.environ, "LC_ALL": "C.UTF-8"},
                                            capture_output=True, encoding="utf-8", check=False).stdout.split("\n")

    readers = {"NFKD": each(nfkd), "NFKD of folded case": each(lambda path: nfkd(path.casefold()))}
    try:
        from werkzeug.utils import secure_filename
        readers["werkzeug"] = each(lambda path: "/".join(map(secure_filename, path.split("/"))))
    except ImportError:
        pass
    # The iconv of musl transliterates nothing.
    if shutil.which("iconv") and tool("iconv", "-t", "ASCII//TRANSLIT")(["é"])[0] == "e":
        readers["iconv"] = tool("iconv", "-f", "UTF-8", "-t", "ASCII//TRANSLIT")
    if shutil.which("uconv"):
        readers["ICU"] = tool("uconv", "-f", "UTF-8", "-t", "UTF-8", "-x", "Latin-ASCII")
    return readers


def accented(path: str, count: int, seed: int) -> list:
    """`path` with some letters replaced by others of the Latin alphabet that have their names (`LETTER E WITH ACUTE`)."""
    others = {}
    for value in (*range(0xc0, 0x250), *range(0x1e00, 0x1f00), *range(0x2c60, 0x2c80), *range(0xff21, 0xff5b)):
        found = re.fullmatch(r"(?:FULLWIDTH )?LATIN (?:CAPITAL|SMALL) LETTER ([A-Z])(?: WITH .*)?", unicodedata.name(chr(value), ""))
        if found:
            others.setdefault(found[1].lower(), []).append(chr(value))
    return replaced(path, others, count, seed)


def compatible(path: str, count: int, seed: int) -> list:
    """`path` with some characters replaced by others that NFKC_Casefold makes them of."""
    others = {}
    for value in range(0xa0, 0x20000):
        folded = nfkc_casefold(chr(value))
        if len(folded) == 1 and folded != chr(value) and unicodedata.category(chr(value))[0] in "LS" and folded not in "/.":
            others.setdefault(folded, []).append(chr(value))
    return replaced(nfkc_casefold(path), others, count, seed)


def nfkc_casefold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def replaced(path: str, others: dict, count: int, seed: int) -> list:
    generator = random.Random(seed)
    paths = []
    for _ in range(count):
        characters = list(path)
        places = [place for place in range(1, len(path)) if path[place] in others]
        for place in generator.sample(places, k=generator.randint(1, 2)):
            characters[place] = generator.choice(others[path[place]])
        paths.append("".join(characters))
    return paths


class TestAnswers:
    @pytest.fixture(scope="class")
    def class_gate(self, module_upstream, start_module_gate):
        return start_module_gate(module_upstream, access=RULES["one part open"], trustedProxies=["127.0.0.1/32"])

    @pytest.mark.parametrize("path", ["/public/../closed", "/public/..%2fx", "/%2fx", "/\\x", "/public/%2e/a", "/public/..;/a",
                                      "/public/.%93./a", "/public/..%ff/a", "/public/%c9../a",
                                      "/public/.%E2%80%8B./a", "/%93/a"])
    def test_an_unreadable_path_is_400_and_403_in_forward_auth(self, class_gate, path):
        response = class_gate.exchange("GET", path, NAVIGATION)
        assert response.status == 400 and "path_unreadable" in response.text
        asked = class_gate.exchange("GET", "/.sidegate/auth", {"X-Forwarded-Uri": path, "X-Forwarded-Method": "GET"})
        assert asked.status == 403 and asked.json()["reason"] == "path_unreadable"

    def test_paths_in_latin_1_are_served_and_judged_with_and_without_what_readers_drop(self, class_gate, upstream):
        assert class_gate.exchange("GET", "/public/caf%E9/%FCber", NAVIGATION).status == 200
        assert upstream.last.target == "/public/caf%E9/%FCber"
        for path in ("/clos%93ed/a", "/publi%E9c/a", "/%ffpublic/a"):
            assert class_gate.exchange("GET", path, NAVIGATION).status == 302, path

    @pytest.mark.parametrize("path", [
        "/adm%D0%B6in/x", "/adm%20in/x", "/adm%C3%A9in/x", "/a%CC%A3dmin/x", "/adm+in/x", "/adm%25D0%25B6in/x", "/%E6%97%A5/admin/x",
        "/ADM%D0%B6IN/x", "/%E6%97%A5.%E6%9C%AC/admin/x", "/admin%E6%97%A5/x"])
    def test_a_closed_path_is_closed_for_readers_that_drop_all_but_printable_ascii(self, upstream, start_gate, path):
        gate = start_gate(upstream, trustedProxies=["127.0.0.1/32"], access={"rules": [
            {"paths": ["/admin/*"], "require": {"groups": ["admins"]}}, {"paths": ["/*"], "allow": "anyone"}]})
        assert gate.exchange("GET", path, NAVIGATION).status == 302
        asked = gate.exchange("GET", "/.sidegate/auth", {"X-Forwarded-Uri": path, "X-Forwarded-Method": "GET"})
        assert asked.status == 401

    def test_a_closed_path_is_closed_for_readers_that_take_accents_off_letters(self, upstream, start_gate):
        gate = start_gate(upstream, access={"rules": [
            {"paths": ["/files/secret.txt", "/admin/*", "/issues/*"], "deny": True}, {"paths": ["/*"], "allow": "anyone"}]})
        paths = ["/files/sécret.txt", "/àdmin/x", "/issüs/1", "/iſſuæs/x", "/ISSÜES/x", "/files/ｓécret․txt", "/ädmin日/x",
                 *accented("/files/secret.txt", 80, 51), *accented("/admin/x", 80, 52), *accented("/issues/x", 30, 53)]
        client = Client(gate.port)
        apps = ascii_readers()
        closed = {}
        for path, readings in zip(paths, zip(*(read(paths) for read in apps.values()))):
            readers = [name for name, reading in zip(apps, readings)
                       if re.match(r"(?i)/files/secret\.txt$|/(admin|issues)(/|$)", reading)]
            status = client.get(urllib.parse.quote(path)).status
            assert status == 403 or not readers, (path, readers, status)
            for name in readers:
                closed[name] = closed.get(name, 0) + 1
        client.close()
        assert set(closed) == set(apps) and min(closed.values()) > 50, closed

    def test_a_closed_path_beyond_ascii_is_closed_in_compatible_spellings(self, upstream, start_gate):
        """For apps that read it by NFKC and without case."""
        names = ["ας", "ガス", "日本", "株式会社", "над", "ﬁς"]
        gate = start_gate(upstream, access={"rules": [
            {"paths": [f"/{name}/*" for name in names], "deny": True}, {"paths": ["/*"], "allow": "anyone"}]})
        paths = ["/𝛼ς/x", "/ｶﾞｽ/x", "/㊐本", "/㍿/x", "/ᵸад/x", "/ας／x", "/fi𝛓/x",
                 *(path for name in names for path in compatible(f"/{name}/x", 20, len(name)))]
        client = Client(gate.port)
        for path in paths:
            assert nfkc_casefold(path).split("/")[1] in map(nfkc_casefold, names), path
            assert client.get(urllib.parse.quote(path)).status == 403, path
        for path in ("/日本語/x", "/ガ/x", "/x/ας"):
            assert client.get(urllib.parse.quote(path)).status == 200, path
        client.close()

    @pytest.mark.parametrize("path", ["/.%C3%A9./x", "/public/.%20./x", "/public/.%E6%97%A5.%E6%97%A5/x", "/x/.%25C3%25A9./x"])
    def test_a_parent_directory_for_such_readers_is_refused(self, class_gate, path):
        response = class_gate.exchange("GET", path, NAVIGATION)
        assert response.status == 400 and "path_unreadable" in response.text

    @pytest.mark.parametrize("path", ["/%E6%97%A5%E6%9C%AC/x", "/%E6%97%A5%E6%9C%AC", "/%E6%97%A5%E6%9C%AC/%E6%9C%AC.%E6%97%A5",
                                      "/%E6%97%A5%E6%9C%AC/a%20b/%E6%9C%AC/", "/caf%C3%A9/%C3%BCber",
                                      "/%E6%97%A5%E6%9C%AC/gr%C3%B6%C3%9Fe/%C2%BD"])
    @pytest.mark.parametrize("access", [
        {"rules": [{"paths": ["/日本/*", "/café/*"], "allow": "anyone"}]},
        {"rules": [{"paths": ["/日本/*", "/café/*"], "allow": "anyone"}, {"paths": ["/admin/*"], "deny": True}, {"paths": ["/*"], "deny": True}]},
        {"default": "guest", "rules": [{"paths": ["/admin/*"], "deny": True}]}], ids=["default", "all the rest", "guest"])
    def test_sites_in_any_script_are_served(self, upstream, start_gate, access, path):
        gate = start_gate(upstream, access=access)
        assert gate.exchange("GET", path, NAVIGATION).status == 200
        assert upstream.last.target == path

    def test_initials_lead_nowhere_else(self, upstream, start_gate):
        gate = start_gate(upstream, access={"rules": [{"paths": ["/public/*", "/"], "allow": "anyone"}]})
        for path, expected in [("/public/А.С.Пушкин", 200), ("/public/x/А.С.Пушкин/y", 200), ("/public/А.С.Пушкин/secret", 302),
                               ("/public/x/А.С.П/А.С.П/secret", 302), ("/public/А.С.%2e/x", 200)]:
            assert gate.exchange("GET", urllib.parse.quote(path, safe="/%"), NAVIGATION).status == expected, path

    @pytest.mark.parametrize("pattern, path", [
        ("/ας/*", "/ΑΣ/x"), ("/ας/*", "/ασ"), ("/ΑΣ/*", "/ας/x"), ("/café/*", "/cafe\u0301/x"), ("/cafe\u0301/*", "/café/x"),
        ("/café/*", "/CAFE\u0301/x"), ("/İx/*", "/i\u0307x/y"), ("/ΰ/*", "/\u03a5\u0308\u0301/x"), ("/ŉ/*", "/\u02bcN/x"),
        ("/각/*", "/\u1100\u1161\u11a8/x"), ("/日本/ΰ", "/日本/\u03a5\u0308\u0301/"), ("/ǰ", "/J\u030c")])
    def test_a_closed_path_is_closed_in_equivalent_spellings(self, upstream, start_gate, pattern, path):
        rules = [{"paths": [pattern], "require": {"groups": ["admins"]}}, {"paths": ["/*"], "allow": "anyone"}]
        gate = start_gate(upstream, access={"rules": rules})
        assert gate.exchange("GET", urllib.parse.quote(path), NAVIGATION).status == 302
        assert gate.exchange("GET", urllib.parse.quote(pattern.removesuffix("/*")), NAVIGATION).status == 302
        assert gate.exchange("GET", "/x/" + urllib.parse.quote(path[1:]), NAVIGATION).status == 200
        # A rule before it decides, as for the path that the rule spells.
        gate = start_gate(upstream, access={"rules": rules[::-1]})
        assert gate.exchange("GET", urllib.parse.quote(path), NAVIGATION).status == 200

    def test_plain_slashes_at_the_start_reach_the_app_as_one(self, class_gate, upstream):
        session = class_gate.session_cookie()
        assert class_gate.exchange("GET", "//x/closed/?a=//b", session).status == 200
        assert upstream.last.target == "/x/closed/?a=//b"
        asked = class_gate.exchange("GET", "/.sidegate/auth", {**session, "X-Forwarded-Uri": "//x/closed/", "X-Forwarded-Method": "GET"})
        assert asked.status == 403 and asked.json()["reason"] == "path_unreadable"

    def test_without_settings_by_path_it_is_forwarded_unchanged(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        for path in ("/a/../b", "//a//b", "/a/%2e%2e/b", "/%2fa", "/a%zz", "/a;b/..;/c", "/\\a", "/a%5C..%5cb"):
            assert gate.exchange("GET", path, session).status == 200, path
            assert upstream.last.target == path

    def test_reserved_paths_are_kept_from_the_app_in_every_spelling(self, upstream, start_gate):
        gate = start_gate(upstream)
        session = gate.session_cookie()
        before = len(upstream.requests)
        for path in ("/a/../.sidegate/session", "/%2e%73idegate/x", "//.sidegate/session", "/x/..%2f.sidegate/session", "/.sidegate%2fsession",
                     "/;/.sidegate/session", "/.SIDEGATE/session", "/\\.sidegate\\session", "/.%73idegate%3fx", "/.sidegate+/session",
                     "/.side%93gate/session", "/.%ffsidegate/x", "/.sidegate%E2%80%8B/x", "/%C2%AD.sidegate/x"):
            assert gate.exchange("GET", path, session).status in (400, 404), path
        assert len(upstream.requests) == before

    @pytest.mark.parametrize("section", [{"nativeLogin": {"paths": ["/login"]}},
                                         {"upstreams": [{"paths": ["/wiki/*"], "url": "http://127.0.0.1:9"}]}])
    def test_native_login_and_apps_by_path_need_an_unambiguous_path_too(self, upstream, start_gate, section):
        gate = start_gate(upstream, **section)
        session = gate.session_cookie()
        for path in ("/a/../login?no_sso", "/login/..%2fx?no_sso", "/x/%2e%2e/wiki/a", "/%5cwiki/a", "/x/.%93./wiki/a", "/x/..%ff/login?no_sso"):
            assert gate.exchange("GET", path, {**NAVIGATION, **session}).status == 400, path

    def test_observe_mode_refuses_none_of_this_and_logs_it(self, upstream, start_gate):
        gate = start_gate(upstream, access={**RULES["one part open"], "mode": "observe"})
        for path in ("/public/../closed", "/%2fx", "/public/%2e%2e%2fz"):
            assert gate.exchange("GET", path, NAVIGATION).status == 200
            assert upstream.last.target == path
        wait_until(lambda: sum(line.get("reason") == "path_unreadable" for line in lines(gate)) == 3, "the lines")
