# SPDX-License-Identifier: Apache-2.0
"""An app that does not know its public address: redirects and cookies that name its own lead to the public one, and no
other URL is changed (`rewriteRedirects`)."""

import json
import random
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from harness.frames import FrameConnection
from harness.h2_upstream import H2Upstream
from harness.names import Relay, has_ipv6
from harness.upstream import Upstream

RESOLVER = Path(__file__).parent / "apps" / "urls.mjs"


@pytest.fixture(scope="module")
def apps():
    started = {name: Upstream() for name in ("wiki", "kept", "docs", "off")}
    yield started
    for app in started.values():
        app.stop()


@pytest.fixture(scope="module")
def module_gate(module_upstream, start_module_gate, apps):
    return start_module_gate(
        module_upstream, publicURL="https://public.test",
        upstream={"url": module_upstream.url, "preserveHost": False},
        access={"default": "guest"},
        upstreams=[
            {"paths": ["/wiki/*"], "url": apps["wiki"].url, "stripPrefix": "/wiki", "preserveHost": False},
            {"paths": ["/kept/*"], "url": apps["kept"].url, "stripPrefix": "/kept", "preserveHost": True},
            {"hosts": ["docs.test"], "url": apps["docs"].url, "preserveHost": False},
            {"paths": ["/off/*"], "url": apps["off"].url, "stripPrefix": "/off", "rewriteRedirects": False},
        ])


def answered(gate, app, path, fields, host="public.test"):
    """The response of `app` with those fields, as the browser gets it."""
    fields = fields.items() if isinstance(fields, dict) else fields
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    app.answer = lambda request, connection: connection.send(
        f"HTTP/1.1 302 Found\r\n{lines}Content-Length: 0\r\n\r\n".encode("latin-1"))
    return gate.exchange("GET", path, host=host)


def location(gate, app, path, value, **options):
    return answered(gate, app, path, {"Location": value}, **options)["Location"]


OWN = [
    ("http://127.0.0.1:{port}/a?b=c#d", "/a?b=c#d"), ("HTTP://127.0.0.1:{port}/A", "/A"), ("http://127.0.0.1:{port}", "/"),
    ("http://127.0.0.1:{port}?x", "/?x"), ("http://127.0.0.1:{port}#x", "/#x"), ("//127.0.0.1:{port}/a", "/a"),
    ("http://user:secret@127.0.0.1:{port}/a", "/a"), ("http://127.0.0.1:{port}/a?u=http://127.0.0.1:{port}/", None),
]
FOREIGN = [
    "http://127.0.0.1:{port}.evil.test/", "http://127.0.0.1:{port}@evil.test/", "http://127.0.0.1:{port}0/", "http://127.0.0.1/",
    "http://evil.test:{port}/", "//evil.test/", "///127.0.0.1:{port}/", "/\\127.0.0.1:{port}/", "\\\\127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "http:///127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@evil.test/", "http://evil.test\\@127.0.0.1:{port}/", "http://evil.test@x@127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/", "http://127.1:{port}/", "http://0x7f000001:{port}/", "http://%3127.0.0.1:{port}/",
    "http://localhost:{port}/", "ftp://127.0.0.1:{port}/", "javascript:alert(1)", "mailto:a@127.0.0.1", "/\t/evil.test/",
    "ht\ttp://127.0.0.1:{port}/", "http://127.0.0.1:{port}\t/", "http://127.0.0.1:/", "http://[::ffff:127.0.0.1]:{port}/",
]


@pytest.mark.parametrize("text, path", OWN)
def test_the_apps_own_address_becomes_the_public_one(gate, upstream, apps, text, path):
    for app, request, prefix in ((upstream, "/", ""), (apps["wiki"], "/wiki/x", "/wiki"), (apps["kept"], "/kept/x", "/kept")):
        value = text.format(port=app.port)
        expected = path or f"/a?u=http://127.0.0.1:{app.port}/"
        assert location(gate, app, request, value) == f"https://public.test{prefix}{expected}"


