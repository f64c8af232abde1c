# SPDX-License-Identifier: Apache-2.0
"""The console's door, and the commands that use it."""

import http.client
import json
import socket
import subprocess

from .gate import sidegate
from .ports import free_port
from .process import wait_until

TOKEN = "an-admin-token-of-at-least-32-bytes-0001"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def console(**more) -> dict:
    """The section `admin` with a token."""
    return {"listen": f"127.0.0.1:{free_port()}", "token": TOKEN, **more}


def run(gate, command: str, *arguments, **options) -> subprocess.CompletedProcess:
    """One of the commands with the gate's configuration."""
    return sidegate(command, "--config", gate.config, *arguments, **options)


def listed(gate, *arguments) -> list:
    """The sessions that `sidegate sessions --json` shows."""
    done = run(gate, "sessions", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["sessions"]


def wait_for_users(gate, *users) -> list:
    """Waits until exactly these users are listed, each as often as named; returns their sessions."""
    def found():
        sessions = listed(gate)
        return (sessions,) if sorted(session["user"] for session in sessions) == sorted(users) else None
    return wait_until(found, f"the sessions of {users} are listed, and no others")[0]


def over_socket(path, method: str, target: str, headers=(), body=None):
    """Status and body of a request over a unix socket."""
    class OverSocket(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(30)
            self.sock.connect(str(path))
    connection = OverSocket("localhost")
    connection.request(method, target, body, dict(headers))
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer
