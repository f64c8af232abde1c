# SPDX-License-Identifier: Apache-2.0
"""Browsers at a gate with OpenID providers, and fixtures. A test module imports the fixtures it needs."""

import json
import urllib.parse
from pathlib import Path

import httpx
import pytest

from .certificates import Authority
from .gate import FROM_ANOTHER_SITE, NAVIGATION, XHR, Gate, sidegate
from .openid_provider import Answer, OpenIDProvider
from .process import wait_until
from .secure import secured, trusting
from .visits import Visit, accepted
from .wire import Response

CALLBACK = "/.sidegate/callback"
SIGNED_OUT = "/.sidegate/signed-out"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
#: The browser's return by the provider's page with a form.
FORM_POST = {**FROM_ANOTHER_SITE, **FORM}


class OpenIDVisit(Visit):
    """The browser of one user, at a gate with this provider."""

    def __init__(self, gate, provider: OpenIDProvider, target: str = None):
        super().__init__(gate)
        self.provider = provider
        self.url = self.go(target) if target else None  # at the provider, after `go`

    def go(self, target: str = "/") -> str:
        """Requests a page without a session; returns the URL at the provider."""
        self.url = super().go(target)
        assert self.url.startswith(self.provider.endpoint("authorize") + "?"), self.url
        return self.url

    def request_of(self, url: str = None) -> dict:
        """The parameters of the authorization request."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url or self.url).query, keep_blank_values=True))

    def authorize(self, **claims) -> Answer:
        return self.provider.authorize(self.url, **claims)

    def come_back(self, answer: Answer, query: str = None, **headers) -> Response:
        """Takes the provider's response to the gate; `query` in place of the response's own parameters."""
        query = answer.query if query is None else query
        if answer.mode == "form_post":
            return self.navigate(answer.redirect_uri, "POST", {**FORM_POST, "Origin": self.provider.url, **headers}, query.encode())
        return self.navigate(f"{answer.redirect_uri}?{query}", headers={**FROM_ANOTHER_SITE, **headers})

    def enter(self, target: str = "/", **claims) -> Response:
        """Goes to the provider and returns; the response to the return."""
        self.go(target)
        return self.come_back(self.authorize(**claims))

    def sign_in(self, target: str = "/", **claims) -> Response:
        response = self.enter(target, **claims)
        assert accepted(response) == target, response["Location"]
        return response

    def session(self) -> dict:
        response = self.fetch("GET", "/.sidegate/session", XHR)
        assert response.status == 200, response.text[:1000]
        return response.json()

    @property
    def is_in(self) -> bool:
        """Whether the session is valid; does not change the browser's cookies."""
        status = self.gate.exchange("GET", "/", {**XHR, "Cookie": self.cookie_header()}).status
        assert status in (200, 401), status
        return status == 200


def ready(gate: Gate, *arguments, target: str = "/", host: str = None):
    """Waits until the gate has the provider's discovery document: a navigation no longer gets a page that says "try again"."""
    wait_until(lambda: gate.exchange("GET", target, NAVIGATION, host=host).status != 503, f"discovery\n{gate.log()}")
    return gate


def openid_settings(provider: OpenIDProvider, identity: dict = None, token: dict = None, **changes) -> dict:
    """Changes of the test configuration for one provider in place of the `?jwt=` provider."""
    return {"identityProvider": provider.settings(**(identity or {})), "token": {"keys": None, **(token or {})}, **changes}


@pytest.fixture(scope="module")
def module_provider():
    provider = OpenIDProvider(path="/realms/main")
    yield provider
    provider.stop()


@pytest.fixture
def provider(module_provider):
    """The module's provider, which answers as it should and has recorded nothing. A refused request of the client fails
    the test, unless the test empties `refusals`."""
    module_provider.reset()
    yield module_provider
    module_provider.released.set()
    assert not module_provider.refusals, module_provider.refusals
    assert not module_provider.server.failures, module_provider.server.failures


