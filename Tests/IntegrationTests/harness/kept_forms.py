# SPDX-License-Identifier: Apache-2.0
"""The page that keeps a form, read and sent as a browser does."""

import urllib.parse
from html.parser import HTMLParser

from selenium.webdriver.common.by import By

from . import tokens
from .chromium import page_text, until
from .gate import NAVIGATION, Gate, with_parameter
from .upstream import Upstream

SUBMISSION = {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
BOUNDARY = "----WebKitFormBoundaryABCDEFGHIJKLMNOP"
MULTIPART = {**SUBMISSION, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def end_sessions(gate: Gate, **claims):
    """Ends a user's sessions without the browser, which keeps its cookie."""
    jwt = tokens.token(**{"email": None, **claims})
    response = gate.exchange("POST", "/.sidegate/backchannel-logout", {"Content-Type": "application/x-www-form-urlencoded"},
                             urllib.parse.urlencode({"logout_token": jwt}).encode())
    assert response.status == 200, response.body


def multipart(*parts, boundary: str = BOUNDARY) -> bytes:
    """Parts as browsers write them: (name, value), or (name, None) for a file that was not chosen."""
    content = b""
    for name, value in parts:
        content += b"--" + boundary.encode() + b'\r\nContent-Disposition: form-data; name="' + name + b'"'
        if value is None:
            content += b'; filename=""\r\nContent-Type: application/octet-stream'
        content += b"\r\n\r\n" + (value or b"") + b"\r\n"
    return content + b"--" + boundary.encode() + b"--\r\n"


class KeptForm(HTMLParser):
    """The form of a page, as a browser reads it; `fields` are the bytes that it sends."""

    def __init__(self, body: bytes):
        super().__init__(convert_charrefs=True)
        self.form, self.entries, self.links, self.button, self._select = None, [], [], None, None
        # A parser of HTML turns line ends into LF first (HTML §13.2.3.5).
        self.feed(body.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n"))
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = {name: value if value is not None else "" for name, value in attributes}
        if tag == "form":
            assert self.form is None, "a second form"
            self.form = attributes
        elif tag == "input":
            self.entries.append((attributes["name"], attributes.get("value", ""), attributes["type"]))
        elif tag == "select":
            self._select = attributes["name"]
        elif tag == "option":
            self.entries.append((self._select, attributes["value"], "select"))
        elif tag == "button":
            assert attributes["form"] == self.form["id"] and "name" not in attributes
            self.button = attributes
        elif tag == "a":
            self.links.append(attributes)

    def _bytes(self, text: str) -> bytes:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
        charset = self.form["accept-charset"]
        if charset == "utf-8":
            return text.encode()
        assert charset == "windows-1252", charset
        # Unlike Python's, the Web's windows-1252 has all bytes.
        return b"".join(c.encode("latin-1") if "\x80" <= c < "\xa0" else c.encode("cp1252") for c in text)

    @property
    def fields(self) -> list:
        charset = self.form["accept-charset"].encode()
        return [(self._bytes(name), None if kind == "file" else
                 charset if kind == "hidden" and name.lower() == "_charset_" else self._bytes(value))
                for name, value, kind in self.entries]

    @property
    def action(self) -> str:
        return self.form["action"]

    def request(self) -> tuple:
        """The headers and the content that the browser sends."""
        if self.form["enctype"] == "multipart/form-data":
            boundary = "----WebKitFormBoundaryOtherOtherOther9"
            escaped = [(name.replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b'"', b"%22"), value) for name, value in self.fields]
            return ({**SUBMISSION, "Content-Type": f"multipart/form-data; boundary={boundary}"}, multipart(*escaped, boundary=boundary))
        assert self.form["enctype"] == "application/x-www-form-urlencoded"
        return SUBMISSION, urllib.parse.urlencode(self.fields, safe="*-._").encode()


class Provider(Upstream):
    """Signs in whoever `claims` says, without a login page."""

    def __init__(self):
        super().__init__()
        self.claims = {}
        self.answer = self.send_back

    def send_back(self, request, connection):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))
        if "return_url" not in query:
            return connection.respond(200, {"Content-Type": "text/html"}, b"<!doctype html><title>elsewhere</title>Elsewhere")
        connection.respond(302, {"Location": with_parameter(query["return_url"], "jwt", tokens.token(**self.claims))})


def press(browser, text: str):
    """The link or button with that text."""
    found = [e for e in browser.find_elements(By.CSS_SELECTOR, "a.button, button") if text in e.text]
    assert found, f"{text!r} is not on the page: {page_text(browser)}"
    found[0].click()


def sign_in_in_the_other_tab(browser):
    first = browser.current_window_handle
    press(browser, "Sign in")
    until(browser, lambda b: len(b.window_handles) == 2, "another tab")
    browser.switch_to.window(next(h for h in browser.window_handles if h != first))
    until(browser, lambda b: "Go back to the other tab" in page_text(b), "the page that leads back")
    text = page_text(browser)
    browser.close()
    browser.switch_to.window(first)
    return text
