# SPDX-License-Identifier: Apache-2.0
"""Glewlwyd, Debian's single sign-on server, as an OpenID provider: unpacked by scripts/test-providers, with its own database."""

import http.client
import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

from .gate import ROOT
from .ports import free_port
from .process import ChildProcess

DEBIAN = ROOT / ".build/test-providers/debian"
PASSWORD = "a-password-for-tests-0001"
PLUGIN = "oidc"


class Glewlwyd:
    """`clients` are {name: its properties}; users are ada and grace, both with `PASSWORD`."""

    def __init__(self, folder: Path, **clients):
        if not (DEBIAN / "usr/bin/glewlwyd").exists():
            pytest.skip("Glewlwyd is missing: scripts/test-providers unpacks it")
        folder.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.issuer = f"{self.url}/api/{PLUGIN}"
        (folder / "glewlwyd.conf").write_text(self._configuration(folder))
        with sqlite3.connect(folder / "glewlwyd.db") as database:
            database.executescript((DEBIAN / "usr/share/dbconfig-common/data/glewlwyd/install/sqlite3").read_text())
        database.close()
        library = next((DEBIAN / "usr/lib").glob("*-linux-gnu"))
        self.process = ChildProcess(
            [DEBIAN / "usr/bin/glewlwyd", "--config-file", folder / "glewlwyd.conf"], folder / "glewlwyd.log",
            env={**os.environ, "LD_LIBRARY_PATH": str(library)})
        try:
            self.process.wait_until_accepting(("127.0.0.1", self.port))
            self._set_up(folder, clients)
        except BaseException:
            self.process.kill()
            raise

    def stop(self):
        self.process.kill()

    def _configuration(self, folder: Path) -> str:
        text = (DEBIAN / "usr/share/glewlwyd/templates/glewlwyd-debian.conf.properties").read_text()
        for option, value in {
                "port": str(self.port), "external_url": f'"{self.url}"', "log_mode": '"console"', "cookie_same_site": '"lax"',
                **{f"{kind}_module_path": f'"{DEBIAN}/usr/lib/glewlwyd/{at}"' for kind, at in {
                    "user": "user", "client": "client", "user_auth_scheme": "scheme", "plugin": "plugin"}.items()}}.items():
            text, count = re.subn(rf"(?m)^#?{option}\s*=.*$", f"{option}={value}", text)
            assert count, option
        text = re.sub(r"(?m)^(static_files_path|bind_address|bind_address_endpoint)\s*=.*$", "", text)
        text = re.sub(r"(?m)^@include.*$", f'database = {{ type = "sqlite3" path = "{folder}/glewlwyd.db" }}', text)
        return f'static_files_path="{DEBIAN}/usr/share/glewlwyd/pages"\nbind_address="127.0.0.1"\n{text}'

    # Its interface for administrators.

    def _set_up(self, folder: Path, clients: dict):
        self._cookie = ""
        self._ask("POST", "auth", {"username": "admin", "password": "password"})
        self._ask("POST", "mod/plugin", {
            "module": "oidc", "name": PLUGIN, "display_name": "OpenID Connect", "order_rank": 0, "parameters": self._plugin(folder)})
        for scope in ("email", "profile"):
            self._ask("POST", "scope", {"name": scope, "display_name": scope, "description": scope, "password_required": False,
                                        "password_max_age": 0, "scheme": {}, "scheme_required": {}})
        openid = {"name": "openid", "display_name": "OpenID", "description": "OpenID", "password_required": True,
                  "password_max_age": 0, "scheme": {}, "scheme_required": {}}
        self._ask("PUT", "scope/openid", openid)
        for name, full in {"ada": "Ada Lovelace", "grace": "Grace Hopper"}.items():
            self._ask("POST", "user", {"username": name, "name": full, "email": f"{name}@example.com", "enabled": True,
                                       "password": PASSWORD, "scope": ["openid", "email", "profile", "g_profile"]})
        for name, properties in clients.items():
            self._ask("POST", "client", {
                "client_id": name, "name": f"The app {name}", "enabled": True, "confidential": True,
                "authorization_type": ["code"], "scope": [], "token_endpoint_auth_method": ["client_secret_basic"], **properties})

    def _plugin(self, folder: Path) -> dict:
        key = folder / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key)],
                       check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout"], check=True, capture_output=True, text=True).stdout
        return {
            "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": key.read_text(), "cert": public,
            "jwks-show": True, "access-token-duration": 3600, "refresh-token-duration": 1209600, "code-duration": 600,
            "refresh-token-rolling": True, "allow-non-oidc": False, "auth-type-code-enabled": True,
            "auth-type-token-enabled": False, "auth-type-id-token-enabled": True, "auth-type-none-enabled": False,
            "auth-type-password-enabled": False, "auth-type-client-enabled": False, "auth-type-refresh-enabled": True,
            "scope": [], "additional-parameters": [], "claims": [], "service-documentation": "", "op-policy-uri": "",
            "op-tos-uri": "", "name-claim": "mandatory", "name-claim-scope": ["profile"], "email-claim": "mandatory",
            "email-claim-scope": ["email"], "scope-claim": "no", "address-claim": {"type": "no"}, "allowed-scope": ["openid", "email", "profile"],
            "subject-type": "public", "pkce-allowed": True, "pkce-method-plain-allowed": False, "pkce-required": True,
            "request-parameter-allow": False, "session-management-allowed": True, "back-channel-logout-allowed": True,
            "front-channel-logout-allowed": True, "oauth-as-iss-id": True, "session-cookie-name": "GLEWLWYD2_OIDC_SID",
            "session-cookie-expiration": 2419200,
        }

    def _ask(self, method: str, path: str, body: dict):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, f"/api/{path}", json.dumps(body), {"Content-Type": "application/json", "Cookie": self._cookie})
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, f"{method} {path}: {response.status} {text}\n{self.process.output()[-3000:]}"
        for line in response.headers.get_all("Set-Cookie") or []:
            self._cookie = line.partition(";")[0]
        connection.close()
