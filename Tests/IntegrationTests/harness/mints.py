# SPDX-License-Identifier: Apache-2.0
"""Tokens made by other implementations: PHP, Python's standard library, OpenSSL's command line.

Each mint signs exactly the given header and payload, so that a test controls every byte.
"""

import base64
import hmac
import json
import secrets
import subprocess
import tempfile
import time
from pathlib import Path

from .tokens import SECRET, base64url

SIGN_PHP = Path(__file__).parent.parent / "php" / "sign.php"
VERIFY_PHP = Path(__file__).parent.parent / "php" / "verify.php"
HEADER = '{"typ":"JWT","alg":"HS256"}'


def as_bytes(value) -> bytes:
    """A dict as JSON in the form of json_encode; text and bytes unchanged."""
    if isinstance(value, dict):
        value = json.dumps({n: v for n, v in value.items() if v is not None}, separators=(",", ":"), ensure_ascii=False)
    return value.encode() if isinstance(value, str) else value


def by_php(claims, key=SECRET, header=HEADER, algorithm="HS256") -> str:
    task = {name: base64.b64encode(as_bytes(value)).decode()
            for name, value in (("header", header), ("payload", claims), ("key", key))}
    done = subprocess.run(["php", str(SIGN_PHP)], input=json.dumps({**task, "algorithm": algorithm}), check=True,
                          capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def by_python(claims, key=SECRET, header=HEADER, algorithm="HS256") -> str:
    assert algorithm.startswith("HS"), "Python's standard library has no other algorithms"
    signing_input = base64url(as_bytes(header)) + "." + base64url(as_bytes(claims))
    return signing_input + "." + base64url(hmac.digest(as_bytes(key), signing_input.encode(), f"sha{algorithm[2:]}"))


def by_openssl(claims, key=SECRET, header=HEADER, algorithm="HS256") -> str:
    """`openssl dgst`; the key is a secret, or a private key in PEM."""
    signing_input = base64url(as_bytes(header)) + "." + base64url(as_bytes(claims))
    digest = f"-sha{algorithm[2:]}"
    with tempfile.NamedTemporaryFile() as file:
        if algorithm.startswith("HS"):
            options = ["-mac", "HMAC", "-macopt", f"hexkey:{as_bytes(key).hex()}"]
        else:
            file.write(as_bytes(key))
            file.flush()
            options = ["-sign", file.name]
        signature = subprocess.run(["openssl", "dgst", digest, *options, "-binary"], input=signing_input.encode(),
                                   check=True, capture_output=True, timeout=60).stdout
    if algorithm.startswith("ES"):
        signature = raw_ecdsa(signature, {"ES256": 32, "ES384": 48, "ES512": 66}[algorithm])
    return signing_input + "." + base64url(signature)


MINTS = {"PHP": by_php, "Python": by_python, "OpenSSL": by_openssl}


def raw_ecdsa(der: bytes, width: int) -> bytes:
    """R and S padded to full width (RFC 7518 §3.4), from OpenSSL's DER."""
    at, raw = (3 if der[1] & 0x80 else 2), b""
    for _ in range(2):
        assert der[at] == 2
        length = der[at + 1]
        raw += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(width, "big")
        at += 2 + length
    return raw


def private_key(algorithm: str) -> str:
    """A new private key for the algorithm as PEM, made by `openssl genpkey`."""
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    options = ["EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"] if curve else ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(["openssl", "genpkey", "-algorithm", *options], check=True, capture_output=True, text=True).stdout


def public_key(pem: str) -> str:
    return subprocess.run(["openssl", "pkey", "-pubout"], input=pem, check=True, capture_output=True, text=True).stdout


def rsa_jwk(pem: str, **fields) -> dict:
    """A public RSA key as a JWK, made with `openssl rsa -modulus`."""
    text = subprocess.run(["openssl", "rsa", "-noout", "-modulus"], input=pem, check=True, capture_output=True, text=True)
    modulus = bytes.fromhex(text.stdout.strip().partition("=")[2])
    return {"kty": "RSA", "n": base64url(modulus), "e": "AQAB", **fields}


def claims(**changes) -> dict:
    """Ada's claims, valid for one minute from now; a change to None omits the claim."""
    now = int(time.time())
    values = {"sub": "ada", "email": "ada@example.com", "iat": now, "exp": now + 60, "jti": secrets.token_hex(16)}
    values.update(changes)
    return values


# Verification by other implementations.

def read_by_php(token: str, secret: str = SECRET) -> dict:
    """{"header", "claims"}; fails when the signature is wrong."""
    done = subprocess.run(["php", str(VERIFY_PHP), secret, token], check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)


def read_by_python(token: str, secret: str = SECRET) -> dict:
    header, payload, signature = token.split(".")
    assert hmac.compare_digest(
        base64url(hmac.digest(secret.encode(), f"{header}.{payload}".encode(), "sha256")), signature)
    decoded = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, payload)]
    return {"header": decoded[0], "claims": decoded[1]}
