# SPDX-License-Identifier: Apache-2.0
"""The wall clock of one process, which a test can set; its monotonic clock is the machine's."""

import shutil
import struct
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


def beside_swift(program: str):
    swift = shutil.which("swift")
    return swift and shutil.which(program, path=str(Path(swift).resolve().parent))


class Clock:
    """Pass `environment` to the process, then `set` its clock as often as needed."""

    def __init__(self, folder: Path):
        compiler = shutil.which("cc") or shutil.which("clang") or beside_swift("clang")
        assert compiler, "neither `cc` nor Swift's `clang` is installed"
        self.library, self.file = folder / "clock.so", folder / "clock"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE], check=True)
        self.off = 0
        self.file.write_bytes(struct.pack("@l", 0))

    @property
    def environment(self) -> dict:
        return {"LD_PRELOAD": str(self.library), "WALL_CLOCK_FILE": str(self.file)}

    def set(self, off: int):
        """Shifts the clock by `off` seconds from now on. The process sees it when it reads the clock next."""
        self.off = off
        with open(self.file, "r+b") as file:
            file.write(struct.pack("@l", off))

    def now(self) -> int:
        return int(time.time()) + self.off
