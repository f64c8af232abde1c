# SPDX-License-Identifier: Apache-2.0
"""Certificates made by the openssl command for one test run."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
_RSA = ["-newkey", "rsa:2048"]


def _openssl(*arguments, cwd=None):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=cwd, timeout=60)


@dataclass
class Certificate:
    certificate: str
    key: str

    @property
    def settings(self) -> dict:
        return {"certificate": self.certificate, "key": self.key}


class Authority:
    """A certificate authority; `path` is its own certificate."""

    def __init__(self, folder: Path, name: str = "authority"):
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.path = str(self.folder / "ca.pem")
        self._key = self.folder / "ca.key"
        _openssl("req", "-x509", *_EC, "-nodes", "-days", 30, "-subj", f"/CN={name}", "-keyout", self._key,
                 "-out", self.path, "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        (self.folder / "index").write_text("")
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "conf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
            "unique_subject=no\n[p]\ncommonName=supplied\n")

    def issue(self, label: str, names: str, rsa=False, dates=None, digest="sha256") -> Certificate:
        """`names` in the form of subjectAltName; `dates` in the form of `openssl ca`."""
        made = Certificate(str(self.folder / f"{label}.pem"), str(self.folder / f"{label}.key"))
        request, extensions = self.folder / f"{label}.csr", self.folder / f"{label}.ext"
        _openssl("req", "-new", *(_RSA if rsa else _EC), "-nodes", "-subj", f"/CN={label}", "-keyout", made.key,
                 "-out", request)
        Path(made.key).chmod(0o600)
        extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        dates = ["-startdate", dates[0], "-enddate", dates[1]] if dates else ["-days", "10"]
        _openssl("ca", "-batch", "-config", "conf", "-cert", self.path, "-keyfile", self._key, "-in", request,
                 "-extfile", extensions, "-md", digest, *dates, "-notext", "-out", made.certificate, cwd=self.folder)
        return made
