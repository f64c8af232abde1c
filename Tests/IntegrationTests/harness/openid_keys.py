# SPDX-License-Identifier: Apache-2.0
"""Keys and signatures of OpenID providers, by Python's cryptography."""

import base64
import json
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from .tokens import base64url


@cache
def private_key(kid: str, algorithm: str):
    """One key for each name and kind in a run, since a new RSA key takes a while."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


def number(value: int, width: int = 0) -> str:
    return base64url(value.to_bytes(width or (value.bit_length() + 7) // 8, "big"))


class Signer:
    """A private key with its name, and its public half as a JWK."""

    def __init__(self, kid: str, algorithm: str = "RS256"):
        self.kid, self.algorithm = kid, algorithm
        self.key = private_key(kid, algorithm)
        public = self.key.public_key().public_numbers()
        if algorithm == "ES256":
            values = {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32)}
        else:
            values = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
        self.jwk = {**values, "kid": kid, "alg": algorithm, "use": "sig"}

    @property
    def public_pem(self) -> str:
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def signature(self, data: bytes) -> bytes:
        if self.algorithm == "ES256":
            r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if self.algorithm == "PS256":
            return self.key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def sign(signer: Signer, claims: dict, **header) -> str:
    """A compact JWS; a change of the header to None omits the parameter."""
    header = {"alg": signer.algorithm, "typ": "JWT", "kid": signer.kid, **header}
    header = {name: value for name, value in header.items() if value is not None}
    signed = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    return signed + "." + base64url(signer.signature(signed.encode()))


def claims_of(token: str) -> dict:
    """Without verification."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
