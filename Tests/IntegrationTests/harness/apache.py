# SPDX-License-Identifier: Apache-2.0
"""Apache with modules, as real apps need them: mod_dav, and CGI for git's smart HTTP."""

import os
import subprocess
from pathlib import Path

from .apps import App
from .readers import built_in

MODULES = Path("/usr/lib/apache2/modules")


class Apache(App):
    """One Apache process; `content` is its configuration after the modules are loaded."""

    def __init__(self, folder: Path, modules: list, content: str):
        super().__init__(folder)
        names = ["mpm_event", "authz_core", *modules, *(["unixd"] if os.geteuid() == 0 else [])]
        load = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names if not built_in(f"mod_{name}"))
        # As root it serves as www-data, which must be able to enter the folder.
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        self.files = folder / "files"
        self.files.mkdir()
        (folder / "apache.conf").write_text(f"""
            ServerRoot "{folder}"
            ServerName app.test
            Listen 127.0.0.1:{self.port}
            PidFile "{folder}/apache.pid"
            ErrorLog "/dev/stderr"
            {load}
            {user}
            DocumentRoot "{self.files}"
            TraceEnable Off
            {content.format(folder=folder, files=self.files)}
        """)
        self.prepare()
        if os.geteuid() == 0:
            for parent in [folder, *list(folder.parents)[:3]]:
                parent.chmod(parent.stat().st_mode | 0o011)
            subprocess.run(["chown", "-R", "www-data:", str(self.files)], check=True)
        self.started("/usr/sbin/apache2", "-X", "-f", folder / "apache.conf")

    def prepare(self):
        pass


class ApacheDAV(Apache):
    """mod_dav: the user is that of the header, who must be ada unless `require` says otherwise;
    `early` is configuration for all requests."""

    def __init__(self, folder: Path, early: str = "", require: str = "expr \"%{{HTTP:X-Forwarded-User}} == 'ada@example.com'\""):
        super().__init__(folder, ["dav", "dav_fs", "headers", "setenvif", "alias"], early + """
            DavLockDB "{folder}/files.lock"
            <Directory "/">
                Require all denied
            </Directory>
            <Directory "{files}">
                Dav On
                DavDepthInfinity On
                Require """ + require + """
            </Directory>
        """)

    def prepare(self):
        self.folder.chmod(0o777)  # for the database of locks


class GitServer(Apache):
    """git's smart HTTP by git-http-backend; pushing needs a user."""

    def __init__(self, folder: Path):
        super().__init__(folder, ["cgid", "env", "alias", "setenvif"], """
            ScriptSock "{folder}/cgid.sock"
            SetEnv GIT_PROJECT_ROOT "{files}"
            SetEnv GIT_HTTP_EXPORT_ALL
            SetEnvIf X-Forwarded-User "^(.+)$" REMOTE_USER=$1
            SetEnvIf Git-Protocol ".*" GIT_PROTOCOL=$0
            ScriptAlias /git/ /usr/lib/git-core/git-http-backend/
            <Directory "/usr/lib/git-core">
                Require all granted
            </Directory>
        """)

    def prepare(self):
        self.folder.chmod(0o777)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", self.files / "project.git"], check=True)
