# SPDX-License-Identifier: Apache-2.0
"""A real browser over TLS and HTTP/2: signing in on __Host- cookies, and a WebSocket on the same connection."""

import base64
import hashlib
import subprocess
import urllib.parse

import pytest

from harness import tokens
from harness.certificates import Authority
from harness.chromium import keep_screenshot, page_text, start_chromium, until
from harness.gate import Gate, with_parameter
from harness.upstream import Closed, Upstream

PAGE = b"""<!doctype html><title>app</title><body><p id=who>%s</p><script>
addEventListener("load", async () => {
  const say = (id, text) => { const p = document.createElement("p"); p.id = id; p.textContent = text; document.body.append(p) };
  const entry = performance.getEntriesByType("navigation")[0];
  say("protocol", entry.nextHopProtocol);
  const all = await Promise.all([...Array(20).keys()].map(n => fetch("/data/" + n).then(r => r.text())));
  say("data", all.join(" "));
  const socket = new WebSocket("wss://" + location.host + "/chat");
  socket.onmessage = event => say("echo", event.data);
  socket.onopen = () => socket.send("gr\\u00fc\\u00dfe");
  socket.onerror = () => say("echo", "error");
});
</script>"""


class App(Upstream):
    """A page, some data, and a WebSocket that echoes one short message."""

    def __init__(self):
        self.upgrades = []
        super().__init__()
        self.answer = self.say

    def say(self, request, connection):
        if request.get("Upgrade") == "websocket":
            return self.chat(request, connection)
        if request.target.startswith("/data/"):
            return connection.respond(200, {"Content-Type": "text/plain"}, request.target[6:].encode())
        user = request.get("X-Forwarded-Email", "nobody").encode()
        connection.respond(200, {"Content-Type": "text/html"}, PAGE % user)

    def chat(self, request, connection):
        self.upgrades.append(request)
        digest = hashlib.sha1((request.get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n")
        first, second = connection.read_exactly(2)
        assert first == 0x81 and second > 0x80, "one masked text frame"
        mask = connection.read_exactly(4)
        text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(connection.read_exactly(second & 0x7F)))
        connection.send(bytes([0x81, len(text)]) + text)
        raise Closed


class Provider(Upstream):
    """Signs Ada in without a login page, and sends her back."""

    def __init__(self):
        super().__init__()
        self.answer = self.send_back

    def send_back(self, request, connection):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))
        connection.respond(302, {"Location": with_parameter(query["return_url"], "jwt", tokens.token())})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates")).issue("ec", "DNS:localhost")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, certificate):
    """A browser that accepts only this key, without an authority."""
    public = subprocess.run(
        ["openssl", "pkey", "-in", certificate.key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
    pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
    browser = start_chromium(tmp_path_factory.mktemp("profile"), f"--ignore-certificate-errors-spki-list={pin}")
    yield browser
    browser.quit()


@pytest.fixture
def peers():
    app, provider = App(), Provider()
    yield app, provider
    for peer in (app, provider):
        peer.stop()
        assert not peer.failures, peer.failures


@pytest.mark.parametrize("http2,protocol", [(True, "h2"), (False, "http/1.1")])
def test_a_user_signs_in_over_tls(browser, peers, certificate, tmp_path, http2, protocol):
    app, provider = peers
    gate = Gate(
        tmp_path, app.url, tls={"certificates": [certificate.settings]}, http2={"enabled": http2},
        identityProvider={"loginURL": f"{provider.url}/login?return_url={{returnURL}}"})
    origin = f"https://localhost:{gate.port}"
    try:
        browser.get(origin + "/page?x=1#part")
        until(browser, lambda b: b.current_url == origin + "/page?x=1#part", "the deep link")
        assert "ada@example.com" in page_text(browser)
        until(browser, lambda b: "grüße" in page_text(b), "the WebSocket's echo")
        keep_screenshot(browser, f"tls-{protocol.replace('/', '-')}")
        lines = page_text(browser).splitlines()
        assert lines[1] == protocol
        assert lines[2] == " ".join(map(str, range(20)))
        cookies = browser.execute_cdp_cmd("Network.getCookies", {"urls": [origin]})["cookies"]
        session = [cookie for cookie in cookies if cookie["name"] == "__Host-sidegate"]
        assert len(session) == 1 and session[0]["secure"] and session[0]["httpOnly"] and session[0]["path"] == "/"
        assert app.upgrades[0].get("X-Forwarded-Email") == "ada@example.com"
    finally:
        assert gate.stop() == 0, gate.log()[-4000:]
        browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
