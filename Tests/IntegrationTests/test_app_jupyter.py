# SPDX-License-Identifier: Apache-2.0
"""JupyterLab behind the gate: files, kernels and terminals over WebSockets."""

import asyncio
import base64
import json
import secrets

import pytest
import websockets
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import mints
from harness.apps import Jupyter
from harness.chromium import browser, chromium, keep_screenshot  # noqa: F401
from harness.jupyter import api, execute, in_terminal, socket
from harness.people import ADA, EVE, ISPRING, WAYS, Person, gates  # noqa: F401
from harness.process import wait_until

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}}, "cells": [
    {"cell_type": "code", "id": "one", "execution_count": None, "metadata": {}, "outputs": [],
     "source": "print('the answer is', 6 * 7, 'gr\\u00fc\\u00dfe')"}]}


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    app = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory):
    app = Jupyter(tmp_path_factory.mktemp("jupyter"), "/lab-of-ada/")
    yield app
    app.stop()


@pytest.mark.parametrize("way", WAYS)
def test_the_app_knows_the_user(jupyter, gates, way):  # noqa: F811
    ada = gates.person(jupyter, ADA, way, "/lab")
    assert ada.get("/api/me").json()["identity"]["username"] == ADA
    nominated = {} if "h2" in way else {"Connection": "X-Forwarded-User"}
    for forged in ({"X-Forwarded-User": "root"}, {"X_Forwarded_User": "root"}, {"X-Forwarded-User": "root", **nominated}):
        assert ada.get("/api/me", headers=forged).json()["identity"]["username"] == ADA
    assert gates.person(jupyter, EVE, way, "/lab").get("/api/me").json()["identity"]["username"] == EVE


@pytest.mark.parametrize("way", WAYS)
def test_uploads_and_downloads_are_exact(jupyter, gates, way):  # noqa: F811
    ada = gates.person(jupyter, ADA, way, "/lab")
    fields = api(ada)
    content = secrets.token_bytes(3_000_001)
    name = f"{way.replace('/', '-')}.bin"
    made = ada.put(f"/api/contents/{name}", headers=fields, json={
        "type": "file", "format": "base64", "content": base64.b64encode(content).decode(), "name": name, "path": name})
    assert made.status_code == 201, made.text
    assert (jupyter.files / name).read_bytes() == content
    page = {"Referer": f"{ada.gate.origin}/lab"}  # without it Jupyter refuses downloads, as it does those of other sites
    assert ada.get(f"/files/{name}?download=1").status_code == 403
    assert ada.get(f"/files/{name}?download=1", headers=page).content == content
    part = ada.get(f"/files/{name}", headers={"Range": "bytes=1000000-2000000", **page})
    assert part.status_code == 206 and part.content == content[1_000_000:2_000_001]
    assert part.headers["Content-Range"] == "bytes 1000000-2000000/3000001"
    assert ada.put(f"/api/contents/{name}", json={}, headers={"Origin": ada.gate.origin}).status_code == 403, "no XSRF token"
    assert ada.delete(f"/api/contents/{name}", headers=fields).status_code == 204


@pytest.mark.parametrize("way", ["http/1.1", "https"])
@pytest.mark.parametrize("preserve", [True, False])
def test_a_kernel_over_its_websocket(jupyter, gates, way, preserve):  # noqa: F811
    """Jupyter compares Origin with Host; without the browser's Host it needs `allow_origin`."""
    ada = gates.person(jupyter, ADA, way, "/lab", upstream={"url": jupyter.url, "preserveHost": preserve})
    fields = api(ada)
    kernel = ada.post("/api/kernels", headers={**fields, **({} if preserve else {"Origin": jupyter.url})}, json={"name": "python3"})
    if not preserve:
        assert kernel.status_code == 201, kernel.text
        with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
            asyncio.run(execute(ada, kernel.json()["id"], "1"))
        assert refused.value.status_code == 403, "Origin is not the Host that the app knows"
        return
    assert kernel.status_code == 201, kernel.text
    identifier = kernel.json()["id"]
    assert asyncio.run(execute(ada, identifier, "print(6 * 7)")) == "42\n"
    # Long output arrives complete and in order.
    printed = asyncio.run(execute(ada, identifier, "for n in range(20000): print(n, 'grüße' * 10)"))
    assert printed == "".join(f"{n} {'grüße' * 10}\n" for n in range(20000))
    assert ada.delete(f"/api/kernels/{identifier}", headers=fields).status_code == 204


