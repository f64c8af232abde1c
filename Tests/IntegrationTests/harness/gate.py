# SPDX-License-Identifier: Apache-2.0
"""`sidegate run` as a process, and a browser's part of a sign-in."""

import json
import os
import subprocess
import urllib.parse
from pathlib import Path

from . import tokens
from .ports import free_port
from .process import ChildProcess
from .wire import Connection, Response, exchange

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("SIDEGATE_BINARY", ROOT / ".build" / "release" / "sidegate"))
SESSION_SECRET = "a-session-secret-of-at-least-32-bytes-0002"
LOGIN_URL = "https://idp.test/login?return_url={returnURL}"

#: An address that the user typed.
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate",
              "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
#: A link on another site, or the provider's redirect.
FROM_ANOTHER_SITE = {"Sec-Fetch-Site": "cross-site"}
XHR = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


def clean_environment(**additions) -> dict:
    """The environment without variables that configure the gate."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("SIDEGATE")}
    return {**kept, **additions}


def sidegate(*arguments, input: str = None, cwd=None, env=None, timeout=60) -> subprocess.CompletedProcess:
    """Runs one command to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)], input=input, stdin=None if input is not None else subprocess.DEVNULL,
        capture_output=True, text=True, cwd=cwd, env=env or clean_environment(), timeout=timeout)


def merged(base: dict, changes: dict) -> dict:
    """`base` with the changes, merged recursively; a change to None removes the key."""
    result = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def settings(url: str, port: int, /, **changes) -> dict:
    """A configuration for tests; YAML is a superset of JSON, so it is written as JSON."""
    return merged({
        "listen": [f"127.0.0.1:{port}"],
        "upstream": url,
        "identityProvider": {"loginURL": LOGIN_URL},
        "token": {"keys": [{"secret": tokens.SECRET}]},
        "session": {"secret": SESSION_SECRET},
        "workers": 1,
        "admin": {"listen": "off"},
        # Longer than any test waits for an end, so that a connection which must end does not end for this reason.
        "limits": {"headerTimeout": "1h"},
    }, changes)


class Gate:
    def __init__(self, folder: Path, url: str, /, nofile=None, environment=None, also_listen=(), **changes):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        if also_listen:
            changes["listen"] = [f"127.0.0.1:{self.port}", *also_listen]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.config = folder / "sidegate.yaml"
        self.settings = settings(url, self.port, **changes)
        self.config.write_text(json.dumps(self.settings, indent=2))
        self.config.chmod(0o600)
        self.process = ChildProcess(
            [BINARY, "run", "--config", self.config], folder / "sidegate.log",
            env=clean_environment(**(environment or {})), nofile=nofile)
        self.was_stopped = False
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self) -> int:
        self.was_stopped = True
        return self.process.stop()

    def log(self) -> str:
        return self.process.output()

    def connection(self, **options) -> Connection:
        return Connection(self.port, **options)

    def exchange(self, method="GET", target="/", headers=(), body=None, host=None) -> Response:
        return exchange(self.port, method, target, headers, body, host)

    def signed_in(self, **claims) -> "Browser":
        browser = Browser(self)
        browser.sign_in(**claims)
        return browser

    def session_cookie(self, **claims) -> dict:
        """A Cookie header with a new session."""
        return {"Cookie": self.signed_in(**claims).cookie_header()}


class Browser:
    """Cookies and navigations, as far as the gate recognises a browser."""

    _number = 0

    def __init__(self, gate: Gate):
        Browser._number += 1
        self.user_agent = f"Mozilla/5.0 (test browser {Browser._number})"  # the gate sees another browser for each user
        self.gate = gate
        self.cookies: dict[str, str] = {}

    def cookie_header(self) -> str:
        return "; ".join(f"{n}={v}" for n, v in self.cookies.items())

    def fetch(self, method="GET", target="/", headers=(), body=None) -> Response:
        if target.startswith(self.gate.origin):
            target = target[len(self.gate.origin):] or "/"
        headers = {"User-Agent": self.user_agent, **dict(headers)}
        if self.cookies:
            headers.setdefault("Cookie", self.cookie_header())
        response = self.gate.exchange(method, target, headers, body)
        for line in response.all("Set-Cookie"):
            self.take(line)
        return response

    def take(self, line: str):
        pair, _, attributes = line.partition(";")
        name, _, value = pair.strip().partition("=")
        if value == "" or "max-age=0" in attributes.lower().replace(" ", ""):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def navigate(self, target="/", method="GET", headers=(), body=None) -> Response:
        return self.fetch(method, target, {**NAVIGATION, **dict(headers)}, body)

    def post_form(self, target: str, fields: dict, headers=()) -> Response:
        body = urllib.parse.urlencode(fields).encode()
        return self.navigate(
            target, "POST", {"Content-Type": "application/x-www-form-urlencoded", **dict(headers)}, body)

    # The steps of a sign-in.

    def start(self, target="/") -> str:
        """Requests a page without a session; returns the URL to which the provider must send the browser back."""
        response = self.navigate(target)
        assert response.status == 302, f"{response.status} {response.body[:500]!r}"
        location = urllib.parse.urlsplit(response["Location"])
        assert location.hostname == "idp.test", location
        return dict(urllib.parse.parse_qsl(location.query))["return_url"]

    def finish(self, return_url: str, token: str) -> Response:
        return self.navigate(with_parameter(return_url, "jwt", token), headers=FROM_ANOTHER_SITE)

    def sign_in_with(self, token: str) -> Response:
        return self.finish(self.start(), token)

    def sign_in(self, target="/", **claims) -> Response:
        response = self.finish(self.start(target), tokens.token(**claims))
        assert response.status == 303, f"{response.status} {response.body[:2000]!r}"
        return response


def with_parameter(url: str, name: str, value: str) -> str:
    """The URL with one more query parameter, as an identity provider adds it."""
    return url + ("&" if "?" in url else "?") + urllib.parse.urlencode({name: value})