@pytest.mark.parametrize("text", FOREIGN)
def test_every_other_address_passes_unchanged(gate, upstream, apps, text):
    for app, request in ((upstream, "/"), (apps["wiki"], "/wiki/x"), (apps["kept"], "/kept/x")):
        value = text.format(port=app.port)
        assert location(gate, app, request, value) == value


def test_paths_gain_the_prefix(gate, upstream, apps):
    site = "https://public.test"
    for value, expected in (
            ("/login", site + "/wiki/login"), ("/", site + "/wiki/"), ("/wikipedia", site + "/wiki/wikipedia"),
            ("/login?next=/a#b", site + "/wiki/login?next=/a#b"), ("/a/../../login", site + "/wiki/login"),
            ("/%2e%2E/login", site + "/wiki/login"), ("/wiki/../login", site + "/wiki/login"), ("/..//evil.test", site + "/wiki//evil.test"),
            ("/wiki", "/wiki"), ("/wiki/", "/wiki/"), ("/wiki/a?b", "/wiki/a?b"), ("/wiki?b", "/wiki?b"),
            (f"http://127.0.0.1:{apps['wiki'].port}/wiki/a", site + "/wiki/a"),
            ("a", "a"), ("?a", "?a"), ("#a", "#a"), ("./a", "./a"), ("../a", site + "/wiki/a"), ("../../a", site + "/wiki/a"),
            ("..", site + "/wiki/"), ("a:b", "a:b"), ("1:b", "1:b")):
        assert location(gate, apps["wiki"], "/wiki/x", value) == expected, value
    assert location(gate, apps["wiki"], "/wiki/b/c/d", "../a?q") == site + "/wiki/b/a?q"
    for value in ("/login", "/a/../b", "a", "../a"):
        assert location(gate, upstream, "/x", value) == value


def test_an_app_that_gets_the_browsers_host_knows_the_public_address(gate, apps):
    for value, expected in (
            ("https://public.test/login", "https://public.test/kept/login"), ("https://PUBLIC.test:443/", "https://public.test/kept/"),
            ("https://public.test/kept/a", "https://public.test/kept/a"), ("//public.test/a", "https://public.test/kept/a"),
            ("https://public.test:8443/", "https://public.test:8443/"), ("https://public.test.evil.test/", "https://public.test.evil.test/")):
        assert location(gate, apps["kept"], "/kept/x", value) == expected, value
    assert location(gate, apps["wiki"], "/wiki/x", "https://public.test/a") == "https://public.test/a"


def test_other_fields(gate, apps):
    own = f"http://127.0.0.1:{apps['wiki'].port}"
    response = answered(gate, apps["wiki"], "/wiki/x", [
        ("content-location", own + "/a"), ("X-Before", "1"), ("LOCATION", own + "/b"), ("Link", f"<{own}/c>"), ("X-After", "2")])
    assert response["Content-Location"] == "https://public.test/wiki/a" and response["Location"] == "https://public.test/wiki/b"
    assert (response["X-Before"], response["X-After"], response["Link"]) == ("1", "2", f"<{own}/c>")


@pytest.mark.parametrize("text, expected", [
    ("5; url={own}/a", "5; url={site}/a"), ("5;URL='{own}/a'", "5;URL='{site}/a'"), ('0 , Url = "{own}/a" x', '0 , Url = "{site}/a" x'),
    ("5; {own}/a", "5; {site}/a"), ("5 url={own}/a", "5 url={site}/a"), ("5.5; url=/a", "5.5; url={site}/a"), ("5; url=a", "5; url=a"),
    ("5", "5"), ("", ""), ("; url={own}/a", "; url={own}/a"), ("x; url={own}/a", "x; url={own}/a"), ("5x url={own}/a", "5x url={own}/a"),
    ("5; url='//evil.test/'", "5; url='//evil.test/'"), ("5; url='{own}.evil.test/'", "5; url='{own}.evil.test/'"),
    ("5; url=' {own}/a '", "5; url=' {site}/a '"), ("5; url='{own}/a", "5; url='{site}/a"), ("5; url={own}/a'b", "5; url={site}/a'b"),
])
def test_refresh(gate, apps, text, expected):
    places = {"own": f"http://127.0.0.1:{apps['wiki'].port}", "site": "https://public.test/wiki"}
    response = answered(gate, apps["wiki"], "/wiki/x", {"Refresh": text.format(**places)})
    assert response["Refresh"] == expected.format(**places)