@pytest.mark.parametrize("way", ["http/1.1", "https"])
def test_a_terminal_over_its_websocket_ends_with_the_session(jupyter, gates, way):  # noqa: F811
    ada = gates.person(jupyter, ADA, way, "/lab")
    assert in_terminal(ada, "echo $((6*7))-$((1+1))\r", "42-2", then=ada.sign_out)
    assert ada.is_signed_out("/lab")


def test_a_websocket_without_a_session_or_of_another_site_is_refused(jupyter, gates):  # noqa: F811
    ada = gates.person(jupyter, ADA, target="/lab")
    name = ada.post("/api/terminals", headers=api(ada)).json()["name"]

    async def status(person, **headers) -> int:
        try:
            async with socket(person, f"/terminals/websocket/{name}", **headers):
                return 101
        except websockets.exceptions.InvalidStatusCode as refused:
            return refused.status_code
    assert asyncio.run(status(ada)) == 101
    assert asyncio.run(status(ada, origin="https://evil.test")) == 403
    stranger = Person(ada.gate, EVE)
    assert asyncio.run(status(stranger)) == 401
    assert asyncio.run(status(stranger, **{"X-Forwarded-User": ADA})) == 401


@pytest.mark.parametrize("strip", [False, True])
def test_under_a_prefix(jupyter, prefixed, gates, strip):  # noqa: F811
    """Jupyter's base_url has the prefix; with `stripPrefix` it must not, and then its links lead elsewhere."""
    app = jupyter if strip else prefixed
    route = {"paths": ["/lab-of-ada/*"], "url": app.url, **({"stripPrefix": "/lab-of-ada"} if strip else {})}
    ada = gates.person(app, ADA, target="/lab-of-ada/api/me", upstream="http://127.0.0.1:9", upstreams=[route])
    assert ada.get("/lab-of-ada/api/me").json()["identity"]["username"] == ADA
    if not strip:
        assert ada.visit("/lab-of-ada/").url.path == "/lab-of-ada/lab"
        fields = api(ada, "/lab-of-ada/")
        kernel = ada.post("/lab-of-ada/api/kernels", headers=fields, json={"name": "python3"}).json()["id"]
        assert asyncio.run(execute(ada, kernel, "print(1 + 1)", "/lab-of-ada/")) == "2\n"
        assert ada.delete(f"/lab-of-ada/api/kernels/{kernel}", headers=fields).status_code == 204


@pytest.mark.parametrize("way", ["http/1.1", "https"])
def test_a_notebook_in_chromium(jupyter, gates, browser, way):  # noqa: F811
    """JupyterLab opens a notebook, starts its kernel and runs a cell; over TLS all of it by HTTP/2."""
    gate = gates.gate(jupyter, way, identityProvider={**ISPRING["identityProvider"], "initiated": "allow"})
    name = f"note-{way[:5].strip('/')}.ipynb"
    (jupyter.files / name).write_text(json.dumps(NOTEBOOK))
    browser.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": True})
    browser.get(f"{gate.origin}/sso/login/jwt?jwt={mints.by_python(mints.claims(sub=None))}")
    browser.get(f"{gate.origin}/lab/tree/{name}?reset")

    def shown(selector: str, what: str):
        return wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, selector), f"{what} at {browser.current_url}")[0]

    def output() -> str:
        return browser.execute_script("return [...document.querySelectorAll('.jp-OutputArea-output')].map(e => e.textContent).join('')")
    shown('.jp-CodeCell .cm-content', "the notebook")
    shown('.jp-Notebook-ExecutionIndicator[data-status="idle"]', "an idle kernel")

    def ran() -> bool:
        """Runs the cell; while JupyterLab is still drawing it, it may not take the keys."""
        try:
            browser.find_element(By.CSS_SELECTOR, ".jp-CodeCell .cm-content").click()
            ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
        except WebDriverException:
            pass
        return "the answer is 42 grüße" in output()
    wait_until(ran, "the output of the cell", interval=1)
    protocol = browser.execute_script("return performance.getEntriesByType('navigation')[0].nextHopProtocol")
    assert protocol == ("h2" if way == "https" else "http/1.1")
    keep_screenshot(browser, f"jupyter-{way[:5].strip('/')}")
