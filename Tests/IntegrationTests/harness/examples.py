# SPDX-License-Identifier: Apache-2.0
"""The programs in examples/, started as their comments describe."""

import os
import shutil
import sys
from pathlib import Path

from .gate import BINARY, ROOT, SESSION_SECRET, Gate, clean_environment
from .ports import free_port
from .process import ChildProcess

EXAMPLES = ROOT / "examples"
CONFIGURATIONS = sorted((EXAMPLES / "configurations").glob("*.yaml"))
KEY = "the-key-both-sides-have-of-32-bytes-0001"
OIDC_SECRET = "the-secret-of-the-openid-client-0001"
PROVISIONING_SECRET = "the-secret-of-provisioning-calls-0001"
REDIS_PASSWORD, SENTINEL_PASSWORD = "the-password-of-the-servers-0001", "the-password-of-the-sentinels-0001"


class Program:
    """One of the example programs, on its own port."""

    def __init__(self, folder: Path, name: str, arguments, **environment):
        self.process = ChildProcess(arguments, folder / f"{name}.log", env=clean_environment(**environment))
        self.port = int(environment.get("PORT") or next(a for a in map(str, arguments) if a.isdigit() or ":" in a).split(":")[-1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self):
        self.process.kill()


def php(folder: Path, served: str, **environment) -> Program:
    """PHP's own server for a folder of examples/, or for one script that serves all paths."""
    path, address = EXAMPLES / served, f"127.0.0.1:{free_port()}"
    return Program(folder, "php", ["php", "-S", address, *(["-t", path] if path.is_dir() else [path])], **environment)


def flask(folder: Path, **environment) -> Program:
    return Program(folder, "flask", [
        sys.executable, "-m", "flask", "--app", EXAMPLES / "identity-providers/flask/idp.py", "run", "--port",
        str(free_port())], **environment)


def node(folder: Path, **environment) -> Program:
    return Program(folder, "node", ["node", EXAMPLES / "identity-providers/node/idp.mjs"],
                   **{"PORT": str(free_port()), **environment})


def python(folder: Path, script: str, *arguments, **environment) -> Program:
    return Program(folder, Path(script).stem, [sys.executable, EXAMPLES / script, str(free_port()), *arguments], **environment)


class ExampleGate(Gate):
    """`sidegate run` with an unchanged example configuration: differences are given on the command line."""

    def __init__(self, folder: Path, name: str, upstream: str, port: int = 0, secrets=(), **settings):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.config = folder / f"{name}.yaml"
        shutil.copy(EXAMPLES / "configurations" / self.config.name, self.config)
        write_secrets(folder, **dict(secrets))
        changes = {"listen": f"127.0.0.1:{self.port}", "publicURL": self.origin, "upstream": upstream, "workers": "1",
                   **{key.replace("__", "."): value for key, value in settings.items()}}
        options = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
        self.process = ChildProcess(
            [BINARY, "run", "--config", self.config, *options], folder / "sidegate.log",
            env=clean_environment(CREDENTIALS_DIRECTORY=str(folder)))
        self.was_stopped = False
        self.process.wait_until_accepting(("127.0.0.1", self.port))


def write_secrets(folder: Path, **secrets):
    """The files that the configurations name."""
    for name, value in {"jwt": KEY, "oidc": OIDC_SECRET, "session": SESSION_SECRET, "provisioning": PROVISIONING_SECRET,
                        "redis": REDIS_PASSWORD, "sentinel": SENTINEL_PASSWORD, **secrets}.items():
        path = folder / name
        path.write_text(value + "\n")
        os.chmod(path, 0o600)
