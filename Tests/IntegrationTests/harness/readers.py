# SPDX-License-Identifier: Apache-2.0
"""Real servers and frameworks that parse paths in different ways: each serves a folder with a secret part /closed, or
has a handler for it."""

import os
import sys
from pathlib import Path

from .gate import ROOT
from .ports import free_port
from .process import ChildProcess
from .servers import Nginx

APPS = Path(__file__).parent.parent / "apps"
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
# With what scripts/test-tools installs, where it could.
TOOLS_PYTHON = ROOT / ".build" / "test-tools" / "python" / "bin" / "python"
SECRET = b"SECRET"

APACHE = """
ServerRoot "{folder}"
ServerName app.test
Listen 127.0.0.1:{port}
PidFile "{folder}/apache.pid"
ErrorLog "/dev/stderr"
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
DocumentRoot "{files}"
AllowEncodedSlashes On
<Directory "/">
    Require all granted
</Directory>
{user}
"""


def make_files(folder: Path) -> Path:
    for name, text in (("public/a.txt", b"PUBLIC"), ("public/index.html", b"PUBLIC"), ("closed/secret.txt", SECRET),
                       ("closed/index.html", SECRET), ("closed/public/a.txt", SECRET), ("index.html", b"PUBLIC"),
                       ("x/a.txt", b"PUBLIC"), ("public/x/a.txt", b"PUBLIC")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


class Readers:
    """All of them; `ports` by name."""

    def __init__(self, folder: Path):
        folder.chmod(0o755)
        files = make_files(folder / "files")
        self.processes = []
        self.ports = {}
        nginx = Nginx(folder / "nginx", f"location / {{ root {files}; }}")
        self.processes.append(nginx.process)
        self.ports["nginx"] = nginx.port
        self.ports["apache"] = port = free_port()
        configuration = folder / "apache.conf"
        # Apache refuses to serve as root.
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        if user:
            user = "LoadModule unixd_module /usr/lib/apache2/modules/mod_unixd.so\n" + user if not built_in("mod_unixd") else user
        configuration.write_text(APACHE.format(folder=folder, port=port, files=files, user=user))
        self._start("apache", ["/usr/sbin/apache2", "-X", "-f", configuration], folder)
        for kind in ("flask", "django", "files", "urlsplit", *(["bottle"] if TOOLS_PYTHON.exists() else [])):
            self.ports[kind] = free_port()
            self._start(kind, [TOOLS_PYTHON if kind == "bottle" else PYTHON, APPS / "reader.py", kind, self.ports[kind], files], folder)
        self.ports["express"] = free_port()
        self._start("express", ["node", APPS / "reader.mjs", self.ports["express"], files], folder)
        self.ports["php"] = free_port()
        self._start("php", ["php", "-S", f"127.0.0.1:{self.ports['php']}", APPS / "reader.php"], folder)
        self.ports["php-files"] = free_port()
        self._start("php-files", ["php", "-S", f"127.0.0.1:{self.ports['php-files']}", "-t", files], folder)

    def _start(self, name: str, arguments: list, folder: Path):
        # Debian's packages of Node's libraries, also for a node that is not Debian's.
        process = ChildProcess(arguments, folder / f"{name}.log", env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
        self.processes.append(process)
        process.wait_until_accepting(("127.0.0.1", self.ports[name]))

    def stop(self):
        for process in self.processes:
            process.kill()


def built_in(module: str) -> bool:
    return not os.path.exists(f"/usr/lib/apache2/modules/{module}.so")