@pytest.mark.parametrize("text, expected", [
    ("a=b", "a=b"), ("a=b; Path=/", "a=b; Path=/wiki"), ("a=b; path=/x; Secure", "a=b; path=/wiki/x; Secure"), ("a=b;PATH = /x ;HttpOnly", "a=b;PATH = /wiki/x ;HttpOnly"),
    ("a=b; Path=/wiki", "a=b; Path=/wiki"), ("a=b; Path=/wiki/x", "a=b; Path=/wiki/x"), ("a=b; Path=/wikipedia", "a=b; Path=/wiki/wikipedia"),
    ("a=b; Path", "a=b; Path"), ("a=b; Path=x", "a=b; Path=x"), ("a=/; Path=/y; Path=/z", "a=/; Path=/wiki/y; Path=/wiki/z"),
    ("__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"), ("__host-a=b; Path=/", "__host-a=b; Path=/"),
    ("a=b; Domain=127.0.0.1; Path=/", "a=b; Path=/wiki"), ("a=b; domain=.127.0.0.1", "a=b"), ("a=b; Domain=127.0.0.1; Secure", "a=b; Secure"),
    ("a=b; Domain=public.test; Path=/wiki", "a=b; Domain=public.test; Path=/wiki"), ("a=b; Domain=0.0.1", "a=b; Domain=0.0.1"),
    # The last one counts, and without it the one before would.
    ("a=b; Domain=test; Domain=127.0.0.1", "a=b"), ("a=b; Domain=127.0.0.1; Domain=test", "a=b; Domain=127.0.0.1; Domain=test"),
    ("a=b; Domain=", "a=b; Domain="), ("a=\"; Path=/x\"", "a=\"; Path=/wiki/x\""), ("; Path=/", "; Path=/wiki"),
])
def test_cookies(gate, apps, text, expected):
    response = answered(gate, apps["wiki"], "/wiki/x", [("Set-Cookie", "first=1"), ("Set-Cookie", text), ("Set-Cookie", "last=1")])
    assert response.all("Set-Cookie") == ["first=1", expected, "last=1"]


def test_it_can_be_switched_off_and_is_off_where_the_app_knows_its_address(gate, apps, start_gate, upstream):
    own = f"http://127.0.0.1:{apps['off'].port}/a"
    response = answered(gate, apps["off"], "/off/x", [("Location", own), ("Set-Cookie", "a=b; Path=/; Domain=127.0.0.1")])
    assert response["Location"] == own and response["Set-Cookie"] == "a=b; Path=/; Domain=127.0.0.1"
    standard = start_gate(upstream, access={"default": "guest"})
    assert location(standard, upstream, "/x", upstream.url + "/a") == upstream.url + "/a"
    wanted = start_gate(upstream, access={"default": "guest"}, upstream={"url": upstream.url, "rewriteRedirects": True})
    assert location(wanted, upstream, "/x", upstream.url + "/a", host=None) == wanted.origin + "/a"


def test_an_app_that_is_chosen_by_its_host_keeps_it(gate, apps):
    own = f"http://127.0.0.1:{apps['docs'].port}/a"
    assert location(gate, apps["docs"], "/x", own, host="docs.test") == "https://docs.test/a"
    assert location(gate, apps["docs"], "/x", own, host="DOCS.test:8443") == "https://docs.test:8443/a"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6(start_gate, upstream):
    relay = Relay("::1", 0, upstream.port)
    try:
        url = f"http://[::1]:{relay.port}"
        gate = start_gate(url, access={"default": "guest"}, upstream={"url": url, "preserveHost": False})
        for value, expected in ((f"http://[0:0:0:0:0:0:0:1]:{relay.port}/a", gate.origin + "/a"), (url + "/", gate.origin + "/"),
                                (f"http://[::2]:{relay.port}/a", f"http://[::2]:{relay.port}/a"), ("http://[::1]/a", "http://[::1]/a")):
            assert location(gate, upstream, "/x", value, host=None) == expected
    finally:
        relay.close()


