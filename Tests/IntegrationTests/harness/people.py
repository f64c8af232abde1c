# SPDX-License-Identifier: Apache-2.0
"""Users of real apps: an HTTP client with cookies, which signs in at the gate by a provider like iSpring's, over HTTP/1.1
or HTTP/2, in the clear or over TLS."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from . import mints
from .certificates import Authority
from .gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Gate
from .secure import trusting

#: How browsers reach the gate.
WAYS = ["http/1.1", "h2c", "https", "https-h2"]
#: The provider's part of the configuration; a user is known by the e-mail address.
ISPRING = {"identityProvider": {"preset": "ispring", "loginURL": "https://idp.test/login-token/"}}
ADA, EVE = "ada@example.com", "eve@example.com"


class PeopleGate(Gate):
    """A gate for people: with an authority it has a certificate for localhost."""

    def __init__(self, folder, url, authority=None, **changes):
        self.authority = authority
        self.people = []
        if authority:
            changes["tls"] = {"certificates": [authority.issue(f"gate-{folder.name}", "DNS:localhost").settings]}
        super().__init__(folder, url, **{**ISPRING, **changes})
        self.origin = f"{'https' if authority else 'http'}://localhost:{self.port}"


class Person(httpx.Client):
    """One user's browser. Redirects are followed only by `visit`."""

    def __init__(self, gate: PeopleGate, email: str, way: str = None, **claims):
        way = way or ("https" if gate.authority else "http/1.1")
        assert way.startswith("https") == bool(gate.authority), way
        super().__init__(
            base_url=gate.origin, http1="h2" not in way, http2="h2" in way, timeout=30, trust_env=False,
            verify=trusting(gate.authority) if gate.authority else False, headers={"User-Agent": f"Mozilla/5.0 ({email}, {way})"})
        self.gate, self.email, self.claims = gate, email, claims
        gate.people.append(self)
        self.version = "HTTP/2" if "h2" in way else "HTTP/1.1"

    def token(self, **changes) -> str:
        return mints.by_python(mints.claims(**{"sub": None, "email": self.email, **self.claims, **changes}))

    def sign_in(self, target: str = "/") -> httpx.Response:
        """Requests a page, logs in at the provider, and returns to the page."""
        first = self.get(target, headers=NAVIGATION)
        assert first.status_code == 302 and first.headers["Location"].startswith("https://idp.test/"), first.text[:500]
        assert first.http_version == self.version, first.http_version
        back = self.get(getattr(self.gate, "return_path", "/sso/login/jwt"), params={"jwt": self.token()}, headers={**NAVIGATION, **FROM_ANOTHER_SITE})
        assert back.status_code == 303, back.text[:2000]
        assert urljoin(self.gate.origin, back.headers["Location"]) == urljoin(self.gate.origin, target), back.headers
        return self.visit(back.headers["Location"])

    def visit(self, target: str, method: str = "GET", **options) -> httpx.Response:
        """A navigation within the site: follows redirects, each of which must stay on the site."""
        headers = {**NAVIGATION, "Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        if method == "POST":
            headers["Origin"] = self.gate.origin
        response = self.request(method, target, headers=headers, **options)
        for _ in range(10):
            if not response.is_redirect:
                return response
            location = urljoin(str(response.url), response.headers["Location"])
            assert location.startswith(self.gate.origin + "/"), f"{response.url} redirects to {location}"
            options.pop("data", None), options.pop("files", None), options.pop("content", None)
            response = self.get(location, headers={**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
        raise AssertionError(f"too many redirects, the last one to {response.headers['Location']}")

    def sign_out(self) -> httpx.Response:
        response = self.post("/.sidegate/logout", headers={
            **NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": self.gate.origin})
        assert response.status_code in (200, 303), response.text[:500]
        return response

    def is_signed_out(self, target: str = "/") -> bool:
        """The gate sends this browser to the provider, and refuses its requests to the app."""
        statuses = [self.get(target, headers=headers).status_code for headers in (NAVIGATION, XHR)]
        return statuses == [302, 401]

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.jar)


class Form:
    """The first form of a page with that text in its tag: `fields` are its hidden and text fields."""

    def __init__(self, response: httpx.Response, mark: str = ""):
        for tag, content in re.findall(r"(<form\b[^>]*>)(.*?)</form>", response.text, re.S):
            if mark in tag + content:
                break
        else:
            raise AssertionError(f"no form with {mark!r} in {response.url}: {response.text[:3000]}")
        self.action = urljoin(str(response.url), attribute(tag, "action") or str(response.url))
        self.fields = {
            attribute(field, "name"): attribute(field, "value") or "" for field in re.findall(r"<input\b[^>]*>", content)
            if attribute(field, "name") and attribute(field, "type") not in ("submit", "checkbox", "radio", "file", "button")}
        for field, text in re.findall(r"(<textarea\b[^>]*>)(.*?)</textarea>", content, re.S):
            self.fields[attribute(field, "name")] = unescape(text).removeprefix("\n")


def attribute(tag: str, name: str) -> str | None:
    found = re.search(rf"""\b{name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)
    return unescape(found.group(1) if found.group(1) is not None else found.group(2)) if found else None



class Gates:
    """Gates in front of real apps, one for each combination of app, TLS and settings."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.authority = Authority(folder)
        self.gates = {}

    def gate(self, app, way: str = "http/1.1", **changes) -> PeopleGate:
        key = (app.url, way.startswith("https"), repr(sorted(changes.items())))
        if key not in self.gates:
            authority = self.authority if way.startswith("https") else None
            self.gates[key] = PeopleGate(self.folder / f"gate{len(self.gates)}", app.url, authority, **changes)
        return self.gates[key]

    def person(self, app, email: str, way: str = "http/1.1", target: str = "/", **changes) -> Person:
        """A user who is signed in, at the gate with these settings."""
        person = Person(self.gate(app, way, **changes), email, way)
        person.sign_in(target)
        return person

    def stop(self):
        for gate in self.gates.values():
            if not gate.was_stopped:
                for person in gate.people:
                    person.close()  # the gate waits a while for clients with idle connections
                code = gate.stop()
                assert code == 0, f"a gate ended with {code}:\n{gate.log()[-4000:]}"


@pytest.fixture(scope="module")
def gates(tmp_path_factory):
    made = Gates(tmp_path_factory.mktemp("gates"))
    yield made
    made.stop()
