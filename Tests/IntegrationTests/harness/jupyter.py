# SPDX-License-Identifier: Apache-2.0
"""What JupyterLab's page does in the browser: requests with its XSRF token, kernels and terminals over WebSockets."""

import asyncio
import json
import ssl
import uuid

import websockets

from .people import Person


def api(person: Person, base: str = "/") -> dict:
    """The fields that JupyterLab's own requests have."""
    person.get(base + "lab")
    return {"X-XSRFToken": person.cookies.get("_xsrf"), "Origin": person.gate.origin, "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors"}


def socket(person: Person, path: str, **headers):
    """A WebSocket of this browser's page."""
    origin = person.gate.origin
    context = ssl.create_default_context(cafile=person.gate.authority.path) if person.gate.authority else None
    return websockets.connect(
        origin.replace("http", "ws", 1) + path, max_size=None, ssl=context, origin=headers.pop("origin", origin), open_timeout=30,
        extra_headers={"Cookie": person.cookie_header, "User-Agent": "x", "Sec-Fetch-Mode": "websocket",
                       **headers})


async def execute(person: Person, kernel: str, code: str, base: str = "/") -> str:
    """Runs code in the kernel; returns what it printed."""
    async with socket(person, f"{base}api/kernels/{kernel}/channels?session_id={uuid.uuid4()}") as channel:
        header = {"msg_id": str(uuid.uuid4()), "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3", "date": ""}
        await channel.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": {
            "code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}}))
        printed = ""
        while True:
            message = json.loads(await asyncio.wait_for(channel.recv(), 30))
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
            if message["msg_type"] == "error":
                raise AssertionError(message["content"])
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return printed


def in_terminal(person: Person, typed: str, expected: str, then=None, name: str = None) -> bool:
    """Types into a terminal, a new one without `name`, until the text is printed. With `then`, calls it and waits until the
    WebSocket is closed."""
    name = name or person.post("/api/terminals", headers=api(person)).json()["name"]

    async def talk() -> bool:
        async with socket(person, f"/terminals/websocket/{name}") as terminal:
            await terminal.send(json.dumps(["stdin", typed]))
            seen = ""
            while expected not in seen:
                kind, *rest = json.loads(await asyncio.wait_for(terminal.recv(), 30))
                seen += rest[0] if kind == "stdout" else ""
            if then is None:
                return True
            then()
            try:
                while True:
                    await asyncio.wait_for(terminal.recv(), 30)
            except websockets.exceptions.ConnectionClosed:
                return True
    return asyncio.run(talk())