def test_from_and_to_http2(start_gate, upstream):
    app = H2Upstream()
    try:
        own = f"http://127.0.0.1:{app.port}"
        app.answer = lambda request: request.respond(302, [("location", own + "/a"), ("set-cookie", "a=b; Path=/")])
        gate = start_gate(upstream, access={"default": "guest"}, upstreams=[
            {"paths": ["/wiki/*"], "url": f"h2c://127.0.0.1:{app.port}", "stripPrefix": "/wiki"}])
        with FrameConnection(gate.port) as connection:
            response = connection.get("/wiki/x")
            assert response["location"] == f"http://{connection.authority}/wiki/a"
            assert response["set-cookie"] == "a=b; Path=/wiki"
    finally:
        app.close()


PIECES = ["http:", "https:", "HTTP:", "/", "/", "//", "\\", "{own}", "{own}", "127.0.0.1", ":", "{port}", "0", "@", "evil.test", "public.test",
          "public.test", "?", "#", ".", "..", "%2e", "wiki", "/wiki", "/wiki/", "\t", " ", "a", "[::1]", "%40", "%2f", ";", "=", "http://",
          "https://", "-", "+", "~", "%"]


def generated(count: int, seed: int, port: int):
    generator = random.Random(seed)
    for _ in range(count):
        text = "".join(generator.choices(PIECES, k=generator.randint(1, 7)))
        yield text.format(own=f"http://127.0.0.1:{port}", port=port).strip(" \t")


def origins(pairs: list) -> list:
    """Origin and URL, as browsers resolve them."""
    done = subprocess.run(["node", RESOLVER], input=json.dumps(pairs), capture_output=True, text=True, timeout=60, check=True)
    return [(url and "/".join(url.split("/", 3)[:3]) if url and "://" in url[:9] else url, url) for url in json.loads(done.stdout)]


@pytest.mark.parametrize("name, request_path", [("wiki", "/wiki/b/c"), ("kept", "/kept/b/c"), ("", "/b/c")])
def test_no_foreign_url_becomes_ours_and_none_of_ours_a_foreign_one(gate, upstream, apps, name, request_path):
    app = apps[name] if name else upstream
    texts = [t for t in generated(1500, 8305, app.port) if t]
    results = []
    queue = iter(texts)
    app.answer = lambda request, connection: connection.send(
        f"HTTP/1.1 201 Made\r\nLocation: {next(queue)}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
    with gate.connection() as connection:
        for _ in texts:
            results.append(connection.exchange("GET", request_path, host="public.test")["Location"])
    base, own, site = "https://public.test" + request_path, f"http://127.0.0.1:{app.port}", "https://public.test"
    before = origins([[base, text] for text in texts])
    after = origins([[base, text] for text in results])
    changed = 0
    for text, result, (old, _), (new, url) in zip(texts, results, before, after):
        changed += text != result
        if old == own:
            assert new in (own, site), (text, result)
        elif old == site:
            assert new == site, (text, result)
        elif text != result:
            # A reference without a scheme has the app's own: http, where the site's is https.
            assert old == own.replace("http:", "https:") and text.startswith("//"), (text, result)
        if text != result:
            assert new == site and url.startswith(f"{site}/{name}"), (text, result)
            # RFC 3986's reading is the same.
            assert urllib.parse.urlsplit(result)[:2] == ("https", "public.test"), (text, result)
            split = urllib.parse.urlsplit(urllib.parse.urljoin(base, text))
            assert split.netloc.rpartition("@")[2] in (f"127.0.0.1:{app.port}", "public.test", "public.test:", "public.test:443"), (text, result)
    assert changed > 20
