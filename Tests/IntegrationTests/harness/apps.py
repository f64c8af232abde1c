# SPDX-License-Identifier: Apache-2.0
"""Real web apps of PyPI and Debian, each set up as docs/apps.md describes: the app knows its users by a header alone."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from .gate import ROOT, clean_environment
from .ports import free_port
from .process import ChildProcess, wait_until
from .wire import exchange

APPS = ROOT / ".build" / "test-apps"  # scripts/test-apps
PYTHON = APPS / "python" / "bin" / "python"
DEBIAN = APPS / "debian"
EXAMPLES = ROOT / "examples" / "apps"
WSGI = Path(__file__).parent.parent / "wsgi"


def installed(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is missing; `make deps-test` installs it")
    return path


def documented(title: str) -> dict:
    """Sidegate's settings of that section of docs/apps.md, without the app's address."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", (ROOT / "docs/apps.md").read_text(), re.M | re.S).group(1)
    settings = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```$", section, re.M | re.S).group(1))
    assert settings.pop("upstream")
    return settings


class App:
    """A started app on a port of its own."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []

    def started(self, *arguments, port: int = 0, path: str = None, cwd: Path = None, **environment) -> ChildProcess:
        """Waits until the app accepts connections, and with `path` until it answers there."""
        process = ChildProcess(
            arguments, self.folder / f"log{len(self.processes)}",
            env=clean_environment(HOME=str(self.folder), PYTHONWARNINGS="ignore", **environment), cwd=cwd or self.folder)
        self.processes.append(process)
        process.wait_until_accepting(("127.0.0.1", port or self.port))
        if path:
            wait_until(lambda: exchange(self.port, "GET", path).status < 500, f"{path} of {arguments[0]}")
        return process

    def stop(self):
        for process in self.processes:
            process.kill()

    def log(self) -> str:
        return "\n".join(process.output() for process in self.processes)


class Radicale(App):
    """CalDAV and CardDAV; each user sees the own collections."""

    def __init__(self, folder: Path, prefix: str = ""):
        super().__init__(folder)
        config = self.folder / "radicale.config"
        config.write_text(f"""
[server]
hosts = 127.0.0.1:{self.port}
{f"script_name = {prefix}" if prefix else ""}
[auth]
type = http_x_remote_user
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = {self.folder}/collections
""")
        self.started(installed(PYTHON), "-m", "radicale", "--config", config)


class Jupyter(App):
    """JupyterLab with kernels and terminals; identity from the header by examples/apps/jupyter."""

    def __init__(self, folder: Path, base: str = "/"):
        super().__init__(folder)
        self.base = base
        self.files = self.folder / "files"
        self.files.mkdir()
        (self.folder / "jupyter_server_config.py").write_text((EXAMPLES / "jupyter/jupyter_server_config.py").read_text())
        self.started(
            installed(PYTHON), "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0", f"--ServerApp.base_url={base}", f"--ServerApp.root_dir={self.files}",
            "--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=1e9", "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            path=base + "api", JUPYTER_CONFIG_DIR=str(self.folder), JUPYTER_RUNTIME_DIR=str(self.folder / "runtime"),
            JUPYTER_DATA_DIR=str(self.folder / "data"), SHELL="/bin/sh", IPYTHONDIR=str(self.folder / "ipython"),
            PATH=f"{PYTHON.parent}:{os.environ['PATH']}")

    def stop(self):
        self.processes[0].stop()  # it ends its kernels, which are in process groups of their own


class WsgiDAV(App):
    """WebDAV on a folder, for the users of the header; `anonymous` for everyone."""

    def __init__(self, folder: Path, prefix: str = "", anonymous: bool = False):
        super().__init__(folder)
        self.files = self.folder / "files"
        self.files.mkdir()
        (self.folder / "wsgidav.yaml").write_text(f"""
host: 127.0.0.1
port: {self.port}
{f"mount_path: {prefix}" if prefix else ""}
provider_mapping: {{ "/": {self.files} }}
http_authenticator:
  trusted_auth_header: HTTP_X_FORWARDED_USER
simple_dc: {{ user_mapping: {{ "*": {'true' if anonymous else '{ "ada@example.com": { password: "" } }'} }} }}
property_manager: true
lock_storage: true
""")
        self.started(installed(PYTHON), "-m", "wsgidav.server.server_cli", "--config", self.folder / "wsgidav.yaml")


class Forms(App):
    """A Flask app with Flask-WTF's CSRF tokens: wsgi/forms.py."""

    def __init__(self, folder: Path, *options):
        super().__init__(folder)
        self.started(installed(PYTHON), WSGI / "forms.py", self.port, self.folder, *options)


class Moin(App):
    """MoinMoin 2 with GivenAuth."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        moin = installed(PYTHON.parent / "moin")
        instance = self.folder / "wiki"
        run = lambda *arguments: subprocess.run(  # noqa: E731
            [moin, *arguments], cwd=instance if instance.exists() else self.folder, check=True, capture_output=True, timeout=120,
            env=clean_environment(HOME=str(self.folder)))
        run("create-instance", "--path", instance)
        config = (instance / "wikiconfig.py").read_text()
        # Its sample lets named people write; here every user who is known.
        config = config.replace("YOUR-TRUSTED-EDITORS-GROUP:read,write,create All:read", "Known:read,write,create,admin All:")
        (instance / "wikiconfig.py").write_text(config + (EXAMPLES / "moin/wikiconfig-part.py").read_text())
        run("index-create")
        self.started(moin, "--app", "moin.app", "run", "--host", "127.0.0.1", "--port", self.port, cwd=instance)


class Django(App):
    """Django's admin site with RemoteUserMiddleware: wsgi/admin.py, by Debian's Django."""

    def __init__(self, folder: Path, *options):
        super().__init__(folder)
        self.started("/usr/bin/python3", WSGI / "admin.py", self.port, self.folder, *options)