@pytest.fixture(scope="module")
def module_openid_gate(module_provider, module_upstream, start_module_gate):
    module_provider.reset()
    return ready(start_module_gate(module_upstream, **openid_settings(module_provider)))


@pytest.fixture
def openid_gate(module_openid_gate, provider, upstream):
    """A gate with the module's provider. Nothing secret that the provider has issued is in its log."""
    assert module_openid_gate.process.is_running(), f"the gate has ended:\n{module_openid_gate.log()}"
    yield module_openid_gate
    holds_no_secrets(module_openid_gate, provider)


@pytest.fixture
def start_provider():
    started = []

    def start(*arguments, **options) -> OpenIDProvider:
        started.append(OpenIDProvider(*arguments, **options))
        return started[-1]
    yield start
    for provider in started:
        provider.stop()


@pytest.fixture
def start_openid_gate(start_gate, upstream):
    """Starts gates with a provider; each must be able to sign in, unless `is_up` is false, and log no secret."""
    started = []

    def start(provider: OpenIDProvider, identity: dict = None, token: dict = None, is_up: bool = True, app=None, **changes) -> Gate:
        gate = start_gate(app or upstream, **openid_settings(provider, identity, token, **changes))
        started.append((gate, provider))
        return ready(gate) if is_up else gate
    yield start
    for gate, provider in started:
        holds_no_secrets(gate, provider)


def holds_no_secrets(gate: Gate, *providers: OpenIDProvider):
    log = gate.log()
    for provider in providers:
        for secret in [*provider.secrets, *filter(None, [provider.client_secret])]:
            # A JWS is searched for by its signature.
            part = secret.rpartition(".")[2]
            assert len(part) < 16 or part not in log, f"{secret} is in the log:\n" + next(
                line for line in log.splitlines() if part in line)


class UnderName:
    """A gate under the name that its `publicURL` gives it: one of several replicas."""

    def __init__(self, gate: Gate, origin: str):
        self.gate, self.origin = gate, origin

    def exchange(self, method="GET", target="/", headers=(), body=None, host=None) -> Response:
        return self.gate.exchange(method, target, headers, body, host or urllib.parse.urlsplit(self.origin).netloc)

    def log(self) -> str:
        return self.gate.log()


class OverHTTPX:
    """A gate as httpx reaches it, over HTTP/1.1 or HTTP/2, in the clear or over TLS."""

    def __init__(self, gate: Gate, way: str, authority: Authority = None):
        self.gate, self.way = gate, way
        scheme = "https" if way.startswith("https") else "http"
        self.origin = f"{scheme}://{'localhost' if authority else '127.0.0.1'}:{gate.port}"
        self.client = httpx.Client(
            base_url=self.origin, http1="h2" not in way, http2="h2" in way, timeout=30, trust_env=False,
            verify=trusting(authority) if authority else False, cookies=None)

    def exchange(self, method="GET", target="/", headers=(), body=None, host=None) -> Response:
        got = self.client.request(method, target, headers=dict(headers), content=body)
        self.client.cookies.clear()
        assert got.http_version == ("HTTP/2" if "h2" in self.way else "HTTP/1.1"), got.http_version
        return Response(got.status_code, got.reason_phrase, list(got.headers.multi_items()), got.content)

    def log(self) -> str:
        return self.gate.log()

    def close(self):
        self.client.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def over_tls(gate: Gate, authority: Authority) -> Gate:
    return secured(gate, trusting(authority))


def secure_settings(authority: Authority, label: str = "gate") -> dict:
    return {"tls": {"certificates": [authority.issue(label, "DNS:localhost").settings]}}


def check(tmp_path: Path, settings: dict):
    """`sidegate check` of the settings; its exit code and what it says."""
    config = tmp_path / "sidegate.yaml"
    config.write_text(json.dumps(settings, indent=2))
    config.chmod(0o600)
    done = sidegate("check", "--config", config)
    return done.returncode, done.stdout + done.stderr
