# SPDX-License-Identifier: Apache-2.0
"""A simple browser: follows redirects from site to site, keeps cookies, fills in forms."""

import html
import http.client
import re
import urllib.parse
from dataclasses import dataclass

from .gate import NAVIGATION


@dataclass
class Page:
    url: str
    status: int
    headers: http.client.HTTPMessage
    text: str
    way: list  # the URLs that led here, this one last

    @property
    def path(self) -> str:
        parts = urllib.parse.urlsplit(self.url)
        return parts.path + ("?" + parts.query if parts.query else "")

    def hidden_fields(self) -> dict:
        fields = {}
        for tag in re.findall(r"<input[^>]*type=\"?hidden[^>]*>", self.text):
            name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
            fields[html.unescape(name.group(1))] = html.unescape(value.group(1))
        return fields

    def form_action(self) -> str:
        action = re.search(r'<form[^>]*action="([^"]*)"', self.text)
        return urllib.parse.urljoin(self.url, html.unescape(action.group(1))) if action else self.url


class Surfer:
    def __init__(self):
        self.cookies: dict[tuple, str] = {}  # (host, name) → value; ports share cookies, as in browsers

    def get(self, url: str, **headers) -> Page:
        return self.walk("GET", url, None, headers)

    def post(self, url: str, fields: dict, **headers) -> Page:
        return self.walk("POST", url, urllib.parse.urlencode(fields), headers)

    def submit(self, page: Page, **fields) -> Page:
        """Submits the page's form, with its hidden fields."""
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(page.url))
        return self.post(page.form_action(), {**page.hidden_fields(), **fields}, Origin=origin,
                         **{"Sec-Fetch-Site": "same-origin"})

    def walk(self, method: str, url: str, body, headers: dict) -> Page:
        way = []
        for _ in range(20):
            way.append(url)
            response, text = self.once(method, url, body, headers)
            if response.status in (301, 302, 303) and response.headers["Location"]:
                url = urllib.parse.urljoin(url, response.headers["Location"])
                method, body, headers = "GET", None, {}
                continue
            return Page(url, response.status, response.headers, text, way)
        raise AssertionError("too many redirects:\n" + "\n".join(way))

    def once(self, method: str, url: str, body, headers: dict):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        sent = {**NAVIGATION, "User-Agent": "surfer", **headers}
        cookies = "; ".join(f"{name}={value}" for (host, name), value in self.cookies.items() if host == parts.hostname)
        if cookies:
            sent["Cookie"] = cookies
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, parts.path + ("?" + parts.query if parts.query else "") or "/", body, sent)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            key = (parts.hostname, name.strip())
            if not value or "max-age=0" in attributes.lower().replace(" ", "") or value == "deleted":
                self.cookies.pop(key, None)
            else:
                self.cookies[key] = value
        return response, text

    def has_cookie(self, name: str) -> bool:
        return any(cookie == name for _, cookie in self.cookies)
