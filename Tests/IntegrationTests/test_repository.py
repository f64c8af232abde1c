# SPDX-License-Identifier: Apache-2.0
"""No test in the repository can fail because of a later date or a busy machine."""

import re
from datetime import datetime

import pytest
from cryptography import x509

from harness.gate import ROOT

PLACES = ("Sources", "Tests", "Benchmarks", "examples", "docs", "packaging", "helm", "kustomize")
FILES = [path for place in PLACES for path in (ROOT / place).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
CERTIFICATE = re.compile(rb"^ *-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----$", re.M | re.S)


def certificates():
    for path in FILES:
        for pem in CERTIFICATE.findall(path.read_bytes()):
            yield pytest.param(re.sub(rb"^ +", b"", pem, flags=re.M), id=str(path.relative_to(ROOT)))


@pytest.mark.parametrize("pem", certificates())
def test_a_certificate_in_the_tree_is_valid_or_invalid_for_decades(pem):
    begins, ends = (getattr(x509.load_pem_x509_certificate(pem), name) for name in ("not_valid_before", "not_valid_after"))
    assert not datetime(2027, 1, 1) < begins < datetime(2090, 1, 1), "a certificate for later must begin in the far future"
    assert not datetime(2002, 1, 1) < ends < datetime(2090, 1, 1), "a valid certificate must end in the far future"


def test_the_certificates_are_found():
    assert len(list(certificates())) >= 10


# Code that tests the speed of the machine. A lower bound, measured from before the start to after the end, is allowed.
SPEED = {
    "*.py": r"process_time|perf_counter|getrusage|\.cpu_seconds\(|CPUTIME"
            r"|assert[^\n]*\b(time\.(monotonic|time)\(\) - \w+|took|elapsed)( [-+*/] \w+)? <",
    "*.swift": r"CLOCK_\w*CPUTIME|ru_utime|ru_stime"
               r"|#expect\([^\n]*((Clock|Time|loop)\.(now|current\(\)) - \w+|since\((start|began)\)|time|elapsed|took) <",
}


@pytest.mark.parametrize("pattern", SPEED)
def test_no_test_depends_on_the_speed_of_the_machine(pattern):
    """Only benchmarks do."""
    found = [f"{path.relative_to(ROOT)}: {match[0]}" for path in (ROOT / "Tests").rglob(pattern) if path.name != "test_repository.py"
             for match in re.finditer(SPEED[pattern], path.read_text())]
    assert found == []
