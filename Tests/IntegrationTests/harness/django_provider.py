# SPDX-License-Identifier: Apache-2.0
"""Django OAuth Toolkit as an OpenID provider, installed by scripts/test-providers."""

import json
import subprocess
from pathlib import Path

import pytest

from .gate import ROOT, clean_environment
from .ports import free_port
from .process import ChildProcess

PYTHON = ROOT / ".build/test-providers/python/bin/python"
SCRIPT = Path(__file__).parent.parent / "openid/django_provider.py"


class DjangoProvider:
    """`clients` are {client ID: fields of its application}; users are ada and grace, with the password of `glewlwyd`."""

    def __init__(self, folder: Path, **clients):
        if not PYTHON.exists():
            pytest.skip("Django OAuth Toolkit is missing: scripts/test-providers installs it")
        folder.mkdir(parents=True)
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", folder / "key.pem"],
                       check=True, capture_output=True)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.issuer = f"{self.url}/o"
        self.process = ChildProcess([PYTHON, SCRIPT, folder, self.port, json.dumps(clients)], folder / "django.log",
                                    env=clean_environment())
        self.process.wait_until_accepting(("127.0.0.1", self.port))

    def stop(self):
        self.process.kill()
