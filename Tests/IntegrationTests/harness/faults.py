# SPDX-License-Identifier: Apache-2.0
"""System calls of one process that fail, or transfer one byte, when a test says so."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

from .clock import beside_swift

SOURCE = Path(__file__).with_name("faults.c")
CALLS = ["recv", "send", "sendmsg", "accept4", "connect", "socket", "epoll_wait", "epoll_ctl", "getsockopt", "setsockopt", "open",
         "fdatasync"]
#: In place of an error: one byte is transferred, or one event returned.
SHORT = -1
_ROW = struct.Struct("@6l")
_ALWAYS = 1 << 40


class Faults:
    """Pass `environment` to the process."""

    def __init__(self, folder: Path):
        compiler = shutil.which("cc") or shutil.which("clang") or beside_swift("clang")
        assert compiler, "neither `cc` nor Swift's `clang` is installed"
        library, table = folder / "faults.so", folder / "faults"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
        table.write_bytes(bytes(_ROW.size * len(CALLS)))
        self.environment = {"LD_PRELOAD": str(library), "FAULTS_FILE": str(table)}
        with open(table, "r+b") as file:
            self.table = mmap.mmap(file.fileno(), 0)

    def _row(self, call: str) -> int:
        return CALLS.index(call) * _ROW.size

    def calls(self, call: str) -> int:
        """How many were made so far."""
        return _ROW.unpack_from(self.table, self._row(call))[4]

    def count(self, call: str) -> int:
        """How many failed since `set`."""
        return _ROW.unpack_from(self.table, self._row(call))[5]

    def set(self, call: str, error: int, skip: int = 0, every: int = 1, times: int = _ALWAYS):
        """From now on, after `skip` calls, every `every`th fails, at most `times` in all."""
        row = self._row(call)
        struct.pack_into("@l", self.table, row, 0)
        struct.pack_into("@3l", self.table, row + 8, self.calls(call) + skip, every, times)
        struct.pack_into("@l", self.table, row + 40, 0)
        struct.pack_into("@l", self.table, row, error)

    def end(self):
        for call in CALLS:
            struct.pack_into("@l", self.table, self._row(call), 0)
