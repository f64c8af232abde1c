# SPDX-License-Identifier: Apache-2.0
"""A browser at a gate with a preset: goes to the provider, and returns by the preset's path and parameter."""

import html
import re
import urllib.parse

from .gate import FROM_ANOTHER_SITE, Browser, Gate, with_parameter


class Visit(Browser):
    """The browser of one user; `parameter` and `return_path` are those of the provider."""

    def __init__(self, gate: Gate, return_path: str = "/.sidegate/callback", parameter: str = "jwt"):
        super().__init__(gate)
        self.return_path, self.parameter = return_path, parameter

    def go(self, target: str = "/") -> str:
        """Requests a page without a session; returns the URL at the provider."""
        response = self.navigate(target)
        assert response.status == 302, f"{response.status} {response.body[:500]!r}"
        return response["Location"]

    def bring(self, token: str, **parameters):
        """Sends the browser back with a token, as the provider's redirect does."""
        url = with_parameter(self.return_path, self.parameter, token)
        for name, value in parameters.items():
            url = with_parameter(url, name, value)
        return self.navigate(url, headers=FROM_ANOTHER_SITE)

    def enter(self, token: str, target: str = "/"):
        """Goes to the provider and returns; the response to the return."""
        self.go(target)
        return self.bring(token)

    def confirm(self, page):
        """Submits the page that asks for confirmation of a sign-in begun elsewhere."""
        action, fields = form(page.text)
        return self.post_form(action, fields, {"Sec-Fetch-Site": "same-origin", "Origin": self.gate.origin})

    def sign_out(self):
        return self.navigate("/.sidegate/logout", "POST", {"Sec-Fetch-Site": "same-origin", "Origin": self.gate.origin})

    @property
    def has_session(self) -> bool:
        return any(n == "sidegate" or n.startswith("sidegate.") for n in self.cookies)


def form(text: str):
    """The action and the hidden fields of a page's first POST form."""
    tag = re.search(r'<form[^>]*method="?post"?[^>]*>', text, re.I)
    assert tag, text[:1500]
    action = re.search(r'action="([^"]*)"', tag.group(0))
    fields = {
        html.unescape(re.search(r'name="([^"]*)"', field).group(1)):
            html.unescape(re.search(r'value="([^"]*)"', field).group(1))
        for field in re.findall(r"<input[^>]*>", text) if "name=" in field and "value=" in field}
    return html.unescape(action.group(1)) if action else "", fields


def query(url: str) -> dict:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True))


def accepted(response) -> str:
    """Asserts a sign-in; returns path and query of its redirect."""
    assert response.status == 303, f"{response.status} {response.body[:3000]!r}"
    parts = urllib.parse.urlsplit(response["Location"])
    return urllib.parse.urlunsplit(("", "", *parts[2:]))


def refused(response, code: str, status: int = 403):
    assert response.status == status, f"{response.status} {response.body[:3000]!r}"
    assert code in response.text, f"{code} is missing: {response.text[:3000]}"
