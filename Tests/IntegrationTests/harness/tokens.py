# SPDX-License-Identifier: Apache-2.0
"""Tokens as identity providers make them, and as attackers do."""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import time
from pathlib import Path

SECRET = "a-secret-shared-with-the-identity-provider-0001"
PHP_MINT = Path(__file__).parent.parent / "php" / "mint.php"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changes) -> dict:
    """A provider's current claims about Ada; a change to None omits the claim."""
    now = int(time.time())
    values = {
        "sub": "ada", "email": "ada@example.com", "preferred_username": "ada", "given_name": "Ada",
        "family_name": "Lovelace", "groups": ["staff", "admins"], "iat": now, "exp": now + 120,
        "jti": secrets.token_hex(16),
    }
    values.update(changes)
    return {name: value for name, value in values.items() if value is not None}


def signed(header: bytes, payload: bytes, secret: str = SECRET, digest="sha256") -> str:
    """A compact JWS of exactly these bytes."""
    signing_input = base64url(header) + "." + base64url(payload)
    signature = hmac.new(secret.encode(), signing_input.encode(), digest).digest()
    return signing_input + "." + base64url(signature)


def token(secret: str = SECRET, header: dict = None, **changes) -> str:
    header = {"alg": "HS256", "typ": "JWT"} if header is None else header
    return signed(json.dumps(header).encode(), json.dumps(claims(**changes)).encode(), secret)


def php_token(secret: str = SECRET, **changes) -> str:
    """The same token made by PHP's json_encode and hash_hmac."""
    done = subprocess.run(
        ["php", str(PHP_MINT), secret, json.dumps(claims(**changes))], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
