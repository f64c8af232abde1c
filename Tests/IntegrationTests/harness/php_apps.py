# SPDX-License-Identifier: Apache-2.0
"""Apps in PHP: DokuWiki behind nginx and FastCGI, phpMyAdmin with a MariaDB behind the same."""

import hmac
import os
import re
import shutil
import subprocess
from pathlib import Path

from .apps import DEBIAN, EXAMPLES, App, installed

from .ports import free_port
from .process import ChildProcess
from .servers import Nginx


class FastCGI(App):
    """A PHP app in `root`: nginx, and php-cgi with `first` run before each script. `parameters` is nginx configuration."""

    def __init__(self, folder: Path, root: Path, first: str, parameters: str = "", locations: str = ""):
        App.__init__(self, folder)
        (folder / "first.php").write_text("<?php\n" + first)
        for name in ("sessions", "uploads"):
            (folder / name).mkdir(exist_ok=True)
        php = free_port()
        self.started(
            "php-cgi", "-b", f"127.0.0.1:{php}", "-d", f"auto_prepend_file={folder}/first.php",
            "-d", f"include_path=.:{DEBIAN}/usr/share/php", "-d", f"session.save_path={folder}/sessions",
            "-d", f"upload_tmp_dir={folder}/uploads", "-d", "upload_max_filesize=64M", "-d", "post_max_size=64M",
            "-d", "error_reporting=0", port=php, PHP_FCGI_CHILDREN="4", PHP_FCGI_MAX_REQUESTS="0")
        self.nginx = Nginx(folder / "nginx", f"""
            location / {{ root {root}; index index.php; }} {locations}
            location ~ \\.php(/|$) {{
                root {root};
                include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:{php};
                # Debian's file has the name alone, without the port of the browser's Host.
                fastcgi_param HTTP_HOST $http_host;
                fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
                {parameters}
            }}""")
        self.port, self.url = self.nginx.port, self.nginx.url

    def stop(self):
        self.nginx.stop()
        super().stop()


class DokuWiki(FastCGI):
    """DokuWiki with the plugin of examples/apps/dokuwiki; members of `admins` manage it, all users write."""

    def __init__(self, folder: Path, base: str = ""):
        installed(DEBIAN / "usr/share/dokuwiki")
        folder.mkdir(parents=True)
        # Its own copy: DokuWiki writes to its folders, and looks for plugins below itself.
        wiki = folder / "wiki"
        shutil.copytree(DEBIAN / "usr/share/dokuwiki", wiki / "usr/share/dokuwiki", ignore_dangling_symlinks=True)
        shutil.copytree(EXAMPLES / "dokuwiki/authsidegate", wiki / "usr/share/dokuwiki/lib/plugins/authsidegate")
        conf = wiki / "conf"
        shutil.copytree(DEBIAN / "etc/dokuwiki", conf, symlinks=True)
        shutil.copytree(DEBIAN / "var/lib/dokuwiki/data", wiki / "data")
        for name in ("acl.auth.php", "users.auth.php"):
            (conf / name).unlink(missing_ok=True)
        (conf / "acl.auth.php").write_text("*\t@ALL\t0\n*\t@user\t8\nprivate:*\t@ALL\t0\nprivate:*\tada%40example%2ecom\t8\n")
        (conf / "users.auth.php").write_text("")
        (conf / "local.php").write_text(f"""<?php
            $conf['title'] = 'The wiki'; $conf['useacl'] = 1; $conf['authtype'] = 'authsidegate'; $conf['superuser'] = '@admins';
            $conf['savedir'] = '{wiki}/data'; $conf['disableactions'] = 'register'; $conf['updatecheck'] = 0;
            $conf['userewrite'] = 0; {f"$conf['basedir'] = '{base}/';" if base else ""}
        """)
        super().__init__(
            folder / "server", wiki / "usr/share/dokuwiki",
            f"define('DOKU_MAIN_CONF', '{conf}/'); define('DOKU_CONF', '{conf}/');",
            locations="location ~ ^/(data|conf|bin|inc|vendor)/ { deny all; }")


class MariaDB:
    """A server with an account and a database for each user: `accounts` has their passwords."""

    TABLES = ["system_tables", "performance_tables", "system_tables_data"]  # mysql_… before MariaDB 11, mariadb_… since

    def __init__(self, folder: Path, accounts: dict):
        folder.mkdir()
        self.port = free_port()
        options = [f"--datadir={folder}/data", "--skip-log-bin", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M",
                   *(["--user=root"] if os.geteuid() == 0 else [])]
        (folder / "data").mkdir()
        tables = "".join(next(Path("/usr/share/mysql").glob(f"m*_{name}.sql")).read_text() for name in self.TABLES)
        subprocess.run(["/usr/sbin/mariadbd", "--no-defaults", *options, "--bootstrap", "--skip-networking"], check=True, timeout=120,
                       input=f"CREATE DATABASE mysql;\nUSE mysql;\n{tables}", text=True, capture_output=True)
        first = folder / "first.sql"
        first.write_text("".join(
            f"CREATE USER `{name}`@`%` IDENTIFIED BY '{password}';\nCREATE DATABASE `{name}`;\nGRANT ALL ON `{name}`.* TO `{name}`@`%`;\n"
            for name, password in accounts.items()))
        self.process = ChildProcess(
            ["/usr/sbin/mariadbd", "--no-defaults", *options, f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
             f"--socket={folder}/sock", f"--init-file={first}", f"--pid-file={folder}/pid", "--max-allowed-packet=64M"], folder / "log")
        self.process.wait_until_accepting(("127.0.0.1", self.port))


class PhpMyAdmin(FastCGI):
    """phpMyAdmin with `auth_type` signon by examples/apps/phpmyadmin, for database accounts of `users`."""

    def __init__(self, folder: Path, users: list):
        installed(DEBIAN / "usr/share/phpmyadmin")
        folder.mkdir(parents=True)
        root = folder / "phpmyadmin"
        shutil.copytree(DEBIAN / "usr/share/phpmyadmin", root, ignore=shutil.ignore_patterns("locale", "doc"), ignore_dangling_symlinks=True)
        secret = "the secret of the accounts' passwords"
        (folder / "signon.secret").write_text(secret + "\n")
        self.database = MariaDB(folder / "database", {
            user: hmac.new(secret.encode(), user.encode(), "sha256").hexdigest() for user in users})
        vendor = root / "libraries/vendor_config.php"
        vendor.write_text(re.sub(r"'[^']*/etc/phpmyadmin/", f"'{folder}/", re.sub(
            r"'[^']*/var/lib/phpmyadmin/tmp/'", f"'{folder}/tmp/'", vendor.read_text())))
        (folder / "tmp").mkdir()
        (folder / "config.inc.php").write_text(f"""<?php
            $cfg['Servers'][1] = ['auth_type' => 'signon', 'SignonScript' => '{EXAMPLES}/phpmyadmin/signon.php',
                'SignonURL' => '/.sidegate/login', 'LogoutURL' => '/.sidegate/logout', 'host' => '127.0.0.1', 'port' => '{self.database.port}'];
            $cfg['blowfish_secret'] = '{"s" * 32}'; $cfg['TempDir'] = '{folder}/tmp'; $cfg['VersionCheck'] = false;
            $cfg['SendErrorReports'] = 'never';
        """)
        super().__init__(folder / "server", root, f"putenv('SIGNON_SECRET={folder}/signon.secret');")

    def stop(self):
        super().stop()
        self.database.process.kill()
