# SPDX-License-Identifier: Apache-2.0
"""Names with addresses of the test's choice, for one process; and addresses that never answer."""

import contextlib
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from .clock import beside_swift

SOURCE = Path(__file__).with_name("names.c")


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


class Names:
    """Pass `environment` to the process."""

    def __init__(self, folder: Path, **names):
        """`names`: for each name, with `_` for dots, its addresses in order."""
        compiler = shutil.which("cc") or shutil.which("clang") or beside_swift("clang")
        assert compiler, "neither `cc` nor Swift's `clang` is installed"
        self.library, self.file = folder / "names.so", folder / "names"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE, "-ldl"], check=True)
        self.file.write_text("".join(f"{name.replace('_', '.')} {' '.join(addresses)}\n" for name, addresses in names.items()))

    @property
    def environment(self) -> dict:
        return {"LD_PRELOAD": str(self.library), "NAMES_FILE": str(self.file)}


class BlackHole:
    """Attempts to connect to it never end: its queue is full, and nothing is accepted."""

    def __init__(self, host: str, port: int = 0):
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.bind((host, port))
        self.listener.listen(0)
        self.address = (host, self.listener.getsockname()[1])
        self.port = self.address[1]
        self.waiting = []
        while len(self.waiting) < 64:
            probe = socket.socket(self.listener.family)
            probe.settimeout(0.2)
            try:
                probe.connect(self.address)
            except OSError:
                probe.close()
                return
            self.waiting.append(probe)
        raise AssertionError("the queue never fills")

    def close(self):
        for probe in self.waiting:
            probe.close()
        self.listener.close()


class Relay:
    """Passes connections to `host` and `port` on to another port of loopback."""

    def __init__(self, host: str, port: int, to: int):
        self.listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        self.to = to
        self.count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.count += 1
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
