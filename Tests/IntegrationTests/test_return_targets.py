# SPDX-License-Identifier: Apache-2.0
"""After a sign-in the browser stays on this site: for generated return targets and deep links, a WHATWG URL parser checks
each Location (CVE-2022-23527, CVE-2019-3877)."""

import json
import random
import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from harness import tokens
from harness.gate import Browser, with_parameter

RESOLVER = Path(__file__).parent / "apps" / "urls.mjs"
PIECES = ["/", "/", "//", "\\", "%2f", "%2F", "%5c", "%252f", "..", ".", "%2e%2e", "%2E", "/..", "/../", "evil.example", "evil.example",
          "a", "b", "?", "#", "@", ":", ";", "%09", "%0d", "%00", "\t", "%20", "https:", "http://", "javascript:", "127.0.0.1",
          ".sidegate", "%ef%bc%8f", "+", "%25", "&", "="]
FIXED = ["//evil.example/..", "//evil.example/%2e%2e", "/%2f/evil.example/..", "/\\evil.example/..", "\\\\evil.example/..", "///evil.example/..",
         "/..//evil.example", "/a/..//evil.example/..", "/%5cevil.example/%2e%2e", "//evil.example/../..", "/.//evil.example/",
         "https://evil.example", "https:evil.example", "//evil.example\\..", "/%252f%252fevil.example/..", "//a@evil.example/.."]


def texts(count: int, seed: int):
    generator = random.Random(seed)
    yield from FIXED
    for _ in range(count):
        yield generator.choice(["/", "//", "/", "", "/\\"]) + "".join(generator.choices(PIECES, k=generator.randint(1, 6)))


def resolved(pairs: list) -> list:
    done = subprocess.run(["node", RESOLVER], input=json.dumps(pairs), capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def assert_all_stay(seen: list, origin: str):
    """`seen`: (requested target, Location)."""
    assert len(seen) > 50
    for (asked, location), url in zip(seen, resolved([[origin + "/.sidegate/callback", location] for _, location in seen])):
        assert url is not None and url.startswith(origin + "/"), (asked, location, url)
        # It also stays on the site for a client that resolves or decodes it once more.
        assert not re.match(r"[/\\]{2}", urllib.parse.unquote(location)), (asked, location)


def signed_in_location(gate, first) -> str:
    """The Location after the sign-in that the 302 `first` began; None if it is not such a redirect."""
    browser, response = first
    if response.status != 302 or "idp.test" not in response["Location"]:
        return None
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["Location"]).query))
    done = browser.finish(query["return_url"], tokens.token())
    assert done.status == 303, (done.status, done.text)
    return done["Location"]


@pytest.mark.parametrize("rules", [[], [{"paths": ["/public/*"], "allow": "anyone"}]], ids=["no rules", "rules"])
class TestAfterTheSignIn:
    def test_return_to(self, upstream, start_gate, rules):
        gate = start_gate(upstream, access={"rules": rules})
        seen = []
        for text in texts(1500, 51):
            browser = Browser(gate)
            response = browser.navigate("/.sidegate/login?return_to=" + urllib.parse.quote(text, safe=""))
            location = signed_in_location(gate, (browser, response))
            if location is None:
                assert response.status == 400, (text, response.status)
            else:
                seen.append((text, location))
        assert_all_stay(seen, gate.origin)

    def test_deep_links(self, upstream, start_gate, rules):
        gate = start_gate(upstream, access={"rules": rules})
        seen = []
        for text in texts(1500, 52):
            if not text.startswith("/") or re.search(r"[#\t ]", text):
                continue
            browser = Browser(gate)
            location = signed_in_location(gate, (browser, browser.navigate(text)))
            if location is not None:
                seen.append((text, location))
        assert_all_stay(seen, gate.origin)

    def test_logout_and_the_links_on_pages(self, upstream, start_gate, rules):
        gate = start_gate(upstream, access={"rules": rules})
        seen = []
        for text in texts(400, 53):
            target = "/.sidegate/logout?return_to=" + urllib.parse.quote(text, safe="")
            response = gate.exchange("GET", target, {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
            links = re.findall(r'(?:href|action|url)=["\']?([^"\'> ]+)', response.text) if response.body else []
            if response.get("Location"):
                links.append(response["Location"])
            seen += [(text, link.replace("&#x3D;", "=").replace("&#61;", "=").replace("&amp;", "&")) for link in links]
        assert_all_stay(seen, gate.origin)


@pytest.mark.parametrize("asked, location", [
    ("//evil.example/..", "/"), ("/a/../b", "{origin}/a/../b"), ("/a/%2e%2e/b?c=d", "{origin}/a/%2e%2e/b?c=d"), ("/a//b", "/a//b"),
    ("/%5cb", "/"), ("/a%5Cb", "/a%5Cb")])
def test_an_ambiguous_path_is_kept_with_its_host_or_dropped(gate, asked, location):
    browser = Browser(gate)
    assert signed_in_location(gate, (browser, browser.navigate(asked))) == location.format(origin=gate.origin)


def test_form_posts_and_confirmation_pages_stay_on_this_site_too(gate):
    """A sign-in begun at the provider with return_to: checks the confirmation page and the target of its form."""
    seen = []
    for text in texts(300, 54):
        browser = Browser(gate)
        page = browser.navigate(with_parameter(with_parameter("/.sidegate/callback", "jwt", tokens.token()), "return_to", text))
        if page.status != 200:
            assert page.status in (303, 400, 403), (text, page.status)
            continue
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)[1]
        done = browser.post_form(action, fields, {"Sec-Fetch-Site": "same-origin", "Origin": gate.origin})
        if done.get("Location"):
            seen.append((text, done["Location"]))
    assert_all_stay(seen, gate.origin)
